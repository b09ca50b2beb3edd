"""The first start: from the one-time link to an office with an administrator."""

from __future__ import annotations

import io
import re
from typing import Any

import pyotp
import pytest
from PIL import Image

from models import engine, signing_in
from models.accounts import User
from models.settings import Firm
from tests.cast import Browser, Cast, browser_of
from tests.web.test_sessions import where

OFFICE = {
    "firm_name": "De Brug Administraties", "place": "Zwolle", "brand": "#E8B500", "first_name": "Anna", "prefix": "", "surname": "Bos",
    "email": "Anna@Kantoor.example", "password": "kaas is van melk",
}  # fmt: skip


async def link() -> str:
    address = await engine.run_writing(signing_in.new_setup_link)
    return str(address).removeprefix("http://127.0.0.1:8000")


@pytest.fixture
async def visitor(database: str) -> Any:
    from models.viewer import nobody

    async with browser_of(nobody()) as browser:
        yield browser


@pytest.mark.parametrize("path", ["/", "/sign-in", "/account", "/portal", "/no/such/page"])
async def test_before_the_set_up_everything_leads_to_the_explanation(visitor: Browser, path: str) -> None:
    assert where(await visitor.get(path)) == "/set-up"
    page = await visitor.get("/set-up")

    assert page.status_code == 200
    assert "python -m models setup-link" in page.text


async def test_the_link_makes_the_office_and_signs_the_administrator_in(visitor: Browser) -> None:
    address = await link()
    form = await visitor.get(address)
    reply = await visitor.post(address, data=OFFICE)

    assert form.status_code == 200
    assert where(reply) == "/account/second-factor?first=1"
    firm, user = await Firm.load(), await User.objects().first()
    assert (firm.name, firm.place, firm.brand, firm.is_set_up) == ("De Brug Administraties", "Zwolle", "#e8b500", True)
    assert user is not None
    assert (user.email_key, user.role) == ("anna@kantoor.example", "administrator")
    assert user.password.startswith("$argon2id$")


async def test_a_used_link_opens_nothing(visitor: Browser) -> None:
    address = await link()
    await visitor.post(address, data=OFFICE)

    assert (await visitor.post(address, data={**OFFICE, "email": "dief@elders.example"})).status_code == 410
    assert await User.count() == 1
    assert where(await visitor.get("/set-up")) == "/"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"firm_name": " "}, "Vul dit in."),
        ({"email": "anna@"}, "e-mail"),
        ({"password": "kort"}, "ten minste 12"),
        ({"password": ""}, "Vul dit in."),
        ({"password": "welkom12345678"}, "veelgebruikte"),
        ({"password": "de brug administraties"}, "naam"),
        ({"brand": "geel"}, "#1f5c4d"),
        ({"surname": "x" * 500}, "er passen er 200"),
    ],
)
async def test_what_is_wrong_is_said_and_nothing_typed_is_lost(
    visitor: Browser, wrong: dict[str, str], said: str
) -> None:
    address = await link()
    reply = await visitor.post(address, data={**OFFICE, **wrong})

    assert reply.status_code == 422
    assert said in reply.text
    assert 'value="Zwolle"' in reply.text
    assert not await User.exists()
    assert where(await visitor.post(address, data=OFFICE)).startswith("/account/second-factor")


async def test_long_pasted_passwords_are_taken_whole(visitor: Browser) -> None:
    password = "Ünï😀 " * 40 + "!"
    await visitor.post(await link(), data={**OFFICE, "password": password})
    await visitor.post("/sign-out")

    assert (
        await visitor.post("/sign-in", data={"email": OFFICE["email"], "password": password[:-1]})
    ).status_code == 422
    assert where(await visitor.post("/sign-in", data={"email": OFFICE["email"], "password": password})) == "/"


@pytest.mark.parametrize(("colour", "warned"), [("#ffd400", True), ("#0a3d91", False)])
async def test_a_colour_that_cannot_be_read_is_used_with_a_warning(visitor: Browser, colour: str, warned: bool) -> None:
    await visitor.post(await link(), data={**OFFICE, "brand": colour})

    page = (await visitor.get("/account/second-factor?first=1")).text
    sheet = (await visitor.get((await Firm.load()).brand_css_url)).text

    assert ("niet goed te lezen" in page) is warned
    assert f"--brand: {colour};" in sheet
    assert (f"light-dark({colour}," in sheet) is not warned


async def begun(visitor: Browser) -> None:
    await visitor.post(await link(), data=OFFICE)


