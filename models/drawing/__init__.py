"""Documents as pictures of their pages: drawn in another process, within limits, and kept for a while."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
import weakref
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from models import config
from models.core import Say
from models.drawing.words import is_text
from models.storage import Damaged, storage
from models.storage.whole import certain

WIDTHS = (800, 1200, 1800, 2600)  # pixels: small, as wide as the screen, and close by
FIT = 1200
SMALL = 240  # in a list, to know a document by
AHEAD = 4  # pages that are drawn along with the one that is asked for
MOST_PAGES = 5_000
MOST_SIZE = 300 * 1024 * 1024  # bytes of a document that is drawn; a larger one is downloaded
SECONDS = 30.0
OF_PHOTO = 4.0  # seconds more for each photo that is joined
OFFICE_SECONDS = 90.0
KEPT = 3 * 24 * 3600  # seconds since it was last looked at
KEPT_ENCRYPTED = 15 * 60  # where files are encrypted: what is drawn of them is not, so it goes soon
OFFICE = frozenset({"docx", "xlsx", "pptx", "doc", "xls", "ppt", "odt", "ods", "odp", "rtf"})
PICTURES = frozenset(
    {
        "image/jpeg",
        "image/png",
        "image/gif",
        "image/webp",
        "image/tiff",
        "image/heic",
        "image/heif",
        "image/avif",
        "image/bmp",
    }
)
_ROOT = Path(__file__).resolve().parents[2]
_at_once = asyncio.Semaphore(2)
# Beside those, so that nobody who reads a document waits for them: small pictures in lists, and photos that come by a link.
ASIDE, BY_LINK = asyncio.Semaphore(1), asyncio.Semaphore(1)
_slots: contextvars.ContextVar[asyncio.Semaphore] = contextvars.ContextVar("slots", default=_at_once)
_turns: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()


class Undrawable(Exception):
    """It cannot be shown; `why` says so to who wants to see it."""

    def __init__(self, why: Say) -> None:
        super().__init__(str(why))
        self.why = why


class Spoiled(Undrawable):
    """The storage has other bytes than these now: nothing is drawn of those."""

    def __init__(self) -> None:
        super().__init__(WHY["spoiled"])


WHY = {
    "password": Say("Dit bestand is met een wachtwoord beveiligd. Download het om het te openen."),
    "damaged": Say(
        "Dit bestand is beschadigd of van een soort die hier niet getoond kan worden. U kunt het wel downloaden."
    ),
    "too_big": Say("Dit bestand is te groot om hier te tonen. U kunt het wel downloaden."),
    "late": Say("Het tekenen van dit bestand duurde te lang. U kunt het wel downloaden."),
    "spoiled": Say("Dit bestand is in de opslag beschadigd geraakt of gewijzigd en wordt daarom niet getoond."),
    "office": Say("Dit soort bestand kan hier niet getoond worden. Download het om het te openen."),
}


@dataclass(frozen=True)
class About:
    """How many pages, and the width and height of each in its own measure (the first 500; later ones are taken to be alike)."""

    pages: int
    sizes: list[tuple[float, float]]

    def size(self, number: int) -> tuple[int, int]:
        """The measure of a page, for the place that is kept free for its picture."""
        width, height = self.sizes[min(number, len(self.sizes)) - 1]
        return max(1, round(width)), max(1, round(height))


def is_shown(mime: str, name: str) -> bool:
    """Whether documents of this kind are shown on the screen, as pages or as text."""
    return is_drawn(mime, name) or is_text(mime, name)


def is_drawn(mime: str, name: str) -> bool:
    """Whether documents of this kind are shown as pages."""
    return mime == "application/pdf" or mime in PICTURES or (_is_office(name) and has_office())


def has_office() -> bool:
    return shutil.which("soffice") is not None


def _is_office(name: str) -> bool:
    return name.rpartition(".")[2].lower() in OFFICE


@contextlib.contextmanager
def within(slots: asyncio.Semaphore) -> Iterator[None]:
    """What is drawn in this waits for its turn among these: ASIDE or BY_LINK."""
    token = _slots.set(slots)
    try:
        yield
    finally:
        _slots.reset(token)


async def about(sha256: str, size: int, name: str, width: int = FIT) -> About:
    """With it the first page is drawn, `width` pixels wide. Raises Undrawable, and what the storage raises."""
    async with _source(sha256, size, name) as (source, folder):
        at = folder / "about.json"
        if not at.exists():
            await _run("about", str(source), str(folder), str(width))
        known = json.loads(at.read_text())
    if known["pages"] > MOST_PAGES:
        raise Undrawable(WHY["too_big"])
    return About(known["pages"], [tuple(one) for one in known["sizes"]])


async def page(sha256: str, size: int, name: str, number: int, width: int) -> bytes:
    """A page (from 1) as WebP, some `width` pixels wide. Raises Undrawable."""
    return await _piece(sha256, size, name, f"{width}-{number}.webp", "draw", number, str(width))


async def text(sha256: str, size: int, name: str, number: int) -> str:
    """What can be read on a page; '' for a picture."""
    return (await _piece(sha256, size, name, f"text-{number}.txt", "text", number)).decode()


async def glance(files: Sequence[tuple[str, int]]) -> dict[str, int | str]:
    """Of many PDFs, by hash and size, how many pages each has, or why it cannot be shown: a key of WHY. Nothing is drawn; some
    dozens go at once into one process, which is begun anew behind the one that broke it."""
    found: dict[str, int | str] = {sha256: "too_big" for sha256, size in files if size > MOST_SIZE}
    todo = list(dict.fromkeys(sha256 for sha256, size in files if size <= MOST_SIZE))
    with tempfile.TemporaryDirectory(dir=_folder(), prefix="glance-") as folder:
        while todo:
            for number, sha256 in enumerate(todo):
                try:
                    await _fetch(sha256, Path(folder) / f"{number:04}")
                except Spoiled:
                    found[sha256] = "damaged"
            command = [sys.executable, "-E", "-s", "-m", "models.drawing", "glance", folder]
            try:
                async with _slots.get():
                    _, said = await _finish(command, SECONDS + len(todo), {})
                lines = [line.split() for line in said.splitlines()]
            except Undrawable:
                lines = []
            for name, what in (line for line in lines if len(line) == 2):
                found[todo[int(name)]] = int(what) if what.isdecimal() else what
            broke = next((one for one in todo if one not in found), None)
            if broke is not None:
                found[broke] = "damaged"  # this one ended the process, or took all the time
            todo = [one for one in todo if one not in found]
            await asyncio.to_thread(_empty, Path(folder))
    return {one: "too_big" if isinstance(what, int) and what > MOST_PAGES else what for one, what in found.items()}


def _empty(folder: Path) -> None:
    for at in folder.iterdir():
        at.unlink()


async def join(pictures: Sequence[str], target: Path) -> None:
    """Photos, by the hashes of their bytes, as the pages of one PDF. Raises Undrawable."""
    with tempfile.TemporaryDirectory(dir=_folder()) as folder:
        sources = []
        for number, sha256 in enumerate(pictures):
            await _fetch(sha256, Path(folder) / str(number))
            sources.append(str(Path(folder) / str(number)))
        await _run("join", str(target), *sources, seconds=SECONDS + OF_PHOTO * len(sources))


async def _piece(sha256: str, size: int, name: str, made: str, act: str, number: int, *more: str) -> bytes:
    at = _folder() / sha256 / made
    with contextlib.suppress(FileNotFoundError):  # while others of this document are drawn, what is there need not wait
        return await asyncio.to_thread(at.read_bytes)
    async with _source(sha256, size, name) as (source, folder):
        at = folder / made
        if not at.exists():
            last = number + AHEAD if number > 1 else number  # somebody waits for the first
            await _run(act, str(source), str(folder), str(number), str(last), *more)
        if not at.exists():
            raise Undrawable(WHY["damaged"])
        return await asyncio.to_thread(at.read_bytes)


@contextlib.asynccontextmanager
async def _source(sha256: str, size: int, name: str) -> AsyncIterator[tuple[Path, Path]]:
    """The document as a file, and the folder in which is kept what was drawn of it. One at a time for one document."""
    if size > MOST_SIZE:
        raise Undrawable(WHY["too_big"])
    turn = _turns.setdefault(sha256, asyncio.Lock())
    async with turn:
        folder = _folder() / sha256
        folder.mkdir(mode=0o700, exist_ok=True)
        source = folder / "source"
        if not source.exists():
            fresh = folder / f"{uuid.uuid4()}.part"
            try:
                await _fetch(sha256, fresh)
                if _is_office(name):
                    await _to_pdf(fresh, name)
                fresh.replace(source)
            finally:
                fresh.unlink(missing_ok=True)
        folder.touch()
        yield source, folder


def _folder() -> Path:
    folder = config.settings().var / "drawings"  # all of bytes that were looked at: it was `drawn` before they were
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


async def _fetch(sha256: str, to: Path) -> None:
    """Raises Spoiled, with no file left, where these are other bytes than those of the hash."""
    try:
        with to.open("wb") as file:
            async for chunk in certain(storage(), sha256):
                await asyncio.to_thread(file.write, chunk)
    except Damaged as error:
        await asyncio.to_thread(to.unlink, missing_ok=True)
        raise Spoiled from error


async def _to_pdf(source: Path, name: str) -> None:
    """By LibreOffice, in a process without a network where the system lets us, with a profile of its own in which macros and
    links to elsewhere are off: what it makes takes the place of the source."""
    if not has_office():
        raise Undrawable(WHY["office"])
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder) / f"stuk.{name.rpartition('.')[2].lower()}"
        await asyncio.to_thread(shutil.move, source, given)
        profile = Path(folder) / "profile" / "user"
        profile.mkdir(parents=True)
        (profile / "registrymodifications.xcu").write_text(_SETTINGS, encoding="utf-8")
        command = [*_without_network(), "soffice", "--headless", "--norestore", "--nolockcheck", "--nodefault"]
        command += [
            f"-env:UserInstallation=file://{folder}/profile",
            "--convert-to",
            "pdf",
            "--outdir",
            folder,
            str(given),
        ]
        async with _slots.get():
            await _finish(command, OFFICE_SECONDS, {"HOME": folder, "PATH": "/usr/bin:/bin", "TMPDIR": folder})
        made = given.with_suffix(".pdf")
        if not made.exists():
            raise Undrawable(WHY["damaged"])
        await asyncio.to_thread(shutil.move, made, source)


@functools.cache
def _without_network() -> tuple[str, ...]:
    """What goes before a command to cut it off from every network; nothing where the system forbids us that."""
    for cut in (("unshare", "--net"), ("unshare", "--map-root-user", "--net")):
        with contextlib.suppress(OSError):
            if subprocess.run([*cut, "true"], capture_output=True, check=False).returncode == 0:  # noqa: S603
                return cut
    return ()


def _setting(path: str, name: str, value: object) -> str:
    return f'<item oor:path="/org.openoffice.{path}"><prop oor:name="{name}" oor:op="fuse"><value>{value}</value></prop></item>'


_SETTINGS = (
    '<?xml version="1.0" encoding="UTF-8"?><oor:items xmlns:oor="http://openoffice.org/2001/registry">'
    + _setting("Office.Common/Security/Scripting", "DisableMacrosExecution", "true")
    + _setting("Office.Common/Security/Scripting", "MacroSecurityLevel", 3)
    + _setting("Office.Common/Security/Scripting", "BlockUntrustedRefererLinks", "true")
    + _setting("Office.Writer/Content/Update", "Link", 0)
    + _setting("Office.Calc/Content/Update", "Link", 2)
    + _setting("Inet/Settings", "ooInetProxyType", 2)
    + _setting("Inet/Settings", "ooInetHTTPProxyName", "127.0.0.1")
    + _setting("Inet/Settings", "ooInetHTTPProxyPort", 9)
    + _setting("Inet/Settings", "ooInetHTTPSProxyName", "127.0.0.1")
    + _setting("Inet/Settings", "ooInetHTTPSProxyPort", 9)
    + "</oor:items>"
)


async def _run(act: str, *args: str, seconds: float = SECONDS) -> None:
    async with _slots.get():
        command = [sys.executable, "-E", "-s", "-m", "models.drawing", act, *args]
        status, said = await _finish(command, seconds, {})
    if status:
        raise Undrawable(WHY.get(said.strip(), WHY["too_big"] if status < 0 else WHY["damaged"]))


async def _finish(command: list[str], seconds: float, environ: dict[str, str]) -> tuple[int, str]:
    """The other process to its end: its status and what it said. Raises Undrawable when it takes too long."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=_ROOT, env=environ, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        async with asyncio.timeout(seconds):
            said, _ = await process.communicate()
    except TimeoutError:
        raise Undrawable(WHY["late"]) from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # with what it started itself
            await process.wait()
    return process.returncode or 0, said.decode("ascii", "replace")


def forget_old() -> int:
    """Remove what nobody looked at for some days; how many documents. For the worker."""
    kept = KEPT_ENCRYPTED if config.settings().files_keys else KEPT
    shutil.rmtree(config.settings().var / "drawn", ignore_errors=True)
    gone, oldest = 0, time.time() - kept
    for folder in _folder().iterdir():
        with contextlib.suppress(FileNotFoundError):
            if folder.is_dir() and folder.stat().st_mtime < oldest:
                shutil.rmtree(folder, ignore_errors=True)
                gone += 1
    return gone


def forget(hashes: Sequence[str]) -> None:
    """Remove what was drawn of these documents: they are destroyed."""
    for sha256 in hashes:
        shutil.rmtree(_folder() / sha256, ignore_errors=True)
