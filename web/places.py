"""The pages one can go to by name from the search: of the navigation and below it, and the separate settings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import partials
from models.core import Say, fold
from web.addresses import names, url_maker
from web.navigation import navigation
from web.settings_index import SETTINGS, TABS

MOST = 6


@dataclass(frozen=True)
class Place:
    """A page: what it is called, its address, and other words by which one may look for it."""

    label: Say
    url: str
    icon: str
    words: str = ""
    within: Say | None = None  # the page it stands on


# name of the route, what it is called, icon, what one needs for it, other words
_PAGES = (
    ("clients.new", Say("Cliënt toevoegen"), "plus", "manage_clients", "nieuwe klant"),
    ("rollout.openings", Say("Geopende poorten"), "door-open", "view_rollout", "uitnodigingen verstuurd"),
    ("overview.handed_in", Say("Aangeleverde stukken"), "folder-up", None, "uploads documenten"),
    ("staff.list", Say("Medewerkers"), "users", "manage_staff", "kantoorgebruikers collega"),
    (
        "certifying.verify",
        Say("Bewijs controleren"),
        "shield-check",
        "view_trail",
        "accordering keten akkoordverklaring zegel",
    ),
    ("tasks.list", Say("Taken"), "list-todo", None, "lopend werk"),
    ("account.page", Say("Mijn account"), "circle-user", None, "wachtwoord tweede factor taal"),
)


def pages(viewer: Any, question: str) -> list[Place]:
    """What this viewer may open of which the name, or another word for it, holds every word of the question."""
    url = url_maker("")
    more = (
        Place(label, url(name), icon, words)
        for name, label, icon, needs, words in _PAGES
        if name in names() and (needs is None or viewer.may(needs))
    )
    items = (Place(item.label, item.url, item.icon) for item in navigation(viewer, None, ""))
    return _matching([*items, *more], question)[:MOST]


def settings(viewer: Any, question: str) -> list[Place]:
    """The settings by name, for who may change them."""
    return _matching(_settings(), question)[:MOST] if viewer.may("manage_settings") else []


def found_settings(question: str) -> list[Place]:
    """All settings that match, and every one when nothing is asked."""
    every = _settings()
    return _matching(every, question) if question.strip() else every


def _settings() -> list[Place]:
    url = url_maker("")
    tabs = {tab.key: (tab.label, url(tab.route)) for tab in TABS}
    return [
        Place(
            one.label,
            f"{tabs[one.tab][1]}{f'#{one.field}' if one.field else ''}",
            "settings",
            f"{one.words} {tabs[one.tab][0]}",
            tabs[one.tab][0],
        )
        for one in SETTINGS
    ]


def _matching(places: Iterable[Place], question: str) -> list[Place]:
    asked = fold(question).split()
    if sum(map(len, asked)) < 2:
        return []  # everything begins with some letter
    found = []
    for place in places:
        name = fold(partials.speak(place.label))
        there = f" {name} {fold(str(place.label))} {fold(place.words)}"
        if all(f" {word}" in there for word in asked):
            found.append((not name.startswith(asked[0]), name, place))
    return [place for _, _, place in sorted(found, key=lambda one: one[:2])]
