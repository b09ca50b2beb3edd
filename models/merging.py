"""Two files that turn out to be of one client: in what they differ, what would move, and the merging."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, NamedTuple

from piccolo.columns.combination import WhereRaw

from models import engine
from models.audit import Trail
from models.clients import Client, settle, settle_rights
from models.clients.checks import FIELDS, LENGTHS, PEOPLE, WITH_BSN, checked
from models.clients.records import RESPONSIBLE_FOR
from models.core import Refused, Say, Scope, operation, save
from models.dossiers.merging import merge_dossiers, same_folders
from models.live import touch
from models.offices import office_names
from models.people import number_key, sort_name
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

_TOGETHER = ("number", "notes", "sector")  # the number stays; the notes and the sectors of both are kept
_OWN_COLUMNS = ("bsn", "modules")  # beside the fields that `checked` knows
CHOSEN = (*(name for name in FIELDS if name not in _TOGETHER), *_OWN_COLUMNS)


class Difference(NamedTuple):
    """A field that the two fill in differently. `takes_other`: what is offered, the kept one's value unless it has none."""

    name: str
    kept: Any
    other: Any
    takes_other: bool


class Preview(NamedTuple):
    """What merging would do. `moves`: users, both_users, folders, same_folders, documents, groups, sectors, responsible (how
    many come over); `seen` tells whether it is still so."""

    differences: list[Difference]
    moves: dict[str, int]
    seen: str


async def preview(keep: Client, other: Client) -> Preview:
    moves = (await engine.raw(_MOVES_SQL, keep.id, other.id))[0]
    moves["same_folders"] = await same_folders(keep.id, other.id)
    names = await office_names(keep.office, other.office)
    found = [
        one if one.name != "office" else one._replace(kept=names.get(one.kept, ""), other=names.get(one.other, ""))
        for one in _differences(keep, other)
    ]
    told = json.dumps([[str(one) for one in found], moves, keep.version, other.version])
    return Preview(found, moves, hashlib.sha256(told.encode()).hexdigest()[:24])


def _differences(keep: Client, other: Client) -> list[Difference]:
    pairs = [(name, getattr(keep, name), getattr(other, name)) for name in CHOSEN if name not in _OWN_COLUMNS]
    if (mine := _open_bsn(keep)) != (theirs := _open_bsn(other)):
        pairs.append(("bsn", mine and keep.masked_bsn, theirs and other.masked_bsn))
    pairs.append(("modules", keep.modules, other.modules))
    empty = ("", None)
    return [
        Difference(name, mine, theirs, name != "modules" and mine in empty and theirs not in empty)
        for name, mine, theirs in pairs
        if mine != theirs
    ]


def _open_bsn(client: Client) -> str:
    return client._open_bsn() if client.bsn else ""


@operation(Permission.MANAGE_CLIENTS, trail=False)
async def merge(keep: Client, other: Client, take: Collection[str], seen: str, *, by: Viewer) -> None:
    """`other` is archived and all that was his is with `keep` from now on; of the fields in `take` his value is the one.

    Rights never grow by it: who reached both clients keeps what he may at `keep`.
    """
    _may_be_merged(keep, other)
    before = await preview(keep, other)
    if seen != before.seen:
        raise Refused(
            "", Say("Intussen is bij een van de twee iets gewijzigd. Bekijk opnieuw wat er samengaat, en bevestig.")
        )
    take = {one.name for one in before.differences} & set(take)
    await _set_fields(keep, other, take)
    await _move_partner(keep, other)
    for table, pair in _PAIRS:
        await _move_pairs(table, pair, keep.id, other.id)
    await _join_responsible(keep.id, other.id)
    await merge_dossiers(keep.id, other.id)
    if keep.is_sample and not other.is_sample:
        await save(keep, is_sample=False)  # what is not invented does not go with the sample office
    # Known to be merged before its proof comes over: in nothing but a merge does the database let that go to another client.
    await save(other, state="archived", merged_into=keep.id, partner=None)
    for sql in _ALSO_SQL:
        await engine.raw(sql, keep.id, other.id)
    await settle_rights(clients=[keep.id, other.id])
    await settle(clients=[keep.id, other.id])
    await _note(keep, other, take, before, by)


