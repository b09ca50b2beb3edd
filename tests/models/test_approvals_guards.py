"""Who writes past the operations, straight into the database, gets nothing of a proof away, nor adds to what was put before somebody."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from models import config, engine, sample
from models import storage as stores
from models.approvals.record import ApprovalRecord, verify_all
from models.approvals.records import ApprovalDocument, Approver
from models.certifying import completing
from models.certifying.chaining import chain_all
from models.clients import Client
from models.merging import merge, preview
from models.settings import Firm
from tests import certifying as papers
from tests.approving import acts, draft, look, now, offered, person, plan, says_yes, step
from tests.cast import Cast


async def refused(
    sql: str, *values: object, match: str = "bewijs|beoordeeld|gevraagd|aangeboden|verzegelde|overgang"
) -> None:
    with pytest.raises(Exception, match=match):
        async with engine.writing():
            await engine.raw(sql, *values)


async def made_real(cast: Cast) -> None:
    await engine.raw("UPDATE client SET is_sample = $2 WHERE id = $1", cast.bakkerij, False)


async def test_a_line_of_proof_is_not_put_in_the_place_of_another(cast: Cast) -> None:
    if not engine.is_sqlite():
        pytest.skip("only SQLite knows INSERT OR REPLACE")
    eva = await person(cast.bakkerij, "Eva")
    request = await offered(cast)
    await says_yes(eva, request)
    for table in ("approval_record", "approval_document", "approver", "approval_request"):
        of = "id" if table == "approval_request" else "request"
        row = (await engine.raw(f"SELECT * FROM {table} WHERE {of} = $1 ORDER BY id DESC", request.id))[0]
        values = [str(value) if isinstance(value, dt.datetime) else value for value in row.values()]
        marks = ", ".join(f"${at}" for at in range(1, len(row) + 1))
        await refused(f"INSERT OR REPLACE INTO {table} ({', '.join(row)}) VALUES ({marks})", *values)
        await refused(f"UPDATE OR REPLACE {table} SET id = id - 1 WHERE id = $1", row["id"], match="bewijs") if table == "approval_record" else None  # fmt: skip
    assert "approved" in await acts(request)


async def test_the_proof_is_not_emptied_at_once(cast: Cast) -> None:
    if engine.is_sqlite():
        pytest.skip("only Postgres knows TRUNCATE")
    await offered(cast)
    for table in ("approval_record", "proof_place", "approval_document", "approver", "approval_request", "client"):
        await refused(f"TRUNCATE {table} CASCADE")


async def test_a_line_does_not_go_by_calling_it_the_samples(cast: Cast) -> None:
    await made_real(cast)
    eva = await person(cast.bakkerij, "Eva")
    request = await offered(cast)
    await says_yes(eva, request)

    await refused("UPDATE approval_record SET client = $2 WHERE request = $1", request.id, cast.garage)
    await refused("UPDATE approval_request SET is_sample = $2 WHERE id = $1", request.id, True)
    await engine.raw("UPDATE client SET is_sample = $2 WHERE id = $1", cast.bakkerij, True)
    await refused("DELETE FROM approval_record WHERE request = $1", request.id)
    await refused("DELETE FROM client WHERE id = $1", cast.bakkerij)


@pytest.mark.parametrize("how", ["merged", "merged before"])
async def test_real_proof_never_goes_with_the_sample_office(cast: Cast, how: str) -> None:
    await made_real(cast)
    eva = await person(cast.bakkerij, "Eva")
    request = await offered(cast)
    await says_yes(eva, request)
    keep, other = await cast.anna.clients.get(cast.garage), await cast.anna.clients.get(cast.bakkerij)
    await merge(keep, other, (), (await preview(keep, other)).seen, by=cast.anna)
    if how == "merged before":
        await engine.raw("UPDATE client SET is_sample = $2 WHERE id = $1", cast.garage, True)

    await Firm.update({Firm.is_sample: True}, force=True)
    await sample.remove(by=cast.anna)

    assert "approved" in await acts(request)
    assert not (await Client.objects().get(Client.id == cast.garage)).is_sample  # type: ignore[union-attr]
    assert await Client.count() == 2


async def test_nothing_is_added_to_nor_taken_from_what_was_put_before_somebody(cast: Cast) -> None:
    eva, bob = await person(cast.bakkerij, "Eva"), await person(cast.bakkerij, "Bob")
    await plan(cast.bakkerij, step(eva))
    request = await offered(cast)
    columns = "client, part, position, name, sha256, blob, size, mime, is_locked, is_scan"
    more = f"INSERT INTO approval_document (request, {columns}) SELECT request, {columns} FROM approval_document WHERE request = $1"
    new = "INSERT INTO approver (request, client, person, step, state) VALUES ($1, $2, $3, 1, 'approved')"
    for _ in range(2):
        await refused(more, request.id)
        await refused(new, request.id, request.client, bob.user.id)
        await refused("DELETE FROM approver WHERE request = $1", request.id)
        await refused("DELETE FROM approval_document WHERE request = $1", request.id)
        if (await now(request)).state == "offered":
            await look(eva, request)
            await says_yes(eva, request)
    assert (await now(request)).state == "approved"

    still = await draft(cast)
    await engine.raw(more, still.id)
    await engine.raw("DELETE FROM approval_document WHERE request = $1", still.id)
    assert not await ApprovalDocument.exists().where(ApprovalDocument.request == still.id)
    assert await Approver.exists().where(Approver.request == request.id)
    assert await ApprovalRecord.exists().where(ApprovalRecord.request == request.id)


LATER = {
    "another who decided": "UPDATE approver SET decided_by = {bob} WHERE id = {me}",
    "another person": "UPDATE approver SET person = {bob} WHERE id = {me}",
    "another level": "UPDATE approver SET level = 'passkey' WHERE id = {me}",
    "another moment": "UPDATE approver SET decided_at = '2020-01-01 00:00:00+00:00' WHERE id = {me}",
    "asked anew": "UPDATE approver SET state = 'asked' WHERE id = {me}",
    "a late approver": "INSERT INTO approver (request, client, person, step, state) VALUES ({r}, {client}, {bob}, 1, 'asked')",
    "a late approver of what is open": "INSERT INTO approver (request, client, person, step, state) VALUES ({open}, {client}, {bob}, 1, 'asked')",
    "an approver of another": "UPDATE approver SET request = {r} WHERE request = {open}",
    "a choice": "UPDATE approver_choice SET outcome = 'rejected' WHERE approver = {me}",
    "no choice": "DELETE FROM approver_choice WHERE approver = {me}",
    "a late choice": "INSERT INTO approver_choice (approver, document, client, sha256, outcome, at) SELECT approver, {other}, client, sha256, outcome, at FROM approver_choice",
    "another name": "UPDATE approval_document SET name = 'anders.pdf' WHERE request = {r}",
    "a scan": "UPDATE approval_document SET is_scan = true WHERE request = {r}",
    "a part of a draft": "UPDATE approval_document SET request = {r} WHERE id = {other}",
    "an attachment": "INSERT INTO approval_document (request, client, part, name, sha256, size, mime) VALUES ({r}, {client}, 'attachment', 'x', 'x', 1, 'x')",
    "a late scan": "INSERT INTO approval_document (request, client, part, name, sha256, size, mime, is_scan) VALUES ({r}, {client}, 'attachment', 'x', 'x', 1, 'x', true)",
    "the words": "UPDATE approval_request SET statement = 'Ik ben het oneens' WHERE id = {r}",
    "the amount": "UPDATE approval_request SET amount = 1 WHERE id = {open}",
    "the kind": "UPDATE approval_request SET kind = (SELECT max(id) FROM approval_kind) WHERE id = {r}",
    "the client": "UPDATE approval_request SET client = {garage} WHERE id = {r}",
    "the plan": "UPDATE approval_request SET steps = '[]' WHERE id = {open}",
    "when": "UPDATE approval_request SET completed_at = '2020-01-01 00:00:00+00:00' WHERE id = {r}",
    "approved": "UPDATE approval_request SET state = 'approved' WHERE id = {open}",
    "refused": "UPDATE approval_request SET state = 'rejected' WHERE id = {open}",
    "on paper": "UPDATE approval_request SET state = 'on_paper' WHERE id = {open}",
    "filed": "UPDATE approval_request SET state = 'filed' WHERE id = {r}",
    "places": "DELETE FROM proof_place",
}  # fmt: skip
REPLACED = {
    "an approver": "UPDATE OR REPLACE approver SET id = {me} WHERE request = {open}",
    "a part": "UPDATE OR REPLACE approval_document SET id = {part} WHERE id = {other}",
    "a request": "UPDATE OR REPLACE approval_request SET id = {r} WHERE id = {open}",
}


async def test_what_was_decided_and_offered_is_not_said_otherwise_in_the_tables(cast: Cast) -> None:
    """Eva approved one of two; nobody makes that into anything else past the operations."""
    await made_real(cast)
    eva, bob = await person(cast.bakkerij, "Eva"), await person(cast.bakkerij, "Bob")
    await plan(cast.bakkerij, step(eva))
    request, still, other = await offered(cast), await offered(cast), await draft(cast)
    await says_yes(eva, request)
    await chain_all()

    async def one(sql: str) -> int:
        return int((await engine.raw(sql))[0]["id"])

    ids = {
        "r": request.id, "open": still.id, "client": cast.bakkerij, "garage": cast.garage, "bob": bob.user.id,
        "me": await one(f"SELECT id FROM approver WHERE request = {request.id}"),
        "part": await one(f"SELECT id FROM approval_document WHERE request = {request.id}"),
        "other": await one(f"SELECT id FROM approval_document WHERE request = {other.id}"),
    }  # fmt: skip
    for sql in [*LATER.values(), *(REPLACED.values() if engine.is_sqlite() else ())]:
        await refused(sql.format(**ids))
    assert (await verify_all()).holds


async def test_a_sealed_certificate_stays_what_it_is(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORAGE_URL", f"file://{tmp_path}/files")
    config.reset()
    stores.reset()
    await papers.with_certificate()
    await papers.approved(cast)
    assert await completing.seal_due() == 1

    await refused("DELETE FROM approval_seal")
    for column, value in (
        ("digest", "'00'"),
        ("sha256", "'00'"),
        ("chain_number", "0"),
        ("number", "7"),
        ("id", "id + 1"),
    ):
        await refused(f"UPDATE approval_seal SET {column} = {value}")

    assert (await verify_all()).holds
    monkeypatch.undo()
    config.reset()
    stores.reset()
