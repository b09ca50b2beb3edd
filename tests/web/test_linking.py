"""A link by mail: only to whom may see the document, looked at before it leaves, stopped in time, and never the document itself."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

from models import engine
from models.core import fold
from models.dossiers import Document, Folder
from models.settings import utcnow
from tests.cast import Cast
from tests.jobs.posting import post_all
from tests.smtp import Sink
from web import linking as pages

Browsers = Callable[..., Any]


async def paper(cast: Cast) -> tuple[Document, int]:
    """A document that the office put at Bakkerij Jansen, and the dossier it is in."""
    found = await Document.objects().where((Document.client == cast.bakkerij) & (Document.source == "office")).first()
    assert found is not None
    folder = await Folder.objects().where(Folder.id == found.folder).first()
    assert folder is not None
    return found, int(folder.dossier)


async def waiting() -> list[dict[str, Any]]:
    return await engine.raw("SELECT person, state, run_after FROM errand WHERE kind = 'document_link' ORDER BY person")


async def test_only_who_may_see_it_is_offered_and_mailed_once(cast: Cast, browser: Browsers) -> None:
    document, dossier = await paper(cast)
    rik, fem = cast.rik.user.id, cast.fem.user.id
    async with browser(cast.anna) as anna:
        page = await anna.get(pages.choose.url(dossier_id=dossier, ids=f"d{document.id}"))
        token = re.search(r'name="token" value="([^"]+)"', page.text)[1]  # type: ignore[index]
        form = {
            "ids": f"d{document.id}",
            "people": [str(rik), str(fem), str(cast.sam.user.id)],
            "message": "Graag even kijken.",
            "token": token,
        }
        nobody = await anna.post(pages.send.url(dossier_id=dossier), data=form | {"people": [str(fem)], "do": "look"})
        look = await anna.post(pages.send.url(dossier_id=dossier), data=form | {"do": "look"})
        before = await waiting()
        sent = await anna.post(pages.send.url(dossier_id=dossier), data=form | {"do": "send"})
        twice = await anna.post(pages.send.url(dossier_id=dossier), data=form | {"do": "send"})

    assert f'id="person-{rik}" name="people" value="{rik}" checked' in page.text
    assert f'id="person-{fem}" name="people" value="{fem}" disabled' in page.text and "mag dit niet zien" in page.text
    assert f"/documents/{document.id}/open" in page.text
    assert nobody.status_code == 422 and "Graag even kijken." in nobody.text
    assert (
        "1 mail aan:" in look.text and document.name in look.text and "Graag even kijken." in look.text and not before
    )
    assert (sent.status_code, twice.status_code) == (303, 303)
    (mail,) = await waiting()
    assert mail["person"] == rik and mail["run_after"] > utcnow() + dt.timedelta(seconds=5)
    trail = await engine.raw("SELECT detail FROM trail WHERE operation = 'DocumentMailing.send'")
    assert len(trail) == 1 and document.name in trail[0]["detail"]


async def test_the_undo_holds_back_what_has_not_left(cast: Cast, browser: Browsers) -> None:
    document, dossier = await paper(cast)
    form = {"ids": f"d{document.id}", "people": str(cast.rik.user.id), "message": "", "token": "een", "do": "send"}
    async with browser(cast.anna) as anna, browser(cast.ed) as ed:
        await anna.post(pages.send.url(dossier_id=dossier), data=form)
        (mailing,) = await engine.raw("SELECT id FROM document_mailing")
        strange = await ed.post(pages.undo.url(mailing_id=mailing["id"]))
        undone = await anna.post(pages.undo.url(mailing_id=mailing["id"]))
        late = await anna.post(pages.undo.url(mailing_id=mailing["id"]))

    assert (strange.status_code, undone.status_code, late.status_code) == (404, 303, 303)
    assert [one["state"] for one in await waiting()] == ["cancelled"]


async def test_the_mail_has_a_link_to_the_very_document_and_nothing_of_what_is_in_it(
    cast: Cast, browser: Browsers, smtp_sink: Sink
) -> None:
    document, dossier = await paper(cast)
    form = {
        "ids": f"d{document.id}",
        "people": str(cast.rik.user.id),
        "message": "Regel één\n<b>twee</b>",
        "token": "een",
        "do": "send",
    }
    async with browser(cast.anna) as anna, browser(cast.rik) as rik, browser(cast.sam) as sam, browser(cast.vic) as vic:
        await anna.post(pages.send.url(dossier_id=dossier), data=form)
        await engine.raw("UPDATE errand SET run_after = created_at WHERE kind = 'document_link'")
        await post_all()
        client = await rik.get(f"/documents/{document.id}/open")
        office = await anna.get(f"/documents/{document.id}/open")
        strange = await sam.get(f"/documents/{document.id}/open")
        outside = await vic.get(f"/documents/{document.id}/open")

    (mail,) = smtp_sink.taken
    parts = {part.get_content_type(): part.get_content() for part in mail.message.walk() if not part.is_multipart()}
    assert set(parts) == {"text/plain", "text/html"}
    assert f"/documents/{document.id}/open" in parts["text/plain"] and document.name in parts["text/plain"]
    assert "&lt;b&gt;twee" in parts["text/html"] and "Bakkerij Jansen" not in parts["text/plain"]
    assert client.headers["location"] == f"/portal/documents/{document.id}"
    assert office.headers["location"] == f"/documents/{document.id}" and strange.status_code == 404
    assert outside.headers["location"].startswith("/sign-in?next=") and str(document.id) in outside.headers["location"]


async def test_a_mail_says_nothing_any_more_of_what_was_withdrawn_meanwhile(
    cast: Cast, browser: Browsers, smtp_sink: Sink
) -> None:
    document, dossier = await paper(cast)
    form = {"ids": f"d{document.id}", "people": str(cast.rik.user.id), "message": "", "token": "een", "do": "send"}
    async with browser(cast.anna) as anna:
        await anna.post(pages.send.url(dossier_id=dossier), data=form)
    await engine.raw("UPDATE document SET state = 'draft' WHERE id = $1", document.id)
    await engine.raw("UPDATE errand SET run_after = created_at WHERE kind = 'document_link'")

    await post_all()

    assert (await waiting())[0]["state"] == "cancelled" and not smtp_sink.taken


async def test_who_has_only_some_folders_is_asked_about_by_the_rule_itself(cast: Cast, browser: Browsers) -> None:
    document, dossier = await paper(cast)
    folder = await Folder.objects().where(Folder.id == document.folder).first()
    assert folder is not None
    rows = await engine.raw(
        "WITH RECURSIVE way(id, parent, name) AS (SELECT id, parent, name FROM folder WHERE id = $1 UNION ALL "
        "SELECT f.id, f.parent, f.name FROM folder f JOIN way w ON f.id = w.parent) SELECT name FROM way", folder.id
    )  # fmt: skip
    way = " › ".join(row["name"] for row in reversed(rows))
    await engine.raw(
        "INSERT INTO folder_right (access, name, name_key, act) SELECT a.id, $1, $2, $3 FROM access a WHERE a.person = $4 AND a.client = $5",
        way, fold(way), False, cast.fem.user.id, cast.bakkerij,
    )  # fmt: skip
    async with browser(cast.anna) as anna, browser(cast.fem) as fem:
        sees = await fem.get(f"/portal/documents/{document.id}")
        page = await anna.get(pages.choose.url(dossier_id=dossier, ids=f"d{document.id}"))

    assert sees.status_code == 200
    assert f'id="person-{cast.fem.user.id}" name="people" value="{cast.fem.user.id}" checked' in page.text


async def test_a_draft_and_a_dossier_for_many_are_mailed_to_nobody(cast: Cast, browser: Browsers) -> None:
    document, dossier = await paper(cast)
    await engine.raw("UPDATE document SET state = 'draft' WHERE id = $1", document.id)
    general = (await engine.raw("SELECT id FROM dossier WHERE kind = 'general'"))[0]["id"]
    async with browser(cast.anna) as anna, browser(cast.rik) as rik:
        page = await anna.get(pages.choose.url(dossier_id=dossier, ids=f"d{document.id}"))
        many = await anna.get(pages.choose.url(dossier_id=general))
        client = await rik.get(pages.choose.url(dossier_id=dossier, ids=f"d{document.id}"))

    assert "het is nog niet gepubliceerd" in page.text and "checked" not in page.text
    assert (many.status_code, client.status_code) == (404, 404)
