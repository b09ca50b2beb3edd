"""The worker's log: one JSON object a line on standard error, with the place of a fault and never its values."""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys
import traceback


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {
            "event": record.getMessage(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "timestamp": at,
        }
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            frames = traceback.extract_tb(error.__traceback__)[-12:]
            line["kind"] = type(error).__name__
            line["at"] = [
                f"{'/'.join(frame.filename.rsplit('/', 2)[-2:])}:{frame.lineno} {frame.name}" for frame in frames
            ]
        return json.dumps(line, ensure_ascii=False)


def set_up_logging() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines())
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    for chatty in ("huey", "huey.consumer", "asyncio", "aiosmtplib"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
