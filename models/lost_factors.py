"""Help for who lost his second factor: two colleagues confirm, he hears of it at once and can stop it, and only after a wait is
the factor taken away.

asked > confirmed (by the first) > waiting (for the moment it may be done) > done; or stopped (by the person, or because he
signed in with his factor after all), or refused (by a colleague).
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from piccolo.columns import ForeignKey, OnDelete, Timestamptz, Varchar
from piccolo.constraints import Check
from piccolo.table import Table

from models import engine
from models.accounts import User
from models.audit import Trail
from models.core import Gone, Missing, Owned, Refused, Say, operation, save
from models.live import touch
from models.outbox import Kind, ask
from models.personal import Erase, Export
from models.secret_box import decrypt, encrypt
from models.settings import Firm, utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

OPEN = ("asked", "confirmed", "waiting")
_SEAL = "lost factor "


class LostFactor(Owned, Table, tablename="lost_factor"):
    """One request. `by_machine`: the second confirmation came from the command line of the machine itself."""

    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade, index=True)
    state = Varchar(length=9, default="asked", index=True)
    asked_at = Timestamptz()
    first_by = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null)
    first_at = Timestamptz(null=True, default=None)
    second_by = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null)
    second_at = Timestamptz(null=True, default=None)
    removes_at = Timestamptz(null=True, default=None)
    ended_at = Timestamptz(null=True, default=None)

    lost_factor_state_known = Check("state IN ('asked', 'confirmed', 'waiting', 'done', 'stopped', 'refused')")

    EXPORTS = Export(Say("Hulp bij een verloren tweede factor"), by=("person", "first_by", "second_by"))
    ERASES = Erase(deletes=True)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        if not viewer.is_staff:
            return cls.id < 0
        return cls.person.is_in(User.select(User.id).where(User.visible_to(viewer)))

    @operation(Permission.MANAGE_USERS, trail=False)
    async def confirm(self, *, by: Viewer) -> None:
        """I know this person and have spoken to him. Of two different colleagues, neither of them he himself."""
        person = await self._of(by)
        if self.state not in ("asked", "confirmed"):
            raise Refused("", Say("Dit verzoek is al bevestigd of gesloten."))
        if self.state == "confirmed" and self.first_by == by.user.id:
            raise Refused("", Say("U hebt dit al bevestigd. Een tweede collega moet het ook doen."))
        now = utcnow()
        if self.state == "asked":
            await save(self, state="confirmed", first_by=by.user.id, first_at=now)
        else:
            await save(self, second_by=by.user.id, second_at=now)
            await _begin_waiting(self, person)
        await by.note("LostFactor.confirm", person, {"name": person.display_name})
        await _tell(person.id)

    @operation(Permission.MANAGE_USERS, trail=False)
    async def refuse(self, *, by: Viewer) -> None:
        """A colleague does not trust it, or it is no longer needed."""
        person = await self._of(by)
        if self.state not in OPEN:
            raise Refused("", Say("Dit verzoek is al gesloten."))
        await save(self, state="refused", ended_at=utcnow())
        await by.note("LostFactor.refuse", person, {"name": person.display_name})
        await _tell(person.id)

    async def _of(self, by: Viewer) -> User:
        """The person, whom this colleague may help: an administrator helps staff."""
        person = await User.objects().get(User.id == self.person)
        assert person is not None
        if person.id == by.user.id:
            raise Refused("", Say("Uw eigen verzoek bevestigt u niet zelf. Vraag het twee collega’s."))
        if person.kind == "staff":
            by.require(Permission.MANAGE_STAFF, person)
        await person.may_be_managed(by)
        return person


async def open_of(person: int) -> LostFactor | None:
    """The request that is under way."""
    return await LostFactor.objects().where(LostFactor.person == person, LostFactor.state.is_in(list(OPEN))).first()


async def ask_for_oneself(person: User) -> None:
    """From the page that asks the second factor, after the right password. A second time changes nothing."""
    if person.has_second_factor and await open_of(person.id) is None:
        await _ask(person)
        await Trail.write("LostFactor.ask", person, detail={"name": person.display_name})


@operation(Permission.MANAGE_USERS, trail=False)
async def ask_for(person: User, /, *, by: Viewer) -> None:
    """A colleague begins it, and by that is the first who confirms."""
    if not person.has_second_factor:
        raise Refused("", Say("Deze persoon heeft geen tweede factor ingesteld."))
    if await open_of(person.id) is not None:
        raise Refused("", Say("Er loopt al een verzoek voor deze persoon."))
    await (await _ask(person)).confirm(by=by)


async def _ask(person: User) -> LostFactor:
    request = LostFactor(person=person.id, asked_at=utcnow())
    await request.save()
    await ask(Kind.LOST_FACTOR, request.id, person=person.id, until="")
    await _tell(person.id)
    return request


async def _begin_waiting(request: LostFactor, person: User) -> None:
    """He hears once more, now with the moment."""
    removes_at = utcnow() + dt.timedelta(hours=(await Firm.load()).lost_factor_hours)
    await save(request, state="waiting", removes_at=removes_at)
    await ask(Kind.LOST_FACTOR, request.id, person=person.id, until=removes_at.isoformat())


async def _numbered(number: str) -> list[User]:
    return await User.objects().where(User.id == int(number)) if number.isdecimal() and len(number) < 10 else []


async def reset_by_machine(email: str, *, now: bool) -> str:
    """Who may run commands on the machine confirms: the second of two, or both where nobody did. The wait and the notice stay,
    unless `now`. Returns what happened, in words."""
    from models.accounts.mailbox import holders_of

    holders = await holders_of(email) if "@" in email else await _numbered(email)
    with_factor = [one for one in holders if one.has_second_factor]
    if not holders:
        raise Missing("User", email)
    if len(with_factor) > 1:
        told = ", ".join(f"{one.id} ({one.display_name})" for one in with_factor)
        return f"Meer mensen gebruiken dit adres. Geef het nummer in plaats van het adres: {told}."
    person = (with_factor or holders)[0]
    if not person.has_second_factor:
        return "Deze persoon heeft geen tweede factor ingesteld."
    request = await open_of(person.id)
    if request is None:
        request = await _ask(person)
    await save(request, second_at=utcnow(), first_at=request.first_at or utcnow())
    await Trail.write("LostFactor.confirm_by_machine", person, detail={"name": person.display_name})
    if now:
        await _take_away(request, person)
        return "De tweede factor is weggenomen. De persoon krijgt daarvan bericht."
    if request.state != "waiting":
        await _begin_waiting(request, person)
    await _tell(person.id)
    return f"Bevestigd. De tweede factor wordt weggenomen op {request.removes_at:%d-%m-%Y %H:%M} UTC, als de persoon het niet tegenhoudt."


async def take_away_due() -> int:
    """Carried out by the worker: every request whose wait is over. How many."""
    rows = await engine.raw("SELECT id FROM lost_factor WHERE state = 'waiting' AND removes_at <= $1", utcnow())
    for row in rows:

        async def unit(id: int = row["id"]) -> None:
            request = await LostFactor.objects().where(LostFactor.id == id, LostFactor.state == "waiting").first()
            if request is not None:
                person = await User.objects().get(User.id == request.person)
                assert person is not None
                await _take_away(request, person)

        await engine.run_writing(unit)
    return len(rows)


async def _take_away(request: LostFactor, person: User) -> None:
    from models.accounts.blocking import end_trust
    from models.signing_in import end_sessions_of

    await save(request, state="done", ended_at=utcnow())
    await save(person, totp_secret="", totp_step=0, has_passkey=False)
    for table in ("recovery_code", "passkey"):
        await engine.raw(f"DELETE FROM {table} WHERE person = $1", person.id)
    await end_trust([person.id])
    await end_sessions_of(person.id)
    await ask(Kind.ACCOUNT_NOTICE, person=person.id, what="factor_off")
    await Trail.write("LostFactor.done", person, detail={"name": person.display_name})
    await _tell(person.id)


# stopping it


def stop_token(request: int) -> str:
    """For the link in the mail: sealed, so that nobody makes one up; worth nothing once the request is over."""
    return encrypt(f"{_SEAL}{request}")


async def request_of(token: str) -> tuple[LostFactor, User]:
    """What a link of the mail is about, while it can be stopped. Raises Gone."""
    try:
        text = decrypt(token)
    except ValueError:
        text = ""
    number = text.removeprefix(_SEAL) if text.startswith(_SEAL) else ""
    found = await LostFactor.objects(LostFactor.person).where(LostFactor.id == int(number)).first() if number else None
    if found is None or found.state not in OPEN:
        raise Gone(Say("Dit verzoek loopt niet meer. Er is niets om tegen te houden."))
    return found, found.person


async def stop(token: str) -> None:
    """The person did not ask for it: it ends, and the office hears of it on the trail."""
    request, person = await request_of(token)
    await save(request, state="stopped", ended_at=utcnow())
    await Trail.write("LostFactor.stop", person, detail={"name": person.display_name})
    await _tell(person.id)


async def has_factor_after_all(person: int) -> None:
    """He signed in with it: whatever was asked is over."""
    rows = await engine.raw(
        "UPDATE lost_factor SET state = 'stopped', ended_at = $2 WHERE person = $1 AND state IN ('asked', 'confirmed', 'waiting') RETURNING id",
        person,
        utcnow(),
    )
    if rows:
        await _tell(person)


async def listed(viewer: Viewer) -> list[dict[str, Any]]:
    """What is under way and this colleague may help with: id, person, who, kind, state, asked_at, first_by (name), removes_at."""
    from models.mine import seen_people

    return await engine.raw(
        "SELECT l.id, l.person, u.full_name AS who, u.kind, l.state, l.asked_at, f.full_name AS first_by, l.removes_at FROM lost_factor l "
        "JOIN users u ON u.id = l.person LEFT JOIN users f ON f.id = l.first_by "
        f"WHERE l.state IN ('asked', 'confirmed', 'waiting') AND {seen_people(viewer, 'u')} ORDER BY l.asked_at"
    )


async def _tell(person: int) -> None:
    await touch("users", f"user-{person}")
