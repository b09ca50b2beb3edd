"""The proof of an approval on the screen and as a file; the office's certificate; and the public page that knows a file."""

from __future__ import annotations

import datetime as dt
import io
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from jobs import long_work
from models import config, engine
from models import storage as stores
from models.approvals import record_on_paper
from models.approvals.ending import replace_by
from models.approvals.granting import give_mandate
from models.approvals.records import ApprovalRequest
from models.certifying import completing, office, signing
from models.certifying.records import SILENT, OfficeCertificate
from models.core import save
from models.settings import Firm, utcnow
from models.storage import storage
from models.viewer import Right
from tests import approving
from tests import certifying as papers
from tests.cast import Cast, as_viewer

CHECK, SETTINGS = "/check", "/settings/certificate"


@pytest.fixture(autouse=True)
async def store(cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Path]:
    monkeypatch.setenv("STORAGE_URL", f"file://{tmp_path}/files")
    config.reset()
    stores.reset()
    await papers.with_certificate()
    yield tmp_path
    monkeypatch.undo()
    config.reset()
    stores.reset()


async def filed(cast: Cast) -> papers.Made:
    made = await papers.approved(cast)
    assert await completing.seal_due() == 1
    return made


async def certificate_of(request: ApprovalRequest) -> bytes:
    seal = await completing.newest(request.id)
    assert seal is not None
    return await storage().read(seal.sha256)


# the page and the files


async def test_staff_and_the_approver_see_the_proof_and_strangers_nothing(cast: Cast, browser: Callable) -> None:
    made = await filed(cast)
    rik = await as_viewer(cast.rik.user.email_key)
    for viewer in (cast.anna, rik):
        async with browser(viewer) as there:
            page = await there.get(f"/approvals/{made.request.id}/proof")
            assert page.status_code == 200
            assert papers.sha(made.contents[0]) in page.text
            assert "geen gekwalificeerde" in page.text
            looked = await there.get(f"/approvals/{made.request.id}/verification")
            assert "Alles is heel: 7 handelingen en 2 bestanden" in looked.text
            assert "Het zegel op de akkoordverklaring klopt." in looked.text
    for viewer in (cast.sam, cast.fem):
        async with browser(viewer) as there:
            for path in ("proof", "verification", "certificate", "evidence"):
                assert (await there.get(f"/approvals/{made.request.id}/{path}")).status_code == 404


async def test_a_broken_file_is_told_on_the_page(cast: Cast, browser: Callable) -> None:
    made = await filed(cast)
    storage().plain.path_of(papers.sha(made.contents[0])).write_bytes(b"kapot")

    async with browser(cast.anna) as anna:
        page = await anna.get(f"/approvals/{made.request.id}/verification")

    assert "is in de opslag niet meer wat het was" in page.text


async def test_the_certificate_comes_as_it_was_sealed(cast: Cast, browser: Callable) -> None:
    made = await filed(cast)

    async with browser(cast.anna) as anna:
        reply = await anna.get(f"/approvals/{made.request.id}/certificate")

    assert reply.content == await certificate_of(made.request)
    assert "attachment" in reply.headers["content-disposition"]


async def unpacked(cast: Cast, browser: Callable, folder: Path) -> tuple[papers.Made, Path]:
    made = await filed(cast)
    async with browser(cast.anna) as anna:
        reply = await anna.get(f"/approvals/{made.request.id}/evidence")
    assert reply.status_code == 200
    place = folder / "bewijs"
    with zipfile.ZipFile(io.BytesIO(reply.content)) as archive:
        archive.extractall(place)
    return made, place


def checked(place: Path) -> subprocess.CompletedProcess[str]:
    """By a Python that has nothing but its own library, outside our house."""
    return subprocess.run(
        [sys.executable, "-I", "-S", place / "controleer.py"], capture_output=True, text=True, cwd="/", timeout=60
    )


