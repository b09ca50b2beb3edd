"""Who lost his second factor is helped by two colleagues, hears of it, can stop it, and waits."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from models import engine, lost_factors
from models.accounts import User
from models.core import Forbidden, Gone, Refused
from models.lost_factors import LostFactor, ask_for, ask_for_oneself, open_of, request_of, stop, stop_token
from models.settings import utcnow
from models.viewer import Viewer
from tests.cast import Cast, as_viewer


async def with_factor(viewer: Viewer) -> User:
    await engine.raw("UPDATE users SET totp_secret = 'x' WHERE id = $1", viewer.user.id)
    found = await User.objects().get(User.id == viewer.user.id)
    assert found is not None
    return found


async def under_way(person: User) -> LostFactor:
    found = await open_of(person.id)
    assert found is not None
    return found


async def second_administrator(cast: Cast) -> Viewer:
    await engine.raw("UPDATE users SET role = 'administrator', all_clients = $2 WHERE id = $1", cast.ed.user.id, True)
    return await as_viewer(cast.ed.user.email)


async def has_factor(person: User) -> bool:
    rows = await engine.raw("SELECT totp_secret FROM users WHERE id = $1", person.id)
    return bool(rows[0]["totp_secret"])


async def mails(kind: str) -> list[Any]:
    return await engine.raw("SELECT person, detail FROM errand WHERE kind = $1 ORDER BY id", kind)


async def wait_is_over() -> None:
    await engine.raw(
        "UPDATE lost_factor SET removes_at = $1 WHERE removes_at IS NOT NULL", utcnow() - dt.timedelta(minutes=1)
    )


async def test_two_colleagues_confirm_and_after_the_wait_it_goes(cast: Cast) -> None:
    rik, ed = await with_factor(cast.rik), await second_administrator(cast)
    await ask_for_oneself(rik)
    await ask_for_oneself(rik)
    await (await under_way(rik)).confirm(by=cast.anna)
    with pytest.raises(Refused, match="tweede collega"):
        await (await under_way(rik)).confirm(by=cast.anna)
    await (await under_way(rik)).confirm(by=ed)
    waiting = await under_way(rik)

    assert waiting.state == "waiting" and waiting.removes_at > utcnow() + dt.timedelta(hours=23)
    assert await lost_factors.take_away_due() == 0 and await has_factor(rik)
    assert [row["person"] for row in await mails("lost_factor")] == [rik.id, rik.id], (
        "at the asking and at the confirming"
    )
    await wait_is_over()
    assert await lost_factors.take_away_due() == 1 and not await has_factor(rik)
    assert await open_of(rik.id) is None and len(await mails("account_notice")) == 1
    assert await lost_factors.take_away_due() == 0


async def test_the_person_stops_it_with_the_link_of_the_mail(cast: Cast) -> None:
    rik = await with_factor(cast.rik)
    await ask_for(rik, by=cast.anna)
    asked = await under_way(rik)
    token = stop_token(asked.id)
    found, person = await request_of(token)
    await stop(token)

    assert (found.id, person.id, asked.state) == (asked.id, rik.id, "confirmed")
    assert await open_of(rik.id) is None
    for worthless in (token, "", "x", stop_token(999_999)):
        with pytest.raises(Gone):
            await request_of(worthless)
    await wait_is_over()
    assert await lost_factors.take_away_due() == 0 and await has_factor(rik)


async def test_signing_in_with_the_factor_ends_it(cast: Cast) -> None:
    rik = await with_factor(cast.rik)
    await ask_for_oneself(rik)
    await lost_factors.has_factor_after_all(rik.id)

    assert await open_of(rik.id) is None


async def test_who_may_not_help_does_not(cast: Cast) -> None:
    anna, ed = await with_factor(cast.anna), await second_administrator(cast)
    await ask_for_oneself(anna)
    request = await under_way(anna)
    with pytest.raises(Refused, match="eigen"):
        await request.confirm(by=cast.anna)
    with pytest.raises(Forbidden):
        await request.confirm(by=cast.rik)
    await request.confirm(by=ed)
    await engine.raw("UPDATE users SET role = 'employee' WHERE id = $1", ed.user.id)
    with pytest.raises(Forbidden):
        await (await under_way(anna)).refuse(by=await as_viewer(ed.user.email))
    with pytest.raises(Refused):
        await ask_for(await User.objects().get(User.id == cast.sam.user.id), by=cast.anna)  # type: ignore[arg-type]


async def test_the_machine_confirms_where_there_is_one_administrator(cast: Cast) -> None:
    rik, anna = await with_factor(cast.rik), await with_factor(cast.anna)
    await ask_for(rik, by=cast.anna)
    said = await lost_factors.reset_by_machine(cast.rik.user.email, now=False)
    at_once = await lost_factors.reset_by_machine(cast.anna.user.email, now=True)

    assert (await under_way(rik)).state == "waiting" and "Bevestigd" in said
    assert not await has_factor(anna) and "weggenomen" in at_once
    assert "geen tweede factor" in await lost_factors.reset_by_machine(cast.sam.user.email, now=True)


async def test_what_is_under_way_is_listed_for_who_may_help(cast: Cast) -> None:
    sam = await with_factor(cast.sam)
    await ask_for_oneself(sam)

    assert [row["person"] for row in await lost_factors.listed(cast.anna)] == [sam.id]
    seen = {row["id"] for row in await cast.ed.users.select(User.id)}
    assert [row["person"] for row in await lost_factors.listed(cast.ed)] == ([sam.id] if sam.id in seen else [])
