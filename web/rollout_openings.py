"""Opening the gates: choose, see who gets what, open, take it back, and follow what becomes of everybody."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from models import config
from models.accounts import User, codes
from models.clients.reached import reached_by
from models.clients.tone import addressed
from models.core import Missing, Refused, Say
from models.rollout import FATES, Opening, counted, people_of, prepare_opening, readiness
from models.rollout.fates import left_out, opened
from models.settings import Firm, utcnow
from models.viewer import Viewer
from partials import mails
from web.invitations import slips
from web.replies import Reply, Toast, changed, go, invalid, show, wants_fragment
from web.rollout import allow, filter_of, page_number
from web.routing import Access, Routes

rollout_openings = Routes("rollout", Access.STAFF)

SIZE = 50
# the mail's own document: its style, and nothing from anywhere
_MAIL_CSP = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; sandbox; frame-ancestors 'self'"


@rollout_openings.get("/rollout/openings")
async def openings(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    number = page_number(request)
    rows, total = await opened(viewer, utcnow(), page=number, size=SIZE)
    return show(
        "rollout/openings.html",
        title=Say("Geopende poorten"),
        section="rollout",
        rows=rows,
        total=total,
        page=number,
        size=SIZE,
        base=openings.url(),
    )


@rollout_openings.post("/rollout/openings")
async def prepare(request: Request, viewer: Viewer) -> Reply:
    """A draft for whom `who` says (ready, all, group-7); without it for the ticked clients, or all that match the matrix."""
    form, firm = await request.form(), await Firm.load()
    chosen, selection, only_ready = await _chosen(viewer, form)
    found = await readiness.people_of_clients(viewer, firm, **chosen)
    if selection.get("who") != "ready" and (alone := await readiness.clients_without_people(viewer, firm, **chosen)):
        selection |= {"alone": len(alone), "alone_names": alone[:5]}
    opening = await prepare_opening(
        viewer.users.where(readiness.among(found)), by=viewer, selection=selection, only_ready=only_ready
    )
    return go(opening_.url(opening_id=opening.id))


async def _chosen(viewer: Viewer, form: Any) -> tuple[dict[str, Any], dict[str, Any], bool]:
    """Which clients (as people_of_clients asks), what stays written of that choice, and whether only who is ready gets a mail."""
    who = str(form.get("who") or "")
    if who in ("ready", "all"):
        return {}, {"who": who}, who == "ready"
    if who.startswith("group-"):
        group = await viewer.groups.get(_number(who.removeprefix("group-")))
        return {"group": group.id}, {"who": "group", "name": group.name}, True
    only_ready = form.get("only_ready") == "1"
    if form.get("all_matching") == "1":
        chosen = filter_of(form)
        return chosen, {"who": "filter", **chosen}, only_ready
    ids = [_number(one) for one in form.getlist("ids")]
    return {"ids": ids}, {"who": "clients", "count": len(ids)}, only_ready


def _number(text: Any) -> int:
    """What is no number of ours is nobody's."""
    return int(str(text)) if str(text).isdecimal() and len(str(text)) < 10 else 0


@rollout_openings.get("/rollout/openings/{opening_id:int}")
async def opening_(request: Request, viewer: Viewer, opening_id: int) -> Reply:
    return show(
        "rollout/opening.html",
        title=Say("Poorten openen"),
        section="rollout",
        **await _opening(request, viewer, opening_id),
    )


@rollout_openings.get("/rollout/openings/{opening_id:int}/people")
async def people(request: Request, viewer: Viewer, opening_id: int) -> Reply:
    template = "rollout/people.html" if wants_fragment(request) else "rollout/opening.html"
    return show(template, title=Say("Poorten openen"), section="rollout", **await _opening(request, viewer, opening_id))


@rollout_openings.get("/rollout/openings/{opening_id:int}/mail/{user_id:int}")
async def mail(request: Request, viewer: Viewer, opening_id: int, user_id: int) -> Response:
    """The invitation as this person gets it, but for the link, which does not exist yet."""
    allow(viewer)
    opening = await viewer.openings.get(opening_id)
    composed = await _composed(viewer, await viewer.users.get(user_id), opening)
    return HTMLResponse(
        composed.html,
        headers={"Content-Security-Policy": _MAIL_CSP, "Cache-Control": "no-store", "X-Frame-Options": "SAMEORIGIN"},
    )


@rollout_openings.post("/rollout/openings/{opening_id:int}/choices")
async def choose(request: Request, viewer: Viewer, opening_id: int) -> Reply:
    form, opening = await request.form(), await viewer.openings.get(opening_id)
    typed = str(form.get("days", "")).strip()
    days = None if "days" not in form else _number(typed)
    again, only_ready = form.get("again") == "1", form.get("only_ready") == "1"
    try:
        await opening.choose(again=again, only_ready=only_ready, days=days, by=viewer)
    except Refused as refused:
        if refused.field != "days":
            raise
        wrong = {"days_wrong": refused.why, "days_typed": typed[:9]}
        context = {**await _opening(request, viewer, opening_id), **wrong}
        return invalid("rollout/opening.html", title=Say("Poorten openen"), section="rollout", **context)
    return await _after(request, viewer, opening_id)


