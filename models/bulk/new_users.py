"""Users out of the clients' own contact data: everybody prepared, with access and rights, and nobody mailed."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from models import dutch, engine
from models.accounts.blocking import listed
from models.accounts.managing import checked_name, new_person
from models.bulk.kinds import Row, Verdict, chosen_in, declare
from models.bulk.of_clients import _OfClients
from models.clients import seen, settle_rights
from models.clients.rights import templates
from models.core import Refused, Say, fold
from models.imports.wholes import split_person
from models.people import sort_name
from models.settings import sort_rule, utcnow
from models.viewer import Permission, Viewer

# Addresses that more people read than one; what comes before the @ says so.
SHARED = frozenset(
    [
        "info",
        "contact",
        "administratie",
        "admin",
        "boekhouding",
        "office",
        "kantoor",
        "mail",
        "post",
        "receptie",
        "secretariaat",
        "sales",
        "verkoop",
        "inkoop",
        "finance",
        "financien",
        "facturen",
        "factuur",
        "salaris",
        "salarisadministratie",
        "hr",
        "service",
        "algemeen",
        "debiteuren",
        "crediteuren",
        "support",
        "helpdesk",
        "welkom",
        "hallo",
        "hello",
    ]
)
_OF_PERSONS = ("eenmanszaak", "natuurlijk persoon", "particulier", "zzp", "persoon")
_WORDS = re.compile(r"[a-z]{2,}(?:-[a-z]{2,})*")
_USER_COLUMNS = (
    "kind", "state", "email", "email_key", "initials", "first_name", "prefix", "surname", "gender", "full_name", "sort_key", "search_key",
    "language", "created_at",
)  # fmt: skip


@declare
class PrepareUsers(_OfClients):
    """For each client the person behind its own mail address. One address is one person, also for several clients.

    The name comes from the address (piet.van.dijk@…), or from the client when he is a person himself. Where neither tells
    it, and for mailboxes that more people read, `unnamed` decides: leave out, or call the user as the client is called.
    The value is JSON: the client's address and state, and the id of the access that its holder has to the client, or 0.
    """

    name, trail, back = "prepare_users", "Client.prepare_user", "Client.take_user_back"
    label, icon, asks = Say("Gebruikers klaarzetten"), "user-plus", ("role", "unnamed")
    needs = Permission.MANAGE_USERS

    async def checked(self, params: Mapping[str, Any], by: Viewer) -> dict[str, Any]:
        names = {row["key"]: row["name"] for row in await templates()}
        role = chosen_in(params, "role", list(names))
        return {"role": role, "name": names[role], "unnamed": chosen_in(params, "unnamed", ("leave", "client"))}

    def told(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"template": params["name"]}

    async def look(self, ids: Sequence[int], params: dict[str, Any], by: Viewer) -> dict[int, str]:
        return {id: _value(row) for id, row in (await _contacts(ids, by)).items()}

    async def judge(self, ids: Sequence[int], params: dict[str, Any], by: Viewer) -> dict[int, Verdict]:
        found, judged, seen_before = await _contacts(ids, by), {}, set()
        for id in ids:
            if (row := found.get(id)) is None:
                continue
            before, names = _value(row), named(row, params)
            why = _refused(row, names)
            if row["access"]:
                judged[id] = Verdict("already", before, before, "has_access")
            elif why:
                judged[id] = Verdict("refused", before, before, why)
            else:
                way = "access" if row["person"] else "together" if row["email_key"] in seen_before else "new"
                seen_before.add(row["email_key"])
                judged[id] = Verdict("will", before, json.dumps(names, ensure_ascii=False), way)
        return judged

    async def refusals(self, ids: Sequence[int], params: dict[str, Any], by: Viewer) -> dict[int, str]:
        """Once more, when it is carried out: the address may have become a colleague's meanwhile."""
        found = await _contacts(ids, by)
        return {id: why for id, row in found.items() if (why := _refused(row, named(row, params)))}

    async def put(self, rows: Sequence[Row], params: dict[str, Any], by: Viewer, at: dt.datetime) -> dict[int, int]:
        found = await _contacts([row.record for row in rows], by)
        fresh: dict[str, dict[str, Any]] = {}
        first: dict[str, int] = {}
        rule = await sort_rule()
        for row in rows:
            contact = found[row.record]
            if not contact["person"] and contact["email_key"] not in fresh:
                values = checked_name({**json.loads(row.after), "language": contact["language"]})
                person = new_person("client", contact["email"], values, rule=rule)
                fresh[contact["email_key"]] = {name: getattr(person, name) for name in _USER_COLUMNS}
                first[contact["email_key"]] = row.record
        await engine.copy_rows("users", _USER_COLUMNS, [tuple(one.values()) for one in fresh.values()])
        found = await _contacts([row.record for row in rows], by)
        now = utcnow()
        await engine.copy_rows(
            "access",
            ("person", "client", "rights", "role", "own", "created_at"),
            [(found[row.record]["person"], row.record, 0, params["role"], 0, now) for row in rows],
        )
        await settle_rights(clients=[row.record for row in rows])
        return {id: found[id]["person"] for id in first.values()}

    async def put_back(self, rows: Sequence[Row], params: dict[str, Any], by: Viewer, at: dt.datetime) -> None:
        """The accesses go; a user that came into being by it goes when nothing else was done with him."""
        accesses = [json.loads(row.after)["access"] for row in rows]
        people = await engine.raw(f"DELETE FROM access WHERE id IN {listed(1)} RETURNING person", json.dumps(accesses))
        made = json.dumps(sorted({row["person"] for row in people}))
        await engine.raw(
            f"DELETE FROM users WHERE id IN {listed(1)} AND {_UNTOUCHED} AND id IN (SELECT b.made FROM bulk_row b WHERE b.made IS NOT NULL)",
            made,
        )


