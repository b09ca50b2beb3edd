"""The recent sign-ins of everybody, failed tries too: shown to the person himself, and forgotten after 90 days."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from piccolo.columns import Boolean, ForeignKey, OnDelete, Timestamptz, Varchar
from piccolo.table import Table

from models import engine
from models.accounts.records import User
from models.core import Owned, Say
from models.personal import Erase, Export
from models.settings import utcnow

if TYPE_CHECKING:
    from models.viewer import Viewer

KEPT = dt.timedelta(days=90)
SHOWN = 20


class SignIn(Owned, Table, tablename="sign_in"):
    """One try to come in as this person."""

    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade, index=True)
    at = Timestamptz(index=True)
    how = Varchar(length=10, help_text="password, passkey, link, paper or oidc")
    factor = Varchar(length=10, default="", help_text="code, passkey or trusted; '' where none was asked")
    succeeded = Boolean(default=True)
    address = Varchar(length=45, default="")
    agent = Varchar(length=300, default="")

    EXPORTS = Export(Say("Aanmeldingen"), by=("person",))
    ERASES = Erase(deletes=True)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.person == viewer.user.id


async def note(person: int, how: str, *, factor: str = "", succeeded: bool = True, address: str, agent: str) -> None:
    """One line for this person. For nobody (0) it costs the same and writes nothing: a refusal must not tell who exists."""
    await engine.raw(
        "INSERT INTO sign_in (person, at, how, factor, succeeded, address, agent) "
        "SELECT u.id, $2, $3, $4, $5, $6, $7 FROM users u WHERE u.id = $1",
        person, utcnow(), how, factor, succeeded, address[:45], agent[:300],
    )  # fmt: skip


async def recent(viewer: Viewer) -> list[SignIn]:
    """His own, the last first."""
    found: list[SignIn] = (
        await SignIn.objects()
        .where(SignIn.visible_to(viewer))
        .order_by(SignIn.at, ascending=False)
        .order_by(SignIn.id, ascending=False)
        .limit(SHOWN)
    )
    return found
