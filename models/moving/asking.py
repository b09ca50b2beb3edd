"""What was asked of a client, in an archive: each request with its items, their state, and the documents that came for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from models import engine
from models.core import Say, fold
from models.dossiers.rolling import new_ids
from models.live import touch

Row = dict[str, Any]
_Carried = dict[tuple[str, int], Row]  # what he did, and of which request (made_by) or item

_MADE, _ANSWERED, _JUDGED = (
    (f"{table}.full_name AS {name}_name", f"{table}.email AS {name}_email")
    for table, name in (("m", "made_by"), ("a", "answered_by"), ("j", "judged_by"))
)
ITEM = ("title", "explanation", "state", "reason", "note")


# out


async def requests_of(
    client: int, folders: Mapping[int, int], documents: Mapping[int, int], iso: Callable[[Any], str | None]
) -> list[Row]:
    """`folders` and `documents`: those that are in the archive, id > number in it."""
    found = await engine.raw(
        f"SELECT r.*, t.name AS template_name, {', '.join(_MADE)} FROM document_request r LEFT JOIN users m ON m.id = r.made_by "
        "LEFT JOIN request_template t ON t.id = r.template WHERE r.client = $1 ORDER BY r.made_at, r.id",
        client,
    )
    items = await engine.raw(
        f"SELECT i.*, {', '.join((*_ANSWERED, *_JUDGED))} FROM request_item i LEFT JOIN users a ON a.id = i.answered_by "
        "LEFT JOIN users j ON j.id = i.judged_by WHERE i.client = $1 ORDER BY i.request, i.position, i.id",
        client,
    )
    files: dict[int, list[int]] = {}
    for row in await engine.raw(
        "SELECT l.item, l.document FROM request_item_document l JOIN request_item i ON i.id = l.item WHERE i.client = $1 ORDER BY l.id",
        client,
    ):
        if row["document"] in documents:
            files.setdefault(row["item"], []).append(documents[row["document"]])
    carried = await _carried(client)
    of: dict[int, list[Row]] = {}
    for row in items:
        of.setdefault(row["request"], []).append(_item(row, sorted(files.get(row["id"], [])), carried, iso))
    return [
        {
            "id": n,
            "folder": folders.get(row["folder"] or 0),
            **{name: row[name] for name in ("title", "message", "state", "batch")},
            "template": row["template_name"],
            "due_on": _day(row["due_on"]),
            "made_by": _person(row, "made_by", carried),
            "made_at": iso(row["made_at"]),
            "closed_at": iso(row["closed_at"]),
            "items": of.get(row["id"], []),
        }
        for n, row in enumerate(found, 1)
    ]


def _item(row: Row, documents: list[int], carried: _Carried, iso: Callable[[Any], str | None]) -> Row:
    return {
        **{name: row[name] for name in ITEM},
        "due_on": _day(row["due_on"]),
        **{name: iso(row[name]) for name in ("asked_at", "answered_at", "judged_at")},
        **{name: _person(row, name, carried) for name in ("answered_by", "judged_by")},
        "documents": documents,
    }


async def _carried(client: int) -> _Carried:
    """Whom an archive named before, whom this office does not know."""
    rows = await engine.raw(
        "SELECT k.what, k.request, k.item, k.name, k.email FROM carried_asker k JOIN document_request r ON r.id = k.request WHERE r.client = $1",
        client,
    )
    return {(row["what"], row["item"] or row["request"]): {"name": row["name"], "email": row["email"]} for row in rows}


def _day(day: Any) -> str | None:
    return str(day)[:10] if day is not None else None


def _person(row: Row, name: str, carried: _Carried) -> Row | None:
    if row[f"{name}_name"] is None:
        return carried.get((name, row["id"]))
    return {"name": row[f"{name}_name"], "email": row[f"{name}_email"]}


# in


async def there_already(client: int) -> set[str]:
    """The acts by which something was asked of this client: what came of one of them is not asked twice."""
    return {row["batch"] for row in await engine.raw("SELECT batch FROM document_request WHERE client = $1", client)}


async def put_requests(
    rows: Sequence[Row], known: Any, came: Mapping[int, int], documents: Mapping[int, int], client: int
) -> list[tuple[str, str, int | None, str, Say | None]]:
    """In the present unit; for the report of each: key, outcome, request, title, and whom this office does not know.
    `came` and `documents`: number in the archive > folder, document."""
    there, said = await there_already(client), []
    templates = {row["name_key"]: row["id"] for row in await engine.raw("SELECT id, name_key FROM request_template")}
    fresh = [row for row in rows if row["batch"] not in there]
    ids = dict(zip([row["id"] for row in fresh], await new_ids("document_request", len(fresh)), strict=True))
    items_ids = await new_ids("request_item", sum(len(row["items"]) for row in fresh))
    made: list[tuple[Any, ...]] = []
    items: list[tuple[Any, ...]] = []
    files: list[tuple[int, int]] = []
    strange: list[tuple[Any, ...]] = []

    def carry(request: int, item: int | None, what: str, named: Row | None) -> None:
        if named is not None and known.person(named) is None:
            strange.append((request, item, what, named["name"], named["email"]))

    for row in fresh:
        id = ids[row["id"]]
        made.append(
            (
                id, client, came.get(row["folder"] or 0), row["title"], row["message"], row["due_on"], row["state"], row["batch"],
                templates.get(fold(row["template"] or "")), known.person(row["made_by"]), row["made_at"], row["closed_at"],
            )
        )  # fmt: skip
        carry(id, None, "made_by", row["made_by"])
        for place, one in enumerate(row["items"]):
            item = next(items_ids)
            carry(id, item, "answered_by", one["answered_by"])
            carry(id, item, "judged_by", one["judged_by"])
            items.append(
                (
                    item, id, client, place, *(one[name] for name in ITEM), one["due_on"], one["asked_at"],
                    known.person(one["answered_by"]), one["answered_at"], known.person(one["judged_by"]), one["judged_at"],
                )
            )  # fmt: skip
            files.extend((item, documents[number]) for number in one["documents"] if number in documents)
    await engine.copy_rows(
        "document_request",
        ("id", "client", "folder", "title", "message", "due_on", "state", "batch", "template", "made_by", "made_at", "closed_at"),
        made,
    )  # fmt: skip
    await engine.copy_rows(
        "request_item",
        ("id", "request", "client", "position", *ITEM, "due_on", "asked_at", "answered_by", "answered_at", "judged_by", "judged_at"),
        items,
    )  # fmt: skip
    await engine.copy_rows("request_item_document", ("item", "document"), list(dict.fromkeys(files)))
    await engine.copy_rows("carried_asker", ("request", "item", "what", "name", "email"), strange)
    for row in rows:
        strangers = sorted({one["name"] or one["email"] for one in people_of(row) if known.person(one) is None})
        why = Say("Dit kantoor kent {names} niet: de naam staat erbij als tekst.", names=", ".join(strangers)[:500])
        is_new = row["id"] in ids
        said.append((f"r{row['id']}", "new" if is_new else "same", ids.get(row["id"]), row["title"], why if strangers and is_new else None))  # fmt: skip
    if fresh:
        await touch("requests", f"client-{client}")
    return said


def people_of(row: Row) -> list[Row]:
    """Everybody whom a request names."""
    found = [row["made_by"], *(one[name] for one in row["items"] for name in ("answered_by", "judged_by"))]
    return [one for one in found if one is not None]


async def take_back_requests(batch: int) -> None:
    """What an archive brought: gone where nobody did anything with it since, withdrawn where somebody did."""
    brought = "SELECT record_id FROM dossier_import_item WHERE batch = $1 AND outcome = 'new' AND key LIKE 'r%'"
    since = "(SELECT finished_at FROM dossier_import WHERE id = $1)"
    await engine.raw(
        f"DELETE FROM document_request WHERE id IN ({brought}) AND NOT EXISTS (SELECT 1 FROM request_item i WHERE i.request = document_request.id "
        f"AND (i.answered_at > {since} OR i.judged_at > {since} OR i.asked_at > {since}))",
        batch,
    )
    await engine.raw(
        f"UPDATE document_request SET state = 'withdrawn', closed_at = {since} WHERE state = 'open' AND id IN ({brought})",
        batch,
    )
    await touch("requests")
