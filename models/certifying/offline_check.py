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
from typing import Any


def main(folder: Path) -> int:
    wrong = []
    for line in (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        known, name = line.split("  ", 1)
        if not (folder / name).is_file() or sha256((folder / name).read_bytes()) != known:
            wrong.append(f"gewijzigd of weg / changed or gone: {name}")
    proof = json.loads((folder / "bewijs.json").read_text(encoding="utf-8"))
    wrong += documents(folder, proof) + chain(proof) + named(proof) + outcome_wrong(proof) + certificates(folder, proof)
    seals = [seal(folder, one) for one in proof["certificates"] if one["path"]]
    wrong += [said for state, said in seals if state == "wrong"]
    for one in wrong:
        print("FOUT / WRONG:", one)
    if not wrong:
        unsure = any(state == "unknown" for state, _ in seals)
        print(
            headline(proof, unsure),
            f"{len(proof['record'])} handelingen / acts, {len(proof['documents'])} stukken / documents",
        )
        for line in decided(proof):
            print(" ", line)
        for one in proof["documents"]:
            if one["path"] is None:
                print(f"NIET IN DIT ARCHIEF / NOT IN THIS ARCHIVE: {one['name']}, SHA-256 {one['sha256']}")
        for _, said in seals or [("", "ER IS GEEN VERZEGELDE AKKOORDVERKLARING BIJ / THERE IS NO SEALED CERTIFICATE")]:
            print(said)
    return 1 if wrong else 0


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
                "part_replaced": "stuk vervangen, eerder akkoord vervalt / document replaced, earlier approval void",
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
    wrong = []
    for one in proof["certificates"]:
        if one["path"] is None:  # its bytes were lost, and it was made anew
            continue
        content = (folder / one["path"]).read_bytes()
        found = re.search(rb"poort-keten (\d+) ([0-9a-f]{64})", content)
        if sha256(content) != one["sha256"]:
            wrong.append(f"niet het verzegelde document / not the sealed document: {one['path']}")
        elif not found or links.get(int(found[1])) != found[2].decode():
            wrong.append(f"hoort niet bij dit bewijs / does not belong to this record: {one['path']}")
    return wrong


# The seal (PAdES), by what Python has: the hash of the sealed bytes, and the signature where the key is RSA. Whom a certificate
# belongs to is not for a program to say: compare its fingerprint with the one that the office gives you.

HASHES = {"608648016503040201": "sha256", "608648016503040202": "sha384", "608648016503040203": "sha512"}
BEFORE = {"sha256": "3031300d060960864801650304020105000420", "sha384": "3041300d060960864801650304020205000430", "sha512": "3051300d060960864801650304020305000440"}  # fmt: skip


def seal(folder: Path, one: dict[str, Any]) -> tuple[str, str]:
    """What can be said of a seal: (intact, wrong or unknown, the words)."""
    name, content = one["path"], (folder / one["path"]).read_bytes()
    found = re.search(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]", content)
    if not found:
        return "wrong", f"er staat geen zegel op / there is no seal on: {name}"
    start, length, later, rest = (int(number) for number in found.groups())
    try:
        algorithm, digest, attributes, signature = signed(content[start + length + 1 : later - 1])
    except (ValueError, IndexError, KeyError):
        return "wrong", f"het zegel is onleesbaar / the seal cannot be read: {name}"
    hashed = hashlib.new(algorithm, content[start : start + length] + content[later : later + rest]).digest()
    key = key_of(folder, one["fingerprint"])
    if start != 0 or hashed != digest or (key and not holds(key, algorithm, attributes, signature)):
        return "wrong", f"HET ZEGEL KLOPT NIET / THE SEAL DOES NOT HOLD: {name}"
    behind = "" if later + rest == len(content) else "\n  Achter het zegel staat nog iets, zoals een tijdstempel; pdfsig zegt of dat mag / Something follows the seal, such as a time-stamp; pdfsig says whether it may"  # fmt: skip
    if not key:
        return "unknown", f"DE HANDTEKENING IN HET ZEGEL IS NIET NAGEKEKEN / THE SIGNATURE IN THE SEAL WAS NOT CHECKED: pdfsig {name}{behind}"  # fmt: skip
    return "intact", f"zegel heel / seal intact: {name}\n  Vergelijk de vingerafdruk van het certificaat met die van het kantoor / compare the fingerprint of the certificate with the office's:\n  {one['fingerprint']}{behind}"  # fmt: skip


def signed(written: bytes) -> tuple[str, bytes, bytes, bytes]:
    """Of a signature (CMS, in hexadecimals): its algorithm, the hash it is of, what is signed, and the signature itself."""
    content = bytes.fromhex(written.decode("ascii"))
    data = inside(content, inside(content, inside(content, (0, 0, len(content)))[0])[1])[0]
    signer = inside(content, inside(content, inside(content, data)[-1])[0])
    algorithm, digest = HASHES[raw(content, inside(content, signer[2])[0]).hex()], b""
    for one in inside(content, signer[3]):
        name, values = inside(content, one)
        if raw(content, name).hex() == "2a864886f70d010904":
            digest = raw(content, inside(content, values)[0])
    at, _, end = signer[3]
    return algorithm, digest, b"\x31" + content[at + 1 : end], raw(content, signer[5])


def key_of(folder: Path, fingerprint: str) -> tuple[int, int] | None:
    """The RSA key (modulus, exponent) of the certificate with this fingerprint; None where it has another kind."""
    for path in sorted(folder.glob("certificaat-*.pem")):
        pem = path.read_text(encoding="ascii").split("-----END", 1)[0].split("-----", 2)[-1]
        content = base64.b64decode(pem)
        if sha256(content) != fingerprint:
            continue
        told = inside(content, inside(content, (0, 0, len(content)))[0])
        kind, bits = inside(content, inside(content, told[0])[6])
        if raw(content, inside(content, kind)[0]).hex() != "2a864886f70d010101":
            return None
        at, start, end = bits
        modulus, exponent = inside(content, inside(content, (at, start + 1, end))[0])
        return int.from_bytes(raw(content, modulus), "big"), int.from_bytes(raw(content, exponent), "big")
    return None


def holds(key: tuple[int, int], algorithm: str, attributes: bytes, signature: bytes) -> bool:
    """RSA, PKCS#1 v1.5."""
    modulus, exponent = key
    size = (modulus.bit_length() + 7) // 8
    opened = pow(int.from_bytes(signature, "big"), exponent, modulus).to_bytes(size, "big")
    tail = bytes.fromhex("00" + BEFORE[algorithm]) + hashlib.new(algorithm, attributes).digest()
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
