"""A clamd on loopback that speaks the real protocol and misbehaves when asked to: slow, dying, lying, too small."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

# Put together here, so that no file of ours is a virus to somebody's scanner.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR" + b"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class Clamd:
    """`most`: its StreamMaxLength. `mood`: '' (works), slow, dies (after the first piece), silent, garbled, error."""

    def __init__(self, path: str = "") -> None:
        self.most, self.mood, self.scanned, self.seconds = 50_000_000, "", 0, 0.0
        self._listening = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        if path:
            self._listening.bind(path)
            self.url = f"unix://{path}"
        else:
            self._listening.bind(("127.0.0.1", 0))
            self.url = f"tcp://127.0.0.1:{self._listening.getsockname()[1]}"
        self._listening.listen(50)
        threading.Thread(target=self._serve, daemon=True).start()

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def pause(self) -> None:
        """Hangs up on everybody, as a scanner that restarts."""
        self.mood = "away"

    def resume(self) -> None:
        self.mood = ""

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._listening.accept()
            except OSError:
                return
            if self.mood == "away":
                line.close()
                continue
            threading.Thread(target=self._answer, args=(line,), daemon=True).start()

    def _answer(self, line: socket.socket) -> None:
        with line, line.makefile("rb") as heard, contextlib.suppress(OSError):
            command = b""
            while not command.endswith(b"\0"):
                if not (more := heard.read(1)):
                    return
                command += more
            if command == b"zVERSION\0":
                line.sendall(b"ClamAV 1.4.6/27000/Mon Nov 23 09:00:00 2026\0")
            elif command == b"zINSTREAM\0":
                self._scan(line, heard)

    def _scan(self, line: socket.socket, heard) -> None:
        body = bytearray()
        while size := int.from_bytes(heard.read(4), "big"):
            body += heard.read(size)
            if self.mood == "dies":
                return
            if len(body) > self.most:
                line.sendall(b"INSTREAM size limit exceeded. ERROR\0")
                time.sleep(0.2)
                return
        self.scanned += 1
        time.sleep(self.seconds)
        if self.mood == "silent":
            time.sleep(20)
        said = b"stream: Eicar-Test-Signature FOUND\0" if EICAR in body else b"stream: OK\0"
        garbled = {"garbled": b"stream: OKAY FINE\0", "error": b"stream: Can't allocate memory ERROR\0"}
        line.sendall(garbled.get(self.mood, said))


@contextlib.contextmanager
def scanning() -> Iterator[Clamd]:
    scanner = Clamd()
    try:
        yield scanner
    finally:
        scanner.stop()
