"""What each table says of the persons in it: what a request for access gets, and what a request for erasure does.

Declared beside the columns, carried out by `privacy`; the structure test demands both of every table in which a person stands.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from models.core import Say

PROOF = Say("Bewijs van wie wat deed: gerechtvaardigd belang en rechtsvordering (art. 17 lid 3 sub e AVG)")
TAX = Say("Fiscale bewaarplicht van het kantoor en zijn cliënt (art. 52 AWR, art. 17 lid 3 sub b AVG)")
NUMBER_ONLY = Say(
    "Er staat alleen een nummer in, zonder naam of adres; dat is na het wissen niet meer tot de persoon te herleiden"
)


@dataclass(frozen=True)
class Export:
    """`title` heads the rows; `by` are the columns that hold the person's id, each of which makes a row his; `where` is other
    SQL for that, with {id} and, as arguments, {email} and {name}; `hidden` are columns that nobody is handed: secrets, keys
    that sort and search. A table with neither `by` nor `where` is in the export of none, because of `why`."""

    title: Say
    by: tuple[str, ...] = ()
    where: str = ""
    hidden: tuple[str, ...] = ()
    why: Say | None = None


@dataclass(frozen=True)
class Erase:
    """`deletes`: his rows go (those that `by` of the export finds). `blanks`: columns that are emptied instead, with what comes
    in their place. Else the rows stay, on the `ground` that the answer names; `retention` is the class that counts, if any."""

    deletes: bool = False
    blanks: dict[str, object] = field(default_factory=dict)
    ground: Say | None = None
    retention: str = ""
