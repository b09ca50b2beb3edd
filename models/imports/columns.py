"""What a column holds, guessed from its heading and its neighbours."""

from __future__ import annotations

from collections.abc import Sequence

from models.imports.lexicon import FIELDS, KINDS, OTHERS, SHEETS, Field, Kind, field_of, heading_key

_PERSON = ("contact_initials", "contact_first_name", "contact_prefix", "contact_surname", "contact_name")


_SHEETS = {heading_key(name): kind for kind, name in SHEETS.items()}
_STAFF_WORDS = frozenset(
    heading_key(word) for word in ("kantoorrol", "ziet alle cliënten", "kantoorgebruiker", "office role")
)


def guess_kind(headings: Sequence[str], above: Sequence[str] = (), sheet: str = "") -> Kind | None:
    """What a list holds by the name of its sheet and its headings; None for a list of something else, such as employees
    or hours."""
    keys = {heading_key(heading) for heading in headings if heading}
    if (named := _SHEETS.get(heading_key(sheet))) and _fits(named, headings, above):
        return named
    if len(keys & OTHERS) >= 2:
        return None
    guesses = {kind: set(guess_mapping(kind, headings, above).values()) for kind in KINDS}
    if keys & _STAFF_WORDS and "surname" in guesses["staff"] | {"surname" * ("name" in guesses["staff"])}:
        return "staff"
    if (
        "client_number" in guesses["duties"]
        and {heading_key("E-mail medewerker"), heading_key("Verantwoordelijk voor")} & keys
    ):
        return "duties"
    if (
        {"name", "sbi"} <= guesses["sectors"]
        and not guesses["clients"] - {"sector", "sbi", "name", "number"}
        and len(keys) <= 3
    ):
        return "sectors"
    if guesses["clients"] & {
        "kvk",
        "vat",
        "iban",
        "legal_form",
        "postcode",
        "address",
        "street",
        "postcode_city",
        "sbi",
        "city",
    }:
        return "clients"
    if guesses["users"] & {"surname", "first_name", "initials", "role"}:
        return "clients" if {"number", "name"} <= guesses["clients"] else "users"
    if {"number", "name"} <= guesses["clients"]:
        return (
            "users"
            if "client_number" in guesses["users"]
            and not guesses["clients"] - {"number", "name", "email", "phone"}
            and _says_user(keys)
            else "clients"
        )
    if "name" in guesses["groups"]:
        return "groups"
    return None


def _fits(kind: Kind, headings: Sequence[str], above: Sequence[str]) -> bool:
    """Whether what this kind of list cannot do without has a column."""
    found = set(guess_mapping(kind, headings, above).values())
    wanted = {field.name for field in FIELDS[kind] if field.is_required}
    return wanted - {"surname"} <= found and ("surname" not in wanted or bool(found & {"surname", "name"}))


def _says_user(keys: set[str]) -> bool:
    return bool(
        keys & {heading_key(word) for word in ("gebruiker", "gebruikersnaam", "login", "inlognaam", "contactpersoon")}
    )


def guess_mapping(kind: Kind, headings: Sequence[str], above: Sequence[str] = ()) -> dict[int, str]:
    """Column index > field. Of two columns for one field the better named wins, or else the first."""
    over = [heading_key(text) for text in above] + [""] * (len(headings) - len(above))
    keys = [heading_key(heading) for heading in headings]
    claims = sorted(
        (-score, column, field.name)
        for column, key in enumerate(keys)
        if key
        for field in FIELDS[kind]
        if (score := _score(field, key, over[column]))
    )
    mapping: dict[int, str] = {}
    for _, column, name in claims:
        if column not in mapping and name not in mapping.values():
            mapping[column] = name
    if kind == "clients":
        _settle_contacts(mapping, keys, over)
        _settle_address(mapping)
    return dict(sorted(mapping.items()))


def _score(field: Field, key: str, over: str) -> int:
    for text, start in ((over + key if over else "", 200), (key, 100)):
        if text and text in field.synonyms:
            return start - min(field.synonyms.index(text), 90)
    return 0


def _settle_contacts(mapping: dict[int, str], keys: list[str], over: list[str]) -> None:
    """A mail or phone column behind a contact's name is his; without a name there is no contact."""
    names = [column for column, name in mapping.items() if name in _PERSON]
    if not names:
        for column in [column for column, name in mapping.items() if name.startswith("contact_")]:
            base = mapping.pop(column).removeprefix("contact_")
            if _may_be(base, keys[column]) and base not in mapping.values():
                mapping[column] = base
        return
    for base in ("email", "phone"):
        columns = [
            column for column, key in enumerate(keys) if mapping.get(column, base) == base and _may_be(base, key)
        ]
        behind = [column for column in columns if column > min(names)]
        if behind and f"contact_{base}" not in mapping.values():
            mapping[behind[0]] = f"contact_{base}"
            before = [column for column in columns if column < min(names)]
            if before:
                mapping[before[0]] = base


def _may_be(base: str, key: str) -> bool:
    return base in ("email", "phone") and bool(key) and _score(field_of("clients", base), key, "") > 0


def _settle_address(mapping: dict[int, str]) -> None:
    """'Adres' beside a column of house numbers is the street."""
    names = {name: column for column, name in mapping.items()}
    if "address" in names and "house_number" in names and "street" not in names:
        mapping[names["address"]] = "street"
