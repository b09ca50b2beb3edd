"""Connecting: tokens and calls of other software, and signed webhooks that tell it what happens to approvals."""

from models.connecting.records import ApiAnswer, ApiToken, TokenReach, Webhook, WebhookDelivery
from models.connecting.tokens import SCOPES, TokenViewer, all_tokens, end_token, make_token, note_used, viewer_of_token
from models.connecting.webhooks import (
    add_webhook,
    all_webhooks,
    change_webhook,
    checked_webhook,
    deliveries,
    end_webhook,
    renew_secret,
    send_again,
    switch_webhook,
    try_webhook,
    unreachable,
)

__all__ = [
    "SCOPES",
    "ApiAnswer",
    "ApiToken",
    "TokenReach",
    "TokenViewer",
    "Webhook",
    "WebhookDelivery",
    "add_webhook",
    "all_tokens",
    "all_webhooks",
    "change_webhook",
    "checked_webhook",
    "deliveries",
    "end_token",
    "end_webhook",
    "make_token",
    "note_used",
    "renew_secret",
    "send_again",
    "switch_webhook",
    "try_webhook",
    "unreachable",
    "viewer_of_token",
]
