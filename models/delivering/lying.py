"""How much may lie of one link in the storage that no record refers to: on its way in, or broken off and not yet swept.

Counted in the database, so over all processes, and before a byte is read. What a killed process had taken stays counted until
the sweeper was there.
"""

from __future__ import annotations

import datetime as dt

from models import engine
from models.core import Refused, Say
from models.delivering.records import UploadLink
from models.settings import utcnow

MOST = 500_000_000  # bytes; of a link for more, what the link is for
_AROUND = 8_000_000  # bytes of a body besides its files
SWEPT = dt.timedelta(hours=8)  # after the last bytes came: what lies without a record goes after six

_NOW = "CASE WHEN lying_at > $4 THEN lying ELSE 0 END"


class TooMuchLying(Refused):
    """For a while: what is under way becomes a delivery, and what was broken off is swept."""

    def __init__(self) -> None:
        super().__init__("", Say("Via deze link is net te veel onderweg of afgebroken. Probeer het over een paar uur opnieuw, of vraag het kantoor om een nieuwe link."))  # fmt: skip


async def claim(link: UploadLink, size: int) -> None:
    """Room for a body of so many bytes. Raises TooMuchLying."""
    now = utcnow()
    rows = await engine.raw(
        f"UPDATE upload_link SET lying = {_NOW} + $2, lying_at = $3 WHERE id = $1 AND {_NOW} + $2 <= $5 RETURNING id",
        link.id, size, now, now - SWEPT, max(MOST, link.max_bytes + _AROUND),
    )  # fmt: skip
    if not rows:
        raise TooMuchLying


async def let_go(link: int, claimed: int, lies: int = 0) -> None:
    """The body is over: of what was claimed so much lies in the storage, without a record."""
    await engine.raw(
        "UPDATE upload_link SET lying = CASE WHEN lying > $2 THEN lying - $2 ELSE 0 END + $3 WHERE id = $1",
        link, claimed, lies,
    )  # fmt: skip


async def recorded(link: int, size: int) -> None:
    """So many of the bytes that lay are in a record now."""
    await let_go(link, size)
