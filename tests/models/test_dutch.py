"""Dutch rules to the letter: numbers, dates, amounts, names, and the keys by which names are sorted and found."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from models import dutch
from models.core import fold
from models.people import keys_of, natural, search_text, search_words, sort_name


@pytest.mark.parametrize(
    "parse, typed, kept",
    [
        (dutch.bsn, "111222333", "111222333"),
        (dutch.bsn, "1234.56.782", "123456782"),
        (dutch.bsn, "000000012", "000000012"),
        (dutch.bsn, "10000008", "010000008"),
        (dutch.rsin, "004495445", "004495445"),
        (dutch.rsin, "4495445", None),
        (dutch.vat, "NL004495445B01", "NL004495445B01"),
        (dutch.vat, "NL000099998B57", "NL000099998B57"),
        (dutch.vat, "nl 1234.56.789.B13", "NL123456789B13"),
        (dutch.vat, "004495445B01", "NL004495445B01"),
        (dutch.vat, "BE0403019261", "BE0403019261"),
        (dutch.payroll_tax_number, "123456782L01", "123456782L01"),
        (dutch.kvk, "01234567", "01234567"),
        (dutch.kvk, "12 34 56 78", "12345678"),
        (dutch.branch_number, "000012345678", "000012345678"),
        (dutch.iban, "NL91ABNA0417164300", "NL91ABNA0417164300"),
        (dutch.iban, "nl91 abna 0417 1643 00", "NL91ABNA0417164300"),
        (dutch.iban, "BE68 5390 0754 7034", "BE68539007547034"),
        (dutch.postcode, "1234ab", "1234 AB"),
        (dutch.postcode, " 1234  AB ", "1234 AB"),
        (dutch.bsn, "123456789", None),
        (dutch.bsn, "12", None),
        (dutch.bsn, "12345678X", None),
        (dutch.vat, "NL123456789B99", None),
        (dutch.vat, "NL004495445", None),
        (dutch.payroll_tax_number, "123456789L01", None),
        (dutch.payroll_tax_number, "123456782L00", None),
        (dutch.kvk, "1234567", None),
        (dutch.kvk, "123456789", None),
        (dutch.kvk, "１２３４５６７８", None),
        (dutch.branch_number, "12345678", None),
        (dutch.iban, "NL92ABNA0417164300", None),
        (dutch.iban, "NL91ABNA041716430", None),
        (dutch.postcode, "0234 AB", None),
        (dutch.postcode, "1234 SS", None),
        (dutch.postcode, "1234 SA", None),
        (dutch.postcode, "1234 SD", None),
        (dutch.postcode, "1234", None),
    ],
)
def test_numbers_are_kept_in_one_form_or_refused(parse, typed, kept):
    if kept is None:
        with pytest.raises(dutch.Invalid) as refused:
            parse(typed)
        assert str(refused.value.why)
    else:
        assert parse(typed) == kept


@pytest.mark.parametrize("number", ["000000012", "999900006", "812345678"])
def test_a_return_takes_fewer_bsns_than_the_elfproef(number):
    with pytest.raises(dutch.Invalid):
        dutch.bsn(number, for_payroll=True)


def test_a_wrong_bsn_is_not_repeated():
    with pytest.raises(dutch.Invalid) as refused:
        dutch.bsn("123456789")

    assert "123456789" not in str(refused.value.why)


@pytest.mark.parametrize(
    "typed",
    [
        "31-12-2026",
        "2026-12-31",
        "31 december 2026",
        "31 DEC 2026",
        "31/12/2026",
        "31 - 12 - 2026",
        "31.12.2026",
        "20261231",
        "31 12 2026",
        "2026-12-31 00:00:00",
        "donderdag 31 december 2026",
    ],
)
def test_dates_are_read_as_the_dutch_write_them(typed):
    assert dutch.parse_date(typed) == dt.date(2026, 12, 31)


def test_the_day_comes_before_the_month():
    assert dutch.parse_date("1/2/2026") == dt.date(2026, 2, 1)


@pytest.mark.parametrize(
    "typed, code",
    [
        ("31-2-2020", "no_such_date"),
        ("12/31/2026", "no_such_date"),
        ("2026-13-01", "no_such_date"),
        ("1-2-26", "date"),
        ("38642", "date"),
        ("1-2/2026", "date"),
        ("1 brumaire 2026", "date"),
        ("1-1-0026", "date"),
        ("", "date"),
    ],
)
def test_a_date_is_never_guessed(typed, code):
    with pytest.raises(dutch.Invalid) as refused:
        dutch.parse_date(typed)

    assert refused.value.code == code


def test_a_short_year_lies_in_the_last_hundred_years():
    latest = dt.date(2026, 11, 23)

    assert dutch.parse_short_date("28/05/16", latest) == dt.date(2016, 5, 28)
    assert dutch.parse_short_date("23-11-26", latest) == latest
    assert dutch.parse_short_date("24-11-26", latest) == dt.date(1926, 11, 24)


@pytest.mark.parametrize(
    "typed, number",
    [
        ("1.234,56", "1234.56"),
        ("1234.56", "1234.56"),
        ("1,234.56", "1234.56"),
        ("2,5", "2.5"),
        ("1.234.567", "1234567"),
        ("-3", "-3"),
        ("12,50-", "-12.50"),
        ("0,125", "0.125"),
    ],
)
def test_numbers_are_read_in_both_notations(typed, number):
    assert dutch.parse_number(typed) == Decimal(number)


@pytest.mark.parametrize("typed", ["1.234", "1,234", "-1.234"])
def test_a_number_that_two_readers_read_differently_is_refused(typed):
    with pytest.raises(dutch.Invalid) as refused:
        dutch.parse_amount(typed)

    assert refused.value.code == "ambiguous_number"


@pytest.mark.parametrize(
    "typed, cents",
    [
        ("€ 1.234,56", 123456),
        ("€ -1.234,56", -123456),
        ("-€ 5", -500),
        ("37,56", 3756),
        ("1234.56", 123456),
        ("€ 5,-", 500),
        ("12 EUR", 1200),
    ],
)
def test_amounts_are_kept_in_cents(typed, cents):
    assert dutch.parse_amount(typed) == cents


@pytest.mark.parametrize("typed", ["veertien", "1,2345", "", "1.23.45", "1e5", "--5", "NaN"])
def test_what_is_no_amount_is_refused(typed):
    with pytest.raises(dutch.Invalid):
        dutch.parse_amount(typed)


@pytest.mark.parametrize(
    "typed, kept",
    [
        ("Jan.Jansen@Voorbeeld.NL", "Jan.Jansen@voorbeeld.nl"),
        ("JAN@VOORBEELD.NL ", "jan@voorbeeld.nl"),
        ("o'neill+x@a-b.example", "o'neill+x@a-b.example"),
        ("info@café.example", "info@café.example"),
        ("jörg@müller.example", "jörg@müller.example"),
        ("mailto:a@b.nl", "a@b.nl"),
    ],
)
def test_addresses_are_kept_as_typed_but_for_capitals(typed, kept):
    assert dutch.email(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "jan",
        "jan at b.nl",
        "jan@b",
        "@b.nl",
        "jan@.nl",
        "jan@b..nl",
        ".jan@b.nl",
        "jan.@b.nl",
        "ja..n@b.nl",
        "jan@-b.nl",
        "jan jansen@b.nl",
        "a@b.nl; c@d.nl",
        "a@b.nl,c@d.nl",
        "a@b@c.nl",
        "jan@1.2.3.4",
        "jan@b.nl\nBcc: x@y.nl",
        "x" * 65 + "@b.nl",
        "a@" + "b" * 64 + ".nl",
        "a@b_.nl",
        "<a@b.nl>",
    ],
)
def test_what_is_no_address_is_refused(typed):
    with pytest.raises(dutch.Invalid):
        dutch.email(typed)


@pytest.mark.parametrize(
    "typed", ["06-55500000", "+31 6 55500003", "(030) 555 09 19", "088-5550005", "020 1234567 tst. 12"]
)
def test_telephone_numbers_stay_as_they_were_typed(typed):
    assert dutch.phone(typed) == typed


@pytest.mark.parametrize("typed", ["bellen!", "12", "06-12345678<script>", "1" * 30])
def test_what_is_no_telephone_number_is_refused(typed):
    with pytest.raises(dutch.Invalid):
        dutch.phone(typed)


@pytest.mark.parametrize(
    "names, letters",
    [
        ("Theo Philip IJsbrand", "T.P.I."),
        ("Jan-Willem", "J."),
        ("Christiaan Thomas", "C.T."),
        ("Elise Q", "E.Q"),
        ("Éva", "É."),
        ("", ""),
    ],
)
def test_each_first_name_gives_one_letter(names, letters):
    assert dutch.initials(names) == letters


@pytest.mark.parametrize(
    "name, written",
    [
        ({"initials": "A.B.", "prefix": "van", "surname": "Velzen"}, "A.B. van Velzen"),
        (
            {
                "initials": "O.",
                "prefix": "van",
                "surname": "Velzen",
                "partner_prefix": "Van Den",
                "partner_surname": "Berg",
                "name_use": "V",
            },
            "O. Van Den Berg-van Velzen",
        ),
        (
            {
                "initials": "P.",
                "prefix": "van",
                "surname": "Velzen",
                "partner_prefix": "Van Den",
                "partner_surname": "Berg",
                "name_use": "N",
            },
            "P. van Velzen-Van Den Berg",
        ),
        (
            {"initials": "P.", "surname": "Smit", "partner_prefix": "de", "partner_surname": "Wit", "name_use": "P"},
            "P. de Wit",
        ),
        ({"initials": "P.", "surname": "Smit", "name_use": "V"}, "P. Smit"),
    ],
)
def test_a_name_is_written_as_its_owner_uses_it(name, written):
    assert dutch.addressing_name(**name) == written


@pytest.mark.parametrize(
    "person, words",
    [
        ({"gender": "M", "prefix": "van", "surname": "Puffelen", "initials": "R.M."}, "Geachte heer Van Puffelen"),
        ({"gender": "V", "prefix": "van", "surname": "Puffelen"}, "Geachte mevrouw Van Puffelen"),
        ({"gender": "", "prefix": "van", "surname": "Puffelen", "initials": "R.M."}, "Geachte R.M. van Puffelen"),
        (
            {
                "gender": "V",
                "prefix": "van",
                "surname": "Velzen",
                "partner_prefix": "in het",
                "partner_surname": "Veld",
                "name_use": "N",
            },
            "Geachte mevrouw Van Velzen-in het Veld",
        ),
        (
            {
                "gender": "V",
                "prefix": "van",
                "surname": "Velzen",
                "partner_prefix": "in het",
                "partner_surname": "Veld",
                "name_use": "V",
            },
            "Geachte mevrouw In het Veld-van Velzen",
        ),
    ],
)
def test_a_letter_opens_with_the_right_capital(person, words):
    assert dutch.salutation(**person) == words


def test_a_prefix_is_small_behind_initials_only():
    assert dutch.in_running_text("M", "in het Veld") == "de heer In het Veld"
    assert dutch.attention_line("M", "de Vries", "J.") == "T.a.v. de heer J. de Vries"


def test_an_addition_stands_behind_a_hyphen():
    assert dutch.address_line("St. Jacobsstraat", "400", "L", "Toe") == "St. Jacobsstraat 400L-Toe"
    assert dutch.address_line("Kerkweg", "9") == "Kerkweg 9"


@pytest.mark.parametrize("addition", ["tegenover", "t/o", "bij", "to", "tegenover de kerk"])
def test_what_says_where_it_is_stands_behind_a_space(addition: str) -> None:
    assert dutch.address_line("Kerkweg", "12", "", addition) == f"Kerkweg 12 {addition}"
    assert dutch.address_line("Kerkweg", "12", "A", f"-{addition}") == f"Kerkweg 12A {addition}"


@pytest.mark.parametrize(
    "typed, parts",
    [
        ("Vries, de", ("de", "Vries")),
        ("Dam, in 't", ("in 't", "Dam")),
        ("Dam, in ’t", ("in 't", "Dam")),
        ("Vries", ("", "Vries")),
        ("Jansen, Piet", ("", "Jansen, Piet")),
    ],
)
def test_only_a_known_prefix_is_taken_off_a_surname(typed, parts):
    assert dutch.split_surname(typed) == parts


@pytest.mark.parametrize("asked", ["de vries", "vries de", "Devries", "DE VRÌES", "jan vries"])
def test_a_name_is_found_however_it_is_typed(asked):
    kept = search_text("de", "Vries", "Jan")

    assert all(word in kept for word in search_words(asked))


def test_accents_and_case_make_no_other_name():
    assert fold("Müller") == fold("MULLER") == "muller"
    assert fold("Łukasz Yılmaz") == "lukasz yilmaz"


def test_people_are_sorted_on_the_surname_without_its_prefix():
    people = [
        ("", "Zwart"),
        ("van", "Vries"),
        ("de", "Vries"),
        ("", "IJzerman"),
        ("", "Ilse"),
        ("", "Çelik"),
        ("", "'t Hart"),
    ]

    in_order = sorted(people, key=lambda person: keys_of(prefix=person[0], surname=person[1])["sort_key"])

    assert in_order == [
        ("", "Çelik"),
        ("", "'t Hart"),
        ("", "IJzerman"),
        ("", "Ilse"),
        ("de", "Vries"),
        ("van", "Vries"),
        ("", "Zwart"),
    ]


def test_places_and_numbers_are_sorted_as_people_do():
    assert sorted(["Schiedam", "'s-Hertogenbosch", "Gouda"], key=sort_name) == ["Gouda", "'s-Hertogenbosch", "Schiedam"]
    assert sorted(["10", "9", "A100", "A20"], key=natural) == ["9", "10", "A20", "A100"]
