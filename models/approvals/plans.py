"""Setting plans: of the office, of a kind, of a client, of a client and kind; and which of them counts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from models import engine
from models.approvals.planning import people_of, read_steps
from models.approvals.records import ApprovalKind, ApprovalPlan
from models.clients import Client
from models.core import Refused, Say, Scope, operation
from models.live import touch
from models.settings import utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

SOURCES: dict[str, Say] = {
    "client_kind": Say("van deze cliënt en soort"),
    "client": Say("van deze cliënt"),
    "kind": Say("van de soort"),
    "office": Say("van het kantoor"),
    "everybody": Say("geen plan: één van allen met het recht om te accorderen"),
}


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def set_office_plan(
    _all: Scope[ApprovalPlan], kind: int | None, steps: Sequence[dict[str, Any]], *, by: Viewer
) -> None:
    """Of all clients that have none of their own: for one kind, or for all. Without steps there is none any more."""
    checked = role_steps(steps)
    await _put(None, kind, checked)
    await by.note("ApprovalPlan.set", None, {"kind": await _kind_name(kind), "steps": len(checked)})
    await touch("approvals")


@operation(Permission.EDIT_APPROVALS, trail=False)
async def set_client_plan(client: Client, kind: int | None, steps: Sequence[dict[str, Any]], *, by: Viewer) -> None:
    """Instead of the office's: for one kind, or for all of this client."""
    checked = _checked(steps)
    known = await people_of(client.id)
    asked = {one["person"] for step in checked for one in step["who"] if "person" in one}
    if asked - set(known):
        raise Refused("", Say("Kies uit de gebruikers van deze cliënt."))
    await _put(client.id, kind, checked)
    await by.note(
        "ApprovalPlan.set", client, {"name": client.name, "kind": await _kind_name(kind), "steps": len(checked)}
    )
    await touch("approvals", f"client-{client.id}")


def role_steps(steps: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Steps for more than one client, checked. Raises Refused, also where somebody is named."""
    checked = _checked(steps)
    if any("person" in one for step in checked for one in step["who"]):
        raise Refused("", Say("Een plan van het kantoor kent rollen; mensen kiest u per cliënt."))
    return checked


def _checked(steps: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    checked = read_steps(steps)
    for number, step in enumerate(checked, 1):
        people = [one for one in step["who"] if "person" in one]
        if step["mode"] == "some" and len(people) == len(step["who"]) < step["n"]:
            raise Refused("", Say("Stap {n} vraagt meer akkoorden dan er mensen zijn.", n=number))
    return checked


async def _put(client: int | None, kind: int | None, steps: list[dict[str, Any]]) -> None:
    if kind is not None and not await ApprovalKind.exists().where(ApprovalKind.id == kind):
        raise Refused("", Say("Kies een soort."))
    await engine.raw(
        "DELETE FROM approval_plan WHERE coalesce(client, 0) = $1 AND coalesce(kind, 0) = $2", client or 0, kind or 0
    )
    if steps:
        await ApprovalPlan(client=client, kind=kind, steps=json.dumps(steps), changed_at=utcnow()).save()


async def _kind_name(kind: int | None) -> str:
    if kind is None:
        return ""
    row = await ApprovalKind.select(ApprovalKind.name).where(ApprovalKind.id == kind).first()
    return str(row["name"]) if row else ""


async def steps_of(client: int | None, kind: int | None) -> list[dict[str, Any]]:
    """The steps of exactly this plan; [] where there is none."""
    rows = await engine.raw(
        "SELECT steps FROM approval_plan WHERE coalesce(client, 0) = $1 AND coalesce(kind, 0) = $2",
        client or 0,
        kind or 0,
    )
    return read_steps(rows[0]["steps"]) if rows else []


async def counting(client: int) -> list[dict[str, Any]]:
    """Of every kind in use which plan counts for this client: kind, name, source, and the steps as they are kept."""
    rows = await engine.raw(
        "SELECT k.id AS kind, k.name, p.client, p.kind AS of_kind, p.steps FROM approval_kind k LEFT JOIN approval_plan p ON "
        "(p.client = $1 OR p.client IS NULL) AND (p.kind = k.id OR p.kind IS NULL) WHERE k.is_active = $2 "
        "ORDER BY k.position, k.id, CASE WHEN p.client IS NULL THEN 1 ELSE 0 END, CASE WHEN p.kind IS NULL THEN 1 ELSE 0 END",
        client, True,
    )  # fmt: skip
    found: dict[int, dict[str, Any]] = {}
    for row in rows:
        if row["kind"] in found:
            continue
        steps = json.loads(row["steps"]) if row["steps"] else []
        if row["steps"] is None:
            source = "everybody"
        elif row["client"] is not None:
            source = "client_kind" if row["of_kind"] is not None else "client"
        else:
            source = "kind" if row["of_kind"] is not None else "office"
        found[row["kind"]] = {"kind": row["kind"], "name": row["name"], "source": source, "steps": steps}
    return list(found.values())
