"""Rights on folders: whatever was opened to whom, what he sees is what a naive reading of the rules says."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from models import engine
from models.clients import settle_rights
from models.clients.rights import STEP, who_sees
from models.core import Missing, fold
from models.dossiers import Folder, folder_of
from models.portal import Branch, dossier_tree, folder_contents
from models.settings import utcnow
from models.viewer import Viewer
from tests.cast import as_viewer

FEM = "fem@bakkerij-jansen.example"


async def random_dossier(cast: Any, chance: Random) -> dict[int, dict[str, Any]]:
    """Folders anyhow, some internal or thrown away, each with a document or two; id > row, with its way of names."""
    await engine.raw("DELETE FROM folder WHERE client = $1", cast.bakkerij)
    dossier = (await engine.raw("SELECT id FROM dossier WHERE client = $1", cast.bakkerij))[0]["id"]
    made: dict[int, dict[str, Any]] = {}
    for number in range(chance.randint(6, 18)):
        above = chance.choice([None, *made]) if made else None
        parent = made.get(above or 0)
        kind = "internal" if parent and parent["kind"] == "internal" else chance.choice(
            ["office", "office", "upload", "both", "internal"]
        )  # fmt: skip
        gone = utcnow() if (parent and parent["gone"]) or chance.random() < 0.1 else None
        name = f"{chance.choice(['Één', 'Loon', 'Btw', 'A & B'])} {number}"
        own = chance.random() < 0.4
        rows = await engine.raw(
            "INSERT INTO folder (dossier, client, parent, name, name_key, kind, position, created_at, trashed_at, own_only) "
            "VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9) RETURNING id",
            dossier, cast.bakkerij, above, name, fold(name), kind, utcnow(), gone, own,
        )  # fmt: skip
        way = [*(parent["way"] if parent else []), name]
        made[rows[0]["id"]] = {"kind": kind, "gone": gone, "way": way, "parent": above, "own": own}
    return made


async def random_documents(cast: Any, chance: Random, folders: dict[int, dict[str, Any]]) -> dict[int, dict[str, Any]]:
    made = {}
    for folder in folders:
        for number in range(chance.randint(0, 3)):
            source = chance.choice(["office", "client"])
            by = chance.choice([cast.fem.user.id, cast.rik.user.id]) if source == "client" else cast.ed.user.id
            state = chance.choice(["published", "published", "draft", "planned"]) if source == "office" else "published"
            gone = utcnow() if chance.random() < 0.15 else None
            rows = await engine.raw(
                "INSERT INTO document (folder, client, name, name_key, sha256, size, mime, source, uploaded_by, uploaded_at, "
                "trashed_at, state) VALUES ($1, $2, $3, $3, $4, 1, 'text/plain', $5, $6, $7, $8, $9) RETURNING id",
                folder, cast.bakkerij, f"stuk {number}", "0" * 64, source, by, utcnow(), gone, state,
            )  # fmt: skip
            made[rows[0]["id"]] = {"folder": folder, "source": source, "by": by, "state": state, "gone": gone}
    return made


async def random_rights(cast: Any, chance: Random, folders: dict[int, dict[str, Any]]) -> tuple[bool, dict[str, bool]]:
    """What fem is given: the whole dossier or not, and way of names > whether she hands in."""
    await engine.raw("DELETE FROM folder_right")
    await engine.raw("DELETE FROM folder_grant")
    whole = chance.random() < 0.2
    await engine.raw("UPDATE access SET own = $1 WHERE person = $2", 1 if whole else 0, cast.fem.user.id)
    given: dict[str, bool] = {}
    for folder in chance.sample(list(folders), min(len(folders), chance.randint(0, 3))):
        name, act = STEP.join(folders[folder]["way"]), chance.random() < 0.5
        owner = chance.choice(["access", "template", "folder"])
        if owner == "folder":  # the folder itself is open to the template, as a structure brought it
            await engine.raw(
                "INSERT INTO folder_grant (folder, client, template, act) SELECT $1, $2, id, CAST($3 AS BOOLEAN) "
                "FROM rights_template WHERE key = 'salaris'",
                folder, cast.bakkerij, act,
            )  # fmt: skip
            given[fold(name)] = given.get(fold(name), False) or act
            continue
        source = (
            "FROM access WHERE person = $4"
            if owner == "access"
            else "FROM rights_template WHERE key = 'salaris' AND $4 > 0"
        )
        await engine.raw(
            f"INSERT INTO folder_right ({owner}, name, name_key, act) SELECT id, CAST($1 AS VARCHAR), CAST($2 AS VARCHAR), CAST($3 AS BOOLEAN) {source}",
            name, fold(name), act, cast.fem.user.id,
        )  # fmt: skip
        given[fold(name)] = given.get(fold(name), False) or act
    await settle_rights()
    return whole, given


def naive(
    folders: dict[int, dict[str, Any]], whole: bool, given: dict[str, bool]
) -> tuple[set[int], set[int], set[int]]:
    """The folders one may look into, those one may hand in to by a folder's right, and those on the way."""
    shown = {id for id, one in folders.items() if one["kind"] != "internal" and not one["gone"]}

    def opened(id: int, act: bool) -> bool:
        ways = [fold(STEP.join(folders[id]["way"][: n + 1])) for n in range(len(folders[id]["way"]))]
        return any(way in given and (given[way] or not act) for way in ways)

    reads = shown if whole else {id for id in shown if opened(id, False)}
    acts = {id for id in shown if opened(id, True)}
    passes: set[int] = set()
    for id in {id for id in shown if opened(id, False)}:
        above = folders[id]["parent"]
        while above:
            passes.add(above)
            above = folders[above]["parent"]
    return reads, acts, passes - reads


