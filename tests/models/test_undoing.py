"""Whatever is done to one folder or document, its maker can undo it, now or later; and nobody else can."""

from __future__ import annotations

from typing import Any

import pytest

from models import engine
from models.clients.rights import STEP
from models.core import Missing, Refused, fold
from models.dossiers import DRAFT, Document, Folder, dossier_of
from models.dossiers.acts import DossierAct, Items, copy_items, move_items, publish_items, trash_items
from models.dossiers.subtrees import ways_of
from models.dossiers.undoing import acts_in, latest_act
from tests.cast import as_viewer
from tests.models.test_acts import snapshot


async def bakery(cast: Any) -> tuple[Folder, Folder, Document]:
    """Two folders at the top and a document in the first."""
    document = (
        await Document.objects().where((Document.client == cast.bakkerij) & Document.trashed_at.is_null()).first()
    )
    assert document is not None
    folder = await Folder.objects().where(Folder.id == document.folder).first()
    assert folder is not None
    other = (
        await Folder.objects()
        .where(
            (Folder.client == cast.bakkerij)
            & (Folder.id != folder.id)
            & Folder.parent.is_null()
            & (Folder.kind == "office")
        )
        .order_by(Folder.id)
        .first()
    )
    assert other is not None
    return folder, other, document


async def undone(cast: Any) -> int:
    return int(await (await cast.anna.scope(DossierAct).get(await latest_act(cast.anna))).undo(by=cast.anna))


@pytest.mark.parametrize(
    "act",
    [
        "rename folder", "rename document", "move folder", "move document", "trash folder", "trash document", "kind", "internal",
        "order", "settings",
    ],
)  # fmt: skip
async def test_what_was_done_to_one_thing_is_undone(cast: Any, act: str) -> None:
    folder, other, document = await bakery(cast)
    await other.add_folder("Daarin", by=cast.anna)
    where = "SELECT id, position, own_only, retention, year FROM folder WHERE client = $1 ORDER BY id"
    before, settings = await snapshot(cast.bakkerij), await engine.raw(where, cast.bakkerij)

    match act:
        case "rename folder":
            await folder.rename("Iets anders", by=cast.anna)
        case "rename document":
            await document.rename("Anders", by=cast.anna)
        case "move folder":
            await folder.move(other.id, by=cast.anna)
        case "move document":
            await document.move(other.id, by=cast.anna)
        case "trash folder":
            await folder.trash(by=cast.anna)
        case "trash document":
            await document.trash(by=cast.anna)
        case "kind":
            await other.change_kind("upload", by=cast.anna)
        case "internal":
            await other.change_kind("internal", by=cast.anna)
        case "order":
            await other.reorder("down", by=cast.anna)
        case "settings":
            await other.set_up(True, None, 2025, by=cast.anna)
    assert (await snapshot(cast.bakkerij), await engine.raw(where, cast.bakkerij)) != (before, settings)

    assert await undone(cast) == 1

    assert await snapshot(cast.bakkerij) == before
    assert await engine.raw(where, cast.bakkerij) == settings


async def test_a_folder_that_was_added_goes_again_unless_it_was_filled(cast: Any) -> None:
    folder, _, _ = await bakery(cast)
    made = await folder.add_folder("Nieuw", by=cast.anna)
    await made.add_folder("Erin", by=cast.anna)
    first, second = [row["id"] for row in reversed((await acts_in(cast.anna, folder.dossier))[:2])]

    with pytest.raises(Refused, match="intussen iets"):
        await (await cast.anna.scope(DossierAct).get(first)).undo(by=cast.anna)
    assert await (await cast.anna.scope(DossierAct).get(second)).undo(by=cast.anna) == 1
    assert await (await cast.anna.scope(DossierAct).get(first)).undo(by=cast.anna) == 1
    assert (await cast.anna.folders.get(made.id)).trashed_at is not None


async def test_what_somebody_changed_since_stays_as_it_is(cast: Any) -> None:
    folder, _, _ = await bakery(cast)
    await folder.rename("Van Anna", by=cast.anna)
    await (await cast.ed.folders.get(folder.id)).rename("Van Ed", by=cast.ed)

    assert await undone(cast) == 0

    assert (await cast.ed.folders.get(folder.id)).name == "Van Ed"


