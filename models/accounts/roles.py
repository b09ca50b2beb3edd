"""The templates of rights that a client user may have at a client: one table for screens, imports and rules."""

from __future__ import annotations

from typing import NamedTuple

from models.core import Say
from models.viewer import Right


class Role(NamedTuple):
    """`spellings` are what lists call it besides its name, in lower case."""

    name: str
    rights: Right
    label: Say
    spellings: tuple[str, ...] = ()


ROLES = (
    Role("beheerder", Right.everything(), Say("Beheerder: alles"), ("administrator", "admin")),
    Role(
        "uploaden", Right.VIEW_DOSSIER | Right.UPLOAD_DOCUMENTS, Say("Uploaden: bekijken en aanleveren"),
        ("uploader", "upload", "dossier"),
    ),
    Role(
        "accorderen", Right.VIEW_DOSSIER | Right.VIEW_APPROVALS | Right.APPROVE, Say("Accorderen: bekijken en akkoord geven"),
        ("accordeur", "approver", "approve"),
    ),
    Role("salaris", Right.VIEW_PAYROLL | Right.PAYROLL, Say("Salaris: alleen personeel"), ("payroll",)),
    Role("lezer", Right.VIEW_DOSSIER, Say("Lezer: alleen bekijken"), ("lezen", "reader", "alleen lezen", "read")),
)  # fmt: skip
RIGHTS = (
    (Right.VIEW_DOSSIER, Say("Dossier bekijken")),
    (Right.UPLOAD_DOCUMENTS, Say("Stukken aanleveren")),
    (Right.VIEW_APPROVALS, Say("Accorderingen bekijken")),
    (Right.APPROVE, Say("Accorderen")),
    (Right.VIEW_PAYROLL, Say("Personeel bekijken")),
    (Right.PAYROLL, Say("Personeel en salaris")),
    (Right.MANAGE_COLLEAGUES, Say("Toegang van collega’s beheren")),
    (Right.CHANGE_DETAILS, Say("Wijzigingen van eigen gegevens voorstellen")),
)
RIGHTS_OF = {role.name: role.rights for role in ROLES}
SPELLINGS = {word: role.name for role in ROLES for word in (role.name, *role.spellings)}
