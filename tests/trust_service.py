"""A trust service on loopback: a root, certificates to seal and to stamp with, the list of what it withdrew, and a responder (OCSP)
that says of each whether it is still good; both can misbehave."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from models.certifying.office import Pair

_DOCUMENTS = ObjectIdentifier("1.3.6.1.5.5.7.3.36")
_DAY = dt.timedelta(days=1)
SEAL, STAMP = 77, 78  # serial numbers
LIST, RESPONDER = "crl", "ocsp"


@functools.cache
def _key(name: str) -> rsa.RSAPrivateKey:
    """Made once: these keys guard nothing."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _name(common: str, *before: x509.NameAttribute[str]) -> x509.Name:
    return x509.Name([*before, x509.NameAttribute(NameOID.COMMON_NAME, common)])


class TrustService:
    """`is_down`: nobody says anything, HTTP 503. `withdrawn`: serial numbers. `fault` of the responder: '' answers, 'down', 'nonsense',
    'huge' never ends, 'drips' gives a byte now and then, 'other' speaks of another certificate, 'replayed' answers an earlier
    question, 'stranger' is signed by nobody we know, 'stale' was good a month ago. `asked`: how often it was asked whether one is good."""

    def __init__(self) -> None:
        self.is_down, self.withdrawn, self.fault, self.asked, self.url = False, set[int](), "", 0, ""
        self._key = _key("root")
        self._name = _name("Vertrouwensdienst voor de proef")
        self._now = dt.datetime.now(dt.UTC).replace(microsecond=0) - dt.timedelta(hours=1)
        self.root = (
            self._begun(self._name, self._key, 1, 900)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False).sign(self._key, hashes.SHA256())
        )  # fmt: skip

    def _begun(self, name: x509.Name, key: rsa.RSAPrivateKey, serial: int, days: int) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder().subject_name(name).issuer_name(self._name).public_key(key.public_key()).serial_number(serial)
            .not_valid_before(self._now - _DAY).not_valid_after(self._now + days * _DAY)
        )  # fmt: skip

    def certificate(self, *, with_root: bool = True, told_by: tuple[str, ...] = (LIST,)) -> Pair:
        """To seal with; whether it is good is `told_by` a list, a responder or both."""
        name = _name("Zegel", x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Kantoor De Vries"))
        usage = x509.ExtendedKeyUsage([_DOCUMENTS])
        return self._issued(name, _key("seal"), SEAL, usage, told_by, with_root=with_root)

    def stamping(self, *, told_by: tuple[str, ...] = (LIST,)) -> Pair:
        """To give time-stamps with."""
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        return self._issued(_name("Tijdstempels onder de vertrouwensdienst"), _key("stamp"), STAMP, usage, told_by)

    def _issued(
        self, name: x509.Name, key: rsa.RSAPrivateKey, serial: int, usage: x509.ExtendedKeyUsage, told_by: tuple[str, ...], *, with_root: bool = True
    ) -> Pair:  # fmt: skip
        told = [(AuthorityInformationAccessOID.CA_ISSUERS, "root")]
        told += [(AuthorityInformationAccessOID.OCSP, "ocsp")] if RESPONDER in told_by else []
        above = [x509.AccessDescription(kind, x509.UniformResourceIdentifier(self.url + path)) for kind, path in told]
        one = (
            self._begun(name, key, serial, 800)
            .add_extension(x509.KeyUsage(True, True, False, False, False, False, False, False, False), critical=True)
            .add_extension(usage, critical=serial == STAMP)
            .add_extension(x509.AuthorityInformationAccess(above), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )  # fmt: skip
        if LIST in told_by:
            place = x509.DistributionPoint([x509.UniformResourceIdentifier(f"{self.url}crl")], None, None, None)
            one = one.add_extension(x509.CRLDistributionPoints([place]), critical=False)
        return Pair(one.sign(self._key, hashes.SHA256()), (self.root,) if with_root else (), key)

    def answer(self, path: str, question: bytes = b"") -> tuple[int, str, bytes]:
        if path == "/root":
            return 200, "application/pkix-cert", self.root.public_bytes(Encoding.DER)
        self.asked += 1
        if self.is_down or (path == "/ocsp" and self.fault == "down"):
            return 503, "text/plain", b""
        if path == "/ocsp":
            return 200, "application/ocsp-response", self._said_of(question)
        return 200, "application/pkix-crl", self._listed()

    def _listed(self) -> bytes:
        listed = (
            x509.CertificateRevocationListBuilder().issuer_name(self._name).last_update(self._now).next_update(self._now + 7 * _DAY)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .add_extension(x509.CRLNumber(3), critical=False)
        )  # fmt: skip
        for serial in self.withdrawn:
            one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(self._now).build()
            listed = listed.add_revoked_certificate(one)
        return listed.sign(self._key, hashes.SHA256()).public_bytes(Encoding.DER)

    def _said_of(self, question: bytes) -> bytes:
        if self.fault == "nonsense":
            return b"<html>Welkom</html>"
        asked = ocsp.load_der_ocsp_request(question)
        serial = asked.serial_number + (self.fault == "other")
        gone = serial in self.withdrawn
        at = self._now - (30 * _DAY if self.fault == "stale" else dt.timedelta())
        own, key = self._responder()
        made = ocsp.OCSPResponseBuilder().add_response_by_hash(
            asked.issuer_name_hash, asked.issuer_key_hash, serial, asked.hash_algorithm,
            ocsp.OCSPCertStatus.REVOKED if gone else ocsp.OCSPCertStatus.GOOD, at, at + _DAY,
            self._now if gone else None, x509.ReasonFlags.key_compromise if gone else None,
        )  # fmt: skip
        nonce = asked.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce
        made = made.add_extension(x509.OCSPNonce(nonce[::-1] if self.fault == "replayed" else nonce), critical=False)
        made = made.responder_id(ocsp.OCSPResponderEncoding.HASH, own).certificates([own])
        return made.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)

    def _responder(self) -> tuple[x509.Certificate, rsa.RSAPrivateKey]:
        """Its certificate is given for this alone, by the root; where it is a stranger, by himself."""
        is_strange = self.fault == "stranger"
        key = _key("stranger" if is_strange else "responder")
        one = self._begun(_name("Responder"), key, 79, 30)
        one = one.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), critical=False)
        one = one.add_extension(x509.OCSPNoCheck(), critical=False)
        return one.sign(key if is_strange else self._key, hashes.SHA256()), key


class _Server(ThreadingHTTPServer):
    service: TrustService
    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, question: bytes) -> None:
        service = self.server.service
        status, kind, body = service.answer(self.path, question)
        hostile = service.fault if self.path == "/ocsp" and service.fault in ("huge", "drips") else ""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if hostile != "huge":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            if hostile == "huge":
                for _ in range(10_000):  # 640 MB, to who goes on reading
                    self.wfile.write(bytes(65_536))
            elif hostile == "drips":
                for at in range(60):
                    self.wfile.write(body[at : at + 1])
                    self.wfile.flush()
                    time.sleep(0.2)
            else:
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
