"""Units of work on both databases: what is atomic, what is refused, who may use whose connection."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import subprocess
import sys
import time
import uuid

import asyncpg
import pytest
from piccolo.columns import UUID as UuidColumn
from piccolo.columns import BigInt, Boolean, Date, Text, Timestamptz, Varchar
from piccolo.table import Table

from models import engine
from models.engine import all_or_nothing, in_writing, raw, raw_many, reading, run_writing, writing
from models.engine.connections import READERS

NOW = dt.datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=dt.UTC)


class Thing(Table, tablename="thing"):
    name = Varchar(length=40)
    number = BigInt(default=0)
    done = Boolean(default=False)
    at = Timestamptz(null=True, default=None)
    day = Date(null=True, default=None)
    key = UuidColumn(null=True, default=None)
    text = Text(default="{}")


@pytest.fixture
async def things(database: str) -> str:
    await Thing.create_table()
    await engine.engine().run_ddl("CREATE UNIQUE INDEX thing_name ON thing (name)")
    await engine.engine().run_ddl("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
    await engine.engine().run_ddl(
        "CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER NOT NULL REFERENCES parent (id) ON DELETE RESTRICT)"
    )
    return database


async def names() -> list[str]:
    return [row["name"] for row in await raw("SELECT name FROM thing ORDER BY id")]


async def add(name: str, number: int = 0) -> None:
    await Thing(name=name, number=number).save()


# units


async def test_a_writing_unit_is_kept_on_return_and_undone_on_raise(things):
    async with writing():
        await add("kept")
    with pytest.raises(ZeroDivisionError):
        async with writing():
            await add("lost")
            _ = 1 / 0

    assert await names() == ["kept"]


async def test_a_reading_unit_refuses_writes_in_the_database_itself(things):
    for statement in ("INSERT INTO thing (name) VALUES ('x')", "UPDATE thing SET number = 1", "DELETE FROM thing"):
        with pytest.raises(Exception) as refused:
            async with reading():
                await raw(statement)
        assert engine.is_read_only(refused.value)

    with pytest.raises(Exception) as refused:
        async with reading():
            await add("x")
    assert engine.is_read_only(refused.value)
    assert await names() == []


async def test_a_reading_unit_sees_one_moment(things):
    await add("before")
    seen, written = asyncio.Event(), asyncio.Event()

    async def look() -> tuple[list[str], list[str]]:
        async with reading():
            first = await names()
            seen.set()
            await written.wait()
            return first, await names()

    looking = asyncio.create_task(look())
    await seen.wait()
    await add("after")
    written.set()

    assert await looking == (["before"], ["before"])
    assert await names() == ["before", "after"]


async def test_units_join(things):
    async with writing():
        await add("one")
        async with writing():
            await add("two")
        async with reading():
            assert await names() == ["one", "two"]
    async with reading(), reading():
        assert await names() == ["one", "two"]

    with pytest.raises(RuntimeError):
        async with writing():
            await add("three")
            async with writing():
                raise RuntimeError("the inner one takes the outer one with it")

    assert await names() == ["one", "two"]


async def test_writing_inside_reading_is_a_clear_error(things):
    async with reading():
        with pytest.raises(RuntimeError, match="inside reading"):
            async with writing():
                pass
        with pytest.raises(RuntimeError, match="inside reading"):
            async with all_or_nothing():
                pass
        assert not in_writing()
        assert await names() == []


async def test_a_savepoint_leaves_nothing_and_the_unit_goes_on(things):
    async with writing():
        assert in_writing()
        await add("one")
        with pytest.raises(ValueError):
            async with all_or_nothing():
                await add("two")
                async with all_or_nothing():
                    await add("three")
                raise ValueError
        with pytest.raises(Exception) as taken:
            async with all_or_nothing():
                await add("one")
        assert engine.is_unique_violation(taken.value)
        async with all_or_nothing():
            await add("four")

    assert await names() == ["one", "four"]
    assert not in_writing()


async def test_all_or_nothing_alone_is_a_writing_unit(things):
    with pytest.raises(ValueError):
        async with all_or_nothing():
            await add("one")
            raise ValueError
    async with all_or_nothing():
        await add("two")

    assert await names() == ["two"]


async def test_a_failure_that_is_ignored_never_counts_as_a_commit(things):
    called = []
    try:
        async with writing():
            engine.after_commit(lambda: called.append("told"))
            await add("one")
            with contextlib.suppress(Exception):
                await add("one")
    except RuntimeError as error:
        assert "failed" in str(error)
        assert (await names(), called) == ([], [])  # Postgres: the failed statement undid the unit
    else:
        assert (await names(), called) == (["one"], ["told"])  # SQLite: only the statement is undone


async def test_after_commit(things):
    called = []

    async def later() -> None:
        called.append(await names())

    def once() -> None:
        called.append("once")

    def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ValueError):
        async with writing():
            engine.after_commit(once)
            raise ValueError
    assert called == []
    async with writing():
        engine.after_commit(broken)
        engine.after_commit(once)
        engine.after_commit(once)
        with contextlib.suppress(ValueError):
            async with all_or_nothing():
                engine.after_commit(lambda: called.append("undone"))
                raise ValueError
        async with writing():
            engine.after_commit(later)
        await add("one")
        assert called == []

    assert called == ["once", ["one"]]
    engine.after_commit(once)
    assert called[-1] == "once"
    async with reading():
        with pytest.raises(RuntimeError):
            engine.after_commit(once)


async def test_a_task_cannot_use_the_unit_it_was_born_in(things):
    async def use() -> list[str]:
        return await names()

    async def begin(unit) -> list[str]:
        async with unit():
            return await names()

    async with writing():
        await add("one")
        for work in (use(), begin(reading), begin(writing), begin(all_or_nothing)):
            with pytest.raises(RuntimeError, match="task"):
                await asyncio.create_task(work)
    async with reading():
        with pytest.raises(RuntimeError, match="task"):
            await asyncio.create_task(use())
        assert await asyncio.create_task(begin(writing)) == ["one"]  # one of its own
        leaked = asyncio.create_task(_after(0.01, use))
        own = asyncio.create_task(_after(0.01, lambda: begin(writing)))

    with pytest.raises(RuntimeError, match="over"):
        await leaked
    assert await own == ["one"]


async def _after(seconds: float, work):
    await asyncio.sleep(seconds)
    return await work()


async def test_another_task_waits_its_turn_and_none_is_lost(things):
    await add("counter")

    async def increase() -> None:
        async def change() -> None:
            row = await Thing.select(Thing.number).where(Thing.name == "counter").first()
            await asyncio.sleep(0)
            await Thing.update({Thing.number: row["number"] + 1}).where(Thing.name == "counter")

        await run_writing(change)

    await asyncio.gather(*[increase() for _ in range(6)])

    assert (await raw("SELECT number FROM thing"))[0]["number"] == 6


async def test_write_skew_does_not_happen(things):
    """Two units that each read what the other writes: one of them must see the other."""
    await raw_many("INSERT INTO thing (name, number) VALUES ($1, $2)", [("a", 1), ("b", 1)])
    both_read = asyncio.Barrier(2) if not engine.is_sqlite() else None
    first = {"a": True, "b": True}

    async def leave(name: str) -> None:
        async def change() -> None:
            on_duty = (await raw("SELECT sum(number) AS n FROM thing"))[0]["n"]
            if both_read is not None and first[name]:
                first[name] = False
                await both_read.wait()
            if on_duty > 1:
                await raw("UPDATE thing SET number = 0 WHERE name = $1", name)

        await run_writing(change)

    await asyncio.gather(leave("a"), leave("b"))

    assert (await raw("SELECT sum(number) AS n FROM thing"))[0]["n"] == 1


async def test_run_writing_joins_the_unit_it_is_in(things):
    async with writing():
        await run_writing(lambda: add("one"))
        await run_writing(lambda: add("two"))

    assert await names() == ["one", "two"]


async def test_an_id_is_never_given_twice(things):
    await add("one")
    await add("two")
    await raw("DELETE FROM thing WHERE name = 'two'")
    await add("three")

    assert [row["id"] for row in await raw("SELECT id FROM thing ORDER BY id")] == [1, 3]


# leaving early


SLOW = {
    True: "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000000000) SELECT max(i) AS m FROM n",
    False: "SELECT count(*) AS m FROM generate_series(1, 1000000000)",
}


@pytest.mark.parametrize("unit", [reading, writing, None])
async def test_a_cancelled_statement_stops_and_frees_its_place(things, unit):
    slow = SLOW[engine.is_sqlite()]

    async def work() -> None:
        if unit is None:
            await raw(slow)
            return
        async with unit():
            if unit is writing:
                await add("lost")
            await raw(slow)

    began = time.monotonic()
    for _ in range(10):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await work()
    async with asyncio.timeout(2):
        async with writing():
            await add("kept")
        async with reading():
            assert await names() == ["kept"]

    assert time.monotonic() - began < 6


async def test_a_cancelled_write_stops_and_frees_the_lock(things):
    source = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000)"
        if engine.is_sqlite()
        else ""
    )
    rows = "SELECT 'n' || i FROM n" if engine.is_sqlite() else "SELECT 'n' || i FROM generate_series(1, 100000000) i"

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            async with writing():
                await add("lost")
                async with all_or_nothing():
                    await raw(f"INSERT INTO thing (name) {source} {rows}")
    async with asyncio.timeout(5):
        await add("kept")

    assert await names() == ["kept"]


async def test_cancelled_while_waiting_for_a_turn(things):
    if not engine.is_sqlite():
        pytest.skip("Postgres lets them in at once")
    async with writing():
        waiting = [asyncio.create_task(_begin_writing_elsewhere()) for _ in range(3)]
        await asyncio.sleep(0.05)
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
        await add("one")
    async with asyncio.timeout(2), writing():
        await add("two")

    assert await names() == ["one", "two"]


def _begin_writing_elsewhere():
    async def work() -> None:
        await add("lost")

    return _in_a_fresh_context(work)


async def _in_a_fresh_context(work):
    """As a task of another request: it has inherited no unit."""
    import contextvars

    return await asyncio.get_running_loop().create_task(work(), context=contextvars.Context())


async def test_a_cancellation_during_the_commit_still_runs_what_follows_it(things):
    told = []

    async def work() -> None:
        async with writing():
            await add("one")
            engine.after_commit(lambda: told.append(1))
            asyncio.get_running_loop().call_soon(task.cancel)
        await asyncio.sleep(10)

    task = asyncio.create_task(work())
    with pytest.raises(asyncio.CancelledError):
        await task

    assert (await names() == ["one"]) == (told == [1])


async def test_more_readers_than_places(things):
    await add("one")

    async def look() -> int:
        async with reading():
            await asyncio.sleep(0.01)
            return len(await names())

    assert await asyncio.gather(*[look() for _ in range(5 * READERS)]) == [1] * 5 * READERS


async def test_a_slow_read_does_not_hold_up_the_loop(things):
    if not engine.is_sqlite():
        pytest.skip("on Postgres the server does the work")
    slow = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000) SELECT max(i) AS m FROM n"
    gaps: list[float] = []

    async def tick() -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.001)
            gaps.append(time.monotonic() - before)

    ticking = asyncio.create_task(tick())
    async with reading():
        for _ in range(20_000):
            await names()
        assert len(gaps) > 3
        assert (await raw(slow))[0]["m"] == 2000000
    async with writing():
        await add("one")
        assert (await raw(slow))[0]["m"] == 2000000
        await add("two")
    ticking.cancel()

    assert len(gaps) > 20
    assert sorted(gaps)[-3] < 0.1
    assert await names() == ["one", "two"]


# what comes back


async def test_what_raw_returns_is_what_piccolo_returns(things):
    await Thing(
        name="é🙂",
        number=2**60,
        done=True,
        at=NOW.astimezone(dt.timezone(dt.timedelta(hours=2))),
        day=NOW.date(),
        key=uuid.uuid4(),
        text='{"a": 1}',
    ).save()
    await Thing(name="empty").save()

    plain = await raw("SELECT * FROM thing ORDER BY id")

    assert plain == await Thing.select().order_by(Thing.id)
    row = plain[0]
    assert (row["number"], row["done"], row["at"], row["day"]) == (2**60, True, NOW, NOW.date())
    assert row["at"].utcoffset() == dt.timedelta(0)
    assert isinstance(row["key"], uuid.UUID)
    assert [plain[1][name] for name in ("at", "day", "key", "done")] == [None, None, None, False]


async def test_raw_takes_the_same_arguments_on_both(things):
    await raw(
        "INSERT INTO thing (name, text, number, done, at, day) VALUES ($1, $5, $2, $3, $4, $6)",
        "one",
        7,
        True,
        NOW,
        "one",
        NOW.date(),
    )

    found = await raw("SELECT name, text FROM thing WHERE at = $2 AND number = $1 AND done = $3", 7, NOW, True)
    assert found == [{"name": "one", "text": "one"}]
    returned = await raw("UPDATE thing SET number = number + $1 RETURNING id, number", 3)
    assert [row["number"] for row in returned] == [10]


async def test_many_rows_at_once(things):
    began = time.monotonic()
    await engine.copy_rows(
        "thing", ["name", "number", "done", "at"], [(f"n{i}", i, i % 2 == 0, NOW) for i in range(100_000)]
    )
    seconds = time.monotonic() - began

    assert (await raw("SELECT count(*) AS n, sum(number) AS s FROM thing WHERE at = $1", NOW))[0] == {
        "n": 100_000,
        "s": 4999950000,
    }
    assert seconds < 10
    with pytest.raises(Exception) as taken:
        await engine.copy_rows("thing", ["name"], [("fresh",), ("n5",)])
    assert engine.is_unique_violation(taken.value)
    assert not await Thing.exists().where(Thing.name == "fresh")


async def test_what_errors_mean(things):
    await add("one")
    await raw("INSERT INTO parent (id) VALUES (1)")
    await raw("INSERT INTO child (id, parent) VALUES (1, 1)")

    async def error_of(sql: str) -> BaseException:
        with pytest.raises(Exception) as caught:
            await raw(sql)
        return caught.value

    assert engine.is_unique_violation(await error_of("INSERT INTO thing (name) VALUES ('one')"))
    assert engine.is_unique_violation(await error_of("INSERT INTO parent (id) VALUES (1)"))
    assert engine.is_foreign_key_violation(await error_of("INSERT INTO child (id, parent) VALUES (2, 9)"))
    assert engine.is_foreign_key_violation(await error_of("DELETE FROM parent WHERE id = 1"))
    missing = await error_of("SELECT * FROM nothing")
    for means in (engine.is_unique_violation, engine.is_foreign_key_violation, engine.is_busy, engine.is_disk_full):
        assert not means(missing)
    assert engine.is_disk_full(OSError(28, "No space left on device"))


async def test_a_full_disk_undoes_the_unit(things):
    if not engine.is_sqlite():
        pytest.skip("the disk of the Postgres server is not ours to fill")
    await add("one")
    async with writing():
        pages = (await raw("PRAGMA page_count"))[0]["page_count"]
        await raw(f"PRAGMA max_page_count = {pages + 5}")

    with pytest.raises(Exception) as full:
        async with writing():
            await add("two")
            await engine.copy_rows("thing", ["name", "text"], [(f"n{i}", "x" * 4000) for i in range(50)])
    assert engine.is_disk_full(full.value)
    with pytest.raises(RuntimeError, match="undid"):
        async with writing():
            with contextlib.suppress(Exception):
                await engine.copy_rows("thing", ["name", "text"], [(f"n{i}", "x" * 4000) for i in range(50)])
                pytest.fail("the disk was not full")
            await add("three")

    assert await names() == ["one"]


async def test_statements_are_counted_for_every_counter_around(things):
    with engine.count_queries(keep=True) as outer:
        with engine.count_queries() as inner:
            async with writing():
                await add("one")
                async with all_or_nothing():
                    await names()
            assert engine.query_count() == 2
        await names()

    assert (inner.n, inner.statements) == (2, [])
    assert outer.n == 3
    assert [sql.split()[0] for sql in outer.statements] == ["INSERT", "SELECT", "SELECT"]


async def test_tables_follow_the_database_in_use(things, tmp_path):
    await add("here")

    engine.use(f"sqlite:///{tmp_path}/other.db")
    await Thing.create_table()
    assert await Thing.count() == 0
    await engine.close()
    engine.use(things)

    assert await Thing.count() == 1


# other processes

_OTHER = """
import asyncio, sys
from models import engine
async def main():
    engine.use(sys.argv[1])
    async def change():
        number = (await engine.raw("SELECT number FROM thing WHERE name = 'counter'"))[0]["number"]
        await engine.raw("UPDATE thing SET number = $1 WHERE name = 'counter'", number + 1)
    for _ in range(int(sys.argv[2])):
        await engine.run_writing(change)
    await engine.close()
