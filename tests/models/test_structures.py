"""Copying a standard structure: what is shown is what is added, and nothing else ever changes."""

from __future__ import annotations

import pytest

from models import engine
from models.clients import Client
from models.core import Forbidden, Refused, fold
from models.dossiers import (
    Compared,
    Dossier,
    Folder,
    Selection,
    add_structure,
    apply_structure,
    apply_to,
    chosen,
    compare,
    difference,
    dossiers_for,
    trash_of,
    tree_of,
)
from models.tasks import Progress, Task
from tests.cast import Cast


async def structure_of(cast: Cast) -> Dossier:
    (row,) = await dossiers_for(cast.anna, "standard")
    return await cast.anna.dossiers.get(row["id"])


async def paths(client: int) -> list[str]:
    rows = await engine.raw(
        "WITH RECURSIVE t(id, path) AS (SELECT id, CAST(name AS text) FROM folder WHERE client = $1 AND parent IS NULL AND trashed_at IS NULL "
        "UNION ALL SELECT f.id, t.path || '/' || f.name FROM folder f JOIN t ON f.parent = t.id WHERE f.trashed_at IS NULL) "
        "SELECT path FROM t",
        client,
    )
    return sorted(row["path"] for row in rows)


def new_ones(tree: list[Compared]) -> list[str]:
    return [name for one in tree for name in ([one.node.name] * one.is_new + new_ones(one.folders))]


async def test_what_is_missing_is_added_and_the_second_time_nothing(cast: Cast) -> None:
    structure = await structure_of(cast)
    tax = await Folder.objects().where((Folder.client == cast.bakkerij) & (Folder.name == "Aangiften")).first()
    assert tax is not None
    async with engine.writing():
        await engine.raw("DELETE FROM folder WHERE client = $1 AND name = 'Omzetbelasting'", cast.bakkerij)
        await engine.raw("DELETE FROM dossier WHERE client = $1", cast.garage)
        deep = await (await structure.add_folder("Project", by=cast.anna)).add_folder("Fase", by=cast.anna)
        await deep.add_folder("Notitie", "internal", by=cast.anna)
        await tax.add_folder("Eigen map", by=cast.anna)
    before = set(await paths(cast.bakkerij))

    shown = {one.client_id: one for one in await compare(structure, [cast.bakkerij, cast.garage])}
    added = await apply_structure(structure, Selection("clients", clients=(cast.bakkerij, cast.garage)), by=cast.anna)

    assert shown[cast.bakkerij].adds == 4 and not shown[cast.garage].has_dossier
    assert added == shown[cast.bakkerij].adds + shown[cast.garage].adds
    after = set(await paths(cast.bakkerij))
    assert (
        after - before == {"Aangiften/Omzetbelasting", "Project", "Project/Fase", "Project/Fase/Notitie"}
        and before < after
    )
    assert set(await paths(cast.garage)) == after - {"Aangiften/Eigen map"}
    again = await apply_structure(structure, Selection("clients", clients=(cast.bakkerij, cast.garage)), by=cast.anna)
    assert again == 0 and await paths(cast.bakkerij) == sorted(after)
    assert (
        await engine.raw(
            "SELECT detail FROM trail WHERE operation = 'Dossier.apply_structure' AND client = $1", cast.bakkerij
        )
    ) == [{"detail": '{"added": 4}'}]


async def test_the_tree_shows_what_is_new(cast: Cast) -> None:
    structure = await structure_of(cast)
    async with engine.writing():
        await engine.raw("DELETE FROM folder WHERE client = $1 AND name = 'Jaarrekeningen'", cast.bakkerij)

    assert new_ones(await difference(structure, cast.bakkerij)) == ["Jaarrekeningen", "2023", "2024", "2025"]


