"""A client's own people propose changes of their data; nothing changes before the office says so."""

from __future__ import annotations

from typing import Any

import pytest

from models import engine
from models.clients import Client, settle_rights
from models.core import Forbidden, Missing, Refused
from models.proposals import Proposal, last_answered, page, propose, waiting_of
from models.viewer import Right, Viewer
from tests.cast import Cast, as_viewer


async def proposer(cast: Cast) -> tuple[Viewer, Client]:
    """rik, with the right at the bakery."""
    await engine.raw(
        "UPDATE access SET own = $1 WHERE person = $2 AND client = $3",
        int(Right.CHANGE_DETAILS), cast.rik.user.id, cast.bakkerij,
    )  # fmt: skip
    await settle_rights(clients=[cast.bakkerij])
    rik = await as_viewer(cast.rik.user.email)
    return rik, await rik.clients.get(cast.bakkerij)


async def bakkerij(cast: Cast) -> Client:
    return await cast.anna.clients.get(cast.bakkerij)


async def found(cast: Cast, proposal: Proposal) -> Proposal:
    return await cast.anna.scope(Proposal).get(proposal.id)


async def mails() -> list[dict[str, Any]]:
    return await engine.raw("SELECT person, subject_id, detail FROM errand WHERE kind = 'proposal'")


async def test_what_is_accepted_changes_and_what_is_not_stays(cast: Cast) -> None:
    rik, client = await proposer(cast)
    before = await bakkerij(cast)
    asked = await propose(
        client, city="Zeist", phone="030 123 45 67", me_mobile="06 12345678", remark="Verhuisd", by=rik
    )
    assert (await bakkerij(cast)).city == before.city, "nothing changes by proposing"

    await (await found(cast, asked)).decide(["city", "me_mobile"], "Gedaan.", by=cast.anna)
    after, person = await bakkerij(cast), await as_viewer(cast.rik.user.email)

    assert (after.city, after.phone) == ("Zeist", before.phone)
    assert person.user.mobile == "06 12345678"
    done = await found(cast, asked)
    assert (done.state, done.taken, done.answer) == ("accepted", {"city", "me_mobile"}, "Gedaan.")
    assert [(row["person"], row["subject_id"]) for row in await mails()] == [(rik.user.id, asked.id)]
    assert await last_answered(rik, client) is not None and await waiting_of(rik, client) is None


async def test_refusing_changes_nothing_and_is_told(cast: Cast) -> None:
    rik, client = await proposer(cast)
    before = (await bakkerij(cast)).version
    asked = await propose(client, iban="NL91ABNA0417164300", by=rik)
    await (await found(cast, asked)).decide([], "Bel ons even.", by=cast.anna)

    assert (await bakkerij(cast)).version == before and (await found(cast, asked)).state == "refused"
    assert len(await mails()) == 1
    with pytest.raises(Refused, match="besloten"):
        await (await found(cast, asked)).decide(["iban"], "", by=cast.anna)


@pytest.mark.parametrize(
    ("field", "typed"), [("kvk", "1"), ("iban", "NL00"), ("postcode", "0000"), ("name", ""), ("me_surname", "")]
)
async def test_what_is_wrong_is_said_at_once(cast: Cast, field: str, typed: str) -> None:
    rik, client = await proposer(cast)
    with pytest.raises(Refused) as refused:
        await propose(client, by=rik, **{field: typed})

    assert refused.value.field == field


async def test_nothing_that_is_the_offices_can_be_proposed(cast: Cast) -> None:
    rik, client = await proposer(cast)
    with pytest.raises(Refused, match="niets"):
        await propose(client, notes="x", number="1", office=1, second_factor="no", manager="Ik", by=rik)


async def test_a_later_proposal_takes_the_place_of_the_earlier(cast: Cast) -> None:
    rik, client = await proposer(cast)
    first = await propose(client, city="Zeist", by=rik)
    second = await propose(client, city="Baarn", by=rik)

    assert (await found(cast, first)).state == "withdrawn"
    rows, total = await page(cast.anna, "waiting", 1, 50)
    assert [row["id"] for row in rows] == [second.id] and total == 1
    await second.withdraw(by=rik)
    assert await page(cast.anna, "waiting", 1, 50) == ([], 0)


async def test_only_who_has_the_right_proposes_and_only_who_sees_the_client_decides(cast: Cast) -> None:
    with pytest.raises(Forbidden):
        await propose(await cast.fem.clients.get(cast.bakkerij), city="Zeist", by=cast.fem)
    rik, client = await proposer(cast)
    asked = await propose(client, city="Zeist", by=rik)
    await engine.raw("DELETE FROM reach WHERE person = $1", cast.ed.user.id)
    with pytest.raises(Missing):
        await cast.ed.scope(Proposal).get(asked.id)
    with pytest.raises(Missing):
        await cast.fem.scope(Proposal).get(asked.id)
    with pytest.raises(Forbidden):
        await asked.decide(["city"], "", by=rik)
