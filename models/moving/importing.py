"""An archive comes in: checked, planned for a client, carried out piece by piece, and taken back."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts import User
from models.accounts.blocking import listed
from models.clients import Client
from models.content_type import detect
from models.core import Refused, Say, Scope, fold, operation, save
from models.dossiers.folders import tell
from models.dossiers.publishing import labels_key
from models.dossiers.rolling import new_ids
from models.dossiers.structures import open_dossier
from models.live import touch
from models.moving import asking
from models.moving.asking import put_requests, take_back_requests, there_already
from models.moving.checking import Archive, files_of
from models.moving.manifest import Broken
from models.moving.placing import Place, World, counted, place_documents, place_folders
from models.moving.records import DossierImport, may_import
from models.moving.rights import Opened, decide, give, open_folders
from models.scanning.enlisting import enlist
from models.settings import utcnow
from models.storage import Missing as BlobMissing
from models.storage import storage
from models.tasks import Cancelled, Progress, Task, start, work
from models.viewer import Permission, Viewer

if TYPE_CHECKING:
    from models.moving.manifest import Row

AT_ONCE = 40  # documents per unit
AT_ONCE_BYTES = 256 * 1024 * 1024


@operation(Permission.IMPORT_RECORDS, trail=False)
async def add_archive(
    found: Scope[DossierImport], *, file_name: str, sha256: str, size: int, by: Viewer
) -> DossierImport:
    """A file that is in the storage: it is checked first, and nothing comes of it before somebody says so."""
    by.require(Permission.EDIT_DOSSIERS)
    record = DossierImport(file_name=file_name[:255], sha256=sha256, size=size, person=by.user.id, at=utcnow())
    await record.save()
    await by.note("DossierImport.add", record, {"name": record.file_name})
    await _begin(record, "check_dossier", by)
    return record


@operation(Permission.IMPORT_RECORDS)
async def choose_client_of_archive(record: DossierImport, client: Client, *, by: Viewer) -> None:
    """Into whose dossier it comes: then what would come of it is worked out anew."""
    by.require(Permission.EDIT_DOSSIERS, client)
    if record.state not in ("checked", "planned"):
        raise Refused("", Say("Dit archief kan nu niet voor een cliënt worden klaargezet."))
    await save(record, client=client.id, state="checking", plan="{}")
    await _begin(record, "check_dossier", by)


@operation(Permission.IMPORT_RECORDS)
async def read_archive(record: DossierImport, with_rights: bool | None = None, *, by: Viewer) -> None:
    """`with_rights`: whether people and templates get the rights that the archive has for them; None: as was said before, and
    where nobody said so they do."""
    by.require(Permission.EDIT_DOSSIERS)
    if record.state not in ("planned", "stopped") and not (record.state == "committing" and await _is_stuck(record)):
        raise Refused("", Say("Dit archief is nog niet klaar om in te lezen."))
    await by.clients.get(record.client or 0)
    plan = record.planned if with_rights is None else record.planned | {"with_rights": with_rights}
    await save(record, state="committing", problem="", plan=json.dumps(plan))
    await _begin(record, "import_dossier", by)


@operation(Permission.IMPORT_RECORDS)
async def take_back_archive(record: DossierImport, *, by: Viewer) -> int:
    """Into the trash with the documents that it brought, and with the folders in which nothing else lies; how many."""
    by.require(Permission.EDIT_DOSSIERS)
    if record.state not in ("committed", "stopped"):
        raise Refused("", Say("Hier is niets om ongedaan te maken."))
    await by.clients.get(record.client or 0)
    now, brought = (
        utcnow(),
        "SELECT record_id FROM dossier_import_item WHERE batch = $1 AND outcome IN ('new', 'numbered') AND key LIKE",
    )
    gone = await engine.raw(
        f"UPDATE document SET trashed_at = $2, trashed_by = $3 WHERE trashed_at IS NULL AND id IN ({brought} 'd%') RETURNING id",
        record.id, now, by.user.id,
    )  # fmt: skip
    count = len(gone)
    while True:
        rows = await engine.raw(
            f"UPDATE folder SET trashed_at = $2, trashed_by = $3 WHERE trashed_at IS NULL AND id IN ({brought} 'f%') "
            "AND NOT EXISTS (SELECT 1 FROM document d WHERE d.folder = folder.id AND d.trashed_at IS NULL) "
            "AND NOT EXISTS (SELECT 1 FROM folder b WHERE b.parent = folder.id AND b.trashed_at IS NULL) RETURNING id",
            record.id, now, by.user.id,
        )  # fmt: skip
        if not rows:
            break
        count += len(rows)
    await take_back_requests(record.id)
    await _take_back_access(record.id, by)
    await save(record, state="undone")
    await _tell(record)
    return count


async def _take_back_access(batch: int, by: Viewer) -> None:
    """Of whom the archive gave it."""
    rows = await engine.raw(
        "DELETE FROM access WHERE id IN (SELECT record_id FROM dossier_import_item WHERE batch = $1 AND outcome = 'new' AND key LIKE 'p%') "
        "RETURNING person, client",
        batch,
    )
    now = utcnow()
    await engine.copy_rows(
        "trail", ("at", "person", "operation", "record_table", "record_id", "client", "detail"),
        [(now, by.user.id, "Access.take", "User", row["person"], row["client"], "{}") for row in rows],
    )  # fmt: skip
    if rows:
        await touch("users", "clients", "rollout")


@operation(Permission.IMPORT_RECORDS)
async def remove_archive(record: DossierImport, *, by: Viewer) -> None:
    """Of an archive of which nothing was read in."""
    if record.state not in ("refused", "checked", "planned") and not (
        record.state == "checking" and await _is_stuck(record)
    ):
        raise Refused("", Say("Van dit archief is al iets ingelezen: het verslag blijft."))
    await DossierImport.delete().where(DossierImport.id == record.id)


async def _is_stuck(record: DossierImport) -> bool:
    """Its worker died too often, or it was stopped before it began."""
    task = await record.running()
    return task is not None and not task.is_busy


async def items_of(record: DossierImport, most: int = 1_000_000) -> list[dict[str, Any]]:
    """What became of each folder and document: key, outcome, path, said; what was left out first."""
    return await engine.raw(
        "SELECT key, outcome, path, said, record_id FROM dossier_import_item WHERE batch = $1 "
        "ORDER BY CASE outcome WHEN 'refused' THEN 0 WHEN 'numbered' THEN 1 WHEN 'same' THEN 3 WHEN 'there' THEN 4 ELSE 2 END, id LIMIT $2",
        record.id, most,
    )  # fmt: skip


async def _begin(record: DossierImport, kind: str, by: Viewer) -> None:
    task = await start(kind, record.id, by=by)
    await save(record, task=task.id)
    await touch(f"dossier-import-{record.id}")


async def _tell(record: DossierImport) -> None:
    rows = await engine.raw("SELECT id FROM dossier WHERE client = $1", record.client)
    for row in rows:
        await tell(row["id"], record.client)
    await touch(f"dossier-import-{record.id}")


# checking and planning


@work("check_dossier")
async def _check(task: Task, progress: Progress) -> dict[str, Any]:
    record, viewer = await _of(task)
    if record.state != "checking":
        return {}
    try:
        async with _fetched(record) as path:
            await check(record, path, viewer, progress)
    except (Broken, BlobMissing) as error:
        why = error.why if isinstance(error, Broken) else Say("Het bestand is er niet meer. Kies het opnieuw.")
        await engine.run_writing(lambda: _set(record, state="refused", problem=json.dumps(why.as_json())))
        raise Refused("", why) from error
    except Cancelled:
        why = Say("Het controleren is gestopt. Er is niets gewijzigd.")
        await engine.run_writing(lambda: _set(record, state="refused", problem=json.dumps(why.as_json())))
        raise Cancelled(why) from None
    return Say("Het archief is heel. Bekijk wat ervan komt.").as_json()


async def check(record: DossierImport, path: Path, viewer: Viewer, progress: Progress | None = None) -> None:
    """Look over the archive at `path` (all of it, the first time) and plan it where the client is known. Raises Broken."""
    says = record.says
    manifest, refused = await _looked_over(path, progress, verified="refused" in says)
    if refused is not None:
        says = _summary(manifest, refused)
    client = int(record.client) if record.client else await _whose(manifest, viewer)
    plan: dict[str, Any] = {}
    if client is not None:
        async with engine.reading():
            plan = await _planned(manifest, says["refused"], client, viewer)
    values = {"found": json.dumps(says), "plan": json.dumps(plan), "client": client, "problem": ""}
    await engine.run_writing(lambda: _set(record, state="planned" if client else "checked", **values))


async def _looked_over(path: Path, progress: Progress | None, verified: bool) -> tuple[Row, dict[str, Any] | None]:
    numbers, stop = [0, 0], threading.Event()

    def look() -> tuple[Row, dict[str, Any] | None]:
        with Archive(path) as archive:
            manifest = archive.manifest()
            if verified:
                return manifest, None
            return manifest, archive.verify(
                manifest, lambda done, total: numbers.__setitem__(slice(0, 2), [done, total]), stop
            )

    looking = asyncio.create_task(asyncio.to_thread(look))
    try:
        while not looking.done():
            await asyncio.wait([looking], timeout=0.5)
            if progress is not None and not looking.done():
                await progress.report(*numbers)
    finally:
        stop.set()
        with contextlib.suppress(Exception):
            await looking
    return await looking


def _summary(manifest: Row, refused: dict[str, Any]) -> dict[str, Any]:
    sizes = [row["size"] for row in files_of(manifest)]
    return {
        "client": manifest["client"],
        "office": manifest["office"],
        "made_at": manifest["made_at"].isoformat(),
        "with_trash": manifest["with_trash"],
        "folders": len(manifest["folders"]),
        "documents": len(manifest["documents"]),
        "versions": sum(len(row["versions"]) for row in manifest["documents"]),
        "published": sum(row["state"] == "published" for row in manifest["documents"]),
        "size": sum(sizes),
        "refused": refused,
    }


async def _whose(manifest: Row, viewer: Viewer) -> int | None:
    """The one client of this viewer that has the number and name of the archive, or else its KvK number; None to be asked."""
    says = manifest["client"]
    rows = await viewer.clients.where(Client.number == says["number"], Client.state == "active").select(
        Client.id, Client.name
    )
    if len(rows) == 1 and fold(rows[0]["name"]) == fold(says["name"]):
        return int(rows[0]["id"])
    if says["kvk"]:
        rows = await viewer.clients.where(Client.kvk == says["kvk"], Client.state == "active").select(Client.id)
        if len(rows) == 1:
            return int(rows[0]["id"])
    return None


async def _planned(manifest: Row, refused: dict[str, Any], client: int, viewer: Viewer) -> dict[str, Any]:
    world, came = await World.of(client), dict[int, int]()
    folders = place_folders(world, manifest["folders"], itertools.count(-1, -1), came)
    documents = place_documents(world, [row for row in manifest["documents"] if row["file"] not in refused], came)
    known = await _Known.load(manifest)
    fates, opened = await decide(manifest, known, client, viewer), await open_folders(folders, client)
    asked = await there_already(client)
    return counted(folders, documents) | {
        "requests_new": sum(row["batch"] not in asked for row in manifest["requests"]),
        "requests_same": sum(row["batch"] in asked for row in manifest["requests"]),
        "given": [[one.who, one.row["template"] or ""] for one in fates if one.outcome == "new"][:50],
        "left_out": [[one.who, one.said.as_json()] for one in fates if one.said is not None][:50],
        "folders_opened": len({row[0] for row in opened.rows}),
        "folders_not_opened": len(opened.left),
        "refused": sum(row["file"] in refused for row in manifest["documents"]),
        "people": sorted(known.strangers(manifest))[:50],
        "kinds": sorted({row["kind"] for row in manifest["documents"] if row["kind"] and fold(row["kind"]) not in known.kinds}),
        "retentions": sorted(
            {row["retention"] for row in (*manifest["documents"], *manifest["folders"]) if row["retention"] and fold(row["retention"]) not in known.retentions}
        ),
    }  # fmt: skip


class _Known:
    """What the archive names and this office has: people by address and name, kinds and retention classes by name."""

    def __init__(self) -> None:
        self.people: dict[str, list[tuple[int, str]]] = {}
        self.kinds: dict[str, int] = {}
        self.retentions: dict[str, int] = {}

    @classmethod
    async def load(cls, manifest: Row) -> _Known:
        known = cls()
        named = itertools.chain(_people(manifest), (row["person"] for row in manifest["rights"]))
        addresses = sorted({person["email"].casefold() for person in named if person["email"]})
        for some in _batched(addresses, 500):
            places = ", ".join(f"${n}" for n in range(1, len(some) + 1))
            for row in await engine.raw(
                f"SELECT id, email_key, full_name FROM users WHERE email_key IN ({places})", *some
            ):
                known.people.setdefault(row["email_key"], []).append((row["id"], fold(row["full_name"])))
        for table, found in (("document_kind", known.kinds), ("retention_class", known.retentions)):
            found |= {row["name_key"]: row["id"] for row in await engine.raw(f"SELECT id, name_key FROM {table}")}
        return known

    def person(self, named: Row | None) -> int | None:
        """Who has this address and name; the address alone is enough where one person has it."""
        if named is None or not named["email"]:
            return None
        found = self.people.get(named["email"].casefold(), [])
        same = [id for id, name in found if name == fold(named["name"])]
        if len(same) == 1:
            return same[0]
        return found[0][0] if len(found) == 1 else None

    def strangers(self, manifest: Row) -> set[str]:
        return {person["name"] or person["email"] for person in _people(manifest) if self.person(person) is None}


def _batched(some: list[str], size: int) -> Iterator[list[str]]:
    for at in range(0, len(some), size):
        yield some[at : at + size]


def _people(manifest: Row) -> Iterator[Row]:
    """Who did something in the dossier; who only may, is not among them."""
    for row in manifest["documents"]:
        for one in (
            row["uploaded_by"],
            *(v["uploaded_by"] for v in row["versions"]),
            *(r["person"] for r in (*row["remarks"], *row["readings"])),
        ):
            if one is not None:
                yield one
    for row in manifest["requests"]:
        yield from asking.people_of(row)


# carrying it out


@work("import_dossier")
async def _import(task: Task, progress: Progress) -> dict[str, Any]:
    """Begun again after a crash it goes on after what is written down of it."""
    record, viewer = await _of(task)
    if record.state != "committing":
        return {}
    try:
        async with _fetched(record) as path:
            await carry_out(record, path, viewer, progress)
    except Cancelled:
        said = Say("Het inlezen is gestopt. Wat er al is, blijft; u kunt verder gaan of het terugnemen.")
        await engine.run_writing(lambda: _set(record, state="stopped", problem=json.dumps(said.as_json())))
        raise Cancelled(said) from None
    except (Broken, BlobMissing) as error:
        why = error.why if isinstance(error, Broken) else Say("Het bestand is er niet meer. Kies het opnieuw.")
        await engine.run_writing(lambda: _set(record, state="stopped", problem=json.dumps(why.as_json())))
        raise Refused("", why) from error
    rows = await engine.raw("SELECT count(*) AS n FROM dossier_import_item WHERE batch = $1 AND key LIKE 'd%' AND outcome IN ('new', 'numbered')", record.id)  # fmt: skip
    return Say("{n} documenten ingelezen.", n=int(rows[0]["n"])).as_json()


async def carry_out(record: DossierImport, path: Path, viewer: Viewer, progress: Progress | None = None) -> None:
    client = await viewer.clients.get(int(record.client or 0))
    refused = record.says["refused"]
    with await asyncio.to_thread(Archive, path) as archive:
        manifest = await asyncio.to_thread(archive.manifest)
        known = await _Known.load(manifest)
        came = await engine.run_writing(lambda: _put_folders(record, manifest, known, client, viewer))
        over = {
            row["key"] for row in await engine.raw("SELECT key FROM dossier_import_item WHERE batch = $1", record.id)
        }
        left = [row for row in manifest["documents"] if f"d{row['id']}" not in over]
        done = len(manifest["documents"]) - len(left)
        for some in _portions(left):
            taken = await _put_bytes(archive, [row for row in some if row["file"] not in refused], refused)

            async def put(some: list[Row] = some, taken: dict[str, str] = taken) -> None:
                await _put_documents(record, some, taken, refused, known, came, client.id)

            await engine.run_writing(put)
            done += len(some)
            if progress is not None:
                await progress.report(done, len(manifest["documents"]))

    async def over_now() -> None:
        await _put_asked(record, manifest, known, came, client.id)
        if record.planned.get("with_rights", True):
            await _put_rights(record, manifest, known, client, viewer)
        await _set(record, state="committed", finished_at=utcnow())
        await _tell(record)

    await engine.run_writing(over_now)


async def _put_asked(record: DossierImport, manifest: Row, known: _Known, came: dict[int, int], client: int) -> None:
    """The requests, once the documents that came for them are there."""
    if not manifest["requests"] or await _is_over(record, "r"):
        return
    rows = await engine.raw(
        "SELECT key, record_id FROM dossier_import_item WHERE batch = $1 AND key LIKE 'd%'", record.id
    )
    documents = {int(row["key"][1:]): row["record_id"] for row in rows}
    there = {  # those that were here already, by what made them the same
        (row["folder"], row["name_key"], row["sha256"], row["trashed_at"] is None): row["id"]
        for row in await engine.raw(
            "SELECT id, folder, name_key, sha256, trashed_at FROM document WHERE client = $1 ORDER BY id DESC", client
        )
    }
    for row in manifest["documents"]:
        if row["id"] in documents and documents[row["id"]] is None:
            key = (came[row["folder"]], fold(row["name"]), row["sha256"], row["trashed_at"] is None)
            documents[row["id"]] = there.get(key)
    found = {number: id for number, id in documents.items() if id is not None}
    said = await put_requests(manifest["requests"], known, came, found, client)
    await _write_items(record.id, [(key, outcome, id, path, _json(why)) for key, outcome, id, path, why in said])


async def _put_rights(record: DossierImport, manifest: Row, known: _Known, client: Client, viewer: Viewer) -> None:
    if not manifest["rights"] or await _is_over(record, "p"):
        return
    fates = await decide(manifest, known, client.id, viewer)
    made = await give(fates, client, viewer)
    rows = [
        (f"p{n}", one.outcome, made.get(one.person or 0), one.who, _json(one.said)) for n, one in enumerate(fates, 1)
    ]
    await _write_items(record.id, rows)


async def _is_over(record: DossierImport, kind: str) -> bool:
    return bool(
        await engine.raw(
            "SELECT 1 AS one FROM dossier_import_item WHERE batch = $1 AND key LIKE $2 LIMIT 1", record.id, f"{kind}%"
        )
    )


def _json(why: Say | None) -> str:
    return json.dumps(why.as_json()) if why is not None else ""


def _portions(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Few enough, and not too many bytes, for one unit."""
    some: list[Row] = []
    size = 0
    for row in rows:
        some.append(row)
        size += row["size"] + sum(one["size"] for one in row["versions"])
        if len(some) == AT_ONCE or size > AT_ONCE_BYTES:
            yield some
            some, size = [], 0
    if some:
        yield some


