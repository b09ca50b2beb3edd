"""Dossiers, folders and documents of the sample office."""

from __future__ import annotations

import datetime as dt
from typing import Any

from models import engine
from models.core import fold
from models.sample.enterprises import Enterprise
from models.sample.papers import GENERAL_PAPERS, PAPERS
from models.storage import Stored

# (name, kind, its folders)
STRUCTURE = (
    ("Aangiften", "office", ("Inkomstenbelasting", "Omzetbelasting", "Vennootschapsbelasting")),
    ("Correspondentie", "office", ("Belastingdienst", "Brieven")),
    ("Interne stukken", "internal", ("Werkprogramma",)),
    ("Jaarrekeningen", "office", ("2023", "2024", "2025")),
    ("Permanent dossier", "office", ("Contracten", "Oprichting")),
    ("Salaris", "office", ("Loonstroken",)),
    ("Aan te leveren stukken", "upload", ()),
)
_PLACES = {
    PAPERS[0][0]: ("Jaarrekeningen", "2025"),
    PAPERS[1][0]: ("Aangiften", "Vennootschapsbelasting"),
    PAPERS[2][0]: ("Aangiften", "Omzetbelasting"),
    PAPERS[3][0]: ("Salaris", "Loonstroken"),
    PAPERS[4][0]: ("Permanent dossier", "Contracten"),
}
_FOLDER = ("dossier", "client", "parent", "name", "name_key", "kind", "origin", "position", "created_at")
_DOCUMENT = (
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


async def make(
    made: list[Enterprise], ids: dict[str, int], papers: dict[str, Stored], by: tuple[int, int], now: dt.datetime
) -> None:
    """A standard structure, a copy of it for nearly every client, a general dossier, and documents in all of them.

    `by` is who of the office put them there, and who of the bakery handed one in.
    """
    rows: list[tuple[str, int | None, str, str]] = [
        ("standard", None, "Standaard mkb", ""),
        ("general", None, "Algemene informatie", "all"),
    ]
    rows += [("client", ids[one.number], "Dossier", "") for one in made if one.has_structure]
    await engine.copy_rows(
        "dossier",
        ("kind", "client", "name", "name_key", "audience", "created_at", "is_sample"),
        [(kind, client, name, fold(name), audience, now, True) for kind, client, name, audience in rows],
    )
    found = await engine.raw("SELECT id, kind, client FROM dossier WHERE is_sample = $1", True)
    trees = [(row["id"], row["client"]) for row in found if row["kind"] != "general"]
    await _folders(trees, now)
    await _general(next(row["id"] for row in found if row["kind"] == "general"), papers, by[0], now)
    await _documents(made, ids, papers, by, now)


async def _folders(trees: list[tuple[int, int | None]], now: dt.datetime) -> None:
    """The standard structure first, and then its copies, which know what they were copied from."""
    standard: list[tuple[int, int | None]] = [(dossier, client) for dossier, client in trees if client is None]
    await _tree(standard, {}, now)
    rows = await engine.raw(
        "SELECT f.id, f.name, p.name AS parent FROM folder f LEFT JOIN folder p ON p.id = f.parent WHERE f.dossier = $1",
        standard[0][0],
    )
    origin = {(row["parent"], row["name"]): int(row["id"]) for row in rows}
    await _tree([(dossier, client) for dossier, client in trees if client is not None], origin, now)


async def _tree(
    trees: list[tuple[int, int | None]], origin: dict[tuple[str | None, str], int], now: dt.datetime
) -> None:
    await engine.copy_rows(
        "folder",
        _FOLDER,
        [
            (dossier, client, None, name, fold(name), kind, origin.get((None, name)), place, now)
            for dossier, client in trees
            for place, (name, kind, _) in enumerate(STRUCTURE)
        ],
    )
    wanted = {dossier for dossier, _ in trees}
    tops = await engine.raw("SELECT id, dossier, client, name, kind FROM folder WHERE parent IS NULL")
    inside = {name: names for name, _, names in STRUCTURE}
    await engine.copy_rows(
        "folder",
        _FOLDER,
        [
            (top["dossier"], top["client"], top["id"], name, fold(name), top["kind"], origin.get((top["name"], name)), place, now)
            for top in tops
            if top["dossier"] in wanted
            for place, name in enumerate(inside[top["name"]])
        ],
    )  # fmt: skip


async def _general(dossier: int, papers: dict[str, Stored], ed: int, now: dt.datetime) -> None:
    await engine.copy_rows(
        "folder", _FOLDER, [(dossier, None, None, "Goed om te weten", fold("Goed om te weten"), "office", None, 0, now)]
    )
    folder = (await engine.raw("SELECT id FROM folder WHERE dossier = $1", dossier))[0]["id"]
    await engine.copy_rows(
        "document",
        _DOCUMENT,
        [_row(folder, None, name, papers[name], "office", ed, now) for name, _ in GENERAL_PAPERS],
    )


async def _documents(
    made: list[Enterprise], ids: dict[str, int], papers: dict[str, Stored], by: tuple[int, int], now: dt.datetime
) -> None:
    """The cast has every paper; of the others each has some. Rik handed one in himself."""
    ed, rik = by
    found = await engine.raw(
        "SELECT f.id, f.client, f.name, p.name AS parent FROM folder f LEFT JOIN folder p ON p.id = f.parent WHERE f.client IS NOT NULL"
    )
    folder = {(row["client"], row["parent"], row["name"]): row["id"] for row in found}
    rows = []
    for turn, one in enumerate(made):
        client = ids[one.number]
        for number, (name, _) in enumerate(PAPERS):
            place = folder.get((client, *_PLACES[name]))
            if place and (one.is_cast or (turn + number) % 3 == 0):
                rows.append(
                    _row(
                        place,
                        client,
                        name,
                        papers[name],
                        "office",
                        ed,
                        now - dt.timedelta(days=2 + (turn + number) % 25),
                    )
                )
    upload = folder[(ids["1001"], None, "Aan te leveren stukken")]
    rows.append(
        _row(
            upload,
            ids["1001"],
            "Kasboek september 2026.pdf",
            papers[PAPERS[4][0]],
            "client",
            rik,
            now - dt.timedelta(days=1),
        )
    )
    await engine.copy_rows("document", _DOCUMENT, rows)


def _row(
    folder: int, client: int | None, name: str, stored: Stored, source: str, by: int | None, at: dt.datetime
) -> tuple[Any, ...]:
    return (folder, client, name, fold(name), stored.sha256, stored.size, "application/pdf", source, by, at, at)
