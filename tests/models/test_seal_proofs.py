"""What proves that the certificates under a seal were good: asked of the trust service, at once or later, put into the PDF, and said
as it is. The trust service speaks by a list (CRL) or by a responder (OCSP), as a real one on loopback."""

from __future__ import annotations

import asyncio
import datetime as dt
import io
import json
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import x509 as asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature, async_validate_pdf_timestamp
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko_certvalidator.authority import AuthorityWithCert
from pyhanko_certvalidator.errors import OCSPFetchError

from models import config, engine
from models import storage as stores
from models.approvals.records import ApprovalRequest
from models.certifying import attention, completing, long_term, office, offline_check, signing
from models.certifying.records import SILENT, WITHDRAWN, ApprovalSeal, OfficeCertificate
from models.certifying_proof_ddl import STATEMENTS
from models.dossiers import Document
from models.settings import Firm, utcnow
from models.storage import storage
from tests import certifying as papers
from tests.authority import Authority, authority
from tests.cast import Cast
from tests.models.test_certifying import pdfsig
from tests.models.test_certifying_tied import checked, unpacked
from tests.trust_service import LIST, RESPONDER, SEAL, STAMP, TrustService, trust_service

LATER = dt.timedelta(hours=2)


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A storage of the test's own, and loopback may be asked."""
    monkeypatch.setenv("STORAGE_URL", f"file://{tmp_path}/files")
    monkeypatch.setenv("ALLOW_PRIVATE_FEEDS", "1")
    config.reset()
    stores.reset()
    yield
    monkeypatch.undo()
    config.reset()
    stores.reset()


@pytest.fixture
def service() -> Iterator[TrustService]:
    with trust_service() as running:
        yield running


@pytest.fixture
async def tsa(cast: Cast, outside: None) -> AsyncIterator[Authority]:
    with authority() as running:
        await engine.raw("UPDATE firm SET modules = 'dossiers,approvals'")
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
    cast: Cast, tsa: Authority, service: TrustService, tmp_path: Path, told_by: str
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

    done = await asyncio.gather(*(completing.add_behind(first.id, tsa.url) for _ in range(2)))

    assert sorted(done) == [False, True]
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
        assert "Signature is Valid" in pdfsig(one, tmp_path)
        store = DocumentSecurityStore.read_dss(PdfFileReader(io.BytesIO(one)))
        assert (len(store.ocsps), len(store.crls)) == (
            (2, 0) if told_by == RESPONDER else (0, 1)
        )  # of the seal and of the stamp
    assert '"pades":"B-LT"' in (await acts_of(made.request))[-1].replace(" ", "")
    assert await completing.mend_all(utcnow() + LATER) == 0
    assert await attention.points() == []


async def test_a_proof_that_cannot_be_had_with_the_late_stamp_follows_it_and_the_office_reads_which_level_it_has(
    cast: Cast, tsa: Authority, service: TrustService, tmp_path: Path
) -> None:
    await seals_under(service, tsa, RESPONDER)
    tsa.fault, service.is_down = "down", True
    made = await papers.approved(cast)
    await completing.seal_due()
    tsa.fault = ""
    await completing.mend_all(utcnow() + LATER)

    [_, second] = await seals_of(made.request)
    assert (second.profile, second.stamp_due, second.proof_due, second.trouble) == ("B-T", False, True, SILENT)
    [point] = await attention.points()
    assert "mist nog het bewijs" in str(point.words) and not point.presses
    [waits] = await attention.waiting(cast.anna)
    assert waits.request == made.request.id and "Niemand zegt nu" in str(waits.why) and waits.next_at is not None
    questions = len(tsa.asked)
    assert await completing.mend_all(utcnow() + LATER) == 0  # still silent
    service.is_down = False

    assert await completing.mend_all(utcnow() + 4 * LATER) == 1

    third = (await seals_of(made.request))[-1]
    assert (third.number, third.profile, third.proof_due) == (3, "B-LT", False)
    assert len(tsa.asked) == questions  # the stamp that is there is enough
    content = await storage().read(third.sha256)
    assert content.startswith(await storage().read(second.sha256)) and await proves_itself(content, service)
    assert "Signature is Valid" in pdfsig(content, tmp_path)
    assert [said.count("B-LT") for said in await acts_of(made.request)] == [0, 0, 1]
    assert await attention.points() == await attention.waiting(cast.anna) == []


async def test_an_authority_that_fails_three_times_is_left_alone_until_the_next_round(
    cast: Cast, tsa: Authority, service: TrustService
) -> None:
    await seals_under(service, tsa, LIST)
    tsa.fault = "down"
    await papers.many_approved(cast, 4)
    await completing.seal_due()
    asked = len(tsa.asked)

    assert await completing.mend_all(utcnow() + LATER) == 0

    assert len(tsa.asked) == asked + 3
    assert len(await attention.waiting(cast.anna)) == 4
    tsa.fault = ""
    assert await completing.mend_all(utcnow() + 2 * LATER) == 4


