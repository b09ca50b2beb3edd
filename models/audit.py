"""The trail: who did what, when, to which record, and through whose eyes somebody looked. It only grows; `sealing` chains it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from piccolo.columns import Integer, Text, Timestamptz, Varchar
from piccolo.table import Table

from models.core import Owned, Say
from models.personal import PROOF, Erase, Export
from models.settings import utcnow

if TYPE_CHECKING:
    from models.viewer import Viewer


class Trail(Owned, Table, tablename="trail"):
    """One line: ids without foreign keys, because the line outlives what it is about."""

    at = Timestamptz(index=True)
    person = Integer(null=True, default=None, index=True, help_text="who did it; NULL: the system")
    operation = Varchar(length=80)
    record_table = Varchar(length=40, default="")
    record_id = Integer(null=True, default=None)
    client = Integer(null=True, default=None, index=True)
    detail = Text(default="{}")

    EXPORTS = Export(Say("Logboek"), where="(person = {id} OR (record_table = 'User' AND record_id = {id}))")
    ERASES = Erase(ground=PROOF)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        from models.clients import visible_client

        return visible_client(cls.client, viewer) | _whole_trail(viewer) if viewer.is_staff else cls.id < 0

    @classmethod
    async def write(
        cls,
        operation: str,
        record: Any,
        *,
        by: Viewer | None = None,
        detail: dict[str, Any] | None = None,
        client: int | None = None,
    ) -> None:
        from models.viewer import client_of

        table = type(record).__name__ if isinstance(record, Table) else ""
        client = client if client is not None else (client_of(record) if table else None)
        await cls.write_of(operation, table, record.id if table else None, client, detail or {}, by=by)

    @classmethod
    async def write_of(
        cls,
        operation: str,
        table: str,
        id: int | None,
        client: int | None,
        detail: dict[str, Any],
        *,
        by: Viewer | None = None,
    ) -> None:
        """As `write`, of a record that is known by its table and id."""
        line = cls(
            at=utcnow(),
            person=by.user.id if by else None,
            operation=operation,
            record_table=table,
            record_id=id,
            client=client,
            detail=json.dumps(detail, ensure_ascii=False),
        )
        await line.save()


def _whole_trail(viewer: Viewer) -> Any:
    return Trail.id > 0 if viewer.may("view_trail") else Trail.id < 0
