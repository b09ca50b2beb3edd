"""Whether the world believes the office's mail: SPF (RFC 7208), DKIM (RFC 6376) and DMARC (RFC 7489) of the sender's domain."""

from __future__ import annotations

import base64
import ipaddress
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import dns.asyncresolver
import dns.exception
import dns.resolver
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from piccolo.columns import Text, Timestamptz, Varchar
from piccolo.table import Table

from models import config, engine
from models.core import Owned, Say
from models.settings import utcnow

if TYPE_CHECKING:
    from models.viewer import Viewer

GOOD, ATTENTION, DANGER, UNKNOWN = "good", "attention", "danger", "unknown"
_SECONDS = 5.0
_MOST_LOOKUPS = 10  # RFC 7208, 4.6.4


@dataclass(frozen=True)
class Finding:
    """What was found of one part (spf, dkim or dmarc): state, what it means, what stands there, and the record to put there."""

    part: str
    state: str
    said: Say
    found: str = ""
    put: str = ""
    at: str = ""  # the name at which the record stands


class Unreachable(Exception):
    """The name servers gave no answer: nothing is known, which is not the same as nothing being there."""


class MailCheck(Owned, Table, tablename="mail_check"):
    """The last check of a domain."""

    domain = Varchar(length=254)
    at = Timestamptz()
    findings = Text(help_text="JSON")

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id > 0 if viewer.may("manage_settings") else cls.id < 0

    @property
    def told(self) -> list[Finding]:
        return [Finding(**{**one, "said": Say.from_json(one["said"])}) for one in json.loads(self.findings)]


async def keep(domain: str, findings: list[Finding]) -> None:
    told = [asdict(one) | {"said": one.said.as_json()} for one in findings]
    await engine.raw("DELETE FROM mail_check")
    await MailCheck(domain=domain, at=utcnow(), findings=json.dumps(told)).save()


async def last() -> MailCheck | None:
    return await MailCheck.objects().first()


class Domain:
    """Asks name servers about one domain; `lookups` counts as SPF does."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.resolver = _resolver()
        self.lookups = 0

    async def texts(self, name: str) -> list[str]:
        answer = await self._ask(name, "TXT")
        return [b"".join(row.strings).decode("ascii", "replace") for row in answer]

    async def addresses(self, name: str) -> list[str]:
        return [row.address for kind in ("A", "AAAA") for row in await self._ask(name, kind)]

    async def exchanges(self, name: str) -> list[str]:
        return [row.exchange.to_text(omit_final_dot=True) for row in await self._ask(name, "MX")]

    async def _ask(self, name: str, kind: str) -> list[Any]:
        try:
            return list(await self.resolver.resolve(name, kind, lifetime=_SECONDS, raise_on_no_answer=False))
        except dns.resolver.NXDOMAIN:
            return []
        except (dns.exception.DNSException, ValueError, OSError) as error:
            raise Unreachable(name) from error


def _resolver() -> dns.asyncresolver.Resolver:
    """The system's; or, with DNS_SERVER, that one."""
    if not (server := config.settings().dns_server):
        return dns.asyncresolver.Resolver()
    resolver = dns.asyncresolver.Resolver(configure=False)
    host, _, port = server.rpartition(":")
    resolver.nameservers, resolver.port = [host], int(port)
    return resolver


async def check(domain: str, envelope: str, selectors: list[str], server: str) -> list[Finding]:
    """Of mail that says to be from `domain`, is sent from an address at `envelope`, by the mail server `server` ('' is none).

    Asks name servers: never within a unit. Every part is told, also when another could not be asked.
    """
    asked = Domain(domain)
    found = [await _safely(asked, "spf", _spf(Domain(envelope), server))]
    found += [await _safely(asked, "dkim", _dkim(asked, selector)) for selector in selectors]
    if not selectors:
        words = Say("Vul de selectors in die uw mailserver gebruikt; dan controleren wij de sleutels.")
        found.append(Finding("dkim", ATTENTION, words))
    found.append(await _safely(asked, "dmarc", _dmarc(asked, envelope)))
    return found


async def _safely(asked: Domain, part: str, checking: Any) -> Finding:
    try:
        finding: Finding = await checking
    except Unreachable as error:
        words = Say("De naamservers van {name} gaven geen antwoord. Probeer het later nog eens.", name=str(error))
        return Finding(part, UNKNOWN, words)
    return finding


# SPF


