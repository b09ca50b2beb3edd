"""What client users propose to change: of their company as the office knows it, and of themselves. Staff accept or refuse."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, NamedTuple

from piccolo.columns import ForeignKey, OnDelete, Text, Timestamptz, Varchar
from piccolo.constraints import Check
from piccolo.table import Table

from models import engine
from models.accounts import User
from models.accounts.managing import NAMES, checked_name
from models.clients import Client, visible_client
from models.clients.checks import ADDRESS, checked
from models.clients.checks import FIELDS as CLIENT_FIELDS
from models.core import Owned, Refused, Say, operation, save
from models.live import touch
from models.outbox import Kind, ask
from models.personal import Erase, Export
from models.settings import utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

OF_COMPANY = (
    "name", "legal_form", "kvk", "vat", "iban", *ADDRESS, *(f"post_{name}" for name in ADDRESS),
    "email", "phone", "website", "language", "formal",
)  # fmt: skip
OF_PERSON = ("first_name", "initials", "prefix", "surname", "phone", "mobile")
ME = "me_"  # before the name of a field of the person himself
MOST = 1000  # characters of a remark or an answer


class Change(NamedTuple):
    """A field as it was when it was proposed, and as it should become; of a proposal that waits also as it is now."""

    name: str
    before: Any
    after: Any
    now: Any = None

    @property
    def of_person(self) -> bool:
        return self.name.startswith(ME)

    @property
    def field(self) -> str:
        return self.name.removeprefix(ME)


class Proposal(Owned, Table, tablename="proposal"):
    """Changes that somebody asks of the office. waiting > accepted | refused | withdrawn (by him, or by a later one)."""

    client = ForeignKey(Client, null=False, on_delete=OnDelete.cascade, index=True)
    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade, index=True)
    state = Varchar(length=9, default="waiting", index=True)
    changes = Text(help_text="JSON: field > [before, after]; of the person himself with me_ before it")
    accepted = Text(default="[]", help_text="JSON: the fields that were accepted")
    remark = Varchar(length=MOST, default="")
    answer = Varchar(length=MOST, default="", help_text="What the office says to it.")
    proposed_at = Timestamptz()
    decided_at = Timestamptz(null=True, default=None)
    decided_by = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null)

    proposal_state_known = Check("state IN ('waiting', 'accepted', 'refused', 'withdrawn')")

    EXPORTS = Export(Say("Voorstellen"), by=("person", "decided_by"))
    ERASES = Erase(deletes=True)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return visible_client(cls.client, viewer) if viewer.is_staff else cls.person == viewer.user.id

    @property
    def items(self) -> list[Change]:
        return [Change(name, *pair) for name, pair in json.loads(self.changes).items()]

    @property
    def taken(self) -> set[str]:
        return set(json.loads(self.accepted))

    async def proposer(self) -> User:
        return await User.objects().get(User.id == self.person)  # type: ignore[return-value]

    async def as_it_is_now(self) -> list[Change]:
        """With beside each what stands there at this moment."""
        client, person = await Client.objects().get(Client.id == self.client), await self.proposer()
        return [one._replace(now=getattr(person if one.of_person else client, one.field)) for one in self.items]

    @operation(Permission.MANAGE_CLIENTS, trail=False)
    async def decide(self, accept: Collection[str], answer: str, *, by: Viewer) -> None:
        """The fields in `accept` are changed, the others not; he hears of it by mail, with the answer.

        Raises:
            Refused: somebody else decided meanwhile, or a value is not possible any more.
        """
        self._still_waits()
        if len(answer) > MOST:
            raise Refused("answer", Say("Dit is {n} tekens; er passen er {most}.", n=len(answer), most=MOST))
        taken = [one for one in self.items if one.name in accept]
        client, person = await by.clients.get(self.client), await self.proposer()
        if company := {one.name: one.after for one in taken if not one.of_person}:
            await client.change(seen=client.version, by=by, **company)
        if own := {one.field: one.after for one in taken if one.of_person}:
            await person.change_name(by=by, **own)
        names = [one.name for one in taken]
        await save(
            self,
            state="accepted" if taken else "refused",
            accepted=json.dumps(names),
            answer=answer,
            decided_at=utcnow(),
            decided_by=by.user.id,
        )
        done = "Proposal.accept" if taken else "Proposal.refuse"
        detail = {"name": person.display_name, "count": len(taken), "of": len(self.items)}
        await by.note(done, self, detail)
        await ask(Kind.PROPOSAL, self.id, person=self.person, fields=names, of=[one.name for one in self.items],
                  answer=answer, company=client.name)  # fmt: skip
        await _tell(self.client)

    @operation(Permission.CHANGE_DETAILS)
    async def withdraw(self, *, by: Viewer) -> None:
        self._still_waits()
        await save(self, state="withdrawn", decided_at=utcnow())
        await _tell(self.client)

    def _still_waits(self) -> None:
        if self.state != "waiting":
            raise Refused("", Say("Over dit voorstel is al besloten, of het is ingetrokken."))


@operation(Permission.CHANGE_DETAILS, trail=False)
async def propose(client: Client, /, *, remark: str = "", by: Viewer, **details: Any) -> Proposal:
    """Ask the office to change these details. Who proposed before, and was not answered yet, replaces that.

    Raises:
        Refused: beside the field that is wrong; or nothing differs.
    """
    changes = _differences(client, by.user, details)
    if not changes:
        raise Refused("", Say("U wijzigde niets. Pas aan wat niet meer klopt, en verstuur het dan."))
    if len(remark) > MOST:
        raise Refused("remark", Say("Dit is {n} tekens; er passen er {most}.", n=len(remark), most=MOST))
    now = utcnow()
    await engine.raw(
        "UPDATE proposal SET state = 'withdrawn', decided_at = $3 WHERE client = $1 AND person = $2 AND state = 'waiting'",
        client.id, by.user.id, now,
    )  # fmt: skip
    proposal = Proposal(
        client=client.id, person=by.user.id, changes=json.dumps(changes), remark=remark, proposed_at=now
    )
    await proposal.save()
    await by.note("Proposal.add", proposal, {"name": client.name, "count": len(changes)})
    await _tell(client.id)
    return proposal


def _differences(client: Client, person: User, details: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Checked as the office's own typing is, so that accepting is one press."""
    there = {name: getattr(client, name) for name in CLIENT_FIELDS}
    typed = {name: value for name, value in details.items() if name in OF_COMPANY}
    company = checked(there | typed)
    own = {name: str(details[ME + name]) for name in OF_PERSON if ME + name in details}
    names = {name: getattr(person, name) for name in NAMES}
    try:
        me = checked_name(names | own)
    except Refused as refused:
        raise Refused(ME + refused.field, refused.why) from refused
    return {name: (there[name], company[name]) for name in typed if company[name] != there[name]} | {
        ME + name: (names[name], me[name]) for name in own if me[name] != names[name]
    }


