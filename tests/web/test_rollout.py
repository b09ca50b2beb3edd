"""The roll-out on the screen: the checklist, the matrix, and opening the gates in a few clicks."""

from __future__ import annotations

import re

import pytest

from models import engine
from models.accounts import User
from models.clients import Client, settle
from models.outbox import Errand
from models.rollout import Opening
from models.settings import utcnow
from tests.jobs.posting import post_all
from tests.models.test_openings import everybody_prepared, let_it_be_due, prepared, start


async def test_the_page_shows_checklist_and_matrix(cast, browser):
    async with browser(cast.anna) as anna:
        page = await anna.get("/rollout")
        steps = await anna.htmx("GET", "/rollout/checklist")
        matrix = await anna.htmx("GET", "/rollout?q=garage")

    assert page.status_code == 200
    assert page.text.count('data-live="rollout') == 2
    assert steps.text.lstrip().startswith('<section id="checklist"')
    assert matrix.text.lstrip().startswith('<div id="matrix"')
    assert "Garage Smit" in matrix.text
    assert "Bakkerij Jansen" not in matrix.text


UNREACHED = "SELECT c.id FROM client c WHERE c.state = 'active' AND NOT EXISTS "
REACHABLE = "SELECT a.person FROM access a JOIN client c ON c.id = a.client WHERE c.state = 'active'"
TO_DO = {
    "people": f"{UNREACHED} (SELECT 1 FROM access a JOIN users u ON u.id = a.person WHERE a.client = c.id AND u.email <> '' AND u.state <> 'blocked')",
    "structure": f"{UNREACHED} (SELECT 1 FROM folder f WHERE f.client = c.id AND f.trashed_at IS NULL)",
    "filled": f"{UNREACHED} (SELECT 1 FROM document d WHERE d.client = c.id AND d.trashed_at IS NULL)",
    "upload": f"{UNREACHED} (SELECT 1 FROM folder f WHERE f.client = c.id AND f.kind = 'upload' AND f.trashed_at IS NULL)",
    "gates": f"SELECT id FROM users WHERE kind = 'client' AND state = 'prepared' AND email <> '' AND id IN ({REACHABLE})",
}


async def something_to_do_everywhere(cast):
    """Garage Smit misses every step; one user has no address, one no client any more, one only an archived client."""
    now = utcnow()
    await engine.raw("UPDATE users SET state = 'prepared' WHERE kind = 'client' AND id <> $1", cast.rik.user.id)
    await engine.raw("UPDATE users SET state = 'active' WHERE id = $1", cast.rik.user.id)
    await engine.raw("DELETE FROM access WHERE client = $1", cast.garage)
    await engine.raw("UPDATE folder SET trashed_at = $1 WHERE client = $2", now, cast.garage)
    await engine.raw("UPDATE document SET trashed_at = $1 WHERE client = $2", now, cast.garage)
    others = [id for name, id in cast.clients.items() if id not in (cast.garage, cast.bakkerij, cast.beheer)]
    await engine.raw("UPDATE client SET state = 'archived' WHERE id = $1", others[0])
    await engine.raw(
        "UPDATE users SET email = '', email_key = '' WHERE id IN (SELECT person FROM access WHERE client = $1)",
        others[1],
    )


@pytest.mark.parametrize("step", TO_DO)
@pytest.mark.parametrize("who", ["anna", "ed"])
async def test_what_is_to_do_leads_to_exactly_those(cast, browser, step, who):
    await something_to_do_everywhere(cast)
    if who == "ed":
        await engine.raw("INSERT INTO responsible (client, person) VALUES ($1, $2)", cast.garage, cast.ed.user.id)
        await settle(people=[cast.ed.user.id])
    viewer = getattr(cast, who)
    async with browser(viewer) as staff:
        page = (await staff.get("/rollout")).text
        link = re.search(rf'id="step-{step}".*?class="todo"><a href="([^"#]*)[^>]*>(\d+) te doen', page, re.S)
        found = (await staff.get(link[1].replace("&amp;", "&"))).text

    scope = viewer.users if step == "gates" else viewer.clients
    mine = {row["id"] for row in await scope.select(User.id if step == "gates" else Client.id)}
    missing = {row["id"] for row in await engine.raw(TO_DO[step])} & mine
    listed = re.findall(r'name="ids" value="(\d+)"', found) or re.findall(r'id="ready-(\d+)"', found)
    assert {int(one) for one in listed} == missing
    assert len(missing) == int(link[2]) > 0


