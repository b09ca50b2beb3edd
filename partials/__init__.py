"""The one Jinja environment: escaping, two languages, and how dates, money and sizes are written."""

from __future__ import annotations

import contextlib
import contextvars
import datetime as dt
import functools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
from babel import dates, numbers
from babel.messages.pofile import read_po
from markupsafe import Markup, escape

HERE = Path(__file__).parent
ZONE = ZoneInfo("Europe/Amsterdam")
LANGUAGES = ("nl", "en")
_language: contextvars.ContextVar[str] = contextvars.ContextVar("language", default="nl")


@functools.cache
def catalogue() -> dict[str | tuple[str, str], Any]:
    """The English of every Dutch source text, read from en.po without a compile step."""
    with (HERE / "locales" / "en.po").open("rb") as file:
        messages = read_po(file, locale="en")
    return {m.id if isinstance(m.id, str) else m.id[0]: m.string for m in messages if m.id and m.string and not m.fuzzy}


@contextlib.contextmanager
def speaking(language: str) -> Iterator[None]:
    """Everything rendered or said inside is in this language ('nl' or 'en')."""
    token = _language.set(language if language in LANGUAGES else "nl")
    try:
        yield
    finally:
        _language.reset(token)


def language() -> str:
    return _language.get()


def gettext(text: str) -> str:
    if _language.get() == "nl":
        return text
    found = catalogue().get(text)
    return (found if isinstance(found, str) else found[0]) if found else text


def ngettext(one: str, many: str, n: int) -> str:
    if _language.get() == "nl":
        return one if n == 1 else many
    found = catalogue().get(one)
    if isinstance(found, tuple | list) and all(found):
        return str(found[0] if n == 1 else found[1])
    return one if n == 1 else many


_CLOSING = re.compile(r"(?:%\((\w+)\)s|\{(\w+)\})((?:</\w+>)*)\.(?![.\w])")


def closed_once(text: str, values: Mapping[str, Any]) -> str:
    """Without the full stop behind a value that ends with one of its own: a name like “De Vries B.V.” at the end of a sentence."""

    def once(found: re.Match[str]) -> str:
        return found[0][:-1] if str(values.get(found[1] or found[2], "")).endswith(".") else found[0]

    return _CLOSING.sub(once, text) if "." in text else text


@jinja2.pass_context
def _in_a_page(context: Any, text: str, /, **values: Any) -> str:
    """As jinja2's own new-style gettext, with `closed_once`."""
    said = closed_once(gettext(text), values)
    return (Markup(said) if context.eval_ctx.autoescape else said) % values  # noqa: S704  (a text of the catalogue)


@jinja2.pass_context
def _in_a_page_of_many(context: Any, one: str, many: str, n: int, /, **values: Any) -> str:
    values.setdefault("num", n)
    said = closed_once(ngettext(one, many, n), values)
    return (Markup(said) if context.eval_ctx.autoescape else said) % values  # noqa: S704  (a text of the catalogue)


def speak(say: Any) -> str:
    """The words of a Say (or of plain text) in the present language."""
    text = getattr(say, "text", None)
    if text is None:
        return gettext(str(say))
    values = {name: speak(value) if hasattr(value, "text") else value for name, value in say.values.items()}
    return closed_once(gettext(text), values).format(**values) if values else gettext(text)


def _local(moment: dt.datetime) -> dt.datetime:
    return moment.astimezone(ZONE)


def date(value: dt.date | dt.datetime | None) -> str:
    """23 november 2026"""
    if value is None:
        return ""
    return _written_out(_local(value).date() if isinstance(value, dt.datetime) else value, language())


@functools.lru_cache(2000)
def _written_out(day: dt.date, language: str) -> str:
    return dates.format_date(day, "d MMMM y", locale=language)


def date_short(value: dt.date | dt.datetime | None) -> str:
    """23-11-2026"""
    if value is None:
        return ""
    day = _local(value).date() if isinstance(value, dt.datetime) else value
    return day.strftime("%d-%m-%Y")


def moment(value: dt.datetime | None) -> str:
    """23-11-2026 14:05"""
    return _local(value).strftime("%d-%m-%Y %H:%M") if value else ""


def ago(value: dt.datetime | None) -> Markup:
    """A relative time, with the exact one in its title."""
    if value is None:
        return Markup("")
    words = dates.format_timedelta(value - dt.datetime.now(dt.UTC), add_direction=True, locale=language())
    return Markup('<time datetime="{}" title="{}">{}</time>').format(value.isoformat(), moment(value), words)


def number(value: float | int) -> str:
    """1.234 or 2,5"""
    return _decimal(value, None, language())


# Babel takes 30 µs for each: a list of fifty documents would be spent on its dates and sizes.
@functools.lru_cache(10_000)
def _decimal(value: float | int, pattern: str | None, language: str) -> str:
    return numbers.format_decimal(value, format=pattern, locale=language)


def money(cents: int) -> str:
    """€ 1.234,56; negative € -1.234,56"""
    sign = "-" if cents < 0 else ""
    amount = _decimal(abs(cents) / 100, "#,##0.00", language())
    return f"€\u00a0{sign}{amount}"


def unbroken(text: str) -> Markup:
    """A sentence in which no amount is broken off from its €. The text stays as it was made: what is agreed to is compared by it."""
    return Markup(re.sub(r"€ [\d.,]*\d", r'<span class="nowrap">\g<0></span>', str(escape(text))))  # noqa: S704  (escaped)


def filesize(size: int) -> str:
    """1,4 MB, in steps of 1000 as the systems of today count."""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    return f"{_decimal(round(value, 0 if value >= 100 or unit == 'B' else 1), '#,##0.#', language())} {unit}"


@functools.cache
def icon(name: str) -> Markup:
    """An icon of the sprite, hidden from screen readers: a word stands beside it or in the control's accessible name."""
    return Markup('<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>').format(
        static("icons/icons.svg"), name
    )


_static: list[Any] = [lambda path: f"/static/{path}"]


def static(path: str) -> str:
    return str(_static[0](path))


def serve_static_from(address_of: Any) -> None:
    """Let the web layer say under which (hashed) address a static file is served."""
    _static[0] = address_of
    icon.cache_clear()


def _make() -> jinja2.Environment:
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        auto_reload=False,
    )
    env.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]
    env.globals.update(gettext=_in_a_page, ngettext=_in_a_page_of_many)
    env.policies["ext.i18n.trimmed"] = True
    env.filters.update(
        date=date,
        date_short=date_short,
        moment=moment,
        datetime_=moment,
        ago=ago,
        number=number,
        money=money,
        filesize=filesize,
        unbroken=unbroken,
        say=speak,
    )
    env.globals.update(icon=icon, static=static, language=language)
    return env


env = _make()


def render(template: str, /, **context: Any) -> str:
    return env.get_template(template).render(context)


__all__ = [
    "LANGUAGES",
    "ZONE",
    "catalogue",
    "env",
    "escape",
    "gettext",
    "language",
    "ngettext",
    "render",
    "serve_static_from",
    "speak",
    "speaking",
    "static",
]