def _may_be_merged(keep: Client, other: Client) -> None:
    if keep.id == other.id:
        raise Refused("other", Say("Kies een andere cliënt dan deze zelf."))
    for one in (keep, other):
        if one.merged_into:
            raise Refused("other", Say("“{name}” is al met een andere cliënt samengevoegd.", name=one.name))
    if keep.state == "archived" and other.state == "active":
        raise Refused(
            "other", Say("“{name}” is gearchiveerd. Houd de cliënt die nog actief is, of herstel hem.", name=keep.name)
        )


async def _set_fields(keep: Client, other: Client, take: Collection[str]) -> None:
    there = {name: getattr(keep, name) for name in FIELDS}
    there |= {name: getattr(other, name) for name in take if name not in _OWN_COLUMNS}
    notes = [text for text in (keep.notes, other.notes) if text]
    there["notes"] = "\n\n".join(dict.fromkeys(notes))
    if len(there["notes"]) > LENGTHS["notes"]:
        raise Refused("notes", Say("De notities van beide passen samen niet. Kort ze eerst in."))
    values = checked(there)
    values |= {name: getattr(other, name) for name in take if name in _OWN_COLUMNS}
    if values.get("bsn", keep.bsn) and values["kind"] not in WITH_BSN:
        raise Refused("kind", Say("Een organisatie heeft geen BSN: kies bij Soort of bij BSN de andere waarde."))
    if (keep.partner or other.partner) and values["kind"] not in PEOPLE:
        raise Refused("kind", Say("Alleen een particulier, eenmanszaak of zzp’er heeft een fiscale partner. Maak het partnerschap eerst los."))  # fmt: skip
    await save(keep, **values)


async def _move_partner(keep: Client, other: Client) -> None:
    """His partner becomes the kept one's, when that has none; partners of each other were one person all along."""
    each_other = keep.partner == other.id or other.partner == keep.id
    partner = None if each_other else keep.partner or other.partner
    await engine.raw("UPDATE client SET partner = NULL WHERE partner = $1 OR partner = $2", keep.id, other.id)
    if partner:
        await engine.raw("UPDATE client SET partner = $1 WHERE id = $2", keep.id, partner)
    await save(keep, partner=partner)


_MOVES_SQL = """
SELECT (SELECT count(*) FROM access WHERE client = $2) AS users,
 (SELECT count(*) FROM access a JOIN access b ON b.person = a.person WHERE a.client = $2 AND b.client = $1) AS both_users,
 (SELECT count(*) FROM folder WHERE client = $2 AND trashed_at IS NULL) AS folders,
 (SELECT count(*) FROM document WHERE client = $2 AND trashed_at IS NULL) AS documents,
 (SELECT count(*) FROM membership m WHERE m.client = $2 AND m.source <> 'rule'
  AND NOT EXISTS (SELECT 1 FROM membership k WHERE k.client = $1 AND k.client_group = m.client_group)) AS groups,
 (SELECT count(*) FROM client_sector s WHERE s.client = $2
  AND NOT EXISTS (SELECT 1 FROM client_sector k WHERE k.client = $1 AND k.sector = s.sector)) AS sectors,
 (SELECT count(*) FROM responsible r WHERE r.client = $2
  AND NOT EXISTS (SELECT 1 FROM responsible k WHERE k.client = $1 AND k.person = r.person)) AS responsible
"""

# Tables of pairs with a client: what the kept client has already goes, the rest becomes his.
_PAIRS = (
    ("access", "person"),
    ("membership", "client_group"),
    ("client_sector", "sector"),
    ("visit", "person"),
)
_ALSO_SQL = (
    "UPDATE proposal SET client = $1 WHERE client = $2",
    "UPDATE upload_link SET client = $1 WHERE client = $2",
    "UPDATE delivery SET client = $1 WHERE client = $2",
    "UPDATE preparation SET client = $1 WHERE client = $2",
    "UPDATE client SET merged_into = $1 WHERE merged_into = $2",
    "DELETE FROM approval_plan WHERE client = $2 AND EXISTS (SELECT 1 FROM approval_plan k WHERE k.client = $1 AND coalesce(k.kind, 0) = coalesce(approval_plan.kind, 0))",
    "UPDATE approval_plan SET client = $1 WHERE client = $2",
    "DELETE FROM approver_role WHERE client = $2 AND until IS NULL AND EXISTS (SELECT 1 FROM approver_role k WHERE k.client = $1 AND k.until IS NULL AND k.person = approver_role.person AND k.role = approver_role.role)",
    "UPDATE approver_role SET client = $1 WHERE client = $2",
    *(
        f"UPDATE {table} SET client = $1 WHERE client = $2"
        for table in (
            "mandate", "approval_request", "approval_document", "approval_former_part", "approver", "approver_choice", "approval_remark", "approval_seen",
            "approval_record", "approval_seal", "approval_seal_trouble",
        )
    ),
)  # fmt: skip


