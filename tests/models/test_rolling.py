"""Rolling out in full: by rule, with rights, made alike, written down, undone; book years; who differs."""

from __future__ import annotations

import io
import json
from random import Random
from typing import Any

import openpyxl
import pytest

from models import engine
from models.clients import Client
from models.clients.records import add_client
from models.core import Forbidden, Missing, Refused, fold
from models.dossiers import (
    Dossier,
    Folder,
    NewDocument,
    Selection,
    add_structure,
    chosen,
    compare,
    difference,
    runs,
    whom,
)
from models.dossiers import drift as drifting
from models.dossiers import years as booking
from models.dossiers.acts import Items, copy_items, move_items
from models.dossiers.grants import grants_of, set_grants
from models.dossiers.matching import Values, expand
from models.dossiers.rolling import apply_structure, roll_out, serve_new_clients
from models.dossiers.structures import Wanted, add_starter, give_to_new, open_dossier, standard_of
from models.tasks import WORKS, Progress, Task
from tests.cast import as_viewer
from tests.models.test_matching import live, paths

FEM = "fem@bakkerij-jansen.example"


def to(*clients: int) -> Selection:
    return Selection("clients", clients=clients)


async def template(key: str) -> int:
    return int((await engine.raw("SELECT id FROM rights_template WHERE key = $1", key))[0]["id"])


async def with_folders(cast: Any, *names: str, name: str = "Proef") -> tuple[Dossier, list[Folder]]:
    structure = await add_structure("standard", name, by=cast.anna)
    return structure, [await structure.add_folder(one, by=cast.anna) for one in names]


# rights


async def test_a_folder_comes_with_the_rights_that_the_structure_gives_it(cast: Any) -> None:
    structure, (payroll, _) = await with_folders(cast, "Loon {boekjaar}", "Geheim")
    inside = await payroll.add_folder("Mutaties", "upload", by=cast.anna)
    await set_grants(payroll, {await template("salaris"): False}, by=cast.anna)
    await set_grants(inside, {await template("salaris"): True}, by=cast.anna)

    await apply_structure(structure, to(cast.bakkerij), Wanted(2031), by=cast.anna)

    mine = {row["name"]: id for id, row in (await live(cast.bakkerij)).items()}
    fem = await as_viewer(FEM)
    assert fem.opened_folders == {mine["Loon 2031"]: False, mine["Mutaties"]: True}
    assert mine["Geheim"] not in {row["id"] for row in await fem.folders.select(Folder.id)}
    changes = await fem.folders.get(mine["Mutaties"])
    added = await changes.add_documents([NewDocument("a.txt", "0" * 64, 1, "text/plain")], by=fem)
    assert added[0].uploaded_by == fem.user.id
    with pytest.raises(Forbidden):
        await (await fem.folders.get(mine["Loon 2031"])).add_documents([NewDocument("b.txt", "0" * 64, 1, "text/plain")], by=fem)  # fmt: skip


async def test_rights_stay_with_a_folder_under_another_name_and_not_with_another_client(cast: Any) -> None:
    structure, (payroll,) = await with_folders(cast, "Loon 31")
    await set_grants(payroll, {await template("salaris"): False}, by=cast.anna)
    await apply_structure(structure, to(cast.bakkerij), by=cast.anna)
    (folder,) = await Folder.objects().where((Folder.client == cast.bakkerij) & (Folder.name == "Loon 31"))

    await folder.rename("Heel anders", by=cast.anna)
    assert (await as_viewer(FEM)).opened_folders == {folder.id: False}

    await folder.change_kind("internal", by=cast.anna)
    assert (await as_viewer(FEM)).opened_folders == {}
    await folder.change_kind("office", by=cast.anna)
    theirs = await open_dossier(await cast.anna.clients.get(cast.garage), by=cast.anna)
    act = await move_items(theirs, None, Items(folders=(folder.id,)), by=cast.anna)
    assert (await as_viewer(FEM)).opened_folders == {} and await grants_of(folder.id) == {}
    await act.undo(by=cast.anna)
    assert (await as_viewer(FEM)).opened_folders == {folder.id: False} and await grants_of(folder.id)


