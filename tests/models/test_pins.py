"""PINs: made with their letter, one alive for each person, used up, blocked, replaced; and nobody reads one again."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from models import engine
from models.pins import Pin, Prepared, mark_posted, mark_printed, mark_returned, prepare, store
from models.settings import utcnow
from models.viewer import Viewer
from tests.cast import Cast

DAY = dt.date(2026, 12, 1)


async def issue(person: int, *, by: Viewer, kind: str = "pin", letter: int = 7) -> Prepared:
    made = (await prepare([person], kind))[0]
    await engine.run_writing(lambda: store([made], {person: letter}, by_person=by.user.id))
    return made


async def pins_of(person: int) -> list[dict[str, Any]]:
    return await engine.raw("SELECT * FROM pin WHERE person = $1 ORDER BY id", person)


async def test_a_pin_goes_from_made_to_posted(cast: Cast) -> None:
    made = await issue(cast.rik.user.id, by=cast.anna)
    states = [(await pins_of(cast.rik.user.id))[0]["state"]]
    await engine.run_writing(lambda: mark_printed([7]))
    states.append((await pins_of(cast.rik.user.id))[0]["state"])
    await engine.run_writing(lambda: mark_posted([7], 3, DAY))

    pin = (await pins_of(cast.rik.user.id))[0]
    assert [*states, pin["state"]] == ["made", "printed", "posted"]
    assert (pin["batch"], pin["posted_on"]) == (3, DAY)
    assert made.clear[0].isdecimal() and len(made.clear[0]) == 6
    assert made.clear[0] not in repr(made) and made.clear[0] not in pin["secret_hash"]


async def test_a_new_pin_kills_the_old_one(cast: Cast) -> None:
    await issue(cast.rik.user.id, by=cast.anna)
    await issue(cast.rik.user.id, by=cast.anna, letter=8)

    old, new = await pins_of(cast.rik.user.id)
    assert (old["state"], old["secret_hash"], old["ended_by"]) == ("replaced", "", cast.anna.user.id)
    assert (new["state"], new["letter"]) == ("made", 8)


async def test_of_each_kind_one_lives(cast: Cast) -> None:
    await issue(cast.rik.user.id, by=cast.anna)
    await issue(cast.rik.user.id, by=cast.anna, kind="codes")

    assert [(pin["kind"], pin["state"]) for pin in await pins_of(cast.rik.user.id)] == [
        ("pin", "made"),
        ("codes", "made"),
    ]
    with pytest.raises(Exception) as error:
        await engine.raw("INSERT INTO pin (person, kind, state, secret_hash, key, wrong, asked, made_at) "
                         "VALUES ($1, 'pin', 'posted', '', '', 0, 0, $2)", cast.rik.user.id, utcnow())  # fmt: skip
    assert engine.is_unique_violation(error.value) or engine.is_check_violation(error.value)


async def test_a_letter_that_came_back_works_no_more(cast: Cast) -> None:
    await issue(cast.rik.user.id, by=cast.anna)
    await engine.run_writing(lambda: mark_posted([7], 3, DAY))
    returned = await engine.run_writing(lambda: mark_returned([7], by_person=cast.anna.user.id))

    pin = (await pins_of(cast.rik.user.id))[0]
    assert returned == 1
    assert (pin["state"], pin["secret_hash"]) == ("returned", "")


STATES = ("made", "printed", "posted", "confirmed", "blocked", "replaced", "returned")
LEGAL = {
    ("made", "printed"), ("made", "confirmed"), ("made", "blocked"), ("made", "replaced"), ("made", "returned"),
    ("printed", "posted"), ("printed", "confirmed"), ("printed", "blocked"), ("printed", "replaced"), ("printed", "returned"),
    ("posted", "confirmed"), ("posted", "blocked"), ("posted", "replaced"), ("posted", "returned"),
    ("confirmed", "blocked"), ("confirmed", "replaced"), ("blocked", "replaced"),
}  # fmt: skip


async def test_the_database_takes_only_legal_moves(cast: Cast) -> None:
    now, taken = utcnow(), set()
    for was in STATES:
        for becomes in STATES:
            if was == becomes:
                continue
            async with engine.writing():
                pin = Pin(
                    person=cast.rik.user.id, kind="pin", state=was, key="", made_at=now, posted_on=DAY,
                    confirmed_at=now, blocked_at=now, ended_at=now,
                )  # fmt: skip
                await pin.save()
                try:
                    async with engine.all_or_nothing():
                        await engine.raw("UPDATE pin SET state = $1 WHERE id = $2", becomes, pin.id)
                    taken.add((was, becomes))
                except Exception as error:
                    assert "deze stap van een pincode bestaat niet" in str(error)
                await engine.raw("DELETE FROM pin")

    assert taken == LEGAL
