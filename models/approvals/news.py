"""News of approvals for one person: a line is written in the unit in which it happens, given to a mail once, and put on the record when a
mail server took that mail. So nothing is lost between two mails, and nothing is told twice."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from piccolo.columns import ForeignKey, Integer, OnDelete, Timestamptz, Varchar
from piccolo.constraints import Check
from piccolo.table import Table

from models import engine
from models.accounts import User
from models.accounts.blocking import listed
from models.approvals.records import ApprovalRequest
from models.approvals.standing import in_role
from models.approvals.words import period_words
from models.clients import Client, seen, with_right
from models.core import Owned, Say
from models.hearing import how_sql
from models.personal import Erase, Export
from models.settings import Firm, utcnow
from models.viewer import Permission, Right

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from models.viewer import Viewer

# To a client's people: their turn, their turn again, a reminder, an answer, an approval that no longer counts, refused by another,
# withdrawn or replaced. To the office: refused, a question, complete, expired, an approver who is blocked (in the batch 'stuck': it cannot
# be completed any more); expired in a batch 'late-<day>': its internal deadline has passed.
TO_CLIENTS = ("offered", "again", "reminded", "answered", "voided", "refused", "withdrawn", "replaced")
TO_OFFICE = ("rejected", "question", "completed", "expired", "blocked")
ASKS = ("offered", "again", "reminded")  # worth telling only while it waits for him


class ApprovalNews(Owned, Table, tablename="approval_news"):
    """That somebody is told something of a request, once: `errand` is the mail, `named_at` when the mail was written and named it."""

    request = ForeignKey(ApprovalRequest, null=False, on_delete=OnDelete.cascade, index=True)
    client = ForeignKey(Client, null=False, on_delete=OnDelete.cascade, index=True)
    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade, index=True)
    what = Varchar(length=10)
    at = Timestamptz()
    errand = Integer(null=True, default=None, index=True)
    named_at = Timestamptz(null=True, default=None)
    noted_at = Timestamptz(
        null=True, default=None, help_text="When it was put on the record that the mail was handed over."
    )
    made_by = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null, help_text="of a reminder by hand")
    batch = Varchar(length=36, default="", index=True, help_text="of one act by hand: undone together")

    approval_news_known = Check(f"what IN ({', '.join(repr(what) for what in (*TO_CLIENTS, *TO_OFFICE))})")

    EXPORTS = Export(Say("Berichten over accorderingen"), by=("person", "made_by"))
    ERASES = Erase(deletes=True)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        if not viewer.may(Permission.VIEW_REQUESTED):
            return cls.id < 0
        return with_right(cls.client, viewer, Right.VIEW_APPROVALS)


_APPROVE = int(Right.APPROVE)
# Whose turn it is, and who may stand in for him today (`$DAY`): person and the approver's row `a` of the request `r`.
TURNS = f"""(SELECT b.person, b.id FROM approver b WHERE b.state = 'asked' AND {in_role("b", "$DAY")}
 UNION SELECT m.taker, b.id FROM mandate m JOIN approver b ON b.person = m.giver AND b.client = m.client AND b.state = 'asked'
  JOIN approval_request q ON q.id = b.request AND (m.kind IS NULL OR m.kind = q.kind)
  JOIN users g ON g.id = m.giver AND g.state <> 'blocked'
  JOIN access x ON x.person = m.giver AND (x.client = q.client OR (b.role = 'partner' AND x.client =
   (SELECT z.partner FROM client z WHERE z.id = q.client))) AND x.rights & {_APPROVE} <> 0
  WHERE m.since <= $DAY AND (m.until IS NULL OR m.until >= $DAY) AND m.ended_at IS NULL AND {in_role("b", "$DAY")})"""
HEARER = """JOIN users u ON {whom} AND u.kind = 'client' AND u.state = 'active' AND u.email <> ''
 JOIN client c ON c.id = r.client AND c.state = 'active' LEFT JOIN hearing h ON h.person = u.id AND h.client = r.client"""

# That what `n` tells still holds, as far as a mail is worth it; `$1` the day.
_HOLDS = f"""(n.what NOT IN ('offered', 'again', 'reminded') OR (r.state IN ('offered', 'partly') AND EXISTS (SELECT 1 FROM {TURNS.replace("$DAY", "$1")} w
 JOIN approver a ON a.id = w.id WHERE w.person = n.person AND a.request = n.request)))"""


async def tell(request: ApprovalRequest, what: str, which: str, *args: Any) -> None:
    """In the unit: a line for each of the client's people whom `which` (SQL for people, `$1` the request) names and who wants to hear."""
    firm, n = await Firm.load(), len(args) + 2
    await engine.raw(
        f"INSERT INTO approval_news (request, client, person, what, batch, at) SELECT r.id, r.client, u.id, '{what}', '', ${n} "
        f"FROM approval_request r {HEARER.format(whom=f'u.id IN ({which})')} WHERE r.id = $1 AND {how_sql(firm)} <> 'never'",
        request.id, *args, utcnow(),
    )  # fmt: skip


