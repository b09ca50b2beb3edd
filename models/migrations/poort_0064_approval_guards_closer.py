from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from models import engine
from models.approvals_guards_ddl import closer_for

ID = "2026-12-01T13:01:04:000000"
VERSION = "1.38.0"
DESCRIPTION = "What was decided, offered and sealed changes no more; no state comes without its acts"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="poort", description=DESCRIPTION)

    async def run_extra() -> None:
        database = engine.engine()
        for statement in closer_for(database.engine_type):
            await database.run_ddl(statement)

    manager.add_raw(run_extra)
    return manager
