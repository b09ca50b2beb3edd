"""What client users may: their template, what they were given beside it, folders opened one by one, and the client's ceiling."""

from __future__ import annotations

import pytest

from models import engine
from models.clients import settle_rights
from models.clients.rights import BY_MODULE, ceiling, with_view
from models.core import Missing
from models.dossiers import folder_of
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
