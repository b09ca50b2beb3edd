"""The tables of placing: one placing with what was chosen for all of it, what was uploaded, and a row for every file."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from piccolo.columns import BigInt, Boolean, ForeignKey, Integer, OnDelete, Text, Timestamptz, Varchar
from piccolo.constraints import Check
from piccolo.table import Table

from models import engine
from models.accounts import User
from models.accounts.blocking import listed
from models.clients import Client
from models.core import Owned, Refused, Say, operation, save
from models.dossiers.documents import DocumentKind
from models.dossiers.dossier import tidy_name
from models.dossiers.folders import NewDocument
from models.dossiers.matching import is_dated, refuse_unknown
from models.dossiers.publishing import PERIODS, tidy_labels
from models.live import touch
from models.personal import NUMBER_ONLY, Erase, Export
from models.settings import utcnow
from models.tasks import Task, start
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

STEP = "›"
KEPT = dt.timedelta(days=30)  # what lies in the bin, since somebody last did something with the placing
REPORT_KEPT = dt.timedelta(days=90)
MOST_FILES = 20_000
BIN = ("unmatched", "left")  # states of files that wait for a decision
BUSY = ("reading", "placing", "undoing")
TASKS = {"reading": "read_placing", "placing": "place_files", "undoing": "undo_placing"}
OFFER_TASKS = {"reading": "read_placing", "placing": "offer_files", "undoing": "undo_offering"}

# What is done with each deviation: the ways to choose from, the first being what is done unless something else is chosen.
CHOICES: dict[str, tuple[str, ...]] = {
    "archived": ("leave", "place"),
    "no_dossier": ("make", "leave"),
    "no_folder": ("make", "leave"),
    "same_name": ("number", "version", "skip", "leave"),
    "same_bytes": ("skip", "place"),
}
NEEDS = {"dossier": Permission.EDIT_DOSSIERS, "approvals": Permission.EDIT_APPROVALS}
OWN = ("target", "kind", "book_year", "period", "labels", "publish", "publish_at", *CHOICES)


class Placing(Owned, Table, tablename="placement"):
    """Files that go to many dossiers at once, and where and how."""

    state = Varchar(length=8, default="open")
    purpose = Varchar(
        length=9, default="dossier", help_text="dossier: into dossiers; approvals: each client is asked to approve"
    )
    created_by = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null, index=True)
    created_at = Timestamptz()
    touched_at = Timestamptz(
        help_text="when somebody last did something with it: the bin is kept for a while after that"
    )
    target = Varchar(length=1000, default="", help_text="names with › between them: Belastingen › {boekjaar}")
    kind = ForeignKey(DocumentKind, null=True, default=None, on_delete=OnDelete.set_null)
    book_year = Integer(null=True, default=None)
    period = Varchar(length=3, default="")
    labels = Varchar(length=500, default="")
    publish = Varchar(length=5, default="draft")
    publish_at = Timestamptz(null=True, default=None)
    archived = Varchar(length=7, default="leave")
    no_dossier = Varchar(length=7, default="make")
    no_folder = Varchar(length=7, default="make")
    same_name = Varchar(length=7, default="number")
    same_bytes = Varchar(length=7, default="skip")
    made = Text(default="[]", help_text="JSON: the folders that were made for it")
    problem = Text(default="", help_text="JSON of a Say: why it could not go on")
    placed_at = Timestamptz(null=True, default=None)
    undone_at = Timestamptz(null=True, default=None)

    placement_state_known = Check("state IN ('open', 'reading', 'placing', 'undoing')")
    placement_publish_known = Check("publish IN ('now', 'at', 'draft')")

    EXPORTS = Export(Say("Plaatsingen van stukken"), by=("created_by",), hidden=("made", "problem"))
    ERASES = Erase(ground=NUMBER_ONLY)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        """One's own; who sees all clients also finds what a colleague left."""
        purposes = [one for one, needs in NEEDS.items() if viewer.is_staff and viewer.may(needs)]
        if not purposes:
            return cls.id < 0
        mine = cls.purpose.is_in(purposes)
        return mine if viewer.sees_all_clients else mine & (cls.created_by == viewer.user.id)

    @property
    def needs(self) -> Permission:
        return NEEDS[self.purpose]

    @property
    def tasks(self) -> dict[str, str]:
        return OFFER_TASKS if self.purpose == "approvals" else TASKS

    @property
    def is_busy(self) -> bool:
        return self.state in BUSY

    @property
    def takes_files(self) -> bool:
        return self.state in ("open", "reading")

    @property
    def said(self) -> Say | None:
        return Say.from_json(json.loads(self.problem)) if self.problem else None

    async def task(self) -> Task | None:
        """The last work that was done for it."""
        found = (Task.subject_id == self.id) & Task.kind.is_in(list(self.tasks.values()))
        return await Task.objects().where(found).order_by(Task.id, ascending=False).first()

    @operation(Permission.OWN_ACCOUNT, trail=False)
    async def add_files(self, files: Sequence[NewDocument], *, by: Viewer) -> int:
        """Files that are in the storage, by name or by path. A ZIP is taken out in the background, the others are matched at once; how many came."""
        by.require(self.needs, self)
        from models.placing.arriving import add_loose, is_archive

        if not self.takes_files:
            raise Refused("files", Say("Deze plaatsing is bezig. Wacht even, of begin een nieuwe."))
        archives = [file for file in files if is_archive(file)]
        await add_loose(self, [file for file in files if file not in archives], by)
        for file in archives:
            await PlacingSource(placement=self.id, name=file.name[-255:], sha256=file.sha256, size=file.size).save()
        reads = bool(archives) or (
            self.purpose == "approvals" and bool(files)
        )  # where each is looked into by the worker
        await save(self, touched_at=utcnow(), problem="", **({"state": "reading"} if reads else {}))
        if reads:
            task = await self.task()
            if task is None or task.state != "waiting" or task.kind != "read_placing":
                await start("read_placing", self.id, by=by, purpose=self.purpose)
        await touch("placing", f"placing-{self.id}")
        return len(files)

    @operation(Permission.EDIT_DOSSIERS, trail=False)
    async def set_up(self, values: dict[str, Any], *, by: Viewer) -> None:
        """Where all of it goes and how: the columns of CHOICES, and target, kind, book_year, period, labels, publish, publish_at."""
        from models.placing.plan import plan_again

        self.refuse_busy()
        await save(self, touched_at=utcnow(), problem="", **await checked(values, by))
        await plan_again(self, by)
        await touch(f"placing-{self.id}")

    @operation(Permission.EDIT_DOSSIERS, trail=False)
    async def set_apart(self, ids: Sequence[int], values: dict[str, Any], *, by: Viewer) -> int:
        """For these files something else than for all; what is left out stays as for all. How many."""
        from models.placing.plan import plan_again

        self.refuse_busy()
        whole = {name: getattr(self, name) for name in OWN}
        checks = await checked(whole | values, by)
        own = {name: checks[name] for name in values}
        rows = await engine.raw(
            f"UPDATE placement_file SET own = $2 WHERE placement = $1 AND state IN ('matched', 'left', 'unmatched') AND id IN {listed(3)} RETURNING id",
            self.id, json.dumps(own, default=str), json.dumps(list(ids)),
        )  # fmt: skip
        await save(self, touched_at=utcnow())
        await plan_again(self, by)
        await touch(f"placing-{self.id}")
        return len(rows)

    @operation(Permission.OWN_ACCOUNT, trail=False)
    async def give(self, ids: Sequence[int], client: int, *, by: Viewer) -> int:
        """These files are of this client (found through the viewer): how many."""
        by.require(self.needs, self)
        from models.placing.plan import plan_again

        self.refuse_busy()
        found = await by.clients.get(client)
        rows = await engine.raw(
            "UPDATE placement_file SET client = $2, state = 'matched', reason = '' WHERE placement = $1 "
            f"AND state IN ('matched', 'left', 'unmatched') AND id IN {listed(3)} RETURNING id",
            self.id, found.id, json.dumps(list(ids)),
        )  # fmt: skip
        await save(self, touched_at=utcnow())
        await plan_again(self, by)
        await touch(f"placing-{self.id}")
        return len(rows)

    @operation(Permission.OWN_ACCOUNT, trail=False)
    async def drop(self, ids: Sequence[int], *, back: bool = False, by: Viewer) -> int:
        """These are not placed; or, with `back`, they are all the same. How many."""
        by.require(self.needs, self)
        from models.placing.plan import plan_again

        self.refuse_busy()
        before, after = ("'dropped'", "CASE WHEN client IS NULL THEN 'unmatched' ELSE 'matched' END") if back else (
            "'matched', 'left', 'unmatched', 'skipped'", "'dropped'",
        )  # fmt: skip
        rows = await engine.raw(
            f"UPDATE placement_file SET state = {after} WHERE placement = $1 AND state IN ({before}) AND id IN {listed(2)} RETURNING id",
            self.id, json.dumps(list(ids)),
        )  # fmt: skip
        await save(self, touched_at=utcnow())
        await plan_again(self, by)
        await touch(f"placing-{self.id}")
        return len(rows)

    @operation(Permission.EDIT_DOSSIERS)
    async def place(self, *, by: Viewer) -> None:
        """What has a client and a place, in the background. What was left before is looked at again."""
        self.refuse_busy()
        await checked({name: getattr(self, name) for name in OWN}, by)
        await engine.raw(
            "UPDATE placement_file SET state = 'matched', reason = '' WHERE placement = $1 AND state = 'left' AND client IS NOT NULL",
            self.id,
        )
        count = await self._count("matched")
        if not count:
            raise Refused("", Say("Er is niets om te plaatsen: geen bestand heeft een cliënt."))
        await save(self, state="placing", problem="", touched_at=utcnow(), undone_at=None)
        await start("place_files", self.id, by=by, total=count)
        await touch("placing", f"placing-{self.id}")

    @operation(Permission.EDIT_DOSSIERS)
    async def undo(self, *, by: Viewer) -> None:
        """What it placed goes to the trash, an earlier version becomes the newest again; what changed since stays."""
        self.refuse_busy()
        count = await self._count("placed")
        if not count:
            raise Refused("", Say("Van deze plaatsing staat niets meer dat ongedaan gemaakt kan worden."))
        await save(self, state="undoing", problem="", touched_at=utcnow())
        await start("undo_placing", self.id, by=by, total=count)
        await touch("placing", f"placing-{self.id}")

    @operation(Permission.OWN_ACCOUNT, trail=False)
    async def go_on(self, *, by: Viewer) -> None:
        """Work that was given up is begun again: nothing of it is done twice."""
        by.require(self.needs, self)
        task = await self.task()
        if not self.is_busy or (task is not None and task.is_busy):
            raise Refused("", Say("Dit werk loopt al, of is klaar."))
        await start(self.tasks[self.state], self.id, by=by)
        await touch(f"placing-{self.id}")

    @operation(Permission.OWN_ACCOUNT, trail=False)
    async def remove(self, *, by: Viewer) -> None:  # type: ignore[override]
        """A placing of which nothing stands in a dossier."""
        by.require(self.needs, self)
        self.refuse_busy()
        if await self._count("placed") + await self._count("kept"):
            raise Refused("", Say("Van deze plaatsing staat al iets in dossiers; zij blijft in de lijst."))
        await Placing.delete().where(Placing.id == self.id)
        await touch("placing")

    async def _count(self, state: str) -> int:
        rows = await engine.raw(
            "SELECT count(*) AS n FROM placement_file WHERE placement = $1 AND state = $2", self.id, state
        )
        return int(rows[0]["n"])

    def refuse_busy(self) -> None:
        if self.is_busy:
            raise Refused("", Say("Deze plaatsing is nog bezig. Wacht tot het klaar is, of stop het werk."))


