"""Imports: choosing a file, seeing what would come of it, carrying that out, and taking it back."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

import partials
from models.accounts.roles import ROLES
from models.approvals.records import ROLES as APPROVER_ROLES
from models.clients import checks
from models.clients.records import RESPONSIBLE_FOR
from models.clients.rights import templates
from models.core import Missing, Refused, Say
from models.imports import Import, ImportRow, add_import, lists
from models.imports.lexicon import CHOICES, FIELDS, KINDS, WORKBOOK
from models.imports.mappings import keep_mapping, kept
from models.imports.report import example, labels_of, template_workbook, workbook
from models.imports.undo import blockers
from models.scanning.working import scan_now
from models.settings import Firm
from models.viewer import Viewer
from web.downloads import disposition
from web.replies import Reply, go, invalid, show, wants_fragment
from web.routing import Access, Routes
from web.staff import ROLES as STAFF_ROLES

imports = Routes("imports", Access.STAFF)

SIZE = 50
ACTIONS = ("new", "changed", "unchanged", "refused")
SUFFIXES = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods", ".csv", ".txt", ".tsv")
# of the fields that hold a code
_NAMES = {
    "role": {role.name: role.label for role in ROLES},
    "approver_role": APPROVER_ROLES,
    "kind": checks.KINDS,
    "second_factor": checks.SECOND_FACTOR,
    "staff_role": dict(STAFF_ROLES),
    "language": {"nl": Say("Nederlands"), "en": Say("Engels")},
}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@imports.get("/imports")
async def list_(request: Request, viewer: Viewer) -> Reply:
    _allow(viewer)
    template = "imports/table.html" if wants_fragment(request) else "imports/list.html"
    return show(template, title=Say("Import"), section="imports", **await _list(viewer, request))


async def _allowed(request: Request, viewer: Viewer) -> None:
    _allow(viewer)


async def _looked_at(received: Any) -> Refused | None:
    """A file that is read at once is looked at at once, where there is a scanner."""
    return await scan_now(received.files[0].sha256) if received.files else None


@imports.upload("/imports", before=_allowed, after=_looked_at)
async def add(request: Request, viewer: Viewer, received: Any, prepared: Refused | None) -> Reply:
    try:
        file = received.one_file()
        if prepared is not None:
            raise prepared
        if not file.name.lower().endswith(SUFFIXES):
            raise Refused("file", Say("Dit is geen rekenblad. Kies een .xlsx, .xls, .ods, .csv of .txt."))
        record = await add_import(viewer.imports, file_name=file.name, sha256=file.sha256, size=file.size, by=viewer)
    except Refused as refused:
        context = await _list(viewer, request) | {"problem": refused.why}
        return invalid("imports/list.html", title=Say("Import"), section="imports", **context)
    return go(page.url(import_id=record.id))


@imports.get("/imports/{import_id:int}")
async def page(request: Request, viewer: Viewer, import_id: int) -> Reply:
    _allow(viewer)
    record = await viewer.imports.get(import_id)
    return show(
        "imports/page.html",
        title=Say("Import: {name}", name=record.file_name),
        section="imports",
        **await _page(request, viewer, record),
    )


@imports.get("/imports/{import_id:int}/rows")
async def rows(request: Request, viewer: Viewer, import_id: int) -> Reply:
    """The rows of the plan under the tab; the page itself where there is no script."""
    _allow(viewer)
    record = await viewer.imports.get(import_id)
    template = "imports/rows.html" if wants_fragment(request) else "imports/page.html"
    return show(template, title=Say("Import"), section="imports", **await _page(request, viewer, record))


@imports.get("/imports/{import_id:int}/columns")
async def columns(request: Request, viewer: Viewer, import_id: int) -> Reply:
    _allow(viewer)
    record = await viewer.imports.get(import_id)
    asked = request.query_params.get("kind", "")
    if "headings" not in record.chosen and not record.chosen.get(
        "parts"
    ):  # the worker has yet to read the file, or could not
        return go(page.url(import_id=import_id))
    found = await _columns(viewer, record, asked, request.query_params)
    return show("imports/columns.html", title=Say("Kolommen"), section="imports", **found)


@imports.post("/imports/{import_id:int}/plan")
async def plan(request: Request, viewer: Viewer, import_id: int) -> Reply:
    """Work it out (again): with the columns as chosen, or, without them, as the file's headings say."""
    record = await viewer.imports.get(import_id)
    form = await request.form()
    kind = str(form.get("kind", ""))
    is_same_list = form.get("for_kind") == kind and str(form.get("for_sheet", "")) == str(form.get("sheet", ""))
    chosen = _mapping(form) if is_same_list and form.get("header_line") == form.get("for_header_line") else None
    parts = _parts(record, form, chosen)
    try:
        if form.get("keep"):
            await _keep(viewer, record, form)
            return go(
                columns.url(import_id=import_id, kind=kind or None, part=str(form.get("part", "")) or None), toast=_KEPT
            )
        await record.plan(
            kind=WORKBOOK if parts else kind,
            parts=parts,
            sheet=str(form.get("sheet", "")),
            header_line=_whole(form.get("header_line"), 100_000),
            columns=None if parts else chosen,
            choices=[name for name in CHOICES if form.get(name)],
            by=viewer,
        )
    except Refused as refused:
        context = await _columns(viewer, record, kind, form) | {"problem": refused.why}
        if chosen is not None:
            context["mapping"] = chosen
        return invalid("imports/columns.html", title=Say("Kolommen"), section="imports", **context)
    return go(page.url(import_id=import_id))


