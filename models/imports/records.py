"""An import and its rows: the uploaded file, the plan that the dry run made, and what the commit did."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from piccolo.columns import ForeignKey, Integer, OnDelete, Text, Timestamptz, Varchar
from piccolo.constraints import Check
from piccolo.table import Table

from models.accounts import User
from models.core import Owned, Refused, Say, Scope, operation, save
from models.imports.lexicon import CHOICES, FIELDS, KINDS, WORKBOOK
from models.live import touch
from models.personal import NUMBER_ONLY, Erase, Export
from models.settings import Firm, utcnow
from models.tasks import Task, start
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

MOST_BYTES = 100 * 1024 * 1024
BUSY = ("planning", "committing", "undoing")


class Import(Owned, Table, tablename="import_batch"):
    kind = Varchar(length=10, default="", help_text="One of lexicon.KINDS, or workbook: several sheets at once.")
    state = Varchar(length=10, default="uploaded")
    file_name = Varchar(length=255)
    sha256 = Varchar(length=64)
    size = Integer(default=0)
    sheet = Varchar(length=120, default="", help_text="The chosen sheet of a workbook.")
    mapping = Text(default="{}", help_text="JSON: column index > field")
    options = Text(default="{}", help_text="JSON: header row, encoding, what to do with contacts")
    counts = Text(default="{}", help_text="JSON: new, changed, unchanged, refused")
    problem = Text(default="", help_text="JSON of a Say: why it could not go on")
    plan_hash = Varchar(
        length=64, default="", help_text="Digest of the planned rows: the commit carries out exactly these."
    )
    world_hash = Varchar(length=64, default="", help_text="Digest of the records the plan was made against.")
    created_by = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null)
    created_at = Timestamptz()
    committed_at = Timestamptz(null=True, default=None)
    undone_at = Timestamptz(null=True, default=None)

    import_state_known = Check(
        "state IN ('uploaded', 'planning', 'planned', 'committing', 'committed', 'failed', 'undoing', 'undone')"
    )

    EXPORTS = Export(
        Say("Imports"), by=("created_by",), hidden=("sha256", "mapping", "options", "plan_hash", "world_hash")
    )
    ERASES = Erase(ground=NUMBER_ONLY)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        if not viewer.may("import_records"):
            return cls.id < 0
        return cls.id > 0 if viewer.sees_all_clients else cls.created_by == viewer.user.id

    @property
    def chosen(self) -> dict[str, Any]:
        """Of the file: sheets, sheet, header_line, headings, above, samples, notices; and what of plan.CHOICES was chosen."""
        return dict(json.loads(self.options))

    @property
    def columns(self) -> dict[int, str]:
        return {int(column): name for column, name in json.loads(self.mapping).items()}

    @property
    def numbers(self) -> dict[str, Any]:
        counted: dict[str, Any] = json.loads(self.counts)
        return {"new": 0, "changed": 0, "unchanged": 0, "refused": 0, "warned": 0, "rows": 0, "mailed": 0} | counted

    @property
    def said(self) -> Say | None:
        return Say.from_json(json.loads(self.problem)) if self.problem else None

    @property
    def is_busy(self) -> bool:
        return self.state in BUSY

    async def task(self) -> Task | None:
        """The last work that was done for it."""
        kinds = ["plan_import", "commit_import", "undo_import"]
        return (
            await Task.objects()
            .where((Task.subject_id == self.id) & Task.kind.is_in(kinds))
            .order_by(Task.id, ascending=False)
            .first()
        )

    @operation(Permission.IMPORT_RECORDS)
    async def plan(
        self,
        *,
        kind: str = "",
        sheet: str = "",
        header_line: int = 0,
        columns: dict[int, str] | None = None,
        choices: Collection[str] = (),
        parts: list[dict[str, Any]] | None = None,
        by: Viewer,
    ) -> None:
        """Work it out, in the background; nothing is changed by it. What is left out is guessed from the file.

        `parts`, of a workbook, are its sheets: sheet, kind ("": not read), header_line (0: guessed), mapping (column > field, or
        None to guess). `choices`: of lexicon.CHOICES.
        """
        await self._is_free("uploaded", "planned", "failed", "planning")
        if kind and kind not in (*KINDS, WORKBOOK):
            raise Refused("kind", Say("Kies wat er in het bestand staat."))
        for part in parts or []:
            if part["mapping"] is not None and part["kind"]:
                self._can_be(part["kind"], {int(at): name for at, name in part["mapping"].items()})
        if columns is not None:
            self._can_be(kind, columns)
        chosen: dict[str, Any] = {name: name in choices for name in CHOICES}
        chosen["parts"] = parts if kind == WORKBOOK else None
        options = self.chosen | {"header_line": header_line, "asked_sheet": sheet[:120]} | chosen
        await save(
            self,
            state="planning",
            kind=kind,
            mapping=json.dumps(columns or {}),
            options=json.dumps(options, ensure_ascii=False),
            counts="{}",
            problem="",
            plan_hash="",
        )
        await start("plan_import", self.id, by=by)
        await touch("imports", f"import-{self.id}")

    @operation(Permission.IMPORT_RECORDS)
    async def commit(self, plan_hash: str, *, invite: bool = False, by: Viewer) -> None:
        """Carry out exactly the plan that was seen, in the background; `invite`: and mail whom it makes, as was seen."""
        await self._is_free("planned", "committing")
        if plan_hash != self.plan_hash:
            raise Refused("", Say("Het plan is intussen opnieuw gemaakt. Bekijk het nog eens en voer het dan uit."))
        if not self.numbers["new"] + self.numbers["changed"]:
            raise Refused("", Say("Er is niets om uit te voeren: alles staat er al zo, of is geweigerd."))
        if invite and not await self.invitable(by):
            raise Refused(
                "", Say("Nieuwe gebruikers worden intussen niet meer meteen uitgenodigd. Bekijk het plan nog eens.")
            )
        options = json.dumps(self.chosen | {"invite": invite}, ensure_ascii=False)
        await save(self, state="committing", problem="", options=options)
        await start("commit_import", self.id, by=by, total=self.numbers["rows"])
        await touch("imports", f"import-{self.id}")

    async def invitable(self, by: Viewer) -> int:
        """How many people this viewer could have mailed as they are made: nobody where the office invites later."""
        may = by.may(Permission.OPEN_GATES) and not (await Firm.load()).users_without_login
        return int(self.numbers["mailed"]) if may else 0

    @operation(Permission.IMPORT_RECORDS)
    async def undo(self, *, by: Viewer) -> None:
        """Take back what it made and changed, in the background; refused while something depends on it."""
        from models.imports.undo import blockers

        await self._is_free("committed", "undoing")
        found = await blockers(self)
        if found:
            raise Refused("", found[0])
        await save(self, state="undoing", problem="")
        await start("undo_import", self.id, by=by)
        await touch("imports", f"import-{self.id}")

    @operation(Permission.IMPORT_RECORDS, trail=False)
    async def remove(self, *, by: Viewer) -> None:  # type: ignore[override]
        """An import of which nothing was carried out."""
        if self.state not in ("uploaded", "planned", "failed"):
            raise Refused("", Say("Van deze import is al iets uitgevoerd; hij blijft in de lijst staan."))
        await by.note("Import.remove", self, {"name": self.file_name})
        await Import.delete().where(Import.id == self.id)
        await touch("imports")

    async def _is_free(self, *states: str) -> None:
        if self.state not in states:
            raise Refused("", Say("Dat kan niet meer: deze import is intussen verder. Ververs de pagina."))
        if self.is_busy:
            task = await self.task()
            if task is not None and task.is_busy:
                raise Refused("", Say("Deze import is nog bezig."))

    def _can_be(self, kind: str, columns: dict[int, str]) -> None:
        known = {field.name for field in FIELDS.get(kind, ())}  # type: ignore[call-overload]
        if not set(columns.values()) <= known:
            raise Refused("", Say("Kies voor elke kolom een van de velden."))
        twice = {name for name in columns.values() if list(columns.values()).count(name) > 1}
        if twice:
            label = next(Say(field.dutch) for field in FIELDS[kind] if field.name in twice)  # type: ignore[index]
            raise Refused("", Say("“{field}” is voor meer dan één kolom gekozen.", field=label))
        has_name = {"surname", "name"} & set(columns.values())
        for field in FIELDS[kind]:  # type: ignore[index]
            if field.is_required and field.name not in columns.values() and not (field.name == "surname" and has_name):
                raise Refused("", Say("Kies de kolom voor “{field}”.", field=Say(field.dutch)))


@operation(Permission.IMPORT_RECORDS, trail=False)
async def add_import(imports: Scope[Import], *, file_name: str, sha256: str, size: int, by: Viewer) -> Import:
    """A file that is in the storage; it is read and worked out at once, in the background."""
    if size > MOST_BYTES:
        raise Refused(
            "file", Say("Dit bestand is groter dan {most} MB. Splits het in delen.", most=MOST_BYTES // 1024**2)
        )
    record = Import(file_name=file_name[:255], sha256=sha256, size=size, created_by=by.user.id, created_at=utcnow())
    await record.save()
    await by.note("Import.add", record, {"name": file_name[:200]})
    await record.plan(by=by)
    return record


def _told(name: str, value: Any) -> Any:
    return dt.date.fromisoformat(value) if name == "since" and value else value


_IN_THE_LABEL = ("number", "name", "first_name", "initials", "prefix", "surname")


class ImportRow(Owned, Table, tablename="import_row"):
    """What the plan says of one line of the file (a line may carry a client and a contact: two rows)."""

    batch = ForeignKey(Import, null=False, on_delete=OnDelete.cascade)
    line = Integer(help_text="The row number as the spreadsheet program shows it.")
    sheet = Varchar(length=120, default="", help_text="Of a workbook of which several sheets are read.")
    part = Varchar(length=10, help_text="See lexicon.PARTS")
    action = Varchar(length=10, help_text="new, changed, unchanged or refused")
    label = Varchar(length=300, default="")
    record_id = Integer(null=True, default=None)
    content = Text(default="{}", help_text="JSON: the values as they will be written; of a refused row its cells")
    changes = Text(default="{}", help_text="JSON: field > [before, after]")
    reasons = Text(default="[]", help_text="JSON: list of {field, say, with}")

    EXPORTS = Export(
        Say("Regels van imports"),
        where="part = 'user' AND (record_id = {id} OR ({email} <> '' AND lower(content) LIKE {like_email}))",
    )
    ERASES = Erase(blanks={"label": "", "content": "{}", "changes": "{}", "reasons": "[]"})

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        if not viewer.may("import_records"):
            return cls.id < 0
        mine = Import.select(Import.id).where(Import.created_by == viewer.user.id)
        return cls.id > 0 if viewer.sees_all_clients else cls.batch.is_in(mine)

    @property
    def moves(self) -> dict[str, list[Any]]:
        return {name: [_told(name, one) for one in pair] for name, pair in json.loads(self.changes).items()}

    @property
    def given(self) -> dict[str, Any]:
        """Of a new record what will be written besides its number and name, by field."""
        content = json.loads(self.content)
        more = {
            "email": content.get("email"),
            "staff_role": content.get("staff_role"),
            "role": content.get("role"),
            "access": content.get("to"),
            "approver_role": ",".join(content.get("approver_roles", ())),
        }
        values = {**content.get("values", {}), **{name: value for name, value in more.items() if value}}
        return {
            name: _told(name, value)
            for name, value in values.items()
            if value not in (None, "", False) and name not in _IN_THE_LABEL
        }

    @property
    def notes(self) -> list[tuple[str, Say]]:
        return [(note["field"], Say.from_json(note)) for note in json.loads(self.reasons)]
