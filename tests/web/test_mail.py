"""The ledger on the screen: what happened to each message, and sending again only when somebody asks."""

from __future__ import annotations

import pytest

from models import config, engine
from models.accounts import Link
from models.outbox import Errand
from models.settings import utcnow
from models.signing_in import end_links
from tests.jobs.posting import errand, invite, person, post_all
from tests.smtp import Sink


async def test_the_ledger_lists_each_message_with_its_fate(cast, browser, smtp_sink: Sink):
    smtp_sink.refuse("sam@garage-smit.example", "550 5.1.1 Mailbox unknown here")
    await invite("sam@garage-smit.example")
    await invite("rik@bakkerij-jansen.example")
    await post_all()

    async with browser(cast.anna) as anna:
        page = (await anna.get("/mail")).text
        refused = (await anna.get("/mail", params={"state": "refused"})).text
        rik = (await anna.get("/mail", params={"q": "Rik", "kind": "invitation"})).text
        nothing = (await anna.get("/mail", params={"q": "bestaat niet"})).text

    assert "550 5.1.1 Mailbox unknown here" in page
    assert "rik@bakkerij-jansen.example" in page
    assert "sam@garage-smit.example" in refused
    assert "rik@bakkerij-jansen.example" not in refused
    assert "rik@bakkerij-jansen.example" in rik
    assert "sam@garage-smit.example" not in rik
    assert "Niets gevonden" in nothing


async def test_typing_in_the_filter_gets_the_table_alone(cast, browser):
    async with browser(cast.anna) as anna:
        reply = await anna.htmx("GET", "/mail?q=sam")

    assert reply.text.lstrip().startswith('<div id="mail-table"')


@pytest.mark.parametrize(
    "query", ["page=0", "page=x", "page=99999999999", "opening=abc", "state=zo&kind=nee", "q=%25%5F%27"]
)
async def test_a_nonsense_filter_is_no_fault(cast, browser, query):
    async with browser(cast.anna) as anna:
        assert (await anna.get(f"/mail?{query}")).status_code == 200


async def test_an_unsure_message_goes_out_again_only_when_asked(cast, browser, smtp_sink: Sink):
    smtp_sink.at_data("take and drop")
    number = await invite("sam@garage-smit.example")
    await post_all()

    async with browser(cast.anna) as anna:
        page = (await anna.get(f"/mail/{number}")).text
        reply = await anna.post(f"/mail/{number}/copies")
        twice = await anna.post(f"/mail/{number}/copies")
    await post_all()

    assert "Het is niet zeker of dit bericht is aangekomen" in page
    assert (reply.status_code, reply.headers["location"]) == (303, f"/mail/{number}")
    assert twice.status_code == 422
    assert (await errand(number)).state == "done"
    assert smtp_sink.taken[0].identity == smtp_sink.taken[1].identity
    assert smtp_sink.taken[0].link != smtp_sink.taken[1].link


@pytest.mark.parametrize("why", ["withdrawn", "expired"])
async def test_a_message_with_a_dead_link_is_not_sent_again(cast, browser, smtp_sink: Sink, why):
    smtp_sink.refuse("sam@garage-smit.example")
    number = await invite("sam@garage-smit.example")
    await post_all()
    sam = await person("sam@garage-smit.example")
    if why == "withdrawn":
        await engine.run_writing(lambda: end_links(sam.id, "withdrawn"))
    else:
        await Link.update({Link.expires_at: utcnow()}).where(Link.person == sam.id)

    async with browser(cast.anna) as anna:
        reply = await anna.post(f"/mail/{number}/copies")

    assert reply.status_code == 422
    assert "Nodig de gebruiker opnieuw uit" in reply.text
    assert (await errand(number)).state == "refused"


async def test_messages_that_wait_for_a_dead_server_are_shown_with_what_it_said(cast, browser, smtp_sink: Sink):
    smtp_sink.refuse("sam@garage-smit.example", "451 4.3.2 System not accepting mail")
    await invite("sam@garage-smit.example")
    await post_all()

    async with browser(cast.anna) as anna:
        page = (await anna.get("/mail")).text

    assert "Een bericht wacht op de mailserver." in page
    assert "451 4.3.2 System not accepting mail" in page


async def test_kept_mail_is_said_to_be_kept_and_only_an_administrator_reads_it(cast, browser, monkeypatch, tmp_path):
    monkeypatch.setenv("POORT_VAR", str(tmp_path))
    monkeypatch.delenv("SMTP_URL", raising=False)
    config.reset()
    number = await invite("rik@bakkerij-jansen.example")
    await post_all()

    async with browser(cast.anna) as anna:
        page = (await anna.get("/mail")).text
        read = (await anna.get(f"/mail/{number}")).text
    async with browser(cast.ed) as ed:
        closed = (await ed.get(f"/mail/{number}")).text

    assert "Er wordt geen mail verstuurd." in page
    assert str(tmp_path / "mail") in page
    assert "Bewaard als bestand, niet verstuurd." in page
    assert "/welcome/" in read
    assert "Uw portaal staat klaar" in read
    assert "/welcome/" not in closed
    assert "alleen een beheerder kan hem lezen" in closed


async def test_staff_with_few_clients_sees_the_mail_of_those_only(cast, browser, smtp_sink: Sink):
    mine, other = await invite("sam@garage-smit.example"), None
    rows = await engine.raw(
        "SELECT u.email FROM users u WHERE u.kind = 'client' AND u.email <> '' AND u.state <> 'blocked' AND u.id NOT IN (SELECT a.person FROM access a JOIN responsible r ON r.client = a.client WHERE r.person = $1)",
        cast.ed.user.id,
    )
    other = await invite(rows[0]["email"])
    sam_is_of_ed = await Errand.exists().where((Errand.id == mine) & Errand.visible_to(cast.ed))

    async with browser(cast.ed) as ed:
        assert (await ed.get(f"/mail/{other}")).status_code == 404
        assert (await ed.get(f"/mail/{mine}")).status_code == (200 if sam_is_of_ed else 404)
    async with browser(cast.rik) as rik:
        assert (await rik.get("/mail")).status_code == 404
        assert (await rik.post(f"/mail/{mine}/copies")).status_code == 404


async def test_the_ledger_needs_few_queries_however_long_it_is(cast, browser):
    now = utcnow()
    await engine.copy_rows(
        "errand", ("kind", "person", "state", "address", "run_after", "created_at"),
        [("invitation", cast.sam.user.id, "done", f"x{n}@y.example", now, now) for n in range(3000)],
    )  # fmt: skip

    async with browser(cast.anna) as anna:
        await anna.get("/mail")
        with engine.count_queries() as counted:
            page = await anna.get("/mail?page=3&q=y.example")

    assert page.status_code == 200
    assert "101 tot en met 150 van 3.000" in page.text
    assert counted.n <= 12
