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


class ModuleRights(NamedTuple):
    """A module of the portal with the right to look at it and the right to act in it."""

    module: str
    label: Say
    view: Right
    looking: Say
    act: Right
    acting: Say


BY_MODULE = (
    ModuleRights(
        "dossiers", Say("Dossier"),
        Right.VIEW_DOSSIER, Say("Dossier bekijken"), Right.UPLOAD_DOCUMENTS, Say("Stukken aanleveren"),
    ),
    ModuleRights(
        "approvals", Say("Accordering"),
        Right.VIEW_APPROVALS, Say("Accorderingen bekijken"), Right.APPROVE, Say("Akkoord geven"),
    ),
    ModuleRights(
        "payroll", Say("Personeel"),
        Right.VIEW_PAYROLL, Say("Personeel bekijken"), Right.PAYROLL, Say("Personeel en salaris"),
    ),
)  # fmt: skip
WITHOUT_MODULE = (
    (Right.MANAGE_COLLEAGUES, Say("Toegang van collega’s beheren")),
    (Right.CHANGE_DETAILS, Say("Wijzigingen van eigen gegevens voorstellen")),
)
RIGHTS = (
    *((right, label) for one in BY_MODULE for right, label in ((one.view, one.looking), (one.act, one.acting))),
    *WITHOUT_MODULE,
)
RIGHTS_OF = {role.name: role.rights for role in ROLES}
SPELLINGS = {word: role.name for role in ROLES for word in (role.name, *role.spellings)}
