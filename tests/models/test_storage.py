"""Bytes come in whole or not at all, are kept once, come out as they were, and go when nobody refers to them."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import hashlib
import http.server
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from models.storage import Damaged, Missing, StorageDown, StorageFull, Swept, TooLarge, open_storage
from models.storage import s3 as s3_store
from models.storage.whole import certain, require_whole

MB = 1024 * 1024
SOME = random.Random(1).randbytes(5 * MB + 123)
DAY = dt.timedelta(days=1)


@pytest.fixture(params=["folder", "s3"])
def store(request, tmp_path):
    if request.param == "folder":
        return open_storage(f"file://{tmp_path}/files")
    return open_storage(request.getfixturevalue("buckets").fresh())


@pytest.fixture
def folder(tmp_path):
    return open_storage(f"file://{tmp_path}/files")


@pytest.fixture
def bucket(buckets):
    return open_storage(buckets.fresh())


async def hashes(store) -> list[str]:
    return sorted([sha256 async for sha256, _, _ in store.all()])


async def nobody(asked) -> set[str]:
    return set()


@pytest.mark.parametrize("size", [0, 1, MB, 5 * MB + 123])
async def test_bytes_come_back_as_they_went_in(store, size):
    data = SOME[:size]

    async with store.receive() as incoming:
        for start in range(0, size, 70_000):
            await incoming.write(data[start : start + 70_000])
        stored = await incoming.keep()

    assert (stored.sha256, stored.size) == (hashlib.sha256(data).hexdigest(), size)
    assert stored.head == data[:65536]
    assert await store.read(stored.sha256) == data
    assert await store.size(stored.sha256) == size
    assert [(sha256, kept) async for sha256, kept, _ in store.all()] == [(stored.sha256, size)]


@pytest.mark.parametrize(
    "start, end",
    [
        (0, 1),
        (0, MB),
        (MB - 1, MB + 1),
        (4 * MB - 1, 4 * MB + 1),
        (5 * MB, None),
        (7, 7),
        (5 * MB, 9 * MB),
        (9 * MB, None),
    ],
)
async def test_a_range_comes_back_to_the_byte(store, start, end):
    stored = await store.put(SOME)

    found = b"".join([chunk async for chunk in store.open(stored.sha256, start, end)])

    assert found == SOME[start:end]


async def test_the_same_bytes_are_kept_once(store):
    first = await store.put(SOME)
    again = await store.put(SOME)

    assert first == again
    assert await hashes(store) == [first.sha256]


async def test_two_at_once_keep_the_same_bytes(store):
    stored = await asyncio.gather(*(store.put(SOME) for _ in range(4)))

    assert len(set(stored)) == 1
    assert await store.read(stored[0].sha256) == SOME
    assert left_over(store) == []


@pytest.mark.parametrize("sha256", ["0" * 64, "", "../../../etc/passwd", "0" * 63, "A" * 64, "é" * 64, "0" * 62 + "/x"])
async def test_what_is_not_there_is_missing(store, sha256):
    await store.put(b"something else")

    assert not await store.exists(sha256)
    with pytest.raises(Missing):
        await store.size(sha256)
    with pytest.raises(Missing):
        await store.read(sha256)
    await store.delete(sha256)


async def test_deleted_is_gone(store):
    stored = await store.put(SOME)
    assert await store.exists(stored.sha256)

    await store.delete(stored.sha256)

    assert not await store.exists(stored.sha256)
    assert await hashes(store) == []


async def test_more_than_the_limit_is_refused_and_leaves_nothing(store):
    with pytest.raises(TooLarge) as refused:
        async with store.receive(limit=3 * MB) as incoming:
            await incoming.write(SOME[: 3 * MB])
            await incoming.write(b"!")

    assert refused.value.limit == 3 * MB
    assert await hashes(store) == left_over(store) == []


async def test_exactly_the_limit_is_taken(store):
    async with store.receive(limit=MB) as incoming:
        await incoming.write(SOME[:MB])
        stored = await incoming.keep()

    assert stored.size == MB


async def test_an_upload_that_fails_leaves_nothing(store):
    with pytest.raises(ZeroDivisionError):
        async with store.receive() as incoming:
            for _ in range(4):  # more than one part of a multipart upload
                await incoming.write(SOME)
            raise ZeroDivisionError

    assert await hashes(store) == left_over(store) == []


async def test_what_was_not_kept_is_gone(store):
    async with store.receive() as incoming:
        await incoming.write(SOME)

    assert await hashes(store) == left_over(store) == []


@pytest.mark.parametrize("seed", range(12))
async def test_an_upload_cancelled_at_any_moment_leaves_nothing_half(store, seed):
    async def upload() -> None:
        async with store.receive() as incoming:
            for _ in range(4):
                await incoming.write(SOME)
            await incoming.keep()

    task = asyncio.create_task(upload())
    for _ in range(seed + 1):  # again and again, as a cancel scope does
        await asyncio.sleep(random.Random(seed).random() * 0.05)
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    for _ in range(100):  # what was under way ends
        if left_over(store):
            await asyncio.sleep(0.05)

    assert left_over(store) == []
    for sha256 in await hashes(store):
        assert hashlib.sha256(await store.read(sha256)).hexdigest() == sha256


async def test_a_reader_who_leaves_half_way_leaves_no_file_open(folder):
    stored = await folder.put(SOME)

    for _ in range(20):
        chunks = folder.open(stored.sha256)
        await anext(chunks)
        await chunks.aclose()

    assert not [path for path in open_files() if path.endswith(stored.sha256[2:])]


async def test_a_reader_cancelled_while_reading_leaves_no_file_open(folder):
    stored = await folder.put(SOME * 4)

    for number in range(20):
        task = asyncio.create_task(folder.read(stored.sha256))
        await asyncio.sleep(number / 5000)
        task.cancel()
        await asyncio.wait([task])
    await asyncio.sleep(0.1)

    assert not [path for path in open_files() if path.endswith(stored.sha256[2:])]


async def test_the_sweeper_takes_what_is_old_and_not_referred_to(store):
    wanted, unwanted = await store.put(b"wanted"), await store.put(b"unwanted!")
    asked: list[str] = []

    async def referenced(hashes) -> set[str]:
        asked.extend(hashes)
        return {wanted.sha256}

    assert await store.sweep(referenced, older_than=DAY) == Swept(0, 0, 0)
    assert asked == []  # both are too young to ask about

    await grow_older(store)
    assert await store.sweep(referenced, older_than=dt.timedelta(0)) == Swept(1, 9, 0)
    assert sorted(asked) == sorted([wanted.sha256, unwanted.sha256])
    assert await hashes(store) == [wanted.sha256]


async def test_bytes_that_are_kept_again_are_young_again(store):
    stored = await store.put(b"an old letter")
    await grow_older(store)
    moment = dt.datetime.now(dt.UTC)
    await grow_older(store)

    await store.put(b"an old letter")

    assert not await store._delete_if_older(stored.sha256, moment)
    assert await store.exists(stored.sha256)


async def test_the_sweeper_asks_about_many_in_pages(folder):
    for number in range(1203):
        path = folder.path_of(hashlib.sha256(str(number).encode()).hexdigest())
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    pages: list[int] = []

    async def referenced(hashes) -> set[str]:
        pages.append(len(hashes))
        return set()

    assert await folder.sweep(referenced, dt.timedelta(0)) == Swept(1203, 1203, 0)
    assert pages == [500, 500, 203]


async def test_leftovers_of_a_crash_are_cleared_after_a_day(folder):
    await folder.put(b"x")
    old, young = folder.incoming / "old", folder.incoming / "young"
    old.write_bytes(b"half")
    young.write_bytes(b"half")
    yesterday = time.time() - 25 * 3600
    os.utime(old, (yesterday, yesterday))

    assert await folder.sweep(nobody) == Swept(0, 0, 1)
    assert left_over(folder) == ["young"]


async def test_leftovers_in_a_bucket_are_cleared(bucket, buckets):
    buckets.client.put_object(Bucket=bucket.bucket, Key="incoming/crashed", Body=b"half")
    await grow_older(bucket)

    assert await bucket.clear_leftovers(DAY) == 0
    assert await bucket.clear_leftovers(dt.timedelta(0)) == 1
    assert left_over(bucket) == []


async def test_keep_does_not_lose_a_race_with_the_sweeper(folder):
    """Whatever the sweeper does, bytes that were kept after it began to look are still there."""
    for number in range(40):
        data = f"letter {number}".encode()
        stored = await folder.put(data)
        moment = dt.datetime.now(dt.UTC)

        await asyncio.gather(folder._delete_if_older(stored.sha256, moment), folder.put(data))

        assert await folder.read(stored.sha256) == data


async def test_keeping_again_heals_a_damaged_blob(folder):
    stored = await folder.put(SOME)
    folder.path_of(stored.sha256).write_bytes(b"rotten")

    await folder.put(SOME)

    assert await folder.read(stored.sha256) == SOME


async def test_the_files_are_for_this_program_only(folder):
    stored = await folder.put(b"x")

    assert folder.path_of(stored.sha256).stat().st_mode & 0o077 == 0
    assert folder.folder.stat().st_mode & 0o077 == 0


async def test_a_full_disk_says_so_and_leaves_nothing_half(small_disk):
    store = open_storage(f"file://{small_disk}/files")
    small = await store.put(b"this fits")

    with pytest.raises(StorageFull):
        await store.put(SOME)

    assert await hashes(store) == [small.sha256]
    assert left_over(store) == []
    assert await store.read(small.sha256) == b"this fits"
    assert (await store.put(SOME[: 2 * MB])).size == 2 * MB  # the room is there again


async def test_a_full_disk_is_noticed_by_small_pieces_too(small_disk):
    store = open_storage(f"file://{small_disk}/files")

    with pytest.raises(StorageFull):
        async with store.receive() as incoming:
            for start in range(0, 4 * MB, 65536):
                await incoming.write(SOME[start : start + 65536])
            await incoming.keep()

    assert await hashes(store) == left_over(store) == []


@pytest.mark.parametrize("seed", range(8))
def test_killed_at_any_moment_every_blob_is_whole(tmp_path, seed):
    url = f"file://{tmp_path}/files"
    code = f"""
