"""Approving and refusing: of exactly the bytes that were looked at, with a proof of who does it, by himself or by mandate."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from models import engine
from models.approvals.events import happened
from models.approvals.holding import (
    WHY_NOT_YOURS,
    approvers_of,
    ask_step,
    close_places,
    hold,
    move,
    names_of,
    worded,
)
from models.approvals.infected import refuse_approving
from models.approvals.planning import in_force, is_done
from models.approvals.proofs import Proven, counts
from models.approvals.record import note
from models.approvals.records import (
    ROLES,
    ApprovalDocument,
    ApprovalRequest,
    ApprovalSeen,
    Approver,
    ApproverChoice,
    Mandate,
)
from models.approvals.standing import lasts, role_words, roles_held, roles_then
from models.approvals.states import OPEN
from models.core import Forbidden, Missing, Refused, Say, Scope, operation, save
from models.engine import all_or_nothing
from models.settings import this_day, utcnow
from models.viewer import Permission, Right

if TYPE_CHECKING:
    from models.viewer import Viewer

MOST = 200  # requests in one act


class Choice(NamedTuple):
    """Of one main part: the hash of what was shown, approved or rejected, and of a refusal why."""

    document: int
    sha256: str
    outcome: str = "approved"
    reason: str = ""


class Decision(NamedTuple):
    """Of one request, as it was when it was shown. `on_behalf_of`: the person whose mandate this is done under; `place`: the
    approver's row that was asked then, for who stands in two steps (0: not told, and refused where that could be either)."""

    request: int
    version: int
    choices: tuple[Choice, ...]
    on_behalf_of: int | None = None
    place: int = 0

    @property
    def outcome(self) -> str:
        return "rejected" if any(one.outcome == "rejected" for one in self.choices) else "approved"


class Outcome(NamedTuple):
    """What became of a decision: approved, rejected, or refused (`why`); `again`: it was done before, nothing was added."""

    request: int
    outcome: str
    state: str = ""
    why: Say | None = None
    again: bool = False


class Mark(NamedTuple):
    """From where it came: on the record."""

    address: str = ""
    agent: str = ""


NO_MARK = Mark()


@operation(Permission.OWN_ACCOUNT, trail=False)
async def decide(
    found: Scope[ApprovalRequest], decisions: Sequence[Decision], proof: Proven, *, by: Viewer, mark: Mark = NO_MARK
) -> list[Outcome]:
    """Several requests in one act with one proof, each for itself: one that fails undoes no other. In their order."""
    if len(decisions) > MOST:
        raise Refused("", Say("Ten hoogste {most} accorderingen in één keer.", most=MOST))
    outcomes = []
    for decision in decisions:
        try:
            async with all_or_nothing():
                outcomes.append(await _decide(found, decision, proof, by, mark))
        except Refused as refused:
            outcomes.append(Outcome(decision.request, "refused", why=refused.why))
        except (Missing, Forbidden):
            outcomes.append(Outcome(decision.request, "refused", why=Say("Deze accordering is er niet (meer).")))
    return outcomes


@operation(Permission.OWN_ACCOUNT, trail=False)
async def decide_one(
    found: Scope[ApprovalRequest], decision: Decision, proof: Proven, *, by: Viewer, mark: Mark = NO_MARK
) -> Outcome:
    """As `decide`, of one: raises what is wrong."""
    return await _decide(found, decision, proof, by, mark)


class Foreseen(NamedTuple):
    """`why` it would be refused whatever the proof; `done`: he did exactly this before, so that nothing need be proved again; `approved`:
    of the parts that he approves the hash and the name."""

    why: Say | None = None
    done: bool = False
    approved: tuple[tuple[str, str], ...] = ()


