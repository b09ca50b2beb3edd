"""What comes round by itself: claims of dead workers, digests, and tidying."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from jobs.presence import Presence
from models import carrying, client_news, live, lost_factors, notices, sealing, tidying, uploads
from models.approvals import expire_due, tell_late, tell_stuck, tell_substitutes
from models.approvals.handed_over import note_handed_over
from models.certifying import chaining, completing
from models.connecting import delivering
from models.dossiers import rolling
from models.dossiers.publishing import publish_due
from models.engine import run_writing
from models.keeping import proposing, rehashing
from models.letters import expire_files
from models.settings import utcnow

log = logging.getLogger("poort.chores")

CLAIMS_SECONDS, DIGEST_SECONDS, TIDY_SECONDS, SWEEP_SECONDS = 5.0, 20.0, 600.0, 3600.0
SEAL_SECONDS, ANCHOR_SECONDS = 5.0, 3600.0
FILES_SECONDS = 60.0
APPROVALS_SECONDS, MEND_SECONDS = 2.0, 600.0


async def find_dead_claims(presence: Presence) -> None:
    """Give back, or call unknown, what dead workers held."""
    if await carrying.take_back(presence.dead_of(await carrying.holders())):
        await run_writing(lambda: live.touch("mail", "rollout", "tasks"))
    presence.clear(await carrying.holders())


async def plan_digests(presence: Presence) -> None:
    if await notices.plan_digests(utcnow()):
        await run_writing(lambda: live.touch("mail"))


async def plan_client_news(presence: Presence) -> None:
    """The mails of clients' people: daily and at once."""
    now = utcnow()
    if await client_news.plan_daily(now) + await client_news.plan_at_once(now):
        await run_writing(lambda: live.touch("mail"))


async def note_approval_mails(presence: Presence) -> None:
    """That mails about approvals were handed over, where a worker died before it was on the record."""
    await note_handed_over()


async def publish_planned(presence: Presence) -> None:
    """Documents whose moment has come."""
    await publish_due()


async def serve_new_clients(presence: Presence) -> None:
    """Their folders, where the office wants that."""
    await rolling.serve_new_clients()


async def tidy(presence: Presence) -> None:
    await tidying.forget_expired()


async def forget_calls(presence: Presence) -> None:
    """Old lines of the log of webhooks, and answers that are kept for repeated calls."""
    await delivering.forget_old(utcnow())


async def end_uploads(presence: Presence) -> None:
    """Those that nobody went on with."""
    if gone := await uploads.expire():
        log.info("%d uploads expired", gone)


async def seal_trail(presence: Presence) -> None:
    await sealing.seal()


async def seal_approvals(presence: Presence) -> None:
    """What is complete gets its certificate, in the dossier. Aside: a time-stamp authority may take its time."""
    _aside("approvals", completing.seal_due)


async def mend_seals(presence: Presence) -> None:
    _aside("seals", completing.mend_all)


async def chain_proof(presence: Presence) -> None:
    """The records of proof get their place in the chain over all of them."""
    await chaining.chain()


async def anchor_trail(presence: Presence) -> None:
    if await sealing.anchor_when_due(utcnow()):
        await run_writing(lambda: live.touch("mail"))


async def take_factors_away(presence: Presence) -> None:
    """Of who lost his second factor, when the wait is over."""
    await lost_factors.take_away_due()


async def sweep(presence: Presence) -> None:
    if removed := await tidying.sweep_storage():
        log.info("removed %d blobs without a record", removed)
    await uploads.forget_stray()


async def propose_destruction(presence: Presence) -> None:
    """The list of the month; nothing is destroyed by it."""
    _aside("propose", lambda: proposing.propose_when_due(utcnow()))


async def know_files(presence: Presence) -> None:
    await rehashing.know_all()


async def check_files(presence: Presence) -> None:
    """Those whose turn it is. A large one takes minutes, in which the other chores go on."""
    _aside("files", lambda: rehashing.check_due(utcnow()))


async def expire_approvals(presence: Presence) -> None:
    """Requests for approval that lie open long after their legal deadline; and what has to be told of the others since the last time."""
    if expired := await expire_due():
        log.info("%d requests for approval expired", expired)
    if stuck := await tell_stuck():
        log.info("%d requests for approval cannot be completed any more", stuck)
    if told := await tell_substitutes():
        log.info("%d requests for approval told to who stands in for another", told)
    if late := await tell_late():
        log.info("%d requests for approval passed their internal deadline", late)


_beside: dict[str, asyncio.Task[None]] = {}


async def forget_letters(presence: Presence) -> None:
    """Files with letters that nobody confirmed within a day."""
    await expire_files(utcnow())


def _aside(name: str, call: Callable[[], Awaitable[object]]) -> None:
    """Begin it, unless it is still busy from the last time."""
    if name in _beside and not _beside[name].done():
        return

    async def carry_out() -> None:
        try:
            await call()
        except Exception as error:
            log.exception("a chore failed: %s", type(error).__name__)

    _beside[name] = asyncio.create_task(carry_out())


async def settled() -> None:
    """When what was begun aside is done."""
    await asyncio.gather(*_beside.values())


Chore = Callable[[Presence], Awaitable[None]]


def all_chores() -> list[tuple[Chore, float, bool]]:
    """Each with its pause in seconds, and whether only the first worker does it."""
    return [
        (find_dead_claims, CLAIMS_SECONDS, False),
        (plan_digests, DIGEST_SECONDS, False),
        (plan_client_news, DIGEST_SECONDS, False),
        (note_approval_mails, CLAIMS_SECONDS, False),
        (publish_planned, CLAIMS_SECONDS, False),
        (serve_new_clients, CLAIMS_SECONDS, True),
        (tidy, TIDY_SECONDS, True),
        (end_uploads, TIDY_SECONDS, True),
        (forget_calls, SWEEP_SECONDS, True),
        (sweep, SWEEP_SECONDS, True),
        (take_factors_away, DIGEST_SECONDS, True),
        (seal_trail, SEAL_SECONDS, True),
        (anchor_trail, ANCHOR_SECONDS, True),
        (seal_approvals, APPROVALS_SECONDS, True),
        (mend_seals, MEND_SECONDS, True),
        (chain_proof, SEAL_SECONDS, True),
        (propose_destruction, SWEEP_SECONDS, True),
        (know_files, SWEEP_SECONDS, True),
        (check_files, FILES_SECONDS, True),
        (expire_approvals, SWEEP_SECONDS, True),
        (forget_letters, FILES_SECONDS, True),
    ]


async def do_chores(presence: Presence) -> None:
    """For ever. Digests and dead claims are every worker's, and safe when two do them; tidying is for the first alone."""
    chores = all_chores()
    due = [0.0] * len(chores)
    while True:
        for n, (chore, seconds, of_the_first) in enumerate(chores):
            if time.monotonic() < due[n] or (of_the_first and not presence.is_first()):
                continue
            due[n] = time.monotonic() + seconds
            try:
                await chore(presence)
            except Exception as error:
                log.exception("a chore failed: %s", type(error).__name__)
        await asyncio.sleep(1.0)
