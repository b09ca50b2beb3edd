"""What Piccolo cannot express of placing for approval: the indexes by which its files are looked into and found again."""

from __future__ import annotations

ON_BOTH = (
    "CREATE INDEX placement_file_request ON placement_file (request) WHERE request IS NOT NULL",
    "CREATE INDEX placement_file_look ON placement_file (placement, id) WHERE look = ''",
    "CREATE INDEX approval_document_bytes ON approval_document (client, sha256)",
)
