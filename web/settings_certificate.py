"""Beheer > Instellingen > Zegel: the certificate under which the office seals approvals, the time-stamp authority, and what the
public check page tells."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request

from models.certifying import attention, office
from models.certifying.office import Pair
from models.core import Refused, Say
from models.settings import Firm
from models.storage import storage
from models.tidying import referenced
from models.viewer import Permission, Viewer
from web.forms import Form, PasswordField, SelectField, Text
from web.proof import asks_proof
from web.replies import Reply, Toast, go, invalid, show
from web.routing import Access, Routes
from web.settings import about, allow
from web.uploads import Bounds, Received

settings = Routes("settings", Access.STAFF)


class Replacement(Form):
    file = Text(asked=True)
    password = PasswordField()


class Sealing(Form):
    stamp_url = Text(most=300)
    check_names = SelectField(
        [("names", Say("Voluit, zoals op de akkoordverklaring")), ("initials", Say("Alleen voorletters"))]
    )


@settings.get("/settings/certificate")
async def certificate(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    return show("settings/certificate.html", **await _certificate(viewer))


async def _certificate(
    viewer: Viewer, form: Sealing | None = None, replacement: Replacement | None = None
) -> dict[str, Any]:
    firm = await Firm.load()
    every = await office.history(viewer)
    present = next((one for one in every if one.is_current), None)
    last = await office.last_seal(viewer)
    return about(
        "certificate", form=form or Sealing.blank(stamp_url=firm.stamp_url, check_names=firm.check_names),
        replacement=replacement or Replacement.blank(), every=every, points=[point for point in await attention.points() if point.address == attention.CERTIFICATE], waits=attention.WAITING,
        present=present, profile=await office.profile(present), last=last, unproved=attention.why_not_long(last),
    )  # fmt: skip


@settings.post("/settings/certificate/sealing")
async def set_sealing(request: Request, viewer: Viewer) -> Reply:
    firm, form = await Firm.load(), await Sealing.read(request)
    if form.stamp_url.data != firm.stamp_url and (asked := await asks_proof(request, viewer)):
        return asked
    if await form.submit(firm.change, by=viewer):
        return go(certificate.url(), toast=Say("De instellingen van het zegel zijn bewaard."))
    return invalid("settings/certificate.html", **await _certificate(viewer, form))


async def _may(request: Request, viewer: Viewer) -> Bounds:
    allow(viewer)
    viewer.require(Permission.MANAGE_SETTINGS)
    return Bounds(office.MOST, 1)


async def _read(received: Received) -> Pair | Refused:
    """The certificate in the file, which is not kept: a private key lies nowhere but encrypted."""
    try:
        file = received.one_file("file")
        content = await storage().read(file.sha256)
        if not await referenced([file.sha256]):
            await storage().delete(file.sha256)
        return await asyncio.to_thread(office.read, content, str(received.fields.get("password", ""))[:200])
    except Refused as refused:
        return refused


@settings.upload("/settings/certificate", before=_may, after=_read)
async def replace_certificate(request: Request, viewer: Viewer, received: Received, prepared: Pair | Refused) -> Reply:
    if asked := await asks_proof(request, viewer, certificate.url()):
        return asked
    if isinstance(prepared, Refused):
        form = Replacement.blank()
        form.refuse(prepared)
        return invalid("settings/certificate.html", **await _certificate(viewer, None, form))
    made = await office.replace(await Firm.load(), prepared, by=viewer)
    words = Say("Vanaf nu wordt verzegeld met dit certificaat, geldig tot {day}.", day=f"{made.valid_until:%d-%m-%Y}")
    return go(certificate.url(), toast=words)


@settings.post("/settings/certificate/own")
async def own_certificate(request: Request, viewer: Viewer) -> Reply:
    if asked := await asks_proof(request, viewer, certificate.url()):
        return asked
    await office.give_up(await Firm.load(), by=viewer)
    return go(
        certificate.url(),
        toast=Say("Vanaf nu wordt verzegeld met een eigen certificaat, dat bij het eerste zegel wordt gemaakt."),
    )


async def _make_own(request: Request, form: Any) -> Pair:
    return await office.fresh_own()


@settings.post("/settings/certificate/renewal", before=_make_own)
async def renew_certificate(request: Request, viewer: Viewer, prepared: Pair) -> Reply:
    """A fresh one of our own in the place of one of our own."""
    if asked := await asks_proof(request, viewer, certificate.url()):
        return asked
    try:
        made = await office.renew(await Firm.load(), prepared, by=viewer)
    except Refused as refused:
        return go(certificate.url(), toast=Toast(refused.why, "attention"))
    words = Say("Er is een nieuw eigen certificaat, geldig tot {day}. Zet de nieuwe vingerafdruk op uw website.", day=f"{made.valid_until:%d-%m-%Y}")  # fmt: skip
    return go(certificate.url(), toast=words)


@settings.post("/settings/certificate/acceptance")
async def leave_certificate(request: Request, viewer: Viewer) -> Reply:
    """The office keeps the certificate that came by itself in the place of another."""
    await office.leave_so(await Firm.load(), by=viewer)
    return go(certificate.url(), toast=Say("Dit certificaat blijft in gebruik."))
