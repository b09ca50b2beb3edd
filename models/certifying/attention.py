"""What stands between the office and its seals: requests that wait for one, time-stamps and proofs that are missing, and a
certificate that ends. Told to the administrators until it is mended: on the overview, by the bell, in the mail of the day and by `check`."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from models import engine
from models.accounts.blocking import listed
from models.approvals.records import ApprovalRequest
from models.approvals.words import period_words
from models.certifying.records import OVER, SILENT, STAMP_OVER, STAMP_WITHDRAWN, UNKNOWN, WITHDRAWN
from models.core import Say
from models.settings import utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.certifying.records import ApprovalSeal
    from models.viewer import Viewer

LATE = dt.timedelta(minutes=10)  # a request that waits so long is told of, also where no try failed: is there a worker?
SOON, VERY_SOON = dt.timedelta(days=60), dt.timedelta(days=14)
MOST = 200
WAITING, CERTIFICATE = "/approvals/seals", "/settings/certificate"

_LATEST = "s.number = (SELECT max(n.number) FROM approval_seal n WHERE n.request = s.request)"
_SEALED = "EXISTS (SELECT 1 FROM firm f WHERE ',' || f.modules || ',' LIKE '%,approvals,%')"
_STAMPED = "EXISTS (SELECT 1 FROM firm f WHERE f.stamp_url <> '')"  # without an authority nothing is missed
# What waits, each with the moment from which that is news: tries that failed, time-stamps, and what nobody tried ($1: since when).
_WAITS = (
    "SELECT t.request, 'tried' AS what, t.why, coalesce(t.since, t.next_at) AS since, t.tries, t.next_at FROM approval_seal_trouble t "
    "JOIN approval_request r ON r.id = t.request WHERE r.state IN ('approved', 'on_paper', 'filed')",
    "SELECT s.request, 'stamp', s.trouble, s.at, 0, s.stamp_after FROM approval_seal s "
    f"WHERE s.stamp_due AND {_LATEST} AND {_STAMPED}",
    f"SELECT s.request, 'proof', s.trouble, s.at, 0, s.stamp_after FROM approval_seal s WHERE s.proof_due AND {_LATEST}",
    "SELECT r.id, 'late', '', r.completed_at, 0, NULL FROM approval_request r WHERE r.state IN ('approved', 'on_paper') "
    "AND r.completed_at < $1 AND NOT EXISTS (SELECT 1 FROM approval_seal_trouble t WHERE t.request = r.id)",
)  # fmt: skip
_COUNTED = ", ".join(
    f"(SELECT count(*) FROM ({one}) w) AS {name}"
    for name, one in zip(("tried", "stamp", "proof", "late"), _WAITS, strict=True)
)


class Point(NamedTuple):
    """Something to be mended, where that is done, and whether it presses."""

    words: Say
    address: str
    presses: bool


async def points() -> list[Point]:
    """All there is to mend now; nothing where the office does not use approvals. One query."""
    now = utcnow()
    rows = await engine.raw(
        f"SELECT {_COUNTED}, o.is_own, o.valid_until, o.stand_in, o.made_at, "
        f"EXISTS (SELECT 1 FROM approval_seal s WHERE s.certificate = o.id AND s.trouble = '{WITHDRAWN}') AS withdrawn FROM (SELECT 1 AS one) x "
        f"LEFT JOIN office_certificate o ON o.is_current WHERE {_SEALED}",
        now - LATE,
    )
    return [*_of_requests(rows[0]), *_of_certificate(rows[0], now)] if rows else []


async def points_for(viewer: Viewer) -> list[Point]:
    """For who looks after the seal; asks nothing for others."""
    return await points() if viewer.is_staff and viewer.may(Permission.MANAGE_SETTINGS) else []


def _of_requests(row: dict[str, Any]) -> list[Point]:
    found = []
    if n := row["tried"] + row["late"]:
        words = Say("1 accordering is compleet, maar kan niet worden verzegeld.") if n == 1 else Say("{n} accorderingen zijn compleet, maar kunnen niet worden verzegeld.", n=n)  # fmt: skip
        found.append(Point(words, WAITING, True))
    if n := row["stamp"]:
        words = Say("1 akkoordverklaring is verzegeld zonder tijdstempel: de tijdstempeldienst gaf er geen.") if n == 1 else Say("{n} akkoordverklaringen zijn verzegeld zonder tijdstempel: de tijdstempeldienst gaf er geen.", n=n)  # fmt: skip
        found.append(Point(words, WAITING, False))
    if n := row["proof"]:
        words = Say("1 akkoordverklaring mist nog het bewijs dat de certificaten geldig waren: dat was nog niet te krijgen.") if n == 1 else Say("{n} akkoordverklaringen missen nog het bewijs dat de certificaten geldig waren: dat was nog niet te krijgen.", n=n)  # fmt: skip
        found.append(Point(words, WAITING, False))
    return found


def _of_certificate(row: dict[str, Any], now: dt.datetime) -> list[Point]:
    if row["valid_until"] is None:
        return []
    until, own = row["valid_until"], bool(row["is_own"])
    found = []
    if row["withdrawn"]:
        words = Say("De vertrouwensdienst zegt dat het certificaat van het zegel is ingetrokken. Vraag een nieuw aan en plaats het, of gebruik weer een eigen certificaat.")  # fmt: skip
        found.append(Point(words, CERTIFICATE, True))
    if row["stand_in"]:
        found.append(Point(Say(_STOOD_IN[row["stand_in"]].text, day=_day(row["made_at"])), CERTIFICATE, True))
    if until <= now:
        words = Say("Het certificaat van het zegel is verlopen op {day}. Wat nu wordt verzegeld, krijgt een eigen certificaat van het kantoor.", day=_day(until))  # fmt: skip
        found.append(Point(words, CERTIFICATE, True))
    elif until - now <= SOON:
        text = (
            Say("Het eigen certificaat van het zegel verloopt op {day}. U vernieuwt het met één knop.")
            if own
            else Say("Het certificaat van het zegel verloopt op {day}. Vraag op tijd een nieuw aan en plaats het.")
        )
        found.append(Point(Say(text.text, day=_day(until)), CERTIFICATE, until - now <= VERY_SOON))
    return found


_STOOD_IN: dict[str, Say] = {
    "expired": Say("Het certificaat van de vertrouwensdienst was verlopen. Sinds {day} wordt verzegeld met een eigen certificaat, dat een pdf-lezer niet kent."),
    "renewed": Say("Het eigen certificaat was verlopen en is op {day} vanzelf vernieuwd. Zet de nieuwe vingerafdruk op uw website."),
    "locked": Say("Het vorige certificaat was niet te openen: SECRET_KEY is een andere. Sinds {day} wordt verzegeld met een nieuw eigen certificaat."),
}  # fmt: skip


def _day(at: dt.datetime) -> str:
    return f"{at:%d-%m-%Y}"


async def is_news(since: dt.datetime, until: dt.datetime) -> bool:
    """Whether something that is still to be mended began in that time, or a certificate came 60 or 14 days before its end."""
    before = until - LATE
    rows = await engine.raw(
        f"SELECT 1 AS one FROM ({' UNION ALL '.join(_WAITS)}) w "
        f"WHERE w.since > $2 AND w.since <= $3 AND {_SEALED} LIMIT 1",
        before, since - LATE, until,
    )  # fmt: skip
    if rows:
        return True
    rows = await engine.raw(f"SELECT valid_until, stand_in, made_at FROM office_certificate WHERE is_current AND {_SEALED}")  # fmt: skip
    moments = [row["valid_until"] - ahead for row in rows for ahead in (SOON, VERY_SOON, dt.timedelta())]
    moments += [row["made_at"] for row in rows if row["stand_in"]]
    return any(since < moment <= until for moment in moments)


# what waits, one by one


class Waits(NamedTuple):
    """A request that waits for its seal, or for the time-stamp or the proof in it; `since` when, when it is tried again (None: by no
    one yet), and which profile of PAdES its seal has meanwhile ('': it has none)."""

    request: int
    client_name: str
    name: str
    why: Say
    since: dt.datetime
    tries: int
    next_at: dt.datetime | None
    profile: str


async def waiting(viewer: Viewer) -> list[Waits]:
    """Those of which this viewer sees the request, the oldest first."""
    rows = await engine.raw(
        f"SELECT w.request, w.what, w.why, w.since, w.tries, w.next_at FROM ({' UNION ALL '.join(_WAITS)}) w ORDER BY w.since, w.request LIMIT {MOST}",
        utcnow() - LATE,
    )
    ids = json.dumps(sorted({row["request"] for row in rows}))
    seen = (
        await viewer.scope(ApprovalRequest)
        .where(ApprovalRequest.id.is_in(json.loads(ids) or [-1]))
        .select(ApprovalRequest.id)
    )
    names = await engine.raw(
        "SELECT r.id, r.book_year, r.period, r.year_end, r.title, k.name AS kind, c.name AS client FROM approval_request r "
        f"JOIN approval_kind k ON k.id = r.kind JOIN client c ON c.id = r.client WHERE r.id IN {listed(1)}",
        ids,
    )  # fmt: skip
    told, may = {row["id"]: row for row in names}, {row["id"] for row in seen}
    return [_waits(row, told[row["request"]]) for row in rows if row["request"] in may]


def _waits(row: dict[str, Any], told: dict[str, Any]) -> Waits:
    words = (told["kind"], period_words(told["book_year"], told["period"], year_end=told["year_end"]), told["title"])
    why = {"tried": _kept, "stamp": why_unstamped, "proof": why_unproved, "late": _untried}[row["what"]](row["why"])
    return Waits(
        row["request"], told["client"], " ".join(one for one in words if one), why, engine.as_moment(row["since"]) or utcnow(), row["tries"],
        engine.as_moment(row["next_at"]), {"stamp": "B-B", "proof": "B-T"}.get(row["what"], ""),
    )  # fmt: skip


def _kept(why: str) -> Say:
    return Say.from_json(json.loads(why))


def _untried(_: str) -> Say:
    return Say("Dit wacht al langer dan tien minuten en werd nog niet geprobeerd. Draait de worker (python -m jobs)?")


def why_unstamped(said: str) -> Say:
    """What a time-stamp authority did, in words for who does not know its protocol; `said` is what signing kept of it."""
    if said.startswith("HTTP "):
        return Say("De tijdstempeldienst antwoordde met een fout ({said}).", said=said)
    if said == "onleesbaar antwoord":
        return Say("Op het adres van de tijdstempeldienst antwoordt iets dat geen tijdstempels geeft.")
    if said.endswith(("Error", "Timeout")):
        return Say("De tijdstempeldienst is niet bereikbaar ({said}). Klopt zijn adres, en mag deze server naar buiten?", said=said)  # fmt: skip
    return Say("De tijdstempeldienst gaf geen tijdstempel: {said}", said=said or "–")


_UNPROVED: dict[str, Say] = {
    WITHDRAWN: Say("De vertrouwensdienst zegt dat het certificaat van het zegel is ingetrokken."),
    OVER: Say("Het certificaat van het zegel is verlopen."),
    STAMP_WITHDRAWN: Say("Het certificaat van de tijdstempeldienst is ingetrokken."),
    STAMP_OVER: Say("Het certificaat van de tijdstempeldienst is verlopen."),
    SILENT: Say("Niemand zegt nu of de certificaten nog gelden: de vertrouwensdienst of de tijdstempeldienst antwoordt niet (OCSP of CRL)."),
    UNKNOWN: Say("De uitgever van een certificaat is niet te vinden."),
}  # fmt: skip


def why_unproved(said: str) -> Say:
    """Why what proves that the certificates were good could not be had; `said` is what was kept of it."""
    return _UNPROVED.get(said) or Say(
        "Het lukte niet om na te gaan of de certificaten nog gelden: {said}", said=said or "–"
    )


def why_not_long(seal: ApprovalSeal | None) -> Say | None:
    """Why a seal that has a time-stamp could be B-LT and is not; None where nothing is amiss."""
    return why_unproved(seal.trouble) if seal and seal.profile == "B-T" and seal.trouble else None
