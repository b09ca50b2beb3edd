"""Passkeys (WebAuthn): keys in somebody's device or password manager that sign him in, or are his second factor.

What the browser is asked to sign is sealed in a short-lived cookie of that browser, for one purpose, and works once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import json
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import webauthn
from piccolo.columns import BigInt, Boolean, ForeignKey, OnDelete, Text, Timestamptz, Varchar
from piccolo.constraints import Unique
from piccolo.table import Table
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import parse_authentication_credential_json, structs

from models import config, throttling
from models.accounts.records import User
from models.accounts.vouching import counts_from
from models.audit import Trail
from models.core import Owned, Refused, Say, digest, operation, save
from models.personal import Erase, Export
from models.settings import Firm, utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

CHALLENGE_LASTS = 600  # seconds; throttling remembers a used one for longer
MOST = 20  # passkeys of one person
_ANSWER_MOST = 40_000  # characters of what a browser answers

NOT_TAKEN = Say("Deze passkey is niet vastgelegd. Probeer het nog eens.")


class Passkey(Owned, Table, tablename="passkey"):
    """A public key of which the private half never leaves a person's device or password manager."""

    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade, index=True)
    credential_id = Varchar(length=1400, help_text="base64url")
    public_key = Text(help_text="base64url of the COSE key")
    sign_count = BigInt(default=0, help_text="As the device last counted; 0 where it does not count.")
    name = Varchar(length=80)
    transports = Varchar(length=100, default="", help_text="How it can be reached, by commas: internal, hybrid, usb …")
    backed_up = Boolean(default=False, help_text="Kept by a service, so that it outlives the device.")
    created_at = Timestamptz()
    last_used_at = Timestamptz(null=True, default=None)
    counts_from = Timestamptz(null=True, default=None, help_text="for approving: see accounts/vouching.py")

    passkey_credential_unique = Unique([credential_id])

    EXPORTS = Export(Say("Passkeys"), by=("person",), hidden=("credential_id", "public_key"))
    ERASES = Erase(deletes=True)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.person == viewer.user.id

    @operation(Permission.OWN_ACCOUNT)
    async def rename(self, name: str, *, by: Viewer) -> None:
        await save(self, name=_checked_name(name))

    @operation(Permission.OWN_ACCOUNT, trail=False)
    async def drop(self, *, by: Viewer) -> None:
        """It opens nothing any more. Refused where it is the last second factor and the office demands one."""
        left = await Passkey.count().where((Passkey.person == by.user.id) & (Passkey.id != self.id))
        by.user.has_passkey = left > 0
        if not left and by.waits_for_factor(await Firm.load()):
            by.user.has_passkey = True
            raise Refused("", Say("Uw kantoor vraagt om een tweede factor. Stel eerst een andere in."))
        await Passkey.delete().where(Passkey.id == self.id)
        await save(by.user, has_passkey=left > 0)
        await by.user.factor_has_changed("passkey_off")
        await by.note("Passkey.remove", by.user, {"name": self.name})


# where passkeys can be used


@dataclass(frozen=True)
class Site:
    """What a passkey is bound to: the domain of BASE_URL, and the address pages have there."""

    id: str
    origin: str


def site() -> Site | None:
    """None where browsers do not allow passkeys: at a number instead of a name, or without https."""
    parts = urlsplit(config.settings().base_url)
    host = parts.hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if parts.scheme == "https" or host == "localhost":
            return Site(host, config.settings().base_url)
    return None


def why_not_here() -> Say | None:
    """Why passkeys are not offered at this address; None where they are."""
    if site():
        return None
    return Say(
        "Passkeys werken alleen op een adres met een naam en https. Dit portaal staat op {address}; daar kan een browser geen passkey bewaren.",
        address=config.settings().base_url,
    )


# what a browser is asked to sign


def new_challenge(purpose: str) -> str:
    """For the browser's cookie: the challenge, until when, and a seal over both and the purpose (with its session)."""
    body = f"{secrets.token_urlsafe(32)}.{int(time.time()) + CHALLENGE_LASTS}"
    return f"{body}.{_seal(body, purpose)}"


