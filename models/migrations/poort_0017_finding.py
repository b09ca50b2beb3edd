from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from models import engine
from models.finding_ddl import finding_for

ID = "2026-11-30T17:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Searching in documents: names, labels, kinds, notes and text"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="poort", description=DESCRIPTION)

    async def run_extra() -> None:
        database = engine.engine()
        for statement in finding_for(database.engine_type):
            await database.run_ddl(statement)

    manager.add_raw(run_extra)
    return manager
