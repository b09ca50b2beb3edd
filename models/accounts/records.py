"""The tables of people who can sign in, with what somebody does to his own account."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from piccolo.columns import BigInt, Boolean, ForeignKey, Integer, OnDelete, Text, Timestamptz, Varchar
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from models import factors
from models.accounts.blocking import end_trust
from models.accounts.managing import Managed, digests_of
from models.accounts.reaching import Reaching
from models.accounts.vouching import counts_from
from models.core import Forbidden, Owned, Refused, Say, operation, save
from models.offices import Office
from models.people import PARTS, Addressee, addressee, full_name
from models.personal import NUMBER_ONLY, Erase, Export
from models.secret_box import decrypt, encrypt
from models.settings import Firm, utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

PROOF_LASTS = dt.timedelta(minutes=15)
STATES = ("prepared", "invited", "active", "blocked")


class User(Managed, Reaching, Owned, Table, tablename="users"):
    """A person: staff of the office, or a client user."""

    kind = Varchar(length=6, help_text="staff or client")
    state = Varchar(length=8, default="prepared", index=True)
    email = Varchar(length=254, default="")
    email_key = Varchar(
        length=254, default="", help_text="Folded address; of staff unique, clients may share one (mailbox)."
    )
    initials = Varchar(length=40, default="")
    first_names = Varchar(length=200, default="", help_text="All of them, as in the passport.")
    first_name = Varchar(length=80, default="", help_text="The call name.")
    prefix = Varchar(length=40, default="")
    surname = Varchar(length=200)
    partner_prefix = Varchar(length=40, default="")
    partner_surname = Varchar(length=200, default="")
    name_use = Varchar(
        length=1, default="E", help_text="E own, P the partner's, V the partner's before one's own, N behind it"
    )
    title_before = Varchar(length=40, default="")
    title_after = Varchar(length=40, default="")
    full_name = Varchar(
        length=400, default="", help_text="The call name and the name in use: how every screen calls him."
    )
    sort_key = Varchar(length=400, default="", index=True)
    search_key = Varchar(length=800, default="")
    gender = Varchar(length=1, default="", help_text="M, V or unknown ('')")
    phone = Varchar(length=40, default="")
    mobile = Varchar(length=40, default="")
    job_title = Varchar(length=120, default="")
    language = Varchar(length=2, default="nl")
    role = Varchar(length=20, default="", help_text="staff: administrator, office_administrator or employee")
    permissions = Varchar(
        length=400,
        default="",
        help_text="staff: '' for all of the role, or module:level by commas; with those of groups",
    )
    permissions_own = Varchar(length=400, default="", help_text="staff: as `permissions`, as it was set on himself")
    office = ForeignKey(Office, null=True, default=None, on_delete=OnDelete.set_null, index=True)
    all_clients = Boolean(default=False, help_text="staff: sees every client, else only those he is responsible for")
    password = Varchar(length=255, default="", help_text="argon2id, or '' when none was set yet")
    totp_secret = Text(default="", help_text="encrypted; '' when no authenticator is set")
    totp_step = BigInt(default=0, help_text="The last 30-second step used: a code works once.")
    totp_counts_from = Timestamptz(null=True, default=None, help_text="for approving: see accounts/vouching.py")
    has_passkey = Boolean(
        default=False, help_text="Whether he has passkeys: kept in the unit that adds or removes one."
    )
    second_factor_skipped_at = Timestamptz(null=True, default=None)
    digest = Varchar(
        length=8,
        default="daily",
        help_text="How news comes: daily, at_once or never; of a client user '': as the office has it",
    )
    photo = Varchar(length=64, default="", help_text="staff: the SHA-256 of a small picture that clients see, or ''")
    theme = Varchar(length=5, default="", help_text="light, dark or '' (the system's)")
    created_at = Timestamptz()
    invited_at = Timestamptz(null=True, default=None)
    activated_at = Timestamptz(null=True, default=None)
    blocked_at = Timestamptz(null=True, default=None)
    is_sample = Boolean(default=False)
    imported = Integer(null=True, default=None, index=True, help_text="The import that made this user.")

    users_kind_known = Check("kind IN ('staff', 'client')")
    users_state_known = Check("state IN ('prepared', 'invited', 'active', 'blocked')")

    EXPORTS = Export(
        Say("Persoon"),
        where="id = {id}",
        hidden=(
            "password",
            "totp_secret",
            "totp_step",
            "totp_counts_from",
            "email_key",
            "sort_key",
            "search_key",
            "photo",
        ),
    )
    ERASES = Erase(ground=NUMBER_ONLY)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        if viewer.is_client:
            return cls.id == viewer.user.id
        if viewer.sees_all_clients:
            return cls.id > 0
        from models.accounts.preparing import Preparation
        from models.clients import Access, visible_client

        reachable = Access.select(Access.person).where(visible_client(Access.client, viewer))
        begun = Preparation.select(Preparation.person).where(Preparation.begun_by == viewer.user.id)
        return (cls.kind == "staff") | cls.id.is_in(reachable) | cls.id.is_in(begun)

    @property
    def display_name(self) -> str:
        return full_name(**{name: getattr(self, name) for name in PARTS})

    @property
    def has_second_factor(self) -> bool:
        """Whether a password alone does not let him in."""
        return bool(self.totp_secret) or bool(self.has_passkey)

    def addressed(self, *, formal: bool = True) -> Addressee:
        """As a letter or mail greets him."""
        return addressee({name: getattr(self, name) for name in (*PARTS, "gender")}, formal=formal)

    # changes

    @operation(Permission.OWN_ACCOUNT)
    async def set_password(self, password_hash: str, *, by: Viewer) -> None:
        """One's own new password: every other session ends."""
        self._only_oneself(by)
        await save(self, password=password_hash)
        await self._end_sessions(by.session_id)
        await end_trust([self.id])
        await self.tell("password")

    @operation(Permission.OWN_ACCOUNT)
    async def set_authenticator(self, secret: str, code: str, *, by: Viewer) -> list[str]:
        """Turn the second factor on, proved by a first code; returns the recovery codes, which are shown once."""
        self._only_oneself(by)
        if not (await Firm.load()).takes_factor("totp"):
            raise Refused("code", Say("Uw kantoor vraagt om een passkey als tweede factor."))
        step = factors.matching_step(secret, code, 0)
        if step is None:
            raise Refused(
                "code",
                Say("Deze code klopt niet. Kijk of de klok van uw telefoon goed staat en neem de nieuwste code over."),
            )
        await save(self, totp_secret=encrypt(secret), totp_step=step, totp_counts_from=await counts_from(by))
        await self.factor_has_changed("factor_on")
        return await self.new_recovery_codes()

    @operation(Permission.OWN_ACCOUNT)
    async def remove_authenticator(self, *, by: Viewer) -> None:
        self._only_oneself(by)
        before, self.totp_secret = self.totp_secret, ""
        if by.waits_for_factor(await Firm.load(), of=self):
            self.totp_secret = before
            raise Refused("", Say("Uw kantoor vraagt om een tweede factor. U kunt hem vervangen, niet uitzetten."))
        await save(self, totp_secret="", totp_step=0)
        await self.factor_has_changed("factor_off")
        if not self.has_passkey:
            await RecoveryCode.delete().where(RecoveryCode.person == self.id)

    @operation(Permission.OWN_ACCOUNT)
    async def renew_recovery_codes(self, *, by: Viewer) -> list[str]:
        self._only_oneself(by)
        await self.tell("codes")
        return await self.new_recovery_codes()

    @operation(Permission.OWN_ACCOUNT)
    async def skip_second_factor(self, *, by: Viewer) -> None:
        self._only_oneself(by)
        await save(self, second_factor_skipped_at=utcnow())

    @operation(Permission.OWN_ACCOUNT)
    async def end_other_sessions(self, *, by: Viewer) -> None:
        self._only_oneself(by)
        await self._end_sessions(by.session_id)

    @operation(Permission.OWN_ACCOUNT)
    async def set_preferences(self, language: str, theme: str, digest: str, *, by: Viewer) -> None:
        self._only_oneself(by)
        if language not in ("nl", "en") or theme not in ("", "light", "dark") or digest not in digests_of(self.kind):
            raise Refused("", Say("Kies een van de mogelijkheden."))
        await self.hears_from_now(digest)
        await save(self, language=language, theme=theme, digest=digest)

    async def takes_code(self, code: str) -> bool:
        """Whether the code is the authenticator's (each works once) or an unused recovery code, which is then used up."""
        now = (
            await User.select(User.totp_secret, User.totp_step).where(User.id == self.id).first()
        )  # in this unit: each works once
        if now and (secret := _opened(now["totp_secret"])):
            step = factors.matching_step(secret, code, now["totp_step"])
            if step is not None:
                await save(self, totp_step=step)
                return True
        found = (
            await RecoveryCode.objects()
            .where(
                (RecoveryCode.person == self.id)
                & (RecoveryCode.code_hash == factors.recovery_digest(code))
                & RecoveryCode.used_at.is_null()
            )
            .first()
        )
        if found is None:
            return False
        await save(found, used_at=utcnow())
        return True

    async def recovery_codes_left(self) -> int:
        return await RecoveryCode.count().where((RecoveryCode.person == self.id) & RecoveryCode.used_at.is_null())  # type: ignore[no-any-return]

    def _only_oneself(self, by: Viewer) -> None:
        if by.user.id != self.id:
            raise Forbidden("own account")

    async def factor_has_changed(self, what: str) -> None:
        """One of his second factors came or went: he hears of it by mail, and every browser asks for one again."""
        await end_trust([self.id])
        await self.tell(what)

    async def tell(self, what: str) -> None:
        """A mail about the change, so that he hears of it whose password was found out."""
        from models.outbox import Kind, ask

        await ask(Kind.ACCOUNT_NOTICE, person=self.id, what=what)

    async def _end_sessions(self, but: int) -> None:
        await Session.update({Session.ended_at: utcnow()}).where(
            (Session.person == self.id) & (Session.id != but) & Session.ended_at.is_null()
        )

    async def new_recovery_codes(self) -> list[str]:
        codes = factors.new_recovery_codes()
        await RecoveryCode.delete().where(RecoveryCode.person == self.id)
        await RecoveryCode.insert(
            *(RecoveryCode(person=self.id, code_hash=factors.recovery_digest(code)) for code in codes)
        )
        return codes

    # starlette-login's protocol

    @property
    def is_authenticated(self) -> bool:
        return True

    @property
    def identity(self) -> int:
        return int(self.id)


