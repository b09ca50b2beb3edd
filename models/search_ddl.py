"""What searching asks of the databases beside its keys: the indexes that `words` looks in, kept in step by the database itself."""

from __future__ import annotations

TABLES = ("client", "users")

# Names sort by their folded key, byte by byte, whatever collation a Postgres database was made with.
_SORTED = (
    ("client", "sort_key", 400),
    ("client", "number_key", 60),
    ("users", "sort_key", 400),
    ("client_group", "name_key", 240),
)


def phone_sql(column: str, *, sqlite: bool) -> str:
    """The last nine digits, which tell telephones apart however they are written."""
    bare = column
    for mark in (" ", "-", "(", ")", "+", "."):
        bare = f"replace({bare}, '{mark}', '')"
    return f"substr({bare}, -9)" if sqlite else f"right({bare}, 9)"


ON_BOTH = (
    "CREATE INDEX client_number_start ON client (substr(number_key, 1, 13))",
    "CREATE INDEX client_kvk ON client (kvk) WHERE kvk <> ''",
)


def _of_sqlite(table: str) -> tuple[str, ...]:
    """Trigrams, whole words, and the list of words; the triggers change them with the row's key."""
    content = f"content='{table}', content_rowid='id', columnsize=0"
    kept = (f"{table}_grams", f"{table}_words")
    added = "".join(f"INSERT INTO {name}(rowid, search_key) VALUES (new.id, new.search_key); " for name in kept)
    removed = "".join(
        f"INSERT INTO {name}({name}, rowid, search_key) VALUES ('delete', old.id, old.search_key); " for name in kept
    )
    words = "unicode61 remove_diacritics 0 tokenchars '@.-_+&!'"
    return (
        f"CREATE VIRTUAL TABLE {table}_grams USING fts5(search_key, {content}, tokenize='trigram')",
        f'CREATE VIRTUAL TABLE {table}_words USING fts5(search_key, {content}, detail=none, tokenize="{words}")',
        f"CREATE VIRTUAL TABLE {table}_vocabulary USING fts5vocab({table}_words, row)",
        *(f"INSERT INTO {name}({name}) VALUES ('rebuild')" for name in kept),
        f"CREATE TRIGGER {table}_search_added AFTER INSERT ON {table} BEGIN {added}END",
        f"CREATE TRIGGER {table}_search_removed AFTER DELETE ON {table} BEGIN {removed}END",
        f"CREATE TRIGGER {table}_search_changed AFTER UPDATE OF search_key ON {table} "
        f"WHEN new.search_key <> old.search_key BEGIN {removed}{added}END",
        f"CREATE INDEX {table}_phone ON {table} ({phone_sql('phone', sqlite=True)}) WHERE phone <> ''",
    )


def _of_postgres(table: str) -> tuple[str, ...]:
    return (
        f"CREATE INDEX {table}_grams ON {table} USING gin (grams(search_key))",
        f"CREATE INDEX {table}_words ON {table} USING gin (string_to_array(search_key, ' '))",
        f"CREATE INDEX {table}_phone ON {table} ({phone_sql('phone', sqlite=False)}) WHERE phone <> ''",
    )


ON_SQLITE = tuple(statement for table in TABLES for statement in _of_sqlite(table))
ON_POSTGRES = (
    *(f'ALTER TABLE {table} ALTER COLUMN {column} TYPE VARCHAR({size}) COLLATE "C"' for table, column, size in _SORTED),
    "CREATE FUNCTION grams(text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS "
    "'SELECT array_agg(substr($1, i, 3)) FROM generate_series(1, length($1) - 2) i'",
    *(statement for table in TABLES for statement in _of_postgres(table)),
)
