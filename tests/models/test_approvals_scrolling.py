"""Many who read one document at once, while one of them decides: every page that was seen is on the record, and no decision is lost."""

from __future__ import annotations

import asyncio

from models import engine
from models.approvals import ApprovalDocument, ApprovalRequest, decide_one, note_opened
from models.approvals.record import verify
from models.viewer import Viewer
from tests.approving import decision, look, main_parts, now, offered, part, person, plan, proof, step
from tests.cast import Cast

PAGES, AT_ONCE = 24, 6  # pages that one scrolls by, and how many of them a browser asks for at once


async def scroll(reader: Viewer, paper: ApprovalDocument) -> None:
    pages = list(range(1, PAGES + 1))

    async def lane() -> None:
        while pages:
            page = pages.pop(0)
            await engine.run_writing(lambda: note_opened(paper.id, paper.sha256, by=reader, page=page))

    await asyncio.gather(*(lane() for _ in range(AT_ONCE)))


async def test_pages_seen_by_four_at_once_are_all_noted_and_who_decides_meanwhile_is_heard(cast: Cast) -> None:
    readers = [await person(cast.bakkerij, name) for name in ("Eva", "Bob", "Kim", "Tom", "Uma")]
    await plan(cast.bakkerij, step(*readers))
    request = await offered(cast, None, part(pages=60))
    [paper] = await main_parts(request)
    eva, *others = readers
    await look(eva, request)
    asked = await decision(request)

    reading = [asyncio.create_task(scroll(one, paper)) for one in others]
    await asyncio.sleep(0.05)
    said = await engine.run_writing(lambda: decide_one(eva.scope(ApprovalRequest), asked, proof(), by=eva))
    await asyncio.gather(*reading)

    assert said.outcome == "approved"
    seen = await engine.raw(
        "SELECT count(*) AS n FROM approval_record WHERE request = $1 AND act = 'page_seen'", request.id
    )
    assert seen[0]["n"] == 4 * PAGES
    assert (await now(request)).state == "partly"
    assert (await verify(request.id)).broken is None
