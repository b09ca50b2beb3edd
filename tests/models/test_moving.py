"""A dossier leaves and comes back: equal, beside what is there, never twice; and what hostile archives get."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import io
import json
import subprocess
import zipfile
from pathlib import Path
from random import Random
from typing import Any

import pytest

from models import config, engine
from models.accounts import User
from models.clients.records import add_client
from models.clients.rights import access_of
from models.content_type import clean_name, detect
from models.core import Forbidden, Missing, Refused, Say
from models.dossiers import DRAFT, NOW, Document, Dossier, Folder, NewDocument
from models.dossiers.grants import set_grants
from models.dossiers.remarks import remarks_of, say
from models.dossiers.structures import open_dossier
from models.dossiers.versions import replace, versions_of
from models.keeping.anchors import set_anchor
from models.keeping.terms import kept as how_kept
from models.moving import checking
from models.moving.exporting import contents, export_dossier, pieces
from models.moving.importing import add_archive, items_of, read_archive, remove_archive, take_back_archive
from models.moving.machine import bring_in, export
from models.moving.manifest import Broken
from models.moving.records import DossierExport, DossierImport
from models.moving.rights import RIGHTS
from models.requests.answering import hand_in, not_applicable, send_back
from models.requests.making import Item, ask_of
from models.requests.records import DocumentRequest, RequestItem
from models.storage import reset, storage
from models.tasks import WORKS, Progress, Task
from models.tidying import referenced
from models.viewer import Right, Viewer
from tests import databases
from tests.cast import Cast, as_viewer, assemble, people


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Both storages."""
    url = f"file://{tmp_path}/store" if request.param == "folder" else request.getfixturevalue("buckets").fresh()
    with stored_at(url, monkeypatch):
        yield url