async def test_every_number_to_do_has_a_link(cast, browser):
    await something_to_do_everywhere(cast)
    async with browser(cast.anna) as anna:
        steps = (await anna.htmx("GET", "/rollout/checklist")).text

    assert set(re.findall(r'id="step-(\w+)"(?:(?!</li>).)*\d te doen', steps, re.S)) == set(TO_DO)


@pytest.mark.parametrize("who, letters", [("ready", {"rik"}), ("group", {"sam"}), ("all", {"rik", "sam"})])
async def test_the_gates_open_for_whom_one_chooses(cast, browser, who, letters):
    await everybody_prepared()
    await engine.raw("DELETE FROM access WHERE client NOT IN ($1, $2, $3)", cast.bakkerij, cast.beheer, cast.garage)
    await engine.raw("DELETE FROM access WHERE person NOT IN ($1, $2)", cast.rik.user.id, cast.sam.user.id)
    await engine.raw("DELETE FROM membership")
    row = (await engine.raw("SELECT id, name FROM client_group ORDER BY id LIMIT 1"))[0]
    await engine.raw("INSERT INTO membership (client, client_group) VALUES ($1, $2)", cast.garage, row["id"])
    if who == "ready":
        await engine.raw("UPDATE folder SET trashed_at = $1 WHERE client = $2", utcnow(), cast.garage)
    if who == "all":
        await engine.raw(
            "UPDATE folder SET trashed_at = $1 WHERE client = $2 AND kind = 'upload'", utcnow(), cast.garage
        )
    async with browser(cast.anna) as anna:
        page = (await anna.get("/rollout")).text
        [value] = set(re.findall(rf'<option value="({who}[-\d]*)"', page)) & {who, f"group-{row['id']}"}
        draft = (await anna.get((await anna.post("/rollout/openings", data={"who": value})).headers["location"])).text

    mailed = await engine.raw(
        "SELECT u.email FROM opening_person p JOIN users u ON u.id = p.person "
        "WHERE p.because = '' AND p.opening = (SELECT max(id) FROM opening)"
    )
    assert {one["email"].split("@")[0] for one in mailed} == letters
    assert (f"Groep {row['name']}" in draft) == (who == "group")
    assert ("bij een cliënt die niet klaar is" in draft) == (who == "ready")
    assert ("Dit ontbreekt" in draft) == (who == "all")
    assert who != "all" or re.search(r"Garage Smit</a>: uploadmap", draft)


async def test_a_group_that_is_not_there_opens_nothing(cast, browser):
    async with browser(cast.anna) as anna:
        assert (await anna.post("/rollout/openings", data={"who": "group-9999"})).status_code == 404
        assert (await anna.post("/rollout/openings", data={"who": "group-x"})).status_code == 404


async def test_restricted_staff_see_their_own_clients_only(cast, browser):
    async with browser(cast.ed) as ed:
        page = (await ed.get("/rollout")).text

    assert "Garage Smit" not in page
    assert "Bakkerij Jansen B.V." in page


@pytest.mark.parametrize(
    "query",
    ["page=0", "page=x", "group=abc", "missing=zo", "ready=nee", "sort=drop", "q=%25%5F%27", "group=99999999999"],
)
async def test_a_nonsense_filter_is_no_fault(cast, browser, query):
    async with browser(cast.anna) as anna:
        assert (await anna.get(f"/rollout?{query}")).status_code == 200


async def test_an_empty_office_is_led_by_the_first_step(cast, browser):
    await engine.raw("DELETE FROM client")
    async with browser(cast.anna) as anna:
        page = (await anna.get("/rollout")).text

    assert "Begin bij stap 1" in page
    assert "Nog geen cliënten" in page


async def test_ticking_what_no_data_can_tell(cast, browser):
    async with browser(cast.anna) as anna:
        ticked = await anna.htmx("POST", "/rollout/steps/instructed", data={"done": "1"})
        cleared = await anna.htmx("POST", "/rollout/steps/instructed", data={"done": "0"})
        computed = await anna.post("/rollout/steps/clients", data={"done": "1"})

    assert "Afgevinkt door" in ticked.text
    assert "Afgevinkt door" not in cleared.text.split('id="step-instructed"')[1].split("</li>")[0]
    assert computed.status_code == 422


