"""The tables of the roll-out: an opening of the gates with everybody who was chosen for it, and steps ticked by a person."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from piccolo.columns import Boolean, ForeignKey, Integer, OnDelete, Text, Timestamptz, Varchar
from piccolo.constraints import Unique
from piccolo.table import Table

from models import engine
from models.accounts import User, codes
from models.core import Owned, Refused, Say, operation, save
from models.live import touch
from models.outbox import wake
from models.personal import NUMBER_ONLY, Erase, Export
from models.rollout import paper, sending
from models.settings import Firm, utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

LONGEST = 365  # days that an invitation is valid
# why somebody who was chosen gets no mail, in the order in which the reasons are looked for
LEFT_OUT = ("blocked", "active", "no_email", "no_client", "invited", "has_code", "not_ready")


@dataclass(frozen=True)
class Undone:
    """How many invitations were withdrawn, and how many had left already and stay valid."""

    withdrawn: int
    sent: int


class Opening(Owned, Table, tablename="opening"):
    """One time that the gates are opened. A draft until it is started; then it can be undone for a short while."""

    opened_by = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null)
    created_at = Timestamptz()
    started_at = Timestamptz(null=True, default=None, help_text="NULL: a draft; nobody was invited by it.")
    sends_at = Timestamptz(null=True, default=None, help_text="Until then it can be undone as if it never was.")
    undone_at = Timestamptz(null=True, default=None)
    people = Integer(default=0, help_text="How many invitations it asked for.")
    again = Boolean(default=False, help_text="Whether who was invited before gets a fresh invitation.")
    only_ready = Boolean(default=False, help_text="Whether people of clients that are not ready are left out.")
    way = Varchar(length=5, default="mail", help_text="mail, or paper: a code for everybody instead of a mail")
    days = Integer(default=0, help_text="How long its links or codes are valid; 0: as the settings say")
    selection = Text(default="{}", help_text="JSON: what was chosen")
    is_sample = Boolean(default=False)

    EXPORTS = Export(Say("Poorten geopend"), by=("opened_by",), hidden=("selection",))
    ERASES = Erase(ground=NUMBER_ONLY)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        """Who sees only his own clients, sees only what he prepared himself: others' openings hold other people."""
        if not viewer.is_staff:
            return cls.id < 0
        return cls.id > 0 if viewer.sees_all_clients else cls.opened_by == viewer.user.id

    @property
    def is_draft(self) -> bool:
        return self.started_at is None

    @property
    def is_on_paper(self) -> bool:
        return self.way == "paper"

    def days_of(self, firm: Firm) -> int:
        """How long its links or codes are valid."""
        return self.days or firm.invitation_days

    @property
    def seconds_left(self) -> int:
        """So long it can still be undone with nothing sent."""
        if self.sends_at is None or self.undone_at is not None:
            return 0
        return max(0, round((self.sends_at - utcnow()).total_seconds()))

    @operation(Permission.OPEN_GATES, trail=False)
    async def start(self, *, by: Viewer) -> None:
        """Open the gates. A second click or a second tab changes nothing: nobody gets two mails."""
        now, firm = utcnow(), await Firm.load()
        sends_at = now + dt.timedelta(seconds=firm.undo_seconds)
        fresh = await engine.raw(
            "UPDATE opening SET started_at = $2, sends_at = $3 WHERE id = $1 AND started_at IS NULL RETURNING id",
            self.id, now, sends_at,
        )  # fmt: skip
        if not fresh:
            return
        expires_at = sends_at + dt.timedelta(days=self.days_of(firm))
        if self.is_on_paper:
            people = await paper.hand_out(self.id, now, expires_at, by.user.id)
        else:
            people = await sending.invite(self.id, now, sends_at, expires_at, by.user.id)
        if not people:
            raise Refused("", Say("Er is niemand die een uitnodiging kan krijgen."))
        await save(self, started_at=now, sends_at=sends_at, people=people)
        await by.note("Opening.start", self, {"people": people})
        await touch("rollout", "users", "mail", f"opening-{self.id}")
        wake()

    @operation(Permission.OPEN_GATES, trail=False)
    async def undo(self, *, by: Viewer) -> Undone:
        """Withdraw what has not left yet: people are again what they were, and the links they had before live again."""
        if self.started_at is None:
            raise Refused("", Say("Deze poort is nog niet geopend."))
        if self.undone_at is not None:
            return Undone(0, 0)
        now = utcnow()
        way = paper if self.is_on_paper else sending
        withdrawn = await way.withdraw(self.id, self.started_at, now, by.user.id)
        if not withdrawn and self.is_on_paper:
            raise Refused("", Say("Te laat: alle {n} codes zijn al afgedrukt. Ze blijven geldig.", n=self.people))
        if not withdrawn:
            raise Refused(
                "", Say("Te laat: alle {n} uitnodigingen zijn al verstuurd. De links blijven geldig.", n=self.people)
            )
        outcome = Undone(withdrawn, self.people - withdrawn)
        await save(self, undone_at=now)
        await by.note("Opening.undo", self, {"withdrawn": outcome.withdrawn, "sent": outcome.sent})
        await touch("rollout", "users", "mail", f"opening-{self.id}")
        return outcome

    @operation(Permission.OPEN_GATES, trail=False)
    async def choose(self, *, again: bool, only_ready: bool, days: int | None = None, by: Viewer) -> None:
        """Settle who of the chosen people get a mail, by what they are at this moment; and how long it is valid."""
        if self.started_at is not None:
            raise Refused("", Say("Deze poort is al geopend."))
        if days is not None and not 1 <= days <= LONGEST:
            raise Refused("days", Say("Vul een heel getal in van {least} tot en met {most}.", least=1, most=LONGEST))
        firm = await Firm.load()
        chosen = self.days if days is None else 0 if days == firm.invitation_days else days
        await save(self, again=again, only_ready=only_ready, days=chosen)
        await sending.settle(self.id, again=again, only_ready=only_ready, paper=self.is_on_paper, firm=firm)

    @operation(Permission.OPEN_GATES, trail=False)
    async def print_codes(self, *, by: Viewer) -> list[dict[str, Any]]:
        """The next codes that were not printed yet, each shown this once: code, full_name, expires_at."""
        if self.started_at is None or not self.is_on_paper or self.undone_at is not None:
            raise Refused("", Say("Hier zijn geen codes om af te drukken."))
        if self.seconds_left:
            raise Refused("", Say("Wacht tot het openen niet meer ongedaan gemaakt kan worden."))
        slips = await codes.take_to_print(self.id, paper.SHEET)
        if not slips:
            raise Refused("", Say("Alle codes zijn al afgedrukt."))
        await by.note("Opening.print_codes", self, {"count": len(slips)})
        await touch(f"opening-{self.id}", "rollout")
        return slips

    @operation(Permission.OPEN_GATES)
    async def send_again(self, person: int, *, by: Viewer) -> None:
        """A fresh link for somebody whose mail was refused or never opened; the earlier link dies."""
        from models.signing_in import new_link

        chosen = await engine.raw(
            "SELECT 1 AS one FROM opening_person WHERE opening = $1 AND person = $2 AND because = ''", self.id, person
        )
        user = await by.users.get(person)
        if not chosen or self.started_at is None or user.state != "invited" or not user.email:
            raise Refused("", Say("Deze gebruiker kan nu geen nieuwe uitnodiging krijgen."))
        await sending.give_up_waiting(person, utcnow())
        await new_link(user, "invitation", opening=self.id, days=self.days)
        await touch("rollout", "mail", f"opening-{self.id}", f"user-{person}")


class OpeningPerson(Owned, Table, tablename="opening_person"):
    """Somebody who was chosen for an opening; what he was before, so that it can be undone, and why he got no mail."""

    opening = ForeignKey(Opening, null=False, on_delete=OnDelete.cascade)
    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade, index=True)
    because = Varchar(length=10, default="", help_text="Why no mail goes to him: one of LEFT_OUT, or ''.")
    was_state = Varchar(length=8, default="")
    was_invited_at = Timestamptz(null=True, default=None)

    opening_person_unique = Unique([opening, person])

    EXPORTS = Export(Say("Uitgenodigd bij het openen"), by=("person",))
    ERASES = Erase(ground=NUMBER_ONLY)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.opening.is_in(Opening.select(Opening.id).where(Opening.visible_to(viewer)))


class StepMark(Owned, Table, tablename="step_mark"):
    """A step that no data can tell (staff instructed, portal announced), ticked by a person."""

    step = Varchar(length=30)
    marked_by = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null)
    marked_at = Timestamptz()

    step_mark_unique = Unique([step])

    EXPORTS = Export(Say("Afgevinkte stappen"), by=("marked_by",))
    ERASES = Erase(ground=NUMBER_ONLY)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id > 0 if viewer.is_staff else cls.id < 0
