"""Placing for approval in bulk: files uploaded, given a client and a period, looked at, made or offered, reported and undone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

import partials
from models.approvals.words import period_words
from models.core import Missing, Refused, Say
from models.dossiers import NewDocument
from models.engine import as_day
from models.offering import DEVIATIONS, begin_offering, carry_out, set_apart, set_up, undo
from models.offering.acts import mark_of, replace_all, replacing_mark
from models.offering.lists import STATES, count_under, counts_of, files_of, kinds_offered, offerings_for
from models.offering.plan import offering_of
from models.offering.report import workbook
from models.placing import Placing, PlacingFile
from models.placing.lists import found_by, sources_of
from models.placing.records import MOST_FILES
from models.storage import storage
from models.uploads import coming_to
from models.viewer import Viewer
from web.approval_words import STATE_WORDS
from web.downloads import disposition, send_kept
from web.imports import XLSX
from web.items import ZONE
from web.offering_forms import WAYS, Apart, Chosen, shown, values_of
from web.placing import _ids, _listed, _tab, _whole, first_page, is_pictured
from web.replies import Later, Reply, Toast, go, invalid, show, wants_fragment
from web.routing import Access, Routes
from web.uploads import Received

offering = Routes("offering", Access.STAFF)

SIZE = 50
_COUNT = {"ready": "ready", "odd": "odd", "bin": "bin", "done": "done", "out": "out"}
_TITLE = Say("Ter accordering plaatsen")


@offering.get("/approvals/placing")
async def list_(request: Request, viewer: Viewer) -> Reply:
    _allow(viewer)
    number = _whole(request.query_params.get("page")) or 1
    rows, total = await offerings_for(viewer, SIZE, (number - 1) * SIZE)
    return show("offering/list.html", title=_TITLE, section="approvals", page=number, size=SIZE, rows=rows, total=total)


@offering.post("/approvals/placing")
async def begin(request: Request, viewer: Viewer) -> Reply:
    _allow(viewer)
    made = await begin_offering(by=viewer)
    return go(page.url(offering_id=made.id))


@offering.get("/approvals/placing/clients")
async def clients(request: Request, viewer: Viewer) -> Reply:
    """The clients that go with what is being typed, as options of a list."""
    _allow(viewer)
    typed = request.query_params.get("client", "").replace("\x00", "")[:100]
    found = await found_by(viewer, typed) if len(typed.strip()) > 1 else []
    return show("placing/options.html", title=Say("Cliënten"), section="approvals", options=found)


@offering.get("/approvals/placing/{offering_id:int}")
async def page(request: Request, viewer: Viewer, offering_id: int) -> Reply:
    return await _page(request, viewer, await _get(viewer, offering_id), show)


@offering.get("/approvals/placing/{offering_id:int}/files")
async def files(request: Request, viewer: Viewer, offering_id: int) -> Reply:
    """The part that changes while files come in; the page itself where there is no script."""
    return await _page(request, viewer, await _get(viewer, offering_id), show, part=wants_fragment(request))


async def _may_add(request: Request, viewer: Viewer, offering_id: int) -> None:
    found = await _get(viewer, offering_id)
    if not found.takes_files:
        raise Refused("files", Say("Deze plaatsing is bezig. Wacht even, of begin een nieuwe."))


@offering.upload("/approvals/placing/{offering_id:int}/files", before=_may_add)
async def add(request: Request, viewer: Viewer, received: Received, offering_id: int) -> Reply:
    found = await _get(viewer, offering_id)
    if not received.files:
        received.one_file("files")
    arrived = [NewDocument(file.name, file.sha256, file.size, file.content_type.mime) for file in received.files]
    count = await found.add_files(arrived, by=viewer)
    said = (
        Say("{n} bestanden ontvangen.", n=count) if count > 1 else Say("“{name}” is ontvangen.", name=arrived[0].name)
    )
    if received.refused:
        said = Say("{n} ontvangen, {m} niet: {why}", n=count, m=len(received.refused), why=received.refused[0].why)
    return go(page.url(offering_id=offering_id), toast=said)


@offering.post("/approvals/placing/{offering_id:int}/settings")
async def settle(request: Request, viewer: Viewer, offering_id: int) -> Reply:
    found = await _get(viewer, offering_id)
    form = await Chosen.read(request)

    async def submit(*, by: Viewer, **typed: Any) -> None:
        await set_up(found, values_of(typed), by=by)

    if await form.submit(submit, by=viewer):
        counts = await counts_of(found, (await offering_of(found)).chosen)
        tab = "bin" if counts["bin"] else "odd" if counts["odd"] else "ready"
        return go(page.url(offering_id=offering_id, tab=tab) + "#placing-files", toast=Say("Bewaard. Het plan staat hieronder."))  # fmt: skip
    return await _page(request, viewer, found, invalid, form=form)


@offering.post("/approvals/placing/{offering_id:int}/clients")
async def give(request: Request, viewer: Viewer, offering_id: int) -> Reply:
    """Files to a client: by his id, or by what was typed. Where several could be meant, they are offered."""
    found = await _get(viewer, offering_id)
    form = await request.form()
    ids, typed = _ids(form), str(form.get("client", "")).replace("\x00", "").strip()[:200]
    chosen, tab = _whole(form.get("chosen")), _tab(form.get("tab")) or "bin"
    options: list[dict[str, Any]] = []
    if not chosen and typed:
        options = await found_by(viewer, typed)
        chosen = options[0]["id"] if len(options) == 1 else 0
    if not ids or not chosen:
        none = Say("Kies welke cliënt u bedoelt.") if options else Say("Geen cliënt heeft dit nummer of deze naam.")
        why = none if ids else Say("Kies eerst een bestand.")
        return await _page(request, viewer, found, invalid, tab=tab, asked={"ids": ids, "typed": typed, "why": why, "options": options})  # fmt: skip
    count = await found.give(ids, chosen, by=viewer)
    name = (await viewer.clients.get(chosen)).name
    said = (
        Say("{n} bestanden zijn nu van {name}.", n=count, name=name) if count != 1 else Say("Nu van {name}.", name=name)
    )
    return go(page.url(offering_id=offering_id, tab=tab, next=1), toast=said)


@offering.post("/approvals/placing/{offering_id:int}/act")
async def act(request: Request, viewer: Viewer, offering_id: int) -> Reply:
    """With the ticked files: `do` is drop, back or apart."""
    found = await _get(viewer, offering_id)
    form = await request.form()
    do, ids, tab = str(form.get("do", "")), _ids(form), _tab(form.get("tab"))
    if do == "apart" and ids:
        return go(apart.url(offering_id=offering_id, ids=ids[:SIZE]))
    back = page.url(offering_id=offering_id, tab=tab or None)
    if not ids or do not in ("drop", "back"):
        return go(back, toast=Say("Kies eerst een bestand."))
    count = await found.drop(ids, back=do == "back", by=viewer)
    return go(back, toast=Say("Doen weer mee: {n}.", n=count) if do == "back" else Say("Weggelaten: {n}.", n=count))


@offering.get("/approvals/placing/{offering_id:int}/apart")
async def apart(request: Request, viewer: Viewer, offering_id: int) -> Reply:
    """For some files something else than for all."""
    found = await _get(viewer, offering_id)
    rows = await _rows(viewer, found, _ids(request.query_params))
    if not rows:
        raise Missing(PlacingFile.__name__)
    chosen = rows[0]["chosen"]
    names = {name: chosen[name] for name in (*WAYS, "book_year", "period", "dated_on", "amount")}
    return _apart(found, rows, Apart.blank(**shown(names), part=chosen["part"]), show)


@offering.post("/approvals/placing/{offering_id:int}/apart")
async def save_apart(request: Request, viewer: Viewer, offering_id: int) -> Reply:
    found = await _get(viewer, offering_id)
    form = await Apart.read(request)
    ids, whole = _ids(await request.form()), (await offering_of(found)).chosen | {"part": ""}

    async def submit(*, by: Viewer, **typed: Any) -> None:
        own = {name: value for name, value in values_of(typed).items() if value != whole[name]}
        if "book_year" in own or "period" in own:
            own |= {name: values_of(typed)[name] for name in ("book_year", "period")}
        await set_apart(found, ids, own, by=by)

    if await form.submit(submit, by=viewer):
        return go(page.url(offering_id=offering_id, tab="ready"), toast=Say("Bewaard voor deze bestanden."))
    return _apart(found, await _rows(viewer, found, ids), form, invalid)


async def _rows(viewer: Viewer, found: Placing, ids: list[int]) -> list[dict[str, Any]]:
    return await files_of(viewer, found, (await offering_of(found)).chosen, "all", SIZE, ids=_listed(ids))


def _apart(found: Placing, rows: list[dict[str, Any]], form: Apart, make: Callable[..., Reply]) -> Reply:
    return make(
        "offering/apart.html", title=Say("Apart instellen"), section="approvals", placing=found, rows=rows, form=form
    )


@offering.post("/approvals/placing/{offering_id:int}/start")
async def start(request: Request, viewer: Viewer, offering_id: int) -> Reply:
    """Of what was seen: where it has become something else meanwhile, it is shown first."""
    found = await _get(viewer, offering_id)
    seen = str((await request.form()).get("seen", ""))[:100]
    try:
        begun = await carry_out(found, seen, by=viewer)
    except Refused as refused:
        form = Chosen.blank(**shown((await offering_of(found)).chosen))
        form.refuse(refused)
        return await _page(request, viewer, found, invalid, form=form)
    if begun:
        return go(page.url(offering_id=offering_id))
    changed = Toast(Say("Het plan is intussen anders geworden. Kijk het na en begin dan opnieuw."), "attention")
    return go(page.url(offering_id=offering_id), toast=changed)


@offering.post("/approvals/placing/{offering_id:int}/replacements")
async def replace(request: Request, viewer: Viewer, offering_id: int) -> Reply:
    """All that wait because there is one of this kind and period already: of what was seen, as with starting."""
    found = await _get(viewer, offering_id)
    count = await replace_all(found, str((await request.form()).get("seen", ""))[:100], by=viewer)
    back = page.url(offering_id=offering_id, tab="ready") + "#offering-told"
    if count is None:
        changed = Toast(Say("Het plan is intussen anders geworden. Kijk het na en kies dan opnieuw."), "attention")
        return go(page.url(offering_id=offering_id), toast=changed)
    if count == 1:
        return go(back, toast=Say("De eerdere wordt vervangen zodra u de nieuwe aanbiedt."))
    return go(back, toast=Say("Alle {n} eerdere worden vervangen zodra u de nieuwe aanbiedt.", n=count))


@offering.get("/approvals/placing/{offering_id:int}/undo")
async def undoing(request: Request, viewer: Viewer, offering_id: int) -> Reply:
    return await _undoing(await _get(viewer, offering_id), show)


@offering.post("/approvals/placing/{offering_id:int}/undo")
async def undo_(request: Request, viewer: Viewer, offering_id: int) -> Reply:
    found = await _get(viewer, offering_id)
    try:
        await undo(found, by=viewer)
    except Refused as refused:
        return await _undoing(found, invalid, refused.why)
    return go(page.url(offering_id=offering_id))


async def _undoing(found: Placing, make: Callable[..., Reply], why: Say | None = None) -> Reply:
    return make("offering/undo.html", title=Say("Terugdraaien"), section="approvals", placing=found, why=why)  # fmt: skip


@offering.post("/approvals/placing/{offering_id:int}/resumption")
async def resume(request: Request, viewer: Viewer, offering_id: int) -> Reply:
    found = await _get(viewer, offering_id)
    await found.go_on(by=viewer)
    return go(page.url(offering_id=offering_id))


@offering.post("/approvals/placing/{offering_id:int}/removal")
async def remove(request: Request, viewer: Viewer, offering_id: int) -> Reply:
    found = await _get(viewer, offering_id)
    await found.remove(by=viewer)
    return go(list_.url(), toast=Say("De plaatsing is verwijderd. Er was niets van klaargezet."))


@offering.get("/approvals/placing/{offering_id:int}/report")
async def report(request: Request, viewer: Viewer, offering_id: int) -> Response:
    found = await _get(viewer, offering_id)
    chosen = await offering_of(found)
    counts, rows = (
        await counts_of(found, chosen.chosen),
        await files_of(viewer, found, chosen.chosen, "all", MOST_FILES),
    )
    states = {key: words for key, (words, _) in STATE_WORDS.items()}
    what = await _what(chosen.chosen)
    with partials.speaking(viewer.user.language):
        book = await asyncio.to_thread(workbook, found, what, counts, rows, states, partials.speak)
    name = f"verslag accorderen {found.created_at.astimezone(ZONE):%d-%m-%Y}.xlsx"
    headers = {"Content-Disposition": disposition("attachment", name), "Cache-Control": "no-store"}
    return Response(book, media_type=XLSX, headers=headers)


@offering.get("/approvals/placing/{offering_id:int}/files/{file_id:int}")
async def file(request: Request, viewer: Viewer, offering_id: int, file_id: int) -> Response:
    """The file itself, as long as no request has it: to see whose it is."""
    found = await _get(viewer, offering_id)
    row = await viewer.scope(PlacingFile).where(PlacingFile.placement == found.id).get(file_id)
    if not row.sha256 or row.state in ("placed", "kept"):
        raise Missing(PlacingFile.__name__, file_id)
    return await send_kept(request, storage(), row.sha256, row.size, row.name, row.mime)


@offering.get("/approvals/placing/{offering_id:int}/files/{file_id:int}/picture")
async def picture(request: Request, viewer: Viewer, offering_id: int, file_id: int) -> Response | Later:
    """Its first page, as a placing in dossiers shows it."""
    return await first_page(request, viewer, await _get(viewer, offering_id), file_id)


# what the pages show


async def _page(
    request: Request, viewer: Viewer, found: Placing, make: Callable[..., Reply], *, part: bool = False, tab: str = "",
    form: Chosen | None = None, asked: dict[str, Any] | None = None,
) -> Reply:  # fmt: skip
    query, chosen = request.query_params, await offering_of(found)
    counts = await counts_of(found, chosen.chosen)
    first = next((name for name in ("bin", "odd", "ready", "done") if counts[_COUNT[name]]), "ready")
    tab = tab or _tab(query.get("tab")) or first
    total = await count_under(found, tab, chosen.chosen)
    number = min(_whole(query.get("page")) or 1, max(1, -(-total // SIZE)))
    task = await found.task() if found.is_busy else None
    if not part:
        form = form or Chosen.blank(**shown(chosen.chosen))
        form.kind.choices = [(0, Say("Kies een soort")), *await kinds_offered()]
    return make(
        "offering/files.html" if part else "offering/page.html", title=_TITLE, section="approvals", placing=found, chosen=chosen,
        told=_with_days(chosen.told), mark=mark_of(chosen.told), replacing=replacing_mark(chosen.told), counts=counts, tab=tab, total=total, page=number, size=SIZE,
        rows=await files_of(viewer, found, chosen.chosen, tab, SIZE, (number - 1) * SIZE), sources=await sources_of(found), states=STATES,
        words=STATE_WORDS, deviations=DEVIATIONS, ways=WAYS, is_pictured=is_pictured, task=task, is_stuck=found.is_busy and (task is None or not task.is_busy),
        form=form, asked=asked, focus_next=bool(query.get("next")), base=page.url(offering_id=found.id, tab=tab),
        here=files.url(offering_id=found.id, tab=tab, page=number if number > 1 else None),
        coming=0 if part or found.is_busy else await coming_to(found.id, viewer), tab_counts={name: counts[key] for name, key in _COUNT.items()},
    )  # fmt: skip


def _with_days(told: dict[str, Any]) -> dict[str, Any]:
    return told | {name: [as_day(day) for day in told.get(name, [])] for name in ("legal", "internal")}


async def _what(chosen: dict[str, Any]) -> str:
    names = dict(await kinds_offered())
    return " ".join(
        one for one in (names.get(chosen["kind"], ""), period_words(chosen["book_year"], chosen["period"])) if one
    )


async def _get(viewer: Viewer, offering_id: int) -> Placing:
    _allow(viewer)
    found: Placing = await viewer.scope(Placing).where(Placing.purpose == "approvals").get(offering_id)
    return found


def _allow(viewer: Viewer) -> None:
    if not viewer.may("edit_approvals"):
        raise Missing(Placing.__name__)
