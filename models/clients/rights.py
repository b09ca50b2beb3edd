"""What client users may: templates of rights, the folders of a dossier opened one by one, and the ceiling of the client.

Rights only allow. What somebody may for a client is what his template gives, and what he was given beside it, as far as
the client's modules go: kept as `Access.rights`, which everything that enforces reads. Who changes one of these calls
`settle_rights`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from piccolo.columns import Boolean, ForeignKey, Integer, OnDelete, Varchar
from piccolo.constraints import Unique
from piccolo.table import Table

from models import engine
from models.accounts.blocking import listed
from models.accounts.roles import BY_MODULE
from models.clients.records import Access
from models.core import Owned, Refused, Say, Scope, fold, operation, save
from models.live import touch
from models.viewer import Permission, Right

if TYPE_CHECKING:
    from models.viewer import Viewer


class RightsTemplate(Owned, Table, tablename="rights_template"):
    """A named set of rights. Whoever has it follows it when it changes."""

    key = Varchar(length=40, help_text="What accesses, groups and lists name it by; never changes.")
    name = Varchar(length=120)
    name_key = Varchar(length=240)
    rights = Integer(default=0, help_text="bits of viewer.Right")
    position = Integer(default=0)

    rights_template_key_unique = Unique([key])
    rights_template_name_unique = Unique([name_key])

    IS_SEEDED = True

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id > 0 if viewer.is_staff else cls.id < 0

    @operation(Permission.MANAGE_SETTINGS, trail=False)
    async def change(self, name: str, rights: int, folders: dict[str, bool], *, by: Viewer) -> None:
        """For everybody who has it, at once. `folders`: name of a top folder > whether one may also hand in there."""
        name = await _free_name(name, self.id)
        before, after = await self._told(), {"name": name, "rights": with_view(rights), "folders": _in_words(folders)}
        await save(self, name=name, name_key=fold(name), rights=with_view(rights))
        await _put_folders(self.id, folders)
        await settle_rights(template=self.key)
        if before != after:
            moved = [key for key in after if before[key] != after[key]]
            detail = {"before": {key: before[key] for key in moved}, "after": {key: after[key] for key in moved}}
            await by.note("RightsTemplate.change", self, {"name": name, **detail})
            await touch("clients", "users", "rollout")

    @operation(Permission.MANAGE_SETTINGS, trail=False)
    async def remove(  # type: ignore[override]
        self, carry_to: RightsTemplate | None = None, *, drops: bool = False, by: Viewer
    ) -> None:
        """Refused while somebody has it, or a group hands it out. What it opens in structures and dossiers goes over to the
        template `carry_to`, or is let go when one says so (`drops`); else it is refused."""
        held, opened = await template_use(self.key), await opened_folders(self.id)
        if held["people"] or held["groups"]:
            raise Refused("", Say("Dit sjabloon is nog in gebruik bij {people} mensen en {groups} groepen.", **held))
        if opened["folders"] and carry_to is None and not drops:
            raise Refused("", Say("Kies wat er gebeurt met de {folders} mappen die dit sjabloon opent.", **opened))
        if carry_to is not None and carry_to.id == self.id:
            raise Refused("", Say("Kies een ander sjabloon."))
        if carry_to is not None:
            await _carry_over(self.id, carry_to.id)
        to = {"to": carry_to.name} if carry_to is not None else {}
        await by.note("RightsTemplate.remove", self, {"name": self.name, "count": opened["folders"], **to})
        await RightsTemplate.delete().where(RightsTemplate.id == self.id)
        if opened["folders"]:
            await touch("clients", "users")

    async def _told(self) -> dict[str, Any]:
        return {"name": self.name, "rights": self.rights, "folders": _in_words(await folders_of(self.id))}


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def add_template(
    found: Scope[RightsTemplate], name: str, rights: int, folders: dict[str, bool], *, by: Viewer
) -> RightsTemplate:
    name = await _free_name(name, 0)
    taken = {row["key"] for row in await engine.raw("SELECT key FROM rights_template")}
    start = "".join(ch if ch.isalnum() and ch.isascii() else "-" for ch in fold(name)).strip("-")[:32] or "sjabloon"
    key = next(one for n in range(1, len(taken) + 2) if (one := f"{start}-{n}" if n > 1 else start) not in taken)
    last = (await engine.raw("SELECT coalesce(max(position), 0) AS n FROM rights_template"))[0]["n"]
    template = RightsTemplate(key=key, name=name, name_key=fold(name), rights=with_view(rights), position=int(last) + 1)
    await template.save()
    await _put_folders(template.id, folders)
    await by.note("RightsTemplate.add", template, {"name": name})
    return template


STEP = " › "  # between the names on the way to a folder; no folder's own name has it
MOST_OPENED = 400  # folders of one dossier to choose from


class FolderRight(Owned, Table, tablename="folder_right"):
    """A folder, by the names on the way to it, that a template or one person's access opens where the dossier is not open.

    By names, because a template is for every dossier, and a person may be given a folder before it is there.
    """

    access = ForeignKey(Access, null=True, default=None, on_delete=OnDelete.cascade, index=True)
    template = ForeignKey(RightsTemplate, null=True, default=None, on_delete=OnDelete.cascade, index=True)
    name = Varchar(length=1000, help_text="Names joined by STEP: Belastingen › 2026.")
    name_key = Varchar(length=2000)
    act = Boolean(default=False, help_text="whether one may also hand in there")

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id > 0 if viewer.is_staff else cls.id < 0


_FREE = Right.MANAGE_COLLEAGUES | Right.CHANGE_DETAILS


def ceiling(modules: str) -> Right:
    """The most that anybody may for a client with these modules (names by commas; '' is all)."""
    bits = _FREE
    for one in BY_MODULE:
        if not modules or one.module in modules.split(","):
            bits |= one.view | one.act
    return bits


def with_view(bits: int) -> int:
    """The bits, with the right to look wherever there is the right to act. Uploading alone may be all that somebody does."""
    for one in BY_MODULE:
        if one.module != "dossiers" and bits & one.act:
            bits |= one.view
    return bits & int(Right.everything())


_CEILING_SQL = (
    f"(CASE WHEN c.modules = '' THEN {int(Right.everything())} ELSE {int(_FREE)}"
    + "".join(
        f" + CASE WHEN ',' || c.modules || ',' LIKE '%,{one.module},%' THEN {int(one.view | one.act)} ELSE 0 END"
        for one in BY_MODULE
    )
    + " END)"
)
EFFECTIVE_SQL = (
    "((coalesce((SELECT t.rights FROM rights_template t WHERE t.key = access.role), 0) | access.own) "
    f"& (SELECT {_CEILING_SQL} FROM client c WHERE c.id = access.client))"
)


async def settle_rights(
    *, clients: Iterable[int] | None = None, people: Iterable[int] | None = None, template: str | None = None
) -> None:
    """Bring `Access.rights` up to date: of these clients, these people, or whoever has this template; else of all."""
    where, args = "1 = 1", []
    if clients is not None:
        where, args = f"client IN {listed(1)}", [json.dumps(sorted(set(clients)))]
    elif people is not None:
        where, args = f"person IN {listed(1)}", [json.dumps(sorted(set(people)))]
    elif template is not None:
        where, args = "role = $1", [template]
    await engine.raw(f"UPDATE access SET rights = {EFFECTIVE_SQL} WHERE {where} AND rights <> {EFFECTIVE_SQL}", *args)


async def templates() -> list[dict[str, Any]]:
    """Every template: id, key, name, rights, in their order."""
    return await engine.raw("SELECT id, key, name, rights FROM rights_template ORDER BY position, name_key")


async def template_use(key: str) -> dict[str, int]:
    """How many people have it somewhere, at how many clients, and how many groups hand it out: people, clients, groups."""
    rows = await engine.raw(
        "SELECT (SELECT count(DISTINCT person) FROM access WHERE role = $1) AS people, "
        "(SELECT count(DISTINCT client) FROM access WHERE role = $1) AS clients, "
        "(SELECT count(*) FROM client_group WHERE purpose = 'rights' AND template = $1) AS groups",
        key,
    )
    return {name: int(number) for name, number in rows[0].items()}


async def opened_folders(template: int) -> dict[str, int]:
    """How many folders are open to a template (`set_grants`), in how many structures and how many clients' dossiers: folders,
    structures, clients."""
    rows = await engine.raw(
        "SELECT count(*) AS folders, count(DISTINCT CASE WHEN f.client IS NULL THEN f.dossier END) AS structures, "
        "count(DISTINCT f.client) AS clients FROM folder_grant g JOIN folder f ON f.id = g.folder WHERE g.template = $1",
        template,
    )
    return {name: int(number) for name, number in rows[0].items()}


async def _carry_over(before: int, after: int) -> None:
    """What is open to the one opens to the other, where that may hand in if either might."""
    await engine.raw(
        "UPDATE folder_grant SET act = $3 WHERE template = $2 AND folder IN (SELECT folder FROM folder_grant WHERE template = $1 AND act)",
        before, after, True,
    )  # fmt: skip
    await engine.raw(
        "UPDATE folder_grant SET template = $2 WHERE template = $1 AND folder NOT IN (SELECT folder FROM folder_grant WHERE template = $2)",
        before, after,
    )  # fmt: skip


async def templates_used() -> list[dict[str, Any]]:
    """Every template with how many people have it: id, key, name, rights, people."""
    return await engine.raw(
        "SELECT t.id, t.key, t.name, t.rights, (SELECT count(DISTINCT a.person) FROM access a WHERE a.role = t.key) AS people "
        "FROM rights_template t ORDER BY t.position, t.name_key"
    )


async def folders_of(template: int) -> dict[str, bool]:
    """The top folders that a template opens: name > whether one may also hand in there."""
    rows = await engine.raw("SELECT name, act FROM folder_right WHERE template = $1 ORDER BY name_key", template)
    return {row["name"]: bool(row["act"]) for row in rows}


async def usual_folders() -> list[str]:
    """The folders to choose from for a template, as their names joined by STEP: those of standard structures, and the top
    folders that clients have."""
    standard = await engine.raw(
        "SELECT f.id, f.parent, f.name FROM folder f JOIN dossier d ON d.id = f.dossier WHERE d.kind = 'standard' "
        "AND f.trashed_at IS NULL AND f.kind <> 'internal' ORDER BY d.name_key, d.id, f.position, f.name_key, f.id LIMIT 2000"
    )
    tops = await engine.raw(
        "SELECT f.name, count(*) AS n FROM folder f WHERE f.client IS NOT NULL AND f.parent IS NULL AND f.trashed_at IS NULL "
        "AND f.kind <> 'internal' GROUP BY f.name_key, f.name ORDER BY n DESC, f.name LIMIT 60"
    )
    names = [place["name"] for place in _places(standard)] + [row["name"] for row in tops]
    return list(dict.fromkeys(names))[:MOST_OPENED]


def _places(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Folders (id, parent, name, in order) as a tree is read: each with its depth, and its name with those on the way."""
    within: dict[int | None, list[dict[str, Any]]] = {}
    for row in rows:
        within.setdefault(row["parent"], []).append(row)
    places, waiting = [], [(row, "", 0) for row in reversed(within.get(None, []))]
    while waiting:
        row, way, depth = waiting.pop()
        places.append({**row, "name": way + row["name"], "own_name": row["name"], "depth": depth})
        waiting += [(below, f"{way}{row['name']}{STEP}", depth + 1) for below in reversed(within.get(row["id"], []))]
    return places


