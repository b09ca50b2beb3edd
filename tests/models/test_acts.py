"""Acts on several folders and documents: whatever is done, undoing it gives back what was there."""

from __future__ import annotations

import datetime as dt
from random import Random
from typing import Any

import pytest

from models import engine
from models.core import Missing, Refused
from models.dossiers import DRAFT, NOW, Document, Dossier, Folder, dossier_of
from models.dossiers.acts import Items, copy_items, move_items, publish_items, trash_items
from models.dossiers.zipping import entries
from models.keeping.anchors import set_anchor
from models.settings import utcnow
from tests.cast import as_viewer


async def dossier(cast: Any, client: int) -> Dossier:
    found = await dossier_of(cast.anna, client)
    assert found is not None
    return found


async def snapshot(*clients: int) -> list[Any]:
    """All that the undo has to give back."""
    ids = ", ".join(str(one) for one in clients)
    folders = await engine.raw(
        f"SELECT id, dossier, client, parent, name, name_key, kind, trashed_at FROM folder WHERE client IN ({ids}) ORDER BY id"
    )
    documents = await engine.raw(
        f"SELECT id, folder, client, name, name_key, state, publish_at, published_at, trashed_at FROM document WHERE client IN ({ids}) ORDER BY id"
    )
    return [folders, documents]


async def folders_of(client: int) -> list[Folder]:
    return await Folder.objects().where((Folder.client == client) & Folder.trashed_at.is_null()).order_by(Folder.id)


async def documents_of(client: int) -> list[Document]:
    return (
        await Document.objects()
        .where((Document.client == client) & Document.trashed_at.is_null())
        .order_by(Document.id)
    )


@pytest.mark.parametrize("seed", range(14))
async def test_whatever_is_done_undoing_gives_it_back(cast: Any, seed: int) -> None:
    chance = Random(seed)
    ours, theirs = await dossier(cast, cast.bakkerij), await dossier(cast, cast.garage)
    for client in (cast.bakkerij, cast.garage):
        for folder in chance.sample(await folders_of(client), 2):
            inner = await folder.add_folder(f"Binnen {seed}", by=cast.anna)
            await inner.add_folder("Dieper", by=cast.anna)
    folders, documents = await folders_of(cast.bakkerij), await documents_of(cast.bakkerij)
    items = Items(
        tuple(one.id for one in chance.sample(folders, chance.randint(0, 3))),
        tuple(one.id for one in chance.sample(documents, chance.randint(1, 4))),
    )
    target = chance.choice([ours, theirs])
    parent = chance.choice(await folders_of(target.client))
    before = await snapshot(cast.bakkerij, cast.garage)

    kind = chance.choice(["move", "move", "move", "copy", "trash", "publish", "draft"])
    try:
        if kind == "move":
            act = await move_items(target, parent, items, by=cast.anna)
        elif kind == "copy":
            act = await copy_items(target, parent, items, by=cast.anna)
        elif kind == "trash":
            act = await trash_items(ours, items, by=cast.anna)
        else:
            act = await publish_items(ours, items, NOW if kind == "publish" else DRAFT, by=cast.anna)
    except Refused as refused:
        assert "zichzelf" in str(refused.why)
        assert await snapshot(cast.bakkerij, cast.garage) == before
        return
    wrong = await engine.raw(
        "SELECT f.id FROM folder f JOIN folder p ON p.id = f.parent WHERE f.dossier <> p.dossier OR f.client <> p.client"
    )
    assert not wrong
    assert not await engine.raw(
        "SELECT d.id FROM document d JOIN folder f ON f.id = d.folder WHERE f.client <> d.client"
    )
    done = await cast.anna.scope(type(act)).get(act.id)
    await done.undo(by=cast.anna)

    after = await snapshot(cast.bakkerij, cast.garage)
    if kind == "copy":  # the copies lie in the trash
        known = [{row["id"] for row in rows} for rows in before]
        assert all(
            row["trashed_at"] for rows, ids in zip(after, known, strict=True) for row in rows if row["id"] not in ids
        )
        after = [[row for row in rows if row["id"] in ids] for rows, ids in zip(after, known, strict=True)]
    assert after == before
    with pytest.raises(Refused):
        await (await cast.anna.scope(type(act)).get(act.id)).undo(by=cast.anna)


async def test_what_came_to_another_client_is_his_and_a_copy_a_draft(cast: Any) -> None:
    theirs = await dossier(cast, cast.garage)
    parent = (await folders_of(cast.garage))[0]
    first, second = (await documents_of(cast.bakkerij))[:2]

    await move_items(theirs, parent, Items(documents=(first.id,)), by=cast.anna)
    await copy_items(theirs, parent, Items(documents=(second.id,)), by=cast.anna)

    rik = await as_viewer("rik@bakkerij-jansen.example")
    with pytest.raises(Missing):
        await rik.documents.get(first.id)
    there = await Document.objects().where((Document.folder == parent.id) & (Document.uploaded_by == cast.anna.user.id))
    assert [one.state for one in there if one.id != first.id] == ["draft"]
    assert (await rik.documents.get(second.id)).id == second.id


