"""A client's dossier as one archive: everything read at one moment, the bytes streamed, checked against their hash on the way."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import hashlib
import itertools
import json
import zipfile
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, Any

from models import engine
from models.clients import Client
from models.content_type import clean_name
from models.core import Refused, Say, fold, operation, save
from models.dossiers.zipping import fitting
from models.live import touch
from models.moving.asking import requests_of
from models.moving.manifest import CLIENT, FORMAT, MANIFEST, SUMS, VERSION
from models.moving.records import KEPT, DossierExport
from models.moving.rights import grants_of_folders, rights_at, templates_named
from models.scanning import shut_among
from models.settings import Firm, utcnow
from models.storage import Missing as BlobMissing
from models.storage import StorageDown, StorageFull, storage
from models.tasks import Cancelled, Progress, Task, start, work
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

Row = dict[str, Any]

_LONGEST = 200  # characters of a whole name in the archive: Windows unpacks no path of more than 260
_DEEPEST = 140  # of the folders alone; what lies deeper comes in a folder named by its number
_PIECE = 1 << 20


@operation(Permission.EDIT_DOSSIERS)
async def export_dossier(client: Client, with_trash: bool = False, *, by: Viewer) -> DossierExport:
    """Begin to make the archive; it waits for some days to be downloaded."""
    by.require(Permission.READ_DOSSIERS)
    if not await engine.raw("SELECT 1 AS one FROM dossier WHERE client = $1", client.id):
        raise Refused("", Say("Deze cliënt heeft nog geen dossier."))
    busy = (
        await by.scope(DossierExport)
        .where((DossierExport.client == client.id) & (DossierExport.state == "making"))
        .all()
    )
    for one in busy:
        task = await Task.objects().where(Task.id == (one.task or 0)).first()
        if task is not None and task.is_busy:
            raise Refused("", Say("Van dit dossier wordt al een archief gemaakt."))
    name = clean_name(f"Dossier {client.number} {client.name}.zip")
    made = DossierExport(client=client.id, person=by.user.id, with_trash=with_trash, name=name, at=utcnow())
    await made.save()
    task = await start("export_dossier", client.id, by=by, export=made.id)
    await save(made, task=task.id)
    await touch(f"client-{client.id}")
    return made


@work("export_dossier")
async def _export(task: Task, progress: Progress) -> dict[str, Any]:
    made = await DossierExport.objects().where(DossierExport.id == int(task.asked["export"])).first()
    if made is None or made.state != "making":
        return {}
    try:
        async with engine.reading():
            content = await contents(int(made.client), bool(made.with_trash))
        async with storage().receive() as incoming:
            async for piece in pieces(content, progress):
                await incoming.write(piece)
            stored = await incoming.keep()
    except (Refused, StorageFull, StorageDown) as error:
        why = (
            error.why
            if isinstance(error, Refused)
            else Say("De opslag heeft geen plaats, of werkt niet. Probeer het later nog eens.")
        )
        await engine.run_writing(lambda: save(made, state="failed", problem=json.dumps(why.as_json())))
        raise Refused("", why) from error
    except Cancelled:
        why = Say("Het exporteren is gestopt.")
        await engine.run_writing(lambda: save(made, state="failed", problem=json.dumps(why.as_json())))
        raise Cancelled(why) from None

    async def ready() -> None:
        await save(
            made, state="ready", sha256=stored.sha256, size=stored.size, documents=len(content["documents"]), expires_at=utcnow() + KEPT
        )  # fmt: skip
        await touch(f"client-{made.client}")

    await engine.run_writing(ready)
    return Say("Het archief met {n} documenten staat klaar.", n=len(content["documents"])).as_json()


async def contents(client: int, with_trash: bool) -> Row:
    """The manifest of a client's dossier, in a reading unit; each file with its place in the archive."""
    rows = await engine.raw(f"SELECT {', '.join(CLIENT)} FROM client WHERE id = $1", client)
    folders = await _folders(client, with_trash)
    number = {row["id"]: n for n, row in enumerate(folders, 1)}
    documents, document_numbers = await _documents(client, number, with_trash)
    grants, rights = await grants_of_folders(client), await rights_at(client)
    firm = await Firm.load()
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "made_at": _iso(utcnow()),
        "office": firm.name,
        "with_trash": with_trash,
        "client": rows[0],
        "folders": [
            {
                "id": number[row["id"]],
                "parent": number.get(row["parent"] or 0),
                **{name: row[name] for name in ("name", "kind", "retention", "year", "position")},
                "own_only": bool(row["own_only"]),
                "anchor_on": _day(row["anchor_on"]),
                "created_at": _iso(row["created_at"]),
                "trashed_at": _iso(row["trashed_at"]),
                "grants": grants.get(row["id"], []),
            }
            for row in folders
        ],
        "documents": documents,
        "requests": await requests_of(client, number, document_numbers, _iso),
        "rights": rights,
        "templates": await templates_named(
            one["template"] for one in (*rights, *itertools.chain(*grants.values())) if one["template"]
        ),
    }
    _place(manifest)
    await _refuse_shut(manifest)
    return manifest


