"""Templates of letters: writing one, looking at it with somebody's name in it, and the page that tests the envelope."""

from __future__ import annotations

import asyncio
import functools
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

import partials
from models.core import Refused, Say
from models.letters import LetterTemplate, add_template, change_template, remove_template
from models.letters.showing import as_picture, people, shown
from models.letters.windows import WINDOWS, offset
from models.letters.wording import FIELDS, SUBJECT_MOST, TEXT_MOST
from models.viewer import Viewer
from web.downloads import CSP, disposition
from web.forms import BooleanField, Form, SelectField, Text, TextAreaField
from web.letters import KIND_WORDS, about, allow
from web.replies import Later, Reply, Toast, go, invalid, show
from web.routing import Access, Routes

letter_templates = Routes("letter_templates", Access.STAFF)

ENVELOPES = {
    "c5_left": Say("C5, venster links"), "c5_right": Say("C5, venster rechts"), "dl": Say("DL, venster links"),
}  # fmt: skip


class Template(Form):
    name = Text(most=120, asked=True)
    kind = SelectField(list(KIND_WORDS.items()))
    subject_nl = Text(most=SUBJECT_MOST, asked=True)
    text_nl = TextAreaField()
    portal_nl = TextAreaField()
    subject_en = Text(most=SUBJECT_MOST)
    text_en = TextAreaField()
    portal_en = TextAreaField()
    announces = BooleanField()
    activates = BooleanField()
    envelope = SelectField(list(ENVELOPES.items()))
    offset_x = Text(most=10)
    offset_y = Text(most=10)


