"""Proposing a change in the portal, and deciding on it at the office."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

from models import engine
from models.proposals import propose
from partials import mails
from tests.cast import Cast
from tests.models.test_proposals import proposer

Browsers = Callable[..., Any]


def typed(page: str) -> dict[str, str]:
    """What stands in the lines of the form."""
    import re

    pairs = re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page)
    return {name: html.unescape(value) for name, value in pairs} | {"language": "nl", "formal": "True"}


async def test_a_change_is_proposed_seen_in_the_office_and_taken_over(cast: Cast, browser: Browsers) -> None:
    rik, client = await proposer(cast)
    here = f"/portal/clients/{client.id}/details"
    async with browser(rik) as portal, browser(cast.anna) as anna:
        home = await portal.get("/portal")
        form = await portal.get(here)
        wrong = await portal.post(here, data=typed(form.text) | {"city": "Zeist", "kvk": "12"})
        sent = await portal.post(here, data=typed(form.text) | {"city": "Zeist", "remark": "Wij zijn verhuisd"})
        waits = await portal.get(here)
        overview = html.unescape((await anna.get("/")).text)
        listed = await anna.get("/proposals")
        proposal = (await engine.raw("SELECT id FROM proposal"))[0]["id"]
        page = html.unescape((await anna.get(f"/proposals/{proposal}")).text)
        nothing = await anna.post(f"/proposals/{proposal}", data={"decision": "accept"})
        done = await anna.post(
            f"/proposals/{proposal}", data={"decision": "accept", "accept": "city", "answer": "Gedaan"}
        )
        answered = await portal.get(here)

    assert here in home.text
    assert wrong.status_code == 422 and 'value="Zeist"' in wrong.text, "what was typed stays"
    assert sent.status_code == 303 and "wacht op het kantoor" in waits.text and 'value="Zeist"' in waits.text
    assert "1 voorstel van een cliënt" in overview and "Bakkerij Jansen" in listed.text
    assert "Zeist" in page and "Wij zijn verhuisd" in page
    assert nothing.status_code == 422 and done.status_code == 303
    assert "overgenomen" in answered.text and "Gedaan" in answered.text


async def test_without_the_right_there_is_no_such_page(cast: Cast, browser: Browsers) -> None:
    rik, client = await proposer(cast)
    await propose(client, city="Zeist", by=rik)
    async with browser(cast.fem) as fem:
        home, page = await fem.get("/portal"), await fem.get(f"/portal/clients/{cast.bakkerij}/details")
        other = await fem.post("/portal/proposals/1/withdrawal")

    assert "Uw gegevens" not in home.text and page.status_code == 403 and other.status_code == 404


def test_the_mail_says_what_was_taken_over_in_both_languages(cast: Cast) -> None:
    from types import SimpleNamespace

    from models.people import addressee

    context: dict[str, Any] = {
        "firm": SimpleNamespace(name="Kantoor", place="", brand="#1f5f4a"),
        "person": addressee({"surname": "Jansen"}),
        "company": "Bakkerij",
        "of": ["city", "me_phone"],
        "fields": ["city"],
        "answer": "Tot ziens",
        "portal_url": "https://poort.example/portal",
    }
    dutch, english = [mails.compose("proposal", language, **context) for language in ("nl", "en")]

    assert "deels overgenomen" in dutch.text and "Plaats: overgenomen" in dutch.text and "Tot ziens" in dutch.text
    assert "Uw telefoon: niet overgenomen" in dutch.text and english.text != dutch.text
