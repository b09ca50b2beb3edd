"""The tables of bulk acts: one row for the whole, and one for every record that was chosen."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from piccolo.columns import ForeignKey, Integer, OnDelete, Text, Timestamptz, Varchar
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from models.accounts import User
from models.core import Owned, Say
from models.personal import NUMBER_ONLY, Erase, Export

if TYPE_CHECKING:
    from models.bulk.kinds import BulkKind
    from models.viewer import Viewer


class BulkAct(Owned, Table, tablename="bulk_act"):
    """One change to many records. The records are frozen when they are chosen: what was shown is what is carried out."""

    kind = Varchar(length=30)
    about = Varchar(length=7, help_text="clients or users")
    params = Text(default="{}", help_text="JSON: what was chosen to happen, with the names that the trail keeps")
    selection = Text(default="{}", help_text="JSON: how they were chosen, to be read by people")
    owner = ForeignKey(User, null=False, on_delete=OnDelete.cascade, index=True)
    state = Varchar(length=8, default="draft")
    chosen = Integer(default=0)
    counts = Text(
        default="", help_text="JSON: fate > how many, at the look beforehand; '' until it is known what happens"
    )
    task = Integer(null=True, default=None, help_text="The long work that carries it out or undoes it.")
    created_at = Timestamptz()
    started_at = Timestamptz(null=True, default=None)
    finished_at = Timestamptz(null=True, default=None)
    undone_at = Timestamptz(null=True, default=None)

    bulk_act_state_known = Check("state IN ('draft', 'busy', 'done', 'undoing', 'undone')")

    EXPORTS = Export(Say("Bewerkingen"), by=("owner",), hidden=("selection", "params"))
    ERASES = Erase(ground=NUMBER_ONLY)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        """One's own; who sees all clients also sees what colleagues did."""
        return cls.id > 0 if viewer.is_staff and viewer.sees_all_clients else cls.owner == viewer.user.id

    @property
    def what(self) -> BulkKind:
        from models.bulk.kinds import KINDS

        return KINDS[self.kind]

    @property
    def asked(self) -> dict[str, Any]:
        return dict(json.loads(self.params))

    @property
    def numbers(self) -> dict[str, int] | None:
        """Of the look beforehand; None while it is not known yet what is to happen."""
        return dict(json.loads(self.counts)) if self.counts else None


class BulkRow(Owned, Table, tablename="bulk_row"):
    """What happens to one record: `fate` will, already, refused > done, moved (it had changed since) > undone, stayed."""

    act = ForeignKey(BulkAct, null=False, on_delete=OnDelete.cascade)
    record = Integer()
    label = Varchar(length=400, default="")
    fate = Varchar(length=8, default="")
    why = Varchar(length=20, default="")
    before = Text(default="", help_text="The value as the kind of act writes it down.")
    after = Text(default="")
    made = Integer(null=True, default=None, help_text="The user that came into being by it.")

    bulk_row_unique = Unique([act, record])

    EXPORTS = Export(
        Say("Regels van bewerkingen"), where="act IN (SELECT id FROM bulk_act WHERE about = 'users') AND record = {id}"
    )
    ERASES = Erase(blanks={"label": "", "before": "", "after": ""})

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.act.is_in(BulkAct.select(BulkAct.id).where(BulkAct.visible_to(viewer)))
