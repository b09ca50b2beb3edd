"""Questions about a document and their answers, by the client's people and by the office, where both can read them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from models import engine
from models.core import Refused, Say, operation
from models.dossiers.documents import Document, Remark
from models.dossiers.folders import tell
from models.live import touch
from models.settings import utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

MOST = 4000  # characters of one


async def say(document: Document, text: str, *, by: Viewer) -> Remark:
    """A question or an answer: what one side says settles what the other side asked."""
    return await (_say_of_client if by.is_client else _say_of_office)(document, text, by=by)


@operation(Permission.EDIT_DOSSIERS, trail=False)
async def _say_of_office(document: Document, text: str, *, by: Viewer) -> Remark:
    if document.client is None:
        raise Refused("text", Say("Over een algemeen stuk kan niet met één cliënt worden overlegd."))
    if document.state != "published":
        raise Refused("text", Say("De cliënt ziet dit stuk nog niet. Publiceer het eerst."))
    return await _add(document, text, "office", by)


@operation(Permission.VIEW_DOSSIER, trail=False)
async def _say_of_client(document: Document, text: str, *, by: Viewer) -> Remark:
    if document.client is None:
        raise Refused("text", Say("Over een algemeen stuk kunt u hier niets vragen. Neem contact op met uw kantoor."))
    return await _add(document, text, "client", by)


@operation(Permission.EDIT_DOSSIERS, trail=False)
async def settle(document: Document, *, by: Viewer) -> None:
    """Put the client's questions aside without an answer."""
    await _settle(document, "client")
    await by.note("Document.settle", document, {"name": document.name})
    await _tell(document)


async def remarks_of(document: Document) -> list[dict[str, Any]]:
    """What was said of a document that was found through the viewer, the first first: id, side, who, text, at, is_open, and
    is_answer: a client's to what the office asked. It is open until the office saw to it, and asks nothing itself."""
    rows = await engine.raw(
        "SELECT r.id, r.side, r.text, r.at, r.settled_at, "
        "coalesce(u.full_name, (SELECT p.name FROM carried_person p WHERE p.document = r.document AND p.what = 'remark' AND p.record_id = r.id)) AS who FROM remark r LEFT JOIN users u ON u.id = r.person "
        "WHERE r.document = $1 ORDER BY r.id LIMIT 200",
        document.id,
    )
    return [
        row | {"is_open": row["settled_at"] is None, "is_answer": row["side"] == "client" and _asked(before)}
        for before, row in itertools.pairwise([None, *rows])
        if row is not None
    ]


def _asked(row: dict[str, Any] | None) -> bool:
    """Whether this is a question of the office that was answered: its own answers were settled when they were said."""
    return row is not None and row["side"] == "office" and row["settled_at"] not in (None, row["at"])


async def open_questions(viewer: Viewer, most: int = 50) -> list[dict[str, Any]]:
    """What waits for an answer of this viewer's side, over all that he sees, the oldest first: document, name, client,
    client_name, text, at, who."""
    if viewer.is_client:
        from models.finding.seeing import findable_documents

        return await engine.raw(_OPEN_SQL.format(seen=findable_documents(viewer)), most)
    return await viewer.scope(Remark).where(Remark.settled_at.is_null() & (Remark.side == "client")).select(
        Remark.id, Remark.text, Remark.at, Remark.document.id.as_alias("document"), Remark.document.name.as_alias("name"),
        Remark.client.id.as_alias("client"), Remark.client.name.as_alias("client_name"), Remark.person.full_name.as_alias("who"),
        order=(Remark.id,), limit=most,
    )  # fmt: skip


# From the questions to what is seen: the other way round all documents of a client would be looked at.
_OPEN_SQL = """SELECT r.id, r.text, r.at, d.id AS document, d.name, r.client, c.name AS client_name, u.full_name AS who
FROM remark r JOIN document d ON d.id = r.document JOIN folder f ON f.id = d.folder LEFT JOIN client c ON c.id = r.client
LEFT JOIN users u ON u.id = r.person WHERE r.settled_at IS NULL AND r.side = 'office' AND {seen} ORDER BY r.id LIMIT $1"""


async def _add(document: Document, text: str, side: str, by: Viewer) -> Remark:
    text = text.replace("\x00", "").strip()
    if not text:
        raise Refused("text", Say("Vul in wat u wilt vragen of zeggen."))
    if len(text) > MOST:
        raise Refused("text", Say("Dit is {n} tekens; er passen er {most}.", n=len(text), most=MOST))
    answered, now = await _settle(document, "client" if side == "office" else "office"), utcnow()
    # What the office answers asks nothing of the client; what a client answers the office has yet to see.
    settled = now if side == "office" and answered else None
    remark = Remark(
        document=document.id,
        client=document.client,
        person=by.user.id,
        side=side,
        text=text,
        at=now,
        settled_at=settled,
    )
    await remark.save()
    if side == "client":
        from models.notices import questioned

        await questioned(document.client, remark.id)
    await by.note("Document.remark", document, {"name": document.name})
    await _tell(document)
    return remark


async def _settle(document: Document, side: str) -> int:
    rows = await engine.raw(
        "UPDATE remark SET settled_at = $3 WHERE document = $1 AND side = $2 AND settled_at IS NULL RETURNING id",
        document.id, side, utcnow(),
    )  # fmt: skip
    return len(rows)


async def _tell(document: Document) -> None:
    rows = await engine.raw("SELECT dossier FROM folder WHERE id = $1", document.folder)
    await tell(rows[0]["dossier"], document.client)
    await touch(f"document-{document.id}", "remarks")
