"""The rules of folders and documents: who may, what is refused, what the trail keeps, who sees what."""

from __future__ import annotations

import asyncio

import pytest

from models import engine
from models.audit import Trail
from models.clients import Client
from models.core import Forbidden, Missing, Refused
from models.dossiers import (
    Document,
    Folder,
    NewDocument,
    Node,
    Reading,
    add_structure,
    contents_of,
    dossier_of,
    dossiers_for,
    folder_of,
    open_dossier,
    places_for,
    readers_of,
    trash_of,
    tree_of,
)
from models.viewer import Viewer
from tests.cast import Cast

UPLOADS = "Aan te leveren stukken"


async def named(viewer: Viewer, client: int, name: str) -> Folder:
    found = await viewer.folders.where(Folder.client == client, Folder.name == name).find()
    assert found is not None, name
    return found


def paper(name: str = "brief.pdf", sha256: str = "a" * 64) -> NewDocument:
    return NewDocument(name, sha256, 12, "application/pdf")


async def names_in(viewer: Viewer, folder: Folder) -> list[str]:
    return [row["name"] for row in await contents_of(viewer, folder)]


def flat(nodes: list[Node]) -> list[str]:
    return [name for node in nodes for name in (node.name, *flat(node.folders or []))]


async def test_a_folder_is_renamed_and_the_trail_says_so(cast: Cast) -> None:
    folder = await named(cast.ed, cast.bakkerij, "Correspondentie")

    await folder.rename("Brieven en mail", by=cast.ed)

    assert (await cast.ed.folders.get(folder.id)).name == "Brieven en mail"
    line = await Trail.objects().where((Trail.operation == "Folder.rename") & (Trail.record_id == folder.id)).first()
    assert line is not None and line.client == cast.bakkerij and line.person == cast.ed.user.id


@pytest.mark.parametrize("taken", ["Aangiften", "AANGIFTEN", " aangíften "])
async def test_siblings_cannot_share_a_name(cast: Cast, taken: str) -> None:
    folder = await named(cast.ed, cast.bakkerij, "Correspondentie")

    with pytest.raises(Refused) as refused:
        await folder.rename(taken, by=cast.ed)

    assert refused.value.field == "name"
    assert (await cast.ed.folders.get(folder.id)).name == "Correspondentie"


@pytest.mark.parametrize("bad", ["", "   ", "\x00\u202e", "x" * 121])
async def test_a_name_must_be_one(cast: Cast, bad: str) -> None:
    folder = await named(cast.ed, cast.bakkerij, "Correspondentie")

    with pytest.raises(Refused):
        await folder.rename(bad, by=cast.ed)


async def test_emoji_and_right_to_left_names_are_names(cast: Cast) -> None:
    folder = await named(cast.ed, cast.bakkerij, "Correspondentie")

    await folder.rename("📁 חשבוניות", by=cast.ed)

    assert (await cast.ed.folders.get(folder.id)).name == "📁 חשבוניות"


async def test_who_renames_what_another_just_renamed_is_told(cast: Cast) -> None:
    seen_by_both = await named(cast.ed, cast.bakkerij, "Correspondentie")
    await seen_by_both.rename("Brieven en mail", was="Correspondentie", by=cast.anna)
    again = await cast.ed.folders.get(seen_by_both.id)

    with pytest.raises(Refused) as refused:
        await again.rename("Post", was="Correspondentie", by=cast.ed)

    assert "Brieven en mail" in str(refused.value.why)
    assert (await cast.ed.folders.get(again.id)).name == "Brieven en mail"


async def test_clients_change_no_folders(cast: Cast) -> None:
    folder = await named(cast.rik, cast.bakkerij, UPLOADS)

    for change in (
        folder.rename("Kantine", by=cast.rik),
        folder.trash(by=cast.rik),
        folder.add_folder("Mijn map", by=cast.rik),
    ):
        with pytest.raises(Forbidden):
            await change

    assert (await cast.rik.folders.get(folder.id)).name == UPLOADS


async def test_rik_sees_his_two_companies_sam_and_fem_do_not(cast: Cast) -> None:
    folder = await named(cast.rik, cast.bakkerij, "Aangiften")
    dossier = await dossier_of(cast.rik, cast.bakkerij)
    assert dossier is not None and await dossier_of(cast.rik, cast.beheer) is not None

    for stranger in (cast.sam, cast.fem):
        assert await dossier_of(stranger, cast.bakkerij) is None
        for look in (stranger.folders.get(folder.id), folder_of(stranger, folder.id), tree_of(stranger, dossier.id)):
            with pytest.raises(Missing):
                await look