async def test_switching_dossiers_off_takes_its_steps_away(cast, browser):
    async with browser(cast.anna) as anna:
        await anna.post("/rollout/modules/dossiers", data={"on": "0"})
        without = (await anna.get("/rollout")).text
        await anna.post("/rollout/modules/dossiers", data={"on": "1"})
        again = (await anna.get("/rollout")).text
        payroll = await anna.post("/rollout/modules/payroll", data={"on": "1"})
    async with browser(cast.ed) as ed:
        forbidden = await ed.post("/rollout/modules/dossiers", data={"on": "0"})

    assert 'id="step-structure"' not in without
    assert 'id="step-structure"' in again
    assert payroll.status_code == 422
    assert forbidden.status_code == 403


async def test_from_ticks_to_open_gates(cast, browser):
    await everybody_prepared()
    async with browser(cast.anna) as anna:
        chosen = await anna.post("/rollout/openings", data={"ids": [str(cast.bakkerij), str(cast.beheer)]})
        draft = (await anna.get(chosen.headers["location"])).text
        nothing = await Errand.count()
        started = await anna.htmx("POST", chosen.headers["location"] + "/start")
        again = await anna.post(chosen.headers["location"] + "/start")

    assert "De mail aan" in draft
    assert "Bakkerij Jansen B.V., Jansen Beheer B.V." in draft
    assert nothing == 0
    assert "<undo-countdown" in started.text
    assert again.status_code == 303
    opening = await Opening.objects().order_by(Opening.id, ascending=False).first()
    assert await Errand.count() == opening.people


async def test_the_mail_is_shown_as_it_will_be(cast, browser):
    await everybody_prepared()
    opening = await prepared(cast.anna)
    async with browser(cast.anna) as anna:
        mail = await anna.get(f"/rollout/openings/{opening.id}/mail/{cast.rik.user.id}")
        staff = await anna.get(f"/rollout/openings/{opening.id}/mail/{cast.ed.user.id}")

    assert cast.rik.user.display_name in mail.text
    assert "<li>Bakkerij Jansen B.V.</li><li>Jansen Beheer B.V.</li>" in mail.text
    assert "sandbox" in mail.headers["content-security-policy"]
    assert staff.status_code == 404


async def test_the_mail_shown_is_the_mail_sent(cast, browser, smtp_sink):
    await everybody_prepared()
    opening = await prepared(cast.anna)
    async with browser(cast.anna) as anna:
        shown = (await anna.get(f"/rollout/openings/{opening.id}/mail/{cast.rik.user.id}")).text
    await start(opening, cast.anna)
    await let_it_be_due()
    await post_all()

    sent = next(taken for taken in smtp_sink.taken if taken.address == cast.rik.user.email)
    assert _words(re.sub(r"/welcome/[^\"<]+", "/welcome/…", sent.html)) == _words(shown)


async def test_log_and_page_tell_what_became_of_an_invitation(cast, browser, smtp_sink):
    await everybody_prepared()
    rik, fem = cast.rik.user, cast.fem.user
    smtp_sink.refuse(fem.email)
    await start(await prepared(cast.anna), cast.anna)
    await let_it_be_due()
    await post_all()
    link = next(taken.link for taken in smtp_sink.taken if taken.address == rik.email)
    async with browser(cast.vic) as vic:
        await vic.get(link)
    async with browser(cast.anna) as anna:
        log = (await anna.get(f"/clients/{cast.bakkerij}/log")).text
        garage = (await anna.get(f"/clients/{cast.garage}/log")).text
        of_rik, of_fem = [(await anna.get(f"/users/{one.id}")).text for one in (rik, fem)]

    handed = (
        f"<strong>Het systeem</strong> gaf de uitnodiging van {rik.display_name} aan {rik.email} af bij de mailserver"
    )
    refused = f"<strong>Het systeem</strong> kreeg de uitnodiging van {fem.display_name} niet bezorgd: {fem.email} is geweigerd"
    opened = f"<strong>{rik.display_name}</strong> opende de link in zijn uitnodiging"
    invited = f"<strong>Anna de Wit</strong> nodigde {rik.display_name} uit"
    assert all(words in log for words in (handed, refused, opened, invited))
    assert handed in of_rik and opened in of_rik and refused not in of_rik
    assert refused in of_fem and opened not in of_fem
    assert rik.display_name not in garage


