"""Proving who approves: by PIN, by a code of the list, by the authenticator or by a passkey.

Every try is counted before it is judged, in a unit of its own, so that a hundred at once are a hundred, over all sessions
and processes. Five wrong ones in a row block a PIN or a list; nothing but a new letter helps then. Only the person himself
can try, signed in: whoever knows his address blocks nothing.
"""

from __future__ import annotations

import datetime as dt
import secrets
from typing import TYPE_CHECKING, Any, NamedTuple

from models import engine, passkeys, throttling
from models.audit import Trail
from models.core import Forbidden, Say
from models.live import touch
from models.pins import hashing
from models.pins.issuing import WORKS
from models.pins.means import APP_CLOSED, BLOCKED, seen_of, too_new, used_to_sign_in, why_not
from models.pins.records import TRIES
from models.settings import utcnow

if TYPE_CHECKING:
    from models.viewer import Viewer

_UNDER_WAY = dt.timedelta(minutes=1)  # a try that is judged for longer than this was cut off

SLOWED = Say("Er is te vaak geprobeerd. Wacht een kwartier en probeer het dan opnieuw.")
WRONG_PIN = Say("Deze pincode klopt niet.")
WRONG_CODE = Say("Deze code klopt niet. Kijk of u code nummer {number} van uw nieuwste lijst hebt.")
REPLACED = Say("Deze is net vervangen. Gebruik wat in uw nieuwste brief staat.")
WRONG_TOTP = Say("Deze code klopt niet of is al gebruikt. Neem de nieuwste code uit uw app over.")
WRONG_PASSKEY = Say("Deze passkey past niet bij uw account. Probeer het nog eens, of kies een andere manier.")


class Proof(NamedTuple):
    """What goes on the record: `method` is "pin", "code 7", "totp" or "passkey <its name>". `is_first`: this PIN or list had not
    been used before, a good moment to offer a passkey in its place (account.pin)."""

    level: str
    method: str
    at: dt.datetime
    is_first: bool = False


class NotProved(NamedTuple):
    """Why not, and how many tries are left before it is blocked (None where that is not counted)."""

    why: Say
    left: int | None


async def prove(
    viewer: Viewer, least: str, method: str, value: str, *, challenge: bytes | None = None
) -> Proof | NotProved:
    """Whether this shows that it is the viewer himself, at the level `least` or above. `method` is one of LEVELS; `value` the
    PIN, the code or what the browser answered for a passkey, with the `challenge` it was given.

    Outside every unit: call it in a handler's `before=`. A right one is used up: a code and an authenticator's number work
    once. What was used to sign in in this session does not count, however lately: who found a browser that is signed in has
    just that. A passkey is asked anew each time, and the device must have known its owner (finger, face or its own PIN).

    Raises Forbidden for who looks through somebody's eyes.
    """
    if viewer.view_as is not None:
        raise Forbidden("only the person himself proves")
    if engine.in_writing():
        raise RuntimeError("prove() counts a try whatever becomes of it: call it outside the writing unit")
    async with engine.reading():
        came = await used_to_sign_in(viewer)
        seen = await seen_of(viewer)
    if refusal := why_not(viewer, method, least, came, seen):
        if refusal is BLOCKED and (pin := seen.get(method)) and pin["state"] != "blocked" and _was_cut_off(pin):
            await engine.run_writing(lambda: _block(viewer, pin))
        return NotProved(_blocked(method) if refusal is BLOCKED else refusal, None)
    if method == "passkey":
        return await _by_passkey(viewer, value, challenge)
    if method == "totp":
        return await _by_totp(viewer, value)
    clear = hashing.typed(value, method)
    if not clear:
        return NotProved(_shape(method, seen[method]), TRIES - seen[method]["wrong"])
    return await _by_pin(viewer, method, clear)


def _shape(method: str, pin: dict[str, Any]) -> Say:
    if method == "pin":
        return Say("Een pincode telt zes cijfers.")
    return Say("Code nummer {number} telt zes letters en cijfers.", number=pin["asked"])


def _blocked(method: str) -> Say:
    what = Say("pincode") if method == "pin" else Say("lijst met codes")
    return Say("Uw {what} is geblokkeerd na vijf verkeerde pogingen. Vraag uw kantoor om een nieuwe; u krijgt die per brief.", what=what)  # fmt: skip


