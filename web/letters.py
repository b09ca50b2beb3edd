"""Letters with PINs: choosing to whom, looking beforehand, and what becomes of a batch until it is on the post."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

import partials
from models import storage as stores
from models.clients.grouping import choices
from models.clients.rules import CONDITIONS, LABELS, checked
from models.core import Missing, Refused, Say
from models.letters import (
    KINDS,
    Choice,
    LetterBatch,
    LetterTemplate,
    PinLetter,
    cancel,
    cancel_and_make,
    choosing,
    confirm_posted,
    confirm_printed,
    make_again,
    make_batch,
    mark_returned,
    may_print,
    register,
    standing,
    take_file,
)
from models.letters.making import office_day
from models.letters.sealed import opened
from models.requests.making import read_day
from models.viewer import Permission, Viewer
from web.clients import page_number
from web.downloads import CSP, disposition
from web.groups import rule_in
from web.proof import asks_proof
from web.replies import Later, Reply, Toast, go, invalid, show
from web.routing import Access, Routes
from web.settings import MODULE_NAMES
from web.settings_tokens import STATE_WORDS, Card, add_card

letters = Routes("letters", Access.STAFF)

SIZE, SHOWN = 50, 100
HOWS = {
    "lacking": Say("Iedereen die er nog geen heeft"), "group": Say("Een groep"), "rule": Say("Een regel"),
    "person": Say("Eén persoon"),
}  # fmt: skip
KIND_WORDS = {"pin": Say("Pincode"), "codes": Say("Lijst met codes")}
STATES = {
    "making": (Say("In de maak"), "info"), "ready": (Say("Klaar om te printen"), "attention"), "printed": (Say("Geprint"), "info"),
    "posted": (Say("Gepost"), "good"), "cancelled": (Say("Geannuleerd"), "neutral"), "returned": (Say("Retour gekomen"), "danger"),
}  # fmt: skip
WHY_CANCELLED = {
    "person": Say("Geannuleerd voordat er geprint was: de codes in deze brieven werken niet."),
    "stopped": Say("Het maken is gestopt: er zijn geen brieven, en geen codes die werken."),
    "expired": Say("Binnen een dag heeft niemand het bestand gedownload. Het is verwijderd, en de codes in deze brieven werken niet."),
}  # fmt: skip


def allow(viewer: Viewer) -> None:
    if not may_print(viewer):
        raise Missing("letters")


def about(viewer: Viewer, title: Any, **more: Any) -> dict[str, Any]:
    return {
        "title": title,
        "section": "settings" if viewer.may(Permission.MANAGE_SETTINGS) else "tokens",
        "kinds": KIND_WORDS,
        "batch_states": STATES,
        **more,
    }


async def _of_card(viewer: Viewer) -> dict[str, Any]:
    return {"standing": await standing(viewer), "batches": await register.batches(viewer, 3, 0), "states": STATES}


add_card(Card("letters/card.html", Permission.PRINT_PINS, _of_card))


@letters.get("/letters")
async def list_(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    number = min(page_number(request), 100_000)
    total = await viewer.scope(LetterBatch).count()
    return show(
        "letters/list.html",
        **about(viewer, Say("Pincodebrieven"), rows=await register.batches(viewer, SIZE, (number - 1) * SIZE), total=total, page=number,
                size=SIZE, base=list_.url(), standing=await standing(viewer)),
    )  # fmt: skip


# to whom


@letters.get("/letters/new")
async def new(request: Request, viewer: Viewer) -> Reply:
    """With a choice in the address: how many letters, and to whom. Makes nothing."""
    allow(viewer)
    return show("letters/new.html", **await _new(viewer, request.query_params))


async def _new(viewer: Viewer, asked: Any) -> dict[str, Any]:
    templates = await viewer.scope(LetterTemplate).all(LetterTemplate.id)
    picked = _number(asked.get("template"))
    template = next((one for one in templates if one.id == picked), templates[0] if templates else None)
    kind = str(asked.get("kind") or "")
    if not picked and kind in KINDS:
        template = next((one for one in templates if one.kind == kind), template)
    choice, rule = _choice(asked), rule_in(asked)
    looked, problem = template is not None and str(asked.get("how") or "") in HOWS, None
    if looked and (problem := _unchosen(choice)):
        looked = False
    found = await choosing.chosen(viewer, template.kind, choice) if looked and template else None
    offered = await choices() | {"module": list(MODULE_NAMES.items())}
    person = await viewer.users.get(choice.person) if choice.person else None
    return about(viewer, Say("Brieven maken"), templates=templates, template=template, choice=choice, hows=HOWS, found=found, person=person,
        groups=await viewer.groups.all(), typed=rule, conditions=[(name, LABELS[name], offered[name]) for name in CONDITIONS if offered.get(name)],
        shown=SHOWN, abroad=sum(1 for one in found.letters if one.country) if found else 0, problem=problem,
        english=sum(1 for one in found.letters if one.language == "en") if found else 0,
        renewed=sum(1 for one in found.letters if one.has_one) if found else 0,
        may_activate=viewer.may(Permission.OPEN_GATES), back=new.url(**_as_query(choice, rule, template)),
    )  # fmt: skip


def _choice(asked: Any) -> Choice:
    """Of an address or a form; nonsense chooses who lacks one."""
    how = str(asked.get("how") or "")
    rule = rule_in(asked)
    return Choice(
        how if how in HOWS else "lacking", group=_number(asked.get("group")), rule=checked(rule) if rule else "",
        person=_number(asked.get("person")), renew=asked.get("renew") == "1",
    )  # fmt: skip


def _unchosen(choice: Choice) -> Say | None:
    """What is still to be chosen, where it says "a group" and not which."""
    if choice.how == "group" and not choice.group:
        return Say("Kies een groep.")
    if choice.how == "rule" and not choice.rule:
        return Say("Kies een regel: vink aan om welke cliënten het gaat.")
    return None


def _as_query(choice: Choice, rule: dict[str, list[Any]], template: LetterTemplate | None) -> dict[str, Any]:
    return {
        "how": choice.how, "group": choice.group or None, "person": choice.person or None, "renew": "1" if choice.renew else None,
        "template": template.id if template else None, **{name: values for name, values in rule.items() if values},
    }  # fmt: skip


@letters.post("/letters/new")
async def make(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    form = await request.form()
    template = await viewer.scope(LetterTemplate).get(_number(form.get("template")))
    try:
        batch = await make_batch(
            viewer.scope(LetterBatch), template, _choice(form), seen=str(form.get("seen") or ""), by=viewer
        )
    except Refused as refused:
        return invalid("letters/new.html", **await _new(viewer, form) | {"problem": refused.why})
    return go(page.url(batch_id=batch.id), toast=_coming(batch.letters))


def _coming(n: int) -> Say:
    return Say("1 brief wordt gemaakt.") if n == 1 else Say("{n} brieven worden gemaakt.", n=n)


# one batch


@letters.get("/letters/{batch_id:int}")
async def page(request: Request, viewer: Viewer, batch_id: int) -> Reply:
    allow(viewer)
    return show("letters/page.html", **await _page(request, viewer, batch_id))


async def _page(request: Request, viewer: Viewer, batch_id: int) -> dict[str, Any]:
    batch = await viewer.scope(LetterBatch).get(batch_id)
    q, number = str(request.query_params.get("q") or "")[:100], min(page_number(request), 100_000)
    rows, total = await register.lines(batch, viewer, SIZE, (number - 1) * SIZE, q)
    robbed = (
        await register.left_without(batch, viewer, SHOWN)
        if batch.state in ("making", "ready", "cancelled")
        else (0, [])
    )
    task = await register.task_of(batch)
    return about(viewer, Say("Partij {n}", n=batch.id), one=batch, rows=[row | {"lines": json.loads(row["address"])} for row in rows], total=total,
        page=number, size=SIZE, q=q, base=page.url(batch_id=batch_id, q=q or None), task=task,
        here=page.url(batch_id=batch_id, q=q or None, page=number if number > 1 else None),
        is_stuck=batch.state == "making" and not (task and task.is_busy), pin_states=STATE_WORDS, counts=await register.states_of(batch),
        whys=WHY_CANCELLED, hows=HOWS | {"people": Say("Opnieuw uitgegeven")}, how=json.loads(batch.chosen).get("how", ""),
        today=office_day().isoformat(), problem=None, robbed=robbed[0], robbed_names=robbed[1],
    )  # fmt: skip


@letters.post("/letters/{batch_id:int}/file")
async def file(request: Request, viewer: Viewer, batch_id: int) -> Reply | Later:
    """The PDF: who takes it shows once more who he is, and it stands on the record before the first byte goes out."""
    allow(viewer)
    batch = await viewer.scope(LetterBatch).get(batch_id)
    if asked := await asks_proof(request, viewer, page.url(batch_id=batch_id)):
        return asked
    try:
        await take_file(batch, by=viewer)
    except Refused as refused:
        return go(page.url(batch_id=batch_id), toast=Toast(refused.why, "attention"))
    name = f"pincodebrieven-{batch.id}.pdf"

    async def send() -> Response:
        parts = opened(batch)
        try:
            first = await anext(parts)
        except (stores.Missing, stores.StorageDown, StopAsyncIteration) as error:
            raise Missing("letters") from error

        async def whole() -> Any:
            yield first
            async for part in parts:
                yield part

        headers = {
            "Content-Disposition": disposition("attachment", name), "Content-Length": str(batch.size), "Cache-Control": "no-store",
            "Content-Encoding": "identity", "Content-Security-Policy": CSP, "X-Content-Type-Options": "nosniff",
        }  # fmt: skip
        return StreamingResponse(whole(), headers=headers, media_type="application/pdf")

    return Later(send)


@letters.post("/letters/{batch_id:int}/printed")
async def printed(request: Request, viewer: Viewer, batch_id: int) -> Reply:
    return await _moved(viewer, batch_id, confirm_printed, Say("Genoteerd als geprint. Het bestand is verwijderd."))


@letters.post("/letters/{batch_id:int}/cancel")
async def cancel_(request: Request, viewer: Viewer, batch_id: int) -> Reply:
    """With `again` letters to the same people are begun at once."""
    if (await request.form()).get("again") != "1":
        return await _moved(viewer, batch_id, cancel, Say("Geannuleerd. De codes in deze brieven werken niet."))
    allow(viewer)
    batch = await viewer.scope(LetterBatch).get(batch_id)
    try:
        fresh = await cancel_and_make(batch, by=viewer)
    except Refused as refused:
        return go(page.url(batch_id=batch_id), toast=Toast(refused.why, "attention"))
    return go(page.url(batch_id=fresh.id), toast=_coming(fresh.letters))


@letters.post("/letters/{batch_id:int}/again")
async def again(request: Request, viewer: Viewer, batch_id: int) -> Reply:
    return await _moved(viewer, batch_id, make_again, Say("De brieven worden opnieuw gemaakt."))


async def _moved(viewer: Viewer, batch_id: int, change: Any, done: Say) -> Reply:
    allow(viewer)
    batch = await viewer.scope(LetterBatch).get(batch_id)
    try:
        await change(batch, by=viewer)
    except Refused as refused:
        return go(page.url(batch_id=batch_id), toast=Toast(refused.why, "attention"))
    return go(page.url(batch_id=batch_id), toast=done)


@letters.post("/letters/{batch_id:int}/posted")
async def posted(request: Request, viewer: Viewer, batch_id: int) -> Reply:
    allow(viewer)
    batch = await viewer.scope(LetterBatch).get(batch_id)
    typed = str((await request.form()).get("day") or "")
    try:
        await confirm_posted(batch, _day(typed), by=viewer)
    except Refused as refused:
        context = await _page(request, viewer, batch_id) | {"problem": refused.why, "today": typed[:10]}
        return invalid("letters/page.html", **context)
    return go(page.url(batch_id=batch_id), toast=Say("Genoteerd als gepost."))


@letters.post("/letters/{batch_id:int}/letters/{letter_id:int}/returned")
async def returned(request: Request, viewer: Viewer, batch_id: int, letter_id: int) -> Reply:
    allow(viewer)
    letter = await viewer.scope(PinLetter).where(PinLetter.batch == batch_id).get(letter_id)
    try:
        died = await mark_returned(letter, by=viewer)
    except Refused as refused:
        return go(page.url(batch_id=batch_id), toast=Toast(refused.why, "attention"))
    if not died:
        words = Say("De brief aan {name} is genoteerd als retour. Wat erin stond, is al eerder gebruikt of vervangen: een pincode die gebruikt is, werkt nog. Is dat niet in orde, geef dan een nieuwe uit; de oude werkt dan niet meer.", name=letter.recipient)  # fmt: skip
        return go(page.url(batch_id=batch_id), toast=Toast(words, "attention"))
    return go(
        page.url(batch_id=batch_id),
        toast=Say("De brief aan {name} kwam retour. Wat erin staat, werkt niet meer.", name=letter.recipient),
    )


@letters.get("/letters/{batch_id:int}/register")
async def register_(request: Request, viewer: Viewer, batch_id: int) -> Response:
    """The print register as a list for a spreadsheet: every letter with its address, and the sums. No codes: nobody has them."""
    allow(viewer)
    batch = await viewer.scope(LetterBatch).get(batch_id)
    rows, _ = await register.lines(batch, viewer, 100_000, 0)
    with partials.speaking(viewer.user.language):
        speak, out = partials.speak, io.StringIO()
        sheet = csv.writer(out, delimiter=";", lineterminator="\r\n")
        sheet.writerow([speak(Say("Partij")), batch.id, speak(Say("Brieven")), batch.letters, speak(Say("Bladzijden")), batch.pages, "SHA-256", batch.sha256])  # fmt: skip
        heads = (Say("Bladzijde"), Say("Aan"), Say("Cliënt"), Say("Adres zoals geprint"), Say("Brief"), Say("Toestand van de code"), Say("Retour op"))  # fmt: skip
        sheet.writerow([speak(head) for head in heads])
        for row in rows:
            pin = speak(STATE_WORDS[row["pin"]]) if row["pin"] else ""
            address = " | ".join(json.loads(row["address"]))
            sheet.writerow([row["page"], _plain(row["recipient"]), _plain(f"{row['number'] or ''} {row['client_name'] or ''}".strip()), _plain(address), speak(STATES[row["state"]][0]), pin, partials.moment(row["returned_at"])])  # fmt: skip
    headers = {
        "Content-Disposition": disposition("attachment", f"printregister-{batch.id}.csv"),
        "Cache-Control": "no-store",
    }
    return Response("\ufeff" + out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _plain(text: str) -> str:
    """A cell that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text


def _number(value: Any) -> int:
    text = str(value or "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _day(text: str) -> dt.date:
    if (day := read_day(text, "day")) is None:
        raise Refused("day", Say("Vul een dag in, bijvoorbeeld 31-12-2026."))
    return day
