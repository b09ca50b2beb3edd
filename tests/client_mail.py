"""What clients' people are mailed of, and how it comes about in a test: time is moved by what is written of it."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from models import client_news, engine
from models.accounts import User
from models.client_news_told import told_of
from models.dossiers import Document, Folder
from models.outbox import Errand
from models.settings import Firm, utcnow
from models.viewer import Viewer

LONG_AGO = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


async def all_was_heard() -> None:
    """What the sample holds lies long behind us, and who is in came in long ago."""
    await engine.raw("UPDATE document SET published_at = $1, uploaded_at = $1", LONG_AGO)
    await engine.raw("UPDATE users SET activated_at = $1, digest = '' WHERE kind = 'client'", LONG_AGO)
    await engine.raw("UPDATE access SET created_at = $1", LONG_AGO)
    await engine.raw("UPDATE firm SET heard_from = $1, heard_day = 0, digest_hour = 0", LONG_AGO)


def soon() -> dt.datetime:
    """Late enough that what was done just now is told."""
    return utcnow() + dt.timedelta(minutes=2)


def after(**delta: float) -> dt.datetime:
    return soon() + dt.timedelta(**delta)


async def publish(client: int, *names: str, folder: str = "", at: dt.datetime | None = None) -> list[int]:
    """Documents of the office in a folder of the client that is not internal."""
    found = Folder.objects().where(
        (Folder.client == client) & (Folder.kind != "internal") & Folder.trashed_at.is_null()
    )
    if folder:
        found = found.where(Folder.name == folder)
    place = await found.order_by(Folder.id).first()
    assert place is not None
    made = []
    for name in names:
        document = Document(
            folder=place.id, client=client, name=name, name_key=name.lower(), sha256="0" * 64, size=1, mime="application/pdf",
            source="office", uploaded_at=at or utcnow(), published_at=at or utcnow(),
        )  # fmt: skip
        await document.save()
        made.append(int(document.id))
    return made


async def hears(viewer: Viewer, how: str) -> None:
    await User.update({User.digest: how}).where(User.id == viewer.user.id)


async def office_hears(how: str) -> None:
    await Firm.update({Firm.client_digest: how}, force=True)


async def told(viewer: Viewer) -> list[dict[str, Any]]:
    """What each mail to this person says, the first first."""
    errands = await Errand.objects().where(
        (Errand.person == viewer.user.id) & Errand.kind.is_in(["client_news", "reminder"])
    ).order_by(Errand.id)  # fmt: skip
    return [await told_of(one.person, one.id, json.loads(one.detail)) or {"count": 0, "clients": []} for one in errands]


def names(mail: dict[str, Any], kind: str = "documents", by: str = "name") -> list[str]:
    return sorted(one[by] for client in mail["clients"] for one in client[kind])


async def day_passes(now: dt.datetime) -> int:
    return await client_news.plan_daily(now)