async def _refuse_shut(manifest: Row) -> None:
    """An archive is whole or is not made: what may not be opened cannot leave in it."""
    shut = await shut_among({row["sha256"] for row in _files(manifest)})
    if shut:
        raise Refused(
            "",
            Say(
                "{n} bestanden in dit dossier worden nog op virussen gecontroleerd, of er is een virus in gevonden. Wacht "
                "tot dat klaar is, of vernietig wat besmet is.",
                n=len(shut),
            ),
        )


async def _folders(client: int, with_trash: bool) -> list[Row]:
    """Each after the one above it; among siblings in their order, those in the trash last."""
    rows = await engine.raw(
        "SELECT f.id, f.parent, f.name, f.name_key, f.kind, f.own_only, r.name AS retention, f.year, f.anchor_on, f.position, f.created_at, f.trashed_at "
        "FROM folder f LEFT JOIN retention_class r ON r.id = f.retention WHERE f.client = $1",
        client,
    )
    within: dict[int, list[Row]] = {}
    for row in sorted(rows, key=lambda r: (str(r["trashed_at"] or ""), r["position"], r["name_key"], r["id"])):
        if with_trash or not row["trashed_at"]:
            within.setdefault(row["parent"] or 0, []).append(row)
    found, waiting = [], list(reversed(within.get(0, [])))
    while waiting:
        row = waiting.pop()
        found.append(row)
        waiting += reversed(within.get(row["id"], []))
    return found


_PEOPLE = "u.full_name AS who, u.email AS address"