async def foreseen(found: Scope[ApprovalRequest], decision: Decision, *, by: Viewer) -> Foreseen:
    """Asked before a code is used up. Reads only."""
    try:
        request = await found.get(decision.request)
        rows, whose = await approvers_of(request.id), decision.on_behalf_of or by.user.id
        if await _was_done(request, rows, decision, whose, by):
            return Foreseen(done=True)
        if request.state not in OPEN:
            return Foreseen(WHY_NOT_YOURS[request.state])
        if row := _asked_of(rows, decision, whose):
            await _require_right(request, row, by)
            await _require_role(request, row, by)
        parts = await _parts(request, decision)
        await _require_opened(parts, by)
        await _refuse_spoilt(request, decision)
        for one in decision.choices:
            if one.outcome == "rejected":
                _reason(one)
    except Refused as refused:
        return Foreseen(refused.why)
    except Missing:
        return Foreseen(Say("Deze accordering is er niet (meer)."))
    yes = (parts[one.document] for one in decision.choices if one.outcome == "approved")
    return Foreseen(approved=tuple((part.sha256, part.name) for part in yes))


async def approve(
    request: ApprovalRequest, choices: Sequence[Choice], proof: Proven, *, by: Viewer, **more: Any
) -> Outcome:
    """All parts of one request."""
    return await decide_one(by.scope(ApprovalRequest), _of(request, choices, **more), proof, by=by)


async def reject(
    request: ApprovalRequest, choices: Sequence[Choice], reason: str, proof: Proven, *, by: Viewer, **more: Any
) -> Outcome:
    """All parts of one request, for one reason."""
    refused = [one._replace(outcome="rejected", reason=reason) for one in choices]
    return await decide_one(by.scope(ApprovalRequest), _of(request, refused, **more), proof, by=by)


def _of(request: ApprovalRequest, choices: Sequence[Choice], **more: Any) -> Decision:
    return Decision(request.id, more.pop("version", request.version), tuple(choices), **more)


async def _decide(found: Scope[ApprovalRequest], decision: Decision, proof: Proven, by: Viewer, mark: Mark) -> Outcome:
    if not by.is_client:
        raise Forbidden("approving is for clients")
    request = await found.get(decision.request)
    await hold(request)
    rows = await approvers_of(request.id)
    whose = decision.on_behalf_of or by.user.id
    if await _was_done(request, rows, decision, whose, by):
        return Outcome(request.id, decision.outcome, request.state, again=True)
    if request.state not in OPEN:
        raise Refused("", WHY_NOT_YOURS[request.state])
    parts = await _parts(request, decision)
    row = _asked_of(rows, decision, whose)
    if row is None:
        raise Refused("", Say("Hier wordt nu niet om uw akkoord gevraagd."))
    if not decision.place and any(one.person == whose and one.step < row.step for one in rows if one.step):
        raise Refused("", Say("U geeft hier in meer dan één stap akkoord. Laad de pagina opnieuw en kies dan."))
    await _require_right(request, row, by)
    await _require_role(request, row, by)
    mandate = await _mandate(request, row, by)
    _refuse_twice(request, rows, row, by)
    await _require_opened(parts, by)
    await _refuse_spoilt(request, decision)
    if not counts(proof, request.least_level):
        raise Refused("proof", Say("Bevestig opnieuw dat u het bent, met het middel waar deze accordering om vraagt."))
    reason = "; ".join(dict.fromkeys(_reason(one) for one in decision.choices if one.outcome == "rejected"))[:2000]
    await _write(request, row, mandate, decision, parts, proof, reason, by, mark)
    if decision.outcome == "rejected":
        await close_places(request, "skipped", "asked", "waiting")
        await move(request, "rejected", "rejected", reason=reason, completed_at=utcnow())
    else:
        await advance(request)
    await by.note(f"ApprovalRequest.{decision.outcome}", request, {"on_behalf_of": decision.on_behalf_of})
    return Outcome(request.id, decision.outcome, request.state)


async def _was_done(
    request: ApprovalRequest, rows: Sequence[Approver], decision: Decision, whose: int, by: Viewer
) -> bool:
    """Whether he did exactly this already, of the request as it still is: sent twice, it counts once, also where he is asked again
    in a later step."""
    if decision.version != request.version or _asked_of(rows, decision, whose):
        return False
    for row in rows:
        if row.person != whose or decision.place not in (0, row.id):
            continue
        if row.decided_by == by.user.id and row.state == decision.outcome:
            given = await ApproverChoice.select(
                ApproverChoice.document, ApproverChoice.sha256, ApproverChoice.outcome
            ).where(ApproverChoice.approver == row.id)
            if {tuple(one.values()) for one in given} == {one[:3] for one in decision.choices}:
                return True
    return False


