"""What certifying asks of the databases beside its tables: one certificate that counts, and the queues of what is to be done."""

from __future__ import annotations

STATEMENTS = (
    "CREATE UNIQUE INDEX office_certificate_current ON office_certificate (is_current) WHERE is_current",
    "CREATE INDEX approval_to_seal ON approval_request (completed_at, id) WHERE state IN ('approved', 'on_paper')",
    "CREATE INDEX approval_seal_to_stamp ON approval_seal (stamp_after) WHERE stamp_due",
    "CREATE INDEX proof_place_told ON proof_place (place) WHERE told_at IS NOT NULL",
    "CREATE INDEX trail_of_proof ON trail (id) WHERE operation = 'ApprovalRecord.chain'",
)
