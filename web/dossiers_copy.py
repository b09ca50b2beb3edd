"""Copying a standard structure: for whom, what it would add, and doing it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request

from models.clients import Client, ClientGroup
from models.core import Missing, Refused, Say
from models.dossiers import Dossier, Selection, apply_structure, chosen, compare, difference
from models.dossiers.matching import Standard
from models.dossiers.structures import Wanted, extra_of, give_to_new, standard_of
from models.settings import utcnow
from models.tasks import Task
from models.viewer import Viewer
from web.dossiers import home_of
from web.forms import Form, SelectField, StringField
from web.replies import Reply, go, invalid, show
from web.routing import Access, Routes

copies = Routes("copies", Access.STAFF)

SIZE = 100


class Whom(Form):
    who = SelectField(
        choices=[("all", Say("Alle cliënten")), ("group", Say("Een groep")), ("clients", Say("Deze cliënten"))],
        default="all",
    )
    group = SelectField(choices=[], coerce=int, validate_choice=False, default=0)
    numbers = StringField(default="")
    year = StringField(default="")


@copies.get("/dossiers/{dossier_id:int}/copy")
async def choose(request: Request, viewer: Viewer, dossier_id: int) -> Reply:
    structure = await _structure(viewer, dossier_id)
    return await _form(viewer, structure, Whom.blank(who="all", group=0, numbers="", year=str(_this_year())), show)


@copies.get("/dossiers/{dossier_id:int}/copy/difference")
async def preview(request: Request, viewer: Viewer, dossier_id: int) -> Reply:
    structure = await _structure(viewer, dossier_id)
    form = Whom(request.query_params)
    form.general = []
    try:
        selection = await selection_in(viewer, request.query_params)
        wanted = _wanted(request.query_params)
        rows = await compare(structure, await chosen(viewer, selection), wanted)
    except Refused as refused:
        form.refuse(Refused("numbers" if refused.field == "clients" else refused.field, refused.why))
        return await _form(viewer, structure, form, invalid)
    asked = request.query_params.get("page", "1")
    number = min(max(int(asked) if asked.isdecimal() and len(asked) < 9 else 1, 1), max(1, -(-len(rows) // SIZE)))
    rows.sort(key=lambda row: (row.adds == 0, row.is_same))
    standard = await standard_of(structure.id)
    return show(
        "dossiers/difference.html",
        title=Say("Wat er bij komt"),
        section="dossiers",
        dossier=structure,
        selection=selection,
        rows=rows[(number - 1) * SIZE : number * SIZE],
        total=len(rows),
        page=number,
        size=SIZE,
        adds=sum(row.adds for row in rows),
        receive=sum(row.adds > 0 for row in rows),
        fresh=sum(not row.has_dossier for row in rows),
        trashed=sum(row.trashed > 0 for row in rows),
        other=sum(row.other_kind > 0 for row in rows),
        renamed=sum(row.renamed > 0 for row in rows),
        extra=sum(row.extra > 0 for row in rows),
        same=sum(row.is_same for row in rows),
        wanted=wanted,
        standard=_with_depth(standard),
        dated=any(one.dated for one in standard),
        base=preview.url(dossier_id=dossier_id, year=wanted.year, **_as_query(selection)),
    )


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
    done = await apply_structure(structure, selection, _wanted(form), by=viewer)
    if isinstance(done, Task):
        return go(f"/tasks/{done.id}")
    then = f"/clients/{selection.clients[0]}/dossier" if len(selection.clients) == 1 else home_of(structure)
    return go(then, toast=Say("{n} mappen toegevoegd. Er is niets hernoemd of verwijderd.", n=done))


@copies.post("/dossiers/{dossier_id:int}/for-new")
async def for_new(request: Request, viewer: Viewer, dossier_id: int) -> Reply:
    """Whether clients that are added from now on get this structure by themselves."""
    structure = await _structure(viewer, dossier_id)
    yes = (await request.form()).get("yes") == "1"
    await give_to_new(structure, yes, by=viewer)
    said = Say("Nieuwe cliënten krijgen “{name}” meteen.", name=structure.name)
    return go(
        home_of(structure),
        toast=said if yes else Say("Nieuwe cliënten krijgen “{name}” niet meer vanzelf.", name=structure.name),
    )


def _wanted(asked: Any) -> Wanted:
    """For which book year, and which of the folders: `only` are ids, sent along with `some` where a choice was made."""
    year = asked.get("year", "").strip()
    if year and not (year.isdecimal() and 1990 <= int(year[:9]) <= 2100):
        raise Refused("year", Say("Vul een jaar in van {least} tot en met {most}.", least=1990, most=2100))
    only = (
        [int(one) for one in asked.getlist("only") if one.isdecimal() and len(one) < 10] if asked.get("some") else None
    )
    return Wanted(int(year) if year else _this_year(), None if only is None else tuple(only), asked.get("kinds") == "1")


def _this_year() -> int:
    return utcnow().year


def _with_depth(standard: list[Standard]) -> list[tuple[Standard, int]]:
    depth: dict[int | None, int] = {None: -1}
    for one in standard:
        depth[one.id] = depth[one.parent] + 1
    return [(one, depth[one.id]) for one in standard]


async def _form(viewer: Viewer, structure: Dossier, form: Whom, make: Callable[..., Reply]) -> Reply:
    groups = await viewer.groups.select(ClientGroup.id, ClientGroup.name, order=(ClientGroup.name_key,))
    form.group.choices = [(group["id"], group["name"]) for group in groups]
    return make(
        "dossiers/copy.html",
        title=Say("Kopiëren naar cliënten"),
        section="dossiers",
        dossier=structure,
        form=form,
        groups=groups,
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
    return Selection(
        who, int(group) if who == "group" and group.isdecimal() and len(group) < 10 else 0, tuple(dict.fromkeys(ids))
    )


def _as_query(selection: Selection) -> dict[str, Any]:
    return {"who": selection.who, "group": selection.group or None, "clients": list(selection.clients) or None}


async def _structure(viewer: Viewer, dossier_id: int) -> Dossier:
    dossier = await viewer.dossiers.get(dossier_id)
    if dossier.kind != "standard":
        raise Missing("Dossier", dossier_id)
    return dossier
