"""A name for a file that can be shown and saved anywhere, as near as possible to what it was called."""

from __future__ import annotations

import re
import unicodedata

NAME_BYTES = 255
_NAMELESS = "naamloos"
_ENDING = re.compile(r"\.[^.\s]{1,12}$")

_RESERVED = frozenset(
    {"con", "prn", "aux", "nul", "conin$", "conout$"}
    | {f"{device}{number}" for device in ("com", "lpt") for number in "0123456789¹²³"}
)
# Letters that show nothing: fillers and joiners that only serve to make two names look the same.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufffc\ufffe\uffff")
_JOINER = "\u200d"


def clean_name(raw: str) -> str:
    """No folders, control or direction characters, names of devices, or more than 255 bytes; accents and emoji stay.

    '../../etc/pässwd' -> 'pässwd'; 'C:\\Docs\\con.pdf' -> '_con.pdf'; '' -> 'naamloos'.
    """
    name = re.split(r"[/\\]", unicodedata.normalize("NFC", raw))[-1]
    name = re.sub(r"^[A-Za-z]:(?=\S)", "", name)
    name = "".join(_shown(name, at) for at in range(len(name)))
    name = re.sub(r'[<>:"|?*]', "_", name)
    name = re.sub(r" {2,}", " ", name).strip(" ").rstrip(". ")  # Windows drops these at the end
    stem, ending = _apart(name)
    stem = stem.strip(" ").lstrip(".")
    if not stem.strip("."):
        stem = _NAMELESS
    if stem.partition(".")[0].strip().lower() in _RESERVED:
        stem = f"_{stem}"
    stem = _cut(stem, NAME_BYTES - len(ending.encode())).rstrip(". ")
    return f"{stem or _NAMELESS}{ending}"


def tidy(raw: str) -> str:
    """A name that is no file's: composed (é is one letter), on one line, nothing in it that cannot be seen or that turns the
    direction. Its dots stay: 'Jansen B.V.'."""
    name = unicodedata.normalize("NFC", raw)
    return " ".join("".join(_shown(name, at) for at in range(len(name))).split())


def _shown(name: str, at: int) -> str:
    letter = name[at]
    if letter == _JOINER:
        return letter if _joins_emoji(name, at) else ""
    if letter in _BLANK or (_is_variant(letter) and not _varies_picture(name, at)):
        return ""
    match unicodedata.category(letter):
        case "Cc" | "Cf" | "Cs" | "Co":
            return " " if letter in "\t\n\r" else ""
        case "Zs" | "Zl" | "Zp":
            return " "
    return letter


def _is_variant(letter: str) -> bool:
    return "\ufe00" <= letter <= "\ufe0f" or "\U000e0100" <= letter <= "\U000e01ef"


def _varies_picture(name: str, at: int) -> bool:
    """Behind a picture or a digit it chooses how that looks; behind a letter it is an invisible difference."""
    return at > 0 and (unicodedata.category(name[at - 1]) in ("So", "Sm", "Po") or name[at - 1] in "0123456789#*©®")


def _joins_emoji(name: str, at: int) -> bool:
    """As in a family of three; anywhere else the joiner is an invisible difference."""

    def is_picture(letter: str) -> bool:
        return unicodedata.category(letter) in ("So", "Sk") or letter == "\ufe0f"

    return 0 < at < len(name) - 1 and is_picture(name[at - 1]) and is_picture(name[at + 1])


def _apart(name: str) -> tuple[str, str]:
    """The extension comes with its dot, and is '' where there is none, as in 'Dhr. Jansen'."""
    found = _ENDING.search(name)
    return (name[: found.start()], found[0]) if found else (name, "")


def _cut(text: str, room: int) -> str:
    kept = text.encode()[:room].decode("utf-8", "ignore")
    while kept and len(kept) < len(text) and _belongs_to_the_one_before(text[len(kept)]):
        kept = kept[:-1]  # half a letter is another letter: so it goes whole
    return kept.rstrip(_JOINER)


def _belongs_to_the_one_before(letter: str) -> bool:
    """Accents, and what colours or joins pictures."""
    return unicodedata.combining(letter) > 0 or letter in (_JOINER, "\ufe0f") or "\U0001f3fb" <= letter <= "\U0001f3ff"
