"""Approvals (accordering): what is asked for approval, by whom, in which steps, and the proof of it."""

from models.approvals.asking import answer, ask, put_aside, remarks_of
from models.approvals.deciding import (
    Choice,
    Decision,
    Mark,
    Outcome,
    approve,
    decide,
    decide_one,
    foreseen,
    reject,
)
from models.approvals.due import proposed_deadlines
from models.approvals.ending import expire_due, extend, record_on_paper, replace_by, withdraw
from models.approvals.making import (
    AlreadyThere,
    Former,
    NewPart,
    NewRequest,
    add_parts,
    already_there,
    change,
    looked_at,
    make,
    remove_part,
    title_of,
)
from models.approvals.offering import is_alone, offer, plan_of, send_back, sign_off
from models.approvals.plan_views import PlanView
from models.approvals.planning import who_would_sign
from models.approvals.proofs import Proof
from models.approvals.reading import Asked, of_client, open_for, whole
from models.approvals.records import (
    ApprovalDocument,
    ApprovalKind,
    ApprovalPlan,
    ApprovalRemark,
    ApprovalRequest,
    ApprovalSeen,
    Approver,
    ApproverChoice,
    ApproverRole,
    FormerPart,
    Mandate,
)
from models.approvals.seeing import note_opened, opened_by
from models.approvals.swapping import swap_part
from models.approvals.taking_away import note_left, take_away
from models.approvals.telling import hear, tell_late, tell_stuck, tell_substitutes

__all__ = [
    "AlreadyThere",
    "ApprovalDocument",
    "ApprovalKind",
    "ApprovalPlan",
    "ApprovalRemark",
    "ApprovalRequest",
    "ApprovalSeen",
    "Approver",
    "ApproverChoice",
    "ApproverRole",
    "Asked",
    "Choice",
    "Decision",
    "Former",
    "FormerPart",
    "Mandate",
    "Mark",
    "NewPart",
    "NewRequest",
    "Outcome",
    "PlanView",
    "Proof",
    "add_parts",
    "already_there",
    "answer",
    "approve",
    "ask",
    "change",
    "decide",
    "decide_one",
    "expire_due",
    "extend",
    "foreseen",
    "hear",
    "is_alone",
    "looked_at",
    "make",
    "note_left",
    "note_opened",
    "of_client",
    "offer",
    "open_for",
    "opened_by",
    "plan_of",
    "proposed_deadlines",
    "put_aside",
    "record_on_paper",
    "reject",
    "remarks_of",
    "remove_part",
    "replace_by",
    "send_back",
    "sign_off",
    "swap_part",
    "take_away",
    "tell_late",
    "tell_stuck",
    "tell_substitutes",
    "title_of",
    "who_would_sign",
    "whole",
    "withdraw",
]
