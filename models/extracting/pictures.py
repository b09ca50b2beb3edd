"""Reading letters off pictures: pages of a PDF that were scanned, and photos, by Tesseract where it is installed."""

from __future__ import annotations

import functools
import io
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGES = 20  # of one document are read off pictures
PAGE_SECONDS = 25.0
ALL_SECONDS = 75.0
SIDE = 2600  # pixels of the longest side: a page of A4 at some 220 to the inch
FEW = 20  # letters on a page of a PDF; with fewer it is taken for a picture
_MOST_PIXELS = 120_000_000
_SMALLEST = 40  # pixels of a picture in which something may stand


@functools.cache
def program() -> str | None:
    return shutil.which("tesseract", path="/usr/local/bin:/usr/bin:/bin")


class Eye:
    """Reads pictures until its time is up; then it sees nothing any more."""

    def __init__(self) -> None:
        self._until = time.monotonic() + ALL_SECONDS
        self._left = PAGES

    def read(self, image: Any) -> str:
        """What stands in a picture; '' when nothing does, there is no Tesseract, or no time."""
        seconds = min(PAGE_SECONDS, self._until - time.monotonic())
        at = program()
        if at is None or seconds < 1 or self._left < 1 or min(image.size) < _SMALLEST:
            return ""
        self._left -= 1
        image.thumbnail((SIDE, SIDE))
        held = io.BytesIO()
        image.convert("L").save(held, "PNG", compress_level=1)
        try:
            done = subprocess.run(  # noqa: S603
                [at, "-", "-", "-l", _languages(at)], input=held.getvalue(), capture_output=True, timeout=seconds,
                env={"OMP_THREAD_LIMIT": "1", "PATH": "/usr/bin:/bin"}, check=False,
            )  # fmt: skip
        except (subprocess.TimeoutExpired, OSError):
            return ""
        return done.stdout.decode("utf-8", "replace")


@functools.cache
def _languages(at: str) -> str:
    """Dutch and English, as far as they are installed."""
    done = subprocess.run([at, "--list-langs"], capture_output=True, timeout=10, check=False)  # noqa: S603
    there = done.stdout.decode("ascii", "replace").split()
    return "+".join(name for name in ("nld", "eng") if name in there) or "eng"


def pdf(path: Path) -> Iterator[str]:
    import pypdfium2

    document, eye = pypdfium2.PdfDocument(str(path)), Eye()
    for number in range(len(document)):
        page = document[number]
        said = str(page.get_textpage().get_text_bounded())
        if len("".join(said.split())) < FEW and program():
            scale = SIDE / max(*page.get_size(), 1)
            said = f"{said}\n{eye.read(page.render(scale=min(scale, 6), grayscale=True).to_pil())}"
        yield said
        page.close()


def picture(path: Path) -> Iterator[str]:
    import pillow_heif
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = _MOST_PIXELS
    pillow_heif.register_heif_opener()
    image: Any = Image.open(path)
    eye = Eye()
    for number in range(min(getattr(image, "n_frames", 1), PAGES) if image.format == "TIFF" else 1):
        image.seek(number)
        if image.format == "JPEG":
            image.draft("L", (SIDE, SIDE))
        upright: Any = ImageOps.exif_transpose(image)
        yield eye.read(upright.convert("RGB") if upright.mode not in ("L", "RGB") else upright)
