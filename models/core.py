"""The kernel of the records: Owned tables, scopes that find, operations that change, and the words for saying no."""

from __future__ import annotations

import functools
import hashlib
import unicodedata
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, Generic, ParamSpec, TypeVar

from piccolo.columns.combination import CombinableMixin
from piccolo.table import Table

from models.engine import all_or_nothing

if TYPE_CHECKING:
    from models.personal import Erase, Export
    from models.viewer import Permission, Viewer

T = TypeVar("T", bound="Owned")
P = ParamSpec("P")
R = TypeVar("R")


class Say:
    """A sentence that is not spoken yet: Dutch, with its values apart, so that the edge can translate it."""

    __slots__ = ("text", "values")

    def __init__(self, text: str, /, **values: object) -> None:
        self.text = text
        self.values = values

    def __str__(self) -> str:
        return self.text.format(**self.values) if self.values else self.text

    def __repr__(self) -> str:
        return f"Say({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Say) and (self.text, self.values) == (other.text, other.values)

    def __hash__(self) -> int:
        return hash(self.text)

    def as_json(self) -> dict[str, object]:
        inner = {name: value.as_json() if isinstance(value, Say) else value for name, value in self.values.items()}
        return {"say": self.text, "with": inner}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Say:
        inner = {
            name: cls.from_json(v) if isinstance(v, dict) and "say" in v else v for name, v in stored["with"].items()
        }
        return cls(stored["say"], **inner)


class Refused(Exception):
    """The business says no: expected, worded, and nothing has changed. `field` names the form's field, or is ''."""

    def __init__(self, field: str, why: Say) -> None:
        super().__init__(str(why))
        self.field = field
        self.why = why


class RefusedFields(Refused):
    """Several refusals at once, each beside its field; on its own it reads as the first."""

    def __init__(self, refusals: Sequence[Refused]) -> None:
        super().__init__(refusals[0].field, refusals[0].why)
        self.refusals = list(refusals)


class Refusals:
    """What several checks refuse, said at once: nobody mends a form one field at a time."""

    def __init__(self) -> None:
        self.found: list[Refused] = []

    def add(self, field: str, why: Say) -> None:
        self.found.append(Refused(field, why))

    def check(self, rule: Callable[..., R], *values: Any) -> R | None:
        """What the rule makes of the values; None when it refuses them."""
        try:
            return rule(*values)
        except RefusedFields as refused:
            self.found += refused.refusals
        except Refused as refused:
            self.found.append(refused)
        return None

    def settle(self) -> None:
        """Raises RefusedFields if anything was refused."""
        if self.found:
            raise RefusedFields(self.found)


class Missing(Exception):
    """There is no such record, or not for this viewer: from outside the two cannot be told apart."""


class Forbidden(Exception):
    """The viewer may see the record but not do this to it."""


class Gone(Exception):
    """The thing existed for this person and has been used up or withdrawn; carries the words to say so."""

    def __init__(self, why: Say) -> None:
        super().__init__(str(why))
        self.why = why


class Owned:
    """A table whose records exist for some viewers and not for others.

    `EXPORTS` and `ERASES` (see `personal`) say what a request for access or erasure does with a table that holds a person.
    """

    if TYPE_CHECKING:
        id: Any
        _meta: Any

    EXPORTS: ClassVar[Export | None] = None
    ERASES: ClassVar[Erase | None] = None
    IS_SEEDED: ClassVar[bool] = False
    """Whether migrations put rows into it that every office begins with: restoring a backup replaces them."""

    @classmethod
    def visible_to(cls, viewer: Viewer) -> CombinableMixin:
        """The one expression by which records of this table are both listed and looked up."""
        raise NotImplementedError


