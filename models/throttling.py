"""How often somebody may try: slows a guesser, and never locks out the person he pretends to be.

A try is counted before it is judged, so that a hundred at once are a hundred, and given back when it was right.
"""

from __future__ import annotations

import datetime as dt
import ipaddress

from models import engine
from models.accounts import Throttle
from models.core import Refused, Say, digest, fold
from models.settings import utcnow

WINDOW = dt.timedelta(minutes=15)
DAY = dt.timedelta(days=1)  # the longest window; so long the counts are kept

Limits = list[tuple[str, int]]  # the key of a count (digests only), and how many tries fit in the window


def of_sign_in(email: str, address: str, device: str = "") -> Limits:
    """For one account from one address, from one address, for one account.

    A `device` that signed this person in before has a count of its own: what strangers do does not slow it.
    """
    account, address = fold(email), network_of(address)
    if device:
        return [(digest(f"device {account} {device}"), 10)]
    return [(digest(f"pair {account} {address}"), 8), (digest(f"from {address}"), 40), (digest(f"to {account}"), 60)]


def of_code(user_id: int, device: str = "") -> Limits:
    """For the second factor: only who knows the password comes this far."""
    return [(digest(f"code {user_id} {device}"), 8)]


def of_proof(user_id: int) -> Limits:
    """For the present password of somebody who is signed in already."""
    return [(digest(f"proof {user_id}"), 10)]


def of_approving(user_id: int) -> Limits:
    """For PINs, codes and the authenticator when approving: only the person himself, signed in, comes this far."""
    return [(digest(f"approving {user_id}"), 10)]


def of_app(user_id: int) -> Limits:
    """For wrong codes of the authenticator in a row, when approving."""
    return [(digest(f"app {user_id}"), 10)]


def of_passkey(address: str) -> Limits:
    """For passkeys: nobody guesses one; this bounds the work."""
    return [(digest(f"passkey {network_of(address)}"), 60)]


def of_forgotten(address: str) -> Limits:
    """For asking mails; how many reach one mailbox is bounded where the links are made."""
    return [(digest(f"forgotten {network_of(address)}"), 20)]


def of_activation(address: str) -> Limits:
    """For filling in codes on paper: by address, because who guesses names nobody."""
    return [(digest(f"activation {network_of(address)}"), 10)]


def of_unknown_link(address: str) -> Limits:
    """For links to hand in by that nobody made: nobody guesses one; this bounds the work."""
    return [(digest(f"unknown link {network_of(address)}"), 30)]


def of_delivery(link: int, address: str) -> Limits:
    """For handing in by a link: of one link, and from one address."""
    return [(digest(f"delivery {link}"), 60), (digest(f"deliveries from {network_of(address)}"), 60)]


def of_api(address: str) -> Limits:
    """For calls with a token that lets nobody in: nobody guesses one; this bounds the work."""
    return [(digest(f"api {network_of(address)}"), 30)]


def of_token(token: int) -> Limits:
    """For changes by one token: as many as a tax package makes in a quarter of an hour, and no flood."""
    return [(digest(f"token {token}"), 5000)]


def of_check(address: str) -> Limits:
    """For asking whether a file was approved here: nobody guesses a SHA-256; this bounds the work."""
    return [(digest(f"check {network_of(address)}"), 60)]


def network_of(address: str) -> str:
    """Of an IPv6 address its first 64 bits: so much every subscriber has to choose from."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address


class TooOften(Refused):
    """Somebody tried too often; it ends by itself."""

    def __init__(self) -> None:
        super().__init__("", Say("Dit is te vaak geprobeerd. Wacht een kwartier en probeer het dan opnieuw."))


async def is_over(limits: Limits, window: dt.timedelta = WINDOW) -> bool:
    """Whether a measure is full; counts nothing."""
    oldest = utcnow() - window
    for key, most in limits:
        if await Throttle.exists().where((Throttle.key == key) & (Throttle.tries >= most) & (Throttle.since > oldest)):
            return True
    return False


async def count(limits: Limits) -> None:
    """As `count_try`, for who asks `is_over` beforehand."""
    await count_try(limits)


async def count_try(limits: Limits) -> bool:
    """Count one try; say whether it is within measure. A window begins at its first try and ends by itself.

    What is over its own measure counts no further: who guesses on from one address uses up nobody else's tries.
    """
    now = utcnow()
    for key, most in limits:
        rows = await engine.raw(
            "INSERT INTO throttle (key, tries, since) VALUES ($1, 1, $2) ON CONFLICT (key) DO UPDATE SET "
            "tries = CASE WHEN throttle.since > $3 THEN throttle.tries + 1 ELSE 1 END, "
            "since = CASE WHEN throttle.since > $3 THEN throttle.since ELSE $2 END RETURNING tries",
            key,
            now,
            now - WINDOW,
        )
        if rows[0]["tries"] > most:
            return False
    return True


async def count_in_row(limits: Limits) -> tuple[int, bool]:
    """One more in a row, within a day, and whether the measure is full by it: then a day begins in which `is_over`."""
    [(key, most)], now = limits, utcnow()
    [row] = await engine.raw(
        "INSERT INTO throttle (key, tries, since) VALUES ($1, 1, $2) ON CONFLICT (key) DO UPDATE SET "
        "tries = CASE WHEN throttle.since > $3 THEN throttle.tries + 1 ELSE 1 END, "
        "since = CASE WHEN throttle.since > $3 AND throttle.tries + 1 <> $4 THEN throttle.since ELSE $2 END RETURNING tries",
        key, now, now - DAY, most,
    )  # fmt: skip
    return row["tries"], row["tries"] == most


async def take_off(limits: Limits) -> None:
    """The try was right, but says nothing of the others: each count forgets this one alone."""
    for key, _ in limits:
        await Throttle.update({Throttle.tries: Throttle.tries - 1}).where((Throttle.key == key) & (Throttle.tries > 0))


async def give_back(limits: Limits) -> None:
    """The try was right: the first count begins anew, the shared ones forget this one try."""
    (own, _), *shared = limits
    await Throttle.delete().where(Throttle.key == own)
    for key, _ in shared:
        await Throttle.update({Throttle.tries: Throttle.tries - 1}).where((Throttle.key == key) & (Throttle.tries > 0))
