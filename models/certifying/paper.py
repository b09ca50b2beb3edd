"""The certificate as a PDF of A4 pages, before it is sealed: who approved what, when, how that was proved, and the whole record."""

from __future__ import annotations

import contextvars
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

from models.approvals.holding import OURS
from models.certifying import wording as words
from models.certifying.facts import Facts, day_of

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
    signs = _Signs()
    with signs:
        body = [*_head(facts, language, again), *_parts(facts, language), *_approvals(facts, language)]
        body += [*_level(facts, language, fingerprint), *_record(facts, language, number, link)]
    if signs.lacking:
        body += [Spacer(1, 2 * mm), *(_p(line, _SMALL) for line in words.SIGNS.lines(language))]
    paper.build(body, canvasmaker=functools.partial(_Numbered, language=language, foot=_shown(f"{facts.office} · {words.TITLE.of(language)} {facts.request['id']}")))  # fmt: skip
    return out.getvalue()


def moment(at: dt.datetime) -> str:
    """As the Dutch read it: 01-12-2026 11:05:09."""
    return f"{at.astimezone(ZONE):%d-%m-%Y %H:%M:%S}"


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
    if any(act["act"] == "on_paper" for act in facts.approvals):
        found += [_p(line, _TEXT) for line in words.ON_PAPER.lines(language)]
    if not facts.approvals:
        return [*found, *(_p(line, _TEXT) for line in words.NOBODY.lines(language))]
    rows: list[list[Any]] = [[_p(words.LABELS[name].of(language), _SMALL) for name in ("who", "when", "way")]]
    spans = []
    for act in facts.approvals:
        who = [_p(act["name"], _STRONG)]
        who += [_p(words.BEHALF.of(language, name=act["behalf"]), _SMALL)] if act["behalf"] else []
        who += [_p(role, _SMALL)] if (role := _role(act, language)) else []
        rows.append([who, _when(act, language), _p(words.way_of(act).of(language), _TEXT)])
        for piece in _pieces(f"“{act['statement']}” ({act['language'] or 'nl'})" if act["statement"] else ""):
            spans.append(("SPAN", (0, len(rows)), (-1, len(rows))))
            rows.append([_p(piece, _QUOTE), "", ""])
    style = TableStyle([*_ROWS.getCommands(), *spans])
    return [*found, Table(rows, colWidths=[_WIDTH - 94 * mm, 40 * mm, 54 * mm], style=style, repeatRows=1)]


def _role(act: dict[str, Any], language: str) -> str:
    """What he is there, in the words of then; of who signed on paper nothing was recorded."""
    is_plain = act["role"] in ("", words.APPROVER.nl) and act["act"] != "on_paper"
    return words.APPROVER.of(language) if is_plain else str(act["role"])


def _when(act: dict[str, Any], language: str) -> list[Flowable]:
    """When he approved; of what was signed on paper the day of that, and apart when the office recorded it."""
    if not act.get("recorded_by"):
        return [_p(moment(act["at"]), _TEXT)]
    day, of = day_of(act["signed_on"]), words.LABELS
    said = words.day_of(day) if day else words.Both("–", "–")
    return [
        *(_p(line, _TEXT) for line in _both_with(of["signed_on"], language, day=said)),
        *(_p(line, _SMALL) for line in of["noted"].lines(language, at=moment(act["at"]), name=act["recorded_by"])),
    ]


def _both_with(text: words.Both, language: str, **values: words.Both) -> list[str]:
    """In each language with the values of that language."""
    said = [text.nl.format(**{name: value.nl for name, value in values.items()})]
    if language != "nl":
        said.append(text.en.format(**{name: value.en for name, value in values.items()}))
    return said


def _pieces(text: str, most: int = 1200) -> list[str]:
    """So that each fits on a page; cut between words where there are any."""
    found = []
    while len(text) > most:
        at = text.rfind(" ", 1, most) + 1 or most
        found.append(text[:at].rstrip())
        text = text[at:]
    return [*found, text] if text else found


def _level(facts: Facts, language: str, fingerprint: str) -> list[Flowable]:
    given = [act for act in facts.approvals if act["act"] != "on_paper"]
    ways = list(dict.fromkeys(words.way_of(act) for act in given))
    way = words.Both(", ".join(one.nl for one in ways), ", ".join(one.en for one in ways))
    first, *others = words.LEVEL_TEXT
    texts = [words.Both(*(text.replace("{way}", one) for text, one in zip(first, way, strict=True)))] if given else []
    texts += [words.LEVEL_PAPER] if len(given) < len(facts.approvals) else []
    found: list[Flowable] = [_p(words.LEVEL.of(language), _HEADING)]
    found += [_p(line, _TEXT) for text in (*texts, *others) for line in ((text.nl,) if language == "nl" else text)]
    return [*found, _p(fingerprint, _HASH)]


_ROWS_OF_TABLE = 100  # laying out one table takes ever longer the longer it is


