"""Signing in: sessions by random token, one-time links, and what was typed when a session had ended."""

from __future__ import annotations

import datetime as dt
import json
import secrets
from typing import Any

from models import config, engine
from models.accounts import Draft, Link, Session, User
from models.accounts.blocking import end_trust
from models.accounts.codes import end_codes
from models.accounts.mailbox import holders_of
from models.audit import Trail
from models.core import Gone, Refused, Say, digest, fold, record_of, save
from models.live import touch
from models.outbox import Kind, ask
from models.secret_box import decrypt, encrypt
from models.settings import Firm, utcnow

HALF_MINUTES = 10
DRAFT_HOURS = 1
LINK_HOURS = 2  # of a link for a new password
SIGN_IN_MINUTES = 15  # of a link that signs in
_ASKED = dt.timedelta(minutes=15)  # within which a person gets no more than three links for a new password
_DAY = dt.timedelta(days=1)
_INVITED_A_DAY = 3  # fresh invitations that asking for one can bring about in a day
_ASKED_MOST = 3

_SESSION_SQL = """
SELECT s.id AS session_id, s.stage, s.data, s.seen_at, s.expires_at, s.ended_at, s.proved_at, s.how, u.*
FROM session s JOIN users u ON u.id = s.person WHERE s.token_hash = $1
"""


class SignedIn:
    """What the middleware needs of a session at every request."""

    __slots__ = ("choosing", "ended", "half", "how", "proved_at", "seen_at", "session_id", "user")

    def __init__(self, row: dict[str, Any]) -> None:
        now = utcnow()
        self.session_id: int = row.pop("session_id")
        stage, self.seen_at, self.proved_at = row.pop("stage"), row.pop("seen_at"), row.pop("proved_at")
        self.how: str = row.pop("how")
        data = json.loads(row.pop("data") or "{}")
        expires_at, ended_at = row.pop("expires_at"), row.pop("ended_at")
        self.user = record_of(User, row)
        self.ended = ended_at is not None or expires_at < now or self.user.state != "active"
        self.half = stage != "signed_in"
        # Of a mailbox that several share: whom the password fits (id > digest of the hash it was checked against).
        self.choosing: dict[str, str] | None = data.get("fits", {}) if stage == "choosing" else None


async def find_session(token: str) -> SignedIn | None:
    rows = await engine.raw(_SESSION_SQL, digest(token))
    return SignedIn(rows[0]) if rows else None


async def begin_session(
    user: User, *, half: bool, address: str, agent: str, how: str = "password", factor: str = "",
    fits: list[User] | None = None,
) -> tuple[str, int]:  # fmt: skip
    """A fresh session; returns its token, which is kept nowhere, and its id. `how` and `factor`: see models/sign_ins.py.

    `fits`: everybody of this mailbox whose password was given, while it is asked who he is; `user` is one of them.
    """
    token, now = secrets.token_urlsafe(32), utcnow()
    lasts = dt.timedelta(minutes=HALF_MINUTES) if half else await _idle()
    session = Session(
        token_hash=digest(token),
        person=user.id,
        stage="choosing" if fits else "second_factor" if half else "signed_in",
        data=json.dumps({"fits": {str(one.id): digest(one.password) for one in fits}} if fits else {}),
        created_at=now,
        seen_at=now,
        proved_at=now,
        expires_at=now + lasts,
        how=how,
        factor=factor,
        address=address[:45],
        agent=agent[:300],
    )
    await session.save()
    if not half:
        await Trail.write("Session.begin", user)
    return token, int(session.id)


async def touch_session(session_id: int) -> None:
    """It was used: it lives on, within what the office allows in all (models/security_policy.py ends the rest)."""
    now = utcnow()
    await Session.update({Session.seen_at: now, Session.expires_at: now + await _idle()}).where(
        Session.id == session_id
    )


async def _idle() -> dt.timedelta:
    return dt.timedelta(hours=(await Firm.load()).session_idle_hours)


async def end_session(session_id: int) -> None:
    await Session.update({Session.ended_at: utcnow()}).where(Session.id == session_id)


async def prove(session_id: int) -> None:
    """The password was shown once more: what must not be done from a screen left alone may be done for a while."""
    await Session.update({Session.proved_at: utcnow()}).where(Session.id == session_id)


async def end_sessions_of(user_id: int, but: int = 0) -> None:
    await Session.update({Session.ended_at: utcnow()}).where(
        (Session.person == user_id) & (Session.id != but) & Session.ended_at.is_null()
    )


# one-time links


