"""The board of invitations in the browser, slips of codes on paper, and coming in with one."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from models.accounts import Throttle, User, codes
from models.core import save
from models.outbox import Errand
from models.rollout import Opening
from models.settings import utcnow
from tests.cast import Cast
from tests.models.test_openings import everybody_prepared, prepared, start

PASSWORD = "een lange zin van woorden"


def counted(page: str) -> dict[str, int]:
    """The tabs of the board: word > count."""
    found = re.findall(r'href="/invitations[^"]*"[^>]*>([^<]+?)\s*<span class="count">([\d.]+)</span>', page)
    return {word.strip(): int(count.replace(".", "")) for word, count in found}


async def newest_opening() -> Opening:
    found = await Opening.objects().order_by(Opening.id, ascending=False).first()
    assert found is not None
    return found


async def test_the_counts_of_the_board_add_up_to_everybody(cast: Cast, browser) -> None:
    async with browser(cast.anna) as anna:
        page = await anna.get("/invitations")

    counts = counted(page.text)
    assert counts["Iedereen"] == sum(count for word, count in counts.items() if word != "Iedereen") > 5
    assert 'data-live="users rollout"' in page.text


async def test_all_that_match_are_invited_again_after_a_preview(cast: Cast, browser) -> None:
    await everybody_prepared()
    await start(await prepared(cast.anna), cast.anna)
    await Errand.update({Errand.state: "refused", Errand.said: "550 unknown"}).where(Errand.kind == "invitation")
    async with browser(cast.anna) as anna:
        page = await anna.get("/invitations?state=bounced")
        total = counted(page.text)["Niet bezorgd"]
        asked = await anna.post("/invitations/openings", data={"state": "bounced", "all_matching": "1", "way": "mail"})
        draft = await anna.get(asked.headers["location"])

    assert total > 5
    assert f"<strong>{total}</strong> uitnodigingen" in draft.text
    assert (await newest_opening()).is_draft
    assert not await Errand.exists().where(Errand.state == "waiting")


async def test_nobody_ticked_is_told_so(cast: Cast, browser) -> None:
    async with browser(cast.anna) as anna:
        reply = await anna.post("/invitations/openings", data={"q": "rik", "way": "mail"})
        page = await anna.get(reply.headers["location"])

    assert reply.headers["location"] == "/invitations?q=rik"
    assert "Kies eerst een of meer mensen." in page.text


async def test_an_address_is_mended_where_it_stands(cast: Cast, browser) -> None:
    rik = cast.rik.user
    await everybody_prepared()
    async with browser(cast.anna) as anna:
        wrong = await anna.post(
            f"/invitations/{rik.id}/address", data={"email": "sam@garage-smit.example", "state": "prepared"}
        )
        right = await anna.post(f"/invitations/{rik.id}/address", data={"email": "rik@nieuw.example", "q": "rik"})

    assert wrong.status_code == 422
    assert 'value="sam@garage-smit.example"' in wrong.text
    assert "Dit adres is al van iemand anders." in wrong.text and 'name="shares"' in wrong.text
    assert right.headers["location"] == "/invitations?q=rik"
    assert await User.exists().where((User.id == rik.id) & (User.email == "rik@nieuw.example"))


async def test_a_mail_that_came_back_is_marked_and_unmarked(cast: Cast, browser) -> None:
    rik = cast.rik.user
    await everybody_prepared()
    await start(await prepared(cast.anna), cast.anna)
    await Errand.update({Errand.state: "done", Errand.finished_at: utcnow()}).where(Errand.kind == "invitation")
    async with browser(cast.anna) as anna:
        await anna.post(f"/invitations/{rik.id}/bounce")
        bounced = counted((await anna.get("/invitations")).text)["Niet bezorgd"]
        await anna.post(f"/invitations/{rik.id}/arrival")
        after = counted((await anna.get("/invitations")).text)["Niet bezorgd"]

    assert (bounced, after) == (1, 0)


async def test_who_may_not_open_the_gates_only_looks(cast: Cast, browser) -> None:
    """A colleague sees the board of his own clients and nobody else's people."""
    async with browser(cast.ed) as ed:
        page = await ed.get("/invitations")
        other = await ed.post(f"/invitations/{cast.sam.user.id}/bounce")

    assert page.status_code == 200
    assert cast.sam.user.email not in page.text
    assert other.status_code == 404