def _record(facts: Facts, language: str, number: int, link: str) -> list[Flowable]:
    of = words.LABELS
    head = [[_p(of[name].of(language), _SMALL) for name in ("number", "utc", "act", "from")]]
    request = facts.request
    same = {request["kind_name"]: words.Both(request["kind_name"], request["kind_name_en"] or request["kind_name"])}
    same |= {one.nl: one for one in [words.period_of(request["period"], request["book_year"])]}
    lines = [_line(act, language, same) for act in folded(facts.acts)]
    widths = [14 * mm, 36 * mm, _WIDTH - 110 * mm, 60 * mm]
    tables = [
        Table(
            (head if at == 0 else []) + lines[at : at + _ROWS_OF_TABLE], colWidths=widths, style=_ROWS if at == 0 else _GOES_ON,
            splitInRow=1, repeatRows=int(at == 0),
        )
        for at in range(0, max(1, len(lines)), _ROWS_OF_TABLE)
    ]  # fmt: skip
    chain = [_p(line, _TEXT) for line in words.CHAIN.lines(language, number=number)]
    return [_p(words.RECORD.of(language), _HEADING), *chain, _p(link, _HASH), Spacer(1, 2 * mm), *tables]


def _line(act: dict[str, Any], language: str, same: dict[str, words.Both]) -> list[Any]:
    what = [_p(words.ACTS[act["act"]].of(language) if act["act"] in words.ACTS else act["act"], _CELL)]
    who = ", ".join(part for part in (act["name"], act["role"]) if part)
    how = words.way_of(act).of(language) if act["level"] else act["method"]
    what += [_p(line, _CELL) for line in (who, how, *_of_detail(act, language, same)) if line]
    where = [_p(line, _CELL) for line in (act["address"], act["agent"]) if line]
    last = act.get("until", act)
    several = last["number"] != act["number"]
    times = [_p(f"{act['at'].astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC", _CELL), _p(moment(act["at"]), _CELL)]
    times += [_p(f"– {moment(last['at'])}", _CELL)] if several else []
    numbers = f"{act['number']}–{last['number']}" if several else str(act["number"])
    return [_p(numbers, _CELL), times, what, where or ""]


def folded(acts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The acts with the pages that somebody looked at one after another as one line: of one person, document and place from where.
    That has `pages`, and `until`, the last of them. What stood between two others still does."""
    found: list[dict[str, Any]] = []
    here: dict[Any, dict[str, Any]] = {}
    for act in acts:
        if act["act"] != "page_seen":
            found.append(act)
            here = {}
            continue
        told = json.loads(act["detail"])
        key = (act["person"], act["document"], told.get("sha256"), told.get("file"), act["address"], act["agent"])
        if key not in here:
            here[key] = act | {"pages": set()}
            found.append(here[key])
        here[key]["pages"].add(told.get("page", 0))
        here[key]["until"] = act
    return found


def ranges(pages: set[int]) -> str:
    """1-3, 7"""
    found: list[list[int]] = []
    for page in sorted(pages):
        if found and found[-1][1] == page - 1:
            found[-1][1] = page
        else:
            found.append([page, page])
    return ", ".join(f"{first}-{last}" if last > first else str(first) for first, last in found)


def _of_detail(act: dict[str, Any], language: str, same: dict[str, words.Both]) -> list[str]:
    """What stands in the detail, in words; hashes and the like are in the file of proof. `same`: words that are English otherwise."""
    told = json.loads(act["detail"])
    if "pages" in act:
        said = words.PAGE[len(act["pages"]) > 1]
        pages = words.Both(*(text.format(ranges(act["pages"])) for text in said))
        file = words.Both(told.get("file", ""), told.get("file", ""))
        return [" / ".join(_both_with(words.PAGES, language, file=file, ranges=pages)).removeprefix(": ")]
    found = []
    for name, text in words.DETAILS.items():
        value = told.get(name)
        if value in (None, "", []) or name in OURS.get(act["act"], ()) or (name == "version" and value == 1):
            continue
        day = day_of(value) if name in words.DAYS else None
        plain = same.get(str(value)) or words.Both(str(value), str(value))
        known = words.day_of(day) if day else words.SAID.get((name, str(value)), plain)
        found.append(" / ".join(dict.fromkeys(_both_of(text, known, language))))
    return [piece for one in found for piece in _pieces(one)]


def _both_of(text: words.Both, value: words.Both, language: str) -> list[str]:
    said = [text.nl.replace("{}", value.nl), text.en.replace("{}", value.en)]
    return said[:1] if language == "nl" or text.nl == text.en else said


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
    """A paragraph of plain text: what somebody typed is no markup, and what the font has not is shown by its number."""
    return Paragraph(_shown(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"), style)


def _shown(text: str) -> str:
    return "".join(_sign(ch) for ch in str(text))


def _sign(ch: str) -> str:
    if ch < " ":
        return " "
    if ord(ch) in pdfmetrics.getFont(_PLAIN).face.charToGlyph:
        return ch
    _lacking.set(True)
    return f"[U+{ord(ch):04X}]"


_lacking: contextvars.ContextVar[bool] = contextvars.ContextVar("lacking", default=False)


class _Signs:
    """Whether anything was shown by its number while this lasted."""

    lacking = False

    def __enter__(self) -> None:
        self._was = _lacking.set(False)

    def __exit__(self, *_: Any) -> None:
        self.lacking = _lacking.get()
        _lacking.reset(self._was)


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
_GOES_ON = TableStyle([*_ROWS.getCommands(), ("LINEABOVE", (0, 0), (-1, 0), 0.4, _LINE)])
