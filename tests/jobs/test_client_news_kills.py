"""Workers killed with -9 while they plan and mail the news of clients: every person is asked for once and mailed at most once."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from collections import Counter
from pathlib import Path

from models import engine
from models.settings import utcnow
from tests.jobs.posting import until
from tests.jobs.workers import Nursery, Workers
from tests.smtp import Sink

PEOPLE, KILLS = 400, 25


async def crowd() -> None:
    """So many clients, each with a person who is in, a folder, and something new in it."""
    long_ago, now = utcnow() - dt.timedelta(days=30), utcnow() - dt.timedelta(hours=1)
    await engine.copy_rows(
        "client", ("number", "number_key", "name", "sort_key", "search_key", "state", "created_at"),
        [(f"K{n}", f"k{n:05}", f"Klant {n}", f"klant {n:05}", "", "active", long_ago) for n in range(PEOPLE)],
    )  # fmt: skip
    await engine.copy_rows(
        "users", ("kind", "state", "email", "email_key", "first_name", "surname", "full_name", "created_at", "activated_at", "digest"),
        [
            ("client", "active", f"k{n}@klant.example", f"k{n}@klant.example", f"Klant{n}", "de Vries", f"Klant{n} de Vries", long_ago, long_ago, "")
            for n in range(PEOPLE)
        ],
    )  # fmt: skip
    for sql in (
        "INSERT INTO access (person, client, rights, role, created_at) SELECT u.id, c.id, 3, '', $1 FROM users u JOIN client c ON c.name = 'Klant ' || substr(u.first_name, 6) WHERE u.surname = 'de Vries'",
        "INSERT INTO dossier (kind, client, name, name_key, audience, created_at, is_sample) SELECT 'client', id, 'Dossier', 'dossier', '', $1, $2 FROM client",
        "INSERT INTO folder (dossier, client, parent, name, name_key, kind, position, created_at) SELECT id, client, NULL, 'Stukken', 'stukken', 'office', 1, $1 FROM dossier",
    ):
        await engine.raw(sql, long_ago, *([False] if "$2" in sql else []))
    await engine.raw(
        "INSERT INTO document (folder, client, name, name_key, sha256, size, mime, source, uploaded_at, state, published_at) "
        "SELECT id, client, 'btw.pdf', 'btw.pdf', '', 1, 'application/pdf', 'office', $1, 'published', $1 FROM folder",
        now,
    )
    await engine.raw("UPDATE firm SET digest_hour = 0, heard_from = $1, undo_seconds = 0", long_ago)


async def test_nobody_is_mailed_twice_and_nobody_is_forgotten(database: str, smtp_sink: Sink, tmp_path: Path):
    await crowd()
    chance = random.Random(5)
    settings = {
        "DATABASE_URL": database,
        "QUEUE_URL": f"sqlite:///{tmp_path}/queue.db",
        "SMTP_URL": f"{smtp_sink.url}&connections=4",
    }
    nursery, workers = Nursery(tmp_path, **settings), Workers(tmp_path, **settings)
    smtp_sink.delay = 0.05
    try:
        for _ in range(KILLS):
            while len(nursery.all) < 3:
                nursery.start()
            await asyncio.sleep(chance.uniform(0.05, 0.4))
            nursery.kill(chance.choice(nursery.all))
        nursery.end()
        smtp_sink.delay = 0
        workers.start()
        await until(all_were_mailed, 60)
    finally:
        nursery.end()
        workers.end()

    errands = await engine.raw("SELECT id, person, state FROM errand WHERE kind = 'client_news'")
    assert Counter(row["person"] for row in errands).most_common(1)[0][1] == 1, "somebody was planned twice"
    assert len(errands) == PEOPLE
    arrived = Counter(mail.address for mail in smtp_sink.taken)
    assert max(arrived.values()) == 1
    unknown = sum(row["state"] == "unknown" for row in errands)
    assert {row["state"] for row in errands} <= {"done", "unknown"} and len(arrived) >= PEOPLE - unknown
    assert (await engine.raw("SELECT count(*) AS n FROM hearing WHERE client IS NULL"))[0]["n"] == PEOPLE


async def all_were_mailed() -> bool:
    rows = await engine.raw(
        "SELECT count(*) AS n, sum(CASE WHEN state IN ('done', 'unknown') THEN 1 ELSE 0 END) AS ended FROM errand WHERE kind = 'client_news'"
    )
    return rows[0]["n"] > 0 and rows[0]["n"] == rows[0]["ended"]
