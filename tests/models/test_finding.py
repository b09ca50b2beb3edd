"""Documents are found by what is written on them and in them, however it is typed, and never by who may not see them."""

from __future__ import annotations

import datetime as dt
from random import Random
from typing import Any

import pytest

from models import engine, texts
from models.clients.sectors import Sector, add_sector
from models.core import fold
from models.dossiers import NOW, Document, Folder, NewDocument, Publish
from models.dossiers.publishing import describe
from models.dossiers.structures import add_structure
from models.finding import Answer, Filter, find_documents, find_folders
from models.storage import storage
from models.texts.words import words_of
from tests.cast import as_viewer
from tests.models.test_folder_rights import FEM, random_documents, random_dossier, random_rights


async def keep_up() -> None:
    """What the worker does within seconds."""
    while await texts.keep_up() or await texts.read_next():
        pass


async def folder_of_client(client: int, kind: str = "office") -> Folder:
    found = await Folder.objects().where((Folder.client == client) & (Folder.kind == kind)).first()
    assert found is not None
    return found


async def put(by: Any, folder: Folder, name: str, text: str = "", publish: Publish = NOW) -> Document:
    stored = await storage().put((text or name).encode())
    file = NewDocument(name, stored.sha256, stored.size, "text/plain" if text else "application/octet-stream")
    return (await folder.add_documents([file], publish, by=by))[0]


def names(answer: Answer) -> list[str]:
    return ["".join(piece.text for piece in hit.name) for hit in answer.hits]


@pytest.mark.parametrize(
    "typed",
    ["jaarrekeningen", "jaarrekening", "jaarr", "JAARREK 2023", "2023", "müller", "Muller jaarrekening", "Mu\u0308ller", '"2023 muller"'],
)  # fmt: skip
async def test_a_name_is_found_at_once_however_it_is_typed(cast, typed):
    folder = await folder_of_client(cast.bakkerij)
    await put(cast.anna, folder, "Jaarrekening_2023-Müller.pdf")
    await put(cast.anna, folder, "Jaarrekeningen 2023 Muller.pdf")
    if typed == "jaarrekeningen":
        await keep_up()  # other forms of a word are learnt by the worker

    found = names(await find_documents(cast.anna, typed))

    assert "Jaarrekeningen 2023 Muller.pdf" in found
    assert "Jaarrekening_2023-Müller.pdf" in found


@pytest.mark.parametrize(
    "typed, there", [("belasting", "belastingen"), ("belastingen", "belasting"), ("facturen", "factuur"), ("factuur", "facturen"), ("brieven", "brief"), ("polissen", "polis"), ("bedrijf", "bedrijven")]
)  # fmt: skip
async def test_words_in_the_text_are_found_in_other_forms(cast, typed, there):
    await put(cast.anna, await folder_of_client(cast.bakkerij), "zonder naam.txt", f"hierin staat {there} en meer")
    await keep_up()

    answer = await find_documents(cast.anna, typed)

    hit = next(hit for hit in answer.hits if hit.row["name"] == "zonder naam.txt")
    assert [piece.text for piece in hit.snippet if piece.is_hit] == [there]
    assert hit.is_read


async def test_labels_kinds_and_notes_are_found_and_follow_their_changes(cast):
    document = await put(cast.anna, await folder_of_client(cast.bakkerij), "x1.bin")
    kind = (await engine.raw("SELECT id FROM document_kind ORDER BY id LIMIT 1"))[0]["id"]
    await describe(document, kind, 2024, "", "Zonnewijzer, Één", "Let op de ünieke opmerking", None, by=cast.anna)
    await engine.raw("UPDATE document_kind SET name = 'Kwispelstaart', name_key = 'kwispelstaart' WHERE id = $1", kind)

    for typed in ("zonnewijzer", "een zonne", "unieke opmerking", "kwispel", "kwispel zonnewijzer x1"):
        assert names(await find_documents(cast.anna, typed)) == ["x1.bin"], typed

    await describe(document, None, None, "", "", "", None, by=cast.anna)
    for typed in ("zonnewijzer", "unieke opmerking", "kwispelstaart"):
        assert names(await find_documents(cast.anna, typed)) == [], typed


async def test_a_word_may_stand_in_the_name_and_another_in_the_text(cast):
    await put(cast.anna, await folder_of_client(cast.bakkerij), "Polis brandweer.txt", "dekking tot een miljoen")
    await put(cast.anna, await folder_of_client(cast.garage), "Polis.txt", "dekking van niets")
    await keep_up()

    assert names(await find_documents(cast.anna, "polis miljoen")) == ["Polis brandweer.txt"]
    assert names(await find_documents(cast.anna, '"een miljoen"')) == ["Polis brandweer.txt"]
    assert names(await find_documents(cast.anna, '"miljoen een"')) == []


