"""Approvals at the office: placing one, who would sign, what happened, and what was typed or uploaded is never lost."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Callable
from typing import Any

import pypdfium2
import pytest

from models import engine
from models.approvals import ApprovalDocument, ApprovalRequest, ApproverRole, Mandate, add_parts, ask, offer, swap_part
from models.approvals.calling import note_call
from models.core import Refused, save
from models.sample.papers import pdf
from models.settings import Firm, this_day, utcnow
from models.storage import storage
from models.viewer import Right
from tests.approving import acts, draft, kind, main_parts, now, offered, part, person, plan, says_yes, step
from tests.cast import Cast
from web import approval_parts
from web import approvals as pages
from web.approvals_board import carry_out

Browsers = Callable[..., Any]
PDF = ("btw.pdf", pdf("Aangifte"), "application/pdf")


def locked() -> bytes:
    """A PDF that asks for a password: encrypted by the standard handler with a user's password."""
    body = pdf("Geheim").replace(b"/Root 1 0 R", b"/Root 1 0 R /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 "
        b"/O <%s> /U <%s> >> /ID [<00><00>]" % (b"11" * 32, b"22" * 32))  # fmt: skip
    try:
        pypdfium2.PdfDocument(body)
    except pypdfium2.PdfiumError as error:
        assert "password" in str(error).lower()
        return body
    raise AssertionError("it opens")


async def switched_on() -> None:
    await save(await Firm.load(), modules="dossiers,approvals")


async def form(**more: str) -> dict[str, str]:
    return {"kind": str((await kind()).id), "book_year": "2026", "period": "k1", "former": ""} | more


async def last() -> ApprovalRequest:
    found = await ApprovalRequest.objects().order_by(ApprovalRequest.id, ascending=False).first()
    assert found is not None
    return found


def text_of(answer: Any) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


async def test_from_the_clients_tab_to_an_offer(cast: Cast, browser: Browsers) -> None:
    await switched_on()
    eva, bob = await person(cast.bakkerij, "Eva"), await person(cast.bakkerij, "Bob", state="prepared")
    await plan(cast.bakkerij, step(eva, bob), step("director", mode="any"), step(eva))
    async with browser(cast.anna) as anna:
        tab = await anna.get(pages.of_one_client.url(client_id=cast.bakkerij))
        blank = await anna.get(pages.new.url(client_id=cast.bakkerij))
        made = await anna.post(
            pages.create.url(client_id=cast.bakkerij), data=await form(amount="1.234,56", message="Graag snel."),
            files=[("files", PDF), ("files", ("dicht.pdf", locked(), "application/pdf")), ("attachments", ("uitleg.txt", b"Uitleg", "text/plain"))],
        )  # fmt: skip
        request = await last()
        at = pages.page.url(approval_id=request.id)
        look = await anna.get(at)
        nobody = await anna.post(f"{at}/offer", follow_redirects=True)
        await engine.raw(
            "UPDATE approval_plan SET steps = $1", f'[{{"mode": "all", "n": 1, "who": [{{"person": {eva.user.id}}}]}}]'
        )
        sent = await anna.post(f"{at}/offer", follow_redirects=True)
        tab_after = await anna.get(pages.of_one_client.url(client_id=cast.bakkerij))

    assert "Nog niets ter accordering" in tab.text and blank.status_code == 200
    assert (made.status_code, made.headers["location"]) == (303, at)
    parts = (
        await ApprovalDocument.select()
        .where(ApprovalDocument.request == request.id)
        .order_by(ApprovalDocument.position)
    )
    assert [(one["name"], one["part"], one["pages"], one["is_locked"]) for one in parts] == [
        ("btw.pdf", "main", 1, False), ("dicht.pdf", "main", None, True), ("uitleg.txt", "attachment", None, False),
    ]  # fmt: skip
    assert (request.legal_due, request.amount) == (dt.date(2026, 4, 30), 123456)
    said = text_of(look)
    assert (
        "Bob Test heeft nog geen login." in said and "Stap 2: " in said and "Zo kan dit niet worden aangeboden" in said
    )
    assert re.search(r"In de dagelijkse mail, (vandaag|morgen) na 7 uur, leest 1 persoon het: Eva Test\.", said)
    assert "Geen mail krijgt: Bob Test." in said
    assert "vraagt om een wachtwoord" in said and "nog niets verstuurd" not in text_of(nobody)
    assert "Ik heb “Aangifte omzetbelasting 1e kwartaal 2026” van" in text_of(
        sent
    ) and "€ 1.234,56 te betalen" in text_of(sent)
    assert "Aangifte omzetbelasting 1e kwartaal 2026" in text_of(tab_after) and "0 van 1" in text_of(tab_after)


