"""Rolling out: whatever a client has, what he gets is what a naive reading of the rules says; placeholders, years, renamed folders."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from models import engine
from models.clients.records import add_client
from models.core import Refused, fold
from models.dossiers import Dossier, Folder, Selection, add_structure, apply_structure, compare
from models.dossiers.matching import Values, expand
from models.dossiers.rolling import serve_new_clients
from models.dossiers.starter import STRUCTURES
from models.dossiers.structures import Wanted, add_starter, give_to_new, standard_of
from models.settings import utcnow


async def live(client: int) -> dict[int, dict[str, Any]]:
    rows = await engine.raw(
        "SELECT id, parent, name, kind, origin, year FROM folder WHERE client = $1 AND trashed_at IS NULL", client
    )
    return {row["id"]: row for row in rows}


def paths(folders: dict[int, dict[str, Any]]) -> set[str]:
    def way(id: int) -> str:
        one = folders[id]
        return (way(one["parent"]) + "/" if one["parent"] else "") + fold(one["name"])

    return {way(id) for id in folders}


async def random_structure(cast: Any, chance: Random) -> Dossier:
    structure = await add_structure("standard", f"Willekeurig {chance.random()}", by=cast.anna)
    made: list[Folder] = []
    for n in range(chance.randint(3, 12)):
        name = chance.choice([f"Map {n}", f"Jaar {{boekjaar}} {n}", f"{{cliënt}} {n}", f"Één {{boekjaar-1}} {n}"])
        parent = chance.choice([None, *made])
        kind = chance.choice(["office", "upload", "both", "internal"])
        made.append(await (parent or structure).add_folder(name, kind, by=cast.anna))
    return structure


@pytest.mark.parametrize("seed", range(10))
async def test_what_is_applied_is_what_was_missing_and_again_nothing(cast: Any, seed: int) -> None:
    chance = Random(seed)
    structure = await random_structure(cast, chance)
    standard = await standard_of(structure.id)
    clients = [cast.bakkerij, cast.garage]
    for client in clients:  # each has a part of it already, some of it renamed or thrown away since
        some = tuple(one.id for one in chance.sample(standard, len(standard) // 2))
        await apply_structure(structure, Selection("clients", clients=(client,)), Wanted(2026, some), by=cast.anna)
        mine = [one for one in (await live(client)).values() if one["origin"]]
        for row in chance.sample(mine, min(2, len(mine))):
            folder = await cast.anna.folders.get(row["id"])
            if folder.is_trashed:
                continue
            if chance.random() < 0.5:
                await folder.rename(f"Anders {row['id']}", by=cast.anna)
            else:
                await folder.trash(by=cast.anna)
    before = {client: await live(client) for client in clients}

    shown = {one.client_id: one for one in await compare(structure, clients, Wanted(2026))}
    added = await apply_structure(structure, Selection("clients", clients=tuple(clients)), Wanted(2026), by=cast.anna)

    assert added == sum(one.adds for one in shown.values())
    for client in clients:
        after = await live(client)
        assert {id: after.get(id) for id in before[client]} == before[client]  # nothing of his changed
        assert len(after) - len(before[client]) == shown[client].adds
        origins = [(one["origin"], one["year"]) for one in after.values() if one["origin"] in {s.id for s in standard}]
        assert sorted(origin for origin, _ in origins) == sorted(one.id for one in standard)  # each once
        assert len(paths(after)) == len(after)
        for one in after.values():
            parent = after.get(one["parent"])
            assert one["parent"] is None or parent is not None
            assert not (parent and parent["kind"] == "internal" and one["kind"] != "internal")
    assert not any(one.adds for one in await compare(structure, clients, Wanted(2026)))
    assert (
        await apply_structure(structure, Selection("clients", clients=tuple(clients)), Wanted(2026), by=cast.anna) == 0
    )


async def test_the_next_year_comes_beside_this_one_and_only_where_it_is_dated(cast: Any) -> None:
    structure = await add_starter("bv", by=cast.anna)
    standard = await standard_of(structure.id)
    whom = Selection("clients", clients=(cast.garage,))
    await apply_structure(structure, whom, Wanted(2026), by=cast.anna)

    added = await apply_structure(structure, whom, Wanted(2027), by=cast.anna)

    assert added == sum(one.dated for one in standard)
    names = {one["name"] for one in (await live(cast.garage)).values()}
    assert {"Boekjaar 2026", "Boekjaar 2027", "Salaris 2027"} <= names
    years = {one["name"]: one["year"] for one in (await live(cast.garage)).values()}
    assert years["Boekjaar 2027"] == 2027 and years["Aanleveren"] is None


async def test_only_what_was_chosen_with_what_it_lies_in(cast: Any) -> None:
    structure = await add_starter("zzp", by=cast.anna)
    standard = {one.name: one for one in await standard_of(structure.id)}
    chosen = standard["Aangifte omzetbelasting"]

    added = await apply_structure(
        structure, Selection("clients", clients=(cast.garage,)), Wanted(2026, (chosen.id,)), by=cast.anna
    )

    assert added == 2 and "boekjaar 2026/aangifte omzetbelasting" in paths(await live(cast.garage))


async def test_another_kind_is_told_and_made_alike_only_when_asked(cast: Any) -> None:
    structure = await add_starter("stichting", by=cast.anna)
    whom = Selection("clients", clients=(cast.garage,))
    await apply_structure(structure, whom, Wanted(2026), by=cast.anna)
    await engine.raw("UPDATE folder SET kind = 'office' WHERE client = $1 AND name = 'Bankafschriften'", cast.garage)

    (told,) = await compare(structure, [cast.garage], Wanted(2026))
    await apply_structure(structure, whom, Wanted(2026), by=cast.anna)
    (still,) = await compare(structure, [cast.garage], Wanted(2026))
    await apply_structure(structure, whom, Wanted(2026, None, True), by=cast.anna)
    (alike,) = await compare(structure, [cast.garage], Wanted(2026))

    assert (told.other_kind, still.other_kind, alike.other_kind) == (
        2,
        2,
        0,
    )  # Correspondentie of the sample office was of another kind already


async def test_new_clients_get_it_at_once_and_old_ones_do_not(cast: Any) -> None:
    structure = await add_starter("zzp", by=cast.anna)
    second = await add_starter("particulier", by=cast.anna)
    await engine.raw("DELETE FROM dossier WHERE client = $1", cast.garage)
    for one in (structure, second):
        await give_to_new(one, True, by=cast.anna)
    client = await add_client(cast.anna.clients, number="990", name="Nieuw B.V.", by=cast.anna)

    served, again = await serve_new_clients(), await serve_new_clients()

    assert (served, again) == (1, 0)
    assert {f"Boekjaar {utcnow().year}", f"Belastingjaar {utcnow().year}"} <= {
        one["name"] for one in (await live(client.id)).values()
    }
    assert not await live(cast.garage)


@pytest.mark.parametrize("wrong", ["{jaar}", "Map {klant}", "{cliënt+1}", "{}"])
async def test_an_unknown_placeholder_is_refused_in_a_structure_only(cast: Any, wrong: str) -> None:
    structure = await add_structure("standard", "Proef", by=cast.anna)

    with pytest.raises(Refused):
        await structure.add_folder(wrong, by=cast.anna)

    folder = await Folder.objects().where((Folder.client == cast.bakkerij) & Folder.trashed_at.is_null()).first()
    await folder.rename(wrong, by=cast.anna)


def test_placeholders_become_what_they_say() -> None:
    values = Values(2026, "Jansen › Zn.", "1001")

    assert expand("IB {boekjaar} / {boekjaar-1} {CLIENT} {nummer}", values) == "IB 2026 / 2025 Jansen > Zn. 1001"


def test_the_structures_that_come_along_name_known_kinds() -> None:
    def every(folders: Any) -> list[Any]:
        return [one for folder in folders for one in (folder, *every(folder[3]))]

    for _, folders in STRUCTURES.values():
        assert {one[1] for one in every(folders)} <= {"office", "upload", "both", "internal"}
        assert len({(one[0]) for one in folders}) == len(folders)
