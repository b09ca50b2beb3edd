"""The tree over the web: in windows however large, drawn again as it stood open, acts with their undo, also without a script."""

from __future__ import annotations

import re
from typing import Any

import pytest

from models import engine
from models.clients import settle_rights
from models.core import fold
from models.dossiers import Document, Folder
from models.settings import utcnow
from tests.cast import as_viewer

FEM = "fem@bakkerij-jansen.example"
MANY = 1_100


async def wide(cast: Any) -> Folder:
    """A folder at the top of the bakery's dossier with 1,100 folders in it, each with a document, and 300 documents of its own."""
    found = (
        await Folder.objects()
        .where((Folder.client == cast.bakkerij) & Folder.parent.is_null() & (Folder.kind == "office"))
        .first()
    )
    assert found is not None
    folder = await found.add_folder("Breed", by=cast.anna)
    await folder.move(None, by=cast.anna)
    now = utcnow()
    await engine.copy_rows(
        "folder",
        ("dossier", "client", "parent", "name", "name_key", "kind", "position", "created_at"),
        [(folder.dossier, cast.bakkerij, folder.id, f"Map {n:04}", f"map {n:04}", "office", n, now) for n in range(MANY)],
    )  # fmt: skip
    columns = (
        "folder",
        "client",
        "name",
        "name_key",
        "sha256",
        "size",
        "mime",
        "source",
        "uploaded_at",
        "published_at",
    )
    rows = [
        (folder.id, cast.bakkerij, f"Stuk {n}.pdf", f"stuk {n}.pdf", "0" * 64, n, "application/pdf", "office", now, now)
        for n in range(300)
    ]
    await engine.copy_rows("document", columns, rows)
    return folder


async def only(cast: Any, folder: Folder) -> None:
    """Fem is given nothing but this folder."""
    await engine.raw("UPDATE access SET own = 0, role = '' WHERE person = $1", cast.fem.user.id)
    await engine.raw("DELETE FROM folder_right")
    await engine.raw(
        "INSERT INTO folder_right (access, name, name_key, act) SELECT id, CAST($1 AS VARCHAR), CAST($2 AS VARCHAR), false FROM access WHERE person = $3",
        folder.name, fold(folder.name), cast.fem.user.id,
    )  # fmt: skip
    await settle_rights()


async def test_a_wide_folder_comes_in_windows_and_takes_everybody_as_few_queries(cast: Any, browser: Any) -> None:
    folder = await wide(cast)
    await only(cast, folder)
    asked: dict[str, list[int]] = {"office": [], "portal": []}
    pages: dict[str, str] = {}
    for who, side, path in (
        (cast.anna, "office", f"/folders/{folder.id}"), (cast.ed, "office", f"/folders/{folder.id}"),
        (cast.rik, "portal", f"/portal/folders/{folder.id}"), (await as_viewer(FEM), "portal", f"/portal/folders/{folder.id}"),
    ):  # fmt: skip
        async with browser(who) as his:
            await his.get(path)
            with engine.count_queries() as queries:
                reply = await his.get(path)
            assert reply.status_code == 200
            asked[side].append(queries.n)
            pages[side] = reply.text

    assert asked["office"][0] == asked["office"][1] <= 12
    assert asked["portal"][0] == asked["portal"][1] <= 12
    assert pages["office"].count('id="folder-') < 240 and "Nog 900 mappen tonen" in pages["office"]
    assert pages["office"].count('id="item-f') == 100 and pages["office"].count('id="document-') == 100
    assert len(pages["office"]) < 500_000
    assert pages["portal"].count("/portal/folders/") < 220 and "Meer mappen" in pages["portal"]


