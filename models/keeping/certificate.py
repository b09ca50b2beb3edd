"""The certificate of destruction: what is in it, the digest by which it is known, and whether it is still as it was.

The digest is the SHA-256 of the certificate as text: one JSON list for the whole (`canonical`), then one for every line, in
the order of their numbers, each ended by a line feed. It stands on the trail, which is a chain; and in the next certificate.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

from models import engine
from models.audit import Trail
from models.core import Say
from models.keeping.records import Destruction

_PAGE = 1_000
_WHOLE = (
    "id", "kind", "as_of", "made_at", "made_by", "made_name", "reason", "confirmed_by", "confirmed_name", "confirmed_at",
    "finished_at", "destroyed", "destroyed_size", "dropped", "spared", "previous",
)  # fmt: skip
LINE = (
    "id", "document", "client", "client_label", "place", "name", "why", "class_name", "ground", "anchor", "anchor_on", "months",
    "margin", "until_on", "book_year", "size", "state", "said", "versions", "destroyed_at",
)  # fmt: skip


async def lines_of(destruction: Destruction) -> AsyncIterator[dict[str, Any]]:
    """Every line, in the order of their numbers, some hundreds in memory at a time."""
    last = 0
    while True:
        rows = await engine.raw(
            f"SELECT {', '.join(LINE)} FROM destruction_item WHERE destruction = $1 AND id > $2 ORDER BY id LIMIT $3",
            destruction.id, last, _PAGE,
        )  # fmt: skip
        for row in rows:
            yield row
        if len(rows) < _PAGE:
            return
        last = rows[-1]["id"]


async def digest_of(destruction: Destruction) -> str:
    """64 hexadecimal characters, computed from what stands in the database now."""
    hashed = hashlib.sha256(canonical([getattr(destruction, name) for name in _WHOLE]))
    async for row in lines_of(destruction):
        hashed.update(canonical([row[name] for name in LINE]))
    return hashed.hexdigest()


def canonical(values: list[Any]) -> bytes:
    return json.dumps([_plain(value) for value in values], ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat(timespec="microseconds")
    return value.isoformat() if isinstance(value, dt.date) else value


async def note(destruction: Destruction) -> None:
    """On the trail, which seals it."""
    detail = {
        "digest": destruction.digest, "count": destruction.destroyed, "size": destruction.destroyed_size,
        "reason": destruction.reason[:200], "confirmed_by": destruction.confirmed_by,
    }  # fmt: skip
    await Trail.write("Destruction.certify", destruction, detail=detail)


async def verdict(destruction: Destruction) -> Say | None:
    """None when the certificate is as it was made; else what is wrong with it."""
    if await digest_of(destruction) != destruction.digest:
        return Say("De regels van deze verklaring zijn niet meer zoals ze waren toen zij werd opgemaakt.")
    rows = await engine.raw(
        "SELECT detail FROM trail WHERE operation = 'Destruction.certify' AND record_id = $1 ORDER BY id",
        destruction.id,
    )
    if [json.loads(row["detail"]).get("digest") for row in rows] != [destruction.digest]:
        return Say("In het logboek staat een ander kenmerk dan in deze verklaring.")
    return None


async def groups_of(destruction: Destruction) -> list[dict[str, Any]]:
    """Per client, class and book year: client, client_label, class_id, class_name, why, book_year, until_on, documents, size,
    spared, destroyed, dropped. At most 2,000."""
    rows = await engine.raw(
        "SELECT client, max(client_label) AS client_label, class_id, max(class_name) AS class_name, max(why) AS why, book_year, "
        "max(until_on) AS until_on, count(*) AS documents, sum(CASE WHEN state = 'spared' THEN 0 ELSE size END) AS size, "
        "sum(CASE WHEN state = 'spared' THEN 1 ELSE 0 END) AS spared, sum(CASE WHEN state = 'destroyed' THEN 1 ELSE 0 END) AS destroyed, "
        "sum(CASE WHEN state = 'dropped' THEN 1 ELSE 0 END) AS dropped FROM destruction_item WHERE destruction = $1 "
        "GROUP BY client, class_id, book_year ORDER BY client_label, class_name, book_year LIMIT 2000",
        destruction.id,
    )
    return [row | {"until_on": engine.as_day(row["until_on"])} for row in rows]


async def page_of(
    destruction: Destruction, limit: int, offset: int, **where: int | None
) -> tuple[list[dict[str, Any]], int]:
    """Lines and how many there are in all; `where` may narrow to a client, class_id and book_year (0: those without)."""
    asked, args = "destruction = $1", [destruction.id]
    for name, value in where.items():
        if value is not None:
            args.append(value)
            asked += f" AND coalesce({name}, 0) = ${len(args)}"
    total = int((await engine.raw(f"SELECT count(*) AS n FROM destruction_item WHERE {asked}", *args))[0]["n"])
    rows = await engine.raw(
        f"SELECT {', '.join(LINE)} FROM destruction_item WHERE {asked} ORDER BY client_label, class_name, book_year, place, id "
        f"LIMIT {int(limit)} OFFSET {int(offset)}",
        *args,
    )
    for row in rows:
        row["versions"] = json.loads(row["versions"])
        row["until_on"], row["anchor_on"], row["destroyed_at"] = (
            engine.as_day(row["until_on"]),
            engine.as_day(row["anchor_on"]),
            engine.as_moment(row["destroyed_at"]),
        )
    return rows, total
