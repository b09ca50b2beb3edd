"""Approvals at the office: placing one, looking at who would sign before anything is sent, its page, and what can be done with it."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request

import partials
from models import engine
from models.approvals import (
    AlreadyThere,
    ApprovalDocument,
    ApprovalKind,
    ApprovalRequest,
    Former,
    NewPart,
    add_parts,
    already_there,
    answer,
    ask,
    change,
    extend,
    make,
    note_left,
    of_client,
    offer,
    plan_of,
    put_aside,
    record_on_paper,
    remarks_of,
    remove_part,
    send_back,
    sign_off,
    swap_part,
    take_away,
    whole,
    withdraw,
)
from models.approvals.asking import remarks_on
from models.approvals.calling import calls_of
from models.approvals.due import is_pressing, lateness, origin_of
from models.approvals.offering import own_work
from models.approvals.plan_views import PlanView
from models.approvals.reading import SIZE, choices, pages_seen
from models.approvals.records import ROLES
from models.approvals.reminding import next_step, of_request, waits_for_daily
from models.approvals.states import OPEN
from models.certifying.wording import way_of
from models.clients import Client, lists
from models.core import Missing, Refused, Say
from models.drawing import is_shown
from models.requests.making import read_day
from models.settings import Firm
from models.viewer import Permission, Viewer
from web.approval_forms import Placing, kept, parts_of, taken_back
from web.approval_words import ACTS, LEVEL_WORDS, MAIL_WORDS, NEWS_WORDS, PLACE_STATES, SOURCES, STATE_WORDS
from web.clients import page_number
from web.forms import Form, Text
from web.replies import Reply, Toast, go, invalid, show
from web.routing import Access, Routes, viewer_of
from web.uploads import Received

approvals = Routes("approvals", Access.STAFF)


class WhichClient(Form):
    number = Text(most=40, required=True)


@approvals.get("/clients/{client_id:int}/approvals")
async def of_one_client(request: Request, viewer: Viewer, client_id: int) -> Reply:
    """The client's tab; `?state=` narrows it."""
    client = await viewer.clients.get(client_id)
    viewer.require(Permission.VIEW_REQUESTED) if viewer.view_as is None else None
    state, number = request.query_params.get("state", ""), min(page_number(request), 100_000)
    state = state if state in STATE_WORDS else ""
    rows, total = await of_client(viewer, client.id, number, state)
    return show(
        "approvals/client.html", title=client.name, section="clients", client=client, tab="approvals", rows=rows, total=total,
        page=number, size=SIZE, state=state, states=[("", Say("Alles")), *((key, words[0]) for key, words in STATE_WORDS.items())],
        words=STATE_WORDS, base=of_one_client.url(client_id=client_id, state=state or None), may_edit=_may_edit(viewer),
    )  # fmt: skip


@approvals.get("/approvals/new")
async def new_of_any(request: Request, viewer: Viewer) -> Reply:
    """`?number=`: the client's number; then on to the form."""
    viewer.require(Permission.EDIT_APPROVALS)
    number = request.query_params.get("number", "").strip()[:40]
    form = WhichClient.blank(number=number)
    if number:
        if found := await lists.named(viewer, number).select(Client.id, limit=1):
            return go(new.url(client_id=found[0]["id"]))
        form.refuse(Refused("number", Say("Er is geen cliënt “{name}”.", name=number)))
    return (invalid if number else show)("approvals/which.html", title=Say("Ter accordering aanbieden"), section="approvals", form=form)  # fmt: skip


@approvals.get("/clients/{client_id:int}/approvals/new")
async def new(request: Request, viewer: Viewer, client_id: int) -> Reply:
    """`?replaces=` is the request whose place it takes: its kind and period are filled in."""
    viewer.require(Permission.EDIT_APPROVALS)
    client = await viewer.clients.get(client_id)
    form, formers = Placing.blank(), list[Former]()
    asked = request.query_params.get("replaces", "")
    if asked.isdecimal() and len(asked) < 10:
        former = await viewer.scope(ApprovalRequest).where(ApprovalRequest.client == client.id).get(int(asked))
        form = Placing.blank(
            **_filled_in(former, await viewer.scope(ApprovalKind).get(former.kind)), replaces=asked, former="replace"
        )
        formers = await already_there(client.id, former.kind, former.book_year, former.period)
    return await _form(viewer, client, form, show, formers=formers)


