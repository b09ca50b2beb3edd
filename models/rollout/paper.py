"""Opening the gates on paper: a code for everybody who was chosen instead of a mail, and taking back what was not printed yet."""

from __future__ import annotations

import datetime as dt

from models import engine
from models.accounts import codes
from models.accounts.lists import note_people
from models.rollout.sending import CHOSEN, leave_out_who_changed

SHEET = 100  # codes printed at a time


async def hand_out(opening: int, now: dt.datetime, expires_at: dt.datetime, by: int) -> int:
    """Make the codes of everybody whom the draft showed; how many. An earlier code ends at exactly `now`: by that moment it
    is found again when the opening is undone. Links that were mailed go on working."""
    await leave_out_who_changed(opening, paper=True)
    await engine.raw(
        "UPDATE opening_person SET was_state = u.state, was_invited_at = u.invited_at FROM users u "
        "WHERE u.id = opening_person.person AND opening_person.opening = $1 AND opening_person.because = ''",
        opening,
    )
    await engine.raw(
        f"UPDATE activation_code SET ended_at = $2, ended_why = 'replaced' WHERE {codes.LIVES} AND person IN ({CHOSEN})",
        opening, now,
    )  # fmt: skip
    people = await engine.raw(f"{CHOSEN} ORDER BY person", opening)
    await engine.copy_rows(
        "activation_code",
        codes.COLUMNS,
        (codes.row_of(row["person"], opening, codes.new_code(), now, expires_at) for row in people),
    )
    await engine.raw(
        f"UPDATE users SET state = 'invited', invited_at = $2 WHERE state = 'prepared' AND id IN ({CHOSEN})",
        opening,
        now,
    )
    await note_people("User.make_code", CHOSEN, by, opening, now)
    return len(people)


async def withdraw(opening: int, started_at: dt.datetime, now: dt.datetime, by: int) -> int:
    """Take back every code that was not printed yet; how many."""
    taken = await engine.raw(
        "UPDATE activation_code SET ended_at = $2, ended_why = 'withdrawn', sealed = '' "
        f"WHERE opening = $1 AND sealed <> '' AND {codes.LIVES} RETURNING person",
        opening, now,
    )  # fmt: skip
    if not taken:
        return 0
    back = "SELECT person FROM activation_code WHERE opening = $1 AND ended_why = 'withdrawn' AND ended_at = $2"
    await engine.raw(
        "UPDATE users SET state = p.was_state, invited_at = p.was_invited_at FROM opening_person p "
        f"WHERE p.opening = $1 AND p.person = users.id AND p.because = '' AND p.was_state = 'prepared' AND users.state = 'invited' AND users.id IN ({back})",
        opening, now,
    )  # fmt: skip
    await engine.raw(
        "UPDATE activation_code SET ended_at = NULL, ended_why = '' WHERE ended_why = 'replaced' "
        f"AND ended_at = $3 AND used_at IS NULL AND person IN ({back})",
        opening, now, started_at,
    )  # fmt: skip
    await note_people("User.withdraw_code", back, by, opening, now)
    return len(taken)
