"""What the overview asks of the databases: indexes that hold only what is recent or still to do, and what had been opened already."""

ON_BOTH = (
    "UPDATE document SET opened_at = (SELECT min(r.first_at) FROM reading r JOIN users u ON u.id = r.person "
    "WHERE r.document = document.id AND u.kind = 'staff') WHERE source = 'client'",
    "CREATE INDEX document_unopened ON document (client) WHERE source = 'client' AND opened_at IS NULL AND trashed_at IS NULL",
    "CREATE INDEX document_handed_in ON document (uploaded_at, client) WHERE source = 'client' AND trashed_at IS NULL",
    "CREATE INDEX reading_first ON reading (first_at)",
    "CREATE INDEX users_invited ON users (invited_at) WHERE kind = 'client' AND invited_at IS NOT NULL",
    "CREATE INDEX users_activated ON users (activated_at) WHERE kind = 'client' AND activated_at IS NOT NULL",
    "CREATE INDEX users_waiting ON users (invited_at) WHERE kind = 'client' AND state = 'invited'",
    "CREATE INDEX session_begun ON session (created_at)",
    "CREATE INDEX link_bounced ON link (person) WHERE bounced_at IS NOT NULL AND ended_at IS NULL",
)
