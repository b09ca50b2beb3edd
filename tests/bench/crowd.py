"""An office as large as it gets: clients with Dutch names, half as many people again, and one colleague who sees 400 of them."""

from __future__ import annotations

import datetime as dt
from itertools import product
from random import Random

from models import engine
from models.clients.reach import settle
from models.core import fold
from models.people import keys_of, number_key, search_text, sort_name
from models.sample.names import CITIES, FIRST_NAMES, FORMS, TRADES
from models.settings import utcnow

MINE = 400
_HEADS = (
    "Jan", "Piet", "Hen", "Wil", "Ger", "Mul", "Bak", "Vis", "Smit", "Boer", "Klaas", "Dirk", "Post", "Hoek", "Zand", "Wester",
    "Ooster", "Noor", "Zuid", "Ber", "Lin", "Hul", "Kamp", "Rijn", "Water", "Molen", "Kerk", "Brug", "Steen", "Bos",
)  # fmt: skip
_TAILS = (
    "sen", "stra", "ma", "huis", "man", "inga", "kamp", "veld", "horst", "berg", "hoek", "dijk", "mans", "aard", "je", "ink",
    "brink", "hof", "laar", "kens", "donk", "voort", "meer", "rade", "huizen", "gaard", "burg", "wijk", "stein", "sma",
)  # fmt: skip
_PREFIXES = ("", "", "", "de", "van", "van der", "van den", "ten", "ter", "op de")
SURNAMES = tuple(head + tail for head, tail in product(_HEADS, _TAILS))
FIRST, SPAN = 1_000_000, 1_000  # ids far from those of the sample office


async def gather(clients: int, *, first: int = 0, mine_of: str = "ed@kantoor.example") -> None:
    """So many clients beside those of the sample office (and `first` that were gathered before), and 1.5 people for each;
    `mine_of` is responsible for 400 of them all."""
    chance, now = Random(clients), utcnow()
    await engine.copy_rows(
        "client",
        ("id", "number", "number_key", "name", "sort_key", "search_key", "city", "email", "phone", "kvk", "state", "created_at"),
        [_client(n, chance, now) for n in range(first, first + clients)],
    )  # fmt: skip
    clients += first
    begin, people = first * 3 // 2, clients * 3 // 2
    await engine.copy_rows(
        "users",
        ("id", "kind", "state", "email", "email_key", "first_name", "prefix", "surname", "sort_key", "search_key", "phone", "created_at",
         "invited_at", "activated_at"),
        [_person(n, chance, now) for n in range(begin, people)],
    )  # fmt: skip
    await engine.copy_rows(
        "access",
        ("person", "client", "rights", "role", "created_at"),
        [(FIRST + n, FIRST + n % clients, 15, "beheerder", now) for n in range(begin, people)],
    )
    step = max(1, clients // MINE)
    await engine.raw("DELETE FROM responsible WHERE client >= $1", FIRST)
    await engine.raw(
        "INSERT INTO responsible (client, person) SELECT c.id, u.id FROM client c, users u "
        f"WHERE u.email_key = $1 AND c.id >= {FIRST} AND c.id % {step} = 0",
        mine_of,
    )
    await settle()
    await engine.analyze()


async def bustle() -> None:
    """What happened there: everybody who was invited got a mail, one in fifty in vain; papers, sign-ins and a trail."""
    moment = "now() - ({0}) * interval '1 hour'"
    if engine.is_sqlite():
        moment = "datetime('now', (-({0})) || ' hours') || '+00:00'"
    async with engine.writing():
        for table in ("link", "errand", "document", "session"):
            await engine.raw(f"DELETE FROM {table}")
        await engine.raw(
            "INSERT INTO link (id, person, kind, email, created_at, expires_at, used_at) SELECT id, id, 'invitation', email, "
            f"invited_at, CASE WHEN id % 9 = 0 THEN {moment.format(4)} ELSE {moment.format('(-400)')} END, activated_at "
            f"FROM users WHERE kind = 'client' AND invited_at IS NOT NULL AND id >= {FIRST}"
        )
        await engine.raw(
            "INSERT INTO errand (kind, state, subject_id, person, run_after, created_at) SELECT 'invitation', "
            "CASE WHEN id % 50 = 0 THEN 'refused' ELSE 'done' END, id, person, created_at, created_at FROM link"
        )
        await engine.raw(
            "INSERT INTO document (folder, client, name, name_key, sha256, size, mime, source, uploaded_at, uploaded_by) "
            "SELECT (SELECT min(id) FROM folder), a.client, 'Stuk ' || a.id, 'stuk ' || a.id, '', 1, 'text/plain', 'client', "
            f"{moment.format('(a.id % 2000)')}, a.person FROM access a JOIN users u ON u.id = a.person WHERE u.state = 'active'"
        )
        await engine.raw("UPDATE document SET opened_at = uploaded_at WHERE id % 10 <> 0")
        for again in range(3):
            await engine.raw(
                "INSERT INTO session (token_hash, person, stage, created_at, seen_at, expires_at) "
                f"SELECT '{again} ' || id, id, 'signed_in', {moment.format(f'((id * 7 + {again} * 211) % 700)')}, {moment.format(1)}, {moment.format('(-9)')} "
                "FROM users WHERE kind = 'client' AND state = 'active'"
            )
    await engine.analyze()


def _client(n: int, chance: Random, now: dt.datetime) -> tuple[object, ...]:
    trade = chance.choice(TRADES)[0]
    surname = f"{chance.choice(_PREFIXES)} {chance.choice(SURNAMES)}".strip()
    name = f"{trade} {surname} {chance.choice(FORMS)}"
    number, city = f"{n:07}", chance.choice(CITIES)[1]
    email = f"info@{fold(surname).replace(' ', '')}{n}.example"
    found = search_text(number, name, city, email)[:1000]
    return (
        FIRST + n, number, number_key(number), name, sort_name(name), found, city, email, f"030 {n:07}", f"{20_000_000 + n:08}",
        "active", now,
    )  # fmt: skip


def _person(n: int, chance: Random, now: dt.datetime) -> tuple[object, ...]:
    first, prefix, surname = chance.choice(FIRST_NAMES), chance.choice(_PREFIXES), chance.choice(SURNAMES)
    email = f"{fold(first)}.{fold(surname)}{n}@post.example"
    keys = keys_of(first_name=first, prefix=prefix, surname=surname, email=email)
    state = ("prepared", "invited", "active", "active")[n % 4]
    invited = now - dt.timedelta(days=n % 80) if state != "prepared" else None
    active = now - dt.timedelta(days=n % 80) / 2 if state == "active" else None
    return (
        FIRST + n, "client", state, email, email, first, prefix, surname, keys["sort_key"], keys["search_key"], f"06 {n:08}", now,
        invited, active,
    )  # fmt: skip