async def test_anybody_can_verify_the_file_of_proof_offline(cast: Cast, browser: Callable, tmp_path: Path) -> None:
    made, place = await unpacked(cast, browser, tmp_path)

    done = checked(place)

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{cast.rik.user.full_name}, Directeur: akkoord / approved (pin)" in done.stdout
    assert (place / "stukken" / "Btw-aangifte Q1.pdf").read_bytes() == made.contents[0]
    assert {path.name for path in place.iterdir()} >= {
        "HOE-CONTROLEREN.txt",
        "HOW-TO-VERIFY.txt",
        "bewijs.json",
        "SHA256SUMS",
        "akkoordverklaring-1.pdf",
    }
    sums = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=place, capture_output=True, text=True)
    assert sums.returncode == 0, sums.stdout
    assert "-----BEGIN CERTIFICATE-----" in next(place.glob("certificaat-*.pem")).read_text()


async def test_one_changed_byte_anywhere_fails_the_check(cast: Cast, browser: Callable, tmp_path: Path) -> None:
    _, place = await unpacked(cast, browser, tmp_path)

    for path in sorted(path for path in place.rglob("*") if path.is_file() and path.suffix != ".py"):
        kept = path.read_bytes()
        for at in (len(kept) // 3, len(kept) - 2):
            path.write_bytes(kept[:at] + bytes([kept[at] ^ 1]) + kept[at + 1 :])
            assert checked(place).returncode == 1, (path.name, at)
        path.write_bytes(kept)
    assert checked(place).returncode == 0


async def test_a_record_made_over_with_right_sums_does_not_fit_its_certificate(
    cast: Cast, browser: Callable, tmp_path: Path
) -> None:
    """The one who forges knows the method, and makes everything over but the seal, for which he has no key."""
    import hashlib
    import json

    _, place = await unpacked(cast, browser, tmp_path)
    proof = json.loads((place / "bewijs.json").read_text())
    previous = "0" * 64
    for act in proof["record"]:
        act["name"] = "Iemand anders" if act["act"] == "approved" else act["name"]
        act["previous"] = previous
        text = json.dumps([act[name] for name in proof["fields"]], ensure_ascii=False, separators=(",", ":"))
        previous = act["link"] = hashlib.sha256(text.encode()).hexdigest()
    (place / "bewijs.json").write_text(json.dumps(proof), encoding="utf-8")
    sums = [line for line in (place / "SHA256SUMS").read_text().splitlines() if not line.endswith("bewijs.json")]
    (place / "SHA256SUMS").write_text(
        "\n".join([*sums, f"{papers.sha((place / 'bewijs.json').read_bytes())}  bewijs.json"]) + "\n"
    )

    done = checked(place)

    assert done.returncode == 1
    assert "hoort niet bij dit bewijs" in done.stdout


async def test_what_the_engine_approves_is_sealed_too(cast: Cast, browser: Callable, tmp_path: Path) -> None:
    """Two directors, two documents, all by the operations themselves."""
    await engine.raw("UPDATE client SET is_sample = $2 WHERE id = $1", cast.bakkerij, False)
    one, two = await approving.person(cast.bakkerij, "Bea"), await approving.person(cast.bakkerij, "Cor")
    await approving.plan(cast.bakkerij, approving.step(one, two))
    parts = []
    for name in ("btw.pdf", "icp.pdf"):
        content = papers.pdf(name)
        stored = await storage().put(content)
        parts.append(approving.part(name, sha256=stored.sha256, size=stored.size, pages=1))
    async with engine.writing():
        request = await approving.draft(cast, None, *parts)
        await approving.offer(request, by=cast.anna)
    for who in (one, two):
        async with engine.writing():
            pass
        await approving.look(who, request)
        await engine.run_writing(lambda who=who: _says_yes(who, request))  # type: ignore[misc]

    assert await completing.seal_due() == 1

    async with browser(one) as bea:
        reply = await bea.get(f"/approvals/{request.id}/evidence")
    place = tmp_path / "uit"
    with zipfile.ZipFile(io.BytesIO(reply.content)) as archive:
        archive.extractall(place)
    done = checked(place)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("approved") == 4  # two people, two documents each
    async with browser(cast.vic) as vic:
        page = await vic.get(f"{CHECK}?sha256={parts[1].sha256}")
    assert page.text.count("Bea Test") == page.text.count("Cor Test") == 1


async def _says_yes(who: object, request: ApprovalRequest) -> None:
    asked = await approving.decision(request)
    await approving.decide_one(who.scope(ApprovalRequest), asked, approving.proof(), by=who)  # type: ignore[attr-defined]


async def test_the_proof_says_for_whom_and_of_paper_what_is_true(cast: Cast, browser: Callable) -> None:
    eva, bob = await approving.person(cast.bakkerij, "Eva"), await approving.person(cast.bakkerij, "Bob")
    await approving.plan(cast.bakkerij, approving.step(eva))
    request, signed = await approving.offered(cast), await approving.offered(cast)
    client = await cast.anna.clients.get(cast.bakkerij)
    await give_mandate(client, eva.user.id, bob.user.id, None, None, None, by=cast.anna)
    await approving.says_yes(bob, request, on_behalf_of=eva.user.id)
    scan = approving.part("scan.pdf")
    await record_on_paper(signed, [scan], "Rik Jansen", dt.date(2026, 11, 30), by=cast.anna)
    (main,) = await approving.main_parts(request)

    async with browser(cast.anna) as anna:
        mandated = (await anna.get(f"/approvals/{request.id}/proof")).text
        paper = (await anna.get(f"/approvals/{signed.id}/proof")).text
        office = (await anna.get(f"/approvals/{signed.id}")).text
    async with browser(cast.vic) as vic:
        public = [(await vic.get(f"{CHECK}?sha256={sha256}")).text for sha256 in (main.sha256, scan.sha256)]
        (put,) = await approving.main_parts(signed)
        unseen = (await vic.get(f"{CHECK}?sha256={put.sha256}")).text

    assert "namens Eva Test" in mandated and "met pincode" in mandated and "zijn pincode" not in mandated
    assert "namens Eva Test" in public[0]
    for page in (paper, public[1]):
        assert "apier getekend op 30 november 2026" in page and "vastgelegd op" in page
        assert "2026-11-30" not in page
    assert "U bent aangemeld" not in paper
    assert "precies dit bestand" in public[0] and "precies dit bestand." not in unseen
    assert "op papier akkoord" in unseen and "niet vastgelegd" in unseen and "banner--good" not in unseen
    assert "Rik Jansen, 30 november 2026" in office


async def test_the_proof_of_what_was_replaced_says_both(cast: Cast, browser: Callable) -> None:
    made = await filed(cast)
    newer = await approving.draft(cast, kind=made.request.kind, book_year=2026, period="k1")
    await approving.plan(cast.bakkerij, approving.step(await approving.person(cast.bakkerij, "Eva")))
    await replace_by(await made.again(), newer, by=cast.anna)

    async with browser(cast.anna) as anna:
        page = (await anna.get(f"/approvals/{made.request.id}/proof")).text
    async with browser(cast.vic) as vic:
        public = (await vic.get(f"{CHECK}?sha256={papers.sha(made.contents[0])}")).text

    assert cast.rik.user.full_name in page and "daarna vervangen, op" in page and "nog geen akkoord" not in page
    assert cast.rik.user.full_name in public and "Vervangen op" in public and "daarna vervangen" in public


# the public page


async def test_who_has_the_file_learns_by_whom_and_when(cast: Cast, browser: Callable) -> None:
    made = await filed(cast)
    act = (await engine.raw("SELECT at FROM approval_record WHERE act = 'approved'"))[0]

    async with browser(cast.vic) as vic:
        page = await vic.get(f"{CHECK}?sha256={papers.sha(made.contents[0])}")

    assert page.status_code == 200
    assert "Er is akkoord gegeven op precies dit bestand." in page.text
    assert cast.rik.user.full_name in page.text
    assert f"{act['at'].astimezone(dt.timezone(dt.timedelta(hours=1))):%d-%m-%Y %H:%M}" in page.text
    assert '<meta name="robots" content="noindex">' in page.text
    assert "Bakkerij Jansen" not in page.text


async def test_the_certificate_itself_is_known(cast: Cast, browser: Callable) -> None:
    made = await filed(cast)

    async with browser(cast.vic) as vic:
        page = await vic.get(f"{CHECK}?sha256={papers.sha(await certificate_of(made.request)).upper()}")

    assert "Dit is een akkoordverklaring die hier is verzegeld" in page.text


async def test_what_is_not_approved_is_as_unknown_as_what_never_was_here(cast: Cast, browser: Callable) -> None:
    waiting = await papers.offered(cast)
    async with browser(cast.vic) as vic:
        pages = [
            (await vic.get(f"{CHECK}?sha256={sha256}")).text.replace(sha256, "")
            for sha256 in (papers.sha(waiting.contents[0]), "0" * 64)
        ]

    assert "Van precies dit bestand is hier geen akkoord bekend." in pages[0]
    assert pages[0] == pages[1]


async def test_what_was_replaced_afterwards_is_told_as_such(cast: Cast, browser: Callable) -> None:
    made = await filed(cast)
    async with engine.writing():
        await save(await made.again(), state="replaced", ended_at=utcnow())

    async with browser(cast.vic) as vic:
        page = await vic.get(f"{CHECK}?sha256={papers.sha(made.contents[0])}")

    assert "daarna vervangen. Het akkoord geldt niet meer." in page.text


async def test_the_office_may_show_initials_alone(cast: Cast, browser: Callable) -> None:
    made = await filed(cast)
    async with engine.writing():
        await (await Firm.load()).change(check_names="initials", by=cast.anna)

    async with browser(cast.vic) as vic:
        page = await vic.get(f"{CHECK}?sha256={papers.sha(made.contents[0])}")

    assert cast.rik.user.full_name not in page.text
    assert f"<strong>{cast.rik.user.full_name[0]}. " in page.text


async def test_bytes_that_many_have_tell_of_nobody(cast: Cast, browser: Callable) -> None:
    """General terms as an attachment, and the same letter approved at two clients."""
    here = await papers.approved(cast, "brief aan allen")
    there = await papers.approved(cast, "brief aan allen", client=cast.beheer)
    assert here.contents[0] == there.contents[0]

    async with browser(cast.vic) as vic:
        both = await vic.get(f"{CHECK}?sha256={papers.sha(here.contents[0])}")
        attachment = await vic.get(f"{CHECK}?sha256={papers.sha(here.contents[1])}")

    assert "Er is akkoord gegeven op precies dit bestand." in both.text
    assert "Meer dan één cliënt" in both.text
    assert cast.rik.user.full_name not in both.text
    assert "geen akkoord bekend" in attachment.text


@pytest.mark.parametrize(
    ("typed", "said"), [("abc", "Dit is geen SHA-256"), ("", "Bestand nakijken"), ("zz" * 32, "Dit is geen SHA-256")]
)
async def test_nonsense_comes_back_with_the_reason(cast: Cast, browser: Callable, typed: str, said: str) -> None:
    async with browser(cast.vic) as vic:
        page = await vic.get(CHECK, params={"sha256": typed})

    assert said in page.text
    assert f'value="{typed}"' in page.text


async def test_a_hash_is_taken_as_programs_write_it(cast: Cast, browser: Callable) -> None:
    made = await filed(cast)
    sha256 = papers.sha(made.contents[0])
    written = [" ".join(sha256[at : at + 2] for at in range(0, 64, 2)), f"{sha256}  aangifte.pdf", sha256.upper()]

    async with browser(cast.vic) as vic:
        for typed in written:
            assert "precies dit bestand" in (await vic.get(CHECK, params={"sha256": typed})).text


async def test_asking_too_often_is_slowed(cast: Cast, browser: Callable) -> None:
    async with browser(cast.vic) as vic:
        for _ in range(60):
            assert (await vic.get(f"{CHECK}?sha256={'1' * 64}")).status_code == 200
        assert (await vic.get(f"{CHECK}?sha256={'1' * 64}")).status_code != 200
    async with browser(cast.vic, "198.51.100.9") as elsewhere:
        assert (await elsewhere.get(f"{CHECK}?sha256={'1' * 64}")).status_code == 200


# the certificate of the office


def bundle(
    password: str = "geheim", *, days: int = 365, since: int = 1, usage: object = ExtendedKeyUsageOID.EMAIL_PROTECTION, signs: bool = True, key: object = None, ca: bool = False,
) -> bytes:  # fmt: skip
    """A PKCS #12 file as a trust service gives it."""
    mine = key or ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Zegel van Kantoor De Vries")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Vertrouwensdienst")]))
        .public_key(mine.public_key()).serial_number(77)  # type: ignore[attr-defined]
        .not_valid_before(now - dt.timedelta(days=since)).not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.KeyUsage(signs, signs, not signs, False, False, False, False, False, False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)  # type: ignore[list-item]
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .sign(mine, None if isinstance(mine, ed25519.Ed25519PrivateKey) else hashes.SHA256())  # type: ignore[arg-type]
    )  # fmt: skip
    return pkcs12.serialize_key_and_certificates(b"zegel", mine, made, None, BestAvailableEncryption(password.encode()))  # type: ignore[arg-type]


