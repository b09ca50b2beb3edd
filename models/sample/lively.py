"""What happens in the dossiers of a working office: requests, questions, drafts, what was read, thrown away and held, and
dossiers that came to differ from the standard. Each of it at clients by turn, so that it is the same every time; the cast has some of all."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any, NamedTuple

from models import engine
from models.accounts.blocking import listed
from models.core import fold
from models.sample.enterprises import Enterprise
from models.storage import Stored
from models.viewer import Right

_DOCUMENT = (
    "folder", "client", "name", "name_key", "sha256", "size", "mime", "source", "uploaded_by", "uploaded_at", "state", "publish_at",
    "published_at", "trashed_at", "trashed_by", "opened_at", "book_year", "retention", "kind",
)  # fmt: skip


class Asked(NamedTuple):
    """A request that the sample makes: at every fourth client of this turn, made and due so many days from now; per item what it
    asks, what explains it, and the paper that is handed in for it."""

    title: str
    message: str
    turn: int
    made: int
    due: int
    items: tuple[tuple[str, str, str], ...]


_BANK, _BILLS, _CARD = "Bankafschriften.pdf", "Facturen.pdf", "Identiteitsbewijs.pdf"
REQUESTS = (
    Asked("Stukken voor de jaarrekening", "Wilt u deze stukken aanleveren? Dan kunnen wij aan de jaarrekening beginnen.", 0, -6, 12, (
        ("Bankafschriften december", "Van alle zakelijke rekeningen", _BANK),
        ("Voorraadlijst per 31 december", "", _BILLS),
        ("Kilometeradministratie", "Alleen bij een auto van de zaak", _BILLS),
        ("Openstaande facturen", "Wat u op 31 december nog moest ontvangen", _BILLS),
    )),
    Asked("Identiteitsbewijs", "Voor ons cliëntonderzoek hebben wij een kopie nodig.", 1, -15, -5, (
        ("Kopie identiteitsbewijs", "Voor- en achterkant", _CARD),
    )),
    Asked("Btw-aangifte: stukken van dit kwartaal", "", 2, -12, -2, (
        ("Verkoopfacturen", "", _BILLS),
        ("Inkoopfacturen", "", _BILLS),
        ("Bankafschriften", "Als PDF van uw bank", _BANK),
    )),
)  # fmt: skip
# How far the items of a request are; of each kind by turn.
_FAR = (
    ("handed_in", "open", "not_applicable", "open"),
    ("accepted", "sent_back", "open", "open"),
    ("open", "open", "open", "open"),
    ("accepted", "handed_in", "handed_in", "open"),
)
_WHY = {"not_applicable": "Er is geen auto van de zaak.", "sent_back": "De laatste bladzijde ontbreekt."}


@dataclass
class Stage:
    """What is there already, and what is put on it: rows by table."""

    made: list[Enterprise]
    ids: dict[str, int]  # number > client
    people: dict[str, int]  # e-mail > person
    papers: dict[str, Stored]
    ed: int
    now: dt.datetime
    folders: dict[tuple[int, str | None, str], int]  # client, folder above, name
    kinds: dict[str, int]
    retentions: dict[str, int]

    def days(self, number: float) -> dt.datetime:
        return self.now + dt.timedelta(days=number)

    def document(self, place: int, client: int, name: str, at: dt.datetime, **values: Any) -> tuple[Any, ...]:
        """A row of _DOCUMENT; published by the office unless `values` say otherwise. `paper`: whose bytes it has."""
        stored = self.papers[values.pop("paper", name)]
        row = {
            "folder": place, "client": client, "name": name, "name_key": fold(name), "sha256": stored.sha256, "size": stored.size,
            "mime": "application/pdf", "source": "office", "uploaded_by": self.ed, "uploaded_at": at, "state": "published",
            "published_at": at,
        } | values  # fmt: skip
        return tuple(row.get(column) for column in _DOCUMENT)


async def make(
    made: list[Enterprise], ids: dict[str, int], people: dict[str, int], papers: dict[str, Stored], ed: int, now: dt.datetime
) -> None:  # fmt: skip
    """On top of the bare sample office, in the same unit."""
    stage = Stage(
        made,
        ids,
        people,
        papers,
        ed,
        now,
        await _folders(),
        await _named("document_kind"),
        await _named("retention_class"),
    )
    await _read(stage)  # before anything else is put there: the rest nobody has read yet
    await _describe(stage)
    await _put_more(stage)
    await _ask(stage)
    await _talk(stage)
    await _hold(stage)
    await _differ(stage)


async def _named(table: str) -> dict[str, int]:
    return {row["name"]: row["id"] for row in await engine.raw(f"SELECT id, name FROM {table}")}


async def _folders() -> dict[tuple[int, str | None, str], int]:
    rows = await engine.raw(
        "SELECT f.id, f.client, f.name, p.name AS parent FROM folder f LEFT JOIN folder p ON p.id = f.parent WHERE f.client IS NOT NULL"
    )
    return {(row["client"], row["parent"], row["name"]): row["id"] for row in rows}


async def _read(stage: Stage) -> None:
    """Of what the office published two in three were opened by whoever is in and may look; some as a file."""
    rows = await engine.raw(
        "SELECT d.id, d.client, d.uploaded_at, u.id AS person FROM document d JOIN access a ON a.client = d.client "
        f"AND a.rights & {int(Right.VIEW_DOSSIER)} <> 0 JOIN users u ON u.id = a.person AND u.state = 'active' AND u.kind = 'client' "
        "WHERE d.source = 'office' AND d.client IS NOT NULL ORDER BY d.id, u.id"
    )
    found = []
    for turn, row in enumerate(rows):
        if turn % 3:
            first = row["uploaded_at"] + dt.timedelta(hours=5 + turn % 30)
            last = first + dt.timedelta(hours=turn % 9)
            saved = last if turn % 4 == 0 else None
            found.append((row["id"], row["client"], row["person"], first, last, 1 + turn % 3, 1, saved))
    columns = ("document", "client", "person", "first_at", "last_at", "times", "version", "downloaded_at")
    await engine.copy_rows("reading", columns, found)


async def _describe(stage: Stage) -> None:
    """Kind and book year, by which can be searched and from which terms are counted."""
    for name, kind, year in (
        ("Jaarrekening 2025.pdf", "Jaarrekening", 2025),
        ("Aangifte vennootschapsbelasting 2025.pdf", "Aangifte", 2025),
        ("Btw-aangifte 3e kwartaal 2026.pdf", "Aangifte", 2026),
        ("Loonstroken oktober 2026.pdf", "Loonstrook en loonstaat", 2026),
        ("Opdrachtbevestiging.pdf", "Contract", None),
    ):
        await engine.raw(
            "UPDATE document SET kind = $1, book_year = $2 WHERE name = $3 AND client IS NOT NULL",
            stage.kinds.get(kind), year, name,
        )  # fmt: skip


async def _put_more(stage: Stage) -> None:
    """Drafts, what is planned, what is in the trash, and what is older than its term."""
    rows = []
    for turn, one in enumerate(stage.made):
        client = stage.ids[one.number]
        years = stage.folders.get((client, "Jaarrekeningen", "2025"))
        letters = stage.folders.get((client, "Correspondentie", "Belastingdienst"))
        older = stage.folders.get((client, "Jaarrekeningen", "2023"))
        if not years or not letters or not older:
            continue
        if turn % 5 == 0:
            values: dict[str, Any] = {
                "state": "draft",
                "published_at": None,
                "kind": stage.kinds.get("Jaarrekening"),
                "book_year": 2026,
            }
            rows.append(stage.document(years, client, "Concept jaarrekening 2026.pdf", stage.days(-1), **values))
        if turn % 6 in (0, 2):
            values = {
                "state": "planned",
                "published_at": None,
                "publish_at": stage.days(5),
                "kind": stage.kinds.get("Aanslag"),
                "book_year": 2027,
            }
            rows.append(stage.document(letters, client, "Voorlopige aanslag 2027.pdf", stage.days(-2), **values))
        if turn % 9 == 0:
            values = {"trashed_at": stage.days(-6), "trashed_by": stage.ed}
            rows.append(stage.document(letters, client, "Dubbele scan.pdf", stage.days(-20), **values))
        if turn % 8 == 3:
            values = {
                "book_year": 2016,
                "kind": stage.kinds.get("Jaarrekening"),
                "retention": stage.retentions.get("Administratie"),
            }
            rows.append(stage.document(older, client, "Jaarrekening 2016.pdf", stage.days(-25), **values))
    await engine.copy_rows("document", _DOCUMENT, rows)
    await _version(stage)


async def _version(stage: Stage) -> None:
    """The bakery's VAT return replaced a concept."""
    stored = stage.papers["Btw-aangifte 3e kwartaal 2026 (concept).pdf"]
    rows = await engine.raw(
        "UPDATE document SET version = 2 WHERE client = $1 AND name = $2 RETURNING id, uploaded_at",
        stage.ids["1001"], "Btw-aangifte 3e kwartaal 2026.pdf",
    )  # fmt: skip
    columns = (
        "document", "client", "number", "name", "sha256", "size", "mime", "source", "uploaded_by", "uploaded_at", "replaced_at", "was_published",
    )  # fmt: skip
    await engine.copy_rows(
        "document_version", columns,
        [
            (
                row["id"], stage.ids["1001"], 1, "Btw-aangifte 3e kwartaal 2026.pdf", stored.sha256, stored.size, "application/pdf",
                "office", stage.ed, row["uploaded_at"] - dt.timedelta(days=2), row["uploaded_at"], True,
            )
            for row in rows
        ],
    )  # fmt: skip