@contextlib.contextmanager
def stored_at(url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("STORAGE_URL", url)
    config.reset()
    reset()
    yield
    config.reset()
    reset()


async def put(folder: Folder, name: str, data: bytes, by: Viewer, publish: Any = NOW) -> Document:
    kept, name = await storage().put(data), clean_name(name)  # as an upload comes in
    mime = detect(kept.head, name).mime
    (made,) = await folder.add_documents([NewDocument(name, kept.sha256, kept.size, mime)], publish, by=by)
    return made


async def a_dossier(cast: Cast) -> Dossier:
    """Of Garage Smit, with everything that a dossier may have."""
    await engine.raw("DELETE FROM dossier WHERE client = $1", cast.garage)
    client = await cast.anna.clients.get(cast.garage)
    dossier = await open_dossier(client, by=cast.anna)
    tax = await dossier.add_folder("Belasting: 2026 / “aangiften”", by=cast.anna)
    kept = (await engine.raw("SELECT min(id) AS id FROM retention_class"))[0]["id"]
    upload = await tax.add_folder("CON", "upload", by=cast.anna)
    await upload.set_up(True, kept, 2026, by=cast.anna)
    secret = await dossier.add_folder("Intern", "internal", by=cast.anna)
    await dossier.add_folder("Leeg", by=cast.anna)
    first = await put(tax, "Aangifte één.txt", b"eerste", cast.anna)
    newer = await storage().put(b"tweede, langer")
    await replace(first, NewDocument("x.txt", newer.sha256, newer.size, "text/plain"), by=cast.ed)
    await say(first, "Klopt dit?", by=cast.sam)
    await say(first, "Ja.\nZeker.", by=cast.anna)
    await first.note_read(downloaded=True, by=cast.sam)
    await engine.raw("UPDATE document SET labels = 'Btw, kwartaal', labels_key = ',btw,kwartaal,', period = 'k1', book_year = 2025, note = 'Let op', kind = (SELECT min(id) FROM document_kind), retention = $2 WHERE id = $1", first.id, kept)  # fmt: skip
    await set_anchor(first, dt.date(2024, 5, 1), by=cast.anna)
    await set_anchor(upload, dt.date(2023, 12, 31), by=cast.anna)
    await put(upload, "bon.txt", b"van sam", cast.sam)
    await put(secret, "notitie.txt", b"geheim", cast.ed, DRAFT)
    gone = await put(tax, "weg.txt", b"weg", cast.anna)
    await gone.trash(by=cast.anna)
    await asked(cast, upload)
    return dossier


async def asked(cast: Cast, upload: Folder) -> None:
    """Of Garage Smit: something that is half answered; and a folder is open to a template."""
    items = [Item("Bonnen", "Alle", dt.date(2199, 1, 31)), Item("Auto"), Item("Bank")]
    await engine.raw("DELETE FROM document_request WHERE client = $1", cast.garage)
    await ask_of([cast.garage], "Stukken", "Graag", dt.date(2199, 2, 28), items, "act-1", by=cast.ed.user.id, folder="")
    await engine.raw("UPDATE document_request SET folder = $2 WHERE client = $1", cast.garage, upload.id)
    bills, car, _ = await cast.sam.scope(RequestItem).where(RequestItem.client == cast.garage).all(RequestItem.position)
    kept = await storage().put(b"van sam, gevraagd")
    await hand_in(bills, [NewDocument("bonnen.txt", kept.sha256, kept.size, "text/plain")], by=cast.sam)
    await not_applicable(car, "Die is er niet.", by=cast.sam)
    await send_back(await cast.anna.scope(RequestItem).get(bills.id), "Bladzijde 2 ontbreekt.", by=cast.anna)
    reader = (await engine.raw("SELECT id FROM rights_template WHERE key = 'lezer'"))[0]["id"]
    await set_grants(await cast.anna.folders.get(upload.id), {reader: True}, by=cast.anna)


async def archive_of(client: int, with_trash: bool = False) -> bytes:
    async with engine.reading():
        content = await contents(client, with_trash)
    return b"".join([piece async for piece in pieces(content)])


def manifest_in(archive: bytes) -> dict[str, Any]:
    found = json.loads(zipfile.ZipFile(io.BytesIO(archive)).read("manifest.json"))
    return {key: found[key] for key in ("folders", "documents", "requests", "rights", "templates", "with_trash")}


def without_rights(manifest: dict[str, Any]) -> dict[str, Any]:
    """Whoever is not in an office has no rights there: he is named in the report."""
    del manifest["rights"], manifest["templates"]
    return manifest


async def brought(cast: Cast, archive: bytes, name: str = "dossier.zip") -> DossierImport:
    """As somebody brings it in by the portal; checked by the worker."""
    kept = await storage().put(archive)
    record = await add_archive(
        cast.anna.scope(DossierImport), file_name=name, sha256=kept.sha256, size=kept.size, by=cast.anna
    )
    with contextlib.suppress(Refused):
        await worked(record)
    return await cast.anna.scope(DossierImport).get(record.id)


async def worked(record: DossierImport) -> None:
    task = await record.running()
    assert task is not None
    await WORKS[task.kind](task, Progress(task))


async def emptied(client: int) -> None:
    await engine.raw("DELETE FROM dossier WHERE client = $1", client)
    await engine.raw("DELETE FROM document_request WHERE client = $1", client)


@pytest.mark.parametrize("with_trash", [False, True])
async def test_what_comes_back_is_equal(cast: Cast, store: str, with_trash: bool) -> None:
    await a_dossier(cast)
    first = await archive_of(cast.garage, with_trash)
    await emptied(cast.garage)

    record = await brought(cast, first)
    assert (record.state, record.client) == ("planned", cast.garage)
    await read_archive(record, by=cast.anna)
    await worked(record)

    assert manifest_in(await archive_of(cast.garage, with_trash)) == manifest_in(first)
    assert len(manifest_in(first)["documents"]) == (5 if with_trash else 4)
    document = next(one for one in await cast.anna.documents.all() if one.client == cast.garage and one.name.startswith("Aangifte"))  # fmt: skip
    assert await storage().read(document.sha256) == b"tweede, langer" and document.uploaded_by == cast.ed.user.id
    assert document.labels_key == ",btw,kwartaal," and (await cast.sam.documents.get(document.id)).note == "Let op"


async def test_the_checksums_are_checked_by_the_tool_that_everybody_has(cast: Cast, store: str, tmp_path: Path) -> None:
    await a_dossier(cast)

    zipfile.ZipFile(io.BytesIO(await archive_of(cast.garage, True))).extractall(tmp_path / "uit")

    said = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=tmp_path / "uit", capture_output=True, text=True)
    assert said.returncode == 0 and "manifest.json: OK" in said.stdout, said.stdout + said.stderr
    names = {str(path.relative_to(tmp_path / "uit")) for path in (tmp_path / "uit").rglob("*")}
    assert "Documenten/“aangiften”/_CON/bon.txt" in names and "Documenten/Leeg" in names  # names that Windows takes
    assert "Eerdere versies/“aangiften”/Aangifte één (versie 1).txt" in names and any(n.startswith("Prullenbak/") for n in names)  # fmt: skip


