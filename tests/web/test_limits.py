"""What a stranger may send: no body larger than a form, no number larger than an id, and answers in words to all of it."""

from __future__ import annotations

import re
from pathlib import Path

import httpx2
import pytest

from models import engine, throttling
from models.accounts import Link, User
from models.signing_in import ask_new_password
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
    with house("small", tmp_path, worker=False) as poort:
        poort.run("models", "seed", "--clients", "5")
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
