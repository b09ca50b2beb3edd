"""Who may see what, of everybody at once, is what each of them sees for himself: whatever rights and folders were given."""

from __future__ import annotations

import random

import pytest

from models import engine
from models.clients.rights import settle_rights
from models.dossiers import Document
from models.dossiers.documents import shown_sql
from models.dossiers.seeing import GENERAL_FOR, HANDING, HANDS_IN, VIEWING, VIEWS, opened_sql
from models.requests import DocumentRequest
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
            chance.choice(["", "", "lezer"]),
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
    await engine.raw("UPDATE client SET modules = 'payroll' WHERE id = $1", chance.choice(accesses)["client"])
    await engine.raw("UPDATE client SET state = 'archived' WHERE id = $1", chance.choice(accesses)["client"])
    for state, share in (("draft", 0.1), ("planned", 0.1)):
        for row in await engine.raw("SELECT id FROM document"):
            if chance.random() < share:
                await engine.raw("UPDATE document SET state = $1 WHERE id = $2", state, row["id"])
    for row in await engine.raw("SELECT id, client FROM folder WHERE client IS NOT NULL"):
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
