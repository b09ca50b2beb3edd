from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from models import engine
from models.connecting_ddl import ON_BOTH

ID = "2026-12-01T13:00:01:000000"
VERSION = "1.38.0"
DESCRIPTION = "Indexes of webhooks, which Piccolo cannot express"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="poort", description=DESCRIPTION)

    async def run_extra() -> None:
        for statement in ON_BOTH:
            await engine.engine().run_ddl(statement)

    manager.add_raw(run_extra)
    return manager
