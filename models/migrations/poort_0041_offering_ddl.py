from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from models import engine
from models.offering_ddl import ON_BOTH

ID = "2026-12-01T10:00:41:000000"
VERSION = "1.38.0"
DESCRIPTION = "Indexes of placing for approval"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="poort", description=DESCRIPTION)

    async def run_extra() -> None:
        database = engine.engine()
        for statement in ON_BOTH:
            await database.run_ddl(statement)

    manager.add_raw(run_extra)
    return manager
