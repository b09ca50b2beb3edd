"""Whether bytes may be opened: the one question that downloading, drawing, zipping, searching and exporting ask."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from models import config, engine
from models.accounts.blocking import listed
from models.core import Refused, Say

WAITING, INFECTED, TOO_LARGE = "waiting", "infected", "too_large"

WHY = {
    WAITING: Say("Dit bestand wordt nog op virussen gecontroleerd. Zodra dat klaar is, kunt u het openen."),
    TOO_LARGE: Say(
        "Dit bestand is te groot om op virussen te controleren en blijft daarom gesloten. De beheerder kan de grens van "
        "de virusscanner verhogen en het opnieuw laten controleren."
    ),
}


class Shut(Refused):
    """These bytes may not be opened, by anybody; `state` is waiting, infected or too_large."""

    def __init__(self, state: str, signature: str = "") -> None:
        super().__init__("", WHY.get(state) or found_in(signature))
        self.state, self.signature = state, signature


def found_in(signature: str) -> Say:
    return Say("In dit bestand is een virus gevonden: {signature}. Het blijft gesloten.", signature=signature)


def is_on() -> bool:
    """Whether files are scanned here."""
    return bool(config.settings().clamd_url)


async def require_open(sha256: str) -> None:
    """Raises Shut where these bytes may not be opened: not looked at yet, found infected, or too large to look at.

    What was found infected stays shut where no scanner is configured any more.
    """
    rows = await engine.raw("SELECT state, is_open, signature FROM scan WHERE sha256 = $1", sha256)
    if shut := _shut(rows[0] if rows else None):
        raise Shut(*shut)


async def shut_among(hashes: Collection[str]) -> dict[str, Shut]:
    """Of these hashes those that may not be opened, and why; one statement, however many."""
    rows = await engine.raw(
        f"SELECT sha256, state, is_open, signature FROM scan WHERE sha256 IN {listed_texts(1)}",
        json.dumps(list(hashes)),
    )
    known = {row["sha256"]: row for row in rows}
    found = {sha256: _shut(known.get(sha256)) for sha256 in hashes}
    return {sha256: Shut(*shut) for sha256, shut in found.items() if shut}


def shut_by(row: dict[str, Any]) -> Shut | None:
    """As `require_open`, of a row joined with its scan: scan_state (NULL where there is none), scan_open and scan_signature."""
    known = {"state": row["scan_state"], "is_open": row["scan_open"], "signature": row["scan_signature"]}
    shut = _shut(known if row["scan_state"] else None)
    return Shut(*shut) if shut else None


async def shut_documents(documents: Sequence[int]) -> dict[int, Shut]:
    """As `shut_among`, for documents that were found through the viewer, by their ids. Asks nothing where nothing is scanned."""
    if not is_on() or not documents:
        return {}
    rows = await engine.raw(
        "SELECT d.id, s.state, s.is_open, s.signature FROM document d LEFT JOIN scan s ON s.sha256 = d.sha256 "
        f"WHERE d.id IN {listed(1)}",
        json.dumps(list(documents)),
    )
    found = {row["id"]: _shut(row if row["state"] else None) for row in rows}
    return {id: Shut(*shut) for id, shut in found.items() if shut}


def open_sql(sha256: str = "d.sha256") -> str:
    """The same as a condition of SQL, for a column that holds a hash."""
    if is_on():
        opens = "(s.state = 'clean' OR (s.state = 'waiting' AND s.is_open))"
        return f"EXISTS (SELECT 1 FROM scan s WHERE s.sha256 = {sha256} AND {opens})"
    return f"NOT EXISTS (SELECT 1 FROM scan s WHERE s.sha256 = {sha256} AND s.state = 'infected')"


def _shut(row: dict[str, Any] | None) -> tuple[str, str] | None:
    """State and signature where it is shut; None where it is open."""
    if row is None:
        return (WAITING, "") if is_on() else None
    if row["state"] == INFECTED:
        return INFECTED, row["signature"]
    if row["state"] == "clean" or not is_on() or (row["state"] == WAITING and row["is_open"]):
        return None
    return row["state"], ""


def listed_texts(n: int) -> str:
    """The texts in argument `n`, a JSON list: one argument, however many there are."""
    if engine.is_sqlite():
        return f"(SELECT value FROM json_each(${n}))"
    return f"(SELECT value FROM json_array_elements_text(CAST(${n} AS json)))"
