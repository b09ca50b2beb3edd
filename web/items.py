"""What is done to several folders and documents at once: from ticked rows, by dragging, by cutting and pasting; and the undo."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request

from models.clients import Client
from models.core import Refused, Say
from models.dossiers import DRAFT, NOW, Document, Dossier, Folder, Publish, dossier_of, places_for
from models.dossiers.acts import (
    MOST,
    DossierAct,
    Items,
    copy_items,
    move_items,
    publish_items,
    trash_items,
)
from models.dossiers.undoing import acts_in
from models.settings import Firm
from models.unread import hearers_of
from models.viewer import Viewer
from web.addresses import local_path
from web.dossiers import current_of, home_of, may_edit, tree_reply
from web.replies import Reply, Toast, go, invalid, show
from web.routing import Access, Routes

items = Routes("items", Access.STAFF)

ZONE = ZoneInfo("Europe/Amsterdam")
_ID = re.compile(r"([fd])(\d{1,9})")


@items.post("/dossiers/{dossier_id:int}/items")
async def act(request: Request, viewer: Viewer, dossier_id: int) -> Reply:
    """`do` is what; `ids` are f1, d2 …; to move or copy `into` is the folder, or '' for the top. Without it, it is asked for."""
    dossier = await viewer.dossiers.get(dossier_id)
    form = await request.form()
    do, chosen = str(form.get("do", "")), items_in(form.getlist("ids"))
    back = local_path(str(form.get("back", ""))) or home_of(dossier)
    if do in ("move", "copy") and "into" not in form:
        return go(place.url(dossier_id=dossier_id, do=do, ids=_ids(chosen), back=back))
    if do == "plan" and not form.get("at"):
        return go(planning.url(dossier_id=dossier_id, ids=_ids(chosen), back=back))
    try:
        done, said = await _carry_out(dossier, do, chosen, form, viewer)
    except Refused as refused:
        return go(back, toast=Toast(refused.why, "attention"))
    undo_at = undo.url(act_id=done.id)
    if request.headers.get("hx-request") != "true" or await _is_gone(request, viewer):
        return go(back if do != "trash" else await _standing(viewer, dossier, back), toast=said, undo=undo_at)
    return await tree_reply(request, viewer, dossier_id, back, said, undo=undo_at)


async def _is_gone(request: Request, viewer: Viewer) -> bool:
    """Whether the folder that is open on the page from which htmx asks went into the trash with this."""
    current = current_of(request)
    shown = await viewer.folders.where(Folder.id == current).find() if current else None
    return shown is not None and shown.is_trashed


async def _standing(viewer: Viewer, dossier: Dossier, back: str) -> str:
    """Where one came from, unless that is a folder in the trash."""
    found = re.fullmatch(r"/folders/(\d{1,9})", back)
    folder = await viewer.folders.where(Folder.id == int(found[1])).find() if found else None
    return home_of(dossier) if folder is not None and folder.is_trashed else back


async def _carry_out(dossier: Dossier, do: str, chosen: Items, form: Any, viewer: Viewer) -> tuple[DossierAct, Say]:
    n = len(chosen)
    if do in ("move", "copy"):
        into = str(form.get("into", ""))
        parent = await viewer.folders.get(int(into)) if into.isdecimal() and len(into) < 10 and into != "0" else None
        if do == "copy":
            done = await copy_items(dossier, parent, chosen, by=viewer)
            return done, _of_one(done, n, do) or Say("{n} gekopieerd.", n=n)
        done = await move_items(dossier, parent, chosen, by=viewer)
        return done, _as_drafts(done, n) or _of_one(done, n, do) or Say("{n} verplaatst.", n=n)
    if do == "trash":
        done = await trash_items(dossier, chosen, by=viewer)
        return done, _of_one(done, n, do) or Say("{n} naar de prullenbak gegaan.", n=n)
    if do in ("publish", "draft", "plan"):
        how = NOW if do == "publish" else DRAFT if do == "draft" else Publish(at=moment_in(str(form.get("at", ""))))
        done = await publish_items(dossier, chosen, how, by=viewer)
        return done, _PUBLISHED[do]
    raise Refused("", Say("Kies wat u met de gekozen documenten wilt doen."))


def _as_drafts(done: DossierAct, count: int) -> Say | None:
    """What came to another client is said to be a draft there."""
    before = json.loads(done.before)
    if not (drafts := len(before["drafts"])):
        return None
    if count == 1 and not before["folders"]:
        return Say("“{name}” is verplaatst en is bij deze cliënt een concept.", name=before["names"][0])
    return Say(
        "{n} verplaatst. Bij deze cliënt zijn de stukken ({m}) concepten tot u ze publiceert.", n=count, m=drafts
    )


def _of_one(done: DossierAct, count: int, what: str) -> Say | None:
    """What was done to one thing is said with its name."""
    before = json.loads(done.before)
    said = _ONE[what][0 if before["folders"] else 1]
    return Say(said.text, name=before["names"][0]) if count == 1 and before["names"] else None


_ONE = {
    "copy": (Say("De map “{name}” is gekopieerd."), Say("“{name}” is gekopieerd.")),
    "move": (Say("De map “{name}” is verplaatst."), Say("“{name}” is verplaatst.")),
    "trash": (Say("De map “{name}” ligt in de prullenbak."), Say("“{name}” ligt in de prullenbak.")),
}
_PUBLISHED = {
    "publish": Say("Gepubliceerd. Wie het mag zien, leest het in zijn overzicht van de dag."),
    "draft": Say("Weer een concept: cliënten zien het niet meer."),
    "plan": Say("Gepland. Tot dat moment zien cliënten het niet."),
}


def moment_in(text: str) -> dt.datetime:
    """A day and time as a browser writes it, in the office's own zone. Raises Refused."""
    try:
        moment = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        raise Refused("at", Say("Vul een dag en een tijd in.")) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZONE)
    if moment <= dt.datetime.now(dt.UTC):
        raise Refused("at", Say("Kies een moment dat nog komt."))
    return moment.astimezone(dt.UTC)


