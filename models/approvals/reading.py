"""Reading requests: the approver's list over all his clients, one client's list, and all of one request. SQL: these are hot."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts.blocking import listed
from models.approvals.records import ApprovalDocument, ApprovalRequest, FormerPart
from models.approvals.standing import in_role, is_able, who_fails
from models.approvals.states import OPEN
from models.approvals.words import period_words, statement_of
from models.clients import seen
from models.scanning.opening import Shut, shut_by
from models.settings import this_day
from models.viewer import Permission, Right

if TYPE_CHECKING:
    from models.viewer import Viewer

_APPROVE = int(Right.APPROVE)


@dataclass(frozen=True)
class Asked:
    """A request that waits for this viewer. `on_behalf_of`: the person for whom he may do it, 0 for himself; `parts` and how many
    of them he `opened`; `questions` of his side that wait for the office."""

    id: int
    client: int
    client_name: str
    kind: int
    kind_nl: str
    kind_en: str
    title: str
    book_year: int | None
    period: str
    year_end: int
    addressee: str
    amount: int | None
    internal_due: Any
    legal_due: Any
    state: str
    version: int
    least_level: str
    statement: str
    statement_en: str
    approver: int
    role: str
    on_behalf_of: int
    on_behalf_of_name: str
    parts: int
    opened: int
    questions: int

    def name(self, language: str = "nl") -> str:
        kind = self.kind_en if language == "en" and self.kind_en else self.kind_nl
        return " ".join(
            one for one in (kind, period_words(self.book_year, self.period, language, year_end=self.year_end)) if one
        )

    def said(self, language: str = "nl") -> str:
        return self.statement_en if language == "en" and self.statement_en else self.statement

    @property
    def due(self) -> Any:
        return self.internal_due or self.legal_due

    @property
    def is_late(self) -> bool:
        return self.due is not None and bool(self.due < this_day())


_OPEN_SQL = """
SELECT r.id, r.client, c.name AS client_name, r.kind, k.name AS kind_nl, k.name_en AS kind_en, r.title, r.book_year, r.period, r.year_end,
 r.addressee, r.amount, r.internal_due, r.legal_due, r.state, r.version, r.least_level, r.statement, r.statement_en,
 a.id AS approver, a.role, CASE WHEN a.person = $1 THEN 0 ELSE a.person END AS on_behalf_of,
 CASE WHEN a.person = $1 THEN '' ELSE u.full_name END AS on_behalf_of_name,
 (SELECT count(*) FROM approval_document d WHERE d.request = r.id AND d.part = 'main') AS parts,
 (SELECT count(*) FROM approval_document d WHERE d.request = r.id AND d.part = 'main' AND EXISTS (SELECT 1 FROM approval_seen s
  WHERE s.document = d.id AND s.person = $1 AND s.sha256 = d.sha256)) AS opened,
 (SELECT count(*) FROM approval_remark m WHERE m.request = r.id AND m.side = 'client' AND m.settled_at IS NULL) AS questions
FROM (SELECT b.id FROM approver b WHERE b.person = $1 AND b.state = 'asked'
 UNION SELECT b.id FROM mandate m JOIN approver b ON b.person = m.giver AND b.client = m.client AND b.state = 'asked'
  JOIN approval_request q ON q.id = b.request AND (m.kind IS NULL OR m.kind = q.kind)
  JOIN users g ON g.id = m.giver AND g.state <> 'blocked'
  JOIN access x ON x.person = m.giver AND (x.client = q.client OR (b.role = 'partner' AND x.client =
   (SELECT z.partner FROM client z WHERE z.id = q.client))) AND x.rights & {approve} <> 0
  WHERE m.taker = $1 AND m.since <= $2 AND (m.until IS NULL OR m.until >= $2) AND m.ended_at IS NULL) w
