"""Everything that happened with a client, in one line of time: the trail, invitations, mails, and what his people opened."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts.invited import events_sql, told
from models.audit_lists import midnight
from models.viewer import Permission

if TYPE_CHECKING:
    from models.clients.records import Client
    from models.viewer import Viewer

KINDS = ("details", "users", "dossier", "opened", "mail")
_OPERATIONS = {
    "details": ("Client.%", "Proposal.%"),
    "users": ("User.%", "Access.%"),
    "dossier": ("Dossier.%", "Folder.%", "Document.%"),
}

_LINE = "SELECT at, id, person, operation, record_table, record_id, detail FROM trail"
_PEOPLE = "SELECT person FROM access WHERE client = $1"
# What stands on the trail of those that were merged into him is his as well.
_OWN = f"{_LINE} WHERE client IN (SELECT id FROM client WHERE id = $1 OR merged_into = $1)"
# How far his people are: who was invited, who came in, was blocked.
_OF_PEOPLE = f"""{_LINE} WHERE client IS NULL AND record_table = 'User' AND record_id IN ({_PEOPLE})
 AND operation IN ('User.invite', 'User.invite_again', 'User.withdraw', 'User.activate', 'User.block', 'User.unblock')"""
_OPENED = """SELECT r.first_at AS at, r.id, r.person, 'Document.read' AS operation, 'Document' AS record_table,
 r.document AS record_id, d.name AS detail
FROM reading r JOIN document d ON d.id = r.document JOIN users p ON p.id = r.person WHERE r.client = $1 AND p.kind = 'client'"""
_MAIL = f"""SELECT e.finished_at AS at, e.id, e.person, 'Mail.done' AS operation, 'User' AS record_table, e.person AS record_id,
 e.subject_line AS detail
FROM errand e WHERE e.state = 'done' AND e.kind <> 'invitation' AND e.subject_line <> '' AND e.person IN ({_PEOPLE})"""


@dataclasses.dataclass(frozen=True)
class Filter:
    """`kind` is one of KINDS, or '' for all; `since` and `until` are days, both included."""

    kind: str = ""
    since: dt.date | None = None
    until: dt.date | None = None


async def page(
    client: Client, viewer: Viewer, asked: Filter, number: int, size: int
) -> tuple[list[dict[str, Any]], int]:
    """One page, counted from 1, newest first, and how many lines there are. The names of documents are for who may read them."""
    parts = _parts(asked.kind, viewer.may(Permission.READ_DOSSIERS))
    lines = "\nUNION ALL ".join(parts)
    args: list[Any] = [client.id]
    within = []
    if asked.since:
        args.append(midnight(asked.since))
        within.append(f"t.at >= ${len(args)}")
    if asked.until:
        args.append(midnight(asked.until + dt.timedelta(days=1)))
        within.append(f"t.at < ${len(args)}")
    where = f"WHERE {' AND '.join(within)}" if within else ""
    rows = await engine.raw(
        f"SELECT t.*, u.full_name FROM ({lines}) t "
        "LEFT JOIN users u ON u.id = coalesce(t.person, CASE WHEN t.record_table = 'User' THEN t.record_id END) "
        f"{where} ORDER BY t.at DESC, t.id DESC LIMIT {int(size)} OFFSET {int((number - 1) * size)}",
        *args,
    )
    total = (await engine.raw(f"SELECT count(*) AS n FROM ({lines}) t {where}", *args))[0]["n"]
    return [_told({**row, "who": row["full_name"] or ""}) for row in rows], int(total)


def _parts(kind: str, reads: bool) -> list[str]:
    own = _OWN
    if kind in ("", *_OPERATIONS):
        if kind:
            either = " OR ".join(f"operation LIKE '{like}'" for like in _OPERATIONS[kind])
            own += f" AND ({either})"
        if not reads:
            hidden = (*_OPERATIONS["dossier"], "User.view_as.open")
            own += "".join(f" AND operation NOT LIKE '{like}'" for like in hidden)
    found = [own] if kind in ("", *_OPERATIONS) else []
    if kind in ("", "users"):
        found += [_OF_PEOPLE, events_sql(_PEOPLE)]
    if kind in ("", "opened"):
        found.append(_OPENED if reads else f"{_OPENED} AND 1 = 0")
    if kind in ("", "mail"):
        found.append(_MAIL)
    return found


def _told(row: dict[str, Any]) -> dict[str, Any]:
    if row["operation"] in ("Document.read", "Mail.done"):
        return {**row, "detail": json.dumps({"what": row["detail"]})}
    return told(row)
