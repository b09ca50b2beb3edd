"""The tables of clients, groups and access, and what can be done with one of them."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import TYPE_CHECKING, Any

from piccolo.columns import Boolean, Date, ForeignKey, Integer, LazyTableReference, OnDelete, Text, Timestamptz, Varchar
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from models import engine
from models.accounts import User
from models.accounts.reaching import add_to
from models.clients.checks import FIELDS, PEOPLE, PRIVATE, WITH_BSN, checked
from models.clients.colleagues import Colleagues
from models.clients.grouping import Grouping
from models.clients.particulars import Particulars
from models.core import Owned, Refused, Say, Scope, fold, operation, save, was_and_is
from models.live import touch
from models.offices import Office, office_names
from models.personal import TAX, Erase, Export
from models.settings import utcnow
from models.viewer import Granted, Permission, Right

if TYPE_CHECKING:
    from models.viewer import Viewer


class ClientGroup(Grouping, Owned, Table, tablename="client_group"):
    name = Varchar(length=120)
    name_key = Varchar(length=240)
    description = Varchar(length=400, default="")
    created_at = Timestamptz()
    is_sample = Boolean(default=False)
    imported = Integer(null=True, default=None, index=True)
    purpose = Varchar(length=9, default="selection", help_text="selection, or rights: hands a template to new users")
    template = Varchar(length=40, default="", help_text="rights: the key of the template")
    rule = Text(default="", help_text="JSON: condition > values; '' where clients are put in by hand (see rules)")

    client_group_name_unique = Unique([name_key])

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id > 0 if viewer.is_staff else cls.id < 0

    @operation(Permission.MANAGE_CLIENTS, trail=False)
    async def rename(self, name: str, description: str = "", *, by: Viewer) -> None:
        await _group_name_is_free(name, self.id)
        before, after = {"name": self.name, "description": self.description}, {"name": name, "description": description}
        await save(self, name=name, name_key=fold(name), description=description)
        await by.note("ClientGroup.rename", self, {"name": name, **was_and_is(before, after)})
        await touch("clients", "rollout")

    @operation(Permission.MANAGE_CLIENTS, trail=False)
    async def remove(self, *, by: Viewer) -> None:  # type: ignore[override]  # a verb of ours, not Piccolo's query
        """Its clients stay; refused while a general dossier is meant for it."""
        used = await engine.raw(
            "SELECT d.name FROM dossier_group g JOIN dossier d ON d.id = g.dossier WHERE g.client_group = $1 ORDER BY d.name_key",
            self.id,
        )
        if used:
            names = ", ".join(f"“{row['name']}”" for row in used[:5])
            raise Refused(
                "", Say("Deze groep kan nog niet weg: algemene dossiers zijn ervoor bedoeld ({names}).", names=names)
            )
        await by.note("ClientGroup.remove", self, {"name": self.name})
        await ClientGroup.delete().where(ClientGroup.id == self.id)
        await _settle()
        await touch("clients", "rollout")


class Client(Particulars, Colleagues, Owned, Table, tablename="client"):
    """An enterprise or person for whom the office works."""

    number = Varchar(length=20, help_text="As the office writes it; leading zeros kept.")
    number_key = Varchar(length=60, help_text="Sorts in natural order: digits padded; unique.")
    name = Varchar(length=200)
    sort_key = Varchar(length=400, default="", index=True)
    search_key = Varchar(length=1000, default="")
    kind = Varchar(length=12, default="organisation", help_text="organisation, sole_trader or private")
    legal_form = Varchar(length=60, default="")
    kvk = Varchar(length=8, default="")
    branch_number = Varchar(length=12, default="", help_text="Vestigingsnummer.")
    rsin = Varchar(length=9, default="")
    vat = Varchar(length=20, default="")
    payroll_numbers = Varchar(length=200, default="", help_text="Loonheffingennummers, by commas.")
    bsn = Text(default="", help_text="Encrypted; private persons and sole traders only.")
    iban = Varchar(length=34, default="")
    street = Varchar(length=120, default="")
    house_number = Varchar(length=10, default="")
    letter = Varchar(length=4, default="")
    addition = Varchar(length=20, default="")
    postcode = Varchar(length=12, default="")
    city = Varchar(length=120, default="")
    lines = Varchar(length=400, default="", help_text="Abroad: up to three lines.")
    country = Varchar(length=60, default="", help_text="'' is the Netherlands.")
    post_street = Varchar(length=120, default="")
    post_house_number = Varchar(length=10, default="")
    post_letter = Varchar(length=4, default="")
    post_addition = Varchar(length=20, default="")
    post_postcode = Varchar(length=12, default="")
    post_city = Varchar(length=120, default="")
    post_lines = Varchar(length=400, default="")
    post_country = Varchar(length=60, default="")
    email = Varchar(length=254, default="")
    phone = Varchar(length=40, default="")
    website = Varchar(length=200, default="")
    language = Varchar(length=2, default="nl")
    formal = Boolean(default=True, help_text="u (Geachte) or je (Beste)")
    second_factor = Varchar(length=8, default="", help_text="of its users: yes, optional, no; '' as the firm asks")
    notes = Text(default="", help_text="For staff only.")
    partner: Any = ForeignKey(
        LazyTableReference("Client", module_path="models.clients.records"),
        null=True,
        default=None,
        on_delete=OnDelete.set_null,
        help_text="fiscal partner; stands with both",
    )
    merged_into: Any = ForeignKey(
        LazyTableReference("Client", module_path="models.clients.records"),
        null=True,
        default=None,
        on_delete=OnDelete.set_null,
        help_text="a duplicate: whose file goes on",
    )
    sbi = Varchar(length=10, default="")
    sector = Varchar(length=120, default="", help_text="As a list wrote it; see sectors for what counts.")
    office = ForeignKey(Office, null=True, default=None, on_delete=OnDelete.set_null, index=True)
    modules = Varchar(
        length=200, default="", help_text="What its users may have at most, by commas; '' is all that the office uses."
    )
    manager = Varchar(length=120, default="", help_text="Relatiebeheerder, as the office's list names him.")
    since = Date(null=True, default=None)
    year_end_month = Integer(
        default=12, help_text="In which its book year ends: book year Y begins in Y (see keeping.terms)."
    )
    relation_ended_on = Date(null=True, default=None)
    extension_months = Integer(null=True, default=None, help_text="Filing extension beside the term; NULL: the firm's.")
    state = Varchar(length=8, default="active", index=True)
    created_at = Timestamptz()
    is_sample = Boolean(default=False)
    imported = Integer(null=True, default=None, index=True)

    client_number_unique = Unique([number_key])
    client_state_known = Check("state IN ('active', 'archived')")

    EXPORTS = Export(
        Say("Cliënten waarbij hij hoort, als particulier of eenmanszaak"),
        where="kind IN ('private', 'sole_trader') AND id IN (SELECT client FROM access WHERE person = {id})",
        hidden=("number_key", "sort_key", "search_key", "bsn", "notes"),
    )
    ERASES = Erase(ground=TAX, retention="Administratie")

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return visible_client(cls.id, viewer)

    @property
    def version(self) -> str:
        """Tells whether the details are still as somebody saw them."""
        return hashlib.sha256(json.dumps([str(getattr(self, name)) for name in FIELDS]).encode()).hexdigest()[:16]

    @operation(Permission.MANAGE_CLIENTS, trail=False)
    async def change(self, /, *, seen: str, by: Viewer, **details: Any) -> None:
        """Set the details (see `checks.FIELDS`). `seen` is the version they had when the person began to type."""
        if seen != self.version:
            raise Refused(
                "",
                Say(
                    "Iemand anders wijzigde deze gegevens terwijl u bezig was. Wat u typte staat er nog; vergelijk het met wat er nu bewaard is en bewaar opnieuw."
                ),
            )
        values = checked({name: getattr(self, name) for name in FIELDS} | details)
        await _number_is_free(values["number_key"], self.id)
        await self._fits(values, by)
        moved = [name for name in FIELDS if getattr(self, name) != values[name]]
        if moved:
            before = {name: _kept(name, getattr(self, name)) for name in moved}
            after = {name: _kept(name, values[name]) for name in moved}
            if "office" in moved:
                names = await office_names(self.office, values["office"])
                before["office"], after["office"] = names.get(self.office, ""), names.get(values["office"], "")
            await save(self, **values)
            await _settle(self.id)
            await by.note("Client.change", self, {"name": self.name, "before": before, "after": after})
            await touch("clients", "rollout", f"client-{self.id}")

    async def _fits(self, values: dict[str, Any], by: Viewer) -> None:
        if self.bsn and values["kind"] not in WITH_BSN:
            raise Refused("kind", Say("Haal eerst het BSN weg: een organisatie heeft er geen."))
        if self.partner and values["kind"] not in PEOPLE:
            raise Refused("kind", Say("Maak eerst het partnerschap los: alleen particulieren en eenmanszaken of zzp’ers zijn fiscale partners."))  # fmt: skip
        if values["office"] != self.office:
            await office_fits(values["office"], by)

    @operation(Permission.MANAGE_CLIENTS)
    async def archive(self, *, by: Viewer) -> None:
        """Nobody serves him any more: his users no longer reach him, nothing is deleted."""
        if self.state == "archived":
            raise Refused("", Say("Deze cliënt is al gearchiveerd."))
        await self._set_state("archived")

    @operation(Permission.MANAGE_CLIENTS)
    async def restore(self, *, by: Viewer) -> None:
        if self.merged_into:
            raise Refused("", Say("Deze cliënt is met een andere samengevoegd: wat van hem was, is nu daar."))
        await self._set_state("active")

    async def _set_state(self, state: str) -> None:
        await save(self, state=state)
        await touch("clients", "rollout", f"client-{self.id}")

    @operation(Permission.MANAGE_USERS, trail=False)
    async def add_user(
        self,
        /,
        *,
        email: str,
        role: str,
        announced: bool,
        by: Viewer,
        rights: int | None = None,
        whose: str = "",
        **names: str,
    ) -> tuple[User, bool]:
        """A person who reaches this client, and whether he existed already: who has the same address (in any capitals) and
        name is he. Where the names differ, `whose` says it: see mailbox.meant.

        While the office invites new users at once, `announced` says that the sender saw the mail coming.
        """
        return await add_to(
            self, email=email, whose=whose, role=role, rights=rights, announced=announced, by=by, names=names
        )

    @operation(Permission.MANAGE_CLIENTS)
    async def set_groups(self, groups: list[int], *, by: Viewer) -> None:
        """The client is in exactly these groups from now on."""
        known = {row["id"] for row in await by.groups.select(ClientGroup.id)}
        if not set(groups) <= known:
            raise Refused("groups", Say("Een van deze groepen bestaat niet meer."))
        await Membership.delete().where((Membership.client == self.id) & (Membership.source != "rule"))
        held = {
            row["client_group"]
            for row in await Membership.select(Membership.client_group).where(Membership.client == self.id)
        }
        if fresh := sorted(set(groups) - held):
            await Membership.insert(*(Membership(client=self.id, client_group=one) for one in fresh))
        await _settle(self.id)
        await touch("clients", "rollout", f"client-{self.id}")

    @operation(Permission.MANAGE_CLIENTS)
    async def set_responsible(
        self, people: list[int], roles: dict[int, list[str]] | None = None, *, by: Viewer
    ) -> None:
        """Exactly these members of staff are responsible for him from now on. `roles`: person > for what (RESPONSIBLE_FOR);
        who is not in it keeps what he had."""
        rows = await by.users.where(User.kind == "staff", User.state != "blocked").select(User.id)
        if not set(people) <= {row["id"] for row in rows}:
            raise Refused("people", Say("Kies medewerkers van het kantoor."))
        if not (by.sees_all_clients or by.user.all_clients) and by.user.id not in people:
            raise Refused("people", Say("U ziet alleen uw eigen cliënten: laat uzelf staan, of vraag het een collega."))
        held = await engine.raw("SELECT person, roles FROM responsible WHERE client = $1", self.id)
        kept = {row["person"]: row["roles"] for row in held}
        await Responsible.delete().where(Responsible.client == self.id)
        if people:
            told = {one: ",".join(r for r in RESPONSIBLE_FOR if r in (roles or {}).get(one, [])) for one in roles or {}}
            rights = [(self.id, one, told.get(one, kept.get(one, ""))) for one in dict.fromkeys(people)]
            await engine.copy_rows("responsible", ("client", "person", "roles"), rights)
        await _settle(self.id)
        await touch("clients", f"client-{self.id}")


class Membership(Owned, Table, tablename="membership"):
    """A client in a group."""

    client = ForeignKey(Client, null=False, on_delete=OnDelete.cascade)
    client_group = ForeignKey(ClientGroup, null=False, on_delete=OnDelete.cascade)
    source = Varchar(length=6, default="hand", help_text="hand (also: by an import), or rule")
    imported = Integer(null=True, default=None, index=True)

    membership_unique = Unique([client, client_group])

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return visible_client(cls.client, viewer) if viewer.is_staff else cls.id < 0


RESPONSIBLE_FOR = {
    "manager": Say("Relatiebeheer"),
    "assistant": Say("Assistent"),
    "tax": Say("Belastingen"),
    "payroll": Say("Salarissen"),
    "accounts": Say("Administratie"),
}


class Responsible(Owned, Table, tablename="responsible"):
    """A staff member who looks after a client: whom the client sees as contact, and what a restricted employee may see."""

    client = ForeignKey(Client, null=False, on_delete=OnDelete.cascade)
    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade)
    roles = Varchar(length=120, default="", help_text="For what, by commas: see RESPONSIBLE_FOR")
    imported = Integer(null=True, default=None, index=True)

    responsible_unique = Unique([person, client])

    EXPORTS = Export(Say("Verantwoordelijk voor cliënten"), by=("person",))
    ERASES = Erase(deletes=True)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return visible_client(cls.client, viewer)


class Access(Owned, Table, tablename="access"):
    """What one user may do for one client: the rights belong to the pair."""

    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade)
    client = ForeignKey(Client, null=False, on_delete=OnDelete.cascade)
    rights = Integer(default=0, help_text="bits of viewer.Right: what counts; follows from the next two (see rights)")
    role = Varchar(length=40, default="", help_text="The key of his template of rights: beheerder, lezer, …; or ''")
    own = Integer(default=0, help_text="What he was given beside the template.")
    created_at = Timestamptz()
    imported = Integer(null=True, default=None, index=True)

    access_unique = Unique([person, client])

    EXPORTS = Export(Say("Toegang tot cliënten"), by=("person",))
    ERASES = Erase(deletes=True)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        if viewer.is_client:
            return cls.person == viewer.user.id
        return visible_client(cls.client, viewer)


@operation(Permission.MANAGE_CLIENTS, trail=False)
async def add_client(clients: Scope[Client], /, *, by: Viewer, **details: Any) -> Client:
    """A new client. Who sees only his own clients becomes responsible for it."""
    values = checked(details)
    await _number_is_free(values["number_key"], 0)
    await office_fits(values["office"], by)
    client = Client(**{**values, "office": by.fence or values["office"]}, created_at=utcnow())
    await client.save()
    if not (by.sees_all_clients or by.user.all_clients):
        await Responsible(client=client.id, person=by.user.id).save()
    await _settle(client.id)
    await by.note("Client.add", client, {"name": client.name, "number": client.number})
    await touch("clients", "rollout")
    return client


@operation(Permission.MANAGE_CLIENTS, trail=False)
async def add_group(groups: Scope[ClientGroup], *, name: str, description: str = "", by: Viewer) -> ClientGroup:
    await _group_name_is_free(name, 0)
    group = ClientGroup(name=name, name_key=fold(name), description=description, created_at=utcnow())
    await group.save()
    await by.note("ClientGroup.add", group, {"name": name})
    await touch("clients", "rollout")
    return group


async def office_fits(office: int | None, by: Viewer) -> None:
    """A branch office that exists; who works within one gives no client to another."""
    if by.fence and office not in (None, by.fence):
        raise Refused("office", Say("U kunt een cliënt alleen aan uw eigen vestiging geven."))
    if office and not await engine.raw("SELECT 1 AS one FROM office WHERE id = $1", office):
        raise Refused("office", Say("Deze vestiging bestaat niet meer."))


async def _settle(*clients: int) -> None:
    from models.clients.reach import settle  # which needs the tables here

    await settle(clients=clients or None)


async def _number_is_free(key: str, but: int) -> None:
    # Also a client that this viewer may not see has his number: said without telling whose it is.
    if await Client.exists().where((Client.number_key == key) & (Client.id != but)):
        raise Refused("number", Say("Dit cliëntnummer is al in gebruik."))


async def _group_name_is_free(name: str, but: int) -> None:
    if not name.strip():
        raise Refused("name", Say("Vul een naam in."))
    if len(name) > 120:
        raise Refused("name", Say("Dit is {n} tekens; er passen er {most}.", n=len(name), most=120))
    if await ClientGroup.exists().where((ClientGroup.name_key == fold(name)) & (ClientGroup.id != but)):
        raise Refused("name", Say("Er is al een groep “{name}”.", name=name))


def visible_client(column: Any, viewer: Viewer) -> Any:
    """The comparison by which every client-owned table is bounded: one column against the viewer's clients.

    For a client user it says only that he has access; tables with a right of their own narrow it further.
    """
    limit, seen = viewer.within(column), _visible_client(column, viewer)
    return seen if limit is None else seen & limit


def _visible_client(column: Any, viewer: Viewer) -> Any:
    if viewer.is_client:
        return column.is_in(list(viewer.grants)) if viewer.grants else column < 0
    if viewer.has_all_clients:
        return column > 0
    if viewer.user.all_clients:
        return column.is_in(Client.select(Client.id).where(Client.office == viewer.fence))
    from models.clients.reach import Reach

    return column.is_in(Reach.select(Reach.client).where(Reach.person == viewer.user.id))


def seen(viewer: Viewer, column: str = "c.id") -> str:
    """As `visible_client`, as SQL. The numbers in it are ids out of our own rows, never text that somebody typed."""
    limit = viewer.within_sql(column)
    return f"({_seen(viewer, column)} AND {limit})" if limit else _seen(viewer, column)


def _seen(viewer: Viewer, column: str) -> str:
    if viewer.is_client:
        return f"{column} IN ({', '.join(str(int(id)) for id in viewer.grants) or '-1'})"
    if viewer.has_all_clients:
        return "1 = 1"
    if viewer.user.all_clients:
        return f"{column} IN (SELECT z.id FROM client z WHERE z.office = {int(viewer.fence or 0)})"
    return f"{column} IN (SELECT z.client FROM reach z WHERE z.person = {int(viewer.user.id)})"


def with_right(column: Any, viewer: Viewer, right: Any) -> Any:
    """As `visible_client`, and for a client user only where he has `right`."""
    if viewer.is_client:
        ids = viewer.client_ids_with(right)
        return column.is_in(ids) if ids else column < 0
    if right is Right.VIEW_DOSSIER and not viewer.may(Permission.READ_DOSSIERS):
        return column < 0
    return visible_client(column, viewer)


# The folders that are opened one by one, by the names on the way to them (`given`) or themselves to a template (`direct`),
# with all that lies in them: `level` is 1 to look and 2 to hand in as well; a folder may be there more than once. With level 0
# what is passed on the way there. `coalesce` keeps SQLite from reading the tops of all clients; and only where a name that is
# given goes on behind a folder its folders are looked at, for there may be thousands in it.
_GRANTS_SQL = """
WITH RECURSIVE given(client, place, level) AS (
 SELECT a.client, o.name_key, max(CASE WHEN o.act THEN 2 ELSE 1 END) FROM access a JOIN client c ON c.id = a.client
 JOIN folder_right o ON o.access = a.id OR o.template = (SELECT t.id FROM rights_template t WHERE t.key = a.role)
 WHERE a.person = $1 AND c.state = 'active' AND (c.modules = '' OR ',' || c.modules || ',' LIKE '%,dossiers,%')
 GROUP BY a.client, o.name_key
), way(client, folder, parent, place) AS (
 SELECT f.client, f.id, f.parent, CAST(f.name_key AS TEXT) FROM folder f
 WHERE f.client IN (SELECT client FROM given) AND coalesce(f.parent, 0) = 0 AND f.trashed_at IS NULL AND f.kind <> 'internal'
 AND EXISTS (SELECT 1 FROM given g WHERE g.client = f.client AND (g.place = f.name_key
  OR substr(g.place, 1, length(f.name_key) + 3) = f.name_key || ' › '))
 UNION ALL SELECT w.client, f.id, f.parent, w.place || ' › ' || f.name_key
 FROM way w JOIN folder f ON f.parent = w.folder WHERE f.trashed_at IS NULL AND f.kind <> 'internal'
 AND EXISTS (SELECT 1 FROM given g WHERE g.client = w.client AND substr(g.place, 1, length(w.place) + 3) = w.place || ' › ')
 AND EXISTS (SELECT 1 FROM given g WHERE g.client = w.client AND (g.place = w.place || ' › ' || f.name_key
  OR substr(g.place, 1, length(w.place) + length(f.name_key) + 6) = w.place || ' › ' || f.name_key || ' › '))
), opened(client, folder, parent, level) AS (
 SELECT w.client, w.folder, w.parent, g.level FROM way w JOIN given g ON g.client = w.client AND g.place = w.place
 UNION SELECT a.client, f.id, f.parent, CASE WHEN g.act THEN 2 ELSE 1 END FROM access a JOIN client c ON c.id = a.client
 JOIN rights_template t ON t.key = a.role JOIN folder_grant g ON g.template = t.id AND g.client = a.client
 JOIN folder f ON f.id = g.folder AND f.client = a.client AND f.trashed_at IS NULL AND f.kind <> 'internal'
 WHERE a.person = $1 AND c.state = 'active' AND (c.modules = '' OR ',' || c.modules || ',' LIKE '%,dossiers,%')
), inside(client, folder, level) AS (
 SELECT client, folder, level FROM opened
 UNION ALL SELECT i.client, f.id, i.level FROM inside i JOIN folder f ON f.parent = i.folder
 WHERE f.trashed_at IS NULL AND f.kind <> 'internal'
), passed(client, folder, parent) AS (
 SELECT o.client, p.id, p.parent FROM opened o JOIN folder p ON p.id = o.parent
 UNION SELECT x.client, p.id, p.parent FROM passed x JOIN folder p ON p.id = x.parent
) SELECT a.client AS client_id, a.rights, EXISTS (SELECT 1 FROM approver v JOIN approval_request q ON q.id = v.request
  WHERE v.person = $1 AND v.client = a.client AND v.step = 0 AND q.offered_at IS NOT NULL) AS looks_on, c.name, c.number, c.second_factor, c.office, coalesce(o.level, 0) AS level, o.folders
