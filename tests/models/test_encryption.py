"""Files that are encrypted at rest: what goes in comes out, any part of it; and nobody changes a byte without being noticed."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import random
import subprocess
import sys
from pathlib import Path

import obstore
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import config
from models.storage import Damaged, EncryptedStorage, KeyMissing, Missing, open_storage
from models.storage.cipher import CHUNK, HEADER, TAG, Key, Opener, Sealer, place_of, sizes
from models.storage.folder import FolderStorage

ONE, TWO = "a" * 32, "b" * 40
SOME = random.Random(7).randbytes(3 * CHUNK + 77)
SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 77]


@pytest.fixture(params=["folder", "s3"])
def url(request, tmp_path) -> str:
    return f"file://{tmp_path}/files" if request.param == "folder" else request.getfixturevalue("buckets").fresh()


def opened(url: str, *keys: str) -> EncryptedStorage:
    store = open_storage(url, keys)
    assert isinstance(store, EncryptedStorage)
    return store


async def held(store: EncryptedStorage, sha256: str) -> bytes:
    """As it lies there."""
    return await store.sealed.read(sha256)


async def lay(store: EncryptedStorage, sha256: str, content: bytes) -> None:
    if isinstance(store.sealed, FolderStorage):
        store.sealed.path_of(sha256).write_bytes(content)
    else:
        await obstore.put_async(store.sealed.s3, store.sealed.path_of(sha256), content)


def sealed(data: bytes, pieces: int, key: Key) -> bytes:
    sealer, out = Sealer(key), b""
    for at in range(0, len(data), pieces):
        out += sealer.feed(data[at : at + pieces])
    return out + sealer.finish(hashlib.sha256(data).digest())


def unsealed(held: bytes, sha256: str, key: Key) -> bytes:
    size, last = sizes(len(held))
    data = Opener(held[:HEADER], sha256, [key]).open(held[HEADER:], 0, last)
    assert len(data) == size
    return data


# the format


@settings(max_examples=60, deadline=None)
@given(size=st.integers(0, 3 * CHUNK + 9) | st.sampled_from(SIZES), pieces=st.integers(1, 2 * CHUNK))
def test_whatever_is_sealed_in_whatever_pieces_opens_to_the_same(size: int, pieces: int) -> None:
    data, key = SOME[:size], Key.of(ONE)

    out = sealed(data, max(pieces, size // 50 + 1), key)

    assert unsealed(out, hashlib.sha256(data).hexdigest(), key) == data
    assert sizes(len(out))[0] == len(data)


@settings(max_examples=150, deadline=None)
@given(
    size=st.sampled_from([0, 1, 300, CHUNK, CHUNK + 5]), where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7)
)
def test_no_bit_can_be_turned_unnoticed(size: int, where: float, bit: int) -> None:
    data, key = SOME[:size], Key.of(ONE)
    out = bytearray(sealed(data, 1 << 20, key))
    out[int(where * len(out))] ^= 1 << bit

    with pytest.raises((Damaged, KeyMissing)):
        unsealed(bytes(out), hashlib.sha256(data).hexdigest(), key)


def test_cut_off_swapped_lengthened_or_renamed_does_not_open() -> None:
    key, name = Key.of(ONE), hashlib.sha256(SOME).hexdigest()
    out = sealed(SOME, 1 << 20, key)
    one, two = out[place_of(0) : place_of(1)], out[place_of(1) : place_of(2)]
    other = sealed(b"x" + SOME[1:], 1 << 20, key)

    for wrong in (
        out[: place_of(2)], out[: place_of(3)], out[:-1], out[: HEADER + 3], out[:HEADER] + two + one + out[place_of(2) :],
        out + out[-TAG:], out[:HEADER] + other[HEADER:], other,
    ):  # fmt: skip
        with pytest.raises(Damaged):
            unsealed(wrong, name, key)


def test_the_same_bytes_never_look_the_same_twice() -> None:
    assert sealed(SOME, 1 << 20, Key.of(ONE)) != sealed(SOME, 1 << 20, Key.of(ONE))


# in the stores


@pytest.mark.parametrize("size", SIZES)
async def test_what_is_kept_is_unreadable_there_and_comes_back_whole(url: str, size: int) -> None:
    store, data = opened(url, ONE), SOME[:size]

    stored = await store.put(data)

    assert (stored.sha256, stored.size) == (hashlib.sha256(data).hexdigest(), size)
    assert await store.read(stored.sha256) == data and await store.size(stored.sha256) == size
    assert [(sha256, told) async for sha256, told, _ in store.all()] == [(stored.sha256, size)]
    assert [sha256 async for sha256, _, _ in store.plain.all()] == []
    assert size < 64 or data[:64] not in await held(store, stored.sha256)


async def test_any_range_of_any_size_equals_the_plain_one(url: str) -> None:
    store, chance = opened(url, ONE), random.Random(3)
    for size in SIZES:
        data = SOME[:size]
        sha256 = (await store.put(data)).sha256
        edges = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, size, size + 9, max(size - 1, 0)]
        spans = [(chance.choice(edges), chance.choice([*edges, None])) for _ in range(12)]
        spans += [(chance.randint(0, size), chance.randint(0, size + 5)) for _ in range(6)]
        for start, end in spans:
            assert b"".join([chunk async for chunk in store.open(sha256, start, end)]) == data[start:end], (
                size,
                start,
                end,
            )


async def test_a_changed_byte_in_the_store_is_an_error_and_never_other_bytes(url: str) -> None:
    store = opened(url, ONE)
    sha256 = (await store.put(SOME)).sha256
    good = await held(store, sha256)
    for at in (0, 9, 20, HEADER, HEADER + CHUNK, place_of(1) + 5, len(good) - 1):
        await lay(store, sha256, good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        with pytest.raises((Damaged, KeyMissing)):
            await store.read(sha256)
    await lay(store, sha256, good[: place_of(2)])
    with pytest.raises(Damaged):
        await store.read(sha256)


async def test_what_was_stored_before_the_key_stays_readable_and_is_encrypted_later(url: str) -> None:
    before = opened(url)
    old = (await before.put(b"van voor de sleutel")).sha256
    store = opened(url, ONE)
    new = (await store.put(b"van erna")).sha256
    assert await store.read(old) == b"van voor de sleutel"

    outcomes = dict([pair async for pair in store.encrypt_all()])

    assert outcomes == {old: "encrypted", new: "kept"}
    assert [sha256 async for sha256, _, _ in store.plain.all()] == []
    assert await store.read(old) == b"van voor de sleutel"
    assert sorted([sha256 async for sha256, _, _ in store.all()]) == sorted([old, new])
    assert dict([pair async for pair in store.encrypt_all()]) == {old: "kept", new: "kept"}


async def test_a_new_key_writes_the_old_one_still_reads_and_after_encrypting_anew_it_can_go(url: str) -> None:
    sha256 = (await opened(url, ONE).put(SOME)).sha256
    both = opened(url, TWO, ONE)
    assert await both.read(sha256) == SOME
    await opened(url, TWO, ONE).require_keys()
    with pytest.raises(KeyMissing):
        await opened(url, TWO).require_keys()

    assert dict([pair async for pair in both.encrypt_all()]) == {sha256: "encrypted"}

    only = opened(url, TWO)
    await only.require_keys()
    assert await only.read(sha256) == SOME
    with pytest.raises(KeyMissing):
        await opened(url, ONE).read(sha256)


async def test_without_the_key_nothing_is_garbage_and_nothing_seems_gone(url: str) -> None:
    sha256 = (await opened(url, ONE).put(SOME)).sha256
    for store in (opened(url), opened(url, TWO)):
        for asked in (store.read(sha256), store.require_keys(), store.check()):
            with pytest.raises(KeyMissing):
                await asked
        with pytest.raises(Missing):
            await store.read("0" * 64)
    with pytest.raises(KeyMissing):
        await opened(url, TWO).put(b"nooit met een andere sleutel erbij, per ongeluk")


async def test_a_damaged_plain_file_is_left_as_it_is(tmp_path: Path) -> None:
    url = f"file://{tmp_path}/files"
    before = opened(url)
    sha256 = (await before.put(b"heel")).sha256
    before.plain.path_of(sha256).write_bytes(b"Heel")

    assert dict([pair async for pair in opened(url, ONE).encrypt_all()]) == {sha256: "damaged"}
    assert before.plain.path_of(sha256).read_bytes() == b"Heel"


async def test_sweeping_and_deleting_know_both_places(url: str) -> None:
    old = (await opened(url).put(b"oud")).sha256
    store = opened(url, ONE)
    await store.put(b"oud")  # in both places now
    new = (await store.put(b"nieuw")).sha256

    async def kept(asked) -> set[str]:
        return {new}

    assert (await store.sweep(kept, dt.timedelta(seconds=-60))).blobs == 1
    assert not await store.exists(old) and await store.read(new) == b"nieuw"
    await store.require_keys()  # its own proof is nobody's blob
    await store.delete(new)
    assert [sha256 async for sha256, _, _ in store.all()] == []


def test_nonsense_in_the_setting_stops_the_start() -> None:
    with pytest.raises(config.ConfigError, match="FILES_KEY"):
        config.read({"FILES_KEY": "kort", "SECRET_KEY": "x" * 40})
    assert config.read({"FILES_KEY": f"{TWO}, {ONE}", "SECRET_KEY": "x" * 40}).files_keys == (TWO, ONE)


@pytest.mark.parametrize("program", [("web", "serve", "--port", "0"), ("jobs",), ("models", "check")])
async def test_with_a_wrong_key_it_does_not_start_and_says_why(tmp_path: Path, program: tuple[str, ...]) -> None:
    await opened(f"file://{tmp_path}/files", ONE).put(b"iets")
    environment = {
        **os.environ,
        "POORT_VAR": str(tmp_path),
        "DATABASE_URL": f"sqlite:///{tmp_path}/x.db",
        "FILES_KEY": TWO,
    }

    done = subprocess.run([sys.executable, "-m", *program], env=environment, capture_output=True, text=True, timeout=60)

    assert done.returncode in (1, 2)
    assert "FILES_KEY" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


async def test_killed_while_encrypting_every_file_is_whole_at_every_moment(tmp_path: Path) -> None:
    url = f"file://{tmp_path}/files"
    before, chance = opened(url), random.Random(5)
    contents = {(await before.put(data)).sha256: data for data in (chance.randbytes(200_000 + n) for n in range(120))}
    environment = {
        **os.environ,
        "POORT_VAR": str(tmp_path),
        "DATABASE_URL": f"sqlite:///{tmp_path}/x.db",
        "FILES_KEY": ONE,
    }
    command, store, kills = [sys.executable, "-m", "models", "encrypt-files"], opened(url, ONE), 0
    for _ in range(40):
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(0.35 + chance.random() * 0.25)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.returncode == 0:
            break
        kills += bool([sha256 async for sha256, _, _ in store.plain.all()])
        assert sorted([sha256 async for sha256, _, _ in store.all()]) == sorted(contents)
        for sha256 in chance.sample(sorted(contents), 15):
            assert await store.read(sha256) == contents[sha256]
    else:
        assert subprocess.run(command, env=environment, timeout=60, capture_output=True).returncode == 0

    assert kills
    assert [sha256 async for sha256, _, _ in store.plain.all()] == []
    assert all([await store.read(sha256) == data for sha256, data in contents.items()])
