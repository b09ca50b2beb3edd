"""Controleert een bewijsbestand zonder internet / checks a file of proof without the internet: python3 controleer.py [map]

Python 3.8 of nieuwer; niets hoeft te worden geinstalleerd / Python 3.8 or newer; nothing needs to be installed.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any


def main(folder: Path) -> int:
    wrong = []
    for line in (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        known, name = line.split("  ", 1)
        if not (folder / name).is_file() or sha256((folder / name).read_bytes()) != known:
            wrong.append(f"gewijzigd of weg / changed or gone: {name}")
    proof = json.loads((folder / "bewijs.json").read_text(encoding="utf-8"))
    wrong += documents(folder, proof) + chain(proof) + certificates(folder, proof)
    for one in wrong:
        print("FOUT / WRONG:", one)
    if not wrong:
        print(f"GOED / GOOD: {len(proof['record'])} handelingen / acts, {len(proof['documents'])} stukken / documents")
        for act in proof["record"]:
            if act["act"] in ("approved", "on_paper"):
                print(f"  {act['at']}  {act['name']}, {act['role']}: {act['act']} ({act['method']})")
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


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent))
    except (OSError, ValueError, KeyError, TypeError) as error:
        print("FOUT / WRONG: onleesbaar / unreadable:", error)
        sys.exit(1)
