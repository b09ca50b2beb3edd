"""What client users may: their template, what they were given beside it, folders opened one by one, and the client's ceiling."""

from __future__ import annotations

import pytest

from models import engine
from models.clients import settle_rights
from models.clients.rights import BY_MODULE, RightsTemplate, add_template, ceiling, opened_folders, with_view
from models.core import Missing, Refused
from models.dossiers import folder_of
from models.dossiers.grants import grants_of, set_grants
from models.portal import dossier_tree, uploads_of
from models.viewer import NOTHING, Permission, Right, joined, permissions_of
from tests.cast import as_viewer

RIK, FEM = "rik@bakkerij-jansen.example", "fem@bakkerij-jansen.example"


async def rights_of(email: str, client: int) -> Right:
    viewer = await as_viewer(email)
    return viewer.grants[client].rights


async def open_folder(cast, person: int, name: str, *, act: bool) -> None:
    await engine.raw(
        "INSERT INTO folder_right (access, name, name_key, act) SELECT id, CAST($1 AS VARCHAR), lower(CAST($1 AS VARCHAR)), CAST($2 AS BOOLEAN) FROM access WHERE person = $3 AND client = $4",
        name, act, person, cast.bakkerij,
    )  # fmt: skip


async def top_folders(cast) -> list[dict]:
    return await engine.raw(
        "SELECT id, name, kind FROM folder WHERE client = $1 AND parent IS NULL AND kind <> 'internal' AND trashed_at IS NULL ORDER BY position",
        cast.bakkerij,
    )


async def test_everybody_follows_his_template_when_it_changes(cast):
    await engine.raw("UPDATE rights_template SET rights = 3 WHERE key = 'beheerder'")
    await settle_rights(template="beheerder")

    assert await rights_of(RIK, cast.bakkerij) == Right.VIEW_DOSSIER | Right.UPLOAD_DOCUMENTS


async def test_what_is_given_beside_the_template_is_added(cast):
    await engine.raw("UPDATE access SET own = 1 WHERE person = $1", cast.fem.user.id)
    await settle_rights(people=[cast.fem.user.id])

    assert await rights_of(FEM, cast.bakkerij) == Right.VIEW_DOSSIER | Right.VIEW_PAYROLL | Right.PAYROLL


async def test_nobody_may_more_than_the_modules_of_the_client(cast):
    await engine.raw("UPDATE client SET modules = 'payroll' WHERE id = $1", cast.bakkerij)
    await settle_rights(clients=[cast.bakkerij])

    assert await rights_of(RIK, cast.bakkerij) == ceiling("payroll")
    assert Right.VIEW_DOSSIER in await rights_of(RIK, cast.beheer)
    with pytest.raises(Missing):
        await dossier_tree(await as_viewer(RIK), cast.bakkerij)


async def test_one_top_folder_can_be_opened_with_all_that_lies_in_it(cast):
    first, second = (await top_folders(cast))[:2]
    await open_folder(cast, cast.fem.user.id, first["name"], act=False)

    fem = await as_viewer(FEM)

    assert [branch.name for branch in await dossier_tree(fem, cast.bakkerij)] == [first["name"]]
    assert (await folder_of(fem, first["id"])).name == first["name"]
    assert await fem.folders.get(first["id"])
    for look in (folder_of(fem, second["id"]), fem.folders.get(second["id"])):
        with pytest.raises(Missing):
            await look
    assert {document.folder for document in await fem.documents.all()} <= set(fem.opened_folders)
    assert await uploads_of(fem) == []


async def test_an_opened_upload_folder_takes_what_is_handed_in(cast):
    upload = next(row for row in await top_folders(cast) if row["kind"] == "upload")
    await open_folder(cast, cast.fem.user.id, upload["name"], act=True)

    fem = await as_viewer(FEM)

    assert [row["folder"] for row in await uploads_of(fem)] == [upload["id"]]
    assert fem.may(Permission.UPLOAD_DOCUMENTS, await fem.folders.get(upload["id"]))
    assert not fem.may(Permission.APPROVE)


async def test_a_template_opens_folders_by_their_name(cast):
    first = (await top_folders(cast))[0]
    await engine.raw(
        "INSERT INTO folder_right (template, name, name_key, act) SELECT id, CAST($1 AS VARCHAR), lower(CAST($1 AS VARCHAR)), CAST($2 AS BOOLEAN) FROM rights_template WHERE key = 'salaris'",
        first["name"], False,
    )  # fmt: skip

    fem = await as_viewer(FEM)

    assert [branch.name for branch in await dossier_tree(fem, cast.bakkerij)] == [first["name"]]