async def _ask(stage: Stage) -> None:
    """Requests that are open, late, half answered and done; what was handed in for them lies in the dossier."""
    templates = await _templates(stage)
    rows = [
        (
            client, folder, asked.title, asked.message, stage.days(_due(asked, turn)).date(), state, f"sample-{asked.turn}",
            templates[asked.title], stage.ed, stage.days(asked.made), stage.days(asked.due) if state != "open" else None,
        )
        for turn, one in enumerate(stage.made)
        for asked in REQUESTS
        if turn % 4 == asked.turn
        and (folder := stage.folders.get((client := stage.ids[one.number], None, "Aan te leveren stukken")))
        and (state := _state(asked, turn))
    ]  # fmt: skip
    columns = (
        "client", "folder", "title", "message", "due_on", "state", "batch", "template", "made_by", "made_at", "closed_at",
    )  # fmt: skip
    await engine.copy_rows("document_request", columns, rows)
    await _items(stage)


async def _templates(stage: Stage) -> dict[str, int]:
    """As the templates that they were made by; where somebody has one of that name already, it stays his."""
    for asked in REQUESTS:
        rows = await engine.raw(
            "INSERT INTO request_template (name, name_key, message, is_sample) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING id",
            asked.title, fold(asked.title), asked.message, True,
        )  # fmt: skip
        await engine.copy_rows(
            "request_template_item", ("template", "position", "title", "explanation"),
            [(row["id"], n, title, why) for row in rows for n, (title, why, _) in enumerate(asked.items)],
        )  # fmt: skip
    found = {row["name_key"]: row["id"] for row in await engine.raw("SELECT id, name_key FROM request_template")}
    return {asked.title: found[fold(asked.title)] for asked in REQUESTS}


