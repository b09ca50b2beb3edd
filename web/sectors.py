"""The list of sectors that the office keeps: adding, changing, merging and removing them."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from models.clients.sectors import VERSIONS, Sector, add_sector, counted
from models.core import Refused, Say
from models.viewer import Viewer
from web.forms import Form, SelectField, Text
from web.replies import Reply, go, invalid, show
from web.routing import Access, Routes

sectors = Routes("sectors", Access.STAFF)


class Details(Form):
    name = Text(most=120, required=True)
    sbi = Text(most=8)
    sbi_version = SelectField([(one, one) for one in VERSIONS], default=VERSIONS[0])


@sectors.get("/sectors")
async def list_(request: Request, viewer: Viewer) -> Reply:
    return show("sectors/list.html", **await _list(), form=Details.blank(sbi_version=VERSIONS[0]))


@sectors.post("/sectors")
async def add(request: Request, viewer: Viewer) -> Reply:
    form = await Details.read(request)

    async def adding(**values: Any) -> None:
        await add_sector(viewer.scope(Sector), **values)

    if await form.submit(adding, by=viewer):
        return go(list_.url(), toast=Say("Branche “{name}” toegevoegd.", name=form.name.data))
    return invalid("sectors/list.html", **await _list(), form=form)


@sectors.get("/sectors/{sector_id:int}")
async def page(request: Request, viewer: Viewer, sector_id: int) -> Reply:
    sector = await viewer.scope(Sector).get(sector_id)
    form = Details.blank(name=sector.name, sbi=sector.sbi, sbi_version=sector.sbi_version)
    return show("sectors/page.html", **await _page(sector), form=form)


@sectors.post("/sectors/{sector_id:int}")
async def change(request: Request, viewer: Viewer, sector_id: int) -> Reply:
    sector = await viewer.scope(Sector).get(sector_id)
    form = await Details.read(request)
    if await form.submit(sector.change, by=viewer):
        return go(list_.url(), toast=Say("Branche “{name}” is bewaard.", name=sector.name))
    return invalid("sectors/page.html", **await _page(sector), form=form)


@sectors.post("/sectors/{sector_id:int}/merger")
async def merge(request: Request, viewer: Viewer, sector_id: int) -> Reply:
    """Into another sector, to which its clients go."""
    sector = await viewer.scope(Sector).get(sector_id)
    typed = str((await request.form()).get("other", ""))
    if not typed.isdecimal() or len(typed) > 9:
        raise Refused("other", Say("Kies een branche."))
    other = await viewer.scope(Sector).get(int(typed))
    count = await sector.merge_into(other, by=viewer)
    words = Say("“{name}” ging op in “{other}”, met {n} cliënten.", name=sector.name, other=other.name, n=count)
    return go(list_.url(), toast=words)


@sectors.post("/sectors/{sector_id:int}/removal")
async def remove(request: Request, viewer: Viewer, sector_id: int) -> Reply:
    sector = await viewer.scope(Sector).get(sector_id)
    await sector.remove(by=viewer)
    return go(list_.url(), toast=Say("Branche “{name}” is verwijderd; de cliënten blijven.", name=sector.name))


async def _list() -> dict[str, Any]:
    return {"title": Say("Branches"), "section": "groups", "rows": await counted()}


async def _page(sector: Sector) -> dict[str, Any]:
    rows = await counted()
    return {
        "title": sector.name,
        "section": "groups",
        "sector": sector,
        "others": [row for row in rows if row["id"] != sector.id],
        "clients": next((row["n"] for row in rows if row["id"] == sector.id), 0),
    }
