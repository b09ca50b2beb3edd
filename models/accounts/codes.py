"""Activation codes on paper: the second way in, for whom no mail reaches. One lives per person; only its digest is kept.

Until it is printed the code itself is kept too, encrypted: printing shows it once and forgets it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, Any

from piccolo.columns import ForeignKey, Integer, OnDelete, Text, Timestamptz, Varchar
from piccolo.constraints import Unique
from piccolo.table import Table

from models import config, engine
from models.accounts import mailbox
from models.accounts.managing import checked_email
from models.accounts.records import User
from models.core import Gone, Owned, Refused, Say, fold, operation, save
from models.live import touch
from models.people import PARTS, keys_of
from models.personal import Erase, Export
from models.secret_box import decrypt, encrypt
from models.settings import Firm, sort_rule, utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # nothing that looks like something else; twelve of them are 58 bits
LENGTH, GROUP = 12, 4

WRONG = Say("Deze code klopt niet of werkt niet meer. Kijk de letters na, of vraag uw kantoor om een nieuwe code.")


class ActivationCode(Owned, Table, tablename="activation_code"):
    """A code with which somebody who was invited on paper makes himself known, once."""

    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade)
    opening = Integer(null=True, default=None, index=True, help_text="The opening of the gates it belongs to.")
    code_hash = Varchar(length=64, help_text="Keyed digest: from a copy of the database no code can be guessed.")
    sealed = Text(default="", help_text="The code, encrypted, until it was printed.")
    created_at = Timestamptz()
    expires_at = Timestamptz()
    printed_at = Timestamptz(null=True, default=None)
    opened_at = Timestamptz(null=True, default=None, help_text="When it was first filled in.")
    used_at = Timestamptz(null=True, default=None)
    ended_at = Timestamptz(null=True, default=None, help_text="Replaced, withdrawn or blocked.")
    ended_why = Varchar(length=12, default="", help_text="replaced, withdrawn or blocked")

    activation_code_unique = Unique([code_hash])

    EXPORTS = Export(Say("Activeringscodes"), by=("person",), hidden=("code_hash", "sealed"))
    ERASES = Erase(deletes=True)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.person.is_in(User.select(User.id).where(User.visible_to(viewer))) if viewer.is_staff else cls.id < 0


def new_code() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def written(code: str) -> str:
    """As it is printed: three groups of four."""
    return "-".join(code[at : at + GROUP] for at in range(0, LENGTH, GROUP))


def typed(text: str) -> str:
    """As it is kept, of whatever somebody typed between the groups."""
    return "".join(ch for ch in text.upper() if ch.isalnum())[:40]


def address_of(code: str) -> str:
    """What the QR code holds. The code stands behind the #, which browsers send to nobody: it reaches no log."""
    return f"{config.settings().base_url}/activate#{code}"


def digests(code: str) -> list[str]:
    """By every key of SECRET_KEY, the one that writes first."""
    text = f"activation code:{code}".encode()
    return [hmac.new(key.encode(), text, hashlib.sha256).hexdigest() for key in config.settings().secret_keys]


def row_of(person: int, opening: int | None, code: str, now: dt.datetime, expires_at: dt.datetime) -> tuple[Any, ...]:
    """In the order of COLUMNS."""
    return person, opening, digests(code)[0], encrypt(code), now, expires_at


COLUMNS = ("person", "opening", "code_hash", "sealed", "created_at", "expires_at")
LIVES = "ended_at IS NULL AND used_at IS NULL"


# making and printing


async def why_no_code(person: User) -> Say | None:
    if person.kind != "client":
        return Say("Een code is er voor mensen van uw cliënten.")
    if person.state in ("active", "blocked"):
        return await person.why_not_invited()
    if not await reaches_a_client(person.id):
        return Say("Deze persoon heeft nog geen toegang tot een actieve cliënt.")
    return None


async def reaches_a_client(person: int) -> bool:
    return bool(
        await engine.raw(
            "SELECT 1 AS one FROM access a JOIN client c ON c.id = a.client WHERE a.person = $1 AND c.state = 'active' LIMIT 1",
            person,
        )
    )


@operation(Permission.OPEN_GATES, trail=False)
async def make_code(person: User, *, by: Viewer) -> tuple[str, dt.datetime]:
    """A fresh code, shown this once, and until when it is valid; an earlier one dies. Who was only prepared is invited by it."""
    await person.may_be_managed(by)
    if refusal := await why_no_code(person):
        raise Refused("", refusal)
    now, code = utcnow(), new_code()
    expires_at = now + dt.timedelta(days=(await Firm.load()).invitation_days)
    await end_codes([person.id], now, "replaced")
    await ActivationCode(
        person=person.id, code_hash=digests(code)[0], created_at=now, printed_at=now, expires_at=expires_at
    ).save()
    if person.state == "prepared":
        await save(person, state="invited", invited_at=now)
    await by.note("User.make_code", person, {"name": person.display_name})
    await touch("users", "rollout", f"user-{person.id}")
    return code, expires_at


