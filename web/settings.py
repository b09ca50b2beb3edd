"""Beheer > Instellingen: the office's own choices."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from models.core import Missing, Say
from models.settings import BUILT, MODULES, Firm, clients_by_module
from models.viewer import Viewer
from web.forms import Form, SelectField, SelectMultipleField, Text
from web.places import found_settings
from web.replies import Reply, go, invalid, show
from web.routing import Access, Routes
from web.settings_index import TABS

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


WHAT_MODULES_DO = {
    "dossiers": Say("Stukken klaarzetten voor cliënten en door hen laten aanleveren."),
    "approvals": Say("Aangiften en jaarrekeningen laten goedkeuren."),
    "payroll": Say("Personeel en salaris: mutaties doorgeven."),
    "news": Say("Nieuws en berichten voor cliënten."),
    "sso": Say("Doorgaan naar andere programma’s zonder opnieuw aan te melden."),
    "content": Say("Pagina’s en blokken voor de website."),
}


class General(Form):
    name = Text(most=120, asked=True)
    street = Text(most=160)
    postcode = Text(most=12)
    place = Text(most=120)
    phone = Text(most=40)
    email = Text(most=254)
    becon = Text(most=12)
    language = SelectField([("nl", Say("Nederlands")), ("en", Say("Engels"))])
    sort_rule = SelectField(
        [("nl", Say("Nederlands: De Vries staat bij de V")), ("be", Say("Belgisch: De Vries staat bij de D"))]
    )
    formal = SelectField(
        [(True, Say("U: Geachte heer Jansen")), (False, Say("Je: Beste Jan"))],
        coerce=lambda value: str(value) == "True",
    )
    invitation_days = Text(most=9, asked=True)
    digest_hour = Text(most=9, asked=True)
    undo_seconds = Text(most=9, asked=True)


class Modules(Form):
    names = SelectMultipleField(validate_choice=False)


class WithoutLogin(Form):
    on = SelectField([("1", Say("Aan")), ("", Say("Uit"))])


@settings.get("/settings")
async def page(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    firm = await Firm.load()
    form = General.blank(**{name: getattr(firm, name) for name in General.blank().data})
    return show("settings/general.html", **about("general", form=form))


@settings.post("/settings")
async def change(request: Request, viewer: Viewer) -> Reply:
    firm, typed = await Firm.load(), await request.form()
    # what the form does not send stays as it is
    form = General(typed, data={name: getattr(firm, name) for name in General.blank().data})
    form.general = []
    form.validate()
    if await form.submit(firm.change, by=viewer):
        return go(page.url(), toast=Say("De instellingen zijn bewaard."))
    return invalid("settings/general.html", **about("general", form=form))


@settings.get("/settings/modules")
async def modules(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    firm = await Firm.load()
    return show("settings/modules.html", **await _modules(firm, Modules.blank(), firm.module_names))


@settings.post("/settings/modules")
async def use_modules(request: Request, viewer: Viewer) -> Reply:
    firm, form = await Firm.load(), await Modules.read(request)
    if await form.submit(firm.use_modules, by=viewer):
        return go(modules.url(), toast=Say("Bewaard welke modules u gebruikt."))
    return invalid("settings/modules.html", **await _modules(firm, form, form.names.data or []))


async def _modules(firm: Firm, form: Modules, used: list[str]) -> dict[str, Any]:
    rows = await clients_by_module()
    return about(
        "modules", form=form, modules=[(key, name, WHAT_MODULES_DO[key], rows.get(key, 0)) for key, name in MODULE_NAMES.items()],
        used=used, built=BUILT,
    )  # fmt: skip


@settings.get("/settings/search")
async def search(request: Request, viewer: Viewer) -> Reply:
    """Every setting of which the name, or another word for it, holds what was typed; all of them when nothing was."""
    allow(viewer)
    question = request.query_params.get("q", "").replace("\x00", "")[:100]
    return show("settings/search.html", **about("", question=question, found=found_settings(question)))


@settings.get("/settings/users-without-login")
async def without_login(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
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
    return about("without_login", on=on, form=form)


def about(tab: str, **more: Any) -> dict[str, Any]:
    """What every page of the settings has: its title, the tabs and which of them it is."""
    label = next((one.label for one in TABS if one.key == tab), Say("Instellingen"))
    return {"title": label, "section": "settings", "tab": tab, "tabs_": TABS} | more


def allow(viewer: Viewer) -> None:
    if not viewer.may("manage_settings"):
        raise Missing("settings")