async def test_the_next_ones_fill_the_gap_up_to_what_is_there(cast: Any, browser: Any) -> None:
    folder = await wide(cast)
    deep = await Folder.objects().where(Folder.name == "Map 0800").first()

    async with browser(cast.ed) as ed:
        page = (await ed.get(f"/folders/{deep.id}")).text
        gaps = re.findall(rf"/folders/{folder.id}/children\?after=(\d+)&(?:amp;)?until=(\d+)", page)
        assert gaps == [("200", "791"), ("811", "1101")]
        assert 'data-place="801" data-of="1100"' in page
        filled = (await ed.htmx("GET", f"/folders/{folder.id}/children?after=200&until=791")).text
        last = (await ed.htmx("GET", f"/folders/{folder.id}/children?after=600&until=791")).text

    assert re.findall(r"Map (\d{4})</a>", filled) == [f"{n:04}" for n in range(200, 400)]
    assert "after=400" in filled
    assert re.findall(r"Map (\d{4})</a>", last) == [f"{n:04}" for n in range(600, 790)] and "after=" not in last


async def test_the_tree_is_drawn_again_as_it_stood_open(cast: Any, browser: Any) -> None:
    folder = await wide(cast)
    async with browser(cast.ed) as ed:
        path = f"/dossiers/{folder.dossier}/tree"
        shut = (await ed.htmx("GET", path)).text
        opened = (await ed.htmx("GET", path, headers={"Poort-Open": f"0:9,{folder.id}:401"})).text
        nonsense = await ed.htmx("GET", path, headers={"Poort-Open": "x:1,;DROP, 99999999999:3,-1:2," + "7:200," * 900})

    assert "Map 0000" not in shut
    assert opened.count(">Map 0") == 401
    assert nonsense.status_code == 200


async def test_an_act_says_what_it_did_and_its_undo_stands_there_and_on_the_page_of_acts(
    cast: Any, browser: Any
) -> None:
    document = (
        await Document.objects().where((Document.client == cast.bakkerij) & Document.trashed_at.is_null()).first()
    )
    here = await Folder.objects().where(Folder.id == document.folder).first()
    other = (
        await Folder.objects()
        .where((Folder.client == cast.bakkerij) & (Folder.id != here.id) & (Folder.kind == "office"))
        .first()
    )

    async with browser(cast.ed) as ed:
        moved = await ed.htmx(
            "POST",
            f"/dossiers/{here.dossier}/items",
            data={"do": "move", "into": str(other.id), "ids": f"d{document.id}"},
        )
        undo = re.search(r'action="(/dossier-acts/\d+/undo)"', moved.text)
        page = await ed.get(f"/dossiers/{here.dossier}/acts")
        assert undo and undo[1] in page.text and document.name in page.text
        assert f"“{document.name}” is verplaatst." in moved.text and 'id="dossier-tree"' in moved.text
        async with browser(cast.anna) as anna:
            assert (await anna.post(undo[1])).status_code == 404
            assert undo[1] not in (await anna.get(f"/dossiers/{here.dossier}/acts")).text
        back = await ed.post(undo[1], data={"back": f"/dossiers/{here.dossier}/acts"})
        again = await ed.post(undo[1])

    assert back.status_code == 303 and back.headers["location"] == f"/dossiers/{here.dossier}/acts"
    assert again.status_code == 303  # and says that it was done already
    assert (await Document.objects().where(Document.id == document.id).first()).folder == here.id


async def test_moving_to_another_client_says_before_and_after_that_it_is_a_draft_there(cast: Any, browser: Any) -> None:
    document = (
        await Document.objects().where((Document.client == cast.bakkerij) & Document.trashed_at.is_null()).first()
    )
    here = await Folder.objects().where(Folder.id == document.folder).first()
    there = await Folder.objects().where((Folder.client == cast.garage) & (Folder.kind == "office")).first()
    number = (await engine.raw("SELECT number FROM client WHERE id = $1", cast.garage))[0]["number"]
    asked, said = (
        f"/dossiers/{here.dossier}/items/place?do=move&ids=d{document.id}",
        "Bij een andere cliënt komen stukken",
    )

    async with browser(cast.anna) as anna:
        own, other = await anna.get(asked), await anna.get(f"{asked}&number={number}")
        moved = await anna.htmx(
            "POST",
            f"/dossiers/{there.dossier}/items",
            data={"do": "move", "into": str(there.id), "ids": f"d{document.id}"},
        )
        draft = await Document.objects().get(Document.id == document.id)
        undo = re.search(r'action="(/dossier-acts/\d+/undo)"', moved.text)
        await anna.post(undo[1])

    assert said not in own.text and said in other.text and "ongedaan maken" in other.text
    assert f"“{document.name}” is verplaatst en is bij deze cliënt een concept." in moved.text
    assert (draft.client, draft.state) == (cast.garage, "draft")
    back = await Document.objects().get(Document.id == document.id)
    assert (back.client, back.state, back.published_at) == (cast.bakkerij, document.state, document.published_at)


