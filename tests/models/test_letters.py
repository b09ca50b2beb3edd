"""Letters: who gets one and where, what stands on the paper, and that no PIN is anywhere else."""

from __future__ import annotations

import datetime as dt
import functools
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from models import config, engine
from models.backup import backup
from models.core import Forbidden, Refused, RefusedFields
from models.letters import (
    Choice,
    LetterBatch,
    LetterTemplate,
    PinLetter,
    add_template,
    cancel,
    change_template,
    chosen,
    confirm_posted,
    confirm_printed,
    expire_files,
    make_batch,
    mark_returned,
    standing,
    take_file,
)
from models.letters.sealed import opened
from models.letters.templates import TEXTS
from models.pins import Pin, hashing
from models.settings import utcnow
from models.storage import reset, storage
from models.tasks import Cancelled, Task
from models.viewer import Viewer
from tests.cast import Cast, as_viewer
from tests.lettering import addressed_to, asked, fresh, made, pages_of, pdf_of, pin_on, template, text_of, worked
from tests.models.test_pins import issue

HOME = {"street": "Dorpsstraat", "house_number": "12", "postcode": "3511 AB", "city": "Utrecht"}


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("STORAGE_URL", f"file://{tmp_path}/store")
    config.reset()
    reset()
    yield tmp_path / "store"
    config.reset()
    reset()


async def living(person: int) -> list[dict[str, Any]]:
    return await engine.raw(
        "SELECT * FROM pin WHERE person = $1 AND state NOT IN ('replaced', 'returned') ORDER BY id", person
    )


async def fits(person: int, pin: str) -> bool:
    """Whether it is the PIN that this person has now."""
    return [hashing.fits(pin, row["secret_hash"], row["key"], "pin", person) for row in await living(person)] == [True]


async def page_of(batch: LetterBatch, person: int) -> str:
    row = (await engine.raw("SELECT page FROM letter WHERE batch = $1 AND person = $2", batch.id, person))[0]
    return text_of(await pdf_of(batch), row["page"] - 1)


async def read(batch: LetterBatch, by: Viewer) -> LetterBatch:
    await take_file(batch, by=by)
    return await fresh(batch)


# who, and where


async def test_one_letter_per_person_at_his_own_file_or_the_first_by_number(cast: Cast) -> None:
    rik = cast.rik.user.id
    found = next(one for one in (await chosen(cast.anna, "pin", Choice())).letters if one.person == rik)
    numbers = await engine.raw("SELECT c.id, c.name FROM client c JOIN access a ON a.client = c.id WHERE a.person = $1 ORDER BY c.number_key", rik)  # fmt: skip
    assert (found.client, len(found.names)) == (numbers[0]["id"], len(numbers))

    await engine.raw("UPDATE client SET kind = 'private' WHERE id = $1", numbers[1]["id"])
    found = next(one for one in (await chosen(cast.anna, "pin", Choice())).letters if one.person == rik)
    assert found.client == numbers[1]["id"]
    assert found.lines[0].endswith("Jansen") and "T.a.v." not in "".join(found.lines)


async def test_who_has_no_address_is_listed_apart_and_not_left_out_in_silence(cast: Cast) -> None:
    await addressed_to(cast.garage, street="Straat", house_number="1", city="Ede")  # no postcode

    found = await chosen(cast.anna, "pin", Choice())

    assert cast.sam.user.id not in [one.person for one in found.letters]
    assert [one.person for one in found.left_out] == [cast.sam.user.id]
    assert "adres" in str(found.left_out[0].why)


async def test_only_approvers_of_active_clients_get_one(cast: Cast) -> None:
    people = {one.person for one in (await chosen(cast.anna, "pin", Choice())).letters}
    assert cast.rik.user.id in people and cast.fem.user.id not in people  # payroll only

    await engine.raw("UPDATE users SET state = 'blocked' WHERE id = $1", cast.sam.user.id)
    await engine.raw("UPDATE client SET state = 'archived' WHERE id IN ($1, $2)", cast.bakkerij, cast.beheer)
    people = {one.person for one in (await chosen(cast.anna, "pin", Choice())).letters}
    assert not people & {cast.rik.user.id, cast.sam.user.id}