async def test_clients_see_no_internal_folders_and_nothing_in_them(cast: Cast) -> None:
    inside = await named(cast.ed, cast.bakkerij, "Werkprogramma")
    documents = await inside.add_documents([paper()], by=cast.ed)
    dossier = await dossier_of(cast.rik, cast.bakkerij)
    assert dossier is not None

    assert "Interne stukken" in flat(await tree_of(cast.ed, dossier.id))
    assert "Interne stukken" not in flat(await tree_of(cast.rik, dossier.id))
    for look in (folder_of(cast.rik, inside.id), cast.rik.documents.get(documents[0].id)):
        with pytest.raises(Missing):
            await look


async def test_the_tree_is_open_as_far_as_the_open_folder(cast: Cast) -> None:
    year = await named(cast.ed, cast.bakkerij, "2025")

    shut = await tree_of(cast.ed, year.dossier)
    opened = await tree_of(cast.ed, year.dossier, year.id)

    assert "2025" not in flat(shut) and all(node.folders is None for node in shut)
    assert "2025" in flat(opened) and "Contracten" not in flat(opened)


@pytest.mark.parametrize("into", ["Jaarrekeningen", "2025"])
async def test_a_folder_moves_into_no_child_of_its_own(cast: Cast, into: str) -> None:
    folder, target = await named(cast.ed, cast.bakkerij, "Jaarrekeningen"), await named(cast.ed, cast.bakkerij, into)

    with pytest.raises(Refused) as refused:
        await folder.move(target.id, by=cast.ed)

    assert refused.value.field == "parent"
    assert (await cast.ed.folders.get(folder.id)).parent is None


async def test_two_moves_at_once_make_no_ring(cast: Cast) -> None:
    one, other = await named(cast.ed, cast.bakkerij, "Aangiften"), await named(cast.ed, cast.bakkerij, "Salaris")

    async def move(folder: int, into: int) -> bool:
        async def unit() -> None:
            await (await cast.ed.folders.get(folder)).move(into, by=cast.ed)

        try:
            await engine.run_writing(unit)
        except Refused:
            return False
        return True

    done = await asyncio.gather(move(one.id, other.id), move(other.id, one.id))

    assert sorted(done) == [False, True]
    parents = {(await cast.ed.folders.get(id)).parent for id in (one.id, other.id)}
    assert None in parents


async def test_a_folder_stays_within_its_dossier(cast: Cast) -> None:
    folder, elsewhere = (
        await named(cast.anna, cast.bakkerij, "Salaris"),
        await named(cast.anna, cast.garage, "Aangiften"),
    )

    with pytest.raises(Refused):
        await folder.move(elsewhere.id, by=cast.anna)


async def test_what_moves_into_an_internal_folder_becomes_internal(cast: Cast) -> None:
    folder, internal = (
        await named(cast.ed, cast.bakkerij, "Jaarrekeningen"),
        await named(cast.ed, cast.bakkerij, "Interne stukken"),
    )

    await folder.move(internal.id, by=cast.ed)

    assert (await named(cast.ed, cast.bakkerij, "2025")).kind == "internal"
    with pytest.raises(Refused):
        await (await cast.ed.folders.get(folder.id)).change_kind("office", by=cast.ed)


async def test_order_changes_one_place_at_a_time(cast: Cast) -> None:
    dossier = await dossier_of(cast.ed, cast.bakkerij)
    assert dossier is not None
    before = [node.name for node in await tree_of(cast.ed, dossier.id)]

    await (await named(cast.ed, cast.bakkerij, before[2])).reorder("up", by=cast.ed)
    await (await named(cast.ed, cast.bakkerij, before[0])).reorder("up", by=cast.ed)

    assert [node.name for node in await tree_of(cast.ed, dossier.id)] == [before[0], before[2], before[1], *before[3:]]