def _filled_in(request: ApprovalRequest, kind: ApprovalKind) -> dict[str, Any]:
    """Where it goes only if somebody typed that: else it is as the kind has it, whatever kind is chosen."""
    amount = "" if request.amount is None else f"{request.amount / 100:.2f}".replace(".", ",")
    return {
        "kind": request.kind, "book_year": str(request.book_year or ""), "period": request.period, "title": request.title,
        "addressee": "" if request.addressee == kind.addressee else request.addressee, "amount": amount, "message": request.message, "responsible": request.responsible or 0,
    }  # fmt: skip


async def _may_place(request: Request, viewer: Viewer, client_id: int) -> None:
    viewer.require(Permission.EDIT_APPROVALS, await viewer.clients.get(client_id))


@approvals.upload("/clients/{client_id:int}/approvals", before=_may_place, after=parts_of)
async def create(
    request: Request, viewer: Viewer, received: Received, prepared: tuple[list[NewPart], Refused | None], client_id: int
) -> Reply:
    """A draft: its page shows who would sign, before anything is sent. What was uploaded is kept when the form is not right yet."""
    client = await viewer.clients.get(client_id)
    form = Placing(received.fields)
    form.general = []
    form.validate()
    parts = taken_back(received.fields, viewer.user.id) + prepared[0]
    formers: list[Former] = []
    try:
        if prepared[1]:
            raise prepared[1]
        values = form.values()
        if not form.errors:
            made = await make(client, values, parts, by=viewer)
            return go(page.url(approval_id=made.id), toast=Say("Het concept staat klaar. Er is nog niets verstuurd."))
    except AlreadyThere as there:
        formers = there.formers
        form.replaces.data = str(formers[0].id)
        form.refuse(Refused("", there.why))
    except Refused as refused:
        form.refuse(refused)
    return await _form(viewer, client, form, invalid, parts=parts, formers=formers)


async def _form(
    viewer: Viewer, client: Client, form: Placing, make_: Callable[..., Reply], *, parts: list[NewPart] | None = None,
    formers: list[Former] | None = None, request: ApprovalRequest | None = None,
) -> Reply:  # fmt: skip
    form.choose_from(await choices(viewer, client.id))
    return make_(
        "approvals/new.html", title=Say("Ter accordering aanbieden"), section="clients", client=client, tab="approvals", form=form,
        parts=[(part, kept(part, viewer.user.id)) for part in parts or []], formers=formers or [], request=request, words=STATE_WORDS,
    )  # fmt: skip


@approvals.get("/approvals/{approval_id:int}")
async def page(request: Request, viewer: Viewer, approval_id: int) -> Reply:
    return await _page(viewer, await _get(viewer, approval_id), show)


async def _get(viewer: Viewer, approval_id: int) -> ApprovalRequest:
    found: ApprovalRequest = await viewer.scope(ApprovalRequest).get(approval_id)
    return found


async def _page(viewer: Viewer, found: ApprovalRequest, make_: Callable[..., Reply], **more: Any) -> Reply:
    everything = await whole(viewer, found)
    is_unsent = found.state in ("draft", "sign_off")
    plan = await plan_of(found) if is_unsent else None
    mailed, silent = plan.told if plan else ({}, {})
    told = (
        [[name for id, name in mailed.items() if (id in plan.at_once) == now] for now in (True, False)]
        if plan
        else [[], []]
    )
    mails = [] if is_unsent else await of_request(found.id)
    unheard = waits_for_daily(mails, everything.places) if found.state in OPEN else []
    name = " ".join(one for one in (everything.row["kind_name"], everything.row["period_name"]) if one)
    return make_(
        "approvals/page.html", title=name, section="clients", request=found, whole=everything, row=everything.row, plan=plan, told=[*told, list(silent.values())], unheard=unheard, pressing=is_pressing(found.internal_due, found.legal_due), batch=str(uuid.uuid4()),
        origin=origin_of(found, everything.row) if is_unsent else None, late=lateness(found.internal_due, found.legal_due) if is_unsent else None, name=name, sources=SOURCES, words=STATE_WORDS, place_states=PLACE_STATES, roles=ROLES, acts=ACTS, levels=LEVEL_WORDS,
        remarks=[] if is_unsent else await remarks_on(found), seen={} if is_unsent else await pages_seen(found.id), is_open=found.state in OPEN,
        shown={part.id for part in (*everything.main, *everything.attachments, *everything.scans) if is_shown(part.mime, part.name)},
        told_of=_NOTHING_TOLD if is_unsent else {"mails": mails, "calls": await calls_of(found.id), "next": next_step(found, everything.row)},
        way=_way, news_words=NEWS_WORDS, mail_words=MAIL_WORDS, may_edit=_may_edit(viewer), may_sign_off=viewer.view_as is None and viewer.may(Permission.SIGN_OFF),
        own_work=await own_work(found, viewer) if found.state == "sign_off" else "", **(_NOTHING_TYPED | more),
    )  # fmt: skip


