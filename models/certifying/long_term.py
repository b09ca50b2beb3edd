"""What makes a seal of long validity (PAdES B-LT): the proof, from the day itself, that the certificates under it were good, put
into the PDF. Only for a certificate of a trust service with a time-stamp: one of our own has nobody who could withdraw it.

What is asked outside (OCSP answers, lists of withdrawn certificates, the certificates above) is asked by `Outward` alone: at public
addresses, briefly and not more than fits. The addresses stand in the certificates.
"""

from __future__ import annotations

from typing import Any

import httpx2
from asn1crypto import x509
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.fetchers import Fetchers
from pyhanko_certvalidator.fetchers.api import FetchLimits
from pyhanko_certvalidator.fetchers.common_utils import FetchBudget
from pyhanko_certvalidator.fetchers.requests_fetchers.cert_fetch_client import RequestsCertificateFetcher
from pyhanko_certvalidator.fetchers.requests_fetchers.crl_client import RequestsCRLFetcher
from pyhanko_certvalidator.fetchers.requests_fetchers.ocsp_client import RequestsOCSPFetcher

from models.outward import Outward

_SECONDS = 10.0
_LIMITS = FetchLimits(max_requests=20, max_cert_requests=6, max_aia_urls_per_object=3)
_STEPS = 5  # certificates above one's own that are looked for


class NotLong(Exception):
    """Why a seal cannot be of long validity, in a few words."""


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
        async with httpx2.AsyncClient(transport=Outward(), timeout=_SECONDS) as client:
            reply = await client.request(method, url, headers=headers, content=content)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
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


async def context_for(*groups: list[x509.Certificate]) -> ValidationContext:
    """In which the paths above the first certificate of each group hold, and for every certificate on them it must be had that it
    is not withdrawn. The top of each path is trusted: who reads the PDF decides for himself whom he trusts. Raises NotLong."""
    fetchers = _fetchers()
    paths = [await _path(group, fetchers) for group in groups]
    every = [one for path in paths for one in path[:-1]]
    return ValidationContext(
        trust_roots=[path[-1] for path in paths], other_certs=every, allow_fetching=True, fetchers=fetchers, revocation_mode="require"
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
        raise NotLong("de uitgever van het certificaat is niet te vinden")
    return path


async def _fetched(one: x509.Certificate, fetchers: Fetchers) -> x509.Certificate | None:
    try:
        async for found in fetchers.cert_fetcher.fetch_cert_issuers(one):
            if found.subject == one.issuer:
                return found
    except Exception:  # not to be had: whatever the library calls it
        return None
    return None
