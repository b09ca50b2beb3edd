"""Names for the sample office: common Dutch words put together by chance; any likeness is chance too."""

from __future__ import annotations

from random import Random

FIRST_NAMES = (
    "Aya", "Bram", "Chantal", "Daan", "Eva", "Femke", "Gijs", "Hanna", "Ilse", "Jeroen", "Karin", "Lars", "Mila", "Noor", "Omar", "Pien", "Quinten", "Roos", "Sven", "Tess", "Ugo", "Vera", "Wout", "Xandra", "Yara", "Zoë", "Zoltán", "Joëlle", "André", "Fatima", "Björn", "Łukasz", "İlker", "Chloé",
)  # fmt: skip
SURNAMES = (
    ("de", "Vries"), ("van den", "Berg"), ("", "Bakker"), ("", "Visser"), ("", "Smit"), ("de", "Boer"), ("", "Mulder"),
    ("de", "Groot"), ("van", "Dijk"), ("", "Yılmaz"), ("van 't", "Hof"), ("", "Peeters"), ("ter", "Horst"), ("", "Hendriks"),
    ("van der", "Meer"), ("", "Koçak"), ("op de", "Beek"), ("", "Vermeulen-Prins"), ("", "Dekker"), ("in 't", "Veld"),
    ("", "Brouwer"), ("de", "Wit"), ("", "Kok"), ("van", "Leeuwen"), ("el", "Amrani"), ("", "Prins"), ("", "Schouten"),
)  # fmt: skip
TRADES = (
    ("Bakkerij", "Horeca en voeding"), ("Garage", "Autobranche"), ("Loodgietersbedrijf", "Bouw en installatie"),
    ("Hoveniersbedrijf", "Bouw en installatie"), ("Café", "Horeca en voeding"), ("Kapsalon", "Persoonlijke verzorging"),
    ("Tandartspraktijk", "Zorg"), ("Webbureau", "Zakelijke dienstverlening"), ("Melkveehouderij", "Agrarisch"),
    ("Transportbedrijf", "Vervoer"), ("Schildersbedrijf", "Bouw en installatie"), ("Slagerij", "Horeca en voeding"),
    ("Fysiotherapie", "Zorg"), ("Bloemenzaak", "Detailhandel"), ("Rijwielhandel", "Detailhandel"), ("Adviesbureau", "Zakelijke dienstverlening"),
)  # fmt: skip
FORMS = ("B.V.", "eenmanszaak", "V.O.F.", "B.V.", "stichting", "B.V.")
STREETS = (
    "Dorpsstraat",
    "Kerkplein",
    "Stationsweg",
    "Hoofdstraat",
    "Industrieweg",
    "Molenlaan",
    "Havenkade",
    "’s-Gravenweg",
    "Éénhoornlaan",
)
CITIES = (("1012 AB", "Amsterdam"), ("3512 JE", "Utrecht"), ("8011 PK", "Zwolle"), ("5211 NG", "’s-Hertogenbosch"), ("9712 HX", "Groningen"),
          ("6811 DG", "Arnhem"), ("4331 BM", "Middelburg"), ("5473 AR", "Heeswijk-Dinther"), ("7201 CS", "Zutphen"))  # fmt: skip
GROUPS = (
    "Horeca en voeding",
    "Bouw en installatie",
    "Zorg",
    "Agrarisch",
    "Detailhandel",
    "Salarisadministratie",
    "Kwartaal btw",
)


def company(chance: Random) -> tuple[str, str, str]:
    """Name, legal form and sector of an enterprise."""
    trade, sector = chance.choice(TRADES)
    prefix, surname = chance.choice(SURNAMES)
    form = chance.choice(FORMS)
    name = f"{trade} {prefix} {surname}".replace("  ", " ")
    return (f"{name} {form}" if form in ("B.V.", "V.O.F.") else name), form, sector


def eleven_proof(base: int) -> str:
    """The first nine digits from `base` on that pass the test by which an RSIN is known."""
    while True:
        digits = f"{base:09d}"
        if sum(int(d) * w for d, w in zip(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1), strict=True)) % 11 == 0:
            return digits
        base += 1


def iban(account: int) -> str:
    """An account at the bank that exists for tests only (TSTB)."""
    rest = f"TSTB{account:010d}"
    number = "".join(str(int(ch, 36)) for ch in f"{rest}NL00")
    return f"NL{98 - int(number) % 97:02d}{rest}"
