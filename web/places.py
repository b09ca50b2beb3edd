"""The pages one can go to by name from the search: of the navigation and below it, and the separate settings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import partials
from models.core import Say, fold
from web.addresses import names, url_maker
from web.navigation import navigation

MOST = 6


@dataclass(frozen=True)
class Place:
    """A page: what it is called, its address, and other words by which one may look for it."""

    label: Say
    url: str
    icon: str
    words: str = ""


# name of the route, what it is called, icon, what one needs for it, other words
_PAGES = (
    ("clients.new", Say("Cliënt toevoegen"), "plus", "manage_clients", "nieuwe klant"),
    ("rollout.openings", Say("Geopende poorten"), "door-open", "view_rollout", "uitnodigingen verstuurd"),
    ("overview.handed_in", Say("Aangeleverde stukken"), "folder-up", None, "uploads documenten"),
    ("staff.list", Say("Medewerkers"), "users", "manage_staff", "kantoorgebruikers collega"),
    ("tasks.list", Say("Taken"), "list-todo", None, "lopend werk"),
    ("account.page", Say("Mijn account"), "circle-user", None, "wachtwoord tweede factor taal"),
)
_SETTINGS = (
    (Say("Naam en plaats van het kantoor"), "name", "kantoornaam vestiging"),
    (Say("Taal van het kantoor"), "language", "nederlands engels"),
    (Say("Kleur van het kantoor"), "brand", "huisstijl merk"),
    (Say("Geldigheid van uitnodigingen"), "invitation_days", "dagen link verlopen"),
    (Say("Uur van het dagoverzicht"), "digest_hour", "mail samenvatting"),
    (Say("Wachttijd voor ongedaan maken"), "undo_seconds", "seconden"),
)
_SECURITY = (
    (Say("Tweede factor"), "second_factor", "beveiliging 2fa passkey authenticator"),
    (Say("Aanmelden met een link"), "email_link", "beveiliging mail"),
    (Say("Vertrouwde apparaten"), "trusted_days", "beveiliging dagen"),
    (Say("Duur van een sessie"), "session_idle_hours", "beveiliging afmelden uren dagen"),
    (Say("Lengte van wachtwoorden"), "password_length", "beveiliging tekens"),
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
    return _matching([*items, *more], question)


def settings(viewer: Any, question: str) -> list[Place]:
    """The settings by name, for who may change them."""
    return _matching(_settings(), question) if viewer.may("manage_settings") else []


def _settings() -> Iterable[Place]:
    url = url_maker("")
    tabs = ((url("settings.page"), _SETTINGS), (url("settings.security"), _SECURITY))
    return [Place(label, f"{page}#{name}", "settings", words) for page, rows in tabs for label, name, words in rows]


def _matching(places: Iterable[Place], question: str) -> list[Place]:
    asked = fold(question).split()
    if sum(map(len, asked)) < 2:
        return []
    found = []
    for place in places:
        name = fold(partials.speak(place.label))
        there = f" {name} {fold(str(place.label))} {fold(place.words)}"
        if all(f" {word}" in there for word in asked):
            found.append((not name.startswith(asked[0]), name, place))
    return [place for _, _, place in sorted(found, key=lambda one: one[:2])][:MOST]