@imports.post("/imports/{import_id:int}/replan")
async def replan(request: Request, viewer: Viewer, import_id: int) -> Reply:
    """Once more with the same columns, against the records as they are now."""
    record = await viewer.imports.get(import_id)
    chosen = record.chosen
    await record.plan(
        kind=record.kind,
        parts=chosen.get("parts"),
        sheet=chosen.get("sheet", ""),
        header_line=chosen.get("header_line", 0),
        columns=record.columns or None,
        choices=[name for name in CHOICES if chosen.get(name)],
        by=viewer,
    )
    return go(page.url(import_id=import_id))


@imports.post("/imports/{import_id:int}/commit")
async def commit(request: Request, viewer: Viewer, import_id: int) -> Reply:
    record = await viewer.imports.get(import_id)
    form = await request.form()
    try:
        await record.commit(str(form.get("plan_hash", "")), invite=form.get("invite") == "1", by=viewer)
    except Refused as refused:
        context = await _page(request, viewer, record) | {"problem": refused.why}
        return invalid("imports/page.html", title=Say("Import"), section="imports", **context)
    return go(page.url(import_id=import_id))


@imports.get("/imports/{import_id:int}/undo")
async def undoing(request: Request, viewer: Viewer, import_id: int) -> Reply:
    _allow(viewer)
    record = await viewer.imports.get(import_id)
    return show(
        "imports/undo.html",
        title=Say("Terugdraaien"),
        section="imports",
        record=record,
        blockers=await blockers(record),
    )


@imports.post("/imports/{import_id:int}/undo")
async def undo(request: Request, viewer: Viewer, import_id: int) -> Reply:
    record = await viewer.imports.get(import_id)
    try:
        await record.undo(by=viewer)
    except Refused as refused:
        found = await blockers(record) or [refused.why]
        return invalid("imports/undo.html", title=Say("Terugdraaien"), section="imports", record=record, blockers=found)
    return go(page.url(import_id=import_id))


@imports.post("/imports/{import_id:int}/removal")
async def remove(request: Request, viewer: Viewer, import_id: int) -> Reply:
    record = await viewer.imports.get(import_id)
    await record.remove(by=viewer)
    return go(list_.url(), toast=Say("De import is verwijderd. Er was niets van uitgevoerd."))


