"""What is complete gets one sealed certificate, filed in the dossier; what is lost is made anew; what is changed is found."""

from __future__ import annotations

import asyncio
import datetime as dt
import io
import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import x509 as asn1
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.errors import CRLFetchError

from models import config, engine
from models import storage as stores
from models.approvals import NewPart, record, record_on_paper
from models.approvals.records import ApprovalDocument, ApprovalRequest
from models.certifying import chaining, checking, completing, filing, long_term, office, signing, verifying
from models.certifying.evidence import evidence_of
from models.certifying.evidence import read as read_evidence
from models.certifying.records import ApprovalSeal, OfficeCertificate, SealTrouble
from models.core import save
from models.dossiers import Document, DocumentVersion, Folder, dossier_of
from models.settings import Firm, this_day, utcnow
from models.storage import storage
from tests import certifying as papers
from tests.approving import main_parts, offered
from tests.authority import Authority, authority
from tests.cast import Cast, as_viewer
from tests.models.keeping import folder_with, paper
from tests.trust_service import TrustService, trust_service

LATER = dt.timedelta(hours=2)


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A storage of the test's own; on SQLite a folder and on Postgres a bucket, so that both are tried with both in turn."""
    url = f"file://{tmp_path}/files" if request.param == "folder" else request.getfixturevalue("buckets").fresh()
    monkeypatch.setenv("STORAGE_URL", url)
    config.reset()
    stores.reset()
    yield url
    monkeypatch.undo()
    config.reset()
    stores.reset()


@pytest.fixture
async def folder_store(cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Path]:
    monkeypatch.setenv("STORAGE_URL", f"file://{tmp_path}/files")
    config.reset()
    stores.reset()
    await papers.with_certificate()
    yield tmp_path
    monkeypatch.undo()
    config.reset()
    stores.reset()


async def the_seal(request: ApprovalRequest) -> ApprovalSeal:
    found = await completing.newest(request.id)
    assert found is not None
    return found


async def documents_of(request: ApprovalRequest) -> dict[str, Document]:
    rows = await Document.objects().where((Document.client == request.client) & Document.of_approval.eq(True))
    return {row.name: row for row in rows}


async def acts_of(request: ApprovalRequest) -> list[str]:
    rows = await engine.raw("SELECT act FROM approval_record WHERE request = $1 ORDER BY number", request.id)
    return [row["act"] for row in rows]


def pdfsig(content: bytes, folder: Path) -> str:
    """What the other checker says, which shares no line of code with the one that sealed."""
    path = folder / "te-controleren.pdf"
    path.write_bytes(content)
    done = subprocess.run(["pdfsig", "-nocert", path], capture_output=True, text=True)
    return done.stdout + done.stderr


async def test_what_is_approved_is_sealed_and_filed(cast: Cast, store: str, tmp_path: Path) -> None:
    made = await papers.approved(cast)

    assert await completing.seal_due() == 1

    request, seal = await made.again(), await the_seal(made.request)
    assert (request.state, request.filed_at is not None) == ("filed", True)
    assert (await acts_of(request))[-3:] == ["completed", "sealed", "filed"]
    filed = await documents_of(request)
    assert set(filed) == {
        "Btw-aangifte Q1.pdf",
        "Bijlage 1.pdf",
        "Akkoordverklaring Aangifte omzetbelasting 1e kwartaal 2026.pdf",
    }
    for document in filed.values():
        folder = await Folder.objects().get(Folder.id == document.folder)
        assert folder is not None
        above = await Folder.objects().get(Folder.id == folder.parent)
        assert above is not None
        assert (above.name, folder.name, folder.year) == ("Boekjaar 2026", "Accordering", 2026)
        assert (document.state, document.source, document.book_year, document.period) == (
            "published",
            "office",
            2026,
            "k1",
        )
    assert await storage().read(filed["Btw-aangifte Q1.pdf"].sha256) == made.contents[0]  # the original, byte for byte
    certificate = await storage().read(seal.sha256)
    assert (
        filed["Akkoordverklaring Aangifte omzetbelasting 1e kwartaal 2026.pdf"].sha256
        == seal.sha256
        == papers.sha(certificate)
    )
    looked = await signing.look(certificate)
    assert looked is not None
    assert (looked.intact, looked.covers, seal.level) == (True, True, "B-B")
    assert "Signature is Valid" in pdfsig(certificate, tmp_path)
    assert "ETSI.CAdES.detached" in pdfsig(certificate, tmp_path)


