"""What the mail about a virus tells one person: the documents and the requests for approval that he may see."""

from __future__ import annotations

from typing import Any

from models.accounts import User
from models.approvals.records import ApprovalDocument
from models.dossiers import Document
from models.viewer import Viewer


async def infected_for(person: int, sha256: str) -> dict[str, Any] | None:
    """count, documents and approvals (id, name, client each; of a request its id) with these bytes, as he may see them now; None for who is no colleague any more."""
    user = await User.objects().where(User.id == person).first()
    if user is None or user.kind != "staff" or user.state != "active":
        return None
    rows = (
        await Document.select(Document.id, Document.name, Document.client.name.as_alias("client"))
        .where((Document.sha256 == sha256) & Document.visible_to(Viewer(user)))
        .order_by(Document.id)
        .limit(50)
    )
    parts = (
        await ApprovalDocument.select(ApprovalDocument.request.as_alias("id"), ApprovalDocument.name, ApprovalDocument.client.name.as_alias("client"))
        .where((ApprovalDocument.blob == sha256) & ApprovalDocument.visible_to(Viewer(user)))
        .order_by(ApprovalDocument.request)
        .limit(50)
    )  # fmt: skip
    return {"count": len(rows) + len(parts), "documents": rows, "approvals": parts}
