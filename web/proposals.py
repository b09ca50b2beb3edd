"""Changes of their own data that client users propose, and what the office decides."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from models import proposals as proposed
from models.accounts.managing import NAMES
from models.clients import Client
from models.clients.checks import CHOICES
from models.core import Forbidden, Missing, Refused, Say
from models.proposals import ME, OF_COMPANY, OF_PERSON, Proposal
from models.viewer import Permission, Viewer
from web.client_details import TONES, line
from web.clients import page_number
from web.forms import Form, SelectField, Text, TextAreaField
from web.replies import Reply, go, invalid, show, wants_fragment
from web.routing import Access, Routes
from web.trail import named_field, shown

own = Routes("own", Access.CLIENT)
proposals = Routes("proposals", Access.STAFF)

SIZE = 50
STATES = [
    ("waiting", Say("Wacht op ons")),
    ("accepted", Say("Overgenomen")),
    ("refused", Say("Niet overgenomen")),
    ("withdrawn", Say("Ingetrokken")),
]


class OwnDetails(Form):
    """What a client user may propose: see OF_COMPANY and OF_PERSON."""

    name = line("name", required=True)
    legal_form = line("legal_form")
    kvk = line("kvk")
    vat = line("vat")
    iban = line("iban")
    street = line("street")
    house_number = line("house_number")
    letter = line("letter")
    addition = line("addition")
    postcode = line("postcode")
    city = line("city")
    lines = TextAreaField()
    country = line("country")
    post_street = line("post_street")
    post_house_number = line("post_house_number")
    post_letter = line("post_letter")
    post_addition = line("post_addition")
    post_postcode = line("post_postcode")
    post_city = line("post_city")
    post_lines = TextAreaField()
    post_country = line("post_country")
    email = line("email")
    phone = line("phone")
    website = line("website")
    language = SelectField(list(CHOICES["language"].items()))
    formal = SelectField(TONES, coerce=lambda value: str(value) == "True")
    me_first_name = Text(most=NAMES["first_name"])
    me_initials = Text(most=NAMES["initials"])
    me_prefix = Text(most=NAMES["prefix"])
    me_surname = Text(most=NAMES["surname"], required=True)
    me_phone = Text(most=NAMES["phone"])
    me_mobile = Text(most=NAMES["mobile"])
    remark = TextAreaField()


@own.get("/portal/clients/{client_id:int}/details")
async def details(request: Request, viewer: Viewer, client_id: int) -> Reply:
    """The company and oneself as the office knows them, to say what is not right any more."""
    client = await _mine(viewer, client_id)
    return show("proposals/own.html", **await _own(viewer, client))


@own.post("/portal/clients/{client_id:int}/details")
async def propose(request: Request, viewer: Viewer, client_id: int) -> Reply:
    client = await _mine(viewer, client_id)
    form = OwnDetails(await request.form(), data=_there(viewer, client))
    form.general = []
    form.validate()

    async def proposing(**typed: Any) -> None:
        await proposed.propose(client, by=viewer, **typed)

    if await form.submit(proposing):
        words = Say("Uw voorstel is verstuurd. U krijgt een mail als het kantoor besloten heeft.")
        return go(details.url(client_id=client_id), toast=words)
    return invalid("proposals/own.html", **await _own(viewer, client, form))


@own.post("/portal/proposals/{proposal_id:int}/withdrawal")
async def withdraw(request: Request, viewer: Viewer, proposal_id: int) -> Reply:
    proposal = await viewer.scope(Proposal).get(proposal_id)
    await proposal.withdraw(by=viewer)
    return go(details.url(client_id=proposal.client), toast=Say("Uw voorstel is ingetrokken."))


@proposals.get("/proposals")
async def list_(request: Request, viewer: Viewer) -> Reply:
    _allow(viewer)
    state = request.query_params.get("state", "")
    state = state if state in dict(STATES) else "waiting"
    number = min(page_number(request), 1_000_000)
    rows, total = await proposed.page(viewer, state, number, SIZE)
    return show(
        "proposals/table.html" if wants_fragment(request) else "proposals/list.html",
        title=Say("Voorstellen van cliënten"),
        section="clients",
        rows=rows,
        total=total,
        page=number,
        size=SIZE,
        state=state,
        states=STATES,
        base=list_.url(state=state),
    )


@proposals.get("/proposals/{proposal_id:int}")
async def page(request: Request, viewer: Viewer, proposal_id: int) -> Reply:
    """Field by field what is asked, beside what stands there now."""
    _allow(viewer)
    return show("proposals/page.html", **await _proposal(viewer, await viewer.scope(Proposal).get(proposal_id)))


@proposals.post("/proposals/{proposal_id:int}")
async def decide(request: Request, viewer: Viewer, proposal_id: int) -> Reply:
    _allow(viewer)
    proposal = await viewer.scope(Proposal).get(proposal_id)
    form = await request.form()
    answer = str(form.get("answer", "")).replace("\x00", "").strip()
    accept = [str(one) for one in form.getlist("accept")] if form.get("decision") == "accept" else []
    try:
        if form.get("decision") == "accept" and not accept:
            raise Refused("", Say("Vink aan wat u overneemt, of kies “Niets overnemen”."))
        await proposal.decide(accept, answer, by=viewer)
    except Refused as refused:
        more = {"accept": accept, "answer": answer, "why": refused.why}
        return invalid("proposals/page.html", **(await _proposal(viewer, proposal) | more))
    words = Say("De wijziging is overgenomen.") if accept else Say("Het voorstel is niet overgenomen.")
    return go(list_.url(), toast=words)


def _allow(viewer: Viewer) -> None:
    if not viewer.may(Permission.MANAGE_CLIENTS):
        raise Missing("proposals")


async def _mine(viewer: Viewer, client_id: int) -> Client:
    client = await viewer.clients.get(client_id)
    if not viewer.may(Permission.CHANGE_DETAILS, client):
        raise Forbidden(Permission.CHANGE_DETAILS)
    return client


def _there(viewer: Viewer, client: Client) -> dict[str, Any]:
    mine = {ME + name: getattr(viewer.user, name) for name in OF_PERSON}
    return {name: getattr(client, name) for name in OF_COMPANY} | mine


async def _own(viewer: Viewer, client: Client, form: OwnDetails | None = None) -> dict[str, Any]:
    waiting = await proposed.waiting_of(viewer, client)
    if form is None:
        asked = {one.name: one.after for one in waiting.items} if waiting else {}
        form = OwnDetails.blank(**_there(viewer, client), remark=waiting.remark if waiting else "")
        for name, value in asked.items():
            form[name].data = value
    return {
        "title": Say("Uw gegevens"),
        "section": "home",
        "client": client,
        "form": form,
        "waiting": waiting,
        "answered": None if waiting else await proposed.last_answered(viewer, client),
    }


async def _proposal(viewer: Viewer, proposal: Proposal) -> dict[str, Any]:
    client = await viewer.clients.get(proposal.client)
    person = await proposal.proposer()
    items = await proposal.as_it_is_now() if proposal.state == "waiting" else proposal.items
    return {
        "title": Say("Voorstel van {who}", who=person.display_name),
        "section": "clients",
        "client": client,
        "person": person,
        "proposal": proposal,
        "state": dict(STATES)[proposal.state],
        "items": [
            {
                "name": one.name,
                "label": named_field(one.field),
                "of_person": one.of_person,
                "before": shown(one.field, one.before),
                "after": shown(one.field, one.after),
                "now": shown(one.field, one.now) if proposal.state == "waiting" and one.now != one.before else None,
                "is_taken": one.name in proposal.taken,
            }
            for one in items
        ],
        "accept": [one.name for one in items],
        "answer": "",
        "why": None,
    }
