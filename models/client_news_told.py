"""What one mail tells a client's person, as he may see it at the moment it is written. Reads only."""

from __future__ import annotations

import datetime as dt
from functools import reduce
from typing import Any

from models import engine
from models.accounts import User
from models.approvals import news
from models.approvals.words import period_words
from models.clients import granted
from models.dossiers import Document
from models.settings import Firm, this_day
from models.viewer import Right, Viewer

_NAMED = 20  # things of one kind named per client; of the others the mail says how many
_CLIENTS = 40  # clients named in one mail
# what waits for his approval, and what else there is to hear of approvals
APPROVALS = (
    "approve",
    "approve_again",
    "approve_reminded",
    "approve_answers",
    "approve_voided",
    "approve_refused",
    "approve_ended",
)
# what somebody is asked to do; the rest is news
ASKED = ("approve", "approve_again", "approve_reminded", "asked", "back", "reminded")
KINDS = (*APPROVALS, "stands_in", "asked", "back", "reminded", "documents", "unread", "answers", "done")
_KIND_OF = {
    "offered": "approve", "again": "approve_again", "reminded": "approve_reminded", "answered": "approve_answers", "voided": "approve_voided",
    "refused": "approve_refused", "withdrawn": "approve_ended", "replaced": "approve_ended",
}  # fmt: skip


def approved_by(person: str) -> str:
    """SQL: whether document `d` was filed as that `person` himself approved it, or is the certificate of that."""
    of = f"SELECT 1 FROM approver w JOIN {{}} ON x.request = w.request WHERE w.decided_by = {person} AND w.state = 'approved' AND x.document = d.id AND x.sha256 = d.sha256"
    return (
        f"(d.of_approval AND (EXISTS ({of.format('approval_document x')}) OR EXISTS ({of.format('approval_seal x')})))"
    )


Since = dict[int, dt.datetime]  # client > since when he is told of it


async def told_of(person: int, errand: int, detail: dict[str, Any]) -> dict[str, Any] | None:
    """`count`, `counts` by KINDS, and `clients`, those where something is asked first: id (None for what is for many), name, and of each kind its rows and how
    many more there are. None for who is not active."""
    user = await User.objects().where(User.id == person).first()
    if user is None or user.kind != "client" or user.state != "active":
        return None
    viewer = Viewer(user, await granted(user.id))
    found = _Found(viewer)
    if detail.get("until"):
        until = dt.datetime.fromisoformat(detail["until"])
        since = await _since(viewer, detail)
        general = dt.datetime.fromisoformat(detail["since"]) if detail.get("since") else None
        await found.documents(since, general, until)
        await found.items(since, until)
        await found.answers(since, until)
        await found.mandates(since, until)
    await found.reminders(errand)
    await found.approvals(errand)
    return found.told()


async def _since(viewer: Viewer, detail: dict[str, Any]) -> Since:
    """Since when for each of his clients: not before he reached it. Without those of which he hears in another way."""
    own = {int(client): at for client, at in detail.get("own", {}).items()}
    rows = await engine.raw("SELECT client, created_at FROM access WHERE person = $1", viewer.user.id)
    found = {}
    for row in rows:
        at = own.get(row["client"], detail.get("since"))
        if at and row["client"] in viewer.grants:
            found[row["client"]] = max(dt.datetime.fromisoformat(at), row["created_at"])
    return found


