"""How a rule says no."""

from __future__ import annotations

from models.core import Refused, Say


class Invalid(Refused):
    """What was typed is not what it should be. Refused without a field: the form or the importer knows which it was."""

    def __init__(self, code: str, why: Say) -> None:
        super().__init__("", why)
        self.code = code
