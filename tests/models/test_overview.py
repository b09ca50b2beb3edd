"""What the overview tells: what is asked of whom, what clients did since yesterday, invitations that need a look, and figures."""

from __future__ import annotations

import datetime as dt
from typing import Any

from models import asked, engine, figures, overview
from models.mine import looked_after
from models.rollout import board
from models.settings import utcnow
from tests.approving import offered
from tests.cast import Cast, as_viewer

NOW = utcnow()


async def hand_in(client: int, name: str, at: dt.datetime = NOW) -> int:
    folder = (await engine.raw("SELECT id FROM folder WHERE client = $1 LIMIT 1", client))[0]["id"]
    rows = await engine.raw(
        "INSERT INTO document (folder, client, name, name_key, sha256, size, mime, source, uploaded_at) "
        "VALUES ($1, $2, $3, $4, $5, 1, 'text/plain', 'client', $6) RETURNING id",
        folder, client, name, name, "0" * 64, at,
    )  # fmt: skip
    return int(rows[0]["id"])


async def quiet() -> None:
    """Nothing happened and nobody was invited."""
    async with engine.writing():
        for table in ("reading", "document", "session", "activation_code", "link", "errand"):
            await engine.raw(f"DELETE FROM {table}")
        await engine.raw(
            "UPDATE users SET state = 'prepared', invited_at = NULL, activated_at = NULL WHERE kind = 'client'"
        )


async def invited(email: str, days_ago: int, *, lasts: int = 30, state: str = "done", opened: bool = False) -> int:
    """A mail went out to him so long ago, and this became of it."""
    at = NOW - dt.timedelta(days=days_ago)
    rows = await engine.raw(
        "UPDATE users SET state = 'invited', invited_at = $2 WHERE email = $1 RETURNING id", email, at
    )
    person = int(rows[0]["id"])
    link = await engine.raw(
        "INSERT INTO link (token_hash, person, kind, email, created_at, expires_at, opened_at) VALUES ($1, $2, 'invitation', $3, $4, $5, $6) RETURNING id",
        f"{person:064}", person, email, at, at + dt.timedelta(days=lasts), at if opened else None,
    )  # fmt: skip
    await engine.raw(
        "INSERT INTO errand (kind, state, subject_id, person, created_at, run_after) VALUES ('invitation', $1, $2, $3, $4, $5)",
        state, link[0]["id"], person, at, at,
    )  # fmt: skip
    return person


def counted(found: list[asked.Asked]) -> dict[str, int]:
    return {one.key: one.count for one in found}


async def test_what_is_handed_in_is_asked_until_a_colleague_opens_it(cast: Cast) -> None:
    await quiet()
    document = await hand_in(cast.bakkerij, "bonnetjes.pdf")

    before = counted(await asked.asked_of(cast.ed))
    found = await cast.anna.documents.get(document)
    await engine.run_writing(lambda: found.note_read(by=cast.anna))
    after = counted(await asked.asked_of(cast.ed))

    assert (before, after) == ({"uploads": 1}, {})


async def test_a_client_who_reads_what_he_handed_in_opens_it_for_nobody(cast: Cast) -> None:
    await quiet()
    document = await hand_in(cast.bakkerij, "bonnetjes.pdf")
    found = await cast.rik.documents.get(document)

    await engine.run_writing(lambda: found.note_read(by=cast.rik))

    assert counted(await asked.asked_of(cast.ed)) == {"uploads": 1}


async def test_who_sees_all_is_asked_for_his_own_clients_unless_he_asks_for_all(cast: Cast) -> None:
    await quiet()
    await engine.raw("DELETE FROM responsible WHERE person = $1", cast.anna.user.id)
    await engine.raw(
        "INSERT INTO responsible (client, person, roles) VALUES ($1, $2, '')", cast.garage, cast.anna.user.id
    )
    await hand_in(cast.bakkerij, "van de bakker.pdf")
    await hand_in(cast.garage, "van de garage.pdf")

    own, every = await asked.asked_of(cast.anna), await asked.asked_of(cast.anna, everybody=True)

    assert (counted(own), counted(every)) == ({"uploads": 1}, {"uploads": 2})
    assert [one.address for one in (*own, *every)] == ["/overview/handed-in", "/overview/handed-in?clients=all"]


async def test_a_mail_that_was_refused_and_a_silent_client_are_asked(cast: Cast) -> None:
    await quiet()
    await invited("rik@bakkerij-jansen.example", 8, state="refused")

    found = {one.key: one for one in await asked.asked_of(cast.anna, everybody=True)}

    assert found["refused"].count == 1
    assert found["refused"].address == "/invitations?state=bounced"
    assert found["silent"].count == len(await reached("rik@bakkerij-jansen.example"))


async def reached(email: str) -> list[dict[str, Any]]:
    return await engine.raw(
        "SELECT a.client FROM access a JOIN users u ON u.id = a.person JOIN client c ON c.id = a.client "
        "WHERE u.email = $1 AND c.state = 'active'",
        email,
    )