async def test_the_certificate_tells_who_approved_what_and_how(cast: Cast, folder_store: Path) -> None:
    made = await papers.approved(cast)
    await completing.seal_due()

    text = words_of(await storage().read((await the_seal(made.request)).sha256))

    act = (await engine.raw("SELECT at FROM approval_record WHERE request = $1 AND act = 'approved'", made.request.id))[
        0
    ]
    for said in (
        cast.rik.user.full_name, "Directeur", "Bakkerij Jansen B.V.", "Aangifte omzetbelasting", "1e kwartaal 2026", "de Belastingdienst",
        "€ 1.234,56 te betalen", "Btw-aangifte Q1.pdf", papers.sha(made.contents[0]), papers.sha(made.contents[1]), papers.STATEMENT, "pincode",
        "203.0.113.7", "iPhone", f"{act['at']:%Y-%m-%d %H:%M:%S} UTC", "geen gekwalificeerde elektronische handtekening", "DigiD of eHerkenning", "/check",
    ):  # fmt: skip
        assert "".join(said.split()) in text, said
    assert "Certificateofapproval" not in text


async def test_a_client_who_reads_english_gets_both_with_dutch_first(cast: Cast, folder_store: Path) -> None:
    await engine.raw("UPDATE client SET language = 'en' WHERE id = $1", cast.bakkerij)
    made = await papers.approved(cast)
    await completing.seal_due()

    text = words_of(await storage().read((await the_seal(made.request)).sha256))

    assert "Akkoordverklaring/Certificateofapproval" in text
    assert "VATreturn" in text
    assert text.index("Hetisgeengekwalificeerde") < text.index("Itisnotaqualified")


@pytest.mark.parametrize("where", [0.05, 0.5, 0.995])
async def test_one_changed_byte_is_found_by_both_checkers(cast: Cast, folder_store: Path, where: float) -> None:
    made = await papers.approved(cast)
    await completing.seal_due()
    content = bytearray(await storage().read((await the_seal(made.request)).sha256))

    content[int(len(content) * where)] ^= 1

    looked = await signing.look(bytes(content))
    assert looked is None or not looked.intact
    assert "Signature is Valid" not in pdfsig(bytes(content), folder_store)


async def test_a_seal_forbids_what_is_added_behind_it(cast: Cast, folder_store: Path) -> None:
    import io

    from pyhanko.pdf_utils.generic import TextStringObject, pdf_name
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    made = await papers.approved(cast)
    await completing.seal_due()
    writer = IncrementalPdfFileWriter(io.BytesIO(await storage().read((await the_seal(made.request)).sha256)))
    writer.root[pdf_name("/Verzonnen")] = TextStringObject("iets anders")
    writer.update_root()
    out = io.BytesIO()
    writer.write(out)

    looked = await signing.look(out.getvalue())

    assert looked is not None
    assert looked.intact  # the sealed bytes are as they were,
    assert not looked.covers  # and what came after them is noticed


async def test_sealing_twice_makes_one_certificate(cast: Cast, folder_store: Path) -> None:
    made = await papers.approved(cast)

    done = await asyncio.gather(*(completing.seal(made.request.id) for _ in range(4)))

    assert sorted(done) == [False, False, False, True]
    assert await completing.seal_due() == 0
    assert await ApprovalSeal.count() == 1
    assert len(await documents_of(made.request)) == 3
    assert (await acts_of(made.request)).count("sealed") == 1
    assert await OfficeCertificate.count() == 1


async def test_what_was_approved_on_paper_is_sealed_as_such(cast: Cast, folder_store: Path) -> None:
    made = await papers.offered(cast)
    scan = await storage().put(papers.pdf("getekend"))
    scanned = NewPart("scan.pdf", scan.sha256, scan.size, "application/pdf", "attachment", 1)
    await record_on_paper(made.request, [scanned], "Rik Jansen", this_day(), by=cast.anna)

    await completing.seal_due()

    text = words_of(await storage().read((await the_seal(made.request)).sha256))
    assert "Oppapierakkoord,vastgelegddoorhetkantoor" in text
    assert "handtekeningoppapier" in text
    assert (await made.again()).state == "filed"


