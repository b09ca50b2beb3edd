"""The chain over the trail: any line that is changed, taken out, put in or swapped is found, and a tail that was cut off."""

from __future__ import annotations

import asyncio
import datetime as dt
import json

import pytest

from models import engine, sealing
from models.audit import Trail
from models.core import Refused
from models.sealing import TrailAnchor, anchor_in, anchor_text, seal, verify
from models.sealing_ddl import ERASED
from models.settings import utcnow
from tests.cast import Cast

CHANGES = ("person", "operation", "detail", "client", "at", "record_id", "gone", "link", "swap", "seal_gone", "between")


async def some_lines(cast: Cast, count: int = 12) -> None:
    client = await cast.anna.clients.get(cast.bakkerij)
    for n in range(count):
        await Trail.write("Client.change", client, by=cast.anna, detail={"n": n, "name": "Bakkerij é"})
    await seal()


async def without_guard(*statements: str) -> None:
    """As who can reach the database itself: the triggers are taken away first."""
    if engine.is_sqlite():
        names = ("trail_stays", "trail_as_written", "trail_seal_stays", "trail_seal_as_written")
        drops = [f"DROP TRIGGER IF EXISTS {name}" for name in names]
    else:
        pairs = (("trail_stays", "trail"), ("trail_as_written", "trail"), ("trail_seal_stays", "trail_seal"))
        drops = [f"DROP TRIGGER IF EXISTS {name} ON {table}" for name, table in pairs]
    async with engine.writing():
        for statement in (*drops, *statements):
            await engine.raw(statement)


async def test_an_untouched_trail_holds_and_its_lines_keep_their_places(cast: Cast) -> None:
    await some_lines(cast)
    first = await verify()
    await some_lines(cast, 3)
    second = await verify()

    assert first.holds and second.holds and second.lines == first.lines + 3
    places = [row["place"] for row in await engine.raw("SELECT place FROM trail_seal ORDER BY place")]
    assert places == list(range(1, second.lines + 1))


@pytest.mark.parametrize("statement", ["DELETE FROM trail", "UPDATE trail SET person = 1", "DELETE FROM trail_seal"])
async def test_the_database_refuses_to_change_the_trail(cast: Cast, statement: str) -> None:
    await some_lines(cast)

    with pytest.raises(Exception, match="append-only"):
        await engine.run_writing(lambda: engine.raw(statement))


@pytest.mark.parametrize("where", [0.0, 0.3, 0.7, 0.95])
@pytest.mark.parametrize("what", CHANGES)
async def test_any_single_change_is_found(cast: Cast, what: str, where: float) -> None:
    await some_lines(cast)
    last = (await verify()).lines
    place = 1 + int(where * (last - 2))
    line = (await engine.raw("SELECT line FROM trail_seal WHERE place = $1", place))[0]["line"]
    other = (await engine.raw("SELECT line FROM trail_seal WHERE place = $1", place + 1))[0]["line"]
    free = (await engine.raw("SELECT max(id) + 1000 AS id FROM trail"))[0]["id"]
    await without_guard(
        *{
            "person": [f"UPDATE trail SET person = coalesce(person, 0) + 1 WHERE id = {line}"],
            "operation": [f"UPDATE trail SET operation = operation || 'x' WHERE id = {line}"],
            "detail": [f"UPDATE trail SET detail = detail || ' ' WHERE id = {line}"],
            "client": [f"UPDATE trail SET client = coalesce(client, 0) + 1 WHERE id = {line}"],
            "at": [f"UPDATE trail SET at = (SELECT min(created_at) FROM client) WHERE id = {line}"],
            "record_id": [f"UPDATE trail SET record_id = coalesce(record_id, 0) + 1 WHERE id = {line}"],
            "gone": [f"DELETE FROM trail WHERE id = {line}"],
            "link": [f"UPDATE trail_seal SET link = detail_hash WHERE place = {place}"],
            "swap": [
                f"UPDATE trail SET id = {free} WHERE id = {line}",
                f"UPDATE trail SET id = {line} WHERE id = {other}",
                f"UPDATE trail SET id = {other} WHERE id = {free}",
            ],
            "seal_gone": [f"DELETE FROM trail_seal WHERE place = {place}", f"DELETE FROM trail WHERE id = {line}"],
            "between": [
                f"UPDATE trail_seal SET place = place + 100000 WHERE place > {place}",
                f"INSERT INTO trail_seal (place, line, detail_hash, link) SELECT {place + 1}, {free}, detail_hash, link FROM trail_seal WHERE place = {place}",
                f"INSERT INTO trail (id, at, person, operation, record_table, detail) SELECT {free}, at, person, operation, record_table, detail FROM trail WHERE id = {line}",
                "UPDATE trail_seal SET place = place - 99999 WHERE place > 100000",
            ],
        }[what]
    )
    verdict = await verify()

    assert not verdict.holds and verdict.broken is not None