class _Found:
    """Gathers by client what there is to tell."""

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer
        self.by_client: dict[int | None, dict[str, list[dict[str, Any]]]] = {}
        self.seen: set[tuple[str, int]] = set()
        self.named = {id: grant.client_name for id, grant in viewer.grants.items()}

    def add(self, client: int | None, kind: str, key: tuple[str, int], row: dict[str, Any]) -> None:
        if key in self.seen:
            return
        self.seen.add(key)
        self.by_client.setdefault(client, {}).setdefault(kind, []).append(row)

    async def documents(self, since: Since, general: dt.datetime | None, until: dt.datetime) -> None:
        """Published in the window, and not opened by him yet."""
        parts: list[Any] = [
            (Document.client.is_in([client for client, at in since.items() if at == moment]))
            & (Document.published_at > moment)
            for moment in set(since.values())
        ]
        if general:
            parts.append(Document.client.is_null() & (Document.published_at > general))
        if not parts:
            return
        condition = reduce(lambda a, b: a | b, parts) & (Document.source == "office") & (Document.published_at <= until)
        rows = await _documents(self.viewer, condition)
        own = await _approved(self.viewer, rows)
        for row in rows:
            if row["id"] in own:
                continue
            self.add(row["client"], "documents", ("document", row["id"]), row)

    async def items(self, since: Since, until: dt.datetime) -> None:
        """Requests with something new to hand in, items that came back, and requests that are done."""
        rows = await engine.raw(
            f"SELECT r.id, r.client, r.title, r.due_on, r.state AS request_state, r.closed_at, i.id AS item, i.title AS item_title, i.state, i.due_on AS item_due, i.asked_at, i.judged_at, "
            "(SELECT max(m.at) FROM reminder m LEFT JOIN errand e ON e.id = m.errand WHERE m.person = $2 AND m.request = r.id AND m.made_by IS NOT NULL "
            "AND coalesce(e.state, '') NOT IN ('refused', 'failed', 'cancelled')) AS reminded_at "
            f"FROM document_request r JOIN request_item i ON i.request = r.id WHERE {self._asked()} AND ("
            "(r.state = 'open' AND i.state IN ('open', 'sent_back') AND (i.asked_at > $1 OR i.judged_at > $1)) OR (r.state = 'done' AND r.closed_at > $1)) "
            "ORDER BY CASE WHEN r.due_on IS NULL THEN 1 ELSE 0 END, r.due_on, r.id, i.position, i.id",
            min(since.values(), default=until), self.viewer.user.id,
        )  # fmt: skip
        asked: dict[int, dict[str, Any]] = {}
        for row in rows:
            at = since.get(row["client"])
            if at is None:
                continue
            if row["request_state"] == "done":
                if row["closed_at"] and at < row["closed_at"] <= until:
                    self.add(row["client"], "done", ("done", row["id"]), {"id": row["id"], "title": row["title"]})
            elif row["asked_at"] and at < row["asked_at"] <= until:
                if row["reminded_at"] is not None and engine.as_moment(row["reminded_at"]) >= row["asked_at"]:
                    continue  # the office wrote him of it already
                one = asked.setdefault(row["id"], _request(row))
                one["n"] += 1
                self.add(row["client"], "asked", ("request", row["id"]), one)
            elif row["state"] == "sent_back" and row["judged_at"] and at < row["judged_at"] <= until:
                told = {"id": row["id"], "item": row["item"], "title": row["item_title"], "of": row["title"]}
                self.add(row["client"], "back", ("item", row["item"]), told)

    async def answers(self, since: Since, until: dt.datetime) -> None:
        """Documents about which the office asked or answered something since he himself last wrote there."""
        clients = ", ".join(str(int(client)) for client in since) or "-1"
        rows = await engine.raw(
            f"SELECT document, client, max(at) AS at FROM remark k WHERE side = 'office' AND client IN ({clients}) AND at > $1 AND at <= $2 "
            "AND NOT EXISTS (SELECT 1 FROM remark o WHERE o.document = k.document AND o.person = $3 AND o.id > k.id) GROUP BY document, client",
            min(since.values(), default=until), until, self.viewer.user.id,
        )  # fmt: skip
        ids = [row["document"] for row in rows if engine.as_moment(row["at"]) > since[row["client"]]]
        if ids:
            for row in await _documents(self.viewer, Document.id.is_in(ids), unread=False):
                self.add(row["client"], "answers", ("answer", row["id"]), row)

    async def mandates(self, since: Since, until: dt.datetime) -> None:
        """For whom he was given to stand in, as long as that lasts: giver, kind ('' for all), since and last day."""
        if not (await Firm.load()).uses("approvals"):
            return
        rows = await engine.raw(
            "SELECT m.id, m.client, g.full_name AS giver, k.name AS kind_nl, k.name_en AS kind_en, m.since, m.until, m.made_at FROM mandate m "
            "JOIN users g ON g.id = m.giver LEFT JOIN approval_kind k ON k.id = m.kind WHERE m.taker = $3 AND m.made_at > $1 AND m.made_at <= $2 "
            "AND m.ended_at IS NULL AND (m.until IS NULL OR m.until >= $4) ORDER BY m.id",
            min(since.values(), default=until), until, self.viewer.user.id, this_day(),
        )  # fmt: skip
        may, language = self.viewer.client_ids_with(Right.APPROVE), self.viewer.user.language
        for row in rows:
            at = since.get(row["client"])
            if at is None or engine.as_moment(row["made_at"]) <= at or row["client"] not in may:
                continue
            kind = (row["kind_en"] if language == "en" and row["kind_en"] else row["kind_nl"]) or ""
            told = {"id": row["id"], "giver": row["giver"], "kind": kind, "since": engine.as_day(row["since"]), "until": engine.as_day(row["until"])}  # fmt: skip
            self.add(row["client"], "stands_in", ("mandate", row["id"]), told)

    async def reminders(self, errand: int) -> None:
        """What this errand reminds of, as far as it still waits for him."""
        rows = await engine.raw(
            "SELECT r.id, r.client, r.title, r.due_on, i.due_on AS item_due FROM reminder m JOIN document_request r ON r.id = m.request "
            f"JOIN request_item i ON i.request = r.id AND i.state IN ('open', 'sent_back') WHERE m.errand = $1 AND r.state = 'open' AND {self._asked()} "
            "ORDER BY CASE WHEN r.due_on IS NULL THEN 1 ELSE 0 END, r.due_on, r.id",
            errand,
        )
        asked: dict[int, dict[str, Any]] = {}
        for row in rows:
            one = asked.setdefault(row["id"], _request(row))
            one["n"] += 1
            self.add(row["client"], "reminded", ("request", row["id"]), one)
        ids = [
            row["document"]
            for row in await engine.raw(
                "SELECT document FROM reminder WHERE errand = $1 AND document IS NOT NULL", errand
            )
        ]
        if ids:
            for row in await _documents(self.viewer, Document.id.is_in(ids)):
                self.add(row["client"], "unread", ("document", row["id"]), row)

    async def approvals(self, errand: int) -> None:
        """What this errand tells of approvals: of each request what waits for him, once, and what else happened to it."""
        rows = await news.of_errand(self.viewer, errand)
        asks = {"again": 0, "offered": 1, "reminded": 2}
        for row in sorted(rows, key=lambda row: asks.get(row["what"], 3)):
            kind = "approval" if row["what"] in asks else row["what"]
            self.named.setdefault(row["client"], row["client_name"])
            self.add(row["client"], _KIND_OF[row["what"]], (kind, row["id"]), _approval(row, self.viewer.user.language))

    def _asked(self) -> str:
        """The requests that are his to answer."""
        ids = ", ".join(str(int(id)) for id in self.viewer.client_ids_with(Right.UPLOAD_DOCUMENTS)) or "-1"
        folders = ", ".join(str(int(id)) for id, act in self.viewer.opened_folders.items() if act) or "-1"
        return f"(r.client IN ({ids}) OR r.folder IN ({folders}))"

    def told(self) -> dict[str, Any]:
        names = self.named
        order = [id for id in names if id in self.by_client] + ([None] if None in self.by_client else [])
        order.sort(key=lambda id: not any(kind in self.by_client[id] for kind in ASKED))
        clients = []
        for id in order[:_CLIENTS]:
            kinds = self.by_client[id]
            named: dict[str, Any] = {kind: kinds.get(kind, [])[:_NAMED] for kind in KINDS}
            beyond = {kind: max(0, len(rows) - _NAMED) for kind, rows in kinds.items()}
            more_asked = sum(n for kind, n in beyond.items() if kind in ASKED)
            more = sum(beyond.values()) - more_asked
            asks = any(named[kind] for kind in ASKED)
            tells = any(named[kind] for kind in KINDS if kind not in ASKED)
            clients.append({"id": id, "name": names.get(id or 0, ""), "more": more, "more_asked": more_asked, "asks": asks, "tells": tells, **named})  # fmt: skip
        counts = {kind: sum(len(kinds.get(kind, ())) for kinds in self.by_client.values()) for kind in KINDS}
        lines = [row["news"] for client in clients for kind in APPROVALS for row in client[kind]]
        return {
            "lines": lines, "count": sum(counts.values()), "counts": counts, "clients": clients, "more_clients": len(order) - len(clients),
        }  # fmt: skip


