"""What the worker does with what waits: claim some, have them looked at, write down what was found. Safe to do twice."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models import config, engine, tidying
from models.core import Refused, Say
from models.scanning import clamd
from models.scanning.enlisting import tell_changed, tell_infected
from models.scanning.opening import Shut, is_on
from models.settings import utcnow
from models.storage import Missing, StorageDown, storage

if TYPE_CHECKING:
    from models.viewer import Viewer

log = logging.getLogger("poort.scanning")

AT_ONCE = 2
LEASE = dt.timedelta(minutes=5)  # a claim that was not concluded for so long is anybody's again; twice does no harm
LONGEST = 30 * 60.0  # seconds that one file may take
_AGAIN = (30, 120, 600, 3600, 6 * 3600)  # seconds until a file that failed is tried again, by how often it failed


async def round_() -> int:
    """Look at the next few that wait, what came in before what was here already; how many. Raises clamd.Down."""
    claimed = await _claim(AT_ONCE)
    outcomes = await asyncio.gather(*(_look_at(row) for row in claimed), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return len(claimed)


async def _claim(most: int) -> list[dict[str, Any]]:
    now, skip = utcnow(), "" if engine.is_sqlite() else " FOR UPDATE SKIP LOCKED"
    if not await engine.raw("SELECT 1 AS one FROM scan WHERE state = 'waiting' AND next_try <= $1 LIMIT 1", now):
        return []
    return await engine.raw(
        "UPDATE scan SET next_try = $1, tries = tries + 1 WHERE state = 'waiting' AND id IN (SELECT id FROM scan "
        f"WHERE state = 'waiting' AND next_try <= $2 ORDER BY is_open, next_try, id LIMIT $3{skip}) "
        "RETURNING id, sha256, tries",
        now + LEASE, now, most,
    )  # fmt: skip


async def _look_at(row: dict[str, Any]) -> None:
    try:
        async with asyncio.timeout(LONGEST):
            verdict = await _verdict_on(row["sha256"])
    except clamd.Down:
        await _put_back(row, 0, "", was_a_try=False)
        raise
    except (clamd.Strange, StorageDown, TimeoutError) as error:
        pause = _AGAIN[min(row["tries"], len(_AGAIN)) - 1]
        log.warning("a file could not be scanned (try %d): %s", row["tries"], error or type(error).__name__)
        await _put_back(row, pause, str(error)[:300])
    except Missing:
        await _put_back(row, _AGAIN[-1], "Het bestand staat niet meer in de opslag.")
    else:
        await engine.run_writing(lambda: _conclude(row["sha256"], verdict))


async def _verdict_on(sha256: str) -> clamd.Verdict:
    async with contextlib.aclosing(storage().open(sha256)) as chunks:
        return await clamd.scan(config.settings().clamd_url, chunks)


async def _put_back(row: dict[str, Any], seconds: int, said: str, *, was_a_try: bool = True) -> None:
    await engine.raw(
        "UPDATE scan SET next_try = $2, tries = tries - $3, said = $4 WHERE id = $1 AND state = 'waiting'",
        row["id"], utcnow() + dt.timedelta(seconds=seconds), 0 if was_a_try else 1, said,
    )  # fmt: skip


async def _conclude(sha256: str, verdict: clamd.Verdict) -> None:
    """Two who looked at the same say it once."""
    changed = await engine.raw(
        "UPDATE scan SET state = $2, signature = $3, is_open = $4, said = '', scanned_at = $5 WHERE sha256 = $1 AND state = 'waiting' RETURNING id",
        sha256, verdict.state, verdict.signature, False, utcnow(),
    )  # fmt: skip
    if not changed:
        return
    if verdict.state == "infected":
        await tell_infected(sha256, verdict.signature)
    await tell_changed(sha256)


async def scan_now(sha256: str) -> Refused | None:
    """While somebody waits for it (an import, photos to be joined): None when it is clean, else why not. Outside every unit."""
    if not is_on():
        return None
    known = await engine.raw("SELECT state, signature FROM scan WHERE sha256 = $1 AND state <> 'waiting'", sha256)
    if known:
        return None if known[0]["state"] == "clean" else Shut(known[0]["state"], known[0]["signature"])
    try:
        verdict = await _verdict_on(sha256)
    except (clamd.Down, clamd.Strange):
        return Refused(
            "",
            Say(
                "De virusscanner antwoordt niet, dus dit bestand kan nu niet worden gelezen. Probeer het later nog eens."
            ),
        )
    await engine.run_writing(lambda: _note(sha256, verdict))
    return None if verdict.state == "clean" else Shut(verdict.state, verdict.signature)


async def _note(sha256: str, verdict: clamd.Verdict) -> None:
    now = utcnow()
    await engine.raw(
        "INSERT INTO scan (sha256, state, is_open, signature, tries, said, next_try, created_at) "
        "VALUES ($1, 'waiting', $2, '', 0, '', $3, $3) ON CONFLICT (sha256) DO NOTHING",
        sha256, False, now,
    )  # fmt: skip
    await _conclude(sha256, verdict)


# how the scanner itself is


async def look_at_scanner() -> bool:
    """Whether it answers; noted, so that the office sees since when it does not."""
    try:
        said, problem = await clamd.version(config.settings().clamd_url), ""
    except (clamd.Down, clamd.Strange) as error:
        said, problem = "", str(error)[:300] or "antwoordt niet"
    now = utcnow()
    rows = await engine.raw("SELECT down_since, seen_at FROM scanner")
    before = rows[0] if rows else {"down_since": None, "seen_at": None}
    is_news = (before["down_since"] is None) == bool(problem)
    if is_news or before["seen_at"] is None or (not problem and now - before["seen_at"] > dt.timedelta(minutes=5)):
        await engine.run_writing(lambda: _note_scanner(said, problem, now))
    return not problem


async def _note_scanner(said: str, problem: str, now: dt.datetime) -> None:
    from models.live import touch

    await engine.raw("INSERT INTO scanner (id, is_on, said, version) VALUES (1, $1, '', '') ON CONFLICT (id) DO NOTHING", is_on())  # fmt: skip
    if problem:
        await engine.raw(
            "UPDATE scanner SET down_since = coalesce(down_since, $1), said = $2 WHERE id = 1", now, problem
        )
    else:
        await engine.raw("UPDATE scanner SET down_since = NULL, said = '', version = $2, seen_at = $1 WHERE id = 1", now, said[:120])  # fmt: skip
    await touch("scanning")


async def drop_destroyed() -> int:
    """The bytes of infected files that no record holds any more; how many went. The verdict stays, in case they come again."""
    rows = await engine.raw(
        "SELECT id, sha256 FROM scan WHERE state = 'infected' AND said <> 'gone' ORDER BY id LIMIT 200"
    )
    held = await tidying.referenced([row["sha256"] for row in rows])
    gone = [row for row in rows if row["sha256"] not in held]
    for row in gone:
        await storage().delete(row["sha256"])
        await engine.raw("UPDATE scan SET said = 'gone' WHERE id = $1", row["id"])
    return len(gone)


@dataclass(frozen=True)
class Standing:
    """How scanning is: since when the scanner does not answer (None: it does), and how many files are how."""

    down_since: dt.datetime | None
    said: str
    version: str
    waiting: int
    old: int
    failing: int
    infected: int
    too_large: int


async def standing(viewer: Viewer) -> Standing | None:
    """For the office; None, and nothing is asked, where nothing is scanned or for others."""
    if not is_on() or not viewer.is_staff:
        return None
    rows = await engine.raw(
        "SELECT (SELECT min(down_since) FROM scanner) AS down, (SELECT min(said) FROM scanner) AS said, (SELECT min(version) FROM scanner) AS version, "
        "(SELECT count(*) FROM scan WHERE state = 'waiting' AND NOT is_open) AS waiting, "
        "(SELECT count(*) FROM scan WHERE state = 'waiting' AND is_open) AS old, "
        "(SELECT count(*) FROM scan WHERE state = 'waiting' AND said <> '') AS failing, "
        "(SELECT count(*) FROM scan s WHERE state = 'infected' AND (EXISTS (SELECT 1 FROM document d WHERE d.sha256 = s.sha256) "
        "OR EXISTS (SELECT 1 FROM approval_document a WHERE a.blob = s.sha256))) AS infected, "
        "(SELECT count(*) FROM scan s WHERE state = 'too_large' AND EXISTS (SELECT 1 FROM document d WHERE d.sha256 = s.sha256)) AS too_large"
    )
    row = rows[0]
    down = engine.as_moment(row["down"])
    numbers = {name: int(row[name] or 0) for name in ("waiting", "old", "failing", "infected", "too_large")}
    return Standing(down, row["said"] or "", row["version"] or "", **numbers)


async def shut_list(viewer: Viewer, most: int = 200) -> list[dict[str, Any]]:
    """The documents and parts of approvals that this viewer may see and nobody may open, the worst first: id, name, client,
    client_name, size, uploaded_at, state, signature, said, tries, and `approval`: the request that it is a part of, or None."""
    from models.approvals.records import ApprovalRequest
    from models.dossiers import Document

    rows = await engine.raw(
        "SELECT d.id, d.name, d.client, c.name AS client_name, d.size, d.uploaded_at, coalesce(s.state, 'waiting') AS state, "
        "coalesce(s.signature, '') AS signature, coalesce(s.said, '') AS said, coalesce(s.tries, 0) AS tries, NULL AS approval FROM scan s "
        "JOIN document d ON d.sha256 = s.sha256 LEFT JOIN client c ON c.id = d.client "
        "WHERE d.trashed_at IS NULL AND (s.state IN ('infected', 'too_large') OR (s.state = 'waiting' AND NOT s.is_open)) "
        "ORDER BY CASE s.state WHEN 'infected' THEN 0 WHEN 'too_large' THEN 1 ELSE 2 END, d.uploaded_at DESC, d.id DESC LIMIT 2000"
    )
    seen = {
        row["id"]
        for row in await viewer.documents.where(Document.id.is_in([row["id"] for row in rows] or [-1])).select(
            Document.id
        )
    }
    parts = await engine.raw(
        "SELECT a.id, a.name, a.client, c.name AS client_name, a.size, r.made_at AS uploaded_at, s.state, s.signature, s.said, s.tries, a.request AS approval "
        "FROM scan s JOIN approval_document a ON a.blob = s.sha256 JOIN approval_request r ON r.id = a.request JOIN client c ON c.id = a.client "
        "WHERE s.state IN ('infected', 'too_large') OR (s.state = 'waiting' AND NOT s.is_open) "
        "ORDER BY CASE s.state WHEN 'infected' THEN 0 WHEN 'too_large' THEN 1 ELSE 2 END, a.id DESC LIMIT 2000"
    )
    asked = ApprovalRequest.id.is_in([row["approval"] for row in parts] or [-1])
    mine = {row["id"] for row in await viewer.scope(ApprovalRequest).where(asked).select(ApprovalRequest.id)}
    found = [row for row in rows if row["id"] in seen] + [row for row in parts if row["approval"] in mine]
    return sorted(found, key=lambda row: _WORST.get(row["state"], 2))[:most]


_WORST = {"infected": 0, "too_large": 1}
