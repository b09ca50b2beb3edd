"""Signing in: links that work once, throttles that harm nobody, factors, drafts and the set-up."""

from __future__ import annotations

import datetime as dt
import json
import time
from typing import Any

import pyotp
import pytest

from models import engine, factors, passwords, signing_in, throttling
from models.accounts import Draft, Link, RecoveryCode, Session, User
from models.core import Forbidden, Gone, Refused, digest, save
from models.outbox import Errand
from models.settings import Firm, utcnow
from tests.cast import Cast, as_viewer

NEW = "argon2-hash-of-a-new-password"


async def linked(user: User, kind: str = "password") -> tuple[Link, str]:
    """A link as the worker leaves it: its token known to the mail only."""
    link, token = await signing_in.new_link(user, kind), f"token-{time.monotonic_ns()}"
    await save(link, token_hash=digest(token))
    return link, token


async def fresh(user: User) -> User:
    found = await User.objects().get(User.id == user.id)
    assert found is not None
    return found


# links


async def test_a_link_works_once(cast: Cast) -> None:
    _, token = await linked(cast.rik.user)

    user = await signing_in.use_link(token, NEW)

    assert (user.id, (await fresh(user)).password) == (cast.rik.user.id, NEW)
    with pytest.raises(Gone, match="al gebruikt"):
        await signing_in.use_link(token, NEW)


async def test_only_the_hash_of_a_link_is_kept(cast: Cast) -> None:
    _, token = await linked(cast.rik.user)

    rows = await engine.raw("SELECT * FROM link")
    rows += await engine.raw("SELECT * FROM errand")

    assert token not in str(rows)


async def test_looking_at_a_link_does_not_use_it_up(cast: Cast) -> None:
    _, token = await linked(cast.rik.user)

    for _ in range(3):
        link, user = await signing_in.open_link(token)
        await signing_in.note_opened(link.id)

    assert (await signing_in.use_link(token, NEW)).id == user.id


@pytest.mark.parametrize("token", ["", "onzin", "token-0' OR 1=1"])
async def test_a_made_up_link_is_nothing(cast: Cast, token: str) -> None:
    with pytest.raises(Gone):
        await signing_in.open_link(token)


async def test_a_link_dies_when_the_address_changes(cast: Cast) -> None:
    _, token = await linked(cast.rik.user)

    await save(cast.rik.user, email="rik@elders.example", email_key="rik@elders.example")

    with pytest.raises(Gone, match="vervangen"):
        await signing_in.open_link(token)


async def test_a_link_dies_when_its_time_is_over(cast: Cast) -> None:
    link, token = await linked(cast.rik.user)

    await save(link, expires_at=utcnow() - dt.timedelta(seconds=1))

    with pytest.raises(Gone, match="verlopen"):
        await signing_in.open_link(token)


@pytest.mark.parametrize("state", ["prepared", "blocked"])
async def test_a_link_opens_nothing_for_who_may_not_come_in(cast: Cast, state: str) -> None:
    _, token = await linked(cast.rik.user)

    await save(cast.rik.user, state=state)

    with pytest.raises(Gone):
        await signing_in.use_link(token, NEW)


async def test_a_new_invitation_replaces_the_earlier_one(cast: Cast) -> None:
    await save(cast.sam.user, state="invited", password="")
    _, first = await linked(cast.sam.user, "invitation")
    _, second = await linked(cast.sam.user, "invitation")

    with pytest.raises(Gone, match="vervangen"):
        await signing_in.open_link(first)
    user = await signing_in.use_link(second, NEW)

    assert (await fresh(user)).state == "active"
    assert (await fresh(user)).activated_at is not None


async def test_a_stranger_who_asks_for_a_link_does_not_kill_the_one_somebody_received(cast: Cast) -> None:
    _, received = await linked(cast.rik.user)

    await signing_in.ask_new_password(cast.rik.user.email)

    assert (await signing_in.use_link(received, NEW)).id == cast.rik.user.id


async def test_using_a_link_ends_the_others_and_every_session(cast: Cast) -> None:
    _, other = await linked(cast.rik.user)
    _, token = await linked(cast.rik.user)
    session, _ = await signing_in.begin_session(cast.rik.user, half=False, address="", agent="")

    await signing_in.use_link(token, NEW)

    with pytest.raises(Gone):
        await signing_in.open_link(other)
    found = await signing_in.find_session(session)
    assert found is not None
    assert found.ended


async def test_an_invitation_lasts_as_long_as_the_office_says(cast: Cast) -> None:
    await Firm.update({Firm.invitation_days: 7}, force=True)

    link = await signing_in.new_link(cast.sam.user, "invitation")

    assert link.expires_at - link.created_at == dt.timedelta(days=7)


