"""Imports: from an uploaded file over a mapping and a dry run to a commit that can be undone."""

from models.imports.mappings import ImportMapping, keep_mapping
from models.imports.records import Import, ImportRow, add_import

from models.imports import work  # isort: skip  # noqa: F401  declares the kinds of work, for who starts them too

__all__ = ["Import", "ImportMapping", "ImportRow", "add_import", "keep_mapping"]
