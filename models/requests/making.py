"""Making requests, of one client or of hundreds, from a template or freely; withdrawing them and giving more time."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from models import engine
from models.accounts import User
from models.accounts.blocking import listed
from models.clients import Client, lists, seen
from models.core import Refused, Say, Scope, fold, operation, save
from models.dossiers.dossier import tidy_name
from models.dossiers.folders import HANDING_IN, make_folder, numbered
from models.dossiers.structures import Selection, chosen
from models.live import touch
from models.requests.records import DocumentRequest, RequestTemplate
from models.settings import this_day, utcnow
from models.tasks import Cancelled, Progress, Task, start, work
from models.viewer import Permission, Viewer

if TYPE_CHECKING:
    from collections.abc import Iterator

BATCH = 250
AT_ONCE = 200  # clients of whom is asked while the person waits; more is work for the worker
MOST_ITEMS = 50
DEFAULT_FOLDER = Say("Aanleveren")


class Item(NamedTuple):
    """One thing that is asked, with its own last day where that is another than the request's."""

    title: str
    explanation: str = ""
    due_on: dt.date | None = None


@dataclass(frozen=True)
class Whom(Selection):
    """Of whom it is asked: as a Selection, or with `who` filter those that match `narrowed` (JSON of a filter of the list of
    clients)."""

    narrowed: str = ""

    @classmethod
    def of(cls, asked: dict[str, Any]) -> Whom:
        return cls(**vars(Selection.of(asked)), narrowed=asked.get("narrowed", ""))


async def asked_of(viewer: Viewer, whom: Selection) -> list[int]:
    """The ids of the active clients that are meant. Raises Refused when there are none."""
    if whom.who != "filter":
        return await chosen(viewer, whom)
    try:
        narrowed = {str(name): value for name, value in json.loads(getattr(whom, "narrowed", "") or "{}").items()}
        found = lists.matching(viewer, **narrowed).where(Client.state == "active")
    except (ValueError, TypeError, AttributeError):
        raise Refused("clients", Say("Kies ten minste één cliënt.")) from None
    rows = await found.select(Client.id, order=(Client.id,))
    if not rows:
        raise Refused("clients", Say("Hier zijn geen cliënten."))
    return [row["id"] for row in rows]


def read_items(text: str) -> list[Item]:
    """One thing on each line; behind a vertical bar what explains it, and behind a second one its own last day. Raises Refused."""
    items = []
    for line in text.replace("\x00", "").splitlines():
        title, explanation, due = (" ".join(part.split()) for part in [*line.split("|", 2), "", ""][:3])
        if title:
            items.append(Item(title, explanation, read_day(due, "items")))
    if not items:
        raise Refused("items", Say("Vul in wat u nodig heeft, elk op een eigen regel."))
    if len(items) > MOST_ITEMS:
        raise Refused("items", Say("Ten hoogste {most} dingen in één opvraging.", most=MOST_ITEMS))
    for title, explanation, due_on in items:
        if due_on is not None and due_on < this_day():
            raise Refused("items", Say("“{title}”: kies een dag die nog komt.", title=title[:40]))
        if len(title) > 200 or len(explanation) > 1000:
            raise Refused("items", Say("“{title}” is te lang.", title=title[:40]))
    return items


_YEARS = range(1900, 2201)


def read_day(text: str | None, field: str = "due_on") -> dt.date | None:
    """A day as a browser or a Dutchman writes it; None for nothing. Raises Refused."""
    text = (text or "").strip()
    if not text:
        return None
    for form in ("%Y-%m-%d", "%d-%m-%Y", "%d/%m/%Y"):
        try:
            found = dt.datetime.strptime(text, form).date()
        except ValueError:
            continue
        if found.year not in _YEARS:  # a browser makes 0026 of 26
            raise Refused(field, Say("Het jaar {year} kan niet kloppen. Vul het met vier cijfers in, bijvoorbeeld 31-12-2026.", year=found.year))  # fmt: skip
        return found
    raise Refused(field, Say("Vul een dag in, bijvoorbeeld 31-12-2026."))


