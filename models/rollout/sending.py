"""What opening the gates does to the rows, set-based: who gets a mail, the links and errands, and taking it back."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from models import engine
from models.accounts.lists import note_people
from models.rollout.readiness import unready_person_sql

if TYPE_CHECKING:
    from models.settings import Firm

CHOSEN = "SELECT person FROM opening_person WHERE opening = $1 AND because = ''"
# by set, as in readiness: asked person by person it would be slow just after an import
_NO_CLIENT = "u.id NOT IN (SELECT a.person FROM access a JOIN client k ON k.id = a.client WHERE k.state = 'active')"


def _why_none(paper: bool) -> str:
    """The reasons that hold whatever else was chosen; on paper nobody needs an address."""
    no_email = "" if paper else "WHEN u.email = '' THEN 'no_email' "
    return f"WHEN u.state = 'blocked' THEN 'blocked' WHEN u.state = 'active' THEN 'active' {no_email}WHEN {_NO_CLIENT} THEN 'no_client' "


_HAS_CODE = "WHEN u.id IN (SELECT k.person FROM activation_code k WHERE k.ended_at IS NULL AND k.used_at IS NULL) THEN 'has_code' "


async def settle(opening: int, *, again: bool, only_ready: bool, paper: bool, firm: Firm) -> None:
    """Write of everybody who was chosen whether he gets a mail (or a code), and if not, why not."""
    invited = "" if again else _HAS_CODE if paper else "WHEN u.state = 'invited' THEN 'invited' "
    ready = f"WHEN {unready_person_sql(firm, 'u.id')} THEN 'not_ready' " if only_ready else ""
    await engine.raw(
        "UPDATE opening_person SET because = v.because FROM (SELECT u.id, CASE "
        f"{_why_none(paper)}{invited}{ready}ELSE '' END AS because FROM users u "
        "WHERE u.id IN (SELECT person FROM opening_person WHERE opening = $1)) v WHERE opening_person.opening = $1 AND opening_person.person = v.id",
        opening,
    )


async def invite(opening: int, now: dt.datetime, sends_at: dt.datetime, expires_at: dt.datetime, by: int) -> int:
    """Make the links and errands of everybody whom the draft showed and who can still be invited; how many.

    What somebody had before (a link, an errand on its way) ends at exactly `now`: by that moment it is found again
    when the opening is undone.
    """
    await leave_out_who_changed(opening)
    await engine.raw(
        "UPDATE opening_person SET was_state = u.state, was_invited_at = u.invited_at FROM users u "
        "WHERE u.id = opening_person.person AND opening_person.opening = $1 AND opening_person.because = ''",
        opening,
    )
    await engine.raw(
        "UPDATE link SET ended_at = $2, ended_why = 'replaced' WHERE kind = 'invitation' AND ended_at IS NULL "
        f"AND used_at IS NULL AND person IN ({CHOSEN})",
        opening, now,
    )  # fmt: skip
    await engine.raw(
        f"UPDATE errand SET state = 'cancelled', finished_at = $2 WHERE kind = 'invitation' AND state = 'waiting' AND person IN ({CHOSEN})",
        opening, now,
    )  # fmt: skip
    await engine.raw(
        "INSERT INTO link (person, kind, opening, email, created_at, expires_at) "
        f"SELECT u.id, 'invitation', $1, u.email, $2, $3 FROM users u WHERE u.id IN ({CHOSEN}) ORDER BY u.id",
        opening, now, expires_at,
    )  # fmt: skip
    await engine.raw(
        "INSERT INTO errand (kind, subject_id, person, run_after, created_at) "
        "SELECT 'invitation', id, person, $2, $3 FROM link WHERE opening = $1 AND ended_at IS NULL ORDER BY id",
        opening, sends_at, now,
    )  # fmt: skip
    await engine.raw(f"UPDATE users SET state = 'invited', invited_at = $2 WHERE id IN ({CHOSEN})", opening, now)
    await note_people("User.invite", CHOSEN, by, opening, now)
    rows = await engine.raw("SELECT count(*) AS n FROM opening_person WHERE opening = $1 AND because = ''", opening)
    return int(rows[0]["n"])


async def leave_out_who_changed(opening: int, *, paper: bool = False) -> None:
    """Since the draft was made: who was blocked, came in, lost his address, or was invited by another opening."""
    invited = "WHEN u.state = 'invited' AND (NOT o.again OR u.invited_at > o.created_at) THEN 'invited' "
    if paper:
        invited = (
            "WHEN u.id IN (SELECT k.person FROM activation_code k WHERE k.ended_at IS NULL AND k.used_at IS NULL "
            "AND (NOT o.again OR k.created_at > o.created_at)) THEN 'has_code' "
        )
    await engine.raw(
        f"UPDATE opening_person SET because = v.because FROM (SELECT u.id, CASE {_why_none(paper)}{invited}ELSE '' END AS because "
        "FROM opening o JOIN opening_person p ON p.opening = o.id JOIN users u ON u.id = p.person WHERE o.id = $1) v "
        "WHERE opening_person.opening = $1 AND opening_person.person = v.id AND opening_person.because = '' AND v.because <> ''",
        opening,
    )


async def withdraw(opening: int, started_at: dt.datetime, now: dt.datetime, by: int) -> int:
    """Take back every invitation that still waits; how many."""
    taken = await engine.raw(
        "UPDATE errand SET state = 'cancelled', finished_at = $2 WHERE kind = 'invitation' AND state = 'waiting' "
        "AND subject_id IN (SELECT id FROM link WHERE opening = $1) RETURNING id",
        opening, now,
    )  # fmt: skip
    if not taken:
        return 0
    back = "SELECT e.person FROM errand e JOIN link l ON l.id = e.subject_id WHERE e.kind = 'invitation' AND e.state = 'cancelled' AND e.finished_at = $2 AND l.opening = $1"
    await engine.raw(
        f"UPDATE link SET ended_at = $2, ended_why = 'withdrawn' WHERE opening = $1 AND ended_at IS NULL AND used_at IS NULL AND person IN ({back})",
        opening, now,
    )  # fmt: skip
    await engine.raw(
        "UPDATE users SET state = p.was_state, invited_at = p.was_invited_at FROM opening_person p "
        f"WHERE p.opening = $1 AND p.person = users.id AND p.because = '' AND users.state = 'invited' AND users.id IN ({back})",
        opening, now,
    )  # fmt: skip
    await engine.raw(
        "UPDATE link SET ended_at = NULL, ended_why = '' WHERE kind = 'invitation' AND ended_why = 'replaced' "
        f"AND ended_at = $3 AND person IN ({back})",
        opening, now, started_at,
    )  # fmt: skip
    await engine.raw(
        f"UPDATE errand SET state = 'waiting', finished_at = NULL WHERE kind = 'invitation' AND state = 'cancelled' AND finished_at = $3 AND person IN ({back})",
        opening, now, started_at,
    )  # fmt: skip
    await note_people("User.withdraw", back, by, opening, now)
    return len(taken)


async def give_up_waiting(person: int, now: dt.datetime) -> None:
    """An invitation that still waits is not sent beside a fresh one."""
    await engine.raw(
        "UPDATE errand SET state = 'cancelled', finished_at = $2 WHERE kind = 'invitation' AND state = 'waiting' AND person = $1",
        person,
        now,
    )
