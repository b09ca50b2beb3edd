"""Groups by rule: a client is in such a group because of what he is, and leaves it when he is that no more."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from models import engine
from models.accounts.blocking import listed
from models.core import Refused, Say

# What a rule may ask of the client `c`: its name in the rule > the condition, {} for the JSON list of the values.
CONDITIONS = {
    "sector": "c.id IN (SELECT q.client FROM client_sector q WHERE q.sector IN {ids})",
    "kind": "c.kind IN {text}",
    "legal_form": "lower(c.legal_form) IN {text}",
    "office": "c.office IN {ids}",
    "responsible": "c.id IN (SELECT q.client FROM responsible q WHERE q.person IN {ids})",
    "module": "(c.modules = '' OR EXISTS (SELECT 1 FROM {words} WHERE ',' || c.modules || ',' LIKE '%,' || v.value || ',%'))",
}
LABELS = {
    "sector": Say("Branche"),
    "kind": Say("Soort"),
    "legal_form": Say("Rechtsvorm"),
    "office": Say("Vestiging"),
    "responsible": Say("Verantwoordelijke"),
    "module": Say("Onderdeel in gebruik"),
}
_AT_ONCE = 100  # groups in one statement: SQLite takes 500 parts of a UNION


def checked(rule: dict[str, list[Any]], known: Mapping[str, str] = CONDITIONS) -> str:
    """The rule as it is kept: a client matches who has one of the values of each condition. '' when it asks nothing.
    `known` are the conditions that may be asked, where there are more than those of groups.

    Raises:
        Refused: an unknown condition.
    """
    if unknown := set(rule) - set(known):
        raise Refused("rule", Say("Een groep kan niet op “{what}” kiezen.", what=", ".join(sorted(unknown))))
    asked = {name: sorted({_value(value) for value in values}) for name, values in sorted(rule.items()) if values}
    return json.dumps(asked, ensure_ascii=False) if asked else ""


async def in_words(rule: str) -> list[tuple[str, list[str]]]:
    """Of a rule that is kept: condition, and its values as people know them."""
    names = {
        "group": "SELECT id, name FROM client_group",
        "office": "SELECT id, name FROM office",
        "sector": "SELECT id, name FROM sector",
        "responsible": "SELECT id, full_name AS name FROM users",
    }
    found = []
    for name, values in json.loads(rule).items():
        if name in names:
            rows = await engine.raw(f"{names[name]} WHERE id IN {listed(1)} ORDER BY 2", json.dumps(values))
            values = [row["name"] for row in rows]
        found.append((name, [str(value) for value in values]))
    return found


def _value(value: Any) -> Any:
    return value if isinstance(value, int) else " ".join(str(value).split()).lower()


def condition(rule: str, first: int = 1, known: Mapping[str, str] = CONDITIONS) -> tuple[str, list[Any]]:
    """SQL over the client `c`, with its arguments from $`first` on. An empty rule matches nobody."""
    asked = json.loads(rule) if rule else {}
    parts: list[str] = []
    args: list[Any] = []
    for name, values in asked.items():
        parts.append(known[name].format(**_lists(first + len(args))))
        args.append(json.dumps(values, ensure_ascii=False))
    return " AND ".join(parts) or "1 = 0", args


async def settle(clients: Iterable[int] | None = None) -> None:
    """Put these clients (None: all) into the groups whose rule they match, and take them out of those they do not.

    Who was put into a group by hand or by an import stays in it.
    """
    groups = await engine.raw("SELECT id, rule FROM client_group WHERE rule <> '' ORDER BY id")
    listing = None if clients is None else json.dumps(sorted(set(clients)))
    scope, scoped = ("", []) if listing is None else (f" AND {{}} IN {listed(1)}", [listing])
    for start in range(0, len(groups), _AT_ONCE):
        some = groups[start : start + _AT_ONCE]
        wanted, args = _wanted(some, scope.format("c.id"), list(scoped))
        ids = ", ".join(str(int(group["id"])) for group in some)
        await engine.raw(
            f"DELETE FROM membership WHERE source = 'rule' AND client_group IN ({ids}){scope.format('client')} "
            f"AND (client_group, client) NOT IN ({wanted})",
            *args,
        )
        await engine.raw(
            f"INSERT INTO membership (client_group, client, source) SELECT w.g, w.client, 'rule' FROM ({wanted}) w WHERE 1 = 1 "
            "ON CONFLICT (client, client_group) DO NOTHING",
            *args,
        )
    await engine.raw(
        f"DELETE FROM membership WHERE source = 'rule'{scope.format('client')} "
        "AND client_group IN (SELECT id FROM client_group WHERE rule = '')",
        *scoped,
    )


def _wanted(groups: list[dict[str, Any]], scope: str, args: list[Any]) -> tuple[str, list[Any]]:
    parts = []
    for group in groups:
        sql, more = condition(group["rule"], len(args) + 1)
        parts.append(f"SELECT {int(group['id'])} AS g, c.id AS client FROM client c WHERE {sql}{scope}")
        args += more
    return " UNION ALL ".join(parts), args


def _lists(n: int) -> dict[str, str]:
    """The ways in which the JSON list in argument `n` can stand in SQL: ids and text for IN, words as rows `v(value)`."""
    if engine.is_sqlite():
        text = f"(SELECT value FROM json_each(${n}))"
        return {"ids": text, "text": text, "words": f"json_each(${n}) v"}
    text = f"(SELECT value FROM json_array_elements_text(CAST(${n} AS json)))"
    return {"ids": listed(n), "text": text, "words": f"json_array_elements_text(CAST(${n} AS json)) v"}
