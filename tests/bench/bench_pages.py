"""The clients table: a page of ten thousand, and a filtered one."""

from __future__ import annotations

from typing import Any

from models import engine, migrate, sample
from models.settings import utcnow
from tests.bench.pages import compared

CLIENTS = 10_000
PAGES = (("clients, page 3 of 10,000", "/clients?page=3"), ("clients, filtered", "/clients?q=bakker&missing=dossier"))


async def measure() -> list[dict[str, Any]]:
    await _people()
    return await compared("anna@kantoor.example", PAGES)


async def _people() -> None:
    """A migrated database with ten thousand clients."""
    await migrate.migrate()
    await sample.fill(60, 1, "geheim-wachtwoord")
    rows = [
        (f"B{n}", f"b{n:012}", f"Bakkerij {n}", f"bakkerij {n:06}", f" b{n} bakkerij {n} ", "Zeist", utcnow())
        for n in range(CLIENTS - 60)
    ]
    await engine.copy_rows(
        "client", ("number", "number_key", "name", "sort_key", "search_key", "city", "created_at"), rows
    )
    await engine.raw("INSERT INTO membership (client, client_group) SELECT c.id, 1 FROM client c WHERE c.id > 100")
    await engine.raw("INSERT INTO responsible (client, person) SELECT c.id, 1 FROM client c WHERE c.id > 100")
    await engine.raw(
        "INSERT INTO access (client, person, created_at) SELECT c.id, 3, c.created_at FROM client c WHERE c.id > 100"
    )
