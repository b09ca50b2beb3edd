"""The rules of approvals that an office leans on: deadlines, four eyes, roles as they are at the moment, plans that can be completed."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest

from models import engine
from models.approvals import (
    ApprovalRequest,
    ApproverRole,
    NewRequest,
    add_parts,
    change,
    decide_one,
    foreseen,
    make,
    note_opened,
    offer,
    open_for,
    sign_off,
    withdraw,
)
from models.approvals.due import lateness, origin_of
from models.approvals.granting import end_mandate, end_role, give_mandate, give_role
from models.approvals.reading import whole
from models.approvals.standing import stuck
from models.approvals.telling import tell_stuck
from models.core import Refused, save
from models.settings import Firm
from models.viewer import Right, Viewer
from tests.approving import (
    acts,
    decision,
    draft,
    kind,
    look,
    main_parts,
    now,
    offered,
    part,
    person,
    place_of,
    plan,
    proof,
    says_yes,
    step,
)
from tests.cast import Cast, browser_of

D = dt.date


async def granted(cast: Cast, months: int | None) -> None:
    await engine.raw("UPDATE client SET extension_months = $1 WHERE id = $2", months, cast.bakkerij)


async def of_year(cast: Cast, name: str, **more: object) -> ApprovalRequest:
    return await draft(cast, kind=(await kind(name)).id, **{"book_year": 2026, "period": ""} | more)


async def origin(cast: Cast, request: ApprovalRequest) -> str:
    return str(origin_of(request, (await whole(cast.anna, request)).row) or "")


async def test_who_has_no_extension_of_his_own_has_the_firms(cast: Cast) -> None:
    """The screen of a client's keeping says so, and deadlines count it so: IB to 1 May a year later, VPB to about that day."""
    income, corporate = await of_year(cast, "Aangifte inkomstenbelasting"), await of_year(
        cast, "Aangifte vennootschapsbelasting"
    )  # fmt: skip
    assert (income.legal_due, corporate.legal_due) == (D(2028, 5, 1), D(2028, 4, 30))
    assert await origin(cast, income) == "met uitstel van 12 maanden, zoals het kantoor heeft ingesteld"

    await save(await Firm.load(), margin_months=0)
    none = await of_year(cast, "Aangifte inkomstenbelasting")
    assert (none.legal_due, await origin(cast, none)) == (D(2027, 5, 1), "volgens de kalender van Inkomstenbelasting")

    await granted(cast, 4)
    own = await of_year(cast, "Aangifte inkomstenbelasting")
    assert (own.legal_due, await origin(cast, own)) == (
        D(2027, 9, 1),
        "met uitstel van 4 maanden, zoals bij de cliënt staat",
    )
    chosen = await of_year(cast, "Aangifte inkomstenbelasting", legal_due=D(2027, 5, 2))
    assert await origin(cast, chosen) == "zelf gekozen"


async def test_a_dividend_and_adopted_accounts_are_due_from_the_day_of_the_decision(cast: Cast) -> None:
    dividend = await of_year(cast, "Aangifte dividendbelasting", dated_on=D(2026, 12, 31))
    without = await of_year(cast, "Aangifte dividendbelasting")
    filed = await of_year(cast, "Publicatiestukken", dated_on=D(2027, 3, 1))
    assert (dividend.legal_due, without.legal_due, filed.legal_due) == (D(2027, 1, 31), None, D(2027, 3, 9))
    assert "vanaf de dag van het besluit" in await origin(cast, dividend)


