"""Whether the rows of a request are those that its record of proof names: the record is chained, the rows beside it are not.

What was offered, put in the place of something else, approved and scanned stands in the record with its SHA-256, and what was
agreed to with its words; who approved, how that was proved and when; and what became of it. Whoever changes any of that in the
tables contradicts it, and so does a state to which no act led.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from models import engine
from models.accounts.blocking import listed
from models.approvals.planning import is_done
from models.approvals.record import ASKED
from models.approvals.states import OPEN
from models.core import Say

_PARTS = "SELECT id, request, name, part, sha256, is_scan FROM approval_document WHERE request IN "
_PLACES = (
    "SELECT a.id, a.request, a.person, a.step, a.state, a.decided_by, a.decided_at, a.level, a.method, x.document, x.outcome, x.sha256 "
    "FROM approver a LEFT JOIN approver_choice x ON x.approver = a.id WHERE a.step > 0 AND a.request IN "
)
_ROWS = f"SELECT id AS request, client, state, version, statement, statement_en, completed_at, {', '.join(ASKED)} FROM approval_request WHERE id IN "
_SEALS = "SELECT request, digest, chain_number FROM approval_seal WHERE request IN "
_SAME_UNIT = dt.timedelta(minutes=1)  # of a row and of the act that was written with it

_OPEN = "open"
_BECOMES = {
    "made": "draft", "sign_off_asked": "sign_off", "sent_back": "draft", "offered": _OPEN, "rejected": "rejected", "withdrawn": "withdrawn",
    "replaced": "replaced", "expired": "expired", "on_paper": "on_paper", "completed": "approved", "filed": "filed",
}  # fmt: skip
_COMPLETE = ("approved", "on_paper", "filed")


class Decided(NamedTuple):
    """By whom, with what proof, when, and with what outcome."""

    by: int | None
    level: str
    method: str
    at: dt.datetime
    outcome: str


class Named:
    """What a record names, followed act by act in its order. `parts`: id > SHA-256 as it is now; `whole`: they are all of them;
    `chosen`: document, person, outcome and SHA-256, how often; `decided`: person and step > the last that he decided there; `state`:
    to which its acts led, `open` for offered and partly, '' while nothing says so; `odd`: the number of an act that contradicts
    those before it."""

    def __init__(self, request: int) -> None:
        self.request = request
        self.client: int | None = None
        self.state = ""
        self.parts: dict[int, str] = {}
        self.files: dict[int, list[str]] = {}  # id > name and part, as far as they are named
        self.whole = False
        self.scans: Counter[str] = Counter()
        self.chosen: Counter[tuple[int, int, str, str]] = Counter()
        self.decided: dict[tuple[int, int | None], Decided] = {}
        self.asked: dict[int, set[int]] = {}
        self.steps: list[dict[str, Any]] = []
        self.words: tuple[str, str] | None = None
        self.of: dict[str, Any] = {}
        self.version: int | None = None
        self.done_at: dt.datetime | None = None
        self.is_on_paper = False
        self.seals: list[tuple[str, int]] = []
        self.odd = 0
        self.moved = 0  # the number of an act that stands with another client than those before it

    @property
    def is_approved(self) -> bool:
        """Whether everybody whose approval the plan asks gave it, of what it was at the end; or it was signed on paper."""
        if self.is_on_paper:
            return bool(self.scans)
        given = {place for place, one in self.decided.items() if one.outcome == "approved"}
        if not given or self.version is None:
            return False
        if not self.asked or any(step is None for _, step in given):  # as records were before a step was told
            return all(one.outcome == "approved" for one in self.decided.values())
        return all(
            is_done(step["mode"], step["n"], ["approved" if (person, number) in given else "asked" for person in self.asked.get(number, ())])
            for number, step in enumerate(self.steps, 1)
        )  # fmt: skip

    def follow(self, act: dict[str, Any]) -> None:
        client = act.get("client", self.client)
        self.moved = self.moved or (act["number"] if self.client not in (None, client) else 0)
        self.client = client
        if act["act"] in _LIGHT:
            return
        told = json.loads(act["detail"])
        self._becomes(act, told)
        match act["act"]:
            case "offered":
                self._offered(act, told)
            case "asked":
                self.asked.setdefault(told.get("step", 1), set()).add(act["person"])
            case "on_paper":
                self.scans += Counter(told.get("scans", ()))
                self.is_on_paper = True
            case "part_replaced" if act["document"]:
                self._replaced(act, told)
            case "approved" | "rejected" if act["document"]:
                self._decided(act, told)
            case "sealed" | "resealed" if told.get("certificate"):
                self.seals.append((told["certificate"], told.get("up_to", 0)))

    def _becomes(self, act: dict[str, Any], told: dict[str, Any]) -> None:
        what = act["act"]
        self.state = _BECOMES.get(what, self.state)
        if what == "extended" and self.state == "expired":
            self.state = _OPEN
        elif what == "part_replaced" and self.state == "sign_off":
            self.state = "draft"
        if what == "completed":
            self.version = told.get("version", 0)
        if what in ("completed", "on_paper", "rejected"):
            self.done_at = act["at"]

    def _offered(self, act: dict[str, Any], told: dict[str, Any]) -> None:
        if isinstance(told.get("sha256"), dict):
            self.parts, self.whole = {int(part): sha256 for part, sha256 in told["sha256"].items()}, True
        if act["statement"]:
            self.words = (act["statement"], told.get("statement_en", ""))
        self.files = {int(part): list(file) for part, file in told.get("files", {}).items()}
        self.of, self.steps = told.get("of", {}), told.get("steps", [])

    def _replaced(self, act: dict[str, Any], told: dict[str, Any]) -> None:
        self._is(act, told.get("was", ""))
        self.parts[act["document"]] = told.get("sha256", "")
        if act["document"] in self.files and told.get("file"):
            self.files[act["document"]][0] = told["file"]
        self.chosen.clear()  # all is asked anew, of the same people: who had not chosen yet stays asked, without an act of it
        self.decided.clear()

    def _decided(self, act: dict[str, Any], told: dict[str, Any]) -> None:
        self._is(act, told.get("sha256", ""))
        person = act["on_behalf_of"] or act["person"]
        place, outcome = (person, told.get("step")), act["act"]
        if place in self.decided and self.decided[place].outcome == "rejected":
            outcome = "rejected"  # one of the parts is enough
        self.decided[place] = Decided(act["person"], act["level"], act["method"], act["at"], outcome)
        self.chosen[act["document"], person, act["act"], told.get("sha256", "")] += 1

    def _is(self, act: dict[str, Any], sha256: str) -> None:
        if self.parts.setdefault(act["document"], sha256) != sha256:
            self.odd = self.odd or act["number"]


_LIGHT = ("opened", "page_seen", "mail_handed_over", "reminded", "question", "answer")


async def untied(
    named: Sequence[Named], *, but_seals: bool = False, sealed: list[dict[str, Any]] | None = None
) -> tuple[int, Say] | None:
    """The first of these requests whose rows are not what its record names, and what is wrong. Some queries, however many. `sealed`: the
    rows of seals (request, digest, chain_number) where they were read already."""
    ids = json.dumps([one.request for one in named])
    parts, places, rows = [_by_request(await engine.raw(sql + listed(1), ids)) for sql in (_PARTS, _PLACES, _ROWS)]
    if sealed is None:
        sealed = [] if but_seals else await engine.raw(_SEALS + listed(1), ids)
    seals = _by_request(sealed)
    for one in named:
        at = one.request
        if said := (
            _wrong_act(one) or _wrong_part(one, parts.get(at, [])) or _wrong_choice(one, places.get(at, []))
            or _wrong_row(one, rows.get(at, [])) or _wrong_place(one, places.get(at, []))
            or (None if but_seals else _wrong_seal(one, seals.get(at, [])))
        ):  # fmt: skip
            return at, said
    return None


async def unnamed() -> Say | None:
    """The first request that was put before somebody, without any record of that."""
    rows = await engine.raw(
        "SELECT r.id FROM approval_request r WHERE r.state NOT IN ('draft', 'sign_off') AND NOT EXISTS (SELECT 1 FROM approval_record o WHERE o.request = r.id) "
        "ORDER BY r.id LIMIT 1"
    )
    return _no_such_state(rows[0]["id"]) if rows else None


def _by_request(rows: list[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["request"], []).append(row)
    return found


def _wrong_act(named: Named) -> Say | None:
    if named.moved:
        return Say("Handeling {number} van accordering {request} staat bij een andere cliënt dan de handelingen ervoor.", number=named.moved, request=named.request)  # fmt: skip
    if not named.odd:
        return None
    return Say("Handeling {number} van accordering {request} gaat over een ander bestand dan er toen stond.", number=named.odd, request=named.request)  # fmt: skip


def _wrong_part(named: Named, rows: list[dict[str, Any]]) -> Say | None:
    scans = Counter(row["sha256"] for row in rows if row["is_scan"])
    for row in rows:
        if row["is_scan"]:
            if row["id"] in named.parts or (not named.scans and named.state):
                return _later(named, row)
            if named.scans and row["sha256"] not in named.scans:
                return _other_file(named, row)
        elif row["id"] not in named.parts:
            if named.whole:
                return _later(named, row)
        elif row["sha256"] != named.parts[row["id"]]:
            return _other_file(named, row)
        elif row["id"] in named.files and [row["name"], row["part"]] != named.files[row["id"]]:
            return Say("“{name}” van accordering {request} heet in het bewijs anders: “{other}”.", name=row["name"], request=named.request, other=named.files[row["id"]][0])  # fmt: skip
    if scans - named.scans:
        return Say("Er staat bij accordering {request} een scan meer dan in het bewijs.", request=named.request)
    missing = named.whole and set(named.parts) - {row["id"] for row in rows}  # of a draft a part may go
    if missing or named.scans - scans:
        return Say("Een stuk dat in het bewijs van accordering {request} staat, is weggehaald.", request=named.request)
    return None


def _later(named: Named, row: dict[str, Any]) -> Say:
    return Say("“{name}” van accordering {request} is er later bij gezet: het bewijs noemt het niet.", name=row["name"], request=named.request)  # fmt: skip


def _other_file(named: Named, row: dict[str, Any]) -> Say:
    return Say("“{name}” van accordering {request} is een ander bestand dan er in het bewijs staat.", name=row["name"], request=named.request)  # fmt: skip


def _wrong_choice(named: Named, rows: list[dict[str, Any]]) -> Say | None:
    """What was chosen, by whom it counts for: neither more nor less than the record has."""
    chosen = Counter(
        (row["document"], row["person"], row["outcome"], row["sha256"])
        for row in rows
        if row["document"] is not None or row["state"] == "approved"
    )
    if chosen == named.chosen:
        return None
    return Say("Wie er bij accordering {request} wat koos, is niet wat er in het bewijs staat.", request=named.request)  # fmt: skip


def _wrong_place(named: Named, rows: list[dict[str, Any]]) -> Say | None:
    """Who decided, with what proof and when; and who is asked at all."""
    planned = {(one.get("person"), number) for number, step in enumerate(named.steps, 1) for one in step.get("who", ())}
    standing = {(row["person"], row["step"]): row for row in rows}
    if planned and set(standing) != planned:
        return Say("Wie er bij accordering {request} akkoord moet geven, is niet wat er in het bewijs staat.", request=named.request)  # fmt: skip
    for row in standing.values():
        known = named.decided.get((row["person"], row["step"])) or named.decided.get((row["person"], None))
        if (row["decided_by"] or known) and not _is_as_decided(named, row, known):
            return Say("Wie er bij accordering {request} besliste, hoe of wanneer, is niet wat er in het bewijs staat.", request=named.request)  # fmt: skip
    return None


def _is_as_decided(named: Named, row: dict[str, Any], known: Decided | None) -> bool:
    if known is None or row["decided_at"] is None:
        return False
    void = row["state"] == "void" and named.state == "replaced"
    same = bool((row["decided_by"], row["level"], row["method"]) == (known.by, known.level, known.method))
    return bool(void or row["state"] == known.outcome) and same and _near(row["decided_at"], known.at)


def _near(moment: Any, at: dt.datetime) -> bool:
    return bool(abs(engine.as_moment(moment) - at) <= _SAME_UNIT)


def _wrong_row(named: Named, rows: list[dict[str, Any]]) -> Say | None:
    for row in rows:
        if row["state"] in _COMPLETE and not named.is_approved:
            return not_approved(named.request)
        if named.state and ("open" if row["state"] in OPEN else row["state"]) != named.state:
            return _no_such_state(named.request)
        if named.words is not None and (row["statement"], row["statement_en"]) != named.words:
            return Say("De zin waarop bij accordering {request} akkoord werd gevraagd, is een andere dan er in het bewijs staat.", request=named.request)  # fmt: skip
        if not _is_as_asked(named, row):
            return Say("Wat er bij accordering {request} is gevraagd en voor wie, is niet wat er in het bewijs staat.", request=named.request)  # fmt: skip
    return None


def _is_as_asked(named: Named, row: dict[str, Any]) -> bool:
    if named.client not in (None, row["client"]) or any(row[name] != value for name, value in named.of.items()):
        return False
    if named.version and row["state"] in _COMPLETE and row["version"] != named.version:
        return False
    if named.done_at is None or named.state not in (*_COMPLETE, "rejected"):
        return True
    return row["completed_at"] is not None and _near(row["completed_at"], named.done_at)


def not_approved(request: int) -> Say:
    return Say("Accordering {request} staat als akkoord, maar in het bewijs staat dat akkoord niet, of niet van iedereen van wie het werd gevraagd.", request=request)  # fmt: skip


def _no_such_state(request: int) -> Say:
    return Say("Hoe accordering {request} ervoor staat, is niet wat er in het bewijs staat.", request=request)


def _wrong_seal(named: Named, rows: list[dict[str, Any]]) -> Say | None:
    if Counter((row["digest"], row["chain_number"]) for row in rows) == Counter(named.seals):
        return None
    return Say("De verzegelde akkoordverklaringen van accordering {request} zijn niet die van het bewijs.", request=named.request)  # fmt: skip
