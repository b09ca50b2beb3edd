"""Clients and groups: the rules, the refusals, the trail, and who sees whom."""

from __future__ import annotations

from typing import Any

import pytest

from models import engine
from models.audit import Trail
from models.clients import (
    Client,
    ClientGroup,
    add_client,
    add_group,
    add_to_group,
    lists,
    matching,
    remove_from_group,
)
from models.clients.checks import FIELDS
from models.core import Forbidden, Missing, Refused
from models.dossiers import Dossier, DossierGroup
from models.settings import utcnow

GOOD = {
    "number": "00901", "name": "Café Één B.V.", "kvk": "12345678", "vat": "NL004495445B01", "iban": "nl91 abna 0417 1643 00",
    "postcode": "1012ab", "city": "'s-Gravenhage", "email": "Info@Cafe.example", "phone": "020 123 45 67",
}  # fmt: skip


async def trail(operation: str) -> list[dict[str, Any]]:
    return await engine.raw("SELECT * FROM trail WHERE operation = $1 ORDER BY id", operation)


def details_of(client: Client, **other: Any) -> dict[str, Any]:
    return {name: getattr(client, name) for name in FIELDS} | other


async def test_a_new_client_is_kept_in_one_notation_and_on_the_trail(cast):
    made = await add_client(cast.anna.clients, **GOOD, by=cast.anna)

    kept = await cast.anna.clients.get(made.id)
    assert (kept.number, kept.iban, kept.postcode) == ("00901", "NL91ABNA0417164300", "1012 AB")
    assert [line["client"] for line in await trail("Client.add")] == [made.id]


@pytest.mark.parametrize(
    "field, value",
    [("kvk", "123"), ("vat", "NL123"), ("iban", "NL00ABNA0417164300"), ("postcode", "0123 AB"), ("email", "geen"), ("phone", "bel"),
     ("name", "  "), ("number", ""), ("name", "x" * 500), ("number", "00901x" * 9)],
)  # fmt: skip
async def test_a_wrong_value_is_refused_beside_its_field(cast, field, value):
    before = await Client.count()

    with pytest.raises(Refused) as refused:
        await add_client(cast.anna.clients, **{**GOOD, field: value}, by=cast.anna)

    assert refused.value.field == field
    assert await Client.count() == before
    assert not await trail("Client.add")


async def test_a_number_is_used_once_and_zeros_count(cast):
    await add_client(cast.anna.clients, **GOOD, by=cast.anna)

    with pytest.raises(Refused) as refused:
        await add_client(cast.anna.clients, number=" 00901 ", name="Een ander", by=cast.anna)
    await add_client(cast.anna.clients, number="901", name="Nog een ander", by=cast.anna)

    assert refused.value.field == "number"


async def test_a_client_user_changes_no_client(cast):
    client = await cast.rik.clients.get(cast.bakkerij)

    with pytest.raises(Forbidden):
        await client.change(**details_of(client, name="Van mij"), seen=client.version, by=cast.rik)
    with pytest.raises(Missing):
        await cast.sam.clients.get(cast.bakkerij)


async def test_restricted_staff_sees_his_own_and_what_he_adds(cast):
    mine = await add_client(cast.ed.clients, number="77001", name="Van Ed", by=cast.ed)
    hers = await add_client(cast.anna.clients, number="77002", name="Van Anna", by=cast.anna)

    numbers = {row["number"] for row in await lists.page(cast.ed, lists.Filter(), "name", 1, 100)}
    assert mine.number in numbers
    assert hers.number not in numbers
    assert len(numbers) == await matching(cast.ed).count() == await lists.count(cast.ed, lists.Filter())
    with pytest.raises(Missing):
        await cast.ed.clients.get(hers.id)


async def test_restricted_staff_cannot_lock_himself_out(cast):
    mine = await add_client(cast.ed.clients, number="77001", name="Van Ed", by=cast.ed)

    with pytest.raises(Refused):
        await mine.set_responsible([cast.anna.user.id], by=cast.ed)
    await mine.set_responsible([cast.ed.user.id, cast.anna.user.id], by=cast.ed)

    assert len(await engine.raw("SELECT id FROM responsible WHERE client = $1", mine.id)) == 2


async def test_two_who_edit_the_same_client_hear_of_each_other(cast):
    first = await cast.anna.clients.get(cast.bakkerij)
    second = await cast.anna.clients.get(cast.bakkerij)
    seen = second.version
    await first.change(**details_of(first, city="Utrecht"), seen=first.version, by=cast.anna)

    late = await cast.anna.clients.get(cast.bakkerij)
    with pytest.raises(Refused, match="Iemand anders wijzigde"):
        await late.change(**details_of(second, city="Zeist"), seen=seen, by=cast.anna)

    assert (await cast.anna.clients.get(cast.bakkerij)).city == "Utrecht"
    assert len(await trail("Client.change")) == 1
    assert (
        '"before": {"city": "Amsterdam"}, "after": {"city": "Utrecht"}' in (await trail("Client.change"))[0]["detail"]
    )


@pytest.mark.parametrize(
    "question", ["café een", "CAFE ÉÉN", "cafeeen", "een cafe", "00901", "gravenhage", "info@cafe.example"]
)
async def test_a_search_finds_without_accents_in_any_order(cast, question):
    made = await add_client(cast.anna.clients, **GOOD, by=cast.anna)

    assert [row["id"] for row in await lists.page(cast.anna, lists.Filter(q=question), "name", 1, 50)] == [made.id]
    assert [one.id for one in await matching(cast.anna, q=question).all()] == [made.id]


