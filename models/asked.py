"""What is asked of a member of staff: a registry of sources, counted together in one statement. Done means gone from the list."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from models import engine
from models.clients.lists import NOBODY_IN
from models.core import Say
from models.mine import chooses, looked_after, seen_people
from models.rollout.board import bounced_sql
from models.settings import utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

MOST = 999  # is counted no further: "999+" says enough
_WEEK = dt.timedelta(days=7)


@dataclass(frozen=True)
class Source:
    """One kind of thing that can be asked. `rows` is SQL that gives a row for each, `{mine}` in it the clients `c` one looks
    after, `{people}` the users `u` one sees, `{bounced}` who got no invitation, `{me}` one's own id, `{today}` the day, `{soon}` that of sixty days on; `$1` is a week ago, `$2` now. `address` is where it is done."""

    key: str
    icon: str
    one: Say
    many: Say
    address: str
    rows: str
    needs: Permission | None = None
    of_mine: str = ""  # how the address is narrowed to the clients one looks after: the name of its parameter
    may: Callable[[Viewer], bool] = lambda viewer: True


@dataclass(frozen=True)
class Asked:
    """So much of it is asked (at most `MOST` and one), in these words, and done at this address."""

    key: str
    icon: str
    count: int
    words: Say
    address: str


SOURCES: list[Source] = []


def add_source(source: Source) -> None:
    """For a module that has something to ask of the staff: called where the module is made."""
    SOURCES.append(source)


async def asked_of(viewer: Viewer, *, everybody: bool = False) -> list[Asked]:
    """Everything of which there is any, in the order of the registry. One query."""
    sources = [one for one in SOURCES if (one.needs is None or viewer.may(one.needs)) and one.may(viewer)]
    if not sources:
        return []
    values = {
        "mine": looked_after(viewer, "c.id", everybody=everybody),
        "people": seen_people(viewer, "u"),
        "me": str(int(viewer.user.id)),
        "today": "date('now')" if engine.is_sqlite() else "CURRENT_DATE",
        "soon": "date('now', '+60 days')" if engine.is_sqlite() else "CURRENT_DATE + 60",
        "bounced": bounced_sql(looked_after(viewer, "a.client", everybody=everybody), "$2"),
    }
    columns = ", ".join(
        f"(SELECT count(*) FROM (SELECT 1 AS one {source.rows.format(**values)} LIMIT {MOST + 1}) x) AS {source.key}"
        for source in sources
    )
    # Both moments are named, so that each has a type in Postgres whichever sources there are.
    moments = "CAST($1 AS timestamptz) AS week, CAST($2 AS timestamptz) AS now" if not engine.is_sqlite() else "$1, $2"
    now = utcnow()
    row = (await engine.raw(f"SELECT {columns}, {moments}", now - _WEEK, now))[0]
    narrowed = chooses(viewer) and not everybody
    return [_told(source, row[source.key], viewer, narrowed) for source in sources if row[source.key]]


def total(found: Iterable[Asked]) -> int:
    return sum(one.count for one in found)


def _told(source: Source, count: int, viewer: Viewer, narrowed: bool) -> Asked:
    words = source.one if count == 1 else Say(source.many.text, n=f"{MOST}+" if count > MOST else count)
    address = source.address
    if source.of_mine == "clients" and chooses(viewer) and not narrowed:
        address = _with(address, clients="all")
    elif source.of_mine == "responsible" and narrowed:
        address = _with(address, responsible=viewer.user.id)
    return Asked(source.key, source.icon, count, words, address)


def _with(address: str, **more: Any) -> str:
    return f"{address}{'&' if '?' in address else '?'}{urlencode(more)}"


_APPROVING = " AND EXISTS (SELECT 1 FROM firm f WHERE ',' || f.modules || ',' LIKE '%,approvals,%') AND {mine}"

