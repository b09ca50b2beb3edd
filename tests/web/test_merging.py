"""The pages on which two files of one client become one."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

from models.clients import add_client
from tests.cast import Cast

Browsers = Callable[..., Any]


async def test_a_duplicate_is_found_looked_at_and_merged(cast: Cast, browser: Browsers) -> None:
    await add_client(
        cast.anna.clients, number="9001", name="Bakkerij Jansen B.V.", city="Zeist", phone="030 123 45 67", by=cast.anna
    )
    here = f"/clients/{cast.bakkerij}"
    async with browser(cast.anna) as anna:
        choice = await anna.get(f"{here}/merge")
        unknown = await anna.get(f"{here}/merge", params={"other": "bestaat niet"})
        page = await anna.get(f"{here}/merge", params={"other": "9001"})
        fields = dict(re.findall(r'type="hidden" name="(other|seen)" value="([^"]*)"', page.text))
        stale = await anna.post(f"{here}/merge", data=fields | {"seen": "oud", "take-city": "other"})
        done = await anna.post(f"{here}/merge", data=fields | {"take-city": "other"})
        details = await anna.get(f"{here}/details")
        gone = await anna.get(f"/clients/{fields['other']}")
        log = html.unescape((await anna.get(f"{here}/log")).text)

    assert "Lijken op deze cliënt" in choice.text and "9001" in choice.text
    assert unknown.status_code == 422 and "bestaat niet" in unknown.text
    assert "Zeist" in page.text and "Samenvoegen is niet terug te draaien" in page.text
    assert stale.status_code == 422 and 'id="take-city-other" value="other" checked' in stale.text
    assert done.status_code == 303 and 'value="Zeist"' in details.text
    assert gone.status_code == 303 and gone.headers["location"] == here
    assert "voegde cliënt Bakkerij Jansen B.V. (9001) samen met" in log and "Zeist" in log
    assert "liet deze cliënt opgaan in" in log, "what was written about the other stands in the one log"


async def test_it_is_for_who_manages_clients(cast: Cast, browser: Browsers) -> None:
    async with browser(cast.rik) as rik, browser(cast.ed) as ed:
        strange = await rik.get(f"/clients/{cast.bakkerij}/merge")
        not_his = await ed.get(f"/clients/{cast.garage}/merge", params={"other": "9001"})

    assert strange.status_code == 404 and not_his.status_code in (404, 422)