async def slip_of(browser, cast: Cast) -> str:
    """anna makes a code for rik; as it is printed."""
    await everybody_prepared()
    await save(cast.rik.user, password="", activated_at=None)
    async with browser(cast.anna) as anna:
        await anna.get(f"/users/{cast.rik.user.id}/activation-code")
        slip = await anna.post(f"/users/{cast.rik.user.id}/activation-code")
    found = re.search(r'class="slip-code">([^<]+)<', slip.text)
    assert found and slip.status_code == 200
    assert cast.rik.user.display_name in slip.text
    return found[1]


async def test_with_the_slip_in_his_hand_rik_comes_in(cast: Cast, browser) -> None:
    code = await slip_of(browser, cast)
    async with browser(cast.vic) as rik:
        asked = await rik.get("/activate")
        known = await rik.post("/activate", data={"code": code.lower()})
        weak = await rik.post(
            "/activate/account", data={"code": code, "email": cast.rik.user.email, "password": "kort"}
        )
        inside = await rik.post(
            "/activate/account", data={"code": code, "email": cast.rik.user.email, "password": PASSWORD}
        )
        home = await rik.get("/portal")
        again = await rik.post("/activate", data={"code": code})

    assert asked.status_code == 200
    assert cast.rik.user.display_name in known.text and f'value="{cast.rik.user.email}"' in known.text
    assert weak.status_code == 422
    assert inside.headers["location"] == "/portal"
    assert home.status_code == 200
    assert again.status_code == 422


async def test_who_filled_his_code_in_counts_as_opened(cast: Cast, browser) -> None:
    code = await slip_of(browser, cast)
    async with browser(cast.vic) as rik, browser(cast.anna) as anna:
        await rik.post("/activate", data={"code": code})
        page = await anna.get("/invitations?state=opened")

    assert cast.rik.user.email in page.text


async def test_whoever_guesses_is_slowed_and_does_not_slow_who_knows(cast: Cast, browser) -> None:
    code = await slip_of(browser, cast)
    async with browser(cast.vic) as guesser:
        for _ in range(10):
            assert (await guesser.post("/activate", data={"code": codes.new_code()})).status_code == 422
        slowed = await guesser.post("/activate", data={"code": code})
        also = await guesser.post(
            "/activate/account", data={"code": code, "email": "x@y.example", "password": PASSWORD}
        )
    await Throttle.delete(force=True)
    async with browser(cast.vic) as rik:
        for _ in range(15):
            assert (await rik.post("/activate", data={"code": code})).status_code == 200

    assert "te vaak een code" in slowed.text
    assert "te vaak een code" in also.text


async def test_the_slips_of_an_opening_are_shown_once(cast: Cast, browser) -> None:
    await everybody_prepared()
    async with browser(cast.anna) as anna:
        asked = await anna.post("/invitations/openings", data={"all_matching": "1", "way": "paper"})
        place = asked.headers["location"]
        draft = await anna.get(place)
        wrong = await anna.post(f"{place}/choices", data={"days": "1000"})
        await anna.post(f"{place}/choices", data={"days": "14"})
        await anna.post(f"{place}/start")
        opening = await newest_opening()
        await save(opening, sends_at=utcnow() - dt.timedelta(seconds=1))
        running = await anna.get(place)
        slips = await anna.post(f"{place}/slips")
        again = await anna.post(f"{place}/slips")

    assert "codes op papier; er gaat geen mail uit" in draft.text
    assert wrong.status_code == 422 and "Vul een heel getal in van 1 tot en met 365." in wrong.text
    assert "Codes tonen en afdrukken" in running.text
    assert len(re.findall(r'class="slip-code"', slips.text)) == opening.people > 5
    assert again.headers["location"] == place
    assert not await Errand.exists()


@pytest.mark.parametrize("path", ["/activate", "/activate/account"])
async def test_a_code_never_stands_in_an_address(cast: Cast, browser, path: str) -> None:
    code = await slip_of(browser, cast)
    plain = code.replace("-", "")
    async with browser(cast.vic) as rik:
        reply = await rik.post(path, data={"code": code, "email": "", "password": ""})

    addresses = re.findall(r'(?:href|action|src)="(/[^"]*)"', reply.text)
    assert not [one for one in addresses if plain in one or code in one]
    assert codes.address_of(plain).endswith(f"/activate#{plain}")
