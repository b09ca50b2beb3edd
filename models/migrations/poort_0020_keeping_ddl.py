from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from models import engine
from models.keeping_ddl import keeping_for

ID = "2026-11-30T19:00:01:000000"
VERSION = "1.38.0"
DESCRIPTION = "What Piccolo cannot express of keeping"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="poort", description=DESCRIPTION)

    async def run_extra() -> None:
        database = engine.engine()
        for statement in keeping_for(database.engine_type):
            await database.run_ddl(statement)

    manager.add_raw(run_extra)
    return manager
