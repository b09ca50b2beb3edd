"""python -m web serve [--host H] [--port P] [--workers N] · python -m web routes"""

from __future__ import annotations

import argparse
import os

import uvicorn

from models import config


def main() -> None:
    os.umask(0o077)  # database, queue, keys and copies are for this account's eyes only
    parser = argparse.ArgumentParser(prog="python -m web")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="the web processes")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8000)
    serve.add_argument("--workers", type=int, default=int(os.environ.get("WEB_WORKERS", "1")))
    commands.add_parser("routes", help="every route: method, path, access, name")
    asked = parser.parse_args()
    config.stop_on_nonsense()
    if asked.command == "routes":
        print("\n".join(route_lines()))
        return
    from web.observe import set_up_logging

    set_up_logging()
    uvicorn.run(
        "web.app:make_app",
        factory=True,
        host=asked.host,
        port=asked.port,
        workers=asked.workers if asked.workers > 1 else None,
        log_config=None,
        access_log=False,
        proxy_headers=False,  # web.security.Proxies believes only those of TRUSTED_PROXIES
        server_header=False,
        timeout_graceful_shutdown=5,
        timeout_keep_alive=30,
    )


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
