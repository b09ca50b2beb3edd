"""What the API is, as OpenAPI 3.1: the one description from which the reference page is made and to which the tests hold the answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models.approvals.events import EVENTS
from models.approvals.making import MOST_PARTS
from models.approvals.states import STATES
from models.connecting.reading import STILL
from models.core import Say

_TEXT: dict[str, Any] = {"type": "string"}
_NUMBER: dict[str, Any] = {"type": "integer"}
_MAYBE: dict[str, Any] = {"type": ["string", "null"]}
_DAY: dict[str, Any] = {"type": ["string", "null"], "format": "date"}
_MOMENT: dict[str, Any] = {"type": ["string", "null"], "format": "date-time"}

_TOLD: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id", "client_number", "kind", "state", "version", "sequence"],
    "properties": {
        "id": _NUMBER,
        "external_ref": {**_MAYBE, "description": Say("Hoe uw programma het noemt.")},
        "client_number": _TEXT,
        "kind": {
            "type": "object",
            "required": ["id", "name"],
            "additionalProperties": False,
            "properties": {"id": _NUMBER, "name": _TEXT},
        },
        "book_year": {"type": ["integer", "null"]},
        "period": {
            **_MAYBE,
            "description": Say(
                "k1 tot en met k4, m01 tot en met m12, p01 tot en met p13 (vier weken), of null voor het hele jaar."
            ),
        },
        "title": _MAYBE,
        "state": {"type": "string", "enum": list(STATES)},
        "version": {**_NUMBER, "description": Say("Loopt op als een bestand wordt vervangen.")},
        "offered_at": _MOMENT,
        "completed_at": {
            **_MOMENT,
            "description": Say(
                "Wanneer het was beslist: akkoord, op papier akkoord of niet akkoord; state zegt welke. Van wat is ingetrokken of verlopen leeg."
            ),
        },
        "filed_at": _MOMENT,
        "internal_due": _DAY,
        "legal_due": _DAY,
        "dated_on": {**_DAY, "description": Say("De dag van het besluit, als die is opgegeven.")},
        "reason": {**_MAYBE, "description": Say("Waarom het is afgewezen of ingetrokken.")},
        "sequence": {
            **_NUMBER,
            "description": Say("Loopt op met elke handeling: wat een lager nummer heeft, is ouder."),
        },
    },
}
_STILL: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "step", "state"],
    "properties": {
        "name": _TEXT,
        "step": {**_NUMBER, "description": Say("De hoeveelste stap van het plan, vanaf 1.")},
        "state": {
            **_TEXT,
            "enum": list(STILL),
            "description": Say("asked: is nu aan de beurt; waiting: nog niet aan de beurt."),
        },
    },
}
_APPROVAL: dict[str, Any] = {
    **_TOLD,
    "required": [*_TOLD["required"], "amount_cents", "still_to_approve"],
    "properties": {
        **_TOLD["properties"],
        "amount_cents": {
            "type": ["integer", "null"],
            "description": Say("Hele centen; positief is te betalen, negatief te ontvangen."),
        },
        "still_to_approve": {
            "type": "array",
            "items": _STILL,
            "description": Say("Wie nog akkoord moet geven; leeg zolang het niet is aangeboden. Volstaat in een stap een van hen, dan staan zij er allen tot een het geeft."),
        },
    },
}  # fmt: skip
_PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["type", "status", "title", "detail", "title_en", "detail_en"],
    "properties": {
        "type": _TEXT,
        "status": _NUMBER,
        "title": _TEXT,
        "detail": _TEXT,
        "title_en": _TEXT,
        "detail_en": _TEXT,
        "field": _TEXT,
        "file": _TEXT,
        "request_id": _TEXT,
        "existing": {
            "type": "array",
            "description": Say("Bij 409 van plaatsen: die van dezelfde soort en periode, de nieuwste eerst. Met replace=true vervangt u de eerste."),
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["id", "state", "approvals"],
                "properties": {
                    "id": _NUMBER,
                    "state": {"type": "string", "enum": list(STATES)},
                    "approvals": {**_NUMBER, "description": Say("Hoeveel akkoorden erop gegeven zijn; die vervallen als u vervangt.")},
                },
            },
        },
        "state": {"type": "string", "enum": list(STATES), "description": Say("Bij 404 van de akkoordverklaring: hoe de accordering ervoor staat.")},
    },
}  # fmt: skip
_CLIENT: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["number", "name"],
    "properties": {"number": _TEXT, "name": _TEXT},
}
_PLACE: dict[str, Any] = {
    "type": "object",
    "required": ["client_number", "kind", "file"],
    "properties": {
        "client_number": {**_TEXT, "description": Say("Zoals het kantoor het schrijft, met voorloopnullen.")},
        "kind": {**_TEXT, "description": Say("Het id of de naam van een van /kinds.")},
        "book_year": {**_TEXT, "description": Say("Zoals 2025.")},
        "period": {**_TEXT, "description": Say("k1 tot en met k4, m01 tot en met m12, p01 tot en met p13; laat het weg voor het hele jaar.")},
        "title": {**_TEXT, "maxLength": 200},
        "addressee": {**_TEXT, "maxLength": 120},
        "amount_cents": {**_TEXT, "description": Say("Hele centen; positief is te betalen, negatief te ontvangen.")},
        "message": {**_TEXT, "maxLength": 4000},
        "internal_due": {**_TEXT, "format": "date"},
        "legal_due": {**_TEXT, "format": "date", "description": Say("Weggelaten: volgens de kalender van de soort.")},
        "dated_on": {**_TEXT, "format": "date", "description": Say("De dag van het besluit, waarvanaf de kalender telt: bij dividendbelasting de dag van uitbetaling, bij deponeren die van vaststelling. Bij andere soorten telt hij niet mee; zonder legal_due volgt de uiterste dag hieruit.")},
        "external_ref": {**_TEXT, "maxLength": 120},
        "offer": {**_TEXT, "enum": ["true", "false"], "default": "false", "description": Say("false, of weggelaten: het blijft een concept dat het kantoor nog bekijkt.")},
        "replace": {**_TEXT, "enum": ["true", "false"], "default": "false", "description": Say("true: het komt in de plaats van dezelfde soort en periode; eerdere akkoorden vervallen. false, of weggelaten: is er al een, dan is het antwoord 409.")},
        "attachment_name": {"type": "array", "items": _TEXT, "description": Say("De namen van de bestanden die alleen worden bijgevoegd en niet ter accordering zijn.")},
        "file": {"type": "array", "minItems": 1, "maxItems": MOST_PARTS, "description": Say("Wat ter accordering is, is een PDF. Alles samen is hoogstens zo groot als het kantoor toelaat; daarboven is het antwoord 413."), "items": {"type": "string", "contentMediaType": "application/octet-stream"}},
    },
}  # fmt: skip


def _answers(right: str, schema: dict[str, Any], words: Say, *wrong: int) -> dict[str, Any]:
    said = {
        400: Say("De inhoud kwam niet heel aan"), 401: Say("Geen geldig token"), 403: Say("Dit token is hier niet voor gemaakt"), 404: Say("Het is er niet, of niet voor dit token"),
        409: Say("Dezelfde soort en periode is er al, of de sleutel hoort bij een andere inhoud"), 413: Say("Te groot"), 422: Say("Er kan iets niet; field zegt welk veld"),
        429: Say("Te vaak; wacht een kwartier"),
    }  # fmt: skip
    answers: dict[str, Any] = {right: {"description": words, "content": {"application/json": {"schema": schema}}}}
    for status in wrong:
        answers[str(status)] = {
            "description": said[status],
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        if status == 429:
            answers["429"]["headers"] = {
                "Retry-After": {"schema": _NUMBER, "description": Say("Over hoeveel seconden het weer kan.")}
            }
    return answers


def _file(kind: str, words: Say) -> dict[str, Any]:
    answers = _answers("200", {}, words, 401, 403, 404, 422, 429)
    schema = {"type": "string", "contentMediaType": kind}
    return answers | {"200": {"description": words, "content": {kind: {"schema": schema}}}}


_TEST: dict[str, Any] = {
    "post": {
        "summary": "test",
        "description": Say("Het proefbericht dat het kantoor zelf verstuurt: ondertekend als elk ander, en het gaat over niets."),
        "requestBody": {
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["type", "timestamp", "data"],
                        "properties": {
                            "type": {"const": "test"}, "timestamp": _TEXT,
                            "data": {"type": "object", "required": ["message"], "properties": {"message": _TEXT}},
                        },
                    }
                }
            }
        },
        "responses": {"200": {"description": Say("Alles van 200 tot en met 299 binnen 15 seconden.")}},
    }
}  # fmt: skip
_ONE = {"$ref": "#/components/schemas/Approval"}


def _query(name: str, schema: dict[str, Any], words: Say) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": words}


_ID = {"name": "request_id", "in": "path", "required": True, "schema": _NUMBER}


def document(base_url: str, speak: Callable[[Say], Any] = str) -> dict[str, Any]:
    """The whole description, with this installation's address, its words as `speak` says them."""
    return _said(_document(base_url), speak)  # type: ignore[no-any-return]


