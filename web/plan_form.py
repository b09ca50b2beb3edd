"""Reading a plan as its form gives it: steps with a way, a number and people, and the buttons that add, move and take away."""

from __future__ import annotations

from typing import Any

MOST = 10


def steps_in(form: Any) -> list[dict[str, Any]]:
    """The steps as they were ticked, also half filled in: to be shown again, or kept when they are right."""
    steps = []
    for number in range(1, MOST + 1):
        if f"mode-{number}" not in form:
            break
        chosen = [_who(one) for one in form.getlist(f"who-{number}")]
        n = str(form.get(f"n-{number}", "1"))
        steps.append(
            {
                "mode": str(form.get(f"mode-{number}")),
                "n": int(n) if n.isascii() and n.isdecimal() and len(n) < 4 else 1,
                "who": [one for one in chosen if one],
            }
        )
    return steps


def _who(text: str) -> dict[str, Any] | None:
    kind, _, value = str(text).partition(":")
    if kind == "role":
        return {"role": value}
    return {"person": int(value)} if kind == "person" and value.isdecimal() and len(value) < 10 else None


def acted(form: Any, steps: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    """The steps after a button other than the one that saves (`add`, `remove-2`, `up-2`); None where that was pressed."""
    verb, _, at = str(form.get("do", "")).partition("-")
    place = int(at) - 1 if at.isdecimal() and len(at) < 4 else -1
    match verb:
        case "add":
            return [*steps, blank()] if len(steps) < MOST else steps
        case "remove" if 0 <= place < len(steps):
            return steps[:place] + steps[place + 1 :]
        case "up" if 0 < place < len(steps):
            return [*steps[: place - 1], steps[place], steps[place - 1], *steps[place + 1 :]]
    return None


def blank() -> dict[str, Any]:
    return {"mode": "all", "n": 1, "who": []}