def _opened(sealed: str) -> str:
    """The authenticator's secret; '' when there is none, or none that the present SECRET_KEY opens: recovery codes work on."""
    try:
        return decrypt(sealed) if sealed else ""
    except ValueError:
        return ""


class RecoveryCode(Owned, Table, tablename="recovery_code"):
    """One of a person's codes for when the authenticator is lost; each works once."""

    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade)
    code_hash = Varchar(length=64)
    used_at = Timestamptz(null=True, default=None)

    EXPORTS = Export(Say("Herstelcodes"), by=("person",), hidden=("code_hash",))
    ERASES = Erase(deletes=True)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.person == viewer.user.id


class Session(Owned, Table, tablename="session"):
    """A browser in which somebody is signed in, or half-way: the password was right and the second factor is awaited."""

    token_hash = Varchar(length=64)
    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade)
    stage = Varchar(length=13, default="signed_in", help_text="second_factor or signed_in")
    created_at = Timestamptz()
    seen_at = Timestamptz()
    expires_at = Timestamptz()
    ended_at = Timestamptz(
        null=True, default=None, help_text="Kept a while, so that a form typed in it can be given back."
    )
    proved_at = Timestamptz(
        null=True, default=None, help_text="When password or factor was last shown in this session."
    )
    how = Varchar(length=10, default="password", help_text="How he came in: see models/sign_ins.py")
    factor = Varchar(length=10, default="", help_text="The second factor then: see models/sign_ins.py")
    address = Varchar(length=45, default="")
    agent = Varchar(length=300, default="")
    data = Text(default="{}", help_text="JSON: the next toast, and where to go after signing in.")

    session_token_unique = Unique([token_hash])

    @operation(Permission.OWN_ACCOUNT)
    async def end(self, *, by: Viewer) -> None:
        await save(self, ended_at=utcnow())

    EXPORTS = Export(Say("Sessies"), by=("person",), hidden=("token_hash", "data"))
    ERASES = Erase(deletes=True)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        live = cls.ended_at.is_null() & (cls.expires_at > utcnow()) & (cls.stage == "signed_in")
        return (cls.person == viewer.user.id) & live

    @property
    def is_proved(self) -> bool:
        """Whether the password was shown in it of late."""
        return self.proved_at is not None and utcnow() - self.proved_at < PROOF_LASTS


