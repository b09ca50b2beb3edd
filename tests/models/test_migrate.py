"""Migrations: one history for both databases, each whole or not at all, by one process at a time."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import io
import os
import shutil
import sqlite3
import subprocess
import sys
import warnings
from pathlib import Path

import asyncpg
import pytest
from piccolo.apps.migrations.commands.forwards import ForwardsMigrationManager
from piccolo.apps.migrations.commands.new import _create_new_migration
from piccolo.columns import BigInt, Boolean, ForeignKey, Integer, OnDelete, Text, Timestamptz, Varchar
from piccolo.conf.apps import AppConfig
from piccolo.constraints import Check, Unique
from piccolo.table import create_table_class

from models import engine, extra_ddl, migrate, migrations, piccolo_app
from models.backup.restoring import is_seeded
from models.settings import Firm

ROOT = Path(__file__).parents[2]


# the runner


async def empty_out() -> None:
    """Back to a database without any table."""
    if engine.is_sqlite():
        path = engine.engine().path
        await engine.close()
        for file in Path(path).parent.glob(f"{Path(path).name}*"):
            file.unlink()
    else:
        await engine.engine().run_ddl("DROP SCHEMA public CASCADE")
        await engine.engine().run_ddl("CREATE SCHEMA public")
        await engine.close()


async def test_a_fresh_database_gets_every_table_and_the_office(database):
    await empty_out()
    waiting = await migrate.pending()

    assert await migrate.migrate() is True
    assert len(waiting) == len(list(Path(migrations.__path__[0]).glob("poort_*.py"))) > 2
    assert await migrate.pending() == []
    assert await migrate.migrate() is False
    assert await Firm.count() == 1
    for table in piccolo_app.APP_CONFIG.table_classes:
        assert bool(await table.count()) == (table is Firm or is_seeded(table)), table


async def test_the_tables_are_as_the_migrations_say(database):
    from piccolo.apps.migrations.commands.new import AutoMigrationManager

    missing = await AutoMigrationManager(auto_input="n").get_alter_statements(piccolo_app.APP_CONFIG)

    assert [statement for each in missing for statement in each.statements] == []


async def test_what_piccolo_cannot_express_was_run(database):
    kind = engine.engine().engine_type
    statements = extra_ddl.statements_for(kind) + extra_ddl.administration_for(kind)
    made = ("CREATE INDEX", "CREATE UNIQUE INDEX")
    names = {sql.split(" ON ")[0].split()[-1] for sql in statements if sql.startswith(made)}
    dropped = {sql.split()[-1] for sql in statements if sql.startswith("DROP INDEX")}
    listing = "SELECT name FROM sqlite_master" if engine.is_sqlite() else "SELECT indexname AS name FROM pg_indexes"

    there = {row["name"] for row in await engine.raw(listing)}
    assert names - dropped <= there and not dropped & there


_START = """
import asyncio, sys
from models import engine
from models.migrate import migrate
async def main():
    engine.use(sys.argv[1])
    print(await migrate())
    await engine.close()
asyncio.run(main())
"""


async def test_two_processes_start_at_once(database):
    await empty_out()

    starting = [
        subprocess.Popen([sys.executable, "-c", _START, database], stdout=subprocess.PIPE, cwd=ROOT) for _ in range(2)
    ]
    said = [(await asyncio.to_thread(each.communicate, None, 60))[0] for each in starting]

    assert sorted(said) == [b"False\n", b"True\n"]
    assert await Firm.count() == 1


_BROKEN = """
import os
from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from models import engine
ID = "2999-01-01T00:00:00:000000"
async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="poort", description="")
    async def half():
        await engine.engine().run_ddl("CREATE TABLE half (id INTEGER PRIMARY KEY)")
        await engine.raw("UPDATE firm SET name = 'half'")
        {end}
    manager.add_raw(half)
    return manager
