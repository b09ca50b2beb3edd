from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import Boolean
from piccolo.columns.indexes import IndexMethod

ID = "2026-12-01T13:01:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Proofs of seals that come later"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="poort", description=DESCRIPTION)

    manager.add_column(
        table_class_name="ApprovalSeal",
        tablename="approval_seal",
        column_name="proof_due",
        db_column_name="proof_due",
        column_class_name="Boolean",
        column_class=Boolean,
        params={
            "default": False,
            "null": False,
            "primary_key": False,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema=None,
    )

    return manager
