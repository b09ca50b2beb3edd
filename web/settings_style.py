"""Beheer > Instellingen > Huisstijl: colour and logo, shown as clients will see them, with the figures of their contrast."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from models import branding
from models.core import Refused, Say
from models.settings import Firm
from models.viewer import Viewer
from web.forms import Form, Text
from web.replies import Reply, Toast, go, invalid, show, wants_fragment
from web.routing import Access, Routes
from web.settings import about, allow

settings = Routes("settings", Access.STAFF)


class Style(Form):
    brand = Text(most=20, asked=True)


@settings.get("/settings/style")
async def style(request: Request, viewer: Viewer) -> Reply:
    """With `brand` in the address: how that colour would be; nothing is kept."""
    allow(viewer)
    firm = await Firm.load()
    typed = request.query_params.get("brand", firm.brand)[:20]
    form = Style.blank(brand=typed)
    if typed != firm.brand:
        try:
            branding.check_colour(typed)
        except Refused as refused:
            form.refuse(refused)
    return show(
        "settings/style_preview.html" if wants_fragment(request) else "settings/style.html", **_style(firm, form)
    )


@settings.post("/settings/style")
async def set_style(request: Request, viewer: Viewer) -> Reply:
    firm, form = await Firm.load(), await Style.read(request)
    if await form.submit(firm.change, by=viewer):
        words: Say | Toast = Say("De huisstijl is bewaard.")
        if firm.is_brand_adjusted:
            told = Say("Bewaard. Uw kleur is te licht om als tekst te lezen; daar staat een donkerder tint.")
            words = Toast(told, "attention")
        return go(style.url(), toast=words)
    return invalid("settings/style.html", **_style(firm, form))


@settings.get("/settings/style.css")
async def style_css(request: Request, viewer: Viewer) -> Response:
    """The colour that is looked at, as tokens within the preview only."""
    allow(viewer)
    colours = branding.of(f"#{request.query_params.get('brand', '').lower()}")
    tokens = f"--brand: {colours.fill}; --on-brand: {colours.on};"
    body = (
        f".style-preview {{ {tokens} }}\n"
        f".style-preview--light {{ color-scheme: light; --brand-ink: {colours.ink_light}; }}\n"
        f".style-preview--dark {{ color-scheme: dark; --brand-ink: {colours.ink_dark}; }}\n"
    )
    return Response(body, headers={"Cache-Control": "private, max-age=3600"}, media_type="text/css")


def _style(firm: Firm, form: Style) -> dict[str, Any]:
    typed = (form.brand.data or "").strip().lower()
    is_colour = len(typed) == 7 and typed[0] == "#" and all(ch in "0123456789abcdef" for ch in typed[1:])
    shown = typed if is_colour else firm.brand
    colours = branding.of(shown)
    checks = (
        (Say("Tekst op de knop"), colours.fill, colours.on),
        (Say("Kleur als tekst, licht"), "#ffffff", colours.ink_light),
        (Say("Kleur als tekst, donker"), "#17191f", colours.ink_dark),
        (Say("Uw kleur zelf als tekst op wit"), "#ffffff", colours.fill),
    )
    return about(
        "style", form=form, office=firm, shown=shown, colours=colours, readable=branding.READABLE,
        checks=[(label, ground, ink, branding.contrast(ground, ink)) for label, ground, ink in checks],
    )  # fmt: skip