def as_text(items: Sequence[Item]) -> str:
    """As `read_items` reads them."""
    lines = []
    for title, explanation, due_on in (Item(*one) for one in items):
        parts = [title, explanation, due_on.strftime("%d-%m-%Y") if due_on else ""]
        while not parts[-1]:
            parts.pop()
        lines.append(" | ".join(parts))
    return "\n".join(lines)


def _checked(title: str, message: str, due_on: dt.date | None) -> tuple[str, str]:
    title, message = " ".join(title.split()), message.replace("\x00", "").strip()
    if not title:
        raise Refused("title", Say("Vul in waar het om gaat."))
    for field, text, most in (("title", title, 200), ("message", message, 2000)):
        if len(text) > most:
            raise Refused(field, Say("Dit is {n} tekens; er passen er {most}.", n=len(text), most=most))
    if due_on is not None and due_on < this_day():
        raise Refused("due_on", Say("Kies een dag die nog komt."))
    return title, message


async def make_requests(
    selection: Selection,
    title: str,
    message: str,
    due_on: dt.date | None,
    items: Sequence[Item | tuple[str, str]],
    batch: str,
    *,
    by: Viewer,
    folder: str = "",
    template: int | None = None,
) -> int | Task:
    """Ask this of these clients: how many it was asked of (again with the same `batch`: of nobody twice), or the task.

    `folder` is the name of the upload folder into which it comes, made where there is none; '' the first there is.
    """
    by.require(Permission.EDIT_DOSSIERS)
    title, message = _checked(title, message, due_on)
    folder = tidy_name(folder) if folder.strip() else ""
    asked = [Item(*one) for one in items]
    clients = await asked_of(by, selection)
    if template is not None and not await by.scope(RequestTemplate).where(RequestTemplate.id == template).exists():
        template = None
    if len(clients) > AT_ONCE:
        return await start(
            "make_requests", None, by=by, total=len(clients), selection=asdict(selection), title=title, message=message,
            due_on=due_on.isoformat() if due_on else None, items=[[*one[:2], one.due_on.isoformat() if one.due_on else ""] for one in asked],
            batch=batch, folder=folder, template=template,
        )  # fmt: skip
    return await ask_of(clients, title, message, due_on, asked, batch, by=by.user.id, folder=folder, template=template)


async def ask_of(
    clients: Sequence[int],
    title: str,
    message: str,
    due_on: dt.date | None,
    items: Sequence[Item],
    batch: str,
    *,
    by: int,
    folder: str = "",
    template: int | None = None,
) -> int:
    """In one unit. Who has no folder to hand in gets one."""
    known = await engine.raw(
        f"SELECT client FROM document_request WHERE batch = $2 AND client IN {listed(1)}",
        json.dumps(list(clients)),
        batch,
    )
    fresh = sorted(set(clients) - {row["client"] for row in known})
    if not fresh:
        return 0
    folders, now = await _folders(fresh, folder), utcnow()
    await engine.copy_rows(
        "document_request",
        ("client", "folder", "title", "message", "due_on", "state", "batch", "template", "made_by", "made_at"),
        [(client, folders[client], title, message, due_on, "open", batch, template, by, now) for client in fresh],
    )
    rows = await engine.raw(
        f"SELECT id, client FROM document_request WHERE batch = $2 AND client IN {listed(1)}", json.dumps(fresh), batch
    )
    await engine.copy_rows(
        "request_item",
        ("request", "client", "position", "title", "explanation", "state", "due_on", "asked_at"),
        [
            (row["id"], row["client"], n, one.title, one.explanation, "open", one.due_on, now)
            for row in rows
            for n, one in enumerate(items)
        ],
    )
    details = json.dumps({"title": title, "count": len(items)})
    await engine.copy_rows(
        "trail", ("at", "person", "operation", "record_table", "record_id", "client", "detail"),
        [(now, by, "DocumentRequest.make", "DocumentRequest", row["id"], row["client"], details) for row in rows],
    )  # fmt: skip
    await touch("requests", *([f"client-{client}" for client in fresh] if len(fresh) <= 20 else []))
    return len(fresh)


