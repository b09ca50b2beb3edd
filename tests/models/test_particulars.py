"""All that is known of a Dutch client: addresses, BSN, sectors, modules, partner, who is responsible for what."""

from __future__ import annotations

import json
from typing import Any

import pytest

from models import engine
from models.clients import Client, add_client, add_group
from models.clients.sectors import Sector, add_sector, names_of
from models.core import Forbidden, Refused
from models.settings import Firm
from tests.cast import Cast, as_viewer, browser_of

BSN = "123456782"


async def private(cast: Cast, name: str, number: str, kind: str = "private") -> Client:
    return await add_client(cast.anna.clients, number=number, name=name, kind=kind, by=cast.anna)


@pytest.mark.parametrize(
    ("field", "typed", "kept"),
    [
        ("rsin", "004495445", "004495445"),
        ("rsin", "123456789", None),
        ("branch_number", "000012345678", "000012345678"),
        ("branch_number", "1234", None),
        ("payroll_numbers", "123456782L01; 123456782l02", "123456782L01, 123456782L02"),
        ("payroll_numbers", "123456789L01", None),
        ("post_postcode", "1234ab", "1234 AB"),
        ("post_postcode", "0234 AB", None),
        ("website", "www.bakkerij.example", "https://www.bakkerij.example"),
        ("website", "geen site", None),
        ("website", "javascript://x.example/%0aalert(1)", None),
        ("kind", "vereniging", None),
        ("second_factor", "soms", None),
        ("lines", "een\ntwee\ndrie", "een\ntwee\ndrie"),
        ("lines", "een\ntwee\ndrie\nvier", None),
    ],
)
async def test_each_field_is_checked(cast: Cast, field: str, typed: str, kept: str | None) -> None:
    client = await cast.anna.clients.get(cast.bakkerij)
    doing = client.change(seen=client.version, by=cast.anna, **{field: typed})
    if kept is None:
        with pytest.raises(Refused) as refused:
            await doing
        assert refused.value.field == field
    else:
        await doing
        assert getattr(await cast.anna.clients.get(cast.bakkerij), field) == kept


async def test_abroad_a_postcode_is_as_they_write_it(cast: Cast) -> None:
    client = await cast.anna.clients.get(cast.bakkerij)
    await client.change(
        seen=client.version, by=cast.anna, country="België", postcode="B-9000", lines="Veldstraat 1\n9000 Gent"
    )

    assert (await cast.anna.clients.get(cast.bakkerij)).postcode == "B-9000"


async def test_a_bsn_is_encrypted_masked_and_looking_at_it_is_noted(cast: Cast) -> None:
    client = await private(cast, "J. de Vries", "9001")
    await client.set_bsn("1234.56.782", by=cast.anna)
    raw = (await engine.raw("SELECT * FROM client WHERE id = $1", client.id))[0]
    shown = await client.reveal_bsn(by=cast.anna)
    lines = await engine.raw(
        "SELECT operation, detail FROM trail WHERE record_id = $1 AND record_table = 'Client'", client.id
    )

    assert shown == BSN and client.masked_bsn == "*****6782"
    assert BSN not in json.dumps(raw, default=str) and BSN not in json.dumps(lines)
    assert {"Client.set_bsn", "Client.reveal_bsn"} <= {line["operation"] for line in lines}


async def test_only_who_may_have_a_bsn_has_one(cast: Cast) -> None:
    bakkerij = await cast.anna.clients.get(cast.bakkerij)
    person = await private(cast, "J. de Vries", "9001")
    await person.set_bsn(BSN, by=cast.anna)
    for doing in (
        lambda: bakkerij.set_bsn(BSN, by=cast.anna),
        lambda: person.set_bsn("123456789", by=cast.anna),
        lambda: person.change(seen=person.version, kind="organisation", by=cast.anna),
    ):
        with pytest.raises(Refused) as refused:
            await doing()
        assert "12345678" not in str(refused.value.why)
    with pytest.raises(Forbidden):
        await person.reveal_bsn(by=cast.rik)


async def test_fiscal_partners_are_each_others(cast: Cast) -> None:
    jan, els, piet = [await private(cast, name, f"900{n}") for n, name in enumerate(("Jan", "Els", "Piet"))]
    await jan.set_partner(els, by=cast.anna)
    both = [(await cast.anna.clients.get(one.id)).partner for one in (jan, els)]
    with pytest.raises(Refused):
        await piet.set_partner(await cast.anna.clients.get(els.id), by=cast.anna)
    with pytest.raises(Refused):
        await jan.set_partner(await cast.anna.clients.get(cast.bakkerij), by=cast.anna)
    await (await cast.anna.clients.get(els.id)).set_partner(None, by=cast.anna)
    after = [(await cast.anna.clients.get(one.id)).partner for one in (jan, els)]

    assert both == [els.id, jan.id] and after == [None, None]


