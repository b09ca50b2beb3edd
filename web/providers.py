"""Signing in with Microsoft or Google: going there, coming back, and the settings of it."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from models import config, engine, providers
from models.core import Missing, Refused, Say
from models.providers import FIELDS, KINDS, IdentityProvider, Unanswered
from models.viewer import Viewer
from web.addresses import local_path
from web.forms import BooleanField, Form, SelectField, Text
from web.replies import Reply, Toast, go, invalid, show
from web.routing import Access, Routes
from web.sessions import SignIn, enter, let_in, sign_in_form, target_of
from web.settings import about, allow

sign_in = Routes("providers", Access.PUBLIC)
settings = Routes("settings", Access.STAFF)


def _cookie() -> str:
    return "__Host-with" if config.settings().is_secure else "with"


async def _going(request: Request) -> tuple[str, str] | Say:
    """Outside every unit: the provider is asked where people sign in."""
    async with engine.reading():
        provider = await providers.provider_of(request.path_params["provider_id"])
    if provider is None:
        raise Missing("IdentityProvider")
    try:
        return await providers.begin(provider, local_path(request.query_params.get("next", "")))
    except Unanswered:
        return Say(providers.NOT_THERE.text, name=provider.name)


@sign_in.arrival("/sign-in/with/{provider_id:int}", before=_going)
async def leave(request: Request, viewer: Viewer, provider_id: int, prepared: tuple[str, str] | Say) -> Reply:
    """To the provider, with what only this browser keeps."""
    if isinstance(prepared, Say):
        return await sign_in_form(request, SignIn.blank(), prepared)
    url, kept = prepared
    _keep(request, kept)
    return go(url)


async def _coming(request: Request) -> tuple[IdentityProvider, dict[str, Any], str] | Say:
    """Outside every unit: the code is handed in for a token, and the token looked at."""
    asked = request.query_params
    attempt = providers.attempt_of(request.cookies.get(_cookie(), ""), asked.get("state", ""))
    if attempt is None or not asked.get("code"):
        return providers.NOT_RIGHT
    async with engine.reading():
        provider = await providers.provider_of(attempt["provider"])
    if provider is None:
        return providers.NOT_RIGHT
    try:
        return provider, await providers.finish(provider, attempt, asked["code"][:4000]), attempt["next"]
    except Unanswered:
        return Say(providers.NOT_THERE.text, name=provider.name)
    except Refused as refused:
        return refused.why


@sign_in.arrival("/sign-in/with/callback", before=_coming)
async def callback(
    request: Request, viewer: Viewer, prepared: tuple[IdentityProvider, dict[str, Any], str] | Say
) -> Reply:
    """Back from the provider. The attempt is used up, whatever becomes of it."""
    _keep(request, "")
    if isinstance(prepared, Say):
        return await sign_in_form(request, SignIn.blank(), prepared)
    provider, claims, next_url = prepared
    try:
        person = await providers.colleague_of(provider, claims)
    except Refused as refused:
        return await sign_in_form(request, SignIn.blank(), refused.why)
    request.scope["poort.next"] = next_url
    if providers.spares_factor(provider, claims):
        await enter(request, person, "oidc", "")
        return go(target_of(request, person))
    return await let_in(request, person, how="oidc")


def _keep(request: Request, value: str) -> None:
    request.scope.setdefault("poort.cookies", []).append((_cookie(), value, 1))


# settings


class Provider(Form):
    kind = SelectField(list(KINDS.items()))
    name = Text(most=60, asked=True)
    issuer = Text(most=300)
    tenant = Text(most=36)
    client_id = Text(most=200, asked=True)
    client_secret = Text(most=400)
    domains = Text(most=400)
    trusts_mfa = BooleanField()
    is_enabled = BooleanField()


@settings.get("/settings/providers")
async def list_providers(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    rows = await viewer.scope(IdentityProvider).all(IdentityProvider.name)
    return show("settings/providers.html", **about("providers", rows=rows, kinds=KINDS))


@settings.get("/settings/providers/new")
async def new_provider(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    return show("settings/provider.html", **_provider(Provider.blank(name="Microsoft", kind="microsoft"), None))


@settings.post("/settings/providers/new")
async def add_provider(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    form = await Provider.read(request)

    async def adding(**typed: Any) -> None:
        await providers.add_provider(viewer.scope(IdentityProvider), by=viewer, **typed)

    if await form.submit(adding):
        return go(list_providers.url(), toast=Say("Aanbieder “{name}” toegevoegd.", name=form.name.data))
    return invalid("settings/provider.html", **_provider(form, None))


@settings.get("/settings/providers/{provider_id:int}")
async def provider(request: Request, viewer: Viewer, provider_id: int) -> Reply:
    allow(viewer)
    one = await viewer.scope(IdentityProvider).get(provider_id)
    form = Provider.blank(**{name: getattr(one, name) for name in FIELDS if name != "client_secret"})
    return show("settings/provider.html", **_provider(form, one))


@settings.post("/settings/providers/{provider_id:int}")
async def change_provider(request: Request, viewer: Viewer, provider_id: int) -> Reply:
    allow(viewer)
    one = await viewer.scope(IdentityProvider).get(provider_id)
    form = await Provider.read(request)
    if await form.submit(one.change, by=viewer):
        return go(provider.url(provider_id=provider_id), toast=Say("De aanbieder is bewaard."))
    return invalid("settings/provider.html", **_provider(form, one))


@settings.post("/settings/providers/{provider_id:int}/removal")
async def remove_provider(request: Request, viewer: Viewer, provider_id: int) -> Reply:
    one = await viewer.scope(IdentityProvider).get(provider_id)
    await one.remove(by=viewer)
    return go(list_providers.url(), toast=Say("Aanbieder “{name}” is verwijderd.", name=one.name))


async def _try(request: Request, form: Any) -> Say | None:
    """Outside every unit: whether the provider publishes what is needed. What is wrong, or None."""
    async with engine.reading():
        one = await providers.provider_of(request.path_params["provider_id"], also_off=True)
    if one is None:
        return None
    try:
        await providers.published(one.issuer, fresh=True)
    except Unanswered as error:
        return Say("De aanbieder antwoordt niet zoals het hoort ({what}). Controleer het adres.", what=str(error)[:100])
    return None


@settings.post("/settings/providers/{provider_id:int}/test", before=_try)
async def test_provider(request: Request, viewer: Viewer, provider_id: int, prepared: Say | None) -> Reply:
    await viewer.scope(IdentityProvider).get(provider_id)
    toast = Toast(prepared, "danger") if prepared else Say("De aanbieder antwoordt zoals het hoort.")
    return go(provider.url(provider_id=provider_id), toast=toast)


def _provider(form: Provider, one: IdentityProvider | None) -> dict[str, Any]:
    return about("providers", form=form, one=one, redirect=providers.redirect_address())
