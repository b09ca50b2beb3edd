"""Activation codes on paper: one lives, for one person, once; and nobody learns it from a copy of the database."""

from __future__ import annotations

import datetime as dt
import math

import pytest

from models import config, engine
from models.accounts import Link, User, codes
from models.core import Gone, Refused, save
from models.outbox import Errand
from models.rollout import Opening, counted, prepare_opening
from models.settings import Firm, utcnow
from models.signing_in import use_link
from tests.cast import Cast
from tests.models.test_openings import everybody_prepared, start, undo

HASHED = "$argon2id$for-the-test"


async def prepared_rik(cast: Cast) -> User:
    await everybody_prepared()
    rik = await User.objects().where(User.id == cast.rik.user.id).first()
    assert rik is not None
    await save(rik, password="", activated_at=None)
    return rik


async def code_for(cast: Cast, person: User) -> str:
    code, _ = await engine.run_writing(lambda: codes.make_code(person, by=cast.anna))
    return code


async def works(code: str) -> bool:
    try:
        await codes.open_code(code)
    except Gone:
        return False
    return True


def test_a_code_is_long_enough_and_easy_to_copy() -> None:
    code = codes.new_code()

    assert len(code) * math.log2(len(codes.ALPHABET)) > 50
    assert not set("01ILOU") & set(codes.ALPHABET)
    assert codes.typed(f" {codes.written(code).lower()} ".replace("-", " – ")) == code


async def test_who_has_a_code_comes_in_and_chooses_his_address(cast: Cast) -> None:
    rik = await prepared_rik(cast)
    await engine.run_writing(lambda: rik.change_email("", by=cast.anna))
    code = await code_for(cast, rik)

    person = await engine.run_writing(lambda: codes.use_code(code, "rik@nieuw.example", HASHED))

    now = await User.objects().where(User.id == rik.id).first()
    assert now is not None
    assert (now.state, now.email, now.password, person.id) == ("active", "rik@nieuw.example", HASHED, rik.id)
    assert not await works(code)


async def test_an_address_of_somebody_else_is_refused_and_the_code_lives(cast: Cast) -> None:
    rik = await prepared_rik(cast)
    code = await code_for(cast, rik)

    for wrong in ("sam@garage-smit.example", "", "geen adres"):
        with pytest.raises(Refused) as refused:
            await engine.run_writing(lambda wrong=wrong: codes.use_code(code, wrong, HASHED))
        assert refused.value.field == "email"

    assert await works(code)


async def test_a_new_code_kills_the_old(cast: Cast) -> None:
    rik = await prepared_rik(cast)
    first = await code_for(cast, rik)
    second = await code_for(cast, rik)

    assert (await works(first), await works(second)) == (False, True)


async def test_blocking_kills_it_and_letting_in_revives_it(cast: Cast) -> None:
    rik = await prepared_rik(cast)
    code = await code_for(cast, rik)

    await engine.run_writing(lambda: rik.block(by=cast.anna))
    blocked = await works(code)
    await engine.run_writing(lambda: rik.unblock(by=cast.anna))

    assert (blocked, await works(code), rik.state) == (False, True, "invited")


async def test_another_address_leaves_the_code_alone(cast: Cast) -> None:
    rik = await prepared_rik(cast)
    code = await code_for(cast, rik)

    await engine.run_writing(lambda: rik.change_email("rik@elders.example", by=cast.anna))

    assert await works(code)
    assert rik.state == "invited"


async def test_it_ends_with_its_time(cast: Cast) -> None:
    rik = await prepared_rik(cast)
    code = await code_for(cast, rik)
    found, _ = await codes.open_code(code)
    assert found.expires_at - found.created_at == dt.timedelta(days=(await Firm.load()).invitation_days)

    await save(found, expires_at=utcnow() - dt.timedelta(seconds=1))

    assert not await works(code)


async def test_who_comes_in_by_mail_needs_no_code_any_more(cast: Cast) -> None:
    from models.core import digest

    rik = await prepared_rik(cast)
    code = await code_for(cast, rik)
    await engine.run_writing(lambda: rik.invite(by=cast.anna))
    link = await Link.objects().where(Link.person == rik.id).first()
    assert link is not None
    await save(link, token_hash=digest("token"))

    assert await works(code)
    await engine.run_writing(lambda: use_link("token", HASHED))

    assert not await works(code)


async def test_the_database_holds_no_code(cast: Cast) -> None:
    rik = await prepared_rik(cast)
    code = await code_for(cast, rik)

    rows = await engine.raw("SELECT * FROM activation_code")
    trail = await engine.raw("SELECT * FROM trail")
    assert code not in repr(rows) and codes.written(code) not in repr(rows) + repr(trail)
    assert [row["sealed"] for row in rows] == [""]


