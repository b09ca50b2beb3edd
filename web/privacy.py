"""Beheer > Privacy: requests for access and erasure, what is known of a person, and taking out what may be taken out."""

from __future__ import annotations

import asyncio
import datetime as dt
import html
import io
import json
import zipfile
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

import partials
from models import privacy as requests_
from models.accounts import User
from models.core import Missing, Refused, Say
from models.keeping.holds import on_person
from models.privacy import Part, PrivacyRequest, everything, may_handle, preview
from models.retention import ANCHORS
from models.settings import Firm, this_day, utcnow
from models.viewer import Viewer
from web.clients import page_number
from web.proof import asks_proof
from web.replies import Reply, go, invalid, show
from web.routing import Access, Routes
from web.trail import day_of, named_field, sentence

privacy = Routes("privacy", Access.STAFF)

SIZE = 50
KINDS = {"access": Say("Inzage"), "erasure": Say("Verwijdering")}
STATES = {"open": Say("Open"), "done": Say("Afgehandeld"), "refused": Say("Niet uitgevoerd")}
FATES = {"deleted": Say("Gewist"), "blanked": Say("Leeggemaakt"), "kept": Say("Bewaard")}
_COLUMNS = {
    "at": Say("Wanneer"), "created_at": Say("Gemaakt"), "seen_at": Say("Laatst gezien"), "ended_at": Say("Beëindigd"),
    "expires_at": Say("Verloopt"), "address": Say("Adres"), "agent": Say("Apparaat"), "state": Say("Toestand"), "id": Say("Nummer"),
    "person": Say("Persoon (nummer)"), "client": Say("Cliënt (nummer)"), "operation": Say("Handeling"), "detail": Say("Bijzonderheden"),
    "subject_line": Say("Onderwerp"), "finished_at": Say("Klaar"), "name": Say("Naam"), "full_name": Say("Volledige naam"),
}  # fmt: skip


@privacy.get("/privacy")
async def list_(request: Request, viewer: Viewer) -> Reply:
    _allow(viewer)
    number = min(page_number(request), 1_000_000)
    rows, total = await requests_.requests(number, SIZE)
    today = this_day()
    return show(
        "privacy/list.html", title=Say("Privacy"), section="privacy", rows=rows, total=total, page=number, size=SIZE,
        base=list_.url(), kinds=KINDS, states=STATES, today=today,
    )  # fmt: skip


@privacy.get("/privacy/requests/{request_id:int}")
async def answer(request: Request, viewer: Viewer, request_id: int) -> Reply:
    """One request and, of an erasure, the answer: item by item what went, and on which ground the rest stays."""
    _allow(viewer)
    one = await viewer.scope(PrivacyRequest).get(request_id)
    return show(
        "privacy/answer.html", title=Say("Verzoek"), section="privacy", one=one, kinds=KINDS, states=STATES, fates=FATES,
        anchors=ANCHORS,
    )  # fmt: skip


@privacy.get("/privacy/requests/{request_id:int}/letter")
async def letter(request: Request, viewer: Viewer, request_id: int) -> Response:
    """The answer as plain text, to send to the person."""
    _allow(viewer)
    one = await viewer.scope(PrivacyRequest).get(request_id)
    firm = await Firm.load()
    with partials.speaking(viewer.user.language):
        text = partials.render("privacy/letter.html", one=one, firm=firm, anchors=ANCHORS, today=utcnow())
    return Response(
        html.unescape(text), media_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="antwoord-{one.id}.txt"', "Cache-Control": "no-store"},
    )  # fmt: skip


@privacy.post("/privacy/requests/{request_id:int}/refusal")
async def refuse(request: Request, viewer: Viewer, request_id: int) -> Reply:
    one = await viewer.scope(PrivacyRequest).get(request_id)
    await one.refuse(by=viewer)
    return go(list_.url(), toast=Say("Het verzoek is gesloten."))


@privacy.get("/users/{user_id:int}/privacy")
async def person(request: Request, viewer: Viewer, user_id: int) -> Reply:
    """Everything that is known of one person, to read."""
    who = await _person(viewer, user_id)
    if asked := await asks_proof(request, viewer):
        return asked
    return show("privacy/person.html", **await _person_page(who))