@imports.post("/imports/{import_id:int}/invitations")
async def invite(request: Request, viewer: Viewer, import_id: int) -> Reply:
    """On to the page that shows how many mails would go to whom: nothing is sent here."""
    from models import rollout

    record = await viewer.imports.get(import_id)
    opening = await rollout.prepare_opening(lists.people_of(viewer, record), by=viewer, selection={"import": record.id})
    return go(f"/rollout/openings/{opening.id}")


@imports.get("/imports/{import_id:int}/report")
async def report(request: Request, viewer: Viewer, import_id: int) -> Response:
    _allow(viewer)
    record = await viewer.imports.get(import_id)
    found = await lists.for_report(record)
    with partials.speaking(viewer.user.language):
        speak = partials.speak
        book = await asyncio.to_thread(workbook, record, found, speak)
    return _download(book, f"verslag {Path(record.file_name).stem[:80]}.xlsx")


@imports.get("/imports/examples/{kind}")
async def sample(request: Request, viewer: Viewer, kind: str) -> Response:
    """An empty list with the right headings, and one line that shows what may stand there."""
    if kind == WORKBOOK:
        return _download(await asyncio.to_thread(template_workbook), "sjabloon import.xlsx")
    if kind not in KINDS:
        raise Missing(kind)
    return _download(await asyncio.to_thread(example, kind), f"voorbeeld {kind}.xlsx")


# what the pages show


async def _list(viewer: Viewer, request: Request) -> dict[str, Any]:
    number = _whole(request.query_params.get("page"), 100_000) or 1
    return {
        "records": await lists.newest(viewer, number, SIZE),
        "by": await lists.who_imported(),
        "total": await viewer.imports.count(),
        "page": number,
        "size": SIZE,
        "kinds": KINDS,
        "saved": await kept(viewer),
        "here": list_.url(page=number if number > 1 else None),
        "problem": None,
    }


