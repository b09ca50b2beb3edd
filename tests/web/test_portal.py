"""The clients' portal in the browser: Home, the dossier, an opened folder, handing in, and what is not there."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

import pytest

from models import engine
from models.accounts import User
from models.clients import Access
from models.dossiers import Document, Folder, Reading
from models.portal import LEAVES
from models.settings import Firm
from tests.cast import Cast
from tests.models.test_portal import folder_named, only_for_beheer, publish
from web import folders, portal, viewing

Browsers = Callable[..., Any]


async def upload_folder(client: int) -> Folder:
    found = (
        await Folder.objects()
        .where((Folder.client == client) & (Folder.kind == "upload") & Folder.trashed_at.is_null())
        .first()
    )
    assert found is not None
    return found


async def test_home_asks_shows_what_is_new_and_whom_to_call(cast: Cast, browser: Browsers) -> None:
    folder = await upload_folder(cast.bakkerij)
    await Document.delete().where(Document.folder == folder.id)

    async with browser(cast.rik) as rik:
        page = await rik.get("/portal")

    asked, rest = page.text.split("Nieuw voor u")
    assert portal.folder.url(folder_id=folder.id) in asked and "te lezen" in asked
    assert "Bakkerij Jansen B.V." in asked and "mailto:" in rest
    assert portal.dossier.url(client=cast.beheer) in rest


async def test_home_of_who_is_up_to_date_says_so(cast: Cast, browser: Browsers) -> None:
    await Document.delete(force=True)
    await Folder.update({Folder.kind: "office"}).where(Folder.kind == "upload")

    async with browser(cast.sam) as sam:
        page = await sam.get("/portal")

    assert "Niets. U bent helemaal bij." in page.text and "Er zijn nog geen stukken voor u klaargezet." in page.text
    assert "Uw dossiers" not in page.text


async def test_who_has_no_client_any_more_reads_why(cast: Cast, browser: Browsers) -> None:
    await Access.delete().where(Access.person == cast.rik.user.id)

    async with browser(cast.rik) as rik:
        page, dossier = await rik.get("/portal"), await rik.get("/portal/dossier")

    assert page.status_code == 200 and "Uw kantoor heeft uw toegang ingetrokken" in page.text
    assert "Wat wij u vragen" not in page.text and portal.dossier.url() not in page.text
    assert (dossier.status_code, dossier.headers["location"]) == (303, "/portal")


async def test_payroll_rights_alone_lead_to_no_dossier(cast: Cast, browser: Browsers) -> None:
    async with browser(cast.fem) as fem:
        home, dossier = await fem.get("/portal"), await fem.get("/portal/dossier")
        named = await fem.get(portal.dossier.url(client=cast.bakkerij))

    assert home.status_code == 200 and "Uw contact bij ons" in home.text and "Nieuw voor u" not in home.text
    assert portal.dossier.url() not in home.text
    assert (dossier.status_code, named.status_code) == (303, 303)


async def test_an_office_without_the_module_shows_no_dossier(cast: Cast, browser: Browsers) -> None:
    await Firm.update({Firm.modules: ""}, force=True)

    async with browser(cast.rik) as rik:
        home = await rik.get("/portal")

    assert portal.dossier.url() not in home.text and "te lezen" not in home.text


async def test_the_client_is_in_the_address_and_stays_there(cast: Cast, browser: Browsers) -> None:
    folder = await folder_named(cast.beheer, "Correspondentie")

    async with browser(cast.rik) as rik:
        one, two = (
            await rik.get(portal.dossier.url(client=cast.bakkerij)),
            await rik.get(portal.dossier.url(client=cast.beheer)),
        )
        opened = await rik.get(portal.folder.url(folder_id=folder.id))

    assert (
        '<p class="muted">Bakkerij Jansen B.V.</p>' in one.text
        and '<p class="muted">Jansen Beheer B.V.</p>' in two.text
    )
    # the bar below keeps to the client whose folder is open
    assert opened.text.count(f'href="{portal.dossier.url(client=cast.beheer)}"') >= 2


@pytest.mark.parametrize("client", ["0", "x", "-1", "99999999999999999999", "1 OR 1=1", "٣"])
async def test_a_client_that_is_not_his_is_not_found(cast: Cast, browser: Browsers, client: str) -> None:
    async with browser(cast.rik) as rik:
        assert (await rik.get("/portal/dossier", params={"client": client})).status_code == 404
        assert (await rik.get(portal.dossier.url(client=cast.garage))).status_code == 404


async def test_who_has_one_client_sees_no_switcher(cast: Cast, browser: Browsers) -> None:
    async with browser(cast.sam) as sam, browser(cast.rik) as rik:
        assert "client-menu" not in (await sam.get("/portal/dossier")).text
        assert "client-menu" in (await rik.get("/portal/dossier")).text


async def test_an_opened_folder_shows_name_size_date_and_what_is_new(cast: Cast, browser: Browsers) -> None:
    folder = await folder_named(cast.bakkerij, "Correspondentie")
    (id,) = await publish(folder, "Brief <van> ons.pdf")

    async with browser(cast.rik) as rik:
        page = await rik.get(portal.folder.url(folder_id=folder.id))
        fragment = await rik.htmx("GET", portal.contents.url(folder_id=folder.id))

    assert "Brief &lt;van&gt; ons.pdf" in page.text and "1,2 kB" in page.text and ">nieuw<" in page.text
    assert portal.document.url(document_id=id) in fragment.text and "<html" not in fragment.text


async def test_a_document_that_is_shown_is_read(cast: Cast, browser: Browsers) -> None:
    folder = await folder_named(cast.bakkerij, "Correspondentie")
    (id,) = await publish(folder, "Notitie.txt")
    (other,) = await publish(folder, "Brief.pdf")
    await Document.update({Document.mime: "text/plain"}).where(Document.id == id)

    async with browser(cast.rik) as rik:
        page = await rik.get(portal.document.url(document_id=id))
        await rik.get(viewing.view.url(document_id=id))
        await rik.get(portal.document.url(document_id=other))

    assert page.text.count("<h1") == 1 and f'hx-get="{viewing.view.url(document_id=id)}"' in page.text
    read = {row["document"] for row in await Reading.select(Reading.document).where(Reading.person == cast.rik.user.id)}
    assert id in read and other not in read  # of that one only the page around it was asked for


async def test_handing_in_without_a_script(cast: Cast, browser: Browsers) -> None:
    folder = await upload_folder(cast.bakkerij)
    here = portal.folder.url(folder_id=folder.id)

    async with browser(cast.rik) as rik:
        reply = await rik.post(
            folders.upload.url(folder_id=folder.id),
            data={"back": here},
            files=[("files", ("bon 1.txt", b"een", "text/plain")), ("files", ("bon 2.txt", b"twee", "text/plain"))],
        )
        page = await rik.get(here)

    assert (reply.status_code, reply.headers["location"]) == (303, here)
    assert "bon 1.txt" in page.text and "bon 2.txt" in page.text and "door u aangeleverd op" in page.text


async def test_what_came_by_a_form_is_on_a_receipt_as_well(cast: Cast, browser: Browsers) -> None:
    folder = await upload_folder(cast.bakkerij)

    async with browser(cast.rik) as rik, browser(cast.sam) as sam:
        await rik.post(
            folders.upload.url(folder_id=folder.id),
            files=[("files", ("bon 1.txt", b"een", "text/plain")), ("files", ("spel.exe", b"MZ" + b"0" * 400))],
        )
        document = await Document.objects().get((Document.name == "bon 1.txt") & (Document.client == cast.bakkerij))
        newer = {"file": ("bon 1.txt", b"een en meer", "text/plain")}
        await rik.post(f"/documents/{document.id}/versions", files=newer)
        listed = await rik.get("/uploads")
        ids = sorted({int(id) for id in re.findall(r"/uploads/receipts/(\d+)", listed.text)})
        first, second = [await rik.get(f"/uploads/receipts/{id}") for id in ids]
        strange = await sam.get(f"/uploads/receipts/{ids[0]}")

    assert hashlib.sha256(b"een").hexdigest() in first.text and "niet aangenomen" in first.text
    assert "spel.exe" in first.text and hashlib.sha256(b"een en meer").hexdigest() in second.text
    assert strange.status_code == 404


async def test_only_an_upload_folder_takes_files(cast: Cast, browser: Browsers) -> None:
    folder = await folder_named(cast.bakkerij, "Correspondentie")
    before = await Document.count()

    async with browser(cast.rik) as rik:
        page = await rik.get(portal.folder.url(folder_id=folder.id))
        reply = await rik.post(
            folders.upload.url(folder_id=folder.id), files={"files": ("a.txt", b"tekst", "text/plain")}
        )

    assert 'type="file"' not in page.text
    assert reply.status_code in (403, 422) and await Document.count() == before


async def test_the_hot_pages_take_few_queries_however_much_there_is(cast: Cast, browser: Browsers) -> None:
    folder = await folder_named(cast.bakkerij, "Correspondentie")
    await publish(folder, *(f"Brief {n}.pdf" for n in range(200)))
    for n in range(30):
        await engine.run_writing(lambda n=n: folder.add_folder(f"Map {n}", by=cast.anna))

    counts = {}
    async with browser(cast.rik) as rik:
        for path in ("/portal", "/portal/dossier", portal.folder.url(folder_id=folder.id)):
            with engine.count_queries() as queries:
                assert (await rik.get(path)).status_code == 200
            counts[path] = queries.n

    assert max(counts.values()) <= 10, counts


async def test_in_english(cast: Cast, browser: Browsers) -> None:
    await User.update({User.language: "en"}).where(User.id == cast.rik.user.id)

    async with browser(cast.rik) as rik:
        page = await rik.get("/portal")

    assert '<html lang="en"' in page.text


async def test_a_very_full_folder_is_turned_page_by_page(cast: Cast, browser: Browsers) -> None:
    folder = await folder_named(cast.bakkerij, "Correspondentie")
    await Document.delete().where(Document.folder == folder.id)
    await publish(folder, *(f"Brief {n:03}.pdf" for n in range(201)))
    older = portal.folder.url(folder_id=folder.id, page=2)

    async with browser(cast.rik) as rik:
        first, second = await rik.get(portal.folder.url(folder_id=folder.id)), await rik.get(older)
        beyond = await rik.get(portal.folder.url(folder_id=folder.id, page=99999))

    assert older in first.text and "Brief 200.pdf" in first.text and "Brief 000.pdf" not in first.text
    assert "Brief 000.pdf" in second.text and "Oudere stukken" not in second.text
    assert beyond.status_code == 200


async def test_a_general_folder_keeps_to_the_client_whose_dossier_one_came_from(cast: Cast, browser: Browsers) -> None:
    folder = await only_for_beheer(cast)
    (id,) = await publish(folder, "Een.pdf")
    await publish(folder, "Twee.pdf")
    beheer = portal.dossier.url(client=cast.beheer)

    async with browser(cast.rik) as rik:
        home = await rik.get("/portal")
        dossier = await rik.get(beheer)
        opened = await rik.get(portal.folder.url(folder_id=folder.id, client=cast.beheer))
        document = await rik.get(portal.document.url(document_id=id, client=cast.beheer))

    assert f'href="{beheer}#general-{folder.dossier}"' in home.text and f'id="general-{folder.dossier}"' in dossier.text
    assert portal.folder.url(folder_id=folder.id, client=cast.beheer) in dossier.text
    assert portal.document.url(document_id=id, client=cast.beheer) in opened.text
    for page in (opened, document):
        assert page.text.count(f'href="{beheer}"') >= 2  # the path and the bar
        assert portal.dossier.url(client=cast.bakkerij) not in page.text.partition("<main")[2]


@pytest.mark.parametrize("client", ["0", "x", "99999999999999999999", "garage"])
async def test_a_general_folder_knows_no_client_of_another(cast: Cast, browser: Browsers, client: str) -> None:
    folder = await only_for_beheer(cast)
    asked = cast.garage if client == "garage" else client

    async with browser(cast.rik) as rik:
        page = await rik.get(portal.folder.url(folder_id=folder.id, client=asked))

    assert page.status_code == 200 and f"client={asked}" not in page.text and "Garage Smit" not in page.text


async def test_a_closed_branch_says_that_something_new_is_in_it(cast: Cast, browser: Browsers) -> None:
    folder = await folder_named(cast.bakkerij, "Correspondentie")
    await publish(folder, *(f"Brief {n}.pdf" for n in range(LEAVES + 1)))

    async with browser(cast.rik) as rik:
        page = await rik.get(portal.dossier.url(client=cast.bakkerij))

    row = page.text.split(f'href="{portal.folder.url(folder_id=folder.id)}"')[1].split("</a>")[0]
    assert "nieuw" in row