async def test_another_kind_or_period_has_deadlines_and_addressee_of_its_own(cast: Cast) -> None:
    """What nobody typed followed from the old ones, also where the form sends it back as it stood there."""
    request = await draft(cast, period="m01")
    was = NewRequest(
        kind=request.kind, book_year=2026, period="m01", addressee=request.addressee, internal_due=request.internal_due,
        legal_due=request.legal_due, beside=True,
    )  # fmt: skip
    assert (request.legal_due, request.addressee) == (D(2026, 2, 28), "de Belastingdienst")
    filing = dataclasses.replace(was, kind=(await kind("Publicatiestukken")).id, period="")
    await change(request, filing, by=cast.anna)
    found = await now(request)
    assert (found.legal_due, found.internal_due, found.addressee) == (
        D(2027, 12, 31), D(2027, 12, 24), "de Kamer van Koophandel",
    )  # fmt: skip

    typed = dataclasses.replace(was, internal_due=D(2026, 2, 2), legal_due=D(2026, 3, 3), addressee="de gemeente")
    other = await make(await cast.anna.clients.get(cast.bakkerij), typed, [part()], by=cast.anna)
    await change(other, dataclasses.replace(typed, period="m02"), by=cast.anna)
    found = await now(other)
    assert (found.internal_due, found.legal_due, found.addressee) == (D(2026, 2, 2), D(2026, 3, 3), "de gemeente")


def test_a_deadline_that_has_passed_is_said_beforehand() -> None:
    assert "01-05-2020" in str(lateness(None, D(2020, 5, 1))) and "interne" in str(
        lateness(D(2020, 4, 1), D(2099, 1, 1))
    )
    assert lateness(D(2099, 1, 1), D(2099, 2, 1)) is None and lateness(None, None) is None


# roles as they are at the moment


async def gave_role(cast: Cast, who: Viewer, role: str = "director") -> ApproverRole:
    await give_role(await cast.anna.clients.get(cast.bakkerij), who.user.id, role, None, None, by=cast.anna)
    found = await ApproverRole.objects().where(ApproverRole.person == who.user.id).first()
    assert found is not None
    return found


async def roles_on_record(request: ApprovalRequest, *which: str) -> dict[str, set[str]]:
    rows = await engine.raw("SELECT act, name, role FROM approval_record WHERE request = $1", request.id)
    return {act: {row["role"] for row in rows if row["act"] == act} for act in which}


async def test_a_role_that_ended_after_offering_is_not_approved_under(cast: Cast) -> None:
    eva, sub = await person(cast.bakkerij, "Eva"), await person(cast.bakkerij, "Sub")
    role = await gave_role(cast, eva)
    client = await cast.anna.clients.get(cast.bakkerij)
    await give_mandate(client, eva.user.id, sub.user.id, None, None, None, by=cast.anna)
    await plan(cast.bakkerij, step("director"))
    request = await offered(cast)
    assert [one.id for one in await open_for(eva)] == [one.id for one in await open_for(sub)] == [request.id]

    await end_role(role, by=cast.anna)
    assert await open_for(eva) == await open_for(sub) == []
    with pytest.raises(Refused, match="Directeur"):
        await says_yes(eva, request)
    with pytest.raises(Refused, match="Directeur"):
        await says_yes(sub, request, on_behalf_of=eva.user.id)
    foresaw = await foreseen(eva.scope(ApprovalRequest), await decision(request), by=eva)
    assert foresaw.why is not None and "Directeur" in str(foresaw.why)
    assert (await now(request)).state == "offered"


async def test_the_record_says_what_somebody_was_then(cast: Cast) -> None:
    """Asked by person, registered as director: the proof says director, of what he opened too."""
    eva = await person(cast.bakkerij, "Eva")
    role = await gave_role(cast, eva)
    await plan(cast.bakkerij, step(eva))
    request = await offered(cast)
    await look(eva, request)
    (main,) = await main_parts(request)
    await engine.run_writing(lambda: note_opened(main.id, main.sha256, by=eva, page=1))
    await says_yes(eva, request)
    acts = ("asked", "opened", "page_seen", "approved")
    assert await roles_on_record(request, *acts) == {key: {"Directeur"} for key in acts}

    await end_role(role, by=cast.anna)
    later = await offered(cast)
    await says_yes(eva, later)
    assert await roles_on_record(later, "asked", "approved") == {"asked": {"Accordeur"}, "approved": {"Accordeur"}}


