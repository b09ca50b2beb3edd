"""What the mail about a virus tells one person: the documents that he may see."""

from __future__ import annotations

from typing import Any

from models.accounts import User
from models.dossiers import Document
from models.viewer import Viewer


async def infected_for(person: int, sha256: str) -> dict[str, Any] | None:
    """count and documents (id, name, client) with these bytes, as he may see them now; None for who is no colleague any more."""
    user = await User.objects().where(User.id == person).first()
    if user is None or user.kind != "staff" or user.state != "active":
        return None
    rows = (
        await Document.select(Document.id, Document.name, Document.client.name.as_alias("client"))
        .where((Document.sha256 == sha256) & Document.visible_to(Viewer(user)))
        .order_by(Document.id)
        .limit(50)
    )
    return {"count": len(rows), "documents": rows}