async def test_nothing_typed_or_uploaded_is_lost(cast: Cast, browser: Browsers) -> None:
    await switched_on()
    at = pages.create.url(client_id=cast.bakkerij)
    async with browser(cast.anna) as anna:
        wrong = await anna.post(
            at, data=await form(book_year="twee", amount="veel", message="Let op"), files=[("files", PDF)]
        )
        sealed = re.findall(r'name="kept" value="([^"]+)"', wrong.text)
        forged = await anna.post(
            at,
            data=await form() | {"kept": sealed[0][:-1] + ("0" if sealed[0][-1] != "0" else "1")},
            files=[("x", ("", b""))],
        )
        first = await anna.post(
            at, data=await form(message="Let op") | {"kept": sealed[0]}, files=[("files", ("", b""))]
        )
        again = await anna.post(at, data=await form(message="Nog eens"), files=[("files", PDF)])
        kept = re.findall(r'name="kept" value="([^"]+)"', again.text)
        replaces = re.search(r'name="replaces" value="(\d+)"', again.text)
        assert replaces
        second = await anna.post(
            at,
            data=await form(former="replace", replaces=replaces[1]) | {"kept": kept[0]},
            files=[("files", ("", b""))],
        )
        word = await anna.post(
            at, data=await form(former="beside"), files=[("files", ("brief.txt", b"Geen pdf", "text/plain"))]
        )

    assert (wrong.status_code, len(sealed)) == (422, 1) and "Let op" in wrong.text and "Vul een jaar in" in wrong.text
    assert forged.status_code == 422 and "Kies ten minste één PDF" in html.unescape(forged.text)
    assert first.status_code == 303 and again.status_code == 422
    assert (
        "Er is al een accordering van deze soort en periode" in html.unescape(again.text) and "Nog eens" in again.text
    )
    assert second.status_code == 303 and (await last()).replaces == int(replaces[1])
    assert word.status_code == 422 and "is geen PDF" in html.unescape(word.text)


async def test_what_a_clients_person_opens_is_noted_and_looking_along_is_not(cast: Cast, browser: Browsers) -> None:
    await switched_on()
    eva = await person(cast.bakkerij, "Eva")
    async with browser(cast.anna) as anna, browser(eva) as hers, browser(cast.sam) as sam:
        await anna.post(pages.create.url(client_id=cast.bakkerij), data=await form(), files=[("files", PDF)])
        request = await last()
        (main,) = await main_parts(request)
        views = [
            approval_parts.view.url(part_id=main.id),
            approval_parts.page.url(part_id=main.id, number=1),
            approval_parts.file.url(part_id=main.id),
        ]
        before = [(await hers.get(one)).status_code for one in views]
        await offer(request, by=cast.anna)
        await anna.get(views[0])
        await anna.get(f"/view-as/{eva.user.id}{views[0]}")
        quiet = await acts(request)
        seen = [await hers.get(one) for one in views]
        strangers = [(await sam.get(one)).status_code for one in views]

    assert before == [404] * 3 and strangers == [404] * 3
    assert "opened" not in quiet
    assert [one.status_code for one in seen] == [200] * 3 and seen[1].headers["content-type"] == "image/webp"
    assert seen[2].content == PDF[1]
    assert (await acts(request))[-2:] == ["opened", "page_seen"]
    assert (await says_yes(eva, request)).outcome == "approved"


async def test_acts_on_the_page_of_a_request(cast: Cast, browser: Browsers) -> None:
    await switched_on()
    eva = await person(cast.bakkerij, "Eva")
    request = await offered(cast)
    await ask(request, "Klopt regel 5b?", by=eva)
    at = pages.page.url(approval_id=request.id)
    async with browser(cast.anna) as anna:
        asked = await anna.get(at)
        empty = await anna.post(f"{at}/remarks", data={"text": " "})
        answered = await anna.post(f"{at}/remarks", data={"text": "Ja."}, follow_redirects=True)
        later = (this_day() + dt.timedelta(days=9)).isoformat()
        await anna.post(f"{at}/deadlines", data={"internal_due": later, "legal_due": later})
        (main,) = await main_parts(request)
        swapped = await anna.post(f"{at}/parts/{main.id}/file", files=[("files", PDF)], follow_redirects=True)
        paper = await anna.post(
            f"{at}/paper",
            data={"signed_by": "", "signed_on": this_day().isoformat(), "remark": "Per post"},
            files=[("files", ("scan.pdf", pdf("Scan"), "application/pdf"))],
        )
        sealed = re.search(r'name="kept" value="([^"]+)"', paper.text)
        assert sealed
        done = await anna.post(
            f"{at}/paper",
            data={"signed_by": "Eva Test", "signed_on": this_day().isoformat(), "kept": sealed[1]},
            files=[("files", ("", b""))],
            follow_redirects=True,
        )
        gone = await anna.post(f"{at}/withdrawal", data={"reason": "x"}, follow_redirects=True)

    assert "wacht op antwoord" in asked.text and empty.status_code == 422
    assert "Antwoord" not in text_of(answered) or "wacht op antwoord" not in answered.text
    assert (await now(request)).legal_due.isoformat() == later
    assert "Vervangen." in text_of(swapped) and (await now(request)).version == 2
    assert (
        paper.status_code == 422
        and "Per post" in paper.text
        and "Vul in wie er getekend heeft" in html.unescape(paper.text)
    )
    assert "scan van wat getekend is" in done.text and (await now(request)).state == "on_paper"
    assert "al op papier akkoord" in text_of(gone)


