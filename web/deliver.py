"""Handing in without a login, by a link: a plain form that works on any phone, and a receipt. Nothing here tells whose link it is."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from models import engine, throttling
from models.core import Gone, Say
from models.delivering import lying
from models.delivering.records import UploadLink
from models.delivering.taking import CLOSED, link_by, receipt_by
from models.delivering.taking import deliver as take_in
from models.throttling import TooOften
from models.viewer import Viewer
from web.joining import Wished, as_wished, not_joined
from web.replies import Reply, Toast, go, invalid, show
from web.routing import Access, Routes, remember
from web.security import address_of
from web.uploads import Bounds, Received

deliver = Routes("deliver", Access.PUBLIC)

_LAYOUT = "layout_public.html"


@deliver.get("/deliver/{token}")
async def page(request: Request, viewer: Viewer, token: str) -> Reply:
    return _form(await _link(request, token), token, show)


async def _link(request: Request, token: str) -> UploadLink:
    """The link, for who does not guess: after a number of wrong ones nothing is answered from there for a while."""
    guesses = throttling.of_unknown_link(address_of(request))
    if await throttling.is_over(guesses):
        raise TooOften
    try:
        return await link_by(token)
    except Gone:
        remember(request, functools.partial(throttling.count, guesses))
        raise


def _form(link: UploadLink, token: str, make: Any, *, who: str = "", why: tuple[Say, ...] = ()) -> Reply:
    reply: Reply = make(
        "deliver/page.html", title=Say("Stukken aanleveren"), layout=_LAYOUT, link=link, token=token, who=who, why=why
    )
    return reply


async def _may(request: Request, viewer: Viewer, token: str) -> Bounds:
    """Says no before a byte is read; every try counts, whatever becomes of it."""
    link = await _link(request, token)
    tries = throttling.of_delivery(link.id, address_of(request))
    if await throttling.is_over(tries):
        raise TooOften
    remember(request, functools.partial(throttling.count, tries))
    return Bounds(link.bytes_left, link.files_left, _Room(link))


@dataclass(frozen=True)
class _Room:
    """What of one link may lie in the storage before it is a delivery."""

    link: UploadLink

    async def take(self, size: int) -> None:
        await engine.run_writing(lambda: lying.claim(self.link, size))

    async def give_back(self, size: int, lies: int) -> None:
        await engine.run_writing(lambda: lying.let_go(self.link.id, size, lies))


@deliver.upload("/deliver/{token}", before=_may, after=functools.partial(as_wished, by_link=True))
async def hand_in(request: Request, viewer: Viewer, received: Received, prepared: Wished, token: str) -> Reply:
    who = str(received.fields.get("who", ""))
    if not received.files:
        why = tuple(one.why for one in received.refused) or (Say("Kies eerst een bestand."),)
        return _form(await link_by(token), token, invalid, who=who, why=why)
    key = await take_in(token, who, prepared.files, prepared.hashes)
    toast = Toast(not_joined(len(prepared.files), prepared.why), "attention") if prepared.why else None
    if received.refused:
        toast = Toast(
            Say("{n} niet ontvangen: {why}", n=len(received.refused), why=received.refused[0].why), "attention"
        )
    return go(receipt.url(key=key), toast=toast)


@deliver.get("/deliver/receipts/{key}")
async def receipt(request: Request, viewer: Viewer, key: str) -> Reply:
    guesses = throttling.of_unknown_link(address_of(request))
    if await throttling.is_over(guesses):
        raise TooOften
    try:
        found = await receipt_by(key)
    except Gone:
        remember(request, functools.partial(throttling.count, guesses))
        raise Gone(CLOSED) from None
    return show("deliver/receipt.html", title=Say("Ontvangen"), layout=_LAYOUT, receipt=found)
