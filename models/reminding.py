"""Reminding by hand: a look beforehand at who would be mailed and who not, the mails, and taking them back for a short while."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts.blocking import listed
from models.clients import seen
from models.core import Refused, Say
from models.dossiers.documents import shown_sql
from models.dossiers.seeing import GENERAL_FOR, HANDING, HANDS_IN, VIEWING, VIEWS, opened_sql
from models.hearing import how_sql
from models.live import touch
from models.outbox import wake
from models.settings import Firm, utcnow
from models.viewer import Permission, Right

if TYPE_CHECKING:
    from models.viewer import Viewer

THROTTLE = dt.timedelta(hours=24)  # so long nobody is reminded again of the same
NAMED = 12
MOST = 20_000  # requests or documents of one act

# Why somebody is not mailed.
REASONS = {
    "not_in": Say("nog niet binnen"),
    "blocked": Say("geblokkeerd"),
    "no_email": Say("zonder e-mailadres"),
    "never": Say("wil geen berichten"),
    "unable": Say("heeft geen recht (meer) om akkoord te geven"),
    "lately": Say("kreeg afgelopen 24 uur al een herinnering"),
}


@dataclass(frozen=True)
class Reminding:
    """What would be sent: `pairs` of person, client, and the request or the document with its version; and how many people
    are not mailed, by REASONS. Who is mailed of one thing is not counted as left out for another."""

    pairs: list[tuple[int, int | None, int | None, int | None, int]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    left_names: dict[str, list[str]] = field(default_factory=dict)  # a few of them, by reason

    @property
    def mails(self) -> int:
        return len({pair[0] for pair in self.pairs})

    @property
    def things(self) -> int:
        return len({(pair[2], pair[3]) for pair in self.pairs})


async def of_requests(viewer: Viewer, ids: Sequence[int]) -> Reminding:
    """Whoever is asked something by these requests that still waits; of the requests that exist for this viewer."""
    firm = await Firm.load()
    some = json.dumps(list(ids)[:MOST])
    clients = f"SELECT client FROM document_request WHERE id IN {listed(1)}"
    rows = await engine.raw(
        f"WITH RECURSIVE {opened_sql('handing', Right.UPLOAD_DOCUMENTS, clients)} "
        f"SELECT r.id AS request, NULL AS document, 1 AS version, r.client, {_PERSON.format(how=how_sql(firm))}, "
        "CASE WHEN EXISTS (SELECT 1 FROM reminder m WHERE m.person = u.id AND m.request = r.id AND m.at > $2) THEN 1 ELSE 0 END AS lately "
        f"FROM document_request r JOIN access a ON a.client = r.client {_EVERYBODY} {HANDING} "
        f"WHERE r.id IN {listed(1)} AND r.state = 'open' AND {seen(viewer, 'r.client')} AND {HANDS_IN} "
        "AND EXISTS (SELECT 1 FROM request_item i WHERE i.request = r.id AND i.state IN ('open', 'sent_back'))",
        some, utcnow() - THROTTLE,
    )  # fmt: skip
    return reminding_of(rows if viewer.may(Permission.READ_DOSSIERS) else [])


async def of_documents(viewer: Viewer, ids: Sequence[int]) -> Reminding:
    """Whoever may see the present version of these documents of the office and did not open it."""
    if not viewer.may(Permission.READ_DOSSIERS):
        return Reminding()
    firm = await Firm.load()
    clients = f"SELECT client FROM document WHERE id IN {listed(1)}"
    lately = "CASE WHEN EXISTS (SELECT 1 FROM reminder m WHERE m.person = u.id AND m.document = d.id AND m.at > $2) THEN 1 ELSE 0 END AS lately"
    person, shown = _PERSON.format(how=how_sql(firm)), shown_sql("u.id")
    unread = (
        "NOT EXISTS (SELECT 1 FROM reading q WHERE q.document = d.id AND q.version = d.version AND q.person = u.id)"
    )
    rows = await engine.raw(
        f"WITH RECURSIVE {opened_sql('viewing', Right.VIEW_DOSSIER, clients)} "
        f"SELECT NULL AS request, d.id AS document, d.version, d.client, {person}, {lately} "
        f"FROM document d JOIN folder f ON f.id = d.folder JOIN access a ON a.client = d.client {_EVERYBODY} {VIEWING} "
        f"WHERE d.id IN {listed(1)} AND d.source = 'office' AND {shown} AND {VIEWS} AND {seen(viewer, 'd.client')} AND {unread} "
        f"UNION SELECT NULL, d.id, d.version, d.client, {person}, {lately} "
        f"FROM document d JOIN folder f ON f.id = d.folder JOIN dossier g ON g.id = f.dossier AND g.kind = 'general' JOIN access a ON a.rights <> 0 {_EVERYBODY} "
        f"WHERE d.id IN {listed(1)} AND d.client IS NULL AND d.source = 'office' AND {shown} AND {GENERAL_FOR} AND {seen(viewer, 'a.client')} AND {unread}",
        json.dumps(list(ids)[:MOST]), utcnow() - THROTTLE,
    )  # fmt: skip
    return reminding_of(rows)


async def send(found: Reminding, batch: str, *, by: Viewer) -> int:
    """Ask for one mail to each of them, to leave when it can no longer be undone; how many. Again with the same `batch`
    nobody is mailed twice."""
    by.require(Permission.EDIT_DOSSIERS)
    if not batch or len(batch) > 36:
        raise Refused("", Say("Er is niets te versturen."))
    done = await engine.raw("SELECT count(DISTINCT person) AS n FROM reminder WHERE batch = $1", batch)
    if done[0]["n"]:
        return int(done[0]["n"])
    if not found.pairs:
        raise Refused("", Say("Er is niemand om te herinneren."))
    now, firm = utcnow(), await Firm.load()
    leaves = now + dt.timedelta(seconds=firm.undo_seconds)
    people = sorted({pair[0] for pair in found.pairs})
    before = (await engine.raw("SELECT coalesce(max(id), 0) AS id FROM errand"))[0]["id"]
    await engine.copy_rows(
        "errand",
        ("kind", "person", "detail", "run_after", "created_at"),
        [("reminder", person, "{}", leaves, now) for person in people],
    )
    rows = await engine.raw("SELECT id, person FROM errand WHERE kind = 'reminder' AND id > $1", before)
    errands = {row["person"]: row["id"] for row in rows}
    await engine.copy_rows(
        "reminder", ("person", "client", "request", "document", "version", "at", "made_by", "errand", "batch"),
        [
            (person, client, request, document, version, now, by.user.id, errands[person], batch)
            for person, client, request, document, version in found.pairs
        ],
    )  # fmt: skip
    await by.note("Firm.remind", firm, {"count": len(people), "things": found.things})
    await touch("requests", "mail", "reminders")
    wake()
    return len(people)


async def undo(batch: str, *, by: Viewer) -> int:
    """Take back what did not leave yet; how many mails."""
    by.require(Permission.EDIT_DOSSIERS)
    rows = await engine.raw(
        "UPDATE errand SET state = 'cancelled', finished_at = $2 WHERE kind = 'reminder' AND state = 'waiting' AND attempts = 0 "
        "AND id IN (SELECT errand FROM reminder WHERE batch = $1 AND batch <> '' AND made_by = $3) RETURNING id",
        batch, utcnow(), by.user.id,
    )  # fmt: skip
    if not rows:
        raise Refused("", Say("De herinneringen zijn al verstuurd."))
    ids = json.dumps([row["id"] for row in rows])
    await engine.raw(f"DELETE FROM reminder WHERE errand IN {listed(1)}", ids)
    await by.note("Firm.remind_undo", await Firm.load(), {"count": len(rows)})
    await touch("requests", "mail", "reminders")
    return len(rows)


async def of_request(request: int, most: int = 200) -> list[dict[str, Any]]:
    """Who was reminded of a request that was found through the viewer, the last first: who, at, made_by ('' by itself), state
    of the mail."""
    return await engine.raw(
        "SELECT u.full_name AS who, m.at, coalesce(s.full_name, '') AS made_by, coalesce(e.state, '') AS state FROM reminder m "
        "JOIN users u ON u.id = m.person LEFT JOIN users s ON s.id = m.made_by LEFT JOIN errand e ON e.id = m.errand "
        f"WHERE m.request = $1 ORDER BY m.at DESC, m.id DESC LIMIT {int(most)}",
        request,
    )


def reminding_of(rows: list[dict[str, Any]]) -> Reminding:
    pairs: list[tuple[int, int | None, int | None, int | None, int]] = []
    names: dict[int, str] = {}
    why: dict[int, tuple[str, str]] = {}
    for row in rows:
        reason = _why_not(row)
        if reason is None:
            pairs.append((row["person"], row["client"], row["request"], row["document"], row["version"]))
            names[row["person"]] = row["who"]
        else:
            why.setdefault(row["person"], (reason, row["who"]))
    left: dict[str, int] = {}
    left_names: dict[str, list[str]] = {}
    for person, (reason, who) in why.items():
        if person not in names:
            left[reason] = left.get(reason, 0) + 1
            left_names.setdefault(reason, []).append(who)
    some = {reason: sorted(people)[:NAMED] for reason, people in left_names.items()}
    return Reminding(pairs, sorted(names.values())[:NAMED], left, some)


def _why_not(row: dict[str, Any]) -> str | None:
    if row["state"] in ("prepared", "invited"):
        return "not_in"
    if row["state"] == "blocked":
        return "blocked"
    if not row["email"]:
        return "no_email"
    if row["how"] == "never":
        return "never"
    if row.get("unable"):
        return "unable"
    return "lately" if row["lately"] else None


_PERSON = "u.id AS person, u.full_name AS who, u.state, u.email, {how} AS how"
_EVERYBODY = """JOIN users u ON u.id = a.person AND u.kind = 'client' JOIN client c ON c.id = a.client AND c.state = 'active'
 LEFT JOIN hearing h ON h.person = a.person AND h.client = a.client LEFT JOIN hearing p ON p.person = a.person AND p.client IS NULL"""
