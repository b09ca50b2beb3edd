"""What headings mean, and what a row of cells under them says."""

from __future__ import annotations

import datetime as dt

import pytest

from models.core import Say
from models.imports.columns import guess_kind, guess_mapping
from models.imports.fields import parse_row
from models.imports.lexicon import FIELDS, heading_key
from models.imports.sheet import Fault
from models.imports.wholes import city_in_lower_case, split_person

TODAY = dt.date(2026, 11, 23)


@pytest.mark.parametrize(
    "heading, field",
    [
        ("Cliëntnr", "number"),
        ("Klantnummer", "number"),
        ("Relatienr.", "number"),
        ("Deb.nr", "number"),
        ("Debiteurnr", "number"),
        ("Client ID", "number"),
        ("Cliëntnummer *", "number"),
        ("Bedrijfsnaam", "name"),
        ("Naam relatie ", "name"),
        ("Company name", "name"),
        ("Huisnr", "house_number"),
        ("Toev.", "addition"),
        ("E-mailadres", "email"),
        ("Mail", "email"),
        ("Tel.", "phone"),
        ("KvK-nummer", "kvk"),
        ("KVK nr.", "kvk"),
        ("Kamer van Koophandel", "kvk"),
        ("Btw-id", "vat"),
        ("BTW nr.", "vat"),
        ("VAT number", "vat"),
        ("Rek.nr.", "iban"),
        ("PC", "postcode"),
        ("Postcode / Woonplaats", "postcode_city"),
        ("Woonplaats", "city"),
        ("Segment", "groups"),
        ("Cliënt sinds", "since"),
        ("Relatiebeheerder", "manager"),
        ("SBI", "sbi"),
    ],
)
def test_a_client_column_is_known_by_its_heading(heading, field):
    assert guess_mapping("clients", [heading]) == {0: field}


@pytest.mark.parametrize(
    "heading, field",
    [
        ("Voorl.", "initials"),
        ("Tussenv.", "prefix"),
        ("Achternaam", "surname"),
        ("Roepnaam", "first_name"),
        ("Last name", "surname"),
        ("E-mail", "email"),
        ("Mobiel", "phone"),
        ("Taal", "language"),
        ("Rechten", "role"),
        ("Naam", "name"),
        ("Klantnr.", "client_number"),
    ],
)
def test_a_user_column_is_known_by_its_heading(heading, field):
    assert guess_mapping("users", [heading]) == {0: field}


def test_of_two_columns_for_one_field_the_better_named_wins():
    assert guess_mapping("clients", ["Nr", "Cliëntnummer", "Naam"]) == {1: "number", 2: "name"}
    assert guess_mapping("clients", ["E-mail", "E-mail"]) == {0: "email"}


def test_no_name_means_two_fields_of_one_list():
    for kind, fields in FIELDS.items():
        keys = [key for field in fields for key in field.synonyms if not field.name.startswith("contact_")]
        assert len(keys) == len(set(keys)), (kind, sorted(key for key in keys if keys.count(key) > 1))


def test_a_combined_list_gives_the_contact_what_stands_behind_his_name():
    headings = ["Cliëntnr", "Naam", "E-mail", "Telefoon", "Voornaam", "Tussenv.", "Achternaam", "E-mail", "Mobiel"]

    assert guess_kind(headings) == "clients"
    assert list(guess_mapping("clients", headings).values()) == [
        "number",
        "name",
        "email",
        "phone",
        "contact_first_name",
        "contact_prefix",
        "contact_surname",
        "contact_email",
        "contact_phone",
    ]


def test_a_merged_heading_above_tells_whose_mail_it_is():
    headings = ["Nummer", "Naam", "E-mail", "Voornaam", "Achternaam", "E-mail"]
    above = ["Cliënt", "Cliënt", "Cliënt", "Contactpersoon", "Contactpersoon", "Contactpersoon"]

    mapping = guess_mapping("clients", headings, above)

    assert (mapping[2], mapping[5]) == ("email", "contact_email")


