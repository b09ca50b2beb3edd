"""What files that were placed for approval would become, and what is not as usual with each. All clients at once: as many
statements for two thousand files as for two."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts.blocking import listed
from models.approvals.due import firm_extension, is_pressing
from models.approvals.making import MOST_PARTS, NewRequest, columns_of
from models.approvals.plan_views import PlanView
from models.approvals.planning import who_would_sign_each
from models.approvals.records import ApprovalKind
from models.clients import Client
from models.core import Refused, save
from models.offering.naming import Said, said_by
from models.offering.records import ALWAYS_LEFT, CHOICES, DEVIATIONS, Offering, for_file
from models.placing.plan import set_unseen_apart, texts
from models.placing.records import Placing
from models.settings import this_day

if TYPE_CHECKING:
    from models.viewer import Viewer

PDF = "application/pdf"
MOST_WARNINGS = 3  # of one client, on the page
MOST_NAMED = 200  # people who get a mail, on the page


@dataclass
class Piece:
    """A file: `do` is place, skip or leave; `odd` what deviates, with what there is to say of it."""

    row: dict[str, Any]
    chosen: dict[str, Any]
    book_year: int | None
    period: str
    part: str = "main"
    do: str = "place"
    odd: dict[str, Any] = field(default_factory=dict)
    ends: str = ""  # of the request that it becomes
    year_end: int = 12

    def note(self, code: str, detail: Any = True) -> None:
        self.odd[code] = detail
        way = self.chosen.get(code) if code in CHOICES else "leave" if code in ALWAYS_LEFT else ""
        if way == "leave" or (way == "skip" and self.do == "place"):
            self.do = way

    @property
    def deviation(self) -> str:
        return next((code for code in DEVIATIONS if code in self.odd), "")

    @property
    def why(self) -> str:
        """The deviation that holds it up."""
        held = [
            code
            for code in DEVIATIONS
            if code in self.odd
            and (code in ALWAYS_LEFT or self.chosen.get(code) in ("leave", "skip") or self._is_unread(code))
        ]
        return held[0] if held else self.deviation

    def _is_unread(self, code: str) -> bool:
        """Whether the name was to be followed, and cannot be."""
        return code == "named" and self.chosen["named"] == "name" and not self.odd["named"]

    def kept(self) -> str:
        told = {
            "do": self.do,
            "part": self.part,
            "book_year": self.book_year,
            "period": self.period,
            "year_end": self.year_end,
            "ends": self.ends,
            "with": self.odd,
        }
        return json.dumps(told, ensure_ascii=False, sort_keys=True)


@dataclass
class Bundle:
    """Files of one client that become one request. `ends`: the state it gets, draft, sign_off or offered."""

    client: int
    book_year: int | None
    period: str
    pieces: list[Piece] = field(default_factory=list)
    formers: list[dict[str, Any]] = field(default_factory=list)
    view: PlanView | None = None
    ends: str = "draft"
    columns: dict[str, Any] = field(default_factory=dict)  # as its request keeps them

    @property
    def first(self) -> Piece:
        return self.pieces[0]

    @property
    def goes(self) -> bool:
        return all(piece.do == "place" for piece in self.pieces)

    @property
    def replaces(self) -> dict[str, Any] | None:
        return self.formers[0] if self.formers and self.first.chosen["same"] == "replace" else None

    @property
    def waits_for_former(self) -> bool:
        """Whether it is held up by nothing but what was chosen for all with what is there already."""
        first = self.first
        if not self.formers or first.chosen["same"] != "leave" or "same" in json.loads(first.row["own"]):
            return False
        return not any(
            code in ALWAYS_LEFT or piece.chosen.get(code) in ("leave", "skip")
            for piece in self.pieces
            for code in piece.odd
            if code != "same"
        )

    def note(self, code: str, detail: Any = True) -> None:
        for piece in self.pieces:
            piece.note(code, detail)


_ROWS_SQL = """SELECT p.id, p.path, p.name, p.sha256, p.size, p.mime, p.client, p.own, p.deviation, p.odd, p.look, p.pages, c.name AS client_name,
 c.state AS client_state, c.year_end_month, c.extension_months, c.is_sample
