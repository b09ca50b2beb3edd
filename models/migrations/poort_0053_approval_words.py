from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from models import engine

ID = "2026-12-01T10:00:53:000000"
VERSION = "1.38.0"
DESCRIPTION = "What is agreed to, in words that fit every kind, where the office had not chosen its own"

# As the kinds of the start had them before.
_OLD_NL = ("Ik heb {kind} {period} van {client}", "Ik heb “{kind} {period}” van {client}")
_OLD_EN = (
    ("I have looked at {kind} {period} of {client}", "I have looked at “{kind} {period}” of {client}"),
    ("I have read {kind} {period} of {client}", "I have read “{kind} {period}” of {client}"),
)
_ADDRESSEES = {
    "de Belastingdienst": "the Dutch Tax Administration",
    "de Kamer van Koophandel": "the Netherlands Chamber of Commerce",
}


def _begins(column: str, old: str, new: str) -> str:
    """The beginning alone is put right: what an office wrote after it, stays."""
    return (
        f"UPDATE approval_kind SET {column} = '{new}' || substr({column}, {len(old) + 1}) "
        f"WHERE substr({column}, 1, {len(old)}) = '{old}'"
    )


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="poort", description=DESCRIPTION)

    async def run_extra() -> None:
        database = engine.engine()
        await database.run_ddl(_begins("statement", *_OLD_NL))
        for old, new in _OLD_EN:
            await database.run_ddl(_begins("statement_en", old, new))
        for dutch, english in _ADDRESSEES.items():
            await database.run_ddl(
                f"UPDATE approval_kind SET addressee_en = '{english}' WHERE addressee = '{dutch}' AND addressee_en = ''"
            )
        await database.run_ddl(
            "UPDATE approval_kind SET rule = 'dividend' WHERE name = 'Aangifte dividendbelasting' AND rule = ''"
        )

    manager.add_raw(run_extra)
    return manager