async def test_the_ceiling_closes_opened_folders_too(cast):
    await open_folder(cast, cast.fem.user.id, (await top_folders(cast))[0]["name"], act=True)
    await engine.raw("UPDATE client SET modules = 'payroll' WHERE id = $1", cast.bakkerij)
    await settle_rights(clients=[cast.bakkerij])

    assert not (await as_viewer(FEM)).dossier_client_ids


async def test_a_colleague_without_dossiers_reads_none(cast):
    folder = (await top_folders(cast))[0]["id"]
    for permissions, seen in (("clients:act", False), ("dossiers:view", True)):
        await engine.raw("UPDATE users SET permissions = $1 WHERE id = $2", permissions, cast.ed.user.id)
        ed = await as_viewer("ed@kantoor.example")

        assert ed.may(Permission.READ_DOSSIERS) is seen and not ed.may(Permission.EDIT_DOSSIERS)
        assert bool(await ed.folders.count()) is bool(await ed.documents.count()) is seen
        if not seen:
            with pytest.raises(Missing):
                await folder_of(ed, folder)


def test_acting_takes_looking_along():
    for one in BY_MODULE[1:]:
        assert with_view(int(one.act)) == int(one.act | one.view)
    assert with_view(2) == 2
    assert ceiling("") == Right.everything()


def test_permissions_of_several_add_up():
    assert joined("", "dossiers:view") == ""
    assert joined(NOTHING, "dossiers:view", "dossiers:act,mail:view") == "dossiers:act,mail:view"
    assert joined(NOTHING) == NOTHING
    assert permissions_of("employee", NOTHING) == {Permission.OWN_ACCOUNT}
    assert permissions_of("administrator", NOTHING) == permissions_of("administrator", "")
    assert Permission.MANAGE_SETTINGS not in permissions_of("office_administrator", "")
    assert permissions_of("employee", "dossiers:act") == {
        Permission.OWN_ACCOUNT,
        Permission.READ_DOSSIERS,
        Permission.EDIT_DOSSIERS,
    }


async def test_what_a_template_opens_is_told_and_carried_over_or_let_go(cast):
    one = await add_template(cast.anna.scope(RightsTemplate), "Eén", 0, {}, by=cast.anna)
    two = await add_template(cast.anna.scope(RightsTemplate), "Twee", 0, {}, by=cast.anna)
    rows = await engine.raw("SELECT id FROM folder WHERE client = $1 AND parent IS NULL AND kind = 'office' ORDER BY id LIMIT 2", cast.garage)  # fmt: skip
    (standard,) = await engine.raw("SELECT min(f.id) AS id FROM folder f JOIN dossier d ON d.id = f.dossier AND d.kind = 'standard'")  # fmt: skip
    both, only = rows[0]["id"], rows[1]["id"]
    for folder, grants in (
        (both, {one.id: True, two.id: False}),
        (only, {one.id: False}),
        (standard["id"], {one.id: False}),
    ):
        await set_grants(await cast.anna.folders.get(folder), grants, by=cast.anna)

    assert await opened_folders(one.id) == {"folders": 3, "structures": 1, "clients": 1}
    with pytest.raises(Refused, match="3 mappen"):
        await one.remove(by=cast.anna)
    with pytest.raises(Refused, match="ander sjabloon"):
        await one.remove(one, by=cast.anna)
    await one.remove(two, by=cast.anna)

    assert [await grants_of(folder) for folder in (both, only, standard["id"])] == [{two.id: True}, {two.id: False}, {two.id: False}]  # fmt: skip
    await two.remove(drops=True, by=cast.anna)
    assert await grants_of(both) == {}


async def test_the_page_asks_what_becomes_of_the_folders(cast, browser):
    one = await add_template(cast.anna.scope(RightsTemplate), "Eén", 0, {}, by=cast.anna)
    two = await add_template(cast.anna.scope(RightsTemplate), "Twee", 0, {}, by=cast.anna)
    folder = (await top_folders(cast))[0]["id"]
    await set_grants(await cast.anna.folders.get(folder), {one.id: True}, by=cast.anna)
    at = f"/settings/rights/{one.id}/removal"
    async with browser(cast.anna) as anna, browser(cast.ed) as ed:
        page = await anna.get(at)
        nothing = await anna.post(at)
        no_other = await anna.post(at, data={"do": "carry", "to": ""})
        barred = await ed.get(at)
        done = await anna.post(at, data={"do": "carry", "to": str(two.id)})

    assert "opent 1 mappen" in page.text and "Twee" in page.text
    assert nothing.status_code == no_other.status_code == 422 and barred.status_code in (403, 404)
    assert done.status_code == 303 and await grants_of(folder) == {two.id: True}
