"""Which clients a person reaches, and what he may do there: the templates of rights, giving, changing and taking away."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts import mailbox
from models.accounts.managing import checked_email, checked_name, new_person
from models.core import Missing, Refused, Say, fold, operation
from models.live import touch
from models.settings import Firm, sort_rule, utcnow
from models.viewer import Permission, Right

if TYPE_CHECKING:
    from models.accounts.records import User
    from models.clients import Client
    from models.viewer import Viewer


class Reaching:
    """The operations of `User` on his access to clients. Each stands on that client's trail."""

    if TYPE_CHECKING:
        id: Any
        kind: Any
        state: Any
        display_name: Any

    @operation(Permission.MANAGE_USERS, trail=False)
    async def give_access(self, client: Client, role: str = "lezer", rights: int | None = None, *, by: Viewer) -> None:
        await give(self, client, role, rights, by=by)  # type: ignore[arg-type]

    @operation(Permission.MANAGE_USERS, trail=False)
    async def change_access(
        self,
        client: Client,
        role: str,
        rights: int | None = None,
        folders: dict[str, bool] | None = None,
        *,
        by: Viewer,
    ) -> None:
        """Another template, other rights beside it, other `folders` that are opened one by one: name > whether he may hand
        in there; None leaves those as they are."""
        await change(self, client, role, rights, folders, by=by)  # type: ignore[arg-type]

    @operation(Permission.MANAGE_USERS, trail=False)
    async def take_access(self, client: Client, *, by: Viewer) -> None:
        """He no longer reaches this client, from this moment; others he does."""
        await take(self, client, by=by)  # type: ignore[arg-type]


# What the operations do: of staff on a user (above), and of a client's own people on a colleague (models.clients.colleagues).


async def give(person: User, client: Client, role: str, rights: int | None, *, by: Viewer) -> None:
    if person.kind != "client":
        raise Refused("", Say("Een medewerker van het kantoor krijgt geen toegang als cliënt."))
    own = await checked_rights(role, rights)
    fresh = await engine.raw(
        "INSERT INTO access (person, client, own, role, created_at) VALUES ($1, $2, $3, $4, $5) "
        "ON CONFLICT (person, client) DO NOTHING RETURNING id",
        person.id, client.id, own, role, utcnow(),
    )  # fmt: skip
    if not fresh:
        raise Refused(
            "client", Say("{who} heeft al toegang tot “{client}”.", who=person.display_name, client=client.name)
        )
    await _note_at("Access.give", person, client, by, role=role, rights=await _settled(person, client))


async def change(
    person: User, client: Client, role: str, rights: int | None, folders: dict[str, bool] | None, *, by: Viewer
) -> None:
    before = await engine.raw(
        "SELECT id, own, rights, role FROM access WHERE person = $1 AND client = $2", person.id, client.id
    )
    if not before:
        raise Missing("Access", client.id)
    was = dict(before[0])
    access = was.pop("id")
    opened = await _opened(access)
    folders = opened if folders is None else folders
    own = await checked_rights(role, rights, bool(folders))
    if (was["own"], was["role"], opened) == (own, role, folders):
        return
    await engine.raw("UPDATE access SET own = $2, role = $3 WHERE id = $1", access, own, role)
    await _open(access, folders)
    after = {"own": own, "rights": await _settled(person, client), "role": role}
    names = {row["key"]: row["name"] for row in await engine.raw("SELECT key, name FROM rights_template")}
    was["template"], after["template"] = names.get(was["role"], ""), names.get(role, "")
    if opened != folders:
        was, after = was | {"folders": _told(opened)}, after | {"folders": _told(folders)}
    await _note_at("Access.change", person, client, by, before=was, after=after)


async def take(person: User, client: Client, *, by: Viewer) -> None:
    gone = await engine.raw("DELETE FROM access WHERE person = $1 AND client = $2 RETURNING id", person.id, client.id)
    if not gone:
        raise Missing("Access", client.id)
    await _note_at("Access.take", person, client, by)


async def give_many(person: User, chosen: dict[int, tuple[str, int]], *, by: Viewer) -> int:
    """Access to several clients at once (id > template and rights beside it); those he reaches already stay as they are.
    How many were new. Raises Missing for a client that `by` does not see."""
    from models.clients import Client, settle_rights

    ids = sorted(chosen)
    if not ids:
        return 0
    seen = await by.clients.where(Client.id.is_in(ids), Client.state == "active").select(Client.id, Client.name)
    if len(seen) < len(ids):
        raise Missing("Client", ids)
    held = await engine.raw(f"SELECT client FROM access WHERE person = $1 AND client IN ({_listed(ids)})", person.id)
    fresh = [row for row in seen if row["id"] not in {one["client"] for one in held}]
    now = utcnow()
    rows = [(person.id, row["id"], chosen[row["id"]][1], chosen[row["id"]][0], now) for row in fresh]
    await engine.copy_rows("access", ("person", "client", "own", "role", "created_at"), rows)
    await settle_rights(people=[person.id])
    details = {row["id"]: {"client": row["name"], "role": chosen[row["id"]][0]} for row in fresh}
    await _note_many("Access.give", person, details, by)
    return len(fresh)


