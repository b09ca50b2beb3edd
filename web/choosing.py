"""Who is it? Several people may read one mailbox: after a right password each of them chooses his own name.

Nobody who does not know a password of somebody there learns who has the address. Who chooses a name that the password
does not fit, gives that person's own.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from models.accounts import User, mailbox
from models.core import Refused, Say, digest
from models.viewer import Viewer
from web.forms import Form, PasswordField, StringField
from web.replies import Reply, go, invalid, show
from web.routing import Access, Routes
from web.security import is_known_device
from web.sessions import LAYOUT, WRONG, Tried, let_in, next_of, note, sign_in, try_password

choosing = Routes("choosing", Access.PUBLIC)


class Choice(Form):
    person = StringField()
    password = PasswordField()


@choosing.get("/sign-in/who")
async def who(request: Request, viewer: Viewer) -> Reply:
    """The names of who share the mailbox; who signed in here before stands first."""
    found = request.scope.get("poort.choosing")
    return await _page(request, found, Choice.blank(), show) if found else go(sign_in.url(next=next_of(request)))


async def _check(request: Request, form: Any) -> Tried:
    """Before the unit: the password of who was chosen, where the one that was given is not his."""
    found, person, password = (
        request.scope.get("poort.choosing"),
        str(form.get("person", "")),
        str(form.get("password", "")),
    )
    if found is None or not person.isdecimal() or len(person) > 9 or not password:
        return Tried()
    return await try_password(request, found.user.email, password, int(person))


@choosing.post("/sign-in/who", before=_check)
async def choose(request: Request, viewer: Viewer, prepared: Tried) -> Reply:
    found = request.scope.get("poort.choosing")
    if found is None:
        return go(sign_in.url(next=next_of(request)))
    form = await Choice.read(request)
    chosen = next((one for one in await _people(found) if str(one.id) == form.person.data), None)
    if chosen is None:
        form.refuse(Refused("person", Say("Kies wie u bent.")))
        return await _page(request, found, form, invalid)
    fits = found.choosing.get(str(chosen.id)) == digest(chosen.password)
    if fits or chosen.id in [one.id for one in prepared.fits]:
        return await let_in(request, chosen)
    if prepared.tried:
        await note(request, chosen.id, "password", succeeded=False)
    if prepared.wrong:
        why = (
            Say("Dit wachtwoord is niet van {who}.", who=chosen.display_name)
            if prepared.wrong is WRONG
            else prepared.wrong
        )
        form.refuse(Refused("password", why))
    return await _page(request, found, form, invalid if form.errors else show, chosen)


async def _people(found: Any) -> list[User]:
    return [one for one in await mailbox.holders_of(found.user.email) if one.state == "active"]


async def _page(request: Request, found: Any, form: Choice, make: Any, chosen: User | None = None) -> Reply:
    people = sorted(await _people(found), key=lambda one: (not is_known_device(request, one.id), one.sort_key))
    reply: Reply = make(
        "sessions/who.html",
        title=Say("Wie bent u?"),
        layout=LAYOUT,
        form=form,
        people=people,
        chosen=chosen,
        next_url=next_of(request),
    )
    return reply
