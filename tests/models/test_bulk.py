"""Acts on many records: what was shown is what is done, undo gives back what is still as it was left, and nobody reaches beyond his own."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from jobs.long_work import run
from models import engine
from models.accounts import User, matching_users
from models.bulk import KINDS, BulkAct, prepare, start
from models.bulk import running as running_acts
from models.clients import Client, add_client, add_group, matching
from models.core import Forbidden, Missing, Refused
from models.viewer import Right, Viewer
from tests.approving import step
from tests.bulking import carried_out, counted, in_bulk, looked_at, taken_back
from tests.cast import Cast, as_viewer


async def everything() -> dict[str, Any]:
    """What acts on many may change, without the ids that a row gets when it comes back."""
    return {
        "client": await engine.raw("SELECT id, state, language, formal, office, modules FROM client ORDER BY id"),
        "sectors": await engine.raw("SELECT client, sector FROM client_sector ORDER BY client, sector"),
        "membership": await engine.raw(
            "SELECT client, client_group, source, imported FROM membership ORDER BY client, client_group"
        ),
        "responsible": await engine.raw("SELECT client, person, roles FROM responsible ORDER BY client, person"),
        "plans": await engine.raw("SELECT client, kind, steps FROM approval_plan ORDER BY client, kind"),
        # a role is never deleted: what never counted is as good as not given
        "roles": await engine.raw(
            "SELECT client, person, role FROM approver_role WHERE until IS NULL OR since IS NULL OR until >= since ORDER BY id"
        ),
        "access": await engine.raw("SELECT person, client, role, own, rights FROM access ORDER BY person, client"),
        # who was blocked before his invitation left, is prepared afterwards, and is to be invited anew
        "users": await engine.raw(
            "SELECT id, CASE WHEN state = 'invited' THEN 'prepared' ELSE state END AS state, language, digest, email FROM users ORDER BY id"
        ),
        "reach": await engine.raw("SELECT person, client FROM reach ORDER BY person, client"),
    }


async def params_for(kind: str, cast: Cast, chance: random.Random) -> dict[str, Any]:
    groups = [row["id"] for row in await engine.raw("SELECT id FROM client_group ORDER BY id")]
    sectors = [row["id"] for row in await engine.raw("SELECT id FROM sector ORDER BY id LIMIT 3")]
    return {
        "join_group": {"group": chance.choice(groups)},
        "leave_group": {"group": chance.choice(groups)},
        "add_responsible": {"person": cast.ed.user.id, "roles": chance.sample(["manager", "tax", "payroll"], 2)},
        "drop_responsible": {"person": cast.ed.user.id, "roles": chance.choice([[], ["tax"]])},
        "join_sector": {"sector": chance.choice(sectors)},
        "leave_sector": {"sector": chance.choice(sectors)},
        "set_client_language": {"language": chance.choice(["nl", "en"])},
        "set_tone": {"tone": chance.choice(["formal", "informal"])},
        "set_office": {"office": "0"},
        "set_modules": chance.choice([{"every": "1"}, {"modules": ["dossiers"]}]),
        "prepare_users": {"role": chance.choice(["lezer", "beheerder"]), "unnamed": chance.choice(["leave", "client"])},
        "set_template": {
            "role": chance.choice(["lezer", "salaris", "uploaden"]),
            "group": chance.choice(["", groups[0]]),
        },
        "set_plan": chance.choice(
            [
                {"approval_kind": "", "plan": "own", "steps": [step("director", "partner", mode="any")]},
                {"approval_kind": "1", "plan": "own", "steps": [step("director"), step("payroll")]},
                {"approval_kind": "1", "plan": "office"},
            ]
        ),
        "give_approver_role": {
            "right": str(chance.choice([int(Right.APPROVE), int(Right.VIEW_DOSSIER)])),
            "approver_role": chance.choice(["director", "payroll"]),
        },
        "set_language": {"language": chance.choice(["nl", "en"])},
        "set_digest": {"digest": chance.choice(["daily", "never"])},
    }.get(kind, {})


def some(kind: str, cast: Cast, ids: list[int]) -> Any:
    if KINDS[kind].about == "clients":
        return cast.anna.clients.where(Client.id.is_in(ids))
    return cast.anna.users.where(User.id.is_in(ids))


@pytest.mark.parametrize("seed", range(4))
async def test_what_was_shown_is_what_is_done_and_undo_gives_it_all_back(cast, seed):
    """Random acts on random records after each other; undone in reverse, everything is as before each of them."""
    chance = random.Random(seed)
    all_ids = {
        "clients": [row["id"] for row in await engine.raw("SELECT id FROM client ORDER BY id")],
        "users": [row["id"] for row in await engine.raw("SELECT id FROM users WHERE kind = 'client' ORDER BY id")],
    }
    history = []
    for kind in chance.sample(list(KINDS), len(KINDS)):
        ids = all_ids[KINDS[kind].about]
        found = some(kind, cast, chance.sample(ids, chance.randint(2, len(ids))))
        act = await looked_at(found, kind, cast.anna, **await params_for(kind, cast, chance))
        before, shown = await everything(), act.numbers
        now = await carried_out(act, cast.anna)
        assert now.get("done", 0) == shown["will"], kind
        assert (now.get("already", 0), now.get("refused", 0)) == (shown["already"], shown["refused"]), kind
        if shown["will"]:
            history.append((act, before, shown["will"]))

    assert len(history) > 5
    for act, before, count in reversed(history):
        assert (await taken_back(act, cast.anna)) == {"undone": count} | _left(act), act.kind
        assert await everything() == before, act.kind


def _left(act: BulkAct) -> dict[str, int]:
    return {fate: n for fate, n in (act.numbers or {}).items() if fate in ("already", "refused") and n}


async def test_the_look_beforehand_changes_nothing_and_counts(cast):
    await (await cast.anna.clients.get(cast.garage)).archive(by=cast.anna)
    before = await everything()

    act = await looked_at(matching(cast.anna, state="all"), "archive", cast.anna)

    assert await everything() == before
    assert (act.numbers["will"], act.numbers["already"], act.chosen) == (11, 1, 12)


async def test_who_changed_since_the_look_is_left_alone_and_said(cast):
    act = await looked_at(matching(cast.anna), "set_client_language", cast.anna, language="en")
    await engine.raw("UPDATE client SET language = 'xx' WHERE id = $1", cast.garage)
    foreign = await add_client(cast.anna.clients, number="NA", name="Daarna gekomen", by=cast.anna)

    now = await carried_out(act, cast.anna)

    assert (now["moved"], now["done"]) == (1, act.numbers["will"] - 1)
    rows = {row["id"]: row["language"] for row in await engine.raw("SELECT id, language FROM client")}
    assert (rows[cast.garage], rows[cast.bakkerij], rows[foreign.id]) == ("xx", "en", "nl")


async def test_undo_leaves_what_was_changed_afterwards(cast):
    act = await looked_at(matching(cast.anna), "archive", cast.anna)
    await carried_out(act, cast.anna)
    await (await cast.anna.clients.get(cast.garage)).restore(by=cast.anna)

    now = await taken_back(act, cast.anna)

    assert (now["stayed"], now["undone"]) == (1, 11)
    assert await matching(cast.anna).count() == 12


async def test_a_second_click_does_nothing_more(cast):
    act = await looked_at(matching(cast.anna), "archive", cast.anna)
    again = await BulkAct.objects().where(BulkAct.id == act.id).first()
    await carried_out(act, cast.anna)
    await engine.run_writing(lambda: start(again, by=cast.anna))

    lines = await engine.raw("SELECT detail FROM trail WHERE operation = 'Client.archive.bulk'")
    each = await engine.raw("SELECT count(*) AS n FROM trail WHERE operation = 'Client.archive' AND client IS NOT NULL")
    assert [json.loads(line["detail"])["count"] for line in lines] == [12]
    assert each[0]["n"] == 12


async def test_ed_touches_only_his_own_and_finds_only_his_own_acts(cast):
    his = await matching(cast.ed).count()
    act = await looked_at(matching(cast.anna), "archive", cast.anna)

    with pytest.raises(Missing):
        await cast.ed.bulk_acts.get(act.id)
    assert await in_bulk(matching(cast.ed), "archive", cast.ed) == his < await matching(cast.anna, state="all").count()
    assert await cast.ed.bulk_acts.count() == 1
    assert (await cast.anna.clients.get(cast.garage)).state == "active"


async def test_whom_ed_loses_sight_of_meanwhile_he_does_not_change(cast):
    act = await looked_at(matching(cast.ed), "archive", cast.ed)
    await in_bulk(
        cast.anna.clients.where(Client.id == cast.bakkerij), "drop_responsible", cast.anna, person=cast.ed.user.id
    )
    await engine.raw("DELETE FROM reach WHERE person = $1 AND client = $2", cast.ed.user.id, cast.bakkerij)

    now = await carried_out(act, await as_viewer("ed@kantoor.example"))

    assert now["moved"] == 1
    assert (await cast.anna.clients.get(cast.bakkerij)).state == "active"


async def test_a_client_user_changes_nothing_in_bulk(cast):
    for kind in KINDS:
        with pytest.raises(Forbidden):
            await prepare(cast.rik.clients, kind, selection={}, by=cast.rik)


async def test_responsible_is_staff_with_duties_beside_those_he_had(cast):
    with pytest.raises(Refused):
        await looked_at(matching(cast.anna), "add_responsible", cast.anna, person=cast.rik.user.id)

    await in_bulk(matching(cast.anna), "add_responsible", cast.anna, person=cast.ed.user.id, roles=["tax"])
    await in_bulk(matching(cast.anna), "add_responsible", cast.anna, person=cast.ed.user.id, roles=["manager"])

    rows = await engine.raw("SELECT roles FROM responsible WHERE person = $1", cast.ed.user.id)
    assert {frozenset(row["roles"].split(",")) for row in rows} == {frozenset({"manager", "tax"})}
    assert await matching(await as_viewer("ed@kantoor.example")).count() == 12


async def test_who_is_in_a_group_by_its_rule_is_not_taken_out(cast):
    group = await add_group(cast.anna.groups, name="Volgens regel", by=cast.anna)
    await engine.raw(
        "INSERT INTO membership (client, client_group, source) VALUES ($1, $2, 'rule')", cast.garage, group.id
    )

    act = await looked_at(matching(cast.anna), "leave_group", cast.anna, group=group.id)

    assert (act.numbers["refused"], act.numbers["refused:by_rule"], act.numbers["will"]) == (1, 1, 0)


async def test_many_go_to_the_background_and_a_killed_worker_goes_on_where_it_was(cast, monkeypatch):
    monkeypatch.setattr(running_acts, "AT_ONCE", 5)
    act = await looked_at(matching(cast.anna), "archive", cast.anna)
    await engine.run_writing(lambda: start(act, by=cast.anna))
    assert (await counted(act)) == {"will": 12}
    await engine.run_writing(lambda: running_acts.carry_out(act, cast.anna))  # a worker that died after its first chunk
    errand = (await engine.raw("SELECT max(id) AS id FROM errand WHERE kind = 'run_task'"))[0]["id"]

    assert (await run(errand))[0] == "done"
    assert (await run(errand))[0] == "done"

    assert await counted(act) == {"done": 12}
    each = await engine.raw("SELECT count(*) AS n FROM trail WHERE operation = 'Client.archive'")
    assert each[0]["n"] == 12
    kept = await BulkAct.objects().where(BulkAct.id == act.id).first()
    assert kept.state == "done" and kept.finished_at is not None

    await engine.run_writing(lambda: running_acts.undo(kept, by=cast.anna))
    errand = (await engine.raw("SELECT max(id) AS id FROM errand WHERE kind = 'run_task'"))[0]["id"]
    assert (await run(errand))[0] == "done"
    assert await counted(act) == {"undone": 12}


async def test_what_was_stopped_before_it_began_goes_on(cast, monkeypatch):
    monkeypatch.setattr(running_acts, "AT_ONCE", 5)
    act = await looked_at(matching(cast.anna), "archive", cast.anna)
    await engine.run_writing(lambda: start(act, by=cast.anna))
    task = await cast.anna.tasks.get(act.task)
    await engine.run_writing(lambda: task.cancel(by=cast.anna))

    await engine.run_writing(lambda: start(act, by=cast.anna))
    errand = (await engine.raw("SELECT max(id) AS id FROM errand WHERE kind = 'run_task'"))[0]["id"]
    assert (await run(errand))[0] == "done"

    assert await counted(act) == {"done": 12}


async def test_who_may_no_more_has_his_work_stopped(cast, monkeypatch):
    monkeypatch.setattr(running_acts, "AT_ONCE", 1)
    act = await looked_at(matching(cast.ed), "archive", cast.ed)
    await engine.run_writing(lambda: start(act, by=cast.ed))
    await engine.raw("UPDATE users SET state = 'blocked' WHERE id = $1", cast.ed.user.id)
    errand = (await engine.raw("SELECT max(id) AS id FROM errand WHERE kind = 'run_task'"))[0]["id"]

    assert (await run(errand))[0] == "failed"
    assert "done" not in await counted(act)


# users out of the clients' own data


async def with_address(cast: Cast, number: str, name: str, email: str, legal_form: str = "") -> int:
    made = await add_client(cast.anna.clients, number=number, name=name, email="", by=cast.anna)
    await engine.raw("UPDATE client SET email = $2, legal_form = $3 WHERE id = $1", made.id, email, legal_form)
    return int(made.id)


async def test_users_are_prepared_from_the_clients_own_addresses_and_nobody_is_mailed(cast):
    new = await with_address(cast, "N1", "Van Dijk Holding", "piet.van.dijk@dijk.example")
    second = await with_address(cast, "N2", "Van Dijk Werkmij", "Piet.van.Dijk@dijk.example")
    shared = await with_address(cast, "N3", "Postbus B.V.", "info@postbus.example")
    none = await with_address(cast, "N4", "Zonder Adres", "")
    unclear = await with_address(cast, "N5", "Raadsel B.V.", "raadsel@raadsel.example")
    known = await with_address(cast, "N6", "Derde van Rik", "rik@bakkerij-jansen.example")
    person = await with_address(cast, "N7", "J. de Boer", "deboer@boer.example", "Eenmanszaak")
    staff = await with_address(cast, "N8", "Van Ed", "ed@kantoor.example")
    chosen = [new, second, shared, none, unclear, known, person, staff]
    found = cast.anna.clients.where(Client.id.is_in(chosen))
    mails = (await engine.raw("SELECT count(*) AS n FROM errand"))[0]["n"]

    act = await looked_at(found, "prepare_users", cast.anna, role="uploaden", unnamed="leave")
    why = {
        row["record"]: (row["fate"], row["why"])
        for row in await engine.raw("SELECT * FROM bulk_row WHERE act = $1", act.id)
    }
    done = await carried_out(act, cast.anna)

    together = {why[new], why[second]}
    assert together == {("will", "new"), ("will", "together")}
    assert (why[shared], why[none], why[unclear]) == (
        ("refused", "shared"),
        ("refused", "no_email"),
        ("refused", "no_name"),
    )
    assert (why[known], why[person], why[staff]) == (("will", "access"), ("will", "new"), ("refused", "of_staff"))
    assert done == {"done": 4, "refused": 4}
    made = await User.objects().where(User.email_key == "piet.van.dijk@dijk.example").first()
    assert (made.state, made.first_name, made.prefix, made.surname) == ("prepared", "Piet", "van", "Dijk")
    rows = await engine.raw("SELECT client, role, rights FROM access WHERE person = $1 ORDER BY client", made.id)
    assert [(row["client"], row["role"], row["rights"]) for row in rows] == [
        (new, "uploaden", 3),
        (second, "uploaden", 3),
    ]
    boer = await User.objects().where(User.email_key == "deboer@boer.example").first()
    assert (boer.initials, boer.prefix, boer.surname) == ("J.", "de", "Boer")
    assert (await engine.raw("SELECT count(*) AS n FROM errand"))[0]["n"] == mails


async def test_undo_of_prepared_users_leaves_who_was_invited_since(cast):
    one = await with_address(cast, "N1", "Een", "piet.een@een.example")
    two = await with_address(cast, "N2", "Twee", "jan.twee@twee.example")
    act = await looked_at(
        cast.anna.clients.where(Client.id.is_in([one, two])), "prepare_users", cast.anna, role="lezer", unnamed="leave"
    )
    await carried_out(act, cast.anna)
    piet = await User.objects().where(User.email_key == "piet.een@een.example").first()
    await engine.run_writing(lambda: piet.invite(by=cast.anna))

    now = await taken_back(act, cast.anna)

    assert (now["undone"], now["stayed"]) == (1, 1)
    left = {row["email"] for row in await engine.raw("SELECT email FROM users WHERE email LIKE '%.example'")}
    assert "piet.een@een.example" in left and "jan.twee@twee.example" not in left


# users


async def test_rights_are_given_at_the_clients_of_one_group_only(cast):
    group = await add_group(cast.anna.groups, name="Alleen Beheer", by=cast.anna)
    await in_bulk(cast.anna.clients.where(Client.id == cast.beheer), "join_group", cast.anna, group=group.id)
    rik: Any = matching_users(cast.anna).where(User.id == cast.rik.user.id)

    await in_bulk(rik, "set_template", cast.anna, role="lezer", group=group.id)

    rows = await engine.raw("SELECT client, role, rights FROM access WHERE person = $1", cast.rik.user.id)
    roles = {row["client"]: (row["role"], row["rights"]) for row in rows}
    assert roles[cast.beheer] == ("lezer", 1)
    assert roles[cast.bakkerij][0] != "lezer"


async def test_of_several_offices_people_only_whom_ed_wholly_sees_is_blocked(cast):
    await engine.raw("DELETE FROM responsible WHERE person = $1 AND client <> $2", cast.ed.user.id, cast.bakkerij)
    await engine.raw("DELETE FROM reach WHERE person = $1 AND client <> $2", cast.ed.user.id, cast.bakkerij)
    ed: Viewer = await as_viewer("ed@kantoor.example")

    act = await looked_at(matching_users(ed), "block", ed)

    assert act.numbers["refused:beyond"] >= 1
    await carried_out(act, ed)
    assert (await User.objects().get(User.id == cast.rik.user.id)).state == "active"
    assert (await User.objects().get(User.id == cast.fem.user.id)).state == "blocked"