async def test_what_another_file_took_the_place_of_can_still_be_had_by_the_office(
    cast: Cast, browser: Browsers
) -> None:
    await switched_on()
    eva = await person(cast.bakkerij, "Eva")
    stored = await storage().put(PDF[1])
    request = await offered(cast, None, part("eerste.pdf", sha256=stored.sha256, size=stored.size))
    (main,) = await main_parts(request)
    async with browser(cast.anna) as anna:
        at = pages.page.url(approval_id=request.id)
        await anna.post(f"{at}/parts/{main.id}/file", files=[("files", ("nieuw.pdf", pdf("Nieuw"), "application/pdf"))])
        page = await anna.get(at)
        link = re.search(rf'href="({at}/former-parts/\d+)"', page.text)
        assert link and "Eerdere bestanden" in page.text
        had = await anna.get(link[1])
        await engine.raw("UPDATE approval_former_part SET blob = ''")
        gone = await anna.get(link[1])
    async with browser(eva) as phone:
        hidden = await phone.get(link[1])

    assert (had.status_code, had.content) == (200, PDF[1])
    assert (gone.status_code, "vernietigd" in gone.text) == (410, True)
    assert hidden.status_code == 404


async def test_signing_off_needs_another(cast: Cast, browser: Browsers) -> None:
    await switched_on()
    await person(cast.bakkerij, "Eva")
    request = await draft(cast, None, part(), kind=(await kind("Jaarrekening (definitief)")).id, period="", by=cast.ed)
    at = pages.page.url(approval_id=request.id)
    async with browser(cast.ed) as ed, browser(cast.anna) as anna:
        first = await ed.get(at)
        await ed.post(f"{at}/offer")
        forbidden = await ed.post(f"{at}/sign-off")
        page = await anna.get(at)
        await anna.post(f"{at}/return", data={"reason": "Pagina 3 mist"})
        back = await ed.get(at)
        await ed.post(f"{at}/offer")
        await anna.post(f"{at}/sign-off")

    assert "Ter autorisatie voorleggen" in first.text and forbidden.status_code == 403
    assert "Autoriseren en aanbieden" in page.text and "Pagina 3 mist" in back.text
    assert (await now(request)).state == "offered"


async def test_a_year_that_was_mistyped_is_seen_before_anything_goes_out(cast: Cast, browser: Browsers) -> None:
    await switched_on()
    async with browser(cast.anna) as anna:
        made = await anna.post(
            f"/clients/{cast.bakkerij}/approvals", data=await form(legal_due="2020-04-30"), files=[("files", PDF)], follow_redirects=True
        )  # fmt: skip
        again = await anna.get(f"{made.url.path}/edit")
        wrong = await anna.post(f"{made.url.path}/edit", data=await form(legal_due="30-04-2020", book_year="x"))

    for answer in (made, again, wrong):
        assert "De wettelijke deadline, 30-04-2020, is al voorbij. Klopt het jaar?" in text_of(answer)


async def test_who_may_not_or_may_alone_authorise_his_own_reads_that_before(cast: Cast, browser: Browsers) -> None:
    await switched_on()
    request = await draft(cast, kind=(await kind("Jaarrekening (definitief)")).id, period="")
    await offer(request, by=cast.anna)
    at, button = pages.page.url(approval_id=request.id), "Autoriseren en aanbieden"
    async with browser(cast.anna) as anna:
        alone = text_of(await anna.get(at))
        await engine.raw("UPDATE users SET permissions = 'approvals:act,sign_off:act' WHERE id = $1", cast.ed.user.id)
        own = text_of(await anna.get(at))

    assert button in alone and "U werkte hier zelf aan en bent de enige met dit recht" in alone
    assert button not in own and "U werkte hier zelf aan: vraag een collega met dit recht." in own


