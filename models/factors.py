"""The second factor: codes of an authenticator app, and recovery codes for when it is lost."""

from __future__ import annotations

import base64
import secrets
import time
from io import BytesIO

import pyotp
import segno

from models.core import digest

STEP = 30  # seconds
_COUNT = 10


def new_secret() -> str:
    return pyotp.random_base32()


def matching_step(secret: str, code: str, last: int) -> int | None:
    """The 30-second step whose code this is: now, or one before or after; never one used before. None when it is none."""
    code = "".join(code.split())
    if not code.isdecimal() or len(code) != 6:
        return None
    now, totp = int(time.time()) // STEP, pyotp.TOTP(secret)
    for step in (now, now - 1, now + 1):
        if step > last and secrets.compare_digest(totp.generate_otp(step), code):
            return step
    return None


def address(secret: str, name: str, issuer: str) -> str:
    """What an authenticator app reads from the QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=issuer)


def qr_image(text: str) -> str:
    """The QR code as a data address of an SVG image: black on white, also in dark mode, or cameras miss it."""
    out = BytesIO()
    segno.make(text, error="m").save(out, kind="svg", scale=5, border=4, dark="#000", light="#fff", xmldecl=False)
    return "data:image/svg+xml;base64," + base64.b64encode(out.getvalue()).decode()


def new_recovery_codes() -> list[str]:
    """Ten codes of 60 random bits, written so that they can be copied by hand."""
    alphabet = "23456789abcdefghjkmnpqrstuvwxyz"
    codes = ["".join(secrets.choice(alphabet) for _ in range(12)) for _ in range(_COUNT)]
    return [f"{code[:4]}-{code[4:8]}-{code[8:]}" for code in codes]


def recovery_digest(code: str) -> str:
    return digest("recovery " + "".join(ch for ch in code.lower() if ch.isalnum()))
