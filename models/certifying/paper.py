"""The certificate as a PDF of A4 pages, before it is sealed: who approved what, when, how that was proved, and the whole record."""

from __future__ import annotations

import datetime as dt
import functools
import io
import json
import threading
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import segno
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from models.certifying import wording as words
from models.certifying.facts import Facts

ZONE = ZoneInfo("Europe/Amsterdam")
HEAD = "poort-keten"  # in the keywords, with the number and link of the last act: a program finds it there without reading PDF
_FONTS = Path(__file__).parent.parent / "letters" / "fonts"
_PLAIN, _BOLD = "Certificate", "Certificate-Bold"
_INK, _FAINT, _LINE = HexColor("#14171d"), HexColor("#5b6472"), HexColor("#c9ced6")
_WIDTH = A4[0] - 36 * mm - 12  # points; the frame keeps six on either side
_lock = threading.Lock()


def draw(facts: Facts, *, fingerprint: str, again: bool = False) -> bytes:
    """Takes tens of milliseconds and more for a long record: on a thread. `fingerprint` is that of the office's certificate."""
    _know_fonts()
    out = io.BytesIO()
    number, link = facts.head
    language = facts.language
    paper = SimpleDocTemplate(
        out, pagesize=A4, leftMargin=18 * mm, rightMargin=18 * mm, topMargin=18 * mm, bottomMargin=20 * mm,
        title=f"{words.TITLE.nl} {facts.request['kind_name']} {facts.request['client_name']}", author=facts.office,
        subject=words.TITLE.of(language), creator="Poort", keywords=f"{HEAD} {number} {link}", lang="nl" if language == "nl" else "en",
    )  # fmt: skip
    body = [*_head(facts, language, again), *_parts(facts, language), *_approvals(facts, language)]
    body += [*_level(facts, language, fingerprint), *_record(facts, language, number, link)]
    paper.build(body, canvasmaker=functools.partial(_Numbered, language=language, foot=f"{facts.office} · {words.TITLE.of(language)} {facts.request['id']}"))  # fmt: skip
    return out.getvalue()


def moment(at: dt.datetime) -> str:
    """As the Dutch read it: 01-12-2026 11:05:09."""
    return f"{at.astimezone(ZONE):%d-%m-%Y %H:%M:%S}"


def way_of(act: dict[str, Any]) -> words.Both:
    """By what he proved who he was; of a passkey also its name."""
    known = words.WAYS.get("" if act["act"] == "on_paper" else act["level"]) or words.WAYS[""]
    named = act["method"].partition(" ")[2] if act["level"] == "passkey" else ""
    return words.Both(*(f"{text} ({named})" for text in known)) if named else known


def _head(facts: Facts, language: str, again: bool) -> list[Flowable]:
    request, of = facts.request, words.LABELS
    rows = [
        (of["client"], f"{request['client_name']} ({request['client_number']})"),
        (of["kind"], words.Both(request["kind_name"], request["kind_name_en"] or request["kind_name"]).of(language)),
        (of["title"], request["title"]),
        (of["period"], words.period_of(request["period"], request["book_year"]).of(language)),
        (of["addressee"], request["addressee"]),
        (of["amount"], "" if request["amount"] is None else words.amount_of(request["amount"]).of(language)),
        (of["completed"], moment(request["completed_at"]) if request["completed_at"] else ""),
        (of["office"], ", ".join(part for part in (facts.office, facts.place) if part)),
        (of["reference"], str(request["id"])),
    ]
    table = Table(
        [[_p(label.of(language), _SMALL), _p(value, _TEXT)] for label, value in rows if value],
        colWidths=[38 * mm, _WIDTH - 38 * mm - 34 * mm], style=_PAIRS,
    )  # fmt: skip
    main = next((part["sha256"] for part in facts.parts), "")
    beside = Table(
        [[table, _Code(f"{facts.check_url}?sha256={main}")]], colWidths=[_WIDTH - 32 * mm, 32 * mm], style=_BESIDE
    )
    above = [_p(words.TITLE.of(language), _TITLE)]
    above += [_p(line, _TEXT) for line in words.AGAIN.lines(language)] if again else []
    return [*above, beside, *(_p(line, _SMALL) for line in words.CHECK.lines(language, url=facts.check_url))]


