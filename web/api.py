"""The API for other software, version 1: who comes with a token, what goes wrong as problem+json, and its reference page."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

import partials
from models import approvals, config, engine, throttling
from models.certifying.evidence import read as read_evidence
from models.certifying.evidence import whole_evidence_of
from models.certifying.filing import newest_of
from models.connecting import TokenViewer, answers, note_used, placing, reading, typed, viewer_of_token
from models.connecting.openapi import document
from models.core import Missing, Refused, Say
from models.settings import Firm
from models.storage import storage
from web import errors
from web.downloads import send_kept
from web.replies import Reply, show
from web.routing import Access, Routes, Visit, elsewhere
from web.security import address_of
from web.uploads import Received, receive_files
from web.zips import archived

api = Routes("api", Access.PUBLIC)

_BODY_MOST = 64 * 1024


class Turned(Exception):
    """An answer other than the one that was asked for."""

    def __init__(self, status: int, title: Say, detail: Say, **more: Any) -> None:
        super().__init__(str(detail))
        self.status, self.title, self.detail, self.more = status, title, detail, more


Call = Callable[..., Awaitable[Response]]


def call(scope: str) -> Callable[[Call], Call]:
    """A handler of the API: `handler(request, viewer, …)`, for who comes with a token that was made for this scope."""

    def declare(handler: Call) -> Call:
        @functools.wraps(handler)
        async def answer(request: Request, visit: Visit, **parameters: Any) -> Response:
            try:
                return await handler(request, await _let_in(request, scope), **parameters)
            except Turned as turned:
                return problem(turned.status, turned.title, turned.detail, **turned.more)
            except Exception as error:
                return _failed(error, request)

        return answer

    return declare


async def _let_in(request: Request, scope: str) -> TokenViewer:
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    address = address_of(request)
    limits = throttling.of_api(address)
    async with engine.reading():
        firm = await Firm.load()
        if not firm.is_set_up or not firm.uses("approvals"):
            raise Missing("api")
        # The token first: nobody guesses 256 bits, and one program with a wrong token must not shut out another at the same address.
        viewer = await viewer_of_token(text.strip(), address) if scheme.lower() == "bearer" else None
        tired = viewer is None and await throttling.is_over(limits)
    if viewer is None:
        if tired or not await engine.run_writing(lambda: throttling.count_try(limits)):
            raise throttling.TooOften
        raise Turned(
            401, Say("Geen geldig token"), Say("Dit token bestaat niet, is beëindigd of is verlopen."),
            headers={"WWW-Authenticate": "Bearer"},
        )  # fmt: skip
    viewer.needs(scope)
    viewer.came_from = (address, request.headers.get("user-agent", "")[:300])
    await note_used(viewer.token, address)
    return viewer


def problem(
    status: int, title: Say, detail: Say, *, field: str = "", headers: dict[str, str] | None = None, **more: Any
) -> Response:
    """RFC 9457, in both languages."""
    body: dict[str, Any] = {"type": "about:blank", "status": status}
    for language, end in (("nl", ""), ("en", "_en")):
        with partials.speaking(language):
            body |= {f"title{end}": partials.speak(title), f"detail{end}": partials.speak(detail)}
    if field:
        body["field"] = field
    return JSONResponse(body | more, status, headers, media_type="application/problem+json")


def _failed(error: Exception, request: Request) -> Response:
    if isinstance(error, approvals.AlreadyThere):
        formers = [{"id": one.id, "state": one.state, "approvals": one.approvals} for one in error.formers]
        return problem(409, Say("Er is er al een"), error.why, field="replace", existing=formers)
    if isinstance(error, answers.OtherBody):
        return problem(409, Say("Sleutel al gebruikt"), error.why, field=error.field)
    status, title, detail = errors.words_of(error, request)
    field = placing.field_of(error.field) if isinstance(error, Refused) else ""
    headers = {"Retry-After": str(int(throttling.WINDOW.total_seconds()))} if status == 429 else None
    return problem(status, title, detail, field=field, headers=headers, request_id=request.scope.get("poort.request_id", ""))  # fmt: skip


@elsewhere("/api/v1/")
def nothing_here(status: int, headers: dict[str, str] | None = None) -> Response:
    """Of an address, or a way to ask, that the API does not have."""
    if status == 405:
        return problem(405, Say("Zo kan het niet"), Say("Dit adres kent deze methode niet."), headers=headers)
    return problem(404, Say("Niet gevonden"), Say("Dit adres heeft de API niet, of het is er niet voor dit token."))


# reading


@api.long("GET", "/api/v1/approvals")
@call("read")
async def approvals_(request: Request, viewer: TokenViewer) -> Response:
    """Those the token may see, oldest first, in pages: `next` is the cursor of the following one."""
    asked = request.query_params
    limit = typed.number("limit", asked.get("limit", "50"), 1, reading.MOST)
    async with engine.reading():
        rows = await reading.some(
            viewer,
            client=asked.get("client", ""),
            states=[state for state in asked.get("state", "").split(",") if state],
            changed_since=typed.moment("changed_since", asked.get("changed_since", "")),
            external_ref=asked.get("external_ref", ""),
            after=typed.number("cursor", asked.get("cursor", "0"), 0, 2**31 - 1),
            limit=limit + 1,
        )
    page = rows[:limit]
    return JSONResponse({"approvals": page, "next": page[-1]["id"] if len(rows) > limit else None}, headers=_FRESH)


_FRESH = {"Cache-Control": "no-store"}


@api.long("GET", "/api/v1/approvals/{request_id:int}")
@call("read")
async def approval(request: Request, viewer: TokenViewer, request_id: int) -> Response:
    async with engine.reading():
        await placing.request_of(viewer, request_id)
        [told] = await reading.answer_of([request_id])
    return JSONResponse(told, headers=_FRESH)


@api.long("GET", "/api/v1/approvals/{request_id:int}/certificate")
@call("proof")
async def certificate(request: Request, viewer: TokenViewer, request_id: int) -> Response:
    """The newest sealed certificate, as PDF."""
    async with engine.reading():
        found = await placing.request_of(viewer, request_id)
        seal = await newest_of(viewer, found.id)
        if seal is None and found.state == "filed":
            raise Turned(404, Say("Geen akkoordverklaring"), Say("De akkoordverklaring van deze accordering is er niet meer."), state=found.state)  # fmt: skip
        if seal is None:
            raise Turned(
                404, Say("Geen akkoordverklaring"), Say("Deze accordering is nog niet verzegeld."), state=found.state
            )
        return await send_kept(
            request, storage(), seal.sha256, seal.size, f"Akkoordverklaring {found.id}.pdf", "application/pdf", last_modified=seal.at
        )  # fmt: skip


@api.long("GET", "/api/v1/approvals/{request_id:int}/evidence")
@call("proof")
async def evidence(request: Request, viewer: TokenViewer, request_id: int) -> Response:
    """The file of proof, as ZIP: documents, certificate and record, with a way to verify them."""
    async with engine.reading():
        found = await placing.request_of(viewer, request_id)
        read = await read_evidence(found.id)
    name, entries = await whole_evidence_of(read)
    answer, _ = await archived(f"{name}.zip", entries, viewer.user.language)
    return answer


@api.long("GET", "/api/v1/kinds")
@call("read")
async def kinds(request: Request, viewer: TokenViewer) -> Response:
    async with engine.reading():
        return JSONResponse({"kinds": await reading.kinds()}, headers=_FRESH)


@api.long("GET", "/api/v1/clients/{number}")
@call("read")
async def client(request: Request, viewer: TokenViewer, number: str) -> Response:
    """Whether there is an active client with this number."""
    typed.text("number", number)
    async with engine.reading():
        try:
            found = await reading.client_numbered(viewer, number)
        except Refused:
            raise Missing("client") from None
        return JSONResponse({"number": found.number, "name": found.name}, headers=_FRESH)


# changing


@api.long("POST", "/api/v1/approvals")
@call("place")
async def place(request: Request, viewer: TokenViewer) -> Response:
    """multipart/form-data with the fields of the reference and one or more files."""
    await _within_measure(viewer)
    async with engine.reading():
        viewer.require(placing.NEEDS)
    received = await receive_files(request, storage(), max_size=config.settings().max_upload)
    if received.refused:
        name, why = received.turned_away[0]
        raise Turned(422, Say("Bestand geweigerd"), why, field="file", file=name)
    fields = _fields(received)
    parts = await placing.looked_over(fields, received.files)
    key, hashed = _key(request), _hash_of(received)

    async def unit() -> tuple[int, dict[str, Any]]:
        status, told = await answers.answered(viewer.token.id, key, hashed) or (201, {})
        if not told:
            made = await placing.place(viewer, fields, parts)
            [told] = await reading.answer_of([made.id])
            del told["still_to_approve"]  # names are kept nowhere but with their people
            await answers.keep(viewer.token.id, key, hashed, status, told)
        else:
            await placing.request_of(viewer, told["id"])  # the token may have lost this client since
        still = await reading.still_to_approve([told["id"]])
        return status, told | {"still_to_approve": still.get(told["id"], [])}

    status, told = await engine.run_writing(unit)
    return JSONResponse(told, status, {"Location": approval_url(told["id"]), **_FRESH})


def approval_url(request_id: int) -> str:
    return f"/api/v1/approvals/{request_id}"


@api.long("POST", "/api/v1/approvals/{request_id:int}/withdraw")
@call("place")
async def withdraw(request: Request, viewer: TokenViewer, request_id: int) -> Response:
    """JSON: {"reason": "…"}"""
    await _within_measure(viewer)
    reason = str((await _json(request)).get("reason", ""))

    async def unit() -> dict[str, Any]:
        await placing.withdraw(viewer, request_id, reason)
        return (await reading.answer_of([request_id]))[0]

    return JSONResponse(await engine.run_writing(unit), headers=_FRESH)


async def _within_measure(viewer: TokenViewer) -> None:
    limits = throttling.of_token(viewer.token.id)
    if not await engine.run_writing(lambda: throttling.count_try(limits)):
        raise throttling.TooOften


async def _json(request: Request) -> dict[str, Any]:
    taken = b""
    async for chunk in request.stream():
        taken += chunk
        if len(taken) > _BODY_MOST:
            raise Turned(413, Say("Te groot"), Say("Dit verzoek is te groot."))
    try:
        body = json.loads(taken or b"{}")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Turned(422, Say("Geen geldige JSON"), Say("Stuur een JSON-object."))
    return body


def _key(request: Request) -> str:
    key = request.headers.get("idempotency-key", "")
    if len(key) > 200:
        raise Refused("Idempotency-Key", Say("De Idempotency-Key is te lang: hoogstens 200 tekens."))
    return key


def _fields(received: Received) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for name, value in received.fields.multi_items():
        fields.setdefault(name, []).append(str(value))
    return fields


def _hash_of(received: Received) -> str:
    fields = sorted((name, str(value)) for name, value in received.fields.multi_items())
    files = [(one.name, one.sha256) for one in received.files]
    return hashlib.sha256(json.dumps([fields, files]).encode()).hexdigest()


# what it says of itself


@api.plain("/api/v1/openapi.json")
async def openapi(request: Request) -> Response:
    with partials.speaking("en"):
        return JSONResponse(document(config.settings().base_url, partials.speak))


@api.get("/api")
async def reference(request: Request, viewer: Any) -> Reply:
    """For people, out of the same description."""
    return show(
        "api/reference.html",
        title=Say("API"),
        layout="layout_public.html",
        wide=True,
        api=document(config.settings().base_url, lambda say: say),
    )