import asyncio, os
from models.storage import open_storage
async def main():
    store = open_storage({url!r})
    print("ready", flush=True)
    while True:
        await store.put(os.urandom(3_000_000))
asyncio.run(main())"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    process.stdout.readline()
    time.sleep(random.Random(seed).random() * 0.3)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()

    async def look() -> None:
        store = open_storage(url)
        for sha256 in await hashes(store):
            assert hashlib.sha256(await store.read(sha256)).hexdigest() == sha256
        await store.clear_leftovers(dt.timedelta(seconds=-60))
        assert left_over(store) == []

    asyncio.run(look())


@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_memory_is_flat_in_file_size(kind, tmp_path, request):
    url = f"file://{tmp_path}/files" if kind == "folder" else request.getfixturevalue("buckets").fresh()
    code = """
import asyncio, os, resource, sys
from models.storage import open_storage
async def main(url, size):
    store, piece = open_storage(url), os.urandom(65536)
    async with store.receive() as incoming:
        for number in range(size * 16):
            await incoming.write(piece)
        stored = await incoming.keep()
    async for chunk in store.open(stored.sha256):
        pass
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
asyncio.run(main(sys.argv[1], int(sys.argv[2])))"""

    def peak(size: int) -> int:
        return int(subprocess.check_output([sys.executable, "-c", code, url, str(size)]))

    assert peak(320) - peak(64) < 24


