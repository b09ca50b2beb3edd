"""The PIN letters of the sample office: one batch that was printed and posted, and what became of its letters. The PINs are made as real
ones are, and what they were is thrown away at once: nobody can approve with them, and whoever wants to gets a fresh letter."""

from __future__ import annotations

import datetime as dt
import hashlib
import json

from models import engine, pins
from models.letters import choosing
from models.letters.choosing import Choice, Recipient
from models.letters.records import LetterBatch, LetterTemplate
from models.letters.templates import content_of
from models.pins import hashing
from models.sample.enterprises import Enterprise
from models.viewer import Viewer

# What becomes of the letters of people who are in, and of who was only invited, by turn: never more than twelve PINs, for each is made dear.
_IN = ("confirmed", "blocked", "confirmed", "confirmed", "confirmed", "posted")
_OUT = ("posted", "returned", "posted", "posted", "posted", "posted")
_POSTED, _USED, _BLOCKED, _RETURNED = -15, -9, -4, -6  # days


async def make(made: list[Enterprise], people: dict[str, int], office: Viewer, now: dt.datetime) -> None:
    """In the unit that makes the sample office, after its people have their rights. The cast gets none: who tries the portal as one
    of them asks for a letter himself."""
    fates = await _fates(made, people)
    known = await choosing.among(office, "pin", fates)
    letters = sorted(known.values(), key=lambda one: (one.order, one.name, one.person))
    template = await LetterTemplate.objects().where(LetterTemplate.kind == "pin").order_by(LetterTemplate.id).first()
    if not letters or template is None:
        return
    batch = await _batch(template, len(letters), list(known), office, now)
    ids = await _letters(batch, letters, fates, now)
    await _pins(batch, ids, fates, int(office.user.id), now)


async def _fates(made: list[Enterprise], people: dict[str, int]) -> dict[int, str]:
    """person > the state of his PIN; who is only prepared has none yet. Where nobody has a password, nobody is in, and none was used."""
    rows = await engine.raw("SELECT id, state FROM users WHERE is_sample = $1 AND state IN ('active', 'invited')", True)
    state_of = {row["id"]: row["state"] for row in rows}
    first = [people[one.people[0].email] for one in made if one.people and not one.is_cast]
    inside = [one for one in first if state_of.get(one) == "active"]
    invited = [one for one in first if state_of.get(one) == "invited"]
    return dict(zip(invited, _OUT, strict=False)) | dict(zip(inside, _IN, strict=False))


def _day(now: dt.datetime, days: int) -> dt.datetime:
    return now + dt.timedelta(days=days)


async def _batch(
    template: LetterTemplate, count: int, people: list[int], office: Viewer, now: dt.datetime
) -> LetterBatch:
    ready = _day(now, _POSTED - 1)
    batch = LetterBatch(
        template_name=template.name, kind="pin", content=json.dumps(content_of(template), ensure_ascii=False),
        chosen=Choice("lacking").as_json(), state="posted", dated_on=ready.date(), made_by=office.user.id, made_at=ready,
        letters=count, pages=count, sha256=hashlib.sha256(f"voorbeeld {people}".encode()).hexdigest(), size=9_400 + 2_150 * count,
        ready_at=ready, gone_at=ready + dt.timedelta(hours=1), downloads=1, downloaded_at=ready + dt.timedelta(minutes=20),
        printed_at=ready + dt.timedelta(hours=1), printed_by=office.user.id, posted_on=_day(now, _POSTED).date(), is_sample=True,
    )  # fmt: skip
    await batch.save()
    return batch


async def _letters(
    batch: LetterBatch, letters: list[Recipient], fates: dict[int, str], now: dt.datetime
) -> dict[int, int]:
    """person > letter."""
    back = _day(now, _RETURNED)
    await engine.copy_rows(
        "letter",
        ("batch", "person", "client", "kind", "state", "page", "recipient", "address", "place", "language", "was_prepared", "dropped_why",
         "returned_at", "returned_by"),
        [
            (
                batch.id, one.person, one.client, "pin", "returned" if fates[one.person] == "returned" else "posted", page, one.name[:400],
                json.dumps(one.lines, ensure_ascii=False), one.order[:1000], one.language, False, "",
                *((back, batch.made_by) if fates[one.person] == "returned" else (None, None)),
            )
            for page, one in enumerate(letters, 1)
        ],
    )  # fmt: skip
    rows = await engine.raw("SELECT id, person FROM letter WHERE batch = $1", batch.id)
    return {row["person"]: row["id"] for row in rows}


async def _pins(batch: LetterBatch, letters: dict[int, int], fates: dict[int, str], by: int, now: dt.datetime) -> None:
    prepared = {one.person: one.hashed[0] for one in await pins.prepare(list(letters))}
    columns = (
        "person", "kind", "state", "secret_hash", "key", "wrong", "asked", "letter", "batch", "made_at", "made_by", "printed_at", "posted_on",
        "tried_at", "confirmed_at", "used_at", "blocked_at", "ended_at", "ended_by",
    )  # fmt: skip
    used, blocked, back = _day(now, _USED), _day(now, _BLOCKED), _day(now, _RETURNED)
    rows = []
    for person, letter in letters.items():
        state = fates[person]
        was_used = used if state in ("confirmed", "blocked") else None
        rows.append(
            (
                person, "pin", state, "" if state == "returned" else prepared[person], hashing.fingerprint(),
                pins.TRIES if state == "blocked" else 0, 0, letter, batch.id, batch.ready_at, by, batch.printed_at, batch.posted_on,
                blocked if state == "blocked" else was_used, was_used, was_used, blocked if state == "blocked" else None,
                *((back, by) if state == "returned" else (None, None)),
            )
        )  # fmt: skip
    await engine.copy_rows("pin", columns, rows)
