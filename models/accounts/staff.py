"""The office's own people: adding a colleague, what he may, and whose clients he sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts.managing import checked_email, checked_name, email_is_free, new_person
from models.core import Refused, Say, Scope, operation, save
from models.live import touch
from models.viewer import ROLES, Permission

if TYPE_CHECKING:
    from models.accounts.records import User
    from models.viewer import Viewer


@operation(Permission.MANAGE_STAFF, trail=False)
async def add_staff(
    users: Scope[User], /, *, email: str, role: str, all_clients: bool, by: Viewer, **names: str
) -> User:
    """A colleague, who gets a mail with a link to choose a password. Administrators see every client."""
    _known(role)
    address = checked_email(email)
    if not address:
        raise Refused("email", Say("Vul een e-mailadres in."))
    await email_is_free(address)
    person = new_person(
        "staff", address, checked_name(names), role=role, all_clients=all_clients or role == "administrator"
    )
    await person.save()
    await by.note("User.add_staff", person, {"name": person.display_name, "role": role})
    await person.invite(by=by)
    return person


@operation(Permission.MANAGE_STAFF, trail=False)
async def change_role(person: User, role: str, all_clients: bool, *, by: Viewer) -> None:
    _known(role)
    if person.kind != "staff":
        raise Refused("", Say("Dit is geen medewerker van het kantoor."))
    if role != "administrator":
        await person.stays_with_an_administrator()
    before = {"role": person.role, "all_clients": person.all_clients}
    after = {"role": role, "all_clients": all_clients or role == "administrator"}
    if before == after:
        return
    await save(person, **after)
    await by.note("User.change_role", person, {"name": person.display_name, "before": before, "after": after})
    await touch("users", f"user-{person.id}")


async def colleagues() -> list[dict[str, Any]]:
    """Everybody of the office: id, name parts, email, state, role, all_clients, how many clients are his, last seen."""
    return await engine.raw(
        "SELECT u.id, u.full_name, u.email, u.state, u.role, u.all_clients, u.totp_secret <> '' AS factor, "
        "(SELECT count(*) FROM responsible r WHERE r.person = u.id) AS clients, (SELECT s.seen_at FROM session s WHERE s.person = u.id ORDER BY s.seen_at DESC LIMIT 1) AS seen_at "
        "FROM users u WHERE u.kind = 'staff' ORDER BY CASE WHEN u.state = 'blocked' THEN 1 ELSE 0 END, u.sort_key, u.id"
    )


def _known(role: str) -> None:
    if role not in ROLES:
        raise Refused("role", Say("Kies beheerder of medewerker."))