def _way(one: dict[str, Any]) -> str:
    """By what somebody proved who he was, of a place or an act."""
    said = way_of({"act": one.get("act", ""), "level": one["level"], "method": one["method"]})
    return said.of(partials.language())


_NOTHING_TOLD: dict[str, Any] = {"mails": [], "calls": [], "next": None}
_NOTHING_TYPED: dict[str, Any] = {
    "said": "",
    "said_why": None,
    "on_paper": None,
    "on_paper_why": None,
    "on_paper_scans": [],
    "due": None,
    "due_why": None,
    "ending": None,
    "ending_why": None,
}


def _may_edit(viewer: Viewer) -> bool:
    return viewer.view_as is None and viewer.may(Permission.EDIT_APPROVALS)


@approvals.get("/approvals/{approval_id:int}/edit")
async def edit(request: Request, viewer: Viewer, approval_id: int) -> Reply:
    viewer.require(Permission.EDIT_APPROVALS)
    found = await _get(viewer, approval_id)
    form = Placing.blank(
        **_filled_in(found, await viewer.scope(ApprovalKind).get(found.kind)), former="replace" if found.replaces else "", replaces=str(found.replaces or ""),
        internal_due=found.internal_due.isoformat() if found.internal_due else "",
        legal_due=found.legal_due.isoformat() if found.legal_due else "",
        dated_on=found.dated_on.isoformat() if found.dated_on else "",
        viewers=[one["person"] for one in (await whole(viewer, found)).places if one["step"] == 0],
    )  # fmt: skip
    return await _form(viewer, await viewer.clients.get(found.client), form, show, request=found)


@approvals.post("/approvals/{approval_id:int}/edit")
async def save_edit(request: Request, viewer: Viewer, approval_id: int) -> Reply:
    found = await _get(viewer, approval_id)
    form, formers = await Placing.read(request), list[Former]()
    try:
        values = form.values()
        if not form.errors:
            await change(found, values, by=viewer)
            return go(page.url(approval_id=found.id), toast=Say("Bewaard."))
    except AlreadyThere as there:
        formers = there.formers
        form.replaces.data = str(formers[0].id)
        form.refuse(Refused("", there.why))
    except Refused as refused:
        form.refuse(refused)
    client = await viewer.clients.get(found.client)
    return await _form(viewer, client, form, invalid, request=found, formers=formers)


@approvals.post("/approvals/{approval_id:int}/offer")
async def offer_(request: Request, viewer: Viewer, approval_id: int) -> Reply:
    found = await _get(viewer, approval_id)
    plan = await plan_of(found)
    try:
        state = await offer(found, by=viewer)
    except Refused as refused:
        return _refused(found.id, refused)
    told = (
        Say("Ter autorisatie voorgelegd aan een collega.")
        if state == "sign_off"
        else await _heard(Say("Aangeboden."), plan)
    )
    return go(page.url(approval_id=found.id), toast=told)


async def _heard(done: Say, plan: PlanView) -> Say:
    """What was done, and when those who are asked hear of it."""
    mailed, now = len(plan.told[0]), len(plan.at_once)
    when = (await Firm.load()).daily_when
    if not mailed:
        return Say("{done} Niemand krijgt een mail; wie aan de beurt is, ziet het in het portaal.", done=done)
    if now == mailed:
        return Say("{done} Wie aan de beurt is, krijgt meteen een mail.", done=done)
    if not now:
        return Say("{done} Wie aan de beurt is, leest het in de dagelijkse mail, {when}.", done=done, when=when)
    return Say(
        "{done} Wie aan de beurt is, krijgt meteen een mail of leest het in de dagelijkse, {when}.",
        done=done,
        when=when,
    )


