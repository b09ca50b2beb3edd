"""The sample office: every screen of the dossiers has something to see, and all of it goes again."""

from __future__ import annotations

from random import Random

import pytest

from models import engine, sample, unread
from models.accounts import User
from models.clients import Client
from models.dossiers import Dossier, Folder, drift
from models.dossiers.remarks import open_questions
from models.requests import reading
from models.settings import Firm
from models.viewer import Viewer
from tests.cast import PASSWORD, as_viewer

CLIENTS = 45


@pytest.fixture
async def anna(database) -> Viewer:
    await sample.fill(CLIENTS, 1, PASSWORD)
    return await as_viewer("anna@kantoor.example")


async def count(sql: str) -> int:
    return int((await engine.raw(f"SELECT count(*) AS n FROM {sql}"))[0]["n"])


async def test_every_screen_has_something_to_see_and_no_dossier_of_the_cast_differs(anna: Viewer) -> None:
    structure = await anna.dossiers.where(Dossier.kind == "standard").find()
    assert structure is not None
    found = await drift.drift(anna, structure)
    assert len(found) == CLIENTS - 2  # two clients of the sample have no structure
    kinds = {kind for kind in ("adds", "renamed", "other_kind", "extra") for one in found if getattr(one, kind)}
    assert kinds == {"adds", "renamed", "other_kind", "extra"}
    assert 0 < sum(not one.is_same for one in found) < len(found) / 4
    assert all(one.is_same for one in found if one.number in ("1001", "1002", "1003"))

    for state in reading.STATES:
        rows, _ = await reading.board(anna, reading.Filter(state=state))
        assert rows, state
    assert await open_questions(anna)
    assert (await unread.page(anna, unread.Filter()))[1]
    for what in (
        "document WHERE state = 'draft'", "document WHERE state = 'planned'", "document WHERE trashed_at IS NOT NULL", "document_version",
        "reading WHERE downloaded_at IS NOT NULL", "hold_item", "request_template", "document WHERE book_year = 2016",
    ):  # fmt: skip
        assert await count(what), what


async def test_the_cast_is_asked_something_and_may_answer(anna: Viewer) -> None:
    for email in ("rik@bakkerij-jansen.example", "sam@garage-smit.example"):
        who = await as_viewer(email)
        assert await reading.open_for(who), email
        assert await open_questions(who) or email.startswith("rik")
    fem = await as_viewer("fem@bakkerij-jansen.example")  # payroll only: nothing of the dossier reaches her
    assert not await reading.open_for(fem)
    assert not await count(f"reading WHERE person = {fem.user.id}")


async def test_what_was_handed_in_lies_beside_what_was_asked(anna: Viewer) -> None:
    assert not await count(
        "request_item i WHERE i.state = 'handed_in' AND NOT EXISTS (SELECT 1 FROM request_item_document l WHERE l.item = i.id)"
    )
    assert not await count(
        "request_item_document l JOIN request_item i ON i.id = l.item JOIN document d ON d.id = l.document "
        "JOIN document_request r ON r.id = i.request WHERE d.client <> i.client OR d.folder <> r.folder OR d.source <> 'client'"
    )


async def test_the_deadline_of_a_vat_return_is_that_of_the_calendar(anna: Viewer) -> None:
    of_vat = "approval_request r JOIN approval_kind k ON k.id = r.kind WHERE k.rule = 'ob' AND r.period = 'k3' AND r.book_year = 2026"
    assert await count(of_vat) == await count(f"{of_vat} AND r.legal_due = '2026-10-31'") > 0


async def test_nobody_is_mailed_of_what_came_with_it(anna: Viewer) -> None:
    from models.client_news import plan_at_once, plan_daily
    from models.settings import utcnow

    await Firm.update({Firm.digest_hour: 0}, force=True)
    await plan_daily(utcnow())
    await plan_at_once(utcnow())
    assert not await count("errand WHERE kind IN ('client_news', 'reminder')")


