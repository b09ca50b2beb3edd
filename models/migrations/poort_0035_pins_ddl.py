from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from models import engine
from models.pins_ddl import pins_for

ID = "2026-12-01T01:00:35:000000"
VERSION = "1.38.0"
DESCRIPTION = "What Piccolo cannot express of PINs"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="poort", description=DESCRIPTION)

    async def run_extra() -> None:
        database = engine.engine()
        for statement in pins_for(database.engine_type):
            await database.run_ddl(statement)

    manager.add_raw(run_extra)
    return manager