async def test_the_trash_takes_all_of_a_folder_and_gives_it_back(cast: Cast) -> None:
    folder, year = await named(cast.ed, cast.bakkerij, "Jaarrekeningen"), await named(cast.ed, cast.bakkerij, "2023")
    await year.trash(by=cast.ed)

    await folder.trash(by=cast.ed)
    with pytest.raises(Missing):
        await folder_of(cast.rik, folder.id)
    trashed, _ = await trash_of(cast.ed, folder.dossier)
    assert {row["name"] for row in trashed} == {"Jaarrekeningen", "2023"}
    with pytest.raises(Refused):
        await (await cast.ed.folders.get(year.id)).restore(by=cast.ed)
    await (await cast.ed.folders.get(folder.id)).restore(by=cast.ed)

    assert await folder_of(cast.rik, folder.id)
    assert [place["name"] for place in await places_for(cast.ed, folder.dossier) if place["name"].isdecimal()] == [
        "2024",
        "2025",
    ]


async def test_a_name_taken_meanwhile_gets_a_number_at_restoring(cast: Cast) -> None:
    folder = await named(cast.ed, cast.bakkerij, "Salaris")
    await folder.trash(by=cast.ed)
    dossier = await dossier_of(cast.ed, cast.bakkerij)
    assert dossier is not None
    await dossier.add_folder("SALARIS", by=cast.ed)

    name = await (await cast.ed.folders.get(folder.id)).restore(by=cast.ed)

    assert name == "Salaris (2)"


async def test_only_the_administrator_empties_the_trash(cast: Cast) -> None:
    folder = await named(cast.ed, cast.bakkerij, "Salaris")
    await folder.trash(by=cast.ed)
    dossier = await dossier_of(cast.ed, cast.bakkerij)
    assert dossier is not None

    with pytest.raises(Forbidden):
        await dossier.empty_trash(by=cast.ed)
    assert await dossier.empty_trash(by=cast.anna) >= 2

    assert not await Folder.exists().where(Folder.id == folder.id)
    assert await trash_of(cast.anna, dossier.id) == ([], [])


async def test_a_client_hands_in_only_where_asked(cast: Cast) -> None:
    uploads, aangiften = (
        await named(cast.rik, cast.bakkerij, UPLOADS),
        await named(cast.rik, cast.bakkerij, "Aangiften"),
    )

    added = await uploads.add_documents([paper()], by=cast.rik)
    with pytest.raises(Refused):
        await aangiften.add_documents([paper()], by=cast.rik)
    with pytest.raises(Forbidden):
        await uploads.add_documents([paper()], by=cast.sam)

    document = await cast.ed.documents.get(added[0].id)
    assert (document.source, document.uploaded_by, document.client) == ("client", cast.rik.user.id, cast.bakkerij)
    assert not await Document.exists().where(Document.folder == aangiften.id)


async def test_a_name_that_is_taken_gets_a_number(cast: Cast) -> None:
    folder = await named(cast.ed, cast.bakkerij, "Aangiften")

    await folder.add_documents([paper("naam.pdf"), paper("NAAM.pdf"), paper("naam.pdf")], by=cast.ed)

    assert await names_in(cast.ed, folder) == ["NAAM (2).pdf", "naam (3).pdf", "naam.pdf"]


async def test_a_document_is_renamed_but_keeps_its_ending(cast: Cast) -> None:
    folder = await named(cast.ed, cast.bakkerij, "Aangiften")
    one, other = await folder.add_documents([paper("een.pdf"), paper("twee.pdf")], by=cast.ed)

    await one.rename("../../drie.exe", by=cast.ed)
    with pytest.raises(Refused):
        await other.rename("drie.exe", by=cast.ed)

    assert await names_in(cast.ed, folder) == ["drie.exe.pdf", "twee.pdf"]


async def test_a_document_in_the_trash_is_gone_for_the_client_and_comes_back(cast: Cast) -> None:
    folder = await named(cast.ed, cast.bakkerij, "Aangiften")
    (document,) = await folder.add_documents([paper("naam.pdf")], by=cast.ed)
    await document.trash(by=cast.ed)
    with pytest.raises(Missing):
        await cast.rik.documents.get(document.id)
    await folder.add_documents([paper("naam.pdf")], by=cast.ed)

    assert await document.restore(by=cast.ed) == "naam (2).pdf"
    assert (await cast.rik.documents.get(document.id)).name == "naam (2).pdf"


