"""Requests for approval of the sample office, in every state that one meets: made and carried along by the operations themselves,
so that their proof holds; nobody is mailed of it and the trail stays empty."""

from __future__ import annotations

import datetime as dt
from typing import Any

from models.accounts import User
from models.approvals import (
    ApprovalDocument,
    ApprovalKind,
    ApprovalRequest,
    Choice,
    Decision,
    NewPart,
    NewRequest,
    Proof,
    ask,
    decide_one,
    make,
    note_opened,
    offer,
    proposed_deadlines,
    withdraw,
)
from models.approvals.due import firm_extension
from models.approvals.events import unheard
from models.approvals.records import ApproverRole
from models.clients import Client, granted
from models.sample.enterprises import Enterprise
from models.sample.papers import PAPERS
from models.settings import this_day, utcnow
from models.storage import Stored
from models.viewer import Viewer

MOST = 24  # clients that have any
_VAT, _ACCOUNTS, _FINAL, _CORPORATE, _LETTER, _PAYROLL = (
    ("Aangifte omzetbelasting", 2026, "k3", PAPERS[2][0]),
    ("Jaarrekening (concept)", 2025, "", PAPERS[0][0]),
    ("Jaarrekening (definitief)", 2025, "", PAPERS[0][0]),
    ("Aangifte vennootschapsbelasting", 2025, "", PAPERS[1][0]),
    ("Opdrachtbevestiging", None, "", PAPERS[4][0]),
    ("Salarisrun", 2026, "m10", PAPERS[3][0]),
)
_Asked = tuple[str, int | None, str, str]
_OF_CAST: dict[str, tuple[tuple[_Asked, str], ...]] = {
    "1001": ((_VAT, "offered"), (_ACCOUNTS, "approved"), (_CORPORATE, "rejected"), (_PAYROLL, "asked")),
    "1002": ((_CORPORATE, "offered"), (_FINAL, "sign_off"), (_LETTER, "approved")),
    "1003": ((_VAT, "offered"), (_LETTER, "withdrawn")),
}
_OF_OTHERS: tuple[tuple[_Asked, str], ...] = (
    (_ACCOUNTS, "offered"), (_VAT, "approved"), (_CORPORATE, "draft"), (_PAYROLL, "offered"),
    (_VAT, "rejected"), (_CORPORATE, "offered"), (_VAT, "withdrawn"), (_VAT, "approved"),
)  # fmt: skip


class _Quiet(Viewer):
    """Somebody of the sample, whose acts leave no line on the trail: it would outlive him."""

    async def note(self, operation: str, record: Any, detail: dict[str, Any] | None = None) -> None:
        return None


async def make_all(
    made: list[Enterprise], ids: dict[str, int], people: dict[str, int], papers: dict[str, Stored], ed: int
) -> None:
    """In the unit that makes the sample office."""
    office = _Quiet(await _person(ed))
    office.user.role, office.user.all_clients, office.user.permissions = (
        "administrator",
        True,
        "",
    )  # as long as this lasts
    kinds = {row["name"]: row["id"] for row in await ApprovalKind.select(ApprovalKind.id, ApprovalKind.name)}
    with unheard():
        for turn, one in enumerate([one for one in made if one.people][:MOST]):
            asked = _OF_CAST.get(one.number, (_OF_OTHERS[turn % len(_OF_OTHERS)],))
            director = people[one.people[0].email]
            await ApproverRole(client=ids[one.number], person=director, role="director", made_at=utcnow()).save()
            client = await Client.objects().where(Client.id == ids[one.number]).first()
            assert client is not None
            for number, (what, state) in enumerate(asked):
                if what[0] in kinds:
                    await _one(client, kinds[what[0]], what, state, papers[what[3]], turn + number, director, office)


async def _one(
    client: Client, kind: int, what: _Asked, state: str, paper: Stored, turn: int, director: int, office: Viewer
) -> None:
    due = this_day() + dt.timedelta(days=(turn * 3) % 21 - 2)
    values = NewRequest(
        kind=kind, book_year=what[1], period=what[2], amount=123_400 + 1_700 * turn if what is _VAT else None, beside=True,
        **(await _due(client, kind, what, due)),
    )  # fmt: skip
    request = await make(
        client, values, [NewPart(what[3], paper.sha256, paper.size, "application/pdf", "main", 1)], by=office
    )
    if state == "draft" or await offer(request, by=office) != "offered":
        return
    viewer = _Quiet(await _person(director), await granted(director))
    if state in ("approved", "rejected"):
        await _decide(request, viewer, state)
    elif state == "withdrawn":
        await withdraw(request, "Er volgt een nieuwe versie.", by=office)
    elif state == "asked":
        await ask(request, "Zit de bonus van september hier al in?", by=viewer)


async def _due(client: Client, kind: int, what: _Asked, due: dt.date) -> dict[str, Any]:
    """By the calendar, as in a real office; where that says nothing, around the day on which the sample is made."""
    of_kind = await ApprovalKind.objects().where(ApprovalKind.id == kind).first()
    assert of_kind is not None
    legal = proposed_deadlines(of_kind, client, what[1], what[2], firm=await firm_extension()).legal
    if legal is None:
        return {"internal_due": due, "legal_due": due + dt.timedelta(days=7)}
    return {"internal_due": due} if due <= legal else {}


async def _decide(request: ApprovalRequest, viewer: Viewer, outcome: str) -> None:
    (part,) = await ApprovalDocument.objects().where(ApprovalDocument.request == request.id)
    await note_opened(part.id, part.sha256, by=viewer)
    await note_opened(part.id, part.sha256, page=1, by=viewer)
    reason = "De afschrijving op de oven klopt niet." if outcome == "rejected" else ""
    choices = (Choice(part.id, part.sha256, outcome, reason),)
    decision = Decision(request.id, request.version, choices)
    await decide_one(viewer.scope(ApprovalRequest), decision, Proof("pin", "pin", utcnow()), by=viewer)


async def _person(id: int) -> User:
    found = await User.objects().where(User.id == id).first()
    assert found is not None
    return found