async def _put_folders(template: int, folders: dict[str, bool]) -> None:
    await FolderRight.delete().where(FolderRight.template == template)
    rows = [(template, name[:1000], fold(name), act) for name, act in folders.items() if name.strip()]
    await engine.copy_rows("folder_right", ("template", "name", "name_key", "act"), rows)


async def _free_name(name: str, but: int) -> str:
    name = " ".join(name.split())
    if not name:
        raise Refused("name", Say("Vul een naam in."))
    if len(name) > 120:
        raise Refused("name", Say("Dit is {n} tekens; er passen er {most}.", n=len(name), most=120))
    if await RightsTemplate.exists().where((RightsTemplate.name_key == fold(name)) & (RightsTemplate.id != but)):
        raise Refused("name", Say("Er is al een sjabloon “{name}”.", name=name))
    return name


def _in_words(folders: dict[str, bool]) -> str:
    return ", ".join(sorted(f"{name} (aanleveren)" if act else name for name, act in folders.items()))


async def folders_to_open(client_id: int) -> list[dict[str, Any]]:
    """The folders of a client's dossier that can be opened one by one, as the tree is read: id, name (with those on the way),
    own_name, depth, kind. Of a very large dossier those that lie highest."""
    rows = await engine.raw(
        "SELECT id, parent, name, kind FROM folder WHERE client = $1 AND trashed_at IS NULL AND kind <> 'internal' "
        "ORDER BY position, name_key, id",
        client_id,
    )
    places = _places(rows)
    deepest = next((depth for depth in range(99) if sum(one["depth"] <= depth for one in places) > MOST_OPENED), 99)
    return [one for one in places if one["depth"] < max(deepest, 1)]