async def new_link(
    user: User, kind: str, *, opening: int | None = None, run_after: dt.datetime | None = None, replaces: bool = True,
    days: int = 0, signs_in: bool = False,
) -> Link:  # fmt: skip
    """A link that the worker will mail. A new invitation of the office replaces earlier ones; what anybody may ask for
    (`replaces=False`, and links for a password) lives beside them, or a stranger could kill the one somebody just received.
    `days`: how long an invitation is valid, where the opening says so."""
    now, firm = utcnow(), await Firm.load()
    if kind == "invitation":
        lasts = dt.timedelta(days=days or firm.invitation_days)
        if replaces:
            await end_links(user.id, "replaced", kind)
    else:
        lasts = dt.timedelta(minutes=SIGN_IN_MINUTES) if signs_in else dt.timedelta(hours=LINK_HOURS)
    link = Link(
        person=user.id, kind=kind, opening=opening, email=user.email, created_at=now, expires_at=now + lasts,
        signs_in=signs_in,
    )  # fmt: skip
    await link.save()
    errand = Kind.INVITATION if kind == "invitation" else Kind.SIGN_IN_LINK if signs_in else Kind.PASSWORD
    await ask(errand, link.id, person=user.id, run_after=run_after)
    return link


async def end_links(user_id: int, why: str, kind: str | None = None) -> None:
    condition = (Link.person == user_id) & Link.ended_at.is_null() & Link.used_at.is_null()
    if kind:
        condition = condition & (Link.kind == kind)
    await Link.update({Link.ended_at: utcnow(), Link.ended_why: why}).where(condition)


async def open_link(token: str, *, signs_in: bool = False) -> tuple[Link, User]:
    """The link of a token, while it can be used, for that alone. Raises Gone with the reason."""
    link = await Link.objects(Link.person).where(Link.token_hash == digest(token)).first() if token else None
    if link is None or link.signs_in != signs_in:
        raise Gone(Say("Deze link klopt niet. Neem de hele link uit de mail over, of vraag een nieuwe aan."))
    if link.used_at:
        raise Gone(Say("Deze link is al gebruikt. Meld u aan, of kies “Wachtwoord vergeten”."))
    user = link.person
    if link.ended_at or link.email != user.email or user.state in ("prepared", "blocked"):
        raise Gone(Say("Deze link is vervangen of ingetrokken. Vraag een nieuwe aan."))
    if link.expires_at < utcnow():
        raise Gone(Say("Deze link is verlopen. Vraag een nieuwe aan."))
    return link, user


async def note_opened(link_id: int) -> None:
    rows = await engine.raw(
        "UPDATE link SET opened_at = $2 WHERE id = $1 AND opened_at IS NULL RETURNING opening", link_id, utcnow()
    )
    if rows and rows[0]["opening"]:
        await touch(f"opening-{rows[0]['opening']}")


async def use_link(token: str, password_hash: str) -> User:
    """Set the password; somebody who was invited becomes active. All his other sessions end."""
    link, user = await open_link(token)
    now = utcnow()
    await save(link, used_at=now, opened_at=link.opened_at or now)
    await save(user, password=password_hash, state="active", activated_at=user.activated_at or now)
    await end_sessions_of(user.id)
    await end_links(user.id, "replaced")
    await end_trust([user.id])
    await end_codes([user.id], now, "replaced")
    if link.kind == "password":
        await ask(Kind.ACCOUNT_NOTICE, person=user.id, what="password")
    await Trail.write("User.activate" if link.kind == "invitation" else "User.reset_password", user)
    await touch("rollout", "users", f"user-{user.id}", *([f"opening-{link.opening}"] if link.opening else []))
    return user


async def ask_new_password(email: str) -> None:
    """Mail a link if the address is somebody's who may come in; the caller answers the same whatever happened. Who share a
    mailbox get one each, with their name.

    Who was invited and never activated gets a fresh invitation. Who is only prepared gets nothing: his gate is closed.
    Whoever asks: one mailbox gets a few in a quarter of an hour, and what it got before goes on working.
    """
    for user in await holders_of(email):
        await _mail_password_link(user)


async def _mail_password_link(user: User) -> None:
    if user.state not in ("active", "invited"):
        return
    kind, most = ("password", _ASKED_MOST) if user.state == "active" else ("invitation", 1)
    recent = (
        (Link.person == user.id)
        & (Link.kind == kind)
        & (Link.signs_in == False)  # noqa: E712
        & (Link.created_at > utcnow() - _ASKED)
        & Link.ended_at.is_null()
    )
    today = (Link.person == user.id) & (Link.kind == kind) & (Link.created_at > utcnow() - _DAY)
    if kind == "invitation" and await Link.count().where(today) >= _INVITED_A_DAY:
        return  # all of them still work
    if await Link.count().where(recent) < most:
        opening = await _opening_of(user.id) if kind == "invitation" else None
        await new_link(user, kind, opening=opening, replaces=False)


async def ask_sign_in_link(email: str) -> None:
    """Mail a link that signs in, if the address is of somebody active whom the office mails them; see `ask_new_password`."""
    firm = await Firm.load()
    for user in await holders_of(email):
        if user.state == "active" and firm.mails_links_to(user):
            await _mail_sign_in_link(user)


