"""Taking webhook deliveries to their address: claimed for a moment, signed, tried again with growing pauses, logged."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime as dt
import hashlib
import hmac
import time
from typing import Any, NamedTuple

import httpx2

from models import engine, outward, secret_box
from models.accounts import User
from models.connecting.records import Webhook
from models.outbox import Kind, ask
from models.settings import utcnow

# After the first try, in seconds: two days and a half in all.
PAUSES = (5, 60, 300, 1800, 7200, 18_000, 36_000, 50_400, 64_800)
CLAIM = dt.timedelta(seconds=60)  # longer than a try can take: what a killed worker held comes back by itself
_OF_ONE = 4  # of one webhook at once, over all workers: a slow one holds up itself
AT_ONCE = 80  # more than all webhooks together can have under way
_STOP = dt.timedelta(days=5)  # of failing without one success
_SECONDS = 15.0  # for a whole try, however slowly its pieces come
_LOOKED_AT = 4096  # bytes of an answer, of which the log keeps the beginning
_KEPT = dt.timedelta(days=60)
UNREADABLE = "de sleutel van deze webhook is niet te lezen, want SECRET_KEY is gewijzigd: maak een nieuwe sleutel"


class Answer(NamedTuple):
    """How a try went: the status (None without an answer), what was said, and milliseconds."""

    status: int | None
    said: str
    took_ms: int
    is_hopeless: bool = False  # nothing that the receiver does can mend it

    @property
    def is_right(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def signature(secret: str, message: str, moment: int, body: str) -> str:
    """By Standard Webhooks: HMAC-SHA256 over id.timestamp.body."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, f"{message}.{moment}.{body}".encode(), hashlib.sha256).digest()
    return "v1," + base64.b64encode(mac).decode()


_CLAIM_SQL = """
UPDATE webhook_delivery SET claimed_until = $2, attempts = attempts + 1, tried_at = $1 WHERE id IN (
 SELECT id FROM (
  SELECT d.id, coalesce(b.n, 0) + row_number() OVER (PARTITION BY d.webhook ORDER BY d.run_after, d.id) AS place
  FROM webhook_delivery d JOIN webhook w ON w.id = d.webhook LEFT JOIN (
   SELECT webhook, count(*) AS n FROM webhook_delivery WHERE state = 'waiting' AND claimed_until >= $1 GROUP BY webhook) b ON b.webhook = d.webhook
  WHERE d.state = 'waiting' AND d.run_after <= $1 AND (d.claimed_until IS NULL OR d.claimed_until < $1)
  AND (w.state = 'active' OR (w.state = 'off' AND d.event = 'test'))
 ) AS due WHERE place <= {of_one} ORDER BY place, id LIMIT {most})
RETURNING id, webhook, message, event, body, attempts
"""


async def claim(now: dt.datetime) -> list[dict[str, Any]]:
    """Those whose moment has come, for this worker alone, with address and secrets of their webhook."""
    due = await engine.raw(
        "SELECT 1 AS one FROM webhook_delivery WHERE state = 'waiting' AND run_after <= $1 LIMIT 1", now
    )
    if not due:
        return []
    sql = _CLAIM_SQL.format(of_one=_OF_ONE, most=AT_ONCE)
    rows = await engine.run_writing(lambda: engine.raw(sql, now, now + CLAIM))
    hooks = {
        hook.id: hook for hook in await Webhook.objects().where(Webhook.id.is_in([r["webhook"] for r in rows] or [-1]))
    }
    return [
        {**row, "address": hook.address, "sealed_secret": hook.sealed_secret, "former_secret": _former(hook, now)}
        for row in rows
        if (hook := hooks.get(row["webhook"])) is not None
    ]


def _former(hook: Webhook, now: dt.datetime) -> str:
    """The secret before this one, for as long as it signs too; or ''."""
    return str(hook.former_secret) if hook.former_until is not None and hook.former_until > now else ""


