"""Imports from file to records and back: the sample office's files end as its truth says, on both databases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models import engine, tasks
from models.clients import Access, Client, ClientGroup, Membership
from models.core import Forbidden, Refused
from models.imports import Import, ImportRow, add_import
from models.imports import work as _work  # noqa: F401  declares the kinds of work
from models.storage import storage
from models.tasks import Progress, Task

OFFICE = Path(__file__).parents[1] / "data" / "kantoor-60"
TRUTH = json.loads((OFFICE / "truth.json").read_text(encoding="utf-8"))
FIELDS = {
    "number": "nummer", "name": "naam", "legal_form": "rechtsvorm", "kvk": "kvk", "vat": "btw", "iban": "iban", "street": "straat",
    "house_number": "huisnummer", "addition": "toevoeging", "postcode": "postcode", "city": "plaats", "email": "email",
    "sbi": "sbi", "sector": "branche", "manager": "relatiebeheerder",
}  # fmt: skip


async def carried_out(record: Import) -> Import:
    """As a worker does with the work that waits for this import."""
    for task in await Task.objects().where((Task.subject_id == record.id) & (Task.state == "waiting")).order_by(Task.id):
        try:
            outcome = await tasks.WORKS[task.kind](task, Progress(task))
        except Refused as refused:
            await tasks.finish(task, "failed", refused.why.as_json())
        else:
            await tasks.finish(task, "done", outcome)
    return await again(record)


async def again(record: Import) -> Import:
    found = await Import.objects().where(Import.id == record.id).first()
    assert found is not None
    return found


async def planned(by, content: bytes | Path, name: str = "lijst.csv", **how) -> Import:
    data = content.read_bytes() if isinstance(content, Path) else content
    name = content.name if isinstance(content, Path) else name
    stored = await storage().put(data)
    record = await engine.run_writing(
        lambda: add_import(by.imports, file_name=name, sha256=stored.sha256, size=len(data), by=by)
    )
    record = await carried_out(record)
    if how:
        await engine.run_writing(lambda: record.plan(by=by, **how))
        record = await carried_out(record)
    return record


async def imported(by, content: bytes | Path, name: str = "lijst.csv", **how) -> Import:
    record = await planned(by, content, name, **how)
    assert record.state == "planned", record.said
    await engine.run_writing(lambda: record.commit(record.plan_hash, by=by))
    record = await carried_out(record)
    assert record.state == "committed", record.said
    return record


async def refused_lines(record: Import) -> list[int]:
    rows = await ImportRow.objects().where((ImportRow.batch == record.id) & (ImportRow.action == "refused"))
    return sorted({row.line for row in rows})


def lines(file: str, *kinds: str) -> list[int]:
    return sorted(m["line"] for m in TRUTH["mistakes"] if m["file"] == file and m["kind"] in kinds)


@pytest.fixture
async def anna(cast):
    """The administrator of an office in which nothing of the sample stands in the way."""
    for table in ("access", "membership", "client_group"):
        await engine.raw(f"DELETE FROM {table}")
    await engine.raw("DELETE FROM client")
    await engine.raw("DELETE FROM users WHERE kind = 'client'")
    return cast.anna


@pytest.mark.parametrize("file", ["clienten.xlsx", "clienten_tab.txt"])
async def test_clients_are_exactly_as_the_truth_says(anna, file):
    await imported(anna, OFFICE / "groepen.csv")
    record = await imported(anna, OFFICE / file)

    found = {row["number"]: row for row in await Client.select()}
    members = await engine.raw("SELECT c.number, g.name FROM membership m JOIN client c ON c.id = m.client JOIN client_group g ON g.id = m.client_group")
    assert record.numbers["new"] == 60
    assert set(found) == {one["nummer"] for one in TRUTH["clients"]}
    for one in TRUTH["clients"]:
        row = found[one["nummer"]]
        told = [field for field in FIELDS if field in record.columns.values()]
        assert {field: row[field] for field in told} == {field: " ".join(one[FIELDS[field]].split()) for field in told}
        if "since" in record.columns.values():
            assert str(row["since"]) == one["startdatum"]
    if "groups" in record.columns.values():
        assert sorted((row["number"], row["name"]) for row in members) == sorted(
            (one["nummer"], one["groep"]) for one in TRUTH["clients"] if one["groep"]
        )


async def test_the_mistakes_in_the_list_for_excel_are_found_and_no_others(anna):
    await imported(anna, OFFICE / "groepen.csv")
    record = await planned(anna, OFFICE / "clienten_excel_nl.csv")

    assert await refused_lines(record) == lines("clienten_excel_nl.csv", "error")
    warned = await ImportRow.objects().where((ImportRow.batch == record.id) & (ImportRow.action == "new") & (ImportRow.reasons != "[]"))
    assert {row.line for row in warned} >= set(lines("clienten_excel_nl.csv", "warn"))


async def test_the_list_of_relations_refuses_formulas_and_totals(anna):
    record = await planned(anna, OFFICE / "clienten_relaties.xlsx")

    assert await refused_lines(record) == lines("clienten_relaties.xlsx", "error", "skip-or-error")


async def test_users_are_exactly_as_the_truth_says(anna):
    for file in ("groepen.csv", "clienten.xlsx"):
        await imported(anna, OFFICE / file)
    record = await imported(anna, OFFICE / "gebruikers.csv")

    wrong = lines("gebruikers.csv", "error")
    assert await refused_lines(record) == wrong
    # The address in capitals belongs to somebody whose own line has none: so it makes one login here, and not two.
    capitals = lines("gebruikers.csv", "error-or-link")
    right = [one for n, one in enumerate(TRUTH["users"], 2) if n not in wrong + capitals]
    rows = await engine.raw(
        "SELECT u.email, u.first_name, u.initials, u.prefix, u.surname, u.language, u.state, a.role, c.number FROM access a JOIN users u ON u.id = a.person JOIN client c ON c.id = a.client"
    )
    assert len(rows) == len({row["email"].casefold() for row in rows}) == len(right) + len(capitals)
    assert {tuple(row.values()) for row in rows} > {
        (one["email"], one["voornaam"], one["voorletters"], one["tussenvoegsel"], " ".join(one["achternaam"].split()), one["taal"], "prepared", one["rol"], one["client"])
        for one in right
    }


async def test_the_same_files_once_more_change_nothing(anna):
    files = ("groepen.csv", "clienten.xlsx", "gebruikers.csv")
    for file in files:
        await imported(anna, OFFICE / file)
    for file in files:
        record = await planned(anna, OFFICE / file)
        assert (record.numbers["new"], record.numbers["changed"]) == (0, 0), file
        with pytest.raises(Refused):
            await record.commit(record.plan_hash, by=anna)


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


CONTACTS = """Cliëntnummer;Naam;Plaats;Voornaam;Achternaam;E-mail contactpersoon
1;Jansen;Ede;Rik;Jansen;rik@jansen.example
1;Jansen;Ede;Fem;Vries;fem@jansen.example
2;Beheer;Ede;Rik;Jansen;RIK@JANSEN.EXAMPLE
3;Smit;Ede;;;
4;Bos;Ede;Jan;Bos;geen adres
1;Anders;Ede;Piet;Smit;piet@jansen.example
""".encode()


async def test_contacts_come_with_their_clients_and_one_person_is_one_login(anna):
    record = await imported(anna, CONTACTS)

    pairs = await engine.raw("SELECT u.email, c.number FROM access a JOIN users u ON u.id = a.person JOIN client c ON c.id = a.client ORDER BY 1, 2")
    assert [tuple(row.values()) for row in pairs] == [
        ("fem@jansen.example", "1"), ("rik@jansen.example", "1"), ("rik@jansen.example", "2"),
    ]  # fmt: skip
    assert await Client.count() == 4
    assert await refused_lines(record) == [6, 7]


async def test_who_has_access_elsewhere_gets_this_client_as_well(anna):
    await imported(anna, CONTACTS)
    record = await imported(anna, "Cliëntnr;Achternaam;E-mailadres;Rol\n3;Vries;fem@jansen.example;lezer\n2;Ander;fem@jansen.example;lezer\n".encode())

    assert await refused_lines(record) == [3]
    row = await ImportRow.objects().where((ImportRow.batch == record.id) & (ImportRow.action == "changed")).first()
    assert row.moves == {"access": ["", "Smit"]}
    assert "geen tweede gebruiker" in str(row.notes[0][1])
    assert len(await engine.raw("SELECT id FROM users WHERE email_key = 'fem@jansen.example'")) == 1


async def test_unknown_groups_are_made_only_when_asked(anna):
    content = "Nummer;Naam;Cliëntgroep\n1;Jansen;Nieuw\n".encode()
    await imported(anna, content)
    assert not await ClientGroup.exists()

    record = await planned(anna, content)
    await record.plan(kind="clients", columns=record.columns, make_groups=True, by=anna)
    record = await carried_out(record)
    await record.commit(record.plan_hash, by=anna)
    assert (await carried_out(record)).state == "committed"
    assert await ClientGroup.count() == 1
    assert await Membership.count() == 1


async def test_undo_takes_back_what_was_made_and_changed(anna):
    await imported(anna, b"Nummer;Naam;Plaats;Telefoon\n1;Jansen;Ede;0318-555123\n")
    before = await Client.select()
    record = await imported(anna, CONTACTS)

    await record.undo(by=anna)
    record = await carried_out(record)

    assert record.state == "undone"
    assert await Client.select() == before
    assert not await Access.exists()
    assert not await engine.raw("SELECT id FROM users WHERE kind = 'client'")


async def test_what_changed_since_is_left_by_undo(anna):
    await imported(anna, b"Nummer;Naam;Plaats\n1;Jansen;Ede\n2;Smit;Ede\n")
    record = await imported(anna, b"Nummer;Naam;Plaats\n1;Jansen;Epe\n2;Smit;Epe\n")
    await engine.raw("UPDATE client SET city = 'Utrecht' WHERE number = '1'")

    await record.undo(by=anna)
    await carried_out(record)

    assert {row["number"]: row["city"] for row in await Client.select()} == {"1": "Utrecht", "2": "Ede"}


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        ("UPDATE users SET state = 'invited' WHERE kind = 'client'", "al uitgenodigd"),
        ("UPDATE access SET imported = NULL", "later gebruikers toegevoegd"),
        ("INSERT INTO trail (at, operation, record_table, record_id, client, detail) SELECT '2099-01-01T00:00:00+00:00', 'Client.change', 'Client', id, id, '{}' FROM client", "sindsdien iets gewijzigd"),
    ],
)  # fmt: skip
async def test_undo_is_refused_while_something_depends_on_it(anna, deed, words):
    record = await imported(anna, CONTACTS)
    await engine.raw(deed)

    with pytest.raises(Refused, match=words):
        await record.undo(by=anna)
    assert (await again(record)).state == "committed"
    assert await Client.count() == 4


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
    record = await planned(anna, OFFICE.parent / "hostile" / name)

    assert record.state == "failed"
    assert str(record.said).startswith(("Dit", "De", "Onder", "In"))
    assert not await Client.exists()


async def test_the_work_begun_twice_is_done_once(anna):
    record = await imported(anna, CONTACTS)
    task = await Task.objects().where(Task.kind == "commit_import").first()

    await tasks.WORKS["commit_import"](task, Progress(task))

    assert await Client.count() == 4
    assert (await again(record)).state == "committed"
