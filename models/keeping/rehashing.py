"""Every stored file is read and hashed anew on a rolling schedule; one that is damaged or gone is named, with whose it is.

A round lasts `check_days` of the settings. Reading is paced, so that nobody at work notices; a file that was claimed by a
worker that died is taken up by another after an hour.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from models import engine
from models.core import Say
from models.live import touch
from models.outbox import Kind, ask
from models.settings import Firm, utcnow
from models.storage import Missing, StorageDown, storage
from models.storage.base import is_sha256
from models.tasks import Progress, Task, start, work
from models.tidying import BLOBS, referenced
from models.viewer import Permission, Viewer

NEVER = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
CLAIMED = dt.timedelta(hours=1)
AGAIN = dt.timedelta(hours=1)  # a broken file is looked at so often: it may have been put back
GATHER, A_DAY = dt.timedelta(minutes=10), dt.timedelta(days=1)
PACE = 25 * 1024 * 1024  # bytes a second
_LEAST, _NEW, _NAMED = 5, 50_000, 20
_EARLY = 0.8  # of the round: a file is due before its last day

STATES: dict[str, Say] = {
    "broken": Say("beschadigd"),
    "missing": Say("ontbreekt"),
    "good": Say("goed"),
    "new": Say("nog niet nagekeken"),
}
_USED = " UNION ".join(f"SELECT {column} AS hash FROM {table} WHERE {column} <> ''" for table, column in BLOBS)


async def know_all() -> None:
    """A row for every file that a record refers to, and none for others. A statement at a time, outside any unit."""
    while True:
        rows = await engine.raw(
            "INSERT INTO file_check (hash, checked_at, state, said) SELECT u.hash, $1, 'new', '' "
            f"FROM ({_USED}) u WHERE NOT EXISTS (SELECT 1 FROM file_check c WHERE c.hash = u.hash) "
            f"ORDER BY u.hash LIMIT {_NEW} ON CONFLICT DO NOTHING RETURNING id",
            NEVER,
        )
        if len(rows) < _NEW:
            break
    await engine.raw(f"DELETE FROM file_check WHERE hash NOT IN ({_USED})")


async def check_due(now: dt.datetime, *, pace: float = PACE) -> int:
    """The files whose turn it is, as many as keep the round on time when this runs every minute; how many were read."""
    firm = await Firm.load()
    total = int((await engine.raw("SELECT count(*) AS n FROM file_check"))[0]["n"])
    most = max(_LEAST, math.ceil(2 * total / (firm.check_days * 24 * 60)))
    before = now - dt.timedelta(days=firm.check_days * _EARLY)
    done = 0
    for _ in range(most):
        found = await _claim(now, before)
        if found is None:
            break
        await check(found, pace=pace)
        done += 1
    await tell_of_broken(now)
    return done


async def _claim(now: dt.datetime, before: dt.datetime) -> str | None:
    skip = "" if engine.is_sqlite() else " FOR UPDATE SKIP LOCKED"
    free = "(claimed_at IS NULL OR claimed_at < $2)"
    for which, moment in (
        ("state IN ('broken', 'missing') AND checked_at < $3", now - AGAIN),
        ("checked_at < $3", before),
    ):
        rows = await engine.raw(
            f"UPDATE file_check SET claimed_at = $1 WHERE id IN (SELECT id FROM file_check WHERE {which} AND {free} "
            f"ORDER BY checked_at, id LIMIT 1{skip}) RETURNING hash",
            now, now - CLAIMED, moment,
        )  # fmt: skip
        if rows:
            return str(rows[0]["hash"])
    return None


async def came_back(sha256: str) -> bool:
    """In the unit, after these bytes were put in the storage anew, which hashed them: whether they were known to be damaged or gone, and
    are noted as good now."""
    if not await engine.raw(
        "SELECT 1 AS one FROM file_check WHERE hash = $1 AND state IN ('broken', 'missing')", sha256
    ):
        return False
    await _note(sha256, "good", "")
    return True


async def check(sha256: str, *, pace: float = 0, is_used: bool = False) -> str:
    """Read it, and note what was found: good, broken or missing; '' when the store itself does not answer. `is_used`: who asks has just
    read a record that refers to it."""
    try:
        state, said = await _look(sha256, pace)
    except StorageDown:
        await engine.raw("UPDATE file_check SET claimed_at = NULL WHERE hash = $1", sha256)
        return ""
    if state == "missing" and not is_used and not await referenced([sha256]):
        await engine.raw("DELETE FROM file_check WHERE hash = $1", sha256)  # destroyed while we looked
        return "good"
    await engine.run_writing(lambda: _note(sha256, state, said))
    return state


async def _look(sha256: str, pace: float) -> tuple[str, str]:
    """Raises StorageDown when the store does not work at all."""
    hashed, read, began = hashlib.sha256(), 0, time.monotonic()
    try:
        async for chunk in storage().open(sha256):
            await asyncio.to_thread(hashed.update, chunk)
            read += len(chunk)
            if pace and (ahead := read / pace - (time.monotonic() - began)) > 0:
                await asyncio.sleep(ahead)
    except Missing:
        return "missing", ""
    except StorageDown as error:
        await storage().check()  # else it is the store, and says nothing of this file
        return "broken", str(error)[:300]
    return ("good", "") if hashed.hexdigest() == sha256 else ("broken", "")


async def _note(sha256: str, state: str, said: str) -> None:
    now = utcnow()
    was = await engine.raw("SELECT state, broken_since FROM file_check WHERE hash = $1", sha256)
    is_wrong, was_wrong = state != "good", bool(was) and was[0]["state"] in ("broken", "missing")
    since = (was[0]["broken_since"] if was_wrong else now) if is_wrong else None
    await engine.raw(
        "INSERT INTO file_check (hash, checked_at, state, said, broken_since) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (hash) DO UPDATE SET "
        "checked_at = excluded.checked_at, state = excluded.state, said = excluded.said, broken_since = excluded.broken_since, "
        "claimed_at = NULL" + ("" if is_wrong else ", told_at = NULL"),
        sha256, now, state, said, since,
    )  # fmt: skip
    if is_wrong != was_wrong:
        await touch("keeping", *await _tell_of_approvals(sha256, is_wrong))


_PLACED_SQL = """SELECT d.request, d.client, min(d.name) AS name FROM approval_document d WHERE d.blob = $1
GROUP BY d.request, d.client ORDER BY d.request LIMIT 200"""


async def _tell_of_approvals(sha256: str, is_wrong: bool) -> list[str]:
    """On the trail of each request for approval with these bytes, the pages of which say so by themselves: their topics."""
    from models.audit import Trail

    topics = []
    for row in await engine.raw(_PLACED_SQL, sha256):
        done = "ApprovalRequest.damaged" if is_wrong else "ApprovalRequest.restored"
        detail = {"name": row["name"], "sha256": sha256}
        await Trail.write_of(done, "ApprovalRequest", row["request"], row["client"], detail)
        topics.append(f"approval-{row['request']}")
    return [*topics, "approvals"] if topics else []


async def broken() -> list[dict[str, Any]]:
    """Files that are damaged or gone: hash, state, said, checked_at, broken_since, and `uses`: what each is of (see uses_of)."""
    rows = await engine.raw(
        "SELECT hash, state, said, checked_at, broken_since FROM file_check WHERE state IN ('broken', 'missing') ORDER BY broken_since, id LIMIT 500"
    )
    uses: dict[str, list[dict[str, Any]]] = {}
    for one in await uses_of([row["hash"] for row in rows]):
        uses.setdefault(one["hash"], []).append(one)
    return [row | {"uses": uses.get(row["hash"], [])} for row in rows]


async def uses_of(hashes: Sequence[str]) -> list[dict[str, Any]]:
    """What files are of: hash, kind (document, version, approval or other), document (the id; of an approval its request's), name,
    version, client (id), client_name."""
    if not hashes:
        return []
    them = f"({', '.join(f'${n}' for n in range(1, len(hashes) + 1))})"
    other = " UNION ALL ".join(
        f"SELECT {column} AS hash, 'other' AS kind, NULL, '{table}', NULL, NULL, NULL FROM {table} WHERE {column} IN {them}"
        for table, column in BLOBS if table not in ("document", "document_version", "approval_document")
    )  # fmt: skip
    return await engine.raw(
        "SELECT d.sha256 AS hash, 'document' AS kind, d.id AS document, d.name, d.version, c.id AS client, c.name AS client_name "
        f"FROM document d LEFT JOIN client c ON c.id = d.client WHERE d.sha256 IN {them} UNION ALL "
        "SELECT v.sha256, 'version', v.document, v.name, v.number, c.id, c.name FROM document_version v "
        f"LEFT JOIN client c ON c.id = v.client WHERE v.sha256 IN {them} UNION ALL "
        "SELECT a.blob, 'approval', a.request, a.name, NULL, c.id, c.name FROM approval_document a "
        f"LEFT JOIN client c ON c.id = a.client WHERE a.blob IN {them} UNION ALL {other}",
        *hashes,
    )


async def figures() -> dict[str, Any]:
    """total, good, wrong and new files, and `oldest`: when the one that waits longest was looked at, None when some never was."""
    rows = await engine.raw(
        "SELECT count(*) AS total, coalesce(sum(CASE WHEN state = 'good' THEN 1 ELSE 0 END), 0) AS good, "
        "coalesce(sum(CASE WHEN state IN ('broken', 'missing') THEN 1 ELSE 0 END), 0) AS wrong, "
        "coalesce(sum(CASE WHEN state = 'new' THEN 1 ELSE 0 END), 0) AS new FROM file_check"
    )
    oldest = await engine.raw("SELECT checked_at FROM file_check ORDER BY checked_at LIMIT 1")
    at = oldest[0]["checked_at"] if oldest else None
    return rows[0] | {"oldest": None if at is None or at == NEVER else at}


async def wrong() -> int:
    """How many files are damaged or gone; cheap."""
    rows = await engine.raw("SELECT count(*) AS n FROM file_check WHERE state IN ('broken', 'missing')")
    return int(rows[0]["n"])


async def tell_of_broken(now: dt.datetime) -> int:
    """A mail to each administrator about files that were not told of before, some minutes after the first was found and at most
    one a day: a disk that dies takes many. How many files it is about."""
    first = await engine.raw(
        "SELECT 1 AS one FROM file_check WHERE told_at IS NULL AND state IN ('broken', 'missing') AND broken_since < $1 LIMIT 1",
        now - GATHER,
    )
    if not first or await engine.raw("SELECT 1 AS one FROM file_check WHERE told_at > $1 LIMIT 1", now - A_DAY):
        return 0
    return await engine.run_writing(_tell)


async def _tell() -> int:
    rows = await engine.raw(
        "UPDATE file_check SET told_at = $1 WHERE told_at IS NULL AND state IN ('broken', 'missing') RETURNING hash",
        utcnow(),
    )
    if not rows:
        return 0
    names = list(
        dict.fromkeys(
            one["name"] for one in await uses_of([row["hash"] for row in rows[:_NAMED]]) if one["kind"] != "other"
        )
    )
    people = await engine.raw(
        "SELECT id FROM users WHERE kind = 'staff' AND role = 'administrator' AND state = 'active' AND email <> ''"
    )
    for person in people:
        await ask(Kind.BROKEN_FILES, None, person=person["id"], count=len(rows), names=names[:_NAMED])
    return len(rows)


# by hand


async def start_checking(*, by: Viewer) -> Task:
    """All files, now, or only those that are known to be wrong when there are any."""
    by.require(Permission.MANAGE_SETTINGS)
    return await start("check_files", None, by=by, wrong=bool(await wrong()))


@work("check_files")
async def check_files(task: Task, progress: Progress) -> dict[str, Any]:
    """Repeatable: what was looked at since the task was asked for is not looked at again."""
    await know_all()
    which = "state IN ('broken', 'missing')" if task.asked.get("wrong") else "checked_at < $1"
    total = int(
        (await engine.raw(f"SELECT count(*) AS n FROM file_check WHERE {which} AND checked_at < $1", task.created_at))[
            0
        ]["n"]
    )
    done, last = 0, 0
    while True:
        rows = await engine.raw(
            f"SELECT id, hash FROM file_check WHERE {which} AND checked_at < $1 AND id > $2 ORDER BY id LIMIT 200",
            task.created_at, last,
        )  # fmt: skip
        for row in rows:
            await check(row["hash"])
            done += 1
            await progress.report(done, total)
        if not rows:
            break
        last = rows[-1]["id"]
    bad = await wrong()
    return {
        "checked": done,
        **Say("{n} bestanden nagekeken; {m} zijn beschadigd of ontbreken.", n=done, m=bad).as_json(),
    }


async def mend(file: Path) -> tuple[str, str]:
    """Put the bytes of a file back in their place: its SHA-256, and what it is now (good), or '' when no record refers to it
    and it was not kept."""
    sha256 = await asyncio.to_thread(_hash_of, file)
    if not is_sha256(sha256) or not await referenced([sha256]):
        return sha256, ""
    async with storage().receive() as incoming:
        with file.open("rb") as source:
            while chunk := await asyncio.to_thread(source.read, 1 << 20):
                await incoming.write(chunk)
        await incoming.keep()
    return sha256, await check(sha256)


def _hash_of(file: Path) -> str:
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