async def _documents(client: int, number: dict[int, int], with_trash: bool) -> tuple[list[Row], dict[int, int]]:
    """As the manifest has them; and id > number in it."""
    rows = await engine.raw(
        f"SELECT d.*, k.name AS kind_name, r.name AS retention_name, {_PEOPLE} FROM document d LEFT JOIN users u ON u.id = d.uploaded_by "
        "LEFT JOIN document_kind k ON k.id = d.kind LEFT JOIN retention_class r ON r.id = d.retention WHERE d.client = $1",
        client,
    )
    rows = [row for row in rows if row["folder"] in number and (with_trash or not row["trashed_at"])]
    rows.sort(
        key=lambda r: (number[r["folder"]], str(r["trashed_at"] or ""), r["name_key"], str(r["uploaded_at"]), r["id"])
    )
    carried = await _carried(client)
    versions = _by_document(
        await engine.raw(f"SELECT v.*, {_PEOPLE} FROM document_version v LEFT JOIN users u ON u.id = v.uploaded_by WHERE v.client = $1 ORDER BY v.document, v.number", client)
    )  # fmt: skip
    remarks = _by_document(
        await engine.raw(f"SELECT m.*, {_PEOPLE} FROM remark m LEFT JOIN users u ON u.id = m.person WHERE m.client = $1 ORDER BY m.document, m.at, m.id", client)
    )  # fmt: skip
    readings = _by_document(
        await engine.raw(f"SELECT g.*, {_PEOPLE} FROM reading g LEFT JOIN users u ON u.id = g.person WHERE g.client = $1 ORDER BY g.document, g.id", client)
    )  # fmt: skip
    found = []
    for n, row in enumerate(rows, 1):
        named = carried.get(row["id"], [])
        of = {(one["what"], one["record_id"] or 0): one for one in named}
        read = [_person(one) | _reading(one) for one in readings.get(row["id"], [])]
        read += [
            {"person": {"name": one["name"], "email": one["email"]}, **json.loads(one["detail"])}
            for one in named
            if one["what"] == "reading"
        ]
        found.append(
            {
                "id": n,
                "folder": number[row["folder"]],
                **_bytes(row, of.get(("document", 0))),
                **{name: row[name] for name in ("state", "version", "book_year", "period", "labels", "note")},
                **{name: _iso(row[name]) for name in ("publish_at", "published_at", "opened_at", "trashed_at")},
                "kind": row["kind_name"],
                "retention": row["retention_name"],
                "anchor_on": _day(row["anchor_on"]),
                "versions": [
                    _bytes(one, of.get(("version", one["id"])))
                    | {
                        "number": one["number"],
                        "replaced_at": _iso(one["replaced_at"]),
                        "was_published": bool(one["was_published"]),
                    }
                    for one in versions.get(row["id"], [])
                ],
                "remarks": [
                    _person(one, of.get(("remark", one["id"])))
                    | {
                        "side": one["side"],
                        "text": one["text"],
                        "at": _iso(one["at"]),
                        "settled_at": _iso(one["settled_at"]),
                    }
                    for one in remarks.get(row["id"], [])
                ],
                "readings": sorted(read, key=lambda r: (r["first_at"], r["version"], str(r["person"]))),
            }
        )
    return found, {row["id"]: n for n, row in enumerate(rows, 1)}


async def _carried(client: int) -> dict[int, list[Row]]:
    return _by_document(await engine.raw("SELECT * FROM carried_person WHERE client = $1", client))


