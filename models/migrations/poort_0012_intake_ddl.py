from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from models import engine
from models.intake_ddl import statements_for

ID = "2026-11-24T10:00:12:000000"
VERSION = "1.38.0"
DESCRIPTION = "What Piccolo cannot express of scanning and of links to hand in by"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="poort", description=DESCRIPTION)

    async def run_extra() -> None:
        database = engine.engine()
        for statement in statements_for(database.engine_type):
            await database.run_ddl(statement)

    manager.add_raw(run_extra)
    return manager
