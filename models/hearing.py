"""How a client's people hear of what is new: daily, at once or not, for all their clients or for one; and until when they were told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from piccolo.columns import ForeignKey, OnDelete, Timestamptz, Varchar
from piccolo.table import Table

from models import engine
from models.accounts import User
from models.accounts.blocking import listed
from models.accounts.managing import DIGESTS
from models.audit import Trail
from models.clients import Client
from models.core import Gone, Owned, Refused, Say, operation, save
from models.personal import Erase, Export
from models.secret_box import decrypt, encrypt
from models.settings import Firm, utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    import datetime as dt

    from models.viewer import Viewer


_SEAL = "hear-no-more "


class Hearing(Owned, Table, tablename="hearing"):
    """Of one person: until when he was told of all his clients (`client` NULL), or of one for which he chose otherwise.

    How he hears of all of them stands in `User.digest`, where '' is as the office has it.
    """

    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade)
    client = ForeignKey(Client, null=True, default=None, on_delete=OnDelete.cascade, index=True)
    how = Varchar(length=8, default="", help_text="daily, at_once or never; '' as of all his clients")
    told_until = Timestamptz(null=True, default=None)

    EXPORTS = Export(Say("Voorkeuren voor mail per cliënt"), by=("person",))
    ERASES = Erase(deletes=True)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.person == viewer.user.id


# After `access a`, whoever can hear of something: `u` himself, `c` the client, `h` and `p` his choice for it and for all.
HEARER = """JOIN users u ON u.id = a.person AND u.kind = 'client' AND u.state = 'active' AND u.email <> ''
 JOIN client c ON c.id = a.client AND c.state = 'active'
 LEFT JOIN hearing h ON h.person = a.person AND h.client = a.client
 LEFT JOIN hearing p ON p.person = a.person AND p.client IS NULL"""


def how_sql(firm: Firm) -> str:
    """How the hearer hears of this client: daily, at_once or never."""
    office = firm.client_digest if firm.client_digest in DIGESTS else "daily"
    return _how(f"'{office}'")


def _how(office: str) -> str:
    return f"(CASE WHEN coalesce(h.how, '') <> '' THEN h.how WHEN u.digest <> '' THEN u.digest ELSE {office} END)"


# The same for who has not read the office's own choice: `u` and `h` as above.
HOW_NOW = _how(
    "coalesce((SELECT min(f.client_digest) FROM firm f WHERE f.client_digest IN ("
    + ", ".join(f"'{how}'" for how in DIGESTS)
    + ")), 'daily')"
)


async def choices_of(viewer: Viewer) -> dict[int, str]:
    """client > how, of those clients for which this person chose otherwise."""
    rows = await engine.raw("SELECT client, how FROM hearing WHERE person = $1 AND how <> ''", viewer.user.id)
    return {row["client"]: row["how"] for row in rows if row["client"] in viewer.grants}


@operation(Permission.OWN_ACCOUNT, trail=False)
async def choose(user: User, of_clients: dict[int, str], *, by: Viewer) -> None:
    """How he hears of each of these clients of his; '' as of all. What he did not want to hear he is not told afterwards."""
    if user.id != by.user.id or any(how not in ("", *DIGESTS) for how in of_clients.values()):
        raise Refused("", Say("Kies een van de mogelijkheden."))
    held = {
        row["client"]: row["how"]
        for row in await engine.raw("SELECT client, how FROM hearing WHERE person = $1", user.id)
    }
    for client, how in of_clients.items():
        if client not in by.grants or how == held.get(client, ""):
            continue
        now = utcnow() if held.get(client) == "never" else None
        await _put(user.id, client, how, now)


async def hears_again(person: int) -> None:
    """From now on, and not of what was while he wanted to hear nothing."""
    await _from_now_on("u.id = $2", person)


async def hear_again(people: list[int]) -> None:
    """As `hears_again`, of those among these who hear nothing now."""
    await _from_now_on(f"u.digest = 'never' AND u.id IN {listed(2)}", json.dumps(people))


async def office_hears_again() -> None:
    """As `hears_again`, for whoever hears as the office has it."""
    await _from_now_on("u.digest = ''")


async def _from_now_on(which: str, *args: Any) -> None:
    now = utcnow()
    await engine.raw(
        f"INSERT INTO hearing (person, client, how, told_until) SELECT u.id, NULL, '', $1 FROM users u WHERE u.kind = 'client' AND {which} "
        "ON CONFLICT (person, coalesce(client, 0)) DO UPDATE SET told_until = excluded.told_until",
        now, *args,
    )  # fmt: skip
    await engine.raw(
        "UPDATE hearing SET told_until = $1 WHERE how = '' AND client IS NOT NULL "
        f"AND person IN (SELECT u.id FROM users u WHERE u.kind = 'client' AND {which})",
        now, *args,
    )  # fmt: skip


def stop_token(person: int) -> str:
    """For the link in a mail by which one hears no more: sealed, so that nobody makes one up."""
    return encrypt(f"{_SEAL}{person}")


async def person_of(token: str) -> User:
    """Whose link this is. Raises Gone."""
    try:
        text = decrypt(token)
    except ValueError:
        text = ""
    number = text.removeprefix(_SEAL) if text.startswith(_SEAL) else ""
    user = await User.objects().where((User.id == int(number)) & (User.kind == "client")).first() if number else None
    if user is None:
        raise Gone(Say("Deze link werkt niet meer. Uw voorkeuren staan bij uw account in het portaal."))
    return user


async def hear_no_more(token: str) -> None:
    """Of nothing that is new or asked; what is about his own account he still gets."""
    person = await person_of(token)
    await save(person, digest="never")
    await engine.raw("UPDATE hearing SET how = '' WHERE person = $1", person.id)
    await Trail.write("User.hear_no_more", person, detail={"name": person.display_name})


async def _put(person: int, client: int, how: str, told_until: dt.datetime | None) -> None:
    await engine.raw(
        "INSERT INTO hearing (person, client, how, told_until) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT (person, coalesce(client, 0)) DO UPDATE SET how = excluded.how, told_until = coalesce(excluded.told_until, hearing.told_until)",
        person, client, how, told_until,
    )  # fmt: skip


_TOLD_SQL = """INSERT INTO hearing (person, client, how, told_until) VALUES ($1, $2, '', $3)
ON CONFLICT (person, coalesce(client, 0)) DO UPDATE SET told_until = excluded.told_until"""


async def told(people: list[int], of_clients: list[tuple[int, int]], until: dt.datetime) -> None:
    """Until when these people were told of all their clients, and these (person, client) of one."""
    await engine.raw(
        f"INSERT INTO hearing (person, client, how, told_until) SELECT u.id, NULL, '', $2 FROM users u WHERE u.id IN {listed(1)} "
        "ON CONFLICT (person, coalesce(client, 0)) DO UPDATE SET told_until = excluded.told_until",
        json.dumps(people), until,
    )  # fmt: skip
    await engine.raw_many(_TOLD_SQL, [(person, client, until) for person, client in of_clients])
