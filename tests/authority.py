"""A time-stamp authority (RFC 3161) on loopback, which can be made to misbehave."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from asn1crypto import keys, tsp, x509
from cryptography import x509 as made
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from models.certifying.office import Pair


class Authority:
    """`fault`: '' answers, 'down' is HTTP 503, 'nonsense' no answer at all, 'refuses' says no, 'other' is of another hash,
    'replayed' answers an earlier question, 'drips' gives one byte now and then. `asked`: what came in."""

    def __init__(self) -> None:
        self.fault, self.url, self.asked = "", "", list[bytes]()
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        now = dt.datetime.now(dt.UTC)
        name = made.Name([made.NameAttribute(NameOID.COMMON_NAME, "Tijdstempels voor de proef")])
        usage = made.KeyUsage(True, False, False, False, False, False, False, False, False)
        certificate = (
            made.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
            .not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=365))
            .add_extension(usage, critical=True).add_extension(made.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
            .sign(key, hashes.SHA256())
        )  # fmt: skip
        self.stamps_with(Pair(certificate, (), key))

    def stamps_with(self, pair: Pair) -> None:
        """From now on with this certificate, and those above it in every time-stamp."""
        der = pair.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        own, *above = (x509.Certificate.load(one.public_bytes(Encoding.DER)) for one in (pair.certificate, *pair.above))
        self._stamper = DummyTimeStamper(own, keys.PrivateKeyInfo.load(der), SimpleCertificateStore.from_certs(above))

    def answer(self, question: bytes) -> tuple[int, bytes]:
        self.asked.append(question)
        if self.fault == "down":
            return 503, b""
        if self.fault == "nonsense":
            return 200, b"<html>Welkom</html>"
        if self.fault == "refuses":
            return 200, bytes.fromhex("30053003020102")  # a status of 2 (rejection), and no token
        asked = tsp.TimeStampReq.load(question)
        if self.fault == "other":
            asked["message_imprint"]["hashed_message"] = bytes(32)
        if self.fault == "replayed":
            asked["nonce"] = 7
        return 200, self._stamper.request_tsa_response(asked).dump()


class _Server(ThreadingHTTPServer):
    authority: Authority


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        status, body = self.server.authority.answer(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(status)
        self.send_header("Content-Type", "application/timestamp-reply")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.server.authority.fault != "drips":
            self.wfile.write(body)
            return
        with contextlib.suppress(OSError):
            for at in range(60):
                self.wfile.write(body[at : at + 1])
                self.wfile.flush()
                time.sleep(0.2)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@contextlib.contextmanager
def authority() -> Iterator[Authority]:
    running = Authority()
    server = _Server(("127.0.0.1", 0), _Handler)
    server.authority = running
    running.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