def _due(asked: Asked, turn: int) -> int:
    """Not all on one day: in so many days. Of the quarter's papers one in three is late, the garage's first."""
    if asked.turn == 2:
        return asked.due - turn % 5 if turn % 12 == 2 else 3 + turn % 9
    return asked.due + turn % 10


def _state(asked: Asked, turn: int) -> str:
    if asked.turn != 1:
        return "open"
    return "withdrawn" if turn % 12 == 9 else "done"


def _far(asked: Asked, turn: int, place: int) -> str:
    """How far one item is: by turn, the cast at the beginning."""
    return "accepted" if asked.turn == 1 else _FAR[(turn // 2) % len(_FAR)][place]


async def _items(stage: Stage) -> None:
    rows = await engine.raw("SELECT id, client, batch, state, folder FROM document_request WHERE batch LIKE 'sample-%'")
    turns = {stage.ids[one.number]: (turn, one) for turn, one in enumerate(stage.made)}
    by_turn = {f"sample-{asked.turn}": asked for asked in REQUESTS}
    items, handed = [], []
    for row in sorted(rows, key=lambda row: row["id"]):
        asked, (turn, one) = by_turn[row["batch"]], turns[row["client"]]
        who = next((stage.people[p.email] for p in one.people if p.rights & Right.UPLOAD_DOCUMENTS), None)
        for place, (title, why, paper) in enumerate(asked.items):
            state = _far(asked, turn, place) if who and row["state"] != "withdrawn" else "open"
            if asked.turn == 1 and row["state"] == "done":
                state = "accepted"
            answered = stage.days(asked.made + 2 + place / 8) if state != "open" and who else None
            judged = stage.days(asked.made + 3) if state in ("accepted", "sent_back") else None
            items.append(
                (
                    row["id"], row["client"], place, title, why, state, _WHY.get(state, ""), who if answered else None, answered,
                    stage.days(asked.made), stage.ed if judged else None, judged,
                    "" if who or state != "accepted" else "Op kantoor gezien.",
                )
            )  # fmt: skip
            if answered and state != "not_applicable":
                handed.append((row["id"], place, stage.document(
                    row["folder"], row["client"], f"{title}.pdf", answered, paper=paper, source="client", uploaded_by=who, opened_at=judged,
                )))  # fmt: skip
    columns = (
        "request", "client", "position", "title", "explanation", "state", "reason", "answered_by", "answered_at", "asked_at",
        "judged_by", "judged_at", "note",
    )  # fmt: skip
    await engine.copy_rows("request_item", columns, items)
    await _hand_in(handed)


async def _hand_in(handed: list[tuple[int, int, tuple[Any, ...]]]) -> None:
    """Each document beside the item for which it came."""
    await engine.copy_rows("document", _DOCUMENT, [row for _, _, row in handed])
    items = {
        (row["request"], row["position"]): row["id"]
        for row in await engine.raw("SELECT id, request, position FROM request_item")
    }
    documents = {
        (row["folder"], row["name"]): row["id"]
        for row in await engine.raw("SELECT id, folder, name FROM document WHERE source = 'client'")
    }
    await engine.copy_rows(
        "request_item_document", ("item", "document"),
        [(items[request, place], documents[row[0], row[2]]) for request, place, row in handed],
    )  # fmt: skip


async def _talk(stage: Stage) -> None:
    """Questions about documents: some wait for the office, some were answered, one waits for the client."""
    rows = await engine.raw(
        "SELECT d.id, d.client, d.name, min(a.person) AS person FROM document d JOIN access a ON a.client = d.client "
        f"AND a.rights & {int(Right.VIEW_DOSSIER)} <> 0 JOIN users u ON u.id = a.person AND u.state IN ('active', 'invited') "
        "WHERE d.name IN ('Jaarrekening 2025.pdf', 'Opdrachtbevestiging.pdf') GROUP BY d.id, d.client, d.name ORDER BY d.id"
    )
    turns = {stage.ids[one.number]: turn for turn, one in enumerate(stage.made)}
    remarks: list[tuple[Any, ...]] = []
    for row in rows:
        turn, of = turns[row["client"]], (row["id"], row["client"])
        if row["name"] == "Opdrachtbevestiging.pdf":
            if turn % 7 == 2:
                remarks.append(
                    (
                        *of,
                        stage.ed,
                        "office",
                        "Wilt u deze opdrachtbevestiging lezen en laten weten of u akkoord bent?",
                        stage.days(-3),
                        None,
                    )
                )
        elif turn % 6 == 0:
            remarks.append(
                (*of, row["person"], "client", "Waarom is de winst lager dan vorig jaar?", stage.days(-1), None)
            )
        elif turn % 6 == 2:
            asked, answered = stage.days(-4), stage.days(-3.5)
            remarks.append((*of, row["person"], "client", "Staat de nieuwe bestelbus er al in?", asked, answered))
            remarks.append(
                (*of, stage.ed, "office", "Ja, bij de materiële vaste activa op bladzijde 4.", answered, answered)
            )
    columns = ("document", "client", "person", "side", "text", "at", "settled_at")
    await engine.copy_rows("remark", columns, remarks)


async def _hold(stage: Stage) -> None:
    """A tax audit: what it is about is not destroyed."""
    rows = await engine.raw(
        "INSERT INTO hold (name, reason, since, made_by, made_at, is_sample) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
        "Boekenonderzoek 2025", "De Belastingdienst onderzoekt de aangifte vennootschapsbelasting 2025.", stage.days(-10).date(),
        stage.ed, stage.days(-10), True,
    )  # fmt: skip
    await engine.raw(
        "INSERT INTO hold_item (hold, document) SELECT CAST($1 AS INTEGER), d.id FROM document d WHERE d.client = $2 AND d.name = $3",
        rows[0]["id"], stage.ids["1001"], "Aangifte vennootschapsbelasting 2025.pdf",
    )  # fmt: skip


async def _differ(stage: Stage) -> None:
    """A few dossiers came to differ from the standard; those of the cast did not."""
    places = (("Aangiften", "Omzetbelasting"), (None, "Permanent dossier"), ("Correspondentie", "Brieven"), ("Permanent dossier", "Oprichting"))  # fmt: skip
    turns = [turn for turn, one in enumerate(stage.made) if turn % 7 == 5 and not one.is_cast]
    renamed, added, other_kind, gone = (
        json.dumps(
            [
                folder
                for turn in turns
                if turn // 7 % 4 == which
                and (folder := stage.folders.get((stage.ids[stage.made[turn].number], *place)))
            ]
        )
        for which, place in enumerate(places)
    )
    await engine.raw(f"UPDATE folder SET name = 'Btw', name_key = 'btw' WHERE id IN {listed(1)}", renamed)
    await engine.raw(f"UPDATE folder SET kind = 'both' WHERE id IN {listed(1)}", other_kind)
    await engine.raw(f"DELETE FROM folder WHERE id IN {listed(1)}", gone)
    await engine.raw(
        "INSERT INTO folder (dossier, parent, client, name, name_key, kind, position, created_at) "
        f"SELECT dossier, id, client, 'Subsidies', 'subsidies', 'office', 90, $2 FROM folder WHERE id IN {listed(1)}",
        added, stage.days(-30),
    )  # fmt: skip
