"""No page asks more than twelve times of the database, whoever opens it and however much there is."""

from __future__ import annotations

import pytest

from models import engine
from models.dossiers import dossier_of
from models.dossiers.remarks import say
from models.keeping.holds import On, add_hold
from models.keeping.records import Hold
from models.viewer import Right
from tests.cast import Cast, as_viewer, browser_of
from tests.test_strangers import PARAMETER, ids
from web.routing import ACTIONS, Access

MOST = 12


async def much() -> None:
    """So many rows that a query per row would show: clients in a group, with a person and a folder each."""
    async with engine.writing():
        await engine.raw(
            "INSERT INTO client (number, number_key, name, sort_key, search_key, state, created_at) "
            "SELECT 'M' || f.id, 'm' || f.id, 'Veel ' || f.id, 'veel ' || f.id, '', 'active', f.created_at FROM folder f ORDER BY f.id LIMIT 300"
        )
        await engine.raw(
            "INSERT INTO access (person, client, rights, role, created_at) "
            "SELECT u.id, c.id, 15, 'beheerder', c.created_at FROM client c, users u WHERE c.number LIKE 'M%' AND u.email = 'rik@bakkerij-jansen.example'"
        )
        await engine.raw(
            "INSERT INTO membership (client, client_group) SELECT c.id, (SELECT min(id) FROM client_group) FROM client c WHERE c.number LIKE 'M%'"
        )


@pytest.mark.parametrize(
    ("who", "accesses"), [("anna", (Access.STAFF,)), ("ed", (Access.STAFF,)), ("rik", (Access.CLIENT,))]
)
async def test_no_page_asks_more_than_twelve_times(cast: Cast, who: str, accesses: tuple[Access, ...]) -> None:
    found = await ids()
    await much()
    asked: dict[str, int] = {}
    async with browser_of(cast.everybody[who]) as browser:
        for action in ACTIONS:
            if (
                action.method != "GET"
                or action.access not in (*accesses, Access.SIGNED_IN)
                or action.name == "live.stream"
            ):
                continue
            path = PARAMETER.sub(lambda match: str(found[match[1]]), action.path)
            with engine.count_queries() as counter:
                reply = await browser.get(path)
            assert reply.status_code < 500, path
            asked[action.name] = counter.n

    assert len(asked) > 5
    assert {name: count for name, count in asked.items() if count > MOST} == {}


@pytest.mark.parametrize("source", ["office", "client"])
async def test_nor_does_the_page_of_a_document_with_everything_on_it(
    cast: Cast, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder of a folder, held, with earlier versions, a question, readers, and scanned."""
    monkeypatch.setenv("CLAMD_URL", "tcp://127.0.0.1:9")
    at = (await ids())["document_id"]
    document = await cast.anna.documents.get(at)
    folder = await cast.anna.folders.get(document.folder)
    deep = await (await folder.add_folder("Daarin", by=cast.anna)).add_folder("Dieper", by=cast.anna)
    async with engine.writing():
        await engine.raw("UPDATE document SET folder = $1, source = $2, version = 3 WHERE id = $3", deep.id, source, at)
        await engine.raw(
            "INSERT INTO document_version (document, client, number, name, sha256, size, mime, source, uploaded_at, replaced_at, was_published) "
            "SELECT d.id, d.client, n.id, d.name, d.sha256, d.size, d.mime, d.source, d.uploaded_at, d.uploaded_at, true FROM document d, "
            "(SELECT 1 AS id UNION ALL SELECT 2) n WHERE d.id = $1",
            at,
        )
    await say(await cast.rik.documents.get(at), "Klopt dit?", by=cast.rik)
    await add_hold(
        cast.anna.scope(Hold), "Procedure", "Hoger beroep", document.uploaded_at.date(), None, On(client=cast.bakkerij), by=cast.anna
    )  # fmt: skip

    asked = {}
    for who, path in (("anna", f"/documents/{at}"), ("ed", f"/documents/{at}"), ("rik", f"/portal/documents/{at}")):
        async with browser_of(cast.everybody[who]) as browser:
            with engine.count_queries() as counter:
                reply = await browser.get(path)
        assert reply.status_code == 200 and "Klopt dit?" in reply.text, who
        assert who == "rik" or "Procedure" in reply.text
        asked[who] = counter.n
    assert max(asked.values()) <= MOST, asked


async def test_a_page_asks_as_often_for_whom_only_some_folders_are_open(cast: Cast) -> None:
    folder = await (await dossier_of(cast.anna, cast.bakkerij)).add_folder("Ruim", by=cast.anna)
    for n in range(3):
        await folder.add_folder(f"Map {n}", by=cast.anna)
    async with engine.writing():
        await engine.raw(
            "INSERT INTO folder_right (access, name, name_key, act) SELECT id, 'Ruim', 'ruim', true FROM access WHERE person = $1",
            cast.fem.user.id,
        )
        # Both may approve: what differs is the dossier alone.
        await engine.raw(
            "UPDATE access SET rights = rights | $1 WHERE person = $2",
            int(Right.APPROVE | Right.VIEW_APPROVALS),
            cast.fem.user.id,
        )
        await engine.raw(
            "INSERT INTO document (folder, client, name, name_key, sha256, size, mime, source, uploaded_at, published_at) "
            "SELECT f.id, f.client, 'Stuk', 'stuk', '', 9, 'text/plain', 'office', f.created_at, f.created_at FROM folder f WHERE f.id = $1",
            folder.id,
        )
    rik, fem = await as_viewer("rik@bakkerij-jansen.example"), await as_viewer("fem@bakkerij-jansen.example")
    assert folder.id in fem.opened_folders and not fem.client_ids_with(Right.VIEW_DOSSIER)

    for path in ("/portal", f"/portal/dossier?client={cast.bakkerij}", f"/portal/folders/{folder.id}"):
        asked = []
        for viewer in (rik, fem):
            async with browser_of(viewer) as browser:
                with engine.count_queries() as counter:
                    reply = await browser.get(path)
            assert reply.status_code == 200 and "Ruim" in reply.text, path
            asked.append(counter.n)
        assert asked[0] == asked[1], path
