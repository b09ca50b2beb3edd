"""One chain over the records of proof of all requests, so that the end of a request's record cannot be cut off unseen.

A request's own record is chained by itself (approvals.record), which shows what was changed, taken out or put in between, and not
what was taken off its end. So within seconds the worker gives every record a place in one chain over all of them, with the link

    SHA-256 of the UTF-8 text  [place, "previous link", id of the record, "its link"]   as JSON without spaces

and writes on the trail how far that chain is: in the same round after every act that decides something, and every ten minutes after
acts that are only followed (LIGHT). The trail is chained too, and anchored by mail. So what is cut off the end of both goes unseen
for some seconds, and of a page that was looked at for ten minutes; who cuts off the trail along with it is found by the anchor that
was mailed last, or by the last place that `verify-approvals` printed (`--anchor`). The first previous link is 64 zeros. What the sample office invented has no place: it goes when the sample goes.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
from typing import Any

from models import engine
from models.approvals.record import BEGIN
from models.audit import Trail
from models.settings import utcnow

TOLD = "ApprovalRecord.chain"  # the operation of the lines on the trail
_BATCH = 5_000
_LOOK_BACK = 2_000  # ids: a record that was committed after later ones is still found; `chain_all` looks at all
_TELL = dt.timedelta(minutes=10)
LIGHT = ("opened", "page_seen", "mail_handed_over", "reminded", "asked")  # acts that decide nothing


def link_of(place: int, previous: str, record: int, link: str) -> str:
    # As JSON of numbers and hexadecimals is written.
    return hashlib.sha256(f'[{place},"{previous}",{record},"{link}"]'.encode()).hexdigest()


async def chain(now: dt.datetime | None = None) -> int:
    """Give every committed record that has no place yet the next one; how many. Safe from two workers: one of them waits."""
    last = (await engine.raw("SELECT max(record) AS record FROM proof_place"))[0]["record"] or 0
    placed = await _chain_from(last - _LOOK_BACK)
    await tell_when_due(now or utcnow())
    return placed


async def chain_all() -> int:
    """As `chain`, over all records: also those put in with an id of long ago."""
    placed = await _chain_from(0)
    await tell_when_due(utcnow())
    return placed


async def _chain_from(start: int) -> int:
    placed = 0
    while rows := await engine.raw("SELECT id FROM approval_record WHERE id > $1 ORDER BY id LIMIT $2", start, _BATCH):
        first, last = rows[0]["id"], rows[-1]["id"]
        if await _loose(first, last):  # looked at first: a unit of writing makes others wait
            placed += await engine.run_writing(functools.partial(_chain_some, first, last))
        start = last
    return placed


async def _chain_some(first: int, last: int) -> int:
    end = await _last()
    place, link = (end["place"], end["link"]) if end else (0, BEGIN)
    fresh = []
    for row in await _loose(first, last):
        place += 1
        link = link_of(place, link, row["id"], row["link"])
        fresh.append((place, row["id"], link))
    if fresh:
        await engine.copy_rows("proof_place", ("place", "record", "link"), fresh)
    return len(fresh)


async def _loose(first: int, last: int) -> list[dict[str, Any]]:
    """Those without a place among the records of these ids. Told apart here: as one statement it took Postgres minutes for what
    was just written, of which it has no statistics."""
    rows = await engine.raw(
        "SELECT r.id, r.link FROM approval_record r JOIN client c ON c.id = r.client WHERE r.id BETWEEN $1 AND $2 AND NOT c.is_sample ORDER BY r.id",
        first, last,
    )  # fmt: skip
    there = await engine.raw("SELECT record FROM proof_place WHERE record BETWEEN $1 AND $2", first, last)
    placed = {row["record"] for row in there}
    return [row for row in rows if row["id"] not in placed]


async def _last() -> dict[str, Any] | None:
    rows = await engine.raw("SELECT place, link FROM proof_place ORDER BY place DESC LIMIT 1")
    return rows[0] if rows else None


async def tell_when_due(now: dt.datetime) -> bool:
    """Write on the trail how far the chain is, when it grew by an act that decides, or the last time was a while ago."""
    last = await _last()
    if last is None or not await _is_due(last["place"], now):
        return False
    return await engine.run_writing(lambda: _tell(now))


async def _is_due(place: int, now: dt.datetime) -> bool:
    told = await engine.raw(
        "SELECT place, told_at FROM proof_place WHERE told_at IS NOT NULL ORDER BY place DESC LIMIT 1"
    )
    if not told or told[0]["place"] >= place:
        return not told
    return bool(told[0]["told_at"] < now - _TELL or await _has_decisive(told[0]["place"]))


async def _has_decisive(place: int) -> bool:
    light = ", ".join(f"'{act}'" for act in LIGHT)
    return bool(
        await engine.raw(
            f"SELECT 1 AS one FROM proof_place p JOIN approval_record r ON r.id = p.record WHERE p.place > $1 AND r.act NOT IN ({light}) LIMIT 1",
            place,
        )
    )


async def _tell(now: dt.datetime) -> bool:
    last = await _last()
    if last is None or not await _is_due(last["place"], now):
        return False
    await engine.raw("UPDATE proof_place SET told_at = $2 WHERE place = $1", last["place"], now)
    await Trail.write_of(TOLD, "ProofPlace", None, None, {"place": last["place"], "link": last["link"]})
    return True
