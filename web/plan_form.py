"""Reading a plan as its form gives it: its kind, steps with a way, a number and people, and the buttons that add, move and take away."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from models.approvals.planning import MOST_PEOPLE
from models.approvals.records import ROLES, ApprovalKind
from models.core import Missing, Say
from models.viewer import Viewer

MOST = 10


def steps_in(form: Any) -> list[dict[str, Any]]:
    """The steps as they were ticked, also half filled in: to be shown again, or kept when they are right."""
    steps = []
    for number in range(1, MOST + 1):
        if f"mode-{number}" not in form:
            break
        chosen = [_who(one) for one in form.getlist(f"who-{number}")]
        mode, n = str(form.get(f"mode-{number}")), _number(str(form.get(f"n-{number}", "1")))
        steps.append(
            {
                "mode": mode,
                "n": n if mode == "some" or isinstance(n, int) else 1,
                "who": [one for one in chosen if one],
            }
        )
    return steps


def _number(text: str) -> int | str:
    """What was typed stays as it was where it is no number: it is shown again, with what is wrong with it."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else text[:20]


def wrong_in(steps: list[dict[str, Any]]) -> dict[int, Say]:
    """Of which steps the number cannot be, and why: step (1, 2, …) > what to say beside it."""
    wrong: dict[int, Say] = {}
    for number, step in enumerate(steps, 1):
        n, people = step["n"], [one for one in step["who"] if "person" in one]
        if step["mode"] != "some":
            continue
        if not isinstance(n, int) or not 1 <= n <= MOST_PEOPLE:
            wrong[number] = Say("Vul een heel getal in van {least} tot en met {most}.", least=1, most=MOST_PEOPLE)
        elif step["who"] and len(people) == len(step["who"]) < n:
            wrong[number] = Say("Stap {n} vraagt meer akkoorden dan er mensen zijn.", n=number)
    return wrong


def _who(text: str) -> dict[str, Any] | None:
    kind, _, value = str(text).partition(":")
    if kind == "role":
        return {"role": value} if value in ROLES else None
    return (
        {"person": int(value)}
        if kind == "person" and value.isascii() and value.isdecimal() and len(value) < 10
        else None
    )


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


async def kind_asked(request: Request, viewer: Viewer) -> ApprovalKind | None:
    """The kind in `?kind=`; None where it is of all kinds. Raises Missing."""
    asked = request.query_params.get("kind", "")
    if not asked:
        return None
    if not (asked.isascii() and asked.isdecimal() and len(asked) < 10):
        raise Missing("kind")
    found: ApprovalKind = await viewer.scope(ApprovalKind).get(int(asked))
    return found


def id_in(form: Any, name: str) -> int:
    """0 for what is no number."""
    value = str(form.get(name, ""))
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 10 else 0


def blank() -> dict[str, Any]:
    return {"mode": "all", "n": 1, "who": []}