async def upload(browser: Callable, viewer: object, content: bytes, password: str = "geheim") -> object:
    async with browser(viewer) as there:
        return await there.post(
            SETTINGS, data={"password": password}, files={"file": ("zegel.p12", content, "application/x-pkcs12")}
        )


async def test_another_certificate_seals_from_then_on_and_the_old_one_is_kept(cast: Cast, browser: Callable) -> None:
    before = await filed(cast)
    content = bundle()

    reply = await upload(browser, cast.anna, content)

    assert reply.status_code == 303  # type: ignore[attr-defined]
    after = await papers.approved(cast, "later", name="later.pdf", period="k2")
    await completing.seal_due()
    looked, earlier = (
        await signing.look(await certificate_of(after.request)),
        await signing.look(await certificate_of(before.request)),
    )
    rows = await OfficeCertificate.objects().order_by(OfficeCertificate.id)
    assert [row.is_current for row in rows] == [False, True]
    assert looked is not None and looked.covers and looked.fingerprint == rows[1].fingerprint
    assert earlier is not None and earlier.covers and earlier.fingerprint == rows[0].fingerprint
    assert "BEGIN" not in rows[1].locked_key
    assert not await storage().exists(papers.sha(content))  # the file with the key is not kept
    async with browser(cast.anna) as anna:
        page = await anna.get(SETTINGS)
        assert "Zegel van Kantoor De Vries" in page.text
        assert rows[0].fingerprint in page.text
        assert (await anna.post(f"{SETTINGS}/own")).status_code == 303
    assert await office.present() is None


