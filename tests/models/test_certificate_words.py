"""What a certificate says: in words that a lawyer reads, of whom and what is true, whatever was typed and however long it is."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from models import config, engine
from models import storage as stores
from models.approvals import offer, record_on_paper, sign_off
from models.approvals.ending import replace_by
from models.approvals.granting import give_mandate
from models.approvals.offering import send_back
from models.approvals.records import ApprovalRequest
from models.certifying import checking, completing, evidence, filing, paper
from models.certifying.facts import Facts, facts_of
from tests import certifying as papers
from tests.approving import draft, main_parts, now, offered, part, person, plan, says_no, says_yes, step
from tests.cast import Cast
from tests.models.test_certifying import pdfsig, words_of


@pytest.fixture(autouse=True)
async def kept(cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    monkeypatch.setenv("STORAGE_URL", f"file://{tmp_path}/files")
    config.reset()
    stores.reset()
    await papers.with_certificate()
    await engine.raw("UPDATE client SET is_sample = $2 WHERE id = $1", cast.bakkerij, False)
    yield
    monkeypatch.undo()
    config.reset()
    stores.reset()


def drawn(facts: Facts) -> str:
    return words_of(paper.draw(facts, fingerprint="ab"))


def squeezed(text: str) -> str:
    return "".join(text.split())


async def text_of(request: ApprovalRequest) -> str:
    return drawn(await facts_of(request.id))


# who approved


async def test_what_was_sealed_and_then_replaced_is_told_as_approved_and_replaced(cast: Cast) -> None:
    made = await papers.approved(cast)
    await completing.seal_due()
    newer = await draft(cast, kind=made.request.kind, book_year=2026, period="k1")
    eva = await person(cast.bakkerij, "Eva")
    await plan(cast.bakkerij, step(eva))
    await replace_by(await made.again(), newer, by=cast.anna)

    seal = await completing.newest(made.request.id)
    assert seal is not None
    for sha256 in (papers.sha(made.contents[0]), seal.digest):
        (found,) = await checking.look_up(sha256)
        assert [one.name for one in found.approvals] == [cast.rik.user.full_name]
        assert (found.ended, found.ended_at is not None) == ("replaced", True)
    assert (await made.again()).state == "replaced"
    assert len((await facts_of(made.request.id)).approvals) == 1


async def test_who_has_two_places_is_named_for_both(cast: Cast) -> None:
    eva, bob = await person(cast.bakkerij, "Eva"), await person(cast.bakkerij, "Bob")
    await plan(cast.bakkerij, step(eva), step(eva))
    request = await offered(cast)
    await says_yes(eva, request)
    client = await cast.anna.clients.get(cast.bakkerij)
    await give_mandate(client, eva.user.id, bob.user.id, None, None, None, by=cast.anna)
    await says_yes(bob, request, on_behalf_of=eva.user.id)

    facts = await facts_of(request.id)
    assert [(one["name"], one["behalf"]) for one in facts.approvals] == [("Eva Test", ""), ("Bob Test", "Eva Test")]
    assert "namensEvaTest" in drawn(facts)
    (main,) = await main_parts(request)
    (found,) = await checking.look_up(main.sha256)
    assert [(one.name, one.behalf) for one in found.approvals] == [("Eva Test", ""), ("Bob Test", "Eva Test")]


async def test_who_refused_one_of_two_parts_approved_nothing(cast: Cast) -> None:
    eva = await person(cast.bakkerij, "Eva")
    await plan(cast.bakkerij, step(eva))
    request = await offered(cast, None, part("a.pdf"), part("b.pdf"))
    await says_no(eva, request)
    assert (await facts_of(request.id)).approvals == []


# on paper


async def test_of_a_signature_on_paper_only_what_is_true_is_said(cast: Cast) -> None:
    made = await papers.offered(cast)
    scan = papers.pdf("getekend")
    await record_on_paper(
        made.request, [part("scan.pdf", sha256=papers.sha(scan))], "Rik Jansen", dt.date(2026, 11, 30), by=cast.anna
    )
    facts = await facts_of(made.request.id)
    text = drawn(facts)

    assert "wasaangemeld" not in text
    assert "bewees" not in text and "preciesdebytes" not in text
    assert "getekendop30november2026" in text
    at = paper.moment(facts.approvals[0]["at"])
    assert squeezed(f"vastgelegd op {at} door {cast.anna.user.full_name}") in text
    assert "2026-11-30" not in text
    (found,) = await checking.look_up(papers.sha(scan))
    assert [(one.name, one.signed_on) for one in found.approvals] == [("Rik Jansen", dt.date(2026, 11, 30))]


# in words


async def test_no_key_of_ours_stands_in_it(cast: Cast) -> None:
    eva = await person(cast.bakkerij, "Eva")
    await plan(cast.bakkerij, step(eva))
    request = await offered(cast, None, part("btw.pdf"), period="m11")
    await says_yes(eva, request)

    text = await text_of(request)

    for key in ("kind:", "period:", "statement_en", "proved_at", "step:", "version:", "file:", "pin,pin", "zijnpin"):
        assert key not in text, key
    assert "Periode:november2026" in text and "Bestand:btw.pdf" in text
    await engine.raw("UPDATE client SET language = 'en' WHERE id = $1", cast.bakkerij)
    english = await text_of(request)
    assert "Bestand:btw.pdf/File:btw.pdf" in english
    assert "Periode:november2026/Period:November2026" in english and "/Kind:VATreturn" in english


async def test_what_the_office_says_to_itself_stays_in_the_office(cast: Cast) -> None:
    eva = await person(cast.bakkerij, "Eva")
    await plan(cast.bakkerij, step(eva))
    await engine.raw("UPDATE approval_kind SET needs_sign_off = $1", True)
    request = await draft(cast, by=cast.ed)
    await offer(request, by=cast.ed)
    await send_back(await now(request), "Klant is een wanbetaler, eerst bellen", by=cast.anna)
    assert (await now(request)).reason.startswith("Klant is een wanbetaler")
    kept = await engine.raw("SELECT detail FROM trail WHERE operation = 'ApprovalRequest.sent_back'")
    assert "wanbetaler" in kept[0]["detail"]
    await offer(await now(request), by=cast.ed)
    await sign_off(await now(request), by=cast.anna)
    await says_yes(eva, request)

    assert "wanbetaler" not in await text_of(request)
    _, entries = evidence.evidence_of(await evidence.read(request.id))
    assert not any("wanbetaler" in entry.text for entry in entries)
    facts = await facts_of(request.id)  # and of what was recorded before today the certificate does not tell it
    old = [act | ({"detail": json.dumps({"reason": "wanbetaler"})} if act["act"] == "sent_back" else {}) for act in facts.acts]  # fmt: skip
    assert "wanbetaler" not in drawn(dataclasses.replace(facts, acts=old))


async def test_a_sign_that_the_typeface_lacks_is_shown_and_told(cast: Cast) -> None:
    made = await papers.approved(cast, statement="Ik geef akkoord 😀 op 中文", name="Q4 😀.pdf")

    text = await text_of(made.request)

    assert "Ikgeefakkoord[U+1F600]op[U+4E2D][U+6587]" in text
    assert "Q4[U+1F600].pdf" in text
    assert "hetnummervanhettekeninUnicode" in text
    assert "Unicode" not in await text_of((await papers.approved(cast, "gewoon", name="é € ’.pdf")).request)


async def test_names_of_files_have_no_codes_and_are_not_cut_at_a_slash() -> None:
    named = [
        filing.certificate_name(
            {"title": title, "kind_name": "Overig", "book_year": 2026, "period": period, "year_end": 12}
        )
        for title, period in (("Aangifte IB/PVV 2025 t/m 2026", "k3"), ("", "m11"), ("Winst < 0?", ""), ("</b>", "k4"))
    ]
    assert named == [
        "Akkoordverklaring Aangifte IB-PVV 2025 t-m 2026 3e kwartaal 2026.pdf",
        "Akkoordverklaring Overig november 2026.pdf",
        "Akkoordverklaring Winst - 0 2026.pdf",
        "Akkoordverklaring b 4e kwartaal 2026.pdf",
    ]


# however long


async def test_thousands_of_pages_looked_at_are_some_lines_and_seconds(cast: Cast) -> None:
    made = await papers.approved(cast)
    facts = await facts_of(made.request.id)
    opened = next(act for act in facts.acts if act["act"] == "opened")

    def seen(number: int, page: int, person: int) -> dict:
        return opened | {"act": "page_seen", "number": number, "person": person, "document": 1, "detail": json.dumps({"page": page, "file": "jaar.pdf"})}  # fmt: skip

    pages = [seen(100 + at, at // 2 + 1 + (at // 1000), 7 + at % 2) for at in range(4000)]
    began = time.perf_counter()
    text = drawn(dataclasses.replace(facts, acts=[*facts.acts, *pages]))

    assert time.perf_counter() - began < 10
    assert text.count("Paginabekeken") == 2
    assert "jaar.pdf:pagina’s1-500,502-1001,1003-1502,1504-2003bekeken" in text
    apart = [seen(100 + 2 * at, at, 7) for at in range(1, 400)]
    mixed = [one for page in apart for one in (page, opened | {"number": page["number"] + 1})]
    began = time.perf_counter()
    assert drawn(dataclasses.replace(facts, acts=[*facts.acts, *mixed])).count("Paginabekeken") == 399
    assert time.perf_counter() - began < 10


async def test_words_longer_than_a_page_flow_on(cast: Cast) -> None:
    made = await papers.approved(cast)
    facts = await facts_of(made.request.id)
    long = {"statement": "woord " * 4000, "detail": json.dumps({"text": "letter" * 3000, "reason": "reden " * 900})}

    text = drawn(dataclasses.replace(facts, acts=[act | (long if act["act"] == "approved" else {}) for act in facts.acts]))  # fmt: skip

    assert text.count("woord") == 4000 and text.count("letter") >= 3000 - 60 and text.count("reden") >= 900


# the seal


async def test_pdfsig_says_of_our_own_certificate_only_that_it_does_not_know_who_gave_it(
    cast: Cast, tmp_path: Path
) -> None:
    made = await papers.approved(cast)
    await completing.seal_due()
    seal = await completing.newest(made.request.id)
    assert seal is not None
    content = await stores.storage().read(seal.sha256)
    path = tmp_path / "a.pdf"
    path.write_bytes(content)
    said = subprocess.run(["pdfsig", path], capture_output=True, text=True).stdout

    assert "Signature is Valid" in pdfsig(content, tmp_path)
    assert "issuer is unknown" in said.lower() or "issuer isn't trusted" in said.lower(), said
    assert "corrupted" not in said
