"""What a certificate tells, gathered from the records: the request, its parts, its record of proof, and the office."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from models import config, engine
from models.approvals.record import FIELDS
from models.core import Missing


@dataclass(frozen=True)
class Facts:
    """`request` has the columns of the request and kind_name, kind_name_en, folder, client_name, client_number, language,
    year_end_month; `parts` the rows of its documents; `acts` its record, the oldest first, as far as it goes; `approvals` those
    of the acts by which it was approved and that still count."""

    request: dict[str, Any]
    parts: list[dict[str, Any]]
    acts: list[dict[str, Any]]
    office: str
    place: str
    check_url: str

    @property
    def head(self) -> tuple[int, str]:
        """The number and link of the last act."""
        return (self.acts[-1]["number"], self.acts[-1]["link"]) if self.acts else (0, "0" * 64)

    @property
    def approvals(self) -> list[dict[str, Any]]:
        return standing(self.acts)

    @property
    def language(self) -> str:
        return str(self.request["language"])


def standing(acts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The acts of approving that count at the end, one of each place that somebody had: what was voided, or refused after all, does
    not. What was replaced by a newer request counted until then, and is told. `behalf` is the name of for whom it was done, or ''.
    Of what was signed on paper `name` is who signed, `signed_on` the day, and `recorded_by` who of the office noted it."""
    found: dict[Any, dict[str, Any]] = {}
    refused = set[Any]()
    names = {act["person"]: act["name"] for act in acts if act["person"]}
    for act in acts:
        if act["act"] not in _DECIDING:
            continue
        told = json.loads(act["detail"])
        who = act["on_behalf_of"] or act["person"] or act["name"]
        place = (who, told.get("step"))
        if act["act"] == "on_paper":
            found["on paper", None] = _on_paper(act, told)
        elif act["act"] == "approved" and place not in refused:
            found[place] = act | {"behalf": behalf_of(act, told, names)}
        elif act["act"] == "rejected":
            refused.add(place)
            found.pop(place, None)
        elif act["act"] == "voided" and told.get("why") != "replaced":
            found = {place: one for place, one in found.items() if place[0] != who}
        elif act["act"] in ("asked", "part_replaced"):
            refused.clear()
    return sorted(found.values(), key=lambda act: act["number"])


_DECIDING = ("approved", "rejected", "voided", "on_paper", "asked", "part_replaced")


def behalf_of(act: dict[str, Any], told: dict[str, Any], names: dict[int, str]) -> str:
    if not act["on_behalf_of"]:
        return ""
    return str(told.get("on_behalf_of_name") or names.get(act["on_behalf_of"]) or f"#{act['on_behalf_of']}")


def _on_paper(act: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    if not told.get("signed_by"):
        return act | {"behalf": ""}
    return act | {
        "name": told["signed_by"],
        "role": "",
        "behalf": "",
        "signed_on": told.get("signed_on", ""),
        "recorded_by": act["name"],
    }


def day_of(text: Any) -> dt.date | None:
    """The day that stands on the record as 2026-11-30; None for what is no day."""
    try:
        return dt.date.fromisoformat(str(text or ""))
    except ValueError:
        return None


_REQUEST = """SELECT r.*, k.name AS kind_name, k.name_en AS kind_name_en, k.folder, c.name AS client_name, c.number AS client_number,
 c.language, c.year_end_month, (SELECT min(name) FROM firm) AS office, (SELECT min(place) FROM firm) AS office_place FROM approval_request r JOIN approval_kind k ON k.id = r.kind JOIN client c ON c.id = r.client WHERE r.id = $1"""
_PARTS = """SELECT id, part, position, name, sha256, blob, size, mime, pages, is_locked, is_scan, document FROM approval_document
 WHERE request = $1 ORDER BY CASE part WHEN 'main' THEN 0 ELSE 1 END, position, id"""
_ACTS = f"SELECT id, client, link, {', '.join(FIELDS)} FROM approval_record WHERE request = $1 ORDER BY number"


async def facts_of(request_id: int) -> Facts:
    """In a unit. Raises Missing."""
    rows = await engine.raw(_REQUEST, request_id)
    if not rows:
        raise Missing("ApprovalRequest", request_id)
    return Facts(
        rows[0], await engine.raw(_PARTS, request_id), await engine.raw(_ACTS, request_id), rows[0]["office"] or "Poort",
        rows[0]["office_place"] or "",
        f"{config.settings().base_url.rstrip('/')}/check",
    )  # fmt: skip
