"""The kinds an office begins with, and the words to which an approver agrees; the office edits both."""

from __future__ import annotations

from typing import NamedTuple


class Starter(NamedTuple):
    """One kind; `rule` names its calendar in deadlines.RULES."""

    name: str
    name_en: str
    rule: str
    addressee: str
    words: str
    least_level: str = "pin"
    needs_sign_off: bool = False
    folder: str = "Boekjaar {boekjaar} › Accordering"


# The name stands between quotation marks: “de aangifte”, “het overzicht” and “de notulen” then read alike.
_RETURN, _ACCOUNTS, _FILING, _LETTER, _PAYROLL, _OTHER = "return", "accounts", "filing", "letter", "payroll", "other"
WORDS: dict[str, tuple[str, str]] = {
    _RETURN: (
        "Ik heb “{kind} {period}” van {client} bekeken, verklaar dat de gegevens volgens mij juist en volledig zijn, en geef het kantoor opdracht deze in te dienen bij {addressee}.",
        "I have looked at “{kind} {period}” of {client}, declare that to my knowledge its data are correct and complete, and instruct the office to submit it to {addressee}.",
    ),
    _ACCOUNTS: (
        "Ik heb “{kind} {period}” van {client} bekeken en ga akkoord met de inhoud.",
        "I have looked at “{kind} {period}” of {client} and agree with its content.",
    ),
    _FILING: (
        "Ik heb “{kind} {period}” van {client} bekeken, ga akkoord met de inhoud en geef het kantoor opdracht deze te deponeren bij {addressee}.",
        "I have looked at “{kind} {period}” of {client}, agree with its content and instruct the office to file it with {addressee}.",
    ),
    _LETTER: (
        "Ik heb “{kind} {period}” van {client} gelezen en ga namens {client} akkoord met de inhoud.",
        "I have read “{kind} {period}” of {client} and agree with its content on behalf of {client}.",
    ),
    _PAYROLL: (
        "Ik heb “{kind} {period}” van {client} bekeken en ga akkoord met de verwerking en de betaling.",
        "I have looked at “{kind} {period}” of {client} and agree with its processing and payment.",
    ),
    _OTHER: (
        "Ik heb “{kind} {period}” van {client} bekeken en ga akkoord.",
        "I have looked at “{kind} {period}” of {client} and agree.",
    ),
}
_TAX, _KVK = "de Belastingdienst", "de Kamer van Koophandel"

KINDS = (
    Starter("Aangifte inkomstenbelasting", "Income tax return", "ib", _TAX, _RETURN),
    Starter("Aangifte vennootschapsbelasting", "Corporate income tax return", "vpb", _TAX, _RETURN),
    Starter("Aangifte omzetbelasting", "VAT return", "ob", _TAX, _RETURN),
    Starter("Opgaaf ICP", "EC sales list", "icp", _TAX, _RETURN),
    Starter("Aangifte loonheffingen", "Payroll tax return", "lh", _TAX, _RETURN),
    Starter("Suppletie omzetbelasting", "VAT correction", "", _TAX, _RETURN),
    Starter("Aangifte dividendbelasting", "Dividend tax return", "dividend", _TAX, _RETURN),
    Starter("Aangifte erfbelasting", "Inheritance tax return", "", _TAX, _RETURN),
    Starter("Aangifte schenkbelasting", "Gift tax return", "", _TAX, _RETURN),
    Starter("Jaarrekening (concept)", "Annual accounts (draft)", "", "", _ACCOUNTS),
    Starter("Jaarrekening (definitief)", "Annual accounts (final)", "", "", _ACCOUNTS, needs_sign_off=True),
    Starter("Publicatiestukken", "Publication documents", "kvk", _KVK, _FILING),
    Starter("Opdrachtbevestiging", "Engagement letter", "", "", _LETTER, folder="Correspondentie"),
    Starter("Bevestiging bij de jaarrekening (LOR)", "Letter of representation", "", "", _LETTER),
    Starter("Notulen AVA", "Minutes of the general meeting", "", "", _LETTER),
    Starter("Salarisrun", "Payroll run", "", "", _PAYROLL, folder="Salaris {boekjaar}"),
    Starter("Overig", "Other", "", "", _OTHER),
)
