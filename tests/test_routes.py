"""Every route, pinned: method, path, access and name. A change here is a change that somebody can notice."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import pytest

from web.__main__ import route_lines

ROOT = Path(__file__).parents[1]
PINNED = Path(__file__).with_name("routes.txt")


def test_the_routes_are_those_of_the_list() -> None:
    """After a wanted change: python -m web routes > tests/routes.txt"""
    assert route_lines() == PINNED.read_text(encoding="utf-8").splitlines()


def test_addresses_of_the_contract_are_there() -> None:
    paths = {line.split()[1] for line in route_lines()}

    for path in ("/sign-in", "/sign-out", "/health/live", "/health/ready", "/metrics", "/", "/portal", "/clients", "/groups", "/users",
                 "/imports", "/dossiers", "/rollout", "/settings", "/audit", "/mail", "/portal/dossier", "/account"):  # fmt: skip
        assert path in paths


@functools.cache
def names_of_routes() -> frozenset[str]:
    """Once: to make the application anew for each of a thousand links took a minute."""
    route_lines()
    from web import addresses

    return frozenset(addresses.names())


def names_in_templates() -> set[tuple[str, str]]:
    found = set()
    for path in (ROOT / "partials").rglob("*.html"):
        for name in re.findall(r"\burl\(\s*[\"']([\w.]+)[\"']", path.read_text(encoding="utf-8")):
            found.add((path.relative_to(ROOT).as_posix(), name))
    return found


@pytest.mark.parametrize(("path", "name"), sorted(names_in_templates()))
def test_every_address_in_a_template_exists(path: str, name: str) -> None:
    assert name in names_of_routes()


def test_only_get_and_post_but_for_the_protocol_of_uploads() -> None:
    others = [line.split() for line in route_lines() if line.split()[0] not in ("GET", "POST")]

    assert {path.split("/")[1] for _, path, *_ in others} == {"uploads"}
    assert {method for method, *_ in others} == {"OPTIONS", "HEAD", "PATCH", "DELETE"}