async def test_chosen_by_group_by_rule_and_one_by_one(cast: Cast) -> None:
    group = (await engine.raw("SELECT id FROM client_group ORDER BY id LIMIT 1"))[0]["id"]
    await engine.raw("DELETE FROM membership WHERE client_group = $1", group)
    await engine.raw(
        "INSERT INTO membership (client, client_group, source) VALUES ($1, $2, 'hand')", cast.garage, group
    )
    sole = json.dumps({"kind": ["sole_trader"]})

    async def people(choice: Choice) -> set[int]:
        return {one.person for one in (await chosen(cast.anna, "pin", choice)).letters}

    assert await people(Choice("group", group=group)) == {cast.sam.user.id}
    assert cast.sam.user.id in await people(Choice("rule", rule=sole)) and cast.rik.user.id not in await people(
        Choice("rule", rule=sole)
    )
    assert await people(Choice("person", person=cast.rik.user.id)) == {cast.rik.user.id}
    await made(cast.anna, Choice("group", group=group))
    assert cast.sam.user.id not in await people(Choice()) | await people(Choice("group", group=group))


async def test_who_sees_some_clients_writes_to_those_only(cast: Cast) -> None:
    await engine.raw("UPDATE users SET permissions = 'pins:act' WHERE id = $1", cast.ed.user.id)
    ed = await as_viewer("ed@kantoor.example")
    mine = {row["client"] for row in await engine.raw("SELECT client FROM reach WHERE person = $1", ed.user.id)}

    found = await chosen(ed, "pin", Choice())

    assert found.letters and {one.client for one in found.letters} <= mine
    assert len(found.letters) < len((await chosen(cast.anna, "pin", Choice())).letters)


async def test_printing_pins_is_for_who_may(cast: Cast) -> None:
    found, of = await chosen(cast.anna, "pin", Choice()), await template()
    with pytest.raises(Forbidden):
        await make_batch(cast.ed.scope(LetterBatch), of, Choice(), seen=found.version, by=cast.ed)
    batch = await made(cast.anna)
    for who in (cast.ed, cast.rik, cast.sam):
        assert not await who.scope(LetterBatch).exists() and not await who.scope(PinLetter).exists()
        assert not await who.scope(LetterTemplate).exists()
    with pytest.raises(Forbidden):
        await take_file(batch, by=cast.ed)


async def test_what_moved_since_the_preview_is_shown_again(cast: Cast) -> None:
    found, of = await chosen(cast.anna, "pin", Choice()), await template()
    await addressed_to(cast.garage, **HOME | {"house_number": "13"})

    with pytest.raises(Refused, match="Bekijk de lijst opnieuw"):
        await make_batch(cast.anna.scope(LetterBatch), of, Choice(), seen=found.version, by=cast.anna)


async def test_sorted_by_postcode_and_abroad_last_by_country(cast: Cast) -> None:
    await addressed_to(cast.garage, country="Duitsland", lines="Hauptstraße 5\n50667 Köln")
    await addressed_to(cast.bakkerij, country="België", lines="Meir 1\n2000 Antwerpen")
    await addressed_to(cast.beheer, country="België", lines="Meir 1\n2000 Antwerpen")

    batch = await made(cast.anna)

    pages = pages_of(await pdf_of(batch))
    assert "Köln" in pages[-1] and "DUITSLAND" in pages[-1] and "Antwerpen" in pages[-2] and "BELGIË" in pages[-2]
    rows = await engine.raw("SELECT place FROM letter WHERE batch = $1 ORDER BY page", batch.id)
    assert [row["place"] for row in rows] == sorted(row["place"] for row in rows)


# on the paper


VECTORS = [
    ({"gender": "M", "prefix": "van", "surname": "Puffelen", "initials": "R.M."}, "Geachte heer Van Puffelen,", "de heer R.M. van Puffelen"),
    ({"gender": "V", "prefix": "van", "surname": "Puffelen", "initials": "R.M."}, "Geachte mevrouw Van Puffelen,", "mevrouw R.M. van Puffelen"),
    ({"gender": "", "prefix": "van", "surname": "Puffelen", "initials": "R.M."}, "Geachte R.M. van Puffelen,", "T.a.v. R.M. van Puffelen"),
    (
        {"gender": "V", "prefix": "van", "surname": "Velzen", "partner_prefix": "in het", "partner_surname": "Veld", "name_use": "N", "initials": "A.B."},
        "Geachte mevrouw Van Velzen-in het Veld,", "mevrouw A.B. van Velzen-in het Veld",
    ),
    (
        {"gender": "V", "prefix": "van", "surname": "Velzen", "partner_prefix": "in het", "partner_surname": "Veld", "name_use": "V", "initials": "A.B."},
        "Geachte mevrouw In het Veld-van Velzen,", "mevrouw A.B. in het Veld-van Velzen",
    ),
    ({"gender": "M", "surname": "Müller-Łęcki", "initials": "Ş."}, "Geachte heer Müller-Łęcki,", "de heer Ş. Müller-Łęcki"),
]  # fmt: skip


