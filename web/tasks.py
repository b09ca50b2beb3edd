"""Long work that was started: what is running and how far, what is done, and stopping it."""

from __future__ import annotations

from starlette.requests import Request

from models.core import Say
from models.tasks import newest
from models.viewer import Viewer
from web.replies import Reply, changed, show, wants_fragment
from web.routing import Access, Routes

tasks = Routes("tasks", Access.STAFF)

SIZE = 50


@tasks.get("/tasks")
async def list_(request: Request, viewer: Viewer) -> Reply:
    rows = await newest(viewer, SIZE)
    template = "tasks/rows.html" if wants_fragment(request) else "tasks/list.html"
    return show(template, title=Say("Taken"), section="tasks", tasks=rows)


@tasks.get("/tasks/{task_id:int}")
async def show_(request: Request, viewer: Viewer, task_id: int) -> Reply:
    task = await viewer.tasks.get(task_id)
    return show("tasks/task.html", title=Say("Taak"), section="tasks", task=task)


@tasks.get("/tasks/{task_id:int}/progress")
async def progress(request: Request, viewer: Viewer, task_id: int) -> Reply:
    return show("tasks/progress.html", title=Say("Taak"), section="tasks", task=await viewer.tasks.get(task_id))


@tasks.post("/tasks/{task_id:int}/cancellation")
async def cancel(request: Request, viewer: Viewer, task_id: int) -> Reply:
    task = await viewer.tasks.get(task_id)
    await task.cancel(by=viewer)
    return changed(
        "tasks/progress.html",
        then=show_.url(task_id=task_id),
        toast=Say("Het werk stopt zo snel als het kan."),
        task=task,
    )
