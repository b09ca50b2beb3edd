"""The pages of letters: chosen, looked at beforehand, made, downloaded by who proved who he is, printed, posted, come back."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from models import config, engine
from models.letters import Choice, LetterBatch, LetterTemplate
from models.settings import utcnow
from models.storage import reset
from tests.cast import PASSWORD, Cast
from tests.lettering import fresh, made, pages_of, pin_on, text_of, worked


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("STORAGE_URL", f"file://{tmp_path}/store")
    config.reset()
    reset()
    yield
    config.reset()
    reset()


async def prove(browser: Any) -> None:
    answer = await browser.post("/account/proof", data={"present_password": PASSWORD})
    assert answer.status_code == 303, answer.text


def fields_of(html: str) -> dict[str, str]:
    form = html[html.index('action="/letters/new"', html.index('id="letters-found"')) :]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[: form.index("</form>")]))


async def newest() -> LetterBatch:
    found = await LetterBatch.objects().order_by(LetterBatch.id, ascending=False).first()
    assert found is not None
    return found


async def test_from_choosing_to_the_post(cast: Cast, browser: Any) -> None:
    async with browser(cast.anna) as anna:
        looked = await anna.get("/letters/new?how=lacking")
        assert "Garage Smit" in looked.text and not await LetterBatch.count()
        begun = await anna.post("/letters/new", data=fields_of(looked.text))
        batch = await newest()
        assert begun.headers["location"] == f"/letters/{batch.id}" and batch.state == "making"
        batch = await worked(batch)
        at = f"/letters/{batch.id}"

        await engine.raw("UPDATE session SET proved_at = NULL")
        asked = await anna.post(f"{at}/file")
        assert asked.status_code == 303 and asked.headers["location"].startswith("/account/proof")
        assert (await fresh(batch)).downloads == 0
        await prove(anna)
        got = await anna.post(f"{at}/file")
        assert got.headers["cache-control"] == "no-store" and got.headers["content-type"] == "application/pdf"
        assert "attachment" in got.headers["content-disposition"] and len(pages_of(got.content)) == batch.letters
        page = (await anna.get(at)).text
        assert "1 keer gedownload" in page and batch.sha256 in page
        for text in pages_of(got.content):
            assert pin_on(text) not in re.sub(r"<[^>]*>", " ", page).replace(batch.sha256, "")

        await anna.post(f"{at}/printed")
        gone = await anna.post(f"{at}/file")
        assert gone.status_code == 303 and (await fresh(batch)).state == "printed"
        wrong = await anna.post(f"{at}/posted", data={"day": "morgen"})
        assert wrong.status_code == 422 and "31-12-2026" in wrong.text
        await anna.post(f"{at}/posted", data={"day": batch.dated_on.isoformat()})
        letter = (await engine.raw("SELECT id FROM letter WHERE person = $1", cast.sam.user.id))[0]["id"]
        await anna.post(f"{at}/letters/{letter}/returned")
        page = (await anna.get(at)).text
        assert "Gepost" in page and "Retour gekomen" in page
        sheet = (await anna.get(f"{at}/register")).text
        assert batch.sha256 in sheet and sheet.count("\r\n") == batch.letters + 2 and "Retour gekomen" in sheet
        listed, card = (await anna.get("/letters")).text, (await anna.get("/settings/tokens")).text
        assert f"Partij {batch.id}" in listed and f'href="/letters/{batch.id}"' in card
        trail = (await anna.get("/audit")).text
        assert "downloadde" in trail and "deed" in trail


async def test_what_came_back_and_was_used_is_not_said_to_be_dead(cast: Cast, browser: Any) -> None:
    batch = await made(cast.anna)
    async with browser(cast.anna) as anna:
        await anna.post(f"/letters/{batch.id}/file")
        await anna.post(f"/letters/{batch.id}/printed")
    rows = await engine.raw("SELECT l.id, l.person FROM letter l ORDER BY l.id")
    used, unused = rows[0], rows[1]
    await engine.raw(
        "UPDATE pin SET state = 'confirmed', confirmed_at = $1, used_at = $1 WHERE letter = $2", utcnow(), used["id"]
    )
    async with browser(cast.anna) as anna:
        for one in (used, unused):
            await anna.post(f"/letters/{batch.id}/letters/{one['id']}/returned")
            said = (await anna.get(f"/letters/{batch.id}")).text
            [pin] = await engine.raw("SELECT state FROM pin WHERE letter = $1", one["id"])
            assert ("al eerder gebruikt" in said, pin["state"]) == (
                (one is used),
                "confirmed" if one is used else "returned",
            )


async def test_others_were_shown_than_would_get_one(cast: Cast, browser: Any) -> None:
    async with browser(cast.anna) as anna:
        fields = fields_of((await anna.get("/letters/new?how=lacking")).text)
        await engine.raw("UPDATE client SET city = 'Zeist' WHERE id = $1", cast.garage)
        answer = await anna.post("/letters/new", data=fields)
    assert answer.status_code == 422 and "Bekijk de lijst opnieuw" in answer.text and not await LetterBatch.count()


async def test_without_an_address_one_is_named(cast: Cast, browser: Any) -> None:
    await engine.raw("UPDATE client SET postcode = '', post_postcode = '' WHERE id = $1", cast.garage)
    async with browser(cast.anna) as anna:
        page = (await anna.get("/letters/new?how=rule&kind=sole_trader")).text
    assert "volledig adres" in page and cast.sam.user.full_name in page


async def test_cancelled_on_the_page(cast: Cast, browser: Any) -> None:
    batch = await made(cast.anna)
    async with browser(cast.anna) as anna:
        await anna.post(f"/letters/{batch.id}/cancel")
        assert "de codes in deze brieven werken niet" in (await anna.get(f"/letters/{batch.id}")).text


@pytest.mark.parametrize("how, asks", [("group", "Kies een groep."), ("rule", "Kies een regel")])
async def test_a_group_or_a_rule_is_asked_for_when_none_was_chosen(
    cast: Cast, browser: Any, how: str, asks: str
) -> None:
    async with browser(cast.anna) as anna:
        page = (await anna.get(f"/letters/new?how={how}")).text
    assert asks in page[page.index("<main") :] and "Er is niemand aan wie" not in page and "0 brieven" not in page


async def test_the_page_says_whose_earlier_pin_is_dead_too_and_writes_to_them_again(cast: Cast, browser: Any) -> None:
    first = await made(cast.anna)
    await engine.raw("UPDATE letter SET state = 'printed' WHERE batch = $1", first.id)
    batch = await made(cast.anna, Choice("person", person=cast.sam.user.id, renew=True))
    async with browser(cast.anna) as anna:
        page = (await anna.get(f"/letters/{batch.id}")).text
        begun = await anna.post(f"/letters/{batch.id}/cancel", data={"again": "1"})
        cancelled = (await anna.get(f"/letters/{batch.id}")).text
        card = (await anna.get("/settings/tokens")).text

    assert "Ook de eerdere pincode van 1 persoon werkt niet meer" in page and cast.sam.user.full_name in page
    assert begun.headers["location"] == f"/letters/{(await newest()).id}" != f"/letters/{batch.id}"
    assert "Ook de eerdere pincode van 1 persoon" in cancelled
    assert "1 brief ·" in page
    assert f"Partij {batch.id}: 1 brief<" in card


async def test_work_that_broke_off_is_begun_again(cast: Cast, browser: Any) -> None:
    from tests.lettering import asked

    batch = await asked(cast.anna)
    await engine.raw("UPDATE task SET state = 'failed', finished_at = $1", utcnow())
    async with browser(cast.anna) as anna:
        assert "geen code die werkt" in (await anna.get(f"/letters/{batch.id}")).text
        await anna.post(f"/letters/{batch.id}/again")
    assert (await worked(await fresh(batch))).state == "ready"


async def test_templates_are_written_looked_at_and_removed(cast: Cast, browser: Any) -> None:
    async with browser(cast.anna) as anna:
        form = {"name": "Eigen brief", "kind": "pin", "subject_nl": "Uw code", "text_nl": "{aanhef}\n\nHallo {naam}, {fout}", "envelope": "dl", "activates": "1"}  # fmt: skip
        wrong = await anna.post("/letters/templates/new", data=form)
        assert wrong.status_code == 422 and "{fout}" in wrong.text and "Hallo {naam}" in wrong.text
        added = await anna.post(
            "/letters/templates/new", data=form | {"text_nl": "{aanhef}\n\nHallo {naam}, {cliënten}"}
        )
        at = added.headers["location"]
        page = (await anna.get(f"{at}?person={cast.sam.user.id}")).text
        assert f'value="{cast.sam.user.id}" selected' in page and "Proefblad" in page

        pdf = (await anna.get(f"{at}/sample?person={cast.sam.user.id}")).content
        text = text_of(pdf)
        assert "000000" in text and "VOORBEELD" in text and "Garage Smit" in text and "ABCD-EFGH-JKLM" in text
        assert "000000" in text_of((await anna.get(f"{at}/sample")).content)
        assert (await anna.get(f"{at}/picture")).content.startswith(b"\x89PNG")
        assert "C5, venster rechts" in text_of((await anna.get(f"{at}/envelope?envelope=c5_right&x=2,5")).content)
        assert not await engine.raw("SELECT id FROM pin")

        changed = await anna.post(at, data=form | {"text_nl": "Dag", "seen": "1", "offset_x": "12"})
        assert changed.status_code == 422 and "-10 tot 10" in changed.text
        assert (await anna.post(at, data=form | {"text_nl": "Dag", "seen": "1", "offset_x": "-2,5"})).status_code == 303
        assert (await anna.post(f"{at}/removal")).status_code == 303
    assert await LetterTemplate.count() == 2


async def test_only_who_may_print_pins_finds_any_of_it(cast: Cast, browser: Any) -> None:
    batch = await made(cast.anna)
    for who in (cast.ed, cast.rik, cast.sam):
        async with browser(who) as other:
            for at in ("/letters", "/letters/new", f"/letters/{batch.id}", f"/letters/{batch.id}/register", "/letters/templates", "/letters/templates/1", "/letters/templates/1/sample"):  # fmt: skip
                assert (await other.get(at)).status_code == 404, at
            for at in (f"/letters/{batch.id}/file", f"/letters/{batch.id}/cancel", "/letters/new"):
                assert (await other.post(at)).status_code == 404, at
    assert (await fresh(batch)).state == "ready"


async def test_a_page_of_letters_asks_little(cast: Cast, browser: Any) -> None:
    batch = await made(cast.anna)
    async with browser(cast.anna) as anna:
        for at in ("/letters", f"/letters/{batch.id}", "/letters/new?how=lacking", "/letters/templates/1"):
            with engine.count_queries() as counted:
                assert (await anna.get(at)).status_code == 200
            assert counted.n <= 20, (at, counted.n)
