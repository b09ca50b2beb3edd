"""What PINs ask of the databases beside their tables: one that lives per person and kind, only legal moves, and that what
was used or has died stays so."""

from __future__ import annotations

LIVING = "('made', 'printed', 'posted', 'confirmed', 'blocked')"
MOVES = {
    "made": ("printed", "confirmed", "blocked", "replaced", "returned"),
    "printed": ("posted", "confirmed", "blocked", "replaced", "returned"),
    "posted": ("confirmed", "blocked", "replaced", "returned"),
    "confirmed": ("blocked", "replaced"),
    "blocked": ("replaced",),
}
_GUARD = "deze stap van een pincode bestaat niet"
_USED = "een gebruikte code blijft gebruikt"
_LEGAL = " OR ".join(
    f"(OLD.state = '{one}' AND NEW.state IN ({', '.join(repr(to) for to in many)}))" for one, many in MOVES.items()
)
_STRAYS = f"(NEW.state <> OLD.state AND NOT ({_LEGAL})) OR NEW.person <> OLD.person OR NEW.kind <> OLD.kind"
_UNDONE = "OLD.used_at IS NOT NULL OR NEW.pin <> OLD.pin OR NEW.number <> OLD.number"

ON_BOTH = (
    f"CREATE UNIQUE INDEX pin_lives_once ON pin (person, kind) WHERE state IN {LIVING}",
    "CREATE INDEX pin_of_kind ON pin (kind, state, id)",
)
ON_SQLITE = (
    f"CREATE TRIGGER pin_moves BEFORE UPDATE ON pin WHEN {_STRAYS} BEGIN SELECT RAISE(ABORT, '{_GUARD}'); END",
    f"CREATE TRIGGER pin_code_stays_used BEFORE UPDATE ON pin_code WHEN {_UNDONE} BEGIN SELECT RAISE(ABORT, '{_USED}'); END",
)
ON_POSTGRES = (
    f"CREATE FUNCTION pin_moves() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{_GUARD}'; END $$",
    f"CREATE TRIGGER pin_moves BEFORE UPDATE ON pin FOR EACH ROW WHEN ({_STRAYS}) EXECUTE FUNCTION pin_moves()",
    f"CREATE FUNCTION pin_code_stays_used() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{_USED}'; END $$",
    f"CREATE TRIGGER pin_code_stays_used BEFORE UPDATE ON pin_code FOR EACH ROW WHEN ({_UNDONE}) EXECUTE FUNCTION pin_code_stays_used()",
)


def pins_for(engine_type: str) -> tuple[str, ...]:
    """In the order in which they are to be run."""
    return ON_BOTH + (ON_SQLITE if engine_type == "sqlite" else ON_POSTGRES)
