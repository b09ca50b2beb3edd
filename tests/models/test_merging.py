"""Two files of one client become one: nothing is lost, nobody gains a right, and the file that goes points to the other."""

from __future__ import annotations

from typing import Any

import pytest

from models import engine
from models.clients import Client, add_client, add_group
from models.core import Forbidden, Missing, Refused
from models.dossiers import Document, Folder
from models.dossiers.folders import NewDocument, make_folder
from models.dossiers.structures import open_dossier
from models.merging import alike, merge, preview, to_merge
from models.uploads import Announced, UploadReceipt, begin
from models.viewer import Right
from tests.cast import Cast


async def twin(cast: Cast, **details: Any) -> Client:
    return await add_client(
        cast.anna.clients, **({"number": "9001", "name": "Bakkerij Janssen", "by": cast.anna} | details)
    )


async def bakkerij(cast: Cast) -> Client:
    return await cast.anna.clients.get(cast.bakkerij)


async def dossier_of(cast: Cast, client: int) -> int:
    return (await open_dossier(await cast.anna.clients.get(client), by=cast.anna)).id  # type: ignore[no-any-return]


async def paper(cast: Cast, folder: Folder, *names: str) -> None:
    here = await cast.anna.folders.get(folder.id)
    await here.put_documents([NewDocument(name, "0" * 64, 3, "text/plain") for name in names], by=cast.anna)


async def merged(cast: Cast, other: Client, *take: str) -> Client:
    keep, other = await bakkerij(cast), await cast.anna.clients.get(other.id)
    seen = (await preview(keep, other)).seen
    await merge(keep, other, take, seen, by=cast.anna)
    return await bakkerij(cast)


async def tree(client: int) -> dict[str, list[str]]:
    """Path of each folder that is not in the trash > the names in it."""
    folders = {
        row["id"]: row
        for row in await engine.raw(
            "SELECT id, parent, name FROM folder WHERE client = $1 AND trashed_at IS NULL", client
        )
    }
    files = await engine.raw("SELECT folder, name FROM document WHERE client = $1 ORDER BY name_key", client)

    def path(id: int | None) -> str:
        return f"{path(folders[id]['parent'])}/{folders[id]['name']}" if id else ""

    return {path(id): [file["name"] for file in files if file["folder"] == id] for id in folders}


async def test_an_empty_field_is_filled_and_a_chosen_one_taken(cast: Cast) -> None:
    keep = await bakkerij(cast)
    await keep.change(seen=keep.version, phone="", city="Utrecht", notes="Belt op maandag.", by=cast.anna)
    other = await twin(cast, phone="030 123 45 67", city="Zeist", email="twee@bakker.example", notes="Betaalt laat.")
    offered = {one.name: one for one in (await preview(await bakkerij(cast), other)).differences}
    assert offered["phone"].takes_other and not offered["city"].takes_other

    kept = await merged(cast, other, "phone")
    gone = await cast.anna.clients.get(other.id)

    assert (kept.phone, kept.city, kept.name) == (other.phone, "Utrecht", "Bakkerij Jansen B.V.")
    assert kept.notes == "Belt op maandag.\n\nBetaalt laat."
    assert (gone.state, gone.merged_into, gone.number) == ("archived", cast.bakkerij, "9001")


async def test_users_groups_and_colleagues_come_along_and_nobody_gains_a_right(cast: Cast) -> None:
    other = await twin(cast)
    group = await add_group(cast.anna.groups, name="Bakkers", by=cast.anna)
    await other.set_groups([group.id], by=cast.anna)
    await other.set_responsible([cast.ed.user.id], {cast.ed.user.id: ["tax"]}, by=cast.anna)
    await (await bakkerij(cast)).set_responsible([cast.ed.user.id], {cast.ed.user.id: ["payroll"]}, by=cast.anna)
    await other.add_user(email="fem@klant.nl", surname="F", role="beheerder", announced=True, by=cast.anna)
    new, _ = await other.add_user(email="nieuw@klant.nl", surname="Nieuw", role="lezer", announced=True, by=cast.anna)
    held = {
        row["person"]: row["rights"]
        for row in await engine.raw("SELECT person, rights FROM access WHERE client = $1", cast.bakkerij)
    }
    counted = (await preview(await bakkerij(cast), other)).moves
    both = await engine.raw(
        "SELECT a.person FROM access a JOIN access b ON a.person = b.person WHERE a.client = $1 AND b.client = $2",
        other.id, cast.bakkerij,
    )  # fmt: skip
    await merged(cast, other)
    after = {
        row["person"]: row["rights"]
        for row in await engine.raw("SELECT person, rights FROM access WHERE client = $1", cast.bakkerij)
    }
    responsible = await engine.raw("SELECT person, roles FROM responsible WHERE client = $1", cast.bakkerij)

    assert counted["users"] == 2 and counted["both_users"] == len(both) and counted["groups"] == 1
    assert {person: after[person] for person in held} == held
    assert after[new.id] and set(after) >= set(held) | {new.id}
    assert {"person": cast.ed.user.id, "roles": "tax,payroll"} in responsible
    assert await engine.raw(
        "SELECT 1 AS one FROM membership WHERE client = $1 AND client_group = $2", cast.bakkerij, group.id
    )
    assert not await engine.raw("SELECT 1 AS one FROM access WHERE client = $1", other.id)


