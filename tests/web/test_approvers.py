"""Setting up approvals: kinds, plans, roles and mandates, as an administrator, a colleague and a client meet them."""

from __future__ import annotations

import datetime as dt

import pytest

from models import engine
from models.approvals import ApprovalKind, ApprovalPlan, ApproverRole, Mandate, granting
from models.approvals.planning import mandates_of, roles_of, who_would_sign
from models.clients import Client
from models.core import Refused, save
from models.settings import Firm, this_day
from models.viewer import Right
from tests.approving import ALL, kind, person
from tests.cast import Cast, browser_of


@pytest.fixture
async def office(cast: Cast) -> Cast:
    async def unit() -> None:
        await save(await Firm.load(), modules="dossiers,approvals")

    await engine.run_writing(unit)
    return cast


KIND = {
    "name": "Aangifte BPM", "statement": "Ik ga akkoord met {kind} {period} van {client}.", "rule": "", "least_level": "totp", "internal_days": "5",
    "remind_before": "4,2", "remind_after": "1", "remind_every": "3", "phone_days": "2", "folder": "Boekjaar {boekjaar}",
}  # fmt: skip


async def test_a_kind_is_added_changed_moved_and_put_aside(office):
    async with browser_of(office.anna) as anna:
        assert (await anna.post("/settings/approvals/kinds/new", data=KIND)).status_code == 303
        one = await kind("Aangifte BPM")
        assert (one.least_level, one.internal_days, one.remind_before) == ("totp", 5, "4,2")

        again = await anna.post("/settings/approvals/kinds/new", data=KIND)
        wrong = await anna.post(
            f"/settings/approvals/kinds/{one.id}", data={**KIND, "statement": "Ik ga akkoord met {bedrag}."}
        )
        look = await anna.post(
            f"/settings/approvals/kinds/{one.id}", data={**KIND, "statement": "Anders: {client}, {amount}", "look": "1"}
        )
        number = await anna.post(f"/settings/approvals/kinds/{one.id}", data={**KIND, "internal_days": "veel"})

        assert (again.status_code, wrong.status_code, look.status_code, number.status_code) == (422, 422, 422, 422)
        assert "Er is al een soort" in again.text
        assert "{bedrag}" in wrong.text
        assert "Anders: Bakkerij Jansen B.V., € 1.234,50 te betalen" in look.text
        assert "Vul een heel getal in" in number.text and "veel" in number.text
        before = await ApprovalKind.select(ApprovalKind.id).order_by(ApprovalKind.position)
        await anna.post(f"/settings/approvals/kinds/{one.id}/up")
        after = await ApprovalKind.select(ApprovalKind.id).order_by(ApprovalKind.position)
        assert [row["id"] for row in after][-2] == [row["id"] for row in before][-1] == one.id
        await anna.post(f"/settings/approvals/kinds/{one.id}/away")
        assert not (await kind("Aangifte BPM")).is_active
        assert "Weggezet" in (await anna.get("/settings/approvals")).text
        await anna.post(f"/settings/approvals/kinds/{one.id}/removal")
        assert not await ApprovalKind.exists().where(ApprovalKind.id == one.id)


async def test_all_that_is_wrong_with_a_kind_is_said_at_once_and_nothing_typed_is_lost(office):
    typed = {
        "name": "", "statement": "Akkoord met {bedrag}.", "statement_en": "I agree with {kind} {period} of {client} to {addressee}.", "addressee": "de gemeente",
        "rule": "", "least_level": "totp", "internal_days": "veel", "remind_before": "91", "remind_after": "31", "phone_days": "61", "folder": "Boekjaar {jaar}",
    }  # fmt: skip
    wrong = (
        "name", "name_en", "addressee_en", "statement", "internal_days", "remind_before", "remind_after", "phone_days", "folder"
    )  # fmt: skip
    async with browser_of(office.anna) as anna:
        kept = await anna.post("/settings/approvals/kinds/new", data=typed)
        await anna.post("/settings/approvals/kinds/new", data=KIND)
        taken = await anna.post(
            "/settings/approvals/kinds/new", data={**KIND, "internal_days": "veel", "folder": "{x}"}
        )

    assert kept.status_code == 422
    assert [field for field in wrong if f'id="{field}-error"' not in kept.text] == []
    assert "Er kloppen 10 dingen niet" in kept.text  # of the sentence both what is unknown and what is missing
    assert "“{bedrag}” kan niet" in kept.text and "Er ontbreekt: {kind}, {period}, {client}" in kept.text
    assert all(
        f'value="{typed[field]}"' in kept.text
        for field in ("addressee", "internal_days", "remind_before", "phone_days", "folder")
    )
    assert [field for field in ("name", "internal_days", "folder") if f'id="{field}-error"' not in taken.text] == []