async def test_names_match_without_case_or_accents_and_keep_how_they_are_written(cast: Cast) -> None:
    structure = await structure_of(cast)
    async with engine.writing():
        await engine.raw("UPDATE folder SET name = $1 WHERE client = $2 AND name = 'Salaris'", "SALARÍS", cast.bakkerij)
    assert fold("SALARÍS") == "salaris"

    assert await apply_structure(structure, Selection("clients", clients=(cast.bakkerij,)), by=cast.ed) == 0
    assert "SALARÍS/Loonstroken" in await paths(cast.bakkerij)


async def test_a_folder_in_the_trash_stays_there_and_is_told(cast: Cast) -> None:
    structure = await structure_of(cast)
    folder = await Folder.objects().where((Folder.client == cast.bakkerij) & (Folder.name == "Salaris")).first()
    assert folder is not None
    await folder.trash(by=cast.ed)

    (shown,) = await compare(structure, [cast.bakkerij])
    await apply_structure(structure, Selection("clients", clients=(cast.bakkerij,)), by=cast.ed)

    assert (shown.adds, shown.trashed) == (2, 2)
    assert [row["id"] for row in (await trash_of(cast.ed, folder.dossier))[0]] == [folder.id]
    assert [node.name for node in await tree_of(cast.ed, folder.dossier)].count("Salaris") == 1


async def test_below_an_internal_folder_everything_becomes_internal(cast: Cast) -> None:
    structure = await structure_of(cast)
    folder = await Folder.objects().where((Folder.client == cast.bakkerij) & (Folder.name == "Salaris")).first()
    assert folder is not None
    await folder.change_kind("internal", by=cast.ed)
    async with engine.writing():
        await engine.raw("DELETE FROM folder WHERE client = $1 AND name = 'Loonstroken'", cast.bakkerij)

    await apply_structure(structure, Selection("clients", clients=(cast.bakkerij,)), by=cast.ed)

    (row,) = await engine.raw("SELECT kind FROM folder WHERE client = $1 AND name = 'Loonstroken'", cast.bakkerij)
    assert row["kind"] == "internal"


async def test_a_restricted_employee_copies_only_to_his_own_clients(cast: Cast) -> None:
    assert not cast.ed.sees_all_clients
    mine = {row["id"] for row in await cast.ed.clients.select(Client.id)}

    assert set(await chosen(cast.ed, Selection("all"))) <= mine
    assert set(await chosen(cast.anna, Selection("all"))) > mine
    others = tuple(set(cast.clients.values()) - mine)
    with pytest.raises(Refused):
        await chosen(cast.ed, Selection("clients", clients=others))


async def test_clients_copy_nothing(cast: Cast) -> None:
    with pytest.raises(Forbidden):
        await apply_structure(await structure_of(cast), Selection("all"), by=cast.rik)


async def test_many_clients_are_work_for_the_worker_which_may_be_killed_and_begin_again(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    structure = await structure_of(cast)
    monkeypatch.setattr("models.dossiers.rolling.AT_ONCE", 3)
    monkeypatch.setattr("models.dossiers.rolling.BATCH", 4)
    async with engine.writing():
        await engine.raw("DELETE FROM dossier WHERE client IS NOT NULL")
        task = await apply_structure(structure, Selection("all"), by=cast.anna)
    assert isinstance(task, Task)
    clients = await chosen(cast.anna, Selection("all"))
    await apply_to(structure.id, clients[:6], by=cast.anna.user.id)  # what a worker did before it was killed

    from models.tasks import WORKS

    outcome = await WORKS["apply_structure"](task, Progress(task))

    wanted = len(await Folder.select(Folder.id).where(Folder.dossier == structure.id))
    assert outcome["with"]["added"] == wanted * (len(clients) - 6)
    rows = await engine.raw("SELECT client, count(*) AS n FROM folder WHERE client IS NOT NULL GROUP BY client")
    assert {row["n"] for row in rows} == {wanted} and len(rows) == len(clients)


async def test_an_empty_structure_is_refused(cast: Cast) -> None:
    empty = await add_structure("standard", "Leeg", by=cast.anna)

    with pytest.raises(Refused):
        await apply_structure(empty, Selection("all"), by=cast.anna)
