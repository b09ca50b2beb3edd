"""Rolling out: the checklist, and underneath it the matrix of clients and steps."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from models.core import Missing, Say
from models.rollout import checklist, mark_step, readiness, use_module
from models.settings import Firm
from models.viewer import Viewer
from web.replies import Reply, changed, show, wants_fragment
from web.routing import Access, Routes

rollout = Routes("rollout", Access.STAFF)

SIZE = 50


@rollout.get("/rollout")
async def page(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    firm = await Firm.load()
    matrix = await _matrix(request, viewer, firm)
    if wants_fragment(request):
        return show("rollout/matrix.html", **matrix)
    return show(
        "rollout/page.html",
        title=Say("Uitrol"),
        section="rollout",
        list=await checklist(viewer, firm),
        groups=await readiness.groups(viewer),
        **matrix,
    )


@rollout.get("/rollout/checklist")
async def steps(request: Request, viewer: Viewer) -> Reply:
    return show("rollout/checklist.html", title=Say("Uitrol"), section="rollout", **await _steps(viewer))


@rollout.post("/rollout/steps/{step}")
async def tick(request: Request, viewer: Viewer, step: str) -> Reply:
    form = await request.form()
    await mark_step(await Firm.load(), step, done=form.get("done") == "1", by=viewer)
    return changed("rollout/checklist.html", then=page.url(), **await _steps(viewer))


@rollout.post("/rollout/modules/{key}")
async def choose_module(request: Request, viewer: Viewer, key: str) -> Reply:
    form = await request.form()
    await use_module(await Firm.load(), key, on=form.get("on") == "1", by=viewer)
    return changed(then=page.url())


def allow(viewer: Viewer) -> None:
    if not viewer.may("view_rollout"):
        raise Missing("rollout")


def filter_of(asked: Any) -> dict[str, Any]:
    """The filter of the matrix out of an address or a form; nonsense is no filter."""
    group = str(asked.get("group") or "")
    return {
        "q": str(asked.get("q") or "")[:100],
        "group": int(group) if group.isdecimal() and len(group) < 10 else 0,
        "ready": asked["ready"] if asked.get("ready") in ("yes", "no") else "",
        "missing": asked["missing"] if asked.get("missing") in readiness.COLUMNS else "",
    }


def page_number(request: Request) -> int:
    asked = request.query_params.get("page", "")
    return int(asked) if asked.isdecimal() and 0 < int(asked) < 100_000 else 1


async def _steps(viewer: Viewer) -> dict[str, Any]:
    allow(viewer)
    return {"list": await checklist(viewer, await Firm.load())}


async def _matrix(request: Request, viewer: Viewer, firm: Firm) -> dict[str, Any]:
    asked = request.query_params
    chosen, sort = filter_of(asked), asked.get("sort", "name")
    number = page_number(request)
    kept = {name: value or None for name, value in chosen.items()}
    ordered = {**kept, "sort": sort if sort != "name" else None}
    found = await readiness.matrix(viewer, firm, **chosen, sort=sort, page=number, size=SIZE)
    return {
        **chosen,
        "rows": found.rows,
        "total": found.total,
        "columns": readiness.columns_for(firm),
        "required": readiness.required_for(firm),
        "sort": sort,
        "page": number,
        "size": SIZE,
        "unsorted": page.url(**kept),
        "base": page.url(**ordered),
        "here": page.url(**ordered, page=number if number > 1 else None),
        "is_narrowed": any(chosen.values()),
    }
