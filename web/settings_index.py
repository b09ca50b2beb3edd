"""Every setting by name: where it stands, what it is for, and the words by which one looks for it. One table for tabs and search."""

from __future__ import annotations

from typing import NamedTuple

from models.core import Say


class Tab(NamedTuple):
    key: str
    label: Say
    route: str


class Setting(NamedTuple):
    """`field` is the id of its input on the page of `tab`; '' stands for the page."""

    label: Say
    tab: str
    field: str
    words: str = ""


TABS = (
    Tab("general", Say("Algemeen"), "settings.page"),
    Tab("without_login", Say("Gebruikers zonder inloggegevens"), "settings.without_login"),
    Tab("style", Say("Huisstijl"), "settings.style"),
    Tab("modules", Say("Modules"), "settings.modules"),
    Tab("mail", Say("E-mail"), "settings.mail"),
    Tab("rights", Say("Rechten"), "settings.rights"),
    Tab("tokens", Say("Tokens/rechten"), "settings_tokens.page"),
    Tab("security", Say("Beveiliging"), "settings.security"),
    Tab("providers", Say("Microsoft en Google"), "settings.list_providers"),
    Tab("approvals", Say("Accordering"), "settings_approvals.page"),
    Tab("connecting", Say("Koppelingen"), "connecting.page"),
    Tab("retention", Say("Bewaartermijnen"), "settings.retention"),
    Tab("certificate", Say("Zegel"), "settings.certificate"),
    Tab("offices", Say("Vestigingen"), "settings.offices"),
    Tab("sectors", Say("Branches"), "sectors.list"),
)