def flat(branches: list[Branch]) -> dict[int, Branch]:
    return {one.id: one for branch in branches for one in [branch, *flat(branch.folders).values()]}


@pytest.mark.parametrize("seed", range(12))
async def test_what_one_sees_is_what_the_rules_say(cast: Any, seed: int) -> None:
    chance = Random(seed)
    folders = await random_dossier(cast, chance)
    documents = await random_documents(cast, chance, folders)
    for _ in range(3):
        whole, given = await random_rights(cast, chance, folders)
        reads, acts, passes = naive(folders, whole, given)
        fem: Viewer = await as_viewer(FEM)
        mine = {
            id for id, one in documents.items()
            if one["folder"] in reads and not one["gone"] and one["state"] == "published"
            and (one["source"] == "office" or not folders[one["folder"]]["own"] or one["by"] == fem.user.id)
        }  # fmt: skip

        seen = {row["id"] for row in await fem.folders.where(Folder.client == cast.bakkerij).select(Folder.id)}
        assert seen == reads | (set() if whole else passes)
        assert {row.id for row in await fem.documents.all() if row.client == cast.bakkerij} == mine
        for id in folders:
            if id in seen:
                found = await folder_of(fem, id)
                inside, rows, _ = await folder_contents(fem, found)
                assert {row["id"] for row in inside} == {one for one in seen if folders[one]["parent"] == id}
                assert {row["id"] for row in rows} == {one for one in mine if documents[one]["folder"] == id}
                assert fem.may("upload_documents", found) == (id in acts), (id, given)
            else:
                with pytest.raises(Missing):
                    await folder_of(fem, id)
            told = {row["id"]: bool(row["may"]) for row in await who_sees(cast.bakkerij, id)}
            assert told[fem.user.id] == (id in reads)
        if seen:
            tree = flat(await dossier_tree(fem, cast.bakkerij))
            assert set(tree) == seen
            for id, branch in tree.items():
                below = {id, *flat(branch.folders)}
                assert branch.count == len([one for one in mine if documents[one]["folder"] in below])


async def test_an_opened_folder_stays_open_under_another_name_and_place(cast: Any) -> None:
    folders = await Folder.objects().where((Folder.client == cast.bakkerij) & (Folder.kind == "office"))
    top = next(one for one in folders if one.parent is None)
    inside = next(one for one in folders if one.parent == top.id)
    name = STEP.join([top.name, inside.name])
    await engine.raw(
        "INSERT INTO folder_right (access, name, name_key, act) SELECT id, CAST($1 AS VARCHAR), CAST($2 AS VARCHAR), CAST($3 AS BOOLEAN) FROM access WHERE person = $4",
        name, fold(name), False, cast.fem.user.id,
    )  # fmt: skip

    await top.rename("Iets anders", by=cast.anna)
    await inside.move(None, by=cast.anna)

    fem = await as_viewer(FEM)
    assert set(fem.opened_folders) >= {inside.id} and top.id not in fem.opened_folders
    assert fem.passages == []
