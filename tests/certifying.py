"""Approvals that are complete, for the tests of certifying: made through the legal moves, with real bytes and a real record."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from typing import Any

from models import engine
from models.approvals import events, record
from models.approvals.records import ApprovalDocument, ApprovalKind, ApprovalRequest, Approver, ApproverChoice
from models.certifying import office
from models.core import save
from models.settings import utcnow
from models.storage import storage
from models.viewer import Viewer
from tests.cast import Cast

STATEMENT = "Ik heb de aangifte bekeken en geef het kantoor opdracht deze in te dienen bij de Belastingdienst."
BROWSER = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari/605.1"


def pdf(words: str) -> bytes:
    """A small PDF of one page with these words."""
    import io

    from reportlab.pdfgen.canvas import Canvas

    held = io.BytesIO()
    page = Canvas(held, invariant=1)
    page.drawString(72, 720, words)
    page.save()
    return held.getvalue()


@dataclass
class Made:
    """The request as it is now, and the bytes of its parts."""

    request: ApprovalRequest
    contents: list[bytes]

    async def again(self) -> ApprovalRequest:
        found = await ApprovalRequest.objects().get(ApprovalRequest.id == self.request.id)
        assert found is not None
        return found


async def offered(
    cast: Cast, words: str = "Aangifte omzetbelasting", *, client: int = 0, by: Viewer | None = None, name: str = "Btw-aangifte Q1.pdf",
    kind: str = "Aangifte omzetbelasting", attachments: int = 1, **columns: Any,
) -> Made:  # fmt: skip
    """Offered to rik (or `by`), with one part and an attachment; not in the sample any more, so that its proof counts."""
    client = client or cast.bakkerij
    who = by or cast.rik
    contents = [pdf(words), *(pdf(f"bijlage {n} {words}") for n in range(attachments))]
    stored = [await storage().put(content) for content in contents]
    async with engine.writing():
        await engine.raw("UPDATE client SET is_sample = $2 WHERE id = $1", client, False)
        found = await ApprovalKind.objects().get(ApprovalKind.name == kind)
        assert found is not None
        values: dict[str, Any] = {
            "book_year": 2026, "period": "k1", "addressee": "de Belastingdienst", "amount": 123456, "statement": STATEMENT,
        } | columns  # fmt: skip
        request = ApprovalRequest(client=client, kind=found.id, made_at=utcnow(), made_by=cast.anna.user.id, **values)
        await request.save()
        names = [name, *(f"Bijlage {n + 1}.pdf" for n in range(attachments))]
        for at, (one, called) in enumerate(zip(stored, names, strict=True)):
            await ApprovalDocument(
                request=request.id, client=client, part="attachment" if at else "main", position=at, name=called, sha256=one.sha256,
                blob=one.sha256, size=one.size, mime="application/pdf", pages=1,
            ).save()  # fmt: skip
        await record.note(request, "made", person=cast.anna.user.id, name=cast.anna.user.full_name, role="Kantoor")
        await save(request, state="offered", offered_at=utcnow(), step=1)
        await Approver(request=request.id, client=client, person=who.user.id, step=1, state="asked", role="director", asked_at=utcnow()).save()  # fmt: skip
        await record.note(request, "offered", person=cast.anna.user.id, name=cast.anna.user.full_name, role="Kantoor")
        await record.note(request, "opened", person=who.user.id, name=who.user.full_name, role="Directeur", address="203.0.113.7", agent=BROWSER)  # fmt: skip
    return Made(request, contents)


async def approve(made: Made, who: Viewer, *, level: str = "pin") -> None:
    """As the engine does it: choice, approver, record, state and event in one unit."""
    request = made.request
    async with engine.writing():
        part = await ApprovalDocument.objects().get(
            (ApprovalDocument.request == request.id) & (ApprovalDocument.part == "main")
        )
        approver = await Approver.objects().get((Approver.request == request.id) & (Approver.person == who.user.id))
        assert part is not None
        assert approver is not None
        now = utcnow()
        await ApproverChoice(approver=approver.id, document=part.id, client=request.client, sha256=part.sha256, outcome="approved", at=now).save()  # fmt: skip
        await save(approver, state="approved", decided_at=now, decided_by=who.user.id, level=level, method=level)
        await record.note(
            request, "approved", person=who.user.id, name=who.user.full_name, role="Directeur", method=level, level=level, statement=request.statement,
            language="nl", document=part.id, address="203.0.113.7", agent=BROWSER, sha256=part.sha256,
        )  # fmt: skip
        await record.note(request, "completed")
        await save(request, state="approved", completed_at=now)
        await events.happened(request, "approved")


async def approved(cast: Cast, words: str = "Aangifte omzetbelasting", **more: Any) -> Made:
    made = await offered(cast, words, **more)
    await approve(made, more.get("by") or cast.rik)
    return made


async def many_approved(cast: Cast, count: int) -> list[int]:
    """Requests that are complete, quickly; their ids."""
    return [
        (await approved(cast, f"aangifte {n}", name=f"aangifte {n}.pdf", attachments=0, period="")).request.id
        for n in range(count)
    ]


@functools.cache
def _pair(name: str) -> office.Pair:
    return office.make_own(name, "Zutphen", utcnow())


async def with_certificate() -> None:
    """The office has a certificate already: making one takes a second, which is tried once and not by every test."""
    name = (await engine.raw("SELECT name FROM firm"))[0]["name"]
    await engine.run_writing(lambda: office._put(_pair(name), utcnow(), is_own=True, by=None))


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def _in_house() -> None:
    """An approval in the house of a browser test: sealed and filed; prints its id."""
    from models.certifying import completing
    from tests.cast import assemble

    engine.start()
    cast = await assemble()
    await with_certificate()
    made = await approved(cast)
    await completing.seal_due()
    await engine.close()
    print(made.request.id)


if __name__ == "__main__":
    import asyncio

    asyncio.run(_in_house())


_GUARDED = (
    "approval_record",
    "approval_request",
    "approval_document",
    "approver",
    "approver_choice",
    "approval_seal",
    "proof_place",
)


async def unguarded() -> None:
    """As somebody who rules the database: the triggers that refuse are gone."""
    if not engine.is_sqlite():
        for table in _GUARDED:
            await engine.raw(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        return
    for row in await engine.raw("SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'"):
        if row["tbl_name"] in _GUARDED:
            await engine.raw(f"DROP TRIGGER {row['name']}")
