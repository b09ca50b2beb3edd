"""`python -m tests.jobs.slow_worker`: a worker that also knows a kind of work which takes three seconds, step by step."""

from __future__ import annotations

import asyncio
from typing import Any

from jobs.__main__ import main
from models.tasks import Progress, Task, work


@work("slow")
async def slow(task: Task, progress: Progress) -> dict[str, Any]:
    for n in range(30):
        await progress.report(n, 30)
        await asyncio.sleep(0.1)
    return {"steps": 30}


if __name__ == "__main__":
    main()
