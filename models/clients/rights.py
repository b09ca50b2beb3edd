"""What client users may: templates of rights, the folders of a dossier opened one by one, and the ceiling of the client.

Rights only allow. What somebody may for a client is what his template gives, and what he was given beside it, as far as
the client's modules go: kept as `Access.rights`, which everything that enforces reads. Who changes one of these calls
`settle_rights`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from piccolo.columns import Boolean, ForeignKey, Integer, OnDelete, Varchar
from piccolo.constraints import Unique
from piccolo.table import Table

from models import engine
from models.accounts.blocking import listed
from models.clients.records import Access
from models.core import Owned, Say
from models.viewer import Right

if TYPE_CHECKING:
    from models.viewer import Viewer


class RightsTemplate(Owned, Table, tablename="rights_template"):
    """A named set of rights. Whoever has it follows it when it changes."""

    key = Varchar(length=40, help_text="What accesses, groups and lists name it by; never changes.")
    name = Varchar(length=120)
    name_key = Varchar(length=240)
    rights = Integer(default=0, help_text="bits of viewer.Right")
    position = Integer(default=0)

    rights_template_key_unique = Unique([key])
    rights_template_name_unique = Unique([name_key])

    IS_SEEDED = True

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id > 0 if viewer.is_staff else cls.id < 0


class FolderRight(Owned, Table, tablename="folder_right"):
    """A top folder, by its name, that a template or one person's access opens where the whole dossier is not open."""

    access = ForeignKey(Access, null=True, default=None, on_delete=OnDelete.cascade, index=True)
    template = ForeignKey(RightsTemplate, null=True, default=None, on_delete=OnDelete.cascade, index=True)
    name = Varchar(length=120)
    name_key = Varchar(length=240)
    act = Boolean(default=False, help_text="whether one may also hand in there")

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id > 0 if viewer.is_staff else cls.id < 0


class ModuleRights(NamedTuple):
    """A module of the portal with the right to look at it and the right to act in it."""

    module: str
    label: Say
    view: Right
    act: Right
    acting: Say


BY_MODULE = (
    ModuleRights("dossiers", Say("Dossier"), Right.VIEW_DOSSIER, Right.UPLOAD_DOCUMENTS, Say("Stukken aanleveren")),
    ModuleRights("approvals", Say("Accordering"), Right.VIEW_APPROVALS, Right.APPROVE, Say("Accorderen")),
    ModuleRights("payroll", Say("Personeel"), Right.VIEW_PAYROLL, Right.PAYROLL, Say("Personeel en salaris")),
)
_FREE = Right.MANAGE_COLLEAGUES | Right.CHANGE_DETAILS


def ceiling(modules: str) -> Right:
    """The most that anybody may for a client with these modules (names by commas; '' is all)."""
    bits = _FREE
    for one in BY_MODULE:
        if not modules or one.module in modules.split(","):
            bits |= one.view | one.act
    return bits


def with_view(bits: int) -> int:
    """The bits, with the right to look wherever there is the right to act. Uploading alone may be all that somebody does."""
    for one in BY_MODULE:
        if one.module != "dossiers" and bits & one.act:
            bits |= one.view
    return bits & int(Right.everything())


_CEILING_SQL = (
    f"(CASE WHEN c.modules = '' THEN {int(Right.everything())} ELSE {int(_FREE)}"
    + "".join(
        f" + CASE WHEN ',' || c.modules || ',' LIKE '%,{one.module},%' THEN {int(one.view | one.act)} ELSE 0 END"
        for one in BY_MODULE
    )
    + " END)"
)
EFFECTIVE_SQL = (
    "((coalesce((SELECT t.rights FROM rights_template t WHERE t.key = access.role), 0) | access.own) "
    f"& (SELECT {_CEILING_SQL} FROM client c WHERE c.id = access.client))"
)


async def settle_rights(
    *, clients: Iterable[int] | None = None, people: Iterable[int] | None = None, template: str | None = None
) -> None:
    """Bring `Access.rights` up to date: of these clients, these people, or whoever has this template; else of all."""
    where, args = "1 = 1", []
    if clients is not None:
        where, args = f"client IN {listed(1)}", [json.dumps(sorted(set(clients)))]
    elif people is not None:
        where, args = f"person IN {listed(1)}", [json.dumps(sorted(set(people)))]
    elif template is not None:
        where, args = "role = $1", [template]
    await engine.raw(f"UPDATE access SET rights = {EFFECTIVE_SQL} WHERE {where} AND rights <> {EFFECTIVE_SQL}", *args)


async def templates() -> list[dict[str, Any]]:
    """Every template: id, key, name, rights, in their order."""
    return await engine.raw("SELECT id, key, name, rights FROM rights_template ORDER BY position, name_key")
