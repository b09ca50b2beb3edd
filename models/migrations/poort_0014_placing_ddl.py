from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from models import engine
from models.placing_ddl import ON_BOTH

ID = "2026-11-30T14:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Indexes of placing"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="poort", description=DESCRIPTION)

    async def run_extra() -> None:
        database = engine.engine()
        for statement in ON_BOTH:
            await database.run_ddl(statement)

    manager.add_raw(run_extra)
    return manager
