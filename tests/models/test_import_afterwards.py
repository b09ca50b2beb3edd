"""After an import: people invited as they are made where the office wants that, and taking back while nothing depends on it."""

from __future__ import annotations

import pytest

import partials
from models import engine
from models.accounts import User
from models.clients import Client, ClientGroup
from models.core import Forbidden, Refused
from models.imports.undo import blockers
from models.outbox import Errand
from models.settings import Firm
from tests.models.importing import empty_the_office, imported, planned, taken_back

LIST = """Cliëntnummer;Naam;Plaats;Groep;Voornaam;Achternaam;E-mail contactpersoon
1;Bakkerij;Ede;Horeca;Jan;Bos;jan@bos.example
1;Bakkerij;Ede;Horeca;Eva;Vos;eva@vos.example
2;Beheer;Ede;Horeca;Jan;Bos;jan@bos.example
3;Slager;Ede;;;;
4;Kapper;Ede;;;;
""".encode()
INVITATIONS = Errand.kind == "invitation"


@pytest.fixture
async def anna(cast):
    await empty_the_office()
    return cast.anna


@pytest.fixture
async def at_once(anna):
    """The office invites new users as they are made."""
    firm = await Firm.load()
    await engine.run_writing(lambda: firm.set_users_without_login(False, by=anna))


# invited as they are made


async def carried_out_with_invitations(anna, record):
    from tests.models.importing import carried_out

    await engine.run_writing(lambda: record.commit(record.plan_hash, invite=True, by=anna))
    return await carried_out(record)


@pytest.mark.usefixtures("at_once")
async def test_whom_it_makes_is_invited_in_the_same_moment_and_can_be_held_back(anna):
    record = await planned(anna, LIST)
    assert await record.invitable(anna) == 2

    record = await carried_out_with_invitations(anna, record)

    assert record.state == "committed", record.said
    mails = await Errand.objects().where(INVITATIONS)
    people = await User.objects().where(User.imported == record.id)
    assert {mail.person for mail in mails} == {person.id for person in people} and len(mails) == 2
    assert {person.state for person in people} == {"invited"}
    opening = await anna.openings.get(record.chosen["opening"])
    assert opening.seconds_left > 0, "nothing leaves at once"
    await engine.run_writing(lambda: opening.undo(by=anna))
    assert not await Errand.exists().where(INVITATIONS & (Errand.state == "waiting"))


@pytest.mark.usefixtures("at_once")
async def test_one_may_carry_it_out_and_mail_nobody(anna):
    record = await imported(anna, LIST)

    assert await User.count().where((User.imported == record.id) & (User.state == "prepared")) == 2
    assert not await Errand.exists().where(INVITATIONS)


@pytest.mark.usefixtures("at_once")
async def test_who_is_there_already_or_comes_to_an_archived_client_is_not_mailed(anna):
    await imported(anna, LIST)
    await engine.raw("UPDATE client SET state = 'archived' WHERE number = '3'")
    more = LIST.replace(b"3;Slager;Ede;;;;", b"3;Slager;Ede;;Piet;Mol;piet@mol.example") + (
        b"2;Beheer;Ede;;Eva;Vos;eva@vos.example\n4;Kapper;Ede;;Bas;Kok;bas@kok.example\n"
    )

    record = await planned(anna, more)
    assert await record.invitable(anna) == 1
    record = await carried_out_with_invitations(anna, record)

    [mail] = await Errand.objects().where(INVITATIONS)
    assert (await User.objects().where(User.id == mail.person).first()).email == "bas@kok.example"


async def test_where_users_wait_nobody_is_mailed_whatever_is_asked(anna):
    record = await planned(anna, LIST)
    assert await record.invitable(anna) == 0

    with pytest.raises(Refused, match="niet meer meteen"):
        await engine.run_writing(lambda: record.commit(record.plan_hash, invite=True, by=anna))
    await imported(anna, LIST)

    assert not await Errand.exists().where(INVITATIONS)


# taking back


async def standing_in_the_way(anna, record) -> list[str]:
    """What the screen says; and nothing is gone."""
    before = await Client.count(), await User.count()
    with pytest.raises(Refused):
        await taken_back(anna, record)
    assert (await Client.count(), await User.count()) == before
    return [partials.speak(why) for why in await blockers(record)]


@pytest.fixture
async def record(anna):
    await imported(anna, b"Cli\xebntgroep\nHoreca\n")
    made = await imported(anna, LIST)
    assert not await blockers(made)
    return made


async def test_a_dossier_with_documents_stands_in_the_way(anna, record):
    rows = await engine.raw(
        "INSERT INTO dossier (client, kind, name, created_at) SELECT id, 'client', 'D', created_at FROM client WHERE number = '1' RETURNING id, client"
    )
    assert rows

    said = await standing_in_the_way(anna, record)

    assert "Van deze nieuwe cliënten is er al een dossier: Bakkerij." in said


@pytest.mark.parametrize("state", ["invited", "active", "blocked"])
async def test_who_came_further_than_prepared_stands_in_the_way(anna, record, state):
    await engine.raw("UPDATE users SET state = $1 WHERE email = 'eva@vos.example'", state)

    assert await standing_in_the_way(anna, record) == [
        "Deze nieuwe gebruikers zijn al uitgenodigd of ingelogd: Eva Vos."
    ]


async def test_what_was_edited_since_stands_in_the_way_by_name(anna, record):
    client = await Client.objects().where(Client.number == "2").first()
    await engine.run_writing(lambda: client.archive(by=anna))
    person = await User.objects().where(User.email == "jan@bos.example").first()
    await engine.run_writing(lambda: person.invite(by=anna))

    said = await standing_in_the_way(anna, record)

    assert "Bij deze nieuwe cliënten is sindsdien iets gewijzigd: Beheer." in said
    assert "Bij deze nieuwe gebruikers is sindsdien iets gewijzigd: Jan Bos." in said
    assert "Deze nieuwe gebruikers kregen al een uitnodiging: Jan Bos." in said


async def test_of_many_three_are_named_in_the_readers_language(anna, record):
    group = await ClientGroup.objects().where(ClientGroup.name == "Horeca").first()
    await engine.raw(
        "INSERT INTO membership (client, client_group) SELECT id, CAST($1 AS INTEGER) FROM client WHERE number IN ('3', '4')",
        group.id,
    )
    await engine.raw("UPDATE membership SET imported = NULL")
    await engine.raw("UPDATE client SET name = name || ' <b>'")

    assert await standing_in_the_way(anna, record) == [
        "Deze nieuwe cliënten zijn later in een groep gezet: Bakkerij <b>, Beheer <b>, Kapper <b> en nog 1."
    ]
    with partials.speaking("en"):
        assert partials.speak((await blockers(record))[0]).endswith("Kapper <b> and 1 more.")


async def test_a_later_import_is_taken_back_first(anna, record):
    later = await imported(anna, LIST.replace(b";Jan;Bos;", b";Johan;Bos;"))

    said = await standing_in_the_way(anna, record)
    assert any(words.startswith("Deze nieuwe gebruikers zijn door een latere import gewijzigd") for words in said)
    assert (await taken_back(anna, later)).state == "undone"


async def test_nobody_takes_back_who_may_not_import(cast, record):
    with pytest.raises(Forbidden):
        await engine.run_writing(lambda: record.undo(by=cast.rik))