async def test_what_was_used_is_not_removed(office):
    one = await kind()
    await engine.raw(
        "INSERT INTO approval_request (client, kind, made_at, state) VALUES ($1, $2, $3, 'draft')", office.bakkerij, one.id, dt.datetime.now(dt.UTC)
    )  # fmt: skip
    async with browser_of(office.anna) as anna:
        reply = await anna.post(f"/settings/approvals/kinds/{one.id}/removal")
        assert "al gebruikt" in (await anna.get(reply.headers["location"])).text
    assert await ApprovalKind.exists().where(ApprovalKind.id == one.id)


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("statement", {"statement": "Ik ga akkoord met {kind} van {client}."}),
        ("statement", {"statement": "Akkoord."}),
        ("statement_en", {"statement_en": "I agree with {kind} {period}.", "name_en": "Car tax"}),
        ("name_en", {"statement_en": "I agree with {kind} {period} of {client}."}),
        ("addressee_en", {"statement_en": "I agree with {kind} {period} of {client} to {addressee}.", "name_en": "Car tax", "addressee": "de gemeente"}),
        ("folder", {"folder": "Boekjaar {jaar}"}),
        ("folder", {"folder": "Boekjaar {boekjaar"}),
    ],
)  # fmt: skip
async def test_a_sentence_names_what_is_agreed_to_and_a_folder_only_what_can_be_filled_in(office, field, more):
    async with browser_of(office.anna) as anna:
        kept = await anna.post("/settings/approvals/kinds/new", data={**KIND, **more})
    assert kept.status_code == 422 and f'id="{field}-error"' in kept.text
    assert not await ApprovalKind.exists().where(ApprovalKind.name == KIND["name"])


async def test_only_who_manages_the_settings_sets_kinds_and_plans_of_the_office(office):
    one = await kind()
    async with browser_of(office.ed) as ed:
        for path in ("", "/kinds/new", f"/kinds/{one.id}", "/plan"):
            assert (await ed.get(f"/settings/approvals{path}")).status_code == 404
        assert (
            await ed.post("/settings/approvals/plan", data={"mode-1": "all", "who-1": "role:director"})
        ).status_code == 404
    assert not await ApprovalPlan.exists()


async def test_the_plan_of_the_office_is_made_step_by_step_without_a_script(office):
    async with browser_of(office.anna) as anna:
        first = {"mode-1": "all", "n-1": "1", "who-1": ["role:director"]}
        more = await anna.post("/settings/approvals/plan", data={**first, "do": "add"})
        assert more.status_code == 422 and 'name="mode-2"' in more.text and 'value="role:director" checked' in more.text
        two = {**first, "mode-2": "some", "n-2": "2", "who-2": ["role:partner", "role:payroll"]}
        assert 'name="mode-2"' not in (await anna.post("/settings/approvals/plan", data={**two, "do": "remove-1"})).text

        saved = await anna.post("/settings/approvals/plan", data=two)
        assert saved.status_code == 303
        [plan] = await ApprovalPlan.objects()
        assert [step["mode"] for step in plan.as_steps] == ["all", "some"]

        empty = await anna.post("/settings/approvals/plan", data={"mode-1": "all"})
        assert (empty.status_code, "Kies bij elke stap" in empty.text) == (422, True)
        await anna.post("/settings/approvals/plan", data={**two, "do": "clear"})
        assert not await ApprovalPlan.exists()


