"""Photos that become one PDF: as a wish beside the files of a form, and of documents that are there already."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from models import engine
from models.core import Forbidden, Refused, Say
from models.dossiers import HANDING_IN, Folder, NewDocument
from models.joining import MOST, chosen, is_photo, join, make_pdf, note_joined, photos_of
from models.scanning import shut_documents
from models.viewer import Permission, Viewer
from web.items import items_in
from web.replies import Later, Reply, Toast, go, show
from web.routing import Access, Routes
from web.uploads import Received

joining = Routes("joining", Access.SIGNED_IN)


@dataclass
class Wished:
    """What becomes of the files of a form: as they came, or with the photos among them as one PDF. `why` tells why not."""

    files: list[NewDocument]
    hashes: list[str] = field(default_factory=list)  # of the photos that were joined
    why: Say | None = None

    @property
    def pdf(self) -> NewDocument | None:
        return self.files[0] if self.hashes else None

    async def note(self, folder: Folder, name: str, by: Viewer | None) -> None:
        if self.hashes:
            await note_joined(folder, name, self.hashes, by)


async def as_wished(received: Received, *, by_link: bool = False) -> Wished:
    """With the field `join`, photos become one PDF, named `join_name`; where that fails they come in as they are."""
    files = [NewDocument(file.name, file.sha256, file.size, file.content_type.mime) for file in received.files]
    photos = [file for file in files if is_photo(file.mime)]
    if not received.fields.get("join") or not photos:
        return Wished(files)
    try:
        pdf = await make_pdf(photos, str(received.fields.get("join_name", "")), by_link=by_link)
    except Refused as refused:
        return Wished(files, why=refused.why)
    return Wished([pdf, *(file for file in files if file not in photos)], [photo.sha256 for photo in photos])


def not_joined(count: int, why: Say) -> Say:
    return Say("{n} ontvangen, maar niet samengevoegd: {why}", n=count, why=why)


@joining.get("/folders/{folder_id:int}/photos")
async def page(request: Request, viewer: Viewer, folder_id: int) -> Reply:
    """The photos in a folder, those in the address (`ids` as d1, d2 …) ticked and first, in that order."""
    folder = await _folder(viewer, folder_id)
    photos = await photos_of(viewer, folder) if viewer.is_staff or folder.kind in HANDING_IN else []
    wanted = list(items_in(request.query_params.getlist("ids")).documents)
    photos.sort(key=lambda one: wanted.index(one.id) if one.id in wanted else len(wanted))
    shut = await shut_documents([one.id for one in photos])
    return show(
        "joining/page.html", title=Say("Foto’s samenvoegen"), section="dossier" if viewer.is_client else "clients", folder=folder,
        photos=photos, wanted=wanted or [one.id for one in photos], shut=shut, most=MOST, back=_back(viewer, folder),
        of_client=folder.client, may_hand_in=viewer.view_as is None and (viewer.is_staff or folder.kind in HANDING_IN),
    )  # fmt: skip


@joining.post("/folders/{folder_id:int}/photos")
async def make(request: Request, viewer: Viewer, folder_id: int) -> Reply | Later:
    """`photo` are the ids, `place-7` where each comes, `keep` leaves the photos where they are. Drawn after this unit; the
    document is made in one of its own."""
    folder, form = await _folder(viewer, folder_id), await request.form()
    ids = _in_order(form)
    if viewer.is_client and folder.kind not in HANDING_IN:
        raise Refused("photos", Say("In deze map kunt u niets aanleveren. Kies een uploadmap."))
    try:
        photos = await chosen(viewer, folder, ids)
    except Refused as refused:
        return go(page.url(folder_id=folder_id), toast=Toast(refused.why, "attention"))
    files = [NewDocument(one.name, one.sha256, one.size, one.mime) for one in photos]
    name, keep = str(form.get("name", "")), bool(form.get("keep"))

    async def joined() -> Reply:
        try:
            pdf = await make_pdf(files, name)
            made, gone = await engine.run_writing(lambda: join(folder, ids, pdf, keep, by=viewer))
        except Refused as refused:
            return go(page.url(folder_id=folder_id), toast=Toast(refused.why, "attention"))
        if gone:
            said = Say(
                "{n} foto’s zijn nu “{name}”. De losse foto’s liggen in de prullenbak.", n=len(files), name=made.name
            )
        else:
            said = Say("{n} foto’s zijn nu “{name}”.", n=len(files), name=made.name)
        return go(_back(viewer, folder), toast=said)

    return Later(joined)


async def _folder(viewer: Viewer, folder_id: int) -> Folder:
    folder = await viewer.folders.get(folder_id)
    needed = Permission.UPLOAD_DOCUMENTS if viewer.is_client else Permission.EDIT_DOSSIERS
    if not viewer.may(needed, folder):
        raise Forbidden(needed)
    return folder


def _in_order(form: Any) -> list[int]:
    """The ticked photos by the places that were filled in; what has none keeps its turn."""
    ids = [int(one) for one in form.getlist("photo") if str(one).isdecimal() and len(str(one)) < 10]

    def place(at: int) -> tuple[int, int]:
        typed = str(form.get(f"place-{ids[at]}", "")).strip()
        return (int(typed) if typed.isdecimal() and len(typed) < 6 else at + 1, at)

    return [ids[at] for at in sorted(range(len(ids)), key=place)]


def _back(viewer: Viewer, folder: Folder) -> str:
    return f"/folders/{folder.id}" if viewer.is_staff else f"/portal/folders/{folder.id}"