@rollout_openings.post("/rollout/openings/{opening_id:int}/slips")
async def print_codes(request: Request, viewer: Viewer, opening_id: int) -> Reply:
    """The next codes on paper, each shown this once."""
    opening = await viewer.openings.get(opening_id)
    try:
        found = await opening.print_codes(by=viewer)
    except Refused as refused:
        return go(opening_.url(opening_id=opening_id), toast=Toast(refused.why, "attention"))
    left, more = await codes.waiting(opening_id), print_codes.url(opening_id=opening_id)
    return slips(found, back=opening_.url(opening_id=opening_id), left=left, more=more)


@rollout_openings.post("/rollout/openings/{opening_id:int}/start")
async def start(request: Request, viewer: Viewer, opening_id: int) -> Reply:
    await (await viewer.openings.get(opening_id)).start(by=viewer)
    return await _after(request, viewer, opening_id)


@rollout_openings.post("/rollout/openings/{opening_id:int}/undo")
async def undo(request: Request, viewer: Viewer, opening_id: int) -> Reply:
    outcome = await (await viewer.openings.get(opening_id)).undo(by=viewer)
    words = Say("Ongedaan gemaakt: er is niets verstuurd.")
    if outcome.sent:
        words = Say(
            "{n} uitnodigingen ingetrokken; {sent} waren al verstuurd en blijven geldig.",
            n=outcome.withdrawn,
            sent=outcome.sent,
        )
    return go(opening_.url(opening_id=opening_id), toast=words)


@rollout_openings.post("/rollout/openings/{opening_id:int}/people/{user_id:int}/copies")
async def send_again(request: Request, viewer: Viewer, opening_id: int, user_id: int) -> Reply:
    await (await viewer.openings.get(opening_id)).send_again(user_id, by=viewer)
    return changed(
        "rollout/people.html", then=opening_.url(opening_id=opening_id), toast=Say("Er gaat een nieuwe uitnodiging uit."),
        **await _opening(request, viewer, opening_id),
    )  # fmt: skip


async def _after(request: Request, viewer: Viewer, opening_id: int) -> Reply:
    return changed(
        "rollout/opening.html", then=opening_.url(opening_id=opening_id), **await _opening(request, viewer, opening_id)
    )


async def _opening(request: Request, viewer: Viewer, opening_id: int) -> dict[str, Any]:
    allow(viewer)
    opening, asked, now = await viewer.openings.get(opening_id), request.query_params, utcnow()
    fate = asked["fate"] if asked.get("fate") in FATES else ""
    number = page_number(request)
    rows, total = await people_of(opening, now, seen_by=viewer, fate=fate, page=number, size=SIZE)
    firm = await Firm.load()
    base = people.url(opening_id=opening.id, fate=fate or None)
    fates = await counted(opening, now)
    return {
        "opening": opening,
        "rows": rows,
        "total": total,
        "page": number,
        "size": SIZE,
        "fate": fate,
        "fates": fates,
        "chosen": sum(fates.values()),
        "to_mail": sum(fates.values()) - fates["left_out"],
        "left_out": await left_out(opening),
        "base": base,
        "here": people.url(opening_id=opening.id, fate=fate or None, page=number if number > 1 else None),
        "selection": json.loads(opening.selection),
        "missing": await readiness.missing_of_opening(opening.id, firm) if opening.is_draft else {},
        "unready": await readiness.unready_of_opening(opening.id, viewer, firm) if opening.is_draft else [],
        "preview": await _preview(viewer, opening, rows, asked.get("preview", ""))
        if opening.is_draft and not opening.is_on_paper
        else None,
        "days": opening.days_of(firm),
        "to_print": await codes.waiting(opening.id) if opening.is_on_paper else 0,
    }


async def _preview(viewer: Viewer, opening: Opening, rows: list[dict[str, Any]], asked: str) -> dict[str, Any] | None:
    """The mail of the person who was asked for, else of the first who gets one."""
    person = await viewer.users.where(User.id == int(asked)).find() if asked.isdecimal() and len(asked) < 10 else None
    first = next((row["person"] for row in rows if not row["because"]), None)
    if person is None and first is not None:
        person = await viewer.users.get(first)
    return {"person": person, "mail": await _composed(viewer, person, opening)} if person else None


async def _composed(viewer: Viewer, person: User, opening: Opening) -> mails.Composed:
    if person.kind != "client":
        raise Missing("invitation")
    firm = await Firm.load()
    reached = await reached_by([person.id], seen_by=viewer)
    return mails.invitation(
        person.language,
        reached.get(person.id),
        firm=firm,
        person=await addressed(person),
        link=f"{config.settings().base_url}/welcome/…",
        valid_until=readiness.valid_until(opening.days_of(firm)),
    )