async def test_what_is_counted_stands_on_the_board_behind_it(cast: Cast) -> None:
    await quiet()
    await invited("rik@bakkerij-jansen.example", 8)
    await invited("fem@bakkerij-jansen.example", 28)
    await invited("sam@garage-smit.example", 40)

    for viewer, every, responsible in (
        (cast.anna, True, None),
        (cast.ed, False, None),
        (cast.anna, False, cast.anna.user.id),
    ):
        counts = await board.in_trouble(looked_after(viewer, "a.client", everybody=every))
        for name, count in counts.items():
            question = {"trouble": name} if name in board.TROUBLE else {"state": name}
            shown = board.Asked(responsible=responsible, **question)
            assert len(await board.page(viewer, shown, 1, 100)) == count, (viewer.user.email, name)
            assert (
                sum((await board.counts(viewer, board.Asked(responsible=responsible, trouble=shown.trouble))).values())
                >= count
            )
    whole = await board.in_trouble(looked_after(cast.anna, "a.client", everybody=True))
    assert whole == {"bounced": 0, "unopened": 2, "expiring": 1, "expired": 1}


async def test_an_invitation_that_was_opened_is_not_silent(cast: Cast) -> None:
    await quiet()
    await invited("rik@bakkerij-jansen.example", 8, opened=True)

    assert set((await board.in_trouble("1 = 1")).values()) == {0}


async def test_news_is_told_per_client_the_last_first(cast: Cast) -> None:
    await quiet()
    await hand_in(cast.bakkerij, "een.pdf", NOW - dt.timedelta(hours=2))
    read = await hand_in(cast.bakkerij, "twee.pdf", NOW - dt.timedelta(hours=1))
    await hand_in(cast.garage, "oud.pdf", NOW - dt.timedelta(days=3))
    await engine.raw("UPDATE users SET activated_at = $1 WHERE email = 'sam@garage-smit.example'", NOW)
    rik = await cast.rik.documents.get(read)
    await engine.run_writing(lambda: rik.note_read(by=cast.rik))

    told, clients = await overview.news(cast.anna, 8, everybody=True)

    facts = {(one.name, one.uploads, one.activations, one.readings) for one in told}
    assert facts == {("Bakkerij Jansen B.V.", 2, 0, 1), ("Garage Smit", 0, 1, 0)}
    assert [one.last for one in told] == sorted((one.last for one in told), reverse=True)
    assert clients == 2
    assert await overview.news(cast.anna, 1, everybody=True) == ([told[0]], 2)


async def test_restricted_staff_hears_of_his_own_clients_only(cast: Cast) -> None:
    await quiet()
    await hand_in(cast.bakkerij, "een.pdf")
    await engine.raw("DELETE FROM responsible WHERE person = $1", cast.ed.user.id)
    await engine.raw("DELETE FROM reach WHERE person = $1", cast.ed.user.id)
    ed = await as_viewer("ed@kantoor.example")

    assert await overview.news(ed, 8) == ([], 0)
    assert await asked.asked_of(ed) == []
    assert (await figures.use(ed)).uploads[-1] == 0


async def test_figures_grow_with_the_weeks(cast: Cast) -> None:
    await quiet()
    now = dt.datetime(2026, 11, 18, 12, tzinfo=dt.UTC)  # a Wednesday
    for email, was_invited, came_in in (
        ("rik@bakkerij-jansen.example", 200, 20), ("fem@bakkerij-jansen.example", 10, None), ("sam@garage-smit.example", 1, 0),
    ):  # fmt: skip
        await engine.raw(
            "UPDATE users SET invited_at = $2, activated_at = $3 WHERE email = $1",
            email, now - dt.timedelta(days=was_invited), None if came_in is None else now - dt.timedelta(days=came_in, hours=1),
        )  # fmt: skip

    found = await figures.activation(cast.anna, everybody=True, now=now)

    assert (len(found.weeks), found.weeks[-1]) == (12, dt.date(2026, 11, 16))
    assert found.invited == [1] * 9 + [2, 2, 3]
    assert found.active == [0] * 8 + [1, 1, 1, 2]


async def test_use_is_counted_by_the_dutch_day(cast: Cast) -> None:
    await quiet()
    now = dt.datetime(2026, 11, 18, 12, tzinfo=dt.UTC)
    just_after_midnight = dt.datetime(2026, 11, 16, 23, 30, tzinfo=dt.UTC)  # the 17th in the Netherlands
    for n, person in enumerate((cast.rik, cast.fem, cast.anna)):
        await engine.raw(
            "INSERT INTO session (token_hash, person, stage, created_at, seen_at, expires_at) VALUES ($1, $2, 'signed_in', $3, $3, $4)",
            f"{n:064}", person.user.id, just_after_midnight, now,
        )  # fmt: skip
    await hand_in(cast.bakkerij, "een.pdf", now - dt.timedelta(days=7))

    found = await figures.use(cast.anna, everybody=True, now=now)

    assert (found.days[-1], found.sign_ins[-3:]) == (dt.date(2026, 11, 18), [0, 2, 0])
    assert found.uploads[-3:] == [0, 1, 0]


async def test_what_is_late_is_counted_by_the_day_of_the_office_and_not_by_that_of_the_database(cast: Cast) -> None:
    await quiet()
    await engine.raw("UPDATE firm SET modules = 'dossiers,approvals'")
    day = dt.date(2099, 1, 15)
    await offered(cast, internal_due=day, legal_due=day)
    before, after = (dt.datetime(2099, 1, 15, hour, 30, tzinfo=dt.UTC) for hour in (22, 23))

    late = [
        {one.key: one.count for one in await asked.asked_of(cast.anna, everybody=True, now=at)}
        for at in (before, after)
    ]

    assert [one.get("approvals_late", 0) for one in late] == [0, 1], (
        "half past twelve at night in Amsterdam is tomorrow"
    )
