"""What stands on the trail, as a sentence: the person who did it goes before it."""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from models.accounts.roles import RIGHTS, ROLES
from models.clients.checks import KINDS, SECOND_FACTOR
from models.clients.grouping import PURPOSES
from models.connecting import SCOPES
from models.core import Say
from models.dossiers.publishing import PERIODS
from models.imports.lexicon import FIELDS
from models.retention import ANCHORS
from web.mailing import DIGESTS, DIGESTS_OF_CLIENTS
from web.person import GENDERS, NAME_USES
from web.settings import MODULE_NAMES

SENTENCES: dict[str, Say] = {
    # signing in, and one's own account
    "Session.begin": Say("meldde zich aan"),
    "Passkey.add": Say("voegde de passkey “{name}” toe"),
    "Passkey.rename": Say("gaf een passkey de naam “{name}”"),
    "Passkey.remove": Say("verwijderde de passkey “{name}”"),
    "Pin.issue": Say("gaf {name} een nieuwe pincode of lijst met codes"),
    "Pin.reissue": Say("gaf de pincode of lijst van {name} opnieuw uit; de oude werkt niet meer"),
    "Pin.cancel": Say("annuleerde de brief met de code van {name}: die code werkt niet"),
    "Pin.block": Say("blokkeerde de pincode of lijst van {name}"),
    "Pin.return": Say("noteerde dat de brief met de pincode van {name} retour kwam"),
    "Pin.confirm": Say("gebruikte zijn pincode of lijst voor het eerst"),
    "Pin.wrong": Say("vulde een verkeerde pincode of code in ({count} achter elkaar)"),
    "Pin.block_itself": Say("vulde vijf keer een verkeerde pincode of code in: geblokkeerd"),
    "Authenticator.wrong": Say(
        "vulde bij het akkoord geven een verkeerde code van de authenticator-app in ({count} achter elkaar)"
    ),
    "Authenticator.close": Say(
        "vulde tien keer een verkeerde code van de authenticator-app in: een dag gesloten voor akkoord geven"
    ),
    "Pin.replace_by_passkey": Say("verving zijn pincode door de passkey “{name}”"),
    "LetterTemplate.add": Say("maakte het briefsjabloon “{name}”"),
    "LetterTemplate.change": Say("wijzigde het briefsjabloon “{name}”"),
    "LetterTemplate.remove": Say("verwijderde het briefsjabloon “{name}”"),
    "LetterBatch.make": Say("liet {count} pincodebrieven maken"),
    "LetterBatch.make_again": Say("liet {count} pincodebrieven opnieuw maken"),
    "LetterBatch.ready": Say("{count} pincodebrieven zijn klaar om te printen"),
    "LetterBatch.take_file": Say("downloadde {count} pincodebrieven"),
    "LetterBatch.confirm_printed": Say("bevestigde dat {count} pincodebrieven geprint zijn; het bestand is verwijderd"),
    "LetterBatch.confirm_posted": Say("deed {count} pincodebrieven op de post"),
    "LetterBatch.cancel": Say("annuleerde {count} pincodebrieven"),
    "LetterBatch.expire": Say("{count} pincodebrieven vervielen: niemand downloadde ze binnen een dag"),
    "PinLetter.mark_returned": Say("noteerde dat de pincodebrief aan {name} retour kwam"),
    "TrustedDevice.withdraw": Say("vertrouwt een apparaat niet meer"),
    "Passkey.copied": Say("aanmelden geweigerd: de passkey “{name}” is gekopieerd"),
    "Session.end": Say("meldde een apparaat af"),
    "User.activate": Say("activeerde zijn login"),
    "User.reset_password": Say("koos met een link een nieuw wachtwoord"),
    "User.set_password": Say("wijzigde zijn wachtwoord"),
    "User.set_authenticator": Say("stelde een tweede factor in"),
    "User.remove_authenticator": Say("zette zijn tweede factor uit"),
    "User.renew_recovery_codes": Say("maakte nieuwe herstelcodes"),
    "User.skip_second_factor": Say("sloeg de tweede factor over"),
    "User.end_other_sessions": Say("meldde zich op andere apparaten af"),
    "User.set_preferences": Say("wijzigde zijn voorkeuren"),
    # the proof of approvals
    "ApprovalRequest.file": Say("zette wat akkoord is in het dossier: {documents}"),
    "ApprovalRequest.infected": Say("vond in “{name}” een virus: {signature}"),
    "ApprovalRequest.damaged": Say("zag dat “{name}” in de opslag beschadigd, gewijzigd of weg is"),
    "ApprovalRequest.restored": Say("zag dat “{name}” in de opslag weer in orde is"),
    "ApprovalRequest.reseal": Say("verzegelde {name} opnieuw"),
    "ApprovalRecord.chain": Say("legde vast hoever het bewijs van accorderingen is: {place}"),
    "OfficeCertificate.make": Say("maakte een certificaat voor het zegel, geldig tot {until}"),
    "OfficeCertificate.replace": Say("plaatste het certificaat {name} voor het zegel, geldig tot {until}"),
    "OfficeCertificate.renew": Say("vernieuwde het eigen certificaat van het zegel, geldig tot {until}"),
    "OfficeCertificate.leave_so": Say("liet het certificaat {name} staan, dat vanzelf in de plaats van een ander kwam"),
    "OfficeCertificate.give_up": Say("nam het certificaat {name} van het zegel weg"),
    # users
    "User.add": Say("voegde gebruiker {name} toe"),
    "User.add_staff": Say("voegde medewerker {name} toe"),
    "User.import": Say("voerde deze persoon in of werkte hem bij uit een bestand"),
    "User.withdraw": Say("trok de uitnodiging van {name} in"),
    "User.make_code": Say("maakte een activeringscode op papier voor {name}"),
    "User.withdraw_code": Say("trok de activeringscode van {name} in"),
    "User.activate_by_code": Say("activeerde zijn login met een code op papier"),
    "User.mark_bounced": Say("noteerde dat de uitnodiging aan {name} terugkwam van {address}"),
    "User.mark_arrived": Say("nam terug dat de uitnodiging aan {name} terugkwam"),
    "Opening.print_codes": Say("drukte {count} activeringscodes af"),
    "User.invite": Say("nodigde {name} uit"),
    "User.invite_again": Say("nodigde {name} opnieuw uit"),
    "User.change_name": Say("wijzigde de naam “{before}” in “{after}”"),
    "User.change_details": Say("wijzigde de gegevens van {name}"),
    "User.discard": Say("zag af van het toevoegen van {name}"),
    "User.set_photo": Say("plaatste een foto van {name}"),
    "User.remove_photo": Say("nam de foto van {name} weg"),
    "User.change_email": Say("wijzigde het e-mailadres van {name} van {before} in {after}"),
    "User.block": Say("blokkeerde {name}"),
    "User.block.bulk": Say("blokkeerde {count} gebruikers"),
    "User.unblock": Say("deblokkeerde {name}"),
    "User.unblock.bulk": Say("deblokkeerde {count} gebruikers"),
    "User.reset_second_factor": Say("nam de tweede factor van {name} weg"),
    "LostFactor.ask": Say("vroeg hulp: tweede factor kwijt"),
    "LostFactor.confirm": Say("bevestigde dat {name} zijn tweede factor kwijt is"),
    "LostFactor.confirm_by_machine": Say("bevestigde op de server dat {name} zijn tweede factor kwijt is"),
    "LostFactor.refuse": Say("brak het wegnemen van de tweede factor van {name} af"),
    "LostFactor.stop": Say("hield het wegnemen van zijn tweede factor tegen"),
    "LostFactor.done": Say("is zijn tweede factor kwijt: die is na de wachttijd weggenomen"),
    "User.sign_out": Say("meldde {name} af"),
    "User.change_role": Say("wijzigde de rol van {name}"),
    "User.view_as": Say("keek mee als {name}"),
    "User.view_as.open": Say("bekeek als {name}: {what}"),
    "Access.give": Say("gaf {name} toegang tot {client}"),
    "Access.change": Say("wijzigde wat {name} mag bij {client}"),
    "Access.take": Say("nam de toegang van {name} tot {client} weg"),
    # clients and groups
    "Client.add": Say("voegde cliënt {name} toe"),
    "Client.import": Say("voerde deze cliënt in of werkte hem bij uit een bestand"),
    "Client.change": Say("wijzigde de gegevens van {name}"),
    "Client.archive": Say("archiveerde de cliënt"),
    "Client.archive.bulk": Say("archiveerde {count} cliënten"),
    "Client.restore": Say("maakte de cliënt weer actief"),
    "Client.restore.bulk": Say("maakte {count} cliënten weer actief"),
    "Client.set_groups": Say("wijzigde de groepen van de cliënt"),
    "Client.set_responsible": Say("wijzigde wie voor de cliënt verantwoordelijk is"),
    "Client.join_group": Say("voegde de cliënt toe aan groep {group}"),
    "Client.join_group.bulk": Say("voegde {count} cliënten toe aan groep {group}"),
    "Client.leave_group": Say("haalde de cliënt uit groep {group}"),
    "Client.leave_group.bulk": Say("haalde {count} cliënten uit groep {group}"),
    "Client.add_responsible": Say("maakte {who} verantwoordelijk voor de cliënt"),
    "Client.add_responsible.bulk": Say("maakte {who} verantwoordelijk voor {count} cliënten"),
    "Client.drop_responsible": Say("maakte {who} niet langer verantwoordelijk voor de cliënt"),
    "Client.drop_responsible.bulk": Say("maakte {who} niet langer verantwoordelijk voor {count} cliënten"),
    "Client.join_sector": Say("voegde de cliënt toe aan branche {sector}"),
    "Client.join_sector.bulk": Say("voegde {count} cliënten toe aan branche {sector}"),
    "Client.leave_sector": Say("haalde de cliënt uit branche {sector}"),
    "Client.leave_sector.bulk": Say("haalde {count} cliënten uit branche {sector}"),
    "Client.set_office": Say("stelde de vestiging in op {office}"),
    "Client.set_office.bulk": Say("stelde van {count} cliënten de vestiging in op {office}"),
    "Client.set_office_back": Say("zette de vestiging terug op wat ze was"),
    "Client.set_office_back.bulk": Say("zette van {count} cliënten de vestiging terug op wat ze was"),
    "Client.set_modules.bulk": Say("wijzigde van {count} cliënten de onderdelen"),
    "Client.set_modules_back": Say("zette de onderdelen terug op wat ze waren"),
    "Client.set_modules_back.bulk": Say("zette van {count} cliënten de onderdelen terug op wat ze waren"),
    "Client.set_language": Say("wijzigde de taal van de cliënt"),
    "Client.set_language.bulk": Say("wijzigde van {count} cliënten de taal"),
    "Client.set_language_back": Say("zette de taal van de cliënt terug"),
    "Client.set_language_back.bulk": Say("zette van {count} cliënten de taal terug"),
    "Client.set_tone": Say("wijzigde hoe de cliënt wordt aangesproken"),
    "Client.set_tone.bulk": Say("wijzigde hoe {count} cliënten worden aangesproken"),
    "Client.set_tone_back": Say("zette terug hoe de cliënt wordt aangesproken"),
    "Client.set_tone_back.bulk": Say("zette terug hoe {count} cliënten worden aangesproken"),
    "Client.set_plan": Say("stelde bij de cliënt in wie accordeert ({kind})"),
    "Client.set_plan.bulk": Say("stelde bij {count} cliënten in wie accordeert ({kind})"),
    "Client.set_plan_back": Say("zette bij de cliënt terug wie accordeert ({kind})"),
    "Client.set_plan_back.bulk": Say("zette bij {count} cliënten terug wie accordeert ({kind})"),
    "Client.give_approver_role": Say("gaf bij de cliënt gebruikers de rol {role}"),
    "Client.give_approver_role.bulk": Say("gaf bij {count} cliënten gebruikers de rol {role}"),
    "Client.end_approver_role": Say("beëindigde bij de cliënt de rol {role} die net gegeven was"),
    "Client.end_approver_role.bulk": Say("beëindigde bij {count} cliënten de rol {role} die net gegeven was"),
    "Client.prepare_user": Say("zette een gebruiker van de cliënt klaar met {template}"),
    "Client.prepare_user.bulk": Say("zette gebruikers van {count} cliënten klaar met {template}"),
    "Client.take_user_back": Say("nam de klaargezette gebruiker van de cliënt terug"),
    "Client.take_user_back.bulk": Say("nam de klaargezette gebruikers van {count} cliënten terug"),
    "User.set_template": Say("gaf {name} de rechten van {template}"),
    "User.set_template.bulk": Say("gaf {count} gebruikers de rechten van {template}"),
    "User.set_template_back": Say("gaf {name} de rechten van voorheen terug"),
    "User.set_template_back.bulk": Say("gaf {count} gebruikers de rechten van voorheen terug"),
    "User.set_language": Say("wijzigde de taal van {name}"),
    "User.set_language.bulk": Say("wijzigde de taal van {count} gebruikers"),
    "User.set_language_back": Say("zette de taal van {name} terug"),
    "User.set_language_back.bulk": Say("zette de taal van {count} gebruikers terug"),
    "User.hear_no_more": Say("{name} zette de berichten uit met de link in een mail"),
    "User.set_digest": Say("wijzigde hoe {name} berichten per mail krijgt"),
    "User.set_digest.bulk": Say("wijzigde hoe {count} gebruikers berichten per mail krijgen"),
    "User.set_digest_back": Say("zette terug hoe {name} berichten per mail krijgt"),
    "User.set_digest_back.bulk": Say("zette terug hoe {count} gebruikers berichten per mail krijgen"),
    "Client.set_bsn": Say("wijzigde het BSN"),
    "Client.reveal_bsn": Say("bekeek het BSN"),
    "Client.set_sectors": Say("wijzigde de branches van de cliënt"),
    "Client.set_modules": Say("wijzigde de onderdelen van de cliënt"),
    "Client.set_partner": Say("wijzigde de fiscale partner"),
    "Client.merge": Say("voegde cliënt {other} samen met {name}"),
    "Client.merged": Say("liet deze cliënt opgaan in {name}"),
    "Proposal.add": Say("stelde wijzigingen voor bij {name}"),
    "Proposal.accept": Say("nam {count} van {of} wijzigingen over die {name} voorstelde"),
    "Proposal.refuse": Say("nam niet over wat {name} voorstelde"),
    "Proposal.withdraw": Say("trok een voorstel in"),
    "Sector.add": Say("voegde branche {name} toe"),
    "Sector.change": Say("wijzigde branche {name}"),
    "Sector.merge_into": Say("liet branche {name} opgaan in {other}"),
    "Sector.remove": Say("verwijderde branche {name}"),
    "ClientGroup.add": Say("voegde groep {name} toe"),
    "ClientGroup.rename": Say("wijzigde groep {name}"),
    "ClientGroup.remove": Say("verwijderde groep {name}"),
    "ClientGroup.set_purpose": Say("wijzigde waarvoor groep {name} is"),
    "ClientGroup.set_rule": Say("wijzigde de regel van groep {name}"),
    "StaffGroup.add": Say("voegde kantoorgroep {name} toe"),
    "StaffGroup.change": Say("wijzigde kantoorgroep {name}"),
    "StaffGroup.remove": Say("verwijderde kantoorgroep {name}"),
    # dossiers
    "Dossier.add": Say("maakte dossier {name}"),
    "Dossier.add_folder": Say("voegde map {name} toe"),
    "Dossier.rename": Say("hernoemde een dossier tot “{name}”"),
    "Dossier.remove": Say("verwijderde een dossier"),
    "Dossier.publish": Say("wijzigde voor wie een algemeen dossier is"),
    "Dossier.empty_trash": Say("leegde de prullenbak"),
    "Dossier.apply_structure": Say("kopieerde een standaardstructuur: {added} mappen erbij"),
    "export_dossier": Say("maakte van het dossier een archief om mee te nemen"),
    "DossierExport.download": Say("nam het dossier mee: {name}"),
    "DossierImport.add": Say("bracht het dossierarchief {name} binnen"),
    "choose_client_of_archive": Say("koos voor wie een dossierarchief is"),
    "read_archive": Say("las een dossierarchief in"),
    "take_back_archive": Say("nam een ingelezen dossier terug"),
    "remove_archive": Say("verwijderde een dossierarchief dat niet was ingelezen"),
    "StructureRun.undo": Say("maakte een uitrol ongedaan"),
    "Folder.set_grants": Say("wijzigde welke sjablonen de map “{name}” openen"),
    "DocumentMailing.send": Say("mailde aan {count} mensen een link naar stukken"),
    "DocumentMailing.undo": Say("hield een mail met een link tegen"),
    "Dossier.placed": Say("plaatste {count} stukken in het dossier"),
    "Placing.begin": Say("begon stukken te plaatsen"),
    "Placing.place": Say("liet stukken plaatsen"),
    "Placing.offer": Say("liet {count} accorderingen klaarzetten"),
    "Placing.undo": Say("vroeg een plaatsing terug te draaien"),
    "Placing.taken_back": Say("draaide een plaatsing terug"),
    "Folder.add_folder": Say("voegde map {name} toe"),
    "Folder.rename": Say("hernoemde een map tot “{name}”"),
    "Folder.move": Say("verplaatste een map"),
    "Folder.reorder": Say("zette een map op een andere plaats"),
    "Folder.change_kind": Say("wijzigde de soort van een map"),
    "ApprovalRequest.give_to": Say("maakte {who} verantwoordelijk voor een accordering"),
    "ApprovalKind.add": Say("voegde de soort “{name}” toe"),
    "ApprovalKind.change": Say("wijzigde de soort “{name}”"),
    "ApprovalKind.use": Say("nam de soort “{name}” weer in gebruik"),
    "ApprovalKind.put_aside": Say("zette de soort “{name}” weg"),
    "ApprovalKind.remove": Say("verwijderde de soort “{name}”"),
    "ApprovalPlan.set": Say("wijzigde wie accordeert: {steps} stappen {kind}"),
    "ApproverRole.give": Say("gaf {who} een rol bij het accorderen"),
    "ApproverRole.end": Say("beëindigde een rol bij het accorderen"),
    "Mandate.give": Say("legde vast dat {taker} namens {giver} accordeert"),
    "Mandate.end": Say("beëindigde een machtiging om te accorderen"),
    "ApiToken.make": Say("maakte het API-token “{name}”"),
    "ApiToken.change": Say("wijzigde het API-token “{name}”"),
    "ApiToken.end": Say("beëindigde het API-token “{name}”"),
    "Webhook.add": Say("voegde de webhook “{name}” toe"),
    "Webhook.change": Say("wijzigde de webhook “{name}”"),
    "Webhook.end": Say("beëindigde de webhook “{name}”"),
    "Webhook.renew_secret": Say("gaf de webhook “{name}” een nieuwe sleutel"),
    "Webhook.switch_on": Say("zette de webhook “{name}” aan"),
    "Webhook.switch_off": Say("zette de webhook “{name}” uit"),
    "Webhook.test": Say("stuurde een proefbericht naar de webhook “{name}”"),
    "WebhookDelivery.send_again": Say("stuurde een bericht van een webhook opnieuw"),
    "ApprovalRequest.made": Say("zette ter accordering klaar: {kind} {period}"),
    "ApprovalRequest.change": Say("wijzigde een concept ter accordering: {kind}"),
    "ApprovalRequest.add_parts": Say("voegde {count} bestanden toe aan een accordering"),
    "ApprovalRequest.remove_part": Say("haalde “{name}” uit een accordering"),
    "ApprovalRequest.sign_off_asked": Say("legde een accordering ter autorisatie voor"),
    "ApprovalRequest.signed_off": Say("autoriseerde een accordering"),
    "ApprovalRequest.sent_back": Say("stuurde een accordering terug: {reason}"),
    "ApprovalRequest.offer": Say("bood een accordering aan, versie {version}"),
    "ApprovalRequest.approved": Say("gaf akkoord"),
    "ApprovalRequest.rejected": Say("gaf geen akkoord"),
    "ApprovalRequest.withdrawn": Say("trok een accordering in"),
    "ApprovalRequest.replaced": Say("verving een accordering door een nieuwe"),
    "ApprovalRequest.extended": Say("wijzigde de deadlines van een accordering"),
    "ApprovalRequest.on_paper": Say("legde een akkoord op papier vast: {signed_by}, {signed_on}"),
    "ApprovalRequest.part_replaced": Say("verving een stuk van een accordering: {file}"),
    "ApprovalRequest.question": Say("stelde een vraag bij een accordering"),
    "ApprovalRequest.answer": Say("beantwoordde een vraag bij een accordering"),
    "ApprovalRequest.called": Say("noteerde een telefoontje over een accordering"),
    "Firm.remind_approvers": Say("herinnerde {count} accordeurs"),
    "ApprovalRequest.put_aside": Say("sloot een vraag bij een accordering zonder antwoord"),
    "DocumentRequest.make": Say("vroeg “{title}” op"),
    "DocumentRequest.withdraw": Say("trok de opvraging “{title}” in"),
    "DocumentRequest.change_due": Say("wijzigde de uiterste dag van “{title}”"),
    "DocumentRequest.accept_all": Say("keurde van “{title}” {count} antwoorden goed"),
    "RequestItem.handed_in": Say("leverde “{title}” aan"),
    "RequestItem.not_applicable": Say("gaf door dat “{title}” niet van toepassing is"),
    "RequestItem.accept": Say("keurde “{title}” goed"),
    "RequestItem.send_back": Say("stuurde “{title}” terug: {reason}"),
    "DocumentRequest.add_items": Say("vroeg bij “{title}” nog {count} dingen"),
    "DocumentRequest.reopen": Say("opende de opvraging “{title}” weer"),
    "RequestItem.accept_for_client": Say("keurde “{title}” namens de cliënt goed: {note}"),
    "RequestItem.ask_again": Say("vroeg “{title}” opnieuw"),
    "RequestItem.remove": Say("vraagt “{title}” niet meer"),
    "RequestItem.change_due": Say("wijzigde de uiterste dag van “{title}”"),
    "Firm.remind": Say("herinnerde {count} mensen aan wat openstaat"),
    "Firm.remind_undo": Say("nam {count} herinneringen terug"),
    "RequestTemplate.save": Say("bewaarde het sjabloon voor opvragen {name}"),
    "RequestTemplate.remove": Say("verwijderde het sjabloon voor opvragen {name}"),
    "give_to_new": Say("bepaalde of nieuwe cliënten deze structuur krijgen"),
    "Folder.set_up": Say("stelde een map in"),
    "Folder.trash": Say("legde een map in de prullenbak"),
    "Folder.restore": Say("zette een map terug"),
    "Folder.put_documents": Say("zette in het dossier: {documents}"),
    "Folder.hand_in": Say("leverde aan: {documents}"),
    "Document.rename": Say("hernoemde een stuk tot “{name}”"),
    "Document.move": Say("verplaatste een stuk"),
    "Document.publish": Say("wijzigde of cliënten “{name}” zien"),
    "Document.describe": Say("wijzigde de gegevens van “{name}”"),
    "Document.replace": Say("zette versie {version} van “{name}” neer"),
    "Document.remark": Say("schreef iets bij “{name}”"),
    "Document.settle": Say("sloot de vraag over “{name}” af"),
    "Dossier.move_items": Say("verplaatste {folders} mappen en {documents} stukken"),
    "Dossier.copy_items": Say("kopieerde {folders} mappen en {documents} stukken"),
    "Dossier.trash_items": Say("legde {folders} mappen en {documents} stukken in de prullenbak"),
    "Dossier.publish_items": Say("wijzigde van {count} stukken of cliënten ze zien"),
    "Dossier.undo": Say("maakte iets in een dossier ongedaan ({count})"),
    "Document.set_anchor": Say("wijzigde de ankerdatum van “{name}”"),
    "Folder.set_anchor": Say("wijzigde de ankerdatum van map “{name}”"),
    "Folder.set_anchors": Say("vulde van {count} mappen of cliënten in vanaf wanneer de bewaartermijn telt"),
    "Client.set_keeping": Say("wijzigde boekjaar, uitstel of einde van de relatie"),
    "DocumentKind.keep": Say("wijzigde de bewaartermijn van soort {name}"),
    "Hold.add": Say("schortte de bewaarplicht op voor {on}: {name}"),
    "Hold.extend": Say("schortte de bewaarplicht ook op voor {on}: {name}"),
    "Hold.lift": Say("hief de opschorting {name} op"),
    "Destruction.ask": Say("vroeg een vernietigingslijst"),
    "Destruction.spare": Say("zonderde {count} stukken uit van vernietiging"),
    "Destruction.take_back": Say("zette {count} stukken weer op een vernietigingslijst"),
    "Destruction.confirm": Say("bevestigde de vernietiging van {count} stukken"),
    "Destruction.certify": Say("verklaring van vernietiging: {count} stukken"),
    "Document.infected": Say("vond in “{name}” een virus: {signature}"),
    "Document.scan_again": Say("liet “{name}” opnieuw op virussen controleren"),
    "Document.destroy": Say("vernietigde “{name}” ({signature})"),
    "UploadLink.make": Say("maakte een link om zonder login aan te leveren: {purpose}"),
    "UploadLink.end": Say("beëindigde de link om aan te leveren: {purpose}"),
    "UploadLink.deliver": Say("via een link aangeleverd door “{who}”: {documents}"),
    "Folder.join_photos": Say("voegde {count} foto’s samen tot “{name}”"),
    "Document.trash": Say("legde een stuk in de prullenbak"),
    "Document.restore": Say("zette een stuk terug"),
    # imports
    "ImportMapping.keep": Say("bewaarde de indeling {name} voor imports"),
    "ImportMapping.remove": Say("verwijderde de indeling {name} voor imports"),
    "Import.add": Say("begon een import"),
    "Import.plan": Say("liet een import doorrekenen"),
    "Import.commit": Say("startte een import"),
    "Import.carry_out": Say("voerde een import uit"),
    "Import.undo": Say("vroeg een import ongedaan te maken"),
    "Import.take_back": Say("maakte een import ongedaan"),
    "Import.remove": Say("verwijderde een import"),
    # the roll-out and the office
    "Opening.start": Say("opende de poorten voor {people} mensen"),
    "Opening.undo": Say("maakte het openen van de poorten ongedaan"),
    "Opening.choose": Say("wijzigde wie wordt uitgenodigd"),
    "Opening.send_again": Say("liet een uitnodiging opnieuw versturen"),
    "Errand.send_again": Say("liet een bericht opnieuw versturen"),
    "Task.cancel": Say("brak een taak af"),
    "StepMark.set": Say("vinkte een stap van de uitrol af"),
    "StepMark.clear": Say("haalde het vinkje bij een stap van de uitrol weg"),
    "Firm.set_up": Say("richtte Poort in"),
    "Firm.change": Say("wijzigde de instellingen van het kantoor"),
    "Firm.set_users_without_login": Say("wijzigde of gebruikers zonder inloggegevens kunnen bestaan"),
    "Firm.use_modules": Say("wijzigde welke modules in gebruik zijn"),
    "Firm.use_module": Say("zette een module aan of uit"),
    "Privacy.ask_access": Say("noteerde een inzageverzoek van {name}"),
    "Privacy.ask_erasure": Say("noteerde een verwijderverzoek van {name}"),
    "Privacy.hand_over": Say("haalde alle gegevens van {name} op voor een inzageverzoek"),
    "Privacy.erase": Say("wiste een persoon"),
    "Privacy.erase_lines": Say("maakte bij het wissen van een persoon de bijzonderheden van logregels leeg"),
    "PrivacyRequest.refuse": Say("sloot een verzoek over gegevens zonder het uit te voeren"),
    "IdentityProvider.add": Say("voegde aanbieder {name} toe waarmee medewerkers zich aanmelden"),
    "IdentityProvider.change": Say("wijzigde aanbieder {name}"),
    "IdentityProvider.remove": Say("verwijderde aanbieder {name}"),
    "Identity.link": Say("koppelde zijn account bij {provider}"),
    "Office.add": Say("voegde vestiging {name} toe"),
    "Office.change": Say("wijzigde vestiging {name}"),
    "Office.remove": Say("verwijderde vestiging {name}"),
    "Office.set_logo": Say("plaatste een logo bij een vestiging"),
    "Office.remove_logo": Say("verwijderde het logo van een vestiging"),
    "RightsTemplate.add": Say("voegde sjabloon {name} toe"),
    "RightsTemplate.change": Say("wijzigde sjabloon {name}"),
    "RightsTemplate.remove": Say("verwijderde sjabloon {name}"),
    "RetentionClass.add": Say("voegde bewaartermijn {name} toe"),
    "RetentionClass.change": Say("wijzigde bewaartermijn {name}"),
    "RetentionClass.remove": Say("verwijderde bewaartermijn {name}"),
    "Firm.set_logo": Say("plaatste een logo"),
    "Firm.remove_logo": Say("verwijderde het logo"),
    "_add": Say("vulde Poort met een voorbeeldkantoor"),
    "_remove": Say("verwijderde het voorbeeldkantoor"),
}
UNNAMED = Say("deed iets waarvoor nog geen zin bestaat ({operation})")