async def test_a_copy_within_the_standard_is_open_to_the_same_templates(cast: Any) -> None:
    structure, (payroll,) = await with_folders(cast, "Loon 31")
    inside = await payroll.add_folder("Mutaties", "upload", by=cast.anna)
    salaris = await template("salaris")
    await set_grants(payroll, {salaris: False}, by=cast.anna)
    await set_grants(inside, {salaris: True}, by=cast.anna)

    act = await copy_items(structure, None, Items(folders=(payroll.id,)), by=cast.anna)

    (copy,) = json.loads(act.before)["folders"]
    (within,) = await Folder.objects().where(Folder.parent == copy)
    assert await grants_of(copy) == {salaris: False} and await grants_of(within.id) == {salaris: True}

    await apply_structure(structure, to(cast.bakkerij), by=cast.anna)
    (mine,) = await Folder.objects().where((Folder.client == cast.bakkerij) & (Folder.name == "Loon 31"))
    theirs = await open_dossier(await cast.anna.clients.get(cast.garage), by=cast.anna)
    act = await copy_items(theirs, None, Items(folders=(mine.id,)), by=cast.anna)
    assert await grants_of(mine.id) and await grants_of(json.loads(act.before)["folders"][0]) == {}


async def test_rights_change_at_clients_only_when_they_are_rolled_out_again(cast: Any) -> None:
    structure, (payroll,) = await with_folders(cast, "Loon 31")
    await apply_structure(structure, to(cast.bakkerij), by=cast.anna)
    await set_grants(payroll, {await template("salaris"): True}, by=cast.anna)

    (told,) = await compare(structure, [cast.bakkerij])
    await apply_structure(structure, to(cast.bakkerij), by=cast.anna)
    still = (await as_viewer(FEM)).opened_folders
    run = await roll_out(structure, to(cast.bakkerij), Wanted(2026, rights=True), by=cast.anna)
    (alike,) = await compare(structure, [cast.bakkerij])

    assert (told.other_rights, still, alike.other_rights) == (1, {}, 0)
    assert (await runs.figures(cast.anna, run))["alike"] == 1
    assert list((await as_viewer(FEM)).opened_folders.values()) == [True]
    await set_grants(payroll, {}, by=cast.anna)  # taken away in the standard is told, and taken away when asked
    assert [one.other_rights for one in await compare(structure, [cast.bakkerij])] == [1]
    await apply_structure(structure, to(cast.bakkerij), Wanted(2026, rights=True), by=cast.anna)
    assert (await as_viewer(FEM)).opened_folders == {}


async def test_only_who_edits_structures_says_whom_a_standard_folder_opens_to(cast: Any) -> None:
    _, (folder,) = await with_folders(cast, "Loon 31")
    salaris = await template("salaris")

    with pytest.raises(Forbidden):
        await set_grants(folder, {salaris: True}, by=cast.ed)
    with pytest.raises(Refused):
        await set_grants(folder, {987654: True}, by=cast.anna)
    await folder.change_kind("internal", by=cast.anna)
    with pytest.raises(Refused):
        await set_grants(folder, {salaris: True}, by=cast.anna)
    assert await grants_of(folder.id) == {}


async def test_retention_is_told_and_made_alike_when_asked(cast: Any) -> None:
    structure, (folder,) = await with_folders(cast, "Bewaren")
    await apply_structure(structure, to(cast.garage), by=cast.anna)
    kept = (await engine.raw("SELECT min(id) AS id FROM retention_class"))[0]["id"]
    await folder.set_up(False, kept, None, by=cast.anna)

    (told,) = await compare(structure, [cast.garage])
    await apply_structure(structure, to(cast.garage), Wanted(2026, retention=True), by=cast.anna)
    (alike,) = await compare(structure, [cast.garage])

    assert (told.other_retention, alike.other_retention) == (1, 0)


# for whom