asyncio.run(main())
"""


async def test_two_processes_read_then_write_without_losing_one(things):
    await add("counter")

    others = [subprocess.Popen([sys.executable, "-c", _OTHER, things, "150"]) for _ in range(2)]
    codes = [await asyncio.to_thread(other.wait, 100) for other in others]

    assert codes == [0, 0]
    assert (await raw("SELECT number FROM thing"))[0]["number"] == 300


_HOLDER = """
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""


async def test_a_lock_held_elsewhere_is_waited_for_and_then_said(things, monkeypatch):
    if not engine.is_sqlite():
        pytest.skip("Postgres has no such lock")
    from models.engine import sqlite

    holder = subprocess.Popen([sys.executable, "-c", _HOLDER, engine.engine().path, "1"], stdout=subprocess.PIPE)
    assert await asyncio.to_thread(holder.stdout.readline) == b"held\n"
    assert await names() == []  # reading goes on
    with monkeypatch.context() as patch:
        patch.setattr(sqlite, "BUSY_SECONDS", 0.2)
        with pytest.raises(engine.Busy) as busy:
            await add("too soon")
        assert engine.is_busy(busy.value)
    await add("waited")

    assert await names() == ["waited"]
    holder.wait(5)


async def test_a_connection_that_the_server_ended(things):
    if engine.is_sqlite():
        pytest.skip("there is no server")
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionError)):
        async with writing():
            await add("lost")
            pid = (await raw("SELECT pg_backend_pid() AS pid"))[0]["pid"]
            await _in_a_fresh_context(lambda: raw("SELECT pg_terminate_backend($1)", pid))
            await asyncio.sleep(0.05)
            await add("lost too")

    await add("kept")
    assert await names() == ["kept"]


async def test_nothing_is_left_open(things):
    import psutil

    await names()
    await engine.close()
    before = len(psutil.Process().open_files()) + len(psutil.Process().net_connections("all"))
    for _ in range(5):
        await asyncio.gather(*[names() for _ in range(5)])
        await add(str(time.monotonic()))
        await engine.close()

    assert len(psutil.Process().open_files()) + len(psutil.Process().net_connections("all")) == before
