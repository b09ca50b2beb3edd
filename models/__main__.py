"""python -m models: migrate · setup-link · seed · check · backup FILE · restore FILE · verify-trail ·
export-dossier NUMBER FILE · import-dossier FILE · make-migration NAME"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sys
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING

from models import config, engine

if TYPE_CHECKING:
    from models.backup import Report
    from models.sealing import Anchor

Command = Callable[[argparse.Namespace], Awaitable[int]]


async def migrate(asked: argparse.Namespace) -> int:
    from models.migrate import MigrationFailed
    from models.migrate import migrate as bring_up_to_date

    try:
        ran = await bring_up_to_date()
    except MigrationFailed as error:
        print(f"Bijwerken is mislukt; er is niets half gedaan: {error}", file=sys.stderr)
        return 1
    print("De database is bijgewerkt." if ran else "De database was al bij.")
    if asked.setup_link:
        await setup_link(asked)
    return 0


async def setup_link(asked: argparse.Namespace) -> int:
    from models.signing_in import new_setup_link

    link = await engine.run_writing(new_setup_link)
    if link:
        print(f"\n  Poort is nog niet ingericht. Open deze link, hij werkt één keer:\n\n  {link}\n", flush=True)
    elif not asked.setup_link:
        print("Het kantoor is al ingericht; meld u aan.")
    return 0


async def seed(asked: argparse.Namespace) -> int:
    from models import sample

    password = asked.password or secrets.token_urlsafe(9)
    try:
        await sample.fill(asked.clients, asked.seed, password, bare=asked.bare)
    except sample.NotEmpty:
        print("Er staat al een kantoor in deze database; het voorbeeldkantoor kan alleen in een lege.", file=sys.stderr)
        return 1
    print(f"Het voorbeeldkantoor staat klaar met {max(asked.clients, 3)} cliënten. Aanmelden kan als:")
    print("\n".join(f"  {email}" for email in sample.CAST_EMAILS))
    if not asked.password:
        print(f"Het wachtwoord van allemaal: {password}")
    return 0


async def check(asked: argparse.Namespace) -> int:
    from models.checkup import full

    found = await full()
    for name, problem in found:
        print(f"{'FOUT' if problem else 'goed':5} {name:10} {problem}")
    return 1 if any(problem for _, problem in found) else 0


async def backup(asked: argparse.Namespace) -> int:
    from models.backup import BackupRefused
    from models.backup import backup as write

    try:
        _tell("Bewaard", await write(asked.file))
    except BackupRefused as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _tell(what: str, report: Report) -> None:
    size = f"{report.blob_bytes / 1_000_000:.1f}".replace(".", ",")
    print(
        f"{what}: {sum(report.rows.values())} regels uit {len(report.rows)} tabellen en {report.blobs} bestanden ({size} MB)."
    )
    for warning in report.warnings:
        print(f"Let op: {warning}")


async def restore(asked: argparse.Namespace) -> int:
    from models.backup import BackupBroken, BackupRefused
    from models.backup import restore as read

    try:
        _tell("Teruggezet", await read(asked.file, despite_other_key=asked.despite_other_key))
    except (BackupBroken, BackupRefused) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


async def verify_trail(asked: argparse.Namespace) -> int:
    """The chain over the trail; with the anchors of one's mail also whether its end is still there."""
    from models.sealing import verify

    anchors = _anchors(asked)
    if anchors is None:
        return 2
    verdict = await verify(anchors)
    print(verdict.said)
    if verdict.holds and verdict.lines:
        print(
            f"Laatste plaats: {verdict.lines}-{verdict.link[:32]}. Door een verwijderverzoek geleegd: {verdict.emptied}."
        )
    return 0 if verdict.holds else 1


def _anchors(asked: argparse.Namespace) -> list[Anchor] | None:
    """Those that were typed; None, and said, where one is none."""
    from models.sealing import anchor_in

    anchors = []
    for typed in asked.anchor or []:
        found = anchor_in(typed)
        if found is None:
            print(f"Dit is geen anker: {typed}", file=sys.stderr)
            return None
        anchors.append(found)
    return anchors


async def verify_approvals(asked: argparse.Namespace) -> int:
    """The proof of all approvals: every record, and the chain over them; with a last place that was kept also whether its end is
    still there, whatever was done to the trail."""
    from models.certifying.verifying import verify_all

    anchors = _anchors(asked)
    if anchors is None:
        return 2
    verdict = await verify_all(anchors=anchors)
    print(verdict.said)
    if verdict.holds and verdict.places:
        print(f"Laatste plaats: {verdict.places}-{verdict.link[:32]}.")
    return 0 if verdict.holds else 1


async def reset_factor(asked: argparse.Namespace) -> int:
    """Help for who lost his second factor, where there are not two colleagues to confirm."""
    from models.core import Missing
    from models.lost_factors import reset_by_machine

    try:
        print(await engine.run_writing(lambda: reset_by_machine(asked.email, now=asked.now)))
    except Missing:
        print(f"Niemand heeft het adres {asked.email}.", file=sys.stderr)
        return 1
    return 0


async def mend_blob(asked: argparse.Namespace) -> int:
    """A file whose bytes in the storage are damaged or gone, from a copy that is whole."""
    from models.keeping.rehashing import mend

    if not asked.file.is_file():
        print(f"{asked.file} is er niet.", file=sys.stderr)
        return 1
    sha256, state = await mend(asked.file)
    if state == "good":
        print(f"Teruggezet en nagekeken: {sha256}.")
        return 0
    print(
        f"Bij {sha256} hoort geen stuk; er is niets bewaard." if not state else "Het bestand is nog steeds beschadigd.",
        file=sys.stderr,
    )
    return 1


