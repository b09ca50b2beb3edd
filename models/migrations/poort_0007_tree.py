from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.base import OnDelete
from piccolo.columns.base import OnUpdate
from piccolo.columns.column_types import ForeignKey
from piccolo.columns.column_types import Serial
from piccolo.columns.indexes import IndexMethod
from piccolo.constraints import Check
from piccolo.constraints import Unique
from piccolo.table import Table


class Dossier(Table, tablename="dossier", schema=None):
    id = Serial(
        null=False,
        primary_key=True,
        unique=False,
        index=False,
        index_method=IndexMethod.btree,
        choices=None,
        db_column_name="id",
        secret=False,
    )


class Sector(Table, tablename="sector", schema=None):
    id = Serial(
        null=False,
        primary_key=True,
        unique=False,
        index=False,
        index_method=IndexMethod.btree,
        choices=None,
        db_column_name="id",
        secret=False,
    )


ID = "2026-11-30T20:00:07:000000"
VERSION = "1.38.0"
DESCRIPTION = "Every act in a dossier has its undo; general dossiers for sectors"


async def forwards():
    manager = MigrationManager(
        migration_id=ID, app_name="poort", description=DESCRIPTION
    )

    manager.add_table(
        class_name="DossierSector",
        tablename="dossier_sector",
        schema=None,
        columns=None,
    )

    manager.add_column(
        table_class_name="DossierSector",
        tablename="dossier_sector",
        column_name="dossier",
        db_column_name="dossier",
        column_class_name="ForeignKey",
        column_class=ForeignKey,
        params={
            "references": Dossier,
            "on_delete": OnDelete.cascade,
            "on_update": OnUpdate.cascade,
            "target_column": None,
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

    manager.add_column(
        table_class_name="DossierSector",
        tablename="dossier_sector",
        column_name="sector",
        db_column_name="sector",
        column_class_name="ForeignKey",
        column_class=ForeignKey,
        params={
            "references": Sector,
            "on_delete": OnDelete.cascade,
            "on_update": OnUpdate.cascade,
            "target_column": None,
            "null": False,
            "primary_key": False,
            "unique": False,
            "index": True,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema=None,
    )

    manager.add_constraint(
        table_class_name="DossierSector",
        tablename="dossier_sector",
        constraint_name="dossier_sector_unique",
        constraint_class=Unique,
        params={"columns": ["dossier", "sector"], "nulls_distinct": True},
        schema=None,
    )

    manager.drop_constraint(
        table_class_name="DossierAct",
        tablename="dossier_act",
        constraint_name="dossier_act_kind_known",
        schema=None,
    )

    manager.add_constraint(
        table_class_name="DossierAct",
        tablename="dossier_act",
        constraint_name="dossier_act_kind_one_of",
        constraint_class=Check,
        params={
            "condition": "kind IN ('move', 'copy', 'trash', 'publish', 'rename', 'kind', 'order', 'settings', 'add')"
        },
        schema=None,
    )

    return manager
