"""Webhooks: made, changed, tested and ended; and the events that are written down for them in the unit that makes them happen."""

from __future__ import annotations

import base64
import datetime as dt
import json
import secrets
from typing import Any
from urllib.parse import urlsplit

from models import config, engine, inside, secret_box
from models.approvals.events import EVENTS, subscribe
from models.approvals.records import ApprovalRequest
from models.connecting.reading import told_of
from models.connecting.records import Webhook, WebhookDelivery
from models.core import Refusals, Refused, Say, Scope, operation, save
from models.outbox import wake
from models.settings import utcnow
from models.viewer import Permission, Viewer

MOST = 20
OVERLAP = dt.timedelta(days=1)  # in which a message is signed under the former secret as well
TEST = "test"


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def add_webhook(
    _all: Scope[Webhook], name: str, address: str, events: list[str], *, by: Viewer
) -> tuple[Webhook, str]:
    """The webhook, and the secret with which its messages are signed: shown once."""
    values = checked_webhook(name, address, events)
    if await Webhook.count().where(Webhook.state != "ended") >= MOST:
        raise Refused("", Say("Er zijn al {n} webhooks. Beëindig er eerst een.", n=MOST))
    secret = new_secret()
    webhook = Webhook(**values, sealed_secret=secret_box.encrypt(secret), made_at=utcnow())
    await webhook.save()
    await by.note("Webhook.add", webhook, {"name": webhook.name, "host": urlsplit(webhook.address).hostname})
    return webhook, secret


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def change_webhook(webhook: Webhook, name: str, address: str, events: list[str], *, by: Viewer) -> None:
    _not_ended(webhook)
    await save(webhook, **checked_webhook(name, address, events))
    await by.note("Webhook.change", webhook, {"name": webhook.name, "host": urlsplit(webhook.address).hostname})


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def renew_secret(webhook: Webhook, *, by: Viewer) -> str:
    """A new secret, from the next message on; shown once. For a day the former one signs as well, so that no receiver has to be changed
    in the same second."""
    _not_ended(webhook)
    secret = new_secret()
    await save(
        webhook, former_secret=webhook.sealed_secret, former_until=utcnow() + OVERLAP, sealed_secret=secret_box.encrypt(secret)
    )  # fmt: skip
    await by.note("Webhook.renew_secret", webhook, {"name": webhook.name})
    return secret


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def switch_webhook(webhook: Webhook, on: bool, *, by: Viewer) -> None:
    """Off: what happens meanwhile is not kept for it. On again also after it was stopped because it failed."""
    _not_ended(webhook)
    await save(webhook, state="active" if on else "off", failing_since=None, stopped_at=None if on else utcnow())
    if on:
        await engine.raw(
            "UPDATE webhook_delivery SET run_after = $1 WHERE webhook = $2 AND state = 'waiting'", utcnow(), webhook.id
        )
    await by.note("Webhook.switch_on" if on else "Webhook.switch_off", webhook, {"name": webhook.name})


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def end_webhook(webhook: Webhook, *, by: Viewer) -> None:
    """Its log stays; what still waited is dropped."""
    if webhook.state == "ended":
        return
    await save(webhook, state="ended", stopped_at=utcnow(), sealed_secret="", former_secret="", former_until=None)
    await engine.raw(
        "UPDATE webhook_delivery SET state = 'dropped' WHERE webhook = $1 AND state = 'waiting'", webhook.id
    )
    await by.note("Webhook.end", webhook, {"name": webhook.name})


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def try_webhook(webhook: Webhook, *, by: Viewer) -> None:
    """A message that says no more than that it is a test."""
    _not_ended(webhook)
    now = utcnow()
    body = {"type": TEST, "timestamp": now.isoformat(), "data": {"message": "Poort"}}
    await _put(webhook.id, None, TEST, body, now)
    await by.note("Webhook.test", webhook, {"name": webhook.name})


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def send_again(delivery: WebhookDelivery, *, by: Viewer) -> None:
    """The same message under the same id, from the first try on."""
    if delivery.state == "waiting":
        raise Refused("", Say("Dit bericht is nog onderweg."))
    webhook = await Webhook.objects().where(Webhook.id == delivery.webhook).first()
    if webhook is None or webhook.state in ("ended", "off"):
        raise Refused("", Say("Deze webhook staat uit. Zet hem eerst aan."))
    await save(delivery, state="waiting", attempts=0, run_after=utcnow(), claimed_until=None)
    await by.note("WebhookDelivery.send_again", delivery, {"event": delivery.event})
    wake()