def test_contact_data_without_a_contacts_name_is_the_clients_own():
    mapping = guess_mapping(
        "clients", ["Code", "Naam relatie", "Tel", "Mail"], ["Relatie", "Relatie", "Contact", "Contact"]
    )

    assert mapping == {0: "number", 1: "name", 2: "phone", 3: "email"}


@pytest.mark.parametrize(
    "headings, kind",
    [
        (["Groep", "Omschrijving"], "groups"),
        (["Groepsnaam"], "groups"),
        (["Cliëntnummer", "Naam", "KvK"], "clients"),
        (["Cliëntnr", "Voorletters", "Achternaam", "E-mailadres", "Rol"], "users"),
        (["Cliëntnr", "Naam", "Achternaam", "E-mail contactpersoon"], "clients"),
        (["Client number", "First name", "Last name", "Email"], "users"),
        (["Debiteurnr", "Bedrijfsnaam", "E-mailadres"], "clients"),
        (["Cliëntnr", "Pers.nr", "Achternaam", "BSN"], None),
        (["Cliëntnr", "Periode", "Gewerkt", "Ziek"], None),
        (["Kleur", "Maat"], None),
    ],
)
def test_the_kind_of_list_is_told_from_its_headings(headings, kind):
    assert guess_kind(headings) == kind


def test_a_heading_counts_without_marks_and_brackets():
    assert heading_key("Cliënt-nr. (verplicht) *") == heading_key("CLIENTNUMMER") == "clientnummer"


def parse(kind, **cells):
    """Parse a row in which each named field has a column of its own."""
    return parse_row(kind, dict(enumerate(cells)), list(cells.values()), today=TODAY)


def client(**cells):
    return parse("clients", **({"number": 10001, "name": "Bakkerij Jansen B.V."} | cells))


@pytest.mark.parametrize(
    "cells, values",
    [
        ({"number": "00123"}, {"number": "00123"}),
        ({"number": 10001}, {"number": "10001"}),
        ({"kvk": 99000000}, {"kvk": "99000000"}),
        ({"kvk": 1234567}, {"kvk": "01234567"}),
        ({"vat": "n.v.t."}, {"vat": ""}),
        ({"vat": "NL 990000000B63"}, {"vat": "NL990000000B63"}),
        ({"legal_form": "b.v."}, {"legal_form": "BV"}),
        ({"address": "Plein 1944 89"}, {"street": "Plein 1944", "house_number": "89", "addition": ""}),
        ({"address": "Industrieweg 281-II"}, {"street": "Industrieweg", "house_number": "281", "addition": "-II"}),
        (
            {"address": "2e Tuindwarsstraat 128 huis"},
            {"street": "2e Tuindwarsstraat", "house_number": "128", "addition": "huis"},
        ),
        ({"house_number": "12bis"}, {"house_number": "12", "addition": "bis"}),
        ({"house_number": 12, "addition": "a"}, {"house_number": "12", "addition": "a"}),
        ({"postcode_city": "5473 AR  SINT-OEDENRODE"}, {"postcode": "5473 AR", "city": "Sint-Oedenrode"}),
        ({"postcode": "75001", "country": "Frankrijk"}, {"postcode": "75001", "country": "FR"}),
        ({"sbi": 69.2}, {"sbi": "69.20"}),
        ({"phone": "655500022"}, {"phone": "06-55500022"}),
        ({"since": dt.date(2022, 2, 5)}, {"since": dt.date(2022, 2, 5)}),
        ({"since": 38642}, {"since": dt.date(2005, 10, 17)}),
        ({"since": "20170417"}, {"since": dt.date(2017, 4, 17)}),
        ({"since": ""}, {"since": None}),
        ({"groups": "Horeca & recreatie; Loon"}, {"groups": ["Horeca & recreatie", "Loon"]}),
        ({"groups": ""}, {"groups": []}),
        ({"name": "Café 👩‍🍳 مطعم"}, {"name": "Café 👩‍🍳 مطعم"}),
    ],
)
def test_cells_become_values(cells, values):
    parsed = client(**cells)

    assert not parsed.errors
    assert {name: parsed.values[name] for name in values} == values


