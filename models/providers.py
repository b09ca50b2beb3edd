"""Sign-in with Microsoft or Google for staff: which providers the office uses, and whose account there is whose here.

OpenID Connect with the authorization code, PKCE (S256), state and nonce. What the provider says of somebody is believed only
out of an ID token that is signed by its keys, made for us, now, for this very attempt. Clients never come in this way.
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx2
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from piccolo.columns import Boolean, ForeignKey, OnDelete, Text, Timestamptz, Varchar
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from models import config, engine
from models.accounts import User
from models.audit import Trail
from models.core import Owned, Refused, RefusedFields, Say, Scope, fold, operation, save
from models.outbox import Kind, ask
from models.outward import Outward
from models.personal import Erase, Export
from models.secret_box import decrypt, encrypt
from models.settings import utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

KINDS = {"microsoft": Say("Microsoft"), "google": Say("Google"), "other": Say("Anders (OpenID Connect)")}
GOOGLE = "https://accounts.google.com"
_MICROSOFT = "https://login.microsoftonline.com/{tenant}/v2.0"
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
_KEPT = 600.0  # seconds that what a provider publishes is kept
ATTEMPT_LASTS = 600  # seconds
_LEEWAY = 60

NOT_THERE = Say("{name} gaf geen antwoord. Probeer het straks nog eens, of meld u aan met uw wachtwoord.")
NOT_OURS = Say(
    "Met dit account kunt u hier niet naar binnen. Gebruik het account van uw werk, of meld u aan met uw wachtwoord."
)
NOT_RIGHT = Say("Het aanmelden is niet goed afgerond. Begin opnieuw.")


class IdentityProvider(Owned, Table, tablename="identity_provider"):
    """One provider; off until somebody switches it on."""

    kind = Varchar(length=9)
    name = Varchar(length=60, help_text="as on the button")
    issuer = Varchar(length=300)
    tenant = Varchar(length=36, default="", help_text="microsoft: the id of the directory")
    client_id = Varchar(length=200)
    client_secret = Text(default="", help_text="Encrypted; never shown again.")
    domains = Varchar(length=400, default="", help_text="by commas; '' is any address of a colleague")
    trusts_mfa = Boolean(default=False, help_text="A second factor there spares the one here.")
    is_enabled = Boolean(default=False)
    created_at = Timestamptz()

    identity_provider_kind_known = Check("kind IN ('microsoft', 'google', 'other')")
    identity_provider_issuer_unique = Unique([issuer, client_id])

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id > 0 if viewer.may(Permission.MANAGE_SETTINGS) else cls.id < 0

    @operation(Permission.MANAGE_SETTINGS, trail=False)
    async def change(self, /, *, by: Viewer, **details: Any) -> None:
        """Any of FIELDS; an empty client_secret leaves the one that is there."""
        values = _checked(details, has_secret=bool(self.client_secret))
        moved = {name: value for name, value in values.items() if getattr(self, name) != value}
        shown = {name for name in moved if name != "client_secret"}
        before = {name: getattr(self, name) for name in shown}
        await _is_free(values, self.id)
        await save(self, **moved)
        after = {name: moved[name] for name in shown} | ({"client_secret": "…"} if "client_secret" in moved else {})
        if moved:
            await by.note("IdentityProvider.change", self, {"name": self.name, "before": before, "after": after})

    @operation(Permission.MANAGE_SETTINGS, trail=False)
    async def remove(self, *, by: Viewer) -> None:  # type: ignore[override]
        """Who came in by it uses his password from now on."""
        await by.note("IdentityProvider.remove", self, {"name": self.name})
        await IdentityProvider.delete().where(IdentityProvider.id == self.id)


class Identity(Owned, Table, tablename="identity"):
    """An account at a provider that is a colleague's here: its subject there never changes, his address may."""

    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade, index=True)
    issuer = Varchar(length=300)
    subject = Varchar(length=255)
    linked_at = Timestamptz()
    last_at = Timestamptz()

    identity_unique = Unique([issuer, subject])

    EXPORTS = Export(Say("Accounts bij Microsoft of Google"), by=("person",))
    ERASES = Erase(deletes=True)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.person == viewer.user.id


FIELDS = ("kind", "name", "issuer", "tenant", "client_id", "client_secret", "domains", "trusts_mfa", "is_enabled")


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def add_provider(found: Scope[IdentityProvider], /, *, by: Viewer, **details: Any) -> IdentityProvider:
    values = _checked(details, has_secret=False)
    await _is_free(values, 0)
    provider = IdentityProvider(**values, created_at=utcnow())
    await provider.save()
    await by.note("IdentityProvider.add", provider, {"name": provider.name})
    return provider


async def enabled() -> list[dict[str, Any]]:
    """For the page of signing in: id, name and kind."""
    return await engine.raw("SELECT id, name, kind FROM identity_provider WHERE is_enabled ORDER BY name, id")


async def provider_of(id: int, *, also_off: bool = False) -> IdentityProvider | None:
    """One that is switched on; with `also_off` any."""
    found = await IdentityProvider.objects().where(IdentityProvider.id == id).first()
    return found if found and (found.is_enabled or also_off) else None


