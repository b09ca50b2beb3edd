"""Who may what for a client: the matrix of everybody, what one person may and why, and changing it."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

import partials
from models import explaining
from models.accounts import User
from models.accounts.roles import BY_MODULE, RIGHTS, WITHOUT_MODULE
from models.clients import Client
from models.clients.export import workbook
from models.clients.reach import colleagues_of
from models.clients.rights import access_of, everybody, folders_to_open, templates, who_sees
from models.core import Missing, Refused, Say
from models.dossiers import Document, Folder
from models.search import find
from models.viewer import Right, Viewer
from web.replies import Reply, go, invalid, show
from web.routing import Access, Routes

rights = Routes("rights", Access.STAFF)

LEVELS = (("", Say("Niet")), ("view", Say("Bekijken")), ("act", Say("Bekijken en aanleveren")))


async def template_choices() -> list[tuple[str, Say | str]]:
    """What one may choose from: every template by name, and none."""
    return [*((one["key"], Say(one["name"])) for one in await templates()), ("", Say("Geen sjabloon"))]


@rights.get("/clients/{client_id:int}/rights")
async def matrix(request: Request, viewer: Viewer, client_id: int) -> Reply:
    """Everybody who reaches the client x every right, with where it comes from."""
    client = await viewer.clients.get(client_id)
    return show(
        "rights/matrix.html",
        title=Say("Rechten van iedereen"),
        section="clients",
        tab="users",
        client=client,
        people=await everybody(client.id),
        colleagues=await colleagues_of(client.id, client.office),
        by_module=BY_MODULE,
        without_module=WITHOUT_MODULE,
    )


@rights.get("/clients/{client_id:int}/rights.xlsx")
async def export(request: Request, viewer: Viewer, client_id: int) -> Response:
    client = await viewer.clients.get(client_id)
    people = await everybody(client.id, 100_000)
    with partials.speaking(viewer.user.language):
        heads = [
            ("who", Say("Naam")),
            ("email", Say("E-mailadres")),
            ("state", Say("Toestand")),
            ("template", Say("Sjabloon")),
        ]
        columns = [(key, partials.speak(heading)) for key, heading in heads]
        columns += [(str(int(right)), partials.speak(label)) for right, label in RIGHTS]
        words = [partials.speak(word) for word in (Say("ja"), Say("nee"))]
        rows = [_in_words(person, words) for person in people]
    book = await asyncio.to_thread(workbook, rows, columns)
    return Response(
        book,
        media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        headers={"Content-Disposition": 'attachment; filename="rechten.xlsx"', "Cache-Control": "no-store"},
    )


def _in_words(person: dict[str, Any], words: list[str]) -> dict[str, Any]:
    yes, no = words
    return person | {str(int(right)): yes if right & person["rights"] else no for right, _ in RIGHTS}


@rights.get("/users/{user_id:int}/accesses/{client_id:int}")
async def access(request: Request, viewer: Viewer, user_id: int, client_id: int) -> Reply:
    """What one person may for one client, why, and the form to change it."""
    person, client = await viewer.users.get(user_id), await viewer.clients.get(client_id)
    return show("rights/access.html", **await _about(viewer, person, client))


@rights.post("/users/{user_id:int}/accesses/{client_id:int}")
async def change(request: Request, viewer: Viewer, user_id: int, client_id: int) -> Reply:
    person, client = await viewer.users.get(user_id), await viewer.clients.get(client_id)
    form = await request.form()
    role, bits = str(form.get("role", "")), bits_in(form)
    folders = folders_in(form, await folders_to_open(client.id))
    try:
        await person.change_access(client, role, bits, folders, by=viewer)
    except Refused as refused:
        typed = {"role": role, "own": bits or 0, "folders": folders or {}, "why": refused.why}
        return invalid("rights/access.html", **await _about(viewer, person, client, typed))
    toast = Say("De rechten van {who} bij “{client}” zijn bewaard.", who=person.display_name, client=client.name)
    return go(access.url(user_id=user_id, client_id=client_id), toast=toast)


async def _about(viewer: Viewer, person: User, client: Client, typed: dict[str, Any] | None = None) -> dict[str, Any]:
    held = await access_of(person.id, client.id)
    if held is None:
        raise Missing("Access", client.id)
    return {
        "title": person.display_name,
        "section": "users",
        "person": person,
        "client": client,
        "may": viewer.may("manage_users"),
        "held": held,
        "typed": typed or {"role": held["role"], "own": held["own"], "folders": held["folders"], "why": None},
        "choices": await template_choices(),
        "tops": await folders_to_open(client.id),
        "levels": LEVELS,
        "by_module": BY_MODULE,
        "without_module": WITHOUT_MODULE,
        "answers": await explaining.of_screens(person, client),
    }


@rights.get("/users/{user_id:int}/permissions")
async def of_colleague(request: Request, viewer: Viewer, user_id: int) -> Reply:
    """What a colleague may at the office, and why; his own, or of anybody for who manages staff."""
    person = await viewer.users.get(user_id)
    if person.kind != "staff" or not (viewer.may("manage_staff") or person.id == viewer.user.id):
        raise Missing("User", user_id)
    return show(
        "rights/office.html",
        title=Say("Wat mag deze collega, en waarom"),
        section="settings",
        person=person,
        may=viewer.may("manage_staff"),
        answers=await explaining.of_office(person),
    )


@rights.get("/folders/{folder_id:int}/rights")
async def of_folder(request: Request, viewer: Viewer, folder_id: int) -> Reply:
    """Who may look into this folder; for `?person=` why, or why not."""
    folder = await viewer.folders.get(folder_id)
    back = (folder.name, f"/folders/{folder.id}")
    person = await _asked(request, viewer)
    answer = await explaining.of_folder(person, folder) if person else None
    return await _who(request, viewer, folder, back, person, answer, of_folder.url(folder_id=folder_id))


@rights.get("/documents/{document_id:int}/rights")
async def of_document(request: Request, viewer: Viewer, document_id: int) -> Reply:
    document: Document = await viewer.documents.get(document_id)
    folder = await viewer.folders.get(document.folder)
    back = (document.name, f"/documents/{document.id}")
    person = await _asked(request, viewer)
    answer = await explaining.of_document(person, document) if person else None
    return await _who(request, viewer, folder, back, person, answer, of_document.url(document_id=document_id))


async def _who(
    request: Request, viewer: Viewer, folder: Folder, back: tuple[str, str], person: User | None, answer: Any, here: str
) -> Reply:
    client = await viewer.clients.get(folder.client) if folder.client else None
    question = request.query_params.get("q", "").strip()[:100]
    found = (await find(viewer, question, 10)).found.get("users", []) if question else []
    return show(
        "rights/who.html",
        title=Say("Wie mag dit zien?"),
        section="dossiers",
        back=back,
        here=here,
        folder=folder,
        client=client,
        people=await who_sees(client.id, folder.id) if client else [],
        colleagues=await colleagues_of(client.id, client.office) if client else [],
        person=person,
        answer=answer,
        question=question,
        found=found,
    )


async def _asked(request: Request, viewer: Viewer) -> User | None:
    typed = request.query_params.get("person", "")
    return await viewer.users.get(int(typed)) if typed.isdecimal() and len(typed) < 10 else None


def folders_in(form: Any, tops: list[dict[str, Any]]) -> dict[str, bool] | None:
    """Which folders were opened, and whether to hand in there; None where the form does not ask."""
    asked = {top["name"]: str(form[name]) for top in tops if (name := f"folder-{top['id']}") in form}
    return {name: level == "act" for name, level in asked.items() if level in ("view", "act")} if asked else None


def bits_in(form: Any) -> int | None:
    """The rights that were ticked."""
    known = {str(int(right)) for right in Right}
    return sum({int(value) for value in form.getlist("rights") if str(value) in known}) or None