def _by_document(rows: Iterable[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(row["document"], []).append(row)
    return found


def _bytes(row: Row, carried: Row | None) -> Row:
    names = ("name", "sha256", "size", "mime", "source")
    return {
        **{name: row[name] for name in names},
        "uploaded_by": _person(row, carried)["person"],
        "uploaded_at": _iso(row["uploaded_at"]),
    }


def _person(row: Row, carried: Row | None = None) -> Row:
    if row["who"] is not None:
        return {"person": {"name": row["who"], "email": row["address"]}}
    return {"person": {"name": carried["name"], "email": carried["email"]} if carried else None}


def _reading(row: Row) -> Row:
    moments = {name: _iso(row[name]) for name in ("first_at", "last_at", "downloaded_at")}
    return moments | {"times": row["times"], "version": row["version"]}


def _day(day: dt.date | str | None) -> str | None:
    return str(day)[:10] if day is not None else None


def _iso(moment: dt.datetime | None) -> str | None:
    return moment.astimezone(dt.UTC).isoformat() if moment is not None else None


def _place(manifest: Row) -> None:
    """Give each file its name in the archive: readable, right on Windows, each once."""
    ways: dict[int, str] = {}
    gone: dict[int, bool] = {}
    taken: dict[str, set[str]] = {}
    for row in manifest["folders"]:
        above = ways.get(row["parent"] or 0, "")
        names = taken.setdefault(above, set())
        name = fitting(clean_name(row["name"]).rstrip(". ") or "map", names, 60)
        names.add(fold(name))
        way = f"{above}{name}/"
        ways[row["id"]] = way if len(way) <= _DEEPEST else f"~{row['id']}/"
        gone[row["id"]] = bool(row["trashed_at"]) or gone.get(row["parent"] or 0, False)
    manifest["ways"] = [f"Documenten/{ways[id]}" for id in ways if not gone[id]]
    for row in manifest["documents"]:
        trashed = bool(row["trashed_at"]) or gone[row["folder"]]
        top = "Prullenbak/" if trashed else "Documenten/"
        row["file"] = _named(f"{top}{ways[row['folder']]}", row["name"], taken)
        for one in row["versions"]:
            stem, _, ending = one["name"].rpartition(".")
            name = f"{stem} (versie {one['number']}).{ending}" if stem else f"{one['name']} (versie {one['number']})"
            one["file"] = _named(f"Eerdere versies/{ways[row['folder']]}", name, taken)


def _named(place: str, name: str, taken: dict[str, set[str]]) -> str:
    names = taken.setdefault(f"file {place}", set())
    name = fitting(clean_name(name), names, max(_LONGEST - len(place), 40))
    names.add(fold(name))
    return f"{place}{name}"


class _Out:
    """What the ZIP is written to: it cannot be sought in, and is emptied as it fills."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._waiting.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """There is nothing behind it."""

    def take(self) -> bytes:
        found, self._waiting = b"".join(self._waiting), []
        return found


async def pieces(manifest: Row, progress: Progress | None = None) -> AsyncIterator[bytes]:
    """The archive, a piece at a time; never more of it in memory. Raises Refused where bytes are not what they should be."""
    out, sums = _Out(), []
    ways = manifest.pop("ways")
    total, done = sum(row["size"] for row in _files(manifest)), 0
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]
        for way in ways:
            archive.mkdir(way.removesuffix("/"))
        for row in _files(manifest):
            info = zipfile.ZipInfo(row["file"], _dos(row["uploaded_at"]))
            digest, size = hashlib.sha256(), 0
            try:
                with archive.open(info, "w", force_zip64=row["size"] > 1 << 31) as entry:
                    async with contextlib.aclosing(storage().open(row["sha256"])) as chunks:
                        async for chunk in chunks:
                            await asyncio.to_thread(_put, entry, digest, chunk)
                            size += len(chunk)
                            yield out.take()
                            if progress is not None:
                                await progress.report((done + size) // 1024, total // 1024)
            except BlobMissing as error:
                raise _lost(row) from error
            if digest.hexdigest() != row["sha256"]:
                raise _lost(row)
            done += size
            sums.append(f"{row['sha256']}  {row['file']}\n")
            yield out.take()
        text = await asyncio.to_thread(lambda: json.dumps(manifest, ensure_ascii=False, indent=1).encode())
        sums.append(f"{hashlib.sha256(text).hexdigest()}  {MANIFEST}\n")
        for name, content in ((MANIFEST, text), (SUMS, "".join(sums).encode())):
            info = zipfile.ZipInfo(name, _dos(manifest["made_at"]))
            info.compress_type = zipfile.ZIP_DEFLATED
            await asyncio.to_thread(archive.writestr, info, content)
            yield out.take()
    yield out.take()


def _put(entry: Any, digest: Any, chunk: bytes) -> None:
    digest.update(chunk)
    entry.write(chunk)


def _files(manifest: Row) -> Iterable[Row]:
    for row in manifest["documents"]:
        yield row
        yield from row["versions"]


def _lost(row: Row) -> Refused:
    return Refused("", Say("“{name}” is in de opslag beschadigd of weg. Er is geen archief gemaakt.", name=row["name"]))


def _dos(moment: str) -> tuple[int, int, int, int, int, int]:
    found = dt.datetime.fromisoformat(moment)
    return (min(max(found.year, 1980), 2107), found.month, found.day, found.hour, found.minute, found.second)
