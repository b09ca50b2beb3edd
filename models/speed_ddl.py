"""What the pages that everybody opens ask of the databases beside their first indexes."""

ON_BOTH: tuple[str, ...] = (
    # what the office shows in a folder, the newest last: what is new and what is not read yet, from the index alone
    "CREATE INDEX document_published ON document (folder, published_at, id, version) "
    "WHERE trashed_at IS NULL AND state = 'published' AND source = 'office'",
    "CREATE INDEX remark_open ON remark (side, id) WHERE settled_at IS NULL",
)
