"""What proves that the certificates under a seal were good: asked of the trust service, at once or later, put into the PDF, and said
as it is. The trust service speaks by a list (CRL) or by a responder (OCSP), as a real one on loopback."""

from __future__ import annotations

import asyncio
import datetime as dt
import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import x509 as asn1
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature, async_validate_pdf_timestamp
from pyhanko.sign.validation.dss import DocumentSecurityStore

from models import config, engine
from models import storage as stores
from models.approvals.records import ApprovalRequest
from models.certifying import attention, completing, long_term, office, signing
from models.certifying.records import SILENT, WITHDRAWN, ApprovalSeal
from models.dossiers import Document
from models.settings import Firm, utcnow
from models.storage import storage
from tests import certifying as papers
from tests.authority import Authority, authority
from tests.cast import Cast
from tests.models.test_certifying import pdfsig
from tests.trust_service import LIST, RESPONDER, SEAL, STAMP, TrustService, trust_service

LATER = dt.timedelta(hours=2)


@pytest.fixture(autouse=True)
async def own_store(cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Path]:
    monkeypatch.setenv("STORAGE_URL", f"file://{tmp_path}/files")
    monkeypatch.setenv("ALLOW_PRIVATE_FEEDS", "1")
    config.reset()
    stores.reset()
    await engine.raw("UPDATE firm SET modules = 'dossiers,approvals'")
    yield tmp_path
    monkeypatch.undo()
    config.reset()
    stores.reset()


@pytest.fixture
def service() -> Iterator[TrustService]:
    with trust_service() as running:
        yield running


@pytest.fixture
async def tsa(cast: Cast) -> AsyncIterator[Authority]:
    with authority() as running:
        async with engine.writing():
            await (await Firm.load()).change(stamp_url=running.url, by=cast.anna)
        yield running


async def seals_under(service: TrustService, tsa: Authority, *told_by: str) -> None:
    """Seal and time-stamp are both under the trust service, which tells of both."""
    tsa.stamps_with(service.stamping(told_by=told_by))
    async with engine.writing():
        await office._put(service.certificate(told_by=told_by), utcnow(), is_own=False, by=None)


async def seals_of(request: ApprovalRequest) -> list[ApprovalSeal]:
    return await ApprovalSeal.objects().where(ApprovalSeal.request == request.id).order_by(ApprovalSeal.number)


async def proves_itself(content: bytes, service: TrustService) -> bool:
    """What pyHanko says of seal and time-stamps, offline, to who trusts the root and wants proof that nothing was withdrawn."""
    reader, asked = PdfFileReader(io.BytesIO(content)), service.asked
    root = asn1.Certificate.load(service.root.public_bytes(Encoding.DER))
    told = {"trust_roots": [root], "allow_fetching": False, "revocation_mode": "require"}
    context = DocumentSecurityStore.read_dss(reader).as_validation_context(told)
    found: list[Any] = [await async_validate_pdf_signature(one, context) for one in reader.embedded_regular_signatures]
    found += [await async_validate_pdf_timestamp(one, context) for one in reader.embedded_timestamp_signatures]
    assert service.asked == asked
    return all(one.intact and one.valid and one.trusted for one in found) and bool(reader.embedded_regular_signatures)


async def acts_of(request: ApprovalRequest) -> list[str]:
    rows = await engine.raw("SELECT detail FROM approval_record WHERE request = $1 AND act IN ('sealed', 'resealed') ORDER BY number", request.id)  # fmt: skip
    return [row["detail"] for row in rows]


@pytest.mark.parametrize("told_by", [LIST, RESPONDER])
async def test_a_time_stamp_that_comes_later_ends_at_the_level_of_one_that_came_at_once(
    cast: Cast, tsa: Authority, service: TrustService, own_store: Path, told_by: str
) -> None:
    await seals_under(service, tsa, told_by)
    at_once = await papers.approved(cast)
    await completing.seal_due()
    tsa.fault = "down"
    made = await papers.approved(cast, "later", name="later.pdf", period="k2")
    await completing.seal_due()
    [first] = await seals_of(made.request)
    assert (first.profile, first.stamp_due, first.proof_due) == ("B-B", True, False)
    tsa.fault = ""

    done = await asyncio.gather(*(completing.add_behind(first.id, tsa.url) for _ in range(3)))

    assert sorted(done) == [False, False, True]
    [_, second], [immediate] = await seals_of(made.request), await seals_of(at_once.request)
    assert second.profile == immediate.profile == "B-LT"
    assert (second.why, second.trouble, second.stamp_due, second.proof_due) == ("stamped", "", False, False)
    content = await storage().read(second.sha256)
    assert content.startswith(await storage().read(first.sha256))  # the seal is as it was
    filed = await Document.objects().get(Document.id == second.document)
    assert filed is not None and filed.sha256 == second.sha256
    for one in (content, await storage().read(immediate.sha256)):
        looked = await signing.look(one)
        assert looked is not None and looked.covers and looked.stamped_at is not None
        assert await proves_itself(one, service)
        assert "Signature is Valid" in pdfsig(one, own_store)
        store = DocumentSecurityStore.read_dss(PdfFileReader(io.BytesIO(one)))
        assert (len(store.ocsps), len(store.crls)) == ((2, 0) if told_by == RESPONDER else (0, 1))  # of the seal and of the stamp
    assert '"pades":"B-LT"' in (await acts_of(made.request))[-1].replace(" ", "")
    assert await completing.mend_all(utcnow() + LATER) == 0
    assert await attention.points() == []
