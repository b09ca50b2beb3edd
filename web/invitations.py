"""The board of invitations: who stands where, inviting many again by mail or on paper, and mending an address."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from models.accounts import codes
from models.clients import lists as client_lists
from models.core import Missing, Refused, Say
from models.factors import qr_image
from models.rollout import board, prepare_opening
from models.viewer import Permission, Viewer
from web.clients import ids_of, page_number
from web.proof import asks_proof
from web.replies import Reply, Toast, go, invalid, show, wants_fragment
from web.routing import Access, Routes
from web.sharing import Address

invitations = Routes("invitations", Access.STAFF)

SIZE = 50
STATES = {
    "prepared": Say("Klaargezet"),
    "queued": Say("In de wachtrij"),
    "handed": Say("Afgegeven"),
    "bounced": Say("Niet bezorgd"),
    "opened": Say("Geopend"),
    "expired": Say("Verlopen"),
    "active": Say("Actief"),
    "blocked": Say("Geblokkeerd"),
}


@invitations.get("/invitations")
async def page(request: Request, viewer: Viewer) -> Reply:
    fragment = "invitations/table.html" if wants_fragment(request) else "invitations/page.html"
    return show(fragment, title=Say("Uitnodigingen"), section="invitations", **await _board(request, viewer))


@invitations.post("/invitations/openings")
async def prepare(request: Request, viewer: Viewer) -> Reply:
    """On to the draft that shows how many mails (or codes on paper) there would be, and for whom: nothing is sent here."""
    form = await request.form()
    asked = asked_of(form) if form.get("all_matching") else None
    way = "paper" if form.get("way") == "paper" else "mail"
    ids = ids_of(form)
    selection = {"who": "board", **({name: value for name, value in asked.query().items() if value} if asked else {})}
    try:
        people = await board.picked(viewer, ids, asked)
        opening = await prepare_opening(people, by=viewer, selection=selection, again=way == "mail", way=way)
    except Refused as refused:
        return go(page.url(**asked_of(form).query()), toast=Toast(refused.why, "attention"))
    return go(f"/rollout/openings/{opening.id}")


@invitations.post("/invitations/{user_id:int}/address")
async def change_address(request: Request, viewer: Viewer, user_id: int) -> Reply:
    """The old link dies with the old address; he is to be invited again."""
    person = await _person(viewer, user_id)
    if person.state == "active" and (asked := await asks_proof(request, viewer)):
        return asked
    form = await Address.read(request)
    if await form.submit(person.change_email, by=viewer):
        words = Say("Het adres van {who} is bewaard.", who=person.display_name)
        if person.state == "prepared":
            words = Say(
                "Het adres van {who} is bewaard. De oude uitnodiging werkt niet meer: nodig opnieuw uit.",
                who=person.display_name,
            )
        return go(await _back(request), toast=words)
    wrong = {
        "person": person.id,
        "why": form.all_errors[0][1],
        "typed": form.email.data,
        "shares": bool(form.shares.errors),
    }
    context = {**await _board(request, viewer, await request.form()), "wrong": wrong}
    return invalid("invitations/page.html", title=Say("Uitnodigingen"), section="invitations", **context)


@invitations.post("/invitations/{user_id:int}/bounce")
async def mark_bounced(request: Request, viewer: Viewer, user_id: int) -> Reply:
    person = await _person(viewer, user_id)
    try:
        await board.mark_bounced(person, by=viewer)
    except Refused as refused:
        return go(await _back(request), toast=Toast(refused.why, "attention"))
    words = Say("Genoteerd: de mail aan {who} kwam terug.", who=person.display_name)
    return go(await _back(request), toast=words, undo=mark_arrived.url(user_id=user_id))


@invitations.post("/invitations/{user_id:int}/arrival")
async def mark_arrived(request: Request, viewer: Viewer, user_id: int) -> Reply:
    person = await _person(viewer, user_id)
    try:
        await board.mark_arrived(person, by=viewer)
    except Refused as refused:
        return go(await _back(request), toast=Toast(refused.why, "attention"))
    return go(await _back(request), toast=Say("Teruggenomen: de mail aan {who} is afgegeven.", who=person.display_name))


@invitations.get("/users/{user_id:int}/activation-code")
async def code(request: Request, viewer: Viewer, user_id: int) -> Reply:
    """Before it is made: what it means. Changes nothing."""
    person = await _person(viewer, user_id)
    return show(
        "invitations/code.html",
        title=Say("Activeringscode"),
        section="users",
        person=person,
        why_not=await codes.why_no_code(person),
        last=await codes.code_of(person.id),
    )


@invitations.post("/users/{user_id:int}/activation-code")
async def make_code(request: Request, viewer: Viewer, user_id: int) -> Reply:
    """The slip, shown this once."""
    person = await _person(viewer, user_id)
    try:
        made, until = await codes.make_code(person, by=viewer)
    except Refused as refused:
        return go(code.url(user_id=user_id), toast=Toast(refused.why, "attention"))
    slip = {"code": made, "full_name": person.display_name, "expires_at": until}
    return slips([slip], back=f"/users/{user_id}")


def slips(found: list[dict[str, Any]], *, back: str, left: int = 0, more: str = "") -> Reply:
    """The page of slips to print. The QR codes are drawn while the page is written, after the unit."""
    return show(
        "invitations/slips.html",
        title=Say("Activeringscodes"),
        section="invitations",
        slips=found,
        back=back,
        left=left,
        more=more,
        written=codes.written,
        qr=lambda one: qr_image(codes.address_of(one)),
        address=codes.address_of("").removesuffix("#").partition("://")[2],
    )


# what was asked, and what the page shows


def asked_of(form: Any) -> board.Asked:
    """Of an address or a form; nonsense narrows nothing."""
    state, trouble = form.get("state", ""), form.get("trouble", "")
    return board.Asked(
        q=str(form.get("q", "")).replace("\x00", "")[:100],
        state=state if state in board.BOARD else "",
        group=_whole(form.get("group")),
        client=_whole(form.get("client")),
        opening=_whole(form.get("opening")),
        trouble=trouble if trouble in board.TROUBLE else "",
        responsible=_whole(form.get("responsible")),
    )


async def _board(request: Request, viewer: Viewer, form: Any = None) -> dict[str, Any]:
    if not viewer.may(Permission.VIEW_ROLLOUT):
        raise Missing("invitations")
    asked, number = asked_of(form if form is not None else request.query_params), page_number(request)
    found = await board.counts(viewer, asked)
    total = found[asked.state] if asked.state else sum(found.values())
    number = min(number, max(1, -(-total // SIZE)))
    query = asked.query()
    return {
        "asked": asked,
        "counts": found,
        "everybody": sum(found.values()),
        "total": total,
        "page": number,
        "size": SIZE,
        "rows": await board.page(viewer, asked, number, SIZE) if total else [],
        "states": STATES,
        "by_state": {name: page.url(**{**query, "state": name or None}) for name in ("", *board.BOARD)},
        "base": page.url(**query),
        "here": page.url(**query, page=number if number > 1 else None),
        **await client_lists.choices(viewer),
        "openings": await board.openings(viewer),
        "is_narrowed": asked != board.Asked(),
        "wrong": None,
    }


async def _person(viewer: Viewer, user_id: int) -> Any:
    person = await viewer.users.get(user_id)
    if person.kind != "client":
        raise Missing("User", user_id)
    return person


async def _back(request: Request) -> str:
    """The board as it was asked when the button was pressed."""
    return page.url(**asked_of(await request.form()).query())


def _whole(value: Any) -> int | None:
    text = str(value or "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None
