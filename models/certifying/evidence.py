"""The file of proof of one request: its documents, certificate and record, with a way to check them that needs neither us nor
the internet."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from models import engine
from models.approvals.record import FIELDS
from models.certifying.completing import is_whole
from models.certifying.facts import Facts, facts_of
from models.certifying.filing import in_a_name
from models.certifying.wording import period_of
from models.content_type import clean_name
from models.core import fold
from models.dossiers.folders import numbered
from models.dossiers.zipping import Entry
from models.notices import ZONE
from models.scanning.opening import shut_among
from models.storage import storage

FORMAT = "poort-bewijs-1"
_SCRIPT = Path(__file__).with_name("offline_check.py")
_NOTHING: Mapping[str, str] = MappingProxyType({})
_TOLD = (
    "client_name", "client_number", "kind_name", "title", "book_year", "period", "addressee", "amount", "statement", "statement_en", "state",
    "least_level", "version", "offered_at", "completed_at", "filed_at",
)  # fmt: skip


class Read(NamedTuple):
    """What the archive is made of: `sealed` the certificates and `choices` what each approver chose, as rows."""

    facts: Facts
    sealed: list[dict[str, Any]]
    choices: list[dict[str, Any]]

    @property
    def hashes(self) -> set[str]:
        """Of the files that go into it."""
        kept = {part["blob"] for part in self.facts.parts} | {row["sha256"] for row in self.sealed}
        return kept - {""}


async def read(request_id: int) -> Read:
    """In a unit. Raises Missing; Shut where one of the files may not be opened."""
    facts = await facts_of(request_id)
    found = Read(facts, await engine.raw(_SEALED_SQL, request_id), await engine.raw(_CHOICES_SQL, request_id))
    for shut in (await shut_among(found.hashes)).values():
        raise shut
    return found


async def whole_evidence_of(found: Read) -> tuple[str, list[Entry]]:
    """Outside every unit: as `evidence_of`, without the files of which the storage has not those bytes any more: they are named
    instead. One damaged file takes the rest of the proof along from nobody."""
    wrong = [sha256 for sha256 in sorted(found.hashes) if not await is_whole(sha256)]
    return evidence_of(found, {sha256: "broken" if await storage().exists(sha256) else "missing" for sha256 in wrong})


def evidence_of(found: Read, lost: Mapping[str, str] = _NOTHING) -> tuple[str, list[Entry]]:
    """The name of the archive, and what goes into it; of what is `lost` (hash > broken or missing) only the name, the SHA-256 and what
    is wrong."""
    facts = found.facts
    documents, certificates = _documents(facts, lost), _certificates(found.sealed, lost)
    proof = canonical(_proof(facts, documents, certificates, found.choices))
    texts = {
        "bewijs.json": proof, "HOE-CONTROLEREN.txt": HOW_NL.format(**_values(facts), gone=_told_gone(documents, _GONE_NL)),
        "HOW-TO-VERIFY.txt": HOW_EN.format(**_values(facts), gone=_told_gone(documents, _GONE_EN)),
        "controleer.py": _SCRIPT.read_text(encoding="utf-8"),
    }  # fmt: skip
    texts |= {f"certificaat-{row['id']}.pem": row["pem"] for row in certificates}
    if lost:
        names = [f"  {one['sha256']}  {one['name']}: {WRONG[one['lost']]}" for one in documents if one.get("lost")]
        names += [
            f"  {one['digest']}  akkoordverklaring-{one['number']}.pdf: {WRONG[one['lost']]}" for one in certificates if one.get("lost")
        ]  # fmt: skip
        texts["ONTBREEKT-MISSING.txt"] = MISSING + "\n".join(names) + "\n"
    files = [(one["path"], one["sha256"], one["size"]) for one in (*documents, *certificates) if one["path"]]
    sums = [f"{sha256}  {path}" for path, sha256, _ in files]
    sums += [f"{hashlib.sha256(text.encode()).hexdigest()}  {path}" for path, text in texts.items()]
    texts["SHA256SUMS"] = "\n".join(sums) + "\n"
    entries = [Entry(0, path, sha256, size) for path, sha256, size in files]
    entries += [Entry(0, path, "", len(text.encode()), text) for path, text in texts.items()]
    when = period_of(facts.request["period"], facts.request["book_year"], facts.request["year_end"]).nl
    return clean_name(
        f"Bewijs {in_a_name(facts.request['kind_name'])} {when} {facts.request['client_number']}"[:150]
    ), entries


def canonical(value: Any) -> str:
    """JSON that is the same for the same values: keys in order, no spaces, letters as they are."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> str:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat(timespec="microseconds")
    return str(value)


def _documents(facts: Facts, lost: Mapping[str, str]) -> list[dict[str, Any]]:
    taken: set[str] = set()
    found = []
    for part in facts.parts:
        name = numbered(clean_name(part["name"]), taken, 200)
        taken.add(fold(name))
        kept = {key: part[key] for key in ("id", "part", "name", "sha256", "size", "pages")}
        wrong = {"lost": lost[part["blob"]]} if part["blob"] in lost else {}
        gone = None if part["blob"] else _let_go_on(facts, part)
        there = bool(part["blob"]) and not wrong
        found.append(kept | {"path": f"stukken/{name}" if there else None, "let_go_on": gone} | wrong)
    return found


