"""Files that come: loose ones are matched at once, what is in a ZIP by the worker."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models import config, engine
from models.content_type import check_upload, clean_name, detect
from models.content_type.kinds import ZIP, ending_of
from models.core import Refused, Say, save
from models.dossiers.folders import NewDocument
from models.live import touch
from models.placing.archive import Archive, BadArchive, BadEntry, Entry
from models.placing.matching import Match, load_numbers
from models.placing.plan import plan_again
from models.placing.records import MOST_FILES, Placing, PlacingSource
from models.storage import TooLarge, storage
from models.storage.base import HEAD
from models.tasks import Progress

if TYPE_CHECKING:
    from models.viewer import Viewer

_COLUMNS = (
    "placement",
    "source",
    "path",
    "name",
    "sha256",
    "size",
    "mime",
    "client",
    "state",
    "reason",
    "deviation",
    "own",
)
_END = object()


def is_archive(file: NewDocument) -> bool:
    """A ZIP itself; not a workbook or a document, which are ZIPs inside too."""
    return file.mime == ZIP and ending_of(file.name) == "zip"


async def add_loose(placing: Placing, files: Sequence[NewDocument], by: Viewer) -> None:
    """Rows of files that came one by one. Raises Refused when there are too many in one placing."""
    if not files:
        return
    await _refuse_too_many(placing, len(files))
    numbers = await load_numbers(by)
    rows = [_row(placing.id, None, file.name, file, numbers.match(file.name)) for file in files]
    last = await engine.raw("SELECT coalesce(max(id), 0) AS id FROM placement_file WHERE placement = $1", placing.id)
    await engine.copy_rows("placement_file", _COLUMNS, rows)
    await plan_again(placing, by, since=last[0]["id"])  # not all of it at every one of two thousand files


async def take_out(placing: Placing, source: PlacingSource, by: Viewer, progress: Progress) -> None:
    """All that is in a ZIP into the storage, and then, in one unit, its rows. Killed at any moment it begins again: bytes are
    kept by their hash, and the rows of a source are there once or not at all."""
    rows: list[tuple[Any, ...]] = []
    problem: Say | None = None
    async with engine.reading():
        numbers = await load_numbers(by)
    try:
        async with _opened(source) as archive:
            entries = await asyncio.to_thread(archive.entries)
            for at, entry in enumerate(entries):
                await progress.report(at, len(entries))
                file, why = await _take(archive, entry)
                match = numbers.match(entry.path)
                rows.append(_row(placing.id, source.id, entry.path, file, match, why))
            if not entries:
                problem = Say("In dit ZIP-bestand zit geen enkel bestand.")
    except BadArchive as bad:
        rows, problem = [], bad.why
    await engine.run_writing(lambda: _keep(placing, source, rows, problem, by))


async def _keep(
    placing: Placing, source: PlacingSource, rows: list[tuple[Any, ...]], problem: Say | None, by: Viewer
) -> None:
    found = await engine.raw("SELECT is_read FROM placement_source WHERE id = $1", source.id)
    if not found or found[0]["is_read"]:
        return  # another worker was quicker, or it was removed
    try:
        await _refuse_too_many(placing, len(rows))
    except Refused as refused:
        rows, problem = [], refused.why
    await engine.copy_rows("placement_file", _COLUMNS, rows)
    said = json.dumps(problem.as_json()) if problem else ""
    await save(source, is_read=True, problem=said, sha256=source.sha256 if problem else "")
    await plan_again(placing, by)
    await touch(f"placing-{placing.id}")


async def _refuse_too_many(placing: Placing, more: int) -> None:
    rows = await engine.raw("SELECT count(*) AS n FROM placement_file WHERE placement = $1", placing.id)
    if rows[0]["n"] + more > MOST_FILES:
        raise Refused(
            "files",
            Say("Ten hoogste {most} bestanden in één plaatsing. Begin voor de rest een nieuwe.", most=MOST_FILES),
        )


@contextlib.asynccontextmanager
async def _opened(source: PlacingSource) -> AsyncIterator[Archive]:
    """A copy on this machine: the storage may be elsewhere, and a ZIP is read from its end."""
    folder = config.settings().var
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="import-") as place:  # what a kill leaves goes with old imports
        path = Path(place) / "archive.zip"
        with path.open("wb") as out:
            async for chunk in storage().open(source.sha256):
                await asyncio.to_thread(out.write, chunk)
        archive = await asyncio.to_thread(Archive, path)
        try:
            yield archive
        finally:
            archive.close()


async def _take(archive: Archive, entry: Entry) -> tuple[NewDocument | None, Say | None]:
    """The file as it is in the storage now, or why it is not."""
    if entry.why:
        return None, entry.why
    name = clean_name(entry.path)
    pieces = archive.read(entry)
    try:
        start = await _first(pieces)
        if why := check_upload(start[:HEAD], len(start), name):
            return None, why
        async with storage().receive(config.settings().max_upload) as incoming:
            await incoming.write(start)
            while (piece := await asyncio.to_thread(next, pieces, _END)) is not _END:
                await incoming.write(piece)  # type: ignore[arg-type]
            stored = await incoming.keep()
    except BadEntry as bad:
        return None, bad.why
    except TooLarge:
        return None, Say("Dit bestand is groter dan één bestand mag zijn.")
    return NewDocument(name, stored.sha256, stored.size, detect(stored.head, name).mime), None


async def _first(pieces: Iterator[bytes]) -> bytes:
    """Enough to know what it is: a piece, or all of it."""
    return bytes(await asyncio.to_thread(next, pieces, b""))


def _row(
    placing: int, source: int | None, path: str, file: NewDocument | None, match: Match, why: Say | None = None
) -> tuple[Any, ...]:
    reason = why or match.why
    said = json.dumps(reason.as_json(), ensure_ascii=False) if reason else ""
    if file is None:
        return (placing, source, path[:1000], clean_name(path), "", 0, "", None, "refused", said, "", "{}")
    state = "matched" if match.client else "unmatched"
    name = clean_name(match.rest)
    return (
        placing, source, path[:1000], name, file.sha256, file.size, file.mime, match.client, state, said, "", "{}",
    )  # fmt: skip
