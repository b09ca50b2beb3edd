"""The columns that the list of clients can show, and by which it can be sorted."""

from __future__ import annotations

from typing import NamedTuple

from models.core import Say


class Column(NamedTuple):
    """`sql` is what stands in it, over `c` (or `u`, of users); `order` what it is sorted by, '' where it cannot be; `shown`:
    also to who chose nothing."""

    label: Say
    sql: str
    order: str = ""
    shown: bool = False


def _names(what: str, table: str, column: str, key: str) -> str:
    return f"(SELECT {{join}}({what}, ', ') FROM {table} x JOIN {column} y ON y.id = x.{key} WHERE x.client = c.id)"


def _plain(name: str) -> tuple[str, str]:
    return f"c.{name}", name


# A place is sorted without its 's- or 't; there is no key of it, for few sort by it.
_CITY = "lower(CASE WHEN city LIKE '''s-%' OR city LIKE '''t %' THEN substr(city, 4) ELSE city END)"
_STREET = "trim(c.street || ' ' || c.house_number || c.letter || CASE WHEN c.addition <> '' THEN '-' || c.addition ELSE '' END)"

COLUMNS: dict[str, Column] = {
    "number": Column(Say("Nummer"), "c.number", "number_key", shown=True),
    "city": Column(Say("Plaats"), "c.city", _CITY, shown=True),
    "groups": Column(Say("Groepen"), _names("y.name", "membership", "client_group", "client_group"), shown=True),
    "people": Column(
        Say("Verantwoordelijk"), _names("y.full_name", "responsible", "users", "person"), shown=True
    ),
    "users": Column(
        Say("Gebruikers"),
        "(SELECT sum(CASE WHEN u.state = 'active' THEN 1 ELSE 0 END) || '/' || count(*) FROM access a JOIN users u ON u.id = a.person WHERE a.client = c.id)",
        shown=True,
    ),
    "dossier": Column(Say("Dossier"), "EXISTS (SELECT 1 FROM dossier d WHERE d.client = c.id)", shown=True),
    "kind": Column(Say("Soort"), *_plain("kind")),
    "legal_form": Column(Say("Rechtsvorm"), *_plain("legal_form")),
    "kvk": Column(Say("KvK-nummer"), *_plain("kvk")),
    "rsin": Column(Say("RSIN"), *_plain("rsin")),
    "vat": Column(Say("Btw-id"), *_plain("vat")),
    "iban": Column(Say("IBAN"), *_plain("iban")),
    "address": Column(Say("Adres"), _STREET),
    "postcode": Column(Say("Postcode"), *_plain("postcode")),
    "email": Column(Say("E-mailadres"), "c.email", "lower(email)"),
    "phone": Column(Say("Telefoon"), "c.phone"),
    "website": Column(Say("Website"), "c.website"),
    "sectors": Column(Say("Branches"), _names("y.name", "client_sector", "sector", "sector")),
    "office": Column(Say("Vestiging"), "(SELECT o.name FROM office o WHERE o.id = c.office)"),
    "modules": Column(Say("Onderdelen"), "c.modules"),
    "language": Column(Say("Taal"), *_plain("language")),
    "second_factor": Column(Say("Tweede factor"), *_plain("second_factor")),
    "manager": Column(Say("Relatiebeheerder"), "c.manager", "lower(manager)"),
    "since": Column(Say("Cliënt sinds"), *_plain("since")),
}  # fmt: skip

FIRST = tuple(name for name, column in COLUMNS.items() if column.shown)
EVERY_ORDER = {"name": "sort_key"} | {name: column.order for name, column in COLUMNS.items() if column.order}


def order_of(sort: str, every: dict[str, str] = EVERY_ORDER, then: str = "sort_key") -> str:
    """ORDER BY for 'city' or, downwards, '-city'; by name where there is no such order. Ends in the id, so that pages are firm."""
    down = " DESC" if sort.startswith("-") else ""
    order = every.get(sort.removeprefix("-"), "")
    if not order:
        order, down = then, ""
    second = "" if order == then else f"{then}, "
    return f"{order}{down}, {second}id{down}"