async def test_a_code_outlives_a_change_of_the_key(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    rik = await prepared_rik(cast)
    code = await code_for(cast, rik)

    old = ",".join(config.settings().secret_keys)
    monkeypatch.setenv("SECRET_KEY", f"another-key-that-is-long-enough-to-be-one,{old}")
    config.reset()
    try:
        assert await works(code)
    finally:
        monkeypatch.undo()
        config.reset()


# many at once


async def on_paper(cast: Cast, **more: object) -> Opening:
    people = cast.anna.users.where(User.kind == "client")
    return await engine.run_writing(
        lambda: prepare_opening(people, by=cast.anna, selection={}, way="paper", **more)  # type: ignore[arg-type]
    )


async def test_an_opening_on_paper_mails_nobody_and_needs_no_address(cast: Cast) -> None:
    rik = await prepared_rik(cast)
    await engine.run_writing(lambda: rik.change_email("", by=cast.anna))
    opening = await on_paper(cast)

    await start(opening, cast.anna)

    assert not await Errand.exists()
    assert not await Link.exists()
    made = await codes.ActivationCode.objects().where(codes.ActivationCode.opening == opening.id)
    assert len(made) == opening.people
    assert rik.id in {one.person for one in made}
    assert await codes.waiting(opening.id) == opening.people


async def test_codes_are_printed_once(cast: Cast) -> None:
    await everybody_prepared()
    opening = await on_paper(cast)
    await start(opening, cast.anna)
    with pytest.raises(Refused):  # it can still be undone
        await engine.run_writing(lambda: opening.print_codes(by=cast.anna))
    await save(opening, sends_at=utcnow() - dt.timedelta(seconds=1))

    slips = await engine.run_writing(lambda: opening.print_codes(by=cast.anna))

    assert len({slip["code"] for slip in slips}) == opening.people
    assert all([await works(slip["code"]) for slip in slips])
    assert await codes.waiting(opening.id) == 0
    with pytest.raises(Refused):
        await engine.run_writing(lambda: opening.print_codes(by=cast.anna))


async def test_undoing_gives_everything_back_also_the_code_one_had(cast: Cast) -> None:
    rik = await prepared_rik(cast)
    mine = await code_for(cast, rik)
    before = await engine.raw("SELECT id, state, invited_at FROM users ORDER BY id")
    opening = await on_paper(cast, again=True)
    await start(opening, cast.anna)
    assert not await works(mine)

    outcome = await undo(opening, cast.anna)

    assert (outcome.withdrawn, outcome.sent) == (opening.people, 0)
    assert await engine.raw("SELECT id, state, invited_at FROM users ORDER BY id") == before
    assert await works(mine)
    assert (await counted(opening, utcnow()))["withdrawn"] == opening.people


async def test_who_has_a_code_already_is_left_out_unless_asked(cast: Cast) -> None:
    rik = await prepared_rik(cast)
    await code_for(cast, rik)

    opening = await on_paper(cast)
    rows = await engine.raw("SELECT because FROM opening_person WHERE opening = $1 AND person = $2", opening.id, rik.id)
    assert rows[0]["because"] == "has_code"
    await engine.run_writing(lambda: opening.choose(again=True, only_ready=False, by=cast.anna))
    rows = await engine.raw("SELECT because FROM opening_person WHERE opening = $1 AND person = $2", opening.id, rik.id)
    assert rows[0]["because"] == ""


@pytest.mark.parametrize("way", ["mail", "paper"])
async def test_each_opening_has_its_own_validity(cast: Cast, way: str) -> None:
    await everybody_prepared()
    people = cast.anna.users.where(User.kind == "client")
    opening = await engine.run_writing(lambda: prepare_opening(people, by=cast.anna, selection={}, way=way))

    await engine.run_writing(lambda: opening.choose(again=False, only_ready=False, days=7, by=cast.anna))
    await start(opening, cast.anna)

    table = "link" if way == "mail" else "activation_code"
    rows = await engine.raw(f"SELECT DISTINCT expires_at FROM {table} WHERE opening = $1", opening.id)
    found = rows[0]["expires_at"]
    found = dt.datetime.fromisoformat(found) if isinstance(found, str) else found
    assert found - opening.sends_at == dt.timedelta(days=7)
    assert (await Firm.load()).invitation_days != 7


@pytest.mark.parametrize("days", [0, -1, 366])
async def test_a_validity_of_nonsense_is_refused(cast: Cast, days: int) -> None:
    await everybody_prepared()
    opening = await on_paper(cast)

    with pytest.raises(Refused) as refused:
        await engine.run_writing(lambda: opening.choose(again=False, only_ready=False, days=days, by=cast.anna))

    assert refused.value.field == "days"
