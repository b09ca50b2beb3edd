"""Beheer > Instellingen > Koppelingen: tokens for other software, webhooks, and the log of what they were told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from starlette.requests import Request
from wtforms.widgets import CheckboxInput, ListWidget

from models import connecting as connections
from models.approvals.events import EVENTS
from models.clients import ClientGroup
from models.connecting import SCOPES, ApiToken, Webhook, WebhookDelivery
from models.core import Missing, Refused, Say
from models.viewer import Viewer
from web.client_details import DateText
from web.forms import Form, SelectField, SelectMultipleField, Text, an_id
from web.proof import asks_proof
from web.replies import Reply, Toast, go, invalid, show
from web.routing import Access, Routes
from web.settings import about, allow

connecting = Routes("connecting", Access.STAFF)

WORDS: dict[str, Say] = {
    "offered": Say("Aangeboden"),
    "opened": Say("Geopend door een accordeur"),
    "partly_approved": Say("Gedeeltelijk akkoord"),
    "approved": Say("Akkoord"),
    "rejected": Say("Niet akkoord"),
    "withdrawn": Say("Ingetrokken"),
    "replaced": Say("Vervangen"),
    "expired": Say("Verlopen"),
    "on_paper": Say("Op papier akkoord"),
    "filed": Say("Opgeborgen in het dossier"),
    "test": Say("Proefbericht"),
}


class TokenForm(Form):
    name = Text(most=120, asked=True)
    scopes = SelectMultipleField(choices=list(SCOPES), validate_choice=False)
    expires_on = DateText()
    reach = SelectField(
        [("all", Say("Alle cliënten die u ziet")), ("some", Say("Alleen de groepen en cliënten hieronder"))],
        default="all",
    )
    groups = SelectMultipleField(
        coerce=an_id, validate_choice=False, choices=[], widget=ListWidget(), option_widget=CheckboxInput()
    )
    clients = Text(most=6000)


class WebhookForm(Form):
    name = Text(most=120, asked=True)
    address = Text(most=500, asked=True)
    events = SelectMultipleField(choices=list(EVENTS), validate_choice=False)


@connecting.get("/settings/connecting")
async def page(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    return show("connecting/page.html", **await _page())


async def _page(**more: Any) -> dict[str, Any]:
    return about(
        "connecting", tokens=await connections.all_tokens(), webhooks=await connections.all_webhooks(), scopes=SCOPES, events=WORDS, **more
    )  # fmt: skip


@connecting.get("/settings/connecting/tokens/new")
async def new_token(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    return show("connecting/token.html", **await _token_form(viewer, TokenForm.blank(reach="all")))


async def _token_form(viewer: Viewer, form: TokenForm, one: ApiToken | None = None) -> dict[str, Any]:
    """`one` is the token that changes; `unseen` how many of its limits are not shown to this colleague."""
    rows = await viewer.groups.select(ClientGroup.id, ClientGroup.name, order=(ClientGroup.name_key,))
    form.groups.choices = [(row["id"], row["name"]) for row in rows]
    reach = await connections.reach_of(one, viewer) if one else None
    maker = await connections.maker_of(one) if one else viewer.user.full_name
    return about("connecting", form=form, scopes=SCOPES, one=one, who=maker, unseen=len(reach.unseen) if reach else 0)


def _token_rules(viewer: Viewer, form: TokenForm, one: ApiToken | None = None) -> Callable[[], Awaitable[object]]:
    """What is said of a day that could not be read, is said by its field."""
    typed = form.data | {"groups": form.groups.data or ()}
    if form.expires_on.errors:
        typed["expires_on"] = one.expires_on if one else None
    return partial(connections.checked_token, **typed, by=viewer, token=one)


@connecting.post("/settings/connecting/tokens/new")
async def make_token(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    if asked := await asks_proof(request, viewer):
        return asked
    form = await TokenForm.read(request)
    made: list[str] = []

    async def making(**typed: Any) -> None:
        made.append((await connections.make_token(viewer.scope(ApiToken), by=viewer, **typed))[1])

    if await form.submit(making, rules=_token_rules(viewer, form)):
        # Said on the page that answers the POST: an address or a cookie would keep it.
        return show("connecting/secret.html", **about("connecting", secret=made[0], kind="token", name=form.name.data))
    return invalid("connecting/token.html", **await _token_form(viewer, form))


@connecting.get("/settings/connecting/tokens/{api_token_id:int}")
async def token(request: Request, viewer: Viewer, api_token_id: int) -> Reply:
    one = await viewer.scope(ApiToken).get(api_token_id)
    reach = await connections.reach_of(one, viewer)
    form = TokenForm.blank(
        name=one.name, scopes=one.scopes.split(","), expires_on=one.expires_on, reach="some" if one.is_limited else "all",
        groups=list(reach.groups), clients=", ".join(reach.numbers),
    )  # fmt: skip
    return show("connecting/token.html", **await _token_form(viewer, form, one))


@connecting.post("/settings/connecting/tokens/{api_token_id:int}")
async def change_token(request: Request, viewer: Viewer, api_token_id: int) -> Reply:
    """The secret is not shown again: it stays as it was."""
    one = await viewer.scope(ApiToken).get(api_token_id)
    if asked := await asks_proof(request, viewer):
        return asked
    form = await TokenForm.read(request)

    async def changing(**typed: Any) -> None:
        await connections.change_token(one, by=viewer, **typed)

    if await form.submit(changing, rules=_token_rules(viewer, form, one)):
        return go(page.url(), toast=Say("Token “{name}” is gewijzigd; dat geldt vanaf de volgende aanroep.", name=form.name.data))  # fmt: skip
    return invalid("connecting/token.html", **await _token_form(viewer, form, one))


@connecting.post("/settings/connecting/tokens/{api_token_id:int}/end")
async def end_token(request: Request, viewer: Viewer, api_token_id: int) -> Reply:
    token = await viewer.scope(ApiToken).get(api_token_id)
    await connections.end_token(token, by=viewer)
    return go(page.url(), toast=Say("Token “{name}” is beëindigd: het laat niemand meer binnen.", name=token.name))


@connecting.get("/settings/connecting/webhooks/new")
async def new_webhook(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    return show("connecting/webhook_form.html", **_form(WebhookForm.blank()))


def _form(form: WebhookForm, one: Webhook | None = None) -> dict[str, Any]:
    return about("connecting", form=form, one=one, events={key: WORDS[key] for key in EVENTS})


async def _reached(request: Request, form: Any) -> Refused | None:
    return await connections.unreachable(str(form.get("address", ""))[:500])


@connecting.post("/settings/connecting/webhooks/new", before=_reached)
async def add_webhook(request: Request, viewer: Viewer, prepared: Refused | None = None) -> Reply:
    allow(viewer)
    if asked := await asks_proof(request, viewer):
        return asked
    form = await _webhook_form(request, prepared)
    made: list[str] = []

    async def adding(**typed: Any) -> None:
        made.append((await connections.add_webhook(viewer.scope(Webhook), by=viewer, **typed))[1])

    if await form.submit(adding, rules=_rules(form)):
        return show(
            "connecting/secret.html", **about("connecting", secret=made[0], kind="webhook", name=form.name.data)
        )
    return invalid("connecting/webhook_form.html", **_form(form))


def _rules(form: WebhookForm) -> Callable[[], Awaitable[object]]:
    async def rules() -> None:
        connections.checked_webhook(**form.data)

    return rules


@connecting.get("/settings/connecting/webhooks/{webhook_id:int}")
async def webhook(request: Request, viewer: Viewer, webhook_id: int) -> Reply:
    one = await viewer.scope(Webhook).get(webhook_id)
    asked = request.query_params.get("page", "1")
    number = max(1, int(asked)) if asked.isascii() and asked.isdecimal() and len(asked) < 7 else 1
    rows = await connections.deliveries(one.id, number, 51)
    return show(
        "connecting/webhook.html",
        **about(
            "connecting", one=one, rows=rows[:50], number=number, more=len(rows) > 50, events=WORDS,
            form=WebhookForm.blank(name=one.name, address=one.address, events=one.events.split(",") if one.events else list(EVENTS)),
        ),
    )  # fmt: skip


async def _webhook_form(request: Request, refused: Refused | None) -> WebhookForm:
    form = await WebhookForm.read(request)
    if refused:
        form.refuse(refused)
    return form


@connecting.post("/settings/connecting/webhooks/{webhook_id:int}", before=_reached)
async def change_webhook(request: Request, viewer: Viewer, webhook_id: int, prepared: Refused | None = None) -> Reply:
    one = await viewer.scope(Webhook).get(webhook_id)
    form = await _webhook_form(request, prepared)
    # Another address is another reader of all that follows.
    if form.address.data != one.address and (asked := await asks_proof(request, viewer)):
        return asked

    async def changing(**typed: Any) -> None:
        await connections.change_webhook(one, by=viewer, **typed)

    if await form.submit(changing, rules=_rules(form)):
        return go(webhook.url(webhook_id=one.id), toast=Say("De webhook is bewaard."))
    return invalid("connecting/webhook_form.html", **_form(form, one))


@connecting.post("/settings/connecting/webhooks/{webhook_id:int}/{verb}")
async def act(request: Request, viewer: Viewer, webhook_id: int, verb: str) -> Reply:
    """Test, on, off, end, or a new secret."""
    one = await viewer.scope(Webhook).get(webhook_id)
    back = webhook.url(webhook_id=one.id)
    try:
        match verb:
            case "test":
                await connections.try_webhook(one, by=viewer)
                return go(back, toast=Say("Het proefbericht is onderweg. Het antwoord staat hieronder."))
            case "on" | "off":
                await connections.switch_webhook(one, verb == "on", by=viewer)
                words = Say("De webhook staat aan.") if verb == "on" else Say("De webhook staat uit.")
                return go(back, toast=words)
            case "end":
                await connections.end_webhook(one, by=viewer)
                return go(page.url(), toast=Say("Webhook “{name}” is beëindigd.", name=one.name))
            case "secret":
                if asked := await asks_proof(request, viewer, back):
                    return asked
                secret = await connections.renew_secret(one, by=viewer)
                return show(
                    "connecting/secret.html", **about("connecting", secret=secret, kind="webhook", name=one.name)
                )
    except Refused as refused:
        return go(back, toast=Toast(refused.why, "attention"))
    raise Missing(verb)


@connecting.post("/settings/connecting/deliveries/{delivery_id:int}/again")
async def send_again(request: Request, viewer: Viewer, delivery_id: int) -> Reply:
    one = await viewer.scope(WebhookDelivery).get(delivery_id)
    back = webhook.url(webhook_id=one.webhook)
    try:
        await connections.send_again(one, by=viewer)
    except Refused as refused:
        return go(back, toast=Toast(refused.why, "attention"))
    return go(back, toast=Say("Het bericht gaat opnieuw."))
