"""Which columns of a list are what, kept by a name: the export of a program looks the same every month."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from piccolo.columns import Text, Timestamptz, Varchar
from piccolo.constraints import Unique
from piccolo.table import Table

from models.core import Owned, Refused, Say, Scope, fold, operation
from models.imports.lexicon import FIELDS, KINDS, heading_key
from models.live import touch
from models.settings import utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

MOST = 200


class ImportMapping(Owned, Table, tablename="import_mapping"):
    """By heading, not by place: a column that moved is found again."""

    name = Varchar(length=80)
    name_key = Varchar(length=160)
    kind: Any = Varchar(length=12)
    columns = Text(default="{}", help_text="JSON: heading_key of the column > field")
    created_at = Timestamptz()

    import_mapping_unique = Unique([name_key])

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id > 0 if viewer.may("import_records") else cls.id < 0

    def on(self, headings: list[str]) -> dict[int, str]:
        """Column index > field, for a file with these headings."""
        kept: dict[str, str] = json.loads(self.columns)
        found: dict[int, str] = {}
        for at, heading in enumerate(headings):
            field = kept.get(heading_key(heading))
            if field and field not in found.values():
                found[at] = field
        return found

    def fits(self, headings: list[str]) -> bool:
        """Whether every column that it knows is there."""
        return set(json.loads(self.columns)) <= {heading_key(heading) for heading in headings}

    @operation(Permission.IMPORT_RECORDS, trail=False)
    async def remove(self, *, by: Viewer) -> None:  # type: ignore[override]
        await by.note("ImportMapping.remove", self, {"name": self.name})
        await ImportMapping.delete().where(ImportMapping.id == self.id)
        await touch("imports")


@operation(Permission.IMPORT_RECORDS, trail=False)
async def keep_mapping(
    mappings: Scope[ImportMapping], /, *, name: str, kind: str, headings: list[str], columns: dict[int, str], by: Viewer
) -> ImportMapping:
    """Under this name; one that was kept under it before is replaced."""
    name = " ".join(name.split())[:80]
    known = {field.name for field in FIELDS.get(kind, ())}  # type: ignore[call-overload]
    if not name:
        raise Refused("mapping_name", Say("Vul een naam in."))
    kept = {heading_key(headings[at]): field for at, field in columns.items() if at < len(headings) and field in known}
    kept.pop("", None)
    if kind not in KINDS or not kept:
        raise Refused("mapping_name", Say("Kies eerst wat de kolommen zijn."))
    there = await ImportMapping.objects().where(ImportMapping.name_key == fold(name)).first()
    if there is None and await ImportMapping.count() >= MOST:
        raise Refused("mapping_name", Say("Er zijn er al {most}. Verwijder er eerst een.", most=MOST))
    record = there or ImportMapping(name=name, name_key=fold(name), created_at=utcnow())
    record.name, record.kind, record.columns = name, kind, json.dumps(kept)
    await record.save()
    await by.note("ImportMapping.keep", record, {"name": name})
    await touch("imports")
    return record


async def fitting(kind: str, headings: list[str]) -> ImportMapping | None:
    """The one that knows most of these columns, and misses none of its own; of any kind where that is not known."""
    of_kind = ImportMapping.kind == kind if kind else ImportMapping.kind.is_in(list(KINDS))
    found = await ImportMapping.objects().where(of_kind).order_by(ImportMapping.id, ascending=False)
    fits = [one for one in found if one.fits(headings)]
    return max(fits, key=lambda one: len(json.loads(one.columns)), default=None)


async def kept(viewer: Viewer, kind: str = "") -> list[ImportMapping]:
    """Those for one kind of list, or all."""
    found = ImportMapping.objects().where(ImportMapping.visible_to(viewer))
    if kind:
        found = found.where(ImportMapping.kind == kind)
    rows: list[ImportMapping] = await found.order_by(ImportMapping.name_key)
    return rows