async def test_a_document_moves_within_its_dossier(cast: Cast) -> None:
    folder, salaris = (
        await named(cast.anna, cast.bakkerij, "Aangiften"),
        await named(cast.anna, cast.bakkerij, "Salaris"),
    )
    elsewhere = await named(cast.anna, cast.garage, "Aangiften")
    (document,) = await folder.add_documents([paper("naam.pdf")], by=cast.anna)

    await document.move(salaris.id, by=cast.anna)
    with pytest.raises(Refused):
        await document.move(elsewhere.id, by=cast.anna)

    assert await names_in(cast.anna, salaris) == ["naam.pdf"]


async def test_opening_is_remembered_once_per_person_and_never_in_view_as(cast: Cast) -> None:
    folder = await named(cast.ed, cast.bakkerij, "Aangiften")
    (document,) = await folder.add_documents([paper()], by=cast.ed)
    looking = Viewer(cast.rik.user, tuple(cast.rik.grants.values()), view_as=cast.anna.user)

    await document.note_read(by=looking)
    assert not await Reading.exists().where(Reading.document == document.id)
    await document.note_read(by=cast.rik)
    await document.note_read(by=cast.rik)

    (reader,) = await readers_of(cast.ed, document)
    assert (reader["name"], reader["times"]) == (cast.rik.user.display_name, 2)
    (row,) = await contents_of(cast.rik, folder)
    assert row["is_read"] and row["readers"] == 1


async def test_a_client_without_a_dossier_gets_one_with_his_first_folder(cast: Cast) -> None:
    async with engine.writing():
        await engine.raw("DELETE FROM dossier WHERE client = $1", cast.garage)
    client = await cast.anna.clients.where(Client.id == cast.garage).find()
    assert client is not None

    async with engine.writing():
        dossier = await open_dossier(client, by=cast.anna)
        await dossier.add_folder("Administratie", by=cast.anna)
        assert (await open_dossier(client, by=cast.anna)).id == dossier.id

    assert flat(await tree_of(cast.sam, dossier.id)) == ["Administratie"]


async def test_structures_are_the_administrators(cast: Cast) -> None:
    (structure,) = await dossiers_for(cast.ed, "standard")
    folder = await Folder.objects().where(Folder.dossier == structure["id"]).first()
    assert folder is not None

    with pytest.raises(Forbidden):
        await folder.rename("Anders", by=cast.ed)
    with pytest.raises(Forbidden):
        await add_structure("standard", "Nog een", by=cast.ed)
    await folder.rename("Anders", by=cast.anna)
    with pytest.raises(Refused):
        await folder.add_documents([paper()], by=cast.anna)


async def test_a_general_dossier_is_read_by_whom_it_is_for(cast: Cast) -> None:
    async with engine.writing():
        dossier = await add_structure("general", "Voor bakkers", by=cast.anna)
        folder = await dossier.add_folder("Cao", by=cast.anna)
        await folder.add_documents([paper()], by=cast.anna)
        await engine.raw(
            "INSERT INTO client_group (name, name_key, description, created_at, is_sample) SELECT 'Proef', 'proef', '', created_at, $1 FROM client WHERE id = $2",
            False,
            cast.bakkerij,
        )
        group = (await engine.raw("SELECT max(id) AS id FROM client_group"))[0]["id"]
        await engine.raw("INSERT INTO membership (client, client_group) VALUES ($1, $2)", cast.bakkerij, group)
    for reader in (cast.rik, cast.sam):
        with pytest.raises(Missing):
            await tree_of(reader, dossier.id)

    with pytest.raises(Refused):
        await dossier.publish("groups", [], by=cast.anna)
    await dossier.publish("groups", [group], by=cast.anna)
    assert flat(await tree_of(cast.rik, dossier.id)) == ["Cao"]
    assert await names_in(cast.rik, await folder_of(cast.rik, folder.id)) == ["brief.pdf"]
    with pytest.raises(Missing):
        await folder_of(cast.sam, folder.id)
    await dossier.publish("all", by=cast.anna)
    assert await folder_of(cast.sam, folder.id)
    with pytest.raises(Missing):
        await folder_of(cast.fem, folder.id)


async def test_a_dossier_without_folders_opens(cast: Cast) -> None:
    for kind in ("general", "standard"):
        empty = await add_structure(kind, "Nieuw", by=cast.anna)
        assert await tree_of(cast.anna, empty.id) == []
