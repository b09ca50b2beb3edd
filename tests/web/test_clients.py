"""The list of clients and one client's pages, as somebody of the office meets them."""

from __future__ import annotations

import io
import re

import pytest
from openpyxl import load_workbook  # type: ignore[import-untyped]

from models import engine
from models.bulk import KINDS
from models.clients import add_client, add_group, lists
from models.settings import utcnow


async def many(count: int) -> None:
    """Clients of a size at which a query per row would show."""
    rows = [
        (f"M{n}", f"m{n:012}", f"Méér {n:04}", f"meer {n:04}", f" m{n} meer {n:04}", utcnow()) for n in range(count)
    ]
    await engine.copy_rows("client", ("number", "number_key", "name", "sort_key", "search_key", "created_at"), rows)


async def details_form(page: str) -> dict[str, str]:
    fields = dict(re.findall(r'<input[^>]*\bname="([a-z_]+)"[^>]*\bvalue="([^"]*)"', page))
    fields.pop("q", None)
    return {name: value for name, value in fields.items() if name not in ("groups", "people")}


@pytest.mark.parametrize(
    "path",
    ["/clients", "/clients?page=3", "/clients?q=meer&sort=-city&missing=users", "/groups", "/", "/search?q=meer"],
)
async def test_a_page_asks_no_more_for_many_clients(cast, browser, path):
    await many(400)
    async with browser(cast.anna) as anna:
        with engine.count_queries(keep=True) as counter:
            reply = await anna.get(path)

    assert reply.status_code == 200
    assert counter.n <= 12, "\n".join(counter.statements)


async def test_the_list_is_paged_by_the_server(cast, browser):
    await many(400)
    async with browser(cast.anna) as anna:
        first, third, beyond = [(await anna.get(f"/clients?q=meer&page={n}")).text for n in (1, 3, 99)]

    assert first.count('class="row-link"') == 50
    assert "Méér 0100" in third
    assert "Méér 0000" not in third
    assert "Méér 0399" in beyond
    assert "page=2" in first


async def test_typing_in_the_filter_gets_the_table_alone(cast, browser):
    async with browser(cast.anna) as anna:
        reply = await anna.htmx("GET", "/clients?q=jansen")

    assert reply.text.lstrip().startswith('<div id="clients-table"')
    assert reply.text.count('class="row-link"') == 2
    assert '<hx-partial hx-target="#page-count"' in reply.text


async def test_the_head_counts_what_the_filter_leaves(cast, browser):
    async with browser(cast.anna) as anna:
        whole, some = (await anna.get("/clients")).text, (await anna.htmx("GET", "/clients?q=bakkerij")).text

    assert whole.count("hx-partial") == 0
    counts = [
        int(re.search(pattern, page)[1])
        for pattern, page in ((r'id="page-count">(\d+)<', whole), (r'innerHTML">(\d+)<', some))
    ]
    assert counts[0] > counts[1] == some.count('class="row-link"')


@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "page=x",
        "page=9999999999999",
        "group=a&responsible=-1",
        "sort=drop",
        "state=zo&missing=x",
        "q=%00%25",
        "q=" + "x" * 900,
    ],
)
async def test_a_nonsense_address_is_no_fault(cast, browser, query):
    async with browser(cast.anna) as anna:
        assert (await anna.get(f"/clients?{query}")).status_code == 200


async def test_a_client_is_added_and_found(cast, browser):
    async with browser(cast.anna) as anna:
        reply = await anna.post(
            "/clients/new",
            data={"number": "00077", "name": "Éénoog <b>&</b> Zn", "kvk": "12345678", "since": "1-2-2020"},
        )
        page = await anna.get(reply.headers["location"])
        found = await anna.get("/clients?q=eenoog")

    assert reply.status_code == 303
    assert "Éénoog &lt;b&gt;&amp;&lt;/b&gt; Zn" in page.text
    assert "00077" in found.text


