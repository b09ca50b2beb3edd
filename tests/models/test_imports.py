"""Imports from file to records and back, on both databases."""

from __future__ import annotations

import pytest

import partials
from models import engine, tasks
from models.clients import Access, Client, ClientGroup, Membership
from models.core import Forbidden
from models.imports import ImportRow, add_import
from models.tasks import Progress, Task
from tests.models.importing import (
    CONTACTS,
    HOSTILE,
    again,
    carried_out,
    empty_the_office,
    imported,
    planned,
    refused_lines,
)


@pytest.fixture
async def anna(cast):
    await empty_the_office()
    return cast.anna


async def test_what_moved_since_the_plan_is_not_overwritten(anna):
    await imported(anna, b"Nummer;Naam;Plaats\n1;Jansen;Ede\n2;Smit;Ede\n")
    record = await planned(anna, b"Nummer;Naam;Plaats\n1;Jansen;Epe\n2;Smit;Ede\n3;Nieuw;Ede\n")
    await engine.raw("UPDATE client SET phone = '06' WHERE number = '1'")

    await record.commit(record.plan_hash, by=anna)
    record = await carried_out(record)

    assert record.state == "planned"
    assert "is er iets gewijzigd" in str(record.said)
    assert await Client.count() == 2
    await record.plan(kind="clients", columns=record.columns, by=anna)
    record = await carried_out(record)
    await record.commit(record.plan_hash, by=anna)
    assert (await carried_out(record)).state == "committed"
    assert await Client.count() == 3


async def test_empty_cells_erase_nothing_and_the_plan_tells_before_and_after(anna):
    await imported(anna, b"Nummer;Naam;Plaats;Telefoon\n1;Jansen;Ede;0318-555123\n")
    record = await imported(anna, b"Nummer;Naam;Plaats;Telefoon\n1;Jansen B.V.;;\n")

    [row] = await ImportRow.objects().where(ImportRow.batch == record.id)
    assert (row.action, row.moves) == ("changed", {"name": ["Jansen", "Jansen B.V."]})
    client = await Client.objects().first()
    assert (client.name, client.city, client.phone) == ("Jansen B.V.", "Ede", "0318-555123")
    assert "jansen b.v." in client.search_key


async def test_contacts_come_with_their_clients_and_one_person_is_one_login(anna):
    record = await imported(anna, CONTACTS)

    pairs = await engine.raw(
        "SELECT u.email, c.number FROM access a JOIN users u ON u.id = a.person JOIN client c ON c.id = a.client ORDER BY 1, 2"
    )
    assert [tuple(row.values()) for row in pairs] == [
        ("fem@jansen.example", "1"), ("rik@jansen.example", "1"), ("rik@jansen.example", "2"),
    ]  # fmt: skip
    assert await Client.count() == 4
    assert await refused_lines(record) == [6, 7]


async def test_who_has_access_elsewhere_gets_this_client_as_well(anna):
    await imported(anna, CONTACTS)
    record = await imported(
        anna,
        "Cliëntnr;Achternaam;E-mailadres;Rol\n3;Vries;fem@jansen.example;lezer\n2;Ander;fem@jansen.example;lezer\n".encode(),
    )

    assert await refused_lines(record) == [3]
    row = await ImportRow.objects().where((ImportRow.batch == record.id) & (ImportRow.action == "changed")).first()
    assert row.moves == {"access": ["", "Smit"]}
    assert "geen tweede gebruiker" in str(row.notes[0][1])
    assert len(await engine.raw("SELECT id FROM users WHERE email_key = 'fem@jansen.example'")) == 1


SHARED = """Cliëntnr;Roepnaam;Achternaam;E-mailadres;Rol
1;Jan;de Vries;thuis@vries.example;lezer
1;Ria;de Vries;thuis@vries.example;lezer
2;Jan;de Vries;thuis@vries.example;lezer
3;Kees;Mol;fem@jansen.example;lezer
"""