async def test_the_second_factor_is_proved_before_it_is_set(visitor: Browser) -> None:
    await begun(visitor)
    page = await visitor.htmx("GET", "/account/second-factor?first=1")
    key, sealed = (
        re.search(r"<code[^>]*>([A-Z2-7 ]+)</code>", page.text),
        re.search(r'name="sealed" value="([^"]+)"', page.text),
    )
    assert key and sealed
    secret = key[1].replace(" ", "")

    wrong = await visitor.htmx("POST", "/account/second-factor?first=1", data={"sealed": sealed[1], "code": "000000"})
    codes = await visitor.htmx(
        "POST", "/account/second-factor?first=1", data={"sealed": sealed[1], "code": pyotp.TOTP(secret).now()}
    )

    assert wrong.status_code == 422
    assert key[1] in wrong.text, "the same key, or the app that has it would be worthless"
    assert 'src="data:image/svg+xml' in page.text
    assert secret not in sealed[1]
    assert len(re.findall(r"\b[2-9a-z]{4}-[2-9a-z]{4}-[2-9a-z]{4}\b", codes.text.split("</code>")[0])) == 10
    assert 'href="/welcome-office/logo"' in codes.text


async def test_it_can_be_skipped_once_and_is_remembered(visitor: Browser) -> None:
    await begun(visitor)
    assert "Nu overslaan" in (await visitor.htmx("GET", "/account/second-factor?first=1")).text

    assert where(await visitor.post("/account/second-factor/skipped?first=1")) == "/welcome-office/logo"

    user = await User.objects().first()
    assert user is not None
    assert user.second_factor_skipped_at is not None
    assert "Uw account heeft nog geen tweede factor" in await banners_of(visitor)


async def banners_of(browser: Browser) -> str:
    page = (await browser.get("/no/such/page")).text
    return page.partition('<section class="banners"')[2].partition("</section>")[0]


async def test_the_start_is_a_choice(visitor: Browser) -> None:
    await begun(visitor)

    page = await visitor.htmx("GET", "/welcome-office")

    assert 'href="/rollout"' in page.text
    assert 'action="/welcome-office/sample"' in page.text


async def test_the_sample_office_comes_and_goes(visitor: Browser) -> None:
    await begun(visitor)

    assert where(await visitor.post("/welcome-office/sample")) == "/rollout"
    assert (await Firm.load()).is_sample
    people = await User.count()
    asked = await visitor.htmx("GET", "/welcome-office/sample/removal")
    assert 'action="/welcome-office/sample/removal"' in asked.text
    assert where(await visitor.post("/welcome-office/sample/removal")) == "/rollout"

    assert people > 3
    assert not (await Firm.load()).is_sample
    assert await User.count() == 1


# the logo


def picture(kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (120, 40), "#e8b500").save(out, kind)
    return out.getvalue()


async def test_the_logo_is_shown_to_everybody(visitor: Browser) -> None:
    await begun(visitor)
    content = picture()

    reply = await visitor.post("/welcome-office/logo", files={"logo": ("logo.png", content, "image/png")})
    firm = await Firm.load()
    shown = await visitor.get(firm.logo_url)

    assert where(reply) == "/welcome-office"
    assert (shown.status_code, shown.content, shown.headers["content-type"]) == (200, content, "image/png")
    assert "immutable" in shown.headers["cache-control"]
    assert "sandbox" in shown.headers["content-security-policy"]
    assert firm.logo_url in (await visitor.get("/offline")).text
    assert "immutable" not in (await visitor.get("/logo?v=old")).headers["cache-control"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("logo.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("logo.png", b"MZ\x90\x00"),
        ("logo.gif", picture("GIF")),
        ("", b""),
    ],
)
async def test_what_is_no_picture_becomes_no_logo(visitor: Browser, name: str, content: bytes) -> None:
    await begun(visitor)

    reply = await visitor.post("/welcome-office/logo", files={"logo": (name, content)})

    assert reply.status_code == 422
    assert 'role="alert"' in reply.text
    assert (await Firm.load()).logo_url == ""
    assert (await visitor.get("/logo")).status_code == 404


async def test_only_the_administrator_sets_the_logo(cast: Cast, browser: Any) -> None:
    async with browser(cast.ed) as ed, browser(cast.anna) as anna:
        refused = await ed.request(
            "POST",
            "/welcome-office/logo",
            files={"logo": ("l.png", picture())},
            headers={"HX-Request": "true", "HX-Request-Type": "partial"},
        )
        taken = await anna.post(
            "/welcome-office/logo", files={"logo": ("l.png", picture())}, data={"then": "/settings"}
        )
        removed = await anna.post("/welcome-office/logo/removal")

    assert refused.status_code == 403
    assert where(taken) == "/settings"
    assert where(removed) == "/settings/style"
    assert (await Firm.load()).logo_url == ""
