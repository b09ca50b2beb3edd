"""Every page of the settings: found by its name, looked at beforehand, and each change seen where it counts."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from models import config, engine
from models.clients.rights import RightsTemplate
from models.offices import Office, add_office
from models.settings import Firm
from tests.cast import Cast
from tests.jobs.posting import post_all
from tests.names import naming
from tests.smtp import Sink
from tests.web.test_settings import GENERAL
from web.settings_index import SETTINGS, TABS

Browsers = Callable[..., Any]


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 32), "#aa0044").save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda one: str(one.label))
async def test_every_setting_is_found_by_its_name_and_leads_to_its_field(
    cast: Cast, browser: Browsers, setting: Any
) -> None:
    async with browser(cast.anna) as anna:
        found = html.unescape((await anna.get("/settings/search", params={"q": str(setting.label)})).text)
        address = re.search(rf'<a href="([^"]+)">{re.escape(str(setting.label))}</a>', found)
        assert address is not None
        page, _, field = address[1].partition("#")
        shown = await anna.get(page)

    assert shown.status_code == 200
    assert not field or f'id="{field}"' in shown.text


async def test_the_search_lists_all_and_says_when_there_is_nothing(cast: Cast, browser: Browsers) -> None:
    async with browser(cast.anna) as anna, browser(cast.ed) as ed:
        every = (await anna.get("/settings/search")).text
        none = (await anna.get("/settings/search?q=xyzzy")).text
        strange = await ed.get("/settings/search?q=kleur")

    assert all(html.escape(str(one.label)) in every for one in SETTINGS)
    assert "Niets gevonden" in none and strange.status_code == 404


async def test_every_tab_is_for_administrators(cast: Cast, browser: Browsers) -> None:
    async with browser(cast.anna) as anna, browser(cast.ed) as ed:
        page = (await anna.get("/settings")).text
        for href in re.findall(r'<nav class="settings-tabs".*?</nav>', page, re.S)[0].split('href="')[1:]:
            path = href.split('"')[0]
            assert (await anna.get(path)).status_code == 200, path
            if path != "/sectors":
                assert (await ed.get(path)).status_code == 404, path
    assert page.count('aria-current="page"') >= 1 and len(TABS) == 15


async def test_all_that_is_wrong_is_said_at_once(cast: Cast, browser: Browsers) -> None:
    wrong = {
        **GENERAL,
        "name": " ",
        "postcode": "1",
        "phone": "x",
        "email": "y",
        "digest_hour": "99",
        "invitation_days": "0",
    }
    async with browser(cast.anna) as anna:
        reply = await anna.post("/settings", data=wrong)

    errors = set(re.findall(r'id="([a-z_]+)-error"', reply.text))
    assert (
        reply.status_code == 422 and {"name", "postcode", "phone", "email", "digest_hour", "invitation_days"} <= errors
    )


async def test_a_colour_is_looked_at_before_it_is_kept(cast: Cast, browser: Browsers) -> None:
    async with browser(cast.anna) as anna:
        page = await anna.get("/settings/style", params={"brand": "#ffee00"})
        fragment = await anna.htmx("GET", "/settings/style?brand=%23ffee00")
        nonsense = await anna.htmx("GET", "/settings/style?brand=geel")
        css = await anna.get("/settings/style.css?brand=ffee00")

    assert "Te weinig" in page.text and "/settings/style.css?brand=ffee00" in fragment.text
    assert "<html" not in fragment.text and "Schrijf een kleur" in nonsense.text
    assert "--brand: #ffee00" in css.text and "<" not in css.text
    assert (await Firm.load()).brand != "#ffee00"


async def test_a_test_message_tells_what_the_mail_server_answered(
    cast: Cast, browser: Browsers, smtp_sink: Sink
) -> None:
    await (await Firm.load()).change(
        sender_name="Het kantoor", sender_address="post@kantoor.example", reply_to="info@kantoor.example",
        mail_closing="Tot ziens!", by=cast.anna,
    )  # fmt: skip
    async with browser(cast.anna) as anna:
        asked = await anna.post("/settings/mail/test")
        await post_all()
        told = await anna.get(asked.headers["location"])

    [taken] = smtp_sink.taken
    assert taken.address == cast.anna.user.email and "Tot ziens!" in taken.text and "Tot ziens!" in taken.html
    assert taken.message["From"] == "Het kantoor <post@kantoor.example>"
    assert taken.message["Reply-To"] == "info@kantoor.example"
    assert taken.sender == "poort@127.0.0.1", "the envelope stays ours: that is where bounces go"
    assert "250 2.0.0 OK" in told.text


async def test_the_domain_is_looked_at_and_what_was_found_stays(
    cast: Cast, browser: Browsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone: dict[tuple[str, str], list[str] | str] = {("kantoor.example", "TXT"): ['"v=spf1 -all"']}
    await (await Firm.load()).change(sender_address="post@kantoor.example", by=cast.anna)
    async with naming(zone) as names, browser(cast.anna) as anna, browser(cast.ed) as ed:
        monkeypatch.setenv("DNS_SERVER", names.address)  # type: ignore[attr-defined]
        config.reset()
        strange = await ed.post("/settings/mail/domain")
        done = await anna.post("/settings/mail/domain")
        monkeypatch.undo()
        config.reset()
        page = html.unescape((await anna.get("/settings/mail")).text)

    assert strange.status_code in (403, 404) and done.status_code == 303
    assert "Er is geen DMARC-record" in page and "_dmarc.kantoor.example" in page and "Nagekeken op" in page


async def test_changing_a_template_first_says_for_how_many(cast: Cast, browser: Browsers) -> None:
    template = await RightsTemplate.objects().where(RightsTemplate.key == "beheerder").first()
    assert template is not None
    path, form = f"/settings/rights/{template.id}", {"name": template.name, "rights": ["1"], "folder": ["Belastingen"]}
    async with browser(cast.anna) as anna:
        asked = await anna.post(path, data=form)
        between = (await engine.raw("SELECT rights FROM rights_template WHERE id = $1", template.id))[0]["rights"]
        done = await anna.post(path, data=form | {"confirmed": "1"})
        page = await anna.get(path)
        added = await anna.post("/settings/rights/new", data={"name": "Directeur", "rights": ["1", "2"]})
        twice = await anna.post("/settings/rights/new", data={"name": "directeur"})

    assert asked.status_code == 200 and "Dit geldt meteen voor" in asked.text and between == template.rights
    assert done.status_code == 303 and 'value="Belastingen" checked' in page.text
    assert added.status_code == 303 and twice.status_code == 422


async def test_a_branch_office_is_made_and_its_clients_see_it(cast: Cast, browser: Browsers, smtp_sink: Sink) -> None:
    async with browser(cast.anna) as anna:
        wrong = await anna.post("/settings/offices/new", data={"name": "", "postcode": "1"})
        made = await anna.post(
            "/settings/offices/new",
            data={
                "name": "Kantoor Zeist",
                "city": "Zeist",
                "brand": "#aa0044",
                "sender_address": "zeist@kantoor.example",
            },
        )
        here = made.headers["location"]
        logo = await anna.post(f"{here}/logo", files={"logo": ("logo.png", picture(), "image/png")})
        no_logo = await anna.post(f"{here}/logo", files={"logo": ("logo.png", b"geen", "image/png")})
        office = (await engine.raw("SELECT id FROM office"))[0]["id"]
        await engine.raw("UPDATE client SET office = $1 WHERE id = $2", office, cast.garage)
        page = await anna.get(here)
        stays = await anna.post(f"{here}/removal")
    async with browser(cast.sam) as sam, browser(cast.rik) as rik:
        portal, other = await sam.get("/portal"), await rik.get("/portal")
        shown = await sam.get(re.findall(r'/logo\?v=[^"]+', portal.text)[0].replace("&amp;", "&"))

    assert wrong.status_code == 422 and {"name", "postcode"} <= set(re.findall(r'id="([a-z]+)-error"', wrong.text))
    assert logo.status_code == no_logo.status_code == 303 and "1 cliënt van deze vestiging" in page.text
    assert stays.status_code == 303 and await Office.exists().where(Office.id == office)
    assert "Kantoor Zeist" in portal.text and "Kantoor Zeist" not in other.text
    assert shown.content == picture()
    assert "/brand.css?v=aa0044" in portal.text


async def test_mail_to_a_client_of_a_branch_office_is_from_there(cast: Cast, smtp_sink: Sink) -> None:
    from models.outbox import Kind, ask

    office = await add_office(
        cast.anna.scope(Office),
        name="Kantoor Zeist",
        city="Zeist",
        sender_address="zeist@kantoor.example",
        by=cast.anna,
    )
    await engine.raw("UPDATE client SET office = $1 WHERE id = $2", office.id, cast.garage)

    async def both() -> None:
        for person in (cast.sam, cast.rik):
            await ask(Kind.ACCOUNT_NOTICE, person=person.user.id, what="password")

    await engine.run_writing(both)
    await post_all()
    told = {taken.address: taken for taken in smtp_sink.taken}

    assert told[cast.sam.user.email].message["From"] == "Kantoor Zeist <zeist@kantoor.example>"
    assert "Kantoor Zeist, Zeist" in told[cast.sam.user.email].text
    assert "Zeist" not in str(told[cast.rik.user.email].message["From"])


async def test_terms_are_kept_as_a_list(cast: Cast, browser: Browsers) -> None:
    async with browser(cast.anna) as anna:
        page = await anna.get("/settings/retention")
        wrong = await anna.post("/settings/retention/new", data={"name": "X", "months": "veel", "anchor": "upload"})
        done = await anna.post("/settings/retention/new", data={"name": "Offertes", "months": "24", "anchor": "upload"})
        one = re.findall(r"/settings/retention/\d+", (await anna.get("/settings/retention")).text)
        gone = await anna.post(f"{one[0]}/removal")

    assert "Administratie" in page.text and "7 jaar" in page.text
    assert wrong.status_code == 422 and done.status_code == 303 and gone.status_code == 303
