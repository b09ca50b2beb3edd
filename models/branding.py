"""The office's colour and logo: which ink is readable on the colour, and which pictures are taken for a logo."""

from __future__ import annotations

import functools
import io
import math
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

from models.core import Refused, Say

OWN = "#1f5c4d"  # Poort's, of which the stylesheet has the values already
READABLE = 4.5  # contrast of text, WCAG 2.2 AA
LOGO_MOST = 2 * 1024 * 1024  # bytes
_PIXELS = 4000
_KINDS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}

Lab = tuple[float, float, float]

# Of the tokens in static/css: surfaces and washes in OKLCH (lightness, chroma, hue) on which text in the colour stands.
_LIGHT = [(1.0, 0.0, 0.0), (0.956, 0.032, 152.0), (0.956, 0.022, 20.0), (0.956, 0.022, 240.0)]
_DARK = [(0.215, 0.01, 260.0), (0.265, 0.011, 260.0), (0.29, 0.06, 24.0), (0.30, 0.045, 75.0)]
_WASH = 0.09  # how much of the ink is mixed into the surface behind a chosen item


@dataclass(frozen=True)
class Colours:
    """Hexadecimal: the fill of buttons, the ink on it, and the colour as text on light and on dark."""

    fill: str
    on: str
    ink_light: str
    ink_dark: str

    @property
    def is_adjusted(self) -> bool:
        """Whether the colour itself is too light to be read as text on white, so that a darker one stands in."""
        return self.ink_light != self.fill


@functools.lru_cache(maxsize=64)
def of(brand: str) -> Colours:
    fill = brand if _is_colour(brand) else OWN
    on = next(ink for ink in ("#ffffff", "#14171d", "#000000") if contrast(fill, ink) >= READABLE)
    return Colours(fill, on, _as_text(fill, _LIGHT, -0.005), _as_text(fill, _DARK, +0.005))


def stylesheet(brand: str) -> str:
    """The tokens that the office's colour changes."""
    colours = of(brand)
    return (
        f"@layer tokens {{ :root {{ --brand: {colours.fill}; --on-brand: {colours.on}; "
        f"--brand-ink: light-dark({colours.ink_light}, {colours.ink_dark}); }} }}\n"
    )


def check_colour(text: str) -> str:
    """A colour as it is kept. Raises Refused for what is none."""
    colour = text.strip().lower()
    if not _is_colour(colour):
        raise Refused("brand", Say("Schrijf een kleur als #1f5c4d."))
    return colour


def check_logo(head: bytes, size: int) -> str:
    """The media type of a picture that can be a logo, by the beginning of its content. Raises Refused."""
    if size > LOGO_MOST:
        raise Refused("logo", Say("Deze afbeelding is te groot. Een logo is hoogstens 2 MB."))
    try:
        with Image.open(io.BytesIO(head), formats=tuple(_KINDS)) as picture:
            width, height, kind = *picture.size, _KINDS[picture.format or ""]
            if size <= len(head):
                picture.load()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, KeyError, Image.DecompressionBombError) as error:
        raise Refused(
            "logo", Say("Dit is geen heel PNG-, JPEG- of WebP-bestand. Kies een andere afbeelding.")
        ) from error
    if not (16 <= width <= _PIXELS and 16 <= height <= _PIXELS):
        raise Refused(
            "logo",
            Say(
                "Deze afbeelding is {width} bij {height} beeldpunten; een logo is 16 tot {most} breed en hoog.",
                width=width,
                height=height,
                most=_PIXELS,
            ),
        )
    return kind


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, from 1 to 21."""
    light, dark = sorted((_luminance(_linear(one)), _luminance(_linear(other))), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _as_text(fill: str, surfaces: list[Lab], step: float) -> str:
    """The colour, made darker (or lighter) until it can be read on every surface and on each one's wash of itself."""
    lab = _to_oklab(_linear(fill))
    grounds = [_from_lch(*surface) for surface in surfaces]
    ink = fill
    while not all(contrast(ink, _hex(ground)) >= READABLE for base in grounds for ground in (base, _mixed(ink, base))):
        lab = (lab[0] + step, lab[1] * 0.995, lab[2] * 0.995)  # less colour as well: the ends of the scale have none
        ink = _hex(lab)
        if not 0 <= lab[0] <= 1:
            break
    return ink


def _mixed(ink: str, base: Lab) -> Lab:
    one = _to_oklab(_linear(ink))
    return (_between(one[0], base[0]), _between(one[1], base[1]), _between(one[2], base[2]))


def _between(ink: float, base: float) -> float:
    return _WASH * ink + (1 - _WASH) * base


def _is_colour(text: str) -> bool:
    return len(text) == 7 and text[0] == "#" and all(ch in "0123456789abcdef" for ch in text[1:])


def _linear(colour: str) -> Lab:
    def channel(at: int) -> float:
        value = int(colour[at : at + 2], 16) / 255
        return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)

    return channel(1), channel(3), channel(5)


def _luminance(rgb: Lab) -> float:
    return 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]


# OKLab, after Björn Ottosson, https://bottosson.github.io/posts/oklab/


def _to_oklab(rgb: Lab) -> Lab:
    r, g, b = rgb
    l_ = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    m_ = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    s_ = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * l_ + 0.7936177850 * m_ - 0.0040720468 * s_,
        1.9779984951 * l_ - 2.4285922050 * m_ + 0.4505937099 * s_,
        0.0259040371 * l_ + 0.7827717662 * m_ - 0.8086757660 * s_,
    )


def _from_lch(lightness: float, chroma: float, hue: float) -> Lab:
    return lightness, chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))


def _hex(lab: Lab) -> str:
    l_ = (lab[0] + 0.3963377774 * lab[1] + 0.2158037573 * lab[2]) ** 3
    m_ = (lab[0] - 0.1055613458 * lab[1] - 0.0638541728 * lab[2]) ** 3
    s_ = (lab[0] - 0.0894841775 * lab[1] - 1.2914855480 * lab[2]) ** 3
    rgb = (
        4.0767416621 * l_ - 3.3077115913 * m_ + 0.2309699292 * s_,
        -1.2684380046 * l_ + 2.6097574011 * m_ - 0.3413193965 * s_,
        -0.0041960863 * l_ - 0.7034186147 * m_ + 1.7076147010 * s_,
    )
    return "#" + "".join(f"{round(255 * _gamma(min(max(value, 0.0), 1.0))):02x}" for value in rgb)


def _gamma(value: float) -> float:
    return 12.92 * value if value <= 0.0031308 else float(1.055 * value ** (1 / 2.4) - 0.055)
