"""The board of approvals: by state, by deadline, by colleague; and what is done to many at once, with a look beforehand."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

import partials
from models import engine
from models.approvals import ApprovalRequest, board, many, reminding, runs
from models.approvals.board import SIZE, STAGES, WHEN, Filter
from models.approvals.many import DO, How
from models.approvals.runs import ApprovalRun
from models.approvals.standing import stuck
from models.approvals.words import PERIODS
from models.clients.export import workbook
from models.core import Refused, Say
from models.quiet import end_of_quiet, is_quiet
from models.reminding import REASONS
from models.requests.making import read_day
from models.settings import Firm, utcnow
from models.tasks import Task
from models.viewer import Permission, Viewer
from web.approval_words import STATE_WORDS
from web.approvals import page as page_of
from web.clients import as_workbook, ids_of, page_number
from web.plan_form import id_in
from web.reminders import leaving
from web.replies import Later, Reply, Toast, go, show
from web.routing import Access, Routes

approvals = Routes("approvals", Access.STAFF)

STAGE_WORDS: dict[str, Say] = {
    "open": Say("Wacht op de cliënt"),
    "sign_off": Say("Te autoriseren"),
    "draft": Say("Concepten"),
    "rejected": Say("Niet akkoord"),
    "expired": Say("Verlopen"),
    "done": Say("Akkoord"),
    "ended": Say("Ingetrokken of vervangen"),
}
COLUMNS = (
    ("number", Say("Nummer")), ("client_name", Say("Cliënt")), ("kind_name", Say("Soort")), ("period_name", Say("Periode")), ("title", Say("Titel")),
    ("state", Say("Toestand")), ("due", Say("Uiterlijk")), ("legal_due", Say("Wettelijk uiterlijk")), ("given", Say("Akkoorden")), ("places", Say("Accordeurs")),
    ("responsible_name", Say("Verantwoordelijk")), ("offered_at", Say("Aangeboden")),
)  # fmt: skip
_MOST, _ALL = 50_000, 1_000_000  # of an export; of what is done to all that match
_SHOWN = 100
SLICE = 500  # rows of an export at a time


def filter_of(asked: Any) -> Filter:
    """Out of an address or a form; nonsense is passed over."""

    def whole(name: str) -> int:
        text = str(asked.get(name, "")).strip()
        sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text)
        return sign * int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 10 else 0

    stage, when, period = (str(asked.get(name, "")) for name in ("stage", "when", "period"))
    return Filter(
        stage=stage if stage in STAGES or stage == "all" else "open",
        when=when if when in WHEN else "",
        words=str(asked.get("q", "")).strip()[:80],
        kind=max(whole("kind"), 0),
        responsible=whole("responsible"),
        group=max(whole("group"), 0),
        book_year=max(whole("book_year"), 0),
        period=period if period in PERIODS else "",
        questions=str(asked.get("questions", "")) == "1",
    )


def _sort(asked: Any) -> str:
    sort = str(asked.get("sort", "due"))
    return sort if sort in board.ORDERS else "due"


@approvals.get("/approvals")
async def list_(request: Request, viewer: Viewer) -> Reply:
    viewer.require(Permission.VIEW_REQUESTED)
    narrowed, sort, number = (
        filter_of(request.query_params),
        _sort(request.query_params),
        min(page_number(request), 10_000),
    )
    rows, total = await board.page(viewer, narrowed, number, sort)
    stages, whens = await board.counts(viewer, narrowed)
    query = narrowed.as_query() | ({"sort": sort} if sort != "due" else {})
    unsorted = list_.url(**narrowed.as_query())
    return show(
        "approvals/board.html", title=Say("Accorderen"), section="approvals", rows=rows, stuck=await stuck([row["id"] for row in rows]), total=total, page=number, size=SIZE, narrowed=narrowed,
        stages=stages, whens=whens, stage_words=STAGE_WORDS, when_words=WHEN, words=STATE_WORDS, query=query, base=list_.url(**query),
        unsorted=unsorted, sort=sort, choices=await board.choices(viewer), do=_may_do(viewer), export_url=export.url(**query),
        at_stage=lambda stage: list_.url(**(narrowed.as_query() | {"stage": stage, "when": None})),
        at_when=lambda when: list_.url(**(narrowed.as_query() | {"when": when or None})),
    )  # fmt: skip


def _may_do(viewer: Viewer) -> dict[str, Say]:
    """What he may do to many."""
    if not viewer.may(Permission.EDIT_APPROVALS):
        return {}
    return {key: words for key, words in DO.items() if key != "sign_off" or viewer.may(Permission.SIGN_OFF)}


@approvals.get("/approvals/responsible")
async def by_responsible(request: Request, viewer: Viewer) -> Reply:
    viewer.require(Permission.VIEW_REQUESTED)
    rows = await board.by_responsible(viewer)
    return show("approvals/by_responsible.html", title=Say("Accorderen per medewerker"), section="approvals", rows=rows)


@approvals.get("/approvals/export")
async def export(request: Request, viewer: Viewer) -> Later:
    """What the board shows, of all pages: looked up in slices and written beside the loop, so that who comes meanwhile does not wait."""
    viewer.require(Permission.VIEW_REQUESTED)
    narrowed, sort = filter_of(request.query_params), _sort(request.query_params)

    async def make() -> Response:
        async with engine.reading():
            ids = await board.matching(viewer, narrowed, _MOST, sort)
        rows = list[dict[str, Any]]()
        for start in range(0, len(ids), SLICE):
            async with engine.reading():
                found = {row["id"]: row for row in await board.lines(viewer, ids[start : start + SLICE])}
            rows += [found[id] for id in ids[start : start + SLICE] if id in found]
        with partials.speaking(viewer.user.language):
            states = {state: partials.speak(words) for state, (words, _) in STATE_WORDS.items()}
            columns = [(key, partials.speak(words)) for key, words in COLUMNS]
        for row in rows:
            row["state"] = states[row["state"]]
        return as_workbook(await asyncio.to_thread(workbook, rows, columns), "accorderingen.xlsx")

    return Later(make)


@approvals.post("/approvals/many")
async def look(request: Request, viewer: Viewer) -> Reply:
    """Nothing is done yet: which they are, of which it cannot be done, and what is still to be said. More than a few are frozen, and on
    to the page of that."""
    form = await request.form()
    do, ids = str(form.get("do", "")), await _chosen(viewer, form)
    if do not in _may_do(viewer) or not ids:
        return go(list_.url(), toast=Toast(Say("Kies eerst een of meer accorderingen, en wat er moet gebeuren."), "attention"))  # fmt: skip
    if len(ids) <= many.MOST:
        return await _look(viewer, form, do, ids)
    try:
        run = await runs.prepare(viewer.scope(ApprovalRequest), ids, do, by=viewer)
    except Refused as refused:
        return go(list_.url(), toast=Toast(refused.why, "attention"))
    return go(change.url(change_id=run.id))


async def _look(viewer: Viewer, form: Any, do: str, ids: list[int], why: Refused | None = None) -> Reply:
    if do not in _may_do(viewer) or not ids:
        return go(list_.url(), toast=Toast(Say("Kies eerst een of meer accorderingen, en wat er moet gebeuren."), "attention"))  # fmt: skip
    if do == "remind":
        return await look_at_reminders(viewer, ids)
    rows = await board.lines(viewer, ids)
    ahead = await many.foreseen([row["id"] for row in rows], do, viewer)
    whys = ahead.whys
    counted: dict[str, tuple[Say, int]] = {}
    for one in whys.values():
        key = str(one.as_json())
        counted[key] = (one, counted.get(key, (one, 0))[1] + 1)
    waiting = sum(row["state"] in ("offered", "partly") and row["id"] not in whys for row in rows)
    seen = {"rows": rows, "total": len(rows), "whys": whys, "counted": list(counted.values()), "seen": waiting}
    return await _shown(viewer, form, do, why, **seen, told=ahead.told(), ids=[row["id"] for row in rows], run=None)


async def _look_at(viewer: Viewer, run: ApprovalRun, form: Any, why: Refused | None = None) -> Reply:
    if run.do == "remind":
        return await look_at_reminders(viewer, await runs.ids_of(run), run)
    ids = await runs.ids_of(run, most=_SHOWN)
    rows = {row["id"]: row for row in await board.lines(viewer, ids)}
    return await _shown(
        viewer, form, run.do, why, rows=[rows[id] for id in ids if id in rows], total=run.chosen, whys=await runs.whys_of(run, ids),
        counted=await runs.reasons(run), seen=await runs.before_clients(run), told=runs.told_of(run), ids=[], run=run,
    )  # fmt: skip


async def _shown(viewer: Viewer, form: Any, do: str, why: Refused | None, **seen: Any) -> Reply:
    """`seen`: rows, total, whys, counted, seen, told, ids and run, as the page asks for them."""
    typed = {name: str(form.get(name, "")) for name in ("reason", "internal", "legal", "person")}
    return show(
        "approvals/many.html", status=422 if why else 200, title=DO[do], section="approvals", do=do, words=DO[do], why=why, typed=typed,
        cannot=sum(n for _, n in seen["counted"]), states=STATE_WORDS, in_background=seen["total"] > many.MOST,
        staff=(await board.choices(viewer))["staff"], **seen,
    )  # fmt: skip


@approvals.get("/approvals/many/{change_id:int}")
async def change(request: Request, viewer: Viewer, change_id: int) -> Reply:
    """Before it begins the look beforehand, then how far it is, then what came of it."""
    viewer.require(Permission.EDIT_APPROVALS)
    run = await viewer.scope(ApprovalRun).get(change_id)
    if run.state == "draft":
        return await _look_at(viewer, run, {})
    task = await viewer.tasks.where(Task.id == run.task).find() if run.task else None
    now, number = await runs.fates(run), page_number(request)
    ids = await runs.ids_of(run, "refused", _SHOWN, (number - 1) * _SHOWN)
    rows = {row["id"]: row for row in await board.lines(viewer, ids)}
    whys = await runs.whys_of(run, ids)
    return show(
        "approvals/many_report.html", title=DO[run.do], section="approvals", said=_said(run.do, now.get("done", 0)), run=run, task=task,
        busy=bool(task and task.is_busy), left=now.get("will", 0), cannot=now.get("refused", 0), page=number, size=_SHOWN,
        base=change.url(change_id=run.id), refused=[(rows[id], whys[id]) for id in ids if id in rows and id in whys],
    )  # fmt: skip


_AT_ONCE: dict[str, Any] = {
    "run": None,
    "task": None,
    "busy": False,
    "left": 0,
    "page": 1,
    "size": many.MOST,
    "base": "",
}


def _said(do: str, n: int) -> Say:
    return Say("{what}: 1 accordering.", what=DO[do]) if n == 1 else Say("{what}: {n} accorderingen.", what=DO[do], n=n)


async def look_at_reminders(viewer: Viewer, ids: list[int], run: ApprovalRun | None = None) -> Reply:
    """How many mails to how many people, and who cannot be reached and why."""
    firm, now = await Firm.load(), utcnow()
    return show(
        "approvals/remind.html", title=DO["remind"], section="approvals", ids=ids, run=run, most=reminding.MOST, found=await reminding.of_requests(viewer, ids), reasons=REASONS,
        batch=str(uuid.uuid4()), leaves=end_of_quiet(firm, now) if is_quiet(firm, now) else None, firm=firm,
    )  # fmt: skip


async def _remind(viewer: Viewer, ids: list[int], batch: str) -> Reply:
    back = page_of.url(approval_id=ids[0]) if len(ids) == 1 else list_.url()
    try:
        count, _ = await reminding.send(await reminding.of_requests(viewer, ids), batch, by=viewer)
    except Refused as refused:
        return go(back, toast=Toast(refused.why, "attention"))
    said = leaving(count)
    if is_quiet(await Firm.load(), utcnow()):
        said = (
            Say("Eén herinnering gaat de deur uit zodra het geen stille tijd meer is.")
            if count == 1
            else Say("{n} herinneringen gaan de deur uit zodra het geen stille tijd meer is.", n=count)
        )
    return go(back, toast=said, undo=f"/approvals/reminders/{batch}/undo")


@approvals.post("/approvals/many/changes")
async def carry_out(request: Request, viewer: Viewer) -> Reply:
    form = await request.form()
    run = await viewer.scope(ApprovalRun).get(id_in(form, "run")) if form.get("run") else None
    do, ids = (run.do, await runs.ids_of(run)) if run else (str(form.get("do", "")), await _chosen(viewer, form))
    if do == "remind":
        viewer.require(Permission.EDIT_APPROVALS)
        return await _remind(viewer, ids, str(form.get("batch", "")))
    try:
        how = How(
            str(form.get("reason", ""))[:2000],
            _day(form, "internal"),
            _day(form, "legal"),
            (id_in(form, "person") or None),
        )
        if run is None and len(ids) > many.MOST:
            run = await runs.prepare(viewer.scope(ApprovalRequest), ids, do, by=viewer)
        if run:
            await runs.begin(run, how, by=viewer)
            return go(change.url(change_id=run.id))
        done = await many.change_many(viewer.scope(ApprovalRequest), ids, do, how, by=viewer)
    except Refused as refused:
        return await _look_at(viewer, run, form, refused) if run else await _look(viewer, form, do, ids, refused)
    said = _said(do, len(done.done))
    if not done.refused:
        return go(list_.url(), toast=said)
    rows = {row["id"]: row for row in await board.lines(viewer, [id for id, _ in done.refused])}
    whys = [(rows[id], why) for id, why in done.refused if id in rows]
    return show(
        "approvals/many_report.html",
        title=DO[do],
        section="approvals",
        said=said,
        refused=whys,
        cannot=len(whys),
        **_AT_ONCE,
    )


def _day(form: Any, name: str) -> dt.date | None:
    try:
        return read_day(str(form.get(name, "")))
    except Refused as refused:
        raise Refused(name, refused.why) from None


async def _chosen(viewer: Viewer, form: Any) -> list[int]:
    """The ids that were ticked, or all that match."""
    if form.get("all_matching"):
        return await board.matching(viewer, filter_of(form), _ALL)
    return ids_of(form)
