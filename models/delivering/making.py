"""Making and ending links to hand in by, and what staff see of them."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import re
import secrets
from typing import TYPE_CHECKING, Any

from models import config, engine
from models.core import Refused, Say, digest, operation, save
from models.delivering.records import UploadLink
from models.dossiers import HANDING_IN, Folder
from models.live import touch
from models.outbox import Kind, ask
from models.requests.records import DocumentRequest, RequestItem
from models.settings import Firm, utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

DAYS, MOST_DAYS = 14, 90
MOST_FILES, MOST_MB = 200, 10_240
_ADDRESS = re.compile(r"[^@\s<>,;:\"]+@[^@\s<>,;:\"]+\.[^@\s<>,;:\"]+")


def token_of(nonce: str, key: str) -> str:
    """The token of a link: 256 bits that nobody makes who has only the database."""
    made = hmac.new(key.encode(), b"poort upload link:" + nonce.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).decode().rstrip("=")


@operation(Permission.EDIT_DOSSIERS, trail=False)
async def make_link(
    folder: Folder,
    purpose: str,
    days: int = DAYS,
    max_files: int = 20,
    max_mb: int = 200,
    asks_name: bool = True,
    email: str = "",
    item: RequestItem | None = None,
    *,
    by: Viewer,
) -> tuple[UploadLink, str]:
    """The link, and its token: shown once, and never to be had from us again. With `email` it is mailed there too."""
    purpose, email = _tidied(purpose, email.strip())
    for field, value, most in (
        ("days", days, MOST_DAYS),
        ("max_files", max_files, MOST_FILES),
        ("max_mb", max_mb, MOST_MB),
    ):
        if not 1 <= value <= most:
            raise Refused(field, Say("Vul een getal in van {least} tot en met {most}.", least=1, most=most))
    await _refuse_folder(folder)
    if item is not None:
        await _refuse_item(item, folder)
    nonce, now = secrets.token_urlsafe(32), utcnow()
    token = token_of(nonce, config.settings().secret_keys[0])
    link = UploadLink(
        client=folder.client, folder=folder.id, item=item.id if item else None, purpose=purpose, token_hash=digest(token),
        nonce=nonce, expires_at=now + dt.timedelta(days=days), max_files=max_files, max_bytes=max_mb * 1_000_000,
        asks_name=asks_name, email=email, made_by=by.user.id, made_at=now,
    )  # fmt: skip
    await link.save()
    if email:
        await ask(Kind.UPLOAD_LINK, link.id, to=email)
    await by.note("UploadLink.make", link, {"purpose": purpose[:200], "folder": folder.name, "mailed": email})
    await touch(f"client-{link.client}", "mail")
    return link, token


@operation(Permission.EDIT_DOSSIERS, trail=False)
async def end_link(link: UploadLink, *, by: Viewer) -> None:
    """Nobody hands in by it any more; what came in stays."""
    if link.ended_at is not None:
        return
    await save(link, ended_at=utcnow(), ended_by=by.user.id)
    await by.note("UploadLink.end", link, {"purpose": link.purpose[:200]})
    await touch(f"client-{link.client}")


def _tidied(purpose: str, email: str) -> tuple[str, str]:
    purpose = " ".join(purpose.replace("\x00", "").split())
    if not purpose:
        raise Refused("purpose", Say("Vul in wat u wilt ontvangen: dat leest wie de link opent."))
    if len(purpose) > 500:
        raise Refused("purpose", Say("Dit is {n} tekens; er passen er {most}.", n=len(purpose), most=500))
    if email and (len(email) > 254 or not _ADDRESS.fullmatch(email)):
        raise Refused("email", Say("Dit is geen e-mailadres."))
    return purpose, email


async def _refuse_folder(folder: Folder) -> None:
    if folder.client is None or folder.kind not in HANDING_IN:
        raise Refused(
            "", Say("Een link kan alleen naar een map waarin de cliënt aanlevert. Maak er eerst een uploadmap van.")
        )
    if folder.is_trashed:
        raise Refused("", Say("Deze map ligt in de prullenbak. Zet hem eerst terug."))


async def _refuse_item(item: RequestItem, folder: Folder) -> None:
    rows = await engine.raw("SELECT state, folder FROM document_request WHERE id = $1", item.request)
    if not rows or rows[0]["state"] != "open" or rows[0]["folder"] != folder.id:
        raise Refused("", Say("Deze opvraging is al gesloten."))
    if item.state == "accepted":
        raise Refused("", Say("Dit is al goedgekeurd; u hoeft niets meer aan te leveren."))


async def folder_for(item: RequestItem, by: Viewer) -> Folder:
    """The folder in which what is asked comes. Raises Refused when there is none any more."""
    request: DocumentRequest = await by.scope(DocumentRequest).get(item.request)
    if request.folder is None:
        raise Refused("", Say("De map voor deze stukken is er niet meer."))
    return await by.folders.get(request.folder)


async def link_in_mail(link: int) -> dict[str, Any] | None:
    """What the mail with a link says: purpose, until, url and language; None when the link lives no more. Reads only."""
    found = await UploadLink.objects().where(UploadLink.id == link).first()
    if found is None or not found.is_live:
        return None
    tokens = (token_of(found.nonce, key) for key in config.settings().secret_keys)
    token = next((one for one in tokens if digest(one) == found.token_hash), None)
    if token is None:  # made with a key that is not among ours any more
        return None
    firm = await Firm.load()
    return {
        "count": 1, "purpose": found.purpose, "until": found.expires_at, "language": firm.language,
        "link": f"{config.settings().base_url}/deliver/{token}",
    }  # fmt: skip


async def links_of(viewer: Viewer, client: int) -> list[dict[str, Any]]:
    """The links of a client that was found through the viewer, the newest first, with `deliveries` (who, at, and files: name,
    document, size): id, purpose, folder, folder_name, item_title, expires_at, files, max_files, bytes, max_bytes, email,
    maker, made_at, ended_at, state (live, ended, expired or full)."""
    links = await engine.raw(_LINKS_SQL, client)
    if not links:
        return []
    files = await engine.raw(_FILES_SQL, client)
    deliveries: dict[int, dict[str, Any]] = {}
    for row in files:
        one = deliveries.setdefault(
            row["delivery"], {"link": row["link"], "who": row["who"], "at": row["at"], "files": []}
        )
        one["files"].append({"name": row["name"], "size": row["size"], "document": row["document"]})
    now = utcnow()
    for link in links:
        link["deliveries"] = [one for one in deliveries.values() if one["link"] == link["id"]]
        link["state"] = _state(link, now)
    return links


def _state(link: dict[str, Any], now: dt.datetime) -> str:
    if link["ended_at"] is not None:
        return "ended"
    if link["expires_at"] <= now:
        return "expired"
    return "full" if link["files"] >= link["max_files"] or link["bytes"] >= link["max_bytes"] else "live"


_LINKS_SQL = """SELECT l.id, l.purpose, l.folder, f.name AS folder_name, i.title AS item_title, l.expires_at, l.files, l.max_files, l.bytes,
 l.max_bytes, l.email, u.full_name AS maker, l.made_at, l.ended_at FROM upload_link l LEFT JOIN folder f ON f.id = l.folder
LEFT JOIN request_item i ON i.id = l.item LEFT JOIN users u ON u.id = l.made_by WHERE l.client = $1 ORDER BY l.made_at DESC, l.id DESC LIMIT 200"""
_FILES_SQL = """SELECT d.link, d.id AS delivery, d.who, d.at, f.name, f.size, CASE WHEN o.trashed_at IS NULL THEN f.document END AS document
FROM delivery d JOIN delivered_file f ON f.delivery = d.id LEFT JOIN document o ON o.id = f.document WHERE d.client = $1
ORDER BY d.id DESC, f.id LIMIT 2000"""