@letter_templates.get("/letters/templates")
async def list_(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    rows = await viewer.scope(LetterTemplate).all(LetterTemplate.id)
    return show("letters/templates.html", **about(viewer, Say("Sjablonen van brieven"), rows=rows, envelopes=ENVELOPES))


@letter_templates.get("/letters/templates/new")
async def new(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    start = await viewer.scope(LetterTemplate).all(LetterTemplate.id, limit=1)
    form = _form(start[0]) if start else Template.blank()
    form.name.data = ""
    return show("letters/template.html", **_page(viewer, None, form))


@letter_templates.post("/letters/templates/new")
async def add(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    form = await Template.read(request)
    made: list[LetterTemplate] = []

    async def adding(**values: Any) -> None:
        made.append(await add_template(viewer.scope(LetterTemplate), **values))

    if await form.submit(adding, by=viewer):
        said = Say("Sjabloon “{name}” toegevoegd.", name=made[0].name)
        if made[0].subject_nl != form.subject_nl.data.strip():
            said = Say("{done} De teksten zijn die voor: {kind}.", done=said, kind=KIND_WORDS[made[0].kind])
        return go(page.url(letter_template_id=made[0].id), toast=said)
    return invalid("letters/template.html", **_page(viewer, None, form))


@letter_templates.get("/letters/templates/{letter_template_id:int}")
async def page(request: Request, viewer: Viewer, letter_template_id: int) -> Reply:
    allow(viewer)
    one = await viewer.scope(LetterTemplate).get(letter_template_id)
    return show("letters/template.html", **_page(viewer, one, _form(one)), **await _preview(request, viewer, one))


@letter_templates.post("/letters/templates/{letter_template_id:int}")
async def change(request: Request, viewer: Viewer, letter_template_id: int) -> Reply:
    allow(viewer)
    one = await viewer.scope(LetterTemplate).get(letter_template_id)
    form, typed = await Template.read(request), str((await request.form()).get("seen") or "")
    seen = int(typed) if typed.isdecimal() and len(typed) < 10 else 0
    if await form.submit(functools.partial(change_template, one), seen=seen, by=viewer):
        return go(
            page.url(letter_template_id=one.id) + "#preview", toast=Say("Sjabloon “{name}” is bewaard.", name=one.name)
        )
    return invalid("letters/template.html", **_page(viewer, one, form, typed), **await _preview(request, viewer, one))


@letter_templates.post("/letters/templates/{letter_template_id:int}/removal")
async def remove(request: Request, viewer: Viewer, letter_template_id: int) -> Reply:
    allow(viewer)
    one = await viewer.scope(LetterTemplate).get(letter_template_id)
    try:
        await remove_template(one, by=viewer)
    except Refused as refused:
        return go(page.url(letter_template_id=one.id), toast=Toast(refused.why, "attention"))
    return go(list_.url(), toast=Say("Sjabloon “{name}” is verwijderd.", name=one.name))


@letter_templates.get("/letters/templates/{letter_template_id:int}/picture")
async def picture(request: Request, viewer: Viewer, letter_template_id: int) -> Later:
    pdf = await _drawn(request, viewer, letter_template_id)

    async def make() -> Response:
        png = await asyncio.to_thread(as_picture, pdf)
        return Response(
            png, media_type="image/png", headers={"Cache-Control": "no-store", "Content-Security-Policy": CSP}
        )

    return Later(make)


@letter_templates.get("/letters/templates/{letter_template_id:int}/sample")
async def sample(request: Request, viewer: Viewer, letter_template_id: int) -> Response:
    """The same as a PDF, to print."""
    pdf = await _drawn(request, viewer, letter_template_id)
    return _pdf(pdf, "voorbeeldbrief.pdf")


@letter_templates.get("/letters/templates/{letter_template_id:int}/envelope")
async def envelope(request: Request, viewer: Viewer, letter_template_id: int) -> Response:
    """A page with a ruler and the window, for the envelope and offset in the address, else those of the template."""
    allow(viewer)
    one = await viewer.scope(LetterTemplate).get(letter_template_id)
    asked = request.query_params
    which = asked.get("envelope", "")
    which = which if which in WINDOWS else one.envelope
    x, y = _offset(asked.get("x"), one.offset_x), _offset(asked.get("y"), one.offset_y)
    with partials.speaking(viewer.user.language):
        speak = partials.speak
        title = speak(ENVELOPES[which])
        lines = [
            speak(
                Say(
                    "Print deze bladzijde op 100 % (niet “passend maken”), vouw hem op de streepjes en doe hem in de envelop."
                )
            ),
            speak(
                Say(
                    "Staat de gestippelde rand niet midden in het venster, meet dan met de liniaal hoeveel hij moet schuiven."
                )
            ),
            speak(
                Say(
                    "Verschuiving nu: {x} mm naar rechts, {y} mm naar beneden.",
                    x=partials.number(x),
                    y=partials.number(y),
                )
            ),
            speak(Say("Het gestippelde vak onderaan is voor de code: het is in geen venster te zien.")),
        ]
    from models.letters.drawing import offset_page

    return _pdf(offset_page(which, x, y, title, lines), "envelop-proef.pdf")


def _offset(typed: str | None, kept: int) -> float:
    try:
        return offset(typed) if typed else kept / 10
    except ValueError:
        return kept / 10


async def _drawn(request: Request, viewer: Viewer, letter_template_id: int) -> bytes:
    allow(viewer)
    one = await viewer.scope(LetterTemplate).get(letter_template_id)
    person, language = _asked(request)
    return await shown(viewer, one, person, language)


def _asked(request: Request) -> tuple[int, str]:
    text, language = request.query_params.get("person", ""), request.query_params.get("language", "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0, language if language in ("nl", "en") else "nl"


def _pdf(body: bytes, name: str) -> Response:
    headers = {
        "Content-Disposition": disposition("attachment", name),
        "Cache-Control": "no-store",
        "Content-Security-Policy": CSP,
    }
    return Response(body, media_type="application/pdf", headers=headers)


async def _preview(request: Request, viewer: Viewer, one: LetterTemplate) -> dict[str, Any]:
    person, language = _asked(request)
    query = {"person": person or None, "language": language if language != "nl" else None}
    return {
        "people": await people(viewer), "person": person, "language": language,
        "picture_url": picture.url(letter_template_id=one.id, v=one.version, **query), "sample_url": sample.url(letter_template_id=one.id, **query),
    }  # fmt: skip


def _form(one: LetterTemplate) -> Template:
    values = {name: getattr(one, name) for name in Template.blank().data}
    values |= {name: partials.number(getattr(one, name) / 10) for name in ("offset_x", "offset_y")}
    return Template.blank(**values)


def _page(viewer: Viewer, one: LetterTemplate | None, form: Template, seen: str = "") -> dict[str, Any]:
    title = Say("Sjabloon “{name}”", name=one.name) if one else Say("Sjabloon toevoegen")
    return about(
        viewer, title, template=one, form=form, fields=FIELDS, seen=seen or (one.version if one else 0), text_most=TEXT_MOST,
    )  # fmt: skip
