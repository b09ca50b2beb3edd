"""Files arrive whole or not at all, straight in the storage, and what is wrong with a body is said in words."""

from __future__ import annotations

import asyncio
import hashlib
import random
import subprocess
import sys
import time

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from models.core import Refused
from models.storage import StorageDown, StorageFull, TooLarge, open_storage
from tests.web.serving import begin, break_off, serving
from web import uploads
from web.uploads import BadBody, Received, receive_files

MB = 1024 * 1024
NOISE = random.Random(3).randbytes(3 * MB + 17)
PDF = b"%PDF-1.7\n" + NOISE
BOUNDARY = "x7MA4YWxkTrZu0gW"
KIND = f"multipart/form-data; boundary={BOUNDARY}"


@pytest.fixture(params=["folder", "s3"])
def storage(request, tmp_path):
    if request.param == "folder":
        return open_storage(f"file://{tmp_path}/files")
    return open_storage(request.getfixturevalue("buckets").fresh())


@pytest.fixture
def folder(tmp_path):
    return open_storage(f"file://{tmp_path}/files")


class App:
    """Takes uploads, and remembers what became of each."""

    def __init__(self, storage, **options) -> None:
        self.storage, self.options = storage, options
        self.ends: asyncio.Queue[Received | Exception] = asyncio.Queue()
        self.app = Starlette(routes=[Route("/", self.take, methods=["POST"])])

    async def take(self, request: Request) -> Response:
        try:
            received = await receive_files(request, self.storage, **self.options)
        except Exception as error:
            self.ends.put_nowait(error)
            return JSONResponse(str(error), 413 if isinstance(error, TooLarge) else 400)
        self.ends.put_nowait(received)
        return JSONResponse([file.name for file in received.files])

    async def send(self, body, kind: str = KIND, **headers: str) -> Received | Exception:
        """In process; `body` is bytes, or pieces of it."""
        transport = httpx2.ASGITransport(app=self.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://x") as client:
            await client.post("/", content=body, headers={"content-type": kind, **headers})
        return self.ends.get_nowait()


def part(name: str, content: bytes, file: str | None = None, more: str = "") -> bytes:
    about = f'form-data; name="{name}"' + (f'; filename="{file}"' if file is not None else "")
    return f"--{BOUNDARY}\r\nContent-Disposition: {about}\r\n{more}\r\n".encode() + content + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()


async def left(storage) -> tuple[list[str], list[str]]:
    """The blobs, and what is left of uploads that were broken off."""
    return [sha256 async for sha256, _, _ in storage.all()], [path.name for path in storage.incoming.glob("*")]


async def test_files_and_fields_arrive_in_order(storage):
    body = (
        part("note", "van Zoë".encode())
        + part("files", PDF, "jaarrekening é.pdf")
        + part("tick", b"1")
        + part("files", b"hello", "brief.txt")
        + part("tick", b"2")
        + END
    )

    received = await App(storage).send(body)

    assert [(file.name, file.size) for file in received.files] == [("jaarrekening é.pdf", len(PDF)), ("brief.txt", 5)]
    assert [file.content_type.mime for file in received.files] == ["application/pdf", "text/plain"]
    assert received.files[0].head == PDF[:65536]
    assert received.files[0].sha256 == hashlib.sha256(PDF).hexdigest()
    assert await storage.read(received.files[0].sha256) == PDF
    assert received.fields.multi_items() == [("note", "van Zoë"), ("tick", "1"), ("tick", "2")]
    assert received.refused == []


@pytest.mark.parametrize("piece", [1, 2, 7, 63, 64, 65, 1000, 65536])
async def test_a_body_may_come_in_pieces_of_any_size(folder, piece):
    content = (f"\r\n--{BOUNDARY[:-1]}\r\n--\r\n-".encode() + NOISE[:700]) * (2 if piece < 60 else 200)
    body = part("files", content, "lijkt.dat") + part("note", b"x") + END

    async def pieces():
        for start in range(0, len(body), piece):
            yield body[start : start + piece]

    received = await App(folder).send(pieces())

    assert received.fields["note"] == "x"
    assert await folder.read(received.files[0].sha256) == content


async def test_a_refused_file_is_named_and_never_stored_and_the_others_arrive(folder):
    body = (
        part("files", b"MZ\x90\x00" + NOISE, "setup.exe")
        + part("files", b"", "leeg.pdf")
        + part("files", PDF, "goed.pdf")
        + part("files", b"<html>", "aangifte.pdf")
        + END
    )

    received = await App(folder).send(body)

    assert [file.name for file in received.files] == ["goed.pdf"]
    assert [refusal.name for refusal in received.refused] == ["setup.exe", "leeg.pdf", "aangifte.pdf"]
    assert "programma" in str(received.refused[0].why)
    assert "leeg" in str(received.refused[1].why)
    assert await left(folder) == ([received.files[0].sha256], [])


async def test_another_check_may_be_asked_for(folder):
    received = await App(folder, check=lambda head, size, name: None).send(part("f", b"", "leeg.pdf") + END)

    assert received.files[0].size == 0
    assert await folder.read(received.files[0].sha256) == b""


async def test_names_are_made_safe(folder):
    body = b"".join(
        part("f", b"x", name)
        for name in ("../../etc/passwd", "C:\\Docs\\con.txt", "a%22b.txt", "f\u202etxt.pdf.txt", "x" * 500 + ".txt")
    )

    received = await App(folder).send(body + END)

    assert [file.name for file in received.files] == [
        "passwd",
        "_con.txt",
        "a_b.txt",
        "ftxt.pdf.txt",
        "x" * 251 + ".txt",
    ]


async def test_a_field_for_files_left_empty_is_nothing(folder):
    received = await App(folder).send(part("f", b"", "") + part("note", b"x") + END)

    assert (received.files, received.refused, received.fields["note"]) == ([], [], "x")
    with pytest.raises(Refused, match="Kies eerst een bestand"):
        received.one_file()


async def test_the_one_file_of_a_form(folder):
    assert (await App(folder).send(part("f", b"x", "a.txt") + END)).one_file().name == "a.txt"
    with pytest.raises(Refused, match="leeg"):
        (await App(folder).send(part("f", b"", "a.txt") + END)).one_file()


GOOD = part("f", b"x", "a.txt")


@pytest.mark.parametrize(
    "body, kind, said",
    [
        (GOOD + END, "application/x-www-form-urlencoded", "geen formulier met bestanden"),
        (GOOD + END, "", "geen formulier met bestanden"),
        (GOOD + END, "multipart/mixed; boundary=x", "geen formulier met bestanden"),
        (GOOD + END, "multipart/form-data", "niet heel"),
        (GOOD + END, "multipart/form-data; boundary=", "niet heel"),
        (GOOD + END, f"multipart/form-data; boundary=a; boundary={BOUNDARY}", "niet heel"),
        (GOOD + END, f"multipart/form-data; boundary={'x' * 300}", "niet heel"),
        (GOOD + END, "multipart/form-data; boundary=another", "niet heel"),
        (GOOD, KIND, "niet heel"),
        (GOOD + END[:-6], KIND, "niet heel"),
        (b"", KIND, "niet heel"),
        (b"nonsense", KIND, "niet heel"),
        (f"--{BOUNDARY}\r\nContent-Type: text/plain\r\n\r\nx\r\n".encode() + END, KIND, "niet heel"),
        (part("f", b"eA==", "a.txt", "Content-Transfer-Encoding: base64\r\n") + END, KIND, "niet heel"),
        (part("f", b"x", "a.txt", f"X: {'x' * 20_000}\r\n") + END, KIND, "niet heel"),
        (part("f", b"x" * (MB + 1)) + END, KIND, "te lang"),
        (part("f", b"x") * 1001 + END, KIND, "te veel velden"),
        (part("f", b"x", "a.txt") * 501 + END, KIND, "Meer dan 500 bestanden"),
        (part("f", b"", "a.txt") * 501 + END, KIND, "Meer dan 500 bestanden"),
    ],
)
async def test_a_body_that_is_not_right_is_refused_in_words(folder, body, kind, said):
    ended = await App(folder).send(body, kind)

    assert isinstance(ended, BadBody)
    assert said in str(ended.why)
    assert (await left(folder))[1] == []


async def test_two_content_types_are_refused(folder):
    async with serving(App(folder).app) as port:
        head = f"POST / HTTP/1.1\nContent-Type: {KIND}\nContent-Type: {KIND}\nContent-Length: {len(GOOD + END)}"
        reader, writer = await begin(port, head, GOOD + END)

        assert b" 400 " in await reader.readline()
        writer.close()


async def test_a_body_that_says_it_is_too_large_is_refused_unread(folder):
    app = App(folder, max_size=10 * MB)
    async with serving(app.app) as port:
        reader, writer = await begin(port, f"POST / HTTP/1.1\nContent-Type: {KIND}\nContent-Length: {20 * MB}")

        assert b" 413 " in await asyncio.wait_for(reader.readline(), 5)
        assert app.ends.get_nowait().limit == 10 * MB
        writer.close()
    assert await left(folder) == ([], [])


async def test_a_body_that_turns_out_too_large_is_refused(folder):
    async def endless():
        yield part("f", b"", "x.dat")[:-2]
        while True:
            yield NOISE[:MB]

    ended = await App(folder, max_size=5 * MB).send(endless())

    assert isinstance(ended, TooLarge)
    assert await left(folder) == ([], [])


async def test_refused_files_count_for_the_size_too(folder):
    async def endless():
        yield part("f", b"", "x.exe")[:-2]
        while True:
            yield NOISE[:MB]

    assert isinstance(await App(folder, max_size=5 * MB).send(endless()), TooLarge)


@pytest.mark.parametrize("sent", [0, 100, MB + 5, len(PDF)])
async def test_an_upload_broken_off_leaves_nothing(folder, sent):
    app = App(folder)
    body = part("f", b"keep me", "eerst.txt") + part("f", PDF, "daarna.pdf") + END
    async with serving(app.app) as port:
        head = f"POST / HTTP/1.1\nContent-Type: {KIND}\nContent-Length: {len(body)}"
        _, writer = await begin(port, head, body[: 200 + sent])
        await asyncio.sleep(0.05)
        break_off(writer)

        assert isinstance(await asyncio.wait_for(app.ends.get(), 5), ClientDisconnect)
    blobs, half = await left(folder)
    assert half == []
    assert hashlib.sha256(PDF).hexdigest() not in blobs


async def test_an_upload_to_a_bucket_broken_off_leaves_nothing(buckets):
    storage = open_storage(buckets.fresh())
    app = App(storage)
    body = part("f", PDF * 5, "groot.pdf") + END  # more than one part of a multipart upload
    async with serving(app.app) as port:
        head = f"POST / HTTP/1.1\nContent-Type: {KIND}\nContent-Length: {len(body) + 10}"
        _, writer = await begin(port, head, body[: 12 * MB])
        await asyncio.sleep(0.3)
        break_off(writer)

        assert isinstance(await asyncio.wait_for(app.ends.get(), 10), ClientDisconnect)
    assert (buckets.paths(storage.bucket), buckets.unfinished(storage.bucket)) == ([], 0)


async def test_a_sender_who_falls_silent_is_let_go(folder, monkeypatch):
    monkeypatch.setattr(uploads, "SILENCE_MOST", 0.2)
    app = App(folder)
    async with serving(app.app) as port:
        head = f"POST / HTTP/1.1\nContent-Type: {KIND}\nContent-Length: {10 * MB}"
        reader, writer = await begin(port, head, part("f", PDF, "x.pdf"))

        assert b" 400 " in await asyncio.wait_for(reader.readline(), 5)
        assert "viel stil" in str(app.ends.get_nowait().why)
        writer.close()
    assert await left(folder) == ([], [])


async def test_a_slow_sender_who_keeps_sending_is_not(folder, monkeypatch):
    monkeypatch.setattr(uploads, "SILENCE_MOST", 0.3)

    async def slowly():
        for piece in (part("f", b"xx", "a.txt"), part("note", b"x"), END):
            await asyncio.sleep(0.15)
            yield piece

    assert (await App(folder).send(slowly())).files[0].size == 2


async def test_storage_that_is_down_is_told(tmp_path):
    (tmp_path / "files").write_text("no folder")

    assert isinstance(await App(open_storage(f"file://{tmp_path}/files")).send(GOOD + END), StorageDown)


async def test_a_full_disk_is_told_and_leaves_nothing_half(small_disk):
    storage = open_storage(f"file://{small_disk}/files")

    ended = await App(storage).send(part("f", PDF + PDF, "x.pdf") + END)

    assert isinstance(ended, StorageFull)
    assert await left(storage) == ([], [])


async def test_many_at_once(folder):
    app = App(folder)
    body = part("f", PDF, "x.pdf") + END
    transport = httpx2.ASGITransport(app=app.app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://x") as client:
        answers = await asyncio.gather(
            *(client.post("/", content=body, headers={"content-type": KIND}) for _ in range(12))
        )

    assert {answer.status_code for answer in answers} == {200}
    assert await left(folder) == ([hashlib.sha256(PDF).hexdigest()], [])


@pytest.mark.parametrize("direction", ["up", "down"])
def test_memory_is_flat_in_file_size(tmp_path, direction):
    """Over a real server in a process of its own."""
    code = f"""
import sys
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from models.storage import open_storage
from web.downloads import send_blob
from web.uploads import receive_files
store = open_storage("file://{tmp_path}/files")
async def up(request):
    return PlainTextResponse((await receive_files(request, store)).files[0].sha256)
async def down(request):
    sha256 = request.path_params["sha256"]
    return await send_blob(request, store, sha256, await store.size(sha256), "x.dat", "application/pdf")
async def peak(request):
    lines = open("/proc/self/status").read().splitlines()
    return PlainTextResponse(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
app = Starlette(routes=[Route("/up", up, methods=["POST"]), Route("/peak", peak), Route("/{{sha256}}", down)])
server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical"))
socket = server.config.bind_socket()
print(socket.getsockname()[1], flush=True)
server.run(sockets=[socket])
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        address = f"http://127.0.0.1:{process.stdout.readline().strip()}"
        with httpx2.Client(base_url=address, timeout=60) as client:
            _wait(client)

            def pieces(size: int):
                yield part("f", PDF, "x.dat")[:-2]
                for _ in range(size):
                    yield NOISE[:MB]
                yield b"\r\n" + END

            def through(size: int) -> None:
                sha256 = client.post("/up", content=pieces(size), headers={"content-type": KIND}).text
                if direction == "down":
                    with client.stream("GET", f"/{sha256}") as answer:
                        got = sum(len(chunk) for chunk in answer.iter_raw())
                        assert got == len(PDF) + size * MB

            through(32)
            before = int(client.get("/peak").text)
            through(400)
            assert int(client.get("/peak").text) - before < 16 * 1024
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _wait(client) -> None:
    for _ in range(200):
        try:
            client.get("/peak")
            return
        except httpx2.ConnectError:
            time.sleep(0.05)
    raise TimeoutError
