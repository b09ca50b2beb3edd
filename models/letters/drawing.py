"""Letters as one PDF. Everything secret is drawn in one place (`windows.SECRET`), whatever the envelope.

Imported where something is drawn, not above: the library takes a tenth of a second of every process that starts.
"""

from __future__ import annotations

import functools
import io
import threading
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import segno
from reportlab import rl_config
from reportlab.lib.colors import HexColor
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from models.letters.saying import Activation, Head, Letter, TooLong
from models.letters.windows import BODY, FOOT, HEAD, HEIGHT, MOST, SECRET, WIDTH, WINDOWS, Box
from models.letters.wording import PAPER

MM = 72 / 25.4
PLAIN, BOLD = "Letter", "Letter-Bold"
_INK, _FAINT = "0.08 0.09 0.114 rg", "0.357 0.392 0.447 rg"
_LINE = HexColor("#5b6472")
_fonts = threading.Lock()


class Sheet:
    """A PDF that is being written, letter by letter. Kept in memory: nothing of it touches a disk unencrypted."""

    def __init__(self, heads: Sequence[Head], window: str, x: float = 0, y: float = 0) -> None:
        _know_fonts()
        self._out = io.BytesIO()
        self._pdf = Canvas(self._out, pagesize=(WIDTH * MM, HEIGHT * MM), pageCompression=1, invariant=1)
        self._pdf.setTitle("Brieven")
        self._window = WINDOWS[window].moved(x, y)
        self.pages = 0
        for number, head in enumerate(heads):
            self._pdf.beginForm(f"head{number}")
            _draw_head(self._pdf, head, self._window.folds)
            self._pdf.endForm()

    def add(self, letter: Letter) -> None:
        """Raises TooLong."""
        pdf = self._pdf
        pdf.doForm(f"head{letter.head}")
        _draw_address(pdf, letter.address, self._window.text)
        _draw_body(pdf, letter)
        _draw_secret(pdf, letter)
        if letter.reference:
            _write(
                pdf,
                FOOT.left,
                FOOT.bottom - 1.5,
                f"{PAPER[letter.language]['page']} {letter.reference}",
                PLAIN,
                7,
                _FAINT,
            )
        pdf.showPage()
        self.pages += 1

    def finish(self) -> bytes:
        self._pdf.save()
        return self._out.getvalue()


def drawn(letters: Iterable[Letter], heads: Sequence[Head], window: str, x: float = 0, y: float = 0) -> bytes:
    sheet = Sheet(heads, window, x, y)
    for letter in letters:
        sheet.add(letter)
    return sheet.finish()


def offset_page(window: str, x: float, y: float, title: str, lines: Sequence[str]) -> bytes:
    """A ruler along both sides and the outline of the window: printed, folded and put in an envelope it shows what to move."""
    _know_fonts()
    out = io.BytesIO()
    pdf = Canvas(out, pagesize=(WIDTH * MM, HEIGHT * MM), invariant=1)
    pdf.setTitle(title)
    chosen = WINDOWS[window].moved(x, y)
    _draw_folds(pdf, chosen.folds)
    pdf.setStrokeColor(_LINE)
    for at in range(0, int(WIDTH), 1):
        _tick(pdf, at, 0, at, 5 if at % 10 == 0 else 2)
        if at % 10 == 0 and 0 < at < WIDTH - 5:
            _write(pdf, at + 0.5, 8, str(at), PLAIN, 6, _FAINT)
    for at in range(0, int(HEIGHT), 1):
        _tick(pdf, 0, at, 5 if at % 10 == 0 else 2, at)
        if at % 10 == 0 and at > 10:
            _write(pdf, 5.5, at + 1, str(at), PLAIN, 6, _FAINT)
    _outline(pdf, chosen.pane, 0.6)
    pdf.setDash(2, 2)
    _outline(pdf, chosen.text, 0.3)
    _outline(pdf, SECRET, 0.3)
    pdf.setDash()
    for number, line in enumerate((title, *lines)):
        _write(pdf, 20, 112 + 6 * number, line, BOLD if not number else PLAIN, 11 if not number else 10)
    _write(pdf, chosen.text.left + 1, chosen.text.top + 5, title, PLAIN, 9)
    pdf.showPage()
    pdf.save()
    return out.getvalue()


def composed(text: str) -> str:
    """Letters with their accents in one sign, as the font has them."""
    return unicodedata.normalize("NFC", text)


