"""Keeps the English catalogue in step with the Dutch sentences: `python -m tests.words` tells, `--write` mends the file.

`--write` adds what is new with an empty translation, takes out what nobody says any more, and sorts by the file in which a
sentence is said. The English itself is written by a person.
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from models.imports import lexicon

ROOT = Path(__file__).parents[1]
PO = ROOT / "partials" / "locales" / "en.po"
LAYERS = ("web", "models", "jobs", "partials")
_OPTIONS = {"trimmed": "true", "encoding": "utf-8", "extensions": "jinja2.ext.do", "silent": "false"}


@dataclass(frozen=True)
class Sentence:
    """A Dutch source text: its one form, or singular and plural; and the file that says it first."""

    forms: tuple[str, ...]
    place: str


def sentences() -> dict[str, Sentence]:
    """Every one that an interface or a mail may say, by its first form."""
    found: dict[str, Sentence] = {}
    for path, forms in [*_of_templates(), *_of_code(), *_of_columns()]:
        place = path.relative_to(ROOT).as_posix()
        if forms[0] not in found or len(forms) > len(found[forms[0]].forms):
            found[forms[0]] = Sentence(forms, place)
    return found


def _of_templates() -> Iterator[tuple[Path, tuple[str, ...]]]:
    for path in sorted((ROOT / "partials").rglob("*.html")):
        with path.open("rb") as file:
            for _, message, _, _ in extract("jinja2.ext:babel_extract", file, options=_OPTIONS):
                forms = tuple(form for form in (message if isinstance(message, tuple) else (message,)) if form)
                if forms:
                    yield path, forms[:2]


def _of_code() -> Iterator[tuple[Path, tuple[str, ...]]]:
    for layer in LAYERS:
        for path in sorted((ROOT / layer).rglob("*.py")):
            if "migrations" not in path.parts:
                for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                    if text := _said(node):
                        yield path, (text,)


def _of_columns() -> Iterator[tuple[Path, tuple[str, ...]]]:
    """The names of an import's columns stand in the lexicon, beside their synonyms."""
    for fields in lexicon.FIELDS.values():
        for field in fields:
            yield Path(lexicon.__file__), (field.dutch,)


def _said(node: ast.AST) -> str:
    """The first argument of Say(…), gettext(…) or _(…), when it is written there."""
    if not isinstance(node, ast.Call) or not node.args:
        return ""
    if getattr(node.func, "id", getattr(node.func, "attr", "")) not in ("Say", "gettext", "_"):
        return ""
    first = node.args[0]
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""


def catalogue() -> Catalog:
    with PO.open("rb") as file:
        return read_po(file, locale="en")


def first_form(message_id: object) -> str:
    return str(message_id[0] if isinstance(message_id, tuple | list) else message_id)


def missing(english: Catalog) -> list[str]:
    """Those without English, or without one of its plural forms."""
    lacking = []
    for text, sentence in sentences().items():
        message = english.get(text)
        strings = (
            () if message is None else message.string if isinstance(message.string, tuple | list) else (message.string,)
        )
        if len(strings) < len(sentence.forms) or not all(strings):
            lacking.append(text)
    return lacking


def stale(english: Catalog) -> list[str]:
    """Those that nobody says any more."""
    said = sentences()
    return [first_form(message.id) for message in english if message.id and first_form(message.id) not in said]


def renewed(old: Catalog) -> Catalog:
    fresh = Catalog(locale="en", fuzzy=False, project="Poort", charset="utf-8")
    fresh.header_comment = "# English of Poort. The Dutch source texts stand in the templates and in Say(…)."
    for text, sentence in sorted(sentences().items(), key=lambda pair: (pair[1].place, pair[0])):
        known = old.get(text)
        one = sentence.forms if len(sentence.forms) > 1 else text
        string = known.string if known is not None else ""
        if len(sentence.forms) > 1 and not isinstance(string, tuple | list):
            string = (string, "")
        fresh.add(one, string, locations=[(sentence.place, 0)])
    return fresh


def main() -> int:
    asked = argparse.ArgumentParser(prog="python -m tests.words", description=__doc__)
    asked.add_argument("--write", action="store_true")
    english = catalogue()
    if asked.parse_args().write:
        with PO.open("wb") as file:
            write_po(file, renewed(english), width=120, include_lineno=False, sort_output=False)
        english = catalogue()
    lacking = missing(english)
    print("\n".join(lacking))
    print(f"{len(lacking)} without English, {len(stale(english))} stale, of {len(sentences())}")
    return int(bool(lacking))


if __name__ == "__main__":
    raise SystemExit(main())