@items.get("/dossiers/{dossier_id:int}/items/place")
async def place(request: Request, viewer: Viewer, dossier_id: int) -> Reply:
    """Where to: the folders of this dossier, or of the client whose number is given."""
    dossier = await viewer.dossiers.get(dossier_id)
    asked = request.query_params
    chosen, do = items_in(asked.getlist("ids")), "copy" if asked.get("do") == "copy" else "move"
    number, target, why = asked.get("number", "").strip()[:40], dossier, None
    if number:
        found = await _of_number(viewer, number)
        target, why = found or dossier, None if found else Say("Geen cliënt met dit nummer heeft een dossier.")
    make = invalid if why else show
    context: dict[str, Any] = {
        "dossier": dossier,
        "target": target,
        "target_client": await viewer.clients.get(target.client) if target.client else None,
        "places": await places_for(viewer, target.id),
        "may_top": not chosen.documents,
    }
    back = local_path(asked.get("back", "")) or home_of(dossier)
    return make(
        "items/place.html", title=Say("Waarheen?"), section="dossiers", do=do, ids=_ids(chosen), number=number, why=why,
        count=len(chosen), back=back, **context,
    )  # fmt: skip


async def _of_number(viewer: Viewer, number: str) -> Dossier | None:
    client = await viewer.clients.where(Client.number == number).find()
    return await dossier_of(viewer, client.id) if client else None


@items.get("/dossiers/{dossier_id:int}/items/planning")
async def planning(request: Request, viewer: Viewer, dossier_id: int) -> Reply:
    dossier = await viewer.dossiers.get(dossier_id)
    chosen = items_in(request.query_params.getlist("ids"))
    back = local_path(request.query_params.get("back", "")) or home_of(dossier)
    seen = await viewer.documents.where(Document.id.is_in(list(chosen.documents) or [-1])).select(Document.id)
    return show(
        "items/planning.html", title=Say("Wanneer publiceren?"), section="dossiers", dossier=dossier, ids=_ids(chosen),
        count=len(chosen), back=back, told=await hearers_of(viewer, [row["id"] for row in seen]), hour=(await Firm.load()).digest_hour,
    )  # fmt: skip