WRONG = {
    "wrong password": (lambda: bundle("anders"), "Dit wachtwoord past niet"),
    "no such file": (lambda: b"%PDF-1.4 geen certificaat", "Dit is geen PKCS#12-bestand"),
    "expired": (lambda: bundle(days=-1, since=400), "Dit certificaat is verlopen"),
    "not yet": (lambda: bundle(since=-5), "pas geldig vanaf"),
    "for websites": (lambda: bundle(usage=ExtendedKeyUsageOID.SERVER_AUTH), "niet bedoeld om documenten te ondertekenen"),
    "signs nothing": (lambda: bundle(signs=False), "niet bedoeld om documenten te ondertekenen"),
    "of an issuer": (lambda: bundle(ca=True), "certificaat van een uitgever (CA:TRUE)"),
    "another key": (lambda: bundle(key=ed25519.Ed25519PrivateKey.generate()), "Deze sleutel kan geen stukken verzegelen"),
}  # fmt: skip


@pytest.mark.parametrize("what", list(WRONG))
async def test_a_certificate_that_is_not_fit_is_refused_in_words(cast: Cast, browser: Callable, what: str) -> None:
    make, said = WRONG[what]

    reply = await upload(browser, cast.anna, make())

    assert reply.status_code == 422  # type: ignore[attr-defined]
    assert said in reply.text  # type: ignore[attr-defined]
    assert await OfficeCertificate.count() == 1


