from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from models import engine
from models.approvals_guards_ddl import stricter_for

ID = "2026-12-01T10:00:55:000000"
VERSION = "1.38.0"
DESCRIPTION = "Rows of what was offered stay, also of the sample"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="poort", description=DESCRIPTION)

    async def run_extra() -> None:
        database = engine.engine()
        for statement in stricter_for(database.engine_type):
            await database.run_ddl(statement)

    manager.add_raw(run_extra)
    return manager
