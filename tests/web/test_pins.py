"""Pages about PINs: the office's list and what it does there, the person's card, and replacing a PIN by a passkey."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from models import config, engine
from models.accounts import User
from models.letters import standing
from models.pins import NotProved, Proof, lists, mark_posted, prove, reissuing
from models.viewer import Viewer
from tests.authenticator import Authenticator, raw
from tests.cast import Cast, as_viewer
from tests.models.test_pins import DAY, issue, pins_of
from tests.models.test_proving import lines, other_than
from tests.web.test_passkeys import make
from tests.web.test_sessions import where


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """In the place of letters: for whom they were asked."""
    asked: list[list[int]] = []

    async def maker(people: Any, kind: str, by: Viewer) -> str:
        asked.append(list(people))
        return ""

    monkeypatch.setattr(reissuing, "_makers", [maker])
    return asked


async def give(person: Viewer, permissions: str) -> Viewer:
    await User.update({User.permissions: permissions}).where(User.id == person.user.id)
    return await as_viewer(person.user.email)


async def test_the_office_sees_who_has_which_and_who_has_none(cast: Cast, browser: Any) -> None:
    made = await issue(cast.rik.user.id, by=cast.anna)
    await engine.run_writing(lambda: mark_posted([7], 3, DAY))
    async with browser(cast.anna) as anna:
        page = (await anna.get("/settings/tokens")).text
        none = (await anna.htmx("GET", "/settings/tokens?state=none")).text
        found = (await anna.htmx("GET", "/settings/tokens?state=posted&q=garage")).text
        register = (await anna.get("/settings/tokens/register")).text

    name, sam = cast.rik.user.display_name, cast.sam.user.display_name
    assert name in page and "Op de post" in page and "01-12-2026" in page and "Bakkerij Jansen B.V." in page
    assert sam not in page and sam in none and name not in none and "Heeft er geen" in none
    assert "Niemand past" in found  # one searches by the name of the person
    assert name in register and cast.anna.user.display_name in register
    assert not [text for text in (page, none, found, register) if made.clear[0] in text or "argon2" in text]


async def test_many_are_reissued_after_it_was_shown_what_that_means(
    cast: Cast, browser: Any, letters: list[list[int]]
) -> None:
    await issue(cast.rik.user.id, by=cast.anna)
    both = {"ids": [cast.rik.user.id, cast.sam.user.id], "act": "reissue"}
    async with browser(cast.anna) as anna:
        shown = await anna.post("/settings/tokens/choice", data=both)
        before = (await pins_of(cast.rik.user.id))[0]["state"]
        done = await anna.post("/settings/tokens/acts", data=both)
        after = (await anna.get("/settings/tokens")).text

    assert "2 mensen" in shown.text and "werkt vanaf dat moment niet meer" in shown.text and before == "made"
    assert where(done) == "/settings/tokens" and "Opnieuw uitgegeven: 2" in after
    assert (await pins_of(cast.rik.user.id))[0]["state"] == "replaced"
    assert sorted(letters[0]) == sorted([cast.rik.user.id, cast.sam.user.id])


async def test_all_that_match_a_filter_are_reissued(cast: Cast, browser: Any, letters: list[list[int]]) -> None:
    async with browser(cast.anna) as anna:
        await anna.post("/settings/tokens/acts", data={"all_matching": "1", "state": "none", "act": "reissue"})

    assert cast.rik.user.id in letters[0] and cast.fem.user.id not in letters[0]


async def test_acting_asks_once_more_who_it_is(cast: Cast, browser: Any, letters: list[list[int]]) -> None:
    async with browser(cast.anna) as anna:
        await engine.raw("UPDATE session SET proved_at = NULL WHERE person = $1", cast.anna.user.id)
        asked = await anna.post("/settings/tokens/acts", data={"ids": [cast.rik.user.id], "act": "reissue"})

    assert where(asked).startswith("/account/proof") and letters == []


async def test_only_who_is_given_the_module_comes_in(cast: Cast, browser: Any, letters: list[list[int]]) -> None:
    act = {"ids": [cast.rik.user.id], "act": "reissue"}
    async with browser(cast.ed) as ed:
        refused = [
            (await ed.get("/settings/tokens")).status_code,
            (await ed.get("/settings/tokens/register")).status_code,
            (await ed.get(f"/settings/tokens/people/{cast.rik.user.id}/reissue")).status_code,
            (await ed.post("/settings/tokens/choice", data=act)).status_code,
            (await ed.post("/settings/tokens/acts", data=act)).status_code,
        ]
        card = (await ed.get(f"/users/{cast.rik.user.id}")).text
    ed = await give(cast.ed, "pins:act")
    async with browser(ed) as given:
        page = await given.get("/settings/tokens")
        home = (await given.get("/")).text

    assert refused == [404] * 5 and 'id="pins"' not in card and letters == []
    assert page.status_code == 200 and "settings-tabs" not in page.text and "/settings/tokens" in home


async def test_the_persons_page_has_his_pin_and_what_can_be_done(cast: Cast, browser: Any) -> None:
    await issue(cast.rik.user.id, by=cast.anna)
    await issue(cast.rik.user.id, by=cast.anna, letter=8)
    there = f"/users/{cast.rik.user.id}"
    async with browser(cast.anna) as anna:
        card = (await anna.htmx("GET", f"/settings/tokens/people/{cast.rik.user.id}")).text
        whole = (await anna.get(f"/settings/tokens/people/{cast.rik.user.id}")).text
        later = (await anna.get(there)).text
        confirm = (await anna.get(f"/settings/tokens/people/{cast.rik.user.id}/block")).text
        done = await anna.post("/settings/tokens/acts", data={"ids": [cast.rik.user.id], "act": "block", "then": there})
        blocked = (await anna.htmx("GET", f"/settings/tokens/people/{cast.rik.user.id}")).text
        elsewhere = await anna.post(
            "/settings/tokens/acts", data={"ids": [cast.rik.user.id], "act": "block", "then": "https://evil.example/"}
        )

    assert (
        f"/settings/tokens/people/{cast.rik.user.id}" in later
        and "<html" in whole
        and "Nieuwe pincode per brief" in whole
    )
    assert "Nieuwe pincode per brief" in card and "Vervangen" in card and "Wat hij eerder had" in card
    assert "Deblokkeren kan niet" in confirm and cast.rik.user.display_name in confirm
    assert where(done) == there and re.search(r'id="pins".*Geblokkeerd', blocked, re.DOTALL)
    assert where(elsewhere) == "/settings/tokens"


async def test_a_client_sees_with_what_he_approves(cast: Cast, browser: Any) -> None:
    made = await issue(cast.rik.user.id, by=cast.anna)
    async with browser(cast.rik) as rik, browser(cast.fem) as fem:
        with_pin = (await rik.get("/account")).text
        for _ in range(5):
            await prove(cast.rik, "pin", "pin", other_than(made.clear[0]))
        blocked = (await rik.get("/account")).text
        other = (await fem.get("/account")).text

    assert "Hoe u akkoord geeft" in with_pin and "De zes cijfers uit de brief" in with_pin
    assert (
        "Geblokkeerd na vijf verkeerde pogingen. Vraag uw kantoor" in blocked
        and "Nu kunt u niet akkoord geven" in blocked
    )
    assert "Hoe u akkoord geeft" not in other  # she approves nothing
    async with browser(cast.anna) as anna:
        assert "1 persoon van wie de pincode geblokkeerd is" in (await anna.htmx("GET", "/overview/asked")).text


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("BASE_URL", "http://localhost:8000")
    config.reset()
    yield
    monkeypatch.undo()
    config.reset()


async def test_a_pin_is_replaced_by_a_passkey_once_that_has_worked(cast: Cast, browser: Any, named: None) -> None:
    made, phone = await issue(cast.rik.user.id, by=cast.anna), Authenticator()
    async with browser(cast.rik) as rik:
        first = (await rik.get("/account/pin")).text
        await make(rik, phone)
        options = (await rik.get("/account/pin/options")).json()
        wrong = await rik.post(
            "/account/pin", data={"credential": Authenticator().sign(options), "pin_code": made.clear[0]}
        )
        options = (await rik.get("/account/pin/options")).json()
        without = await rik.post("/account/pin", data={"credential": phone.sign(options)})
        still = (await pins_of(cast.rik.user.id))[0]["state"]
        options = (await rik.get("/account/pin/options")).json()
        done = await rik.post("/account/pin", data={"credential": phone.sign(options), "pin_code": made.clear[0]})
        gone = await rik.get("/account/pin")

    assert "nog geen passkey" in first and options["userVerification"] == "required"
    assert (wrong.status_code, without.status_code, still) == (422, 422, "confirmed"), (
        "a password alone replaces no PIN"
    )
    assert [row["counts_from"] for row in await engine.raw("SELECT counts_from FROM passkey")] == [None]
    assert where(done) == "/account" and where(gone) == "/account"
    pin = (await pins_of(cast.rik.user.id))[0]
    assert (pin["state"], pin["ended_by"]) == ("replaced", cast.rik.user.id)
    assert isinstance(await prove(cast.rik, "pin", "pin", made.clear[0]), NotProved)
    assert await lines("Pin.replace_by_passkey") == 1
    lacking = await lists.page(cast.anna, lists.Filter(state="none"), 1, 500)
    assert cast.rik.user.id not in {row["id"] for row in lacking}, "nobody sends him another letter"
    assert (await standing(cast.anna))["confirmed"] == 1


async def test_a_passkey_proves_when_the_device_knew_its_owner(cast: Cast, browser: Any, named: None) -> None:
    phone, other = Authenticator(), Authenticator()
    async with browser(cast.rik) as rik, browser(cast.sam) as sam:
        await make(rik, phone, "Telefoon van Rik")
        await make(sam, other)
        options = (await rik.get("/account/pin/options")).json()
    await engine.raw("UPDATE passkey SET counts_from = NULL")  # made more than a day ago
    viewer, bytes_ = await as_viewer(cast.rik.user.email), raw(options["challenge"])
    right = await prove(viewer, "passkey", "passkey", phone.sign(options), challenge=bytes_)
    stranger = await prove(viewer, "passkey", "passkey", other.sign(options), challenge=bytes_)
    phone.verifies = False
    unknown = await prove(viewer, "passkey", "passkey", phone.sign(options), challenge=bytes_)
    without = await prove(viewer, "passkey", "passkey", phone.sign(options))

    assert isinstance(right, Proof) and right.method == "passkey Telefoon van Rik"
    assert all(isinstance(one, NotProved) for one in (stranger, unknown, without))


async def test_looking_through_his_eyes_shows_no_account_and_changes_nothing(cast: Cast, browser: Any) -> None:
    await issue(cast.rik.user.id, by=cast.anna)
    async with browser(cast.anna) as anna:
        seen = [
            (await anna.get(f"/view-as/{cast.rik.user.id}{path}")).status_code for path in ("/account/pin", "/account")
        ]

    assert seen == [404, 404]
    assert (await pins_of(cast.rik.user.id))[0]["wrong"] == 0
