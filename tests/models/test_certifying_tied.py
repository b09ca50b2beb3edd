"""The rows beside a record are tied to it: who changes a part, a choice or who approved contradicts what is chained, here and outside."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from models import config, engine
from models import storage as stores
from models.approvals import decide_one, expire_due, extend, offer, record, record_on_paper, swap_part, withdraw
from models.approvals.making import remove_part
from models.approvals.records import ApprovalRequest
from models.certifying import completing
from models.certifying.evidence import evidence_of
from models.certifying.evidence import read as read_evidence
from models.certifying.records import SealTrouble
from models.certifying.verifying import verify
from models.settings import this_day, utcnow
from models.storage import storage
from tests import certifying as papers
from tests.approving import (
    decision,
    draft,
    kind,
    look,
    main_parts,
    now,
    offered,
    part,
    person,
    plan,
    proof,
    says_no,
    says_yes,
    step,
)
from tests.cast import Cast
from tests.certifying import unguarded


@pytest.fixture
async def kept(cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Path]:
    monkeypatch.setenv("STORAGE_URL", f"file://{tmp_path}/files")
    config.reset()
    stores.reset()
    await papers.with_certificate()
    yield tmp_path
    monkeypatch.undo()
    config.reset()
    stores.reset()


async def stored(words: str) -> Any:
    content = papers.pdf(words)
    file = await storage().put(content)
    return part(f"{words}.pdf", sha256=file.sha256, size=file.size, pages=1)


async def filed(cast: Cast) -> ApprovalRequest:
    """Of two parts, of which one took the place of another, with two approvals; sealed and filed."""
    await engine.raw("UPDATE client SET is_sample = $2 WHERE id = $1", cast.bakkerij, False)
    eva, bob = await person(cast.bakkerij, "Eva"), await person(cast.bakkerij, "Bob")
    await plan(cast.bakkerij, step(eva), step(bob))
    request = await offered(cast, None, await stored("aangifte"), await stored("toelichting"))
    await says_yes(eva, request)
    await swap_part(await now(request), (await main_parts(request))[1].id, await stored("beter"), by=cast.anna)
    await says_yes(eva, request)
    await says_yes(bob, request)
    await completing.seal_due()
    return await now(request)


@pytest.mark.parametrize("how", ["two steps", "any of two, then one", "two of three"])
async def test_what_was_replaced_while_somebody_was_still_asked_is_sealed_all_the_same(
    cast: Cast, kept: Path, how: str
) -> None:
    """Who had not chosen yet stays asked, and no act says so anew."""
    await engine.raw("UPDATE client SET is_sample = $2 WHERE id = $1", cast.bakkerij, False)
    eva, bob, cor = [await person(cast.bakkerij, name) for name in ("Eva", "Bob", "Cor")]
    plans = {
        "two steps": (step(eva), step(cor)),
        "any of two, then one": (step(eva, bob, mode="any"), step(cor)),
        "two of three": (step(eva, bob, cor, mode="some", n=2),),
    }
    await plan(cast.bakkerij, *plans[how])
    request = await offered(cast, None, await stored("aangifte"))
    if how == "two of three":
        await says_yes(bob, request)
    await swap_part(await now(request), (await main_parts(request))[0].id, await stored("beter"), by=cast.anna)
    await says_yes(eva, request)
    await says_yes(cor, request)
    await completing.seal_due()

    assert ((await now(request)).state, (await verify(request.id)).broken) == ("filed", None)


OTHER = "f" * 64
CHANGED = {
    "a part and its choices": (
        f"UPDATE approval_document SET sha256 = '{OTHER}' WHERE request = $1 AND position = 0;"
        f"UPDATE approver_choice SET sha256 = '{OTHER}' WHERE document IN (SELECT id FROM approval_document WHERE request = $1 AND position = 0)",
        "ander bestand",
    ),
    "what a choice was": ("UPDATE approver_choice SET outcome = 'rejected' WHERE document IN (SELECT id FROM approval_document WHERE request = $1)", "wat koos"),
    "who approved": (
        "UPDATE approver SET person = (SELECT min(person) FROM approver WHERE request = $1) WHERE step = 2 AND request = $1",
        "wat koos",
    ),
    "what was agreed to": ("UPDATE approval_request SET statement = 'Ik vind alles goed' WHERE id = $1", "zin"),
    "one more": (
        "INSERT INTO approval_document (request, client, part, position, name, sha256, blob, size, mime) "
        f"SELECT id, client, 'attachment', 9, 'x.pdf', '{OTHER}', '', 1, 'application/pdf' FROM approval_request WHERE id = $1",
        "later bij gezet",
    ),
    "one less": ("DELETE FROM approval_document WHERE request = $1 AND position = 1", "weggehaald"),
    "its name": ("UPDATE approval_document SET name = 'anders.pdf' WHERE request = $1 AND position = 1", "heet in het bewijs anders"),
    "a part that becomes a scan": ("UPDATE approval_document SET is_scan = true WHERE request = $1 AND position = 1", "later bij gezet"),
    "a scan of what was not on paper": (
        "INSERT INTO approval_document (request, client, part, position, name, sha256, blob, size, mime, is_scan) "
        f"SELECT id, client, 'attachment', 9, 'x.pdf', '{OTHER}', '', 1, 'application/pdf', true FROM approval_request WHERE id = $1",
        "later bij gezet",
    ),
    "a choice taken away": ("DELETE FROM approver_choice WHERE document IN (SELECT max(id) FROM approval_document WHERE request = $1)", "wat koos"),
    "who did it": ("UPDATE approver SET decided_by = (SELECT min(decided_by) FROM approver WHERE request = $1) WHERE step = 2 AND request = $1", "besliste"),
    "by what it was proved": ("UPDATE approver SET level = 'passkey', method = 'passkey sleutel' WHERE request = $1 AND step = 1", "besliste"),
    "when": ("UPDATE approver SET decided_at = '2020-01-01 00:00:00+00:00' WHERE request = $1 AND step = 1", "besliste"),
    "one who approved no more": ("UPDATE approver SET state = 'void' WHERE request = $1 AND step = 1", "besliste"),
    "one who is asked late": (
        "INSERT INTO approver (request, client, person, step, state) SELECT id, client, made_by, 2, 'asked' FROM approval_request WHERE id = $1",
        "akkoord moet geven",
    ),
    "the amount": ("UPDATE approval_request SET amount = 1 WHERE id = $1", "is gevraagd"),
    "the kind": ("UPDATE approval_request SET kind = (SELECT max(id) FROM approval_kind) WHERE id = $1", "is gevraagd"),
    "the period": ("UPDATE approval_request SET book_year = 2019 WHERE id = $1", "is gevraagd"),
    "the client": ("UPDATE approval_request SET client = (SELECT max(id) FROM client) WHERE id = $1", "is gevraagd"),
    "when it was complete": ("UPDATE approval_request SET completed_at = '2020-01-01 00:00:00+00:00' WHERE id = $1", "is gevraagd"),
    "whose a line is": ("UPDATE approval_record SET client = (SELECT max(id) FROM client) WHERE request = $1 AND number = 3", "andere cliënt"),
    "what became of it": ("UPDATE approval_request SET state = 'replaced' WHERE id = $1", "ervoor staat"),
    "its seal taken away": ("DELETE FROM approval_seal WHERE request = $1", "akkoordverklaringen"),
    "how far its seal goes": ("UPDATE approval_seal SET chain_number = 0 WHERE request = $1", "akkoordverklaringen"),
}  # fmt: skip


@pytest.mark.parametrize("what", list(CHANGED))
async def test_rows_that_contradict_the_record_are_found(cast: Cast, kept: Path, what: str) -> None:
    request = await filed(cast)
    assert (await record.verify(request.id)).holds
    assert (await record.verify_all()).holds
    await unguarded()

    sql, said = CHANGED[what]
    for statement in sql.split(";"):
        await engine.raw(statement, request.id)

    for verdict in (await record.verify(request.id), await record.verify_all()):
        assert not verdict.holds
        assert said in str(verdict.broken)


async def test_who_calls_approved_what_nobody_approved_gets_no_seal_and_is_found(cast: Cast, kept: Path) -> None:
    await engine.raw("UPDATE client SET is_sample = $2 WHERE id = $1", cast.bakkerij, False)
    eva, bob = await person(cast.bakkerij, "Eva"), await person(cast.bakkerij, "Bob")
    await plan(cast.bakkerij, step(eva), step(bob))
    nobody, half = await offered(cast, None, await stored("niemand")), await offered(cast, None, await stored("half"))
    await says_yes(eva, half)
    await unguarded()

    for request in (nobody, half):
        await engine.raw(
            "UPDATE approval_request SET state = 'approved', completed_at = offered_at WHERE id = $1", request.id
        )

    assert await completing.seal_due() == 0
    assert {row["request"] for row in await engine.raw("SELECT request FROM approval_seal_trouble")} == {
        nobody.id,
        half.id,
    }
    assert all("staat dat akkoord niet" in str(one.said) for one in await SealTrouble.objects())
    for verdict in (await record.verify(nobody.id), await record.verify(half.id), await record.verify_all()):
        assert not verdict.holds
        assert "staat dat akkoord niet" in str(verdict.broken)


async def test_what_was_never_recorded_is_not_whole(cast: Cast) -> None:
    bare = ApprovalRequest(client=cast.bakkerij, kind=(await kind()).id, made_at=utcnow())
    await bare.save()
    assert (await record.verify_all()).holds

    await engine.raw("UPDATE approval_request SET state = 'offered' WHERE id = $1", bare.id)

    assert "ervoor staat" in str((await record.verify_all()).broken)


async def test_every_end_that_the_office_knows_is_what_its_record_says(cast: Cast, kept: Path) -> None:
    """Half approved and replaced after sealing, refused, withdrawn, expired and extended, on paper, sent back, by mandate."""
    eva, bob, piet = [await person(cast.bakkerij, name) for name in ("Eva", "Bob", "Piet")]
    await plan(cast.bakkerij, step(eva, bob, mode="any"), step(eva, bob, piet, mode="some", n=2))
    done = await offered(cast, None, await stored("eerst"))
    await says_yes(eva, done)
    await says_yes(piet, done)
    assert (await record.verify_all()).holds
    await swap_part(await now(done), (await main_parts(done))[0].id, await stored("dan"), by=cast.anna)
    assert (await record.verify_all()).holds
    await says_yes(bob, done)
    await says_yes(piet, done)
    await says_yes(bob, done)
    assert await completing.seal_due() == 1
    assert (await record.verify_all()).holds
    newer = await draft(cast, replaces=done.id, beside=False)
    await offer(newer, by=cast.anna)
    assert [(await now(one)).state for one in (done, newer)] == ["replaced", "offered"]
    await says_no(eva, newer)
    await withdraw(await now(newer), "Komt anders", by=cast.anna)
    late = await offered(
        cast, None, await stored("laat"), legal_due=this_day() - dt.timedelta(days=70), internal_due=None
    )
    await says_yes(bob, late)
    assert await expire_due(this_day() + dt.timedelta(days=70)) == 1
    assert (await record.verify_all()).holds
    await extend(await now(late), None, this_day() + dt.timedelta(days=9), by=cast.anna)
    await record_on_paper(await now(late), [await stored("scan")], "Bob", this_day(), by=cast.anna)
    await completing.seal_due()
    assert (await now(late)).state == "filed"

    verdict = await record.verify_all()

    assert verdict.holds, str(verdict.broken)


async def test_what_is_done_to_a_draft_is_no_contradiction(cast: Cast) -> None:
    request = await draft(cast, None, part("a.pdf"), part("b.pdf"))
    first, second = await main_parts(request)
    await swap_part(request, first.id, part("c.pdf"), by=cast.anna)
    await remove_part(await now(request), first.id, by=cast.anna)
    await swap_part(await now(request), second.id, part("d.pdf"), by=cast.anna)
    assert (await record.verify_all()).holds
    eva = await person(cast.bakkerij, "Eva")
    await plan(cast.bakkerij, step(eva))
    await offer(await now(request), by=cast.anna)
    await swap_part(await now(request), second.id, part("e.pdf"), by=cast.anna)
    await says_no(eva, request)
    assert (await record.verify_all()).holds


async def test_a_record_that_was_changed_is_not_sealed(cast: Cast, kept: Path) -> None:
    made = await papers.approved(cast)
    await unguarded()
    await engine.raw("UPDATE approval_record SET name = 'Iemand anders' WHERE request = $1 AND act = 'approved'", made.request.id)  # fmt: skip

    assert await completing.seal_due() == 0

    trouble = await SealTrouble.objects().first()
    assert trouble is not None and "is gewijzigd" in str(trouble.said)
    assert await completing.newest(made.request.id) is None


# outside, by the script that goes with the file of proof


async def unpacked(request: ApprovalRequest, where: Path) -> Path:
    async with engine.reading():
        _, entries = evidence_of(await read_evidence(request.id))
    for entry in entries:
        path = where / entry.path
        path.parent.mkdir(parents=True, exist_ok=True)
        if entry.sha256:
            path.write_bytes(await storage().read(entry.sha256))
        else:
            path.write_text(entry.text, encoding="utf-8")
    return where


def checked(where: Path) -> tuple[int, str]:
    sums = (where / "SHA256SUMS").read_text().splitlines()
    names = [line.split("  ", 1)[1] for line in sums]
    made = [f"{hashlib.sha256((where / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (where / "SHA256SUMS").write_text("".join(made))  # whoever forges one thing makes its sums anew
    done = subprocess.run([sys.executable, "-I", where / "controleer.py"], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def _file(where: Path, proof: dict[str, Any]) -> None:
    one = proof["documents"][0]
    (where / one["path"]).write_bytes(b"een heel andere aangifte")
    was, one["sha256"], one["size"] = one["sha256"], papers.sha(b"een heel andere aangifte"), 24
    for choice in proof["choices"]:
        choice["sha256"] = one["sha256"] if choice["sha256"] == was else choice["sha256"]


def _choice(where: Path, proof: dict[str, Any]) -> None:
    proof["choices"][0]["person"] += 1


def _record(where: Path, proof: dict[str, Any]) -> None:
    previous = "0" * 64
    for act in proof["record"]:
        act["name"] = "Iemand Anders" if act["act"] == "approved" else act["name"]
        act["previous"] = previous
        text = json.dumps([act[name] for name in proof["fields"]], ensure_ascii=False, separators=(",", ":"))
        act["link"] = previous = papers.sha(text.encode())
    links = {act["number"]: act["link"] for act in proof["record"]}
    for one in proof["certificates"]:
        content = (where / one["path"]).read_bytes()
        found = re.search(rb"poort-keten (\d+) ([0-9a-f]{64})", content)
        assert found is not None
        content = content.replace(found[2], links[int(found[1])].encode())
        (where / one["path"]).write_bytes(content)
        one["sha256"] = papers.sha(content)


def _record_and_hash(where: Path, proof: dict[str, Any]) -> None:
    """As _record, and the hash that is signed is put right as well; only the signature itself cannot be."""
    before = {one["path"]: _hashed((where / one["path"]).read_bytes()) for one in proof["certificates"]}
    _record(where, proof)
    for one in proof["certificates"]:
        content = (where / one["path"]).read_bytes()
        content = re.sub(b"(?i)" + before[one["path"]].hex().encode(), _hashed(content).hex().encode(), content)
        (where / one["path"]).write_bytes(content)
        one["sha256"] = papers.sha(content)


def _hashed(content: bytes) -> bytes:
    found = re.search(rb"/ByteRange\s*\[(\d+) (\d+) (\d+) (\d+)\s*\]", content)
    assert found is not None
    start, length, later, rest = map(int, found.groups())
    return hashlib.sha256(content[start : start + length] + content[later : later + rest]).digest()


FORGED: dict[str, tuple[Callable[[Path, dict[str, Any]], None], str]] = {
    "a file": (_file, "not what the chain says"),
    "a choice": (_choice, "not as the chain has it"),
    "a record": (_record, "SEAL DOES NOT HOLD"),
    "a record and the hash in its seal": (_record_and_hash, "SEAL DOES NOT HOLD"),
}


@pytest.mark.parametrize("what", list(FORGED))
async def test_what_is_forged_in_a_file_of_proof_is_found_without_us(
    cast: Cast, kept: Path, tmp_path: Path, what: str
) -> None:
    where = await unpacked(await filed(cast), tmp_path / "bewijs")
    code, said = checked(where)
    assert code == 0, said
    assert "seal intact" in said and "fingerprint" in said

    proof = json.loads((where / "bewijs.json").read_text(encoding="utf-8"))
    forge, words = FORGED[what]
    forge(where, proof)
    (where / "bewijs.json").write_text(json.dumps(proof), encoding="utf-8")

    code, said = checked(where)
    assert code == 1
    assert words in said and "GOOD" not in said, said


async def test_the_file_of_proof_tells_what_became_of_it_and_never_calls_a_refusal_good(
    cast: Cast, kept: Path, tmp_path: Path
) -> None:
    """Refused in one of two parts; approved, sealed and then replaced; withdrawn when half had approved; a part replaced."""
    eva, bob = await person(cast.bakkerij, "Eva"), await person(cast.bakkerij, "Bob")
    await plan(cast.bakkerij, step(eva), step(bob))

    async def told(request: ApprovalRequest) -> str:
        code, said = checked(await unpacked(request, tmp_path / str(request.id)))
        assert code == 0, said
        return said

    refused = await offered(cast, None, await stored("een"), await stored("twee"))
    await says_yes(eva, refused)
    await look(bob, refused)
    half = await decision(refused, refuse=[(await main_parts(refused))[1].id], reason="Dit klopt niet")
    await decide_one(bob.scope(ApprovalRequest), half, proof(), by=bob)
    said = await told(refused)
    assert "GOED" not in said and "GEWEIGERD, GEEN AKKOORD / PROOF INTACT, BUT REFUSED" in said
    assert "Bob Test, Accordeur: NIET AKKOORD / REFUSED (pin), twee.pdf: Dit klopt niet" in said
    assert said.count("DOES NOT COUNT") == 3 and said.count("NO APPROVAL") == 1

    done = await offered(cast, None, await stored("drie"))
    await says_yes(eva, done)
    await says_yes(bob, done)
    await completing.seal_due()
    said = await told(done)
    assert "GOED, AKKOORD / GOOD, APPROVED:" in said and "VOID" not in said
    newer = await draft(cast, None, await stored("vier"), replaces=done.id, beside=False)
    await offer(newer, by=cast.anna)
    said = await told(done)
    assert "GOED" not in said and "REPLACED, APPROVALS GIVEN ARE VOID" in said and "seal intact" in said
    assert said.count("VERVALLEN / VOID") == 2 and f"vervangen / replaced: {newer.id}" in said

    await says_yes(eva, newer)
    await swap_part(await now(newer), (await main_parts(newer))[0].id, await stored("vijf"), by=cast.anna)
    await says_yes(eva, newer)
    said = await told(newer)
    assert "NOT COMPLETE YET, NO APPROVAL" in said and said.count(" - VERVALLEN / VOID") == 1
    await withdraw(await now(newer), "Komt anders", by=cast.anna)
    said = await told(newer)
    assert "WITHDRAWN, NO APPROVAL" in said and "ingetrokken / withdrawn: Komt anders" in said and "GOED" not in said
    text = (tmp_path / str(newer.id) / "HOW-TO-VERIFY.txt").read_text()
    assert "what became of it" in text and "VOID" in text


async def test_what_somebody_typed_writes_no_line_of_its_own_in_the_outcome(cast: Cast, kept: Path) -> None:
    """A reason that clears the screen and says that all is well stays a reason."""
    eva = await person(cast.bakkerij, "Eva")
    await plan(cast.bakkerij, step(eva))
    request = await offered(cast, None, await stored("aangifte"))
    await says_no(eva, request, "Fout\n\x1b[2J\x1b[HGOED, AKKOORD / GOOD, APPROVED: 7 handelingen")

    _, said = checked(await unpacked(request, kept / "bewijs"))

    assert not [line for line in said.splitlines() if line.startswith("GOED, AKKOORD")]
    assert "\x1b" not in said and "Fout / ?[2J?[HGOED, AKKOORD" in said


async def test_a_file_of_proof_that_calls_approved_what_the_chain_refused_is_wrong(
    cast: Cast, kept: Path, tmp_path: Path
) -> None:
    eva = await person(cast.bakkerij, "Eva")
    await plan(cast.bakkerij, step(eva))
    refused = await offered(cast, None, await stored("een"))
    await says_no(eva, refused)
    where = await unpacked(refused, tmp_path / "bewijs")
    proof_ = json.loads((where / "bewijs.json").read_text(encoding="utf-8"))
    proof_["request"]["state"] = "filed"
    (where / "bewijs.json").write_text(json.dumps(proof_), encoding="utf-8")

    code, said = checked(where)

    assert code == 1 and "does not lead to: filed" in said
