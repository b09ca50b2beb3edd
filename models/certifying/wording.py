"""The words of a certificate, each in Dutch and in English: a certificate in English says both, Dutch first, because an
inspector reads it too."""

from __future__ import annotations

import datetime as dt
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
    "way": Both("Bewijs", "Proof"),
    "stated": Both("Verklaarde", "Stated"),
    "main": Both("te accorderen", "for approval"),
    "attachment": Both("bijlage", "attachment"),
    "scan": Both("scan van wat op papier getekend is", "scan of what was signed on paper"),
    "signed_on": Both("getekend op {day}", "signed on {day}"),
    "noted": Both("vastgelegd op {at} door {name}", "recorded on {at} by {name}"),
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
APPROVER = Both("Accordeur", "Approver")  # who is nothing else at the client
BEHALF = Both("namens {name}", "on behalf of {name}")
LEVEL = Both("Wat voor handtekening dit is", "What kind of signature this is")
LEVEL_TEXT = (
    Both(
        "Een gewone elektronische handtekening met sterk bewijs (eIDAS-verordening, artikel 3 onder 10). Wie akkoord gaf, was aangemeld "
        "en gaf daarnaast bewijs met {way}. Het akkoord geldt voor precies de bytes waarvan de SHA-256 hierboven staat.",
        "A simple electronic signature with strong proof (eIDAS Regulation, article 3(10)). Who approved was signed in, and also gave "
        "proof by {way}. The approval is of exactly the bytes whose SHA-256 stands above.",
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
LEVEL_PAPER = Both(
    "Een handtekening op papier. Het kantoor legde vast wie er volgens het kantoor tekende en wanneer, en bewaart de scan. Wie tekende "
    "hoefde zich daarvoor niet aan te melden, en welke bestanden er toen te zien waren, is niet vastgelegd: wat er getekend is, laat de scan zien.",
    "A signature on paper. The office recorded who signed according to the office, and when, and keeps the scan. Who signed "
    "did not have to sign in for it, and which files were seen then is not recorded: the scan shows what was signed.",
)
CHECK = Both(
    "Nakijken: {url} vergelijkt een bestand met wat hier is vastgelegd. Het bestand verlaat uw computer niet.",
    "Check: {url} compares a file with what is recorded here. The file does not leave your computer.",
)
WAYS: dict[str, Both] = {
    "pin": Both("pincode", "PIN"),
    "codes": Both("eenmalige code van een lijst", "one-time code from a list"),
    "totp": Both("code van een authenticator-app", "code of an authenticator app"),
    "passkey": Both("passkey", "passkey"),
    "": Both("handtekening op papier", "signature on paper"),
}


def way_of(act: dict[str, Any]) -> Both:
    """By what he proved who he was; of a passkey also its name, and of a code its number."""
    known = WAYS.get("" if act["act"] == "on_paper" else act["level"]) or WAYS[""]
    named = act["method"].partition(" ")[2] if act["level"] in ("passkey", "codes") else ""
    return Both(*(f"{text} ({named})" for text in known)) if named else known


ACTS: dict[str, Both] = {
    "made": Both("Gemaakt", "Made"),
    "changed": Both("Gewijzigd voor het aanbieden", "Changed before it was offered"),
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
    "let_go": Both("Bestanden vernietigd; het bewijs blijft", "Files destroyed; the proof stays"),
}
# What stands in the detail of an act, as far as a reader has use for it: the rest is in the file of proof.
DETAILS: dict[str, Both] = {
    "kind": Both("Soort: {}", "Kind: {}"),
    "period": Both("Periode: {}", "Period: {}"),
    "file": Both("Bestand: {}", "File: {}"),
    "was_name": Both("In de plaats van: {}", "In the place of: {}"),
    "program": Both(
        "Door het programma {}, met een token van deze medewerker", "By the program {}, with a token of this colleague"
    ),
    "on_behalf_of_name": Both("Namens {}", "On behalf of {}"),
    "reason": Both("Reden: {}", "Reason: {}"),
    "text": Both("“{}”", "“{}”"),
    "signed_by": Both("Getekend door {}", "Signed by {}"),
    "signed_on": Both("Getekend op {}", "Signed on {}"),
    "remark": Both("Opmerking: {}", "Remark: {}"),
    "legal_due": Both("Wettelijke deadline: {}", "Legal deadline: {}"),
    "legal_until": Both("Nieuwe wettelijke deadline: {}", "New legal deadline: {}"),
    "to": Both("Aan {}", "To {}"),
    "replaces": Both("In de plaats van accordering {}", "In the place of request {}"),
    "replaced_by": Both("Vervangen door accordering {}", "Replaced by request {}"),
    "folder": Both("Map: {}", "Folder: {}"),
    "documents": Both("Documenten: {}", "Documents: {}"),
    "pades": Both("Profiel: PAdES {}", "Profile: PAdES {}"),
    "why": Both("Omdat {}", "Because {}"),
    "version": Both("Versie {}", "Version {}"),
}
DAYS = ("signed_on", "legal_due", "legal_until")
SAID: dict[tuple[str, str], Both] = {
    ("why", "part_replaced"): Both("een stuk is vervangen", "a document was replaced"),
    ("why", "replaced"): Both("er een nieuwe accordering is", "there is a newer request"),
    ("reason", "lost"): Both(
        "het eerdere exemplaar was verloren of beschadigd", "the earlier copy was lost or damaged"
    ),
    ("reason", "stamped"): Both("tijdstempel toegevoegd", "time-stamp added"),
    ("reason", "proved"): Both("bewijs van het certificaat toegevoegd", "proof of the certificate added"),
}
PAGES = Both("{file}: {ranges} bekeken", "{file}: {ranges} seen")
PAGE = (Both("pagina {}", "page {}"), Both("pagina’s {}", "pages {}"))
AND = Both(" en ", " and ")
SIGNS = Both(
    "Tekens die het lettertype van deze verklaring niet heeft, staan er als [U+…], het nummer van het teken in Unicode. Zoals het is "
    "vastgelegd, staat het in het bewijsbestand.",
    "Signs that the typeface of this certificate lacks are shown as [U+…], the number of the sign in Unicode. The file of proof has "
    "them as they were recorded.",
)
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


def day_of(day: dt.date) -> Both:
    """30 november 2026 / 30 November 2026"""
    month = MONTHS[day.month - 1]
    return Both(f"{day.day} {month.nl} {day.year}", f"{day.day} {month.en} {day.year}")


def amount_of(cents: int) -> Both:
    """€ 1.234,56 te betalen / € 1,234.56 to pay; what is below nought is to be received."""
    text = f"{abs(cents) / 100:,.2f}"
    dutch = text.translate(str.maketrans(",.", ".,"))
    if cents < 0:
        return Both(f"€ {dutch} te ontvangen", f"€ {text} to receive")
    return Both(f"€ {dutch} te betalen", f"€ {text} to pay")