async def _move_pairs(table: str, pair: str, keep: int, other: int) -> None:
    await engine.raw(
        f"DELETE FROM {table} WHERE client = $2 AND {pair} IN (SELECT {pair} FROM {table} WHERE client = $1)",
        keep,
        other,
    )
    await engine.raw(f"UPDATE {table} SET client = $1 WHERE client = $2", keep, other)


async def _join_responsible(keep: int, other: int) -> None:
    """Who looked after either looks after the kept one, for all that he did for the two."""
    duties: dict[int, set[str]] = {}
    for row in await engine.raw(
        "SELECT person, roles FROM responsible WHERE client IN ($1, $2) ORDER BY id", keep, other
    ):
        duties.setdefault(row["person"], set()).update(row["roles"].split(","))
    await engine.raw("DELETE FROM responsible WHERE client IN ($1, $2)", keep, other)
    rows = [(keep, person, ",".join(one for one in RESPONSIBLE_FOR if one in held)) for person, held in duties.items()]
    await engine.copy_rows("responsible", ("client", "person", "roles"), rows)


async def _note(keep: Client, other: Client, take: Collection[str], done: Preview, by: Viewer) -> None:
    taken = [one for one in done.differences if one.name in take and one.name not in ("bsn", "notes")]
    detail = {
        "name": keep.name,
        "other": f"{other.name} ({other.number})",
        "other_id": other.id,
        **{name: number for name, number in done.moves.items() if number},
        "before": {one.name: _plain(one.kept) for one in taken},
        "after": {one.name: _plain(one.other) for one in taken},
    }
    await by.note("Client.merge", keep, detail)
    await Trail.write("Client.merged", other, by=by, detail={"name": f"{keep.name} ({keep.number})"})
    await touch("clients", "rollout", "general", f"client-{keep.id}", f"client-{other.id}")


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | str) else value.isoformat()


# who might be the same


def to_merge(viewer: Viewer, typed: str) -> Scope[Client]:
    """The clients, archived ones too, with exactly this number or name, that were not merged before."""
    typed = typed.replace("\x00", "").strip()[:230]
    by_name = (Client.sort_key == sort_name(typed)) & (Client.sort_key != "")
    first, _, rest = typed.partition(" ")
    pair = (Client.number_key == number_key(first)) & (Client.name == rest)
    return viewer.clients.where(Client.merged_into.is_null(), (Client.number_key == number_key(typed)) | by_name | pair)


_SAME_BY = ("kvk", "rsin", "vat", "iban", "email")


async def alike(viewer: Viewer, client: Client, most: int = 8) -> list[dict[str, Any]]:
    """Who has the same name, or a number or address that only one should have: id, number, name, city, state, by (fields)."""
    held = [name for name in _SAME_BY if getattr(client, name)]
    same = [f"lower({name}) = {{}}" for name in held] + ["sort_key = {}"]
    values = [getattr(client, name).lower() for name in held] + [client.sort_key]
    found = viewer.clients.where(
        Client.id != client.id, Client.merged_into.is_null(), WhereRaw(f"({' OR '.join(same)})", *values)
    )
    columns = (Client.id, Client.number, Client.name, Client.city, Client.state, Client.sort_key)
    rows = await found.select(*columns, *(getattr(Client, name) for name in held), order=[Client.sort_key], limit=most)
    return [
        row
        | {
            "by": [name for name in held if str(row[name]).lower() == getattr(client, name).lower()]
            + (["name"] if row["sort_key"] == client.sort_key else [])
        }
        for row in rows
    ]
