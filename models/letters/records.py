"""The tables of letters: templates, batches, and each letter of a batch with the address as it was printed.

A batch goes making > ready > printed (a person says that it came out of the printer whole) > posted; before printing it can be
cancelled. What stands in it in secret is in none of these tables: only in the file, which is sealed (`sealed`) and soon gone.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from piccolo.columns import BigInt, Boolean, Date, ForeignKey, Integer, OnDelete, SmallInt, Text, Timestamptz, Varchar
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from models.accounts import User
from models.clients import Client
from models.core import Owned, Say
from models.personal import NUMBER_ONLY, Erase, Export
from models.tasks import Task
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

KINDS = ("pin", "codes")
STATES = ("making", "ready", "printed", "posted", "cancelled")


def may_print(viewer: Viewer) -> bool:
    return viewer.is_staff and viewer.may(Permission.PRINT_PINS)


class LetterTemplate(Owned, Table, tablename="letter_template"):
    """What a letter says, in both languages, and for which envelope it is laid out. English that is '' is written in Dutch."""

    name = Varchar(length=120)
    name_key = Varchar(length=240)
    kind = Varchar(length=5, default="pin", help_text="pin, or codes: a numbered list")
    subject_nl = Varchar(length=120, default="")
    text_nl = Text(default="")
    portal_nl = Text(default="", help_text="The paragraph that announces the portal, after the text.")
    subject_en = Varchar(length=120, default="")
    text_en = Text(default="")
    portal_en = Text(default="")
    announces = Boolean(default=False, help_text="Whether the portal is announced in the same letter.")
    activates = Boolean(default=False, help_text="Whether who has no login yet finds a code that activates it.")
    envelope = Varchar(length=8, default="c5_left", help_text="see windows.WINDOWS")
    offset_x = SmallInt(default=0, help_text="Tenths of a millimetre by which the address is moved to the right.")
    offset_y = SmallInt(default=0, help_text="… downwards.")
    version = Integer(default=1)
    changed_at = Timestamptz(null=True, default=None)

    letter_template_name_unique = Unique([name_key])
    letter_template_kind_known = Check("kind IN ('pin', 'codes')")

    IS_SEEDED = True

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id > 0 if may_print(viewer) else cls.id < 0


class LetterBatch(Owned, Table, tablename="letter_batch"):
    """Letters that are printed together, with the text as it was when they were made."""

    template_name = Varchar(length=120)
    kind = Varchar(length=5)
    content = Text(default="{}", help_text="JSON: the template as it was (see templates.CONTENT)")
    chosen = Text(default="{}", help_text="JSON: who was asked for (see choosing.Choice)")
    state = Varchar(length=9, default="making", index=True)
    dated_on = Date(help_text="The date in the letters.")
    made_by = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null)
    made_at = Timestamptz()
    task = ForeignKey(Task, null=True, default=None, on_delete=OnDelete.set_null)
    letters = Integer(default=0)
    pages = Integer(default=0)
    sha256 = Varchar(length=64, default="", help_text="Of the PDF as it was printed.")
    size = BigInt(default=0, help_text="Bytes of the PDF.")
    stored = Varchar(length=64, default="", help_text="The sealed file in the storage; '' once it is gone.")
    ready_at = Timestamptz(null=True, default=None)
    gone_at = Timestamptz(null=True, default=None, help_text="When the file was deleted.")
    downloads = Integer(default=0)
    downloaded_at = Timestamptz(null=True, default=None)
    printed_at = Timestamptz(null=True, default=None)
    printed_by = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null)
    posted_on = Date(null=True, default=None)
    cancelled_at = Timestamptz(null=True, default=None)
    cancelled_why = Varchar(
        length=9, default="", help_text="person, stopped (the work was) or expired (nobody printed it)"
    )

    is_sample = Boolean(default=False)

    letter_batch_state_known = Check("state IN ('making', 'ready', 'printed', 'posted', 'cancelled')")
    letter_batch_kind_known = Check("kind IN ('pin', 'codes')")
    letter_batch_ready_is_summed = Check("state IN ('making', 'cancelled') OR sha256 <> ''")
    letter_batch_file_while_ready = Check("stored = '' OR state = 'ready'")

    EXPORTS = Export(Say("Partijen brieven"), by=("made_by", "printed_by"), hidden=("content", "chosen", "stored"))
    ERASES = Erase(ground=NUMBER_ONLY)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        """Of who may print: all, where he sees every client; else his own batches."""
        if not may_print(viewer):
            return cls.id < 0
        return cls.id > 0 if viewer.sees_all_clients else cls.made_by == viewer.user.id

    @property
    def text(self) -> dict[str, Any]:
        return dict(json.loads(self.content))


class PinLetter(Owned, Table, tablename="letter"):
    """One letter: to whom, and the address as it is printed. The PIN in it is `Pin.letter`."""

    batch = ForeignKey(LetterBatch, null=False, on_delete=OnDelete.cascade)
    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade, index=True)
    client = ForeignKey(Client, null=True, default=None, on_delete=OnDelete.set_null, help_text="whose address it is")
    kind = Varchar(length=5)
    state = Varchar(length=9, default="making", help_text="as its batch, or returned")
    page = Integer(default=0, help_text="In the PDF, from 1; 0 until it is made.")
    recipient = Varchar(length=400, default="")
    address = Text(default="[]", help_text="JSON: the lines in the window")
    place = Varchar(length=1000, default="", help_text="By which letters are sorted.")
    language = Varchar(length=2, default="nl")
    activation = Integer(null=True, default=None, help_text="The activation code that stands in it.")
    was_prepared = Boolean(default=False, help_text="Whether that code invited him, so that cancelling takes it back.")
    dropped_why = Varchar(length=9, default="", help_text="left: he had no right to approve any more when it was made")
    returned_at = Timestamptz(null=True, default=None)
    returned_by = Integer(null=True, default=None, help_text="The colleague who noted that.")

    letter_unique = Unique([batch, person])
    letter_state_known = Check("state IN ('making', 'ready', 'printed', 'posted', 'returned', 'cancelled')")

    EXPORTS = Export(Say("Pincodebrieven"), by=("person",), hidden=("place",))
    ERASES = Erase(blanks={"recipient": "", "address": "[]", "place": ""})

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        if not may_print(viewer):
            return cls.id < 0
        return cls.batch.is_in(
            LetterBatch.select(LetterBatch.id).where(LetterBatch.visible_to(viewer))
        ) & cls.person.is_in(User.select(User.id).where(User.visible_to(viewer)))

    @property
    def lines(self) -> list[str]:
        return list(json.loads(self.address))
