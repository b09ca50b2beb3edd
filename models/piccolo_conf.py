"""Where Piccolo finds the database and the tables."""

from __future__ import annotations

from typing import Any

from piccolo.conf.apps import AppRegistry

APP_REGISTRY = AppRegistry(apps=["models.piccolo_app"])


def __getattr__(name: str) -> Any:
    """DB is the engine in use at the moment of asking: tests change it."""
    if name == "DB":
        from models import engine

        return engine.engine()
    raise AttributeError(name)
