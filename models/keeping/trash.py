"""The trash of a dossier: until when a thing is kept there in any case, putting it back with its folder, and emptying it.

Emptying by hand takes what no term keeps. What a hold is on stays. So does what is within its term, unless the administrator
says that it goes all the same and why: a file that was put with the wrong client may not have to wait seven years.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, NamedTuple

from models import engine
from models.core import Refused, Say
from models.dossiers.documents import Document
from models.dossiers.folders import Folder
from models.engine import after_commit
from models.keeping import destroying
from models.keeping.proposing import COLUMNS, gone_at, is_over, last_of_years, line_of
from models.keeping.records import Destruction
from models.keeping.terms import rows_of_dossier, term_of
from models.notices import ZONE
from models.settings import Firm, utcnow
from models.tasks import start

if TYPE_CHECKING:
    from models.dossiers.dossier import Dossier
    from models.viewer import Viewer

AT_HAND = 500  # documents that are destroyed while the person waits; more of them are long work


class Trashed(NamedTuple):
    """How many documents in the trash may go, are kept by their term, are held by a case; and folders."""

    free: int
    kept: int
    held: int
    folders: int


async def days() -> int:
    rows = await engine.raw("SELECT trash_days FROM firm LIMIT 1")
    return int(rows[0]["trash_days"]) if rows else 30


def until(trashed_at: dt.datetime, days: int) -> dt.date:
    """The last day on which it is certainly still there: after it a list may propose it."""
    return (trashed_at.astimezone(ZONE) + dt.timedelta(days=days)).date()


async def counted(dossier: int) -> Trashed:
    lines, kept, held = await _sorted(dossier, Destruction(id=0, as_of=_today()), despite_term=False)
    rows = await engine.raw("SELECT count(*) AS n FROM folder WHERE dossier = $1 AND trashed_at IS NOT NULL", dossier)
    return Trashed(len(lines), kept, held, int(rows[0]["n"]))


async def empty(dossier: Dossier, reason: str, *, despite_term: bool, by: Viewer) -> int:
    """In the present unit: what may go, goes, on a certificate; how many folders and documents went or will go."""
    if despite_term and len(reason.strip()) < 10:
        raise Refused(
            "reason",
            Say("Vul in waarom stukken binnen hun bewaartermijn toch weg moeten, in ten minste {n} tekens.", n=10),
        )
    firm, now = await Firm.load(), utcnow()
    destruction = Destruction(
        kind="trash", state="running", as_of=_today(), made_at=now, made_by=by.user.id, made_name=by.user.display_name,
        reason=reason.strip()[:1000], confirmed_by=by.user.id, confirmed_name=by.user.display_name, confirmed_at=now,
    )  # fmt: skip
    await destruction.save()
    lines, _, _ = await _sorted(dossier.id, destruction, despite_term=despite_term)
    if not lines:
        await engine.raw("DELETE FROM destruction WHERE id = $1", destruction.id)
        return await destroying.clear_folders(dossier.id)
    await engine.copy_rows("destruction_item", COLUMNS, lines)
    size = sum(line[COLUMNS.index("size")] for line in lines)
    await engine.raw("UPDATE destruction SET documents = $2, size = $3 WHERE id = $1", destruction.id, len(lines), size)
    if len(lines) > AT_HAND:
        await start("destroy_documents", destruction.id, by=by, total=len(lines))
        return len(lines)
    gone: dict[str, dt.datetime] = {}
    while True:
        count, more = await destroying.destroy_some(destruction, firm)
        if not count:
            break
        gone |= more
    before = await engine.raw(
        "SELECT count(*) AS n FROM folder WHERE dossier = $1 AND trashed_at IS NOT NULL", dossier.id
    )
    await destroying.conclude(destruction)
    after = await engine.raw(
        "SELECT count(*) AS n FROM folder WHERE dossier = $1 AND trashed_at IS NOT NULL", dossier.id
    )
    after_commit(lambda: destroying.remove_bytes(gone))
    return len(lines) + int(before[0]["n"]) - int(after[0]["n"])


async def _sorted(
    dossier: int, destruction: Destruction, *, despite_term: bool
) -> tuple[list[tuple[Any, ...]], int, int]:
    """The lines of what may go; how many stay because of their term, and because of a hold."""
    margin = (await Firm.load()).margin_months
    rows = await rows_of_dossier(dossier)
    terms = [term_of(row, margin) for row in rows]
    years = last_of_years(rows, terms)
    lines, kept, held = [], 0, 0
    for row, term in zip(rows, terms, strict=True):
        if gone_at(row) is None:
            continue
        is_free = term is None or is_over(term, row, years, destruction.as_of)
        if row["is_held"]:
            held += 1
        elif is_free or despite_term:
            lines.append(
                line_of(destruction.id, row, term, ("trash" if term is None else "term") if is_free else "early")
            )
        else:
            kept += 1
    return lines, kept, held


async def restore_with_folder(document: Document, *, by: Viewer) -> str:
    """The folders above it that lie in the trash come back first, with what went with them; the name it has now."""
    while True:
        rows = await engine.raw(
            "WITH RECURSIVE up(id, parent, trashed_at, level) AS (SELECT id, parent, trashed_at, 0 FROM folder WHERE id = $1 "
            "UNION ALL SELECT f.id, f.parent, f.trashed_at, u.level + 1 FROM folder f JOIN up u ON f.id = u.parent) "
            "SELECT id FROM up WHERE trashed_at IS NOT NULL ORDER BY level DESC LIMIT 1",
            document.folder,
        )
        if not rows:
            break
        folder: Folder = await by.folders.get(rows[0]["id"])
        await folder.restore(by=by)
    return await document.restore(by=by) if document.is_trashed else str(document.name)


def _today() -> dt.date:
    return utcnow().astimezone(ZONE).date()
