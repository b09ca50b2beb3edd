"""Who reads a general dossier: all clients, groups, sectors, or whoever follows a rule; and how many that would be."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from wtforms.widgets import CheckboxInput, ListWidget

from models.clients import ClientGroup
from models.clients.grouping import choices
from models.clients.rules import CONDITIONS, LABELS
from models.clients.sectors import Sector
from models.core import Say
from models.dossiers import Dossier, DossierGroup, DossierSector
from models.dossiers.audience import publish_by_rule, readers_of, rule_of
from models.viewer import Viewer
from web.dossiers import dossiers, page, shared
from web.forms import Form, SelectField, SelectMultipleField, an_id
from web.groups import rule_in
from web.replies import Reply, go, invalid, show
from web.settings import MODULE_NAMES

AUDIENCES = [
    ("all", Say("Alle cliënten")),
    ("groups", Say("Cliënten in deze groepen")),
    ("sector", Say("Cliënten in deze branches")),
    ("rule", Say("Cliënten die aan een regel voldoen")),
]


class Audience(Form):
    audience = SelectField(choices=AUDIENCES)
    groups = SelectMultipleField(
        coerce=an_id, validate_choice=False, widget=ListWidget(), option_widget=CheckboxInput()
    )
    sectors = SelectMultipleField(
        coerce=an_id, validate_choice=False, widget=ListWidget(), option_widget=CheckboxInput()
    )


@dossiers.get("/dossiers/{dossier_id:int}/audience")
async def audience(request: Request, viewer: Viewer, dossier_id: int) -> Reply:
    dossier = await shared(viewer, dossier_id)
    if "audience" in request.query_params:  # counted without a script
        form = Audience.blank(**_chosen(request.query_params))
        return await _audience(viewer, dossier, form, rule_in(request.query_params), show)
    groups = (
        await viewer.scope(DossierGroup).where(DossierGroup.dossier == dossier_id).select(DossierGroup.client_group)
    )
    sectors = await viewer.scope(DossierSector).where(DossierSector.dossier == dossier_id).select(DossierSector.sector)
    rule = await rule_of(dossier)
    form = Audience.blank(
        audience="rule" if rule else dossier.audience,
        groups=[row["client_group"] for row in groups],
        sectors=[row["sector"] for row in sectors],
    )
    return await _audience(viewer, dossier, form, json.loads(rule or "{}"), show)


@dossiers.get("/dossiers/{dossier_id:int}/audience/count")
async def count_audience(request: Request, viewer: Viewer, dossier_id: int) -> Reply:
    await shared(viewer, dossier_id)
    chosen = _chosen(request.query_params)
    return show(
        "dossiers/audience_count.html", readers=await readers_of(viewer, **chosen, rule=rule_in(request.query_params))
    )


@dossiers.post("/dossiers/{dossier_id:int}/audience")
async def publish(request: Request, viewer: Viewer, dossier_id: int) -> Reply:
    dossier = await shared(viewer, dossier_id)
    form, typed = await Audience.read(request), rule_in(await request.form())
    form.groups.choices = form.sectors.choices = []

    async def publishing(audience: str, **chosen: Any) -> None:
        if audience == "rule":
            await publish_by_rule(dossier, typed, by=viewer)
        else:
            await dossier.publish(audience, **chosen, by=viewer)

    if await form.submit(publishing):
        return go(page.url(dossier_id=dossier_id), toast=Say("Wie “{name}” leest is bewaard.", name=dossier.name))
    return await _audience(viewer, dossier, form, typed, invalid)


def _chosen(asked: Any) -> dict[str, Any]:
    def ids(name: str) -> list[int]:
        return [int(one) for one in asked.getlist(name) if one.isdecimal() and len(one) < 10]

    return {"audience": asked.get("audience", ""), "groups": ids("groups"), "sectors": ids("sectors")}


async def _audience(
    viewer: Viewer, dossier: Dossier, form: Audience, typed: dict[str, list[Any]], make: Callable[..., Reply]
) -> Reply:
    selections = viewer.groups.where(ClientGroup.purpose == "selection")
    groups = await selections.select(ClientGroup.id, ClientGroup.name, order=(ClientGroup.name_key,))
    sectors = await viewer.scope(Sector).select(Sector.id, Sector.name, order=(Sector.name_key,))
    form.groups.choices = [(group["id"], group["name"]) for group in groups]
    form.sectors.choices = [(one["id"], one["name"]) for one in sectors]
    offered = await choices() | {"module": list(MODULE_NAMES.items())}
    chosen: dict[str, Any] = {
        "audience": form.audience.data or "",
        "groups": form.groups.data or [],
        "sectors": form.sectors.data or [],
    }
    return make(
        "dossiers/audience.html",
        title=Say("Wie leest dit"),
        section="dossiers",
        dossier=dossier,
        form=form,
        conditions=[(name, LABELS[name], offered[name]) for name in CONDITIONS if offered.get(name)],
        typed=typed,
        readers=await readers_of(viewer, **chosen, rule=typed),
    )
