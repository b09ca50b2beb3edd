"""Nobody is shown, or opens, other bytes than those of which he approves the SHA-256."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from models import config, engine
from models.approvals.record import ApprovalRecord
from models.core import save
from models.settings import Firm
from models.storage import storage
from tests.approving import acts, main_parts, offered, part, person, plan, step
from tests.cast import Cast
from tests.papers import pdf
from tests.web.test_own_approvals import pin_of, sent, state
from web import approval_parts
from web import own_approvals as pages

Browsers = Callable[..., Any]


async def test_other_bytes_in_the_storage_are_not_shown_and_not_opened(cast: Cast, browser: Browsers) -> None:
    """Somebody puts a return of another amount in the place of what was offered, of the same length."""
    await engine.run_writing(lambda: _on())
    eva = await person(cast.bakkerij, "Eva")
    await plan(cast.bakkerij, step(eva))
    content = pdf("Te betalen 100.000 euro")
    kept = await storage().put(content)
    request = await offered(cast, None, part("aangifte.pdf", sha256=kept.sha256, size=kept.size, pages=1))
    [main] = await main_parts(request)
    at = Path(config.settings().storage_url.removeprefix("file://")) / kept.sha256[:2] / kept.sha256[2:]
    at.chmod(0o600)
    at.write_bytes(content.replace(b"100.000", b"999.999"))
    (pin,) = await pin_of(eva)

    async with browser(eva) as hers:
        view = await hers.get(approval_parts.view.url(part_id=main.id))
        page = await hers.get(approval_parts.page.url(part_id=main.id, number=1))
        file = await hers.get(approval_parts.file.url(part_id=main.id))
        said = await hers.post(pages.decide.url(), data=await sent(request, pin_code=pin))

    assert "niet meer zoals het was" in view.text
    assert (page.status_code, file.status_code) == (404, 422) and b"999.999" not in file.content
    assert "nog niet geopend" in said.text and await state(request) == "offered"
    assert not {"opened", "page_seen"} & set(await acts(request))
    [told] = await engine.raw("SELECT state FROM file_check WHERE hash = $1", kept.sha256)
    assert told["state"] == "broken"

    at.write_bytes(content)
    async with browser(eva) as hers:
        file = await hers.get(approval_parts.file.url(part_id=main.id))
        await hers.post(pages.decide.url(), data=await sent(request, pin_code=pin))
    assert file.content == content and await state(request) == "approved"
    assert await ApprovalRecord.exists().where(
        (ApprovalRecord.request == request.id) & (ApprovalRecord.act == "opened")
    )


async def _on() -> None:
    await save(await Firm.load(), modules="dossiers,approvals")
