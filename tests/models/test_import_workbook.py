"""One workbook with every list; mappings that are kept; doubtful doubles; and that what was seen is what is done."""

from __future__ import annotations

import io
from collections import Counter
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from models import engine
from models.clients import Client, settle
from models.core import Forbidden, Refused, save
from models.imports import Import, ImportMapping, ImportRow, keep_mapping
from models.imports.lexicon import FIELDS, KINDS, SHEETS, Kind
from models.imports.report import template_workbook
from models.outbox import MAIL_KINDS, Errand
from models.viewer import Viewer
from tests.cast import Cast, as_viewer
from tests.models.importing import empty_the_office, imported, planned, rows_of, taken_back

Lists = dict[Kind, list[dict[str, str]]]

OFFICE: Lists = {
    "sectors": [{"name": "Imkerij", "sbi": "01.49"}, {"name": "Horeca", "sbi": "55"}],
    "groups": [{"name": "Golf 1", "description": "Eerst"}],
    "staff": [
        {"surname": "Bos", "first_name": "Bea", "email": "bea@kantoor.example", "staff_role": "kantoorbeheerder", "all_clients": "ja"},
        {"surname": "Veen", "first_name": "Kim", "email": "kim@kantoor.example"},
    ],
    "clients": [
        {"number": "007", "name": "Imkerij Zoet", "kvk": "12345679", "groups": "Golf 1", "sector": "Imkerij"},
        {"number": "008", "name": "Bakker", "postcode": "1234 AB", "city": "Ede"},
    ],
    "duties": [
        {"client_number": "007", "colleague": "Kim Veen", "duties": "Relatiebeheer, belasting"},
        {"client_number": "008", "colleague_email": "ed@kantoor.example"},
    ],
    "users": [
        {"client_number": "007", "surname": "Zoet", "first_name": "Zus", "email": "zus@zoet.example", "role": "beheerder"},
        {"client_number": "008", "surname": "Zoet", "first_name": "Zus", "email": "ZUS@zoet.example", "role": "lezer"},
    ],
}  # fmt: skip


def workbook(lists: Lists) -> bytes:
    """Our own template, filled in as people do."""
    book = openpyxl.load_workbook(io.BytesIO(template_workbook()))
    for kind, rows in lists.items():
        sheet = book[SHEETS[kind]]
        for at, row in enumerate(rows, 2):
            for column, field in enumerate(FIELDS[kind], 1):
                if row.get(field.name):
                    sheet.cell(at, column, row[field.name])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


TABLES = ("sector", "client_group", "users", "client", "membership", "responsible", "access", "reach", "client_sector")


async def everything() -> dict[str, list[dict[str, Any]]]:
    """All rows that an import touches, without what numbers them."""
    found = {}
    for table in TABLES:
        rows = await engine.raw(f"SELECT * FROM {table}")
        for row in rows:
            if table not in ("users", "client", "client_group", "sector"):
                row.pop("id", None)
        found[table] = sorted(rows, key=lambda row: repr(sorted(row.items(), key=lambda item: item[0])))
    return found


@pytest.fixture
async def anna(cast: Cast) -> Viewer:
    await empty_the_office()
    await engine.run_writing(settle)
    return cast.anna