async def test_pin_letters_were_posted_some_used_one_blocked_and_one_came_back(anna: Viewer) -> None:
    from models import letters, pins
    from models.letters import register
    from models.pins.hashing import fits

    [batch] = await register.batches(anna, 10, 0)
    lines, total = await register.lines(batch, anna, 50, 0)
    states = await register.states_of(batch)

    assert (batch.state, batch.letters, total, len(lines)) == ("posted", sum(states.values()), batch.letters, total)
    assert (states["confirmed"], states["blocked"], states["returned"]) == (4, 1, 1) and 1 < states["posted"] <= 6
    assert [line["page"] for line in lines] == list(range(1, total + 1)) and all(
        line["address"] != "[]" for line in lines
    )
    assert (await letters.standing(anna))["confirmed"] == 4
    assert (
        not batch.stored
        and not await count("trail")
        and not await count("pin k JOIN users u ON u.id = k.person WHERE u.email LIKE '%jansen.example'")
    )
    rows = await engine.raw("SELECT person, state, secret_hash, key FROM pin")
    assert {bool(row["secret_hash"]) for row in rows if row["state"] == "returned"} == {False}
    living = [row for row in rows if row["state"] in pins.LIVING]
    assert all(row["secret_hash"].startswith("$argon2id$") for row in living)
    assert fits("123456", living[0]["secret_hash"], living[0]["key"], "pin", living[0]["person"]) is not None


async def test_it_is_the_same_for_the_same_seed_and_small_offices_have_what_they_can(database) -> None:
    from models.sample import enterprises, pin_letters

    assert len(pin_letters._IN + pin_letters._OUT) <= 12
    await sample.fill(12, 1, PASSWORD)
    rows = await engine.raw("SELECT u.email, k.state FROM pin k JOIN users u ON u.id = k.person")
    made = enterprises.make(Random(1), 12)
    first = [one.people[0] for one in made if one.people and not one.is_cast]
    others = [one.email for one in first if one.state == "invited"]
    inside = [one.email for one in first if one.state == "active"]
    expected = dict(zip(others, pin_letters._OUT, strict=False)) | dict(zip(inside, pin_letters._IN, strict=False))
    assert {row["email"]: row["state"] for row in rows} == expected
    assert sorted(expected.values()) == ["blocked", "confirmed", "posted", "returned"]


async def test_it_goes_whole_and_what_somebody_made_himself_stays(anna: Viewer) -> None:
    from models.keeping.holds import On, add_hold
    from models.keeping.records import Hold
    from models.requests.making import Item, save_template
    from models.requests.records import RequestTemplate
    from models.settings import utcnow

    await engine.run_writing(
        lambda: save_template(anna.scope(RequestTemplate), None, "Van onszelf", "", [Item("Iets")], by=anna)
    )
    garage = await anna.clients.where(Client.number == "1003").find()
    assert garage is not None
    await engine.run_writing(
        lambda: add_hold(
            anna.scope(Hold), "Van onszelf", "Beroep", utcnow().date(), None, On(client=garage.id), by=anna
        )
    )
    await engine.run_writing(lambda: sample.remove(by=anna))
    for what in (
        "client",
        "folder",
        "document",
        "document_request",
        "remark",
        "reading",
        "hold_item",
        "letter_batch",
        "letter",
        "pin",
    ):
        assert not await count(what), what
    assert await count("hold") == 1
    assert await count("request_template") == 1
    assert not (await Firm.load()).is_sample
    assert await User.exists().where(User.id == anna.user.id)


async def test_bare_it_is_tidy(database) -> None:
    await sample.fill(CLIENTS, 1, PASSWORD, bare=True)
    for what in (
        "document_request",
        "remark",
        "reading",
        "hold",
        "letter_batch",
        "pin",
        "document WHERE state <> 'published'",
    ):
        assert not await count(what), what
    anna = await as_viewer("anna@kantoor.example")
    structure = await anna.dossiers.where(Dossier.kind == "standard").find()
    assert structure is not None
    found = await drift.drift(anna, structure)
    assert found
    assert all(one.is_same for one in found)
    assert await Folder.exists().where(Folder.origin.is_not_null())
