"""The walls of the house: what may import what, where queries live, and what every table must say about itself."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = ("models", "partials", "web", "jobs")
MAY_IMPORT = {
    "models": {"models"},
    "partials": {"partials"},
    "web": {"web", "models", "partials"},
    "jobs": {"jobs", "models", "partials"},
}
PUTS_TOGETHER = {"web/app.py"}  # the only file that may import every layer
HOUSEKEEPING = {"Throttle", "Topic"}  # tables that belong to nobody and hold nothing of anybody
QUERIES = {"objects", "raw", "raw_many", "copy_rows", "insert", "save"}
TOP_LEVEL = {"web", "models", "partials", "jobs", "static", "tests", ".ci"}


def files(*layers: str) -> list[Path]:
    return [path for layer in layers for path in sorted((ROOT / layer).rglob("*.py")) if "migrations" not in path.parts]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("path", files(*LAYERS), ids=name_of)
def test_imports_point_inwards(path: Path) -> None:
    if name_of(path) in PUTS_TOGETHER:
        return

    ours = {name.split(".")[0] for name in imported(ast.parse(path.read_text(encoding="utf-8")))} & {*LAYERS, "tests"}

    assert ours <= MAY_IMPORT[path.relative_to(ROOT).parts[0]]


@pytest.mark.parametrize("path", files("web"), ids=name_of)
def test_the_web_names_no_query(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))

    called = {
        node.func.attr for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }

    assert not [name for name in imported(tree) if name.split(".")[0] == "piccolo"]
    assert not called & QUERIES


def test_models_know_nothing_of_requests_or_markup() -> None:
    for path in files("models"):
        outside = {name.split(".")[0] for name in imported(ast.parse(path.read_text(encoding="utf-8")))}

        assert not outside & {"starlette", "jinja2", "markupsafe", "wtforms", "huey", "aiosmtplib"}, name_of(path)


def tables() -> list[type]:
    from models.piccolo_app import APP_CONFIG

    return list(APP_CONFIG.table_classes)


def test_every_table_is_owned_or_housekeeping() -> None:
    from models.core import Owned

    assert {table.__name__ for table in tables() if not issubclass(table, Owned)} == HOUSEKEEPING


def test_every_owned_table_says_who_sees_it() -> None:
    from models.core import Owned

    for table in tables():
        if issubclass(table, Owned):
            assert table.visible_to.__func__ is not Owned.visible_to.__func__, table.__name__


# Tables in which nobody stands: what they hold is the office's own, or refers to clients that are no persons.
IMPERSONAL = {
    "ClientGroup", "ClientSector", "DocumentKind", "Dossier", "DossierGroup", "Firm", "IdentityProvider", "ImportMapping", "Folder", "FolderRight",
    "MailCheck", "Membership", "Office", "RequestItemDocument", "RequestTemplate", "RequestTemplateItem", "DestructionItem", "FileCheck", "HoldItem",
    "RetentionClass", "RightsTemplate", "Sector", "StaffGroup", "TrailAnchor", "TrailSeal", "DossierSector", "FolderGrant", "DossierImportItem",
    "StructureRunClient", "DeliveredFile", "Scan", "Scanner", "Webhook", "ApiAnswer", "WebhookDelivery", "ApprovalKind", "ApprovalPlan", "ApprovalDocument", "FormerPart", "ApproverChoice", "LetterTemplate",
    "ApprovalSeal", "SealTrouble", "ProofPlace", "TokenReach", "ApprovalRunRow",
}  # fmt: skip
SECRET = re.compile(r"(hash|secret|token|password|sealed|public_key|credential)")


def test_every_table_says_what_a_request_for_access_or_erasure_does_with_it() -> None:
    """A new table is among the impersonal ones, or declares both; and what it declares covers every column that is a person."""
    from models.accounts import User
    from models.personal import Erase, Export

    for table in tables():
        name, columns = table.__name__, {column._meta.name: column for column in table._meta.columns}
        people = {
            column
            for column, kind in columns.items()
            if (meta := getattr(kind, "_foreign_key_meta", None)) and meta.resolved_references is User
        }
        if name in IMPERSONAL | HOUSEKEEPING:
            assert not people and not {"person", "email"} & set(columns) - ({"email"} if name == "Firm" else set()), (
                name
            )
            continue
        export, erase = table.EXPORTS, table.ERASES
        assert isinstance(export, Export) and isinstance(erase, Erase), name
        assert bool(export.by or export.where) != bool(export.why), name
        if not export.why:
            assert people <= set(export.by), f"{name}: {people - set(export.by)} is asked by nothing"
            assert not [column for column in columns if SECRET.search(column) and column not in export.hidden], name
        assert set(export.hidden) | set(erase.blanks) | set(export.by) <= set(columns), name
        assert erase.deletes + bool(erase.blanks) + bool(erase.ground) == 1, name


def test_unique_is_always_a_named_constraint() -> None:
    for table in tables():
        assert not [c._meta.name for c in table._meta.columns if c._meta.unique], table.__name__


@pytest.mark.parametrize("path", sorted((ROOT / "partials").rglob("*.html")), ids=name_of)
def test_markup_holds_no_script_and_no_style(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"\son[a-z]+\s*=\s*[\"']", text)
    assert not re.search(r"\bhx-on\b", text)
    if "layout_mail" not in path.name and path.parent.name != "mail":
        assert not re.search(r"\sstyle\s*=\s*[\"']", text)
        assert "<style" not in text


def test_what_the_browser_loads_comes_from_us() -> None:
    for path in [
        *(ROOT / "partials").rglob("*.html"),
        *(ROOT / "static" / "css").glob("*.css"),
        *(ROOT / "static" / "js").glob("*.js"),
    ]:
        found = re.findall(
            r"(?:src|href)=\"(https?:)?//[^\"]+\"|@import|url\(https?:", path.read_text(encoding="utf-8")
        )

        assert not found, name_of(path)


def test_vendored_files_say_what_they_are() -> None:
    for path in (ROOT / "static" / "vendor").rglob("*.js"):
        first = path.read_text(encoding="utf-8").split("\n", 1)[0]

        assert re.search(r"\d+\.\d+", first), f"{name_of(path)} does not say its version in its first line"


def test_the_top_level_is_as_given() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )

    assert {line.split("/")[0] for line in tracked if "/" in line} <= TOP_LEVEL


@pytest.mark.parametrize("path", [*files(*LAYERS), *sorted((ROOT / "tests").rglob("*.py"))], ids=name_of)
def test_every_file_says_what_it_holds(path: Path) -> None:
    assert not path.read_text(encoding="utf-8").strip() or ast.get_docstring(
        ast.parse(path.read_text(encoding="utf-8"))
    )


def test_lock_files_name_no_host_and_have_hashes() -> None:
    for name in ("requirements.txt", "requirements-test.txt"):
        text = (ROOT / name).read_text(encoding="utf-8")

        assert "://" not in text
        assert all("==" in line for line in text.split("\n") if line and line[0].isalpha())
        assert text.count("--hash=sha256:") >= text.count("==")


def test_every_icon_is_in_the_sprite() -> None:
    drawn = set(re.findall(r'id="([\w-]+)"', (ROOT / "static" / "icons" / "icons.svg").read_text(encoding="utf-8")))

    for path in [*(ROOT / "partials").rglob("*.html"), ROOT / "web" / "navigation.py"]:
        asked = set(re.findall(r"\b(?:icon|picture)(?:\(|=)\"([\w-]+)\"", path.read_text(encoding="utf-8")))
        assert asked <= drawn, f"{name_of(path)} asks for {asked - drawn}"