async def rights_follow(person: User, before: tuple[str, int], after: tuple[str, int], *, by: Viewer) -> None:
    """Where he has exactly the template and rights of `before`, he gets those of `after`."""
    from models.clients import settle_rights

    if before == after:
        return
    found = await engine.raw(
        "SELECT a.client, a.rights, c.name FROM access a JOIN client c ON c.id = a.client "
        "WHERE a.person = $1 AND a.role = $2 AND a.own = $3",
        person.id, *before,
    )  # fmt: skip
    if not found:
        return
    await engine.raw(
        "UPDATE access SET role = $4, own = $5 WHERE person = $1 AND role = $2 AND own = $3", person.id, *before, *after
    )
    await settle_rights(people=[person.id])
    ids = _listed(row["client"] for row in found)
    now = await engine.raw(f"SELECT client, rights FROM access WHERE person = $1 AND client IN ({ids})", person.id)
    rights = {row["client"]: row["rights"] for row in now}
    names = {row["key"]: row["name"] for row in await engine.raw("SELECT key, name FROM rights_template")}
    details = {
        row["client"]: {
            "client": row["name"],
            "before": _told_rights(before, row["rights"], names),
            "after": _told_rights(after, rights[row["client"]], names),
        }
        for row in found
    }
    await _note_many("Access.change", person, details, by)


def _told_rights(held: tuple[str, int], rights: int, names: dict[str, str]) -> dict[str, Any]:
    return {"own": held[1], "rights": rights, "role": held[0], "template": names.get(held[0], "")}


async def _note_many(operation: str, person: User, details: dict[int, dict[str, Any]], by: Viewer) -> None:
    """A line on the trail of each of these clients (id > what it says beside the name)."""
    now, name = utcnow(), person.display_name
    rows = [
        (now, by.user.id, operation, "User", person.id, client, json.dumps({"name": name, **said}, ensure_ascii=False))
        for client, said in details.items()
    ]
    columns = ("at", "person", "operation", "record_table", "record_id", "client", "detail")
    await engine.copy_rows("trail", columns, rows)
    await touch("users", "clients", "rollout", f"user-{person.id}", *(f"client-{id}" for id in list(details)[:50]))


def _listed(ids: Iterable[int]) -> str:
    return ", ".join(str(int(one)) for one in ids)


async def _settled(person: User, client: Client) -> int:
    """His rights for this client, brought up to date."""
    from models.clients import settle_rights

    await settle_rights(people=[person.id])
    rows = await engine.raw("SELECT rights FROM access WHERE person = $1 AND client = $2", person.id, client.id)
    return int(rows[0]["rights"])


async def _note_at(operation: str, person: User, client: Client, by: Viewer, **detail: Any) -> None:
    from models.audit import Trail

    about = {"name": person.display_name, "client": client.name, **detail}
    await Trail.write(operation, person, by=by, detail=about, client=client.id)
    await touch("users", "clients", "rollout", f"user-{person.id}", f"client-{client.id}")


async def checked_rights(role: str, rights: int | None, opens_folders: bool = False) -> int:
    """The bits that are given beside the template `role`; without a template there must be some, or opened folders."""
    from models.clients.rights import with_view

    known = not role or await engine.raw("SELECT 1 AS one FROM rights_template WHERE key = $1", role)
    nothing = not role and not rights and not opens_folders
    if not known or nothing or (rights or 0) & ~int(Right.everything()):
        raise Refused("role", Say("Kies wat deze persoon mag."))
    return with_view(rights or 0)


async def _opened(access: int) -> dict[str, bool]:
    rows = await engine.raw("SELECT name, act FROM folder_right WHERE access = $1 ORDER BY name_key", access)
    return {row["name"]: bool(row["act"]) for row in rows}


async def _open(access: int, folders: dict[str, bool]) -> None:
    await engine.raw("DELETE FROM folder_right WHERE access = $1", access)
    rows = [(access, name, fold(name), act) for name, act in sorted(folders.items())]
    await engine.copy_rows("folder_right", ("access", "name", "name_key", "act"), rows)


def _told(folders: dict[str, bool]) -> str:
    return ", ".join(f"{name} (+)" if act else name for name, act in folders.items())


async def will_mail(email: str, known: User | None) -> bool:
    """Whether adding a person with this address to a client mails an invitation at once; `known`: see mailbox.meant."""
    if not email or (await Firm.load()).users_without_login:
        return False
    return known is None or known.state == "prepared"


async def add_to(
    client: Client,
    *,
    email: str,
    whose: str,
    role: str,
    rights: int | None,
    announced: bool,
    by: Viewer,
    names: dict[str, str],
) -> tuple[User, bool]:
    """For `Client.add_user`: the person, and whether he existed already. Invited only when that was announced."""
    address = checked_email(email)
    known = await mailbox.meant(address, names, whose)
    mails = await will_mail(address, known)
    if mails and not announced:
        raise Refused("", Say("Deze persoon krijgt meteen een uitnodiging. Bekijk haar eerst."))
    if known is None:
        person = new_person("client", address, checked_name(names), rule=await sort_rule())
        await person.save()
        await by.note("User.add", person, {"name": person.display_name})
    else:
        person = known
    await give(person, client, role, rights, by=by)
    if mails:
        await person.send_invitation(by)
    return person, known is not None
