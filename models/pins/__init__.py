"""PINs and lists of one-time codes: issued by letter (`issuing`, `reissuing`), used to prove who approves (`proving`, `ways`),
and listed for the office (`lists`)."""

from models.pins.hashing import CODES, DIGITS
from models.pins.issuing import Prepared, end, mark_posted, mark_printed, mark_returned, prepare, store
from models.pins.proving import NotProved, Proof, prove
from models.pins.records import KINDS, LIVING, STATES, TRIES, USABLE, Pin, PinCode
from models.pins.reissuing import letters_come_from
from models.pins.ways import LEVELS, Standing, Way, rank, standing, ways

__all__ = [
    "CODES",
    "DIGITS",
    "KINDS",
    "LEVELS",
    "LIVING",
    "STATES",
    "TRIES",
    "USABLE",
    "NotProved",
    "Pin",
    "PinCode",
    "Prepared",
    "Proof",
    "Standing",
    "Way",
    "end",
    "letters_come_from",
    "mark_posted",
    "mark_printed",
    "mark_returned",
    "prepare",
    "prove",
    "rank",
    "standing",
    "store",
    "ways",
]