async def _folders(clients: Sequence[int], named: str = "") -> dict[int, int]:
    """For each client the first folder in which he hands in, or that of this name; made where there is none."""
    ids = json.dumps(list(clients))
    found = await _upload_folders(ids, named)
    without = [client for client in clients if client not in found]
    if without:
        now, name = utcnow(), named or str(DEFAULT_FOLDER)
        bare = json.dumps(without)
        await engine.raw(
            "INSERT INTO dossier (kind, client, name, name_key, audience, created_at, is_sample) SELECT 'client', c.id, 'Dossier', "
            f"'dossier', '', $2, $3 FROM client c WHERE c.id IN {listed(1)} ON CONFLICT DO NOTHING",
            bare, now, False,
        )  # fmt: skip
        await engine.raw(
            "INSERT INTO folder (dossier, client, parent, name, name_key, kind, position, created_at) "
            f"SELECT d.id, d.client, NULL, $2, $3, 'upload', 1000, $4 FROM dossier d WHERE d.client IN {listed(1)} ON CONFLICT DO NOTHING",
            bare, name, fold(name), now,
        )  # fmt: skip
        await engine.raw(
            f"UPDATE folder SET kind = 'both' WHERE client IN {listed(1)} AND parent IS NULL AND name_key = $2 AND trashed_at IS NULL "
            "AND kind = 'office'",
            bare, fold(name),
        )  # fmt: skip
        found |= await _upload_folders(bare, named)
        for client in set(without) - set(found):
            found[client] = await _beside_internal(client, name)
    return found


async def _beside_internal(client: int, name: str) -> int:
    """Where an internal folder has this name: it stays so, and what is asked comes into the first one with a number."""
    dossier = (await engine.raw("SELECT id FROM dossier WHERE client = $1", client))[0]["id"]
    rows = await engine.raw(
        "SELECT id, name_key, kind FROM folder WHERE dossier = $1 AND parent IS NULL AND trashed_at IS NULL", dossier
    )
    there = {row["name_key"]: row for row in rows}
    taken = {fold(name)}
    while row := there.get(fold(one := numbered(name, taken, 120))):
        if row["kind"] in HANDING_IN:
            return int(row["id"])
        taken.add(fold(one))
    return int((await make_folder(dossier, client, None, one, "upload")).id)


async def _upload_folders(ids: str, named: str) -> dict[int, int]:
    """The one at the top first, then by their order."""
    name, args = (" AND name_key = $2", (fold(named),)) if named else ("", ())
    rows = await engine.raw(
        f"SELECT id, client FROM folder WHERE client IN {listed(1)} AND kind IN ('upload', 'both') AND trashed_at IS NULL{name} "
        "ORDER BY CASE WHEN parent IS NULL THEN 0 ELSE 1 END DESC, position DESC, id DESC",
        ids, *args,
    )  # fmt: skip
    return {row["client"]: row["id"] for row in rows}


async def folder_names(viewer: Viewer) -> list[str]:
    """The names that upload folders have, those of most clients first: to choose from."""
    rows = await engine.raw(
        f"SELECT min(f.name) AS name, count(*) AS n FROM folder f WHERE f.client IS NOT NULL AND {seen(viewer, 'f.client')} "
        "AND f.kind IN ('upload', 'both') AND f.trashed_at IS NULL GROUP BY f.name_key ORDER BY n DESC, name LIMIT 40"
    )
    return [row["name"] for row in rows]


@operation(Permission.EDIT_DOSSIERS, trail=False)
async def withdraw(request: DocumentRequest, *, by: Viewer) -> None:
    """It is not asked any more; what was handed in stays."""
    _refuse_closed(request)
    await save(request, state="withdrawn", closed_at=utcnow())
    await by.note("DocumentRequest.withdraw", request, {"title": request.title})
    await touch("requests", f"client-{request.client}")


@operation(Permission.EDIT_DOSSIERS, trail=False)
async def change_due(request: DocumentRequest, due_on: dt.date | None, *, by: Viewer) -> None:
    _refuse_closed(request)
    _checked(request.title, request.message, due_on)
    await save(request, due_on=due_on)
    await by.note("DocumentRequest.change_due", request, {"title": request.title, "due_on": str(due_on or "")})
    await touch("requests", f"client-{request.client}")


