from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from models import engine
from models.approvals_ddl import approvals_for

ID = "2026-12-01T10:00:01:000000"
VERSION = "1.38.0"
DESCRIPTION = "Legal moves of approvals, their indexes, and the kinds an office begins with"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="poort", description=DESCRIPTION)

    async def run_extra() -> None:
        database = engine.engine()
        for statement in approvals_for(database.engine_type):
            await database.run_ddl(statement)

    manager.add_raw(run_extra)
    return manager