async def test_people_share_an_address_only_when_that_was_chosen(anna):
    await imported(anna, CONTACTS)
    record = await planned(anna, SHARED.encode())
    assert await refused_lines(record) == [3, 5]

    await record.plan(kind="users", columns=record.columns, choices=["share_addresses"], by=anna)
    record = await carried_out(record)
    assert await refused_lines(record) == []
    rows = await ImportRow.objects().where(ImportRow.batch == record.id).order_by(ImportRow.line)
    assert [row.action for row in rows] == ["new", "new", "changed", "new"]
    assert "Deelt dit adres met Jan de Vries" in str(rows[1].notes[-1][1])
    await record.commit(record.plan_hash, by=anna)
    record = await carried_out(record)

    pairs = await engine.raw(
        "SELECT u.first_name, c.number FROM access a JOIN users u ON u.id = a.person JOIN client c ON c.id = a.client "
        "WHERE u.email_key IN ('thuis@vries.example', 'fem@jansen.example') ORDER BY u.first_name, c.number"
    )
    found = [tuple(row.values()) for row in pairs]
    assert [pair for pair in found if pair[0] in ("Jan", "Kees", "Ria")] == [
        ("Jan", "1"),
        ("Jan", "2"),
        ("Kees", "3"),
        ("Ria", "1"),
    ]
    again = await planned(anna, SHARED.encode())
    assert {row.action for row in await ImportRow.objects().where(ImportRow.batch == again.id)} == {"unchanged"}

    await record.undo(by=anna)
    assert (await carried_out(record)).state == "undone"
    assert not await engine.raw("SELECT 1 AS one FROM users WHERE email_key = 'thuis@vries.example'")


async def test_unknown_groups_are_made_only_when_asked(anna):
    content = "Nummer;Naam;Cliëntgroep\n1;Jansen;Nieuw\n".encode()
    await imported(anna, content)
    assert not await ClientGroup.exists()

    record = await planned(anna, content)
    await record.plan(kind="clients", columns=record.columns, choices=["make_groups"], by=anna)
    record = await carried_out(record)
    await record.commit(record.plan_hash, by=anna)
    assert (await carried_out(record)).state == "committed"
    assert await ClientGroup.count() == 1
    assert await Membership.count() == 1


async def test_an_employee_imports_for_himself_and_changes_nobody_elses_clients(anna, cast):
    await imported(anna, b"Nummer;Naam\n1;Jansen\n")
    record = await imported(cast.ed, b"Nummer;Naam\n1;Gestolen\n2;Eigen\n")

    assert await refused_lines(record) == [2]
    assert [row["name"] for row in await cast.ed.clients.select()] == ["Eigen"]


async def test_clients_may_not_import(cast):
    with pytest.raises(Forbidden):
        await add_import(cast.rik.imports, file_name="a.csv", sha256="0" * 64, size=1, by=cast.rik)


@pytest.mark.parametrize("name", ["not_a_sheet.xlsx", "encrypted.xlsx", "truncated.xlsx", "only_bom.csv"])
async def test_a_file_that_is_no_list_fails_in_words_and_changes_nothing(anna, name):
    record = await planned(anna, HOSTILE / name)

    assert record.state == "failed"
    assert str(record.said).startswith(("Dit", "De", "Onder", "In"))
    assert not await Client.exists()


async def test_the_work_begun_twice_is_done_once(anna):
    record = await imported(anna, CONTACTS)
    task = await Task.objects().where(Task.kind == "commit_import").first()

    await tasks.WORKS["commit_import"](task, Progress(task))

    assert await Client.count() == 4
    assert (await again(record)).state == "committed"


USERS = "Cliëntnr;Voornaam;Achternaam;E-mailadres;Rol\n"


async def reason(record, line: int) -> str:
    row = await ImportRow.objects().where((ImportRow.batch == record.id) & (ImportRow.line == line)).first()
    return str(row.notes[0][1]) if row.action == "refused" else row.action


@pytest.fixture
async def two_clients(anna):
    await imported(
        anna, b"Nummer;Naam;E-mail\n1;Bakkerij Jansen;info@bakkerij.example\n2;Beheer;\n3;Smit;smit@garage.example\n"
    )


