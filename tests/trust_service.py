"""A trust service on loopback: a root, a certificate to seal with, and the list of what it withdrew, which can be out of reach."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier

from models.certifying.office import Pair

_DOCUMENTS = ObjectIdentifier("1.3.6.1.5.5.7.3.36")


class TrustService:
    """`is_down`: the list answers 503. `is_withdrawn`: the certificate stands on it. `asked`: how often it was asked for."""

    def __init__(self) -> None:
        self.is_down, self.is_withdrawn, self.asked, self.url = False, False, 0, ""
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Vertrouwensdienst voor de proef")])
        self._now = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
        key = self._key
        self.root = (
            x509.CertificateBuilder().subject_name(self._name).issuer_name(self._name).public_key(key.public_key()).serial_number(1)
            .not_valid_before(self._now).not_valid_after(self._now + dt.timedelta(days=900))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False).sign(key, hashes.SHA256())
        )  # fmt: skip

    def certificate(self, *, with_root: bool = True) -> Pair:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Kantoor De Vries"),
                x509.NameAttribute(NameOID.COMMON_NAME, "Zegel"),
            ]
        )
        place = x509.DistributionPoint([x509.UniformResourceIdentifier(f"{self.url}crl")], None, None, None)
        above = x509.AccessDescription(
            x509.AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(f"{self.url}root")
        )  # type: ignore[attr-defined]
        one = (
            x509.CertificateBuilder().subject_name(name).issuer_name(self._name).public_key(key.public_key()).serial_number(77)
            .not_valid_before(self._now).not_valid_after(self._now + dt.timedelta(days=800))
            .add_extension(x509.KeyUsage(True, True, False, False, False, False, False, False, False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([_DOCUMENTS]), critical=False)
            .add_extension(x509.CRLDistributionPoints([place]), critical=False)
            .add_extension(x509.AuthorityInformationAccess([above]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )  # fmt: skip
        return Pair(one, (self.root,) if with_root else (), key)

    def answer(self, path: str) -> tuple[int, str, bytes]:
        if path == "/root":
            return 200, "application/pkix-cert", self.root.public_bytes(Encoding.DER)
        self.asked += 1
        if self.is_down:
            return 503, "text/plain", b""
        listed = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._name)
            .last_update(self._now)
            .next_update(self._now + dt.timedelta(days=7))
        )
        if self.is_withdrawn:
            listed = listed.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(77).revocation_date(self._now).build()
            )
        listed = listed.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
        )
        listed = listed.add_extension(x509.CRLNumber(3), critical=False)
        return 200, "application/pkix-crl", listed.sign(self._key, hashes.SHA256()).public_bytes(Encoding.DER)


class _Server(ThreadingHTTPServer):
    service: TrustService


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        status, kind, body = self.server.service.answer(self.path)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@contextlib.contextmanager
def trust_service() -> Iterator[TrustService]:
    running = TrustService()
    server = _Server(("127.0.0.1", 0), _Handler)
    server.service = running
    running.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