async def test_the_same_name_is_another_document_and_of_what_it_replaces_a_version(
    cast: Cast, folder_store: Path
) -> None:
    first = await papers.approved(cast, "eerste kwartaal", name="aangifte.pdf", attachments=0)
    second = await papers.approved(cast, "nog een", name="aangifte.pdf", attachments=0)
    await completing.seal_due()

    again = await papers.approved(
        cast, "eerste kwartaal, verbeterd", name="aangifte.pdf", attachments=0, replaces=first.request.id
    )
    await completing.seal_due()

    filed = await documents_of(first.request)
    assert {"aangifte.pdf", "aangifte (2).pdf"} <= set(filed)
    assert filed["aangifte.pdf"].sha256 == papers.sha(again.contents[0])
    assert filed["aangifte (2).pdf"].sha256 == papers.sha(second.contents[0])
    kept = await DocumentVersion.objects().where(DocumentVersion.document == filed["aangifte.pdf"].id)
    assert [one.sha256 for one in kept] == [papers.sha(first.contents[0])]


async def test_what_a_client_put_there_himself_keeps_its_place(cast: Cast, folder_store: Path) -> None:
    made = await papers.offered(cast, attachments=0)
    facts = await completing.facts_of(made.request.id)
    async with engine.writing():
        folder = await filing.folder_for(facts.request)
        own = await storage().put(b"van de klant")
        await folder.add_documents(
            [filing.NewDocument("Btw-aangifte Q1.pdf", own.sha256, own.size, "text/plain")], by=cast.anna
        )
    await papers.approve(made, cast.rik)

    await completing.seal_due()

    assert "Btw-aangifte Q1 (2).pdf" in await documents_of(made.request)


async def test_what_was_filed_is_for_who_may_approve_or_see_approvals(cast: Cast, folder_store: Path) -> None:
    made = await papers.approved(cast)
    await completing.seal_due()
    filed = await documents_of(made.request)
    one = filed["Btw-aangifte Q1.pdf"]
    rights = {"rik": 1 | 4, "fem": 1 | 8}
    for name, bits in rights.items():
        person = getattr(cast, name).user.id
        await engine.raw("UPDATE access SET rights = $3 WHERE client = $1 AND person = $2", cast.bakkerij, person, bits)
    rik, fem = await as_viewer(cast.rik.user.email_key), await as_viewer(cast.fem.user.email_key)

    assert await rik.documents.where(Document.id == one.id).exists()
    assert not await fem.documents.where(Document.id == one.id).exists()
    assert not await cast.sam.documents.where(Document.id == one.id).exists()
    assert await cast.anna.documents.where(Document.id == one.id).exists()


async def test_a_part_that_is_gone_is_not_sealed_and_somebody_is_told(cast: Cast, folder_store: Path) -> None:
    made = await papers.approved(cast)
    other = await papers.approved(cast, "andere", name="andere.pdf", period="k3")
    path = storage().plain.path_of(papers.sha(made.contents[0]))
    kept = path.read_bytes()
    path.write_bytes(b"kapot")

    assert await completing.seal_due() == 1  # the other one is not held up by it

    trouble = await SealTrouble.objects().first()
    assert trouble is not None
    assert "heeft een stuk" in str(trouble.said)
    assert (await made.again()).state == "approved"
    assert (await other.again()).state == "filed"
    assert await completing.seal_due() == 0  # not tried at every round
    path.write_bytes(kept)
    assert await completing.seal_due(utcnow() + LATER) == 1
    assert await SealTrouble.count() == 0


