"""A web process killed with -9 in the middle of uploads: a document is there whole, or not at all, and its bytes are its hash."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx2
import pytest

from tests.cast import PASSWORD

ROUNDS = 100
SIZE = 6 * 1024 * 1024


@pytest.mark.timeout(900)  # a hundred starts of a server
def test_no_kill_leaves_half_a_document(tmp_path: Path) -> None:
    environment = {**os.environ, "POORT_VAR": str(tmp_path)}
    for name in ("DATABASE_URL", "STORAGE_URL", "QUEUE_URL"):
        environment.pop(name, None)
    run = [sys.executable, "-m"]
    subprocess.run([*run, "models", "migrate"], env=environment, check=True, capture_output=True)
    subprocess.run(
        [*run, "models", "seed", "--clients", "5", "--bare", "--password", PASSWORD],
        env=environment,
        check=True,
        capture_output=True,
    )
    with sqlite3.connect(tmp_path / "poort.db") as db:
        folder = db.execute("SELECT id FROM folder WHERE client IS NOT NULL AND name = 'Salaris' LIMIT 1").fetchone()[0]
    dice, cookies, said_yes = random.Random(1), httpx2.Cookies(), 0
    for turn in range(ROUNDS):
        said_yes += _round(environment, folder, cookies, turn, dice.uniform(0.0, 0.25))

    with sqlite3.connect(tmp_path / "poort.db") as db:
        rows = db.execute("SELECT name, sha256, size FROM document WHERE folder = ?", (folder,)).fetchall()
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    kept = {path.name: path for path in (tmp_path / "files").rglob("*") if path.is_file()}
    for name, sha256, size in rows:
        blob = next(path for file, path in kept.items() if sha256.endswith(file) or file == sha256)
        assert size == SIZE and blob.stat().st_size == SIZE, name
        assert hashlib.sha256(blob.read_bytes()).hexdigest() == sha256, name
    assert said_yes <= len(rows) < ROUNDS  # what was answered is there, and some were killed before


def _round(environment: dict[str, str], folder: int, cookies: httpx2.Cookies, turn: int, patience: float) -> bool:
    """Serve, send a file, kill after a while; whether the upload was answered."""
    port = _free_port()
    base = f"http://127.0.0.1:{port}"
    served = {**environment, "BASE_URL": base}
    server = subprocess.Popen(
        [sys.executable, "-m", "web", "serve", "--port", str(port)],
        env=served,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    answers: list[int] = []
    try:
        with httpx2.Client(base_url=base, headers={"Origin": base}, cookies=cookies, timeout=20) as client:
            _await(client)
            if not cookies:
                client.post("/sign-in", data={"email": "anna@kantoor.example", "password": PASSWORD})
                cookies.update(client.cookies)
            sending = threading.Thread(target=_send, args=(base, cookies, folder, turn, answers))
            sending.start()
            time.sleep(patience)
            server.send_signal(signal.SIGKILL)
            sending.join(20)
    finally:
        server.kill()
        server.wait(10)
    return answers == [303]


def _send(base: str, cookies: httpx2.Cookies, folder: int, turn: int, answers: list[int]) -> None:
    body = b"%PDF-1.4\n" + turn.to_bytes(4, "big") + os.urandom(SIZE - 13)
    try:
        with httpx2.Client(base_url=base, headers={"Origin": base}, cookies=cookies, timeout=20) as client:
            answers.append(
                client.post(f"/folders/{folder}/documents", files=[("files", (f"{turn}.pdf", body))]).status_code
            )
    except httpx2.HTTPError:
        pass


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _await(client: httpx2.Client) -> None:
    for _ in range(1200):
        try:
            if client.get("/health/live").status_code == 200:
                return
        except httpx2.HTTPError:
            time.sleep(0.05)
    raise AssertionError("the server did not start")
