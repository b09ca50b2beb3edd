"""What was answered to a call with an Idempotency-Key: the same key with the same body gets it again, and does nothing."""

from __future__ import annotations

import json
from typing import Any

from models.connecting.records import ApiAnswer
from models.core import Refused, Say
from models.settings import utcnow


class OtherBody(Refused):
    """The key belongs to a call that asked something else."""

    def __init__(self) -> None:
        super().__init__("Idempotency-Key", Say("Deze Idempotency-Key hoort bij een verzoek met een andere inhoud."))


async def answered(token: int, key: str, body_hash: str) -> tuple[int, dict[str, Any]] | None:
    """Status and answer, or None where the key is new. Raises OtherBody."""
    kept = await ApiAnswer.objects().where((ApiAnswer.token == token) & (ApiAnswer.key == key)).first() if key else None
    if kept is None:
        return None
    if kept.body_hash != body_hash:
        raise OtherBody
    return kept.status, json.loads(kept.answer)


async def keep(token: int, key: str, body_hash: str, status: int, answer: dict[str, Any]) -> None:
    """In the unit of the call itself: two at once collide, and one of them is answered what the other was."""
    if key:
        await ApiAnswer(
            token=token, key=key, body_hash=body_hash, status=status, answer=json.dumps(answer), at=utcnow()
        ).save()
