"""Placing many files from the office's pages: without a script, with every refusal beside its field, and for nobody else."""

from __future__ import annotations

import asyncio
import io
import re
import uuid
import zipfile
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from PIL import Image

from models import drawing, engine
from models.placing import Placing
from models.sample.papers import pdf
from models.storage import storage
from tests.cast import Cast
from tests.models.test_placing import again, lying, number_of, work
from web import placing as pages

Browsers = Callable[..., Any]
FORM = {
    "target": "Aangiften > {boekjaar}", "kind": "0", "book_year": "2026", "period": "", "labels": "", "publish": "now", "publish_at": "",
    "archived": "leave", "no_dossier": "make", "no_folder": "make", "same_name": "number", "same_bytes": "skip",
}  # fmt: skip


async def begun(browser: Any, *files: tuple[str, bytes]) -> Placing:
    made = await browser.post(pages.begin.url())
    placing_id = int(re.search(r"/placing/(\d+)", made.headers["location"])[1])  # type: ignore[index]
    sent = await browser.post(
        pages.add.url(placing_id=placing_id), files=[("files", (name, data)) for name, data in files]
    )
    assert sent.status_code == 303, sent.text
    placing = await Placing.objects().where(Placing.id == placing_id).first()
    assert placing is not None
    await work(placing)
    return await again(placing)


