"""The databases themselves refuse that a line of the trail is changed or taken away; emptying its detail is the one exception."""

from __future__ import annotations

ERASED = '{"erased": true}'  # what stays of a detail that was emptied because somebody's data were erased
_GUARD = "het logboek wordt alleen aangevuld (append-only)"
_ONLY_ERASED = " AND ".join(
    f"NEW.{name} IS NOT DISTINCT FROM OLD.{name}"
    for name in ("id", "at", "person", "operation", "record_table", "record_id", "client")
)
ON_SQLITE = (
    f"CREATE TRIGGER trail_stays BEFORE DELETE ON trail BEGIN SELECT RAISE(ABORT, '{_GUARD}'); END",
    "CREATE TRIGGER trail_as_written BEFORE UPDATE ON trail WHEN NOT "
    f"(NEW.detail = '{ERASED}' AND {_ONLY_ERASED.replace('IS NOT DISTINCT FROM', 'IS')}) BEGIN SELECT RAISE(ABORT, '{_GUARD}'); END",
    f"CREATE TRIGGER trail_seal_stays BEFORE DELETE ON trail_seal BEGIN SELECT RAISE(ABORT, '{_GUARD}'); END",
    f"CREATE TRIGGER trail_seal_as_written BEFORE UPDATE ON trail_seal BEGIN SELECT RAISE(ABORT, '{_GUARD}'); END",
)
ON_POSTGRES = (
    f"CREATE FUNCTION trail_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{_GUARD}'; END $$",
    "CREATE TRIGGER trail_stays BEFORE DELETE OR TRUNCATE ON trail FOR EACH STATEMENT EXECUTE FUNCTION trail_only_grows()",
    "CREATE TRIGGER trail_as_written BEFORE UPDATE ON trail FOR EACH ROW WHEN (NOT "
    f"(NEW.detail = '{ERASED}' AND {_ONLY_ERASED})) EXECUTE FUNCTION trail_only_grows()",
    "CREATE TRIGGER trail_seal_stays BEFORE DELETE OR UPDATE OR TRUNCATE ON trail_seal FOR EACH STATEMENT EXECUTE FUNCTION trail_only_grows()",
)
