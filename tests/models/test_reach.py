"""Whom a colleague sees who does not see all: his own clients, the groups given to him, within his branch office."""

from __future__ import annotations

import json
from random import Random

import pytest

from models import engine
from models.clients import settle
from models.clients.rules import checked
from models.core import Refused
from models.settings import utcnow
from tests.cast import as_viewer

BY_HAND = """
SELECT c.id FROM client c JOIN users u ON u.id = $1 WHERE (u.office IS NULL OR u.office = c.office) AND (
 c.id IN (SELECT client FROM responsible WHERE person = $1)
 OR c.id IN (SELECT m.client FROM membership m JOIN staff_reach s ON s.client_group = m.client_group WHERE s.person = $1)
 OR c.id IN (SELECT m.client FROM membership m JOIN staff_reach s ON s.client_group = m.client_group
  JOIN staff_group_member g ON g.staff_group = s.staff_group WHERE g.person = $1)) ORDER BY c.id
"""


async def seen_by_ed() -> list[int]:
    ed = await as_viewer("ed@kantoor.example")
    async with engine.reading():
        rows = await ed.clients.all()
    return sorted(client.id for client in rows)


async def made(table: str, name: str) -> int:
    rows = await engine.raw(
        f"INSERT INTO {table} (name, name_key, created_at) VALUES ($1, $1, $2) RETURNING id", name, utcnow()
    )
    return int(rows[0]["id"])


async def ruled(rule: dict[str, list[object]], name: str = "bij regel") -> int:
    group = await made("client_group", name)
    await engine.raw("UPDATE client_group SET rule = $1 WHERE id = $2", checked(rule), group)
    await settle()
    return group


async def members(group: int) -> set[int]:
    return {row["client"] for row in await engine.raw("SELECT client FROM membership WHERE client_group = $1", group)}


async def test_a_group_given_to_him_shows_its_clients(cast):
    group = await made("client_group", "golf")
    await engine.raw("INSERT INTO membership (client, client_group) VALUES ($1, $2)", cast.garage, group)
    before = await seen_by_ed()

    await engine.raw("INSERT INTO staff_reach (person, client_group) VALUES ($1, $2)", cast.ed.user.id, group)
    await settle(people=[cast.ed.user.id])

    assert cast.garage not in before
    assert await seen_by_ed() == sorted([*before, cast.garage])


async def test_a_branch_office_fences_who_works_there(cast):
    office = await made("office", "Zutphen")
    await engine.raw("UPDATE client SET office = $1 WHERE id IN ($2, $3)", office, cast.bakkerij, cast.garage)
    await engine.raw("UPDATE users SET office = $1 WHERE id = $2", office, cast.ed.user.id)
    await settle()
    assert await seen_by_ed() == [cast.bakkerij]

    await engine.raw("UPDATE users SET all_clients = $1 WHERE id = $2", True, cast.ed.user.id)
    assert await seen_by_ed() == sorted([cast.bakkerij, cast.garage])


async def test_an_administrator_of_the_firm_is_never_fenced(cast):
    office = await made("office", "Zutphen")
    await engine.raw("UPDATE users SET office = $1 WHERE id = $2", office, cast.anna.user.id)

    assert (await as_viewer("anna@kantoor.example")).sees_all_clients


async def test_a_group_by_rule_follows_the_clients(cast):
    group = await ruled({"legal_form": ["b.v."]})
    form = await engine.raw("SELECT id FROM client WHERE lower(legal_form) = 'b.v.'")
    assert await members(group) == {row["id"] for row in form} != set()

    await engine.raw("UPDATE client SET legal_form = 'VOF' WHERE id = $1", cast.bakkerij)
    await settle(clients=[cast.bakkerij])

    assert cast.bakkerij not in await members(group)


async def test_who_was_put_in_by_hand_stays_in_a_group_by_rule(cast):
    group = await ruled({"responsible": [cast.ed.user.id]})
    await engine.raw("INSERT INTO membership (client, client_group) VALUES ($1, $2)", cast.garage, group)

    await engine.raw("UPDATE client_group SET rule = '' WHERE id = $1", group)
    await settle()

    assert await members(group) == {cast.garage}


async def test_every_condition_can_be_asked(cast):
    office = await made("office", "Zutphen")
    await engine.raw("UPDATE client SET office = $1, modules = 'dossiers' WHERE id = $2", office, cast.garage)

    assert await members(await ruled({"office": [office]}, "o")) == {cast.garage}
    assert cast.garage in await members(await ruled({"module": ["dossiers"]}, "d"))
    assert cast.garage not in await members(await ruled({"module": ["payroll"]}, "p"))
    assert cast.bakkerij in await members(await ruled({"module": ["payroll", "approvals"]}, "q"))


def test_an_unknown_condition_is_refused():
    with pytest.raises(Refused):
        checked({"colour": ["red"]})
    assert checked({"office": []}) == ""


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_happens_reach_is_what_the_facts_say(cast, seed):
    """Random changes of facts, each settled only for whom it concerns, end where working everything out anew ends."""
    chance = Random(seed)
    clients = [row["id"] for row in await engine.raw("SELECT id FROM client ORDER BY id")]
    ed = cast.ed.user.id
    groups = [await made("client_group", f"g{n}") for n in range(3)]
    office, team = await made("office", "Zutphen"), await made("staff_group", "Team")
    await engine.raw("UPDATE client_group SET rule = $1 WHERE id = $2", json.dumps({"office": [office]}), groups[0])
    for _ in range(25):
        client, group = chance.choice(clients), chance.choice(groups)
        match chance.randrange(7):
            case 0:
                await engine.raw(
                    "INSERT INTO responsible (client, person) VALUES ($1, $2) ON CONFLICT DO NOTHING", client, ed
                )
                await settle(clients=[client])
            case 1:
                await engine.raw("DELETE FROM responsible WHERE client = $1", client)
                await settle(clients=[client])
            case 2:
                await engine.raw(
                    "INSERT INTO membership (client, client_group) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                    client,
                    group,
                )
                await settle(clients=[client])
            case 3:
                await engine.raw("DELETE FROM membership WHERE client = $1 AND source = 'hand'", client)
                await settle(clients=[client])
            case 4:
                await engine.raw("UPDATE client SET office = $1 WHERE id = $2", chance.choice([None, office]), client)
                await settle(clients=[client])
            case 5:
                await engine.raw(
                    "INSERT INTO staff_reach (person, staff_group, client_group) VALUES ($1, $2, $3)",
                    *chance.choice([(ed, None), (None, team)]),
                    group,
                )
                await settle(people=[ed])
            case 6:
                await engine.raw(
                    "INSERT INTO staff_group_member (staff_group, person) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                    team,
                    ed,
                )
                await engine.raw("UPDATE users SET office = $1 WHERE id = $2", chance.choice([None, office]), ed)
                await settle(people=[ed])
        assert await seen_by_ed() == [row["id"] for row in await engine.raw(BY_HAND, ed)]
    before = await engine.raw("SELECT person, client FROM reach ORDER BY person, client")

    await settle()

    assert await engine.raw("SELECT person, client FROM reach ORDER BY person, client") == before