async def test_folders_of_one_name_and_kind_become_one_and_documents_keep_a_name_of_their_own(cast: Cast) -> None:
    other = await twin(cast)
    mine, theirs = [await dossier_of(cast, client) for client in (cast.bakkerij, other.id)]
    for dossier, client in ((mine, cast.bakkerij), (theirs, other.id)):
        top = await make_folder(dossier, client, None, "Samen", "office")
        within = await make_folder(dossier, client, top.id, "2024", "office")
        secret = await make_folder(dossier, client, None, "Anders", "office" if client == cast.bakkerij else "internal")
        await paper(cast, within, "Jaarrekening.pdf", f"{client}.pdf")
        await paper(cast, secret, "Memo.txt")
    lone = await make_folder(theirs, other.id, None, "Alleen daar", "office")
    await paper(cast, await make_folder(theirs, other.id, lone.id, "Diep", "office"), "Diep.txt")
    trashed = await make_folder(theirs, other.id, None, "Weg", "office")
    await paper(cast, trashed, "Weg.txt")
    await (await cast.anna.folders.get(trashed.id)).trash(by=cast.anna)
    before = await Document.count()
    counted = (await preview(await bakkerij(cast), other)).moves

    await merged(cast, other)
    here = await tree(cast.bakkerij)
    kinds = {row["name"]: row["kind"] for row in await Folder.select(Folder.name, Folder.kind)}

    assert counted["same_folders"] == 2 and counted["documents"] == 5
    assert here["/Samen/2024"] == sorted(
        [f"{cast.bakkerij}.pdf", f"{other.id}.pdf", "Jaarrekening (2).pdf", "Jaarrekening.pdf"]
    )
    assert here["/Anders"] == here["/Anders (2)"] == ["Memo.txt"] and here["/Alleen daar/Diep"] == ["Diep.txt"]
    assert (kinds["Anders"], kinds["Anders (2)"]) == ("office", "internal")
    assert await Document.count() == before
    assert not await engine.raw("SELECT 1 AS one FROM dossier WHERE client = $1", other.id)
    wrong = await engine.raw("SELECT f.id FROM folder f JOIN dossier d ON d.id = f.dossier WHERE d.client <> f.client")
    wrong += await engine.raw("SELECT d.id FROM document d JOIN folder f ON f.id = d.folder WHERE d.client <> f.client")
    assert wrong == []
    await (await cast.anna.folders.get(trashed.id)).restore(by=cast.anna)
    assert (await tree(cast.bakkerij))["/Weg"] == ["Weg.txt"]


async def test_what_is_on_its_way_in_and_its_receipt_come_along(cast: Cast) -> None:
    other = await twin(cast)
    mine, theirs = [await dossier_of(cast, client) for client in (cast.bakkerij, other.id)]
    here = await make_folder(mine, cast.bakkerij, None, "Samen", "upload")
    there = await make_folder(theirs, other.id, None, "Samen", "upload")
    upload = await begin(await cast.anna.folders.get(there.id), Announced("Groot.pdf", 3_000_000), by=cast.anna)

    await merged(cast, other)

    upload = await cast.anna.uploads.get(upload.id)
    receipt = await UploadReceipt.objects().get(UploadReceipt.id == upload.receipt)
    assert (upload.folder, upload.client, receipt.client) == (here.id, cast.bakkerij, cast.bakkerij)


