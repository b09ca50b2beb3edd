"""The days from which terms count: of one document, folder or client, and of many at once."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from models.core import Refused, Say
from models.dossiers import DocumentKind, Folder
from models.dutch import parse_date
from models.keeping.anchors import keep_kind, set_anchor, set_keeping, set_many, without_anchor
from models.keeping.holds import on_folder
from models.keeping.records import may_keep
from models.retention import ANCHORS
from models.settings import Firm
from models.viewer import Viewer
from web.client_details import DateText
from web.dossiers import may_edit
from web.forms import Form, SelectField, Text
from web.keeping import about, allow
from web.replies import Reply, go, invalid, show
from web.routing import Access, Routes
from web.settings import allow as allow_settings

keeping = Routes("keeping", Access.STAFF)

MONTHS = [
    (1, Say("januari")), (2, Say("februari")), (3, Say("maart")), (4, Say("april")), (5, Say("mei")), (6, Say("juni")),
    (7, Say("juli")), (8, Say("augustus")), (9, Say("september")), (10, Say("oktober")), (11, Say("november")), (12, Say("december")),
]  # fmt: skip


class Anchor(Form):
    anchor_on = DateText()


class OfClient(Form):
    year_end_month = SelectField(MONTHS, coerce=int)
    relation_ended_on = DateText()
    extension_months = Text(most=9)


@keeping.get("/keeping/anchors")
async def missing(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    return show("keeping/missing.html", **await _missing(None))


@keeping.post("/keeping/anchors")
async def set_missing(request: Request, viewer: Viewer) -> Reply:
    """For the ticked folders: a book year, or a day."""
    allow(viewer)
    form = await request.form()
    ids = [int(one) for one in form.getlist("ids") if isinstance(one, str) and one.isdecimal() and len(one) < 10]
    anchor, typed = str(form.get("anchor", "")), str(form.get("value", "")).strip()
    try:
        if not ids:
            raise Refused("ids", Say("Kies eerst een of meer mappen."))
        if anchor not in ANCHORS:
            raise Refused("anchor", Say("Kies een van de mogelijkheden."))
        year = int(typed) if anchor == "book_year" and typed.isdecimal() and len(typed) == 4 else None
        day = _day(typed) if anchor != "book_year" else None
        count = await set_many(viewer.scope(Folder), ids, anchor, year, day, by=viewer)
    except Refused as refused:
        return invalid("keeping/missing.html", **await _missing(refused, anchor, typed, set(ids)))
    return go(missing.url(anchor=anchor), toast=Say("Bij {n} mappen of cliënten ingevuld.", n=count))


def _day(typed: str) -> Any:
    return parse_date(typed) if typed else None


async def _missing(
    refused: Refused | None, anchor: str = "", typed: str = "", ticked: set[int] | None = None
) -> dict[str, Any]:
    last, rows = await without_anchor()
    return about(
        "anchors", Say("Ankerdatum ontbreekt"), made=last, rows=rows, anchors=ANCHORS, groups=[key for key in ANCHORS if any(row["anchor"] == key for row in rows)],
        why=refused.why if refused else None, wrong=anchor, typed=typed, ticked=ticked or set(),
    )  # fmt: skip


@keeping.post("/documents/{document_id:int}/anchor")
async def set_document_anchor(request: Request, viewer: Viewer, document_id: int) -> Reply:
    document = await viewer.documents.get(document_id)
    form = await Anchor.read(request)
    if form.errors:
        raise Refused("anchor_on", Say("Schrijf de dag als 31-12-2026."))
    anchor_on: Any = form.anchor_on.data
    await set_anchor(document, anchor_on, by=viewer)
    return go(f"/documents/{document_id}", toast=Say("De ankerdatum is bewaard."))


@keeping.get("/folders/{folder_id:int}/keeping")
async def folder_keeping(request: Request, viewer: Viewer, folder_id: int) -> Reply:
    folder = await viewer.folders.get(folder_id)
    return show("keeping/folder.html", **await _folder(viewer, folder, Anchor.blank(anchor_on=folder.anchor_on)))


@keeping.post("/folders/{folder_id:int}/keeping")
async def set_folder_anchor(request: Request, viewer: Viewer, folder_id: int) -> Reply:
    folder = await viewer.folders.get(folder_id)
    form = await Anchor.read(request)

    async def setting(anchor_on: Any) -> None:
        await set_anchor(folder, anchor_on, by=viewer)

    if await form.submit(setting):
        return go(f"/folders/{folder_id}", toast=Say("De ankerdatum is bewaard."))
    return invalid("keeping/folder.html", **await _folder(viewer, folder, form))


async def _folder(viewer: Viewer, folder: Folder, form: Anchor) -> dict[str, Any]:
    return {
        "title": Say("Bewaren"), "section": "dossiers", "folder": folder, "form": form, "holds": await on_folder(folder),
        "may_hold": may_keep(viewer), "may_edit": may_edit(viewer, folder.client),
    }  # fmt: skip


@keeping.get("/clients/{client_id:int}/keeping")
async def client_keeping(request: Request, viewer: Viewer, client_id: int) -> Reply:
    client = await viewer.clients.get(client_id)
    form = OfClient.blank(
        year_end_month=client.year_end_month, relation_ended_on=client.relation_ended_on,
        extension_months="" if client.extension_months is None else str(client.extension_months),
    )  # fmt: skip
    return show("keeping/client.html", **await _client(viewer, client, form))


@keeping.post("/clients/{client_id:int}/keeping")
async def change_client_keeping(request: Request, viewer: Viewer, client_id: int) -> Reply:
    client = await viewer.clients.get(client_id)
    form = await OfClient.read(request)

    async def setting(year_end_month: int, relation_ended_on: Any, extension_months: str) -> None:
        if extension_months and not (extension_months.isdecimal() and len(extension_months) < 4):
            raise Refused(
                "extension_months", Say("Vul een heel getal in van {least} tot en met {most}.", least=0, most=60)
            )
        months = int(extension_months) if extension_months else None
        await set_keeping(client, year_end_month, relation_ended_on, months, by=viewer)

    if await form.submit(setting):
        return go(client_keeping.url(client_id=client_id), toast=Say("De gegevens voor het bewaren zijn bewaard."))
    return invalid("keeping/client.html", **await _client(viewer, client, form))


async def _client(viewer: Viewer, client: Any, form: OfClient) -> dict[str, Any]:
    return {
        "title": client.name, "section": "clients", "client": client, "form": form, "may_hold": may_keep(viewer),
        "margin": (await Firm.load()).margin_months,
    }  # fmt: skip


@keeping.post("/settings/retention/kinds/{kind_id:int}")
async def set_kind_class(request: Request, viewer: Viewer, kind_id: int) -> Reply:
    allow_settings(viewer)
    kind = await viewer.scope(DocumentKind).get(kind_id)
    typed = str((await request.form()).get("retention", ""))
    await keep_kind(kind, int(typed) if typed.isdecimal() and len(typed) < 10 else None, by=viewer)
    return go("/settings/retention", toast=Say("De termijn van “{name}” is bewaard.", name=kind.name))