class PlacingSource(Owned, Table, tablename="placement_source"):
    """A ZIP that was uploaded; its bytes are let go when all that is in it came out."""

    placement = ForeignKey(Placing, null=False, on_delete=OnDelete.cascade, index=True)
    name = Varchar(length=255)
    sha256 = Varchar(length=64, index=True)
    size = BigInt(help_text="bytes")
    is_read = Boolean(default=False)
    problem = Text(default="", help_text="JSON of a Say: why nothing came out")

    EXPORTS = Export(
        Say("Plaatsingen van stukken"), why=Say("Gegevens van cliënten; wie iets plaatste staat in de plaatsing zelf")
    )
    ERASES = Erase(ground=NUMBER_ONLY)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.placement.is_in(Placing.select(Placing.id).where(Placing.visible_to(viewer)))


class PlacingFile(Owned, Table, tablename="placement_file"):
    """A file that came: of which client it is and what becomes of it.

    matched (has a client) > placed, skipped (it was there already) or left (a deviation that somebody has to look at);
    unmatched (no client yet), dropped (not placed), refused (not taken in), kept (placed, and changed before the undo).
    """

    placement = ForeignKey(Placing, null=False, on_delete=OnDelete.cascade)
    source = ForeignKey(PlacingSource, null=True, default=None, on_delete=OnDelete.cascade, index=True)
    path = Varchar(length=1000, help_text="as it was called when it came, with the folders of the ZIP")
    name = Varchar(length=255, help_text="as the document will be called")
    sha256 = Varchar(length=64, default="", index=True)
    size = BigInt(default=0, help_text="bytes")
    mime = Varchar(length=120, default="")
    client = ForeignKey(Client, null=True, default=None, on_delete=OnDelete.set_null, index=True)
    state = Varchar(length=9, default="unmatched")
    deviation = Varchar(length=10, default="", help_text="of CHOICES: what is not as usual, '' when nothing is")
    reason = Text(default="", help_text="JSON of a Say: why it is where it is")
    own = Text(default="{}", help_text="JSON: what was chosen for this one instead of for all, by name of OWN")
    document = Integer(null=True, default=None, help_text="placed: the document that it became")
    version = Integer(null=True, default=None, help_text="placed: and which version of it")
    look = Varchar(
        length=8,
        default="",
        help_text="for approval: fine, locked, bad or other (no PDF); '' before it was looked into",
    )
    pages = Integer(null=True, default=None)
    odd = Text(default="{}", help_text="JSON: for approval, all that deviates, with what there is to say of it")
    request = Integer(null=True, default=None, help_text="placed: the request for approval that it is part of")

    placement_file_state_known = Check(
        "state IN ('unmatched', 'matched', 'left', 'dropped', 'refused', 'placed', 'skipped', 'kept')"
    )

    EXPORTS = Export(
        Say("Plaatsingen van stukken"), why=Say("Gegevens van cliënten; wie iets plaatste staat in de plaatsing zelf")
    )
    ERASES = Erase(ground=NUMBER_ONLY)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.placement.is_in(Placing.select(Placing.id).where(Placing.visible_to(viewer)))


