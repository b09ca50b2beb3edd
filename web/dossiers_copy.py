"""Copying a standard structure: for whom, what it would add, and doing it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from starlette.requests import Request

from models.clients import Client, ClientGroup
from models.core import Missing, Refused, Say
from models.dossiers import Dossier, Selection, chosen, compare, difference, whom
from models.dossiers.matching import Standard
from models.dossiers.rolling import roll_out
from models.dossiers.runs import figures
from models.dossiers.structures import KINDS_OF_DIFFERENCE, Difference, Wanted, extra_of, give_to_new, standard_of
from models.settings import utcnow
from models.viewer import Viewer
from web.dossiers import home_of
from web.forms import Form, SelectField, StringField, an_id
from web.replies import Reply, go, invalid, show
from web.routing import Access, Routes

copies = Routes("copies", Access.STAFF)

SIZE = 100
IDS = ("sector", "office", "responsible", "group", "structure")  # conditions of a rule whose values are ids


class Whom(Form):
    who = SelectField(
        choices=[
            ("all", Say("Alle cliënten")),
            ("group", Say("Een groep")),
            ("rule", Say("Cliënten die aan een regel voldoen")),
            ("clients", Say("Deze cliënten")),
        ],
        default="all",
    )
    group = SelectField(choices=[], coerce=an_id, validate_choice=False, default=0)
    numbers = StringField(default="")
    year = StringField(default="")


@copies.get("/dossiers/{dossier_id:int}/copy")
async def choose(request: Request, viewer: Viewer, dossier_id: int) -> Reply:
    structure = await _structure(viewer, dossier_id)
    return await _form(viewer, structure, Whom.blank(who="all", group=0, numbers="", year=str(_this_year())), show)


@copies.get("/dossiers/{dossier_id:int}/copy/difference")
async def preview(request: Request, viewer: Viewer, dossier_id: int) -> Reply:
    structure, asked = await _structure(viewer, dossier_id), request.query_params
    form = Whom(asked)
    form.general = []
    try:
        selection, wanted = await selection_in(viewer, asked), _wanted(asked)
        rows = await compare(structure, await chosen(viewer, replace(selection, without=())), wanted)
    except Refused as refused:
        form.refuse(Refused("numbers" if refused.field == "clients" else refused.field, refused.why))
        return await _form(viewer, structure, form, invalid, rule_in(asked))
    rows.sort(key=lambda row: (row.adds == 0, row.is_same))
    page = page_in(asked, len(rows))
    shown, without = rows[(page - 1) * SIZE : page * SIZE], set(selection.without)
    standard = await standard_of(structure.id)
    return show(
        "dossiers/difference.html",
        title=Say("Wat er bij komt"),
        section="dossiers",
        dossier=structure,
        selection=selection,
        rows=shown,
        elsewhere=sorted(without - {row.client_id for row in shown}),
        total=len(rows),
        page=page,
        pages=max(1, -(-len(rows) // SIZE)),
        size=SIZE,
        count=_counted([row for row in rows if row.client_id not in without]),
        wanted=wanted,
        standard=_with_depth(standard),
        rule=await whom.in_words(selection.rule),
    )


def _counted(rows: list[Difference]) -> dict[str, int]:
    """Over the clients that are meant: clients, receive (folders), adds, fresh (first dossier), trashed, same, and at how many
    there is a difference of each kind."""
    kinds = {kind: sum(getattr(row, kind) > 0 for row in rows) for kind in KINDS_OF_DIFFERENCE}
    return kinds | {
        "clients": len(rows),
        "receive": kinds["adds"],
        "adds": sum(row.adds for row in rows),
        "fresh": sum(not row.has_dossier for row in rows),
        "trashed": sum(row.trashed > 0 for row in rows),
        "same": sum(row.is_same for row in rows),
    }


def page_in(asked: Any, total: int, size: int = SIZE) -> int:
    """The page that an address asks for, as far as there is one."""
    number = asked.get("page", "1")
    return min(max(int(number) if number.isdecimal() and len(number) < 9 else 1, 1), max(1, -(-total // size)))


@copies.get("/dossiers/{dossier_id:int}/copy/clients/{client_id:int}")
async def tree(request: Request, viewer: Viewer, dossier_id: int, client_id: int) -> Reply:
    structure = await _structure(viewer, dossier_id)
    client = await viewer.clients.get(client_id)
    wanted = _wanted(request.query_params)
    folders = await difference(structure, client_id, wanted)
    return show(
        "dossiers/difference_tree.html",
        title=client.name,
        section="dossiers",
        dossier=structure,
        client=client,
        folders=folders,
        extra=await extra_of(structure, client_id, wanted),
        year=wanted.year,
    )


@copies.post("/dossiers/{dossier_id:int}/copies")
async def copy(request: Request, viewer: Viewer, dossier_id: int) -> Reply:
    structure = await _structure(viewer, dossier_id)
    form = await request.form()
    selection = await selection_in(viewer, form)
    run = await roll_out(structure, selection, _wanted(form), by=viewer)
    if run.task is not None:
        return go(f"/dossiers/runs/{run.id}")
    count = await figures(viewer, run)
    then = f"/clients/{selection.clients[0]}/dossier" if len(selection.clients) == 1 else f"/dossiers/runs/{run.id}"
    undo = f"/dossiers/runs/{run.id}/undo" if count["added"] else None
    if count["alike"]:
        said = Say("{n} mappen toegevoegd, {alike} gelijkgemaakt. Er is niets hernoemd of verwijderd.", n=count["added"], alike=count["alike"])  # fmt: skip
    else:
        said = Say("{n} mappen toegevoegd. Er is niets hernoemd of verwijderd.", n=count["added"])
    return go(then, toast=said, undo=undo)


@copies.get("/dossiers/{dossier_id:int}/for-new")
async def new_clients(request: Request, viewer: Viewer, dossier_id: int) -> Reply:
    structure = await _structure(viewer, dossier_id)
    rule = json.loads(structure.for_new_rule or "{}")
    return show(
        "dossiers/for_new.html", title=Say("Nieuwe cliënten"), section="dossiers", dossier=structure,
        **await _rule_fields(rule, ("dossier", "structure")),
    )  # fmt: skip


@copies.post("/dossiers/{dossier_id:int}/for-new")
async def for_new(request: Request, viewer: Viewer, dossier_id: int) -> Reply:
    """Whether clients that are added from now on get this structure by themselves, and which of them."""
    structure, form = await _structure(viewer, dossier_id), await request.form()
    yes = form.get("yes") == "1"
    await give_to_new(structure, yes, json.dumps(rule_in(form)), by=viewer)
    said = Say("Nieuwe cliënten krijgen “{name}” meteen.", name=structure.name)
    return go(
        home_of(structure),
        toast=said if yes else Say("Nieuwe cliënten krijgen “{name}” niet meer vanzelf.", name=structure.name),
    )


def rule_in(asked: Any) -> dict[str, list[Any]]:
    """The rule that was put together on a form or in an address: fields are rule_kind, rule_group, …"""
    found: dict[str, list[Any]] = {}
    for name in whom.CONDITIONS:
        values = [value for value in map(str, asked.getlist(f"rule_{name}")) if value and len(value) < 200]
        ids = [int(value) for value in values if value.isdecimal() and len(value) < 10]
        if found_values := ids if name in IDS else values:
            found[name] = list(found_values)
    return found


async def _rule_fields(typed: dict[str, list[Any]], besides: tuple[str, ...] = ()) -> dict[str, Any]:
    offered = await whom.choices()
    conditions = [(name, whom.LABELS[name], choices) for name, choices in offered.items() if name not in besides]
    return {"conditions": conditions, "typed": typed}


def _wanted(asked: Any) -> Wanted:
    """For which book year, and which of the folders: `only` are ids, sent along with `some` where a choice was made."""
    year = asked.get("year", "").strip()
    if year and not (year.isdecimal() and 1990 <= int(year[:9]) <= 2100):
        raise Refused("year", Say("Vul een jaar in van {least} tot en met {most}.", least=1990, most=2100))
    only = (
        [int(one) for one in asked.getlist("only") if one.isdecimal() and len(one) < 10] if asked.get("some") else None
    )
    alike = {name: asked.get(name) == "1" for name in ("kinds", "rights", "retention")}
    return Wanted(int(year) if year else _this_year(), None if only is None else tuple(only), **alike)


def _this_year() -> int:
    return utcnow().year


def _with_depth(standard: list[Standard]) -> list[tuple[Standard, int]]:
    depth: dict[int | None, int] = {None: -1}
    for one in standard:
        depth[one.id] = depth[one.parent] + 1
    return [(one, depth[one.id]) for one in standard]


async def _form(
    viewer: Viewer,
    structure: Dossier,
    form: Whom,
    make: Callable[..., Reply],
    typed: dict[str, list[Any]] | None = None,
) -> Reply:
    groups = await viewer.groups.select(ClientGroup.id, ClientGroup.name, order=(ClientGroup.name_key,))
    form.group.choices = [(group["id"], group["name"]) for group in groups]
    return make(
        "dossiers/copy.html",
        title=Say("Kopiëren naar cliënten"),
        section="dossiers",
        dossier=structure,
        form=form,
        groups=groups,
        **await _rule_fields(typed or {}),
    )


async def selection_in(viewer: Viewer, asked: Any) -> Selection:
    """For whom, out of a form or an address. Clients come by id, or by the numbers that the office knows them by."""
    who = asked.get("who", "all")
    group = asked.get("group", "")
    ids = [int(value) for value in asked.getlist("clients") if value.isdecimal() and len(value) < 10]
    numbers = [part.strip() for part in asked.get("numbers", "").replace(",", "\n").replace(";", "\n").split("\n")]
    if who == "clients" and (numbers := [number for number in numbers if number]):
        rows = await viewer.clients.where(Client.number.is_in(numbers[:5000])).select(Client.id, Client.number)
        known = {row["number"] for row in rows}
        if missing := [number for number in numbers if number not in known]:
            raise Refused("clients", Say("Geen cliënt met nummer {numbers}.", numbers=", ".join(missing[:10])))
        ids += [row["id"] for row in rows]
    if who != "clients":
        ids = []
    without = [int(value) for value in asked.getlist("without") if value.isdecimal() and len(value) < 10]
    rule = whom.read(asked.get("rule", "")) or whom.checked(rule_in(asked)) if who == "rule" else ""
    return Selection(
        who,
        int(group) if who == "group" and group.isdecimal() and len(group) < 10 else 0,
        tuple(dict.fromkeys(ids)),
        rule,
        tuple(dict.fromkeys(without)),
    )


async def _structure(viewer: Viewer, dossier_id: int) -> Dossier:
    dossier = await viewer.dossiers.get(dossier_id)
    if dossier.kind != "standard":
        raise Missing("Dossier", dossier_id)
    return dossier