"""


@pytest.fixture
def more_migrations(tmp_path, monkeypatch):
    """Our migrations and one more, in a folder of their own."""

    def add(name: str, text: str) -> Path:
        folder = tmp_path / "migrations"
        if not folder.exists():
            shutil.copytree(piccolo_app.APP_CONFIG.resolved_migrations_folder_path, folder)
        (folder / f"{name}.py").write_text(text)
        config = AppConfig(
            app_name="poort", migrations_folder_path=str(folder), table_classes=piccolo_app.APP_CONFIG.table_classes
        )
        monkeypatch.setattr(piccolo_app, "APP_CONFIG", config)
        monkeypatch.setattr(migrate, "APP_CONFIG", config)
        return folder

    yield add
    sys.path[:] = [path for path in sys.path if not path.startswith(str(tmp_path))]


async def has_half() -> bool:
    try:
        await engine.raw("SELECT * FROM half")
    except Exception:
        return False
    return True


async def test_a_failing_migration_leaves_nothing(database, more_migrations):
    more_migrations("fails", _BROKEN.format(end="raise ZeroDivisionError"))

    with pytest.raises(migrate.MigrationFailed, match="ZeroDivisionError"):
        await migrate.migrate()

    assert not await has_half()
    assert (await Firm.load()).name == ""
    assert await migrate.pending() == ["2999-01-01T00:00:00:000000"]


_KILLED = """
import asyncio, sys
from models import engine, migrate, piccolo_app
from piccolo.conf.apps import AppConfig
piccolo_app.APP_CONFIG = migrate.APP_CONFIG = AppConfig("poort", sys.argv[2], piccolo_app.APP_CONFIG.table_classes)
engine.use(sys.argv[1])
asyncio.run(migrate.migrate())
"""


async def test_a_migration_killed_half_way_leaves_nothing_and_runs_again(database, more_migrations):
    folder = more_migrations("killed", _BROKEN.format(end="os.environ.get('STAYS') or os.kill(os.getpid(), 9)"))

    killed = subprocess.Popen([sys.executable, "-c", _KILLED, database, str(folder)], cwd=ROOT)
    assert await asyncio.to_thread(killed.wait, 60) == -9
    assert not await has_half()
    os.environ["STAYS"] = "1"
    try:
        assert await migrate.migrate() is True
    finally:
        del os.environ["STAYS"]

    assert await has_half()


# one history for both databases, written by Piccolo itself from what changed


def tables(version: int) -> list:
    owner = create_table_class(
        "TmOwner", class_kwargs={"tablename": "tm_owner"}, class_members={"name": Varchar(length=20)}
    )
    return [owner, _pet(version, owner)]


def _pet(version: int, owner):
    members: dict = {
        "name": Varchar(length=20),
        "client": Integer(default=1),
        "kind": Varchar(length=20, default="client"),
    }
    members["tm_pet_unique"] = Unique([members["name"], members["client"]])
    if version == 1:
        members["age"] = Integer(default=5)
        members["tm_pet_kind"] = Check("kind IN ('client', 'a client''s name') AND \"client\" > 0")
    if version == 2:
        members["age"] = Integer(default=9, null=True)
        members["note"] = Text(default='(new), "quoted"')
        members["owner"] = ForeignKey(owner, null=True, default=None, on_delete=OnDelete.set_null)
        members["made_at"] = Timestamptz()
        members["kind"] = Varchar(length=30, default="other")
    if version == 3:
        members["age"] = BigInt(default=9, null=False)
        members["note"] = Text(default="")
        members["is_old"] = Boolean(default=False)
    return create_table_class("TmPet", class_kwargs={"tablename": "tm_pet"}, class_members=members)


@pytest.fixture
def history(tmp_path):
    """Writes a migration from what changed, and runs it."""
    folder = tmp_path / "history"
    folder.mkdir()

    async def step(version: int) -> list:
        classes = tables(version)
        config = AppConfig(app_name=f"tm{tmp_path.name}", migrations_folder_path=str(folder), table_classes=classes)
        before = set(folder.glob("*.py"))
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            await _create_new_migration(config, auto=True, auto_input="n")
            (made,) = set(folder.glob("*.py")) - before
            made.rename(folder / f"tm_{os.urandom(4).hex()}.py")
            await ForwardsMigrationManager(config.app_name).run_migrations(config)
        for table in classes:
            table._meta.db = engine.engine()
        return classes

    yield step
    sys.path[:] = [path for path in sys.path if not path.startswith(str(tmp_path))]


async def refused(work) -> BaseException:
    with pytest.raises(Exception) as caught:
        await work
    return caught.value


async def test_one_history_serves_both(database, history):
    _, pet = await history(1)
    await pet(name="rex").save()
    assert engine.is_unique_violation(await refused(pet(name="rex").save().run()))
    assert engine.is_check_violation(await refused(pet(name="x", kind="nothing").save().run()))
    assert engine.is_check_violation(await refused(pet(name="x", client=0).save().run()))
    assert engine.is_check_violation(await refused(pet.update({pet.client: -1}, force=True).run()))
    await pet(name="kim", kind="a client's name", client=2).save()

    _, pet = await history(2)
    old = await pet.select().order_by(pet.id)
    assert [(row["name"], row["age"], row["kind"], row["owner"]) for row in old] == [
        ("rex", 5, "client", None),
        ("kim", 5, "a client's name", None),
    ]
    assert old[0]["note"] == '(new), "quoted"'
    assert abs(old[0]["made_at"] - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)
    await engine.raw("INSERT INTO tm_pet (name, client) VALUES ('new', 3)")
    fresh = await pet.objects().where(pet.name == "new").first()
    assert (fresh.age, fresh.kind) == (9, "other")
    await pet(name="unchecked", kind="the check is gone", client=-5, age=None).save()
    assert engine.is_unique_violation(await refused(pet(name="rex", client=1).save().run()))
    await pet.update({pet.age: 1}).where(pet.age.is_null())

    _, pet = await history(3)
    assert await pet.select(pet.age).order_by(pet.id).output(as_list=True) == [5, 5, 9, 1]
    assert "owner" not in (await engine.raw("SELECT * FROM tm_pet"))[0]
    await refused(engine.raw("INSERT INTO tm_pet (name, client, age) VALUES ('y', 8, NULL)"))
    await pet(name="big", client=9, age=2**40).save()
    if engine.is_sqlite():
        assert (await engine.raw("PRAGMA integrity_check"))[0]["integrity_check"] == "ok"


async def alter(table: str, change: str) -> None:
    await engine.engine().run_ddl(f"ALTER TABLE {table} {change}")


async def test_a_failing_change_rolls_back_whole(database, history):
    _, pet = await history(1)
    await pet(name="rex").save()

    with pytest.raises((sqlite3.OperationalError, asyncpg.UndefinedObjectError)):
        async with engine.writing():
            await alter("tm_pet", 'ALTER COLUMN "age" SET DEFAULT 7')
            await alter("tm_pet", "DROP CONSTRAINT IF EXISTS tm_pet_kind")
            await alter("tm_pet", "DROP CONSTRAINT no_such_constraint")

    await engine.raw("INSERT INTO tm_pet (name, client) VALUES ('new', 2)")
    assert [row["age"] for row in await engine.raw("SELECT age FROM tm_pet ORDER BY id")] == [5, 5]
    assert engine.is_check_violation(await refused(pet(name="x", kind="nothing").save().run()))


async def test_old_rows_keep_the_default_they_were_given(database, history):
    _, pet = await history(1)
    await pet(name="rex").save()

    await alter("tm_pet", 'ADD COLUMN "legs" INTEGER NOT NULL DEFAULT 4')
    await alter("tm_pet", 'ALTER COLUMN "legs" SET DEFAULT 3')
    await engine.raw("INSERT INTO tm_pet (name, client) VALUES ('new', 2)")
    await alter("tm_pet", 'ALTER COLUMN "legs" DROP DEFAULT')

    assert [row["legs"] for row in await engine.raw("SELECT legs FROM tm_pet ORDER BY id")] == [4, 3]
    await refused(engine.raw("INSERT INTO tm_pet (name, client) VALUES ('none', 7)"))


async def test_what_the_rows_do_not_obey_is_not_added(database, history):
    _, pet = await history(1)
    await pet(name="rex", client=3).save()
    await pet(name="kim", client=3).save()

    for constraint in ('UNIQUE ("client")', "CHECK (client < 3)"):
        await refused(alter("tm_pet", f"ADD CONSTRAINT tm_new {constraint}"))
    await alter("tm_pet", 'ADD COLUMN "empty" INTEGER')
    await refused(alter("tm_pet", 'ALTER COLUMN "empty" SET NOT NULL'))

    await pet(name="jo", client=3).save()
    assert await pet.count() == 3


async def test_a_column_that_changes_its_type_takes_its_values_along(database, history):
    _, pet = await history(1)
    await pet(name="rex", age=12).save()

    await alter("tm_pet", 'ALTER COLUMN "age" DROP DEFAULT')
    await alter("tm_pet", 'ALTER COLUMN "age" TYPE VARCHAR(9)')
    await alter("tm_pet", 'RENAME COLUMN "age" TO "years"')

    assert (await engine.raw("SELECT years FROM tm_pet"))[0]["years"] == "12"
