"""The format of a dossier archive, version 1; writing its manifest, and reading one that nobody vouches for.

A ZIP with, at its top:
- `manifest.json`: what is in it (below), UTF-8.
- `SHA256SUMS`: a line per file, `sha256sum -c SHA256SUMS` checks them all; the manifest is among them.
- `Documenten/…`, `Eerdere versies/…`, `Prullenbak/…`: the files, in folders named as in the dossier, as far as Windows takes
  the names; the manifest has the true ones.

manifest.json: `format` "poort-dossier", `version` 1, `made_at`, `office`, `with_trash`, `client` (number, name, kind, legal_form,
kvk, rsin), `folders` and `documents`, each with a number of its own (`id`).
- A folder: id, parent (null at the top; stands before it in the list), name, kind, own_only, retention (name of the class), year,
  anchor_on (the day from which the term counts, or null), position, created_at, trashed_at.
- A document: id, folder, name, file, sha256, size, mime, source, uploaded_by, uploaded_at, state, publish_at, published_at,
  opened_at, version, kind (name), book_year, period, labels, note, retention, anchor_on, trashed_at, `versions` (number, name, file, sha256,
  size, mime, source, uploaded_by, uploaded_at, replaced_at, was_published), `remarks` (person, side, text, at, settled_at) and
  `readings` (person, first_at, last_at, times, version, downloaded_at).
A person is null or {name, email}. Times are ISO 8601 with their offset. Requests, rights and mails are not in it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Any

from models.content_type import clean_name
from models.core import Refused, Say
from models.dossiers.dossier import tidy_name
from models.dossiers.folders import KINDS
from models.dossiers.publishing import PERIODS
from models.storage.base import is_sha256

FORMAT, VERSION = "poort-dossier", 1
MANIFEST, SUMS = "manifest.json", "SHA256SUMS"
MOST_FOLDERS, MOST_DOCUMENTS, MOST_HANGING = 100_000, 200_000, 10_000
CLIENT = ("number", "name", "kind", "legal_form", "kvk", "rsin")

Row = dict[str, Any]


class Broken(Exception):
    """The archive is damaged, hostile or none of ours; `why` is for the person who brought it."""

    def __init__(self, why: Say) -> None:
        super().__init__(str(why))
        self.why = why


def read(raw: object) -> Row:
    """A manifest out of JSON: of the right form, every value within its bounds, names tidied. Raises Broken."""
    top = _table(raw, Say("het manifest"))
    if top.get("format") != FORMAT:
        raise Broken(Say("Dit is geen dossierarchief van Poort."))
    if top.get("version") != VERSION:
        raise Broken(Say("Dit archief is van een nieuwere versie van Poort. Werk eerst bij."))
    folders = _list(top, "folders", MOST_FOLDERS)
    documents = _list(top, "documents", MOST_DOCUMENTS)
    found: Row = {
        "made_at": _moment(top, "made_at", Say("het manifest")),
        "office": _text(top, "office", 200, Say("het manifest")),
        "with_trash": _flag(top, "with_trash", Say("het manifest")),
        "client": {
            name: _text(_table(top.get("client"), Say("de cliënt")), name, 200, Say("de cliënt")) for name in CLIENT
        },
        "folders": _folders(folders),
    }
    kinds = {row["id"]: row for row in found["folders"]}
    found["documents"] = _documents(documents, kinds)
    return found


def _folders(rows: list[Any]) -> list[Row]:
    found: dict[int, Row] = {}
    for raw in rows:
        row = _table(raw, Say("een map"))
        where = Say("map {n}", n=str(row.get("id"))[:20])
        id, parent = _whole(row, "id", 1, 2**31, where), _whole(row, "parent", 1, 2**31, where, none=True)
        if id in found or (
            parent is not None and parent not in found
        ):  # each after the one above it: so there is no round
            raise _wrong(where, "parent")
        kind = _one_of(row, "kind", KINDS, where)
        if parent is not None and found[parent]["kind"] == "internal":
            kind = "internal"
        found[id] = {
            "id": id,
            "parent": parent,
            "name": _named(row, where, tidy_name),
            "kind": kind,
            "own_only": _flag(row, "own_only", where),
            "retention": _text(row, "retention", 120, where, none=True),
            "year": _whole(row, "year", 1990, 2100, where, none=True),
            "anchor_on": _day(row, "anchor_on", where),
            "position": _whole(row, "position", -(2**31), 2**31 - 1, where),
            "created_at": _moment(row, "created_at", where),
            "trashed_at": _moment(row, "trashed_at", where, none=True),
        }
    return list(found.values())


def _documents(rows: list[Any], folders: Mapping[int, Row]) -> list[Row]:
    found: dict[int, Row] = {}
    for raw in rows:
        row = _table(raw, Say("een document"))
        where = Say("document {n}", n=str(row.get("id"))[:20])
        id, folder = _whole(row, "id", 1, 2**31, where), _whole(row, "folder", 1, 2**31, where)
        if id in found or folder not in folders:
            raise _wrong(where, "folder")
        state = _one_of(row, "state", ("draft", "planned", "published"), where)
        published, planned = (
            _moment(row, "published_at", where, none=True),
            _moment(row, "publish_at", where, none=True),
        )
        if (state == "published") != (published is not None) or (state == "planned") != (planned is not None):
            raise _wrong(where, "state")
        found[id] = _bytes(row, where) | {
            "id": id,
            "folder": folder,
            "state": state,
            "publish_at": planned,
            "published_at": published,
            "opened_at": _moment(row, "opened_at", where, none=True),
            "version": _whole(row, "version", 1, 100_000, where),
            "kind": _text(row, "kind", 80, where, none=True),
            "book_year": _whole(row, "book_year", 1900, 2200, where, none=True),
            "period": _one_of(row, "period", ("", *PERIODS), where),
            "labels": _text(row, "labels", 500, where),
            "note": _text(row, "note", 2000, where, lines=True),
            "retention": _text(row, "retention", 120, where, none=True),
            "anchor_on": _day(row, "anchor_on", where),
            "trashed_at": _moment(row, "trashed_at", where, none=True),
            "versions": [_version(one, where) for one in _list(row, "versions", MOST_HANGING)],
            "remarks": [_remark(one, where) for one in _list(row, "remarks", MOST_HANGING)],
            "readings": [_reading(one, where) for one in _list(row, "readings", MOST_HANGING)],
        }
        numbers = [one["number"] for one in found[id]["versions"]]
        if len(set(numbers)) != len(numbers) or any(number >= found[id]["version"] for number in numbers):
            raise _wrong(where, "versions")
    return list(found.values())


def _bytes(row: Row, where: Say) -> Row:
    sha256 = row.get("sha256")
    if not isinstance(sha256, str) or not is_sha256(sha256):
        raise _wrong(where, "sha256")
    return {
        "name": _named(row, where, clean_name),
        "file": safe_path(row.get("file")),
        "sha256": sha256,
        "size": _whole(row, "size", 0, 2**50, where),
        "mime": _text(row, "mime", 120, where),
        "source": _one_of(row, "source", ("office", "client"), where),
        "uploaded_by": _person(row, "uploaded_by", where),
        "uploaded_at": _moment(row, "uploaded_at", where),
    }


def _version(raw: Any, where: Say) -> Row:
    row = _table(raw, where)
    return _bytes(row, where) | {
        "number": _whole(row, "number", 1, 100_000, where),
        "replaced_at": _moment(row, "replaced_at", where),
        "was_published": _flag(row, "was_published", where),
    }


def _remark(raw: Any, where: Say) -> Row:
    row = _table(raw, where)
    return {
        "person": _person(row, "person", where),
        "side": _one_of(row, "side", ("office", "client"), where),
        "text": _text(row, "text", 4000, where, lines=True),
        "at": _moment(row, "at", where),
        "settled_at": _moment(row, "settled_at", where, none=True),
    }


def _reading(raw: Any, where: Say) -> Row:
    row = _table(raw, where)
    return {
        "person": _person(row, "person", where),
        "first_at": _moment(row, "first_at", where),
        "last_at": _moment(row, "last_at", where),
        "times": _whole(row, "times", 1, 2**31 - 1, where),
        "version": _whole(row, "version", 1, 100_000, where),
        "downloaded_at": _moment(row, "downloaded_at", where, none=True),
    }


def safe_path(path: object) -> str:
    """The name of a file in the archive. Raises Broken for one that would lead out of it, or is no name at all."""
    if (
        not isinstance(path, str)
        or not 0 < len(path) < 1000
        or path.startswith("/")
        or "\\" in path
        or re.search(r"[\x00-\x1f\x7f:]", path)
        or any(part in ("", ".", "..") for part in path.removesuffix("/").split("/"))
    ):
        raise Broken(Say("Het archief noemt een bestand met een onveilige naam."))
    return path


def _wrong(where: Say, what: str) -> Broken:
    return Broken(Say("Het manifest klopt niet: {where}, “{what}”.", where=where, what=what))


def _table(raw: Any, where: Say) -> Row:
    if not isinstance(raw, dict):
        raise _wrong(where, "{}")
    return raw


def _list(row: Row, name: str, most: int) -> list[Any]:
    found = row.get(name)
    if not isinstance(found, list) or len(found) > most:
        raise _wrong(Say("het manifest"), name)
    return found


def _text(row: Row, name: str, most: int, where: Say, *, none: bool = False, lines: bool = False) -> Any:
    found = row.get(name)
    if found is None and none:
        return None
    if (
        not isinstance(found, str)
        or len(found) > most
        or re.search(r"[\x00-\x08\x0b-\x1f\ud800-\udfff]" if lines else r"[\x00-\x1f\ud800-\udfff]", found)
    ):
        raise _wrong(where, name)
    return found


def _named(row: Row, where: Say, tidy: Callable[[str], str]) -> str:
    try:
        return tidy(str(_text(row, "name", 255, where)))
    except Refused as refused:
        raise _wrong(where, "name") from refused


def _whole(row: Row, name: str, least: int, most: int, where: Say, *, none: bool = False) -> Any:
    found = row.get(name)
    if found is None and none:
        return None
    if type(found) is not int or not least <= found <= most:
        raise _wrong(where, name)
    return found


def _flag(row: Row, name: str, where: Say) -> bool:
    if type(row.get(name)) is not bool:
        raise _wrong(where, name)
    return bool(row[name])


def _one_of(row: Row, name: str, known: Any, where: Say) -> str:
    if not isinstance(row.get(name), str) or row[name] not in known:
        raise _wrong(where, name)
    return str(row[name])


def _day(row: Row, name: str, where: Say) -> dt.date | None:
    """None where it is not known, or not there: archives of before it was told."""
    found = row.get(name)
    if found is None:
        return None
    try:
        day = dt.date.fromisoformat(found) if isinstance(found, str) and len(found) == 10 else None
        if day is None or not 1900 <= day.year <= 2200:
            raise ValueError(name)
        return day
    except ValueError as error:
        raise _wrong(where, name) from error


def _moment(row: Row, name: str, where: Say, *, none: bool = False) -> Any:
    found = row.get(name)
    if found is None and none:
        return None
    try:
        moment = dt.datetime.fromisoformat(found) if isinstance(found, str) and len(found) < 40 else None
        if moment is None or moment.tzinfo is None or not 1900 <= moment.year <= 2200:
            raise ValueError(name)
        return moment.astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        raise _wrong(where, name) from error


def _person(row: Row, name: str, where: Say) -> Row | None:
    found = row.get(name)
    if found is None:
        return None
    table = _table(found, where)
    return {"name": _text(table, "name", 300, where), "email": _text(table, "email", 254, where)}
