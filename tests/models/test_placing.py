"""Placing many files at once: matched on client number, planned, placed, reported, undone; and never a file twice or astray."""

from __future__ import annotations

import datetime as dt
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from models import config, engine
from models.clients import Client
from models.content_type import detect
from models.core import Forbidden, Missing, Refused
from models.dossiers import Document, NewDocument
from models.keeping.holds import On, add_hold
from models.keeping.records import Hold
from models.placing import Numbers, Placing, begin_placing
from models.placing.lists import counts_of, files_of, forget_placings, placings_for
from models.placing.report import workbook
from models.placing.work import place_files, read_placing, undo_placing
from models.sample.papers import pdf
from models.settings import utcnow
from models.storage import storage
from models.tasks import Progress, Task
from models.tidying import sweep_storage
from models.viewer import Viewer
from tests.cast import Cast

WORKS = {"read_placing": read_placing, "place_files": place_files, "undo_placing": undo_placing}
USUAL: dict[str, Any] = {
    "target": "Aangiften › {boekjaar} › Omzetbelasting", "kind": None, "book_year": 2026, "period": "m01", "labels": "btw",
    "publish": "now", "publish_at": None, "archived": "leave", "no_dossier": "make", "no_folder": "make",
    "same_name": "number", "same_bytes": "skip",
}  # fmt: skip


async def number_of(client: int) -> str:
    return str((await engine.raw("SELECT number FROM client WHERE id = $1", client))[0]["number"])


async def stored(name: str, data: bytes) -> NewDocument:
    kept = await storage().put(data)
    return NewDocument(name, kept.sha256, kept.size, detect(kept.head, name).mime)


async def placing_of(by: Viewer, *files: tuple[str, bytes]) -> Placing:
    """A placing with these files; what is in ZIPs has come out."""

    async def begin() -> Placing:
        placing = await begin_placing(by=by)
        await placing.add_files([await stored(name, data) for name, data in files], by=by)
        return placing

    placing = await engine.run_writing(begin)
    await work(placing)
    return await again(placing)


async def again(placing: Placing) -> Placing:
    found = await Placing.objects().where(Placing.id == placing.id).first()
    assert found is not None
    return found


async def work(placing: Placing) -> None:
    """What the worker would do with the work that waits for this placing."""
    found = (Task.subject_id == placing.id) & (Task.state == "waiting") & Task.kind.is_in(list(WORKS))
    for task in await Task.objects().where(found).order_by(Task.id):
        await WORKS[task.kind](task, Progress(task))
        await Task.update({Task.state: "done"}).where(Task.id == task.id)


async def set_up(placing: Placing, by: Viewer, **more: Any) -> None:
    await engine.run_writing(lambda: placing.set_up(USUAL | more, by=by))


async def place(placing: Placing, by: Viewer) -> Placing:
    await engine.run_writing(lambda: placing.place(by=by))
    await work(placing)
    return await again(placing)


async def undo(placing: Placing, by: Viewer) -> Placing:
    await engine.run_writing(lambda: placing.undo(by=by))
    await work(placing)
    return await again(placing)


async def ids_of(placing: Placing, state: str) -> list[int]:
    rows = await engine.raw(
        "SELECT id FROM placement_file WHERE placement = $1 AND state = $2 ORDER BY id", placing.id, state
    )
    return [row["id"] for row in rows]


async def lying(client: int) -> list[tuple[str, str, str]]:
    """What lies at a client of placed things: the way to the folder, the name, and the state."""
    rows = await engine.raw(
        "WITH RECURSIVE way(id, parent, names) AS (SELECT id, parent, name FROM folder WHERE parent IS NULL AND client = $1 AND trashed_at IS NULL "
        "UNION ALL SELECT f.id, f.parent, CAST(w.names || ' › ' || f.name AS VARCHAR(120)) FROM folder f JOIN way w ON f.parent = w.id WHERE f.trashed_at IS NULL) "
        "SELECT w.names, d.name, d.state FROM document d JOIN way w ON w.id = d.folder WHERE d.trashed_at IS NULL AND d.uploaded_at > $2 ORDER BY 1, 2",
        client, utcnow() - dt.timedelta(minutes=5),
    )  # fmt: skip
    return [(row["names"], row["name"], row["state"]) for row in rows]