@pytest.mark.parametrize("question", ["%", "_", "!", "100%", "'; DROP TABLE client; --", "\\", "{}", "{0}"])
async def test_signs_of_sql_are_only_signs(cast, question):
    assert await lists.page(cast.anna, lists.Filter(q=question), "name", 1, 50) == []
    assert await matching(cast.anna, q=question).count() == 0


async def test_names_sort_as_the_dutch_do(cast):
    for number, name in enumerate(["Zwart", "'t Hoekje", "Éclair", "Eckhart", "ijssalon", "Ede", "'s-Heerenhoek"], 1):
        await add_client(cast.anna.clients, number=f"S{number}", name=name, by=cast.anna)

    rows = await lists.page(cast.anna, lists.Filter(), "name", 1, 200)
    names = [row["name"] for row in rows if row["number"].startswith("S")]
    assert names == ["Eckhart", "Éclair", "Ede", "'s-Heerenhoek", "'t Hoekje", "ijssalon", "Zwart"]


async def test_numbers_and_places_have_an_order_of_their_own(cast):
    for number, city in (("N10", "'s-Hertogenbosch"), ("N9", "Haarlem"), ("N100", "Zeist")):
        await add_client(cast.anna.clients, number=number, name="Gelijk", city=city, by=cast.anna)

    asked = lists.Filter(q="gelijk")
    assert [row["number"] for row in await lists.page(cast.anna, asked, "number", 1, 9)] == ["N9", "N10", "N100"]
    assert [row["city"] for row in await lists.page(cast.anna, asked, "city", 1, 9)] == [
        "Haarlem",
        "'s-Hertogenbosch",
        "Zeist",
    ]
    assert next(row["city"] for row in await lists.page(cast.anna, asked, "-city", 1, 9)) == "Zeist"


async def test_the_pages_hold_everybody_once(cast):
    total = await lists.count(cast.anna, lists.Filter(state="all"))
    seen = [
        row["id"] for n in range(1, 10) for row in await lists.page(cast.anna, lists.Filter(state="all"), "name", n, 5)
    ]

    assert len(seen) == len(set(seen)) == total


# nobody of a client whom nobody was invited to is silent: "activation" is told with the overview
@pytest.mark.parametrize("missing", sorted(set(lists.MISSING) - {"activation"}))
async def test_what_is_missing_can_be_asked(cast, missing):
    bare = await add_client(cast.anna.clients, number="LEEG", name="Leeg", by=cast.anna)

    asked = lists.Filter(missing=missing)
    assert bare.id in [row["id"] for row in await lists.page(cast.anna, asked, "name", 1, 100)]
    assert await lists.count(cast.anna, asked) < await lists.count(cast.anna, lists.Filter())


async def test_a_whole_filter_joins_a_group_at_once(cast):
    group = await add_group(cast.anna.groups, name="Bakkers", by=cast.anna)
    total = await lists.count(cast.anna, lists.Filter())
    with engine.count_queries() as counter:
        first = await add_to_group(matching(cast.anna), group, by=cast.anna)
    again = await add_to_group(matching(cast.anna), group, by=cast.anna)

    assert (first, again) == (total, 0)
    assert await lists.count(cast.anna, lists.Filter(group=group.id)) == total
    assert counter.n <= 12 + total  # each client heard of it (a topic), the rest is a handful
    assert len(await trail("Client.join_group")) == total
    assert await remove_from_group(matching(cast.anna, q="jansen"), group, by=cast.anna) == 2


async def test_ed_in_bulk_reaches_only_his_own(cast):
    group = await add_group(cast.anna.groups, name="Van Ed", by=cast.anna)
    his = await matching(cast.ed).count()

    assert await add_to_group(matching(cast.ed), group, by=cast.ed) == his < await matching(cast.anna).count()


async def test_group_names_are_unique_without_case_or_accents(cast):
    group = await add_group(cast.anna.groups, name="Cafés", by=cast.anna)
    other = await add_group(cast.anna.groups, name="Winkels", by=cast.anna)

    with pytest.raises(Refused):
        await add_group(cast.anna.groups, name="CAFES", by=cast.anna)
    with pytest.raises(Refused):
        await other.rename("cafés", by=cast.anna)
    await group.rename("CAFÉS", by=cast.anna)

    assert (await cast.anna.groups.get(group.id)).name == "CAFÉS"


async def test_a_group_goes_unless_a_general_dossier_needs_it(cast):
    group = await add_group(cast.anna.groups, name="Tijdelijk", by=cast.anna)
    await add_to_group(matching(cast.anna), group, by=cast.anna)
    dossier = Dossier(kind="general", name="Nieuws", name_key="nieuws", audience="groups", created_at=utcnow())
    await dossier.save()
    await DossierGroup(dossier=dossier.id, client_group=group.id).save()

    with pytest.raises(Refused, match="Nieuws"):
        await group.remove(by=cast.anna)
    await DossierGroup.delete().where(DossierGroup.client_group == group.id)
    before = await Client.count()
    await group.remove(by=cast.anna)

    assert not await ClientGroup.exists().where(ClientGroup.id == group.id)
    assert await Client.count() == before
    assert await Trail.exists().where(Trail.operation == "ClientGroup.remove")


async def test_a_client_whose_people_were_invited_long_ago_and_never_came_is_found(cast):
    async def silent():
        return {row["id"] for row in await lists.page(cast.anna, lists.Filter(missing="activation"), "name", 1, 100)}

    await engine.raw(
        "UPDATE users SET state = 'invited', invited_at = $1 WHERE id IN (SELECT person FROM access WHERE client = $2)",
        utcnow() - lists.SILENT_AFTER * 2,
        cast.garage,
    )
    before = await silent()
    await engine.raw("UPDATE users SET state = 'active' WHERE id = $1", cast.sam.user.id)

    assert cast.garage in before and cast.garage not in await silent()