# asking for a new password


async def asked(email: str) -> list[dict[str, Any]]:
    before = await Link.count()
    await signing_in.ask_new_password(email)
    rows = await Link.select().order_by(Link.id, ascending=False).limit(await Link.count() - before)
    return rows if await Link.count() > before else []


async def test_who_forgot_his_password_gets_a_link(cast: Cast) -> None:
    (link,) = await asked("  RIK@bakkerij-jansen.example ")

    assert (link["kind"], link["person"]) == ("password", cast.rik.user.id)
    assert await Errand.exists().where((Errand.kind == "password") & (Errand.subject_id == link["id"]))


async def test_who_never_activated_gets_a_fresh_invitation_that_counts_for_the_same_opening(cast: Cast) -> None:
    await save(cast.sam.user, state="invited", password="")
    first = await signing_in.new_link(cast.sam.user, "invitation", opening=7)
    await save(first, created_at=utcnow() - dt.timedelta(days=2))

    (link,) = await asked(cast.sam.user.email)

    assert (link["kind"], link["opening"]) == ("invitation", 7)


@pytest.mark.parametrize("state", ["prepared", "blocked"])
async def test_who_may_not_come_in_gets_nothing(cast: Cast, state: str) -> None:
    await save(cast.sam.user, state=state)

    assert await asked(cast.sam.user.email) == []


async def test_nobody_gets_nothing(cast: Cast) -> None:
    assert await asked("niemand@nergens.example") == []
    assert await asked("") == []


async def test_a_mailbox_is_not_flooded_whoever_asks(cast: Cast) -> None:
    counts = [len(await asked(cast.rik.user.email)) for _ in range(6)]

    assert counts == [1, 1, 1, 0, 0, 0]


# passwords


async def test_nobodys_password_costs_as_much_to_check_as_somebodys(database: str) -> None:
    somebodys = await passwords.hash_password("kaas is van melk")

    assert passwords._NOBODYS.split("$")[:4] == somebodys.split("$")[:4]
    assert await passwords.verify("kaas is van melk", somebodys)
    assert not await passwords.verify("kaas is van melk", "")
    assert not await passwords.verify("nobody has this password", "")


@pytest.mark.parametrize(
    "password",
    [
        "kaas is van melk",
        "ÜñïçØdé-zin!",
        "correct horse battery",
        "x7$kQ!9vLm2#",
        "a" * 5 + " lange zin met spaties " * 5,
    ],
)
def test_any_password_that_is_long_enough_will_do(password: str) -> None:
    passwords.check(password, "rik@bakkerij-jansen.example", "Jansen", "Rik")


@pytest.mark.parametrize(
    "password",
    [
        "",
        "kort",
        "elf tekens!",
        "wachtwoord123",
        "Welkom2026!!",
        "123456789012",
        "aaaaaaaaaaaa",
        "abcdefghijkl",
        "qwertyuiop123",
        "jansenjansen",
        "x" * 257,
    ],
)
def test_what_strangers_try_first_is_refused(password: str) -> None:
    with pytest.raises(Refused) as refused:
        passwords.check(password, "rik@bakkerij-jansen.example", "Jansen", "Rik")

    assert refused.value.field == "password"


# throttles


async def tries(n: int, email: str, address: str, device: str = "") -> list[bool]:
    return [await throttling.count_try(throttling.of_sign_in(email, address, device)) for _ in range(n)]


async def test_a_guesser_is_stopped_for_a_while(database: str) -> None:
    assert await tries(9, "rik@a.example", "10.0.0.1") == [True] * 8 + [False]


async def test_writing_the_address_otherwise_gives_no_new_tries(database: str) -> None:
    await tries(8, "rik@a.example", "10.0.0.1")

    assert await tries(1, " RIK@A.example", "10.0.0.1") == [False]


async def test_many_addresses_together_are_stopped_too(database: str) -> None:
    outcomes = [(await tries(1, "rik@a.example", f"10.0.0.{n}"))[0] for n in range(70)]

    assert outcomes == [True] * 60 + [False] * 10


async def test_one_address_does_not_try_everybody(database: str) -> None:
    outcomes = [(await tries(1, f"user{n}@a.example", "10.0.0.1"))[0] for n in range(45)]

    assert outcomes == [True] * 40 + [False] * 5


async def test_strangers_do_not_lock_somebody_out_of_his_own_device(database: str) -> None:
    for n in range(70):
        await tries(1, "rik@a.example", f"10.0.0.{n}")
    await tries(60, "anders@a.example", "192.168.1.1")

    assert await tries(1, "rik@a.example", "192.168.1.1", device="seal") == [True]


