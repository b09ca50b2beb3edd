"""Documents and folders by what is written on them and in them: one interface, over FTS5 on SQLite and tsvector on Postgres.

`question` reads what was typed, `likely` knows which other words can be meant, `documents` and `folders` find what the viewer
may see, `marking` shows where the words stand. Rights are a part of the statements, never a sieve afterwards.
"""

from __future__ import annotations

from models.finding.documents import MOST, Answer, Filter, Hit, find_documents
from models.finding.folders import find_folders
from models.finding.marking import Piece
from models.finding.question import SHORTEST, is_too_short

__all__ = ["MOST", "SHORTEST", "Answer", "Filter", "Hit", "Piece", "find_documents", "find_folders", "is_too_short"]