@pytest.mark.usefixtures("two_clients")
async def test_an_address_that_seems_somebody_elses_is_refused(anna):
    record = await planned(
        anna,
        f"{USERS}1;Piet;Jansen;;lezer\n1;Jan;Bos;PIET.JANSEN@POST.EXAMPLE;lezer\n2;Rik;Jansen;rik.jansen@post.example;lezer\n"
        "2;Jansje;Bos;jansje@jansen.example;lezer\n".encode(),
    )

    assert await reason(record, 3) == (
        "Dit adres lijkt dat van Piet Jansen (regel 2), die zelf geen adres heeft. Klopt het toch, haal dan regel 2 uit het bestand."
    )
    assert await reason(record, 4) == "new"
    assert await reason(record, 5) == "new", "her own first name stands in it"
    once_more = await planned(anna, f"{USERS}1;Jan;Bos;PIET.JANSEN@POST.EXAMPLE;lezer\n".encode())
    assert await reason(once_more, 2) == "new"


@pytest.mark.usefixtures("two_clients")
async def test_a_name_far_away_says_nothing_unless_it_is_the_whole_name(anna):
    between = "".join(f"2;P{n};Smit;p{n}@post.example;lezer\n" for n in range(12))
    record = await planned(
        anna,
        f"{USERS}1;Piet;Jansen;;lezer\n{between}1;Jan;Bos;info@jansen.example;lezer\n1;Eva;Vos;piet.jansen@post.example;lezer\n".encode(),
    )

    assert await reason(record, 15) == "new"
    assert "Piet Jansen (regel 2)" in await reason(record, 16)


@pytest.mark.usefixtures("two_clients")
async def test_the_address_of_another_client_is_nobodys_elsewhere(anna):
    record = await planned(
        anna,
        f"{USERS}2;Jan;Bos;SMIT@garage.example;lezer\n3;Eva;Vos;info@bakkerij.example;lezer\n1;Eva;Vos;INFO@bakkerij.example;lezer\n3;Jan;Smit;smit@garage.example;lezer\n".encode(),
    )

    # Line 2 is refused for another reason as well: line 5, at the client himself, has it under another name.
    assert await refused_lines(record) == [5]
    alone = await planned(anna, f"{USERS}2;Jan;Bos;SMIT@garage.example;lezer\n".encode())
    assert await reason(alone, 2) == (
        "Dit is het e-mailadres van Smit, en niemand met dit adres is daar gebruiker. De uitnodiging zou bij een ander aankomen."
    )


@pytest.mark.usefixtures("two_clients")
async def test_who_is_a_user_of_the_client_whose_address_it_is_gets_another_client(anna):
    await imported(anna, f"{USERS}3;Jan;Smit;smit@garage.example;lezer\n".encode())
    record = await imported(anna, f"{USERS}2;Jan;Smit;smit@garage.example;lezer\n".encode())

    assert await reason(record, 2) == "changed"
    assert await Access.count() == 2


async def test_of_a_list_of_clients_the_addresses_in_it_count(anna):
    record = await planned(
        anna,
        b"Nummer;Naam;E-mail;Voornaam;Achternaam;E-mail contactpersoon\n1;Bakker;info@bakker.example;;;\n"
        b"2;Smit;info@smit.example;Jan;Bos;info@bakker.example\n3;Beheer;eva@vos.example;Eva;Vos;eva@vos.example\n4;Holding;eva@vos.example;Eva;Vos;eva@vos.example\n",
    )

    rows = await ImportRow.objects().where((ImportRow.batch == record.id) & (ImportRow.part == "user"))
    assert {row.line: row.action for row in rows} == {3: "refused", 4: "new", 5: "changed"}


async def test_an_address_that_a_user_has_already_stays_as_it_is(anna):
    content = f"{USERS}2;Jan;Bos;smit@garage.example;lezer\n".encode()
    await imported(anna, b"Nummer;Naam\n2;Beheer\n")
    await imported(anna, content)
    await imported(anna, b"Nummer;Naam;E-mail\n3;Smit;smit@garage.example\n")

    record = await planned(anna, content)

    assert await reason(record, 2) == "unchanged"