async def test_a_name_is_changed_in_its_row_and_what_is_wrong_is_said_there(cast: Any, browser: Any) -> None:
    document = (
        await Document.objects().where((Document.client == cast.bakkerij) & Document.trashed_at.is_null()).first()
    )
    at = f"/documents/{document.id}/name"

    async with browser(cast.ed) as ed:
        form = await ed.htmx("GET", f"{at}?row=1")
        whole = await ed.get(f"{at}?row=1")
        wrong = await ed.htmx("POST", f"{at}?row=1", data={"name": "  ", "was": document.name})
        late = await ed.htmx("POST", f"{at}?row=1", data={"name": "Mijn naam", "was": "Een andere"})
        done = await ed.htmx("POST", f"{at}?row=1", data={"name": "Nieuw", "was": document.name})

    assert 'class="row-form"' in form.text and "<h1" not in form.text
    assert "<h1" in whole.text
    assert wrong.status_code == 422 and 'role="alert"' in wrong.text
    assert late.status_code == 422 and 'value="Mijn naam"' in late.text
    assert done.status_code == 200 and f'data-focus="d{document.id}"' in done.text and "/undo" in done.text


@pytest.mark.parametrize("do", ["move", "copy", "trash"])
async def test_nobody_of_a_client_and_no_stranger_acts_on_folders(cast: Any, browser: Any, do: str) -> None:
    folder = await Folder.objects().where((Folder.client == cast.bakkerij) & Folder.parent.is_null()).first()
    for who in (cast.rik, cast.fem, cast.sam):
        async with browser(who) as his:
            reply = await his.post(
                f"/dossiers/{folder.dossier}/items", data={"do": do, "into": "", "ids": f"f{folder.id}"}
            )
            assert reply.status_code in (403, 404)
    hidden = await engine.raw(
        "SELECT f.id, f.dossier FROM folder f WHERE f.client NOT IN (SELECT client FROM reach WHERE person = $1) LIMIT 1",
        cast.ed.user.id,
    )
    async with browser(cast.ed) as ed:
        for dossier in (hidden[0]["dossier"], folder.dossier):
            reply = await ed.post(
                f"/dossiers/{dossier}/items", data={"do": do, "into": "", "ids": f"f{hidden[0]['id']}"}
            )
            assert reply.status_code == 404


async def test_who_looks_through_a_clients_eyes_sees_the_same_tree_and_changes_nothing(cast: Any, browser: Any) -> None:
    folder = await wide(cast)
    await only(cast, folder)
    fem = await as_viewer(FEM)
    async with browser(fem) as hers, browser(cast.anna) as anna:
        seen = (await hers.get("/portal/dossier")).text
        looked = (await anna.get(f"/view-as/{fem.user.id}/portal/dossier")).text
        inside = (await anna.get(f"/view-as/{fem.user.id}/portal/folders/{folder.id}/branches")).text
        refused = await anna.post(f"/view-as/{fem.user.id}/folders/{folder.id}/name", data={"name": "Nee"})

    assert set(re.findall(r'<li id="(f\d+)"', seen)) == set(re.findall(r'<li id="(f\d+)"', looked)) == {f"f{folder.id}"}
    assert "Map 0000" in inside and f"/view-as/{fem.user.id}/portal/folders/" in inside
    assert refused.status_code in (403, 404)
