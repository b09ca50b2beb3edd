"""Files that come in pieces: what was told to be there is there, in both storages, and the blob at the end is the file."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import os
import random

import pytest

from models.storage import KeyMissing, Locked, StorageFull, open_storage

KEY = "0123456789abcdef0123456789abcdef"
MB = 1024 * 1024
NOISE = random.Random(5).randbytes(20 * MB + 13)


@pytest.fixture(params=["folder", "s3", "sealed folder", "sealed s3"])
def storage(request, tmp_path):
    keys = ("een-sleutel-van-genoeg-tekens-voor-de-test",) if "sealed" in request.param else None
    if request.param.endswith("folder"):
        return open_storage(f"file://{tmp_path}/files", keys)
    return open_storage(request.getfixturevalue("buckets").fresh(), keys)


async def add(storage, data: bytes, piece: int = 65536) -> None:
    async with storage.resume(KEY) as partial:
        for start in range(0, len(data), piece):
            await partial.write(data[start : start + piece])
        await partial.settle()


@pytest.mark.parametrize("cuts", [[], [1], [8 * MB], [5, 8 * MB - 1, 8 * MB + 1, 17 * MB]])
async def test_pieces_of_any_size_make_the_file(storage, cuts):
    at = 0
    for cut in [*cuts, len(NOISE)]:
        assert await storage.partial_size(KEY) == at
        await add(storage, NOISE[at:cut])
        at = cut
    async with storage.resume(KEY) as partial:
        assert partial.offset == len(NOISE)
        stored = await partial.keep()

    assert (stored.sha256, stored.size, stored.head) == (hashlib.sha256(NOISE).hexdigest(), len(NOISE), NOISE[:65536])
    assert await storage.partial_size(KEY) == len(NOISE)  # until it is forgotten: a crash in between loses nothing
    await storage.forget(KEY)
    assert await storage.partial_size(KEY) == 0
    assert await storage.read(stored.sha256) == NOISE


async def test_another_process_goes_on_and_knows_the_hash_all_the_same(storage):
    await add(storage, NOISE[: 9 * MB])
    getattr(storage, "plain", storage).hashes.drop(KEY)  # as in another process
    await add(storage, NOISE[9 * MB :])

    async with storage.resume(KEY) as partial:
        stored = await partial.keep()

    assert stored.sha256 == hashlib.sha256(NOISE).hexdigest()


async def test_keeping_twice_is_keeping_once(storage):
    await add(storage, b"%PDF-1.4 kort")
    for _ in range(2):
        async with storage.resume(KEY) as partial:
            stored = await partial.keep()

    assert await storage.read(stored.sha256) == b"%PDF-1.4 kort"
    await storage.forget(KEY)
    assert [sha256 async for sha256, _, _ in storage.all()] == [stored.sha256]


async def test_what_is_undone_never_came(storage):
    await add(storage, NOISE[: 3 * MB])
    async with storage.resume(KEY) as partial:
        await partial.write(b"x" * 12 * MB)
        await partial.settle()
        await partial.undo()
        assert partial.offset == 3 * MB
    await add(storage, NOISE[3 * MB :])

    async with storage.resume(KEY) as partial:
        assert (await partial.keep()).sha256 == hashlib.sha256(NOISE).hexdigest()


async def test_two_writers_at_once_are_one(storage):
    async with storage.resume(KEY) as partial:
        await partial.write(b"first")
        with pytest.raises(Locked):
            async with storage.resume(KEY):
                pass
    assert await storage.partial_size(KEY) == 5


async def test_two_processes_on_one_bucket_cannot_both_write_a_piece(buckets):
    address = buckets.fresh()
    one, other = open_storage(address), open_storage(address)

    async with one.resume(KEY) as first, other.resume(KEY) as second:
        await first.write(b"the first")
        await second.write(b"another, and longer")
        await first.settle()
        with pytest.raises(Locked):
            await second.settle()

    assert await one.partial_size(KEY) == 9


async def test_who_is_cut_off_leaves_what_came(storage):
    began = asyncio.Event()

    async def send() -> None:
        async with storage.resume(KEY) as partial:
            await partial.write(NOISE[: 2 * MB + 7])
            began.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(send())
    await began.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert await storage.partial_size(KEY) == 2 * MB + 7
    await add(storage, NOISE[2 * MB + 7 :])
    async with storage.resume(KEY) as partial:
        assert (await partial.keep()).sha256 == hashlib.sha256(NOISE).hexdigest()


async def test_a_full_disk_tells_how_far_it_came(small_disk):
    storage = open_storage(f"file://{small_disk}/files")

    with pytest.raises(StorageFull):
        await add(storage, NOISE[: 5 * MB])

    there = await storage.partial_size(KEY)
    assert 0 < there < 5 * MB
    async with storage.resume(KEY) as partial:
        assert partial.offset == there
    assert (storage.partial_path(KEY)).read_bytes() == NOISE[:there]


async def test_only_what_nobody_adds_to_is_old(storage):
    await add(storage, b"x")

    assert [key async for key in storage.partials(dt.timedelta(hours=1))] == []
    assert [key async for key in storage.partials(dt.timedelta(seconds=-5))] == [KEY]


async def test_a_key_is_no_path(storage):
    from models.storage import Missing

    for key in ("../lock", "a/b", "", KEY.upper()):
        with pytest.raises(Missing):
            await storage.partial_size(key)


async def test_a_folder_keeps_partials_to_itself(tmp_path):
    storage = open_storage(f"file://{tmp_path}/files")
    await add(storage, b"x")

    assert os.stat(storage.partial_path(KEY)).st_mode & 0o777 == 0o600


async def test_pieces_are_unreadable_and_go_on_after_the_key_was_rotated(tmp_path):
    old, new = "een-oude-sleutel-van-genoeg-tekens-aaa", "een-nieuwe-sleutel-van-genoeg-tekens-b"
    url, said = f"file://{tmp_path}/files", b"alleen voor de belastingdienst " * 4000
    await add(open_storage(url, (old,)), said[:50_001])
    held = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    rotated = open_storage(url, (new, old))
    await add(rotated, said[50_001:])
    async with rotated.resume(KEY) as partial:
        stored = await partial.keep()

    assert b"belastingdienst" not in held and len(held) > 50_001
    assert await rotated.read(stored.sha256) == said
    with pytest.raises(KeyMissing):
        async with open_storage(url, ("heel-een-andere-sleutel-van-genoeg-tekens",)).resume(KEY) as partial:
            await partial.write(b"x")