def _refuse_closed(request: DocumentRequest) -> None:
    if request.state != "open":
        raise Refused("", Say("Deze opvraging is al gesloten."))


@operation(Permission.EDIT_STRUCTURES, trail=False)
async def save_template(
    found: Scope[RequestTemplate],
    template: RequestTemplate | None,
    name: str,
    message: str,
    items: Sequence[Item],
    *,
    by: Viewer,
) -> RequestTemplate:
    """A new template, or `template` as it becomes."""
    name, message = " ".join(name.split()), message.replace("\x00", "").strip()
    if not name:
        raise Refused("name", Say("Vul een naam in."))
    if len(name) > 120 or len(message) > 2000:
        raise Refused("name", Say("Dit is te lang."))
    if dated := next((one.title for one in map(_as_item, items) if one.due_on is not None), None):
        raise Refused("items", Say("“{title}”: een sjabloon heeft geen dagen. Laat het deel achter de tweede streep weg; de dag kiest u bij het opvragen.", title=dated[:40]))  # fmt: skip
    but = template.id if template else 0
    if await RequestTemplate.exists().where((RequestTemplate.name_key == fold(name)) & (RequestTemplate.id != but)):
        raise Refused("name", Say("Er is al een sjabloon “{name}”.", name=name))
    if template is None:
        template = RequestTemplate(name=name, name_key=fold(name), message=message)
        await template.save()
    else:
        await save(template, name=name, name_key=fold(name), message=message)
    await engine.raw("DELETE FROM request_template_item WHERE template = $1", template.id)
    await engine.copy_rows(
        "request_template_item", ("template", "position", "title", "explanation"),
        [(template.id, n, one.title, one.explanation) for n, one in enumerate(Item(*one) for one in items)],
    )  # fmt: skip
    await by.note("RequestTemplate.save", template, {"name": name})
    return template


def _as_item(one: Item | tuple[str, ...]) -> Item:
    return Item(*one)


@operation(Permission.EDIT_STRUCTURES, trail=False)
async def remove_template(template: RequestTemplate, *, by: Viewer) -> None:
    """What was asked by it stays asked."""
    await by.note("RequestTemplate.remove", template, {"name": template.name})
    await RequestTemplate.delete().where(RequestTemplate.id == template.id)


async def template_items(template: RequestTemplate) -> list[Item]:
    rows = await engine.raw(
        "SELECT title, explanation FROM request_template_item WHERE template = $1 ORDER BY position, id", template.id
    )
    return [Item(row["title"], row["explanation"]) for row in rows]


@work("make_requests")
async def _make(task: Task, progress: Progress) -> dict[str, Any]:
    """Batch by batch; begun again after a crash nobody is asked twice."""
    asked = task.asked
    async with engine.reading():
        user = await User.objects().where(User.id == task.owner).first()
        assert user is not None
        whom = Whom.of(asked["selection"])
        clients = await asked_of(Viewer(user), whom)
    due = dt.date.fromisoformat(asked["due_on"]) if asked["due_on"] else None
    items = [Item(title, why, read_day(due)) for title, why, due in asked["items"]]
    done = 0
    for batch in _batches(clients):
        await engine.run_writing(
            lambda ids=batch: ask_of(  # type: ignore[misc]
                ids,
                asked["title"],
                asked["message"],
                due,
                items,
                asked["batch"],
                by=user.id,
                folder=asked.get("folder", ""),
                template=asked.get("template"),
            )
        )
        done += len(batch)
        try:
            await progress.report(done, len(clients))
        except Cancelled:
            return {**_outcome(asked["title"], done), "cancelled": True}
    return _outcome(asked["title"], done)


def _outcome(title: str, clients: int) -> dict[str, Any]:
    return Say("“{title}” gevraagd aan {clients} cliënten.", title=title, clients=clients).as_json()


def _batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for at in range(0, len(ids), BATCH):
        yield ids[at : at + BATCH]
