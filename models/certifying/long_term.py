"""What makes a seal of long validity (PAdES B-LT): the proof, from the day itself, that the certificates under it were good, put
into the PDF. Only for a certificate of a trust service with a time-stamp: one of our own has nobody who could withdraw it.

What is asked outside (OCSP answers, lists of withdrawn certificates, the certificates above) is asked by `Outward` alone: at public
addresses, briefly and not more than fits. The addresses stand in the certificates.
"""

from __future__ import annotations

import asyncio
import io
from typing import Any

import httpx2
from asn1crypto import x509
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature, async_validate_pdf_timestamp
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.generic_cms import extract_tst_data_iter
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import ExpiredError, InsufficientRevinfoError, RevokedError
from pyhanko_certvalidator.fetchers import Fetchers
from pyhanko_certvalidator.fetchers.api import FetchLimits
from pyhanko_certvalidator.fetchers.common_utils import FetchBudget
from pyhanko_certvalidator.fetchers.requests_fetchers.cert_fetch_client import RequestsCertificateFetcher
from pyhanko_certvalidator.fetchers.requests_fetchers.crl_client import RequestsCRLFetcher
from pyhanko_certvalidator.fetchers.requests_fetchers.ocsp_client import RequestsOCSPFetcher

from models.certifying.records import OVER, SILENT, STAMP_OVER, STAMP_WITHDRAWN, UNKNOWN, WITHDRAWN
from models.outward import Outward

_SECONDS = 10.0
_LIMITS = FetchLimits(max_requests=20, max_cert_requests=6, max_aia_urls_per_object=3)
_STEPS = 5  # certificates above one's own that are looked for


class NotLong(Exception):
    """Why a seal cannot be of long validity, in a few words; `is_final`: nor will it ever be."""

    def __init__(self, why: str, *, is_final: bool = False) -> None:
        super().__init__(why)
        self.is_final = is_final


class _Outside:
    """The two ways in which the library's fetchers ask, by our own transport; they take a ValueError for "could not be had"."""

    async def _get(self, url: str, *, acceptable_content_types: Any) -> httpx2.Response:
        return await _ask("GET", url, {"Accept": ",".join(acceptable_content_types)})

    async def _post(
        self, url: str, data: bytes, *, content_type: str, acceptable_content_types: Any
    ) -> httpx2.Response:
        headers = {"Accept": ",".join(acceptable_content_types), "Content-Type": content_type}
        return await _ask("POST", url, headers, data)


