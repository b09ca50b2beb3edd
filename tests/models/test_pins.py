"""PINs: made with their letter, one alive for each person, used up, blocked, replaced; and nobody reads one again."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from models import engine
from models.accounts import User
from models.asked import asked_of
from models.core import Forbidden, Missing
from models.pins import (
    Pin,
    PinCode,
    Prepared,
    lists,
    mark_posted,
    mark_printed,
    mark_returned,
    prepare,
    reissuing,
    store,
)
from models.settings import utcnow
from models.viewer import Permission, Viewer, permissions_of
from tests.cast import Cast, as_viewer

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


# the office


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[int], str]]:
    """Instead of letters: for whom they were asked."""
    asked: list[tuple[list[int], str]] = []

    async def maker(people: Any, kind: str, by: Viewer) -> str:
        asked.append((list(people), kind))
        return "/letters/1"

    monkeypatch.setattr(reissuing, "_makers", [maker])
    return asked


async def test_reissuing_ends_the_old_one_at_once_and_asks_a_letter(cast: Cast, made: list[Any]) -> None:
    await issue(cast.rik.user.id, by=cast.anna)
    found = cast.anna.users.where(User.id == cast.rik.user.id)
    done = await engine.run_writing(lambda: reissuing.reissue(found, "pin", by=cast.anna))

    pin = (await pins_of(cast.rik.user.id))[0]
    assert done == (1, 0, "/letters/1") and made == [([cast.rik.user.id], "pin")]
    assert (pin["state"], pin["ended_by"]) == ("replaced", cast.anna.user.id)
    told = await engine.raw("SELECT person, record_id, detail FROM trail WHERE operation = 'Pin.reissue'")
    assert [(line["person"], line["record_id"]) for line in told] == [(cast.anna.user.id, cast.rik.user.id)]
    assert cast.rik.user.display_name in told[0]["detail"]


async def test_only_who_may_print_pins_touches_or_sees_them(cast: Cast, made: list[Any]) -> None:
    await issue(cast.rik.user.id, by=cast.anna)
    found = cast.ed.users.where(User.id == cast.rik.user.id)
    for act in (reissuing.reissue, reissuing.block, reissuing.return_mail):
        with pytest.raises(Forbidden):
            await engine.run_writing(lambda act=act: act(found, "pin", by=cast.ed))  # type: ignore[misc]

    assert made == []
    assert await cast.ed.scope(Pin).count() == 0 and await cast.sam.scope(Pin).count() == 0
    assert await cast.anna.scope(Pin).count() == 1 and await cast.rik.scope(Pin).count() == 1
    assert Permission.PRINT_PINS in permissions_of("employee", "pins:act")
    for role, given in (
        ("employee", ""),
        ("employee", "mail:view"),
        ("office_administrator", ""),
        ("office_administrator", "pins:act"),
    ):
        assert Permission.PRINT_PINS not in permissions_of(role, given)


async def test_who_reaches_clients_that_the_colleague_does_not_see_is_passed_over(cast: Cast, made: list[Any]) -> None:
    await engine.raw(
        "UPDATE users SET permissions = 'pins:act', all_clients = $2 WHERE id = $1", cast.ed.user.id, False
    )
    await engine.raw("DELETE FROM reach WHERE person = $1 AND client <> $2", cast.ed.user.id, cast.bakkerij)
    ed = await as_viewer(cast.ed.user.email)
    both = ed.users.where(User.id.is_in([cast.rik.user.id, cast.fem.user.id]))
    done = await engine.run_writing(lambda: reissuing.reissue(both, "pin", by=ed))

    assert made == [([cast.fem.user.id], "pin")]  # rik is also of Jansen Beheer
    assert (done.done, done.passed) == (1, 1)


async def test_blocking_and_mail_that_came_back(cast: Cast, made: list[Any]) -> None:
    await issue(cast.rik.user.id, by=cast.anna)
    await issue(cast.sam.user.id, by=cast.anna, letter=8)
    everybody = cast.anna.users.where(User.kind == "client")
    returned = await engine.run_writing(
        lambda: reissuing.return_mail(cast.anna.users.where(User.id == cast.sam.user.id), "pin", by=cast.anna)
    )
    blocked = await engine.run_writing(lambda: reissuing.block(everybody, "pin", by=cast.anna))

    assert returned.done == 1 and blocked.done == 1
    assert (await pins_of(cast.sam.user.id))[0]["state"] == "returned"
    assert (await pins_of(cast.rik.user.id))[0]["state"] == "blocked"
    assert [one.count for one in await asked_of(cast.anna, everybody=True) if one.key == "pins"] == [1]
    assert not [one for one in await asked_of(cast.ed, everybody=True) if one.key == "pins"]


async def test_the_list_tells_who_has_which_and_who_lacks_one(cast: Cast) -> None:
    await issue(cast.rik.user.id, by=cast.anna)
    await engine.run_writing(lambda: mark_posted([7], 3, DAY))
    rows = await lists.page(cast.anna, lists.Filter(), 1, 50)
    lacking = await lists.page(cast.anna, lists.Filter(state="none"), 1, 50)
    counts = await lists.counts(cast.anna, "pin")
    codes = await lists.counts(cast.anna, "codes")

    assert [(row["id"], row["state"], row["batch"]) for row in rows] == [(cast.rik.user.id, "posted", 3)]
    assert "Bakkerij Jansen B.V." in rows[0]["clients"]
    names = {row["id"] for row in lacking}
    assert (
        cast.sam.user.id in names and cast.rik.user.id not in names and cast.fem.user.id not in names
    )  # fem approves nothing
    assert counts["posted"] == 1 and counts["none"] == len(lacking) == codes["none"] - 1
    assert await lists.count(cast.anna, lists.Filter(state="posted", q="rik")) == 1
    assert await lists.count(cast.anna, lists.Filter(state="blocked")) == 0


async def test_nothing_in_clear_is_in_the_database(cast: Cast) -> None:
    made = [await issue(cast.rik.user.id, by=cast.anna), await issue(cast.rik.user.id, by=cast.anna, kind="codes")]
    tables = ("pin", "pin_code", "trail", "errand")
    text = str([await engine.raw(f"SELECT * FROM {table}") for table in tables])

    assert not [code for one in made for code in one.clear if code in text and not code.isdecimal()]
    assert made[0].clear[0] not in str(await engine.raw("SELECT detail FROM trail"))
    assert await PinCode.count() == 24


async def test_a_used_code_stays_used(cast: Cast) -> None:
    await issue(cast.rik.user.id, by=cast.anna, kind="codes")
    await engine.raw("UPDATE pin_code SET used_at = $1, code_hash = '' WHERE number = 3", utcnow())
    with pytest.raises(Exception, match="gebruikte code"):
        await engine.raw("UPDATE pin_code SET used_at = NULL, code_hash = 'x' WHERE number = 3")


async def test_strangers_find_no_pin(cast: Cast) -> None:
    await issue(cast.rik.user.id, by=cast.anna)
    pin = (await pins_of(cast.rik.user.id))[0]
    for stranger in (cast.sam, cast.ed):
        with pytest.raises(Missing):
            await stranger.scope(Pin).get(pin["id"])