FROM placement_file p JOIN client c ON c.id = p.client WHERE p.placement = $1 AND p.state = 'matched' AND p.look <> '' {more} ORDER BY p.client, p.id"""


async def plan_offering(placing: Placing, by: Viewer, *, is_reading: bool = False) -> None:
    """Look at all that has a client, as things are now; what was left waits again. While files come the worker does it at the end."""
    if is_reading:
        return
    await engine.raw(
        "UPDATE placement_file SET state = 'matched', reason = '' WHERE placement = $1 AND state IN ('left', 'skipped') AND client IS NOT NULL",
        placing.id,
    )
    await set_unseen_apart(placing, by)
    offering = await offering_of(placing)
    pieces, bundles = await laid_out(offering, await rows_of(placing.id))
    changed = []
    for piece in pieces:
        kept = piece.kept()
        if (kept, piece.deviation) != (piece.row["odd"], piece.row["deviation"]):
            changed.append((kept, piece.deviation, piece.row["id"]))
    await engine.raw_many("UPDATE placement_file SET odd = $1, deviation = $2 WHERE id = $3", changed)
    await save(offering, summary=json.dumps(await summary_of(pieces, bundles), ensure_ascii=False))


async def offering_of(placing: Placing) -> Offering:
    found = await Offering.objects().where(Offering.placement == placing.id).first()
    assert found is not None
    return found


async def rows_of(placing: int, clients: int | None = None) -> list[dict[str, Any]]:
    """What waits, client by client; of so many clients, all that each has."""
    more = ""
    if clients:
        more = (
            "AND p.client IN (SELECT DISTINCT client FROM placement_file WHERE placement = $1 AND state = 'matched' AND look <> '' "
            f"ORDER BY client LIMIT {int(clients)})"
        )
    return await engine.raw(_ROWS_SQL.format(more=more), placing)


async def laid_out(offering: Offering, rows: Sequence[dict[str, Any]]) -> tuple[list[Piece], list[Bundle]]:
    """Every file, and the requests that those become which are not held up by themselves."""
    pieces = [_piece(row, offering.chosen) for row in rows]
    await _find_twins(pieces)
    bundles = _bundled([piece for piece in pieces if piece.do == "place"], together=offering.together)
    if offering.kind is None:
        return pieces, []
    kind = await ApprovalKind.objects().where(ApprovalKind.id == offering.kind).first()
    assert kind is not None
    await _find_formers(bundles, kind.id)
    await _find_signers(bundles, kind)
    firm = await firm_extension()
    for bundle in bundles:
        _fill(bundle, offering, kind, firm)
        bundle.ends = _end(bundle, offering.ends, kind)
        for piece in bundle.pieces:
            piece.ends, piece.year_end = bundle.ends, bundle.columns.get("year_end", 12)
    return pieces, bundles


def _piece(row: dict[str, Any], whole: dict[str, Any]) -> Piece:
    chosen = for_file(whole, row["own"])
    piece = Piece(row, chosen, chosen["book_year"], chosen["period"])
    if row["mime"] != PDF:
        piece.part = "attachment"
        piece.note("not_pdf")
    elif chosen["part"] == "attachment":
        piece.part = "attachment"
    elif row["look"] == "bad":
        piece.note("bad")
    if row["look"] == "locked":
        piece.note("locked")
    if row["client_state"] != "active":
        piece.note("archived")
    said = Said() if "period" in json.loads(row["own"]) else said_by(row["name"])
    if said.differs(piece.book_year, piece.period):
        proposed = said.over(piece.book_year, piece.period)
        piece.note("named", list(proposed or ()))
        if chosen["named"] == "name" and proposed:
            piece.book_year, piece.period = proposed
        elif chosen["named"] == "name":
            piece.do = "leave"
    return piece


async def _find_twins(pieces: Sequence[Piece]) -> None:
    """The same bytes twice at one client: among these, or in a request that is there."""
    if not pieces:
        return
    found = await engine.raw(
        "SELECT DISTINCT d.client, d.sha256 FROM approval_document d JOIN approval_request r ON r.id = d.request "
        f"WHERE d.client IN {listed(1)} AND d.sha256 IN {texts(2)} AND r.state NOT IN ('withdrawn', 'replaced')",
        _json({piece.row["client"] for piece in pieces}), _json({piece.row["sha256"] for piece in pieces}),
    )  # fmt: skip
    held = {(row["client"], row["sha256"]) for row in found}
    for piece in pieces:
        key = (piece.row["client"], piece.row["sha256"])
        if key in held:
            piece.note("same_bytes")
        held.add(key)


def _bundled(pieces: Iterable[Piece], *, together: bool) -> list[Bundle]:
    """By client, period and day of the decision; else each PDF for itself. What is only added goes with that of its own day, else
    with the first."""
    bundles: list[Bundle] = []
    firsts: dict[Any, Bundle] = {}
    for piece in sorted(pieces, key=lambda one: one.part != "main"):
        key = (piece.row["client"], piece.book_year, piece.period)
        of_day = (*key, str(piece.chosen["dated_on"] or ""))
        bundle = firsts.get(of_day) or (firsts.get(key) if piece.part != "main" else None)
        if bundle is None or (piece.part == "main" and not together):
            bundle = Bundle(*key)
            firsts.setdefault(key, bundle)
            firsts.setdefault(of_day, bundle)
            bundles.append(bundle)
        bundle.pieces.append(piece)
    for bundle in bundles:
        if bundle.first.part != "main":
            bundle.note("alone")
        if len(bundle.pieces) > MOST_PARTS:
            bundle.note("many")
    return bundles


async def _find_formers(bundles: Sequence[Bundle], kind: int) -> None:
    rows = await engine.raw(
        "SELECT r.id, r.client, r.book_year, r.period, r.state, (SELECT count(*) FROM approver a WHERE a.request = r.id AND a.state = 'approved') AS approvals "
        f"FROM approval_request r WHERE r.client IN {listed(1)} AND r.kind = $2 AND r.period IN {texts(3)} AND coalesce(r.book_year, 0) IN {listed(4)} "
        "AND r.state NOT IN ('withdrawn', 'replaced') ORDER BY r.id DESC",
        _json({one.client for one in bundles}), kind, _json({one.period for one in bundles}), _json({one.book_year or 0 for one in bundles}),
    )  # fmt: skip
    there: dict[Any, list[dict[str, Any]]] = {}
    for row in rows:
        there.setdefault((row["client"], row["book_year"], row["period"]), []).append(row)
    for bundle in bundles:
        if formers := there.pop((bundle.client, bundle.book_year, bundle.period), []):
            bundle.formers = formers  # of several of one client here, the first takes the place
            told = {name: formers[0][name] for name in ("id", "state", "approvals")} | {"more": len(formers) - 1}
            bundle.note("same", told)


async def _find_signers(bundles: Sequence[Bundle], kind: ApprovalKind) -> None:
    views = await who_would_sign_each([one.client for one in bundles], kind.id, least=kind.least_level)
    for bundle in bundles:
        bundle.view = view = views[bundle.client]
        if view.refusals:
            bundle.note("unmanned", [one.as_json() for one in view.refusals[:MOST_WARNINGS]])
        elif view.warnings:
            bundle.note("warned", [one.as_json() for one in view.warnings[:MOST_WARNINGS]])


def _fill(bundle: Bundle, offering: Offering, kind: ApprovalKind, firm: int) -> None:
    """Its deadlines by the calendar of this client, and what else was chosen; or why that cannot be."""
    first = bundle.first
    values = NewRequest(
        kind=kind.id, book_year=bundle.book_year, period=bundle.period, amount=first.chosen["amount"], message=offering.message,
        internal_due=engine.as_day(offering.internal_due), legal_due=engine.as_day(offering.legal_due), dated_on=engine.as_day(first.chosen["dated_on"]),
    )  # fmt: skip
    year = Client(year_end_month=first.row["year_end_month"], extension_months=first.row["extension_months"])
    try:
        bundle.columns = columns_of(year, kind, values, firm)
    except Refused as refused:
        bundle.note("wrong", refused.why.as_json())


def _end(bundle: Bundle, ends: str, kind: ApprovalKind) -> str:
    first = bundle.first
    if ends == "draft" or "unmanned" in first.odd or ("warned" in first.odd and first.chosen["warned"] == "draft"):
        return "draft"
    return "sign_off" if kind.needs_sign_off else "offered"


async def summary_of(pieces: Sequence[Piece], bundles: Sequence[Bundle]) -> dict[str, Any]:
    """Before anything is done: how many requests and how they end, who gets a mail and of how many, what is replaced, and how
    many files deviate in each way."""
    going = [bundle for bundle in bundles if bundle.goes]
    mailed: dict[int, list[Any]] = {}
    silent: set[int] = set()
    at_once: set[int] = set()
    for bundle in going:
        told = bundle.view.told if bundle.ends == "offered" and bundle.view else ({}, {})
        for person, name in told[0].items():
            mailed.setdefault(person, [name, 0])[1] += 1
        silent |= set(told[1])
        at_once |= bundle.view.at_once if bundle.ends == "offered" and bundle.view else set()
    replaced = [bundle.replaces for bundle in going if bundle.replaces]
    held = [bundle.formers[0] for bundle in bundles if bundle.waits_for_former]
    legal, internal = (
        sorted(day for one in going if (day := one.columns[name])) for name in ("legal_due", "internal_due")
    )
    odd: dict[str, int] = {}
    for piece in pieces:
        for code in piece.odd:
            odd[code] = odd.get(code, 0) + 1
    return {
        "requests": len(going), "clients": len({one.client for one in going}), "files": sum(len(one.pieces) for one in going),
        "draft": sum(one.ends == "draft" for one in going), "sign_off": sum(one.ends == "sign_off" for one in going),
        "offered": sum(one.ends == "offered" for one in going), "mailed": len(mailed), "at_once": len(at_once),
        "names": sorted(mailed.values(), key=lambda one: (-one[1], one[0]))[:MOST_NAMED], "silent": len(silent - set(mailed)),
        "replaced": len(replaced), "voided": sum(one["approvals"] for one in replaced), "told": await _who_approved(replaced),
        "held": len(held), "held_voided": sum(one["approvals"] for one in held), "held_told": await _who_approved(held),
        "left": sum(piece.do == "leave" for piece in pieces), "skipped": sum(piece.do == "skip" for piece in pieces), "odd": odd,
        "legal": [str(day) for day in (legal[:1] + legal[-1:])], "internal": [str(day) for day in (internal[:1] + internal[-1:])],
        "late": sum(day < this_day() for day in legal),
        "pressing": sum(one.ends == "offered" and is_pressing(one.columns["internal_due"], one.columns["legal_due"]) for one in going),
    }  # fmt: skip


async def _who_approved(requests: Sequence[dict[str, Any]]) -> int:
    """How many people gave an approval that dies with these."""
    if not any(one["approvals"] for one in requests):
        return 0
    people = await engine.raw(
        f"SELECT count(DISTINCT person) AS n FROM approver WHERE state = 'approved' AND request IN {listed(1)}",
        _json({one["id"] for one in requests}),
    )
    return int(people[0]["n"])


def _json(values: Iterable[Any]) -> str:
    return json.dumps(sorted(values))