async def test_a_client_has_a_plan_of_its_own_for_one_kind(office):
    one, other = await kind(), await kind("Salarisrun")
    kim = await person(office.bakkerij, "Kim")
    page = f"/clients/{office.bakkerij}/approvers"
    async with browser_of(office.anna) as anna:
        await anna.post("/settings/approvals/plan", data={"mode-1": "any", "who-1": "role:director"})
        reply = await anna.post(
            f"{page}/plan?kind={one.id}", data={"mode-1": "all", "who-1": [f"person:{kim.user.id}"]}
        )
        assert reply.status_code == 303
        shown = (await anna.get(page)).text
        assert "van deze cliënt en soort" in shown and "van het kantoor" in shown and "Kim" in shown
        stranger = await anna.post(f"{page}/plan", data={"mode-1": "all", "who-1": [f"person:{office.sam.user.id}"]})
        assert (stranger.status_code, "Kies uit de gebruikers" in stranger.text) == (422, True)
        many = await anna.post(f"{page}/plan", data={"mode-1": "some", "n-1": "3", "who-1": [f"person:{kim.user.id}"]})
        assert "meer akkoorden dan er mensen zijn" in many.text
    assert (await who_would_sign(office.bakkerij, one.id)).source == "client_kind"
    assert (await who_would_sign(office.bakkerij, other.id)).source == "office"


async def test_roles_have_days_and_a_history(office):
    page, rik = f"/clients/{office.bakkerij}/approvers", office.rik.user.id
    async with browser_of(office.anna) as anna:
        given = {"person": str(rik), "role": "director", "since": "01-01-2026", "until": ""}
        assert (await anna.post(f"{page}/roles", data=given)).status_code == 303
        twice = await anna.post(f"{page}/roles", data=given)
        assert (twice.status_code, "heeft deze rol in die tijd al" in twice.text, "01-01-2026" in twice.text) == (
            422,
            True,
            True,
        )
        bad = await anna.post(f"{page}/roles", data={**given, "since": "32-13-2026"})
        assert (bad.status_code, "32-13-2026" in bad.text) == (422, True)
        [role] = await ApproverRole.objects()
        assert (await anna.post(f"{page}/roles/{role.id}/end")).status_code == 303
        assert "Geëindigd" in (await anna.get(page)).text
    yesterday = this_day() - dt.timedelta(days=1)
    assert (await roles_of(office.bakkerij, yesterday))["director"] == [rik]
    assert (await roles_of(office.bakkerij, this_day()))["director"] == []
    assert (await roles_of(office.bakkerij, dt.date(2025, 12, 31)))["director"] == []


async def test_a_mandate_counts_in_its_days_and_for_its_kind(office):
    vat, run = await kind(), await kind("Salarisrun")
    kim = await person(office.bakkerij, "Kim")
    page, rik = f"/clients/{office.bakkerij}/approvers", office.rik.user.id
    async with browser_of(office.anna) as anna:
        asked = {
            "giver": str(rik),
            "taker": str(kim.user.id),
            "kind": str(vat.id),
            "since": "01-12-2030",
            "until": "31-12-2030",
            "note": "Vakantie",
        }
        assert (await anna.post(f"{page}/mandates", data=asked)).status_code == 303
        himself = await anna.post(f"{page}/mandates", data={**asked, "taker": str(rik)})
        backwards = await anna.post(f"{page}/mandates", data={**asked, "until": "30-11-2030"})
        assert (himself.status_code, backwards.status_code) == (422, 422)
        assert "Vakantie" in backwards.text

        async def counts(day: dt.date, one: ApprovalKind) -> list[int]:
            return [row["taker"] for row in await mandates_of(office.bakkerij, one.id, day)]

        assert await counts(dt.date(2030, 12, 31), vat) == [kim.user.id]
        assert await counts(dt.date(2030, 11, 30), vat) == await counts(dt.date(2031, 1, 1), vat) == []
        assert await counts(dt.date(2030, 12, 15), run) == []
        [mandate] = await Mandate.objects()
        await anna.post(f"{page}/mandates/{mandate.id}/end")
        assert await counts(dt.date(2030, 12, 15), vat) == []
        assert "Vakantie" in (await anna.get(page)).text