@pytest.mark.parametrize("how", ["gone", "broken"])
async def test_a_lost_certificate_is_sealed_anew(cast: Cast, folder_store: Path, how: str) -> None:
    from models.keeping import rehashing

    made = await papers.approved(cast)
    await completing.seal_due()
    first = await the_seal(made.request)
    path = storage().plain.path_of(first.sha256)
    path.unlink() if how == "gone" else path.write_bytes(b"kapot")
    await rehashing.know_all()
    await rehashing.check(first.sha256)

    assert await completing.mend_all() == 1

    second = await the_seal(made.request)
    assert (second.number, second.why) == (2, "lost")
    assert second.digest != first.digest
    looked = await signing.look(await storage().read(second.sha256))
    assert looked is not None and looked.covers
    assert "Opnieuwverzegeld" in words_of(await storage().read(second.sha256))
    filed = (await documents_of(made.request))["Akkoordverklaring Aangifte omzetbelasting 1e kwartaal 2026.pdf"]
    assert filed.sha256 == second.sha256
    assert (await acts_of(made.request))[-1] == "resealed"
    assert await completing.mend_all() == 0
    await rehashing.know_all()
    assert await rehashing.wrong() == 0  # nobody goes on hearing of the file that is no more


async def test_a_filed_request_without_a_seal_gets_one(cast: Cast, folder_store: Path) -> None:
    made = await papers.approved(cast)
    await papers.unguarded()
    async with engine.writing():
        await record.note(made.request, "filed")
        await save(made.request, state="filed", filed_at=utcnow())

    assert await completing.mend_all() == 1

    assert (await the_seal(made.request)).number == 1
    assert await completing.mend_all() == 0


# the time-stamp authority


@pytest.fixture
def tsa(monkeypatch: pytest.MonkeyPatch) -> Iterator[Authority]:
    monkeypatch.setenv("ALLOW_PRIVATE_FEEDS", "1")
    config.reset()
    with authority() as running:
        yield running
    monkeypatch.undo()
    config.reset()


async def stamping(cast: Cast, url: str) -> None:
    async with engine.writing():
        await (await Firm.load()).change(stamp_url=url, by=cast.anna)


async def test_with_an_authority_the_seal_has_a_time_stamp(cast: Cast, tsa: Authority, folder_store: Path) -> None:
    await stamping(cast, tsa.url)
    made = await papers.approved(cast)

    await completing.seal_due()

    seal = await the_seal(made.request)
    content = await storage().read(seal.sha256)
    looked = await signing.look(content)
    assert (seal.level, seal.stamp_due) == ("B-T", False)
    assert looked is not None and looked.covers and looked.stamped_at is not None
    assert "Signature is Valid" in pdfsig(content, folder_store)
    assert papers.STATEMENT.encode() not in b"".join(tsa.asked)  # it sees hashes alone


