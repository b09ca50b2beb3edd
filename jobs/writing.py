"""What each message says: the words of partials.mails with the values of one errand."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from typing import Any

from jobs import mime
from models import config, engine, linking, notices
from models.client_news_told import told_of
from models.clients.reached import Reached, reached_by
from models.core import Say
from models.delivering.making import link_in_mail
from models.hearing import stop_token as stop_token_of
from models.lost_factors import stop_token
from models.outbox import Kind
from models.people import addressee
from models.scanning.telling import infected_for
from models.settings import Firm
from partials import mails

UNKNOWN_LETTERS = Say("Het e-mailadres heeft letters die mailservers niet allemaal kennen.")
NOT_COMPOSED = Say("Het bericht kon niet worden opgemaakt.")


def name_of(row: dict[str, Any]) -> str:
    """The recipient's name, as on the screen."""
    return addressee(row).display_name


TELLS = (
    Kind.UPLOAD_NOTICE,
    Kind.DIGEST,
    Kind.CLIENT_NEWS,
    Kind.REMINDER,
    Kind.DOCUMENT_LINK,
    Kind.INFECTED,
    Kind.UPLOAD_LINK,
)  # kinds of which the news is asked first


async def news(row: dict[str, Any]) -> dict[str, Any] | None:
    """What a notice tells; asked inside a reading unit."""
    if row["kind"] == Kind.UPLOAD_LINK:
        return await link_in_mail(row["subject_id"] or 0)
    if row["kind"] == Kind.INFECTED and row["person_id"]:
        return await infected_for(row["person_id"], json.loads(row["detail"])["sha256"])
    if row["kind"] in (Kind.CLIENT_NEWS, Kind.REMINDER):
        return await told_of(row["person_id"], row["id"], json.loads(row["detail"])) if row["person_id"] else None
    if row["kind"] == Kind.DOCUMENT_LINK:
        return await linking.told(row["person_id"], row["subject_id"]) if row["person_id"] else None
    return (
        await notices.news_of(row["person_id"], row["kind"], json.loads(row["detail"]), row["id"])
        if row["person_id"]
        else None
    )


async def reached(rows: list[dict[str, Any]]) -> dict[int, Reached]:
    """person > the clients that his invitation names: one question for the whole batch, inside a reading unit."""
    return await reached_by({row["person_id"] for row in rows if row["kind"] == Kind.INVITATION and row["person_id"]})


def compose(row: dict[str, Any], firm: Firm, token: str, told: Any) -> mails.Composed | None:
    """The words, or None when there is nothing to say any more. `told`: news for a notice, Reached for an invitation."""
    base, person = config.settings().base_url, addressee(row, formal=not row.get("informal"))
    kind, language = row["kind"], row["language"]
    if kind in (Kind.INVITATION, Kind.PASSWORD, Kind.SIGN_IN_LINK):
        way_in = {"firm": firm, "person": person, "link": f"{base}/welcome/{token}", "valid_until": row["expires_at"]}
        if kind == Kind.SIGN_IN_LINK:
            return mails.compose(kind, language, **{**way_in, "link": f"{base}/sign-in/link/{token}"})
        if kind == Kind.INVITATION:
            return mails.invitation(language, told, **way_in)
        return mails.compose(kind, language, **way_in)
    if kind == Kind.ACCOUNT_NOTICE:
        what = json.loads(row["detail"]).get("what", "")
        return mails.compose(kind, language, firm=firm, person=person, what=what, account_url=f"{base}/account")
    if kind == Kind.LOST_FACTOR:
        until = json.loads(row["detail"]).get("until")
        return mails.compose(
            kind, language, firm=firm, person=person, until=dt.datetime.fromisoformat(until) if until else None,
            stop_url=f"{base}/lost-factor/{stop_token(row['subject_id'])}",
        )  # fmt: skip
    if kind == Kind.TEST:
        return mails.compose(kind, language, firm=firm, person=person, settings_url=f"{base}/settings/mail")
    if kind == Kind.PROPOSAL:
        detail = json.loads(row["detail"])
        return mails.compose(kind, language, firm=firm, person=person, portal_url=f"{base}/portal", **detail)
    if kind == Kind.DOCUMENT_LINK:
        if not told:
            return None
        documents = [{"name": one["name"], "url": f"{base}/documents/{one['id']}/open"} for one in told["documents"]]
        return mails.compose(kind, language, firm=firm, person=person, documents=documents, message=told["message"])
    if kind == Kind.TRAIL_ANCHOR:
        detail = json.loads(row["detail"])
        url = f"{base}/audit/check"
        return mails.compose(
            kind, language, firm=firm, person=person, anchor=detail["anchor"], lines=detail["lines"], audit_url=url
        )
    if kind == Kind.BROKEN_FILES:
        detail = json.loads(row["detail"])
        url = f"{base}/keeping/files"
        return mails.compose(
            kind, language, firm=firm, person=person, count=detail["count"], names=detail["names"], files_url=url
        )
    if not told or not told["count"]:
        return None
    if kind == Kind.UPLOAD_LINK:
        words = {name: told[name] for name in ("purpose", "until", "link")}
        return mails.compose(kind, told["language"], firm=firm, person=None, **words)
    if kind == Kind.INFECTED:
        found = [{**one, "url": f"{base}/documents/{one['id']}"} for one in told["documents"]]
        placed = [{**one, "url": f"{base}/approvals/{one['id']}"} for one in told["approvals"]]
        signature = json.loads(row["detail"])["signature"]
        return mails.compose(
            kind, language, firm=firm, person=person, signature=signature, documents=found, approvals=placed
        )
    if kind in (Kind.CLIENT_NEWS, Kind.REMINDER):
        stop = f"{base}/unsubscribe/{stop_token_of(row['person_id'])}"
        return mails.compose(
            Kind.CLIENT_NEWS, language, firm=firm, person=person, base=base, by_hand=kind == Kind.REMINDER,
            preferences_url=f"{base}/account#mail", stop_url=stop, **told,
        )  # fmt: skip
    clients = [
        {
            "name": client["name"],
            "url": f"{base}/clients/{client['id']}/dossier",
            "more": client["more"],
            "questions": [{**one, "url": f"{base}/documents/{one['id']}#remarks"} for one in client["questions"]],
            "approvals": [
                {**one, "url": f"{base}/approvals/{one['id']}", "user_url": f"{base}/users/{one.get('person')}"}
                for one in client["approvals"]
            ],
            "documents": [
                {**document, "url": f"{base}/documents/{document['id']}"} for document in client["documents"]
            ],
        }
        for client in told["clients"]
    ]
    return mails.compose(
        kind,
        language,
        firm=firm,
        person=person,
        count=told["documents"],
        questions=told["questions"],
        approvals=told["approvals"],
        clients=clients,
        seals=told["seals"],
        seals_url=f"{base}/approvals/seals",
        preferences_url=f"{base}/account",
    )


async def offices(rows: Iterable[dict[str, Any]]) -> dict[int | None, dict[str, Any]]:
    """The branch offices that these recipients' clients belong to; mostly none, and then nothing is asked."""
    ids = sorted({row["office"] for row in rows if row["office"]})
    found = await engine.raw(f"SELECT * FROM office WHERE id IN ({', '.join(map(str, ids))})") if ids else []
    return {row["id"]: row for row in found}


def encoded(address: str) -> str:
    """An address in the letters that mail servers know; '' stays ''."""
    return mime.envelope_address(address) if address else ""
