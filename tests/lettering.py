"""What tests of letters share: making a batch as the worker does, and reading where words stand in a PDF."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

import pypdfium2

from models import engine
from models.letters import Choice, LetterBatch, LetterTemplate, chosen, make_batch
from models.letters.sealed import opened
from models.tasks import WORKS, Progress, Task
from models.viewer import Viewer

MM = 25.4 / 72


@dataclass(frozen=True)
class Word:
    """In millimetres from the left and the top."""

    text: str
    left: float
    top: float
    right: float
    bottom: float


def words_on(pdf: bytes, page: int = 0) -> list[Word]:
    """Every word of a page and where it stands, as another program reads it."""
    sheet = pypdfium2.PdfDocument(pdf)[page]
    text, height = sheet.get_textpage(), sheet.get_height()
    signs = [(text.get_text_range(n, 1), text.get_charbox(n)) for n in range(text.count_chars())]
    words = []
    for is_space, some in itertools.groupby(signs, key=lambda sign: not sign[0].strip()):
        if is_space:
            continue
        part = list(some)
        boxes = [box for _, box in part]
        words.append(
            Word(
                "".join(sign for sign, _ in part), min(b[0] for b in boxes) * MM, (height - max(b[3] for b in boxes)) * MM,
                max(b[2] for b in boxes) * MM, (height - min(b[1] for b in boxes)) * MM,
            )
        )  # fmt: skip
    return words


def text_of(pdf: bytes, page: int = 0) -> str:
    return pypdfium2.PdfDocument(pdf)[page].get_textpage().get_text_range().replace("\r\n", "\n")


def pages_of(pdf: bytes) -> list[str]:
    return [text_of(pdf, page) for page in range(len(pypdfium2.PdfDocument(pdf)))]


def pin_on(text: str) -> str:
    """The PIN on a page: the only six digits that stand alone."""
    found = re.findall(r"(?<![\d-])\d{6}(?![\d-])", text)
    assert len(found) == 1, found
    return found[0]


async def template(kind: str = "pin") -> LetterTemplate:
    found = await LetterTemplate.objects().where(LetterTemplate.kind == kind).order_by(LetterTemplate.id).first()
    assert found is not None
    return found


async def asked(by: Viewer, choice: Choice | None = None, kind: str = "pin") -> LetterBatch:
    """A batch of whoever the choice means, not yet made."""
    of, choice = await template(kind), choice or Choice()
    found = await chosen(by, kind, choice)
    return await make_batch(by.scope(LetterBatch), of, choice, seen=found.version, by=by)


async def worked(batch: LetterBatch) -> LetterBatch:
    """As the worker carries it out."""
    task = await Task.objects().where(Task.id == batch.task).first()
    assert task is not None
    await WORKS[task.kind](task, Progress(task))
    return await fresh(batch)


async def fresh(batch: LetterBatch) -> LetterBatch:
    found = await LetterBatch.objects().where(LetterBatch.id == batch.id).first()
    assert found is not None
    return found


async def made(by: Viewer, choice: Choice | None = None, kind: str = "pin") -> LetterBatch:
    return await worked(await asked(by, choice, kind))


async def pdf_of(batch: LetterBatch) -> bytes:
    return b"".join([part async for part in opened(batch)])


async def addressed_to(client: int, **values: object) -> None:
    """The client's address, whatever it had."""
    blank = dict.fromkeys(("street", "house_number", "letter", "addition", "postcode", "city", "lines", "country"), "")
    blank |= {f"post_{name}": "" for name in blank}
    for name, value in (blank | values).items():
        await engine.raw(f'UPDATE client SET "{name}" = $1 WHERE id = $2', value, client)
