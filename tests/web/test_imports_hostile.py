"""Every file that means harm or was made by a tired person, offered to a real server and read by a real worker: one clear
message in the reader's language, by row where it is about a row; nothing half done; memory that does not follow the file."""

from __future__ import annotations

import html
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest

from tests import hostile
from tests.cast import PASSWORD
from tests.hostile import lines
from tests.house import House, house, sizes

HOSTILE = Path(__file__).parents[1] / "data" / "hostile"
RECORDS = ("client", "users", "client_group", "access", "membership", "responsible")
SECONDS = 60  # until the worker has an answer, however busy the machine is
MEGABYTES = 220  # of the web process and of the worker, which have about 90 and 170 to begin with
GIGABYTE = 1 << 30

Write = Callable[[Path], Path]


@dataclass(frozen=True)
class Offer:
    """A file and the answer: what is said of the whole file, or of its rows by line, in Dutch and in English."""

    name: str
    write: Write | str  # a file of the hostile ones by name
    dutch: str = ""
    english: str = ""
    rows: tuple[tuple[int, str, str], ...] = ()
    comes: int = 0  # records that are new or changed in the plan

    @property
    def id(self) -> str:
        return self.name if self.write == self.name or callable(self.write) else f"{self.write} as {self.name}"


def there(name: str, *answer: Any, **more: Any) -> Offer:
    return Offer(name, name, *answer, **more)


FORMULA = "staat een formule in plaats van een waarde", "there is a formula instead of a value"
NO_SHEET = "Dit is geen rekenblad.", "This is not a spreadsheet."
EMPTY = "is leeg", "is empty"
BOMB = "een zip-bom", "a zip bomb"
ROWS = "meer dan 50.000 rijen", "more than 50,000 rows"
CLIENTS = "Cliëntnummer;Naam;Plaats;E-mail"
CONTACTS = "Cliëntnummer;Naam;Voornaam;Achternaam;E-mail contactpersoon"

# Refused as a whole: before it is stored, or by the worker.
WHOLE = (
    there("encrypted.xlsx", "beveiligd met een wachtwoord", "protected with a password"),
    there("truncated.xlsx", "beschadigd of onvolledig", "damaged or incomplete"),
    there("formulas.xlsx", "In de kopregel, B1, staat een formule", "In the heading row, B1, there is a formula"),
    there(
        "not_a_sheet.xlsx", "de inhoud is iets anders: Word-document", "the content is something else: Word document"
    ),
    there("only_bom.csv", *EMPTY),
    Offer("leeg.xlsx", "leeg.pdf", *EMPTY),
    there("script.pdf", *NO_SHEET),
    there("traversal.zip", *NO_SHEET),
    there("aangifte.pdf.html", "webpagina of SVG-tekening", "web page or SVG drawing"),
    there("script.svg", "webpagina of SVG-tekening", "web page or SVG drawing"),
    Offer("polyglot.csv", "polyglot.pdf", *NO_SHEET),
    Offer("script.csv", "script.svg", *NO_SHEET),
    Offer("traversal.xlsx", "traversal.zip", "de inhoud is iets anders", "the content is something else"),
    Offer("sheet.xlsx", lambda path: hostile.bomb(path, "worksheets/sheet1.xml", unpacked=4 * GIGABYTE), *BOMB),
    Offer("texts.xlsx", lambda path: hostile.bomb(path, "sharedStrings.xml", unpacked=4 * GIGABYTE), *BOMB),
    Offer(
        "lies.xlsx", lambda path: hostile.bomb(path, "worksheets/sheet1.xml", unpacked=4 * GIGABYTE, said=1000), *BOMB
    ),
    Offer(
        "lies_too.xlsx", lambda path: hostile.bomb(path, "sharedStrings.xml", unpacked=4 * GIGABYTE, said=1000), *BOMB
    ),
    Offer("one_text.xlsx", hostile.one_text_in_many_cells, "te groot om te lezen", "too large to read"),
    Offer("rows.xlsx", lambda path: hostile.rows_in_a_workbook(path, 1_300_000), *ROWS),
    Offer("rows.csv", lambda path: hostile.rows_in_a_text(path, 1_300_000), *ROWS),
    Offer("quote.csv", lines(CLIENTS, '1;"Jansen;Ede;', "2;Smit;Ede;"), "Op regel 2", "On row 2"),
    Offer("letter.txt", lines("Beste mensen", "Hier komt de lijst", "Groet"), "geen kopregel", "No heading row"),
    Offer(
        "list.csv", lines("Ons kenmerk;Wie;Waar", "1;Jansen;Ede"), "Kies zelf wat erin staat", "Choose what it contains"
    ),
)

