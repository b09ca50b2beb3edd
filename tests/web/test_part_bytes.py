"""Other bytes in the storage than those that were offered are shown to nobody and approved by nobody, and the office reads why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import obstore
import pytest

from models import config, engine, storage
from models.approvals import NewPart, decide_one, foreseen, offer
from models.audit import Trail
from models.core import Refused
from models.drawing.words import SHOWN
from models.keeping import rehashing
from models.outbox import Errand, Kind
from models.settings import utcnow
from models.storage import folder as folders
from tests import approving
from tests.approving import acts, decision, draft, look, main_parts, offered, person, plan, proof, step
from tests.cast import Cast
from tests.papers import pdf
from tests.web.test_own_approvals import decide, pin_of, state
from web import approval_parts
from web import approvals as office_pages
from web import own_approvals as pages

Browsers = Callable[..., Any]
REAL, OTHER = pdf("Te betalen 100.000 euro"), pdf("Te betalen 999.999 euro")


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    yield from _at(monkeypatch, tmp_path)


@pytest.fixture(params=["folder", "s3", "encrypted"])
def stored(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    if request.param == "s3":
        monkeypatch.setenv("STORAGE_URL", request.getfixturevalue("buckets").fresh())
    if request.param == "encrypted":
        monkeypatch.setenv("FILES_KEY", "een sleutel van ten minste tweeendertig tekens")
    yield from _at(monkeypatch, tmp_path)


def _at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("POORT_VAR", str(tmp_path))
    config.reset()
    storage.reset()
    yield
    monkeypatch.undo()
    config.reset()
    storage.reset()


@pytest.fixture(autouse=True)
async def office(cast: Cast) -> None:
    await engine.raw("UPDATE firm SET modules = 'dossiers,approvals'")


async def kept(
    content: bytes, name: str = "aangifte.pdf", mime: str = "application/pdf", part: str = "main"
) -> NewPart:
    found = await storage.storage().put(content)
    return NewPart(name, found.sha256, found.size, mime, part, 1 if mime == "application/pdf" else None)


async def put(sha256: str, content: bytes) -> None:
    """Into the storage under that name, by who may write there and has no key."""
    store = storage.storage()
    await store.sealed.delete(sha256)
    if isinstance(store.plain, folders.FolderStorage):
        at = store.plain.path_of(sha256)
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_bytes(content)
    else:
        await obstore.put_async(store.plain.s3, store.plain.path_of(sha256), content)


async def test_other_bytes_are_not_shown_and_not_opened_and_the_right_ones_are_when_they_are_back(
    cast: Cast, browser: Browsers, stored: None
) -> None:
    eva = await person(cast.bakkerij, "Eva")
    await plan(cast.bakkerij, step(eva))
    assert len(REAL) == len(OTHER)
    request = await offered(cast, None, await kept(REAL))
    [main] = await main_parts(request)
    await put(main.sha256, OTHER)
    (pin,) = await pin_of(eva)
    view, file = approval_parts.view.url(part_id=main.id), approval_parts.file.url(part_id=main.id)
    page, seen = (one.url(part_id=main.id, number=1) for one in (approval_parts.page, approval_parts.seen))

    async with browser(eva) as hers, browser(cast.anna) as anna:
        shown = await hers.get(view)
        others = [await hers.get(one) for one in (page, f"{page}/text", file)]
        await hers.post(seen)
        said = await decide(hers, request, pin_code=pin)
        hers_page = await hers.get(pages.page.url(approval_id=request.id))
        annas_page = await anna.get(office_pages.page.url(approval_id=request.id))
        annas_file = await anna.get(file)

    assert shown.status_code == 422 and "beschadigd geraakt of gewijzigd" in shown.text and file not in shown.text
    assert [one.status_code for one in (*others, annas_file)] == [422] * 4 and b"999.999" not in others[-1].content
    assert "nog niet geopend" in said.text and await state(request) == "offered"
    assert not {"opened", "page_seen"} & set(await acts(request))
    assert "U kunt hier nu geen akkoord op geven" in hers_page.text and "Akkoord geven" not in hers_page.text
    assert "Ander bestand in de plaats”" in annas_page.text and "/keeping/files" in annas_page.text

    await put(main.sha256, REAL)
    async with browser(eva) as hers:
        assert (await hers.get(view)).status_code == 200
        assert (await hers.get(file)).content == REAL
        done = await decide(hers, request, pin_code=pin)
    assert done.status_code == 303 and await state(request) == "approved"
    found = await Trail.objects().where(Trail.record_id == request.id, Trail.operation.like("ApprovalRequest.%ed"))
    assert {"ApprovalRequest.damaged", "ApprovalRequest.restored"} <= {line.operation for line in found}


async def test_what_was_swapped_between_looking_and_approving_is_not_approved_and_costs_no_code(
    cast: Cast, browser: Browsers, stored: None
) -> None:
    eva = await person(cast.bakkerij, "Eva")
    await plan(cast.bakkerij, step(eva))
    request = await offered(cast, None, await kept(REAL))
    [main] = await main_parts(request)
    codes = await pin_of(eva, "codes")
    code = codes[(await engine.raw("SELECT asked FROM pin WHERE person = $1", eva.user.id))[0]["asked"] - 1]

    async with browser(eva) as hers, browser(cast.anna) as anna:
        assert (await hers.get(approval_parts.view.url(part_id=main.id))).status_code == 200
        await put(main.sha256, OTHER)
        refused = await decide(hers, request, method="codes", pin_code=code)
        await put(main.sha256, REAL)
        still = await decide(hers, request, method="codes", pin_code=code)
        await anna.get(approval_parts.file.url(part_id=main.id))  # who opens it has it looked at again
        done = await decide(hers, request, method="codes", pin_code=code)

    assert (refused.status_code, still.status_code, done.status_code) == (422, 422, 303)
    assert "niet meer het bestand dat is aangeboden" in refused.text
    assert await state(request) == "approved" and (await acts(request)).count("approved") == 1


async def test_bytes_that_are_gone_are_not_approved_either(cast: Cast, browser: Browsers, here: None) -> None:
    eva = await person(cast.bakkerij, "Eva")
    await plan(cast.bakkerij, step(eva))
    request = await offered(cast, None, await kept(REAL))
    [main] = await main_parts(request)
    (pin,) = await pin_of(eva)
    await look(eva, request)
    await storage.storage().delete(main.sha256)

    async with browser(eva) as hers:
        said = await decide(hers, request, pin_code=pin)
        view = await hers.get(approval_parts.view.url(part_id=main.id))

    assert said.status_code == 422 and "niet meer het bestand dat is aangeboden" in said.text
    assert view.status_code == 422 and await state(request) == "offered"


async def test_of_a_long_text_nothing_is_shown_when_its_end_was_changed(
    cast: Cast, browser: Browsers, here: None
) -> None:
    eva = await person(cast.bakkerij, "Eva")
    await plan(cast.bakkerij, step(eva))
    text = b"regel\n" * (SHOWN // 6 + 10)
    table = await kept(text, "cijfers.txt", "text/plain", "attachment")
    request = await offered(cast, None, await kept(REAL), table)
    at = approval_parts.view.url(
        part_id=(await engine.raw("SELECT id FROM approval_document WHERE sha256 = $1", table.sha256))[0]["id"]
    )

    async with browser(eva) as hers:
        whole = await hers.get(at)
        await put(table.sha256, text[:-2] + b"!\n")
        changed = await hers.get(at)

    assert (whole.status_code, changed.status_code) == (200, 422) and "regel" not in changed.text
    assert (await acts(request)).count("opened") == 1


async def test_a_damaged_part_is_not_offered_nor_approved_beside_another_that_is_refused(
    cast: Cast, here: None
) -> None:
    eva = await person(cast.bakkerij, "Eva")
    await plan(cast.bakkerij, step(eva))
    placed = await draft(cast, None, await kept(REAL, "een.pdf"))
    request = await offered(cast, None, await kept(OTHER, "twee.pdf"), await kept(pdf("Drie"), "drie.pdf"))
    two, three = await main_parts(request)
    await look(eva, request)
    for part in (*await main_parts(placed), two):
        await put(part.sha256, b"anders")
        assert await rehashing.check(part.sha256) == "broken"
    mixed, all_refused = await decision(request, refuse=[three.id]), await decision(request, refuse=[two.id, three.id])
    scope = eva.scope(approving.ApprovalRequest)

    with pytest.raises(Refused, match="Zet het terug"):
        await engine.run_writing(lambda: offer(placed, by=cast.anna))
    assert "“twee.pdf”" in str((await foreseen(scope, mixed, by=eva)).why)
    with pytest.raises(Refused, match=r"“twee\.pdf”"):
        await engine.run_writing(lambda: decide_one(scope, mixed, proof(), by=eva))
    await engine.run_writing(
        lambda: decide_one(scope, all_refused, proof(), by=eva)
    )  # to refuse all of it is no approval
    assert await state(request) == "rejected"


async def test_the_mail_about_damaged_files_names_the_part_and_the_list_leads_to_its_request(
    cast: Cast, browser: Browsers, here: None
) -> None:
    await engine.raw("DELETE FROM document")
    request = await draft(cast, None, await kept(REAL, "jaarrekening.pdf"))
    [main] = await main_parts(request)
    await put(main.sha256, OTHER)
    await rehashing.check(main.sha256)

    await rehashing.tell_of_broken(utcnow() + rehashing.GATHER * 2)

    mail = await Errand.objects().where(Errand.kind == Kind.BROKEN_FILES.value).first()
    assert mail is not None and "jaarrekening.pdf" in mail.detail
    async with browser(cast.anna) as anna:
        assert office_pages.page.url(approval_id=request.id) in (await anna.get("/keeping/files")).text


async def test_the_very_file_that_was_offered_puts_it_right(cast: Cast, browser: Browsers, stored: None) -> None:
    eva = await person(cast.bakkerij, "Eva")
    await plan(cast.bakkerij, step(eva))
    request = await offered(cast, None, await kept(REAL))
    [main] = await main_parts(request)
    await put(main.sha256, OTHER)
    (pin,) = await pin_of(eva)
    at = f"/approvals/{request.id}/parts/{main.id}/file"

    async with browser(eva) as hers, browser(cast.anna) as anna:
        assert (await hers.get(approval_parts.view.url(part_id=main.id))).status_code == 422
        await anna.post(at, files={"files": ("weer.pdf", REAL, "application/pdf")})
        said = (await anna.get(office_pages.page.url(approval_id=request.id))).text
        again = await anna.post(at, files={"files": ("weer.pdf", REAL, "application/pdf")})
        twice = (await anna.get(again.headers["location"])).text
        assert (await hers.get(approval_parts.view.url(part_id=main.id))).status_code == 200
        done = await decide(hers, request, pin_code=pin)

    assert "Teruggezet: het is weer het bestand dat is aangeboden" in said and "beschadigd geraakt" not in said
    assert "hetzelfde bestand" in twice, "of a file with which nothing is wrong"
    assert done.status_code == 303 and "part_replaced" not in await acts(request)