@items.post("/dossier-acts/{act_id:int}/undo")
async def undo(request: Request, viewer: Viewer, act_id: int) -> Reply:
    done = await viewer.scope(DossierAct).get(act_id)
    dossier = await viewer.dossiers.get(done.dossier)
    try:
        count = await done.undo(by=viewer)
    except Refused as refused:
        return go(home_of(dossier), toast=Toast(refused.why, "attention"))
    said = Say("Ongedaan gemaakt: {n} staan weer zoals ze stonden.", n=count)
    if count == 1:
        said = Say("Ongedaan gemaakt.")
    if count == 0:
        said = Say("Er viel niets meer ongedaan te maken: het is intussen weer anders.")
    back = local_path(str((await request.form()).get("back", ""))) or await _where(viewer, dossier, done)
    if request.headers.get("hx-request") == "true" and not await _is_gone(request, viewer):
        return await tree_reply(request, viewer, _shown(request) or dossier.id, back, said)
    return go(back, toast=said)


def _shown(request: Request) -> int | None:
    """The dossier whose tree is on the screen, where htmx asks from another one's act."""
    asked = request.query_params.get("tree", "")
    return int(asked) if asked.isdecimal() and len(asked) < 10 else None


@items.get("/dossiers/{dossier_id:int}/acts")
async def acts(request: Request, viewer: Viewer, dossier_id: int) -> Reply:
    """What the viewer did here last, each to be undone as long as it stands."""
    dossier = await viewer.dossiers.get(dossier_id)
    return show(
        "items/acts.html",
        title=Say("Ongedaan maken"),
        section="dossiers",
        dossier=dossier,
        client=await viewer.clients.get(dossier.client) if dossier.client else None,
        home=home_of(dossier),
        acts=await acts_in(viewer, dossier_id),
        words=ACTS,
        may_edit=may_edit(viewer, dossier.client),
    )


ACTS = {
    "move": Say("Verplaatst"),
    "copy": Say("Gekopieerd"),
    "trash": Say("Naar de prullenbak"),
    "publish": Say("Gepubliceerd of concept gemaakt"),
    "rename": Say("Naam gewijzigd"),
    "kind": Say("Soort gewijzigd"),
    "order": Say("Volgorde gewijzigd"),
    "settings": Say("Instellingen gewijzigd"),
    "add": Say("Map toegevoegd"),
}


async def _where(viewer: Viewer, dossier: Dossier, done: DossierAct) -> str:
    """The folder in which the first of the documents lies again."""
    before = json.loads(done.before)
    documents = before.get("documents") or [0]
    first = documents[0][0] if isinstance(documents[0], list) else documents[0]
    if (
        not first
        and done.kind in ("rename", "kind", "settings")
        and (named := before.get("folders") or before.get("kinds"))
    ):
        return f"/folders/{named[0][0]}"
    document = await viewer.documents.where(Document.id == first).find()
    folder = await viewer.folders.where(Folder.id == document.folder).find() if document else None
    return f"/folders/{folder.id}" if folder else home_of(dossier)


def items_in(ids: list[Any]) -> Items:
    """Folders (f1) and documents (d2) out of a form or an address, one by one or by commas; what is neither is passed over."""
    words = [word for one in ids for word in str(one).split(",")]
    found = [match for word in words if (match := _ID.fullmatch(word))][: MOST + 1]
    return Items(
        tuple(dict.fromkeys(int(one[2]) for one in found if one[1] == "f")),
        tuple(dict.fromkeys(int(one[2]) for one in found if one[1] == "d")),
    )


def _ids(chosen: Items) -> list[str]:
    return [f"f{id}" for id in chosen.folders] + [f"d{id}" for id in chosen.documents]
