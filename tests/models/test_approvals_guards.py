"""Who writes past the operations, straight into the database, gets nothing of a proof away, nor adds to what was put before somebody."""

from __future__ import annotations

import datetime as dt

import pytest

from models import engine, sample
from models.approvals.record import ApprovalRecord
from models.approvals.records import ApprovalDocument, Approver
from models.clients import Client
from models.merging import merge, preview
from models.settings import Firm
from tests.approving import acts, draft, look, now, offered, person, plan, says_yes, step
from tests.cast import Cast


async def refused(sql: str, *values: object, match: str = "bewijs|beoordeeld|gevraagd") -> None:
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