async def test_every_wrong_field_is_named_and_nothing_typed_is_lost(cast, browser):
    typed = {
        "number": "1",
        "name": "x" * 500,
        "kvk": "12",
        "postcode": "9",
        "email": "geen",
        "since": "31-02-2020",
        "city": "Zeist",
    }
    async with browser(cast.anna) as anna:
        reply = await anna.post("/clients/new", data=typed)

    assert reply.status_code == 422
    for words in ("Dit is 500 tekens; er passen er 200.", "geen KvK-nummer", "geen postcode", "geen e-mailadres"):
        assert words in reply.text
    for value in typed.values():
        assert f'value="{value}"' in reply.text


async def test_a_number_in_use_is_said_beside_the_number(cast, browser):
    await add_client(cast.anna.clients, number="00077", name="Eerste", by=cast.anna)
    async with browser(cast.anna) as anna:
        reply = await anna.post("/clients/new", data={"number": "00077", "name": "Tweede"})

    assert reply.status_code == 422
    assert "al in gebruik" in reply.text


async def test_details_are_shown_and_saved(cast, browser):
    async with browser(cast.anna) as anna:
        form = await details_form((await anna.get(f"/clients/{cast.bakkerij}/details")).text)
        reply = await anna.post(f"/clients/{cast.bakkerij}/details", data={**form, "city": "Zeist"})
        page = await anna.get(f"/clients/{cast.bakkerij}")

    assert reply.status_code == 303
    assert "Zeist" in page.text


async def test_two_browsers_that_edit_the_same_client_lose_nothing(cast, browser):
    path = f"/clients/{cast.bakkerij}/details"
    async with browser(cast.anna) as anna, browser(cast.anna) as other:
        form = await details_form((await anna.get(path)).text)
        await other.post(path, data={**form, "city": "Utrecht"})
        late = await anna.post(path, data={**form, "city": "Zeist", "sector": "Bakkers"})
        again = await anna.post(path, data=await details_form(late.text))
        page = await anna.get(path)

    assert late.status_code == 422
    assert "Iemand anders wijzigde" in late.text
    assert 'value="Zeist"' in late.text
    assert "<strong>Utrecht</strong>" in late.text
    assert again.status_code == 303
    assert 'value="Zeist"' in page.text


async def test_archiving_many_is_shown_first_and_undone_from_the_report(cast, browser):
    async with browser(cast.anna) as anna:
        chosen = {"kind": "archive", "about": "clients", "ids": [cast.bakkerij, cast.garage]}
        reply = await anna.post("/bulk", data=chosen)
        look = await anna.get(reply.headers["location"])
        untouched = (await cast.anna.clients.get(cast.garage)).state
        await anna.post(f"{reply.headers['location']}/start")
        done = await anna.get(reply.headers["location"])
        archived = (await cast.anna.clients.get(cast.garage)).state
        await anna.post(f"{reply.headers['location']}/undo")
        after = await anna.get(reply.headers["location"])

    assert (
        reply.status_code == 303 and "Archiveren: 2 wijzigen" in look.text and "Er is nog niets gewijzigd" in look.text
    )
    assert (untouched, archived) == ("active", "archived")
    assert "Verslag als .xlsx" in done.text and "Ongedaan maken" in done.text
    assert "Teruggezet" in after.text and (await cast.anna.clients.get(cast.garage)).state == "active"


async def test_all_that_match_join_a_group(cast, browser):
    group = await add_group(cast.anna.groups, name="Familie Jansen", by=cast.anna)
    async with browser(cast.anna) as anna:
        reply = await anna.post(
            "/bulk", data={"kind": "join_group", "about": "clients", "all_matching": "1", "q": "jansen"}
        )
        at = reply.headers["location"]
        unchosen = await anna.htmx("POST", f"{at}/choices", data={"group": ""})
        look = await anna.htmx("POST", f"{at}/choices", data={"group": group.id})
        await anna.post(f"{at}/start")
        book = await anna.get(f"{at}/report")

    assert unchosen.status_code == 422 and "Kies een groep." in unchosen.text
    assert "In een groep zetten: 2 wijzigen" in look.text
    assert await lists.count(cast.anna, lists.Filter(group=group.id)) == 2
    rows = list(load_workbook(io.BytesIO(book.content)).active.iter_rows(values_only=True))
    assert [row[:2] for row in rows] == [
        ("Naam", "Wat er gebeurde"), ("Bakkerij Jansen B.V.", "Gewijzigd"), ("Jansen Beheer B.V.", "Gewijzigd")
    ]  # fmt: skip


