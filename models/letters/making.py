"""Making a batch: the letters are drawn with fresh secrets in memory, sealed, and in one unit secrets and batch come to live.

Before that unit nothing of them exists but a sealed file that no batch speaks of: who is killed at any moment leaves no PIN
that works, and the work begun again makes all anew. After it there is no half: each letter holds the one PIN that lives.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from models import branding, config, engine, pins
from models.accounts import User, codes
from models.accounts.blocking import listed
from models.accounts.lists import note_people
from models.audit import Trail
from models.core import Refused, Say, Scope, operation, save
from models.letters import choosing, sealed, wording
from models.letters.choosing import Choice, Chosen, Recipient
from models.letters.records import LetterBatch, LetterTemplate
from models.letters.saying import Activation, Head, Letter, TooLong
from models.letters.templates import content_of, words_of
from models.live import touch
from models.settings import Firm, utcnow
from models.storage import Missing, StorageDown, storage
from models.tasks import Cancelled, Progress, Task, start, work
from models.viewer import Permission, Viewer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.letters.drawing import Sheet

ZONE = ZoneInfo("Europe/Amsterdam")
AT_ONCE = 100  # letters between two looks at the clock
TRIES = 3
NOBODY = Say("Er is niemand aan wie een brief kan gaan.")
MOVED = Say("Intussen is er iets gewijzigd: de brieven zouden aan anderen of naar een ander adres gaan. Bekijk de lijst opnieuw.")  # fmt: skip


@operation(Permission.PRINT_PINS, trail=False)
async def make_batch(
    batches: Scope[LetterBatch], template: LetterTemplate, choice: Choice, *, seen: str, by: Viewer
) -> LetterBatch:
    """Letters to everybody who was shown (`seen`: Chosen.version); they are drawn by the worker.

    Raises:
        Refused: nobody to write to, or others than were shown.
    """
    if template.activates:
        by.require(Permission.OPEN_GATES)
    found = await choosing.chosen(by, template.kind, choice)
    if not found.letters:
        raise Refused("", NOBODY)
    if found.version != seen:
        raise Refused("", MOVED)
    return await _begin(template, content_of(template), found, choice, by)


async def reissue(people: Sequence[int], kind: str, by: Viewer) -> str:
    """A batch for people whose PIN was just ended, in the same unit (see pins.letters_come_from); the address of its page. Those to
    whom no letter can go are left in the list of who has none."""
    waiting = await engine.raw(
        f"SELECT DISTINCT batch FROM letter WHERE kind = $1 AND state = 'ready' AND person IN {listed(2)} ORDER BY batch",
        kind, json.dumps(list(people)),
    )  # fmt: skip
    if waiting:
        numbers = ", ".join(str(row["batch"]) for row in waiting)
        raise Refused("", Say("Voor een van deze mensen ligt er al een brief klaar in partij {numbers}. Print of annuleer die eerst.", numbers=numbers))  # fmt: skip
    choice = Choice("person", person=people[0]) if len(people) == 1 else Choice("people", people=tuple(people))
    template = await LetterTemplate.objects().where(LetterTemplate.kind == kind).order_by(LetterTemplate.id).first()
    found = await choosing.chosen(by, kind, choice)
    if template is None or not found.letters:
        return "/letters/new?how=person&person=" + str(people[0]) if len(people) == 1 else ""
    content = content_of(template)
    content["activates"] = content["activates"] and by.may(Permission.OPEN_GATES)
    return f"/letters/{(await _begin(template, content, found, choice, by)).id}"


async def make_for_same(batch: LetterBatch, people: Sequence[int], by: Viewer) -> LetterBatch:
    """Another for the people of one that was cancelled just now: by its template as it is now, else as it was. Refused when no letter
    can go to any of them."""
    template = (
        await LetterTemplate.objects()
        .where((LetterTemplate.name == batch.template_name) & (LetterTemplate.kind == batch.kind))
        .first()
    )
    content = content_of(template) if template else json.loads(batch.content)
    content["activates"] = content["activates"] and by.may(Permission.OPEN_GATES)
    choice = Choice("person", person=people[0]) if len(people) == 1 else Choice("people", people=tuple(people))
    found = await choosing.chosen(by, batch.kind, choice)
    if not found.letters:
        raise Refused("", NOBODY)
    return await _begin(
        template or LetterTemplate(name=batch.template_name, kind=batch.kind), content, found, choice, by
    )


async def _begin(
    template: LetterTemplate, content: dict[str, Any], found: Chosen, choice: Choice, by: Viewer
) -> LetterBatch:
    now = utcnow()
    batch = LetterBatch(
        template_name=template.name, kind=template.kind, content=json.dumps(content, ensure_ascii=False),
        chosen=choice.as_json(), dated_on=office_day(), made_by=by.user.id, made_at=now, letters=len(found.letters),
    )  # fmt: skip
    await batch.save()
    await engine.copy_rows(
        "letter",
        ("batch", "person", "client", "kind", "state", "page", "recipient", "address", "place", "language", "was_prepared", "dropped_why"),
        [
            (batch.id, one.person, one.client, template.kind, "making", 0, one.name[:400], json.dumps(one.lines, ensure_ascii=False),
             one.order[:1000], one.language, one.state == "prepared", "")
            for one in found.letters
        ],
    )  # fmt: skip
    task = await start("make_letters", batch.id, by=by, total=len(found.letters))
    await save(batch, task=task.id)
    await by.note("LetterBatch.make", batch, {"count": len(found.letters), "kind": template.kind, "how": choice.how})
    await _touch(batch.id)
    return batch


def office_day() -> dt.date:
    """The day it is where the office is."""
    return utcnow().astimezone(ZONE).date()


async def _touch(batch: int) -> None:
    await touch("letters", f"letters-{batch}", "rollout")


@dataclass
class _Made:
    """What waits in memory for the one unit. None of it is shown when somebody prints this object."""

    prepared: list[pins.Prepared] = field(default_factory=list, repr=False)
    codes: dict[int, str] = field(default_factory=dict, repr=False)
    pages: dict[int, int] = field(default_factory=dict)
    pdf: bytes = field(default=b"", repr=False)


class _Again(Exception):
    """Somebody lost his right to approve while the letters were drawn."""


@work("make_letters")
async def make_letters(task: Task, progress: Progress) -> dict[str, Any]:
    """Begun again it makes everything anew; a batch that is ready already stays as it is."""
    try:
        for _ in range(TRIES):
            batch = await _batch_of(task)
            if batch is None or batch.state != "making":
                return {"letters": batch.letters if batch else 0}
            try:
                return await _make(batch, task, progress)
            except _Again:
                continue
        raise Refused("", MOVED)
    except Cancelled:
        await engine.run_writing(lambda: _stopped(task))
        raise


async def _batch_of(task: Task) -> LetterBatch | None:
    found = (
        await LetterBatch.objects().where((LetterBatch.id == task.subject_id) & (LetterBatch.task == task.id)).first()
    )
    return found


async def _make(batch: LetterBatch, task: Task, progress: Progress) -> dict[str, Any]:
    pressed = await _Press.set_up(batch, task)
    if not pressed.people:
        raise Refused("", NOBODY)
    made = await pressed.run(progress)
    sha256 = hashlib.sha256(made.pdf).hexdigest()
    stored = await sealed.keep(made.pdf, sha256)
    values = {"pages": len(made.pages), "sha256": sha256, "size": len(made.pdf), "stored": stored}
    try:
        await engine.run_writing(lambda: _come_to_live(batch, task, made, values, pressed.until))
    except BaseException:
        await asyncio.shield(sealed.forget([stored]))
        raise
    return {"letters": len(made.pages)}


class _Press:
    """All that is asked of the database beforehand, and the drawing."""

    def __init__(self, batch: LetterBatch, firms: dict[int | None, Firm], heads: list[Head], people: list[tuple[int, Recipient, tuple[str, ...]]], until: dt.datetime) -> None:  # fmt: skip
        self.batch, self.firms, self.heads, self.people, self.until = batch, firms, heads, people, until
        self.content = batch.text
        self.head_of = {office: number for number, office in enumerate(firms)}
        self.portal = config.settings().base_url

    @classmethod
    async def set_up(cls, batch: LetterBatch, task: Task) -> _Press:
        async with engine.reading():
            user = await User.objects().where(User.id == task.owner).first()
            assert user is not None
            rows = await engine.raw(
                "SELECT id, person, address FROM letter WHERE batch = $1 AND state = 'making' ORDER BY place, recipient, person",
                batch.id,
            )
            known = await choosing.among(Viewer(user), batch.kind, [row["person"] for row in rows])
            people = [
                (row["id"], known[row["person"]], tuple(json.loads(row["address"])))
                for row in rows
                if row["person"] in known
            ]
            firms = await firms_of({one.office for _, one, _ in people})
            days = firms[None].invitation_days
        return cls(batch, firms, await heads_of(firms), people, utcnow() + dt.timedelta(days=days))

    async def run(self, progress: Progress) -> _Made:
        """The next secrets are hashed on other cores while these letters are drawn."""
        from models.letters.drawing import Sheet

        made, content = _Made(), self.content
        sheet = await asyncio.to_thread(
            Sheet, self.heads, content["envelope"], content["offset_x"] / 10, content["offset_y"] / 10
        )
        parts = [self.people[at : at + AT_ONCE] for at in range(0, len(self.people), AT_ONCE)]
        coming = asyncio.ensure_future(self._prepare(parts[0]))
        try:
            for number, part in enumerate(parts):
                prepared = await coming
                if number + 1 < len(parts):
                    coming = asyncio.ensure_future(self._prepare(parts[number + 1]))
                await asyncio.to_thread(self._draw, sheet, part, prepared, made)
                await progress.report(len(made.pages), len(self.people))
        finally:
            coming.cancel()
        made.pdf = await asyncio.to_thread(sheet.finish)
        return made

    async def _prepare(self, part: Sequence[tuple[int, Recipient, tuple[str, ...]]]) -> list[pins.Prepared]:
        return await pins.prepare([one.person for _, one, _ in part], self.batch.kind)

    def _draw(self, sheet: Sheet, part: Sequence[tuple[int, Recipient, tuple[str, ...]]], prepared: list[pins.Prepared], made: _Made) -> None:  # fmt: skip
        for (letter, one, lines), secret in zip(part, prepared, strict=True):
            assert secret.person == one.person
            code = codes.new_code() if self.content["activates"] and one.state in ("prepared", "invited") else ""
            try:
                sheet.add(self._letter(one, lines, secret.clear, code, len(made.pages) + 1))
            except TooLong as error:
                raise Refused("", Say("De brief aan {name} past niet op één bladzijde. Maak de tekst korter.", name=one.name)) from error  # fmt: skip
            made.pages[letter] = len(made.pages) + 1
            made.prepared.append(secret)
            if code:
                made.codes[one.person] = code

    def _letter(self, one: Recipient, lines: tuple[str, ...], secrets: tuple[str, ...], code: str, page: int) -> Letter:
        firm = self.firms.get(one.office) or self.firms[None]
        return letter_to(
            self.content, one, firm, lines=lines, secrets=secrets, code=code, day=self.batch.dated_on, until=self.until,
            head=self.head_of.get(one.office, 0), reference=f"{self.batch.id}-{page}", portal=self.portal,
        )  # fmt: skip


def letter_to(content: dict[str, Any], one: Recipient, firm: Firm, *, lines: tuple[str, ...], secrets: tuple[str, ...], code: str,
              day: dt.date, until: dt.datetime, portal: str, head: int = 0, reference: str = "", sample: bool = False) -> Letter:  # fmt: skip
    """One letter with everything filled in."""
    values = wording.values_of(
        language=one.language, formal=one.formal, greeting=one.greeting, name=one.whole_name or one.name, firm=firm,
        client=one.client_name, clients=list(one.names), portal=portal, day=day,
    )  # fmt: skip
    subject, text = words_of(content, one.language)
    activation = None
    if code:
        last = wording.written(until.astimezone(ZONE).date(), one.language)
        activation = Activation(codes.written(code), f"{portal}/activate" if sample else codes.address_of(code), wording.shown(f"{portal}/activate"), last)  # fmt: skip
    return Letter(
        address=lines, dated=wording.dated(firm, day, one.language), subject=wording.filled(subject, values),
        body=wording.filled(text, values), secrets=secrets, kind=content["kind"], language=one.language, reference=reference,
        head=head, activation=activation, sample=sample,
    )  # fmt: skip


async def firms_of(offices: set[int | None]) -> dict[int | None, Firm]:
    """The firm (None) and, by id, as clients of each of these branch offices know it."""
    firm = await Firm.load()
    rows = await engine.raw("SELECT * FROM office") if any(offices) else []
    return {None: firm} | {row["id"]: firm.shown_as(row) for row in rows if row["id"] in offices}


async def heads_of(firms: dict[int | None, Firm]) -> list[Head]:
    """Their letterheads, in the same order. A logo that the storage does not give is left out: the name stands there."""
    heads = []
    for firm in firms.values():
        lines = [firm.street, f"{firm.postcode} {firm.place}".strip(), firm.phone, firm.email]
        logo = b""
        if firm.logo:
            try:
                logo = await storage().read(firm.logo)
            except (Missing, StorageDown):
                logo = b""
        heads.append(Head(firm.name or "Poort", tuple(line for line in lines if line), branding.of(firm.brand).ink_light, logo))  # fmt: skip
    return heads


# the one unit in which it all comes to live


async def _come_to_live(
    batch: LetterBatch, task: Task, made: _Made, values: dict[str, Any], until: dt.datetime
) -> None:
    now = utcnow()
    present = await _batch_of(task)
    if present is None or present.state != "making":
        raise Cancelled
    people = [one.person for one in made.prepared]
    if not set(people) <= await choosing.still_approve(batch.id):
        raise _Again
    letters = {row["person"]: row["id"] for row in await _rows(batch.id, "making")}
    await pins.store(made.prepared, {one: letters[one] for one in people}, by_person=task.owner)
    await _activate(batch, made.codes, now, until, task.owner)
    await _number(made.pages)
    await engine.raw(
        "UPDATE letter SET state = 'cancelled', dropped_why = 'left' WHERE batch = $1 AND page = 0", batch.id
    )
    await engine.raw("UPDATE letter SET state = 'ready' WHERE batch = $1 AND state = 'making'", batch.id)
    await save(present, state="ready", ready_at=now, letters=len(made.pages), **values)
    await Trail.write("LetterBatch.ready", present, detail={"count": len(made.pages), "sha256": values["sha256"]})
    await _touch(batch.id)


async def _rows(batch: int, state: str) -> list[dict[str, Any]]:
    return await engine.raw("SELECT id, person FROM letter WHERE batch = $1 AND state = $2", batch, state)


async def _number(pages: dict[int, int]) -> None:
    """Which page each letter is. In one statement: they are numbered in the order in which they were drawn."""
    pairs = json.dumps([[letter, page] for letter, page in pages.items()])
    if engine.is_sqlite():
        source = (
            "(SELECT json_extract(value, '$[0]') AS letter, json_extract(value, '$[1]') AS page FROM json_each($1))"
        )
    else:
        source = (
            "(SELECT CAST(value->>0 AS INTEGER) AS letter, CAST(value->>1 AS INTEGER) AS page "
            "FROM json_array_elements(CAST($1 AS json)))"
        )
    await engine.raw(f"UPDATE letter SET page = v.page FROM {source} v WHERE letter.id = v.letter", pairs)


async def _activate(batch: LetterBatch, fresh: dict[int, str], now: dt.datetime, until: dt.datetime, by: int) -> None:
    """Codes on paper, as an opening makes them: an earlier one dies, who was only prepared is invited."""
    if not fresh:
        return
    people = list(fresh)
    await codes.end_codes(people, now, "replaced")
    await engine.copy_rows(
        "activation_code",
        ("person", "code_hash", "sealed", "created_at", "expires_at", "printed_at", "ended_why"),
        [(one, codes.digests(code)[0], "", now, until, now, "") for one, code in fresh.items()],
    )
    await engine.raw(
        "UPDATE letter SET activation = (SELECT max(k.id) FROM activation_code k WHERE k.person = letter.person AND k.ended_at IS NULL) "
        f"WHERE batch = $1 AND person IN {listed(2)}",
        batch.id, json.dumps(people),
    )  # fmt: skip
    await engine.raw(
        f"UPDATE users SET state = 'invited', invited_at = $1 WHERE state = 'prepared' AND id IN {listed(2)}",
        now, json.dumps(people),
    )  # fmt: skip
    await note_people(
        "User.make_code", f"SELECT person FROM letter WHERE batch = {int(batch.id)} AND activation IS NOT NULL", by, now
    )
    await touch("users")


async def _stopped(task: Task) -> None:
    batch = await _batch_of(task)
    if batch is not None and batch.state == "making":
        await end_batch(batch, "stopped")


async def end_batch(batch: LetterBatch, why: str, *, by_person: int | None = None) -> None:
    """In a unit: it will not be printed. What stands in it works no more, its file goes."""
    from models.letters.register import drop_file

    now = utcnow()
    await _kill(batch, now, by_person)
    await engine.raw(
        "UPDATE letter SET state = 'cancelled' WHERE batch = $1 AND state IN ('making', 'ready')", batch.id
    )
    await drop_file(batch, state="cancelled", cancelled_at=now, cancelled_why=why)
    await _touch(batch.id)


async def _kill(batch: LetterBatch, now: dt.datetime, by_person: int | None) -> None:
    rows = await engine.raw(
        f"SELECT k.person FROM pin k JOIN letter l ON l.id = k.letter WHERE l.batch = $1 AND k.state IN {pins.LIVING}",
        batch.id,
    )
    await pins.end([row["person"] for row in rows], batch.kind, by_person=by_person, note="Pin.cancel")
    back = await engine.raw(
        "UPDATE activation_code SET ended_at = $2, ended_why = 'withdrawn' WHERE ended_at IS NULL AND used_at IS NULL "
        "AND id IN (SELECT l.activation FROM letter l WHERE l.batch = $1) RETURNING person",
        batch.id, now,
    )  # fmt: skip
    await engine.raw(
        "UPDATE users SET state = 'prepared', invited_at = NULL WHERE state = 'invited' AND id IN (SELECT l.person FROM letter l "
        f"WHERE l.batch = $1 AND l.was_prepared) AND id IN {listed(2)}",
        batch.id, json.dumps([row["person"] for row in back]),
    )  # fmt: skip


@operation(Permission.PRINT_PINS, trail=False)
async def make_again(batch: LetterBatch, *, by: Viewer) -> None:
    """The work on it broke off: it is begun anew, with fresh secrets."""
    task = await Task.objects().where(Task.id == batch.task).first() if batch.task else None
    if batch.state != "making" or (task and task.is_busy):
        raise Refused("", Say("Deze partij wordt al gemaakt, of is al klaar."))
    fresh = await start("make_letters", batch.id, by=by, total=batch.letters)
    await save(batch, task=fresh.id)
    await by.note("LetterBatch.make_again", batch, {"count": batch.letters})
    await _touch(batch.id)