async def test_a_known_device_is_no_free_pass(database: str) -> None:
    assert await tries(11, "rik@a.example", "10.0.0.1", device="seal") == [True] * 10 + [False]


async def test_a_right_try_is_given_back(database: str) -> None:
    limits = throttling.of_sign_in("rik@a.example", "10.0.0.1")
    for _ in range(100):
        assert await throttling.count_try(limits)
        await throttling.give_back(limits)


async def test_the_measure_is_new_after_a_quarter_of_an_hour(database: str) -> None:
    await tries(9, "rik@a.example", "10.0.0.1")
    await throttling.Throttle.update(
        {throttling.Throttle.since: utcnow() - throttling.WINDOW - dt.timedelta(seconds=1)}, force=True
    )

    assert await tries(1, "rik@a.example", "10.0.0.1") == [True]


async def test_the_counts_name_nobody(database: str) -> None:
    await tries(1, "rik@a.example", "10.0.0.1")

    rows = str(await engine.raw("SELECT * FROM throttle"))
    assert "rik" not in rows
    assert "10.0.0.1" not in rows


# second factor


async def armed(cast: Cast) -> tuple[User, str, list[str]]:
    secret = factors.new_secret()
    codes = await cast.ed.user.set_authenticator(secret, pyotp.TOTP(secret).now(), by=cast.ed)
    return await fresh(cast.ed.user), secret, codes


async def test_a_code_of_the_authenticator_works_once(cast: Cast) -> None:
    user, secret, _ = await armed(cast)
    await save(user, totp_step=0)
    code, stale = pyotp.TOTP(secret).now(), await fresh(user)

    assert await user.takes_code(code)

    assert not await user.takes_code(code)
    assert not await stale.takes_code(code), "also for a request that read the person before"


async def test_the_code_that_set_the_authenticator_signs_nobody_in(cast: Cast) -> None:
    user, secret, _ = await armed(cast)

    assert not await user.takes_code(pyotp.TOTP(secret).now())


async def test_a_recovery_code_works_once_however_it_is_written(cast: Cast) -> None:
    user, _, codes = await armed(cast)

    assert await user.takes_code(f" {codes[0].upper().replace('-', ' ')} ")

    assert not await user.takes_code(codes[0])
    assert await user.recovery_codes_left() == 9


async def test_somebody_elses_recovery_code_is_worth_nothing(cast: Cast) -> None:
    _, _, codes = await armed(cast)

    assert not await cast.anna.user.takes_code(codes[0])


async def test_secrets_are_not_readable_in_the_database(cast: Cast) -> None:
    user, secret, codes = await armed(cast)

    rows = str(await engine.raw("SELECT * FROM users")) + str(await engine.raw("SELECT * FROM recovery_code"))
    assert secret not in rows
    assert codes[0] not in rows
    assert factors.recovery_digest(codes[0]) in rows
    assert user.totp_secret in rows


async def test_a_wrong_first_code_sets_nothing(cast: Cast) -> None:
    with pytest.raises(Refused) as refused:
        await cast.ed.user.set_authenticator(factors.new_secret(), "000000", by=cast.ed)

    assert refused.value.field == "code"
    assert (await fresh(cast.ed.user)).totp_secret == ""
    assert not await RecoveryCode.exists()


async def test_nobody_sets_somebody_elses_authenticator(cast: Cast) -> None:
    with pytest.raises(Forbidden):
        await cast.ed.user.remove_authenticator(by=cast.anna)


async def test_what_the_office_demands_cannot_be_turned_off(cast: Cast) -> None:
    await armed(cast)
    await Firm.update({Firm.second_factor: "staff"}, force=True)

    with pytest.raises(Refused):
        await cast.ed.user.remove_authenticator(by=cast.ed)

    await Firm.update({Firm.second_factor: "nobody"}, force=True)
    await cast.ed.user.remove_authenticator(by=cast.ed)
    assert (await fresh(cast.ed.user)).totp_secret == ""


async def told(user: User) -> list[str]:
    rows = (
        await Errand.select(Errand.detail)
        .where((Errand.kind == "account_notice") & (Errand.person == user.id))
        .order_by(Errand.id)
    )
    return [json.loads(row["detail"])["what"] for row in rows]


async def test_one_hears_of_every_change_to_ones_way_in(cast: Cast) -> None:
    await armed(cast)
    await cast.ed.user.renew_recovery_codes(by=cast.ed)
    await cast.ed.user.remove_authenticator(by=cast.ed)
    await cast.ed.user.set_password(NEW, by=cast.ed)
    _, token = await linked(cast.ed.user)
    await signing_in.use_link(token, NEW)

    assert await told(cast.ed.user) == ["factor_on", "codes", "factor_off", "password", "password"]


