"""Approving in the portal: what a director sees, what he proves himself with, and that nothing else than what he saw is approved."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pyotp
import pytest

from models import engine, pins
from models.accounts import Session, User
from models.approvals import ApprovalRemark, ApprovalRequest, Approver, Mandate, offer, replace_by, swap_part
from models.approvals.record import ApprovalRecord
from models.core import save
from models.settings import Firm, this_day, utcnow
from models.storage import storage
from models.viewer import Right, Viewer
from tests.approving import ALL, draft, look, main_parts, now, offered, part, person, plan, says_yes, step
from tests.cast import PASSWORD, Cast
from tests.models.test_proving import with_authenticator
from tests.papers import pdf
from web import approval_parts
from web import own_approvals as pages
from web.sessions import sign_in

Browsers = Callable[..., Any]


@pytest.fixture
async def office(cast: Cast) -> Cast:
    await engine.run_writing(lambda: _on())
    return cast


async def _on() -> None:
    await save(await Firm.load(), modules="dossiers,approvals")


async def pin_of(viewer: Viewer, kind: str = "pin") -> tuple[str, ...]:
    """A PIN, or a list of codes, as it stands in his letter."""
    [made] = await pins.prepare([viewer.user.id], kind)
    await engine.run_writing(lambda: pins.store([made], {}, by_person=viewer.user.id))
    return made.clear


async def sent(*requests: ApprovalRequest, **more: str) -> dict[str, str]:
    """What the form holds."""
    form: dict[str, str] = {"method": "pin", "outcome": "approved" if len(requests) == 1 else "each"}
    for request in requests:
        fresh = await now(request)
        form[f"r-{request.id}"] = str(fresh.version)
        form |= {f"s-{request.id}-{one.id}": one.sha256 for one in await main_parts(request)}
    return form | more


async def state(request: ApprovalRequest) -> str:
    return (await now(request)).state


async def decide(browser: Any, *requests: ApprovalRequest, **more: str) -> Any:
    return await browser.post(pages.decide.url(), data=await sent(*requests, **more))


async def test_a_director_approves_in_two_taps(office: Cast, browser: Browsers) -> None:
    rik = await person(office.bakkerij, "Rikkie")
    await plan(office.bakkerij, step(rik))
    request = await offered(office, amount=123_450, addressee="de Belastingdienst")
    [pin] = await pin_of(rik)
    async with browser(rik) as phone:
        home = await phone.get("/portal")
        page = await phone.get(pages.page.url(approval_id=request.id))
        unseen = await decide(phone, request, pin_code=pin)
        for one_ in (request,):
            await look(rik, one_)
        wrong = await decide(phone, request, pin_code="000000" if pin != "000000" else "111111")
        done = await decide(phone, request, pin_code=pin)
        after = await phone.get("/portal")

    assert "Aangifte omzetbelasting" in home.text and pages.page.url(approval_id=request.id) in home.text
    assert (
        "Bakkerij Jansen B.V." in page.text
        and "€ 1.234,50 te betalen" in page.text
        and "de Belastingdienst" in page.text
    )
    assert (unseen.status_code, "nog niet geopend" in unseen.text) == (422, True)
    assert (wrong.status_code, "nog 4 keer" in wrong.text, pin in wrong.text) == (422, True, False)
    assert done.status_code == 303
    assert await state(request) == "approved"
    assert pages.page.url(approval_id=request.id) not in after.text
    record = await ApprovalRecord.objects().where(ApprovalRecord.act == "approved").first()
    assert (record.method, record.level, record.name) == ("pin", "pin", rik.user.full_name)
    assert "€ 1.234,50" in record.statement and pin not in record.detail


async def test_three_things_with_one_pin_and_one_of_them_refused(office: Cast, browser: Browsers) -> None:
    rik = await person(office.bakkerij, "Rikkie")
    await engine.raw(
        "INSERT INTO access (person, client, rights, own, role, created_at) SELECT $1, max(id), $2, $2, '', $3 FROM client WHERE id <> $4",
        rik.user.id,
        int(ALL),
        utcnow(),
        office.bakkerij,
    )
    other = (await engine.raw("SELECT max(id) AS id FROM client WHERE id <> $1", office.bakkerij))[0]["id"]
    first, second = await offered(office), await offered(office)
    third = await offered(office, other, part("een.pdf"), part("twee.pdf"))
    [pin] = await pin_of(rik)
    from tests.cast import as_viewer

    rik = await as_viewer(rik.user.email)
    bad = (await main_parts(third))[1]
    async with browser(rik) as phone:
        chosen = "&".join(f"ids={one.id}" for one in (first, second, third))
        together = await phone.get(f"{pages.together.url()}?{chosen}")
        for one_ in (
            first,
            second,
            third,
        ):
            await look(rik, one_)
        silent = await decide(
            phone, first, second, third, pin_code=pin, outcome="each", **{f"x-{third.id}-{bad.id}": "1"}
        )
        untouched = await state(first)
        done = await decide(
            phone,
            first,
            second,
            third,
            pin_code=pin,
            **{f"x-{third.id}-{bad.id}": "1", f"w-{third.id}-{bad.id}": "Bedrag klopt niet"},
        )

    assert together.text.count('name="pin_code"') == 1 and together.text.count("Nog openen") == 4
    assert (silent.status_code, untouched) == (422, "offered"), "nothing is recorded of what can be mended at once"
    field = silent.text[silent.text.index(f'id="x-{third.id}-{bad.id}"') :]
    assert "Schrijf op waarom u dit stuk niet goedkeurt" in field and re.search(r"<textarea[^>]*autofocus", field)
    assert not re.search(r'id="proof-code"[^>]*aria-invalid', silent.text), "it is not the code that is wrong"
    assert (await state(first), await state(second)) == ("approved", "approved")
    assert done.status_code == 303
    assert (await state(third), (await now(third)).reason) == ("rejected", "Bedrag klopt niet")


async def test_what_was_replaced_after_the_look_is_not_approved(office: Cast, browser: Browsers) -> None:
    rik = await person(office.bakkerij, "Rikkie")
    request = await offered(office)
    [pin] = await pin_of(rik)
    async with browser(rik) as phone:
        for one_ in (request,):
            await look(rik, one_)
        form = await sent(request, pin_code=pin)
        [one] = await main_parts(request)
        await engine.run_writing(lambda: _swap(office, request, one))
        reply = await phone.post(pages.decide.url(), data=form)

    assert (reply.status_code, "vervangen nadat u het bekeek" in reply.text) == (422, True)
    assert await state(request) == "offered"
    assert (await engine.raw("SELECT wrong FROM pin WHERE person = $1", rik.user.id))[0]["wrong"] == 0


async def _swap(office: Cast, request: ApprovalRequest, one: Any) -> None:
    fresh = await office.anna.scope(ApprovalRequest).get(request.id)
    await swap_part(fresh, one.id, part("nieuw.pdf"), by=office.anna)


async def test_refusing_asks_a_reason_and_keeps_what_was_typed(office: Cast, browser: Browsers) -> None:
    rik = await person(office.bakkerij, "Rikkie")
    request = await offered(office)
    [pin] = await pin_of(rik)
    async with browser(rik) as phone:
        for one_ in (request,):
            await look(rik, one_)
        bare = await decide(phone, request, pin_code=pin, outcome="rejected", reason=" ")
        wrong = await decide(
            phone, request, pin_code="12345", outcome="rejected", reason="De omzet van maart ontbreekt"
        )
        done = await decide(phone, request, pin_code=pin, outcome="rejected", reason="De omzet van maart ontbreekt")

    assert (bare.status_code, wrong.status_code, done.status_code) == (422, 422, 303)
    assert "De omzet van maart ontbreekt" in wrong.text
    assert (await state(request), (await now(request)).reason) == ("rejected", "De omzet van maart ontbreekt")


async def test_who_was_refusing_does_not_approve_by_the_next_tap(office: Cast, browser: Browsers) -> None:
    rik = await person(office.bakkerij, "Rikkie")
    request = await offered(office)
    [pin] = await pin_of(rik)
    async with browser(rik) as phone:
        await look(rik, request)
        bare = await decide(phone, request, pin_code=pin, outcome="rejected", reason="")
        hidden = re.findall(r'name="earlier" value="(\w+)"', bare.text)
        slip = await decide(phone, request, pin_code=pin, outcome="approved", reason="", earlier=hidden[0])
        assert (slip.status_code, await state(request)) == (422, "offered")
        meant = await decide(phone, request, pin_code=pin, outcome="approved", reason="")

    asked = bare.text[bare.text.index('id="refuse-title"') :]
    assert "Schrijf op waarom u niet akkoord bent" in asked, "by the reason's field, which stays open"
    assert re.search(r'<details class="disclosure" open>.*<textarea[^>]* autofocus aria-invalid="true"', asked)
    assert 'id="proof-problem"' not in bare.text and "autofocus" not in bare.text.replace(asked, "")
    assert "Net koos u voor" in slip.text and 'name="earlier"' not in slip.text, "asked once, not for ever"
    assert (meant.status_code, await state(request)) == (303, "approved")


async def test_who_refuses_all_says_why_of_all(office: Cast, browser: Browsers) -> None:
    """A reason with one of the documents is none for the others: that is told at the reason, and not as a wrong code."""
    rik = await person(office.bakkerij, "Rikkie")
    request = await offered(office, None, part("een.pdf"), part("twee.pdf"))
    [pin] = await pin_of(rik)
    await look(rik, request)
    one = (await main_parts(request))[0]
    marks = {f"x-{request.id}-{one.id}": "1", f"w-{request.id}-{one.id}": "Bedrag klopt niet"}
    async with browser(rik) as phone:
        bare = await decide(phone, request, pin_code=pin, outcome="rejected", reason="", **marks)

    assert bare.status_code == 422 and await state(request) == "offered"
    assert re.search(r'<textarea[^>]*id="reason"[^>]* autofocus aria-invalid="true"', bare.text)
    assert not re.search(r'id="proof-code"[^>]*aria-invalid', bare.text) and "Bedrag klopt niet" in bare.text


async def test_sent_twice_at_once_it_counts_once(office: Cast, browser: Browsers) -> None:
    rik = await person(office.bakkerij, "Rikkie")
    request = await offered(office)
    [pin] = await pin_of(rik)
    async with browser(rik) as phone:
        for one_ in (request,):
            await look(rik, one_)
        form = await sent(request, pin_code=pin)
        both = await asyncio.gather(*(phone.post(pages.decide.url(), data=form) for _ in range(2)))

    assert {reply.status_code for reply in both} <= {303, 422}
    assert (
        await ApprovalRecord.count().where((ApprovalRecord.request == request.id) & (ApprovalRecord.act == "approved"))
        == 1
    )


@pytest.mark.parametrize("method", ["codes", "totp"])
async def test_a_double_tap_with_what_works_once_is_not_told_to_be_wrong(
    office: Cast, browser: Browsers, method: str
) -> None:
    rik = await person(office.bakkerij, "Rikkie")
    request = await offered(office)
    if method == "totp":
        code = pyotp.TOTP(await with_authenticator(rik)).now()
    else:
        codes = await pin_of(rik, "codes")
        code = codes[(await engine.raw("SELECT asked FROM pin WHERE person = $1", rik.user.id))[0]["asked"] - 1]
    async with browser(rik) as phone:
        await look(rik, request)
        form = await sent(request, method=method, pin_code=code)
        both = await asyncio.gather(*(phone.post(pages.decide.url(), data=form) for _ in range(2)))

    assert [reply.status_code for reply in both] == [303, 303]
    assert (
        await ApprovalRecord.count().where((ApprovalRecord.request == request.id) & (ApprovalRecord.act == "approved"))
        == 1
    )


async def test_who_came_in_by_passkey_comes_back_by_one_button(
    office: Cast, browser: Browsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    rik = await person(office.bakkerij, "Rikkie")
    request = await offered(office)
    await User.update({User.has_passkey: True}).where(User.id == rik.user.id)
    async with browser(rik) as phone:
        await engine.raw("UPDATE session SET how = 'passkey' WHERE person = $1", rik.user.id)
        page = await phone.get(pages.page.url(approval_id=request.id))
        there = re.search(r'formaction="([^"]+)"', page.text)
        assert there and "Opnieuw aanmelden met uw wachtwoord" in page.text
        out = await phone.post(there[1])

        came = (await phone.get(out.headers["location"])).text
    assert out.headers["location"] == sign_in.url(next=pages.page.url(approval_id=request.id), by="password")
    assert "Meld u deze keer aan met uw wachtwoord" in came and "Aanmelden met passkey" not in came


async def test_a_code_of_the_list_works_once_and_its_number_is_asked(office: Cast, browser: Browsers) -> None:
    rik = await person(office.bakkerij, "Rikkie")
    first, second = await offered(office), await offered(office)
    codes = await pin_of(rik, "codes")
    async with browser(rik) as phone:
        for one_ in (
            first,
            second,
        ):
            await look(rik, one_)
        page = await phone.get(pages.page.url(approval_id=first.id))
        number = int(re.search(r"Code nummer (\d+)", page.text)[1])  # type: ignore[index]
        done = await decide(phone, first, method="codes", pin_code=codes[number - 1])
        replayed = await decide(phone, second, method="codes", pin_code=codes[number - 1])

    assert (done.status_code, replayed.status_code) == (303, 422)
    assert (await state(first), await state(second)) == ("approved", "offered")


async def test_after_five_wrong_ones_it_is_blocked_and_says_what_to_do(office: Cast, browser: Browsers) -> None:
    rik = await person(office.bakkerij, "Rikkie")
    request = await offered(office)
    [pin] = await pin_of(rik)
    wrong = "000000" if pin != "000000" else "111111"
    async with browser(rik) as phone:
        for one_ in (request,):
            await look(rik, one_)
        said = [await decide(phone, request, pin_code=wrong) for _ in range(5)]
        right = await decide(phone, request, pin_code=pin)

    assert "Uw pincode is geblokkeerd na vijf verkeerde pogingen" in said[-1].text
    assert "Bij nog een verkeerde poging wordt hij geblokkeerd" in said[-2].text and "2 keer" in said[-3].text
    assert (right.status_code, await state(request)) == (422, "offered")


async def test_who_stands_later_sees_nothing_and_who_may_look_only_looks(office: Cast, browser: Browsers) -> None:
    rik, kim, lou = (
        await person(office.bakkerij, "Rikkie"),
        await person(office.bakkerij, "Kim"),
        await person(office.bakkerij, "Lou", 1 | 16),
    )
    await plan(office.bakkerij, step(rik), step(kim))
    request = await offered(office)
    [pin] = await pin_of(kim)
    at = pages.page.url(approval_id=request.id)
    async with browser(kim) as later, browser(lou) as looks, browser(office.sam) as stranger:
        assert (await later.get(at)).status_code == 404
        assert at not in (await later.get(pages.list_.url())).text
        shown = await looks.get(at)
        assert (shown.status_code, 'name="pin_code"' in shown.text) == (200, False)
        assert (await stranger.get(at)).status_code == 404
        refused = await decide(later, request, pin_code=pin)
        assert refused.status_code in (404, 422)
    assert await state(request) == "offered"


async def test_a_substitute_approves_on_behalf_of_and_the_page_says_so(office: Cast, browser: Browsers) -> None:
    rik, kim = await person(office.bakkerij, "Rikkie"), await person(office.bakkerij, "Kim")
    await plan(office.bakkerij, step(rik))
    await Mandate(
        client=office.bakkerij,
        giver=rik.user.id,
        taker=kim.user.id,
        since=this_day(),
        until=this_day() + dt.timedelta(days=3),
        made_at=utcnow(),
    ).save()
    request = await offered(office)
    [pin] = await pin_of(kim)
    async with browser(kim) as phone:
        page = await phone.get(pages.page.url(approval_id=request.id))
        for one_ in (request,):
            await look(kim, one_)
        done = await decide(phone, request, pin_code=pin, **{f"b-{request.id}": str(rik.user.id)})

    assert "namens Rikkie" in page.text and f'name="b-{request.id}"' in page.text
    assert done.status_code == 303
    row = await Approver.objects().where(Approver.request == request.id).first()
    assert (row.state, row.person, row.decided_by) == ("approved", rik.user.id, kim.user.id)


async def test_the_pages_of_several_documents_are_named_by_their_document(office: Cast, browser: Browsers) -> None:
    """Who hears the page tells the bars of two documents apart; how many pages there are is said once, by that bar."""
    bo = await person(office.bakkerij, "Bo")
    parts = []
    for name in ("btw.pdf", "jaarrekening.pdf"):
        stored = await storage().put(pdf(name))
        parts.append(part(name, sha256=stored.sha256, size=stored.size, pages=1))
    request = await offered(office, None, *parts)
    async with browser(bo) as tab:
        page = (await tab.get(pages.page.url(approval_id=request.id))).text
        views = [(await tab.get(approval_parts.view.url(part_id=one.id))).text for one in await main_parts(request)]

    labels = [label for view in views for label in re.findall(r'<nav class="pages-bar[^>]* aria-label="([^"]*)"', view)]
    assert labels == ["Weergave: btw.pdf", "Weergave: jaarrekening.pdf"]
    assert "1 pagina<" not in page and all(view.count("1 pagina<") == 1 for view in views)


async def test_a_question_goes_to_the_office_from_the_very_item(office: Cast, browser: Browsers) -> None:
    rik = await person(office.bakkerij, "Rikkie")
    request = await offered(office)
    at = f"{pages.page.url(approval_id=request.id)}/questions"
    async with browser(rik) as phone:
        assert (await phone.post(at, data={"text": " "})).status_code == 422
        assert (await phone.post(at, data={"text": "Waarom is dit hoger dan vorig kwartaal?"})).status_code == 303
        assert "hoger dan vorig kwartaal" in (await phone.get(pages.page.url(approval_id=request.id))).text
    assert await ApprovalRemark.count() == 1


async def test_without_a_means_it_says_how_to_get_one(office: Cast, browser: Browsers) -> None:
    rik = await person(office.bakkerij, "Rikkie")
    request = await offered(office)
    async with browser(rik) as phone:
        page = await phone.get(pages.page.url(approval_id=request.id))

    assert "U kunt nu nog niet accorderen" in page.text and "Vraag uw kantoor om een brief" in page.text
    assert 'name="pin_code"' not in page.text


async def test_who_looks_through_his_eyes_changes_and_marks_nothing(office: Cast, browser: Browsers) -> None:
    rik = await person(office.bakkerij, "Rikkie")
    request = await offered(office)
    [pin] = await pin_of(rik)
    before = await ApprovalRecord.count()
    async with browser(office.anna) as anna:
        page = await anna.get(f"/view-as/{rik.user.id}{pages.page.url(approval_id=request.id)}")
        tried = await anna.post(f"/view-as/{rik.user.id}{pages.decide.url()}", data=await sent(request, pin_code=pin))

    assert (page.status_code, 'name="pin_code"' in page.text, tried.status_code) == (200, False, 403)
    assert await ApprovalRecord.count() == before


async def test_the_list_of_five_hundred_asks_the_database_as_often_as_that_of_one(
    office: Cast, browser: Browsers
) -> None:
    rik = await person(office.bakkerij, "Rikkie")
    await offered(office)
    async with browser(rik) as phone:
        with engine.count_queries() as few:
            await phone.get(pages.list_.url())
        for _ in range(12):
            await offered(office)
        with engine.count_queries() as many:
            shown = await phone.get(pages.list_.url())
    assert few.n == many.n <= 12
    assert shown.text.count('name="ids"') == 13


async def test_a_draft_is_not_the_clients_to_see(office: Cast, browser: Browsers) -> None:
    rik = await person(office.bakkerij, "Rikkie")
    request = await draft(office)
    async with browser(rik) as phone:
        assert (await phone.get(pages.page.url(approval_id=request.id))).status_code == 404


async def test_nobody_guesses_at_what_was_meant(office: Cast, browser: Browsers) -> None:
    rik = await person(office.bakkerij, "Rikkie")
    request = await offered(office, None, part("tarieven.pdf"), part("opdracht.pdf"))
    [pin] = await pin_of(rik)
    await look(rik, request)
    [one, _] = await main_parts(request)
    async with browser(rik) as phone:
        reason = await decide(phone, request, pin_code=pin, reason="Het bedrag klopt niet")
        bare = await decide(phone, request, pin_code=pin, **{f"w-{request.id}-{one.id}": "Tarief te hoog"})
        nothing = await decide(phone, request, pin_code=pin, outcome="misschien")
        refused = await decide(phone, request, pin_code=pin, outcome="rejected", reason="Het bedrag klopt niet")

    assert [reply.status_code for reply in (reason, bare, nothing, refused)] == [422, 422, 422, 303]
    assert "Het bedrag klopt niet" in reason.text and "Tarief te hoog" in bare.text
    assert "Er is niets vastgelegd" in reason.text and "Er is niets vastgelegd" in bare.text
    assert await state(request) == "rejected"


async def test_a_choice_that_came_too_late_says_so_and_keeps_what_was_typed(office: Cast, browser: Browsers) -> None:
    rik = await person(office.bakkerij, "Rikkie")
    one, two = await offered(office), await offered(office)
    [pin] = await pin_of(rik)
    await look(rik, one)
    async with browser(rik) as phone:
        stale = await sent(one, pin_code=pin, outcome="rejected", reason="Toch niet goed")
        await decide(phone, one, pin_code=pin)
        late = await phone.post(pages.decide.url(), data=stale)
        [of_two] = await main_parts(two)
        unread = await decide(
            phone, two, one, pin_code=pin, **{f"x-{two.id}-{of_two.id}": "1", f"w-{two.id}-{of_two.id}": "Klopt niet"}
        )

    assert late.status_code == 422 and "Uw keuze is niet vastgelegd" in late.text and "Toch niet goed" in late.text
    assert "niet vastgelegd" in unread.text and "Klopt niet" in unread.text
    assert (await state(one), await state(two)) == ("approved", "offered")


async def test_what_was_typed_when_the_session_had_ended_stands_there_again(office: Cast, browser: Browsers) -> None:
    rik = office.rik
    request = await offered(office)
    await look(rik, request)
    await pin_of(rik)
    async with browser(rik) as phone:
        form = await sent(request, pin_code="123456", outcome="rejected", reason="De omzet van maart ontbreekt")
        await Session.update({Session.ended_at: Session.created_at}, force=True)
        kept = (await phone.post(pages.decide.url(), data=form)).headers["location"]
        back = (await phone.post(kept, data={"email": rik.user.email, "password": PASSWORD})).headers["location"]
        again = await phone.get(back)
        await Session.update({Session.ended_at: Session.created_at}, force=True)
        kept = (
            await phone.post(pages.question.url(approval_id=request.id), data={"text": "Klopt regel 5b wel?"})
        ).headers["location"]
        back = (await phone.post(kept, data={"email": rik.user.email, "password": PASSWORD})).headers["location"]
        asked = await phone.get(back)

    assert "De omzet van maart ontbreekt" in again.text and "123456" not in again.text
    assert "Klopt regel 5b wel?" in asked.text
    assert await state(request) == "offered"


async def test_who_is_asked_himself_and_for_another_gives_each_apart(office: Cast, browser: Browsers) -> None:
    uma, vic = await person(office.bakkerij, "Uma"), await person(office.bakkerij, "Vic", Right.APPROVE)
    await plan(office.bakkerij, step(uma, vic))
    request = await offered(office)
    [pin] = await pin_of(vic)
    given = Mandate(
        client=office.bakkerij, giver=uma.user.id, taker=vic.user.id, since=dt.date(2026, 1, 1), made_at=utcnow()
    )
    await given.save()
    await look(vic, request)
    at = pages.page.url(approval_id=request.id)
    async with browser(vic) as phone:
        listed = await phone.get(pages.list_.url())
        own, hers = await phone.get(at), await phone.get(f"{at}?behalf={uma.user.id}")
        await decide(phone, request, pin_code=pin)
        alone = await Approver.objects().where(Approver.request == request.id, Approver.state == "approved")
        done = await decide(phone, request, pin_code=pin, **{f"b-{request.id}": str(uma.user.id)})

    assert f"behalf={uma.user.id}" in listed.text and 'aria-current="page"' in listed.text
    assert "U doet dit namens" not in own.text and "namens Uma Test" in hers.text
    assert [row.person for row in alone] == [vic.user.id]
    assert done.status_code in (303, 422) and (await now(request)).state in ("partly", "approved")


async def test_who_only_looks_on_finds_it_in_his_list(office: Cast, browser: Browsers) -> None:
    fem = await person(office.bakkerij, "Femke", Right.VIEW_PAYROLL)
    request = await draft(office, viewers=(fem.user.id,))
    async with browser(fem) as phone:
        before = await phone.get(pages.list_.url())
        home = await phone.get("/portal")
        await offer(request, by=office.anna)
        after, page = await phone.get(pages.list_.url()), await phone.get(pages.page.url(approval_id=request.id))

    assert before.status_code == 404 and pages.list_.url() not in home.text
    assert (after.status_code, page.status_code) == (200, 200) and pages.page.url(approval_id=request.id) in after.text


async def test_thirty_together_ask_the_database_as_often_as_two(office: Cast, browser: Browsers) -> None:
    rik = await person(office.bakkerij, "Rikkie")
    requests = [await offered(office) for _ in range(30)]
    async with browser(rik) as phone:
        counts = []
        for some in (requests[:2], requests):
            with engine.count_queries() as counter:
                page = await phone.get(pages.together.url(), params={"ids": [one.id for one in some]})
            assert page.text.count('name="r-') == len(some)
            counts.append(counter.n)

    assert counts[0] == counts[1] <= 12


async def test_a_page_is_seen_when_it_came_into_view_and_a_locked_file_when_it_was_fetched(
    office: Cast, browser: Browsers
) -> None:
    rik = await person(office.bakkerij, "Rikkie")
    stored = await storage().put(pdf("Een", "Twee"))
    shut = await storage().put(b"%PDF-1.4 op slot")
    request = await offered(
        office, None, part("lang.pdf", sha256=stored.sha256, size=stored.size), part("slot.pdf", sha256=shut.sha256, size=shut.size, pages=None, is_locked=True)
    )  # fmt: skip
    one, locked = await main_parts(request)
    async with browser(rik) as phone:
        view = await phone.htmx("GET", approval_parts.view.url(part_id=one.id))
        await phone.get(approval_parts.page.url(part_id=one.id, number=2, ahead=1))
        ahead = await seen_of(request)
        told = await phone.post(approval_parts.seen.url(part_id=one.id, number=2))
        unshown = [await phone.htmx("GET", approval_parts.view.url(part_id=locked.id))]
        looked = await seen_of(request)
        before = await phone.get(pages.page.url(approval_id=request.id))
        heard = await version_of(f"user-{rik.user.id}")
        await phone.get(approval_parts.file.url(part_id=locked.id))
        after = await phone.get(pages.page.url(approval_id=request.id))
        unshown.append(await phone.htmx("GET", approval_parts.view.url(part_id=locked.id)))

    follows = f'data-live="user-{rik.user.id}"'
    assert follows in before.text and follows not in after.text
    assert ['name="unread"' in reply.text for reply in unshown] == [True, False]
    assert not engine.is_sqlite() or await version_of(f"user-{rik.user.id}") > heard
    assert view.text.count("data-seen") == 2 and "ahead=1" in view.text
    assert ahead == {(one.id, 0)} and told.status_code == 204
    assert looked == {(one.id, 0), (one.id, 2)}
    assert await seen_of(request) == {(one.id, 0), (one.id, 2), (locked.id, 0)}


async def version_of(topic: str) -> int:
    """On SQLite; on Postgres a topic leaves nothing behind."""
    rows = await engine.raw("SELECT version FROM topic WHERE name = $1", topic)
    return int(rows[0]["version"]) if rows else 0


async def seen_of(request: ApprovalRequest) -> set[tuple[int, int]]:
    rows = await engine.raw("SELECT document, page FROM approval_seen WHERE request = $1", request.id)
    return {(row["document"], row["page"]) for row in rows}


async def test_whose_approval_is_void_reads_that_why_since_when_and_where_it_goes_on(
    office: Cast, browser: Browsers
) -> None:
    rik, bo = await person(office.bakkerij, "Rikkie"), await person(office.bakkerij, "Bo")
    await plan(office.bakkerij, step(rik, bo))
    old, swapped = await offered(office), await offered(office)
    await says_yes(rik, old)
    await says_yes(rik, swapped)
    [one] = await main_parts(swapped)
    await engine.run_writing(lambda: _swap(office, swapped, one))
    new = await draft(office)
    await replace_by(await now(old), new, by=office.anna)

    async with browser(rik) as phone:
        replaced = (await phone.get(pages.page.url(approval_id=old.id))).text
        again = (await phone.get(pages.page.url(approval_id=swapped.id))).text
        fresh = (await phone.get(pages.page.url(approval_id=new.id))).text
    async with browser(bo) as phone:
        of_bo = [(await phone.get(pages.page.url(approval_id=one.id))).text for one in (old, swapped)]

    assert re.search(r"Uw akkoord van [^<]+ is op [^<]+ vervallen: uw kantoor verving deze accordering", replaced)
    assert f'href="{pages.page.url(approval_id=new.id)}"' in replaced and "Wie akkoord geeft" not in replaced
    assert re.search(r"Een stuk is vervangen: “btw.pdf”. Uw akkoord van [^<]+ is daarom op", again)
    assert "Bekijk wat er nu staat" in again and "vervallen" not in fresh
    assert "Hier wordt niets meer gevraagd" in of_bo[0] and "Uw akkoord van" not in of_bo[0] + of_bo[1]