async def _put_bytes(archive: Archive, rows: Sequence[Row], refused: dict[str, Any]) -> dict[str, str]:
    """Into the storage, each checked against its hash once more; file > what kind it is by its content. Raises Broken."""
    kinds = {}
    for row in rows:
        for one in (row, *row["versions"]):
            if one["file"] in refused:
                continue
            async with storage().receive(one["size"]) as incoming:
                blocks = archive.blocks(one["file"])
                while block := await asyncio.to_thread(next, blocks, b""):
                    await incoming.write(block)
                stored = await incoming.keep()
            if stored.sha256 != one["sha256"]:
                raise Broken(Say("“{name}” is beschadigd: de controlegetallen kloppen niet.", name=one["file"]))
            kinds[one["file"]] = detect(stored.head, one["name"]).mime
    return kinds


async def _put_folders(
    record: DossierImport, manifest: Row, known: _Known, client: Client, viewer: Viewer
) -> dict[int, int]:
    """In one unit, all of them: number in the archive > folder."""
    dossier = await open_dossier(client, by=viewer)
    rows = await engine.raw(
        "SELECT key, record_id FROM dossier_import_item WHERE batch = $1 AND key LIKE 'f%'", record.id
    )
    came = {int(row["key"][1:]): int(row["record_id"]) for row in rows}
    if len(came) == len(manifest["folders"]):
        return came
    world = await World.of(client.id)
    ids = await new_ids("folder", len(manifest["folders"]))
    places = place_folders(world, manifest["folders"], ids, came)
    made = [
        (
            place.id, dossier.id, client.id, came.get(place.row["parent"] or 0), place.name, fold(place.name), place.row["kind"], place.row["own_only"],
            known.retentions.get(fold(place.row["retention"] or "")), place.row["year"], place.row["anchor_on"], place.row["position"], place.row["created_at"], place.row["trashed_at"],
        )
        for place in places if place.outcome != "there"
    ]  # fmt: skip
    columns = ("id", "dossier", "client", "parent", "name", "name_key", "kind", "own_only", "retention", "year", "anchor_on", "position", "created_at", "trashed_at")  # fmt: skip
    opened = await open_folders(places, client.id) if record.planned.get("with_rights", True) else Opened([], [])
    await engine.copy_rows("folder", columns, made)
    await engine.copy_rows(
        "folder_grant", ("folder", "client", "template", "act"),
        [(folder, client.id, template, act) for folder, template, act in opened.rows],
    )  # fmt: skip
    ways: dict[int, str] = {}
    for place in places:
        above = ways.get(place.row["parent"] or 0)
        ways[place.row["id"]] = f"{above} › {place.name}" if above else place.name
    await _write_items(
        record.id,
        [(f"f{place.row['id']}", place.outcome, place.id, ways[place.row["id"]], "") for place in places]
        + [(f"g{number}", "refused", None, ways[number], _json(why)) for number, why in opened.left],
    )
    await tell(dossier.id, client.id)
    return came