# Read, with some rows refused: the others can be carried out and taken back.
BY_ROW = (
    there("dos_cp850.csv", comes=2),
    there("excel_nl_cp1252.csv", comes=2),
    there("excel_nl_utf8bom.csv", comes=2),
    there("sep_line.csv", comes=2),
    there("quoted_newline.csv", comes=1),
    there("ragged.csv", rows=((3, "Te veel: f, g, h.", "Too many: f, g, h."),), comes=2),
    there("formula_injection.csv", rows=tuple((n, *FORMULA) for n in (2, 3, 6, 7, 8, 9, 10, 11, 14)), comes=4),
    Offer(
        "numbers.csv",
        lines(CLIENTS, "90001;Een;Ede;", "90001;Twee;Ede;", "90 001;Drie;Ede;", "90002;Vier;Ede;"),
        rows=((3, "“90001” staat al op regel 2", "“90001” is already on row 2"),),
        comes=3,
    ),
    Offer(
        "addresses.csv",
        lines(
            CONTACTS,
            "90001;Een;Jan;Bos;jan@bos.example",
            "90001;Een;Jan;Bos;JAN@bos.example",
            "90002;Twee;Piet;Vos;jan@bos.example",
        ),
        rows=(
            (3, "Deze persoon staat al op regel 2, bij dezelfde cliënt.", "This person is already on row 2"),
            (4, "Dit e-mailadres staat op regel 2 bij iemand anders.", "This email address is on row 2 for somebody"),
        ),
        comes=3,
    ),
    Offer(
        "elsewhere.csv",
        lines(
            CONTACTS,
            "90001;Een;Eva;Vos;SAM@garage-smit.example",
            "90002;Twee;Sam;Smit;sam@garage-smit.example",
            "90003;Drie;Anna;Bos;anna@kantoor.example",
        ),
        rows=(
            (2, "bestaat al een gebruiker met een andere naam", "already a user"),
            (4, "een medewerker van het kantoor", "a member of the office’s staff"),
        ),
        comes=4,
    ),
    Offer(
        "long.csv",
        lines(
            CLIENTS,
            f"90001;{'x' * 500};Ede;",
            "90002;Kort;Ede;",
            f"{'9' * 500};Ver;Ede;",
            f"90003;A;Ede;{'a' * 500}@b.nl",
        ),
        rows=(
            (2, "500 tekens", "500 characters"),
            (4, "500 tekens", "500 characters"),
            (5, "geen e-mailadres", "not an email"),
        ),
        comes=1,
    ),
    Offer(
        "strange.csv",
        lines(
            CLIENTS,
            "90001;Bakkerij 🥐👩‍👩‍👧 Jansen;Ede;",
            '90002;שלום בע"מ;Ede;',
            "90003;Jan\u202esen;Ede;",
            "90004;A\x07B\x1b[31m\x00C;Ede;",
            "90005;\u202e\u200b;Ede;",
            "90006;<script>alert(1)</script>;Ede;",
        ),
        rows=((6, "Naam ontbreekt.", "Name is missing."),),
        comes=5,
    ),
)


