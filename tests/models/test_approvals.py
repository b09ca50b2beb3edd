"""Approvals: who is asked, what counts as a yes, and what happens when something changes meanwhile."""

from __future__ import annotations

from models.approvals import open_for, who_would_sign
from tests.approving import acts, now, offered, person, plan, says_yes, states, step
from tests.cast import Cast


async def test_two_steps_one_after_the_other(cast: Cast) -> None:
    eva, bob = await person(cast.bakkerij, "Eva"), await person(cast.bakkerij, "Bob")
    await plan(cast.bakkerij, step(eva), step(bob))
    request = await offered(cast)

    assert [one.id for one in await open_for(eva)] == [request.id]
    assert not await open_for(bob)
    assert (await says_yes(eva, request)).outcome == "approved"
    assert (await now(request)).state == "partly"
    assert [one.id for one in await open_for(bob)] == [request.id]
    await says_yes(bob, request)

    assert (await now(request)).state == "approved"
    assert await states(request) == {"Eva": "approved", "Bob": "approved"}
    assert await acts(request) == [
        "made",
        "offered",
        "asked",
        "opened",
        "approved",
        "asked",
        "opened",
        "approved",
        "completed",
    ]


async def test_without_a_plan_anybody_who_may_is_asked(cast: Cast) -> None:
    seen = await who_would_sign(cast.bakkerij, 1)

    assert seen.source == "everybody"
    assert seen.steps[0].mode == "any"
