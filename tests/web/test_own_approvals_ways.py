"""Refusing one by one, several that ask different proof, the way to begin with, and what a refused request's proof says."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from models import config, engine
from models.accounts import User
from models.approvals import ApprovalKind
from models.core import save
from models.settings import utcnow
from tests.approving import kind, look, main_parts, offered, part, person, plan, step
from tests.cast import Cast
from tests.models.test_proving import with_authenticator
from tests.web.test_own_approvals import decide, office, pin_of, state
from web import account, certifying, passkeys, pins
from web import own_approvals as pages

__all__ = ["office"]
Browsers = Callable[..., Any]


@pytest.fixture
def with_https(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An address at which a browser keeps passkeys."""
    monkeypatch.setenv("BASE_URL", "http://localhost:8000")
    config.reset()
    yield
    monkeypatch.undo()
    config.reset()


async def with_passkey(who: Any) -> None:
    await User.update({User.has_passkey: True}).where(User.id == who.user.id)


async def asking(level: str) -> ApprovalKind:
    """A kind for which the office asks this proof at least."""
    found = await kind("Aangifte inkomstenbelasting")
    await engine.run_writing(lambda: save(found, least_level=level))
    return found


async def test_one_of_the_list_that_is_refused_stays_refused_until_it_is_recorded(
    office: Cast, browser: Browsers
) -> None:
    rik = await person(office.bakkerij, "Rikkie")
    request = await offered(office)
    [one] = await main_parts(request)
    [pin] = await pin_of(rik)
    x, w = f"x-{request.id}-{one.id}", f"w-{request.id}-{one.id}"
    async with browser(rik) as phone:
        await look(rik, request)
        bare = await decide(phone, request, pin_code=pin, outcome="each", **{x: "1"})
        wrong = await decide(phone, request, pin_code="12345", outcome="each", **{x: "1", w: "Bedrag klopt niet"})
        untouched = await state(request)
        done = await decide(phone, request, pin_code=pin, outcome="each", **{x: "1", w: "Bedrag klopt niet"})

    for reply in (bare, wrong):
        assert reply.status_code == 422 and "Akkoord geven" not in reply.text and 'value="each"' in reply.text
        assert re.search(rf'<details class="disclosure" open>.*id="{x}"[^>]* checked', reply.text)
    assert re.search(rf'<textarea[^>]*id="{w}"[^>]*autofocus', bare.text) and "Bedrag klopt niet" in wrong.text
    assert (untouched, done.status_code, await state(request)) == ("offered", 303, "rejected")


async def test_a_tick_that_has_no_place_on_the_page_refuses_the_whole(office: Cast, browser: Browsers) -> None:
    rik = await person(office.bakkerij, "Rikkie")
    request = await offered(office)
    [pin] = await pin_of(rik)
    at = f"{request.id}-{(await main_parts(request))[0].id}"
    async with browser(rik) as phone:
        reply = await decide(
            phone, request, pin_code=pin, outcome="", **{f"x-{at}": "1", f"w-{at}": "Bedrag klopt niet"}
        )

    refusing = reply.text[reply.text.index('id="refuse-title"') :]
    assert 'name="earlier" value="rejected"' in reply.text
    assert re.search(r'<details class="disclosure" open>.*>Bedrag klopt niet</textarea>', refusing)


async def test_of_several_papers_it_says_which_were_approved(office: Cast, browser: Browsers) -> None:
    rik = await person(office.bakkerij, "Rikkie")
    request = await offered(office, None, part("een.pdf"), part("twee.pdf"), part("drie.pdf"))
    [pin] = await pin_of(rik)
    bad = f"{request.id}-{(await main_parts(request))[1].id}"
    async with browser(rik) as phone:
        await look(rik, request)
        bare = await decide(phone, request, pin_code=pin, **{f"x-{bad}": "1"})
        done = await decide(phone, request, pin_code=pin, **{f"x-{bad}": "1", f"w-{bad}": "Bedrag klopt niet"})
        said = await phone.get(done.headers["location"])
        page = await phone.get(pages.page.url(approval_id=request.id))
        told = await phone.get(certifying.proof.url(approval_id=request.id))

    assert re.search(rf'<details class="disclosure" open>.*id="x-{bad}"[^>]* checked', bare.text)
    assert 'class="some-bad">Vastleggen' in bare.text
    assert "Vastgelegd per stuk: 2 akkoord, 1 niet akkoord." in said.text
    assert page.text.count("akkoord met dit stuk") == 2
    assert "Niet akkoord met: twee.pdf" in told.text and "Wel akkoord met: een.pdf, drie.pdf" in told.text


async def test_the_proof_of_what_was_refused_says_so_first(office: Cast, browser: Browsers) -> None:
    rik, kim = await person(office.bakkerij, "Rikkie"), await person(office.bakkerij, "Kim", language="en")
    await engine.raw(
        "INSERT INTO approver_role (client, person, role, made_at) VALUES ($1, $2, 'authorised', $3)",
        office.bakkerij, kim.user.id, utcnow(),
    )  # fmt: skip
    await plan(office.bakkerij, step(rik), step(kim))
    request = await offered(office, period="k2")
    [first], [second] = await pin_of(rik), await pin_of(kim)
    async with browser(rik) as one, browser(kim) as other:
        await look(rik, request)
        await decide(one, request, pin_code=first)
        await look(kim, request)
        await decide(other, request, pin_code=second, outcome="rejected", reason="Pagina 2 ontbreekt")
        dutch = (await one.get(certifying.proof.url(approval_id=request.id))).text
        english = (await other.get(certifying.proof.url(approval_id=request.id))).text

    heads = re.findall(r"<h2[^>]*>([^<]*)", dutch)
    assert heads[:2] == ["Niet akkoord", "Akkoord van een ander, vóór de weigering"]
    refusal = dutch[dutch.index("Niet akkoord</h2>") : dutch.index("vóór de weigering")]
    assert "Kim Test" in refusal and "(Gemachtigde)" in refusal and "Pagina 2 ontbreekt" in refusal
    assert "Rikkie" not in refusal and "geldt niet" in refusal
    assert "Gemachtigde" not in english and "(Authorised person)" in english and "Q2 2026" in english


