"""The outbox as the worker sees it: claim errands, mark them, give them back. Each step is one statement of its own.

Outside a unit a statement runs on Postgres as READ COMMITTED, so that workers who mark rows of one page do not collide,
and a claim passes over rows that another worker is claiming (SKIP LOCKED).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from models import engine
from models.core import Say
from models.outbox import MAIL_KINDS, Kind
from models.settings import utcnow

LEASE = dt.timedelta(seconds=90)  # claims that were not renewed for so long belong to nobody any more
PATIENCE = dt.timedelta(days=5)  # so long a message is offered again and again
_LEAST_TRIES = 8

URGENT = tuple(kind for kind in MAIL_KINDS if kind is not Kind.INVITATION)  # somebody waits for these
LINK_KINDS = (Kind.INVITATION, Kind.PASSWORD, Kind.SIGN_IN_LINK)

GONE = Say("De link is ingetrokken, vervangen of verlopen voordat de mail werd verstuurd.")
NOBODY = Say("De ontvanger is geblokkeerd of heeft geen e-mailadres.")
NOTHING = Say("Er viel niets meer te melden.")
CUT_OFF = Say(
    "Het versturen werd onderbroken terwijl de mailserver het bericht aannam: het kan zijn aangekomen, of niet."
)
KEPT = Say("Bewaard als bestand, niet verstuurd.")


@dataclass(frozen=True)
class Outcome:
    """How an errand ended, and in whose words."""

    errand: int
    state: str
    said: str = ""
    attempt: int = 0  # of which try; 0: whichever


async def is_due(kinds: Collection[Kind]) -> bool:
    sql = (
        f"SELECT 1 AS one FROM errand WHERE state = 'waiting' AND kind IN ({_named(kinds)}) AND run_after <= $1 LIMIT 1"
    )
    return bool(await engine.raw(sql, utcnow()))


async def claim(worker: str, kinds: Collection[Kind], most: int) -> list[int]:
    """Take up to `most` errands that are due; their ids, oldest first. Nobody else gets these while the claim is renewed."""
    skip = "" if engine.is_sqlite() else " FOR UPDATE SKIP LOCKED"
    sql = (
        "UPDATE errand SET state = 'claimed', claimed_by = $1, claimed_at = $2, attempts = attempts + 1 WHERE id IN "
        f"(SELECT id FROM errand WHERE state = 'waiting' AND kind IN ({_named(kinds)}) AND run_after <= $2 "
        f"ORDER BY run_after, id LIMIT $3{skip}) RETURNING id"
    )
    return sorted(row["id"] for row in await engine.raw(sql, worker, utcnow(), most))


async def begin_sending(worker: str, tries: Sequence[tuple[int, int]]) -> set[int]:
    """Mark these (errand, attempt) as about to reach DATA; the ids for which that is still right: claimed by us for this
    very try, and the link alive."""
    rows, values = _table(tries, lambda pair: pair, 2, "ii")
    sql = (
        f"WITH v (id, attempt) AS (VALUES {rows}) "
        "UPDATE errand SET state = 'sending' FROM v WHERE errand.id = v.id AND errand.attempts = v.attempt "
        f"AND state = 'claimed' AND claimed_by = $1 AND (kind NOT IN ({_named(LINK_KINDS)}) OR EXISTS ("
        "SELECT 1 FROM link l JOIN users u ON u.id = l.person WHERE l.id = errand.subject_id AND l.ended_at IS NULL "
        "AND l.used_at IS NULL AND l.email = u.email AND u.state <> 'blocked')) RETURNING errand.id"
    )
    return {row["id"] for row in await engine.raw(sql, worker, *values)}


async def conclude(worker: str, outcomes: Sequence[Outcome]) -> None:
    """Write how errands of ours ended. What was taken for lost meanwhile is corrected: we know better.

    A try that was not to begin ('cancelled') only says so of an errand that is still claimed for that try: one that was
    put off meanwhile comes again.
    """
    rows, values = _table(outcomes, lambda o: (o.errand, o.state, o.said[:500], o.attempt), 3, "itti")
    sql = (
        f"WITH v (id, state, said, attempt) AS (VALUES {rows}) "
        "UPDATE errand SET state = v.state, said = v.said, finished_at = $1 FROM v "
        "WHERE errand.id = v.id AND errand.claimed_by = $2 AND (v.attempt = 0 OR errand.attempts = v.attempt) "
        "AND (errand.state = 'claimed' OR (v.state <> 'cancelled' AND errand.state IN ('sending', 'unknown')))"
    )
    await engine.raw(sql, utcnow(), worker, *values)


async def offer_again(worker: str, errand: int, attempt: int, said: str, pause: dt.timedelta) -> None:
    """The server does not want this try now: once more after the pause, unless it has been offered for days."""
    this = f"id = {int(errand)} AND attempts = {int(attempt)}"
    await _wait(worker, said, pause, f"{this} AND state IN ('claimed', 'sending')")


async def offer_all_again(worker: str, said: str, pause: dt.timedelta) -> None:
    """The server cannot be reached: every message of ours that is not being handed over waits."""
    await _wait(worker, said, pause, f"state = 'claimed' AND kind IN ({_named(MAIL_KINDS)})")


async def _wait(worker: str, said: str, pause: dt.timedelta, which: str) -> None:
    now = utcnow()
    sql = (
        "UPDATE errand SET state = CASE WHEN created_at < $4 AND attempts >= $5 THEN 'failed' ELSE 'waiting' END, "
        "finished_at = CASE WHEN created_at < $4 AND attempts >= $5 THEN $6 ELSE finished_at END, "
        f"run_after = $3, said = $2, claimed_by = '' WHERE claimed_by = $1 AND {which}"
    )
    await engine.raw(sql, worker, said[:500], now + pause, now - PATIENCE, _LEAST_TRIES, now)


async def put_down(worker: str, kinds: Collection[Kind], *, was_a_try: bool = True) -> None:
    """The worker stops: what it claimed and did not begin can be claimed by another at once. The number of tries of
    a message only rises: by it a try is known."""
    sql = (
        f"UPDATE errand SET state = 'waiting', claimed_by = '', attempts = attempts - {0 if was_a_try else 1} "
        f"WHERE claimed_by = $1 AND state = 'claimed' AND kind IN ({_named(kinds)})"
    )
    await engine.raw(sql, worker)


async def release(worker: str, errands: Collection[int]) -> None:
    """What we claimed and, because the database failed us half-way, are not carrying: surely not sent, and due again."""
    if errands:
        sql = (
            "UPDATE errand SET state = 'waiting', claimed_by = '', run_after = $2 "
            f"WHERE claimed_by = $1 AND state IN ('claimed', 'sending') AND id IN ({_places(len(errands), 3)})"
        )
        await engine.raw(sql, worker, utcnow(), *errands)


async def renew(worker: str) -> set[int]:
    """Keep what is ours; the ids of it."""
    sql = "UPDATE errand SET claimed_at = $2 WHERE claimed_by = $1 AND state IN ('claimed', 'sending') RETURNING id"
    return {row["id"] for row in await engine.raw(sql, worker, utcnow())}


async def holders() -> set[str]:
    """Who has claims at this moment."""
    rows = await engine.raw("SELECT DISTINCT claimed_by FROM errand WHERE state IN ('claimed', 'sending')")
    return {row["claimed_by"] for row in rows}


async def take_back(dead: Iterable[str] = ()) -> int:
    """Claims of workers that are dead, or were silent for too long: what had not reached DATA waits again, the fate of
    the rest is unknown. Returns how many."""
    names = list(dead)
    which = f"(claimed_at < $2{f' OR claimed_by IN ({_places(len(names), 3)})' if names else ''})"
    now = utcnow()
    sent = await engine.raw(
        f"UPDATE errand SET state = 'unknown', finished_at = $1, said = '{CUT_OFF.text}' WHERE state = 'sending' AND {which} RETURNING id",
        now, now - LEASE, *names,
    )  # fmt: skip
    again = await engine.raw(
        f"UPDATE errand SET state = 'waiting', claimed_by = '', run_after = $1 WHERE state = 'claimed' AND {which} RETURNING id",
        now, now - LEASE, *names,
    )  # fmt: skip
    return len(sent) + len(again)


# what a message needs

_LETTERS_SQL = """
SELECT e.id, e.kind, e.detail, e.attempts, e.created_at, e.subject_id, u.id AS person_id, u.email, u.language, u.state AS person_state,
 u.kind AS person_kind, u.gender, u.first_name, u.initials, u.prefix, u.surname, u.partner_prefix, u.partner_surname, u.name_use,
 EXISTS (SELECT 1 FROM users o WHERE o.email_key = u.email_key AND o.id <> u.id AND u.email_key <> '') AS shares, l.id AS link, l.opening, l.email AS link_email, l.expires_at, l.ended_at, l.used_at,
 CASE WHEN u.kind = 'client' THEN (SELECT CASE WHEN count(DISTINCT coalesce(c.office, 0)) = 1 THEN max(c.office) END
  FROM access a JOIN client c ON c.id = a.client WHERE a.person = u.id AND c.state = 'active') END AS office
