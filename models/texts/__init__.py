"""What stands in documents: read in the background (`models.extracting`) and made to be found.

`reading` has the bytes read, by their SHA-256; `indexing` makes documents found by what was read; `words` knows what a word is.
Earlier versions of a document are kept but not searched.
"""

from __future__ import annotations

from models.texts.indexing import keep_up
from models.texts.reading import prepare, read_next
from models.texts.tidying import forget_words

__all__ = ["forget_words", "keep_up", "prepare", "read_next"]