async def end_codes(people: list[int], now: dt.datetime, why: str) -> None:
    listed = ", ".join(str(int(one)) for one in people) or "NULL"
    await engine.raw(
        f"UPDATE activation_code SET ended_at = $1, ended_why = $2, sealed = '' WHERE {LIVES} AND person IN ({listed})",
        now, why,
    )  # fmt: skip


async def code_of(person: int) -> dict[str, Any] | None:
    """His last code: created_at, expires_at, printed_at, opened_at, used_at, ended_at."""
    rows = await engine.raw(
        "SELECT created_at, expires_at, printed_at, opened_at, used_at, ended_at FROM activation_code WHERE person = $1 ORDER BY id DESC LIMIT 1",
        person,
    )
    return rows[0] if rows else None


async def has_live_code(person: int) -> bool:
    sql = f"SELECT 1 AS one FROM activation_code WHERE person = $1 AND {LIVES} AND expires_at > $2 LIMIT 1"
    return bool(await engine.raw(sql, person, utcnow()))


async def waiting(opening: int) -> int:
    """How many of this opening's codes were not printed yet."""
    sql = f"SELECT count(*) AS n FROM activation_code WHERE opening = $1 AND sealed <> '' AND {LIVES}"
    return int((await engine.raw(sql, opening))[0]["n"])


async def take_to_print(opening: int, most: int) -> list[dict[str, Any]]:
    """The next codes of this opening, each given out this once: code, full_name, expires_at."""
    rows = await engine.raw(
        "SELECT k.id, k.sealed, k.expires_at, u.full_name FROM activation_code k JOIN users u ON u.id = k.person "
        "WHERE k.opening = $1 AND k.sealed <> '' AND k.ended_at IS NULL AND k.used_at IS NULL ORDER BY u.sort_key, u.id LIMIT $2",
        opening, most,
    )  # fmt: skip
    ids = ", ".join(str(row["id"]) for row in rows) or "NULL"
    await engine.raw(f"UPDATE activation_code SET sealed = '', printed_at = $1 WHERE id IN ({ids})", utcnow())
    return [
        {"code": decrypt(row["sealed"]), "full_name": row["full_name"], "expires_at": row["expires_at"]} for row in rows
    ]


# using one


async def open_code(text: str) -> tuple[ActivationCode, User]:
    """The code and whose it is, while it can be used. Raises Gone with one sentence for whatever is wrong with it."""
    code = typed(text)
    found = None
    if len(code) == LENGTH:
        found = (
            await ActivationCode.objects(ActivationCode.person)
            .where(ActivationCode.code_hash.is_in(digests(code)))
            .first()
        )
    if (
        found is None
        or found.used_at
        or found.ended_at
        or found.expires_at < utcnow()
        or found.person.state != "invited"
    ):
        raise Gone(WRONG)
    return found, found.person


async def note_filled_in(code: ActivationCode) -> None:
    if code.opened_at is None:
        await save(code, opened_at=utcnow())
        await touch("users", "rollout", *([f"opening-{code.opening}"] if code.opening else []))


async def activated(person: int) -> User:
    """The person as he is now."""
    found = await User.objects().where(User.id == person).first()
    assert found is not None
    return found


async def use_code(text: str, email: str, password_hash: str) -> User:
    """He confirms or gives the address he signs in with, and is active. Links that were mailed die."""
    from models.audit import Trail
    from models.outbox import Kind, ask
    from models.signing_in import end_links, end_sessions_of

    code, person = await open_code(text)
    new = checked_email(email)
    if not new:
        raise Refused("email", Say("Vul een e-mailadres in."))
    if fold(new) != fold(person.email) and await mailbox.holders_of(new):
        raise Refused("email", mailbox.TAKEN)  # who shares it is for the office to say
    now, before = utcnow(), person.email
    await save(code, used_at=now, opened_at=code.opened_at or now, sealed="")
    keys = keys_of(email=new, rule=await sort_rule(), **{name: getattr(person, name) for name in PARTS})
    await save(person, email=new, email_key=fold(new), password=password_hash, state="active", activated_at=now, **keys)
    await end_sessions_of(person.id)
    await end_links(person.id, "replaced")
    if before and before != new:
        await ask(Kind.ACCOUNT_NOTICE, person=person.id, what="address", to=before)
    await Trail.write("User.activate_by_code", person)
    await touch("rollout", "users", f"user-{person.id}", *([f"opening-{code.opening}"] if code.opening else []))
    return person
