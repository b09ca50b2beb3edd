"""What stands in the navigation: only what the viewer may open and the office uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from models.core import Say
from web.addresses import names, url_maker


@dataclass(frozen=True)
class Item:
    key: str
    label: Say
    url: str
    icon: str
    begins: Say | None = None  # the heading that begins here


_OFFICE = (
    ("overview", Say("Overzicht"), "overview.page", "layout-dashboard", None),
    ("clients", Say("Cliënten"), "clients.list", "building-2", None),
    ("dossiers", Say("Dossiers"), "dossiers.structures", "folder-tree", None),
    ("requests", Say("Opvragen"), "requests.list", "inbox", "read_dossiers"),
    ("approvals", Say("Accorderen"), "approvals.list", "signature", "view_approval_requests"),
    ("rollout", Say("Uitrol"), "rollout.page", "list-checks", "view_rollout"),
    ("invitations", Say("Uitnodigingen"), "invitations.page", "mail-check", "view_rollout"),
    ("groups", Say("Groepen"), "groups.list", "tags", None),
    ("users", Say("Gebruikers"), "users.list", "users", None),
    ("staff", Say("Kantoorgebruikers"), "staff.list", "user-cog", "manage_staff"),
    ("imports", Say("Importeren"), "imports.list", "file-up", "import_records"),
    ("mail", Say("Post"), "mail.list", "mail", "view_mail"),
    ("audit", Say("Logboek"), "audit.list", "scroll-text", "view_trail"),
    ("privacy", Say("Privacy"), "privacy.list", "shield-check", "view_trail"),
    ("keeping", Say("Bewaren"), "keeping.list", "archive", "manage_settings"),
    ("tokens", Say("Pincodes"), "settings_tokens.page", "key-round", "print_pins"),
    ("settings", Say("Instellingen"), "settings.page", "settings", "manage_settings"),
)


def navigation(viewer: Any, firm: Any, prefix: str, client: int | None = None) -> list[Item]:
    """`client` is the one whose page this is, so that a client user with several stays with it."""
    url = url_maker(prefix)
    if viewer.is_staff:
        return [
            Item(key, label, url(name), icon, Say("Beheer") if key == "groups" else None)
            for key, label, name, icon, needs in _OFFICE
            if (needs is None or viewer.may(needs))
            and name in names()
            and (key != "tokens" or not viewer.may("manage_settings"))  # who has the settings finds it there
            and (key != "approvals" or firm is None or firm.uses("approvals"))
            and (
                key not in ("privacy", "keeping") or viewer.sees_all_clients
            )  # a request for access is about all that is known
        ]
    if viewer.is_client:
        items = [Item("home", Say("Home"), url("portal.home"), "house")]
        looks_on = any(grant.looks_on for grant in viewer.grants.values())
        if firm.uses("approvals") and (looks_on or viewer.may("view_approvals") or viewer.may("approve")):
            items.append(Item("approvals", Say("Accorderen"), url("own_approvals.list"), "signature"))
        if viewer.may("view_dossier") and firm.uses("dossiers"):
            items.append(Item("dossier", Say("Dossier"), url("portal.dossier", client=client), "folder"))
        if viewer.view_as is None:
            items.append(Item("account", Say("Account"), url("account.page"), "circle-user"))
        return items
    return []
