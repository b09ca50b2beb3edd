"""Looking through a client's eyes: what is seen, what is never done, and the line it leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from models import engine
from models.accounts import User
from models.audit import Trail
from models.clients import settle
from models.core import save
from models.dossiers import Document, Reading
from tests.cast import Cast, as_viewer
from web import documents, folders, portal
from web.addresses import address_for

Browsers = Callable[..., Any]


async def looks() -> list[dict[str, Any]]:
    return await Trail.select().where(Trail.operation == "User.view_as").order_by(Trail.id)


def seen_as(cast: Cast, path: str) -> str:
    return f"/view-as/{cast.rik.user.id}{path}"


async def test_the_page_is_his_and_says_whose_eyes_these_are(cast: Cast, browser: Browsers) -> None:
    async with browser(cast.anna) as anna, browser(cast.rik) as rik:
        hers, his = await anna.get(seen_as(cast, "/portal")), await rik.get("/portal")

    assert hers.status_code == 200 and "U kijkt mee als" in hers.text and "U kijkt mee als" not in his.text
    assert f'href="{address_for("users.page", user_id=cast.rik.user.id)}"' in hers.text
    for text in ("Wat wij u vragen", "Nieuw voor u", "Uw contact bij ons"):
        assert (text in hers.text, text in his.text) == (True, True)


async def test_every_address_on_the_page_stays_within_the_look(cast: Cast, browser: Browsers) -> None:
    async with browser(cast.anna) as anna:
        page = await anna.get(seen_as(cast, "/portal/dossier"))

    assert 'href="/portal' not in page.text and 'hx-get="/portal' not in page.text
    assert f'href="{seen_as(cast, "/portal/folders/")}' in page.text
    assert "data-live-url" not in page.text and "/account" not in page.text and "/sign-out" not in page.text


async def test_one_line_for_one_look(cast: Cast, browser: Browsers) -> None:
    async with browser(cast.anna) as anna, browser(cast.ed) as ed:
        await anna.get(seen_as(cast, "/portal"))
        await anna.get(seen_as(cast, "/portal/dossier"))
        await ed.get(seen_as(cast, "/portal/dossier"))
        log = await anna.get(address_for("audit.list"))

    lines = await looks()
    assert [(line["person"], line["record_id"]) for line in lines] == [
        (cast.anna.user.id, cast.rik.user.id),
        (cast.ed.user.id, cast.rik.user.id),
    ]
    assert f"keek mee als {cast.rik.user.display_name}" in log.text


async def test_what_could_not_be_looked_at_leaves_no_line(cast: Cast, browser: Browsers) -> None:
    async with browser(cast.ed) as ed:
        assert (await ed.get(f"/view-as/{cast.sam.user.id}/portal")).status_code == 404

    assert await looks() == []


async def test_nothing_is_marked_as_read(cast: Cast, browser: Browsers) -> None:
    document = (
        await Document.objects().where((Document.client == cast.bakkerij) & (Document.source == "office")).first()
    )
    assert document is not None
    await Reading.delete(force=True)

    async with browser(cast.anna) as anna:
        page = await anna.get(seen_as(cast, portal.document.url(document_id=document.id)))
        file = await anna.get(seen_as(cast, documents.download.url(document_id=document.id)))

    assert (page.status_code, file.status_code) == (200, 200)
    assert not await Reading.exists()


async def test_a_change_is_refused_in_words(cast: Cast, browser: Browsers) -> None:
    """Before the first byte of a file, too."""
    row = await engine.raw(
        "SELECT id FROM folder WHERE client = $1 AND kind = 'upload' AND trashed_at IS NULL", cast.bakkerij
    )
    before = await Document.count()

    async with browser(cast.anna) as anna:
        reply = await anna.post(
            seen_as(cast, folders.upload.url(folder_id=row[0]["id"])),
            files={"files": ("a.txt", b"tekst", "text/plain")},
        )
        account = await anna.post(seen_as(cast, "/account/preferences"), data={"language": "en"})

    assert reply.status_code == 403 and "U kijkt alleen mee" in reply.text
    assert account.status_code == 404
    assert await Document.count() == before


async def test_his_own_account_is_nobody_elses_business(cast: Cast, browser: Browsers) -> None:
    async with browser(cast.anna) as anna:
        assert (await anna.get(seen_as(cast, "/account"))).status_code == 404
        assert (await anna.get(seen_as(cast, "/live"))).status_code == 404


async def test_an_upload_folder_says_that_one_only_looks(cast: Cast, browser: Browsers) -> None:
    row = await engine.raw(
        "SELECT id FROM folder WHERE client = $1 AND kind = 'upload' AND trashed_at IS NULL", cast.bakkerij
    )

    async with browser(cast.anna) as anna:
        page = await anna.get(seen_as(cast, portal.folder.url(folder_id=row[0]["id"])))

    assert "U kijkt alleen mee" in page.text and 'type="file"' not in page.text


@pytest.mark.parametrize(("state", "status"), [("prepared", 200), ("invited", 200), ("active", 200), ("blocked", 404)])
async def test_who_cannot_sign_in_yet_can_be_looked_at(cast: Cast, browser: Browsers, state: str, status: int) -> None:
    await engine.run_writing(lambda: save(cast.rik.user, state=state))

    async with browser(cast.anna) as anna:
        assert (await anna.get(seen_as(cast, "/portal"))).status_code == status
        person = await anna.get(address_for("users.page", user_id=cast.rik.user.id))
        assert (seen_as(cast, "/portal") in person.text) is (status == 200)


async def test_no_more_of_his_clients_than_one_may_see_oneself(cast: Cast, browser: Browsers) -> None:
    await engine.raw("DELETE FROM responsible WHERE person = $1 AND client = $2", cast.ed.user.id, cast.beheer)
    await settle(people=[cast.ed.user.id])
    ed_now = await as_viewer("ed@kantoor.example")

    async with browser(ed_now) as ed, browser(cast.anna) as anna:
        his, hers = await ed.get(seen_as(cast, "/portal")), await anna.get(seen_as(cast, "/portal"))
        beheer = await ed.get(seen_as(cast, portal.dossier.url(client=cast.beheer)))
        bakkerij = await ed.get(seen_as(cast, portal.dossier.url(client=cast.bakkerij)))

    assert (beheer.status_code, bakkerij.status_code) == (404, 200)
    assert "Eén bedrijf van deze gebruiker mag u zelf niet zien" in his.text and "mag u zelf niet zien" not in hers.text
    assert "Jansen Beheer" not in his.text and "Jansen Beheer" in hers.text


async def test_the_office_looks_in_its_own_language(cast: Cast, browser: Browsers) -> None:
    await User.update({User.language: "en"}).where(User.id == cast.anna.user.id)

    async with browser(cast.anna) as anna:
        assert '<html lang="en"' in (await anna.get(seen_as(cast, "/portal"))).text


async def test_what_was_opened_stands_in_that_clients_own_log_once(cast: Cast, browser: Browsers) -> None:
    document = await Document.objects().where(Document.client == cast.bakkerij).first()
    assert document is not None
    path = portal.document.url(document_id=document.id)
    async with browser(cast.anna) as anna:
        for _ in range(2):
            await anna.get(seen_as(cast, f"/portal/dossier?client={cast.bakkerij}"))
            await anna.get(seen_as(cast, path))
        log = await anna.get(address_for("clients.log", client_id=cast.bakkerij))
        other = await anna.get(address_for("clients.log", client_id=cast.garage))

    lines = await Trail.select().where(Trail.operation == "User.view_as.open").order_by(Trail.id)
    assert [(line["record_table"], line["record_id"], line["client"]) for line in lines] == [
        ("Client", cast.bakkerij, cast.bakkerij),
        ("Document", document.id, cast.bakkerij),
    ]
    assert f"bekeek als Rik Jansen: {document.name}" in log.text and "bekeek als" not in other.text