@approvals.post("/approvals/{approval_id:int}/sign-off")
async def sign_off_(request: Request, viewer: Viewer, approval_id: int) -> Reply:
    found = await _get(viewer, approval_id)
    return await _do(found.id, sign_off(found, by=viewer), await _heard(Say("Geautoriseerd en aangeboden."), await plan_of(found)))  # fmt: skip


@approvals.post("/approvals/{approval_id:int}/return")
async def return_(request: Request, viewer: Viewer, approval_id: int) -> Reply:
    found = await _get(viewer, approval_id)
    return await _do(found.id, send_back(found, await _field(request, "reason"), by=viewer), Say("Teruggestuurd met de reden."))  # fmt: skip


@approvals.post("/approvals/{approval_id:int}/withdrawal")
async def withdraw_(request: Request, viewer: Viewer, approval_id: int) -> Reply:
    found, reason = await _get(viewer, approval_id), await _field(request, "reason")
    try:
        await withdraw(found, reason, by=viewer)
    except Refused as refused:
        if not refused.field:
            return _refused(found.id, refused)
        return await _page(viewer, found, invalid, ending=reason, ending_why=refused.why)
    return go(page.url(approval_id=found.id), toast=Say("De accordering is ingetrokken."))


@approvals.post("/approvals/{approval_id:int}/deadlines")
async def deadlines(request: Request, viewer: Viewer, approval_id: int) -> Reply:
    found, form = await _get(viewer, approval_id), await request.form()
    typed = {name: str(form.get(name, "")) for name in ("internal_due", "legal_due")}
    try:
        internal, legal = (read_day(text, name) for name, text in typed.items())
        await extend(found, internal, legal, by=viewer)
    except Refused as refused:
        if not refused.field:
            return _refused(found.id, refused)
        return await _page(viewer, found, invalid, due=typed, due_why=refused.why)
    return go(page.url(approval_id=found.id), toast=Say("De deadlines zijn bewaard."))


@approvals.post("/approvals/{approval_id:int}/remarks")
async def remark(request: Request, viewer: Viewer, approval_id: int) -> Reply:
    """An answer where the client asked something, else a question or a word to the client."""
    found = await _get(viewer, approval_id)
    text = await _field(request, "text")
    waits = any(one["side"] == "client" and one["settled_at"] is None for one in await remarks_of(found, viewer))
    try:
        await (answer if waits else ask)(found, text, by=viewer)
    except Refused as refused:
        return await _page(viewer, found, invalid, said=text, said_why=refused.why)
    return go(page.url(approval_id=found.id) + "#remarks", toast=Say("Verstuurd."))


@approvals.post("/approvals/{approval_id:int}/remarks/aside")
async def aside(request: Request, viewer: Viewer, approval_id: int) -> Reply:
    found = await _get(viewer, approval_id)
    return await _do(found.id, put_aside(found, by=viewer), Say("De vraag is afgesloten."))


async def _may_change(request: Request, viewer: Viewer, approval_id: int, **more: int) -> None:
    viewer.require(Permission.EDIT_APPROVALS, await _get(viewer, approval_id))


async def _attached(received: Received) -> tuple[list[NewPart], Refused | None]:
    """As `parts_of`, of what is not approved itself: a scan."""
    parts, wrong = await parts_of(received)
    return [part._replace(part="attachment") for part in parts], wrong


@approvals.upload("/approvals/{approval_id:int}/parts", before=_may_change, after=parts_of)
async def add(
    request: Request,
    viewer: Viewer,
    received: Received,
    prepared: tuple[list[NewPart], Refused | None],
    approval_id: int,
) -> Reply:
    found = await _get(viewer, approval_id)
    parts, wrong = prepared
    if wrong or not parts:
        return _refused(found.id, wrong or Refused("files", Say("Kies eerst een bestand.")))
    return await _do(found.id, add_parts(found, parts, by=viewer), Say("{n} toegevoegd.", n=len(parts)))


