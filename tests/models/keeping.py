"""Papers to keep and to destroy: in a folder with a class, of a year, with real bytes in a storage of the test's own."""

from __future__ import annotations

import datetime as dt
from typing import Any

from models import engine
from models.dossiers import Document, Folder, NewDocument, dossier_of
from models.keeping import destroying, proposing
from models.keeping.records import Destruction, DestructionItem
from models.retention import RetentionClass
from models.settings import utcnow
from models.storage import storage
from tests.cast import Cast

NOW = dt.datetime(2026, 11, 30, 12, tzinfo=dt.UTC)


async def class_named(name: str) -> RetentionClass:
    found = await RetentionClass.objects().where(RetentionClass.name == name).first()
    assert found is not None, name
    return found


async def folder_with(
    cast: Cast, name: str, kept: str = "Administratie", client: int = 0, within: Folder | None = None
) -> Folder:
    """A new folder in the dossier of Bakkerij Jansen, or another client, with this class."""
    dossier = await dossier_of(cast.anna, client or cast.bakkerij)
    assert dossier is not None
    async with engine.writing():
        folder = await (within.add_folder(name, by=cast.anna) if within else dossier.add_folder(name, by=cast.anna))
        if kept:
            await folder.set_up(False, (await class_named(kept)).id, None, by=cast.anna)
    return folder


async def paper(cast: Cast, folder: Folder, name: str, content: bytes | None = None, **columns: Any) -> Document:
    """A document with bytes; `columns` as they are to stand in the database."""
    stored = await storage().put(content if content is not None else f"wat er in {name} staat".encode())
    made = await engine.run_writing(
        lambda: folder.add_documents([NewDocument(name, stored.sha256, stored.size, "text/plain")], by=cast.anna)
    )
    if columns:
        await Document.update({getattr(Document, key): value for key, value in columns.items()}).where(
            Document.id == made[0].id
        )
    return await cast.anna.documents.get(made[0].id)


async def proposal() -> Destruction:
    """The list of this month, as Poort makes it of itself."""
    await engine.raw("DELETE FROM destruction WHERE state IN ('proposed', 'replaced')")
    assert await proposing.propose_when_due(utcnow())
    found = await Destruction.objects().where(Destruction.state == "proposed").first()
    assert found is not None
    return found


async def names_on(destruction: Destruction, state: str = "proposed") -> list[str]:
    rows = await DestructionItem.select(DestructionItem.name).where(
        (DestructionItem.destruction == destruction.id) & (DestructionItem.state == state)
    ).order_by(DestructionItem.name)  # fmt: skip
    return [row["name"] for row in rows]


async def carried_out(cast: Cast, destruction: Destruction, reason: str = "Termijn voorbij") -> Destruction:
    """Confirmed by Anna, and done."""
    count = (await destroying.counted(destruction)).get("proposed", 0)
    async with engine.writing():
        await destroying.confirm(destruction, reason, str(count), by=cast.anna)
    await destroying.carry_out(destruction)
    found = await Destruction.objects().where(Destruction.id == destruction.id).first()
    assert found is not None and found.state == "done"
    return found
