"""The certificate under which the office seals: made here on first need, replaceable by one of a trust service, none forgotten.

The private key lies in the database encrypted under SECRET_KEY, which lies outside: who has a copy of the database cannot seal.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from models import engine
from models.audit import Trail
from models.certifying.records import ApprovalSeal, OfficeCertificate
from models.core import Refused, Say, operation, save
from models.live import touch
from models.secret_box import decrypt, encrypt
from models.settings import Firm, utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

YEARS, BITS = 10, 3072
MOST = 256 * 1024  # bytes of a file that is uploaded
_DOCUMENTS = ObjectIdentifier("1.3.6.1.5.5.7.3.36")  # RFC 9336
_ADOBE = ObjectIdentifier("1.2.840.113583.1.1.5")
# Programs that check seals by what they know of mail, as pdfsig does, take one without the last for damaged.
_OWN = [_DOCUMENTS, _ADOBE, ExtendedKeyUsageOID.EMAIL_PROTECTION]
_SEALS = {
    _DOCUMENTS,
    _ADOBE,
    ExtendedKeyUsageOID.EMAIL_PROTECTION,
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    ObjectIdentifier("1.3.6.1.4.1.311.10.3.12"),  # Microsoft: document signing
}


@dataclass(frozen=True)
class Means:
    """What one seals with: the record, the certificates (DER, one's own first) and the private key."""

    record: OfficeCertificate
    certificates: tuple[bytes, ...]
    key: Any


@dataclass(frozen=True)
class Pair:
    """A certificate, those above it, and its key."""

    certificate: x509.Certificate
    above: tuple[x509.Certificate, ...]
    key: Any

    @property
    def pem(self) -> str:
        return "".join(one.public_bytes(Encoding.PEM).decode() for one in (self.certificate, *self.above))

    @property
    def key_pem(self) -> str:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()  # type: ignore[no-any-return]


async def means() -> Means:
    """Outside every unit: making a key takes a second. The present certificate, as long as it is valid and its key opens; else
    a fresh one of our own, which the trail tells. One of our own bears the name of the office as it is."""
    now, firm = utcnow(), await Firm.load()
    found = await present()
    if found is not None and found.valid_until > now and not (found.is_own and _name_in(found) != named(firm.name)):
        try:
            return _opened(found)
        except ValueError:
            pass  # of another SECRET_KEY
    pair = await asyncio.to_thread(make_own, firm.name, firm.place, now)
    return _opened(await engine.run_writing(lambda: _take(pair, found, now)))


async def present() -> OfficeCertificate | None:
    return await OfficeCertificate.objects().where(OfficeCertificate.is_current.eq(True)).first()


async def history(viewer: Viewer) -> list[OfficeCertificate]:
    """All, the newest first."""
    return list(reversed(await viewer.scope(OfficeCertificate).all(OfficeCertificate.id)))


async def _take(pair: Pair, seen: OfficeCertificate | None, now: dt.datetime) -> OfficeCertificate:
    """In a unit: as the present one, unless somebody was just before us."""
    there = await present()
    if there is not None and (seen is None or there.id != seen.id):
        return there
    made = await _put(pair, now, is_own=True, by=None, stand_in=_instead_of(seen, now))
    await Trail.write(
        "OfficeCertificate.make", made, detail={"name": made.subject, "until": f"{made.valid_until:%Y-%m-%d}"}
    )
    return made


def _instead_of(seen: OfficeCertificate | None, now: dt.datetime) -> str:
    """Why a certificate of ours takes the place of the one that was there: what the office must hear of, or ''."""
    if seen is None:
        return ""
    if seen.valid_until <= now:
        return "renewed" if seen.is_own else "expired"
    try:
        _opened(seen)
    except ValueError:
        return "locked"
    return ""  # the office has another name


async def _put(pair: Pair, now: dt.datetime, *, is_own: bool, by: int | None, stand_in: str = "") -> OfficeCertificate:
    await engine.raw("UPDATE office_certificate SET is_current = $1, ended_at = $2 WHERE is_current", False, now)
    one = pair.certificate
    made = OfficeCertificate(
        subject=one.subject.rfc4514_string()[:300], issuer=one.issuer.rfc4514_string()[:300], serial=f"{one.serial_number:x}"[:60],
        fingerprint=one.fingerprint(hashes.SHA256()).hex(), pem=pair.pem, locked_key=encrypt(pair.key_pem), is_own=is_own,
        is_current=True, stand_in=stand_in, valid_from=one.not_valid_before_utc, valid_until=one.not_valid_after_utc, made_by=by, made_at=now,
    )  # fmt: skip
    await made.save()
    await touch("settings", "seals")
    return made


def _opened(record: OfficeCertificate) -> Means:
    """Raises ValueError where no key of SECRET_KEY opens it."""
    # It was tried when it came in, and nobody can have changed it since: trying it anew takes half a second.
    key = load_pem_private_key(decrypt(record.locked_key).encode(), None, unsafe_skip_rsa_key_validation=True)
    chain = x509.load_pem_x509_certificates(record.pem.encode())
    return Means(record, tuple(one.public_bytes(Encoding.DER) for one in chain), key)


def named(name: str) -> str:
    """As a certificate has it: at most 64 characters."""
    return (name or "Poort")[:64]


def _name_in(record: OfficeCertificate) -> str:
    found = x509.load_pem_x509_certificate(record.pem.encode()).subject.get_attributes_for_oid(
        NameOID.ORGANIZATION_NAME
    )
    return str(found[0].value) if found else ""


def make_own(name: str, place: str, now: dt.datetime) -> Pair:
    """A certificate that vouches for itself: RSA, which every reader of PDFs knows, for ten years, to sign documents alone."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    who = named(name)
    attributes = [(NameOID.COUNTRY_NAME, "NL"), (NameOID.ORGANIZATION_NAME, who)]
    attributes += [(NameOID.LOCALITY_NAME, place[:64])] if place else []
    subject = x509.Name([x509.NameAttribute(*one) for one in [*attributes, (NameOID.COMMON_NAME, who)]])
    usage = x509.KeyUsage(True, True, False, False, False, False, False, False, False)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))  # the clock of who reads it may be behind
        .not_valid_after(now.replace(year=now.year + YEARS, day=min(now.day, 28)))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage(_OWN), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Pair(made, (), key)


PROFILES: dict[str, Say] = {
    "B-B": Say("PAdES B-B: een handtekening zonder tijdstempel. Wanneer er is verzegeld, zegt alleen het kantoor."),
    "B-T": Say("PAdES B-T: met een tijdstempel. Een eigen certificaat kan door niemand worden ingetrokken, dus bewijs dat het toen geldig was (B-LT) bestaat er niet voor."),
    "B-LT": Say("PAdES B-LT: met een tijdstempel en met het bewijs dat het certificaat toen geldig was. Geeft de vertrouwensdienst dat bewijs niet meteen, dan is het B-T en volgt het bewijs later."),
}  # fmt: skip


async def profile(there: OfficeCertificate | None) -> Say:
    """Which profile of PAdES the next seal has, in words."""
    if not (await Firm.load()).stamp_url:
        return PROFILES["B-B"]
    return PROFILES["B-T" if there is None or there.is_own else "B-LT"]


async def last_seal(viewer: Viewer) -> ApprovalSeal | None:
    found = ApprovalSeal.objects().where(viewer.scope(ApprovalSeal).condition)
    return await found.order_by(ApprovalSeal.id, ascending=False).first()


# replacing it


def read(content: bytes, password: str) -> Pair:
    """The certificate and key in a PKCS #12 file (.p12, .pfx), fit to seal with; takes a moment, so on a thread.

    Raises Refused, in words, beside `file` or `password`.
    """
    try:
        key, one, above = pkcs12.load_key_and_certificates(content, password.encode() or None)
    except (ValueError, TypeError) as error:
        if "password" in str(error).lower() or "mac" in str(error).lower():
            raise Refused("password", Say("Dit wachtwoord past niet op het bestand.")) from error
        raise Refused("file", Say("Dit is geen PKCS#12-bestand (.p12 of .pfx), of het is beschadigd.")) from error
    if key is None or one is None:
        raise Refused("file", Say("In dit bestand zit geen certificaat met zijn privésleutel."))
    _refuse_unfit(one, key, utcnow())
    return Pair(one, tuple(above), key)


def _refuse_unfit(one: x509.Certificate, key: Any, now: dt.datetime) -> None:
    if one.not_valid_after_utc <= now:
        raise Refused("file", Say("Dit certificaat is verlopen op {day}.", day=f"{one.not_valid_after_utc:%d-%m-%Y}"))
    if one.not_valid_before_utc > now:
        raise Refused(
            "file", Say("Dit certificaat is pas geldig vanaf {day}.", day=f"{one.not_valid_before_utc:%d-%m-%Y}")
        )
    is_rsa, is_ec = isinstance(key, rsa.RSAPrivateKey), isinstance(key, ec.EllipticCurvePrivateKey)
    if not (is_rsa or is_ec) or (is_rsa and key.key_size < 2048) or (is_ec and key.key_size < 256):
        raise Refused(
            "file",
            Say(
                "Deze sleutel kan geen stukken verzegelen: nodig is RSA van 2048 bits of meer, of een elliptische kromme van 256 bits of meer."
            ),
        )
    if key.public_key() != one.public_key():
        raise Refused("file", Say("De sleutel in dit bestand hoort niet bij het certificaat."))
    if _is_issuer(one):
        raise Refused(
            "file",
            Say("Dit is een certificaat van een uitgever (CA:TRUE): daarmee worden certificaten gemaakt, en geen documenten ondertekend. Maakte u het zelf met openssl, geef dan basicConstraints=CA:FALSE mee."),
        )  # fmt: skip
    if not _may_seal(one):
        raise Refused(
            "file",
            Say(
                "Dit certificaat is niet bedoeld om documenten te ondertekenen, maar bijvoorbeeld voor een website. Vraag een certificaat voor documenten (een zegel) aan."
            ),
        )


def _is_issuer(one: x509.Certificate) -> bool:
    try:
        return bool(one.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except x509.ExtensionNotFound:
        return False


def _may_seal(one: x509.Certificate) -> bool:
    extensions = one.extensions
    try:
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
        if not (usage.digital_signature or usage.content_commitment):
            return False
    except x509.ExtensionNotFound:
        pass
    try:
        return bool(_SEALS & set(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value))
    except x509.ExtensionNotFound:
        return True


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def replace(firm: Firm, pair: Pair, *, by: Viewer) -> OfficeCertificate:
    """From now on seals are made with this one; those that are there keep theirs."""
    made = await _put(pair, utcnow(), is_own=False, by=by.user.id)
    await by.note("OfficeCertificate.replace", made, {"name": made.subject, "until": f"{made.valid_until:%Y-%m-%d}"})
    return made


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def give_up(firm: Firm, *, by: Viewer) -> None:
    """Go back to one of our own: it is made at the next seal."""
    there = await present()
    if there is None or there.is_own:
        raise Refused("", Say("Er is geen ander certificaat om weg te nemen."))
    await save(there, is_current=False, ended_at=utcnow())
    await by.note("OfficeCertificate.give_up", there, {"name": there.subject})
    await touch("settings", "seals")


async def fresh_own() -> Pair:
    """Outside every unit: one of our own, for `renew`."""
    firm = await Firm.load()
    return await asyncio.to_thread(make_own, firm.name, firm.place, utcnow())


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def renew(firm: Firm, pair: Pair, *, by: Viewer) -> OfficeCertificate:
    """A fresh one of our own in the place of one of our own: with ten years before it, and another fingerprint."""
    there = await present()
    if there is None or not there.is_own:
        raise Refused("", Say("Alleen een eigen certificaat wordt hier vernieuwd. Plaats het nieuwe bestand van uw vertrouwensdienst."))  # fmt: skip
    made = await _put(pair, utcnow(), is_own=True, by=by.user.id)
    await by.note("OfficeCertificate.renew", made, {"until": f"{made.valid_until:%Y-%m-%d}"})
    return made


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def leave_so(firm: Firm, *, by: Viewer) -> None:
    """The office knows that a certificate was made by itself in the place of another, and keeps it."""
    there = await present()
    if there is not None and there.stand_in:
        await save(there, stand_in="")
        await by.note("OfficeCertificate.leave_so", there, {"name": there.subject})
        await touch("settings", "seals")
