"""Roles and mandates of a client's people: given with dates, ended, never deleted, so that who might sign then can be told later."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from models import engine
from models.approvals.planning import people_of
from models.approvals.records import ROLES, ApprovalKind, ApproverRole, Mandate
from models.approvals.standing_in import doubts_of
from models.clients import Client
from models.core import Refused, Say, operation, save
from models.live import touch
from models.settings import this_day, utcnow
from models.viewer import Permission, Right

if TYPE_CHECKING:
    from models.viewer import Viewer

_APPROVE = int(Right.APPROVE)


@operation(Permission.EDIT_APPROVALS, trail=False)
async def give_role(
    client: Client, person: int, role: str, since: dt.date | None, until: dt.date | None, *, by: Viewer
) -> None:
    """From a day, until and with a day. One person may have several roles, and a role once at a time."""
    if role not in ROLES:
        raise Refused("role", Say("Kies een rol."))
    name = await _person_of(client, person, "person")
    _check_days(since, until)
    if await _overlaps(client.id, person, role, since, until):
        raise Refused("role", Say("{name} heeft deze rol in die tijd al.", name=name))
    await ApproverRole(
        client=client.id, person=person, role=role, since=since, until=until, made_by=by.user.id, made_at=utcnow()
    ).save()
    await by.note("ApproverRole.give", client, {"name": client.name, "who": name, "role": role})
    await _tell(client.id, person)


async def _overlaps(client: int, person: int, role: str, since: dt.date | None, until: dt.date | None) -> bool:
    first, last = since or dt.date(1900, 1, 1), until or dt.date(9999, 12, 31)
    return bool(
        await engine.raw(
            "SELECT 1 AS one FROM approver_role WHERE client = $1 AND person = $2 AND role = $3 "
            "AND (until IS NULL OR until >= $4) AND (since IS NULL OR since <= $5) LIMIT 1",
            client, person, role, first, last,
        )
    )  # fmt: skip


@operation(Permission.EDIT_APPROVALS, trail=False)
async def end_role(given: ApproverRole, until: dt.date | None = None, *, by: Viewer) -> None:
    """The last day is yesterday, or the one that is named."""
    last = until or this_day() - dt.timedelta(days=1)
    if given.until is not None and given.until <= last:
        raise Refused("", Say("Deze rol was al geëindigd."))
    if given.since is not None and last < given.since:
        last = given.since - dt.timedelta(days=1)  # it never counted, and it stays to be seen
    await save(given, until=last)
    await by.note("ApproverRole.end", given, {"role": given.role, "until": last.isoformat()})
    await _tell(given.client, given.person)


@operation(Permission.EDIT_APPROVALS, trail=False)
async def give_mandate(
    client: Client, giver: int, taker: int, kind: int | None, since: dt.date | None, until: dt.date | None, note: str = "",
    *, by: Viewer,
) -> Mandate:  # fmt: skip
    """`taker` approves instead of `giver`; both belong to the client, and the taker must have the right to approve there."""
    return await _give(client, giver, taker, kind, since, until, note, by)


@operation(Permission.APPROVE, trail=False)
async def appoint_substitute(
    client: Client, taker: int, since: dt.date | None, until: dt.date | None, note: str = "", *, by: Viewer
) -> Mandate:
    """Somebody who approves lets a colleague do it for a while: always with a last day, at most a year ahead."""
    since = since or this_day()
    if until is None or until > since + dt.timedelta(days=366):
        raise Refused("until", Say("Kies een laatste dag, hoogstens een jaar na de eerste."))
    return await _give(client, by.user.id, taker, None, since, until, note, by)


async def _give(
    client: Client, giver: int, taker: int, kind: int | None, since: dt.date | None, until: dt.date | None, note: str, by: Viewer
) -> Mandate:  # fmt: skip
    since = since or this_day()
    _check_days(since, until)
    if until is not None and until < this_day():
        raise Refused("until", Say("Deze dag is al voorbij."))
    giver_name = await _person_of(client, giver, "giver")
    taker_name = await _person_of(client, taker, "taker")
    if giver == taker:
        raise Refused("taker", Say("Kies iemand anders dan {name} zelf.", name=giver_name))
    if not (await people_of(client.id))[taker].rights & _APPROVE:
        raise Refused("taker", Say("{name} heeft niet het recht om bij deze cliënt te accorderen.", name=taker_name))
    if kind is not None and not await ApprovalKind.exists().where(ApprovalKind.id == kind):
        raise Refused("kind", Say("Kies een soort."))
    mandate = Mandate(
        client=client.id, giver=giver, taker=taker, kind=kind, since=since, until=until, note=note[:500], made_by=by.user.id, made_at=utcnow()
    )  # fmt: skip
    await mandate.save()
    await by.note(
        "Mandate.give", client, {"name": client.name, "giver": giver_name, "taker": taker_name, "since": since.isoformat(), "until": until.isoformat() if until else ""}
    )  # fmt: skip
    await _tell(client.id, giver, taker)
    return mandate


@operation(Permission.EDIT_APPROVALS, trail=False)
async def end_mandate(mandate: Mandate, *, by: Viewer) -> None:
    """At once; what was approved under it stays approved."""
    await _end(mandate, by)


@operation(Permission.APPROVE, trail=False)
async def end_own_mandate(mandate: Mandate, *, by: Viewer) -> None:
    """Of who gave it."""
    if mandate.giver != by.user.id:
        raise Refused("", Say("Alleen wie zich laat vervangen, kan dat zelf beëindigen."))
    await _end(mandate, by)


async def _end(mandate: Mandate, by: Viewer) -> None:
    if mandate.ended_at is None:
        await save(mandate, ended_at=utcnow())
        await by.note("Mandate.end", mandate, {"since": mandate.since.isoformat()})
        await _tell(mandate.client, mandate.giver, mandate.taker)


def _check_days(since: dt.date | None, until: dt.date | None) -> None:
    if since and until and until < since:
        raise Refused("until", Say("De laatste dag ligt vóór de eerste."))


async def _person_of(client: Client, person: int, field: str) -> str:
    known = (await people_of(client.id)).get(person)
    if known is None:
        raise Refused(field, Say("Kies een gebruiker van deze cliënt."))
    return known.name


async def _tell(client: int, *people: int) -> None:
    await touch("approvals", f"client-{client}", *(f"user-{person}" for person in people))


async def roles_given(client: int) -> list[dict[str, Any]]:
    """All that were ever given, those that last first: id, person, who, role, since, until, lasts."""
    rows = await engine.raw(
        "SELECT r.id, r.person, u.full_name AS who, r.role, r.since, r.until, r.made_at, m.full_name AS made_by FROM approver_role r "
        "JOIN users u ON u.id = r.person LEFT JOIN users m ON m.id = r.made_by WHERE r.client = $1 ORDER BY u.sort_key, r.id DESC",
        client,
    )
    return sorted(({**row, "lasts": _lasts(row)} for row in rows), key=lambda row: not row["lasts"])


async def mandates_given(client: int) -> list[dict[str, Any]]:
    """As `roles_given`: id, giver, giver_name, taker, taker_name, kind_name, since, until, ended_at, note, made_by, lasts; and `doubts`,
    why the taker could not approve now."""
    rows = await engine.raw(
        "SELECT m.id, m.client, m.kind, m.giver, g.full_name AS giver_name, m.taker, t.full_name AS taker_name, k.name AS kind_name, m.since, m.until, m.ended_at, "
        "m.note, b.full_name AS made_by, m.made_at FROM mandate m JOIN users g ON g.id = m.giver JOIN users t ON t.id = m.taker "
        "LEFT JOIN approval_kind k ON k.id = m.kind LEFT JOIN users b ON b.id = m.made_by WHERE m.client = $1 ORDER BY m.id DESC",
        client,
    )
    return await _doubted(rows)


async def _doubted(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that last first, with why their takers could not approve now."""
    told = [row | {"lasts": row["ended_at"] is None and _lasts(row)} for row in rows]
    doubts = await doubts_of([row for row in told if row["lasts"]])
    return sorted((row | {"doubts": doubts.get(row["id"], [])} for row in told), key=lambda row: not row["lasts"])


