"""Everything about one person, and taking him out: what may go goes, from every table; what stays has a ground."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from models import engine, privacy, sealing
from models.accounts import User
from models.core import Forbidden, Refused
from models.privacy import PrivacyRequest, ask_for, erase, everything, hand_over, preview
from models.proposals import Proposal
from tests.cast import Cast
from tests.handing_in import hand_in
from tests.models.test_proposals import propose, proposer

# Where his name or address may still stand afterwards: what the clients themselves are called, and what a document is called.
KEPT = {"client", "document", "import_batch"}


async def lived(cast: Cast) -> User:
    """rik did something in nearly every table."""
    rik, client = await proposer(cast)
    await propose(client, city="Zeist", by=rik)
    await hand_in(cast.bakkerij, "stuk.pdf")
    await engine.raw("UPDATE document SET uploaded_by = $1 WHERE name = 'stuk.pdf'", rik.user.id)
    user = await cast.anna.users.get(rik.user.id)
    await user.change_name(phone="0612345678", first_name="Rik", by=cast.anna)
    await user.change_email("rik.nieuw@bakkerij-jansen.example", by=cast.anna)
    await engine.raw(
        "INSERT INTO import_batch (kind, state, file_name, sha256, created_by, created_at) "
        "SELECT 'users', 'planned', 'a.csv', '', $1, created_at FROM users WHERE id = $1",
        cast.anna.user.id,
    )
    await engine.raw(
        "INSERT INTO import_row (batch, line, part, action, label, content) SELECT max(id), 1, 'user', 'new', 'Rik Jansen', $1 FROM import_batch",
        json.dumps({"email": "rik.nieuw@bakkerij-jansen.example", "surname": "Jansen"}),
    )
    return await cast.anna.users.get(rik.user.id)


async def standing(*words: str) -> dict[str, list[str]]:
    """table > the texts in it, anywhere, that hold one of the words."""
    found: dict[str, list[str]] = {}
    if engine.is_sqlite():
        names = await engine.raw("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
    else:
        names = await engine.raw(
            "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'"
        )
    for row in names:
        if row["name"].endswith(("_data", "_idx", "_content", "_docsize", "_config", "_vocabulary")):
            continue
        try:
            rows = await engine.raw(f'SELECT * FROM "{row["name"]}"')
        except Exception:
            continue
        for one in rows:
            told = json.dumps(one, default=str, ensure_ascii=False).lower()
            if any(word.lower() in told for word in words):
                found.setdefault(row["name"], []).append(told)
    return found


async def test_the_export_has_every_row_that_is_his_and_no_secret(cast: Cast) -> None:
    user = await lived(cast)
    parts = {part.table: part.rows for part in await hand_over(user, by=cast.anna)}
    told = json.dumps(parts, default=str)

    assert {"users", "access", "document", "proposal", "trail", "link", "import_row"} <= set(parts)
    assert parts["users"][0]["email"] == user.email and "stuk.pdf" in told
    hashed = (await engine.raw("SELECT password FROM users WHERE id = $1", user.id))[0]["password"]
    tokens = await engine.raw("SELECT token_hash FROM session WHERE person = $1 AND token_hash <> ''", user.id)
    assert hashed and hashed not in told
    assert all(row["token_hash"] not in told for row in tokens)


async def test_everything_in_which_he_stands_is_found_by_looking_through_the_whole_database(cast: Cast) -> None:
    user = await lived(cast)
    exported = {part.table for part in await everything(user)}

    there = set(await standing(user.email))
    assert {name for name in there if not name.startswith(("users_", "client_"))} <= exported | {"client"}


async def test_after_an_erasure_neither_name_nor_address_stands_anywhere(cast: Cast) -> None:
    user = await lived(cast)
    words = (user.email, "rik@bakkerij-jansen.example", user.display_name, "0612345678", "Rik Jansen")
    await sealing.seal_all()
    items = {item.table: item for item in await preview(user)}
    done = await erase(user, user.display_name, by=cast.anna)

    assert set(await standing(*words)) <= KEPT
    assert items["access"].what == "deleted" and items["document"].what == "kept"
    assert all(item.ground for item in items.values() if item.what == "kept")
    assert "AWR" in str(items["document"].ground) and done.state == "done" and len(done.items) == len(items)
    assert (await sealing.verify()).broken is None
    gone = await User.objects().where(User.id == user.id).first()
    assert gone is not None and (gone.state, gone.email, gone.password) == ("blocked", "", "")
    assert (await engine.raw("SELECT uploaded_by FROM document WHERE name = 'stuk.pdf'"))[0]["uploaded_by"] == user.id
    assert await Proposal.count().where(Proposal.person == user.id) == 0


async def test_two_erasures_leave_the_chain_whole(cast: Cast) -> None:
    for viewer in (cast.rik, cast.sam):
        user = await cast.anna.users.get(viewer.user.id)
        await sealing.seal_all()
        await erase(user, user.display_name, by=cast.anna)
    await sealing.seal_all()

    assert (await sealing.verify()).broken is None


async def test_it_is_refused_where_it_must_be(cast: Cast) -> None:
    rik = await cast.anna.users.get(cast.rik.user.id)
    anna = await cast.anna.users.get(cast.anna.user.id)
    with pytest.raises(Refused) as wrong:
        await erase(rik, "Iemand anders", by=cast.anna)
    with pytest.raises(Refused):
        await erase(anna, anna.display_name, by=cast.anna)
    with pytest.raises((Refused, Forbidden)):
        await erase(rik, rik.display_name, by=cast.ed)
    with pytest.raises((Refused, Forbidden)):
        await hand_over(rik, by=cast.ed)
    with pytest.raises(Forbidden):
        await hand_over(rik, by=cast.rik)

    assert wrong.value.field == "name" and (await cast.anna.users.get(rik.id)).email


async def test_a_request_is_due_in_a_month_and_done_when_it_is_answered(cast: Cast) -> None:
    user = await cast.anna.users.get(cast.sam.user.id)
    asked = await ask_for(user, "access", dt.date(2026, 1, 31), by=cast.anna)
    with pytest.raises(Refused):
        await ask_for(user, "access", dt.date(2999, 1, 1), by=cast.anna)
    rows, total = await privacy.requests(1, 50)
    await hand_over(user, by=cast.anna)
    after: Any = await PrivacyRequest.objects().where(PrivacyRequest.id == asked.id).first()

    assert asked.due_on == dt.date(2026, 2, 28) and total == 1 and rows[0]["state"] == "open"
    assert after.state == "done" and after.handled_by == cast.anna.user.id
    with pytest.raises(Refused):
        await after.refuse(by=cast.anna)
