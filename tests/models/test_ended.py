"""What ended without being filed is kept as long as the office says, goes by the same list as documents, and leaves its proof."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from models import config, engine, tidying
from models.approvals import NewPart, extend, swap_part, withdraw
from models.approvals.records import ApprovalDocument, ApprovalRequest
from models.certifying.evidence import evidence_of
from models.certifying.evidence import read as read_evidence
from models.certifying.verifying import verify, verify_all
from models.core import Refused
from models.keeping import certificate
from models.keeping.holds import On, add_hold
from models.keeping.records import Hold
from models.settings import Firm
from models.storage import storage
from tests.approving import acts, draft, offered, person, says_no
from tests.cast import Cast, browser_of
from tests.certifying import pdf, unguarded
from tests.models.keeping import carried_out, names_on, proposal

LONG_AGO = dt.datetime(2015, 3, 1, 12, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def own_storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("POORT_VAR", str(tmp_path))
    config.reset()
    yield
    monkeypatch.undo()
    config.reset()


async def file(words: str, part: str = "main") -> NewPart:
    kept = await storage().put(pdf(words))
    return NewPart(f"{words}.pdf", kept.sha256, kept.size, "application/pdf", part, pages=1)


async def ended(request: ApprovalRequest, at: dt.datetime = LONG_AGO, **columns: Any) -> ApprovalRequest:
    """As if it had ended then."""
    await unguarded()
    year = columns.get("book_year", request.book_year)
    await engine.raw("UPDATE approval_request SET ended_at = $1, book_year = $3 WHERE id = $2", at, request.id, year)  # fmt: skip
    found = await ApprovalRequest.objects().get(ApprovalRequest.id == request.id)
    assert found is not None
    return found


async def withdrawn(cast: Cast, words: str, *more: NewPart, client: int | None = None) -> ApprovalRequest:
    request = await offered(cast, client, await file(words), *more, title=words, book_year=2014)
    await withdraw(request, "Toch niet", by=cast.anna)
    return request


async def blobs_of(request: ApprovalRequest) -> list[str]:
    rows = await ApprovalDocument.select(ApprovalDocument.blob).where(ApprovalDocument.request == request.id)
    return [row["blob"] for row in rows]


async def unpacked(request: ApprovalRequest, where: Path) -> dict[str, Any]:
    """The file of proof in a folder; what stands in bewijs.json."""
    _, entries = evidence_of(await read_evidence(request.id))
    for entry in entries:
        path = where / entry.path
        path.parent.mkdir(parents=True, exist_ok=True)
        if entry.text:
            path.write_text(entry.text, encoding="utf-8")
        else:
            path.write_bytes(b"".join([piece async for piece in storage().read(entry.sha256)]))
    return dict(json.loads((where / "bewijs.json").read_text(encoding="utf-8")))


async def test_what_was_refused_or_withdrawn_goes_after_its_term_and_the_proof_says_on_which_day(
    cast: Cast, tmp_path: Path
) -> None:
    bea = await person(cast.bakkerij, "Bea")
    refused = await offered(cast, None, await file("geweigerd"), title="geweigerd", book_year=2014)
    await says_no(bea, refused)
    gone = await withdrawn(cast, "ingetrokken", await file("bijlage", "attachment"))
    running = await offered(cast, None, await file("loopt"), title="loopt")
    fresh = await withdrawn(cast, "pas")
    for request in (refused, gone):
        await ended(request)
    kept = [sha for request in (refused, gone) for sha in await blobs_of(request)]
    made = await proposal()
    assert sorted(name.split()[-1] for name in await names_on(made)) == ["geweigerd", "ingetrokken"]

    done = await carried_out(cast, made)

    assert await blobs_of(refused) == [""] and await blobs_of(gone) == ["", ""]
    await tidying.sweep_storage(
        dt.timedelta(0)
    )  # they came today, long after the day on which it is said to have ended
    assert not any([await storage().exists(sha) for sha in kept])
    assert all(await blobs_of(running)) and all(await blobs_of(fresh))
    assert (await acts(gone))[-1] == "let_go" and "let_go" not in await acts(running)
    lines = [row async for row in certificate.lines_of(done)]
    assert {row["state"] for row in lines} == {"destroyed"} and await certificate.verdict(done) is None
    assert sorted(one["sha256"] for row in lines for one in json.loads(row["versions"])) == sorted(kept)
    assert (await verify(gone.id)).holds and (await verify_all()).holds
    proof = await unpacked(gone, tmp_path / "bewijs")
    today = dt.datetime.now(dt.UTC).date()
    assert {one["path"] for one in proof["documents"]} == {None}
    assert all(abs((dt.date.fromisoformat(one["let_go_on"]) - today).days) <= 1 for one in proof["documents"])
    told = (tmp_path / "bewijs" / "HOE-CONTROLEREN.txt").read_text(encoding="utf-8")
    assert f"ingetrokken.pdf (op {proof['documents'][0]['let_go_on']})" in told
    script = [sys.executable, "-I", str(tmp_path / "bewijs" / "controleer.py")]
    checked = subprocess.run(script, capture_output=True, text=True, check=False)
    assert checked.returncode == 0 and "vernietigd / destroyed" in checked.stdout


async def test_a_term_counts_from_the_end_of_the_book_year_and_as_long_as_the_office_says(cast: Cast) -> None:
    early, later = await withdrawn(cast, "vroeg"), await withdrawn(cast, "laat")
    year = dt.datetime.now(dt.UTC).year
    eight_ago = dt.datetime(year - 8, 3, 1, tzinfo=dt.UTC)
    await ended(early, eight_ago, book_year=year - 9)
    await ended(later, eight_ago, book_year=year - 7)  # withdrawn before the year of which it was had ended

    assert [name.split()[-1] for name in await names_on(await proposal())] == ["vroeg"]
    await Firm.update({Firm.approval_months: 120}, force=True)
    assert await names_on(await proposal()) == []
    await Firm.update({Firm.approval_months: 12}, force=True)
    assert len(await names_on(await proposal())) == 2


async def test_a_hold_on_the_client_keeps_it_and_what_is_opened_again_meanwhile_stays(cast: Cast) -> None:
    held = await withdrawn(cast, "vast", client=cast.garage)
    late = await offered(cast, None, await file("verlopen"), title="verlopen", book_year=2014)
    await engine.raw("UPDATE approval_request SET state = 'expired' WHERE id = $1", late.id)
    late = await ended(late)
    await ended(held)
    async with engine.writing():
        on = On(client=cast.garage)
        await add_hold(cast.anna.scope(Hold), "Zaak", "Hoger beroep", dt.date(2026, 1, 1), None, on, by=cast.anna)
    made = await proposal()
    assert [name.split()[-1] for name in await names_on(made)] == ["verlopen"]
    await engine.run_writing(lambda: extend(late, None, dt.date(2030, 1, 1), by=cast.anna))

    await carried_out(cast, made)

    assert all(await blobs_of(late)) and all(await blobs_of(held))
    assert len(await names_on(made, "dropped")) == 1


async def test_what_nobody_can_read_any_more_is_not_opened_again(cast: Cast) -> None:
    bea = await person(cast.bakkerij, "Bea")
    late = await offered(cast, None, await file("verlopen"), await file("bijlage", "attachment"), book_year=2014)
    await engine.raw("UPDATE approval_request SET state = 'expired' WHERE id = $1", late.id)
    late = await ended(late)
    await carried_out(cast, await proposal())

    with pytest.raises(Refused, match="na de bewaartermijn vernietigd"):
        await engine.run_writing(lambda: extend(late, None, dt.date(2030, 1, 1), by=cast.anna))
    async with browser_of(cast.anna) as anna:
        await engine.raw("UPDATE firm SET modules = 'dossiers,approvals'")
        page = (await anna.get(f"/approvals/{late.id}")).text
        assert page.count("vernietigd na de bewaartermijn") == 2 and "vernietigde de bestanden" in page
    async with browser_of(bea) as phone:
        page = (await phone.get(f"/portal/approvals/{late.id}")).text
        assert "bijlage.pdf" in page and "is vernietigd" in page and "/approval-parts/" not in page


async def test_bytes_that_are_in_use_elsewhere_stay_and_former_files_go_along(cast: Cast) -> None:
    first, second = await file("eerste"), await file("tweede")
    request = await offered(cast, None, first, title="wissel", book_year=2014)
    (part,) = await ApprovalDocument.objects().where(ApprovalDocument.request == request.id)
    await swap_part(request, part.id, second, by=cast.anna)
    await withdraw(request, "Toch niet", by=cast.anna)
    again = await draft(cast, None, second)
    await ended(request)

    done = await carried_out(cast, await proposal())

    assert await blobs_of(request) == [""] and await blobs_of(again) == [second.sha256]
    assert not await storage().exists(first.sha256) and await storage().exists(second.sha256)
    (line,) = [row async for row in certificate.lines_of(done)]
    elsewhere = {one["sha256"]: one["elsewhere"] for one in json.loads(line["versions"])}
    assert elsewhere == {first.sha256: False, second.sha256: True}
    assert hashlib.sha256(pdf("tweede")).hexdigest() == second.sha256


async def test_the_list_leads_to_the_request_and_says_why(cast: Cast) -> None:
    await engine.raw("UPDATE firm SET modules = 'dossiers,approvals'")
    request = await ended(await withdrawn(cast, "ingetrokken"))
    made = await proposal()
    async with browser_of(cast.anna) as anna:
        page = (await anna.get(f"/keeping/lists/{made.id}")).text
        lines = (await anna.get(f"/keeping/lists/{made.id}/lines")).text
        await carried_out(cast, made)
        printed = (await anna.get(f"/keeping/lists/{made.id}/certificate")).text
        table = (await anna.get(f"/keeping/lists/{made.id}/certificate.csv")).text

    assert "accordering zonder akkoord" in page and f'href="/approvals/{request.id}"' in lines
    assert "de dag waarop de accordering eindigde" in lines and "84 maanden" in lines
    assert "ingetrokken" in printed and "ingetrokken.pdf" in table and str(-request.id) not in table.split(";")