async def _put_documents(
    record: DossierImport, some: Sequence[Row], kinds: dict[str, str], refused: dict[str, Any], known: _Known, came: dict[int, int],
    client: int,
) -> None:  # fmt: skip
    world = await _beside(client, [came[row["folder"]] for row in some])
    places = place_documents(world, [row for row in some if row["file"] not in refused], came)
    made = [place for place in places if place.outcome != "same"]
    for place, id in zip(made, await new_ids("document", len(made)), strict=True):
        place.id = id
    await engine.copy_rows("document", _DOCUMENT, [_document(place, kinds, known, came, client) for place in made])
    carried: list[tuple[Any, ...]] = []
    await _put_versions(made, kinds, refused, known, client, carried)
    brought = [one for place in made for one in (place.row, *place.row["versions"]) if one["file"] not in refused]
    await enlist([one["sha256"] for one in brought])
    await _put_said(made, known, client, carried)
    for place in made:
        _carry(carried, place, client, "document", None, place.row["uploaded_by"], known)
    await engine.copy_rows(
        "carried_person", ("document", "client", "what", "record_id", "name", "email", "detail"), carried
    )
    said = [
        (f"d{row['id']}", "refused", None, row["file"], json.dumps(refused[row["file"]]))
        for row in some
        if row["file"] in refused
    ]
    done = [(f"d{place.row['id']}", place.outcome, place.id, place.row["file"], "") for place in places]
    await _write_items(record.id, said + done)


