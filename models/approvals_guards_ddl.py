"""What keeps the proof of approvals whole in the databases themselves, beside what approvals_ddl began with.

Nobody who writes past the operations gets a line of the proof away: not by putting another in its place, by emptying the table, nor
by calling it the sample office's. Nor does anything come to, or go from, what was put before somebody.
"""

from __future__ import annotations

from models.approvals.states import one_of

_PROOF = "het bewijs van een accordering blijft zoals het is"
_BYTES = "een stuk dat al beoordeeld is, wordt niet meer vervangen"
_PLACE = "wie er gevraagd is en wie er akkoord gaf, blijft zoals het is"
_BEFORE = one_of(("draft", "sign_off"))  # what nobody was asked about yet
_BEGINS = one_of(("waiting", "asked", "viewing"))

# Only in a merge does a line of proof come to another client, and never to one that goes with the sample.
_MOVED = (
    "OLD.client <> NEW.client AND (coalesce((SELECT merged_into FROM client WHERE id = OLD.client), 0) <> NEW.client "
    "OR (coalesce((SELECT is_sample FROM client WHERE id = NEW.client), false) AND NOT coalesce((SELECT is_sample FROM client WHERE id = OLD.client), false)))"
)
_REAL = "NOT coalesce((SELECT is_sample FROM approval_request WHERE id = OLD.request), false)"
_LATE = f"NEW.part = 'main' AND coalesce((SELECT state FROM approval_request WHERE id = NEW.request), 'draft') NOT IN ({_BEFORE})"
# A request that is gone itself took its parts along: that is refused by its proof.
_KEPT = (
    "EXISTS (SELECT 1 FROM approval_request r JOIN client c ON c.id = r.client WHERE r.id = OLD.request "
    f"AND r.state NOT IN ({_BEFORE}) AND NOT (r.is_sample AND c.is_sample))"
)
_GUARDS = (
    ("approval_proof_same", "UPDATE", "approval_record", "OLD.id <> NEW.id", _PROOF),
    ("approval_proof_moves", "UPDATE", "approval_record", _MOVED, _PROOF),
    ("approval_proof_real", "DELETE", "approval_record", _REAL, _PROOF),
    ("approval_stays_real", "UPDATE", "approval_request", "NEW.is_sample AND NOT OLD.is_sample", _PROOF),
    ("approval_part_late", "INSERT", "approval_document", _LATE, _BYTES),
    ("approval_part_stays", "DELETE", "approval_document", _KEPT, _BYTES),
    ("approver_begins", "INSERT", "approver", f"NEW.state NOT IN ({_BEGINS})", _PLACE),
    ("approver_stays", "DELETE", "approver", _KEPT, _PLACE),
)  # fmt: skip
# INSERT OR REPLACE takes what is there away without a trigger on DELETE hearing of it.
_ONCE = (
    ("approval_proof_once", "approval_record", "request = NEW.request AND number = NEW.number", _PROOF),
    ("proof_place_once", "proof_place", "place = NEW.place OR record = NEW.record", _PROOF),
    ("approval_part_once", "approval_document", "false", _BYTES),
    ("approver_once_only", "approver", "request = NEW.request AND step = NEW.step AND person = NEW.person", _PLACE),
    ("approval_once", "approval_request", "false", _PROOF),
)  # fmt: skip
_WHOLE = ("approval_record", "proof_place", "approval_document", "approver", "approval_seal")


def guards_for(engine_type: str) -> tuple[str, ...]:
    """In the order in which they are to be run."""
    return (*_on_sqlite(),) if engine_type == "sqlite" else (*_on_postgres(),)


def _on_sqlite() -> list[str]:
    made = [
        f"CREATE TRIGGER {name} BEFORE {event} ON {table} WHEN {when} BEGIN SELECT RAISE(ABORT, '{said}'); END"
        for name, event, table, when, said in _GUARDS
    ]
    return made + [
        f"CREATE TRIGGER {name} BEFORE INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id OR ({same})) "
        f"BEGIN SELECT RAISE(ABORT, '{said}'); END"
        for name, table, same, said in _ONCE
    ]


def _on_postgres() -> list[str]:
    made = []
    for name, event, table, when, said in _GUARDS:
        row = "OLD" if event == "DELETE" else "NEW"
        made += [
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {when} THEN RAISE EXCEPTION '{said}'; END IF; RETURN {row}; END $$",
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()",
        ]
    return made + [
        f"CREATE TRIGGER {table}_whole BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION approval_proof()"
        for table in _WHOLE
    ]


# Nor of the sample does a row go by itself. With a request that goes, all of it does: whether that may is for its proof to say.
_STAYS = f"coalesce((SELECT state FROM approval_request WHERE id = OLD.request), 'draft') NOT IN ({_BEFORE})"
_STRICTER = (("approval_part_stays", "approval_document", _BYTES), ("approver_stays", "approver", _PLACE))


def stricter_for(engine_type: str) -> tuple[str, ...]:
    """In the place of two guards of `guards_for`."""
    if engine_type == "sqlite":
        return tuple(
            sql
            for name, table, said in _STRICTER
            for sql in (
                f"DROP TRIGGER {name}",
                f"CREATE TRIGGER {name} BEFORE DELETE ON {table} WHEN {_STAYS} BEGIN SELECT RAISE(ABORT, '{said}'); END",
            )
        )
    return tuple(
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {_STAYS} THEN RAISE EXCEPTION '{said}'; END IF; RETURN OLD; END $$"
        for name, _, said in _STRICTER
    )
