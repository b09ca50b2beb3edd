"""That a mail server took the mail that names a request goes on the record. Found by what is in the outbox, so that a worker that died in
between forgets nothing: whoever looks next writes it, once."""

from __future__ import annotations

import json
from typing import Any

from models import carrying, engine
from models.accounts.blocking import listed
from models.approvals.record import Line, note_each
from models.live import touch
from models.settings import utcnow

_AT_ONCE = 500
_TAKEN_SQL = f"""SELECT n.id, n.request, n.client, n.person, n.what, u.full_name AS name, u.language, e.id AS errand, e.address, e.message_id,
 e.finished_at, e.said, coalesce(s.full_name, '') AS made_by
FROM approval_news n JOIN errand e ON e.id = n.errand AND e.state = 'done' AND e.said <> '{carrying.KEPT.text}'
JOIN users u ON u.id = n.person AND u.kind = 'client' LEFT JOIN users s ON s.id = n.made_by
WHERE n.named_at IS NOT NULL AND n.noted_at IS NULL ORDER BY n.id LIMIT {_AT_ONCE}"""


async def note_handed_over() -> int:
    """How many lines were put on the record."""
    if not await engine.raw(_TAKEN_SQL.replace(f"LIMIT {_AT_ONCE}", "LIMIT 1")):
        return 0
    return await engine.run_writing(_note)


async def _note() -> int:
    rows = await engine.raw(_TAKEN_SQL)
    if not rows:
        return 0
    lines: list[Line] = []
    mails: dict[tuple[int, int], list[str]] = {}
    for row in rows:
        kept = {"message_id": row["message_id"], "to": row["address"], "handed_over_at": str(row["finished_at"])}
        if row["what"] == "reminded":
            lines.append(_line("reminded", row, kept | ({"by": row["made_by"]} if row["made_by"] else {})))
        if (of := mails.get((row["request"], row["errand"]))) is None:
            of = mails[row["request"], row["errand"]] = []
            lines.append(_line("mail_handed_over", row, kept | {"said": row["said"], "of": of}))
        of.append(row["what"])
    await note_each(lines)
    await engine.raw(
        f"UPDATE approval_news SET noted_at = $2 WHERE id IN {listed(1)}",
        json.dumps([row["id"] for row in rows]),
        utcnow(),
    )
    await touch(*sorted({f"approval-{row['request']}" for row in rows})[:200])
    return len(rows)


def _line(act: str, row: dict[str, Any], detail: dict[str, Any]) -> Line:
    return Line(
        row["request"], row["client"], act, row["person"], name=row["name"], language=row["language"], detail=detail
    )