def unprintable(text: str) -> str:
    """The signs in it for which the font has no shape."""
    known = _shapes()
    return "".join(dict.fromkeys(ch for ch in composed(text) if ord(ch) not in known and ch not in "\n\t"))


@functools.cache
def _shapes() -> frozenset[int]:
    _know_fonts()
    return frozenset(pdfmetrics.getFont(PLAIN).face.charToGlyph)


def _know_fonts() -> None:
    with _fonts:
        rl_config.useA85 = 0  # bytes as they are: the library writes them as text else, slowly
        if PLAIN not in pdfmetrics.getRegisteredFontNames():
            here = Path(__file__).parent / "fonts"
            pdfmetrics.registerFont(TTFont(BOLD, here / "LiberationSans-Bold.ttf"))
            pdfmetrics.registerFont(TTFont(PLAIN, here / "LiberationSans-Regular.ttf"))


# what stands where


def _draw_head(pdf: Any, head: Head, folds: tuple[float, ...]) -> None:
    colour = HexColor(head.ink)
    ink = " ".join(f"{part:.3f}" for part in colour.rgb()) + " rg"
    picture = _picture(head.logo)
    if picture is not None:
        width, height = picture.getSize()
        scale = min(80 / width, 20 / height)
        pdf.drawImage(
            picture, HEAD.left * MM, (HEIGHT - HEAD.top - height * scale) * MM, width * scale * MM, height * scale * MM, mask="auto"
        )  # fmt: skip
    else:
        size = _fitting(head.name, BOLD, 100, 18, 9)
        _write(pdf, HEAD.left, HEAD.top + 8, _cut(head.name, BOLD, size, 100), BOLD, size, ink)
    for number, line in enumerate(((head.name,) if picture is not None else ()) + head.lines):
        shown = _cut(line, PLAIN, 8, 66)
        _write(pdf, HEAD.right - _width(shown, PLAIN, 8), HEAD.top + 3.5 + 3.7 * number, shown, PLAIN, 8, _FAINT)
    pdf.setStrokeColor(colour)
    pdf.setLineWidth(0.8)
    _line(pdf, HEAD.left, HEAD.bottom - 0.5, HEAD.right, HEAD.bottom - 0.5)
    _draw_folds(pdf, folds)


def _picture(logo: bytes) -> Any:
    if not logo:
        return None
    try:
        return ImageReader(io.BytesIO(logo))
    except Exception:  # whatever is wrong with it: the name stands there instead
        return None


def _draw_folds(pdf: Any, folds: tuple[float, ...]) -> None:
    pdf.setStrokeColor(_LINE)
    pdf.setLineWidth(0.3)
    for at in folds:
        _line(pdf, 4, at, 8, at)


def _draw_address(pdf: Any, lines: tuple[str, ...], box: Box) -> None:
    """In letters as large as fit; too long a line goes on in the next. Of what never fits the names are cut, the place is not."""
    size = 10.5
    shown = _broken(lines, size, box.width)
    while len(shown) * _leading(size) > box.height and size > 7:
        size -= 0.5
        shown = _broken(lines, size, box.width)
    room = int(box.height / _leading(size))
    if len(shown) > room:
        shown = [_cut(line, PLAIN, size, box.width) for line in lines]
    for number, line in enumerate(shown):
        _write(pdf, box.left, box.top + _leading(size) * (number + 0.8), line, PLAIN, size)


def _broken(lines: tuple[str, ...], size: float, width: float) -> list[str]:
    return [part for line in lines for part in _wrapped(line, PLAIN, size, width)]


def _leading(size: float) -> float:
    return size * 1.2 / MM


def _draw_body(pdf: Any, letter: Letter) -> None:
    _write(pdf, BODY.left, BODY.top + 4, letter.dated, PLAIN, 10)
    subject = _wrapped(letter.subject, BOLD, 11, BODY.width)[:2]
    top = BODY.top + 12.5
    for line in subject:
        _write(pdf, BODY.left, top, line, BOLD, 11)
        top += _leading(11)
    size, lines = 10.0, []
    while size >= 7:
        lines = [part for line in letter.body.split("\n") for part in (_wrapped(line, PLAIN, size, BODY.width) or [""])]
        if top + 2 + len(lines) * size * 1.32 / MM <= BODY.bottom:
            break
        size -= 0.5
    else:
        raise TooLong
    for number, line in enumerate(lines):
        if line:
            _write(pdf, BODY.left, top + 4 + number * size * 1.32 / MM, line, PLAIN, size)


