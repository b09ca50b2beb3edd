"""The indexes in which documents and folders are found, kept in step by the database itself: on SQLite FTS5, on Postgres tsvector.

All of it is derived: no backup holds it, and filling the tables again (also on the other database) makes it again.

document_names   what is written on a document: name, labels, kind and note; one row each, changed in the same statement.
document_deep    that and the text of its bytes, of those that have any; made by the worker (`models.texts`).
document_text    what was read of bytes, by their SHA-256, so that equal bytes are read once; `body` is packed by zlib.
search_due       documents that the worker has to look at; `turn` tells whether one changed again meanwhile.
search_word      every word there is, with its Dutch stem: for other forms of a word, slips of the finger and parts of words.
folder_name      every name there is of folders, which are few among many folders.

The scope of a row is the number of its client (0: none), so that one client's documents are found among those of thousands.
"""

from __future__ import annotations

# Folding for what is not kept folded (notes): each accented letter has its plain one below it.
_ACCENTED = "àáâãäåāăąçćčďèéêëēěęìíîïīłñńňòóôõöøōőřśšşťùúûüūůűýÿžźż"
_PLAIN = "aaaaaaaaacccdeeeeeeeiiiiilnnnoooooooorssstuuuuuuuyyzzz"
_CHANGES = ("name_key", "labels_key", "note", "kind", "client", "sha256")  # after which a document is found otherwise


def _words(row: str) -> str:
    kind = f"(SELECT k.name_key FROM document_kind k WHERE k.id = {row}.kind)"
    return f"{row}.name_key || ' ' || {row}.labels_key || ' ' || {row}.note || ' ' || coalesce({kind}, '')"


ON_BOTH = (
    "CREATE INDEX document_text_waiting ON document_text (place) WHERE state = 'waiting'",
    "CREATE INDEX search_word_stem ON search_word (stem)",
    "CREATE INDEX folder_named ON folder (name_key, client)",
    "CREATE INDEX folder_name_new ON folder_name (id) WHERE NOT learnt",
)


def _tables(serial: str, blob: str) -> tuple[str, ...]:
    return (
        "CREATE TABLE document_text (sha256 VARCHAR(64) NOT NULL PRIMARY KEY, state VARCHAR(7) NOT NULL, mime VARCHAR(120) NOT NULL, "
        "name VARCHAR(255) NOT NULL, size BIGINT NOT NULL, place INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0, "
        f"pages INTEGER NOT NULL DEFAULT 0, body {blob}, "
        "CONSTRAINT document_text_state_known CHECK (state IN ('waiting', 'done', 'none', 'failed', 'too_big')))",
        "CREATE TABLE search_due (document INTEGER NOT NULL PRIMARY KEY, turn INTEGER NOT NULL DEFAULT 1)",
        f"CREATE TABLE search_word (id {serial}, word VARCHAR(40) NOT NULL UNIQUE, stem VARCHAR(40) NOT NULL)",
        f"CREATE TABLE folder_name (id {serial}, name_key VARCHAR(240) NOT NULL UNIQUE, learnt BOOLEAN NOT NULL DEFAULT FALSE)",
    )


_TOKENS = 'columnsize=0, tokenize="unicode61 remove_diacritics 2"'
_SCOPE = "coalesce({row}.client, 0)"
_DUE = "INSERT INTO search_due (document) VALUES (new.id) ON CONFLICT (document) DO UPDATE SET turn = search_due.turn + 1; "
_OLD_TEXT = "DELETE FROM document_text WHERE sha256 = old.sha256 AND NOT EXISTS (SELECT 1 FROM document o WHERE o.sha256 = old.sha256); "
_CHANGED = " OR ".join(f"new.{column} IS NOT old.{column}" for column in _CHANGES)
_FOLDER = "INSERT INTO folder_name (name_key) SELECT new.name_key WHERE NOT EXISTS (SELECT 1 FROM folder_name WHERE name_key = new.name_key); "

