"""`python -m models.drawing about|draw|text SOURCE FOLDER …`: draws one document in a process of its own, within limits.

about SOURCE FOLDER WIDTH: the first page as WIDTH-1.webp, for it is what somebody waits for; and about.json with `pages` and `sizes` (width and height of each page in points, the first 500).
draw SOURCE FOLDER FIRST LAST WIDTH: pages FIRST to LAST (from 1) as WIDTH-N.webp.
text SOURCE FOLDER FIRST LAST: what can be read on them as text-N.txt.
glance FOLDER: of each file in it a line: its name and how many pages, password, damaged or too_big. It stops at one that breaks it.
join TARGET PICTURE…: photos, turned upright, as the pages of one PDF.
An error is a line with its code: password, damaged or too_big.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pypdfium2
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

MEMORY = 1536 * 1024 * 1024
CPU_SECONDS = 60
OF_PHOTO = 4  # seconds more for each photo that is joined
MOST_PIXELS = 120_000_000  # of a picture that comes in
MOST_DRAWN = 24_000_000  # of a page that goes out
TEXT_MOST = 200_000  # characters of one page
QUALITY = 80
A4 = (595.28, 841.89)  # points
LONG_SIDE = 2339  # pixels of a photo on a page: 200 to the inch, enough to read a receipt by


def main(act: str, *args: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    seconds = CPU_SECONDS + (OF_PHOTO * len(args) if act == "join" else 0)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    try:
        _ACTS[act](*args)
    except pypdfium2.PdfiumError as error:
        _fail("password" if "password" in str(error).lower() else "damaged")
    except (UnidentifiedImageError, SyntaxError, ValueError, OSError, EOFError):
        _fail("damaged")
    except (MemoryError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        _fail("too_big")


def _fail(code: str) -> None:
    sys.stdout.write(code + "\n")
    raise SystemExit(1)


class _Pdf:
    def __init__(self, source: str) -> None:
        self._pdf = pypdfium2.PdfDocument(source)
        self.pages = len(self._pdf)

    def size(self, number: int) -> tuple[float, float]:
        width, height = self._pdf.get_page_size(number - 1)
        return float(width), float(height)

    def draw(self, number: int, width: int) -> Any:
        page = self._pdf[number - 1]
        across, down = page.get_size()
        scale = min(width / max(across, 1), (MOST_DRAWN / max(across * down, 1)) ** 0.5)
        return page.render(scale=max(scale, 0.01), may_draw_forms=False).to_pil().convert("RGB")

    def text(self, number: int) -> str:
        found = self._pdf[number - 1].get_textpage().get_text_bounded()
        return str(found)[:TEXT_MOST]


def _opened(source: str) -> Any:
    """A picture of whatever kind, a phone's HEIC too."""
    import pillow_heif  # here, because whoever waits for a page of a PDF waits for it too

    pillow_heif.register_heif_opener()
    return Image.open(source)


class _Picture:
    def __init__(self, source: str) -> None:
        self._image = _opened(source)
        self.pages = min(getattr(self._image, "n_frames", 1), 200) if self._image.format == "TIFF" else 1

    def size(self, number: int) -> tuple[float, float]:
        if number > 1:
            self._image.seek(number - 1)
        width, height = self._image.size
        turned = self._image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
        return (height, width) if turned else (width, height)

    def draw(self, number: int, width: int) -> Any:
        self._image.seek(number - 1)
        if self._image.format == "JPEG":
            self._image.draft("RGB", (width * 2, width * 2))
        image: Any = ImageOps.exif_transpose(self._image)
        image.thumbnail((width, max(1, int(MOST_DRAWN / width))))
        return _on_white(image)

    def text(self, number: int) -> str:
        return ""


def _on_white(image: Any) -> Any:
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        ground = Image.new("RGBA", image.size, "white")
        ground.alpha_composite(image.convert("RGBA"))
        return ground.convert("RGB")
    return image.convert("RGB")


def _open(source: str) -> _Pdf | _Picture:
    with Path(source).open("rb") as file:
        is_pdf = b"%PDF-" in file.read(1024)
    return _Pdf(source) if is_pdf else _Picture(source)


