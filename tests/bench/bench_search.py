"""Searching a million names and a hundred thousand texts, as an administrator and as a colleague who sees 400 of 20,000 clients.

`limit` is the database by itself, in the same run: one statement that finds the newest 500 documents by the same words, no
rights, no order but that, no snippet. At the end: writing 5,000 documents, with and without the triggers of the indexes, and
how fast files are read. On Postgres a fifth of that, so that the run stays within some minutes. Set POORT_BENCH_NAMES and POORT_BENCH_TEXTS for other sizes.
"""

from __future__ import annotations

import itertools
import os
import resource
import time
import zlib
from collections.abc import Awaitable, Callable, Iterator
from random import Random
from statistics import median, quantiles
from typing import Any

from models import engine, sample, texts
from models.finding import Filter, find_documents
from models.finding.question import asked, parsed
from models.settings import utcnow
from models.storage import storage
from models.texts.indexing import _learn
from tests import papers
from tests.cast import as_viewer
from tests.databases import Databases, begin_run, end_run, kinds

NAMES = int(os.environ.get("POORT_BENCH_NAMES", "1000000"))
TEXTS = int(os.environ.get("POORT_BENCH_TEXTS", "100000"))
CLIENTS, MINE = 20_000, 400
ROUNDS = 5
QUESTIONS = (
    ("two letters", "ja"), ("as it is typed", "jaarrek"), ("one word", "jaarrekening"), ("two words", "jaarrekening 2023"),
    ("a word of texts", "voorziening"), ("a rare word", "zeldzaamheid"), ("a phrase", '"winst en verlies"'),
    ("with a client's name", "jaarrekening vermeulen"), ("a slip", "jaarrekeinng 2021"), ("nothing", "qqqxyz"),
)  # fmt: skip
_KINDS = "Jaarrekening,Loonaangifte,Btw-aangifte,Factuur,Loonstroken januari,Huurcontract,Aanslag inkomstenbelasting,Polis,Notulen,Bankafschrift,Jaaropgave,Grootboek"
_WORDS = [
    "de",
    "het",
    "een",
    "van",
    "en",
    "in",
    "op",
    "te",
    "voor",
    "met",
    "aan",
    "dat",
    "is",
    "zijn",
    "winst",
    "verlies",
    "balans",
    "omzet",
    "kosten",
    "voorziening",
    "afschrijving",
    "belasting",
    "jaar",
    "resultaat",
    "vermogen",
    "schuld",
    "vordering",
    "debiteur",
    "crediteur",
    "loon",
    "premie",
    "aftrek",
    "btw",
    "aangifte",
    "aanslag",
    "bezwaar",
    "termijn",
    "rente",
]