async def test_salutation_and_address_are_those_of_the_language(cast: Cast) -> None:
    sam = cast.sam.user.id
    await addressed_to(
        cast.garage,
        street="St. Jacobsstraat",
        house_number="400",
        letter="L",
        addition="Toe",
        postcode="3511 BT",
        city="Utrecht",
    )
    for parts, greeting, who in VECTORS:
        for name, value in (
            {"partner_prefix": "", "partner_surname": "", "name_use": "E", "prefix": ""} | parts
        ).items():
            await engine.raw(f"UPDATE users SET {name} = $1 WHERE id = $2", value, sam)
        batch = await made(cast.anna, Choice("person", person=sam))

        text = await page_of(batch, sam)
        assert greeting in text and who in text, text
        assert "Garage Smit" in text and "St. Jacobsstraat 400L-Toe" in text and "3511 BT UTRECHT" in text
        await cancel(batch, by=cast.anna)


async def test_tone_and_language_are_the_readers(cast: Cast) -> None:
    sam = cast.sam.user.id
    await engine.raw("UPDATE client SET formal = $1 WHERE id = $2", False, cast.garage)
    batch = await made(cast.anna, Choice("person", person=sam))
    assert f"Beste {cast.sam.user.first_name}," in await page_of(batch, sam)
    assert "Je pincode om te accorderen" in await page_of(batch, sam)
    await cancel(batch, by=cast.anna)

    await engine.raw("UPDATE users SET language = 'en' WHERE id = $1", sam)
    batch = await made(cast.anna, Choice("person", person=sam))
    text = await page_of(batch, sam)
    assert f"Dear {cast.sam.user.first_name}," in text and "Kind regards" in text and "Your PIN for approvals" in text


async def test_the_user_name_is_nowhere_on_the_letter(cast: Cast) -> None:
    batch = await made(cast.anna)
    mails = {row["email"] for row in await engine.raw("SELECT email FROM users WHERE kind = 'client' AND email <> ''")}
    for page in pages_of(await pdf_of(batch)):
        assert not [mail for mail in mails if mail in page]


@pytest.mark.parametrize("text", ["Uw naam is {gebruikersnaam}.", "{onbekend}", "{ naam }", "los { haakje"])
async def test_unknown_fields_are_refused_in_words(cast: Cast, text: str) -> None:
    of = await template()
    with pytest.raises(Refused) as refused:
        await add_template(cast.anna.scope(LetterTemplate), name="Nieuw", kind="pin", subject_nl="x", text_nl=text, envelope="dl", by=cast.anna)  # fmt: skip
    assert refused.value.refusals[0].field == "text_nl" and len(str(refused.value)) > 20  # type: ignore[attr-defined]
    assert of.version == (await template()).version


async def test_a_list_of_codes_does_not_go_out_with_the_words_of_a_pin(cast: Cast) -> None:
    of = await template()
    texts = {name: getattr(of, name) for name in TEXTS}
    lists = await LetterTemplate.objects().where(LetterTemplate.kind == "codes").first()
    add = functools.partial(add_template, cast.anna.scope(LetterTemplate), kind="codes", envelope="dl", by=cast.anna)

    untouched = await add(name="Lijst", **texts)
    with pytest.raises(RefusedFields) as refused:
        await add(name="Lijst 2", **texts | {"text_nl": texts["text_nl"].replace("gerust", "altijd")})
    own = await add(name="Lijst 3", **texts | {"subject_nl": "Uw codes", "text_nl": "De codes, en niet de pincode.", "subject_en": "", "text_en": ""})  # fmt: skip
    with pytest.raises(RefusedFields):
        await change_template(own, seen=1, name="Lijst 3", kind="pin", subject_nl="Codes", text_nl="De codes hieronder.", envelope="dl", by=cast.anna)  # fmt: skip

    assert lists and {name: getattr(untouched, name) for name in TEXTS} == {
        name: getattr(lists, name) for name in TEXTS
    }
    assert {one.field for one in refused.value.refusals} == {"subject_nl", "text_nl", "subject_en", "text_en"}
    assert "lijst met codes" in str(refused.value)
    await change_template(untouched, seen=1, name="Lijst", **texts | {name: getattr(untouched, name) for name in TEXTS}, kind="pin", envelope="dl", by=cast.anna)  # fmt: skip
    assert {name: getattr(untouched, name) for name in TEXTS} == texts


