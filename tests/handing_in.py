"""Uploads of clients, and who is to hear of them."""

from __future__ import annotations

import datetime as dt

from models import engine, notices
from models.accounts import User
from models.clients import Responsible
from models.dossiers import Document, Folder
from models.settings import utcnow
from models.viewer import Viewer

MORNING = dt.datetime(2026, 11, 24, 6, 30, tzinfo=dt.UTC)  # half past seven in Amsterdam


async def hand_in(client: int, *names: str, at: dt.datetime | None = None, source: str = "client") -> list[int]:
    """Documents of a client, in the unit that tells of them."""

    async def unit() -> list[int]:
        folder = await Folder.objects().where(Folder.client == client).first()
        assert folder is not None
        made = []
        for name in names:
            document = Document(
                folder=folder.id, client=client, name=name, name_key=name, sha256="0" * 64, size=1, mime="text/plain", source=source,
                uploaded_at=at or utcnow(),
            )  # fmt: skip
            await document.save()
            made.append(int(document.id))
        if source == "client":
            await notices.uploaded(client, made)
        return made

    return await engine.run_writing(unit)


async def wants(viewer: Viewer, digest: str) -> None:
    await User.update({User.digest: digest}).where(User.id == viewer.user.id)


async def responsible_only(client: int, *people: Viewer) -> None:
    await Responsible.delete().where(Responsible.client == client)
    if people:
        await Responsible.insert(*(Responsible(client=client, person=one.user.id) for one in people))


async def all_was_told() -> None:
    """What the sample holds lies long behind us."""
    await Document.update({Document.uploaded_at: dt.datetime(2026, 1, 1, tzinfo=dt.UTC)}, force=True)
    await User.update({User.activated_at: dt.datetime(2026, 1, 1, tzinfo=dt.UTC)}, force=True)
