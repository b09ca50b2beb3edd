"""Whether the rows of a request are those that its record of proof names: the record is chained, the rows beside it are not.

What was offered, put in the place of something else, approved and scanned stands in the record with its SHA-256, and what was
agreed to with its words. Whoever changes a part, a choice or who approved in the tables contradicts it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from models import engine
from models.accounts.blocking import listed
from models.core import Say

_NAMING = ("offered", "part_replaced", "approved", "rejected", "on_paper")
_PARTS = "SELECT id, request, name, sha256, is_scan FROM approval_document WHERE request IN "
_CHOICES = (
    "SELECT a.request, a.person, x.document, x.outcome, x.sha256 FROM approver a LEFT JOIN approver_choice x ON x.approver = a.id "
    "WHERE (x.id IS NOT NULL OR a.state = 'approved') AND a.request IN "
)
_WORDS = "SELECT id AS request, statement, statement_en FROM approval_request WHERE id IN "


class Named:
    """What a record names, followed act by act in its order. `parts`: id > SHA-256 as it is now; `whole`: they are all of them;
    `chosen`: document, person, outcome and SHA-256, how often; `odd`: the number of an act that contradicts those before it."""

    def __init__(self, request: int) -> None:
        self.request = request
        self.parts: dict[int, str] = {}
        self.whole = False
        self.scans: set[str] | None = None
        self.chosen: Counter[tuple[int, int, str, str]] = Counter()
        self.words: tuple[str, str] | None = None
        self.odd = 0

    def follow(self, act: dict[str, Any]) -> None:
        if act["act"] not in _NAMING:
            return
        told = json.loads(act["detail"])
        if act["act"] == "offered":
            self._offered(act, told)
        elif act["act"] == "on_paper":
            self.scans = (self.scans or set()) | set(told.get("scans", ()))
        elif act["document"] and act["act"] == "part_replaced":
            self._is(act, told.get("was", ""))
            self.parts[act["document"]] = told.get("sha256", "")
            self.chosen.clear()  # all is asked anew
        elif act["document"]:
            self._is(act, told.get("sha256", ""))
            self.chosen[act["document"], act["on_behalf_of"] or act["person"], act["act"], told.get("sha256", "")] += 1

    def _offered(self, act: dict[str, Any], told: dict[str, Any]) -> None:
        if isinstance(told.get("sha256"), dict):
            self.parts, self.whole = {int(part): sha256 for part, sha256 in told["sha256"].items()}, True
        if act["statement"]:
            self.words = (act["statement"], told.get("statement_en", ""))

    def _is(self, act: dict[str, Any], sha256: str) -> None:
        if self.parts.setdefault(act["document"], sha256) != sha256:
            self.odd = self.odd or act["number"]


async def untied(named: Sequence[Named]) -> tuple[int, Say] | None:
    """The first of these requests whose rows are not what its record names, and what is wrong. Some queries, however many."""
    ids = json.dumps([one.request for one in named])
    parts, choices, words = [_by_request(await engine.raw(sql + listed(1), ids)) for sql in (_PARTS, _CHOICES, _WORDS)]  # fmt: skip
    for one in named:
        at = one.request
        if said := (
            _wrong_act(one) or _wrong_part(one, parts.get(at, [])) or _wrong_choice(one, choices.get(at, []))
            or _wrong_words(one, words.get(at, []))
        ):  # fmt: skip
            return at, said
    return None


def _by_request(rows: list[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["request"], []).append(row)
    return found


def _wrong_act(named: Named) -> Say | None:
    if not named.odd:
        return None
    return Say("Handeling {number} van accordering {request} gaat over een ander bestand dan er toen stond.", number=named.odd, request=named.request)  # fmt: skip


def _wrong_part(named: Named, rows: list[dict[str, Any]]) -> Say | None:
    for row in rows:
        if row["is_scan"]:
            if named.scans and row["sha256"] not in named.scans:
                return Say("“{name}” van accordering {request} is een ander bestand dan er in het bewijs staat.", name=row["name"], request=named.request)  # fmt: skip
        elif row["id"] not in named.parts:
            if named.whole:
                return Say("“{name}” van accordering {request} is er later bij gezet: het bewijs noemt het niet.", name=row["name"], request=named.request)  # fmt: skip
        elif row["sha256"] != named.parts[row["id"]]:
            return Say("“{name}” van accordering {request} is een ander bestand dan er in het bewijs staat.", name=row["name"], request=named.request)  # fmt: skip
    if named.whole and set(named.parts) - {row["id"] for row in rows}:  # of a draft a part may go
        return Say("Een stuk dat in het bewijs van accordering {request} staat, is weggehaald.", request=named.request)
    return None


def _wrong_choice(named: Named, rows: list[dict[str, Any]]) -> Say | None:
    if not Counter((row["document"], row["person"], row["outcome"], row["sha256"]) for row in rows) - named.chosen:
        return None
    return Say("Wie er bij accordering {request} wat koos, is niet wat er in het bewijs staat.", request=named.request)  # fmt: skip


def _wrong_words(named: Named, rows: list[dict[str, Any]]) -> Say | None:
    if named.words is None or all((row["statement"], row["statement_en"]) == named.words for row in rows):
        return None
    return Say("De zin waarop bij accordering {request} akkoord werd gevraagd, is een andere dan er in het bewijs staat.", request=named.request)  # fmt: skip