@pytest.mark.parametrize("kind", ["folder", "s3"])
async def test_a_store_that_works_passes_its_check(kind, tmp_path, request):
    url = f"file://{tmp_path}/files" if kind == "folder" else request.getfixturevalue("buckets").fresh()
    store = open_storage(url)

    await store.check()

    assert await hashes(store) == left_over(store) == []


async def test_a_file_in_the_place_of_the_folder_is_said(tmp_path):
    (tmp_path / "files").write_text("not a folder")

    with pytest.raises(StorageDown, match="lukt niet"):
        await open_storage(f"file://{tmp_path}/files").check()


async def test_a_bucket_that_is_not_there_is_said(buckets):
    url = buckets.fresh().replace("@docs", "@nowhere")

    with pytest.raises(StorageDown, match="hij bestaat niet"):
        await open_storage(url).check()


async def test_a_store_that_does_not_answer_is_said():
    store = open_storage("s3://k:s@docs?endpoint=http://127.0.0.1:1&region=eu-west-1")

    with pytest.raises(StorageDown, match="antwoordt niet"):
        await store.check()


def test_an_endpoint_without_keys_is_said(monkeypatch, buckets):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(StorageDown, match="AWS_ACCESS_KEY_ID"):
        open_storage(buckets.fresh().replace("k:s@", ""))


