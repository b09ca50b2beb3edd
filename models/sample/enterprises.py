"""The clients of the sample office and their people, as plain values: the cast first, then as many as are asked for."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from random import Random
from typing import Any

from models.core import fold
from models.people import number_key, search_text, sort_name
from models.sample.names import CITIES, FIRST_NAMES, GROUPS, STREETS, SURNAMES, company, eleven_proof, iban
from models.viewer import Right

_EVERYTHING = Right.everything()


@dataclass(frozen=True)
class Person:
    """A client user, and his rights for the client he stands with; `days`: how slow he was to come in, in steps of three hours."""

    email: str
    first: str
    prefix: str
    surname: str
    rights: Right = _EVERYTHING
    role: str = "beheerder"
    state: str = "active"
    days: int = 20
    phone: str = "06 55 00 00 00"
    is_cast: bool = False


@dataclass(frozen=True)
class Enterprise:
    number: str
    name: str
    form: str
    sector: str
    people: tuple[Person, ...]
    groups: tuple[str, ...]
    place: int = 0  # which address, account and number: counted from 0
    is_of_ed: bool = False
    has_structure: bool = True
    is_cast: bool = False
    domain: str = field(default="", repr=False)

    def columns(self) -> dict[str, Any]:
        """The row of table `client`, but for the moment it was made."""
        postcode, city = CITIES[self.place % len(CITIES)]
        rsin = eleven_proof(800_000_000 + self.place * 97)
        email = f"info@{self.domain}"
        return {
            "number": self.number,
            "number_key": number_key(self.number),
            "name": self.name,
            "sort_key": sort_name(self.name),
            "search_key": search_text(self.number, self.name, city, email)[:1000],
            "kind": "sole_trader" if self.form == "eenmanszaak" else "organisation",
            "legal_form": self.form,
            "rsin": rsin if self.form in ("B.V.", "V.O.F.", "stichting") else "",
            "payroll_numbers": f"{rsin}L01" if "Salarisadministratie" in self.groups else "",
            "website": f"https://www.{self.domain}" if self.place % 2 == 0 else "",
            "formal": self.place % 5 != 0,
            "kvk": f"{90_000_000 + self.place:08d}",
            "vat": f"NL{rsin}B01" if self.form != "eenmanszaak" else "",
            "iban": iban(4_711_000_000 + self.place),
            "street": STREETS[self.place % len(STREETS)],
            "house_number": str(1 + self.place % 180),
            "postcode": postcode,
            "city": city,
            "email": email,
            "phone": f"0575 55 {self.place // 100 % 100:02d} {self.place % 100:02d}",
            "sector": self.sector,
            "since": dt.date(2005 + self.place % 20, 1 + self.place % 12, 1 + self.place % 28),
        }


_RIK = Person("rik@bakkerij-jansen.example", "Rik", "", "Jansen", is_cast=True)
_FEM = Person("fem@bakkerij-jansen.example", "Fem", "van der", "Laan", Right.PAYROLL, "salaris", is_cast=True)
_SAM = Person("sam@garage-smit.example", "Sam", "", "Smit", is_cast=True)

CAST = (
    Enterprise("1001", "Bakkerij Jansen B.V.", "B.V.", "Horeca en voeding", (_RIK, _FEM), ("Horeca en voeding", "Salarisadministratie"),
               0, is_of_ed=True, is_cast=True, domain="bakkerij-jansen.example"),
    Enterprise("1002", "Jansen Beheer B.V.", "B.V.", "Zakelijke dienstverlening", (_RIK,), (), 1, is_of_ed=True, is_cast=True,
               domain="jansen-beheer.example"),
    Enterprise("1003", "Garage Smit", "eenmanszaak", "Autobranche", (_SAM,), ("Kwartaal btw",), 2, is_cast=True, domain="garage-smit.example"),
)  # fmt: skip


def make(chance: Random, count: int) -> list[Enterprise]:
    """The cast and enough others to make `count` clients (never fewer than the cast)."""
    return [*CAST, *(_other(chance, place) for place in range(len(CAST), count))]


def _other(chance: Random, place: int) -> Enterprise:
    name, form, sector = company(chance)
    number = str(1001 + place)
    domain = f"{fold(name).replace(' ', '-').replace('.', '').replace('’', '').replace(chr(39), '')}-{number}.example"
    people = tuple(_person(chance, domain, turn) for turn in range(chance.choice((0, 1, 1, 1, 2, 2, 3))))
    groups = tuple(sorted({sector} & set(GROUPS) | set(chance.sample(GROUPS[5:], chance.choice((0, 1, 1, 2))))))
    return Enterprise(
        number, name, form, sector, people, groups, place, place % 3 == 0, place not in (17, 41), domain=domain
    )


def _person(chance: Random, domain: str, turn: int) -> Person:
    first, (prefix, surname) = chance.choice(FIRST_NAMES), chance.choice(SURNAMES)
    local = fold(f"{first}{turn or ''}").replace(" ", "")
    state = chance.choice(("prepared", "prepared", "prepared", "invited", "active", "active"))
    rights, role = (Right.everything(), "beheerder") if turn == 0 else (Right.VIEW_DOSSIER, "lezer")
    return Person(f"{local}@{domain}", first, prefix, surname, rights, role, state, chance.randint(3, 28))