for _source in (
    Source(
        "uploads", "folder-up",
        Say("1 aangeleverd stuk dat nog geen collega opende"), Say("{n} aangeleverde stukken die nog geen collega opende"),
        "/overview/handed-in", "FROM document d JOIN client c ON c.id = d.client "
        "WHERE d.source = 'client' AND d.opened_at IS NULL AND d.trashed_at IS NULL AND {mine}",
        Permission.READ_DOSSIERS, of_mine="clients",
    ),
    Source(
        "requests", "inbox",
        Say("1 antwoord op een opvraging om te beoordelen"), Say("{n} antwoorden op opvragingen om te beoordelen"),
        "/requests?state=answered", "FROM request_item i JOIN document_request r ON r.id = i.request JOIN client c ON c.id = r.client "
        "WHERE r.state = 'open' AND i.state IN ('handed_in', 'not_applicable') AND {mine}",
        Permission.READ_DOSSIERS,
    ),
    Source(
        "late", "clock",
        Say("1 opvraging die te laat is"), Say("{n} opvragingen die te laat zijn"),
        "/requests?state=late", "FROM document_request r JOIN client c ON c.id = r.client WHERE r.state = 'open' AND EXISTS (SELECT 1 FROM request_item i "
        "WHERE i.request = r.id AND i.state IN ('open', 'sent_back') AND coalesce(i.due_on, r.due_on) < {today}) AND {mine}",
        Permission.READ_DOSSIERS, of_mine="responsible",
    ),
    Source(
        "remarks", "message-square",
        Say("1 vraag van een cliënt over een stuk"), Say("{n} vragen van cliënten over stukken"),
        "/overview/questions", "FROM remark q JOIN client c ON c.id = q.client JOIN document d ON d.id = q.document "
        "WHERE q.side = 'client' AND q.settled_at IS NULL AND d.trashed_at IS NULL AND {mine}",
        Permission.READ_DOSSIERS,
    ),
    Source(
        "to_sign_off", "signature",
        Say("1 accordering om te autoriseren"), Say("{n} accorderingen om te autoriseren"),
        "/approvals?stage=sign_off", "FROM approval_request r JOIN client c ON c.id = r.client WHERE r.state = 'sign_off' "
        "AND coalesce(r.made_by, 0) <> {me}" + _APPROVING,
        Permission.SIGN_OFF,
    ),
    Source(
        "not_approved", "x",
        Say("1 accordering waarop een cliënt niet akkoord is"), Say("{n} accorderingen waarop een cliënt niet akkoord is"),
        "/approvals?stage=rejected", "FROM approval_request r JOIN client c ON c.id = r.client WHERE r.state = 'rejected'" + _APPROVING,
        Permission.VIEW_REQUESTED,
    ),
    Source(
        "approval_questions", "message-square",
        Say("1 accordering met een vraag van een cliënt"), Say("{n} accorderingen met een vraag van een cliënt"),
        "/approvals?stage=all&questions=1", "FROM approval_request r JOIN client c ON c.id = r.client WHERE r.state NOT IN ('withdrawn', 'replaced') AND EXISTS (SELECT 1 FROM approval_remark m "
        "WHERE m.request = r.id AND m.side = 'client' AND m.settled_at IS NULL)" + _APPROVING,
        Permission.VIEW_REQUESTED,
    ),
    Source(
        "approvals_late", "clock",
        Say("1 accordering die te laat is"), Say("{n} accorderingen die te laat zijn"),
        "/approvals?when=late", "FROM approval_request r JOIN client c ON c.id = r.client WHERE r.state IN ('offered', 'partly') "
        "AND coalesce(r.internal_due, r.legal_due) < {today}" + _APPROVING,
        Permission.VIEW_REQUESTED,
    ),
    Source(
        "proposals", "user-check",
        Say("1 voorstel van een cliënt om gegevens te wijzigen"), Say("{n} voorstellen van cliënten om gegevens te wijzigen"),
        "/proposals", "FROM proposal p JOIN client c ON c.id = p.client WHERE p.state = 'waiting' AND {mine}",
        Permission.MANAGE_CLIENTS,
    ),
    Source(
        "lost_factors", "shield-check",
        Say("1 persoon die zijn tweede factor kwijt is"), Say("{n} mensen die hun tweede factor kwijt zijn"),
        "/lost-factors", "FROM lost_factor l JOIN users u ON u.id = l.person WHERE l.state IN ('asked', 'confirmed') "
        "AND coalesce(l.first_by, 0) <> {me} AND u.id <> {me} AND {people}",
        Permission.MANAGE_USERS,
    ),
    Source(
        "pins", "key-round",
        Say("1 persoon van wie de pincode geblokkeerd is"), Say("{n} mensen van wie de pincode geblokkeerd is"),
        "/settings/tokens?state=blocked", "FROM users u WHERE u.kind = 'client' AND u.state <> 'blocked' AND EXISTS "
        "(SELECT 1 FROM pin k WHERE k.person = u.id AND k.state = 'blocked') AND {people}",
        Permission.PRINT_PINS,
    ),
    Source(
        "seals", "badge-check",
        Say("1 akkoordverklaring die op haar zegel, tijdstempel of bewijs wacht"), Say("{n} akkoordverklaringen die op hun zegel, tijdstempel of bewijs wachten"),
        "/approvals/seals", "FROM (SELECT t.request FROM approval_seal_trouble t JOIN approval_request r ON r.id = t.request "
        "WHERE r.state IN ('approved', 'on_paper', 'filed') UNION SELECT s.request FROM approval_seal s WHERE s.stamp_due "
        "AND s.number = (SELECT max(n.number) FROM approval_seal n WHERE n.request = s.request) "
        "AND EXISTS (SELECT 1 FROM firm f WHERE f.stamp_url <> '') UNION SELECT s.request FROM approval_seal s WHERE s.proof_due "
        "AND s.number = (SELECT max(n.number) FROM approval_seal n WHERE n.request = s.request)) w WHERE EXISTS (SELECT 1 FROM firm f WHERE ',' || f.modules || ',' LIKE '%,approvals,%')",
        Permission.MANAGE_SETTINGS,
    ),
    Source(
        "seal_certificate", "badge-check",
        Say("1 certificaat van het zegel dat uw aandacht vraagt"), Say("{n} certificaten van het zegel die uw aandacht vragen"),
        "/settings/certificate", "FROM office_certificate o WHERE o.is_current AND (o.stand_in <> '' OR o.valid_until < {soon}) "
        "AND EXISTS (SELECT 1 FROM firm f WHERE ',' || f.modules || ',' LIKE '%,approvals,%')",
        Permission.MANAGE_SETTINGS,
    ),
    Source(
        "refused", "mail-x",
        Say("1 uitnodiging die niet aankwam"), Say("{n} uitnodigingen die niet aankwamen"),
        "/invitations?state=bounced", "{bounced}", Permission.VIEW_ROLLOUT, of_mine="responsible",
    ),
    Source(
        "mail", "mail",
        Say("1 ander bericht dat afgelopen week niet aankwam"), Say("{n} andere berichten die afgelopen week niet aankwamen"),
        "/mail?state=trouble", "FROM errand e LEFT JOIN users u ON u.id = e.person WHERE e.state IN ('refused', 'unknown', 'failed') "
        "AND e.kind IN ('password', 'account_notice', 'upload_notice', 'digest', 'client_news', 'reminder') AND e.created_at > $1 AND {people}",
        Permission.VIEW_MAIL,
    ),
    Source(
        "silent", "door-open",
        Say("1 cliënt waar na een week nog niemand binnen is"), Say("{n} cliënten waar na een week nog niemand binnen is"),
        "/clients?missing=activation", "FROM client c WHERE c.state = 'active' AND "
        + NOBODY_IN.format(client="c.id", week="$1") + " AND {mine}",
        of_mine="responsible",
    ),
    Source(
        "imports", "file-up",
        Say("1 import die op uw besluit wacht"), Say("{n} imports die op uw besluit wachten"),
        "/imports", "FROM import_batch i WHERE i.state = 'planned' AND i.created_by = {me}", Permission.IMPORT_RECORDS,
    ),
    Source(
        "tasks", "list-todo",
        Say("1 taak van u die afgelopen week mislukte"), Say("{n} taken van u die afgelopen week mislukten"),
        "/tasks", "FROM task t WHERE t.owner = {me} AND t.state = 'failed' AND t.created_at > $1",
    ),
):  # fmt: skip
    add_source(_source)
