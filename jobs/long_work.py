"""Long work: carries out tasks on a thread and event loop of its own, so that mail goes on meanwhile."""

from __future__ import annotations

import asyncio
import importlib
import logging
import re
import threading
from contextlib import suppress
from pathlib import Path

import models
from jobs import claims
from jobs.presence import TASKS
from models import carrying, engine, tasks
from models.carrying import Outcome
from models.core import Refused, Say
from models.outbox import Kind
from models.tasks import Cancelled, Progress, Task

log = logging.getLogger("poort.tasks")

AT_ONCE = 2
TRIES = 5  # a task whose worker died so often is not begun again
HEARTBEAT_SECONDS = 10.0
LOOK_SECONDS = 1.0

BROKE = Say(
    "Er ging onverwacht iets mis. Wat al klaar was, is bewaard; probeer het nog eens, of laat de beheerder het logboek van de worker bekijken."
)
NEVER = Say("Dit werk werd {times} keer begonnen en telkens afgebroken. Het is gestopt.", times=TRIES)
BUSY = Say("De database bleef bezet. Probeer het nog eens.")


def know_all_work() -> None:
    """Import every module of the records that declares @work."""
    root = Path(models.__file__).parent
    for path in sorted(root.rglob("*.py")):
        if "migrations" not in path.parts and re.search(
            r"^@(?:tasks\.)?work\(", path.read_text(encoding="utf-8"), re.M
        ):
            importlib.import_module(
                ".".join(("models", *path.relative_to(root).with_suffix("").parts)).removesuffix(".__init__")
            )


class LongWork:
    """The tasks of one worker. `start`, `wake` and `stop` may be called from any thread."""

    def __init__(self, worker: str) -> None:
        self.worker = worker + TASKS
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event | None = None
        self._stopping = False
        self._running: dict[int, asyncio.Task[None]] = {}
        self._held: set[int] = set()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), name="tasks", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        if self._loop is not None and self._wake is not None:
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._wake.set)

    def stop(self) -> None:
        """Put down what is running, to be begun again elsewhere; blocks a moment."""
        self._stopping = True
        self.wake()
        self._thread.join(4)

    async def _main(self) -> None:
        self._loop, self._wake = asyncio.get_running_loop(), asyncio.Event()
        renewing = asyncio.create_task(claims.keep(self.worker, self._held, self._stop_lost))
        try:
            while not self._stopping:
                await self._round()
        finally:
            renewing.cancel()
            for running in list(self._running.values()):
                running.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)
            await carrying.put_down(self.worker, (Kind.RUN_TASK,), was_a_try=False)
            await engine.close()

    async def _round(self) -> None:
        assert self._wake is not None
        try:
            free = AT_ONCE - len(self._running)
            if free > 0 and await carrying.is_due((Kind.RUN_TASK,)):
                for errand in await carrying.claim(self.worker, (Kind.RUN_TASK,), free):
                    self._held.add(errand)
                    self._running[errand] = asyncio.create_task(self._carry_out(errand))
        except Exception as error:
            log.exception("the outbox could not be read: %s", type(error).__name__)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), LOOK_SECONDS)
        self._wake.clear()

    async def _carry_out(self, errand: int) -> None:
        try:
            state, said = await run(errand)
            await carrying.conclude(self.worker, [Outcome(errand, state, said)])
        except Exception as error:
            log.exception("a task could not be concluded: %s", type(error).__name__)
        finally:
            self._running.pop(errand, None)
            self._held.discard(errand)
            self.wake()

    def _stop_lost(self, errands: set[int]) -> None:
        """Another took them over because we were silent for too long: not ours to go on with."""
        for errand in errands:
            if running := self._running.get(errand):
                running.cancel()


async def run(errand: int) -> tuple[str, str]:
    """Carry out the task of an errand; the errand's state and what it says. A task left running by a dead worker begins again."""
    found = await tasks.of_errand(errand)
    if found is None:
        return "cancelled", ""
    task, attempts = found
    if not task.is_busy:
        return "done", ""
    if task.cancel_asked:
        await tasks.finish(task, "cancelled", {})
        return "cancelled", ""
    if attempts > TRIES:
        await tasks.finish(task, "failed", NEVER.as_json())
        return "failed", NEVER.text
    return await _run(task)


async def _run(task: Task) -> tuple[str, str]:
    engine.be_patient()
    await tasks.begin(task)
    beating = asyncio.create_task(_beat(task))
    try:
        outcome = await tasks.WORKS[task.kind](task, Progress(task))
    except Cancelled as stopped:
        await tasks.finish(task, "cancelled", _of(stopped))
        return "cancelled", ""
    except Refused as refused:
        await tasks.finish(task, "failed", refused.why.as_json())
        return "failed", ""
    except Exception as error:
        log.exception("a task of kind %s failed: %s", task.kind, type(error).__name__)
        await tasks.finish(task, "failed", (BUSY if engine.is_busy(error) else BROKE).as_json())
        return "failed", type(error).__name__
    finally:
        beating.cancel()
    await tasks.finish(task, "done", outcome or {})
    return "done", ""


def _of(stopped: Cancelled) -> dict[str, object]:
    """What the work said when it was stopped, if anything: an outcome or a Say."""
    said = stopped.args[0] if stopped.args else {}
    return said.as_json() if isinstance(said, Say) else dict(said)


async def _beat(task: Task) -> None:
    while True:
        await asyncio.sleep(HEARTBEAT_SECONDS)
        with suppress(Exception):
            await tasks.beat(task)
