"""The portal's hot pages: the dossier as a tree, and a folder opened in it."""

from __future__ import annotations

from typing import Any

from models import engine, migrate, sample
from models.settings import utcnow
from tests.bench.pages import compared

DOCUMENTS = 50


async def measure() -> list[dict[str, Any]]:
    await migrate.migrate()
    await sample.fill(60, 1, "geheim-wachtwoord")
    folder = await _full_folder()
    pages = (("portal: dossier", "/portal/dossier"), ("portal: a folder of 50", f"/portal/folders/{folder}"))
    return await compared("rik@bakkerij-jansen.example", pages)


async def _full_folder() -> int:
    """A folder of Bakkerij Jansen with fifty documents, beside what the sample office has."""
    found = await engine.raw(
        "SELECT f.id, f.client FROM folder f JOIN client c ON c.id = f.client "
        "WHERE c.name = 'Bakkerij Jansen B.V.' AND f.name = 'Correspondentie'"
    )
    folder, client = found[0]["id"], found[0]["client"]
    columns = (
        "folder",
        "client",
        "name",
        "name_key",
        "sha256",
        "size",
        "mime",
        "source",
        "uploaded_by",
        "uploaded_at",
        "published_at",
    )
    rows = [
        (
            folder,
            client,
            f"Brief {n}.pdf",
            f"brief {n:03}.pdf",
            "a" * 64,
            80_000 + n,
            "application/pdf",
            "office",
            None,
            utcnow(),
            utcnow(),
        )
        for n in range(DOCUMENTS)
    ]
    await engine.copy_rows("document", columns, rows)
    return int(folder)
