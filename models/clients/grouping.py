"""What a group is for and who is in it: by hand or by a rule; and the template that a rights group hands to new users."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts.blocking import listed
from models.clients.checks import KINDS
from models.core import Refused, Say, operation, save
from models.live import touch
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

PURPOSES = {"selection": Say("Selectie"), "rights": Say("Rechten")}


class Grouping:
    """The operations of `ClientGroup` on what it is for and by what rule clients are in it."""

    if TYPE_CHECKING:
        id: Any
        name: Any
        purpose: Any
        template: Any
        rule: Any

    @operation(Permission.MANAGE_CLIENTS, trail=False)
    async def set_purpose(self, purpose: str, template: str = "", *, by: Viewer) -> None:
        """`template` is the key of the template that a rights group hands to new users."""
        await self._checked_purpose(purpose, template)
        before = {"purpose": self.purpose, "template": self.template}
        after = {"purpose": purpose, "template": template if purpose == "rights" else ""}
        if before == after:
            return
        await save(self, **after)  # type: ignore[arg-type]
        await by.note("ClientGroup.set_purpose", self, {"name": self.name, "before": before, "after": after})
        await touch("clients", "rollout")

    async def _checked_purpose(self, purpose: str, template: str) -> None:
        if purpose not in PURPOSES:
            raise Refused("purpose", Say("Kies waarvoor de groep is."))
        if purpose == "selection":
            return
        if not await engine.raw("SELECT 1 AS one FROM rights_template WHERE key = $1", template):
            raise Refused("template", Say("Kies welk sjabloon nieuwe gebruikers krijgen."))
        used = await engine.raw(
            "SELECT 1 AS one FROM dossier_group WHERE client_group = $1 UNION ALL SELECT 1 FROM staff_reach WHERE client_group = $1 LIMIT 1",
            self.id,
        )
        if used:
            raise Refused(
                "purpose",
                Say(
                    "Deze groep bepaalt wie een algemeen dossier of welke medewerker cliënten ziet: hij blijft een selectie."
                ),
            )

    @operation(Permission.MANAGE_CLIENTS, trail=False)
    async def set_rule(self, rule: dict[str, list[Any]], *, by: Viewer) -> None:
        """Clients that match are in the group from now on, and leave it when they do no more. An empty rule is none: who is in
        it by hand stays."""
        from models.clients.rules import checked

        kept = checked(rule)
        if kept == self.rule:
            return
        before = self.rule
        await save(self, rule=kept)  # type: ignore[arg-type]
        await _settle()
        detail = {"name": self.name, "before": {"rule": await _told(before)}, "after": {"rule": await _told(kept)}}
        await by.note("ClientGroup.set_rule", self, detail)
        await touch("clients", "rollout")


async def matching_count(viewer: Viewer, rule: dict[str, list[Any]]) -> int:
    """How many active clients that this viewer sees a rule would put into a group."""
    from models.clients.records import seen
    from models.clients.rules import checked, condition

    sql, args = condition(checked(rule))
    rows = await engine.raw(
        f"SELECT count(*) AS n FROM client c WHERE c.state = 'active' AND {seen(viewer)} AND {sql}", *args
    )
    return int(rows[0]["n"])


async def choices() -> dict[str, list[tuple[Any, Any]]]:
    """What a rule can ask: condition > (value, text) of all there is to choose."""
    offices = await engine.raw("SELECT id, name FROM office ORDER BY name_key")
    forms = await engine.raw(
        "SELECT DISTINCT lower(legal_form) AS value, min(legal_form) AS name FROM client WHERE legal_form <> '' "
        "GROUP BY lower(legal_form) ORDER BY 1 LIMIT 60"
    )
    people = await engine.raw(
        "SELECT id, full_name FROM users WHERE kind = 'staff' AND state <> 'blocked' ORDER BY sort_key, id LIMIT 500"
    )
    sectors = await engine.raw("SELECT id, name FROM sector ORDER BY name_key")
    return {
        "sector": [(row["id"], row["name"]) for row in sectors],
        "kind": list(KINDS.items()),
        "legal_form": [(row["value"], row["name"]) for row in forms],
        "office": [(row["id"], row["name"]) for row in offices],
        "responsible": [(row["id"], row["full_name"]) for row in people],
    }


async def default_template(clients: Iterable[int]) -> str:
    """The template that a new user of these clients gets: of the first rights group, by name, that one of them is in; or ''."""
    rows = await engine.raw(
        "SELECT g.template FROM client_group g JOIN membership m ON m.client_group = g.id "
        f"WHERE g.purpose = 'rights' AND g.template <> '' AND m.client IN {listed(1)} ORDER BY g.name_key LIMIT 1",
        json.dumps(sorted(set(clients))),
    )
    return rows[0]["template"] if rows else ""


async def _told(rule: str) -> str:
    """As the trail keeps it: in names, because it is read years later."""
    from models.clients.rules import LABELS, in_words

    return "; ".join(f"{LABELS[name]}: {' / '.join(values)}" for name, values in await in_words(rule)) if rule else ""


async def _settle() -> None:
    from models.clients.reach import settle  # which needs the tables

    await settle()