def _about(source: str, folder: str, width: str) -> None:
    found = _open(source)
    if not found.pages:
        _fail("damaged")
    _draw_page(found, folder, 1, width)
    sizes = [found.size(number) for number in range(1, min(found.pages, 500) + 1)]
    _keep(Path(folder) / "about.json", lambda at: at.write_text(json.dumps({"pages": found.pages, "sizes": sizes})))


def _glance(folder: str) -> None:
    for at in sorted(Path(folder).iterdir()):
        try:
            pdf = pypdfium2.PdfDocument(str(at))
            said = str(len(pdf)) if len(pdf) else "damaged"
            pdf.close()
        except pypdfium2.PdfiumError as error:
            said = "password" if "password" in str(error).lower() else "damaged"
        except MemoryError:
            said = "too_big"
        sys.stdout.write(f"{at.name} {said}\n")
        sys.stdout.flush()


def _draw(source: str, folder: str, first: str, last: str, width: str) -> None:
    found = _open(source)
    for number in range(int(first), min(int(last), found.pages) + 1):
        _draw_page(found, folder, number, width)


def _draw_page(found: _Pdf | _Picture, folder: str, number: int, width: str) -> None:
    at = Path(folder) / f"{width}-{number}.webp"
    if not at.exists():
        image = found.draw(number, int(width))
        _keep(at, functools.partial(image.save, format="WEBP", quality=QUALITY, method=2))


def _text(source: str, folder: str, first: str, last: str) -> None:
    found = _open(source)
    for number in range(int(first), min(int(last), found.pages) + 1):
        said = found.text(number)
        write = functools.partial(Path.write_text, data=said, encoding="utf-8", errors="replace")
        _keep(Path(folder) / f"text-{number}.txt", write)


def _join(target: str, *pictures: str) -> None:
    """One after the other: what is in memory is one photo as it comes in, and of the others what goes into the file."""
    pdf = pypdfium2.PdfDocument.new()
    for source in pictures:
        picture = _opened(source)
        frames = min(getattr(picture, "n_frames", 1), 200) if picture.format == "TIFF" else 1
        for number in range(frames):
            picture.seek(number)
            _add_page(pdf, _for_page(picture))
    pdf.save(target)


_HELD = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_90,
}  # fmt: skip


def _for_page(picture: Any) -> Any:
    """Upright, in ordinary colours, no larger than an A4 is printed. What else the phone wrote in it (place, time) stays behind."""
    if picture.format == "JPEG":
        picture.draft("RGB", (LONG_SIDE, LONG_SIDE))
    colours, held = picture.info.get("icc_profile"), _HELD.get(picture.getexif().get(0x0112, 1))
    image: Any = picture if picture.format != "TIFF" else picture.copy()
    image.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.BICUBIC, reducing_gap=2.0)
    image = _on_white(image if held is None else image.transpose(held))
    if colours:
        with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError):
            its_own = ImageCms.ImageCmsProfile(io.BytesIO(colours))
            image = ImageCms.profileToProfile(image, its_own, ImageCms.createProfile("sRGB"), outputMode="RGB")
    bare = Image.new("RGB", image.size)
    bare.paste(image)
    return bare


def _add_page(pdf: Any, image: Any) -> None:
    written = io.BytesIO()
    image.save(written, "JPEG", quality=QUALITY, optimize=True)
    written.seek(0)
    across, down = A4 if image.height >= image.width else A4[::-1]
    scale = min(across / image.width, down / image.height)
    width, height = image.width * scale, image.height * scale
    put = pypdfium2.PdfImage.new(pdf)
    put.load_jpeg(written, inline=True)
    put.set_matrix(pypdfium2.PdfMatrix().scale(width, height).translate((across - width) / 2, (down - height) / 2))
    page = pdf.new_page(across, down)
    page.insert_obj(put)
    page.gen_content()
    page.close()


def _keep(place: Path, write: Callable[[Path], object]) -> None:
    """Under its name only when it is whole."""
    beside = place.with_name(f"{os.getpid()}-{place.name}")
    write(beside)
    beside.replace(place)


_ACTS: dict[str, Callable[..., None]] = {
    "about": _about,
    "glance": _glance,
    "draw": _draw,
    "text": _text,
    "join": _join,
}

if __name__ == "__main__":
    main(*sys.argv[1:])
