"""Adding a person step by step: who it is, his address, what he may, at which clients, his mail, and how it ends.

Each step is kept at once, so that it can be left and gone on with. A person exists from the first step on, and nothing is
mailed before the last one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from piccolo.columns import ForeignKey, Integer, OnDelete, Timestamptz, Varchar
from piccolo.constraints import Unique
from piccolo.table import Table

from models import engine
from models.accounts.managing import checked_name, new_person
from models.accounts.reaching import checked_rights, give_many, rights_follow
from models.accounts.records import User
from models.core import Missing, Owned, Refused, Say, Scope, operation, save
from models.live import touch
from models.personal import Erase, Export
from models.settings import sort_rule, utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.clients import Client
    from models.viewer import Viewer

STEPS = ("person", "email", "rights", "clients", "mail", "finish")


class Preparation(Owned, Table, tablename="preparation"):
    """How far the steps of adding somebody are; gone when they are finished."""

    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade)
    begun_by = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null, index=True)
    client = Integer(null=True, default=None, help_text="The client at whose page it was begun.")
    step = Varchar(length=8, default="email", help_text="The step that comes next: one of STEPS.")
    role = Varchar(length=40, default="lezer", help_text="The template that he gets at the clients that are added.")
    own = Integer(default=0, help_text="What he gets there beside it.")
    begun_at = Timestamptz()

    preparation_person_unique = Unique([person])

    EXPORTS = Export(Say("Nog niet afgeronde stappen"), by=("person", "begun_by"))
    ERASES = Erase(deletes=True)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.person.is_in(User.select(User.id).where(User.visible_to(viewer))) if viewer.is_staff else cls.id < 0


async def preparation_of(person: int) -> Preparation | None:
    """None when his steps are finished, or he was added in another way."""
    return await Preparation.objects().where(Preparation.person == person).first()


async def accesses_of(viewer: Viewer, person: User) -> list[dict[str, Any]]:
    """The clients he reaches, as far as this viewer sees them: client, name, number, role."""
    from models.clients import seen

    return await engine.raw(
        "SELECT a.client, a.role, c.name, c.number FROM access a JOIN client c ON c.id = a.client "
        f"WHERE a.person = $1 AND {seen(viewer)} ORDER BY c.sort_key, c.id LIMIT 200",
        person.id,
    )


@operation(Permission.MANAGE_USERS, trail=False)
async def begin(users: Scope[User], /, *, client: Client | None = None, by: Viewer, **names: str) -> User:
    """The first step: a prepared person, who needs only a last name. `client` is where he will be given access first."""
    from models.clients.grouping import default_template

    person = new_person("client", "", checked_name(names), rule=await sort_rule())
    await person.save()
    template = await default_template([client.id]) if client else ""
    await Preparation(
        person=person.id,
        begun_by=by.user.id,
        client=client.id if client else None,
        role=template or "lezer",
        begun_at=utcnow(),
    ).save()
    await by.note("User.add", person, {"name": person.display_name})
    await touch("users", "rollout")
    return person


@operation(Permission.MANAGE_USERS, trail=False)
async def reach_step(person: User, step: str, *, by: Viewer) -> None:
    """This step comes next when somebody goes on; never one that lies before the furthest."""
    found = await _preparation(person, by)
    if STEPS.index(step) > STEPS.index(found.step):
        await save(found, step=step)


@operation(Permission.MANAGE_USERS, trail=False)
async def choose_rights(person: User, role: str, rights: int | None = None, *, by: Viewer) -> None:
    """What he gets at the clients that are added from now on, and at those that got what was chosen here before.

    The client at whose page it began is added with it.
    """
    from models.clients import Client

    found = await _preparation(person, by)
    own = await checked_rights(role, rights)
    await rights_follow(person, (found.role, found.own), (role, own), by=by)
    await save(found, role=role, own=own)
    if found.client is not None and found.step in ("person", "email", "rights"):
        still = await by.clients.where(Client.id == found.client, Client.state == "active").exists()
        await give_many(person, {found.client: (role, own)} if still else {}, by=by)
    await reach_step(person, "clients", by=by)


@operation(Permission.MANAGE_USERS, trail=False)
async def add_clients(person: User, chosen: dict[int, str], *, by: Viewer) -> int:
    """Access to these clients, each with its own template (id > key); how many were new to him."""
    found = await _preparation(person, by)
    given = {}
    for client, role in chosen.items():
        own = found.own if role == found.role else 0
        given[client] = (role, await checked_rights(role, own))
    return await give_many(person, given, by=by)


@operation(Permission.MANAGE_USERS, trail=False)
async def finish(person: User, *, invite: bool, by: Viewer) -> None:
    """The last step. `invite` says that the sender saw the mail; else he stays prepared and nothing goes out."""
    found = await _preparation(person, by)
    if invite:
        await person.invite(by=by)
    await Preparation.delete().where(Preparation.id == found.id)
    await touch("users", "rollout", f"user-{person.id}")


@operation(Permission.MANAGE_USERS, trail=False)
async def discard(person: User, *, by: Viewer) -> None:
    """He is not added after all: the person goes, with the access he was given. Refused once he was invited."""
    found = await _preparation(person, by)
    known = "SELECT person FROM link UNION ALL SELECT person FROM activation_code UNION ALL SELECT person FROM opening_person"
    if person.state != "prepared" or await engine.raw(f"SELECT 1 AS one FROM ({known}) k WHERE person = $1", person.id):
        raise Refused("", Say("Deze persoon is al uitgenodigd of gekozen voor een uitnodiging, en blijft bestaan."))
    approves = "SELECT person FROM approver UNION ALL SELECT person FROM approver_role UNION ALL SELECT giver FROM mandate UNION ALL SELECT taker FROM mandate"
    if await engine.raw(f"SELECT 1 AS one FROM ({approves}) k WHERE person = $1 LIMIT 1", person.id):
        raise Refused("", Say("Deze persoon staat al bij de accordeurs van een cliënt, en blijft bestaan."))
    await by.note("User.discard", person, {"name": person.display_name})
    await User.delete().where(User.id == found.person)
    await touch("users", "clients", "rollout")


async def _preparation(person: User, by: Viewer) -> Preparation:
    await person.may_be_managed(by)
    found = await preparation_of(person.id)
    if found is None:
        raise Missing("Preparation", person.id)
    return found
