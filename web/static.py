"""Static files under addresses that name their content: served from memory, compressed once, kept for ever."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

import partials
from web.routing import Access, Routes

HERE = Path(__file__).parent.parent / "static"
static_files = Routes("static", Access.PUBLIC)

_content: dict[str, bytes] = {}
_zipped: dict[str, bytes] = {}
_hashes: dict[str, str] = {}

# One file each, so that a first visit makes two requests: order matters, the names give it. The portal leaves out what only
# the office's pages look like, and do.
_OFFICE_ONLY = frozenset(
    f"{name}.css"
    for name in (
        "41-layout-office", "50-search-box", "60-approvals", "60-invitations", "60-items", "60-letters", "60-lists", "60-mail", "60-overview", "60-placing", "60-rollout", "60-settings", "60-steps",
    )
)  # fmt: skip
_OFFICE_SCRIPTS = frozenset({"items.js", "items_clipboard.js", "items_drag.js", "search_box.js"})
_BUNDLES = {
    "app.css": ("css", frozenset()),
    "portal.css": ("css", _OFFICE_ONLY),
    "app.js": ("js", frozenset()),
    "portal.js": ("js", _OFFICE_SCRIPTS),
    "upload.js": ("js-upload", frozenset()),
    "check.js": ("js-check", frozenset()),
}


def load() -> None:
    """Read everything below static/ into memory (some 300 KB) and tell the templates the addresses."""
    for path in sorted(HERE.rglob("*")):
        if path.is_file():
            _content[path.relative_to(HERE).as_posix()] = path.read_bytes()
    for name in _BUNDLES:
        _content[name] = bundle(name)
    for name, content in _content.items():
        _hashes[name] = hashlib.sha256(content).hexdigest()[:12]
        if name.endswith((".css", ".js", ".svg", ".txt", ".md")):
            _zipped[name] = gzip.compress(content, 9, mtime=0)
    partials.serve_static_from(address)


def bundle(name: str) -> bytes:
    """The files that make app.css, portal.css, app.js, portal.js, upload.js or check.js, one after the other; our scripts as `_bare`."""
    folder, without = _BUNDLES[name]
    files = [file for file in sorted((HERE / folder).glob(f"*.{name.rpartition('.')[2]}")) if file.name not in without]
    whole = b"\n".join(file.read_bytes() for file in files)
    if name.endswith(".css"):
        return whole
    htmx = [(HERE / "vendor" / "htmx.min.js").read_bytes()] if folder == "js" else []
    return b"\n".join([*htmx, _bare(whole)])


def _bare(script: bytes) -> bytes:
    """Without comments and indents: a phone pays for every byte."""
    text = re.sub(r"/\*.*?\*/\s*", "", script.decode(), flags=re.DOTALL)
    return "\n".join(re.sub(r"  // .*", "", line).strip() for line in text.splitlines() if line.strip()).encode()


def address(path: str) -> str:
    return f"/static/{_hashes[path]}/{path}"


def version() -> str:
    """Changes with any file the browser may have kept."""
    return hashlib.sha256("".join(sorted(_hashes.values())).encode()).hexdigest()[:12]


def content(path: str) -> bytes:
    return _content[path]


@static_files.plain("/static/{version}/{path:path}")
async def file(request: Request) -> Response:
    version, path = request.path_params["version"], request.path_params["path"]
    if path not in _content:
        return Response("Niet gevonden", 404, media_type="text/plain")
    kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
    fresh = version == _hashes[path]
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable" if fresh else "no-cache",
        "Vary": "Accept-Encoding",
    }
    if path in _zipped and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(_zipped[path], headers={**headers, "Content-Encoding": "gzip"}, media_type=kind)
    return Response(_content[path], headers=headers, media_type=kind)