async def carry(row: dict[str, Any], client: httpx2.AsyncClient) -> Answer:
    """One try, outside every unit. A redirect is not followed: it would carry the message to an address nobody chose."""
    began, moment = time.monotonic(), int(time.time())
    try:
        secrets = [secret_box.decrypt(row["sealed_secret"])]
    except ValueError:
        return Answer(None, UNREADABLE, 0, is_hopeless=True)
    with contextlib.suppress(ValueError):  # one that is not to be read any more signs nothing
        secrets += [secret_box.decrypt(row["former_secret"])] if row["former_secret"] else []
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Poort-Webhook/1",
        "Webhook-Id": row["message"],
        "Webhook-Timestamp": str(moment),
        "Webhook-Signature": " ".join(signature(one, row["message"], moment, row["body"]) for one in secrets),
    }
    try:
        async with asyncio.timeout(_SECONDS):
            status, said = await _post(client, row, headers)
    except Exception as error:
        inside = isinstance(error.__cause__, outward.NotAllowed)
        status, said = None, "adres binnen dit netwerk: niet toegestaan" if inside else type(error).__name__
    return Answer(status, said[:500].replace("\x00", ""), round((time.monotonic() - began) * 1000))


async def _post(client: httpx2.AsyncClient, row: dict[str, Any], headers: dict[str, str]) -> tuple[int, str]:
    """Its status counts from the moment that it is there: the rest of an answer is only for the log."""
    async with client.stream("POST", row["address"], content=row["body"].encode(), headers=headers) as reply:
        taken = b""
        try:
            async with asyncio.timeout(_SECONDS / 5):
                async for piece in reply.aiter_raw():
                    taken += piece
                    if len(taken) > _LOOKED_AT:
                        break
        except (httpx2.HTTPError, TimeoutError):
            pass  # what came of it is what is kept
        return reply.status_code, taken[:_LOOKED_AT].decode("utf-8", "replace")


def connection() -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=outward.Outward(allowed=True), timeout=_SECONDS, follow_redirects=False)


async def note(row: dict[str, Any], answer: Answer) -> None:
    """In a unit: what became of the try. After the last one it is given up; a webhook that only fails is stopped."""
    now, state, again = utcnow(), "waiting", utcnow()
    if answer.is_right:
        state = "delivered"
    elif answer.status == 410 or row["attempts"] > len(PAUSES) or row["event"] == "test":
        state = "given_up"
    else:
        again = now + dt.timedelta(seconds=PAUSES[row["attempts"] - 1])
    await engine.raw(
        "UPDATE webhook_delivery SET state = $1, run_after = $2, claimed_until = NULL, status = $3, said = $4, took_ms = $5 "
        "WHERE id = $6 AND state = 'waiting'",
        state, again, answer.status, answer.said, answer.took_ms, row["id"],
    )  # fmt: skip
    if row["event"] != "test":
        await _judge(row["webhook"], answer, now)


async def _judge(webhook_id: int, answer: Answer, now: dt.datetime) -> None:
    if answer.is_right:
        await engine.raw(
            "UPDATE webhook SET failing_since = NULL WHERE id = $1 AND failing_since IS NOT NULL", webhook_id
        )
        return
    await engine.raw("UPDATE webhook SET failing_since = coalesce(failing_since, $1) WHERE id = $2", now, webhook_id)
    at_once = 1 if answer.status == 410 or answer.is_hopeless else 0
    gone = await engine.raw(
        "UPDATE webhook SET state = 'failed', stopped_at = $1 WHERE id = $2 AND state = 'active' AND (failing_since < $3 OR $4 = 1) RETURNING name",
        now, webhook_id, now - _STOP, at_once,
    )  # fmt: skip
    if gone:
        admins = await User.select(User.id).where(
            (User.kind == "staff") & (User.role == "administrator") & (User.state == "active") & (User.email != "")
        )
        for admin in admins:
            await ask(Kind.ACCOUNT_NOTICE, person=admin["id"], what="webhook")


async def forget_old(now: dt.datetime) -> None:
    """The log is kept for two months, answers to repeated calls for a day."""
    await engine.run_writing(lambda: _forget(now))


async def _forget(now: dt.datetime) -> None:
    await engine.raw("DELETE FROM webhook_delivery WHERE state <> 'waiting' AND made_at < $1", now - _KEPT)
    await engine.raw("DELETE FROM api_answer WHERE at < $1", now - dt.timedelta(days=1))