async def _beside(client: int, folders: Sequence[int]) -> World:
    """As `World.of`, of some folders."""
    world = World()
    ids = json.dumps(sorted(set(folders)))
    for row in await engine.raw(
        f"SELECT folder, name_key, sha256, trashed_at FROM document WHERE folder IN {listed(1)} AND client = $2",
        ids,
        client,
    ):
        if row["trashed_at"]:
            world.trashed.add((row["folder"], row["name_key"], row["sha256"]))
        else:
            world.documents.setdefault(row["folder"], {})[row["name_key"]] = row["sha256"]
    return world


_DOCUMENT = (
    "id", "folder", "client", "name", "name_key", "sha256", "size", "mime", "source", "uploaded_by", "uploaded_at", "trashed_at", "opened_at",
    "state", "publish_at", "published_at", "version", "kind", "book_year", "period", "labels", "labels_key", "note", "retention",
    "anchor_on",
)  # fmt: skip


def _document(place: Place, kinds: dict[str, str], known: _Known, came: dict[int, int], client: int) -> tuple[Any, ...]:
    row = place.row
    labels = [word.strip() for word in row["labels"].split(",") if word.strip()]
    return (
        place.id, came[row["folder"]], client, place.name, fold(place.name), row["sha256"], row["size"], kinds[row["file"]], row["source"],
        known.person(row["uploaded_by"]), row["uploaded_at"], row["trashed_at"], row["opened_at"], row["state"], row["publish_at"],
        row["published_at"], row["version"], known.kinds.get(fold(row["kind"] or "")), row["book_year"], row["period"], row["labels"],
        labels_key(labels) if labels else "", row["note"], known.retentions.get(fold(row["retention"] or "")),
        row["anchor_on"],
    )  # fmt: skip