def _was_cut_off(pin: dict[str, Any]) -> bool:
    return pin["tried_at"] is not None and utcnow() - pin["tried_at"] > _UNDER_WAY


# by PIN or by a code of the list


async def _by_pin(viewer: Viewer, method: str, clear: str) -> Proof | NotProved:
    counted = await engine.run_writing(lambda: _count(viewer, method))
    if isinstance(counted, NotProved):
        return counted
    person, number = int(viewer.user.id), counted["asked"]
    fits = await hashing.in_thread(
        lambda: hashing.fits(clear, counted["hash"], counted["key"], method, person, number)
    )  # fmt: skip
    if not fits:
        return await engine.run_writing(lambda: _was_wrong(viewer, method, counted))
    fresh = ""
    if method == "pin" and counted["key"] != hashing.fingerprint():  # SECRET_KEY was rotated
        fresh = await hashing.in_thread(lambda: hashing.make(clear, method, person))
    return await engine.run_writing(lambda: _was_right(viewer, method, counted, fresh))


async def _count(viewer: Viewer, method: str) -> dict[str, Any] | NotProved:
    """One try more: id, hash, key, asked, wrong, state. None is judged that is not counted here."""
    limits = throttling.of_approving(int(viewer.user.id))
    if await throttling.is_over(limits):
        return NotProved(SLOWED, None)
    rows = await engine.raw(
        f"UPDATE pin SET wrong = wrong + 1, tried_at = $1 WHERE person = $2 AND kind = $3 AND {WORKS} AND wrong < {TRIES} "
        "RETURNING id, secret_hash AS hash, key, asked, wrong, state",
        utcnow(), int(viewer.user.id), method,
    )  # fmt: skip
    if not rows:
        return NotProved(_blocked(method), 0)  # or ended just now: who looks again is told
    await throttling.count_try(limits)
    pin = rows[0]
    if method == "codes":
        codes = await engine.raw(
            "SELECT code_hash FROM pin_code WHERE pin = $1 AND number = $2 AND used_at IS NULL", pin["id"], pin["asked"]
        )
        pin["hash"] = codes[0]["code_hash"] if codes else ""
    return pin


async def _was_wrong(viewer: Viewer, method: str, pin: dict[str, Any]) -> NotProved:
    left = TRIES - pin["wrong"]
    note = {"kind": method, "name": viewer.user.display_name, "count": pin["wrong"]}
    await Trail.write("Pin.wrong", viewer.user, by=viewer, detail=note)
    if left <= 0:
        await _block(viewer, pin)
        return NotProved(_blocked(method), 0)
    words = WRONG_PIN if method == "pin" else Say(WRONG_CODE.text, number=pin["asked"])
    return NotProved(words, left)


async def _block(viewer: Viewer, pin: dict[str, Any]) -> None:
    """After five wrong ones: the person hears of it by mail, and the office finds it in its list."""
    rows = await engine.raw(
        f"UPDATE pin SET state = 'blocked', blocked_at = $1 WHERE id = $2 AND {WORKS} AND wrong >= {TRIES} RETURNING kind",
        utcnow(), pin["id"],
    )  # fmt: skip
    if rows:
        note = {"kind": rows[0]["kind"], "name": viewer.user.display_name}
        await Trail.write("Pin.block_itself", viewer.user, by=viewer, detail=note)
        await viewer.user.tell("pin_blocked")
        await _tell_office(viewer.user.id)
        await touch("pins", "asked", f"user-{viewer.user.id}")


async def _tell_office(person: int) -> None:
    """Whoever looks after what waits for his approval."""
    from models.approvals.telling import approver_blocked  # approvals know of PINs

    await approver_blocked(person)