JOIN approver a ON a.id = w.id JOIN approval_request r ON r.id = a.request AND r.state IN ('offered', 'partly')
JOIN client c ON c.id = r.client JOIN approval_kind k ON k.id = r.kind JOIN users u ON u.id = a.person
WHERE (r.client IN ({clients}) OR (a.role = 'partner' AND c.partner IN ({clients}))) AND {in_role}
ORDER BY CASE WHEN coalesce(r.internal_due, r.legal_due) IS NULL THEN 1 ELSE 0 END, coalesce(r.internal_due, r.legal_due), r.id, a.id
LIMIT {most}
"""
MOST = 2_000


async def open_for(viewer: Viewer) -> list[Asked]:
    """What waits for this viewer at all his clients, asked of him or of whom he has a mandate; the first deadline first. One query."""
    if not viewer.is_client:
        return []
    clients = ", ".join(str(int(id)) for id in viewer.client_ids_with(Right.APPROVE))
    if not clients:
        return []
    sql = _OPEN_SQL.format(clients=clients, most=MOST, approve=_APPROVE, in_role=in_role("a", "$2"))
    return [Asked(**row) for row in await engine.raw(sql, viewer.user.id, this_day())]


_ROW_SQL = (
    "SELECT r.id, r.client, c.name AS client_name, c.number, r.kind, k.name AS kind_nl, k.name_en AS kind_en, k.needs_sign_off, k.statement AS kind_statement, k.rule, k.internal_days, k.remind_before, k.remind_after, k.remind_every, "
    "c.year_end_month, c.extension_months, (SELECT min(margin_months) FROM firm) AS firm_margin, r.title, r.book_year, r.period, r.year_end, "
    "r.state, r.version, r.step, r.steps, r.amount, r.addressee, r.internal_due, r.legal_due, r.made_at, r.offered_at, r.completed_at, "
    "r.ended_at, r.responsible, coalesce(u.full_name, '') AS responsible_name, "
    "(SELECT count(*) FROM approver a WHERE a.request = r.id AND a.step > 0 AND a.state <> 'void') AS places, "
    "(SELECT count(*) FROM approver a WHERE a.request = r.id AND a.state = 'approved') AS given, "
    "(SELECT count(*) FROM approval_remark m WHERE m.request = r.id AND m.side = 'client' AND m.settled_at IS NULL) AS questions "
    "FROM approval_request r JOIN client c ON c.id = r.client JOIN approval_kind k ON k.id = r.kind "
    "LEFT JOIN users u ON u.id = r.responsible "
)
SIZE = 50


async def of_client(viewer: Viewer, client: int, page: int = 1, state: str = "") -> tuple[list[dict[str, Any]], int]:
    """A page of one client's requests for the office, open ones first, then the newest; and how many there are."""
    if not viewer.may(Permission.VIEW_REQUESTED):
        return [], 0
    where = f"r.client = $1 AND {seen(viewer, 'r.client')} AND ($2 = '' OR r.state = $2)"
    total = await engine.raw(f"SELECT count(*) AS n FROM approval_request r WHERE {where}", client, state)
    rows = await engine.raw(
        f"{_ROW_SQL} WHERE {where} ORDER BY CASE WHEN r.state IN ('offered', 'partly', 'draft', 'sign_off') THEN 0 ELSE 1 END, "
        f"CASE WHEN coalesce(r.internal_due, r.legal_due) IS NULL THEN 1 ELSE 0 END, "
        f"CASE WHEN r.state IN ('offered', 'partly', 'draft', 'sign_off') THEN coalesce(r.internal_due, r.legal_due) END, r.id DESC "
        f"LIMIT {SIZE} OFFSET {(max(page, 1) - 1) * SIZE}",
        client, state,
    )  # fmt: skip
    return [_named(row) for row in rows], int(total[0]["n"])


def _named(row: dict[str, Any]) -> dict[str, Any]:
    return row | {
        "kind_name": row["kind_nl"],
        "period_name": period_words(row["book_year"], row["period"], year_end=row["year_end"]),
        "due": row["internal_due"] or row["legal_due"],
    }


@dataclass(frozen=True)
class Whole:
    """All of one request for its page. `former`: files that others took the place of. `places`: step, person, name, role, state and what he did; `timeline`: the proof."""

    row: dict[str, Any]
    main: list[ApprovalDocument]
    attachments: list[ApprovalDocument]
    scans: list[ApprovalDocument]
    former: list[FormerPart]
    places: list[dict[str, Any]]
    steps: list[dict[str, Any]]
    timeline: list[dict[str, Any]]
    statement: str  # as it was offered, or as it would be now
    shut: dict[str, Shut]  # the hashes of parts that nobody may open, and why
    spoilt: set[str]  # those of which the storage has other bytes, or none

    @property
    def stuck(self) -> tuple[str, ...]:
        """Of one that waits: the names of those for want of whom it cannot be completed any more."""
        if self.row["state"] not in OPEN:
            return ()
        return who_fails(self.steps, [row for row in self.places if row["step"] >= self.row["step"]])