async def test_who_has_a_business_of_his_own_has_a_fiscal_partner_too(cast: Cast) -> None:
    garage, els = await private(cast, "Smit", "9001", kind="sole_trader"), await private(cast, "Els", "9002")
    await garage.set_partner(els, by=cast.anna)
    garage = await cast.anna.clients.get(garage.id)
    assert garage.partner == els.id
    with pytest.raises(Refused, match="partnerschap"):
        await garage.change(seen=garage.version, kind="organisation", by=cast.anna)
    async with browser_of(cast.anna) as anna:
        assert 'id="partner"' in (await anna.get(f"/clients/{garage.id}/details")).text


async def test_sectors_are_the_offices_list_and_groups_follow_them(cast: Cast) -> None:
    kite = await add_sector(cast.anna.scope(Sector), name="Vliegers", sbi="32.4", by=cast.anna)
    horeca = await Sector.objects().where(Sector.name == "Horeca").first()
    assert horeca is not None
    group = await add_group(cast.anna.groups, name="Vliegerbouwers", by=cast.anna)
    await group.set_rule({"sector": [kite.id]}, by=cast.anna)
    client = await cast.anna.clients.get(cast.bakkerij)
    await client.set_sectors([kite.id], by=cast.anna)
    within = await engine.raw("SELECT client FROM membership WHERE client_group = $1", group.id)
    await kite.merge_into(horeca, by=cast.anna)
    after = await engine.raw("SELECT client FROM membership WHERE client_group = $1", group.id)

    assert [row["client"] for row in within] == [cast.bakkerij] and after == []
    assert await names_of(client=cast.bakkerij) == ["Horeca"]


@pytest.mark.parametrize(
    ("name", "sbi", "field"), [("", "", "name"), ("horeca", "", "name"), ("Nieuw", "999999", "sbi")]
)
async def test_a_wrong_sector_is_refused(cast: Cast, name: str, sbi: str, field: str) -> None:
    with pytest.raises(Refused) as refused:
        await add_sector(cast.anna.scope(Sector), name=name, sbi=sbi, by=cast.anna)

    assert refused.value.field == field


async def test_the_modules_of_a_client_are_the_ceiling_of_its_users(cast: Cast) -> None:
    client = await cast.anna.clients.get(cast.bakkerij)
    await client.set_modules(["payroll"], by=cast.anna)
    rik = await as_viewer("rik@bakkerij-jansen.example")
    within, elsewhere = rik.may("view_dossier", client), rik.grants[cast.beheer].opens_dossier
    await client.set_modules([], by=cast.anna)
    nothing = await as_viewer("fem@bakkerij-jansen.example")

    assert not within and elsewhere and rik.may("payroll", client)
    assert not nothing.may("payroll")


async def test_colleagues_are_responsible_for_something(cast: Cast) -> None:
    client = await cast.anna.clients.get(cast.bakkerij)
    ed, anna = cast.ed.user.id, cast.anna.user.id
    await client.set_responsible([ed, anna], {ed: ["tax", "payroll"], anna: []}, by=cast.anna)
    await client.set_responsible([ed], by=cast.anna)
    rows = await engine.raw("SELECT person, roles FROM responsible WHERE client = $1", client.id)

    assert rows == [{"person": ed, "roles": "tax,payroll"}]


@pytest.mark.parametrize(
    ("firm", "bakkerij", "beheer", "demanded"),
    [
        ("nobody", "", "", False), ("nobody", "yes", "", True), ("all", "", "", True), ("all", "no", "optional", False),
        ("all", "no", "", True), ("nobody", "no", "yes", True),
    ],
)  # fmt: skip
async def test_one_clients_yes_is_enough_for_a_second_factor(
    cast: Cast, firm: str, bakkerij: str, beheer: str, demanded: bool
) -> None:
    await Firm.update({Firm.second_factor: firm}, force=True)
    for id, policy in ((cast.bakkerij, bakkerij), (cast.beheer, beheer)):
        await Client.update({Client.second_factor: policy}).where(Client.id == id)
    rik: Any = await as_viewer("rik@bakkerij-jansen.example")

    assert rik.demands_second_factor(await Firm.load()) is demanded


async def test_notes_stay_out_of_the_trail(cast: Cast) -> None:
    client = await cast.anna.clients.get(cast.bakkerij)
    await client.change(seen=client.version, notes="Betaalt altijd laat", by=cast.anna)
    line = (await engine.raw("SELECT detail FROM trail WHERE operation = 'Client.change' ORDER BY id DESC LIMIT 1"))[0]

    assert "laat" not in line["detail"] and "notes" in line["detail"]
