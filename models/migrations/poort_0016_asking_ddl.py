from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from models import engine
from models.asking_ddl import ON_BOTH
from models.settings import utcnow

ID = "2026-11-30T10:16:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "What Piccolo cannot express of who hears of what is new"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="poort", description=DESCRIPTION)

    async def run_extra() -> None:
        database = engine.engine()
        for statement in ON_BOTH:
            await database.run_ddl(statement)
        # Nobody is mailed of what was there before.
        await engine.raw("UPDATE firm SET heard_from = $1", utcnow())

    manager.add_raw(run_extra)
    return manager
