"""A letter before there is one: with somebody's real name and address or a made-up one, and no PIN that ever was."""

from __future__ import annotations

import asyncio
import io
import threading
from typing import TYPE_CHECKING, Any

import pypdfium2

from models import config, engine
from models.clients.records import seen
from models.letters import choosing
from models.letters.making import firms_of, heads_of, letter_to, office_day
from models.letters.templates import SAMPLE_CODE, SAMPLE_PIN, content_of, sample
from models.pins import CODES
from models.settings import utcnow

if TYPE_CHECKING:
    from models.letters.records import LetterTemplate
    from models.viewer import Viewer

MOST = 50
_one_at_a_time = threading.Lock()  # pdfium knows of no threads


async def people(viewer: Viewer) -> list[dict[str, Any]]:
    """The first of those to whom a letter could go: id and name."""
    return await engine.raw(
        "SELECT u.id, u.full_name AS name FROM users u WHERE u.kind = 'client' AND u.state <> 'blocked' AND u.id IN (SELECT a.person "
        f"FROM access a JOIN client c ON c.id = a.client WHERE (a.rights & 4) <> 0 AND c.state = 'active' AND {seen(viewer)}) "
        "ORDER BY u.sort_key, u.id LIMIT $1",
        MOST,
    )


async def shown(viewer: Viewer, template: LetterTemplate, person: int = 0, language: str = "nl") -> bytes:
    """One page as PDF. `person` 0, or who is not there for this viewer: a made-up one."""
    content, now = content_of(template), utcnow()
    found = (await choosing.among(viewer, template.kind, [person])).get(person) if person else None
    firms = await firms_of({found.office if found else None})
    heads, portal = await heads_of(firms), config.settings().base_url
    if found is None:
        letter = sample(content, language=language, firm=firms[None], portal=portal)
    else:
        code = SAMPLE_CODE.replace("-", "") if content["activates"] else ""
        letter = letter_to(
            content, found, firms.get(found.office) or firms[None], lines=found.lines, code=code, day=office_day(), until=now,
            secrets=(SAMPLE_PIN,) * (CODES if template.kind == "codes" else 1), portal=portal, sample=True,
            head=list(firms).index(found.office) if found.office in firms else 0,
        )  # fmt: skip
    x, y = content["offset_x"] / 10, content["offset_y"] / 10
    from models.letters.drawing import drawn

    return await asyncio.to_thread(drawn, [letter], heads, content["envelope"], x, y)


def as_picture(pdf: bytes) -> bytes:
    """The first page as PNG, for the screen. Our own drawing, so that it needs no limited process."""
    with _one_at_a_time:
        document = pypdfium2.PdfDocument(pdf)
        try:
            picture = document[0].render(scale=1.6).to_pil().convert("RGB")
        finally:
            document.close()
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()
