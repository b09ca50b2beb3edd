"""What a stranger may send: no body larger than a form, no number larger than an id, and answers in words to all of it."""

from __future__ import annotations

import re
from pathlib import Path

import httpx2
import pytest

from models import engine, throttling
from models.accounts import Link, User
from models.signing_in import ask_new_password
from tests.cast import PASSWORD
from tests.house import house


def peak_of(pid: int) -> int:
    """The most memory a process ever had, in MB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+)", status)
    assert found
    return int(found[1]) // 1024


@pytest.mark.parametrize("kind", ["multipart", "urlencoded"])
def test_the_body_of_a_form_is_bounded_whoever_sends_it(tmp_path, kind):
    part = b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n' + b"a" * 1_000_000 + b"\r\n"
    piece, declared = (
        (part, "multipart/form-data; boundary=b")
        if kind == "multipart"
        else (b"x=" + b"a" * 1_000_000 + b"&", "application/x-www-form-urlencoded")
    )
    with house("small", tmp_path, worker=False, clients=5) as poort:
        pid = poort.processes["web"].pid
        before = peak_of(pid)
        with httpx2.Client() as client:
            try:
                answer = client.post(
                    f"{poort.url}/sign-in", content=iter([piece] * 150), headers={"Content-Type": declared}
                )
                assert answer.status_code in (400, 413)
            except httpx2.TransportError:
                pass  # it had heard enough and hung up
            assert client.get(f"{poort.url}/sign-in").status_code == 200

        assert peak_of(pid) - before < 40


@pytest.mark.parametrize(
    "path",
    [
        "/clients/99999999999999999999",
        "/users/2147483648",
        "/view-as/x/nothing",
        "/view-as/99999999999/portal",
        "/view-as/1/view-as/2/portal",
    ],
)
async def test_an_address_of_nothing_is_an_answer_in_words(cast, browser, path):
    async with browser(cast.anna) as anna:
        reply = await anna.get(path)

    assert reply.status_code == 404 and "<h1" in reply.text


async def test_one_address_that_guesses_on_uses_up_its_own_measure_only(cast):
    async with engine.writing():
        for _ in range(200):
            await throttling.count_try(throttling.of_sign_in("rik@bakkerij-jansen.example", "203.0.113.9"))

        assert await throttling.count_try(throttling.of_sign_in("rik@bakkerij-jansen.example", "198.51.100.7"))


async def test_asking_for_another_mail_leaves_the_invitation_that_came_before_alive(cast):
    person = await User.objects().where(User.state == "invited").first()
    earlier = await Link.count().where((Link.person == person.id) & Link.ended_at.is_null())
    await engine.run_writing(lambda: ask_new_password(person.email))

    assert earlier == 1
    assert await Link.count().where((Link.person == person.id) & Link.ended_at.is_null()) == 2


async def test_who_looks_through_other_eyes_brings_nothing_about(cast, browser):
    async with browser(cast.anna) as anna:
        reply = await anna.post(f"/view-as/{cast.rik.user.id}/sign-in/forgotten", data={"email": cast.sam.user.email})

    assert reply.status_code == 403
    assert await engine.raw("SELECT id FROM errand WHERE kind = 'password'") == []


async def test_strange_cookies_and_headers_are_no_failure(cast, browser):
    async with browser(cast.anna) as anna:
        jar = "; ".join(f"{name}={value}" for name, value in anna.cookies.items())
        page = await anna.get("/", headers={"Cookie": f"{jar}; flash=x.\u00e9".encode("latin-1")})
        metrics = await anna.get(
            "/metrics", headers={"Authorization": "Bearer \u00e9".encode("latin-1"), "X-Forwarded-For": "1.2.3.4"}
        )

    assert page.status_code == 200 and metrics.status_code == 404


def test_addresses_of_one_network_are_one():
    assert throttling.of_sign_in("a@b.nl", "2001:db8::1") == throttling.of_sign_in("a@b.nl", "2001:db8::ffff")
    assert throttling.of_sign_in("a@b.nl", "2001:db8::1") != throttling.of_sign_in("a@b.nl", "2001:db8:0:1::1")
    assert throttling.of_sign_in("a@b.nl", "192.0.2.1") != throttling.of_sign_in("a@b.nl", "192.0.2.2")


def test_the_stream_of_somebody_who_is_blocked_ends_at_once(tmp_path):
    with (
        house("small", tmp_path, worker=False, clients=5) as poort,
        httpx2.Client(base_url=poort.url, timeout=10) as office,
        httpx2.Client(base_url=poort.url, timeout=10) as rik,
    ):
        for who, email in ((office, "anna@kantoor.example"), (rik, "rik@bakkerij-jansen.example")):
            who.post("/sign-in", data={"email": email, "password": PASSWORD}, headers={"Origin": poort.url})
        page = office.get("/users?q=rik+jansen").text
        number = re.search(r'href="/users/(\d+)"', page)[1]
        with rik.stream("GET", "/live") as stream:
            lines = stream.iter_lines()
            assert next(lines).startswith("retry")
            assert office.post(f"/users/{number}/block", headers={"Origin": poort.url}).status_code == 303
            heard = list(lines)  # ends, or times out

    assert not [line for line in heard if "client-" in line]