async def test_a_rule_chooses_by_what_clients_are(cast: Any) -> None:
    structure, _ = await with_folders(cast, "Nieuw")
    await engine.raw("UPDATE client SET legal_form = 'Eenmanszaak' WHERE id = $1", cast.garage)
    await engine.raw("UPDATE client SET legal_form = 'BV' WHERE id <> $1", cast.garage)

    rule = whom.checked({"legal_form": ["eenmanszaak"]})
    assert await chosen(cast.anna, Selection("rule", rule=rule)) == [cast.garage]
    added = await apply_structure(structure, Selection("rule", rule=rule), by=cast.anna)

    assert added == 1 and "nieuw" in paths(await live(cast.garage))
    await engine.raw("DELETE FROM dossier WHERE client = $1", cast.bakkerij)
    none = whom.checked({"dossier": ["none"]})
    without = {row["id"] for row in await engine.raw("SELECT id FROM client c WHERE state = 'active' AND NOT EXISTS (SELECT 1 FROM folder f WHERE f.client = c.id)")}  # fmt: skip
    assert without and set(await chosen(cast.anna, Selection("rule", rule=none))) == without
    has = whom.checked({"structure": [structure.id]})
    assert await chosen(cast.anna, Selection("rule", rule=has)) == [cast.garage]
    with pytest.raises(Refused):
        await chosen(cast.anna, Selection("rule", rule=""))
    with pytest.raises(Refused):
        await chosen(cast.anna, Selection("rule", rule='{"password": ["x"]}'))


async def test_a_restricted_colleague_reaches_by_a_rule_only_his_own(cast: Any) -> None:
    mine = {row["id"] for row in await cast.ed.clients.select(Client.id)}

    assert set(await chosen(cast.ed, Selection("rule", rule=whom.checked({"kind": ["organisation", "sole_trader", "private"]})))) <= mine  # fmt: skip


async def test_who_was_left_out_gets_nothing(cast: Any) -> None:
    structure, _ = await with_folders(cast, "Nieuw")

    run = await roll_out(structure, Selection("clients", clients=(cast.garage, cast.bakkerij), without=(cast.garage,)), by=cast.anna)  # fmt: skip

    assert [row["id"] for row in await runs.clients_of(cast.anna, run)] == [cast.bakkerij]
    assert "nieuw" not in paths(await live(cast.garage))


async def test_new_clients_get_the_structure_of_their_legal_form(cast: Any) -> None:
    bv, zzp = await add_starter("bv", by=cast.anna), await add_starter("zzp", by=cast.anna)
    await give_to_new(bv, True, whom.checked({"legal_form": ["BV"]}), by=cast.anna)
    await give_to_new(zzp, True, whom.checked({"legal_form": ["Eenmanszaak"]}), by=cast.anna)
    made = {
        form: await add_client(cast.anna.clients, number=f"99{n}", name=f"Nieuw {n}", legal_form=form, by=cast.anna)
        for n, form in enumerate(("BV", "Eenmanszaak", "Stichting"))
    }

    assert await serve_new_clients() == 2 and await serve_new_clients() == 0

    assert "permanent/aandeelhouders" in paths(await live(made["BV"].id))
    assert "permanent/inschrijvingen" in paths(await live(made["Eenmanszaak"].id))
    assert not await live(made["Stichting"].id)


async def test_with_three_structures_for_everybody_nobody_misses_one(cast: Any) -> None:
    for n in range(3):
        structure, _ = await with_folders(cast, f"Map {n}", name=f"S{n}")
        await give_to_new(structure, True, by=cast.anna)
    made = [await add_client(cast.anna.clients, number=f"98{n}", name=f"Nieuw {n}", by=cast.anna) for n in range(5)]

    await serve_new_clients()

    for client in made:
        assert paths(await live(client.id)) == {"map 0", "map 1", "map 2"}


# what is written down, and taking it back


