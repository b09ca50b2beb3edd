"""Work that is asked for by writing it down: an errand is a row in the transaction that wants it; jobs carry it out."""

from __future__ import annotations

import datetime as dt
import enum
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from piccolo.columns import ForeignKey, Integer, OnDelete, Text, Timestamptz, Varchar
from piccolo.constraints import Check
from piccolo.table import Table

from models import engine
from models.accounts import User
from models.core import Owned, Refused, Say, operation, save
from models.engine import after_commit
from models.live import touch
from models.personal import Erase, Export
from models.settings import utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer


class Kind(enum.StrEnum):
    """What can be asked."""

    INVITATION = "invitation"  # mail: subject is a Link
    PASSWORD = "password"  # noqa: S105  mail: subject is a Link
    SIGN_IN_LINK = "sign_in_link"  # mail: subject is a Link
    ACCOUNT_NOTICE = "account_notice"  # mail about one's own account: detail says which
    UPLOAD_NOTICE = "upload_notice"  # mail at once to one staff member: detail has the documents
    TRAIL_ANCHOR = "trail_anchor"  # mail: how far the chain over the trail is
    DIGEST = "digest"  # mail: what happened since the last one
    BROKEN_FILES = "broken_files"  # mail: stored files that are damaged or gone
    CLIENT_NEWS = "client_news"  # mail to a client's person: what is new and what is asked; detail says since when
    REMINDER = "reminder"  # mail: somebody of the office reminds him; the rows of Reminder say of what
    TEST = "test_message"  # mail: to see whether mail works, to who asked for it
    LOST_FACTOR = "lost_factor"  # mail: help was asked for a lost second factor; subject is a LostFactor
    PROPOSAL = "proposal"  # mail: what became of a change that somebody proposed; subject is a Proposal
    INFECTED = "infected"  # mail: a virus was found; detail has the hash of the file and what was found
    UPLOAD_LINK = "upload_link"  # mail to somebody without a login: subject is an UploadLink, detail has his address
    DOCUMENT_LINK = "document_link"  # mail: a link to documents; subject is a DocumentMailing
    RUN_TASK = "run_task"  # long work: subject is a Task


MAIL_KINDS = (
    Kind.INVITATION,
    Kind.PASSWORD,
    Kind.SIGN_IN_LINK,
    Kind.ACCOUNT_NOTICE,
    Kind.UPLOAD_NOTICE,
    Kind.DIGEST,
    Kind.CLIENT_NEWS,
    Kind.REMINDER,
    Kind.PROPOSAL,
    Kind.DOCUMENT_LINK,
    Kind.TEST,
    Kind.LOST_FACTOR,
    Kind.TRAIL_ANCHOR,
    Kind.BROKEN_FILES,
    Kind.INFECTED,
    Kind.UPLOAD_LINK,
)

# waiting > claimed > (mail: sending >) done | refused | unknown | failed; waiting > cancelled
STATES = ("waiting", "claimed", "sending", "done", "refused", "unknown", "failed", "cancelled")