async def test_a_reason_that_names_a_column_names_it_in_the_readers_language(anna):
    record = await planned(anna, b"Nummer;Naam;Plaats\n1;;Ede\n")

    [row] = await ImportRow.objects().where(ImportRow.batch == record.id)
    [(field, why)] = row.notes
    assert (field, str(why)) == ("name", "Naam ontbreekt.")
    with partials.speaking("en"):
        assert partials.speak(why) == "Name is missing."


async def test_who_also_has_clients_of_others_is_not_renamed_by_an_employees_file(cast):
    """He may be given access, or another role, at the employee's own client; his name is of all his clients."""
    rik = (await engine.raw("SELECT id, surname, email FROM users WHERE email = 'rik@bakkerij-jansen.example'"))[0]
    async with engine.writing():
        await engine.raw(
            "INSERT INTO access (person, client, rights, role, created_at) SELECT $1, $2, 1, 'lezer', created_at FROM users WHERE id = $1",
            rik["id"], cast.garage,
        )  # fmt: skip
    number = (await engine.raw("SELECT number FROM client WHERE id = $1", cast.bakkerij))[0]["number"]

    record = await planned(
        cast.ed, f"Clientnummer;Voornaam;Achternaam;E-mail\n{number};Richard;Jansen;{rik['email']}\n".encode()
    )

    rows = await ImportRow.objects().where(ImportRow.batch == record.id)
    assert [row.action for row in rows] == ["refused"]
    assert "waarvoor u niet verantwoordelijk bent" in str(rows[0].notes[0][1])


WHOLE = """Cliëntnummer;Naam;Rechtsvorm;Soort cliënt;Vestigingsnummer;RSIN;Loonheffingennummer;Website;Postadres straat;Postadres huisnummer;Postadres postcode;Postadres plaats
007;Zee B.V.;BV;;000012345678;004495445;123456782L01, 123456782L02;www.zee.example;Postbus;12;2202ab;NOORDWIJK
008;J. Bos;Eenmanszaak;;;;;;;;;
009;E. Bos;;particulier;;;;;;;;
010;Fout;;vereniging;1;123456789;x;geen site;;;0000;
""".encode()  # fmt: skip


async def test_all_that_a_client_has_comes_from_the_list(anna):
    record = await imported(anna, WHOLE)
    rows = {row["number"]: row for row in await engine.raw("SELECT * FROM client")}
    whole = rows["007"]

    assert await refused_lines(record) == [5]
    assert (whole["kind"], whole["branch_number"], whole["rsin"]) == ("organisation", "000012345678", "004495445")
    assert whole["payroll_numbers"] == "123456782L01, 123456782L02" and whole["website"] == "https://www.zee.example"
    assert (whole["post_street"], whole["post_house_number"], whole["post_postcode"]) == ("Postbus", "12", "2202 AB")
    assert (rows["008"]["kind"], rows["009"]["kind"]) == ("sole_trader", "private")
    wrong = await ImportRow.objects().where((ImportRow.batch == record.id) & (ImportRow.action == "refused")).first()
    assert {field for field, _ in wrong.notes} >= {
        "kind", "branch_number", "rsin", "payroll_numbers", "website", "post_postcode",
    }  # fmt: skip


async def test_a_later_list_changes_only_what_it_says(anna):
    await imported(anna, WHOLE)
    record = await imported(anna, "Cliëntnummer;Naam;Website\n007;Zee B.V.;\n008;J. Bos;bos.example\n".encode())
    rows = {row["number"]: row for row in await engine.raw("SELECT number, kind, website, rsin FROM client")}

    assert rows["007"]["website"] == "https://www.zee.example" and rows["007"]["rsin"] == "004495445"
    assert rows["008"] == {"number": "008", "kind": "sole_trader", "website": "https://bos.example", "rsin": ""}
    changed = await ImportRow.objects().where((ImportRow.batch == record.id) & (ImportRow.action == "changed")).first()
    assert changed.moves == {"website": ["", "https://bos.example"]}
