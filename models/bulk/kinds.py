"""What every act on many records says of itself, and the table in which the acts declare themselves."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from models import engine
from models.core import Refused, Say

if TYPE_CHECKING:
    from models.viewer import Permission, Viewer

KINDS: dict[str, BulkKind] = {}


class Row(NamedTuple):
    """A chosen record, as the look beforehand left it."""

    record: int
    label: str
    before: str
    after: str
    made: int | None = None


class Verdict(NamedTuple):
    """What is to become of one record: fate will, already or refused, and why (or, of who will, in which way)."""

    fate: str
    before: str
    after: str
    why: str = ""


class BulkKind:
    """An act: how the value it changes is read and written, for many records in one statement each.

    Values are texts. `look` leaves out what this viewer does not see (any more).
    """

    name: ClassVar[str]
    about: ClassVar[str]  # clients or users
    needs: ClassVar[Permission]
    label: ClassVar[Say]
    icon: ClassVar[str] = "list-checks"
    asks: ClassVar[tuple[str, ...]] = ()  # the names of what has to be chosen first
    module: ClassVar[str] = ""  # offered where the office uses it; '' everywhere
    back: ClassVar[str] = ""  # the trail's word for undoing it
    can_undo: ClassVar[bool] = True
    trail: ClassVar[str]

    async def checked(self, params: Mapping[str, Any], by: Viewer) -> dict[str, Any]:
        """The parameters as they are kept. Raises Refused beside the one that is wrong."""
        return {}

    def told(self, params: dict[str, Any]) -> dict[str, Any]:
        """What of them stands on the trail."""
        return {}

    async def look(self, ids: Sequence[int], params: dict[str, Any], by: Viewer) -> dict[int, str]:
        """id > the value at this moment."""
        raise NotImplementedError

    async def refusals(self, ids: Sequence[int], params: dict[str, Any], by: Viewer) -> dict[int, str]:
        """id > why it may not be changed."""
        return {}

    def target(self, value: str, params: dict[str, Any]) -> str:
        """What the value is to become; the same when there is nothing to do."""
        raise NotImplementedError

    async def judge(self, ids: Sequence[int], params: dict[str, Any], by: Viewer) -> dict[int, Verdict]:
        """Before anything happens; whoever is not in the answer is not there for this viewer."""
        values, refused = await self.look(ids, params, by), await self.refusals(ids, params, by)
        judged = {}
        for id, value in values.items():
            target = self.target(value, params)
            fate = "refused" if id in refused else "already" if target == value else "will"
            judged[id] = Verdict(fate, value, target if fate == "will" else value, refused.get(id, ""))
        return judged

    async def put(self, rows: Sequence[Row], params: dict[str, Any], by: Viewer, at: dt.datetime) -> dict[int, int]:
        """Give each its `after`; id > the user that was made, if any."""
        await self.write({row.record: row.after for row in rows}, params, by, at)
        return {}

    async def put_back(self, rows: Sequence[Row], params: dict[str, Any], by: Viewer, at: dt.datetime) -> None:
        await self.write({row.record: row.before for row in rows}, params, by, at)

    async def write(self, values: dict[int, str], params: dict[str, Any], by: Viewer, at: dt.datetime) -> None:
        raise NotImplementedError


def declare(kind: type[BulkKind]) -> type[BulkKind]:
    KINDS[kind.name] = kind()
    return kind


def pairs(n: int) -> str:
    """Rows v(id, value) out of argument `n`, a JSON list of [id, text]."""
    if engine.is_sqlite():
        return (  # LIMIT keeps it one table that is made once: flattened, the list would be read again for every row
            f"(SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS value FROM json_each(${n}) LIMIT -1) v"
        )
    return f"(SELECT CAST(value ->> 0 AS INTEGER) AS id, value ->> 1 AS value FROM json_array_elements(CAST(${n} AS json))) v"


def as_pairs(values: Mapping[int, str]) -> str:
    return json.dumps(list(values.items()), ensure_ascii=False)


def number_in(params: Mapping[str, Any], name: str, why: Say) -> int:
    """A number out of what was chosen in a form. Raises Refused."""
    text = str(params.get(name) or "")
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise Refused(name, why)
    return int(text)


def chosen_in(params: Mapping[str, Any], name: str, choices: Sequence[str]) -> str:
    text = str(params.get(name) or "")
    if text not in choices:
        raise Refused(name, Say("Kies een van de mogelijkheden."))
    return text