async def _put_versions(
    made: Sequence[Place],
    kinds: dict[str, str],
    refused: dict[str, Any],
    known: _Known,
    client: int,
    carried: list[tuple[Any, ...]],
) -> None:
    rows, ids = [], await new_ids("document_version", sum(len(place.row["versions"]) for place in made))
    for place in made:
        for one in place.row["versions"]:
            id = next(ids)
            if one["file"] in refused:
                continue
            rows.append(
                (
                    id, place.id, client, one["number"], one["name"], one["sha256"], one["size"], kinds[one["file"]], one["source"],
                    known.person(one["uploaded_by"]), one["uploaded_at"], one["replaced_at"], one["was_published"],
                )
            )  # fmt: skip
            _carry(carried, place, client, "version", id, one["uploaded_by"], known)
    columns = ("id", "document", "client", "number", "name", "sha256", "size", "mime", "source", "uploaded_by", "uploaded_at", "replaced_at", "was_published")  # fmt: skip
    await engine.copy_rows("document_version", columns, rows)


async def _put_said(made: Sequence[Place], known: _Known, client: int, carried: list[tuple[Any, ...]]) -> None:
    """Remarks, and who opened it: of people whom this office knows as they were, of others as text."""
    remarks, ids = [], await new_ids("remark", sum(len(place.row["remarks"]) for place in made))
    readings: dict[tuple[int, int, int], tuple[Any, ...]] = {}
    for place in made:
        for one in place.row["remarks"]:
            id = next(ids)
            remarks.append(
                (
                    id,
                    place.id,
                    client,
                    known.person(one["person"]),
                    one["side"],
                    one["text"],
                    one["at"],
                    one["settled_at"],
                )
            )
            _carry(carried, place, client, "remark", id, one["person"], known)
        for one in place.row["readings"]:
            person = known.person(one["person"])
            if person is None:
                detail = {
                    name: one[name].isoformat() if one[name] else None
                    for name in ("first_at", "last_at", "downloaded_at")
                }
                named = one["person"] or {"name": "", "email": ""}
                carried.append(
                    (place.id, client, "reading", None, named["name"], named["email"], json.dumps(detail | {"times": one["times"], "version": one["version"]}))
                )  # fmt: skip
            else:
                readings.setdefault(
                    (int(place.id or 0), person, one["version"]),
                    (
                        place.id,
                        client,
                        person,
                        one["first_at"],
                        one["last_at"],
                        one["times"],
                        one["version"],
                        one["downloaded_at"],
                    ),
                )
    await engine.copy_rows(
        "remark", ("id", "document", "client", "person", "side", "text", "at", "settled_at"), remarks
    )
    columns = ("document", "client", "person", "first_at", "last_at", "times", "version", "downloaded_at")
    await engine.copy_rows("reading", columns, list(readings.values()))


