"""Fills an office with sample records: set-based, and the same for the same seed."""

from __future__ import annotations

import datetime as dt
from random import Random

from models import engine
from models.accounts import User
from models.clients import Client, settle, settle_rights
from models.clients.sectors import link_by_name
from models.core import Refused, Say, fold, operation, save
from models.live import touch
from models.passwords import hash_password
from models.people import keys_of
from models.sample import approvals, documents, enterprises, lively, pin_letters
from models.sample.enterprises import Enterprise, Person
from models.sample.papers import GENERAL_PAPERS, MORE_PAPERS, PAPERS, pdf
from models.settings import Firm, utcnow
from models.storage import Stored, storage
from models.texts import keep_up
from models.viewer import Permission, Viewer

Papers = dict[str, Stored]

OPENED = dt.timedelta(days=20)  # how long ago the gates were opened for some

STAFF = (
    ("anna@kantoor.example", "Anna", "de", "Wit", "administrator", True),
    ("ed@kantoor.example", "Ed", "", "Kuipers", "employee", False),
)
CAST_EMAILS = tuple(
    dict.fromkeys((*(line[0] for line in STAFF), *(person.email for one in enterprises.CAST for person in one.people)))
)


class NotEmpty(Exception):
    """The database holds an office already; the sample office fills only an empty one."""


async def keep_papers() -> Papers:
    """Put the documents of the sample office in the storage; outside any unit."""
    return {name: await storage().put(pdf(title)) for name, title in (*PAPERS, *GENERAL_PAPERS, *MORE_PAPERS)}


async def fill(clients: int, seed: int, password: str, *, bare: bool = False) -> None:
    """For an empty database: office, staff and clients. `password` is that of everybody of the cast. `bare`: with tidy dossiers
    in which nothing happened yet.

    Raises:
        NotEmpty: there is an office already.
    """
    papers, hashed = await keep_papers(), await hash_password(password)
    await engine.run_writing(lambda: _fill(clients, seed, hashed, papers, bare))
    while await keep_up():  # so that the papers are found at once, also where no worker runs yet
        pass


async def _fill(clients: int, seed: int, hashed: str, papers: Papers, bare: bool) -> None:
    firm = await Firm.load()
    if firm.is_set_up or await Client.exists() or await User.exists():
        raise NotEmpty
    now = _today()
    await save(
        firm,
        name="Kantoor De Poort",
        place="Zutphen",
        brand="#1f5c4d",
        set_up_at=now,
        setup_hash="",
        changed_at=firm.changed_at + 1,
    )
    staff = await _staff(now, hashed, is_sample=False)
    await _make(firm, clients, seed, hashed, staff["ed@kantoor.example"], papers, now, bare)
    if not bare:
        await save(firm, modules="dossiers,approvals")


@operation(Permission.MANAGE_SETTINGS)
async def _add(firm: Firm, clients: int, seed: int, papers: Papers, *, by: Viewer) -> None:
    if await Client.exists():
        raise Refused("", Say("Er staan al cliënten in. Het voorbeeldkantoor kan alleen in een leeg kantoor."))
    now = _today()
    staff = await _staff(now, "", is_sample=True)
    await _make(firm, clients, seed, "", staff["ed@kantoor.example"], papers, now, bare=False)


async def add(*, by: Viewer, papers: Papers, clients: int = 60, seed: int = 1) -> None:
    """Add the sample clients to an office that is set up and has none yet; nobody of them can sign in."""
    await _add(await Firm.load(), clients, seed, papers, by=by)


def _today() -> dt.datetime:
    six = utcnow().replace(hour=6, minute=0, second=0, microsecond=0)
    return six if six <= utcnow() else six - dt.timedelta(days=1)


async def _staff(now: dt.datetime, hashed: str, *, is_sample: bool) -> dict[str, int]:
    state = "prepared" if is_sample else "active"
    taken = {row["email_key"] for row in await User.select(User.email_key)}
    users = [
        User(
            kind="staff", state=state, role=role, all_clients=everything, password=hashed, email=email, email_key=fold(email),
            first_name=first, prefix=prefix, surname=surname, phone="0575 55 00 00", created_at=now, is_sample=is_sample,
            activated_at=None if is_sample else now,
            **keys_of(first_name=first, prefix=prefix, surname=surname, email=email),  # type: ignore[arg-type]
        )
        for email, first, prefix, surname, role, everything in STAFF
        if email not in taken  # by whoever set the office up, under a name of the sample
    ]  # fmt: skip
    if users:
        await User.insert(*users)
    return {
        row["email_key"]: row["id"] for row in await User.select(User.id, User.email_key).where(User.kind == "staff")
    }