@pytest.mark.parametrize(
    "data", [{"kind": "archive"}, {"ids": "1"}, {"kind": "nonsens", "ids": "1"}, {"kind": "block", "about": "users"}]
)
async def test_a_bulk_change_without_a_choice_says_so(cast, browser, data):
    async with browser(cast.anna) as anna:
        reply = await anna.post("/bulk", data=data)
        page = await anna.get(reply.headers["location"])

    assert reply.status_code == 303
    assert "Kies " in page.text and "flash" not in reply.headers["location"]
    assert not await engine.raw("SELECT 1 AS one FROM bulk_act")


async def test_ed_archives_nothing_that_is_not_his(cast, browser):
    foreign = await add_client(cast.anna.clients, number="VREEMD", name="Van Anna", by=cast.anna)
    async with browser(cast.ed) as ed:
        await ed.post("/bulk", data={"kind": "archive", "ids": [foreign.id]})

    assert (await cast.anna.clients.get(foreign.id)).state == "active"
    assert not await engine.raw("SELECT 1 AS one FROM bulk_act")


async def test_every_act_shows_what_it_asks_and_then_its_look(cast, browser):
    answers = {
        "group": "1", "person": cast.ed.user.id, "roles": ["tax"], "tone": "informal", "office": "0", "every": "1", "role": "lezer",
        "unnamed": "client", "language": "en", "digest": "never", "approval_kind": "0", "plan": "own", "mode-1": "all", "who-1": "role:director",
        "right": "4", "approver_role": "director",
    }  # fmt: skip
    async with browser(cast.anna) as anna:
        for name, kind in KINDS.items():
            reply = await anna.post("/bulk", data={"kind": name, "about": kind.about, "all_matching": "1"})
            at = reply.headers["location"]
            page = await anna.get(at)
            asked = {
                "group": (await engine.raw("SELECT min(id) AS id FROM client_group"))[0]["id"],
                "sector": (await engine.raw("SELECT min(id) AS id FROM sector"))[0]["id"],
            }
            if kind.asks:
                assert "Kies wat er gebeurt" in page.text, name
                looked = await anna.post(f"{at}/choices", data=answers | asked)
                assert looked.status_code == 303, (name, looked.text[:3000])
                page = await anna.get(at)
            assert "Wat er gebeurt" in page.text and "Per " in page.text, name
        listed = await anna.get("/bulk")

    assert listed.text.count("row-link") == len(KINDS)


async def test_a_plan_for_many_is_built_step_by_step_and_read_before_it_is_set(cast, browser):
    typed = {"approval_kind": "0", "plan": "own", "mode-1": "any", "who-1": ["role:director", "role:partner"]}
    async with browser(cast.anna) as anna:
        made = await anna.post("/bulk", data={"kind": "set_plan", "ids": [cast.garage]})
        at = made.headers["location"]
        empty = await anna.post(f"{at}/choices", data={"plan": "own", "mode-1": "all"})
        more = await anna.post(f"{at}/choices", data=typed | {"do": "add"})
        await anna.post(f"{at}/choices", data=typed | {"mode-2": "all", "who-2": "role:payroll"})
        look = (await anna.get(at)).text
        await anna.post(f"{at}/start", data={})
        done, book = await anna.get(at), await anna.get(f"{at}/report")

    assert empty.status_code == 422 and "Kies in minstens één stap" in empty.text
    assert 'name="mode-2"' in more.text and 'value="role:partner" checked' in more.text
    assert "één van: Directeur en Fiscaal partner, daarna Salariscontact" in look and "Geen eigen plan" in look
    assert "Ongedaan maken" in done.text and book.status_code == 200


