"""What lies within the installation's own network: asked nothing, but what the administrator of the server allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx2
import pytest

from models import config, inside, outward
from tests.hooks import Receiver, receiving


@pytest.fixture
def allowing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    def allow(hosts: str) -> None:
        monkeypatch.setenv("ALLOWED_PRIVATE_HOSTS", hosts)
        config.reset()

    yield allow
    monkeypatch.undo()
    config.reset()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


@pytest.mark.parametrize(
    ("host", "allowed", "is_inside"),
    [
        ("127.0.0.1", "", True), ("localhost", "", True), ("pc.localhost", "", True), ("::1", "", True), ("10.1.2.3", "", True),
        ("169.254.169.254", "", True), ("::ffff:10.0.0.1", "", True), ("8.8.8.8", "", False), ("pakket.example", "", False),
        ("10.1.2.3", "10.1.0.0/16", False), ("10.2.2.3", "10.1.0.0/16", True), ("localhost", "Localhost.", False),
        ("127.0.0.1", "127.0.0.1, 10.0.0.0/8", False), ("127.0.0.2", "127.0.0.1", True), ("::1", "[::1]", False),
    ],
)  # fmt: skip
def test_what_an_address_says_of_itself(allowing, host: str, allowed: str, is_inside: bool) -> None:
    allowing(allowed)

    assert inside.is_inside(host) is is_inside


async def test_a_name_that_leads_inside_is_known_by_asking(allowing) -> None:
    allowing("")
    assert await inside.leads_inside("127.1") and await inside.leads_inside("localhost")
    assert not await inside.leads_inside("bestaat-niet.invalid")
    allowing("127.0.0.0/8,::1")
    assert not await inside.leads_inside("localhost")


@pytest.mark.parametrize(
    ("hosts", "reached"), [("", False), ("127.0.0.0/8", True), ("10.0.0.0/8", False), ("ergens.kantoor.local", False)]
)
async def test_only_what_is_allowed_is_reached_and_only_by_what_may(allowing, receiver, hosts, reached) -> None:
    allowing(hosts)

    assert await _asks(receiver, allowed=True) is reached
    assert await _asks(receiver, allowed=False) is False  # such as a provider that people sign in with


async def test_a_host_that_is_allowed_by_name_is_reached_by_that_name_alone(allowing, receiver) -> None:
    allowing("localhost")
    by_number = receiver.url

    receiver.url = receiver.url.replace("127.0.0.1", "localhost")
    assert await _asks(receiver, allowed=True)
    receiver.url = by_number
    assert not await _asks(receiver, allowed=True)


async def _asks(receiver: Receiver, *, allowed: bool) -> bool:
    async with httpx2.AsyncClient(transport=outward.Outward(allowed=allowed), timeout=5) as client:
        try:
            return (await client.post(receiver.url)).status_code == 200
        except httpx2.ConnectError as error:
            assert isinstance(error.__cause__, outward.NotAllowed)
            return False


async def test_nothing_packed_is_opened(monkeypatch: pytest.MonkeyPatch, receiver, allowing) -> None:
    allowing("127.0.0.1")
    receiver.packing = "gzip"
    async with httpx2.AsyncClient(transport=outward.Outward(allowed=True), timeout=5) as client:
        with pytest.raises(outward.TooMuch):
            await client.post(receiver.url)
    [(headers, _)] = receiver.got
    assert headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("hosts", ["http://pakket.local", "10.0.0.0/99", "300.1.1.1", "-", "a b"])
def test_nonsense_stops_the_start(hosts: str) -> None:
    with pytest.raises(config.ConfigError, match="ALLOWED_PRIVATE_HOSTS"):
        config.read({"ALLOWED_PRIVATE_HOSTS": hosts})