async def opened_by(access: int, template: int | None, client_id: int) -> list[dict[str, Any]]:
    """The folders that an access, or its template, opens, as far as they are there: id, name, act, of_template."""
    given = await engine.raw(
        "SELECT o.name_key, o.act, o.template IS NOT NULL AS of_template FROM folder_right o WHERE o.access = $1 OR o.template = $2",
        access,
        template or 0,
    )
    direct = await engine.raw(
        "SELECT folder, act FROM folder_grant WHERE template = $1 AND client = $2", template or 0, client_id
    )
    if not given and not direct:
        return []
    there = {fold(one["name"]): one for one in _places(await engine.raw(_OPENABLE_SQL, client_id))}
    found = [
        {"id": there[row["name_key"]]["id"], "name": there[row["name_key"]]["name"]}
        | {"act": bool(row["act"]), "of_template": bool(row["of_template"])}
        for row in given
        if row["name_key"] in there
    ]
    of = {one["id"]: one["name"] for one in there.values()}
    found += [
        {"id": row["folder"], "name": of[row["folder"]], "act": bool(row["act"]), "of_template": True}
        for row in direct
        if row["folder"] in of
    ]
    return sorted(found, key=lambda one: (fold(one["name"]), one["of_template"]))


_OPENABLE_SQL = """SELECT id, parent, name FROM folder WHERE client = $1 AND trashed_at IS NULL AND kind <> 'internal'
ORDER BY position, name_key, id"""


