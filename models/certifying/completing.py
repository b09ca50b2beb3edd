"""Sealing and filing what is complete, exactly once: the state of the request is the queue, and one unit does all that counts.

A worker makes the PDF outside any unit (drawing, signing, the time-stamp authority, the storage) and then, in one unit, writes the
seal, the record of proof, the documents in the dossier and the state `filed`. Killed before that, nothing happened but bytes that
nobody refers to, which the sweeper removes; after it, all has. Two workers at once: the second finds it done and keeps nothing.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import json
import logging
from collections.abc import Awaitable
from typing import Any

from models import engine
from models.approvals import events, record
from models.approvals.records import ApprovalRequest
from models.audit import Trail
from models.certifying import filing, office
from models.certifying.facts import Facts, facts_of
from models.certifying.office import Means
from models.certifying.records import ApprovalSeal, SealTrouble
from models.core import Refused, Say, save
from models.dossiers import NewDocument
from models.live import touch
from models.settings import Firm, utcnow
from models.storage import Damaged, Missing, StorageDown, StorageFull, storage

log = logging.getLogger("poort.certifying")

PDF = "application/pdf"
AT_ONCE = 100  # requests in one round
_AGAIN = (dt.timedelta(minutes=1), dt.timedelta(minutes=10), dt.timedelta(hours=1), dt.timedelta(hours=6))
_STAMP_AGAIN = dt.timedelta(minutes=15)
_PROOF_AGAIN, _PROOF_FOR = dt.timedelta(days=1), dt.timedelta(days=30)  # at most so seldom; for so long
_FAILED = 3
_DUE = """SELECT r.id FROM approval_request r LEFT JOIN approval_seal_trouble t ON t.request = r.id
WHERE r.state IN ('approved', 'on_paper') AND (t.next_at IS NULL OR t.next_at <= $1) ORDER BY r.completed_at, r.id LIMIT $2"""


async def seal_due(now: dt.datetime | None = None) -> int:
    """What is complete and not sealed yet; how many were sealed. For the worker, every few seconds: safe from two at once."""
    rows = await engine.raw(_DUE, now or utcnow(), AT_ONCE)
    return sum([await try_to_seal(row["id"]) for row in rows])


async def is_due() -> bool:
    return bool(await engine.raw(_DUE, utcnow(), 1))


async def try_to_seal(request_id: int) -> bool:
    """One request; what goes wrong is kept with when it is tried again, and others are not held up by it."""
    return await _trying(request_id, seal(request_id))


async def _trying(request_id: int, work: Awaitable[bool]) -> bool:
    try:
        return await work
    except Refused as refused:
        why = refused.why
    except (Missing, Damaged):
        why = Say("De opslag heeft een stuk van deze accordering niet meer, of niet meer zoals het was.")
    except (StorageDown, StorageFull):
        why = Say("De opslag werkt nu niet.")
    except Exception as error:
        log.exception("a request could not be sealed: %s", type(error).__name__)
        why = Say("Er ging onverwacht iets mis. Laat de beheerder het logboek van de worker bekijken.")
    await engine.run_writing(lambda: _note_trouble(request_id, why))
    return False


async def seal(request_id: int) -> bool:
    """Outside every unit. Whether this call did it. Raises Refused, or what the storage raises."""
    async with engine.reading():
        facts = await facts_of(request_id)
    if facts.request["state"] not in ("approved", "on_paper"):
        return False
    for part in facts.parts:
        await _require_bytes(part)
    made = await make(facts, again=False)
    return await engine.run_writing(lambda: _complete(facts, made))


async def make(facts: Facts, *, again: bool) -> tuple[Means, NewDocument, Any]:
    """Outside every unit: the sealed PDF of these facts, in the storage; under which certificate, and how it was sealed."""
    from models.certifying import paper, signing, verifying

    if why := await verifying.broken_in(facts):
        raise Refused("", why)
    means, firm = await office.means(), await Firm.load()
    pdf = await asyncio.to_thread(paper.draw, facts, fingerprint=means.record.fingerprint, again=again)
    name = filing.certificate_name(facts.request)
    sealed = await signing.seal(pdf, means, reason=name.removesuffix(".pdf"), place=facts.place, name=facts.office, stamp_url=firm.stamp_url)  # fmt: skip
    stored = await storage().put(sealed.content)
    return means, NewDocument(name, stored.sha256, stored.size, PDF), sealed


async def _require_bytes(part: dict[str, Any]) -> None:
    """What was approved must still be there, byte for byte, before the office puts its seal on that."""
    hashed = hashlib.sha256()
    async for chunk in storage().open(part["sha256"]):
        await asyncio.to_thread(hashed.update, chunk)
    if hashed.hexdigest() != part["sha256"]:
        raise Missing(part["sha256"])


async def _complete(facts: Facts, made: tuple[Means, NewDocument, Any]) -> bool:
    request = await ApprovalRequest.objects().where(ApprovalRequest.id == facts.request["id"]).first()
    if request is None or request.state not in ("approved", "on_paper") or request.version != facts.request["version"]:
        return False
    if await ApprovalSeal.exists().where(ApprovalSeal.request == request.id):
        return False
    folder = await filing.folder_for(facts.request)
    fresh = [part for part in facts.parts if not await _lies(part["document"])]
    files = [NewDocument(part["name"], part["sha256"], part["size"], part["mime"]) for part in fresh]
    *originals, certificate = await filing.file_in(folder, facts.request, [*files, made[1]])
    for part, document in zip(fresh, originals, strict=True):
        await engine.raw("UPDATE approval_document SET document = $2 WHERE id = $1", part["id"], document)
    now = utcnow()
    await _keep(request, facts, made, 1, "complete", certificate, now)
    await _forget_trouble(request.id)
    await record.note(request, "filed", folder=folder.name, documents=len(originals) + 1)
    await save(request, state="filed", filed_at=now)
    names = [*(part["name"] for part in fresh), made[1].name]
    await Trail.write(
        "ApprovalRequest.file", request, detail={"name": folder.name, "names": names[:20], "count": len(names)}
    )
    await events.happened(request, "filed")
    return True


async def _lies(document: int | None) -> bool:
    """Whether a part lies in the dossier already, because it was offered from there."""
    if document is None:
        return False
    return bool(await engine.raw("SELECT 1 AS one FROM document WHERE id = $1 AND trashed_at IS NULL", document))


async def _keep(
    request: ApprovalRequest, facts: Facts, made: tuple[Means, NewDocument, Any], number: int, why: str, document: int | None, now: dt.datetime
) -> None:  # fmt: skip
    means, file, sealed = made
    chain_number, chain_link = facts.head
    due = {"stamp_after": now + _STAMP_AGAIN} if sealed.trouble else _proof_due(sealed, now, now)
    await ApprovalSeal(
        request=request.id, client=request.client, number=number, why=why, digest=file.sha256, sha256=file.sha256, size=file.size,
        chain_number=chain_number, chain_link=chain_link, certificate=means.record.id, level=sealed.level, is_long=sealed.is_long, stamp_due=bool(sealed.trouble),
        trouble=(sealed.trouble or sealed.not_long)[:300], document=document, at=now, **due,
    ).save()  # fmt: skip
    if sealed.trouble or sealed.not_long:
        await touch("seals")
    told: dict[str, Any] = {"reason": why} if number > 1 else {}
    await record.note(
        request, "sealed" if number == 1 else "resealed", certificate=file.sha256, fingerprint=means.record.fingerprint,
        pades="B-LT" if sealed.is_long else sealed.level, up_to=chain_number, **told,
    )  # fmt: skip


async def _note_trouble(request_id: int, why: Say) -> None:
    request = await ApprovalRequest.objects().where(ApprovalRequest.id == request_id).first()
    if request is None:
        return
    there = await SealTrouble.objects().where(SealTrouble.request == request_id).first()
    tries = there.tries + 1 if there else 1
    values: dict[str, Any] = {
        "tries": tries, "why": json.dumps(why.as_json(), ensure_ascii=False),
        "next_at": utcnow() + _AGAIN[min(tries, len(_AGAIN)) - 1],
    }  # fmt: skip
    if there:
        await save(there, **values)
    else:
        await SealTrouble(request=request_id, client=request.client, since=utcnow(), **values).save()
    await touch("seals", "approvals", f"approval-{request_id}")


async def _forget_trouble(request_id: int) -> None:
    if await engine.raw("DELETE FROM approval_seal_trouble WHERE request = $1 RETURNING id", request_id):
        await touch("seals")


async def hurry() -> None:
    """In a unit: what waits for its next try is tried at the next round."""
    now = utcnow()
    await engine.raw("UPDATE approval_seal_trouble SET next_at = $1 WHERE next_at > $1", now)
    await engine.raw(
        "UPDATE approval_seal SET stamp_after = $1 WHERE (stamp_due OR proof_due) AND stamp_after > $1", now
    )


# mending


_LATEST = "s.number = (SELECT max(n.number) FROM approval_seal n WHERE n.request = s.request)"
# A filed request without any seal, or whose newest one is known to be damaged or gone (see keeping.rehashing). What was destroyed
# from the dossier (neither bytes nor document) is not made anew.
_UNSEALED = f"""SELECT r.id FROM approval_request r WHERE r.state = 'filed' AND NOT EXISTS (SELECT 1 FROM approval_seal s WHERE s.request = r.id)
UNION SELECT s.request FROM approval_seal s JOIN approval_request r ON r.id = s.request
WHERE r.state = 'filed' AND {_LATEST} AND (s.document IS NOT NULL OR s.sha256 <> '') AND (s.sha256 = '' OR s.sha256 IN (SELECT c.hash FROM file_check c WHERE c.state IN ('broken', 'missing')))"""
_TO_MEND = f"""SELECT u.id FROM ({_UNSEALED}) u LEFT JOIN approval_seal_trouble t ON t.request = u.id
WHERE t.next_at IS NULL OR t.next_at <= $1 ORDER BY u.id LIMIT {AT_ONCE}"""
# Nothing is left to be done: put back by hand, withdrawn, or mended by another.
_SETTLED = f"""DELETE FROM approval_seal_trouble WHERE request NOT IN (SELECT r.id FROM approval_request r WHERE r.state IN ('approved', 'on_paper'))
AND request NOT IN ({_UNSEALED}) RETURNING id"""
# What misses its time-stamp, where there is an authority, and what misses its proof, which needs none of it.
_TO_STAMP = f"SELECT s.id, s.stamp_after FROM approval_seal s WHERE s.stamp_due AND s.stamp_after <= $1 AND {_LATEST}"
_TO_PROVE = f"SELECT s.id, s.stamp_after FROM approval_seal s WHERE s.proof_due AND s.stamp_after <= $1 AND {_LATEST}"


async def mend_all(now: dt.datetime | None = None) -> int:
    """Seal anew what should be sealed and is not, and add the time-stamps and proofs that could not be had; how many."""
    done, now = 0, now or utcnow()
    for row in await engine.raw(_TO_MEND, now):
        done += await _trying(row["id"], mend(row["id"]))
    if await engine.raw("SELECT 1 AS one FROM approval_seal_trouble LIMIT 1"):
        await engine.run_writing(_forget_settled)
    return done + await _add_all(now)


async def _add_all(now: dt.datetime) -> int:
    """What seals miss, the longest due first; who fails some times in a row is left alone until the next round."""
    firm = await Firm.load()
    misses = f"{_TO_STAMP} UNION ALL {_TO_PROVE}" if firm.stamp_url else _TO_PROVE
    done = failed = 0
    for row in await engine.raw(f"{misses} ORDER BY 2, 1 LIMIT {AT_ONCE}", now):
        try:
            added = await add_behind(row["id"], firm.stamp_url)
        except Exception as error:
            log.exception("what a seal misses could not be added: %s", type(error).__name__)
            continue
        done, failed = done + added, 0 if added else failed + 1
        if failed == _FAILED:
            break
    return done


async def _forget_settled() -> None:
    if await engine.raw(_SETTLED):
        await touch("seals")


async def mend(request_id: int) -> bool:
    """Outside every unit: the certificate of a filed request made anew where its bytes are damaged or gone. Whether it was."""
    last = await newest(request_id)
    if last is not None and (await is_whole(last.sha256) if last.sha256 else last.document is None):
        return False
    async with engine.reading():
        facts = await facts_of(request_id)
    made = await make(facts, again=True)
    return await engine.run_writing(lambda: _mend(facts, made, last))


async def newest(request_id: int) -> ApprovalSeal | None:
    found = ApprovalSeal.objects().where(ApprovalSeal.request == request_id)
    return await found.order_by(ApprovalSeal.number, ascending=False).first()


async def is_whole(sha256: str) -> bool:
    """Whether the storage has exactly these bytes. Raises StorageDown when it does not answer at all."""
    hashed = hashlib.sha256()
    try:
        async for chunk in storage().open(sha256):
            hashed.update(chunk)
    except (Missing, Damaged):
        return False
    except StorageDown:
        await storage().check()  # else it is the store, and says nothing of this file
        return False
    return hashed.hexdigest() == sha256


async def _mend(facts: Facts, made: tuple[Means, NewDocument, Any], last: ApprovalSeal | None) -> bool:
    request = await ApprovalRequest.objects().where(ApprovalRequest.id == facts.request["id"]).first()
    now = await newest(facts.request["id"])
    if request is None or request.state != "filed" or (now.number if now else 0) != (last.number if last else 0):
        return False
    document = await _document_of(request, facts, made[1], last)
    if last is not None and last.sha256:
        await save(last, sha256="")
    await _keep(request, facts, made, last.number + 1 if last else 1, "lost", document, utcnow())
    await _forget_trouble(request.id)
    await Trail.write("ApprovalRequest.reseal", request, detail={"name": made[1].name})
    await touch("approvals", f"approval-{request.id}")
    return True


async def _document_of(
    request: ApprovalRequest, facts: Facts, file: NewDocument, last: ApprovalSeal | None
) -> int | None:
    """Where the new one lies: in the place of the lost one, as long as that is in the dossier; where nothing ever was, filed."""
    if last is None:
        folder = await filing.folder_for(facts.request)
        return (await filing.file_in(folder, facts.request, [file]))[0]
    if last.document is None:
        return None  # destroyed at the end of its term, or by hand: it does not come back by itself
    rows = await engine.raw("SELECT sha256 FROM document WHERE id = $1", last.document)
    if rows:
        await filing.new_version(last.document, file, request.made_by, lost=rows[0]["sha256"] == last.digest)
    return int(last.document) if rows else None


async def add_behind(seal_id: int, stamp_url: str) -> bool:
    """Outside every unit: what a seal that was made without it still misses, put behind it: the time-stamp, and what proves that the
    certificates were good. Where the authority or the trust service fails again, later. Whether the seal is any better for it."""
    from models.certifying import signing

    last = await ApprovalSeal.objects().where(ApprovalSeal.id == seal_id).first()
    if last is None or not (last.stamp_due or last.proof_due) or not last.sha256:
        return False
    content, is_own = await storage().read(last.sha256), await _is_own(last)
    try:
        if last.stamp_due:
            made = await signing.stamp(content, stamp_url, is_own=is_own)
        else:
            made = await signing.prove(content, is_own=is_own)
    except signing.StampFailed as error:
        said = str(error)
        await engine.run_writing(lambda: _note_unstamped(last, said))
        return False
    if last.proof_due and not made.is_long:
        await engine.run_writing(lambda: _note_unproved(last, made))
        return False
    stored = await storage().put(made.content)
    return await engine.run_writing(lambda: _added(last, NewDocument("", stored.sha256, stored.size, PDF), made))


async def _is_own(seal: ApprovalSeal) -> bool:
    """Whether it was made under a certificate of our own, which may not be the present one any more."""
    rows = await engine.raw("SELECT is_own FROM office_certificate WHERE id = $1", seal.certificate)
    return bool(rows[0]["is_own"])


async def _note_unstamped(last: ApprovalSeal, said: str) -> None:
    await save(last, stamp_after=utcnow() + 4 * _STAMP_AGAIN, trouble=said[:300])
    await touch("seals")


async def _note_unproved(last: ApprovalSeal, made: Any) -> None:
    await save(last, trouble=made.not_long[:300], **_proof_due(made, last.at, utcnow()))
    await touch("seals")


def _proof_due(made: Any, since: dt.datetime, now: dt.datetime) -> dict[str, Any]:
    """Whether a seal misses its proof, and when it is asked for again: less and less often, and not for ever."""
    if not made.not_long or made.is_final or now - since > _PROOF_FOR:
        return {"proof_due": False, "stamp_after": None}
    return {"proof_due": True, "stamp_after": now + min(max(now - since, _STAMP_AGAIN), _PROOF_AGAIN)}


async def _claim(seal_id: int) -> bool:
    """Of two that add at once one does; the other finds it done."""
    none_due = "SET stamp_due = $2, proof_due = $2 WHERE id = $1 AND sha256 <> '' AND (stamp_due OR proof_due)"
    return bool(await engine.raw(f"UPDATE approval_seal {none_due} RETURNING id", seal_id, False))


async def _added(last: ApprovalSeal, file: NewDocument, made: Any) -> bool:
    request = await ApprovalRequest.objects().where(ApprovalRequest.id == last.request).first()
    now, at = await newest(last.request), utcnow()
    if request is None or now is None or now.id != last.id or not await _claim(last.id):
        return False
    if last.document is not None:
        await filing.new_version(last.document, file, request.made_by)
    added = ApprovalSeal(
        request=last.request, client=last.client, number=last.number + 1, why="stamped", digest=file.sha256, sha256=file.sha256, size=file.size,
        chain_number=last.chain_number, chain_link=last.chain_link, certificate=last.certificate, level=made.level, is_long=made.is_long,
        trouble=made.not_long[:300], document=last.document, at=at, **_proof_due(made, at, at),
    )  # fmt: skip
    await added.save()
    why = "stamped" if last.stamp_due else "proved"
    await record.note(request, "resealed", certificate=file.sha256, pades=added.profile, up_to=last.chain_number, reason=why)  # fmt: skip
    await touch("seals", "approvals", f"approval-{request.id}")
    return True
