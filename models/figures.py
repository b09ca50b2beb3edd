"""The small charts of the overview: how many people were invited and came in, and how much the portal is used."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models import engine, invitations
from models.mine import looked_after
from models.overview import ZONE
from models.settings import utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

WEEKS = 12
DAYS = 28


@dataclass(frozen=True)
class Activation:
    """At the end of each week (the last one: now): how many were ever invited, and how many came in."""

    weeks: list[dt.date]
    invited: list[int]
    active: list[int]


@dataclass(frozen=True)
class Use:
    """Sign-ins of clients on each day, and papers they handed in during each week (named by its Monday)."""

    days: list[dt.date]
    sign_ins: list[int]
    weeks: list[dt.date]
    uploads: list[int]


def mondays(count: int, now: dt.datetime | None = None) -> list[dt.date]:
    """Of the last weeks, this one included."""
    today = (now or utcnow()).astimezone(ZONE).date()
    this = today - dt.timedelta(days=today.weekday())
    return [this - dt.timedelta(weeks=back) for back in range(count - 1, -1, -1)]


def last_days(count: int, now: dt.datetime | None = None) -> list[dt.date]:
    today = (now or utcnow()).astimezone(ZONE).date()
    return [today - dt.timedelta(days=back) for back in range(count - 1, -1, -1)]


def _begins(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), ZONE).astimezone(dt.UTC)


async def activation(viewer: Viewer, *, everybody: bool = False, now: dt.datetime | None = None) -> Activation:
    """One query. Of everybody it counts along two indexes; of one's own clients' people it looks at them alone."""
    weeks = mondays(WEEKS, now)
    edges = [_begins(day) for day in weeks[1:]] + [now or utcnow()]
    mine = invitations.people_of(viewer, "u.id", everybody=everybody)
    columns = []
    for name in ("invited", "active"):
        moment = "invited_at" if name == "invited" else "activated_at"
        kept = f"FROM person u WHERE u.{moment} IS NOT NULL"
        columns.append(f"(SELECT count(*) {kept} AND u.{moment} < $1) AS {name}_0")
        columns += [
            f"(SELECT count(*) {kept} AND u.{moment} >= ${n} AND u.{moment} < ${n + 1}) AS {name}_{n}" for n in range(1, WEEKS)
        ]
    people = f"SELECT invited_at, activated_at FROM users u WHERE u.kind = 'client' AND {mine}"
    how = "NOT MATERIALIZED" if mine == "1 = 1" else "MATERIALIZED"
    row = (await engine.raw(f"WITH person AS {how} ({people}) SELECT {', '.join(columns)}", *edges))[0]
    return Activation(weeks, *(_summed([row[f"{name}_{n}"] for n in range(WEEKS)]) for name in ("invited", "active")))


async def use(viewer: Viewer, *, everybody: bool = False, now: dt.datetime | None = None) -> Use:
    """Two queries, over what happened in four and in twelve weeks."""
    days, weeks, end = last_days(DAYS, now), mondays(WEEKS, now), now or utcnow()
    people = invitations.people_of(viewer, "s.person", everybody=everybody)
    signed_in = (
        f"session s JOIN users u ON u.id = s.person WHERE u.kind = 'client' AND s.stage = 'signed_in' AND {people}"
    )
    handed_in = f"document d WHERE d.source = 'client' AND d.trashed_at IS NULL AND {looked_after(viewer, 'd.client', everybody=everybody)}"
    may = viewer.may(Permission.READ_DOSSIERS)
    return Use(
        days,
        await _per_part(signed_in, "s.created_at", [*(_begins(day) for day in days), end]),
        weeks,
        await _per_part(handed_in, "d.uploaded_at", [*(_begins(day) for day in weeks), end]) if may else [0] * WEEKS,
    )


async def _per_part(rows: str, moment: str, edges: list[dt.datetime]) -> list[int]:
    """How many of the rows fall between each edge and the next."""
    numbered = " ".join(f"WHEN {moment} < ${n + 1} THEN {n - 1}" for n in range(1, len(edges)))
    found = await engine.raw(
        f"SELECT CASE {numbered} END AS part, count(*) AS n FROM {rows} AND {moment} >= $1 AND {moment} < ${len(edges)} GROUP BY 1",
        *edges,
    )
    counted = {row["part"]: int(row["n"]) for row in found}
    return [counted.get(part, 0) for part in range(len(edges) - 1)]


def _summed(counts: list[int]) -> list[int]:
    total, found = 0, []
    for count in counts:
        total += int(count)
        found.append(total)
    return found
