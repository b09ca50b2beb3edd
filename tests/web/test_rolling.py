"""Rolling out on the screen: a rule, who is skipped, what is chosen, the report, undo; drift and the next book year."""

from __future__ import annotations

import io
from typing import Any

import openpyxl

from models import engine
from models.dossiers import Dossier, Folder, Selection, add_structure
from models.dossiers.grants import grants_of
from models.dossiers.rolling import apply_structure
from models.dossiers.runs import StructureRun
from models.dossiers.structures import Wanted


async def structure(cast: Any, *names: str) -> Dossier:
    made = await add_structure("standard", "Proef", by=cast.anna)
    for name in names:
        await made.add_folder(name, by=cast.anna)
    return made


async def names_of(client: int) -> set[str]:
    return {
        row["name"]
        for row in await engine.raw("SELECT name FROM folder WHERE client = $1 AND trashed_at IS NULL", client)
    }


async def test_a_rule_is_looked_at_and_carried_out_and_who_is_ticked_is_skipped(cast: Any, browser: Any) -> None:
    made = await structure(cast, "Nieuw", "Ander")
    await engine.raw("UPDATE client SET legal_form = 'CV' WHERE id IN ($1, $2)", cast.garage, cast.bakkerij)
    (chosen,) = await Folder.objects().where((Folder.dossier == made.id) & (Folder.name == "Nieuw"))

    async with browser(cast.anna) as anna:
        form = await anna.get(f"/dossiers/{made.id}/copy")
        nothing = await anna.get(f"/dossiers/{made.id}/copy/difference?who=rule")
        shown = await anna.get(f"/dossiers/{made.id}/copy/difference?who=rule&rule_legal_form=cv")
        skipping = await anna.get(
            f"/dossiers/{made.id}/copy/difference?who=rule&rule_legal_form=cv&without={cast.garage}"
        )
        done = await anna.post(
            f"/dossiers/{made.id}/copies",
            data={"who": "rule", "rule": '{"legal_form": ["cv"]}', "year": "2026", "some": "1", "only": str(chosen.id), "without": str(cast.garage)},
        )  # fmt: skip
        run = await anna.get(done.headers["location"])
        told = openpyxl.load_workbook(io.BytesIO((await anna.get(done.headers["location"] + "/report")).content))

    assert 'name="rule_legal_form"' in form.text and nothing.status_code == 422 and "Kies waaraan" in nothing.text
    assert "Garage Smit" in shown.text and "Bakkerij Jansen B.V." in shown.text and "bij 2 van de 2" in shown.text
    assert "bij 1 van de 1" in skipping.text and "Garage Smit" in skipping.text
    assert "Nieuw" not in await names_of(cast.garage) and "Ander" not in await names_of(cast.bakkerij)
    assert "Nieuw" in await names_of(cast.bakkerij) and "1 map toegevoegd" in run.text
    assert [cell.value for cell in told.active[2]][:3] == ["Bakkerij Jansen B.V.", told.active[2][1].value, 1]


async def test_a_roll_out_is_undone_from_its_page(cast: Any, browser: Any) -> None:
    made = await structure(cast, "Nieuw")
    await apply_structure(made, Selection("clients", clients=(cast.garage,)), by=cast.anna)
    run = await StructureRun.objects().first()

    async with browser(cast.ed) as ed:
        assert (await ed.post(f"/dossiers/runs/{run.id}/undo")).status_code == 404
    async with browser(cast.anna) as anna:
        assert "Ongedaan maken" in (await anna.get(f"/dossiers/runs/{run.id}")).text
        await anna.post(f"/dossiers/runs/{run.id}/undo")
        again = await anna.post(f"/dossiers/runs/{run.id}/undo")
        page = await anna.get("/dossiers/runs")

    assert "Nieuw" not in await names_of(cast.garage)
    assert again.status_code == 422 and "al ongedaan gemaakt" in again.text and "ongedaan gemaakt" in page.text