async def test_only_who_manages_settings_sees_or_replaces_it(cast: Cast, browser: Callable) -> None:
    for viewer in (cast.ed, cast.rik):
        assert (await upload(browser, viewer, bundle())).status_code == 404  # type: ignore[attr-defined]
        async with browser(viewer) as there:
            assert (await there.get(SETTINGS)).status_code == 404


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("ftp://tsa.example", "Vul een adres in"),
        ("https://naam:geheim@tsa.example", "Vul een adres in"),
        ("https://[", "Vul een adres in"),
    ],
)
async def test_a_wrong_address_of_an_authority_comes_back(cast: Cast, browser: Callable, typed: str, said: str) -> None:
    async with browser(cast.anna) as anna:
        reply = await anna.post(f"{SETTINGS}/sealing", data={"stamp_url": typed, "check_names": "names"})

    assert reply.status_code == 422
    assert said in reply.text
    assert typed in reply.text


async def test_a_certificate_whose_key_does_not_open_is_replaced_by_a_fresh_one(cast: Cast) -> None:
    """As after a restore under another SECRET_KEY."""
    await engine.raw("UPDATE office_certificate SET locked_key = 'onleesbaar'")
    made = await papers.approved(cast)

    assert await completing.seal_due() == 1

    assert await OfficeCertificate.count() == 2
    looked = await signing.look(await certificate_of(made.request))
    assert looked is not None and looked.covers


