"""What Piccolo cannot express, as SQL for the migrations: partial, composite and expression indexes, filling in what is new."""

STATEMENTS = (
    "CREATE UNIQUE INDEX users_email_unique ON users (email_key) WHERE email_key <> ''",
    "CREATE UNIQUE INDEX folder_name_unique ON folder (dossier, coalesce(parent, 0), name_key) "
    "WHERE trashed_at IS NULL",
    "CREATE INDEX folder_parent ON folder (parent)",
    "CREATE INDEX document_client_moment ON document (client, uploaded_at)",
    "CREATE INDEX access_client ON access (client)",
    "CREATE INDEX membership_group ON membership (client_group)",
    "CREATE INDEX responsible_client ON responsible (client)",
    "CREATE INDEX session_person ON session (person)",
    "CREATE INDEX link_person ON link (person, kind)",
    "CREATE INDEX errand_due ON errand (state, kind, run_after)",
    "CREATE INDEX errand_subject ON errand (kind, subject_id)",
    "CREATE INDEX import_row_batch ON import_row (batch, action, line)",
    "CREATE INDEX trail_record ON trail (record_table, record_id)",
    "CREATE INDEX topic_version ON topic (version)",
)

ONLY_ON: dict[str, tuple[str, ...]] = {"sqlite": (), "postgres": ()}


def statements_for(engine_type: str) -> tuple[str, ...]:
    """In the order in which they are to be run."""
    return STATEMENTS + ONLY_ON[engine_type]


# What came with the whole of Beheer: run once, after its columns and tables were made (poort_0004).
ADMINISTRATION: tuple[str, ...] = (
    # who was there before names had a partner's beside them
    "UPDATE users SET full_name = trim(CASE WHEN first_name <> '' THEN first_name ELSE initials END || ' ' || "
    "CASE WHEN prefix <> '' THEN prefix || ' ' ELSE '' END || surname) WHERE full_name = ''",
    "CREATE UNIQUE INDEX activation_code_live ON activation_code (person) WHERE ended_at IS NULL AND used_at IS NULL",
    "CREATE INDEX activation_code_person ON activation_code (person)",
)

ADMINISTRATION_ONLY_ON: dict[str, tuple[str, ...]] = {"sqlite": (), "postgres": ()}


def administration_for(engine_type: str) -> tuple[str, ...]:
    """In the order in which they are to be run."""
    return ADMINISTRATION + ADMINISTRATION_ONLY_ON[engine_type]
