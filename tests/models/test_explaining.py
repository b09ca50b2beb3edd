"""Why somebody may or may not: the steps that are told agree with what is enforced, whatever the rights."""

from __future__ import annotations

from random import Random

import pytest

from models import engine, explaining
from models.accounts import User
from models.accounts.roles import RIGHTS
from models.accounts.staff import settle_staff
from models.clients import Client, settle, settle_rights
from models.dossiers import Document, Folder
from models.viewer import STAFF_PERMISSIONS, Permission

MODULES = ("", "", "dossiers", "approvals,payroll", "dossiers,payroll", "-")


async def someone(cast, name: str) -> User:
    found = await User.objects().where(User.id == getattr(cast, name).user.id).first()
    assert found is not None
    return found


async def shuffled(cast, chance: Random) -> None:
    """Every fact that rights follow from, anyhow."""
    await engine.raw(
        "UPDATE client SET modules = $1, state = $2 WHERE id = $3",
        chance.choice(MODULES),
        chance.choice(["active"] * 4 + ["archived"]),
        cast.bakkerij,
    )
    for who in (cast.rik, cast.fem):
        await engine.raw(
            "UPDATE users SET state = $1 WHERE id = $2",
            chance.choice(["active"] * 4 + ["prepared", "blocked", "invited"]),
            who.user.id,
        )
        await engine.raw(
            "UPDATE access SET role = $1, own = $2 WHERE person = $3",
            chance.choice(["", "beheerder", "uploaden", "salaris", "lezer"]), chance.choice([0, 0, 1, 2, 3, 8, 200]), who.user.id,
        )  # fmt: skip
    await engine.raw("UPDATE rights_template SET rights = $1 WHERE key = 'lezer'", chance.choice([0, 1, 21]))
    for document in await engine.raw("SELECT id, folder FROM document WHERE client = $1", cast.bakkerij):
        state, own = chance.choice(["published"] * 3 + ["draft", "planned"]), chance.random() < 0.3
        await engine.raw("UPDATE document SET state = $2 WHERE id = $1", document["id"], state)
        await engine.raw("UPDATE folder SET own_only = $2 WHERE id = $1", document["folder"], own)
    await engine.raw("DELETE FROM folder_right")
    tops = await engine.raw(
        "SELECT DISTINCT name, name_key FROM folder WHERE client = $1 AND parent IS NULL", cast.bakkerij
    )
    for top in chance.sample(tops, 2):
        await engine.raw(
            "INSERT INTO folder_right (access, name, name_key, act) SELECT id, CAST($1 AS VARCHAR), CAST($2 AS VARCHAR), CAST($3 AS BOOLEAN) FROM access WHERE person = $4",
            top["name"], top["name_key"], chance.random() < 0.5, cast.fem.user.id,
        )  # fmt: skip
    if chance.random() < 0.5:
        top = chance.choice(tops)
        await engine.raw(
            "INSERT INTO folder_right (template, name, name_key, act) SELECT id, CAST($1 AS VARCHAR), CAST($2 AS VARCHAR), CAST($3 AS BOOLEAN) FROM rights_template WHERE key = 'salaris'",
            top["name"], top["name_key"], chance.random() < 0.5,
        )  # fmt: skip
    await engine.raw(
        "UPDATE users SET permissions_own = $1, all_clients = $2, role = $3 WHERE id = $4",
        chance.choice(["", "-", "dossiers:view", "clients:act", "rollout:act,mail:view"]),
        chance.random() < 0.4,
        chance.choice(["employee", "employee", "office_administrator"]),
        cast.ed.user.id,
    )
    await engine.raw("DELETE FROM staff_group")
    if chance.random() < 0.6:
        given = chance.choice(["", "dossiers:act", "imports:act,mail:view"])
        await engine.raw("INSERT INTO staff_group (name, name_key, permissions) VALUES ('Lonen', 'lonen', $1)", given)
        await engine.raw(
            "INSERT INTO staff_group_member (staff_group, person) SELECT id, CAST($1 AS INTEGER) FROM staff_group",
            cast.ed.user.id,
        )
    await settle_staff()
    if chance.random() < 0.5:
        await engine.raw("DELETE FROM responsible WHERE client = $1 AND person = $2", cast.bakkerij, cast.ed.user.id)
    await settle()
    await settle_rights()


