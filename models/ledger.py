"""The ledger of messages, as the office looks at it: every mail that was asked for, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts import Link, User
from models.core import Scope, fold
from models.outbox import MAIL_KINDS, Errand
from models.settings import utcnow

if TYPE_CHECKING:
    from models.viewer import Viewer

# What the filter offers, and the states of errands behind it.
SHOWN = {
    "waiting": ("waiting", "claimed", "sending"),
    "done": ("done",),
    "trouble": ("refused", "unknown", "failed"),
    "refused": ("refused",),
    "unknown": ("unknown",),
    "failed": ("failed",),
    "cancelled": ("cancelled",),
}


def matching(
    viewer: Viewer, *, q: str = "", state: str = "", kind: str = "", opening: int | None = None
) -> Scope[Errand]:
    """The messages that exist for this viewer, narrowed. Unknown values of a filter narrow nothing."""
    found = viewer.errands.where(Errand.kind.is_in([one.value for one in MAIL_KINDS]))
    if state in SHOWN:
        found = found.where(Errand.state.is_in(list(SHOWN[state])))
    if kind in MAIL_KINDS:
        found = found.where(Errand.kind == kind)
    if opening is not None:
        found = found.where(
            Errand.kind == "invitation", Errand.subject_id.is_in(Link.select(Link.id).where(Link.opening == opening))
        )
    for word in fold(q).split()[:5]:
        like = f"%{word.replace('%', '').replace('_', '')}%"
        found = found.where(
            Errand.address.like(like) | Errand.person.is_in(User.select(User.id).where(User.search_key.like(like)))
        )
    return found


async def page(found: Scope[Errand], number: int, size: int) -> list[dict[str, Any]]:
    """The newest first."""
    person = Errand.person
    return (
        await Errand.select(
            Errand.id, Errand.kind, Errand.state, Errand.address, Errand.subject_line, Errand.said, Errand.attempts, Errand.run_after,
            Errand.created_at, Errand.finished_at, person.id.as_alias("person_id"), person.full_name.as_alias("full_name"),
            person.email.as_alias("email"),
        )
        .where(found.condition)
        .order_by(Errand.id, ascending=False)
        .limit(size)
        .offset((number - 1) * size)
    )  # fmt: skip


async def recipient(errand: Errand) -> User | None:
    return await User.objects().where(User.id == errand.person).first() if errand.person else None


async def held_up() -> dict[str, Any] | None:
    """Whether messages wait because the mail server would not have them: how many, and the last thing it said."""
    rows = await engine.raw("SELECT count(*) AS n FROM errand WHERE state = 'waiting' AND attempts > 0 AND said <> ''")
    if not rows[0]["n"]:
        return None
    last = await engine.raw(
        "SELECT said, run_after FROM errand WHERE state = 'waiting' AND attempts > 0 AND said <> '' ORDER BY run_after DESC LIMIT 1"
    )
    return {
        "count": rows[0]["n"],
        "said": last[0]["said"],
        "is_later": last[0]["run_after"] > utcnow(),
        "at": last[0]["run_after"],
    }
