"""A wire between a browser and a server that counts what comes back over it: everything, whoever asked for it."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator


class Wire:
    """Listens on a port of its own and passes on to another one. `taken` is the bytes that came back so far."""

    def __init__(self, port: int) -> None:
        self.taken = 0
        self._to = port
        self._open: list[socket.socket] = []
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        self._door.close()

    def tear(self) -> None:
        """Break every connection there is, without a goodbye; new ones are let through."""
        torn, self._open = self._open, []
        for one in torn:
            with contextlib.suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                one.shutdown(socket.SHUT_RDWR)

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                browser, _ = self._door.accept()
                server = socket.create_connection(("127.0.0.1", self._to))
                self._open += [browser, server]
                for come, go, counts in ((browser, server, False), (server, browser, True)):
                    threading.Thread(target=self._pass_on, args=(come, go, counts), daemon=True).start()

    def _pass_on(self, come: socket.socket, go: socket.socket, counts: bool) -> None:
        with contextlib.suppress(OSError):
            while piece := come.recv(65536):
                if counts:
                    self.taken += len(piece)
                go.sendall(piece)
        with contextlib.suppress(OSError):
            go.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def wire_to(port: int) -> Iterator[Wire]:
    wire = Wire(port)
    try:
        yield wire
    finally:
        wire.close()
