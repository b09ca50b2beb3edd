"""Names: initials, prefixes, the name that somebody uses, and how a letter opens."""

from __future__ import annotations

from models.core import fold


def initials(first_names: str) -> str:
    """One letter per name, also of Th, Ph, Ch, IJ and hyphenated names: Theo Philip IJsbrand > T.P.I.

    A name that is one letter already stays as it was typed: Elise Q > E.Q
    """
    names = [name for name in first_names.split() if name[0].isalpha()]
    return "".join(name if len(name) == 1 else f"{name[0].upper()}." for name in names)


def addressing_name(
    *,
    initials: str,
    prefix: str = "",
    surname: str,
    partner_prefix: str = "",
    partner_surname: str = "",
    name_use: str = "E",
) -> str:
    """Initials and the chosen name: E own, P the partner's, V the partner's before one's own, N behind it."""
    own, partner = _joined(prefix, surname), _joined(partner_prefix, partner_surname)
    chosen = {"P": partner, "V": f"{partner}-{own}", "N": f"{own}-{partner}"}.get(name_use, own) if partner else own
    return _joined(initials, chosen)


def salutation(
    *,
    gender: str,
    initials: str = "",
    prefix: str = "",
    surname: str,
    partner_prefix: str = "",
    partner_surname: str = "",
    name_use: str = "E",
) -> str:
    """`Geachte heer Van Puffelen`: a prefix has a capital where no initials stand before it."""
    name = addressing_name(
        initials="",
        prefix=prefix,
        surname=surname,
        partner_prefix=partner_prefix,
        partner_surname=partner_surname,
        name_use=name_use,
    )
    if gender in _TITLES:
        return f"Geachte {_TITLES[gender]} {capital_first(name)}"
    return f"Geachte {_joined(initials, name if initials else capital_first(name))}"


def in_running_text(gender: str, name: str, initials: str = "") -> str:
    """`de heer In het Veld`, `mevrouw A. in het Veld`; without a gender only the name."""
    title = {"M": "de heer", "V": "mevrouw"}.get(gender, "")
    return _joined(title, initials, name if initials else capital_first(name))


def attention_line(gender: str, name: str, initials: str) -> str:
    """The second line of a company's address: `T.a.v. de heer J. de Vries`."""
    return f"T.a.v. {in_running_text(gender, name, initials)}"


def capital_first(name: str) -> str:
    """`van Puffelen` > `Van Puffelen`; the apostrophe of `'t Hof` stays as it is."""
    return name[:1].upper() + name[1:]


_PREFIXES = (
    "'s, 't, aan, aan 't, aan de, aan den, aan der, aan het, af, al, bij, bij 't, bij de, bij den, bin, d', "
    "da, dal, de, de la, de las, de le, degli, dei, del, della, den, der, des, di, do, don, dos, du, een, el, "
    "het, in, in 't, in de, in den, in der, in het, la, las, le, les, lo, los, of, onder, onder 't, onder de, "
    "onder den, onder het, op, op 't, op de, op den, op der, op gen, op het, op ten, over, over 't, over de, "
    "over den, over het, te, te 's, ten, ter, tho, thoe, toe, tot, uijt, uit, uit 't, uit de, uit den, uit "
    "het, uit ten, van, van 't, van de, van de l', van den, van der, van gen, van het, van la, van ter, van "
    "van de, ver, vom, von, von 't, von dem, von den, von der, voor, voor 't, voor de, voor den, voor in 't, "
    "vor, vor der, zu, zum, zur"
)
PREFIXES = frozenset(_PREFIXES.split(", "))


def split_surname(surname: str) -> tuple[str, str]:
    """Prefix and surname of `Vries, de` and `Dam, in 't`; anything else has no prefix that can be told for certain."""
    name, comma, prefix = (part.strip() for part in surname.replace("’", "'").rpartition(","))
    return (prefix, name) if comma and name and fold(prefix) in PREFIXES else ("", surname)


_TITLES = {"M": "heer", "V": "mevrouw"}


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)