@pytest.mark.parametrize(
    "cells",
    [
        {"kvk": 1234567},
        {"phone": "655500022"},
        {"since": 38642},
        {"since": "28/05/16"},
        {"groups": "A; B"},
        {"name": "Y?lmaz BV"},
        {"name": "CafÃ© BV"},
        {"address": "Zonder nummer"},
    ],
)
def test_what_was_read_with_some_doubt_is_said(cells):
    parsed = client(**cells)

    assert [name for name, _ in parsed.warnings] == list(cells)
    assert not parsed.errors


@pytest.mark.parametrize(
    "cells",
    [
        {"number": ""},
        {"name": ""},
        {"number": 12.5},
        {"kvk": "1234567"},
        {"email": "a at b.nl"},
        {"email": "a@b.nl; c@d.nl"},
        {"iban": "NL00ABNA0417164300"},
        {"since": "31-2-2020"},
        {"postcode": "12 AB"},
        {"name": "x" * 500},
        {"number": "1" * 21},
        {"city": "x" * 121},
        {"groups": "x" * 121},
        {"address": "x" * 140 + " 12"},
        {"name": Fault(Say("Formule."))},
        {"country": "Verweggistan"},
        {"contact_surname": "Smit"},
    ],
)
def test_a_wrong_cell_is_refused_at_its_field(cells):
    parsed = client(**cells)

    expected = {"contact_surname": "contact_email", "address": "street"}.get(next(iter(cells)), next(iter(cells)))
    assert [name for name, _ in parsed.errors] == [expected]
    assert str(parsed.errors[0][1])


@pytest.mark.parametrize("first", ["Totaal", "Subtotaal Detailhandel", "TOTAL", "Aantal cliënten"])
def test_a_total_is_no_client(first):
    assert parse_row("clients", {0: "number", 1: "name"}, [first, Fault(Say("Formule.")), "", "", "", ""]).skipped


def test_a_company_called_total_is_a_client():
    assert not parse_row("clients", {0: "number", 1: "name"}, [10001, "Totaal Techniek", "BV", "99000000"]).skipped


@pytest.mark.parametrize(
    "whole, parts",
    [
        ("Jan de Vries", ("", "Jan", "de", "Vries", "")),
        ("mevr. A.B. van der Berg", ("A.B.", "", "van der", "Berg", "V")),
        ("mevr. de Vries", ("", "", "de", "Vries", "V")),
        ("de heer J. Smit", ("J.", "", "", "Smit", "M")),
        ("Vries, J. de", ("J.", "", "de", "Vries", "")),
        ("Smit", ("", "", "", "Smit", "")),
        ("Łukasz in 't Dijkstra", ("", "Łukasz", "in 't", "Dijkstra", "")),
    ],
)
def test_a_name_in_one_column_is_taken_apart(whole, parts):
    assert (
        tuple(split_person(whole)[name] for name in ("initials", "first_name", "prefix", "surname", "gender")) == parts
    )


def test_a_user_with_one_column_for_his_name_is_read_and_the_reading_is_shown():
    parsed = parse("users", client_number="10001", name="Jan van den Berg", email="jan@b.nl")

    assert (parsed.values["first_name"], parsed.values["prefix"], parsed.values["surname"]) == (
        "Jan",
        "van den",
        "Berg",
    )
    assert [name for name, _ in parsed.warnings] == ["name"]


@pytest.mark.parametrize(
    "shouted, written",
    [
        ("'S-GRAVENHAGE", "'s-Gravenhage"),
        ("CAPELLE AAN DEN IJSSEL", "Capelle aan den IJssel"),
        ("HENGELO (O)", "Hengelo (O)"),
        ("EDE GLD", "Ede Gld"),
        ("SÚDWEST-FRYSLÂN", "Súdwest-Fryslân"),
        ("DEN HAAG", "Den Haag"),
        ("'T ZAND", "'t Zand"),
        ("Epe", "Epe"),
        ("IJMUIDEN", "IJmuiden"),
    ],
)
def test_a_place_in_capitals_gets_its_own_letters_back(shouted, written):
    assert city_in_lower_case(shouted) == written