def _carry(
    carried: list[tuple[Any, ...]],
    place: Place,
    client: int,
    what: str,
    id: int | None,
    named: Row | None,
    known: _Known,
) -> None:
    if named is not None and known.person(named) is None:
        carried.append((place.id, client, what, id, named["name"], named["email"], "{}"))


async def _write_items(batch: int, rows: Sequence[tuple[str, str, int | None, str, str]]) -> None:
    columns = ("batch", "key", "outcome", "record_id", "path", "said")
    await engine.copy_rows(
        "dossier_import_item",
        columns,
        [(batch, key, outcome, id, path[:2000], said) for key, outcome, id, path, said in rows],
    )


async def _set(record: DossierImport, **values: Any) -> None:
    await save(record, **values)
    await touch(f"dossier-import-{record.id}")


async def _of(task: Task) -> tuple[DossierImport, Viewer]:
    """The archive of a task, and who brought it, as he is now."""
    async with engine.reading():
        user = await User.objects().where(User.id == task.owner).first()
        assert user is not None
        viewer = Viewer(user)
        if not may_import(viewer):
            raise Refused("", Say("U mag geen dossiers meer inlezen."))
        return await viewer.scope(DossierImport).get(task.subject_id or 0), viewer


@contextlib.asynccontextmanager
async def _fetched(record: DossierImport) -> AsyncIterator[Path]:
    """The archive as a file that can be sought in, wherever the bytes live; gone afterwards."""
    folder = await asyncio.to_thread(tempfile.TemporaryDirectory, prefix="poort-dossier-")
    try:
        path = Path(folder.name) / "archive.zip"
        with path.open("wb") as file:
            async with contextlib.aclosing(storage().open(record.sha256)) as chunks:
                async for chunk in chunks:
                    await asyncio.to_thread(file.write, chunk)
        yield path
    finally:
        await asyncio.to_thread(folder.cleanup)