def _let_go_on(facts: Facts, part: dict[str, Any]) -> str | None:
    """The day, at the office, on which the bytes of a part were destroyed, as its record has it; None for before it said so."""
    for act in reversed(facts.acts):
        if act["act"] == "let_go" and str(part["id"]) in json.loads(act["detail"]).get("sha256", {}):
            return f"{act['at'].astimezone(ZONE):%Y-%m-%d}"
    return None


def _told_gone(documents: list[dict[str, Any]], words: tuple[str, str, str]) -> str:
    """What was destroyed and is not in the archive any more, as lines of the explanation; '' where nothing was."""
    said = [
        f"     {one['name']} ({words[1]} {one['let_go_on'] or words[2]})\n     SHA-256 {one['sha256']}\n"
        for one in documents
        if one["path"] is None and "lost" not in one
    ]
    return words[0] + "".join(said) if said else ""


_GONE_NL = (
    "     Hiervan zijn de bytes vernietigd, na de bewaartermijn of omdat er een virus in zat. Het bewijs blijft:\n",
    "op",
    "een eerdere dag",
)
_GONE_EN = (
    "     Of these the bytes were destroyed, at the end of their term or because of a virus. The proof stays:\n",
    "on",
    "an earlier day",
)


_SEALED_SQL = """SELECT s.number, s.why, s.digest, s.sha256, s.size, s.chain_number, s.chain_link,
 CASE WHEN s.is_long THEN 'B-LT' ELSE s.level END AS level, s.at, c.id, c.pem, c.fingerprint
FROM approval_seal s JOIN office_certificate c ON c.id = s.certificate WHERE s.request = $1 ORDER BY s.number"""
_CHOICES_SQL = """SELECT x.document, x.sha256, x.outcome, x.reason, x.at, a.person, a.decided_by FROM approver_choice x
JOIN approver a ON a.id = x.approver WHERE a.request = $1 AND a.state IN ('approved', 'rejected') ORDER BY x.id"""


def _certificates(rows: list[dict[str, Any]], lost: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        row
        | {"path": f"akkoordverklaring-{row['number']}.pdf" if row["sha256"] and row["sha256"] not in lost else None}
        | ({"lost": lost[row["sha256"]]} if row["sha256"] in lost else {})
        for row in rows
    ]


def _proof(
    facts: Facts, documents: list[dict[str, Any]], certificates: list[dict[str, Any]], choices: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "format": FORMAT, "office": facts.office, "request": {"id": facts.request["id"], **{name: facts.request[name] for name in _TOLD}},
        "documents": documents, "choices": choices, "fields": FIELDS, "record": [{name: act[name] for name in (*FIELDS, "link")} for act in facts.acts],
        "certificates": [
            {key: row[key] for key in ("number", "why", "path", "chain_number", "chain_link", "level", "at", "fingerprint")} | {"sha256": row["digest"]} | ({"lost": row["lost"]} if row.get("lost") else {})
            for row in certificates
        ],
    }  # fmt: skip


def _values(facts: Facts) -> dict[str, str]:
    return {"office": facts.office, "check": facts.check_url, "fields": ", ".join(FIELDS)}