async def test_a_text_that_does_not_fit_is_refused_and_two_writers_do_not_overwrite(cast: Cast) -> None:
    of = await template()
    values = {"name": of.name, "kind": "pin", "subject_nl": "x", "text_nl": "y\n" * 60, "envelope": "dl"}
    with pytest.raises(Refused, match="past niet op één bladzijde"):
        await change_template(of, seen=1, by=cast.anna, **values)
    await change_template(of, seen=1, by=cast.anna, **values | {"text_nl": "Dag {naam}", "offset_x": "1,5"})
    assert (of.version, of.offset_x) == (2, 15)
    with pytest.raises(Refused, match="Iemand anders"):
        await change_template(of, seen=1, by=cast.anna, **values)


async def test_the_portal_is_announced_and_a_code_activates(cast: Cast) -> None:
    sam = cast.sam.user.id
    of = await template()
    await engine.raw("UPDATE letter_template SET announces = $1, activates = $1 WHERE id = $2", True, of.id)
    await engine.raw("UPDATE users SET state = 'prepared' WHERE id = $1", sam)

    batch = await made(cast.anna, Choice("person", person=sam))

    text = await page_of(batch, sam)
    code = (
        await engine.raw(
            "SELECT k.* FROM activation_code k JOIN letter l ON l.activation = k.id WHERE l.batch = $1", batch.id
        )
    )[0]
    written = next(word for word in text.split() if word.count("-") == 2 and len(word) == 14)
    from models.accounts.codes import digests, typed

    assert code["code_hash"] in digests(typed(written)) and code["sealed"] == ""
    assert "portaal" in text and text.index("staan voortaan in ons portaal") < text.index("Met vriendelijke groet")
    assert (await as_viewer("sam@garage-smit.example")).user.state == "invited"

    await cancel(batch, by=cast.anna)
    assert (await as_viewer("sam@garage-smit.example")).user.state == "prepared"
    assert (await engine.raw("SELECT ended_why FROM activation_code WHERE id = $1", code["id"]))[0][
        "ended_why"
    ] == "withdrawn"


async def test_a_list_of_codes_is_numbered(cast: Cast) -> None:
    rik = cast.rik.user.id
    batch = await made(cast.anna, Choice("person", person=rik), "codes")

    words = (await page_of(batch, rik)).split()
    hashes = await engine.raw("SELECT c.number, c.code_hash, k.key FROM pin_code c JOIN pin k ON k.id = c.pin WHERE k.person = $1 ORDER BY c.number", rik)  # fmt: skip
    assert len(hashes) == 24
    for row in hashes:
        code = words[words.index(f"{row['number']}.") + 1]
        assert hashing.fits(code, row["code_hash"], row["key"], "codes", rik, row["number"])


# made once, and nowhere else


async def test_each_letter_holds_the_one_pin_that_lives(cast: Cast) -> None:
    batch = await made(cast.anna)

    pages, rows = pages_of(await pdf_of(batch)), await engine.raw("SELECT * FROM letter WHERE batch = $1", batch.id)
    assert batch.state == "ready" and batch.pages == len(pages) == len(rows) == batch.letters
    for row in rows:
        assert await fits(row["person"], pin_on(pages[row["page"] - 1]))
        assert " ".join(json.loads(row["address"])[-1].split()) in pages[row["page"] - 1]