def zipped(*files: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return out.getvalue()


# which client


@pytest.mark.parametrize(
    ("name", "client", "rest"),
    [
        ("1234_Btw-jan.pdf", "1234", "Btw-jan.pdf"),
        ("1234 Btw.pdf", "1234", "Btw.pdf"),
        ("1234-Btw.pdf", "1234", "Btw.pdf"),
        ("(1234) Btw.pdf", "1234", "Btw.pdf"),
        ("001234_Btw.pdf", "1234", "Btw.pdf"),
        ("7 loon.pdf", "007", "loon.pdf"),
        ("1234-01_Btw.pdf", "1234-01", "Btw.pdf"),
        ("1234.pdf", "1234", "1234.pdf"),
        ("a100 Btw.pdf", "A100", "Btw.pdf"),
        ("uit pakket/1234 Jansen B.V./Btw.pdf", "1234", "Btw.pdf"),
        ("1234/2025/Btw.pdf", "1234", "Btw.pdf"),
        ("12345_Btw.pdf", None, "12345_Btw.pdf"),
        ("Btw.pdf", None, "Btw.pdf"),
        ("012_Btw.pdf", None, "012_Btw.pdf"),  # of 12 or of 0012?
        ("1234/12_Btw.pdf", None, "12_Btw.pdf"),  # the folder says one, the name another
        ("5678_Btw.pdf", None, "5678_Btw.pdf"),  # not the viewer's
    ],
)
def test_the_longest_number_that_exists_says_whose_a_file_is(name: str, client: str | None, rest: str) -> None:
    numbers, known = Numbers(), ["1234", "12", "0012", "5678", "1234-01", "A100", "007"]
    for id, number in enumerate(known, start=1):
        numbers.add(id, number, number != "5678")

    found = numbers.match(name)

    assert found.client == (known.index(client) + 1 if client else None)
    assert found.rest == rest and (found.why is None) == (client is not None)
    assert found.why is None or "5678" not in str(found.why)


async def test_files_go_to_the_folder_of_their_client_which_is_made_where_it_is_missing(cast: Cast) -> None:
    bakkerij, garage = await number_of(cast.bakkerij), await number_of(cast.garage)
    placing = await placing_of(
        cast.anna,
        (f"{bakkerij}_Btw-jan.pdf", pdf("een")),
        (f"00{garage} Btw-jan.pdf", pdf("twee")),
        ("los.pdf", pdf("drie")),
    )
    await set_up(placing, cast.anna)
    planned = await counts_of(placing)

    placing = await place(placing, cast.anna)

    assert (planned["matched"], planned["unmatched"], planned["deviations"]["no_folder"]) == (2, 1, 2)
    assert await lying(cast.bakkerij) == [("Aangiften › 2026 › Omzetbelasting", "Btw-jan.pdf", "published")]
    assert await lying(cast.garage) == [("Aangiften › 2026 › Omzetbelasting", "Btw-jan.pdf", "published")]
    document = (
        await Document.objects().where((Document.name == "Btw-jan.pdf") & (Document.client == cast.bakkerij)).first()
    )
    assert document is not None
    assert (document.book_year, document.period, document.labels, document.source) == (2026, "m01", "btw", "office")
    assert await cast.rik.documents.where(Document.id == document.id).exists()
    assert placing.state == "open" and (await counts_of(placing))["bin"] == 1
    trail = await engine.raw(
        "SELECT detail FROM trail WHERE operation = 'Dossier.placed' AND client = $1", cast.bakkerij
    )
    assert json.loads(trail[0]["detail"])["count"] == 1


async def test_what_is_planned_or_a_draft_is_not_seen_by_the_client(cast: Cast) -> None:
    number, later = await number_of(cast.bakkerij), utcnow() + dt.timedelta(days=2)
    placing = await placing_of(cast.anna, (f"{number}_een.pdf", pdf("een")), (f"{number}_twee.pdf", pdf("twee")))
    await set_up(placing, cast.anna, publish="at", publish_at=later)
    second = (await ids_of(placing, "matched"))[1]
    await engine.run_writing(
        lambda: placing.set_apart([second], {"publish": "draft", "target": "Correspondentie"}, by=cast.anna)
    )

    placing = await place(placing, cast.anna)

    assert await lying(cast.bakkerij) == [
        ("Aangiften › 2026 › Omzetbelasting", "een.pdf", "planned"),
        ("Correspondentie", "twee.pdf", "draft"),
    ]


async def test_the_bin_gives_a_file_to_a_client_and_it_is_placed_the_next_time(cast: Cast) -> None:
    placing = await placing_of(cast.anna, ("zonder nummer.pdf", pdf("een")), ("weg.pdf", pdf("twee")))
    await set_up(placing, cast.anna)
    with pytest.raises(Refused):
        await engine.run_writing(lambda: placing.place(by=cast.anna))
    first, second = await ids_of(placing, "unmatched")
    await engine.run_writing(lambda: placing.give([first], cast.bakkerij, by=cast.anna))
    await engine.run_writing(lambda: placing.drop([second], by=cast.anna))

    placing = await place(placing, cast.anna)

    assert [name for _, name, _ in await lying(cast.bakkerij)] == ["zonder nummer.pdf"]
    counts = await counts_of(placing)
    assert (counts["placed"], counts["dropped"], counts["bin"]) == (1, 1, 0)


async def test_nobody_places_at_a_client_he_does_not_see_and_nothing_tells_whose_it_is(cast: Cast) -> None:
    seen = {row["id"] for row in await cast.ed.clients.select(Client.id)}
    other = next(id for id in sorted(cast.clients.values()) if id not in seen)
    placing = await placing_of(cast.ed, (f"{await number_of(other)}_Btw.pdf", pdf("een")))
    await set_up(placing, cast.ed)

    (row,) = await files_of(cast.ed, placing, "bin", 10)

    assert (row["client"], row["client_name"], row["number"]) == (None, None, None)
    with pytest.raises(Missing):
        await engine.run_writing(lambda: placing.give([row["id"]], other, by=cast.ed))
    with pytest.raises(Missing):
        await cast.sam.scope(Placing).get(placing.id)
    assert not await placings_for(cast.rik, 10) and await placings_for(cast.anna, 10)


async def test_what_he_no_longer_sees_goes_to_the_bin_even_after_the_plan(cast: Cast) -> None:
    seen = [row["id"] for row in await cast.ed.clients.select(Client.id)]
    placing = await placing_of(cast.ed, (f"{await number_of(seen[0])}_Btw.pdf", pdf("een")))
    await set_up(placing, cast.ed)
    await engine.run_writing(lambda: placing.place(by=cast.ed))
    await engine.raw("DELETE FROM reach WHERE person = $1 AND client = $2", cast.ed.user.id, seen[0])

    await work(placing)

    assert await lying(seen[0]) == [] and (await counts_of(placing))["unmatched"] == 1


@pytest.mark.parametrize(
    ("way", "names", "versions"),
    [
        ("number", ["Btw (2).pdf", "Btw.pdf"], 1),
        ("version", ["Btw.pdf"], 2),
        ("skip", ["Btw.pdf"], 1),
        ("leave", ["Btw.pdf"], 1),
    ],
)
async def test_a_name_that_is_taken_gets_what_was_chosen(cast: Cast, way: str, names: list[str], versions: int) -> None:
    number = await number_of(cast.bakkerij)
    first = await placing_of(cast.anna, (f"{number}_Btw.pdf", pdf("een")))
    await set_up(first, cast.anna)
    first = await place(first, cast.anna)
    second = await placing_of(cast.anna, (f"{number}_Btw.pdf", pdf("anders")), (f"{number} BTW.PDF", pdf("een")))
    await set_up(second, cast.anna, same_name=way)
    planned = await counts_of(second)

    second = await place(second, cast.anna)

    assert (planned["deviations"]["same_name"], planned["deviations"]["same_bytes"]) == (1, 1)
    assert [name for _, name, _ in await lying(cast.bakkerij)] == names
    document = await Document.objects().where((Document.name == "Btw.pdf") & (Document.client == cast.bakkerij)).first()
    assert document is not None and document.version == versions
    assert (await counts_of(second))["skipped"] == (2 if way == "skip" else 1)  # the same bytes are never there twice


async def test_a_new_version_of_what_clients_see_waits_when_they_were_not_to_see_it(cast: Cast) -> None:
    number = await number_of(cast.bakkerij)
    first = await placing_of(cast.anna, (f"{number}_Btw.pdf", pdf("een")))
    await set_up(first, cast.anna)
    first = await place(first, cast.anna)
    second = await placing_of(cast.anna, (f"{number}_Btw.pdf", pdf("anders")))
    await set_up(second, cast.anna, same_name="version", publish="draft")

    second = await place(second, cast.anna)

    assert (await counts_of(second))["left"] == 1
    document = await Document.objects().where((Document.name == "Btw.pdf") & (Document.client == cast.bakkerij)).first()
    assert document is not None and document.version == 1


async def test_an_archived_client_and_a_missing_folder_wait_when_that_was_chosen(cast: Cast) -> None:
    await engine.raw("UPDATE client SET state = 'archived' WHERE id = $1", cast.garage)
    placing = await placing_of(
        cast.anna,
        (f"{await number_of(cast.garage)}_a.pdf", pdf("een")),
        (f"{await number_of(cast.bakkerij)}_b.pdf", pdf("twee")),
    )
    await set_up(placing, cast.anna, no_folder="leave")

    placing = await place(placing, cast.anna)
    waiting = {row["name"]: json.loads(row["reason"])["say"] for row in await files_of(cast.anna, placing, "bin", 10)}

    assert waiting == {"a.pdf": "De cliënt is gearchiveerd", "b.pdf": "De map is er nog niet"}
    assert await lying(cast.garage) == [] == await lying(cast.bakkerij)
    await set_up(placing, cast.anna, archived="place")
    placing = await place(placing, cast.anna)
    assert await lying(cast.garage) and await lying(cast.bakkerij)


async def test_a_client_without_a_dossier_gets_one(cast: Cast) -> None:
    await engine.raw("DELETE FROM dossier WHERE client = $1", cast.garage)
    placing = await placing_of(cast.anna, (f"{await number_of(cast.garage)}_a.pdf", pdf("een")))
    await set_up(placing, cast.anna)
    assert (await counts_of(placing))["deviations"]["no_dossier"] == 1

    placing = await place(placing, cast.anna)

    assert await lying(cast.garage) == [("Aangiften › 2026 › Omzetbelasting", "a.pdf", "published")]


async def test_the_undo_takes_back_what_still_is_as_it_was(cast: Cast) -> None:
    number = await number_of(cast.bakkerij)
    first = await placing_of(cast.anna, (f"{number}_Btw.pdf", pdf("een")))
    await set_up(first, cast.anna)
    first = await place(first, cast.anna)
    second = await placing_of(
        cast.anna,
        (f"{number}_Btw.pdf", pdf("anders")),
        (f"{number}_nieuw.pdf", pdf("n")),
        (f"{number}_gewijzigd.pdf", pdf("g")),
    )
    await set_up(second, cast.anna, same_name="version")
    second = await place(second, cast.anna)
    other = await storage().put(pdf("van een collega"))
    await engine.raw("UPDATE document SET version = 2, sha256 = $1 WHERE name = 'gewijzigd.pdf'", other.sha256)

    second = await undo(second, cast.anna)
    first = await undo(first, cast.anna)

    assert [name for _, name, _ in await lying(cast.bakkerij)] == ["gewijzigd.pdf"]
    counts = await counts_of(second)
    assert (counts["kept"], counts["matched"]) == (1, 2) and second.undone_at is not None
    trashed = await engine.raw("SELECT name, version FROM document WHERE trashed_at IS NOT NULL ORDER BY name")
    assert [(row["name"], row["version"]) for row in trashed] == [("Btw.pdf", 1), ("nieuw.pdf", 1)]
    assert not await engine.raw(
        "SELECT 1 AS one FROM document_version v JOIN document d ON d.id = v.document WHERE d.name = 'Btw.pdf'"
    )


async def test_the_undo_leaves_the_newest_version_of_what_a_case_suspends(cast: Cast) -> None:
    number = await number_of(cast.bakkerij)
    first = await placing_of(cast.anna, (f"{number}_Btw.pdf", pdf("een")))
    await set_up(first, cast.anna)
    await place(first, cast.anna)
    second = await placing_of(cast.anna, (f"{number}_Btw.pdf", pdf("anders")))
    await set_up(second, cast.anna, same_name="version")
    second = await place(second, cast.anna)
    on = On(client=cast.bakkerij)
    await engine.run_writing(
        lambda: add_hold(cast.anna.scope(Hold), "Zaak", "Beroep", dt.date(2026, 1, 1), None, on, by=cast.anna)
    )

    second = await undo(second, cast.anna)

    document = await Document.objects().where(Document.name == "Btw.pdf").first()
    assert document is not None and document.version == 2 and (await counts_of(second))["kept"] == 1


async def test_the_folders_that_were_made_go_with_the_undo_when_they_are_empty(cast: Cast) -> None:
    placing = await placing_of(cast.anna, (f"{await number_of(cast.bakkerij)}_a.pdf", pdf("een")))
    await set_up(placing, cast.anna, target="Heel nieuw › {boekjaar}")
    placing = await place(placing, cast.anna)
    made = "SELECT count(*) AS n FROM folder WHERE name_key IN ('heel nieuw', '2026') AND client = $1 AND trashed_at IS NULL AND year IS NOT NULL"
    assert (await engine.raw(made, cast.bakkerij))[0]["n"] == 1  # the year's own folder knows it

    placing = await undo(placing, cast.anna)

    rows = await engine.raw("SELECT trashed_at FROM folder WHERE name = 'Heel nieuw' AND client = $1", cast.bakkerij)
    assert rows and rows[0]["trashed_at"] is not None
    await place(placing, cast.anna)  # and it can be placed again
    assert [name for _, name, _ in await lying(cast.bakkerij)] == ["a.pdf"]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"target": "  "}, "target"), ({"target": "A › {boekjaren}"}, "target"), ({"target": "x" * 200}, "target"),
        ({"book_year": None}, "book_year"), ({"book_year": 20}, "book_year"), ({"publish": "at"}, "publish_at"),
        ({"publish": "soon"}, "publish"), ({"kind": 99999}, "kind"), ({"period": "w1"}, "period"), ({"same_name": "burn"}, "same_name"),
        ({"labels": ",".join("abcdefghijklm")}, "labels"),
    ],
)  # fmt: skip
async def test_nonsense_is_refused_beside_its_field(cast: Cast, more: dict[str, Any], field: str) -> None:
    placing = await placing_of(cast.anna, ("a.pdf", pdf("een")))

    with pytest.raises(Refused) as refused:
        await set_up(placing, cast.anna, **more)

    assert refused.value.field == field


