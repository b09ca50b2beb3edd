"""The tree and its folders in the browser: opened, named, moved, thrown away, and never by a stranger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from models import engine
from models.core import fold
from models.dossiers import Folder
from models.settings import utcnow
from tests.cast import Cast
from web import dossiers_trash, folders

Browsers = Callable[..., Any]


async def id_of(client: int, name: str) -> int:
    row = await Folder.select(Folder.id).where((Folder.client == client) & (Folder.name == name)).first()
    assert row is not None
    return int(row["id"])


async def test_the_address_of_a_folder_shows_the_tree_opened_there(cast: Cast, browser: Browsers) -> None:
    year = await id_of(cast.bakkerij, "2025")

    async with browser(cast.ed) as ed:
        page = await ed.get(folders.page.url(folder_id=year))
        children = await ed.htmx("GET", folders.children.url(folder_id=await id_of(cast.bakkerij, "Aangiften")))

    assert page.status_code == 200 and page.text.count("<h1") == 1
    assert f'id="folder-{year}"' in page.text and 'aria-current="page">2025</a>' in page.text
    assert "Omzetbelasting" in children.text and "<html" not in children.text


async def test_a_big_folder_and_a_big_tree_take_few_queries(cast: Cast, browser: Browsers) -> None:
    folder = await Folder.objects().where((Folder.client == cast.bakkerij) & (Folder.name == "Aangiften")).first()
    assert folder is not None
    now = utcnow()
    await engine.copy_rows(
        "folder",
        ("dossier", "client", "parent", "name", "name_key", "kind", "position", "created_at"),
        [(folder.dossier, cast.bakkerij, None, f"Map {n}", fold(f"Map {n}"), "office", n, now) for n in range(1000)],
    )
    await engine.copy_rows(
        "document",
        ("folder", "client", "name", "name_key", "sha256", "size", "mime", "source", "uploaded_by", "uploaded_at"),
        [
            (folder.id, cast.bakkerij, f"{n}.pdf", f"{n}.pdf", "a" * 64, 1, "application/pdf", "office", None, now)
            for n in range(500)
        ],
    )

    async with browser(cast.ed) as ed:
        await ed.get(folders.page.url(folder_id=folder.id))
        with engine.count_queries() as queries:
            page = await ed.get(folders.page.url(folder_id=folder.id))

    assert page.text.count('<tr id="document-') == 100
    assert "Map 190" in page.text and "Map 999" not in page.text  # a window of them, and a line that brings the next
    assert queries.n <= 12


async def test_renaming_in_place(cast: Cast, browser: Browsers) -> None:
    folder = await id_of(cast.bakkerij, "Correspondentie")

    async with browser(cast.ed) as ed:
        form = await ed.htmx("GET", folders.name.url(folder_id=folder))
        done = await ed.htmx(
            "POST", folders.rename.url(folder_id=folder), data={"name": "Post", "was": "Correspondentie"}
        )
        plain = await ed.post(folders.rename.url(folder_id=folder), data={"name": "Brieven", "was": "Post"})

    assert 'value="Correspondentie"' in form.text
    assert done.status_code == 200 and 'class="tree-row"' in done.text and "Post" in done.text
    assert (plain.status_code, plain.headers["location"]) == (303, folders.page.url(folder_id=folder))


@pytest.mark.parametrize(
    ("name", "said"), [("", "Vul dit in."), ("aangiften", "Hier staat al"), ("x" * 200, "er passen er 120")]
)
async def test_a_wrong_name_comes_back_with_the_reason(cast: Cast, browser: Browsers, name: str, said: str) -> None:
    folder = await id_of(cast.bakkerij, "Correspondentie")

    async with browser(cast.ed) as ed:
        reply = await ed.htmx(
            "POST", folders.rename.url(folder_id=folder), data={"name": name, "was": "Correspondentie"}
        )

    assert reply.status_code == 422
    assert said in reply.text and f'value="{name}"' in reply.text


async def test_two_browsers_naming_the_same_folder(cast: Cast, browser: Browsers) -> None:
    folder = await id_of(cast.bakkerij, "Correspondentie")
    url = folders.rename.url(folder_id=folder)

    async with browser(cast.ed) as ed, browser(cast.anna) as anna:
        await anna.htmx("POST", url, data={"name": "Van Anna", "was": "Correspondentie"})
        told = await ed.htmx("POST", url, data={"name": "Van Ed", "was": "Correspondentie"})
        meant = await ed.htmx("POST", url, data={"name": "Van Ed", "was": "Van Anna"})

    assert told.status_code == 422 and "Van Anna" in told.text and 'value="Van Ed"' in told.text
    assert meant.status_code == 200


async def test_moving_trashing_and_undoing(cast: Cast, browser: Browsers) -> None:
    folder, into = await id_of(cast.bakkerij, "Salaris"), await id_of(cast.bakkerij, "Permanent dossier")

    async with browser(cast.ed) as ed:
        dialog = await ed.htmx("GET", folders.parent.url(folder_id=folder))
        moved = await ed.htmx("POST", folders.move.url(folder_id=folder), data={"parent": into})
        ring = await ed.htmx("POST", folders.move.url(folder_id=into), data={"parent": folder})
        gone = await ed.htmx("POST", folders.trash.url(folder_id=folder))
        listed = await ed.get(dossiers_trash.page.url(dossier_id=(await cast.ed.folders.get(folder)).dossier))
        back = await ed.post(folders.restore.url(folder_id=folder))

    assert "Permanent dossier" in dialog.text and moved.status_code == 200 and 'id="dossier-tree"' in moved.text
    assert ring.status_code == 422 and "niet in zichzelf" in ring.text
    assert folders.restore.url(folder_id=folder) in gone.text and "Salaris" in listed.text
    assert back.status_code == 303 and not (await cast.ed.folders.get(folder)).is_trashed


async def test_clients_come_to_no_page_of_the_office(cast: Cast, browser: Browsers) -> None:
    folder = await id_of(cast.bakkerij, "Salaris")

    async with browser(cast.rik) as rik:
        assert (await rik.get(folders.page.url(folder_id=folder))).status_code == 404
        assert (await rik.post(folders.trash.url(folder_id=folder))).status_code == 404
