"""What an office begins with: kinds of papers, each with the retention class that it usually falls under."""

STARTER_KINDS = (
    ("Aangifte", "Administratie"),
    ("Aanslag", "Administratie"),
    ("Jaarrekening", "Administratie"),
    ("Grootboek en administratie", "Administratie"),
    ("Bankafschrift", "Administratie"),
    ("Factuur", "Administratie"),
    ("Contract", "Administratie"),
    ("Loonstrook en loonstaat", "Loonadministratie"),
    ("Personeelsstuk", "Personeelsstukken zonder fiscaal belang"),
    ("Identiteitsbewijs", "Loonbelastingverklaring en kopie identiteitsbewijs"),
    ("Wwft-onderzoek", "Wwft-cliëntonderzoek"),
    ("Brief", ""),
    ("Overig", ""),
)

# name, kind, retention class, what lies in it
_WWFT = ("Cliëntonderzoek (Wwft)", "internal", "Wwft-cliëntonderzoek", ())
_INTERN = ("Intern", "internal", "", (_WWFT, ("Notities", "internal", "", ())))
_AANLEVEREN = (
    "Aanleveren",
    "upload",
    "Administratie",
    (
        ("Bankafschriften", "upload", "Administratie", ()),
        ("Inkoopfacturen", "upload", "Administratie", ()),
        ("Verkoopfacturen", "upload", "Administratie", ()),
        ("Overige stukken", "upload", "Administratie", ()),
    ),
)
_SALARIS = (
    "Salaris {boekjaar}",
    "office",
    "Loonadministratie",
    (
        ("Loonstroken", "office", "Loonadministratie", ()),
        ("Loonaangiften", "office", "Loonadministratie", ()),
        ("Jaaropgaven", "office", "Loonadministratie", ()),
        ("Mutaties aanleveren", "upload", "Loonadministratie", ()),
    ),
)
_CORRESPONDENTIE = ("Correspondentie", "both", "", ())


def _year(*tax: str) -> tuple[str, str, str, tuple[tuple[str, str, str, tuple[()]], ...]]:
    names = ("Jaarstukken", *(f"Aangifte {one}" for one in tax), "Administratie")
    return (
        "Boekjaar {boekjaar}",
        "office",
        "Administratie",
        tuple((name, "office", "Administratie", ()) for name in names),
    )


STRUCTURES: dict[str, tuple[str, tuple[object, ...]]] = {
    "bv": (
        "Besloten vennootschap",
        (
            ("Permanent", "office", "", tuple((name, "office", "", ()) for name in ("Oprichting en statuten", "Aandeelhouders", "Contracten en leningen", "Verzekeringen"))),
            _year("omzetbelasting", "vennootschapsbelasting", "dividendbelasting"),
            _SALARIS, _AANLEVEREN, _CORRESPONDENTIE, _INTERN,
        ),
    ),
    "zzp": (
        "Eenmanszaak of zzp",
        (
            ("Permanent", "office", "", tuple((name, "office", "", ()) for name in ("Inschrijvingen", "Contracten", "Verzekeringen"))),
            _year("omzetbelasting", "inkomstenbelasting"), _AANLEVEREN, _CORRESPONDENTIE, _INTERN,
        ),
    ),
    "vof": (
        "Vof of maatschap",
        (
            ("Permanent", "office", "", tuple((name, "office", "", ()) for name in ("Vennootschapscontract", "Vennoten", "Contracten", "Verzekeringen"))),
            _year("omzetbelasting", "inkomstenbelasting vennoten"), _SALARIS, _AANLEVEREN, _CORRESPONDENTIE, _INTERN,
        ),
    ),
    "salaris": (
        "Alleen salarisadministratie",
        (
            ("Permanent", "office", "", tuple((name, "office", "", ()) for name in ("Loonheffingennummer en cao", "Pensioen en verzuim"))),
            _SALARIS,
            (
                "Personeel", "upload", "Personeelsstukken zonder fiscaal belang",
                (
                    ("Arbeidsovereenkomsten", "upload", "Personeelsstukken zonder fiscaal belang", ()),
                    ("Identiteitsbewijzen", "upload", "Loonbelastingverklaring en kopie identiteitsbewijs", ()),
                ),
            ),
            _CORRESPONDENTIE, _INTERN,
        ),
    ),
    "particulier": (
        "Particulier",
        (
            ("Belastingjaar {boekjaar}", "office", "Administratie", tuple((name, "office", "Administratie", ()) for name in ("Aangifte inkomstenbelasting", "Aanslagen", "Toeslagen"))),
            ("Aanleveren {boekjaar}", "upload", "Administratie", tuple((name, "upload", "Administratie", ()) for name in ("Jaaropgaven", "Woning en hypotheek", "Giften en zorgkosten"))),
            ("Woning", "office", "Onroerende zaken (btw)", ()), _CORRESPONDENTIE, _INTERN,
        ),
    ),
    "stichting": (
        "Stichting of vereniging",
        (
            ("Permanent", "office", "", tuple((name, "office", "", ()) for name in ("Statuten en reglementen", "Bestuur", "Anbi"))),
            _year("omzetbelasting"), _AANLEVEREN, _CORRESPONDENTIE, _INTERN,
        ),
    ),
}  # fmt: skip

# What a folder of these is open to, where the office still has that template: its key, and whether one may hand in as well.
OPENS = {
    "Salaris {boekjaar}": ("salaris", False),
    "Mutaties aanleveren": ("salaris", True),
    "Personeel": ("salaris", True),
}
