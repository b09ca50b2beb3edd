"""Dossiers: standard structures and general ones, a client's dossier, and the trash of each."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request

from models import config
from models.clients import Client
from models.core import Missing, Refused, Say
from models.dossiers import (
    Dossier,
    Folder,
    add_structure,
    contents_of,
    counted_in,
    dossier_of,
    dossiers_for,
    folders_in,
    open_dossier,
    path_to,
    tops_of,
    tree_of,
)
from models.dossiers import years as booking
from models.dossiers.publishing import PERIODS
from models.dossiers.starter import STRUCTURES
from models.dossiers.structures import add_starter
from models.dossiers.trees import ORDERS
from models.dossiers.undoing import latest_act
from models.scanning import shut_documents
from models.settings import this_day
from models.viewer import Viewer
from web.addresses import address_for
from web.forms import Form, SelectField, Text
from web.replies import Reply, changed, go, invalid, show
from web.routing import Access, Routes

dossiers = Routes("dossiers", Access.STAFF)

SIZE = 100  # folders, and as many documents, of a folder on one page
OPENED = "poort-open"  # the header in which a tree says what stands open in it: folder:shown, by commas
KINDS = [
    ("office", Say("Van kantoor: de cliënt leest mee")),
    ("upload", Say("Uploadmap: de cliënt levert hier aan")),
    ("both", Say("Beide: kantoor en cliënt zetten hier stukken neer")),
    ("internal", Say("Intern: alleen voor kantoor")),
]


class Name(Form):
    name = Text(most=500, required=True)


class NewFolder(Form):
    name = Text(most=500, required=True)
    kind = SelectField(choices=KINDS, default="office")


@dossiers.get("/dossiers")
async def structures(request: Request, viewer: Viewer) -> Reply:
    return await _list(viewer, show)


async def _list(viewer: Viewer, make: Any, **forms: Form) -> Reply:
    blank = {"standard": Name.blank(), "general": Name.blank()}
    proposed = booking.proposed(this_day())
    if proposed and not await booking.is_any_dated():
        proposed = None
    return make(  # type: ignore[no-any-return]
        "dossiers/list.html",
        title=Say("Dossiers"),
        section="dossiers",
        standard=await dossiers_for(viewer, "standard"),
        general=await dossiers_for(viewer, "general"),
        forms=blank | forms,
        proposed=proposed,
        ready=await booking.latest(viewer, proposed) if proposed else None,
        starters=[(key, name) for key, (name, _) in STRUCTURES.items()],
    )


@dossiers.post("/dossiers/standard")
async def add_standard(request: Request, viewer: Viewer) -> Reply:
    return await _add(request, viewer, "standard")


@dossiers.post("/dossiers/general")
async def add_general(request: Request, viewer: Viewer) -> Reply:
    return await _add(request, viewer, "general")


@dossiers.post("/dossiers/starter")
async def add_example(request: Request, viewer: Viewer) -> Reply:
    """One of the structures that are typical of Dutch clients."""
    form = Name.blank()
    try:
        made = await add_starter(str((await request.form()).get("key", "")), by=viewer)
    except Refused as refused:
        form.refuse(Refused("name", refused.why))
        return await _list(viewer, invalid, standard=form)
    return go(page.url(dossier_id=made.id), toast=Say("“{name}” is gemaakt.", name=made.name))


async def _add(request: Request, viewer: Viewer, kind: str) -> Reply:
    form, made = await Name.read(request), []

    async def add(name: str) -> None:
        made.append(await add_structure(kind, name, by=viewer))

    if await form.submit(add):
        return go(page.url(dossier_id=made[0].id), toast=Say("“{name}” is gemaakt.", name=made[0].name))
    return await _list(viewer, invalid, **{kind: form})


@dossiers.get("/dossiers/{dossier_id:int}")
async def page(request: Request, viewer: Viewer, dossier_id: int) -> Reply:
    dossier = await viewer.dossiers.get(dossier_id)
    return await dossier_page(viewer, dossier)


@dossiers.get("/clients/{client_id:int}/dossier")
async def client(request: Request, viewer: Viewer, client_id: int) -> Reply:
    found = await viewer.clients.get(client_id)
    dossier = await dossier_of(viewer, client_id)
    if dossier is not None:
        return await dossier_page(viewer, dossier, client=found)
    return show(
        "dossiers/none.html",
        title=found.name,
        section="clients",
        client=found,
        standard=await dossiers_for(viewer, "standard"),
        form=NewFolder.blank(kind="office"),
    )


async def dossier_page(
    viewer: Viewer,
    dossier: Dossier,
    *,
    client: Client | None = None,
    folder: Folder | None = None,
    number: int = 1,
    order: str = "name",
) -> Reply:
    """The tree at the left and the open folder at the right."""
    if client is None and dossier.client is not None:
        client = await viewer.clients.get(dossier.client)
    return show(
        "dossiers/page.html",
        title=folder.name if folder else (client.name if client else dossier.name),
        section="clients" if client else "dossiers",
        client=client,
        standard=await dossiers_for(viewer, "standard") if client else [],
        **await tree_context(viewer, dossier, folder.id if folder else None),
        **await folder_context(viewer, folder, number, order),
    )


async def tree_context(
    viewer: Viewer,
    dossier: Dossier,
    current: int | None,
    moved: Folder | None = None,
    opened: dict[int, int] | None = None,
) -> dict[str, Any]:
    return {
        "dossier": dossier,
        "tree": await tree_of(viewer, dossier.id, current, moved.parent if moved else None, opened),
        "current": current,
        "moved": moved,
        "may_edit": may_edit(viewer, dossier.client),
    }


async def folder_context(viewer: Viewer, folder: Folder | None, number: int = 1, order: str = "name") -> dict[str, Any]:
    if folder is None:
        return {
            "folder": None,
            "path": [],
            "documents": [],
            "total": 0,
            "total_folders": 0,
            "page": 1,
            "size": SIZE,
            "focus_item": "",
        }
    number, offset = max(number, 1), (max(number, 1) - 1) * SIZE
    order = order if order.lstrip("-") in ORDERS else "name"
    here = f"/folders/{folder.id}"
    within, total = await counted_in(folder)
    folders = await folders_in(viewer, folder, offset, most=SIZE) if offset < within else []
    documents = await contents_of(viewer, folder, SIZE, offset, order)
    return {
        "folder": folder,
        "path": await path_to(viewer, folder),
        "documents": documents,
        "total": total,
        "total_folders": within,
        "page": number,
        "size": SIZE,
        "sort": order,
        "focus_item": "",
        "unsorted": here,
        "base": f"{here}?sort={order}" if order != "name" else here,
        "folders": folders,
        "periods": PERIODS,
        "shut": await shut_documents([one["id"] for one in documents]),
        "upload_limit": config.settings().max_upload,
    }


def may_edit(viewer: Viewer, client_id: int | None) -> bool:
    right = "edit_dossiers" if client_id is not None else "edit_structures"
    return viewer.view_as is None and viewer.may(right)


def current_of(request: Request) -> int | None:
    """The folder that is open on the page from which htmx asks."""
    found = re.search(r"/folders/(\d{1,9})$", urlsplit(request.headers.get("hx-current-url", "")).path)
    return int(found[1]) if found else None


def opened_in(request: Request) -> dict[int, int]:
    """The folders that stand open in the tree on the screen, each with how many of the folders in it are shown there."""
    pairs = re.findall(r"(\d{1,9}):(\d{1,4})(?:,|$)", request.headers.get(OPENED, "")[:4_000])
    return {int(folder): int(shown) for folder, shown in pairs}


def behind(request: Request) -> tuple[int, int | None]:
    """Of folders beside each other: after how many, and before which place that is on the screen already."""
    after, until = (request.query_params.get(name, "") for name in ("after", "until"))
    number = int(after) if after.isdecimal() and len(after) < 6 else 0
    return number, int(until) if until.isdecimal() and 0 < len(until) < 6 else None


async def undo_url(viewer: Viewer) -> str:
    """The address that undoes what the viewer did just now."""
    return address_for("items.undo", act_id=await latest_act(viewer))


async def tree_reply(
    request: Request,
    viewer: Viewer,
    dossier_id: int,
    then: str,
    toast: Say,
    undo: str | None = None,
    moved: Folder | None = None,
) -> Reply:
    """After a change in the tree: the tree as it is now, open where a folder went."""
    dossier = await viewer.dossiers.get(dossier_id)
    context = await tree_context(viewer, dossier, current_of(request), moved, opened_in(request))
    return changed("dossiers/tree.html", then=then, toast=toast, undo=undo, **context)


@dossiers.get("/dossiers/{dossier_id:int}/tree")
async def tree(request: Request, viewer: Viewer, dossier_id: int) -> Reply:
    dossier = await viewer.dossiers.get(dossier_id)
    asked = request.query_params.get("current", "")
    current = int(asked) if asked.isdecimal() and len(asked) < 10 else None
    shown = request.query_params.get("top", "")
    opened = opened_in(request) | ({0: min(int(shown), 5_000)} if shown.isdecimal() and len(shown) < 6 else {})
    context = await tree_context(viewer, dossier, current, opened=opened)
    return show("dossiers/tree.html", title=dossier.name, section="dossiers", **context)


@dossiers.get("/dossiers/{dossier_id:int}/tops")
async def tops(request: Request, viewer: Viewer, dossier_id: int) -> Reply:
    """The folders at the top that come after those that are shown."""
    dossier = await viewer.dossiers.get(dossier_id)
    after, until = behind(request)
    return show(
        "folders/children.html",
        title=dossier.name,
        section="dossiers",
        nodes=await tops_of(viewer, dossier, after, until),
        dossier=dossier,
        may_edit=may_edit(viewer, dossier.client),
        current=current_of(request),
    )


def home_of(dossier: Dossier) -> str:
    """The address of a dossier's page."""
    if dossier.client is not None:
        return client.url(client_id=dossier.client)
    return page.url(dossier_id=dossier.id)