def _parts(facts: Facts, language: str) -> list[Flowable]:
    of = words.LABELS
    rows: list[list[Any]] = [[_p(of[name].of(language), _SMALL) for name in ("file", "pages")]]
    for part in facts.parts:
        kind = of["scan" if part["is_scan"] else part["part"]].of(language) + (
            f", {of['locked'].of(language)}" if part["is_locked"] else ""
        )
        named = [_p(part["name"], _TEXT), _p(f"{kind} · {part['size']} bytes", _SMALL), _p(part["sha256"], _HASH)]
        rows.append([named, _p(str(part["pages"] or "–"), _TEXT)])
    table = Table(rows, colWidths=[_WIDTH - 30 * mm, 30 * mm], style=_ROWS, repeatRows=1)
    return [_p(words.PARTS.of(language), _HEADING), table]


def _approvals(facts: Facts, language: str) -> list[Flowable]:
    found: list[Flowable] = [_p(words.APPROVALS.of(language), _HEADING)]
    if facts.request["state"] == "on_paper":
        found += [_p(line, _TEXT) for line in words.ON_PAPER.lines(language)]
    if not facts.approvals:
        return [*found, *(_p(line, _TEXT) for line in words.NOBODY.lines(language))]
    rows = [[_p(words.LABELS[name].of(language), _SMALL) for name in ("who", "when", "way")]]
    names = {act["person"]: act["name"] for act in facts.acts if act["person"]}
    spans = []
    for act in facts.approvals:
        who = [_p(act["name"], _STRONG)]
        if act["on_behalf_of"]:
            behalf = (
                json.loads(act["detail"]).get("on_behalf_of_name")
                or names.get(act["on_behalf_of"])
                or f"#{act['on_behalf_of']}"
            )
            who.append(_p(words.BEHALF.of(language, name=behalf), _SMALL))
        if act.get("recorded_by"):
            who.append(_p(words.LABELS["noted"].of(language, day=act["signed_on"], name=act["recorded_by"]), _SMALL))
        who.append(_p(act["role"], _SMALL))
        rows.append([who, _p(moment(act["at"]), _TEXT), _p(way_of(act).of(language), _TEXT)])
        if act["statement"]:
            spans.append(("SPAN", (0, len(rows)), (-1, len(rows))))
            rows.append([_p(f"“{act['statement']}” ({act['language'] or 'nl'})", _QUOTE), "", ""])
    style = TableStyle([*_ROWS.getCommands(), *spans])
    return [*found, Table(rows, colWidths=[_WIDTH - 94 * mm, 40 * mm, 54 * mm], style=style, repeatRows=1)]


def _level(facts: Facts, language: str, fingerprint: str) -> list[Flowable]:
    ways = list(dict.fromkeys(way_of(act) for act in facts.approvals)) or [words.WAYS[""]]
    way = words.Both(", ".join(one.nl for one in ways), ", ".join(one.en for one in ways))
    found: list[Flowable] = [_p(words.LEVEL.of(language), _HEADING)]
    for text in words.LEVEL_TEXT:
        said = words.Both(text.nl.replace("{way}", way.nl), text.en.replace("{way}", way.en))
        found += [_p(line, _TEXT) for line in ((said.nl,) if language == "nl" else said)]
    return [*found, _p(fingerprint, _HASH)]


def _record(facts: Facts, language: str, number: int, link: str) -> list[Flowable]:
    of = words.LABELS
    rows = [[_p(of[name].of(language), _SMALL) for name in ("number", "utc", "act", "from")]]
    for act in facts.acts:
        what = [_p(words.ACTS[act["act"]].of(language) if act["act"] in words.ACTS else act["act"], _CELL)]
        who = ", ".join(part for part in (act["name"], act["role"]) if part)
        how = ", ".join(part for part in (act["method"], act["level"]) if part)
        said = _of_detail(act)
        what += [_p(line, _CELL) for line in (who, how, said) if line]
        where = [_p(line, _CELL) for line in (act["address"], act["agent"]) if line]
        times = [_p(f"{act['at'].astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC", _CELL), _p(moment(act["at"]), _CELL)]
        rows.append([_p(str(act["number"]), _CELL), times, what, where or ""])
    table = Table(rows, colWidths=[10 * mm, 38 * mm, _WIDTH - 108 * mm, 60 * mm], style=_ROWS, repeatRows=1)
    chain = [_p(line, _TEXT) for line in words.CHAIN.lines(language, number=number)]
    return [_p(words.RECORD.of(language), _HEADING), *chain, _p(link, _HASH), Spacer(1, 2 * mm), table]


