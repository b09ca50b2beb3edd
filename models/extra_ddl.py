"""What Piccolo cannot express, as SQL for the migrations: partial, composite and expression indexes, filling in what is new."""

from __future__ import annotations

from models import overview_ddl, sealing_ddl, search_ddl
from models.accounts.roles import ROLES
from models.clients.starter import STARTER as STARTER_SECTORS
from models.core import fold
from models.dossiers.starter import STARTER_KINDS
from models.retention import STARTER as STARTER_CLASSES

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
    # The templates of rights that an office begins with.
    *(
        "INSERT INTO rights_template (key, name, name_key, rights, position) VALUES "
        f"('{role.name}', '{role.label}', '{fold(str(role.label))}', {int(role.rights)}, {place})"
        for place, role in enumerate(ROLES)
    ),
    *(
        f"INSERT INTO sector (name, name_key, sbi, sbi_version) VALUES ('{name}', '{fold(name)}', '{sbi}', 'SBI 2008')"
        for name, sbi in STARTER_SECTORS
    ),
    *(
        "INSERT INTO retention_class (name, name_key, months, anchor, ground) VALUES "
        f"('{name}', '{fold(name)}', {months}, '{anchor}', '{ground}')"
        for name, months, anchor, ground in STARTER_CLASSES
    ),
    "INSERT INTO sector (name, name_key, sbi, sbi_version) SELECT min(sector), lower(sector), '', 'SBI 2008' FROM client "
    "WHERE sector <> '' AND lower(sector) NOT IN (SELECT name_key FROM sector) GROUP BY lower(sector)",
    "INSERT INTO client_sector (client, sector) SELECT c.id, s.id FROM client c JOIN sector s ON s.name_key = lower(c.sector)",
    # Who may approve or see to the payroll may look at it; who had rights of his own choice keeps them.
    "UPDATE access SET own = rights | CASE WHEN rights & 4 <> 0 THEN 16 ELSE 0 END "
    "| CASE WHEN rights & 8 <> 0 THEN 32 ELSE 0 END WHERE role = ''",
    "UPDATE access SET rights = own | coalesce((SELECT t.rights FROM rights_template t WHERE t.key = access.role), 0)",
    "INSERT INTO reach (person, client) SELECT r.person, r.client FROM responsible r JOIN users u ON u.id = r.person "
    "WHERE u.kind = 'staff' AND NOT u.all_clients",
    "UPDATE responsible SET roles = 'manager'",
    # who was there before names had a partner's beside them
    "UPDATE users SET full_name = trim(CASE WHEN first_name <> '' THEN first_name ELSE initials END || ' ' || "
    "CASE WHEN prefix <> '' THEN prefix || ' ' ELSE '' END || surname) WHERE full_name = ''",
    # A mailbox that people of clients share; who works at the office has an address of his own.
    "DROP INDEX users_email_unique",
    "CREATE INDEX users_email ON users (email_key)",
    "CREATE UNIQUE INDEX users_staff_email ON users (email_key) WHERE kind = 'staff' AND email_key <> ''",
    "CREATE UNIQUE INDEX activation_code_live ON activation_code (person) WHERE ended_at IS NULL AND used_at IS NULL",
    "CREATE INDEX activation_code_person ON activation_code (person)",
)

ADMINISTRATION_ONLY_ON: dict[str, tuple[str, ...]] = {
    "sqlite": search_ddl.ON_SQLITE + sealing_ddl.ON_SQLITE,
    "postgres": search_ddl.ON_POSTGRES + sealing_ddl.ON_POSTGRES,
}


def administration_for(engine_type: str) -> tuple[str, ...]:
    """In the order in which they are to be run."""
    return ADMINISTRATION + overview_ddl.ON_BOTH + search_ddl.ON_BOTH + ADMINISTRATION_ONLY_ON[engine_type]


# What came with Dossier Online in full: run once, after its columns and tables were made (poort_0006).
DOSSIERS: tuple[str, ...] = (
    "UPDATE document SET published_at = uploaded_at",
    *(
        "INSERT INTO document_kind (name, name_key, retention, position) VALUES "
        f"('{name}', '{fold(name)}', (SELECT min(id) FROM retention_class WHERE name_key = '{fold(kept)}'), {place})"
        for place, (name, kept) in enumerate(STARTER_KINDS)
    ),
    "CREATE INDEX document_folder_name ON document (folder, name_key, id) WHERE trashed_at IS NULL",
    "CREATE INDEX document_planned ON document (publish_at) WHERE state = 'planned'",
)

DOSSIERS_ONLY_ON: dict[str, tuple[str, ...]] = {"sqlite": (), "postgres": ()}


def dossiers_for(engine_type: str) -> tuple[str, ...]:
    """In the order in which they are to be run."""
    return DOSSIERS + DOSSIERS_ONLY_ON[engine_type]