async def test_a_substitute_is_on_record_as_what_he_is_himself(cast: Cast) -> None:
    eva, sub = await person(cast.bakkerij, "Eva"), await person(cast.bakkerij, "Sub")
    await gave_role(cast, eva)
    client = await cast.anna.clients.get(cast.bakkerij)
    await give_mandate(client, eva.user.id, sub.user.id, None, None, None, by=cast.anna)
    await plan(cast.bakkerij, step("director"))
    request = await offered(cast)
    await says_yes(sub, request, on_behalf_of=eva.user.id)
    assert await roles_on_record(request, "approved") == {"approved": {"Gemachtigde"}}


# plans that can be completed


async def blocks(who: Viewer) -> None:
    await engine.raw("UPDATE users SET state = 'blocked' WHERE id = $1", who.user.id)


@pytest.mark.parametrize("how", ["blocked", "without the right"])
async def test_what_asks_everybody_is_not_offered_while_one_of_them_cannot(cast: Cast, how: str) -> None:
    bo, cas = await person(cast.bakkerij, "Bo"), await person(cast.bakkerij, "Cas")
    await plan(cast.bakkerij, step(bo, cas, mode="all"))
    if how == "blocked":
        await blocks(cas)
    else:
        await engine.raw("UPDATE access SET rights = 1, own = 1 WHERE person = $1", cas.user.id)
    with pytest.raises(Refused, match="iedereen, maar deze mensen kunnen dat niet geven: Cas Test"):
        await offered(cast)


async def test_what_cannot_be_completed_any_more_is_told_to_the_office_once(cast: Cast) -> None:
    """Two of three, and two are blocked after it was offered; one of three that only needs one goes on."""
    bo, cas, dee = [await person(cast.bakkerij, name) for name in ("Bo", "Cas", "Dee")]
    await plan(cast.bakkerij, step(bo, cas, dee, mode="some", n=2))
    two = await offered(cast)
    await plan(cast.bakkerij, step(bo, cas, dee, mode="any"), kind=(await kind("Salarisrun")).id)
    one = await offered(cast, kind=(await kind("Salarisrun")).id)
    await blocks(bo)
    assert await stuck([two.id, one.id]) == {} and await tell_stuck() == 0
    await blocks(cas)
    assert await stuck([two.id, one.id]) == {two.id: ("Bo Test", "Cas Test")}
    assert (await tell_stuck(), await tell_stuck()) == (1, 0)
    told = await engine.raw("SELECT request, person FROM approval_news WHERE batch = 'stuck'")
    assert [(row["request"], row["person"]) for row in told] == [(two.id, two.responsible)]
    async with browser_of(cast.anna) as anna:
        page, board = await anna.get(f"/approvals/{two.id}"), await anna.get("/approvals")
    assert "kan zo niet meer compleet worden: Bo Test, Cas Test" in page.text
    assert board.text.count("kan zo niet meer compleet worden") == 1


async def test_sent_twice_it_counts_for_one_step(cast: Cast) -> None:
    """A double tap of who stands in two steps: the second time he is asked anew, of another step than he saw."""
    pia, piet = await person(cast.bakkerij, "Pia"), await person(cast.bakkerij, "Piet")
    await plan(None, step(pia), step(piet, pia, mode="any"))
    request = await offered(cast)
    shown = await decision(request, place=await place_of(pia, request))
    await says_yes(pia, request)

    again = await decide_one(pia.scope(ApprovalRequest), shown, proof(), by=pia)
    with pytest.raises(Refused, match="in meer dan één stap"):
        await decide_one(pia.scope(ApprovalRequest), await decision(request), proof(), by=pia)
    assert (again.again, (await now(request)).state, (await foreseen(pia.scope(ApprovalRequest), shown, by=pia)).done) == (
        True, "partly", True,
    )  # fmt: skip
    await says_yes(pia, request)
    assert (await now(request)).state == "approved"