def new_secret() -> str:
    """As Standard Webhooks writes it: 32 random bytes."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


async def unreachable(address: str) -> Refused | None:
    """Where the name of an address leads into this network: outside every unit, because others are asked."""
    try:
        host = urlsplit(address.strip()).hostname or ""
    except ValueError:
        return None  # said when it is saved
    return Refused("address", inside.WHY) if await inside.leads_inside(host) else None


def checked_webhook(name: str, address: str, events: list[str]) -> dict[str, Any]:
    """As it is kept. Raises RefusedFields with all that is wrong."""
    name, address = " ".join(name.split()), address.strip()
    wrong = Refusals()
    if not name:
        wrong.add("name", Say("Vul in naar welk programma dit gaat."))
    wrong.check(_check_address, address)
    if any(event not in EVENTS for event in events):
        wrong.add("events", Say("Kies uit de gebeurtenissen."))
    wrong.settle()
    kept = "" if len(set(events)) in (0, len(EVENTS)) else ",".join(event for event in EVENTS if event in events)
    return {"name": name[:120], "address": address, "events": kept}


def _check_address(address: str) -> None:
    parts = urlsplit(address)
    host = parts.hostname or ""
    plain = parts.scheme == "http" and (config.settings().allow_private_feeds or inside.is_allowed(host))
    try:
        named = bool(host) and (parts.port is None or parts.port > 0)
    except ValueError:
        named = False
    if not named or parts.username or parts.fragment or not (parts.scheme == "https" or plain) or len(address) > 500:
        raise Refused("address", Say("Vul een volledig adres in dat met https:// begint, zonder wachtwoord erin."))
    if inside.is_inside(host):
        raise Refused("address", inside.WHY)


def _not_ended(webhook: Webhook) -> None:
    if webhook.state == "ended":
        raise Refused("", Say("Deze webhook is beëindigd."))


@subscribe
async def tell_webhooks(request: ApprovalRequest, event: str) -> None:
    """In the unit of the change: a delivery for every webhook that wants to hear of it, under one id."""
    if not await engine.raw("SELECT 1 AS one FROM webhook WHERE state = 'active' LIMIT 1"):
        return
    now = utcnow()
    body = {"type": f"approval.{event}", "timestamp": now.isoformat(), "data": (await told_of([request.id]))[0]}
    await _put(None, request.client, event, body, now)


async def _put(webhook: int | None, client: int | None, event: str, body: dict[str, Any], now: dt.datetime) -> None:
    """To one webhook, or to all that listen to the event."""
    which = (
        "id = $5" if webhook else "state = 'active' AND (events = '' OR ',' || events || ',' LIKE '%,' || $5 || ',%')"
    )
    await engine.raw(
        "INSERT INTO webhook_delivery (webhook, client, message, event, body, state, attempts, run_after, said, made_at) "
        f"SELECT id, $1, $2, CAST($3 AS VARCHAR(30)), $4, 'waiting', 0, $6, '', $6 FROM webhook WHERE {which}",
        client, f"msg_{secrets.token_hex(16)}", event, json.dumps(body, ensure_ascii=False, separators=(",", ":")), webhook or event, now,
    )  # fmt: skip
    wake()


async def all_webhooks() -> list[dict[str, Any]]:
    """Each with how many wait and when it was tried last."""
    rows = await engine.raw(
        "SELECT w.id, w.name, w.address, w.events, w.state, w.failing_since, "
        "(SELECT count(*) FROM webhook_delivery d WHERE d.webhook = w.id AND d.state = 'waiting') AS waiting, "
        "(SELECT max(d.tried_at) FROM webhook_delivery d WHERE d.webhook = w.id) AS tried_at "
        "FROM webhook w WHERE w.state <> 'ended' ORDER BY w.id"
    )
    return [row | {"tried_at": engine.as_moment(row["tried_at"])} for row in rows]


async def deliveries(webhook_id: int, page: int = 1, size: int = 50) -> list[dict[str, Any]]:
    """The log of one webhook, the newest first."""
    return await engine.raw(
        "SELECT id, message, event, state, attempts, run_after, status, took_ms, said, made_at, tried_at, body FROM webhook_delivery "
        f"WHERE webhook = $1 ORDER BY id DESC LIMIT {int(size)} OFFSET {(int(page) - 1) * int(size)}",
        webhook_id,
    )
