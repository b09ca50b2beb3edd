"""The import of 20,000 clients with 30,000 contacts in one file: planned and committed, and the bare insert beside it."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

CLIENTS, CONTACTS = 20_000, 30_000
HEADINGS = (
    "Cliëntnummer", "Naam", "Rechtsvorm", "KvK-nummer", "Straat", "Huisnr", "Postcode", "Plaats", "E-mail", "Telefoon",
    "Branche", "Cliëntgroep", "Voornaam", "Achternaam", "E-mail contactpersoon",
)  # fmt: skip
_HERE = Path(__file__).parents[2]


def lines() -> list[tuple[str, ...]]:
    """Every second client has two contacts, on two lines."""
    made = []
    for at in range(CONTACTS):
        client = at if at < CLIENTS else (at - CLIENTS) * 2
        made.append(
            (
                str(10_000 + client), f"Bakkerij {client} B.V.", "BV", f"{10_000_000 + client}", "Kerkweg", str(client % 300 + 1),
                "1234 AB", "Ede", f"info{client}@bakkerij.example", f"06-{10_000_000 + client}", "Horeca", f"Groep {client % 20}",
                f"Jan {at}", f"Vries {at}", f"jan{at}@bakkerij.example",
            )
        )  # fmt: skip
    return made


async def measure() -> list[dict[str, Any]]:
    """In a process of its own, so that its peak memory is that of the work alone."""
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "tests.bench.bench_imports", place]
        environment = {**os.environ, "POORT_VAR": place, "DATABASE_URL": f"sqlite:///{place}/bench.db"}
        done = await asyncio.to_thread(
            subprocess.run, command, cwd=_HERE, env=environment, capture_output=True, text=True, check=True
        )
    return list(json.loads(done.stdout.splitlines()[-1]))


async def _measure(place: Path) -> list[dict[str, Any]]:
    import models.imports.work  # noqa: F401  declares the kinds of work
    from models import engine, sample, tasks
    from models.accounts import User
    from models.imports import Import, add_import
    from models.migrate import migrate
    from models.storage import storage
    from models.tasks import Progress, Task
    from models.viewer import Viewer

    await migrate()
    await sample.fill(2, 1, "geheim-wachtwoord")
    anna = Viewer(await User.objects().where(User.email_key == "anna@kantoor.example").first())
    file = place / "clienten.csv"
    with file.open("w", encoding="utf-8-sig", newline="") as out:
        csv.writer(out, delimiter=";").writerows([HEADINGS, *lines()])
    stored = await storage().put(file.read_bytes())
    record = await engine.run_writing(
        lambda: add_import(anna.imports, file_name=file.name, sha256=stored.sha256, size=stored.size, by=anna)
    )
    steps = {}
    for kind in ("plan_import", "commit_import"):
        task = await Task.objects().where(Task.kind == kind).first()
        began = time.perf_counter()
        await tasks.WORKS[kind](task, Progress(task))
        steps[kind] = time.perf_counter() - began
        record = await Import.objects().where(Import.id == record.id).first()
        if kind == "plan_import":
            await engine.run_writing(lambda: record.commit(record.plan_hash, by=anna))
    made = (await engine.raw("SELECT count(*) AS n FROM client WHERE imported = $1", record.id))[0]["n"]
    people = (await engine.raw("SELECT count(*) AS n FROM users WHERE imported = $1", record.id))[0]["n"]
    assert (record.state, made, people) == ("committed", CLIENTS, CONTACTS), (
        record.state,
        made,
        people,
        record.problem,
    )
    memory = _peak()
    await engine.close()
    limit = _bare(place)
    total = sum(steps.values())
    return [
        {
            "job": "import: plan and commit", "size": f"{CLIENTS} clients, {CONTACTS} contacts", "ours": f"{total:.2f} s",
            "limit": f"{limit:.2f} s", "ratio": f"{limit / total:.2f}", "memory": f"{memory:.0f} MB",
        },
        {
            "job": "import: commit alone", "size": f"{CLIENTS + CONTACTS * 2} rows", "ours": f"{steps['commit_import']:.2f} s",
            "limit": f"{limit:.2f} s", "ratio": f"{limit / steps['commit_import']:.2f}", "memory": "",
        },
    ]  # fmt: skip


def _peak() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


def _bare(place: Path) -> float:
    """The same rows by sqlite3 alone: clients, people and accesses copied into empty tables of the same shape."""
    source = sqlite3.connect(place / "bench.db")
    rows = {table: source.execute(f"SELECT * FROM {table}").fetchall() for table in ("client", "users", "access")}
    shape = source.execute(
        "SELECT sql FROM sqlite_master WHERE tbl_name IN ('client', 'users', 'access') AND sql IS NOT NULL AND type <> 'trigger'"
    ).fetchall()
    bare = sqlite3.connect(place / "bare.db")
    bare.execute("PRAGMA journal_mode=WAL")
    for (sql,) in sorted(shape, key=lambda row: not row[0].startswith("CREATE TABLE")):
        bare.execute(sql)
    began = time.perf_counter()
    with bare:
        for table, values in rows.items():
            bare.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values[0]))})", values)
    return time.perf_counter() - began


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_measure(Path(sys.argv[1])))))
