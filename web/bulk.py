"""Changes to many at once: choose what happens, look beforehand, start, follow, the report, and undo."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

import partials
from models.bulk import KINDS, BulkAct, choose, start, undo
from models.bulk import prepare as prepare_act
from models.bulk.of_approvals import people_in
from models.bulk.offering import newest, offered
from models.bulk.running import count_of, fates, rows_of
from models.clients import lists as client_lists
from models.clients.export import workbook
from models.core import Refused, Say
from models.tasks import Task
from models.viewer import Viewer
from web import clients as of_clients
from web import users as of_users
from web.bulk_words import FATES, reason, shown
from web.plan_form import acted, blank, steps_in
from web.replies import Reply, Toast, changed, go, invalid, show, wants_fragment
from web.routing import Access, Routes

bulk = Routes("bulk", Access.STAFF)

SIZE = 50
_MANY = ("modules", "roles")


@bulk.get("/bulk")
async def list_(request: Request, viewer: Viewer) -> Reply:
    acts = await newest(viewer, SIZE)
    return show("bulk/list.html", title=Say("Bewerkingen"), section="tasks", acts=acts)


@bulk.post("/bulk")
async def prepare(request: Request, viewer: Viewer) -> Reply:
    """Freeze who was ticked, or all that match; on to the page that shows what would happen. Changes none of them."""
    form = await request.form()
    kind = str(form.get("kind") or "")
    about = KINDS[kind].about if kind in KINDS else str(form.get("about") or "clients")
    lists = of_clients if about == "clients" else of_users
    everybody = bool(form.get("all_matching"))
    try:
        found: Any = lists.chosen(viewer, form)
        selection = dataclasses.asdict(lists.filter_of(form)) if everybody else {"ids": len(form.getlist("ids"))}
        act = await prepare_act(found, kind, selection=selection, by=viewer)
    except Refused as refused:
        return go(lists.back(form), toast=Toast(refused.why, "attention"))
    return go(page.url(bulk_id=act.id))


@bulk.get("/bulk/{bulk_id:int}")
async def page(request: Request, viewer: Viewer, bulk_id: int) -> Reply:
    act = await viewer.bulk_acts.get(bulk_id)
    template = "bulk/act.html" if wants_fragment(request) else "bulk/page.html"
    return show(template, title=act.what.label, section="tasks", **await _page(request, viewer, act))


@bulk.post("/bulk/{bulk_id:int}/choices")
async def choose_(request: Request, viewer: Viewer, bulk_id: int) -> Reply:
    act, form = await viewer.bulk_acts.get(bulk_id), await request.form()
    params: dict[str, Any] = {
        name: form.getlist(name) if name in _MANY else form.get(name) for name in (*act.what.asks, "every")
    }
    if "plan" in act.what.asks:
        params["steps"] = steps_in(form)
        if (moved := acted(form, params["steps"])) is not None:
            return await _wrong(request, viewer, act, params | {"steps": moved})
    try:
        await choose(act, params, by=viewer)
    except Refused as refused:
        return await _wrong(request, viewer, act, params, (refused.field, refused.why))
    return await _after(request, viewer, bulk_id)


async def _wrong(
    request: Request, viewer: Viewer, act: BulkAct, params: dict[str, Any], wrong: tuple[str, Any] = ("", "")
) -> Reply:
    """The form again with what was typed, and why it is not right; or with a step more or less."""
    typed = {name: value for name, value in params.items() if value}
    context = await _page(request, viewer, act) | {"typed": typed, "wrong": wrong}
    template = "bulk/act.html" if wants_fragment(request) else "bulk/page.html"
    return invalid(template, title=act.what.label, section="tasks", **context)


@bulk.post("/bulk/{bulk_id:int}/start")
async def start_(request: Request, viewer: Viewer, bulk_id: int) -> Reply:
    await start(await viewer.bulk_acts.get(bulk_id), by=viewer)
    return await _after(request, viewer, bulk_id)


@bulk.post("/bulk/{bulk_id:int}/undo")
async def undo_(request: Request, viewer: Viewer, bulk_id: int) -> Reply:
    await undo(await viewer.bulk_acts.get(bulk_id), by=viewer)
    return await _after(request, viewer, bulk_id)


@bulk.get("/bulk/{bulk_id:int}/report")
async def report(request: Request, viewer: Viewer, bulk_id: int) -> Response:
    act = await viewer.bulk_acts.get(bulk_id)
    rows = await rows_of(act, viewer, size=1_000_000)
    names = await people_in(act.kind, [row[name] for row in rows for name in ("before", "after")])
    with partials.speaking(viewer.user.language):
        speak = partials.speak
        table = [
            {
                "label": row["label"],
                "fate": speak(FATES.get(row["fate"], FATES[""])),
                "why": speak(reason(row)),
                "before": speak(shown(act.kind, row["before"], names)),
                "after": speak(shown(act.kind, row["after"], names)),
            }
            for row in rows
        ]
        headings = (
            ("label", Say("Naam")),
            ("fate", Say("Wat er gebeurde")),
            ("why", Say("Toelichting")),
            ("before", Say("Was")),
            ("after", Say("Werd")),
        )
        columns = [(key, speak(heading)) for key, heading in headings]
    book = await asyncio.to_thread(workbook, table, columns)
    return Response(
        book,
        media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        headers={
            "Content-Disposition": f'attachment; filename="bewerking-{act.id}.xlsx"',
            "Cache-Control": "no-store",
        },
    )


async def _after(request: Request, viewer: Viewer, bulk_id: int) -> Reply:
    act = await viewer.bulk_acts.get(bulk_id)
    return changed("bulk/act.html", then=page.url(bulk_id=bulk_id), **await _page(request, viewer, act))


async def _page(request: Request, viewer: Viewer, act: BulkAct) -> dict[str, Any]:
    fate, number = str(request.query_params.get("fate") or ""), of_clients.page_number(request)
    fate = fate if fate in FATES else ""
    looked = act.numbers is not None
    total = await count_of(act, viewer, fate) if looked else 0
    number = min(number, max(1, -(-total // SIZE)))
    rows = await rows_of(act, viewer, fate=fate, page=number, size=SIZE) if total else []
    names = await people_in(act.kind, [row[name] for row in rows for name in ("before", "after")])
    running = act.task and act.state in ("busy", "undoing")
    task = await viewer.tasks.where(Task.id == act.task).find() if running else None
    asks = act.what.asks if act.state == "draft" else ()
    return {
        "act": act,
        "numbers": act.numbers,
        "now": await fates(act) if act.state != "draft" else {},
        "rows": [
            row
            | {
                "because": reason(row),
                "was": shown(act.kind, row["before"], names),
                "becomes": shown(act.kind, row["after"], names),
            }
            for row in rows
        ],
        "fate": fate,
        "fates": FATES,
        "total": total,
        "page": number,
        "size": SIZE,
        "base": page.url(bulk_id=act.id, fate=fate or None),
        "task": task,
        "broken_off": act.state in ("busy", "undoing") and not (task and task.is_busy),
        "back_to": (of_clients if act.about == "clients" else of_users).list_.url(),
        "may": viewer.view_as is None and viewer.may(act.what.needs),
        "typed": {},
        "plan_steps": json.loads(act.asked.get("value") or "[]") or [blank()] if "plan" in asks else [],
        "wrong": ("", ""),
        "whys": reason_counts(act.numbers or {}),
        **(await client_lists.choices(viewer) if asks else {}),
        **(await offered(viewer) if asks else {}),
    }


def reason_counts(numbers: dict[str, int]) -> list[tuple[Say | str, int]]:
    """(why, how many) of the look beforehand: of who stays as he is, and in which way the others change."""
    found = [
        (reason({"fate": key.partition(":")[0], "why": key.partition(":")[2]}), n)
        for key, n in numbers.items()
        if ":" in key
    ]
    return sorted(found, key=lambda one: -one[1])