async def _spf(asked: Domain, server: str) -> Finding:
    advice = f"v=spf1 a:{server} -all" if server else "v=spf1 mx -all"
    records = _spf_records(await asked.texts(asked.name))
    at = asked.name
    if not records:
        words = Say("Er is geen SPF-record: ontvangers weten niet welke servers namens u mogen mailen.")
        return Finding("spf", DANGER, words, put=advice, at=at)
    if len(records) > 1:
        words = Say("Er zijn {n} SPF-records; er mag er één zijn. Ontvangers negeren ze nu alle.", n=len(records))
        return Finding("spf", DANGER, words, " | ".join(records), at=at)
    record = records[0]
    if any(term in ("all", "+all") for term in record.lower().split()[1:]):
        words = Say("Dit record laat de hele wereld namens u mailen. Sluit af met -all.")
        mended = " ".join("-all" if term.lower() in ("all", "+all") else term for term in record.split())
        return Finding("spf", DANGER, words, record, mended, at)
    if not server:
        words = Say("Er is een SPF-record. Zonder mailserver is niet na te gaan of het die toestaat.")
        return Finding("spf", ATTENTION, words, record, at=at)
    addresses = [server] if _is_address(server) else await asked.addresses(server)
    if not addresses:
        words = Say("De mailserver {server} heeft geen adres in DNS.", server=server)
        return Finding("spf", DANGER, words, record, at=at)
    try:
        outcomes = {await _allowed(asked, asked.name, ipaddress.ip_address(one)) for one in addresses}
    except _TooMany:
        words = Say(
            "Dit record vraagt meer dan tien andere records op. Ontvangers keuren het daarom af; haal includes weg."
        )
        return Finding("spf", DANGER, words, record, at=at)
    if outcomes == {"pass"}:
        return Finding("spf", GOOD, Say("Uw mailserver mag namens dit domein mailen."), record, at=at)
    softly = outcomes <= {"pass", "softfail", "neutral"}
    words = Say(
        "Uw mailserver {server} staat niet in dit record. Voeg hem toe; mail van nu kan als ongewenst worden gezien.",
        server=server,
    )
    mend = record.replace("v=spf1", f"v=spf1 a:{server}", 1)
    return Finding("spf", ATTENTION if softly else DANGER, words, record, mend, at)


class _TooMany(Exception):
    """More look-ups than SPF allows."""


def _spf_records(texts: list[str]) -> list[str]:
    return [text for text in texts if text.lower().split(" ")[0] == "v=spf1"]


_RESULTS = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}


async def _allowed(asked: Domain, name: str, address: Any) -> str:
    """What the record at `name` says of this IP address: pass, fail, softfail, neutral or none."""
    records = _spf_records(await asked.texts(name))
    if len(records) != 1:
        return "none"
    redirect = ""
    for term in records[0].split()[1:]:
        sign, mechanism = (term[0], term[1:]) if term[0] in _RESULTS else ("+", term)
        if mechanism.lower().startswith("redirect="):
            redirect = mechanism[9:]
        elif await _matches(asked, name, mechanism, address):
            return _RESULTS[sign]
    if redirect:
        _count(asked)
        return await _allowed(asked, redirect, address)
    return "neutral"


async def _matches(asked: Domain, name: str, mechanism: str, address: Any) -> bool:
    kind, _, value = mechanism.partition(":")
    kind, _, bits = kind.partition("/")
    kind = kind.lower()
    if kind == "all":
        return True
    if kind in ("ip4", "ip6"):
        return _within(value, address)
    if kind not in ("a", "mx", "include", "exists"):
        return False  # ptr is not to be used; what is unknown matches nothing
    _count(asked)
    host, _, more = value.partition("/")
    host, bits = host or name, bits or more
    if kind == "include":
        return await _allowed(asked, host, address) == "pass"
    if "%" in host:
        return False  # macros stand for the message at hand
    if kind == "exists":
        return bool(await asked.addresses(host))
    hosts = [host] if kind == "a" else (await asked.exchanges(host))[:_MOST_LOOKUPS]
    for one in hosts:
        for found in await asked.addresses(one):
            if _within(f"{found}/{bits}" if bits and ":" not in found else found, address):
                return True
    return False


def _count(asked: Domain) -> None:
    asked.lookups += 1
    if asked.lookups > _MOST_LOOKUPS:
        raise _TooMany


def _within(network: str, address: Any) -> bool:
    try:
        return address in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


# DKIM


