"""The README and ARCHITECTURE say what is true: settings, dependencies and commands are checked against the code."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from models.config import SETTINGS

ROOT = Path(__file__).parents[1]


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_every_setting_stands_in_the_readme() -> None:
    told = set(re.findall(r"^\| `([A-Z_]+)`", text("README.md"), re.MULTILINE))

    assert told == {setting.name for setting in SETTINGS}


def test_every_dependency_stands_in_the_table_with_its_reason() -> None:
    project = tomllib.loads(text("pyproject.toml"))["project"]
    needed = {
        re.split(r"[\[<>=]", name)[0] for name in [*project["dependencies"], *project["optional-dependencies"]["test"]]
    }
    told = set(re.findall(r"^\| `([\w.-]+)`", text("ARCHITECTURE.md"), re.MULTILINE))

    assert needed <= told


def test_every_command_stands_in_the_readme() -> None:
    from models.__main__ import parser

    commands = next(action.choices for action in parser()._actions if action.choices)

    for name in commands or ():
        assert f"python -m models {name}" in text("README.md"), name


def test_pictures_of_the_readme_are_there() -> None:
    for name in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text("README.md")):
        assert (ROOT / name).stat().st_size > 5_000, name


def test_the_first_commands_are_the_two() -> None:
    first = re.findall(r"^ {4}(make \w+)|^(make \w+)", text("README.md"), re.MULTILINE)

    assert [a or b for a, b in first[:2]] == ["make run", "make test"]
