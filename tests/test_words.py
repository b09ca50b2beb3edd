"""Every sentence has its English, and nothing in the catalogue is stale, doubtful or wrongly filled in."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[1]
PO = ROOT / "partials" / "locales" / "en.po"


def sentences() -> dict[str, tuple[str, ...]]:
    """Every Dutch source text: its plural forms, by where it is said."""
    found: dict[str, tuple[str, ...]] = {}
    for path in sorted((ROOT / "partials").rglob("*.html")):
        with path.open("rb") as file:
            options = {"trimmed": "true", "encoding": "utf-8", "extensions": "jinja2.ext.do"}
            for _, _, message, _ in extract("jinja2.ext:babel_extract", file, options=options):
                forms = tuple(m for m in (message if isinstance(message, tuple) else (message,)) if m)
                if forms:
                    found[forms[0]] = forms[:2]
    for path in [p for layer in ("web", "models", "jobs", "partials") for p in sorted((ROOT / layer).rglob("*.py"))]:
        if "migrations" not in path.parts:
            found |= {text: (text,) for text in said_in(path)}
    return found


def said_in(path: Path) -> Iterator[str]:
    """The first argument of every Say(…) and gettext(…): a plain string, or the test for it fails."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.Call)
            and getattr(node.func, "id", getattr(node.func, "attr", "")) in ("Say", "gettext")
            and node.args
        ):
            if isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str) and node.args[0].value:
                yield node.args[0].value


@pytest.fixture(scope="module")
def english() -> Catalog:
    with PO.open("rb") as file:
        return read_po(file, locale="en")


def forms_of(message: Message) -> tuple[str, ...]:
    return tuple(message.string) if isinstance(message.string, tuple | list) else (message.string,)


def test_every_sentence_has_its_english(english: Catalog) -> None:
    missing = [text for text in sentences() if (found := english.get(text)) is None or not all(forms_of(found))]

    assert not missing


def test_nothing_in_the_catalogue_is_stale_or_doubtful(english: Catalog) -> None:
    known = sentences()

    assert not [m.id for m in english if m.id and (m.id if isinstance(m.id, str) else m.id[0]) not in known]
    assert not [m.id for m in english if m.id and m.fuzzy]


def test_what_is_filled_in_is_the_same_in_both_languages(english: Catalog) -> None:
    for message in english:
        if message.id:
            dutch = message.id if isinstance(message.id, str) else message.id[-1]
            for form in forms_of(message)[-1:]:
                assert slots(dutch) == slots(form), dutch


def slots(text: str) -> set[str]:
    """The places to fill in: {name} of a Say, %(name)s of a template."""
    with_percent = set(re.findall(r"%\((\w+)\)s", text))
    try:
        return with_percent | {name for _, name, _, _ in string.Formatter().parse(text) if name}
    except ValueError:
        return with_percent