async def people_have_folders(folders: Iterable[int]) -> set[int]:
    """The clients of these folders at whom somebody was given folders one by one."""
    rows = await engine.raw(
        "SELECT DISTINCT a.client FROM folder_right o JOIN access a ON a.id = o.access WHERE a.client IN "
        f"(SELECT client FROM folder WHERE id IN {listed(1)})",
        json.dumps(sorted(set(folders))),
    )
    return {row["client"] for row in rows}


async def folder_renamed(client: int, before: str, after: str) -> None:
    """What was opened to people one by one goes along with a folder that has another name or place: both with STEP.
    What a template opens is by its name, for every dossier, and stays so."""
    old, new = fold(before), fold(after)
    rows = await engine.raw(
        "SELECT o.id, o.name, o.name_key FROM folder_right o JOIN access a ON a.id = o.access WHERE a.client = $1 "
        "AND (o.name_key = $2 OR substr(o.name_key, 1, length(CAST($2 AS TEXT)) + 3) = CAST($2 AS TEXT) || ' › ')",
        client,
        old,
    )
    for row in rows:
        rest = row["name"].split(STEP)[len(before.split(STEP)) :]
        name = STEP.join([after, *rest])
        await engine.raw(
            "UPDATE folder_right SET name = $2, name_key = $3 WHERE id = $1", row["id"], name[:1000],
            new + row["name_key"][len(old) :],
        )  # fmt: skip


