"""After bulk work Postgres knows at once how many rows there are; SQLite is left as it is."""

from __future__ import annotations

import logging

from models import engine, sample, tasks
from models.dossiers.rolling import apply_structure
from models.dossiers.structures import BATCH, Selection
from models.tasks import Task
from tests.models.importing import imported
from tests.models.test_structures import structure_of

ROWS = 300
LIST = "\n".join(
    ["Cliëntnummer;Naam;Achternaam;E-mail contactpersoon"]
    + [f"{90000 + at};Bakker {at};Vos {at};vos{at}@vos.example" for at in range(ROWS)]
).encode()


async def there(table: str) -> int:
    return int((await engine.raw(f"SELECT count(*) AS n FROM {table}"))[0]["n"])


async def assert_counted(*tables: str) -> None:
    """The planner of Postgres thinks that there are as many rows as there are; SQLite's was told nothing."""
    if engine.is_sqlite():
        assert not await engine.raw("SELECT name FROM sqlite_master WHERE name = 'sqlite_stat1'")
        return
    for table in tables:
        rows = await engine.raw("SELECT CAST(reltuples AS INTEGER) AS n FROM pg_class WHERE relname = $1", table)
        assert rows == [{"n": await there(table)}], table


async def test_an_import_is_counted_as_soon_as_it_is_there(cast):
    await imported(cast.anna, LIST)

    assert await there("client") > ROWS
    await assert_counted("client", "users", "access", "trail", "import_row")


async def test_so_is_what_a_structure_adds(cast):
    await imported(cast.anna, LIST)
    assert ROWS > BATCH, "so that it is long work"
    structure = await structure_of(cast)
    before = await there("folder")

    await engine.run_writing(lambda: apply_structure(structure, Selection("all"), by=cast.anna))
    task = await Task.objects().where(Task.kind == "apply_structure").first()
    await tasks.WORKS[task.kind](task, tasks.Progress(task))

    assert await there("folder") > before
    await assert_counted("folder", "dossier", "trail")


async def test_so_is_the_sample_office(database):
    await sample.fill(40, 1, "geheim-wachtwoord")

    assert await there("client") == 40
    await assert_counted("client", "users", "folder", "document")


async def test_what_cannot_be_counted_breaks_nothing_off(cast, caplog):
    with caplog.at_level(logging.WARNING):
        await engine.analyze("no_such_table")

    assert ("could not be counted" in caplog.text) == (not engine.is_sqlite())
    assert await there("client") > 0
