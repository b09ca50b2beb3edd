"""The format of a dossier archive, version 2; writing its manifest, and reading one that nobody vouches for.

A ZIP with, at its top:
- `manifest.json`: what is in it (below), UTF-8.
- `SHA256SUMS`: a line per file, `sha256sum -c SHA256SUMS` checks them all; the manifest is among them.
- `Documenten/…`, `Eerdere versies/…`, `Prullenbak/…`: the files, in folders named as in the dossier, as far as Windows takes
  the names; the manifest has the true ones.

manifest.json: `format` "poort-dossier", `version` 2, `made_at`, `office`, `with_trash`, `client` (number, name, kind, legal_form,
kvk, rsin), `folders`, `documents` and `requests`, each with a number of its own (`id`), `rights` and `templates`.
- A folder: id, parent (null at the top; stands before it in the list), name, kind, own_only, retention (name of the class), year,
  anchor_on (the day from which the term counts, or null), position, created_at, trashed_at, `grants` (template, act): the templates
  of rights to which it is open, and whether these may hand in there.
- A document: id, folder, name, file, sha256, size, mime, source, uploaded_by, uploaded_at, state, publish_at, published_at,
  opened_at, version, kind (name), book_year, period, labels, note, retention, anchor_on, trashed_at, `versions` (number, name, file, sha256,
  size, mime, source, uploaded_by, uploaded_at, replaced_at, was_published), `remarks` (person, side, text, at, settled_at) and
  `readings` (person, first_at, last_at, times, version, downloaded_at).
- A request: id, folder (null where that is not in the archive), title, message, due_on, state, batch (the act that made it: it is not
  taken in twice), template (name or null), made_by, made_at, closed_at, `items` (title, explanation, state, reason, note, due_on,
  asked_at, answered_at, judged_at, answered_by, judged_by, `documents`: their numbers).
- `rights`, of everybody of the client's people: person, template (name or null), own (rights beside it), rights (what counted: the two
  as far as the client's modules go), `folders` (name: with those above it, by " › "; act) opened to himself.
- `templates`, those that are named above: name, rights, `folders` (name, act) that it opens everywhere.
A person is null or {name, email}. A right is a name of viewer.Right in lower case. Times are ISO 8601 with their offset. Mails, holds and
what was undone are not in it. Version 1 had no grants, requests, rights and templates; it is read as one in which there are none.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from models.content_type import clean_name
from models.core import Refused, Say
from models.dossiers.dossier import tidy_name
from models.dossiers.folders import KINDS
from models.dossiers.publishing import PERIODS
from models.moving.rights import RIGHTS
from models.storage.base import is_sha256

FORMAT, VERSION = "poort-dossier", 2
KNOWN = (1, 2)
MANIFEST, SUMS = "manifest.json", "SHA256SUMS"
MOST_FOLDERS, MOST_DOCUMENTS, MOST_HANGING = 100_000, 200_000, 10_000
MOST_REQUESTS, MOST_PEOPLE = 20_000, 10_000
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
    version = top.get("version")
    if type(version) is not int or version not in KNOWN:
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
        "folders": _folders(folders, has_grants=version > 1),
    }
    kinds = {row["id"]: row for row in found["folders"]}
    found["documents"] = _documents(documents, kinds)
    numbers = {row["id"] for row in found["documents"]}
    found |= (
        {"requests": [], "rights": [], "templates": []}
        if version == 1
        else {
            "requests": _requests(_list(top, "requests", MOST_REQUESTS), kinds, numbers),
            "rights": [_rights(one) for one in _list(top, "rights", MOST_PEOPLE)],
            "templates": [_template(one) for one in _list(top, "templates", MOST_HANGING)],
        }
    )
    return found


def _folders(rows: list[Any], *, has_grants: bool) -> list[Row]:
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
            "grants": [_grant(one, where) for one in _list(row, "grants", MOST_HANGING)] if has_grants else [],
        }
        if kind == "internal":
            found[id]["grants"] = []  # no template opens it, whatever the archive says
    return list(found.values())


def _grant(raw: Any, where: Say) -> Row:
    row = _table(raw, where)
    return {"template": _text(row, "template", 120, where), "act": _flag(row, "act", where)}


def _opened(raw: Any, where: Say) -> Row:
    row = _table(raw, where)
    return {"name": _text(row, "name", 1000, where), "act": _flag(row, "act", where)}


def _right_names(row: Row, name: str, where: Say) -> list[str]:
    found = _list(row, name, len(RIGHTS))
    if any(not isinstance(one, str) or one not in RIGHTS for one in found):
        raise _wrong(where, name)
    return found


def _rights(raw: Any) -> Row:
    where = Say("de rechten")
    row = _table(raw, where)
    person = _person(row, "person", where)
    if person is None:
        raise _wrong(where, "person")
    return {
        "person": person,
        "template": _text(row, "template", 120, where, none=True),
        "own": _right_names(row, "own", where),
        "rights": _right_names(row, "rights", where),
        "folders": [_opened(one, where) for one in _list(row, "folders", MOST_HANGING)],
    }


def _template(raw: Any) -> Row:
    where = Say("een sjabloon")
    row = _table(raw, where)
    return {
        "name": _text(row, "name", 120, where),
        "rights": _right_names(row, "rights", where),
        "folders": [_opened(one, where) for one in _list(row, "folders", MOST_HANGING)],
    }


def _requests(rows: list[Any], folders: Mapping[int, Row], documents: Collection[int]) -> list[Row]:
    found: dict[int, Row] = {}
    batches: set[str] = set()
    for raw in rows:
        row = _table(raw, Say("een opvraging"))
        where = Say("opvraging {n}", n=str(row.get("id"))[:20])
        id, folder = _whole(row, "id", 1, 2**31, where), _whole(row, "folder", 1, 2**31, where, none=True)
        batch = _text(row, "batch", 36, where)
        if id in found or not batch or batch in batches:
            raise _wrong(where, "batch")
        if folder is not None and folder not in folders:
            raise _wrong(where, "folder")
        batches.add(batch)
        found[id] = {
            "id": id,
            "folder": folder,
            "title": _text(row, "title", 200, where),
            "message": _text(row, "message", 2000, where, lines=True),
            "due_on": _day(row, "due_on", where),
            "state": _one_of(row, "state", ("open", "done", "withdrawn"), where),
            "batch": batch,
            "template": _text(row, "template", 120, where, none=True),
            "made_by": _person(row, "made_by", where),
            "made_at": _moment(row, "made_at", where),
            "closed_at": _moment(row, "closed_at", where, none=True),
            "items": [_item(one, documents, where) for one in _list(row, "items", MOST_HANGING)],
        }
    return list(found.values())


def _item(raw: Any, documents: Collection[int], where: Say) -> Row:
    row = _table(raw, where)
    numbers = _list(row, "documents", MOST_HANGING)
    if any(type(one) is not int or one not in documents for one in numbers):
        raise _wrong(where, "documents")
    return {
        "title": _text(row, "title", 200, where),
        "explanation": _text(row, "explanation", 1000, where, lines=True),
        "state": _one_of(row, "state", ("open", "handed_in", "not_applicable", "accepted", "sent_back"), where),
        "reason": _text(row, "reason", 1000, where, lines=True),
        "note": _text(row, "note", 1000, where, lines=True),
        "due_on": _day(row, "due_on", where),
        "asked_at": _moment(row, "asked_at", where, none=True),
        "answered_at": _moment(row, "answered_at", where, none=True),
        "judged_at": _moment(row, "judged_at", where, none=True),
        "answered_by": _person(row, "answered_by", where),
        "judged_by": _person(row, "judged_by", where),
        "documents": numbers,
    }


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