async def test_the_name_of_a_client_finds_his_papers(cast):
    await put(cast.anna, await folder_of_client(cast.bakkerij), "Knipoog.pdf")
    await put(cast.anna, await folder_of_client(cast.garage), "Knipoog.pdf")

    found = await find_documents(cast.anna, "knipoog garage")

    assert [hit.row["client"] for hit in found.hits] == [cast.garage]
    assert len((await find_documents(cast.anna, "knipoog")).hits) == 2


async def test_names_come_before_texts_and_the_newest_first(cast):
    folder = await folder_of_client(cast.bakkerij)
    for name, text in (
        ("oud kikker.txt", "a"),
        ("ander.txt", "de kikker kwaakt"),
        ("nieuw kikker.txt", "b"),
        ("kikker.txt", "c"),
    ):
        await put(cast.anna, folder, name, text)
    await engine.raw(
        "UPDATE document SET uploaded_at = $1 WHERE name = 'kikker.txt'", dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    )
    await keep_up()

    assert names(await find_documents(cast.anna, "kikker")) == [
        "kikker.txt",
        "nieuw kikker.txt",
        "oud kikker.txt",
        "ander.txt",
    ]


@pytest.mark.parametrize("typed", ["kroonlcuhter", "kronluchter", "kroonluchte", "kroonluchterr", "luchter"])
async def test_a_slip_and_a_part_of_a_word_are_understood(cast, typed):
    await put(cast.anna, await folder_of_client(cast.bakkerij), "Kroonluchter.pdf")
    await keep_up()

    assert names(await find_documents(cast.anna, typed)) == ["Kroonluchter.pdf"]


async def test_what_was_meant_is_told_only_of_what_one_sees(cast):
    await put(cast.anna, await folder_of_client(cast.bakkerij, "internal"), "Zwartwaterzaak.pdf", "reorganisatiegeheim")
    await keep_up()

    hers, his = await find_documents(cast.anna, "zwartwatrezaak"), await find_documents(cast.rik, "zwartwatrezaak")

    assert (hers.meant, hers.is_near) == (("zwartwaterzaak",), True)
    assert his == Answer()
    assert await find_documents(cast.rik, "reorganisatiegehiem") == Answer()


async def test_drafts_trash_and_others_own_uploads_stay_hidden(cast):
    folder = await folder_of_client(cast.bakkerij)
    upload = await folder_of_client(cast.bakkerij, "upload")
    await upload.set_up(True, None, None, by=cast.anna)
    await put(cast.anna, folder, "olifant klad.txt", "slurf", Publish(draft=True))
    gone = await put(cast.anna, folder, "olifant weg.txt", "slurf en oren")
    await gone.trash(by=cast.anna)
    await put(cast.rik, upload, "olifant van rik.txt", "slurf van rik")
    await put(cast.anna, folder, "olifant.txt", "slurf slurf")
    await keep_up()
    rik, other = await as_viewer("rik@bakkerij-jansen.example"), await as_viewer(FEM)

    for typed in ("olifant", "slurf"):
        assert sorted(names(await find_documents(cast.anna, typed))) == [
            "olifant klad.txt",
            "olifant van rik.txt",
            "olifant.txt",
        ]
        assert sorted(names(await find_documents(rik, typed))) == ["olifant van rik.txt", "olifant.txt"]
        assert names(await find_documents(other, typed)) == []


async def test_restricted_staff_finds_his_own_and_asks_as_often(cast):
    for client in cast.clients.values():
        if folder := await Folder.objects().where((Folder.client == client) & (Folder.kind == "office")).first():
            await put(cast.anna, folder, f"Zeemeeuw {client}.txt", f"albatros nummer {client}")
    await keep_up()
    mine = {row["client"] for row in await engine.raw("SELECT client FROM reach WHERE person = $1", cast.ed.user.id)}

    for typed in ("zeemeeuw", "albatros", "albatros nummer"):
        asked = []
        for viewer in (cast.anna, cast.ed):
            with engine.count_queries() as counter:
                answer = await find_documents(viewer, typed)
            asked.append(counter.n)
        assert {hit.row["client"] for hit in answer.hits} <= mine and answer.hits
        assert {one.value for one in answer.facets["clients"]} <= mine
        assert sum(one.documents for one in answer.facets["clients"]) == answer.total
        assert asked[0] == asked[1] <= 7