async def test_the_pages_ask_few_questions_of_the_database(cast: Cast, browser: Browsers) -> None:
    await switched_on()
    eva, bob = await person(cast.bakkerij, "Eva"), await person(cast.bakkerij, "Bob")
    await plan(cast.bakkerij, step(eva), step(bob))
    request, unsent = await offered(cast, None, part("a.pdf"), part("b.pdf")), await draft(cast)
    await says_yes(eva, request)
    counts = {}
    async with browser(cast.anna) as anna:
        for address in (pages.page.url(approval_id=request.id), pages.page.url(approval_id=unsent.id), pages.of_one_client.url(client_id=cast.bakkerij), pages.new.url(client_id=cast.bakkerij), pages.edit.url(approval_id=unsent.id)):  # fmt: skip
            with engine.count_queries() as counted:
                assert (await anna.get(address)).status_code == 200
            counts[address] = counted.n

    assert max(counts.values()) <= 12, counts


async def test_a_colleague_without_the_module_finds_nothing(cast: Cast, browser: Browsers) -> None:
    await switched_on()
    await person(cast.bakkerij, "Eva", Right.APPROVE | Right.VIEW_APPROVALS)
    request = await offered(cast)
    await engine.raw("UPDATE users SET permissions = 'clients:act' WHERE id = $1", cast.ed.user.id)
    async with browser(cast.ed) as ed:
        tab = await ed.get(f"/clients/{cast.bakkerij}")
        answers = [
            (await ed.get(one)).status_code
            for one in (pages.page.url(approval_id=request.id), pages.new.url(client_id=cast.bakkerij))
        ]
        posted = await ed.post(f"/approvals/{request.id}/withdrawal", data={"reason": "x"})

    assert "/approvals" not in tab.text
    assert answers == [404, 403] and posted.status_code == 404


async def test_what_was_typed_of_deadlines_and_of_withdrawing_stays_when_it_is_refused(
    cast: Cast, browser: Browsers
) -> None:
    await switched_on()
    await person(cast.bakkerij, "Eva")
    request = await offered(cast)
    at = pages.page.url(approval_id=request.id)
    async with browser(cast.anna) as anna:
        wrong = await anna.post(f"{at}/deadlines", data={"internal_due": "2099-05-02", "legal_due": "2099-05-01"})
        strange = await anna.post(f"{at}/deadlines", data={"internal_due": "31-02-2099", "legal_due": "2099-05-01"})
        long = await anna.post(f"{at}/withdrawal", data={"reason": "x" * 2001})
        client = await anna.get(f"/clients/{cast.bakkerij}/approvals")

    assert (wrong.status_code, strange.status_code, long.status_code) == (422, 422, 422)
    assert 'value="2099-05-02"' in wrong.text and "na de wettelijke" in wrong.text
    assert 'value="31-02-2099"' in strange.text and "x" * 2001 in long.text
    assert f"/clients/{cast.bakkerij}/approvers" in client.text
    assert (await now(request)).state == "offered"


async def test_when_who_is_asked_hears_of_it_is_said_before_and_after_and_a_deadline_does_not_wait_for_the_morning(
    cast: Cast, browser: Browsers
) -> None:
    await switched_on()
    eva, bo, cas = [await person(cast.bakkerij, name) for name in ("Eva", "Bo", "Cas")]
    for one, how in ((bo, "at_once"), (cas, "never")):
        await save(one.user, digest=how)
    await plan(cast.bakkerij, step(eva, bo, cas))
    soon, later = [await draft(cast, internal_due=day, legal_due=day) for day in (this_day(), dt.date(2099, 3, 4))]
    hour = (await Firm.load()).digest_hour
    async with browser(cast.anna) as anna:
        looks = [text_of(await anna.get(pages.page.url(approval_id=one.id))) for one in (soon, later)]
        sent = [
            text_of(await anna.post(pages.offer_.url(approval_id=one.id), follow_redirects=True))
            for one in (soon, later)
        ]
        page = (await anna.get(pages.page.url(approval_id=soon.id))).text
        batch = re.search(r'name="batch" value="([^"]+)"', page)
        assert batch
        mailed = {"do": "remind", "batch": batch[1], "ids": soon.id}
        for _ in range(2):  # a double tap
            await anna.post(carry_out.url(), data=mailed)
        after = text_of(await anna.get(pages.page.url(approval_id=soon.id)))
    lines = await engine.raw("SELECT person FROM approval_news WHERE request = $1 AND batch <> ''", soon.id)

    when = f"(vandaag|morgen) na {hour} uur"
    for said in looks:
        assert "krijgt 1 persoon meteen een mail: Bo Test." in said and "Geen mail krijgt: Cas Test." in said
        assert re.search(f"In de dagelijkse mail, {when}, leest 1 persoon het: Eva Test.", said)
    assert ["kunt u hier meteen laten mailen" in said for said in looks] == [True, False]
    for said in sent:
        assert re.search(f"Wie aan de beurt is, krijgt meteen een mail of leest het in de dagelijkse, {when}.", said)
        assert re.search(f"Nog niet gemaild: Eva Test. Dat gebeurt (pas )?met de dagelijkse mail, {when}", said)
    assert ["Nu mailen" in said for said in sent] == [True, False]
    assert {row["person"] for row in lines} == {eva.user.id, bo.user.id} and len(lines) == 2
    assert "Nu mailen" not in after and "Nog niet gemaild" not in after


