"""Two people with one mailbox: added knowingly, told apart by name and password, each with a mail of his own."""

from __future__ import annotations

import html
from typing import Any

import pytest

from models import engine, passwords, signing_in
from models.accounts import Link, Session, User, mailbox
from models.core import save
from models.sign_ins import SignIn
from tests.cast import PASSWORD, Cast
from tests.jobs.posting import post_all
from tests.smtp import Sink

SAM = "sam@garage-smit.example"
OTHER = "een heel ander geheim"
RIA = {"email": SAM, "surname": "de Wit", "first_name": "Ria", "role": "lezer"}


@pytest.fixture
async def ria(cast: Cast) -> User:
    """Who shares Sam's mailbox, active and with a password of her own."""
    client = await engine.run_writing(lambda: cast.anna.clients.get(cast.garage))
    names = {"surname": "de Wit", "first_name": "Ria"}

    async def adding() -> User:
        person, _ = await client.add_user(
            email=SAM, role="lezer", announced=True, whose="another", by=cast.anna, **names
        )
        await save(person, state="active", password=await passwords.hash_password(OTHER))
        return person

    return await engine.run_writing(adding)


def said(reply: Any) -> str:
    return html.unescape(reply.text)


async def sessions_of(person: User) -> list[Session]:
    return await Session.objects().where((Session.person == person.id) & (Session.stage == "signed_in"))


async def test_a_name_beside_a_known_address_asks_who_is_meant(cast: Cast, browser: Any) -> None:
    async with browser(cast.anna) as anna:
        asked = await anna.post(f"/clients/{cast.garage}/users", data=RIA)
        other = await anna.post(f"/clients/{cast.garage}/users", data=RIA | {"whose": "another", "announced": "1"})
        same = await anna.post(f"/clients/{cast.bakkerij}/users", data=RIA | {"whose": str(cast.sam.user.id)})

    assert asked.status_code == 422 and "Dezelfde persoon: Sam Smit" in said(asked) and 'value="Ria"' in asked.text
    assert other.status_code == same.status_code == 303
    async with engine.reading():
        sam, new = await mailbox.holders_of(SAM.upper())
        reached = await engine.raw("SELECT client FROM access WHERE person = $1", sam.id)
    assert (sam.id, new.display_name) == (cast.sam.user.id, "Ria de Wit")
    assert {row["client"] for row in reached} == {cast.garage, cast.bakkerij}


async def test_the_name_that_is_known_asks_nothing(cast: Cast, browser: Any) -> None:
    async with browser(cast.anna) as anna:
        reply = await anna.post(
            f"/clients/{cast.bakkerij}/users", data={"email": SAM, "surname": "SMIT", "initials": "S.", "role": "lezer"}
        )

    assert reply.status_code == 303
    async with engine.reading():
        assert len(await mailbox.holders_of(SAM)) == 1


async def test_the_page_of_each_says_who_shares_the_address(cast: Cast, browser: Any, ria: User) -> None:
    async with browser(cast.anna) as anna, browser(cast.ed) as ed:
        page = said(await anna.get(f"/users/{cast.sam.user.id}"))
        theirs = await ed.get(f"/users/{ria.id}")

    assert f'wordt ook gebruikt door <a href="/users/{ria.id}"><bdi>Ria de Wit</bdi></a>' in page
    assert theirs.status_code == 404 or "Sam Smit" in said(theirs)


@pytest.mark.parametrize(("password", "who"), [(PASSWORD, "sam"), (OTHER, "ria")])
async def test_everybody_chooses_his_name_and_comes_in_as_himself(
    cast: Cast, browser: Any, ria: User, password: str, who: str
) -> None:
    person = {"sam": cast.sam.user, "ria": ria}[who]
    before = len(await sessions_of(person))
    async with browser(cast.vic) as vic:
        asked = await vic.post("/sign-in?next=%2Faccount", data={"email": SAM, "password": password})
        page = await vic.get(asked.headers["location"])
        closed = await vic.get("/portal")
        entered = await vic.post("/sign-in/who?next=%2Faccount", data={"person": str(person.id)})
        inside = await vic.get("/account")

    assert asked.headers["location"] == "/sign-in/who?next=%2Faccount"
    assert "Sam Smit" in page.text and "Ria de Wit" in page.text and closed.status_code == 303
    assert entered.headers["location"] == "/account" and person.display_name in said(inside)
    assert len(await sessions_of(person)) == before + 1


async def test_another_name_asks_that_persons_own_password(cast: Cast, browser: Any, ria: User) -> None:
    async with browser(cast.vic) as vic:
        await vic.post("/sign-in", data={"email": SAM, "password": PASSWORD})
        asked = await vic.post("/sign-in/who", data={"person": str(ria.id)})
        wrong = await vic.post("/sign-in/who", data={"person": str(ria.id), "password": PASSWORD})
        closed = await vic.get("/portal")
        right = await vic.post("/sign-in/who", data={"person": str(ria.id), "password": OTHER})

    assert "Wachtwoord van Ria de Wit" in said(asked) and not await sessions_of(cast.sam.user)
    assert wrong.status_code == 422 and "Dit wachtwoord is niet van Ria de Wit." in said(wrong)
    assert closed.status_code == 303 and closed.headers["location"].startswith("/sign-in")
    assert right.headers["location"] == "/portal" and len(await sessions_of(ria)) == 1
    assert await SignIn.exists().where((SignIn.person == ria.id) & (SignIn.succeeded == False))  # noqa: E712