def _asked_of(rows: Sequence[Approver], decision: Decision, whose: int) -> Approver | None:
    """The place in which he is asked now, if that is where he chose."""
    return next(
        (one for one in rows if one.person == whose and one.state == "asked" and decision.place in (0, one.id)),
        None,
    )


async def _parts(request: ApprovalRequest, decision: Decision) -> dict[int, ApprovalDocument]:
    """The main parts, if the decision is of exactly these bytes of each of them."""
    parts = {
        part.id: part
        for part in await ApprovalDocument.objects().where(
            (ApprovalDocument.request == request.id) & (ApprovalDocument.part == "main")
        )
    }
    chosen = {one.document: one for one in decision.choices}
    same = all(part.id in chosen and chosen[part.id].sha256 == part.sha256 for part in parts.values())
    if decision.version != request.version or set(chosen) - set(parts) or (set(parts) == set(chosen) and not same):
        raise Refused("", Say("Een stuk is vervangen nadat u het bekeek. Uw keuze is niet vastgelegd: bekijk het nieuwe stuk en kies dan opnieuw."))  # fmt: skip
    if set(parts) != set(chosen) or len(chosen) != len(decision.choices):
        raise Refused("", Say("Kies bij elk stuk of u akkoord bent of niet."))
    if any(one.outcome not in ("approved", "rejected") for one in decision.choices):
        raise Refused("", Say("Kies bij elk stuk of u akkoord bent of niet."))
    return parts


async def _require_right(request: ApprovalRequest, row: Approver, by: Viewer) -> None:
    """The right to approve at this client; of a fiscal partner at his own."""
    approving = by.client_ids_with(Right.APPROVE)
    if request.client in approving:
        return
    if row.role == "partner":
        partners = await engine.raw("SELECT id FROM client WHERE partner = $1", request.client)
        if {one["id"] for one in partners} & set(approving):
            return
    raise Refused("", Say("U mag voor deze cliënt geen akkoord geven."))


async def _require_role(request: ApprovalRequest, row: Approver, by: Viewer) -> None:
    """Who is asked because of what he is, must still be that when he approves; and so must he for whom another does it."""
    if await lasts(request.client, row.person, row.role):
        return
    role = ROLES[row.role]
    if row.person == by.user.id:
        raise Refused("", Say("U wordt gevraagd als {role}, en die rol hebt u hier niet meer. Uw keuze is niet vastgelegd: vraag uw kantoor wie nu akkoord geeft.", role=role))  # fmt: skip
    raise Refused("", Say("Wie u vervangt, heeft hier niet meer de rol {role}. Uw keuze is niet vastgelegd: vraag uw kantoor wie nu akkoord geeft.", role=role))  # fmt: skip


async def _role_then(request: ApprovalRequest, row: Approver, by: Viewer) -> str:
    """What who acts is at this client now: that by which he is asked, else all that he is; a substitute is at least authorised."""
    if row.person == by.user.id:
        return (await roles_then(request.client, [(row.person, row.role)]))[(row.person, row.role)]
    return role_words((await roles_held(request.client, [by.user.id]))[by.user.id] or ("authorised",))


async def _mandate(request: ApprovalRequest, row: Approver, by: Viewer) -> int | None:
    """That under which he acts for another, as it is at this moment; None where he acts for himself."""
    if row.person == by.user.id:
        return None
    found = (
        await Mandate.objects()
        .where(
            (Mandate.client == request.client)
            & (Mandate.giver == row.person)
            & (Mandate.taker == by.user.id)
            & (Mandate.kind.is_null() | (Mandate.kind == request.kind))
            & in_force(this_day())
        )
        .order_by(Mandate.id)
        .first()
    )
    if found is None or not await _giver_may(request, row):
        raise Refused("", Say("U hebt geen machtiging (meer) om dit voor een ander te doen."))
    return int(found.id)


