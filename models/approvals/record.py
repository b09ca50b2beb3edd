"""The proof: an append-only chain of acts per request. Each record holds the hash of the one before it, so that what was
changed, taken out or put in between is found; triggers refuse changes and deletions.

    link = SHA-256 of the UTF-8 JSON (no spaces, non-ASCII as it is) of
    [request, number, "previous link", "act", "at", person, on_behalf_of, "name", "role", "method", "level", "statement", "language",
     document, "address", "agent", "detail"]

`at` in UTC as 2026-12-01T10:00:00.000000+00:00; the first previous link of a request is 64 zeros. How anybody checks this
without us stands in the evidence file.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from piccolo.columns import ForeignKey, Integer, OnDelete, Text, Timestamptz, Varchar
from piccolo.constraints import Unique
from piccolo.table import Table

from models import engine
from models.accounts.blocking import listed
from models.approvals.records import ApprovalRequest, of_request
from models.clients import Client
from models.core import Owned, Say
from models.personal import PROOF, Erase, Export
from models.settings import utcnow

if TYPE_CHECKING:
    from models.certifying.verifying import OfRequest, Told, Verdict
    from models.viewer import Viewer

BEGIN = "0" * 64
ACTS = (
    "made", "changed", "sign_off_asked", "signed_off", "sent_back", "offered", "asked", "mail_handed_over", "opened", "page_seen", "approved",
    "rejected", "question", "answer", "part_replaced", "voided", "withdrawn", "replaced", "expired", "extended", "on_paper",
    "completed", "sealed", "filed", "resealed", "reminded", "let_go",
)  # fmt: skip
FIELDS = (
    "request", "number", "previous", "act", "at", "person", "on_behalf_of", "name", "role", "method", "level", "statement", "language",
    "document", "address", "agent", "detail",
)  # fmt: skip


# What `offered` tells of the request itself, beside the sentence: that the row still says so can be checked.
ASKED = ("kind", "book_year", "period", "title", "addressee", "amount", "least_level")


def asked_of(request: Any) -> dict[str, Any]:
    return {name: getattr(request, name) for name in ASKED}


_text = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":")
).encode  # as json.dumps has it, which makes one each time


class ApprovalRecord(Owned, Table, tablename="approval_record"):
    """One act, as it was then: names and roles are copied, because people marry and change jobs."""

    request = ForeignKey(ApprovalRequest, null=False, on_delete=OnDelete.cascade)
    client = ForeignKey(Client, null=False, on_delete=OnDelete.cascade, index=True)
    number = Integer(help_text="1, 2, 3, … in its request, without gaps")
    act = Varchar(length=20)
    at = Timestamptz()
    person = Integer(null=True, default=None, index=True, help_text="id of who did it; no foreign key: the proof stays")
    on_behalf_of = Integer(null=True, default=None)
    name = Varchar(length=200, default="")
    role = Varchar(length=120, default="")
    method = Varchar(length=120, default="")
    level = Varchar(length=7, default="")
    statement = Text(default="")
    language = Varchar(length=2, default="")
    document = Integer(null=True, default=None)
    address = Varchar(length=45, default="")
    agent = Varchar(length=300, default="")
    detail = Text(default="{}", help_text="JSON; of documents their SHA-256")
    previous = Varchar(length=64)
    link = Varchar(length=64)

    approval_record_place_unique = Unique([request, number])

    EXPORTS = Export(Say("Bewijs van accorderen"), by=("person", "on_behalf_of"))
    ERASES = Erase(ground=PROOF)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return of_request(cls, viewer)


def link_of(row: dict[str, Any]) -> str:
    """Over the fields in their order; `at` aware."""
    at = row["at"].astimezone(dt.UTC).isoformat(timespec="microseconds")
    parts = [at if name == "at" else row[name] for name in FIELDS]
    return hashlib.sha256(_text(parts).encode()).hexdigest()


async def note(
    request: ApprovalRequest,
    act: str,
    *,
    person: int | None = None,
    on_behalf_of: int | None = None,
    name: str = "",
    role: str = "",
    method: str = "",
    level: str = "",
    statement: str = "",
    language: str = "",
    document: int | None = None,
    address: str = "",
    agent: str = "",
    **detail: Any,
) -> ApprovalRecord:
    """Append to the request's chain, in the unit that does the act. Two at once collide on the number and one is repeated."""
    if act not in ACTS:
        raise ValueError(f"no act is called {act!r}")
    rows = await engine.raw(
        "SELECT number, link FROM approval_record WHERE request = $1 ORDER BY number DESC LIMIT 1", request.id
    )
    number, previous = (rows[0]["number"] + 1, rows[0]["link"]) if rows else (1, BEGIN)
    row: dict[str, Any] = {
        "request": request.id, "number": number, "previous": previous, "act": act, "at": utcnow(), "person": person,
        "on_behalf_of": on_behalf_of, "name": name[:200], "role": role[:120], "method": method[:120], "level": level, "statement": statement,
        "language": language, "document": document, "address": address[:45], "agent": agent[:300],
        "detail": json.dumps(detail, ensure_ascii=False, sort_keys=True),
    }  # fmt: skip
    record = ApprovalRecord(**row, client=request.client, link=link_of(row))
    await record.save()
    return record


class Line(NamedTuple):
    """What `note` takes, for one request of many. `detail` is the JSON of it."""

    request: int
    client: int
    act: str
    person: int | None = None
    name: str = ""
    role: str = ""
    statement: str = ""
    language: str = ""
    detail: dict[str, Any] | None = None


_COLUMNS = (
    "request", "number", "previous", "act", "at", "person", "on_behalf_of", "name", "role", "method", "level", "statement", "language",
    "document", "address", "agent", "detail", "client", "link",
)  # fmt: skip


async def note_each(lines: Sequence[Line]) -> None:
    """As `note`, to the chains of many requests at once; of one request in the order of the lines."""
    for line in lines:
        if line.act not in ACTS:
            raise ValueError(f"no act is called {line.act!r}")
    rows = await engine.raw(
        "SELECT r.request, r.number, r.link FROM approval_record r JOIN (SELECT request, max(number) AS number FROM approval_record "
        f"WHERE request IN {listed(1)} GROUP BY request) l ON l.request = r.request AND l.number = r.number",
        json.dumps(sorted({line.request for line in lines})),
    )
    ends = {row["request"]: (row["number"], row["link"]) for row in rows}
    now, written = utcnow(), []
    for line in lines:
        number, previous = ends.get(line.request, (0, BEGIN))
        row: dict[str, Any] = {
            "request": line.request, "number": number + 1, "previous": previous, "act": line.act, "at": now, "person": line.person,
            "on_behalf_of": None, "name": line.name[:200], "role": line.role[:120], "method": "", "level": "", "statement": line.statement,
            "language": line.language, "document": None, "address": "", "agent": "",
            "detail": json.dumps(line.detail or {}, ensure_ascii=False, sort_keys=True),
        }  # fmt: skip
        row |= {"client": line.client, "link": link_of(row)}
        ends[line.request] = (number + 1, row["link"])
        written.append(tuple(row[name] for name in _COLUMNS))
    await engine.copy_rows("approval_record", _COLUMNS, written)


async def verify(request_id: int) -> OfRequest:
    """Whether the record, the files and the seal of a request hold; outside every unit. See certifying.verifying."""
    from models.certifying import verifying

    return await verifying.verify(request_id)


async def verify_all(progress: Told | None = None) -> Verdict:
    """Whether all records hold, and nothing was cut off; outside every unit. See certifying.verifying."""
    from models.certifying import verifying

    return await verifying.verify_all(progress)