def zipped(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


async def test_a_colleague_places_what_he_has_and_takes_it_back(cast: Cast, browser: Browsers) -> None:
    number = await number_of(cast.bakkerij)
    async with browser(cast.anna) as anna:
        placing = await begun(anna, (f"{number}_Btw.pdf", pdf("een")), ("los.pdf", pdf("twee")))
        at = {"placing_id": placing.id}
        first = await anna.get(pages.page.url(**at))
        too_soon = await anna.post(pages.start.url(**at))
        wrong = await anna.post(pages.settle.url(**at), data=FORM | {"book_year": "twintig", "labels": "mijn label"})
        saved = await anna.post(pages.settle.url(**at), data=FORM)
        bin_ = await anna.get(pages.page.url(**at, tab="bin"))
        loose = int(re.search(r'id="file-(\d+)"', bin_.text)[1])  # type: ignore[index]
        unknown = await anna.post(pages.give.url(**at), data={"ids": loose, "client": "Bestaat Niet 99"})
        several = await anna.post(pages.give.url(**at), data={"ids": loose, "client": "Jansen"})
        given = await anna.post(pages.give.url(**at), data={"ids": loose, "client": f"{number} Bakkerij Jansen B.V."})
        plan = await anna.get(pages.page.url(**at, tab="ready"))
        started = await anna.post(pages.start.url(**at))
        busy = await anna.get(pages.page.url(**at))
        await work(placing)
        done = await anna.get(pages.page.url(**at, tab="done"))
        report = await anna.get(pages.report.url(**at))
        question = await anna.get(pages.undoing.url(**at))
        stands = await lying(cast.bakkerij)
        undone = await anna.post(pages.undo.url(**at))
        await work(placing)
        listed = await anna.get(pages.list_.url())

    assert "los.pdf" in first.text and "1 klaar voor 1 cliënt" in first.text
    assert too_soon.status_code == 422 and "Kies naar welke map" in too_soon.text
    assert wrong.status_code == 422 and "Vul een jaar in" in wrong.text and 'value="mijn label"' in wrong.text
    assert saved.status_code == 303
    assert unknown.status_code == 422 and "Geen cliënt heeft dit nummer" in unknown.text
    assert several.status_code == 422 and "Jansen Beheer B.V." in several.text and 'name="chosen"' in several.text
    assert given.status_code == 303 and "Aangiften › 2026 › " in plan.text
    assert started.status_code == 303 and "Stukken plaatsen" in busy.text and "wacht op de worker" in busy.text
    assert [name for _, name, _ in stands] == ["Btw.pdf", "los.pdf"] and "Geplaatst" in done.text
    assert openpyxl.load_workbook(io.BytesIO(report.content)).sheetnames == ["Samenvatting", "Alle bestanden"]
    assert "2 stukken gaan naar de prullenbak" in question.text and undone.status_code == 303
    assert await lying(cast.bakkerij) == [] and "teruggedraaid" in listed.text


async def test_some_files_get_a_place_of_their_own_and_others_are_left_out(cast: Cast, browser: Browsers) -> None:
    number = await number_of(cast.bakkerij)
    async with browser(cast.anna) as anna:
        placing = await begun(
            anna, (f"{number}_a.pdf", pdf("een")), (f"{number}_b.pdf", pdf("twee")), (f"{number}_c.pdf", pdf("drie"))
        )
        at = {"placing_id": placing.id}
        await anna.post(pages.settle.url(**at), data=FORM)
        a, b, _ = [
            row["id"]
            for row in await engine.raw("SELECT id FROM placement_file WHERE placement = $1 ORDER BY id", placing.id)
        ]
        asked = await anna.post(pages.act.url(**at), data={"ids": a, "do": "apart", "tab": "ready"})
        form = await anna.get(asked.headers["location"])
        refused = await anna.post(pages.set_apart.url(**at), data=FORM | {"ids": a, "target": " "})
        kept = await anna.post(
            pages.set_apart.url(**at), data=FORM | {"ids": a, "target": "Correspondentie", "publish": "draft"}
        )
        await anna.post(pages.act.url(**at), data={"ids": b, "do": "drop", "tab": "ready"})
        out = await anna.get(pages.page.url(**at, tab="out"))
        await anna.post(pages.start.url(**at))
        await work(placing)

    assert f"{number}_a.pdf" in form.text and 'value="Aangiften › {boekjaar}"' in form.text
    assert refused.status_code == 422 and kept.status_code == 303 and f"{number}_b.pdf" in out.text
    assert await lying(cast.bakkerij) == [
        ("Aangiften › 2026", "c.pdf", "published"),
        ("Correspondentie", "a.pdf", "draft"),
    ]


async def test_a_zip_that_is_none_and_files_that_are_refused_say_why(cast: Cast, browser: Browsers) -> None:
    async with browser(cast.anna) as anna:
        placing = await begun(
            anna,
            ("kapot.zip", b"PK\x03\x04" + b"x" * 500),
            ("goed.zip", zipped(**{"../x.txt": b"x", "1_a.pdf": pdf("a")})),
        )
        page = await anna.get(pages.page.url(placing_id=placing.id))
        out = await anna.get(pages.page.url(placing_id=placing.id, tab="out"))

    assert "kapot.zip" in page.text and "beschadigd of niet af" in page.text
    assert "wijst naar een plek buiten de ZIP" in out.text


async def test_a_waiting_file_can_be_looked_at_until_it_is_in_a_dossier(cast: Cast, browser: Browsers) -> None:
    async with browser(cast.anna) as anna, browser(cast.ed) as ed, browser(cast.rik) as rik:
        placing = await begun(anna, ("los.pdf", pdf("een")))
        (row,) = await engine.raw("SELECT id FROM placement_file WHERE placement = $1", placing.id)
        url = pages.file.url(placing_id=placing.id, file_id=row["id"])
        mine, strange, client = await anna.get(url), await ed.get(url), await rik.get(url)
        found = await ed.get(pages.page.url(placing_id=placing.id))

    assert mine.content.startswith(b"%PDF") and mine.headers["content-disposition"].startswith("attachment")
    assert (strange.status_code, client.status_code, found.status_code) == (404, 404, 404)


async def test_the_bin_shows_the_first_page_of_what_can_be_drawn(cast: Cast, browser: Browsers) -> None:
    async with browser(cast.anna) as anna, browser(cast.ed) as ed, browser(cast.rik) as rik:
        placing = await begun(
            anna, ("los.pdf", pdf("een")), ("kapot.pdf", b"%PDF-1.4 " + b"x" * 99), ("b.txt", b"tekst")
        )
        page = await anna.get(pages.page.url(placing_id=placing.id, tab="bin"))
        found = re.findall(r'<img src="(/placing/[^"]+)"[^>]* loading="lazy"', page.text)
        ids = {row["name"]: row["id"] for row in await engine.raw("SELECT id, name FROM placement_file")}
        at = pages.picture.url(placing_id=placing.id, file_id=ids["los.pdf"])
        small, large = await anna.get(at), await anna.get(f"{at}?large=1")
        again = await anna.get(at, headers={"If-None-Match": small.headers["etag"]})
        broken = await anna.get(pages.picture.url(placing_id=placing.id, file_id=ids["kapot.pdf"]))
        text = await anna.get(pages.picture.url(placing_id=placing.id, file_id=ids["b.txt"]))
        strange, client = await ed.get(at), await rik.get(at)

    assert len(found) == 2 and at in found
    assert small.headers["content-type"] == "image/webp" and small.headers["cache-control"] == "private, no-store"
    widths = [Image.open(io.BytesIO(one.content)).width for one in (small, large)]
    assert 200 <= widths[0] <= 260 and widths[1] >= 1000 and again.status_code == 304
    assert (broken.status_code, text.status_code, strange.status_code, client.status_code) == (404, 404, 404, 404)


async def test_pictures_in_a_list_wait_for_their_own_turn_and_let_readers_go_first(
    cast: Cast, browser: Browsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one picture of the bin holds its slot, a reader is drawn for; and photos of a link hold neither."""
    for slots in ("ASIDE", "BY_LINK"):  # of this loop
        monkeypatch.setattr(drawing, slots, asyncio.Semaphore(1))
    async with browser(cast.anna) as anna:
        placing = await begun(anna, ("los.pdf", pdf(f"los {uuid.uuid4()}")))
        (row,) = await engine.raw("SELECT id, sha256, size FROM placement_file WHERE placement = $1", placing.id)
        async with drawing.ASIDE, drawing.BY_LINK:
            waiting = asyncio.create_task(anna.get(pages.picture.url(placing_id=placing.id, file_id=row["id"])))
            other = pdf(f"een ander stuk {uuid.uuid4()}")
            async with storage().receive() as incoming:
                await incoming.write(other)
                kept = await incoming.keep()
            drawn = await asyncio.wait_for(drawing.page(kept.sha256, kept.size, "een.pdf", 1, 800), 20)
            held = not waiting.done()
        reply = await waiting

    assert drawn[:4] == b"RIFF" and held and reply.status_code == 200


async def test_what_is_typed_finds_clients_within_reach_only(cast: Cast, browser: Browsers) -> None:
    async with browser(cast.ed) as ed, browser(cast.anna) as anna:
        his, all_ = (
            await ed.htmx("GET", pages.clients.url(client="Garage")),
            await anna.htmx("GET", pages.clients.url(client="Garage")),
        )

    assert "Garage Smit" in all_.text and "Garage Smit" not in his.text


@pytest.mark.parametrize("tab", ["bin", "odd", "ready", "done", "out", "niets"])
async def test_a_page_of_a_large_placing_takes_few_queries(cast: Cast, browser: Browsers, tab: str) -> None:
    async with browser(cast.anna) as anna:
        placing = await begun(anna, *[(f"{n}_a.pdf", b"%PDF-1.4 " + str(n).encode()) for n in range(1, 90)])
        with engine.count_queries() as queries:
            page = await anna.get(pages.page.url(placing_id=placing.id, tab=tab))

    assert page.status_code == 200 and queries.n <= 12, queries.n