async def test_what_is_moved_to_another_client_is_a_draft_there_until_it_goes_back(cast: Any) -> None:
    """A document, what lies in a folder and what lies in the trash in it; of the office, planned, and handed in by a client."""
    theirs, parent = await dossier(cast, cast.garage), (await folders_of(cast.garage))[0]
    rik, sam = await as_viewer("rik@bakkerij-jansen.example"), await as_viewer("sam@garage-smit.example")
    one, planned, handed_in, thrown = (await documents_of(cast.bakkerij))[:4]
    box = await (await Folder.objects().get(Folder.id == one.folder)).add_folder("Doos", by=cast.anna)
    later = utcnow() + dt.timedelta(days=3)
    await Document.update({Document.folder: box.id, Document.source: "client", Document.uploaded_by: rik.user.id}).where(Document.id == handed_in.id)  # fmt: skip
    await Document.update({Document.folder: box.id, Document.trashed_at: later}).where(Document.id == thrown.id)
    await Document.update({Document.state: "planned", Document.publish_at: later}).where(Document.id == planned.id)
    ids = [one.id, planned.id, handed_in.id, thrown.id]
    before = await Document.select().where(Document.id.is_in(ids)).order_by(Document.id)

    act = await move_items(theirs, parent, Items((box.id,), (one.id, planned.id)), by=cast.anna)
    there = await Document.select().where(Document.id.is_in(ids)).order_by(Document.id)
    seen = await sam.documents.where(Document.id.is_in(ids)).count()
    again = await publish_items(theirs, Items((box.id,), (one.id,)), NOW, by=cast.anna)
    shown = await sam.documents.where(Document.id.is_in(ids)).count()
    await (await cast.anna.scope(type(act)).get(act.id)).undo(by=cast.anna)

    for row in there:
        assert (row["client"], row["state"], row["publish_at"], row["published_at"]) == (
            cast.garage,
            "draft",
            None,
            None,
        )
        assert (row["source"], row["uploaded_by"]) == ("office", cast.anna.user.id)
    assert seen == 0 and shown == 2 and again.kind == "publish"
    assert await Document.select().where(Document.id.is_in(ids)).order_by(Document.id) == before
    assert await sam.documents.where(Document.id.is_in(ids)).count() == 0


async def test_within_a_client_what_is_moved_stays_as_it_was_shown(cast: Any) -> None:
    ours, one = await dossier(cast, cast.bakkerij), (await documents_of(cast.bakkerij))[0]
    place = next(f for f in await folders_of(cast.bakkerij) if f.id != one.folder)

    await move_items(ours, place, Items(documents=(one.id,)), by=cast.anna)

    after = await Document.objects().get(Document.id == one.id)
    assert (after.state, after.published_at, after.source) == (one.state, one.published_at, one.source)


async def test_from_when_a_term_counts_goes_along_within_the_client_alone(cast: Any) -> None:
    theirs, ours = await dossier(cast, cast.garage), await dossier(cast, cast.bakkerij)
    there, here = (await folders_of(cast.garage))[0], (await folders_of(cast.bakkerij))[0]
    one = (await documents_of(cast.bakkerij))[0]
    await set_anchor(one, dt.date(2024, 5, 1), by=cast.anna)

    for place, folder in ((theirs, there), (ours, here)):
        await copy_items(place, folder, Items(documents=(one.id,)), by=cast.anna)

    rows = await Document.objects().where(Document.id > one.id, Document.sha256 == one.sha256).order_by(Document.id)
    copies = {row.client: row.anchor_on for row in rows if row.folder in (there.id, here.id)}
    assert copies == {cast.garage: None, cast.bakkerij: dt.date(2024, 5, 1)}


async def test_a_restricted_colleague_moves_nothing_to_who_he_does_not_see(cast: Any) -> None:
    hidden = await engine.raw(
        "SELECT d.id FROM document d WHERE d.client NOT IN (SELECT client FROM reach WHERE person = $1) AND d.client IS NOT NULL LIMIT 1",
        cast.ed.user.id,
    )
    ours = await dossier(cast, cast.bakkerij)
    parent = (await folders_of(cast.bakkerij))[0]

    with pytest.raises(Missing):
        await move_items(ours, parent, Items(documents=(hidden[0]["id"],)), by=cast.ed)


async def test_a_zip_holds_no_more_than_one_may_see(cast: Any) -> None:
    folders = [one for one in await folders_of(cast.bakkerij) if one.parent is None]
    documents = await documents_of(cast.bakkerij)
    draft = next(one for one in documents if one.source == "office")
    await engine.raw("UPDATE document SET state = 'draft' WHERE id = $1", draft.id)
    rik = await as_viewer("rik@bakkerij-jansen.example")

    all_of_it = await entries(cast.anna, [one.id for one in folders])
    his = await entries(rik, [one.id for one in folders])

    seen = {one.id for one in await rik.documents.all()}
    assert {one.id for one in all_of_it} == {one.id for one in documents}
    assert {one.id for one in his} == {one.id for one in documents} & seen and draft.id not in seen
    assert len({one.path.lower() for one in all_of_it}) == len(all_of_it)
