"""The fields of every kind of list, and the many names that their columns have in other people's files."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

Kind = Literal["sectors", "groups", "staff", "clients", "duties", "users"]
# In the order in which the sheets of one workbook are worked out: what is named later is made earlier.
KINDS: tuple[Kind, ...] = ("sectors", "groups", "staff", "clients", "duties", "users")
# What can be chosen beside the columns: make groups that are not there; let people share an address; leave out clients that
# seem to be there already under another number.
CHOICES = ("make_groups", "share_addresses", "leave_doubles")
WORKBOOK = "workbook"  # the kind of an import that reads several sheets
PARTS: dict[Kind, str] = {
    "sectors": "sector", "groups": "group", "staff": "staff", "clients": "client", "duties": "duty", "users": "user",
}  # fmt: skip
SHEETS: dict[Kind, str] = {
    "sectors": "Branches", "groups": "Groepen", "staff": "Medewerkers", "clients": "Cliënten",
    "duties": "Verantwoordelijken", "users": "Gebruikers",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Field:
    """Something a column can hold. `reads` names the parser in `fields.py`; `most` is the room in the table."""

    name: str
    dutch: str
    english: str
    synonyms: tuple[str, ...]
    reads: str = "text"
    most: int = 120
    is_required: bool = False


def _field(
    name: str, dutch: str, english: str, synonyms: str, reads: str = "text", most: int = 120, required: bool = False
) -> Field:
    """Synonyms are written apart by commas, best first; the labels are synonyms themselves."""
    keys = dict.fromkeys(heading_key(word) for word in (dutch, english, *synonyms.split(",")))
    return Field(name, dutch, english, tuple(keys), reads, most, required)


def heading_key(text: str) -> str:
    """'Cliënt-nr. (verplicht) *' > 'clientnummer': letters and digits only, `nr` written out."""
    bare = re.sub(r"\([^)]*\)|\[[^]]*\]", " ", text)
    plain = unicodedata.normalize("NFKD", bare if bare.strip(" *:") else text).casefold()
    words = re.findall(r"[a-z0-9]+", "".join(ch for ch in plain if not unicodedata.combining(ch)))
    key = "".join(words)
    return re.sub(r"(?<=.)(nrs?|num|nummers|no)$", "nummer", key) if not key.endswith(("nummer", "info")) else key


def _person(prefix: str, own: bool) -> list[Field]:
    """The fields of a person; in a list of clients they carry the word that says whose they are."""
    dutch = "" if own else "contactpersoon"

    def names(text: str, bare: bool = True) -> str:
        words = [word.strip() for word in text.split(",")]
        if own:
            return ",".join(words)
        told = [f"{word} {who}" for word in words for who in ("contactpersoon", "contact", "gebruiker", "cp")]
        told += [
            f"{who} {word}"
            for word in words
            for who in ("contactpersoon", "contact", "gebruiker", "cp", "contact person", "user")
        ]
        return ",".join(told + (words if bare else []))

    def label(text: str) -> str:
        return text if own else f"{text} {dutch}"

    def english(text: str) -> str:
        return text if own else f"Contact: {text.lower()}"

    email = "e-mail, emailadres, e-mailadres, mail, mailadres, email address, e-mailaddress, inlognaam, login"
    phone = "telefoon, tel, telefoonnummer, telnr, mobiel, mobiele nummer, mobiel nummer, gsm, 06 nummer, phone, mobile"
    return [
        _field(
            f"{prefix}initials",
            label("Voorletters"),
            english("Initials"),
            names("voorletters, voorl, initialen, vl"),
            "initials",
            40,
        ),
        _field(
            f"{prefix}first_name",
            label("Voornaam"),
            english("First name"),
            names("voornaam, roepnaam, voornamen, first name, firstname, given name, call name"),
            "text",
            80,
        ),
        _field(
            f"{prefix}prefix",
            label("Tussenvoegsel"),
            english("Prefix"),
            names(
                "tussenvoegsel, tussenv, tussenvoegsels, tv, tussenv., voorvoegsel, voorvoegsels, voorv, infix, "
                "middle name"
            ),
            "prefix",
            40,
        ),
        _field(
            f"{prefix}surname",
            label("Achternaam"),
            english("Surname"),
            names("achternaam, familienaam, geslachtsnaam, achtern, last name, lastname, family name"),
            "text",
            200,
            own,
        ),
        _field(
            f"{prefix}name",
            label("Volledige naam"),
            english("Full name"),
            names("volledige naam, naam, gebruikersnaam, full name, name, medewerker", bare=False)
            + ("" if own else ",contactpersoon,contact,contactpersonen,gebruiker,contact person,t.a.v.,tav"),
            "person",
            240,
        ),
        _field(
            f"{prefix}gender",
            label("Geslacht"),
            english("Gender"),
            names("geslacht, aanhef, m/v, man/vrouw, sexe, gender, salutation, titel"),
            "gender",
            1,
        ),
        _field(f"{prefix}email", label("E-mail"), english("E-mail"), names(email, bare=False), "email", 254, own),
        _field(f"{prefix}phone", label("Telefoon"), english("Phone"), names(phone, bare=False), "phone", 40),
        _field(
            f"{prefix}language",
            label("Taal"),
            english("Language"),
            names("taal, taalcode, language, lang, voertaal"),
            "language",
            2,
        ),
        _field(
            f"{prefix}role",
            label("Rol"),
            english("Role"),
            names("rol, rechten, rechtensjabloon, gebruikersrol, profiel, role, rights, autorisatie"),
            "role",
            40,
        ),
    ]


_CLIENT_NUMBER = (
    "cliëntnummer, cliëntnr, klantnummer, klantnr, clientcode, klantcode, relatienummer, relatienr, relatiecode, "
    "debiteurnummer, "
    "debiteurnr, debiteurennummer, debiteurcode, deb.nr, debnr, cliënt, client number, client id, clientid, "
    "client no, customer number, "
    "customer no, customer id, account number, dossiernummer, administratienummer, adm.nr"
)

_STAFF = (
    *(field for field in _person("", own=True) if field.name not in ("role", "gender")),
    _field(
        "staff_role", "Kantoorrol", "Office role", "rol op kantoor, rol kantoor, functie op kantoor, staff role, rol", "staff_role", 30
    ),
    _field(
        "all_clients", "Ziet alle cliënten", "Sees all clients", "alle cliënten, alle klanten, toegang tot alle cliënten, all clients",
        "yes_no", 3,
    ),
)  # fmt: skip

FIELDS: dict[Kind, tuple[Field, ...]] = {
    "sectors": (
        _field(
            "name",
            "Branche",
            "Sector",
            "branchenaam, sectornaam, bedrijfstak, sector, omschrijving, naam, name, industry",
            "text",
            120,
            True,
        ),
        _field("sbi", "SBI-code", "SBI code", "sbi, sbi code, sbicode, code", "text", 8),
        _field("sbi_version", "SBI-versie", "SBI version", "versie, sbi versie, version, indeling", "text", 12),
    ),
    "staff": _STAFF,
    "duties": (
        _field(
            "client_number", "Cliëntnummer", "Client number", f"{_CLIENT_NUMBER}, nummer, nr, code", "number", 20, True
        ),
        _field(
            "colleague_email",
            "E-mail medewerker",
            "E-mail of colleague",
            "mail medewerker, e-mailadres medewerker, medewerker e-mail, e-mail verantwoordelijke, staff email, e-mail",
            "email",
            254,
        ),
        _field(
            "colleague",
            "Medewerker",
            "Colleague",
            "naam medewerker, medewerkernaam, verantwoordelijke, verantwoordelijk, behandelaar, dossierhouder, collega, staff",
            "text",
            240,
        ),
        _field(
            "duties",
            "Verantwoordelijk voor",
            "Responsible for",
            "rol, rollen, taak, taken, roles, duties, waarvoor",
            "duties",
            120,
        ),
    ),
    "groups": (
        _field(
            "name",
            "Groep",
            "Group",
            "groepsnaam, cliëntgroep, klantgroep, relatiegroep, groepnaam, naam groep, naam, group name, name, "
            "client group, segment",
            "text",
            120,
            True,
        ),
        _field(
            "description",
            "Omschrijving",
            "Description",
            "beschrijving, toelichting, omschr, opmerking, opmerkingen, notes",
            "lines",
            400,
        ),
    ),
    "clients": (
        _field(
            "number",
            "Cliëntnummer",
            "Client number",
            f"{_CLIENT_NUMBER}, nummer, nr, code, relatie code, id, number, no",
            "number",
            20,
            True,
        ),
        _field(
            "name",
            "Naam",
            "Name",
            "cliëntnaam, klantnaam, bedrijfsnaam, naam cliënt, naam klant, naam relatie, relatienaam, "
            "naam bedrijf, onderneming, bedrijf, firma, firmanaam, handelsnaam, statutaire naam, organisatie, "
            "weergavenaam, debiteur, debiteurnaam, relatie naam, client name, company, company name, customer, "
            "customer name, organisation, organization",
            "name",
            200,
            True,
        ),
        _field(
            "legal_form",
            "Rechtsvorm",
            "Legal form",
            "vorm, juridische vorm, ondernemingsvorm, bedrijfsvorm, rv, relatie vorm, entity type, company type",
            "legal_form",
            60,
        ),
        _field(
            "kvk",
            "KvK-nummer",
            "Chamber of Commerce number",
            "kvk, kvknr, kvk nummer, kamer van koophandel, handelsregisternummer, dossiernummer kvk, coc, "
            "coc number, chamber of commerce, registration number",
            "kvk",
            8,
        ),
        _field(
            "kind",
            "Soort cliënt",
            "Kind of client",
            "cliëntsoort, soort klant, klantsoort, soort relatie, relatiesoort, client kind, client type",
            "client_kind",
            12,
        ),
        _field(
            "branch_number",
            "Vestigingsnummer",
            "Branch number",
            "vestigingsnr, kvk vestigingsnummer, vestigingsnummer kvk, branch no",
            "branch_number",
            12,
        ),
        _field("rsin", "RSIN", "RSIN", "rsin nummer, fiscaal nummer, fiscaalnummer, rsin fiscaal nummer", "rsin", 9),
        _field(
            "payroll_numbers",
            "Loonheffingennummers",
            "Payroll tax numbers",
            "loonheffingennummer, loonheffingsnummer, lh nummer, loonbelastingnummer, lb nummer, payroll tax number",
            "payroll_numbers",
            200,
        ),
        _field(
            "vat",
            "Btw-id",
            "VAT id",
            "btw, btw nummer, btwnr, btw identificatienummer, btw id nummer, omzetbelastingnummer, ob nummer, "
            "vat, vat number, vat no, tax id",
            "vat",
            20,
        ),
        _field(
            "iban",
            "IBAN",
            "IBAN",
            "rekening, rekeningnummer, rek.nr, bankrekening, bankrekeningnummer, banknummer, iban nummer, "
            "bank account, account",
            "iban",
            34,
        ),
        _field(
            "address",
            "Adres",
            "Address",
            "adresregel, adresregel 1, straat en huisnummer, straat + huisnummer, vestigingsadres, bezoekadres, "
            "straat huisnr, straatnaam en huisnummer, address line 1, street address",
            "address",
            150,
        ),
        _field("street", "Straat", "Street", "straatnaam, street name", "text", 120),
        _field(
            "house_number",
            "Huisnummer",
            "House number",
            "huisnr, huisnummer, hnr, huisn, nummer adres, house no",
            "house_number",
            10,
        ),
        _field(
            "addition",
            "Toevoeging",
            "Addition",
            "toev, huisnummertoevoeging, huisnr toev, huisletter, toevoeging huisnummer, huisnummer toevoeging, "
            "tv huisnr, addition, suffix",
            "text",
            20,
        ),
        _field(
            "postcode",
            "Postcode",
            "Postcode",
            "pc, post code, postc, zip, zipcode, zip code, postal code",
            "postcode",
            12,
        ),
        _field(
            "city",
            "Plaats",
            "City",
            "woonplaats, vestigingsplaats, plaatsnaam, stad, gemeente, town, place",
            "city",
            120,
        ),
        _field(
            "postcode_city",
            "Postcode en plaats",
            "Postcode and city",
            "postcode / woonplaats, postcode / plaats, pc / plaats, pc woonplaats, postcode woonplaats, pc en plaats",
            "postcode_city",
            140,
        ),
        _field("country", "Land", "Country", "landcode, country code", "country", 2),
        _field(
            "email",
            "E-mail",
            "E-mail",
            "emailadres, e-mailadres, mail, mailadres, email bedrijf, algemeen e-mailadres, email cliënt, "
            "cliënt e-mail, email address, e-mail address",
            "email",
            254,
        ),
        _field(
            "phone",
            "Telefoon",
            "Phone",
            "tel, telefoonnummer, telnr, telefoonnr, telefoon zakelijk, tel.nr, mobiel, mobiele nummer, gsm, "
            "phone number, telephone, mobile",
            "phone",
            40,
        ),
        _field(
            "website",
            "Website",
            "Website",
            "internetadres, homepage, webadres, internet, site, web site",
            "website",
            200,
        ),
        _field(
            "post_street",
            "Postadres: straat",
            "Postal street",
            "post straat, postadres straat, correspondentie straat",
            "text",
            120,
        ),
        _field(
            "post_house_number",
            "Postadres: huisnummer",
            "Postal house number",
            "post huisnummer, postadres huisnummer, correspondentie huisnummer, postbusnummer",
            "house_number",
            10,
        ),
        _field(
            "post_addition",
            "Postadres: toevoeging",
            "Postal addition",
            "post toevoeging, postadres toevoeging",
            "text",
            20,
        ),
        _field(
            "post_postcode",
            "Postadres: postcode",
            "Postal postcode",
            "post postcode, postadres postcode, correspondentie postcode",
            "dutch_postcode",
            12,
        ),
        _field(
            "post_city",
            "Postadres: plaats",
            "Postal city",
            "post plaats, postadres plaats, correspondentie plaats, post woonplaats",
            "city",
            120,
        ),
        _field(
            "sbi",
            "SBI-code",
            "SBI code",
            "sbi, sbi nummer, bedrijfsactiviteit code, activiteitencode, sbicode",
            "sbi",
            10,
        ),
        _field(
            "sector",
            "Branche",
            "Sector",
            "bedrijfstak, sectornaam, branchenaam, sector, industry, bedrijfsactiviteit, activiteit",
            "text",
            120,
        ),
        _field(
            "groups",
            "Cliëntgroep",
            "Client group",
            "groep, groepen, groepsnaam, cliëntgroepen, klantgroep, relatiegroep, segment, categorie, "
            "client groups, group, groups",
            "groups",
            120,
        ),
        _field(
            "since",
            "Cliënt sinds",
            "Client since",
            "sinds, klant sinds, relatie sinds, startdatum, begindatum, ingangsdatum, datum in, aanvangsdatum, "
            "inschrijfdatum, start date, since, customer since",
            "date",
            10,
        ),
        _field(
            "manager",
            "Relatiebeheerder",
            "Account manager",
            "beheerder, accountmanager, cliëntverantwoordelijke, verantwoordelijke, klantbeheerder, "
            "relatie beheerder, behandelaar, dossierhouder, contactpersoon kantoor, responsible, manager",
            "text",
            120,
        ),
        _field(
            "language",
            "Taal cliënt",
            "Language of client",
            "taal van de cliënt, cliënttaal, client language",
            "language",
            2,
        ),
        _field(
            "second_factor",
            "Tweede factor",
            "Second factor",
            "2fa, tweestapsverificatie, two factor, mfa",
            "second_factor",
            8,
        ),
        _field("notes", "Notities", "Notes", "notitie, memo, interne notitie, internal notes", "lines", 4000),
        *_person("contact_", own=False),
    ),
    "users": (
        _field(
            "client_number",
            "Cliëntnummer",
            "Client number",
            f"{_CLIENT_NUMBER}, klant, relatie, bedrijf nummer, code, nummer, nr",
            "number",
            20,
            True,
        ),
        *_person("", own=True),
        _field(
            "approver_role",
            "Rol bij accorderen",
            "Approval role",
            "accorderingsrol, rol accorderen, rol accordering, accordeerrol, rol bij accordering, ondertekenrol, tekenrol, approver role, role when approving",
            "approver_role",
            80,
        ),
    ),
}

# Lists that are imported elsewhere: their headings tell where a sheet begins, and that it is not one of ours.
_OTHERS = (
    "personeelsnummer, pers.nr, werknemernummer, bsn, burgerservicenummer, geboortedatum, geb.datum, in "
    "dienst, datum in dienst, uit dienst, uurloon, uren p/w, uren per week, lhk, loonheffingskorting, periode, "
    "tijdvak, gewerkt, ziek, verlof, overwerk, overwerk 150%, reiskosten, salaris, functie"
)
OTHERS = frozenset(heading_key(word) for word in _OTHERS.split(", "))

_OF = {kind: {field.name: field for field in fields} for kind, fields in FIELDS.items()}


def field_of(kind: Kind, name: str) -> Field:
    return _OF[kind][name]


def known_heading(text: str) -> str:
    """Something the heading may mean in any list, or '': only used to find the heading row."""
    key = heading_key(text)
    return _KNOWN.get(key, "") if len(key) < 60 else ""


_KNOWN = {key: field.name for fields in FIELDS.values() for field in fields for key in field.synonyms} | {
    key: key for key in OTHERS
}
