"""Documents for the sample office: real one-page PDFs, made here so that nothing has to be shipped."""

from __future__ import annotations

PAPERS = (
    ("Jaarrekening 2025.pdf", "Jaarrekening 2025"),
    ("Aangifte vennootschapsbelasting 2025.pdf", "Aangifte vennootschapsbelasting 2025"),
    ("Btw-aangifte 3e kwartaal 2026.pdf", "Btw-aangifte derde kwartaal 2026"),
    ("Loonstroken oktober 2026.pdf", "Loonstroken oktober 2026"),
    ("Opdrachtbevestiging.pdf", "Opdrachtbevestiging"),
)
GENERAL_PAPERS = (
    ("Algemene voorwaarden.pdf", "Algemene voorwaarden"),
    ("Bewaarplicht in het kort.pdf", "Bewaarplicht in het kort"),
)
# What the dossiers of a working office hold besides: drafts, what clients handed in, what was thrown away.
MORE_PAPERS = (
    ("Concept jaarrekening 2026.pdf", "Concept jaarrekening 2026"),
    ("Voorlopige aanslag 2027.pdf", "Voorlopige aanslag 2027"),
    ("Btw-aangifte 3e kwartaal 2026 (concept).pdf", "Btw-aangifte derde kwartaal 2026, concept"),
    ("Jaarrekening 2016.pdf", "Jaarrekening 2016"),
    ("Dubbele scan.pdf", "Dubbele scan"),
    ("Bankafschriften.pdf", "Bankafschriften"),
    ("Facturen.pdf", "Facturen"),
    ("Identiteitsbewijs.pdf", "Kopie identiteitsbewijs"),
)


def pdf(title: str) -> bytes:
    """A page of A4 with a title and one sentence. ISO 32000-1, chapter 7: objects, cross-reference table, trailer."""
    text = (
        f"BT /F1 22 Tf 72 740 Td ({_escaped(title)}) Tj /F1 11 Tf 0 -32 Td "
        f"({_escaped('Dit stuk hoort bij het voorbeeldkantoor van Poort.')}) Tj ET"
    ).encode("cp1252")
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    )
    body, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(body))
    return body + b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + table + end


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