@pytest.mark.parametrize("fault", ["down", "nonsense", "refuses", "other", "replayed", "drips"])
async def test_an_authority_that_fails_holds_up_nothing_and_is_asked_again(
    cast: Cast, tsa: Authority, folder_store: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if fault == "drips":
        monkeypatch.setattr(signing, "_SECONDS", 0.6)
    await stamping(cast, tsa.url)
    tsa.fault = fault
    made = await papers.approved(cast)

    await completing.seal_due()

    first = await the_seal(made.request)
    assert (first.level, first.stamp_due, first.trouble != "") == ("B-B", True, True)
    assert (await made.again()).state == "filed"
    assert await completing.mend_all() == 0  # not yet
    assert await completing.mend_all(utcnow() + LATER) == 0  # still failing
    tsa.fault = ""
    monkeypatch.setattr(signing, "_SECONDS", 15.0)
    assert await completing.mend_all(utcnow() + 2 * LATER) == 1

    second = await the_seal(made.request)
    content = await storage().read(second.sha256)
    assert (second.number, second.why, second.level) == (2, "stamped", "B-T")
    assert content.startswith(
        await storage().read(first.sha256)
    )  # the seal itself is as it was: one seal, and a stamp behind it
    looked = await signing.look(content)
    assert looked is not None and looked.covers and looked.stamped_at is not None
    assert "Signature is Valid" in pdfsig(content, folder_store)
    assert await completing.mend_all(utcnow() + 4 * LATER) == 0


async def test_an_authority_inside_our_own_network_is_not_asked(cast: Cast, folder_store: Path) -> None:
    with authority() as running:
        await engine.raw("UPDATE firm SET stamp_url = $1", running.url)  # as from before the screen refused it
        made = await papers.approved(cast)

        await completing.seal_due()

        assert not running.asked
        assert (await the_seal(made.request)).stamp_due


# of long validity


@pytest.fixture
def service() -> Iterator[TrustService]:
    with trust_service() as running:
        yield running


async def seals_under(pair: office.Pair) -> None:
    async with engine.writing():
        await office._put(pair, utcnow(), is_own=False, by=None)


async def validated(content: bytes, root: Any) -> Any:
    """What pyHanko says offline: of what stands in the PDF alone, to who trusts the root and wants proof that nothing was withdrawn."""
    reader = PdfFileReader(io.BytesIO(content))
    trusted = [asn1.Certificate.load(root.public_bytes(Encoding.DER))]
    context = DocumentSecurityStore.read_dss(reader).as_validation_context(
        {"trust_roots": trusted, "allow_fetching": False, "revocation_mode": "require"}
    )
    lenient = ValidationContext(trust_roots=[], allow_fetching=False)
    return await async_validate_pdf_signature(reader.embedded_regular_signatures[0], context, lenient)


@pytest.mark.parametrize("with_root", [True, False])
async def test_under_a_trust_service_a_seal_proves_by_itself_that_its_certificate_was_good(
    cast: Cast, tsa: Authority, service: TrustService, folder_store: Path, with_root: bool
) -> None:
    await stamping(cast, tsa.url)
    await seals_under(service.certificate(with_root=with_root))  # where the root is not in the file, it is fetched
    made = await papers.approved(cast)

    await completing.seal_due()

    seal = await the_seal(made.request)
    content = await storage().read(seal.sha256)
    assert (seal.profile, seal.stamp_due, seal.trouble) == ("B-LT", False, "")
    looked = await signing.look(content)
    assert looked is not None and looked.covers and looked.stamped_at is not None
    assert "Signature is Valid" in pdfsig(content, folder_store)
    asked = service.asked
    status = await validated(content, service.root)
    assert status.intact and status.valid and status.trusted
    assert service.asked == asked  # all of it stands in the PDF


async def test_lists_inside_our_own_network_are_not_asked_for(service: TrustService) -> None:
    one = service.certificate().certificate.public_bytes(Encoding.DER)

    with pytest.raises(CRLFetchError):
        await long_term._fetchers().crl_fetcher.fetch(asn1.Certificate.load(one))

    assert service.asked == 0


# the record, verified


async def test_the_proof_of_a_request_is_whole_with_files_and_seal(cast: Cast, folder_store: Path) -> None:
    made = await papers.approved(cast)
    await completing.seal_due()

    found = await record.verify(made.request.id)

    assert found.holds
    assert found.records == 7
    assert [whole for _, whole in found.files] == [True, True]
    assert found.seal.covers


async def test_a_file_that_is_no_more_what_it_was_is_named(cast: Cast, folder_store: Path) -> None:
    made = await papers.approved(cast)
    await completing.seal_due()
    storage().plain.path_of(papers.sha(made.contents[1])).write_bytes(b"kapot")

    found = await record.verify(made.request.id)

    assert not found.holds
    assert "Bijlage 1.pdf" in str(found.why)


TAMPERING = {
    "a name": ("UPDATE approval_record SET name = 'Iemand anders' WHERE request = $1 AND act = 'approved'", "gewijzigd"),
    "an address": ("UPDATE approval_record SET address = '198.51.100.1' WHERE request = $1 AND act = 'opened'", "gewijzigd"),
    "one in the middle": ("DELETE FROM approval_record WHERE request = $1 AND act = 'opened'", "ontbreekt"),
    "the end": ("DELETE FROM approval_record WHERE request = $1 AND act IN ('sealed', 'filed', 'completed')", "weggehaald"),
    "all": ("DELETE FROM approval_record WHERE request = $1", "weggehaald"),
    "the bytes": (f"UPDATE approval_document SET sha256 = '{'0' * 64}' WHERE request = $1 AND part = 'main'", "ander bestand"),
}  # fmt: skip


@pytest.mark.parametrize("what", list(TAMPERING))
async def test_what_is_changed_or_cut_off_is_found(cast: Cast, folder_store: Path, what: str) -> None:
    made = await papers.approved(cast)
    other = await papers.approved(cast, "andere", name="andere.pdf", period="k3")
    await completing.seal_due()
    before = await record.verify_all()
    assert before.holds and before.records == before.places == 14 and before.requests == 2
    await papers.unguarded()
    sql, said = TAMPERING[what]

    await engine.raw(sql, made.request.id)

    verdict = await record.verify_all()
    assert not verdict.holds
    assert said in str(verdict.said)
    assert (await record.verify(other.request.id)).holds


async def test_an_end_cut_off_with_its_places_is_missed_by_the_trail(cast: Cast, folder_store: Path) -> None:
    made = await papers.approved(cast)
    assert (await record.verify_all()).holds  # by which the trail is told
    await papers.unguarded()

    await engine.raw(
        "DELETE FROM proof_place WHERE record IN (SELECT id FROM approval_record WHERE request = $1)", made.request.id
    )
    await engine.raw("DELETE FROM approval_record WHERE request = $1", made.request.id)

    verdict = await record.verify_all()
    assert "afgeknipt" in str(verdict.said)


async def test_what_decides_is_told_to_the_trail_in_the_same_round_and_what_is_followed_later(
    cast: Cast, folder_store: Path
) -> None:
    async def told() -> int:
        rows = await engine.raw("SELECT detail FROM trail WHERE operation = $1 ORDER BY id DESC LIMIT 1", chaining.TOLD)
        return int(json.loads(rows[0]["detail"])["place"])

    async def last() -> int:
        return int((await engine.raw("SELECT max(place) AS n FROM proof_place"))[0]["n"])

    made = await papers.offered(cast)
    await chaining.chain()
    async with engine.writing():
        await record.note(made.request, "page_seen", person=cast.rik.user.id, name="Rik", page=2)
    await chaining.chain()
    assert await told() < await last()  # a page that was seen can wait
    await papers.approve(made, cast.rik)

    await chaining.chain()  # seconds later

    assert await told() == await last()
    await papers.unguarded()
    await engine.raw(
        "DELETE FROM proof_place WHERE record IN (SELECT id FROM approval_record WHERE act IN ('approved', 'completed'))"
    )
    await engine.raw("DELETE FROM approval_record WHERE act IN ('approved', 'completed')")
    assert "afgeknipt" in str((await record.verify_all()).said)


async def test_a_last_place_kept_outside_shows_an_end_that_was_cut_off_with_the_trail(
    cast: Cast, folder_store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from models.__main__ import parser

    made = await papers.approved(cast)
    asked = parser().parse_args(["verify-approvals"])
    assert await asked.call(asked) == 0
    kept = capsys.readouterr().out.rsplit("Laatste plaats: ", 1)[1].strip().rstrip(".")
    await papers.unguarded()
    await engine.raw(
        "DELETE FROM proof_place WHERE record IN (SELECT id FROM approval_record WHERE request = $1)", made.request.id
    )
    await engine.raw("DELETE FROM approval_record WHERE request = $1", made.request.id)
    await engine.raw("DELETE FROM approval_request WHERE id = $1", made.request.id)
    await engine.raw("DROP TRIGGER trail_stays" if engine.is_sqlite() else "DROP TRIGGER trail_stays ON trail")
    await engine.raw("DELETE FROM trail WHERE operation = $1", chaining.TOLD)
    assert await asked.call(asked) == 0  # nothing here knows

    asked = parser().parse_args(["verify-approvals", "--anchor", kept])

    assert await asked.call(asked) == 1
    assert "afgeknipt" in capsys.readouterr().out
    await papers.approved(cast, period="k2", name="ander.pdf")
    assert await asked.call(asked) == 1  # also when others took its place
    nonsense = parser().parse_args(["verify-approvals", "--anchor", "wartaal"])
    assert await nonsense.call(nonsense) == 2


async def test_a_record_forged_anew_with_a_right_chain_differs_from_its_certificate(
    cast: Cast, folder_store: Path
) -> None:
    made = await papers.approved(cast)
    await completing.seal_due()
    await papers.unguarded()
    rows = await engine.raw(
        f"SELECT id, {', '.join(record.FIELDS)} FROM approval_record WHERE request = $1 ORDER BY number",
        made.request.id,
    )
    previous = record.BEGIN
    for row in rows:
        row |= {"previous": previous, "name": "Iemand anders" if row["act"] == "approved" else row["name"]}
        previous = record.link_of(row)
        await engine.raw(
            "UPDATE approval_record SET name = $2, previous = $3, link = $4 WHERE id = $1",
            row["id"],
            row["name"],
            row["previous"],
            previous,
        )

    found = await record.verify(made.request.id)

    assert "verzegelde akkoordverklaring" in str(found.why)


async def test_the_command_says_whether_it_holds(
    cast: Cast, folder_store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from models.__main__ import parser

    await papers.approved(cast)
    asked = parser().parse_args(["verify-approvals"])

    assert await asked.call(asked) == 0
    assert "Het bewijs is heel: 5 handelingen van 1 accorderingen" in capsys.readouterr().out
    await papers.unguarded()
    await engine.raw("UPDATE approval_record SET role = 'Stagiair' WHERE act = 'approved'")
    assert await asked.call(asked) == 1


async def test_the_certificate_belongs_to_the_parts_that_were_there(cast: Cast, folder_store: Path) -> None:
    made = await papers.approved(cast)
    await completing.seal_due()
    parts = await ApprovalDocument.objects().where(ApprovalDocument.request == made.request.id)

    assert all(part.document for part in parts)
    lines = await engine.raw("SELECT detail FROM trail WHERE operation = 'ApprovalRequest.file'")
    assert json.loads(lines[0]["detail"])["count"] == 3
    dossier = await dossier_of(cast.anna, cast.bakkerij)
    assert dossier is not None


async def test_what_is_destroyed_from_the_dossier_leaves_no_bytes_here_and_the_proof_still_holds(
    cast: Cast, store: str, tmp_path: Path
) -> None:
    made = await papers.approved(cast)
    await completing.seal_due()
    request, seal = await made.again(), await the_seal(made.request)
    [main] = await main_parts(request)
    filed = await documents_of(request)
    dossier = await dossier_of(cast.anna, cast.bakkerij)
    assert dossier is not None
    async with engine.writing():
        for document in filed.values():
            await document.trash(by=cast.anna)
    await dossier.empty_trash("De bewaartermijn is voorbij", despite_term=True, by=cast.anna)

    for document in filed.values():
        assert not await storage().exists(document.sha256), document.name
    parts = await ApprovalDocument.objects().where(ApprovalDocument.request == request.id)
    assert {part.blob for part in parts} == {""} and main.sha256 in {part.sha256 for part in parts}
    assert await completing.mend_all(utcnow() + LATER) == 0
    assert ((await the_seal(request)).number, (await the_seal(request)).digest) == (1, seal.digest)
    verdict = await verifying.verify(request.id)
    assert (verdict.broken, verdict.files) == (None, [])
    assert [one.what for one in await checking.look_up(main.sha256)] == ["document"]

    async with engine.reading():
        name, entries = evidence_of(await read_evidence(request.id))
    folder = tmp_path / name
    folder.mkdir()
    for entry in entries:
        assert not entry.sha256
        (folder / entry.path).write_text(entry.text, encoding="utf-8")
    said = subprocess.run(
        ["python3", folder / "controleer.py"], capture_output=True, text=True, check=False, timeout=60
    )
    assert said.returncode == 0, said.stdout


async def test_while_something_is_still_asked_its_bytes_stay_when_the_dossier_lets_go(
    cast: Cast, folder_store: Path
) -> None:
    request = await offered(cast)
    stored = await storage().put(b"%PDF-1.4 nog niet akkoord")
    folder = await folder_with(cast, "Los", "")
    document = await paper(cast, folder, "aangifte.pdf", b"%PDF-1.4 nog niet akkoord")
    [main] = await main_parts(request)
    await engine.raw("UPDATE approval_document SET sha256 = $2, blob = $2, document = $3 WHERE id = $1", main.id, stored.sha256, document.id)  # fmt: skip
    dossier = await dossier_of(cast.anna, cast.bakkerij)
    assert dossier is not None
    async with engine.writing():
        await document.trash(by=cast.anna)
    await dossier.empty_trash("Verkeerd geplaatst", despite_term=True, by=cast.anna)

    assert not await Document.exists().where(Document.id == document.id)
    assert await storage().exists(stored.sha256)


def words_of(content: bytes) -> str:
    """All that stands on the pages, without spaces."""
    import pypdfium2

    found = pypdfium2.PdfDocument(content)
    return "".join("".join(page.get_textpage().get_text_bounded().split()) for page in found)
