from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from models import engine

ID = "2026-12-01T14:00:07:000000"
VERSION = "1.38.0"
DESCRIPTION = "What somebody decided for another is found by who he is"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="poort", description=DESCRIPTION)

    async def run_extra() -> None:
        await engine.engine().run_ddl(
            "CREATE INDEX approver_for_another ON approver (decided_by) WHERE mandate IS NOT NULL"
        )

    manager.add_raw(run_extra)
    return manager
