"""Whatever tree there is and whatever was opened to whom: lists, counts, gets, ZIPs, badges and the portal's home all say the same,
and that is what a naive reading of the rules says."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import engine, portal
from models.core import Missing
from models.dossiers import Document, Folder, folder_of, folders_in, tree_of
from models.dossiers.zipping import entries
from models.looking import through_the_eyes_of
from models.portal import (
    Branch,
    branches_in,
    dossier_tree,
    folder_contents,
    new_for,
    tops_behind,
    unread_of,
    uploads_of,
)
from models.viewer import Right, Viewer
from tests.cast import as_viewer
from tests.models.test_folder_rights import FEM, naive, random_documents, random_dossier, random_rights

RIK = "rik@bakkerij-jansen.example"


class World:
    """A dossier made anyhow, and what one person may see of it by a naive reading of the rules."""

    def __init__(
        self, folders: dict[int, Any], documents: dict[int, Any], person: int, reads: set[int], passes: set[int]
    ) -> None:
        self.folders, self.documents, self.reads, self.passes = folders, documents, reads, passes
        self.person = person
        self.mine = {id for id, one in documents.items() if self._sees(one)}

    def _sees(self, one: dict[str, Any]) -> bool:
        if one["folder"] not in self.reads or one["gone"] or one["state"] != "published":
            return False
        return bool(one["source"] == "office" or not self.folders[one["folder"]]["own"] or one["by"] == self.person)

    @property
    def seen(self) -> set[int]:
        return self.reads | self.passes

    def below(self, id: int) -> set[int]:
        return {id} | {one for child, row in self.folders.items() if row["parent"] == id for one in self.below(child)}

    def within(self, folders: set[int]) -> set[int]:
        return {id for id in self.mine if self.documents[id]["folder"] in folders}


async def read_some(person: int, documents: dict[int, Any], chance: Random, client: int) -> set[int]:
    """Some of what the office put there was opened by this person already."""
    await engine.raw("DELETE FROM reading WHERE person = $1", person)
    read = {id for id in documents if chance.random() < 0.4}
    await engine.raw_many(
        "INSERT INTO reading (document, client, person, first_at, last_at, times, version) "
        "SELECT d.id, d.client, $2, d.uploaded_at, d.uploaded_at, 1, d.version FROM document d WHERE d.id = $1",
        [(id, person) for id in read],
    )  # fmt: skip
    return read


def flat(branches: list[Branch]) -> dict[int, Branch]:
    return {one.id: one for branch in branches for one in [branch, *flat(branch.folders).values()]}


async def step_by_step(viewer: Viewer, client: int) -> set[int]:
    """Every folder that a large dossier shows when all of it is opened, and the next ones asked for each time."""
    found: set[int] = set()
    waiting = await dossier_tree(viewer, client)
    while waiting:
        branch = waiting.pop()
        assert branch.id not in found, "shown once"
        found.add(branch.id)
        if branch.is_closed:
            waiting += await branches_in(viewer, await folder_of(viewer, branch.id))
        if branch.more:
            parent = (await engine.raw("SELECT parent FROM folder WHERE id = $1", branch.id))[0]["parent"]
            waiting += (
                await branches_in(viewer, await folder_of(viewer, parent), branch.more)
                if parent
                else await tops_behind(viewer, client, branch.more)
            )
        assert not branch.folders or not branch.is_closed
        waiting += branch.folders
    return found


async def every_page(viewer: Viewer, folder: Folder) -> tuple[list[int], list[int]]:
    folders: list[int] = []
    documents: list[int] = []
    for page in range(1, 40):
        inside, rows, more = await folder_contents(viewer, folder, page)
        folders += [row["id"] for row in inside]
        documents += [row["id"] for row in rows]
        if not more:
            return folders, documents
    raise AssertionError("there is no end to it")


async def agrees(viewer: Viewer, world: World, client: int, acts: set[int], read: set[int]) -> None:
    """All there is to ask."""
    assert {row["id"] for row in await viewer.folders.where(Folder.client == client).select(Folder.id)} == world.seen
    assert {
        row["id"] for row in await viewer.documents.where(Document.client == client).select(Document.id)
    } == world.mine
    assert await viewer.documents.where(Document.client == client).count() == len(world.mine)
    for id in world.folders:
        if id not in world.seen:
            for look in (folder_of(viewer, id), viewer.folders.get(id)):
                with pytest.raises(Missing):
                    await look
            assert not await entries(viewer, [id])
            continue
        folder = await folder_of(viewer, id)
        inside, documents = await every_page(viewer, folder)
        assert len(inside) == len(set(inside)) and set(inside) == {
            one for one in world.seen if world.folders[one]["parent"] == id
        }
        assert len(documents) == len(set(documents)) and set(documents) == world.within({id})
        assert {one.id for one in await entries(viewer, [id])} == world.within(world.below(id) & world.reads)
        assert {node.id for node in await folders_in(viewer, folder)} == set(inside)
    for id in world.documents:
        if id in world.mine:
            await viewer.documents.get(id)
            continue
        with pytest.raises(Missing):
            await viewer.documents.get(id)
        assert not await entries(viewer, [], [id])
    uploads = {row["folder"]: bool(row["is_asked"]) for row in await uploads_of(viewer) if row["client"] == client}
    open_to = {id for id in world.reads & acts if world.folders[id]["kind"] in ("upload", "both")}
    assert uploads == {
        id: not any(world.documents[one]["source"] == "client" for one in world.within({id})) for id in open_to
    }
    office = {id for id in world.mine if world.documents[id]["source"] == "office"}
    assert sum(row["documents"] for row in await unread_of(viewer) if row["client"] == client) == len(office - read)
    assert {row["id"] for row in await new_for(viewer) if row["client"] == client} <= office
    if world.seen:
        for id, branch in flat(await dossier_tree(viewer, client)).items():
            if not branch.is_closed:
                inner = {id, *flat(branch.folders)} if branch.folders else {id}
                assert branch.count == len(world.within(inner & world.reads))
        assert await step_by_step(viewer, client) == world.seen
        dossier = (await engine.raw("SELECT id FROM dossier WHERE client = $1", client))[0]["id"]
        opened = dict.fromkeys(world.seen, 0)
        waiting, nodes = await tree_of(viewer, dossier, opened=opened), set()
        while waiting:
            node = waiting.pop()
            nodes.add(node.id)
            waiting += node.folders or []
        assert nodes == world.seen


@pytest.mark.parametrize("branches", [200, 3])
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**9))
async def test_all_ways_to_a_dossier_agree_with_the_rules(
    cast: Any, monkeypatch: pytest.MonkeyPatch, seed: int, branches: int
) -> None:
    monkeypatch.setattr(portal, "BRANCHES", branches)  # a dossier is large from here on
    monkeypatch.setattr(portal, "PAGE", 200 if branches > 3 else 2)
    chance = Random(seed)
    folders = await random_dossier(cast, chance)
    documents = await random_documents(cast, chance, folders)
    await engine.raw(
        "UPDATE document SET published_at = uploaded_at WHERE client = $1 AND state = 'published'", cast.bakkerij
    )
    whole, given_rights = await random_rights(cast, chance, folders)
    fem, rik = await as_viewer(FEM), await as_viewer(RIK)
    reads, acts, passes = naive(folders, whole, given_rights)
    read = await read_some(fem.user.id, documents, chance, cast.bakkerij)
    world = World(folders, documents, fem.user.id, reads, set() if whole else passes)

    await agrees(fem, world, cast.bakkerij, acts, read)
    eyes = await through_the_eyes_of(fem.user.id, cast.anna)
    await agrees(eyes, world, cast.bakkerij, acts, read)
    assert len(await engine.raw("SELECT 1 AS one FROM reading WHERE person = $1", fem.user.id)) == len(read), (
        "looking marks nothing"
    )

    all_of_it = naive(folders, True, {})[0]
    read = await read_some(rik.user.id, documents, chance, cast.bakkerij)
    assert Right.UPLOAD_DOCUMENTS in rik.grants[cast.bakkerij].rights
    await agrees(rik, World(folders, documents, rik.user.id, all_of_it, set()), cast.bakkerij, all_of_it, read)
    for stranger in (cast.sam,):
        assert not await stranger.folders.where(Folder.client == cast.bakkerij).count()
        assert not await entries(stranger, list(folders), list(documents))