async def test_a_whole_office_comes_out_of_one_workbook_and_goes_again(anna: Viewer) -> None:
    before = await everything()
    record = await imported(anna, workbook(OFFICE), "kantoor.xlsx")

    assert record.kind == "workbook" and not await rows_of(record, "refused")
    parts = Counter(row.part for row in await rows_of(record, "new"))
    assert parts == {"sector": 1, "group": 1, "staff": 2, "client": 2, "duty": 2, "user": 1}
    assert [(row.part, row.label) for row in await rows_of(record, "changed")] == [
        ("sector", "Horeca"),
        ("user", "Zus Zoet"),
    ]
    kim = (await as_viewer("kim@kantoor.example")).user
    bea = (await as_viewer("bea@kantoor.example")).user
    assert (kim.kind, kim.state, kim.role, kim.all_clients) == ("staff", "prepared", "employee", False)
    assert (bea.role, bea.all_clients) == ("office_administrator", True)
    assert not await Errand.exists().where(Errand.kind.is_in(list(MAIL_KINDS)))
    duties = await engine.raw(
        "SELECT c.number, u.first_name, r.roles FROM responsible r JOIN users u ON u.id = r.person JOIN client c ON c.id = r.client ORDER BY c.number"
    )
    assert [tuple(row.values()) for row in duties] == [("007", "Kim", "manager,tax"), ("008", "Ed", "")]
    assert [row["name"] for row in await (await as_viewer("kim@kantoor.example")).clients.select(Client.name)] == [
        "Imkerij Zoet"
    ]

    again = await planned(anna, workbook(OFFICE), "kantoor.xlsx")
    rows = await ImportRow.objects().where(ImportRow.batch == again.id)
    assert not [(row.part, row.label, row.moves) for row in rows if row.action != "unchanged"]

    assert (await taken_back(anna, record)).state == "undone"
    assert await everything() == before


async def test_a_change_of_duties_is_shown_and_undone(anna: Viewer) -> None:
    await imported(anna, workbook(OFFICE), "kantoor.xlsx")
    changed: Lists = {
        "duties": [{"client_number": "007", "colleague_email": "kim@kantoor.example", "duties": "Salarissen"}]
    }
    record = await imported(anna, workbook(changed), "kantoor.xlsx")

    [row] = await rows_of(record, "changed")
    assert row.moves == {"duties": ["manager,tax", "payroll"]}
    assert (await engine.raw("SELECT roles FROM responsible WHERE roles <> ''"))[0]["roles"] == "payroll"
    await taken_back(anna, record)
    assert (await engine.raw("SELECT roles FROM responsible WHERE roles <> ''"))[0]["roles"] == "manager,tax"


async def test_an_employee_brings_no_colleagues_and_names_nobody_elses_clients(cast: Cast) -> None:
    lists: Lists = {
        "staff": [{"surname": "Dief", "email": "dief@kantoor.example", "staff_role": "beheerder"}],
        "duties": [{"client_number": "10001", "colleague_email": "ed@kantoor.example"}],
        "clients": [{"number": "90001", "name": "Van Ed"}],
    }
    [unseen] = await engine.raw(
        "SELECT number FROM client WHERE id NOT IN (SELECT client FROM reach WHERE person = $1) LIMIT 1",
        cast.ed.user.id,
    )
    lists["duties"][0]["client_number"] = unseen["number"]
    record = await imported(cast.ed, workbook(lists), "kantoor.xlsx")

    assert {row.part for row in await rows_of(record, "refused")} == {"staff", "duty"}
    assert not await engine.raw("SELECT 1 AS one FROM users WHERE email_key = 'dief@kantoor.example'")


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"colleague_email": "niemand@kantoor.example"}, "Er is geen medewerker niemand@kantoor.example"),
        ({"colleague_email": "ed@kantoor.example", "duties": "Koffie"}, "“koffie” kennen wij niet"),
        ({}, "ontbreekt"),
    ],
)
async def test_what_is_wrong_with_a_responsible_is_said(anna: Viewer, row: dict[str, str], why: str) -> None:
    lists: Lists = {"clients": [{"number": "1", "name": "Een"}], "duties": [{"client_number": "1", **row}]}
    record = await planned(anna, workbook(lists), "kantoor.xlsx")

    [refused] = await rows_of(record, "refused")
    assert refused.sheet == "Verantwoordelijken" and any(why in str(said) for _, said in refused.notes)


