"""Controleert een bewijsbestand zonder internet / checks a file of proof without the internet: python3 controleer.py [map]

Python 3.8 of nieuwer; niets hoeft te worden geinstalleerd / Python 3.8 or newer; nothing needs to be installed.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple


def main(folder: Path) -> int:
    wrong = []
    for line in (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        known, name = line.split("  ", 1)
        if not (folder / name).is_file() or sha256((folder / name).read_bytes()) != known:
            wrong.append(f"gewijzigd of weg / changed or gone: {name}")
    proof = json.loads((folder / "bewijs.json").read_text(encoding="utf-8"))
    wrong += documents(folder, proof) + chain(proof) + named(proof) + outcome_wrong(proof) + certificates(folder, proof)
    seals = [
        seal(folder, one, sealed_in(proof).get(one["sha256"], one["level"]))
        for one in proof["certificates"]
        if one["path"]
    ]
    wrong += [said for state, said in seals if state == "wrong"]
    for one in wrong:
        print("FOUT / WRONG:", flat(one))
    if not wrong:
        unsure = any(state == "unknown" for state, _ in seals)
        print(
            headline(proof, unsure),
            f"{len(proof['record'])} handelingen / acts, {len(proof['documents'])} stukken / documents",
        )
        for line in decided(proof):
            print(" ", flat(line))
        for one in proof["documents"] + [one for one in proof["certificates"] if one.get("lost")]:
            if one["path"] is None:
                name = one.get("name") or f"akkoordverklaring-{one.get('number')}.pdf"
                day = one.get("let_go_on")
                why = f"vernietigd / destroyed {day}" if day else WHY[one.get("lost")]
                print(flat(f"NIET IN DIT ARCHIEF / NOT IN THIS ARCHIVE: {name}, SHA-256 {one['sha256']}: {why}"))
        for _, said in seals or [("", "ER IS GEEN VERZEGELDE AKKOORDVERKLARING BIJ / THERE IS NO SEALED CERTIFICATE")]:
            print("\n".join(flat(line) for line in said.split("\n")))
    return 1 if wrong else 0


def flat(text: str) -> str:
    """On one line and of letters alone: a name or a reason that somebody typed moves no cursor and writes no line of its own."""
    return "".join(one if one.isprintable() else "?" for one in " / ".join(text.splitlines()))


WHY = {
    None: "vernietigd na de bewaartermijn / destroyed at the end of its term",
    "broken": "bij het kantoor beschadigd of gewijzigd / damaged or changed at the office",
    "missing": "bij het kantoor weg / gone at the office",
}


def documents(folder: Path, proof: dict[str, Any]) -> list[str]:
    """Every document must be the bytes that were approved."""
    known = {one["id"]: one for one in proof["documents"]}
    for one in proof["documents"]:
        if one["path"] is None:  # destroyed at the end of its term: its hash is what is left
            continue
        content = (folder / one["path"]).read_bytes()
        if sha256(content) != one["sha256"] or len(content) != one["size"]:
            return [f"niet de bytes van het bewijs / not the bytes of the proof: {one['path']}"]
    return [
        f"akkoord op andere bytes / approved other bytes: {known[one['document']]['name']}"
        for one in proof["choices"]
        if one["outcome"] == "approved" and one["sha256"] != known[one["document"]]["sha256"]
    ]


def chain(proof: dict[str, Any]) -> list[str]:
    """Every act holds the hash of the one before it, and its own."""
    previous = "0" * 64
    for number, act in enumerate(proof["record"], 1):
        text = json.dumps([act[name] for name in proof["fields"]], ensure_ascii=False, separators=(",", ":"))
        if act["number"] != number or act["previous"] != previous or sha256(text.encode("utf-8")) != act["link"]:
            return [f"de keten breekt bij handeling {number} / the chain breaks at act {number}"]
        previous = act["link"]
    return []


def named(proof: dict[str, Any]) -> list[str]:
    """Documents and choices must be those that the record itself names: offered, put in the place of others, approved, scanned."""
    parts: dict[int, str] = {}
    scans: set[str] = set()
    whole, wrong = False, []
    chosen: Counter[Any] = Counter()
    for act in proof["record"]:
        told = json.loads(act["detail"])
        if act["act"] == "offered" and isinstance(told.get("sha256"), dict):
            parts, whole = {int(part): known for part, known in told["sha256"].items()}, True
        elif act["act"] == "on_paper":
            scans |= set(told.get("scans", []))
        elif act["act"] == "part_replaced" and act["document"]:
            parts[act["document"]] = told["sha256"]
            chosen.clear()
        elif act["act"] in ("approved", "rejected") and act["document"]:
            if parts.setdefault(act["document"], told.get("sha256")) != told.get("sha256"):
                wrong.append(
                    f"handeling {act['number']} gaat over andere bytes / act {act['number']} is of other bytes"
                )
            whose = act["on_behalf_of"] or act["person"]
            chosen[(act["document"], whose, act["person"], act["act"], told.get("sha256"))] += 1
    for one in proof["documents"]:
        strange = whole and one["id"] not in parts and scans.isdisjoint([one["sha256"]])
        if strange or parts.get(one["id"], one["sha256"]) != one["sha256"]:
            wrong.append(f"niet wat er in de keten staat / not what the chain says: {one['name']}")
    if whole and set(parts) - {one["id"] for one in proof["documents"]}:
        wrong.append("een stuk uit de keten ontbreekt / a document of the chain is missing")
    if (
        Counter(
            (one["document"], one["person"], one["decided_by"], one["outcome"], one["sha256"])
            for one in proof["choices"]
        )
        - chosen
    ):
        wrong.append("een keuze staat niet zo in de keten / a choice is not as the chain has it")
    return wrong


# What became of it. That a record is whole says nothing of that: what was refused can be whole.

OUTCOMES = {
    "approved": ("AKKOORD", "APPROVED"),
    "on_paper": ("AKKOORD OP PAPIER", "APPROVED ON PAPER"),
    "filed": ("AKKOORD", "APPROVED"),
    "rejected": ("GEWEIGERD, GEEN AKKOORD", "REFUSED, NO APPROVAL"),
    "withdrawn": ("INGETROKKEN, GEEN AKKOORD", "WITHDRAWN, NO APPROVAL"),
    "replaced": ("VERVANGEN, GEGEVEN AKKOORDEN ZIJN VERVALLEN", "REPLACED, APPROVALS GIVEN ARE VOID"),
    "expired": ("VERLOPEN, GEEN AKKOORD", "EXPIRED, NO APPROVAL"),
    "open": ("NOG NIET COMPLEET, GEEN AKKOORD", "NOT COMPLETE YET, NO APPROVAL"),
}
LED_TO = {
    "made": "draft", "sign_off_asked": "draft", "sent_back": "draft", "offered": "open", "completed": "approved", "on_paper": "on_paper",
    "filed": "filed", "rejected": "rejected", "withdrawn": "withdrawn", "replaced": "replaced", "expired": "expired",
}  # fmt: skip


def outcome(proof: dict[str, Any]) -> str:
    """To what the acts of the record led, one after the other: of OUTCOMES, or draft; '' where none says."""
    state = ""
    for act in proof["record"]:
        if act["act"] in LED_TO:
            state = LED_TO[act["act"]]
        elif act["act"] == "extended" and state == "expired":
            state = "open"
    return state


def outcome_wrong(proof: dict[str, Any]) -> list[str]:
    state, told = outcome(proof), proof["request"]["state"]
    told = {"offered": "open", "partly": "open", "sign_off": "draft"}.get(told, told)
    return [f"de keten leidt niet tot / the chain does not lead to: {told}"] if state and state != told else []


def is_on_paper(proof: dict[str, Any]) -> bool:
    return any(act["act"] == "on_paper" for act in proof["record"])


def headline(proof: dict[str, Any], unsure: bool) -> str:
    state = outcome(proof) or "open"
    dutch, english = OUTCOMES.get("on_paper" if state == "filed" and is_on_paper(proof) else state, OUTCOMES["open"])
    if unsure:
        return (
            f"HEEL, OP DE HANDTEKENING IN HET ZEGEL NA: {dutch} / INTACT, BUT FOR THE SIGNATURE IN THE SEAL: {english}:"
        )
    if state in ("approved", "on_paper", "filed"):
        return f"GOED, {dutch} / GOOD, {english}:"
    return f"BEWIJS HEEL, MAAR {dutch} / PROOF INTACT, BUT {english}:"


def decided(proof: dict[str, Any]) -> list[str]:
    """Who approved or refused, and how it ended; of an approval whether it still counts."""
    found: list[str] = []
    end = outcome(proof)
    for number, act in enumerate(proof["record"]):
        told = json.loads(act["detail"])
        given = any(one["act"] == "approved" for one in proof["record"][:number])
        if act["act"] in ("approved", "on_paper", "rejected"):
            behalf = f" namens / on behalf of {told['on_behalf_of_name']}" if told.get("on_behalf_of_name") else ""
            paper = (
                f" op papier / on paper: {told['signed_by']}, {told.get('signed_on')};" if told.get("signed_by") else ""
            )
            what = {
                "approved": "akkoord / approved",
                "on_paper": "vastgelegd / recorded",
                "rejected": "NIET AKKOORD / REFUSED",
            }[act["act"]]
            file = f", {told['file']}" if told.get("file") else ""
            how = f" ({act['method']})" if act["method"] else ""
            why = f": {told['reason']}" if act["act"] == "rejected" and told.get("reason") else ""
            role = act["role"] or "accordeur / approver"
            void = "" if act["act"] == "rejected" else no_more(act, proof["record"][number + 1 :], end)
            found.append(f"{act['at']} {paper} {act['name']}, {role}{behalf}: {what}{how}{file}{why}{void}")
        elif act["act"] in ("withdrawn", "replaced", "expired", "part_replaced"):
            words = {
                "withdrawn": "ingetrokken / withdrawn", "replaced": "vervangen / replaced", "expired": "verlopen / expired",
                "part_replaced": "stuk vervangen, eerder akkoord vervalt / document replaced, earlier approval void"
                if given else "stuk vervangen / document replaced",
            }[act["act"]]  # fmt: skip
            why = f": {told['reason']}" if told.get("reason") else ""
            by = f": {told['replaced_by']}" if told.get("replaced_by") else ""
            found.append(f"{act['at']}  {act['name'] or act['role']}: {words}{by}{why}")
    return found


def no_more(act: dict[str, Any], later: list[dict[str, Any]], end: str) -> str:
    """Whether something that came after it took an approval away."""
    whose = act["on_behalf_of"] or act["person"]
    for one in later:
        mine = one["act"] == "voided" and act["act"] != "on_paper" and one["person"] == whose
        if mine or one["act"] == "part_replaced" or one["act"] == "replaced":
            return " - VERVALLEN / VOID"
    return " - TELT NIET, WANT GEWEIGERD / DOES NOT COUNT, REFUSED" if end == "rejected" else ""


def certificates(folder: Path, proof: dict[str, Any]) -> list[str]:
    """The end of the chain stands in every sealed certificate, and must be the one of this record."""
    links = {act["number"]: act["link"] for act in proof["record"]}
    known, wrong = sealed_in(proof), []
    for one in proof["certificates"]:
        if one["path"] is None:  # its bytes were lost, and it was made anew
            continue
        content = (folder / one["path"]).read_bytes()
        found = re.search(rb"poort-keten (\d+) ([0-9a-f]{64})", content)
        if sha256(content) != one["sha256"]:
            wrong.append(f"niet het verzegelde document / not the sealed document: {one['path']}")
        elif not found or links.get(int(found[1])) != found[2].decode():
            wrong.append(f"hoort niet bij dit bewijs / does not belong to this record: {one['path']}")
        elif one["sha256"] not in known:
            wrong.append(f"niet wat volgens de keten is verzegeld / not what the chain says was sealed: {one['path']}")
    return wrong


def sealed_in(proof: dict[str, Any]) -> dict[str, str]:
    """SHA-256 of every certificate that was sealed > its profile of PAdES, as the record says."""
    acts = [json.loads(act["detail"]) for act in proof["record"] if act["act"] in ("sealed", "resealed")]
    return {told["certificate"]: told["pades"] for told in acts}


# The seal (PAdES) and its time-stamps (RFC 3161), by what Python has: hashes, and signatures where the key is RSA. Whom a certificate
# belongs to is not for a program to say: compare its fingerprint with the one that the office, or the authority, gives you.

HASHES = {"608648016503040201": "sha256", "608648016503040202": "sha384", "608648016503040203": "sha512"}
BEFORE = {"sha256": "3031300d060960864801650304020105000420", "sha384": "3041300d060960864801650304020205000430", "sha512": "3051300d060960864801650304020305000440"}  # fmt: skip
RSA = {"2a864886f70d010101", "2a864886f70d01010b", "2a864886f70d01010c", "2a864886f70d01010d"}  # PKCS#1 v1.5
DIGEST, STAMP, STAMPED = "2a864886f70d010904", "2a864886f70d010910020e", "2a864886f70d0109100104"
SIGNER, SIGNER_OLD = (
    "2a864886f70d010910022f",
    "2a864886f70d010910020c",
)  # which certificate signed, by a newer hash or SHA-1
FOR_STAMPS = "06082b06010505070308"  # what a certificate says that is for time-stamps
RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]")


class Signed(NamedTuple):
    """A signature (CMS): its algorithms, the hash it is of, what is signed, the signature itself; `told` what stands in it and `kind`
    what that is, the certificates in it (DER), its signed attributes by their names, and `beside` them those that are not signed."""

    algorithm: str
    method: str
    digest: bytes
    attributes: bytes
    signature: bytes
    kind: str
    told: bytes
    certificates: list[bytes]
    named: dict[str, bytes]
    beside: dict[str, bytes]


def seal(folder: Path, one: dict[str, Any], profile: str) -> tuple[str, str]:
    """What can be said of a seal: (intact, wrong or unknown, the words)."""
    name, content = one["path"], (folder / one["path"]).read_bytes()
    found = RANGE.search(content)
    if not found:
        return "wrong", f"er staat geen zegel op / there is no seal on: {name}"
    start, length, later, rest = (int(number) for number in found.groups())
    try:
        cms = signed(written(content, start + length, later))
    except (ValueError, IndexError, KeyError):
        return "wrong", f"het zegel is onleesbaar / the seal cannot be read: {name}"
    hashed = hashlib.new(cms.algorithm, content[start : start + length] + content[later : later + rest]).digest()
    key = key_of(folder, one["fingerprint"])
    if start != 0 or hashed != cms.digest or (key and not holds(key, cms)):
        return "wrong", f"HET ZEGEL KLOPT NIET / THE SEAL DOES NOT HOLD: {name}"
    stamps = stamps_of(content, cms, later + rest)
    if not stamps and profile != "B-B":
        stamps = [("wrong", "DE TIJDSTEMPEL IS WEG / THE TIME-STAMP IS GONE")]
    for state, said in stamps:
        if state == "wrong":
            return "wrong", f"{said}: {name}"
    behind = "".join(f"\n  {said}" for _, said in stamps)
    if later + rest != len(content):
        behind += "\n  Wat achter het zegel staat, zoals een tijdstempel en het bewijs van certificaten, is als geheel niet nagekeken: pdfsig zegt of dat mag / What follows the seal, such as a time-stamp and the proof of certificates, was not checked as a whole: pdfsig says whether it may"  # fmt: skip
    if not key:
        return "unknown", f"DE HANDTEKENING IN HET ZEGEL IS NIET NAGEKEKEN / THE SIGNATURE IN THE SEAL WAS NOT CHECKED: pdfsig {name}{behind}"  # fmt: skip
    return "intact", f"zegel heel / seal intact: {name}\n  Vergelijk de vingerafdruk van het certificaat met die van het kantoor / compare the fingerprint of the certificate with the office's:\n  {one['fingerprint']}{behind}"  # fmt: skip


def written(content: bytes, before: int, after: int) -> bytes:
    """What was written in hexadecimals between the two parts that a signature in a PDF is of."""
    return bytes.fromhex(content[before + 1 : after - 1].decode("ascii"))


def signed(content: bytes) -> Signed:
    """Raises ValueError or IndexError where it cannot be read, KeyError where its algorithm is none that we know."""
    data = inside(content, inside(content, inside(content, (0, 0, len(content)))[0])[1])[0]
    _, _, encapsulated, *more = inside(content, data)
    signer = inside(content, inside(content, more[-1])[0])
    kind, *told = inside(content, encapsulated)
    named = named_in(content, signer[3])
    if DIGEST not in named:
        raise ValueError("of nothing")
    at, _, end = signer[3]
    return Signed(
        algorithm=HASHES[raw(content, inside(content, signer[2])[0]).hex()], method=raw(content, inside(content, signer[4])[0]).hex(),
        digest=raw(named[DIGEST], inside(named[DIGEST], (0, 0, len(named[DIGEST])))[0]), attributes=b"\x31" + content[at + 1 : end],
        signature=raw(content, signer[5]), kind=raw(content, kind).hex(), told=raw(content, inside(content, told[0])[0]) if told else b"",
        certificates=[content[one[0] : one[2]] for group in more[:-1] if content[group[0]] == 0xA0 for one in inside(content, group)], named=named,
        beside=named_in(content, signer[6]) if len(signer) > 6 else {},
    )  # fmt: skip


def named_in(content: bytes, attributes: tuple[int, int, int]) -> dict[str, bytes]:
    """The first value of each attribute, by its name."""
    found = {}
    for one in inside(content, attributes):
        name, values = inside(content, one)
        at, _, end = inside(content, values)[0]
        found[raw(content, name).hex()] = content[at:end]
    return found


def stamps_of(content: bytes, cms: Signed, end: int) -> list[tuple[str, str]]:
    """The time-stamps in a seal, which are of its signature, and those behind it, which are of all that stands before them."""
    found = [stamp(cms.beside[STAMP], cms.signature)] if STAMP in cms.beside else []
    for one in RANGE.finditer(content, end):
        start, length, later, rest = (int(number) for number in one.groups())
        if start != 0 or length < end or later + rest > len(content):
            found.append(
                ("wrong", "EEN TIJDSTEMPEL GAAT NIET OVER HET HELE ZEGEL / A TIME-STAMP IS NOT OF THE WHOLE SEAL")
            )
            continue
        try:
            token = written(content, length, later)
        except ValueError:
            token = b""
        found.append(stamp(token, content[:length] + content[later : later + rest]))
    return found


def stamp(token: bytes, of: bytes) -> tuple[str, str]:
    """What can be said of a time-stamp over these bytes: (intact, wrong or unknown, the words)."""
    wrong = "DE TIJDSTEMPEL KLOPT NIET / THE TIME-STAMP DOES NOT HOLD"
    try:
        cms = signed(token)
        certificate = signer_of(cms)
        if hashlib.new(cms.algorithm, cms.told).digest() != cms.digest or not certificate:
            return "wrong", wrong
        told = inside(cms.told, inside(cms.told, (0, 0, len(cms.told)))[0])
        algorithm, imprint = inside(cms.told, told[2])
        hashed = hashlib.new(HASHES[raw(cms.told, inside(cms.told, algorithm)[0]).hex()], of).digest()
        at = raw(cms.told, told[4]).decode("ascii")
    except KeyError:
        return "unknown", "TIJDSTEMPEL NIET NAGEKEKEN, ONBEKENDE SOORT / TIME-STAMP NOT CHECKED, UNKNOWN KIND: pdfsig"
    except (ValueError, IndexError):
        return "wrong", f"{wrong} (onleesbaar / unreadable)"
    if cms.kind != STAMPED or raw(cms.told, imprint) != hashed:
        return "wrong", f"{wrong} (van iets anders / of something else)"
    try:
        name, since, until, key = of_certificate(certificate)
    except (ValueError, IndexError, KeyError):
        return "wrong", f"{wrong} (certificaat onleesbaar / certificate unreadable)"
    if key and cms.method in RSA and not holds(key, cms):
        return "wrong", wrong
    if not since <= at[:14] <= until or FOR_STAMPS not in certificate.hex():
        return "wrong", f"{wrong} (certificaat niet voor tijdstempels van toen / certificate not for time-stamps of then)"  # fmt: skip
    when = f"{at[:4]}-{at[4:6]}-{at[6:8]} {at[8:10]}:{at[10:12]}:{at[12:14]} UTC, {name}"
    whose = f"\n  Van wie het certificaat van die dienst is, is niet nagekeken; vergelijk de vingerafdruk / whose the certificate of that authority is, was not checked; compare the fingerprint:\n  {sha256(certificate)}"  # fmt: skip
    if not key or cms.method not in RSA:
        return "unknown", f"DE HANDTEKENING ONDER DE TIJDSTEMPEL IS NIET NAGEKEKEN / THE SIGNATURE UNDER THE TIME-STAMP WAS NOT CHECKED: {when}{whose}"  # fmt: skip
    return "intact", f"tijdstempel heel / time-stamp intact: {when}{whose}"


def signer_of(cms: Signed) -> bytes:
    """The certificate that a time-stamp itself says it was signed with; b'' where it is not there."""
    algorithm = "sha256" if SIGNER in cms.named else "sha1"
    told = cms.named.get(SIGNER) or cms.named.get(SIGNER_OLD, b"")
    first = inside(told, inside(told, inside(told, inside(told, (0, 0, len(told)))[0])[0])[0])
    if told[first[0][0]] == 0x30:
        algorithm = HASHES[raw(told, inside(told, first.pop(0))[0]).hex()]
    known = raw(told, first[0])
    return next((one for one in cms.certificates if hashlib.new(algorithm, one).digest() == known), b"")


def of_certificate(content: bytes) -> tuple[str, str, str, tuple[int, int] | None]:
    """Of a certificate (DER): for whom it is, from when until when (YYYYMMDDHHMMSS), and its RSA key, where it has one."""
    told = inside(content, inside(content, inside(content, (0, 0, len(content)))[0])[0])
    name = ""
    for one in inside(content, told[5]):
        kind, value = inside(content, inside(content, one)[0])
        if raw(content, kind).hex() in ("550403", "55040a"):  # its common name, which comes last, or an organisation
            name = raw(content, value).decode("utf-8", "replace")
    since, until = (full(raw(content, one).decode("ascii")) for one in inside(content, told[4]))
    return "".join(letter for letter in name if letter.isprintable()), since, until, rsa_key(content, told[6])


def full(at: str) -> str:
    """A moment with the century that it may lack."""
    return at[:14] if len(at) > 13 else ("20" if at < "5" else "19") + at[:12]


def key_of(folder: Path, fingerprint: str) -> tuple[int, int] | None:
    """The RSA key (modulus, exponent) of the certificate with this fingerprint; None where it has another kind."""
    for path in sorted(folder.glob("certificaat-*.pem")):
        pem = path.read_text(encoding="ascii").split("-----END", 1)[0].split("-----", 2)[-1]
        content = base64.b64decode(pem)
        if sha256(content) != fingerprint:
            continue
        return of_certificate(content)[3]
    return None


def rsa_key(content: bytes, told: tuple[int, int, int]) -> tuple[int, int] | None:
    """(modulus, exponent)"""
    kind, bits = inside(content, told)
    if raw(content, inside(content, kind)[0]).hex() != "2a864886f70d010101":
        return None
    at, start, end = bits
    modulus, exponent = inside(content, inside(content, (at, start + 1, end))[0])
    return int.from_bytes(raw(content, modulus), "big"), int.from_bytes(raw(content, exponent), "big")


def holds(key: tuple[int, int], cms: Signed) -> bool:
    """RSA, PKCS#1 v1.5."""
    modulus, exponent = key
    size = (modulus.bit_length() + 7) // 8
    opened = pow(int.from_bytes(cms.signature, "big"), exponent, modulus).to_bytes(size, "big")
    tail = bytes.fromhex("00" + BEFORE[cms.algorithm]) + hashlib.new(cms.algorithm, cms.attributes).digest()
    return opened == b"\x00\x01" + b"\xff" * (size - 2 - len(tail)) + tail


def inside(content: bytes, one: tuple[int, int, int]) -> list[tuple[int, int, int]]:
    """The parts of a part of DER: where each begins, where its content begins, and where it ends."""
    _, at, end = one
    found = []
    while at < end and content[at]:  # zeros fill up what was kept free for a signature
        size, start = content[at + 1], at + 2
        if size > 127:
            start += size - 128
            size = int.from_bytes(content[at + 2 : start], "big")
        found.append((at, start, start + size))
        at = start + size
    return found


def raw(content: bytes, one: tuple[int, int, int]) -> bytes:
    return content[one[1] : one[2]]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):  # a letter that the screen or file does not know is no damage
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent))
    except (OSError, ValueError, KeyError, TypeError) as error:
        print("FOUT / WRONG: onleesbaar / unreadable:", error)
        sys.exit(1)
