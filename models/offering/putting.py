"""Files into requests: some clients at a time, all or nothing, and never twice. What is there now counts, not what the plan saw."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts.blocking import listed
from models.approvals.events import happened_to_each
from models.approvals.offering import offer
from models.approvals.planning import as_frozen
from models.approvals.record import ASKED, Line, note_each
from models.approvals.records import ApprovalKind, ApprovalRequest
from models.approvals.standing import APPROVER, role_words
from models.approvals.words import english_of, period_words, statement_of
from models.core import Refused, Say
from models.dossiers.rolling import new_ids as fresh_ids
from models.engine import all_or_nothing
from models.live import touch
from models.offering.plan import Bundle, Piece, laid_out, offering_of, rows_of
from models.offering.records import DEVIATIONS, Offering
from models.placing.plan import set_unseen_apart
from models.placing.records import Placing
from models.scanning.enlisting import enlist
from models.settings import utcnow

if TYPE_CHECKING:
    from models.viewer import Viewer

_REQUEST = (
    "id", "client", "kind", "title", "book_year", "period", "addressee", "amount", "message", "least_level", "state", "internal_due",
    "legal_due", "dated_on", "steps", "responsible", "made_by", "made_at", "replaces", "batch", "source", "is_sample",
)  # fmt: skip
_DOCUMENT = (
    "id",
    "request",
    "client",
    "part",
    "position",
    "name",
    "sha256",
    "blob",
    "size",
    "mime",
    "pages",
    "is_locked",
)
_APPROVER = ("request", "client", "person", "step", "state", "role", "asked_at")


@dataclass
class _Made:
    """A bundle and the request it became."""

    bundle: Bundle
    id: int
    columns: dict[str, Any]
    hashes: dict[str, str]
    files: dict[str, list[str]]


@dataclass(frozen=True)
class _Run:
    """What one unit goes by."""

    placing: Placing
    offering: Offering
    kind: ApprovalKind
    by: Viewer
    now: dt.datetime

    def line(self, made: _Made, act: str, **more: Any) -> Line:
        user = self.by.user
        return Line(
            made.id, made.bundle.client, act, **({"person": user.id, "name": user.full_name, "role": "kantoor"} | more)
        )


async def put(placing: Placing, by: Viewer, clients: int) -> int:
    """The files of the next clients; how many were dealt with, 0 when none is left."""
    state = await engine.raw("SELECT state FROM placement WHERE id = $1", placing.id)
    if not state or state[0]["state"] != "placing":
        return 0
    await set_unseen_apart(placing, by)
    rows = await rows_of(placing.id, clients)
    offering = await offering_of(placing)
    kind = await ApprovalKind.objects().where(ApprovalKind.id == offering.kind).first()
    if not rows or kind is None:
        return 0
    run = _Run(placing, offering, kind, by, utcnow())
    pieces, bundles = await laid_out(offering, rows)
    going = [(bundle, bundle.columns) for bundle in bundles if bundle.goes]
    made = await _make(run, going, await _responsible(run, going))
    singly = [one for one in made if one.bundle.replaces and one.bundle.ends != "draft"]
    await _offer([one for one in made if one.bundle.ends == "offered" and one not in singly], run)
    refused = {id(one.bundle): why for one in singly if (why := await _offer_singly(one, by))}
    became = {id(piece): (one.id, refused.get(id(one.bundle))) for one in made for piece in one.bundle.pieces}
    await engine.raw_many(
        "UPDATE placement_file SET state = $1, reason = $2, request = $3, deviation = $4, odd = $5 WHERE id = $6",
        [_row(piece, became.get(id(piece))) for piece in pieces],
    )
    unsaid = {one.bundle.client for one in made if one.bundle.ends != "offered"}
    await touch(f"placing-{placing.id}", "approvals", *(f"client-{client}" for client in sorted(unsaid)))
    return len(rows)


async def _responsible(run: _Run, going: Sequence[tuple[Bundle, Any]]) -> dict[int, int]:
    rows = await engine.raw(
        f"SELECT p.client, p.person FROM responsible p JOIN users u ON u.id = p.person WHERE p.client IN {listed(1)} AND u.state = 'active' ORDER BY p.id DESC",
        json.dumps(sorted({bundle.client for bundle, _ in going})),
    )
    return {row["client"]: row["person"] for row in rows}  # the first of each is the last that is written


async def _make(run: _Run, going: Sequence[tuple[Bundle, dict[str, Any]]], responsible: dict[int, int]) -> list[_Made]:
    """Requests with their parts: drafts, or waiting to be signed off."""
    ids = await fresh_ids("approval_request", len(going))
    parts = await fresh_ids("approval_document", sum(len(bundle.pieces) for bundle, _ in going))
    made, requests, documents = [], [], []
    for bundle, columns in going:
        one = _Made(bundle, next(ids), columns, {}, {})
        made.append(one)
        waits = bundle.ends == "sign_off" and not bundle.replaces
        former = bundle.replaces["id"] if bundle.replaces else None
        whole = columns | {
            "id": one.id, "client": bundle.client, "kind": run.kind.id, "state": "sign_off" if waits else "draft",
            "responsible": responsible.get(bundle.client, run.by.user.id), "made_by": run.by.user.id, "made_at": run.now, "replaces": former,
            "batch": f"placing-{run.placing.id}", "source": "bulk", "is_sample": bool(bundle.first.row["is_sample"]),
        }  # fmt: skip
        requests.append(tuple(whole[name] for name in _REQUEST))
        documents += list(_documents(one, parts))
    await engine.copy_rows("approval_request", _REQUEST, requests)
    await enlist([piece.row["sha256"] for one in made for piece in one.bundle.pieces])
    await engine.copy_rows("approval_document", _DOCUMENT, documents)
    await _note_made(made, run)
    return made


def _documents(made: _Made, ids: Iterator[int]) -> Iterator[tuple[Any, ...]]:
    for place, piece in enumerate(made.bundle.pieces):
        row, part = piece.row, next(ids)
        made.hashes[str(part)], made.files[str(part)] = row["sha256"], [row["name"], piece.part]
        yield (
            part, made.id, made.bundle.client, piece.part, place, row["name"], row["sha256"], row["sha256"], row["size"], row["mime"], row["pages"],
            row["look"] == "locked",
        )  # fmt: skip


async def _note_made(made: Sequence[_Made], run: _Run) -> None:
    lines, trail = [], []
    for one in made:
        detail = {"kind": run.kind.name, "period": period_words(one.bundle.book_year, one.bundle.period)}
        lines.append(run.line(one, "made", detail=detail | {"placing": run.placing.id}))
        trail.append(_trail(one, "made", run, detail | {"state": "draft"}))
        if one.bundle.ends == "sign_off" and not one.bundle.replaces:
            lines.append(run.line(one, "sign_off_asked"))
            trail.append(_trail(one, "sign_off_asked", run, {"state": "sign_off"}))
    await note_each(lines)
    await _write_trail(trail)


def _trail(made: _Made, act: str, run: _Run, detail: dict[str, Any]) -> tuple[Any, ...]:
    return (
        run.now, run.by.user.id, f"ApprovalRequest.{act}", "ApprovalRequest", made.id, made.bundle.client,
        json.dumps(detail, ensure_ascii=False),
    )  # fmt: skip


async def _write_trail(lines: Sequence[tuple[Any, ...]]) -> None:
    await engine.copy_rows(
        "trail", ("at", "person", "operation", "record_table", "record_id", "client", "detail"), lines
    )


async def _offer(made: Sequence[_Made], run: _Run) -> None:
    """As `offer` does for one: the words are fixed, who are first are asked, all of it stands in the proof."""
    if not made:
        return
    states, places, lines, trail = [], [], [], []
    for one in made:
        assert one.bundle.view is not None
        steps = one.bundle.view.steps
        frozen, said = as_frozen(steps), _Words(one.columns)
        name = one.bundle.first.row["client_name"]
        dutch, english = statement_of(run.kind, said, name), english_of(run.kind, said, name)
        states.append((dutch, english, run.now, frozen, one.id))
        for number, step in enumerate(steps, 1):
            asked = ("asked", run.now) if number == 1 else ("waiting", None)
            places += [
                (one.id, one.bundle.client, place.person, number, asked[0], place.role, asked[1])
                for place in step.places
            ]
        detail = {
            "statement_en": english,
            "version": 1,
            "sha256": one.hashes,
            "steps": json.loads(frozen),
            "files": one.files,
        }
        detail["of"] = {name: run.kind.id if name == "kind" else one.columns[name] for name in ASKED}
        lines.append(run.line(one, "offered", statement=dutch, language="nl", detail=detail))
        lines += [
            run.line(
                one,
                "asked",
                person=place.person,
                name=place.name,
                role=role_words([place.role] if place.role else place.held) or APPROVER,
                detail={"step": 1},
            )
            for place in steps[0].places
        ]
        trail.append(_trail(one, "offer", run, {"version": 1}))
    await engine.raw_many(
        "UPDATE approval_request SET statement = $1, statement_en = $2, state = 'offered', offered_at = $3, steps = $4, step = 1 WHERE id = $5",
        states,
    )
    await engine.copy_rows("approver", _APPROVER, places)
    await note_each(lines)
    await _write_trail(trail)
    requests = (
        await ApprovalRequest.objects()
        .where(ApprovalRequest.id.is_in([one.id for one in made]))
        .order_by(ApprovalRequest.id)
    )
    await happened_to_each(requests, "offered")


class _Words:
    """What the sentence that is agreed to needs of a request."""

    def __init__(self, columns: dict[str, Any]) -> None:
        self.__dict__.update(columns)


async def _offer_singly(made: _Made, by: Viewer) -> Say | None:
    """What takes the place of another is offered by itself: that other is replaced with it. Why it stayed a draft, or None."""
    request = await ApprovalRequest.objects().where(ApprovalRequest.id == made.id).first()
    assert request is not None
    try:
        async with all_or_nothing():
            await offer(request, by=by)
    except Refused as refused:
        return refused.why
    return None


def _row(piece: Piece, became: tuple[int, Say | None] | None) -> tuple[Any, ...]:
    kept = (piece.deviation, piece.kept(), piece.row["id"])
    if became:
        return ("placed", _said(became[1]) if became[1] else "", became[0], *kept)
    if wrong := piece.odd.get("wrong"):
        return ("left", json.dumps(wrong, ensure_ascii=False), None, *kept)
    return ("skipped" if piece.do == "skip" else "left", _said(DEVIATIONS[piece.why or "wrong"]), None, *kept)


def _said(why: Say) -> str:
    return json.dumps(why.as_json(), ensure_ascii=False)
