"""Walks every route there is as everybody who has no business there: strangers get 404, never a glimpse and never a change."""

from __future__ import annotations

import re
from typing import Any

import pytest

from models import engine
from models.accounts import User
from models.core import save
from models.viewer import Viewer
from tests.cast import Browser, Cast, as_viewer, browser_of
from web.__main__ import route_lines
from web.routing import ACTIONS, Access, Action

route_lines()
PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
WITH_PARAMETER = [a for a in ACTIONS if PARAMETER.search(a.path)]

# parameters that are secrets or names of files, and lead nowhere by guessing
GUESSED = {
    "batch": 987654,
    "role_id": 987654,
    "mandate_id": 987654,
    "verb": "geen",
    "kind": "nothing",
    "token": "A" * 43,
    "path": "nothing.css",
    "version": "1",
    "sha256": "0" * 64,
    "key": "nothing",
    "step": "nothing",
    "number": 1,
    "name": "nothing",
}

# Bakkerij Jansen's own, and the people's whose it is: none of it exists for sam
OWNED = {
    "client_id": "SELECT id FROM client WHERE name = 'Bakkerij Jansen B.V.'",
    "user_id": "SELECT id FROM users WHERE email = 'fem@bakkerij-jansen.example'",
    "folder_id": "SELECT min(f.id) AS id FROM folder f JOIN client c ON c.id = f.client WHERE c.name = 'Bakkerij Jansen B.V.'",
    "document_id": "SELECT min(d.id) AS id FROM document d JOIN client c ON c.id = d.client WHERE c.name = 'Bakkerij Jansen B.V.'",
    "dossier_id": "SELECT d.id FROM dossier d JOIN client c ON c.id = d.client WHERE c.name = 'Bakkerij Jansen B.V.'",
    "group_id": "SELECT min(id) AS id FROM client_group",
    "opening_id": "SELECT min(id) AS id FROM opening",
    "template_id": "SELECT min(id) AS id FROM rights_template",
    "class_id": "SELECT min(id) AS id FROM retention_class",
    "sector_id": "SELECT min(id) AS id FROM sector",
    "errand_id": "SELECT min(id) AS id FROM errand",
    "letter_template_id": "SELECT min(id) AS id FROM letter_template",
    "access_id": "SELECT min(a.id) AS id FROM access a JOIN client c ON c.id = a.client WHERE c.name = 'Bakkerij Jansen B.V.'",
}


