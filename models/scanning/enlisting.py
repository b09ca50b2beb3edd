"""Which bytes wait for the scanner: what comes in, what was here before scanning was switched on, and what is looked at again."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts.blocking import listed
from models.core import Refused, Say, operation
from models.dossiers.dossier import require_structures
from models.live import touch
from models.outbox import Kind, ask
from models.scanning.opening import INFECTED, is_on, listed_texts
from models.settings import utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.dossiers import Document
    from models.viewer import Viewer

# Every column of bytes that people open. Logos and photos are drawn anew by us, and not in it.
BLOBS = (
    ("document", "sha256"),
    ("document_version", "sha256"),
    ("import_batch", "sha256"),
    ("placement_file", "sha256"),
    ("approval_document", "blob"),
    ("approval_former_part", "blob"),
)

_MISSING_SQL = (
    "INSERT INTO scan (sha256, state, is_open, signature, tries, said, next_try, created_at) "
    "SELECT b.sha256, 'waiting', $1, '', 0, '', $2, $2 FROM (SELECT DISTINCT sha256 FROM ({blobs}) a) b WHERE b.sha256 <> '' "
    "AND NOT EXISTS (SELECT 1 FROM scan s WHERE s.sha256 = b.sha256) ON CONFLICT (sha256) DO NOTHING"
)


async def enlist(hashes: Collection[str]) -> None:
    """In the unit that makes records of these bytes: they wait for the scanner. Does nothing where nothing is scanned.

    What is known to be infected comes in again as such: who is responsible hears of it at once.
    """
    if not is_on() or not hashes:
        return
    now = utcnow()
    await engine.raw_many(
        "INSERT INTO scan (sha256, state, is_open, signature, tries, said, next_try, created_at) "
        "VALUES ($1, 'waiting', $2, '', 0, '', $3, $3) ON CONFLICT (sha256) DO NOTHING",
        [(sha256, False, now) for sha256 in dict.fromkeys(hashes)],
    )
    known = await engine.raw(
        f"SELECT sha256, signature FROM scan WHERE state = 'infected' AND sha256 IN {listed_texts(1)}",
        json.dumps(list(hashes)),
    )
    for row in known:
        await tell_infected(row["sha256"], row["signature"])


async def enlist_missed() -> None:
    """What came in by a way that did not enlist it; it was shut meanwhile. For the worker, now and then."""
    if await engine.raw(f"SELECT 1 AS one FROM ({_blobs()}) b WHERE b.sha256 <> '' AND NOT EXISTS (SELECT 1 FROM scan s WHERE s.sha256 = b.sha256) LIMIT 1"):  # fmt: skip
        await engine.run_writing(lambda: engine.raw(_MISSING_SQL.format(blobs=_blobs()), False, utcnow()))


async def begin() -> None:
    """At the start of a process: notice that scanning was switched on or off. What is here when it is switched on may be
    opened until it is looked at: an office that begins with it does not stand still for a day."""
    rows = await engine.raw("SELECT is_on FROM scanner")
    was_on = bool(rows and rows[0]["is_on"])
    if was_on != is_on():
        await engine.run_writing(_switch)


async def _switch() -> None:
    rows, now, on = await engine.raw("SELECT is_on FROM scanner"), utcnow(), is_on()
    if bool(rows and rows[0]["is_on"]) == on:
        return
    if on:
        await engine.raw(_MISSING_SQL.format(blobs=_blobs()), True, now)
    await engine.raw(
        "INSERT INTO scanner (id, is_on, since, said, version) VALUES (1, $1, $2, '', '') "
        "ON CONFLICT (id) DO UPDATE SET is_on = excluded.is_on, since = excluded.since, down_since = NULL",
        on, now,
    )  # fmt: skip


def _blobs() -> str:
    return " UNION ALL ".join(f"SELECT {column} AS sha256 FROM {table}" for table, column in BLOBS)


# what a scanner found, told and acted upon

_HOLDERS_SQL = """SELECT d.id, d.name, d.client, f.dossier FROM document d JOIN folder f ON f.id = d.folder
WHERE d.sha256 = $1 OR EXISTS (SELECT 1 FROM document_version v WHERE v.document = d.id AND v.sha256 = $1) ORDER BY d.id LIMIT 200"""


async def holders_of(sha256: str) -> list[dict[str, Any]]:
    """The documents that hold these bytes, now or in an earlier version: id, name, client, dossier."""
    return await engine.raw(_HOLDERS_SQL, sha256)


async def tell_infected(sha256: str, signature: str) -> None:
    """On the trail of each document, and to who looks after its client: by mail, whatever they chose for other news."""
    from models.audit import Trail
    from models.notices import recipients_of

    people: set[int] = set()
    for row in await holders_of(sha256):
        detail = {"name": row["name"], "signature": signature, "sha256": sha256}
        await Trail.write_of("Document.infected", "Document", row["id"], row["client"], detail)
        people |= set(await recipients_of(row["client"]))
    people |= await _tell_of_approvals(sha256, signature)
    for person in sorted(people):
        await ask(Kind.INFECTED, person=person, sha256=sha256, signature=signature)


_PLACED_SQL = """SELECT d.request, min(d.name) AS name, r.client, r.made_by, r.responsible FROM approval_document d
JOIN approval_request r ON r.id = d.request WHERE d.blob = $1 GROUP BY d.request, r.client, r.made_by, r.responsible ORDER BY d.request LIMIT 200"""


async def _tell_of_approvals(sha256: str, signature: str) -> set[int]:
    """On the trail of each request for approval with these bytes; who hears of it: who placed it, and who looks after it or the client."""
    from models.audit import Trail
    from models.notices import recipients_of

    people: set[int] = set()
    for row in await engine.raw(_PLACED_SQL, sha256):
        detail = {"name": row["name"], "signature": signature, "sha256": sha256}
        await Trail.write_of("ApprovalRequest.infected", "ApprovalRequest", row["request"], row["client"], detail)
        people |= {*await recipients_of(row["client"]), *(one for one in (row["made_by"], row["responsible"]) if one)}
    if not people:
        return people
    rows = await engine.raw(
        f"SELECT id FROM users WHERE kind = 'staff' AND state = 'active' AND email <> '' AND id IN {listed(1)}",
        json.dumps(sorted(people)),
    )
    return {row["id"] for row in rows}


async def tell_changed(sha256: str) -> None:
    """Lists in which these bytes stand draw their badge anew."""
    rows = await holders_of(sha256)
    topics = {f"document-{row['id']}" for row in rows}
    topics |= {f"dossier-{row['dossier']}" for row in rows}
    topics |= {f"client-{row['client']}" if row["client"] else "general" for row in rows}
    placed = await engine.raw(_PLACED_SQL, sha256)
    topics |= {f"approval-{row['request']}" for row in placed} | ({"approvals"} if placed else set())
    await touch("scanning", *sorted(topics))


@operation(Permission.EDIT_DOSSIERS, trail=False)
async def scan_again(document: Document, *, by: Viewer) -> None:
    """The scanner looks once more, with what it knows by now. What was open stays so meanwhile, what was shut stays shut."""
    require_structures(document.client, by)
    _refuse_off()
    await _wait_again([document.sha256])
    await by.note("Document.scan_again", document, {"name": document.name})
    await tell_changed(document.sha256)


async def scan_all_again(*, by: Viewer) -> int:
    """Everything that waits for its next try or was too large is tried now; how many."""
    by.require(Permission.MANAGE_SETTINGS)
    _refuse_off()
    rows = await engine.raw(
        "UPDATE scan SET state = 'waiting', next_try = $1, tries = 0, said = '', is_open = CASE WHEN state = 'waiting' THEN is_open ELSE $2 END "
        "WHERE (state = 'waiting' AND tries > 0) OR state = 'too_large' RETURNING id",
        utcnow(), False,
    )  # fmt: skip
    await touch("scanning")
    return len(rows)


def _refuse_off() -> None:
    if not is_on():
        raise Refused("", Say("Er is geen virusscanner ingesteld."))


async def _wait_again(hashes: Sequence[str]) -> None:
    """A verdict that is asked anew: clean ones stay open meanwhile."""
    now = utcnow()
    await engine.raw_many(
        "INSERT INTO scan (sha256, state, is_open, signature, tries, said, next_try, created_at) "
        "VALUES ($1, 'waiting', $2, '', 0, '', $3, $3) ON CONFLICT (sha256) DO UPDATE SET "
        "is_open = (scan.state = 'clean' OR (scan.state = 'waiting' AND scan.is_open)), state = 'waiting', tries = 0, said = '', next_try = excluded.next_try",
        [(sha256, False, now) for sha256 in hashes],
    )


@operation(Permission.EDIT_DOSSIERS, trail=False)
async def destroy(document: Document, *, by: Viewer) -> None:
    """A document in which a virus was found goes for good, with its earlier versions; the trail keeps its name and hash.
    Its bytes follow within a minute, when no other record holds them. What a case suspends stays, and stays shut."""
    from models.approvals.letting_go import let_go
    from models.keeping.holds import on_document

    require_structures(document.client, by)
    rows = await engine.raw("SELECT state, signature FROM scan WHERE sha256 = $1", document.sha256)
    if not rows or rows[0]["state"] != INFECTED:
        raise Refused("", Say("Alleen een bestand waarin een virus is gevonden, kan zo worden vernietigd."))
    if holds := await on_document(document):
        names = ", ".join(f"“{hold['name']}”" for hold in holds[:5])
        raise Refused("", Say("Dit stuk blijft, omdat de bewaarplicht is opgeschort: {names}.", names=names))
    detail = {
        "name": document.name,
        "sha256": document.sha256,
        "signature": rows[0]["signature"],
        "size": document.size,
    }
    await by.note("Document.destroy", document, detail)
    await tell_changed(document.sha256)
    await let_go(json.dumps([document.id]), "infected", by.user.display_name)
    await engine.raw("DELETE FROM document WHERE id = $1", document.id)
