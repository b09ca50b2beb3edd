"""The columns that the list of client users can show, and by which it can be sorted."""

from __future__ import annotations

from models.clients.columns import Column
from models.core import Say

COLUMNS: dict[str, Column] = {
    "email": Column(Say("E-mailadres"), "u.email", "email_key", shown=True),
    "clients": Column(
        Say("Cliënten"),
        "(SELECT {join}(c.name, ', ') FROM access a JOIN client c ON c.id = a.client WHERE a.person = u.id{mine})",
        shown=True,
    ),
    "state": Column(Say("Toestand"), "u.state", "state", shown=True),
    "seen_at": Column(
        Say("Laatst gezien"),
        "(SELECT s.seen_at FROM session s WHERE s.person = u.id ORDER BY s.seen_at DESC LIMIT 1)",
        shown=True,
    ),
    "phone": Column(Say("Telefoon"), "u.phone"),
    "mobile": Column(Say("Mobiel"), "u.mobile"),
    "roles": Column(
        Say("Rechten"),
        "(SELECT {join}(DISTINCT t.name{comma}) FROM access a JOIN rights_template t ON t.key = a.role WHERE a.person = u.id{mine})",
    ),
    "approver_roles": Column(
        Say("Rollen bij accorderen"),
        "(SELECT {join}(DISTINCT a.role{comma}) FROM approver_role a WHERE a.person = u.id AND (a.until IS NULL OR a.until >= {today}){mine})",
    ),
    "factor": Column(Say("Tweede factor"), "CASE WHEN u.totp_secret <> '' OR u.has_passkey THEN 1 ELSE 0 END"),
    "language": Column(Say("Taal"), "u.language", "language"),
    "invited_at": Column(Say("Uitgenodigd"), "u.invited_at", "invited_at"),
    "activated_at": Column(Say("Geactiveerd"), "u.activated_at", "activated_at"),
    "created_at": Column(Say("Toegevoegd"), "u.created_at", "created_at"),
}

FIRST = tuple(name for name, column in COLUMNS.items() if column.shown)
EVERY_ORDER = {"name": "sort_key"} | {name: column.order for name, column in COLUMNS.items() if column.order}
