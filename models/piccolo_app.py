"""The tables of Poort, for Piccolo's migrations."""

from __future__ import annotations

from pathlib import Path

from piccolo.conf.apps import AppConfig, table_finder

TABLE_MODULES = [
    "models.settings",
    "models.offices",
    "models.accounts.records",
    "models.accounts.codes",
    "models.passkeys",
    "models.sign_ins",
    "models.trusted",
    "models.accounts.staff_groups",
    "models.accounts.preparing",
    "models.clients.records",
    "models.clients.sectors",
    "models.clients.visits",
    "models.clients.rights",
    "models.clients.reach",
    "models.proposals",
    "models.views",
    "models.retention",
    "models.privacy",
    "models.lost_factors",
    "models.pins.records",
    "models.providers",
    "models.mail_check",
    "models.dossiers.dossier",
    "models.dossiers.folders",
    "models.dossiers.documents",
    "models.dossiers.acts",
    "models.keeping.records",
    "models.dossiers.grants",
    "models.dossiers.runs",
    "models.requests.records",
    "models.approvals.records",
    "models.approvals.record",
    "models.moving.records",
    "models.uploads.records",
    "models.scanning.records",
    "models.delivering.records",
    "models.hearing",
    "models.reminders",
    "models.placing.records",
    "models.offering.records",
    "models.imports.records",
    "models.imports.mappings",
    "models.tasks",
    "models.bulk.records",
    "models.rollout.records",
    "models.outbox",
    "models.linking",
    "models.audit",
    "models.sealing",
    "models.live",
]

APP_CONFIG = AppConfig(
    app_name="poort",
    migrations_folder_path=str(Path(__file__).parent / "migrations"),
    table_classes=table_finder(modules=TABLE_MODULES, exclude_imported=True),
)
