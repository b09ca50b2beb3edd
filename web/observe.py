"""Structured log lines with a request id and without personal data, and the figures for /metrics."""

from __future__ import annotations

import contextvars
import logging
import os
import secrets
import sys
import time
import traceback
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models import engine

REGISTRY = CollectorRegistry()
_requests = Counter("poort_requests_total", "Requests by route and status.", ["route", "status"], registry=REGISTRY)
_seconds = Histogram(
    "poort_request_seconds",
    "Time until the last byte, by route.",
    ["route"],
    registry=REGISTRY,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 30),
)
_queries = Histogram(
    "poort_request_queries", "Statements per request.", ["route"], registry=REGISTRY, buckets=(1, 2, 4, 6, 8, 12, 20)
)


def registry() -> CollectorRegistry:
    """The figures of all web processes: with several, each writes its own down in a folder that they share."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    together = CollectorRegistry()
    multiprocess.MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return together


def outbox_figures(found: dict[str, float]) -> bytes:
    """What waits, as gauges; asked of the database, so that every process says the same."""
    gauges = CollectorRegistry()
    for name, value in found.items():
        Gauge(f"poort_{name}", name.replace("_", " ").capitalize() + ".", registry=gauges).set(value)
    return generate_latest(gauges)


_request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="")
log = structlog.get_logger("poort")


def set_up_logging() -> None:
    """One JSON object a line, on standard error, for our own lines and for those of the libraries."""

    def add_request_id(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
        if request_id := _request_id.get():
            event["request"] = request_id
        return event

    shared: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_request_id,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(ensure_ascii=False)],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    for chatty in ("uvicorn.access", "httpx2", "huey", "aiosqlite"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def log_exception(error: BaseException, request: Any) -> None:
    """The place of the fault, not its message's values: those may be somebody's data."""
    frames = [
        f"{frame.filename.rsplit('/', 3)[-2]}/{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)[-12:]
    ]
    log.error(
        "failure", kind=type(error).__name__, at=frames, sql_state=getattr(error, "sqlstate", None), what=_safe(error)
    )


def _safe(error: BaseException) -> str | None:
    """Messages of errors in our own code and of templates name code, not people; those of databases may quote values."""
    if isinstance(error, TypeError | AttributeError | NameError | KeyError | AssertionError | RuntimeError) or type(
        error
    ).__module__.startswith("jinja2"):
        return str(error)[:300]
    return None


class Observer:
    """Outermost: gives every request an id, counts it, and writes its line. The path itself is never logged: it may hold a token."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = scope["poort.request_id"] = secrets.token_hex(6)
        token = _request_id.set(request_id)
        scope["poort.began"] = time.time()
        began, status = time.perf_counter(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message.setdefault("headers", []).append((b"x-request-id", request_id.encode()))
            await send(message)

        with engine.count_queries() as counted:
            try:
                await self.app(scope, receive, sending)
            finally:
                self._note(scope, status, time.perf_counter() - began, counted.n)
                _request_id.reset(token)

    def _note(self, scope: Scope, status: int, seconds: float, queries: int) -> None:
        route = getattr(scope.get("route"), "name", None) or (
            "static" if scope["path"].startswith("/static/") else "none"
        )
        _requests.labels(route, status).inc()
        if route == "static":
            return
        _seconds.labels(route).observe(seconds)
        _queries.labels(route).observe(queries)
        log.info(
            "request", method=scope["method"], route=route, status=status, ms=round(seconds * 1000, 1), queries=queries
        )
