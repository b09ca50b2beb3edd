"""The words of a certificate, each in Dutch and in English: a certificate in English says both, Dutch first, because an
inspector reads it too."""

from __future__ import annotations

from typing import Any, NamedTuple


class Both(NamedTuple):
    nl: str
    en: str

    def of(self, language: str, /, **values: Any) -> str:
        """Dutch; for who reads English the English behind it."""
        return (
            self.nl.format(**values)
            if language == "nl" or self.nl == self.en
            else f"{self.nl} / {self.en}".format(**values)
        )

    def lines(self, language: str, /, **values: Any) -> list[str]:
        """As `of`, each language in a paragraph of its own."""
        return [text.format(**values) for text in ((self.nl,) if language == "nl" else (self.nl, self.en))]


TITLE = Both("Akkoordverklaring", "Certificate of approval")
AGAIN = Both(
    "Opnieuw verzegeld: het eerdere exemplaar was verloren of beschadigd. De inhoud komt uit hetzelfde vastgelegde bewijs.",
    "Sealed anew: the earlier copy was lost or damaged. Its content comes from the same recorded proof.",
)
LABELS: dict[str, Both] = {
    "client": Both("Cliënt", "Client"),
    "kind": Both("Soort", "Kind"),
    "title": Both("Onderwerp", "Subject"),
    "period": Both("Periode", "Period"),
    "addressee": Both("Bestemd voor", "Addressee"),
    "amount": Both("Bedrag", "Amount"),
    "completed": Both("Afgerond", "Completed"),
    "office": Both("Kantoor", "Office"),
    "reference": Both("Kenmerk", "Reference"),
    "file": Both("Bestand", "File"),
    "pages": Both("Pagina’s", "Pages"),
    "hash": Both("SHA-256", "SHA-256"),
    "who": Both("Wie", "Who"),
    "when": Both("Wanneer (Nederlandse tijd)", "When (Dutch time)"),
    "way": Both("Bewezen met", "Proved by"),
    "stated": Both("Verklaarde", "Stated"),
    "main": Both("te accorderen", "for approval"),
    "attachment": Both("bijlage", "attachment"),
    "scan": Both("scan van wat op papier getekend is", "scan of what was signed on paper"),
    "noted": Both("getekend op {day}, vastgelegd door {name}", "signed on {day}, recorded by {name}"),
    "locked": Both("met wachtwoord", "with a password"),
    "number": Both("Nr.", "No."),
    "utc": Both("Tijd (UTC en Nederland)", "Time (UTC and Netherlands)"),
    "act": Both("Handeling", "Act"),
    "from": Both("Vanaf", "From"),
    "page": Both("Pagina {page} van {pages}", "Page {page} of {pages}"),
}
PARTS = Both("Stukken", "Documents")
APPROVALS = Both("Akkoord gegeven door", "Approved by")
RECORD = Both("Vastgelegd bewijs", "Recorded proof")
CHAIN = Both(
    "Elke handeling is met een rekensom aan de vorige vastgemaakt. Tot en met handeling {number} is de uitkomst:",
    "Every act is bound to the one before it by a computation. Up to act {number} its outcome is:",
)
ON_PAPER = Both(
    "Op papier akkoord, vastgelegd door het kantoor; de scan staat bij de stukken.",
    "Approved on paper, recorded by the office; the scan is among the documents.",
)
NOBODY = Both("Er staat geen akkoord in het bewijs.", "The proof holds no approval.")
BEHALF = Both("namens {name}", "on behalf of {name}")
LEVEL = Both("Wat voor handtekening dit is", "What kind of signature this is")
LEVEL_TEXT = (
    Both(
        "Een gewone elektronische handtekening met sterk bewijs (eIDAS-verordening, artikel 3 onder 10). Wie akkoord gaf, was aangemeld "
        "en bewees daarnaast wie hij is met {way}. Zijn akkoord geldt voor precies de bytes waarvan de SHA-256 hierboven staat.",
        "A simple electronic signature with strong proof (eIDAS Regulation, article 3(10)). Who approved was signed in, and also proved who "
        "he is by {way}. The approval is of exactly the bytes whose SHA-256 stands above.",
    ),
    Both(
        "Het is geen gekwalificeerde elektronische handtekening, en DigiD of eHerkenning is niet gebruikt. Gebruik dit niet waar de wet een "
        "gekwalificeerde handtekening, een notariële akte of een handtekening op papier vraagt.",
        "It is not a qualified electronic signature, and neither DigiD nor eHerkenning was used. Do not use it where the law asks for a "
        "qualified signature, a notarial deed or a signature on paper.",
    ),
    Both(
        "Het kantoor heeft dit document verzegeld (PAdES). Elke wijziging daarna is in een PDF-lezer te zien. Een zegel onder een eigen "
        "certificaat van het kantoor kent uw PDF-lezer niet als vertrouwd; vergelijk dan de vingerafdruk met die van het kantoor:",
        "The office sealed this document (PAdES). A PDF reader shows every change made after that. Your reader does not know a seal under the "
        "office’s own certificate as trusted; compare its fingerprint with the one the office gives:",
    ),
)
CHECK = Both(
    "Nakijken: {url} vergelijkt een bestand met wat hier is vastgelegd. Het bestand verlaat uw computer niet.",
    "Check: {url} compares a file with what is recorded here. The file does not leave your computer.",
)
WAYS: dict[str, Both] = {
    "pin": Both("zijn pincode", "a PIN"),
    "codes": Both("een eenmalige code van zijn lijst", "a one-time code from a list"),
    "totp": Both("een code van zijn authenticator-app", "a code of an authenticator app"),
    "passkey": Both("zijn passkey", "a passkey"),
    "": Both("zijn handtekening op papier", "a signature on paper"),
}
ACTS: dict[str, Both] = {
    "made": Both("Gemaakt", "Made"),
    "sign_off_asked": Both("Ter autorisatie voorgelegd", "Submitted for sign-off"),
    "signed_off": Both("Geautoriseerd door het kantoor", "Signed off by the office"),
    "sent_back": Both("Teruggestuurd", "Sent back"),
    "offered": Both("Ter accordering aangeboden", "Offered for approval"),
    "asked": Both("Gevraagd", "Asked"),
    "mail_handed_over": Both("Bericht bezorgd bij de mailserver", "Message handed to the mail server"),
    "opened": Both("Geopend", "Opened"),
    "page_seen": Both("Pagina bekeken", "Page seen"),
    "approved": Both("Akkoord", "Approved"),
    "rejected": Both("Niet akkoord", "Refused"),
    "question": Both("Vraag gesteld", "Question asked"),
    "answer": Both("Vraag beantwoord", "Question answered"),
    "part_replaced": Both("Stuk vervangen; eerder akkoord vervalt", "Document replaced; earlier approval void"),
    "voided": Both("Vervallen", "Voided"),
    "withdrawn": Both("Ingetrokken", "Withdrawn"),
    "replaced": Both("Vervangen", "Replaced"),
    "expired": Both("Verlopen", "Expired"),
    "extended": Both("Uitgesteld", "Extended"),
    "on_paper": Both("Op papier akkoord", "Approved on paper"),
    "completed": Both("Afgerond", "Completed"),
    "sealed": Both("Verzegeld", "Sealed"),
    "filed": Both("In het dossier geplaatst", "Filed in the dossier"),
    "resealed": Both("Opnieuw verzegeld", "Sealed anew"),
    "reminded": Both("Herinnerd", "Reminded"),
}
MONTHS = (
    Both("januari", "January"), Both("februari", "February"), Both("maart", "March"), Both("april", "April"), Both("mei", "May"),
    Both("juni", "June"), Both("juli", "July"), Both("augustus", "August"), Both("september", "September"), Both("oktober", "October"),
    Both("november", "November"), Both("december", "December"),
)  # fmt: skip


def period_of(period: str, book_year: int | None) -> Both:
    """'k1' and 2026: 1e kwartaal 2026 / quarter 1 of 2026; 'm01': januari 2026; 'p01': periode 1 van 2026."""
    year = str(book_year or "")
    number = int(period[1:]) if period[1:].isdecimal() else 0
    if period.startswith("k") and number:
        return Both(f"{number}e kwartaal {year}".strip(), f"quarter {number} {year}".strip())
    if period.startswith("m") and 1 <= number <= 12:
        return Both(f"{MONTHS[number - 1].nl} {year}".strip(), f"{MONTHS[number - 1].en} {year}".strip())
    if period.startswith("p") and number:
        return Both(f"periode {number} {year}".strip(), f"period {number} {year}".strip())
    return Both(year, year)


def amount_of(cents: int) -> Both:
    """€ 1.234,56 te betalen / € 1,234.56 to pay; what is below nought is to be received."""
    text = f"{abs(cents) / 100:,.2f}"
    dutch = text.translate(str.maketrans(",.", ".,"))
    if cents < 0:
        return Both(f"€ {dutch} te ontvangen", f"€ {text} to receive")
    return Both(f"€ {dutch} te betalen", f"€ {text} to pay")
