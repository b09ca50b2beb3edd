"""The days from which terms count where only a person knows them: of a document, a folder, a client; one by one or in bulk."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts.blocking import listed
from models.clients import Client
from models.core import Forbidden, Refused, Say, Scope, operation, save, was_and_is
from models.dossiers.documents import Document, DocumentKind
from models.dossiers.dossier import require_structures
from models.dossiers.folders import Folder
from models.keeping.records import Destruction, may_keep
from models.live import touch
from models.retention import RetentionClass
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

_FIRST = dt.date(1950, 1, 1)


@operation(Permission.EDIT_DOSSIERS, trail=False)
async def set_anchor(one: Document | Folder, anchor_on: dt.date | None, *, by: Viewer) -> None:
    """When somebody left, or something was first used: of a folder it holds for what lies in it. None takes it away."""
    require_structures(one.client, by)
    _check_day("anchor_on", anchor_on)
    before = one.anchor_on
    if before != anchor_on:
        await save(one, anchor_on=anchor_on)
        told = was_and_is({"anchor_on": _told(before)}, {"anchor_on": _told(anchor_on)})
        await by.note(f"{type(one).__name__}.set_anchor", one, {"name": one.name, **told})


@operation(Permission.MANAGE_CLIENTS, trail=False)
async def set_keeping(
    client: Client, year_end_month: int, relation_ended_on: dt.date | None, extension_months: int | None, *, by: Viewer
) -> None:
    """The month in which its book year ends, when the office's relation with it ended, and its own filing extension."""
    if not 1 <= year_end_month <= 12:
        raise Refused("year_end_month", Say("Kies een van de mogelijkheden."))
    if extension_months is not None and not 0 <= extension_months <= 60:
        raise Refused("extension_months", Say("Vul een heel getal in van {least} tot en met {most}.", least=0, most=60))
    _check_day("relation_ended_on", relation_ended_on)
    values: dict[str, Any] = {
        "year_end_month": year_end_month, "relation_ended_on": relation_ended_on, "extension_months": extension_months,
    }  # fmt: skip
    before = {name: getattr(client, name) for name in values}
    if before != values:
        await save(client, **values)
        plain = [{name: _told(value) for name, value in each.items()} for each in (before, values)]
        await by.note("Client.set_keeping", client, {"name": client.name, **was_and_is(plain[0], plain[1])})
        await touch(f"client-{client.id}")


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def set_many(
    found: Scope[Folder], folders: Sequence[int], anchor: str, year: int | None, day: dt.date | None, *, by: Viewer
) -> int:
    """For all that lies in these folders without a day of its own: the book year, the day, or the end of the relation with
    their clients. How many folders or clients were changed."""
    if not may_keep(by):
        raise Forbidden("anchors")
    if anchor == "book_year":
        if year is None or not 1990 <= year <= 2100:
            raise Refused("year", Say("Vul een jaar in van {least} tot en met {most}.", least=1990, most=2100))
    elif day is None:
        raise Refused("day", Say("Vul een dag in."))
    _check_day("day", day)
    change = {
        "book_year": ("UPDATE folder SET year = $2 WHERE id IN {them} AND year IS NULL RETURNING id", year),
        "relation": (
            "UPDATE client SET relation_ended_on = $2 WHERE relation_ended_on IS NULL AND state = 'archived' "
            "AND id IN (SELECT f.client FROM folder f WHERE f.id IN {them}) RETURNING id",
            day,
        ),
    }.get(anchor, ("UPDATE folder SET anchor_on = $2 WHERE id IN {them} AND anchor_on IS NULL RETURNING id", day))
    rows = await engine.raw(change[0].format(them=listed(1)), json.dumps([int(id) for id in folders]), change[1])
    told = str(year) if anchor == "book_year" else _told(day)
    await by.note(
        "Folder.set_anchors", None, {"count": len(rows), "day": told, "ids": [row["id"] for row in rows][:200]}
    )
    await touch("keeping")
    return len(rows)


async def without_anchor() -> tuple[Destruction | None, list[dict[str, Any]]]:
    """The newest list, and what it found of folders in which documents have a class but no day to count from, as far as nobody
    filled it in since: client, label, folder, place, class, anchor, count."""
    looked = (Destruction.kind != "trash") & Destruction.state.is_in(["proposed", "running", "done"])
    last = await Destruction.objects().where(looked).order_by(Destruction.id, ascending=False).first()
    found = last.without_anchor if last else []
    rows = await engine.raw(
        "SELECT f.id, f.year, f.anchor_on, c.relation_ended_on FROM folder f LEFT JOIN client c ON c.id = f.client "
        f"WHERE f.trashed_at IS NULL AND f.id IN {listed(1)}",
        json.dumps([one["folder"] for one in found]),
    )
    column = {"book_year": "year", "relation": "relation_ended_on"}
    open_ = {row["id"]: row for row in rows}
    still = [
        one for one in found
        if one["folder"] in open_ and open_[one["folder"]][column.get(one["anchor"], "anchor_on")] is None
    ]  # fmt: skip
    return last, still


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def keep_kind(kind: DocumentKind, retention: int | None, *, by: Viewer) -> None:
    """Under which class documents of a kind fall."""
    names = {row["id"]: row["name"] for row in await RetentionClass.select(RetentionClass.id, RetentionClass.name)}
    if retention and retention not in names:
        raise Refused("retention", Say("Kies een van de bewaartermijnen."))
    if (kind.retention or None) != (retention or None):
        before = names.get(kind.retention, "")
        await save(kind, retention=retention or None)
        told = was_and_is({"retention": before}, {"retention": names.get(retention, "")})
        await by.note("DocumentKind.keep", kind, {"name": kind.name, **told})


async def kinds_with_class() -> list[dict[str, Any]]:
    """id, name, retention (id) and documents of every kind."""
    return await engine.raw(
        "SELECT k.id, k.name, k.retention, (SELECT count(*) FROM document d WHERE d.kind = k.id) AS documents "
        "FROM document_kind k ORDER BY k.position, k.name_key"
    )


async def used() -> dict[int, dict[str, int]]:
    """class id > on how many folders (of clients, of structures and general dossiers), kinds and documents it is set itself."""
    rows = await engine.raw(
        "SELECT 'folders' AS what, retention, count(*) AS n FROM folder WHERE retention IS NOT NULL AND client IS NOT NULL GROUP BY retention "
        "UNION ALL SELECT 'shared', retention, count(*) FROM folder WHERE retention IS NOT NULL AND client IS NULL GROUP BY retention "
        "UNION ALL SELECT 'kinds', retention, count(*) FROM document_kind WHERE retention IS NOT NULL GROUP BY retention "
        "UNION ALL SELECT 'documents', retention, count(*) FROM document WHERE retention IS NOT NULL GROUP BY retention"
    )
    found: dict[int, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row["retention"], {})[row["what"]] = int(row["n"])
    return found


async def structures_of(class_id: int) -> list[dict[str, Any]]:
    """The folders of standard structures and general dossiers that carry a class: id, name, dossier_name."""
    return await engine.raw(
        "SELECT f.id, f.name, d.name AS dossier_name FROM folder f JOIN dossier d ON d.id = f.dossier "
        "WHERE f.retention = $1 AND f.client IS NULL AND f.trashed_at IS NULL ORDER BY d.name_key, f.name_key LIMIT 200",
        class_id,
    )


def _check_day(field: str, day: dt.date | None) -> None:
    if day is not None and not _FIRST <= day <= dt.date(2100, 12, 31):
        raise Refused(field, Say("Deze dag kan niet kloppen."))


def _told(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date) else value
