"""Placing for approval in bulk: matched on client number, looked at beforehand, made or offered, undone; and nobody is asked twice."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from models import engine
from models.approvals import ApprovalRequest, offer, who_would_sign
from models.approvals.planning import who_would_sign_each
from models.approvals.record import BEGIN, link_of
from models.clients import Client
from models.core import Forbidden, Missing, Refused
from models.offering import CHOICES, begin_offering, carry_out, offer_files, set_apart, set_up, undo, undo_offering
from models.offering.acts import replace_all, replacing_mark
from models.offering.naming import said_by
from models.offering.plan import offering_of
from models.placing import Placing
from models.placing.work import read_placing
from models.sample.papers import pdf
from models.tasks import Progress, Task
from models.viewer import Viewer
from tests.approving import acts, kind, look, person, plan, says_yes, step
from tests.cast import Cast
from tests.models.test_placing import again, ids_of, number_of, stored, zipped

WORKS = {"read_placing": read_placing, "offer_files": offer_files, "undo_offering": undo_offering}


async def placed(by: Viewer, *files: tuple[str, bytes]) -> Placing:
    """What came, looked into by the worker."""

    async def begin() -> Placing:
        placing = await begin_offering(by=by)
        await placing.add_files([await stored(name, data) for name, data in files], by=by)
        return placing

    placing = await engine.run_writing(begin)
    await work(placing)
    return await again(placing)


async def work(placing: Placing) -> None:
    found = (Task.subject_id == placing.id) & (Task.state == "waiting") & Task.kind.is_in(list(WORKS))
    for task in await Task.objects().where(found).order_by(Task.id):
        await WORKS[task.kind](task, Progress(task))
        await Task.update({Task.state: "done"}).where(Task.id == task.id)


async def usual(**more: Any) -> dict[str, Any]:
    """What is chosen for all, as it is unless the test says otherwise."""
    return {name: ways[0] for name, ways in CHOICES.items()} | {
        "kind": (await kind()).id, "book_year": 2026, "period": "m01", "message": "Graag deze week.", "internal_due": None, "legal_due": None,
        "dated_on": None, "amount": None, "together": True, "ends": "draft",
    } | more  # fmt: skip


async def chosen(placing: Placing, by: Viewer, **more: Any) -> dict[str, Any]:
    """Set up; what it would come to."""
    values = await usual(**more)
    await engine.run_writing(lambda: set_up(placing, values, by=by))
    return (await offering_of(placing)).told


async def carried_out(placing: Placing, by: Viewer) -> Placing:
    fresh = await again(placing)
    await engine.run_writing(lambda: carry_out(fresh, by=by))
    await work(placing)
    return await again(placing)


async def undone(placing: Placing, by: Viewer) -> Placing:
    fresh = await again(placing)
    await engine.run_writing(lambda: undo(fresh, by=by))
    await work(placing)
    return await again(placing)


async def requests_of(placing: Placing) -> list[ApprovalRequest]:
    return (
        await ApprovalRequest.objects()
        .where(ApprovalRequest.batch == f"placing-{placing.id}")
        .order_by(ApprovalRequest.client, ApprovalRequest.id)
    )


async def files_in(placing: Placing, state: str) -> dict[str, str]:
    """name > why, of the files in a state."""
    rows = await engine.raw(
        "SELECT name, reason FROM placement_file WHERE placement = $1 AND state = $2", placing.id, state
    )
    return {row["name"]: json.loads(row["reason"])["say"] if row["reason"] else "" for row in rows}


def locked() -> bytes:
    """A PDF that asks for a password (RC4, 40 bits, revision 2): its trailer says so, which is all that is looked at."""
    body = pdf("geheim")
    secret = b"<< /Filter /Standard /V 1 /R 2 /O <" + b"28" * 32 + b"> /U <" + b"00" * 32 + b"> /P -4 >>"
    return body.replace(
        b"/Root 1 0 R >>", b"/Root 1 0 R /Encrypt " + secret + b" /ID [<" + b"11" * 16 + b"><" + b"11" * 16 + b">] >>"
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Btw-jan.pdf", (None, "m01")), ("OB 2026-Q3.pdf", (2026, "k3")), ("IB 2025.pdf", (2025, None)), ("LH 2026-01.pdf", (2026, "m01")),
        ("loon 202603.pdf", (2026, "m03")), ("btw 3e kwartaal 2026.pdf", (2026, "k3")), ("Periode 4.pdf", (None, "p04")), ("kw4.pdf", (None, "k4")),
        ("brief 2026-01-15.pdf", (None, None)), ("jan-mrt.pdf", (None, None)), ("stuk 12.pdf", (None, None)), ("Meijer.pdf", (None, None)),
    ],
)  # fmt: skip
def test_a_name_says_a_period_or_nothing_and_never_half_of_it(name: str, said: tuple[Any, Any]) -> None:
    assert (said_by(name).book_year, said_by(name).period) == said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("OB 1Q2026.pdf", (2026, "k1")), ("OB 1q26.pdf", (2026, "k1")), ("OB 2k2026.pdf", (2026, "k2")), ("ob eerste kwartaal.pdf", (None, "k1")),
        ("OB vierde kwartaal 2025.pdf", (2025, "k4")), ("OB dec25.pdf", (2025, "m12")), ("OB 3e kw '26.pdf", (2026, "k3")),
        ("btw jan-26.pdf", (2026, "m01")), ("BTW_K3_26.pdf", (2026, "k3")), ("2026Q1.pdf", (2026, "k1")), ("LH 2026-P13.pdf", (2026, "p13")),
        ("OB Q1 2026 v2.pdf", (2026, "k1")), ("IB 2025 M-formulier.pdf", (2025, None)), ("VPB 2024 v2.pdf", (2024, None)),
        ("IB 2025 (1).pdf", (2025, None)), ("btw kw1 14.pdf", (None, "k1")),
    ],
)  # fmt: skip
def test_the_commonest_ways_to_write_a_period_are_read(name: str, said: tuple[Any, Any]) -> None:
    found = said_by(name)
    assert (found.book_year, found.period, found.number, found.is_unread) == (*said, None, False)


@pytest.mark.parametrize("name", ["OB 2026-1.pdf", "OB 1-2026.pdf", "OB 1 2026.pdf", "OB 2026_1.pdf", "2026 01.pdf"])
def test_a_number_beside_a_year_is_of_what_was_chosen(name: str) -> None:
    """A month, a quarter or four weeks: the name does not tell which, but that it is the first."""
    said = said_by(name)
    assert not said.differs(2026, "k1") and not said.differs(2026, "m01") and not said.differs(2026, "p01")
    assert said.differs(2026, "k2") and said.over(2026, "k2") == (2026, "k1")
    assert said.differs(2026, "m02") and said.over(2025, "m02") == (2026, "m01")
    assert said.differs(2026, "") and said.over(2026, "") is None


@pytest.mark.parametrize(
    "name", ["OB kwartaal.pdf", "2026-Q1 en Q2.pdf", "OB maand 13 2026.pdf", "kwartaal III 2026.pdf", "OB kw 7.pdf"]
)
def test_a_period_that_cannot_be_read_is_never_that_of_all(name: str) -> None:
    said = said_by(name)
    assert said.differs(2026, "k1") and said.differs(2026, "") and said.over(2026, "k1") is None


@pytest.mark.parametrize("name", ["1Q2026", "OB 2026-1", "OB eerste kwartaal 2026", "OB kwartaal 2026", "OB dec25"])
async def test_a_file_of_another_period_waits_and_is_not_put_under_the_chosen_one(cast: Cast, name: str) -> None:
    number = await number_of(cast.bakkerij)
    placing = await placed(cast.anna, (f"{number}_{name}.pdf", pdf("a")))
    told = await chosen(placing, cast.anna, period="k2", book_year=2026)
    assert (told["requests"], told["odd"].get("named"), told["left"]) == (0, 1, 1)
    if name == "OB kwartaal 2026":  # also where the name is followed
        told = await chosen(placing, cast.anna, period="k2", book_year=2026, named="name")
        assert (told["requests"], told["left"]) == (0, 1)


async def test_pdfs_in_a_zip_become_drafts_of_their_clients_and_the_rest_waits_in_the_bin(cast: Cast) -> None:
    bakkerij, garage = await number_of(cast.bakkerij), await number_of(cast.garage)
    zip_ = zipped(
        (f"{bakkerij}_Btw-jan.pdf", pdf("een")),
        (f"{bakkerij}_specificatie.pdf", pdf("twee")),
        (f"{garage}_Btw.pdf", pdf("drie")),
    )
    placing = await placed(cast.anna, ("alles.zip", zip_), ("los.pdf", pdf("vier")))
    told = await chosen(placing, cast.anna)

    placing = await carried_out(placing, cast.anna)
    made = {one.client: one for one in await requests_of(placing)}

    assert (told["requests"], told["draft"], told["mailed"]) == (2, 2, 0)
    assert set(made) == {cast.bakkerij, cast.garage} and all(one.state == "draft" for one in made.values())
    one = made[cast.bakkerij]
    assert (one.book_year, one.period, one.source, one.message) == (2026, "m01", "bulk", "Graag deze week.")
    assert one.legal_due == dt.date(2026, 2, 28) and one.internal_due == dt.date(2026, 2, 20)
    parts = await engine.raw(
        "SELECT name, part, pages, position FROM approval_document WHERE request = $1 ORDER BY position", one.id
    )
    assert [(row["name"], row["part"], row["pages"]) for row in parts] == [
        ("Btw-jan.pdf", "main", 1),
        ("specificatie.pdf", "main", 1),
    ]
    assert list(await files_in(placing, "unmatched")) == ["los.pdf"] and placing.state == "open"
    assert await acts(one) == ["made"]


async def test_offered_in_bulk_is_as_offered_one_by_one(cast: Cast) -> None:
    """The same statement, places, acts and proof, whether the office offers one or a thousand."""
    eva, piet = await person(cast.garage, "Eva"), await person(cast.garage, "Piet")
    await plan(cast.garage, step(eva), step(piet))
    placing = await placed(cast.anna, (f"{await number_of(cast.garage)}_Btw.pdf", pdf("een")))
    told = await chosen(placing, cast.anna, ends="offer", warned="place", amount=123456)
    placing = await carried_out(placing, cast.anna)
    (many,) = await requests_of(placing)
    other = await placed(cast.anna, (f"{await number_of(cast.garage)}_Btw.pdf", pdf("twee")))
    await chosen(other, cast.anna, same="beside", amount=123456)
    await carried_out(other, cast.anna)
    (single,) = await requests_of(other)
    await engine.run_writing(lambda: offer(single, by=cast.anna))

    assert (told["offered"], told["mailed"], told["names"]) == (1, 1, [[eva.user.full_name, 1]])
    assert await acts(many) == await acts(single) == ["made", "offered", "asked"]
    for name in ("state", "step", "statement", "statement_en", "steps", "least_level", "addressee", "amount"):
        assert getattr(many, name) == getattr(await _fresh(single), name), name
    places = "SELECT person, step, state, role FROM approver WHERE request = $1 ORDER BY step, person"
    assert await engine.raw(places, many.id) == await engine.raw(places, single.id)
    detail = "SELECT detail, statement, name, role FROM approval_record WHERE request = $1 AND act = 'offered'"
    ours, theirs = await engine.raw(detail, many.id), await engine.raw(detail, single.id)
    assert set(json.loads(ours[0].pop("detail"))) == set(json.loads(theirs[0].pop("detail"))) and ours == theirs
    await _proof_holds(many)
    assert (await says_yes(eva, many)).outcome == "approved"


async def _fresh(request: ApprovalRequest) -> ApprovalRequest:
    found = await ApprovalRequest.objects().where(ApprovalRequest.id == request.id).first()
    assert found is not None
    return found


async def _proof_holds(request: ApprovalRequest) -> None:
    previous = BEGIN
    for row in await engine.raw("SELECT * FROM approval_record WHERE request = $1 ORDER BY number", request.id):
        assert row["previous"] == previous and link_of(row) == row["link"]
        previous = row["link"]


async def test_who_would_sign_is_the_same_for_many_as_for_one(cast: Cast) -> None:
    eva = await person(cast.garage, "Eva", state="invited")
    await plan(cast.garage, step("director"), step(eva))
    of = (await kind()).id
    clients = sorted(cast.clients.values())

    many = await who_would_sign_each(clients, of)

    for client in clients:
        assert many[client] == await who_would_sign(client, of), client


async def test_a_kind_that_must_be_signed_off_goes_to_a_colleague_first(cast: Cast) -> None:
    await engine.raw("UPDATE approval_kind SET needs_sign_off = $1", True)
    await person(cast.garage, "Eva")
    placing = await placed(cast.anna, (f"{await number_of(cast.garage)}_Btw.pdf", pdf("een")))
    told = await chosen(placing, cast.anna, ends="offer", warned="place")

    placing = await carried_out(placing, cast.anna)

    (one,) = await requests_of(placing)
    assert (told["sign_off"], told["offered"], told["mailed"]) == (1, 0, 0)
    assert one.state == "sign_off" and await acts(one) == ["made", "sign_off_asked"]


async def test_who_cannot_approve_yet_gets_a_draft_unless_the_office_says_otherwise(cast: Cast) -> None:
    await engine.raw("DELETE FROM access WHERE client IN ($1, $2)", cast.garage, cast.bakkerij)
    await person(cast.bakkerij, "Bea", state="prepared")
    number = [await number_of(one) for one in (cast.garage, cast.bakkerij)]
    placing = await placed(cast.anna, *[(f"{one}_Btw.pdf", pdf(one)) for one in number])
    careful = await chosen(placing, cast.anna, ends="offer")
    bold = await chosen(placing, cast.anna, ends="offer", warned="place")

    placing = await carried_out(placing, cast.anna)

    assert (careful["draft"], careful["offered"], careful["odd"]) == (2, 0, {"unmanned": 1, "warned": 1})
    assert (bold["draft"], bold["offered"], bold["mailed"], bold["silent"]) == (1, 1, 0, 1)
    assert {one.client: one.state for one in await requests_of(placing)} == {
        cast.garage: "draft",
        cast.bakkerij: "offered",
    }


@pytest.mark.parametrize(
    ("way", "states", "left"),
    [
        ("leave", ["offered"], 1),
        ("skip", ["offered"], 0),
        ("beside", ["offered", "offered"], 0),
        ("replace", ["offered", "replaced"], 0),
    ],
)
async def test_the_same_kind_and_period_is_replaced_only_when_that_was_chosen(
    cast: Cast, way: str, states: list[str], left: int
) -> None:
    eva, piet = await person(cast.garage, "Eva"), await person(cast.garage, "Piet")
    await plan(cast.garage, step(eva), step(piet))
    number = await number_of(cast.garage)
    first = await placed(cast.anna, (f"{number}_Btw.pdf", pdf("een")))
    await chosen(first, cast.anna, ends="offer", warned="place")
    await carried_out(first, cast.anna)
    (former,) = await requests_of(first)
    await says_yes(eva, former)
    second = await placed(cast.anna, (f"{number}_Btw.pdf", pdf("verbeterd")))
    told = await chosen(second, cast.anna, ends="offer", warned="place", same=way)

    if way in ("leave", "skip"):
        with pytest.raises(Refused):
            await carried_out(second, cast.anna)
    else:
        await carried_out(second, cast.anna)

    found = [one.state for one in (*await requests_of(first), *await requests_of(second))]
    assert sorted("offered" if state == "partly" else state for state in found) == states
    assert told["left"] == left and told["odd"]["same"] == 1
    assert (told["replaced"], told["voided"], told["told"]) == ((1, 1, 1) if way == "replace" else (0, 0, 0))
    if way == "replace":
        assert "voided" in await acts(former)


async def test_all_that_is_there_already_is_replaced_in_one_act_of_what_was_seen(cast: Cast) -> None:
    eva, piet, bea = (
        await person(cast.garage, "Eva"),
        await person(cast.garage, "Piet"),
        await person(cast.bakkerij, "Bea"),
    )
    await plan(cast.garage, step(eva), step(piet))
    await plan(cast.bakkerij, step(bea))
    garage, bakkerij = await number_of(cast.garage), await number_of(cast.bakkerij)
    beheer = await number_of(cast.beheer)
    first = await placed(cast.anna, (f"{garage}_Btw.pdf", pdf("een")), (f"{bakkerij}_Btw.pdf", pdf("twee")))
    await chosen(first, cast.anna, ends="offer", warned="place")
    await carried_out(first, cast.anna)
    of_garage = next(one for one in await requests_of(first) if one.client == cast.garage)
    await says_yes(eva, of_garage)
    files = [(f"{number}_Btw.pdf", pdf(f"beter {number}")) for number in (garage, bakkerij, beheer)]
    second = await placed(cast.anna, *files, (f"{garage}_Btw-feb.pdf", pdf("feb")))
    told = await chosen(second, cast.anna, ends="offer", warned="place")

    stale = await engine.run_writing(lambda: replace_all(second, "9-9-9", by=cast.anna))
    kept = (await offering_of(second)).on_same
    count = await engine.run_writing(lambda: replace_all(second, replacing_mark(told), by=cast.anna))
    after = (await offering_of(second)).told

    assert (told["held"], told["held_voided"], told["held_told"], stale, kept) == (2, 1, 1, None, "leave")
    assert (count, after["held"], after["replaced"], after["voided"], after["told"]) == (2, 0, 2, 1, 1)
    assert after["odd"]["named"] == 1 and after["left"] == 1  # what waits for something else goes on waiting
    await carried_out(second, cast.anna)
    assert [one.state for one in await requests_of(first)] == ["replaced", "replaced"]
    assert "voided" in await acts(of_garage)
    with pytest.raises(Forbidden):
        await engine.run_writing(lambda: replace_all(second, "0-0-0", by=cast.rik))


async def test_what_was_set_apart_to_wait_is_not_replaced_with_the_rest(cast: Cast) -> None:
    await person(cast.garage, "Eva")
    number = await number_of(cast.garage)
    first = await placed(cast.anna, (f"{number}_Btw.pdf", pdf("een")))
    await chosen(first, cast.anna)
    await carried_out(first, cast.anna)
    second = await placed(cast.anna, (f"{number}_Btw.pdf", pdf("beter")))
    await chosen(second, cast.anna)
    ids = await ids_of(second, "matched")
    await engine.run_writing(lambda: set_apart(second, ids, {"same": "leave"}, by=cast.anna))

    assert (await offering_of(second)).told["held"] == 0


async def test_what_the_name_says_of_the_period_is_proposed_and_never_taken_silently(cast: Cast) -> None:
    number = await number_of(cast.garage)
    placing = await placed(cast.anna, (f"{number}_Btw-jan.pdf", pdf("een")), (f"{number} OB 2025-Q3.pdf", pdf("twee")))
    waits = await chosen(placing, cast.anna)
    named = await chosen(placing, cast.anna, named="name")

    await carried_out(placing, cast.anna)

    assert (waits["requests"], waits["left"], waits["odd"]["named"]) == (1, 1, 1)
    assert named["requests"] == 2
    assert sorted((one.book_year, one.period) for one in await requests_of(placing)) == [(2025, "k3"), (2026, "m01")]


async def test_one_request_each_where_that_was_chosen_with_the_attachments_at_the_first(cast: Cast) -> None:
    number = await number_of(cast.garage)
    files = [(f"{number}_a.pdf", pdf("een")), (f"{number}_b.pdf", pdf("twee")), (f"{number}_staat.csv", b"a;b\n1;2\n")]
    placing = await placed(cast.anna, *files)
    told = await chosen(placing, cast.anna, together=False)

    await carried_out(placing, cast.anna)

    rows = await engine.raw("SELECT d.name, d.part, d.request FROM approval_document d JOIN approval_request r ON r.id = d.request WHERE r.batch = $1 ORDER BY d.id", f"placing-{placing.id}")  # fmt: skip
    assert told["requests"] == 2 and [(row["name"], row["part"]) for row in rows] == [
        ("a.pdf", "main"),
        ("staat.csv", "attachment"),
        ("b.pdf", "main"),
    ]
    assert rows[0]["request"] == rows[1]["request"] != rows[2]["request"]


async def test_locked_damaged_and_double_files_are_named(cast: Cast) -> None:
    number, other = await number_of(cast.garage), await number_of(cast.bakkerij)
    placing = await placed(
        cast.anna, (f"{number}_slot.pdf", locked()), (f"{number}_kapot.pdf", b"%PDF-1.4 niets"), (f"{number}_weer.pdf", locked()),
        (f"{other}_staat.csv", b"a;b\n"),
    )  # fmt: skip
    told = await chosen(placing, cast.anna)

    placing = await carried_out(placing, cast.anna)

    assert {code: told["odd"].get(code) for code in ("locked", "bad", "same_bytes", "not_pdf", "alone")} == {
        "locked": 2, "bad": 1, "same_bytes": 1, "not_pdf": 1, "alone": 1,
    }  # fmt: skip
    (one,) = await requests_of(placing)
    parts = await engine.raw("SELECT name, is_locked, pages FROM approval_document WHERE request = $1", one.id)
    assert [(row["name"], bool(row["is_locked"]), row["pages"]) for row in parts] == [("slot.pdf", True, None)]
    assert await files_in(placing, "left") == {
        "kapot.pdf": "De PDF is beschadigd of te groot om te tonen", "staat.csv": "Er is geen PDF om dit als bijlage bij te doen",
    }  # fmt: skip
    assert await files_in(placing, "skipped") == {"weer.pdf": "Precies dit bestand is er al"}


async def test_an_archived_client_waits_and_some_files_get_something_of_their_own(cast: Cast) -> None:
    await engine.raw("UPDATE client SET state = 'archived' WHERE id = $1", cast.garage)
    number = await number_of(cast.bakkerij)
    placing = await placed(
        cast.anna,
        (f"{await number_of(cast.garage)}_a.pdf", pdf("een")),
        (f"{number}_b.pdf", pdf("twee")),
        (f"{number}_c.pdf", pdf("drie")),
    )
    await chosen(placing, cast.anna)
    _, second, third = await ids_of(placing, "matched")
    await engine.run_writing(lambda: set_apart(placing, [second], {"period": "m02", "amount": 500}, by=cast.anna))
    await engine.run_writing(lambda: set_apart(placing, [third], {"period": "m02", "part": "attachment"}, by=cast.anna))

    placing = await carried_out(placing, cast.anna)

    (one,) = await requests_of(placing)
    assert (one.client, one.period, one.amount) == (cast.bakkerij, "m02", 500)
    assert list(await files_in(placing, "left")) == ["a.pdf"]


async def test_a_dividend_is_due_from_the_day_it_was_paid_and_a_file_may_have_a_day_of_its_own(cast: Cast) -> None:
    D = dt.date
    bakkerij, garage = await number_of(cast.bakkerij), await number_of(cast.garage)
    placing = await placed(
        cast.anna,
        (f"{bakkerij}_dividend.pdf", pdf("een")),
        (f"{bakkerij}_interim.pdf", pdf("twee")),
        (f"{bakkerij}_notulen.txt", b"notulen"),
        (f"{garage}_dividend.pdf", pdf("drie")),
    )
    dividend = await kind("Aangifte dividendbelasting")
    told = await chosen(placing, cast.anna, kind=dividend.id, period="", dated_on=D(2027, 3, 10))
    assert told["legal"] == ["2027-04-10", "2027-04-10"] and told["requests"] == 2
    names = await engine.raw("SELECT id, name FROM placement_file WHERE placement = $1", placing.id)
    interim = next(row["id"] for row in names if "interim" in row["name"])
    await engine.run_writing(lambda: set_apart(placing, [interim], {"dated_on": D(2027, 12, 31)}, by=cast.anna))

    placing = await carried_out(placing, cast.anna)

    made = sorted((one.client, one.dated_on, one.legal_due) for one in await requests_of(placing))
    assert made == sorted(
        [
            (cast.bakkerij, D(2027, 3, 10), D(2027, 4, 10)),
            (cast.bakkerij, D(2027, 12, 31), D(2028, 1, 31)),
            (cast.garage, D(2027, 3, 10), D(2027, 4, 10)),
        ]
    )
    parts = await engine.raw(
        "SELECT r.dated_on, count(*) AS n FROM approval_document d JOIN approval_request r ON r.id = d.request "
        "WHERE r.client = $1 GROUP BY r.dated_on ORDER BY r.dated_on", cast.bakkerij,
    )  # fmt: skip
    assert [row["n"] for row in parts] == [2, 1]  # what was only added stays with the day of all


async def test_the_undo_withdraws_what_nobody_opened_and_leaves_the_rest(cast: Cast) -> None:
    eva, bea = await person(cast.garage, "Eva"), await person(cast.bakkerij, "Bea")
    numbers = [await number_of(one) for one in (cast.garage, cast.bakkerij)]
    placing = await placed(cast.anna, *[(f"{one}_Btw.pdf", pdf(one)) for one in numbers])
    await chosen(placing, cast.anna, ends="offer", warned="place")
    placing = await carried_out(placing, cast.anna)
    of_bakkerij, of_garage = sorted(await requests_of(placing), key=lambda one: one.client != cast.bakkerij)
    await look(eva, of_garage)

    placing = await undone(placing, cast.anna)

    assert (await _fresh(of_bakkerij)).state == "withdrawn" and (await _fresh(of_garage)).state == "offered"
    assert not await bea.scope(ApprovalRequest).where(ApprovalRequest.state == "offered").exists()
    assert (
        placing.undone_at is not None
        and len(await ids_of(placing, "kept")) == 1
        and len(await ids_of(placing, "matched")) == 1
    )
    await _proof_holds(of_bakkerij)
    await carried_out(placing, cast.anna)  # and it can be offered again
    assert [one.state for one in await requests_of(placing) if one.client == cast.bakkerij] == ["withdrawn", "offered"]


@pytest.mark.parametrize("ends", ["offer", "draft"])
async def test_the_undo_leaves_what_got_other_days_since(cast: Cast, ends: str) -> None:
    from models.approvals import extend

    await person(cast.garage, "Eva")
    await person(cast.bakkerij, "Bea")
    numbers = [await number_of(one) for one in (cast.garage, cast.bakkerij)]
    placing = await placed(cast.anna, *[(f"{one}_Btw.pdf", pdf(one)) for one in numbers])
    await chosen(placing, cast.anna, ends=ends, warned="place")
    placing = await carried_out(placing, cast.anna)
    of_bakkerij, of_garage = sorted(await requests_of(placing), key=lambda one: one.client != cast.bakkerij)
    was = of_garage.state
    await extend(of_garage, dt.date(2099, 3, 1), dt.date(2099, 4, 1), by=cast.anna)

    placing = await undone(placing, cast.anna)

    assert ((await _fresh(of_bakkerij)).state, (await _fresh(of_garage)).state) == ("withdrawn", was)
    assert len(await ids_of(placing, "kept")) == 1 and len(await ids_of(placing, "matched")) == 1


async def test_killed_between_two_units_nothing_is_made_twice(cast: Cast) -> None:
    numbers = [await number_of(id) for id in sorted(cast.clients.values())]
    placing = await placed(cast.anna, ("alles.zip", zipped(*[(f"{one}_Btw.pdf", pdf(one)) for one in numbers])))
    await chosen(placing, cast.anna)
    await engine.run_writing(lambda: carry_out(placing, by=cast.anna))
    fresh = await again(placing)
    from models.offering.putting import put

    await engine.run_writing(lambda: put(fresh, cast.anna, 2))
    with pytest.raises(ZeroDivisionError):
        await engine.run_writing(lambda: _dies(fresh, cast.anna))
    await work(placing)
    await work(placing)

    rows = await engine.raw(
        "SELECT client, count(*) AS n FROM approval_request WHERE batch = $1 GROUP BY client", f"placing-{placing.id}"
    )
    assert len(rows) == len(numbers) and {row["n"] for row in rows} == {1}
    assert len(await ids_of(placing, "placed")) == len(numbers)


async def _dies(placing: Placing, by: Viewer) -> None:
    from models.offering.putting import put

    await put(placing, by, 2)
    raise ZeroDivisionError


async def test_nobody_offers_at_a_client_he_does_not_see(cast: Cast) -> None:
    seen = {row["id"] for row in await cast.ed.clients.select(Client.id)}
    other = next(id for id in sorted(cast.clients.values()) if id not in seen)
    if not cast.ed.may("edit_approvals"):
        with pytest.raises(Forbidden):
            await begin_offering(by=cast.ed)
        return
    placing = await placed(cast.ed, (f"{await number_of(other)}_Btw.pdf", pdf("een")))

    assert await files_in(placing, "unmatched")
    with pytest.raises(Missing):
        await engine.run_writing(lambda: placing.give([1], other, by=cast.ed))


async def test_who_may_not_edit_approvals_finds_and_begins_nothing(cast: Cast) -> None:
    placing = await placed(cast.anna, ("los.pdf", pdf("een")))

    for viewer in (cast.rik, cast.fem, cast.sam):
        with pytest.raises(Missing):
            await viewer.scope(Placing).get(placing.id)
        with pytest.raises(Forbidden):
            await begin_offering(by=viewer)


async def test_many_files_take_no_statement_each(cast: Cast) -> None:
    numbers = [await number_of(id) for id in sorted(cast.clients.values())]
    files = [(f"{number}_stuk {n}.pdf", pdf(f"{number} {n}")) for number in numbers for n in range(10)]
    placing = await placed(cast.anna, ("alles.zip", zipped(*files)))
    await chosen(placing, cast.anna, ends="offer", warned="place")

    with engine.count_queries() as queries:
        await carried_out(placing, cast.anna)

    assert len(await ids_of(placing, "placed")) == len(files) and queries.n < 200, queries.n


async def test_the_plan_tells_the_deadlines_and_which_cannot_be(cast: Cast) -> None:
    placing = await placed(cast.anna, (f"{await number_of(cast.garage)}_Btw.pdf", pdf("een")))
    told = await chosen(placing, cast.anna)
    wrong = await chosen(placing, cast.anna, internal_due=dt.date(2026, 5, 1))  # after the legal one of this period

    assert (told["legal"], told["internal"]) == (["2026-02-28"] * 2, ["2026-02-20"] * 2)
    assert (wrong["requests"], wrong["left"], wrong["odd"]["wrong"]) == (0, 1, 1)
