"""The templates of rights: one table by which lists are read, rights are given and forms are filled."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from models import engine
from models.accounts.roles import RIGHTS, RIGHTS_OF, ROLES, SPELLINGS
from models.imports.fields import parse_row
from models.viewer import Right

MODELS = Path(__file__).parents[2] / "models"


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_list_may_call_a_role_by_each_of_its_names(role):
    for word in (role.name, *role.spellings, role.name.upper(), f" {role.name}. "):
        parsed = parse_row("users", {0: "surname", 1: "role"}, ["Jansen", word])

        assert parsed.values["role"] == role.name, word


def test_a_name_means_one_role_only():
    words = [word for role in ROLES for word in (role.name, *role.spellings)]

    assert len(words) == len(set(words)) == len(SPELLINGS)
    assert all(word == word.casefold() for word in words)


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
async def test_a_role_gives_the_rights_the_table_says(cast, role):
    async def giving() -> None:
        sam, client = await cast.anna.users.get(cast.sam.user.id), await cast.anna.clients.get(cast.bakkerij)
        await sam.give_access(client, role.name, by=cast.anna)

    await engine.run_writing(giving)

    rows = await engine.raw(
        "SELECT rights, role FROM access WHERE person = $1 AND client = $2", cast.sam.user.id, cast.bakkerij
    )
    assert (rows[0]["rights"], rows[0]["role"]) == (int(role.rights), role.name)


def test_every_right_has_a_label_and_is_in_some_role():
    assert sorted(right for right, _ in RIGHTS) == sorted(Right)
    assert RIGHTS_OF["beheerder"] == Right.everything()


def test_no_other_module_of_the_models_lists_the_roles_again():
    names = {role.name for role in ROLES}
    for path in MODELS.rglob("*.py"):
        if path.name == "roles.py" or "sample" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Dict | ast.Tuple | ast.List | ast.Set):
                inside = {one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and one.value in names}
                assert len(inside) < 3, (path, node.lineno)
