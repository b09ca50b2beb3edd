"""News of uploads and questions for the staff: at once, gathered over a minute, or once a day; to whom the client belongs, and no one else."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from models import engine
from models.accounts import User
from models.approvals import news as approval_news
from models.certifying import attention
from models.core import save
from models.dossiers import Document
from models.dossiers.documents import Remark
from models.outbox import Errand, Kind, ask
from models.settings import Firm, utcnow
from models.viewer import Permission, Viewer

ZONE = ZoneInfo("Europe/Amsterdam")
GATHER = dt.timedelta(minutes=1)  # so long an at-once notice waits for more of the same
LOOK_BACK = dt.timedelta(days=7)  # of a first digest, or of one after the worker stood still
_SETTLED = dt.timedelta(
    minutes=1
)  # an upload's moment lies before its commit: the digest leaves so much for the next one
_MOST = 400  # documents of one at-once notice
_NAMED = 20  # documents named per client; of the others the mail says how many

# A client's own people, or the administrators where nobody active is responsible.
_RECIPIENTS_SQL = """
SELECT u.id, u.digest FROM users u WHERE u.kind = 'staff' AND u.state = 'active' AND u.email <> '' AND (
 u.id IN (SELECT person FROM responsible WHERE client = $1)
 OR (u.role = 'administrator' AND NOT EXISTS (
  SELECT 1 FROM responsible r JOIN users p ON p.id = r.person WHERE r.client = $1 AND p.state = 'active')))
"""


async def recipients_of(client_id: int | None) -> list[int]:
    """Who at the office hears of a client's files, whatever they chose for news; of what is of no client the administrators."""
    return [row["id"] for row in await engine.raw(_RECIPIENTS_SQL, client_id or 0)]


async def uploaded(client_id: int, document_ids: Sequence[int]) -> None:
    """In the unit that adds documents a client handed in: whoever wants to know at once gets an errand. The digest finds
    them by itself."""
    for row in await engine.raw(_RECIPIENTS_SQL, client_id):
        if row["digest"] == "at_once":
            await tell_at_once(row["id"], "documents", document_ids)


async def questioned(client_id: int, remark: int) -> None:
    """As `uploaded`, of a question that one of the client's people asks about a document."""
    for row in await engine.raw(_RECIPIENTS_SQL, client_id):
        if row["digest"] == "at_once":
            await tell_at_once(row["id"], "remarks", [remark])


async def tell_at_once(person: int, what: str, ids: Sequence[int]) -> int:
    """The errand of the mail in which this person hears of these."""
    waiting = (
        await Errand.objects()
        .where(
            (Errand.kind == Kind.UPLOAD_NOTICE.value)
            & (Errand.person == person)
            & (Errand.state == "waiting")
            & (Errand.attempts == 0)
        )
        .order_by(Errand.id, ascending=False)
        .first()
    )
    detail = json.loads(waiting.detail) if waiting else {}
    known = detail.get(what, [])
    if waiting and len(known) < _MOST:
        # Written, not only looked at: a worker that claims it at this moment then collides with us, and we begin another.
        await save(waiting, detail=json.dumps({"documents": [], **detail, what: [*known, *ids]}))
        return int(waiting.id)
    fresh: dict[str, Any] = {"documents": [], what: list(ids)}
    return await ask(Kind.UPLOAD_NOTICE, person=person, run_after=utcnow() + GATHER, **fresh)


async def plan_digests(now: dt.datetime) -> int:
    """Ask for the digests of this day when their hour has come, each once however many workers ask; how many were new.

    The day stands in the errand's subject, as 20261123; the unit that looks and asks is serial on both databases.
    """
    local, firm = now.astimezone(ZONE), await Firm.load()
    if local.hour < firm.digest_hour:
        return 0
    day = int(local.strftime("%Y%m%d"))
    seals = bool(await attention.points())
    if not await _without_digest(day, seals=seals):
        return 0
    return await engine.run_writing(lambda: _plan(day, now - _SETTLED, seals))