async def test_an_office_that_is_renamed_seals_under_its_new_name(cast: Cast) -> None:
    """As when the sample office made room for the real one."""
    await engine.raw("UPDATE firm SET name = 'Van Dijk Accountants'")
    await papers.approved(cast)

    assert await completing.seal_due() == 1

    now = await office.present()
    assert now is not None
    assert "Van Dijk Accountants" in now.subject
    assert await OfficeCertificate.count() == 2


async def test_who_may_see_the_trail_has_all_of_it_checked(cast: Cast, browser: Callable) -> None:
    async with browser(cast.anna) as anna:
        assert (await anna.get("/approvals/verification")).status_code == 200
        reply = await anna.post("/approvals/verification")
    assert reply.headers["location"].startswith("/tasks/")
    async with browser(cast.ed) as ed:
        assert (await ed.get("/approvals/verification")).status_code == 404


async def test_in_the_portal_only_who_may_see_approvals_finds_what_was_filed(cast: Cast, browser: Callable) -> None:
    await papers.approved(cast, name="Zeldzaam stuk.pdf")
    await completing.seal_due()
    sees = await approving.person(cast.bakkerij, "Mag")
    other = await approving.person(cast.bakkerij, "Zonder", int(Right.VIEW_DOSSIER))
    folder = (await engine.raw("SELECT folder FROM document WHERE of_approval LIMIT 1"))[0]["folder"]
    found = {}
    for name, viewer in (("sees", sees), ("other", other)):
        async with browser(viewer) as there:
            pages = [
                await there.get(path)
                for path in (
                    "/portal",
                    f"/portal/folders/{folder}",
                    "/portal/dossier",
                    "/portal/search?q=akkoordverklaring",
                )
            ]
            archive = await there.get(f"/folders/{folder}/zip")
            found[name] = "".join(page.text for page in pages if page.status_code == 200), archive.status_code
    assert "Akkoordverklaring" in found["sees"][0]
    assert found["sees"][1] == 200
    assert "Akkoordverklaring" not in found["other"][0]
    assert "Zeldzaam" in found["sees"][0]
    assert "Zeldzaam" not in found["other"][0]
    assert found["other"][1] != 200


# what waits for its seal, as the office reads it


