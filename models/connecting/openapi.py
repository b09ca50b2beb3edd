"""What the API is, as OpenAPI 3.1: the one description from which the reference page is made and to which the tests hold the answers."""

from __future__ import annotations

from typing import Any

from models.approvals.events import EVENTS
from models.approvals.states import STATES

_TEXT: dict[str, Any] = {"type": "string"}
_NUMBER: dict[str, Any] = {"type": "integer"}
_MAYBE: dict[str, Any] = {"type": ["string", "null"]}
_DAY: dict[str, Any] = {"type": ["string", "null"], "format": "date"}
_MOMENT: dict[str, Any] = {"type": ["string", "null"], "format": "date-time"}

_APPROVAL: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id", "client_number", "kind", "state", "version", "sequence"],
    "properties": {
        "id": _NUMBER,
        "external_ref": {**_MAYBE, "description": "What your software calls it."},
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
            "description": "k1 to k4, m01 to m12, p01 to p13 (four weeks), or null for the whole year.",
        },
        "title": _MAYBE,
        "state": {"type": "string", "enum": list(STATES)},
        "version": {**_NUMBER, "description": "Rises when a file is replaced."},
        "offered_at": _MOMENT,
        "completed_at": _MOMENT,
        "filed_at": _MOMENT,
        "internal_due": _DAY,
        "legal_due": _DAY,
        "reason": {**_MAYBE, "description": "Why it was rejected or withdrawn."},
        "sequence": {**_NUMBER, "description": "Rises with every act: what has a lower number is older."},
    },
}
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
    },
}
_PLACE: dict[str, Any] = {
    "type": "object",
    "required": ["client_number", "kind", "file"],
    "properties": {
        "client_number": {**_TEXT, "description": "As the office writes it, with leading zeros."},
        "kind": {**_TEXT, "description": "The id or the name of one of /kinds."},
        "book_year": {**_TEXT, "description": "Such as 2025."},
        "period": {**_TEXT, "description": "k1 to k4, m01 to m12, p01 to p13; leave it out for the whole year."},
        "title": {**_TEXT, "maxLength": 200},
        "addressee": {**_TEXT, "maxLength": 120},
        "amount_cents": {**_TEXT, "description": "Whole cents; positive is to pay, negative to receive."},
        "message": {**_TEXT, "maxLength": 4000},
        "internal_due": {**_TEXT, "format": "date"},
        "legal_due": {**_TEXT, "format": "date", "description": "Left out: by the calendar of the kind."},
        "external_ref": {**_TEXT, "maxLength": 120},
        "offer": {**_TEXT, "enum": ["true", "false"], "description": "false: it stays a draft for the office to look at."},
        "replace": {**_TEXT, "enum": ["true", "false"], "description": "true: takes the place of the same kind and period; earlier approvals become void."},
        "attachment_name": {"type": "array", "items": _TEXT, "description": "The names of those files that are only added, not approved."},
        "file": {"type": "array", "items": {"type": "string", "contentMediaType": "application/octet-stream"}},
    },
}  # fmt: skip


