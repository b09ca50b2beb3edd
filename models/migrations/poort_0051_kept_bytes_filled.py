from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from models import engine

ID = "2026-12-01T10:00:51:000000"
VERSION = "1.38.0"
DESCRIPTION = "What approvals hold of bytes"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="poort", description=DESCRIPTION)

    async def run_extra() -> None:
        await engine.engine().run_ddl("UPDATE approval_document SET blob = sha256")

    manager.add_raw(run_extra)
    return manager