async def test_whoever_changed_a_draft_does_not_authorise_it_whoever_came_after_him(cast: Cast) -> None:
    await plan(None, step(await person(cast.bakkerij, "Pia")))
    await save(await kind(), needs_sign_off=True)
    await engine.raw("UPDATE users SET role = 'administrator' WHERE id = $1", cast.ed.user.id)  # Anna is not alone
    added, altered, lighter = [await draft(cast, by=cast.ed) for _ in range(3)]
    await add_parts(added, [part("erbij.pdf")], by=cast.anna)
    before = NewRequest(kind=altered.kind, book_year=2026, period=altered.period, beside=True)
    await change(altered, dataclasses.replace(before, amount=999_900), by=cast.anna)
    for one in (added, altered, lighter):
        values = NewRequest(kind=one.kind, book_year=2026, period=one.period, message="Groet", beside=True)
        await change(one, values, by=cast.ed)
        await offer(one, by=cast.ed)

    for one in (added, altered):
        with pytest.raises(Refused, match="autoriseert hem niet zelf"):
            await sign_off(await now(one), by=cast.anna)
    await sign_off(await now(lighter), by=cast.anna)
    assert "changed" in await acts(added)


async def test_of_a_client_in_the_archive_nothing_is_asked(cast: Cast) -> None:
    await plan(None, step(await person(cast.bakkerij, "Pia")))
    waits, unsent = await offered(cast), await draft(cast)
    await (await cast.anna.clients.get(cast.bakkerij)).archive(by=cast.anna)

    with pytest.raises(Refused, match="is gearchiveerd"):
        await offer(unsent, by=cast.anna)
    assert await stuck([waits.id]) == {waits.id: ("Pia Test",)}, "the office sees that nobody can come to it"


async def test_a_draft_that_never_left_the_office_is_nobody_elses(cast: Cast) -> None:
    pia = await person(cast.bakkerij, "Pia")
    await plan(None, step(pia))
    unsent, taken_back = await draft(cast), await offered(cast)
    await withdraw(unsent, "", by=cast.anna)
    await withdraw(taken_back, "Er volgt een nieuwe.", by=cast.anna)

    found = await pia.scope(ApprovalRequest).all()
    assert [one.id for one in found] == [taken_back.id]


async def test_a_substitute_sees_what_is_asked_now_and_what_he_did_himself(cast: Cast) -> None:
    """Not what was settled before he came; and what he approved himself stays his to look at."""
    pia, tom = await person(cast.bakkerij, "Pia"), await person(cast.bakkerij, "Tom", Right.APPROVE)
    await plan(None, step(pia))
    before, now_, later = [await offered(cast) for _ in range(3)]
    await says_yes(pia, before)
    client = await cast.anna.clients.get(cast.bakkerij)
    mandate = await give_mandate(client, pia.user.id, tom.user.id, None, None, None, by=cast.anna)

    async def sees() -> set[int]:
        return {one.id for one in await tom.scope(ApprovalRequest).all()}

    assert await sees() == {now_.id, later.id}
    await says_yes(tom, now_, on_behalf_of=pia.user.id)
    await end_mandate(mandate, by=cast.anna)
    assert await sees() == {now_.id}


async def test_who_lost_his_role_makes_a_later_step_impossible(cast: Cast) -> None:
    eva, bob = await person(cast.bakkerij, "Eva"), await person(cast.bakkerij, "Bob")
    role = await gave_role(cast, bob)
    await plan(cast.bakkerij, step(eva), step("director"))
    request = await offered(cast)
    assert await stuck([request.id]) == {}
    await end_role(role, by=cast.anna)
    assert await stuck([request.id]) == {request.id: ("Bob Test",)}
