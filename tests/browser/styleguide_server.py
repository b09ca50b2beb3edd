"""Serves the styleguide and some bare pages on loopback: the parts without the application around them."""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import http.server
import json
import mimetypes
import queue
import re
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import partials
from models.core import Say
from web.security import CSP
from web.static import bundle
from web.styleguide import forms

STATIC = Path(__file__).parents[2] / "static"


def page(layout: str, fragment: str, **more: Any) -> str:
    good, wrong = forms()
    staff = layout == "layout.html"
    person = SimpleNamespace(display_name="Rik Jansen", email="rik@bakkerij-jansen.example")
    firm = SimpleNamespace(
        name="De Brug Administraties",
        place="Zwolle",
        brand="#1f5c4d",
        logo_url=None,
        brand_css_url=None,
        is_sample=True,
    )
    viewer = SimpleNamespace(
        user=person, view_as=None, is_staff=staff, is_client=not staff, is_signed_in=True, may=lambda *_: True
    )
    items = [("home", "Home", "house"), ("rollout", "Uitrol", "list-checks"), ("account", "Account", "circle-user")]
    nav = [
        SimpleNamespace(key=key, label=Say(label), url=f"#{key}", icon=icon, begins=None) for key, label, icon in items
    ]
    clients = [
        SimpleNamespace(name=name, url="#", is_current=at == 0)
        for at, name in enumerate(["Bakkerij Jansen B.V.", "Jansen Beheer B.V."])
    ]
    context = {
        "url": lambda name, **_: f"/{name}",
        "viewer": viewer, "firm": firm, "lang": "nl", "focus": "", "title": "Onderdelen", "section": "home", "nav": nav,
        "flash": SimpleNamespace(text=Say("De map is hernoemd."), kind="good", undo_url="/undo"),
        "switcher": clients, "mail_is_kept": True, "upload_url": "/upload", "wide": layout == "layout_public.html",
        "form": good, "wrong": wrong, "now": dt.datetime.now(dt.UTC) - dt.timedelta(minutes=7),
    }  # fmt: skip
    partials.serve_static_from(lambda path: f"/static/{path}")
    return partials.render(layout, fragment=fragment, **{**context, **more})


