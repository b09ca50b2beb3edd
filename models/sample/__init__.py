"""The sample office: a cast that is always the same and any number of realistic clients, clearly marked and removable."""

from __future__ import annotations

from models.sample.making import CAST_EMAILS, NotEmpty, Papers, add, fill, keep_papers
from models.sample.removing import remove

__all__ = ["CAST_EMAILS", "NotEmpty", "Papers", "add", "fill", "keep_papers", "remove"]