async def begin_placing(*, by: Viewer) -> Placing:
    """A new one without files; what was chosen the last time is chosen again. Owned by no record, so not an operation on one."""
    by.require(Permission.EDIT_DOSSIERS)
    now = utcnow()
    mine = (Placing.created_by == by.user.id) & (Placing.purpose == "dossier")
    last = await Placing.objects().where(mine).order_by(Placing.id, ascending=False).first()
    names = ("target", "kind", "book_year", "labels", *CHOICES)
    chosen = {name: getattr(last, name) for name in names} if last else {}
    placing = Placing(created_by=by.user.id, created_at=now, touched_at=now, **chosen)
    await placing.save()
    await by.note("Placing.begin", placing, {})
    await touch("placing")
    return placing


def steps_of(target: str) -> list[str]:
    """The names on the way to a folder as it was typed, parted by ›, > or /. Raises Refused."""
    names = [
        part for part in target.replace(">", STEP).replace("/", STEP).replace("\x00", "").split(STEP) if part.strip()
    ]
    if len(names) > 8:
        raise Refused("target", Say("Ten hoogste acht mappen diep."))
    try:
        tidied = [tidy_name(name) for name in names]
        for name in tidied:
            refuse_unknown(name)
    except Refused as refused:
        raise Refused("target", refused.why) from refused
    return tidied