async def news_of(person: int, kind: str, detail: dict[str, Any], errand: int = 0) -> dict[str, Any] | None:
    """What a notice tells this person, as he may see it now: count, of which documents, questions and approvals, and clients with
    theirs. Reads only."""
    user = await User.objects().where(User.id == person).first()
    if user is None or user.kind != "staff" or user.state != "active":
        return None
    if kind == Kind.UPLOAD_NOTICE:
        rows = await _documents(user, Document.id.is_in(detail["documents"] or [-1]))
        asked = await _questions(user, Remark.id.is_in(detail.get("remarks") or [-1]))
    else:
        since, until = (dt.datetime.fromisoformat(detail[name]) for name in ("since", "until"))
        rows = await _documents(user, await _handed_in(user, since, until))
        asked = await _questions(user, await _asked(user, since, until))
    found = _by_client(rows, asked, await approval_news.of_staff(Viewer(user), errand) if errand else [])
    seals = [point.words for point in await attention.points_for(Viewer(user))] if kind == Kind.DIGEST else []
    return found | {"seals": seals, "count": found["count"] + len(seals)}


async def _without_digest(day: int, *, seals: bool) -> list[dict[str, Any]]:
    """Who wants one, and where something is the matter with `seals` every administrator, whatever he chose for other news."""
    them = "(digest = 'daily' OR role = 'administrator')" if seals else "digest = 'daily'"
    return await engine.raw(
        f"SELECT id FROM users u WHERE kind = 'staff' AND state = 'active' AND {them} AND email <> '' "
        "AND NOT EXISTS (SELECT 1 FROM errand e WHERE e.kind = 'digest' AND e.person = u.id AND e.subject_id = $1)",
        day,
    )


async def _plan(day: int, until: dt.datetime, seals: bool) -> int:
    asked = 0
    for row in await _without_digest(day, seals=seals):
        user = await User.objects().where(User.id == row["id"]).first()
        assert user is not None
        is_told = seals and await _hears_of_seals(user, until)
        if user.digest != "daily":
            asked += await _ask_digest(user, day, until, until, seals=True) if is_told else 0
            continue
        since = max(await _told_until(user.id) or until - LOOK_BACK, user.activated_at or user.created_at)
        asked += await _ask_digest(user, day, since, until, seals=is_told)
    return asked


async def _hears_of_seals(user: User, until: dt.datetime) -> bool:
    """Whether there is something the matter with sealing that none of his digests told him yet."""
    if not Viewer(user).may(Permission.MANAGE_SETTINGS):
        return False
    return await attention.is_news(await _last_digest(user.id) or until - attention.SOON, until)


async def tell_until_now(person: int) -> None:
    """For who changes from the digest to at once: what came since the last digest he hears of in one that leaves now."""
    user, now = await User.objects().where(User.id == person).first(), utcnow()
    if user is None or user.kind != "staff":
        return
    since = max(await _told_until(person) or now - LOOK_BACK, user.activated_at or user.created_at)
    await _ask_digest(user, int(now.astimezone(ZONE).strftime("%Y%m%d")), since, now)


async def _ask_digest(user: User, day: int, since: dt.datetime, until: dt.datetime, *, seals: bool = False) -> int:
    """If there is anything to tell; what waits of approvals goes with it. How many mails."""
    lines = await approval_news.waiting_of(user.id)
    if not lines and not seals and not await _is_something(user, since, until):
        return 0
    errand = await ask(Kind.DIGEST, day, person=user.id, since=since.isoformat(), until=until.isoformat())
    await approval_news.give({user.id: lines}, {user.id: errand})
    return 1


async def _told_until(person: int) -> dt.datetime | None:
    """Until when this person was told: by his last digest (days without one had nothing to tell), or at once since."""
    digest, notice = await _last_digest(person), await _last_notice(person)
    return max((at for at in (digest, notice) if at), default=None)


async def _last_notice(person: int) -> dt.datetime | None:
    last = (
        await Errand.select(Errand.created_at)
        .where((Errand.kind == Kind.UPLOAD_NOTICE.value) & (Errand.person == person))
        .order_by(Errand.id, ascending=False)
        .first()
    )
    return last["created_at"] + GATHER if last else None


async def _last_digest(person: int) -> dt.datetime | None:
    last = (
        await Errand.select(Errand.detail)
        .where((Errand.kind == Kind.DIGEST.value) & (Errand.person == person))
        .order_by(Errand.subject_id, ascending=False)
        .first()
    )
    return dt.datetime.fromisoformat(json.loads(last["detail"])["until"]) if last else None