# What happened to invitations, mails and documents: no lines of the trail, but told among them.
EVENTS: dict[str, Say] = {
    "Invitation.done": Say("gaf de uitnodiging van {name} aan {address} af bij de mailserver"),
    "Invitation.kept": Say("bewaarde de uitnodiging van {name} als bestand: er is geen mailserver"),
    "Invitation.refused": Say("kreeg de uitnodiging van {name} niet bezorgd: {address} is geweigerd"),
    "Invitation.unknown": Say("weet niet zeker of de uitnodiging van {name} aan {address} is verstuurd"),
    "Invitation.open": Say("opende de link in zijn uitnodiging"),
    "Document.read": Say("opende voor het eerst “{what}”"),
    "Mail.done": Say("kreeg de mail “{what}”"),
}


def sentence(line: dict[str, Any]) -> Say:
    """Of a row of the trail: `operation` and `detail` (JSON, as it is kept)."""
    said = SENTENCES.get(line["operation"]) or EVENTS.get(line["operation"])
    if said is None:
        return Say(UNNAMED.text, operation=line["operation"])
    detail = _detail(line)
    said_of = {key: "–" if value == "" else value for key, value in detail.items() if isinstance(value, str | int)}
    known = defaultdict(lambda: "…", said_of)
    if names := detail.get("names"):
        more = int(detail.get("count", 0)) - len(names)
        known["documents"] = ", ".join([f"“{name}”" for name in names] + ([f"+ {more}"] if more > 0 else []))
    whole = Say(said.text, **{name: known[name] for name in _names(said.text)})
    if program := str(detail.get("by_api") or ""):
        return Say("{said}, via {program}", said=whole, program=program)
    return whole