async def waiting_of(viewer: Viewer, client: Client) -> Proposal | None:
    """What this person proposed for the client and is not answered yet."""
    return (
        await viewer.scope(Proposal)
        .where(Proposal.client == client.id, Proposal.person == viewer.user.id, Proposal.state == "waiting")
        .find()
    )


async def last_answered(viewer: Viewer, client: Client) -> Proposal | None:
    rows = await engine.raw(
        "SELECT max(id) AS id FROM proposal WHERE client = $1 AND person = $2 AND state IN ('accepted', 'refused')",
        client.id,
        viewer.user.id,
    )
    return await viewer.scope(Proposal).get(rows[0]["id"]) if rows[0]["id"] else None


async def page(viewer: Viewer, state: str, number: int, size: int) -> tuple[list[dict[str, Any]], int]:
    """One page, counted from 1, of the proposals that this colleague sees: id, client, client_name, who, state, proposed_at,
    fields; what waits longest first, else the newest first."""
    from models.clients import seen

    where = f"p.state = $1 AND {seen(viewer, 'p.client')}"
    order = "p.id" if state == "waiting" else "p.id DESC"
    rows = await engine.raw(
        "SELECT p.id, p.client, c.name AS client_name, u.full_name AS who, p.state, p.proposed_at, p.changes FROM proposal p "
        f"JOIN client c ON c.id = p.client JOIN users u ON u.id = p.person WHERE {where} "
        f"ORDER BY {order} LIMIT {int(size)} OFFSET {int((number - 1) * size)}",
        state,
    )
    total = (await engine.raw(f"SELECT count(*) AS n FROM proposal p WHERE {where}", state))[0]["n"]
    return [row | {"fields": list(json.loads(row["changes"]))} for row in rows], int(total)


async def _tell(client: int) -> None:
    await touch("clients", f"client-{client}")
