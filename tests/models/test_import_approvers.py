"""Roles at approving out of a list of users: seen in the dry run, given from the day of the import, taken back with it."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest

from models import engine
from models.accounts import lists
from models.accounts.columns import COLUMNS
from models.approvals.planning import roles_of
from models.imports import ImportRow
from models.imports.report import example
from models.settings import this_day
from tests.approving import ALL, person
from tests.cast import Cast
from tests.models.importing import carried_out, empty_the_office, imported, planned, refused_lines

CLIENTS = b"Nummer;Naam\n1;Jansen B.V.\n2;Smit\n"


@pytest.fixture
async def office(cast: Cast) -> Cast:
    await empty_the_office()
    await imported(cast.anna, CLIENTS)
    return cast


def users(*lines: str) -> bytes:
    return ("Cliëntnummer;Voornaam;Achternaam;E-mail;Rechten;Rol bij accorderen\n" + "\n".join(lines) + "\n").encode()


async def given() -> list[tuple[str, str, str, Any]]:
    rows = await engine.raw(
        "SELECT c.number, u.email, r.role, r.until FROM approver_role r JOIN client c ON c.id = r.client JOIN users u ON u.id = r.person ORDER BY r.id"
    )
    return [(row["number"], row["email"], row["role"], row["until"]) for row in rows]


async def rows_of(record: Any) -> list[ImportRow]:
    return await ImportRow.objects().where(ImportRow.batch == record.id).order_by(ImportRow.id)


async def test_the_column_gives_roles_at_each_client_and_the_dry_run_shows_them(office):
    list_ = users(
        "1;Rik;Jansen;rik@x.example;beheerder;DGA",
        "2;Rik;Jansen;rik@x.example;accorderen;directeur",
        "1;Fem;Vries;fem@x.example;beheerder;Salariscontact, gemachtigde",
        "1;Jo;Bos;jo@x.example;beheerder;",
    )
    record = await planned(office.anna, list_)
    assert await given() == []
    assert [row.given.get("approver_role") for row in await rows_of(record)][:4] == [
        "director", "director", "payroll,authorised", None,
    ]  # fmt: skip

    await record.commit(record.plan_hash, by=office.anna)
    await carried_out(record)

    assert sorted(await given()) == [
        ("1", "fem@x.example", "authorised", None), ("1", "fem@x.example", "payroll", None),
        ("1", "rik@x.example", "director", None), ("2", "rik@x.example", "director", None),
    ]  # fmt: skip
    client = (await engine.raw("SELECT id FROM client WHERE number = '1'"))[0]["id"]
    assert len((await roles_of(client, this_day()))["director"]) == 1


@pytest.mark.parametrize("said", ["baas", "directeur, baas", "accordeur"])
async def test_an_unknown_word_is_refused_with_the_words_that_are_known(office, said):
    record = await planned(office.anna, users(f"1;Rik;Jansen;rik@x.example;beheerder;{said}"))

    [row] = await rows_of(record)
    assert await refused_lines(record) == [2] and await given() == []
    [(field, why)] = row.notes
    assert field == "approver_role" and "directeur, partner, salariscontact of gemachtigde" in str(why)


@pytest.mark.parametrize(
    "word, role",
    [("Directeur", "director"), ("directie", "director"), ("eigenaar", "director"), ("fiscaal partner", "partner"), ("partner", "partner"),
     ("echtgenote", "partner"), ("salarisadministratie", "payroll"), ("Salaris", "payroll"), ("gevolmachtigde", "authorised"), ("director", "director")],
)  # fmt: skip
async def test_people_s_own_words_are_understood(office, word, role):
    await imported(office.anna, users(f"1;Rik;Jansen;rik@x.example;beheerder;{word}"))

    assert [one[2] for one in await given()] == [role]


async def test_a_second_time_changes_nothing_and_an_empty_cell_takes_no_role_away(office):
    await imported(office.anna, users("1;Rik;Jansen;rik@x.example;beheerder;directeur"))

    again = await planned(office.anna, users("1;Rik;Jansen;rik@x.example;beheerder;directeur"))
    empty = await planned(office.anna, users("1;Rik;Jansen;rik@x.example;beheerder;"))
    more = await imported(office.anna, users("1;Rik;Jansen;rik@x.example;beheerder;directeur, gemachtigde"))

    assert [row.action for record in (again, empty) for row in await rows_of(record)] == ["unchanged", "unchanged"]
    [row] = await rows_of(more)
    assert (row.action, row.moves) == ("changed", {"approver_role": ["director", "director,authorised"]})
    assert [one[2] for one in await given()] == ["director", "authorised"]


async def test_taken_back_the_role_of_who_stays_is_ended_and_of_who_goes_it_goes(office):
    client = (await engine.raw("SELECT id FROM client WHERE number = '1'"))[0]["id"]
    bo = await person(client, "Bo", int(ALL))
    record = await imported(
        office.anna,
        users(f"1;Bo;Test;{bo.user.email};;directeur", "1;Rik;Jansen;rik@x.example;beheerder;directeur"),
    )
    assert len(await given()) == 2

    await record.undo(by=office.anna)
    record = await carried_out(record)

    assert record.state == "undone"
    [(_, email, _, until)] = await given()
    assert email == bo.user.email and str(until)[:10] < this_day().isoformat()
    assert (await roles_of(client, this_day()))["director"] == []


async def test_rights_without_approving_are_said_and_a_role_that_moved_since_stops_the_import(office):
    record = await planned(
        office.anna, users("1;Rik;Jansen;rik@x.example;lezer;directeur", "2;Jo;Bos;jo@x.example;accorderen;directeur")
    )
    notes = {row.line: [str(why) for _, why in row.notes] for row in await rows_of(record)}
    assert any("niet accorderen" in why for why in notes[2]) and not any("niet accorderen" in why for why in notes[3])

    await imported(office.anna, users("1;Rik;Jansen;rik@x.example;lezer;gemachtigde"))
    await record.commit(record.plan_hash, by=office.anna)
    assert (await carried_out(record)).state == "planned"


async def test_the_export_of_users_and_the_example_file_have_the_column(office):
    await imported(office.anna, users("1;Rik;Jansen;rik@x.example;beheerder;directeur, gemachtigde"))

    rows = await lists.page(office.anna, lists.Filter(q="rik"), "name", 1, 0, COLUMNS)

    assert {one for row in rows for one in (row["approver_roles"] or "").split(",")} >= {"director", "authorised"}
    with zipfile.ZipFile(io.BytesIO(example("users"))) as book:
        assert b"Rol bij accorderen" in book.read("xl/worksheets/sheet1.xml")
