from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from models import engine
from models.uploads_ddl import OF_PLACING

ID = "2026-12-01T00:00:24:000000"
VERSION = "1.38.0"
DESCRIPTION = "The uploads of a placing are found without reading the others"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="poort", description=DESCRIPTION)

    async def run_extra() -> None:
        database = engine.engine()
        for statement in OF_PLACING:
            await database.run_ddl(statement)

    manager.add_raw(run_extra)
    return manager
