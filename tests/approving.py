"""What tests about approvals begin with: kinds, people with rights and roles, and requests in the state they need."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Sequence
from typing import Any

from models import engine
from models.accounts import User
from models.approvals import (
    ApprovalDocument,
    ApprovalKind,
    ApprovalPlan,
    ApprovalRequest,
    Choice,
    Decision,
    NewPart,
    NewRequest,
    Outcome,
    Proof,
    decide,
    decide_one,
    make,
    note_opened,
    offer,
)
from models.people import keys_of
from models.settings import utcnow
from models.storage import FolderStorage, storage
from models.viewer import Right, Viewer
from tests.cast import Cast, as_viewer

_numbers = itertools.count(1)
ALL = Right.VIEW_DOSSIER | Right.VIEW_APPROVALS | Right.APPROVE


def part(name: str = "btw.pdf", **more: Any) -> NewPart:
    """A PDF whose bytes, in the storage, are its name and a number."""
    content = f"{name}{next(_numbers)}".encode().ljust(1000)
    sha256 = hashlib.sha256(content).hexdigest()
    if not more.get("sha256") and isinstance(plain := storage().plain, FolderStorage):
        plain.path_of(sha256).parent.mkdir(parents=True, exist_ok=True)
        plain.path_of(sha256).write_bytes(content)
    return NewPart(**{"name": name, "sha256": sha256, "size": 1000, "mime": "application/pdf", "pages": 2} | more)


async def kind(name: str = "Aangifte omzetbelasting") -> ApprovalKind:
    found = await ApprovalKind.objects().where(ApprovalKind.name == name).first()
    assert found is not None
    return found


async def person(client: int, name: str, rights: int = ALL, **more: Any) -> Viewer:
    """A client's person with these rights, active unless it says otherwise."""
    email = f"{name.lower()}{next(_numbers)}@klant.example"
    given = {
        "kind": "client",
        "state": "active",
        "email": email,
        "email_key": email,
        "first_name": name,
        "surname": "Test",
    } | more
    user = User(**given, created_at=utcnow(), **keys_of(first_name=name, surname="Test", email=email))  # type: ignore[arg-type]
    await user.save()
    await engine.raw(
        "INSERT INTO access (person, client, rights, own, role, created_at) VALUES ($1, $2, $3, $3, '', $4)",
        user.id, client, int(rights), utcnow(),
    )  # fmt: skip
    return await as_viewer(email) if user.state == "active" else Viewer(user)


async def plan(client: int | None, *steps: dict[str, Any], kind: int | None = None) -> None:
    await ApprovalPlan(client=client, kind=kind, steps=json.dumps(steps), changed_at=utcnow()).save()


def step(*who: Viewer | str, mode: str = "all", n: int = 1) -> dict[str, Any]:
    return {
        "mode": mode,
        "n": n,
        "who": [{"role": one} if isinstance(one, str) else {"person": one.user.id} for one in who],
    }


async def draft(
    cast: Cast, client: int | None = None, *parts: NewPart, by: Viewer | None = None, **values: Any
) -> ApprovalRequest:
    by = by or cast.anna
    given = {
        "kind": (await kind()).id,
        "book_year": 2026,
        "period": f"m{next(_numbers) % 12 + 1:02}",
        "beside": True,
    } | values
    here = await by.clients.get(client or cast.bakkerij)
    return await make(here, NewRequest(**given), parts or (part(),), by=by)


async def offered(cast: Cast, client: int | None = None, *parts: NewPart, **values: Any) -> ApprovalRequest:
    request = await draft(cast, client, *parts, **values)
    await offer(request, by=cast.anna)
    return request


async def main_parts(request: ApprovalRequest) -> list[ApprovalDocument]:
    return (
        await ApprovalDocument.objects()
        .where((ApprovalDocument.request == request.id) & (ApprovalDocument.part == "main"))
        .order_by(ApprovalDocument.id)
    )


async def look(viewer: Viewer, request: ApprovalRequest) -> None:
    """Opens every main part."""
    for one in await main_parts(request):
        await engine.run_writing(lambda one=one: note_opened(one.id, one.sha256, by=viewer))  # type: ignore[misc]


def proof(level: str = "pin") -> Proof:
    return Proof(level, level, utcnow())


async def decision(
    request: ApprovalRequest, *, refuse: Sequence[int] = (), reason: str = "Klopt niet", **more: Any
) -> Decision:
    """As the page as it is now would send it."""
    fresh = await now(request)
    choices = tuple(
        Choice(one.id, one.sha256, "rejected", reason) if one.id in refuse else Choice(one.id, one.sha256)
        for one in await main_parts(request)
    )
    return Decision(request.id, fresh.version, choices, **more)


async def place_of(viewer: Viewer, request: ApprovalRequest, whose: int | None = None) -> int:
    """Where he is asked now, or he for whom he does it; 0 where nobody is."""
    rows = await engine.raw(
        "SELECT id FROM approver WHERE request = $1 AND person = $2 AND state = 'asked'",
        request.id, whose or viewer.user.id,
    )  # fmt: skip
    return int(rows[0]["id"]) if rows else 0


async def says_yes(viewer: Viewer, request: ApprovalRequest, level: str = "pin", **more: Any) -> Outcome:
    await look(viewer, request)
    more.setdefault("place", await place_of(viewer, request, more.get("on_behalf_of")))
    return await decide_one(viewer.scope(ApprovalRequest), await decision(request, **more), proof(level), by=viewer)


async def says_no(viewer: Viewer, request: ApprovalRequest, reason: str = "Klopt niet", **more: Any) -> Outcome:
    await look(viewer, request)
    every = [one.id for one in await main_parts(request)]
    asked = await decision(request, refuse=every, reason=reason, **more)
    return await decide_one(viewer.scope(ApprovalRequest), asked, proof(), by=viewer)


async def says_yes_to_all(viewer: Viewer, *requests: ApprovalRequest) -> list[Outcome]:
    for request in requests:
        await look(viewer, request)
    asked = [await decision(request) for request in requests]
    return await decide(viewer.scope(ApprovalRequest), asked, proof(), by=viewer)


async def now(request: ApprovalRequest) -> ApprovalRequest:
    found = await ApprovalRequest.objects().where(ApprovalRequest.id == request.id).first()
    assert found is not None
    return found


async def states(request: ApprovalRequest) -> dict[str, str]:
    """first name > state of who stands in the plan."""
    rows = await engine.raw(
        "SELECT u.first_name, a.state FROM approver a JOIN users u ON u.id = a.person WHERE a.request = $1 ORDER BY a.step, a.id",
        request.id,
    )
    return {row["first_name"]: row["state"] for row in rows}


async def acts(request: ApprovalRequest) -> list[str]:
    rows = await engine.raw("SELECT act FROM approval_record WHERE request = $1 ORDER BY number", request.id)
    return [row["act"] for row in rows]
