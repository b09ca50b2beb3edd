"""Imports: from an uploaded file over a mapping and a dry run to a commit that can be undone."""

from models.imports.records import Import, ImportRow, add_import

__all__ = ["Import", "ImportRow", "add_import"]