async def test_who_gets_a_role_is_shown_by_name(cast, browser):
    async with browser(cast.anna) as anna:
        made = await anna.post("/bulk", data={"kind": "give_approver_role", "ids": [cast.bakkerij, cast.garage]})
        await anna.post(f"{made.headers['location']}/choices", data={"right": "1", "approver_role": "director"})
        look = (await anna.get(made.headers["location"])).text

    assert cast.sam.user.full_name in look and cast.rik.user.full_name in look


async def test_inviting_only_prepares(cast, browser):
    async with browser(cast.anna) as anna:
        reply = await anna.post("/clients/invitations", data={"ids": [cast.bakkerij]})

    assert re.fullmatch(r"/rollout/openings/\d+", reply.headers["location"])
    assert not await engine.raw("SELECT 1 FROM errand WHERE kind = 'invitation' AND state = 'waiting'")


async def test_copying_a_structure_shows_first_what_it_would_add(cast, browser):
    structure = (await engine.raw("SELECT id FROM dossier WHERE kind = 'standard'"))[0]["id"]
    async with browser(cast.anna) as anna:
        some = await anna.post(
            "/clients/structures", data={"structure": structure, "ids": [cast.bakkerij, cast.garage]}
        )
        named = await anna.post(
            "/clients/structures", data={"structure": structure, "all_matching": "1", "q": "jansen"}
        )
        everyone = await anna.post("/clients/structures", data={"structure": structure, "all_matching": "1"})
        pages = [(await anna.get(reply.headers["location"])) for reply in (some, named, everyone)]
        unchosen = await anna.post("/clients/structures", data={"ids": [cast.bakkerij]})

    assert [page.status_code for page in pages] == [200, 200, 200]
    assert "Garage Smit" in pages[0].text
    assert "Jansen Beheer" in pages[1].text
    assert "Garage Smit" not in pages[1].text
    assert unchosen.status_code == 422


async def test_the_export_holds_the_filtered_list_as_text(cast, browser):
    await add_client(cast.anna.clients, number="00700", name="=1+1 Jansen", by=cast.anna)
    async with browser(cast.anna) as anna:
        reply = await anna.get("/clients/export?q=jansen&sort=number")

    rows = list(load_workbook(io.BytesIO(reply.content)).active.iter_rows(values_only=True))
    assert rows[0][:2] == ("Nummer", "Naam")
    assert ("00700", "=1+1 Jansen") in [row[:2] for row in rows]
    assert len(rows) == 4


async def test_a_client_at_a_glance(cast, browser):
    async with browser(cast.anna) as anna:
        with engine.count_queries() as counter:
            page = (await anna.get(f"/clients/{cast.bakkerij}")).text

    assert counter.n <= 12
    for words in ("Bakkerij Jansen B.V.", "rik@bakkerij-jansen.example", "Meekijken", "Gereedheid"):
        assert words in page


async def test_the_log_tells_what_was_done(cast, browser):
    async with browser(cast.anna) as anna:
        await anna.post(f"/clients/{cast.bakkerij}/archive")
        await anna.get("/clients")  # takes the toast away
        reply = await anna.get(f"/clients/{cast.bakkerij}/log")

    assert reply.status_code == 200
    assert re.search(r"<strong>Anna de Wit</strong> [^<]*archiveerde", reply.text, re.IGNORECASE)


@pytest.mark.parametrize("tail", ["", "/details", "/log"])
async def test_who_does_not_see_a_client_sees_no_page_of_it(cast, browser, tail):
    foreign = await add_client(cast.anna.clients, number="VREEMD", name="Van Anna", by=cast.anna)
    async with browser(cast.ed) as ed, browser(cast.rik) as rik:
        assert (await ed.get(f"/clients/{foreign.id}{tail}")).status_code == 404
        assert (await rik.get(f"/clients/{foreign.id}{tail}")).status_code == 404
