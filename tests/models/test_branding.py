"""The office's colour is readable whatever it is, and a logo is a picture."""

from __future__ import annotations

import colorsys
import io

import pytest
from PIL import Image

from models import branding
from models.core import Refused

COLOURS = ["#000000", "#ffffff", "#ffff00", "#888888", "#767676", "#e30613", "#0047ff", branding.OWN] + [
    "#{:02x}{:02x}{:02x}".format(*(round(255 * part) for part in colorsys.hls_to_rgb(hue / 12, light / 10, 0.9)))
    for hue in range(12)
    for light in range(1, 10)
]


@pytest.mark.parametrize("colour", COLOURS)
def test_the_ink_on_every_colour_is_readable(colour: str) -> None:
    colours = branding.of(colour)

    assert branding.contrast(colours.fill, colours.on) >= 4.5
    assert branding.contrast(colours.ink_light, "#ffffff") >= 4.5
    assert branding.contrast(colours.ink_dark, "#16191e") >= 4.5


def test_only_a_colour_that_cannot_be_read_is_adjusted() -> None:
    assert not branding.of("#0a3d91").is_adjusted
    assert branding.of("#0a3d91").ink_light == "#0a3d91"
    assert branding.of("#ffd400").is_adjusted


def test_contrast_is_that_of_wcag() -> None:
    assert branding.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert branding.contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("text", ["red", "#12345", "#gggggg", "1f5c4d", "#1f5c4d;} body{"])
def test_what_is_no_colour_is_refused_and_never_reaches_the_stylesheet(text: str) -> None:
    with pytest.raises(Refused):
        branding.check_colour(text)

    assert branding.stylesheet(text) == branding.stylesheet(branding.OWN)


def picture(kind: str, size: tuple[int, int] = (120, 40)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "#1f5c4d").save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize(("kind", "mime"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")])
def test_a_picture_is_taken_for_a_logo(kind: str, mime: str) -> None:
    content = picture(kind)

    assert branding.check_logo(content, len(content)) == mime


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        picture("GIF"),
        picture("PNG")[:60],
        picture("PNG", (5000, 20)),
        picture("PNG", (8, 8)),
        b"\x89PNG\r\n\x1a\nnonsense",
    ],
)
def test_what_is_no_whole_picture_of_a_fair_size_is_no_logo(content: bytes) -> None:
    with pytest.raises(Refused) as refused:
        branding.check_logo(content, len(content))

    assert refused.value.field == "logo"


def test_a_logo_is_not_too_large() -> None:
    content = picture("PNG")

    with pytest.raises(Refused):
        branding.check_logo(content, branding.LOGO_MOST + 1)
