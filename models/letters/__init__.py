"""PIN letters: a batch as one PDF, from who gets one to what was posted and what came back."""

from models.letters.choosing import Choice, Chosen, LeftOut, Recipient, chosen
from models.letters.making import make_again, make_batch, make_letters, reissue
from models.letters.records import KINDS, LetterBatch, LetterTemplate, PinLetter, may_print
from models.letters.register import (
    cancel,
    cancel_and_make,
    confirm_posted,
    confirm_printed,
    expire_files,
    mark_returned,
    standing,
    take_file,
)
from models.letters.templates import add_template, change_template, remove_template
from models.letters.windows import WINDOWS
from models.pins import letters_come_from

letters_come_from(reissue)

__all__ = [
    "KINDS",
    "WINDOWS",
    "Choice",
    "Chosen",
    "LeftOut",
    "LetterBatch",
    "LetterTemplate",
    "PinLetter",
    "Recipient",
    "add_template",
    "cancel",
    "cancel_and_make",
    "change_template",
    "chosen",
    "confirm_posted",
    "confirm_printed",
    "expire_files",
    "make_again",
    "make_batch",
    "make_letters",
    "mark_returned",
    "may_print",
    "reissue",
    "remove_template",
    "standing",
    "take_file",
]