def _checked(details: dict[str, Any], *, has_secret: bool) -> dict[str, Any]:
    text = {
        name: " ".join(str(details.get(name) or "").split())
        for name in FIELDS
        if name not in ("trusts_mfa", "is_enabled")
    }
    wrong: list[Refused] = []
    if text["kind"] not in KINDS:
        wrong.append(Refused("kind", Say("Kies een van de mogelijkheden.")))
    wrong += [Refused(name, Say("Vul dit in.")) for name in ("name", "client_id") if not text[name]]
    if text["kind"] == "microsoft":
        if not _is_tenant(text["tenant"]):
            wrong.append(
                Refused(
                    "tenant",
                    Say("Vul het id van uw map (tenant) in, zoals Microsoft het toont: alleen dat bedrijf mag erin."),
                )
            )
        text["issuer"] = _MICROSOFT.format(tenant=text["tenant"].lower())
    elif text["kind"] == "google":
        text["issuer"], text["tenant"] = GOOGLE, ""
    elif not _is_issuer(text["issuer"]):
        wrong.append(Refused("issuer", Say("Vul het adres van de aanbieder in, beginnend met https.")))
    if not text["client_secret"] and not has_secret:
        wrong.append(Refused("client_secret", Say("Vul dit in.")))
    domains = [one.strip().lower().lstrip("@") for one in text["domains"].replace(";", ",").split(",") if one.strip()]
    if any("." not in one or " " in one for one in domains):
        wrong.append(Refused("domains", Say("Vul domeinen in als uwkantoor.nl, met een komma ertussen.")))
    if wrong:
        raise RefusedFields(wrong)
    values: dict[str, Any] = text | {"domains": ",".join(domains), "issuer": text["issuer"].rstrip("/")}
    secret = values.pop("client_secret")
    if secret:
        values["client_secret"] = encrypt(secret)
    return values | {name: bool(details.get(name)) for name in ("trusts_mfa", "is_enabled")}


def _is_tenant(text: str) -> bool:
    parts = text.split("-")
    return [len(one) for one in parts] == [8, 4, 4, 4, 12] and all(
        ch in "0123456789abcdefABCDEF" for ch in "".join(parts)
    )


def _is_issuer(text: str) -> bool:
    parts = urlsplit(text)
    return (
        bool(parts.hostname)
        and not parts.query
        and (parts.scheme == "https" or (parts.scheme == "http" and _private()))
    )


def _private() -> bool:
    """Tests, and a developer's own machine, have a provider on loopback."""
    return config.settings().allow_private_feeds or config.settings().development


async def _is_free(values: dict[str, Any], but: int) -> None:
    if await IdentityProvider.exists().where(
        (IdentityProvider.issuer == values["issuer"])
        & (IdentityProvider.client_id == values["client_id"])
        & (IdentityProvider.id != but)
    ):
        raise Refused("client_id", Say("Deze aanbieder staat er al."))


# the conversation with a provider; all of it outside every unit


class Unanswered(Exception):
    """The provider could not be asked, or said nonsense."""


@dataclass
class _Published:
    """What a provider publishes of itself, kept for a while."""

    metadata: dict[str, Any]
    keys: dict[str, Any]
    at: float


_published: dict[str, _Published] = {}


def forget_published() -> None:
    _published.clear()


async def published(issuer: str, *, fresh: bool = False) -> _Published:
    """Its endpoints and keys. Raises Unanswered."""
    known = _published.get(issuer)
    if known and not fresh and time.monotonic() - known.at < _KEPT:
        return known
    async with httpx2.AsyncClient(transport=Outward(private=_private()), timeout=8.0) as client:
        metadata = await _json(client, f"{issuer}/.well-known/openid-configuration")
        if str(metadata.get("issuer", "")).rstrip("/") != issuer:
            raise Unanswered("issuer")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not _is_issuer(str(metadata.get(name, "")).partition("?")[0]):
                raise Unanswered(name)
        keys = await _json(client, metadata["jwks_uri"])
    _published[issuer] = _Published(metadata, keys, time.monotonic())
    return _published[issuer]


async def _json(client: httpx2.AsyncClient, url: str) -> dict[str, Any]:
    try:
        answer = await client.get(url, headers={"Accept": "application/json"})
        found = answer.json() if answer.status_code == 200 else None
    except (httpx2.HTTPError, ValueError) as error:
        raise Unanswered(url) from error
    if not isinstance(found, dict):
        raise Unanswered(url)
    return found


def redirect_address() -> str:
    """What is filled in at the provider."""
    return f"{config.settings().base_url}/sign-in/with/callback"


