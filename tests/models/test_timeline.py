"""The timeline of a client: all that happened, newest first, by kind and by day, and document names only for who may read."""

from __future__ import annotations

import datetime as dt
from typing import Any

from models import engine
from models.clients import timeline
from models.clients.timeline import Filter
from models.settings import utcnow
from models.viewer import Viewer
from tests.cast import Cast, as_viewer
from tests.handing_in import hand_in


async def told(cast: Cast, asked: Filter | None = None, viewer: Viewer | None = None) -> list[dict[str, Any]]:
    viewer, asked = viewer or cast.anna, asked or Filter()
    lines, total = await timeline.page(await cast.anna.clients.get(cast.bakkerij), viewer, asked, 1, 500)
    assert len(lines) == total
    return lines


async def lived(cast: Cast) -> None:
    """A change of the details, a paper that rik opened, and a mail to him."""
    client = await cast.anna.clients.get(cast.bakkerij)
    await client.change(seen=client.version, phone="030 123 45 67", by=cast.anna)
    paper = (await hand_in(cast.bakkerij, "jaarrekening.pdf", source="office"))[0]
    now = utcnow()
    await engine.raw(
        "INSERT INTO reading (document, client, person, first_at, last_at, times) VALUES ($1, $2, $3, $4, $4, 1)",
        paper, cast.bakkerij, cast.rik.user.id, now,
    )  # fmt: skip
    await engine.raw(
        "INSERT INTO errand (kind, state, person, run_after, finished_at, created_at, address, subject_line) "
        "VALUES ('account_notice', 'done', $1, $2, $2, $2, 'rik@klant.nl', 'Uw wachtwoord is gewijzigd')",
        cast.rik.user.id, now,
    )  # fmt: skip


async def test_what_was_changed_opened_and_mailed_stands_in_one_line_of_time(cast: Cast) -> None:
    await lived(cast)
    lines = await told(cast)
    operations = {line["operation"] for line in lines}

    assert {"Client.change", "Document.read", "Mail.done"} <= operations
    moments = [str(line["at"]) for line in lines]
    assert moments == sorted(moments, reverse=True)
    assert any("Uw wachtwoord is gewijzigd" in line["detail"] for line in lines)


async def test_each_kind_is_apart_and_together_they_are_all_that_has_a_kind(cast: Cast) -> None:
    await lived(cast)
    everything = {(line["operation"], line["id"]) for line in await told(cast)}
    kinds = [{(line["operation"], line["id"]) for line in await told(cast, Filter(kind))} for kind in timeline.KINDS]

    assert all(not (a & b) for n, a in enumerate(kinds) for b in kinds[n + 1 :])
    assert set().union(*kinds) <= everything
    assert "Document.read" in {name for name, _ in kinds[timeline.KINDS.index("opened")]}


async def test_days_count_as_they_are_here(cast: Cast) -> None:
    await lived(cast)
    today = dt.datetime.now(dt.UTC).date()
    later = Filter(since=today + dt.timedelta(days=2))

    assert await told(cast, later) == []
    assert await told(cast, Filter(until=today + dt.timedelta(days=2))) == await told(cast)


async def test_who_may_not_read_dossiers_sees_no_names_of_documents(cast: Cast) -> None:
    await lived(cast)
    await engine.raw("UPDATE users SET permissions = 'clients:act' WHERE id = $1", cast.ed.user.id)
    ed = await as_viewer(cast.ed.user.email)
    lines = await told(cast, viewer=ed)

    assert lines and "jaarrekening.pdf" not in str(lines)
