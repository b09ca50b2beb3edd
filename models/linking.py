"""A mail with a link to a document, never the document itself: to those of a client's people who may see it, with an undo."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from piccolo.columns import ForeignKey, OnDelete, Text, Timestamptz, Varchar
from piccolo.table import Table

from models import engine
from models.accounts import User
from models.accounts.blocking import listed
from models.clients import Client, granted, with_right
from models.core import Owned, Refused, Say, operation, save
from models.dossiers import Document, shown_sql
from models.live import touch
from models.outbox import Kind, ask
from models.personal import NUMBER_ONLY, Erase, Export
from models.settings import utcnow
from models.viewer import Permission, Right, Viewer

UNDO = dt.timedelta(seconds=10)
MOST_DOCUMENTS = 50
MOST_PEOPLE = 200
MOST_LETTERS = 1000


class DocumentMailing(Owned, Table, tablename="document_mailing"):
    """That people were mailed a link to documents of a client: by whom, with which words."""

    client = ForeignKey(Client, null=False, on_delete=OnDelete.cascade, index=True)
    documents = Text(help_text="JSON: ids")
    message = Varchar(length=MOST_LETTERS, default="")
    token = Varchar(length=36, help_text="of one form: sent twice, it mails once")
    made_by = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null, index=True)
    made_at = Timestamptz()
    undone_at = Timestamptz(null=True, default=None)

    EXPORTS = Export(Say("Verstuurde links naar stukken"), by=("made_by",), hidden=("token",))
    ERASES = Erase(ground=NUMBER_ONLY)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        """One's own: nobody undoes what he did not send."""
        mine = with_right(cls.client, viewer, Right.VIEW_DOSSIER)
        return (cls.made_by == viewer.user.id) & mine if viewer.is_staff else cls.id < 0

    @operation(Permission.EDIT_DOSSIERS)
    async def undo(self, *, by: Viewer) -> int:
        """What has not left yet does not leave; how many. Raises Refused when all has left."""
        rows = await engine.raw(
            "UPDATE errand SET state = 'cancelled', finished_at = $2 WHERE kind = 'document_link' AND subject_id = $1 AND state = 'waiting' RETURNING id",
            self.id, utcnow(),
        )  # fmt: skip
        if not rows:
            raise Refused("", Say("Te laat: de mail is al verstuurd."))
        await save(self, undone_at=utcnow())
        await touch("mail")
        return len(rows)


@dataclass
class Reader:
    """Somebody of the client, with the documents of those asked about that he may see."""

    id: int
    name: str
    email: str
    language: str
    can_sign_in: bool
    documents: list[int] = field(default_factory=list)


async def readers_for(client: int, documents: Sequence[int]) -> list[Reader]:
    """The people of a client who have an address, and which of these documents each may see at this moment; by name."""
    people = await engine.raw(_PEOPLE_SQL, client)
    found = {
        row["id"]: Reader(row["id"], row["full_name"], row["email"], row["language"], row["state"] == "active")
        for row in people
    }
    shown = await engine.raw(
        "SELECT a.person, d.id FROM access a JOIN document d ON d.client = a.client JOIN folder f ON f.id = d.folder "
        f"WHERE a.client = $1 AND a.rights & {int(Right.VIEW_DOSSIER)} <> 0 AND d.id IN {listed(2)} AND {shown_sql('a.person')} ORDER BY d.name_key",
        client, json.dumps(list(documents)),
    )  # fmt: skip
    for row in shown:
        if row["person"] in found:
            found[row["person"]].documents.append(row["id"])
    for row in people:  # those to whom only some folders are open: few, and each by the rule itself
        if not row["reads_all"]:
            found[row["id"]].documents = await seen_by(row["id"], documents)
    return list(found.values())


async def seen_by(person: int, documents: Sequence[int]) -> list[int]:
    """Of these documents those that a client user sees, as he would find them himself."""
    user = await User.objects().where(User.id == person).first()
    if user is None or user.state == "blocked":
        return []
    viewer = Viewer(user, await granted(person))
    rows = await viewer.documents.where(Document.id.is_in(list(documents) or [-1])).select(
        Document.id, order=[Document.name_key]
    )
    return [row["id"] for row in rows]


@operation(Permission.EDIT_DOSSIERS, trail=False)
async def mail_links(
    client: Client, documents: Sequence[Document], people: Sequence[int], message: str, token: str, *, by: Viewer
) -> tuple[DocumentMailing, int]:
    """A mail to each of these people of the client who may see any of the documents (found through the viewer): how many mails.
    With the same `token` nobody is mailed twice."""
    message = message_of(message)
    if not documents or len(documents) > MOST_DOCUMENTS:
        raise Refused("documents", Say("Kies ten minste één stuk, en ten hoogste {most}.", most=MOST_DOCUMENTS))
    if any(document.client != client.id or document.is_trashed for document in documents):
        raise Refused("documents", Say("Een link gaat over stukken uit het dossier van één cliënt."))
    before = (
        await DocumentMailing.objects()
        .where((DocumentMailing.token == token) & (DocumentMailing.made_by == by.user.id))
        .first()
    )
    if before is not None:
        return before, 0
    ids = [document.id for document in documents]
    chosen = [
        one for one in await readers_for(client.id, ids) if one.id in set(people) and one.documents and one.can_sign_in
    ]
    if not chosen:
        raise Refused("people", Say("Kies ten minste één persoon die het stuk mag zien en kan inloggen."))
    now = utcnow()
    mailing = DocumentMailing(
        client=client.id, documents=json.dumps(ids), message=message, token=token, made_by=by.user.id, made_at=now
    )
    await mailing.save()
    for one in chosen[:MOST_PEOPLE]:
        await ask(Kind.DOCUMENT_LINK, mailing.id, person=one.id, run_after=now + UNDO)
    names = [document.name for document in documents]
    await by.note(
        "DocumentMailing.send",
        mailing,
        {"names": names[:20], "count": len(chosen), "people": [one.name for one in chosen][:20]},
    )
    await touch("mail")
    return mailing, len(chosen)


def message_of(text: str) -> str:
    """What the sender adds, tidied. Raises Refused when it is too long."""
    text = text.replace("\x00", "").replace("\r\n", "\n").strip()
    if len(text) > MOST_LETTERS:
        raise Refused("message", Say("Dit is {n} tekens; er passen er {most}.", n=len(text), most=MOST_LETTERS))
    return text


async def told(person: int, mailing: int) -> dict[str, Any] | None:
    """What the mail says when it leaves: only documents that the recipient still sees. None when nothing is left to say."""
    found = await DocumentMailing.objects().where(DocumentMailing.id == mailing).first()
    if found is None or found.undone_at is not None:
        return None
    ids = await seen_by(person, json.loads(found.documents))
    if not ids:
        return None
    rows = await engine.raw(
        f"SELECT d.id, d.name FROM document d WHERE d.id IN {listed(1)} ORDER BY d.name_key, d.id", json.dumps(ids)
    )
    return {"documents": rows, "message": found.message}


_PEOPLE_SQL = f"""SELECT u.id, u.full_name, u.email, u.language, u.state, a.rights & {int(Right.VIEW_DOSSIER)} <> 0 AS reads_all
FROM access a JOIN users u ON u.id = a.person JOIN client c ON c.id = a.client
WHERE a.client = $1 AND c.state = 'active' AND u.kind = 'client' AND u.state <> 'blocked' AND u.email <> ''
ORDER BY u.sort_key, u.id LIMIT {MOST_PEOPLE}"""