def _said(part: Any, speak: Callable[[Say], Any]) -> Any:
    if isinstance(part, Say):
        return speak(part)
    if isinstance(part, dict):
        return {name: _said(value, speak) for name, value in part.items()}
    return [_said(value, speak) for value in part] if isinstance(part, list) else part


def _document(base_url: str) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Poort",
            "version": "1",
            "summary": Say("Plaats stukken ter accordering, vraag hoe ze ervoor staan, en hoor meteen wat ermee gebeurt."),
            "description": Say("Een token heeft rechten (read, place, proof) en kan voor een deel van de cliënten zijn: van alle andere krijgt het 404."),
        },
        "servers": [{"url": base_url}],
        "security": [{"token": []}],
        "paths": {
            "/api/v1/approvals": {
                "get": {
                    "operationId": "approvals",
                    "summary": Say("Accorderingen, de oudste eerst, in bladzijden"),
                    "parameters": [
                        _query("client", _TEXT, Say("Het nummer van een cliënt.")),
                        _query("state", _TEXT, Say("Een of meer toestanden, met komma’s ertussen.")),
                        _query("changed_since", {**_TEXT, "format": "date-time"}, Say("Alleen die waarmee sindsdien iets is gebeurd.")),
                        _query("external_ref", _TEXT, Say("Hoe uw programma het noemt.")),
                        _query("cursor", _NUMBER, Say("`next` van de vorige bladzijde.")),
                        _query("limit", {**_NUMBER, "minimum": 1, "maximum": 200}, Say("Hoogstens 200; weggelaten is 50.")),
                    ],
                    "responses": _answers(
                        "200",
                        {
                            "type": "object",
                            "required": ["approvals", "next"],
                            "additionalProperties": False,
                            "properties": {"approvals": {"type": "array", "items": _ONE}, "next": {"type": ["integer", "null"]}},
                        },
                        Say("Een bladzijde ervan"), 401, 403, 404, 422, 429,
                    ),
                },
                "post": {
                    "operationId": "place",
                    "summary": Say("Een of meer bestanden ter accordering plaatsen"),
                    "description": Say("Met een Idempotency-Key mag hetzelfde verzoek een dag lang opnieuw worden gedaan: het krijgt hetzelfde antwoord, en er wordt niets twee keer geplaatst."),
                    "parameters": [
                        {"name": "Idempotency-Key", "in": "header", "required": False, "schema": {**_TEXT, "maxLength": 200}}
                    ],
                    "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _PLACE}}},
                    "responses": _answers("201", _ONE, Say("Het is geplaatst"), 400, 401, 403, 404, 409, 413, 422, 429),
                },
            },
            "/api/v1/approvals/{request_id}": {
                "get": {
                    "operationId": "approval",
                    "summary": Say("Hoe één accordering ervoor staat"),
                    "parameters": [_ID],
                    "responses": _answers("200", _ONE, Say("Zoals het nu is"), 401, 403, 404, 429),
                }
            },
            "/api/v1/approvals/{request_id}/withdraw": {
                "post": {
                    "operationId": "withdraw",
                    "summary": Say("Intrekken, met een reden"),
                    "description": Say("Van wat is aangeboden is een reden nodig: wie akkoord moest geven, leest hem. Een concept of wat op autorisatie wacht mag zonder reden weg; een reden die u meegeeft, wordt bewaard."),
                    "parameters": [_ID],
                    "requestBody": {
                        "required": False,
                        "content": {
                            "application/json": {
                                "schema": {"type": "object", "properties": {"reason": {**_TEXT, "maxLength": 2000}}}
                            }
                        },
                    },
                    "responses": _answers("200", _ONE, Say("Het is ingetrokken"), 401, 403, 404, 413, 422, 429),
                }
            },
            "/api/v1/approvals/{request_id}/certificate": {
                "get": {
                    "operationId": "certificate",
                    "summary": Say("De verzegelde akkoordverklaring, als PDF"),
                    "description": Say(
                        "Vanaf dat het akkoord is en verzegeld, enkele seconden nadat de state approved werd; daarvoor 404. Het token heeft het recht proof nodig."
                    ),
                    "parameters": [_ID],
                    "responses": _file("application/pdf", Say("De nieuwste akkoordverklaring, zoals die verzegeld is")),
                }
            },
            "/api/v1/approvals/{request_id}/evidence": {
                "get": {
                    "operationId": "evidence",
                    "summary": Say("Het bewijsbestand, als ZIP: stukken, akkoordverklaring en handelingen, met hoe ze zonder ons worden nagekeken"),
                    "description": Say(
                        "Wat erin zit en hoe het wordt nagekeken, staat erin in HOE-CONTROLEREN.txt. Het token heeft het recht proof nodig."
                    ),
                    "parameters": [_ID],
                    "responses": _file("application/zip", Say("Het bewijsbestand, zoals het nu is")),
                }
            },
            "/api/v1/kinds": {
                "get": {
                    "operationId": "kinds",
                    "summary": Say("De soorten die dit kantoor gebruikt"),
                    "responses": _answers(
                        "200",
                        {
                            "type": "object",
                            "required": ["kinds"],
                            "properties": {
                                "kinds": {
                                    "type": "array",
                                    "items": {
                                        "type": "object",
                                        "required": ["id", "name", "name_en"],
                                        "properties": {"id": _NUMBER, "name": _TEXT, "name_en": _TEXT},
                                    },
                                }
                            },
                        },
                        Say("Allemaal"), 401, 403, 404, 429,
                    ),
                }
            },
            "/api/v1/clients/{number}": {
                "get": {
                    "operationId": "client",
                    "summary": Say("Of er een actieve cliënt met dit nummer is"),
                    "parameters": [{"name": "number", "in": "path", "required": True, "schema": _TEXT}],
                    "responses": _answers(
                        "200", {"$ref": "#/components/schemas/Client"}, Say("Die is er"), 401, 403, 404, 429
                    ),
                }
            },
        },
        "webhooks": {
            f"approval.{event}": {
                "post": {
                    "summary": f"approval.{event}",
                    "requestBody": {
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "object",
                                    "required": ["type", "timestamp", "data"],
                                    "properties": {"type": {"const": f"approval.{event}"}, "timestamp": _TEXT, "data": {"$ref": "#/components/schemas/Told"}},
                                }
                            }
                        }
                    },
                    "responses": {"200": {"description": Say("Alles van 200 tot en met 299 binnen 15 seconden; 410 stopt de webhook.")}},
                }
            }
            for event in EVENTS
        }
        | {"test": _TEST},
        "components": {
            "schemas": {"Approval": _APPROVAL, "Told": _TOLD, "Client": _CLIENT, "Problem": _PROBLEM},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }  # fmt: skip
