"""The office's own choices: its name and colour, the modules it uses, and whether a user may exist before he can sign in."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from piccolo.columns import BigInt, Boolean, Integer, Timestamptz, Varchar
from piccolo.table import Table

from models import branding, engine
from models.core import Owned, operation, record_of, save
from models.viewer import Permission

if TYPE_CHECKING:
    from models.accounts import User
    from models.viewer import Viewer

MODULES = ("dossiers", "approvals", "payroll", "news", "sso", "content")


class Firm(Owned, Table, tablename="firm"):
    """The office of this installation: one row, made by the first migration run."""

    name = Varchar(length=120, default="")
    place = Varchar(length=120, default="")
    brand = Varchar(length=7, default="#1f5c4d", help_text="The office's colour, as #rrggbb.")
    logo = Varchar(length=64, default="", help_text="SHA-256 of the logo in the storage, or ''.")
    logo_type = Varchar(length=40, default="")
    language = Varchar(length=2, default="nl")
    users_without_login = Boolean(default=True, help_text="New client users are prepared and invited later.")
    invitation_days = Integer(default=30, help_text="How long an invitation link is valid.")
    second_factor = Varchar(length=10, default="nobody", help_text="Of whom it is demanded: nobody, staff or all.")
    modules = Varchar(length=200, default="dossiers", help_text="The modules in use, separated by commas.")
    digest_hour = Integer(default=7, help_text="The hour, in the office's time zone, of the daily digest.")
    undo_seconds = Integer(default=10, help_text="How long opening the gates can be undone.")
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
        return f"/logo?v={self.logo[:12]}" if self.logo else ""

    @operation(Permission.MANAGE_SETTINGS)
    async def set_logo(self, sha256: str, kind: str, *, by: Viewer) -> None:
        """A picture that is in the storage already; `kind` is its media type, told by its content."""
        await save(self, logo=sha256, logo_type=kind, changed_at=self.changed_at + 1)

    @operation(Permission.MANAGE_SETTINGS)
    async def remove_logo(self, *, by: Viewer) -> None:
        await save(self, logo="", logo_type="", changed_at=self.changed_at + 1)


def utcnow() -> dt.datetime:
    """Now, aware: a naive moment would be compared as text by both databases."""
    return dt.datetime.now(dt.UTC)
