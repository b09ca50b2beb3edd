"""Folders: opened, named, moved, thrown away and filled."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request

from models.core import Refused, Say
from models.dossiers import DRAFT, HANDING_IN, NOW, Folder, NewDocument, folder_of, folders_in, path_to, places_for
from models.retention import classes
from models.uploads import note_form
from models.viewer import Permission, Viewer
from web.addresses import local_path
from web.dossiers import (
    NewFolder,
    behind,
    current_of,
    dossier_page,
    folder_context,
    home_of,
    may_edit,
    tree_reply,
    undo_url,
)
from web.forms import BooleanField, Form, SelectField, StringField, Text, an_id
from web.joining import Wished, as_wished, not_joined
from web.replies import Reply, Toast, changed, go, invalid, show, wants_fragment
from web.routing import Access, Routes
from web.uploads import Received

folders = Routes("folders", Access.STAFF)


class FolderName(Form):
    name = Text(most=500, required=True)
    was = StringField(default="")


class FolderSettings(Form):
    own_only = BooleanField()
    retention = SelectField(coerce=an_id, validate_choice=False, choices=[])
    year = Text(most=40)


class Place(Form):
    parent = SelectField(coerce=an_id, validate_choice=False, choices=[])


@folders.get("/folders/{folder_id:int}")
async def page(request: Request, viewer: Viewer, folder_id: int) -> Reply:
    folder = await folder_of(viewer, folder_id)
    dossier = await viewer.dossiers.get(folder.dossier)
    return await dossier_page(
        viewer, dossier, folder=folder, number=_number(request), order=request.query_params.get("sort", "name")
    )


@folders.get("/folders/{folder_id:int}/contents")
async def contents(request: Request, viewer: Viewer, folder_id: int) -> Reply:
    folder = await viewer.folders.get(folder_id)
    number, order = _number(request), request.query_params.get("sort", "name")
    focus = re.fullmatch(r"[fd]\d{1,9}", request.query_params.get("focus", ""))
    if focus:  # a name that was not changed after all
        number, order = _on_screen(request)
    context = await folder_context(viewer, folder, number, order) | {"focus_item": focus[0] if focus else ""}
    dossier = await viewer.dossiers.get(folder.dossier)
    return changed(
        "folders/documents.html",
        then=page.url(folder_id=folder_id),
        also=(("folders/head_oob.html", {}),),
        dossier=dossier,
        may_edit=may_edit(viewer, folder.client),
        **context,
    )


def in_row(request: Request) -> bool:
    """Whether a name is changed in its line of the table, and not on a page of its own or in the tree."""
    return request.query_params.get("row") == "1" and wants_fragment(request)


async def contents_reply(
    request: Request, viewer: Viewer, folder: Folder, item: str, toast: Say, undo: str | None
) -> Reply:
    """The list in a folder as it is now, as far down as it stands on the screen; the focus goes to `item` (f1, d2)."""
    context = await folder_context(viewer, folder, *_on_screen(request))
    return changed(
        "folders/documents.html",
        then=page.url(folder_id=folder.id),
        toast=toast,
        undo=undo,
        dossier=await viewer.dossiers.get(folder.dossier),
        may_edit=may_edit(viewer, folder.client),
        **context | {"focus_item": item},
    )


def _on_screen(request: Request) -> tuple[int, str]:
    """The page and the order of the list on the page from which htmx asks."""
    asked = dict(parse_qsl(urlsplit(request.headers.get("hx-current-url", "")).query))
    number = asked.get("page", "")
    return int(number) if number.isdecimal() and 0 < len(number) < 9 else 1, asked.get("sort", "name")


@folders.get("/folders/{folder_id:int}/children")
async def children(request: Request, viewer: Viewer, folder_id: int) -> Reply:
    folder = await folder_of(viewer, folder_id)
    after, until = behind(request)
    return show(
        "folders/children.html",
        title=folder.name,
        section="dossiers",
        nodes=await folders_in(viewer, folder, after, until),
        dossier=None,
        may_edit=may_edit(viewer, folder.client),
        current=current_of(request),
    )


@folders.get("/folders/{folder_id:int}/row")
async def row(request: Request, viewer: Viewer, folder_id: int) -> Reply:
    folder = await viewer.folders.get(folder_id)
    return show("folders/row.html", title=folder.name, section="dossiers", **await _row(request, viewer, folder))


@folders.get("/folders/{folder_id:int}/name")
async def name(request: Request, viewer: Viewer, folder_id: int) -> Reply:
    folder = await viewer.folders.get(folder_id)
    return await _name(request, folder, FolderName.blank(name=folder.name, was=folder.name), show)


async def _name(request: Request, folder: Folder, form: FolderName, make: Callable[..., Reply]) -> Reply:
    if in_row(request):
        place = {
            "item": f"f{folder.id}",
            "action": rename.url(folder_id=folder.id),
            "folder_id": folder.parent or folder.id,
        }
        return make(
            "items/name.html", title=Say("Naam wijzigen"), section="dossiers", name=folder.name, form=form, **place
        )
    return make("folders/name.html", title=Say("Naam wijzigen"), section="dossiers", folder=folder, form=form)


@folders.post("/folders/{folder_id:int}/name")
async def rename(request: Request, viewer: Viewer, folder_id: int) -> Reply:
    folder = await viewer.folders.get(folder_id)
    form = await FolderName.read(request)
    if await form.submit(folder.rename, by=viewer):
        then = page.url(folder_id=folder_id)
        toast, undo = Say("De map heet nu “{name}”.", name=folder.name), await undo_url(viewer)
        if in_row(request) and folder.parent:
            above = await viewer.folders.get(folder.parent)
            return await contents_reply(request, viewer, above, f"f{folder_id}", toast, undo)
        return changed("folders/row.html", then=then, toast=toast, undo=undo, **await _row(request, viewer, folder))
    return await _name(request, folder, form, invalid)


async def _row(request: Request, viewer: Viewer, folder: Folder) -> dict[str, Any]:
    context = await folder_context(viewer, folder)
    node = {"id": folder.id, "name": folder.name, "kind": folder.kind, "documents": context["total"]}
    return {
        "node": node,
        "current": current_of(request),
        "may_edit": may_edit(viewer, folder.client),
        "focus_row": True,
    }


@folders.get("/folders/{folder_id:int}/folders/new")
async def new_folder(request: Request, viewer: Viewer, folder_id: int) -> Reply:
    folder = await viewer.folders.get(folder_id)
    return show(
        "folders/new.html",
        title=Say("Map toevoegen"),
        section="dossiers",
        **_adding(folder, NewFolder.blank(kind=folder.kind)),
    )


@folders.post("/folders/{folder_id:int}/folders")
async def add_folder(request: Request, viewer: Viewer, folder_id: int) -> Reply:
    folder = await viewer.folders.get(folder_id)
    form = await NewFolder.read(request)
    if await form.submit(folder.add_folder, by=viewer):
        toast = Say("De map “{name}” is toegevoegd.", name=form.name.data)
        undo = await undo_url(viewer)
        return await tree_reply(request, viewer, folder.dossier, page.url(folder_id=folder_id), toast, undo=undo)
    return invalid("folders/new.html", title=Say("Map toevoegen"), section="dossiers", **_adding(folder, form))


def _adding(folder: Folder, form: NewFolder) -> dict[str, Any]:
    return {
        "form": form,
        "into": folder,
        "action": add_folder.url(folder_id=folder.id),
        "back": page.url(folder_id=folder.id),
    }


@folders.get("/folders/{folder_id:int}/parent")
async def parent(request: Request, viewer: Viewer, folder_id: int) -> Reply:
    folder = await viewer.folders.get(folder_id)
    return await _parent(viewer, folder, Place.blank(parent=folder.parent or 0), show)


@folders.post("/folders/{folder_id:int}/parent")
async def move(request: Request, viewer: Viewer, folder_id: int) -> Reply:
    folder = await viewer.folders.get(folder_id)
    form = await Place.read(request)
    form.parent.choices = []
    if await form.submit(folder.move, by=viewer):
        toast = Say("De map “{name}” is verplaatst.", name=folder.name)
        then, undo = page.url(folder_id=folder_id), await undo_url(viewer)
        return await tree_reply(request, viewer, folder.dossier, then, toast, undo=undo, moved=folder)
    return await _parent(viewer, folder, form, invalid)


async def _parent(viewer: Viewer, folder: Folder, form: Place, make: Callable[..., Reply]) -> Reply:
    places = await places_for(viewer, folder.dossier, besides=folder.id)
    top = [(0, Say("Bovenaan, in geen andere map"))]
    form.parent.choices = [*top, *((one["id"], "\u2003" * one["depth"] + one["name"]) for one in places)]
    return make("folders/parent.html", title=Say("Map verplaatsen"), section="dossiers", folder=folder, form=form)


@folders.post("/folders/{folder_id:int}/position")
async def reorder(request: Request, viewer: Viewer, folder_id: int) -> Reply:
    folder = await viewer.folders.get(folder_id)
    direction = "up" if (await request.form()).get("direction") == "up" else "down"
    await folder.reorder(direction, by=viewer)
    then, undo = page.url(folder_id=folder_id), await undo_url(viewer)
    return await tree_reply(request, viewer, folder.dossier, then, Say("De volgorde is bewaard."), undo=undo)


@folders.post("/folders/{folder_id:int}/kind")
async def change_kind(request: Request, viewer: Viewer, folder_id: int) -> Reply:
    folder = await viewer.folders.get(folder_id)
    await folder.change_kind(str((await request.form()).get("kind", "")), by=viewer)
    toast = Say("De soort van “{name}” is gewijzigd.", name=folder.name)
    return go(page.url(folder_id=folder_id), toast=toast, undo=await undo_url(viewer))


@folders.get("/folders/{folder_id:int}/settings")
async def settings(request: Request, viewer: Viewer, folder_id: int) -> Reply:
    folder = await viewer.folders.get(folder_id)
    form = FolderSettings.blank(own_only=folder.own_only, retention=folder.retention or 0, year=str(folder.year or ""))
    return await _settings(folder, form, show)


@folders.post("/folders/{folder_id:int}/settings")
async def set_up(request: Request, viewer: Viewer, folder_id: int) -> Reply:
    folder = await viewer.folders.get(folder_id)
    form = await FolderSettings.read(request)
    form.retention.choices = []
    if await form.submit(_setting_up(folder), by=viewer):
        toast = Say("De instellingen van “{name}” zijn bewaard.", name=folder.name)
        return go(page.url(folder_id=folder_id), toast=toast, undo=await undo_url(viewer))
    return await _settings(folder, form, invalid)


def _setting_up(folder: Folder) -> Callable[..., Any]:
    async def submit(own_only: bool, retention: int, year: str, *, by: Viewer) -> None:
        if year and not (year.isdecimal() and len(year) < 9):
            raise Refused("year", Say("Vul een jaar in, bijvoorbeeld 2026."))
        await folder.set_up(own_only, retention or None, int(year) if year else None, by=by)

    return submit


async def _settings(folder: Folder, form: FolderSettings, make: Callable[..., Reply]) -> Reply:
    form.retention.choices = [(0, Say("Geen bewaartermijn")), *((one["id"], one["name"]) for one in await classes())]
    return make("folders/settings.html", title=Say("Map instellen"), section="dossiers", folder=folder, form=form)


@folders.get("/folders/{folder_id:int}/removal")
async def removal(request: Request, viewer: Viewer, folder_id: int) -> Reply:
    folder = await viewer.folders.get(folder_id)
    return show("folders/removal.html", title=Say("Naar de prullenbak"), section="dossiers", folder=folder)


@folders.post("/folders/{folder_id:int}/removal")
async def trash(request: Request, viewer: Viewer, folder_id: int) -> Reply:
    folder = await viewer.folders.get(folder_id)
    stands_in_it = await _is_open(request, viewer, folder)
    await folder.trash(by=viewer)
    then = page.url(folder_id=folder.parent) if folder.parent else home_of(await viewer.dossiers.get(folder.dossier))
    toast, undo = Say("De map “{name}” ligt in de prullenbak.", name=folder.name), restore.url(folder_id=folder_id)
    if stands_in_it:
        return go(then, toast=toast, undo=undo)
    return await tree_reply(request, viewer, folder.dossier, then, toast, undo=undo)


async def _is_open(request: Request, viewer: Viewer, folder: Folder) -> bool:
    """Whether the page from which htmx asks shows this folder or one that lies in it."""
    current = current_of(request)
    shown = await viewer.folders.where(Folder.id == current).find() if current else None
    return shown is not None and folder.id in {step["id"] for step in await path_to(viewer, shown)}


@folders.post("/folders/{folder_id:int}/restoration")
async def restore(request: Request, viewer: Viewer, folder_id: int) -> Reply:
    folder = await viewer.folders.get(folder_id)
    name = await folder.restore(by=viewer)
    return go(page.url(folder_id=folder_id), toast=Say("De map “{name}” is terug.", name=name))


async def may_upload(request: Request, viewer: Viewer, folder_id: int) -> None:
    """Says no before a byte is read."""
    folder = await viewer.folders.get(folder_id)
    viewer.require(Permission.UPLOAD_DOCUMENTS if viewer.is_client else Permission.EDIT_DOSSIERS, folder)
    if viewer.is_client and folder.kind not in HANDING_IN:
        raise Refused("files", Say("In deze map kunt u niets aanleveren. Kies een uploadmap."))


@folders.upload("/folders/{folder_id:int}/documents", before=may_upload, after=as_wished, access=Access.SIGNED_IN)
async def upload(request: Request, viewer: Viewer, received: Received, prepared: Wished, folder_id: int) -> Reply:
    """Clients come here too; the field `back` says where the form stood."""
    folder = await viewer.folders.get(folder_id)
    if not received.files:
        received.one_file("files")
    files = prepared.files
    publish = DRAFT if received.fields.get("publish") == "draft" else NOW
    added = await folder.add_documents(files, publish, by=viewer)
    await prepared.note(folder, added[0].name, viewer)
    await note_form(folder, added, received.turned_away, by=viewer)
    back = local_path(str(received.fields.get("back", ""))) or (
        page.url(folder_id=folder_id) if viewer.is_staff else "/portal/dossier"
    )
    if prepared.why:
        return go(back, toast=Toast(not_joined(len(files), prepared.why), "attention"))
    said = _outcome([document.name for document in added], files, received)
    return go(back, toast=Toast(said, "attention") if received.refused else said)


def _outcome(names: list[str], files: list[NewDocument], received: Received) -> Say:
    """What became of the files: received, under another name, or not taken in."""
    renamed = [name for name, file in zip(names, files, strict=True) if name != file.name]
    if whys := list(dict.fromkeys(one.why for one in received.refused)):
        return Say(
            "{n} ontvangen, {m} niet: {why}",
            n=len(names),
            m=len(received.refused),
            why=functools.reduce(lambda said, more: Say("{said} {more}", said=said, more=more), whys[:3]),
        )
    if renamed:
        return Say(
            "{n} ontvangen. De naam bestond al, dus heet het nu: {names}.", n=len(names), names=", ".join(renamed[:5])
        )
    return (
        Say("“{name}” is ontvangen.", name=names[0])
        if len(names) == 1
        else Say("{n} bestanden ontvangen.", n=len(names))
    )


def _number(request: Request) -> int:
    asked = request.query_params.get("page", "1")
    return int(asked) if asked.isdecimal() and len(asked) < 9 else 1
