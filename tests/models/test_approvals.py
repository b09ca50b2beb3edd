"""Approvals: who is asked, what counts as a yes, and what happens when something changes meanwhile."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import pytest

from models import engine, tidying
from models.approvals import (
    AlreadyThere,
    ApprovalDocument,
    ApprovalKind,
    ApprovalRequest,
    ApproverRole,
    Choice,
    FormerPart,
    Mandate,
    NewRequest,
    add_parts,
    already_there,
    answer,
    approve,
    ask,
    change,
    decide_one,
    events,
    expire_due,
    extend,
    make,
    note_opened,
    of_client,
    offer,
    open_for,
    record_on_paper,
    reject,
    remarks_of,
    remove_part,
    replace_by,
    send_back,
    sign_off,
    swap_part,
    who_would_sign,
    whole,
    withdraw,
)
from models.approvals.proofs import Proof
from models.approvals.record import FIELDS, ApprovalRecord, link_of
from models.approvals.states import APPROVER_MOVES, APPROVER_STATES, MOVES, STATES
from models.approvals.words import period_words, statement_of
from models.core import Forbidden, Missing, Refused
from models.settings import this_day, utcnow
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
    plan,
    proof,
    says_no,
    says_yes,
    says_yes_to_all,
    states,
    step,
)
from tests.cast import Cast, as_viewer

DAY = dt.timedelta(days=1)


async def role(who: Viewer, client: int, name: str, since: dt.date | None = None, until: dt.date | None = None) -> None:
    await ApproverRole(client=client, person=who.user.id, role=name, since=since, until=until, made_at=utcnow()).save()


async def mandate(giver: Viewer, taker: Viewer, client: int, **more: Any) -> Mandate:
    made = Mandate(
        **{"client": client, "giver": giver.user.id, "taker": taker.user.id, "since": this_day(), "made_at": utcnow()}
        | more
    )
    await made.save()
    return made


# who is asked


async def test_two_steps_one_after_the_other(cast: Cast) -> None:
    eva, bob = await person(cast.bakkerij, "Eva"), await person(cast.bakkerij, "Bob")
    await plan(cast.bakkerij, step(eva), step(bob))
    request = await offered(cast)

    assert [one.id for one in await open_for(eva)] == [request.id]
    assert not await open_for(bob)
    assert (await says_yes(eva, request)).outcome == "approved"
    assert (await now(request)).state == "partly"
    assert [one.id for one in await open_for(bob)] == [request.id]
    await says_yes(bob, request)

    assert (await now(request)).state == "approved"
    assert await states(request) == {"Eva": "approved", "Bob": "approved"}
    assert await acts(request) == ["made", "offered", "asked", "opened", "approved", "asked", "opened", "approved", "completed"]  # fmt: skip


async def test_the_closest_plan_counts(cast: Cast) -> None:
    vat = await kind()
    eva, bob = await person(cast.bakkerij, "Eva"), await person(cast.bakkerij, "Bob")

    assert (await who_would_sign(cast.bakkerij, vat.id)).source == "everybody"
    for client, of, who, source in (
        (None, None, eva, "office"),
        (None, vat.id, bob, "kind"),
        (cast.bakkerij, None, eva, "client"),
        (cast.bakkerij, vat.id, bob, "client_kind"),
    ):
        await plan(client, step(who), kind=of)
        seen = await who_would_sign(cast.bakkerij, vat.id)
        assert (seen.source, [place.person for place in seen.people]) == (source, [who.user.id])


async def test_without_a_plan_any_of_those_who_may(cast: Cast) -> None:
    eva, bob = await person(cast.bakkerij, "Eva"), await person(cast.bakkerij, "Bob")
    lea = await person(cast.bakkerij, "Lea", Right.VIEW_APPROVALS)
    request = await offered(cast)

    assert (await states(request))["Eva"] == (await states(request))["Bob"] == "asked"
    assert "Lea" not in await states(request)
    assert not await open_for(lea)
    await says_yes(bob, request)

    assert (await now(request)).state == "approved"
    assert (await states(request))["Eva"] == "skipped"
    assert not await open_for(eva)


async def test_two_of_three(cast: Cast) -> None:
    eva, bob, kim = [await person(cast.bakkerij, name) for name in ("Eva", "Bob", "Kim")]
    await plan(cast.bakkerij, step(eva, bob, kim, mode="some", n=2))
    request = await offered(cast)
    await says_yes(eva, request)
    assert (await now(request)).state == "partly"
    await says_yes(kim, request)

    assert (await now(request)).state == "approved"
    assert (await states(request))["Bob"] == "skipped"


async def test_roles_are_those_of_the_day(cast: Cast) -> None:
    eva, bob = await person(cast.bakkerij, "Eva"), await person(cast.bakkerij, "Bob")
    await role(eva, cast.bakkerij, "director", until=this_day() - DAY)
    await role(bob, cast.bakkerij, "director", since=this_day())
    await plan(cast.bakkerij, step("director"))
    vat = (await kind()).id

    assert [one.name for one in (await who_would_sign(cast.bakkerij, vat)).people] == ["Bob Test"]
    assert [one.name for one in (await who_would_sign(cast.bakkerij, vat, day=this_day() - DAY)).people] == ["Eva Test"]
    request = await offered(cast)
    assert await states(request) == {"Bob": "asked"}


async def test_a_fiscal_partner_approves_with_the_right_at_his_own_file(cast: Cast) -> None:
    eva = await person(cast.garage, "Eva")
    await engine.raw("UPDATE client SET partner = $1 WHERE id = $2", cast.garage, cast.bakkerij)
    await engine.raw("UPDATE client SET partner = $2 WHERE id = $1", cast.garage, cast.bakkerij)
    await plan(cast.bakkerij, step("partner"))
    stranger = await person(cast.beheer, "Teun")
    request = await offered(cast)

    assert [one.id for one in await open_for(eva)] == [request.id]
    assert not await stranger.scope(ApprovalRequest).exists()
    assert (await says_yes(eva, request)).outcome == "approved"


async def test_what_may_go_wrong_is_said_beforehand(cast: Cast) -> None:
    eva = await person(cast.bakkerij, "Eva", email="", state="prepared")
    bob = await person(cast.bakkerij, "Bob", state="prepared")
    kim = await person(cast.bakkerij, "Kim", Right.VIEW_APPROVALS)
    ole = await person(cast.bakkerij, "Ole", state="blocked")
    una = await person(cast.bakkerij, "Una")
    await plan(cast.bakkerij, step(eva, bob, kim, ole, una))

    said = [str(one) for one in (await who_would_sign(cast.bakkerij, 1)).warnings]

    assert said == [
        "Eva Test heeft geen e-mailadres en krijgt geen bericht.",
        "Bob Test heeft nog geen login.",
        "Kim Test heeft niet (meer) het recht om bij deze cliënt akkoord te geven.",
        "Ole Test is geblokkeerd en kan geen akkoord geven.",
        "Una Test heeft nog geen middel om akkoord mee te geven, zoals een pincode.",
    ]


async def test_nobody_to_ask_is_no_offer(cast: Cast) -> None:
    kim = await person(cast.bakkerij, "Kim", Right.VIEW_APPROVALS)
    for asked in (step(kim), step("payroll"), step(await person(cast.bakkerij, "Eva"), mode="some", n=2)):
        request = await draft(cast, steps=[asked])
        with pytest.raises(Refused):
            await offer(request, by=cast.anna)
        assert (await now(request)).state == "draft"


# placing


async def test_periods_that_do_not_exist_are_refused(cast: Cast) -> None:
    for period in ("k5", "m13", "p00", "mei", "x"):
        with pytest.raises(Refused):
            await draft(cast, period=period)
    with pytest.raises(Refused):
        await draft(cast, book_year=None, period="k1")


async def test_deadlines_come_from_the_calendar_and_can_be_others(cast: Cast) -> None:
    request = await draft(cast, period="k1")
    assert (request.legal_due, request.internal_due) == (dt.date(2026, 4, 30), dt.date(2026, 4, 23))
    request = await draft(cast, period="k1", legal_due=dt.date(2026, 5, 1), internal_due=dt.date(2026, 4, 30))
    assert (request.legal_due, request.internal_due) == (dt.date(2026, 5, 1), dt.date(2026, 4, 30))
    with pytest.raises(Refused):
        await draft(cast, period="k1", internal_due=dt.date(2026, 5, 2))


async def test_only_a_pdf_can_be_approved(cast: Cast) -> None:
    with pytest.raises(Refused):
        await draft(cast, None, part("brief.docx", mime="application/msword"))
    with pytest.raises(Refused):
        await draft(cast, None, part("bijlage.pdf", part="attachment"))
    request = await draft(cast, None, part(), part("x.docx", mime="application/msword", part="attachment"))
    with pytest.raises(Forbidden):
        await make(await cast.anna.clients.get(cast.bakkerij), NewRequest(kind=1), [part()], by=cast.rik)
    main = (await main_parts(request))[0]
    await remove_part(request, main.id, by=cast.anna)
    with pytest.raises(Refused):
        await offer(request, by=cast.anna)


async def test_what_is_agreed_to_is_one_sentence_and_frozen(cast: Cast) -> None:
    request = await draft(cast, period="k2", amount=123456, title="")
    vat = await kind()
    assert statement_of(vat, request, "Bakkerij {kind}") == (
        "Ik heb “Aangifte omzetbelasting 2e kwartaal 2026” van Bakkerij {kind} bekeken, verklaar dat de gegevens volgens mij juist en "
        "volledig zijn, en geef het kantoor opdracht deze in te dienen bij de Belastingdienst. Bedrag: € 1.234,56 te betalen."
    )
    assert statement_of(vat, request, "X", "en") == (
        "I have looked at “VAT return Q2 2026” of X, declare that to my knowledge its data are correct and complete, and instruct the "
        "office to submit it to the Dutch Tax Administration. Amount: € 1,234.56 to pay."
    )
    assert [period_words(2026, one) for one in ("", "m05", "p13")] == ["2026", "mei 2026", "periode 13 2026"]
    await offer(request, by=cast.anna)
    was = (await now(request)).statement
    await engine.raw("UPDATE approval_kind SET statement = 'Anders'")
    assert (await now(request)).statement == was and "Bakkerij Jansen" in was


async def test_a_draft_changes_and_is_seen_by_no_client(cast: Cast) -> None:
    eva = await person(cast.bakkerij, "Eva")
    request = await draft(cast)
    await change(request, NewRequest(kind=request.kind, book_year=2025, period="k3", message="Let op", viewers=(eva.user.id,)), by=cast.anna)  # fmt: skip

    assert ((await now(request)).period, (await now(request)).message) == ("k3", "Let op")
    assert not await eva.scope(ApprovalRequest).exists()
    await offer(request, by=cast.anna)
    assert await eva.scope(ApprovalRequest).exists()
    with pytest.raises(Refused):
        await change(request, NewRequest(kind=request.kind), by=cast.anna)


async def test_the_sentence_reads_well_for_every_kind(cast: Cast) -> None:
    """Without an article that only fits some of them, with or without a period, and in English without a word of Dutch."""
    for one in await ApprovalKind.objects():
        request = await draft(cast, kind=one.id, period="", book_year=None, title="Huur")
        dutch, english = (statement_of(one, request, "Jansen", language) for language in ("nl", "en"))
        assert dutch.startswith(f"Ik heb “{one.name} (Huur)” van Jansen ") and " ”" not in dutch + english
        assert f"“{one.name_en} (Huur)” of Jansen" in english
        assert not {"de", "het", "Belastingdienst", "Koophandel"} & set(
            english.replace(".", " ").replace(",", " ").split()
        )


async def test_a_name_with_a_full_stop_ends_the_sentence_with_that_one(cast: Cast) -> None:
    request = ApprovalRequest(book_year=2026, client=cast.bakkerij, kind=1, made_at=utcnow())
    for one in await ApprovalKind.objects():
        for language in ("nl", "en"):
            said, plain = (statement_of(one, request, name, language) for name in ("Jansen B.V.", "Jansen"))
            assert ".." not in said and said.endswith(".") == plain.endswith(".")
            assert said.replace("Jansen B.V.", "Jansen").rstrip(".") == plain.rstrip("."), said
    own = ApprovalKind(name="Brief", statement="Ik teken voor {client} {period}. En lees...", statement_en="")
    request.book_year = None
    assert statement_of(own, request, "Jansen B.V.") == "Ik teken voor Jansen B.V. En lees..."


async def test_a_kind_without_english_is_agreed_to_in_dutch(cast: Cast) -> None:
    await engine.raw("UPDATE approval_kind SET statement_en = ''")
    request = await offered(cast)
    assert (await now(request)).statement_en == "" and "bekeken" in (await now(request)).statement


# authorising


async def test_another_authorises_what_somebody_placed(cast: Cast) -> None:
    final = await kind("Jaarrekening (definitief)")
    request = await draft(cast, kind=final.id, period="", by=cast.ed)
    assert await offer(request, by=cast.ed) == "sign_off"
    with pytest.raises(Forbidden):
        await sign_off(request, by=cast.ed)
    await send_back(request, "Pagina 3 ontbreekt", by=cast.anna)
    assert ((await now(request)).state, (await now(request)).reason) == ("draft", "Pagina 3 ontbreekt")
    await offer(request, by=cast.ed)
    await sign_off(request, by=cast.anna)

    assert (await now(request)).state == "offered"
    assert (await acts(request))[:5] == ["made", "sign_off_asked", "sent_back", "sign_off_asked", "signed_off"]


async def test_who_is_alone_authorises_his_own(cast: Cast) -> None:
    final = await kind("Jaarrekening (definitief)")
    request = await draft(cast, kind=final.id, period="")
    await offer(request, by=cast.anna)
    await engine.raw("UPDATE users SET permissions = 'approvals:act,sign_off:act' WHERE id = $1", cast.ed.user.id)
    with pytest.raises(Refused):
        await sign_off(request, by=cast.anna)
    await engine.raw("UPDATE users SET permissions = '' WHERE id = $1", cast.ed.user.id)
    await sign_off(request, by=cast.anna)

    assert (await now(request)).state == "offered"
    (said,) = await engine.raw("SELECT detail FROM approval_record WHERE request = $1 AND act = 'signed_off'", request.id)  # fmt: skip
    assert "door de maker zelf; er is geen ander met dit recht" in said["detail"]


@pytest.mark.parametrize("work", ["swaps", "changes", "adds", "extends", "lays before"])
async def test_who_last_worked_on_it_does_not_authorise_it_himself(cast: Cast, work: str) -> None:
    """Made by Ed; Anna puts other bytes or another amount in it, or lays it before: nobody else ever saw that."""
    await engine.raw("UPDATE users SET permissions = 'approvals:act,sign_off:act' WHERE id = $1", cast.ed.user.id)
    request = await draft(cast, kind=(await kind("Jaarrekening (definitief)")).id, period="", by=cast.ed)
    (main,) = await main_parts(request)
    if work == "swaps":
        await swap_part(request, main.id, part(), by=cast.anna)
        await engine.raw("UPDATE approval_request SET changed_by = $1 WHERE id = $2", cast.ed.user.id, request.id)
    elif work == "changes":
        await change(request, NewRequest(kind=request.kind, book_year=2026, amount=1, beside=True), by=cast.anna)
    elif work == "adds":
        await add_parts(request, [part("bijlage.pdf")], by=cast.anna)
    elif work == "extends":
        await extend(request, None, this_day() + DAY, by=cast.anna)
    await offer(request, by=cast.anna if work == "lays before" else cast.ed)
    with pytest.raises(Refused, match="autoriseert hem niet zelf"):
        await sign_off(request, by=cast.anna)
    assert (await now(request)).state == "sign_off"


# approving


async def test_what_was_not_opened_is_not_approved(cast: Cast) -> None:
    eva = await person(cast.bakkerij, "Eva")
    request = await offered(cast, None, part("a.pdf"), part("b.pdf"))
    with pytest.raises(Refused, match="niet geopend"):
        await decide_one(eva.scope(ApprovalRequest), await decision(request), proof(), by=eva)
    first = (await main_parts(request))[0]
    await note_opened(first.id, first.sha256, by=eva)
    with pytest.raises(Refused, match=r"b\.pdf"):
        await decide_one(eva.scope(ApprovalRequest), await decision(request), proof(), by=eva)
    assert (await says_yes(eva, request)).outcome == "approved"


async def test_a_weaker_or_older_proof_does_not_count(cast: Cast) -> None:
    await engine.raw("UPDATE approval_kind SET least_level = 'totp'")
    eva = await person(cast.bakkerij, "Eva")
    request = await offered(cast)
    await look(eva, request)
    old = Proof("passkey", "passkey", utcnow() - dt.timedelta(hours=1))
    for given in (proof("pin"), proof("codes"), proof("nothing"), old):
        with pytest.raises(Refused):
            await decide_one(eva.scope(ApprovalRequest), await decision(request), given, by=eva)
    assert (await says_yes(eva, request, "passkey")).outcome == "approved"


async def test_a_file_replaced_meanwhile_is_refused_and_asked_anew(cast: Cast) -> None:
    eva, bob, kim = [await person(cast.bakkerij, name) for name in ("Eva", "Bob", "Kim")]
    await plan(cast.bakkerij, step(eva, kim, mode="any"), step(bob))
    request = await offered(cast)
    await says_yes(eva, request)
    await look(bob, request)
    shown = await decision(request)
    (main,) = await main_parts(request)
    voided = await swap_part(request, main.id, part("nieuw.pdf"), by=cast.anna)

    with pytest.raises(Refused, match="vervangen nadat u het bekeek"):
        await decide_one(bob.scope(ApprovalRequest), shown, proof(), by=bob) if await bob.scope(ApprovalRequest).exists() else await decide_one(eva.scope(ApprovalRequest), shown, proof(), by=eva)  # fmt: skip
    assert voided == [eva.user.id]
    assert await states(request) == {"Eva": "asked", "Kim": "asked", "Bob": "waiting"}
    assert ((await now(request)).state, (await now(request)).version, (await now(request)).step) == ("offered", 2, 1)
    assert "voided" in await acts(request)
    assert not await bob.scope(ApprovalRequest).exists()
    with pytest.raises(Refused, match="niet geopend"):
        await decide_one(eva.scope(ApprovalRequest), await decision(request), proof(), by=eva)
    await says_yes(kim, request)
    await says_yes(bob, request)
    assert (await now(request)).state == "approved"


async def test_what_was_put_before_somebody_is_kept_when_another_file_takes_its_place(cast: Cast) -> None:
    eva = await person(cast.bakkerij, "Eva")
    unsent, asked = await draft(cast), await offered(cast)
    await look(eva, asked)
    for request in (unsent, asked):
        [main] = await main_parts(request)
        await swap_part(request, main.id, part("nieuw.pdf"), by=cast.anna)
        if request is asked:
            was = main

    [kept] = await FormerPart.objects()
    assert (kept.request, kept.name, kept.sha256, kept.blob, kept.version) == (
        asked.id,
        was.name,
        was.sha256,
        was.sha256,
        1,
    )
    assert await tidying.referenced([was.sha256]) == {was.sha256}
    assert not await eva.scope(FormerPart).exists()
    everything = await whole(cast.anna, await now(asked))
    assert [one.name for one in everything.former] == [was.name]


async def test_a_wrong_hash_or_a_part_left_out_is_refused(cast: Cast) -> None:
    eva = await person(cast.bakkerij, "Eva")
    request = await offered(cast, None, part("a.pdf"), part("b.pdf"))
    await look(eva, request)
    whole_ = await decision(request)
    one, two = whole_.choices
    for wrong in (
        whole_._replace(choices=(one,)),
        whole_._replace(choices=(one, two._replace(sha256="0" * 64))),
        whole_._replace(choices=(one, two, Choice(10_000, "0" * 64))),
        whole_._replace(choices=(one, two, two)),
        whole_._replace(choices=(one, two._replace(outcome="misschien"))),
        whole_._replace(version=2),
    ):
        with pytest.raises(Refused):
            await decide_one(eva.scope(ApprovalRequest), wrong, proof(), by=eva)
    assert (await now(request)).state == "offered"


async def test_refusing_one_of_two_parts_with_a_reason(cast: Cast) -> None:
    eva, bob, kim = [await person(cast.bakkerij, name) for name in ("Eva", "Bob", "Kim")]
    await plan(cast.bakkerij, step(eva), step(bob, kim))
    request = await offered(cast, None, part("a.pdf"), part("b.pdf"))
    await says_yes(eva, request)
    await look(bob, request)
    second = (await main_parts(request))[1]
    with pytest.raises(Refused, match="reden"):
        await decide_one(
            bob.scope(ApprovalRequest), await decision(request, refuse=[second.id], reason=" "), proof(), by=bob
        )
    await decide_one(
        bob.scope(ApprovalRequest), await decision(request, refuse=[second.id], reason="Omzet mist"), proof(), by=bob
    )

    assert ((await now(request)).state, (await now(request)).reason) == ("rejected", "Omzet mist")
    assert await states(request) == {"Eva": "approved", "Bob": "rejected", "Kim": "skipped"}
    assert (await acts(request))[-2:] == ["approved", "rejected"]
    with pytest.raises(Refused):
        await says_yes(kim, request)


async def test_sent_twice_it_counts_once(cast: Cast) -> None:
    eva = await person(cast.bakkerij, "Eva")
    request = await offered(cast)
    await look(eva, request)
    shown = await decision(request)
    first = await decide_one(eva.scope(ApprovalRequest), shown, proof(), by=eva)
    second = await decide_one(eva.scope(ApprovalRequest), shown, proof(), by=eva)

    assert (first.again, second.again, second.outcome, second.state) == (False, True, "approved", "approved")
    assert (await acts(request)).count("approved") == 1


async def test_one_of_several_that_fails_undoes_no_other(cast: Cast) -> None:
    eva = await person(cast.bakkerij, "Eva")
    good, gone, theirs, more = (
        await offered(cast),
        await offered(cast),
        await offered(cast, cast.garage),
        await offered(cast),
    )
    await withdraw(gone, "Vervalt", by=cast.anna)

    outcomes = await says_yes_to_all(eva, good, gone, theirs, more)

    assert [one.outcome for one in outcomes] == ["approved", "refused", "refused", "approved"]
    assert str(outcomes[1].why) == "Deze accordering is ingetrokken door het kantoor."
    assert str(outcomes[2].why) == "Deze accordering is er niet (meer)."
    assert (await now(theirs)).state == "offered"


async def test_who_looks_through_her_eyes_or_is_of_the_office_approves_nothing(cast: Cast) -> None:
    eva = await person(cast.bakkerij, "Eva")
    request = await offered(cast)
    (main,) = await main_parts(request)
    looking = Viewer(eva.user, list(eva.grants.values()), view_as=cast.anna.user)
    assert [one.id for one in await open_for(looking)] == [request.id]
    assert not await note_opened(main.id, main.sha256, by=looking)
    await look(eva, request)
    with pytest.raises(Forbidden):
        await decide_one(looking.scope(ApprovalRequest), await decision(request), proof(), by=looking)
    with pytest.raises(Forbidden):
        await decide_one(cast.anna.scope(ApprovalRequest), await decision(request), proof(), by=cast.anna)
    with pytest.raises(Forbidden):
        await ask(request, "Hoe dan?", by=looking)
    assert (await acts(request)).count("opened") == 1


async def test_short_ways_to_say_yes_and_no(cast: Cast) -> None:
    eva = await person(cast.bakkerij, "Eva")
    first, second = await offered(cast), await offered(cast)
    for request in (first, second):
        await look(eva, request)
    await approve(await now(first), (await decision(first)).choices, proof(), by=eva)
    await reject(await now(second), (await decision(second)).choices, "Nee", proof(), by=eva)

    assert ((await now(first)).state, (await now(second)).state) == ("approved", "rejected")


# mandates


async def test_a_mandate_counts_on_its_days_and_for_its_kind(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    eva, tom = await person(cast.bakkerij, "Eva"), await person(cast.bakkerij, "Tom")
    await plan(cast.bakkerij, step(eva))
    other = await kind("Salarisrun")
    await mandate(eva, tom, cast.bakkerij, since=this_day() - 9 * DAY, until=this_day() - DAY)
    await mandate(eva, tom, cast.bakkerij, since=this_day() + 3 * DAY)
    await mandate(eva, tom, cast.bakkerij, kind=other.id)
    ended = await mandate(eva, tom, cast.bakkerij, ended_at=utcnow())
    request, payroll = await offered(cast), await offered(cast, kind=other.id)
    vat = (await kind()).id

    assert not (await who_would_sign(cast.bakkerij, vat)).people[0].substitutes
    assert (await who_would_sign(cast.bakkerij, other.id)).people[0].substitutes == ("Tom Test",)
    assert [(one.id, one.on_behalf_of) for one in await open_for(tom)] == [(payroll.id, eva.user.id)]
    with pytest.raises(Refused, match="machtiging"):
        await says_yes(tom, request, on_behalf_of=eva.user.id)
    with pytest.raises(Refused):
        await says_yes(tom, payroll)
    for module in ("deciding", "reading"):
        monkeypatch.setattr(f"models.approvals.{module}.this_day", lambda: ended.since + 3 * DAY)
    assert {one.id for one in await open_for(tom)} == {request.id, payroll.id}
    await says_yes(tom, request, on_behalf_of=eva.user.id)

    record = await ApprovalRecord.objects().where((ApprovalRecord.request == request.id) & (ApprovalRecord.act == "approved")).first()  # fmt: skip
    assert record is not None
    assert (record.person, record.on_behalf_of, record.name) == (tom.user.id, eva.user.id, "Tom Test")
    assert "Eva Test" in record.detail


async def test_nobody_stands_in_for_who_may_not_himself(cast: Cast) -> None:
    eva, tom, kim = [await person(cast.bakkerij, name) for name in ("Eva", "Tom", "Kim")]
    await plan(cast.bakkerij, step(eva, kim, mode="some", n=2))
    await mandate(eva, tom, cast.bakkerij)
    await mandate(kim, tom, cast.bakkerij)
    request = await offered(cast)
    await engine.raw("UPDATE users SET state = 'blocked' WHERE id = $1", eva.user.id)
    with pytest.raises(Refused, match="machtiging"):
        await says_yes(tom, request, on_behalf_of=eva.user.id)
    await engine.raw("UPDATE users SET state = 'active' WHERE id = $1", eva.user.id)
    await says_yes(tom, request, on_behalf_of=eva.user.id)
    with pytest.raises(Refused, match="ook een ander"):
        await says_yes(tom, request, on_behalf_of=kim.user.id)
    await says_yes(kim, request)
    assert (await now(request)).state == "approved"


# otherwise ended


async def test_the_same_period_again_offers_replacement_which_voids(cast: Cast) -> None:
    eva, bob = await person(cast.bakkerij, "Eva"), await person(cast.bakkerij, "Bob")
    await plan(cast.bakkerij, step(eva), step(bob))
    former = await offered(cast, period="k1", beside=False)
    await says_yes(eva, former)
    with pytest.raises(AlreadyThere) as told:
        await draft(cast, period="k1", beside=False)
    assert (told.value.formers[0].id, told.value.formers[0].approvals) == (former.id, 1)
    assert "vervalt het akkoord dat erop gegeven is" in str(told.value.why)
    request = await draft(cast, period="k1", beside=False, replaces=former.id)
    assert (await now(former)).state == "partly"
    await offer(request, by=cast.anna)

    assert (await now(former)).state == "replaced"
    assert await states(former) == {"Eva": "void", "Bob": "void"}
    assert (await acts(former))[-2:] == ["voided", "replaced"]
    assert [one.id for one in await open_for(eva)] == [request.id]
    assert [one.id for one in await already_there(cast.bakkerij, request.kind, 2026, "k1")] == [request.id]
    late = await draft(cast, period="k1", beside=True)
    with pytest.raises(Refused):
        await replace_by(former, late, by=cast.anna)
    await replace_by(request, late, by=cast.anna)
    assert (await now(request)).state == "replaced"


async def test_what_is_offered_long_after_its_deadline_can_be_approved(cast: Cast) -> None:
    """An income tax return of two years back, offered today."""
    eva = await person(cast.bakkerij, "Eva")
    late = await offered(cast, legal_due=dt.date(2020, 5, 1), internal_due=dt.date(2020, 4, 24))
    assert await expire_due() == 0 and await expire_due(this_day() + 60 * DAY) == 0
    assert (await says_yes(eva, late)).outcome == "approved"


async def test_expired_after_sixty_days_and_open_again_with_more_time(cast: Cast) -> None:
    """Sixty days from the legal deadline, and from when the office last offered it or moved its deadline."""
    eva = await person(cast.bakkerij, "Eva")
    legal = this_day() - 61 * DAY
    old, moved = await offered(cast, legal_due=legal, internal_due=legal), await offered(cast, legal_due=legal)
    fresh = await offered(cast, legal_due=this_day() + DAY, internal_due=this_day())

    assert await expire_due(this_day() + 60 * DAY) == 0
    assert await expire_due(this_day() + 61 * DAY) == 2
    assert [(await now(one)).state for one in (old, moved, fresh)] == ["expired", "expired", "offered"]
    with pytest.raises(Refused, match="verlopen"):
        await says_yes(eva, old)
    await extend(old, this_day(), this_day() + DAY, by=cast.anna)
    await extend(moved, None, legal, by=cast.anna)  # a legal deadline stays what it is; the office gives it time again
    assert await expire_due() == 0
    assert ((await now(old)).state, (await now(moved)).state) == ("offered", "offered")
    assert (await says_yes(eva, old)).outcome == "approved"


async def test_on_paper_with_the_scan_kept_apart(cast: Cast) -> None:
    eva = await person(cast.bakkerij, "Eva")
    request = await offered(cast)
    scan = part("scan.pdf")
    for wrong in ({"scans": []}, {"signed_by": " "}, {"signed_on": this_day() + DAY}):
        given: dict[str, Any] = {"scans": [scan], "signed_by": "Eva Test", "signed_on": this_day()} | wrong
        with pytest.raises(Refused):
            await record_on_paper(request, given["scans"], given["signed_by"], given["signed_on"], by=cast.anna)
    await record_on_paper(request, [scan], "Eva Test", this_day(), by=cast.anna)

    seen = await whole(cast.anna, await now(request))
    assert ((await now(request)).state, [one.name for one in seen.scans], len(seen.main)) == (
        "on_paper",
        ["scan.pdf"],
        1,
    )
    assert not await open_for(eva)


async def test_a_question_waits_until_it_is_answered(cast: Cast) -> None:
    eva, bob = await person(cast.bakkerij, "Eva"), await person(cast.garage, "Bob")
    request = await offered(cast)
    await ask(request, "Klopt regel 5b?", by=eva)
    assert (await open_for(eva))[0].questions == 1
    with pytest.raises(Missing):
        await ask(request, "En dit?", by=bob)
    assert not await remarks_of(request, bob)
    with pytest.raises(Refused):
        await ask(request, " ", by=eva)
    await answer(request, "Ja, die klopt.", by=cast.anna)

    assert [(one["side"], one["text"]) for one in await remarks_of(request, eva)] == [("client", "Klopt regel 5b?"), ("office", "Ja, die klopt.")]  # fmt: skip
    assert (await open_for(eva))[0].questions == 0


# who sees what


async def test_strangers_see_nothing(cast: Cast) -> None:
    eva, bob = await person(cast.bakkerij, "Eva"), await person(cast.bakkerij, "Bob")
    lea = await person(cast.bakkerij, "Lea", Right.VIEW_DOSSIER)
    una = await person(cast.bakkerij, "Una", Right.VIEW_APPROVALS)
    await plan(cast.bakkerij, step(eva), step(bob))
    request = await offered(cast, viewers=(lea.user.id,))
    tables = (ApprovalRequest, ApprovalDocument, ApprovalRecord)
    sees = {
        name: [await viewer.scope(table).count() > 0 for table in tables]
        for name, viewer in {"eva": eva, "bob": bob, "lea": lea, "una": una, "fem": cast.fem, "sam": cast.sam, "anna": cast.anna}.items()
    }  # fmt: skip
    no, yes = [False] * 3, [True] * 3

    assert sees == {"eva": yes, "bob": no, "lea": yes, "una": yes, "fem": no, "sam": no, "anna": yes}
    for viewer in (cast.sam, bob, cast.fem):
        with pytest.raises(Missing):
            await decide_one(viewer.scope(ApprovalRequest), await decision(request), proof(), by=viewer)
    await engine.raw("UPDATE users SET permissions = 'clients:act' WHERE id = $1", cast.ed.user.id)
    assert not await (await as_viewer("ed@kantoor.example")).scope(ApprovalRequest).exists()


async def test_once_in_turn_he_stays_in_sight_though_he_stands_in_a_later_step_too(cast: Cast) -> None:
    eva, bob = await person(cast.bakkerij, "Eva"), await person(cast.bakkerij, "Bob")
    await plan(cast.bakkerij, step(eva), step(bob), step(eva))
    request = await offered(cast)
    await says_yes(eva, request)
    assert await eva.scope(ApprovalRequest).exists()
    await says_yes(bob, request)
    await says_yes(eva, request)
    assert (await now(request)).state == "approved"


async def test_the_right_withdrawn_meanwhile(cast: Cast) -> None:
    eva = await person(cast.bakkerij, "Eva")
    request = await offered(cast)
    await look(eva, request)
    await engine.raw("UPDATE access SET rights = $1 WHERE person = $2", int(Right.VIEW_APPROVALS), eva.user.id)
    eva = await as_viewer(eva.user.email)
    assert not await open_for(eva)
    with pytest.raises(Refused, match="geen akkoord geven"):
        await decide_one(eva.scope(ApprovalRequest), await decision(request), proof(), by=eva)


# the proof


async def test_the_chain_holds_what_was_done(cast: Cast) -> None:
    eva = await person(cast.bakkerij, "Eva")
    request = await offered(cast)
    (main,) = await main_parts(request)
    for page in (1, 2, 2, 3):  # it has two pages
        await note_opened(main.id, main.sha256, page=page, by=eva)
    await says_yes(eva, request)
    rows = await ApprovalRecord.select().where(ApprovalRecord.request == request.id).order_by(ApprovalRecord.number)
    previous = "0" * 64
    for row in rows:
        assert (row["previous"], row["link"]) == (previous, link_of({name: row[name] for name in FIELDS}))
        previous = row["link"]

    assert [row["act"] for row in rows].count("page_seen") == 2
    said = next(row for row in rows if row["act"] == "approved")
    assert (said["name"], said["level"], said["document"]) == ("Eva Test", "pin", main.id)
    assert main.sha256 in said["detail"] and "Bakkerij Jansen" in said["statement"]


# the databases themselves


async def test_every_illegal_move_of_a_request_is_refused_by_the_database(cast: Cast) -> None:
    request = await draft(cast)
    for old in STATES:
        for new in STATES:
            if old != new and new not in MOVES[old]:
                with pytest.raises(Exception, match="overgang"):
                    await _walk(request, "approval_request", old, new)
    with pytest.raises(Exception, match="overgang"):
        await engine.raw(
            "INSERT INTO approval_request (client, kind, state, made_at, version, step) VALUES ($1, $2, 'approved', $3, 1, 0)",
            cast.bakkerij, request.kind, utcnow(),
        )  # fmt: skip


async def test_every_illegal_move_of_an_approver_is_refused_by_the_database(cast: Cast) -> None:
    await person(cast.bakkerij, "Eva")
    request = await offered(cast)
    for old in APPROVER_STATES:
        for new in APPROVER_STATES:
            if old != new and new not in APPROVER_MOVES[old]:
                with pytest.raises(Exception, match="overgang"):
                    await _walk(request, "approver", old, new)


async def _walk(request: ApprovalRequest, table: str, old: str, new: str) -> None:
    """From old to new, in a row that is put in state `old` with its triggers out of the way; nothing of it stays."""
    column = "id" if table == "approval_request" else "request"
    async with engine.writing():
        if engine.is_sqlite():
            name = "approval_moves" if table == "approval_request" else "approver_moves"
            kept = await engine.raw("SELECT sql FROM sqlite_master WHERE name = $1", name)
            await engine.raw(f"DROP TRIGGER {name}")
            await engine.raw(f"UPDATE {table} SET state = $1 WHERE {column} = $2", old, request.id)
            await engine.raw(kept[0]["sql"])
        else:
            await engine.raw(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            await engine.raw(f"UPDATE {table} SET state = $1 WHERE {column} = $2", old, request.id)
            await engine.raw(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        await engine.raw(f"UPDATE {table} SET state = $1 WHERE {column} = $2", new, request.id)


async def test_every_illegal_act_is_refused_in_words(cast: Cast) -> None:
    eva = await person(cast.bakkerij, "Eva")
    ended = await offered(cast)
    await withdraw(ended, "Vervalt", by=cast.anna)
    done = await offered(cast)
    await says_yes(eva, done)
    refused = await offered(cast)
    await says_no(eva, refused)
    (main,) = await main_parts(ended)
    for request in (ended, done, refused):
        for act in (
            lambda r: offer(r, by=cast.anna),
            lambda r: sign_off(r, by=cast.anna),
            lambda r: send_back(r, "x", by=cast.anna),
            lambda r: swap_part(r, main.id, part(), by=cast.anna),
            lambda r: extend(r, None, this_day(), by=cast.anna),
            lambda r: record_on_paper(r, [part()], "Eva", this_day(), by=cast.anna),
            lambda r: change(r, NewRequest(kind=r.kind), by=cast.anna),
        ):
            with pytest.raises(Refused):
                await act(request)
    with pytest.raises(Refused):
        await withdraw(done, "x", by=cast.anna)
    with pytest.raises(Refused):
        await withdraw(ended, "x", by=cast.anna)
    await withdraw(refused, "Komt opnieuw", by=cast.anna)


async def test_the_proof_cannot_be_changed_nor_a_part_that_was_approved(cast: Cast) -> None:
    eva = await person(cast.bakkerij, "Eva")
    request = await offered(cast)
    await says_yes(eva, request)
    await engine.raw("UPDATE client SET is_sample = $1", False)
    for sql in (
        "UPDATE approval_record SET name = 'Iemand' WHERE request = $1",
        "UPDATE approval_record SET detail = '{}' WHERE request = $1",
        "DELETE FROM approval_record WHERE request = $1",
        "DELETE FROM approval_request WHERE id = $1",
        "UPDATE approval_document SET sha256 = 'x' WHERE request = $1",
    ):
        with pytest.raises(Exception, match=r"bewijs|beoordeeld"):
            await engine.raw(sql, request.id)


async def test_the_list_of_five_hundred_in_one_query(cast: Cast) -> None:
    eva = await person(cast.bakkerij, "Eva")
    first = await offered(cast)
    row = (await ApprovalRequest.select().where(ApprovalRequest.id == first.id))[0]
    columns = [name for name in row if name != "id"]
    await engine.copy_rows(
        "approval_request",
        columns,
        [[{**row, "state": "draft", "batch": "veel"}[name] for name in columns] for _ in range(499)],
    )
    await engine.raw("UPDATE approval_request SET state = 'offered' WHERE batch = 'veel'")
    await engine.raw(
        "INSERT INTO approver (request, client, person, step, state, asked_at) SELECT id, client, $1, 1, 'asked', $2 FROM approval_request WHERE batch = 'veel'",
        eva.user.id, utcnow(),
    )  # fmt: skip
    start = time.perf_counter()
    with engine.count_queries() as counted:
        listed = await open_for(eva)

    assert (len(listed), counted.n) == (500, 1)
    assert time.perf_counter() - start < 1


# what others hear of


async def test_whoever_subscribes_hears_of_every_change(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[int, str]] = []

    async def hear(request: ApprovalRequest, event: str) -> None:
        heard.append((request.id, event))

    monkeypatch.setattr(events, "HOOKS", [hear])
    eva, bob = await person(cast.bakkerij, "Eva"), await person(cast.bakkerij, "Bob")
    await plan(cast.bakkerij, step(eva), step(bob))
    first = await offered(cast)
    await says_yes(eva, first)
    (main,) = await main_parts(first)
    await swap_part(first, main.id, part(), by=cast.anna)
    await says_yes(eva, first)
    await says_yes(bob, first)
    second = await draft(cast, replaces=first.id)
    await offer(second, by=cast.anna)
    await says_no(eva, second)
    third, fourth, fifth = await offered(cast), await offered(cast), await offered(cast, legal_due=dt.date(2020, 1, 1))
    await withdraw(third, "Vervalt", by=cast.anna)
    await record_on_paper(fourth, [part("scan.pdf")], "Eva Test", this_day(), by=cast.anna)
    await expire_due(this_day() + 61 * DAY)
    told = {one.id: [event for id, event in heard if id == one.id] for one in (first, second, third, fourth, fifth)}

    assert told == {
        first.id: [
            "offered",
            "opened",
            "partly_approved",
            "offered",
            "opened",
            "partly_approved",
            "opened",
            "approved",
            "replaced",
        ],
        second.id: ["offered", "opened", "rejected"],
        third.id: ["offered", "withdrawn"],
        fourth.id: ["offered", "on_paper"],
        fifth.id: ["offered", "expired"],
    }


async def test_nothing_is_placed_at_a_client_that_is_archived(cast: Cast) -> None:
    await engine.raw("UPDATE client SET state = 'archived' WHERE id = $1", cast.bakkerij)
    with pytest.raises(Refused, match="gearchiveerd"):
        await draft(cast)


async def test_a_broken_book_year_is_called_after_both_its_years_where_it_is_one(cast: Cast) -> None:
    await engine.raw("UPDATE client SET year_end_month = 6 WHERE id = $1", cast.bakkerij)
    vpb, ob = await kind("Aangifte vennootschapsbelasting"), await kind()
    await plan(cast.bakkerij, step(cast.rik))
    accounts, vat, quarter = [
        await offered(cast, kind=of, book_year=2025, period=period)
        for of, period in ((vpb.id, ""), (ob.id, ""), (ob.id, "k3"))
    ]
    await engine.raw("UPDATE client SET year_end_month = 12 WHERE id = $1", cast.bakkerij)
    later = await draft(cast, kind=vpb.id, book_year=2025, period="")

    said = [(await now(one)).statement for one in (accounts, vat, quarter)]
    rows, _ = await of_client(cast.anna, cast.bakkerij)
    names = {row["id"]: row["period_name"] for row in rows}
    assert "Aangifte vennootschapsbelasting 2025/2026”" in said[0] and "Aangifte omzetbelasting 2025”" in said[1]
    assert "3e kwartaal 2025”" in said[2]
    assert [names[one.id] for one in (accounts, vat, quarter, later)] == [
        "2025/2026",
        "2025",
        "3e kwartaal 2025",
        "2025",
    ]
    assert [one.name() for one in await open_for(cast.rik) if one.id == accounts.id] == [
        "Aangifte vennootschapsbelasting 2025/2026"
    ]
    assert (await now(accounts)).legal_due == dt.date(2027, 10, 31)  # by the year in which it begins