async def test_a_roll_out_is_told_per_client_and_taken_back_where_nothing_was_put(cast: Any) -> None:
    structure, (top, _) = await with_folders(cast, "Nieuw", "Leeg")
    await top.add_folder("Diep", by=cast.anna)
    run = await roll_out(structure, to(cast.garage, cast.bakkerij), by=cast.anna)
    before = {client: set(await live(client)) for client in (cast.garage, cast.bakkerij)}
    (deep,) = await Folder.objects().where((Folder.client == cast.garage) & (Folder.name == "Diep"))
    await deep.add_documents([NewDocument("a.txt", "0" * 64, 1, "text/plain")], by=cast.anna)

    gone = await run.undo(by=cast.anna)

    assert gone == 4  # of garage only “Leeg”: the others hold something, or are the way to it
    assert {"nieuw", "nieuw/diep"} <= paths(await live(cast.garage)) and "leeg" not in paths(await live(cast.garage))
    assert len(before[cast.bakkerij]) - len(await live(cast.bakkerij)) == 3
    told = {row["id"]: (row["added"], row["undone"]) for row in await runs.clients_of(cast.anna, run)}
    assert told == {cast.garage: (3, 1), cast.bakkerij: (3, 3)}
    with pytest.raises(Refused):
        await run.undo(by=cast.anna)


async def test_what_a_request_names_is_not_taken_out(cast: Any) -> None:
    structure, _ = await with_folders(cast, "Aanleveren hier")
    run = await roll_out(structure, to(cast.garage), by=cast.anna)
    (folder,) = await Folder.objects().where((Folder.client == cast.garage) & (Folder.name == "Aanleveren hier"))
    await engine.raw(
        "INSERT INTO document_request (client, folder, title, batch, made_at) SELECT client, id, 'Jaarstukken', 'een', created_at FROM folder WHERE id = $1",
        folder.id,
    )

    assert await run.undo(by=cast.anna) == 0


async def test_a_colleague_with_his_own_clients_sees_his_own_roll_outs(cast: Any) -> None:
    structure, _ = await with_folders(cast, "Nieuw")
    run = await roll_out(structure, Selection("all"), by=cast.anna)

    assert await runs.newest(cast.ed, 10) == []
    with pytest.raises(Missing):
        await cast.ed.scope(runs.StructureRun).get(run.id)
    with pytest.raises(Forbidden):
        await run.undo(by=cast.rik)