async def test_nobody_else_can_be_chosen_and_the_choice_is_used_once(cast: Cast, browser: Any, ria: User) -> None:
    async with browser(cast.vic) as vic:
        await vic.post("/sign-in", data={"email": SAM, "password": OTHER})
        stranger = await vic.post("/sign-in/who", data={"person": str(cast.rik.user.id)})
        cookie = dict(vic.cookies)
        await vic.post("/sign-in/who", data={"person": str(ria.id)})
        await vic.post("/sign-out")
        for name, value in cookie.items():
            vic.cookies.set(name, value, domain="127.0.0.1")
        again = await vic.post("/sign-in/who", data={"person": str(ria.id)})

    assert stranger.status_code == 422 and "Kies wie u bent." in said(stranger)
    assert again.headers["location"].startswith("/sign-in") and "who" not in again.headers["location"]


async def test_a_wrong_password_tells_no_name_and_is_noted_for_both(cast: Cast, browser: Any, ria: User) -> None:
    async with browser(cast.vic) as vic:
        reply = await vic.post("/sign-in", data={"email": SAM, "password": "fout wachtwoord"})
        who = await vic.get("/sign-in/who")

    assert reply.status_code == 422 and "Ria" not in reply.text and "Sam Smit" not in reply.text
    assert who.status_code == 303
    tried = await SignIn.select(SignIn.person).where(SignIn.succeeded == False)  # noqa: E712
    assert sorted(row["person"] for row in tried) == sorted([cast.sam.user.id, ria.id])


async def test_a_wrong_password_costs_as_much_for_nobody(
    cast: Cast, browser: Any, ria: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []
    checks = passwords.verify

    async def counting(password: str, hashed: str) -> bool:
        counted.append(hashed)
        return await checks(password, hashed)

    monkeypatch.setattr(passwords, "verify", counting)
    found = {}
    for email in (SAM, "rik@bakkerij-jansen.example", "niemand@nergens.example"):
        counted.clear()
        async with browser(cast.vic) as vic:
            await vic.post("/sign-in", data={"email": email, "password": "fout wachtwoord"})
        found[email] = len(counted)

    assert set(found.values()) == {2}


async def test_one_password_for_both_asks_who_it_is(cast: Cast, browser: Any, ria: User) -> None:
    await save(ria, password=await passwords.hash_password(PASSWORD))
    async with browser(cast.vic) as vic:
        await vic.post("/sign-in", data={"email": SAM, "password": PASSWORD})
        reply = await vic.post("/sign-in/who", data={"person": str(ria.id)})

    assert reply.headers["location"] == "/portal" and len(await sessions_of(ria)) == 1


async def test_who_is_alone_in_the_mailbox_is_not_asked(cast: Cast, browser: Any, ria: User) -> None:
    await save(ria, state="blocked")
    async with browser(cast.vic) as vic:
        reply = await vic.post("/sign-in", data={"email": SAM, "password": PASSWORD})

    assert reply.headers["location"] == "/portal"


async def test_each_gets_a_link_of_his_own_and_the_mail_says_whose(cast: Cast, ria: User, smtp_sink: Sink) -> None:
    await engine.run_writing(lambda: signing_in.ask_new_password(SAM))
    await post_all()

    subjects = sorted(str(taken.message["Subject"]) for taken in smtp_sink.taken)
    assert [subject.rpartition("(")[2] for subject in subjects] == ["Ria de Wit)", "Sam Smit)"]
    assert all("Meer mensen gebruiken dit e-mailadres" in taken.text for taken in smtp_sink.taken)
    for taken in smtp_sink.taken:
        _, person = await signing_in.open_link(taken.link.rsplit("/", 1)[1])
        assert person.display_name in str(taken.message["Subject"]) and person.display_name in taken.text
    assert await Link.count().where(Link.kind == "password") == 2


async def test_a_fifth_person_does_not_fit_and_staff_keep_their_own_address(cast: Cast, browser: Any) -> None:
    async with browser(cast.anna) as anna:
        for n in range(3):
            data = RIA | {"surname": f"Nummer {n}", "whose": "another", "announced": "1"}
            assert (await anna.post(f"/clients/{cast.garage}/users", data=data)).status_code == 303
        fifth = await anna.post(f"/clients/{cast.garage}/users", data=RIA | {"whose": "another", "announced": "1"})
        staff = await anna.post("/staff", data={"email": SAM, "surname": "Vos", "role": "employee"})

    assert fifth.status_code == 422 and "wordt al door 4 mensen gebruikt" in said(fifth)
    assert staff.status_code == 422 and "Er is al een gebruiker met dit e-mailadres." in said(staff)


async def test_an_address_is_changed_to_a_shared_one_only_knowingly(cast: Cast, browser: Any) -> None:
    where = f"/users/{cast.fem.user.id}/address"
    async with browser(cast.anna) as anna:
        asked = await anna.post(where, data={"email": SAM})
        done = await anna.post(where, data={"email": SAM, "shares": "y"})

    assert asked.status_code == 422 and "Sam Smit" in said(asked) and 'name="shares"' in asked.text
    assert done.status_code == 303
    async with engine.reading():
        assert {one.id for one in await mailbox.holders_of(SAM)} == {cast.sam.user.id, cast.fem.user.id}


@pytest.mark.parametrize(
    ("names", "one"),
    [
        ({"surname": "smit"}, True),
        ({"surname": "Smit", "initials": "S.J."}, True),
        ({"surname": "Smit", "first_name": "Sandra"}, True),
        ({"surname": "Smit", "first_name": "Ria"}, False),
        ({"surname": "Smits", "first_name": "Sam"}, False),
        ({"surname": "Smit", "first_name": "Bert", "initials": "S."}, True),
    ],
)
async def test_names_agree_by_surname_and_first_letters(cast: Cast, names: dict[str, str], one: bool) -> None:
    async with engine.reading():
        assert (mailbox.named(await mailbox.holders_of(SAM), names) is not None) is one