@privacy.post("/users/{user_id:int}/privacy/requests")
async def ask(request: Request, viewer: Viewer, user_id: int) -> Reply:
    """That he asked, and when: the answer is due a month later."""
    who = await _person(viewer, user_id)
    form = await request.form()
    kind, day = str(form.get("kind", "")), day_of(form.get("asked_on"))
    try:
        if kind not in KINDS or day is None:
            raise Refused("asked_on", Say("Kies wat er gevraagd is, en op welke dag."))
        await requests_.ask_for(who, kind, day, by=viewer)
    except Refused as refused:
        return invalid("privacy/person.html", **(await _person_page(who) | {"why": refused.why}))
    return go(list_.url(), toast=Say("Het verzoek is genoteerd."))


@privacy.post("/users/{user_id:int}/privacy/archive")
async def archive(request: Request, viewer: Viewer, user_id: int) -> Reply | Response:
    """A zip with everything: to read, and for machines."""
    who = await _person(viewer, user_id)
    if asked := await asks_proof(request, viewer, person.url(user_id=user_id)):
        return asked
    parts = await requests_.hand_over(who, by=viewer)
    firm = await Firm.load()
    with partials.speaking(viewer.user.language):
        page = partials.render("privacy/readable.html", **_readable(who, parts), firm=firm, lang=viewer.user.language)
    book = await asyncio.to_thread(_zip, parts, page)
    headers = {"Content-Disposition": f'attachment; filename="inzage-{user_id}.zip"', "Cache-Control": "no-store"}
    return Response(book, media_type="application/zip", headers=headers)


@privacy.get("/users/{user_id:int}/privacy/erasure")
async def erasure(request: Request, viewer: Viewer, user_id: int) -> Reply:
    """Item by item what would go, what would be emptied, and on which ground the rest stays."""
    who = await _person(viewer, user_id)
    return show("privacy/erasure.html", **await _erasure(who))


@privacy.post("/users/{user_id:int}/privacy/erasure")
async def erase(request: Request, viewer: Viewer, user_id: int) -> Reply:
    who = await _person(viewer, user_id)
    if asked := await asks_proof(request, viewer, erasure.url(user_id=user_id)):
        return asked
    typed = str((await request.form()).get("name", ""))[:400]
    try:
        done = await requests_.erase(who, typed, by=viewer)
    except Refused as refused:
        return invalid("privacy/erasure.html", **(await _erasure(who) | {"typed": typed, "why": refused.why}))
    return go(answer.url(request_id=done.id), toast=Say("De persoon is gewist. Hieronder staat wat ging en wat bleef."))


def _allow(viewer: Viewer) -> None:
    if not may_handle(viewer):
        raise Missing("privacy")


async def _person(viewer: Viewer, user_id: int) -> User:
    who = await viewer.users.get(user_id)
    _allow(viewer)
    return who


async def _person_page(who: User) -> dict[str, Any]:
    return {"title": who.display_name, "section": "privacy", "today": this_day(), "why": None} | _readable(
        who, await everything(who)
    )


def _readable(who: User, parts: list[Part]) -> dict[str, Any]:
    return {
        "who": who,
        "parts": [
            (part.title, [[(_COLUMNS.get(name) or named_field(name), _told(name, value, row)) for name, value in row.items()] for row in part.rows])
            for part in parts
        ],
    }  # fmt: skip


def _told(name: str, value: Any, row: dict[str, Any]) -> Any:
    """As it is read: moments and days in words; a line of the log as its sentence."""
    if name == "operation" and "detail" in row:
        return sentence({"operation": value, "detail": row["detail"]})
    if isinstance(value, dt.datetime):
        return partials.moment(value)
    if isinstance(value, dt.date):
        return f"{value:%d-%m-%Y}"
    return "–" if value in (None, "") else str(value)


def _zip(parts: list[Part], page: str) -> bytes:
    out = io.BytesIO()
    data = {part.table: part.rows for part in parts}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("gegevens.json", json.dumps(data, ensure_ascii=False, indent=1, default=str))
        book.writestr("gegevens.html", page)
    return out.getvalue()


async def _erasure(who: User) -> dict[str, Any]:
    return {
        "title": Say("Verwijderverzoek"), "section": "privacy", "who": who, "items": await preview(who), "fates": FATES, "holds": await on_person(who),
        "anchors": ANCHORS, "typed": "", "why": None,
    }  # fmt: skip