async def _was_right(viewer: Viewer, method: str, pin: dict[str, Any], fresh: str) -> Proof | NotProved:
    """The count begins anew, and the first use confirms that the letter reached him. It may have been blocked or replaced while
    it was judged; then it was too late."""
    now = utcnow()
    if method == "codes" and not await _use_up(pin, now):
        return NotProved(Say(WRONG_CODE.text, number=pin["asked"]), None)
    rows = await engine.raw(
        "UPDATE pin SET wrong = 0, used_at = $1, used_in = $6, confirmed_at = coalesce(confirmed_at, $1), state = 'confirmed', asked = $2, "
        f"secret_hash = CASE WHEN $3 = '' THEN secret_hash ELSE $3 END, key = CASE WHEN $3 = '' THEN key ELSE $4 END "
        f"WHERE id = $5 AND {WORKS} RETURNING id",
        now, await _next_asked(pin["id"]) if method == "codes" else 0, fresh, hashing.fingerprint(), pin["id"],
        int(viewer.session_id or 0),
    )  # fmt: skip
    if not rows:
        return NotProved(await _what_came_between(pin["id"], method), 0)
    await throttling.give_back(throttling.of_approving(int(viewer.user.id)))
    is_first = pin["state"] != "confirmed"
    if is_first:
        note = {"kind": method, "name": viewer.user.display_name}
        await Trail.write("Pin.confirm", viewer.user, by=viewer, detail=note)
    await touch("pins", f"user-{viewer.user.id}")
    return Proof(method, "pin" if method == "pin" else f"code {pin['asked']}", now, is_first)


async def _what_came_between(pin: int, method: str) -> Say:
    """It was blocked, or died, while it was judged."""
    rows = await engine.raw("SELECT state FROM pin WHERE id = $1", pin)
    return _blocked(method) if rows and rows[0]["state"] == "blocked" else REPLACED


async def _use_up(pin: dict[str, Any], now: dt.datetime) -> bool:
    """The code that was asked, this once."""
    rows = await engine.raw(
        "UPDATE pin_code SET used_at = $1, code_hash = '' WHERE pin = $2 AND number = $3 AND used_at IS NULL RETURNING id",
        now, pin["id"], pin["asked"],
    )  # fmt: skip
    return bool(rows)


async def _next_asked(pin: int) -> int:
    """Which number is asked from now on, until it was used; 0 when none is left."""
    rows = await engine.raw("SELECT number FROM pin_code WHERE pin = $1 AND used_at IS NULL", pin)
    return int(secrets.choice(rows)["number"]) if rows else 0


# by authenticator or passkey


async def _by_totp(viewer: Viewer, value: str) -> Proof | NotProved:
    code, limits = "".join(value.split()), throttling.of_approving(int(viewer.user.id))
    if not (code.isascii() and code.isdecimal() and len(code) == 6):  # a recovery code is for signing in
        return NotProved(Say("De code uit uw app telt zes cijfers."), None)
    app = throttling.of_app(int(viewer.user.id))

    async def count() -> tuple[int, bool] | NotProved:
        if not await throttling.count_try(limits):
            return NotProved(SLOWED, None)
        if await throttling.is_over(app, throttling.DAY):  # closed by another, meanwhile
            return NotProved(APP_CLOSED, 0)
        return await throttling.count_in_row(app)

    async def judge() -> Proof | NotProved:
        if not await viewer.user.takes_code(code):
            return await _was_wrong_app(viewer, *counted)
        await throttling.give_back(limits)
        await throttling.give_back(app)
        return Proof("totp", "totp", utcnow())

    counted = await engine.run_writing(count)
    return counted if isinstance(counted, NotProved) else await engine.run_writing(judge)


async def _was_wrong_app(viewer: Viewer, count: int, is_full: bool) -> NotProved:
    """After ten in a row within a day it is closed for approving: he hears of it by mail, and so does the office."""
    note = {"name": viewer.user.display_name, "count": count}
    await Trail.write("Authenticator.wrong", viewer.user, by=viewer, detail=note)
    if not is_full:
        return NotProved(WRONG_TOTP, None)
    await Trail.write("Authenticator.close", viewer.user, by=viewer, detail=note)
    await viewer.user.tell("app_closed")
    await _tell_office(int(viewer.user.id))
    await touch("asked", f"user-{viewer.user.id}")
    return NotProved(APP_CLOSED, 0)


async def _by_passkey(viewer: Viewer, value: str, challenge: bytes | None) -> Proof | NotProved:
    async def judge() -> Proof | NotProved:
        owner = await passkeys.owner_of(value, challenge, int(viewer.user.id), verified=True)
        passkey = await passkeys.passkey_in(value)
        if owner is None or passkey is None:
            return NotProved(WRONG_PASSKEY, None)
        if passkey.counts_from is not None and passkey.counts_from > utcnow():
            return NotProved(too_new(passkey.counts_from), None)
        return Proof("passkey", f"passkey {passkey.name}", utcnow())

    return await engine.run_writing(judge)
