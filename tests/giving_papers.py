"""Asks a client to approve three papers at once, the last of which asks for a password, in a running installation: python -m tests.giving_papers
NUMBER prints the id."""

from __future__ import annotations

import asyncio
import sys

from models import engine
from models.accounts import User
from models.approvals import ApprovalKind, NewPart, NewRequest, make, offer
from models.clients import Client
from models.sample.papers import pdf
from models.storage import storage
from web.routing import viewer_of

NAMES = ("Jaarrekening 2024.pdf", "Notulen 2024.pdf")
LOCKED = "Loonstroken 2024.pdf"


async def ask(number: str) -> int:
    kept = [(name, await storage().put(pdf(name))) for name in NAMES]
    parts = [NewPart(name, one.sha256, one.size, "application/pdf", pages=1) for name, one in kept]
    locked = await storage().put(b"%PDF-1.4 for who knows the password")
    parts.append(NewPart(LOCKED, locked.sha256, locked.size, "application/pdf", is_locked=True))

    async def unit() -> int:
        by = await viewer_of(await User.objects().get(User.email_key == "anna@kantoor.example"))
        client = await by.scope(Client).where(Client.number == number).find()
        kind = await ApprovalKind.objects().get(ApprovalKind.name == "Jaarrekening (concept)")
        assert client is not None and kind is not None
        request = await make(client, NewRequest(kind.id, 2024), parts, by=by)
        await offer(request, by=by)
        return int(request.id)

    made = await engine.run_writing(unit)
    await engine.close()
    return made


if __name__ == "__main__":
    engine.start()
    print(asyncio.run(ask(sys.argv[1])))