class Errand(Owned, Table, tablename="errand"):
    """One piece of work for the worker; for mail also its line in the ledger.

    `sending` is written before the SMTP dialogue reaches DATA: what a crash leaves there has an unknown fate and is
    shown as such, never blindly repeated. `claimed` can always be repeated.
    """

    kind = Varchar(length=20)
    state = Varchar(length=9, default="waiting")
    subject_id = Integer(null=True, default=None, index=True)
    person = ForeignKey(
        User, null=True, default=None, on_delete=OnDelete.cascade, index=True, help_text="mail: the recipient"
    )
    detail = Text(default="{}", help_text="JSON; never a secret")
    run_after = Timestamptz()
    attempts = Integer(default=0)
    claimed_at = Timestamptz(null=True, default=None)
    claimed_by = Varchar(length=80, default="")
    finished_at = Timestamptz(null=True, default=None)
    address = Varchar(length=254, default="", help_text="mail: the address it went to")
    subject_line = Varchar(length=300, default="")
    message_id = Varchar(length=200, default="")
    said = Varchar(length=500, default="", help_text="The mail server's answer, or what went wrong.")
    created_at = Timestamptz()

    errand_state_known = Check(
        "state IN ('waiting', 'claimed', 'sending', 'done', 'refused', 'unknown', 'failed', 'cancelled')"
    )

    EXPORTS = Export(Say("Mails"), by=("person",), hidden=("detail", "claimed_by"))
    ERASES = Erase(deletes=True)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        if not viewer.is_staff:
            return cls.id < 0
        if viewer.sees_all_clients:
            return cls.id > 0
        return cls.person.is_in(User.select(User.id).where(User.visible_to(viewer)))

    @property
    def can_be_sent_again(self) -> bool:
        return self.kind in MAIL_KINDS and self.state in ("refused", "unknown", "failed")

    @operation(Permission.OPEN_GATES)
    async def send_again(self, *, by: Viewer) -> None:
        """Once more, because somebody asked for it. The message keeps its Message-ID; a link in it gets a fresh token."""
        if not self.can_be_sent_again:
            raise Refused("", Say("Dit bericht is al verstuurd of is nog onderweg."))
        if self.kind in (Kind.INVITATION, Kind.PASSWORD, Kind.SIGN_IN_LINK) and not await self._link_lives():
            raise Refused(
                "", Say("De link in dit bericht is vervangen, gebruikt of verlopen. Nodig de gebruiker opnieuw uit.")
            )
        await save(self, state="waiting", run_after=utcnow(), attempts=0, said="", claimed_by="", finished_at=None)
        await touch("mail", "rollout")
        wake()

    async def _link_lives(self) -> bool:
        rows = await engine.raw(
            "SELECT 1 AS one FROM link l JOIN users u ON u.id = l.person WHERE l.id = $1 AND l.ended_at IS NULL AND l.used_at IS NULL "
            "AND l.expires_at > $2 AND l.email = u.email AND u.state <> 'blocked'",
            self.subject_id,
            utcnow(),
        )
        return bool(rows)


async def ask(
    kind: Kind,
    subject_id: int | None = None,
    *,
    person: int | None = None,
    run_after: dt.datetime | None = None,
    **detail: Any,
) -> int:
    """Write an errand in the present unit, wake the worker after its commit, and return the errand's id."""
    now = utcnow()
    errand = Errand(
        kind=kind.value,
        subject_id=subject_id,
        person=person,
        detail=json.dumps(detail),
        run_after=run_after or now,
        created_at=now,
    )
    await errand.save()
    wake()
    return int(errand.id)


_waker: list[Callable[[], Any]] = []


def wake() -> None:
    """After the commit, tell the worker that there is work: it would find it by itself, only later."""
    if _waker:
        after_commit(_waker[0])


def wake_by(call: Callable[[], Any]) -> None:
    """Let the process that knows the queue say how to wake the worker (models do not know jobs)."""
    _waker[:] = [call]


async def figures() -> dict[str, float]:
    """For who watches over an installation: how much waits, how long the oldest waits past its time, what went wrong."""
    states = {
        row["state"]: row["n"] for row in await engine.raw("SELECT state, count(*) AS n FROM errand GROUP BY state")
    }
    late = await engine.raw(
        "SELECT min(run_after) AS since FROM errand WHERE state = 'waiting' AND run_after <= $1", utcnow()
    )
    since = late[0]["since"]
    if isinstance(since, str):
        since = dt.datetime.fromisoformat(since)
    busy = await engine.raw("SELECT count(*) AS n FROM task WHERE state IN ('waiting', 'running')")
    return {
        **{
            f"outbox_{state}": float(states.get(state, 0))
            for state in ("waiting", "sending", "refused", "unknown", "failed")
        },
        "outbox_oldest_due_seconds": max(0.0, (utcnow() - since).total_seconds()) if since else 0.0,
        "tasks_busy": float(busy[0]["n"]),
    }
