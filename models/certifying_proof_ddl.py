"""What proofs that come later ask of the databases beside their column: their queue, what the office must hear of, and the seals from
before, which never asked for theirs."""

from __future__ import annotations

STATEMENTS = (
    "CREATE INDEX approval_seal_to_prove ON approval_seal (stamp_after) WHERE proof_due",
    "CREATE INDEX approval_seal_withdrawn ON approval_seal (certificate) WHERE trouble = 'ingetrokken'",
    # Once: what then still cannot be had stays as it is.
    "UPDATE approval_seal SET proof_due = true, stamp_after = at WHERE level = 'B-T' AND NOT is_long AND sha256 <> '' "
    "AND number = (SELECT max(n.number) FROM approval_seal n WHERE n.request = approval_seal.request) "
    "AND certificate IN (SELECT id FROM office_certificate WHERE NOT is_own)",
)  # fmt: skip