def changes(line: dict[str, Any]) -> list[tuple[Say, Say | str, Say | str]]:
    """(what, how it was, how it became) of a change that kept both. What people typed is text, what we call it a Say."""
    detail = _detail(line)
    before, after = detail.get("before"), detail.get("after")
    if not isinstance(before, dict) or not isinstance(after, dict):
        return []
    if line["operation"] == "Access.change":
        found: list[tuple[Say, Say | str, Say | str]] = [(_FIELDS["rights"], _allowed(before), _allowed(after))]
        if "folders" in after:
            found.append((Say("Opengezette mappen"), before.get("folders") or "–", after["folders"] or "–"))
        return found
    return [(named_field(name), shown(name, before.get(name)), shown(name, value)) for name, value in after.items()]


_FIELDS = {field.name: Say(field.dutch) for field in FIELDS["clients"]} | {
    "place": Say("Plaats"), "language": Say("Taal"), "brand": Say("Kleur"), "modules": Say("Modules"),
    "invitation_days": Say("Uitnodiging geldig, in dagen"), "digest_hour": Say("Uur van het dagelijks overzicht"),
    "client_digest": Say("Bericht van nieuwe stukken, vragen en herinneringen"),
    "remind_before": Say("Herinneren, dagen vóór de uiterste dag"), "remind_after": Say("Herinneren, dagen na de uiterste dag"),
    "remind_every": Say("Daarna om de zoveel dagen"), "quiet_from": Say("Geen herinneringen aan accorderen vanaf, uur"),
    "quiet_until": Say("Geen herinneringen aan accorderen tot, uur"), "quiet_sundays": Say("Op zondag niet herinneren aan accorderen"),
    "undo_seconds": Say("Seconden om het openen ongedaan te maken"), "logo": Say("Logo"),
    "second_factor": Say("Van wie een tweede factor wordt gevraagd"),
    "users_without_login": Say("Gebruikers zonder inloggegevens"), "rights": Say("Rechten"), "role": Say("Rol"), "all_clients": Say("Ziet alle cliënten"),
}  # fmt: skip
_FIELDS |= {
    "permissions": Say("Rechten per onderdeel"), "office": Say("Vestiging"), "selections": Say("Ziet cliënten van groepen"),
    "groups": Say("Kantoorgroepen"), "members": Say("Medewerkers"), "purpose": Say("Doel"), "template": Say("Sjabloon"),
    "rule": Say("Regel"), "sectors": Say("Branches"), "partner": Say("Fiscale partner"), "sbi_version": Say("Uitgave van de SBI"),
    "kind": Say("Soort"), "branch_number": Say("Vestigingsnummer"), "rsin": Say("RSIN"), "payroll_numbers": Say("Loonheffingennummers"),
    "letter": Say("Huisletter"), "lines": Say("Adresregels"), "country": Say("Land"), "post_street": Say("Straat (post)"),
    "post_house_number": Say("Huisnummer (post)"), "post_letter": Say("Huisletter (post)"), "post_addition": Say("Toevoeging (post)"),
    "post_postcode": Say("Postcode (post)"), "post_city": Say("Plaats (post)"), "post_lines": Say("Adresregels (post)"),
    "post_country": Say("Land (post)"), "website": Say("Website"), "formal": Say("Aanspreken"), "notes": Say("Notities voor collega’s"), "bsn": Say("BSN"), "folder": Say("Map"), "folders": Say("Mappen"), "templates": Say("Sjablonen"), "name": Say("Naam"), "description": Say("Omschrijving"),
    "initials": Say("Voorletters"), "first_name": Say("Voornaam"), "prefix": Say("Tussenvoegsel"), "surname": Say("Achternaam"), "first_names": Say("Voornamen"), "gender": Say("Aanhef"), "mobile": Say("Mobiel"),
    "partner_prefix": Say("Tussenvoegsel van de partner"), "partner_surname": Say("Achternaam van de partner"),
    "name_use": Say("Naam die wordt gebruikt"), "title_before": Say("Titel voor de naam"),
    "title_after": Say("Titel achter de naam"), "job_title": Say("Functie"), "digest": Say("Berichten per mail"),
}  # fmt: skip
_FIELDS |= {
    "state": Say("Toestand"), "book_year": Say("Boekjaar"), "period": Say("Tijdvak"), "labels": Say("Labels"), "note": Say("Toelichting"),
    "retention": Say("Bewaartermijn"), "anchor_on": Say("Ankerdatum"), "year_end_month": Say("Boekjaar eindigt in"),
    "extension_months": Say("Uitstel in maanden"), "relation_ended_on": Say("Einde van de relatie"), "months": Say("Termijn in maanden"),
    "anchor": Say("Gerekend vanaf"), "ground": Say("Grond"), "trash_days": Say("Dagen in de prullenbak"),
    "margin_months": Say("Marge voor uitstel in maanden"), "addressee_en": Say("Gaat naar, in het Engels"),
}  # fmt: skip
_FIELDS |= {
    "scopes": Say("Mag"), "expires_on": Say("Geldig tot en met"), "is_limited": Say("Van welke cliënten"),
    "approval_months": Say("Maanden dat accorderingen zonder akkoord bewaard blijven"), "token_groups_added": Say("Cliëntgroepen erbij"), "token_groups_removed": Say("Cliëntgroepen eraf"),
    "token_clients_added": Say("Cliënten erbij"), "token_clients_removed": Say("Cliënten eraf"),
}  # fmt: skip
_DAYS = ("since", "expires_on", "anchor_on", "relation_ended_on")
_CHOICES: dict[str, dict[Any, Say]] = {
    "state": {"draft": Say("Concept"), "planned": Say("Gepland"), "published": Say("Gepubliceerd")},
    "period": dict(PERIODS),
    "anchor": dict(ANCHORS),
    "name_use": dict(NAME_USES),
    "gender": dict(GENDERS),
    "digest": dict(DIGESTS_OF_CLIENTS),
    "client_digest": dict(DIGESTS),
    "language": {"nl": Say("Nederlands"), "en": Say("Engels")},
    "kind": KINDS,
    "formal": {True: Say("U: Geachte heer Jansen"), False: Say("Je: Beste Jan")},
    "second_factor": SECOND_FACTOR | {"nobody": Say("Niemand"), "staff": Say("Medewerkers"), "all": Say("Iedereen")},
    "users_without_login": {True: Say("Aan"), False: Say("Uit")},
    "quiet_sundays": {True: Say("Aan"), False: Say("Uit")},
    "role": {
        "administrator": Say("Beheerder"),
        "office_administrator": Say("Kantoorbeheerder"),
        "employee": Say("Medewerker"),
    },
    "purpose": PURPOSES,
    "is_limited": {True: Say("Alleen de gekozen"), False: Say("Alle")},
    "all_clients": {True: Say("Ja"), False: Say("Nee")},
}


