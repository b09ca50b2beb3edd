"""The form in which a text is kept."""

from __future__ import annotations

import re
import unicodedata

# Control characters, and those that turn the direction of what follows or take no room; form feeds part pages.
_BLANK = re.compile(
    r"(?:[^\S\f]|[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff])+"
)


def tidied(text: str, most: int) -> str:
    """One form of each letter, no control characters, single spaces; at most so many letters."""
    return _BLANK.sub(" ", unicodedata.normalize("NFKC", text[: most * 2]))[:most]
