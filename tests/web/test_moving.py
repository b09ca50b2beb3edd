"""A dossier taken along and brought in, on the screen."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import openpyxl
import pytest

from models import engine
from models.dossiers import Document
from models.moving.records import DossierExport, DossierImport
from models.tasks import WORKS, Progress, Task
from tests.models.test_moving import a_dossier, emptied, stored_at


@pytest.fixture(autouse=True)
def store(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    with stored_at(f"file://{tmp_path}/store", monkeypatch):
        yield


async def work() -> None:
    """As the worker does what waits."""
    for task in await Task.objects().where(Task.state == "waiting"):
        await WORKS[task.kind](task, Progress(task))
        await engine.raw("UPDATE task SET state = 'done' WHERE id = $1", task.id)


async def test_taken_along_and_brought_back(cast: Any, browser: Any) -> None:
    await a_dossier(cast)
    async with browser(cast.anna) as anna:
        assert "Exporteren" in (await anna.get(f"/clients/{cast.garage}/dossier")).text
        await anna.post(f"/clients/{cast.garage}/dossier/export", data={"with_trash": "1"})
        twice = await anna.post(f"/clients/{cast.garage}/dossier/export")
        busy = await anna.get(f"/clients/{cast.garage}/dossier/export")
        await work()
        ready = await anna.get(f"/clients/{cast.garage}/dossier/export")
        made = await DossierExport.objects().first()
        file = await anna.get(f"/dossiers/exports/{made.id}/file")
        part = await anna.get(f"/dossiers/exports/{made.id}/file", headers={"Range": "bytes=0-3"})
        taken = await engine.raw("SELECT count(*) AS n FROM trail WHERE operation = 'DossierExport.download'")

        await emptied(cast.garage)
        sent = await anna.post("/dossiers/imports", files={"file": ("dossier.zip", file.content, "application/zip")})
        at = sent.headers["location"]
        checking = await anna.get(at)
        await work()
        plan = await anna.get(at)
        await anna.post(f"{at}/commit", data={"with_rights": "1"})
        await work()
        done = await anna.get(at)
        report = openpyxl.load_workbook(io.BytesIO((await anna.get(f"{at}/report")).content))
        back = await anna.post(f"{at}/undo")
        again = await anna.post(f"{at}/undo")

    assert twice.status_code == 422 and "wordt al een archief gemaakt" in twice.text and "wordt gemaakt" in busy.text
    assert "Downloaden" in ready.text and file.status_code == 200 and taken == [{"n": 2}]
    assert (part.status_code, part.content) == (206, b"PK\x03\x04")
    assert zipfile.ZipFile(io.BytesIO(file.content)).testzip() is None
    assert (
        "wordt gecontroleerd" in checking.text
        and "5 documenten komen erbij" in plan.text
        and 'id="with_rights"' in plan.text
        and "Garage Smit" in plan.text
    )
    assert (
        "ingelezen" in done.text and report.active.max_row == 1 + 4 + 5 + 2
    )  # folders, documents, the request and the rights of sam
    assert back.status_code == 303 and again.status_code == 422
    assert not await Document.exists().where((Document.client == cast.garage) & Document.trashed_at.is_null())


async def test_for_another_client_one_says_whose_it_is(cast: Any, browser: Any) -> None:
    await a_dossier(cast)
    async with browser(cast.anna) as anna:
        await anna.post(f"/clients/{cast.garage}/dossier/export")
        await work()
        made = await DossierExport.objects().first()
        file = await anna.get(f"/dossiers/exports/{made.id}/file")
        await engine.raw("UPDATE client SET name = 'Heel anders', kvk = '' WHERE id = $1", cast.garage)
        at = (await anna.post("/dossiers/imports", files={"file": ("d.zip", file.content, "application/zip")})).headers[
            "location"
        ]
        await work()
        asked = await anna.get(at)
        early = await anna.post(f"{at}/commit")
        wrong = await anna.post(f"{at}/client", data={"number": "bestaat-niet"})
        number = (await cast.anna.clients.get(cast.beheer)).number
        await anna.post(f"{at}/client", data={"number": number})
        await work()
        plan = await anna.get(at)
        await anna.post(f"{at}/removal")

    assert "Kies zelf" in asked.text and early.status_code == 422
    assert wrong.status_code == 422 and 'value="bestaat-niet"' in wrong.text
    assert "Jansen Beheer B.V." in plan.text and "komen erbij" in plan.text
    assert not await DossierImport.exists()


async def test_what_is_no_archive_is_said_in_words(cast: Any, browser: Any) -> None:
    async with browser(cast.anna) as anna:
        other = await anna.post("/dossiers/imports", files={"file": ("a.txt", b"tekst", "text/plain")})
        none = await anna.post("/dossiers/imports", files={"x": ("", b"", "text/plain")})
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as made:
            made.writestr("foto.txt", "hallo")
        at = (
            await anna.post("/dossiers/imports", files={"file": ("foto.zip", out.getvalue(), "application/zip")})
        ).headers["location"]
        with pytest.raises(Exception, match="ontbreekt"):
            await work()
        refused = await anna.get(at)

    assert other.status_code == 422 and "geen dossierarchief" in other.text and none.status_code == 422
    assert "ontbreekt manifest.json" in refused.text and "geweigerd" in refused.text


async def test_a_colleague_without_the_right_sees_none_of_it(cast: Any, browser: Any) -> None:
    await a_dossier(cast)
    await engine.raw("UPDATE users SET permissions = 'dossiers:view' WHERE id = $1", cast.ed.user.id)
    mine = (await cast.ed.clients.select(cast.ed.clients._table.id))[0]["id"]

    async with browser(cast.ed) as ed:
        page = await ed.get(f"/clients/{mine}/dossier/export")
        arrivals = await ed.get("/dossiers/imports")
        sent = await ed.post("/dossiers/imports", files={"file": ("d.zip", b"PK", "application/zip")})

    assert (page.status_code, arrivals.status_code, sent.status_code) == (404, 404, 404)
