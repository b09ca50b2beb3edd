"""What keeps the proof of approvals whole in the databases themselves, beside what approvals_ddl began with.

Nobody who writes past the operations gets a line of the proof away: not by putting another in its place, by emptying the table, nor
by calling it the sample office's. Nor does anything come to, or go from, what was put before somebody.
"""

from __future__ import annotations

from collections.abc import Sequence

from models.approvals.states import OPEN, one_of

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


def _on_sqlite(guards: Sequence[tuple[str, ...]] = _GUARDS, once: Sequence[tuple[str, ...]] = _ONCE) -> list[str]:
    made = [
        f"CREATE TRIGGER {name} BEFORE {event} ON {table} WHEN {when.replace('IS DISTINCT FROM', 'IS NOT')} BEGIN SELECT RAISE(ABORT, '{said}'); END"
        for name, event, table, when, said in guards
    ]
    return made + [
        f"CREATE TRIGGER {name} BEFORE INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id OR ({same})) "
        f"BEGIN SELECT RAISE(ABORT, '{said}'); END"
        for name, table, same, said in once
    ]


def _on_postgres(guards: Sequence[tuple[str, ...]] = _GUARDS, whole: Sequence[str] = _WHOLE) -> list[str]:
    made = []
    for name, event, table, when, said in guards:
        row = "OLD" if event == "DELETE" else "NEW"
        made += [
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {when} THEN RAISE EXCEPTION '{said}'; END IF; RETURN {row}; END $$",
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()",
        ]
    return made + [
        f"CREATE TRIGGER {table}_whole BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION approval_proof()"
        for table in whole
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


# What the tables say beside the record: nothing of it changes but by the act that goes with it.
_MOVE = "deze overgang van een accordering bestaat niet zonder wat erbij hoort"
_ASKED = "wat er ter accordering is aangeboden, blijft zoals het is"
_CHOSEN = "wat iemand bij een accordering koos, blijft in het bewijs zoals het is"
_SEALED = "een verzegelde akkoordverklaring blijft zoals zij is"
_UNDECIDED = one_of(("draft", "sign_off", *OPEN, "expired"))  # in which who was asked may still decide
_STATE_OF = "coalesce((SELECT state FROM approval_request WHERE id = {row}.request), 'draft')"
_STATE_OF_CHOICE = "coalesce((SELECT q.state FROM approver p JOIN approval_request q ON q.id = p.request WHERE p.id = {row}.approver), '{else_}')"


def _other(*names: str) -> str:
    """SQL: whether any of these columns is another than it was."""
    return "(" + " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in names) + ")"


def _moves_to(state: str, lacking: str) -> str:
    return f"NEW.state = '{state}' AND OLD.state <> NEW.state AND ({lacking})"