ON_SQLITE = (
    *_tables("INTEGER PRIMARY KEY", "BLOB"),
    *ON_BOTH,
    f"CREATE VIRTUAL TABLE document_names USING fts5(words, scope, prefix='1 2 3', {_TOKENS})",
    f"CREATE VIRTUAL TABLE document_deep USING fts5(words, body, scope, {_TOKENS})",
    f"CREATE VIRTUAL TABLE folder_names USING fts5(name_key, content='folder_name', content_rowid='id', prefix='2 3', {_TOKENS})",
    *(
        f"CREATE VIRTUAL TABLE {name}_words USING fts5vocab({name}, row)"
        for name in ("document_names", "document_deep", "folder_names")
    ),
    "CREATE VIRTUAL TABLE search_grams USING fts5(word, content='search_word', content_rowid='id', columnsize=0, tokenize='trigram')",
    "CREATE TRIGGER document_found AFTER INSERT ON document BEGIN "
    f"INSERT INTO document_names (rowid, words, scope) VALUES (new.id, {_words('new')}, {_SCOPE.format(row='new')}); {_DUE}END",
    f"CREATE TRIGGER document_found_again AFTER UPDATE OF {', '.join(_CHANGES)} ON document WHEN {_CHANGED} BEGIN "
    f"UPDATE document_names SET words = {_words('new')}, scope = {_SCOPE.format(row='new')} WHERE rowid = new.id; {_DUE}END",
    f"CREATE TRIGGER document_text_left AFTER UPDATE OF sha256 ON document WHEN new.sha256 <> old.sha256 BEGIN {_OLD_TEXT}END",
    "CREATE TRIGGER document_lost AFTER DELETE ON document BEGIN DELETE FROM document_names WHERE rowid = old.id; "
    f"DELETE FROM document_deep WHERE rowid = old.id; DELETE FROM search_due WHERE document = old.id; {_OLD_TEXT}END",
    "CREATE TRIGGER document_kind_found AFTER UPDATE OF name_key ON document_kind WHEN new.name_key <> old.name_key BEGIN "
    f"UPDATE document_names SET words = (SELECT {_words('d')} FROM document d WHERE d.id = document_names.rowid) "
    "WHERE rowid IN (SELECT id FROM document WHERE kind = new.id); "
    "INSERT INTO search_due (document) SELECT id FROM document WHERE kind = new.id ON CONFLICT (document) DO UPDATE SET turn = turn + 1; END",
    f"CREATE TRIGGER folder_found AFTER INSERT ON folder BEGIN {_FOLDER}END",
    f"CREATE TRIGGER folder_found_again AFTER UPDATE OF name_key ON folder WHEN new.name_key <> old.name_key BEGIN {_FOLDER}END",
    "CREATE TRIGGER folder_name_found AFTER INSERT ON folder_name BEGIN INSERT INTO folder_names (rowid, name_key) VALUES (new.id, new.name_key); END",
    "CREATE TRIGGER folder_name_lost AFTER DELETE ON folder_name BEGIN "
    "INSERT INTO folder_names (folder_names, rowid, name_key) VALUES ('delete', old.id, old.name_key); END",
    "CREATE TRIGGER search_word_found AFTER INSERT ON search_word BEGIN INSERT INTO search_grams (rowid, word) VALUES (new.id, new.word); END",
    "CREATE TRIGGER search_word_lost AFTER DELETE ON search_word BEGIN "
    "INSERT INTO search_grams (search_grams, rowid, word) VALUES ('delete', old.id, old.word); END",
    # what was there before
    f"INSERT INTO document_names (rowid, words, scope) SELECT d.id, {_words('d')}, {_SCOPE.format(row='d')} FROM document d",
    "INSERT INTO search_due (document) SELECT id FROM document",
    "INSERT INTO folder_name (name_key) SELECT DISTINCT name_key FROM folder",
)

# A document's words as a tsvector: split here, because Postgres' own parser takes 2024.pdf for a host and a-b for three words.
_VECTOR = (
    "CREATE FUNCTION found_words(text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $f$ SELECT to_tsvector('simple'::regconfig, "
    rf"regexp_replace(translate(lower($1), '{_ACCENTED}', '{_PLAIN}'), '[\x01-\x2f\x3a-\x60\x7b-\xbf\u2010-\u203a]+', ' ', 'g')) $f$"
)
# The scope as a word that nobody can type.
_SCOPED = "|| CAST('''~' || coalesce({row}.client, 0) || '''' AS tsvector)"
_FUNCTION = "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN {body} RETURN NULL; END $f$"
_AFTER = "CREATE TRIGGER {name} AFTER {event} ON {table} {each} EXECUTE FUNCTION {name}()"
_ROW, _FRESH = "FOR EACH ROW", "REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT"