SETTINGS = (
    Setting(Say("Naam van het kantoor"), "general", "name", "kantoornaam"),
    Setting(Say("Plaats"), "general", "place", "vestiging woonplaats stad"),
    Setting(Say("Straat en huisnummer"), "general", "street", "adres"),
    Setting(Say("Postcode"), "general", "postcode", "adres"),
    Setting(Say("Telefoon"), "general", "phone", "nummer bellen"),
    Setting(Say("E-mailadres van het kantoor"), "general", "email", "contact"),
    Setting(Say("Beconnummer"), "general", "becon", "belastingdienst uitstel"),
    Setting(Say("Taal"), "general", "language", "nederlands engels"),
    Setting(Say("Namen sorteren"), "general", "sort_rule", "belgie nederland tussenvoegsel volgorde alfabet"),
    Setting(Say("Hoe een nieuwe cliënt wordt aangesproken"), "general", "formal", "u je tutoyeren formeel"),
    Setting(Say("Uitnodiging geldig, in dagen"), "general", "invitation_days", "geldigheid link verlopen"),
    Setting(Say("Uur van het dagelijks overzicht"), "general", "digest_hour", "dagoverzicht mail samenvatting"),
    Setting(Say("Bericht van nieuwe stukken, vragen en herinneringen"), "mail", "client_digest", "clienten digest nieuws melding"),
    Setting(Say("Herinneren, dagen vóór de uiterste dag"), "mail", "remind_before", "herinnering opvragen"),
    Setting(Say("Herinneren, dagen na de uiterste dag"), "mail", "remind_after", "herinnering opvragen te laat"),
    Setting(Say("Daarna om de zoveel dagen"), "mail", "remind_every", "herinnering opvragen wekelijks"),
    Setting(Say("Stille uren voor herinneringen aan accorderen"), "mail", "quiet_from", "nacht zondag avond herinnering akkoord"),
    Setting(Say("Seconden om het openen ongedaan te maken"), "general", "undo_seconds", "wachttijd poorten"),
    Setting(Say("Gebruikers zonder inloggegevens"), "without_login", "on", "klaarzetten uitnodigen meteen"),
    Setting(Say("Kleur"), "style", "brand", "huisstijl merk contrast"),
    Setting(Say("Logo"), "style", "logo", "huisstijl afbeelding beeldmerk"),
    Setting(Say("Modules in gebruik"), "modules", "", "onderdelen portaal dossier accordering personeel"),
    Setting(Say("Naam van de afzender"), "mail", "sender_name", "mail van"),
    Setting(Say("Adres van de afzender"), "mail", "sender_address", "mail van from"),
    Setting(Say("Antwoorden gaan naar"), "mail", "reply_to", "reply mail antwoordadres"),
    Setting(Say("Slotzin onder elke mail"), "mail", "mail_closing", "ondertekening handtekening"),
    Setting(Say("Proefbericht"), "mail", "test", "test mail versturen"),
    Setting(Say("Controle van uw domein"), "mail", "domain", "spf dkim dmarc dns spam"),
    Setting(Say("Selectors van DKIM"), "mail", "dkim_selectors", "sleutel dns"),
    Setting(Say("Sjablonen van rechten"), "rights", "", "tokens rollen autorisatie"),
    Setting(Say("Pincodes"), "tokens", "pins", "pin accorderen akkoord codes tokens brief"),
    Setting(Say("Pincodebrieven"), "tokens", "letters-card", "brief envelop venster c5 dl printen sjabloon activeringscode"),
    Setting(Say("Van wie een tweede factor wordt gevraagd"), "security", "second_factor", "2fa passkey authenticator"),
    Setting(Say("Soorten tweede factor"), "security", "kind-totp", "2fa passkey authenticator"),
    Setting(Say("Aanmelden met een link in een mail"), "security", "email_link", "magic link"),
    Setting(Say("Vertrouwde apparaten"), "security", "trusted_days", "dagen onthouden"),
    Setting(Say("Uren zonder gebruik waarna men opnieuw aanmeldt"), "security", "session_idle_hours", "sessie afmelden duur"),
    Setting(Say("Dagen waarna men hoe dan ook opnieuw aanmeldt"), "security", "session_days", "sessie duur"),
    Setting(Say("Tekens die een nieuw wachtwoord ten minste telt"), "security", "password_length", "lengte"),
    Setting(Say("Uren wachten wie zijn tweede factor kwijt is"), "security", "lost_factor_hours", "verloren herstel telefoon kwijt"),
    Setting(Say("Aanmelden met Microsoft of Google"), "providers", "", "oidc sso azure entra openid account"),
    Setting(Say("Soorten accorderingen"), "approvals", "", "accorderen aangifte jaarrekening verklaring autoriseren"),
    Setting(Say("Wie accordeert"), "approvals", "", "plan stappen accordeur directeur"),
    Setting(Say("API-tokens"), "connecting", "tokens", "koppeling api sleutel software belastingpakket"),
    Setting(Say("Webhooks"), "connecting", "webhooks", "koppeling bericht software belastingpakket"),
    Setting(Say("Bewaartermijnen"), "retention", "", "fiscaal zeven jaar wwft vernietigen"),
    Setting(Say("Dagen in de prullenbak"), "retention", "trash_days", "weggooien verwijderen herstellen"),
    Setting(Say("Marge voor uitstel in maanden"), "retention", "margin_months", "bewaartermijn aangifte zeven jaar"),
    Setting(Say("Maanden dat accorderingen zonder akkoord bewaard blijven"), "retention", "approval_months", "afgewezen ingetrokken verlopen vervangen zeven jaar bewaartermijn"),
    Setting(Say("Dagen waarbinnen elk bestand wordt nagekeken"), "retention", "check_days", "controle hash integriteit beschadigd"),
    Setting(Say("Certificaat van het zegel"), "certificate", "replace", "accordering ondertekenen pades pkcs12 pfx akkoordverklaring"),
    Setting(Say("Adres van een tijdstempeldienst"), "certificate", "stamp_url", "accordering zegel tsa rfc 3161 tijdstempel"),
    Setting(Say("Namen op de openbare pagina waar een bestand wordt nagekeken"), "certificate", "check_names", "accordering privacy voorletters"),
    Setting(Say("Vestigingen"), "offices", "", "filiaal kantoren logo kleur afzender"),
    Setting(Say("Branches"), "sectors", "", "sbi sector bedrijfstak"),
)  # fmt: skip
