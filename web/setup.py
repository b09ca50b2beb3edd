"""The first start: the one-time link opens a set-up in the browser."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from models import branding, engine, passwords, sample
from models.core import Gone, Refused, Say
from models.settings import Firm
from models.signing_in import check_setup, set_up
from models.viewer import Permission, Viewer
from web.addresses import local_path
from web.forms import Email, Form, PasswordField, Required, Text, TypedText
from web.replies import Reply, Toast, changed, go, invalid, show
from web.routing import Access, Routes
from web.sessions import enter
from web.uploads import Received

setup = Routes("setup", Access.PUBLIC)

_TITLE = Say("Uw kantoor inrichten")
_LAYOUT = "layout_public.html"


class Office(Form):
    firm_name = Text(most=120, required=True)
    place = Text(most=120)
    brand = TypedText(branding.check_colour, most=7)
    first_name = Text(most=80)
    prefix = Text(most=40)
    surname = Text(most=200, required=True)
    email = Email(required=True)
    password = PasswordField(validators=[Required()])


@setup.get("/set-up")
async def closed(request: Request, viewer: Viewer) -> Reply:
    if (await Firm.load()).is_set_up:
        return go("/")
    return show("setup/closed.html", title=Say("Nog niet ingericht"), layout=_LAYOUT)


@setup.get("/set-up/{token}")
async def office(request: Request, viewer: Viewer, token: str) -> Reply:
    await check_setup(token)
    return _office(Office.blank(brand=branding.OWN), token, show)


def _office(form: Office, token: str, make: Any) -> Reply:
    reply: Reply = make("setup/office.html", title=_TITLE, layout=_LAYOUT, form=form, token=token)
    return reply


async def _hash(request: Request, form: Any) -> str | Refused:
    """Before the unit: the rules and the hash; a dead link costs no hashing."""
    typed = Office(form)
    async with engine.reading():
        try:
            await check_setup(request.path_params["token"])
        except Gone:
            return ""
    try:
        passwords.check(
            typed.password.data or "", typed.email.data or "", typed.surname.data or "", typed.firm_name.data or ""
        )
    except Refused as refused:
        return refused
    return await passwords.hash_password(typed.password.data or "")


@setup.post("/set-up/{token}", before=_hash)
async def set_up_office(request: Request, viewer: Viewer, token: str, prepared: str | Refused) -> Reply:
    await check_setup(token)
    form = await Office.read(request)
    if isinstance(prepared, Refused):
        if not form.password.errors:
            form.refuse(prepared)
        return _office(form, token, invalid)

    async def make(*, password: str, brand: str, **details: str) -> None:
        await enter(request, await set_up(token, password_hash=prepared, brand=brand or branding.OWN, **details))

    if await form.submit(make):
        return go("/account/second-factor?first=1", toast=_about_colour(await Firm.load()))
    return _office(form, token, invalid)


def _about_colour(firm: Firm) -> Toast | None:
    if not firm.is_brand_adjusted:
        return None
    words = Say("Uw huiskleur is als tekst op wit niet goed te lezen. Daar gebruikt Poort een donkerder tint.")
    return Toast(words, "attention")


first = Routes("first", Access.STAFF)


async def _may_set_logo(request: Request, viewer: Viewer) -> None:
    viewer.require(Permission.MANAGE_SETTINGS)


@first.get("/welcome-office/logo")
async def logo(request: Request, viewer: Viewer) -> Reply:
    viewer.require(Permission.MANAGE_SETTINGS)
    return show("setup/logo.html", title=Say("Logo"), layout=_LAYOUT, problem=None)


@first.upload("/welcome-office/logo", before=_may_set_logo)
async def set_logo(request: Request, viewer: Viewer, received: Received) -> Reply:
    """Also used by the settings, which say with `then` where to go afterwards."""
    firm, then = await Firm.load(), local_path(str(received.fields.get("then", "")))
    try:
        if received.refused and not received.files:
            raise Refused("logo", Say("Dit bestand kan geen logo zijn. Kies een PNG, JPEG of WebP van hoogstens 2 MB."))
        file = received.one_file("logo")
        await firm.set_logo(file.sha256, branding.check_logo(file.head, file.size), by=viewer)
    except Refused as refused:
        if then:
            return go(then, toast=Toast(refused.why, "danger"))
        return invalid("setup/logo.html", title=Say("Logo"), layout=_LAYOUT, problem=refused.why)
    return changed(then=then or begin.url(), toast=Say("Het logo is bewaard."))


@first.post("/welcome-office/logo/removal")
async def remove_logo(request: Request, viewer: Viewer) -> Reply:
    await (await Firm.load()).remove_logo(by=viewer)
    return changed(then="/settings/style", toast=Say("Het logo is verwijderd."))


@first.get("/welcome-office")
async def begin(request: Request, viewer: Viewer) -> Reply:
    return show(
        "setup/begin.html",
        title=Say("Hoe wilt u beginnen?"),
        layout=_LAYOUT,
        is_empty=not await viewer.clients.exists(),
    )


async def _keep_papers(request: Request, form: object) -> sample.Papers | None:
    return await sample.keep_papers() if request.user.is_authenticated else None


@first.post("/welcome-office/sample", before=_keep_papers)
async def add_sample(request: Request, viewer: Viewer, prepared: sample.Papers) -> Reply:
    await sample.add(by=viewer, papers=prepared)
    return changed(
        then="/rollout",
        toast=Say("Het voorbeeldkantoor staat klaar. Bovenaan elke pagina staat hoe u het weer verwijdert."),
    )


@first.get("/welcome-office/sample/removal")
async def sample_removal(request: Request, viewer: Viewer) -> Reply:
    viewer.require(Permission.MANAGE_SETTINGS)
    return show("setup/sample_removal.html", title=Say("Voorbeeldkantoor verwijderen"))


@first.post("/welcome-office/sample/removal")
async def remove_sample(request: Request, viewer: Viewer) -> Reply:
    await sample.remove(by=viewer)
    return changed(then="/rollout", toast=Say("Het voorbeeldkantoor is verwijderd."))