async def test_the_keys_may_stand_in_the_environment_or_a_file(monkeypatch, buckets, tmp_path):
    (tmp_path / "secret").write_text("s\n")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY_FILE", f"{tmp_path}/secret")

    await open_storage(buckets.fresh().replace("k:s@", "")).check()


@pytest.mark.parametrize(
    "status, code, error, words",
    [
        (507, "XMinioStorageFull", StorageFull, "is vol"),
        (403, "QuotaExceeded", StorageFull, "is vol"),
        (403, "AccessDenied", StorageDown, "geen recht"),
        (403, "SignatureDoesNotMatch", StorageDown, "sleutel klopt niet"),
        (503, "SlowDown", StorageDown, "werkt niet"),
    ],
)
async def test_a_store_that_refuses_is_said_in_words(status, code, error, words):
    with refusing(status, code) as endpoint:
        store = open_storage(f"s3://k:s@docs?endpoint={endpoint}&region=eu-west-1")
        with pytest.raises(error, match=words):
            await store.put(b"x")


async def test_what_is_too_large_for_the_server_to_copy_is_sent_again(monkeypatch, bucket, buckets):
    monkeypatch.setattr(s3_store, "_COPY_MOST", 4 * MB)

    stored = await bucket.put(SOME)

    assert await bucket.read(stored.sha256) == SOME
    assert left_over(bucket) == []


def left_over(store) -> list[str]:
    """What stands in the store that is no blob."""
    if hasattr(store, "folder"):
        return sorted(path.name for path in store.incoming.glob("*"))
    client = s3_client(store)
    unfinished = client.list_multipart_uploads(Bucket=store.bucket).get("Uploads", [])
    objects = client.list_objects_v2(Bucket=store.bucket, Prefix="incoming/").get("Contents", [])
    return sorted(item["Key"] for item in unfinished + objects)


def s3_client(store):
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=store.s3.config["endpoint"],
        aws_access_key_id="k",
        aws_secret_access_key="s",
        region_name="eu-west-1",
    )


async def grow_older(store) -> None:
    """Until a date of now is later than what is in the store; S3 knows whole seconds only."""
    await asyncio.sleep(0.02 if hasattr(store, "folder") else 1.1)


def open_files() -> list[str]:
    found = []
    for number in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.append(str(number.readlink()))
    return found


@contextlib.contextmanager
def refusing(status: int, code: str):
    """A real server that refuses everything in the words of S3."""

    class Refusal(http.server.BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_DELETE = do_GET = do_PUT

        def log_message(self, *about) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusal)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# bytes that are certain to be those of their hash


async def overwrite(store, sha256: str, content: bytes) -> None:
    if hasattr(store, "path_of") and hasattr(store, "s3"):
        import obstore

        await obstore.put_async(store.s3, store.path_of(sha256), content)
    else:
        at = store.path_of(sha256)
        about = at.stat()
        at.write_bytes(content)
        os.utime(at, ns=(about.st_atime_ns, about.st_mtime_ns))  # as who hides it does


async def test_the_end_of_other_bytes_is_not_given_out_and_what_was_whole_a_moment_ago_is_looked_at_again(store):
    data = SOME[: 2 * MB + 5]
    kept = await store.put(data)

    assert b"".join([chunk async for chunk in certain(store, kept.sha256)]) == data
    await require_whole(store, kept.sha256)
    await overwrite(store, kept.sha256, data[:-1] + b"!")
    got = b""
    with pytest.raises(Damaged):
        async for chunk in certain(store, kept.sha256):
            got += chunk
    with pytest.raises(Damaged):
        await require_whole(store, kept.sha256)

    assert len(got) < len(data)
    await overwrite(store, kept.sha256, data)
    await require_whole(store, kept.sha256)
    await store.delete(kept.sha256)
    with pytest.raises(Missing):
        await require_whole(store, kept.sha256)
