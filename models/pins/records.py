"""The tables of PINs and of lists of one-time codes: what somebody proves with that it is he who approves.

made > printed > posted > confirmed (by its first use) > blocked; from each of these > replaced; of what was not used yet
> returned (the mail came back). Which moves are legal, the databases know too (models/pins_ddl.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from piccolo.columns import Date, ForeignKey, Integer, OnDelete, SmallInt, Text, Timestamptz, Varchar
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from models.accounts import User
from models.core import Owned, Say
from models.personal import Erase, Export
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

KINDS = ("pin", "codes")
STATES = ("made", "printed", "posted", "confirmed", "blocked", "replaced", "returned")
USABLE = (
    "made",
    "printed",
    "posted",
    "confirmed",
)  # whoever fills in one that is only made holds the letter all the same
LIVING = (*USABLE, "blocked")  # of which a person has one of each kind
TRIES = 5

# Of the PIN `k`: its owner put a passkey in its place, which he still has. He lacks nothing.
BY_PASSKEY = "k.kind = 'pin' AND k.state = 'replaced' AND k.ended_by = k.person AND EXISTS (SELECT 1 FROM users v WHERE v.id = k.person AND v.has_passkey)"


class Pin(Owned, Table, tablename="pin"):
    """A PIN, or a numbered list of codes that each work once. What they are is known only to who has the letter."""

    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade, index=True)
    kind = Varchar(length=5, help_text="pin or codes")
    state = Varchar(length=9, default="made", index=True)
    secret_hash = Text(
        default="", help_text="argon2id over a keyed digest; '' of a list of codes, and of what has died"
    )
    key = Varchar(length=16, help_text="The fingerprint of the key of SECRET_KEY that it was made under.")
    wrong = SmallInt(default=0, help_text="Tries since the last right one, counted before they are judged.")
    tried_at = Timestamptz(null=True, default=None)
    asked = SmallInt(
        default=0, help_text="Of a list: the number that is asked next, until it was used; 0: none is left"
    )
    letter = Integer(null=True, default=None, index=True, help_text="The letter in which it was printed.")
    batch = Integer(null=True, default=None, index=True, help_text="The batch of letters with which it was posted.")
    made_at = Timestamptz()
    made_by = Integer(null=True, default=None, help_text="The colleague who issued it.")
    printed_at = Timestamptz(null=True, default=None)
    posted_on = Date(null=True, default=None)
    confirmed_at = Timestamptz(null=True, default=None, help_text="Its first use: the letter came to the right person.")
    used_at = Timestamptz(null=True, default=None, help_text="Its last right use.")
    used_in = Integer(default=0, help_text="The session of that use; no foreign key: sessions go sooner.")
    blocked_at = Timestamptz(null=True, default=None)
    ended_at = Timestamptz(null=True, default=None, help_text="When it was replaced, or its letter came back.")
    ended_by = Integer(null=True, default=None, help_text="The colleague who did that, or the person himself.")

    pin_kind_known = Check("kind IN ('pin', 'codes')")
    pin_state_known = Check("state IN ('made', 'printed', 'posted', 'confirmed', 'blocked', 'replaced', 'returned')")
    pin_wrong_counted = Check("wrong BETWEEN 0 AND 5")
    pin_posted_on_a_day = Check("state <> 'posted' OR posted_on IS NOT NULL")
    pin_confirmed_at_a_moment = Check("state <> 'confirmed' OR confirmed_at IS NOT NULL")
    pin_blocked_at_a_moment = Check("state <> 'blocked' OR blocked_at IS NOT NULL")
    pin_dead_keeps_nothing = Check(
        "state NOT IN ('replaced', 'returned') OR (ended_at IS NOT NULL AND secret_hash = '')"
    )

    EXPORTS = Export(Say("Pincodes"), by=("person",), hidden=("secret_hash", "key"))
    ERASES = Erase(deletes=True)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        """Of the staff to who may print PINs, for the people he sees; to everybody his own."""
        if not viewer.is_staff:
            return cls.person == viewer.user.id
        if not viewer.may(Permission.PRINT_PINS):
            return cls.id < 0
        return cls.person.is_in(User.select(User.id).where(User.visible_to(viewer)))


class PinCode(Owned, Table, tablename="pin_code"):
    """One code of a list. It is asked by its number and works once."""

    pin = ForeignKey(Pin, null=False, on_delete=OnDelete.cascade)
    number = SmallInt()
    code_hash = Text(help_text="'' once it was used, or the list died")
    used_at = Timestamptz(null=True, default=None)

    pin_code_number_unique = Unique([pin, number])
    pin_code_used_keeps_nothing = Check("used_at IS NULL OR code_hash = ''")

    EXPORTS = Export(
        Say("Codes op een lijst"), where="pin IN (SELECT k.id FROM pin k WHERE k.person = {id})", hidden=("code_hash",)
    )
    ERASES = Erase(deletes=True)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.pin.is_in(Pin.select(Pin.id).where(Pin.visible_to(viewer)))