async def test_together_what_asks_more_is_named_and_the_others_are_recorded(office: Cast, browser: Browsers) -> None:
    rik = await person(office.bakkerij, "Rikkie")
    higher = await asking("totp")
    light, heavy = await offered(office), await offered(office, kind=higher.id)
    [pin] = await pin_of(rik)
    async with browser(rik) as phone:
        for one in (light, heavy):
            await look(rik, one)
        page = await phone.get(f"{pages.together.url()}?ids={light.id}&ids={heavy.id}")
        done = await decide(phone, light, heavy, pin_code=pin)

    assert "ten minste: Code uit uw authenticator-app" in page.text
    assert f'name="r-{light.id}"' in page.text and f'name="r-{heavy.id}"' not in page.text
    assert "1 accordering vastleggen" in page.text and 'name="pin_code"' in page.text
    assert (await state(light), await state(heavy)) == ("approved", "offered")
    assert done.status_code == 200 and "niet vastgelegd" in done.text and "ten minste" in done.text
    assert (await engine.raw("SELECT wrong FROM pin WHERE person = $1", rik.user.id))[0]["wrong"] == 0


async def test_together_the_way_that_reaches_all_records_all(office: Cast, browser: Browsers) -> None:
    import pyotp

    rik = await person(office.bakkerij, "Rikkie")
    higher = await asking("totp")
    light, heavy = await offered(office), await offered(office, kind=higher.id)
    await pin_of(rik)
    code = pyotp.TOTP(await with_authenticator(rik)).now()
    async with browser(rik) as phone:
        for one in (light, heavy):
            await look(rik, one)
        page = await phone.get(f"{pages.together.url()}?ids={light.id}&ids={heavy.id}")
        done = await decide(phone, light, heavy, method="totp", pin_code=code)

    assert "Hiervoor is nodig: Code uit uw authenticator-app" in page.text and "2 accorderingen vastleggen" in page.text
    assert (done.status_code, await state(light), await state(heavy)) == (303, "approved", "approved")


async def test_a_passkey_stands_ready_and_without_a_script_the_code_counts(
    office: Cast, browser: Browsers, with_https: None
) -> None:
    rik = await person(office.bakkerij, "Rikkie")
    request = await offered(office)
    [pin] = await pin_of(rik)
    await with_passkey(rik)
    async with browser(rik) as phone:
        await look(rik, request)
        page = await phone.get(pages.page.url(approval_id=request.id))
        neither = await decide(phone, request, method="passkey", pin_code="", credential="")
        done = await decide(phone, request, method="passkey", pin_code=pin, credential="")

    assert re.search(r'value="passkey" checked', page.text) and not re.search(r'value="pin" checked', page.text)
    assert (neither.status_code, done.status_code, await state(request)) == (422, 303, "approved")


async def test_who_uses_his_app_begins_with_it(office: Cast, browser: Browsers) -> None:
    rik = await person(office.bakkerij, "Rikkie")
    request = await offered(office)
    await pin_of(rik)
    await with_authenticator(rik)
    async with browser(rik) as phone:
        before = await phone.get(pages.page.url(approval_id=request.id))
        await User.update({User.totp_step: int(utcnow().timestamp()) // 30 - 100}).where(User.id == rik.user.id)
        after = await phone.get(pages.page.url(approval_id=request.id))

    assert 'value="pin" checked' in before.text and 'value="totp" checked' in after.text


@pytest.mark.parametrize("made", ["totp", "passkey"])
async def test_who_makes_a_means_is_told_when_it_counts_and_comes_back(
    office: Cast, browser: Browsers, with_https: None, made: str
) -> None:
    rik = await person(office.bakkerij, "Rikkie")
    request = await offered(office, kind=(await asking(made)).id)
    here = pages.page.url(approval_id=request.id)
    to = {"totp": account.second_factor, "passkey": passkeys.new_passkey}[made]
    async with browser(rik) as phone:
        asked = await phone.get(here)
        there = await phone.get(to.url(next=here))
        beyond = await phone.get(to.url(next="https://elders.example/"))

    tomorrow = f"{utcnow() + dt.timedelta(days=1):%d-%m-%Y}"
    assert to.url(next=here).replace("&", "&amp;") in asked.text
    assert tomorrow in asked.text and "alleen uw wachtwoord" in asked.text
    assert tomorrow in there.text and f"next={here.replace('/', '%2F')}" in there.text
    assert "elders.example" not in beyond.text


async def test_from_replacing_the_pin_one_comes_back_there(office: Cast, browser: Browsers, with_https: None) -> None:
    rik = await person(office.bakkerij, "Rikkie")
    await pin_of(rik)
    async with browser(rik) as phone:
        page = await phone.get(pins.pin.url())
        there = await phone.get(passkeys.new_passkey.url(next=pins.pin.url()))

    assert passkeys.new_passkey.url(next=pins.pin.url()) in page.text
    assert "alleen uw wachtwoord" not in there.text, "it counts as soon as it takes the place of the PIN"