async def measure() -> list[dict[str, Any]]:
    began_run, rows = begin_run(), []
    for kind in kinds():
        async with Databases().copy(kind):
            names, read = (NAMES, TEXTS) if engine.is_sqlite() else (NAMES // 5, TEXTS // 5)
            await fill(names, read)
            rows += [
                row | {"size": f"{names:,} names, {read:,} texts"}
                for row in (*await _searched(kind), *await _written(kind))
            ]
            if kind == kinds()[0]:
                rows.append(await _read())
    if began_run:
        end_run()
    return rows


async def fill(names: int = NAMES, read: int = TEXTS) -> None:
    """Clients, a folder each, the documents, and the texts of some: as the triggers and the worker leave them."""
    await sample.fill(3, 1, "geheim-wachtwoord")
    chance, now = Random(1), utcnow()
    first = (await engine.raw("SELECT max(id) AS n FROM client"))[0]["n"] + 1
    columns = ("number", "number_key", "name", "sort_key", "search_key", "state", "created_at", "is_sample", "legal_form", "kvk",
               "vat", "iban", "street", "house_number", "addition", "postcode", "city", "email", "phone", "sbi", "sector", "manager")  # fmt: skip
    surnames = [
        f"{a}{b}"
        for a in ("Ver", "Van ", "De ", "Ter ", "")
        for b in ("meulen", "hoef", "boom", "dijk", "berg", "laan", "stra", "kamp", "hout", "sloot")
    ]
    await engine.copy_rows(
        "client", columns,
        [(f"Z{n}", f"z{n:09}", f"{surnames[n % 50]} {n}", f"{n:06}", f" {surnames[n % 50].lower()} {n}", "active", now, False, *[""] * 14) for n in range(CLIENTS)],
    )  # fmt: skip
    ed = (await as_viewer("ed@kantoor.example")).user.id
    await engine.copy_rows("reach", ("person", "client"), [(ed, first + n * (CLIENTS // MINE)) for n in range(MINE)])
    await engine.copy_rows("dossier", ("kind", "client", "name", "name_key", "audience", "created_at", "is_sample"),
                           [("client", first + n, "Dossier", "dossier", "", now, False) for n in range(CLIENTS)])  # fmt: skip
    dossier = (await engine.raw("SELECT min(id) AS n FROM dossier WHERE client >= $1", first))[0]["n"]
    await engine.copy_rows("folder", ("dossier", "client", "parent", "name", "name_key", "kind", "position", "created_at"),
                           [(dossier + n, first + n, None, "Fiscaal", "fiscaal", "office", 0, now) for n in range(CLIENTS)])  # fmt: skip
    folder = (await engine.raw("SELECT min(id) AS n FROM folder WHERE client >= $1", first))[0]["n"]
    await engine.copy_rows("document", _COLUMNS, _documents(chance, names, folder, first, now))
    await _texts(chance, read)
    async with engine.writing():
        await engine.raw("DELETE FROM search_due")
    await _learn(
        [*_WORDS, *(word.lower() for word in _KINDS.replace("-", ",").replace(" ", ",").split(",")), "zeldzaamheid"]
    )
    if not engine.is_sqlite():
        await engine.analyze()


_COLUMNS = ("folder", "client", "name", "name_key", "sha256", "size", "mime", "source", "uploaded_at", "published_at", "state",
            "version", "period", "labels", "labels_key", "note", "book_year")  # fmt: skip


def _documents(chance: Random, names: int, folder: int, first: int, now: Any) -> Iterator[tuple[Any, ...]]:
    kinds_of = _KINDS.split(",")
    for n in range(names):
        at, year = chance.randrange(CLIENTS), chance.randrange(2015, 2026)
        name = f"{chance.choice(kinds_of)} {year} {chance.randrange(100_000)}.pdf"
        yield (
            folder + at,
            first + at,
            name,
            name.lower(),
            f"{n:064x}",
            1,
            "application/pdf",
            "office",
            now,
            now,
            "published",
            1,
            "",
            "",
            "",
            "",
            year,
        )


async def _texts(chance: Random, read: int) -> None:
    rows = await engine.raw(
        f"SELECT id, client, sha256, name_key FROM document WHERE client IS NOT NULL ORDER BY id DESC LIMIT {read}"
    )
    for at in range(0, len(rows), 5_000):
        some = [(row, _text(chance, row["id"])) for row in rows[at : at + 5_000]]
        await engine.copy_rows(
            "document_text", ("sha256", "state", "mime", "name", "size", "place", "tries", "pages", "body"),
            [(row["sha256"], "done", "application/pdf", "x", 1, row["id"], 1, 1, zlib.compress(text.encode(), 1)) for row, text in some],
        )  # fmt: skip
        async with engine.writing():
            if engine.is_sqlite():
                await engine.raw_many("INSERT INTO document_deep (rowid, words, body, scope) VALUES ($1, $2, $3, $4)",
                                      [(row["id"], row["name_key"], text, str(row["client"])) for row, text in some])  # fmt: skip
            else:
                await engine.raw_many(
                    "INSERT INTO document_deep (document, client, words) SELECT CAST($1 AS INTEGER), CAST(btrim(CAST($3 AS TEXT), '~''') AS INTEGER), found_words(CAST($2 AS TEXT)) || CAST(CAST($3 AS TEXT) AS TSVECTOR)",
                    [(row["id"], f"{row['name_key']} {text}", f"'~{row['client']}'") for row, text in some],
                )  # fmt: skip


def _text(chance: Random, id: int) -> str:
    words = chance.choices(_WORDS, k=120)
    if id % 10 == 0:
        words[5:8] = ["winst", "en", "verlies"]
    return " ".join(words) + (" zeldzaamheid" if id % 20_011 == 0 else "")


_BARE = {
    True: "SELECT rowid FROM {table} WHERE {table} MATCH $1 ORDER BY rowid DESC LIMIT 501",
    False: "SELECT document FROM {table} WHERE words @@ CAST($1 AS tsquery) ORDER BY document DESC LIMIT 501",
}


async def _searched(kind: str) -> list[dict[str, Any]]:
    anna, ed = await as_viewer("anna@kantoor.example"), await as_viewer("ed@kantoor.example")
    mine = (await engine.raw("SELECT client FROM reach WHERE person = $1 ORDER BY client DESC", ed.user.id))[0][
        "client"
    ]
    rows, took_all = [], {"administrator": [], "restricted": [], "one client": []}
    for job, question in QUESTIONS:
        bare = _BARE[engine.is_sqlite()]

        async def limit(question: str = question, bare: str = bare) -> None:
            for table, deep in (("document_names", False), ("document_deep", True)):
                await engine.raw(bare.format(table=table), asked(parsed(question), None, deep=deep))

        base = median(await _timed(limit))
        for who, viewer, filter in (
            ("administrator", anna, Filter()),
            ("restricted", ed, Filter()),
            ("one client", anna, Filter(client=mine)),
        ):
            took = await _timed(
                lambda viewer=viewer, question=question, filter=filter: find_documents(viewer, question, filter)
            )  # type: ignore[misc]
            took_all[who] += took
            rows.append(_row(f"search, {job}, {who} ({kind})", f"{NAMES:,} names", median(took), base))
    for who, took in took_all.items():
        rows.append({"job": f"search, 95 of 100, {who} ({kind})", "size": f"{TEXTS:,} texts", "ours": f"{quantiles(took, n=20)[-1]:.0f} ms",
                     "limit": "100 ms", "ratio": quantiles(took, n=20)[-1] / 100, "memory": _memory()})  # fmt: skip
    return rows


async def _timed(call: Callable[[], Awaitable[Any]]) -> list[float]:
    took = []
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        async with engine.reading():
            await call()
        took.append((time.perf_counter() - began) * 1000)
    return took[1:]


def _row(job: str, size: str, ours: float, limit: float) -> dict[str, Any]:
    return {
        "job": job,
        "size": size,
        "ours": f"{ours:.1f} ms",
        "limit": f"{limit:.1f} ms",
        "ratio": ours / max(limit, 0.01),
        "memory": _memory(),
    }


async def _written(kind: str) -> list[dict[str, Any]]:
    """5,000 documents put in and moved to another client: beside the same statements with the triggers off."""
    place = (await engine.raw("SELECT id, client FROM folder WHERE client IS NOT NULL ORDER BY id DESC LIMIT 1"))[0]
    other = (await engine.raw("SELECT id, client FROM folder WHERE client IS NOT NULL ORDER BY id LIMIT 1"))[0]
    numbers, took = itertools.count(10_000_000), {}
    for with_triggers in (False, True):
        if not with_triggers:
            await _triggers(on=False)
        rows = [(place["id"], place["client"], f"Nieuw {n}.pdf", f"nieuw {n}.pdf", f"{next(numbers):064x}", 1, "application/pdf", "office",
                 utcnow(), utcnow(), "published", 1, "", "", "", "", 2024) for n in range(5_000)]  # fmt: skip
        began = time.perf_counter()
        async with engine.writing():
            await engine.raw_many(
                f"INSERT INTO document ({', '.join(_COLUMNS)}) VALUES ({', '.join(f'${n}' for n in range(1, 18))})",
                rows,
            )
        put = time.perf_counter() - began
        began = time.perf_counter()
        async with engine.writing():
            await engine.raw("UPDATE document SET folder = $1, client = $2 WHERE folder = $3 AND name_key LIKE 'nieuw %'",
                             other["id"], other["client"], place["id"])  # fmt: skip
        moved = time.perf_counter() - began
        took[with_triggers] = put * 1000, moved * 1000
        if not with_triggers:
            await _triggers(on=True)
    return [
        _row(
            f"{job} 5,000 documents, limit: without the indexes ({kind})",
            f"{NAMES:,} names",
            took[True][at],
            took[False][at],
        )
        for at, job in enumerate(("put in", "move to another client"))
    ]


async def _triggers(*, on: bool) -> None:
    async with engine.writing():
        if not engine.is_sqlite():
            await engine.raw(f"ALTER TABLE document {'ENABLE' if on else 'DISABLE'} TRIGGER USER")
            return
        for name in ("document_found", "document_found_again", "document_text_left"):
            if on:
                await engine.raw(_kept.pop(name))
            else:
                _kept[name] = (await engine.raw("SELECT sql FROM sqlite_master WHERE name = $1", name))[0]["sql"]
                await engine.raw(f"DROP TRIGGER {name}")


_kept: dict[str, str] = {}


async def _read() -> dict[str, Any]:
    """Small PDFs, each in a process of its own."""
    count = 30
    files = [await storage().put(papers.pdf(*[f"bladzijde {n} van {page}" for page in range(3)])) for n in range(count)]
    async with engine.writing():
        await engine.raw_many(
            "INSERT INTO document_text (sha256, state, mime, name, size, place) VALUES ($1, 'waiting', 'application/pdf', 'x.pdf', 1, 999999999)",
            [(file.sha256,) for file in files],
        )
    began = time.perf_counter()
    for _ in range(count):
        assert await texts.read_next()
    ours = count / (time.perf_counter() - began)
    began = time.perf_counter()
    for file in files:
        import pypdfium2

        document = pypdfium2.PdfDocument(await storage().read(file.sha256))
        for page in document:
            page.get_textpage().get_text_bounded()
    limit = count / (time.perf_counter() - began)
    return {"job": "read PDFs of 3 pages, limit: in this process", "size": f"{count}", "ours": f"{ours:.1f}/s", "limit": f"{limit:.0f}/s",
            "ratio": ours / limit, "memory": _memory()}  # fmt: skip


def _memory() -> str:
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB"
