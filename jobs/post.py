"""The post: claims the messages of the outbox, writes them, and hands them to the mail server over several connections."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from jobs import claims, mime, writing
from jobs.smtp import Answer, Fate, Line, Server
from jobs.together import Together
from models import carrying, config, engine, kept_mail, live
from models.approvals.handed_over import note_handed_over
from models.approvals.news import name_lines
from models.carrying import Outcome
from models.clients.tone import informal_among
from models.core import digest
from models.outbox import MAIL_KINDS, Kind
from models.settings import Firm, utcnow

log = logging.getLogger("poort.post")

BATCH = 100
LOOK_SECONDS = 1.0  # between looks in the outbox when nobody wakes us
_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 600.0  # seconds that a dead server is left alone
_AGAIN = (60, 120, 240, 480, 900, 1800, 3600)  # seconds until a message that was put off is offered again, by try


@dataclass(frozen=True)
class Letter:
    """A message ready to go."""

    errand: int
    address: str
    message: bytes
    attempts: int
    opening: int | None


class Post:
    """The mail of one worker. `wake` may be set to look in the outbox at once."""

    def __init__(self, worker: str) -> None:
        settings = config.settings()
        self.worker = worker
        self.wake = asyncio.Event()
        self.server = Server.read(settings.smtp_url) if settings.smtp_url else None
        self.sender = settings.mail_from
        self._ready: asyncio.Queue[Letter] = asyncio.Queue(BATCH)
        self._stopping = False
        self._paused_until = 0.0
        self._pause = _FIRST_PAUSE
        self._changed: set[str] = set()
        self._busy: set[asyncio.Task[Any]] = set()
        self._held: set[int] = set()
        self._begin: Together[tuple[int, int], bool] = Together(self._begin_all)
        self._end: Together[Outcome, None] = Together(self._end_all)

    async def run(self) -> None:
        """Until `stop()`; then what is being handed over is finished and the rest put down."""
        connections = self.server.connections if self.server else 4
        carriers = [asyncio.create_task(self._carry()) for _ in range(connections)]
        beside = [asyncio.create_task(self._tell()), asyncio.create_task(claims.keep(self.worker, self._held))]
        try:
            while not self._stopping:
                await self._round()
        finally:
            self._stopping = True
            while not self._ready.empty():
                self._ready.get_nowait()
            for carrier in carriers:
                self._idle(carrier)
            await asyncio.gather(*carriers, return_exceptions=True)
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            await carrying.put_down(self.worker, MAIL_KINDS)
            await self._tell_once()

    def stop(self) -> None:
        self._stopping = True
        self.wake.set()

    async def _round(self) -> None:
        loop = asyncio.get_running_loop()
        if self._paused_until > loop.time():
            await self._rest(min(self._paused_until - loop.time(), LOOK_SECONDS))
            return
        errands: list[int] = []
        letters: list[Letter] = []
        try:
            errands = await self._claim()
            self._held.update(errands)
            letters = await self._write(errands) if errands else []
        except Exception as error:
            log.exception("the outbox could not be read: %s", type(error).__name__)
            self._held.difference_update(errands)
            await self._rest(LOOK_SECONDS)
            return
        self._held.difference_update({*errands} - {letter.errand for letter in letters})
        for letter in letters:
            await self._put(letter)
        if not errands:
            await self._rest(LOOK_SECONDS)

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.wake.wait(), seconds)
        self.wake.clear()

    async def _put(self, letter: Letter) -> None:
        while not self._stopping:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ready.put(letter), 0.5)
                return

    async def _claim(self) -> list[int]:
        if not await carrying.is_due(MAIL_KINDS):
            return []
        errands = await carrying.claim(self.worker, carrying.URGENT, BATCH)
        if len(errands) < BATCH:
            errands += await carrying.claim(self.worker, (Kind.INVITATION, Kind.CLIENT_NEWS), BATCH - len(errands))
        return errands

    # writing them

    async def _write(self, errands: Sequence[int]) -> list[Letter]:
        async with engine.reading():
            firm = await Firm.load()
            rows = sorted(await carrying.letters(self.worker, errands), key=lambda row: errands.index(row["id"]))
            reached = await writing.reached(rows)
            informal = await informal_among({row["person_id"] for row in rows if row["person_id"]})
            more: dict[int, Any] = {row["id"]: reached.get(row["person_id"]) for row in rows}
            offices = await writing.offices(rows)
            for row in rows:
                row["office_row"] = offices.get(row["office"])
                row["informal"] = row["person_id"] in informal
                if row["kind"] in writing.TELLS:
                    more[row["id"]] = await writing.news(row)
        made: list[tuple[Letter, tuple[int, str, str, str]]] = []
        tokens: list[tuple[int, int, str]] = []
        ended: list[Outcome] = []
        for row in rows:
            await asyncio.sleep(
                0
            )  # composing takes a quarter of a millisecond each: others on the loop have their turn
            if reason := carrying.why_not(row):
                ended.append(Outcome(row["id"], "cancelled", reason.text))
                continue
            try:
                made_one = self._write_one(row, firm, more.get(row["id"]), tokens)
            except UnicodeError:
                ended.append(Outcome(row["id"], "refused", writing.UNKNOWN_LETTERS.text))
                continue
            except Exception as error:
                log.exception("a message could not be composed: %s", type(error).__name__)
                ended.append(Outcome(row["id"], "failed", writing.NOT_COMPOSED.text))
                continue
            if made_one is None:
                ended.append(Outcome(row["id"], "cancelled", carrying.NOTHING.text))
            else:
                made.append(made_one)
        await carrying.address(self.worker, [line for _, line in made], tokens)
        await _name_approvals(rows, more)
        if ended:
            await carrying.conclude(self.worker, ended)
            self._changed |= {"mail", "rollout"}
        return [letter for letter, _ in made]

    def _write_one(
        self, row: dict[str, Any], firm: Firm, told: Any, tokens: list[tuple[int, int, str]]
    ) -> tuple[Letter, tuple[int, str, str, str]] | None:
        address = mime.envelope_address(row["email"])
        token = secrets.token_urlsafe(32) if row["link"] else ""
        firm = firm.shown_as(row["office_row"])
        composed = writing.compose(row, firm, token, told)
        if composed is None:
            return None
        identity = mime.message_id(row["id"], row["created_at"], config.settings().base_url)
        message = mime.build(
            composed, name=writing.name_of(row), address=address, sender_name=firm.sender_name or firm.name or "Poort",
            sender=writing.encoded(firm.sender_address) or self.sender, identity=identity, now=utcnow(),
            reply_to=writing.encoded(firm.reply_to),
        )  # fmt: skip
        if row["link"]:
            tokens.append((row["id"], row["link"], digest(token)))
        letter = Letter(row["id"], address, message, row["attempts"], row["opening"])
        return letter, (row["id"], row["email"], composed.subject, identity)

    # handing them over

    async def _carry(self) -> None:
        line = Line(self.server, self.sender) if self.server else None
        try:
            while not self._stopping:
                try:
                    letter = await asyncio.wait_for(self._ready.get(), 20.0)
                except TimeoutError:
                    if line:
                        await line.close()
                    continue
                await self._hand_over(line, letter)
        finally:
            if line:
                await line.close()

    def _idle(self, carrier: asyncio.Task[None]) -> None:
        """End a carrier that waits for a letter; one that is handing over ends by itself after it."""
        if carrier not in self._busy:
            carrier.cancel()

    async def _hand_over(self, line: Line | None, letter: Letter) -> None:
        me = asyncio.current_task()
        assert me is not None
        self._busy.add(me)
        try:
            if line is None:
                answer = await self._keep(letter)
            else:
                answer = await line.deliver(
                    letter.address, letter.message, lambda: self._begin.add((letter.errand, letter.attempts))
                )
            await self._settle(letter, answer)
        except Exception as error:
            # The database, before DATA: what is not held any more is released (see claims) and comes again.
            log.exception("a message could not be marked: %s", type(error).__name__)
        finally:
            self._busy.discard(me)
            self._held.discard(letter.errand)

    async def _keep(self, letter: Letter) -> Answer:
        """Without a mail server. Writing the same file twice is harmless, so no crash leaves a doubt."""
        try:
            await asyncio.to_thread(kept_mail.keep, letter.errand, letter.message)
        except OSError as error:
            return Answer(Fate.DOWN, f"var/mail: {error.strerror}")
        return Answer(Fate.TAKEN, carrying.KEPT.text)

    async def _settle(self, letter: Letter, answer: Answer) -> None:
        fate = answer.fate
        if fate is Fate.DOWN:
            await self._server_is_down(letter, answer.said)
            return
        if fate is Fate.NOT_NOW:
            pause = _AGAIN[min(letter.attempts, len(_AGAIN)) - 1]
            await carrying.offer_again(
                self.worker, letter.errand, letter.attempts, answer.said, dt.timedelta(seconds=pause)
            )
        elif fate is Fate.STOPPED:
            await self._end.add(Outcome(letter.errand, "cancelled", carrying.GONE.text, letter.attempts))
        else:
            state = {Fate.TAKEN: "done", Fate.REFUSED: "refused", Fate.UNKNOWN: "unknown"}[fate]
            await self._end.add(Outcome(letter.errand, state, answer.said, letter.attempts))
            self._pause = _FIRST_PAUSE
        self._changed |= {"mail", "rollout"} | ({f"opening-{letter.opening}"} if letter.opening else set())

    async def _server_is_down(self, letter: Letter, said: str) -> None:
        """Everything we hold waits, and so do we: longer each time."""
        loop = asyncio.get_running_loop()
        if self._paused_until <= loop.time():
            log.warning("the mail server does not take mail; pausing %d seconds", self._pause)
            self._paused_until = loop.time() + self._pause
            pause = dt.timedelta(seconds=self._pause)
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)
            while not self._ready.empty():
                self._held.discard(self._ready.get_nowait().errand)
            await carrying.offer_all_again(self.worker, said, pause)
        await carrying.offer_again(
            self.worker,
            letter.errand,
            letter.attempts,
            said,
            dt.timedelta(seconds=max(1.0, self._paused_until - loop.time())),
        )
        self._changed |= {"mail"}

    async def _begin_all(self, tries: Sequence[tuple[int, int]]) -> list[bool]:
        begun = await carrying.begin_sending(self.worker, tries)
        return [errand in begun for errand, _ in tries]

    async def _end_all(self, outcomes: Sequence[Outcome]) -> list[None]:
        """Tried until it is written: what the server said must not be lost while we live."""
        pause = 0.1
        while True:
            try:
                await carrying.conclude(self.worker, outcomes)
                return [None] * len(outcomes)
            except Exception as error:
                log.warning("what the mail server said could not be written yet: %s", type(error).__name__)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)

    # saying that something changed

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(0.5)
            await self._tell_once()

    async def _tell_once(self) -> None:
        topics, self._changed = self._changed, set()
        if topics:
            with suppress(Exception):  # a chore finds what is not on the record yet
                await note_handed_over()
            try:
                await engine.run_writing(lambda: live.touch(*sorted(topics)))
            except Exception:
                self._changed |= topics


async def _name_approvals(rows: Sequence[dict[str, Any]], told: dict[int, Any]) -> None:
    """Before sending: which lines about approvals these mails name; the record says so when the server took them."""
    errands = [row["id"] for row in rows if row["kind"] in (Kind.CLIENT_NEWS, Kind.REMINDER)]
    if errands:
        await name_lines(errands, [id for errand in errands for id in (told.get(errand) or {}).get("lines", ())])
