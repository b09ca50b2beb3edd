"""The checklist: the steps to roll the portal out, in order, each computed from the data or, where no data can tell, ticked."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from models import engine
from models.approvals.signers import Lack, Signers, signers
from models.core import Refused, Say, operation, save
from models.letters import standing
from models.live import touch
from models.rollout import readiness
from models.rollout.records import StepMark
from models.settings import BUILT, MODULES, Firm, utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

MARKED = ("instructed", "announced")


@dataclass(frozen=True)
class Step:
    """`state` is todo, busy, done or unused; `done` of `total` where it is counted; `marked` who ticked it, and when; `parts`
    are the numbers on the way there, by name; `lacks` the kinds of approval that nobody could sign, at how many clients."""

    key: str
    state: str
    done: int = 0
    total: int = 0
    module: str = ""
    marked: tuple[str, dt.datetime] | None = None
    parts: dict[str, int] = field(default_factory=dict)
    lacks: tuple[Lack, ...] = ()

    @property
    def todo(self) -> int:
        return self.total - self.done


@dataclass(frozen=True)
class Checklist:
    steps: list[Step]
    clients: int
    ready: int
    unused: list[str]

    @property
    def in_use(self) -> list[Step]:
        return [step for step in self.steps if step.state != "unused"]

    @property
    def done(self) -> int:
        return sum(1 for step in self.in_use if step.state == "done")

    @property
    def next(self) -> Step | None:
        """The first step that is not done: where to go on."""
        return next((step for step in self.in_use if step.state != "done"), None)


_REST_SQL = """
SELECT (SELECT count(*) FROM client_group) AS groups, (SELECT count(*) FROM dossier WHERE kind = 'standard') AS standards,
 (SELECT count(*) FROM dossier d WHERE d.kind = 'general' AND EXISTS (SELECT 1 FROM folder f JOIN document x ON x.folder = f.id
   WHERE f.dossier = d.id AND f.trashed_at IS NULL AND x.trashed_at IS NULL)) AS general,
 (SELECT count(*) FROM dossier WHERE kind = 'general') AS generals
"""
_PEOPLE_SQL = """
SELECT count(*) AS reachable, coalesce(sum(CASE WHEN u.state IN ('invited', 'active') THEN 1 ELSE 0 END), 0) AS invited
FROM users u WHERE u.kind = 'client' AND u.email <> '' AND u.state <> 'blocked'
AND u.id IN (SELECT a.person FROM access a JOIN client c ON c.id = a.client WHERE c.state = 'active') AND {mine}
"""
_MARKS_SQL = """
SELECT s.step, s.marked_at, u.full_name FROM step_mark s LEFT JOIN users u ON u.id = s.marked_by
"""


async def checklist(viewer: Viewer, firm: Firm) -> Checklist:
    """Of the clients that this viewer sees. A handful of queries, whatever their number."""
    have = await readiness.counts(viewer, firm)
    have |= (await engine.raw(_REST_SQL))[0]
    have |= (await engine.raw(_PEOPLE_SQL.format(mine=readiness.my_people_sql(viewer))))[0]
    marks = {row["step"]: (_name(row), row["marked_at"]) for row in await engine.raw(_MARKS_SQL)}
    clients = have["clients"]
    dossiers = [
        _whether("standards", have["standards"], "dossiers"),
        *(_counted(name, have.get(name, 0), clients, "dossiers") for name in readiness.OF_DOSSIERS),
        _whether("general", have["general"], "dossiers", begun=have["generals"]),
    ]
    steps = [
        _whether("groups", have["groups"]),
        _whether("clients", clients),
        _counted("people", have["people"], clients),
        *(dossiers if firm.uses("dossiers") else []),
        *(Step(name, "done" if name in marks else "todo", marked=marks.get(name)) for name in MARKED),
        *([_signers(await signers(viewer)), _letters(await standing(viewer))] if firm.uses("approvals") else []),
        _counted("gates", int(have["invited"]), have["reachable"]),
    ]
    return Checklist(steps, clients, have["ready"], [name for name in MODULES if not firm.uses(name)])


@operation(Permission.OPEN_GATES, trail=False)
async def mark_step(firm: Firm, step: str, *, done: bool, by: Viewer) -> None:
    """Tick a step that no data can tell, or take the tick away. Ticking twice keeps who was first."""
    if step not in MARKED:
        raise Refused("", Say("Deze stap wordt uit de gegevens berekend."))
    if done:
        await engine.raw(
            "INSERT INTO step_mark (step, marked_by, marked_at) VALUES ($1, $2, $3) ON CONFLICT (step) DO NOTHING",
            step, by.user.id, utcnow(),
        )  # fmt: skip
    else:
        await StepMark.delete().where(StepMark.step == step)
    await by.note("StepMark.set" if done else "StepMark.clear", firm, {"step": step})
    await touch("rollout")


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def use_module(firm: Firm, module: str, *, on: bool, by: Viewer) -> None:
    """Switch a module on or off. Off hides its steps and its pages; nothing in it is lost."""
    if module not in BUILT:
        raise Refused("", Say("Deze module is er nog niet."))
    names = [name for name in MODULES if (name == module and on) or (name != module and firm.uses(name))]
    await save(firm, modules=",".join(names))
    await by.note("Firm.use_module", firm, {"module": module, "on": on})
    await touch("rollout", "settings")


def _whether(key: str, count: int, module: str = "", *, begun: int = 0) -> Step:
    """A step that is done as soon as there is one; `done` says how many there are, and it is not measured against a total."""
    return Step(key, "done" if count else "busy" if begun else "todo", int(count), 0, module)


def _counted(key: str, done: int, total: int, module: str = "") -> Step:
    return Step(key, "done" if total and done >= total else "busy" if done else "todo", done, total, module)


def _signers(have: Signers) -> Step:
    """Somebody who could approve at every client, whatever is offered there; `none` counts the clients with nobody at all."""
    step = _counted("signers", have.whole, have.clients, "approvals")
    return replace(step, parts={"none": have.none}, lacks=have.lacks)


def _letters(have: dict[str, int]) -> Step:
    """PIN letters: done when every approver has used his PIN once; busy from the first letter on."""
    step = _counted("letters", have["confirmed"], have["approvers"], "approvals")
    return replace(step, state="busy" if step.state == "todo" and have["lettered"] else step.state, parts=have)


def _name(row: dict[str, Any]) -> str:
    return row["full_name"] or ""
