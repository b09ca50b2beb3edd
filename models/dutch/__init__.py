"""Dutch rules: a function returns the value as it is kept, or raises Invalid with a code and with words.

The sort and search keys of names are in `models.people`.
"""

from models.dutch.amounts import parse_amount, parse_date, parse_number, parse_short_date
from models.dutch.contact import address_line, email, phone, postcode, website
from models.dutch.invalid import Invalid
from models.dutch.names import (
    PREFIXES,
    addressing_name,
    attention_line,
    capital_first,
    in_running_text,
    initials,
    salutation,
    split_surname,
)
from models.dutch.numbers import branch_number, bsn, iban, kvk, payroll_tax_number, payroll_tax_numbers, rsin, vat
from models.dutch.payments import payment_reference, payroll_period

__all__ = [
    "PREFIXES",
    "Invalid",
    "address_line",
    "addressing_name",
    "attention_line",
    "branch_number",
    "bsn",
    "capital_first",
    "email",
    "iban",
    "in_running_text",
    "initials",
    "kvk",
    "parse_amount",
    "parse_date",
    "parse_number",
    "parse_short_date",
    "payment_reference",
    "payroll_period",
    "payroll_tax_number",
    "payroll_tax_numbers",
    "phone",
    "postcode",
    "rsin",
    "salutation",
    "split_surname",
    "vat",
    "website",
]
