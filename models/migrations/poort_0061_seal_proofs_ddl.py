from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from models import engine
from models.certifying_proof_ddl import STATEMENTS

ID = "2026-12-01T13:01:01:000000"
VERSION = "1.38.0"
DESCRIPTION = "Proofs of seals that come later: indexes, and what asks for one at once"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="poort", description=DESCRIPTION)

    async def run_extra() -> None:
        database = engine.engine()
        for statement in STATEMENTS:
            await database.run_ddl(statement)

    manager.add_raw(run_extra)
    return manager
