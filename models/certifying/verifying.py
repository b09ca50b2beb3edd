"""Whether the proof of approvals is whole: of one request with its files and seal, or of all of them, in bounded memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from models import engine
from models.approvals.record import BEGIN, FIELDS, link_of
from models.certifying import chaining
from models.certifying.completing import is_whole
from models.certifying.facts import Facts, facts_of
from models.certifying.records import ApprovalSeal
from models.certifying.tying import Named, not_approved, unnamed, untied
from models.core import Say
from models.sealing import Anchor

Told = Callable[[int, int], Awaitable[None]]
_PAGE = 5_000
_COLUMNS = ", ".join(f"r.{name}" for name in ("client", *FIELDS))


@dataclass
class Verdict:
    """How many records were found to hold, of how many requests; the first thing that is `broken`; and how far the chain over
    all of them goes."""

    records: int = 0
    requests: int = 0
    places: int = 0
    link: str = BEGIN
    samples: int = 0
    broken: Say | None = None

    @property
    def holds(self) -> bool:
        return self.broken is None

    @property
    def said(self) -> Say:
        if self.broken:
            return self.broken
        if self.samples:
            return Say(
                "Het bewijs is heel: {records} handelingen van {requests} accorderingen. Er is niets gewijzigd of ingevoegd, en van echte cliënten niets afgeknipt. Van {samples} handelingen bij voorbeeldcliënten is niet na te gaan of het einde eraf is.",
                records=self.records, requests=self.requests, samples=self.samples,
            )  # fmt: skip
        return Say(
            "Het bewijs is heel: {records} handelingen van {requests} accorderingen. Er is niets gewijzigd, ingevoegd of afgeknipt.",
            records=self.records, requests=self.requests,
        )  # fmt: skip


@dataclass
class OfRequest:
    """One request: its record, whether each file is as it was, and its seal (see signing.Seen)."""

    records: int = 0
    broken: Say | None = None
    files: list[tuple[str, bool]] = field(default_factory=list)
    sealed: bool = False
    seal: Any = None

    @property
    def holds(self) -> bool:
        return self.why is None

    @property
    def why(self) -> Say | None:
        """The first thing that is wrong."""
        if self.broken:
            return self.broken
        for name, whole in self.files:
            if not whole:
                return Say("“{name}” is in de opslag niet meer wat het was, of ontbreekt.", name=name)
        if self.sealed and (self.seal is None or not self.seal.covers):
            return Say("Het zegel op de akkoordverklaring klopt niet meer.")
        return None


class _Walk:
    """Follows the records of requests in their order; says of the first that does not fit what is wrong with it."""

    def __init__(self) -> None:
        self.request, self.number, self.link = 0, 0, BEGIN
        self.records = self.requests = 0
        self.named: list[Named] = []  # of each request that was followed; the last may go on

    def follow(self, rows: list[dict[str, Any]]) -> Say | None:
        for row in rows:
            if row["request"] != self.request:
                self.request, self.number, self.link = row["request"], 0, BEGIN
                self.requests += 1
                self.named.append(Named(row["request"]))
            if row["number"] != self.number + 1:
                return Say("Van accordering {request} ontbreekt handeling {number}.", request=row["request"], number=self.number + 1)  # fmt: skip
            if row["previous"] != self.link or link_of(row) != row["link"]:
                return Say("Handeling {number} van accordering {request} is gewijzigd of van plaats verwisseld.", number=row["number"], request=row["request"])  # fmt: skip
            self.number, self.link = row["number"], row["link"]
            self.records += 1
            self.named[-1].follow(row)
        return None

    def finished(self, *, at_end: bool = False) -> list[Named]:
        """Those whose records were all followed, once each."""
        keep = 0 if at_end else 1
        done, self.named = self.named[: len(self.named) - keep], self.named[len(self.named) - keep :]
        return done


async def verify(request_id: int) -> OfRequest:
    """Outside every unit: reads all its files. Raises Missing."""
    seals = await ApprovalSeal.objects().where(ApprovalSeal.request == request_id).order_by(ApprovalSeal.number)
    return await verify_these(await facts_of(request_id), seals)


async def verify_these(facts: Facts, seals: Sequence[ApprovalSeal]) -> OfRequest:
    """As `verify`, of what was read already; the seals in the order of their numbers."""
    found, walk = OfRequest(), _Walk()
    found.broken = walk.follow(facts.acts) or _in_seals(facts, seals)
    sealed = [{"request": one.request, "digest": one.digest, "chain_number": one.chain_number} for one in seals]
    found.broken = found.broken or await _tied(walk.finished(at_end=True) or [Named(facts.request["id"])], sealed)
    found.records = walk.records
    found.files = [(part["name"], await is_whole(part["sha256"])) for part in facts.parts if part["blob"]]
    if seals:
        found.sealed = True
        found.seal = await _seen(seals[-1].sha256, seals[-1].digest)
    return found


async def broken_in(facts: Facts) -> Say | None:
    """What is wrong with a record, or with what stands beside it, before the office puts its seal on it. Outside every unit."""
    walk = _Walk()
    if broken := walk.follow(facts.acts):
        return broken
    [named] = walk.finished(at_end=True) or [Named(facts.request["id"])]
    if not named.is_approved:
        return not_approved(named.request)
    async with engine.reading():
        found = await untied([named], but_seals=True)
    return found[1] if found else None


def _in_seals(facts: Facts, seals: Sequence[ApprovalSeal]) -> Say | None:
    """The record must still be as it stood in every certificate that was sealed."""
    links = {act["number"]: act["link"] for act in facts.acts}
    for seal in seals:
        if seal.chain_number and links.get(seal.chain_number) != seal.chain_link:
            return _other(facts.request["id"], seal.chain_number)
    return None


def _other(request: int, number: int) -> Say:
    return Say("Het bewijs van accordering {request} is tot handeling {number} een ander dan in de verzegelde akkoordverklaring.", request=request, number=number)  # fmt: skip


async def _seen(sha256: str, digest: str) -> Any:
    from models.certifying import signing
    from models.storage import storage

    if not sha256 or sha256 != digest or not await is_whole(sha256):
        return None
    return await signing.look(await storage().read(sha256))


async def verify_all(progress: Told | None = None, anchors: Sequence[Anchor] = ()) -> Verdict:
    """Walk every record, some thousands in memory at a time. `progress(done, total)` is told now and then. `anchors` are last places
    that were kept outside, as the command prints them: with one a cut-off end is found also where the trail was cut along with it."""
    await chaining.chain_all()
    verdict, walk = Verdict(), _Walk()
    loose: Say | None = None  # said after what is wrong with the chain itself, which says more
    total = int((await engine.raw("SELECT count(*) AS n FROM approval_record"))[0]["n"])
    async for rows in _records():
        verdict.broken = await asyncio.to_thread(walk.follow, rows)
        verdict.records, verdict.requests = walk.records, walk.requests
        if verdict.broken:
            return verdict
        loose = loose or await _tied(walk.finished())
        if progress:
            await progress(walk.records, 2 * total)
    loose = loose or await _tied(walk.finished(at_end=True))
    verdict.broken = await _of_all(verdict, total, progress, anchors) or await _against_seals() or loose
    verdict.broken = verdict.broken or await unnamed() or await _damaged()
    verdict.samples = int((await engine.raw(_OF_SAMPLES, True))[0]["n"])
    return verdict


# They have no place in the chain over all: what was invented goes again.
_OF_SAMPLES = (
    "SELECT count(*) AS n FROM approval_record r WHERE r.client IN (SELECT id FROM client WHERE is_sample = $1)"
)


async def _damaged() -> Say | None:
    """A document of which it is known already that the storage has it no more as it was. Reading them all is not done here: that is
    done all the time, some at a time (see keeping.rehashing), and of one request by its own page."""
    rows = await engine.raw(
        "SELECT d.name, d.request FROM approval_document d JOIN file_check f ON f.hash = d.blob WHERE d.blob <> '' AND f.state IN ('broken', 'missing') "
        "ORDER BY d.id LIMIT 1"
    )
    if not rows:
        return None
    return Say("“{name}” van accordering {request} is in de opslag niet meer wat het was, of ontbreekt.", **rows[0])


async def _tied(named: Sequence[Named], sealed: list[dict[str, Any]] | None = None) -> Say | None:
    """What contradicts the record is looked at once more, all of it at one moment: something may just have been done."""
    while named and (found := await untied(named, sealed=sealed)):
        async with engine.reading():
            rows = await engine.raw(f"SELECT r.link, {_COLUMNS} FROM approval_record r WHERE r.request = $1 ORDER BY r.number", found[0])  # fmt: skip
            fresh = Named(found[0])
            for row in rows:
                fresh.follow(row)
            if still := await untied([fresh]):
                return still[1]
        named = [one for one in named if one.request != found[0]]
    return None


async def _records() -> AsyncIterator[list[dict[str, Any]]]:
    request = number = 0
    while True:
        rows = await engine.raw(
            f"SELECT r.link, {_COLUMNS} FROM approval_record r WHERE (r.request, r.number) > ($1, $2) ORDER BY r.request, r.number LIMIT {_PAGE}",
            request, number,
        )  # fmt: skip
        if not rows:
            return
        yield rows
        request, number = rows[-1]["request"], rows[-1]["number"]


async def _of_all(verdict: Verdict, total: int, progress: Told | None, anchors: Sequence[Anchor]) -> Say | None:
    """The chain over all of them, beside what the trail says of how far it was, and what was kept outside."""
    heads, kept = _heads(), {one.place: one.link for one in anchors}
    head = await anext(heads, None)
    place = 0
    while True:
        rows = await engine.raw(
            "SELECT p.place, p.record, p.link, r.link AS its FROM proof_place p LEFT JOIN approval_record r ON r.id = p.record "
            f"WHERE p.place > $1 ORDER BY p.place LIMIT {_PAGE}",
            place,
        )
        for row in rows:
            if why := _misplaced(row, place + 1, verdict.link):
                return why
            place, verdict.link = row["place"], row["link"]
            if not row["link"].startswith(kept.get(place, "")):
                return Say("Het bewijs is tot plaats {place} een ander dan toen deze laatste plaats werd bewaard.", place=place)  # fmt: skip
            while head is not None and head[0] <= place:
                if head[0] == place and head[1] != row["link"]:
                    return Say("Het bewijs is tot plaats {place} een ander dan toen het in het logboek werd vastgelegd.", place=place)  # fmt: skip
                head = await anext(heads, None)
        verdict.places = place
        if not rows:
            break
        if progress:
            await progress(total + min(place, total), 2 * total)
    if (furthest := max(kept, default=0)) > place:
        return Say("Het einde van het bewijs is afgeknipt: volgens de bewaarde plaats waren er {there} handelingen, nu zijn het er {now}.", there=furthest, now=place)  # fmt: skip
    if head is not None:
        return Say("Het einde van het bewijs is afgeknipt: volgens het logboek waren er {there} handelingen, nu zijn het er {now}.", there=head[0], now=place)  # fmt: skip
    return None


def _misplaced(row: dict[str, Any], place: int, previous: str) -> Say | None:
    if row["place"] != place:
        return Say("Er ontbreekt iets vóór plaats {place} van de keten over al het bewijs.", place=row["place"])
    if row["its"] is None:
        return Say("Een handeling (plaats {place} van de keten over al het bewijs) is weggehaald.", place=place)
    if chaining.link_of(place, previous, row["record"], row["its"]) != row["link"]:
        return Say(
            "De handeling op plaats {place} van de keten over al het bewijs is een andere dan toen.", place=place
        )
    return None


async def _heads() -> AsyncIterator[tuple[int, str]]:
    """Place and link as the trail has them, in the order in which they were written."""
    last = 0
    while True:
        rows = await engine.raw(
            "SELECT id, detail FROM trail WHERE operation = $1 AND id > $2 ORDER BY id LIMIT 1000", chaining.TOLD, last
        )
        for row in rows:
            told = json.loads(row["detail"])
            yield int(told["place"]), str(told["link"])
        if not rows:
            return
        last = rows[-1]["id"]


async def _against_seals() -> Say | None:
    """As `_in_seals`, of all at once."""
    rows = await engine.raw(
        "SELECT s.request, s.chain_number FROM approval_seal s LEFT JOIN approval_record r ON r.request = s.request AND r.number = s.chain_number "
        "WHERE s.chain_number > 0 AND (r.link IS NULL OR r.link <> s.chain_link) ORDER BY s.request LIMIT 1"
    )
    return _other(rows[0]["request"], rows[0]["chain_number"]) if rows else None