# Everybody who reaches a client, with all that his rights follow from.
_EVERYBODY_SQL = f"""
SELECT u.id, u.full_name AS who, u.email, u.state, u.sort_key, a.id AS access, a.role, a.own, a.rights, coalesce(t.rights, 0) AS given,
 coalesce(t.name, '') AS template, {_CEILING_SQL} AS ceiling,
 (SELECT count(*) FROM folder_right o WHERE o.access = a.id OR o.template = t.id)
 + (SELECT count(*) FROM folder_grant g WHERE g.template = t.id AND g.client = a.client) AS opened
FROM access a JOIN users u ON u.id = a.person JOIN client c ON c.id = a.client LEFT JOIN rights_template t ON t.key = a.role
WHERE a.client = $1 ORDER BY u.sort_key, u.id LIMIT {{most}}
"""


async def everybody(client_id: int, most: int = 500) -> list[dict[str, Any]]:
    """Who reaches a client: id, who, email, state, role, template (its name), given (by it), own, rights (what counts),
    ceiling, and opened (how many folders are opened one by one)."""
    return await engine.raw(_EVERYBODY_SQL.format(most=int(most)), client_id)


# Whether each of them may look into one folder, in one statement; explaining.of_folder says why.
_WHO_SEES_SQL = """
SELECT u.id, u.full_name AS who, u.state, CASE WHEN c.state = 'active' AND g.kind <> 'internal' AND g.trashed_at IS NULL
 AND (a.rights & 1 = 1 OR ((c.modules = '' OR ',' || c.modules || ',' LIKE '%,dossiers,%') AND EXISTS (
  SELECT 1 FROM folder_right o LEFT JOIN rights_template t ON t.id = o.template
  WHERE (o.access = a.id OR t.key = a.role) AND o.name_key IN ({places})))
 OR ((c.modules = '' OR ',' || c.modules || ',' LIKE '%,dossiers,%') AND EXISTS (
  SELECT 1 FROM folder_grant g2 JOIN rights_template t ON t.id = g2.template
  WHERE t.key = a.role AND g2.client = a.client AND g2.folder IN ({ids}))))
 THEN 1 ELSE 0 END AS may
FROM access a JOIN users u ON u.id = a.person JOIN client c ON c.id = a.client JOIN folder g ON g.id = $2
WHERE a.client = $1 ORDER BY u.sort_key, u.id LIMIT 500
"""


async def who_sees(client_id: int, folder_id: int) -> list[dict[str, Any]]:
    """Everybody who reaches the client: id, who, state, and whether this folder opens for him once he can sign in (may)."""
    way = await way_to(folder_id)
    names = [fold(STEP.join(step["name"] for step in way[: n + 1])) for n in range(len(way))]
    places = ", ".join(f"${n + 3}" for n in range(len(names)))
    ids = ", ".join(str(int(step["id"])) for step in way) or "-1"
    return await engine.raw(_WHO_SEES_SQL.format(places=places, ids=ids), client_id, folder_id, *names)


async def way_to(folder_id: int) -> list[dict[str, Any]]:
    """id and name of the folders above this one, the top first, and itself last."""
    return await engine.raw(
        "WITH RECURSIVE up(id, parent, name, height) AS (SELECT id, parent, name, 0 FROM folder WHERE id = $1 "
        "UNION ALL SELECT f.id, f.parent, f.name, u.height + 1 FROM folder f JOIN up u ON f.id = u.parent) "
        "SELECT id, name FROM up ORDER BY height DESC",
        folder_id,
    )


async def access_of(person: int, client_id: int) -> dict[str, Any] | None:
    """One access: role, template (its name), given, own, rights, ceiling, and folders (name > act) opened for himself."""
    rows = await engine.raw(
        "SELECT a.id, a.role, a.own, a.rights, coalesce(t.rights, 0) AS given, coalesce(t.name, '') AS template, "
        f"{_CEILING_SQL} AS ceiling FROM access a JOIN client c ON c.id = a.client "
        "LEFT JOIN rights_template t ON t.key = a.role WHERE a.person = $1 AND a.client = $2",
        person,
        client_id,
    )
    if not rows:
        return None
    opened = await engine.raw("SELECT name, act FROM folder_right WHERE access = $1", rows[0]["id"])
    return rows[0] | {"folders": {row["name"]: bool(row["act"]) for row in opened}}