async def test_an_administrator_reads_on_the_overview_what_waits_and_has_it_tried_again(
    cast: Cast, browser: Callable
) -> None:
    await engine.raw("UPDATE firm SET modules = 'dossiers,approvals'")
    made = await papers.approved(cast)
    path = stores.storage().plain.path_of(papers.sha(made.contents[0]))
    kept = path.read_bytes()
    path.write_bytes(b"kapot")
    await completing.seal_due()

    async with browser(cast.anna) as anna:
        overview = (await anna.get("/")).text
        assert (
            "1 accordering is compleet, maar kan niet worden verzegeld" in overview and "/approvals/seals" in overview
        )
        page = (await anna.get("/approvals/seals")).text
        assert f"/approvals/{made.request.id}/proof" in page and "De opslag heeft een stuk" in page
        path.write_bytes(kept)
        reply = await anna.post("/approvals/seals/tries")
        assert reply.status_code == 303 and reply.headers["location"].startswith("/tasks/")
        [errand] = await engine.raw("SELECT id FROM errand WHERE kind = 'run_task'")
        await long_work.run(errand["id"])
        assert "Er wacht niets meer" in (await anna.get(reply.headers["location"])).text
        assert "kan niet worden verzegeld" not in (await anna.get("/")).text
        assert "Er wacht niets" in (await anna.get("/approvals/seals")).text
    async with browser(cast.ed) as ed:
        assert (await ed.get("/approvals/seals")).status_code == 404
        assert (await ed.post("/approvals/seals/tries")).status_code in (403, 404)
        assert "seals-banner" not in (await ed.get("/")).text


async def test_the_settings_and_the_proof_say_which_profile_a_seal_has(cast: Cast, browser: Callable) -> None:
    made = await filed(cast)

    async with browser(cast.anna) as anna:
        page = (await anna.get(SETTINGS)).text
        assert "PAdES B-B: een handtekening zonder tijdstempel" in page and "PAdES B-B, " in page
        await engine.raw("UPDATE firm SET stamp_url = 'https://tsa.example/'")
        assert "PAdES B-T: met een tijdstempel" in (await anna.get(SETTINGS)).text
        await engine.raw("UPDATE approval_seal SET level = 'B-T', is_long = $1", True)
        await engine.raw("UPDATE office_certificate SET is_own = $1", False)
        page = (await anna.get(SETTINGS)).text
        assert "PAdES B-LT: met een tijdstempel" in page and "PAdES B-LT, " in page
        assert "Profiel: PAdES B-LT." in (await anna.get(f"/approvals/{made.request.id}/proof")).text
        for due, said in ((True, "volgt nog. Niemand zegt nu of"), (False, "Zonder bewijs dat het certificaat toen geldig was. Niemand")):  # fmt: skip
            await engine.raw("UPDATE approval_seal SET is_long = $1, proof_due = $2, trouble = $3", False, due, SILENT)
            for address in (SETTINGS, f"/approvals/{made.request.id}/proof"):
                page = (await anna.get(address)).text
                assert "PAdES B-T" in page and said in page, (address, due)
            waits = (await anna.get("/approvals/seals")).text
            assert ("Niemand zegt nu of" in waits and "Profiel: PAdES B-T." in waits) == due


async def test_the_settings_renew_a_certificate_of_our_own_and_keep_one_that_stands_in(
    cast: Cast, browser: Callable
) -> None:
    await engine.raw("UPDATE firm SET modules = 'dossiers,approvals'")
    before = await office.present()
    assert before is not None
    await engine.raw("UPDATE office_certificate SET valid_until = $1", utcnow() + dt.timedelta(days=20))

    async with browser(cast.anna) as anna:
        assert "U vernieuwt het met één knop" in (await anna.get(SETTINGS)).text
        assert (await anna.post(f"{SETTINGS}/renewal")).status_code == 303
        page = (await anna.get(SETTINGS)).text
        assert "U vernieuwt het" not in page and before.fingerprint in page  # among the earlier ones
        await engine.raw("UPDATE office_certificate SET stand_in = 'expired' WHERE is_current")
        assert "Zo laten" in (await anna.get(SETTINGS)).text
        await anna.post(f"{SETTINGS}/acceptance")
        assert "Zo laten" not in (await anna.get(SETTINGS)).text
        said = (await anna.get("/audit")).text
        assert "vernieuwde het eigen certificaat" in said
    async with browser(cast.ed) as ed:
        assert (await ed.post(f"{SETTINGS}/renewal")).status_code in (403, 404)
