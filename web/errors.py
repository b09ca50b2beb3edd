"""Every failure in words: what happened, what was kept, and what to do next."""

from __future__ import annotations

import sqlite3
from typing import Any

from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request

from models import engine
from models.core import Forbidden, Gone, Missing, Refused, Say
from models.scanning import Shut
from models.storage import Missing as NoBytes
from models.storage import StorageDown, StorageFull, TooLarge
from models.throttling import TooOften
from web import observe
from web.replies import Reply, show
from web.uploads import BadBody


def failure(error: Exception, request: Request, viewer: Any, *, logged: bool = False) -> Reply:
    """The page (or fragment) for an exception. What nobody expected is logged with the request's id, which the page shows."""
    status, title, text = _looking_on() if isinstance(error, Forbidden) and viewer.view_as else _words(error)
    if status >= 500 and not logged:
        observe.log_exception(error, request)
    return show(
        "shared/failure.html",
        status=status,
        title=title,
        text=text,
        code=status,
        request_id=request.scope.get("poort.request_id", ""),
    )


def words_of(error: Exception, request: Request) -> tuple[int, Say, Say]:
    """Status, title and explanation, for who answers in another form than a page; what nobody expected is logged."""
    status, title, text = _words(error)
    if status >= 500:
        observe.log_exception(error, request)
    return status, title, text


def _looking_on() -> tuple[int, Say, Say]:
    return (
        403,
        Say("U kijkt alleen mee"),
        Say("Wie meekijkt wijzigt niets. Er is niets veranderd, verstuurd of bewaard."),
    )


def _words(error: Exception) -> tuple[int, Say, Say]:
    nothing = Say("Er is niets veranderd.")
    match error:
        case Missing() | NoBytes():
            return 404, Say("Niet gevonden"), Say("Deze pagina bestaat niet, of u hebt er geen toegang toe.")
        case Forbidden():
            return (
                403,
                Say("Dit mag u niet"),
                Say("Uw rechten laten dit niet toe. Er is niets veranderd. Vraag het de beheerder van het kantoor."),
            )
        case TooOften():
            return 429, Say("Even geduld"), error.why
        case Shut():
            return 423, Say("Blijft nog gesloten"), error.why
        case Refused():
            return 422, Say("Dit kan niet"), error.why
        case Gone():
            return 410, Say("Niet meer geldig"), error.why
        case TooLarge():
            return (
                413,
                Say("Te groot"),
                Say("Dit is meer dan {limit} MB in één keer. Er is niets bewaard.", limit=error.limit // 1048576),
            )
        case StorageFull():
            return (
                507,
                Say("Geen ruimte meer"),
                Say(
                    "De opslag is vol. Er is niets half bewaard; waarschuw de beheerder en probeer het daarna opnieuw."
                ),
            )
        case StorageDown():
            return (
                503,
                Say("Opslag niet bereikbaar"),
                Say("De opslag antwoordt niet. Er is niets veranderd; probeer het over een minuut opnieuw."),
            )
        case BadBody():
            return 400, Say("Niet goed aangekomen"), error.why
        case MultiPartException() | ClientDisconnect():
            return (
                400,
                Say("Niet goed aangekomen"),
                Say("Het formulier kwam niet heel aan. Er is niets bewaard; probeer het opnieuw."),
            )
    if engine.is_busy(error):
        return (
            503,
            Say("Even druk"),
            Say("De database is bezet. Er is niets veranderd; probeer het over enkele seconden opnieuw."),
        )
    if engine.is_disk_full(error):
        return (
            507,
            Say("Geen ruimte meer"),
            Say("De schijf van de server is vol. Er is niets veranderd; waarschuw de beheerder."),
        )
    if engine.is_unique_violation(error) or engine.is_serialization_failure(error):
        return (
            409,
            Say("Iemand was u net voor"),
            Say("Iemand anders wijzigde dit op hetzelfde moment. Er is niets veranderd; bekijk de pagina opnieuw."),
        )
    if engine.is_foreign_key_violation(error):
        return 409, Say("Iemand was u net voor"), Say("Wat u wilde wijzigen is intussen weg. Er is niets veranderd.")
    if isinstance(error, sqlite3.OperationalError) and "disk I/O" in str(error):
        return 507, Say("Schijf weigert"), nothing
    return (
        500,
        Say("Er ging iets mis"),
        Say("Dit ligt aan ons en niet aan u. Er is niets half gedaan. Noem bij een vraag dit nummer."),
    )