# archives


async def test_a_zip_comes_out_file_by_file_with_a_reason_for_what_does_not(cast: Cast) -> None:
    number = await number_of(cast.bakkerij)
    inner = zipped(("x.pdf", pdf("binnen")))
    placing = await placing_of(
        cast.anna,
        (
            "pakket.zip",
            zipped(
                (f"{number}_Btw.pdf", pdf("een")), (f"{number} Bakkerij/Jaar/Balans.pdf", pdf("twee")), (f"{number}_rest.zip", inner),
                ("../../etc/passwd", b"x"), ("/absoluut.txt", b"x"), ("..\\..\\acc.txt", b"x"), ("C:\\acc.txt", b"x"),
                (f"{number}_start.exe", b"MZ"), (f"{number}_leeg.pdf", b""), ("__MACOSX/._x.pdf", b"x"), ("map/", b""),
            ),
        ),
    )  # fmt: skip

    ready = {row["name"]: row for row in await files_of(cast.anna, placing, "ready", 50)}
    out = {row["path"]: json.loads(row["reason"])["say"] for row in await files_of(cast.anna, placing, "out", 50)}

    assert set(ready) == {"Btw.pdf", "Balans.pdf", "rest.zip"}
    assert ready["rest.zip"]["mime"] == "application/zip"  # an archive in an archive stays one file
    assert set(out) == {
        "../../etc/passwd", "/absoluut.txt", "../../acc.txt", "C:/acc.txt", f"{number}_start.exe", f"{number}_leeg.pdf",
    }  # fmt: skip
    assert placing.state == "open"


