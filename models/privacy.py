"""Requests about one person: everything that is known of him, and taking out what may be taken out.

Both carry out what each table declares (see `personal`). What is kept is named, item by item, with the ground.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from piccolo.columns import Date, ForeignKey, OnDelete, Text, Timestamptz, Varchar
from piccolo.constraints import Check
from piccolo.table import Table

from models import engine
from models.accounts import User
from models.accounts.blocking import shut_out
from models.audit import Trail
from models.core import Owned, Refused, Say, operation, save
from models.live import touch
from models.people import keys_of
from models.personal import NUMBER_ONLY, Erase, Export
from models.retention import classes
from models.sealing_ddl import ERASED
from models.settings import sort_rule, this_day, utcnow
from models.viewer import Permission
from models.words import escaped

if TYPE_CHECKING:
    from models.viewer import Viewer

_MOST = 5000  # rows of one table in the export


class PrivacyRequest(Owned, Table, tablename="privacy_request"):
    """That somebody asked what is known of him (access), or to be taken out (erasure), and what was done."""

    person = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null, index=True)
    kind = Varchar(length=7, help_text="access or erasure")
    state = Varchar(length=7, default="open")
    asked_on = Date()
    due_on = Date(help_text="A month later: art. 12 lid 3 AVG")
    handled_by = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null)
    handled_at = Timestamptz(null=True, default=None)
    answer = Text(default="[]", help_text="JSON: of an erasure what went and what stayed, item by item")

    privacy_request_kind_known = Check("kind IN ('access', 'erasure')")
    privacy_request_state_known = Check("state IN ('open', 'done', 'refused')")

    EXPORTS = Export(Say("Verzoeken over gegevens"), by=("person", "handled_by"))
    ERASES = Erase(ground=NUMBER_ONLY)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id > 0 if may_handle(viewer) else cls.id < 0

    @property
    def items(self) -> list[Item]:
        return [
            Item(one["table"], Say.from_json(one["title"]), one["rows"], one["what"],
                 Say.from_json(one["ground"]) if one["ground"] else None, one["until"])
            for one in json.loads(self.answer)
        ]  # fmt: skip

    @operation(Permission.MANAGE_USERS)
    async def refuse(self, *, by: Viewer) -> None:
        """The request was withdrawn, or did not come from the person himself."""
        if self.state != "open":
            raise Refused("", Say("Dit verzoek is al afgehandeld."))
        await save(self, state="refused", handled_by=by.user.id, handled_at=utcnow())


class Part(NamedTuple):
    """All rows of one table that are his: title, and each row as column > value, without what nobody is handed."""

    table: str
    title: Say
    rows: list[dict[str, Any]]


class Item(NamedTuple):
    """What becomes of his rows in one table: `what` is deleted, blanked or kept; kept ones have a ground, perhaps a term."""

    table: str
    title: Say
    rows: int
    what: str
    ground: Say | None = None
    until: str = ""

    def as_json(self) -> dict[str, Any]:
        ground = self.ground.as_json() if self.ground else None
        return self._asdict() | {"title": self.title.as_json(), "ground": ground}


def may_handle(viewer: Viewer) -> bool:
    """Who sees everything of everybody: else the answer would lack what he may not see."""
    return viewer.is_staff and viewer.may(Permission.MANAGE_USERS) and viewer.sees_all_clients


def declared() -> list[tuple[Any, Export, Erase]]:
    """Every table in which a person may stand, with what it declares."""
    from models.piccolo_app import APP_CONFIG

    tables = sorted(APP_CONFIG.table_classes, key=lambda table: (table is not User, table._meta.tablename))
    return [(table, table.EXPORTS, table.ERASES) for table in tables if getattr(table, "EXPORTS", None)]  # type: ignore[attr-defined]


async def everything(person: User) -> list[Part]:
    """All that is known of him, table by table; tables without a row of his are left out. One query, however many tables."""
    asked, args = [], list[Any]()
    for table, export, _ in declared():
        if where := _where(export):
            sql, args = _bound(where, person, args)
            name = table._meta.tablename
            rows = f"SELECT * FROM {name} WHERE {sql} ORDER BY id LIMIT {_MOST}"
            asked.append(f"SELECT '{name}' AS part, r.id, {_as_json(table, export.hidden)} AS told FROM ({rows}) r")
    found: dict[str, list[dict[str, Any]]] = {}
    for row in await engine.raw(" UNION ALL ".join(asked) + " ORDER BY part, id", *args):
        told = json.loads(row["told"]) if isinstance(row["told"], str) else row["told"]
        found.setdefault(row["part"], []).append(told)
    return [
        Part(name, export.title, [_typed(table, row) for row in found[name]])
        for table, export, _ in declared()
        if (name := table._meta.tablename) in found
    ]


def _as_json(table: Any, hidden: tuple[str, ...]) -> str:
    """A row `r` of the table as a JSON text, without what nobody is handed. (A function of Postgres takes no more than a
    hundred arguments: there the row as a whole.)"""
    if engine.is_sqlite():
        columns = [c._meta.db_column_name for c in table._meta.columns if c._meta.name not in hidden]
        pairs = ", ".join(f"'{name}', r.{name}" for name in columns)
        return f"json_object({pairs})"
    return "CAST(to_jsonb(r)" + "".join(f" - '{name}'" for name in hidden) + " AS TEXT)"


def _typed(table: Any, row: dict[str, Any]) -> dict[str, Any]:
    """Days and moments out of the texts that JSON has for them."""
    for column in table._meta.columns:
        value = row.get(column._meta.name)
        if isinstance(value, str) and isinstance(column, Timestamptz):
            row[column._meta.name] = dt.datetime.fromisoformat(value)
        elif isinstance(value, str) and isinstance(column, Date):
            row[column._meta.name] = dt.date.fromisoformat(value)
    return row


def _where(export: Export) -> str:
    each = [f"{column} = {{id}}" for column in export.by] + ([export.where] if export.where else [])
    return f"({' OR '.join(each)})" if each else ""


def _bound(where: str, person: User, before: list[Any] | None = None) -> tuple[str, list[Any]]:
    """{id} is his number; his address, and a pattern that finds it, become arguments, after those that are there `before`."""
    args = list(before or [])
    for name, value in (("email", person.email.lower()), ("like_email", f"%{escaped(person.email.lower())}%")):
        if f"{{{name}}}" in where:
            args.append(value)
            cast = f"CAST(${len(args)} AS TEXT)"
            where = where.replace(f"{{{name}}}", cast + (" ESCAPE '!'" if name == "like_email" else ""))
    return where.replace("{id}", str(int(person.id))), args


@operation(Permission.MANAGE_USERS, trail=False)
async def ask_for(person: User, kind: str, asked_on: dt.date, *, by: Viewer) -> PrivacyRequest:
    """Note that he asked; the answer is due within a month."""
    _may(by)
    if asked_on > this_day() + dt.timedelta(days=1) or asked_on < dt.date(2018, 5, 25):
        raise Refused("asked_on", Say("Deze datum kan niet kloppen."))
    request = PrivacyRequest(person=person.id, kind=kind, asked_on=asked_on, due_on=_a_month_after(asked_on))
    await request.save()
    await by.note(f"Privacy.ask_{kind}", person, {"name": person.display_name})
    return request


@operation(Permission.MANAGE_USERS, trail=False)
async def hand_over(person: User, *, by: Viewer) -> list[Part]:
    """All that is known of him, to be given to him; that it was is on the trail, and an open request for it is done."""
    _may(by)
    await person.may_be_managed(by)
    parts = await everything(person)
    await by.note("Privacy.hand_over", person, {"name": person.display_name, "count": sum(len(p.rows) for p in parts)})
    await _handled(person, "access", by, [])
    return parts


async def preview(person: User) -> list[Item]:
    """What an erasure would do, table by table."""
    terms = {row["name"]: row for row in await classes()}
    asked, args = [], list[Any]()
    for table, export, _ in declared():
        if where := _where(export):
            sql, args = _bound(where, person, args)
            name = table._meta.tablename
            asked.append(f"SELECT '{name}' AS part, count(*) AS n FROM {name} WHERE {sql}")
    found = {row["part"]: int(row["n"]) for row in await engine.raw(" UNION ALL ".join(asked), *args)}
    return [
        _item(table, export, erase, count, terms)
        for table, export, erase in declared()
        if (count := found.get(table._meta.tablename, 0))
    ]


def _item(table: Any, export: Export, erase: Erase, count: int, terms: dict[str, dict[str, Any]]) -> Item:
    name = table._meta.tablename
    if table is User:
        return Item(name, export.title, count, "blanked", NUMBER_ONLY)
    if erase.deletes or erase.blanks:
        return Item(name, export.title, count, "deleted" if erase.deletes else "blanked")
    term = terms.get(erase.retention)
    if term and term["ground"]:
        ground = Say(
            "{ground}: de termijn van {months} maanden van “{name}” loopt nog",
            **{k: term[k] for k in ("ground", "months", "name")},
        )
        return Item(name, export.title, count, "kept", ground, term["anchor"])
    return Item(name, export.title, count, "kept", erase.ground)


@operation(Permission.MANAGE_USERS, trail=False)
async def erase(person: User, name: str, *, by: Viewer) -> PrivacyRequest:
    """Take out what may go, now and for good. `name` is typed over, so that nobody does it by mistake.

    Of his lines on the trail the details are emptied; the lines stay, and the chain over them holds (see `sealing`).
    """
    _may(by)
    await person.may_be_managed(by)
    if person.id == by.user.id:
        raise Refused("", Say("U kunt uzelf niet wissen. Vraag het een andere beheerder."))
    await refuse_held(person)
    await person.stays_with_an_administrator()
    if " ".join(name.split()).casefold() != person.display_name.casefold():
        raise Refused("name", Say("Typ de naam precies over: {name}.", name=person.display_name))
    items = await preview(person)
    mails = [row["id"] for row in await engine.raw("SELECT id FROM errand WHERE person = $1", person.id)]
    await shut_out([person.id], utcnow())
    lines = await _empty_lines(person)
    for table, export, erasing in declared():
        await _carry_out(table, export, erasing, person)
    await _blank(person)
    note = {"lines": lines}
    await Trail.write_of("Privacy.erase_lines", "User", person.id, None, note, by=by)
    await Trail.write_of("Privacy.erase", "User", person.id, None, {"count": len(items)}, by=by)
    request = await _handled(person, "erasure", by, items)
    _forget_kept(mails)
    await touch("users", "rollout", "mail", f"user-{person.id}")
    return request


async def refuse_held(person: User) -> None:
    """While a hold is on a client of his, nothing of him is taken out: the case may ask for it. Raises Refused."""
    from models.keeping.holds import on_person

    if holds := await on_person(person):
        names = ", ".join(f"“{hold['name']}”" for hold in holds[:5])
        raise Refused(
            "name",
            Say(
                "Wissen kan nu niet: voor een cliënt van deze persoon is de bewaarplicht opgeschort ({names}). Hef die eerst op.",
                names=names,
            ),
        )


def _may(by: Viewer) -> None:
    if not may_handle(by):
        raise Refused("", Say("Dit kan alleen wie alle cliënten en gebruikers ziet."))


async def _carry_out(table: Any, export: Export, erasing: Erase, person: User) -> None:
    if table in (User, Trail):
        return
    where = _where(export) or (f"person = {int(person.id)}" if erasing.deletes else "")
    if not where or not (erasing.deletes or erasing.blanks):
        return
    sql, args = _bound(where, person)
    if erasing.deletes:
        await engine.raw(f"DELETE FROM {table._meta.tablename} WHERE {sql}", *args)
        return
    columns = list(erasing.blanks)
    places = ", ".join(f"{column} = CAST(${len(args) + n} AS TEXT)" for n, column in enumerate(columns, 1))
    await engine.raw(f"UPDATE {table._meta.tablename} SET {places} WHERE {sql}", *args, *erasing.blanks.values())


_EMPTIED = (
    "initials", "first_names", "first_name", "prefix", "partner_prefix", "partner_surname", "title_before", "title_after",
    "phone", "mobile", "job_title", "gender", "email", "email_key", "password", "totp_secret", "photo",
)  # fmt: skip


async def _blank(person: User) -> None:
    """The row stays, because others point to its number; nothing in it tells who he was."""
    nobody = f"Verwijderde persoon {person.id}"
    keys = keys_of(surname=nobody, rule=await sort_rule())
    values: dict[str, Any] = dict.fromkeys(_EMPTIED, "") | {"surname": nobody, "name_use": "E", "has_passkey": False}
    await save(person, **values, **keys, state="blocked", blocked_at=person.blocked_at or utcnow())


async def _empty_lines(person: User) -> list[int]:
    """Of the trail: lines about him, and those in which his name or address stands. Their details go, by ids."""
    found = await engine.raw(
        "SELECT id FROM trail WHERE detail <> $1 AND detail <> '{}' AND operation <> 'Privacy.erase_lines' AND ((record_table = 'User' AND record_id = $2) "
        "OR ($3 <> '' AND lower(detail) LIKE $4 ESCAPE '!') OR lower(detail) LIKE $5 ESCAPE '!') ORDER BY id",
        ERASED,
        person.id,
        person.email,
        f"%{escaped(_in_json(person.email))}%",
        f"%{escaped(_in_json(person.display_name))}%",
    )
    ids = [row["id"] for row in found]
    for at in range(0, len(ids), 500):
        listing = ", ".join(str(int(id)) for id in ids[at : at + 500])
        await engine.raw(f"UPDATE trail SET detail = $1 WHERE id IN ({listing})", ERASED)
    return ids


def _in_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1].lower()


async def _handled(person: User, kind: str, by: Viewer, items: list[Item]) -> PrivacyRequest:
    """The open request of this kind, or one that is made and answered today."""
    request = (
        await PrivacyRequest.objects()
        .where(PrivacyRequest.person == person.id, PrivacyRequest.kind == kind, PrivacyRequest.state == "open")
        .first()
    )
    if request is None:
        today = this_day()
        request = PrivacyRequest(person=person.id, kind=kind, asked_on=today, due_on=_a_month_after(today))
        await request.save()
    answer = json.dumps([item.as_json() for item in items], ensure_ascii=False)
    await save(request, state="done", handled_by=by.user.id, handled_at=utcnow(), answer=answer)
    return request


def _forget_kept(errands: list[int]) -> None:
    """Mails to him that were kept as files, where no mail server is set: after the unit, for a file does not come back."""
    from models import kept_mail
    from models.engine import after_commit

    def forget() -> None:
        for id in errands:
            kept_mail.path_of(id).unlink(missing_ok=True)

    after_commit(forget)


def _a_month_after(day: dt.date) -> dt.date:
    from models.retention import until

    return until(1, day)


async def requests(number: int, size: int) -> tuple[list[dict[str, Any]], int]:
    """One page, counted from 1, what is open and due first: id, kind, state, asked_on, due_on, person, who, handled_at."""
    rows = await engine.raw(
        "SELECT r.id, r.kind, r.state, r.asked_on, r.due_on, r.handled_at, r.person, u.full_name AS who FROM privacy_request r "
        "LEFT JOIN users u ON u.id = r.person ORDER BY CASE r.state WHEN 'open' THEN 0 ELSE 1 END, r.due_on, r.id DESC "
        f"LIMIT {int(size)} OFFSET {int((number - 1) * size)}"
    )
    total = (await engine.raw("SELECT count(*) AS n FROM privacy_request"))[0]["n"]
    return rows, int(total)