async def test_who_activates_needs_no_second_mail(cast: Cast) -> None:
    await save(cast.sam.user, state="invited", password="")
    _, token = await linked(cast.sam.user, "invitation")

    await signing_in.use_link(token, NEW)

    assert await told(cast.sam.user) == []


# sessions and drafts


async def test_a_session_is_known_by_its_token_only(cast: Cast) -> None:
    token, session_id = await signing_in.begin_session(cast.rik.user, half=False, address="10.0.0.1", agent="Chrome")

    found = await signing_in.find_session(token)
    assert found is not None
    assert (found.session_id, found.user.id, found.ended, found.half) == (session_id, cast.rik.user.id, False, False)
    assert await signing_in.find_session(token + "x") is None
    assert token not in str(await engine.raw("SELECT * FROM session"))


async def test_blocking_somebody_ends_what_he_does_at_once(cast: Cast) -> None:
    token, _ = await signing_in.begin_session(cast.rik.user, half=False, address="", agent="")

    await save(cast.rik.user, state="blocked")

    found = await signing_in.find_session(token)
    assert found is not None
    assert found.ended


async def test_one_sees_and_ends_ones_own_sessions_only(cast: Cast) -> None:
    await signing_in.begin_session(cast.rik.user, half=False, address="", agent="")
    await signing_in.begin_session(cast.rik.user, half=True, address="", agent="")
    _, theirs = await signing_in.begin_session(cast.sam.user, half=False, address="", agent="")

    assert [session.person for session in await cast.rik.sessions.all()] == [cast.rik.user.id]
    await cast.rik.user.end_other_sessions(by=cast.rik)

    assert await cast.rik.sessions.all() == []
    assert await Session.exists().where((Session.id == theirs) & Session.ended_at.is_null())


async def test_a_draft_comes_back_for_the_same_person_only(cast: Cast) -> None:
    draft = await signing_in.keep_draft(cast.ed.user.id, "/clients", "/clients/new", [("name", "Café"), ("name", "2")])

    assert await signing_in.find_draft(draft, cast.anna.user.id) is None
    assert await signing_in.find_draft(draft, cast.ed.user.id) == (
        "/clients",
        "/clients/new",
        [("name", "Café"), ("name", "2")],
    )
    assert "Café" not in str(await engine.raw("SELECT * FROM draft"))


async def test_a_draft_does_not_last(cast: Cast) -> None:
    draft = await signing_in.keep_draft(cast.ed.user.id, "/clients", "", [])

    await Draft.update({Draft.created_at: utcnow() - dt.timedelta(hours=2)}, force=True)

    assert await signing_in.find_draft(draft, cast.ed.user.id) is None


# the set-up

OFFICE = {
    "firm_name": "De Brug", "place": "Zwolle", "brand": "#1f5c4d", "first_name": "Anna", "prefix": "", "surname": "Bos",
    "email": "anna@kantoor.example", "password_hash": NEW,
}  # fmt: skip


async def test_the_set_up_link_works_once(database: str) -> None:
    token = str(await signing_in.new_setup_link()).rsplit("/", 1)[1]

    user = await signing_in.set_up(token, **OFFICE)

    assert (user.role, user.state, user.all_clients) == ("administrator", "active", True)
    with pytest.raises(Gone):
        await signing_in.set_up(token, **{**OFFICE, "email": "dief@elders.example"})
    assert await signing_in.new_setup_link() is None
    assert await User.count() == 1


async def test_a_new_set_up_link_replaces_the_earlier_one(database: str) -> None:
    first = str(await signing_in.new_setup_link()).rsplit("/", 1)[1]
    second = str(await signing_in.new_setup_link()).rsplit("/", 1)[1]

    with pytest.raises(Gone):
        await signing_in.check_setup(first)
    assert not (await signing_in.check_setup(second)).is_set_up
    assert second not in str(await engine.raw("SELECT * FROM firm"))


async def test_a_set_up_link_does_not_last_for_ever(database: str) -> None:
    token = str(await signing_in.new_setup_link()).rsplit("/", 1)[1]

    await Firm.update({Firm.setup_expires_at: utcnow() - dt.timedelta(seconds=1)}, force=True)

    with pytest.raises(Gone, match="verlopen"):
        await signing_in.check_setup(token)


async def test_the_first_person_sees_everything(database: str) -> None:
    token = str(await signing_in.new_setup_link()).rsplit("/", 1)[1]
    await signing_in.set_up(token, **OFFICE)

    anna = await as_viewer("anna@kantoor.example")

    assert anna.may("manage_settings")
    assert anna.sees_all_clients
