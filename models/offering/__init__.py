"""Placing for approval in bulk: many PDFs or a ZIP, matched on client number by `models.placing`, become requests for approval."""

from models.offering.acts import begin_offering, carry_out, set_apart, set_up, undo
from models.offering.records import CHOICES, DEVIATIONS, Offering
from models.offering.work import offer_files, undo_offering

__all__ = [
    "CHOICES",
    "DEVIATIONS",
    "Offering",
    "begin_offering",
    "carry_out",
    "offer_files",
    "set_apart",
    "set_up",
    "undo",
    "undo_offering",
]