async def ids() -> dict[str, Any]:
    found: dict[str, Any] = dict(GUESSED)
    for name, sql in OWNED.items():
        found[name] = (await engine.raw(sql))[0]["id"]
    anna = (await engine.raw("SELECT id FROM users WHERE email = 'anna@kantoor.example'"))[0]["id"]
    async with engine.writing():
        await engine.raw(
            "INSERT INTO task (kind, owner, created_at, state) SELECT 'plan_import', $1, created_at, 'done' FROM users WHERE id = $1",
            anna,
        )
        await engine.raw(
            "INSERT INTO bulk_act (kind, about, owner, created_at, chosen) SELECT 'archive', 'clients', id, created_at, 0 FROM users WHERE id = $1",
            anna,
        )
        await engine.raw(
            "INSERT INTO approval_run (\"do\", owner, created_at) SELECT 'withdraw', id, created_at FROM users WHERE id = $1",
            anna,
        )
        await engine.raw(
            "INSERT INTO import_batch (kind, state, file_name, sha256, created_by, created_at) "
            "SELECT 'clients', 'planned', 'a.csv', '', $1, created_at FROM users WHERE id = $1",
            anna,
        )
        await engine.raw(
            "INSERT INTO draft (person, path, fields, created_at) SELECT $1, '/', '', created_at FROM users WHERE id = $1",
            anna,
        )
        await engine.raw(
            "INSERT INTO staff_group (name, name_key, created_at) SELECT 'Salarissen', 'salarissen', created_at FROM users WHERE id = $1",
            anna,
        )
        await engine.raw(
            "INSERT INTO trusted_device (person, token_hash, created_at, expires_at) "
            "SELECT $1, 'none', created_at, created_at FROM users WHERE id = $1",
            anna,
        )
        await engine.raw(
            'INSERT INTO proposal (client, person, changes, proposed_at) SELECT c.id, u.id, \'{"city": ["", "Zeist"]}\', u.created_at '
            "FROM client c, users u WHERE c.name = 'Bakkerij Jansen B.V.' AND u.email = 'rik@bakkerij-jansen.example'"
        )
        await engine.raw(
            "INSERT INTO privacy_request (person, kind, asked_on, due_on) SELECT id, 'access', '2026-11-01', '2026-12-01' "
            "FROM users WHERE id = $1",
            anna,
        )
        await engine.raw(
            "INSERT INTO lost_factor (person, asked_at) SELECT id, created_at FROM users WHERE id = $1", anna
        )
        await engine.raw(
            "INSERT INTO identity_provider (kind, name, issuer, client_id, created_at) "
            "SELECT 'other', 'Werk', 'http://127.0.0.1:9', 'poort', created_at FROM users WHERE id = $1",
            anna,
        )
        await engine.raw(
            "INSERT INTO office (name, name_key, created_at) SELECT 'Zeist', 'zeist', created_at FROM users WHERE id = $1",
            anna,
        )
        await engine.raw(
            "INSERT INTO import_mapping (name, name_key, kind, created_at) "
            "SELECT 'Pakket', 'pakket', 'clients', created_at FROM users WHERE id = $1",
            anna,
        )
        await engine.raw(
            "INSERT INTO document_request (client, title, batch, made_at) SELECT c.id, 'Jaarstukken', 'een', c.created_at "
            "FROM client c WHERE c.name = 'Bakkerij Jansen B.V.'"
        )
        await engine.raw(
            "INSERT INTO request_item (request, client, title) SELECT r.id, r.client, 'Kassaboek' FROM document_request r"
        )
        await engine.raw(
            "INSERT INTO upload_link (client, purpose, token_hash, nonce, expires_at, max_files, max_bytes, made_at) "
            "SELECT id, 'akte', 'none', 'none', created_at, 1, 1, created_at FROM client WHERE name = 'Bakkerij Jansen B.V.'"
        )
        await engine.raw(
            "INSERT INTO placement (created_by, created_at, touched_at) SELECT id, created_at, created_at FROM users WHERE id = $1",
            anna,
        )
        await engine.raw(
            "INSERT INTO placement_file (placement, path, name) SELECT max(id), 'a.pdf', 'a.pdf' FROM placement"
        )
        await engine.raw(
            "INSERT INTO placement (purpose, created_by, created_at, touched_at) SELECT 'approvals', id, created_at, created_at FROM users WHERE id = $1",
            anna,
        )
        await engine.raw("INSERT INTO offering (placement) SELECT max(id) FROM placement")
        await engine.raw(
            "INSERT INTO document_mailing (client, documents, token, made_by, made_at) SELECT c.id, '[]', 'een', $1, c.created_at FROM client c WHERE c.name = 'Bakkerij Jansen B.V.'",
            anna,
        )
        await engine.raw(
            "INSERT INTO approval_request (client, kind, made_at) SELECT c.id, k.id, c.created_at FROM client c, approval_kind k "
            "WHERE c.name = 'Bakkerij Jansen B.V.' AND k.position = 0"
        )
        await engine.raw(
            "INSERT INTO approval_document (request, client, name, sha256, blob, size, mime) "
            "SELECT id, client, 'btw.pdf', '0', '0', 9, 'application/pdf' FROM approval_request"
        )
        await engine.raw(
            "INSERT INTO approval_former_part (request, client, document, version, name, sha256, blob, size, mime, replaced_at) "
            "SELECT d.request, d.client, d.id, 1, d.name, d.sha256, d.blob, d.size, d.mime, r.made_at FROM approval_document d JOIN approval_request r ON r.id = d.request"
        )
        await engine.raw(
            "INSERT INTO api_token (name, digest, scopes, person, made_at) SELECT 'Pakket', 'x', 'read', id, created_at FROM users WHERE id = $1",
            anna,
        )
        await engine.raw(
            "INSERT INTO webhook (name, address, sealed_secret, made_at) SELECT 'Pakket', 'https://pakket.example/', 'x', created_at FROM users WHERE id = $1",
            anna,
        )
        await engine.raw(
            "INSERT INTO webhook_delivery (webhook, message, event, body, state, run_after, made_at) "
            "SELECT id, 'msg_1', 'test', '{}', 'delivered', made_at, made_at FROM webhook"
        )
        await engine.raw(
            "INSERT INTO letter_batch (template_name, kind, made_by, made_at, dated_on) SELECT 'Pincode', 'pin', id, created_at, '2026-12-01' "
            "FROM users WHERE id = $1",
            anna,
        )
        await engine.raw(
            "INSERT INTO letter (batch, person, kind) SELECT b.id, u.id, 'pin' FROM letter_batch b, users u WHERE u.email = 'rik@bakkerij-jansen.example'"
        )
        await engine.raw("INSERT INTO request_template (name, name_key) VALUES ('Aangifte', 'aangifte')")
        await engine.raw(
            "INSERT INTO dossier_act (dossier, person, kind, at) SELECT min(d.id), $1, 'move', min(d.created_at) FROM dossier d",
            anna,
        )
        await engine.raw(
            "INSERT INTO structure_run (kind, name, year, person, at) SELECT 'copy', 'Jaarrekening', 2026, $1, created_at FROM users WHERE id = $1",
            anna,
        )
        await engine.raw(
            "INSERT INTO dossier_export (client, person, state, at) SELECT c.id, $1, 'making', c.created_at FROM client c "
            "WHERE c.name = 'Bakkerij Jansen B.V.'",
            anna,
        )
        await engine.raw(
            "INSERT INTO dossier_import (file_name, sha256, size, person, at) SELECT 'a.zip', '', 1, $1, created_at FROM users WHERE id = $1",
            anna,
        )
        await engine.raw(
            "INSERT INTO saved_view (person, about, name, name_key) VALUES ($1, 'clients', 'Zeist', 'zeist')", anna
        )
        await engine.raw(
            "INSERT INTO destruction (kind, state, as_of, made_at) SELECT 'now', 'proposed', '2026-11-30', created_at FROM users WHERE id = $1",
            anna,
        )
        await engine.raw(
            "INSERT INTO hold (name, reason, since, made_at) SELECT 'Zaak', 'Beroep', '2026-11-30', created_at FROM users WHERE id = $1",
            anna,
        )
        await engine.raw(
            "INSERT INTO passkey (person, credential_id, public_key, name, created_at) "
            "SELECT $1, 'none', '', 'Laptop', created_at FROM users WHERE id = $1",
            anna,
        )
        await engine.raw(
            "INSERT INTO session (token_hash, person, created_at, seen_at, expires_at) "
            "SELECT 'none', $1, created_at, created_at, created_at FROM users WHERE id = $1",
            anna,
        )
        await engine.raw(
            "INSERT INTO drop_receipt (person, client, key, place, begun_at) SELECT u.id, c.id, 'een', 'Salaris', c.created_at "
            "FROM client c, users u WHERE c.name = 'Bakkerij Jansen B.V.' AND u.email = 'rik@bakkerij-jansen.example'"
        )
        await engine.raw(
            "INSERT INTO upload (person, receipt, client, key, name, size, begun_at, expires_at) "
            "SELECT r.person, r.id, r.client, '0123456789abcdef0123456789abcdef', 'a.pdf', 9, r.begun_at, r.begun_at FROM drop_receipt r"
        )
    found["offering_id"] = (await engine.raw("SELECT max(placement) AS id FROM offering"))[0]["id"]
    for name, table in (
        ("receipt_id", "drop_receipt"),
        ("upload_id", "upload"),
        ("task_id", "task"),
        ("bulk_id", "bulk_act"),
        ("change_id", "approval_run"),
        ("import_id", "import_batch"),
        ("mapping_id", "import_mapping"),
        ("draft_id", "draft"),
        ("session_id", "session"),
        ("staff_group_id", "staff_group"),
        ("passkey_id", "passkey"),
        ("trusted_id", "trusted_device"),
        ("proposal_id", "proposal"),
        ("view_id", "saved_view"),
        ("office_id", "office"),
        ("request_id", "privacy_request"),
        ("lost_factor_id", "lost_factor"),
        ("provider_id", "identity_provider"),
        ("act_id", "dossier_act"),
        ("list_id", "destruction"),
        ("hold_id", "hold"),
        ("kind_id", "document_kind"),
        ("run_id", "structure_run"),
        ("export_id", "dossier_export"),
        ("arrival_id", "dossier_import"),
        ("placing_id", "placement WHERE purpose = 'dossier'"),
        ("file_id", "placement_file"),
        ("mailing_id", "document_mailing"),
        ("asking_id", "document_request"),
        ("item_id", "request_item"),
        ("link_id", "upload_link"),
        ("request_template_id", "request_template"),
        ("approval_id", "approval_request"),
        ("part_id", "approval_document"),
        ("former_id", "approval_former_part"),
        ("batch_id", "letter_batch"),
        ("letter_id", "letter"),
        ("api_token_id", "api_token"),
        ("webhook_id", "webhook"),
        ("delivery_id", "webhook_delivery"),
    ):
        found[name] = (await engine.raw(f"SELECT max(id) AS id FROM {table}"))[0]["id"]
    return found