def _of_detail(act: dict[str, Any]) -> str:
    """What stands in the detail in plain values: a page, a reason; hashes are in the file of proof."""
    detail = json.loads(act["detail"])
    return "; ".join(
        f"{name}: {value}" for name, value in detail.items() if isinstance(value, str | int) and len(str(value)) <= 200
    )


class _Code(Flowable):
    """A QR code, drawn as squares."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text
        self._rows = [list(row) for row in segno.make(text, error="l", micro=False).matrix]
        self.width = self.height = 30 * mm

    def draw(self) -> None:
        one = self.width / len(self._rows)
        self.canv.setFillColor(_INK)
        for at, row in enumerate(self._rows):
            for place, dark in enumerate(row):
                if dark:
                    self.canv.rect(place * one, self.height - (at + 1) * one, one, one, stroke=0, fill=1)
        self.canv.linkURL(self._text, (0, 0, self.width, self.height), relative=1)


class _Numbered(Canvas):
    """Writes at the foot of every page which it is of how many: known only when all are drawn."""

    def __init__(self, *args: Any, language: str = "nl", foot: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._words, self._foot, self._kept = language, foot, list[dict[str, Any]]()

    def showPage(self) -> None:
        self._kept.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        for at, page in enumerate(self._kept, 1):
            self.__dict__.update(page)
            self.setFont(_PLAIN, 7.5)
            self.setFillColor(_FAINT)
            self.drawString(18 * mm, 11 * mm, self._foot[:120])
            said = words.LABELS["page"].of(self._words, page=at, pages=len(self._kept))
            self.drawRightString(A4[0] - 18 * mm, 11 * mm, said)
            super().showPage()
        super().save()


def _p(text: str, style: ParagraphStyle) -> Paragraph:
    """A paragraph of plain text: what somebody typed is no markup, and what the font has not does not stop it."""
    safe = "".join(ch if ch >= " " else " " for ch in str(text))
    return Paragraph(safe.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"), style)


def _know_fonts() -> None:
    with _lock:
        if _PLAIN not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(_PLAIN, _FONTS / "LiberationSans-Regular.ttf"))
            pdfmetrics.registerFont(TTFont(_BOLD, _FONTS / "LiberationSans-Bold.ttf"))


def _style(size: float, font: str = _PLAIN, colour: Any = _INK, **more: Any) -> ParagraphStyle:
    return ParagraphStyle(
        "", fontName=font, fontSize=size, leading=size * 1.35, textColor=colour, splitLongWords=1, **more
    )


_TITLE = _style(20, _BOLD, spaceAfter=5 * mm)
_HEADING = _style(12, _BOLD, spaceBefore=6 * mm, spaceAfter=2 * mm, keepWithNext=1)
_TEXT, _STRONG = _style(9.5, spaceAfter=1 * mm), _style(10, _BOLD)
_SMALL, _CELL = _style(8, colour=_FAINT), _style(7.5)
_HASH, _QUOTE = _style(7.5, colour=_FAINT), _style(9, leftIndent=3 * mm)
_PAIRS = TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0), ("TOPPADDING", (0, 0), (-1, -1), 1), ("BOTTOMPADDING", (0, 0), (-1, -1), 1)])  # fmt: skip
_BESIDE = TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), 0)])  # fmt: skip
_ROWS = TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0), ("LINEABOVE", (0, 1), (-1, -1), 0.4, _LINE), ("TOPPADDING", (0, 0), (-1, -1), 2), ("BOTTOMPADDING", (0, 0), (-1, -1), 2)])  # fmt: skip