def challenge_in(sealed: str) -> bytes:
    return sealed.partition(".")[0].encode()


async def spend(sealed: str, purpose: str) -> bytes | None:
    """The challenge, this once; None when it is not ours, for something else, too old or used already. In a writing unit."""
    body, _, seal = sealed.rpartition(".")
    if not body or not hmac.compare_digest(seal.encode(), _seal(body, purpose).encode()):
        return None
    if int(body.rpartition(".")[2]) < time.time():
        return None
    if not await throttling.count_try([(digest(f"challenge {body}"), 1)]):
        return None
    return challenge_in(sealed)


def _seal(body: str, purpose: str) -> str:
    key = config.settings().secret_keys[0].encode()
    return hmac.new(key, f"passkey {purpose} {body}".encode(), hashlib.sha256).hexdigest()


# making one


async def options_for_new(user: User, firm: Firm, challenge: bytes) -> str:
    """JSON for the browser that makes a passkey: discoverable, so that it signs in without a name typed."""
    here = _here()
    return webauthn.options_to_json(
        webauthn.generate_registration_options(
            rp_id=here.id,
            rp_name=firm.name or "Poort",
            user_id=_handle(user.id),
            user_name=user.email,
            user_display_name=user.display_name,
            challenge=challenge,
            timeout=CHALLENGE_LASTS * 1000,
            authenticator_selection=structs.AuthenticatorSelectionCriteria(
                resident_key=structs.ResidentKeyRequirement.REQUIRED,
                user_verification=structs.UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=await _descriptors(user.id),
        )
    )


@operation(Permission.OWN_ACCOUNT, trail=False)
async def add_passkey(user: User, answer: str, challenge: bytes | None, name: str, *, by: Viewer) -> list[str]:
    """Take in what the browser made; returns fresh recovery codes when the person had none, else an empty list."""
    if by.user.id != user.id or challenge is None:
        raise Refused("", NOT_TAKEN)
    if await Passkey.count().where(Passkey.person == user.id) >= MOST:
        raise Refused("", Say("U hebt al {most} passkeys. Verwijder er eerst een.", most=MOST))
    name, here = _checked_name(name), _here()
    try:
        made = webauthn.verify_registration_response(
            credential=answer[:_ANSWER_MOST],
            expected_challenge=challenge,
            expected_rp_id=here.id,
            expected_origin=here.origin,
            require_user_verification=True,
        )
    except Exception as error:  # whatever a stranger's JSON makes the library stumble over
        raise Refused("", NOT_TAKEN) from error
    credential = _text(made.credential_id)
    if len(credential) > 1400 or await Passkey.exists().where(Passkey.credential_id == credential):
        raise Refused("", NOT_TAKEN)
    await Passkey(
        person=user.id, credential_id=credential, public_key=_text(made.credential_public_key),
        sign_count=made.sign_count, name=name, transports=_transports(answer),
        backed_up=made.credential_backed_up, created_at=utcnow(), counts_from=await counts_from(by),
    ).save()  # fmt: skip
    await save(user, has_passkey=True)
    await user.factor_has_changed("passkey_on")
    await by.note("Passkey.add", user, {"name": name})
    return [] if await user.recovery_codes_left() else await user.new_recovery_codes()


# using one


async def options_for_use(challenge: bytes, person: int | None = None, *, verified: bool = False) -> str:
    """JSON for the browser: any passkey of this site, or one of that person's. Alone, and where it must be `verified`, it demands
    a finger, face or PIN."""
    wanted = structs.UserVerificationRequirement
    return webauthn.options_to_json(
        webauthn.generate_authentication_options(
            rp_id=_here().id,
            challenge=challenge,
            timeout=CHALLENGE_LASTS * 1000,
            allow_credentials=await _descriptors(person) if person else [],
            user_verification=wanted.PREFERRED if person and not verified else wanted.REQUIRED,
        )
    )


async def owner_of(
    answer: str, challenge: bytes | None, person: int | None = None, *, verified: bool = False
) -> User | None:
    """Who signed this challenge; None for whoever may not come in, whatever the reason. In a writing unit.

    With `person` only one of his counts, as his second factor; without, the passkey is the only factor and the device
    must have known its owner (as with `verified`). A count that went back means that there is a copy: refused, noted and mailed.
    """
    here, typed = site(), _parsed(answer)
    if challenge is None or here is None or typed is None:
        return None
    passkey = await Passkey.objects().where(Passkey.credential_id == _text(typed.raw_id)).first()
    if passkey is None or (person is not None and passkey.person != person):
        return None
    used = _verified(typed, passkey, challenge, here, alone=person is None or verified)
    if used is None:
        return None
    user = await User.objects().where(User.id == passkey.person).first()
    if user is None or user.state != "active":
        return None
    if max(used.new_sign_count, passkey.sign_count) > 0 and used.new_sign_count <= passkey.sign_count:
        await Trail.write("Passkey.copied", user, detail={"name": passkey.name})
        await user.tell("passkey_copied")
        return None
    await save(
        passkey, sign_count=used.new_sign_count, backed_up=used.credential_backed_up, last_used_at=utcnow()
    )  # fmt: skip
    return user


async def passkey_in(answer: str) -> Passkey | None:
    """The passkey that gave this answer; None for none of ours. Whether the answer is right, `owner_of` says."""
    typed = _parsed(answer)
    return await Passkey.objects().where(Passkey.credential_id == _text(typed.raw_id)).first() if typed else None


def _parsed(answer: str) -> structs.AuthenticationCredential | None:
    try:
        return parse_authentication_credential_json(answer[:_ANSWER_MOST])
    except Exception:  # a stranger's JSON may stumble anywhere
        return None


def _verified(
    typed: structs.AuthenticationCredential, passkey: Passkey, challenge: bytes, here: Site, *, alone: bool
) -> VerifiedAuthentication | None:
    handle = typed.response.user_handle
    if handle is not None and not hmac.compare_digest(handle, _handle(passkey.person)):
        return None
    try:
        return webauthn.verify_authentication_response(
            credential=typed,
            expected_challenge=challenge,
            expected_rp_id=here.id,
            expected_origin=here.origin,
            credential_public_key=_bytes(passkey.public_key),
            credential_current_sign_count=0,  # compared by the caller, to tell a copy from a wrong signature
            require_user_verification=alone,
        )
    except Exception:  # nor may what stands inside it
        return None


async def _descriptors(person: int) -> list[structs.PublicKeyCredentialDescriptor]:
    rows = await Passkey.select(Passkey.credential_id, Passkey.transports).where(Passkey.person == person)
    known = {one.value: one for one in structs.AuthenticatorTransport}
    return [
        structs.PublicKeyCredentialDescriptor(
            id=_bytes(row["credential_id"]),
            transports=[known[name] for name in row["transports"].split(",") if name in known] or None,
        )
        for row in rows
    ]


def _here() -> Site:
    here = site()
    if here is None:
        raise Refused("", why_not_here() or NOT_TAKEN)
    return here


def _transports(answer: str) -> str:
    known = {one.value for one in structs.AuthenticatorTransport}
    named = json.loads(answer).get("response", {}).get("transports") or []
    return ",".join(sorted({str(name) for name in named} & known)) if isinstance(named, list) else ""


def _checked_name(name: str) -> str:
    text = " ".join(name.split())
    if not text:
        raise Refused("name", Say("Vul een naam in."))
    if len(text) > 80:
        raise Refused("name", Say("Dit is {n} tekens; er passen er {most}.", n=len(text), most=80))
    return text


def _handle(user_id: int) -> bytes:
    """How the device knows the person: the same for all his passkeys, and telling nothing of him."""
    return hashlib.sha256(f"poort person {user_id}".encode()).digest()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
