"""The office's list of kinds: what each is called, when it is due, what is agreed to, and what proof is asked."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from models import deadlines, engine
from models.approvals.records import ApprovalKind
from models.approvals.words import FIELDS, statement_of
from models.core import Refusals, Refused, Say, Scope, fold, operation, save, was_and_is
from models.dossiers.matching import refuse_unknown
from models.ladder import checked_days
from models.live import touch
from models.pins.means import LEVELS
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

MOST = 100
NEEDED = ("kind", "period", "client")  # in every sentence that is agreed to
LEVEL_WORDS: dict[str, Say] = {
    "pin": Say("Pincode"),
    "codes": Say("Genummerde code uit een lijst"),
    "totp": Say("Code uit een authenticator-app"),
    "passkey": Say("Passkey"),
}
RULES: dict[str, Say] = {"": Say("Geen vaste dag"), **{key: rule.name for key, rule in deadlines.RULES.items()}}


@dataclass(frozen=True)
class KindFields:
    """What an administrator fills in; see the columns of ApprovalKind."""

    name: str
    name_en: str = ""
    rule: str = ""
    addressee: str = ""
    addressee_en: str = ""
    statement: str = ""
    statement_en: str = ""
    least_level: str = "pin"
    needs_sign_off: bool = False
    internal_days: int = 7
    remind_before: str = "7,3,1"
    remind_after: int = 1
    remind_every: int = 3
    phone_days: int = 3
    folder: str = ""


async def checked(values: KindFields, but: int = 0) -> dict[str, Any]:
    """As it is kept; `but` is the kind itself. Raises RefusedFields with all that is wrong."""
    wrong = Refusals()
    name = " ".join(values.name.split())
    key = fold(name)[:240]
    if not name:
        wrong.add("name", Say("Vul een naam in."))
    elif await ApprovalKind.exists().where((ApprovalKind.name_key == key) & (ApprovalKind.id != but)):
        wrong.add("name", Say("Er is al een soort met deze naam."))
    if not values.statement.strip():
        wrong.add("statement", Say("Vul in waarmee de accordeur akkoord gaat."))
    for field in ("statement", "statement_en"):
        wrong.check(_check_fields, field, getattr(values, field))
    wrong.check(_check_english, values)
    wrong.check(_check_folder, values.folder)
    if values.least_level not in LEVELS:
        wrong.add("least_level", Say("Kies een bewijs."))
    if values.rule not in RULES:
        wrong.add("rule", Say("Kies een kalender."))
    remind_before = wrong.check(checked_days, values.remind_before)
    for field, most in (("internal_days", 90), ("remind_after", 30), ("remind_every", 30), ("phone_days", 60)):
        if not 0 <= getattr(values, field) <= most:
            wrong.add(field, Say("Vul een getal in van 0 tot en met {most}.", most=most))
    wrong.settle()
    return asdict(values) | {
        "name": name[:120], "name_key": key, "remind_before": remind_before,
        "statement": values.statement.strip(), "statement_en": values.statement_en.strip(),
    }  # fmt: skip


def _check_fields(field: str, text: str) -> None:
    wrong = Refusals()
    unknown = [name for name in re.findall(r"\{([^{}]*)\}", text) if name not in FIELDS]
    if unknown or text.count("{") != text.count("}"):
        wrong.add(
            field,
            Say("“{{{name}}}” kan niet worden ingevuld. Kies uit {{kind}}, {{period}}, {{client}}, {{addressee}} en {{amount}}.", name=unknown[0] if unknown else ""),
        )  # fmt: skip
    missing = [f"{{{name}}}" for name in NEEDED if f"{{{name}}}" not in text]
    if text.strip() and missing:
        wrong.add(field, Say("De zin moet noemen waarop akkoord wordt gegeven. Er ontbreekt: {fields}.", fields=", ".join(missing)))  # fmt: skip
    wrong.settle()


def _check_english(values: KindFields) -> None:
    """An English sentence is wholly English."""
    if not values.statement_en.strip():
        return
    wrong = Refusals()
    if not values.name_en.strip():
        wrong.add("name_en", Say("Vul ook de naam in het Engels in: hij staat in de Engelse zin."))
    if "{addressee}" in values.statement_en and values.addressee.strip() and not values.addressee_en.strip():
        wrong.add("addressee_en", Say("Vul ook in het Engels in waar het heen gaat: dat staat in de Engelse zin."))
    wrong.settle()


def _check_folder(folder: str) -> None:
    try:
        for name in folder.split("›"):
            refuse_unknown(name)
    except Refused as refused:
        raise Refused("folder", refused.why) from None
    if folder.count("{") != folder.count("}"):
        raise Refused("folder", Say("Bij een invulling ontbreekt een accolade."))


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def add_kind(_all: Scope[ApprovalKind], values: KindFields, *, by: Viewer) -> ApprovalKind:
    """At the end of the list."""
    kept = await checked(values)
    if await ApprovalKind.count() >= MOST:
        raise Refused("", Say("Er zijn al {n} soorten.", n=MOST))
    last = (await engine.raw("SELECT coalesce(max(position), 0) AS last FROM approval_kind"))[0]["last"]
    kind = ApprovalKind(**kept, position=last + 1)
    await kind.save()
    await by.note("ApprovalKind.add", kind, {"name": kind.name})
    await touch("approvals")
    return kind


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def change_kind(kind: ApprovalKind, values: KindFields, *, by: Viewer) -> None:
    """For what is offered from now on; what was offered keeps its words and its proof."""
    kept = await checked(values, kind.id)
    before = {name: getattr(kind, name) for name in kept if name != "name_key"}
    await save(kind, **kept)
    after = {name: getattr(kind, name) for name in before}
    await by.note("ApprovalKind.change", kind, {"name": kind.name, **was_and_is(before, after)})
    await touch("approvals")


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def use_kind(kind: ApprovalKind, is_active: bool, *, by: Viewer) -> None:
    """Put aside it is offered no more; what is there stays as it is."""
    await save(kind, is_active=is_active)
    await by.note("ApprovalKind.use" if is_active else "ApprovalKind.put_aside", kind, {"name": kind.name})
    await touch("approvals")


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def move_kind(kind: ApprovalKind, up: bool, *, by: Viewer) -> None:
    """One place up or down in the list."""
    rows = await engine.raw("SELECT id FROM approval_kind ORDER BY position, id")
    ids = [row["id"] for row in rows]
    at = ids.index(kind.id)
    to = at - 1 if up else at + 1
    if not 0 <= to < len(ids):
        return
    ids[at], ids[to] = ids[to], ids[at]
    places = " ".join(f"WHEN {id} THEN {place}" for place, id in enumerate(ids))
    await engine.raw(f"UPDATE approval_kind SET position = CASE id {places} END")


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def remove_kind(kind: ApprovalKind, *, by: Viewer) -> None:
    """Only one that was never used."""
    if await engine.raw("SELECT 1 AS one FROM approval_request WHERE kind = $1 LIMIT 1", kind.id):
        raise Refused("", Say("“{name}” is al gebruikt en blijft daarom bewaard. Zet de soort weg als u hem niet meer wilt aanbieden.", name=kind.name))  # fmt: skip
    await by.note("ApprovalKind.remove", kind, {"name": kind.name})
    await ApprovalKind.delete().where(ApprovalKind.id == kind.id)
    await touch("approvals")


def example(values: KindFields, language: str = "nl") -> str:
    """The sentence of an invented client, as an approver would read it."""
    kind = SimpleNamespace(**asdict(values))
    asked = SimpleNamespace(title="", book_year=2026, period="k3", addressee=values.addressee, amount=123_450)
    return statement_of(kind, asked, "Bakkerij Jansen B.V.", language)


async def kinds_used() -> list[dict[str, object]]:
    """All of them in their order, each with how many requests there are."""
    return await engine.raw(
        "SELECT k.id, k.name, k.rule, k.least_level, k.needs_sign_off, k.is_active, k.internal_days, "
        "(SELECT count(*) FROM approval_request r WHERE r.kind = k.id) AS used, "
        "(SELECT count(*) FROM approval_plan p WHERE p.kind = k.id AND p.client IS NULL) AS planned "
        "FROM approval_kind k ORDER BY k.position, k.id"
    )