class Scope(Generic[T]):
    """The records of one table that exist for one viewer, perhaps narrowed by further conditions."""

    def __init__(self, table: type[T], viewer: Viewer, *conditions: Any) -> None:
        self._table: Any = table
        self.viewer = viewer
        self._conditions = conditions or (table.visible_to(viewer),)

    def where(self, *conditions: Any) -> Scope[T]:
        return Scope(self._table, self.viewer, *self._conditions, *conditions)

    @property
    def condition(self) -> Any:
        return functools.reduce(lambda a, b: a & b, self._conditions)

    async def get(self, id: int) -> T:
        record = await self._table.objects().where(self.condition & (self._table.id == id)).first()
        if record is None:
            raise Missing(self._table.__name__, id)
        return record  # type: ignore[no-any-return]

    async def find(self) -> T | None:
        return await self._table.objects().where(self.condition).first()  # type: ignore[no-any-return]

    async def all(self, *order: Any, limit: int | None = None, offset: int = 0) -> list[T]:
        query = self._table.objects().where(self.condition)
        for column in order:
            query = query.order_by(column)
        if limit is not None:
            query = query.limit(limit).offset(offset)
        return await query  # type: ignore[no-any-return]

    async def select(self, *columns: Any, order: Sequence[Any] = (), limit: int | None = None) -> list[dict[str, Any]]:
        query = self._table.select(*columns).where(self.condition)
        for column in order:
            query = query.order_by(column)
        if limit is not None:
            query = query.limit(limit)
        return await query  # type: ignore[no-any-return]

    async def count(self) -> int:
        return await self._table.count().where(self.condition)  # type: ignore[no-any-return]

    async def exists(self) -> bool:
        return await self._table.exists().where(self.condition)  # type: ignore[no-any-return]


def operation(
    needs: Permission, *, trail: bool = True
) -> Callable[[Callable[Concatenate[Any, P], Awaitable[R]]], Callable[Concatenate[Any, P], Awaitable[R]]]:
    """Declare a change to a record: who may make it, wholly or not at all, on the record's trail.

    Works on methods of records, of scopes and of the office itself. The change is called with `by=viewer`; leaving it
    out is a TypeError. With `trail=False` the change writes its own lines (bulk work writes one for all).
    """
    from models.viewer import Permission

    if not isinstance(needs, Permission):
        raise TypeError(f"{needs!r} is not a declared permission")

    def declare(change: Callable[Concatenate[Any, P], Awaitable[R]]) -> Callable[Concatenate[Any, P], Awaitable[R]]:
        @functools.wraps(change)
        async def perform(record: Any, *args: Any, by: Viewer, **details: Any) -> R:
            by.require(needs, record)
            async with all_or_nothing():
                outcome = await change(record, *args, by=by, **details)  # type: ignore[arg-type]
                if trail:
                    await by.note(change.__qualname__, record, _worth_noting(details))
            return outcome

        perform.needs = needs  # type: ignore[attr-defined]
        return perform  # type: ignore[return-value]

    return declare


def was_and_is(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """For the trail: of what differs, how it was and how it became."""
    names = [name for name in after if before.get(name) != after[name]]
    return {"before": {name: before.get(name) for name in names}, "after": {name: after[name] for name in names}}


_SECRET_WORDS = ("password", "secret", "code", "token", "pin", "key", "bsn")


def _worth_noting(details: dict[str, Any]) -> dict[str, Any]:
    """What the trail may keep of an operation's arguments: plain short values, never secrets."""
    kept: dict[str, Any] = {}
    for name, value in details.items():
        if any(word in name for word in _SECRET_WORDS):
            continue
        if isinstance(value, str):
            kept[name] = value[:200]
        elif value is None or isinstance(value, bool | int | float):
            kept[name] = value
        elif isinstance(value, list | tuple | set) and all(isinstance(item, int | str) for item in value):
            kept[name] = list(value)[:50]
    return kept


def fold(text: str) -> str:
    """The key under which names are equal and found: no case, no accents, single spaces. 'Café  ÉÉN' -> 'cafe een'."""
    plain = unicodedata.normalize("NFKD", text).translate(_LETTERS)
    return " ".join("".join(ch for ch in plain if not unicodedata.combining(ch)).casefold().split())


# Letters that Unicode does not take apart into a base letter and a mark.
_LETTERS = str.maketrans(
    {"ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "æ": "ae", "Æ": "AE", "œ": "oe", "ı": "i"}
)


def digest(secret: str) -> str:
    """What the database keeps of a random link or session token: 64 hexadecimal characters."""
    return hashlib.sha256(secret.encode()).hexdigest()


def record_of(table: type[R], row: dict[str, Any]) -> R:
    """A record out of a whole row that `engine.raw` read: a Piccolo table asks every column for its default (60 µs)."""
    record = table.__new__(table)
    record.__dict__.update(row, _exists_in_db=True, _was_created=None)
    return record


async def save(record: Table, **values: Any) -> None:
    """Write exactly these columns of a record: the ORM's own `save()` writes all, and would undo somebody else's change."""
    table: Any = type(record)
    await table.update({getattr(table, name): value for name, value in values.items()}).where(table.id == record.id)  # type: ignore[attr-defined]
    for name, value in values.items():
        setattr(record, name, value)