class Office:
    """Anna at her desk in an installation of its own, and what its database holds."""

    def __init__(self, home: House) -> None:
        self.home = home
        self.anna = httpx2.Client(base_url=home.url, headers={"Origin": home.url}, timeout=60)
        self.anna.post("/sign-in", data={"email": "anna@kantoor.example", "password": PASSWORD})

    def ask(self, sql: str) -> Any:
        url = self.home.environment.get("DATABASE_URL")
        base = psycopg.connect(url) if url else sqlite3.connect(self.home.var / "poort.db", timeout=10)
        with closing(base):
            return base.execute(sql).fetchall()

    def records(self) -> list[Any]:
        """How many there are of each sort, and what stands of every client."""
        counts = ", ".join(f"(SELECT count(*) FROM {table})" for table in RECORDS)
        clients = "SELECT number, name, city, email, search_key FROM client ORDER BY id"
        return [*self.ask(f"SELECT {counts}"), *self.ask(clients)]

    def speaks(self, language: str) -> None:
        self.anna.post("/account/preferences", data={"language": language, "theme": "", "digest": "daily"})

    def offer(self, path: Path, name: str) -> httpx2.Response:
        with path.open("rb") as file:
            return self.anna.post("/imports", files={"file": (name, file)})

    def settled(self, number: int) -> str:
        """The state in which the worker leaves the import."""
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            state = self.ask(f"SELECT state FROM import_batch WHERE id = {number}")[0][0]
            if state not in ("planning", "committing", "undoing"):
                return str(state)
            time.sleep(0.02)
        raise AssertionError("it hangs")

    def megabytes(self) -> dict[str, int]:
        """What web and worker had at most."""
        said = {n: Path(f"/proc/{p.pid}/status").read_text() for n, p in self.home.processes.items()}
        return {name: int(re.search(r"VmHWM:\s+(\d+)", text)[1]) // 1024 for name, text in said.items()}


@pytest.fixture(scope="module", params=sizes())
def office(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with house(request.param, tmp_path_factory.mktemp("house")) as home:
        home.run("models", "seed", "--clients", "5", "--bare", "--password", PASSWORD)
        yield Office(home)


@pytest.fixture
def file(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Offer, Path]:
    offer: Offer = request.param
    return offer, HOSTILE / offer.write if isinstance(offer.write, str) else offer.write(tmp_path / offer.name)


@pytest.mark.parametrize("file", WHOLE, ids=lambda offer: offer.id, indirect=True)
def test_a_file_of_which_nothing_can_come_is_refused_in_one_sentence(office: Office, file: tuple[Offer, Path]):
    offer, path = file
    before = office.records()

    reply = office.offer(path, offer.name)
    for language, words in (("nl", offer.dutch), ("en", offer.english)):
        office.speaks(language)
        if reply.status_code == 303:
            number = int(reply.headers["location"].rsplit("/", 1)[1])
            assert office.settled(number) in ("failed", "uploaded")
            shown = office.anna.get(reply.headers["location"])
            assert shown.status_code == 200 and "Dit plan uitvoeren" not in shown.text
        else:
            shown = office.offer(path, offer.name)
            assert shown.status_code == 422
        said = [html.unescape(text) for text in re.findall(r"<p data-error>(.*?)</p>", shown.text, re.S)]
        assert len(said) == 1 and words in said[0]
    office.speaks("nl")

    assert office.records() == before
    assert max(office.megabytes().values()) < MEGABYTES, office.megabytes()


@pytest.mark.parametrize("file", BY_ROW, ids=lambda offer: offer.id, indirect=True)
def test_what_is_wrong_is_told_by_row_and_the_rest_comes_in_and_goes_again(office: Office, file: tuple[Offer, Path]):
    offer, path = file
    before = office.records()

    number = int(office.offer(path, offer.name).headers["location"].rsplit("/", 1)[1])
    assert office.settled(number) == "planned"
    for language, at in (("nl", 1), ("en", 2)):
        office.speaks(language)
        refused = _rows(office.anna.get(f"/imports/{number}?tab=refused").text)
        assert [line for line, _ in refused] == [row[0] for row in offer.rows]
        for (_, said), row in zip(refused, offer.rows, strict=True):
            assert row[at] in said
    office.speaks("nl")
    new, changed = (len(_rows(office.anna.get(f"/imports/{number}?tab={tab}").text)) for tab in ("new", "changed"))
    assert new + changed == offer.comes
    assert office.records() == before

    plan_hash = office.ask(f"SELECT plan_hash FROM import_batch WHERE id = {number}")[0][0]
    office.anna.post(f"/imports/{number}/commit", data={"plan_hash": plan_hash})
    assert office.settled(number) == "committed"
    made = office.ask(
        f"SELECT (SELECT count(*) FROM client WHERE imported = {number}) + (SELECT count(*) FROM users WHERE imported = {number})"
    )[0][0]
    assert made == new and office.records() != before
    clients = office.anna.get("/clients", params={"sort": "-number"}).text
    assert "<script>alert" not in clients and not re.search("[\x00-\x08\x0b-\x1f\u202e]", clients)
    office.anna.post(f"/imports/{number}/undo")
    assert office.settled(number) == "undone"
    assert office.records() == before


def _rows(page: str) -> list[tuple[int, str]]:
    """Line and words of each row that is shown."""
    found = re.findall(r'<tr><td class="number"[^>]*>(\d+)</td>(.*?)</tr>', page, re.S)
    return [(int(line), " ".join(html.unescape(re.sub(r"<[^>]+>", " ", cells)).split())) for line, cells in found]