async def _page(request: Request, viewer: Viewer, record: Import) -> dict[str, Any]:
    numbers, asked = record.numbers, request.query_params
    first = next((action for action in ("new", "changed", "refused") if numbers[action]), "unchanged")
    tab = asked.get("tab", first) if asked.get("tab", first) in ACTIONS else first
    q = asked.get("q", "").replace("\x00", "")[:100]
    found = lists.rows_of(viewer, record, tab, q)
    total = await found.count()
    number = min(_whole(asked.get("page"), 100_000) or 1, max(1, -(-total // SIZE)))
    base = rows.url(import_id=record.id, tab=tab, q=q or None)
    prepared = 0
    if record.state == "committed" and not (await Firm.load()).users_without_login:
        prepared = await lists.uninvited(viewer, record).count()
    task = await record.task() if record.state not in ("committed", "undone") else None
    chosen = record.chosen
    return {
        "record": record,
        "numbers": numbers,
        "task": task,
        "is_stuck": record.is_busy and (task is None or not task.is_busy),
        "rows": await found.all(ImportRow.id, limit=SIZE, offset=(number - 1) * SIZE),
        "tab": tab,
        "q": q,
        "total": total,
        "page": number,
        "size": SIZE,
        "base": base,
        # not the tab that came by itself: with the rows, another may be the first that has any
        "here": page.url(
            import_id=record.id, tab=tab if "tab" in asked else None, q=q or None, page=number if number > 1 else None
        ),
        "labels": labels_of(record.kind),
        "duties": RESPONSIBLE_FOR,
        "parts": [part for part in chosen.get("parts") or [] if part["kind"]],
        "names": _NAMES | {"role": _NAMES["role"] | {one["key"]: Say(one["name"]) for one in await templates()}},
        "notices": [Say.from_json(notice) for notice in chosen.get("notices", ())],
        "headings": chosen.get("headings", []),
        "mapping": record.columns,
        "prepared": prepared,
        "mailed": await record.invitable(viewer) if record.state == "planned" else 0,
        "problem": record.said,
    }


async def _columns(viewer: Viewer, record: Import, asked: str, query: Any) -> dict[str, Any]:
    """Of the file, or of one sheet of a workbook (`part`); `saved` is a mapping that was kept, to be used here."""
    from models.imports.columns import guess_mapping

    chosen = record.chosen
    parts = chosen.get("parts") or []
    at = min(_whole(query.get("part"), 100), len(parts) - 1) if parts else 0
    seen = parts[at] if parts else chosen
    own = seen["kind"] if parts else record.kind
    columns = {int(column): name for column, name in (seen.get("mapping") or {}).items()} if parts else record.columns
    kind: Any = asked if asked in KINDS else own or ("" if parts else "clients")
    headings = seen.get("headings", [])
    mapping = columns
    if kind and (kind != own or not columns):
        mapping = guess_mapping(kind, headings, seen.get("above", []))
    saved = await kept(viewer, kind)
    used = next((one for one in saved if str(one.id) == query.get("saved")), None)
    return {
        "record": record,
        "kind": kind,
        "kinds": KINDS,
        "chosen": chosen,
        "parts": parts,
        "part": at,
        "seen": seen,
        "headings": headings,
        "samples": seen.get("samples", []),
        "mapping": used.on(headings) if used else mapping,
        "saved": saved,
        "used": used,
        "fields": [(field.name, Say(field.dutch), field.is_required) for field in FIELDS[kind]] if kind else [],
        "problem": None,
    }


def _parts(record: Import, form: FormData, mapping: dict[int, str] | None) -> list[dict[str, Any]] | None:
    """Of a workbook: its sheets, with what was chosen for one of them."""
    parts: list[dict[str, Any]] = record.chosen.get("parts") or []
    at = _whole(form.get("part"), 100)
    if not parts or "part" not in form or at >= len(parts):
        return None
    kind = str(form.get("kind", ""))
    line = _whole(form.get("header_line"), 100_000)
    changed = {"kind": kind if kind in KINDS else "", "header_line": line, "mapping": mapping}
    return [part | changed if n == at else part for n, part in enumerate(parts)]


_KEPT = Say("De indeling is bewaard. Een lijst met deze kolommen wordt voortaan zo gelezen.")


async def _keep(viewer: Viewer, record: Import, form: FormData) -> None:
    parts, at = record.chosen.get("parts") or [], _whole(form.get("part"), 100)
    headings = parts[at]["headings"] if "part" in form and at < len(parts) else record.chosen.get("headings", [])
    await keep_mapping(
        viewer.mappings,
        name=str(form.get("mapping_name", "")),
        kind=str(form.get("kind", "")),
        headings=headings,
        columns=_mapping(form),
        by=viewer,
    )


@imports.post("/imports/mappings/{mapping_id:int}/removal")
async def forget(request: Request, viewer: Viewer, mapping_id: int) -> Reply:
    record = await viewer.mappings.get(mapping_id)
    await record.remove(by=viewer)
    return go(list_.url(), toast=Say("De indeling “{name}” is verwijderd.", name=record.name))


def _mapping(form: FormData) -> dict[int, str]:
    return {
        int(name.removeprefix("column-")): str(value)
        for name, value in form.multi_items()
        if name.startswith("column-") and name.removeprefix("column-").isdecimal() and value
    }


def _whole(value: Any, most: int) -> int:
    text = str(value or "")
    return min(int(text), most) if text.isdecimal() and len(text) < 10 else 0


def _download(book: bytes, name: str) -> Response:
    headers = {"Content-Disposition": disposition("attachment", name), "Cache-Control": "no-store"}
    return Response(book, media_type=XLSX, headers=headers)


def _allow(viewer: Viewer) -> None:
    if not viewer.may("import_records"):
        raise Missing(Import.__name__)
