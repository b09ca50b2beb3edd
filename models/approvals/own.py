"""What a client's person reads of approvals beside what waits for him: what he may look at, and all of one for its page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts.blocking import listed
from models.approvals.asking import remarks_on
from models.approvals.reading import Asked, open_for, parts_of
from models.approvals.records import ApprovalDocument, ApprovalRequest
from models.approvals.seeing import opened_by
from models.approvals.words import period_words
from models.scanning.opening import INFECTED, Shut

if TYPE_CHECKING:
    from models.viewer import Viewer

MOST = 50


@dataclass(frozen=True)
class Page:
    """One request as its approver or viewer sees it. `asked` is there when it waits for him (twice, where he also stands in for
    another, his own first); `refused` which parts were refused, and why; `opened` are the (part, hash) he looked at; `places` who approves, in order, without those behind the present step."""

    request: ApprovalRequest
    kind_nl: str
    kind_en: str
    client_name: str
    asked: list[Asked]
    main: list[ApprovalDocument]
    attachments: list[ApprovalDocument]
    opened: set[tuple[int, str]]
    places: list[dict[str, Any]]
    remarks: list[dict[str, Any]]
    refused: dict[int, str]
    shut: dict[str, Shut]  # the hashes of parts that nobody may open, and why
    agreed: frozenset[int] = frozenset()  # the parts that who refused others did approve

    @property
    def is_infected(self) -> bool:
        return any(one.state == INFECTED for one in self.shut.values())

    def name(self, language: str = "nl") -> str:
        kind = self.kind_en if language == "en" and self.kind_en else self.kind_nl
        period = period_words(self.request.book_year, self.request.period, language)
        return " ".join(one for one in (kind, period) if one)

    def said(self, language: str = "nl") -> str:
        return str(
            self.request.statement_en if language == "en" and self.request.statement_en else self.request.statement
        )


async def page_of(viewer: Viewer, request: ApprovalRequest) -> Page:
    """Of a request that was found through the viewer, with what was asked and answered."""
    (page,) = await pages_of(viewer, [request], [one for one in await open_for(viewer) if one.id == request.id])
    return replace(page, remarks=await remarks_on(request))


async def pages_of(viewer: Viewer, requests: Sequence[ApprovalRequest], asked: Sequence[Asked]) -> list[Page]:
    """Of requests that were found through the viewer, in their order, each with what is asked of him of it (of `asked`); the same
    few queries however many."""
    ids = json.dumps([request.id for request in requests])
    names = {row["id"]: row for row in await engine.raw(_NAMES_SQL.format(ids=listed(1)), ids)}
    every, shut = await parts_of([request.id for request in requests])
    parts = [part for part in every if not part.is_scan]
    opened = await opened_by(viewer.user.id, ids)
    places = await engine.raw(_PLACES_SQL.format(ids=listed(1)), ids)
    is_refused = any(place["state"] == "rejected" for place in places)
    choices = await engine.raw(_CHOICES_SQL.format(ids=listed(1)), ids) if is_refused else []
    found = []
    for request in requests:
        row = names[request.id]
        mine = sorted((one for one in asked if one.id == request.id), key=lambda one: one.on_behalf_of != 0)
        own = [part for part in parts if part.request == request.id]
        found.append(
            Page(
                request,
                row["kind_nl"],
                row["kind_en"],
                row["client_name"],
                mine,
                [part for part in own if part.part == "main"],
                [part for part in own if part.part == "attachment"],
                opened,
                [place for place in places if place["request"] == request.id],
                [],
                {
                    row["document"]: row["reason"]
                    for row in choices
                    if row["request"] == request.id and row["outcome"] == "rejected"
                },
                {part.sha256: shut[part.sha256] for part in own if part.sha256 in shut},
                frozenset(
                    row["document"] for row in choices if row["request"] == request.id and row["outcome"] == "approved"
                ),
            )
        )
    return found


_NAMES_SQL = """SELECT r.id, k.name AS kind_nl, k.name_en AS kind_en, c.name AS client_name FROM approval_request r
JOIN approval_kind k ON k.id = r.kind JOIN client c ON c.id = r.client WHERE r.id IN {ids}"""
_PLACES_SQL = """SELECT a.request, a.step, a.person, u.full_name AS name, a.role, a.state, a.decided_at,
 coalesce(d.full_name, '') AS decided_by_name, a.reason FROM approver a JOIN approval_request r ON r.id = a.request
 JOIN users u ON u.id = a.person LEFT JOIN users d ON d.id = a.decided_by
WHERE a.request IN {ids} AND a.step > 0 AND (a.step <= r.step OR a.step = 1) AND a.state <> 'void' ORDER BY a.step, a.id"""
_CHOICES_SQL = """SELECT a.request, x.document, x.outcome, x.reason FROM approver_choice x JOIN approver a ON a.id = x.approver
WHERE a.request IN {ids} AND a.state = 'rejected'"""


async def beside(viewer: Viewer, but: Sequence[int], most: int = MOST) -> list[dict[str, Any]]:
    """What he may look at and does not wait for him, the last that moved first: id, kind, period, client, state, and his own choice."""
    found = await (
        ApprovalRequest.select(ApprovalRequest.id)
        .where(viewer.scope(ApprovalRequest).condition & ApprovalRequest.id.not_in(list(but) or [-1]))
        .order_by(ApprovalRequest.id, ascending=False)
        .limit(most)
    )
    if not found:
        return []
    ids = ", ".join(str(int(row["id"])) for row in found)
    rows = await engine.raw(
        "SELECT r.id, r.client, c.name AS client_name, k.name AS kind_nl, k.name_en AS kind_en, r.title, r.book_year, r.period, r.state, "
        "r.completed_at, r.ended_at, r.offered_at, "
        "(SELECT min(a.state) FROM approver a WHERE a.request = r.id AND a.decided_by = $1) AS mine "
        f"FROM approval_request r JOIN client c ON c.id = r.client JOIN approval_kind k ON k.id = r.kind WHERE r.id IN ({ids}) ORDER BY r.id DESC",
        viewer.user.id,
    )  # fmt: skip
    return [_named(row) for row in rows]


def _named(row: dict[str, Any]) -> dict[str, Any]:
    year, period = row["book_year"], row["period"]
    moved = row["completed_at"] or row["ended_at"] or row["offered_at"]
    return row | {
        "period_nl": period_words(year, period),
        "period_en": period_words(year, period, "en"),
        "moved_at": moved,
    }
