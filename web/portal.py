"""The clients' portal: what is asked, what is new, the dossier as a tree, and handing in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request

from models.core import Missing, Say
from models.dossiers import HANDING_IN, Document, folder_of, path_to
from models.dossiers.remarks import open_questions, remarks_of
from models.dossiers.versions import versions_of
from models.drawing import is_shown
from models.portal import (
    Branch,
    branches_in,
    contacts_of,
    folder_contents,
    new_for,
    tops_behind,
    trees_of,
    unread_of,
    uploads_of,
)
from models.requests.reading import asked_by, open_for
from models.scanning import shut_documents
from models.viewer import Viewer
from web.addresses import url_maker
from web.forms import Form
from web.replies import Reply, go, show
from web.routing import Access, Routes

portal = Routes("portal", Access.CLIENT)


@portal.get("/portal")
async def home(request: Request, viewer: Viewer) -> Reply:
    uploads = await uploads_of(viewer)
    return show(
        "portal/home.html",
        title=Say("Home"),
        section="home",
        asked=[one for one in uploads if one["is_asked"]],
        uploads=uploads,
        requests=await open_for(viewer),
        questions=await open_questions(viewer, 20),
        unread=await unread_of(viewer),
        newest=await new_for(viewer),
        contacts=await contacts_of(viewer),
        several=len(viewer.grants) > 1,
        dossiers=_switcher(request, viewer, 0),
    )


@portal.get("/portal/dossier")
async def dossier(request: Request, viewer: Viewer) -> Reply:
    """Of the client in the address (`?client=`), so that two tabs may show two; else of the first."""
    if not viewer.may("view_dossier"):
        return go(home.url())  # which says why there is none
    client_id = _client(request, viewer)
    tree, general = await trees_of(viewer, client_id, _after(request))
    return show(
        "portal/dossier.html",
        title=Say("Dossier"),
        section="dossier",
        client=viewer.grants[client_id],
        of_client=client_id,
        tree=tree,
        general=general,
        switcher=_switcher(request, viewer, client_id),
    )


@portal.get("/portal/dossier/tops")
async def tops(request: Request, viewer: Viewer) -> Reply:
    """Of a large dossier the folders at the top that come after those that are shown."""
    client_id = _client(request, viewer)
    found = await tops_behind(viewer, client_id, _after(request))
    url = url_maker(request.scope.get("poort.prefix", ""))
    return _branches(found, url("portal.tops", client=client_id), url("portal.dossier", client=client_id))


@portal.get("/portal/folders/{folder_id:int}/branches")
async def branches(request: Request, viewer: Viewer, folder_id: int) -> Reply:
    """Of a large dossier the folders in a folder, when it is opened in the tree."""
    found = await folder_of(viewer, folder_id)
    beside = None if found.client else _came_from(request, viewer)
    inside = await branches_in(viewer, found, _after(request))
    url, at = url_maker(request.scope.get("poort.prefix", "")), {"folder_id": folder_id, "client": beside}
    return _branches(inside, url("portal.branches", **at), url("portal.folder", **at), beside)


def _branches(found: list[Branch], behind: str, page: str, beside: int | None = None) -> Reply:
    return show(
        "portal/branch.html", title=Say("Dossier"), section="dossier", branches=found, behind=behind, more_page=page, beside=beside
    )  # fmt: skip


@portal.get("/portal/folders/{folder_id:int}")
async def folder(request: Request, viewer: Viewer, folder_id: int) -> Reply:
    return await _folder("portal/folder.html", request, viewer, folder_id)


@portal.get("/portal/folders/{folder_id:int}/contents")
async def contents(request: Request, viewer: Viewer, folder_id: int) -> Reply:
    return await _folder("portal/contents.html", request, viewer, folder_id)


async def _folder(template: str, request: Request, viewer: Viewer, folder_id: int) -> Reply:
    found = await folder_of(viewer, folder_id)
    page = _page(request)
    folders, documents, has_older = await folder_contents(viewer, found, page)
    may_upload = found.kind in HANDING_IN and viewer.may("upload_documents", found)
    client_id = found.client or _came_from(request, viewer)
    return show(
        template,
        title=found.name,
        section="dossier",
        folder=found,
        client=viewer.grants.get(client_id or 0),
        of_client=client_id,
        beside=None if found.client else client_id,
        path=(await path_to(viewer, found))[:-1] if found.parent else [],
        folders=folders,
        documents=documents,
        shut=await shut_documents([one["id"] for one in documents]),
        page=page,
        has_older=has_older,
        more_folders=has_older and not documents and bool(folders),
        may_upload=may_upload,
        switcher=_switcher(request, viewer, client_id) if client_id else [],
    )


@portal.get("/portal/documents/{document_id:int}")
async def document(request: Request, viewer: Viewer, document_id: int) -> Reply:
    """What is drawn on it counts as opened by a request of its own (web/viewing.py)."""
    found = await viewer.documents.get(document_id)
    return await document_page(request, viewer, found, show)


async def document_page(
    request: Request, viewer: Viewer, found: Document, make: Callable[..., Reply], said: Form | None = None
) -> Reply:
    client_id = found.client or _came_from(request, viewer)
    folder = await folder_of(viewer, found.folder)
    own = found.source == "client" and found.uploaded_by == viewer.user.id and folder.kind in HANDING_IN
    return make(
        "portal/document.html",
        title=found.name,
        section="dossier",
        document=found,
        of_client=client_id,
        beside=None if found.client else client_id,
        folder=folder,
        client=viewer.grants.get(found.client),
        drawn=is_shown(found.mime, found.name),
        asked_by=await asked_by(viewer, found.id) if found.source == "client" else None,
        remarks=await remarks_of(found) if found.client else [],
        said=said,
        versions=await versions_of(viewer, found) if found.version > 1 else [],
        may_replace=own and viewer.view_as is None and viewer.may("upload_documents", folder),
        may_ask=found.client is not None and viewer.view_as is None,
        shut=(await shut_documents([found.id])).get(found.id),
    )


def _after(request: Request) -> int:
    asked = request.query_params.get("after", "")
    return int(asked) if asked.isdecimal() and len(asked) < 6 else 0


def _page(request: Request) -> int:
    asked = request.query_params.get("page", "")
    return max(1, int(asked)) if asked.isdecimal() and len(asked) < 7 else 1


def _client(request: Request, viewer: Viewer) -> int:
    """The client whose dossier is asked for. Raises Missing for one that is not his, or when he has none."""
    asked = request.query_params.get("client", "")
    mine = viewer.dossier_client_ids
    chosen = _asked_client(request, viewer) if asked else next(iter(mine), None)
    if chosen is None:
        raise Missing("Client", asked)
    return chosen


def _came_from(request: Request, viewer: Viewer) -> int | None:
    """The client in whose dossier a general one was opened, when there are several to come back to."""
    return _asked_client(request, viewer) if len(viewer.grants) > 1 else None


def _asked_client(request: Request, viewer: Viewer) -> int | None:
    asked = request.query_params.get("client", "")
    chosen = int(asked) if asked.isdecimal() and len(asked) < 10 else 0
    return chosen if chosen in viewer.dossier_client_ids else None


def _switcher(request: Request, viewer: Viewer, current: int) -> list[dict[str, Any]]:
    url = url_maker(request.scope.get("poort.prefix", ""))
    return [
        {
            "name": grant.client_name,
            "url": url("portal.dossier", client=grant.client_id),
            "is_current": grant.client_id == current,
        }
        for grant in viewer.grants.values()
        if grant.opens_dossier
    ]
