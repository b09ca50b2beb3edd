"""Placing many files at once: uploaded, given a client and a place, looked at, placed, reported and undone."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

import partials
from models import drawing
from models.core import Missing, Refused, Say
from models.dossiers import NewDocument
from models.dossiers.publishing import PERIODS, kinds
from models.placing import Placing, PlacingFile, begin_placing
from models.placing.lists import (
    STATES,
    count_under,
    counts_of,
    files_of,
    found_by,
    opened_of,
    placings_for,
    sources_of,
    target_ways,
)
from models.placing.plan import DEVIATIONS
from models.placing.records import CHOICES, MOST_FILES
from models.placing.report import workbook
from models.scanning import require_open
from models.storage import storage
from models.uploads import coming_to
from models.viewer import Viewer
from web.downloads import disposition, send_kept
from web.forms import Form, SelectField, StringField, Text, an_id
from web.imports import XLSX
from web.items import ZONE, moment_in
from web.replies import Later, Reply, go, invalid, show, wants_fragment
from web.routing import Access, Routes
from web.uploads import Received
from web.viewing import PICTURE_HEADERS

placing = Routes("placing", Access.STAFF)

SIZE = 50
TABS = ("ready", "odd", "bin", "done", "out")
WAYS = {
    "leave": Say("Laten wachten"), "place": Say("Toch plaatsen"), "make": Say("Maken"), "number": Say("Nummeren: naam (2)"),
    "version": Say("Als nieuwe versie"), "skip": Say("Overslaan"),
}  # fmt: skip
PUBLISH = [
    ("draft", Say("Als concept: nog niet zichtbaar")), ("now", Say("Meteen zichtbaar")), ("at", Say("Zichtbaar vanaf een moment")),
]  # fmt: skip


class Chosen(Form):
    """What holds for all files of a placing."""

    target = Text(most=1000, asked=True, render_kw={"list": "placing-targets"})
    kind = SelectField(coerce=an_id, validate_choice=False, choices=[])
    book_year = Text(most=20)
    period = SelectField(choices=list(PERIODS.items()), default="")
    labels = Text(most=500)
    publish = SelectField(choices=PUBLISH, default="draft")
    publish_at = StringField(default="")
    archived = SelectField(choices=[(way, WAYS[way]) for way in CHOICES["archived"]])
    no_dossier = SelectField(choices=[(way, WAYS[way]) for way in CHOICES["no_dossier"]])
    no_folder = SelectField(choices=[(way, WAYS[way]) for way in CHOICES["no_folder"]])
    same_name = SelectField(choices=[(way, WAYS[way]) for way in CHOICES["same_name"]])
    same_bytes = SelectField(choices=[(way, WAYS[way]) for way in CHOICES["same_bytes"]])


@placing.get("/placing")
async def list_(request: Request, viewer: Viewer) -> Reply:
    _allow(viewer)
    number = _whole(request.query_params.get("page")) or 1
    return show(
        "placing/list.html", title=Say("Stukken plaatsen"), section="dossiers", page=number, size=SIZE,
        rows=await placings_for(viewer, SIZE, (number - 1) * SIZE), total=await viewer.scope(Placing).where(Placing.purpose == "dossier").count(),
    )  # fmt: skip


@placing.post("/placing")
async def begin(request: Request, viewer: Viewer) -> Reply:
    _allow(viewer)
    made = await begin_placing(by=viewer)
    return go(page.url(placing_id=made.id))


@placing.get("/placing/clients")
async def clients(request: Request, viewer: Viewer) -> Reply:
    """The clients that go with what is being typed, as options of a list."""
    _allow(viewer)
    typed = request.query_params.get("client", "").replace("\x00", "")[:100]
    found = await found_by(viewer, typed) if len(typed.strip()) > 1 else []
    return show("placing/options.html", title=Say("Cliënten"), section="dossiers", options=found)


@placing.get("/placing/{placing_id:int}")
async def page(request: Request, viewer: Viewer, placing_id: int) -> Reply:
    return await _page(request, viewer, await _get(viewer, placing_id), show)


@placing.get("/placing/{placing_id:int}/files")
async def files(request: Request, viewer: Viewer, placing_id: int) -> Reply:
    """The part that changes while files come in; the page itself where there is no script."""
    return await _page(request, viewer, await _get(viewer, placing_id), show, part=wants_fragment(request))


async def _may_add(request: Request, viewer: Viewer, placing_id: int) -> None:
    found = await _get(viewer, placing_id)
    if not found.takes_files:
        raise Refused("files", Say("Deze plaatsing is bezig. Wacht even, of begin een nieuwe."))


@placing.upload("/placing/{placing_id:int}/files", before=_may_add)
async def add(request: Request, viewer: Viewer, received: Received, placing_id: int) -> Reply:
    found = await _get(viewer, placing_id)
    if not received.files:
        received.one_file("files")
    arrived = [NewDocument(file.name, file.sha256, file.size, file.content_type.mime) for file in received.files]
    count = await found.add_files(arrived, by=viewer)
    said = (
        Say("{n} bestanden ontvangen.", n=count) if count > 1 else Say("“{name}” is ontvangen.", name=arrived[0].name)
    )
    if received.refused:
        said = Say("{n} ontvangen, {m} niet: {why}", n=count, m=len(received.refused), why=received.refused[0].why)
    return go(page.url(placing_id=placing_id), toast=said)


@placing.post("/placing/{placing_id:int}/settings")
async def settle(request: Request, viewer: Viewer, placing_id: int) -> Reply:
    found = await _get(viewer, placing_id)
    form = await Chosen.read(request)
    if await form.submit(_setting(found), by=viewer):
        counts = await counts_of(found)
        tab = "bin" if counts["bin"] else "odd" if counts["odd"] else "ready"
        return go(
            page.url(placing_id=placing_id, tab=tab) + "#placing-files", toast=Say("Bewaard. Het plan staat hieronder.")
        )
    return await _page(request, viewer, found, invalid, form=form)


def _setting(found: Placing) -> Callable[..., Any]:
    async def submit(*, by: Viewer, **values: Any) -> None:
        await found.set_up(_values(values), by=by)

    return submit


@placing.post("/placing/{placing_id:int}/clients")
async def give(request: Request, viewer: Viewer, placing_id: int) -> Reply:
    """Files to a client: by his id, or by what was typed. Where several could be meant, they are offered."""
    found = await _get(viewer, placing_id)
    form = await request.form()
    ids, typed = _ids(form), str(form.get("client", "")).replace("\x00", "").strip()[:200]
    chosen = _whole(form.get("chosen"))
    options: list[dict[str, Any]] = []
    why = None
    if not chosen and typed:
        options = await found_by(viewer, typed)
        chosen = options[0]["id"] if len(options) == 1 else 0
    if not ids:
        why = Say("Kies eerst een bestand.")
    elif not chosen:
        why = Say("Kies welke cliënt u bedoelt.") if options else Say("Geen cliënt heeft dit nummer of deze naam.")
    if why:
        return await _page(
            request, viewer, found, invalid, tab=_tab(form.get("tab")) or "bin", asked={"ids": ids, "typed": typed, "why": why, "options": options}
        )  # fmt: skip
    count = await found.give(ids, chosen, by=viewer)
    name = (await viewer.clients.get(chosen)).name
    said = (
        Say("{n} bestanden zijn nu van {name}.", n=count, name=name) if count != 1 else Say("Nu van {name}.", name=name)
    )
    return go(page.url(placing_id=placing_id, tab=_tab(form.get("tab")) or "bin", next=1), toast=said)


@placing.post("/placing/{placing_id:int}/act")
async def act(request: Request, viewer: Viewer, placing_id: int) -> Reply:
    """With the ticked files: `do` is drop, back or apart."""
    found = await _get(viewer, placing_id)
    form = await request.form()
    do, ids, tab = str(form.get("do", "")), _ids(form), _tab(form.get("tab"))
    if do == "apart" and ids:
        return go(apart.url(placing_id=placing_id, ids=ids[:SIZE]))
    back = page.url(placing_id=placing_id, tab=tab or None)
    if not ids or do not in ("drop", "back"):
        return go(back, toast=Say("Kies eerst een bestand."))
    count = await found.drop(ids, back=do == "back", by=viewer)
    said = Say("Doen weer mee: {n}.", n=count) if do == "back" else Say("Weggelaten: {n}.", n=count)
    return go(back, toast=said)


@placing.get("/placing/{placing_id:int}/apart")
async def apart(request: Request, viewer: Viewer, placing_id: int) -> Reply:
    """For some files something else than for all."""
    found = await _get(viewer, placing_id)
    ids = _ids(request.query_params)
    rows = await files_of(viewer, found, "all", SIZE, ids=_listed(ids))
    if not rows:
        raise Missing(PlacingFile.__name__)
    return await _apart(viewer, found, rows, _form_of(rows[0]["chosen"]), show)


@placing.post("/placing/{placing_id:int}/apart")
async def set_apart(request: Request, viewer: Viewer, placing_id: int) -> Reply:
    found = await _get(viewer, placing_id)
    form = await Chosen.read(request)
    ids = _ids(await request.form())

    async def submit(*, by: Viewer, **values: Any) -> None:
        typed = _values(values)
        own = {name: value for name, value in typed.items() if value != getattr(found, name)}
        await found.set_apart(ids, own, by=by)

    if await form.submit(submit, by=viewer):
        return go(page.url(placing_id=placing_id, tab="ready"), toast=Say("Bewaard voor deze bestanden."))
    return await _apart(viewer, found, await files_of(viewer, found, "all", SIZE, ids=_listed(ids)), form, invalid)


@placing.post("/placing/{placing_id:int}/start")
async def start(request: Request, viewer: Viewer, placing_id: int) -> Reply:
    found = await _get(viewer, placing_id)
    try:
        await found.place(by=viewer)
    except Refused as refused:
        form = _form_of({name: getattr(found, name) for name in _NAMES})
        form.refuse(refused)
        return await _page(request, viewer, found, invalid, form=form)
    return go(page.url(placing_id=placing_id))


@placing.get("/placing/{placing_id:int}/undo")
async def undoing(request: Request, viewer: Viewer, placing_id: int) -> Reply:
    found = await _get(viewer, placing_id)
    return await _undoing(found, show)


@placing.post("/placing/{placing_id:int}/undo")
async def undo(request: Request, viewer: Viewer, placing_id: int) -> Reply:
    found = await _get(viewer, placing_id)
    try:
        await found.undo(by=viewer)
    except Refused as refused:
        return await _undoing(found, invalid, refused.why)
    return go(page.url(placing_id=placing_id))


async def _undoing(found: Placing, make: Callable[..., Reply], why: Say | None = None) -> Reply:
    return make(
        "placing/undo.html", title=Say("Terugdraaien"), section="dossiers", placing=found, counts=await counts_of(found),
        opened=await opened_of(found), why=why,
    )  # fmt: skip


@placing.post("/placing/{placing_id:int}/resumption")
async def resume(request: Request, viewer: Viewer, placing_id: int) -> Reply:
    found = await _get(viewer, placing_id)
    await found.go_on(by=viewer)
    return go(page.url(placing_id=placing_id))


@placing.post("/placing/{placing_id:int}/removal")
async def remove(request: Request, viewer: Viewer, placing_id: int) -> Reply:
    found = await _get(viewer, placing_id)
    await found.remove(by=viewer)
    return go(list_.url(), toast=Say("De plaatsing is verwijderd. Er stond niets van in dossiers."))


@placing.get("/placing/{placing_id:int}/report")
async def report(request: Request, viewer: Viewer, placing_id: int) -> Response:
    found = await _get(viewer, placing_id)
    counts, rows = await counts_of(found), await files_of(viewer, found, "all", MOST_FILES)
    with partials.speaking(viewer.user.language):
        book = await asyncio.to_thread(workbook, found, counts, rows, partials.speak)
    name = f"verslag plaatsing {found.created_at.astimezone(ZONE):%d-%m-%Y}.xlsx"
    headers = {"Content-Disposition": disposition("attachment", name), "Cache-Control": "no-store"}
    return Response(book, media_type=XLSX, headers=headers)


@placing.get("/placing/{placing_id:int}/files/{file_id:int}")
async def file(request: Request, viewer: Viewer, placing_id: int, file_id: int) -> Response:
    """The file itself, as long as it is not in a dossier: to see whose it is."""
    found = await _get(viewer, placing_id)
    row = await viewer.scope(PlacingFile).where(PlacingFile.placement == found.id).get(file_id)
    if not row.sha256 or row.state in ("placed", "kept"):
        raise Missing(PlacingFile.__name__, file_id)
    return await send_kept(request, storage(), row.sha256, row.size, row.name, row.mime)


@placing.get("/placing/{placing_id:int}/files/{file_id:int}/picture")
async def picture(request: Request, viewer: Viewer, placing_id: int, file_id: int) -> Response | Later:
    """Its first page, to see whose it is: small in the list, and with `?large=1` to be read."""
    return await first_page(request, viewer, await _get(viewer, placing_id), file_id)


async def first_page(request: Request, viewer: Viewer, found: Placing, file_id: int) -> Response | Later:
    row = await viewer.scope(PlacingFile).where(PlacingFile.placement == found.id).get(file_id)
    if row.state in ("placed", "kept") or not is_pictured(row.mime, row.name):
        raise Missing(PlacingFile.__name__, file_id)
    await require_open(row.sha256)
    width = drawing.FIT if request.query_params.get("large") else drawing.SMALL
    tag = f'"{row.sha256[:32]}-1-{width}"'
    if request.headers.get("if-none-match", "") == tag:
        return Response(status_code=304, headers=PICTURE_HEADERS | {"ETag": tag})

    async def make() -> Response:
        try:
            with drawing.within(drawing.ASIDE):
                drawn = await drawing.page(row.sha256, row.size, row.name, 1, width)
        except drawing.Undrawable as problem:
            raise Missing(PlacingFile.__name__, file_id) from problem
        return Response(drawn, media_type="image/webp", headers=PICTURE_HEADERS | {"ETag": tag})

    return Later(make)


def is_pictured(mime: str, name: str) -> bool:
    return bool(mime) and drawing.is_drawn(mime, name)


# what the pages show


async def _page(
    request: Request, viewer: Viewer, found: Placing, make: Callable[..., Reply], *, part: bool = False, tab: str = "",
    form: Form | None = None, asked: dict[str, Any] | None = None,
) -> Reply:  # fmt: skip
    query = request.query_params
    counts = await counts_of(found)
    first = next((name for name in ("bin", "ready", "done") if counts[_COUNT[name]]), "ready")
    tab = tab or _tab(query.get("tab")) or first
    total = await count_under(found, tab)
    number = min(_whole(query.get("page")) or 1, max(1, -(-total // SIZE)))
    task = await found.task() if found.is_busy else None
    return make(
        "placing/files.html" if part else "placing/page.html",
        title=Say("Stukken plaatsen"), section="dossiers", placing=found, counts=counts, tab=tab, total=total, page=number, size=SIZE,
        rows=await files_of(viewer, found, tab, SIZE, (number - 1) * SIZE), sources=await sources_of(found), states=STATES,
        deviations=DEVIATIONS, ways=WAYS, is_pictured=is_pictured, task=task, is_stuck=found.is_busy and (task is None or not task.is_busy),
        form=None if part else await _offered(form or _form_of({name: getattr(found, name) for name in _NAMES})),
        targets=[] if part else await target_ways(viewer), asked=asked, focus_next=bool(query.get("next")),
        here=files.url(placing_id=found.id, tab=tab, page=number if number > 1 else None), base=page.url(placing_id=found.id, tab=tab),
        coming=0 if part or found.is_busy else await coming_to(found.id, viewer), tab_counts={name: counts[_COUNT[name]] for name in TABS},
    )  # fmt: skip


_COUNT = {"ready": "matched", "odd": "odd", "bin": "bin", "done": "done", "out": "out"}
_NAMES = ("target", "kind", "book_year", "period", "labels", "publish", "publish_at", *CHOICES)


async def _apart(
    viewer: Viewer, found: Placing, rows: list[dict[str, Any]], form: Chosen, make: Callable[..., Reply]
) -> Reply:
    return make(
        "placing/apart.html", title=Say("Apart instellen"), section="dossiers", placing=found, rows=rows,
        form=await _offered(form), targets=await target_ways(viewer),
    )  # fmt: skip


async def _offered(form: Any) -> Any:
    form.kind.choices = [(0, Say("Niet ingedeeld")), *((one["id"], one["name"]) for one in await kinds())]
    return form


def _form_of(chosen: dict[str, Any]) -> Chosen:
    at = chosen["publish_at"]
    at = dt.datetime.fromisoformat(at) if isinstance(at, str) else at
    return Chosen.blank(
        **chosen
        | {
            "kind": chosen["kind"] or 0,
            "book_year": str(chosen["book_year"] or ""),
            "publish_at": f"{at.astimezone(ZONE):%Y-%m-%dT%H:%M}" if at else "",
        }
    )


def _values(typed: dict[str, Any]) -> dict[str, Any]:
    """What was typed as the columns want it. Raises Refused."""
    year = typed["book_year"]
    if year and not (year.isdecimal() and len(year) < 9):
        raise Refused("book_year", Say("Vul een jaar in, bijvoorbeeld 2026."))
    at = None
    if typed["publish"] == "at":
        try:
            at = moment_in(typed["publish_at"])
        except Refused as refused:
            raise Refused("publish_at", refused.why) from refused
    return typed | {"kind": typed["kind"] or None, "book_year": int(year) if year else None, "publish_at": at}


def _ids(form: Any) -> list[int]:
    return [int(one) for one in form.getlist("ids") if str(one).isdecimal() and len(str(one)) < 10]


def _listed(ids: list[int]) -> str:
    return ", ".join(str(id) for id in ids) or "-1"


def _tab(text: Any) -> str:
    return str(text) if text in TABS else ""


def _whole(value: Any) -> int:
    text = str(value or "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


async def _get(viewer: Viewer, placing_id: int) -> Placing:
    _allow(viewer)
    found: Placing = await viewer.scope(Placing).where(Placing.purpose == "dossier").get(placing_id)
    return found


def _allow(viewer: Viewer) -> None:
    if not viewer.may("edit_dossiers"):
        raise Missing(Placing.__name__)