# Only prepared: nobody signed in, nothing was mailed, and he reaches nothing else.
_UNTOUCHED = (
    "kind = 'client' AND state = 'prepared' AND invited_at IS NULL AND activated_at IS NULL AND password = '' "
    "AND NOT EXISTS (SELECT 1 FROM access x WHERE x.person = users.id) "
    "AND NOT EXISTS (SELECT 1 FROM link l WHERE l.person = users.id) AND NOT EXISTS (SELECT 1 FROM activation_code k WHERE k.person = users.id)"
)


async def _contacts(ids: Sequence[int], by: Viewer) -> dict[int, dict[str, Any]]:
    """Per client that this viewer sees: name, legal_form, state, email, email_key, and who has that address already."""
    rows = await engine.raw(
        f"SELECT c.id, c.name, c.kind, c.legal_form, c.state, c.email, c.language FROM client c WHERE c.id IN {listed(1)} AND {seen(by)}",
        json.dumps(list(ids)),
    )
    for row in rows:
        row["email_key"] = fold(row["email"])
    words = "json_each($1)" if engine.is_sqlite() else "json_array_elements_text(CAST($1 AS json))"
    holders = await engine.raw(
        f"SELECT id, kind, state, email_key FROM users WHERE email_key <> '' AND email_key IN (SELECT value FROM {words})",
        json.dumps(sorted({row["email_key"] for row in rows})),
    )
    by_key: dict[str, list[dict[str, Any]]] = {}
    for one in holders:
        by_key.setdefault(one["email_key"], []).append(one)
    pairs = await engine.raw(
        f"SELECT id, person, client FROM access WHERE client IN {listed(1)}", json.dumps([row["id"] for row in rows])
    )
    held = {(row["person"], row["client"]): row["id"] for row in pairs}
    for row in rows:
        sharing = by_key.get(row["email_key"], [])
        at_client = [one for one in sharing if (one["id"], row["id"]) in held]
        found = at_client or sharing
        holder = found[0] if found else None
        row["sharing"] = len(sharing) if not at_client else 0
        row["person"] = holder["id"] if holder else 0
        row["holder"] = (holder["kind"], holder["state"]) if holder else ("", "")
        row["access"] = held.get((row["person"], row["id"]), 0)
    return {row["id"]: row for row in rows}


def _value(row: dict[str, Any]) -> str:
    holder = row["holder"][1] if row["access"] else ""  # who was invited since, keeps what he has
    return json.dumps({"email": row["email_key"], "state": row["state"], "access": row["access"], "holder": holder})


def _refused(row: dict[str, Any], names: dict[str, str] | None) -> str:
    kind, state = row["holder"]
    if row["state"] != "active":
        return "archived"
    if not row["email"]:
        return "no_email"
    if kind == "staff":
        return "of_staff"
    if state == "blocked":
        return "blocked"
    if row["sharing"] > 1:
        return "several"
    if kind:
        return ""
    try:
        dutch.email(row["email"])
    except Refused:
        return "wrong_email"
    if names is None:
        return "shared" if is_shared(row["email"]) else "no_name"
    return ""


def is_shared(email: str) -> bool:
    return re.split(r"[.+_-]", fold(email).partition("@")[0])[0] in SHARED


def named(row: dict[str, Any], params: Mapping[str, Any]) -> dict[str, str] | None:
    """What the person is called; None when nothing tells it and the client's own name is not to be taken."""
    shared = is_shared(row["email"])
    if not shared and (parts := _from_address(row["email"])):
        return parts
    of_person = row["kind"] == "private" or any(word in fold(row["legal_form"]) for word in _OF_PERSONS)
    if not shared and of_person:
        parts = {name: value for name, value in split_person(row["name"]).items() if value}
        if parts.get("surname") and sort_name(parts["surname"]) in fold(row["email"]):
            return parts
    return {"surname": row["name"][:200]} if params["unnamed"] == "client" else None


def _from_address(email: str) -> dict[str, str] | None:
    """piet.van.dijk@… and p.jansen@…; a single word tells too little."""
    words = fold(email).partition("@")[0].split(".")
    if len(words) < 2 or not all(_WORDS.fullmatch(word) for word in words[1:]):
        return None
    first, rest = words[0], words[1:]
    prefix = " ".join(rest[:-1])
    if prefix and prefix not in dutch.PREFIXES:
        return None
    surname = "-".join(part.capitalize() for part in rest[-1].split("-"))
    if len(first) == 1 and first.isalpha():
        return {"initials": f"{first.upper()}.", "prefix": prefix, "surname": surname}
    return {"first_name": first.capitalize(), "prefix": prefix, "surname": surname} if _WORDS.fullmatch(first) else None
