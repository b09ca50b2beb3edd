"""What the portal asks of a client user, shows him as new, and hangs in his tree: his own and nothing else."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from models import engine
from models.clients import Access, Responsible
from models.core import Missing, fold
from models.dossiers import Document, Dossier, Folder, Reading, folder_of
from models.portal import (
    LEAVES,
    asked_of,
    contacts_of,
    dossier_tree,
    folder_contents,
    general_trees,
    new_for,
    unread_of,
)
from models.settings import utcnow
from models.viewer import Right, Viewer
from tests.cast import Cast, as_viewer


async def folder_named(client: int, name: str) -> Folder:
    found = await Folder.objects().where((Folder.client == client) & (Folder.name == name)).first()
    assert found is not None, name
    return found


async def publish(folder: Folder, *names: str, source: str = "office", at: dt.datetime | None = None) -> list[int]:
    ids = []
    for name in names:
        document = Document(
            folder=folder.id, client=folder.client, name=name, name_key=fold(name), sha256="0" * 64, size=1200, mime="application/pdf",
            source=source, uploaded_at=at or utcnow(), published_at=at or utcnow(),
        )  # fmt: skip
        await document.save()
        ids.append(int(document.id))
    return ids


def names_in(branches: list[Any]) -> set[str]:
    found: set[str] = set()
    for branch in branches:
        found |= {branch.name} | {document["name"] for document in branch.documents} | names_in(branch.folders)
    return found


async def everything_is_read(viewer: Viewer) -> None:
    for document in await viewer.documents.all():
        await engine.run_writing(lambda document=document: document.note_read(by=viewer))


async def test_a_new_document_is_asked_to_be_read_until_it_is_opened(cast: Cast) -> None:
    await everything_is_read(cast.rik)
    assert await unread_of(cast.rik) == []

    (id,) = await publish(await folder_named(cast.bakkerij, "Aangiften"), "Aanslag.pdf")
    asked = await unread_of(cast.rik)
    newest = (await new_for(cast.rik))[0]
    document = await cast.rik.documents.get(id)
    await engine.run_writing(lambda: document.note_read(by=cast.rik))

    assert [(row["client"], row["documents"], row["document"], row["name"]) for row in asked] == [
        (cast.bakkerij, 1, id, "Aanslag.pdf")
    ]
    assert (newest["id"], newest["is_new"]) == (id, True)
    assert await unread_of(cast.rik) == []
    assert not (await new_for(cast.rik))[0]["is_new"]


async def test_what_lay_unread_for_months_is_no_longer_asked(cast: Cast) -> None:
    await everything_is_read(cast.rik)

    await publish(await folder_named(cast.bakkerij, "Aangiften"), "Oud.pdf", at=utcnow() - dt.timedelta(days=91))

    assert await unread_of(cast.rik) == []


async def test_what_one_handed_in_oneself_is_not_new(cast: Cast) -> None:
    await everything_is_read(cast.rik)
    folder = await Folder.objects().where((Folder.client == cast.bakkerij) & (Folder.kind == "upload")).first()
    assert folder is not None

    await publish(folder, "Bon.pdf", source="client")

    assert await unread_of(cast.rik) == []
    assert "Bon.pdf" not in {row["name"] for row in await new_for(cast.rik)}
    _, documents, _ = await folder_contents(cast.rik, folder)
    assert next(row for row in documents if row["name"] == "Bon.pdf")["is_new"] in (False, 0)


async def test_an_upload_folder_is_asked_until_something_is_in_it(cast: Cast) -> None:
    folder = await Folder.objects().where((Folder.client == cast.garage) & (Folder.kind == "upload")).first()
    assert folder is not None
    await Document.delete().where(Document.folder == folder.id)
    assert folder.id in {row["folder"] for row in await asked_of(cast.sam)}
    assert folder.id not in {row["folder"] for row in await asked_of(cast.rik)}

    await publish(folder, "Bon.pdf", source="client")

    assert folder.id not in {row["folder"] for row in await asked_of(cast.sam)}


async def test_who_may_not_hand_in_is_not_asked_to(cast: Cast) -> None:
    await Access.update({Access.rights: int(Right.VIEW_DOSSIER)}).where(Access.person == cast.sam.user.id)

    assert await asked_of(await as_viewer("sam@garage-smit.example")) == []


async def test_internal_folders_and_the_trash_are_nowhere(cast: Cast) -> None:
    await everything_is_read(cast.rik)
    internal = await folder_named(cast.bakkerij, "Correspondentie")
    trashed = await folder_named(cast.bakkerij, "Aangiften")
    await publish(internal, "Intern.pdf")
    await publish(trashed, "Weg.pdf")
    await engine.run_writing(lambda: internal.change_kind("internal", by=cast.anna))
    await engine.run_writing(lambda: trashed.trash(by=cast.anna))

    tree = names_in(await dossier_tree(cast.rik, cast.bakkerij))

    assert not tree & {"Correspondentie", "Intern.pdf", "Aangiften", "Weg.pdf"}
    assert not {"Intern.pdf", "Weg.pdf"} & {row["name"] for row in await new_for(cast.rik)}
    assert await unread_of(cast.rik) == []
    with pytest.raises(Missing):
        await folder_of(cast.rik, internal.id)
    with pytest.raises(Missing):
        await folder_of(cast.rik, trashed.id)


async def test_the_tree_counts_what_lies_below(cast: Cast) -> None:
    folder = await folder_named(cast.bakkerij, "Aangiften")
    before = next(branch for branch in await dossier_tree(cast.rik, cast.bakkerij) if branch.id == folder.id)
    inner = await engine.run_writing(lambda: folder.add_folder("Heel diep", by=cast.anna))

    await publish(inner, "1.pdf", "2.pdf")

    after = next(branch for branch in await dossier_tree(cast.rik, cast.bakkerij) if branch.id == folder.id)
    assert after.count == before.count + 2
    assert {"Heel diep", "1.pdf", "2.pdf"} <= names_in([after])


async def test_a_large_dossier_leaves_its_documents_in_their_folders(cast: Cast) -> None:
    folder = await folder_named(cast.bakkerij, "Correspondentie")
    await publish(folder, *(f"Brief {n}.pdf" for n in range(LEAVES + 1)))

    tree = await dossier_tree(cast.rik, cast.bakkerij)

    branch = next(branch for branch in tree if branch.id == folder.id)
    assert branch.count == LEAVES + 1 and branch.documents == []


@pytest.mark.parametrize("who", ["fem", "sam"])
async def test_the_dossier_of_another_does_not_exist(cast: Cast, who: str) -> None:
    viewer = cast.everybody[who]
    assert isinstance(viewer, Viewer)

    with pytest.raises(Missing):
        await dossier_tree(viewer, cast.bakkerij)
    with pytest.raises(Missing):
        await general_trees(viewer, cast.bakkerij)


async def test_payroll_rights_alone_ask_and_show_nothing(cast: Cast) -> None:
    assert (await asked_of(cast.fem), await unread_of(cast.fem), await new_for(cast.fem)) == ([], [], [])
    assert await contacts_of(cast.fem)


async def test_the_contacts_are_the_responsible_and_not_the_blocked(cast: Cast) -> None:
    await Responsible.delete().where(Responsible.client == cast.garage)
    await Responsible.insert(
        Responsible(client=cast.garage, person=cast.ed.user.id),
        Responsible(client=cast.garage, person=cast.anna.user.id),
    )
    names = {row["name"] for row in await contacts_of(cast.sam)}
    await engine.raw("UPDATE users SET state = 'blocked' WHERE id = $1", cast.ed.user.id)

    assert names == {cast.ed.user.display_name, cast.anna.user.display_name}
    assert {row["name"] for row in await contacts_of(cast.sam)} == {cast.anna.user.display_name}


async def test_a_general_dossier_for_a_group_is_for_its_clients_only(cast: Cast) -> None:
    rows = await engine.raw("SELECT id FROM dossier WHERE kind = 'general'")
    group = (await engine.raw("SELECT client_group AS id FROM membership WHERE client = $1", cast.bakkerij))[0]["id"]
    await engine.raw("DELETE FROM membership WHERE client = $1 AND client_group = $2", cast.garage, group)
    for row in rows:
        dossier = await cast.anna.dossiers.get(row["id"])
        await engine.run_writing(lambda dossier=dossier: dossier.publish("groups", [group], by=cast.anna))

    theirs = await general_trees(cast.rik, cast.bakkerij)
    sams = await general_trees(cast.sam, cast.garage)

    assert {one["id"] for one in theirs} == {row["id"] for row in rows} != set()
    assert sams == []
    assert not [row for row in await new_for(cast.sam) if row["client"] is None]


async def test_reading_is_of_one_person(cast: Cast) -> None:
    (id,) = await publish(await folder_named(cast.garage, "Aangiften"), "Aanslag.pdf")
    document = await cast.sam.documents.get(id)

    await engine.run_writing(lambda: document.note_read(by=cast.sam))

    assert [row["person"] for row in await Reading.select(Reading.person).where(Reading.document == id)] == [
        cast.sam.user.id
    ]


async def test_what_is_internal_takes_no_room_in_the_tree(cast: Cast) -> None:
    """A client with many working papers still sees the few documents that are for him."""
    internal = await folder_named(cast.bakkerij, "Correspondentie")
    await publish(internal, *(f"Werkpapier {n}.pdf" for n in range(LEAVES + 1)))
    await engine.run_writing(lambda: internal.change_kind("internal", by=cast.anna))
    await publish(await folder_named(cast.bakkerij, "Aangiften"), "Aanslag.pdf")

    assert "Aanslag.pdf" in names_in(await dossier_tree(cast.rik, cast.bakkerij))


@pytest.mark.parametrize("documents", [1, LEAVES + 1])
async def test_a_branch_knows_of_new_documents_below_it(cast: Cast, documents: int) -> None:
    await everything_is_read(cast.rik)
    folder = await folder_named(cast.bakkerij, "Aangiften")
    inner = await engine.run_writing(lambda: folder.add_folder("Heel diep", by=cast.anna))
    ids = await publish(inner, *(f"Zz {n}.pdf" for n in range(documents)))
    for id in ids[:-1]:
        document = await cast.rik.documents.get(id)
        await engine.run_writing(lambda document=document: document.note_read(by=cast.rik))

    async def with_news() -> set[str]:
        return {branch.name for branch in await dossier_tree(cast.rik, cast.bakkerij) if branch.has_new}

    assert await with_news() == {"Aangiften"}
    last = await cast.rik.documents.get(ids[-1])
    await engine.run_writing(lambda: last.note_read(by=cast.rik))
    assert await with_news() == set()


async def test_the_documents_of_the_tree_stand_by_name_also_when_some_are_new(cast: Cast) -> None:
    await everything_is_read(cast.rik)
    folder = await folder_named(cast.bakkerij, "Correspondentie")
    await Document.delete().where(Document.folder == folder.id)
    (first,) = await publish(folder, "1.pdf")
    await publish(folder, "3.pdf", "2.pdf")
    document = await cast.rik.documents.get(first)
    await engine.run_writing(lambda: document.note_read(by=cast.rik))

    branch = next(one for one in await dossier_tree(cast.rik, cast.bakkerij) if one.id == folder.id)

    assert [one["name"] for one in branch.documents] == ["1.pdf", "2.pdf", "3.pdf"]


async def test_a_general_document_is_asked_for_with_a_client_who_may_read_it(cast: Cast) -> None:
    await everything_is_read(cast.rik)
    general = await only_for_beheer(cast)
    await publish(general, "Een.pdf", "Twee.pdf")

    (row,) = await unread_of(cast.rik)
    assert [one["reader"] for one in (await new_for(cast.rik))[:2]] == [cast.beheer] * 2

    assert (row["client"], row["documents"], row["reader"]) == (None, 2, cast.beheer)


async def only_for_beheer(cast: Cast) -> Folder:
    """A folder in a general dossier for a group in which Jansen Beheer is and Bakkerij Jansen is not."""
    group = (await engine.raw("SELECT id FROM client_group LIMIT 1"))[0]["id"]
    await engine.raw("DELETE FROM membership WHERE client_group = $1", group)
    await engine.raw("INSERT INTO membership (client, client_group) VALUES ($1, $2)", cast.beheer, group)
    dossier = (await cast.anna.dossiers.where(Dossier.kind == "general").all())[0]
    await engine.run_writing(lambda: dossier.publish("groups", [group], by=cast.anna))
    found = await Folder.objects().where(Folder.dossier == dossier.id).first()
    assert found is not None
    return found
