from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from models import engine
from models.extra_ddl import STATEMENTS

ID = "2026-11-23T09:00:01:000000"
VERSION = "1.38.0"
DESCRIPTION = "Partial and composite indexes"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="poort", description=DESCRIPTION)

    async def make_indexes() -> None:
        for statement in STATEMENTS:
            await engine.engine().run_ddl(statement)

    manager.add_raw(make_indexes)
    return manager
