"""Routes beside their handlers: who may come in, one transaction per request, and every error in words."""

from __future__ import annotations

import contextvars
import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route, Router, compile_path
from starlette.types import Message, Receive, Scope, Send

from models import config, engine
from models.accounts import User
from models.core import Forbidden, Missing
from models.looking import note_look, through_the_eyes_of
from models.offices import office_row
from models.settings import Firm
from models.storage import storage
from models.viewer import Viewer, nobody
from web import addresses, observe
from web.errors import failure
from web.replies import Later, Reply, go, redirect, respond
from web.uploads import Bounds, Received, claimed, receive_files

T = TypeVar("T")
Handler = Callable[..., Awaitable[Reply | Response | Later]]
Before = Callable[..., Awaitable[Any]]
After = Callable[[Received], Awaitable[Any]]

FORM_LIMIT = 4 * 1024 * 1024  # bytes of a whole body without files
FIELDS_LIMIT = 60_000  # "select all N" never sends ids, but a page of ticks may be large


class _Id(IntegerConvertor):
    """As large as an id can be in either database; a longer number is the address of nothing."""

    regex = "[0-9]{1,9}"


register_url_convertor("int", _Id())


class Access(enum.StrEnum):
    """Who may call a route. Forgetting to say yields the second: fewer powers, never more."""

    PUBLIC = "public"
    SIGNED_IN = "signed in"
    STAFF = "staff"
    CLIENT = "client"


@dataclass(frozen=True)
class Action:
    """A route: its handler, and its address by name."""

    name: str
    method: str
    path: str
    access: Access
    handler: Handler
    before: Before | None = None  # of a POST without files: what prepares it

    def url(self, **parameters: Any) -> str:
        return addresses.address_for(self.name, **parameters)


ACTIONS: list[Action] = []

# Set while a POST is only rendered again with what was typed (see web/drafts.py): forms then submit nothing.
rehearsing: contextvars.ContextVar[bool] = contextvars.ContextVar("rehearsing", default=False)


class Routes:
    """The routes of one module, and who may come there unless a route says otherwise."""

    def __init__(self, module: str, access: Access = Access.SIGNED_IN) -> None:
        self.module = module
        self.access = access

    def get(self, path: str, access: Access | None = None) -> Callable[[Handler], Action]:
        return self._declare("GET", path, access, None)

    def post(
        self, path: str, access: Access | None = None, *, before: Before | None = None
    ) -> Callable[[Handler], Action]:
        """A change. What `before(request, form)` returns, the handler gets as `prepared`: slow work (hashing) that must
        not hold the write lock is done there, outside every unit."""
        return self._declare("POST", path, access, before)

    def arrival(
        self, path: str, access: Access | None = None, *, before: Callable[[Request], Awaitable[Any]]
    ) -> Callable[[Handler], Action]:
        """A GET that writes, because somebody comes back from elsewhere by it. What `before(request)` returns, the handler gets
        as `prepared`: it runs first, outside every unit."""
        return self._declare("ARRIVAL", path, access, before)

    def plain(self, path: str) -> Callable[[Handler], Action]:
        """Public, without a unit or a viewer: static files and health."""
        return self._declare("PLAIN", path, Access.PUBLIC, None)

    def upload(
        self, path: str, *, before: Before, after: After | None = None, access: Access | None = None
    ) -> Callable[[Handler], Action]:
        """A POST whose files stream into the storage first. `before` says no (by raising) to whom may not, before a byte is read.

        What `before` returns may be Bounds, for less than usual.
        The handler gets `received`, the stored files and the fields; it runs in a writing unit after the last byte. What
        `after(received)` returns, it gets as `prepared`: slow work with the files, outside every unit.
        """
        return self._declare("UPLOAD", path, access, before, after)

    def long(self, method: str, path: str, access: Access | None = None) -> Callable[[Handler], Action]:
        """Any method, for what takes too long for one unit: the handler gets a `Visit` in place of the viewer, and asks it for
        each unit. HEAD, OPTIONS, PATCH and DELETE are only declared so."""
        return self._declare(f"LONG {method}", path, access, None)

    def _declare(
        self, method: str, path: str, access: Access | None, before: Before | None, after: After | None = None
    ) -> Callable[[Handler], Action]:
        def declare(handler: Handler) -> Action:
            verb = {"PLAIN": "GET", "ARRIVAL": "GET", "UPLOAD": "POST"}.get(method, method.removeprefix("LONG "))
            action = Action(f"{self.module}.{handler.__name__.rstrip('_')}", verb, path, access or self.access, handler, before if method == "POST" else None)  # fmt: skip
            addresses.register(action.name, path)
            ACTIONS.append(action)
            if method == "PLAIN":
                _endpoints[action.name] = handler  # type: ignore[assignment]
            elif method == "GET":
                _endpoints[action.name] = _reader(action)
            elif method.startswith("LONG "):
                _endpoints[action.name] = _visitor(action)
            elif method == "ARRIVAL":
                assert before is not None
                _endpoints[action.name] = _arriver(action, before)
            elif method == "UPLOAD":
                assert before is not None
                _endpoints[action.name] = _uploader(action, before, after)
            else:
                _endpoints[action.name] = _writer(action, before)
            return action

        return declare