async def test_a_dossier_goes_over_whole_where_there_was_none(cast: Cast) -> None:
    one, two = await twin(cast), await twin(cast, number="9002", name="Derde")
    folder = await make_folder(await dossier_of(cast, two.id), two.id, None, "Stukken", "office")
    await paper(cast, folder, "Brief.txt")
    await merge(one, two, [], (await preview(one, two)).seen, by=cast.anna)

    assert await tree(one.id) == {"/Stukken": ["Brief.txt"]}


async def test_a_bsn_follows_the_choice_and_is_never_told(cast: Cast) -> None:
    one = await twin(cast, kind="private", name="J. de Vries")
    two = await twin(cast, kind="private", name="J. de Vries", number="9002")
    await two.set_bsn("123456782", by=cast.anna)
    seen = await preview(one, two)
    await merge(one, two, ["bsn"], seen.seen, by=cast.anna)

    assert "123456782" not in str(seen) and one.masked_bsn == "*****6782"
    lines = await engine.raw("SELECT detail FROM trail WHERE operation = 'Client.merge'")
    assert "123456782" not in str(lines)


async def test_partners_stay_partners(cast: Cast) -> None:
    jan, els, double = [
        await twin(cast, kind="private", name=name, number=f"900{n}") for n, name in enumerate(("Jan", "Els", "J."), 1)
    ]
    await double.set_partner(els, by=cast.anna)
    double = await cast.anna.clients.get(double.id)
    await merge(jan, double, [], (await preview(jan, double)).seen, by=cast.anna)
    jan, els = [await cast.anna.clients.get(one.id) for one in (jan, els)]

    assert (jan.partner, els.partner) == (els.id, jan.id)


async def test_what_cannot_be_merged_is_refused(cast: Cast) -> None:
    other, keep = await twin(cast), await bakkerij(cast)
    seen = (await preview(keep, other)).seen
    with pytest.raises(Refused):
        await merge(keep, keep, [], seen, by=cast.anna)
    with pytest.raises(Forbidden):
        await merge(keep, other, [], seen, by=cast.rik)
    await other.change(seen=other.version, phone="030 123 45 67", by=cast.anna)
    with pytest.raises(Refused, match="Intussen"):
        await merge(keep, other, [], seen, by=cast.anna)
    await other.archive(by=cast.anna)
    with pytest.raises(Refused, match="gearchiveerd"):
        await merge(other, keep, [], (await preview(other, keep)).seen, by=cast.anna)
    await merge(keep, other, [], (await preview(keep, other)).seen, by=cast.anna)
    with pytest.raises(Refused, match="samengevoegd"):
        await (await cast.anna.clients.get(other.id)).restore(by=cast.anna)


async def test_who_looks_alike_is_offered_within_sight(cast: Cast) -> None:
    keep = await bakkerij(cast)
    await keep.change(seen=keep.version, kvk="68750110", by=cast.anna)
    same = await twin(cast, kvk="68750110")
    await twin(cast, number="9003", name="Iets anders")

    assert [(row["id"], row["by"]) for row in await alike(cast.anna, keep)] == [(same.id, ["kvk"])]
    assert await alike(cast.ed, keep) == []
    assert await to_merge(cast.anna, "9001").count() == 1
    with pytest.raises(Missing):
        await to_merge(cast.ed, "9001").get(same.id)


async def test_rights_at_the_client_that_goes_end(cast: Cast) -> None:
    other = await twin(cast)
    user, _ = await other.add_user(
        email="nieuw@klant.nl", surname="Nieuw", role="beheerder", announced=True, by=cast.anna
    )
    await merged(cast, other)
    rows = await engine.raw("SELECT client, rights FROM access WHERE person = $1", user.id)

    assert [row["client"] for row in rows] == [cast.bakkerij] and rows[0]["rights"] & Right.VIEW_DOSSIER


async def test_what_each_sees_only_of_himself_does_not_come_among_what_all_see(cast: Cast) -> None:
    other = await twin(cast)
    for client, own in ((cast.bakkerij, False), (other.id, True)):
        made = await make_folder(await dossier_of(cast, client), client, None, "Bonnen", "upload")
        await (await cast.anna.folders.get(made.id)).set_up(own, None, None, by=cast.anna)
        await paper(cast, made, f"van {client}.pdf")

    await merged(cast, other)

    found = await tree(cast.bakkerij)
    assert (found["/Bonnen"], found["/Bonnen (2)"]) == ([f"van {cast.bakkerij}.pdf"], [f"van {other.id}.pdf"])