async def whole(viewer: Viewer, request: ApprovalRequest) -> Whole:
    """Of a request that was found through the viewer."""
    row = (await engine.raw(f"{_ROW_SQL} WHERE r.id = $1", request.id))[0]
    parts, shut, spoilt = await parts_of([request.id])
    places = await engine.raw(
        "SELECT a.id, a.step, a.person, u.full_name AS name, u.state AS person_state, a.role, a.state, a.asked_at, a.opened_at, a.decided_at, "
        "a.decided_by, a.level, a.method, a.reason, coalesce(d.full_name, '') AS decided_by_name, "
        f"CASE WHEN {is_able('a', '$2')} THEN 1 ELSE 0 END AS able FROM approver a JOIN users u ON u.id = a.person "
        "LEFT JOIN users d ON d.id = a.decided_by WHERE a.request = $1 ORDER BY a.step, a.id",
        request.id, this_day(),
    )  # fmt: skip
    return Whole(
        _named(row),
        [part for part in parts if part.part == "main"],
        [part for part in parts if part.part == "attachment" and not part.is_scan],
        [part for part in parts if part.is_scan],
        await FormerPart.objects().where(FormerPart.request == request.id).order_by(FormerPart.id)
        if request.version > 1
        else [],
        places,
        json.loads(request.steps),
        await timeline(request),
        request.statement or _would_say(row, request),
        shut,
        spoilt,
    )


async def parts_of(requests: Sequence[int]) -> tuple[list[ApprovalDocument], dict[str, Shut], set[str]]:
    """The parts of these requests in their order, of the hashes among them that nobody may open why, and those that are known to be
    damaged or gone. One query."""
    rows = await engine.raw(
        f"SELECT {_PART_COLUMNS}, s.state AS scan_state, s.is_open AS scan_open, s.signature AS scan_signature, f.state AS spoilt "
        "FROM approval_document d LEFT JOIN scan s ON s.sha256 = d.blob LEFT JOIN file_check f ON f.hash = d.blob AND f.state IN ('broken', 'missing') "
        f"WHERE d.request IN {listed(1)} ORDER BY d.position, d.id",
        json.dumps(list(requests)),
    )
    shut = {row["sha256"]: why for row in rows if row["blob"] and (why := shut_by(row))}
    names = [column._meta.name for column in ApprovalDocument._meta.columns]
    return (
        [ApprovalDocument(_exists_in_db=True, **{name: row[name] for name in names}) for row in rows],
        shut,
        {row["sha256"] for row in rows if row["spoilt"]},
    )


_PART_COLUMNS = ", ".join(f"d.{column._meta.name}" for column in ApprovalDocument._meta.columns)


def _would_say(row: dict[str, Any], request: ApprovalRequest) -> str:
    kind = SimpleNamespace(name=row["kind_nl"], statement=row["kind_statement"])
    return statement_of(kind, request, row["client_name"])


async def timeline(request: ApprovalRequest, most: int = 500) -> list[dict[str, Any]]:
    """The acts, the newest first, of a request that was found through the viewer; pages that were seen as one line a part."""
    rows = await engine.raw(
        "SELECT number, act, at, person, name, role, method, level, statement, language, document, detail FROM approval_record "
        "WHERE request = $1 AND act <> 'page_seen' ORDER BY number DESC LIMIT $2",
        request.id, most,
    )  # fmt: skip
    told = [row | {"detail": json.loads(row["detail"])} for row in rows]
    for row in told:
        if day := row["detail"].get("signed_on"):
            row["detail"]["signed_on"] = dt.date.fromisoformat(day)
    return told


async def pages_seen(request: int) -> dict[tuple[int, int], int]:
    """(part, person): how many of its pages, of the bytes it has now."""
    rows = await engine.raw(
        "SELECT s.document, s.person, count(*) AS n FROM approval_seen s JOIN approval_document d ON d.id = s.document AND d.sha256 = s.sha256 "
        "WHERE s.request = $1 AND s.page > 0 GROUP BY s.document, s.person",
        request,
    )
    return {(row["document"], row["person"]): int(row["n"]) for row in rows}


@dataclass(frozen=True)
class Choices:
    """To choose from when one is placed: kinds, colleagues and the client's people, as (id, name)."""

    kinds: list[tuple[int, str]]
    staff: list[tuple[int, str]]
    people: list[tuple[int, str]]


async def choices(viewer: Viewer, client: int) -> Choices:
    if not viewer.is_staff:
        return Choices([], [], [])
    kinds = await engine.raw("SELECT id, name FROM approval_kind WHERE is_active ORDER BY position, id")
    people = await engine.raw(
        "SELECT u.id, u.full_name AS name, u.kind FROM users u WHERE u.state <> 'blocked' AND (u.kind = 'staff' OR u.id IN "
        f"(SELECT a.person FROM access a WHERE a.client = $1 AND {seen(viewer, 'a.client')})) ORDER BY u.sort_key, u.id LIMIT 1000",
        client,
    )
    named = {kind: [(row["id"], row["name"]) for row in people if row["kind"] == kind] for kind in ("staff", "client")}
    return Choices([(row["id"], row["name"]) for row in kinds], named["staff"], named["client"])
