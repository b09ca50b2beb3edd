"""What comes by an ordinary form, without a script, is on a receipt as well: the same lines, written at once."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from models import engine
from models.core import Say, operation
from models.dossiers import Document
from models.settings import utcnow
from models.uploads.taking import Target, client_of, receipt_for
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

_LINE = (
    "person",
    "receipt",
    "client",
    "key",
    "name",
    "size",
    "received",
    "sha256",
    "state",
    "why",
    "document",
    "begun_at",
    "finished_at",
    "expires_at",
)


@operation(Permission.OWN_ACCOUNT, trail=False)
async def note_form(
    target: Target, documents: Sequence[Document], refused: Sequence[tuple[str, Say]] = (), *, by: Viewer
) -> int:
    """The documents that came of a form, and by name what was not taken in, as one receipt; its id."""
    now = utcnow()
    receipt = await receipt_for(target, "", now, by)
    took = [(one.name, one.size, one.size, one.sha256, "done", "", one.id) for one in documents]
    left = [(name[:255], 0, 0, "", "refused", json.dumps(why.as_json()), None) for name, why in refused]
    await engine.copy_rows(
        "upload",
        _LINE,
        [(by.user.id, receipt, client_of(target), uuid.uuid4().hex, *line, now, now, now) for line in (*took, *left)],
    )
    return receipt