def _detail(line: dict[str, Any]) -> dict[str, Any]:
    found = json.loads(line["detail"]) if isinstance(line["detail"], str) else line["detail"]
    return found if isinstance(found, dict) else {}


def named_field(name: str) -> Say:
    """What a field of a record is called."""
    return _FIELDS.get(name, Say(name))


def shown(name: str, value: Any) -> Say | str:
    """A value of a field, as it is read. What people typed is text, what we call it a Say."""
    if value in (None, ""):
        return "–"
    if name in _DAYS:
        return f"{dt.date.fromisoformat(str(value)):%d-%m-%Y}"
    if name == "modules":
        return _together([MODULE_NAMES.get(key, Say(key)) for key in str(value).split(",")])
    if name == "scopes":
        return _together([SCOPES.get(key, Say(key)) for key in str(value).split(",")])
    choices = _CHOICES.get(name)
    return choices[value] if choices and value in choices else str(value)[:200]


def _allowed(access: dict[str, Any]) -> Say:
    """What somebody may at a client: the name of the template as it was then, and each right that he has beside it."""
    seeded = next((role.label for role in ROLES if role.name == access.get("role")), None)
    template = access.get("template") or seeded
    bits = access.get("own" if template else "rights")
    own = [label for right, label in RIGHTS if right & int(bits or 0)]
    return _together(([template] if template else []) + own) if template or own else Say("Niets")


def _together(says: Sequence[Say | str]) -> Say:
    return Say(", ".join(f"{{n{at}}}" for at in range(len(says))), **{f"n{at}": say for at, say in enumerate(says)})


def _names(text: str) -> list[str]:
    return [part.partition("}")[0] for part in text.split("{")[1:]]


def day_of(value: Any) -> dt.date | None:
    """A day in the address of a filter; nonsense narrows nothing."""
    try:
        day = dt.date.fromisoformat(str(value or ""))
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2200 else None