QUESTIONS = ["stuk", "stuk 1", "alfa", "beta alfa", '"alfa beta"', "gamma", "alf", "betas", "stuk gamma"]


@pytest.mark.parametrize("seed", range(8))
async def test_what_is_found_is_what_reading_everything_one_may_see_finds(cast, seed):
    """Rights x search: the same as asking each visible document itself, whatever was opened to whom."""
    chance = Random(seed)
    folders = await random_dossier(cast, chance)
    documents = await random_documents(cast, chance, folders)
    contents = {}
    for id in documents:
        words = " ".join(chance.choice(["alfa", "beta", "gamma", "delta"]) for _ in range(4))
        stored = await storage().put(words.encode())
        contents[id] = words
        await engine.raw("UPDATE document SET sha256 = $1, size = 1 WHERE id = $2", stored.sha256, id)
    await keep_up()
    for _ in range(2):
        await random_rights(cast, chance, folders)
        for viewer in (cast.anna, cast.ed, cast.rik, await as_viewer(FEM)):
            seen = {row.id: row for row in await viewer.documents.all() if row.id in documents and not row.is_trashed}
            if viewer.is_staff:
                seen = {id: row for id, row in seen.items() if not folders[documents[id]["folder"]]["gone"]}
            for question in QUESTIONS:
                answer = await find_documents(viewer, question, Filter(client=cast.bakkerij), size=1000)
                naive = {id for id, row in seen.items() if _holds(question, f"{row.name} | {contents[id]}")}
                assert {hit.id for hit in answer.hits} == naive, (question, viewer.user.email)
                assert answer.total == len(naive) == sum(one.documents for one in answer.facets.get("sources", []))
            folder_ids = {row["id"] for row in await find_folders(viewer, "een btw", 1000)} | {
                row["id"] for row in await find_folders(viewer, "loon", 1000)
            }
            readable = {row["id"] for row in await engine.raw(f"SELECT id FROM folder WHERE client = {cast.bakkerij}")}
            mine = {row["id"] for row in await viewer.scope(Folder).where(Folder.readable_by(viewer)).select(Folder.id)}
            assert folder_ids & readable <= mine


def _holds(question: str, text: str) -> bool:
    words = words_of(text)
    if question.startswith('"'):
        return fold(question.strip('"')) in " ".join(words)
    return all(any(word.startswith(one) or word == one.rstrip("s") for word in words) for one in question.split())


async def test_filters_narrow_and_facets_count_what_is_left(cast):
    folder = await folder_of_client(cast.bakkerij)
    other = await folder_of_client(cast.garage)
    kind = (await engine.raw("SELECT id, name FROM document_kind ORDER BY id LIMIT 1"))[0]
    for number in range(5):
        document = await put(cast.anna, folder, f"walvis {number}.pdf")
        await describe(
            document,
            kind["id"] if number < 2 else None,
            2020 + number,
            "",
            "Spoed" if number else "",
            "",
            None,
            by=cast.anna,
        )
    await put(cast.anna, other, "walvis.pdf", publish=Publish(draft=True))

    async def found(**filter: Any) -> int:
        return (await find_documents(cast.anna, "walvis", Filter(**filter))).total

    assert await found() == 6
    assert await found(client=cast.bakkerij) == 5
    assert await found(folder=folder.id) == 5
    assert await found(dossier=other.dossier) == 1
    assert await found(kind=kind["id"]) == 2
    assert await found(year=2021) == 1
    assert await found(label="SPOED") == 4
    assert await found(label="spo%") == 0
    assert await found(state="draft") == 1
    assert await found(source="client") == 0
    today = dt.datetime.now(dt.UTC).date()
    assert await found(since=today, until=today) == 6
    assert await found(until=today - dt.timedelta(days=1)) == 0
    facets = (await find_documents(cast.anna, "walvis")).facets
    assert {(one.name, one.documents) for one in facets["kinds"]} == {(kind["name"], 2)}
    assert [one.value for one in facets["years"]] == [2024, 2023, 2022, 2021, 2020]
    assert {(one.value, one.documents) for one in facets["clients"]} == {(cast.bakkerij, 5), (cast.garage, 1)}


@pytest.mark.parametrize(
    "typed",
    ['a"b', "foo AND", "NEAR(x y)", "NEAR", "-a", "*", "a*", "^a", "words:x", "{words}:x", "(", ")", "'; --", "%%", "__", "!", "\\",
     "x" * 10_000, "a " * 5_000, '"' * 999, "\x00x\x00y", "🦭🦭", "ﬁets ½", "a:*", "a & b | !c", "<->", "~1", "'~1'", "$1", "{0} {}", "e\u0301" * 300],
)  # fmt: skip
async def test_no_question_breaks_the_language_of_the_database(cast, typed):
    for viewer in (cast.anna, cast.rik):
        for filter in (Filter(), Filter(client=cast.bakkerij, label=typed[:50])):
            answer = await find_documents(viewer, typed, filter)
            assert answer.total >= 0
        assert await find_folders(viewer, typed, 5) is not None


