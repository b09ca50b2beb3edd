"""The photo of a colleague, as clients see it beside his name: checked, made small and square, and shown to whom it concerns."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING

from PIL import Image, ImageOps, UnidentifiedImageError

from models import engine
from models.accounts.records import User
from models.core import Missing, Refused, Say, operation, save
from models.live import touch
from models.storage import storage
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

MOST = 10 * 1024 * 1024  # bytes of what a phone or camera makes
SIZE = 144  # pixels wide and high: four times as fine as a list shows it
TYPE = "image/jpeg"
_LEAST = 48
_PIXELS = 60_000_000  # taken apart in memory no more than this
_NO_PHOTO = Say("Dit bestand kan geen foto zijn. Kies een PNG, JPEG of WebP van hoogstens 10 MB.")


async def keep_small(sha256: str, size: int) -> str:
    """The hash of the small picture made of one that is in the storage. Raises Refused for what is no photo.

    Reads, computes and writes: for outside every unit.
    """
    if size > MOST:
        raise Refused("photo", _NO_PHOTO)
    content = await storage().read(sha256)
    return (await storage().put(await asyncio.to_thread(made_small, content))).sha256


def made_small(content: bytes) -> bytes:
    """A square JPEG of the middle, upright, with nothing in it of where and with what it was taken."""
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "WEBP")) as picture:
            if picture.width * picture.height > _PIXELS or min(picture.size) < _LEAST:
                least = Say("Deze foto is te klein of te groot: neem er een van ten minste {n} beeldpunten.", n=_LEAST)
                raise Refused("photo", least)
            picture.draft("RGB", (SIZE * 2, SIZE * 2))
            upright = ImageOps.exif_transpose(picture).convert("RGBA")
        ground = Image.new("RGBA", upright.size, "white")
        ground.alpha_composite(upright)
        small = ImageOps.fit(ground.convert("RGB"), (SIZE, SIZE), Image.Resampling.LANCZOS, centering=(0.5, 0.4))
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise Refused("photo", _NO_PHOTO) from error
    made = io.BytesIO()
    small.save(made, "JPEG", quality=85, optimize=True)
    return made.getvalue()


async def photo_of(viewer: Viewer, person: int) -> str:
    """The hash of somebody's photo. Raises Missing where there is none for this viewer: a client sees only who looks after
    one of his companies."""
    if viewer.is_staff:
        rows = await engine.raw("SELECT photo FROM users WHERE id = $1 AND kind = 'staff'", person)
    else:
        ids = ", ".join(str(int(id)) for id in viewer.grants) or "-1"
        rows = await engine.raw(
            "SELECT photo FROM users WHERE id = $1 AND kind = 'staff' AND state <> 'blocked' "
            f"AND id IN (SELECT r.person FROM responsible r WHERE r.client IN ({ids}))",
            person,
        )
    if not rows or not rows[0]["photo"]:
        raise Missing("photo", person)
    return str(rows[0]["photo"])


@operation(Permission.OWN_ACCOUNT, trail=False)
async def set_photo(person: User, sha256: str, *, by: Viewer) -> None:
    """A small picture that is in the storage already: one's own, or of a colleague by who manages staff."""
    await may_set_photo(person, by)
    await save(person, photo=sha256)
    await _tell("User.set_photo", person, by)


@operation(Permission.OWN_ACCOUNT, trail=False)
async def remove_photo(person: User, *, by: Viewer) -> None:
    await may_set_photo(person, by)
    await save(person, photo="")
    await _tell("User.remove_photo", person, by)


async def may_set_photo(person: User, by: Viewer) -> None:
    if person.kind != "staff":
        raise Refused("photo", Say("Een foto is er voor medewerkers van het kantoor."))
    if person.id != by.user.id:
        await person.may_be_managed(by)


async def _tell(what: str, person: User, by: Viewer) -> None:
    await by.note(what, person, {"name": person.display_name})
    await touch(f"user-{person.id}")