class Server(http.server.ThreadingHTTPServer):
    """Its state is what the tests turn: who listens, what the stream answers, what uploads are refused."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.listeners: list[queue.Queue[list[str] | None]] = []
        self.stream_requests = 0
        self.signed_out = False
        self.uploads: list[str] = []
        self.refused: set[str] = set()
        self.fetched = 0
        self.asked: list[float] = []  # when what is live was asked for
        self.takes = 0.0  # seconds, an answer to that
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def changed(self, *topics: str) -> None:
        for listener in self.listeners:
            listener.put(list(topics))

    def close(self) -> None:
        for listener in self.listeners:
            listener.put(None)
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if path == "/live":
            self._stream()
        elif path == "/fragment":
            self._send(f"<b>fresh {self._fetch()}</b>")
        elif path == "/region":
            self._send(_REGION.format(fresh=f"fresh {self._fetch()}"))
        elif path in ("/office", "/portal", "/public"):
            layout = {"/office": "layout.html", "/portal": "layout_portal.html", "/public": "layout_public.html"}[path]
            self._send(page(layout, "styleguide/page.html"))
        elif path == "/offline":
            self._send(page("layout_public.html", "shared/offline.html", wide=False, flash=None))
        elif path == "/moving":
            self._send(_MOVING)
        elif path == "/overview.asked":
            self._send(
                '<div id="bell"><a class="bar-link bell" href="/overview.asked"><span class="visually-hidden">Wat er van u gevraagd wordt</span></a></div>'
            )
        elif path == "/rows":
            self._send(f'<div id="rows">{self.path}</div>')
        elif path == "/sign-in":
            self._send("<h1>Inloggen</h1>")
        elif path == "/listening":
            self._send(_LISTENING)
        elif path == "/sw.js":
            self._send((STATIC / "js-sw" / "sw.js").read_bytes(), "text/javascript")
        elif path in (
            "/static/app.css",
            "/static/portal.css",
            "/static/app.js",
            "/static/portal.js",
            "/static/upload.js",
        ):
            self._send(bundle(path[8:]), "text/css" if path.endswith("css") else "text/javascript")
        elif path.startswith("/static/") and (STATIC / path[8:]).is_file():
            self._send((STATIC / path[8:]).read_bytes(), mimetypes.guess_type(path)[0] or "")
        elif path == "/manifest.webmanifest":
            self._send("{}", "application/manifest+json")
        else:
            self._send("", status=404)

    def _fetch(self) -> int:
        self.server.asked.append(time.monotonic())
        time.sleep(self.server.takes)
        self.server.fetched += 1
        return self.server.fetched

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/moved":
            return self._send(_MOVED)
        if self.path == "/kept":
            return self._send(f'<div id="place">bewaard</div>{_MOVED}')
        name = re.search(r"filename ([^,]*)", self.headers["upload-metadata"])
        self.server.uploads.append(base64.b64decode(name[1]).decode() if name else "")
        if self.server.signed_out:
            self.send_response(303)
            self.send_header("Location", "/sign-in")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        refused = self.server.uploads[-1] in self.server.refused
        if refused:
            return self._send("Dit soort bestand wordt niet aangenomen.", "text/plain", 422)
        told = {"id": 1, "state": "done", "name": self.server.uploads[-1], "why": ""}
        self.send_response(201)
        for header, value in {
            "Tus-Resumable": "1.0.0",
            "Upload-Offset": str(len(body)),
            "Upload-Result": quote(json.dumps(told)),
            "Content-Length": "0",
        }.items():
            self.send_header(header, value)
        self.end_headers()

    def _send(self, body: str | bytes, kind: str = "text/html", status: int = 200) -> None:
        content = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8" if kind.startswith("text/") else kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Security-Policy", CSP)
        self.end_headers()
        self.wfile.write(content)

    def _stream(self) -> None:
        self.server.stream_requests += 1
        if self.server.signed_out:
            return self._send("", status=401)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write(b"retry: 5000\n\n")
        self.wfile.flush()
        mine: queue.Queue[list[str] | None] = queue.Queue()
        self.server.listeners.append(mine)
        try:
            while (topics := mine.get()) is not None:
                now = time.time()
                told = json.dumps({"at": now, "topics": topics})
                self.wfile.write(f"id: {now}\ndata: {told}\n\n".encode())
                self.wfile.flush()
        except OSError:
            pass
        finally:
            self.server.listeners.remove(mine)


_MOVING = """<div class="dialog-content"><h1>Map verplaatsen</h1><form method="post" action="/moved" hx-post="/moved"
hx-target="#dialog-body"><label>Naar <input autofocus></label><button>Verplaatsen</button></form></div>"""
_MOVED = (
    '<hx-partial hx-target="#toasts" hx-swap="beforeend">'
    "<toast-note><p>De map is verplaatst.</p></toast-note></hx-partial>"
)
_FETCHES = 'hx-get="/fragment" hx-trigger="live" hx-target="this" hx-swap="innerHTML"'
_REGION = """<div id="region" data-live="region" hx-get="/region" hx-trigger="live" hx-target="this" hx-swap="outerHTML"><p>{fresh}</p>
<form hx-post="/kept" hx-target="#place" hx-swap="outerHTML"><label>Reden <input id="reason"></label><button>Bewaren</button></form>
<div id="place">leeg</div></div>"""
_LISTENING = f"""<!DOCTYPE html>
<html lang="nl"><head><title>Live</title><script defer src="/static/app.js"></script></head>
<body data-live-url="/live" data-live-at="1"><main><h1>Live</h1>
<div id="clients" data-live="clients imports" {_FETCHES}>old</div>
<div id="users" data-live="users" {_FETCHES}>old</div>
<form id="edited" data-live="clients" {_FETCHES}><label>Naam <input id="typing"></label></form>
{_REGION.format(fresh="old")}
<button>elders</button><div id="toasts"></div></main></body></html>"""


def weight(*parts: bytes) -> int:
    return sum(len(gzip.compress(part, 6)) for part in parts)