async def ask(browser: Browser, action: Action, found: dict[str, Any], prefix: str = "") -> Any:
    names = PARAMETER.findall(action.path)
    assert set(names) <= set(found), f"tests/test_strangers.py does not know {set(names) - set(found)} of {action.path}"
    path = prefix + PARAMETER.sub(lambda m: str(found[m[1]]), action.path)
    if action.method == "GET":
        return await browser.get(path)
    if action.method == "POST":
        return await browser.post(path, data={"name": "Gestolen", "x": "y"})
    return await browser.request(action.method, path)


async def everything() -> str:
    """A digest of all rows but those that a look alone may touch."""
    names = [
        "client",
        "users",
        "access",
        "folder",
        "document",
        "dossier",
        "client_group",
        "membership",
        "opening",
        "import_batch",
        "upload",
        "errand",
        "link",
    ]
    parts = []
    for name in names:
        rows = await engine.raw(f"SELECT * FROM {name} ORDER BY id")
        parts.append(repr(rows))
    return "\n".join(parts)


@pytest.mark.parametrize("who", ["sam", "fem"])
async def test_another_clients_user_finds_nothing(cast: Cast, who: str) -> None:
    """fem has payroll rights only: the dossier of her own client does not exist for her, nor do other people."""
    found, before, wrong = await ids(), await everything(), []
    found["user_id"] = cast.rik.user.id
    async with browser_of(cast.everybody[who]) as browser:
        for action in WITH_PARAMETER:
            if action.access is Access.PUBLIC or (who == "fem" and "client_id" in action.path):
                continue
            reply = await ask(browser, action, found)
            if reply.status_code != 404:
                wrong.append((action.method, action.path, reply.status_code))

    assert not wrong
    assert await everything() == before


