"""Sealing a PDF: one invisible PAdES signature of the office that forbids every change after it, with a time-stamp of an
authority where the office has one."""

from __future__ import annotations

import asyncio
import datetime as dt
import io
import logging
from typing import Any, NamedTuple

import httpx2
from asn1crypto import keys, tsp, x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import PdfSignatureMetadata, PdfSigner, PdfTimeStamper, SimpleSigner
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.timestamps import TimeStamper, TimestampRequestError
from pyhanko_certvalidator.registry import SimpleCertificateStore

from models.certifying.long_term import with_proof
from models.certifying.office import Means
from models.certifying.records import SILENT
from models.outward import Outward

log = logging.getLogger("poort.certifying")

FIELD, STAMP = "Zegel", "Tijdstempel"
_SECONDS = 15.0  # of one question to an authority; and of all that proves a seal, where it is made: it can follow
# It tells of every certificate that it does not trust; whether we trust one is not what we ask it.
logging.getLogger("pyhanko.sign.validation").setLevel(logging.CRITICAL)


class Sealed(NamedTuple):
    """The bytes, the level of PAdES that they have, and what went wrong with the time-stamp, or ''. `is_long`: B-LT; where it could
    have been and is not, `not_long` says why, and `is_final` whether that stays so."""

    content: bytes
    level: str
    trouble: str = ""
    is_long: bool = False
    not_long: str = ""
    is_final: bool = False


class StampFailed(Exception):
    """The time-stamp authority did not give what it was asked; the message says what it did."""


class _Authority(TimeStamper):
    """An authority asked over the internet, at public addresses only. Nothing of the document goes there but a hash."""

    def __init__(self, url: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._url = url

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
        try:
            # One deadline for all of it: an answer that comes in drops holds up nothing.
            async with (
                asyncio.timeout(_SECONDS),
                httpx2.AsyncClient(transport=Outward(allowed=True), timeout=_SECONDS) as client,
            ):
                reply = await client.post(self._url, content=req.dump(), headers=headers)
            if reply.status_code != 200:
                raise StampFailed(f"HTTP {reply.status_code}")
            answer = tsp.TimeStampResp.load(reply.content)
            if answer["status"]["status"].native in ("granted", "granted_with_mods") and not _is_of(answer, req):
                raise StampFailed("antwoord op een andere vraag")
        except StampFailed:
            raise
        except TimeoutError as error:
            raise StampFailed(f"geen antwoord binnen {_SECONDS:.0f} seconden") from error
        except httpx2.HTTPError as error:
            raise StampFailed(type(error).__name__) from error
        except Exception as error:  # whatever a server says that is no answer
            raise StampFailed("onleesbaar antwoord") from error
        return answer


def _is_of(answer: tsp.TimeStampResp, asked: tsp.TimeStampReq) -> bool:
    """Whether a time-stamp is of the hash that was asked about, and given to this question and no earlier one."""
    told = answer["time_stamp_token"]["content"]["encap_content_info"]["content"].parsed
    return all(told[name].native == asked[name].native for name in ("message_imprint", "nonce"))


async def seal(pdf: bytes, means: Means, *, reason: str, place: str, name: str, stamp_url: str = "") -> Sealed:
    """Outside every unit. Where the authority fails the seal is made without it, and `trouble` says why."""
    about = (reason, place, name)
    if stamp_url:
        try:
            content = await _signed(pdf, means, about, _Authority(stamp_url))
        except (StampFailed, TimestampRequestError, ValueError) as error:
            return Sealed(await _signed(pdf, means, about, None), "B-B", _said(error))
        return await prove(content, is_own=means.record.is_own, seconds=_SECONDS)
    return Sealed(await _signed(pdf, means, about, None), "B-B")


async def _signed(pdf: bytes, means: Means, about: tuple[str, str, str], authority: Any) -> bytes:
    signer = PdfSigner(_metadata(*about), signer=_signer(means), timestamper=authority)
    out = io.BytesIO()
    await signer.async_sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), output=out)
    return out.getvalue()


def _metadata(reason: str, place: str, name: str) -> PdfSignatureMetadata:
    return PdfSignatureMetadata(
        field_name=FIELD, md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES, certify=True, docmdp_permissions=MDPPerm.NO_CHANGES,
        reason=reason, location=place or None, name=name or None, signer_key_usage=set(),
    )  # fmt: skip


