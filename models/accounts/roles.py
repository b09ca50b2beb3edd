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
        "accorderen", Right.VIEW_DOSSIER | Right.APPROVE, Say("Accorderen: bekijken en akkoord geven"),
        ("accordeur", "approver", "approve"),
    ),
    Role("salaris", Right.PAYROLL, Say("Salaris: alleen personeel"), ("payroll",)),
    Role("lezer", Right.VIEW_DOSSIER, Say("Lezer: alleen bekijken"), ("lezen", "reader", "alleen lezen", "read")),
)  # fmt: skip
RIGHTS = (
    (Right.VIEW_DOSSIER, Say("Dossier bekijken")),
    (Right.UPLOAD_DOCUMENTS, Say("Stukken aanleveren")),
    (Right.APPROVE, Say("Accorderen")),
    (Right.PAYROLL, Say("Personeel en salaris")),
)
RIGHTS_OF = {role.name: role.rights for role in ROLES}
SPELLINGS = {word: role.name for role in ROLES for word in (role.name, *role.spellings)}
