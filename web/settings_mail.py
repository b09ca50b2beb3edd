"""Beheer > Instellingen > E-mail: who mails are from, a test message, and whether the world believes the sender's domain."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request

from models import config, engine, mail_check
from models.core import Say
from models.outbox import Kind, ask
from models.settings import Firm
from models.viewer import Permission, Viewer
from web.forms import BooleanField, Form, SelectField, Text
from web.mail import show_
from web.mailing import DIGESTS
from web.replies import Reply, go, invalid, show
from web.routing import Access, Routes
from web.settings import about, allow

settings = Routes("settings", Access.STAFF)

PARTS = {
    "spf": (Say("SPF"), Say("Welke servers namens u mogen mailen.")),
    "dkim": (Say("DKIM"), Say("De handtekening onder elk bericht.")),
    "dmarc": (Say("DMARC"), Say("Wat ontvangers met vervalste mail doen.")),
}


class Mail(Form):
    sender_name = Text(most=120)
    sender_address = Text(most=254)
    reply_to = Text(most=254)
    mail_closing = Text(most=300)
    dkim_selectors = Text(most=640)


class Hearing(Form):
    client_digest = SelectField(DIGESTS)
    remind_before = Text(most=60)
    remind_after = Text(most=9, asked=True)
    remind_every = Text(most=9, asked=True)
    quiet_from = Text(most=9, asked=True)
    quiet_until = Text(most=9, asked=True)
    quiet_sundays = BooleanField()


@settings.get("/settings/mail")
async def mail(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    return show("settings/mail.html", **await _mail(await Firm.load()))


@settings.post("/settings/mail")
async def set_mail(request: Request, viewer: Viewer) -> Reply:
    firm, form = await Firm.load(), await Mail.read(request)
    if await form.submit(firm.change, by=viewer):
        return go(mail.url(), toast=Say("De instellingen voor e-mail zijn bewaard."))
    return invalid("settings/mail.html", **await _mail(firm, form))


@settings.post("/settings/mail/clients")
async def set_hearing(request: Request, viewer: Viewer) -> Reply:
    """How clients' people hear of what is new unless they chose themselves, and when they are reminded of requests."""
    firm, form = await Firm.load(), await Hearing.read(request)
    if await form.submit(firm.change, by=viewer):
        return go(mail.url(), toast=Say("De instellingen voor berichten aan cliënten zijn bewaard."))
    return invalid("settings/mail.html", **await _mail(firm, None, form))


@settings.post("/settings/mail/test")
async def send_test(request: Request, viewer: Viewer) -> Reply:
    """A message to oneself, sent as every other; its page tells what the mail server answered."""
    viewer.require(Permission.MANAGE_SETTINGS)
    errand = await ask(Kind.TEST, person=viewer.user.id)
    return go(
        show_.url(errand_id=errand), toast=Say("Het proefbericht is onderweg. Hier ziet u wat de mailserver antwoordt.")
    )


async def _look(request: Request, form: Any) -> tuple[str, list[mail_check.Finding]] | None:
    """Outside every unit: name servers may take seconds."""
    async with engine.reading():
        firm = await Firm.load()
    domain, envelope, server = domains(firm)
    return domain, await mail_check.check(
        domain, envelope, [one for one in firm.dkim_selectors.split(",") if one], server
    )


@settings.post("/settings/mail/domain", before=_look)
async def check_domain(request: Request, viewer: Viewer, prepared: tuple[str, list[mail_check.Finding]]) -> Reply:
    """Ask SPF, DKIM and DMARC anew and keep what was found."""
    viewer.require(Permission.MANAGE_SETTINGS)
    domain, findings = prepared
    await mail_check.keep(domain, findings)
    return go(f"{mail.url()}#domain", toast=Say("Uw domein is nagekeken."))


def domains(firm: Firm) -> tuple[str, str, str]:
    """The domain that mails say to be from, that of the address they are sent from, and the mail server ('' is none)."""
    settings_ = config.settings()
    envelope = settings_.mail_from.rpartition("@")[2]
    domain = firm.sender_address.rpartition("@")[2] or envelope
    return domain.lower(), envelope.lower(), urlsplit(settings_.smtp_url).hostname or "" if settings_.smtp_url else ""


async def _mail(firm: Firm, form: Mail | None = None, hearing: Hearing | None = None) -> dict[str, Any]:
    domain, envelope, server = domains(firm)
    last = await mail_check.last()
    if form is None:
        form = Mail.blank(**{name: getattr(firm, name) for name in Mail.blank().data})
    if hearing is None:
        hearing = Hearing.blank(**{name: getattr(firm, name) for name in Hearing.blank().data})
    return about(
        "mail", form=form, hearing=hearing, domain=domain, envelope=envelope, server=server, mail_from=config.settings().mail_from,
        last=last if last and last.domain == domain else None, parts=PARTS, office=firm,
    )  # fmt: skip
