"""Requests (opvragen): what the office needs from a client, item by item, until each is handed in and accepted."""

from models.requests.answering import accept, accept_all, hand_in, not_applicable, send_back
from models.requests.making import change_due, make_requests, remove_template, save_template, template_items, withdraw
from models.requests.reading import board, board_counts, items_of, open_for, requests_of
from models.requests.records import DocumentRequest, RequestItem, RequestTemplate

__all__ = [
    "DocumentRequest",
    "RequestItem",
    "RequestTemplate",
    "accept",
    "accept_all",
    "board",
    "board_counts",
    "change_due",
    "hand_in",
    "items_of",
    "make_requests",
    "not_applicable",
    "open_for",
    "remove_template",
    "requests_of",
    "save_template",
    "send_back",
    "template_items",
    "withdraw",
]
