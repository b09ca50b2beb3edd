"""The tables of connecting with other software: tokens, what was answered under which key, webhooks and their deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from piccolo.columns import BigInt, Boolean, Date, ForeignKey, Integer, OnDelete, Text, Timestamptz, Varchar
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from models.accounts import User
from models.clients import Client, ClientGroup
from models.core import Owned, Say
from models.personal import NUMBER_ONLY, Erase, Export
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer


def _for_settings(column: Any, viewer: Viewer) -> Any:
    return column > 0 if viewer.may(Permission.MANAGE_SETTINGS) else column < 0


class ApiToken(Owned, Table, tablename="api_token"):
    """Lets other software in, as the colleague who made it and no further than its scopes. Only its digest is kept."""

    name = Varchar(length=120)
    digest = Varchar(length=64)
    scopes = Varchar(length=80, help_text="place, read; by commas")
    is_limited = Boolean(default=False, help_text="to the clients of TokenReach, also when none of those is left")
    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade, index=True, help_text="as whom it acts")
    made_at = Timestamptz()
    expires_on = Date(null=True, default=None, help_text="The last day.")
    used_at = Timestamptz(null=True, default=None, help_text="to the minute")
    used_from = Varchar(length=45, default="")
    ended_at = Timestamptz(null=True, default=None)

    api_token_digest_unique = Unique([digest])

    EXPORTS = Export(Say("API-tokens"), by=("person",), hidden=("digest",))
    ERASES = Erase(ground=NUMBER_ONLY)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return _for_settings(cls.id, viewer)


class TokenReach(Owned, Table, tablename="api_token_reach"):
    """A group of clients, or one client, to which a token is limited."""

    token = ForeignKey(ApiToken, null=False, on_delete=OnDelete.cascade, index=True)
    client_group = ForeignKey(ClientGroup, null=True, default=None, on_delete=OnDelete.cascade)
    client = ForeignKey(Client, null=True, default=None, on_delete=OnDelete.cascade, index=True)

    api_token_reach_one = Check("(client_group IS NULL) <> (client IS NULL)")

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return _for_settings(cls.id, viewer)


class ApiAnswer(Owned, Table, tablename="api_answer"):
    """What was answered to a call with an Idempotency-Key: the same key gets it again, for a day."""

    token = ForeignKey(ApiToken, null=False, on_delete=OnDelete.cascade)
    key = Varchar(length=200)
    body_hash = Varchar(length=64)
    status = Integer()
    answer = Text(help_text="JSON")
    at = Timestamptz(index=True)

    api_answer_once = Unique([token, key])

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id < 0


class Webhook(Owned, Table, tablename="webhook"):
    """An address that is told of what happens to approvals."""

    name = Varchar(length=120)
    address = Varchar(length=500)
    sealed_secret = Text(help_text="encrypted; shown once")
    former_secret = Text(default="", help_text="the one before, encrypted: signs as well until `former_until`")
    former_until = Timestamptz(null=True, default=None)
    events = Varchar(length=300, default="", help_text="by commas; '' is all")
    state = Varchar(length=6, default="active")
    made_at = Timestamptz()
    failing_since = Timestamptz(null=True, default=None, help_text="since the first failure after the last success")
    stopped_at = Timestamptz(null=True, default=None)

    webhook_state_known = Check("state IN ('active', 'off', 'failed', 'ended')")

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return _for_settings(cls.id, viewer)


class WebhookDelivery(Owned, Table, tablename="webhook_delivery"):
    """One event on its way to one webhook: waiting > delivered, or given_up after the last try; the log of all tries."""

    webhook = ForeignKey(Webhook, null=False, on_delete=OnDelete.cascade)
    client = ForeignKey(Client, null=True, default=None, on_delete=OnDelete.cascade, index=True)
    message = Varchar(length=40, help_text="Webhook-Id: by which the receiver knows a double")
    event = Varchar(length=30)
    body = Text(help_text="JSON, as it is signed and sent")
    state = Varchar(length=9, default="waiting")
    attempts = Integer(default=0)
    run_after = Timestamptz()
    claimed_until = Timestamptz(null=True, default=None)
    status = Integer(null=True, default=None, help_text="of the last answer")
    took_ms = BigInt(null=True, default=None)
    said = Varchar(length=500, default="", help_text="the beginning of the last answer, or what went wrong")
    made_at = Timestamptz(index=True)
    tried_at = Timestamptz(null=True, default=None)

    webhook_delivery_once = Unique([webhook, message])
    webhook_delivery_state_known = Check("state IN ('waiting', 'delivered', 'given_up', 'dropped')")

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return _for_settings(cls.id, viewer)