def _answers(right: str, schema: dict[str, Any], words: str, *wrong: int) -> dict[str, Any]:
    said = {
        400: "The body did not arrive whole", 401: "No valid token", 403: "The token was not made for this", 404: "Not there, or not for this token",
        409: "The same kind and period is there already, or the key belongs to another body", 413: "Too large", 422: "Something cannot be; field says which",
        429: "Too often; wait a quarter of an hour",
    }  # fmt: skip
    answers: dict[str, Any] = {right: {"description": words, "content": {"application/json": {"schema": schema}}}}
    for status in wrong:
        answers[str(status)] = {
            "description": said[status],
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    return answers


def _file(kind: str, words: str) -> dict[str, Any]:
    answers = _answers("200", {}, words, 401, 403, 404, 422, 429)
    schema = {"type": "string", "contentMediaType": kind}
    return answers | {"200": {"description": words, "content": {kind: {"schema": schema}}}}


_ONE = {"$ref": "#/components/schemas/Approval"}


def _query(name: str, schema: dict[str, Any], words: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": words}


_ID = {"name": "request_id", "in": "path", "required": True, "schema": _NUMBER}


def document(base_url: str) -> dict[str, Any]:
    """The whole description, with this installation's address."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Poort",
            "version": "1",
            "summary": "Place documents for approval, ask how they stand, and hear at once what happens to them.",
            "description": "A token has scopes (read, place, proof) and may be limited to some clients: of all others it gets 404.",
        },
        "servers": [{"url": base_url}],
        "security": [{"token": []}],
        "paths": {
            "/api/v1/approvals": {
                "get": {
                    "operationId": "approvals",
                    "summary": "Requests for approval, oldest first, in pages",
                    "parameters": [
                        _query("client", _TEXT, "The number of a client."),
                        _query("state", _TEXT, "One or more states, by commas."),
                        _query("changed_since", {**_TEXT, "format": "date-time"}, "Only those to which something happened since."),
                        _query("external_ref", _TEXT, "What your software calls it."),
                        _query("cursor", _NUMBER, "`next` of the page before."),
                        _query("limit", {**_NUMBER, "minimum": 1, "maximum": 200}, "At most 200; 50 when left out."),
                    ],
                    "responses": _answers(
                        "200",
                        {
                            "type": "object",
                            "required": ["approvals", "next"],
                            "additionalProperties": False,
                            "properties": {"approvals": {"type": "array", "items": _ONE}, "next": {"type": ["integer", "null"]}},
                        },
                        "A page of them", 401, 403, 404, 422, 429,
                    ),
                },
                "post": {
                    "operationId": "place",
                    "summary": "Place one or more files for approval",
                    "description": "With an Idempotency-Key the same call may be made again for a day: it gets the same answer, and nothing is placed twice.",
                    "parameters": [
                        {"name": "Idempotency-Key", "in": "header", "required": False, "schema": {**_TEXT, "maxLength": 200}}
                    ],
                    "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _PLACE}}},
                    "responses": _answers("201", _ONE, "It is placed", 400, 401, 403, 404, 409, 413, 422, 429),
                },
            },
            "/api/v1/approvals/{request_id}": {
                "get": {
                    "operationId": "approval",
                    "summary": "How one stands",
                    "parameters": [_ID],
                    "responses": _answers("200", _ONE, "As it is now", 401, 403, 404, 429),
                }
            },
            "/api/v1/approvals/{request_id}/withdraw": {
                "post": {
                    "operationId": "withdraw",
                    "summary": "Withdraw it, with a reason",
                    "parameters": [_ID],
                    "requestBody": {
                        "required": True,
                        "content": {
                            "application/json": {
                                "schema": {"type": "object", "required": ["reason"], "properties": {"reason": _TEXT}}
                            }
                        },
                    },
                    "responses": _answers("200", _ONE, "It is withdrawn", 401, 403, 404, 413, 422, 429),
                }
            },
            "/api/v1/approvals/{request_id}/certificate": {
                "get": {
                    "operationId": "certificate",
                    "summary": "The sealed certificate of approval, as PDF",
                    "description": "From when it is approved and sealed, some seconds after state became approved; before that 404. "
                    "The token needs the scope proof.",
                    "parameters": [_ID],
                    "responses": _file("application/pdf", "The newest certificate, as it was sealed"),
                }
            },
            "/api/v1/approvals/{request_id}/evidence": {
                "get": {
                    "operationId": "evidence",
                    "summary": "The file of proof, as ZIP: documents, certificate and record, with a way to verify them without us",
                    "description": "What it holds and how it is verified stands in HOW-TO-VERIFY.txt inside. The token needs the scope proof.",
                    "parameters": [_ID],
                    "responses": _file("application/zip", "The file of proof, as it is now"),
                }
            },
            "/api/v1/kinds": {
                "get": {
                    "operationId": "kinds",
                    "summary": "The kinds this office uses",
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
                        "All of them", 401, 403, 404, 429,
                    ),
                }
            },
            "/api/v1/clients/{number}": {
                "get": {
                    "operationId": "client",
                    "summary": "Whether there is an active client with this number",
                    "parameters": [{"name": "number", "in": "path", "required": True, "schema": _TEXT}],
                    "responses": _answers(
                        "200", {"type": "object", "required": ["number"], "properties": {"number": _TEXT}}, "There is", 401, 403, 404, 429
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
                                    "properties": {"type": {"const": f"approval.{event}"}, "timestamp": _TEXT, "data": _ONE},
                                }
                            }
                        }
                    },
                    "responses": {"200": {"description": "Anything from 200 to 299 within 15 seconds; 410 stops the webhook."}},
                }
            }
            for event in EVENTS
        },
        "components": {
            "schemas": {"Approval": _APPROVAL, "Problem": _PROBLEM},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }  # fmt: skip
