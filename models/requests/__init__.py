"""Requests (opvragen): what the office needs from a client, item by item, until each is handed in and accepted."""

from models.requests.answering import accept, accept_all, accept_for_client, hand_in, not_applicable, send_back
from models.requests.changing import add_items, ask_again, change_item_due, change_many, remove_item, reopen
from models.requests.making import change_due, make_requests, remove_template, save_template, template_items, withdraw
from models.requests.reading import board, board_counts, items_of, open_for, requests_of
from models.requests.records import DocumentRequest, RequestItem, RequestTemplate

__all__ = [
    "DocumentRequest",
    "RequestItem",
    "RequestTemplate",
    "accept",
    "accept_all",
    "accept_for_client",
    "add_items",
    "ask_again",
    "board",
    "board_counts",
    "change_due",
    "change_item_due",
    "change_many",
    "hand_in",
    "items_of",
    "make_requests",
    "not_applicable",
    "open_for",
    "remove_item",
    "remove_template",
    "reopen",
    "requests_of",
    "save_template",
    "send_back",
    "template_items",
    "withdraw",
]
