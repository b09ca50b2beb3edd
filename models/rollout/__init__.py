"""Rolling out: the live checklist, readiness per client, and opening the gates."""

from models.rollout import board
from models.rollout.checklist import Checklist, Step, checklist, mark_step, use_module
from models.rollout.fates import FATES, counted, people_of
from models.rollout.opening import prepare_opening
from models.rollout.readiness import COLUMNS, matrix, ready_people
from models.rollout.records import LEFT_OUT, Opening, OpeningPerson, StepMark, Undone

__all__ = [
    "COLUMNS",
    "FATES",
    "LEFT_OUT",
    "Checklist",
    "Opening",
    "OpeningPerson",
    "Step",
    "StepMark",
    "Undone",
    "board",
    "checklist",
    "counted",
    "mark_step",
    "matrix",
    "people_of",
    "prepare_opening",
    "ready_people",
    "use_module",
]
