"""What the office asks of everybody who signs in: how many keep to it, and what follows when it is changed."""

from __future__ import annotations

import datetime as dt
from typing import Any

from models import engine
from models.core import Refused, Say
from models.settings import Firm, utcnow

FACTOR_KINDS = ("totp", "passkey")


def checked_kinds(value: Any) -> str:
    """The kinds of second factor that count, by commas in a fixed order."""
    asked = str(value).split(",") if isinstance(value, str) else list(value)
    kinds = [kind for kind in FACTOR_KINDS if kind in asked]
    if not kinds or not set(filter(None, asked)) <= set(FACTOR_KINDS):
        raise Refused("factor_kinds", Say("Kies ten minste één soort."))
    if kinds == ["passkey"]:
        from models.passkeys import why_not_here

        if why := why_not_here():
            raise Refused("factor_kinds", why)
    return ",".join(kinds)


async def end_overlong() -> None:
    """End the sessions that were not used for so long, or lasted so long, as the office allows."""
    firm, now = await Firm.load(), utcnow()
    await engine.raw(
        "UPDATE session SET ended_at = $1 WHERE ended_at IS NULL AND stage = 'signed_in' AND (seen_at < $2 OR created_at < $3)",
        now, now - dt.timedelta(hours=firm.session_idle_hours), now - dt.timedelta(days=firm.session_days),
    )  # fmt: skip


async def counted() -> list[dict[str, Any]]:
    """Of staff and of clients who are active: how many people, with an authenticator, a passkey, either, and neither."""
    return await engine.raw(
        "SELECT kind, count(*) AS people, "
        "sum(CASE WHEN totp_secret <> '' THEN 1 ELSE 0 END) AS totp, sum(CASE WHEN has_passkey THEN 1 ELSE 0 END) AS passkey, "
        "sum(CASE WHEN totp_secret <> '' OR has_passkey THEN 1 ELSE 0 END) AS either, "
        "sum(CASE WHEN totp_secret <> '' OR has_passkey THEN 0 ELSE 1 END) AS neither "
        "FROM users WHERE state = 'active' GROUP BY kind ORDER BY kind DESC"
    )
