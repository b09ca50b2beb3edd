"""Retention classes: how long what kind of papers is kept, counted from when, and on which ground (dutch.md 8)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from piccolo.columns import Integer, Varchar
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from models import engine
from models.core import Owned, Refused, Say, Scope, fold, operation, save
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

ANCHORS: dict[str, Say] = {
    "book_year": Say("einde van het boekjaar"),
    "employment": Say("einde van het dienstverband"),
    "relation": Say("einde van de relatie met de cliënt"),
    "first_use": Say("einde van het jaar van eerste gebruik"),
    "upload": Say("de dag waarop het stuk is ontvangen"),
}

# name, months, anchor, ground; as the law has it in the Netherlands
STARTER = (
    ("Administratie", 84, "book_year", "Art. 52 AWR en art. 2:10 BW: zeven jaar"),
    ("Onroerende zaken (btw)", 120, "first_use", "Art. 34a Wet OB: negen jaar na het jaar van eerste gebruik"),
    ("Loonadministratie", 84, "book_year", "Art. 52 AWR: zeven jaar"),
    ("Loonbelastingverklaring en kopie identiteitsbewijs", 60, "employment", "Art. 66 Uitvoeringsregeling LB: vijf jaar na het dienstverband"),
    ("Personeelsstukken zonder fiscaal belang", 24, "employment", "AVG: ten hoogste twee jaar na vertrek"),
    ("Wwft-cliëntonderzoek", 60, "relation", "Art. 33 Wwft: vijf jaar na het einde van de relatie"),
)  # fmt: skip


class RetentionClass(Owned, Table, tablename="retention_class"):
    """A kind of papers with its term."""

    name = Varchar(length=120)
    name_key = Varchar(length=240)
    months = Integer(help_text="the term")
    anchor = Varchar(length=10, help_text="from when it is counted: one of ANCHORS")
    ground = Varchar(length=300, default="", help_text="why: the law, as the answer to a request for erasure names it")

    retention_class_name_unique = Unique([name_key])
    retention_class_anchor_known = Check("anchor IN ('book_year', 'employment', 'relation', 'first_use', 'upload')")

    IS_SEEDED = True

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id > 0 if viewer.is_staff else cls.id < 0

    @operation(Permission.MANAGE_SETTINGS, trail=False)
    async def change(self, name: str, months: int, anchor: str, ground: str, *, by: Viewer) -> None:
        values = await _checked(name, months, anchor, ground, but=self.id)
        moved = {key: value for key, value in values.items() if getattr(self, key) != value and key != "name_key"}
        if moved:
            before = {key: getattr(self, key) for key in moved}
            await save(self, **values)
            await by.note("RetentionClass.change", self, {"name": self.name, "before": before, "after": moved})

    @operation(Permission.MANAGE_SETTINGS, trail=False)
    async def remove(self, *, by: Viewer) -> None:  # type: ignore[override]
        await by.note("RetentionClass.remove", self, {"name": self.name})
        await RetentionClass.delete().where(RetentionClass.id == self.id)


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def add_class(
    found: Scope[RetentionClass], name: str, months: int, anchor: str, ground: str, *, by: Viewer
) -> RetentionClass:
    one = RetentionClass(**await _checked(name, months, anchor, ground))
    await one.save()
    await by.note("RetentionClass.add", one, {"name": one.name})
    return one


async def classes() -> list[dict[str, Any]]:
    """Every class: id, name, months, anchor, ground."""
    return await engine.raw("SELECT id, name, months, anchor, ground FROM retention_class ORDER BY name_key")


def until(months: int, since: dt.date) -> dt.date:
    """The last day of a term: of a year it is counted from the end of that year."""
    year, month = divmod(since.year * 12 + since.month - 1 + months, 12)
    last = (dt.date(year + (month == 11), (month + 1) % 12 + 1, 1) - dt.timedelta(days=1)).day
    return dt.date(year, month + 1, min(since.day, last))


async def _checked(name: str, months: int, anchor: str, ground: str, but: int = 0) -> dict[str, Any]:
    name, ground = " ".join(name.split()), " ".join(ground.split())
    if not name:
        raise Refused("name", Say("Vul een naam in."))
    for field, text, most in (("name", name, 120), ("ground", ground, 300)):
        if len(text) > most:
            raise Refused(field, Say("Dit is {n} tekens; er passen er {most}.", n=len(text), most=most))
    if not 1 <= months <= 600:
        raise Refused("months", Say("Vul een heel getal in van {least} tot en met {most}.", least=1, most=600))
    if anchor not in ANCHORS:
        raise Refused("anchor", Say("Kies een van de mogelijkheden."))
    if await RetentionClass.exists().where((RetentionClass.name_key == fold(name)) & (RetentionClass.id != but)):
        raise Refused("name", Say("Er is al een bewaartermijn “{name}”.", name=name))
    return {"name": name, "name_key": fold(name), "months": months, "anchor": anchor, "ground": ground}
