"""The sectors in which clients work: a list that the office edits, each with its code of the Standaard Bedrijfsindeling."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from piccolo.columns import ForeignKey, Integer, OnDelete, Timestamptz, Varchar
from piccolo.constraints import Unique
from piccolo.table import Table

from models import engine
from models.accounts.blocking import listed
from models.clients.records import Client, visible_client
from models.core import Owned, Refused, Say, Scope, fold, operation, save
from models.live import touch
from models.settings import utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

VERSIONS = ("SBI 2008", "SBI 2025")
_CODE = re.compile(r"[A-U]|[0-9]{2}(?:\.?[0-9]{1,3})?")


class Sector(Owned, Table, tablename="sector"):
    name = Varchar(length=120)
    name_key = Varchar(length=240)
    sbi = Varchar(length=8, default="", help_text="As 47.9, or a letter for a whole section.")
    sbi_version = Varchar(length=12, default="SBI 2008")
    created_at = Timestamptz(null=True, default=None)
    imported = Integer(null=True, default=None, index=True)

    sector_name_unique = Unique([name_key])

    IS_SEEDED = True

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id > 0 if viewer.is_staff else cls.id < 0

    @operation(Permission.MANAGE_CLIENTS, trail=False)
    async def change(self, name: str, sbi: str, sbi_version: str, *, by: Viewer) -> None:
        values = await _checked(name, sbi, sbi_version, self.id)
        before = {key: getattr(self, key) for key in ("name", "sbi", "sbi_version")}
        await save(self, **values)
        after = {key: getattr(self, key) for key in before}
        if before != after:
            await by.note("Sector.change", self, {"name": name, "before": before, "after": after})
            await touch("clients")

    @operation(Permission.MANAGE_CLIENTS, trail=False)
    async def merge_into(self, other: Sector, *, by: Viewer) -> int:
        """Its clients go to the other sector, and it is gone. How many clients it had."""
        if other.id == self.id:
            raise Refused("other", Say("Kies een andere branche."))
        rows = await engine.raw("SELECT client FROM client_sector WHERE sector = $1", self.id)
        await engine.raw(
            "INSERT INTO client_sector (client, sector) SELECT client, CAST($2 AS INTEGER) FROM client_sector WHERE sector = $1 "
            "ON CONFLICT (client, sector) DO NOTHING",
            self.id,
            other.id,
        )
        await engine.raw(
            "INSERT INTO dossier_sector (dossier, sector) SELECT dossier, CAST($2 AS INTEGER) FROM dossier_sector WHERE sector = $1 "
            "ON CONFLICT (dossier, sector) DO NOTHING",
            self.id,
            other.id,
        )
        await by.note("Sector.merge_into", self, {"name": self.name, "other": other.name, "count": len(rows)})
        await self._go([row["client"] for row in rows])
        return len(rows)

    @operation(Permission.MANAGE_CLIENTS, trail=False)
    async def remove(self, *, by: Viewer) -> None:  # type: ignore[override]  # a verb of ours, not Piccolo's query
        """Its clients stay, without this sector."""
        rows = await engine.raw("SELECT client FROM client_sector WHERE sector = $1", self.id)
        await by.note("Sector.remove", self, {"name": self.name, "count": len(rows)})
        await self._go([row["client"] for row in rows])

    async def _go(self, clients: list[int]) -> None:
        from models.clients.reach import settle

        await Sector.delete().where(Sector.id == self.id)
        await settle(clients=clients)
        await touch("clients")


class ClientSector(Owned, Table, tablename="client_sector"):
    client = ForeignKey(Client, null=False, on_delete=OnDelete.cascade)
    sector = ForeignKey(Sector, null=False, on_delete=OnDelete.cascade, index=True)
    imported = Integer(null=True, default=None, index=True)

    client_sector_unique = Unique([client, sector])

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return visible_client(cls.client, viewer) if viewer.is_staff else cls.id < 0


@operation(Permission.MANAGE_CLIENTS, trail=False)
async def add_sector(
    sectors: Scope[Sector], *, name: str, sbi: str = "", sbi_version: str = "SBI 2008", by: Viewer
) -> Sector:
    values: dict[str, Any] = await _checked(name, sbi, sbi_version, 0)
    sector = Sector(**values, created_at=utcnow())
    await sector.save()
    await by.note("Sector.add", sector, {"name": name})
    await touch("clients")
    return sector


async def counted() -> list[dict[str, Any]]:
    """Every sector: id, name, sbi, sbi_version and how many active clients (`n`)."""
    return await engine.raw(
        "SELECT s.id, s.name, s.sbi, s.sbi_version, (SELECT count(*) FROM client_sector x JOIN client c ON c.id = x.client "
        "WHERE x.sector = s.id AND c.state = 'active') AS n FROM sector s ORDER BY s.name_key"
    )


async def of_client(client: int) -> list[dict[str, Any]]:
    """Every sector: id, name, sbi, held (whether the client is in it)."""
    return await engine.raw(
        "SELECT s.id, s.name, s.sbi, x.id IS NOT NULL AS held FROM sector s "
        "LEFT JOIN client_sector x ON x.sector = s.id AND x.client = $1 ORDER BY s.name_key",
        client,
    )


async def names_of(*, client: int | None = None, ids: Iterable[int] = ()) -> list[str]:
    """Of the sectors of a client, or of these."""
    if client is not None:
        rows = await engine.raw(
            "SELECT s.name FROM sector s JOIN client_sector x ON x.sector = s.id WHERE x.client = $1 ORDER BY s.name_key",
            client,
        )
    else:
        sql = f"SELECT name FROM sector WHERE id IN {listed(1)} ORDER BY name_key"
        rows = await engine.raw(sql, json.dumps(sorted(set(ids))))
    return [row["name"] for row in rows]


async def link_by_name(clients: Iterable[int], imported: int | None = None) -> None:
    """These clients come to be in the sector that their list named; one that did not exist is made. `imported`: by which import."""
    which = json.dumps(sorted(set(clients)))
    named = await engine.raw(
        f"SELECT DISTINCT sector AS name FROM client WHERE sector <> '' AND id IN {listed(1)}", which
    )
    keys = {row["name"]: fold(row["name"])[:240] for row in named}
    known = {row["name_key"] for row in await engine.raw("SELECT name_key FROM sector")}
    fresh = {key: name for name, key in keys.items() if key not in known}
    columns = ("name", "name_key", "sbi", "sbi_version", "created_at", "imported")
    now = utcnow()
    rows = [(name, key, "", "SBI 2008", now, imported) for key, name in fresh.items()]
    await engine.copy_rows("sector", columns, rows)
    ids = {row["name_key"]: row["id"] for row in await engine.raw("SELECT id, name_key FROM sector")}
    await engine.raw_many(
        "INSERT INTO client_sector (client, sector, imported) SELECT id, CAST($1 AS INTEGER), CAST($4 AS INTEGER) FROM client "
        f"WHERE sector = $2 AND id IN {listed(3)} ON CONFLICT (client, sector) DO NOTHING",
        [(ids[key], name, which, imported) for name, key in keys.items()],
    )


def is_sbi(code: str) -> bool:
    return bool(_CODE.fullmatch(code))


async def _checked(name: str, sbi: str, version: str, but: int) -> dict[str, str]:
    name, sbi = " ".join(name.split()), sbi.strip().upper()
    if not name:
        raise Refused("name", Say("Vul een naam in."))
    if sbi and not is_sbi(sbi):
        raise Refused(
            "sbi", Say("Dit is geen SBI-code: twee tot vijf cijfers, zoals 47.9, of een letter van A tot en met U.")
        )
    if version not in VERSIONS:
        raise Refused("sbi_version", Say("Kies een van de mogelijkheden."))
    if await Sector.exists().where((Sector.name_key == fold(name)) & (Sector.id != but)):
        raise Refused("name", Say("Er is al een branche “{name}”.", name=name))
    return {"name": name, "name_key": fold(name), "sbi": sbi, "sbi_version": version}
