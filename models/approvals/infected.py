"""A virus in a part of a request, or bytes that are not those of its SHA-256 any more (see `damaged`): it is not offered and nobody
approves it, the office hears so, and the pages say it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from models import engine
from models.approvals.damaged import NOT_APPROVED
from models.core import Refused, Say

_WRONG_SQL = """SELECT d.id, d.name, s.signature FROM approval_document d LEFT JOIN scan s ON s.sha256 = d.blob AND s.state = 'infected'
LEFT JOIN file_check f ON f.hash = d.blob AND f.state IN ('broken', 'missing')
WHERE d.request = $1 AND (s.sha256 IS NOT NULL OR f.hash IS NOT NULL) ORDER BY d.position, d.id"""


async def _wrong_in(request: int) -> list[dict[str, Any]]:
    """The parts in which a virus was found, or that are known to be damaged or gone: id, name and signature (what was found, or None)."""
    return await engine.raw(_WRONG_SQL, request)


async def infected_in(request: int) -> list[dict[str, Any]]:
    """Those in which a virus was found."""
    return [found for found in await _wrong_in(request) if found["signature"] is not None]


async def refuse_infected(request: int) -> None:
    """For the office: nothing with a virus goes out, and nothing is put down as approved on it."""
    for found in await _wrong_in(request):
        if found["signature"] is None:
            raise Refused("files", Say("“{name}” is in de opslag beschadigd geraakt of gewijzigd. Zet het terug, of zet er een ander bestand voor in de plaats.", name=found["name"]))  # fmt: skip
        raise Refused("files", Say("In “{name}” is een virus gevonden: {signature}. Zet er een schoon bestand voor in de plaats.", name=found["name"], signature=found["signature"]))  # fmt: skip


async def refuse_approving(request: int, only: Collection[int] | None = None) -> None:
    """For who is asked; `only`: of these parts alone, where he refuses others."""
    for found in await _wrong_in(request):
        if only is not None and found["id"] not in only:
            continue
        if found["signature"] is None:
            raise Refused("", Say(NOT_APPROVED.text, name=found["name"]))
        raise Refused("", Say("In “{name}” is een virus gevonden, dus u kunt er nu geen akkoord op geven. Uw kantoor weet het en zet er een ander bestand voor in de plaats.", name=found["name"]))  # fmt: skip