_endpoints: dict[str, Callable[[Request], Awaitable[Response]]] = {}


def _reader(action: Action) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        who: list[Any] = [nobody(), None]
        try:
            async with engine.reading():
                viewer, firm = who[:] = await _who(request)
                if turned := _turned_away(action, request, viewer, firm):
                    return turned
                reply = await action.handler(request, viewer, **request.path_params)
            if isinstance(reply, Later):
                reply = await reply.make()
            if viewer.view_as is not None:
                shown = reply.context if isinstance(reply, Reply) else {}
                await note_look(viewer, of_client=shown.get("of_client"), **_opened(request))
        except Exception as error:
            reply = failure(error, request, who[0])
        answer = _answer(reply, request, *who)
        await _take_notes(request)
        return answer

    return endpoint


def _opened(request: Request) -> dict[str, int]:
    """The folder or document that a page is of."""
    return {name: id for name, id in request.path_params.items() if name in ("folder_id", "document_id")}


async def _take_notes(request: Request) -> None:
    """What a GET has to remember (a link was opened, a document read): written after it, and worth no failure."""
    for note in request.scope.pop("poort.notes", ()):
        try:
            await engine.run_writing(note)
        except Exception as error:
            observe.log_exception(error, request)


def remember(request: Request, note: Callable[[], Awaitable[None]]) -> None:
    """Carry this out in a writing unit of its own after the reading one; never when somebody only looks on."""
    if "poort.view_as" not in request.scope:
        request.scope.setdefault("poort.notes", []).append(note)


def _writer(action: Action, before: Before | None) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            # All of it is read before the unit begins: a slow sender must not hold the write lock.
            request = Request(request.scope, _bounded(request.receive))
            form = await request.form(max_files=0, max_fields=FIELDS_LIMIT, max_part_size=FORM_LIMIT)
            if before and (turned := await _barred(action, request)):
                return turned
            more = {"prepared": await before(request, form)} if before else {}
        except (MultiPartException, HTTPException, ClientDisconnect) as error:
            return await _outside(MultiPartException("") if isinstance(error, HTTPException) else error, request)
        except Exception as error:
            return await _outside(error, request)
        return await _written(action, request, more, form)

    return endpoint


def _bounded(receive: Receive) -> Receive:
    """The body, as long as it is no larger than a form may be: whoever sends it, signed in or not."""
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > FORM_LIMIT:
            raise MultiPartException("")
        return message

    return counted


def _arriver(action: Action, before: Before) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            more = {"prepared": await before(request)}
        except Exception as error:
            return await _outside(error, request)
        return await _written(action, request, more, None)

    return endpoint


def _uploader(action: Action, before: Before, after: After | None) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        who: list[Any] = [nobody(), None]
        try:
            async with engine.reading():
                viewer, firm = who[:] = await _who(request)
                if turned := _turned_away(action, request, viewer, firm):
                    return turned
                _refuse_who_looks_on(viewer)
                allowed = await before(request, viewer, **request.path_params)
            await _take_notes(request)
            bounds = _bounds(allowed)
            async with claimed(request, allowed, bounds["max_size"]) as kept:
                received: Received = await receive_files(request, storage(), **bounds, kept=kept)
            more = {"received": received} | ({"prepared": await after(received)} if after else {})
        except Exception as error:
            answer = _answer(failure(error, request, who[0]), request, *who)
            await _take_notes(request)
            return answer
        return await _written(action, request, more, None)

    return endpoint


