"""Dossiers that leave and arrive at the keyboard of the server, where no person is signed in."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path
from typing import Any

from models import engine
from models.accounts import User
from models.clients import Client
from models.core import Refused, Say, save
from models.moving.exporting import contents, pieces
from models.moving.importing import carry_out, check
from models.moving.records import DossierImport
from models.settings import utcnow
from models.storage import storage
from models.viewer import Viewer

_PIECE = 1 << 20


async def export(number: str, file: Path, *, with_trash: bool = False) -> str:
    """Write the dossier of the client with this number; what was done, in words. The file appears only when it is whole.

    Raises:
        Refused: there is no such client, or bytes of his are lost.
        OSError: the file is there already, or cannot be written.
    """
    async with engine.reading():
        client = await _client(number)
        content = await contents(client.id, with_trash)
    count = len(content["documents"])
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as out:
            async for piece in pieces(content):
                await asyncio.to_thread(out.write, piece)
        os.link(partial, file)  # says so when the name is taken, and writes over nothing
    finally:
        partial.unlink(missing_ok=True)
    return f"Het dossier van {client.number} {client.name} staat in {file}: {count} documenten."


async def bring_in(file: Path, number: str | None = None, *, look: bool = False) -> str:
    """Read an archive into a client's dossier, in the name of the first administrator; what was done, in words.

    Raises:
        Refused: it is not clear whose dossier it is.
        Broken: the archive is damaged or none of ours.
    """
    viewer = await _administrator()
    sha256, size = await _stored(file)
    client = None if number is None else await _client(number)
    record = DossierImport(
        file_name=file.name[:255], sha256=sha256, size=size, person=viewer.user.id, client=client.id if client else None, at=utcnow()
    )  # fmt: skip
    await engine.run_writing(record.save)
    try:
        await check(record, file, viewer)
        if record.client is None:
            raise Refused(
                "client", Say("Geen cliënt heeft het nummer en de naam van dit archief. Geef --client NUMMER mee.")
            )
        plan = record.planned
        told = f"{plan['documents_new'] + plan['documents_numbered']} documenten, {plan['folders_new'] + plan['folders_numbered']} mappen; {plan['documents_same']} documenten zijn er al"  # fmt: skip
        if look:
            await engine.run_writing(lambda: _forget(record))
            return "\n".join((f"Er zou bij komen: {told}.", *_rights_in_words(plan)))
        await engine.run_writing(lambda: save(record, state="committing"))
        await carry_out(record, file, viewer)
    except BaseException:
        with contextlib.suppress(Exception):
            await engine.run_writing(
                lambda: save(record, state="stopped" if record.state == "committing" else "refused")
            )
        raise
    return "\n".join((f"Ingelezen: {told}.", *_rights_in_words(plan)))


def _rights_in_words(plan: dict[str, Any]) -> list[str]:
    """A line for each who got rights, and for each whose rights did not come along."""
    lines = [f"Kreeg toegang: {who} ({template or 'eigen rechten'})." for who, template in plan["given"]]
    return lines + [f"{who}: {Say.from_json(why)}" for who, why in plan["left_out"]]


async def _forget(record: DossierImport) -> None:
    await DossierImport.delete().where(DossierImport.id == record.id)


async def _client(number: str) -> Client:
    client = await Client.objects().where(Client.number == number).first()
    if client is None:
        raise Refused("number", Say("Geen cliënt met nummer {numbers}.", numbers=number))
    return client


async def _administrator() -> Viewer:
    async with engine.reading():
        found = User.objects().where(
            (User.kind == "staff") & (User.role == "administrator") & (User.state != "blocked")
        )
        user = await found.order_by(User.id).first()
    if user is None:
        raise Refused("", Say("Richt eerst het kantoor in: er is nog geen beheerder."))
    return Viewer(user)


async def _stored(file: Path) -> tuple[str, int]:
    """In the storage too, so that what is begun here can be gone on with in the portal."""
    async with storage().receive() as incoming:
        with file.open("rb") as opened:
            while block := await asyncio.to_thread(opened.read, _PIECE):
                await incoming.write(block)
        kept = await incoming.keep()
    return kept.sha256, kept.size