@dossiers.get("/dossiers/{dossier_id:int}/folders/new")
async def new_folder(request: Request, viewer: Viewer, dossier_id: int) -> Reply:
    dossier = await viewer.dossiers.get(dossier_id)
    return show(
        "folders/new.html",
        title=Say("Map toevoegen"),
        section="dossiers",
        **_adding(dossier, NewFolder.blank(kind="office")),
    )


@dossiers.post("/dossiers/{dossier_id:int}/folders")
async def add_folder(request: Request, viewer: Viewer, dossier_id: int) -> Reply:
    dossier = await viewer.dossiers.get(dossier_id)
    form = await NewFolder.read(request)
    if await form.submit(dossier.add_folder, by=viewer):
        toast = Say("De map “{name}” is toegevoegd.", name=form.name.data)
        return await tree_reply(request, viewer, dossier.id, home_of(dossier), toast, undo=await undo_url(viewer))
    return invalid("folders/new.html", title=Say("Map toevoegen"), section="dossiers", **_adding(dossier, form))


def _adding(dossier: Dossier, form: NewFolder) -> dict[str, Any]:
    return {"form": form, "into": None, "action": add_folder.url(dossier_id=dossier.id), "back": home_of(dossier)}


@dossiers.post("/clients/{client_id:int}/folders")
async def add_first_folder(request: Request, viewer: Viewer, client_id: int) -> Reply:
    found = await viewer.clients.get(client_id)
    form = await NewFolder.read(request)

    async def add(name: str, kind: str) -> None:
        await (await open_dossier(found, by=viewer)).add_folder(name=name, kind=kind, by=viewer)

    if await form.submit(add):
        return go(client.url(client_id=client_id), toast=Say("De map “{name}” is toegevoegd.", name=form.name.data))
    standard = await dossiers_for(viewer, "standard")
    return invalid(
        "dossiers/none.html", title=found.name, section="clients", client=found, standard=standard, form=form
    )