async def test_a_tail_that_was_cut_off_is_found_by_the_anchor_of_a_mail(cast: Cast) -> None:
    await some_lines(cast)
    whole = await verify()
    mailed = anchor_in(f"Uw anker: {anchor_text(whole.lines, whole.link)} (bewaar dit)")
    assert mailed is not None
    cut = whole.lines - 3
    await without_guard(
        f"DELETE FROM trail WHERE id IN (SELECT line FROM trail_seal WHERE place > {cut})",
        f"DELETE FROM trail_seal WHERE place > {cut}",
    )

    without, with_it = await verify(), await verify([mailed])

    assert without.holds and without.lines == cut
    assert not with_it.holds and "afgeknipt" in str(with_it.said)


async def test_lines_put_back_after_a_cut_are_found_too(cast: Cast) -> None:
    await some_lines(cast)
    whole = await verify()
    anchor = anchor_in(anchor_text(whole.lines, whole.link))
    assert anchor is not None
    cut = whole.lines - 3
    await without_guard(
        f"DELETE FROM trail WHERE id IN (SELECT line FROM trail_seal WHERE place > {cut})",
        f"DELETE FROM trail_seal WHERE place > {cut}",
    )
    await some_lines(cast, 5)

    assert (await verify()).holds and not (await verify([anchor])).holds


async def test_an_emptied_detail_holds_only_when_the_trail_says_so(cast: Cast) -> None:
    await some_lines(cast)
    line = (await engine.raw("SELECT max(line) AS id FROM trail_seal"))[0]["id"]
    await engine.run_writing(lambda: engine.raw(f"UPDATE trail SET detail = '{ERASED}' WHERE id = $1", line))
    secretly = await verify()
    client = await cast.anna.clients.get(cast.bakkerij)
    await Trail.write("Privacy.erase_lines", client, by=cast.anna, detail={"lines": [line]})
    openly = await verify()

    assert not secretly.holds and openly.holds and openly.emptied == 1


async def test_once_a_week_every_administrator_gets_an_anchor(cast: Cast) -> None:
    await some_lines(cast)
    now = utcnow()
    done = [await sealing.anchor_when_due(now + dt.timedelta(days=days)) for days in (0, 1, 6, 7.5)]
    mails = await engine.raw("SELECT person, detail FROM errand WHERE kind = 'trail_anchor' ORDER BY id")
    anchors = await TrailAnchor.objects().order_by(TrailAnchor.id)

    assert done == [True, False, False, True]
    assert [mail["person"] for mail in mails] == [cast.anna.user.id] * 2
    assert json.loads(mails[0]["detail"])["anchor"] == anchors[0].text and (await verify()).holds


async def test_two_sealers_and_many_writers_leave_one_chain(cast: Cast) -> None:
    client = await cast.anna.clients.get(cast.bakkerij)

    async def write(n: int) -> None:
        await engine.run_writing(lambda: Trail.write("Client.change", client, by=cast.anna, detail={"n": n}))

    await asyncio.gather(*(write(n) for n in range(30)), seal(), seal(), *(write(n) for n in range(30)), seal())
    verdict = await verify()
    lines = (await engine.raw("SELECT count(*) AS n FROM trail"))[0]["n"]

    assert verdict.holds and verdict.lines == lines


async def test_what_is_not_an_anchor_is_said(cast: Cast) -> None:
    from models.sealing_work import start_verifying

    with pytest.raises(Refused):
        await start_verifying("geen anker", by=cast.anna)
