"""The screens of rights: the matrix of everybody, one person's access with the why, and who may see a folder."""

from __future__ import annotations

import html
import io

import openpyxl

from models import engine, explaining
from models.accounts import User
from models.clients.rights import who_sees
from models.dossiers import Folder
from tests.cast import as_viewer


async def test_the_matrix_shows_everybody_and_where_a_right_comes_from(cast, browser):
    await engine.raw("UPDATE access SET own = 1 WHERE person = $1", cast.fem.user.id)
    async with browser(cast.anna) as anna:
        page = html.unescape((await anna.get(f"/clients/{cast.bakkerij}/rights")).text)
        sheet = await anna.get(f"/clients/{cast.bakkerij}/rights.xlsx")

    assert "Rik Jansen" in page and "Beheerder: alles" in page and "Salaris: alleen personeel" in page
    rows = list(openpyxl.load_workbook(io.BytesIO(sheet.content)).active.iter_rows(values_only=True))
    fem = next(row for row in rows if row[1] == "fem@bakkerij-jansen.example")
    assert dict(zip(rows[0], fem, strict=True))["Personeel en salaris"] == "ja"
    assert dict(zip(rows[0], fem, strict=True))["Akkoord geven"] == "nee"


async def test_another_template_own_rights_and_a_folder_are_given_in_one_form(cast, browser):
    top = (
        await Folder.objects()
        .where((Folder.client == cast.bakkerij) & (Folder.kind == "office"))
        .order_by(Folder.position)
        .first()
    )
    path = f"/users/{cast.fem.user.id}/accesses/{cast.bakkerij}"
    async with browser(cast.anna) as anna:
        reply = await anna.post(path, data={"role": "salaris", "rights": ["4"], f"folder-{top.id}": "view"})
        page = html.unescape((await anna.get(path)).text)
        log = html.unescape((await anna.get("/audit")).text)
    fem = await as_viewer("fem@bakkerij-jansen.example")

    assert reply.status_code == 303
    assert fem.may("approve") and fem.may("view_approvals") and fem.may("payroll")
    assert top.id in fem.opened_folders and not any(fem.opened_folders.values())
    assert f"De map “{top.name}” is voor deze persoon opengezet." in page
    assert top.name in log


async def test_a_form_that_does_not_ask_for_folders_leaves_them(cast, browser):
    top = (
        await Folder.objects()
        .where((Folder.client == cast.bakkerij) & (Folder.kind == "office"))
        .order_by(Folder.position)
        .first()
    )
    path = f"/users/{cast.fem.user.id}/accesses/{cast.bakkerij}"
    async with browser(cast.anna) as anna:
        await anna.post(path, data={"role": "salaris", f"folder-{top.id}": "view"})
        await anna.post(path, data={"role": "salaris", "rights": ["4"]})

    assert top.id in (await as_viewer("fem@bakkerij-jansen.example")).opened_folders


async def test_nothing_chosen_comes_back_with_the_reason(cast, browser):
    async with browser(cast.anna) as anna:
        reply = await anna.post(f"/users/{cast.fem.user.id}/accesses/{cast.bakkerij}", data={"role": "", "rights": []})

    assert reply.status_code == 422 and "Kies wat deze persoon mag." in reply.text


async def test_who_may_see_a_folder_says_so_and_why(cast, browser):
    internal = await Folder.objects().where((Folder.client == cast.bakkerij) & (Folder.kind == "internal")).first()
    async with browser(cast.ed) as ed:
        page = html.unescape((await ed.get(f"/folders/{internal.id}/rights?person={cast.rik.user.id}")).text)

    assert "Nee, dit mag niet." in page and "Deze map is intern: alleen het kantoor ziet hem." in page


async def test_the_list_of_who_sees_agrees_with_the_explanation(cast):
    await engine.raw(
        "INSERT INTO folder_right (access, name, name_key, act) SELECT a.id, f.name, f.name_key, CAST($3 AS BOOLEAN) FROM access a JOIN folder f ON f.client = a.client "
        "WHERE a.person = $1 AND a.client = $2 AND f.parent IS NULL AND f.position = 1",
        cast.fem.user.id, cast.bakkerij, False,
    )  # fmt: skip
    for folder in await Folder.objects().where(Folder.client == cast.bakkerij):
        for row in await who_sees(cast.bakkerij, folder.id):
            person = await User.objects().where(User.id == row["id"]).first()
            answer = await explaining.of_folder(person, folder)

            assert bool(row["may"]) == all(step.ok for step in answer.steps[1:]), (folder.name, row)


async def test_a_colleague_without_the_right_only_looks(cast, browser):
    await engine.raw("UPDATE users SET permissions = 'clients:act' WHERE id = $1", cast.ed.user.id)
    path = f"/users/{cast.fem.user.id}/accesses/{cast.bakkerij}"
    async with browser(cast.ed) as ed:
        page, reply = await ed.get(path), await ed.post(path, data={"role": "beheerder"})

    assert "Rechten bewaren" not in page.text and page.status_code == 200
    assert reply.status_code == 403


async def test_what_a_colleague_may_is_his_and_the_managers_to_read(cast, browser):
    where = f"/users/{cast.ed.user.id}/permissions"
    async with browser(cast.ed) as ed, browser(cast.anna) as anna:
        own, hers = await ed.get(where), await ed.get(f"/users/{cast.anna.user.id}/permissions")
        page, person = await anna.get(where), await anna.get(f"/users/{cast.ed.user.id}")
        client = await anna.get(f"/users/{cast.rik.user.id}/permissions")

    assert own.status_code == page.status_code == 200 and hers.status_code == client.status_code == 404
    assert "Logboek bekijken" in page.text and where in person.text
