"""Making a request: kind, period, parts and deadlines, as a draft of the office that no client sees yet."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from models import engine
from models.approvals.due import firm_extension, proposed_deadlines
from models.approvals.holding import by_staff, hold, in_proof, worded
from models.approvals.planning import read_steps
from models.approvals.records import ApprovalDocument, ApprovalKind, ApprovalRequest, Approver
from models.approvals.words import checked_period, english_of, is_of_book_year, kind_name, period_words, statement_of
from models.clients import Client
from models.core import Refused, Say, fold, operation, save
from models.deadlines import internal_deadline
from models.dossiers import folders
from models.live import touch
from models.scanning.enlisting import enlist
from models.settings import utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

MOST_NAME = 255  # characters of a file's name
MOST_PARTS = 50
MOST_CENTS = 10**14
LIVING = ("draft", "sign_off", "offered", "partly", "approved", "filed", "on_paper", "rejected", "expired")


class NewPart(NamedTuple):
    """A file in the storage that is put before somebody; see `looked_at` for its pages. `part` is main or attachment."""

    name: str
    sha256: str
    size: int
    mime: str
    part: str = "main"
    pages: int | None = None
    is_locked: bool = False


@dataclass(frozen=True)
class NewRequest:
    """What the office fills in. Deadlines that are None follow from the calendar and the kind; `steps`: instead of the plan;
    `dated_on`: when a dividend was paid or accounts were adopted, for the calendars that count from it.

    `replaces` is the id of the request whose place this takes; `beside` places it beside what is there of the same period.
    """

    kind: int
    book_year: int | None = None
    period: str = ""
    title: str = ""
    addressee: str | None = None
    amount: int | None = None
    message: str = ""
    internal_due: dt.date | None = None
    legal_due: dt.date | None = None
    dated_on: dt.date | None = None
    responsible: int | None = None
    viewers: tuple[int, ...] = ()
    steps: Sequence[dict[str, Any]] | None = None
    replaces: int | None = None
    beside: bool = False
    batch: str = ""
    source: str = "office"
    external_ref: str = ""


class Former(NamedTuple):
    """A request of the same client, kind and period that is there already; `approvals` were given on it."""

    id: int
    state: str
    title: str
    made_at: dt.datetime
    approvals: int

    @property
    def warning(self) -> Say:
        if self.approvals == 1:
            return Say("Er is al een accordering van deze soort en periode. Vervangt u die, dan vervalt het akkoord dat erop gegeven is, en wie het gaf krijgt bericht.")  # fmt: skip
        if self.approvals:
            return Say("Er is al een accordering van deze soort en periode. Vervangt u die, dan vervallen {n} gegeven akkoorden, en wie ze gaf krijgt bericht.", n=self.approvals)  # fmt: skip
        return Say("Er is al een accordering van deze soort en periode. U kunt die vervangen.")


class AlreadyThere(Refused):
    """There is one of the same kind and period: the office chooses to replace it, or to place this one beside it."""

    def __init__(self, formers: Sequence[Former]) -> None:
        super().__init__("replaces", formers[0].warning)
        self.formers = list(formers)


async def already_there(client: int, kind: int, book_year: int | None, period: str, but: int = 0) -> list[Former]:
    """The newest first."""
    rows = await engine.raw(
        "SELECT r.id, r.state, r.title, r.made_at, (SELECT count(*) FROM approver a WHERE a.request = r.id AND a.state = 'approved') AS approvals "
        "FROM approval_request r WHERE r.client = $1 AND r.kind = $2 AND coalesce(r.book_year, 0) = $3 AND r.period = $4 AND r.id <> $5 "
        "AND r.state NOT IN ('withdrawn', 'replaced') ORDER BY r.id DESC LIMIT 20",
        client, kind, book_year or 0, period, but,
    )  # fmt: skip
    return [Former(**row) for row in rows]


@operation(Permission.EDIT_APPROVALS, trail=False)
async def make(client: Client, values: NewRequest, parts: Sequence[NewPart], *, by: Viewer) -> ApprovalRequest:
    """A draft. Raises AlreadyThere where one of this kind and period is there and nothing was chosen about that."""
    if client.state != "active":
        raise Refused("", Say("“{name}” is gearchiveerd. Herstel de cliënt eerst.", name=client.name))
    kind = await kind_of(values.kind)
    columns = columns_of(client, kind, values, await firm_extension())
    _check_parts(parts)
    await _settle_former(client.id, values, columns["period"])
    request = ApprovalRequest(
        **columns, client=client.id, kind=kind.id, made_by=by.user.id, changed_by=by.user.id, made_at=utcnow(), batch=values.batch, source=values.source,
        external_ref=values.external_ref[:120], replaces=values.replaces, is_sample=bool(client.is_sample),
    )  # fmt: skip
    request.responsible = await responsible_for(client.id, values.responsible, by)
    await request.save()
    await _put_parts(request, numbered(parts))
    await _put_viewers(request, values.viewers)
    await by_staff(
        request, "made", by, kind=kind.name, period=period_words(request.book_year, request.period, year_end=request.year_end)
    )  # fmt: skip
    await touch("approvals", f"client-{client.id}")
    return request


@operation(Permission.EDIT_APPROVALS, trail=False)
async def change(request: ApprovalRequest, values: NewRequest, *, by: Viewer) -> None:
    """A draft becomes this; its parts stay."""
    await hold(request)
    _require_draft(request)
    client = await by.clients.get(request.client)
    kind, firm = await kind_of(values.kind), await firm_extension()
    values = await _typed(request, client, values, firm)
    columns = columns_of(client, kind, values, firm)
    same = _of_same(request, values)
    if values.replaces or not same:
        await _settle_former(client.id, values, columns["period"], request.id)
    columns["responsible"] = await responsible_for(client.id, values.responsible, by)
    await save(request, **columns, kind=kind.id, replaces=values.replaces, changed_by=by.user.id)
    await Approver.delete().where((Approver.request == request.id) & (Approver.step == 0))
    await _put_viewers(request, values.viewers)
    await in_proof(request, "changed", by)
    await by.note("ApprovalRequest.change", request, {"kind": kind.name})
    await touch("approvals", f"approval-{request.id}", f"client-{client.id}")


@operation(Permission.EDIT_APPROVALS, trail=False)
async def add_parts(request: ApprovalRequest, parts: Sequence[NewPart], *, by: Viewer) -> None:
    await hold(request)
    _require_draft(request)
    held = await ApprovalDocument.select(ApprovalDocument.name, ApprovalDocument.sha256).where(
        ApprovalDocument.request == request.id
    )
    there = len(held)
    if there + len(parts) > MOST_PARTS:
        raise Refused("files", Say("Ten hoogste {most} bestanden in één accordering.", most=MOST_PARTS))
    _check_files(parts)
    refuse_twins(parts, {row["sha256"]: row["name"] for row in held})
    parts = numbered(parts, [row["name"] for row in held])
    await _put_parts(request, parts, there)
    await save(request, changed_by=by.user.id)
    await in_proof(request, "changed", by, added=[part.name for part in parts])
    await by.note("ApprovalRequest.add_parts", request, {"count": len(parts)})
    await touch(f"approval-{request.id}")


@operation(Permission.EDIT_APPROVALS, trail=False)
async def remove_part(request: ApprovalRequest, document: int, *, by: Viewer) -> None:
    """Out of a draft."""
    await hold(request)
    _require_draft(request)
    part = await by.scope(ApprovalDocument).where(ApprovalDocument.request == request.id).get(document)
    await ApprovalDocument.delete().where(ApprovalDocument.id == part.id)
    await save(request, changed_by=by.user.id)
    await in_proof(request, "changed", by, removed=part.name)
    await by.note("ApprovalRequest.remove_part", request, {"name": part.name})
    await touch(f"approval-{request.id}")


async def looked_at(name: str, sha256: str, size: int, mime: str, part: str = "main") -> NewPart:
    """The part that a file in the storage makes, with its pages; one that asks for a password is taken apart. Outside any unit.

    Raises:
        Refused: what is to be approved is no PDF, or a damaged one.
    """
    from models.drawing import WHY, Undrawable, about

    if mime != "application/pdf":
        if part == "main":
            raise Refused("files", Say("“{name}” is geen PDF. Voeg het toe als bijlage.", name=name))
        return NewPart(name, sha256, size, mime, part)
    try:
        return NewPart(name, sha256, size, mime, part, (await about(sha256, size, name)).pages)
    except Undrawable as error:
        if error.why == WHY["password"]:
            return NewPart(name, sha256, size, mime, part, None, True)
        if part == "main":
            raise Refused("files", Say("“{name}” is beschadigd of te groot om te tonen, en kan zo niet ter accordering worden aangeboden.", name=name)) from error  # fmt: skip
        return NewPart(name, sha256, size, mime, part)


async def kind_of(id: int) -> ApprovalKind:
    kind = await ApprovalKind.objects().where((ApprovalKind.id == id) & ApprovalKind.is_active.eq(True)).first()
    if kind is None:
        raise Refused("kind", Say("Kies een soort."))
    return kind


async def freeze_words(request: ApprovalRequest) -> None:
    """What is agreed to, as the kind says it now: kept with the request from when it is offered."""
    kind = await ApprovalKind.objects().where(ApprovalKind.id == request.kind).first()
    name = (await engine.raw("SELECT name FROM client WHERE id = $1", request.client))[0]["name"]
    assert kind is not None
    await save(
        request,
        statement=statement_of(kind, request, name),
        statement_en=english_of(kind, request, name),
        least_level=kind.least_level,
    )


async def title_of(request: ApprovalRequest, language: str = "nl") -> str:
    """Aangifte omzetbelasting 1e kwartaal 2026: how lists and mails call it."""
    kind = await ApprovalKind.objects().where(ApprovalKind.id == request.kind).first()
    parts = [
        kind_name(kind, language),
        period_words(request.book_year, request.period, language, year_end=request.year_end),
    ]
    return " ".join(one for one in parts if one) + (f" ({request.title})" if request.title else "")


async def responsible_for(client: int, asked: int | None, by: Viewer) -> int:
    """Who was chosen, else who looks after the client, else who places it."""
    if asked:
        rows = await engine.raw("SELECT id FROM users WHERE id = $1 AND kind = 'staff' AND state <> 'blocked'", asked)
        if not rows:
            raise Refused("responsible", Say("Kies een medewerker."))
        return asked
    rows = await engine.raw(
        "SELECT p.person FROM responsible p JOIN users u ON u.id = p.person WHERE p.client = $1 AND u.state = 'active' ORDER BY p.id LIMIT 1",
        client,
    )
    return int(rows[0]["person"]) if rows else int(by.user.id)


def _of_same(request: ApprovalRequest, values: NewRequest) -> bool:
    """Whether it stays of the same kind and period."""
    was = (request.kind, request.book_year, request.period)
    return was == (values.kind, values.book_year, values.period.strip().lower())


async def _typed(request: ApprovalRequest, client: Client, values: NewRequest, firm: int) -> NewRequest:
    """Without what nobody typed: deadlines and addressee that only followed from the kind, period and day as they were follow from
    the new ones."""
    former = await ApprovalKind.objects().where(ApprovalKind.id == request.kind).first()
    if former is None or (_of_same(request, values) and values.dated_on == request.dated_on):
        return values
    found = proposed_deadlines(former, client, request.book_year, request.period, firm=firm, dated_on=request.dated_on)
    legal = values.legal_due if values.legal_due != found.legal else None
    followed = internal_deadline(request.legal_due, former.internal_days) if request.legal_due else None
    internal = values.internal_due if legal is not None or values.internal_due != followed else None
    addressee = None if values.kind != former.id and values.addressee == former.addressee else values.addressee
    return replace(values, legal_due=legal, internal_due=internal, addressee=addressee)


def check_decision(day: dt.date | None) -> None:
    """Of the day of a decision. Raises Refused."""
    if day is not None and not 1990 <= day.year <= 2100:
        raise Refused("dated_on", Say("Vul een dag in tussen 1990 en 2100."))


def columns_of(client: Client, kind: ApprovalKind, values: NewRequest, firm: int) -> dict[str, Any]:
    """As a request keeps them. Of the client counts when its book year ends and what it was granted; `firm`: the extension of who
    has none of his own. Raises Refused."""
    period = checked_period(values.book_year, values.period)
    if values.amount is not None and abs(values.amount) > MOST_CENTS:
        raise Refused("amount", Say("Dit bedrag is te groot."))
    check_decision(values.dated_on)
    ours = proposed_deadlines(kind, client, values.book_year, period, firm=firm, dated_on=values.dated_on)
    legal = values.legal_due or ours.legal
    internal = values.internal_due or (internal_deadline(legal, kind.internal_days) if legal else None)
    if legal and internal and internal > legal:
        raise Refused("internal_due", Say("De interne deadline ligt na de wettelijke."))
    addressee = kind.addressee if values.addressee is None else values.addressee
    return {
        "title": worded(" ".join(values.title.split()), "title", 200, needed=False),
        "book_year": values.book_year,
        "period": period,
        "year_end": client.year_end_month if not period and is_of_book_year(kind) else 12,
        "addressee": worded(" ".join(addressee.split()), "addressee", 120, needed=False),
        "amount": values.amount,
        "message": worded(values.message, "message", 4000, needed=False),
        "least_level": kind.least_level,
        "internal_due": internal,
        "legal_due": legal,
        "dated_on": values.dated_on,
        "steps": _own_steps(values),
    }


def _own_steps(values: NewRequest) -> str:
    return json.dumps(read_steps(values.steps)) if values.steps else "[]"


async def _settle_former(client: int, values: NewRequest, period: str, but: int = 0) -> None:
    formers = await already_there(client, values.kind, values.book_year, period, but)
    if values.replaces:
        if not await ApprovalRequest.exists().where(
            (ApprovalRequest.id == values.replaces)
            & (ApprovalRequest.client == client)
            & ApprovalRequest.state.not_in(["replaced", "withdrawn"])
        ):
            raise Refused("replaces", Say("Wat u wilt vervangen, is er niet (meer)."))
    elif formers and not values.beside:
        raise AlreadyThere(formers)


def _require_draft(request: ApprovalRequest) -> None:
    if request.state != "draft":
        raise Refused("", Say("Alleen een concept kan zo worden gewijzigd."))


def _check_parts(parts: Sequence[NewPart]) -> None:
    if not any(part.part == "main" for part in parts):
        raise Refused("files", Say("Kies ten minste één PDF om akkoord op te vragen."))
    if len(parts) > MOST_PARTS:
        raise Refused("files", Say("Ten hoogste {most} bestanden in één accordering.", most=MOST_PARTS))
    _check_files(parts)
    refuse_twins(parts)


def refuse_twins(parts: Sequence[NewPart], held: dict[str, str] | None = None) -> None:
    """The very same bytes twice in one request would be agreed to twice. `held`: SHA-256 > name of what is in it already."""
    names = dict(held or {})
    for part in parts:
        if part.sha256 in names:
            raise Refused("files", Say("“{name}” is precies hetzelfde bestand als “{other}”. Laat een van de twee weg.", name=part.name, other=names[part.sha256]))  # fmt: skip
        names[part.sha256] = part.name


def numbered(parts: Sequence[NewPart], taken: Sequence[str] = ()) -> list[NewPart]:
    """Of several with the same name each a name of its own: btw.pdf, btw (2).pdf."""
    names, found = {fold(name) for name in taken}, list[NewPart]()
    for part in parts:
        name = folders.numbered(part.name, names, MOST_NAME)
        names.add(fold(name))
        found.append(part._replace(name=name))
    return found


def _check_files(parts: Sequence[NewPart]) -> None:
    for part in parts:
        if part.part not in ("main", "attachment"):
            raise ValueError(part.part)
        if part.part == "main" and part.mime != "application/pdf":
            raise Refused("files", Say("“{name}” is geen PDF. Voeg het toe als bijlage.", name=part.name))


async def _put_parts(request: ApprovalRequest, parts: Sequence[NewPart], start: int = 0) -> None:
    await enlist([part.sha256 for part in parts])
    for place, part in enumerate(parts, start):
        await ApprovalDocument(
            **part._asdict(), blob=part.sha256, request=request.id, client=request.client, position=place
        ).save()


async def _put_viewers(request: ApprovalRequest, people: Sequence[int]) -> None:
    for person in dict.fromkeys(people):
        if not await engine.raw(
            "SELECT 1 AS one FROM access WHERE person = $1 AND client = $2", person, request.client
        ):
            raise Refused("viewers", Say("Kies meekijkers onder de gebruikers van deze cliënt."))
        await Approver(request=request.id, client=request.client, person=person, step=0, state="viewing").save()
