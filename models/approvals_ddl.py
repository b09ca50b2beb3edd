"""What approvals ask of the databases beside their tables: legal moves, a proof that cannot be changed, indexes for the lists."""

from __future__ import annotations

from typing import Any

from models.approvals.starter import KINDS, WORDS
from models.approvals.states import APPROVER_MOVES, MOVES, illegal, one_of
from models.core import fold

_MOVE = "deze overgang van een accordering bestaat niet"
_PROOF = "het bewijs van een accordering blijft zoals het is"
_BYTES = "een stuk dat al beoordeeld is, wordt niet meer vervangen"
_SWAPS = ("draft", "sign_off", "offered", "partly")
_SWAPPED = (
    "(OLD.sha256 <> NEW.sha256 OR OLD.request <> NEW.request OR OLD.part <> NEW.part) AND "
    f"(SELECT state FROM approval_request WHERE id = OLD.request) NOT IN ({one_of(_SWAPS)})"
)
_CHANGED = " OR ".join(
    f"OLD.{name} IS DISTINCT FROM NEW.{name}"
    for name in (
        "request", "number", "act", "at", "person", "on_behalf_of", "name", "role", "method", "level", "statement", "language",
        "document", "address", "agent", "detail", "previous", "link",
    )
)  # fmt: skip
# Only of the sample office's clients may a proof go: with them goes all that was invented.
_KEPT = "coalesce((SELECT is_sample FROM client WHERE id = OLD.client), false) = false"

ON_BOTH = (
    "CREATE UNIQUE INDEX approval_plan_of ON approval_plan (coalesce(client, 0), coalesce(kind, 0))",
    "CREATE INDEX approval_request_board ON approval_request (state, internal_due, id)",
    "CREATE INDEX approval_request_same ON approval_request (client, kind, book_year, period)",
    "CREATE INDEX approval_request_ref ON approval_request (external_ref) WHERE external_ref <> ''",
    "CREATE INDEX approver_asked ON approver (person, request) WHERE state = 'asked'",
    "CREATE INDEX approver_role_now ON approver_role (client, role, person)",
    "CREATE UNIQUE INDEX approver_role_once ON approver_role (client, person, role) WHERE until IS NULL",
)
ON_SQLITE = (
    f"CREATE TRIGGER approval_moves BEFORE UPDATE OF state ON approval_request WHEN {illegal(MOVES)} BEGIN SELECT RAISE(ABORT, '{_MOVE}'); END",
    f"CREATE TRIGGER approver_moves BEFORE UPDATE OF state ON approver WHEN {illegal(APPROVER_MOVES)} BEGIN SELECT RAISE(ABORT, '{_MOVE}'); END",
    f"CREATE TRIGGER approval_begins BEFORE INSERT ON approval_request WHEN NEW.state NOT IN ('draft', 'sign_off') BEGIN SELECT RAISE(ABORT, '{_MOVE}'); END",
    f"CREATE TRIGGER approval_bytes BEFORE UPDATE ON approval_document WHEN {_SWAPPED} BEGIN SELECT RAISE(ABORT, '{_BYTES}'); END",
    f"CREATE TRIGGER approval_proof_as_written BEFORE UPDATE ON approval_record WHEN {_CHANGED.replace('IS DISTINCT FROM', 'IS NOT')} BEGIN SELECT RAISE(ABORT, '{_PROOF}'); END",
    f"CREATE TRIGGER approval_proof_stays BEFORE DELETE ON approval_record WHEN {_KEPT} BEGIN SELECT RAISE(ABORT, '{_PROOF}'); END",
)
ON_POSTGRES = (
    f"CREATE FUNCTION approval_moves() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{_MOVE}'; END $$",
    f"CREATE FUNCTION approval_proof() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{_PROOF}'; END $$",
    f"CREATE FUNCTION approval_bytes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {_SWAPPED} THEN RAISE EXCEPTION '{_BYTES}'; END IF; RETURN NEW; END $$",
    f"CREATE FUNCTION approval_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {_KEPT} THEN RAISE EXCEPTION '{_PROOF}'; END IF; RETURN OLD; END $$",
    f"CREATE TRIGGER approval_moves BEFORE UPDATE OF state ON approval_request FOR EACH ROW WHEN ({illegal(MOVES)}) EXECUTE FUNCTION approval_moves()",
    f"CREATE TRIGGER approver_moves BEFORE UPDATE OF state ON approver FOR EACH ROW WHEN ({illegal(APPROVER_MOVES)}) EXECUTE FUNCTION approval_moves()",
    "CREATE TRIGGER approval_begins BEFORE INSERT ON approval_request FOR EACH ROW WHEN (NEW.state NOT IN ('draft', 'sign_off')) EXECUTE FUNCTION approval_moves()",
    "CREATE TRIGGER approval_bytes BEFORE UPDATE ON approval_document FOR EACH ROW EXECUTE FUNCTION approval_bytes()",
    f"CREATE TRIGGER approval_proof_as_written BEFORE UPDATE ON approval_record FOR EACH ROW WHEN ({_CHANGED}) EXECUTE FUNCTION approval_proof()",
    "CREATE TRIGGER approval_proof_stays BEFORE DELETE ON approval_record FOR EACH ROW EXECUTE FUNCTION approval_kept()",
)


def _quoted(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


def _kind(place: int, kind: Any) -> str:
    words, words_en = WORDS[kind.words]
    values = {
        "name": kind.name, "name_key": fold(kind.name), "name_en": kind.name_en, "rule": kind.rule, "statement": words,
        "statement_en": words_en, "addressee": kind.addressee, "least_level": kind.least_level, "needs_sign_off": kind.needs_sign_off,
        "internal_days": 7, "remind_before": "7,3,1", "remind_after": 1, "remind_every": 3, "phone_days": 3, "folder": kind.folder,
        "position": place, "is_active": True,
    }  # fmt: skip
    listed = ", ".join(_quoted(value) for value in values.values())
    return f"INSERT INTO approval_kind ({', '.join(values)}) VALUES ({listed})"


def approvals_for(engine_type: str) -> tuple[str, ...]:
    """In the order in which they are to be run."""
    kinds = tuple(_kind(place, kind) for place, kind in enumerate(KINDS))
    return kinds + ON_BOTH + (ON_SQLITE if engine_type == "sqlite" else ON_POSTGRES)
