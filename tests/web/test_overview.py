"""Where people land: the staff on what happened, a client on his portal, a fresh office on the way to go."""

from __future__ import annotations

from models import engine
from models.clients import add_client
from models.settings import utcnow
from tests.cast import Browser


async def hand_in(client: int, name: str) -> None:
    folder = (await engine.raw("SELECT id FROM folder WHERE client = $1 LIMIT 1", client))[0]["id"]
    await engine.raw(
        "INSERT INTO document (folder, client, name, name_key, sha256, size, mime, source, uploaded_at) VALUES ($1, $2, $3, $4, $5, 1, 'text/plain', 'client', $6)",
        folder, client, name, name, "0" * 64, utcnow(),
    )  # fmt: skip


async def test_the_newest_uploads_stand_first(cast, browser):
    await hand_in(cast.bakkerij, "bonnetjes november.pdf")
    async with browser(cast.anna) as anna:
        page = (await anna.get("/")).text
        part = (await anna.htmx("GET", "/overview/uploads")).text

    assert "bonnetjes november.pdf" in page
    assert 'data-live="uploads"' in page
    assert "bonnetjes november.pdf" in part


async def test_restricted_staff_sees_the_uploads_of_his_own_clients(cast, browser):
    foreign = await add_client(cast.anna.clients, number="VREEMD", name="Van Anna", by=cast.anna)
    row = (await engine.raw("SELECT dossier FROM folder WHERE client = $1 LIMIT 1", cast.bakkerij))[0]
    await engine.raw(
        "INSERT INTO folder (dossier, client, name, name_key, created_at) VALUES ($1, $2, 'Los', 'los-vreemd', $3)",
        row["dossier"],
        foreign.id,
        utcnow(),
    )
    await hand_in(foreign.id, "niet voor ed.pdf")
    async with browser(cast.anna) as anna, browser(cast.ed) as ed:
        hers, his = (await anna.get("/")).text, (await ed.get("/")).text

    assert "niet voor ed.pdf" in hers
    assert "niet voor ed.pdf" not in his


async def test_the_roll_out_and_its_parts_refresh_alone(cast, browser):
    async with browser(cast.anna) as anna:
        ring = await anna.htmx("GET", "/overview/rollout")
        work = await anna.htmx("GET", "/overview/tasks")

    assert 'id="overview-rollout"' in ring.text
    assert "stappen klaar" in ring.text
    assert 'id="overview-running"' in work.text


async def test_an_office_without_clients_is_led_through_the_roll_out(cast, browser):
    await engine.raw("DELETE FROM client")
    async with browser(cast.anna) as anna:
        page = (await anna.get("/")).text

    places = [page.index(f'<li><a href="{path}"') for path in ("/groups", "/imports", "/dossiers", "/rollout")]
    assert places == sorted(places)


async def test_a_client_lands_on_his_portal(cast, browser: type[Browser]):
    async with browser(cast.rik) as rik:
        reply = await rik.get("/")

    assert (reply.status_code, reply.headers["location"]) == (303, "/portal")