async def test_begun_again_it_goes_on_and_its_report_is_whole(cast: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    structure, _ = await with_folders(cast, "Nieuw")
    monkeypatch.setattr("models.dossiers.rolling.AT_ONCE", 3)
    monkeypatch.setattr("models.dossiers.rolling.BATCH", 4)
    run = await roll_out(structure, Selection("all"), by=cast.anna)
    task = await Task.objects().where(Task.id == run.task).first()
    clients = await chosen(cast.anna, Selection("all"))
    from models.dossiers.rolling import apply_to

    await apply_to(structure.id, clients[:4], by=cast.anna.user.id, run=run.id)  # then the worker was killed

    await WORKS["apply_structure"](task, Progress(task))

    count = await runs.figures(cast.anna, run)
    assert (count["clients"], count["added"], count["receive"]) == (len(clients),) * 3
    again = await cast.anna.scope(runs.StructureRun).get(run.id)
    assert again.finished_at is not None
    monkeypatch.setattr("models.dossiers.runs.AT_ONCE", 3)
    undoing = await again.undo(by=cast.anna)
    assert isinstance(undoing, Task)
    await WORKS["undo_structure"](undoing, Progress(undoing))
    assert not await engine.raw("SELECT id FROM folder WHERE run = $1", run.id)


# the next book year


async def test_the_next_year_comes_only_to_who_has_the_structure(cast: Any) -> None:
    structure = await add_starter("bv", by=cast.anna)
    await apply_structure(structure, to(cast.garage), Wanted(2026), by=cast.anna)
    dated = sum(one.dated for one in await standard_of(structure.id))

    (shown,) = [one for one in await booking.ahead(cast.anna, 2027) if one.structure == structure.id]
    run = await booking.roll_forward(2027, by=cast.anna)
    again = await booking.roll_forward(2027, by=cast.anna)

    assert (shown.clients, shown.receive, shown.adds) == (1, 1, dated)
    assert (await runs.figures(cast.anna, run))["added"] == dated and (await runs.figures(cast.anna, again))[
        "added"
    ] == 0
    assert "boekjaar 2027/jaarstukken" in paths(await live(cast.garage))
    assert not any("2027" in path for path in paths(await live(cast.bakkerij)))


async def test_what_lay_in_a_folder_that_is_gone_is_left_out_and_told(cast: Any) -> None:
    structure, (top,) = await with_folders(cast, "Jaarwerk")
    await top.add_folder("Werk {boekjaar}", by=cast.anna)
    await structure.add_folder("Los {boekjaar}", by=cast.anna)
    await apply_structure(structure, to(cast.garage), Wanted(2026), by=cast.anna)
    (mine,) = await Folder.objects().where((Folder.client == cast.garage) & (Folder.name == "Jaarwerk"))
    await mine.trash(by=cast.anna)

    run = await booking.roll_forward(2027, structure.id, by=cast.anna)

    count = await runs.figures(cast.anna, run)
    assert (count["added"], count["skipped"]) == (1, 1)
    assert "jaarwerk" not in paths(await live(cast.garage))


async def test_a_year_for_many_is_work_that_goes_on_where_it_was(cast: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    structures = [await with_folders(cast, "Jaar {boekjaar}", name="Een"), await with_folders(cast, "Ander {boekjaar}", name="Twee")]  # fmt: skip
    for structure, _ in structures:
        await apply_structure(structure, Selection("all"), Wanted(2026), by=cast.anna)
    monkeypatch.setattr("models.dossiers.years.AT_ONCE", 3)
    monkeypatch.setattr("models.dossiers.rolling.BATCH", 4)

    run = await booking.roll_forward(2027, by=cast.anna)
    task = await Task.objects().where(Task.id == run.task).first()
    who = await booking._whom(cast.anna, await booking.dated_structures())
    await booking._serve(list(who)[:4], who, 2027, cast.anna.user.id, run.id)  # then the worker was killed
    await WORKS["roll_forward"](task, Progress(task))

    count = await runs.figures(cast.anna, run)
    clients = await chosen(cast.anna, Selection("all"))
    assert (count["clients"], count["added"]) == (len(clients), 2 * len(clients))
    assert not await engine.raw("SELECT client FROM folder WHERE client IS NOT NULL AND trashed_at IS NULL GROUP BY client, coalesce(parent, 0), name_key HAVING count(*) > 1")  # fmt: skip


def test_a_year_is_proposed_around_its_beginning_only() -> None:
    import datetime as dt

    found = {month: booking.proposed(dt.date(2026, month, 15)) for month in range(1, 13)}

    assert found == dict.fromkeys(range(2, 11)) | {1: 2026, 11: 2027, 12: 2027}


# who differs


async def test_who_differs_is_told_by_what(cast: Any) -> None:
    structure, _ = await with_folders(cast, "Een", "Twee", "Drie", "Vier")
    await apply_structure(structure, to(cast.garage, cast.bakkerij), by=cast.anna)
    of = {row["name"]: await cast.anna.folders.get(id) for id, row in (await live(cast.garage)).items()}
    await of["Een"].trash(by=cast.anna)
    await of["Twee"].rename("Deux", by=cast.anna)
    await of["Drie"].change_kind("upload", by=cast.anna)
    await of["Vier"].move(of["Twee"].id, by=cast.anna)

    rows = await drifting.drift(cast.anna, structure)
    (garage,) = drifting.narrowed(rows, "", "smit")

    assert len(rows) == 2 and (garage.adds, garage.renamed, garage.moved, garage.other_kind, garage.trashed) == (1, 1, 1, 1, 1)  # fmt: skip
    assert [row.client_id for row in drifting.narrowed(rows, "moved")] == [cast.garage]
    marks = {
        one.node.name: (one.renamed, one.moved, one.other_kind) for one in await difference(structure, cast.garage)
    }
    assert marks["Twee"] == ("Deux", False, False) and marks["Vier"] == ("", True, False)
    assert [name for _, name, _ in await drifting.of_client(cast.garage)] == ["Proef"]
    book = openpyxl.load_workbook(io.BytesIO(drifting.workbook("Proef", [garage], str)))
    assert [cell.value for cell in book.active[2]][:3] == ["Garage Smit", garage.number, 1]
    mine = {row["id"] for row in await cast.ed.clients.select(Client.id)}
    assert {row.client_id for row in await drifting.drift(cast.ed, structure)} <= mine


# odd names


@pytest.mark.parametrize(
    ("name", "client", "becomes"),
    [
        ("{cliënt}", "{boekjaar}", "{boekjaar}"),
        ("{cliënt} {boekjaar}", "{nummer}", "{nummer} 2026"),
        ("Stukken {cliënt}", "A/B\\C {x} B.V.", "Stukken A/B\\C {x} B.V."),
        ("{ boekjaar - 1 }", "x", "2025"),
        ("{cliënt}", "é" * 200, "é" * 120),
        ("{cliënt}", "", "map"),
        ("{boekjaar}{boekjaar+1}", "x", "20262027"),
        ("{cliënt}", "a › b", "a > b"),
    ],
)
def test_a_name_is_filled_in_once_whatever_the_client_is_called(name: str, client: str, becomes: str) -> None:
    assert expand(name, Values(2026, client, "1")) == becomes


async def test_names_that_are_cut_or_come_together_are_not_doubled(cast: Any) -> None:
    """Two standard folders that become the same name at a client: the second is the first one, and again nothing comes."""
    await engine.raw("UPDATE client SET name = $1 WHERE id = $2", "{boekjaar} " + "x" * 180, cast.garage)
    structure, _ = await with_folders(cast, "{cliënt} A", "{cliënt} B", "B" * 119)

    added = await apply_structure(structure, to(cast.garage), by=cast.anna)
    again = await apply_structure(structure, to(cast.garage), by=cast.anna)

    names = [fold(row["name"]) for row in (await live(cast.garage)).values()]
    assert again == 0 and len(names) == len(set(names)) and added == 2


@pytest.mark.parametrize("seed", range(3))
async def test_taking_back_leaves_what_was_there_before(cast: Any, seed: int) -> None:
    chance = Random(seed)
    from tests.models.test_matching import random_structure

    structure = await random_structure(cast, chance)
    before = await live(cast.garage)
    run = await roll_out(structure, to(cast.garage), Wanted(2026), by=cast.anna)

    await run.undo(by=cast.anna)

    assert await live(cast.garage) == before


async def test_the_salaries_of_an_example_are_open_to_who_sees_to_them(cast: Any) -> None:
    structure = await add_starter("bv", by=cast.anna)

    await apply_structure(structure, to(cast.bakkerij), Wanted(2031), by=cast.anna)

    fem = await as_viewer(FEM)
    names = {(await Folder.objects().get(Folder.id == id)).name: act for id, act in fem.opened_folders.items()}
    assert names == {
        "Salaris 2031": False, "Loonstroken": False, "Loonaangiften": False, "Jaaropgaven": False, "Mutaties aanleveren": True,
    }  # fmt: skip


async def test_what_lies_in_a_folder_that_is_made_internal_becomes_internal_too(cast: Any) -> None:
    structure, (folder,) = await with_folders(cast, "Proefmap")
    await apply_structure(structure, to(cast.bakkerij), by=cast.anna)
    (theirs,) = await Folder.objects().where((Folder.client == cast.bakkerij) & (Folder.name == "Proefmap"))
    own = await theirs.add_folder("Eigen map", by=cast.anna)
    await folder.change_kind("internal", by=cast.anna)

    await apply_structure(structure, to(cast.bakkerij), Wanted(2026, kinds=True), by=cast.anna)

    assert [(await cast.anna.folders.get(one.id)).kind for one in (theirs, own)] == ["internal", "internal"]