_NEWEST = "(SELECT coalesce(max(n.number), 0) FROM approval_record n WHERE n.request = NEW.id AND n.act IN ('offered', 'part_replaced'))"
_HAS_ACT = (
    "EXISTS (SELECT 1 FROM approval_record c WHERE c.request = NEW.id AND c.act = '{act}' AND c.number > {newest})"
)
# Approved is what nobody is asked about any more, in every step by somebody whose approval stands in the record.
_NOT_APPROVED = (
    f"NOT {_HAS_ACT.format(act='completed', newest=_NEWEST)} OR NOT EXISTS (SELECT 1 FROM approver a WHERE a.request = NEW.id AND a.state = 'approved') "
    "OR EXISTS (SELECT 1 FROM approver a WHERE a.request = NEW.id AND a.step > 0 AND (a.state IN ('asked', 'waiting', 'rejected') "
    "OR NOT EXISTS (SELECT 1 FROM approver b WHERE b.request = a.request AND b.step = a.step AND b.state = 'approved') "
    "OR (a.state = 'approved' AND NOT EXISTS (SELECT 1 FROM approval_record o WHERE o.request = a.request AND o.act = 'approved' "
    f"AND o.number > {_NEWEST} AND o.person = a.decided_by AND coalesce(o.on_behalf_of, o.person) = a.person))))"
)
_NOT_ON_PAPER = f"NOT {_HAS_ACT.format(act='on_paper', newest='0')} OR NOT EXISTS (SELECT 1 FROM approval_document d WHERE d.request = NEW.id AND d.is_scan)"
_DECIDED = _other("decided_at", "decided_by", "mandate", "level", "method", "reason")
_CLOSER = (
    ("approval_completes", "UPDATE", "approval_request", _moves_to("approved", _NOT_APPROVED), _MOVE),
    ("approval_on_paper", "UPDATE", "approval_request", _moves_to("on_paper", _NOT_ON_PAPER), _MOVE),
    ("approval_files", "UPDATE", "approval_request", _moves_to("filed", "NOT EXISTS (SELECT 1 FROM approval_seal s WHERE s.request = NEW.id)"), _MOVE),
    ("approval_rejects", "UPDATE", "approval_request", _moves_to("rejected", "NOT EXISTS (SELECT 1 FROM approver a WHERE a.request = NEW.id AND a.state = 'rejected')"), _MOVE),
    (
        "approval_as_offered", "UPDATE", "approval_request",
        f"OLD.id <> NEW.id OR (OLD.state NOT IN ({_BEFORE}) AND "
        + _other("kind", "book_year", "period", "title", "addressee", "amount", "message", "statement", "statement_en", "least_level", "steps", "replaces")
        + f") OR (OLD.state NOT IN ({_BEFORE}) AND OLD.state = NEW.state AND {_other('completed_at', 'filed_at')})",
        _ASKED,
    ),
    (
        "approver_same", "UPDATE", "approver",
        f"{_other('id', 'request', 'person', 'step', 'role')} OR (OLD.state <> NEW.state AND NEW.state <> 'void' AND {_STATE_OF.format(row='OLD')} NOT IN ({_UNDECIDED})) "
        f"OR ({_DECIDED} AND (OLD.state = NEW.state OR {_STATE_OF.format(row='OLD')} NOT IN ({_UNDECIDED})))",
        _PLACE,
    ),
    ("approver_late", "INSERT", "approver", f"NEW.step > 0 AND ({_STATE_OF.format(row='NEW')} NOT IN ({_BEFORE}, 'offered') OR EXISTS (SELECT 1 FROM approval_record o WHERE o.request = NEW.request AND o.act = 'offered'))", _PLACE),
    ("choice_same", "UPDATE", "approver_choice", _other("id", "approver", "document", "sha256", "outcome", "reason", "at"), _CHOSEN),
    ("choice_late", "INSERT", "approver_choice", f"{_STATE_OF_CHOICE.format(row='NEW', else_='draft')} NOT IN ({one_of(OPEN)})", _CHOSEN),
    ("choice_stays", "DELETE", "approver_choice", f"{_STATE_OF_CHOICE.format(row='OLD', else_='offered')} NOT IN ({one_of(OPEN)})", _CHOSEN),
    (
        "approval_part_same", "UPDATE", "approval_document",
        f"{_other('id', 'request', 'is_scan')} OR ({_other('name', 'size', 'mime')} AND OLD.sha256 = NEW.sha256 AND {_STATE_OF.format(row='OLD')} NOT IN ({_BEFORE}))",
        _BYTES,
    ),
    (
        "approval_added_late", "INSERT", "approval_document",
        f"(NOT NEW.is_scan AND {_STATE_OF.format(row='NEW')} NOT IN ({_BEFORE})) OR (NEW.is_scan AND {_STATE_OF.format(row='NEW')} NOT IN ({one_of(OPEN)}, 'expired'))",
        _BYTES,
    ),
    ("seal_same", "UPDATE", "approval_seal", f"{_other('id', 'request', 'number', 'digest', 'chain_number', 'chain_link', 'certificate')} OR NEW.sha256 NOT IN ('', NEW.digest)", _SEALED),
    ("seal_stays", "DELETE", "approval_seal", "EXISTS (SELECT 1 FROM approval_request r WHERE r.id = OLD.request)", _SEALED),
    ("proof_place_stays", "DELETE", "proof_place", "true", _PROOF),
    ("proof_place_same", "UPDATE", "proof_place", _other("id", "place", "record", "link"), _PROOF),
    *((f"{table}_merges", "UPDATE", table, _MOVED, _PROOF) for table in ("approval_request", "approval_document", "approver", "approver_choice", "approval_seal")),
)  # fmt: skip
_ONCE_MORE = (
    ("choice_once", "approver_choice", "approver = NEW.approver AND document = NEW.document", _CHOSEN),
    ("seal_once", "approval_seal", "request = NEW.request AND number = NEW.number", _SEALED),
)


def closer_for(engine_type: str) -> tuple[str, ...]:
    """Beside those of `guards_for`: what was decided, sealed and offered changes no more, and no state comes without its acts."""
    if engine_type == "sqlite":
        return (*_on_sqlite(_CLOSER, _ONCE_MORE),)
    return (*_on_postgres(_CLOSER, ("approver_choice",)),)
