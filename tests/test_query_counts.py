"""No page asks more than twelve times of the database, whoever opens it and however much there is."""

from __future__ import annotations

import pytest

from models import engine
from tests.cast import Cast, browser_of
from tests.test_strangers import PARAMETER, ids
from web.routing import ACTIONS, Access

MOST = 12


async def much() -> None:
    """So many rows that a query per row would show: clients in a group, with a person and a folder each."""
    async with engine.writing():
        await engine.raw(
            "INSERT INTO client (number, number_key, name, sort_key, search_key, state, created_at) "
            "SELECT 'M' || f.id, 'm' || f.id, 'Veel ' || f.id, 'veel ' || f.id, '', 'active', f.created_at FROM folder f ORDER BY f.id LIMIT 300"
        )
        await engine.raw(
            "INSERT INTO access (person, client, rights, role, created_at) "
            "SELECT u.id, c.id, 15, 'beheerder', c.created_at FROM client c, users u WHERE c.number LIKE 'M%' AND u.email = 'rik@bakkerij-jansen.example'"
        )
        await engine.raw(
            "INSERT INTO membership (client, client_group) SELECT c.id, (SELECT min(id) FROM client_group) FROM client c WHERE c.number LIKE 'M%'"
        )


@pytest.mark.parametrize(
    ("who", "accesses"), [("anna", (Access.STAFF,)), ("ed", (Access.STAFF,)), ("rik", (Access.CLIENT,))]
)
async def test_no_page_asks_more_than_twelve_times(cast: Cast, who: str, accesses: tuple[Access, ...]) -> None:
    found = await ids()
    await much()
    asked: dict[str, int] = {}
    async with browser_of(cast.everybody[who]) as browser:
        for action in ACTIONS:
            if (
                action.method != "GET"
                or action.access not in (*accesses, Access.SIGNED_IN)
                or action.name == "live.stream"
            ):
                continue
            path = PARAMETER.sub(lambda match: str(found[match[1]]), action.path)
            with engine.count_queries() as counter:
                reply = await browser.get(path)
            assert reply.status_code < 500, path
            asked[action.name] = counter.n

    assert len(asked) > 5
    assert {name: count for name, count in asked.items() if count > MOST} == {}
