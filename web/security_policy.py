"""Beheer > Instellingen > Beveiliging: what the office asks of everybody who signs in."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from models import security_policy
from models.core import Missing, Say
from models.settings import Firm
from models.viewer import Viewer
from web.forms import Form, SelectField, SelectMultipleField, Text
from web.proof import asks_proof
from web.replies import Reply, go, invalid, show
from web.routing import Access, Routes
from web.settings import about

settings = Routes("settings", Access.STAFF)


class Security(Form):
    second_factor = SelectField([("nobody", Say("Niemand")), ("staff", Say("Medewerkers")), ("all", Say("Iedereen"))])
    factor_kinds = SelectMultipleField(validate_choice=False)
    email_link = SelectField([("nobody", Say("Niemand")), ("clients", Say("Cliënten")), ("all", Say("Iedereen"))])
    trusted_days = Text(most=9, asked=True)
    session_idle_hours = Text(most=9, asked=True)
    session_days = Text(most=9, asked=True)
    password_length = Text(most=9, asked=True)
    lost_factor_hours = Text(most=9, asked=True)


@settings.get("/settings/security")
async def security(request: Request, viewer: Viewer) -> Reply:
    if not viewer.may("manage_settings"):
        raise Missing("settings")
    firm = await Firm.load()
    values = {name: getattr(firm, name) for name in Security.blank().data}
    return await _page(Security.blank(**{**values, "factor_kinds": firm.factor_kinds.split(",")}), show)


async def _page(form: Security, make: Any) -> Reply:
    reply: Reply = make(
        "settings/security.html",
        **about("security"),
        form=form,
        counted=await security_policy.counted(),
    )
    return reply


@settings.post("/settings/security")
async def set_security(request: Request, viewer: Viewer) -> Reply:
    if not viewer.may("manage_settings"):
        raise Missing("settings")
    if asked := await asks_proof(request, viewer):
        return asked
    firm, form = await Firm.load(), await Security.read(request)
    if await form.submit(firm.change, by=viewer):
        return go(security.url(), toast=Say("De beveiliging is bewaard."))
    return await _page(form, invalid)
