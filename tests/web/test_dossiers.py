"""Structures, general dossiers and the copy to clients, in the browser."""

from __future__ import annotations

from models import engine
from models.dossiers import Dossier, Folder, dossiers_for
from tests.cast import Cast
from tests.web.test_folders import Browsers, id_of
from web import audience, dossiers, dossiers_copy, dossiers_trash


async def structure_of(cast: Cast) -> int:
    (row,) = await dossiers_for(cast.anna, "standard")
    return int(row["id"])


async def test_every_page_of_dossiers_shows(cast: Cast, browser: Browsers) -> None:
    structure = await structure_of(cast)
    (general,) = await dossiers_for(cast.anna, "general")
    copies = dossiers_copy

    async with browser(cast.anna) as anna:
        for url in (
            dossiers.structures.url(),
            dossiers.page.url(dossier_id=structure),
            dossiers.page.url(dossier_id=general["id"]),
            dossiers.client.url(client_id=cast.bakkerij),
            dossiers.new_folder.url(dossier_id=structure),
            dossiers.name.url(dossier_id=structure),
            dossiers.removal.url(dossier_id=structure),
            audience.audience.url(dossier_id=general["id"]),
            dossiers_trash.page.url(dossier_id=structure),
            dossiers.tree.url(dossier_id=structure),
            copies.choose.url(dossier_id=structure),
            copies.preview.url(dossier_id=structure, who="all"),
            copies.tree.url(dossier_id=structure, client_id=cast.bakkerij),
        ):
            reply = await anna.get(url)
            assert reply.status_code == 200, url
            assert reply.text.count("<h1") >= 1 or "tree" in url, url


async def test_a_structure_is_made_filled_and_copied(cast: Cast, browser: Browsers) -> None:
    async with browser(cast.anna) as anna:
        made = await anna.post(dossiers.add_standard.url(), data={"name": "Holding"})
        structure = (await Dossier.select(Dossier.id).where(Dossier.name == "Holding").first())["id"]
        await anna.post(dossiers.add_folder.url(dossier_id=structure), data={"name": "Deelnemingen", "kind": "office"})
        asked = {"who": "clients", "numbers": "1001"}
        preview = await anna.get(dossiers_copy.preview.url(dossier_id=structure, **asked))
        copied = await anna.post(dossiers_copy.copy.url(dossier_id=structure), data=asked)

    assert made.headers["location"] == dossiers.page.url(dossier_id=structure)
    assert "Bakkerij Jansen B.V." in preview.text and "+1" in preview.text
    assert copied.status_code == 303 and await id_of(cast.bakkerij, "Deelnemingen")


async def test_unknown_numbers_and_nobody_are_told(cast: Cast, browser: Browsers) -> None:
    structure = await structure_of(cast)

    async with browser(cast.anna) as anna:
        unknown = await anna.get(dossiers_copy.preview.url(dossier_id=structure, who="clients", numbers="99999"))
        nobody = await anna.get(dossiers_copy.preview.url(dossier_id=structure, who="clients"))

    assert unknown.status_code == 422 and "99999" in unknown.text
    assert nobody.status_code == 422


async def test_a_client_without_dossier_is_led_to_one(cast: Cast, browser: Browsers) -> None:
    async with engine.writing():
        await engine.raw("DELETE FROM dossier WHERE client = $1", cast.garage)

    async with browser(cast.anna) as anna:
        empty = await anna.get(dossiers.client.url(client_id=cast.garage))
        made = await anna.post(
            dossiers.add_first_folder.url(client_id=cast.garage), data={"name": "Administratie", "kind": "office"}
        )

    assert "Nog geen dossier" in empty.text
    assert made.status_code == 303 and await id_of(cast.garage, "Administratie")


async def test_a_taken_name_is_told(cast: Cast, browser: Browsers) -> None:
    async with browser(cast.anna) as anna:
        reply = await anna.post(dossiers.add_standard.url(), data={"name": "STANDAARD MKB"})

    assert reply.status_code == 422 and "Er is al een dossier" in reply.text


async def test_the_trash_is_emptied_after_a_question_and_only_by_an_administrator(
    cast: Cast, browser: Browsers
) -> None:
    folder = await Folder.objects().where((Folder.client == cast.bakkerij) & (Folder.name == "Salaris")).first()
    assert folder is not None
    await folder.trash(by=cast.anna)
    asked, at = (
        dossiers_trash.emptying.url(dossier_id=folder.dossier),
        dossiers_trash.page.url(dossier_id=folder.dossier),
    )

    async with browser(cast.anna) as anna, browser(cast.ed) as ed:
        question = await anna.get(asked)
        in_dialog = await anna.htmx("GET", asked)
        refused = [(await ed.get(asked)).status_code, (await ed.post(asked)).status_code]
        listed = await anna.get(at)
        await anna.post(asked)
        empty = await anna.get(at)

    assert "van de 2 mappen" in question.text and "<html" not in in_dialog.text
    assert refused == [403, 403]
    assert asked not in empty.text and "De prullenbak is leeg" in empty.text
    assert asked in listed.text and not await Folder.exists().where(Folder.id == folder.id)
