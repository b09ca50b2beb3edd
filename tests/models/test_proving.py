"""Who approves proves that it is he: counted before it is judged, blocked after five, and never by what he signed in with."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import sys
from pathlib import Path

import pyotp
import pytest

from models import config, engine, throttling, tidying
from models.accounts import Throttle, User
from models.accounts.vouching import counts_from
from models.core import Forbidden, Say
from models.pins import NotProved, Proof, mark_posted, means_of, prove, proving, reissuing, standing, ways
from models.secret_box import encrypt
from models.settings import utcnow
from models.signing_in import begin_session
from models.viewer import Viewer
from tests.approving import offered
from tests.cast import Cast, as_viewer
from tests.models.test_pins import DAY, issue, pins_of

ROOT = Path(__file__).parents[2]


def other_than(pin: str) -> str:
    return f"{(int(pin) + 1) % 10**6:06}"


async def signed_in(viewer: Viewer, how: str = "password", factor: str = "") -> Viewer:
    """The same person in a session of his own that came in so."""
    _, session = await engine.run_writing(
        lambda: begin_session(viewer.user, half=False, address="127.0.0.1", agent="Chrome", how=how, factor=factor)
    )
    again = await as_viewer(viewer.user.email)
    again.session_id = session
    return again


async def with_authenticator(viewer: Viewer) -> str:
    secret = pyotp.random_base32()
    await User.update({User.totp_secret: encrypt(secret)}).where(User.id == viewer.user.id)
    return secret


async def forget_throttle() -> None:
    await Throttle.delete(force=True)


async def lines(operation: str) -> int:
    return int((await engine.raw("SELECT count(*) AS n FROM trail WHERE operation = $1", operation))[0]["n"])


async def test_the_first_right_pin_confirms_the_letter(cast: Cast) -> None:
    made = await issue(cast.rik.user.id, by=cast.anna)
    await engine.run_writing(lambda: mark_posted([7], 3, DAY))
    first = await prove(cast.rik, "pin", "pin", f"{made.clear[0][:3]} {made.clear[0][3:]}")
    second = await prove(cast.rik, "pin", "pin", made.clear[0])

    pin = (await pins_of(cast.rik.user.id))[0]
    assert isinstance(first, Proof) and isinstance(second, Proof)
    assert (first.level, first.method) == ("pin", "pin") and (first.is_first, second.is_first) == (True, False)
    assert pin["state"] == "confirmed" and pin["confirmed_at"] < pin["used_at"] and pin["wrong"] == 0
    assert await lines("Pin.confirm") == 1


async def test_five_wrong_ones_block_it_and_only_a_new_letter_helps(cast: Cast) -> None:
    made = await issue(cast.rik.user.id, by=cast.anna)
    wrong = [await prove(cast.rik, "pin", "pin", other_than(made.clear[0])) for _ in range(5)]
    right = await prove(cast.rik, "pin", "pin", made.clear[0])
    fresh = await issue(cast.rik.user.id, by=cast.anna)
    again = await prove(cast.rik, "pin", "pin", fresh.clear[0])

    assert [one.left for one in wrong if isinstance(one, NotProved)] == [4, 3, 2, 1, 0]
    assert isinstance(right, NotProved) and "geblokkeerd na vijf" in str(right.why)
    assert isinstance(again, Proof)
    assert [pin["state"] for pin in await pins_of(cast.rik.user.id)] == ["replaced", "confirmed"]
    assert [row["detail"] for row in await engine.raw("SELECT detail FROM errand WHERE kind = 'account_notice'")][-1:]
    assert await lines("Pin.wrong") == 5 and await lines("Pin.block_itself") == 1


async def test_a_right_one_lets_the_count_begin_anew(cast: Cast) -> None:
    made = await issue(cast.rik.user.id, by=cast.anna)
    for _ in range(3):
        for _ in range(4):
            assert isinstance(await prove(cast.rik, "pin", "pin", other_than(made.clear[0])), NotProved)
        assert isinstance(await prove(cast.rik, "pin", "pin", made.clear[0]), Proof)

    assert (await pins_of(cast.rik.user.id))[0]["wrong"] == 0


async def test_what_cannot_be_a_pin_costs_no_try(cast: Cast) -> None:
    await issue(cast.rik.user.id, by=cast.anna)
    outcomes = [await prove(cast.rik, "pin", "pin", typed) for typed in ("", "12345", "1234567", "abcdef", "٣٤٥٦٧٨")]

    assert all(isinstance(one, NotProved) and one.left == 5 for one in outcomes)
    assert (await pins_of(cast.rik.user.id))[0]["wrong"] == 0


async def test_guesses_are_throttled_over_new_letters_too(cast: Cast) -> None:
    for _ in range(2):
        made = await issue(cast.rik.user.id, by=cast.anna)
        for _ in range(5):
            await prove(cast.rik, "pin", "pin", other_than(made.clear[0]))
    made = await issue(cast.rik.user.id, by=cast.anna)
    slowed = await prove(cast.rik, "pin", "pin", made.clear[0])

    assert isinstance(slowed, NotProved) and "kwartier" in str(slowed.why)
    assert (await pins_of(cast.rik.user.id))[-1]["wrong"] == 0  # not judged, and not counted


async def test_nobody_blocks_the_pin_of_somebody_else(cast: Cast) -> None:
    made = await issue(cast.rik.user.id, by=cast.anna)
    looking = Viewer(cast.rik.user, list(cast.rik.grants.values()), view_as=cast.anna.user)
    with pytest.raises(Forbidden):
        await prove(looking, "pin", "pin", other_than(made.clear[0]))
    for _ in range(6):
        assert isinstance(await prove(cast.sam, "pin", "pin", made.clear[0]), NotProved)

    assert (await pins_of(cast.rik.user.id))[0]["wrong"] == 0
    assert isinstance(await prove(cast.rik, "pin", "pin", made.clear[0]), Proof)


async def test_a_session_that_ended_proves_nothing(cast: Cast) -> None:
    made = await issue(cast.rik.user.id, by=cast.anna)
    rik = await signed_in(cast.rik)
    await engine.raw("UPDATE session SET ended_at = created_at WHERE id = $1", rik.session_id)

    outcome = await prove(rik, "pin", "pin", made.clear[0])

    assert isinstance(outcome, NotProved) and "afgelopen" in str(outcome.why)


async def test_a_pin_copied_to_another_person_fits_nobody(cast: Cast) -> None:
    made = await issue(cast.rik.user.id, by=cast.anna)
    await issue(cast.sam.user.id, by=cast.anna, letter=8)
    rows = await pins_of(cast.rik.user.id)
    await engine.raw("UPDATE pin SET secret_hash = $1 WHERE person = $2", rows[0]["secret_hash"], cast.sam.user.id)

    assert isinstance(await prove(cast.sam, "pin", "pin", made.clear[0]), NotProved)


async def test_the_key_may_be_changed_and_the_pin_moves_along(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = "o" * 40, "n" * 40
    monkeypatch.setenv("SECRET_KEY", old)
    config.reset()
    made = await issue(cast.rik.user.id, by=cast.anna)
    monkeypatch.setenv("SECRET_KEY", f"{new},{old}")
    config.reset()
    both = await prove(cast.rik, "pin", "pin", made.clear[0])
    monkeypatch.setenv("SECRET_KEY", new)
    config.reset()
    moved = await prove(cast.rik, "pin", "pin", made.clear[0])
    monkeypatch.setenv("SECRET_KEY", "x" * 40)
    config.reset()
    lost = await prove(cast.rik, "pin", "pin", made.clear[0])
    monkeypatch.undo()
    config.reset()

    assert isinstance(both, Proof) and isinstance(moved, Proof)
    assert isinstance(lost, NotProved) and "nagekeken" in str(lost.why)
    assert (await pins_of(cast.rik.user.id))[0]["wrong"] == 0


async def test_what_dies_while_it_is_judged_proves_nothing(cast: Cast) -> None:
    """Between counting and clearing lies the hash; meanwhile the office may issue a new one, or block it."""
    made = await issue(cast.rik.user.id, by=cast.anna)
    counted = await engine.run_writing(lambda: proving._count(cast.rik, "pin"))
    assert isinstance(counted, dict)
    await issue(cast.rik.user.id, by=cast.anna, letter=8)
    replaced = await engine.run_writing(lambda: proving._was_right(cast.rik, "pin", counted, ""))
    again = await engine.run_writing(lambda: proving._count(cast.rik, "pin"))
    assert isinstance(again, dict)
    found = cast.anna.users.where(User.id == cast.rik.user.id)
    await engine.run_writing(lambda: reissuing.block(found, "pin", by=cast.anna))
    blocked = await engine.run_writing(lambda: proving._was_right(cast.rik, "pin", again, ""))

    assert isinstance(replaced, NotProved) and "vervangen" in str(replaced.why)
    assert isinstance(blocked, NotProved) and "geblokkeerd na vijf" in str(blocked.why)
    assert isinstance(await prove(cast.rik, "pin", "pin", made.clear[0]), NotProved)


async def test_a_fifth_try_that_was_cut_off_blocks_at_the_next(cast: Cast) -> None:
    """The process died between counting and judging: what was counted stays counted."""
    made = await issue(cast.rik.user.id, by=cast.anna)
    await engine.raw(
        "UPDATE pin SET wrong = 5, tried_at = $1 WHERE person = $2",
        utcnow() - dt.timedelta(minutes=2), cast.rik.user.id,
    )  # fmt: skip

    outcome = await prove(cast.rik, "pin", "pin", made.clear[0])

    assert isinstance(outcome, NotProved) and "geblokkeerd na vijf" in str(outcome.why)
    assert (await pins_of(cast.rik.user.id))[0]["state"] == "blocked"


async def test_who_has_which_means_is_told_of_many_at_once(cast: Cast) -> None:
    await issue(cast.rik.user.id, by=cast.anna)
    await issue(cast.rik.user.id, by=cast.anna, kind="codes")
    await with_authenticator(cast.sam)
    with engine.count_queries() as counter:
        found = await means_of([cast.rik.user.id, cast.sam.user.id, cast.fem.user.id])

    assert found == {cast.rik.user.id: {"pin", "codes"}, cast.sam.user.id: {"totp"}} and counter.n == 1


# the list of codes


async def test_a_code_is_asked_by_its_number_and_works_once(cast: Cast) -> None:
    made = await issue(cast.rik.user.id, by=cast.anna, kind="codes")
    asked = [(await ways(cast.rik, "codes"))[0].number for _ in range(2)]
    wrong = await prove(cast.rik, "codes", "codes", made.clear[asked[0] % 24])  # the next one of the list
    first = await prove(cast.rik, "codes", "codes", made.clear[asked[0] - 1].lower())
    replayed = await prove(cast.rik, "codes", "codes", made.clear[asked[0] - 1])

    assert asked[0] == asked[1] and len(set(made.clear)) == 24
    assert isinstance(wrong, NotProved) and isinstance(replayed, NotProved)
    assert isinstance(first, Proof) and first.method == f"code {asked[0]}" and first.level == "codes"
    assert (await ways(cast.rik, "codes"))[0].number != asked[0]


async def test_one_code_sent_twice_at_once_counts_once(cast: Cast) -> None:
    made = await issue(cast.rik.user.id, by=cast.anna, kind="codes")
    number = (await ways(cast.rik, "codes"))[0].number
    outcomes = await asyncio.gather(
        *(prove(cast.rik, "codes", "codes", made.clear[number - 1]) for _ in range(3)), return_exceptions=True
    )

    assert sum(isinstance(one, Proof) for one in outcomes) == 1


async def test_a_list_tells_when_it_is_nearly_used_up_and_then_ends(cast: Cast) -> None:
    made = await issue(cast.rik.user.id, by=cast.anna, kind="codes")
    few = []
    for _ in range(24):
        way = (await ways(cast.rik, "codes"))[0]
        few.append(way.few)
        assert isinstance(await prove(cast.rik, "codes", "codes", made.clear[way.number - 1]), Proof)

    found = await standing(cast.rik, "codes")
    assert few == [None] * 20 + [4, 3, 2, 1]
    assert found.ways == [] and "gebruikt" in str(found.closed[0].why)


# what he signed in with


async def test_the_least_level_of_the_kind_counts(cast: Cast) -> None:
    made = await issue(cast.rik.user.id, by=cast.anna)

    outcome = await prove(cast.rik, "codes", "pin", made.clear[0])

    assert isinstance(outcome, NotProved) and "ten minste" in str(outcome.why)
    assert [way.method for way in await ways(cast.rik, "codes")] == []
    assert (await pins_of(cast.rik.user.id))[0]["wrong"] == 0


async def test_the_authenticator_counts_once_and_not_where_it_let_him_in(cast: Cast) -> None:
    secret = await with_authenticator(cast.rik)
    by_code, by_password = await signed_in(cast.rik, factor="code"), await signed_in(cast.rik, factor="trusted")
    now = pyotp.TOTP(secret).now()
    refused = await prove(by_code, "pin", "totp", now)
    taken = await prove(by_password, "totp", "totp", now)
    replayed = await prove(by_password, "totp", "totp", now)

    assert isinstance(refused, NotProved) and "iets anders" in str(refused.why)
    assert isinstance(taken, Proof) and (taken.level, taken.method) == ("totp", "totp")
    assert isinstance(replayed, NotProved)
    assert [way.method for way in await ways(by_code, "pin")] == []
    assert [way.method for way in await ways(by_password, "pin")] == ["totp"]


async def test_what_was_made_with_a_password_alone_counts_a_day_later(cast: Cast) -> None:
    by_password = await signed_in(cast.rik)
    secret = pyotp.random_base32()
    await User.update({User.totp_secret: encrypt(secret), User.totp_counts_from: await counts_from(by_password)}).where(
        User.id == cast.rik.user.id
    )
    fresh = await signed_in(cast.rik)
    early = await prove(fresh, "pin", "totp", pyotp.TOTP(secret).now())
    shown = await standing(fresh, "pin")
    await User.update({User.totp_counts_from: utcnow()}).where(User.id == cast.rik.user.id)

    assert isinstance(early, NotProved) and "pas vanaf" in str(early.why)
    assert not shown.ways and [one.method for one in shown.closed] == ["totp"]
    assert isinstance(await prove(await signed_in(cast.rik), "pin", "totp", pyotp.TOTP(secret).now()), Proof)


async def test_a_pin_a_second_means_or_a_new_account_vouch_for_what_is_made(cast: Cast) -> None:
    password, code = await signed_in(cast.sam), await signed_in(cast.sam, factor="code")
    assert await counts_from(password) is not None
    assert await counts_from(code) is None
    made = await issue(cast.sam.user.id, by=cast.anna)
    assert isinstance(await prove(password, "pin", "pin", made.clear[0]), Proof)
    assert await counts_from(password) is None
    assert await counts_from(await signed_in(cast.sam)) is not None, (
        "a PIN that its owner used elsewhere vouches for nobody"
    )
    await User.update({User.activated_at: utcnow()}).where(User.id == cast.rik.user.id)
    assert await counts_from(await signed_in(cast.rik)) is None


async def test_who_has_only_his_passkey_approves_with_it_beside_his_password(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BASE_URL", "http://localhost:8000")
    config.reset()
    await User.update({User.has_passkey: True}).where(User.id == cast.rik.user.id)
    both, by_passkey = await signed_in(cast.rik, factor="passkey"), await signed_in(cast.rik, how="passkey")
    alone = [one.method for one in await ways(both, "pin")]
    without_password = await ways(by_passkey, "pin")
    await issue(cast.rik.user.id, by=cast.anna)
    under_way = [one.method for one in await ways(both, "pin")]
    await engine.raw("UPDATE pin SET state = 'confirmed', confirmed_at = $1, used_at = $1", utcnow())
    with_pin = [one.method for one in await ways(both, "pin")]
    config.reset()

    assert (alone, without_password, with_pin) == (["passkey"], [], ["pin"])
    assert under_way == ["pin", "passkey"], "nobody is locked out by a letter that has not come yet"


async def test_a_recovery_code_is_for_signing_in_alone(cast: Cast) -> None:
    await with_authenticator(cast.rik)
    rik = await as_viewer(cast.rik.user.email)
    codes = await engine.run_writing(rik.user.new_recovery_codes)

    assert isinstance(await prove(rik, "totp", "totp", codes[0]), NotProved)
    assert await rik.user.recovery_codes_left() == 10


async def test_who_came_in_by_passkey_is_told_how_else(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASE_URL", "https://portaal.kantoor.nl")
    config.reset()
    await User.update({User.has_passkey: True}).where(User.id == cast.rik.user.id)
    rik = await signed_in(cast.rik, how="passkey")

    found, other = await standing(rik, "passkey"), await standing(await signed_in(cast.rik), "passkey")
    refused = await prove(rik, "pin", "passkey", "{}", challenge=b"x")
    monkeypatch.undo()
    config.reset()

    assert found.ways == [] and [one.method for one in found.closed] == ["passkey"]
    assert found.advice[0][0] == Say("Meld u af en weer aan met uw wachtwoord: dan telt uw passkey.")
    assert [way.method for way in other.ways] == ["passkey"]
    assert isinstance(refused, NotProved) and "iets anders" in str(refused.why)


# over many processes


async def test_eight_processes_that_guess_at_once_are_judged_five_times_in_all(cast: Cast) -> None:
    """In 8 x 200 guesses; the pin is none of them, or it would be luck."""
    made = await issue(cast.rik.user.id, by=cast.anna)
    while int(made.clear[0]) < 200:
        made = await issue(cast.rik.user.id, by=cast.anna)
    url = engine.engine().url if not engine.is_sqlite() else f"sqlite:///{engine.engine().path}"
    environment = {**os.environ, "DATABASE_URL": url, "PYTHONPATH": str(ROOT)}
    arguments = (sys.executable, "-m", "tests.guessing", str(cast.rik.user.id), "200")
    processes = [
        await asyncio.create_subprocess_exec(*arguments, env=environment, cwd=ROOT, stdout=-1, stderr=-1)
        for _ in range(8)
    ]
    said = [await one.communicate() for one in processes]

    counts = [tuple(map(int, out.split())) for out, _ in said]
    assert len(counts) == 8 and all(len(one) == 2 for one in counts), said
    assert sum(compared for compared, _ in counts) <= 5
    pin = (await pins_of(cast.rik.user.id))[-1]
    assert (pin["state"], pin["wrong"]) == ("blocked", 5), counts
    assert await lines("Pin.wrong") == 5
    assert not await throttling.is_over(
        throttling.of_approving(cast.rik.user.id)
    )  # what was not judged was not counted


async def test_ten_wrong_codes_in_a_row_close_the_app_for_a_day_and_are_told(cast: Cast) -> None:
    secret = await with_authenticator(cast.rik)
    request = await engine.run_writing(lambda: offered(cast, cast.bakkerij))  # waits for Rik, among others
    rik = await signed_in(cast.rik)
    for n in range(9):
        outcome = await prove(rik, "totp", "totp", wrong_code(secret))
        assert isinstance(outcome, NotProved) and "klopt niet" in str(outcome.why)
        if n == 4:
            await tidying.forget_expired()  # counts live on
            await forget_slowing(rik)
    tenth = await prove(rik, "totp", "totp", wrong_code(secret))
    right = await prove(rik, "totp", "totp", pyotp.TOTP(secret).now())

    assert isinstance(tenth, NotProved) and isinstance(right, NotProved)
    assert "Gesloten" in str(tenth.why) and "Gesloten" in str(right.why)
    assert (await lines("Authenticator.wrong"), await lines("Authenticator.close")) == (10, 1)
    details = [row["detail"] for row in await engine.raw("SELECT detail FROM errand WHERE kind = 'account_notice'")]
    assert ["app_closed" in detail for detail in details] == [True]
    told = "SELECT count(*) AS n FROM approval_news WHERE request = $1 AND what = 'blocked'"
    assert (await engine.raw(told, request.id))[0]["n"] > 0
    closed = (await standing(rik, "pin")).closed
    assert [(one.method, "Gesloten" in str(one.why)) for one in closed] == [("totp", True)]

    await engine.raw("UPDATE throttle SET since = $1", utcnow() - dt.timedelta(hours=25))
    assert isinstance(await prove(rik, "totp", "totp", pyotp.TOTP(secret).now()), Proof)


async def test_a_right_code_of_the_app_lets_the_count_begin_anew(cast: Cast) -> None:
    secret = await with_authenticator(cast.rik)
    rik = await signed_in(cast.rik)
    for wrong in (8, 8):
        await forget_slowing(rik)
        for _ in range(wrong):
            await prove(rik, "totp", "totp", wrong_code(secret))
        await User.update({User.totp_step: 0}).where(User.id == rik.user.id)
        assert isinstance(await prove(rik, "totp", "totp", pyotp.TOTP(secret).now()), Proof)

    assert await lines("Authenticator.close") == 0


async def test_wrong_codes_at_once_are_all_counted(cast: Cast) -> None:
    secret = await with_authenticator(cast.rik)
    rik = await signed_in(cast.rik)
    wrong = wrong_code(secret)
    await asyncio.gather(*(prove(rik, "totp", "totp", wrong) for _ in range(14)))

    assert (await lines("Authenticator.wrong"), await lines("Authenticator.close")) == (10, 1)


def wrong_code(secret: str) -> str:
    """One that none of the present windows gives."""
    app, now = pyotp.TOTP(secret), utcnow().timestamp()
    good = {app.at(int(now) + 30 * n) for n in range(-3, 4)}
    return next(code for code in (f"{n:06}" for n in range(100)) if code not in good)


async def forget_slowing(viewer: Viewer) -> None:
    await engine.raw("DELETE FROM throttle WHERE key = $1", throttling.of_approving(viewer.user.id)[0][0])
