"""Approving, in the portal: one list over all clients, the pages on the screen, and one proof for one or for several."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from models import approvals, engine, passkeys, pins
from models.approvals import ApprovalRequest, Choice, Decision, Mark
from models.approvals.asking import ask
from models.approvals.damaged import unlike
from models.approvals.own import Page, beside, page_of, pages_of
from models.core import Missing, Refused, Say
from models.pins.means import LEVELS, NAMES, Standing, rank, standing, standings
from models.settings import utcnow
from models.storage import StorageDown
from models.viewer import Permission, Viewer
from web.approval_words import PLACE_STATES, STATE_WORDS
from web.challenges import answer_with, spent
from web.replies import Reply, Toast, go, invalid, show
from web.routing import Access, Routes, rehearsing, viewer_of
from web.security import address_of, agent_of

own = Routes("own_approvals", Access.CLIENT)

_USED_ONCE = ("codes", "totp", "passkey")
AT_ONCE = 50  # requests on one page to approve together
NO_REASON = Say("Schrijf op waarom u niet akkoord bent. Er is nog niets vastgelegd.")
NO_REASON_OF_PART = Say(
    "Schrijf bij elk stuk dat u aankruiste waarom u het niet goedkeurt. Er is nog niets vastgelegd."
)
_AT_REASON = {NO_REASON: "whole", NO_REASON_OF_PART: "parts"}
NONE_DONE = Say("Er is niets vastgelegd. Bij elke accordering staat waarom.")
NO_STORAGE = Say(
    "De opslag met de stukken antwoordt nu niet. Er is niets vastgelegd; probeer het over een minuut opnieuw."
)
AGAIN = Say("Er is nog niets vastgelegd. Kijk na wat u had ingevuld, en bevestig opnieuw dat u het bent.")


@own.get("/portal/approvals")
async def list_(request: Request, viewer: Viewer) -> Reply:
    """All that waits for him at all his clients; and below it what he may look at."""
    rows = await approvals.open_for(viewer)
    others = await beside(viewer, [row.id for row in rows])
    if not (viewer.may(Permission.VIEW_APPROVALS) or rows or others):
        raise Missing("approvals")
    return show(
        "own_approvals/list.html", title=Say("Accorderen"), section="approvals", rows=rows, several=len(viewer.grants) > 1,
        others=others, states=STATE_WORDS,
        first_pin="first" in request.query_params and passkeys.site() is not None,
    )  # fmt: skip


@own.get("/portal/approvals/{approval_id:int}")
async def page(request: Request, viewer: Viewer, approval_id: int) -> Reply:
    """`?behalf=` is for whom, where he is asked himself and stands in for another too."""
    found: ApprovalRequest = await viewer.scope(ApprovalRequest).get(approval_id)
    behalf = request.query_params.get("behalf", "")
    return show("own_approvals/page.html", **await _page(viewer, found, int(behalf) if _is_number(behalf) else 0))


async def _page(viewer: Viewer, found: ApprovalRequest, behalf: int = 0, **more: Any) -> dict[str, Any]:
    one = await page_of(viewer, found)
    more |= {"typed": _refusing_all(one, more["typed"])} if more.get("typed") else {}
    asked = next((it for it in one.asked if it.on_behalf_of == behalf), one.asked[0] if one.asked else None)
    return {
        "asked": asked,
        "title": one.name(viewer.user.language), "section": "approvals", "of_client": found.client, "one": one, "request": found,
        "states": STATE_WORDS, "place_states": PLACE_STATES, "may_act": bool(one.asked) and viewer.view_as is None,
        "standing": await standing(viewer, found.least_level) if one.asked else None, "typed": {}, "level": found.least_level,
    } | more  # fmt: skip


@own.get("/portal/approvals/together")
async def together(request: Request, viewer: Viewer) -> Reply:
    """Several, ticked in the list: each to be opened, each to be refused apart, with one proof for all."""
    ids = [
        int(one) for one in request.query_params.getlist("ids") if one.isascii() and one.isdecimal() and len(one) < 10
    ]
    return await _together(viewer, list(dict.fromkeys(ids)), show)


async def _together(viewer: Viewer, ids: list[int], make: Any, **more: Any) -> Reply:
    asked = await approvals.open_for(viewer)
    chosen = [id for id in ids if id in {row.id for row in asked}]
    rows = {
        row.id: row
        for row in await viewer.scope(ApprovalRequest).where(ApprovalRequest.id.is_in(chosen[:AT_ONCE] or [-1])).all()
    }
    found = await pages_of(viewer, [rows[id] for id in chosen if id in rows], asked)
    if not found:
        return go(list_.url(), toast=Toast(Say("Kies eerst wat u samen wilt accorderen."), "attention"))
    of_level = await standings(viewer, {one.request.least_level for one in found})
    now = all_of(of_level)
    reply: Reply = make(
        "own_approvals/together.html",
        **{
            "title": Say("Samen accorderen"), "section": "approvals", "pages": found, "standing": now, "needs": _needs(found, of_level, now),
            "level": max(of_level, key=rank), "typed": {}, "whys": {}, "left_out": len(chosen) - len(found), "may_act": viewer.view_as is None,
        } | more,
    )  # fmt: skip
    return reply


def _needs(found: list[Page], of_level: dict[str, Standing], now: Standing) -> dict[int, tuple[bool, Say]]:
    """Of what asks more than the least of them: whether one of his ways will do, and which will (or what his office asks)."""
    needs = {}
    for one in found:
        ways = of_level[one.request.least_level].ways
        if now.ways and len(ways) < len(now.ways):
            least = NAMES[one.request.least_level]
            needs[one.request.id] = (bool(ways), ways[0].label if len(ways) == 1 else Say("ten minste {least}", least=least) if ways else least)  # fmt: skip
    return needs


def all_of(of_level: dict[str, Standing]) -> Standing:
    """The ways that count for one level or another; with what is closed and advised for the lowest of them, where none does."""
    open_ways = {way.method: way for one in of_level.values() for way in one.ways}
    lowest = of_level[min(of_level, key=rank)]
    first = next((one.first for level, one in sorted(of_level.items(), key=lambda it: -rank(it[0])) if one.first), "")
    return lowest._replace(ways=[open_ways[method] for method in LEVELS if method in open_ways], first=first)


# deciding


class Asking(NamedTuple):
    """What was sent: the decisions that this proof may carry, what is in the way of each whatever the proof, what the proof came to, and
    of which others (`beyond`) it does not reach the level, with why."""

    decisions: list[Decision]
    foreseen: dict[int, Say]
    proof: Any
    beyond: dict[int, Say] = {}

    @property
    def ids(self) -> list[int]:
        return [*(one.request for one in self.decisions), *self.beyond]


async def _prove(request: Request, form: Any) -> Asking:
    """Before the unit, because a try counts whatever becomes of it; and not at all where nothing could come of it."""
    decisions = decisions_in(form)
    if rehearsing.get():  # he signed in again: what he typed is shown, and he shows anew that it is he
        return Asking(decisions, {}, pins.NotProved(AGAIN, None))
    if odds := at_odds(form):
        return Asking(decisions, {}, pins.NotProved(odds, None))
    user = request.user
    if not decisions or not user.is_authenticated or user.kind != "client":
        return Asking(decisions, {}, None)
    async with engine.reading():
        viewer = await viewer_of(user, request.scope.get("poort.session_id", 0))
        scope = viewer.scope(ApprovalRequest)
        seen = {one.request: await approvals.foreseen(scope, one, by=viewer) for one in decisions}
        foreseen = {id: one.why for id, one in seen.items() if one.why}
        found = await scope.where(ApprovalRequest.id.is_in([one.request for one in decisions])).all()
        levels = {one.id: one.least_level for one in found}
        method, value = _shown(form)
        reached = await standings(viewer, set(levels.values()))
        method = method or _typed_way(reached)
    try:
        foreseen |= await unlike({id: one.approved for id, one in seen.items()})
    except StorageDown:
        return Asking(decisions, {}, pins.NotProved(NO_STORAGE, None))
    if len(foreseen) == len(seen) or all(one.done for one in seen.values()):
        return Asking(
            decisions, foreseen, pins.Proof("", "", utcnow())
        )  # nothing is proved: it is refused, or was done before
    if method not in LEVELS:
        return Asking(decisions, foreseen, pins.NotProved(Say("Kies hoe u bevestigt dat u het bent."), None))
    challenge = await spent(request, f"approve {viewer.session_id}") if method == "passkey" else None
    beyond = {id: why for id, level in levels.items() if (why := why_closed(reached[level], method, level))}
    if len(beyond) == len(levels):  # it counts for none of them: that is what he is told
        beyond, least = {}, max(levels.values(), key=rank, default="pin")
    else:
        decisions = [one for one in decisions if one.request not in beyond]
        least = min((level for id, level in levels.items() if id not in beyond), key=rank)
    if method != "passkey" and not value.strip():
        return Asking(decisions, foreseen, pins.NotProved(Say("Vul uw code in."), None), beyond)
    proof = await pins.prove(viewer, least, method, value, challenge=challenge)
    if isinstance(proof, pins.NotProved) and method in _USED_ONCE and await _was_recorded(viewer, decisions):
        proof = pins.Proof("", "", utcnow())
    return Asking(decisions, foreseen, proof, beyond)


def _shown(form: Any) -> tuple[str, str]:
    """The way he chose and what he showed. The way is '' where a code was typed while a passkey stood ready that no script could ask for."""
    method, code = str(form.get("method", "")), str(form.get("pin_code", ""))
    credential = str(form.get("credential", ""))
    if method == "passkey" and not credential and code.strip():
        return "", code
    return method, credential if method == "passkey" else code


def _typed_way(reached: dict[str, Standing]) -> str:
    """The one way that is typed; '' where there are more of them, and he has to say which."""
    typed = {way.method for one in reached.values() for way in one.ways if way.method != "passkey"}
    return typed.pop() if len(typed) == 1 else ""


def why_closed(there: Standing, method: str, level: str) -> Say | None:
    """Why this way does not count for a request that asks that level; None where it does."""
    if any(way.method == method for way in there.ways):
        return None
    least = Say("Uw kantoor vraagt hiervoor ten minste: {least}.", least=NAMES[level])
    return next((one.why for one in there.closed if one.method == method), least)


async def _was_recorded(viewer: Viewer, decisions: list[Decision]) -> bool:
    """Whether the same form was sent twice: the first time used the code up, and its decision is written a moment later."""
    for pause in (0, 0.2, 0.4):
        await asyncio.sleep(pause)
        async with engine.reading():
            scope = viewer.scope(ApprovalRequest)
            if all([(await approvals.foreseen(scope, one, by=viewer)).done for one in decisions]):
                return True
    return False


def at_odds(form: Any) -> Say | None:
    """What contradicts itself, so that nobody guesses at what was meant: no choice at all, or a reason to refuse with an approval."""
    outcome, why = form.get("outcome"), str(form.get("reason", "")).strip()
    if outcome not in ("approved", "rejected", "each"):
        return Say("Kies of u akkoord geeft of niet. Er is niets vastgelegd.")
    if outcome == "approved" and why:
        return Say("U vulde in waarom u niet akkoord bent, maar koos voor akkoord. Er is niets vastgelegd. Maak de reden leeg, of kies “Niet akkoord doorgeven”.")  # fmt: skip
    if outcome == "approved" and form.get("earlier") == "rejected":
        return Say("Net koos u voor “Niet akkoord doorgeven”. Er is niets vastgelegd. Geeft u toch akkoord, kies dat dan nog een keer.")  # fmt: skip
    of_parts = {str(name)[2:] for name in form if str(name).startswith("w-") and str(form.get(name)).strip()}
    shown = {str(name)[2:] for name in form if str(name).startswith("s-")}
    if outcome == "rejected" and not why and not (of_parts and shown <= of_parts):
        return NO_REASON
    if outcome != "rejected" and any(str(name).startswith("x-") and str(name)[2:] not in of_parts for name in form):
        return NO_REASON_OF_PART
    if outcome != "rejected" and any(f"x-{at}" not in form for at in of_parts):
        return Say("Bij een stuk staat waarom u het niet goedkeurt, maar het is niet aangekruist. Er is niets vastgelegd. Kruis het aan, of maak de reden leeg.")  # fmt: skip
    return None


def decisions_in(form: Any) -> list[Decision]:
    """`r-<request>` is the version that was shown, `a-<request>` the place he was asked in, `s-<request>-<part>` the hash; `x-<request>-<part>` refuses a part, for `w-…`.
    The button `outcome=rejected` refuses all of it, for `reason`."""
    found = []
    refuses_all = form.get("outcome") == "rejected"
    for name in form:
        kind, _, at = str(name).partition("-")
        version = str(form.get(name))
        if kind != "r" or not _is_number(at) or not _is_number(version):
            continue
        choices = []
        for key in form:
            part = str(key).removeprefix(f"s-{at}-")
            if part == key or not _is_number(part):
                continue
            refused = refuses_all or f"x-{at}-{part}" in form
            own = str(form.get(f"w-{at}-{part}", ""))
            why = (str(form.get("reason", "")).strip() or own if refuses_all else own) if refused else ""
            choices.append(
                Choice(int(part), str(form.get(key))[:64], "rejected" if refused else "approved", why[:2000])
            )
        behalf = str(form.get(f"b-{at}", ""))
        whose = int(behalf) if _is_number(behalf) and behalf != "0" else None
        place = str(form.get(f"a-{at}", ""))
        found.append(Decision(int(at), int(version), tuple(choices), whose, int(place) if _is_number(place) else 0))
    return found[:AT_ONCE]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10


@own.get("/portal/approvals/passkey")
async def passkey_options(request: Request, viewer: Viewer) -> Response:
    return await answer_with(
        f"approve {viewer.session_id}", lambda it: passkeys.options_for_use(it, viewer.user.id, verified=True)
    )


@own.get("/portal/approvals/decisions")
async def decided(request: Request, viewer: Viewer) -> Reply:
    """Whoever comes to the address at which a form was shown again finds his list."""
    return go(list_.url())


@own.post("/portal/approvals/decisions", before=_prove)
async def decide(request: Request, viewer: Viewer, prepared: Asking) -> Reply:
    form, asking = await request.form(), prepared
    ids = asking.ids
    if not ids:
        return go(list_.url())
    typed = {
        str(name): str(form.get(name))
        for name in form
        if str(name)[:2] in ("w-", "x-", "b-") or name in ("reason", "method", "outcome")
    }
    if not isinstance(asking.proof, pins.Proof):
        return await _again(
            viewer, ids, typed, asking.proof.why if asking.proof else Say("Vul uw code in."), asking.proof
        )
    mark = Mark(address_of(request), agent_of(request))
    outcomes = await approvals.decide(
        viewer.scope(ApprovalRequest), asking.decisions, asking.proof, by=viewer, mark=mark
    )
    refused = [one for one in outcomes if one.outcome == "refused"]
    done = [one for one in outcomes if one.outcome != "refused"]
    whys = {one.request: asking.foreseen.get(one.request) or one.why for one in refused} | asking.beyond
    if whys and not done:
        alone = len(ids) == 1 and typed.get("outcome") != "each"
        return await _again(viewer, ids, typed, whys[ids[0]] if alone else NONE_DONE, whys=whys, at="page")
    if whys:
        return await _report(viewer, done, whys, typed)
    first = asking.proof.is_first and asking.proof.level == "pin"
    return go(list_.url(first=1 if first else None), toast=_said(done, asking.decisions))


def _said(done: list[Any], decisions: list[Decision]) -> Say:
    chosen = [choice.outcome for one in decisions for choice in one.choices]
    if len(done) == 1 and len(set(chosen)) > 1:
        return Say(
            "Vastgelegd per stuk: {n} akkoord, {m} niet akkoord. Uw kantoor krijgt bericht.",
            n=chosen.count("approved"), m=chosen.count("rejected"),
        )  # fmt: skip
    approved = sum(one.outcome == "approved" for one in done)
    if approved == len(done):
        return (
            Say("Uw akkoord is vastgelegd.")
            if approved == 1
            else Say("Uw akkoord op {n} accorderingen is vastgelegd.", n=approved)
        )
    if not approved:
        return Say("Vastgelegd dat u niet akkoord bent. Uw kantoor krijgt bericht.")
    return Say("Vastgelegd: {n} akkoord, {m} niet akkoord.", n=approved, m=len(done) - approved)


async def _again(
    viewer: Viewer, ids: list[int], typed: dict[str, str], why: Any, proof: Any = None, at: str = "", **more: Any
) -> Reply:
    """The page again, with what was typed but never a code, and why nothing was recorded; `at` where the fault is not his proof."""
    left = proof.left if proof is not None else None
    more |= {"typed": typed, "problem": why, "left": left if left else None, "at_reason": _AT_REASON.get(why, at)}
    if len(ids) > 1 or typed.get("outcome") == "each":
        if not {row.id for row in await approvals.open_for(viewer)} & set(ids):
            return await _report(viewer, [], more.get("whys", {}), typed)
        return await _together(viewer, ids, invalid, **more)
    found = await viewer.scope(ApprovalRequest).where(ApprovalRequest.id == ids[0]).find()
    if found is None:
        raise Missing("ApprovalRequest")
    behalf = typed.get(f"b-{found.id}", "")
    return invalid(
        "own_approvals/page.html", **await _page(viewer, found, int(behalf) if _is_number(behalf) else 0, **more)
    )


def _refusing_all(one: Page, typed: dict[str, str]) -> dict[str, str]:
    """Whoever refused a document that has no field of its own here was refusing the whole: that stays so, with what he wrote."""
    own = {f"{part.request}-{part.id}" for part in one.main} if len(one.main) > 1 else set()
    lost = [name[2:] for name in typed if name.startswith("x-") and name[2:] not in own]
    if not lost or typed.get("outcome") == "rejected":
        return typed
    why = typed.get("reason") or "\n".join(text for at in lost if (text := typed.get(f"w-{at}", "").strip()))
    return typed | {"outcome": "rejected", "reason": why}


async def _report(viewer: Viewer, done: list[Any], refused: dict[int, Any], typed: dict[str, str]) -> Reply:
    """Some were recorded and some were not: each by name, with what was typed of those that were not."""
    ids = [*(one.request for one in done), *refused]
    found = await viewer.scope(ApprovalRequest).where(ApprovalRequest.id.is_in(ids)).all()
    names = {one.request.id: one.name(viewer.user.language) for one in await pages_of(viewer, found, [])}
    texts = {
        id: [text for name, text in typed.items() if name.startswith(f"w-{id}-") and text.strip()] for id in refused
    }
    return show(
        "own_approvals/outcomes.html", title=Say("Wat er is vastgelegd"), section="approvals", status=200 if done else 422, done=done, refused=refused, names=names,
        texts=texts,
    )  # fmt: skip


@own.post("/portal/approvals/{approval_id:int}/questions")
async def question(request: Request, viewer: Viewer, approval_id: int) -> Reply:
    """To the office, on this very item."""
    found: ApprovalRequest = await viewer.scope(ApprovalRequest).get(approval_id)
    text = str((await request.form()).get("text", "")).strip()
    if rehearsing.get():
        return invalid("own_approvals/page.html", **await _page(viewer, found, question=(text, None)))
    try:
        await ask(found, text, by=viewer)
    except Refused as refused:
        return invalid("own_approvals/page.html", **await _page(viewer, found, question=(text, refused.why)))
    return go(
        page.url(approval_id=approval_id) + "#remarks", toast=Say("Uw vraag is gesteld. Uw kantoor krijgt bericht.")
    )
