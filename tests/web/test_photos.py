"""The photo of a colleague: made small, told nothing of where it was taken, and shown only to whom it concerns."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from models import engine
from models.accounts import User, photos
from models.core import Refused
from models.storage import storage
from models.tidying import referenced


def picture(width=900, height=600, kind="JPEG", **options):
    made = io.BytesIO()
    image = Image.new("RGB", (width, height), "navy")
    exif = Image.Exif()
    exif[0x010F] = "Kodak"
    image.save(made, kind, exif=exif, **options)
    return made.getvalue()


async def upload(browser, person, content, name="ik.jpg"):
    return await browser.post(f"/users/{person}/photo", files={"photo": (name, content, "image/jpeg")})


@pytest.fixture(autouse=True)
def _own_storage(monkeypatch, tmp_path):
    from models import config
    from models import storage as stores

    monkeypatch.setenv("STORAGE_URL", f"file://{tmp_path / 'files'}")
    config.reset()
    stores.reset()
    yield
    monkeypatch.undo()
    config.reset()
    stores.reset()


async def test_a_colleague_gives_his_own_photo_and_his_clients_see_it(cast, browser):
    ed = cast.ed.user.id
    async with engine.writing():
        await engine.raw(
            "INSERT INTO responsible (client, person) VALUES ($1, $2) ON CONFLICT DO NOTHING", cast.bakkerij, ed
        )
        await engine.raw("DELETE FROM responsible WHERE client = $1 AND person = $2", cast.garage, ed)
    async with browser(cast.ed) as own:
        reply = await upload(own, ed, picture())
    async with browser(cast.rik) as rik:
        home = (await rik.get("/portal")).text
        shown = await rik.get(f"/users/{ed}/photo")
    async with browser(cast.sam) as sam:
        hidden = await sam.get(f"/users/{ed}/photo")

    assert reply.status_code == 303
    assert f'src="/users/{ed}/photo?v=' in home
    with Image.open(io.BytesIO(shown.content)) as small:
        assert (small.size, small.format) == ((photos.SIZE, photos.SIZE), "JPEG")
        assert not small.getexif()
    assert shown.headers["cache-control"].startswith("private")
    assert hidden.status_code == 404


async def test_a_photo_is_kept_by_the_sweeper_and_goes_when_it_is_taken_away(cast, browser):
    anna = cast.anna.user.id
    async with browser(cast.anna) as own:
        await upload(own, anna, picture(kind="PNG"), "ik.png")
        sha256 = (await User.objects().where(User.id == anna).first()).photo
        held = await referenced([sha256])
        there = await storage().exists(sha256)
        await own.post(f"/users/{anna}/photo/removal", data={"then": "/account"})
        gone = await own.get(f"/users/{anna}/photo")

    assert there and held == {sha256}
    assert gone.status_code == 404 and await referenced([sha256]) == set()


async def test_only_who_manages_staff_gives_somebody_elses_photo(cast, browser):
    anna, ed, rik = cast.anna.user.id, cast.ed.user.id, cast.rik.user.id
    async with browser(cast.ed) as other:
        refused = await upload(other, anna, picture())
    async with browser(cast.anna) as administrator:
        done = await upload(administrator, ed, picture())
        no_client = await upload(administrator, rik, picture())
    async with browser(cast.rik) as client:
        own = await upload(client, rik, picture())

    assert refused.status_code in (403, 404) and no_client.status_code == own.status_code == 404
    assert done.status_code == 303
    rows = {row["id"]: row["photo"] for row in await engine.raw("SELECT id, photo FROM users")}
    assert rows[ed] and not rows[anna] and not rows[rik]


@pytest.mark.parametrize(
    "content", [b"<svg onload=alert(1)>", picture()[:2000], picture(20, 20), b"", b"\x89PNG\r\n\x1a\n" + b"x" * 500]
)
async def test_what_is_no_photo_is_refused_in_words_and_changes_nothing(cast, browser, content):
    anna = cast.anna.user.id
    async with browser(cast.anna) as own:
        reply = await upload(own, anna, content)
        page = await own.get(reply.headers.get("location", "/account"))

    assert reply.status_code == 303
    assert "toast" in page.text
    assert not (await User.objects().where(User.id == anna).first()).photo


def test_a_photo_taken_on_its_side_is_put_upright():
    image = Image.new("RGB", (400, 200), "white")
    image.paste("red", (0, 0, 200, 200))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down: what is left is right
    raw = io.BytesIO()
    image.save(raw, "JPEG", exif=exif)

    with Image.open(io.BytesIO(photos.made_small(raw.getvalue()))) as small:
        left, right = small.getpixel((10, 70)), small.getpixel((photos.SIZE - 10, 70))

    assert left[1] > 200 and right[0] > 200 and right[1] < 90


def test_a_picture_that_would_fill_the_memory_is_refused():
    raw = io.BytesIO()
    Image.new("1", (9000, 9000)).save(raw, "PNG")

    with pytest.raises(Refused):
        photos.made_small(raw.getvalue())
