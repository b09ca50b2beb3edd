"""A virus in a part of a request: it is not offered and nobody approves it, whoever placed it hears so, and the pages say it."""

from __future__ import annotations

from typing import Any

from models import engine
from models.core import Refused, Say

_SICK_SQL = (
    "SELECT d.id, d.name, s.signature FROM approval_document d JOIN scan s ON s.sha256 = d.blob "
    "WHERE d.request = $1 AND s.state = 'infected' ORDER BY d.position, d.id"
)


async def infected_in(request: int) -> list[dict[str, Any]]:
    """The parts in which a virus was found: id, name and signature (what was found)."""
    return await engine.raw(_SICK_SQL, request)


async def refuse_infected(request: int) -> None:
    """For the office: nothing with a virus goes out, and nothing is put down as approved on it."""
    if found := await infected_in(request):
        raise Refused("files", Say("In “{name}” is een virus gevonden: {signature}. Zet er een schoon bestand voor in de plaats.", **_told(found[0])))  # fmt: skip


async def refuse_approving(request: int) -> None:
    """For who is asked."""
    if found := await infected_in(request):
        raise Refused("", Say("In “{name}” is een virus gevonden, dus u kunt er nu geen akkoord op geven. Uw kantoor weet het en zet er een ander bestand voor in de plaats.", name=found[0]["name"]))  # fmt: skip


def _told(part: dict[str, Any]) -> dict[str, str]:
    return {"name": part["name"], "signature": part["signature"]}
