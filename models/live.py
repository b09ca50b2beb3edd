"""What changed: topics touched in a transaction, watched by every web process."""

from __future__ import annotations

from piccolo.columns import BigInt, Varchar
from piccolo.table import Table


class Topic(Table, tablename="topic"):
    """How often a topic has changed; used on SQLite, where there is no NOTIFY."""

    name = Varchar(length=60, primary_key=True)
    version = BigInt(default=0)
