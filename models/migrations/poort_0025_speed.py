from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from models import engine
from models.speed_ddl import ON_BOTH

ID = "2026-12-01T01:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Indexes of the pages that everybody opens, which Piccolo cannot express"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="poort", description=DESCRIPTION)

    async def run_extra() -> None:
        for statement in ON_BOTH:
            await engine.engine().run_ddl(statement)

    manager.add_raw(run_extra)
    return manager