class _Signer(SimpleSigner):
    """With the key as it was loaded: the library reads and tries it anew for each signature, which takes a second."""

    key: Any

    def sign_raw(self, data: bytes, digest_algorithm: str) -> bytes:
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            return self.key.sign(data, ec.ECDSA(_HASHES[digest_algorithm]()))
        return self.key.sign(data, padding.PKCS1v15(), _HASHES[digest_algorithm]())  # type: ignore[no-any-return]


_HASHES: dict[str, Any] = {"sha256": hashes.SHA256, "sha384": hashes.SHA384, "sha512": hashes.SHA512}


def _signer(means: Means) -> SimpleSigner:
    chain = [x509.Certificate.load(one) for one in means.certificates]
    store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    store.register_multiple(chain)
    der = means.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    signer = _Signer(signing_cert=chain[0], signing_key=keys.PrivateKeyInfo.load(der), cert_registry=store)
    signer.key = means.key
    return signer


async def stamp(sealed: bytes, stamp_url: str, *, is_own: bool) -> Sealed:
    """A sealed PDF with a time-stamp added behind the seal, which holds as it was: its own bytes are not touched. At the level that
    it would have had if the authority had answered at once.

    Raises StampFailed.
    """
    out = io.BytesIO()
    try:
        stamper = PdfTimeStamper(_Authority(stamp_url), field_name=STAMP)
        await stamper.async_timestamp_pdf(IncrementalPdfFileWriter(io.BytesIO(sealed)), "sha256", output=out)
    except (TimestampRequestError, ValueError) as error:
        raise StampFailed(_said(error)) from error
    return await prove(out.getvalue(), is_own=is_own)


async def prove(stamped: bytes, *, is_own: bool, seconds: float = 3 * _SECONDS) -> Sealed:
    """A seal with its time-stamp, and under a certificate of a trust service what proves for long that both were good (B-LT), where
    that can be had; `not_long` says why not, and `is_final` that asking again is of no use."""
    if is_own:
        return Sealed(stamped, "B-T")
    try:
        async with asyncio.timeout(seconds):
            return Sealed(await with_proof(stamped), "B-T", is_long=True)
    except Exception as error:  # a chain that does not hold, or of which nobody says so: the seal is there all the same
        log.info("a seal is not of long validity: %s", type(error).__name__)
        why = SILENT if isinstance(error, TimeoutError) else _said(error)
        return Sealed(stamped, "B-T", not_long=why, is_final=getattr(error, "is_final", False))


def _said(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:300]


# looking at a seal


class Seen(NamedTuple):
    """What a sealed PDF says of itself. `intact`: no byte was changed; `covers`: nothing was added but time-stamps."""

    intact: bool
    covers: bool
    fingerprint: str
    signed_at: dt.datetime | None
    stamped_at: dt.datetime | None


async def look(content: bytes) -> Seen | None:
    """Whether the seal on a PDF holds; None where there is none. Says nothing of who may be trusted. On a thread of its own."""
    return await asyncio.to_thread(lambda: asyncio.run(_look(content)))


async def _look(content: bytes) -> Seen | None:
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.diff_analysis import ModificationLevel
    from pyhanko.sign.validation import (
        SignatureCoverageLevel,
        async_validate_pdf_signature,
        async_validate_pdf_timestamp,
    )
    from pyhanko_certvalidator import ValidationContext

    try:
        reader = PdfFileReader(io.BytesIO(content))
        found = [one for one in reader.embedded_regular_signatures if one.field_name == FIELD]
        if not found:
            return None
        one = found[0]
        context = ValidationContext(trust_roots=[one.signer_cert], allow_fetching=False)
        status = await async_validate_pdf_signature(one, context, context)
        stamped = status.timestamp_validity.timestamp if status.timestamp_validity else None
        for later in reader.embedded_timestamp_signatures:
            told = await async_validate_pdf_timestamp(later, context)
            stamped = stamped or (told.timestamp if told.intact and told.valid else None)
    except Exception:  # whatever a broken file makes of it
        return Seen(False, False, "", None, None)
    intact = status.intact and status.valid
    whole = status.coverage in (SignatureCoverageLevel.ENTIRE_FILE, SignatureCoverageLevel.ENTIRE_REVISION)
    added = status.modification_level in (None, ModificationLevel.NONE, ModificationLevel.LTA_UPDATES)
    covers = intact and whole and added and status.docmdp_ok is not False
    return Seen(intact, covers, one.signer_cert.sha256.hex(), status.signer_reported_dt, stamped)