async def test_who_may_not_approve_is_nobodys_substitute(office):
    lou = await person(office.bakkerij, "Lou", int(Right.VIEW_DOSSIER))

    async def give() -> None:
        client = await Client.objects().get(Client.id == office.bakkerij)
        await granting.give_mandate(client, office.rik.user.id, lou.user.id, None, None, None, by=office.anna)

    with pytest.raises(Refused, match="niet het recht"):
        await engine.run_writing(give)


async def test_a_director_appoints_his_own_substitute_and_nobody_elses(office):
    rik = await person(office.bakkerij, "Rikkie", ALL)
    kim = await person(office.bakkerij, "Kim", ALL)
    until = (this_day() + dt.timedelta(days=14)).strftime("%d-%m-%Y")
    async with browser_of(rik) as phone:
        assert "Kim" in (await phone.get("/portal/substitutes")).text
        endless = await phone.post(
            f"/portal/substitutes/{office.bakkerij}", data={"taker": str(kim.user.id), "until": ""}
        )
        assert (endless.status_code, "hoogstens een jaar" in endless.text) == (422, True)
        done = await phone.post(
            f"/portal/substitutes/{office.bakkerij}", data={"taker": str(kim.user.id), "until": until}
        )
        assert done.status_code == 303
    [mandate] = await Mandate.objects()
    assert (mandate.giver, mandate.taker) == (rik.user.id, kim.user.id)
    async with browser_of(kim) as other:
        assert (await other.post(f"/portal/substitutes/{office.bakkerij}/{mandate.id}/end")).status_code == 404
    async with browser_of(office.sam) as sam:
        assert (
            await sam.post(f"/portal/substitutes/{office.bakkerij}", data={"taker": "1", "until": until})
        ).status_code == 404
    async with browser_of(rik) as phone:
        await phone.post(f"/portal/substitutes/{office.bakkerij}/{mandate.id}/end")
    assert (await Mandate.objects().first()).ended_at is not None


async def test_a_substitute_who_cannot_approve_yet_is_recorded_with_a_warning_that_stays_while_it_holds(office):
    rik = await person(office.bakkerij, "Rikkie", ALL)
    kim = await person(office.bakkerij, "Kim", ALL, state="prepared")
    until = (this_day() + dt.timedelta(days=14)).strftime("%d-%m-%Y")
    page = f"/clients/{office.bakkerij}/approvers"
    never, means = "Kim Test is nog niet uitgenodigd", "Kim Test heeft nog geen middel om akkoord mee te geven"
    async with browser_of(rik) as phone, browser_of(office.anna) as anna:
        assert "Kim Test (nog geen login)" in (await phone.get("/portal/substitutes")).text
        done = await phone.post(
            f"/portal/substitutes/{office.bakkerij}", data={"taker": str(kim.user.id), "until": until}
        )
        assert done.status_code == 303 and await Mandate.count() == 1
        told = (await phone.get("/portal/substitutes")).text
        assert f"Vastgelegd, maar let op: {never}" in told and told.count(never) == 2 and means in told
        assert never in (await phone.get("/portal/substitutes")).text  # it stays
        assert never in (await anna.get(page)).text and means in (await anna.get(page)).text

        await engine.raw("UPDATE users SET state = 'active', totp_secret = 'x' WHERE id = $1", kim.user.id)
        for text in ((await phone.get("/portal/substitutes")).text, (await anna.get(page)).text):
            assert "Kim Test" in text and never not in text and means not in text and "Let op" not in text
        await engine.raw("DELETE FROM access WHERE person = $1", kim.user.id)
        assert "niet meer het recht om hier te accorderen" in (await phone.get("/portal/substitutes")).text
        await engine.raw("UPDATE mandate SET ended_at = made_at")
        assert "niet meer het recht" not in (await phone.get("/portal/substitutes")).text


