"""PINs and lists of one-time codes: issued by letter (`issuing`), used to prove who approves (`proving`)."""

from models.pins.hashing import CODES, DIGITS
from models.pins.issuing import Prepared, end, mark_posted, mark_printed, mark_returned, prepare, store
from models.pins.records import KINDS, LIVING, STATES, TRIES, USABLE, Pin, PinCode

LEVELS = ("pin", "codes", "totp", "passkey")  # low to high; `ApprovalKind.least_level` is the least that counts

__all__ = [
    "CODES",
    "DIGITS",
    "KINDS",
    "LEVELS",
    "LIVING",
    "STATES",
    "TRIES",
    "USABLE",
    "Pin",
    "PinCode",
    "Prepared",
    "end",
    "mark_posted",
    "mark_printed",
    "mark_returned",
    "prepare",
    "store",
]
