"""The first start: the one-time link opens a set-up in the browser."""

from __future__ import annotations

import re

from starlette.requests import Request

from models import passwords, sample
from models.core import Refused, Say
from models.signing_in import check_setup, set_up
from models.viewer import Viewer
from web.forms import Email, Form, PasswordField, Text, TypedText
from web.replies import Reply, changed, go, invalid, show
from web.routing import Access, Routes
from web.sessions import enter

setup = Routes("setup", Access.PUBLIC)


def _colour(text: str) -> str:
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        raise Refused("brand", Say("Schrijf een kleur als #1f5c4d."))
    return text.lower()


class Office(Form):
    firm_name = Text(most=120, required=True)
    place = Text(most=120)
    brand = TypedText(_colour, most=7)
    first_name = Text(most=80)
    prefix = Text(most=40)
    surname = Text(most=200, required=True)
    email = Email(required=True)
    password = PasswordField()


@setup.get("/set-up")
async def closed(request: Request, viewer: Viewer) -> Reply:
    return show("setup/closed.html", title=Say("Nog niet ingericht"), layout="layout_public.html")


@setup.get("/set-up/{token}")
async def office(request: Request, viewer: Viewer, token: str) -> Reply:
    await check_setup(token)
    return show("setup/office.html", title=Say("Uw kantoor inrichten"), layout="layout_public.html", form=Office.blank(brand="#1f5c4d"), token=token)


async def _hash(request: Request, form: object) -> str | Refused:
    typed = Office(form)
    try:
        passwords.check(typed.password.data or "", typed.email.data or "", typed.surname.data or "", typed.firm_name.data or "")
    except Refused as refused:
        return refused
    return await passwords.hash_password(typed.password.data or "")


@setup.post("/set-up/{token}", before=_hash)
async def set_up_office(request: Request, viewer: Viewer, token: str, prepared: str | Refused) -> Reply:
    form = await Office.read(request)
    if isinstance(prepared, Refused):
        form.refuse(prepared)
    else:
        made = []

        async def make(*, password: str, **details: str) -> None:
            made.append(await set_up(token, password_hash=prepared, **details))

        if await form.submit(make):
            await enter(request, made[0])
            return go(second_factor_first.url())
    await check_setup(token)
    return invalid("setup/office.html", title=Say("Uw kantoor inrichten"), layout="layout_public.html", form=form, token=token)


first = Routes("first", Access.STAFF)


@first.get("/welcome-office/second-factor")
async def second_factor_first(request: Request, viewer: Viewer) -> Reply:
    return go("/account/second-factor?first=1")


@first.get("/welcome-office")
async def begin(request: Request, viewer: Viewer) -> Reply:
    return show("setup/begin.html", title=Say("Hoe wilt u beginnen?"), is_empty=not await viewer.clients.exists())


@first.post("/welcome-office/sample")
async def add_sample(request: Request, viewer: Viewer) -> Reply:
    await sample.add(by=viewer)
    return changed(then="/rollout", toast=Say("Het voorbeeldkantoor staat klaar. Met één knop op het overzicht verwijdert u het weer."))


@first.post("/welcome-office/sample/removal")
async def remove_sample(request: Request, viewer: Viewer) -> Reply:
    await sample.remove(by=viewer)
    return changed(then="/rollout", toast=Say("Het voorbeeldkantoor is verwijderd."))