def _trigger(name: str, event: str, table: str, body: str, each: str = _ROW) -> tuple[str, str]:
    return _FUNCTION.format(name=name, body=body), _AFTER.format(name=name, event=event, table=table, each=each)


def _named(source: str, row: str) -> str:
    vector = f"found_words({_words(row)}) {_SCOPED.format(row=row)}"
    return f"INSERT INTO document_names (document, client, words) SELECT {row}.id, {_SCOPE.format(row=row)}, {vector} FROM {source}; "


_FRESH_NAMES = (
    "INSERT INTO folder_name (name_key) SELECT DISTINCT n.name_key FROM fresh n "
    "WHERE NOT EXISTS (SELECT 1 FROM folder_name f WHERE f.name_key = n.name_key) ON CONFLICT (name_key) DO NOTHING;"
)
_IS_CHANGED = " OR ".join(f"new.{column} IS DISTINCT FROM old.{column}" for column in _CHANGES)

ON_POSTGRES = (
    *_tables("SERIAL PRIMARY KEY", "BYTEA"),
    *ON_BOTH,
    _VECTOR,
    "CREATE TABLE document_names (document INTEGER NOT NULL PRIMARY KEY, client INTEGER NOT NULL, words TSVECTOR NOT NULL)",
    "CREATE TABLE document_deep (document INTEGER NOT NULL PRIMARY KEY, client INTEGER NOT NULL, words TSVECTOR NOT NULL)",
    "CREATE INDEX document_names_words ON document_names USING gin (words)",
    "CREATE INDEX document_deep_words ON document_deep USING gin (words)",
    "CREATE INDEX folder_name_words ON folder_name USING gin (found_words(name_key))",
    "CREATE INDEX search_word_grams ON search_word USING gin (grams(CAST(word AS text)))",
    *_trigger("document_found", "INSERT", "document", _named("fresh n", "n") +
              "INSERT INTO search_due (document) SELECT id FROM fresh ON CONFLICT (document) DO NOTHING;", _FRESH),
    *_trigger("document_found_again", "UPDATE", "document",
              f"UPDATE document_names SET client = {_SCOPE.format(row='new')}, words = found_words({_words('new')}) {_SCOPED.format(row='new')} WHERE document = new.id; {_DUE}",
              f"{_ROW} WHEN ({_IS_CHANGED})"),
    *_trigger("document_text_left", "UPDATE", "document", _OLD_TEXT, f"{_ROW} WHEN (new.sha256 <> old.sha256)"),
    *_trigger("document_lost", "DELETE", "document", "DELETE FROM document_names WHERE document = old.id; "
              f"DELETE FROM document_deep WHERE document = old.id; DELETE FROM search_due WHERE document = old.id; {_OLD_TEXT}"),
    *_trigger("document_kind_found", "UPDATE", "document_kind",
              f"UPDATE document_names n SET words = found_words({_words('d')}) {_SCOPED.format(row='d')} FROM document d "
              "WHERE d.id = n.document AND d.kind = new.id; INSERT INTO search_due (document) SELECT id FROM document WHERE kind = new.id "
              "ON CONFLICT (document) DO UPDATE SET turn = search_due.turn + 1;", f"{_ROW} WHEN (new.name_key <> old.name_key)"),
    *_trigger("folder_found", "INSERT", "folder", _FRESH_NAMES, _FRESH),
    *_trigger("folder_found_again", "UPDATE", "folder",
              "INSERT INTO folder_name (name_key) VALUES (new.name_key) ON CONFLICT (name_key) DO NOTHING;",
              f"{_ROW} WHEN (new.name_key <> old.name_key)"),
    _named("document d", "d").rstrip("; "),
    "INSERT INTO search_due (document) SELECT id FROM document",
    "INSERT INTO folder_name (name_key) SELECT DISTINCT name_key FROM folder",
)  # fmt: skip


def finding_for(engine_type: str) -> tuple[str, ...]:
    """In the order in which they are to be run."""
    return ON_SQLITE if engine_type == "sqlite" else ON_POSTGRES
