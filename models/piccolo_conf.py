"""Where Piccolo finds the database and the tables; `models.engine.use` sets DB."""

from __future__ import annotations

from typing import Any

from piccolo.conf.apps import AppRegistry

DB: Any = None
APP_REGISTRY = AppRegistry(apps=["models.piccolo_app"])