async def test_what_nobody_ever_says_is_asked_less_and_less_and_not_for_ever(
    cast: Cast, tsa: Authority, service: TrustService
) -> None:
    await seals_under(service, tsa, RESPONDER)
    service.is_down = True
    made = await papers.approved(cast)
    await completing.seal_due()
    [seal] = await seals_of(made.request)
    waits = []
    for age in (1, 24, 29 * 24, 31 * 24):
        await engine.raw("UPDATE approval_seal SET at = $1, stamp_after = $1", utcnow() - dt.timedelta(hours=age))
        await completing.mend_all()
        [seal] = await seals_of(made.request)
        waits.append(round((seal.stamp_after - utcnow()) / dt.timedelta(hours=1)) if seal.stamp_after else None)

    assert waits == [1, 24, 24, None]
    assert (seal.profile, seal.proof_due, seal.number) == ("B-T", False, 1)
    assert await attention.points() == []  # it is as it is, and its page says so


# a responder that misbehaves, without any database


@pytest.fixture
def stamps(outside: None) -> Iterator[Authority]:
    with authority() as running:
        yield running


async def sealed_under(service: TrustService, stamps: Authority, *told_by: str) -> signing.Sealed:
    stamps.stamps_with(service.stamping(told_by=told_by))
    pair = service.certificate(told_by=told_by)
    chain = tuple(one.public_bytes(Encoding.DER) for one in (pair.certificate, *pair.above))
    means = office.Means(OfficeCertificate(is_own=False), chain, pair.key)
    return await signing.seal(papers.pdf("akkoord"), means, reason="", place="", name="", stamp_url=stamps.url)