async def _is_something(user: User, since: dt.datetime, until: dt.datetime) -> bool:
    if await Document.exists().where(await _handed_in(user, since, until) & Document.visible_to(Viewer(user))):
        return True
    return bool(await _questions(user, await _asked(user, since, until)))


async def _asked(user: User, since: dt.datetime, until: dt.datetime) -> Any:
    """Which questions are this person's to hear of."""
    return (
        await _his(user, Remark.client, "remark d", "d.side = 'client' AND d.at > $1 AND d.at <= $2", since, until)
    ) & ((Remark.at > since) & (Remark.at <= until))


async def _questions(user: User, condition: Any) -> list[dict[str, Any]]:
    """Those that still wait for an answer."""
    return (
        await Remark.select(
            Remark.document.id.as_alias("id"), Remark.document.name.as_alias("name"), Remark.client.id.as_alias("client_id"),
            Remark.client.name.as_alias("client"), Remark.person.full_name.as_alias("who"),
        )
        .where(condition & (Remark.side == "client") & Remark.settled_at.is_null() & Remark.visible_to(Viewer(user)))
        .order_by(Remark.client.sort_key)
        .order_by(Remark.id)
    )  # fmt: skip


async def _his(user: User, client: Any, table: str, recent: str, since: dt.datetime, until: dt.datetime) -> Any:
    """Of which clients he hears: his own, and an administrator of those with something recent and nobody responsible."""
    rows = await engine.raw("SELECT client FROM responsible WHERE person = $1", user.id)
    his: Any = client.is_in([row["client"] for row in rows] or [-1])
    if user.role == "administrator":
        rows = await engine.raw(
            f"SELECT c.id FROM client c WHERE EXISTS (SELECT 1 FROM {table} WHERE d.client = c.id AND {recent}) "
            "AND NOT EXISTS (SELECT 1 FROM responsible r JOIN users p ON p.id = r.person WHERE r.client = c.id AND p.state = 'active')",
            since, until,
        )  # fmt: skip
        his = his | client.is_in([row["id"] for row in rows] or [-1])
    return his


async def _handed_in(user: User, since: dt.datetime, until: dt.datetime) -> Any:
    """Which documents are this person's to hear of."""
    recent = "d.source = 'client' AND d.uploaded_at > $1 AND d.uploaded_at <= $2"
    clients = await _his(user, Document.client, "document d", recent, since, until)
    return (
        clients
        & (Document.source == "client")
        & Document.trashed_at.is_null()
        & (Document.uploaded_at > since)
        & (Document.uploaded_at <= until)
    )


async def _documents(user: User, condition: Any) -> list[dict[str, Any]]:
    who = Document.uploaded_by
    return (
        await Document.select(
            Document.id, Document.name, Document.folder.name.as_alias("folder"), Document.client.id.as_alias("client_id"),
            Document.client.name.as_alias("client"), who.full_name.as_alias("who"),
        )
        .where(condition & Document.visible_to(Viewer(user)) & Document.trashed_at.is_null() & Document.client.is_not_null())
        .order_by(Document.client.sort_key)
        .order_by(Document.id)
    )  # fmt: skip


def _by_client(
    rows: list[dict[str, Any]], asked: list[dict[str, Any]], approvals: list[dict[str, Any]]
) -> dict[str, Any]:
    clients: dict[int, dict[str, Any]] = {}
    for row in [*rows, *asked, *approvals]:
        clients.setdefault(
            row["client_id"],
            {
                "id": row["client_id"],
                "name": row["client"],
                "documents": [],
                "questions": [],
                "approvals": [],
                "more": 0,
            },
        )
    for row in asked[:_MOST]:
        clients[row["client_id"]]["questions"].append({"id": row["id"], "name": row["name"], "who": row["who"] or ""})
    for row in approvals[:_MOST]:
        clients[row["client_id"]]["approvals"].append(row)
    for row in rows:
        client = clients[row["client_id"]]
        if len(client["documents"]) == _NAMED:
            client["more"] += 1
            continue
        who = row["who"] or ""
        client["documents"].append({"id": row["id"], "name": row["name"], "folder": row["folder"], "who": who})
    return {
        "count": len(rows) + len(asked) + len(approvals),
        "documents": len(rows),
        "questions": len(asked),
        "approvals": len(approvals),
        "clients": list(clients.values()),
    }
