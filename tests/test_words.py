"""Every sentence has its English, nothing in the catalogue is stale or doubtful, and no sentence escapes it."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog

from tests import words

ROOT = words.ROOT
# Words that are the same in both languages, names, and marks
UNTRANSLATED = {"Poort", "Nederlands", "English", "OK", "btw", "KvK", "Alt", "Del"}  # the last two stand on the keys


@pytest.fixture(scope="module")
def english() -> Catalog:
    return words.catalogue()


def test_every_sentence_has_its_english(english: Catalog) -> None:
    assert words.missing(english) == []


def test_nothing_in_the_catalogue_is_stale_or_doubtful(english: Catalog) -> None:
    assert words.stale(english) == []
    assert [message.id for message in english if message.id and message.fuzzy] == []


def test_what_is_filled_in_is_the_same_in_both_languages(english: Catalog) -> None:
    for message in english:
        if message.id:
            dutch = message.id if isinstance(message.id, str) else message.id[-1]
            many = message.string if isinstance(message.string, str) else message.string[-1]
            assert slots(dutch) == slots(many), dutch


def slots(text: str) -> set[str]:
    """The places to fill in: {name} of a Say, %(name)s of a template."""
    with_percent = set(re.findall(r"%\((\w+)\)s", text))
    try:
        return with_percent | {name for _, name, _, _ in string.Formatter().parse(text) if name}
    except ValueError:
        return with_percent


TEMPLATES = [path for path in sorted((ROOT / "partials").rglob("*.html")) if "styleguide" not in path.parts]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_words_stand_outside_the_catalogue(path: Path) -> None:
    """What is left of a template without tags, expressions and {% trans %} holds no word."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"\{#.*?#\}", " ", text, flags=re.DOTALL)
    text = re.sub(r"\{%-?\s*trans\b.*?\{%-?\s*endtrans\s*-?%\}", " ", text, flags=re.DOTALL)
    text = re.sub(r"<style.*?</style>", " ", text, flags=re.DOTALL)
    text = re.sub(r"\{[{%].*?[}%]\}", " ", text, flags=re.DOTALL)
    spoken = re.findall(r'(?:aria-label|title|placeholder|alt)="([^"{]*)"', text)
    text = re.sub(r'="[^"]*"', " ", text)
    text = re.sub(r"<code>.*?</code>", " ", text, flags=re.DOTALL)
    text = re.sub(r"<[^>]*>|&\w+;|/[\w/-]+|\bhx-[\w-]+", " ", text, flags=re.DOTALL)

    found = {word for part in [text, *spoken] for word in re.findall(r"[A-Za-zÀ-ÿ]{3,}", part)}

    assert found - UNTRANSLATED == set()
