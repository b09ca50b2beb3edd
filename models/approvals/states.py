"""The states of a request and of an approver, and which moves are legal: said once, enforced by the operations and by triggers."""

from __future__ import annotations

from collections.abc import Iterable

STATES = (
    "draft", "sign_off", "offered", "partly", "approved", "filed",
    "rejected", "withdrawn", "replaced", "expired", "on_paper",
)  # fmt: skip
MOVES: dict[str, tuple[str, ...]] = {
    "draft": ("sign_off", "offered", "withdrawn"),
    "sign_off": ("draft", "offered", "withdrawn"),
    "offered": ("partly", "approved", "rejected", "withdrawn", "replaced", "expired", "on_paper"),
    "partly": ("offered", "approved", "rejected", "withdrawn", "replaced", "expired", "on_paper"),
    "approved": ("filed", "replaced"),
    "filed": ("replaced",),
    "rejected": ("replaced", "withdrawn"),
    "expired": ("offered", "partly", "withdrawn", "replaced", "on_paper"),
    "on_paper": ("filed", "replaced"),
    "withdrawn": (),
    "replaced": (),
}
OPEN = ("offered", "partly")  # somebody's approval is awaited

APPROVER_STATES = ("waiting", "asked", "approved", "rejected", "void", "skipped", "viewing")
APPROVER_MOVES: dict[str, tuple[str, ...]] = {
    "waiting": ("asked", "skipped", "void"),
    "asked": ("approved", "rejected", "skipped", "void", "waiting"),
    "approved": ("void", "asked"),  # asked anew, because a part was replaced
    "rejected": ("void", "asked"),
    "skipped": ("void", "asked"),
    "void": (),
    "viewing": ("void",),
}


def one_of(names: Iterable[str]) -> str:
    """For a CHECK or a trigger: 'a', 'b'."""
    return ", ".join(f"'{name}'" for name in names)


def illegal(moves: dict[str, tuple[str, ...]]) -> str:
    """SQL that is true when OLD.state may not become NEW.state."""
    legal = " OR ".join(f"(OLD.state = '{old}' AND NEW.state IN ({one_of(new)}))" for old, new in moves.items() if new)
    return f"OLD.state <> NEW.state AND NOT ({legal})"
