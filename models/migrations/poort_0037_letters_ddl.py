from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from models import engine
from models.core import fold
from models.letters_ddl import STARTERS, letters_for
from models.settings import utcnow

ID = "2026-12-01T01:00:37:000000"
VERSION = "1.38.0"
DESCRIPTION = "What Piccolo cannot express of letters, and the templates to begin with"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="poort", description=DESCRIPTION)

    async def run_extra() -> None:
        database = engine.engine()
        for statement in letters_for(database.engine_type):
            await database.run_ddl(statement)
        for name, kind, subject_nl, text_nl, portal_nl, subject_en, text_en, portal_en in STARTERS:
            await engine.raw(
                "INSERT INTO letter_template (name, name_key, kind, subject_nl, text_nl, portal_nl, subject_en, text_en, portal_en, "
                "announces, activates, envelope, offset_x, offset_y, version, changed_at) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12, $12, $13, $14)",
                name, fold(name), kind, subject_nl, text_nl, portal_nl, subject_en, text_en, portal_en, False, "c5_left", 0, 1, utcnow(),
            )

    manager.add_raw(run_extra)
    return manager
