"""`python -m tests.jobs.nursery`: for each line read, forks a worker and writes its process id. A fork is there in
milliseconds, so that a hundred workers can be killed within seconds, at any moment of their lives."""

from __future__ import annotations

import os
import signal
import sys

import jobs.__main__ as worker
import jobs.worker
from jobs.logs import set_up_logging


def main() -> None:
    set_up_logging()
    jobs.worker.know_all_work()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system clears the dead away
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            worker.carry_out()
            os._exit(0)
        print(child, flush=True)


if __name__ == "__main__":
    main()