async def test_no_pin_is_anywhere_in_clear(
    cast: Cast, store: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    batch = await made(cast.anna)
    pins = [pin_on(page) for page in pages_of(await pdf_of(batch))]
    sought = re.compile(rf"(?<![\w.:+/=-])(?:{'|'.join(pins)})(?![\w.:+/=-])".encode())
    assert sought.search(b'["x","%s"]' % pins[0].encode())  # so that it can fail

    kind = "sqlite_master WHERE type = 'table'" if engine.is_sqlite() else "pg_tables WHERE schemaname = 'public'"
    names = await engine.raw(f"SELECT {'name' if engine.is_sqlite() else 'tablename AS name'} FROM {kind}")
    for one in names:
        if not one["name"].startswith("search"):
            assert not sought.search(str(await engine.raw(f'SELECT * FROM "{one["name"]}"')).encode()), one["name"]
    if engine.is_sqlite():
        path = Path(engine.engine().path)
        assert not [file for file in path.parent.glob(f"{path.name}*") if sought.search(file.read_bytes())]
    for file in store.rglob("*"):
        assert (
            not file.is_file() or b"%PDF-1." not in file.read_bytes()
        )  # four bytes alone stand in sealed ones by chance
    await backup(tmp_path / "kopie.zip")
    with zipfile.ZipFile(tmp_path / "kopie.zip") as archive:
        assert f"blobs/{batch.stored}" not in archive.namelist()
        for name in archive.namelist():
            held = archive.read(name)
            assert b"%PDF" not in held and not sought.search(held), name
    assert not sought.search(caplog.text.encode())


async def test_the_file_is_gone_once_printing_is_confirmed(cast: Cast, store: Path) -> None:
    batch = await made(cast.anna)
    stored = batch.stored
    with pytest.raises(Refused, match="Niemand heeft"):
        await confirm_printed(batch, by=cast.anna)

    batch = await read(batch, cast.anna)
    await engine.run_writing(lambda: confirm_printed(batch, by=cast.anna))

    assert not await storage().exists(stored) and batch.stored == ""
    assert (batch.state, batch.downloads) == ("printed", 1)
    with pytest.raises(Refused, match="er niet meer"):
        await take_file(batch, by=cast.anna)
    with pytest.raises(Refused):
        await cancel(batch, by=cast.anna)
    said = await engine.raw("SELECT operation FROM trail WHERE record_table = 'LetterBatch' ORDER BY id")
    assert [row["operation"] for row in said] == ["LetterBatch.make", "LetterBatch.ready", "LetterBatch.take_file", "LetterBatch.confirm_printed"]  # fmt: skip


async def test_after_a_day_the_file_is_gone_and_what_nobody_took_is_dead(cast: Cast) -> None:
    taken = await read(await made(cast.anna, Choice("person", person=cast.rik.user.id)), cast.anna)
    left = await made(cast.anna, Choice("person", person=cast.sam.user.id))
    assert await expire_files(utcnow() + dt.timedelta(hours=23)) == 0
    await engine.raw("UPDATE letter_batch SET ready_at = $1 WHERE id = $2", utcnow() - dt.timedelta(hours=25), left.id)
    with pytest.raises(Refused):  # by the clock, also where nothing removes it
        await take_file(await fresh(left), by=cast.anna)

    assert await expire_files(utcnow() + dt.timedelta(hours=25)) == 2

    assert not [name async for name, *_ in storage().all()]
    taken, left = await fresh(taken), await fresh(left)
    assert (taken.state, taken.stored, bool(taken.gone_at)) == ("ready", "", True)
    assert (left.state, left.cancelled_why) == ("cancelled", "expired")
    assert await living(cast.rik.user.id) and not await living(cast.sam.user.id)
    await confirm_printed(taken, by=cast.anna)


async def test_who_chose_a_passkey_gets_no_letter_that_would_undo_it(cast: Cast) -> None:
    before = {one.person for one in (await chosen(cast.anna, "pin", Choice())).letters}
    await engine.raw("UPDATE users SET has_passkey = $1 WHERE id = $2", True, cast.rik.user.id)
    await issue(cast.rik.user.id, by=cast.anna)
    await engine.raw("UPDATE pin SET state = 'replaced', ended_at = $1, ended_by = person, secret_hash = ''", utcnow())
    for kind in ("pin", "codes"):
        assert {one.person for one in (await chosen(cast.anna, kind, Choice())).letters} == before - {cast.rik.user.id}
    again = await chosen(cast.anna, "pin", Choice(renew=True))
    assert cast.rik.user.id in {one.person for one in again.letters}, "who is chosen all the same, gets one"


async def test_printed_posted_and_come_back(cast: Cast) -> None:
    batch = await read(await made(cast.anna), cast.anna)
    await confirm_printed(batch, by=cast.anna)
    day = batch.dated_on
    with pytest.raises(Refused, match="Kies een dag"):
        await confirm_posted(batch, day - dt.timedelta(days=3), by=cast.anna)
    await confirm_posted(batch, day, by=cast.anna)

    pin = (await living(cast.rik.user.id))[0]
    assert (pin["state"], pin["batch"], pin["posted_on"]) == ("posted", batch.id, day)
    letter = await cast.anna.scope(PinLetter).where(PinLetter.person == cast.rik.user.id).find()
    await mark_returned(letter, by=cast.anna)
    assert not await living(cast.rik.user.id) and letter.state == "returned"
    counts = await standing(cast.anna)
    assert counts["posted"] == counts["lettered"] == counts["approvers"] - 1 and counts["confirmed"] == 0


async def test_only_legal_moves_also_in_the_database(cast: Cast) -> None:
    batch = await made(cast.anna)
    for state in ("posted", "making"):
        with pytest.raises(Exception, match="bestaat niet"):
            await engine.raw("UPDATE letter_batch SET state = $1, stored = '' WHERE id = $2", state, batch.id)
    with pytest.raises(Exception, match="bestaat niet"):
        await engine.raw("UPDATE letter_batch SET sha256 = 'x' WHERE id = $1", batch.id)


async def test_cancelled_before_printing_its_pins_die(cast: Cast, store: Path) -> None:
    batch = await made(cast.anna)
    await engine.run_writing(lambda: cancel(batch, by=cast.anna))

    assert not await living(cast.rik.user.id) and not [name async for name, *_ in storage().all()]
    assert cast.rik.user.id in {one.person for one in (await chosen(cast.anna, "pin", Choice())).letters}


async def test_cancelling_what_was_issued_again_says_who_is_left_without_and_can_write_to_them_at_once(
    cast: Cast,
) -> None:
    from models.accounts import User
    from models.letters import cancel_and_make, register
    from models.pins.reissuing import reissue

    rik = cast.rik.user.id
    first = await made(cast.anna, Choice("person", person=rik))
    assert await register.left_without(first, cast.anna, 5) == (0, [])
    await confirm_printed(await read(first, cast.anna), by=cast.anna)
    await engine.raw("UPDATE pin SET made_at = $1 WHERE person = $2", utcnow() - dt.timedelta(days=9), rik)
    await engine.run_writing(lambda: reissue(cast.anna.users.where(User.id == rik), "pin", by=cast.anna))
    misprint = await LetterBatch.objects().order_by(LetterBatch.id, ascending=False).first()
    assert await register.left_without(misprint, cast.anna, 5) == (1, [cast.rik.user.full_name])
    misprint = await worked(misprint)
    assert await register.left_without(misprint, cast.anna, 5) == (1, [cast.rik.user.full_name])

    again = await engine.run_writing(lambda: cancel_and_make(misprint, by=cast.anna))

    assert (await fresh(misprint)).state == "cancelled" and again.id != misprint.id and again.letters == 1
    again = await worked(again)
    assert await fits(rik, pin_on(await page_of(again, rik)))
    assert await register.left_without(await fresh(misprint), cast.anna, 5) == (0, [])


async def test_a_list_of_codes_is_no_pin_in_the_numbers(cast: Cast) -> None:
    await made(cast.anna, Choice("person", person=cast.rik.user.id), "codes")
    bar = await standing(cast.anna)
    found = await chosen(cast.anna, "pin", Choice())
    assert bar["approvers"] - bar["lettered"] - bar["blocked"] == len(found.letters) + len(found.left_out)


@pytest.mark.parametrize("text", ["Graag 😀 tot ziens", "Welkom 中文"])
async def test_signs_that_cannot_be_printed_are_named(cast: Cast, text: str) -> None:
    from models.letters import wording

    with pytest.raises(Refused, match=f"gedrukt kunnen worden: {text.split()[1]}"):
        wording.checked("text_nl", f"Geachte heer,\n\n{text}", 3000)


@pytest.mark.parametrize(
    "client, lines",
    [
        ({"street": "Rue de la Loi", "house_number": "16", "postcode": "1000", "city": "Bruxelles", "country": "België"},
         ["Rue de la Loi 16", "1000 Bruxelles", "BELGIË"]),
        ({"lines": "c/o Smith\nRose Cottage\nBath BA1 1AA", "country": "United Kingdom"},
         ["c/o Smith", "Rose Cottage", "Bath BA1 1AA", "UNITED KINGDOM"]),
        ({"lines": "Postbus 12\n3500AB utrecht"}, ["Postbus 12", "3500 AB  UTRECHT"]),
        ({**HOME, "country": "Nederland"}, ["Dorpsstraat 12", "3511 AB  UTRECHT"]),
        ({"street": "Rue de la Loi", "country": "België"}, None),
        ({**HOME, "postcode": "abc"}, None),
    ],
)  # fmt: skip
def test_the_lines_of_an_envelope_are_those_of_the_clients_page(
    client: dict[str, str], lines: list[str] | None
) -> None:
    from models.clients import Client
    from models.clients.portrait import addresses_of
    from models.letters.addresses import where

    found = where(client)
    assert (None if found is None else [*found.lines, *([found.country] if found.country else [])]) == lines
    if lines:
        assert [line.lower() for line in addresses_of(Client(**client))[0]] == [line.lower() for line in lines]


async def test_a_new_letter_to_one_person_kills_his_old_pin(cast: Cast) -> None:
    rik = cast.rik.user.id
    batch = await made(cast.anna, Choice("person", person=rik))
    assert [str(one.why)[:10] for one in (await chosen(cast.anna, "pin", Choice("person", person=rik))).left_out] == [
        "Staat al i"
    ]
    old = pin_on(await page_of(batch, rik))
    await confirm_printed(await read(batch, cast.anna), by=cast.anna)

    again = await made(cast.anna, Choice("person", person=rik))

    assert again.letters == 1 and await fits(rik, pin_on(await page_of(again, rik)))
    states = [row["state"] for row in await engine.raw("SELECT state FROM pin WHERE person = $1 ORDER BY id", rik)]
    assert states == ["replaced", "made"] and old


async def test_work_begun_again_makes_all_anew_and_once_ready_nothing(cast: Cast) -> None:
    batch = await made(cast.anna)
    before = await engine.raw("SELECT * FROM pin ORDER BY id")

    again = await worked(batch)

    assert again.sha256 == batch.sha256 and await engine.raw("SELECT * FROM pin ORDER BY id") == before


async def test_stopped_while_it_is_made_nothing_lives(cast: Cast) -> None:
    batch = await asked(cast.anna)
    await engine.raw("UPDATE task SET cancel_asked = $1", True)
    with pytest.raises(Cancelled):
        await worked(batch)

    assert (await fresh(batch)).state == "cancelled" and not await engine.raw("SELECT id FROM pin")
    assert not [name async for name, *_ in storage().all()]


async def test_who_lost_the_right_meanwhile_gets_no_letter(cast: Cast) -> None:
    batch = await asked(cast.anna)
    await engine.raw("DELETE FROM access WHERE person = $1", cast.sam.user.id)

    batch = await worked(batch)

    assert batch.pages == batch.letters and not await living(cast.sam.user.id)
    row = (await engine.raw("SELECT state, dropped_why, page FROM letter WHERE person = $1", cast.sam.user.id))[0]
    assert (row["state"], row["dropped_why"], row["page"]) == ("cancelled", "left", 0)


async def test_a_file_that_was_changed_in_the_storage_does_not_open(cast: Cast, store: Path) -> None:
    from models.storage import Damaged

    batch = await made(cast.anna)
    file = next(
        file for file in store.rglob("*") if file.is_file() and batch.stored in file.as_posix().replace("/", "")
    )
    held = bytearray(file.read_bytes())
    held[len(held) // 2] ^= 1
    file.chmod(0o600)
    file.write_bytes(bytes(held))

    with pytest.raises(Damaged):
        _ = [part async for part in opened(batch)]


async def test_the_checksum_is_that_of_what_is_downloaded(cast: Cast) -> None:
    import hashlib

    batch = await made(cast.anna)
    pdf = await pdf_of(batch)
    assert (hashlib.sha256(pdf).hexdigest(), len(pdf)) == (batch.sha256, batch.size)
    assert await Task.count().where(Task.kind == "make_letters") == 1 and await Pin.count() == batch.letters


async def test_what_is_issued_again_from_the_list_of_pins_is_a_batch_of_its_own(cast: Cast) -> None:
    from models.accounts import User
    from models.pins.reissuing import reissue

    rik = cast.rik.user.id
    found = cast.anna.users.where(User.id == rik)
    done = await engine.run_writing(lambda: reissue(found, "pin", by=cast.anna))
    batch = await LetterBatch.objects().order_by(LetterBatch.id, ascending=False).first()
    assert batch is not None and done.address == f"/letters/{batch.id}" and batch.letters == 1
    batch = await worked(batch)
    assert await fits(rik, pin_on(await page_of(batch, rik)))

    with pytest.raises(Refused, match="ligt er al een brief klaar"):
        await engine.run_writing(lambda: reissue(found, "pin", by=cast.anna))
    assert await fits(rik, pin_on(await page_of(batch, rik)))  # what lies ready still holds what lives


async def test_the_checklist_counts_letters_until_every_approver_used_his_pin(cast: Cast) -> None:
    from models.rollout import checklist
    from models.settings import Firm

    async def step() -> Any:
        steps = (await checklist(cast.anna, await Firm.load())).steps
        return next((one for one in steps if one.key == "letters"), None)

    assert await step() is None
    await engine.raw("UPDATE firm SET modules = 'dossiers,approvals'")
    first = await step()
    batch = await read(await made(cast.anna), cast.anna)
    await confirm_printed(batch, by=cast.anna)
    printed = await step()
    await engine.raw("UPDATE pin SET state = 'confirmed', confirmed_at = $1", utcnow())
    last = await step()

    assert (first.state, first.done, first.total, first.parts["lettered"]) == ("todo", 0, batch.letters, 0)
    assert (printed.state, printed.done, printed.parts["printed"], printed.parts["posted"]) == ("busy", 0, batch.letters, 0)  # fmt: skip
    assert (last.state, last.done) == ("done", batch.letters)


async def test_the_letterhead_is_that_of_the_clients_own_branch(cast: Cast) -> None:
    import io

    from PIL import Image

    picture = io.BytesIO()
    Image.new("RGB", (300, 100), "#a01020").save(picture, "PNG")
    logo = (await storage().put(picture.getvalue())).sha256
    await engine.raw(
        "INSERT INTO office (name, name_key, brand, logo, logo_type, street, postcode, city, phone, created_at) "
        "VALUES ('Vestiging Zuid', 'zuid', '#a01020', $1, 'image/png', 'Laan 9', '6211 AB', 'Maastricht', '043 1', $2)",
        logo, utcnow(),
    )  # fmt: skip
    await engine.raw("UPDATE client SET office = (SELECT max(id) FROM office) WHERE id = $1", cast.garage)

    batch = await made(cast.anna)

    of_branch, of_firm = await page_of(batch, cast.sam.user.id), await page_of(batch, cast.rik.user.id)
    assert "Vestiging Zuid" in of_branch and "6211 AB Maastricht" in of_branch and "Maastricht, " in of_branch
    assert "Vestiging Zuid" not in of_firm
    assert b"/Image" in await pdf_of(batch)


async def test_letters_lie_in_s3_as_well(cast: Cast, buckets: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_URL", buckets.fresh())
    config.reset()
    reset()

    batch = await read(await made(cast.anna), cast.anna)
    assert len(pages_of(await pdf_of(batch))) == batch.letters
    await engine.run_writing(lambda: confirm_printed(batch, by=cast.anna))
    assert not [name async for name, *_ in storage().all()]


async def test_another_key_is_read_while_it_is_listed(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    from models.storage.cipher import KeyMissing

    batch = await made(cast.anna)
    old = config.settings().secret_keys[0]
    for keys, opens in ((f"{'n' * 40},{old}", True), ("n" * 40, False)):
        monkeypatch.setenv("SECRET_KEY", keys)
        config.reset()
        if opens:
            assert pages_of(await pdf_of(batch))
        else:
            with pytest.raises(KeyMissing):
                await pdf_of(batch)
