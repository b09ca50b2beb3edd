"""Uploads that can be broken off and gone on with: where a file is to come, how far it is, what became of it, the receipt."""

from models.uploads.expiring import expire, forget_stray
from models.uploads.forms import note_form
from models.uploads.reading import coming_to, files_of, newest_receipts, open_uploads, result_of, size_in_words
from models.uploads.records import KEPT, Upload, UploadReceipt
from models.uploads.taking import (
    Announced,
    NotNow,
    begin,
    came,
    complete,
    decide,
    decide_all,
    refuse,
    stop,
    wait_for_placing,
)

__all__ = [
    "KEPT",
    "Announced",
    "NotNow",
    "Upload",
    "UploadReceipt",
    "begin",
    "came",
    "coming_to",
    "complete",
    "decide",
    "decide_all",
    "expire",
    "files_of",
    "forget_stray",
    "newest_receipts",
    "note_form",
    "open_uploads",
    "refuse",
    "result_of",
    "size_in_words",
    "stop",
    "wait_for_placing",
]