async def test_who_seems_to_be_there_is_pointed_at_or_left_out(anna: Viewer) -> None:
    await imported(anna, b"Nummer;Naam;KvK;Postcode\n1;Jansen;12345679;1234 AB\n")
    content = b"Nummer;Naam;KvK;Postcode\n2;Jansen B.V.;12345679;\n3;JANSEN;;1234AB\n4;Anders;12345679;9999 XX\n5;Jansen;;5555 ZZ\n"
    record = await planned(anna, content)
    notes = {row.line: [str(why) for _, why in row.notes] for row in await rows_of(record, "new")}
    assert notes == {
        2: ["Jansen (1) heeft hetzelfde KvK-nummer. Is dit dezelfde cliënt?"],
        3: ["Jansen (1) heeft dezelfde naam en postcode. Is dit dezelfde cliënt?"],
        4: ["Jansen (1) heeft hetzelfde KvK-nummer. Is dit dezelfde cliënt?"],
        5: [],
    }

    record = await planned(anna, content, kind="clients", columns=record.columns, choices=["leave_doubles"])
    assert [row.line for row in await rows_of(record, "refused")] == [2, 3, 4]


async def test_whom_he_does_not_see_is_not_named_to_who_imports(cast: Cast) -> None:
    [unseen] = await engine.raw(
        "SELECT name, number FROM client WHERE id NOT IN (SELECT client FROM reach WHERE person = $1) LIMIT 1",
        cast.ed.user.id,
    )
    await engine.raw("UPDATE client SET kvk = '12345679' WHERE number = $1", unseen["number"])
    [person] = await engine.raw(
        "SELECT u.email, u.surname FROM users u WHERE u.kind = 'client' AND u.email <> '' AND u.id NOT IN (SELECT a.person "
        "FROM access a JOIN reach r ON r.client = a.client WHERE r.person = $1) LIMIT 1",
        cast.ed.user.id,
    )
    lists: Lists = {
        "clients": [
            {
                "number": "90001",
                "name": "Nieuw",
                "kvk": "12345679",
                "contact_surname": "Anders",
                "contact_email": person["email"],
            }
        ],
        "groups": [{"name": "Golf"}],
    }
    record = await planned(cast.ed, workbook(lists), "kantoor.xlsx")
    parts, choices = record.chosen["parts"], ["share_addresses"]
    record = await planned(cast.ed, workbook(lists), "kantoor.xlsx", kind="workbook", parts=parts, choices=choices)

    said = " ".join(
        str(why) for row in await ImportRow.objects().where(ImportRow.batch == record.id) for _, why in row.notes
    )
    assert "die u niet ziet" in said and unseen["name"] not in said and unseen["number"] not in said
    assert person["surname"] not in said


async def test_the_number_of_a_merged_client_is_refused(anna: Viewer) -> None:
    await imported(anna, b"Nummer;Naam\n1;Jansen\n2;Smit\n")
    one, two = await Client.objects().order_by(Client.number)
    await save(two, merged_into=one.id, state="archived")
    record = await planned(anna, b"Nummer;Naam\n2;Smit B.V.\n")

    [row] = await rows_of(record, "refused")
    assert "met een andere samengevoegd" in str(row.notes[0][1])


ODD = b"Kol A;Kol B;Kol C\n1;Jansen;Ede\n2;Smit;Epe\n"


async def test_a_kept_mapping_reads_the_next_file_of_the_same_program(anna: Viewer) -> None:
    record = await planned(anna, ODD)
    assert record.state == "uploaded"
    headings = record.chosen["headings"]
    columns = {0: "number", 1: "name", 2: "city"}
    async with engine.writing():
        await keep_mapping(
            anna.mappings, name="Ons pakket", kind="clients", headings=headings, columns=columns, by=anna
        )

    record = await planned(anna, b"Kol C;Kol A;Kol B\nEde;1;Jansen\n")
    assert (record.state, record.chosen["kept"], record.columns) == (
        "planned",
        "Ons pakket",
        {0: "city", 1: "number", 2: "name"},
    )
    async with engine.writing():
        await keep_mapping(
            anna.mappings,
            name="ons PAKKET",
            kind="clients",
            headings=headings,
            columns={0: "number", 1: "name"},
            by=anna,
        )
    assert await ImportMapping.count() == 1