async def test_an_old_name_that_was_taken_meanwhile_gets_a_number(cast: Any) -> None:
    _, folder, _ = await bakery(cast)
    name = folder.name
    await folder.rename("Even anders", by=cast.anna)
    act = await latest_act(cast.anna)
    dossier = await dossier_of(cast.anna, cast.bakkerij)
    assert dossier is not None
    await dossier.add_folder(name, by=cast.anna)

    await (await cast.anna.scope(DossierAct).get(act)).undo(by=cast.anna)

    assert (await cast.anna.folders.get(folder.id)).name == f"{name} (2)"


async def test_nobody_undoes_what_another_did_or_what_he_reaches_no_more(cast: Any) -> None:
    folder, _, document = await bakery(cast)
    await (await cast.ed.folders.get(folder.id)).rename("Van Ed", by=cast.ed)
    act = await latest_act(cast.ed)
    for other in (cast.anna, cast.rik):
        with pytest.raises(Missing):
            await other.scope(DossierAct).get(act)
    mine = await cast.ed.scope(DossierAct).get(act)
    await engine.raw("DELETE FROM reach WHERE person = $1", cast.ed.user.id)

    with pytest.raises(Missing):
        await mine.undo(by=cast.ed)
    assert (await cast.anna.folders.get(folder.id)).name == "Van Ed"
    assert (await cast.anna.documents.get(document.id)).name == document.name


@pytest.mark.parametrize("kind", ["copy", "publish", "rename", "trash"])
async def test_what_went_on_to_where_he_may_not_look_is_left_there(cast: Any, kind: str) -> None:
    dossier = await dossier_of(cast.anna, cast.bakkerij)
    _, _, document = await bakery(cast)
    gone = await dossier.add_folder("Gaat mee", by=cast.anna)
    his, items = await cast.ed.dossiers.get(dossier.id), Items(documents=(document.id,))
    match kind:
        case "copy":
            act = await copy_items(his, await cast.ed.folders.get(gone.id), items, by=cast.ed)
        case "publish":
            act = await publish_items(his, items, DRAFT, by=cast.ed)
        case "trash":
            act = await trash_items(his, items, by=cast.ed)
        case _:
            await (await cast.ed.documents.get(document.id)).rename("Van Ed.pdf", by=cast.ed)
            act = await cast.ed.scope(DossierAct).get(await latest_act(cast.ed))
    theirs = await dossier_of(cast.anna, cast.clients["Garage Smit"])
    async with engine.writing():  # anna moves all of it to a client that ed does not see
        await engine.raw("UPDATE document SET client = $1 WHERE client = $2", theirs.client, cast.bakkerij)
        await engine.raw("UPDATE folder SET client = $1 WHERE client = $2", theirs.client, cast.bakkerij)
        await engine.raw("DELETE FROM reach WHERE person = $1 AND client = $2", cast.ed.user.id, theirs.client)
    before = await snapshot(theirs.client)

    assert await (await cast.ed.scope(DossierAct).get(act.id)).undo(by=cast.ed) == 0

    assert await snapshot(theirs.client) == before


async def test_a_move_of_hundreds_is_undone_in_as_few_statements_as_one_of_three(cast: Any) -> None:
    dossier = await dossier_of(cast.anna, cast.bakkerij)
    into = await dossier.add_folder("Alles hierin", by=cast.anna)

    async def asked(count: int) -> int:
        home = await dossier.add_folder(f"Thuis van {count}", by=cast.anna)
        made = []
        for n in range(count):  # each from a folder of its own, with a document
            place = await home.add_folder(f"Plaats {n}", by=cast.anna)
            made.append(await place.add_folder(f"Map {n} van {count}", by=cast.anna))
        async with engine.writing():
            await engine.raw(
                "INSERT INTO document (folder, client, name, name_key, sha256, size, mime, source, uploaded_at, published_at) "
                "SELECT f.parent, f.client, 'Stuk ' || f.id, 'stuk ' || f.id, '', 9, 'text/plain', 'office', f.created_at, f.created_at "
                f"FROM folder f WHERE f.id IN ({', '.join(str(one.id) for one in made)})"
            )
        rows = await engine.raw(
            "SELECT d.id FROM document d JOIN folder f ON f.id = d.folder WHERE f.parent = $1", home.id
        )
        before = await snapshot(cast.bakkerij)
        items = Items(tuple(one.id for one in made), tuple(row["id"] for row in rows))
        act = await move_items(dossier, into, items, by=cast.anna)
        with engine.count_queries() as counter:
            assert await act.undo(by=cast.anna) == 2 * count
        assert await snapshot(cast.bakkerij) == before
        return int(counter.n)

    assert await asked(40) == await asked(3)


