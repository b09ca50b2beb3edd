"""Beheer > Instellingen: the office's own choices."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from models.core import Missing, Say
from models.settings import BUILT, MODULES, Firm
from models.viewer import Viewer
from web.forms import Form, SelectField, SelectMultipleField, Text
from web.replies import Reply, Toast, go, invalid, show
from web.routing import Access, Routes

settings = Routes("settings", Access.STAFF)

MODULE_NAMES = dict(
    zip(
        MODULES,
        (
            Say("Dossier Online"), Say("Accordering Online"), Say("Personeel Online"), Say("Actueel Online"),
            Say("Single SignOn"), Say("Content Online"),
        ),
        strict=True,
    )
)  # fmt: skip


class General(Form):
    name = Text(most=120, required=True)
    place = Text(most=120)
    language = SelectField([("nl", Say("Nederlands")), ("en", Say("Engels"))])
    brand = Text(most=20, required=True)
    invitation_days = Text(most=9, required=True)
    digest_hour = Text(most=9, required=True)
    undo_seconds = Text(most=9, required=True)


class Modules(Form):
    names = SelectMultipleField(validate_choice=False)


class WithoutLogin(Form):
    on = SelectField([("1", Say("Aan")), ("", Say("Uit"))])


@settings.get("/settings")
async def page(request: Request, viewer: Viewer) -> Reply:
    _allow(viewer)
    firm = await Firm.load()
    return show("settings/general.html", title=Say("Instellingen"), section="settings", **_general(firm))


@settings.post("/settings")
async def change(request: Request, viewer: Viewer) -> Reply:
    firm, form = await Firm.load(), await General.read(request)
    if await form.submit(firm.change, by=viewer):
        saved: Say | Toast = Say("De instellingen zijn bewaard.")
        if firm.is_brand_adjusted:
            words = Say("Bewaard. Uw kleur is te licht om als tekst te lezen; daar staat een donkerder tint.")
            saved = Toast(words, "attention")
        return go(page.url(), toast=saved)
    return invalid(
        "settings/general.html", title=Say("Instellingen"), section="settings", **{**_general(firm), "form": form}
    )


@settings.post("/settings/modules")
async def use_modules(request: Request, viewer: Viewer) -> Reply:
    firm, form = await Firm.load(), await Modules.read(request)
    if await form.submit(firm.use_modules, by=viewer):
        return go(page.url(), toast=Say("Bewaard welke modules u gebruikt."))
    context = {**_general(firm), "module_form": form, "used": form.names.data or []}
    return invalid("settings/general.html", title=Say("Instellingen"), section="settings", **context)


@settings.get("/settings/users-without-login")
async def without_login(request: Request, viewer: Viewer) -> Reply:
    _allow(viewer)
    on = (await Firm.load()).users_without_login
    return show("settings/without_login.html", **_without_login(on, WithoutLogin.blank(on="1" if on else "")))


@settings.post("/settings/users-without-login")
async def set_without_login(request: Request, viewer: Viewer) -> Reply:
    firm, form = await Firm.load(), await WithoutLogin.read(request)

    async def changing(on: str) -> None:
        await firm.set_users_without_login(on == "1", by=viewer)

    if not await form.submit(changing):
        return invalid("settings/without_login.html", **_without_login(firm.users_without_login, form))
    words = (
        Say("Aan: nieuwe gebruikers worden klaargezet.")
        if form.on.data == "1"
        else Say("Uit: nieuwe gebruikers worden meteen uitgenodigd.")
    )
    return go(without_login.url(), toast=words)


def _without_login(on: bool, form: WithoutLogin) -> dict[str, Any]:
    title = Say("Gebruikers zonder inloggegevens")
    return {"title": title, "section": "settings", "tab": "without_login", "on": on, "form": form}


def _general(firm: Firm) -> dict[str, Any]:
    values = {name: getattr(firm, name) for name in General.blank().data}
    return {
        "form": General.blank(**values),
        "tab": "general",
        "modules": list(MODULE_NAMES.items()),
        "used": firm.module_names,
        "office": firm,
        "built": BUILT,
        "module_form": Modules.blank(),
    }


def _allow(viewer: Viewer) -> None:
    if not viewer.may("manage_settings"):
        raise Missing("settings")
