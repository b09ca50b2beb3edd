"""Groups with a purpose and a rule: clients come and go by themselves, and new users get the template of their group."""

from __future__ import annotations

import pytest

from models import engine
from models.clients import Client, Membership, add_group, settle
from models.clients.grouping import default_template, matching_count
from models.core import Forbidden, Refused
from tests.cast import Cast


async def in_group(group: int) -> set[int]:
    return {row["client"] for row in await Membership.select(Membership.client).where(Membership.client_group == group)}


async def test_a_group_by_rule_follows_what_clients_are(cast: Cast) -> None:
    group = await add_group(cast.anna.groups, name="Alle bv's", by=cast.anna)
    count = await matching_count(cast.anna, {"legal_form": ["B.V."]})
    await group.set_rule({"legal_form": ["B.V."]}, by=cast.anna)
    first = await in_group(group.id)

    await Client.update({Client.legal_form: "Stichting"}).where(Client.id == cast.bakkerij)
    await settle(clients=[cast.bakkerij])
    second = await in_group(group.id)
    await group.set_rule({}, by=cast.anna)

    assert cast.bakkerij in first and len(first) == count
    assert second == first - {cast.bakkerij} and await in_group(group.id) == set()


async def test_who_was_put_in_by_hand_stays(cast: Cast) -> None:
    group = await add_group(cast.anna.groups, name="Gemengd", by=cast.anna)
    garage = await cast.anna.clients.get(cast.garage)
    await garage.set_groups([group.id], by=cast.anna)
    await group.set_rule({"legal_form": ["b.v."]}, by=cast.anna)
    await group.set_rule({}, by=cast.anna)

    assert await in_group(group.id) == {cast.garage}


async def test_a_rights_group_hands_its_template_to_new_users(cast: Cast) -> None:
    group = await add_group(cast.anna.groups, name="Alleen lezen", by=cast.anna)
    with pytest.raises(Refused) as refused:
        await group.set_purpose("rights", "bestaat-niet", by=cast.anna)
    await group.set_purpose("rights", "uploaden", by=cast.anna)
    bakkerij = await cast.anna.clients.get(cast.bakkerij)
    await bakkerij.set_groups([group.id], by=cast.anna)

    assert refused.value.field == "template"
    assert await default_template([cast.bakkerij]) == "uploaden" and await default_template([cast.garage]) == ""


async def test_a_group_that_decides_who_sees_what_stays_a_selection(cast: Cast) -> None:
    group = await add_group(cast.anna.groups, name="Gezien", by=cast.anna)
    await engine.raw("INSERT INTO staff_reach (person, client_group) VALUES ($1, $2)", cast.ed.user.id, group.id)

    with pytest.raises(Refused):
        await group.set_purpose("rights", "lezer", by=cast.anna)
    with pytest.raises(Forbidden):
        await group.set_rule({"legal_form": ["b.v."]}, by=cast.rik)
