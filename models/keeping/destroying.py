"""Destroying what a person confirmed: some documents at a time, with every version and what was made of them, and the
certificate at the end. Before each document goes it is looked at once more: what changed since the list was made stays."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from models import drawing, engine
from models.accounts.blocking import listed
from models.approvals.letting_go import let_go, let_go_of_ended
from models.core import Refused, Say, operation, save
from models.dossiers.folders import tell
from models.keeping import certificate, ended
from models.keeping.proposing import gone_at, is_over, last_of_years
from models.keeping.records import Destruction, DestructionItem, may_keep
from models.keeping.terms import rows_of, term_of
from models.live import touch
from models.settings import Firm, utcnow
from models.storage import StorageDown, StorageFull, storage
from models.tasks import Cancelled, Progress, Task, start, work
from models.tidying import referenced
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

log = logging.getLogger("poort.keeping")

AT_ONCE = 200  # documents of one unit
DROPPED: dict[str, Say] = {
    "gone": Say("bestaat niet meer"),
    "version": Say("kreeg intussen een nieuwe versie"),
    "moved": Say("is intussen verplaatst"),
    "restored": Say("is intussen teruggezet"),
    "trashed": Say("is intussen weggegooid"),
    "held": Say("de bewaarplicht is intussen opgeschort"),
    "term": Say("de bewaartermijn is intussen een andere"),
    "open": Say("is intussen weer open, of al vernietigd"),
    "stopped": Say("iemand heeft het werk gestopt"),
}

# Whoever keeps something made of a file (its text, say) adds here what forgets it: called with hashes that no record refers to.
FORGETS: list[Callable[[Sequence[str]], Any]] = [lambda hashes: asyncio.to_thread(drawing.forget, hashes)]


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def spare(destruction: Destruction, items: Sequence[int], *, take_back: bool = False, by: Viewer) -> int:
    """Take these lines out of the list, or put them back in; how many changed."""
    _still_open(destruction, by)
    was, becomes = ("spared", "proposed") if take_back else ("proposed", "spared")
    rows = await engine.raw(
        f"UPDATE destruction_item SET state = $2 WHERE destruction = $3 AND state = $4 AND id IN {listed(1)} RETURNING id",
        json.dumps([int(id) for id in items]), becomes, destruction.id, was,
    )  # fmt: skip
    await _spared(destruction, len(rows), take_back, by)
    return len(rows)


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def spare_group(
    destruction: Destruction,
    client: int | None,
    class_id: int | None,
    book_year: int | None,
    *,
    take_back: bool = False,
    by: Viewer,
) -> int:
    """As `spare`, for all lines of a client, class and book year."""
    _still_open(destruction, by)
    was, becomes = ("spared", "proposed") if take_back else ("proposed", "spared")
    rows = await engine.raw(
        "UPDATE destruction_item SET state = $1 WHERE destruction = $2 AND state = $3 AND coalesce(client, 0) = $4 "
        "AND coalesce(class_id, 0) = $5 AND coalesce(book_year, 0) = $6 RETURNING id",
        becomes, destruction.id, was, client or 0, class_id or 0, book_year or 0,
    )  # fmt: skip
    await _spared(destruction, len(rows), take_back, by)
    return len(rows)


async def _spared(destruction: Destruction, count: int, take_back: bool, by: Viewer) -> None:
    if count:
        await by.note("Destruction.take_back" if take_back else "Destruction.spare", destruction, {"count": count})
        await touch("keeping")


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def confirm(destruction: Destruction, reason: str, typed: str, *, by: Viewer) -> Task:
    """Have it carried out. `typed` is the number of documents, typed over, so that nobody does it by mistake."""
    _still_open(destruction, by)
    count = int((await counted(destruction)).get("proposed", 0))
    if not count:
        raise Refused("typed", Say("Er staat niets meer op deze lijst om te vernietigen."))
    if not reason.strip():
        raise Refused("reason", Say("Vul in waarom deze stukken nu vernietigd worden."))
    if len(reason.strip()) > 1000:
        raise Refused("reason", Say("Dit is {n} tekens; er passen er {most}.", n=len(reason.strip()), most=1000))
    if "".join(typed.replace(".", "").split()) != str(count):
        raise Refused("typed", Say("Typ het aantal precies over: {n}.", n=count))
    await save(
        destruction, state="running", reason=reason.strip(), confirmed_by=by.user.id,
        confirmed_name=by.user.display_name, confirmed_at=utcnow(),
    )  # fmt: skip
    await by.note("Destruction.confirm", destruction, {"count": count, "reason": reason.strip()[:200]})
    await touch("keeping")
    return await start("destroy_documents", destruction.id, by=by, total=count)


def _still_open(destruction: Destruction, by: Viewer) -> None:
    if not may_keep(by):
        raise Refused("", Say("Dit kan alleen een beheerder die alle cliënten ziet."))
    if destruction.state != "proposed":
        raise Refused("", Say("Deze lijst is al afgehandeld of door een nieuwere vervangen."))


async def counted(destruction: Destruction) -> dict[str, int]:
    """state > how many lines."""
    rows = await engine.raw(
        "SELECT state, count(*) AS n FROM destruction_item WHERE destruction = $1 GROUP BY state", destruction.id
    )
    return {row["state"]: int(row["n"]) for row in rows}


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def resume(destruction: Destruction, *, by: Viewer) -> Task:
    """Go on where it stopped, when its task was given up."""
    busy = await engine.raw(
        "SELECT 1 AS one FROM task WHERE kind = 'destroy_documents' AND subject_id = $1 AND state IN ('waiting', 'running')",
        destruction.id,
    )
    if destruction.state != "running" or busy or not may_keep(by):
        raise Refused("", Say("Dit werk loopt al of is al klaar."))
    return await start("destroy_documents", destruction.id, by=by)


@work("destroy_documents")
async def destroy(task: Task, progress: Progress) -> dict[str, Any]:
    """Repeatable: a line is destroyed together with its document, so that a killed worker's work goes on where it was.

    When somebody stops it, what is left drops out, and the certificate tells of what went.
    """
    found = await Destruction.objects().where(Destruction.id == task.subject_id).first()
    if found is None or found.state != "running":
        return {}
    try:
        await carry_out(found, progress)
    except Cancelled:
        await engine.run_writing(lambda: _stop(found))
        raise Cancelled(await _told(found)) from None
    return {"destroyed": found.destroyed, **(await _told(found)).as_json()}


async def _stop(destruction: Destruction) -> None:
    await engine.raw(
        "UPDATE destruction_item SET state = 'dropped', said = 'stopped' WHERE destruction = $1 AND state = 'proposed'",
        destruction.id,
    )
    await conclude(destruction)


async def _told(destruction: Destruction) -> Say:
    counts = await counted(destruction)
    n, m = counts.get("destroyed", 0), counts.get("dropped", 0)
    return Say("{n} documenten vernietigd, {m} overgeslagen.", n=n, m=m)


async def carry_out(destruction: Destruction, progress: Progress | None = None) -> None:
    """Outside any unit."""
    firm, done = await Firm.load(), 0
    while True:
        count, gone = await engine.run_writing(lambda: destroy_some(destruction, firm))
        if not count:
            break
        await remove_bytes(gone)
        done += count
        if progress:
            await progress.report(done)
    await engine.run_writing(lambda: conclude(destruction))


async def destroy_some(destruction: Destruction, firm: Firm) -> tuple[int, dict[str, dt.datetime]]:
    """In a unit: the records of the next few lines, and what the lines say of it. How many lines, and hash > when its bytes
    were last kept, of what no record refers to any more."""
    is_next = (DestructionItem.destruction == destruction.id) & (DestructionItem.state == "proposed")
    items = await DestructionItem.objects().where(is_next).order_by(DestructionItem.id).limit(AT_ONCE)
    rows = {row["id"]: row for row in await rows_of([item.document for item in items if not item.request])}
    requests = await ended.as_they_are([item.request for item in items if item.request])
    terms = {id: term_of(row, firm.margin_months) for id, row in rows.items()}
    years = last_of_years(list(rows.values()), list(terms.values()))
    dropped, going = [], []
    for item in items:
        row = requests.get(item.request) if item.request else rows.get(item.document)
        if item.request:
            why = ended.changed(item, row, firm.approval_months, destruction.as_of)
        else:
            why = _changed(item, row, terms.get(item.document), years, destruction.as_of)
        if why:
            dropped.append((why, item.id))
        else:
            going.append(item)
    if dropped:
        await engine.raw_many("UPDATE destruction_item SET state = 'dropped', said = $1 WHERE id = $2", dropped)
    return len(items), await _destroy(going, rows, destruction.confirmed_name) if going else {}


def _changed(item: DestructionItem, row: dict[str, Any] | None, term: Any, years: Any, today: dt.date) -> str:
    """What is otherwise than when the list was made, a key of DROPPED; '' when nothing is."""
    if row is None:
        return "gone"
    if row["is_held"]:
        return "held"
    if (row["version"], row["sha256"]) != (item.version, item.content_hash):
        return "version"
    if (row["folder"], row["client"]) != (item.folder, item.client):
        return "moved"
    gone = gone_at(row)
    if gone != engine.as_moment(item.trashed_at):
        return "restored" if gone is None else "trashed"
    if item.why == "term" and (term is None or not is_over(term, row, years, today)):
        return "term"
    if item.why == "trash" and term is not None and not is_over(term, row, years, today):
        return "term"
    return ""


async def _destroy(
    items: Sequence[DestructionItem], rows: dict[int, dict[str, Any]], name: str
) -> dict[str, dt.datetime]:
    """`name` of who confirmed it."""
    documents = [item for item in items if not item.request]
    ids = json.dumps([item.document for item in documents])
    older = await engine.raw(
        f"SELECT document, number, name, size, sha256, uploaded_at FROM document_version WHERE document IN {listed(1)} ORDER BY document, number",
        ids,
    )
    versions: dict[int, list[dict[str, Any]]] = {}
    kept: dict[str, dt.datetime] = {}
    for row in older:
        versions.setdefault(row["document"], []).append(_version(row, kept))
    for item in documents:
        versions.setdefault(item.document, []).append(_version({**rows[item.document], "number": item.version}, kept))
    places = await engine.raw(
        f"SELECT DISTINCT f.dossier, f.client FROM document d JOIN folder f ON f.id = d.folder WHERE d.id IN {listed(1)}",
        ids,
    )
    parts, newest = await let_go_of_ended([item.request for item in items if item.request], name)
    for part in parts:
        before = versions.setdefault(-part["request"], [])
        before.append(_version(part | {"number": len(before) + 1, "uploaded_at": part["at"]}, kept))
    for sha256, at in (*newest.items(), *(await let_go(ids, "term", name)).items()):
        kept[sha256] = max(at, kept.get(sha256, at))
    await engine.raw(f"DELETE FROM document WHERE id IN {listed(1)}", ids)
    still = await referenced_all(kept)
    for one in (version for each in versions.values() for version in each):
        one["elsewhere"] = one["sha256"] in still
    now = utcnow()
    await engine.raw_many(
        "UPDATE destruction_item SET state = 'destroyed', destroyed_at = $1, versions = $2 WHERE id = $3",
        [(now, json.dumps(versions.get(item.document, []), ensure_ascii=False), item.id) for item in items],
    )
    for place in places:
        await tell(place["dossier"], place["client"])
    return {sha256: at for sha256, at in kept.items() if sha256 not in still}


def _version(row: dict[str, Any], kept: dict[str, dt.datetime]) -> dict[str, Any]:
    at = engine.as_moment(row["uploaded_at"])
    kept[row["sha256"]] = max(at, kept.get(row["sha256"], at))
    return {"number": row["number"], "name": row["name"], "size": int(row["size"]), "sha256": row["sha256"]}


async def referenced_all(hashes: Iterable[str]) -> set[str]:
    """Those that a record still refers to, however many are asked about."""
    every, found = sorted(hashes), set[str]()
    for at in range(0, len(every), 500):
        found |= await referenced(every[at : at + 500])
    return found


async def remove_bytes(gone: dict[str, dt.datetime]) -> None:
    """After the commit. Bytes that were kept again since (somebody is uploading them at this moment) are the sweeper's, as is
    everything while the store does not answer."""
    turns = asyncio.Semaphore(8)

    async def remove(sha256: str, at: dt.datetime) -> None:
        async with turns:
            try:
                await storage().delete_if_older(sha256, at + dt.timedelta(seconds=1))
            except (StorageDown, StorageFull) as error:
                log.warning("the bytes of a destroyed document are left to the sweeper: %s", error)

    await asyncio.gather(*(remove(sha256, at) for sha256, at in gone.items()))
    if gone:
        for forget in FORGETS:
            await forget(list(gone))


async def conclude(destruction: Destruction) -> None:
    """Count, seal and write it on the trail: from here on nobody changes the certificate, the database sees to that."""
    found = await Destruction.objects().where(Destruction.id == destruction.id).first()
    if found is None or found.state != "running":
        return
    counts = await counted(found)
    rows = await engine.raw(
        "SELECT coalesce(sum(size), 0) AS size FROM destruction_item WHERE destruction = $1 AND state = 'destroyed'",
        found.id,
    )
    before = await engine.raw(
        "SELECT digest FROM destruction WHERE state = 'done' ORDER BY finished_at DESC, id DESC LIMIT 1"
    )
    values = {
        "destroyed": counts.get("destroyed", 0), "destroyed_size": int(rows[0]["size"]), "dropped": counts.get("dropped", 0),
        "spared": counts.get("spared", 0), "finished_at": utcnow(), "previous": before[0]["digest"] if before else "",
    }  # fmt: skip
    await save(found, **values)
    digest = await certificate.digest_of(found)
    if found.kind == "trash":
        for row in await engine.raw("SELECT DISTINCT dossier FROM destruction_item WHERE destruction = $1", found.id):
            await clear_folders(row["dossier"])
    await save(found, digest=digest, state="done")
    await certificate.note(found)
    await touch("keeping")


async def clear_folders(dossier: int) -> int:
    """Folders in the trash in which no document lies any more, and on which no hold is; how many went."""
    rows = await engine.raw(_CLEAR_SQL, dossier)
    return len(rows)


_CLEAR_SQL = """DELETE FROM folder WHERE dossier = $1 AND trashed_at IS NOT NULL AND id NOT IN (
WITH RECURSIVE staying(id, parent) AS (
 SELECT f.id, f.parent FROM folder f WHERE f.dossier = $1 AND (f.trashed_at IS NULL
  OR EXISTS (SELECT 1 FROM document d WHERE d.folder = f.id)
  OR EXISTS (SELECT 1 FROM hold_item i JOIN hold h ON h.id = i.hold WHERE i.folder = f.id AND h.lifted_at IS NULL))
 UNION SELECT f.id, f.parent FROM folder f JOIN staying s ON f.id = s.parent)
SELECT id FROM staying) RETURNING id"""