async def begin(provider: IdentityProvider, next_url: str) -> tuple[str, str]:
    """Where the browser goes, and what is kept of the attempt in a sealed cookie. Raises Unanswered."""
    about = (await published(provider.issuer)).metadata
    state, nonce, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(24), generate_token(64)
    async with _client(provider) as client:
        url, _ = client.create_authorization_url(
            about["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier,
            prompt="select_account",
        )  # fmt: skip
    kept = {
        "provider": provider.id,
        "state": state,
        "nonce": nonce,
        "verifier": verifier,
        "next": next_url,
        "at": int(time.time()),
    }
    return url, encrypt(json.dumps(kept))


def attempt_of(cookie: str, state: str) -> dict[str, Any] | None:
    """What was kept, when the answer belongs to it and is in time."""
    try:
        kept = json.loads(decrypt(cookie)) if cookie else {}
    except ValueError:
        return None
    if not kept or not state or not secrets.compare_digest(str(kept.get("state", "")), state):
        return None
    return kept if 0 <= time.time() - kept["at"] <= ATTEMPT_LASTS else None


async def finish(provider: IdentityProvider, attempt: dict[str, Any], code: str) -> dict[str, Any]:
    """The claims of the ID token that the code brings. Raises Unanswered, or Refused where the token is not good."""
    about = (await published(provider.issuer)).metadata
    async with _client(provider) as client:
        try:
            token = await client.fetch_token(
                about["token_endpoint"], code=code, code_verifier=attempt["verifier"], grant_type="authorization_code"
            )
        except OAuthError as error:
            raise Refused("", NOT_RIGHT) from error
        except (httpx2.HTTPError, ValueError, KeyError) as error:
            raise Unanswered("token") from error
    return await claims_of(provider, str(token.get("id_token") or ""), attempt["nonce"])


async def claims_of(provider: IdentityProvider, id_token: str, nonce: str) -> dict[str, Any]:
    """Signature, issuer, audience, time, nonce and directory. A key that is not known is looked for once more: keys change."""
    for fresh in (False, True):
        about = await published(provider.issuer, fresh=fresh)
        try:
            token = jwt.decode(id_token, KeySet.import_key_set(about.keys), algorithms=_ALGORITHMS)  # type: ignore[arg-type]
            break
        except (JoseError, ValueError, KeyError) as error:
            if fresh:
                raise Refused("", NOT_RIGHT) from error
    options = {
        "iss": {"essential": True, "value": about.metadata["issuer"]},
        "aud": {"essential": True, "value": provider.client_id},
    }
    claims = CodeIDToken(
        token.claims, token.header, options=options, params={"nonce": nonce, "client_id": provider.client_id}
    )
    try:
        claims.validate(leeway=_LEEWAY)
    except (JoseError, ValueError, TypeError) as error:
        raise Refused("", NOT_RIGHT) from error
    if provider.kind == "microsoft" and str(claims.get("tid", "")).lower() != provider.tenant.lower():
        raise Refused("", NOT_OURS)
    return dict(claims)


def _client(provider: IdentityProvider) -> AsyncOAuth2Client:
    return AsyncOAuth2Client(
        client_id=provider.client_id, client_secret=decrypt(provider.client_secret), scope="openid email profile",
        redirect_uri=redirect_address(), code_challenge_method="S256", token_endpoint_auth_method="client_secret_post",  # noqa: S106
        transport=Outward(private=_private()), timeout=8.0,
    )  # fmt: skip


# who that is


async def colleague_of(provider: IdentityProvider, claims: dict[str, Any]) -> User:
    """The active colleague whose account this is: by its subject, or the first time by an address that the provider vouches for.

    Raises Refused, in the same words whatever the reason: who stands outside learns nothing.
    """
    subject = str(claims["sub"])[:255]
    linked = await Identity.objects().where(Identity.issuer == provider.issuer, Identity.subject == subject).first()
    if linked is not None:
        person = await User.objects().where(User.id == linked.person).first()
        if person is None or not _may_come(person):
            raise Refused("", NOT_OURS)
        await save(linked, last_at=utcnow())
        return person
    person = await _by_address(provider, claims)
    now = utcnow()
    await Identity(person=person.id, issuer=provider.issuer, subject=subject, linked_at=now, last_at=now).save()
    await Trail.write("Identity.link", person, detail={"name": person.display_name, "provider": provider.name})
    await ask(Kind.ACCOUNT_NOTICE, person=person.id, what="identity_on")
    return person


async def _by_address(provider: IdentityProvider, claims: dict[str, Any]) -> User:
    address = str(claims.get("email") or "")
    if provider.kind == "microsoft":  # of the office's own directory, which vouches for its names
        address = address or str(claims.get("preferred_username") or "")
    elif claims.get("email_verified") not in (True, "true"):
        raise Refused("", NOT_OURS)
    domain = address.rpartition("@")[2].lower()
    if not domain or (provider.domains and domain not in provider.domains.split(",")):
        raise Refused("", NOT_OURS)
    person = await User.objects().where(User.email_key == fold(address), User.kind == "staff").first()
    if person is None or not _may_come(person):
        raise Refused("", NOT_OURS)
    return person


def _may_come(person: User) -> bool:
    return person.kind == "staff" and person.state == "active"


def spares_factor(provider: IdentityProvider, claims: dict[str, Any]) -> bool:
    """Whether the provider asked more than a password, and the office is content with that."""
    return bool(provider.trusts_mfa) and bool({"mfa", "hwk", "otp", "fido"} & set(claims.get("amr") or []))