async def _mail_sign_in_link(user: User) -> None:
    recent = (Link.person == user.id) & (Link.signs_in == True) & (Link.created_at > utcnow() - _ASKED)  # noqa: E712
    if await Link.count().where(recent) < _ASKED_MOST:
        await new_link(user, "password", replaces=False, signs_in=True)


async def open_sign_in_link(token: str) -> User:
    """Whose link it is, while it signs in. Raises Gone."""
    _, user = await open_link(token, signs_in=True)
    if user.state != "active" or not (await Firm.load()).mails_links_to(user):
        raise Gone(Say("Uw kantoor laat aanmelden met een link niet toe. Meld u aan met uw wachtwoord."))
    return user


async def use_sign_in_link(token: str) -> User:
    """Once: the link is used up, and the others that were asked for with it."""
    user = await open_sign_in_link(token)
    now = utcnow()
    await Link.update({Link.used_at: now, Link.opened_at: now}).where(Link.token_hash == digest(token))
    await Link.update({Link.ended_at: now, Link.ended_why: "replaced"}).where(
        (Link.person == user.id) & (Link.signs_in == True) & Link.used_at.is_null() & Link.ended_at.is_null()  # noqa: E712
    )
    return user


async def _opening_of(user_id: int) -> int | None:
    """The opening of the gates that invited somebody, so that a fresh invitation is still counted there."""
    rows = (
        await Link.select(Link.opening)
        .where((Link.person == user_id) & (Link.kind == "invitation"))
        .order_by(Link.id, ascending=False)
        .limit(1)
    )
    return rows[0]["opening"] if rows else None


# what was typed when a session had ended


async def keep_draft(person: int, path: str, came_from: str, fields: list[tuple[str, str]]) -> int:
    draft = Draft(
        person=person,
        path=path[:2000],
        came_from=came_from[:2000],
        fields=encrypt(json.dumps(fields)),
        created_at=utcnow(),
    )
    await draft.save()
    await engine.raw(
        "DELETE FROM draft WHERE person = $1 AND id NOT IN (SELECT id FROM draft WHERE person = $1 ORDER BY id DESC LIMIT 5)",
        person,
    )
    return int(draft.id)


async def find_draft(draft_id: int, person: int) -> tuple[str, str, list[tuple[str, str]]] | None:
    """Path, page of origin, and fields, for the person who typed them and no one else."""
    recent = utcnow() - dt.timedelta(hours=DRAFT_HOURS)
    draft = (
        await Draft.objects()
        .where((Draft.id == draft_id) & (Draft.person == person) & (Draft.created_at > recent))
        .first()
    )
    if draft is None:
        return None
    try:
        fields = json.loads(decrypt(draft.fields))
    except ValueError:  # kept under a key that is no longer in SECRET_KEY
        return None
    return draft.path, draft.came_from, [(name, value) for name, value in fields]


# the set-up link of a fresh installation


async def new_setup_link() -> str | None:
    """The address of the set-up, once; the earlier one dies. None when the office is set up already."""
    firm = await Firm.load()
    if firm.is_set_up:
        return None
    token = secrets.token_urlsafe(32)
    await save(firm, setup_hash=digest(token), setup_expires_at=utcnow() + dt.timedelta(days=7))
    return f"{config.settings().base_url}/set-up/{token}"


async def check_setup(token: str) -> Firm:
    firm = await Firm.load()
    if firm.is_set_up or not firm.setup_hash or not secrets.compare_digest(firm.setup_hash, digest(token)):
        raise Gone(
            Say(
                "Deze link is gebruikt of vervangen. “python -m models setup-link” maakt een nieuwe zolang het kantoor niet is ingericht."
            )
        )
    if firm.setup_expires_at < utcnow():
        raise Gone(Say("Deze link is verlopen. “python -m models setup-link” maakt een nieuwe."))
    return firm


async def set_up(
    token: str,
    *,
    firm_name: str,
    place: str,
    brand: str,
    first_name: str,
    prefix: str,
    surname: str,
    email: str,
    password_hash: str,
) -> User:
    """The office gets its name and its first administrator; the link dies."""
    from models.people import keys_of

    firm = await check_setup(token)
    if await User.exists().where(User.email_key == fold(email)):
        raise Refused("email", Say("Dit adres is al in gebruik."))
    now = utcnow()
    user = User(
        kind="staff",
        state="active",
        role="administrator",
        all_clients=True,
        first_name=first_name,
        prefix=prefix,
        surname=surname,
        email=email,
        email_key=fold(email),
        password=password_hash,
        created_at=now,
        activated_at=now,
        **keys_of(first_name=first_name, prefix=prefix, surname=surname, email=email),  # type: ignore[arg-type]
    )
    await user.save()
    await save(
        firm, name=firm_name, place=place, brand=brand, setup_hash="", set_up_at=now, changed_at=firm.changed_at + 1
    )
    await Trail.write("Firm.set_up", firm)
    return user
