"""Beheer > Instellingen > Tokens/rechten: cards of what gives access without a password, and the list of who has which PIN.

A module that has something to show here adds a card (`add_card`), where it is made.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from models.accounts import User
from models.core import Missing, Refused, Say, Scope
from models.pins import KINDS, lists, reissuing
from models.pins.records import STATES
from models.viewer import Permission, Viewer
from web.clients import ids_of, line_of, page_number
from web.proof import asks_proof
from web.replies import Reply, Toast, go, show, wants_fragment
from web.routing import Access, Routes
from web.settings import about

settings_tokens = Routes("settings_tokens", Access.STAFF)

SIZE = 50
STATE_WORDS = {
    "made": Say("Gemaakt"),
    "printed": Say("Afgedrukt"),
    "posted": Say("Op de post"),
    "confirmed": Say("Bevestigd"),
    "blocked": Say("Geblokkeerd"),
    "replaced": Say("Vervangen"),
    "returned": Say("Retour gekomen"),
    "none": Say("Heeft er geen"),
}
KIND_WORDS = {"pin": Say("Pincodes"), "codes": Say("Lijsten met codes")}


@dataclass(frozen=True)
class Card:
    """`template` is shown to who has the right, with what `about(viewer)` gives as `it`."""

    template: str
    needs: Permission
    about: Callable[[Viewer], Awaitable[dict[str, Any]]]


CARDS: list[Card] = []


def add_card(card: Card) -> None:
    """For a module with something of its own on this page: called where the module is made."""
    CARDS.append(card)


@dataclass(frozen=True)
class Act:
    """What can be done with the people that were chosen."""

    name: str
    label: Say
    icon: str
    kind: str  # of the button
    means: Say
    done: Say
    carry_out: Callable[..., Awaitable[reissuing.Done]]


ACTS = {
    act.name: act
    for act in (
        Act(
            "reissue", Say("Opnieuw uitgeven"), "refresh-cw", "primary",
            Say("Wat zij nu hebben, werkt vanaf dat moment niet meer. Zij krijgen een brief met een nieuwe."),
            Say("Opnieuw uitgegeven: {n}. Wat zij hadden, werkt niet meer."), reissuing.reissue,
        ),
        Act(
            "block", Say("Blokkeren"), "ban", "danger",
            Say("Zij kunnen er niet meer mee akkoord geven. Deblokkeren kan niet: dan geeft u een nieuwe uit."),
            Say("Geblokkeerd: {n}."), reissuing.block,
        ),
        Act(
            "returned", Say("Brief kwam retour"), "mail-x", "plain",
            Say("Wat in die brief staat, werkt niet meer. Wie het al gebruikte, had de brief gekregen en wordt overgeslagen."),
            Say("Als retour gekomen genoteerd: {n}."), reissuing.return_mail,
        ),
    )
}  # fmt: skip


@settings_tokens.get("/settings/tokens")
async def page(request: Request, viewer: Viewer) -> Reply:
    cards = [card for card in CARDS if viewer.may(card.needs)]
    may_pins = viewer.may(Permission.PRINT_PINS)
    if not (cards or may_pins or viewer.may(Permission.MANAGE_SETTINGS)):
        raise Missing("settings")
    context = await _list(request, viewer) if may_pins else {}
    return show(
        "pins/table.html" if may_pins and wants_fragment(request) else "pins/page.html",
        **about("tokens", may_pins=may_pins, cards=[(card.template, await card.about(viewer)) for card in cards], **context)
        | {"section": _section(viewer)},
    )  # fmt: skip


async def _list(request: Request, viewer: Viewer) -> dict[str, Any]:
    asked, number = filter_of(request.query_params), page_number(request)
    total = await lists.count(viewer, asked)
    number = min(number, max(1, -(-total // SIZE)))
    base = page.url(**as_query(asked))
    return {
        "rows": await lists.page(viewer, asked, number, SIZE) if total else [],
        "counts": await lists.counts(viewer, asked.kind),
        "total": total,
        "page": number,
        "size": SIZE,
        "asked": asked,
        "base": base,
        "here": page.url(**as_query(asked), page=number if number > 1 else None),
        "query": as_query(asked),
        "states": STATE_WORDS,
        "kinds": KIND_WORDS,
        "acts": list(ACTS.values()),
        "is_narrowed": bool(asked.state or asked.q),
    }


@settings_tokens.get("/settings/tokens/register")
async def register(request: Request, viewer: Viewer) -> Reply:
    """Every PIN and list that was ever issued, the newest first: by whom, and what became of it."""
    _allow(viewer)
    asked, number = filter_of(request.query_params), page_number(request)
    total = await lists.issued(viewer, asked.kind)
    number = min(number, max(1, -(-total // SIZE)))
    return show(
        "pins/register.html",
        title=Say("Register van pincodes"),
        section=_section(viewer),
        rows=await lists.register(viewer, asked.kind, number, SIZE),
        total=total,
        page=number,
        size=SIZE,
        asked=asked,
        base=register.url(kind=None if asked.kind == "pin" else asked.kind),
        states=STATE_WORDS,
        kinds=KIND_WORDS,
    )


@settings_tokens.post("/settings/tokens/choice")
async def choose(request: Request, viewer: Viewer) -> Reply:
    """Before it is done: for how many people, and what it means. Changes nothing."""
    _allow(viewer)
    form = await request.form()
    act, asked = ACTS.get(str(form.get("act", ""))), filter_of(form)
    try:
        if act is None:
            raise Refused("", Say("Kies eerst wat u wilt doen."))
        people = _chosen(viewer, form, asked)
    except Refused as refused:
        return go(page.url(**as_query(asked)), toast=Toast(refused.why, "attention"))
    return await _confirm(viewer, act, asked, people, ids_of(form) if not form.get("all_matching") else [])


@settings_tokens.get("/settings/tokens/people/{user_id:int}")
async def person(request: Request, viewer: Viewer, user_id: int) -> Reply:
    """What one person has and had: the card on his page, that fetches itself; without a script a page of its own."""
    _allow(viewer)
    person = await viewer.users.get(user_id)
    if person.kind != "client":
        raise Missing("pins")
    pins = await lists.of_person(person)
    fragment = "pins/of_person.html" if wants_fragment(request) else "pins/person.html"
    return show(fragment, title=person.display_name, section="users", person=person, pins=pins, pin_states=STATE_WORDS)


@settings_tokens.get("/settings/tokens/people/{user_id:int}/{key}")
async def of_person(request: Request, viewer: Viewer, user_id: int, key: str) -> Reply:
    """As `choose`, for one person, from his own page."""
    _allow(viewer)
    person = await viewer.users.get(user_id)
    act, asked = ACTS.get(key), filter_of(request.query_params)
    if act is None or person.kind != "client":
        raise Missing(key)
    found = viewer.users.where(User.id == person.id)
    return await _confirm(viewer, act, asked, found, [person.id], then=f"/users/{person.id}")


async def _confirm(
    viewer: Viewer, act: Act, asked: lists.Filter, people: Scope[User], ids: list[int], then: str = ""
) -> Reply:
    names = await people.select(User.full_name, order=[User.sort_key], limit=11)
    return show(
        "pins/confirm.html",
        title=act.label,
        section=_section(viewer),
        act=act,
        asked=asked,
        query=as_query(asked),
        kind_words=KIND_WORDS[asked.kind],
        ids=ids,
        total=await people.count(),
        names=[row["full_name"] for row in names[:10]],
        then=then,
        back_to=then or page.url(**as_query(asked)),
    )


@settings_tokens.post("/settings/tokens/acts")
async def act(request: Request, viewer: Viewer) -> Reply:
    _allow(viewer)
    if wanted := await asks_proof(request, viewer):
        return wanted
    form = await request.form()
    chosen, asked = ACTS.get(str(form.get("act", ""))), filter_of(form)
    then = str(form.get("then", ""))
    back_to = then if then.startswith("/users/") and then[7:].isdecimal() else page.url(**as_query(asked))
    try:
        if chosen is None:
            raise Refused("", Say("Kies eerst wat u wilt doen."))
        done = await chosen.carry_out(_chosen(viewer, form, asked), asked.kind, by=viewer)
    except Refused as refused:
        return go(back_to, toast=Toast(refused.why, "attention"))
    return go(done.address or back_to, toast=_told(chosen, done))


def _told(act: Act, done: reissuing.Done) -> Toast:
    if not done.passed:
        return Toast(Say(act.done.text, n=done.done))
    passed = Say("Overgeslagen: {n}; bij hen kan het niet.", n=done.passed)
    words = Say("{done} {passed}", done=Say(act.done.text, n=done.done), passed=passed) if done.done else passed
    return Toast(words, "attention")


# reading what was asked


def filter_of(asked: Any) -> lists.Filter:
    """Of an address or a form; nonsense narrows nothing."""
    kind, state = str(asked.get("kind", "")), str(asked.get("state", ""))
    return lists.Filter(
        kind=kind if kind in KINDS else "pin",
        state=state if state in (*STATES, "none") else "",
        q=line_of(asked, "q"),
    )


def as_query(asked: lists.Filter) -> dict[str, Any]:
    return {"kind": None if asked.kind == "pin" else asked.kind, "state": asked.state or None, "q": asked.q or None}


def _chosen(viewer: Viewer, form: Any, asked: lists.Filter) -> Scope[User]:
    if form.get("all_matching"):
        return lists.matching(viewer, asked)
    ids = ids_of(form)
    if not ids:
        raise Refused("", Say("Kies eerst een of meer mensen."))
    return viewer.users.where(User.kind == "client", User.id.is_in(ids[:5000]))


def _allow(viewer: Viewer) -> None:
    if not viewer.may(Permission.PRINT_PINS):
        raise Missing("pins")


def _section(viewer: Viewer) -> str:
    return "settings" if viewer.may(Permission.MANAGE_SETTINGS) else "tokens"
