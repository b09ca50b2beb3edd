"""Who reads a general dossier: all, groups, sectors or whoever follows a rule; and that the count beforehand is right."""

from __future__ import annotations

from typing import Any

import pytest

from models import engine
from models.clients import ClientGroup, add_group, add_to_group
from models.core import Missing, Refused
from models.dossiers import Dossier, Folder, add_structure
from models.dossiers.audience import publish_by_rule, readers_of, rule_of
from models.explaining import of_folder
from models.portal import general_trees
from tests.cast import as_viewer

RIK, SAM = "rik@bakkerij-jansen.example", "sam@garage-smit.example"


async def general(cast: Any) -> tuple[Dossier, Folder]:
    dossier = await add_structure("general", "Branchenieuws", by=cast.anna)
    return dossier, await dossier.add_folder("Cao", by=cast.anna)


async def sector_of(client: int, name: str) -> int:
    await engine.raw("INSERT INTO sector (name, name_key, sbi, sbi_version) VALUES ($1, $1, '', 'SBI 2008')", name)
    rows = await engine.raw("SELECT id FROM sector WHERE name_key = $1", name)
    await engine.raw("INSERT INTO client_sector (client, sector) VALUES ($1, $2)", client, rows[0]["id"])
    return int(rows[0]["id"])


async def reads(email: str, client: int, folder: Folder) -> bool:
    """By every way there is to it, which must agree."""
    viewer = await as_viewer(email)
    listed = await viewer.folders.where(Folder.id == folder.id).exists()
    in_tree = folder.dossier in {one["id"] for one in await general_trees(viewer, client)}
    dossier = await viewer.dossiers.where(Dossier.id == folder.dossier).exists()
    told = (await of_folder(viewer.user, folder)).allowed
    assert listed == in_tree == dossier == told
    return bool(listed)


async def test_a_sector_reads_what_is_for_it_and_nobody_else(cast: Any) -> None:
    dossier, folder = await general(cast)
    bakers = await sector_of(cast.bakkerij, "bakkers-van-hier")

    await dossier.publish("sector", (), [bakers], by=cast.anna)

    assert await reads(RIK, cast.bakkerij, folder)
    assert not await reads(SAM, cast.garage, folder)
    await engine.raw("DELETE FROM sector WHERE id = $1", bakers)
    assert not await reads(RIK, cast.bakkerij, folder)


async def test_groups_and_sectors_do_not_add_up_and_nothing_chosen_is_refused(cast: Any) -> None:
    dossier, folder = await general(cast)
    bakers = await sector_of(cast.bakkerij, "bakkers-van-hier")
    group = await add_group(cast.anna.groups, name="Garages van hier", by=cast.anna)
    await add_to_group(cast.anna.clients.where(), group, by=cast.anna)
    await engine.raw("DELETE FROM membership WHERE client_group = $1 AND client <> $2", group.id, cast.garage)

    for audience, field in (("groups", "groups"), ("sector", "sectors")):
        with pytest.raises(Refused) as refused:
            await dossier.publish(audience, [999_999], [999_999], by=cast.anna)
        assert refused.value.field == field
    await dossier.publish("groups", [group.id], [bakers], by=cast.anna)

    assert await reads(SAM, cast.garage, folder)
    assert not await reads(RIK, cast.bakkerij, folder)


async def test_a_rule_lets_in_who_matches_and_who_will(cast: Any) -> None:
    dossier, folder = await general(cast)
    bakers = await sector_of(cast.bakkerij, "bakkers-van-hier")
    with pytest.raises(Refused):
        await publish_by_rule(dossier, {}, by=cast.anna)

    await publish_by_rule(dossier, {"sector": [bakers]}, by=cast.anna)

    assert await reads(RIK, cast.bakkerij, folder)
    assert not await reads(SAM, cast.garage, folder)
    assert await rule_of(dossier)
    await engine.raw("INSERT INTO client_sector (client, sector) VALUES ($1, $2)", cast.garage, bakers)
    from models.clients.rules import settle

    await settle([cast.garage])
    assert await reads(SAM, cast.garage, folder)
    await publish_by_rule(dossier, {"kind": ["bestaat-niet"]}, by=cast.anna)
    assert not await reads(RIK, cast.bakkerij, folder)
    assert await ClientGroup.count().where(ClientGroup.name == "Lezers van Branchenieuws") == 1


async def test_the_count_beforehand_is_who_reads_it_afterwards(cast: Any) -> None:
    dossier, folder = await general(cast)
    bakers = await sector_of(cast.bakkerij, "bakkers-van-hier")
    for audience, sectors, rule in (("all", (), {}), ("sector", (bakers,), {}), ("rule", (), {"sector": [bakers]})):
        clients, people = await readers_of(cast.anna, audience, (), sectors, rule)

        if audience == "rule":
            await publish_by_rule(dossier, rule, by=cast.anna)
        else:
            await dossier.publish(audience, (), sectors, by=cast.anna)

        everybody = await engine.raw(
            "SELECT DISTINCT u.email_key FROM users u JOIN access a ON a.person = u.id WHERE u.kind = 'client'"
        )
        seen = [
            row
            for row in everybody
            if await (await as_viewer(row["email_key"])).folders.where(Folder.id == folder.id).exists()
        ]
        assert people == len(seen), audience
        assert clients == (1 if audience != "all" else await cast.anna.clients.count())


async def test_only_who_edits_structures_says_who_reads(cast: Any) -> None:
    from models.core import Forbidden

    dossier, folder = await general(cast)
    with pytest.raises(Forbidden):
        await publish_by_rule(dossier, {"kind": ["bv"]}, by=cast.ed)
    with pytest.raises(Forbidden):
        await dossier.publish("all", by=cast.ed)
    with pytest.raises(Missing):
        await (await as_viewer(RIK)).folders.get(folder.id)
