"""Which ways somebody has to prove himself when he approves, which he has but may not use now, and how to get one."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from models import config, engine, passkeys, throttling
from models.accounts import vouching
from models.accounts.blocking import listed
from models.core import Say
from models.pins.records import LIVING, TRIES, USABLE
from models.quiet import ZONE
from models.settings import utcnow

if TYPE_CHECKING:
    from models.viewer import Viewer

LEVELS = ("pin", "codes", "totp", "passkey")  # low to high; `ApprovalKind.least_level` is the least that counts
NAMES = {
    "pin": Say("Pincode"),
    "codes": Say("Code van uw lijst"),
    "totp": Say("Code uit uw authenticator-app"),
    "passkey": Say("Passkey"),
}
MAKES = ("account.second_factor", "account.new_passkey")  # where he makes a means himself
FEW = 5  # codes left from which on he is told to ask for a new list

NONE = Say("U hebt deze manier niet.")
BLOCKED = Say("Geblokkeerd na vijf verkeerde pogingen. Vraag uw kantoor om een nieuwe; u krijgt hem per brief.")
UNREADABLE = Say("Deze kan niet meer worden nagekeken. Vraag uw kantoor om een nieuwe; u krijgt hem per brief.")
APP_CLOSED = Say("Gesloten na tien verkeerde codes achter elkaar. Over een dag kan het weer.")
USED_UP = Say("Alle codes van uw lijst zijn gebruikt. Vraag uw kantoor om een nieuwe lijst.")
OVER = Say("Uw sessie is afgelopen. Meld u opnieuw aan.")
TOO_NEW = Say("Deze is gemaakt met alleen uw wachtwoord. Daarom kunt u er pas vanaf {when} mee accorderen.")
SIGNED_IN_BY = {
    "totp": Say(
        "Met uw authenticator-app hebt u zich net aangemeld. Akkoord geven vraagt iets anders dan waarmee u binnenkwam."
    ),
    "passkey": Say(
        "Met uw passkey hebt u zich net aangemeld. Akkoord geven vraagt iets anders dan waarmee u binnenkwam."
    ),
}


class Way(NamedTuple):
    """One way that can be used now. `number` is the code that is asked; `few` how many codes are left, when that is few."""

    method: str
    label: Say
    help: Say
    number: int = 0
    few: int | None = None


class Closed(NamedTuple):
    """A way that he has, and why it does not count now."""

    method: str
    label: Say
    why: Say


class Standing(NamedTuple):
    """`advice` stands there when no way is open: what he can do, as (sentence, name of the route or ''); `first` is the way to
    begin with."""

    ways: list[Way]
    closed: list[Closed]
    advice: list[tuple[Say, str]]
    first: str = ""
    counts_from: dt.datetime | None = None  # from when what he makes now, as advised, would count; None for at once


class Came(NamedTuple):
    """How the present session came in: see models/sign_ins.py. `live` is False when it has ended."""

    how: str
    factor: str
    live: bool = True
    passkey_from: dt.datetime | None = None  # from when the first of his passkeys counts

    @property
    def methods(self) -> set[str]:
        """What of LEVELS was used for it. A browser that is trusted came in without a second factor."""
        return {"passkey"} & {self.how, self.factor} | ({"totp"} if self.factor == "code" else set())

    @property
    def may_again(self) -> set[str]:
        """What was used and counts all the same where he has nothing else: a passkey beside his password. It signs for this very
        approval anew, and without it who replaced his PIN by a passkey could never approve again."""
        return {"passkey"} if self.how == "password" and self.factor == "passkey" else set()


def rank(level: str) -> int:
    return LEVELS.index(level)


def levels_from(least: str) -> tuple[str, ...]:
    """That level and those above it; all of them for one that nobody knows is a mistake, and raises ValueError."""
    return LEVELS[rank(least) :]


async def ways(viewer: Viewer, least: str, session: Any = None) -> list[Way]:
    """Those that this person has now, at this level or above, given how he signed in: what he came in by in this session does
    not count. `session` is read again: it may be left out."""
    return (await standing(viewer, least)).ways


async def standing(viewer: Viewer, least: str) -> Standing:
    """As `ways`, with what is closed and why, and what to do when nothing is open."""
    return (await standings(viewer, [least]))[least]


async def standings(viewer: Viewer, levels: Iterable[str]) -> dict[str, Standing]:
    """As `standing`, for each of these levels; as many queries as for one."""
    came, seen = await used_to_sign_in(viewer), await seen_of(viewer)
    found = {least: _standing(viewer, least, came, seen) for least in levels}
    if any(route in MAKES for one in found.values() for _, route in one.advice):
        here = [pin["used_at"] for pin in seen.values() if pin.get("used_at") and pin["used_in"] == viewer.session_id]
        waits = vouching.when(viewer.user, came.how, came.factor, max(map(engine.as_moment, here), default=None))
        found = {least: one._replace(counts_from=waits) for least, one in found.items()}
    return found


def _standing(viewer: Viewer, least: str, came: Came, seen: dict[str, dict[str, Any]]) -> Standing:
    opened, closed = list[Way](), list[Closed]()
    for method in LEVELS:
        refusal = why_not(viewer, method, least, came, seen)
        if refusal is None:
            opened.append(_way(method, seen))
        elif refusal is not NONE:
            closed.append(Closed(method, NAMES[method], refusal))
    advice = [] if opened else _advice(viewer, least, came, any(one.why is BLOCKED for one in closed))
    return Standing(opened, closed, advice, _first(viewer, [way.method for way in opened], seen))


def _first(viewer: Viewer, methods: list[str], seen: dict[str, dict[str, Any]]) -> str:
    """The way to begin with: a passkey, for which nothing is typed; else what he used last."""
    if "passkey" in methods or not methods:
        return "passkey" if methods else ""
    app = dt.datetime.fromtimestamp(viewer.user.totp_step * 30, dt.UTC) if viewer.user.totp_step else None
    used = {method: engine.as_moment(pin["used_at"]) for method, pin in seen.items() if pin.get("used_at")} | {
        "totp": app
    }
    return max(methods, key=lambda method: used.get(method) or dt.datetime.min.replace(tzinfo=dt.UTC))


def _way(method: str, seen: dict[str, dict[str, Any]]) -> Way:
    if method == "pin":
        return Way(method, NAMES[method], Say("De zes cijfers uit de brief van uw kantoor."))
    if method == "codes":
        number, left = seen["codes"]["asked"], seen["codes"]["unused"]
        label = Say("Code nummer {number} van uw lijst", number=number)
        return Way(
            method,
            label,
            Say("De code achter dit nummer; elke code werkt één keer."),
            number,
            left if left < FEW else None,
        )
    if method == "totp":
        return Way(method, NAMES[method], Say("De zes cijfers die de app op uw telefoon nu toont."))
    return Way(method, NAMES[method], Say("Uw apparaat vraagt om uw vinger, gezicht of toegangscode."))


def _advice(viewer: Viewer, least: str, came: Came, is_told: bool) -> list[tuple[Say, str]]:
    """`is_told`: that he may ask the office for another letter."""
    wanted, found = levels_from(least), list[tuple[Say, str]]()
    if "passkey" in came.methods and "passkey" in wanted:
        found.append((Say("Meld u af en weer aan met uw wachtwoord: dan telt uw passkey."), "sessions.sign_out"))
    if "totp" in wanted and not viewer.user.totp_secret:
        found.append((Say("Stel een authenticator-app in op uw telefoon."), "account.second_factor"))
    if "passkey" in wanted and not viewer.user.has_passkey and passkeys.site() is not None:
        found.append((Say("Maak een passkey op dit apparaat."), "account.new_passkey"))
    if {"pin", "codes"} & set(wanted) and not is_told:
        what = Say("pincode") if "pin" in wanted else Say("lijst met codes")
        found.append((Say("Vraag uw kantoor om een brief met een {what}.", what=what), ""))
    return found


def why_not(viewer: Viewer, method: str, least: str, came: Came | None, seen: dict[str, dict[str, Any]]) -> Say | None:
    """Why this way does not count now; NONE for who has it not. None where it does."""
    if method not in LEVELS:
        return NONE
    if came is None or not came.live:
        return OVER
    if (refusal := _state_of(viewer, method, seen)) is not None:
        return refusal
    if rank(method) < rank(least):
        return Say("Uw kantoor vraagt hiervoor ten minste: {least}.", least=NAMES[least])
    counts_from = {"totp": viewer.user.totp_counts_from, "passkey": came.passkey_from}.get(method)
    if counts_from is not None and counts_from > utcnow():
        return too_new(counts_from)
    if method not in came.methods:
        return None
    # a code that was never used may still be with the post, or with the office
    others = [
        other
        for other in LEVELS
        if other != method and (other == "totp" or seen.get(other, {}).get("state") == "confirmed")
    ]
    if method in came.may_again and all(why_not(viewer, other, least, came, seen) for other in others):
        return None
    return SIGNED_IN_BY[method]


def too_new(counts_from: dt.datetime) -> Say:
    return Say(TOO_NEW.text, when=f"{counts_from.astimezone(ZONE):%d-%m-%Y %H:%M}")


def _state_of(viewer: Viewer, method: str, seen: dict[str, dict[str, Any]]) -> Say | None:
    if method == "totp":
        return (APP_CLOSED if method in seen else None) if viewer.user.totp_secret else NONE
    if method == "passkey":
        return None if viewer.user.has_passkey and passkeys.site() is not None else NONE
    pin = seen.get(method)
    if pin is None:
        return NONE
    if pin["state"] == "blocked" or pin["wrong"] >= TRIES:
        return BLOCKED
    if pin["key"] not in config.settings().key_fingerprints:
        return UNREADABLE
    return USED_UP if method == "codes" and not pin["asked"] else None


async def seen_of(viewer: Viewer) -> dict[str, dict[str, Any]]:
    """As `look`, and under "totp" that his authenticator is closed for approving, where it is."""
    seen, app = await look(int(viewer.user.id)), throttling.of_app(int(viewer.user.id))
    if viewer.user.totp_secret and await throttling.is_over(app, throttling.DAY):
        seen["totp"] = {"state": "closed"}
    return seen


async def look(person: int) -> dict[str, dict[str, Any]]:
    """What lives of his, by kind: id, state, wrong, tried_at, asked, key, unused (codes), made_at, posted_on, used_at, used_in."""
    rows = await engine.raw(
        "SELECT k.id, k.kind, k.state, k.wrong, k.tried_at, k.asked, k.key, k.made_at, k.printed_at, k.posted_on, k.confirmed_at, "
        "k.used_at, k.used_in, k.blocked_at, (SELECT count(*) FROM pin_code c WHERE c.pin = k.id AND c.used_at IS NULL) AS unused "
        f"FROM pin k WHERE k.person = $1 AND k.state IN {LIVING}",
        person,
    )
    return {row["kind"]: row for row in rows}


async def used_to_sign_in(viewer: Viewer) -> Came:
    """How the viewer's session came in. A viewer that is of no session (a command, a test) came in by a password."""
    if not viewer.session_id:
        return Came("password", "")
    rows = await engine.raw(
        "SELECT how, factor, (SELECT p.counts_from FROM passkey p WHERE p.person = $2 ORDER BY coalesce(p.counts_from, p.created_at) LIMIT 1) "
        "AS passkey_from FROM session WHERE id = $1 AND person = $2 AND ended_at IS NULL AND stage = 'signed_in'",
        viewer.session_id, int(viewer.user.id),
    )  # fmt: skip
    if not rows:
        return Came("", "", live=False)
    return Came(rows[0]["how"], rows[0]["factor"], passkey_from=engine.as_moment(rows[0]["passkey_from"]))


async def means_of(people: Sequence[int]) -> dict[int, set[str]]:
    """Which of LEVELS each of these people has and could use, whatever he will sign in with: for warnings before something is
    offered. Who has none is not in it. One query."""
    rows = await engine.raw(
        f"SELECT u.id, u.has_passkey, u.totp_secret <> '' AS has_totp, k.kind FROM users u LEFT JOIN pin k ON k.person = u.id "
        f"AND k.state IN {USABLE} AND k.wrong < {TRIES} AND (k.kind = 'pin' OR k.asked > 0) WHERE u.id IN {listed(1)}",
        json.dumps(list(people)),
    )
    found: dict[int, set[str]] = {}
    for row in rows:
        means = {"totp"} if row["has_totp"] else set()
        means |= {"passkey"} if row["has_passkey"] and passkeys.site() is not None else set()
        means |= {row["kind"]} if row["kind"] else set()
        if means:
            found.setdefault(row["id"], set()).update(means)
    return found
