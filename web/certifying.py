"""The proof of an approval: its page, certificate and file of proof, the check of all of it, and the public check of a file."""

from __future__ import annotations

import functools
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from models import throttling
from models.approvals.records import ApprovalRequest
from models.approvals.standing import said_roles
from models.approvals.words import period_words
from models.certifying import attention, checking
from models.certifying.evidence import read as read_evidence
from models.certifying.evidence import whole_evidence_of
from models.certifying.facts import Facts, behalf_of, day_of, facts_of
from models.certifying.filing import newest_of
from models.certifying.records import ApprovalSeal, SealTrouble
from models.certifying.verifying import verify_these
from models.certifying.wording import ACTS, Both, way_of
from models.certifying.work import start_sealing, start_verifying
from models.core import Missing, Say
from models.storage import storage
from models.throttling import TooOften
from models.viewer import Viewer
from web.downloads import send_kept
from web.replies import Later, Reply, go, show
from web.routing import Access, Routes, remember
from web.security import address_of
from web.zips import archived

certifying = Routes("certifying", Access.SIGNED_IN)

_SHOWN = 500  # acts on a page; the file of proof has all of them


@certifying.get("/approvals/{approval_id:int}/proof")
async def proof(request: Request, viewer: Viewer, approval_id: int) -> Reply:
    """Everything that was recorded of a request, and what there is to take along."""
    found = await _of(viewer, approval_id)
    facts, seals = await _read(viewer, found)
    return show("certifying/proof.html", **await _proof(viewer, found, facts, seals))


async def _of(viewer: Viewer, approval_id: int) -> ApprovalRequest:
    found: ApprovalRequest = await viewer.scope(ApprovalRequest).get(approval_id)
    return found


async def _read(viewer: Viewer, found: ApprovalRequest) -> tuple[Facts, list[ApprovalSeal]]:
    seals = await viewer.scope(ApprovalSeal).where(ApprovalSeal.request == found.id).all(ApprovalSeal.number)
    return await facts_of(found.id), seals


async def _proof(viewer: Viewer, found: ApprovalRequest, facts: Facts, seals: list[ApprovalSeal]) -> dict[str, Any]:
    papers = {part["id"]: part["name"] for part in facts.parts} if len(facts.parts) > 1 else {}
    year, period = found.book_year, found.period
    return {
        "refused": _refusals(facts, papers) if found.state == "rejected" else [], "papers": papers, "roles_of": said_roles,
        "title": Say("Bewijs"), "section": "approvals", "one": facts.request, "period": Both(*(period_words(year, period, lang, year_end=found.year_end) for lang in ("nl", "en"))),
        "acts": [act | {"told": ACTS.get(act["act"], Both(act["act"], act["act"])), "page": json.loads(act["detail"]).get("page"), "program": json.loads(act["detail"]).get("program"), "how": way_of(act) if act["level"] else None} for act in facts.acts[-_SHOWN:]],
        "more": max(0, len(facts.acts) - _SHOWN), "approvals": [act | {"how": way_of(act), "day": day_of(act.get("signed_on"))} for act in facts.approvals], "parts": facts.parts, "seals": seals, "unproved": attention.why_not_long(seals[-1]) if seals else None,
        "trouble": await viewer.scope(SealTrouble).where(SealTrouble.request == found.id).find(), "head": facts.head, "verdict": None,
        "of_client": found.client,
    }  # fmt: skip


def _refusals(facts: Facts, papers: dict[int, str]) -> list[dict[str, Any]]:
    """Who refused, when and why, each once: with `papers`, those that he refused, and `agreed`, those that he did approve, of several."""
    names = {act["person"]: act["name"] for act in facts.acts if act["person"]}
    found: dict[Any, dict[str, Any]] = {}
    for act in facts.acts:
        if act["act"] != "rejected":
            continue
        told = json.loads(act["detail"])
        at, reason = (act["person"], act["on_behalf_of"], told.get("step")), told.get("reason", "")
        blank = act | {"how": way_of(act), "behalf": behalf_of(act, told, names), "reason": "", "papers": [], "agreed": _agreed(facts, papers, at)}  # fmt: skip
        one = found.setdefault(at, blank)
        one["reason"] = "; ".join(dict.fromkeys(text for text in (one["reason"], reason) if text))
        one["papers"] += [papers[act["document"]]] if act["document"] in papers else []
    return list(found.values())