@pytest.mark.parametrize("seed", range(8))
async def test_the_steps_agree_with_what_is_enforced(cast, seed):
    chance = Random(seed)
    folders = await Folder.objects().where(Folder.client == cast.bakkerij)
    folders += await Folder.objects().where(Folder.client.is_null()).limit(6)
    for _ in range(3):
        await shuffled(cast, chance)
        documents = await Document.objects().where(Document.client == cast.bakkerij).order_by(Document.id).limit(6)
        for name in ("rik", "fem", "ed", "anna"):
            person = await someone(cast, name)
            for folder in chance.sample(folders, 12):
                answer = await explaining.of_folder(person, folder)
                assert answer.allowed == all(step.ok for step in answer.steps), (name, folder.name, answer)
            for document in documents:
                answer = await explaining.of_document(person, document)
                assert answer.allowed == all(step.ok for step in answer.steps), (name, document.name, answer)
            client = await Client.objects().where(Client.id == cast.bakkerij).first()
            for right, _ in RIGHTS:
                answer = await explaining.of_screen(person, client, Permission(right.name.lower()))
                assert answer.allowed == all(step.ok for step in answer.steps), (name, right, answer)
            if person.kind == "staff":
                for _, permission, answer in await explaining.of_office(person):
                    assert answer.allowed == all(step.ok for step in answer.steps), (name, permission, answer)
        await engine.raw(
            "INSERT INTO responsible (client, person) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            cast.bakkerij,
            cast.ed.user.id,
        )


async def test_what_stops_somebody_is_named(cast):
    internal = await Folder.objects().where((Folder.client == cast.bakkerij) & (Folder.kind == "internal")).first()
    top = await Folder.objects().where((Folder.client == cast.bakkerij) & (Folder.kind == "office")).first()

    assert str((await explaining.of_folder(await someone(cast, "sam"), top)).why).startswith(
        "Er is geen toegang gegeven"
    )
    assert str((await explaining.of_folder(await someone(cast, "fem"), top)).why).startswith("Niets geeft dit recht")
    assert str((await explaining.of_folder(await someone(cast, "rik"), internal)).why).startswith("Deze map is intern")
    assert "Beheerder" in str((await explaining.of_folder(await someone(cast, "rik"), top)).why)
    assert str((await explaining.of_folder(await someone(cast, "ed"), internal)).why).startswith(
        "Hij is verantwoordelijk"
    )


async def test_everything_that_a_role_gives_is_explained(cast):
    told = {permission for _, permission in explaining.OFFICE_SCREENS}
    assert told == set(STAFF_PERMISSIONS) - {Permission.OWN_ACCOUNT}


async def test_by_what_a_colleague_may_is_named(cast):
    await engine.raw("UPDATE users SET permissions_own = 'mail:view' WHERE id = $1", cast.ed.user.id)
    await engine.raw("INSERT INTO staff_group (name, name_key, permissions) VALUES ('Lonen', 'lonen', 'imports:act')")
    await engine.raw(
        "INSERT INTO staff_group_member (staff_group, person) SELECT id, CAST($1 AS INTEGER) FROM staff_group",
        cast.ed.user.id,
    )
    await settle_staff()
    told = {permission: answer for _, permission, answer in await explaining.of_office(await someone(cast, "ed"))}

    assert str(told[Permission.VIEW_MAIL].why) == "Dit recht is aan hem zelf gegeven."
    assert str(told[Permission.IMPORT_RECORDS].why) == "De kantoorgroep “Lonen” geeft dit recht."
    assert str(told[Permission.MANAGE_CLIENTS].why).startswith("Van alles wat een medewerker mag")
    assert str(told[Permission.MANAGE_SETTINGS].why) == "De rol Medewerker laat dit niet toe."
