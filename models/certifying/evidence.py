"""The file of proof of one request: its documents, certificate and record, with a way to check them that needs neither us nor
the internet."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path
from typing import Any

from models import engine
from models.approvals.record import FIELDS
from models.certifying.facts import Facts, facts_of
from models.certifying.filing import in_a_name
from models.certifying.wording import period_of
from models.content_type import clean_name
from models.core import fold
from models.dossiers.folders import numbered
from models.dossiers.zipping import Entry

FORMAT = "poort-bewijs-1"
_SCRIPT = Path(__file__).with_name("offline_check.py")
_TOLD = (
    "client_name", "client_number", "kind_name", "title", "book_year", "period", "addressee", "amount", "statement", "statement_en", "state",
    "least_level", "version", "offered_at", "completed_at", "filed_at",
)  # fmt: skip


async def evidence_of(request_id: int) -> tuple[str, list[Entry]]:
    """In a unit: the name of the archive, and what goes into it. Raises Missing."""
    facts = await facts_of(request_id)
    documents = _documents(facts)
    certificates = await _certificates(request_id)
    proof = canonical(await _proof(facts, documents, certificates))
    texts = {
        "bewijs.json": proof, "HOE-CONTROLEREN.txt": HOW_NL.format(**_values(facts)), "HOW-TO-VERIFY.txt": HOW_EN.format(**_values(facts)),
        "controleer.py": _SCRIPT.read_text(encoding="utf-8"),
    }  # fmt: skip
    texts |= {f"certificaat-{row['id']}.pem": row["pem"] for row in certificates}
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


def _documents(facts: Facts) -> list[dict[str, Any]]:
    taken: set[str] = set()
    found = []
    for part in facts.parts:
        name = numbered(clean_name(part["name"]), taken, 200)
        taken.add(fold(name))
        kept = {key: part[key] for key in ("id", "part", "name", "sha256", "size", "pages")}
        found.append(kept | {"path": f"stukken/{name}" if part["blob"] else None})
    return found


async def _certificates(request_id: int) -> list[dict[str, Any]]:
    rows = await engine.raw(
        "SELECT s.number, s.why, s.digest, s.sha256, s.size, s.chain_number, s.chain_link, CASE WHEN s.is_long THEN 'B-LT' ELSE s.level END AS level, s.at, c.id, c.pem, c.fingerprint "
        "FROM approval_seal s JOIN office_certificate c ON c.id = s.certificate WHERE s.request = $1 ORDER BY s.number",
        request_id,
    )
    return [row | {"path": f"akkoordverklaring-{row['number']}.pdf" if row["sha256"] else None} for row in rows]


async def _proof(facts: Facts, documents: list[dict[str, Any]], certificates: list[dict[str, Any]]) -> dict[str, Any]:
    choices = await engine.raw(
        "SELECT x.document, x.sha256, x.outcome, x.reason, x.at, a.person, a.decided_by FROM approver_choice x JOIN approver a ON a.id = x.approver "
        "WHERE a.request = $1 AND a.state IN ('approved', 'rejected') ORDER BY x.id",
        facts.request["id"],
    )
    return {
        "format": FORMAT, "office": facts.office, "request": {"id": facts.request["id"], **{name: facts.request[name] for name in _TOLD}},
        "documents": documents, "choices": choices, "fields": FIELDS, "record": [{name: act[name] for name in (*FIELDS, "link")} for act in facts.acts],
        "certificates": [
            {key: row[key] for key in ("number", "why", "path", "chain_number", "chain_link", "level", "at", "fingerprint")} | {"sha256": row["digest"]}
            for row in certificates
        ],
    }  # fmt: skip


def _values(facts: Facts) -> dict[str, str]:
    return {"office": facts.office, "check": facts.check_url, "fields": ", ".join(FIELDS)}


HOW_NL = """HOE U DIT BEWIJS CONTROLEERT

Dit archief komt van {office}. Het laat zien wie wat heeft goedgekeurd, en dat er sindsdien niets aan veranderd is.
U hebt er het kantoor en internet niet voor nodig.

In een keer
  Pak het archief uit en voer uit: python3 controleer.py
  Het programma leest alleen wat in deze map staat; u kunt het eerst lezen, of zelf zoiets schrijven. Het kijkt ook het zegel
  na, maar niet van wie het certificaat is en niet de tijdstempel: vergelijk de vingerafdruk, en zie 4.

Met de hand
  1. Bestanden: sha256sum -c SHA256SUMS
     (Windows: certutil -hashfile BESTAND SHA256, en vergelijk met de regel in SHA256SUMS.)
  2. Stukken: de SHA-256 van elk bestand in stukken/ staat in bewijs.json bij documents, en bij choices wie op precies
     die bytes akkoord gaf.
  3. Keten: elke handeling in record heeft een link: de SHA-256 van de UTF-8-tekst van een JSON-lijst zonder spaties, met
     de waarden van
       {fields}
     in deze volgorde. previous is de link van de handeling ervoor, bij de eerste 64 nullen. number telt zonder gaten.
  4. Zegel: open akkoordverklaring-1.pdf in een PDF-lezer die handtekeningen toont, of voer uit: pdfsig akkoordverklaring-1.pdf
     Het zegel moet geldig zijn en het hele document beslaan. Een eigen certificaat van het kantoor is bij uw lezer niet
     bekend; vergelijk dan de SHA-256-vingerafdruk met die welke het kantoor u geeft. Het certificaat zelf: certificaat-*.pem
  5. Samen: in het verzegelde document staat tot welke handeling het bewijs toen ging en welke link daarbij hoort (bij de
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
  The program reads only what is in this folder; you may read it first, or write one like it. It also looks at the seal, but
  not at whose certificate it is, nor at the time-stamp: compare the fingerprint, and see 4.

By hand
  1. Files: sha256sum -c SHA256SUMS
     (Windows: certutil -hashfile FILE SHA256, and compare with its line in SHA256SUMS.)
  2. Documents: the SHA-256 of each file in stukken/ stands in bewijs.json under documents, and under choices who approved
     exactly those bytes.
  3. Chain: every act in record has a link: the SHA-256 of the UTF-8 text of a JSON list without spaces, of the values of
       {fields}
     in this order. previous is the link of the act before it, 64 zeros for the first. number counts without gaps.
  4. Seal: open akkoordverklaring-1.pdf in a PDF reader that shows signatures, or run: pdfsig akkoordverklaring-1.pdf
     The seal must be valid and cover the whole document. Your reader does not know a certificate of the office's own; compare
     its SHA-256 fingerprint with the one the office gives you. The certificate itself: certificaat-*.pem
  5. Together: the sealed document says up to which act the record went then and which link belongs to it (in its properties,
     behind poort-keten). That must be the link of that act in bewijs.json. So the record cannot have been made over later.

What it is not
  A simple electronic signature with strong proof. Not a qualified electronic signature; neither DigiD nor eHerkenning was used.

A single file can also be compared at {check}
"""
