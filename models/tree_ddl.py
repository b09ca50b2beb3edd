"""What the tree asks of the databases: folders and documents in the order in which they are read, from an index alone."""

ON_BOTH: tuple[str, ...] = (
    "CREATE INDEX folder_in_order ON folder (dossier, coalesce(parent, 0), position, name_key, id) WHERE trashed_at IS NULL",
    # a page of a folder by day and by size; by name there is document_folder_name
    "CREATE INDEX document_folder_day ON document (folder, uploaded_at, id) WHERE trashed_at IS NULL",
    "CREATE INDEX document_folder_size ON document (folder, size, id) WHERE trashed_at IS NULL",
    # what a client user sees of a folder: all of the office, and of what was handed in all, or his own
    "CREATE INDEX document_shown ON document (folder, source, uploaded_at, id, uploaded_by, version) "
    "WHERE trashed_at IS NULL AND state = 'published'",
)
