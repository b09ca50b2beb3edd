"""Bytes go out whole or in the range that was asked for, and whatever they hold does no harm in our origin."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import hashlib
import random
from pathlib import Path
from urllib.parse import unquote

import httpx2
import pytest
from playwright.async_api import Page, async_playwright
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from models.content_type import detect
from models.storage import Missing, StorageDown, open_storage
from tests.models.test_storage import open_files
from tests.web.serving import begin, break_off, serving
from web.downloads import disposition, send_blob

MB = 1024 * 1024
DATA = random.Random(4).randbytes(3 * MB + 17)
HOSTILE = Path(__file__).parents[1] / "data" / "hostile"
CHROMIUM = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)


@pytest.fixture(params=["folder", "s3"])
def storage(request, tmp_path):
    if request.param == "folder":
        return open_storage(f"file://{tmp_path}/files")
    return open_storage(request.getfixturevalue("buckets").fresh())


@pytest.fixture
def folder(tmp_path):
    return open_storage(f"file://{tmp_path}/files")


class Site:
    """Serves blobs at the paths they were put at, compressed where the browser takes that, as the application does."""

    def __init__(self, storage) -> None:
        self.storage = storage
        self.documents: dict[str, dict] = {}
        routes = [Route("/page", self.page), Route("/{path}", self.document)]
        self.app = Starlette(routes=routes, middleware=[Middleware(GZipMiddleware, minimum_size=10)])

    async def put(self, path: str, data: bytes, mime: str = "application/pdf", **options) -> str:
        stored = await self.storage.put(data)
        about = {"sha256": stored.sha256, "size": stored.size, "name": path, "content_type": mime}
        self.documents[path] = about | options
        return stored.sha256

    async def document(self, request: Request) -> Response:
        return await send_blob(request, self.storage, **self.documents[request.path_params["path"]])

    async def page(self, request: Request) -> Response:
        """A page of ours that shows every document in a frame, or only the one."""
        paths = [request.query_params["only"]] if "only" in request.query_params else self.documents
        frames = "".join(f'<iframe src="/{path}" width="300" height="300"></iframe>' for path in paths)
        headers = {"Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'"}
        return HTMLResponse(f"<title>ours</title>{frames}", headers=headers)

    @contextlib.asynccontextmanager
    async def visited(self):
        transport = httpx2.ASGITransport(app=self.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://x") as client:
            yield client

    async def ask(self, path: str, method: str = "GET", **headers: str):
        async with self.visited() as client:
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            return await client.request(method, f"/{path}", headers=names)


async def test_all_of_it(storage):
    site = Site(storage)
    sha256 = await site.put("x.pdf", DATA)

    answer = await site.ask("x.pdf")

    assert (answer.status_code, answer.content) == (200, DATA)
    assert answer.headers["content-length"] == str(len(DATA))
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["etag"] == f'"{sha256}"'


@pytest.mark.parametrize(
    "asked, start, end",
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=1048570-1048580", 1048570, 1048581),
        ("bytes=3145740-", 3145740, len(DATA)),
        ("bytes=-17", len(DATA) - 17, len(DATA)),
        ("bytes=-99999999", 0, len(DATA)),
        ("bytes=5-99999999", 5, len(DATA)),
        ("bytes = 5 - 9", 5, 10),
    ],
)
async def test_one_range(storage, asked, start, end):
    site = Site(storage)
    await site.put("x.pdf", DATA)

    answer = await site.ask("x.pdf", range=asked)

    assert (answer.status_code, answer.content) == (206, DATA[start:end])
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{len(DATA)}"
    assert answer.headers["content-length"] == str(end - start)


@pytest.mark.parametrize("asked", ["bytes=9999999-", "bytes=-0", f"bytes={len(DATA)}-", "bytes=9999998-9999999"])
async def test_a_range_beyond_the_end(folder, asked):
    site = Site(folder)
    await site.put("x.pdf", DATA)

    answer = await site.ask("x.pdf", range=asked)

    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["content-range"] == f"bytes */{len(DATA)}"


@pytest.mark.parametrize(
    "asked",
    ["bytes=0-1,4-5", "bytes=9-3", "bytes=-", "bytes=x-y", "pages=1-2", "bytes=" + "9" * 5000 + "-", "bytes=--1"],
)
async def test_what_is_no_single_range_gets_all_of_it(folder, asked):
    site = Site(folder)
    await site.put("x.pdf", DATA)

    answer = await site.ask("x.pdf", range=asked)

    assert (answer.status_code, answer.content) == (200, DATA)


async def test_going_on_only_with_the_same_bytes(folder):
    site = Site(folder)
    moment = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)
    sha256 = await site.put("x.pdf", DATA, last_modified=moment)

    async def status(if_range: str) -> int:
        return (await site.ask("x.pdf", range="bytes=5-9", if_range=if_range)).status_code

    assert await status(f'"{sha256}"') == 206
    assert await status('"another"') == 200
    assert await status(f'W/"{sha256}"') == 200
    assert await status("Mon, 23 Nov 2026 12:00:00 GMT") == 206
    assert await status("Mon, 23 Nov 2026 11:00:00 GMT") == 200


@pytest.mark.parametrize("tag", ['"{}"', 'W/"{}"', '"a", "{}"', "*"])
async def test_what_the_browser_has_is_not_sent_again(folder, tag):
    site = Site(folder)
    sha256 = await site.put("x.pdf", DATA)

    answer = await site.ask("x.pdf", if_none_match=tag.format(sha256))

    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == f'"{sha256}"'


async def test_another_tag_gets_all_of_it(folder):
    site = Site(folder)
    await site.put("x.pdf", DATA)

    assert (await site.ask("x.pdf", if_none_match='"another"')).content == DATA


async def test_only_the_headers(storage):
    site = Site(storage)
    await site.put("x.pdf", DATA)

    for headers in ({}, {"range": "bytes=0-9"}):
        answer = await site.ask("x.pdf", "HEAD", **headers)

        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["content-length"] == str(len(DATA))


async def test_nothing_at_all(storage):
    site = Site(storage)
    await site.put("leeg.txt", b"", "text/plain")

    assert ((await site.ask("leeg.txt")).status_code, (await site.ask("leeg.txt")).content) == (200, b"")
    assert (await site.ask("leeg.txt", range="bytes=0-")).status_code == 416


async def test_lost_bytes_are_told_before_anything_is_sent(storage):
    site = Site(storage)
    sha256 = await site.put("x.pdf", DATA)
    await storage.delete(sha256)

    for method in ("GET", "HEAD"):
        with pytest.raises(Missing):
            await site.ask("x.pdf", method)


async def test_bytes_that_were_cut_off_are_told_or_break_off(folder):
    site = Site(folder)
    sha256 = await site.put("x.pdf", DATA)
    folder.path_of(sha256).write_bytes(DATA[: 2 * MB])

    with pytest.raises(StorageDown):
        await site.ask("x.pdf", range=f"bytes={2 * MB}-")
    async with serving(site.app) as port, httpx2.AsyncClient() as client:
        with pytest.raises(httpx2.RemoteProtocolError):  # never a short file that looks whole
            await client.get(f"http://127.0.0.1:{port}/x.pdf")


async def test_it_is_not_compressed_and_not_kept_by_caches(folder):
    site = Site(folder)
    await site.put("x.txt", b"a" * 100_000, "text/plain")

    answer = await site.ask("x.txt", accept_encoding="gzip")

    assert answer.headers["content-length"] == "100000"
    assert answer.headers["cache-control"] == "private, no-store"


async def test_it_stays_within_our_origin_and_in_its_box(folder):
    site = Site(folder)
    await site.put("x.png", DATA, "image/png", inline=True)

    for headers in ({}, {"range": "bytes=0-1"}, {"range": "bytes=99999999-"}, {"if_none_match": "*"}):
        answer = (await site.ask("x.png", **headers)).headers

        assert answer["x-content-type-options"] == "nosniff"
        assert answer["cross-origin-resource-policy"] == "same-origin"
        policy = [rule.strip() for rule in answer["content-security-policy"].split(";")]
        assert policy[:2] == ["sandbox", "default-src 'none'"]
        assert "frame-ancestors 'self'" in policy


@pytest.mark.parametrize(
    "mime, inline, how, named",
    [
        ("application/pdf", True, "attachment", "application/pdf"),
        ("application/pdf", False, "attachment", "application/pdf"),
        ("image/png", True, "inline", "image/png"),
        ("image/heic", True, "attachment", "image/heic"),
        ("text/csv", True, "attachment", "text/csv"),
        ("text/html", True, "attachment", "application/octet-stream"),
        ("image/svg+xml", True, "attachment", "application/octet-stream"),
        ("application/xml", True, "attachment", "application/octet-stream"),
        ("message/rfc822", True, "attachment", "application/octet-stream"),
        ("application/xhtml+xml", True, "attachment", "application/octet-stream"),
        ("text/html; charset=utf-8", True, "attachment", "application/octet-stream"),
        ("", True, "attachment", "application/octet-stream"),
        ("x\r\nSet-Cookie: a=b", True, "attachment", "application/octet-stream"),
    ],
)
async def test_only_what_is_safe_is_shown_in_the_browser(folder, mime, inline, how, named):
    site = Site(folder)
    await site.put("x", b"x", mime, inline=inline)

    answer = await site.ask("x")

    assert answer.headers["content-disposition"].split(";")[0] == how
    assert answer.headers["content-type"] == named


@pytest.mark.parametrize(
    "text, charset", [("é".encode(), "utf-8"), ("é".encode("cp1252"), "windows-1252"), ("é".encode("utf-16"), "utf-16")]
)
async def test_a_text_is_shown_in_its_own_encoding(folder, text, charset):
    site = Site(folder)
    await site.put("x.txt", text * 9, "text/plain", inline=True)

    assert (await site.ask("x.txt")).headers["content-type"] == f"text/plain; charset={charset}"
    assert (await site.ask("x.txt", range="bytes=5-6")).headers["content-type"] == f"text/plain; charset={charset}"


@pytest.mark.parametrize(
    "name, plain",
    [
        ("jaarrekening 2026.pdf", "jaarrekening 2026.pdf"),
        ("jaarrekening één.pdf", "jaarrekening een.pdf"),
        ("👩\u200d👩\u200d👧.png", "document.png"),
        ("رسالة", "document"),
        ('a"b\\c%41.pdf', "a_b_c_41.pdf"),
        ("a\r\nSet-Cookie: x=y.pdf", "a__Set-Cookie: x=y.pdf"),
    ],
)
def test_the_name_goes_along(name, plain):
    header = disposition("attachment", name)

    assert header.startswith(f'attachment; filename="{plain}"')
    assert header.isascii() and header.isprintable()
    if name != plain:
        assert unquote(header.partition("filename*=UTF-8''")[2]) == name


async def test_a_browser_that_leaves_half_way_ends_the_reading(folder):
    site = Site(folder)
    sha256 = await site.put("x.pdf", DATA * 20)
    async with serving(site.app) as port:
        reader, writer = await begin(port, "GET /x.pdf HTTP/1.1")
        await reader.readexactly(100_000)
        break_off(writer)

        for _ in range(100):
            if not [path for path in open_files() if path.endswith(sha256[2:])]:
                break
            await asyncio.sleep(0.02)
        else:
            pytest.fail("the file is still open")


async def test_a_slow_browser_does_not_fill_the_memory(folder, monkeypatch):
    site = Site(folder)
    await site.put("x.pdf", DATA * 30)
    read = 0
    original = folder.open

    async def counted(*args):
        nonlocal read
        async for chunk in original(*args):
            read += len(chunk)
            yield chunk

    monkeypatch.setattr(folder, "open", counted)
    async with serving(site.app) as port:
        reader, writer = await begin(port, "GET /x.pdf HTTP/1.1")
        await reader.readexactly(1000)
        await asyncio.sleep(0.5)

        assert read < 20 * MB  # what fits in the buffers of two sockets, and no more
        break_off(writer)


async def what_ran(page: Page) -> list[list[str | None]]:
    """What a hostile file would have left behind, of every frame."""
    return [await frame.evaluate("[window.__acc_ran, document.title]") for frame in page.frames]


async def test_hostile_files_run_nothing_in_a_real_browser(folder):
    """Also when they got in somehow, and are shown in a frame of our own page under a kind that is shown."""
    site = Site(folder)
    for name in ("aangifte.pdf.html", "polyglot.pdf", "script.pdf", "script.svg"):
        data = (HOSTILE / name).read_bytes()
        await site.put(name, data, detect(data, name).mime, inline=True)
        for number, mime in enumerate(("text/html", "text/plain", "application/pdf", "image/png")):
            await site.put(f"{number}-{name}", data, mime, inline=True)
    async with serving(site.app) as port, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", headless=False, args=CHROMIUM.split()
        )
        page = await browser.new_page()
        dialogs: list[str] = []
        page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        ran = []
        for path in site.documents:
            await page.goto(f"http://127.0.0.1:{port}/page?only={path}")
            await page.wait_for_timeout(300)
            ran += await what_ran(page)
            with contextlib.suppress(Exception):  # a download is no page
                await page.goto(f"http://127.0.0.1:{port}/{path}")
            ran += await what_ran(page)
        await browser.close()

    assert len(ran) > 2 * len(site.documents)
    assert [one for one in ran if one[0] or "ACC-RAN" in one[1]] == []
    assert dialogs == []


async def test_what_went_up_comes_down(storage):
    site = Site(storage)
    await site.put("x.pdf", DATA * 5)
    async with serving(site.app) as port, httpx2.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{port}/x.pdf")

    assert hashlib.sha256(answer.content).hexdigest() == hashlib.sha256(DATA * 5).hexdigest()