async def _giver_may(request: ApprovalRequest, row: Approver) -> bool:
    """Nobody gives more than he has: who was blocked or lost the right himself is not stood in for."""
    rows = await engine.raw(
        "SELECT 1 AS one FROM access a JOIN users u ON u.id = a.person WHERE a.person = $1 AND u.state <> 'blocked' "
        f"AND a.rights & {int(Right.APPROVE)} <> 0 AND (a.client = $2 OR ($3 = 'partner' AND a.client = "
        "(SELECT c.partner FROM client c WHERE c.id = $2))) LIMIT 1",
        row.person, request.client, row.role,
    )  # fmt: skip
    return bool(rows)


def _refuse_twice(request: ApprovalRequest, rows: Sequence[Approver], row: Approver, by: Viewer) -> None:
    """Where two or more of several are asked, one person is not two."""
    step = json.loads(request.steps)[row.step - 1]
    if step["mode"] == "some" and any(
        one.step == row.step and one.state == "approved" and one.decided_by == by.user.id for one in rows
    ):
        raise Refused("", Say("U hebt in deze stap al akkoord gegeven; hier is ook een ander nodig."))


async def _require_opened(parts: dict[int, ApprovalDocument], by: Viewer) -> None:
    seen = await ApprovalSeen.select(ApprovalSeen.document, ApprovalSeen.sha256).where(
        (ApprovalSeen.person == by.user.id) & ApprovalSeen.document.is_in(list(parts))
    )
    opened = {(row["document"], row["sha256"]) for row in seen}
    for part in parts.values():
        if (part.id, part.sha256) not in opened:
            raise Refused("", Say("U hebt “{name}” nog niet geopend. Bekijk het eerst.", name=part.name))


async def _refuse_spoilt(request: ApprovalRequest, decision: Decision) -> None:
    """What holds a virus or is damaged is not approved; who refuses all of it may do so."""
    if decision.outcome == "approved":
        await refuse_approving(request.id)
    elif only := [one.document for one in decision.choices if one.outcome == "approved"]:
        await refuse_approving(request.id, only)


def _reason(choice: Choice) -> str:
    return worded(choice.reason)


async def _write(
    request: ApprovalRequest, row: Approver, mandate: int | None, decision: Decision, parts: dict[int, ApprovalDocument],
    proof: Proven, reason: str, by: Viewer, mark: Mark,
) -> None:  # fmt: skip
    now = utcnow()
    await save(
        row, state=decision.outcome, decided_at=now, decided_by=by.user.id, mandate=mandate, level=proof.level,
        method=proof.method[:120], reason=reason,
    )  # fmt: skip
    english = by.user.language == "en" and bool(request.statement_en)
    giver = (await names_of({row.person}))[row.person] if mandate else ""
    role = await _role_then(request, row, by)
    await ApproverChoice.delete().where(ApproverChoice.approver == row.id)
    for one in decision.choices:
        why = one.reason.strip() if one.outcome == "rejected" else ""
        await ApproverChoice(
            approver=row.id,
            document=one.document,
            client=request.client,
            sha256=one.sha256,
            outcome=one.outcome,
            reason=why,
            at=now,
        ).save()
        more = {"on_behalf_of_name": giver, "mandate": mandate} if mandate else {}
        await note(
            request, one.outcome, person=by.user.id, on_behalf_of=row.person if mandate else None, name=by.user.full_name,
            role=role, method=proof.method, level=proof.level,
            statement=request.statement_en if english else request.statement, language="en" if english else "nl",
            document=one.document, address=mark.address, agent=mark.agent, sha256=one.sha256, file=parts[one.document].name,
            version=request.version, step=row.step, proved_at=proof.at.isoformat(), **({"reason": why} if why else {}), **more,
        )  # fmt: skip


async def advance(request: ApprovalRequest) -> None:
    """After an approval: the next step is asked when this one needs no more, and after the last it is approved."""
    steps = json.loads(request.steps)
    rows = await approvers_of(request.id)
    step = steps[request.step - 1]
    here = [row for row in rows if row.step == request.step]
    if not is_done(step["mode"], step["n"], [row.state for row in here]):
        await move(request, "partly", "partly_approved")
        return
    for row in here:
        if row.state == "asked":
            await save(row, state="skipped")
    if request.step < len(steps):
        await move(request, "partly")
        await ask_step(request, request.step + 1)
        await happened(request, "partly_approved")
        return
    await note(request, "completed", role="Poort", version=request.version)
    await move(request, "approved", "approved", completed_at=utcnow())
