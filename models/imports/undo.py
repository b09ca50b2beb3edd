"""Taking an import back, as long as nothing depends on what it made."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from models import engine
from models.clients import settle, settle_rights
from models.core import Refused, Say, save
from models.imports.world import CLIENT_FIELDS, USER_FIELDS, listed
from models.live import touch
from models.people import PARTS, keys_of, search_text, sort_name
from models.settings import sort_rule, this_day, utcnow

if TYPE_CHECKING:
    from models.imports.records import Import
    from models.viewer import Viewer

KEPT = dt.timedelta(days=90)

_MADE = "SELECT id FROM client WHERE imported = $1"
_PEOPLE = "SELECT id FROM users WHERE imported = $1"
_GROUPS = "SELECT id FROM client_group WHERE imported = $1"
_NAMES = {
    "client": "SELECT name, count(*) OVER () AS n FROM client WHERE id IN ({}) ORDER BY sort_key, id LIMIT 3",
    "users": "SELECT full_name AS name, count(*) OVER () AS n "
    "FROM users WHERE id IN ({}) ORDER BY sort_key, id LIMIT 3",
    "sector": "SELECT name, count(*) OVER () AS n FROM sector WHERE id IN ({}) ORDER BY name_key LIMIT 3",
    "client_group": "SELECT name, count(*) OVER () AS n FROM client_group WHERE id IN ({}) ORDER BY name_key LIMIT 3",
}
# Each finds those of whom something would be lost; $1 is the import, $2 the moment of its commit.
_LOSSES: tuple[tuple[str, str, Say], ...] = (
    ("client", f"SELECT client FROM document WHERE client IN ({_MADE})", Say("Van deze nieuwe cliënten zijn er al documenten: {names}.")),
    ("client", f"SELECT client FROM dossier WHERE client IN ({_MADE})", Say("Van deze nieuwe cliënten is er al een dossier: {names}.")),
    (
        "client",
        f"SELECT client FROM access WHERE client IN ({_MADE}) AND coalesce(imported, 0) <> $1",
        Say("Bij deze nieuwe cliënten zijn later gebruikers toegevoegd: {names}."),
    ),
    (
        "client",
        f"SELECT client FROM membership WHERE client IN ({_MADE}) AND coalesce(imported, 0) <> $1",
        Say("Deze nieuwe cliënten zijn later in een groep gezet: {names}."),
    ),
    (
        "client",
        f"SELECT client FROM trail WHERE client IN ({_MADE}) AND at > $2",
        Say("Bij deze nieuwe cliënten is sindsdien iets gewijzigd: {names}."),
    ),
    (
        "users",
        "SELECT id FROM users WHERE imported = $1 AND state <> 'prepared'",
        Say("Deze nieuwe gebruikers zijn al uitgenodigd of ingelogd: {names}."),
    ),
    (
        "users",
        "SELECT p.person FROM opening_person p JOIN opening o ON o.id = p.opening "
        f"WHERE o.started_at IS NOT NULL AND p.person IN ({_PEOPLE})",
        Say("Voor deze nieuwe gebruikers zijn de poorten al geopend: {names}."),
    ),
    ("users", f"SELECT person FROM link WHERE person IN ({_PEOPLE})", Say("Deze nieuwe gebruikers kregen al een uitnodiging: {names}.")),
    (
        "users",
        f"SELECT person FROM access WHERE person IN ({_PEOPLE}) AND coalesce(imported, 0) <> $1",
        Say("Deze nieuwe gebruikers kregen later toegang tot een andere cliënt: {names}."),
    ),
    (
        "users",
        f"SELECT record_id FROM trail WHERE record_table = 'User' AND record_id IN ({_PEOPLE}) AND at > $2",
        Say("Bij deze nieuwe gebruikers is sindsdien iets gewijzigd: {names}."),
    ),
    (
        "users",
        f"SELECT record_id FROM import_row WHERE part = 'user' AND action = 'changed' AND record_id IN ({_PEOPLE}) "
        "AND batch IN (SELECT id FROM import_batch WHERE state = 'committed' AND id > $1)",
        Say("Deze nieuwe gebruikers zijn door een latere import gewijzigd; draai die eerst terug: {names}."),
    ),
    (
        "client_group",
        f"SELECT client_group FROM membership WHERE client_group IN ({_GROUPS}) AND coalesce(imported, 0) <> $1",
        Say("In deze nieuwe groepen staan inmiddels andere cliënten: {names}."),
    ),
    (
        "users",
        f"SELECT person FROM responsible WHERE person IN ({_PEOPLE}) AND coalesce(imported, 0) <> $1",
        Say("Deze nieuwe medewerkers zijn inmiddels verantwoordelijk voor cliënten: {names}."),
    ),
    (
        "sector",
        "SELECT x.sector FROM client_sector x JOIN sector s ON s.id = x.sector JOIN client c ON c.id = x.client "
        "WHERE s.imported = $1 AND coalesce(c.imported, 0) <> $1 AND coalesce(x.imported, 0) <> $1",
        Say("In deze nieuwe branches zitten inmiddels andere cliënten: {names}."),
    ),
    (
        "client_group",
        f"SELECT client_group FROM dossier_group WHERE client_group IN ({_GROUPS})",
        Say("Voor deze nieuwe groepen is een algemeen dossier bedoeld: {names}."),
    ),
)  # fmt: skip


async def blockers(record: Import) -> list[Say]:
    """What stands in the way, in words; empty when it can be taken back."""
    if record.committed_at is None:
        return [Say("Deze import is niet uitgevoerd.")]
    if utcnow() - record.committed_at > KEPT:
        return [Say("Na 90 dagen kan een import niet meer worden teruggedraaid.")]
    found = []
    for table, sql, why in _LOSSES:
        args = (record.id, record.committed_at) if "$2" in sql else (record.id,)
        rows = await engine.raw(_NAMES[table].format(sql), *args)
        if rows:
            found.append(Say(why.text, names=_listed(rows)))
    return found


def _listed(rows: engine.Rows) -> Say | str:
    names, more = ", ".join(row["name"] for row in rows), rows[0]["n"] - len(rows)
    return Say("{names} en nog {n}", names=names, n=more) if more else names


async def carry_out(record: Import, by: Viewer) -> dict[str, Any]:
    """In one writing unit: what was made goes, what was changed becomes what it was unless it changed since."""
    state = await engine.raw("SELECT state FROM import_batch WHERE id = $1", record.id)
    if not state or state[0]["state"] != "undoing":
        return {}
    found = await blockers(record)
    if found:
        raise Refused("", found[0])
    counts = await _restore(record)
    # ended and not deleted, of who stays: a role is kept, so that who might approve then can be told later
    await engine.raw(
        "UPDATE approver_role SET until = $2 WHERE imported = $1 AND until IS NULL",
        record.id,
        this_day() - dt.timedelta(days=1),
    )
    for table in ("access", "membership", "client_sector", "responsible", "users", "client", "client_group", "sector"):
        gone = await engine.raw(f"DELETE FROM {table} WHERE imported = $1 RETURNING id", record.id)
        counts[table] = len(gone)
    await settle()
    await settle_rights()
    await save(
        record, state="undone", undone_at=utcnow(), problem="", options=json.dumps(record.chosen | {"undone": counts})
    )
    await by.note("Import.take_back", record, {"name": record.file_name, **counts})
    await touch("imports", f"import-{record.id}", "clients", "users", "rollout")
    return counts


_TABLES = {
    "client": "client", "user": "users", "staff": "users", "group": "client_group", "sector": "sector", "duty": "responsible",
}  # fmt: skip
_KEPT = {"duties": "roles"}  # a field of a list > its column, where they differ


async def _restore(record: Import) -> dict[str, int]:
    """Each field by itself, and only where it still is as the import left it. How many rows became as they were, and in
    how many something was left because it changed since."""
    rows = await engine.raw(
        "SELECT part, record_id, content, changes FROM import_row WHERE batch = $1 AND action = 'changed' AND record_id IS NOT NULL",
        record.id,
    )
    now = {part: await _now(part, [row["record_id"] for row in rows if row["part"] == part]) for part in _TABLES}
    roles = await _roles(record.id)
    fields: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
    given: list[tuple[Any, ...]] = []
    counts = {"restored": 0, "left": 0}
    for row in rows:
        id, is_all, is_any = row["record_id"], True, False
        for name, (before, after) in json.loads(row["changes"]).items():
            before, after = _value(name, before), _value(name, after)
            if name == "role":
                content = json.loads(row["content"])
                pair = id, content["client"]
                is_same = roles.get(pair, ("", 0))[0] == after
                if is_same:
                    own = 0 if before else int(content.get("rights_before", 0))
                    given.append((before, own, roles[pair][1]))
            elif name in (*CLIENT_FIELDS, *USER_FIELDS, "description", "sbi_version", "duties"):
                column = _KEPT.get(name, name)
                is_same = id in now[row["part"]] and now[row["part"]][id][column] == after
                if is_same:
                    fields.setdefault((_TABLES[row["part"]], column), []).append((before, id))
            else:
                continue  # an access or a membership: made by the import, and removed with it
            is_all, is_any = is_all and is_same, True
        counts["restored" if is_all else "left"] += is_any
    for (table, name), changes in fields.items():
        await engine.raw_many(f"UPDATE {table} SET {name} = $1 WHERE id = $2", changes)
    await engine.raw_many("UPDATE access SET role = $1, own = $2 WHERE id = $3", given)
    await _renew_keys(set(now["client"]), {*now["user"], *now["staff"]})
    return counts


async def _now(part: str, ids: list[int]) -> dict[int, dict[str, Any]]:
    rows = await engine.raw(f"SELECT * FROM {_TABLES[part]} WHERE id IN {listed(1)}", json.dumps(ids)) if ids else []
    return {row["id"]: row for row in rows}


async def _roles(batch: int) -> dict[tuple[int, str], tuple[str, int]]:
    """Person and key of the client > role, id of the access; of whom the import changed."""
    rows = await engine.raw(
        "SELECT a.id, a.person, a.role, c.number_key FROM access a JOIN client c ON c.id = a.client WHERE a.person IN "
        "(SELECT record_id FROM import_row WHERE batch = $1 AND part = 'user' AND action = 'changed')",
        batch,
    )
    return {(row["person"], row["number_key"]): (row["role"], row["id"]) for row in rows}


async def _renew_keys(clients: set[int], people: set[int]) -> None:
    found = await engine.raw(
        f"SELECT id, number, name, city, email FROM client WHERE id IN {listed(1)}", json.dumps(sorted(clients))
    )
    await engine.raw_many(
        "UPDATE client SET sort_key = $1, search_key = $2 WHERE id = $3",
        [(sort_name(r["name"]), search_text(r["number"], r["name"], r["city"], r["email"]), r["id"]) for r in found],
    )
    found = await engine.raw(
        f"SELECT id, {', '.join(PARTS)}, email FROM users WHERE id IN {listed(1)}",
        json.dumps(sorted(people)),
    )
    rows, rule = [], await sort_rule()
    for row in found:
        id = row.pop("id")
        keys = keys_of(**row, rule=rule)
        rows.append((keys["full_name"], keys["sort_key"], keys["search_key"], id))
    await engine.raw_many("UPDATE users SET full_name = $1, sort_key = $2, search_key = $3 WHERE id = $4", rows)


def _value(name: str, value: Any) -> Any:
    return dt.date.fromisoformat(value) if name == "since" and value else value
