"""The office's own choices: its name and colour, the modules it uses, and whether a user may exist before he can sign in."""

from __future__ import annotations

import copy
import datetime as dt
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from piccolo.columns import BigInt, Boolean, Integer, Timestamptz, Varchar
from piccolo.table import Table

from models import branding, engine, firm_fields
from models.core import Owned, Refused, Say, operation, record_of, save
from models.live import touch
from models.viewer import Permission

if TYPE_CHECKING:
    from models.accounts import User
    from models.viewer import Viewer

_OF_OFFICE = ("brand", "logo", "logo_type", "sender_name", "sender_address", "phone", "street", "postcode")
MODULES = ("dossiers", "approvals", "payroll", "news", "sso", "content")
HERE = ZoneInfo("Europe/Amsterdam")
BUILT = ("dossiers", "approvals")  # the modules that exist; an office cannot switch on what is not there


class Firm(Owned, Table, tablename="firm"):
    """The office of this installation: one row, made by the first migration run."""

    name = Varchar(length=120, default="")
    place = Varchar(length=120, default="")
    street = Varchar(length=160, default="", help_text="With the number; for the foot of mails and letters.")
    postcode = Varchar(length=12, default="")
    phone = Varchar(length=40, default="")
    email = Varchar(length=254, default="", help_text="Where clients write to.")
    becon = Varchar(length=6, default="", help_text="Beconnummer.")
    sort_rule = Varchar(length=2, default="nl", help_text="nl: De Vries under V; be: under D")
    formal = Boolean(default=True, help_text="How a new client is addressed.")
    sender_name = Varchar(length=120, default="", help_text="of mails; '' is the office's name")
    sender_address = Varchar(length=254, default="", help_text="of mails; '' is MAIL_FROM")
    reply_to = Varchar(length=254, default="", help_text="Where answers to mails go; '' is the sender.")
    mail_closing = Varchar(length=300, default="", help_text="Below every mail.")
    dkim_selectors = Varchar(length=640, default="", help_text="By commas; for the check of the sender's domain.")
    brand = Varchar(length=7, default="#1f5c4d", help_text="The office's colour, as #rrggbb.")
    logo = Varchar(length=64, default="", help_text="SHA-256 of the logo in the storage, or ''.")
    logo_type = Varchar(length=40, default="")
    language = Varchar(length=2, default="nl")
    users_without_login = Boolean(default=True, help_text="New client users are prepared and invited later.")
    invitation_days = Integer(default=30, help_text="How long an invitation link is valid.")
    second_factor = Varchar(length=10, default="nobody", help_text="Of whom it is demanded: nobody, staff or all.")
    factor_kinds = Varchar(length=40, default="totp,passkey", help_text="The kinds of second factor that count.")
    email_link = Varchar(
        length=10, default="nobody", help_text="Who may sign in by a mailed link: nobody, clients or all."
    )
    trusted_days = Integer(default=30, help_text="How long a browser may go without the second factor; 0: never.")
    session_idle_hours = Integer(default=720, help_text="How long a session lives without being used.")
    session_days = Integer(default=90, help_text="How long a session lives, however much it is used.")
    password_length = Integer(default=12, help_text="The least number of characters of a new password.")
    lost_factor_hours = Integer(
        default=24, help_text="How long who lost his second factor waits for help of two colleagues."
    )
    modules = Varchar(length=200, default="dossiers", help_text="The modules in use, separated by commas.")
    digest_hour = Integer(default=7, help_text="The hour, in the office's time zone, of the daily digest.")
    client_digest = Varchar(
        length=8, default="daily", help_text="How clients' people hear of what is new: daily, at_once or never"
    )
    remind_before = Varchar(length=40, default="7,1", help_text="Days before the last day of a request, by commas.")
    remind_after = Integer(default=1, help_text="Days after it; 0: not.")
    remind_every = Integer(default=7, help_text="Days between those that follow; 0: no more follow.")
    quiet_from = Integer(default=21, help_text="The hour from which nobody is reminded of an approval.")
    quiet_until = Integer(default=7, help_text="The hour until which; equal to quiet_from: no quiet hours.")
    quiet_sundays = Boolean(default=True, help_text="Nobody is reminded of an approval on Sundays.")
    heard_from = Timestamptz(null=True, default=None, help_text="What is older is told to no client's people.")
    heard_day = Integer(default=0, help_text="The last day (20261123) for which their daily mail was asked.")
    undo_seconds = Integer(default=10, help_text="How long opening the gates can be undone.")
    trash_days = Integer(default=30, help_text="How long what is in the trash is not proposed for destruction.")
    margin_months = Integer(default=12, help_text="Beside terms from a book year: for filing extensions.")
    approval_months = Integer(
        default=84, help_text="How long the files of requests that ended without being filed are kept."
    )
    check_days = Integer(default=90, help_text="Within how many days every stored file is hashed anew.")
    stamp_url = Varchar(
        length=300, default="", help_text="of the time-stamp authority (RFC 3161) for seals; '' is none"
    )
    check_names = Varchar(
        length=8, default="names", help_text="How the public check page names who approved: names or initials"
    )
    is_sample = Boolean(default=False, help_text="Whether the records of the sample office are here.")
    set_up_at = Timestamptz(null=True, default=None)
    setup_hash = Varchar(length=64, default="", help_text="Digest of the one-time set-up link's token.")
    setup_expires_at = Timestamptz(null=True, default=None)
    changed_at = BigInt(default=0, help_text="Version of these settings; names the brand stylesheet's address.")

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id > 0

    @classmethod
    async def load(cls) -> Firm:
        """The office's row; a made-up blank one before the first migration."""
        rows = await engine.raw("SELECT * FROM firm LIMIT 1")
        return record_of(cls, rows[0]) if rows else cls()

    @property
    def module_names(self) -> list[str]:
        return [name for name in MODULES if name in self.modules.split(",")]

    def uses(self, module: str) -> bool:
        return module in self.module_names

    @property
    def is_set_up(self) -> bool:
        return self.set_up_at is not None

    def demands_second_factor_of(self, user: User) -> bool:
        return self.second_factor == "all" or (self.second_factor == "staff" and user.kind == "staff")

    def is_content_with(self, user: User) -> bool:
        """Whether he has a second factor of a kind that counts here."""
        return (bool(user.totp_secret) and self.takes_factor("totp")) or (
            bool(user.has_passkey) and self.takes_factor("passkey")
        )

    def takes_factor(self, kind: str) -> bool:
        """Whether this kind (totp or passkey) counts as a second factor here."""
        return kind in self.factor_kinds.split(",")

    def mails_links_to(self, user: User) -> bool:
        """Whether he may sign in by a mailed link."""
        return self.email_link == "all" or (self.email_link == "clients" and user.kind == "client")

    # what the layouts show

    @property
    def on_brand(self) -> str:
        """The ink on the office's colour, readable on it."""
        return branding.of(self.brand).on

    @property
    def is_brand_adjusted(self) -> bool:
        """Whether the colour is too light to be read as text on white, so that a darker one stands in there."""
        return branding.of(self.brand).is_adjusted

    @property
    def brand_css_url(self) -> str:
        """The stylesheet of the office's colour, at an address that changes with it; '' while it is Poort's own."""
        return "" if self.brand == branding.OWN else f"/brand.css?v={self.brand.removeprefix('#')}"

    @property
    def logo_url(self) -> str:
        return f"/logo?v={self.logo[:12]}{f'&office={self.office}' if self.office else ''}" if self.logo else ""

    office: int | None = None
    """The branch office as which it shows itself: see `shown_as`."""

    def shown_as(self, office: dict[str, Any] | None) -> Firm:
        """The firm as clients of a branch office (a row of it) know it: its name, colour, logo and sender, where it has its own."""
        if office is None:
            return self
        firm = copy.copy(self)
        firm.office = office["id"] if office["logo"] else None
        own = {"name": office["name"], **{name: office[name] for name in _OF_OFFICE}}
        for name, value in own.items():
            if value:
                setattr(firm, name, value)
        if office["city"]:
            firm.place = office["city"]
        return firm

    # changes

    @operation(Permission.MANAGE_SETTINGS, trail=False)
    async def change(self, /, *, by: Viewer, **details: Any) -> None:
        """Set any of the columns of `firm_fields.CHECKS`. Raises RefusedFields with all that is wrong."""
        from models.security_policy import checked_kinds, end_overlong

        before, heard = self.sort_rule, self.client_digest
        values = firm_fields.checked(details, factor_kinds=checked_kinds)
        await self._set("Firm.change", by, **values)
        if {"session_idle_hours", "session_days"} & set(values):
            await end_overlong()
        if heard == "never" != values.get("client_digest", heard):
            from models.hearing import office_hears_again

            await office_hears_again()
        if values.get("sort_rule", before) != before:
            from models.sorting import sort_anew

            await sort_anew(by)

    @operation(Permission.MANAGE_SETTINGS, trail=False)
    async def set_users_without_login(self, on: bool, *, by: Viewer) -> None:
        """On: a new client user is prepared and invited later. Off: he is invited at once, after a screen that says so."""
        await self._set("Firm.set_users_without_login", by, users_without_login=on)

    @operation(Permission.MANAGE_SETTINGS, trail=False)
    async def use_modules(self, names: list[str], *, by: Viewer) -> None:
        """Exactly these from now on. What is switched off is hidden; nothing in it is lost."""
        if not set(names) <= set(MODULES):
            raise Refused("modules", Say("Kies een van de mogelijkheden."))
        self.check_built(names)
        await self._set("Firm.use_modules", by, modules=",".join(name for name in MODULES if name in names))

    def check_built(self, names: list[str]) -> None:
        """Refuses to switch on what does not exist; what was on may stay."""
        if any(name not in BUILT and not self.uses(name) for name in names):
            raise Refused("modules", Say("Deze module is er nog niet."))

    async def _set(self, operation: str, by: Viewer, **values: Any) -> None:
        moved = {name: value for name, value in values.items() if getattr(self, name) != value}
        if moved:
            before = {name: getattr(self, name) for name in moved}
            await save(self, **moved, changed_at=self.changed_at + 1)
            await by.note(operation, self, {"before": before, "after": moved})
            await touch("settings", "rollout")

    @operation(Permission.MANAGE_SETTINGS)
    async def set_logo(self, sha256: str, kind: str, *, by: Viewer) -> None:
        """A picture that is in the storage already; `kind` is its media type, told by its content."""
        await save(self, logo=sha256, logo_type=kind, changed_at=self.changed_at + 1)

    @operation(Permission.MANAGE_SETTINGS)
    async def remove_logo(self, *, by: Viewer) -> None:
        await save(self, logo="", logo_type="", changed_at=self.changed_at + 1)


async def clients_by_module() -> dict[str, int]:
    """How many active clients may have each module: where nothing was chosen, all that the office uses."""
    counted = ", ".join(
        f"sum(CASE WHEN modules = '' OR ',' || modules || ',' LIKE '%,{name},%' THEN 1 ELSE 0 END) AS {name}"
        for name in MODULES
    )
    rows = await engine.raw(f"SELECT {counted} FROM client WHERE state = 'active'")
    return {name: int(number or 0) for name, number in rows[0].items()}


async def sort_rule() -> str:
    """nl or be: see `people.keys_of`."""
    rows = await engine.raw("SELECT sort_rule FROM firm LIMIT 1")
    return rows[0]["sort_rule"] if rows else "nl"


def utcnow() -> dt.datetime:
    """Now, aware: a naive moment would be compared as text by both databases."""
    return dt.datetime.now(dt.UTC)


def this_day(now: dt.datetime | None = None) -> dt.date:
    """The day that it is for people in the office: after midnight in Amsterdam that is not yet the day of UTC."""
    return (now or utcnow()).astimezone(HERE).date()
