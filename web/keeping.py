"""Beheer > Bewaren: lists of what may be destroyed, confirming them, and the certificates of what was."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

import partials
from models import engine
from models.core import Missing, Refused, Say
from models.keeping import certificate, destroying, ended, lists, proposing, rehashing
from models.keeping.records import Destruction, may_keep
from models.retention import ANCHORS
from models.settings import utcnow
from models.viewer import Viewer
from web.clients import page_number
from web.proof import asks_proof
from web.replies import Reply, Toast, go, invalid, show
from web.routing import Access, Routes, rehearsing

keeping = Routes("keeping", Access.STAFF)

SIZE, PRINTED = 100, 5_000
KINDS = {"month": Say("Maandlijst"), "now": Say("Lijst op verzoek"), "trash": Say("Prullenbak geleegd")}
STATES = {
    "making": Say("wordt opgesteld"), "proposed": Say("wacht op bevestiging"), "running": Say("wordt uitgevoerd"),
    "done": Say("verklaring"), "replaced": Say("vervangen door een nieuwere"),
}  # fmt: skip
FATES = {
    "proposed": Say("voorgesteld"), "spared": Say("uitgezonderd"), "destroyed": Say("vernietigd"), "dropped": Say("overgeslagen"),
}  # fmt: skip
WHYS = {
    "term": Say("bewaartermijn voorbij"), "trash": Say("lag in de prullenbak"),
    "early": Say("uit de prullenbak, binnen de termijn"), ended.WHY: Say("accordering zonder akkoord"),
}  # fmt: skip

_ANCHORS = ANCHORS | {ended.WHY: Say("de dag waarop de accordering eindigde, of het einde van het boekjaar")}


def allow(viewer: Viewer) -> None:
    if not may_keep(viewer):
        raise Missing("keeping")


def about(tab: str, title: Say, **more: Any) -> dict[str, Any]:
    """What every page of it has."""
    return {"title": title, "section": "keeping", "tab": tab, **more}


@keeping.get("/keeping")
async def list_(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    number = min(page_number(request), 100_000)
    rows, total = await lists.all_lists(number, 50)
    return show(
        "keeping/list.html", **about("lists", Say("Bewaren en vernietigen")), rows=rows, total=total, page=number, size=50,
        base=list_.url(), kinds=KINDS, states=STATES, busy=await lists.busy_tasks(), wrong=await rehashing.wrong(),
    )  # fmt: skip


@keeping.post("/keeping")
async def ask(request: Request, viewer: Viewer) -> Reply:
    """A list of today."""
    allow(viewer)
    await proposing.ask_for_list(viewer.scope(Destruction), by=viewer)
    return go(list_.url(), toast=Say("De lijst wordt opgesteld. Er wordt niets vernietigd."))


@keeping.get("/keeping/lists/{list_id:int}")
async def page(request: Request, viewer: Viewer, list_id: int) -> Reply:
    """A list by client, class and book year; as a certificate, when it was carried out."""
    found = await _found(viewer, list_id)
    return show("keeping/page.html", **await _page(found))


async def _page(found: Destruction) -> dict[str, Any]:
    counts = await destroying.counted(found)
    return about(
        "lists", KINDS[found.kind], one=found, groups=await certificate.groups_of(found), counts=counts, kinds=KINDS,
        states=STATES, whys=WHYS, task=await lists.task_of(found), missing=len(found.without_anchor),
    )  # fmt: skip


@keeping.get("/keeping/lists/{list_id:int}/lines")
async def lines(request: Request, viewer: Viewer, list_id: int) -> Reply:
    """Document by document; narrowed to a client, class and year by the address."""
    found = await _found(viewer, list_id)
    return show("keeping/lines.html", **await _lines(request, found))


async def _lines(request: Request, found: Destruction) -> dict[str, Any]:
    narrowed = {name: _id(request.query_params.get(name)) for name in ("client", "class_id", "book_year")}
    number = min(page_number(request), 100_000)
    rows, total = await certificate.page_of(found, SIZE, (number - 1) * SIZE, **narrowed)
    kept = {name: value for name, value in narrowed.items() if value is not None}
    return about(
        "lists", Say("Stukken op de lijst"), one=found, rows=rows, total=total, page=number, size=SIZE,
        base=lines.url(list_id=found.id, **kept), here=lines.url(list_id=found.id, **kept, page=number if number > 1 else None),
        fates=FATES, whys=WHYS, dropped=destroying.DROPPED, anchors=_ANCHORS,
    )  # fmt: skip


@keeping.post("/keeping/lists/{list_id:int}/lines")
async def choose(request: Request, viewer: Viewer, list_id: int) -> Reply:
    """Take the ticked lines out of the list, or back in (`do`)."""
    found, form = await _found(viewer, list_id), await request.form()
    ids = [int(one) for one in form.getlist("ids") if isinstance(one, str) and one.isdecimal() and len(one) < 10]
    back = form.get("do") == "back"
    count = await destroying.spare(found, ids, take_back=back, by=viewer)
    query = request.query_params
    to = lines.url(
        list_id=list_id, **{name: query[name] for name in ("client", "class_id", "book_year", "page") if name in query}
    )
    return go(to, toast=_chosen(count, back))


@keeping.post("/keeping/lists/{list_id:int}/groups")
async def choose_group(request: Request, viewer: Viewer, list_id: int) -> Reply:
    """As `choose`, for all of a client, class and year."""
    found, form = await _found(viewer, list_id), await request.form()
    which = [_id(form.get(name)) for name in ("client", "class_id", "book_year")]
    back = form.get("do") == "back"
    count = await destroying.spare_group(found, *which, take_back=back, by=viewer)
    return go(page.url(list_id=list_id), toast=_chosen(count, back))


def _chosen(count: int, back: bool) -> Toast:
    if not count:
        return Toast(Say("Er is niets gewijzigd."), "info")
    if back:
        return Toast(Say("{n} stukken staan weer op de lijst.", n=count))
    return Toast(Say("{n} stukken uitgezonderd: die blijven bewaard.", n=count))


@keeping.get("/keeping/lists/{list_id:int}/confirmation")
async def confirmation(request: Request, viewer: Viewer, list_id: int) -> Reply:
    found = await _found(viewer, list_id)
    return show("keeping/confirmation.html", **await _confirmation(found, {"reason": "", "typed": ""}))


@keeping.post("/keeping/lists/{list_id:int}/confirmation")
async def confirm(request: Request, viewer: Viewer, list_id: int) -> Reply:
    """Destroy what is on it. Asks once more who it is, why, and how many."""
    found = await _found(viewer, list_id)
    if asked := await asks_proof(request, viewer):
        return asked
    form = await request.form()
    typed = {name: str(form.get(name, ""))[:2000] for name in ("reason", "typed")}
    if rehearsing.get():
        return invalid("keeping/confirmation.html", **await _confirmation(found, typed))
    try:
        await destroying.confirm(found, typed["reason"], typed["typed"], by=viewer)
    except Refused as refused:
        return invalid("keeping/confirmation.html", **await _confirmation(found, typed, refused))
    return go(page.url(list_id=list_id), toast=Say("Het vernietigen is begonnen. De verklaring komt hier te staan."))


async def _confirmation(found: Destruction, typed: dict[str, str], refused: Refused | None = None) -> dict[str, Any]:
    size, count, clients = await lists.totals(found)
    return about(
        "lists", Say("Vernietigen bevestigen"), one=found, count=count, total_size=size, clients=clients, typed=typed,
        field=refused.field if refused else "", why=refused.why if refused else None,
    )  # fmt: skip


@keeping.post("/keeping/lists/{list_id:int}/resumption")
async def resume(request: Request, viewer: Viewer, list_id: int) -> Reply:
    found = await _found(viewer, list_id)
    await destroying.resume(found, by=viewer)
    return go(page.url(list_id=list_id), toast=Say("Het werk gaat verder waar het gebleven was."))


@keeping.get("/keeping/lists/{list_id:int}/check")
async def check(request: Request, viewer: Viewer, list_id: int) -> Reply:
    """Whether the certificate is still as it was made."""
    found = await _found(viewer, list_id)
    if found.state != "done":
        raise Missing("certificate")
    return show(
        "keeping/check.html",
        **about("lists", Say("Verklaring controleren")),
        one=found,
        why=await certificate.verdict(found),
    )


@keeping.get("/keeping/lists/{list_id:int}/certificate")
async def printed(request: Request, viewer: Viewer, list_id: int) -> Reply:
    """The certificate with every line, to print or keep as PDF; of very long ones the lines are in the .csv."""
    found = await _found(viewer, list_id)
    if found.state != "done":
        raise Missing("certificate")
    rows, total = await certificate.page_of(found, PRINTED, 0)
    return show(
        "keeping/certificate.html", **about("lists", Say("Verklaring van vernietiging")), one=found, rows=rows, total=total,
        whys=WHYS, fates=FATES, dropped=destroying.DROPPED, anchors=_ANCHORS, kinds=KINDS, today=utcnow(),
    )  # fmt: skip


@keeping.get("/keeping/lists/{list_id:int}/certificate.csv")
async def certificate_csv(request: Request, viewer: Viewer, list_id: int) -> Response:
    """Every version of every line, however many: written while it is fetched, as Excel reads it here."""
    found = await _found(viewer, list_id)
    if found.state != "done":
        raise Missing("certificate")
    language = viewer.user.language

    async def pieces() -> AsyncIterator[str]:
        out = io.StringIO()
        writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
        out.write("\ufeff")
        with partials.speaking(language):
            writer.writerow([partials.speak(name) for name in _HEADINGS])
        async with engine.reading():
            async for row in certificate.lines_of(found):
                with partials.speaking(language):
                    writer.writerows([[harmless(cell) for cell in one] for one in _told(row)])
                if out.tell() > 100_000:
                    yield out.getvalue()
                    out.seek(0)
                    out.truncate()
        yield out.getvalue()

    headers = {"Content-Disposition": f'attachment; filename="vernietiging-{list_id}.csv"', "Cache-Control": "no-store"}
    return StreamingResponse(pieces(), media_type="text/csv; charset=utf-8", headers=headers)


_HEADINGS = (
    Say("Regel"), Say("Stuk"), Say("Cliënt"), Say("Map"), Say("Naam"), Say("Wat ermee gebeurde"), Say("Waarom"), Say("Bewaartermijn"),
    Say("Grond"), Say("Gerekend vanaf"), Say("Ankerdatum"), Say("Maanden"), Say("Marge"), Say("Bewaren tot en met"), Say("Boekjaar"),
    Say("Versie"), Say("Naam van de versie"), Say("Bytes"), Say("SHA-256"), Say("Ook elders in gebruik"), Say("Vernietigd op"),
)  # fmt: skip


def _told(row: dict[str, Any]) -> list[list[str]]:
    versions = json.loads(row["versions"]) if isinstance(row["versions"], str) else row["versions"]
    said = FATES[row["state"]] if not row["said"] else destroying.DROPPED[row["said"]]
    anchor = _ANCHORS.get(row["anchor"])
    head = [
        row["id"], max(row["document"], 0) or "", row["client_label"], row["place"], row["name"], partials.speak(said), partials.speak(WHYS[row["why"]]),
        row["class_name"], row["ground"], partials.speak(anchor) if anchor else "", row["anchor_on"], row["months"], row["margin"],
        row["until_on"], row["book_year"],
    ]  # fmt: skip
    head = ["" if cell is None else str(cell) for cell in head]
    when = partials.moment(row["destroyed_at"]) if row["destroyed_at"] else ""
    return [
        [*head, str(one["number"]), one["name"], str(one["size"]), one["sha256"], _yes(one["elsewhere"]), when]
        for one in versions
    ] or [[*head, "", "", str(row["size"]), "", "", when]]


def _yes(value: bool) -> str:
    return partials.speak(Say("ja")) if value else partials.speak(Say("nee"))


def harmless(text: str) -> str:
    """Not taken for a formula by a spreadsheet."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _id(value: Any) -> int | None:
    text = str(value or "")
    return int(text) if text.isdecimal() and len(text) < 10 else None


async def _found(viewer: Viewer, list_id: int) -> Destruction:
    allow(viewer)
    found: Destruction = await viewer.scope(Destruction).get(list_id)
    return found