@dossiers.get("/dossiers/{dossier_id:int}/name")
async def name(request: Request, viewer: Viewer, dossier_id: int) -> Reply:
    dossier = await shared(viewer, dossier_id)
    return show(
        "dossiers/name.html",
        title=Say("Naam wijzigen"),
        section="dossiers",
        dossier=dossier,
        form=Name.blank(name=dossier.name),
    )


@dossiers.post("/dossiers/{dossier_id:int}/name")
async def rename(request: Request, viewer: Viewer, dossier_id: int) -> Reply:
    dossier = await shared(viewer, dossier_id)
    form = await Name.read(request)
    if await form.submit(dossier.rename, by=viewer):
        return go(page.url(dossier_id=dossier_id), toast=Say("De naam is nu “{name}”.", name=dossier.name))
    return invalid("dossiers/name.html", title=Say("Naam wijzigen"), section="dossiers", dossier=dossier, form=form)


@dossiers.get("/dossiers/{dossier_id:int}/removal")
async def removal(request: Request, viewer: Viewer, dossier_id: int) -> Reply:
    dossier = await shared(viewer, dossier_id)
    counts = next(row for row in await dossiers_for(viewer, dossier.kind) if row["id"] == dossier_id)
    return show("dossiers/removal.html", title=Say("Verwijderen"), section="dossiers", dossier=dossier, counts=counts)


@dossiers.post("/dossiers/{dossier_id:int}/removal")
async def remove(request: Request, viewer: Viewer, dossier_id: int) -> Reply:
    dossier = await shared(viewer, dossier_id)
    await dossier.remove(by=viewer)
    return go(structures.url(), toast=Say("“{name}” is verwijderd.", name=dossier.name))


async def shared(viewer: Viewer, dossier_id: int) -> Dossier:
    """A standard structure or general dossier. A client's has a fixed name and stays."""
    dossier = await viewer.dossiers.get(dossier_id)
    if dossier.kind == "client":
        raise Missing("Dossier", dossier_id)
    return dossier