async def test_two_thousand_pdfs_in_one_zip_go_in_one_go(cast: Cast) -> None:
    numbers = {id: await number_of(id) for id in cast.clients.values()}
    files = [
        (f"{number}_stuk {n}.pdf", b"%PDF-1.4 " + f"{id} {n}".encode())
        for id, number in numbers.items()
        for n in range(167)
    ]
    placing = await placing_of(cast.anna, ("alles.zip", zipped(*files)))
    await set_up(placing, cast.anna)

    with engine.count_queries() as queries:
        await place(placing, cast.anna)

    assert (await counts_of(placing))["placed"] == len(files) == 2004
    assert queries.n < 600, "not a query per file"
    rows = await engine.raw(
        "SELECT count(*) AS n, count(DISTINCT folder) AS folders FROM document WHERE name LIKE 'stuk %'"
    )
    assert (rows[0]["n"], rows[0]["folders"]) == (2004, 12)


async def test_the_report_names_every_file_and_what_became_of_it(cast: Cast) -> None:
    placing = await placing_of(
        cast.anna, (f"{await number_of(cast.bakkerij)}_a.pdf", pdf("een")), ("=1+1.pdf", pdf("twee"))
    )
    await set_up(placing, cast.anna)
    placing = await place(placing, cast.anna)

    book = openpyxl.load_workbook(
        io.BytesIO(workbook(placing, await counts_of(placing), await files_of(cast.anna, placing, "all", 99), str))
    )

    rows = {row[0]: row for row in book.worksheets[1].iter_rows(min_row=2, values_only=True)}
    assert (
        rows[f"{await number_of(cast.bakkerij)}_a.pdf"][6] == "Geplaatst" and rows["=1+1.pdf"][6] == "Nog geen cliënt"
    )


