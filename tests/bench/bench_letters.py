"""Letters: choosing, hashing the PINs, drawing and sealing them as one PDF, and bringing them to life; with the memory it takes."""

from __future__ import annotations

import resource
import tempfile
import time
from pathlib import Path
from typing import Any

from models import config, engine, sample
from models.accounts import User
from models.letters import Choice, LetterBatch, LetterTemplate, chosen, make_batch
from models.settings import utcnow
from models.storage import reset
from models.tasks import WORKS, Progress, Task
from models.viewer import Viewer

LIMIT = 60.0  # seconds for 5,000


async def measure(letters: int = 5_000, kind: str = "pin", activates: bool = False) -> list[dict[str, Any]]:
    """In a database of its own, on SQLite; the worker's part in this process."""
    with tempfile.TemporaryDirectory(prefix="poort-letters-") as var:
        import os

        os.environ["STORAGE_URL"] = f"file://{var}/files"
        config.reset()
        reset()
        engine.use(f"sqlite:///{Path(var)}/poort.db")
        from models.migrate import migrate

        await migrate()
        await sample.fill(3, 1, "geheim-wachtwoord")
        await _approvers(letters)
        anna = await User.objects().where(User.email == "anna@kantoor.example").first()
        assert anna is not None
        viewer = Viewer(anna)
        template = await LetterTemplate.objects().where(LetterTemplate.kind == kind).first()
        assert template is not None
        if activates:
            await engine.raw("UPDATE letter_template SET activates = $1", True)
            await engine.raw("UPDATE users SET state = 'prepared' WHERE surname LIKE 'Akkoord%'")
            template = await LetterTemplate.objects().get(LetterTemplate.id == template.id)
            assert template is not None
        before = _peak()
        began = time.perf_counter()
        found = await chosen(viewer, kind, Choice())
        looked = time.perf_counter() - began
        began = time.perf_counter()
        batch = await make_batch(viewer.scope(LetterBatch), template, Choice(), seen=found.version, by=viewer)
        task = await Task.objects().get(Task.id == batch.task)
        assert task is not None
        await WORKS["make_letters"](task, Progress(task))
        seconds = time.perf_counter() - began
        done = await LetterBatch.objects().get(LetterBatch.id == batch.id)
        assert done is not None and done.state == "ready"
        name = f"letters ({kind}{', with QR' if activates else ''})"
        size = f"{done.letters} letters, {done.size // 1024} KB"
        await engine.close()
    return [
        {"job": f"{name}: look beforehand", "size": size, "ours": f"{looked:.2f} s", "limit": "", "ratio": None, "memory": ""},
        {"job": f"{name}: make", "size": size, "ours": f"{seconds:.1f} s", "limit": f"{LIMIT * letters / 5_000:.0f} s", "ratio": seconds / (LIMIT * letters / 5_000), "memory": f"{before} > {_peak()} MB"},
    ]  # fmt: skip


async def _approvers(count: int) -> None:
    """Each with a client of his own."""
    now = utcnow()
    await engine.copy_rows(
        "client",
        ("number", "number_key", "name", "sort_key", "kind", "street", "house_number", "postcode", "city", "state", "formal", "language", "created_at"),
        [
            (f"9{n:05d}", f"letters9{n:05d}", f"Handelsonderneming {n} B.V.", f"handel {n}", "organisation", "Dorpsstraat", str(n % 200 + 1),
             f"{1000 + n % 8999} AB", "Utrecht", "active", True, "nl", now)
            for n in range(count)
        ],
    )  # fmt: skip
    await engine.copy_rows(
        "users",
        ("kind", "state", "surname", "initials", "gender", "full_name", "sort_key", "email", "email_key", "created_at"),
        [("client", "active", f"Akkoord{n}", "A.B.", "MV"[n % 2], f"A.B. Akkoord{n}", f"akkoord{n}", f"a{n}@x.example", f"a{n}@x.example", now) for n in range(count)],
    )  # fmt: skip
    await engine.raw(
        "INSERT INTO access (person, client, rights, role, own, created_at) SELECT u.id, c.id, 4, '', 4, u.created_at "
        "FROM users u JOIN client c ON c.name = 'Handelsonderneming ' || substr(u.surname, 8) || ' B.V.' WHERE u.surname LIKE 'Akkoord%'"
    )


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
