"""Showing documents to clients: at once, at a moment, or not yet; and changing what is said of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models import engine
from models.core import Refused, Say, fold, operation, save, was_and_is
from models.dossiers.documents import Document, DocumentKind
from models.dossiers.dossier import require_structures
from models.dossiers.folders import Publish, tell
from models.retention import RetentionClass
from models.settings import utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

PERIODS: dict[str, Say] = {
    "": Say("Heel het jaar"),
    **{f"k{n}": Say("{n}e kwartaal", n=n) for n in range(1, 5)},
    **{
        f"m{n:02}": Say(name)
        for n, name in enumerate(
            ["januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober", "november", "december"],
            start=1,
        )
    },
}  # fmt: skip
MOST_LABELS = 10


@operation(Permission.EDIT_DOSSIERS, trail=False)
async def publish(document: Document, how: Publish, *, by: Viewer) -> None:
    """Of what the office put there; what a client handed in is his own and stays visible to him."""
    _refuse_of_client(document)
    require_structures(document.client, by)
    columns, before = how.columns(utcnow()), document.state
    if columns["published_at"] is None:
        columns.pop("published_at")
    await save(document, **columns)
    at = columns["publish_at"].isoformat() if columns["publish_at"] else ""
    detail = {"name": document.name, **was_and_is({"state": before}, {"state": document.state}), "at": at}
    await by.note("Document.publish", document, detail)
    await _tell(document)


async def publish_due() -> int:
    """What was planned for a moment that has come is published; how many. For the worker, every few seconds."""
    now = utcnow()
    if not await engine.raw("SELECT 1 AS one FROM document WHERE state = 'planned' AND publish_at <= $1 LIMIT 1", now):
        return 0
    return await engine.run_writing(lambda: _publish_due(now))


async def _publish_due(now: Any) -> int:
    rows = await engine.raw(
        "UPDATE document SET state = 'published', published_at = $1, publish_at = NULL "
        "WHERE state = 'planned' AND publish_at <= $1 RETURNING id, folder, client",
        now,
    )
    places = {row["folder"]: row["client"] for row in rows}
    for folder, client in places.items():
        found = await engine.raw("SELECT dossier FROM folder WHERE id = $1", folder)
        await tell(found[0]["dossier"], client)
    return len(rows)


@operation(Permission.EDIT_DOSSIERS, trail=False)
async def describe(
    document: Document,
    kind: int | None,
    book_year: int | None,
    period: str,
    labels: str,
    note: str,
    retention: int | None,
    *,
    by: Viewer,
) -> None:
    """What it is, for which period, and words to find it by. `labels` are parted by commas."""
    require_structures(document.client, by)
    tidied = tidy_labels(labels)
    if kind and not await by.scope(DocumentKind).where(DocumentKind.id == kind).exists():
        raise Refused("kind", Say("Kies een van de mogelijkheden."))
    if retention and not await by.scope(RetentionClass).where(RetentionClass.id == retention).exists():
        raise Refused("retention", Say("Kies een van de bewaartermijnen."))
    if book_year is not None and not 1990 <= book_year <= 2100:
        raise Refused("book_year", Say("Vul een jaar in van {least} tot en met {most}.", least=1990, most=2100))
    if period not in PERIODS:
        raise Refused("period", Say("Kies een van de mogelijkheden."))
    note = note.replace("\x00", "").strip()
    if len(note) > 2000:
        raise Refused("note", Say("Dit is {n} tekens; er passen er {most}.", n=len(note), most=2000))
    values = {
        "kind": kind or None, "book_year": book_year, "period": period, "labels": ", ".join(tidied), "note": note,
        "retention": retention or None,
    }  # fmt: skip
    before = {name: getattr(document, name) for name in values}
    if before == values:
        return
    await save(document, **values, labels_key=labels_key(tidied))
    told = was_and_is(*[await _named(one) for one in (before, values)])
    await by.note("Document.describe", document, {"name": document.name, **told})
    await _tell(document)


async def _named(values: dict[str, Any]) -> dict[str, Any]:
    """As the trail keeps it: in names, because it is read years later."""
    rows = await engine.raw(
        "SELECT (SELECT name FROM document_kind WHERE id = $1) AS kind, (SELECT name FROM retention_class WHERE id = $2) AS retention",
        values["kind"] or 0, values["retention"] or 0,
    )  # fmt: skip
    return values | rows[0]


def tidy_labels(text: str) -> list[str]:
    """Labels as they were typed, parted by commas: each once. Raises Refused for too many or too long ones."""
    found: dict[str, str] = {}
    for part in text.replace("\x00", "").replace(";", ",").split(","):
        if label := " ".join(part.split()):
            found.setdefault(fold(label), label)
    if len(found) > MOST_LABELS or any(len(label) > 40 for label in found.values()):
        raise Refused(
            "labels", Say("Ten hoogste {most} labels van ten hoogste {long} tekens.", most=MOST_LABELS, long=40)
        )
    return list(found.values())


def labels_key(labels: list[str]) -> str:
    """Each folded and between commas, so that one whole label can be looked for: ',spoed,2026,'."""
    return f",{','.join(fold(label) for label in labels)}," if labels else ""


async def kinds() -> list[dict[str, Any]]:
    """The kinds of papers: id and name, in their order."""
    return await engine.raw("SELECT id, name FROM document_kind ORDER BY position, name_key")


def _refuse_of_client(document: Document) -> None:
    if document.source == "client":
        raise Refused("", Say("Dit heeft de cliënt zelf aangeleverd; hij ziet het in elk geval."))


async def _tell(document: Document) -> None:
    rows = await engine.raw("SELECT dossier FROM folder WHERE id = $1", document.folder)
    await tell(rows[0]["dossier"], document.client)