async def test_from_one_installation_into_another_of_the_other_kind(
    buckets: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite and a folder > Postgres and S3, where nobody of the people is known."""
    file, again = tmp_path / "dossier.zip", tmp_path / "again.zip"
    offices = databases.Databases(people)
    with stored_at(f"file://{tmp_path}/store", monkeypatch):
        async with offices.copy("sqlite", "peopled"):
            cast = await assemble()
            await a_dossier(cast)
            number = (await cast.anna.clients.get(cast.garage)).number
            await export(number, file, with_trash=True)
    with stored_at(buckets.fresh(), monkeypatch):
        async with offices.copy("postgres", "peopled"):
            other = await assemble()
            await engine.raw(
                "UPDATE users SET email = 'x' || email, email_key = 'x' || email_key WHERE email_key NOT LIKE 'anna%'"
            )
            client = await add_client(other.anna.clients, number="777", name="Elders", by=other.anna)
            said = await bring_in(file, "777")
            await export("777", again, with_trash=True)
            carried = await engine.raw("SELECT DISTINCT name FROM carried_person WHERE client = $1", client.id)

    sam = next(row["person"]["name"] for row in manifest_in(file.read_bytes())["rights"])
    assert "5 documenten" in said and f"{sam}: Dit kantoor kent niemand" in said
    assert without_rights(manifest_in(again.read_bytes())) == without_rights(manifest_in(file.read_bytes()))
    assert manifest_in(again.read_bytes())["rights"] == []  # nobody of them is here
    assert len(carried) == 2  # ed and sam, as text; anna is known


async def test_a_second_time_nothing_comes_and_what_differs_gets_a_number(cast: Cast, store: str) -> None:
    await a_dossier(cast)
    archive = await archive_of(cast.garage)
    (note,) = [one for one in await cast.anna.documents.all() if one.name == "notitie.txt"]
    other = await storage().put(b"intussen anders")
    await engine.raw("UPDATE document SET sha256 = $1, size = $2 WHERE id = $3", other.sha256, other.size, note.id)

    record = await brought(cast, archive)
    await read_archive(record, by=cast.anna)
    await worked(record)

    assert {key: n for key, n in record.planned.items() if n and key.startswith(("folders", "documents"))} == {
        "folders_there": 4, "documents_same": 3, "documents_numbered": 1,
    }  # fmt: skip
    names = [one.name for one in await cast.anna.documents.all() if one.client == cast.garage and not one.is_trashed]
    assert sorted(names) == ["Aangifte één.txt", "bon.txt", "bonnen.txt", "notitie (2).txt", "notitie.txt"]
    assert [row["outcome"] for row in await items_of(record)].count("same") == 4  # and the request


async def test_what_was_internal_does_not_come_into_a_folder_that_clients_see(cast: Cast, store: str) -> None:
    dossier = await a_dossier(cast)
    archive = await archive_of(cast.garage)
    await emptied(cast.garage)
    dossier = await open_dossier(await cast.anna.clients.get(cast.garage), by=cast.anna)
    await dossier.add_folder("Intern", "office", by=cast.anna)

    record = await brought(cast, archive)
    await read_archive(record, by=cast.anna)
    await worked(record)

    folders = {row.name: row.kind for row in await Folder.objects().where(Folder.client == cast.garage)}
    assert folders["Intern"] == "office" and folders["Intern (2)"] == "internal"
    assert "notitie.txt" not in {one.name for one in await cast.sam.documents.all()}


async def test_begun_again_after_a_crash_nothing_is_twice(
    cast: Cast, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_dossier(cast)
    first = await archive_of(cast.garage, True)
    await emptied(cast.garage)
    monkeypatch.setattr("models.moving.importing.AT_ONCE", 1)
    record = await brought(cast, first)
    await read_archive(record, by=cast.anna)

    class Killed(BaseException):
        pass

    for moment in (1, 1, 2):
        count = iter(range(moment))

        async def report(self: Progress, done: int, total: int | None = None, count: Any = count) -> None:
            if next(count, None) is None:
                raise Killed

        monkeypatch.setattr(Progress, "report", report)
        with contextlib.suppress(Killed):
            await worked(record)

    assert manifest_in(await archive_of(cast.garage, True)) == manifest_in(first)
    rows = await engine.raw(
        "SELECT count(*) AS n FROM dossier_import_item WHERE batch = $1 AND key NOT LIKE 'p%'", record.id
    )
    assert rows[0]["n"] == 10  # folders, documents and the request


async def test_taken_back_it_lies_in_the_trash_and_what_came_since_stays(cast: Cast, store: str) -> None:
    await a_dossier(cast)
    archive = await archive_of(cast.garage)
    await emptied(cast.garage)
    record = await brought(cast, archive)
    await read_archive(record, by=cast.anna)
    await worked(record)
    (empty,) = await Folder.objects().where((Folder.client == cast.garage) & (Folder.name == "Leeg"))
    await put(empty, "nieuw.txt", b"nieuw", cast.anna)
    record = await cast.anna.scope(DossierImport).get(record.id)

    count = await take_back_archive(record, by=cast.anna)

    alive = {
        row.name for row in await Folder.objects().where((Folder.client == cast.garage) & Folder.trashed_at.is_null())
    }
    assert alive == {"Leeg"} and count == 3 + 4
    assert not await DocumentRequest.exists().where(DocumentRequest.client == cast.garage)
    assert [
        one.name for one in await cast.anna.documents.all() if one.client == cast.garage and not one.is_trashed
    ] == ["nieuw.txt"]
    with pytest.raises(Refused):
        await take_back_archive(record, by=cast.anna)
    again = await brought(cast, archive)
    await read_archive(again, by=cast.anna)
    await worked(again)
    assert (
        len([one for one in await cast.anna.documents.all() if one.client == cast.garage and not one.is_trashed]) == 5
    )


async def test_the_archive_waits_to_be_downloaded_and_goes_by_itself(cast: Cast, store: str) -> None:
    await a_dossier(cast)
    made = await export_dossier(await cast.anna.clients.get(cast.garage), True, by=cast.anna)
    with pytest.raises(Refused):
        await export_dossier(await cast.anna.clients.get(cast.garage), by=cast.anna)
    task = await Task.objects().where(Task.id == made.task).first()

    await WORKS["export_dossier"](task, Progress(task))

    made = await cast.anna.scope(DossierExport).get(made.id)
    assert made.state == "ready" and made.documents == 5 and await storage().size(made.sha256) == made.size
    assert await referenced([made.sha256]) == {made.sha256}
    from models.tidying import forget_expired

    await engine.raw("UPDATE dossier_export SET expires_at = at")
    await forget_expired()
    assert await referenced([made.sha256]) == set()


async def test_who_may_not_takes_nothing_along_and_brings_nothing_in(cast: Cast, store: str) -> None:
    await a_dossier(cast)
    bakkerij = await cast.anna.clients.get(cast.bakkerij)
    await export_dossier(bakkerij, by=cast.anna)

    with pytest.raises(Forbidden):
        await export_dossier(bakkerij, by=cast.rik)
    with pytest.raises(Forbidden):
        await add_archive(cast.rik.scope(DossierImport), file_name="a.zip", sha256="0" * 64, size=1, by=cast.rik)
    record = await brought(cast, await archive_of(cast.garage))
    with pytest.raises(Missing):
        await cast.ed.scope(DossierImport).get(record.id)
    assert await cast.rik.scope(DossierExport).count() == 0
    seen = await cast.ed.scope(DossierExport).count()
    assert seen == int(await cast.ed.clients.where().count() > 0 and cast.bakkerij in {row["id"] for row in await cast.ed.clients.select()})  # fmt: skip


async def test_lost_bytes_are_named_and_no_archive_is_made(cast: Cast, store: str) -> None:
    await a_dossier(cast)
    (bon,) = [one for one in await cast.anna.documents.all() if one.name == "bon.txt"]
    await storage().delete(bon.sha256)
    made = await export_dossier(await cast.anna.clients.get(cast.garage), by=cast.anna)
    task = await Task.objects().where(Task.id == made.task).first()

    with pytest.raises(Refused) as refused:
        await WORKS["export_dossier"](task, Progress(task))

    assert "bon.txt" in str(refused.value.why)
    assert (await cast.anna.scope(DossierExport).get(made.id)).state == "failed"


# archives that mean harm


def rebuilt(archive: bytes, change: Any = None, *, more: dict[str, bytes] | None = None, sums: bool = True) -> bytes:
    """The archive with its manifest changed (and the sums made to fit), or with more in it."""
    old, out = zipfile.ZipFile(io.BytesIO(archive)), io.BytesIO()
    manifest = json.loads(old.read("manifest.json"))
    if change:
        change(manifest)
    text = json.dumps(manifest).encode()
    with zipfile.ZipFile(out, "w") as new:
        for part in old.infolist():
            if part.filename not in ("manifest.json", "SHA256SUMS"):
                new.writestr(part, old.read(part))
        lines = [line for line in old.read("SHA256SUMS").decode().splitlines() if not line.endswith("  manifest.json")]
        if sums:
            lines.append(f"{hashlib.sha256(text).hexdigest()}  manifest.json")
        new.writestr("manifest.json", text)
        new.writestr("SHA256SUMS", "\n".join(lines) + "\n")
        for name, data in (more or {}).items():
            new.writestr(name, data)
    return out.getvalue()


def _set(where: str, value: Any) -> Any:
    def change(manifest: Any) -> None:
        at = manifest
        *way, last = where.split(".")
        for step in way:
            at = at[int(step) if step.isdecimal() else step]
        at[int(last) if last.isdecimal() else last] = value

    return change


FORGED = [
    ("format", "anders"), ("version", 3), ("version", "1"), ("version", True), ("requests", None), ("rights", {}), ("templates", [{}]),
    ("folders.0.grants", None), ("folders.0.grants", [{"template": 7, "act": True}]), ("rights.0.person", None), ("rights.0.own", ["alles"]), ("rights.0.folders", [{"name": "x"}]),
    ("requests.0.folder", 99), ("requests.0.batch", ""), ("requests.0.batch", "x" * 37), ("requests.0.state", "half"), ("requests.0.items.0.documents", [99]),
    ("requests.0.items.0.state", "klaar"), ("requests.0.items.0.answered_by", "sam"), ("requests.0.due_on", "morgen"), ("folders", {}), ("folders.0.parent", 1), ("folders.1.parent", 99),
    ("folders.0.kind", "alles"), ("folders.0.name", ""), ("folders.0.name", "\u202e\u200e"), ("folders.0.name", 7), ("folders.0.own_only", 1),
    ("folders.0.year", 999999), ("folders.0.created_at", "gisteren"), ("folders.0.created_at", "2026-01-01T00:00:00"), ("folders.0.position", 2**40),
    ("folders.1.id", 1), ("documents.0.folder", 99), ("documents.0.file", "../../etc/passwd"), ("documents.0.file", "/etc/passwd"),
    ("documents.0.file", "manifest.json"), ("documents.0.sha256", "0" * 64), ("documents.0.sha256", "x"), ("documents.0.size", -1),
    ("documents.0.size", 10**9), ("documents.0.state", "geheim"), ("documents.0.published_at", None), ("documents.0.version", 0), ("documents.0.note", "x" * 3000),
    ("documents.0.period", "13"), ("documents.0.uploaded_by", "anna"), ("documents.0.uploaded_by", {"name": "x" * 999, "email": ""}),
    ("documents.0.versions", [{}]), ("documents.0.remarks", [{"text": "x"}]), ("documents.0.readings", None), ("documents.0.source", "hacker"),
    ("documents.0.labels", "\x00"), ("documents.0.file", "Documenten/\x00"), ("client", None), ("client.number", ["x"]), ("made_at", None), ("with_trash", "ja"),
]  # fmt: skip


async def test_a_forged_manifest_is_refused_whatever_is_forged(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stored_at(f"file://{tmp_path}/store", monkeypatch):
        await a_dossier(cast)
        good = await archive_of(cast.garage)
        before = (
            await engine.raw("SELECT * FROM folder ORDER BY id"),
            await engine.raw("SELECT * FROM document ORDER BY id"),
        )
        assert (await brought(cast, rebuilt(good, lambda _: None))).state == "planned"
        wrong = []
        for where, value in FORGED:
            record = await brought(cast, rebuilt(good, _set(where, value)))
            if record.state != "refused" or record.said is None:
                wrong.append((where, value, record.state))

        assert not wrong
        assert before == (
            await engine.raw("SELECT * FROM folder ORDER BY id"),
            await engine.raw("SELECT * FROM document ORDER BY id"),
        )


def _linked(name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        info = zipfile.ZipInfo(name)
        info.external_attr = 0o120777 << 16
        made.writestr(info, "/etc/passwd")
    return out.getvalue()


def _bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("manifest.json", b"[" * 200_000_000)
    return out.getvalue()


def _deep() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("manifest.json", b"[" * 100_000)
    return out.getvalue()


@pytest.mark.parametrize("what", ["nothing", "text", "slip", "absolute", "backslash", "link", "bomb", "deep", "cut", "bit", "extra", "sums", "twice"])  # fmt: skip
async def test_a_hostile_or_damaged_archive_is_refused_in_words(
    cast: Cast, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stored_at(f"file://{tmp_path}/store", monkeypatch):
        await a_dossier(cast)
        good = await archive_of(cast.garage)
        at = good.index(b"tweede, langer")
        with pytest.warns(UserWarning) if what == "twice" else contextlib.nullcontext():
            archive = {
                "nothing": lambda: b"PK\x05\x06" + b"\0" * 18,
                "text": lambda: b"dit is geen zip",
                "slip": lambda: rebuilt(good, more={"../../buiten.txt": b"x"}),
                "absolute": lambda: rebuilt(good, more={"/etc/cron.d/x": b"x"}),
                "backslash": lambda: rebuilt(good, more={"..\\x": b"x"}),
                "link": lambda: _linked("Documenten/x"),
                "bomb": _bomb,
                "deep": _deep,
                "cut": lambda: good[: len(good) // 2],
                "bit": lambda: good[:at] + b"T" + good[at + 1 :],
                "extra": lambda: rebuilt(good, lambda manifest: manifest["documents"].pop()),
                "sums": lambda: rebuilt(good, sums=False),
                "twice": lambda: rebuilt(good, more={"manifest.json": b"{}"}),
            }[what]()

        record = await brought(cast, archive)

        assert record.state == "refused" and record.said is not None
        with pytest.raises(Refused):
            await read_archive(record, by=cast.anna)


def test_an_archive_whose_list_is_too_long_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "archive.zip"
    path.write_bytes(_deep())
    monkeypatch.setattr(checking, "MOST_LIST", 10)

    with pytest.raises(Broken):
        checking.Archive(path)


async def test_a_program_among_the_files_stays_out_and_is_named(cast: Cast, store: str) -> None:
    await a_dossier(cast)
    data = b"MZ" + b"\x90" * 300
    kept = await storage().put(data)
    (tax,) = await Folder.objects().where((Folder.client == cast.garage) & (Folder.name == "Leeg"))
    await engine.raw("UPDATE document SET sha256 = $1, size = $2, name = 'bon.exe', name_key = 'bon.exe' WHERE name = 'bon.txt' AND client = $3", kept.sha256, kept.size, cast.garage)  # fmt: skip
    archive = await archive_of(cast.garage)
    await emptied(cast.garage)

    record = await brought(cast, archive)
    await read_archive(record, by=cast.anna)
    await worked(record)

    assert tax is not None and "bon.exe" not in {one.name for one in await cast.anna.documents.all()}
    assert next(row["path"] for row in await items_of(record) if row["outcome"] == "refused").endswith("bon.exe")


@pytest.mark.parametrize("seed", range(6))
async def test_any_dossier_comes_back_equal(
    cast: Cast, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stored_at(f"file://{tmp_path}/store", monkeypatch):
        chance = Random(seed)
        await emptied(cast.garage)
        dossier = await open_dossier(await cast.anna.clients.get(cast.garage), by=cast.anna)
        folders: list[Folder] = []
        for n in range(chance.randint(1, 14)):
            parent = chance.choice([None, *folders])
            name = (
                chance.choice(["A", "é" * 100, "nul", "x. .", "a/b\\c", "{boekjaar}", "🙂", "…", "Map"])
                + f" {n}"[: chance.choice([0, 3])]
            )
            with contextlib.suppress(Refused):
                folders.append(
                    await (parent or dossier).add_folder(
                        name, chance.choice(["office", "upload", "both", "internal"]), by=cast.anna
                    )
                )
        for n in range(chance.randint(0, 20)):
            folder = chance.choice(folders)
            name = chance.choice(["a.txt", "Één.csv", "x" * 200 + ".txt", "con.txt", "zonder", "a (2).txt"])
            made = await put(
                folder,
                name,
                f"{chance.randint(0, 5)}".encode() * (n + 1),
                chance.choice([cast.anna, cast.ed]),
                chance.choice([NOW, DRAFT]),
            )
            if chance.random() < 0.2:
                await made.trash(by=cast.anna)
        for folder in folders:
            if chance.random() < 0.1:
                folder = await cast.anna.folders.get(folder.id)
                if not folder.is_trashed:
                    await folder.trash(by=cast.anna)
        file, again = tmp_path / "een.zip", tmp_path / "twee.zip"
        number = (await cast.anna.clients.get(cast.garage)).number
        await export(number, file, with_trash=True)
        await emptied(cast.garage)

        await bring_in(file)
        await bring_in(file)
        await export(number, again, with_trash=True)

        assert manifest_in(again.read_bytes()) == manifest_in(file.read_bytes())
        paths = [row["file"] for row in manifest_in(file.read_bytes())["documents"]]
        assert len({path.casefold() for path in paths}) == len(paths) and max([0, *map(len, paths)]) <= 240


async def test_nothing_is_written_over_at_the_keyboard(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stored_at(f"file://{tmp_path}/store", monkeypatch):
        await a_dossier(cast)
        number = (await cast.anna.clients.get(cast.garage)).number
        file = tmp_path / "er al.zip"
        file.write_bytes(b"van mij")

        with pytest.raises(OSError):
            await export(number, file)
        with pytest.raises(Broken):
            await bring_in(file)
        with pytest.raises(Refused):
            await export("bestaat-niet", tmp_path / "x.zip")

        assert file.read_bytes() == b"van mij" and not (tmp_path / "x.zip").exists()


async def test_whom_this_office_does_not_know_is_named_where_he_stands(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stored_at(f"file://{tmp_path}/store", monkeypatch):
        await a_dossier(cast)
        archive = await archive_of(cast.garage)
        await emptied(cast.garage)
        await engine.raw("UPDATE users SET email = 'x' || email, email_key = 'x' || email_key WHERE id IN ($1, $2)", cast.ed.user.id, cast.sam.user.id)  # fmt: skip
        ed, sam = cast.ed.user.full_name, cast.sam.user.full_name
        record = await brought(cast, archive)
        await read_archive(record, by=cast.anna)
        await worked(record)

        (document,) = [
            one
            for one in await cast.anna.documents.all()
            if one.client == cast.garage and one.name.startswith("Aangifte")
        ]
        assert record.planned["people"] == sorted([ed, sam])
        assert (await how_kept(document)).uploader == ed
        assert [row["who"] for row in await remarks_of(document)] == [sam, cast.anna.user.full_name]
        newer = await storage().put(b"derde")
        await replace(document, NewDocument("x.txt", newer.sha256, newer.size, "text/plain"), by=cast.anna)
        assert [row["who"] for row in await versions_of(cast.anna, document)] == [ed, cast.anna.user.full_name]


async def test_work_that_was_given_up_can_be_gone_on_with_or_removed(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stored_at(f"file://{tmp_path}/store", monkeypatch):
        await a_dossier(cast)
        archive = await archive_of(cast.garage)
        await emptied(cast.garage)
        record = await brought(cast, archive)
        await read_archive(record, by=cast.anna)
        with pytest.raises(Refused):
            await read_archive(record, by=cast.anna)  # it waits for the worker
        await engine.raw("UPDATE task SET state = 'failed'")  # who died too often

        await read_archive(record, by=cast.anna)
        await worked(record)
        assert await Document.count().where(Document.client == cast.garage) == 4
        other = await brought(cast, archive)
        await engine.raw("UPDATE dossier_import SET state = 'checking' WHERE id = $1", other.id)
        await engine.raw("UPDATE task SET state = 'cancelled' WHERE id = $1", other.task)
        await remove_archive(await cast.anna.scope(DossierImport).get(other.id), by=cast.anna)
        with pytest.raises(Refused):
            await remove_archive(await cast.anna.scope(DossierImport).get(record.id), by=cast.anna)


async def test_what_may_not_be_opened_does_not_leave_in_an_archive(cast: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("CLAMD_URL", "tcp://127.0.0.1:3310")
    config.reset()
    try:
        async with engine.reading():
            with pytest.raises(Refused) as refused:
                await contents(cast.bakkerij, False)
    finally:
        monkeypatch.delenv("CLAMD_URL")
        config.reset()
    async with engine.reading():
        assert (await contents(cast.bakkerij, False))["documents"]

    assert "virussen" in str(refused.value.why)


# rights and requests


async def without_access(cast: Cast, client: int, who: Viewer) -> None:
    await engine.raw("DELETE FROM access WHERE client = $1 AND person = $2", client, who.user.id)


async def held(client: int, who: Viewer) -> dict[str, Any] | None:
    found = await access_of(who.user.id, client)
    return {key: found[key] for key in ("role", "own", "rights", "folders")} if found else None


async def test_who_is_known_here_gets_what_he_had_and_no_more_and_it_can_be_taken_back(cast: Cast, store: str) -> None:
    await a_dossier(cast)
    client, fem = await cast.anna.clients.get(cast.garage), await User.objects().get(User.id == cast.fem.user.id)
    assert fem is not None
    await fem.give_access(client, "salaris", int(Right.CHANGE_DETAILS), by=cast.anna)
    await fem.change_access(client, "salaris", int(Right.CHANGE_DETAILS), {"Belasting: 2026 > x": True}, by=cast.anna)
    before = await held(cast.garage, cast.fem)
    first = await archive_of(cast.garage)
    await emptied(cast.garage)
    await without_access(cast, cast.garage, cast.fem)

    record = await brought(cast, first)
    assert [who for who, _ in record.planned["given"]] == [cast.fem.user.full_name]
    assert not record.planned["left_out"]  # sam is here, with the same
    await read_archive(record, by=cast.anna)
    await worked(record)

    assert await held(cast.garage, cast.fem) == before
    assert manifest_in(await archive_of(cast.garage)) == manifest_in(first)
    await take_back_archive(await cast.anna.scope(DossierImport).get(record.id), by=cast.anna)
    assert await held(cast.garage, cast.fem) is None and await held(cast.garage, cast.sam) is not None


async def test_rights_that_would_be_wider_here_are_left_out_and_named(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stored_at(f"file://{tmp_path}/store", monkeypatch):
        await a_dossier(cast)
        client, fem = await cast.anna.clients.get(cast.garage), await User.objects().get(User.id == cast.fem.user.id)
        assert fem is not None
        await fem.give_access(client, "lezer", by=cast.anna)
        good = await archive_of(cast.garage)
        await emptied(cast.garage)
        await without_access(cast, cast.garage, cast.fem)

        async def left(archive: bytes) -> dict[str, str]:
            record = await brought(cast, archive)
            await read_archive(record, by=cast.anna)
            await worked(record)
            assert await held(cast.garage, cast.fem) is None
            assert {row["path"] for row in await items_of(record) if row["key"][0] == "p" and row["said"]} == {
                who for who, _ in record.planned["left_out"]
            }
            return {who: str(Say.from_json(why)) for who, why in record.planned["left_out"]}

        who = cast.fem.user.full_name
        at = next(n for n, row in enumerate(manifest_in(good)["rights"]) if row["person"]["name"] == who)
        other_name = rebuilt(good, _set(f"rights.{at}.person.name", "Een Ander"))
        assert "kent niemand" in (await left(other_name))["Een Ander"]
        unknown = rebuilt(good, _set(f"rights.{at}.template", "Bestaat niet"))
        assert "is er hier niet" in (await left(unknown))[who]
        claims_less = rebuilt(good, _set(f"rights.{at}.rights", []))
        assert "meer mogen" in (await left(claims_less))[who]
        of_sam = next(n for n, row in enumerate(manifest_in(good)["rights"]) if n != at)
        was = await held(cast.garage, cast.sam)
        more = rebuilt(rebuilt(good, _set(f"rights.{of_sam}.own", list(RIGHTS))), _set(f"rights.{at}.template", "Nee"))
        assert "die blijft" in (await left(more))[cast.sam.user.full_name] and await held(cast.garage, cast.sam) == was
        await engine.raw(
            "UPDATE rights_template SET rights = 255 WHERE key = 'lezer'"
        )  # here a reader may do everything
        assert "geeft hier meer" in (await left(good))[who]
        await engine.raw("UPDATE rights_template SET rights = 1 WHERE key = 'lezer'")

        record = await brought(cast, good)  # and whoever may not give access gives none
        await engine.raw("UPDATE users SET role = 'employee', permissions = 'dossiers:act,imports:act' WHERE id = $1", cast.anna.user.id)  # fmt: skip
        await read_archive(record, by=await as_viewer("anna@kantoor.example"))
        await worked(record)
        assert await held(cast.garage, cast.fem) is None


async def test_a_folder_that_is_here_stays_open_to_whom_it_is(cast: Cast, store: str) -> None:
    await a_dossier(cast)
    archive = await archive_of(cast.garage)
    await engine.raw("DELETE FROM folder_grant WHERE client = $1", cast.garage)

    record = await brought(cast, archive)
    await read_archive(record, by=cast.anna)
    await worked(record)

    assert not await engine.raw("SELECT 1 AS one FROM folder_grant WHERE client = $1", cast.garage)
    assert [row["path"] for row in await items_of(record) if row["key"][0] == "g"] == ["Belasting: 2026 / “aangiften” › CON"]  # fmt: skip


async def test_without_the_tick_no_rights_come_and_an_archive_of_before_has_none(cast: Cast, store: str) -> None:
    await a_dossier(cast)
    archive = await archive_of(cast.garage)

    def older(manifest: dict[str, Any]) -> None:
        manifest["version"] = 1
        for name in ("requests", "rights", "templates"):
            del manifest[name]
        for row in manifest["folders"]:
            del row["grants"]

    for one, with_rights in ((archive, False), (rebuilt(archive, older), True)):
        await emptied(cast.garage)
        await without_access(cast, cast.garage, cast.sam)
        record = await brought(cast, one)
        await read_archive(record, with_rights, by=cast.anna)
        await worked(record)
        assert (await cast.anna.scope(DossierImport).get(record.id)).state == "committed"
        assert await held(cast.garage, cast.sam) is None
        assert not await engine.raw("SELECT 1 AS one FROM folder_grant WHERE client = $1", cast.garage)
        assert len(manifest_in(await archive_of(cast.garage))["documents"]) == 4
        assert await DocumentRequest.exists().where(DocumentRequest.client == cast.garage) == (one is archive)


async def test_a_request_that_came_in_is_answered_on_and_never_asked_twice(cast: Cast, store: str) -> None:
    await a_dossier(cast)
    archive = await archive_of(cast.garage)
    await emptied(cast.garage)
    for _ in range(2):
        record = await brought(cast, archive)
        await read_archive(record, by=cast.anna)
        await worked(record)

    (request,) = await cast.sam.scope(DocumentRequest).where(DocumentRequest.client == cast.garage).all()
    items = await cast.sam.scope(RequestItem).where(RequestItem.request == request.id).all(RequestItem.position)
    assert [one.state for one in items] == ["sent_back", "not_applicable", "open"]
    assert items[1].answered_by == cast.sam.user.id and items[0].due_on == dt.date(2199, 1, 31)
    kept = await storage().put(b"bank")
    (made,) = await hand_in(items[2], [NewDocument("bank.txt", kept.sha256, kept.size, "text/plain")], by=cast.sam)
    assert made.folder == request.folder
    record = await cast.anna.scope(DossierImport).get(record.id)
    assert [row["outcome"] for row in await items_of(record) if row["key"][0] == "r"] == ["same"]