async def _dkim(asked: Domain, selector: str) -> Finding:
    at = f"{selector}._domainkey.{asked.name}"
    records = [text for text in await asked.texts(at) if "p=" in text]
    if not records:
        words = Say(
            "Bij selector {selector} staat geen sleutel. Zet de sleutel uit uw mailserver in DNS.", selector=selector
        )
        return Finding("dkim", DANGER, words, at=at)
    tags = _tags(records[0])
    if not tags.get("p"):
        words = Say("De sleutel van selector {selector} is ingetrokken.", selector=selector)
        return Finding("dkim", DANGER, words, records[0], at=at)
    bits = 256 if tags.get("k") == "ed25519" else _bits(tags["p"])
    if bits is None:
        words = Say(
            "De sleutel van selector {selector} is niet te lezen: misschien is hij niet heel overgenomen.",
            selector=selector,
        )
        return Finding("dkim", DANGER, words, records[0], at=at)
    if tags.get("k", "rsa") == "rsa" and bits < 2048:
        words = Say(
            "De sleutel van selector {selector} telt {bits} bits; 2048 is nu gewoon.", selector=selector, bits=bits
        )
        return Finding("dkim", ATTENTION if bits >= 1024 else DANGER, words, records[0], at=at)
    if "y" in tags.get("t", "").split(":"):
        words = Say(
            "Selector {selector} staat in proefstand (t=y): ontvangers letten er dan niet op.", selector=selector
        )
        return Finding("dkim", ATTENTION, words, records[0], at=at)
    words = Say("De sleutel van selector {selector} is in orde.", selector=selector)
    return Finding("dkim", GOOD, words, records[0], at=at)


def _tags(record: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip().lower(): "".join(value.split()) for name, _, value in pairs if name.strip()}


def _bits(encoded: str) -> int | None:
    try:
        key = load_der_public_key(base64.b64decode(encoded, validate=True))
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key.key_size if isinstance(key, RSAPublicKey) else None


# DMARC


async def _dmarc(asked: Domain, envelope: str) -> Finding:
    at = f"_dmarc.{asked.name}"
    advice = f"v=DMARC1; p=quarantine; rua=mailto:dmarc@{asked.name}"
    records = await _dmarc_records(asked, at)
    if not records and asked.name.count(".") > 1:
        at = f"_dmarc.{'.'.join(asked.name.split('.')[-2:])}"
        records = await _dmarc_records(asked, at)
    if not records:
        words = Say("Er is geen DMARC-record: ontvangers weten niet wat zij met vervalste mail van u moeten doen.")
        return Finding("dmarc", DANGER, words, put=advice, at=f"_dmarc.{asked.name}")
    if len(records) > 1:
        words = Say("Er zijn {n} DMARC-records; er mag er één zijn. Ontvangers negeren ze nu alle.", n=len(records))
        return Finding("dmarc", DANGER, words, " | ".join(records), at=at)
    record, tags = records[0], _tags(records[0])
    policy = tags.get("p", "").lower()
    if at != f"_dmarc.{asked.name}":
        policy = tags.get("sp", policy).lower()
    if policy not in ("none", "quarantine", "reject"):
        words = Say("Dit DMARC-record heeft geen geldig beleid (p=).")
        return Finding("dmarc", DANGER, words, record, advice, at)
    if policy == "none":
        words = Say("DMARC kijkt alleen toe (p=none): vervalste mail wordt nog gewoon bezorgd.")
        return Finding("dmarc", ATTENTION, words, record, record.replace("p=none", "p=quarantine"), at)
    if not _aligned(asked.name, envelope, strict=tags.get("aspf", "r").lower() == "s"):
        words = Say(
            "Mail wordt verzonden vanaf {envelope}; dat sluit niet aan op {name}. DMARC slaagt dan alleen met DKIM.",
            envelope=envelope, name=asked.name,
        )  # fmt: skip
        return Finding("dmarc", ATTENTION, words, record, at=at)
    if "rua" not in tags:
        words = Say("Het beleid staat goed. Met rua= krijgt u ook rapporten over wie er namens u mailt.")
        return Finding("dmarc", GOOD, words, record, f"{record.rstrip('; ')}; rua=mailto:dmarc@{asked.name}", at)
    return Finding("dmarc", GOOD, Say("DMARC is in orde: vervalste mail wordt geweerd."), record, at=at)


async def _dmarc_records(asked: Domain, at: str) -> list[str]:
    return [text for text in await asked.texts(at) if text.lower().replace(" ", "").startswith("v=dmarc1")]


def _aligned(domain: str, envelope: str, *, strict: bool) -> bool:
    if domain == envelope:
        return True
    return not strict and domain.split(".")[-2:] == envelope.split(".")[-2:]
