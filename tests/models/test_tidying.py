"""What served is forgotten; bytes stay as long as a record refers to them."""

from __future__ import annotations

import datetime as dt

import pytest
from piccolo.columns import Varchar

from models import config, engine, tidying
from models.accounts import Draft, Session, Throttle
from models.piccolo_app import APP_CONFIG
from models.settings import Firm, utcnow
from models.signing_in import begin_session
from models.storage import storage

NOT_BLOBS = ("hash", "key", "token", "link")
# What is only told of bytes: they are kept by a document, or no longer.
TOLD = {("delivered_file", "sha256"), ("scan", "sha256"), ("upload", "said_sha256"), ("upload", "sha256")}
TOLD |= {("approval_seal", "digest"), ("approval_seen", "sha256"), ("approver_choice", "sha256")}
TOLD |= {("approval_document", "sha256"), ("approval_former_part", "sha256")}
TOLD |= {
    ("approval_record", "previous"),
    ("office_certificate", "fingerprint"),
    ("api_token", "digest"),
    ("letter_batch", "sha256"),
}  # of no file


def test_every_column_that_names_a_blob_is_asked() -> None:
    found = {
        (table._meta.tablename, column._meta.name)
        for table in APP_CONFIG.table_classes
        for column in table._meta.columns
        if isinstance(column, Varchar)
        and column.length == 64
        and not any(word in column._meta.name for word in NOT_BLOBS)
    }

    assert found - TOLD == set(tidying.BLOBS)


@pytest.fixture
def own_storage(tmp_path, monkeypatch):
    monkeypatch.setenv("POORT_VAR", str(tmp_path))
    config.reset()
    yield
    monkeypatch.undo()
    config.reset()


async def test_only_unreferenced_blobs_go(cast, own_storage):
    logo, orphan = await storage().put(b"a logo, kept"), await storage().put(b"nobody's")
    await Firm.update({Firm.logo: logo.sha256}, force=True)

    assert await tidying.referenced([logo.sha256, orphan.sha256]) == {logo.sha256}
    await tidying.sweep_storage(dt.timedelta(hours=6))
    assert await storage().exists(orphan.sha256)

    await tidying.sweep_storage(dt.timedelta(seconds=-1))

    assert await storage().exists(logo.sha256)
    assert not await storage().exists(orphan.sha256)


async def test_expired_rows_go_and_others_stay(cast):
    long_ago = utcnow() - dt.timedelta(days=40)
    _, old = await engine.run_writing(lambda: begin_session(cast.ed.user, half=False, address="", agent=""))
    _, fresh = await engine.run_writing(lambda: begin_session(cast.ed.user, half=False, address="", agent=""))
    await Session.update({Session.expires_at: long_ago}).where(Session.id == old)
    await engine.run_writing(lambda: Throttle(key="x" * 64, tries=3, since=long_ago).save().run())
    await engine.run_writing(
        lambda: Draft(person=cast.ed.user.id, path="/", fields="", created_at=long_ago).save().run()
    )

    await tidying.forget_expired()

    assert not await Session.exists().where(Session.id == old)
    assert await Session.exists().where(Session.id == fresh)
    assert not await Throttle.exists().where(Throttle.key == "x" * 64)
    assert not await Draft.exists()