class Turned(Exception):
    """Who may not come here, with the answer for him."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class Visit:
    """A request of several units: in each it is asked anew who comes and what he may. Between them no database waits."""

    def __init__(self, action: Action, request: Request) -> None:
        self.viewer: Any = nobody()
        self.firm: Firm | None = None
        self._action, self._request = action, request

    async def read(self, do: Callable[[Any], Awaitable[T]]) -> T:
        async with engine.reading():
            await self._enter()
            return await do(self.viewer)

    async def write(self, do: Callable[[Any], Awaitable[T]]) -> T:
        async def unit() -> T:
            await self._enter()
            _refuse_who_looks_on(self.viewer)
            return await do(self.viewer)

        return await engine.run_writing(unit)

    async def form(self) -> Any:
        """The fields of a body without files."""
        bounded = Request(self._request.scope, _bounded(self._request.receive))
        return await bounded.form(max_files=0, max_fields=FIELDS_LIMIT, max_part_size=FORM_LIMIT)

    async def _enter(self) -> None:
        self.viewer, self.firm = await _who(self._request)
        if turned := _turned_away(self._action, self._request, self.viewer, self.firm):
            raise Turned(turned)
        if self._request.method not in ("GET", "HEAD", "OPTIONS"):
            _refuse_who_looks_on(self.viewer)


def _visitor(action: Action) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        visit = Visit(action, request)
        try:
            reply = await action.handler(request, visit, **request.path_params)
            if isinstance(reply, Later):
                reply = await reply.make()
        except Turned as turned:
            return turned.response
        except Exception as error:
            reply = failure(error, request, visit.viewer)
        return _answer(reply, request, visit.viewer, visit.firm)

    return endpoint


def _bounds(allowed: Any) -> dict[str, Any]:
    """How much is taken in: as much as the settings say, or what `before` said of this one."""
    most = config.settings().max_upload
    if isinstance(allowed, Bounds):
        return {"max_size": min(most, allowed.max_size), "check": allowed.check()}
    return {"max_size": most}


async def _barred(action: Action, request: Request) -> Response | None:
    """Who may not come here is told so before anything is done for him. Raises Forbidden for who only looks on."""
    async with engine.reading():
        viewer, firm = await _who(request)
        if turned := _turned_away(action, request, viewer, firm):
            return turned if action.access is Access.PUBLIC or "poort.former" not in request.scope else None
        _refuse_who_looks_on(viewer)
    return None


async def _outside(error: Exception, request: Request) -> Response:
    """The answer to a failure before there was a unit."""
    viewer, firm = await _who_if_anybody(request)
    return _answer(failure(error, request, viewer), request, viewer, firm)


async def _written(action: Action, request: Request, more: dict[str, Any], form: Any) -> Response:
    who: list[Any] = [nobody(), None]

    async def unit() -> Reply | Response | Later:
        viewer, firm = who[:] = await _who(request)
        if turned := _turned_away(action, request, viewer, firm):
            return turned
        _refuse_who_looks_on(viewer)
        return await action.handler(request, viewer, **more, **request.path_params)

    try:
        if form is not None and (kept := await _keep_draft(action, request, form)):
            return kept
        reply = await engine.run_writing(unit)
        if isinstance(reply, Later):
            reply = await reply.make()
    except Exception as error:
        reply = failure(error, request, who[0])
    return _answer(reply, request, *who)


async def _keep_draft(action: Action, request: Request, form: Any) -> Response | None:
    """The session ended while somebody was typing: keep it for him and show the sign-in."""
    if (
        action.access is Access.PUBLIC
        or action.name.startswith("sessions.")
        or request.user.is_authenticated
        or "poort.former" not in request.scope
    ):
        return None
    from web.drafts import keep

    return await keep(request, form)


async def _who(request: Request) -> tuple[Any, Firm | None]:
    """The viewer (or visitor) of this request and the office as he knows it, in three short queries (four, of a branch office)."""
    firm = await Firm.load()
    user = request.user
    if not user.is_authenticated:
        return nobody(), firm
    viewer = await viewer_of(user, request.scope.get("poort.session_id", 0))
    if (other := request.scope.get("poort.view_as")) is not None:
        viewer = await through_the_eyes_of(other, viewer)
    return viewer, firm.shown_as(await office_row(viewer.office)) if viewer.is_client else firm


async def _who_if_anybody(request: Request) -> tuple[Any, Firm | None]:
    """For a failure: nobody, where it looks through the eyes of somebody who is not there."""
    async with engine.reading():
        try:
            return await _who(request)
        except Missing:
            return nobody(), await Firm.load()


async def viewer_of(user: User, session_id: int = 0) -> Viewer:
    from models.clients import granted

    return Viewer(user, await granted(user.id) if user.kind == "client" else (), session_id=session_id)


def _refuse_who_looks_on(viewer: Any) -> None:
    if viewer.view_as is not None:
        raise Forbidden("view-as is read-only")


def _turned_away(action: Action, request: Request, viewer: Any, firm: Firm | None) -> Response | None:
    if (
        firm is not None
        and not firm.is_set_up
        and not action.name.startswith(("setup.", "health.", "static.", "shell.", "styleguide."))
    ):
        return redirect(request, addresses.address_for("setup.closed"))
    if action.access is Access.PUBLIC:
        return None
    if not viewer.is_signed_in:
        if action.name == "live.stream":
            return Response(status_code=401)
        path = request.scope.get("poort.prefix", "") + request.url.path
        next_ = path + (f"?{request.url.query}" if request.url.query else "")
        if request.method != "GET" or request.headers.get("hx-request") == "true":
            next_ = _page_of(request)
        return redirect(request, addresses.address_for("sessions.sign_in", next=next_ if next_ != "/" else None))
    if (
        firm is not None
        and _needs_factor(viewer, firm)
        and (viewer.view_as is not None or not action.name.startswith(("account.", "sessions.", "live.")))
    ):
        return redirect(request, addresses.address_for("account.second_factor"))
    if viewer.is_client and request.url.path == "/" and viewer.view_as is None:
        return redirect(request, "/portal")
    bar(action, viewer)
    return None


def bar(action: Action, viewer: Any) -> None:
    """Raises Missing for who is of the other kind than the action is for, and where only the person himself has business."""
    if viewer.view_as is not None and action.name.startswith(("account.", "sessions.", "live.")):
        raise Missing(action.name)
    if (action.access is Access.STAFF and not viewer.is_staff) or (
        action.access is Access.CLIENT and not viewer.is_client
    ):
        raise Missing(action.name)


def _needs_factor(viewer: Viewer, firm: Firm) -> bool:
    """Whether the office demands a second factor that this person has not set yet; looking on is no way around it."""
    if viewer.view_as is not None:
        return firm.demands_second_factor_of(viewer.view_as) and not firm.is_content_with(viewer.view_as)
    return viewer.waits_for_factor(firm)


def _page_of(request: Request) -> str:
    """The path of the page on which a button or fragment stood."""
    came = urlsplit(request.headers.get("hx-current-url") or request.headers.get("referer") or "")
    return (
        addresses.local_path(came.path + (f"?{came.query}" if came.query else ""))
        if is_our_host(came.netloc, request)
        else ""
    )


def is_our_host(netloc: str, request: Request) -> bool:
    """Whether an address that the browser names (of the page it was on) is ours, also behind a proxy that changes Host."""
    return netloc in (request.url.netloc, urlsplit(config.settings().base_url).netloc)


def _answer(reply: Reply | Response, request: Request, viewer: Any, firm: Firm | None) -> Response:
    if isinstance(reply, Response):
        return reply
    try:
        return respond(reply, request, viewer, firm)
    except Exception as error:
        observe.log_exception(error, request)
        return respond(failure(error, request, viewer, logged=True), request, viewer, firm)


def action_at(method: str, path: str) -> tuple[Action, dict[str, Any]]:
    """The action behind a path of ours, and the parameters in it. Raises Missing when there is none."""
    for action in ACTIONS:
        if action.method == method and action.path.split("/")[1] == path.split("/")[1]:
            pattern, _, convertors = compile_path(action.path)
            if match := pattern.match(path):
                return action, {name: convertors[name].convert(value) for name, value in match.groupdict().items()}
    raise Missing(path)


Nothing = Callable[..., Response]
_elsewhere: dict[str, Nothing] = {}


def elsewhere(beginning: str) -> Callable[[Nothing], Nothing]:
    """Who answers, with `(404)` or `(405, headers)`, where an address that begins so does not exist or is asked another way."""

    def declare(answer: Nothing) -> Nothing:
        _elsewhere[beginning] = answer
        return answer

    return declare


class Switchboard:
    """Finds the route by the path's first segment, then among the few routes below it: matching stays short."""

    def __init__(self) -> None:
        by_segment: dict[str, list[Route]] = {}
        for action in ACTIONS:
            route = Route(action.path, _endpoints[action.name], methods=[action.method], name=action.name)
            by_segment.setdefault(action.path.split("/")[1], []).append(route)
        self._routers = {segment: Router(routes) for segment, routes in by_segment.items()}
        self._nothing = Router([], default=_not_found)
        for router in self._routers.values():
            router.default = _not_found
            router.redirect_slashes = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        segment = scope["path"].split("/", 2)[1] if "/" in scope["path"] else ""
        router = self._routers.get(segment, self._nothing)
        answer = next((one for beginning, one in _elsewhere.items() if scope["path"].startswith(beginning)), None)
        if answer is None:
            await router(scope, receive, send)
            return
        try:
            scope["poort.nothing"] = answer  # in the very scope: who measures reads in it which route it was
            await router(scope, receive, send)
        except HTTPException as error:  # the way it was asked: nothing was answered yet
            await answer(error.status_code, dict(error.headers or {}))(scope, receive, send)


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:
    if answer := scope.get("poort.nothing"):
        await answer(404)(scope, receive, send)
        return
    request = Request(scope, receive)
    who = await _who_if_anybody(request)
    if not request.user.is_authenticated and who[1] is not None and not who[1].is_set_up:
        reply: Reply | Response = go(addresses.address_for("setup.closed"))
    else:
        reply = failure(Missing(scope["path"]), request, who[0])
    await _answer(reply, request, *who)(scope, receive, send)
