"""Who may see and do what at a client, in an archive: templates by their name, people by address and name. Coming in it opens
only what is new here, to people and templates that are here already; whatever does not come along is named."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts.blocking import listed
from models.clients import settle_rights
from models.clients.rights import ceiling
from models.core import Say, fold
from models.live import touch
from models.settings import utcnow
from models.viewer import Permission, Right

if TYPE_CHECKING:
    from models.clients import Client
    from models.moving.placing import Place
    from models.viewer import Viewer

Row = dict[str, Any]
RIGHTS = {str(right.name).lower(): right for right in Right}


@dataclass(frozen=True)
class Fate:
    """What becomes of one person's rights. `outcome`: new (he gets them), there (he reaches the client already and keeps what he
    has), refused; `said` is why, '' where nothing is lost."""

    row: Row
    outcome: str
    person: int | None
    role: str = ""
    said: Say | None = None

    @property
    def who(self) -> str:
        return str(self.row["person"]["name"] or self.row["person"]["email"])


# out


async def grants_of_folders(client: int) -> dict[int, list[Row]]:
    """folder > the templates to which it is open, by name."""
    rows = await engine.raw(
        "SELECT g.folder, t.name AS template, g.act FROM folder_grant g JOIN rights_template t ON t.id = g.template "
        "WHERE g.client = $1 ORDER BY g.folder, t.name_key",
        client,
    )
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(row["folder"], []).append({"template": row["template"], "act": bool(row["act"])})
    return found


async def rights_at(client: int) -> list[Row]:
    """Everybody who reaches the client, as the manifest has it."""
    people = await engine.raw(
        "SELECT a.id, a.own, a.rights, t.name AS template, u.full_name AS name, u.email FROM access a JOIN users u ON u.id = a.person "
        "LEFT JOIN rights_template t ON t.key = a.role WHERE a.client = $1 AND u.kind = 'client' ORDER BY u.sort_key, u.id",
        client,
    )
    opened: dict[int, list[Row]] = {}
    for row in await engine.raw(
        "SELECT o.access, o.name, o.act FROM folder_right o JOIN access a ON a.id = o.access WHERE a.client = $1 ORDER BY o.name_key, o.id",
        client,
    ):
        opened.setdefault(row["access"], []).append({"name": row["name"], "act": bool(row["act"])})
    return [
        {
            "person": {"name": row["name"], "email": row["email"]},
            "template": row["template"],
            "own": _names(row["own"]),
            "rights": _names(row["rights"]),
            "folders": opened.get(row["id"], []),
        }
        for row in people
    ]


async def templates_named(names: Iterable[str]) -> list[Row]:
    """What the templates of these names give: so that another office can tell whether its own gives more."""
    keys = {fold(name) for name in names}
    return [
        {"name": one.name, "rights": _names(one.rights), "folders": one.folders}
        for key, one in sorted((await _templates()).items())
        if key in keys
    ]


def _names(bits: int) -> list[str]:
    return [name for name, right in RIGHTS.items() if bits & right]


def bits_of(names: Iterable[str]) -> int:
    return sum(int(RIGHTS[name]) for name in set(names))


# in


@dataclass(frozen=True)
class _Template:
    id: int
    key: str
    name: str
    rights: int
    folders: list[Row]


async def _templates() -> dict[str, _Template]:
    """All of them, by folded name."""
    rows = await engine.raw("SELECT id, key, name, name_key, rights FROM rights_template")
    opened: dict[int, list[Row]] = {}
    for row in await engine.raw(
        "SELECT template, name, act FROM folder_right WHERE template IS NOT NULL ORDER BY name_key, id"
    ):
        opened.setdefault(row["template"], []).append({"name": row["name"], "act": bool(row["act"])})
    return {
        row["name_key"]: _Template(row["id"], row["key"], row["name"], row["rights"], opened.get(row["id"], []))
        for row in rows
    }


async def decide(manifest: Row, known: Any, client: int, viewer: Viewer) -> list[Fate]:
    """What would become of each person's rights at this client; `known` finds people (importing._Known)."""
    here = await _templates()
    there = {fold(one["name"]): one for one in manifest["templates"]}
    held = {fold(one["person"]["email"]) + "\n" + fold(one["person"]["name"]): one for one in await rights_at(client)}
    ids = sorted({id for row in manifest["rights"] if (id := known.person(row["person"]))})
    users = {
        row["id"]: row
        for row in await engine.raw(f"SELECT id, kind, full_name FROM users WHERE id IN {listed(1)}", json.dumps(ids))
    }
    reached = {row["person"] for row in await engine.raw("SELECT person FROM access WHERE client = $1", client)}

    modules = await engine.raw("SELECT modules FROM client WHERE id = $1", client)
    most = int(ceiling(modules[0]["modules"]))

    def fate(row: Row) -> Fate:
        user, named = users.get(known.person(row["person"]) or 0), row["person"]
        if user is None or fold(user["full_name"]) != fold(named["name"]):
            return _left(row, Say("Dit kantoor kent niemand met deze naam en dit e-mailadres."))
        if user["kind"] != "client":
            return _left(row, Say("Dit is hier iemand van kantoor."))
        if user["id"] in reached:
            now = held.get(fold(named["email"]) + "\n" + fold(named["name"]))
            is_same = now is not None and all(now[key] == row[key] for key in ("template", "own", "folders"))
            why = None if is_same else Say("Had hier al toegang; die blijft zoals hij is.")
            return Fate(row, "there", user["id"], said=why)
        template = here.get(fold(row["template"] or ""))
        if row["template"] and template is None:
            return _left(row, Say("Het sjabloon “{name}” is er hier niet.", name=row["template"]))
        if template is not None and _gives_more(template, there.get(fold(template.name))):
            return _left(row, Say("Het sjabloon “{name}” geeft hier meer dan waar het archief vandaan komt.", name=template.name))  # fmt: skip
        bits = (template.rights if template else 0) | bits_of(row["own"])
        if bits & most & ~bits_of(row["rights"]):
            return _left(row, Say("Zou hier meer mogen dan waar het archief vandaan komt."))
        if template is None and not row["own"] and not row["folders"]:
            return _left(row, Say("Had geen rechten."))
        if not viewer.may(Permission.MANAGE_USERS):
            return _left(row, Say("U mag geen toegang geven; vraag het een collega."))
        return Fate(row, "new", user["id"], template.key if template else "")

    return [fate(row) for row in manifest["rights"]]


