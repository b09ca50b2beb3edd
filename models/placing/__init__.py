"""Placing many files at once: matched on client number, planned, placed in the background, with a report and an undo.

`matching` (which client is a file of?), `archive` (what comes out of a ZIP) and the bin of what could not be matched stand on
their own: whatever else arrives by the hundreds for many clients can be led through them.
"""

from models.placing.matching import Match, Numbers, load_numbers
from models.placing.records import Placing, PlacingFile, PlacingSource, begin_placing
from models.placing.work import place_files, read_placing, undo_placing

__all__ = [
    "Match",
    "Numbers",
    "Placing",
    "PlacingFile",
    "PlacingSource",
    "begin_placing",
    "load_numbers",
    "place_files",
    "read_placing",
    "undo_placing",
]