async def test_names_of_clients_that_staff_do_not_see_are_counted_only(cast, browser):
    await everybody_prepared()
    await engine.raw("DELETE FROM responsible WHERE client = $1 AND person = $2", cast.beheer, cast.ed.user.id)
    await settle(people=[cast.ed.user.id])
    opening = await prepared(cast.ed)
    async with browser(cast.ed) as ed:
        mail = (await ed.get(f"/rollout/openings/{opening.id}/mail/{cast.rik.user.id}")).text
        page = (await ed.get(f"/rollout/openings/{opening.id}")).text

    assert "Bakkerij Jansen B.V." in mail
    assert "Jansen Beheer" not in mail + page
    assert "en nog één" in mail


async def test_undoing_in_time_and_too_late(cast, browser):
    await everybody_prepared()
    opening = await prepared(cast.anna)
    await start(opening, cast.anna)
    async with browser(cast.anna) as anna:
        undone = await anna.post(f"/rollout/openings/{opening.id}/undo")
        page = (await anna.get(undone.headers["location"])).text
        second = await prepared(cast.anna)
        await start(second, cast.anna)
        await let_it_be_due()
        await engine.raw("UPDATE errand SET state = 'done' WHERE state = 'waiting'")
        late = await anna.post(f"/rollout/openings/{second.id}/undo")

    assert "Ongedaan gemaakt" in page
    assert late.status_code == 422
    assert "Te laat" in late.text


async def test_the_list_is_filtered_by_fate_and_is_live(cast, browser):
    await everybody_prepared()
    opening = await prepared(cast.anna)
    await start(opening, cast.anna)
    await engine.raw("UPDATE errand SET state = 'refused', said = '550 onbekend' WHERE person = $1", cast.sam.user.id)
    async with browser(cast.anna) as anna:
        page = (await anna.get(f"/rollout/openings/{opening.id}")).text
        refused = (await anna.htmx("GET", f"/rollout/openings/{opening.id}/people?fate=refused")).text
        sent = await anna.htmx("POST", f"/rollout/openings/{opening.id}/people/{cast.sam.user.id}/copies")

    assert f'data-live="opening-{opening.id} users"' in page
    assert "550 onbekend" in refused
    assert cast.rik.user.email not in refused
    assert sent.status_code == 200
    assert await Errand.count().where((Errand.person == cast.sam.user.id) & (Errand.state == "waiting")) == 1


async def test_all_matching_invites_who_matches_the_filter(cast, browser):
    await everybody_prepared()
    async with browser(cast.anna) as anna:
        reply = await anna.post("/rollout/openings", data={"all_matching": "1", "q": "garage smit"})
        nobody = await anna.post("/rollout/openings", data={"ids": []})

    rows = await engine.raw(
        "SELECT person FROM opening_person WHERE opening = $1", int(reply.headers["location"].split("/")[-1])
    )
    assert [row["person"] for row in rows] == [cast.sam.user.id]
    assert nobody.status_code == 422


async def test_many_clients_cost_no_more_queries(cast, browser):
    """Twelve at most, whatever the number of rows."""
    now = utcnow()
    async with engine.writing():
        await engine.copy_rows(
            "client",
            ("number", "number_key", "name", "sort_key", "search_key", "created_at"),
            [(f"9{n:05}", f"9{n:05}", f"Proef {n}", f"proef {n:05}", f" proef {n}", now) for n in range(2000)],
        )
    async with browser(cast.anna) as anna:
        await anna.get("/rollout")
        with engine.count_queries() as queries:
            page = await anna.get("/rollout?page=3")

    assert "Proef" in page.text
    assert queries.n <= 12


def _words(html: str) -> list[str]:
    return html.split()


async def test_the_checklist_leads_to_the_clients_for_whom_nobody_could_approve(cast, browser):
    from models.approvals.records import ApprovalPlan
    from models.core import save
    from models.settings import Firm, utcnow

    await save(await Firm.load(), modules="dossiers,approvals")
    await ApprovalPlan(
        client=None, kind=None, steps='[{"mode": "all", "n": 1, "who": [{"role": "director"}]}]', changed_at=utcnow()
    ).save()
    async with browser(cast.anna) as anna:
        page = await anna.get("/rollout")
        listed = await anna.get("/clients?missing=signer")

    assert "Wie akkoord geeft" in page.text and "kan niemand iets accorderen" in page.text
    assert 'href="/clients?missing=signer"' in page.text and "/clients?unsigned=" in page.text
    assert "Garage Smit" in listed.text and "Bakkerij Jansen B.V." in listed.text
