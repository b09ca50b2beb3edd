"""Webhooks against a real receiver: signed, repeated, told apart by their id, stopped when nobody listens."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import gzip
import hashlib
import hmac
import json
import tracemalloc
from collections.abc import Iterator

import jsonschema
import pytest

from jobs.webhooks import deliver_due, deliver_webhooks
from models import config, engine
from models.approvals.events import happened
from models.approvals.records import ApprovalKind, ApprovalRequest
from models.connecting import (
    Webhook,
    WebhookDelivery,
    add_webhook,
    delivering,
    renew_secret,
    send_again,
    switch_webhook,
    try_webhook,
)
from models.connecting.openapi import document
from models.core import Refused
from models.outbox import Errand
from models.settings import utcnow
from tests.cast import Cast
from tests.hooks import Receiver, dripping, receiving

API = document("http://poort.test")


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("ALLOW_PRIVATE_FEEDS", "1")
    config.reset()
    with receiving() as one:
        yield one
    monkeypatch.undo()
    config.reset()


async def hook_for(cast: Cast, receiver: Receiver, *events: str) -> tuple[Webhook, str]:
    return await hook_to(cast, receiver.url, *events)


async def hook_to(cast: Cast, address: str, *events: str) -> tuple[Webhook, str]:
    async def unit() -> tuple[Webhook, str]:
        return await add_webhook(cast.anna.scope(Webhook), "Pakket", address, list(events), by=cast.anna)

    return await engine.run_writing(unit)


async def a_request(cast: Cast) -> ApprovalRequest:
    async def unit() -> ApprovalRequest:
        kind = await ApprovalKind.objects().first()
        request = ApprovalRequest(
            client=cast.bakkerij, kind=kind.id, book_year=2025, period="k1", made_at=utcnow(), external_ref="OB-1"
        )
        await request.save()
        return request

    return await engine.run_writing(unit)


async def happens(request: ApprovalRequest, event: str) -> None:
    await engine.run_writing(lambda: happened(request, event))


async def deliver() -> int:
    async with delivering.connection() as client:
        return await deliver_due(client)


async def later(seconds: int) -> None:
    """Let as much time go by for what waits."""
    back = utcnow() - dt.timedelta(seconds=seconds)
    await engine.run_writing(
        lambda: engine.raw("UPDATE webhook_delivery SET run_after = $1 WHERE state = 'waiting'", back)
    )


async def test_what_happens_is_told_signed_and_without_names(cast, receiver):
    _, secret = await hook_for(cast, receiver)
    request = await a_request(cast)

    await happens(request, "offered")
    assert await deliver() == 1

    [(headers, body)] = receiver.got
    told = json.loads(body)
    assert (told["type"], told["data"]["external_ref"], told["data"]["period"]) == ("approval.offered", "OB-1", "k1")
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body.decode()}".encode()
    mac = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(mac).decode()
    jsonschema.validate(told["data"], API["components"]["schemas"]["Told"])
    assert "Jansen" not in body.decode() and "Rik" not in body.decode()
    [row] = await WebhookDelivery.objects()
    assert (row.state, row.status, row.attempts) == ("delivered", 200, 1)
    assert await deliver() == 0


async def test_for_a_day_a_message_is_signed_under_the_former_secret_as_well(cast, receiver):
    hook, former = await hook_for(cast, receiver)
    await happens(await a_request(cast), "offered")
    fresh = await engine.run_writing(lambda: renew_secret(hook, by=cast.anna))
    await deliver()
    await engine.raw("UPDATE webhook SET former_until = $1", utcnow() - dt.timedelta(seconds=1))
    await happens(await a_request(cast), "offered")
    await deliver()

    (both, first), (one, second) = receiver.got

    def signed(secret: str, headers: dict[str, str], body: bytes) -> str:
        return delivering.signature(secret, headers["webhook-id"], int(headers["webhook-timestamp"]), body.decode())

    assert both["webhook-signature"] == f"{signed(fresh, both, first)} {signed(former, both, first)}"
    assert one["webhook-signature"] == signed(fresh, one, second)
    assert "sleutel" not in first.decode() and API["webhooks"]["test"]


async def test_only_the_events_that_were_chosen(cast, receiver):
    await hook_for(cast, receiver, "approved", "rejected")
    request = await a_request(cast)

    await happens(request, "offered")
    await happens(request, "approved")
    await deliver()

    assert [json.loads(body)["type"] for _, body in receiver.got] == ["approval.approved"]


async def test_a_refusal_is_tried_again_under_the_same_id_until_it_is_taken(cast, receiver):
    await hook_for(cast, receiver)
    receiver.answers = [500, 302]
    await happens(await a_request(cast), "approved")

    await deliver()
    assert await deliver() == 0
    await later(1)
    await deliver()
    await later(1)
    await deliver()

    assert len(receiver.got) == 3
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    [row] = await WebhookDelivery.objects()
    assert (row.state, row.attempts) == ("delivered", 3)
    [hook] = await Webhook.objects()
    assert hook.failing_since is None


async def test_after_the_last_try_it_is_given_up_and_can_be_sent_again(cast, receiver):
    await hook_for(cast, receiver)
    receiver.answers = [503] * (len(delivering.PAUSES) + 1)
    await happens(await a_request(cast), "approved")

    for _ in range(len(delivering.PAUSES) + 1):
        await later(1)
        await deliver()
    [row] = await WebhookDelivery.objects()
    assert (row.state, row.status, row.said) == ("given_up", 503, "dank")

    await engine.run_writing(lambda: send_again(row, by=cast.anna))
    await deliver()
    assert (await WebhookDelivery.objects().first()).state == "delivered"


async def test_a_webhook_that_only_fails_is_stopped_and_the_administrators_hear_of_it(cast, receiver):
    hook, _ = await hook_for(cast, receiver)
    receiver.answers = [500, 500]
    await happens(await a_request(cast), "approved")
    await deliver()
    long_ago = utcnow() - dt.timedelta(days=6)
    await engine.run_writing(lambda: engine.raw("UPDATE webhook SET failing_since = $1", long_ago))

    await later(1)
    await deliver()

    assert (await Webhook.objects().first()).state == "failed"
    mails = await Errand.objects().where(Errand.kind == "account_notice")
    assert [json.loads(mail.detail)["what"] for mail in mails] == ["webhook"]
    await later(1)
    assert await deliver() == 0

    await engine.run_writing(lambda: switch_webhook(hook, True, by=cast.anna))
    assert await deliver() == 1


async def test_what_a_killed_worker_held_comes_back(cast, receiver):
    await hook_for(cast, receiver)
    await happens(await a_request(cast), "approved")
    now = utcnow()
    [held] = await delivering.claim(now)

    assert await deliver() == 0
    assert await delivering.claim(now + delivering.CLAIM + dt.timedelta(seconds=1))

    assert held["attempts"] == 1


async def test_two_workers_never_take_the_same(cast, receiver):
    await hook_for(cast, receiver)
    request = await a_request(cast)
    for _ in range(12):
        await happens(request, "opened")
    now = utcnow()

    taken = await asyncio.gather(*(delivering.claim(now) for _ in range(4)))

    ids = [row["id"] for rows in taken for row in rows]
    assert len(ids) == len(set(ids)) > 0


async def test_a_slow_one_does_not_hold_up_another(cast, receiver):
    await hook_for(cast, receiver)
    with receiving() as other:
        await hook_for(cast, other)
        request = await a_request(cast)
        for _ in range(20):
            await happens(request, "opened")

        rows = await delivering.claim(utcnow())

    assert {row["address"] for row in rows} == {receiver.url, other.url}


async def test_who_answers_byte_by_byte_holds_up_nobody(cast, receiver, monkeypatch):
    monkeypatch.setattr(delivering, "_SECONDS", 1.0)
    with dripping(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x", 0.2) as address:
        slow, _ = await hook_to(cast, address)
        await hook_for(cast, receiver)
        request = await a_request(cast)
        working = asyncio.create_task(deliver_webhooks())
        try:
            for n in range(1, 7):
                await happens(request, "opened")
                async with asyncio.timeout(8):
                    while len(receiver.got) < n:
                        await asyncio.sleep(0.02)
            async with asyncio.timeout(8):
                while not (
                    rows := await WebhookDelivery.objects().where(
                        (WebhookDelivery.webhook == slow.id)
                        & (WebhookDelivery.status.is_null())
                        & (WebhookDelivery.said != "")
                    )
                ):
                    await asyncio.sleep(0.02)
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)

    assert (rows[0].state, rows[0].said) == ("waiting", "TimeoutError")
    assert rows[0].took_ms < 4000 and len(receiver.got) == 6


async def test_what_was_taken_counts_however_slowly_the_rest_of_the_answer_comes(cast, receiver, monkeypatch):
    monkeypatch.setattr(delivering, "_SECONDS", 1.0)
    with dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"ja ", 0.1) as address:
        await hook_to(cast, address)
        await happens(await a_request(cast), "approved")
        await deliver()

    [row] = await WebhookDelivery.objects()
    assert (row.state, row.status, row.said[:3]) == ("delivered", 200, "ja ")


async def test_of_a_large_or_packed_answer_no_more_than_the_beginning_is_read(cast, receiver):
    packed = gzip.compress(bytes(20_000_000), 9)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    with (
        dripping(head, packed, 60) as bomb,
        dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n", b"nee" * 9000, 0) as endless,
    ):
        await hook_to(cast, bomb)
        await hook_to(cast, endless)
        await happens(await a_request(cast), "approved")
        tracemalloc.start()
        await deliver()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    rows = await WebhookDelivery.objects().order_by(WebhookDelivery.webhook)
    assert [(row.state, row.said[:6]) for row in rows] == [("delivered", ""), ("delivered", "neenee")]
    assert peak < 10_000_000


async def test_no_more_than_four_of_one_webhook_are_under_way(cast, receiver):
    await hook_for(cast, receiver)
    request = await a_request(cast)
    for _ in range(7):
        await happens(request, "opened")
    now = utcnow()

    assert [len(await delivering.claim(now)) for _ in range(2)] == [4, 0]
    assert len(await delivering.claim(now + delivering.CLAIM + dt.timedelta(seconds=1))) == 4


async def test_a_secret_that_no_key_opens_stops_its_webhook_and_says_so(cast, receiver):
    hook, _ = await hook_for(cast, receiver)
    with receiving() as other:
        await hook_for(cast, other)
        await engine.run_writing(
            lambda: engine.raw("UPDATE webhook SET sealed_secret = 'onleesbaar' WHERE id = $1", hook.id)
        )
        await happens(await a_request(cast), "approved")
        await deliver()
        assert len(other.got) == 1

    row = await WebhookDelivery.objects().where(WebhookDelivery.webhook == hook.id).first()
    assert (row.state, row.attempts, row.said) == ("waiting", 1, delivering.UNREADABLE)
    assert (await Webhook.objects().get(Webhook.id == hook.id)).state == "failed"
    assert await Errand.count().where(Errand.kind == "account_notice") == 1

    stopped = await Webhook.objects().get(Webhook.id == hook.id)
    await engine.run_writing(lambda: renew_secret(stopped, by=cast.anna))
    await engine.run_writing(lambda: switch_webhook(stopped, True, by=cast.anna))
    await deliver()
    assert len(receiver.got) == 1


async def test_an_address_within_this_network_is_not_asked(cast, receiver, monkeypatch):
    await hook_for(cast, receiver)
    await happens(await a_request(cast), "approved")
    monkeypatch.setenv("ALLOW_PRIVATE_FEEDS", "0")
    config.reset()

    await deliver()

    assert receiver.got == []
    [row] = await WebhookDelivery.objects()
    assert row.state == "waiting" and "netwerk" in row.said
    with pytest.raises(Refused):
        await hook_for(cast, receiver)


async def test_a_proof_message_is_tried_once_also_when_it_is_off(cast, receiver):
    hook, _ = await hook_for(cast, receiver)
    await engine.run_writing(lambda: switch_webhook(hook, False, by=cast.anna))
    await happens(await a_request(cast), "approved")
    receiver.answers = [500]

    await engine.run_writing(lambda: try_webhook(hook, by=cast.anna))
    await deliver()

    assert [json.loads(body)["type"] for _, body in receiver.got] == ["test"]
    [row] = await WebhookDelivery.objects()
    assert row.state == "given_up"
