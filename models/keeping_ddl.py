"""What keeping asks of the databases beside its tables: indexes, that a relation which began again has
not ended (however the client came back), and that a certificate cannot be changed or taken away."""

from __future__ import annotations

_GUARD = "een verklaring van vernietiging blijft zoals zij is"

ON_BOTH = (
    "CREATE INDEX destruction_item_list ON destruction_item (destruction, client, class_id, book_year, id)",
    "CREATE INDEX destruction_item_state ON destruction_item (destruction, state, id)",
    "CREATE UNIQUE INDEX destruction_month ON destruction (month) WHERE kind = 'month'",
    "CREATE INDEX file_check_due ON file_check (checked_at)",
    "CREATE INDEX file_check_wrong ON file_check (state) WHERE state IN ('broken', 'missing')",
    "CREATE INDEX document_trashed ON document (trashed_at) WHERE trashed_at IS NOT NULL",
)
_OF_DONE = "(SELECT state FROM destruction WHERE id = OLD.destruction) = 'done'"
ON_SQLITE = (
    "CREATE TRIGGER client_is_back AFTER UPDATE OF state ON client WHEN OLD.state = 'archived' AND NEW.state = 'active' "
    "BEGIN UPDATE client SET relation_ended_on = NULL WHERE id = NEW.id; END",
    f"CREATE TRIGGER certificate_stays BEFORE DELETE ON destruction WHEN OLD.state = 'done' BEGIN SELECT RAISE(ABORT, '{_GUARD}'); END",
    f"CREATE TRIGGER certificate_as_written BEFORE UPDATE ON destruction WHEN OLD.state = 'done' BEGIN SELECT RAISE(ABORT, '{_GUARD}'); END",
    f"CREATE TRIGGER certificate_line_stays BEFORE DELETE ON destruction_item WHEN {_OF_DONE} BEGIN SELECT RAISE(ABORT, '{_GUARD}'); END",
    f"CREATE TRIGGER certificate_line_as_written BEFORE UPDATE ON destruction_item WHEN {_OF_DONE} BEGIN SELECT RAISE(ABORT, '{_GUARD}'); END",
)
ON_POSTGRES = (
    "CREATE FUNCTION client_is_back() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.relation_ended_on := NULL; RETURN NEW; END $$",
    "CREATE TRIGGER client_is_back BEFORE UPDATE OF state ON client FOR EACH ROW WHEN (OLD.state = 'archived' AND NEW.state = 'active') "
    "EXECUTE FUNCTION client_is_back()",
    f"CREATE FUNCTION certificate_stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{_GUARD}'; END $$",
    "CREATE FUNCTION certificate_line_stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    f"IF {_OF_DONE} THEN RAISE EXCEPTION '{_GUARD}'; END IF; "
    "IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$",
    "CREATE TRIGGER certificate_as_written BEFORE UPDATE OR DELETE ON destruction FOR EACH ROW WHEN (OLD.state = 'done') "
    "EXECUTE FUNCTION certificate_stays()",
    "CREATE TRIGGER certificate_line_as_written BEFORE UPDATE OR DELETE ON destruction_item FOR EACH ROW "
    "EXECUTE FUNCTION certificate_line_stays()",
)


def keeping_for(engine_type: str) -> tuple[str, ...]:
    """In the order in which they are to be run."""
    return ON_BOTH + (ON_SQLITE if engine_type == "sqlite" else ON_POSTGRES)
