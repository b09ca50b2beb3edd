"""How a colleague looks at the lists: which columns he chose, and the filters he keeps under a name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from piccolo.columns import Boolean, ForeignKey, OnDelete, Text, Varchar
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from models import engine
from models.accounts import User
from models.accounts import columns as of_users
from models.clients import columns as of_clients
from models.core import Owned, Refused, Say, Scope, fold, operation
from models.personal import Erase, Export
from models.viewer import Permission

if TYPE_CHECKING:
    from models.clients.columns import Column
    from models.viewer import Viewer

COLUMNS: dict[str, dict[str, Column]] = {"clients": of_clients.COLUMNS, "users": of_users.COLUMNS}
FIRST: dict[str, tuple[str, ...]] = {"clients": of_clients.FIRST, "users": of_users.FIRST}
_MOST = 50


class SavedView(Owned, Table, tablename="saved_view"):
    """A list as somebody keeps it. Without a name: the columns he looks at when he says nothing else."""

    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade)
    about = Varchar(length=8, help_text="clients or users")
    name = Varchar(length=80, default="")
    name_key = Varchar(length=160, default="")
    query = Text(default="", help_text="What stands behind the ? of the list: filter and order.")
    columns = Varchar(length=400, default="", help_text="Names, by commas; '' is the first ones.")
    is_shared = Boolean(default=False, help_text="All colleagues may use it.")

    saved_view_unique = Unique([person, about, name_key])
    saved_view_about_known = Check("about IN ('clients', 'users')")

    EXPORTS = Export(Say("Weergaven"), by=("person",), hidden=("name_key",))
    ERASES = Erase(deletes=True)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        if not viewer.is_staff:
            return cls.id < 0
        return (cls.person == viewer.user.id) | (cls.is_shared.eq(True))

    @operation(Permission.OWN_ACCOUNT, trail=False)
    async def remove(self, *, by: Viewer) -> None:  # type: ignore[override]
        """One's own; what a colleague shares he takes away himself."""
        if self.person != by.user.id:
            raise Refused("", Say("Deze weergave is van een collega. Alleen hij kan haar verwijderen."))
        await SavedView.delete().where(SavedView.id == self.id)


class Views(NamedTuple):
    """`columns` as this person looks at the list; `saved`: id, name, query, columns, is_mine, is_shared."""

    columns: tuple[str, ...]
    saved: list[dict[str, Any]]


async def views_of(viewer: Viewer, about: str, asked: str | None = None) -> Views:
    """`asked` is what the address says of the columns: it goes before what he chose."""
    rows = await engine.raw(
        "SELECT id, person, name, query, columns, is_shared FROM saved_view WHERE about = $1 AND (person = $2 OR is_shared) ORDER BY name_key, id",
        about,
        viewer.user.id,
    )
    own = next((row["columns"] for row in rows if row["person"] == viewer.user.id and not row["name"]), "")
    saved = [row | {"is_mine": row["person"] == viewer.user.id} for row in rows if row["name"]]
    return Views(known_columns(about, (own if asked is None else asked).split(",")), saved)


def known_columns(about: str, names: Sequence[str]) -> tuple[str, ...]:
    """Those that exist, in the order of the table; the first ones when nothing is left."""
    return tuple(name for name in COLUMNS[about] if name in names) or FIRST[about]


@operation(Permission.OWN_ACCOUNT, trail=False)
async def choose_columns(views: Scope[SavedView], about: str, names: Sequence[str], *, by: Viewer) -> None:
    chosen = known_columns(about, names)
    await _put(by, about, "", query="", columns="" if chosen == FIRST[about] else ",".join(chosen), is_shared=False)


@operation(Permission.OWN_ACCOUNT, trail=False)
async def save_view(
    views: Scope[SavedView], about: str, name: str, query: str, columns: Sequence[str], is_shared: bool, *, by: Viewer
) -> None:
    """Under this name; a view of one's own with that name is replaced."""
    name = " ".join(name.split())
    if not name:
        raise Refused("name", Say("Geef de weergave een naam."))
    if len(name) > 80:
        raise Refused("name", Say("Dit is {n} tekens; er passen er {most}.", n=len(name), most=80))
    if await SavedView.count().where(SavedView.person == by.user.id, SavedView.about == about) > _MOST:
        raise Refused("name", Say("U hebt al {n} weergaven. Verwijder er eerst een.", n=_MOST))
    await _put(by, about, name, query=query, columns=",".join(known_columns(about, columns)), is_shared=is_shared)


async def _put(by: Viewer, about: str, name: str, **values: Any) -> None:
    await SavedView.delete().where(
        SavedView.person == by.user.id, SavedView.about == about, SavedView.name_key == fold(name)
    )
    await SavedView(person=by.user.id, about=about, name=name, name_key=fold(name), **values).save()
