"""The ALTER statements of Piccolo's migrations that SQLite lacks, so that one migration history serves both databases.

Constraints become unique indexes and triggers; changes of a column edit the stored CREATE TABLE text, as SQLite's
documentation describes for changes that leave the rows' format as it is. What is not translated here and not known to
SQLite (dropping a `unique=True` column, changing what a foreign key refers to) fails loudly.
"""

from __future__ import annotations

import datetime as dt
import re
import sqlite3
from collections.abc import Callable
from typing import Any

_TABLE = r'^ALTER TABLE "?(?P<table>\w+)"? '
_SERIAL = re.compile(r'("\w+" INTEGER PRIMARY KEY)(?= NOT NULL)')
_DEFAULT = r" DEFAULT ('(?:[^']|'')*'|\S+)"


def alter(db: sqlite3.Connection, ddl: str) -> list[dict[str, Any]]:
    """Run one statement of a migration, translated where SQLite needs it."""
    for pattern, change in _CHANGES:
        if match := re.match(_TABLE + pattern, ddl, re.S):
            change(db, match)
            return []
    # Else SQLite gives the id of a deleted last row again, and whatever remembers that id means the wrong record.
    cursor = db.execute(_SERIAL.sub(r"\1 AUTOINCREMENT", ddl, count=1) if ddl.startswith("CREATE TABLE") else ddl)
    if cursor.description is None:
        return []
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _alter_column(db: sqlite3.Connection, m: re.Match[str]) -> None:
    _rewrite(db, m["table"], m["column"], m["action"].strip())


def _add_unique(db: sqlite3.Connection, m: re.Match[str]) -> None:
    db.execute(f'CREATE UNIQUE INDEX "{m["name"]}" ON "{m["table"]}" ({m["columns"]})')


def _add_check(db: sqlite3.Connection, m: re.Match[str]) -> None:
    """SQLite cannot add a CHECK to a table: a pair of triggers says the same, and as there NULL passes."""
    columns = {row[1] for row in db.execute(f'PRAGMA table_info("{m["table"]}")')}
    condition = _TOKEN.sub(lambda token: _of_new_row(token, columns), m["condition"])
    if row := db.execute(f'SELECT 1 FROM "{m["table"]}" WHERE NOT {m["condition"]} LIMIT 1').fetchone():
        raise sqlite3.IntegrityError(f"CHECK constraint failed: {m['name']} ({row[0]} or more rows of {m['table']})")
    for event in ("INSERT", "UPDATE"):
        db.execute(
            f'CREATE TRIGGER "{m["name"]}_{event.lower()}" BEFORE {event} ON "{m["table"]}" WHEN NOT {condition} '
            f"BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed: {m['name']}'); END"
        )


_TOKEN = re.compile(r"""'(?:[^']|'')*'|(?:"?\w+"?\.)?"?(?P<column>\w+)"?(?!\s*\()""")


def _of_new_row(token: re.Match[str], columns: set[str]) -> str:
    return f'NEW."{token["column"]}"' if token["column"] in columns else token[0]


def _drop_constraint(db: sqlite3.Connection, m: re.Match[str]) -> None:
    name = m["name"]
    found = db.execute(
        "SELECT type, name FROM sqlite_master WHERE name IN (?, ?, ?)", (name, f"{name}_insert", f"{name}_update")
    ).fetchall()
    if not found and not m["lenient"]:
        raise sqlite3.OperationalError(f"no such constraint: {name}")
    for kind, called in found:
        db.execute(f'DROP {kind.upper()} "{called}"')


def _add_column_with_moment(db: sqlite3.Connection, m: re.Match[str]) -> None:
    """SQLite takes no CURRENT_… default for an added column: give the old rows this moment, then set the default."""
    now = dt.datetime.now(dt.UTC)
    moment = {"current_date": str(now.date()), "current_time": str(now.time())}.get(m["moment"].lower(), str(now))
    definition = f"{m['definition']}{m['null'] or ''} DEFAULT '{moment}'{m['rest']}"
    db.execute(f'ALTER TABLE "{m["table"]}" ADD COLUMN {definition}')
    _rewrite(db, m["table"], m["column"], f"SET DEFAULT {m['moment']}")


