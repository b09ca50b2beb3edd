"""Who may see what, of everybody at once, is what each of them sees for himself: whatever rights and folders were given."""

from __future__ import annotations

import random

import pytest

from models import engine
from models.clients.rights import settle_rights
from models.core import fold
from models.dossiers import Document, Dossier
from models.dossiers.documents import shown_sql
from models.dossiers.folders import make_folder
from models.dossiers.seeing import GENERAL_FOR, HANDING, HANDS_IN, VIEWING, VIEWS, opened_sql
from models.requests import DocumentRequest
from models.settings import utcnow
from models.viewer import Right
from tests.cast import Cast, as_viewer

DOCUMENTS = f"""WITH RECURSIVE {opened_sql("viewing", Right.VIEW_DOSSIER)}
SELECT u.email, d.id FROM document d JOIN folder f ON f.id = d.folder JOIN access a ON a.client = d.client JOIN users u ON u.id = a.person
JOIN client c ON c.id = a.client AND c.state = 'active' {VIEWING} WHERE {shown_sql("u.id")} AND {VIEWS}
UNION SELECT u.email, d.id FROM document d JOIN folder f ON f.id = d.folder JOIN dossier g ON g.id = f.dossier AND g.kind = 'general'
JOIN access a ON a.rights <> 0 JOIN users u ON u.id = a.person JOIN client c ON c.id = a.client AND c.state = 'active' WHERE {shown_sql("u.id")} AND {GENERAL_FOR}"""
REQUESTS = f"""WITH RECURSIVE {opened_sql("handing", Right.UPLOAD_DOCUMENTS)}
SELECT DISTINCT u.email, r.id FROM document_request r JOIN access a ON a.client = r.client JOIN users u ON u.id = a.person
JOIN client c ON c.id = a.client AND c.state = 'active' {HANDING} WHERE r.state <> 'withdrawn' AND {HANDS_IN}"""


async def random_grants(chance: random.Random) -> None:
    """Folders, at whatever depth, that are themselves open to a template, as a structure brings them."""
    templates = [row["id"] for row in await engine.raw("SELECT id FROM rights_template")]
    folders = await engine.raw("SELECT id, client FROM folder WHERE client IS NOT NULL")
    rows = [
        (folder["id"], folder["client"], template, chance.random() < 0.5)
        for folder in folders
        if chance.random() < 0.3
        for template in chance.sample(templates, min(len(templates), 3))
    ]
    await engine.copy_rows("folder_grant", ("folder", "client", "template", "act"), rows)


async def random_general(chance: random.Random) -> None:
    """General dossiers for groups, for sectors, for both, and for nobody yet, with papers in whatever state."""
    clients = [row["id"] for row in await engine.raw("SELECT id FROM client")]
    groups = [row["id"] for row in await engine.raw("SELECT id FROM client_group")]
    now = utcnow()
    names = [f"Branche {n}" for n in range(3)]
    await engine.copy_rows(
        "sector", ("name", "name_key", "sbi", "created_at"), [(name, fold(name), "", now) for name in names]
    )
    sectors = [row["id"] for row in await engine.raw("SELECT id FROM sector")]
    belongs = [(client, sector) for client in clients for sector in sectors if chance.random() < 0.3]
    await engine.raw("DELETE FROM client_sector")
    await engine.copy_rows("client_sector", ("client", "sector"), belongs)
    for n in range(4):
        audience = chance.choice(["groups", "sector", "sector", "all", ""])
        dossier = Dossier(kind="general", name=f"Alg {n}", name_key=f"alg {n}", audience=audience, created_at=now)
        await dossier.save()
        if audience == "groups":
            chosen = chance.sample(groups, min(len(groups), 2))
            await engine.copy_rows("dossier_group", ("dossier", "client_group"), [(dossier.id, one) for one in chosen])
        if audience == "sector":
            among = chance.sample(sectors, chance.randint(1, len(sectors)))
            await engine.copy_rows("dossier_sector", ("dossier", "sector"), [(dossier.id, one) for one in among])
        for kind in ("office", "both", "internal"):
            folder = await make_folder(dossier.id, None, None, kind, kind)
            await engine.copy_rows(
                "document",
                ("folder", "name", "name_key", "sha256", "size", "mime", "source", "uploaded_at", "state"),
                [
                    (folder.id, f"{m}.txt", f"{m}.txt", "a" * 64, 1, "text/plain", "office", now, chance.choice(["published", "draft"]))
                    for m in range(2)
                ],
            )  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