async def test_a_mapping_without_a_name_or_columns_is_not_kept(cast: Cast) -> None:
    for name, columns in ((" ", {0: "number"}), ("Leeg", {}), ("Onzin", {0: "schoenmaat"})):
        with pytest.raises(Refused):
            async with engine.writing():
                await keep_mapping(
                    cast.anna.mappings, name=name, kind="clients", headings=["A"], columns=columns, by=cast.anna
                )
    with pytest.raises(Forbidden):
        async with engine.writing():
            await keep_mapping(
                cast.anna.mappings, name="x", kind="clients", headings=["A"], columns={0: "number"}, by=cast.rik
            )


async def test_two_people_with_one_address_on_the_same_line_of_two_sheets_stay_two(anna: Viewer) -> None:
    lists: Lists = {
        "clients": [{"number": "1", "name": "Een", "contact_surname": "Vos", "contact_email": "b@x.example"}],
        "users": [{"client_number": "1", "surname": "Bos", "email": "b@x.example"}],
    }
    record = await planned(anna, workbook(lists), "kantoor.xlsx")
    parts, choices = record.chosen["parts"], ["share_addresses"]
    await imported(anna, workbook(lists), "kantoor.xlsx", kind="workbook", parts=parts, choices=choices)

    rows = await engine.raw("SELECT u.surname FROM access a JOIN users u ON u.id = a.person ORDER BY u.surname")
    assert [row["surname"] for row in rows] == ["Bos", "Vos"]


# what was seen is what is done

_FEW = st.sampled_from(["1", "2", "3", "4"])
_NAMES = st.sampled_from(["Bos", "Vos", "de Vries", "Kuiper"])
_MAILS = st.sampled_from(
    ["a@x.example", "b@x.example", "c@x.example", "ed@kantoor.example", "kim@kantoor.example", "geen adres"]
)
_ROWS: dict[Kind, st.SearchStrategy[dict[str, str]]] = {
    "sectors": st.fixed_dictionaries({"name": st.sampled_from(["Imkerij", "Horeca"])}, optional={"sbi": st.sampled_from(["56", "01", "??"])}),
    "groups": st.fixed_dictionaries({"name": st.sampled_from(["Golf 1", "GOLF 1", "Golf 2"])}, optional={"description": _NAMES}),
    "staff": st.fixed_dictionaries({"surname": _NAMES, "email": _MAILS}, optional={"staff_role": st.sampled_from(["beheerder", "koning"])}),
    "clients": st.fixed_dictionaries(
        {"number": _FEW, "name": _NAMES},
        optional={
            "kvk": st.sampled_from(["12345679", "1"]), "groups": st.sampled_from(["Golf 1", "Golf 3"]), "sector": _NAMES,
            "contact_surname": _NAMES, "contact_email": _MAILS,
        },
    ),
    "duties": st.fixed_dictionaries({"client_number": _FEW, "colleague_email": _MAILS}, optional={"duties": st.just("Salarissen")}),
    "users": st.fixed_dictionaries(
        {"client_number": _FEW, "surname": _NAMES, "email": _MAILS}, optional={"role": st.sampled_from(["lezer", "beheerder"])}
    ),
}  # fmt: skip
_LISTS = st.fixed_dictionaries({}, optional={kind: st.lists(_ROWS[kind], min_size=1, max_size=4) for kind in KINDS})
_CHOICES = st.sets(st.sampled_from(["make_groups", "share_addresses", "leave_doubles"]))
_TABLE_OF = {"sector": "sector", "group": "client_group", "client": "client", "duty": "responsible"}