async def test_staff_find_only_their_own_clients(cast: Cast) -> None:
    found, before, wrong = await ids(), await everything(), []
    for name in ("client_id", "folder_id", "document_id", "dossier_id", "access_id"):
        found[name] = (await engine.raw(OWNED[name].replace("Bakkerij Jansen B.V.", "Garage Smit")))[0]["id"]
    found["user_id"] = cast.sam.user.id
    theirs = {"client_id", "folder_id", "document_id", "dossier_id", "access_id", "user_id"}
    async with browser_of(cast.ed) as browser:
        for action in WITH_PARAMETER:
            if action.access in (Access.PUBLIC, Access.CLIENT) or not theirs & set(PARAMETER.findall(action.path)):
                continue
            reply = await ask(browser, action, found)
            if reply.status_code != 404:
                wrong.append((action.method, action.path, reply.status_code))

    assert not wrong
    assert await everything() == before


async def test_the_office_does_not_exist_for_clients(cast: Cast) -> None:
    found, before, wrong = await ids(), await everything(), []
    async with browser_of(cast.rik) as browser:
        for action in ACTIONS:
            if action.access is Access.STAFF and action.path != "/":  # leads a client to his portal
                reply = await ask(browser, action, found)
                if reply.status_code != 404:
                    wrong.append((action.method, action.path, reply.status_code))

    assert not wrong
    assert await everything() == before


