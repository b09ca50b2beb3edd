"""What is found of a sender's domain, asked of a real name server."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from models import config
from models.mail_check import Finding, check
from tests.names import Zone, naming

HOST = {("mail.kantoor.example", "A"): ["192.0.2.10"]}


def key(bits: int) -> str:
    public = generate_private_key(65537, bits).public_key()
    return base64.b64encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


async def found(
    monkeypatch: pytest.MonkeyPatch, zone: Zone, *, selectors: tuple[str, ...] = ("poort",),
    envelope: str = "kantoor.example", domain: str = "kantoor.example", server: str = "mail.kantoor.example",
) -> dict[str, Finding]:  # fmt: skip
    async with naming(HOST | zone) as names:
        monkeypatch.setenv("DNS_SERVER", names.address)  # type: ignore[attr-defined]
        config.reset()
        try:
            return {one.part: one for one in await check(domain, envelope, list(selectors), server)}
        finally:
            monkeypatch.undo()
            config.reset()


def txt(name: str, *values: str) -> Zone:
    def parts(value: str) -> str:  # a TXT string holds 255 characters at most
        return " ".join(f'"{value[at : at + 200]}"' for at in range(0, len(value), 200))

    return {(name, "TXT"): [parts(value) for value in values]}


@pytest.mark.parametrize(
    ("record", "state"),
    [
        ("v=spf1 ip4:192.0.2.0/24 -all", "good"),
        ("v=spf1 a:mail.kantoor.example -all", "good"),
        ("v=spf1 mx -all", "good"),
        ("v=spf1 include:spf.elders.example -all", "good"),
        ("v=spf1 redirect=spf.elders.example", "good"),
        ("v=spf1 ip4:198.51.100.1 -all", "danger"),
        ("v=spf1 ip4:198.51.100.1 ~all", "attention"),
        ("v=spf1 -ip4:192.0.2.10 +all", "danger"),
        ("v=spf1 all", "danger"),
        ("v=spf1 include:eindeloos.example -all", "danger"),
        ("google-site-verification=x", "danger"),
    ],
)
async def test_spf_says_whether_our_server_may(monkeypatch: pytest.MonkeyPatch, record: str, state: str) -> None:
    zone = {
        **txt("kantoor.example", record),
        **txt("spf.elders.example", "v=spf1 ip4:192.0.2.10 -all"),
        **txt("eindeloos.example", "v=spf1 include:eindeloos.example -all"),
        ("kantoor.example", "MX"): ["10 mail.kantoor.example."],
    }
    spf = (await found(monkeypatch, zone))["spf"]

    assert spf.state == state, spf
    assert spf.at == "kantoor.example" and not spf.put.lower().rstrip().endswith((" all", "+all"))


async def test_two_records_are_one_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    both = {
        **txt("kantoor.example", "v=spf1 mx -all", "v=spf1 -all"),
        **txt("_dmarc.kantoor.example", "v=DMARC1; p=reject", "v=DMARC1; p=none"),
    }
    told = await found(monkeypatch, both)

    assert (told["spf"].state, told["dmarc"].state) == ("danger", "danger")


@pytest.mark.parametrize(
    ("record", "state"),
    [
        (f"v=DKIM1; k=rsa; p={key(2048)}", "good"),
        (f"v=DKIM1; p={key(1024)}", "attention"),
        ("v=DKIM1; p=", "danger"),
        ("v=DKIM1; p=AAAA", "danger"),
        (f"v=DKIM1; t=y; p={key(2048)}", "attention"),
        (
            "v=DKIM1; k=ed25519; p="
            + base64.b64encode(
                Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
            ).decode(),
            "good",
        ),
        ("iets anders", "danger"),
    ],
    ids=["long", "short", "revoked", "broken", "on trial", "ed25519", "another text"],
)
async def test_dkim_says_whether_the_key_is_there_and_long_enough(
    monkeypatch: pytest.MonkeyPatch, record: str, state: str
) -> None:
    dkim = (await found(monkeypatch, txt("poort._domainkey.kantoor.example", record)))["dkim"]

    assert dkim.state == state, dkim


@pytest.mark.parametrize(
    ("record", "state"),
    [
        ("v=DMARC1; p=reject; rua=mailto:x@kantoor.example", "good"),
        ("v=DMARC1; p=quarantine", "good"),
        ("v=DMARC1; p=none; rua=mailto:x@kantoor.example", "attention"),
        ("v=DMARC1; p=misschien", "danger"),
        ("v=DMARC1", "danger"),
        ("iets anders", "danger"),
    ],
)
async def test_dmarc_says_what_happens_to_false_mail(monkeypatch: pytest.MonkeyPatch, record: str, state: str) -> None:
    dmarc = (await found(monkeypatch, txt("_dmarc.kantoor.example", record)))["dmarc"]

    assert dmarc.state == state, dmarc


async def test_dmarc_of_the_domain_above_counts_and_alignment_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    zone = txt("_dmarc.kantoor.example", "v=DMARC1; p=reject; sp=none; aspf=s")
    below = (await found(monkeypatch, zone, domain="post.kantoor.example", envelope="post.kantoor.example"))["dmarc"]
    strict = (await found(monkeypatch, zone, envelope="post.kantoor.example"))["dmarc"]
    elsewhere = (await found(monkeypatch, zone, envelope="mailer.example"))["dmarc"]

    assert below.state == "attention" and "p=none" in str(below.said)
    assert strict.state == elsewhere.state == "attention" and "mailer.example" in str(elsewhere.said)


@pytest.mark.parametrize("answer", ["SERVFAIL", "silence"])
async def test_no_answer_is_not_the_same_as_nothing_there(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr("models.mail_check._SECONDS", 0.4)
    zone: Zone = {("kantoor.example", "TXT"): answer, ("poort._domainkey.kantoor.example", "TXT"): answer}
    told = await found(monkeypatch, zone)

    assert (told["spf"].state, told["dkim"].state, told["dmarc"].state) == ("unknown", "unknown", "danger")