@settings(
    max_examples=8,
    phases=[Phase.explicit, Phase.generate],  # a smaller example takes minutes to find
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(first=_LISTS, second=_LISTS.filter(lambda lists: len(lists) > 1), choices=_CHOICES)
async def test_the_plan_is_what_is_done_and_undoing_restores(
    cast: Cast, first: Any, second: Any, choices: set[str]
) -> None:
    await empty_the_office()
    for sql in (
        "DELETE FROM users WHERE email_key LIKE '%x.example' OR email_key = 'kim@kantoor.example'",
        "DELETE FROM sector",
    ):
        await engine.raw(sql)
    await engine.run_writing(settle)
    if len(first) > 1:
        await _carried(cast.anna, first, choices)
    before = await everything()
    record = await _carried(cast.anna, second, choices)
    if record is None:
        assert await everything() == before
        return
    after = await everything()

    made = Counter(row.part for row in await rows_of(record, "new"))
    for part, table in _TABLE_OF.items():
        grown = len(after[table]) - len(before[table])
        assert grown >= made[part] if part == "sector" else grown == made[part], (part, made)
    for kind, part in (("staff", "staff"), ("client", "user")):
        grown = sum(row["kind"] == kind for row in after["users"]) - sum(row["kind"] == kind for row in before["users"])
        assert grown == made[part], (part, made)
    for row in await rows_of(record, "changed"):
        if row.record_id and row.part in ("client", "sector", "group"):
            [now] = [one for one in after[_TABLE_OF[row.part]] if one["id"] == row.record_id]
            assert all(now[name] == pair[1] for name, pair in row.moves.items() if name in now), row.moves
    once_more = await planned(cast.anna, workbook(second), "kantoor.xlsx")
    once_more = await planned(
        cast.anna, workbook(second), "kantoor.xlsx", kind="workbook", parts=once_more.chosen["parts"], choices=choices
    )
    moved = [*await rows_of(once_more, "new"), *await rows_of(once_more, "changed")]
    assert not [(row.part, row.label, row.moves) for row in moved]

    assert (await taken_back(cast.anna, record)).state == "undone"
    assert await everything() == before


async def _carried(by: Viewer, lists: Lists, choices: set[str]) -> Import | None:
    record = await planned(by, workbook(lists), "kantoor.xlsx")
    if record.kind == "workbook":
        record = await planned(
            by, workbook(lists), "kantoor.xlsx", kind="workbook", parts=record.chosen["parts"], choices=choices
        )
    numbers = record.numbers
    if record.state != "planned" or not numbers["new"] + numbers["changed"]:
        return None
    return await imported(
        by, workbook(lists), "kantoor.xlsx", kind=record.kind, parts=record.chosen.get("parts"), choices=choices
    )


async def test_a_rights_group_hands_its_template_to_new_users(anna: Viewer) -> None:
    async with engine.writing():
        await engine.raw(
            "INSERT INTO client_group (name, name_key, description, created_at, is_sample, purpose, template) "
            "SELECT 'Lonen', 'lonen', '', created_at, FALSE, 'rights', 'salaris' FROM users WHERE id = $1",
            anna.user.id,
        )
    await imported(anna, b"Nummer;Naam;Groep\n1;Een;Lonen\n")
    lists: Lists = {
        "clients": [{"number": "2", "name": "Twee", "groups": "Lonen"}],
        "users": [
            {"client_number": "1", "surname": "Bos", "email": "bos@x.example"},
            {"client_number": "2", "surname": "Vos", "email": "vos@x.example"},
            {"client_number": "2", "surname": "Mol", "email": "mol@x.example", "role": "lezer"},
        ],
    }
    await imported(anna, workbook(lists), "kantoor.xlsx")

    rows = await engine.raw("SELECT u.surname, a.role FROM access a JOIN users u ON u.id = a.person ORDER BY u.surname")
    assert [tuple(row.values()) for row in rows] == [("Bos", "salaris"), ("Mol", "lezer"), ("Vos", "salaris")]


async def test_people_come_in_by_the_sort_rule_of_the_office(anna: Viewer) -> None:
    await engine.raw("UPDATE firm SET sort_rule = 'be'")
    lists: Lists = {
        "clients": [{"number": "1", "name": "Een"}],
        "users": [{"client_number": "1", "surname": "de Vries", "email": "vries@x.example"}],
    }
    await imported(anna, workbook(lists), "kantoor.xlsx")

    [row] = await engine.raw("SELECT sort_key FROM users WHERE email_key = 'vries@x.example'")
    assert row["sort_key"].startswith("de")