async def test_the_bin_is_kept_thirty_days_and_its_bytes_with_it(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORAGE_URL", f"file://{tmp_path}/files")  # swept, so not the one that all tests share
    config.reset()
    placing = await placing_of(
        cast.anna, (f"{await number_of(cast.bakkerij)}_a.pdf", pdf("een")), ("b.pdf", pdf("in de bak"))
    )
    await set_up(placing, cast.anna)
    placing = await place(placing, cast.anna)
    (waiting,) = await files_of(cast.anna, placing, "bin", 10)

    await sweep_storage(dt.timedelta(seconds=-1))
    await engine.run_writing(lambda: forget_placings(utcnow() + dt.timedelta(days=29)))
    assert await storage().exists(waiting["sha256"]) and (await counts_of(placing))["bin"] == 1
    await engine.run_writing(lambda: forget_placings(utcnow() + dt.timedelta(days=31)))
    await sweep_storage(dt.timedelta(seconds=-1))

    assert not await storage().exists(waiting["sha256"]) and (await counts_of(placing))["bin"] == 0
    assert (await counts_of(placing))["placed"] == 1  # what stands in a dossier keeps its report and undo
    monkeypatch.undo()
    config.reset()


async def test_who_may_not_edit_dossiers_places_nothing(cast: Cast) -> None:
    for viewer in (cast.rik, cast.fem, cast.sam):
        with pytest.raises(Forbidden):
            await begin_placing(by=viewer)