def _lasts(row: dict[str, Any]) -> bool:
    """Whether its last day has not passed; what begins later lasts too. SQLite gives days as text."""
    return row["until"] is None or str(row["until"])[:10] >= this_day().isoformat()


async def own_substitutes(person: int, clients: Sequence[int]) -> dict[int, dict[str, list[dict[str, Any]]]]:
    """Of each of these clients: `people` who may stand in for this person, and what he gave (`given`, as `mandates_given`). The
    same statements, however many clients."""
    found: dict[int, dict[str, list[dict[str, Any]]]] = {client: {"people": [], "given": []} for client in clients}
    if not clients:
        return found
    listed = ", ".join(str(int(client)) for client in clients)
    people = await engine.raw(
        "SELECT a.client, u.id, u.full_name AS name, u.state FROM access a JOIN users u ON u.id = a.person "
        f"WHERE a.client IN ({listed}) AND a.rights & {_APPROVE} <> 0 AND u.state <> 'blocked' AND u.id <> $1 ORDER BY u.sort_key, u.id",
        person,
    )
    given = await engine.raw(
        "SELECT m.id, m.client, m.taker, m.kind, t.full_name AS taker_name, m.since, m.until, m.ended_at FROM mandate m JOIN users t ON t.id = m.taker "
        f"WHERE m.client IN ({listed}) AND m.giver = $1 ORDER BY m.id DESC",
        person,
    )
    for row in people:
        found[row["client"]]["people"].append(row)
    for row in await _doubted(given):
        found[row["client"]]["given"].append(row)
    return found


async def doubts(mandate: Mandate) -> list[Say]:
    """Why who was just appointed could not approve now."""
    row = {"id": mandate.id, "client": mandate.client, "taker": mandate.taker, "kind": mandate.kind}
    return (await doubts_of([row])).get(mandate.id, [])
