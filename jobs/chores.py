"""What comes round by itself: claims of dead workers, digests, and tidying."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from jobs.presence import Presence
from models import carrying, client_news, live, lost_factors, notices, sealing, tidying
from models.dossiers import structures
from models.dossiers.publishing import publish_due
from models.engine import run_writing
from models.settings import utcnow

log = logging.getLogger("poort.chores")

CLAIMS_SECONDS, DIGEST_SECONDS, TIDY_SECONDS, SWEEP_SECONDS = 5.0, 20.0, 600.0, 3600.0
SEAL_SECONDS, ANCHOR_SECONDS = 5.0, 3600.0


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


async def publish_planned(presence: Presence) -> None:
    """Documents whose moment has come."""
    await publish_due()


async def serve_new_clients(presence: Presence) -> None:
    """Their folders, where the office wants that."""
    await structures.serve_new_clients()


async def tidy(presence: Presence) -> None:
    await tidying.forget_expired()


async def seal_trail(presence: Presence) -> None:
    await sealing.seal()


async def anchor_trail(presence: Presence) -> None:
    if await sealing.anchor_when_due(utcnow()):
        await run_writing(lambda: live.touch("mail"))


async def take_factors_away(presence: Presence) -> None:
    """Of who lost his second factor, when the wait is over."""
    await lost_factors.take_away_due()


async def sweep(presence: Presence) -> None:
    if removed := await tidying.sweep_storage():
        log.info("removed %d blobs without a record", removed)


Chore = Callable[[Presence], Awaitable[None]]


async def do_chores(presence: Presence) -> None:
    """For ever. Digests and dead claims are every worker's, and safe when two do them; tidying is for the first alone."""
    chores: list[tuple[Chore, float, bool]] = [
        (find_dead_claims, CLAIMS_SECONDS, False),
        (plan_digests, DIGEST_SECONDS, False),
        (plan_client_news, DIGEST_SECONDS, False),
        (publish_planned, CLAIMS_SECONDS, False),
        (serve_new_clients, CLAIMS_SECONDS, True),
        (tidy, TIDY_SECONDS, True),
        (sweep, SWEEP_SECONDS, True),
        (take_factors_away, DIGEST_SECONDS, True),
        (seal_trail, SEAL_SECONDS, True),
        (anchor_trail, ANCHOR_SECONDS, True),
    ]
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