def _draw_secret(pdf: Any, letter: Letter) -> None:
    words = PAPER[letter.language]
    pdf.setStrokeColor(_LINE)
    _outline(pdf, SECRET, 0.5)
    label = words["codes" if letter.kind == "codes" else "pin"]
    if letter.sample:
        label = f"{label} – {words['sample']}"
    right = SECRET.right - 2
    if letter.activation:
        right = _draw_activation(pdf, letter.activation, words) - 4
    _write(pdf, SECRET.left + 4, SECRET.top + 5, label, PLAIN, 8.5, _FAINT)
    if letter.kind == "codes":
        _draw_codes(
            pdf, letter.secrets, Box(SECRET.left + 4, SECRET.top + 7, right - SECRET.left - 4, SECRET.height - 8)
        )
    else:
        _write(pdf, SECRET.left + 4, SECRET.top + 16, letter.secrets[0], BOLD, 24)


def _draw_codes(pdf: Any, codes: Sequence[str], box: Box) -> None:
    """Numbered, from the top to the bottom of each column. Every cell has room for the widest letters there are, so that no number
    ever stands against the code before it."""
    columns, size = _grid(len(codes), max(len(code) for code in codes), box)
    rows = -(-len(codes) // columns)
    step = min(4.2, box.height / rows)
    wide = min(box.width / columns, 34.0)
    for number, code in enumerate(codes):
        left, top = box.left + number // rows * wide, box.top + (number % rows + 0.85) * step
        _write(pdf, left, top, f"{number + 1}.", PLAIN, size, _FAINT)
        _write(pdf, left + _NUMBER * size, top, code, BOLD, size)


_NUMBER = 0.6  # mm for each point: "24." and a space
_BETWEEN = 3.0  # mm at least between a code and the number beside it


def _grid(codes: int, signs: int, box: Box) -> tuple[int, float]:
    """How many columns, and how large the letters then are: as large as can be."""
    cell = _NUMBER + _points("W" * signs, BOLD) / MM
    return max(
        ((n, min(8.0, box.height / -(-codes // n) / 3 * 8, (box.width / n - _BETWEEN) / cell)) for n in range(1, 13)),
        key=lambda found: (found[1], found[0]),
    )


def _draw_activation(pdf: Any, activation: Activation, words: dict[str, str]) -> float:
    """The code and its QR at the right; where it begins."""
    side = SECRET.height - 3
    left = SECRET.right - 1.5 - side
    _draw_qr(pdf, activation.url, Box(left, SECRET.top + 1.5, side, side))
    begins = left - 47
    until = words["until"].format(day=activation.until)
    _write(pdf, begins, SECRET.top + 5, words["activation"], PLAIN, 8.5, _FAINT)
    size, lines = _typed(activation.typed_at, 45)
    for number, line in enumerate(lines):
        _write(pdf, begins, SECRET.top + (9.5 if len(lines) == 1 else 8.6 + 3 * number), line, PLAIN, size)
    _write(pdf, begins, SECRET.top + 16, activation.code, BOLD, 12)
    _write(pdf, begins, SECRET.top + 21, until, PLAIN, 8, _FAINT)
    return begins


def _typed(address: str, width: float) -> tuple[float, list[str]]:
    """An address that somebody types: whole, on one line or else two, in letters that fit."""
    size = _fitting(address, PLAIN, width, 8, 6.5)
    if _width(address, PLAIN, size) <= width:
        return size, [address]
    size = 7.5
    while (lines := _parted(address, size, width)) is None:
        size -= 0.25
    return size, lines


def _parted(address: str, size: float, width: float) -> list[str] | None:
    """In two, behind a "/" or "." if that can be (a "-" there would look like the division of a word); None where these letters are too
    large."""
    ends = [at for at in range(1, len(address)) if _width(address[:at], PLAIN, size) <= width]
    fits = [at for at in ends if _width(address[at:], PLAIN, size) <= width]
    good = [at for at in fits if address[at - 1] in "/."]
    at = max(good or (fits if size <= 4 else []), default=0)
    return [address[:at], address[at:]] if at else None


def _draw_qr(pdf: Any, url: str, box: Box) -> None:
    """Without trying eight masks for the best: a fixed one reads as well, in a sixth of the time."""
    rows = [bytes(row) for row in segno.make(url, error="m", micro=False, boost_error=False, mask=3).matrix]
    dot = box.width / (len(rows) + 8) * MM  # a quiet zone of four dots
    parts = [
        f"q {_INK} {dot:.4f} 0 0 {dot:.4f} {box.left * MM + 4 * dot:.2f} {(HEIGHT - box.top) * MM - 4 * dot:.2f} cm"
    ]
    for y, row in enumerate(rows, 1):
        x = row.find(1)
        while x >= 0:
            end = row.find(0, x)
            end = len(row) if end < 0 else end
            parts.append(f"{x} -{y} {end - x} 1 re")
            x = row.find(1, end)
    pdf._code.append(" ".join([*parts, "f Q"]))


# how it is written; places are in millimetres from the top


def _write(pdf: Any, x: float, y: float, text: str, font: str, size: float, ink: str = _INK) -> None:
    """A line of text. Written straight into the page: the library takes three times as long, and most lines come again and
    again."""
    pdf._code.append(f"BT {ink} 1 0 0 1 {x * MM:.2f} {(HEIGHT - y) * MM:.2f} Tm {_shown(pdf, text, font, size)} ET")


def _shown(pdf: Any, text: str, font: str, size: float) -> str:
    """The operators that show a text in the page's present text object."""
    known: dict[Any, str] = pdf.__dict__.setdefault("_poort_shown", {})
    key = (text, font, size)
    if key not in known:
        if len(known) > 4_000:
            known.clear()
        face, doc = pdfmetrics.getFont(font), pdf._doc
        pdf._currentPageHasFont = True
        known[key] = " ".join(
            f"{face.getSubsetInternalName(subset, doc)} {size:g} Tf ({_escaped(data)}) Tj"
            for subset, data in face.splitString(composed(text), doc)
        )
    return known[key]


def _escaped(data: bytes) -> str:
    return "".join(_SIGNS[byte] for byte in data)


_SIGNS = [f"\\{n:03o}" if n < 32 or n > 126 or chr(n) in "()\\" else chr(n) for n in range(256)]


def _line(pdf: Any, x: float, y: float, to_x: float, to_y: float) -> None:
    pdf.line(x * MM, (HEIGHT - y) * MM, to_x * MM, (HEIGHT - to_y) * MM)


def _tick(pdf: Any, x: float, y: float, to_x: float, to_y: float) -> None:
    pdf.setLineWidth(0.25)
    _line(pdf, x, y, to_x, to_y)


def _outline(pdf: Any, box: Box, thick: float) -> None:
    pdf.setLineWidth(thick)
    pdf.rect(box.left * MM, (HEIGHT - box.bottom) * MM, box.width * MM, box.height * MM)


@functools.lru_cache(20_000)
def _points(word: str, font: str) -> float:
    """Its width at a size of 1."""
    return float(pdfmetrics.stringWidth(word, font, 1000)) / 1000


def _width(text: str, font: str, size: float) -> float:
    return _points(composed(text), font) * size / MM


def _wrapped(text: str, font: str, size: float, width: float) -> list[str]:
    """Lines no wider than `width` mm; a word that is wider is broken."""
    lines: list[str] = []
    space = _points(" ", font) * size / MM
    line, used = "", 0.0
    for word in composed(text).split(" "):
        wide = _points(word, font) * size / MM
        while wide > width:
            fits = max(1, next((n for n in range(len(word), 0, -1) if _width(word[:n], font, size) <= width), 1))
            if line:
                lines.append(line)
            lines.append(word[:fits])
            line, used, word = "", 0.0, word[fits:]
            wide = _points(word, font) * size / MM
        if line and used + space + wide > width:
            lines.append(line)
            line, used = word, wide
        else:
            line, used = (f"{line} {word}", used + space + wide) if line or used else (word, wide)
    return [*lines, line] if line or not lines else lines


def _cut(text: str, font: str, size: float, width: float) -> str:
    if _width(text, font, size) <= width:
        return text
    while text and _width(f"{text}…", font, size) > width:
        text = text[:-1]
    return f"{text.rstrip()}…"


def _fitting(text: str, font: str, width: float, size: float, least: float) -> float:
    return max(least, min(size, size * width / max(_width(text, font, size), 0.1)))


assert MOST <= 10  # the letterhead above and the body below leave so much room
