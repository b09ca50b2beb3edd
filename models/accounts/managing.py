"""What the office does with a person: invite, rename, change the address, block and let in again, help who is locked out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models import dutch, engine
from models.accounts import mailbox
from models.accounts.blocking import end_trust, let_in, shut_out
from models.core import Refused, Say, fold, operation, save
from models.live import touch
from models.people import PARTS, keys_of
from models.settings import sort_rule, utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.accounts.records import User
    from models.viewer import Viewer

# what can be written of a person, and how long it may be
NAMES = {
    "initials": 40, "first_names": 200, "first_name": 80, "prefix": 40, "surname": 200, "partner_prefix": 40,
    "partner_surname": 200, "name_use": 1, "title_before": 40, "title_after": 40, "gender": 1,
    "phone": 40, "mobile": 40, "job_title": 120, "language": 2,
}  # fmt: skip
_CHOICES = {"name_use": ("E", "P", "V", "N"), "gender": ("", "M", "V"), "language": ("nl", "en")}
DIGESTS = ("daily", "at_once", "never")


def digests_of(kind: str) -> tuple[str, ...]:
    """How somebody of this kind can hear of what is new; '' for a client user: as the office has it."""
    return DIGESTS if kind == "staff" else ("", *DIGESTS)


_UNSAID = {"name_use": "E", "language": "nl"}

NOT_WHOLLY_YOURS = Say(
    "Deze persoon heeft ook toegang tot cliënten waarvoor u niet verantwoordelijk bent. Vraag het een collega die alle cliënten ziet."
)


def beyond(by: Viewer, role: str, office: int | None) -> Say | None:
    """Why this colleague is not for `by` to manage; None when he is."""
    if by.user.role == "administrator":
        return None
    if role == "administrator":
        return Say("Alleen een beheerder wijzigt een beheerder.")
    if by.fence and office != by.fence:
        return Say("Deze collega is niet van uw vestiging.")
    return None


class Managed:
    """The operations of `User` that somebody else carries out: on a colleague only by who manages staff."""

    if TYPE_CHECKING:
        id: Any
        kind: Any
        state: Any
        email: Any
        password: Any
        role: Any
        office: Any
        all_clients: Any
        invited_at: Any
        blocked_at: Any
        totp_secret: Any
        digest: Any
        display_name: Any

        @property
        def has_second_factor(self) -> bool: ...

    @operation(Permission.MANAGE_USERS, trail=False)
    async def invite(self, *, by: Viewer) -> None:
        """Mail him a link to choose a password; an earlier link dies. Also for who was invited before."""
        await self.may_be_managed(by)
        await self.send_invitation(by)

    async def send_invitation(self, by: Viewer) -> None:
        """What `invite` does, for who may ask it in another way: a client's own people, who add a colleague."""
        from models.signing_in import new_link

        if refusal := await self.why_not_invited():
            raise Refused("", refusal)
        again = self.state == "invited"
        await save(self, state="invited", invited_at=utcnow())  # type: ignore[arg-type]
        await new_link(self, "invitation")  # type: ignore[arg-type]
        await self._note("User.invite_again" if again else "User.invite", by)

    async def why_not_invited(self) -> Say | None:
        if self.state == "active":
            return Say("Deze persoon is al actief en kan zich aanmelden.")
        if self.state == "blocked":
            return Say("Deze persoon is geblokkeerd. Deblokkeer hem eerst.")
        if not self.email:
            return Say("Deze persoon heeft geen e-mailadres. Vul het eerst in.")
        if self.kind == "client" and not await engine.raw(
            "SELECT 1 AS one FROM access a JOIN client c ON c.id = a.client WHERE a.person = $1 AND c.state = 'active' LIMIT 1",
            self.id,
        ):
            return Say("Deze persoon heeft nog geen toegang tot een actieve cliënt.")
        return None

    @operation(Permission.MANAGE_USERS, trail=False)
    async def change_name(self, /, *, by: Viewer, **details: str) -> None:
        """`details`: any of NAMES; what is not among them stays as it is. Names and the rest each have a line on the trail."""
        await self.may_be_managed(by)
        there = {name: getattr(self, name) for name in NAMES}
        values = checked_name({**there, **details})
        moved = {name: value for name, value in values.items() if value != there[name]}
        if not moved:
            return
        before = self.display_name
        await save(self, **values, **keys_of(email=self.email, rule=await sort_rule(), **_only_names(values)))  # type: ignore[arg-type]
        if self.display_name != before:
            await self._note("User.change_name", by, before=before, after=self.display_name)
        if rest := {name: value for name, value in moved.items() if name not in PARTS}:
            await self._note("User.change_details", by, before={name: there[name] for name in rest}, after=rest)
        elif self.display_name == before:
            await self._note("User.change_details", by, before={name: there[name] for name in moved}, after=moved)

    @operation(Permission.MANAGE_USERS, trail=False)
    async def set_mail_preferences(self, language: str, digest: str, *, by: Viewer) -> None:
        """In which language he gets his mail, and of a colleague how he hears of uploads: see `DIGESTS`."""
        await self.may_be_managed(by)
        after = {"language": language, "digest": digest}
        if language not in _CHOICES["language"] or digest not in digests_of(self.kind):
            raise Refused("", Say("Kies een van de mogelijkheden."))
        before = {name: getattr(self, name) for name in after}
        if moved := {name: value for name, value in after.items() if value != before[name]}:
            await self.hears_from_now(digest)
            await save(self, **after)  # type: ignore[arg-type]
            await self._note("User.change_details", by, before={name: before[name] for name in moved}, after=moved)

    async def hears_from_now(self, digest: str) -> None:
        """Before he goes over to `digest`: what a colleague would have heard of tomorrow he hears of now; a client user is not
        told of what was while he wanted to hear nothing."""
        if self.kind == "staff" and (self.digest, digest) == ("daily", "at_once"):
            from models.notices import tell_until_now

            await tell_until_now(self.id)
        if self.kind == "client" and self.digest == "never" != digest:
            from models.hearing import hears_again

            await hears_again(self.id)

    @operation(Permission.MANAGE_USERS, trail=False)
    async def change_email(self, email: str, shares: bool = False, *, by: Viewer) -> None:
        """Another address to sign in with. Links to the old one die; who was invited is to be invited again.

        Who is active hears of it at the old address, so that nobody takes an account over unseen. `shares`: that others
        have this address already is known, see mailbox.fits.
        """
        from models.accounts.codes import has_live_code
        from models.outbox import Kind, ask
        from models.signing_in import end_links

        await self.may_be_managed(by)
        new = checked_email(email)
        if new == self.email:
            return
        if not new and self.state in ("active", "invited"):
            raise Refused("email", Say("Wie zich kan aanmelden of is uitgenodigd, heeft een e-mailadres nodig."))
        await mailbox.fits(self.kind, new, self.id, shares=shares)
        before = self.email
        names = {name: getattr(self, name) for name in PARTS}
        on_paper = self.state == "invited" and await has_live_code(self.id)  # a code does not go by mail, and lives on
        state = "prepared" if self.state == "invited" and not on_paper else self.state
        keys = keys_of(email=new, rule=await sort_rule(), **names)
        await save(self, email=new, email_key=fold(new), state=state, **keys)  # type: ignore[arg-type]
        await end_links(self.id, "moved")
        await end_trust([self.id])
        if self.state == "active" and before:
            await ask(Kind.ACCOUNT_NOTICE, person=self.id, what="address", to=before)
        await self._note("User.change_email", by, before=before, after=new)

    @operation(Permission.MANAGE_USERS, trail=False)
    async def block(self, *, by: Viewer) -> None:
        """From this moment nothing opens for him: sessions and links end, mail that still waits is not sent. What he did stays."""
        await self.may_be_managed(by)
        if self.id == by.user.id:
            raise Refused("", Say("U kunt uzelf niet blokkeren."))
        if self.state == "blocked":
            return
        await self.stays_with_an_administrator()
        self.state, self.blocked_at = "blocked", utcnow()
        await shut_out([self.id], self.blocked_at)
        await self._note("User.block", by)

    @operation(Permission.MANAGE_USERS, trail=False)
    async def unblock(self, *, by: Viewer) -> None:
        """Back to active, to invited while his invitation is valid, or to prepared: see `let_in`."""
        await self.may_be_managed(by)
        if self.state != "blocked":
            return
        await let_in([self.id])
        now = await engine.raw("SELECT state FROM users WHERE id = $1", self.id)
        self.state, self.blocked_at = now[0]["state"], None
        await self._note("User.unblock", by)

    @operation(Permission.MANAGE_USERS, trail=False)
    async def sign_out(self, session: int | None = None, *, by: Viewer) -> None:
        """End one session of his, or all."""
        await self.may_be_managed(by)
        which = " AND id = $3" if session is not None else ""
        more = (session,) if session is not None else ()
        await engine.raw(
            f"UPDATE session SET ended_at = $2 WHERE person = $1 AND ended_at IS NULL{which}",
            self.id, utcnow(), *more,
        )  # fmt: skip
        await self._note("User.sign_out", by)

    # rules

    async def may_be_managed(self, by: Viewer) -> None:
        """Forbidden for a colleague without the right; refused where it would reach clients that `by` may not see."""
        if self.kind == "staff":
            by.require(Permission.MANAGE_STAFF, self)
            if refusal := beyond(by, self.role, self.office):
                raise Refused("", refusal)
        elif not by.sees_all_clients and await engine.raw(beyond_sql(by, "$1"), self.id):
            raise Refused("", NOT_WHOLLY_YOURS)

    async def stays_with_an_administrator(self) -> None:
        """The office keeps somebody who can sign in and manage it."""
        if self.kind == "staff" and self.role == "administrator" and self.state == "active":
            others = await engine.raw(
                "SELECT 1 AS one FROM users WHERE kind = 'staff' AND role = 'administrator' AND state = 'active' AND id <> $1 LIMIT 1",
                self.id,
            )
            if not others:
                raise Refused("", Say("Dit is de laatste beheerder. Maak eerst een collega beheerder."))

    async def _note(self, operation: str, by: Viewer, **detail: Any) -> None:
        await by.note(operation, self, {"name": self.display_name, **detail})
        await touch("users", "rollout", f"user-{self.id}")


