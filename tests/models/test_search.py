"""Searching: whoever types a name the way people do finds it, and nothing outside what he may see."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from models import engine
from models.clients import Client, add_client
from models.clients.lists import Filter, count
from models.clients.visits import KEPT, visited
from models.people import search_words
from models.search import Answer, find, recent
from models.words import slips


async def add(cast, number, name, **more):
    return await add_client(cast.anna.clients, number=number, name=name, by=cast.anna, **more)


async def person(cast, client, **names):
    return (await client.add_user(email=names.pop("email"), role="beheerder", announced=True, by=cast.anna, **names))[0]


def names(answer: Answer, kind: str = "clients") -> list[str]:
    return [one.name for one in answer.found.get(kind, [])]


@pytest.mark.parametrize(
    "typed", ["de vries", "vries de", "Devries", "VRIES", "muller", "Müller", "mueller müller"[8:]]
)
async def test_a_name_is_found_however_it_is_typed(cast, typed):
    client = await add(cast, "V1", "Slagerij De Vries Müller")
    await person(cast, client, email="j@devries.example", first_name="Joep", prefix="de", surname="Vries-Müller")

    answer = await find(cast.anna, typed, 5)

    assert "Slagerij De Vries Müller" in names(answer)
    assert "Joep de Vries-Müller" in names(answer, "users")


@pytest.mark.parametrize(
    "typed", ["00417", "417", "0417", "12 34 56 78", "12345678", "030-1234567", "+31 30 1234567", "030 12 34 567"]
)
async def test_a_number_is_found_with_and_without_its_zeros(cast, typed):
    await add(cast, "00417", "Nummer Gezocht", kvk="12345678", phone="030 1234567")

    assert names(await find(cast.anna, typed, 5))[0] == "Nummer Gezocht"


async def test_an_address_finds_its_owner_first(cast):
    client = await add(cast, "V1", "Postkantoor")
    await person(cast, client, email="k.post@post.example", first_name="Aak", surname="Post")
    await person(cast, client, email="post@post.example", first_name="Zus", surname="Zand")

    assert names(await find(cast.anna, "post@post.example", 5), "users")[0] == "Zus Zand"


async def test_the_number_comes_first_then_beginnings_then_words(cast):
    for number, name in (
        ("1", "Ver Weg 77"),
        ("2", "Het 77e Huis"),
        ("77", "Zuiver"),
        ("4", "77 Broers"),
        ("5", "A577B"),
    ):
        await add(cast, number, name)

    found = names(await find(cast.anna, "77", 9))

    assert found[:2] == ["Zuiver", "77 Broers"]
    assert set(found) == {"Zuiver", "77 Broers", "Ver Weg 77", "Het 77e Huis"}


@pytest.mark.parametrize("typed", ["jnasen", "janssen", "janen", "jansenn", "kansen"])
async def test_one_slip_of_the_finger_is_understood(cast, typed):
    answer = await find(cast.anna, f"bakkerij {typed}", 5)

    assert [one.name for one in answer.near if one.kind == "client"] == ["Bakkerij Jansen B.V."]
    assert answer.meant == ("bakkerij jansen",)


async def test_two_slips_in_two_words_are_understood(cast):
    answer = await find(cast.anna, "bakekrij jansn", 5)

    assert "Bakkerij Jansen B.V." in [one.name for one in answer.near]


async def test_what_was_found_as_typed_needs_no_guessing(cast):
    for n in range(3):
        await add(cast, f"J{n}", f"Kansen {n}")

    answer = await find(cast.anna, "kansen", 5)

    assert (len(names(answer)), answer.near, answer.meant) == (3, [], ())


async def test_a_guess_tells_nothing_of_clients_one_does_not_see(cast):
    await add(cast, "G1", "Zwartwater Geheim")

    hers, his = await find(cast.anna, "zwatrwater", 5), await find(cast.ed, "zwatrwater", 5)

    assert hers.meant == ("zwartwater",)
    assert his == Answer()


async def test_restricted_staff_finds_his_own_and_asks_as_often(cast):
    await add(cast, "B9", "Bakkerij Geheim")
    asked = []
    for viewer in (cast.anna, cast.ed):
        with engine.count_queries() as counter:
            answer = await find(viewer, "bakkerij jansen", 5)
        asked.append(counter.n)
        assert "Bakkerij Jansen B.V." in names(answer)

    assert "Bakkerij Geheim" not in names(await find(cast.ed, "bakkerij", 25))
    assert asked[0] == asked[1]


async def test_the_index_follows_every_change(cast):
    client = await add(cast, "K1", "Kwikstaart")
    await engine.raw(
        "UPDATE client SET name = 'Roodborst', search_key = ' k1 roodborst k1roodborst' WHERE id = $1", client.id
    )

    assert (names(await find(cast.anna, "kwikstaart", 5)), names(await find(cast.anna, "roodborst", 5))) == (
        [],
        ["Roodborst"],
    )

    await Client.delete().where(Client.id == client.id)

    assert names(await find(cast.anna, "roodborst", 5)) == []


@settings(max_examples=60, deadline=None)
@given(some.text(alphabet="abc éß'\"*%_!-.12", max_size=12))
def test_slips_are_one_letter_away(word):
    for one in slips(word):
        assert abs(len(one) - len(word)) <= 1
        assert one != word


@pytest.mark.parametrize(
    "typed",
    [
        "a",
        "jan",
        "ans",
        "bv",
        "b.v.",
        'a"b',
        "foo AND",
        "NEAR(",
        "-a",
        "%",
        "_",
        "!",
        "*",
        "'",
        "jansen beheer",
        "1 jan",
        "('",
        "{}",
        "{0}",
    ],
)
async def test_the_lists_find_what_reading_every_key_finds(cast, typed):
    """The index answers as reading all keys would: a word wherever it stands, one of two letters where a word begins."""
    await add(cast, "X1", "A\"b foo and {0} near( -a % _ ! * 't {} ('")
    keys = [row["search_key"] for row in await engine.raw("SELECT search_key FROM client WHERE state = 'active'")]
    words = [f" {word}" if len(word) == 2 else word for word in search_words(typed)]

    found = await count(cast.anna, Filter(q=typed))

    assert found == sum(all(word in key for word in words) for key in keys)


async def test_who_opened_a_client_is_offered_him_again(cast):
    client = await add(cast, "R1", "Recent Bekeken")
    await engine.run_writing(lambda: visited(cast.anna.user.id, cast.bakkerij))
    await engine.run_writing(lambda: visited(cast.anna.user.id, client.id))
    await engine.run_writing(lambda: visited(cast.ed.user.id, client.id))

    assert [one.name for one in await recent(cast.anna, 5)] == ["Recent Bekeken", "Bakkerij Jansen B.V."]
    assert await recent(cast.ed, 5) == []


async def test_only_the_last_twenty_are_remembered(cast):
    for n in range(KEPT + 3):
        client = await add(cast, f"T{n}", f"Teller {n}")
        await engine.run_writing(lambda client=client: visited(cast.anna.user.id, client.id))

    assert len(await recent(cast.anna, 100)) == KEPT