async def _ask(method: str, url: str, headers: dict[str, str], content: bytes | None = None) -> httpx2.Response:
    try:
        # One deadline for all of it: an answer that comes in drops holds up nothing.
        async with asyncio.timeout(_SECONDS), httpx2.AsyncClient(transport=Outward(), timeout=_SECONDS) as client:
            reply = await client.request(method, url, headers=headers, content=content)
    except (TimeoutError, httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise ValueError(type(error).__name__) from error
    if reply.status_code != 200:
        raise ValueError(f"HTTP {reply.status_code}")
    return reply


class _Answers(_Outside, RequestsOCSPFetcher): ...  # type: ignore[misc]  # theirs asks by itself


class _Lists(_Outside, RequestsCRLFetcher): ...  # type: ignore[misc]  # theirs asks by itself


class _Certificates(_Outside, RequestsCertificateFetcher): ...  # type: ignore[misc]  # theirs asks by itself


def _fetchers() -> Fetchers:
    budget = FetchBudget(_LIMITS)
    return Fetchers(_Answers(budget=budget), _Lists(budget=budget), _Certificates(budget=budget))  # type: ignore[no-untyped-call]


async def with_proof(stamped: bytes) -> bytes:
    """A sealed PDF that has a time-stamp, in its seal or behind it, with the proof that the certificates of both were good added
    behind all of it. Not a byte that was there is touched.

    Raises NotLong, or what the library says of a chain that does not hold.
    """
    reader = PdfFileReader(io.BytesIO(stamped))
    [seal], stamps = reader.embedded_regular_signatures, reader.embedded_timestamp_signatures
    tokens = [*extract_tst_data_iter(seal.signer_info, signed=False), *(one.signed_data for one in stamps)]
    fetchers = _fetchers()
    chains = [await _path(certificates_in(one), fetchers) for one in (seal.signed_data, *tokens)]
    context = _asking(chains, fetchers)
    paths = [await _held(seal.signed_data, context), *[await _held(one, context, of_stamp=True) for one in tokens]]
    writer, out = IncrementalPdfFileWriter.from_reader(reader), io.BytesIO()
    of_seal = seal.pkcs7_content.hex().encode("ascii")
    DocumentSecurityStore.supply_dss_in_writer(writer, of_seal, paths=paths, validation_context=context)
    writer.write(out)  # type: ignore[no-untyped-call]
    await _require_whole(out.getvalue(), [chain[-1] for chain in chains])
    return out.getvalue()


async def _held(signed: Any, context: ValidationContext, *, of_stamp: bool = False) -> Any:
    """The path above who signed, of which every step holds and is not withdrawn. Raises NotLong."""
    one, *others = certificates_in(signed)
    usage: set[str] | None = {"time_stamping"} if of_stamp else None
    try:
        validator = CertificateValidator(one, intermediate_certs=others, validation_context=context)
        return await validator.async_validate_usage(set(), usage)  # type: ignore[no-untyped-call]
    except RevokedError as error:
        raise NotLong(STAMP_WITHDRAWN if of_stamp else WITHDRAWN, is_final=True) from error
    except ExpiredError as error:
        raise NotLong(STAMP_OVER if of_stamp else OVER, is_final=True) from error
    except InsufficientRevinfoError as error:
        raise NotLong(SILENT) from error


async def _require_whole(content: bytes, roots: list[x509.Certificate]) -> None:
    """What was added must by itself convince who trusts these: without asking anybody. Raises NotLong."""
    reader = PdfFileReader(io.BytesIO(content))
    told = {"trust_roots": roots, "allow_fetching": False, "revocation_mode": "require"}
    context = DocumentSecurityStore.read_dss(reader).as_validation_context(told)
    found: list[Any] = [await async_validate_pdf_signature(one, context) for one in reader.embedded_regular_signatures]
    found += [await async_validate_pdf_timestamp(one, context) for one in reader.embedded_timestamp_signatures]
    found += [one.timestamp_validity for one in found if getattr(one, "timestamp_validity", None)]
    if not all(one.intact and one.valid and one.trusted for one in found):
        raise NotLong(SILENT)


def certificates_in(signed: Any) -> list[x509.Certificate]:
    """The certificates in a signature or a time-stamp, that of who signed first."""
    signer = signed["signer_infos"][0]["sid"].chosen
    found = [one.chosen for one in signed["certificates"]]
    return sorted(
        found, key=lambda one: (one.issuer, one.serial_number) != (signer["issuer"], signer["serial_number"].native)
    )


def _asking(chains: list[list[x509.Certificate]], fetchers: Fetchers) -> ValidationContext:
    """In which these chains hold, and for every certificate on them it must be had that it is not withdrawn. The top of each is
    trusted: who reads the PDF decides for himself whom he trusts."""
    every = [one for chain in chains for one in chain[:-1]]
    return ValidationContext(
        trust_roots=[chain[-1] for chain in chains], other_certs=every, allow_fetching=True, fetchers=fetchers, revocation_mode="require"
    )  # fmt: skip


async def _path(group: list[x509.Certificate], fetchers: Fetchers) -> list[x509.Certificate]:
    """From the first one up, out of the group or fetched, to one that vouches for itself or of which nobody knows more."""
    path = group[:1]
    for _ in range(_STEPS):
        last = path[-1]
        if last.self_issued:
            return path
        above = next((one for one in group if one.subject == last.issuer), None) or await _fetched(last, fetchers)
        if above is None:
            break
        path.append(above)
    if len(path) == 1:
        raise NotLong(UNKNOWN)
    return path


async def _fetched(one: x509.Certificate, fetchers: Fetchers) -> x509.Certificate | None:
    try:
        async for found in fetchers.cert_fetcher.fetch_cert_issuers(one):
            if found.subject == one.issuer:
                return found
    except Exception:  # not to be had: whatever the library calls it
        return None
    return None
