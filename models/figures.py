"""The small charts of the overview: how many people were invited and came in, and how much the portal is used."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models import engine
from models.mine import looked_after, people_of
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
    mine = people_of(viewer, "u.id", everybody=everybody)
    columns = []
    for name in ("invited", "active"):
        moment = "invited_at" if name == "invited" else "activated_at"
        kept = f"FROM person u WHERE u.{moment} IS NOT NULL"
        columns.append(f"(SELECT count(*) {kept} AND u.{moment} < $1) AS {name}_0")
        columns += [
            f"(SELECT count(*) {kept} AND u.{moment} >= ${n} AND u.{moment} < ${n + 1}) AS {name}_{n}"
            for n in range(1, WEEKS)
        ]
    people = f"SELECT invited_at, activated_at FROM users u WHERE u.kind = 'client' AND {mine}"
    how = "NOT MATERIALIZED" if mine == "1 = 1" else "MATERIALIZED"
    row = (await engine.raw(f"WITH person AS {how} ({people}) SELECT {', '.join(columns)}", *edges))[0]
    return Activation(weeks, *(_summed([row[f"{name}_{n}"] for n in range(WEEKS)]) for name in ("invited", "active")))


async def use(viewer: Viewer, *, everybody: bool = False, now: dt.datetime | None = None) -> Use:
    """One query, over what happened in four and in twelve weeks. Papers are not counted for who may not read dossiers."""
    days, weeks, end = last_days(DAYS, now), mondays(WEEKS, now), now or utcnow()
    people = people_of(viewer, "s.person", everybody=everybody)
    mine = looked_after(viewer, "d.client", everybody=everybody)
    signed_in = (
        f"session s JOIN users u ON u.id = s.person WHERE u.kind = 'client' AND s.stage = 'signed_in' AND {people}"
    )
    handed_in = f"document d WHERE d.source = 'client' AND d.trashed_at IS NULL AND {mine}"
    if not viewer.may(Permission.READ_DOSSIERS):
        handed_in += " AND 1 = 0"
    edges = [_begins(day) for day in days] + [end] + [_begins(day) for day in weeks]
    parts = (
        _per_part("day", signed_in, "s.created_at", range(1, DAYS + 2)),
        _per_part("week", handed_in, "d.uploaded_at", [*range(DAYS + 2, DAYS + 2 + WEEKS), DAYS + 1]),
    )
    counted = {(row["what"], row["part"]): int(row["n"]) for row in await engine.raw(" UNION ALL ".join(parts), *edges)}
    return Use(
        days,
        [counted.get(("day", n), 0) for n in range(DAYS)],
        weeks,
        [counted.get(("week", n), 0) for n in range(WEEKS)],
    )


def _per_part(what: str, rows: str, moment: str, edges: Sequence[int]) -> str:
    """SQL that counts the rows between each edge (the number of an argument) and the next."""
    numbered = " ".join(f"WHEN {moment} < ${edge} THEN {n}" for n, edge in enumerate(edges[1:]))
    return (
        f"SELECT '{what}' AS what, CASE {numbered} END AS part, count(*) AS n FROM {rows} "
        f"AND {moment} >= ${edges[0]} AND {moment} < ${edges[-1]} GROUP BY 2"
    )


def _summed(counts: list[int]) -> list[int]:
    total, found = 0, []
    for count in counts:
        total += int(count)
        found.append(total)
    return found
