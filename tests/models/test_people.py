"""What people are called: on screens, in the order of a list, in a search, and at the top of a letter or mail."""

from __future__ import annotations

import pytest

from models import engine
from models.accounts import User
from models.audit import Trail
from models.core import Refused
from models.people import addressee, full_name, keys_of, search_words
from models.settings import Firm
from partials import mails
from tests.cast import Cast

VELZEN = {"initials": "O.", "first_name": "Olga", "prefix": "van", "surname": "Velzen"}
BERG = {"partner_prefix": "Van Den", "partner_surname": "Berg"}


@pytest.mark.parametrize(
    "use, shown, whole",
    [
        ("E", "Olga van Velzen", "O. van Velzen"),
        ("P", "Olga Van Den Berg", "O. Van Den Berg"),
        ("V", "Olga Van Den Berg-van Velzen", "O. Van Den Berg-van Velzen"),
        ("N", "Olga van Velzen-Van Den Berg", "O. van Velzen-Van Den Berg"),
    ],
)
def test_a_person_is_called_by_the_name_she_uses(use: str, shown: str, whole: str) -> None:
    assert full_name(**VELZEN, **BERG, name_use=use) == shown
    assert addressee({**VELZEN, **BERG, "name_use": use}).whole_name == whole


def test_without_a_call_name_the_initials_stand_in_and_without_those_nothing() -> None:
    assert full_name(initials="J.", prefix="de", surname="Vries") == "J. de Vries"
    assert full_name(prefix="de", surname="Vries") == "de Vries"
    assert addressee({"prefix": "de", "surname": "Vries"}).whole_name == "De Vries"


def in_order(rule: str, *names: dict[str, str]) -> list[str]:
    return [full_name(**name) for name in sorted(names, key=lambda name: keys_of(**name, rule=rule)["sort_key"])]


VRIES, DE_VRIES = {"surname": "Vries"}, {"prefix": "de", "surname": "Vries"}
DRIES, HAGE = {"surname": "Dries"}, {"prefix": "", "surname": "'s-Hage"}


def test_in_the_netherlands_a_prefix_only_breaks_ties() -> None:
    assert in_order("nl", DE_VRIES, VRIES, DRIES, HAGE) == ["Dries", "'s-Hage", "Vries", "de Vries"]


def test_in_belgium_the_prefix_begins_the_name() -> None:
    assert in_order("be", VRIES, DE_VRIES, DRIES) == ["de Vries", "Dries", "Vries"]


def test_a_double_name_stands_under_the_name_that_comes_first() -> None:
    partner_first = {**VELZEN, **BERG, "name_use": "V"}
    own_first = {**VELZEN, **BERG, "name_use": "N"}

    assert in_order("nl", own_first, {"surname": "Smit"}, partner_first) == [
        "Olga Van Den Berg-van Velzen",
        "Smit",
        "Olga van Velzen-Van Den Berg",
    ]


@pytest.mark.parametrize(
    "asked", ["velzen", "van velzen", "velzen van", "vanvelzen", "berg", "vandenberg", "olga berg"]
)
@pytest.mark.parametrize("use", ["E", "P", "V", "N"])
def test_own_and_partners_name_are_both_found_whichever_is_used(asked: str, use: str) -> None:
    key = keys_of(**VELZEN, **BERG, name_use=use)["search_key"]

    assert all(word in key for word in search_words(asked))


def greeting(row: dict[str, str], language: str, *, formal: bool = True) -> str:
    firm = Firm(name="Kantoor De Poort", place="Zutphen", brand="#1f5c4d")
    mail = mails.compose(
        "account_notice",
        language,
        firm=firm,
        person=addressee(row, formal=formal),
        what="password",
        account_url="https://poort.example/account",
    )
    return mail.text.split("\n\n")[2]


DE_VRIES_V = {"gender": "V", "first_name": "Jan", "initials": "J.", "prefix": "de", "surname": "Vries"}


@pytest.mark.parametrize(
    "row, formal, dutch, english",
    [
        (DE_VRIES_V, True, "Geachte mevrouw De Vries,", "Dear Ms De Vries,"),
        ({**DE_VRIES_V, "gender": "M"}, True, "Geachte heer De Vries,", "Dear Mr De Vries,"),
        ({**DE_VRIES_V, "gender": ""}, True, "Geachte J. de Vries,", "Dear J. de Vries,"),
        (DE_VRIES_V, False, "Beste Jan,", "Dear Jan,"),
        ({"prefix": "de", "surname": "Vries"}, False, "Beste De Vries,", "Dear De Vries,"),
        (
            {"gender": "V", "prefix": "van", "surname": "Velzen", "partner_prefix": "in het", "partner_surname": "Veld", "name_use": "V"},
            True, "Geachte mevrouw In het Veld-van Velzen,", "Dear Ms In het Veld-van Velzen,",
        ),
    ],
)  # fmt: skip
def test_a_mail_greets_rightly_in_both_languages(row: dict[str, str], formal: bool, dutch: str, english: str) -> None:
    assert greeting(row, "nl", formal=formal) == dutch
    assert greeting(row, "en", formal=formal) == english


async def change(cast: Cast, **details: str) -> User:
    fem = cast.fem.user
    await engine.run_writing(lambda: fem.change_name(**details, by=cast.anna))
    found = await User.objects().where(User.id == fem.id).first()
    assert found is not None
    return found


async def test_what_is_not_said_of_a_person_stays_as_it_is(cast: Cast) -> None:
    before = cast.fem.user.phone
    fem = await change(cast, partner_prefix="de", partner_surname="Wit", name_use="P", job_title="Bookkeeper")

    assert fem.full_name == fem.display_name == f"{fem.first_name} de Wit"
    assert (fem.phone, fem.job_title) == (before, "Bookkeeper")


async def test_the_trail_tells_the_name_and_the_rest_apart(cast: Cast) -> None:
    fem = await change(cast, first_name="Fien", mobile="06 12345678")

    lines = await Trail.select(Trail.operation).where((Trail.record_table == "User") & (Trail.record_id == fem.id))
    assert {"User.change_name", "User.change_details"} <= {line["operation"] for line in lines}


async def test_initials_follow_from_first_names_until_they_are_given(cast: Cast) -> None:
    assert (await change(cast, initials="", first_names="Theo Philip IJsbrand")).initials == "T.P.I."
    assert (await change(cast, initials="F.", first_names="Theo Philip IJsbrand")).initials == "F."


@pytest.mark.parametrize(
    "details, field",
    [
        ({"surname": " "}, "surname"),
        ({"name_use": "P", "partner_surname": ""}, "partner_surname"),
        ({"name_use": "X"}, "name_use"),
        ({"gender": "Q"}, "gender"),
        ({"language": "fr"}, "language"),
        ({"mobile": "0" * 41}, "mobile"),
    ],
)
async def test_a_wrong_part_is_refused_beside_its_field(cast: Cast, details: dict[str, str], field: str) -> None:
    with pytest.raises(Refused) as refused:
        await change(cast, **details)

    assert refused.value.field == field
