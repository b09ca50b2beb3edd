"""How states, places in a plan and acts are called at the office."""

from __future__ import annotations

from models.core import Say

STATE_WORDS: dict[str, tuple[Say, str]] = {
    "draft": (Say("Concept"), "neutral"),
    "sign_off": (Say("Te autoriseren"), "attention"),
    "offered": (Say("Aangeboden"), "info"),
    "partly": (Say("Deels akkoord"), "info"),
    "approved": (Say("Akkoord"), "good"),
    "filed": (Say("Akkoord, gearchiveerd"), "good"),
    "rejected": (Say("Niet akkoord"), "danger"),
    "withdrawn": (Say("Ingetrokken"), "neutral"),
    "replaced": (Say("Vervangen"), "neutral"),
    "expired": (Say("Verlopen"), "attention"),
    "on_paper": (Say("Akkoord op papier"), "good"),
}
PLACE_STATES: dict[str, tuple[Say, str]] = {
    "waiting": (Say("nog niet aan de beurt"), "neutral"),
    "asked": (Say("gevraagd"), "info"),
    "approved": (Say("akkoord"), "good"),
    "rejected": (Say("niet akkoord"), "danger"),
    "void": (Say("vervallen"), "neutral"),
    "skipped": (Say("niet meer nodig"), "neutral"),
    "viewing": (Say("kijkt mee"), "neutral"),
}
SOURCES: dict[str, Say] = {
    "request": Say("Volgens het plan van deze accordering zelf."),
    "client_kind": Say("Volgens het plan van deze cliënt voor deze soort."),
    "client": Say("Volgens het plan van deze cliënt."),
    "kind": Say("Volgens het plan van deze soort."),
    "office": Say("Volgens het plan van het kantoor."),
    "everybody": Say("Er is geen plan: een van allen met het recht om akkoord te geven."),
}
LEVEL_WORDS: dict[str, Say] = {
    "pin": Say("pincode of zwaarder"),
    "codes": Say("codelijst of zwaarder"),
    "totp": Say("authenticator-app of passkey"),
    "passkey": Say("passkey"),
}
ACTS: dict[str, Say] = {
    "made": Say("zette de accordering klaar"),
    "changed": Say("wijzigde het concept"),
    "sign_off_asked": Say("legde hem ter autorisatie voor"),
    "signed_off": Say("autoriseerde hem"),
    "sent_back": Say("stuurde hem terug"),
    "offered": Say("bood hem aan"),
    "asked": Say("is om akkoord gevraagd"),
    "mail_handed_over": Say("kreeg een mail"),
    "opened": Say("opende een stuk"),
    "page_seen": Say("bekeek een pagina"),
    "approved": Say("gaf akkoord"),
    "rejected": Say("gaf geen akkoord"),
    "question": Say("stelde een vraag"),
    "answer": Say("gaf antwoord"),
    "part_replaced": Say("verving een stuk"),
    "voided": Say("gaf eerder akkoord; dat is vervallen"),
    "withdrawn": Say("trok hem in"),
    "replaced": Say("verving hem door een nieuwe"),
    "expired": Say("Verlopen"),
    "extended": Say("wijzigde de deadlines"),
    "on_paper": Say("legde vast dat er op papier getekend is"),
    "completed": Say("Volledig akkoord"),
    "sealed": Say("Bewijs verzegeld"),
    "filed": Say("Opgeborgen in het dossier"),
    "resealed": Say("Bewijs opnieuw verzegeld"),
    "reminded": Say("kreeg een herinnering"),
    "let_go": Say("vernietigde de bestanden; het bewijs blijft"),
}
NEWS_WORDS: dict[str, Say] = {
    "offered": Say("gevraagd om akkoord"),
    "again": Say("opnieuw gevraagd om akkoord"),
    "reminded": Say("herinnerd"),
    "answered": Say("antwoord van het kantoor"),
    "voided": Say("akkoord vervallen"),
    "refused": Say("een ander gaf geen akkoord"),
    "withdrawn": Say("ingetrokken"),
    "replaced": Say("vervangen door een nieuwe"),
}
MAIL_WORDS: dict[str, Say] = {
    "": Say("gaat mee met het volgende bericht"),
    "waiting": Say("staat klaar om te versturen"),
    "claimed": Say("staat klaar om te versturen"),
    "sending": Say("wordt verstuurd"),
    "done": Say("verstuurd"),
    "refused": Say("niet verstuurd: geweigerd door de mailserver"),
    "unknown": Say("onbekend of het aankwam"),
    "failed": Say("niet verstuurd"),
    "cancelled": Say("niet verstuurd: er viel niets meer te melden"),
}
