"""Browsers in which somebody is not asked for his second factor for some weeks. The password they still ask."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from piccolo.columns import ForeignKey, OnDelete, Timestamptz, Varchar
from piccolo.constraints import Unique
from piccolo.table import Table

from models.accounts.records import User
from models.core import Owned, Say, digest, operation, save
from models.personal import Erase, Export
from models.settings import Firm, utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer


class TrustedDevice(Owned, Table, tablename="trusted_device"):
    """A browser with a random token in a cookie; only its digest is kept. Gone when a password or factor changes."""

    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade, index=True)
    token_hash = Varchar(length=64)
    created_at = Timestamptz()
    expires_at = Timestamptz()
    last_used_at = Timestamptz(null=True, default=None)
    address = Varchar(length=45, default="")
    agent = Varchar(length=300, default="")

    trusted_device_token_unique = Unique([token_hash])

    EXPORTS = Export(Say("Vertrouwde apparaten"), by=("person",), hidden=("token_hash",))
    ERASES = Erase(deletes=True)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return (cls.person == viewer.user.id) & (cls.expires_at > utcnow())

    @operation(Permission.OWN_ACCOUNT)
    async def withdraw(self, *, by: Viewer) -> None:
        await TrustedDevice.delete().where(TrustedDevice.id == self.id)


async def trust(user: User, address: str, agent: str) -> str:
    """The token for the browser's cookie; '' where the office trusts no browsers."""
    days = (await Firm.load()).trusted_days
    if not days:
        return ""
    token, now = secrets.token_urlsafe(32), utcnow()
    await TrustedDevice(
        person=user.id, token_hash=digest(token), created_at=now, expires_at=now + dt.timedelta(days=days),
        address=address[:45], agent=agent[:300],
    ).save()  # fmt: skip
    return token


async def is_trusted(user: User, tokens: Sequence[str]) -> bool:
    """Whether one of this browser's tokens is of this person and still counts, also after the office shortened the time."""
    if not tokens:
        return False
    now, days = utcnow(), (await Firm.load()).trusted_days
    found = (
        await TrustedDevice.objects()
        .where(
            (TrustedDevice.person == user.id)
            & TrustedDevice.token_hash.is_in([digest(token) for token in tokens])
            & (TrustedDevice.expires_at > now)
            & (TrustedDevice.created_at > now - dt.timedelta(days=days))
        )
        .first()
    )
    if found is None:
        return False
    await save(found, last_used_at=now)
    return True
