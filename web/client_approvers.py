"""Who approves for a client: roles, mandates, and the plan that counts for each kind."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from starlette.requests import Request

from models import dutch
from models.approvals import granting, plans
from models.approvals.planning import people_of, who_would_sign
from models.approvals.plans import SOURCES
from models.approvals.records import ROLES, ApprovalKind, ApproverRole, Mandate
from models.clients import Client
from models.core import Missing, Refused, Say
from models.viewer import Permission, Right, Viewer
from web.plan_form import acted, blank, id_in, kind_asked, steps_in, wrong_in
from web.replies import Reply, Toast, go, invalid, show
from web.routing import Access, Routes

approvers = Routes("approvers", Access.STAFF)


async def _client(viewer: Viewer, client_id: int) -> Client:
    if not viewer.may(Permission.VIEW_REQUESTED):
        raise Missing("approvals")
    client: Client = await viewer.clients.get(client_id)
    return client


@approvers.get("/clients/{client_id:int}/approvers")
async def page(request: Request, viewer: Viewer, client_id: int) -> Reply:
    return show("approvers/page.html", **await _page(viewer, await _client(viewer, client_id)))


async def _page(viewer: Viewer, client: Client, **more: Any) -> dict[str, Any]:
    people = await people_of(client.id)
    partner = await viewer.clients.where(Client.id == client.partner).find() if client.partner else None
    return {
        "title": client.name, "section": "clients", "tab": "approvals", "client": client, "roles": ROLES, "sources": SOURCES,
        "people": [one for one in people.values() if one.state != "blocked"], "named": people, "partner": partner,
        "partners": [one.name for one in people.values() if one.may("partner") and one.partner_rights & int(Right.APPROVE)],
        "given": await granting.roles_given(client.id), "mandates": await granting.mandates_given(client.id),
        "counting": await plans.counting(client.id), "whole": await plans.steps_of(client.id, None),
        "may_edit": viewer.may(Permission.EDIT_APPROVALS) and client.state == "active", "typed": {},
    } | more  # fmt: skip


@approvers.post("/clients/{client_id:int}/approvers/roles")
async def give_role(request: Request, viewer: Viewer, client_id: int) -> Reply:
    client, form = await _client(viewer, client_id), await request.form()

    async def give() -> None:
        await granting.give_role(
            client,
            id_in(form, "person"),
            str(form.get("role", "")),
            day_in(form, "since"),
            day_in(form, "until"),
            by=viewer,
        )

    return await _kept(viewer, client, form, "role", give, Say("De rol is gegeven."))


@approvers.post("/clients/{client_id:int}/approvers/mandates")
async def give_mandate(request: Request, viewer: Viewer, client_id: int) -> Reply:
    client, form = await _client(viewer, client_id), await request.form()

    async def give() -> Toast | None:
        mandate = await granting.give_mandate(
            client, id_in(form, "giver"), id_in(form, "taker"), id_in(form, "kind") or None, day_in(form, "since"), day_in(form, "until"),
            str(form.get("note", "")).strip(), by=viewer,
        )  # fmt: skip
        return warned(await granting.doubts(mandate))

    return await _kept(viewer, client, form, "mandate", give, Say("De machtiging is vastgelegd."))


async def _kept(viewer: Viewer, client: Client, form: Any, which: str, give: Any, done: Say) -> Reply:
    """Done, or the page again with what was typed and why not."""
    try:
        warning = await give()
    except Refused as refused:
        typed = {name: str(value) for name, value in form.items() if isinstance(value, str)}
        return invalid(
            "approvers/page.html",
            **await _page(viewer, client, typed={which: typed}, problem=(which, refused.field, refused.why)),
        )
    return go(page.url(client_id=client.id), toast=warning or done)


def warned(doubts: Sequence[Say]) -> Toast | None:
    """What is recorded all the same, though who was appointed could not approve now. The page says all of it."""
    return Toast(Say("Vastgelegd, maar let op: {why}", why=doubts[0]), "attention") if doubts else None


@approvers.post("/clients/{client_id:int}/approvers/roles/{role_id:int}/end")
async def end_role(request: Request, viewer: Viewer, client_id: int, role_id: int) -> Reply:
    client = await _client(viewer, client_id)
    given = await viewer.scope(ApproverRole).where(ApproverRole.client == client.id).get(role_id)
    return await _ended(client, granting.end_role(given, by=viewer), Say("De rol is geëindigd."))


@approvers.post("/clients/{client_id:int}/approvers/mandates/{mandate_id:int}/end")
async def end_mandate(request: Request, viewer: Viewer, client_id: int, mandate_id: int) -> Reply:
    client = await _client(viewer, client_id)
    given = await viewer.scope(Mandate).where(Mandate.client == client.id).get(mandate_id)
    done = Say("De machtiging is beëindigd. Wat eronder is goedgekeurd, blijft goedgekeurd.")
    return await _ended(client, granting.end_mandate(given, by=viewer), done)


async def _ended(client: Client, ending: Any, done: Say) -> Reply:
    try:
        await ending
    except Refused as refused:
        return go(page.url(client_id=client.id), toast=Toast(refused.why, "attention"))
    return go(page.url(client_id=client.id), toast=done)


@approvers.get("/clients/{client_id:int}/approvers/plan")
async def plan(request: Request, viewer: Viewer, client_id: int) -> Reply:
    """Of all kinds of this client, or with ?kind= of one."""
    client = await _client(viewer, client_id)
    one = await kind_asked(request, viewer)
    steps = await plans.steps_of(client.id, one.id if one else None)
    return show("approvers/plan.html", **await _plan(client, one, steps or [blank()], is_set=bool(steps)))


async def _plan(client: Client, one: ApprovalKind | None, steps: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    people = await people_of(client.id)
    named = {
        one.get("person") for step in steps for one in step["who"]
    }  # who stands in it stays to be seen, able or not
    complete = [step for step in steps if step["who"] and step["mode"] in ("all", "any", "some")]
    view = None
    if complete and one is not None and not wrong_in(complete):
        with suppress(Refused):  # half filled in: what is wrong is said when it is kept
            view = await who_would_sign(client.id, one.id, steps=complete, least=one.least_level)
    return {
        "title": client.name, "section": "clients", "tab": "approvals", "client": client, "one": one, "steps": steps, "roles": ROLES,
        "people": [known for known in people.values() if known.may("") or known.id in named], "view": view,
    } | more  # fmt: skip


@approvers.post("/clients/{client_id:int}/approvers/plan")
async def set_plan(request: Request, viewer: Viewer, client_id: int) -> Reply:
    client, form = await _client(viewer, client_id), await request.form()
    one = await kind_asked(request, viewer)
    steps = steps_in(form)
    if (changed := acted(form, steps)) is not None:
        return invalid("approvers/plan.html", **await _plan(client, one, changed, is_set=True))
    if form.get("do") == "clear":
        steps = []
    if wrong := wrong_in(steps):
        return invalid("approvers/plan.html", **await _plan(client, one, steps, is_set=True, wrong_n=wrong))
    try:
        await plans.set_client_plan(client, one.id if one else None, steps, by=viewer)
    except Refused as refused:
        return invalid("approvers/plan.html", **await _plan(client, one, steps, is_set=True, problem=refused.why))
    return go(page.url(client_id=client.id), toast=Say("Het plan is bewaard. Het geldt voor wat u vanaf nu aanbiedt."))


def day_in(form: Any, name: str) -> dt.date | None:
    """Raises Refused, at its field."""
    value = str(form.get(name, "")).strip()
    if not value:
        return None
    try:
        day: dt.date = dutch.parse_date(value)
    except Refused as refused:
        raise Refused(name, refused.why) from None
    return day