def _request(row: dict[str, Any]) -> dict[str, Any]:
    due = row["due_on"] or row["item_due"]
    late = due is not None and due < this_day()
    return {"id": row["id"], "title": row["title"], "due_on": due, "is_late": late, "n": 0}


def _approval(row: dict[str, Any], language: str) -> dict[str, Any]:
    """One request for approval in a mail, in its reader's language; `news` is the line that is told by it."""
    due = engine.as_day(row["due_on"])
    kind = row["kind_en"] if language == "en" and row["kind_en"] else row["kind_nl"]
    name = " ".join(
        one
        for one in (
            kind,
            period_words(row["book_year"], row["period"], language, year_end=row["year_end"]),
            row["title"],
        )
        if one
    )
    return {
        "id": row["id"], "title": name, "due_on": due, "is_late": due is not None and due < this_day(), "reason": row["reason"],
        "is_shown": row["is_shown"], "what": row["what"], "news": row["news"],
    }  # fmt: skip


async def _approved(viewer: Viewer, rows: list[dict[str, Any]]) -> set[int]:
    """Which of these he approved himself."""
    if not rows:
        return set()
    ids = ", ".join(str(int(row["id"])) for row in rows)
    own = await engine.raw(f"SELECT d.id FROM document d WHERE d.id IN ({ids}) AND {approved_by('$1')}", viewer.user.id)
    return {row["id"] for row in own}


async def _documents(viewer: Viewer, condition: Any, *, unread: bool = True) -> list[dict[str, Any]]:
    """id, name, folder, client and version of those that exist for him; only what he did not open when `unread`."""
    rows = (
        await Document.select(
            Document.id, Document.name, Document.version, Document.client.id.as_alias("client"), Document.folder.name.as_alias("folder")
        )
        .where(condition & Document.visible_to(viewer))
        .order_by(Document.published_at, ascending=False)
        .order_by(Document.id, ascending=False)
        .limit(2000)
    )  # fmt: skip
    if not unread or not rows:
        return rows
    ids = ", ".join(str(int(row["id"])) for row in rows)
    read = await engine.raw(
        f"SELECT document, version FROM reading WHERE person = $1 AND document IN ({ids})", viewer.user.id
    )
    known = {(row["document"], row["version"]) for row in read}
    return [row for row in rows if (row["id"], row["version"]) not in known]