async def encrypt_files(asked: argparse.Namespace) -> int:
    """What was stored before FILES_KEY was set, or with an earlier key, written anew with the first key; may be stopped."""
    from models.storage import StorageDown, StorageFull, storage

    if not config.settings().files_keys:
        print("FILES_KEY is niet gezet; er is niets om mee te versleutelen.", file=sys.stderr)
        return 1
    counts = {"encrypted": 0, "kept": 0, "damaged": 0}
    try:
        async for sha256, outcome in storage().encrypt_all():
            counts[outcome] += 1
            if outcome == "damaged":
                print(f"Beschadigd en daarom niet overgezet: {sha256}", file=sys.stderr)
            if sum(counts.values()) % 1000 == 0:
                print(f"{sum(counts.values())} bestanden gedaan …", flush=True)
    except (StorageDown, StorageFull) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Versleuteld: {counts['encrypted']}; dat was al zo: {counts['kept']}; beschadigd: {counts['damaged']}.")
    return 1 if counts["damaged"] else 0


async def export_dossier(asked: argparse.Namespace) -> int:
    from models.moving.machine import export

    return await _moved(export(asked.number, asked.file, with_trash=asked.with_trash))


async def import_dossier(asked: argparse.Namespace) -> int:
    from models.moving.machine import bring_in

    return await _moved(bring_in(asked.file, asked.client, look=asked.look))


async def _moved(work: Coroutine[None, None, str]) -> int:
    from models.core import Refused
    from models.moving.manifest import Broken

    try:
        print(await work)
    except (Refused, Broken) as error:
        print(error.why, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Dit bestand kan niet worden gelezen of geschreven: {error.strerror}.", file=sys.stderr)
        return 1
    return 0


async def make_migration(asked: argparse.Namespace) -> int:
    from models.migrate import make_migration as make

    await make(asked.name)
    return 0


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m models")
    commands = top.add_subparsers(dest="command", required=True)

    def command(name: str, call: Command, words: str) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=words)
        one.set_defaults(call=call)
        return one

    one = command(
        "migrate", migrate, "brings the database up to date; safe to run twice, and from two processes at once"
    )
    one.add_argument("--setup-link", action="store_true", help="on a fresh database, print a one-time set-up link")
    command("setup-link", setup_link, "makes a new set-up link while the office is not set up").set_defaults(
        setup_link=False
    )
    one = command("seed", seed, "fills an empty database with a sample office")
    one.add_argument("--clients", type=_at_least_one, default=60)
    one.add_argument("--seed", type=int, default=1)
    one.add_argument(
        "--bare", action="store_true", help="tidy dossiers in which nothing happened yet: no requests, no questions"
    )
    one.add_argument("--password", help="of everybody of the cast; made up and printed when left out")
    command("check", check, "verifies settings, database, queue, storage and mail")
    one = command("backup", backup, "one consistent file of database, documents and settings")
    one.add_argument("file", type=Path)
    one = command("restore", restore, "a backup, into an empty installation")
    one.add_argument("file", type=Path)
    one.add_argument(
        "--despite-other-key", action="store_true", help="although SECRET_KEY is another: second factors are then lost"
    )
    one = command("verify-trail", verify_trail, "checks the chain over the trail, and that its end was not cut off")
    one.add_argument("--anchor", action="append", metavar="TEXT", help="out of a mail; may be given more than once")
    one = command(
        "verify-approvals", verify_approvals, "checks the proof of approvals, and that its end was not cut off"
    )
    one.add_argument("--anchor", action="append", metavar="TEXT", help="a last place that this command printed before")
    one = command("reset-factor", reset_factor, "confirms that somebody lost his second factor; it goes after the wait")
    one.add_argument("email")
    one.add_argument("--now", action="store_true", help="without the wait in which the person can stop it")
    one = command("mend-blob", mend_blob, "puts the bytes of a damaged or missing file back, from a copy")
    one.add_argument("file", type=Path)
    command("encrypt-files", encrypt_files, "encrypts what was stored before FILES_KEY was set or with an earlier key")
    one = command("export-dossier", export_dossier, "a client's dossier as one archive")
    one.add_argument("number", help="of the client")
    one.add_argument("file", type=Path)
    one.add_argument("--with-trash", action="store_true", help="with what is in the trash")
    one = command("import-dossier", import_dossier, "an archive, into a client's dossier, beside what is there")
    one.add_argument("file", type=Path)
    one.add_argument("--client", metavar="NUMBER", help="instead of the client that the archive names")
    one.add_argument("--look", action="store_true", help="only say what would come of it")
    one = command("make-migration", make_migration, "writes what changed in the tables as a migration, for developers")
    one.add_argument("name")
    return top


async def _run(asked: argparse.Namespace) -> int:
    engine.start()
    try:
        return int(await asked.call(asked))
    finally:
        await engine.close()


def main() -> None:
    os.umask(0o077)  # database, queue, keys and copies are for this account's eyes only
    asked = parser().parse_args()
    config.stop_on_nonsense()
    sys.exit(asyncio.run(_run(asked)))


if __name__ == "__main__":
    main()