async def untold(request: int, *whats: str) -> set[int]:
    """Take back lines that no mail has yet; whose they were."""
    named = ", ".join(f"'{what}'" for what in whats)
    rows = await engine.raw(
        f"DELETE FROM approval_news WHERE request = $1 AND errand IS NULL AND what IN ({named}) RETURNING person",
        request,
    )
    return {row["person"] for row in rows}


async def waiting(firm: Firm, modes: tuple[str, ...]) -> dict[int, list[int]]:
    """person > the lines he is still to hear of, of those who hear in one of these ways. In the unit that gives them to a mail,
    or beforehand to see whether there are any."""
    from models.settings import this_day

    named = ", ".join(f"'{mode}'" for mode in modes)
    rows = await engine.raw(
        f"SELECT n.id, n.person FROM approval_news n JOIN approval_request r ON r.id = n.request {HEARER.format(whom='u.id = n.person')} "
        f"WHERE n.errand IS NULL AND {how_sql(firm)} IN ({named}) AND {_HOLDS} AND NOT EXISTS (SELECT 1 FROM approval_news t "
        "WHERE t.request = n.request AND t.person = n.person AND t.what = n.what AND t.id > n.id AND t.errand IS NOT NULL AND t.batch <> '') ORDER BY n.id",
        this_day(),
    )
    found: dict[int, list[int]] = {}
    for row in rows:
        found.setdefault(row["person"], []).append(row["id"])
    return found


async def untold_asks(requests: Sequence[int]) -> dict[tuple[int, int], str]:
    """(person, request) > offered or again, of who is still to hear that he is asked."""
    rows = await engine.raw(
        "SELECT person, request, what FROM approval_news WHERE errand IS NULL AND what IN ('offered', 'again') "
        f"AND request IN {listed(1)} ORDER BY id",
        json.dumps(list(requests)),
    )
    return {(row["person"], row["request"]): row["what"] for row in rows}


async def give(lines: dict[int, list[int]], errands: dict[int, int]) -> None:
    """In the unit: these lines go with the mails of their people."""
    pairs = [(id, errands[person]) for person, ids in lines.items() if person in errands for id in ids]
    if pairs:
        await engine.raw_many("UPDATE approval_news SET errand = $2 WHERE id = $1 AND errand IS NULL", pairs)


async def forget_rest() -> None:
    """After the mails of the day were given what they tell: what somebody cannot or does not want to hear, and what holds no more, is not
    told later either."""
    await engine.raw(
        "DELETE FROM approval_news WHERE errand IS NULL AND person IN (SELECT id FROM users WHERE kind = 'client')"
    )


async def add(rows: Sequence[tuple[int, int, int, str, dt.datetime, int | None, int | None, str]]) -> None:
    """Lines of request, client, person, what, at, errand, made_by, batch."""
    await engine.copy_rows(
        "approval_news", ("request", "client", "person", "what", "at", "errand", "made_by", "batch"), rows
    )


# what a mail to a client's person says

_OF_ERRAND = """SELECT n.id AS news, n.what, n.made_by, r.id, r.client, c.name AS client_name, k.name AS kind_nl, k.name_en AS kind_en, r.title,
 r.book_year, r.period, r.year_end, r.state, coalesce(r.internal_due, r.legal_due) AS due_on, r.reason,
 CASE WHEN EXISTS (SELECT 1 FROM {turns} w JOIN approver a ON a.id = w.id WHERE w.person = n.person AND a.request = r.id)
  AND r.state IN ('offered', 'partly') THEN 1 ELSE 0 END AS is_asked
FROM approval_news n JOIN approval_request r ON r.id = n.request JOIN client c ON c.id = r.client JOIN approval_kind k ON k.id = r.kind
WHERE n.errand = $1 AND n.person = $2 ORDER BY CASE WHEN coalesce(r.internal_due, r.legal_due) IS NULL THEN 1 ELSE 0 END,
 coalesce(r.internal_due, r.legal_due), r.id, n.id"""


