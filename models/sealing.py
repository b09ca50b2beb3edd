"""The chain over the trail: each line is bound to the one before it, so that a line that was changed, taken out or put in
between is found; and anchors, kept outside by mail, by which a tail that was cut off is found.

Lines are written without a link (see `audit`), because a chain that every writer must wait for would hold up everybody.
Within seconds the worker seals them: it gives each committed line the next place and the link

    SHA-256 of the UTF-8 text  ["place", "previous link", id, "at", person, "operation", "record_table", record_id, client, "detail hash"]

as JSON without spaces, `at` in UTC as 2026-11-23T10:00:00.000000+00:00, and `detail hash` the SHA-256 of the detail as it is
kept. The first line's previous link is 64 zeros. Because the detail goes in by its hash, a detail can be emptied when
somebody's data are erased, and the chain still holds; who emptied it stands on the trail itself.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from piccolo.columns import BigInt, Boolean, Integer, Timestamptz, Varchar
from piccolo.constraints import Unique
from piccolo.table import Table

from models import engine
from models.core import Owned, Say
from models.outbox import Kind, ask
from models.sealing_ddl import ERASED

if TYPE_CHECKING:
    from models.viewer import Viewer

BEGIN = "0" * 64
_BATCH = 2_000
_LOOK_BACK = (
    20_000  # ids: a line that was committed after later ones is still found by the sealer; `verify` looks at all
)
_WEEK = dt.timedelta(days=7)
_ANCHOR = re.compile(r"(\d{1,15})\s*[-–:]\s*([0-9a-fA-F]{16,64})")


class TrailSeal(Owned, Table, tablename="trail_seal"):
    """The place of one line of the trail in the chain."""

    place = BigInt(help_text="1, 2, 3, … without gaps")
    line = Integer(help_text="id of the line; no foreign key: a line that is gone must be missed, not forgotten")
    detail_hash = Varchar(length=64)
    link = Varchar(length=64)

    trail_seal_place_unique = Unique([place])
    trail_seal_line_unique = Unique([line])

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id > 0 if viewer.is_staff and viewer.may("view_trail") else cls.id < 0


class TrailAnchor(Owned, Table, tablename="trail_anchor"):
    """How far the chain was at a moment, as it was mailed to the administrators."""

    at = Timestamptz()
    place = BigInt()
    link = Varchar(length=64)
    is_mailed = Boolean(default=False)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id > 0 if viewer.is_staff and viewer.may("view_trail") else cls.id < 0

    @property
    def text(self) -> str:
        return anchor_text(self.place, self.link)


class Anchor(NamedTuple):
    """A place in the chain and (the beginning of) the link that stood there."""

    place: int
    link: str


def anchor_text(place: int, link: str) -> str:
    """As it stands in the mail and is typed back: the place and half of the link (128 bits)."""
    return f"{place}-{link[:32]}"


def anchor_in(typed: str) -> Anchor | None:
    """The anchor in a text that somebody pasted, perhaps with words around it."""
    found = _ANCHOR.search(typed)
    return Anchor(int(found[1]), found[2].lower()) if found else None


def link_of(place: int, previous: str, line: dict[str, Any], detail_hash: str) -> str:
    parts = [
        place, previous, line["id"], line["at"].astimezone(dt.UTC).isoformat(timespec="microseconds"), line["person"],
        line["operation"], line["record_table"], line["record_id"], line["client"], detail_hash,
    ]  # fmt: skip
    return _sha256(json.dumps(parts, ensure_ascii=False, separators=(",", ":")))


async def seal() -> int:
    """Give every committed line that has no place yet the next one; how many. Safe from two workers: one of them waits."""
    sealed = 0
    while await _unsealed(1, _LOOK_BACK):  # looked at first: a unit of writing makes others wait
        sealed += await engine.run_writing(lambda: _seal_some(_LOOK_BACK))
    return sealed


async def seal_all() -> int:
    """As `seal`, over the whole trail: also lines from before the chain, or put in with an id of long ago."""
    sealed = await seal()
    while await _unsealed(1, None):
        sealed += await engine.run_writing(lambda: _seal_some(None))
    return sealed


async def _seal_some(look_back: int | None) -> int:
    last = await _last()
    rows = await _unsealed(_BATCH, look_back)
    place, link = (last["place"], last["link"]) if last else (0, BEGIN)
    fresh = []
    for line in rows:
        place += 1
        detail_hash = _sha256(line["detail"])
        link = link_of(place, link, line, detail_hash)
        fresh.append((place, line["id"], detail_hash, link))
    if fresh:
        await engine.copy_rows("trail_seal", ("place", "line", "detail_hash", "link"), fresh)
    return len(fresh)


async def _unsealed(most: int, look_back: int | None) -> list[dict[str, Any]]:
    reach = ""
    if look_back is not None:
        reach = f"t.id > coalesce((SELECT max(line) FROM trail_seal), 0) - {int(look_back)} AND"
    return await engine.raw(
        f"{_LINES} FROM trail t WHERE {reach} NOT EXISTS (SELECT 1 FROM trail_seal s WHERE s.line = t.id) "
        f"ORDER BY t.id LIMIT {int(most)}"
    )


_LINES = "SELECT t.id, t.at, t.person, t.operation, t.record_table, t.record_id, t.client, t.detail"


async def _last() -> dict[str, Any] | None:
    rows = await engine.raw("SELECT place, link FROM trail_seal ORDER BY place DESC LIMIT 1")
    return rows[0] if rows else None


# verifying


@dataclass
class Verdict:
    """What was found: how many lines hold, the first that does not (`broken`), and what the anchors say."""

    lines: int = 0
    until: dt.datetime | None = None
    link: str = BEGIN
    emptied: int = 0
    broken: Say | None = None
    anchors: list[tuple[Anchor, Say | None]] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return self.broken is None and not any(why for _, why in self.anchors)

    @property
    def why(self) -> Say | None:
        """The first thing that is wrong."""
        return self.broken or next((why for _, why in self.anchors if why), None)

    @property
    def said(self) -> Say:
        if self.why:
            return self.why
        if self.anchors:
            return Say(
                "Het logboek is heel: {n} regels, en alle {anchors} ankers kloppen. Er is niets gewijzigd, ingevoegd of afgeknipt.",
                n=self.lines,
                anchors=len(self.anchors),
            )
        return Say(
            "De keten is heel: {n} regels. Of het einde is afgeknipt, ziet u alleen met een anker uit uw mail.",
            n=self.lines,
        )


async def verify(anchors: list[Anchor] | None = None, progress: Any = None) -> Verdict:
    """Walk the whole chain, in bounded memory. `anchors` come from outside, beside those that the database still has.

    `progress(done, total)` is told now and then.
    """
    await seal_all()
    known = await engine.raw("SELECT place, link FROM trail_anchor ORDER BY place")
    asked = [*(anchors or []), *(Anchor(int(row["place"]), row["link"]) for row in known)]
    wanted = {one.place for one in asked}
    at: dict[int, str] = {}
    verdict, emptied, told = Verdict(), [], set[int]()
    total = int((await engine.raw("SELECT count(*) AS n FROM trail_seal"))[0]["n"])
    async for row in _chain():
        if why := _broken(row, verdict.lines + 1, verdict.link):
            verdict.broken = why
            break
        verdict.lines, verdict.link, verdict.until = row["place"], row["link"], row["at"]
        if row["detail"] == ERASED and _sha256(ERASED) != row["detail_hash"]:
            emptied.append(row["id"])
        elif row["operation"] == "Privacy.erase_lines":
            told |= set(json.loads(row["detail"]).get("lines", []))
        if row["place"] in wanted:
            at[row["place"]] = row["link"]
        if progress and row["place"] % 5_000 == 0:
            await progress(row["place"], total)
    verdict.emptied = len(emptied)
    if not verdict.broken and (unsaid := set(emptied) - told):
        verdict.broken = Say("Regel {line} is leeggemaakt zonder dat het in het logboek staat.", line=min(unsaid))
    if not verdict.broken:
        verdict.anchors = [(one, _against(one, at, verdict)) for one in dict.fromkeys(asked)]
    return verdict


async def _chain() -> AsyncIterator[dict[str, Any]]:
    place = 0
    while True:
        rows = await engine.raw(
            "SELECT s.place, s.line, s.detail_hash, s.link, t.id, t.at, t.person, t.operation, t.record_table, t.record_id, t.client, t.detail "
            "FROM trail_seal s LEFT JOIN trail t ON t.id = s.line WHERE s.place > $1 ORDER BY s.place LIMIT 2000",
            place,
        )
        if not rows:
            return
        for row in rows:
            yield row
        place = rows[-1]["place"]


def _broken(row: dict[str, Any], place: int, previous: str) -> Say | None:
    if row["place"] != place:
        return Say("Er ontbreekt iets vóór plaats {place} van de keten.", place=row["place"])
    if row["id"] is None:
        return Say("Regel {line} (plaats {place}) is weggehaald.", line=row["line"], place=place)
    if row["detail"] != ERASED and _sha256(row["detail"]) != row["detail_hash"]:
        return _changed(row)
    return None if link_of(place, previous, row, row["detail_hash"]) == row["link"] else _changed(row)


def _changed(row: dict[str, Any]) -> Say:
    when = f"{row['at'].astimezone(dt.UTC):%d-%m-%Y %H:%M} UTC"
    return Say("Regel {line} (plaats {place}, {when}) is gewijzigd of van plaats verwisseld.", line=row["id"], place=row["place"], when=when)  # fmt: skip


def _against(anchor: Anchor, at: dict[int, str], verdict: Verdict) -> Say | None:
    if anchor.place == 0 or at.get(anchor.place, "").startswith(anchor.link):
        return None
    if anchor.place > verdict.lines:
        return Say(
            "Het einde is afgeknipt: volgens het anker waren er {there} regels, nu zijn het er {now}.",
            there=anchor.place,
            now=verdict.lines,
        )
    return Say("Het logboek is tot plaats {place} een ander dan toen het anker werd gemaakt.", place=anchor.place)


# anchors


async def anchor_when_due(now: dt.datetime) -> bool:
    """Once a week: write down how far the chain is, and mail it to every administrator."""
    rows = await engine.raw("SELECT max(id) AS id FROM trail_anchor WHERE at > $1", now - _WEEK)
    if rows[0]["id"] is not None:
        return False
    return await engine.run_writing(lambda: _anchor(now))


async def _anchor(now: dt.datetime) -> bool:
    last = await _last()
    again = await engine.raw("SELECT 1 AS one FROM trail_anchor WHERE at > $1 LIMIT 1", now - _WEEK)
    if last is None or again:
        return False
    people = await engine.raw(
        "SELECT id FROM users WHERE kind = 'staff' AND role = 'administrator' AND state = 'active' AND email <> ''"
    )
    anchor = TrailAnchor(at=now, place=last["place"], link=last["link"], is_mailed=bool(people))
    await anchor.save()
    for row in people:
        await ask(Kind.TRAIL_ANCHOR, anchor.id, person=row["id"], anchor=anchor.text, lines=anchor.place)
    return True


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
