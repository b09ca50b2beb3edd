"""What being blocked does to people, one or thousands at once, and what comes back when they are let in again."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence

from models import engine
from models.settings import utcnow

# What tells somebody about his own account he still gets.
_NEVER_CALLED_OFF = "'run_task', 'account_notice'"


async def shut_out(ids: Sequence[int], at: dt.datetime) -> None:
    """From `at` nothing opens for them: sessions and links end, and mail that no worker has claimed yet is called off."""
    people = json.dumps(list(ids))
    for change in (
        "UPDATE users SET state = 'blocked', blocked_at = $1 WHERE id IN {people}",
        "UPDATE session SET ended_at = $1 WHERE ended_at IS NULL AND person IN {people}",
        "UPDATE link SET ended_at = $1, ended_why = 'blocked' WHERE ended_at IS NULL AND used_at IS NULL AND person IN {people}",
        "UPDATE activation_code SET ended_at = $1, ended_why = 'blocked' WHERE ended_at IS NULL AND used_at IS NULL AND person IN {people}",
        "UPDATE errand SET state = 'cancelled', finished_at = $1 WHERE state = 'waiting' AND person IN {people} "
        f"AND kind NOT IN ({_NEVER_CALLED_OFF})",
    ):
        await engine.raw(change.format(people=listed(2)), at, people)
    await end_trust(ids)


async def let_in(ids: Sequence[int]) -> None:
    """Back to what they were: active when they had come in, invited while the invitation they got is valid, else prepared.

    Only invitations that had been mailed come back, and codes on paper: who was blocked before the mail left is to be invited anew.
    """
    now, people = utcnow(), json.dumps(list(ids))
    await engine.raw(
        "UPDATE link SET ended_at = NULL, ended_why = '' WHERE kind = 'invitation' AND ended_why = 'blocked' "
        "AND token_hash <> '' AND expires_at > $1 AND EXISTS (SELECT 1 FROM users u WHERE u.id = link.person "
        f"AND u.blocked_at = link.ended_at AND u.email = link.email AND u.activated_at IS NULL) AND person IN {listed(2)}",
        now, people,
    )  # fmt: skip
    await engine.raw(
        "UPDATE activation_code SET ended_at = NULL, ended_why = '' WHERE ended_why = 'blocked' AND expires_at > $1 AND EXISTS "
        "(SELECT 1 FROM users u WHERE u.id = activation_code.person AND u.blocked_at = activation_code.ended_at "
        f"AND u.activated_at IS NULL) AND person IN {listed(2)}",
        now, people,
    )  # fmt: skip
    await engine.raw(
        "UPDATE users SET blocked_at = NULL, state = CASE WHEN password <> '' OR activated_at IS NOT NULL THEN 'active' WHEN EXISTS (SELECT 1 FROM link l "
        "WHERE l.person = users.id AND l.kind = 'invitation' AND l.ended_at IS NULL AND l.used_at IS NULL AND l.expires_at > $1) "
        "OR EXISTS (SELECT 1 FROM activation_code k WHERE k.person = users.id AND k.ended_at IS NULL AND k.used_at IS NULL AND k.expires_at > $1) "
        f"THEN 'invited' ELSE 'prepared' END WHERE id IN {listed(2)}",
        now, people,
    )  # fmt: skip


async def end_trust(ids: Sequence[int]) -> None:
    """No browser of theirs goes without the second factor any more."""
    await engine.raw(f"DELETE FROM trusted_device WHERE person IN {listed(1)}", json.dumps(list(ids)))


def listed(n: int) -> str:
    """The ids in argument `n`, a JSON list: one argument, however many there are."""
    if engine.is_sqlite():
        return f"(SELECT value FROM json_each(${n}))"
    return f"(SELECT CAST(value AS INTEGER) FROM json_array_elements_text(CAST(${n} AS json)))"
