"""A virus in an approval: who placed it and who looks after the client hear of it, the pages say so, and nobody offers or approves it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jobs import writing
from models import engine
from models.approvals import ApprovalRequest, NewPart, decide_one, foreseen, offer
from models.approvals.ending import record_on_paper
from models.audit import Trail
from models.certifying.verifying import verify
from models.core import Refused
from models.outbox import Errand, Kind
from models.scanning.telling import infected_for
from models.scanning.working import round_, shut_list, standing
from models.settings import Firm, utcnow
from models.storage import storage
from tests import approving
from tests.cast import Cast
from tests.papers import pdf
from tests.scanner import EICAR, Clamd
from tests.web.test_documents import own_storage  # noqa: F401
from tests.web.test_folders import Browsers


@pytest.fixture(autouse=True)
async def office(cast: Cast) -> None:
    await engine.raw("UPDATE firm SET modules = 'dossiers,approvals'")
    await approving.plan(cast.bakkerij, approving.step(cast.rik))


async def sick(name: str = "btw.pdf") -> NewPart:
    content = pdf(name) + b"\n%" + EICAR
    stored = await storage().put(content)
    return NewPart(name, stored.sha256, stored.size, "application/pdf", pages=1)


async def draft(cast: Cast, *parts: NewPart) -> ApprovalRequest:
    async def unit() -> ApprovalRequest:
        return await approving.draft(cast, cast.bakkerij, *parts, by=cast.anna)

    return await engine.run_writing(unit)


async def looked_at() -> None:
    while await round_():
        pass


async def refused(change: Any) -> str:
    with pytest.raises(Refused) as why:
        await engine.run_writing(change)
    return str(why.value.why)


async def test_who_placed_it_and_who_is_responsible_hear_of_it_and_it_is_not_offered(
    cast: Cast, browser: Browsers, clamd: Clamd
) -> None:
    await engine.raw("DELETE FROM responsible WHERE client = $1", cast.bakkerij)
    await engine.raw(
        "INSERT INTO responsible (person, client, roles) VALUES ($1, $2, '')", cast.ed.user.id, cast.bakkerij
    )
    request = await draft(cast, await sick())  # anna places it; ed looks after the client

    await looked_at()

    mails = await Errand.objects().where(Errand.kind == Kind.INFECTED.value)
    assert sorted(mail.person for mail in mails) == sorted([cast.anna.user.id, cast.ed.user.id])
    [line] = await Trail.objects().where(Trail.operation == "ApprovalRequest.infected")
    assert line.record_id == request.id
    told = await infected_for(cast.anna.user.id, json.loads(mails[0].detail)["sha256"])
    assert told is not None and [one["id"] for one in told["approvals"]] == [request.id]
    row = {"kind": Kind.INFECTED, "language": "nl", "detail": mails[0].detail, "subject_id": None, "expires_at": None}
    person = (await engine.raw("SELECT * FROM users WHERE id = $1", cast.anna.user.id))[0]
    letter = writing.compose({**person, **row}, await Firm.load(), "", told)
    assert letter is not None and f"/approvals/{request.id}" in letter.text and "schoon bestand" in letter.text
    assert "een virus gevonden" in await refused(lambda: offer(request, by=cast.anna))
    async with browser(cast.anna) as anna:
        page = (await anna.get(f"/approvals/{request.id}")).text
        assert "Eicar-Test-Signature" in page and "niet worden aangeboden of goedgekeurd" in page
        assert (await anna.post(f"/approvals/{request.id}/offer")).status_code in (303, 422)
        assert "vond in" in (await anna.get("/audit")).text
        assert f"/approvals/{request.id}" in (await anna.get("/scanning")).text
    assert (await ApprovalRequest.objects().get(ApprovalRequest.id == request.id)).state == "draft"  # type: ignore[union-attr]


async def test_what_turns_out_infected_after_it_was_opened_is_not_approved_and_the_client_reads_why(
    cast: Cast, browser: Browsers, clamd: Clamd
) -> None:
    request = await draft(cast, await sick())
    await engine.raw("UPDATE scan SET state = 'clean'")  # a scanner with an older list
    await engine.run_writing(lambda: offer(request, by=cast.anna))
    await approving.look(cast.rik, request)
    await engine.raw("UPDATE scan SET state = 'waiting', next_try = $1", utcnow())
    await looked_at()
    decision = await approving.decision(request)

    why = await refused(lambda: decide_one(cast.rik.scope(ApprovalRequest), decision, approving.proof(), by=cast.rik))

    assert "kunt er nu geen akkoord op geven" in why
    assert (
        await foreseen(cast.rik.scope(ApprovalRequest), decision, by=cast.rik)
    ).why is not None  # before a code is used up
    async with browser(cast.rik) as rik:
        page = (await rik.get(f"/portal/approvals/{request.id}")).text
        assert "een virus gevonden" in page and "Akkoord geven" not in page
        assert "een virus gevonden" in (await rik.get(f"/portal/approvals/together?ids={request.id}")).text
    scan = approving.part("scan.pdf")
    assert "een virus gevonden" in await refused(
        lambda: record_on_paper(request, [scan], "Rik", utcnow().date(), by=cast.anna)
    )


async def test_a_clean_file_in_its_place_makes_it_go_on(cast: Cast, browser: Browsers, clamd: Clamd) -> None:
    request = await draft(cast, await sick())
    await looked_at()
    [part] = await approving.main_parts(request)

    async with browser(cast.anna) as anna:
        put = await anna.post(
            f"/approvals/{request.id}/parts/{part.id}/file",
            files={"files": ("schoon.pdf", pdf("schoon"), "application/pdf")},
        )
        assert put.status_code == 303
        await looked_at()
        page = (await anna.get(f"/approvals/{request.id}")).text
        assert "niet worden aangeboden" not in page and "virus gevonden: Eicar-Test-Signature" in page  # as it was told
        await anna.post(f"/approvals/{request.id}/offer")

    assert (await ApprovalRequest.objects().get(ApprovalRequest.id == request.id)).state in ("offered", "sign_off")  # type: ignore[union-attr]
    found = await standing(cast.anna)
    assert found is not None and found.infected == 0


async def offered_and_approved_with_a_sick_attachment(cast: Cast) -> ApprovalRequest:
    """Of two who are asked one has approved; then a newer list finds the virus."""
    kim = await approving.person(cast.bakkerij, "Kim")
    await engine.raw("DELETE FROM approval_plan")
    await approving.plan(cast.bakkerij, approving.step(cast.rik, kim))
    clean = await storage().put(pdf("aangifte"))
    main = NewPart("aangifte.pdf", clean.sha256, clean.size, "application/pdf", pages=1)
    request = await draft(cast, main, (await sick("bijlage.pdf"))._replace(part="attachment"))
    await engine.raw("UPDATE scan SET state = 'clean'")
    await engine.run_writing(lambda: offer(request, by=cast.anna))
    await engine.run_writing(lambda: approving.says_yes(kim, request))
    await engine.raw("UPDATE scan SET state = 'waiting', next_try = $1", utcnow())
    await looked_at()
    return request


@pytest.mark.parametrize("how", ["note", "file"])
async def test_an_attachment_with_a_virus_goes_from_what_is_offered_and_the_record_says_why(
    cast: Cast, browser: Browsers, clamd: Clamd, how: str
) -> None:
    request = await offered_and_approved_with_a_sick_attachment(cast)
    [row] = await engine.raw("SELECT id FROM approval_document WHERE request = $1 AND part = 'attachment'", request.id)
    at = f"/approvals/{request.id}/parts/{row['id']}"

    async with browser(cast.anna) as anna:
        before = (await anna.get(f"/approvals/{request.id}")).text
        assert f'action="{at}/file"' in before and f'action="{at}/note"' in before and "in het bewijs" in before
        files = {"attachments": ("prijslijst.txt", b"schoon", "text/plain")}
        done = await anna.post(f"{at}/note") if how == "note" else await anna.post(f"{at}/file", files=files)
        assert done.status_code == 303
        await looked_at()
        page = (await anna.get(f"/approvals/{request.id}")).text

    assert "virus gevonden: Eicar-Test-Signature" in page and f'action="{at}/note"' not in page
    assert ("bijlage.pdf (weggehaald).txt" if how == "note" else "prijslijst.txt") in page
    acts = await engine.raw("SELECT act, detail FROM approval_record WHERE request = $1 ORDER BY number", request.id)
    [told] = [json.loads(act["detail"]) for act in acts if act["act"] == "part_replaced"]
    assert (told["was_name"], told["reason"]) == ("bijlage.pdf", "virus gevonden: Eicar-Test-Signature")
    assert (await approving.states(request))["Kim"] == "asked"  # what she approved was offered with something else
    async with browser(cast.rik) as rik:
        assert "virus" not in (await rik.get(f"/portal/approvals/{request.id}")).text
    assert (await verify(request.id)).broken is None


async def test_only_an_attachment_with_a_virus_is_taken_away_like_that(
    cast: Cast, browser: Browsers, clamd: Clamd
) -> None:
    request = await offered_and_approved_with_a_sick_attachment(cast)
    [main] = await approving.main_parts(request)
    await engine.raw("UPDATE scan SET state = 'clean'")
    [row] = await engine.raw("SELECT id FROM approval_document WHERE request = $1 AND part = 'attachment'", request.id)
    async with browser(cast.anna) as anna:
        for part in (main.id, row["id"]):
            await anna.post(f"/approvals/{request.id}/parts/{part}/note")
            assert "Alleen een bijlage waarin een virus" in (await anna.get(f"/approvals/{request.id}")).text
    assert (await approving.states(request))["Kim"] == "approved"


async def test_who_does_not_see_the_client_reads_nothing_of_it(cast: Cast, clamd: Clamd) -> None:
    await draft(cast, await sick())
    await looked_at()
    await engine.raw("DELETE FROM responsible WHERE person = $1", cast.ed.user.id)
    await engine.raw("DELETE FROM reach WHERE person = $1", cast.ed.user.id)
    await engine.raw("UPDATE users SET all_clients = $2 WHERE id = $1", cast.ed.user.id, False)

    assert [row["approval"] for row in await shut_list(cast.ed) if row["approval"]] == []
    assert [row["approval"] for row in await shut_list(cast.anna) if row["approval"]]
    scan = (await engine.raw("SELECT sha256 FROM scan WHERE state = 'infected'"))[0]["sha256"]
    assert (await infected_for(cast.ed.user.id, scan)) == {"count": 0, "documents": [], "approvals": []}


async def test_of_two_attachments_with_a_virus_each_leaves_a_note_of_its_own(
    cast: Cast, browser: Browsers, clamd: Clamd
) -> None:
    await engine.raw("DELETE FROM approval_plan")
    await approving.plan(cast.bakkerij, approving.step(cast.rik))
    clean = await storage().put(pdf("aangifte"))
    main = NewPart("aangifte.pdf", clean.sha256, clean.size, "application/pdf", pages=1)
    both = [(await sick(name))._replace(part="attachment") for name in ("een.pdf", "twee.pdf")]
    request = await draft(cast, main, *both)
    await engine.raw("UPDATE scan SET state = 'clean'")
    await engine.run_writing(lambda: offer(request, by=cast.anna))
    await engine.raw("UPDATE scan SET state = 'waiting', next_try = $1", utcnow())
    await looked_at()
    rows = await engine.raw(
        "SELECT id FROM approval_document WHERE request = $1 AND part = 'attachment' ORDER BY id", request.id
    )

    async with browser(cast.anna) as anna:
        for row in rows:
            await anna.post(f"/approvals/{request.id}/parts/{row['id']}/note")

    named = await engine.raw("SELECT name FROM approval_document WHERE request = $1 ORDER BY id", request.id)
    assert [row["name"] for row in named] == ["aangifte.pdf", "een.pdf (weggehaald).txt", "twee.pdf (weggehaald).txt"]