def _left(row: Row, why: Say) -> Fate:
    return Fate(row, "refused", None, said=why)


def _gives_more(here: _Template, there: Row | None) -> bool:
    if there is None:
        return True
    opened = {fold(one["name"]): one["act"] for one in there["folders"]}
    return bool(here.rights & ~bits_of(there["rights"])) or any(
        fold(one["name"]) not in opened or (one["act"] and not opened[fold(one["name"])]) for one in here.folders
    )


async def give(fates: Sequence[Fate], client: Client, viewer: Viewer) -> dict[int, int]:
    """To those who get them, in the present unit: person > the access that was made."""
    new = [one for one in fates if one.outcome == "new"]
    if not new:
        return {}
    now = utcnow()
    await engine.copy_rows(
        "access", ("person", "client", "own", "role", "created_at"),
        [(one.person, client.id, bits_of(one.row["own"]), one.role, now) for one in new],
    )  # fmt: skip
    people = [int(one.person or 0) for one in new]
    rows = await engine.raw(
        f"SELECT id, person FROM access WHERE client = $2 AND person IN {listed(1)}", json.dumps(people), client.id
    )
    made = {row["person"]: row["id"] for row in rows}
    await engine.copy_rows(
        "folder_right", ("access", "name", "name_key", "act"),
        [(made[one.person], step["name"], fold(step["name"]), step["act"]) for one in new for step in one.row["folders"]],
    )  # fmt: skip
    await settle_rights(people=people)
    details = [json.dumps({"name": one.who, "client": client.name, "role": one.role}) for one in new]
    await engine.copy_rows(
        "trail", ("at", "person", "operation", "record_table", "record_id", "client", "detail"),
        [(now, viewer.user.id, "Access.give", "User", one.person, client.id, said) for one, said in zip(new, details, strict=True)],
    )  # fmt: skip
    await touch("users", "clients", "rollout", f"client-{client.id}")
    return made


@dataclass(frozen=True)
class Opened:
    """Of the folders of an archive: `rows` to be put (folder, template, act), and per folder (number in the archive) what does
    not come along."""

    rows: list[tuple[int, int, bool]]
    left: list[tuple[int, Say]]


async def open_folders(places: Sequence[Place], client: int) -> Opened:
    """What opens the new folders. One that was here already stays open to whom it is: what is in it is not the archive's."""
    here, now = await _templates(), await grants_of_folders(client)
    found = Opened([], [])
    for place in places:
        asked: Mapping[str, bool] = {fold(one["template"]): one["act"] for one in place.row["grants"]}
        if place.outcome == "there":
            held = {fold(one["template"]): one["act"] for one in now.get(place.id or 0, [])}
            if any(held.get(key) != act for key, act in asked.items()):
                found.left.append(
                    (place.row["id"], Say("De map was er al; voor wie hij open is, blijft zoals het is."))
                )
            continue
        found.rows.extend((place.id or 0, here[key].id, act) for key, act in asked.items() if key in here)
        missing = [one["template"] for one in place.row["grants"] if fold(one["template"]) not in here]
        if missing:
            found.left.append((place.row["id"], Say("Was ook open voor {names}: die sjablonen zijn er hier niet.", names=", ".join(missing))))  # fmt: skip
    return found
