"""A part of which the storage has other bytes than those that were offered, or none any more: nobody is shown it, nothing is noted
as opened, nobody approves it, and the office hears of it (see `keeping.rehashing`). All of this outside every unit."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping

from models import engine
from models.core import Refused, Say
from models.drawing import Spoiled
from models.scanning.opening import shut_by
from models.storage import Missing, StorageDown, storage
from models.storage.whole import require_whole

NOT_SHOWN = Say(
    "Dit stuk is in de opslag beschadigd geraakt of gewijzigd: het is niet meer het bestand dat is aangeboden. Het wordt daarom "
    "niet getoond en er kan nu geen akkoord op worden gegeven. Er is niets vastgelegd. Het kantoor weet het en zet het terug, of "
    "zet er een ander bestand voor in de plaats."
)
NOT_APPROVED = Say(
    "“{name}” is in de opslag beschadigd geraakt of gewijzigd: het is niet meer het bestand dat is aangeboden. Er is niets "
    "vastgelegd. Uw kantoor weet het en zet het terug, of zet er een ander bestand voor in de plaats."
)
_WRONG = ("broken", "missing")

_KNOWN_SQL = """SELECT s.state AS scan_state, s.is_open AS scan_open, s.signature AS scan_signature, f.state AS known FROM (SELECT 1 AS one) x
LEFT JOIN scan s ON s.sha256 = $1 LEFT JOIN file_check f ON f.hash = $1 AND f.state IN ('broken', 'missing')"""


async def is_known_wrong(sha256: str) -> bool:
    """Whether it was found damaged or gone before. Raises Shut where it may not be opened anyway. In a unit; one query."""
    row = (await engine.raw(_KNOWN_SQL, sha256))[0]
    if shut := shut_by(row):
        raise shut
    return row["known"] is not None


@contextlib.asynccontextmanager
async def showing(sha256: str, *, known_wrong: bool = False) -> AsyncIterator[None]:
    """What is shown of a part is made in this. Raises Refused where the storage has other bytes than these, or none; what was
    wrong before is looked at first, for it may have been put back."""
    if known_wrong and await _look(sha256) in _WRONG:
        raise Refused("", NOT_SHOWN)
    try:
        yield
    except (Spoiled, StorageDown, Missing) as error:
        if await _look(sha256) in _WRONG:
            raise Refused("", NOT_SHOWN) from error
        if isinstance(error, Spoiled):  # put back this moment
            raise StorageDown(str(error)) from error
        raise


async def unlike(parts: Mapping[int, Iterable[tuple[str, str]]]) -> dict[int, Say]:
    """Of requests, each with the (hash, name) of parts that are about to be approved: those of which the storage has other bytes
    by now, and what to say. Raises StorageDown where it does not answer at all."""
    found: dict[int, Say] = {}
    for request, its in parts.items():
        for sha256, name in its:
            if not await _is_whole(sha256):
                found.setdefault(request, Say(NOT_APPROVED.text, name=name))
    return found


async def _is_whole(sha256: str) -> bool:
    try:
        await require_whole(storage(), sha256)
    except (StorageDown, Missing):
        state = await _look(sha256)
        if not state:
            raise
        return state == "good"
    return True


async def _look(sha256: str) -> str:
    """Read once more, and noted for the office: good, broken or missing; '' where the storage itself does not work."""
    from models.keeping import rehashing

    return await rehashing.check(sha256, is_used=True)
