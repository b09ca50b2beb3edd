"""The office's own people: adding a colleague, his role and permissions, and whose clients he sees."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts import mailbox
from models.accounts.blocking import listed
from models.accounts.managing import beyond, checked_email, checked_name, new_person
from models.core import Refused, Say, Scope, operation, save
from models.live import touch
from models.settings import sort_rule
from models.viewer import ROLES, STAFF_MODULES, Permission, joined

if TYPE_CHECKING:
    from models.accounts.records import User
    from models.viewer import Viewer


@operation(Permission.MANAGE_STAFF, trail=False)
async def add_staff(
    users: Scope[User],
    /,
    *,
    email: str,
    role: str,
    all_clients: bool,
    by: Viewer,
    office: int | None = None,
    **names: str,
) -> User:
    """A colleague, who gets a mail with a link to choose a password. Administrators see every client; who manages one
    branch office adds colleagues of that office."""
    office = by.fence or office
    await _checked(by, role, office)
    address = checked_email(email)
    if not address:
        raise Refused("email", Say("Vul een e-mailadres in."))
    await mailbox.fits("staff", address)
    everything = all_clients or role == "administrator"
    person = new_person(
        "staff", address, checked_name(names), rule=await sort_rule(), role=role, all_clients=everything, office=office
    )
    await person.save()
    await by.note("User.add_staff", person, {"name": person.display_name, "role": role})
    await person.invite(by=by)
    return person


@operation(Permission.MANAGE_STAFF, trail=False)
async def change_role(
    person: User,
    role: str,
    all_clients: bool,
    office: int | None = None,
    permissions: str = "",
    selections: Sequence[int] | None = None,
    groups: Sequence[int] | None = None,
    *,
    by: Viewer,
) -> None:
    """What a colleague may, and whose clients he sees.

    `permissions` is '' for all of his role, or module:level by commas; `selections` are the client groups that he sees,
    `groups` the groups of colleagues that he is in; None leaves those as they are.
    """
    if person.kind != "staff":
        raise Refused("", Say("Dit is geen medewerker van het kantoor."))
    await person.may_be_managed(by)
    office = by.fence or office
    await _checked(by, role, office)
    if role != "administrator":
        await person.stays_with_an_administrator()
    before = await _told(person)
    values = {
        "role": role,
        "all_clients": all_clients or role == "administrator",
        "office": office,
        "permissions_own": checked_permissions(permissions),
    }
    await save(person, **values)
    await put_pairs("staff_reach", "person", person.id, "client_group", await _known_selections(selections))
    await put_pairs("staff_group_member", "person", person.id, "staff_group", await _known_groups(groups))
    await settle_staff([person.id])
    after = await _told(person)
    if before != after:
        moved = [name for name in after if before[name] != after[name]]
        detail = {"before": {name: before[name] for name in moved}, "after": {name: after[name] for name in moved}}
        await by.note("User.change_role", person, {"name": person.display_name, **detail})
        await touch("users", "clients", f"user-{person.id}")


async def settle_staff(people: Iterable[int] | None = None) -> None:
    """Bring what follows from roles and groups up to date, for these colleagues or all: their permissions, whom they see."""
    from models.clients.reach import settle  # which needs these tables

    which, args = ("", []) if people is None else (f" AND u.id IN {listed(1)}", [json.dumps(sorted(set(people)))])
    rows = await engine.raw(
        "SELECT u.id, u.permissions, u.permissions_own AS own, g.permissions AS more FROM users u "
        "LEFT JOIN staff_group_member m ON m.person = u.id LEFT JOIN staff_group g ON g.id = m.staff_group "
        f"WHERE u.kind = 'staff'{which} ORDER BY u.id",
        *args,
    )
    held: dict[int, tuple[str, list[str]]] = {}
    for row in rows:
        held.setdefault(row["id"], (row["permissions"], [row["own"]]))[1].append(row["more"] or "")
    fresh: dict[str, list[int]] = {}
    for id, (now, sets) in held.items():
        if (wanted := joined(*sets)) != now:
            fresh.setdefault(wanted, []).append(id)
    for permissions, ids in fresh.items():  # as many as there are different sets, not as there are people
        await engine.raw(f"UPDATE users SET permissions = $2 WHERE id IN {listed(1)}", json.dumps(ids), permissions)
    await settle(people=held if people is not None else None)


async def colleagues(viewer: Viewer) -> list[dict[str, Any]]:
    """Everybody of the office, or of this viewer's branch office: id, full_name, email, state, role, permissions, all_clients,
    office (its name), how many clients he sees, last seen."""
    within = f"AND u.office = {int(viewer.fence)}" if viewer.fence else ""
    return await engine.raw(
        "SELECT u.id, u.full_name, u.email, u.state, u.role, u.permissions, u.all_clients, (u.totp_secret <> '' OR u.has_passkey) AS factor, coalesce(o.name, '') AS office, "
        "(SELECT count(*) FROM reach r WHERE r.person = u.id) AS clients, (SELECT s.seen_at FROM session s WHERE s.person = u.id ORDER BY s.seen_at DESC LIMIT 1) AS seen_at "
        f"FROM users u LEFT JOIN office o ON o.id = u.office WHERE u.kind = 'staff' {within} ORDER BY CASE WHEN u.state = 'blocked' THEN 1 ELSE 0 END, u.sort_key, u.id"
    )


async def place_of(person: int) -> dict[str, list[dict[str, Any]]]:
    """`selections`: the client groups for selection, `groups`: the groups of colleagues; each id, name, held (whether he has it)."""
    return {
        "selections": await engine.raw(
            "SELECT g.id, g.name, s.id IS NOT NULL AS held FROM client_group g "
            "LEFT JOIN staff_reach s ON s.client_group = g.id AND s.person = $1 WHERE g.purpose = 'selection' ORDER BY g.name_key",
            person,
        ),
        "groups": await engine.raw(
            "SELECT g.id, g.name, m.id IS NOT NULL AS held FROM staff_group g "
            "LEFT JOIN staff_group_member m ON m.staff_group = g.id AND m.person = $1 ORDER BY g.name_key",
            person,
        ),
    }


def checked_permissions(permissions: str) -> str:
    """As `users.permissions` keeps them: known modules and levels, in one order. '' stays all of the role."""
    known = {module.name for module in STAFF_MODULES}
    for pair in filter(None, permissions.split(",")):
        name, _, level = pair.partition(":")
        if permissions != "-" and (name not in known or level not in ("view", "act")):
            raise Refused("permissions", Say("Kies per onderdeel niets, bekijken of doen."))
    return joined(permissions) if permissions else ""


async def put_pairs(table: str, one: str, id: int, other: str, wanted: list[int] | None) -> None:
    """Exactly these `other`s beside `one` in a table of pairs; None changes nothing. The names are ours, never typed."""
    if wanted is None:
        return
    listing = json.dumps(wanted)
    await engine.raw(f"DELETE FROM {table} WHERE {one} = $2 AND {other} NOT IN {listed(1)}", listing, id)
    held = {row[other] for row in await engine.raw(f"SELECT {other} FROM {table} WHERE {one} = $1", id)}
    await engine.copy_rows(table, (one, other), [(id, each) for each in wanted if each not in held])


async def _known_selections(ids: Sequence[int] | None) -> list[int] | None:
    if ids is None:
        return None
    sql = f"SELECT id FROM client_group WHERE purpose = 'selection' AND id IN {listed(1)} ORDER BY id"
    rows = await engine.raw(sql, json.dumps(sorted(set(ids))))
    if len(rows) != len(set(ids)):
        raise Refused("selections", Say("Een van deze groepen bestaat niet meer."))
    return [row["id"] for row in rows]


async def _known_groups(ids: Sequence[int] | None) -> list[int] | None:
    if ids is None:
        return None
    rows = await engine.raw(
        f"SELECT id FROM staff_group WHERE id IN {listed(1)} ORDER BY id", json.dumps(sorted(set(ids)))
    )
    if len(rows) != len(set(ids)):
        raise Refused("groups", Say("Een van deze groepen bestaat niet meer."))
    return [row["id"] for row in rows]


async def _told(person: User) -> dict[str, Any]:
    """As the trail keeps it: names, not ids, because they are read years later."""
    place = await place_of(person.id)
    office = await engine.raw("SELECT name FROM office WHERE id = $1", person.office) if person.office else []
    return {
        "role": person.role,
        "all_clients": bool(person.all_clients),
        "office": office[0]["name"] if office else "",
        "permissions": person.permissions_own,
        **{key: ", ".join(row["name"] for row in rows if row["held"]) for key, rows in place.items()},
    }


async def _checked(by: Viewer, role: str, office: int | None) -> None:
    if role not in ROLES:
        raise Refused("role", Say("Kies een rol."))
    if refusal := beyond(by, role, office):
        raise Refused("role", refusal)
    if office and not await engine.raw("SELECT 1 AS one FROM office WHERE id = $1", office):
        raise Refused("office", Say("Deze vestiging bestaat niet meer."))