async def test_who_a_folder_was_opened_to_keeps_it_through_a_move_of_several_and_its_undo(cast: Any) -> None:
    folder, other, _ = await bakery(cast)
    way = STEP.join((await ways_of([folder.id]))[folder.id][1])
    await engine.raw(
        "INSERT INTO folder_right (access, name, name_key, act) SELECT id, CAST($1 AS VARCHAR), CAST($2 AS VARCHAR), false FROM access WHERE person = $3",
        way, fold(way), cast.fem.user.id,
    )  # fmt: skip
    dossier = await dossier_of(cast.anna, cast.bakkerij)

    act = await move_items(dossier, other, Items(folders=(folder.id,)), by=cast.anna)
    moved = await as_viewer("fem@bakkerij-jansen.example")
    await act.undo(by=cast.anna)
    back = await as_viewer("fem@bakkerij-jansen.example")

    assert folder.id in moved.opened_folders and other.id in moved.passages
    assert folder.id in back.opened_folders and other.id not in back.passages
    assert (await engine.raw("SELECT name FROM folder_right WHERE access IS NOT NULL"))[0]["name"] == way


async def kinds(*folders: Folder) -> list[str]:
    rows = {row["id"]: row["kind"] for row in await engine.raw("SELECT id, kind FROM folder")}
    return [rows[one.id] for one in folders]


async def test_what_went_on_from_one_internal_folder_to_another_stays_internal(cast: Any) -> None:
    dossier = await dossier_of(cast.anna, cast.bakkerij)
    assert dossier is not None
    one, two = [await dossier.add_folder(name, "internal", by=cast.anna) for name in ("Intern 1", "Intern 2")]
    moved = await dossier.add_folder("Verhuisd", by=cast.anna)
    act = await move_items(dossier, one, Items(folders=(moved.id,)), by=cast.anna)
    await move_items(dossier, two, Items(folders=(moved.id,)), by=cast.anna)

    await act.undo(by=cast.anna)

    assert await kinds(moved) == ["internal"]


async def test_what_is_put_back_into_what_became_internal_is_internal(cast: Any) -> None:
    dossier = await dossier_of(cast.anna, cast.bakkerij)
    assert dossier is not None
    home, hidden, moved = [
        await dossier.add_folder(name, kind, by=cast.anna)
        for name, kind in (("Thuis", "office"), ("Intern", "internal"), ("Weg", "office"))
    ]
    inside = await home.add_folder("Daarin", by=cast.anna)
    thrown = await moved.add_folder("Weggegooid", by=cast.anna)
    act = await move_items(dossier, hidden, Items(folders=(inside.id,)), by=cast.anna)
    await thrown.trash(by=cast.anna)
    await move_items(dossier, hidden, Items(folders=(moved.id,)), by=cast.anna)
    await (await cast.anna.folders.get(home.id)).change_kind("internal", by=cast.anna)

    await act.undo(by=cast.anna)
    await (await cast.anna.folders.get(thrown.id)).restore(by=cast.anna)

    assert await kinds(inside, thrown) == ["internal", "internal"]


async def test_what_came_into_a_folder_that_becomes_internal_again_is_internal(cast: Any) -> None:
    dossier = await dossier_of(cast.anna, cast.bakkerij)
    assert dossier is not None
    hidden = await dossier.add_folder("Intern", "internal", by=cast.anna)
    await hidden.change_kind("office", by=cast.anna)
    act = await cast.anna.scope(DossierAct).get(await latest_act(cast.anna))
    inside = await (await cast.anna.folders.get(hidden.id)).add_folder("Daarin", by=cast.anna)

    await act.undo(by=cast.anna)

    assert await kinds(hidden, inside) == ["internal", "internal"]
