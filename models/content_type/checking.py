"""Which files are not taken in, and why, in words."""

from __future__ import annotations

from models.content_type import kinds
from models.content_type.detecting import detect
from models.content_type.kinds import ending_of
from models.content_type.naming import clean_name
from models.core import Say


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What starts something on the computer of whoever opens it. The name decides there, so the name is refused here.
_PROGRAMS = _words(
    """
    apk app appimage application appref-ms appx appxbundle bat chm cmd com command cpl csh deb desktop diagcab dll
    dmg drv elf exe fon gadget hlp hta inf ins iqy iso img isp jar jnlp js jse ksh lib lnk mjs msc msh msi msix
    msixbundle msp mst ocx phar php php5 phtml pif pkg pl prg ps1 ps1xml ps2 psc1 psd1 psm1 py pyc pyw pyz rb reg
    rpm run scf scr sct settingcontent-ms sh shb shs so sys theme torrent udl url vb vbe vbs vhd vhdx vxd wasm website
    webloc wll workflow ws wsc wsf wsh xll xnk zsh bash
    """
)
_PAGES = _words("htm html htc mht mhtml shtml svg svgz xht xhtml xsl xslt")

# Where the content of a web page is what such a file often holds: packages export tables so. It is only downloaded.
_MAY_HOLD_PAGES = _words("xls doc txt csv tsv xml eml log")

_IMAGES = _words("avif bmp gif heic heif jpe jpeg jpg png tif tiff webp")
_FAMILIES = (kinds.WORD, kinds.EXCEL, kinds.POWERPOINT)


def check_upload(head: bytes, size: int, name: str) -> Say | None:
    """Why this file is not taken in; None when it is.

    `head` is its beginning (up to 64 KiB), `size` what came of it so far. What is taken in may still be hostile: a PDF
    can hold scripts. It is harmless because of how it is served (web/downloads.py), not because of this check.
    """
    name = clean_name(name)
    ending = ending_of(name)
    kind = detect(head, name)
    if _is_empty(head, size):
        return Say("“{name}” is leeg. Kies het bestand opnieuw.", name=name)
    if ending in _PROGRAMS or kind.mime in (kinds.PROGRAM, kinds.SCRIPT):
        return Say("“{name}” is een programma of script. Om veiligheidsredenen nemen wij dat niet aan.", name=name)
    if ending in _PAGES or (kind.mime in (kinds.HTML, kinds.SVG) and ending not in _MAY_HOLD_PAGES | set(_PROMISES)):
        return Say(
            "“{name}” is een webpagina of SVG-tekening; daar kan een script in zitten. Bewaar hem als pdf.",
            name=name,
        )
    if ending in _PROMISES and not _keeps_promise(ending, kind.mime):
        return Say(
            "“{name}” eindigt op .{ending}, maar de inhoud is iets anders: {label}. "
            "Bewaar het bestand opnieuw als .{ending} en probeer het nog eens.",
            name=name,
            ending=ending,
            label=kind.label,
        )
    return None


def _is_empty(head: bytes, size: int) -> bool:
    """Also what a failed synchronisation leaves: nothing but zeros."""
    return size == 0 or (size == len(head) and not head.strip(b"\x00\xef\xbb\xbf\xff\xfe \t\r\n"))


def _keeps_promise(ending: str, mime: str) -> bool:
    if ending == "pdf":
        return mime == kinds.PDF
    if ending in _IMAGES:  # one kind of picture under the name of another is everyday work of phones
        return mime.startswith("image/") and mime != kinds.SVG
    if ending == "zip":
        return mime == kinds.ZIP or mime in _ZIPPED
    if mime == kinds.OLE:  # with a password an Office file is one of these
        return True
    same = next((family for family in _FAMILIES if ending in family), kinds.OPEN_DOCUMENT)
    return mime in same.values()


_ZIPPED = frozenset(mime for family in (*_FAMILIES, kinds.OPEN_DOCUMENT) for mime in family.values())
_PROMISES = frozenset({"pdf", "zip", *_IMAGES, *kinds.OPEN_DOCUMENT, *(e for family in _FAMILIES for e in family)})