def _agreed(facts: Facts, papers: dict[int, str], at: tuple[Any, ...]) -> list[str]:
    acts = [act for act in facts.acts if act["act"] == "approved" and act["document"] in papers]
    return [papers[act["document"]] for act in acts if (act["person"], act["on_behalf_of"], json.loads(act["detail"]).get("step")) == at]  # fmt: skip


@certifying.get("/approvals/{approval_id:int}/verification")
async def verification(request: Request, viewer: Viewer, approval_id: int) -> Later:
    """The same page, after record, files and seal were all looked at anew."""
    found = await _of(viewer, approval_id)
    facts, seals = await _read(viewer, found)
    context = await _proof(viewer, found, facts, seals)

    async def make() -> Reply:
        return show("certifying/proof.html", **(context | {"verdict": await verify_these(facts, seals)}))

    return Later(make)


@certifying.get("/approvals/{approval_id:int}/certificate")
async def certificate(request: Request, viewer: Viewer, approval_id: int) -> Response:
    """The newest sealed certificate, as a download."""
    found = await _of(viewer, approval_id)
    last = await newest_of(viewer, found.id)
    if last is None:
        raise Missing("ApprovalSeal", approval_id)
    name = f"Akkoordverklaring {found.id}.pdf"
    return await send_kept(request, storage(), last.sha256, last.size, name, "application/pdf", last_modified=last.at)


@certifying.get("/approvals/{approval_id:int}/evidence")
async def evidence(request: Request, viewer: Viewer, approval_id: int) -> Later:
    """The file of proof, which anybody can verify without us."""
    found = await _of(viewer, approval_id)
    read = await read_evidence(found.id)

    async def make() -> Response:
        name, entries = await whole_evidence_of(read)
        answer, _ = await archived(f"{name}.zip", entries, viewer.user.language)
        return answer

    return Later(make)


# all of it


@certifying.get("/approvals/verification", access=Access.STAFF)
async def verify(request: Request, viewer: Viewer) -> Reply:
    """Whether all proof is whole: a check that runs as long work."""
    if not viewer.may("view_trail"):
        raise Missing("approvals")
    troubles = await viewer.scope(SealTrouble).all(SealTrouble.next_at, limit=50)
    return show("certifying/verify.html", title=Say("Bewijs controleren"), section="approvals", troubles=troubles)


@certifying.post("/approvals/verification", access=Access.STAFF)
async def start_verification(request: Request, viewer: Viewer) -> Reply:
    if not viewer.may("view_trail"):
        raise Missing("approvals")
    return go(f"/tasks/{(await start_verifying(by=viewer)).id}")


# what waits for its seal


@certifying.get("/approvals/seals", access=Access.STAFF)
async def seals(request: Request, viewer: Viewer) -> Reply:
    """Which requests wait for their seal or time-stamp, why, and what is the matter with the certificate."""
    _require_seals(viewer)
    return show(
        "certifying/seals.html", title=Say("Wacht op het zegel"), section="approvals", points=await attention.points(),
        waiting=await attention.waiting(viewer), may_try=viewer.view_as is None,
    )  # fmt: skip


def _require_seals(viewer: Viewer) -> None:
    if not viewer.may("manage_settings"):
        raise Missing("seals")


@certifying.get("/approvals/seals/banner", access=Access.STAFF)
async def banner(request: Request, viewer: Viewer) -> Reply:
    """The points of attention on the overview."""
    return show(
        "certifying/banner.html", title=Say("Zegel"), section="overview", seals=await attention.points_for(viewer)
    )


@certifying.post("/approvals/seals/tries", access=Access.STAFF)
async def try_seals(request: Request, viewer: Viewer) -> Reply:
    """All that waits is tried now, as long work."""
    _require_seals(viewer)
    return go(f"/tasks/{(await start_sealing(by=viewer)).id}")


# for everybody


@certifying.get("/check", access=Access.PUBLIC)
async def check(request: Request, viewer: Viewer) -> Reply:
    """Whether a file was approved here; with its SHA-256 in the address, which the page makes in the browser."""
    typed = request.query_params.get("sha256", "").replace("\x00", "")[:200]
    sha256, found = checking.tidied(typed), None
    if sha256:
        tries = throttling.of_check(address_of(request))
        if await throttling.is_over(tries):
            raise TooOften
        remember(request, functools.partial(throttling.count, tries))
        found = await checking.look_up(sha256)
    return show(
        "certifying/check.html", title=Say("Bestand nakijken"), layout="layout_public.html", typed=typed, sha256=sha256, found=found,
        wrong=bool(typed.strip()) and not sha256,
    )  # fmt: skip