async def checked(values: dict[str, Any], by: Viewer) -> dict[str, Any]:
    """The columns as they are kept. Raises Refused beside the field that is wrong."""
    steps = steps_of(str(values["target"]))
    year, kind, publish, at = values["book_year"], values["kind"], values["publish"], values.get("publish_at")
    if isinstance(at, str):
        at = dt.datetime.fromisoformat(at)
    if not steps:
        raise Refused(
            "target",
            Say("Kies naar welke map de stukken gaan, bijvoorbeeld {example}.", example="Belastingen › {boekjaar}"),
        )
    if year is not None and not 1990 <= year <= 2100:
        raise Refused("book_year", Say("Vul een jaar in van {least} tot en met {most}.", least=1990, most=2100))
    if year is None and any(is_dated(step) for step in steps):
        raise Refused("book_year", Say("Vul het boekjaar in: de naam van de map vraagt erom."))
    if kind and not await by.scope(DocumentKind).where(DocumentKind.id == kind).exists():
        raise Refused("kind", Say("Kies een van de mogelijkheden."))
    if values["period"] not in PERIODS:
        raise Refused("period", Say("Kies een van de mogelijkheden."))
    if publish not in ("now", "at", "draft"):
        raise Refused("publish", Say("Kies wanneer cliënten de stukken zien."))
    if publish == "at" and at is None:
        raise Refused("publish_at", Say("Vul een dag en een tijd in."))
    for name, ways in CHOICES.items():
        if values[name] not in ways:
            raise Refused(name, Say("Kies een van de mogelijkheden."))
    return {
        "target": f" {STEP} ".join(steps), "kind": kind or None, "book_year": year, "period": values["period"],
        "labels": ", ".join(tidy_labels(str(values["labels"]))), "publish": publish,
        "publish_at": at if publish == "at" else None, **{name: values[name] for name in CHOICES},
    }  # fmt: skip
