"""Placing for approval from the office's pages: without a script, with every refusal beside its field, and for nobody else."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import openpyxl

from models import engine
from models.offering import begin_offering
from models.placing import Placing
from models.sample.papers import pdf
from models.uploads.reading import files_of
from models.uploads.taking import Announced, begin
from tests.approving import kind, offered, person, plan, says_yes, step
from tests.cast import Cast
from tests.models.test_offering import again, number_of, requests_of, work
from web import offering as pages

Browsers = Callable[..., Any]


async def form(**more: Any) -> dict[str, Any]:
    return {
        "kind": (await kind()).id, "book_year": "2026", "period": "m01", "message": "Graag deze week.", "internal_due": "", "legal_due": "",
        "amount": "", "together": "1", "ends": "draft", "named": "leave", "same": "leave", "same_bytes": "skip", "not_pdf": "attach",
        "archived": "leave", "unmanned": "draft", "warned": "place",
    } | more  # fmt: skip


async def begun(browser: Any, *files: tuple[str, bytes]) -> Placing:
    made = await browser.post(pages.begin.url())
    offering_id = int(re.search(r"/approvals/placing/(\d+)", made.headers["location"])[1])  # type: ignore[index]
    sent = await browser.post(pages.add.url(offering_id=offering_id), files=[("files", one) for one in files])
    assert sent.status_code == 303, sent.text
    placing = await Placing.objects().where(Placing.id == offering_id).first()
    assert placing is not None
    await work(placing)
    return await again(placing)


async def test_the_day_of_the_decision_is_chosen_for_all_and_apart_and_told_when_it_is_wrong(
    cast: Cast, browser: Browsers
) -> None:
    number, garage = await number_of(cast.bakkerij), await number_of(cast.garage)
    dividend = (await kind("Aangifte dividendbelasting")).id
    of_year = {"kind": dividend, "book_year": "2026", "period": ""}
    async with browser(cast.anna) as anna:
        placing = await begun(anna, (f"{number}_a.pdf", pdf("een")), (f"{garage}_b.pdf", pdf("twee")))
        at = {"offering_id": placing.id}
        wrong = await anna.post(pages.settle.url(**at), data=await form(**of_year, dated_on="ooit", amount="veel"))
        far = await anna.post(pages.settle.url(**at), data=await form(**of_year, dated_on="9999-12-31"))
        await anna.post(pages.settle.url(**at), data=await form(**of_year, dated_on="2027-03-10"))
        page = (await anna.get(pages.page.url(**at, tab="ready"))).text
        ids = [row["id"] for row in await engine.raw("SELECT id FROM placement_file ORDER BY client, id")]
        aside = (await anna.get(pages.apart.url(**at, ids=ids[:1]))).text
        own = await form(**of_year, part="", dated_on="ooit") | {"ids": ids[0]}
        refused = await anna.post(pages.save_apart.url(**at), data=own)
        await anna.post(pages.save_apart.url(**at), data=own | {"dated_on": "31-12-2027"})
        again_ = (await anna.get(pages.apart.url(**at, ids=ids[:1]))).text
        await anna.post(pages.start.url(**at))
        await work(placing)

    assert (wrong.status_code, far.status_code, refused.status_code) == (422, 422, 422)
    assert 'id="dated_on-error"' in wrong.text and 'id="amount-error"' in wrong.text and 'value="ooit"' in wrong.text
    assert "Het jaar 9999 kan niet kloppen" in far.text and 'id="dated_on-error"' in refused.text
    assert 'value="2027-03-10"' in page and "10 april 2027" in page and 'value="2027-03-10"' in aside
    assert 'value="2027-12-31"' in again_
    assert sorted(str(one.legal_due) for one in await requests_of(placing)) == ["2027-04-10", "2028-01-31"]


async def test_what_waits_for_a_replacement_is_counted_as_waiting_and_found_there(
    cast: Cast, browser: Browsers
) -> None:
    bea = await person(cast.bakkerij, "Bea")
    await plan(cast.bakkerij, step(bea))
    number, garage = await number_of(cast.bakkerij), await number_of(cast.garage)
    await offered(cast, cast.bakkerij, period="m01")
    async with browser(cast.anna) as anna:
        placing = await begun(
            anna, (f"{number}_a.pdf", pdf("een")), (f"{garage}_b.pdf", pdf("twee")), ("los.pdf", pdf("x"))
        )
        at = {"offering_id": placing.id}
        await anna.post(pages.settle.url(**at), data=await form())
        page = (await anna.get(pages.page.url(**at, tab="bin"))).text
        ready = (await anna.get(pages.page.url(**at, tab="ready"))).text
        listed = (await anna.get(pages.list_.url())).text
        seen = re.search(r'action="[^"]+/replacements"><input type="hidden" name="seen" value="([^"]+)"', page)
        await anna.post(pages.replace.url(**at), data={"seen": seen[1]})  # type: ignore[index]
        after = (await anna.get(pages.page.url(**at))).text

    assert "Van 1 accordering is er al een" in page
    assert "3 in totaal: 1 van 1 cliënt, 2 wachten op een besluit, 0 klaargezet." in page
    assert f"{number}_a.pdf" in page and "los.pdf" in page and f"{garage}_b.pdf" not in page
    assert f"{garage}_b.pdf" in ready and f"{number}_a.pdf" not in ready
    assert re.search(r'Wacht nog"><span class="badge[^>]*>2<', listed)
    assert "3 in totaal: 2 van 2 cliënten, 1 wacht op een besluit, 0 klaargezet." in after


async def test_a_colleague_offers_what_he_has_and_takes_it_back(cast: Cast, browser: Browsers) -> None:
    await person(cast.bakkerij, "Bea")
    number = await number_of(cast.bakkerij)
    async with browser(cast.anna) as anna:
        placing = await begun(anna, (f"{number}_Btw-jan.pdf", pdf("een")), ("los.pdf", pdf("twee")))
        at = {"offering_id": placing.id}
        first = await anna.get(pages.page.url(**at))
        too_soon = await anna.post(pages.start.url(**at))
        wrong = await anna.post(
            pages.settle.url(**at), data=await form(book_year="twintig", amount="veel", message="mijn bericht")
        )
        saved = await anna.post(pages.settle.url(**at), data=await form(ends="offer"))
        bin_ = await anna.get(pages.page.url(**at, tab="bin"))
        loose = int(re.search(r'id="file-(\d+)"', bin_.text)[1])  # type: ignore[index]
        unknown = await anna.post(pages.give.url(**at), data={"ids": loose, "client": "Bestaat Niet 99"})
        given = await anna.post(pages.give.url(**at), data={"ids": loose, "client": f"{number} Bakkerij Jansen B.V."})
        aside = await anna.get(pages.apart.url(**at, ids=[loose]))
        own = await form(part="attachment", period="m01")
        apart = await anna.post(pages.save_apart.url(**at), data=own | {"ids": loose})
        plan = await anna.get(pages.page.url(**at, tab="ready"))
        stale = await anna.post(pages.start.url(**at), data={"seen": "9-9-9-9-9-9-9-9"})
        mark = re.search(r'name="seen" value="([^"]+)"', plan.text)[1]  # type: ignore[index]
        started = await anna.post(pages.start.url(**at), data={"seen": mark})
        busy = await anna.get(pages.page.url(**at))
        await work(placing)
        done = await anna.get(pages.page.url(**at, tab="done"))
        report = await anna.get(pages.report.url(**at))
        made = await requests_of(placing)
        question = await anna.get(pages.undoing.url(**at))
        undone = await anna.post(pages.undo_.url(**at))
        await work(placing)
        listed = await anna.get(pages.list_.url())
        board = await anna.get("/approvals")

    assert "los.pdf" in first.text and "Kies hierboven de soort" in first.text
    assert too_soon.status_code == 422 and "Kies een soort" in too_soon.text
    assert (
        wrong.status_code == 422
        and "Vul een jaar in" in wrong.text
        and "mijn bericht" in wrong.text
        and 'value="veel"' in wrong.text
    )
    assert saved.status_code == 303
    assert unknown.status_code == 422 and "Geen cliënt heeft dit nummer" in unknown.text and given.status_code == 303
    assert (
        aside.status_code == 200
        and apart.status_code == 303
        and "apart ingesteld" in plan.text
        and "bijlage" in plan.text
    )
    assert "1 accordering</strong> · 2 bestanden" in plan.text and "bericht" in plan.text
    assert stale.status_code == 303 and started.status_code == 303 and "Ter accordering plaatsen" in busy.text
    assert "Klaargezet" in done.text and [one.state for one in made] == ["offered"]
    sheet = openpyxl.load_workbook(io.BytesIO(report.content)).worksheets[1]
    assert [row[5] for row in sheet.iter_rows(min_row=2, values_only=True)] == ["Ter accordering", "Bijlage"]
    assert "ingetrokken" in question.text and undone.status_code == 303
    assert [one.state for one in await requests_of(placing)] == ["withdrawn"] and "teruggedraaid" in listed.text
    assert "Veel tegelijk plaatsen" in board.text


async def test_the_tasks_of_an_offering_lead_to_its_own_page(cast: Cast, browser: Browsers) -> None:
    async with browser(cast.anna) as anna:
        placing = await begun(anna, ("los.pdf", pdf("een")))
        tasks = await engine.raw("SELECT id, kind FROM task WHERE subject_id = $1", placing.id)
        page = (await anna.get(f"/tasks/{tasks[0]['id']}")).text
        there = await anna.get(f"/approvals/placing/{placing.id}")

    assert [task["kind"] for task in tasks] == ["read_placing"] and there.status_code == 200
    assert f'href="/approvals/placing/{placing.id}"' in page and f'href="/placing/{placing.id}"' not in page


async def test_the_button_says_what_the_plan_says(cast: Cast, browser: Browsers) -> None:
    await person(cast.bakkerij, "Bea")
    await engine.raw("DELETE FROM access WHERE client = $1", cast.garage)  # nobody to ask there: that becomes a draft
    numbers = [await number_of(one) for one in (cast.bakkerij, cast.garage)]
    async with browser(cast.anna) as anna:
        placing = await begun(anna, *[(f"{one}_Btw-jan.pdf", pdf(one)) for one in numbers])
        await anna.post(pages.settle.url(offering_id=placing.id), data=await form(ends="offer"))
        both = await anna.get(pages.page.url(offering_id=placing.id, tab="ready"))
        await anna.post(pages.settle.url(offering_id=placing.id), data=await form(ends="draft"))
        drafts = await anna.get(pages.page.url(offering_id=placing.id, tab="ready"))

    assert "1 aanbieden, 1 als concept klaarzetten" in both.text
    assert "2 accorderingen klaarzetten als concept" in drafts.text
    assert "0 wachten op een besluit" in both.text


async def test_a_placing_for_dossiers_is_none_for_approval_and_strangers_find_neither(
    cast: Cast, browser: Browsers
) -> None:
    async with browser(cast.anna) as anna:
        placing = await begun(anna, ("los.pdf", pdf("een")))
        at = {"offering_id": placing.id}
        other = await anna.get(f"/placing/{placing.id}")
        places = [pages.page, pages.files, pages.apart, pages.undoing, pages.report]
        acts = [
            pages.settle,
            pages.give,
            pages.act,
            pages.save_apart,
            pages.start,
            pages.undo_,
            pages.resume,
            pages.remove,
        ]
        for who in (cast.rik, cast.sam):
            async with browser(who) as stranger:
                found = [(await stranger.get(one.url(**at))).status_code for one in places]
                found += [
                    (await stranger.post(one.url(**at), data={"ids": 1, "name": "Gestolen"})).status_code
                    for one in acts
                ]
                found += [
                    (await stranger.get(pages.list_.url())).status_code,
                    (await stranger.post(pages.begin.url())).status_code,
                ]
                sent = await stranger.post(pages.add.url(**at), files=[("files", ("x.pdf", pdf("x")))])
            assert {*found, sent.status_code} == {404}, who.user.email
        removed = await anna.post(pages.remove.url(**at))

    assert other.status_code == 404 and removed.status_code == 303


async def test_files_by_pieces_come_to_a_placing_for_approval_too(cast: Cast) -> None:
    """By the uploads that go on after a cut: its receipt says where they went, and leads there."""
    placing = await engine.run_writing(lambda: begin_offering(by=cast.anna))
    upload = await engine.run_writing(lambda: begin(placing, Announced("1_Btw.pdf", 9), by=cast.anna))

    receipt = await cast.anna.receipts.get(upload.receipt)

    assert upload.placement == placing.id and receipt.place.startswith("Ter accordering plaatsen")
    assert [one["purpose"] for one in await files_of(cast.anna, receipt)] == ["approvals"]


async def test_the_bin_shows_the_first_page_of_what_waits_for_a_client(cast: Cast, browser: Browsers) -> None:
    async with browser(cast.anna) as anna, browser(cast.ed) as ed, browser(cast.rik) as rik:
        placing = await begun(anna, ("los.pdf", pdf("een")), ("b.txt", b"tekst"))
        page = await anna.get(pages.page.url(offering_id=placing.id, tab="bin"))
        [at] = re.findall(r'<img src="(/approvals/placing/[^"]+)"[^>]* loading="lazy"', page.text)
        small, large = await anna.get(at), await anna.get(f"{at}?large=1")
        strange, client = await ed.get(at), await rik.get(at)
        elsewhere = await anna.get(at.replace(f"/placing/{placing.id}/", f"/placing/{placing.id + 1}/"))

    assert small.headers["content-type"] == large.headers["content-type"] == "image/webp"
    assert len(small.content) < len(large.content) and small.headers["cache-control"] == "private, no-store"
    assert (strange.status_code, client.status_code, elsewhere.status_code) == (404, 404, 404)


async def test_earlier_ones_are_replaced_together_with_the_sentence_of_what_becomes_void(
    cast: Cast, browser: Browsers
) -> None:
    eva, piet = await person(cast.garage, "Eva"), await person(cast.garage, "Piet")
    await plan(cast.garage, step(eva), step(piet))
    number, former = await number_of(cast.garage), await offered(cast, cast.garage, book_year=2026, period="m01")
    await says_yes(eva, former)
    async with browser(cast.anna) as anna:
        placing = await begun(anna, (f"{number}_Btw.pdf", pdf("beter")))
        at = {"offering_id": placing.id}
        await anna.post(pages.settle.url(**at), data=await form(ends="offer"))
        page = await anna.get(pages.page.url(**at))
        mark = re.search(r'/replacements"><input type="hidden" name="seen" value="([^"]+)"', page.text)[1]  # type: ignore[index]
        stale = await anna.post(pages.replace.url(**at), data={"seen": "7-7-7"})
        done = await anna.post(pages.replace.url(**at), data={"seen": mark})
        after = await anna.get(pages.page.url(**at))

    assert (
        "dan vervallen de akkoorden die daarop gegeven zijn: 1." in page.text
        and "1 persoon die akkoord gaf" in page.text
        and "De eerdere accordering vervangen" in page.text
    )
    assert (stale.status_code, done.status_code) == (303, 303)
    assert "Gegeven akkoorden die daarmee vervallen: 1" in after.text and "/replacements" not in after.text
