"""The office's own people: roles, permissions per module, groups of colleagues, and whose clients they see."""

from __future__ import annotations

import pytest

from models import engine
from models.accounts import User, add_staff, change_role
from models.accounts.staff_groups import StaffGroup, add_staff_group
from models.clients import Client, add_group
from models.core import Refused
from models.offices import Office
from models.settings import utcnow
from models.viewer import Viewer
from tests.cast import Cast, as_viewer

ED = "ed@kantoor.example"


async def office(name: str) -> int:
    made = Office(name=name, name_key=name.casefold(), created_at=utcnow())
    await made.save()
    return int(made.id)


async def ed_of(cast: Cast) -> User:
    return await cast.anna.users.get(cast.ed.user.id)


async def sees(viewer: Viewer, client: int) -> bool:
    return await viewer.clients.where(Client.id == client).exists()


async def test_an_employee_may_be_given_some_modules_only(cast: Cast) -> None:
    await change_role(await ed_of(cast), "employee", True, permissions="clients:act,dossiers:view", by=cast.anna)
    ed = await as_viewer(ED)

    assert ed.may("manage_clients") and ed.may("read_dossiers")
    assert not ed.may("edit_dossiers") and not ed.may("manage_users") and not ed.may("import_records")


async def test_a_group_of_colleagues_adds_and_its_end_takes_away(cast: Cast) -> None:
    payroll = await add_staff_group(cast.anna.scope(StaffGroup), name="Salarisafdeling", by=cast.anna)
    clients = await add_group(cast.anna.groups, name="Salarisklanten", by=cast.anna)
    garage = await cast.anna.clients.get(cast.garage)
    await garage.set_groups([clients.id], by=cast.anna)
    await change_role(await ed_of(cast), "employee", False, permissions="clients:act", by=cast.anna)
    before = await sees(await as_viewer(ED), cast.garage)
    await payroll.change(
        "Salarissen", "users:act,dossiers:view", selections=[clients.id], members=[cast.ed.user.id], by=cast.anna
    )
    within = await as_viewer(ED)
    seen = await sees(within, cast.garage)
    await payroll.remove(by=cast.anna)
    after = await as_viewer(ED)

    assert not before and seen and within.may("manage_users") and within.may("manage_clients")
    assert not await sees(after, cast.garage) and not after.may("manage_users") and after.may("manage_clients")


async def test_selection_groups_and_a_branch_office_decide_whom_a_colleague_sees(cast: Cast) -> None:
    north = await office("Noord")
    group = await add_group(cast.anna.groups, name="Voor Ed", by=cast.anna)
    for id in (cast.garage, cast.beheer):
        await (await cast.anna.clients.get(id)).set_groups([group.id], by=cast.anna)
    await Client.update({Client.office: north}).where(Client.id == cast.garage)
    await change_role(await ed_of(cast), "employee", False, selections=[group.id], by=cast.anna)
    everywhere = await as_viewer(ED)
    both = await sees(everywhere, cast.garage) and await sees(everywhere, cast.beheer)
    await change_role(await ed_of(cast), "employee", False, office=north, by=cast.anna)
    fenced = await as_viewer(ED)

    assert both and await sees(fenced, cast.garage) and not await sees(fenced, cast.beheer)


async def test_who_manages_a_branch_office_manages_no_administrator_and_no_other_office(cast: Cast) -> None:
    north, south = await office("Noord"), await office("Zuid")
    await change_role(await ed_of(cast), "office_administrator", True, office=north, by=cast.anna)
    ed = await as_viewer(ED)
    new = {"email": "noor@kantoor.example", "surname": "Noor", "role": "employee", "all_clients": True}
    made = await add_staff(ed.users, **new, office=south, by=ed)
    other = await add_staff(cast.anna.users, **new | {"email": "zus@kantoor.example"}, office=south, by=cast.anna)

    assert made.office == north and not ed.may("manage_settings")
    for doing in (
        lambda: change_role(cast.anna.user, "employee", True, by=ed),
        lambda: change_role(made, "administrator", True, by=ed),
        lambda: change_role(other, "employee", True, by=ed),
        lambda: other.block(by=ed),
        lambda: cast.anna.user.block(by=ed),
        lambda: add_staff_group(ed.scope(StaffGroup), name="Van Ed", by=ed),
    ):
        with pytest.raises(Refused):
            await doing()


async def test_what_changed_is_on_the_trail_by_name(cast: Cast) -> None:
    north = await office("Noord")
    await change_role(await ed_of(cast), "employee", False, office=north, by=cast.anna)
    line = (await engine.raw("SELECT detail FROM trail WHERE operation = 'User.change_role' ORDER BY id DESC LIMIT 1"))[
        0
    ]

    assert '"office": "Noord"' in line["detail"]


@pytest.mark.parametrize("wrong", ["clients:everything", "vault:act"])
async def test_unknown_modules_and_levels_are_refused(cast: Cast, wrong: str) -> None:
    with pytest.raises(Refused) as refused:
        await change_role(await ed_of(cast), "employee", True, permissions=wrong, by=cast.anna)

    assert refused.value.field == "permissions"
