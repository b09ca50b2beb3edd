"""The ledger of every message: what was asked for, what the mail server said, and sending again what went wrong."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request

from models import config, kept_mail, ledger
from models.carrying import KEPT
from models.core import Missing, Say
from models.outbox import Errand
from models.viewer import Viewer
from web.replies import Reply, changed, show, wants_fragment
from web.routing import Access, Routes

mail = Routes("mail", Access.STAFF)

SIZE = 50

KINDS = {
    "invitation": Say("Uitnodiging"),
    "password": Say("Nieuw wachtwoord"),
    "sign_in_link": Say("Aanmeldlink"),
    "account_notice": Say("Bericht over account"),
    "upload_notice": Say("Aangeleverde stukken"),
    "digest": Say("Dagelijks overzicht"),
    "client_news": Say("Nieuws voor een cliënt"),
    "reminder": Say("Herinnering"),
    "trail_anchor": Say("Anker van het logboek"),
    "broken_files": Say("Beschadigde bestanden"),
    "lost_factor": Say("Verloren tweede factor"),
    "test_message": Say("Proefbericht"),
    "infected": Say("Virus gevonden"),
    "upload_link": Say("Link om aan te leveren"),
    "proposal": Say("Antwoord op een voorstel"),
    "document_link": Say("Link naar een stuk"),
}
STATES = {
    "waiting": Say("Wacht"),
    "done": Say("Aangenomen door de mailserver"),
    "trouble": Say("Niet gelukt of onzeker"),
    "refused": Say("Geweigerd"),
    "unknown": Say("Onzeker"),
    "failed": Say("Opgegeven"),
    "cancelled": Say("Niet meer verstuurd"),
}


@mail.get("/mail")
async def list_(request: Request, viewer: Viewer) -> Reply:
    _allow(viewer)
    asked = request.query_params
    number = int(asked["page"]) if asked.get("page", "").isdecimal() and 0 < int(asked["page"]) < 1_000_000 else 1
    opening = int(asked["opening"]) if asked.get("opening", "").isdecimal() and len(asked["opening"]) < 10 else None
    chosen: dict[str, Any] = {
        "q": asked.get("q", "")[:100],
        "state": asked.get("state", ""),
        "kind": asked.get("kind", ""),
    }
    found = ledger.matching(viewer, opening=opening, **chosen)
    template = "mail_ledger/table.html" if wants_fragment(request) else "mail_ledger/list.html"
    return show(
        template,
        title=Say("Post"),
        section="mail",
        rows=await ledger.page(found, number, SIZE),
        total=await found.count(),
        page=number,
        size=SIZE,
        base=list_.url(**chosen, opening=opening),
        here=list_.url(**chosen, opening=opening, page=number if number > 1 else None),
        held_up=await ledger.held_up(),
        opening=opening,
        kinds=KINDS,
        states=STATES,
        **chosen,
        **_keeping(),
    )


@mail.get("/mail/{errand_id:int}")
async def show_(request: Request, viewer: Viewer, errand_id: int) -> Reply:
    return show("mail_ledger/message.html", title=Say("Bericht"), section="mail", **await _message(viewer, errand_id))


@mail.post("/mail/{errand_id:int}/copies")
async def send_again(request: Request, viewer: Viewer, errand_id: int) -> Reply:
    errand = (await _message(viewer, errand_id))["errand"]
    await errand.send_again(by=viewer)
    return changed(
        "mail_ledger/message.html",
        then=show_.url(errand_id=errand_id),
        toast=Say("Het bericht gaat nog een keer uit."),
        **await _message(viewer, errand_id),
    )


async def _message(viewer: Viewer, errand_id: int) -> dict[str, Any]:
    _allow(viewer)
    errand = await ledger.matching(viewer).get(errand_id)
    # A kept message holds a link by which one can sign in: for administrators only.
    is_kept = await asyncio.to_thread(kept_mail.path_of(errand_id).exists)
    text = await asyncio.to_thread(kept_mail.text_of, errand_id) if is_kept and viewer.may("manage_settings") else None
    return {
        "errand": errand, "recipient": await ledger.recipient(errand), "is_kept": is_kept, "text": text, "kinds": KINDS, "states": STATES, **_keeping(),
    }  # fmt: skip


def _allow(viewer: Viewer) -> None:
    if not viewer.may("view_mail"):
        raise Missing(Errand.__name__)


def _keeping() -> dict[str, Any]:
    """Whether mail is kept as files instead of sent, and where."""
    return {"keeps_files": not config.settings().smtp_url, "kept_in": str(kept_mail.folder()), "kept": KEPT.text}