def _drop_column(db: sqlite3.Connection, m: re.Match[str]) -> None:
    for _, index, _, origin, _ in db.execute(f'PRAGMA index_list("{m["table"]}")').fetchall():
        columns = [row[2] for row in db.execute(f'PRAGMA index_info("{index}")').fetchall()]
        if origin == "c" and m["column"] in columns:
            db.execute(f'DROP INDEX "{index}"')
    db.execute(f'ALTER TABLE "{m["table"]}" DROP COLUMN "{m["column"]}"')


_CHANGES: tuple[tuple[str, Callable[[sqlite3.Connection, re.Match[str]], None]], ...] = (
    (r'ALTER COLUMN "(?P<column>\w+)" (?P<action>.*)$', _alter_column),
    (r'ADD CONSTRAINT "?(?P<name>\w+)"? UNIQUE \((?P<columns>.*)\)$', _add_unique),
    (r'ADD CONSTRAINT "?(?P<name>\w+)"? CHECK (?P<condition>\(.*\))$', _add_check),
    (r'DROP CONSTRAINT (?P<lenient>IF EXISTS )?"?(?P<name>\w+)"?$', _drop_constraint),
    (
        r'ADD COLUMN (?P<definition>"(?P<column>\w+)" .*?)(?P<null> NOT NULL)?'
        r" DEFAULT (?P<moment>(?i:current_\w+))(?P<rest>.*)$",
        _add_column_with_moment,
    ),
    (r'DROP COLUMN "(?P<column>\w+)"$', _drop_column),
)


def _rewrite(db: sqlite3.Connection, table: str, column: str, action: str) -> None:
    nulls = f'SELECT 1 FROM "{table}" WHERE "{column}" IS NULL LIMIT 1'
    if action == "SET NOT NULL" and db.execute(nulls).fetchone():
        raise sqlite3.IntegrityError(f"{table}.{column} holds NULLs")
    store_again = f'UPDATE "{table}" SET "{column}" = "{column}"'
    # A column added later reads its default from the schema for the old rows: write it into them first.
    db.execute(store_again)
    text = db.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)).fetchone()[0]
    head, columns, tail = _definitions(text)
    edited = [_edit(each, action) if each.startswith(f'"{column}"') else each for each in columns]
    db.execute("PRAGMA writable_schema=ON")
    changed = (head + ", ".join(edited) + tail, table)
    db.execute("UPDATE sqlite_master SET sql = ? WHERE type = 'table' AND name = ?", changed)
    db.execute("PRAGMA writable_schema=RESET")
    if action.startswith("TYPE"):
        db.execute(store_again)  # the values take the new type


def _definitions(sql: str) -> tuple[str, list[str], str]:
    """CREATE TABLE text as its head, the column definitions, and its tail."""
    start = sql.index("(")
    found: list[str] = []
    text, depth, quote = "", 0, ""
    for at, ch in enumerate(sql[start + 1 :], start + 1):
        if quote:
            text += ch
            quote = "" if ch == quote else quote
            continue
        if ch in "'\"":
            quote = ch
        depth += (ch == "(") - (ch == ")")
        if depth < 0:
            return sql[: start + 1], [*found, text.strip()], sql[at:]
        if ch == "," and not depth:
            found.append(text.strip())
            text = ""
        else:
            text += ch
    raise ValueError(f"no end to the columns of {sql[:60]}")


def _edit(definition: str, action: str) -> str:
    parsed = re.match(r'("\w+")\s+(.*)$', definition, re.S)
    assert parsed is not None
    name, rest = parsed.groups()
    if found := re.match(r"TYPE (DOUBLE PRECISION|\w+(?:\([^)]*\))?)", action):
        rest = re.sub(r"^(DOUBLE PRECISION|\w+(\([^)]*\))?)", found[1], rest)
    elif action == "SET NOT NULL":
        rest = rest if "NOT NULL" in rest else re.sub(r"( DEFAULT|$)", r" NOT NULL\1", rest, count=1)
    elif action == "DROP NOT NULL":
        rest = rest.replace(" NOT NULL", "")
    elif found := re.match(r"SET DEFAULT (.*)$", action, re.S):
        rest = re.sub(_DEFAULT, "", rest) + f" DEFAULT {found[1]}"
    elif action == "DROP DEFAULT":
        rest = re.sub(_DEFAULT, "", rest)
    else:
        raise NotImplementedError(action)
    return f"{name} {rest}"
