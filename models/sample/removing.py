"""Takes the sample office out again, and nothing that somebody made himself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models import engine
from models.core import Refused, Say, operation, save
from models.live import touch
from models.settings import Firm
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

# Clients first: their folders, documents and accesses go with them (ON DELETE CASCADE).
_TABLES = ("client", "dossier", "client_group", "opening", "hold", "request_template", "letter_batch", "users")


@operation(Permission.MANAGE_SETTINGS)
async def _remove(firm: Firm, *, by: Viewer) -> None:
    if not firm.is_sample:
        raise Refused("", Say("Er is geen voorbeeldkantoor."))
    # Real proof that once came to an invented client stays, and with it that client and who was asked.
    await engine.raw("UPDATE client SET is_sample = $2 WHERE is_sample = $1 AND id IN (SELECT client FROM approval_request WHERE NOT is_sample)", True, False)  # fmt: skip
    # The proof of what was approved goes first, while it is known that its client was invented.
    await engine.raw("DELETE FROM approval_record WHERE client IN (SELECT id FROM client WHERE is_sample = $1)", True)
    await engine.raw("DELETE FROM approval_request WHERE client IN (SELECT id FROM client WHERE is_sample = $1)", True)
    await engine.raw("UPDATE users SET is_sample = $2 WHERE is_sample = $1 AND (id IN (SELECT person FROM approver) OR id IN (SELECT decided_by FROM approver))", True, False)  # fmt: skip
    for table in _TABLES:
        await engine.raw(
            f"DELETE FROM {table} WHERE is_sample = $1 AND NOT (id = $2 AND $3)", True, by.user.id, table == "users"
        )
    await engine.raw(
        "DELETE FROM opening WHERE NOT EXISTS (SELECT 1 FROM opening_person p WHERE p.opening = opening.id)"
    )
    await save(firm, is_sample=False)
    await touch("rollout", "clients", "users")


async def remove(*, by: Viewer) -> None:
    """Delete every record that is marked as sample; never the person who asks for it."""
    await _remove(await Firm.load(), by=by)
