"""Backup and restore: the same installation again, on either database, or nothing at all."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import os
import stat
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from models import config, engine
from models import storage as stores
from models.accounts import Session, User
from models.approvals.record import note
from models.approvals.records import ApprovalRequest, Approver
from models.audit import Trail
from models.backup import BackupBroken, BackupRefused, backup, restore
from models.backup.restoring import is_seeded
from models.clients import Client
from models.dossiers import Document, Dossier, Folder
from models.outbox import Errand
from models.piccolo_app import APP_CONFIG
from models.scanning.records import Scan
from models.settings import Firm
from models.storage import storage
from tests import databases

NOW = dt.datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=dt.UTC)
KEY = "a secret key of more than thirty-two characters"


@pytest.fixture
def at(tmp_path, monkeypatch):
    """`async with at("sqlite"):` an empty installation of its own: database, storage, key."""
    places = iter(range(100))

    @contextlib.asynccontextmanager
    async def place(kind: str, key: str = KEY) -> AsyncIterator[None]:
        monkeypatch.setenv("STORAGE_URL", f"file://{tmp_path}/files{next(places)}")
        monkeypatch.setenv("SECRET_KEY", key)
        config.reset()
        stores.reset()
        async with databases.Databases().copy(kind):
            yield

    yield place
    monkeypatch.undo()
    config.reset()
    stores.reset()


async def furnish() -> None:
    """An office with something of everything that can go wrong."""
    blob = await storage().put(b"%PDF the deed" * 100_000)
    logo = await storage().put(b"<svg/>")
    async with engine.writing():
        await Firm.update({Firm.name: "Kantoor “Één” 🙂", Firm.logo: logo.sha256, Firm.set_up_at: NOW}, force=True)
        user = User(
            kind="client", surname="O'Brïen\n\t\u202e\\", email="a@b.example", email_key="a@b.example", created_at=NOW
        )
        await user.save()
        gone = User(kind="client", surname="gone", created_at=NOW)
        await gone.save()
        await gone.remove()
        await Trail.write("User.rename", user, detail={"name": "x"})
        await Session(
            token_hash="h",
            person=user.id,
            stage="signed_in",
            created_at=NOW,
            seen_at=NOW,
            proved_at=NOW,
            expires_at=NOW,
        ).save()
        client = Client(**{**CLIENT, "since": dt.date(2020, 2, 29)})
        await client.save()
        dossier = Dossier(kind="client", client=client.id, name="D", name_key="d", created_at=NOW)
        await dossier.save()
        folders = [
            Folder(dossier=dossier.id, client=client.id, name=f"F{i}", name_key=f"f{i}", created_at=NOW)
            for i in range(3)
        ]
        for folder in folders:
            await folder.save()
        await Folder.update({Folder.parent: folders[2].id}).where(
            Folder.id == folders[0].id
        )  # a child before its parent
        document = {
            "name": "deed.pdf",
            "name_key": "deed.pdf",
            "mime": "application/pdf",
            "source": "office",
            "uploaded_at": NOW,
        }
        await Document(
            folder=folders[0].id, client=client.id, sha256=blob.sha256, size=blob.size, uploaded_by=user.id, **document
        ).save()
        await approved(client.id, user.id)
        for state in ("waiting", "done"):
            await Errand(kind="invitation", state=state, person=user.id, run_after=NOW, created_at=NOW).save()
        await Errand(kind="run_task", run_after=NOW, created_at=NOW).save()
        names = ["at", "operation", "record_table", "detail"]
        await engine.copy_rows(
            "trail", names, [(NOW + dt.timedelta(seconds=i), "Bulk.row", "", "{}") for i in range(2500)]
        )


async def approved(client: int, person: int) -> None:
    """A request that went its whole way: a new one could not begin there."""
    kinds = await engine.raw("SELECT min(id) AS id FROM approval_kind")
    request = ApprovalRequest(client=client, kind=kinds[0]["id"], made_at=NOW)
    await request.save()
    await note(request, "made", name="Anna")
    await Approver(request=request.id, client=client, person=person, step=1, state="asked").save()
    await engine.raw("UPDATE approval_request SET state = 'offered' WHERE id = $1", request.id)
    await note(request, "approved", person=person, name="O'Brïen", sha256="0" * 64)
    await engine.raw("UPDATE approver SET state = 'approved', decided_by = person WHERE request = $1", request.id)
    await note(request, "completed")
    await engine.raw("UPDATE approval_request SET state = 'approved' WHERE id = $1", request.id)


CLIENT = {
    "number": "007",
    "number_key": "7",
    "name": "Bakkerij",
    "sort_key": "bakkerij",
    "search_key": "bakkerij",
    "created_at": NOW,
}


async def everything() -> dict[str, list[dict]]:
    tables = {table._meta.tablename for table in APP_CONFIG.table_classes} - {"session", "throttle", "topic", "errand"}
    return {name: await engine.raw(f'SELECT * FROM "{name}" ORDER BY id') for name in sorted(tables)}


async def is_empty() -> bool:
    rows = await everything()
    firm = rows.pop("firm")
    for table in filter(is_seeded, APP_CONFIG.table_classes):
        rows.pop(table._meta.tablename)
    blobs = [sha256 async for sha256, _, _ in storage().all()]
    return not any(rows.values()) and firm[0]["name"] == "" and blobs == []


@pytest.mark.parametrize("target", databases.kinds())
@pytest.mark.parametrize("source", databases.kinds())
async def test_an_installation_comes_back_the_same_on_either_database(at, tmp_path, source, target):
    file = tmp_path / "office.zip"
    async with at(source):
        await furnish()
        before = await everything()
        made = await backup(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert any("SECRET_KEY" in warning for warning in made.warnings)
    assert (made.rows["users"], made.rows["trail"], made.blobs) == (1, 2501, 2)

    async with at(target):
        report = await restore(file)

        assert await everything() == before
        assert report.rows == made.rows
        assert (report.blobs, report.blob_bytes) == (2, 1_300_006)
        document = await Document.objects().first()
        assert await storage().read(document.sha256) == b"%PDF the deed" * 100_000
        assert not await Session.exists()
        errands = await Errand.select(Errand.kind, Errand.state).order_by(Errand.id)
        assert [tuple(row.values()) for row in errands] == [
            ("invitation", "unknown"),
            ("invitation", "done"),
            ("run_task", "waiting"),
        ]
        fresh = User(kind="client", surname="fresh", created_at=NOW)
        await fresh.save()
        assert fresh.id == 3, "an id that was used before is not given again"
        await Trail.write("User.rename", fresh)
        with pytest.raises(Exception, match="overgang"):  # what stood aside stands guard again
            await engine.raw(
                "INSERT INTO approval_request (client, kind, made_at, state) SELECT client, kind, made_at, 'approved' FROM approval_request"
            )


@pytest.mark.parametrize("kind", databases.kinds())
async def test_a_backup_is_one_moment_even_while_others_write(at, tmp_path, kind):
    async with at(kind):
        await furnish()
        stop, written = asyncio.Event(), 0

        async def go_on() -> None:
            nonlocal written
            while not stop.is_set():
                async with engine.writing():
                    user = User(kind="client", surname="another", created_at=NOW)
                    await user.save()
                    await Trail.write("User.made", user)
                written += 1

        going_on = asyncio.create_task(go_on())
        while not written:
            await asyncio.sleep(0.001)
        before = written
        report = await backup(tmp_path / "office.zip")
        during = written - before
        stop.set()
        await going_on

        assert during > 0
        assert report.rows["trail"] - 2501 == report.rows["users"] - 1 < written


async def test_only_an_empty_installation_is_filled(at, tmp_path):
    file = tmp_path / "office.zip"
    async with at("sqlite"):
        await furnish()
        await backup(file)
        with pytest.raises(BackupRefused, match="bestaat al"):
            await backup(file)
        before = await everything()
        with pytest.raises(BackupRefused, match="niet leeg"):
            await restore(file)
        assert await everything() == before
    async with at("sqlite"):
        await Firm.update({Firm.set_up_at: NOW}, force=True)
        with pytest.raises(BackupRefused, match="firm"):
            await restore(file)


def _edit(file: Path, name: str, change) -> None:
    """The archive again, with one member changed (or left out)."""
    with zipfile.ZipFile(file) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    content = change(members.pop(name))
    if content is not None:
        members[name] = content
    with zipfile.ZipFile(file, "w") as archive:
        for each, content in members.items():
            archive.writestr(each, content)


def _in_manifest(**values):
    return lambda manifest: json.dumps(json.loads(manifest) | values).encode()


def _flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    at = content.index(b"%PDF the deed") + 5000
    content[at] ^= 1
    file.write_bytes(content)


DAMAGE = {
    "no zip": lambda file: file.write_bytes(b"hello"),
    "empty": lambda file: file.write_bytes(b""),
    "broken off": lambda file: os.truncate(file, file.stat().st_size * 2 // 3),
    "a bit of a document": _flip,
    "a table gone": lambda file: _edit(file, "tables/client.jsonl", lambda _: None),
    "a row gone": lambda file: _edit(file, "tables/trail.jsonl", lambda rows: rows.split(b"\n", 1)[1]),
    "another row": lambda file: _edit(file, "tables/users.jsonl", lambda rows: rows.replace(b"a@b", b"c@d")),
    "a parent gone": lambda file: _edit(file, "tables/dossier.jsonl", lambda _: b""),
    "half a line": lambda file: _edit(file, "tables/folder.jsonl", lambda rows: rows[:-9]),
    "no manifest": lambda file: _edit(file, "manifest.json", lambda _: None),
    "half a manifest": lambda file: _edit(file, "manifest.json", lambda text: text[:50]),
    "another manifest": lambda file: _edit(file, "manifest.json", lambda _: b"[]"),
}


@pytest.mark.parametrize("target", databases.kinds())
@pytest.mark.parametrize("damage", DAMAGE)
async def test_a_damaged_file_leaves_the_installation_empty(at, tmp_path, damage, target):
    file = tmp_path / "office.zip"
    async with at("sqlite"):
        await furnish()
        await backup(file)
    DAMAGE[damage](file)

    async with at(target):
        with pytest.raises(BackupBroken) as broken:
            await restore(file)

        assert str(broken.value).endswith(".")
        assert await is_empty()


async def test_another_version_or_key_is_refused_in_words(at, tmp_path):
    file = tmp_path / "office.zip"
    async with at("sqlite"):
        await furnish()
        await backup(file)
    other = "another secret key of more than thirty-two characters"

    async with at("sqlite", other):
        with pytest.raises(BackupRefused, match="SECRET_KEY"):
            await restore(file)
        assert await is_empty()
    async with at("sqlite", other + "," + KEY):
        await restore(file)
        assert not await is_empty()
    async with at("sqlite", other):
        report = await restore(file, despite_other_key=True)
        assert any("SECRET_KEY" in warning for warning in report.warnings)
    _edit(file, "manifest.json", _in_manifest(format=2))
    async with at("sqlite"):
        with pytest.raises(BackupRefused, match="indeling 2"):
            await restore(file)
        _edit(file, "manifest.json", _in_manifest(format=1, tables={"users": {"columns": ["id"], "rows": 0}}))
        with pytest.raises(BackupRefused, match="andere versie"):
            await restore(file)
        with pytest.raises(BackupRefused, match="is er niet"):
            await restore(tmp_path / "nothing.zip")


async def test_what_is_missing_or_damaged_in_the_storage_is_said(at, tmp_path):
    file = tmp_path / "office.zip"
    async with at("sqlite"):
        await furnish()
        lost = (await Firm.load()).logo
        await storage().delete(lost)
        damaged = (await Document.objects().first()).sha256
        path = storage().plain.path_of(damaged)
        path.write_bytes(b"something else")
        destroyed = "d" * 64  # what the scanner said of bytes outlives them
        await Scan(sha256=destroyed, state="infected", next_try=NOW, created_at=NOW).save()
        report = await backup(file)

    assert any(lost in warning and "ontbreekt" in warning for warning in report.warnings)
    assert any(damaged in warning and "beschadigd" in warning for warning in report.warnings)
    assert not any(destroyed in warning for warning in report.warnings)
    async with at("sqlite"):
        assert (await restore(file)).blobs == 0
        assert await Document.count() == 1
        assert [sha256 async for sha256, _, _ in storage().all()] == []


async def test_encrypted_files_are_plain_in_the_backup_which_says_so_and_encrypted_again_elsewhere(
    at, tmp_path, monkeypatch
):
    file = tmp_path / "office.zip"
    monkeypatch.setenv("FILES_KEY", "f" * 40)
    async with at("sqlite"):
        await furnish()
        sha256 = (await Document.objects().first()).sha256
        held = storage().sealed.path_of(sha256)
        report = await backup(file)
        whole = held.read_bytes()
        held.write_bytes(whole[:500] + b"X" + whole[501:])
        broken = await backup(tmp_path / "broken.zip")
        monkeypatch.setenv("FILES_KEY", "g" * 40)
        config.reset()
        with pytest.raises(BackupRefused, match="FILES_KEY"):
            await backup(tmp_path / "no.zip")

    assert any("ONVERSLEUTELD" in warning for warning in report.warnings)
    assert any(sha256 in warning and "beschadigd" in warning for warning in broken.warnings)
    with zipfile.ZipFile(file) as archive:
        assert archive.read(f"blobs/{sha256}").startswith(b"%PDF the deed")
    async with at("sqlite"):
        await restore(file)
        assert b"%PDF" not in storage().sealed.path_of(sha256).read_bytes()
        assert (await storage().read(sha256)).startswith(b"%PDF the deed")
    async with at("sqlite"):
        await restore(tmp_path / "broken.zip")
        assert not await storage().exists(sha256)


async def test_a_backup_that_cannot_be_written_leaves_no_half_file(at, tmp_path):
    async with at("sqlite"):
        with pytest.raises(BackupRefused, match="kan niet worden geschreven"):
            await backup(tmp_path / "nowhere" / "office.zip")
        stores.storage().open = None
        await storage().put(b"x")
        with pytest.raises(TypeError):
            await backup(tmp_path / "office.zip")

    assert list(tmp_path.glob("*office*")) == []