WRONG = {"broken": "beschadigd of gewijzigd / damaged or changed", "missing": "weg / gone"}
MISSING = """Van deze bestanden heeft het kantoor de bytes niet meer zoals ze waren. Ze zitten daarom niet in dit archief; wat ze waren, zegt hun SHA-256.
The office does not have the bytes of these files any more as they were. So they are not in this archive; their SHA-256 says what they were.

"""
HOW_NL = """HOE U DIT BEWIJS CONTROLEERT

Dit archief komt van {office}. Het laat zien wie wat heeft goedgekeurd, en dat er sindsdien niets aan veranderd is.
U hebt er het kantoor en internet niet voor nodig.

In een keer
  Pak het archief uit en voer uit: python3 controleer.py
  Het programma leest alleen wat in deze map staat; u kunt het eerst lezen, of zelf zoiets schrijven. Het kijkt ook het zegel
  na, en de tijdstempel: of die over precies dit zegel gaat, van wanneer hij is en of de handtekening eronder klopt. Het kijkt
  niet na van wie de certificaten zijn, wie daarboven staat en of ze zijn ingetrokken: vergelijk de vingerafdrukken, en zie 4.

  Het zegt twee dingen: of het bewijs heel is, en wat ervan werd: akkoord, geweigerd, ingetrokken, vervangen, verlopen of nog
  niet compleet. Ook van wat geweigerd is kan het bewijs heel zijn. Bij een akkoord dat niet meer telt, staat VERVALLEN.

Met de hand
  1. Bestanden: sha256sum -c SHA256SUMS
     (Windows: certutil -hashfile BESTAND SHA256, en vergelijk met de regel in SHA256SUMS.)
  2. Stukken: de SHA-256 van elk bestand in stukken/ staat in bewijs.json bij documents, en bij choices wie op precies
     die bytes akkoord gaf.
{gone}  3. Keten: elke handeling in record heeft een link: de SHA-256 van de UTF-8-tekst van een JSON-lijst zonder spaties, met
     de waarden van
       {fields}
     in deze volgorde. previous is de link van de handeling ervoor, bij de eerste 64 nullen. number telt zonder gaten.
  4. Zegel: open akkoordverklaring-1.pdf in een PDF-lezer die handtekeningen toont, of voer uit: pdfsig akkoordverklaring-1.pdf
     Het zegel moet geldig zijn en het document beslaan. Een eigen certificaat van het kantoor is bij uw lezer niet
     bekend; vergelijk dan de SHA-256-vingerafdruk met die welke het kantoor u geeft. Het certificaat zelf: certificaat-*.pem
     Een tijdstempel is van een onafhankelijke dienst. De vingerafdruk van haar certificaat, die het programma toont, vindt u
     bij die dienst of op de Europese vertrouwenslijst (eIDAS); een PDF-lezer kijkt dat zelf na.
     Met een tijdstempel schrijft pdfsig "Not total document signed": het bewijs van certificaten en de tijdstempel komen achter
     het zegel. Dat alleen is geen wijziging: het zegel beslaat alles tot daar. Wat erachter staat, hoort geen pagina's of tekst
     toe te voegen; een PDF-lezer die PAdES kent, zoals Adobe Reader, zegt of dat zo is.
  5. Wat ervan werd: de laatste van deze handelingen in record: completed of on_paper (akkoord), rejected (geweigerd), withdrawn
     (ingetrokken), replaced (vervangen: eerdere akkoorden zijn vervallen), expired (verlopen). voided noemt wiens akkoord vervalt.
  6. Samen: in het verzegelde document staat tot welke handeling het bewijs toen ging en welke link daarbij hoort (bij de
     eigenschappen achter poort-keten). Die moet gelijk zijn aan de link van die handeling in bewijs.json. Zo kan het bewijs
     niet achteraf zijn overgedaan.

Wat het niet is
  Een gewone elektronische handtekening met sterk bewijs. Geen gekwalificeerde elektronische handtekening; DigiD of
  eHerkenning is niet gebruikt.

Een los bestand vergelijken kan ook op {check}
"""
HOW_EN = """HOW TO VERIFY THIS PROOF

This archive comes from {office}. It shows who approved what, and that nothing of it changed since.
You need neither the office nor the internet for it.

All at once
  Unpack the archive and run: python3 controleer.py
  The program reads only what is in this folder; you may read it first, or write one like it. It also looks at the seal
  and at the time-stamp: whether that is of exactly this seal, of when it is, and whether the signature under it holds. It does
  not look at whose the certificates are, who stands above them, or whether they were withdrawn: compare the fingerprints, and
  see 4.

  It says two things: whether the proof is intact, and what became of it: approved, refused, withdrawn, replaced, expired or
  not complete yet. The proof of what was refused can be intact as well. Where an approval no longer counts, it says VOID.

By hand
  1. Files: sha256sum -c SHA256SUMS
     (Windows: certutil -hashfile FILE SHA256, and compare with its line in SHA256SUMS.)
  2. Documents: the SHA-256 of each file in stukken/ stands in bewijs.json under documents, and under choices who approved
     exactly those bytes.
{gone}  3. Chain: every act in record has a link: the SHA-256 of the UTF-8 text of a JSON list without spaces, of the values of
       {fields}
     in this order. previous is the link of the act before it, 64 zeros for the first. number counts without gaps.
  4. Seal: open akkoordverklaring-1.pdf in a PDF reader that shows signatures, or run: pdfsig akkoordverklaring-1.pdf
     The seal must be valid and cover the document. Your reader does not know a certificate of the office's own; compare
     its SHA-256 fingerprint with the one the office gives you. The certificate itself: certificaat-*.pem
     A time-stamp is of an independent authority. The fingerprint of its certificate, which the program shows, is to be had from
     that authority or on the European trusted lists (eIDAS); a PDF reader looks that up itself.
     With a time-stamp pdfsig writes "Not total document signed": the proof of certificates and the time-stamp come behind the
     seal. That by itself is no change: the seal covers all up to there. What follows should add no pages or words; a PDF reader
     that knows PAdES, such as Adobe Reader, says whether that is so.
  5. What became of it: the last of these acts in record: completed or on_paper (approved), rejected (refused), withdrawn,
     replaced (approvals given are void), expired. voided names whose approval is void.
  6. Together: the sealed document says up to which act the record went then and which link belongs to it (in its properties,
     behind poort-keten). That must be the link of that act in bewijs.json. So the record cannot have been made over later.

What it is not
  A simple electronic signature with strong proof. Not a qualified electronic signature; neither DigiD nor eHerkenning was used.

A single file can also be compared at {check}
"""
