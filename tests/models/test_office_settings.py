"""What an office arranges once: templates of rights, retention, branch offices, and how names are sorted."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from jobs.long_work import run
from models import engine
from models.clients.rights import RightsTemplate, add_template, folders_of, template_use
from models.core import Forbidden, Refused, RefusedFields
from models.offices import Office, add_office
from models.retention import RetentionClass, add_class, classes, until
from models.settings import Firm
from models.viewer import Right
from tests.cast import Cast, as_viewer


async def run_tasks() -> None:
    errand = (await engine.raw("SELECT max(id) AS id FROM errand WHERE kind = 'run_task'"))[0]["id"]
    assert (await run(errand))[0] == "done"


async def template(cast: Cast, key: str) -> RightsTemplate:
    found = await cast.anna.scope(RightsTemplate).where(RightsTemplate.key == key).find()
    assert found is not None
    return found


async def test_a_template_changes_what_everybody_with_it_may(cast: Cast) -> None:
    beheerder = await template(cast, "beheerder")
    before = (await as_viewer(cast.rik.user.email)).grants[cast.bakkerij].rights
    await beheerder.change("Directie", int(Right.VIEW_DOSSIER), {"Belastingen": True}, by=cast.anna)
    after = (await as_viewer(cast.rik.user.email)).grants[cast.bakkerij].rights

    assert Right.UPLOAD_DOCUMENTS in before and after == Right.VIEW_DOSSIER
    assert await folders_of(beheerder.id) == {"Belastingen": True}
    line = (await engine.raw("SELECT detail FROM trail WHERE operation = 'RightsTemplate.change'"))[0]
    assert json.loads(line["detail"])["after"]["folders"] == "Belastingen (aanleveren)"


async def test_a_template_in_use_stays_and_a_new_one_has_a_key_of_its_own(cast: Cast) -> None:
    found = cast.anna.scope(RightsTemplate)
    made = await add_template(found, "Beheerder!", int(Right.APPROVE), {}, by=cast.anna)
    with pytest.raises(Refused):
        await add_template(found, "beheerder!", 0, {}, by=cast.anna)
    with pytest.raises(Refused):
        await (await template(cast, "beheerder")).remove(by=cast.anna)

    assert made.key != "beheerder" and Right.VIEW_APPROVALS & made.rights, "who may act may look"
    assert (await template_use("beheerder"))["people"] > 0
    await made.remove(by=cast.anna)
    with pytest.raises(Forbidden):
        await (await template(cast, "lezer")).change("x", 0, {}, by=cast.ed)


async def test_terms_are_there_from_the_start_and_are_the_offices_own(cast: Cast) -> None:
    there = {row["name"]: row for row in await classes()}
    found = cast.anna.scope(RetentionClass)
    made = await add_class(found, "Offertes", 24, "upload", "", by=cast.anna)
    await made.change("Offertes", 36, "upload", "Eigen beleid", by=cast.anna)
    for wrong in (("", 1, "upload"), ("Offertes", 1, "upload"), ("X", 0, "upload"), ("X", 1, "ooit")):
        with pytest.raises(Refused):
            await add_class(found, *wrong, "", by=cast.anna)

    assert there["Administratie"]["months"] == 84 and "AWR" in there["Administratie"]["ground"]
    assert there["Onroerende zaken (btw)"]["months"] == 120 and there["Wwft-cliëntonderzoek"]["anchor"] == "relation"
    await made.remove(by=cast.anna)
    assert "Offertes" not in {row["name"] for row in await classes()}


@pytest.mark.parametrize(
    ("months", "since", "last"),
    [(84, "2019-12-31", "2026-12-31"), (24, "2024-02-29", "2026-02-28"), (1, "2025-01-31", "2025-02-28"), (12, "2024-12-01", "2025-12-01")],
)  # fmt: skip
def test_a_term_ends_on_the_same_day(months: int, since: str, last: str) -> None:
    assert until(months, dt.date.fromisoformat(since)) == dt.date.fromisoformat(last)


async def test_clients_of_a_branch_office_know_the_firm_as_that(cast: Cast) -> None:
    office = await add_office(
        cast.anna.scope(Office), name="Kantoor Zeist", brand="#aa0044", city="Zeist", phone="030 123 45 67",
        sender_name="", sender_address="zeist@kantoor.example", street="Weg 1", postcode="3701 AA", by=cast.anna,
    )  # fmt: skip
    await engine.raw("UPDATE client SET office = $1 WHERE id = $2", office.id, cast.garage)
    sam, rik = await as_viewer(cast.sam.user.email), await as_viewer(cast.rik.user.email)
    row = (await engine.raw("SELECT * FROM office WHERE id = $1", office.id))[0]
    firm = await Firm.load()
    shown = firm.shown_as(row)

    assert (sam.office, rik.office) == (office.id, None)
    assert (shown.name, shown.brand, shown.place, shown.sender_address) == (
        "Kantoor Zeist", "#aa0044", "Zeist", "zeist@kantoor.example",
    )  # fmt: skip
    assert (await Firm.load()).name == firm.name != shown.name
    with pytest.raises(Refused):
        await office.remove(by=cast.anna)
    with pytest.raises(RefusedFields) as wrong:
        await office.change(name="", postcode="1", brand="geel", by=cast.anna)
    assert {one.field for one in wrong.value.refusals} == {"name", "postcode", "brand"}


async def test_in_belgium_the_prefix_is_the_beginning_of_the_name(cast: Cast) -> None:
    await engine.raw(
        "UPDATE users SET prefix = 'van der', surname = 'Laan', full_name = 'Fem van der Laan' WHERE id = $1",
        cast.fem.user.id,
    )

    async def key() -> str:
        rows = await engine.raw("SELECT sort_key FROM users WHERE id = $1", cast.fem.user.id)
        return str(rows[0]["sort_key"])

    await (await Firm.load()).change(sort_rule="be", by=cast.anna)
    await run_tasks()
    belgian = await key()
    await (await cast.anna.users.get(cast.fem.user.id)).change_name(
        surname="Laan", prefix="van der", first_name="Femke", by=cast.anna
    )
    kept = await key()
    await (await Firm.load()).change(sort_rule="nl", by=cast.anna)
    await run_tasks()

    assert belgian.startswith("van der laan") and kept.startswith("van der laan")
    assert (await key()).startswith("laan")