async def _make(
    firm: Firm, count: int, seed: int, hashed: str, ed: int, papers: Papers, now: dt.datetime, bare: bool
) -> None:
    chance = Random(seed)  # noqa: S311  the same every time is what is wanted
    engine.after_commit(engine.analyze)
    made = enterprises.make(chance, count)
    ids = await _clients(made, now)
    await _groups(made, ids, now)
    people = await _people(made, hashed, now)
    await engine.copy_rows(
        "access",
        ("person", "client", "own", "role", "created_at"),
        [
            (people[person.email], ids[one.number], 0 if person.role else int(person.rights), person.role, now)
            for one in made
            for person in one.people
        ],
    )  # fmt: skip
    mine = [(ids[one.number], ed, "manager") for one in made if one.is_of_ed]
    await engine.copy_rows("responsible", ("client", "person", "roles"), mine)
    await link_by_name(ids.values())
    await settle()
    await settle_rights()
    await documents.make(made, ids, papers, (ed, people["rik@bakkerij-jansen.example"]), now)
    if not bare:
        await approvals.make_all(made, ids, people, papers, ed)
        await pin_letters.make(made, people, await _administrator(), now)
        await lively.make(made, ids, people, papers, ed, now)
    await _invitations(made, people, bool(hashed), now)
    await save(firm, is_sample=True)
    await engine.raw("UPDATE firm SET heard_from = $1", utcnow())  # nobody is mailed of what came with the sample
    await touch("rollout", "clients", "users")


async def _administrator() -> Viewer:
    """By whom the letters were made: whoever was there first."""
    found = (
        await User.objects().where((User.kind == "staff") & (User.role == "administrator")).order_by(User.id).first()
    )
    assert found is not None
    return Viewer(found)


async def _clients(made: list[Enterprise], now: dt.datetime) -> dict[str, int]:
    columns = (*made[0].columns(), "created_at", "is_sample")
    await engine.copy_rows("client", columns, [(*one.columns().values(), now, True) for one in made])
    rows = await engine.raw("SELECT id, number FROM client WHERE is_sample = $1", True)
    return {row["number"]: row["id"] for row in rows}


async def _groups(made: list[Enterprise], ids: dict[str, int], now: dt.datetime) -> None:
    names = sorted({group for one in made for group in one.groups})
    await engine.copy_rows(
        "client_group",
        ("name", "name_key", "description", "created_at", "is_sample"),
        [(name, fold(name), "", now, True) for name in names],
    )
    rows = await engine.raw("SELECT id, name FROM client_group WHERE is_sample = $1", True)
    group_ids = {row["name"]: row["id"] for row in rows}
    await engine.copy_rows(
        "membership",
        ("client", "client_group"),
        [(ids[one.number], group_ids[group]) for one in made for group in one.groups],
    )


async def _people(made: list[Enterprise], hashed: str, now: dt.datetime) -> dict[str, int]:
    """Each person once, however many clients he has; ids by e-mail."""
    people: dict[str, Person] = {person.email: person for one in made for person in one.people}
    rows = []
    for person in people.values():
        state = person.state if hashed or person.state != "active" else "invited"  # without a password nobody is active
        rows.append(
            (
                "client", state, person.email, fold(person.email), person.first, person.prefix, person.surname, person.phone,
                *keys_of(first_name=person.first, prefix=person.prefix, surname=person.surname, email=person.email).values(),
                hashed if state == "active" and person.is_cast else "",
                now - dt.timedelta(days=40),
                now - OPENED if state in ("invited", "active") else None,
                _came_in(person, now) if state == "active" else None,
                "",
                True,
            )
        )  # fmt: skip
    columns = (
        "kind", "state", "email", "email_key", "first_name", "prefix", "surname", "phone", "full_name", "sort_key", "search_key",
        "password", "created_at", "invited_at", "activated_at", "digest", "is_sample",
    )  # fmt: skip
    await engine.copy_rows("users", columns, rows)
    found = await engine.raw("SELECT id, email FROM users WHERE is_sample = $1 AND kind = $2", True, "client")
    return {row["email"]: row["id"] for row in found}


def _came_in(person: Person, now: dt.datetime) -> dt.datetime:
    """Some at once, some days after the mail."""
    return now - OPENED + dt.timedelta(hours=3 * person.days)


async def _invitations(made: list[Enterprise], people: dict[str, int], has_passwords: bool, now: dt.datetime) -> None:
    """One opening of the gates in the past, with its links: what the live count of the roll-out is computed from."""
    sent: dict[str, Person] = {p.email: p for one in made for p in one.people if p.state in ("invited", "active")}
    if not sent:
        return
    at = now - OPENED
    rows = await engine.raw(
        "INSERT INTO opening (created_at, started_at, sends_at, people, selection, is_sample) VALUES ($1, $1, $1, $2, '{}', $3) RETURNING id",
        at, len(sent), True,
    )  # fmt: skip
    opening = rows[0]["id"]
    await engine.copy_rows(
        "link",
        ("person", "kind", "opening", "email", "created_at", "expires_at", "opened_at", "used_at"),
        [
            (
                people[p.email], "invitation", opening, p.email, at, at + dt.timedelta(days=30),
                _came_in(p, now) - dt.timedelta(minutes=2) if p.state == "active" else None,
                _came_in(p, now) if p.state == "active" and has_passwords else None,
            )
            for p in sent.values()
        ],
    )  # fmt: skip
    await engine.raw(
        "INSERT INTO errand (kind, state, subject_id, person, run_after, finished_at, address, created_at) "
        "SELECT 'invitation', 'done', id, person, created_at, created_at, email, created_at FROM link WHERE opening = $1",
        opening,
    )
    await engine.raw(
        "INSERT INTO opening_person (opening, person, was_state) SELECT opening, person, 'prepared' FROM link WHERE opening = $1",
        opening,
    )
