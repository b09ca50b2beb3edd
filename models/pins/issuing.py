"""Making PINs and lists of codes, with the letters in which they are printed; and what becomes of those letters.

Only re-issuing exists: nobody reads a PIN again. The earlier one dies in the unit that keeps the new one.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import secrets
from collections.abc import Sequence
from typing import NamedTuple

from models import engine
from models.accounts.blocking import listed
from models.live import touch
from models.pins import hashing
from models.pins.records import LIVING, USABLE
from models.settings import utcnow

_AT_ONCE = 40  # people in one thread's hands
LIVES = f"state IN {LIVING}"
WORKS = f"state IN {USABLE}"


class Prepared(NamedTuple):
    """For one person: the secrets in clear, for his letter alone, and as the database keeps them. Of a list in the order of its
    numbers, from 1."""

    person: int
    kind: str
    clear: tuple[str, ...]
    hashed: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Prepared(person={self.person}, kind={self.kind!r})"  # what is in clear reaches no log


async def prepare(people: Sequence[int], kind: str = "pin") -> list[Prepared]:
    """Fresh secrets for these people, in their order. Outside every unit: it takes about 10 ms of a core for each."""
    parts = [people[at : at + _AT_ONCE] for at in range(0, len(people), _AT_ONCE)]
    made = await asyncio.gather(
        *(hashing.in_thread(lambda part=part: [_prepared(one, kind) for one in part]) for part in parts)  # type: ignore[misc]
    )
    return [one for part in made for one in part]


def _prepared(person: int, kind: str) -> Prepared:
    if kind == "pin":
        pin = hashing.new_pin()
        return Prepared(person, kind, (pin,), (hashing.make(pin, kind, person),))
    codes = tuple(hashing.new_code() for _ in range(hashing.CODES))
    return Prepared(
        person, kind, codes, tuple(hashing.make(code, kind, person, n) for n, code in enumerate(codes, 1))
    )  # fmt: skip


async def store(prepared: Sequence[Prepared], letters: dict[int, int], *, by_person: int) -> None:
    """Keep them, in the unit that keeps their letters; what these people had of the kind before has died.

    `letters`: person > the letter it stands in. The kinds may differ; of one kind each person comes once.
    """
    now, key = utcnow(), hashing.fingerprint()
    for kind in sorted({one.kind for one in prepared}):
        mine = [one for one in prepared if one.kind == kind]
        people = [one.person for one in mine]
        await end(people, kind, by_person=by_person)
        await engine.copy_rows(
            "pin",
            ("person", "kind", "state", "secret_hash", "key", "wrong", "asked", "letter", "made_at", "made_by"),
            [
                (one.person, kind, "made", one.hashed[0] if kind == "pin" else "", key, 0, _first_asked(one),
                 letters.get(one.person), now, by_person)
                for one in mine
            ],
        )  # fmt: skip
        if kind == "codes":
            await _keep_codes(mine)
        await note_each("Pin.issue", people, kind, by_person)
        await touch("pins", *(f"user-{person}" for person in people[:50]))


def _first_asked(one: Prepared) -> int:
    return secrets.randbelow(len(one.clear)) + 1 if one.kind == "codes" else 0


async def _keep_codes(lists: Sequence[Prepared]) -> None:
    rows = await engine.raw(
        f"SELECT id, person FROM pin WHERE kind = 'codes' AND {LIVES} AND person IN {listed(1)}",
        json.dumps([one.person for one in lists]),
    )
    ids = {row["person"]: row["id"] for row in rows}
    await engine.copy_rows(
        "pin_code",
        ("pin", "number", "code_hash"),
        [(ids[one.person], number, hashed) for one in lists for number, hashed in enumerate(one.hashed, 1)],
    )


async def end(people: Sequence[int], kind: str, *, by_person: int | None, note: str = "") -> list[int]:
    """What these people have of the kind works no more, from now on; whose there was. With `note` each has it on his trail."""
    now = utcnow()
    rows = await engine.raw(
        f"UPDATE pin SET state = 'replaced', ended_at = $1, ended_by = $2, secret_hash = '' "
        f"WHERE kind = $3 AND {LIVES} AND person IN {listed(4)} RETURNING id, person",
        now, by_person, kind, json.dumps(list(people)),
    )  # fmt: skip
    await _forget_codes([row["id"] for row in rows])
    whose = [row["person"] for row in rows]
    if note:
        await note_each(note, whose, kind, by_person)
    return whose


async def _forget_codes(pins: Sequence[int]) -> None:
    if pins:
        await engine.raw(
            f"UPDATE pin_code SET code_hash = '' WHERE code_hash <> '' AND pin IN {listed(1)}", json.dumps(list(pins))
        )


async def mark_printed(letter_ids: Sequence[int]) -> int:
    """These letters have come out of the printer; of how many PINs."""
    rows = await engine.raw(
        f"UPDATE pin SET printed_at = coalesce(printed_at, $1), state = CASE WHEN state = 'made' THEN 'printed' ELSE state END "
        f"WHERE {LIVES} AND letter IN {listed(2)} RETURNING id",
        utcnow(), json.dumps(list(letter_ids)),
    )  # fmt: skip
    await touch("pins")
    return len(rows)


async def mark_posted(letter_ids: Sequence[int], batch: int, day: dt.date) -> int:
    """These letters were posted, with this batch, on this day; of how many PINs. What was used already stays confirmed."""
    await mark_printed(letter_ids)
    rows = await engine.raw(
        f"UPDATE pin SET batch = $1, posted_on = $2, state = CASE WHEN state = 'printed' THEN 'posted' ELSE state END "
        f"WHERE {LIVES} AND letter IN {listed(3)} RETURNING id",
        batch, day, json.dumps(list(letter_ids)),
    )  # fmt: skip
    return len(rows)


async def mark_returned(letter_ids: Sequence[int], *, by_person: int) -> int:
    """The mail came back: what stood in these letters works no more; of how many PINs. What was used had arrived after all."""
    rows = await engine.raw(
        f"SELECT id FROM pin WHERE state IN ('made', 'printed', 'posted') AND letter IN {listed(1)}",
        json.dumps(list(letter_ids)),
    )
    return await return_pins([row["id"] for row in rows], by_person=by_person)


async def return_pins(pins: Sequence[int], *, by_person: int) -> int:
    """As `mark_returned`, of PINs by their own number."""
    now = utcnow()
    rows = await engine.raw(
        "UPDATE pin SET state = 'returned', ended_at = $1, ended_by = $2, secret_hash = '' "
        f"WHERE state IN ('made', 'printed', 'posted') AND id IN {listed(3)} RETURNING id, person, kind",
        now, by_person, json.dumps(list(pins)),
    )  # fmt: skip
    await _forget_codes([row["id"] for row in rows])
    for kind in sorted({row["kind"] for row in rows}):
        await note_each("Pin.return", [row["person"] for row in rows if row["kind"] == kind], kind, by_person)
    await touch("pins", *(f"user-{row['person']}" for row in rows[:50]))
    return len(rows)


async def note_each(operation: str, people: Sequence[int], kind: str, by_person: int | None) -> None:
    """A line on the trail of each, by his name."""
    if not people:
        return
    moment, detail = (
        ("TEXT", "json_object('kind', $4, 'name', full_name)")
        if engine.is_sqlite()
        else ("TIMESTAMPTZ", "CAST(jsonb_build_object('kind', CAST($4 AS TEXT), 'name', full_name) AS TEXT)")
    )
    await engine.raw(
        "INSERT INTO trail (at, person, operation, record_table, record_id, client, detail) "
        f"SELECT CAST($1 AS {moment}), CAST($2 AS INTEGER), CAST($3 AS VARCHAR), 'User', id, CAST(NULL AS INTEGER), {detail} "
        f"FROM users WHERE id IN {listed(5)}",
        utcnow(), by_person, operation, kind, json.dumps(list(people)),
    )  # fmt: skip
