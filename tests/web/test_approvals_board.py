"""The office's board: what stands where, who sees what of it, and what is done to many at once."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

import partials
from jobs.long_work import run
from models import engine
from models.accounts.roles import BY_MODULE
from models.approvals import ApprovalRequest, ask, offer
from models.core import Say, save
from models.settings import Firm, this_day
from tests.approving import draft, kind, now, offered, person, says_no
from tests.cast import Cast
from web import approvals_board as pages

Browsers = Callable[..., Any]


@pytest.fixture
async def office(cast: Cast) -> Cast:
    async def unit() -> None:
        await save(await Firm.load(), modules="dossiers,approvals")

    await engine.run_writing(unit)
    return cast


def url(**query: Any) -> str:
    return pages.list_.url(**query)


async def test_the_board_by_state_and_by_deadline(office: Cast, browser: Browsers) -> None:
    rik = await person(office.bakkerij, "Rikkie")
    late = await offered(
        office,
        internal_due=this_day() - dt.timedelta(days=2),
        legal_due=this_day() + dt.timedelta(days=40),
        title="Eerste",
    )
    soon = await offered(
        office,
        internal_due=this_day() + dt.timedelta(days=3),
        legal_due=this_day() + dt.timedelta(days=40),
        title="Tweede",
    )
    await draft(office, title="Derde")
    await says_no(rik, await offered(office, title="Vierde"))
    await ask(late, "Klopt dit?", by=rik)
    async with browser(office.anna) as anna:
        open_, drafts, rejected = [await anna.get(url(stage=stage)) for stage in ("open", "draft", "rejected")]
        overdue, week, asked = (
            await anna.get(url(when="late")),
            await anna.get(url(when="week")),
            await anna.get(url(questions=1)),
        )
        found = await anna.get(url(q="jansen tweede"))
        book = await anna.get(pages.export.url())
        people = await anna.get(pages.by_responsible.url())

    assert (
        "Eerste" in open_.text and "Tweede" in open_.text and "Derde" not in open_.text and "Vierde" not in open_.text
    )
    assert "Derde" in drafts.text and "Vierde" in rejected.text
    assert "Eerste" in overdue.text and "te laat" in overdue.text and "Tweede" not in overdue.text
    assert "Tweede" in week.text and "Eerste" not in week.text
    assert "Eerste" in asked.text and "Tweede" not in asked.text
    assert "Tweede" in found.text and "Eerste" not in found.text
    assert book.content[:2] == b"PK" and people.status_code == 200
    assert soon.id != late.id


async def test_the_list_is_taken_along_whole_and_in_order_though_it_is_read_in_slices(
    office: Cast, browser: Browsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "SLICE", 2)
    for n in (4, 1, 5, 3, 2):
        await offered(office, internal_due=this_day() + dt.timedelta(days=n), legal_due=this_day() + dt.timedelta(days=40), title=f"Nummer {n}")  # fmt: skip
    async with browser(office.anna) as anna:
        book = await anna.get(pages.export.url())

    with zipfile.ZipFile(io.BytesIO(book.content)) as packed:
        said = "".join(packed.read(name).decode() for name in packed.namelist() if name.endswith(".xml"))
    assert (
        re.findall(r"Nummer (\d)", said) == ["1", "2", "3", "4", "5"] and "Aangeboden" in said and "offered" not in said
    )


async def test_a_colleague_sees_and_counts_only_what_is_of_his_clients(office: Cast, browser: Browsers) -> None:
    theirs = (
        await engine.raw(
            "SELECT id FROM client WHERE state = 'active' AND id NOT IN (SELECT client FROM responsible WHERE person = $1) LIMIT 1",
            office.ed.user.id,
        )
    )[0]["id"]
    await person(theirs, "Toos")
    hidden = await offered(office, theirs, title="Van een ander")
    async with browser(office.ed) as ed:
        shown = await ed.get(url())
        await ed.post(pages.carry_out.url(), data={"do": "withdraw", "ids": [str(hidden.id)], "reason": "Weg"})

    assert "Van een ander" not in shown.text
    assert (await now(hidden)).state == "offered"


async def test_many_are_withdrawn_with_one_reason_and_what_cannot_be_is_named(office: Cast, browser: Browsers) -> None:
    rik = await person(office.bakkerij, "Rikkie")
    one, two, done = await offered(office), await draft(office), await offered(office)
    await says_no(rik, done)
    await engine.raw("UPDATE approval_request SET state = 'replaced' WHERE id = $1", done.id)
    ids = [str(row.id) for row in (one, two, done)]
    async with browser(office.anna) as anna:
        look = await anna.post(pages.look.url(), data={"do": "withdraw", "ids": ids})
        without = await anna.post(pages.carry_out.url(), data={"do": "withdraw", "ids": ids, "reason": " "})
        report = await anna.post(
            pages.carry_out.url(), data={"do": "withdraw", "ids": ids, "reason": "Verkeerde cijfers"}
        )

    assert "Er is nog niets gewijzigd" in look.text and look.text.count('name="ids"') == 3
    assert (without.status_code, "Schrijf op waarom" in without.text) == (422, True)
    assert "Bij 1 kon het niet" in report.text
    assert [(await now(row)).state for row in (one, two, done)] == ["withdrawn", "withdrawn", "replaced"]
    assert (await now(one)).reason == "Verkeerde cijfers"


async def test_days_and_colleague_of_many(office: Cast, browser: Browsers) -> None:
    await person(office.bakkerij, "Rikkie")
    one, two = await offered(office), await offered(office)
    ids = [str(one.id), str(two.id)]
    day = this_day() + dt.timedelta(days=30)
    async with browser(office.anna) as anna:
        bad = await anna.post(pages.carry_out.url(), data={"do": "extend", "ids": ids, "internal": "40-13-2026"})
        moved = await anna.post(
            pages.carry_out.url(),
            data={"do": "extend", "ids": ids, "internal": day.strftime("%d-%m-%Y"), "legal": day.strftime("%d-%m-%Y")},
        )
        given = await anna.post(
            pages.carry_out.url(), data={"do": "responsible", "ids": ids, "person": str(office.ed.user.id)}
        )
        nobody = await anna.post(
            pages.carry_out.url(), data={"do": "responsible", "ids": ids, "person": str(office.rik.user.id)}
        )

    assert (bad.status_code, "40-13-2026" in bad.text, moved.status_code, given.status_code) == (422, True, 303, 303)
    assert "Kies een collega" in nobody.text
    fresh = [await now(one), await now(two)]
    assert [str(row.internal_due)[:10] for row in fresh] == [day.isoformat()] * 2
    assert [row.responsible for row in fresh] == [office.ed.user.id] * 2


async def test_signing_off_many_but_not_ones_own(office: Cast, browser: Browsers) -> None:
    await person(office.bakkerij, "Rikkie")
    await engine.raw("UPDATE users SET role = 'office_administrator' WHERE id = $1", office.ed.user.id)
    accounts = await kind("Jaarrekening (definitief)")
    mine = await draft(office, kind=accounts.id, by=office.ed)
    await offer(mine, by=office.ed)
    own = await offered(office, kind=accounts.id)
    async with browser(office.anna) as anna:
        report = await anna.post(pages.carry_out.url(), data={"do": "sign_off", "ids": [str(mine.id), str(own.id)]})

    assert "Bij 1 kon het niet" in report.text
    assert ((await now(mine)).state, (await now(own)).state) == ("offered", "sign_off")


async def test_a_long_board_asks_no_more_of_the_database(office: Cast, browser: Browsers) -> None:
    await person(office.bakkerij, "Rikkie")
    await offered(office)
    async with browser(office.anna) as anna:
        with engine.count_queries() as few:
            await anna.get(url())
        for _ in range(8):
            await offered(office)
        with engine.count_queries() as many:
            await anna.get(url())
    assert few.n == many.n <= 12
    assert await ApprovalRequest.count() == 9


async def test_all_that_match_are_looked_at_carried_out_and_reported_without_one_left_out(
    office, browser: Browsers
) -> None:
    await person(office.bakkerij, "Rikkie")
    drafts = [await draft(office, title="Veel") for _ in range(27)]
    await engine.raw("DELETE FROM approval_document WHERE request = $1", drafts[0].id)
    async with browser(office.anna) as anna:
        to = await anna.post(pages.look.url(), data={"do": "offer", "stage": "draft", "q": "veel", "all_matching": "1"})
        look = await anna.get(to.headers["location"])
        frozen = re.search(r'name="run" value="(\d+)"', look.text)[1]
        with engine.count_queries() as few:
            begun = await anna.post(pages.carry_out.url(), data={"run": frozen})
        busy = await anna.get(begun.headers["location"])
        await run((await engine.raw("SELECT max(id) AS id FROM errand WHERE kind = 'run_task'"))[0]["id"])
        report = await anna.get(begun.headers["location"])
        task = (await engine.raw("SELECT max(id) AS id FROM task"))[0]["id"]
        page = await anna.get(f"/tasks/{task}")
    async with browser(office.ed) as ed:
        other = await ed.get(begun.headers["location"])

    assert "Het gaat om 27 accorderingen" in look.text and "Bij 1 daarvan kan het niet" in look.text
    assert "personen krijgen bericht</summary>" in look.text and "26 accorderingen, één bericht" in look.text
    assert "1 × Kies ten minste één PDF" in look.text and 'name="ids"' not in look.text
    assert few.n < 60 and "Accorderingen bijwerken" in busy.text
    assert "Aanbieden: 26 accorderingen." in report.text and "Bij 1 kon het niet" in report.text
    assert f'href="{begun.headers["location"]}"' in page.text
    assert other.status_code == 404
    assert [(await now(row)).state for row in drafts] == ["draft"] + ["offered"] * 26


async def test_a_reason_that_is_missing_is_asked_again_of_many_too(office: Cast, browser: Browsers) -> None:
    await person(office.bakkerij, "Rikkie")
    ids = [str((await draft(office)).id) for _ in range(26)]
    async with browser(office.anna) as anna:
        to = await anna.post(pages.look.url(), data={"do": "withdraw", "ids": ids})
        frozen = to.headers["location"].rpartition("/")[2]
        without = await anna.post(pages.carry_out.url(), data={"run": frozen, "reason": " "})
        reminded = await anna.post(pages.look.url(), data={"do": "remind", "ids": ids}, follow_redirects=True)
        strange = await anna.post(pages.carry_out.url(), data={"run": "999999", "reason": "Weg"})

    assert (without.status_code, "Schrijf op waarom" in without.text) == (422, True)
    assert "U koos 26 accorderingen" in reminded.text
    assert strange.status_code == 404


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Nu van {name}.", "Nu van De Vries B.V."),
        ("Nu van {name}. Klaar.", "Nu van De Vries B.V. Klaar."),
        ("{name} is klaar", "De Vries B.V. is klaar"),
        ("{name}...", "De Vries B.V...."),
    ],
)
def test_a_name_that_ends_with_a_full_stop_ends_the_sentence(text: str, said: str) -> None:
    assert partials.speak(Say(text, name="De Vries B.V.")) == said
    assert partials.speak(Say(text, name="Smit")) == text.format(name="Smit")
    source = text.replace("{name}", "{{ name }}")
    page = partials.env.from_string("{% trans name=who %}" + source + "{% endtrans %}")
    assert page.render(who="De Vries B.V.") == said


def test_in_english_one_approves_and_the_list_is_of_approvals() -> None:
    with partials.speaking("en"):
        assert (partials.speak("Akkoord geven"), partials.speak("Accorderen")) == ("Approve", "Approvals")
        assert [partials.speak(words) for words in (BY_MODULE[1].looking, BY_MODULE[1].acting)] == [
            "View approvals",
            "Approve",
        ]