async def test_the_pages_of_a_filled_office_ask_no_more_than_twelve_times(cast: Cast, browser: Browsers) -> None:
    """Swapped, called about, asked about, half approved; waiting for a colleague, in whose plan roles of strangers stand."""
    await switched_on()
    eva, bob = await person(cast.bakkerij, "Eva"), await person(cast.bakkerij, "Bob")
    await plan(cast.bakkerij, step(eva, bob, "director"), step(bob))
    await ApproverRole(client=cast.bakkerij, person=cast.sam.user.id, role="director", made_at=utcnow()).save()
    await Mandate(client=cast.bakkerij, giver=eva.user.id, taker=bob.user.id, since=this_day(), made_at=utcnow()).save()
    await engine.raw("UPDATE approver_role SET person = $1", bob.user.id)
    request = await offered(cast, None, part("a.pdf"), part("b.pdf"))
    await says_yes(eva, request)
    [first, _] = await main_parts(request)
    await swap_part(await now(request), first.id, part("c.pdf"), by=cast.anna)
    await says_yes(eva, await now(request))
    await ask(await now(request), "Hoezo?", by=eva)
    await note_call(await now(request), bob.user.id, "Belt terug", this_day(), by=cast.anna)
    accounts = await kind("Jaarrekening (definitief)")
    signing = await draft(cast, kind=accounts.id)
    await offer(signing, by=cast.anna)
    await engine.raw("UPDATE approver_role SET person = $1", cast.sam.user.id)
    counts = {}
    for who, addresses in (
        (cast.anna, (pages.page.url(approval_id=request.id), pages.page.url(approval_id=signing.id), "/approvals", "/approvals?stage=all", f"/approvals/{request.id}/verification", f"/approvals/{request.id}/proof")),
        (bob, (f"/portal/approvals/{request.id}", f"/approvals/{request.id}/verification")),
    ):  # fmt: skip
        async with browser(who) as tab:
            for address in addresses:
                assert (await tab.get(address)).status_code == 200, address  # the first look is put on the record
                with engine.count_queries() as counted:
                    await tab.get(address)
                counts[who.user.first_name, address] = counted.n

    assert max(counts.values()) <= 12, counts


async def test_the_same_bytes_do_not_stand_twice_in_one_request_and_the_same_name_gets_a_number(cast: Cast) -> None:
    one = part("btw.pdf")
    with pytest.raises(Refused) as twice:
        await draft(cast, None, one, one._replace(name="kopie.pdf"))
    request = await draft(cast, None, one, part("btw.pdf"), part("BTW.pdf", part="attachment"))
    with pytest.raises(Refused):
        await add_parts(request, [one._replace(name="nog eens.pdf", part="attachment")], by=cast.anna)
    await add_parts(request, [part("btw.pdf")], by=cast.anna)
    main = await main_parts(request)
    with pytest.raises(Refused):
        await swap_part(request, main[1].id, one, by=cast.anna)

    assert str(twice.value.why) == "“kopie.pdf” is precies hetzelfde bestand als “btw.pdf”. Laat een van de twee weg."
    assert [one.name for one in main] == ["btw.pdf", "btw (2).pdf", "btw (4).pdf"]


async def test_by_what_somebody_proved_who_he_was_is_said_in_words(cast: Cast, browser: Browsers) -> None:
    await switched_on()
    eva = await person(cast.bakkerij, "Eva")
    await plan(cast.bakkerij, step(eva))
    request = await offered(cast)
    await says_yes(eva, request)
    async with browser(cast.anna) as anna:
        said = text_of(await anna.get(pages.page.url(approval_id=request.id)))
    assert "(pincode)" in said and "(pin)" not in said and " pin " not in said
