"""`python -m models check` and the settings: what does not work is said, in words, and never passed for good."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from models import config
from tests.house import ROOT, House, house
from tests.scanner import scanning


@pytest.fixture(scope="module")
def poort(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house("small", tmp_path_factory.mktemp("check"), worker=False) as made:
        yield made


@pytest.fixture(scope="module")
def other_server() -> Iterator[int]:
    """A server that listens, and speaks neither SMTP nor Redis."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def checked(poort: House, **settings: str) -> tuple[int, dict[str, str]]:
    done = subprocess.run(
        [sys.executable, "-m", "models", "check"],
        env={**poort.environment, **settings},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, {line.split()[1]: line.split()[0] for line in done.stdout.splitlines()}


def test_what_works_is_good(poort: House) -> None:
    status, parts = checked(poort)

    assert status == 0
    assert parts == dict.fromkeys(("settings", "database", "queue", "storage", "files", "mail", "seals"), "goed")


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("SMTP_URL", "smtp://wie:wat@127.0.0.1:{port}?starttls=1", "mail"),
        ("SMTP_URL", "smtp://127.0.0.1:1", "mail"),
        ("QUEUE_URL", "redis://127.0.0.1:{port}/0", "queue"),
        ("BASE_URL", "https://portaal.kantoor.example", "settings"),
        ("STORAGE_URL", "file:/proc/nowhere", "storage"),
    ],
)
def test_what_only_seems_to_answer_is_wrong(poort: House, other_server: int, name: str, value: str, part: str) -> None:
    left_out = {key: "" for key in ("SECRET_KEY",) if part == "settings"}
    status, parts = checked(poort, **{name: value.format(port=other_server), **left_out})

    assert status == 1
    assert [key for key, state in parts.items() if state == "FOUT"] == [part]


def test_a_damaged_queue_and_a_database_of_another_version_are_wrong(poort: House) -> None:
    queue = poort.var / "broken.db"
    queue.write_bytes(b"this is no database" * 300)
    assert checked(poort, QUEUE_URL=f"sqlite:////{queue}")[1]["queue"] == "FOUT"

    with sqlite3.connect(poort.var / "poort.db") as database:
        kept = database.execute("SELECT * FROM migration").fetchall()
        database.execute(
            "UPDATE migration SET name = '2999-01-01T00:00:00:000000' WHERE id = (SELECT max(id) FROM migration)"
        )
    try:
        status, parts = checked(poort)
        assert status == 1 and parts["database"] == "FOUT"
    finally:
        with sqlite3.connect(poort.var / "poort.db") as database:
            database.execute("UPDATE migration SET name = ? WHERE id = ?", (kept[-1][1], kept[-1][0]))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "sqlite://var/poort.db"), ("QUEUE_URL", "sqlite://queue.db"), ("QUEUE_URL", "redis://127.0.0.1/abc"),
        ("MAIL_FROM", "nonsense"), ("MAIL_FROM", "Kantoor <a@b.nl>"), ("BASE_URL", "https://a.example/poort"),
        ("BASE_URL", "ftp://a.example"), ("SQLITE_SYNCHRONOUS", "soms"), ("MAX_UPLOAD_MB", "veel"), ("TRUSTED_PROXIES", "overal"),
    ],
)  # fmt: skip
def test_nonsense_stops_the_start_by_its_name(name: str, value: str) -> None:
    with pytest.raises(config.ConfigError, match=name):
        config.read({name: value})


def test_an_empty_file_for_a_secret_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("\n")
    with pytest.raises(config.ConfigError, match="SECRET_KEY_FILE"):
        config.read({"SECRET_KEY_FILE": str(tmp_path / "key")})


@pytest.mark.parametrize(
    "arguments",
    [
        ("web", "serve", "--port", "99999"),
        ("web", "serve", "--workers", "0"),
        ("models", "seed", "--clients", "0", "--bare"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(poort: House, arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *arguments], env=poort.environment, cwd=ROOT, capture_output=True, text=True, timeout=60
    )

    assert done.returncode == 2 and "Traceback" not in done.stderr


def test_the_virus_scanner_is_asked_whether_it_finds_the_test_file(poort: House) -> None:
    with scanning() as scanner:
        works = checked(poort, CLAMD_URL=scanner.url)
        scanner.mood = "error"
        broken = checked(poort, CLAMD_URL=scanner.url)

    assert works[0] == 0 and works[1]["scanner"] == "goed"
    assert broken[0] == 1 and broken[1]["scanner"] == "FOUT"


@pytest.mark.parametrize(
    "value", ["http://x:1", "tcp://host", "unix://relative/path", "unix://", "tcp://:3310", "3310"]
)
def test_a_strange_address_of_the_scanner_stops_the_start(poort: House, value: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "models", "check"], env={**poort.environment, "CLAMD_URL": value}, cwd=ROOT, capture_output=True, text=True, timeout=60
    )  # fmt: skip

    assert done.returncode == 2 and "CLAMD_URL" in done.stderr
