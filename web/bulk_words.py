"""The words of bulk acts: what becomes of a record, why, and how the value looks that was or becomes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from models.approvals.records import ROLES
from models.clients.records import RESPONSIBLE_FOR
from models.core import Say

FATES: dict[str, Say] = {
    "": Say("Nog niet bekeken"),
    "will": Say("Wordt gewijzigd"),
    "already": Say("Is al zo"),
    "refused": Say("Kan niet"),
    "done": Say("Gewijzigd"),
    "moved": Say("Overgeslagen"),
    "undone": Say("Teruggezet"),
    "stayed": Say("Niet teruggezet"),
}
_WHY: dict[str, Say] = {
    "unseen": Say("Bestaat niet meer, of u ziet deze niet meer."),
    "moved": Say("Is sinds het voorbeeld door iemand anders gewijzigd."),
    "by_rule": Say("Staat in de groep door de regel van de groep."),
    "oneself": Say("U zou de cliënt zelf niet meer zien. Vraag het een collega."),
    "beyond": Say("Heeft ook toegang tot cliënten die u niet ziet."),
    "no_access": Say("Heeft geen toegang tot een van deze cliënten."),
    "has_access": Say("Wie dit adres heeft, heeft al toegang."),
    "no_email": Say("De cliënt heeft geen e-mailadres."),
    "wrong_email": Say("Het e-mailadres van de cliënt klopt niet."),
    "several": Say("Meer mensen gebruiken dit adres. Voeg zelf toe wie u bedoelt."),
    "no_name": Say("Uit adres en cliënt blijkt niet wie dit is."),
    "shared": Say("Een postbus van meer mensen (zoals info@)."),
    "archived": Say("De cliënt is gearchiveerd."),
    "merged": Say("Is samengevoegd met een andere cliënt."),
    "blocked": Say("Wie dit adres heeft, is geblokkeerd."),
    "of_staff": Say("Het adres is van een collega."),
    "new": Say("Nieuwe gebruiker, klaargezet; krijgt geen mail."),
    "access": Say("Bestaat al als gebruiker en krijgt toegang."),
    "nobody": Say("Niemand heeft bij deze cliënt dit recht."),
    "unable": Say("Niet elk van hen mag bij deze cliënt accorderen; wie dat niet mag, wordt niet gevraagd."),
    "together": Say("Zelfde adres als een eerdere cliënt: één gebruiker voor beide."),
}
_VALUES: dict[str, Say] = {
    "active": Say("Actief"), "archived": Say("Gearchiveerd"), "prepared": Say("Klaargezet"), "invited": Say("Uitgenodigd"),
    "blocked": Say("Geblokkeerd"), "nl": Say("Nederlands"), "en": Say("Engels"), "daily": Say("Dagelijks"),
    "at_once": Say("Meteen"), "never": Say("Nooit"),
}  # fmt: skip
_WHOM = {"any": Say("één van: {who}"), "some": Say("{n} van: {who}")}
_PLAIN = ("archive", "restore", "block", "let_in", "set_language", "set_client_language", "set_digest")


def reason(row: dict[str, Any]) -> Say | str:
    if row["fate"] == "stayed" and row["why"] == "moved":
        return Say("Is daarna opnieuw gewijzigd, en bleef dus zo.")
    return _WHY.get(row["why"], "")


def shown(kind: str, value: str, names: Mapping[int, str]) -> Say | str:
    """'' where the value says nothing to people. `names` of the people whom values of this kind hold by number."""
    if kind == "set_plan":
        return _plan(json.loads(value), names) if value else Say("Geen eigen plan")
    if kind == "give_approver_role":
        return ", ".join(names.get(person, "–") for _, person in json.loads(value or "[]"))
    if kind in _PLAIN:
        return _VALUES.get(value.partition("@")[0], "")
    if kind == "set_tone":
        return Say("Met u") if value == "1" else Say("Met je")
    if kind in ("join_sector", "leave_sector"):
        return Say("In de branche") if value else Say("Niet in de branche")
    if kind in ("join_group", "leave_group"):
        return Say("In de groep") if value else Say("Niet in de groep")
    if kind in ("add_responsible", "drop_responsible"):
        roles = [str(RESPONSIBLE_FOR[role]) for role in value[1:].split(",") if role in RESPONSIBLE_FOR]
        return ", ".join(roles) or Say("Verantwoordelijk") if value else Say("Niet verantwoordelijk")
    if kind == "prepare_users" and value:
        said = json.loads(value)
        if "email" in said:
            return str(said["email"])
        return " ".join(said[name] for name in ("first_name", "initials", "prefix", "surname") if said.get(name))
    return ""


def _plan(steps: Sequence[dict[str, Any]], names: Mapping[int, str]) -> Say | str:
    """The steps one after the other: „Directeur, daarna één van: Fiscaal partner en Salariscontact”."""
    said = [_step(step, names) for step in steps]
    whole = said[-1]
    for one in reversed(said[:-1]):
        whole = Say("{first}, daarna {rest}", first=one, rest=whole)
    return whole


def _step(step: dict[str, Any], names: Mapping[int, str]) -> Say | str:
    who = _all([ROLES[one["role"]] if "role" in one else names.get(one["person"], "–") for one in step["who"]])
    if step["mode"] == "all" or len(step["who"]) == 1:
        return who
    return Say(_WHOM[step["mode"]].text, n=step["n"], who=who)


def _all(some: Sequence[Say | str]) -> Say | str:
    if len(some) == 1:
        return some[0]
    if len(some) == 2:
        return Say("{first} en {last}", first=some[0], last=some[1])
    return Say("{first}, {rest}", first=some[0], rest=_all(some[1:]))