async def test_a_hostile_text_is_only_letters(cast):
    text = "voor <script>alert(1)</script> krokodil &amp; <b>na</b>"
    await put(cast.anna, await folder_of_client(cast.bakkerij), "x.txt", text)
    await keep_up()

    hit = (await find_documents(cast.anna, "krokodil script")).hits[0]

    assert "".join(piece.text for piece in hit.snippet) == text
    assert [piece.text for piece in hit.snippet if piece.is_hit] == ["script", "script", "krokodil"]


async def test_nothing_is_left_of_what_was_destroyed_renamed_or_replaced(cast):
    folder = await folder_of_client(cast.bakkerij)
    first = await put(cast.anna, folder, "Struisvogel.txt", "veer en ei unicum")
    twin = await put(cast.anna, await folder_of_client(cast.garage), "Tweeling.txt", "veer en ei unicum")
    await keep_up()
    assert len((await find_documents(cast.anna, "unicum")).hits) == 2
    assert (await engine.raw("SELECT count(*) AS n FROM document_text WHERE sha256 = $1", first.sha256))[0]["n"] == 1

    await first.rename("Emoe.txt", by=cast.anna)
    assert names(await find_documents(cast.anna, "emoe")) == ["Emoe.txt"]
    await keep_up()
    assert names(await find_documents(cast.anna, "struisvogel")) == []
    await Document.delete().where(Document.id == first.id)
    assert names(await find_documents(cast.anna, "unicum")) == ["Tweeling.txt"]
    await Document.delete().where(Document.id == twin.id)

    assert names(await find_documents(cast.anna, "unicum")) == []
    assert await engine.raw("SELECT 1 AS one FROM document_text WHERE sha256 = $1", first.sha256) == []
    await keep_up()
    for _ in range(3):
        await texts.forget_words()
    assert await engine.raw("SELECT word FROM search_word WHERE word IN ('struisvogel', 'unicum', 'emoe')") == []
    assert await engine.raw("SELECT word FROM search_word WHERE word = 'pdf'") != []


async def test_a_moved_client_takes_his_papers_along(cast):
    """Merging two clients, and moving to another dossier: found under the new one, also by its text."""
    document = await put(cast.anna, await folder_of_client(cast.bakkerij), "Pelikaan.txt", "snavelzak")
    await keep_up()
    other = await folder_of_client(cast.garage)
    await engine.raw("UPDATE document SET client = $1, folder = $2 WHERE id = $3", cast.garage, other.id, document.id)
    await keep_up()

    for typed in ("pelikaan", "snavelzak"):
        assert names(await find_documents(cast.sam, typed)) == ["Pelikaan.txt"]
        assert names(await find_documents(cast.rik, typed)) == []
        assert names(await find_documents(cast.anna, typed, Filter(client=cast.bakkerij))) == []


async def test_a_document_that_waits_to_be_read_says_so(cast):
    await put(cast.anna, await folder_of_client(cast.bakkerij), "Dromedaris.txt", "bult")

    before = await find_documents(cast.anna, "dromedaris")
    await keep_up()
    after = await find_documents(cast.anna, "dromedaris")

    assert (before.hits[0].is_read, before.waiting) == (None, True)
    assert (after.hits[0].is_read, after.waiting) == (True, False)


async def test_a_client_finds_what_is_published_for_his_sector_and_others_do_not(cast):
    sector = await add_sector(cast.anna.scope(Sector), name="Bakkers", by=cast.anna)
    await engine.raw("INSERT INTO client_sector (client, sector) VALUES ($1, $2)", cast.bakkerij, sector.id)
    dossier = await add_structure("general", "Brancheberichten", by=cast.anna)
    folder = await dossier.add_folder("Nieuws", by=cast.anna)
    await dossier.publish("sector", sectors=[sector.id], by=cast.anna)
    await put(cast.anna, folder, "kwartelkoning.txt")
    await keep_up()

    mine = names(await find_documents(await as_viewer("rik@bakkerij-jansen.example"), "kwartelkoning"))
    theirs = names(await find_documents(await as_viewer("sam@garage-smit.example"), "kwartelkoning"))

    assert (mine, theirs) == (["kwartelkoning.txt"], [])
