"""Photos as phones take them: large, lying on their side with a note that they do, with the place in it."""

from __future__ import annotations

import io

import pillow_heif
from PIL import Image, ImageDraw

PLACE = "52 5 33.1"
CAMERA = "Phone of Rik"


def photo(
    kind: str = "JPEG", *, size: tuple[int, int] = (800, 600), turned: int = 1, colour: str = "white", quality: int = 85
) -> bytes:
    """A sheet with a red corner at the left top as the sensor saw it; `turned` is the EXIF note of how it was held."""
    image = Image.new("RGB", size, colour)
    ImageDraw.Draw(image).rectangle((0, 0, size[0] // 4, size[1] // 4), fill="red")
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = turned, CAMERA
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2] = "N", (52.0, 5.0, 33.1)
    file = io.BytesIO()
    if kind == "HEIF":
        pillow_heif.register_heif_opener()
    more = {"exif": exif.tobytes()} if kind in ("JPEG", "HEIF", "PNG", "WEBP") else {}
    image.save(file, kind, quality=quality, **more)
    return file.getvalue()
