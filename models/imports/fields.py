"""One row of a list turned into values: each cell by the parser of its field, with errors and warnings in words."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence

from models import dutch
from models.accounts.roles import SPELLINGS
from models.approvals.records import ROLES as APPROVER_ROLES
from models.clients.records import RESPONSIBLE_FOR
from models.core import Refused, Say, fold
from models.imports.lexicon import FIELDS, Field, Kind, field_of, heading_key
from models.imports.sheet import Cell, Fault
from models.imports.wholes import Parsed, Value, city_in_lower_case, settle
from models.settings import this_day


def parse_row(kind: Kind, mapping: Mapping[int, str], cells: Sequence[Cell], *, today: dt.date | None = None) -> Parsed:
    """Read the cells of one row by column index > field. Never raises for what is in the cells."""
    parsed = Parsed()
    if _is_total(cells):
        parsed.skipped = Say("Dit is een regel met een totaal en geen gegeven. Hij wordt overgeslagen.")
        return parsed
    reading = _Reading(parsed, today or this_day())
    for column, name in mapping.items():
        reading.read(field_of(kind, name), cells[column] if column < len(cells) else "")
    settle(kind, parsed)
    _require(kind, mapping, parsed)
    return parsed


def text_of(cell: Cell) -> str:
    """A cell as a person would type it: 10001, 37.56, ja, 31-12-2026."""
    if isinstance(cell, bool):
        return "ja" if cell else "nee"
    if isinstance(cell, dt.date):
        return f"{cell.day}-{cell.month}-{cell.year}"
    return "" if isinstance(cell, Fault) else str(cell)


_TOTAL = re.compile(r"(sub|eind|gene)?tota(al|len|l|ls)\b.*|(grand|sub) ?total\b.*|aantal\b.*", re.IGNORECASE)


def _is_total(cells: Sequence[Cell]) -> bool:
    """The first filled cell says so, and hardly anything stands beside it."""
    filled = [cell for cell in cells if cell != ""]
    return (
        0 < len(filled) <= max(2, len(cells) // 3) and isinstance(filled[0], str) and bool(_TOTAL.fullmatch(filled[0]))
    )


# How people write that there is nothing.
_NOTHING = frozenset(
    (
        "n.v.t.",
        "nvt",
        "n.v.t",
        "niet van toepassing",
        "-",
        "--",
        "–",
        "—",
        "?",
        "n/a",
        "geen",
        "onbekend",
        "n.b.",
        "nb",
        "nihil",
        "null",
        "none",
    )
)
_NOTHING_FOR = frozenset(
    (
        "kvk",
        "rsin",
        "branch_number",
        "payroll_numbers",
        "website",
        "vat",
        "iban",
        "email",
        "phone",
        "date",
        "postcode",
        "sbi",
        "house_number",
        "gender",
        "language",
        "address",
        "country",
    )
)


class _Reading:
    """The parsers, by the name that a Field has for them in `reads`."""

    def __init__(self, parsed: Parsed, today: dt.date) -> None:
        self._parsed = parsed
        self._today = today
        self._field: Field = FIELDS["groups"][0]

    def read(self, field: Field, cell: Cell) -> None:
        self._field = field
        if isinstance(cell, Fault):
            self._parsed.errors.append((field.name, cell.why))
            return
        text = text_of(cell)
        if not text or (field.reads in _NOTHING_FOR and text.casefold() in _NOTHING):
            self._keep(
                [] if field.reads in ("groups", "duties", "approver_role") else None if field.reads == "date" else ""
            )
            return
        try:
            parser: Callable[[Cell, str], Value] | None = getattr(self, f"_{field.reads}", None)
            self._keep(parser(cell, text) if parser else self._text(cell, text))
        except Refused as refused:
            self._parsed.errors.append((field.name, refused.why))

    def _keep(self, value: Value) -> None:
        if isinstance(value, str) and len(value) > self._field.most:
            raise Refused(
                "",
                Say(
                    "Dit is te lang: {length} tekens, en er passen er {most}.", length=len(value), most=self._field.most
                ),
            )
        self._parsed.values[self._field.name] = value

    def _warn(self, say: Say) -> None:
        self._parsed.warnings.append((self._field.name, say))

    def _text(self, cell: Cell, text: str) -> str:
        if _LOST_LETTER.search(text):
            self._warn(Say("In “{text}” lijkt een letter verloren te zijn gegaan.", text=text[:80]))
        return " ".join(text.split())

    def _lines(self, cell: Cell, text: str) -> str:
        return text

    _name = _text

    def _number(self, cell: Cell, text: str) -> str:
        if isinstance(cell, float | bool | dt.date):
            raise Refused("", Say("“{text}” is geen nummer van een cliënt.", text=text))
        return self._text(cell, text)

    def _legal_form(self, cell: Cell, text: str) -> str:
        return _LEGAL_FORMS.get(heading_key(text), " ".join(text.split()))

    def _kvk(self, cell: Cell, text: str) -> str:
        if isinstance(cell, int) and len(text) == 7:
            # Only a spreadsheet's number loses its zero; seven digits of text are seven digits.
            self._warn(Say("De nul vooraan is weggevallen in de spreadsheet: gelezen als 0{text}.", text=text))
            text = f"0{text}"
        return dutch.kvk(text)

    def _rsin(self, cell: Cell, text: str) -> str:
        return dutch.rsin(text)

    def _branch_number(self, cell: Cell, text: str) -> str:
        if isinstance(cell, int) and 8 <= len(text) < 12:
            text = text.zfill(12)
        return dutch.branch_number(text)

    def _payroll_numbers(self, cell: Cell, text: str) -> str:
        return dutch.payroll_tax_numbers(text)

    def _website(self, cell: Cell, text: str) -> str:
        return dutch.website(text)

    def _dutch_postcode(self, cell: Cell, text: str) -> str:
        return dutch.postcode(text)

    def _client_kind(self, cell: Cell, text: str) -> str:
        return _known(
            text,
            _CLIENT_KINDS,
            Say("“{text}” is geen soort cliënt. Schrijf organisatie, eenmanszaak of particulier.", text=text[:40]),
        )

    def _vat(self, cell: Cell, text: str) -> str:
        return dutch.vat(text)

    def _iban(self, cell: Cell, text: str) -> str:
        return dutch.iban(text)

    def _email(self, cell: Cell, text: str) -> str:
        return dutch.email(text)

    def _phone(self, cell: Cell, text: str) -> str:
        if re.fullmatch("[1-9][0-9]{8}", text):
            restored = f"06-{text[1:]}" if text.startswith("6") else f"0{text}"
            self._warn(Say("De nul vooraan is weggevallen: gelezen als {restored}.", restored=restored))
            return restored
        return dutch.phone(text)

    def _house_number(self, cell: Cell, text: str) -> str:
        return " ".join(text.split())

    def _postcode(self, cell: Cell, text: str) -> str:
        return text  # judged when the country is known

    def _city(self, cell: Cell, text: str) -> str:
        return city_in_lower_case(self._text(cell, text))

    def _country(self, cell: Cell, text: str) -> str:
        code = _COUNTRIES.get(fold(text).replace(".", ""), text.upper())
        if not re.fullmatch("[A-Z]{2}", code):
            raise Refused(
                "", Say("“{text}” is geen land dat wij kennen. Schrijf bijvoorbeeld NL of BE.", text=text[:40])
            )
        return code

    def _address(self, cell: Cell, text: str) -> str:
        return self._text(cell, text)

    def _postcode_city(self, cell: Cell, text: str) -> str:
        return " ".join(text.split())

    def _sbi(self, cell: Cell, text: str) -> str:
        return f"{cell:.2f}" if isinstance(cell, float) else text

    def _groups(self, cell: Cell, text: str) -> list[str]:
        names = list(dict.fromkeys(" ".join(name.split()) for name in re.split(r"[;|\n]", text) if name.strip()))
        if len(names) > 1:
            self._warn(Say("Hier staan {count} groepen: {names}.", count=len(names), names=", ".join(names)[:200]))
        if any(len(name) > self._field.most for name in names):
            raise Refused("", Say("De naam van de groep is te lang: er passen {most} tekens.", most=self._field.most))
        return names

    def _date(self, cell: Cell, text: str) -> dt.date:
        if isinstance(cell, dt.datetime):
            return cell.date()
        if isinstance(cell, dt.date):
            return cell
        if isinstance(cell, int) and not isinstance(cell, bool) and 15_000 < cell < 80_000:
            read = dt.date(1899, 12, 30) + dt.timedelta(days=cell)
        elif re.fullmatch(r"\d{1,2} ?[-/.] ?\d{1,2} ?[-/.] ?\d{2}", text):
            read = dutch.parse_short_date(text, self._today)
        else:
            return dutch.parse_date(text)
        self._warn(Say("“{text}” is gelezen als {date}.", text=text, date=text_of(read)))
        return read

    def _initials(self, cell: Cell, text: str) -> str:
        return re.sub(r"\.\s+(?=\w)", ".", self._text(cell, text))

    def _prefix(self, cell: Cell, text: str) -> str:
        return self._text(cell, text).replace("’", "'")

    def _person(self, cell: Cell, text: str) -> str:
        return self._text(cell, text)

    def _gender(self, cell: Cell, text: str) -> str:
        return _known(
            text, _GENDERS, Say("“{text}” is geen geslacht dat wij kennen. Schrijf M, V of niets.", text=text[:40])
        )

    def _language(self, cell: Cell, text: str) -> str:
        return _known(text, _LANGUAGES, Say("“{text}” is geen taal van het portaal. Schrijf nl of en.", text=text[:40]))

    def _staff_role(self, cell: Cell, text: str) -> str:
        why = Say("“{text}” is geen rol op kantoor. Kies beheerder, kantoorbeheerder of medewerker.", text=text[:40])
        return _known(text, _STAFF_ROLES, why)

    def _second_factor(self, cell: Cell, text: str) -> str:
        return _known(text, _SECOND_FACTORS, Say("Schrijf ja, nee of optioneel."))

    def _yes_no(self, cell: Cell, text: str) -> str:
        return _known(text, _YES_NO, Say("Schrijf ja of nee."))

    def _duties(self, cell: Cell, text: str) -> list[str]:
        """For what a colleague is responsible, in any of their names; between commas, or on lines of their own."""
        words = [fold(word).strip(" .") for word in re.split(r"[,;|\n/+]", text) if word.strip()]
        if unknown := [word for word in words if word not in _DUTIES]:
            names = ", ".join(str(words) for words in RESPONSIBLE_FOR.values())
            raise Refused("", Say("“{text}” kennen wij niet. Kies uit: {names}.", text=unknown[0][:40], names=names))
        found = {_DUTIES[word] for word in words}
        return [duty for duty in RESPONSIBLE_FOR if duty in found]

    def _approver_role(self, cell: Cell, text: str) -> list[str]:
        """As what somebody approves at the client, in any of its names; more than one between commas, or on lines of their own."""
        words = [" ".join(fold(word).strip(" .").split()) for word in re.split(r"[,;|\n/+]", text) if word.strip()]
        if unknown := [word for word in words if word not in _APPROVER_ROLES]:
            why = "“{text}” is geen rol bij accorderen. Kies directeur, partner, salariscontact of gemachtigde."
            raise Refused("", Say(why, text=unknown[0][:40]))
        found = {_APPROVER_ROLES[word] for word in words}
        return [role for role in APPROVER_ROLES if role in found]

    def _role(self, cell: Cell, text: str) -> str:
        return _known(
            text,
            SPELLINGS,
            Say("“{text}” is geen rol. Kies beheerder, uploaden, accorderen, salaris of lezer.", text=text[:40]),
        )


_LOST_LETTER = re.compile(
    "(?<=[^\\W\\d_])\\?(?=[^\\W\\d_])|^\\?(?=[^\\W\\d_.]|\\.)|\ufffd|Ã[\u0080-\u00bf]|Â[\u00a0-\u00bf]"
)

_LEGAL_FORMS = {
    heading_key(word): form
    for form, words in {
        "BV": "bv, b.v., besloten vennootschap",
        "NV": "nv, n.v., naamloze vennootschap",
        "VOF": "vof, v.o.f., vennootschap onder firma",
        "CV": "cv, c.v., commanditaire vennootschap",
        "Maatschap": "maatschap",
        "Eenmanszaak": "eenmanszaak, ez, zzp, zzp'er",
        "Stichting": "stichting",
        "Vereniging": "vereniging",
        "Coöperatie": "coöperatie, coöperatie u.a., coöperatieve vereniging",
        "Particulier": "particulier, privé, natuurlijk persoon, ib",
    }.items()
    for word in words.split(", ")
}
_COUNTRIES = {
    "nederland": "NL",
    "the netherlands": "NL",
    "netherlands": "NL",
    "holland": "NL",
    "nld": "NL",
    "belgie": "BE",
    "belgium": "BE",
}
_COUNTRIES |= {
    "duitsland": "DE",
    "germany": "DE",
    "frankrijk": "FR",
    "france": "FR",
    "luxemburg": "LU",
    "verenigd koninkrijk": "GB",
    "uk": "GB",
}
_CLIENT_KINDS = dict.fromkeys(
    ("organisatie", "rechtspersoon", "bedrijf", "onderneming", "zakelijk", "organisation", "company"), "organisation"
)
_CLIENT_KINDS |= dict.fromkeys(
    ("eenmanszaak", "zzp", "zzp'er", "eenmanszaak of zzp", "sole trader", "sole_trader"), "sole_trader"
)
_CLIENT_KINDS |= dict.fromkeys(
    ("particulier", "prive", "natuurlijk persoon", "privepersoon", "private", "private person"), "private"
)
_GENDERS = dict.fromkeys(("m", "man", "heer", "dhr", "de heer", "mr", "male"), "M")
_GENDERS |= dict.fromkeys(("v", "f", "vrouw", "mevrouw", "mevr", "mw", "mrs", "ms", "female"), "V")
_GENDERS |= dict.fromkeys(("o", "x", "onbekend"), "")
_STAFF_ROLES = dict.fromkeys(("beheerder", "administrator", "admin", "hoofdbeheerder"), "administrator")
_STAFF_ROLES |= dict.fromkeys(
    ("kantoorbeheerder", "office administrator", "office_administrator", "kantoormanager"), "office_administrator"
)
_STAFF_ROLES |= dict.fromkeys(("medewerker", "employee", "kantoormedewerker", "gebruiker"), "employee")
_YES_NO = dict.fromkeys(("ja", "j", "yes", "y", "x", "1", "waar", "true", "alle"), "ja")
_YES_NO |= dict.fromkeys(("nee", "n", "no", "0", "onwaar", "false"), "nee")
_SECOND_FACTORS = {"ja": "yes", "verplicht": "yes", "yes": "yes", "nee": "no", "no": "no", "optioneel": "optional"}
_SECOND_FACTORS |= {"optional": "optional", "vrij": "optional", "kantoor": "", "standaard": "", "default": ""}
_DUTIES = {key: key for key in RESPONSIBLE_FOR} | {fold(str(words)): key for key, words in RESPONSIBLE_FOR.items()}
_DUTIES |= {
    "relatiebeheerder": "manager", "beheer": "manager", "accountmanager": "manager", "assistente": "assistant", "fiscaal": "tax",
    "fiscalist": "tax", "belasting": "tax", "aangifte": "tax", "salaris": "payroll", "loon": "payroll", "lonen": "payroll",
    "salarisadministratie": "payroll", "boekhouding": "accounts", "boekhouder": "accounts", "jaarrekening": "accounts",
}  # fmt: skip
_APPROVER_ROLES = {key: key for key in APPROVER_ROLES} | {
    fold(str(words)): key for key, words in APPROVER_ROLES.items()
}
_APPROVER_ROLES |= dict.fromkeys(
    ("directie", "directrice", "dga", "bestuurder", "bestuur", "directeur-grootaandeelhouder", "directeur grootaandeelhouder", "eigenaar",
     "ondernemer", "vennoot", "maat", "owner", "managing director"),
    "director",
)  # fmt: skip
_APPROVER_ROLES |= dict.fromkeys(
    ("partner", "fiscale partner", "echtgenoot", "echtgenote", "fiscal partner", "spouse"), "partner"
)
_APPROVER_ROLES |= dict.fromkeys(
    ("salaris", "salariscontactpersoon", "contact salaris", "contactpersoon salaris", "salarisadministratie", "salarisadministrateur",
     "loon", "loonadministratie", "payroll contact"),
    "payroll",
)  # fmt: skip
_APPROVER_ROLES |= dict.fromkeys(
    (
        "gevolmachtigde",
        "volmacht",
        "gemachtigd",
        "tekenbevoegd",
        "tekenbevoegde",
        "procuratiehouder",
        "authorized",
        "proxy",
    ),
    "authorised",
)
_LANGUAGES = {"nl": "nl", "nederlands": "nl", "dutch": "nl", "nld": "nl", "nl-nl": "nl"}
_LANGUAGES |= {"en": "en", "engels": "en", "english": "en", "eng": "en", "en-gb": "en", "en-us": "en", "uk": "en"}


def _known(text: str, words: Mapping[str, str], otherwise: Say) -> str:
    value = words.get(fold(text).strip(" ."))
    if value is None:
        raise Refused("", otherwise)
    return value


def _require(kind: Kind, mapping: Mapping[int, str], parsed: Parsed) -> None:
    """A record needs its number and name; a contact of whom there is anything, a name and an e-mail address."""
    wrong = {name for name, _ in parsed.errors}
    needed = [field.name for field in FIELDS[kind] if field.is_required]
    if kind == "clients" and any(value for name, value in parsed.values.items() if name.startswith("contact_")):
        needed += ["contact_surname", "contact_email"]
    if kind == "duties":
        needed += [] if parsed.values.get("colleague") else ["colleague_email"]
    for name in needed:
        if (
            not parsed.values.get(name)
            and name not in wrong
            and not (name.endswith("surname") and f"{name.removesuffix('surname')}name" in wrong)
        ):
            label = Say(field_of(kind, name).dutch)
            parsed.errors.append((name, Say("{field} ontbreekt.", field=label)))
