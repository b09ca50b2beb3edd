"""What clients' people read in their mail: in their language, of their companies, with links to the very thing, once."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from models import config, engine
from models.accounts import User
from models.dossiers import Selection
from models.outbox import Errand
from models.requests import make_requests
from tests.cast import Cast
from tests.client_mail import all_was_heard, day_passes, publish, soon
from tests.jobs.posting import post_all, time_passes
from tests.smtp import Sink


@pytest.fixture
async def quiet(cast: Cast) -> Cast:
    await all_was_heard()
    return cast


async def test_one_mail_names_what_is_new_and_what_is_asked(quiet, smtp_sink: Sink):
    (one,) = await publish(quiet.bakkerij, "btw <1> & 2.pdf")
    await make_requests(
        Selection("clients", clients=(quiet.beheer,)), "Jaarstukken", "", dt.date(2099, 12, 31),
        [("Bankafschriften", ""), ("Kassaboek", "")], "een", by=quiet.anna,
    )  # fmt: skip
    asked = (await engine.raw("SELECT id FROM document_request"))[0]["id"]

    await day_passes(soon())
    await time_passes(seconds=1)
    await post_all()

    base = config.settings().base_url
    [mail] = [one for one in smtp_sink.taken if one.address == "rik@bakkerij-jansen.example"]
    assert f"btw <1> & 2.pdf\n{base}/portal/documents/{one}" in mail.text
    assert f"Jaarstukken\n{base}/portal/requests/{asked}\n2 stukken, uiterlijk 31 december 2099" in mail.text
    assert mail.text.index("Jansen Beheer B.V.") < mail.text.index("Bakkerij Jansen B.V."), "what is asked comes first"
    assert f"{base}/account#mail" in mail.text and "Jaarstukken" in str(mail.message["Subject"])
    assert "btw &lt;1&gt;" in mail.html and "Bankafschriften" not in mail.text
    assert {one.address for one in smtp_sink.taken} == {"rik@bakkerij-jansen.example"}


async def test_the_mail_is_in_the_language_of_its_reader(quiet, smtp_sink: Sink):
    await User.update({User.language: "en"}).where(User.id == quiet.sam.user.id)
    await publish(quiet.garage, "btw.pdf")

    await day_passes(soon())
    await time_passes(seconds=1)
    await post_all()

    [mail] = smtp_sink.taken
    assert '<html lang="en">' in mail.html and mail.message["Subject"] == "A new document in your dossier"
    assert "Garage Smit" in mail.text and "New in your dossier:" in mail.text
    assert not [
        words
        for words in ("Nieuw in uw dossier", "Geen berichten", "Naar het portaal", "Geachte")
        if words in mail.text
    ]


async def test_one_click_in_the_mail_and_no_more_comes(quiet, smtp_sink: Sink, browser):
    await publish(quiet.garage, "btw.pdf")
    await day_passes(soon())
    await time_passes(seconds=1)
    await post_all()
    [mail] = smtp_sink.taken
    way = (
        re.search(r"<(.+)>", str(mail.message["List-Unsubscribe"]).replace("\n", ""))[1]
        .split("8000")[1]
        .replace(" ", "")
    )

    async with browser(quiet.vic) as visitor:
        looked = await visitor.get(way)
        before = await engine.raw("SELECT digest FROM users WHERE id = $1", quiet.sam.user.id)
        done = await visitor.post(way)
        wrong = await visitor.post("/unsubscribe/verzonnen")

    assert "Berichten uitzetten" in looked.text and before[0]["digest"] == ""  # looking changes nothing
    assert done.status_code == 200 and wrong.status_code == 410
    after = await engine.raw("SELECT digest FROM users WHERE id = $1", quiet.sam.user.id)
    assert after[0]["digest"] == "never"


async def test_nothing_left_to_say_is_no_mail(quiet, smtp_sink: Sink):
    await publish(quiet.garage, "weg.pdf")
    await day_passes(soon())
    await engine.raw("UPDATE document SET state = 'draft' WHERE name = 'weg.pdf'")

    await time_passes(seconds=1)
    await post_all()

    assert not smtp_sink.taken
    assert [one.state for one in await Errand.objects().where(Errand.kind == "client_news")] == ["cancelled"]
