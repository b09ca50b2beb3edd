"""A plan as it is shown before anything is offered: its steps with their people, what may go wrong, and why it cannot be offered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from models.approvals.records import ROLES
from models.core import Say
from models.viewer import Right

_APPROVE = int(Right.APPROVE)


class StandIn(NamedTuple):
    """Who may sign for another on that day."""

    person: int
    name: str
    hears: str  # daily, at_once or never: of this client, as he or the office chose it

    @property
    def is_mailed(self) -> bool:
        return self.hears != "never"


class Place(NamedTuple):
    """Somebody in a step. `role` is that by which he stands there, or ''; `hears` how he hears of it when it is his turn: daily,
    at_once, or never because he cannot or does not want to."""

    person: int
    name: str
    role: str = ""
    able: bool = True
    stand_ins: tuple[StandIn, ...] = ()
    hears: str = "daily"
    held: tuple[str, ...] = ()  # the roles that he has at the client

    @property
    def is_mailed(self) -> bool:
        return self.hears != "never"

    @property
    def substitutes(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.stand_ins)

    @property
    def role_words(self) -> Say | None:
        return ROLES.get(self.role)


class Step(NamedTuple):
    """`n` counts in mode some."""

    mode: str
    n: int
    places: tuple[Place, ...]

    @property
    def how(self) -> Say:
        if self.mode == "some":
            return Say("{n} van {m}", n=self.n, m=len(self.places))
        if self.mode == "any" and len(self.places) > 1:
            return Say("één van hen")
        return Say("allemaal") if len(self.places) > 1 else Say("deze persoon")


@dataclass(frozen=True)
class PlanView:
    """Who would sign: `source` tells whose plan it is (request, client_kind, client, kind, office, everybody). With
    `refusals` it cannot be offered."""

    steps: tuple[Step, ...]
    warnings: tuple[Say, ...]
    refusals: tuple[Say, ...]
    source: str

    @property
    def people(self) -> list[Place]:
        return [place for step in self.steps for place in step.places]

    @property
    def told(self) -> tuple[dict[int, str], dict[int, str]]:
        """Who gets a mail when it is offered, and who is asked and gets none: person > name. Who stands in for somebody is mailed too."""
        first = self.steps[0].places if self.steps else ()
        mailed = {place.person: place.name for place in first if place.is_mailed}
        mailed |= {one.person: one.name for place in first if place.able for one in place.stand_ins if one.is_mailed}
        return mailed, {place.person: place.name for place in first if place.person not in mailed}

    @property
    def at_once(self) -> set[int]:
        """Those of `told` who are mailed at once; the others hear of it in their mail of the day."""
        first = self.steps[0].places if self.steps else ()
        heard = [(place.person, place.hears) for place in first]
        heard += [(one.person, one.hears) for place in first if place.able for one in place.stand_ins]
        return {person for person, hears in heard if hears == "at_once"}


class Known(NamedTuple):
    """A person who stands, or could stand, in a plan of a client."""

    id: int
    name: str
    state: str
    email: str
    rights: int
    partner_rights: int
    hears: str = "daily"  # or at_once, or never: he wants no mail about this client

    @property
    def is_mailed(self) -> bool:
        return self.state == "active" and bool(self.email) and self.hears != "never"

    def may(self, role: str) -> bool:
        own = self.rights & _APPROVE or (role == "partner" and self.partner_rights & _APPROVE)
        return bool(own) and self.state != "blocked"


def warnings_of(steps: Sequence[Step], people: dict[int, Known], lacking: set[int]) -> tuple[Say, ...]:
    said: dict[str, Say] = {}
    for place in (place for step in steps for place in step.places):
        one, name = people[place.person], place.name
        if one.state == "blocked":
            warning: Say | None = Say("{name} is geblokkeerd en kan geen akkoord geven.", name=name)
        elif not one.may(place.role):
            warning = Say("{name} heeft niet (meer) het recht om bij deze cliënt akkoord te geven.", name=name)
        elif not one.email:
            warning = Say("{name} heeft geen e-mailadres en krijgt geen bericht.", name=name)
        elif one.state in ("prepared", "invited"):
            warning = Say("{name} heeft nog geen login.", name=name)
        elif one.hears == "never":
            warning = Say("{name} wil geen mail ontvangen en krijgt geen bericht.", name=name)
        elif one.id in lacking:
            warning = Say("{name} heeft nog geen middel om akkoord mee te geven, zoals een pincode.", name=name)
        else:
            warning = None
        if warning:
            said.setdefault(str(warning), warning)
    return tuple(said.values())


def refusals_of(
    steps: Sequence[Step], roles: dict[str, list[int]], planned: Sequence[dict[str, Any]]
) -> tuple[Say, ...]:
    said: list[Say] = []
    for number, (step, plan) in enumerate(zip(steps, planned, strict=True), 1):
        able = sum(place.able for place in step.places)
        empty = [ROLES[one["role"]] for one in plan["who"] if "role" in one and not roles[one["role"]]]
        if empty and plan["mode"] == "all":
            said.append(Say("Stap {n}: niemand heeft bij deze cliënt de rol {role}.", n=number, role=empty[0]))
        elif not able:
            said.append(Say("Stap {n}: er is niemand die akkoord kan geven.", n=number))
        elif step.mode == "some" and able < step.n:
            said.append(_too_few(number, step, able))
        elif step.mode == "all" and able < len(step.places):
            said.append(Say("Stap {n} vraagt akkoord van iedereen, maar deze mensen kunnen dat niet geven: {names}.", n=number, names=_unable(step)))  # fmt: skip
    return tuple(said)


def _too_few(number: int, step: Step, able: int) -> Say:
    if names := _unable(step):
        return Say("Stap {n} vraagt {asked} akkoorden, maar er kunnen er {able} gegeven worden. Geen akkoord kunnen geven: {names}.", n=number, asked=step.n, able=able, names=names)  # fmt: skip
    return Say("Stap {n} vraagt {asked} akkoorden, maar er kunnen er {able} gegeven worden.", n=number, asked=step.n, able=able)  # fmt: skip


def _unable(step: Step) -> str:
    return ", ".join(place.name for place in step.places if not place.able)
