"""One chain over the records of proof of all requests, so that the end of a request's record cannot be cut off unseen.

A request's own record is chained by itself (approvals.record), which shows what was changed, taken out or put in between, and not
what was taken off its end. So within seconds the worker gives every record a place in one chain over all of them, with the link

    SHA-256 of the UTF-8 text  [place, "previous link", id of the record, "its link"]   as JSON without spaces

and now and then writes on the trail how far that chain is: the trail is chained too, and anchored by mail. The first previous
link is 64 zeros. What the sample office invented has no place: it goes when the sample goes.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import Any

from models import engine
from models.approvals.record import BEGIN
from models.audit import Trail
from models.settings import utcnow

TOLD = "ApprovalRecord.chain"  # the operation of the lines on the trail
_BATCH = 2_000
_LOOK_BACK = 20_000  # ids: a record that was committed after later ones is still found; `chain_all` looks at all
_TELL = dt.timedelta(minutes=10)
_REAL = "NOT EXISTS (SELECT 1 FROM client c WHERE c.id = r.client AND c.is_sample)"


def link_of(place: int, previous: str, record: int, link: str) -> str:
    text = json.dumps([place, previous, record, link], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


async def chain(now: dt.datetime | None = None) -> int:
    """Give every committed record that has no place yet the next one; how many. Safe from two workers: one of them waits."""
    placed = 0
    while await _loose(1, _LOOK_BACK):  # looked at first: a unit of writing makes others wait
        placed += await engine.run_writing(lambda: _chain_some(_LOOK_BACK))
    await tell_when_due(now or utcnow())
    return placed


async def chain_all() -> int:
    """As `chain`, over all records: also those put in with an id of long ago."""
    placed = await chain()
    while await _loose(1, None):
        placed += await engine.run_writing(lambda: _chain_some(None))
    return placed


async def _chain_some(look_back: int | None) -> int:
    last = await _last()
    place, link = (last["place"], last["link"]) if last else (0, BEGIN)
    fresh = []
    for row in await _loose(_BATCH, look_back):
        place += 1
        link = link_of(place, link, row["id"], row["link"])
        fresh.append((place, row["id"], link))
    if fresh:
        await engine.copy_rows("proof_place", ("place", "record", "link"), fresh)
    return len(fresh)


async def _loose(most: int, look_back: int | None) -> list[dict[str, Any]]:
    reach = ""
    if look_back is not None:
        reach = f"r.id > coalesce((SELECT max(record) FROM proof_place), 0) - {int(look_back)} AND"
    return await engine.raw(
        f"SELECT r.id, r.link FROM approval_record r WHERE {reach} NOT EXISTS (SELECT 1 FROM proof_place p WHERE p.record = r.id) "
        f"AND {_REAL} ORDER BY r.id LIMIT {int(most)}"
    )


async def _last() -> dict[str, Any] | None:
    rows = await engine.raw("SELECT place, link FROM proof_place ORDER BY place DESC LIMIT 1")
    return rows[0] if rows else None


async def tell_when_due(now: dt.datetime) -> bool:
    """Write on the trail how far the chain is, when it grew and the last time was a while ago."""
    last = await _last()
    if last is None or not await _is_due(last["place"], now):
        return False
    return await engine.run_writing(lambda: _tell(now))


async def _is_due(place: int, now: dt.datetime) -> bool:
    told = await engine.raw(
        "SELECT place, told_at FROM proof_place WHERE told_at IS NOT NULL ORDER BY place DESC LIMIT 1"
    )
    return not told or (told[0]["place"] < place and told[0]["told_at"] < now - _TELL)


async def _tell(now: dt.datetime) -> bool:
    last = await _last()
    if last is None or not await _is_due(last["place"], now):
        return False
    await engine.raw("UPDATE proof_place SET told_at = $2 WHERE place = $1", last["place"], now)
    await Trail.write_of(TOLD, "ProofPlace", None, None, {"place": last["place"], "link": last["link"]})
    return True