@pytest.mark.parametrize("fault", ["down", "nonsense", "other", "replayed", "stranger", "stale", "huge", "drips"])
async def test_a_responder_that_says_nothing_of_use_holds_up_no_seal_and_is_believed_in_nothing(
    stamps: Authority, service: TrustService, tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.fault = fault
    with monkeypatch.context() as changed:
        changed.setattr(long_term, "_SECONDS", 1.0 if fault == "drips" else 10.0)
        began = time.monotonic()
        sealed = await sealed_under(service, stamps, RESPONDER)

    assert time.monotonic() - began < 10
    assert service.asked and (sealed.level, sealed.is_long, sealed.not_long, sealed.is_final) == ("B-T", False, SILENT, False)  # fmt: skip
    assert b"/DSS" not in sealed.content  # nothing of it came into the PDF
    assert "Signature is Valid" in pdfsig(sealed.content, tmp_path)
    service.fault = ""
    assert (await signing.prove(sealed.content, is_own=False)).is_long


async def test_where_the_responder_is_silent_the_list_is_enough(stamps: Authority, service: TrustService) -> None:
    service.fault = "down"

    sealed = await sealed_under(service, stamps, RESPONDER, LIST)

    assert sealed.is_long and await proves_itself(sealed.content, service)


async def test_a_responder_inside_our_own_network_is_not_asked(service: TrustService) -> None:
    pair = service.certificate(told_by=(RESPONDER,))
    one, root = (asn1.Certificate.load(each.public_bytes(Encoding.DER)) for each in (pair.certificate, service.root))

    with pytest.raises(OCSPFetchError):
        await long_term._fetchers().ocsp_fetcher.fetch(one, AuthorityWithCert(root))

    assert service.asked == 0


# what the office hears


@pytest.mark.parametrize("told_by", [LIST, RESPONDER])
async def test_a_certificate_that_was_withdrawn_is_told_at_once_and_not_asked_about_again(
    cast: Cast, tsa: Authority, service: TrustService, told_by: str
) -> None:
    await seals_under(service, tsa, told_by)
    service.withdrawn = {SEAL}
    made = await papers.approved(cast)

    await completing.seal_due()

    [seal] = await seals_of(made.request)
    assert (seal.profile, seal.trouble, seal.proof_due) == ("B-T", WITHDRAWN, False)
    asked = service.asked
    assert await completing.mend_all(utcnow() + 10 * LATER) == 0 and service.asked == asked
    [point] = await attention.points()
    assert "ingetrokken" in str(point.words) and point.presses and point.address == attention.CERTIFICATE
    async with engine.writing():
        await office.give_up(await Firm.load(), by=cast.anna)
    assert await attention.points() == []


async def test_of_an_authority_whose_certificate_was_withdrawn_the_page_says_that_and_not_that_ours_was(
    cast: Cast, tsa: Authority, service: TrustService
) -> None:
    await seals_under(service, tsa, RESPONDER)
    service.withdrawn = {STAMP}
    made = await papers.approved(cast)

    await completing.seal_due()

    [seal] = await seals_of(made.request)
    assert seal.profile == "B-T" and "tijdstempeldienst is ingetrokken" in str(attention.why_not_long(seal))
    assert await attention.points() == []


async def test_seals_from_before_are_asked_about_once(cast: Cast, tsa: Authority, service: TrustService) -> None:
    await seals_under(service, tsa, RESPONDER)
    service.is_down = True
    made = await papers.approved(cast)
    await completing.seal_due()
    await engine.raw("UPDATE approval_seal SET proof_due = $1, stamp_after = NULL", False)  # as it was left then
    service.is_down = False

    for statement in STATEMENTS:
        if statement.startswith("UPDATE"):
            await engine.raw(statement)

    assert await completing.mend_all() == 1
    assert [one.profile for one in await seals_of(made.request)] == ["B-T", "B-LT"]


# the time-stamp in the file of proof, by the script that goes with it


async def evidence(
    cast: Cast, tsa: Authority, service: TrustService, where: Path, *, late: bool
) -> tuple[Path, dict[str, Any]]:
    await seals_under(service, tsa, RESPONDER)
    tsa.fault = "down" if late else ""
    made = await papers.approved(cast)
    await completing.seal_due()
    tsa.fault = ""
    await completing.mend_all(utcnow() + LATER)
    await unpacked(made.request, where)
    return where, json.loads((where / "bewijs.json").read_text(encoding="utf-8"))


def _time(content: bytes) -> bytes:
    """A year earlier."""
    return re.sub(
        rb"(?i)(18[01][0-9a-f])(3\d3\d3\d3\d)((?:3\d){10})", lambda found: found[1] + b"32303235" + found[3], content
    )


def _signature(content: bytes) -> bytes:
    """Another signature under the last time-stamp, of as many bytes."""
    at = [found.end() for found in re.finditer(rb"(?i)04820100[0-9a-f]{512}", content)][-1] - 40
    return content[:at] + (b"0" if content[at : at + 1] != b"0" else b"1") + content[at + 1 :]


def _gone(content: bytes) -> bytes:
    """All that is behind the seal; in the seal the time-stamp gets another name."""
    if content.count(b"/ByteRange") > 1:
        return content[: content.index(b"%%EOF", content.index(b"/ByteRange")) + 6]
    return re.sub(b"(?i)2a864886f70d010910020e", b"2a864886f70d010910020d", content)


@pytest.mark.parametrize("late", [False, True])
async def test_the_time_stamp_is_checked_without_us_and_a_forged_one_is_told(
    cast: Cast, tsa: Authority, service: TrustService, tmp_path: Path, late: bool
) -> None:
    where, proof = await evidence(cast, tsa, service, tmp_path / "bewijs", late=late)
    one = proof["certificates"][-1]
    assert (len(proof["certificates"]), one["level"]) == (1 + late, "B-LT")
    code, said = checked(where)
    assert code == 0 and "GOOD" in said, said
    assert said.count(f"time-stamp intact: {utcnow():%Y-%m-%d}") == 1 and "Tijdstempels onder de vertrouwensdienst" in said  # fmt: skip
    stamper = service.stamping(told_by=(RESPONDER,)).certificate
    assert stamper.fingerprint(hashes.SHA256()).hex() in said and "whose the certificate of that authority is, was not checked" in said  # fmt: skip

    content, text = (where / one["path"]).read_bytes(), (where / "bewijs.json").read_text(encoding="utf-8")
    for forge, words in ((_time, "DOES NOT HOLD"), (_signature, "TIME-STAMP DOES NOT HOLD"), (_gone, "TIME-STAMP IS GONE")):  # fmt: skip
        forged = forge(content)
        assert forged != content, forge
        (where / one["path"]).write_bytes(forged)
        (where / "bewijs.json").write_text(text.replace(one["sha256"], papers.sha(forged)), encoding="utf-8")
        code, said = checked(where)
        assert code == 1 and words in said and "GOOD" not in said, (forge, said)


async def test_a_time_stamp_of_something_else_or_of_whom_it_does_not_name_is_told(
    stamps: Authority, service: TrustService
) -> None:
    sealed, other = await sealed_under(service, stamps, LIST), await sealed_under(service, stamps, LIST)
    one, another = (offline_check.signed(_contents(content)) for content in (sealed.content, other.content))
    token = one.beside[offline_check.STAMP]
    own = service.stamping(told_by=(LIST,)).certificate.public_bytes(Encoding.DER)

    assert offline_check.stamp(token, one.signature)[0] == "intact"
    assert offline_check.stamp(token, another.signature)[0] == "wrong"
    assert offline_check.stamp(token.replace(own, own[:-1] + bytes([own[-1] ^ 1])), one.signature)[0] == "wrong"
    assert offline_check.stamp(b"", one.signature)[0] == "wrong"
    broken = [token[:at] + bytes([token[at] ^ 1]) + token[at + 1 :] for at in range(len(token))]
    said = Counter(offline_check.stamp(each, one.signature)[0] for each in broken)
    assert said["wrong"] > len(token) - 2 * len(own)  # all that the authority signed; not the certificate above its own
    assert said["unknown"] < 40  # another algorithm is named than any that the script knows


def _contents(content: bytes) -> bytes:
    found = offline_check.RANGE.search(content)
    assert found is not None
    _, length, later, _ = map(int, found.groups())
    return offline_check.written(content, length, later)
