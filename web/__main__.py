"""python -m web serve [--host H] [--port P] [--workers N] · python -m web routes"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette

from models import config
from models.storage import stop_on_wrong_key


def main() -> None:
    os.umask(0o077)  # database, queue, keys and copies are for this account's eyes only
    parser = argparse.ArgumentParser(prog="python -m web")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="the web processes")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, help="else that of BASE_URL where it is on this machine, else 8000")
    serve.add_argument("--workers", type=int, default=1)
    commands.add_parser("routes", help="every route: method, path, access, name")
    asked = parser.parse_args()
    config.stop_on_nonsense()
    if asked.command == "routes":
        print("\n".join(route_lines()))
        return
    port = _own_port() if asked.port is None else asked.port
    if not 0 <= port <= 65535:
        serve.error(f"--port: 0 to 65535, not {port}")
    if asked.workers < 1:
        serve.error("--workers: at least 1")
    asyncio.run(stop_on_wrong_key())
    if asked.workers > 1:  # their figures for /metrics are added up in a folder, begun anew
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="poort-metrics-")
    uvicorn.run(
        "web.__main__:serving",
        factory=True,
        host=asked.host,
        port=port,
        workers=asked.workers if asked.workers > 1 else None,
        log_config=None,
        access_log=False,
        proxy_headers=False,  # web.security.Proxies believes only those of TRUSTED_PROXIES
        server_header=False,
        timeout_graceful_shutdown=5,
        timeout_keep_alive=30,
    )


def serving() -> Starlette:
    """What each web process runs: the application, and its log lines as JSON."""
    from web.app import make_app
    from web.observe import set_up_logging

    set_up_logging()
    return make_app()


def _own_port() -> int:
    base = urlsplit(config.settings().base_url)
    return base.port or 8000 if base.hostname in ("127.0.0.1", "localhost", "::1") else 8000


def route_lines() -> list[str]:
    """One line a route, as tests/routes.txt pins them."""
    from web.app import make_app
    from web.routing import ACTIONS

    make_app()
    return [
        f"{a.method:5} {a.path:60} {a.access.value:10} {a.name}"
        for a in sorted(ACTIONS, key=lambda a: (a.path, a.method))
    ]


if __name__ == "__main__":
    main()
