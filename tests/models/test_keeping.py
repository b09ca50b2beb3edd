"""Until when is kept, what a case suspends, what is proposed, and that only what a person confirmed is destroyed."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from models import config, engine, tidying
from models.accounts import User
from models.audit import Trail
from models.clients import Client
from models.core import Forbidden, Refused, save
from models.dossiers import Document, DocumentKind, Folder, NewDocument, dossier_of, trash_of
from models.dossiers.acts import Items, move_items
from models.dossiers.versions import replace
from models.keeping import certificate, destroying, holds, proposing, trash
from models.keeping.holds import On, add_hold, lift
from models.keeping.records import Destruction, DestructionItem, Hold
from models.keeping.terms import term_for
from models.notices import ZONE
from models.people import addressee
from models.settings import Firm, utcnow
from models.storage import storage
from partials import mails
from tests.cast import Cast
from tests.models.keeping import carried_out, class_named, folder_with, names_on, paper, proposal

DAY = dt.date


@pytest.fixture(autouse=True)
def own_storage(tmp_path, monkeypatch) -> Iterator[None]:
    monkeypatch.setenv("POORT_VAR", str(tmp_path))
    config.reset()
    yield
    monkeypatch.undo()
    config.reset()


async def hold_on(cast: Cast, on: On, name: str = "Procedure Jansen") -> Hold:
    async with engine.writing():
        return await add_hold(cast.anna.scope(Hold), name, "Hoger beroep", DAY(2026, 1, 1), None, on, by=cast.anna)


# the term


async def test_the_class_of_the_document_goes_before_its_kind_and_that_before_its_folder(cast: Cast) -> None:
    top = await folder_with(cast, "Personeel", "Personeelsstukken zonder fiscaal belang")
    inside = await folder_with(cast, "Piet", "", within=top)
    one = await paper(cast, inside, "brief.txt")

    by_folder = await term_for(one)
    kind = await DocumentKind.objects().where(DocumentKind.name == "Loonstrook en loonstaat").first()
    await Document.update({Document.kind: kind.id}).where(Document.id == one.id)
    by_kind = await term_for(one)
    await Document.update({Document.retention: (await class_named("Wwft-cliëntonderzoek")).id}).where(
        Document.id == one.id
    )
    by_itself = await term_for(one)
    none = await term_for(await paper(cast, await folder_with(cast, "Los", ""), "los.txt"))

    assert [(t.name, t.source) for t in (by_folder, by_kind, by_itself) if t] == [
        ("Personeelsstukken zonder fiscaal belang", "folder"), ("Loonadministratie", "kind"), ("Wwft-cliëntonderzoek", "own"),
    ]  # fmt: skip
    assert none is None


@pytest.mark.parametrize(
    "month, extension, year, until",
    [
        (12, None, 2015, DAY(2023, 12, 31)),  # seven years, and the office's twelve months
        (12, 0, 2015, DAY(2022, 12, 31)),
        (6, 0, 2015, DAY(2023, 6, 30)),  # book year 2015 began on 1 July 2015
        (2, 0, 2015, DAY(2023, 2, 28)),
        (12, 24, 2015, DAY(2024, 12, 31)),
    ],
)
async def test_a_term_counts_from_the_end_of_the_clients_own_book_year(
    cast: Cast, month, extension, year, until
) -> None:
    await Client.update({Client.year_end_month: month, Client.extension_months: extension}).where(
        Client.id == cast.bakkerij
    )
    one = await paper(cast, await folder_with(cast, "Cijfers"), "jaarrekening.txt", book_year=year)

    term = await term_for(one)

    assert term and term.until == until and term.book_year == year and not term.is_guessed


async def test_a_year_comes_from_the_folder_else_from_a_name_and_else_there_is_none(cast: Cast) -> None:
    dated = await folder_with(cast, "Boekjaar 2016")
    await Folder.update({Folder.year: 2014}).where(Folder.id == dated.id)
    of_folder = await term_for(await paper(cast, dated, "balans.txt", book_year=None))
    named = await term_for(await paper(cast, await folder_with(cast, "Stukken 2012"), "oud 2013 en 2015.txt"))
    above = await term_for(await paper(cast, await folder_with(cast, "Jaar 2011"), "balans.txt"))
    nothing = await term_for(await paper(cast, await folder_with(cast, "Zonder"), "factuur 20150012.txt"))

    assert of_folder and (of_folder.book_year, of_folder.is_guessed) == (2014, False)
    assert named and (named.book_year, named.is_guessed) == (2015, True)
    assert above and (above.book_year, above.is_guessed) == (2011, True)
    assert nothing and nothing.anchor_on is None and nothing.until is None


async def test_each_anchor_counts_from_its_own_day(cast: Cast) -> None:
    async def until(kept: str, **columns) -> DAY | None:
        folder = await folder_with(cast, f"Map {kept} {len(columns)}", kept)
        term = await term_for(await paper(cast, folder, "stuk.txt", **columns))
        assert term is not None
        return term.until

    assert await until("Personeelsstukken zonder fiscaal belang") is None
    assert await until("Personeelsstukken zonder fiscaal belang", anchor_on=DAY(2020, 5, 31)) == DAY(2022, 5, 31)
    assert await until("Onroerende zaken (btw)", anchor_on=DAY(2010, 3, 1)) == DAY(2021, 12, 31)
    assert await until("Wwft-cliëntonderzoek") is None
    await Client.update({Client.relation_ended_on: DAY(2019, 4, 2)}).where(Client.id == cast.bakkerij)
    assert await until("Wwft-cliëntonderzoek", note="x") == DAY(2024, 4, 2)


# the monthly list


async def test_the_list_proposes_what_is_over_and_nothing_else(cast: Cast) -> None:
    folder, nameless = await folder_with(cast, "Administratie oud"), await folder_with(cast, "Klasseloos", "")
    await paper(cast, folder, "oud.txt", book_year=2010)
    await paper(cast, folder, "nieuw.txt", book_year=2024)
    await paper(cast, folder, "geen jaar.txt")
    await paper(cast, nameless, "klasseloos.txt", book_year=2001)

    made = await proposal()

    assert await names_on(made) == ["oud.txt"]
    assert ("Administratie oud", 1) in [(one["place"], one["count"]) for one in made.without_anchor]
    assert await Document.exists().where(Document.name == "oud.txt")
    assert not await proposing.propose_when_due(utcnow())  # once a month


async def test_a_list_that_a_dead_worker_left_half_made_is_made_anew(cast: Cast) -> None:
    await paper(cast, await folder_with(cast, "Oud"), "oud.txt", book_year=2010)
    now = utcnow()
    left = await proposing._begin("month", now.astimezone(ZONE).strftime("%Y-%m"), None)
    await engine.raw(
        "INSERT INTO destruction_item (destruction, document, dossier, folder, name, why, content_hash) VALUES ($1, 1, 1, 1, 'half', 'term', '')",
        left.id,
    )

    assert not await proposing.propose_when_due(now)  # somebody may still be at it
    await Destruction.update({Destruction.made_at: now - dt.timedelta(hours=2)}).where(Destruction.id == left.id)
    assert await proposing.propose_when_due(now)

    made = await Destruction.objects().where(Destruction.id == left.id).first()
    assert made.state == "proposed" and await names_on(made) == ["oud.txt"]


async def test_a_book_year_waits_for_the_last_of_it(cast: Cast) -> None:
    folder, longer = await folder_with(cast, "Kort"), await folder_with(cast, "Lang")
    async with engine.writing():
        await save(await class_named("Loonadministratie"), months=240)
    await longer.set_up(False, (await class_named("Loonadministratie")).id, None, by=cast.anna)
    await paper(cast, folder, "kort 2012.txt", book_year=2012)
    await paper(cast, longer, "lang 2012.txt", book_year=2012)
    await paper(cast, folder, "kort 2011.txt", book_year=2011)

    made = await proposal()

    assert await names_on(made) == ["kort 2011.txt"]


async def test_trash_is_proposed_after_its_days_unless_a_term_keeps_it(cast: Cast) -> None:
    kept, free = await folder_with(cast, "Bewaard"), await folder_with(cast, "Vrij", "")
    long_ago = utcnow() - dt.timedelta(days=31)
    await paper(cast, free, "lang geleden weg.txt", trashed_at=long_ago)
    await paper(cast, free, "net weg.txt", trashed_at=utcnow() - dt.timedelta(days=29))
    await paper(cast, kept, "binnen termijn.txt", book_year=2025, trashed_at=long_ago)
    await paper(cast, kept, "zonder anker.txt", trashed_at=long_ago)

    assert await names_on(await proposal()) == ["lang geleden weg.txt"]

    await Firm.update({Firm.trash_days: 10}, force=True)
    await engine.raw("DELETE FROM destruction")
    assert await names_on(await proposal()) == ["lang geleden weg.txt", "net weg.txt"]


@pytest.mark.parametrize("on", ["client", "folder", "above", "document"])
async def test_a_hold_keeps_it_off_the_list_until_it_is_lifted(cast: Cast, on: str) -> None:
    top = await folder_with(cast, "Bovenmap")
    folder = await folder_with(cast, "Map", within=top)
    one = await paper(cast, folder, "oud.txt", book_year=2010)
    hold = await hold_on(
        cast,
        {
            "client": On(client=cast.bakkerij),
            "folder": On(folder=folder.id),
            "above": On(folder=top.id),
            "document": On(document=one.id),
        }[on],
    )

    held = await proposal()
    names = [row["name"] for row in await holds.on_document(one)]
    async with engine.writing():
        await lift(hold, "Uitspraak gedaan", by=cast.anna)
    await engine.raw("DELETE FROM destruction")

    assert await names_on(held) == [] and names == ["Procedure Jansen"]
    assert await names_on(await proposal()) == ["oud.txt"]
    assert await holds.on_document(one) == []
    lines = await Trail.select(Trail.operation).where(Trail.record_table == "Hold").order_by(Trail.id)
    assert [line["operation"] for line in lines] == ["Hold.add", "Hold.lift"]


async def test_a_hold_goes_along_with_what_is_moved_from_under_it(cast: Cast) -> None:
    top, away = await folder_with(cast, "Boven"), await folder_with(cast, "Elders")
    folder = await folder_with(cast, "Onder", within=top)
    one, two, three = [await paper(cast, folder, f"oud {n}.txt", book_year=2010) for n in range(3)]
    await hold_on(cast, On(folder=top.id))
    dossier = await dossier_of(cast.anna, cast.garage)
    other = await folder_with(cast, "Bij een ander", client=cast.garage)

    async with engine.writing():
        await one.move(away.id, by=cast.anna)
        await move_items(dossier, other, Items(documents=(two.id,)), by=cast.anna)
        await (await cast.anna.folders.get(folder.id)).move(away.id, by=cast.anna)

    for each in (one, two, three):
        assert [row["name"] for row in await holds.on_document(await cast.anna.documents.get(each.id))] == [
            "Procedure Jansen"
        ]
    assert await names_on(await proposal()) == []


async def test_a_hold_goes_along_when_a_move_is_undone(cast: Cast) -> None:
    away, folder = await folder_with(cast, "Elders"), await folder_with(cast, "Map")
    one = await paper(cast, folder, "oud.txt", book_year=2010)
    dossier = await dossier_of(cast.anna, cast.bakkerij)
    assert dossier is not None
    async with engine.writing():
        act = await move_items(dossier, away, Items(folders=(folder.id,)), by=cast.anna)
    await hold_on(cast, On(folder=away.id))

    async with engine.writing():
        await act.undo(by=cast.anna)

    assert (await cast.anna.folders.get(folder.id)).parent is None
    assert await holds.on_document(await cast.anna.documents.get(one.id))


async def test_only_an_administrator_who_sees_all_holds_confirms_or_asks(cast: Cast) -> None:
    await paper(cast, await folder_with(cast, "Oud"), "oud.txt", book_year=2010)
    made = await proposal()

    for change in (
        add_hold(cast.ed.scope(Hold), "X", "Y", DAY(2026, 1, 1), None, On(client=cast.bakkerij), by=cast.ed),
        destroying.confirm(made, "Omdat", "1", by=cast.ed),
        destroying.spare(made, [1], by=cast.ed),
        proposing.ask_for_list(cast.ed.scope(Destruction), by=cast.ed),
    ):
        with pytest.raises(Forbidden):
            await change
    assert not await cast.ed.scope(Destruction).exists() and not await cast.rik.scope(Destruction).exists()
    assert await names_on(made) == ["oud.txt"]


# destroying


async def test_what_is_confirmed_goes_with_every_version_and_the_certificate_names_it(cast: Cast) -> None:
    folder = await folder_with(cast, "Oud")
    one = await paper(cast, folder, "oud.txt", b"eerste versie", book_year=2010)
    newer = await storage().put(b"tweede versie")
    await engine.run_writing(
        lambda: replace(one, NewDocument("oud.txt", newer.sha256, newer.size, "text/plain"), by=cast.anna)
    )
    twin = await paper(cast, await folder_with(cast, "Elders", ""), "zelfde.txt", b"eerste versie")
    drawn = config.settings().var / "drawings" / newer.sha256
    drawn.mkdir(parents=True)
    made = await proposal()

    done = await carried_out(cast, made)

    assert not await Document.exists().where(Document.id == one.id)
    assert not await storage().exists(newer.sha256) and not drawn.exists()
    assert await storage().exists(twin.sha256)
    (line,) = [row async for row in certificate.lines_of(done)]
    assert (line["name"], line["state"], line["class_name"]) == ("oud.txt", "destroyed", "Administratie")
    assert [(v["number"], v["sha256"], v["elsewhere"]) for v in json.loads(line["versions"])] == [
        (1, twin.sha256, True), (2, newer.sha256, False),
    ]  # fmt: skip
    assert (done.destroyed, done.destroyed_size, done.confirmed_name) == (1, 26, cast.anna.user.display_name)
    assert await certificate.verdict(done) is None
    assert done.digest in (await Trail.objects().where(Trail.operation == "Destruction.certify").first()).detail


async def test_what_was_taken_out_or_changed_since_stays_and_is_told(cast: Cast) -> None:
    folder, other = await folder_with(cast, "Oud"), await folder_with(cast, "Ander")
    made_of = (
        "gaat",
        "gespaard",
        "vernieuwd",
        "verplaatst",
        "aangehouden",
        "weggegooid",
        "andere termijn",
        "teruggezet",
    )
    papers = {name: await paper(cast, folder, f"{name}.txt", book_year=2010) for name in made_of}
    await Document.update({Document.trashed_at: utcnow()}).where(Document.id == papers["teruggezet"].id)
    made = await proposal()
    item = await DestructionItem.objects().where(DestructionItem.name == "gespaard.txt").first()
    newer = await storage().put(b"nieuwe versie")

    async with engine.writing():
        await destroying.spare(made, [item.id], by=cast.anna)
        await replace(papers["vernieuwd"], NewDocument("x.txt", newer.sha256, newer.size, "text/plain"), by=cast.anna)
        await papers["verplaatst"].move(other.id, by=cast.anna)
        await papers["weggegooid"].trash(by=cast.anna)
        await (await cast.anna.documents.get(papers["teruggezet"].id)).restore(by=cast.anna)
    await Document.update({Document.book_year: 2024}).where(Document.id == papers["andere termijn"].id)
    await hold_on(cast, On(document=papers["aangehouden"].id))
    done = await carried_out(cast, made)

    said = {row["name"]: row["said"] async for row in certificate.lines_of(done) if row["state"] == "dropped"}
    assert said == {
        "vernieuwd.txt": "version", "verplaatst.txt": "moved", "aangehouden.txt": "held", "weggegooid.txt": "trashed",
        "andere termijn.txt": "term", "teruggezet.txt": "restored",
    }  # fmt: skip
    assert await names_on(done, "destroyed") == ["gaat.txt"] and await names_on(done, "spared") == ["gespaard.txt"]
    left = await Document.select(Document.name).where(Document.id.is_in([one.id for one in papers.values()]))
    assert len(left) == len(made_of) - 1


async def test_a_confirmation_asks_the_number_and_a_reason(cast: Cast) -> None:
    await paper(cast, await folder_with(cast, "Oud"), "oud.txt", book_year=2010)
    made = await proposal()

    for reason, typed, field in (("", "1", "reason"), ("Omdat", "2", "typed"), ("Omdat", "", "typed")):
        with pytest.raises(Refused) as refused:
            await destroying.confirm(made, reason, typed, by=cast.anna)
        assert refused.value.field == field
    assert made.state == "proposed"


async def test_a_certificate_cannot_be_changed_and_a_change_would_show(cast: Cast) -> None:
    await paper(cast, await folder_with(cast, "Oud"), "oud.txt", book_year=2010)
    done = await carried_out(cast, await proposal())

    for sql in (
        "UPDATE destruction SET reason = 'anders'", "DELETE FROM destruction", "UPDATE destruction_item SET name = 'anders'",
        "DELETE FROM destruction_item",
    ):  # fmt: skip
        with pytest.raises(Exception, match="verklaring"):
            await engine.raw(sql)
    if engine.is_sqlite():
        await engine.raw("DROP TRIGGER certificate_line_as_written")
    else:
        await engine.raw("ALTER TABLE destruction_item DISABLE TRIGGER ALL")
    await engine.raw("UPDATE destruction_item SET name = 'anders'")
    assert await certificate.verdict(done) is not None


async def test_the_certificate_outlives_the_client_and_the_next_one_names_it(cast: Cast) -> None:
    folder = await folder_with(cast, "Oud")
    await paper(cast, folder, "oud.txt", book_year=2010)
    first = await carried_out(cast, await proposal())
    await engine.raw("DELETE FROM destruction_item WHERE destruction <> $1", first.id)
    await paper(cast, folder, "ouder.txt", book_year=2009)
    async with engine.writing():
        await proposing.ask_for_list(cast.anna.scope(Destruction), by=cast.anna)
    asked = await Destruction.objects().where(Destruction.state == "making").first()
    await proposing.make(asked)
    second = await carried_out(cast, await Destruction.objects().where(Destruction.id == asked.id).first())

    await engine.raw("DELETE FROM client WHERE id = $1", cast.bakkerij)

    assert second.previous == first.digest
    assert [await certificate.verdict(one) for one in (first, second)] == [None, None]
    assert (
        "Bakkerij Jansen B.V."
        in (await DestructionItem.objects().where(DestructionItem.destruction == first.id).first()).client_label
    )


# the trash


async def test_emptying_leaves_what_a_term_or_a_case_keeps(cast: Cast) -> None:
    kept, free = await folder_with(cast, "Bewaard"), await folder_with(cast, "Vrij", "")
    within = await paper(cast, kept, "binnen termijn.txt", book_year=2025)
    held = await paper(cast, free, "aangehouden.txt")
    gone = await paper(cast, free, "weg.txt")
    await hold_on(cast, On(document=held.id))
    dossier = await dossier_of(cast.anna, cast.bakkerij)
    async with engine.writing():
        await kept.trash(by=cast.anna)
        await free.trash(by=cast.anna)

    assert (await trash.counted(dossier.id))[:3] == (1, 1, 1)
    count = await dossier.empty_trash(by=cast.anna)

    assert count == 1  # the folder of what is held stays with it
    left = {
        row["name"]
        for row in await Document.select(Document.name).where(Document.id.is_in([within.id, held.id, gone.id]))
    }
    assert left == {"binnen termijn.txt", "aangehouden.txt"}
    assert {row["name"] for row in (await trash_of(cast.anna, dossier.id))[0]} == {"Bewaard", "Vrij"}
    done = await Destruction.objects().where(Destruction.kind == "trash").first()
    assert (done.state, done.destroyed, await names_on(done, "destroyed")) == ("done", 1, ["weg.txt"])
    assert not await storage().exists(gone.sha256)

    with pytest.raises(Refused):
        await dossier.empty_trash("te kort", despite_term=True, by=cast.anna)
    await dossier.empty_trash("Stond bij de verkeerde cliënt", despite_term=True, by=cast.anna)
    assert not await Document.exists().where(Document.id == within.id)
    assert await Document.exists().where(Document.id == held.id)


async def test_a_full_trash_is_emptied_in_the_background_and_what_comes_back_meanwhile_stays(
    cast: Cast, monkeypatch
) -> None:
    monkeypatch.setattr(trash, "AT_HAND", 2)
    free, kept = await folder_with(cast, "Vrij", ""), await folder_with(cast, "Bewaard")
    papers = [await paper(cast, free, f"weg {n}.txt", trashed_at=utcnow()) for n in range(3)]
    within = await paper(cast, kept, "binnen termijn.txt", book_year=2025, trashed_at=utcnow())
    dossier = await dossier_of(cast.anna, cast.bakkerij)

    count = await dossier.empty_trash("Stond bij de verkeerde cliënt", despite_term=True, by=cast.anna)
    task = (await engine.raw("SELECT kind, total FROM task ORDER BY id DESC LIMIT 1"))[0]
    async with engine.writing():
        await (await cast.anna.documents.get(papers[0].id)).restore(by=cast.anna)
    running = await Destruction.objects().where(Destruction.kind == "trash").first()
    await destroying.carry_out(running)

    assert (count, task["kind"], task["total"]) == (4, "destroy_documents", 4)
    done = await Destruction.objects().where(Destruction.id == running.id).first()
    assert (done.state, done.destroyed, done.dropped) == ("done", 3, 1)
    assert await Document.exists().where(Document.id == papers[0].id)
    assert not await Document.exists().where(Document.id == within.id)
    early = await DestructionItem.objects().where(DestructionItem.document == within.id).first()
    assert (early.why, early.class_name) == ("early", "Administratie")


async def test_a_document_comes_back_with_the_folder_that_went_after_it(cast: Cast) -> None:
    top = await folder_with(cast, "Boven")
    folder = await folder_with(cast, "Onder", within=top)
    one = await paper(cast, folder, "stuk.txt")
    async with engine.writing():
        await one.trash(by=cast.anna)
        await top.trash(by=cast.anna)

    async with engine.writing():
        await trash.restore_with_folder(await cast.anna.documents.get(one.id), by=cast.anna)

    assert not await Folder.exists().where(Folder.id.is_in([top.id, folder.id]) & Folder.trashed_at.is_not_null())
    assert not (await cast.anna.documents.get(one.id)).is_trashed


async def test_nobody_is_erased_while_a_case_runs(cast: Cast) -> None:
    from models import privacy

    hold = await hold_on(cast, On(client=cast.bakkerij))
    fem = await User.objects().where(User.id == cast.fem.user.id).first()

    with pytest.raises(Refused, match="Procedure Jansen"):
        await privacy.erase(fem, fem.display_name, by=cast.anna)
    async with engine.writing():
        await lift(hold, "Klaar", by=cast.anna)
    await privacy.erase(fem, fem.display_name, by=cast.anna)


async def test_no_chore_ever_deletes_a_document(cast: Cast) -> None:
    """Everything over and done, years ago: all chores run, twice, and every document and its bytes are still there."""
    from jobs import chores
    from jobs.presence import Presence

    folder, free = await folder_with(cast, "Oud"), await folder_with(cast, "Vrij", "")
    long_ago = utcnow() - dt.timedelta(days=4000)
    papers = [
        await paper(cast, folder, f"oud {n}.txt", book_year=1995, trashed_at=long_ago if n % 2 else None)
        for n in range(4)
    ]
    papers.append(await paper(cast, free, "weg.txt", trashed_at=long_ago))
    before = await engine.raw("SELECT id FROM document ORDER BY id")
    presence = Presence()

    for _ in range(2):
        for chore, _, _ in chores.all_chores():
            await chore(presence)
    await chores.settled()
    await tidying.sweep_storage(dt.timedelta(seconds=-1))

    assert await engine.raw("SELECT id FROM document ORDER BY id") == before
    assert all([await storage().exists(one.sha256) for one in papers])
    assert len(await names_on(await Destruction.objects().where(Destruction.state == "proposed").first())) == 5
    presence.leave()


def test_the_mail_names_the_documents_in_both_languages() -> None:
    firm = SimpleNamespace(name="Kantoor", place="", brand="#1f5f4a")
    context = {
        "firm": firm,
        "person": addressee({"surname": "Wit"}),
        "count": 3,
        "names": ["balans <1>.pdf"],
        "files_url": "https://poort.example/keeping/files",
    }
    dutch, english = [mails.compose("broken_files", language, **context) for language in ("nl", "en")]

    assert "Beschadigde bestanden" in dutch.subject and "3 gevonden" in dutch.text and "balans <1>.pdf" in dutch.text
    assert "keeping/files" in dutch.text and "3 were found" in english.text