@pytest.mark.parametrize("state", ["visitor", "prepared", "invited", "blocked"])
async def test_who_cannot_sign_in_is_led_to_the_sign_in(cast: Cast, state: str) -> None:
    """A session of somebody who was blocked since is worth nothing; a prepared person never had one."""
    found, wrong = await ids(), []
    async with browser_of(cast.vic if state == "visitor" else cast.rik) as browser:
        if state != "visitor":
            await engine.run_writing(lambda: save(cast.rik.user, state=state))
        before = await everything()
        for action in ACTIONS:
            if action.access is not Access.PUBLIC:
                reply = await ask(browser, action, found)
                to = reply.headers.get("location", "")
                if not (reply.status_code == 303 and to.startswith("/sign-in")) and not (
                    action.name == "live.stream" and reply.status_code == 401
                ):
                    wrong.append((action.method, action.path, reply.status_code, to))

    assert not wrong
    assert await everything() == before


async def test_who_looks_through_a_clients_eyes_changes_nothing(cast: Cast) -> None:
    found, wrong = await ids(), []
    rik = cast.rik.user.id
    async with browser_of(cast.anna) as browser:
        before = await everything()
        for action in ACTIONS:
            if action.access is Access.PUBLIC or action.name == "live.stream":
                continue
            reply = await ask(browser, action, found, prefix=f"/view-as/{rik}")
            if (action.method in ("POST", "PATCH", "DELETE") and reply.status_code not in (403, 404)) or (
                action.access is Access.STAFF and reply.status_code != 404 and action.path != "/"
            ):
                wrong.append((action.method, action.path, reply.status_code))

    assert not wrong
    assert await everything() == before


async def test_nobody_looks_through_eyes_that_are_not_his_clients(cast: Cast) -> None:
    async with browser_of(cast.ed) as ed, browser_of(cast.rik) as rik:
        assert (await ed.get(f"/view-as/{cast.sam.user.id}/portal")).status_code == 404
        assert (await ed.get(f"/view-as/{cast.anna.user.id}/")).status_code == 404
        assert (await rik.get(f"/view-as/{cast.sam.user.id}/portal")).status_code == 404


async def test_a_blocked_person_has_no_viewer_that_may_write(cast: Cast) -> None:
    await engine.run_writing(lambda: save(cast.rik.user, state="blocked"))
    rik: Viewer = await as_viewer("rik@bakkerij-jansen.example")

    async with browser_of(rik) as browser:
        reply = await browser.get("/portal")

    assert reply.status_code == 303
    assert (await User.objects().get(User.id == rik.user.id)).state == "blocked"
