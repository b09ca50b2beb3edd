"""What a client's person reads of approvals beside what waits for him: what he may look at, and all of one for its page."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

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


class Void(NamedTuple):
    """An approval of his that no longer counts: when it was given, since when it is void, and what was replaced then ('' for the
    request as a whole)."""

    given_at: dt.datetime
    at: dt.datetime
    file: str


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
    spoilt: set[str]  # those of which the storage has other bytes, or none
    void: Void | None = None
    newer: int = 0  # the request that took its place, where he may see that
    agreed: frozenset[int] = frozenset()  # the parts that who refused others did approve

    @property
    def is_infected(self) -> bool:
        return any(one.state == INFECTED for one in self.shut.values())

    @property
    def is_closed(self) -> bool:
        """Whether nobody can approve it now: a file holds a virus, or is damaged."""
        return self.is_infected or bool(self.spoilt)

    def name(self, language: str = "nl") -> str:
        kind = self.kind_en if language == "en" and self.kind_en else self.kind_nl
        period = period_words(self.request.book_year, self.request.period, language, year_end=self.request.year_end)
        return " ".join(one for one in (kind, period) if one)

    def said(self, language: str = "nl") -> str:
        return str(
            self.request.statement_en if language == "en" and self.request.statement_en else self.request.statement
        )


async def page_of(viewer: Viewer, request: ApprovalRequest) -> Page:
    """Of a request that was found through the viewer, with what was asked and answered."""
    (page,) = await pages_of(viewer, [request], [one for one in await open_for(viewer) if one.id == request.id])
    newer = await _newer(viewer, request) if request.state == "replaced" else 0
    return replace(page, remarks=await remarks_on(request), newer=newer)


async def _newer(viewer: Viewer, request: ApprovalRequest) -> int:
    """What took its place, as far as he may see that; 0 for none."""
    found = await (
        ApprovalRequest.select(ApprovalRequest.id)
        .where(viewer.scope(ApprovalRequest).condition & (ApprovalRequest.replaces == request.id))
        .order_by(ApprovalRequest.id, ascending=False)
        .first()
    )
    return int(found["id"]) if found else 0


async def pages_of(viewer: Viewer, requests: Sequence[ApprovalRequest], asked: Sequence[Asked]) -> list[Page]:
    """Of requests that were found through the viewer, in their order, each with what is asked of him of it (of `asked`); the same
    few queries however many."""
    ids = json.dumps([request.id for request in requests])
    names = {row["id"]: row for row in await engine.raw(_NAMES_SQL.format(ids=listed(1)), ids, viewer.user.id)}
    every, shut, spoilt = await parts_of([request.id for request in requests])
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
                {part.sha256 for part in own if part.sha256 in spoilt},
                _void(row),
                agreed=frozenset(
                    row["document"] for row in choices if row["request"] == request.id and row["outcome"] == "approved"
                ),
            )
        )
    return found


# His last approval, and when it was made void; what he did for another, with that other's.
_NAMES_SQL = """SELECT n.*, (SELECT max(o.at) FROM approval_record o WHERE o.request = n.id AND o.act = 'voided' AND o.number > n.gave
 AND (o.person = $2 OR o.person IN (SELECT g.on_behalf_of FROM approval_record g WHERE g.request = n.id AND g.act = 'approved' AND g.person = $2))) AS void_at,
 (SELECT g.at FROM approval_record g WHERE g.request = n.id AND g.number = n.gave) AS given_at,
 (SELECT o.detail FROM approval_record o WHERE o.request = n.id AND o.act = 'part_replaced' AND o.number > n.gave ORDER BY o.number LIMIT 1) AS swapped
FROM (SELECT r.id, k.name AS kind_nl, k.name_en AS kind_en, c.name AS client_name, (SELECT max(g.number) FROM approval_record g
 WHERE g.request = r.id AND g.act = 'approved' AND (g.person = $2 OR g.on_behalf_of = $2)) AS gave FROM approval_request r
JOIN approval_kind k ON k.id = r.kind JOIN client c ON c.id = r.client WHERE r.id IN {ids}) n"""


def _void(row: dict[str, Any]) -> Void | None:
    if row["void_at"] is None:
        return None
    swapped = json.loads(row["swapped"] or "{}")
    file = str(swapped.get("was_name") or swapped.get("file") or "")
    return Void(engine.as_moment(row["given_at"]), engine.as_moment(row["void_at"]), file)


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
        "SELECT r.id, r.client, c.name AS client_name, k.name AS kind_nl, k.name_en AS kind_en, r.title, r.book_year, r.period, r.year_end, r.state, "
        "r.completed_at, r.ended_at, r.offered_at, "
        "(SELECT min(a.state) FROM approver a WHERE a.request = r.id AND a.decided_by = $1) AS mine "
        f"FROM approval_request r JOIN client c ON c.id = r.client JOIN approval_kind k ON k.id = r.kind WHERE r.id IN ({ids}) ORDER BY r.id DESC",
        viewer.user.id,
    )  # fmt: skip
    return [_named(row) for row in rows]


def _named(row: dict[str, Any]) -> dict[str, Any]:
    year, period, ends = row["book_year"], row["period"], row["year_end"]
    moved = row["completed_at"] or row["ended_at"] or row["offered_at"]
    return row | {
        "period_nl": period_words(year, period, year_end=ends),
        "period_en": period_words(year, period, "en", year_end=ends),
        "moved_at": moved,
    }