FROM access a JOIN client c ON c.id = a.client
LEFT JOIN (SELECT o.client, o.level, {array} AS folders FROM inside o GROUP BY o.client, o.level
 UNION ALL SELECT o.client, 0, {array} FROM passed o GROUP BY o.client) o ON o.client = a.client
WHERE a.person = $1 AND c.state = 'active' ORDER BY c.sort_key, c.id
"""
_ARRAY = {True: "json_group_array(o.folder)", False: "json_agg(o.folder)"}


async def granted(user_id: int) -> list[Granted]:
    """What a client user may, for each client that the office still serves."""
    rows: dict[int, dict[Any, Any]] = {}
    for row in await engine.raw(_GRANTS_SQL.format(array=_ARRAY[engine.is_sqlite()]), user_id):
        rows.setdefault(row["client_id"], {**row})[row["level"]] = json.loads(row["folders"] or "[]")
    return [
        Granted(
            row["client_id"],
            row["name"],
            row["number"],
            Right(row["rights"]),
            opened := dict.fromkeys(row.get(1, ()), False) | dict.fromkeys(row.get(2, ()), True),
            row["office"],
            row["second_factor"],
            frozenset() if Right.VIEW_DOSSIER in Right(row["rights"]) else frozenset(row.get(0, ())) - opened.keys(),
            bool(row["looks_on"]),
        )
        for row in rows.values()
    ]


def _kept(name: str, value: Any) -> Any:
    """As the trail keeps it: a day as text; of what is for staff alone only that it changed."""
    if name in PRIVATE:
        return "…" if value else ""
    return value.isoformat() if isinstance(value, dt.date) else value
