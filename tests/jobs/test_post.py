"""Mail through a real server: once, in the right words, and nothing lost whatever the server does."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import sqlite3
from contextlib import suppress
from email import message_from_bytes
from email.header import decode_header, make_header

import asyncpg
import pytest

from jobs import claims
from models import config, engine
from models.accounts import Link, User
from models.core import digest
from models.outbox import Errand, Kind, ask
from models.settings import Firm, utcnow
from models.signing_in import end_links, open_link
from tests.jobs.posting import errand, invite, make_people, nothing_to_do, person, post_all, posting, time_passes, until
from tests.smtp import Sink, sinking


async def test_an_invitation_arrives_once_with_a_link_that_works(cast, smtp_sink: Sink):
    number = await invite("sam@garage-smit.example")

    await post_all()
    await post_all()

    [taken] = smtp_sink.taken
    assert taken.address == "sam@garage-smit.example"
    assert taken.sender == "poort@127.0.0.1"
    message = taken.message
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Unsubscribe"] is None
    assert "Kantoor De Poort" in message["From"]
    assert message["Subject"] == "Kantoor De Poort: uw toegang tot ons portaal"
    _, user = await open_link(taken.link.rsplit("/", 1)[1])
    assert user.email == "sam@garage-smit.example"
    assert taken.link in taken.html
    done = await errand(number)
    assert (done.state, done.address, done.message_id) == ("done", "sam@garage-smit.example", taken.identity)
    assert done.said.startswith("250 2.0.0 OK")
    assert f"errand.{number}." in taken.identity


async def test_an_invitation_names_the_companies_it_is_for(cast, smtp_sink: Sink):
    await invite("rik@bakkerij-jansen.example")
    await engine.raw("UPDATE client SET state = 'archived' WHERE id = $1", cast.beheer)
    await invite("sam@garage-smit.example")

    await post_all()

    rik, sam = sorted(smtp_sink.taken, key=lambda taken: taken.address)
    assert "Deze toegang is voor: Bakkerij Jansen B.V." in rik.text
    assert "Jansen Beheer" not in rik.text
    assert "Garage Smit" in sam.text
    assert "Bakkerij" not in sam.html


async def test_somebody_with_many_companies_gets_one_mail_that_names_the_first_and_counts_the_rest(
    cast, smtp_sink: Sink
):
    await engine.raw(
        "INSERT INTO access (person, client, rights, created_at) SELECT $1, c.id, 15, $2 FROM client c WHERE c.state = 'active' "
        "AND c.id NOT IN (SELECT a.client FROM access a WHERE a.person = $1)",
        cast.sam.user.id, utcnow(),
    )  # fmt: skip
    for n in range(10):
        await engine.raw(
            "INSERT INTO client (number, number_key, name, sort_key, search_key, created_at) VALUES ($1, $1, $1, $1, $1, $2)", f"zz{n}", utcnow()
        )  # fmt: skip
    await engine.raw(
        "INSERT INTO access (person, client, rights, created_at) SELECT $1, id, 15, $2 FROM client WHERE number LIKE 'zz%'", cast.sam.user.id, utcnow()
    )  # fmt: skip
    names = [
        row["name"] for row in await engine.raw("SELECT name FROM client WHERE state = 'active' ORDER BY sort_key, id")
    ]
    await invite("sam@garage-smit.example")

    await post_all()

    [taken] = smtp_sink.taken
    assert [line[2:] for line in taken.text.splitlines() if line.startswith("- ")] == [
        *names[:12],
        f"en nog {len(names) - 12}",
    ]


async def test_only_the_digest_of_the_token_is_kept(cast, smtp_sink: Sink):
    await invite("sam@garage-smit.example")

    await post_all()

    token = smtp_sink.taken[0].link.rsplit("/", 1)[1]
    assert await Link.exists().where(Link.token_hash == digest(token))
    for row in await engine.raw("SELECT detail, said, subject_line FROM errand"):
        assert token not in str(row)


async def test_the_recipient_reads_his_own_language(cast, smtp_sink: Sink):
    sam = await person("sam@garage-smit.example")
    await User.update({User.language: "en"}).where(User.id == sam.id)
    await engine.run_writing(lambda: ask(Kind.ACCOUNT_NOTICE, person=sam.id, what="password"))
    await engine.run_writing(lambda: ask(Kind.ACCOUNT_NOTICE, person=cast.rik.user.id, what="password"))

    await post_all()

    by_address = {taken.address: taken for taken in smtp_sink.taken}
    assert '<html lang="en">' in by_address["sam@garage-smit.example"].html
    assert '<html lang="nl">' in by_address["rik@bakkerij-jansen.example"].html
    assert "Uw wachtwoord is gewijzigd" in by_address["rik@bakkerij-jansen.example"].text


async def test_hundreds_arrive_each_once_from_two_workers(database, smtp_sink: Sink):
    await make_people(300)

    async with posting("w1"), posting("w2"):
        await until(nothing_to_do, 30)

    assert len(smtp_sink.by_identity()) == 300
    assert set(smtp_sink.by_identity().values()) == {1}
    assert await Errand.count().where(Errand.state == "done") == 300


async def test_a_password_goes_before_a_heap_of_invitations(database, smtp_sink: Sink):
    await make_people(400)
    await invite("klant399@bedrijf399.example", "password")

    await post_all()

    assert any("nieuw wachtwoord" in taken.message["Subject"] for taken in smtp_sink.taken[:30])


async def test_what_the_server_refuses_for_good_is_kept_with_its_words(cast, smtp_sink: Sink):
    smtp_sink.refuse("sam@garage-smit.example", "550 5.1.1 Mailbox unknown here")
    sam, rik = await invite("sam@garage-smit.example"), await invite("rik@bakkerij-jansen.example")

    await post_all()

    refused = await errand(sam)
    assert (refused.state, refused.said) == ("refused", "550 5.1.1 Mailbox unknown here")
    assert (await errand(rik)).state == "done"
    assert [taken.address for taken in smtp_sink.taken] == ["rik@bakkerij-jansen.example"]


async def test_not_now_is_asked_again_later(cast, smtp_sink: Sink):
    smtp_sink.refuse("sam@garage-smit.example", "450 4.2.0 Greylisted", "")
    number = await invite("sam@garage-smit.example")

    await post_all()
    waiting = await errand(number)
    assert (waiting.state, waiting.said, waiting.attempts) == ("waiting", "450 4.2.0 Greylisted", 1)
    assert waiting.run_after > utcnow() + dt.timedelta(seconds=30)

    await time_passes(seconds=1)
    await post_all()

    assert (await errand(number)).state == "done"
    assert len(smtp_sink.taken) == 1
    await open_link(smtp_sink.taken[0].link.rsplit("/", 1)[1])


@pytest.mark.parametrize(
    ("words", "state"), [("554 5.7.1 This looks like spam", "refused"), ("451 4.3.0 Queue full", "waiting")]
)
async def test_an_answer_to_the_content_settles_it(cast, smtp_sink: Sink, words: str, state: str):
    smtp_sink.at_data(words)
    number = await invite("sam@garage-smit.example")

    await post_all()

    found = await errand(number)
    assert (found.state, found.said) == (state, words)
    assert not smtp_sink.taken


@pytest.mark.parametrize(("what", "arrived"), [("drop", 0), ("take and drop", 1), ("hang", 0)])
async def test_a_connection_broken_after_data_leaves_the_fate_unknown(cast, smtp_sink: Sink, what: str, arrived: int):
    smtp_sink.at_data(what)
    number = await invite("sam@garage-smit.example")

    await post_all()
    await time_passes(hours=1)
    await post_all()

    assert (await errand(number)).state == "unknown"
    assert len(smtp_sink.taken) == arrived


async def test_a_dead_server_costs_nothing_but_time(cast, monkeypatch: pytest.MonkeyPatch):
    with sinking() as sink:
        port = sink.port
    monkeypatch.setenv("SMTP_URL", f"smtp://127.0.0.1:{port}?timeout=2")
    config.reset()
    numbers = [await invite("sam@garage-smit.example"), await invite("rik@bakkerij-jansen.example")]

    async with posting():
        await until(lambda: Errand.exists().where((Errand.id == numbers[0]) & (Errand.said != "")))
    for number in numbers:
        waiting = await errand(number)
        assert waiting.state == "waiting"
        assert waiting.said
        assert waiting.run_after > utcnow()

    await time_passes(seconds=1)
    with sinking(port) as sink:
        await post_all()
        assert {taken.address for taken in sink.taken} == {"sam@garage-smit.example", "rik@bakkerij-jansen.example"}
    assert {(await errand(number)).state for number in numbers} == {"done"}


async def test_after_days_a_message_is_given_up(cast, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SMTP_URL", "smtp://127.0.0.1:9?timeout=2")
    config.reset()
    number = await invite("sam@garage-smit.example")
    await engine.run_writing(
        lambda: (
            Errand.update({Errand.created_at: utcnow() - dt.timedelta(days=6), Errand.attempts: 30})
            .where(Errand.id == number)
            .run()
        )
    )

    async with posting():
        await until(lambda: Errand.exists().where((Errand.id == number) & (Errand.state == "failed")))

    assert (await errand(number)).said


@pytest.mark.parametrize("why", ["withdrawn", "replaced", "blocked", "moved"])
async def test_a_link_that_ended_before_sending_is_not_mailed(cast, smtp_sink: Sink, why: str):
    number = await invite("sam@garage-smit.example")
    sam = await person("sam@garage-smit.example")
    if why == "withdrawn":
        await engine.run_writing(lambda: end_links(sam.id, "withdrawn"))
    elif why == "replaced":
        await invite("sam@garage-smit.example")
    elif why == "blocked":
        await User.update({User.state: "blocked"}).where(User.id == sam.id)
    else:
        await User.update({User.email: "sam@elders.example"}).where(User.id == sam.id)

    await post_all()

    assert (await errand(number)).state == "cancelled"
    assert len(smtp_sink.taken) == (1 if why == "replaced" else 0)


async def test_a_link_that_ends_while_its_mail_is_written_is_not_mailed(cast, smtp_sink: Sink):
    from models import carrying

    number = await invite("sam@garage-smit.example")
    sam = await person("sam@garage-smit.example")
    assert await carrying.claim("w1", (Kind.INVITATION,), 10) == [number]
    await engine.run_writing(lambda: end_links(sam.id, "withdrawn"))

    begun = await carrying.begin_sending("w1", [(number, 1)])

    assert not begun


async def test_a_message_that_was_put_off_meanwhile_is_not_called_off_but_comes_again(cast):
    from models import carrying
    from models.carrying import Outcome

    number = await invite("sam@garage-smit.example")
    assert await carrying.claim("w1", (Kind.INVITATION,), 10) == [number]
    await carrying.offer_all_again("w1", "geen antwoord", dt.timedelta(0))
    assert await carrying.claim("w1", (Kind.INVITATION,), 10) == [number]

    first = await carrying.begin_sending("w1", [(number, 1)])  # the line that still held the first try
    await carrying.conclude("w1", [Outcome(number, "cancelled", carrying.GONE.text, 1)])

    assert not first
    assert (await errand(number)).state == "claimed"
    assert await carrying.begin_sending("w1", [(number, 2)]) == {number}
    await carrying.conclude("w1", [Outcome(number, "done", "250 OK", 1)])
    assert (await errand(number)).state == "sending"
    await carrying.conclude("w1", [Outcome(number, "done", "250 OK", 2)])
    assert (await errand(number)).state == "done"


async def test_names_in_letters_of_their_own_and_an_evil_name_travel_whole(cast, smtp_sink: Sink):
    sam = await person("sam@garage-smit.example")
    await User.update({User.first_name: "Zoë\r\nBcc: x@evil.example", User.surname: "Şahin “de Boer” 😀"}).where(
        User.id == sam.id
    )
    await Firm.update({Firm.name: "Kantoor “Café”, & Zn"}, force=True)
    await invite("sam@garage-smit.example")

    await post_all()

    [taken] = smtp_sink.taken
    assert taken.message["Bcc"] is None
    to, sender = (str(make_header(decode_header(message_from_bytes(taken.raw)[name]))) for name in ("To", "From"))
    assert to == "Zoë Bcc: x@evil.example Şahin “de Boer” 😀 <sam@garage-smit.example>"
    assert sender == "Kantoor “Café”, & Zn <poort@127.0.0.1>"
    assert "Şahin “de Boer” 😀" in taken.text
    assert "Kantoor “Café”, & Zn" in taken.text


async def test_without_a_server_a_message_is_a_file(cast, monkeypatch: pytest.MonkeyPatch, tmp_path):
    from models import kept_mail

    monkeypatch.setenv("POORT_VAR", str(tmp_path))
    monkeypatch.delenv("SMTP_URL", raising=False)
    config.reset()
    number = await invite("sam@garage-smit.example")

    await post_all()

    assert (await errand(number)).state == "done"
    assert [path.name for path in (tmp_path / "mail").iterdir()] == [f"{number:07}.eml"]
    text = kept_mail.text_of(number)
    assert text is not None
    token = text.split("/welcome/")[1].split()[0]
    assert (await open_link(token))[1].email == "sam@garage-smit.example"


async def test_a_worker_that_stops_gives_back_what_it_did_not_begin(database, smtp_sink: Sink):
    await make_people(300)

    async with posting():
        await until(lambda: asyncio.sleep(0, len(smtp_sink.taken) > 20))

    states = {row["state"] for row in await engine.raw("SELECT DISTINCT state FROM errand")}
    assert states <= {"done", "waiting"}
    await post_all("w2")
    assert set(smtp_sink.by_identity().values()) == {1}
    assert len(smtp_sink.taken) == 300


async def test_claims_of_a_silent_worker_return_and_its_half_sent_mail_is_unknown(cast, smtp_sink: Sink):
    from models import carrying

    numbers = sorted([await invite("sam@garage-smit.example"), await invite("rik@bakkerij-jansen.example")])
    await carrying.claim("dead", (Kind.INVITATION,), 10)
    await carrying.begin_sending("dead", [(numbers[0], 1)])
    assert await carrying.take_back() == 0
    await engine.run_writing(
        lambda: (
            Errand.update({Errand.claimed_at: utcnow() - dt.timedelta(minutes=5)})
            .where(Errand.claimed_by == "dead")
            .run()
        )
    )

    assert await carrying.take_back() == 2

    assert [(await errand(number)).state for number in numbers] == ["unknown", "waiting"]
    await post_all()
    assert len(smtp_sink.taken) == 1


async def test_a_locked_database_delays_and_loses_nothing(database, smtp_sink: Sink):
    if not engine.is_sqlite():
        pytest.skip("SQLite locks the whole database")
    await make_people(40)
    other = sqlite3.connect(engine.engine().path)
    other.execute("BEGIN IMMEDIATE")

    async with posting():
        await asyncio.sleep(1)
        assert not smtp_sink.taken
        other.rollback()
        await until(nothing_to_do, 20)

    assert len(smtp_sink.taken) == 40
    assert set(smtp_sink.by_identity().values()) == {1}


@pytest.mark.parametrize(
    "url",
    [
        "smtp://mail?starttls=yes",
        "smtp://mail?timeout=0",
        "smtp://mail?connections=x",
        "smtp://mail?foo=1",
        "http://mail",
    ],
)
def test_a_nonsense_server_stops_the_start(url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SMTP_URL", url)

    with pytest.raises(config.ConfigError) as stopped:
        config.read(os.environ)

    assert "SMTP_URL" in str(stopped.value)


async def test_a_database_that_drops_its_connections_loses_nothing(
    database, smtp_sink: Sink, monkeypatch: pytest.MonkeyPatch
):
    if engine.is_sqlite():
        pytest.skip("a file has no connections to drop")
    monkeypatch.setattr(claims, "RENEW_SECONDS", 0.3)
    await make_people(400)
    admin = await asyncpg.connect(engine.engine().url)
    kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'poort' AND datname = current_database()"

    async with posting():
        for _ in range(8):
            await asyncio.sleep(0.05)
            await admin.execute(kill)
        await until(quiet, 30)
    await admin.close()

    states = {row["id"]: row["state"] for row in await engine.raw("SELECT id, state FROM errand")}
    assert set(states.values()) == {"done"}
    assert len(smtp_sink.by_identity()) == 400
    assert set(smtp_sink.by_identity().values()) == {1}


async def quiet() -> bool:
    """As nothing_to_do; a connection that was killed under us says nothing."""
    with suppress(Exception):
        return await nothing_to_do()
    return False


async def test_a_server_that_closed_an_idle_connection_costs_no_message_its_turn(cast, smtp_sink: Sink):
    async with posting():
        await invite("sam@garage-smit.example")
        await until(nothing_to_do)
        smtp_sink.hang_up()
        await asyncio.sleep(0.1)
        number = await invite("rik@bakkerij-jansen.example")
        await until(nothing_to_do)

    assert (await errand(number)).attempts == 1
    assert len(smtp_sink.taken) == 2


async def test_a_refused_sender_is_the_offices_trouble_and_no_recipients(cast, smtp_sink: Sink):
    smtp_sink.sender_words = "550 5.7.1 You may not send as poort@"
    number = await invite("sam@garage-smit.example")

    async with posting():
        await until(lambda: Errand.exists().where((Errand.id == number) & (Errand.said != "")))

    waiting = await errand(number)
    assert (waiting.state, waiting.said) == ("waiting", "550 5.7.1 You may not send as poort@")


@pytest.mark.parametrize(
    ("password", "state", "said"), [("geheim%20woord", "done", "250 "), ("mis", "waiting", "535 ")]
)
async def test_a_server_that_wants_to_know_who_we_are(
    cast, smtp_sink: Sink, monkeypatch: pytest.MonkeyPatch, password: str, state: str, said: str
):
    smtp_sink.password = "geheim woord"
    monkeypatch.setenv("SMTP_URL", smtp_sink.url.replace("//", f"//poort:{password}@"))
    config.reset()
    number = await invite("sam@garage-smit.example")

    async with posting():
        await until(lambda: Errand.exists().where((Errand.id == number) & (Errand.said != "")))

    found = await errand(number)
    assert found.state == state
    assert found.said.startswith(said)