class Draft(Owned, Table, tablename="draft"):
    """What somebody typed in a form while his session had ended: given back to the same person after signing in."""

    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade)
    path = Varchar(length=2000)
    came_from = Varchar(length=2000, default="")
    fields = Text(help_text="encrypted JSON: list of [name, value]; never passwords or codes")
    created_at = Timestamptz()

    EXPORTS = Export(Say("Bewaarde formulieren"), by=("person",), hidden=("fields",))
    ERASES = Erase(deletes=True)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.person == viewer.user.id


class Link(Owned, Table, tablename="link"):
    """A random one-time link mailed to a person: an invitation, or a new password. Only the digest of its token is kept."""

    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade)
    kind = Varchar(length=10, help_text="invitation or password")
    signs_in = Boolean(default=False, help_text="It signs him in, and sets no password.")
    opening = Integer(null=True, default=None, index=True, help_text="The opening of the gates it belongs to.")
    token_hash = Varchar(length=64, default="", index=True, help_text="'' until the worker makes it, at sending")
    email = Varchar(length=254, help_text="The address at the time: a change of address kills the link.")
    created_at = Timestamptz()
    expires_at = Timestamptz()
    opened_at = Timestamptz(null=True, default=None)
    bounced_at = Timestamptz(null=True, default=None, help_text="When somebody marked that the mail came back.")
    used_at = Timestamptz(null=True, default=None)
    ended_at = Timestamptz(null=True, default=None, help_text="Replaced, withdrawn, or the address changed.")
    ended_why = Varchar(length=12, default="", help_text="replaced, withdrawn, moved or blocked")

    link_kind_known = Check("kind IN ('invitation', 'password')")

    EXPORTS = Export(Say("Uitnodigingen en links"), by=("person",), hidden=("token_hash",))
    ERASES = Erase(deletes=True)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.person.is_in(User.select(User.id).where(User.visible_to(viewer))) if viewer.is_staff else cls.id < 0


class Throttle(Table, tablename="throttle"):
    """How often something was tried of late, per account or per address: housekeeping, holds digests only."""

    key = Varchar(length=64)
    tries = Integer(default=0)
    since = Timestamptz()

    throttle_key_unique = Unique([key])
