"""What the office does with PINs it has issued: re-issue, block, and mark that the letter came back. Of one person or many."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from models import engine
from models.accounts import User
from models.accounts.blocking import listed
from models.accounts.managing import beyond_sql
from models.core import Refused, Say, Scope, operation, save
from models.live import touch
from models.passkeys import Passkey
from models.pins.issuing import WORKS, end, note_each, return_pins
from models.pins.records import KINDS
from models.settings import utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

MOST = 10_000  # people at once

Maker = Callable[[Sequence[int], str, "Viewer"], Awaitable[str]]
_makers: list[Maker] = []


def letters_come_from(maker: Maker) -> None:
    """For the part that makes letters, where it is made: `maker(people, kind, by)` begins a batch of fresh letters with what is
    stored by `store`, in the present unit, and gives the address of its page. Without one, a re-issue ends what there was,
    and the people stand in the list of those who have none."""
    _makers[:] = [maker]


class Done(NamedTuple):
    """How many people it was done for, how many were passed over, and where to go on ('' for nowhere)."""

    done: int
    passed: int
    address: str = ""


@operation(Permission.PRINT_PINS, trail=False)
async def reissue(found: Scope[User], kind: str, *, by: Viewer) -> Done:
    """What they had of the kind works no more, from this moment; a letter with a fresh one is begun. Also for who had none."""
    people, passed = await _manageable(found, by)
    return Done(len(people), passed, await _begin(people, _known(kind), by) if people else "")


async def _begin(people: Sequence[int], kind: str, by: Viewer) -> str:
    await end(people, kind, by_person=by.user.id)
    await note_each("Pin.reissue", people, kind, by.user.id)
    await touch("pins", "asked", *(f"user-{person}" for person in people[:50]))
    return await _makers[0](people, kind, by) if _makers else ""


@operation(Permission.PRINT_PINS, trail=False)
async def block(found: Scope[User], kind: str, *, by: Viewer) -> Done:
    """What works of theirs is blocked: only a re-issue helps. Who has none, or has it blocked, is passed over."""
    people, passed = await _manageable(found, by)
    now = utcnow()
    rows = await engine.raw(
        f"UPDATE pin SET state = 'blocked', blocked_at = $1 WHERE kind = $2 AND {WORKS} AND person IN {listed(3)} RETURNING person",
        now, _known(kind), json.dumps(people),
    )  # fmt: skip
    await note_each("Pin.block", [row["person"] for row in rows], kind, by.user.id)
    await touch("pins", "asked", *(f"user-{row['person']}" for row in rows[:50]))
    return Done(len(rows), passed + len(people) - len(rows))


@operation(Permission.PRINT_PINS, trail=False)
async def return_mail(found: Scope[User], kind: str, *, by: Viewer) -> Done:
    """Their letter came back: what stood in it works no more. Who used it already had got it, and is passed over."""
    people, passed = await _manageable(found, by)
    rows = await engine.raw(
        f"SELECT id FROM pin WHERE kind = $1 AND state IN ('made', 'printed', 'posted') AND person IN {listed(2)}",
        _known(kind), json.dumps(people),
    )  # fmt: skip
    done = await return_pins([row["id"] for row in rows], by_person=by.user.id)
    return Done(done, passed + len(people) - done)


@operation(Permission.OWN_ACCOUNT, trail=False)
async def replace_by_passkey(person: User, passkey: Passkey, *, by: Viewer) -> None:
    """The person himself, after this passkey of his has just worked and he showed the PIN: his PIN dies, and the passkey counts."""
    if by.user.id != person.id or passkey.person != person.id:
        raise Refused("", Say("Dit is geen passkey van u."))
    if not await end([person.id], "pin", by_person=person.id):
        raise Refused("", Say("U hebt geen pincode die nog werkt."))
    await save(passkey, counts_from=None)
    await by.note("Pin.replace_by_passkey", person, {"name": passkey.name})
    await person.tell("pin_replaced")
    await touch("pins", f"user-{person.id}")


def _known(kind: str) -> str:
    if kind not in KINDS:
        raise Refused("kind", Say("Kies een van de mogelijkheden."))
    return kind


async def _manageable(found: Scope[User], by: Viewer) -> tuple[list[int], int]:
    """Of these people the client users who are not blocked and reach no client that the colleague does not see; how many are
    passed over."""
    rows = await found.select(User.id, User.kind, User.state, limit=MOST + 1)
    if len(rows) > MOST:
        raise Refused("", Say("Dit zijn er te veel voor één keer. Kies er hoogstens {most}.", most=MOST))
    people = [row["id"] for row in rows if row["kind"] == "client" and row["state"] != "blocked"]
    if people and not by.sees_all_clients:
        beyond = await engine.raw(
            f"SELECT u.id FROM users u WHERE u.id IN {listed(1)} AND EXISTS ({beyond_sql(by, 'u.id')})",
            json.dumps(people),
        )
        people = sorted(set(people) - {row["id"] for row in beyond})
    return people, len(rows) - len(people)
