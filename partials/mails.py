"""Every message Poort mails: composed in the recipient's language, as HTML and as plain text made from the same words."""

from __future__ import annotations

import functools
import html as entities
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any, NamedTuple

import partials

NAMES = (
    "invitation",
    "password",
    "sign_in_link",
    "account_notice",
    "upload_notice",
    "digest",
    "trail_anchor",
    "broken_files",
    "proposal",
    "client_news",
    "document_link",
    "test_message",
    "lost_factor",
    "infected",
    "upload_link",
)


class Composed(NamedTuple):
    """A message's words. `html` is a whole document that fetches nothing; `text` says the same; at `stop_url` one hears no more."""

    subject: str
    html: str
    text: str
    stop_url: str = ""


def compose(name: str, language: str, **context: Any) -> Composed:
    """The message `name` in `language`.

    Always wanted: `firm`, and `person` (models.people.Addressee: who is greeted, how formally, and whether he shares
    his mailbox: then subject and message say whom they are for). Further, for
    password and sign_in_link: link, valid_until (datetime); for an invitation (see there) also companies (names) and more;
    account_notice: what (password, address, factor_on, factor_off, passkey_on, passkey_off, passkey_copied or codes), account_url;
    trail_anchor: anchor (text), lines (count), audit_url; broken_files: count, names (of some documents), files_url; client_news: what client_news_told.told_of gives, base, by_hand, preferences_url, stop_url; proposal: company, of (fields), fields (those accepted), answer, portal_url; document_link: documents ([{name, url}]), message; upload_notice and digest: count, clients ([{name, url, documents: [{name, url, folder, who}]}]), preferences_url.
    """
    if name not in NAMES:
        raise ValueError(f"no message is called {name!r}")
    with partials.speaking(language):
        context["firm"] = _sender(context["firm"])
        subject = " ".join(entities.unescape(partials.render(f"mail/{name}_subject.html", **context)).split())
        if getattr(context["person"], "shares", False):
            subject = f"{subject} ({context['person'].display_name})"
        html = partials.render(
            "layout_mail.html", fragment=f"mail/{name}.html", lang=partials.language(), title=subject, **context
        )
    return Composed(subject, html, as_text(html), context.get("stop_url", "") if name == "client_news" else "")


def invitation(language: str, reached: Any = None, **context: Any) -> Composed:
    """The invitation, as it is shown beforehand and as it is sent: context as `compose` wants it, and the clients it is for.

    `reached` has `names` and `more` (models.clients.reached), or is None where there is nothing to name.
    """
    names, more = (reached.names, reached.more) if reached else ([], 0)
    return compose("invitation", language, companies=names, more=more, **context)


def as_text(html: str) -> str:
    """The words of a message of ours as plain text: a link becomes its text and, below it, its address."""
    reader = _Reader()
    reader.feed(html)
    return reader.text()


def _sender(firm: Any) -> Any:
    """What the layout shows of the office, with the ink that can be read on its colour."""
    more = {name: getattr(firm, name, "") for name in ("street", "postcode", "phone", "email", "mail_closing")}
    return SimpleNamespace(
        name=firm.name or "Poort", place=firm.place, brand=firm.brand, on_brand=ink_on(firm.brand), **more
    )


@functools.lru_cache(64)
def ink_on(colour: str) -> str:
    """White, or near-black where white would have a contrast below 4.5 : 1 on `colour` (#rrggbb)."""
    try:
        channels = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    except ValueError:
        return "#ffffff"
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#ffffff" if 1.05 / (luminance + 0.05) >= 4.5 else "#14171d"


_BLOCKS = frozenset(("div", "p", "h1", "h2", "ul", "ol", "li", "table", "tr"))
_SILENT = frozenset(("head", "style", "title"))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._blocks: list[str] = []
        self._now: list[str] = []
        self._href = ""
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag == "a":
            self._href = dict(attrs).get("href") or ""
        elif tag == "br":
            self._now.append("\n")
        elif tag in _BLOCKS:
            self._end()
            if tag == "li":
                self._now.append("- ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent -= 1
        elif tag == "a" and self._href:
            self._now.append(f"\n{self._href}\n")
            self._href = ""
        elif tag in _BLOCKS:
            self._end()

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._now.append(
                " ".join(data.split()).join((" " * data[:1].isspace(), " " * data[-1:].isspace()))
                if data.strip()
                else " "
            )

    def text(self) -> str:
        self._end()
        return "\n\n".join(self._blocks) + "\n"

    def _end(self) -> None:
        lines = [" ".join(line.split()) for line in "".join(self._now).split("\n")]
        if block := "\n".join(line for line in lines if line):
            self._blocks.append(block)
        self._now = []
