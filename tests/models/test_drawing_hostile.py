"""Pictures and PDFs made to break who draws them: a sentence or a page, within the limits, and never more."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from models import drawing
from models import storage as stores
from models.drawing import Undrawable
from tests.web.test_joining import _huge_png

MB = 1024 * 1024


def pdf_of(stream: bytes, more: bytes = b"") -> bytes:
    """One page of which the content is this packed stream."""
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R >>",
        b"<< /Length %d /Filter /FlateDecode %s>>\nstream\n%s\nendstream" % (len(stream), more, stream),
    ]
    body, places = b"%PDF-1.7\n", []
    for number, part in enumerate(parts, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    return body + table + b"trailer << /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(body)


def blanks(size: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(b" " * MB) for _ in range(size // MB)) + packer.flush()


HOSTILE = {
    "fifty thousand pixels square": (_huge_png, "x.png"),
    "a page of gigabytes": (lambda: pdf_of(blanks(400 * MB)), "x.pdf"),
    "packed twice": (lambda: pdf_of(zlib.compress(blanks(256 * MB), 9), b"").replace(b"/FlateDecode ", b"[/FlateDecode /FlateDecode] "), "x.pdf"),
    "half a picture": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(500), "x.png"),
    "a page in itself": (lambda: pdf_of(b"").replace(b"/Kids [3 0 R]", b"/Kids [2 0 R]"), "x.pdf"),
}  # fmt: skip


@pytest.mark.parametrize("which", HOSTILE)
async def test_it_ends_with_a_sentence_or_a_page(tmp_path: Path, which: str) -> None:
    make, name = HOSTILE[which]
    stored = await stores.storage().put(make())
    try:
        drawn = await drawing.page(stored.sha256, stored.size, name, 1, 800)
        assert len(drawn) < MB
    except Undrawable as problem:
        assert problem.why in drawing.WHY.values()