async def of_errand(viewer: Viewer, errand: int) -> list[dict[str, Any]]:
    """What this mail tells him, as far as it still holds and he may know it. `is_shown`: whether its page is there for him. Reads only."""
    from models.settings import this_day

    rows = await engine.raw(_OF_ERRAND.format(turns=TURNS.replace("$DAY", "$3")), errand, viewer.user.id, this_day())
    if not rows:
        return []
    ids = list({row["id"] for row in rows})
    seen = await ApprovalRequest.select(ApprovalRequest.id).where(
        ApprovalRequest.id.is_in(ids) & ApprovalRequest.visible_to(viewer)
    )
    shown = {row["id"] for row in seen}
    found = []
    for row in rows:
        is_shown = row["id"] in shown
        if row["what"] in ASKS and not (row["is_asked"] and is_shown):
            continue
        if not is_shown and not (row["what"] == "voided" and row["client"] in viewer.grants):
            continue
        found.append(row | {"is_shown": is_shown})
    return found


async def name_lines(errands: Sequence[int], ids: Sequence[int]) -> None:
    """When a mail is written: which lines it names, however often it is written anew."""
    if not errands:
        return
    now = "$3" if engine.is_sqlite() else "CAST($3 AS timestamptz)"
    await engine.raw(
        f"UPDATE approval_news SET named_at = CASE WHEN id IN {listed(2)} THEN {now} END "
        f"WHERE errand IN {listed(1)} AND noted_at IS NULL",
        json.dumps(list(errands)), json.dumps(list(ids)), utcnow(),
    )  # fmt: skip


# what a mail to somebody of the office says


async def waiting_of(person: int) -> list[int]:
    """The lines that a colleague is still to hear of in his digest."""
    rows = await engine.raw("SELECT id FROM approval_news WHERE person = $1 AND errand IS NULL ORDER BY id", person)
    return [row["id"] for row in rows]


async def of_staff(viewer: Viewer, errand: int) -> list[dict[str, Any]]:
    """What this mail tells a colleague: id, client_id, client, name, what, reason; of a question only while it waits. Each request and
    kind of news once, and who is blocked once a client (`who`, `person`, and of `more` requests than this one). Reads only."""
    if not viewer.may(Permission.VIEW_REQUESTED):
        return []
    rows = await engine.raw(
        "SELECT DISTINCT r.id, r.client AS client_id, c.name AS client, c.sort_key, k.name AS kind, r.book_year, r.period, r.year_end, r.title, "
        "CASE WHEN n.what = 'blocked' AND n.batch = 'stuck' THEN 'stuck' WHEN n.what = 'expired' AND n.batch LIKE 'late-%' THEN 'late' ELSE n.what END AS what, "
        "CASE WHEN n.what = 'rejected' THEN r.reason ELSE '' END AS reason, CASE WHEN n.batch LIKE 'who-%' THEN n.batch ELSE '' END AS batch "
        "FROM approval_news n JOIN approval_request r ON r.id = n.request JOIN client c ON c.id = r.client JOIN approval_kind k ON k.id = r.kind "
        f"WHERE n.errand = $1 AND n.person = $2 AND {seen(viewer, 'r.client')} AND (n.what <> 'question' OR EXISTS "
        "(SELECT 1 FROM approval_remark m WHERE m.request = r.id AND m.side = 'client' AND m.settled_at IS NULL)) ORDER BY c.sort_key, r.id, what",
        errand, viewer.user.id,
    )  # fmt: skip
    named = [
        row
        | {
            "name": " ".join(
                one
                for one in (
                    row["kind"],
                    period_words(row["book_year"], row["period"], year_end=row["year_end"]),
                    row["title"],
                )
                if one
            )
        }
        for row in rows
    ]
    return await _by_person(named)


async def _by_person(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of who is blocked one line for all that waits for him at a client, on its first request."""
    people = sorted({int(row["batch"][4:]) for row in rows if row["batch"]})
    if not people:
        return rows
    known = await engine.raw(f"SELECT id, full_name FROM users WHERE id IN {listed(1)}", json.dumps(people))
    names = {row["id"]: row["full_name"] for row in known}
    found, first = list[dict[str, Any]](), dict[tuple[str, int], dict[str, Any]]()
    for row in rows:
        there = first.get((row["batch"], row["client_id"])) if row["batch"] else None
        if there:
            there["more"] += 1
            continue
        found.append(row)
        if row["batch"]:
            person = int(row["batch"][4:])
            row |= {"person": person, "who": names.get(person, ""), "more": 0}
            first[(row["batch"], row["client_id"])] = row
    return found