def beyond_sql(staff: Viewer, person: str) -> str:
    """A client that this person reaches and that restricted member of staff does not."""
    from models.clients import seen

    return f"SELECT 1 AS one FROM access x WHERE x.person = {person} AND NOT ({seen(staff, 'x.client')}) LIMIT 1"


def checked_name(details: dict[str, str]) -> dict[str, str]:
    """All of NAMES as they are kept: initials follow from first names where none were given. Raises Refused beside the
    field that is wrong."""
    kept = {}
    for name, most in NAMES.items():
        text = " ".join(
            "".join(ch if ch.isprintable() or ch in "\u200d\u200c" else " " for ch in details.get(name) or "").split()
        )
        text = text or _UNSAID.get(name, "")
        if text not in _CHOICES.get(name, (text,)):
            raise Refused(name, Say("Kies een van de mogelijkheden."))
        if len(text) > most:
            raise Refused(name, Say("Dit is {n} tekens; er passen er {most}.", n=len(text), most=most))
        kept[name] = text
    if not kept["surname"]:
        raise Refused("surname", Say("Vul een achternaam in."))
    if kept["name_use"] != "E" and not kept["partner_surname"]:
        raise Refused("partner_surname", Say("Vul de naam van de partner in, of kies de eigen naam."))
    kept["initials"] = kept["initials"] or dutch.initials(kept["first_names"])[:40]
    return kept


def checked_email(email: str) -> str:
    """The address as it is kept, or ''. Raises Refused on the field `email`."""
    try:
        return dutch.email(email) if email.strip() else ""
    except Refused as refused:
        raise Refused("email", refused.why) from refused


def new_person(kind: str, email: str, values: dict[str, str], *, rule: str, **more: Any) -> User:
    """A row that is not saved yet: prepared, with the keys by which he sorts (`rule`: settings.sort_rule) and is found."""
    from models.accounts.records import User

    keys = keys_of(email=email, rule=rule, **_only_names(values))
    known: dict[str, Any] = {"digest": "daily" if kind == "staff" else "", **values, **keys, **more}
    return User(kind=kind, state="prepared", email=email, email_key=fold(email), created_at=utcnow(), **known)


def _only_names(values: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if name in PARTS}