async def test_the_next_year_is_looked_at_and_made(cast: Any, browser: Any) -> None:
    made = await structure(cast, "Jaar {boekjaar}")
    await apply_structure(made, Selection("clients", clients=(cast.garage,)), Wanted(2026), by=cast.anna)

    async with browser(cast.anna) as anna:
        before = await anna.get(f"/dossiers/years?year=2031&structure={made.id}")
        done = await anna.post("/dossiers/years", data={"year": "2031", "structure": str(made.id)})
        after = await anna.get(f"/dossiers/years?year=2031&structure={made.id}")
        nonsense = await anna.get("/dossiers/years?year=9999&structure=x")

    assert "1 mappen klaarzetten" in before.text and done.status_code == 303
    assert "staan al klaar" in after.text and "Jaar 2031" in await names_of(cast.garage)
    assert nonsense.status_code == 200


async def test_drift_is_filtered_exported_and_told_on_the_clients_dossier(cast: Any, browser: Any) -> None:
    made = await structure(cast, "Een")
    await apply_structure(made, Selection("clients", clients=(cast.garage, cast.bakkerij)), by=cast.anna)
    await made.add_folder("Twee", by=cast.anna)
    await apply_structure(made, Selection("clients", clients=(cast.bakkerij,)), by=cast.anna)

    async with browser(cast.anna) as anna:
        page = await anna.get(f"/dossiers/{made.id}/drift")
        none = await anna.htmx("GET", f"/dossiers/{made.id}/drift?kind=moved")
        book = openpyxl.load_workbook(
            io.BytesIO((await anna.get(f"/dossiers/{made.id}/drift/report?kind=adds")).content)
        )
        line = await anna.htmx("GET", f"/clients/{cast.garage}/drift")
        dossier = await anna.get(f"/clients/{cast.garage}/dossier")

    assert "Garage Smit" in page.text and "1 van de 2 cliënten" in page.text
    assert "Garage Smit" not in none.text and "<html" not in none.text
    assert [row[0].value for row in book.active.iter_rows()] == ["Cliënt", "Garage Smit"]
    assert "Wijkt af van “Proef”" in line.text and f"/clients/{cast.garage}/drift" in dossier.text


async def test_rights_of_a_folder_are_chosen_per_template(cast: Any, browser: Any) -> None:
    made = await structure(cast, "Loon")
    (folder,) = await Folder.objects().where(Folder.dossier == made.id)
    key = (await engine.raw("SELECT id FROM rights_template WHERE key = 'salaris'"))[0]["id"]

    async with browser(cast.anna) as anna:
        done = await anna.post(f"/folders/{folder.id}/grants", data={f"template-{key}": "act"})
        page = await anna.get(f"/folders/{folder.id}/grants")
        await folder.change_kind("internal", by=cast.anna)
        refused = await anna.post(f"/folders/{folder.id}/grants", data={f"template-{key}": "view"})
    async with browser(cast.ed) as ed:
        barred = await ed.post(f"/folders/{folder.id}/grants", data={})

    assert done.status_code == 303 and await grants_of(folder.id) == {key: True}
    assert '<option value="act" selected>' in page.text
    assert refused.status_code == 422 and "alleen voor kantoor" in refused.text
    assert barred.status_code in (403, 404)


async def test_a_structure_is_given_to_new_clients_of_a_kind(cast: Any, browser: Any) -> None:
    made = await structure(cast, "Een")

    async with browser(cast.anna) as anna:
        await anna.post(f"/dossiers/{made.id}/for-new", data={"yes": "1", "rule_kind": "private"})
        page = await anna.get(f"/dossiers/{made.id}/for-new")
        dossier = await anna.get(f"/dossiers/{made.id}")
        await anna.post(f"/dossiers/{made.id}/for-new", data={"yes": "0"})

    assert 'value="private" checked' in page.text and "aan de regel voldoen" in dossier.text
    (row,) = await engine.raw("SELECT for_new_since, for_new_rule FROM dossier WHERE id = $1", made.id)
    assert row == {"for_new_since": None, "for_new_rule": ""}