@approvals.post("/approvals/{approval_id:int}/parts/{part_id:int}/removal")
async def remove(request: Request, viewer: Viewer, approval_id: int, part_id: int) -> Reply:
    found = await _get(viewer, approval_id)
    return await _do(found.id, remove_part(found, part_id, by=viewer), Say("Verwijderd uit het concept."))


@approvals.upload("/approvals/{approval_id:int}/parts/{part_id:int}/file", before=_may_change, after=parts_of)
async def swap(
    request: Request, viewer: Viewer, received: Received, prepared: tuple[list[NewPart], Refused | None], approval_id: int, part_id: int
) -> Reply:  # fmt: skip
    """Another file in its place: approvals that were given are void, and it is asked anew."""
    found = await _get(viewer, approval_id)
    parts, wrong = prepared
    if wrong or not parts:
        return _refused(found.id, wrong or Refused("files", Say("Kies eerst een bestand.")))
    return await _swapped(found, swap_part(found, part_id, parts[0], by=viewer))


async def _swapped(found: ApprovalRequest, swapping: Awaitable[list[int]]) -> Reply:
    before = found.version
    try:
        voided = await swapping
    except Refused as refused:
        return _refused(found.id, refused)
    if found.version == before:
        return go(page.url(approval_id=found.id), toast=Say("Teruggezet: het is weer het bestand dat is aangeboden."))
    said = {0: Say("Vervangen."), 1: Say("Vervangen. Het gegeven akkoord is vervallen en wordt opnieuw gevraagd.")}
    more = Say("Vervangen. {n} gegeven akkoorden zijn vervallen en worden opnieuw gevraagd.", n=len(voided))
    return go(page.url(approval_id=found.id), toast=said.get(len(voided), more))


async def _left(request: Request, form: Any) -> NewPart | None:
    """The note, before the unit; None for who may not see the part, which the handler refuses."""
    if not request.user.is_authenticated or request.user.kind != "staff":
        return None
    async with engine.reading():
        viewer = await viewer_of(request.user, request.scope.get("poort.session_id", 0))
        part = await viewer.scope(ApprovalDocument).where(ApprovalDocument.id == request.path_params["part_id"]).find()
    return await note_left(part) if part else None


@approvals.post("/approvals/{approval_id:int}/parts/{part_id:int}/note", before=_left)
async def take_away_(
    request: Request, viewer: Viewer, approval_id: int, part_id: int, prepared: NewPart | None
) -> Reply:
    """An attachment with a virus: a note that says so comes in its place."""
    found = await _get(viewer, approval_id)
    if prepared is None:
        raise Missing("ApprovalDocument", part_id)
    return await _swapped(found, take_away(found, part_id, prepared, by=viewer))


@approvals.upload("/approvals/{approval_id:int}/paper", before=_may_change, after=_attached)
async def paper(
    request: Request,
    viewer: Viewer,
    received: Received,
    prepared: tuple[list[NewPart], Refused | None],
    approval_id: int,
) -> Reply:
    """Signed on paper: who, when, and the scan."""
    found = await _get(viewer, approval_id)
    parts = taken_back(received.fields, viewer.user.id) + prepared[0]
    typed = {name: str(received.fields.get(name, "")) for name in ("signed_by", "signed_on", "remark")}
    try:
        if prepared[1]:
            raise prepared[1]
        day = read_day(typed["signed_on"], "signed_on")
        if day is None:
            raise Refused("signed_on", Say("Vul in wanneer er getekend is."))
        await record_on_paper(found, parts, typed["signed_by"], day, typed["remark"], by=viewer)
    except Refused as refused:
        scans = [(part, kept(part, viewer.user.id)) for part in parts]
        return await _page(viewer, found, invalid, on_paper=typed, on_paper_why=refused.why, on_paper_scans=scans)
    return go(page.url(approval_id=found.id), toast=Say("Vastgelegd als op papier akkoord."))


async def _field(request: Request, name: str) -> str:
    return str((await request.form()).get(name, ""))


def _refused(approval_id: int, refused: Refused) -> Reply:
    return go(page.url(approval_id=approval_id), toast=Toast(refused.why, "attention"))


async def _do(approval_id: int, change_: Awaitable[Any], done: Say) -> Reply:
    """Back to its page, with what was done or why it was not."""
    try:
        await change_
    except Refused as refused:
        return _refused(approval_id, refused)
    return go(page.url(approval_id=approval_id), toast=done)