async def test_everybody_at_once_is_each_by_himself(cast: Cast, seed: int) -> None:
    chance = random.Random(seed)
    accesses = await engine.raw(
        "SELECT a.id, a.client FROM access a JOIN users u ON u.id = a.person WHERE u.kind = 'client'"
    )
    for row in accesses:
        await engine.raw(
            "UPDATE access SET own = $1, role = $2 WHERE id = $3",
            chance.choice([0, 0, 1, 2, 3, 8]),
            chance.choice(["", "", "lezer", "salaris", "salaris"]),
            row["id"],
        )
        folders = await engine.raw(
            "SELECT p.name AS above, p.name_key AS above_key, f.name, f.name_key, f.parent FROM folder f LEFT JOIN folder p ON p.id = f.parent "
            "WHERE f.client = $1 AND (f.parent IS NULL OR p.parent IS NULL)",
            row["client"],
        )
        for folder in chance.sample(folders, min(len(folders), chance.randint(0, 3))):
            name = f"{folder['above']} › {folder['name']}" if folder["parent"] else folder["name"]
            key = f"{folder['above_key']} › {folder['name_key']}" if folder["parent"] else folder["name_key"]
            await engine.raw(
                "INSERT INTO folder_right (access, name, name_key, act) VALUES ($1, $2, $3, $4)",
                row["id"],
                name,
                key,
                chance.random() < 0.5,
            )
    await random_grants(chance)
    await random_general(chance)
    await engine.raw("UPDATE client SET modules = 'payroll' WHERE id = $1", chance.choice(accesses)["client"])
    await engine.raw("UPDATE client SET state = 'archived' WHERE id = $1", chance.choice(accesses)["client"])
    for state, share in (("draft", 0.1), ("planned", 0.1)):
        for row in await engine.raw("SELECT id FROM document"):
            if chance.random() < share:
                await engine.raw("UPDATE document SET state = $1 WHERE id = $2", state, row["id"])
    for row in await engine.raw("SELECT id, client FROM folder WHERE client IS NOT NULL"):
        if chance.random() < 0.1:
            await engine.raw("UPDATE folder SET kind = 'internal' WHERE id = $1", row["id"])
        if chance.random() < 0.15:
            await engine.raw("UPDATE folder SET own_only = $1 WHERE id = $2", True, row["id"])
        if chance.random() < 0.15:
            await engine.raw(
                "INSERT INTO document_request (client, folder, title, batch, made_at) SELECT client, id, 'x', name, created_at FROM folder WHERE id = $1 ON CONFLICT DO NOTHING",
                row["id"],
            )
    await settle_rights()

    seen, asked = set(), set()
    for row in await engine.raw("SELECT email FROM users WHERE kind = 'client' AND email <> ''"):
        viewer = await as_viewer(row["email"])
        seen |= {(row["email"], one["id"]) for one in await viewer.documents.select(Document.id)}
        asked |= {(row["email"], one["id"]) for one in await viewer.scope(DocumentRequest).select(DocumentRequest.id)}

    assert {(row["email"], row["id"]) for row in await engine.raw(DOCUMENTS)} == seen
    assert {(row["email"], row["id"]) for row in await engine.raw(REQUESTS)} == asked
    assert seen and asked
    rows = await engine.raw("SELECT d.id FROM document d JOIN folder f ON f.id = d.folder WHERE f.client IS NULL")
    assert {document for _, document in seen} & {row["id"] for row in rows}