async def test_a_mandate_for_a_kind_that_asks_more_than_the_taker_has_is_warned_of(office):
    vat, kim = await kind(), await person(office.bakkerij, "Kim", ALL, totp_secret="x")
    lou = await person(office.bakkerij, "Lou", ALL, state="invited", totp_secret="x")
    await engine.raw("UPDATE approval_kind SET least_level = 'passkey' WHERE id = $1", vat.id)
    page = f"/clients/{office.bakkerij}/approvers"
    asked = {"giver": str(office.rik.user.id), "taker": str(kim.user.id)}
    high = f"Kim Test heeft geen middel dat hoog genoeg is voor: {vat.name}."
    async with browser_of(office.anna) as anna:
        for one in (str(vat.id), str((await kind("Salarisrun")).id), ""):
            await anna.post(f"{page}/mandates", data={**asked, "kind": one})
            text = (await anna.get(page)).text
            assert ("maar let op" in text) == (one != str((await kind("Salarisrun")).id))
        assert text.count(high) == 3  # in the message, at the kind's mandate and at the one for all kinds
        await anna.post(f"{page}/mandates", data={**asked, "taker": str(lou.user.id)})
        assert "Lou Test heeft de uitnodiging nog niet gebruikt" in (await anna.get(page)).text
    assert await Mandate.count() == 4


async def test_the_fiscal_partner_is_named_and_has_his_role_without_being_given_it(office):
    await engine.raw("UPDATE client SET partner = (SELECT max(id) FROM client) WHERE id = $1", office.bakkerij)
    rows = await engine.raw("SELECT partner FROM client WHERE id = $1", office.bakkerij)
    await person(rows[0]["partner"], "Mies")
    async with browser_of(office.anna) as anna:
        page = (await anna.get(f"/clients/{office.bakkerij}/approvers")).text
        assert (
            "Nog niemand heeft hier een rol" not in page and "Mies Test. Andere rollen heeft hier nog niemand" in page
        )
        assert "Fiscaal partner:" in page


@pytest.mark.parametrize("typed", ["twee", "", "0", "999", "2,5"])
async def test_a_number_that_cannot_be_is_said_beside_it_and_what_was_ticked_stays(office, typed):
    kim = await person(office.bakkerij, "Kim")
    one, page = await kind(), f"/clients/{office.bakkerij}/approvers/plan"
    data = {
        "mode-1": "some",
        "n-1": typed,
        "who-1": [f"person:{kim.user.id}", "role:partner"],
        "mode-2": "all",
        "who-2": "role:director",
    }
    async with browser_of(office.anna) as anna:
        for address, ours in (
            (page, data),
            (f"{page}?kind={one.id}", data),
            ("/settings/approvals/plan", {**data, "who-1": "role:partner"}),
        ):
            kept = await anna.post(address, data=ours)
            assert (
                kept.status_code == 422
                and 'id="n-1-error"' in kept.text
                and f'name="n-1" inputmode="numeric" value="{typed}"' in kept.text
            )
            assert 'value="role:partner" checked' in kept.text and 'name="mode-2"' in kept.text
            more = await anna.post(address, data={**ours, "do": "add"})
            assert 'name="mode-3"' in more.text and 'value="role:partner" checked' in more.text
        strange = await anna.post(f"{page}?kind={one.id}", data={"mode-1": "all", "who-1": "role:boss"})
        assert strange.status_code == 422 and 'name="mode-1"' in strange.text
    assert await ApprovalPlan.count() == 0


async def test_who_stands_in_a_plan_stays_in_it_when_he_was_blocked(office):
    rik, zoe = await person(office.bakkerij, "Rikkie"), await person(office.bakkerij, "Zoë")
    at = f"/clients/{office.bakkerij}/approvers/plan"
    both = {"mode-1": "all", "n-1": "1", "who-1": [f"person:{rik.user.id}", f"person:{zoe.user.id}"]}
    async with browser_of(office.anna) as anna:
        await anna.post(at, data=both)
        await engine.raw("UPDATE users SET state = 'blocked' WHERE id = $1", zoe.user.id)
        page = await anna.get(at)

    assert f'value="person:{zoe.user.id}" checked' in page.text and "kan geen akkoord geven" in page.text