FROM errand e LEFT JOIN users u ON u.id = e.person
LEFT JOIN link l ON l.id = e.subject_id AND e.kind IN ('invitation', 'password', 'sign_in_link')
WHERE e.claimed_by = $1 AND e.state = 'claimed' AND e.id IN ({places}) ORDER BY e.id
"""


async def letters(worker: str, errands: Sequence[int]) -> list[dict[str, Any]]:
    """What these errands and their recipients are at this moment, one row each."""
    rows = await engine.raw(_LETTERS_SQL.format(places=_places(len(errands), 2)), worker, *errands)
    for row in rows:
        if row["kind"] in (
            Kind.ACCOUNT_NOTICE,
            Kind.UPLOAD_LINK,
        ):  # an address that was left, or of nobody whom we know
            row["email"] = json.loads(row["detail"]).get("to") or row["email"]
    return rows


def why_not(row: dict[str, Any]) -> Say | None:
    """The reason not to send it any more."""
    if not row["email"] or row["person_state"] == "blocked":
        return NOBODY
    if row["kind"] in LINK_KINDS:
        moved = row["link"] is None or row["link_email"] != row["email"]
        if moved or row["ended_at"] or row["used_at"] or row["expires_at"] < utcnow():
            return GONE
    return None


async def address(
    worker: str, envelopes: Sequence[tuple[int, str, str, str]], tokens: Sequence[tuple[int, int, str]]
) -> None:
    """Before sending: (errand, address, subject, Message-ID) in the ledger, and (errand, link, digest) of fresh tokens."""
    if tokens:
        rows, values = _table(tokens, lambda t: t, 2, "iit")
        await engine.raw(
            f"WITH v (errand, link, digest) AS (VALUES {rows}) UPDATE link SET token_hash = v.digest FROM v "
            "WHERE link.id = v.link AND EXISTS (SELECT 1 FROM errand e WHERE e.id = v.errand AND e.claimed_by = $1 AND e.state = 'claimed')",
            worker, *values,
        )  # fmt: skip
    if envelopes:
        rows, values = _table(envelopes, lambda e: (e[0], e[1], e[2][:300], e[3][:200]), 2, "ittt")
        await engine.raw(
            f"WITH v (id, address, subject, message) AS (VALUES {rows}) UPDATE errand SET address = v.address, "
            "subject_line = v.subject, message_id = v.message FROM v WHERE errand.id = v.id AND errand.claimed_by = $1",
            worker, *values,
        )  # fmt: skip


def _named(kinds: Collection[Kind]) -> str:
    return ", ".join(f"'{kind.value}'" for kind in kinds)


def _places(count: int, first: int) -> str:
    return ", ".join(f"${n}" for n in range(first, first + count))


_TYPES = {"i": "integer", "t": "text"}


def _table(items: Sequence[Any], row_of: Any, first: int, types: str = "itt") -> tuple[str, list[Any]]:
    """The rows of a VALUES that both databases can read, and its values; the first place is `$first`."""
    values: list[Any] = []
    rows = []
    for item in items:
        places = range(first + len(values), first + len(values) + len(types))
        rows.append(f"({', '.join(f'CAST(${n} AS {_TYPES[t]})' for n, t in zip(places, types, strict=True))})")
        values += row_of(item)
    return ", ".join(rows), values
