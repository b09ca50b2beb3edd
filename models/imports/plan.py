"""The dry run: for every line of the file what would become of it, against the records as they are. Changes nothing."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import Any

from models.accounts.mailbox import FULL, MOST, agrees
from models.accounts.managing import NOT_WHOLLY_YOURS
from models.accounts.roles import RIGHTS_OF
from models.core import Say, fold
from models.imports.addresses import Addresses
from models.imports.lexicon import Kind
from models.imports.sheet import Row
from models.imports.wholes import Parsed
from models.imports.world import CLIENT_FIELDS, USER_FIELDS, Keys, World
from models.people import number_key

Note = tuple[str, Say]
CHOICES = ("make_groups", "share_addresses")  # what can be chosen beside the columns
ROLE = "uploaden"  # of whom the list says no role
_KIND_OF_FORM = {"Eenmanszaak": "sole_trader", "Particulier": "private"}  # of a new client, where the list does not say


@dataclass(slots=True)
class Planned:
    """One row of the plan; `content` is all that the commit needs."""

    line: int
    part: str
    action: str
    label: str
    content: dict[str, Any] = field(default_factory=dict)
    changes: dict[str, list[Any]] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    record_id: int | None = None


def keys_of(kind: Kind, rows: list[tuple[Row, Parsed]]) -> Keys:
    """What has to be looked up before these rows can be planned."""
    keys = Keys()
    for _, parsed in rows:
        values = parsed.values
        if kind == "groups":
            keys.groups.add(fold(_text(values.get("name"))))
            continue
        keys.clients.add(number_key(_text(values.get("number" if kind == "clients" else "client_number"))))
        keys.groups.update(fold(name) for name in _groups(parsed))
        keys.users.add(fold(_text(values.get("contact_email" if kind == "clients" else "email"))))
        if kind == "clients":
            keys.users.add("")
    keys.users.discard("")
    return keys


def keys_in(planned: list[dict[str, Any]]) -> Keys:
    """The keys of what will be carried out or is as it should be: by these the digest of the world is taken."""
    keys = Keys()
    for content in planned:
        if "group" in content:
            keys.groups.add(content["group"])
        keys.groups.update(content.get("groups", ()))
        if "client" in content:
            keys.clients.add(content["client"])
        if "user" in content:
            keys.users.add(fold(content["email"]))
    return keys


class Planner:
    """Line after line, because a line may concern what an earlier one makes."""

    def __init__(
        self,
        kind: Kind,
        world: World,
        addresses: Addresses,
        *,
        make_groups: bool = False,
        share_addresses: bool = False,
    ) -> None:
        self.kind, self.world, self.addresses = kind, world, addresses
        self.make_groups, self.share_addresses = make_groups, share_addresses
        self.planned: list[Planned] = []
        self._groups: dict[str, int] = {}  # key > line on which the file makes it
        self._clients: dict[str, tuple[int, dict[str, Any], str]] = {}  # key > line, values, label
        self._people: dict[str, list[tuple[int, dict[str, Any]]]] = {}  # address > first line of each, values
        self._pairs: dict[tuple[str, str], int] = {}  # person, client > line
        self._mails: dict[str, tuple[int, str]] = {}  # an enterprise's address > line, name

    def add(self, row: Row, parsed: Parsed) -> None:
        label = self._label(parsed, row)
        part = {"groups": "group", "clients": "client", "users": "user"}[self.kind]
        if parsed.skipped is not None:
            self._refuse(row, part, label, [("", parsed.skipped)])
            return
        own = [note for note in parsed.errors if not (self.kind == "clients" and note[0].startswith("contact_"))]
        if row.problems or own:
            self._refuse(row, part, label, [*(("", why) for why in row.problems), *parsed.errors, *parsed.warnings])
            return
        {"groups": self._group, "clients": self._client, "users": self._user}[self.kind](row, parsed, label)

    # groups

    def _group(self, row: Row, parsed: Parsed, label: str) -> None:
        name, description = _text(parsed.values.get("name")), _text(parsed.values.get("description"))
        key = fold(name)
        if key in self._groups:
            self._refuse(row, "group", label, [("name", _twice(name, self._groups[key]))])
            return
        self._groups[key] = row.line
        there = self.world.groups.get(key)
        changes = {}
        if there and description and description != there["description"]:
            changes["description"] = [there["description"], description]
        content = {"group": key, "values": {"name": name, "description": description}}
        self._keep(row, "group", label, there, content, changes, parsed.warnings)

    # clients

    def _client(self, row: Row, parsed: Parsed, label: str) -> None:
        number = _text(parsed.values.get("number"))
        key = number_key(number)
        values = {name: parsed.values[name] for name in CLIENT_FIELDS if parsed.values.get(name)}
        contact = {name: value for name, value in parsed.values.items() if name.startswith("contact_") and value}
        has_contact = bool(contact) or any(name.startswith("contact_") for name, _ in parsed.errors)
        if key in self._clients:
            first, before, _ = self._clients[key]
            if not has_contact or any(before.get(name) not in (None, value) for name, value in values.items()):
                self._refuse(row, "client", label, [("number", _twice(number, first))])
                return
        else:
            there = self.world.clients.get(key)
            if there and not self.world.may_see(there["id"]):
                self._refuse(row, "client", label, [("number", Say("Dit cliëntnummer is al in gebruik."))])
                return
            self._clients[key] = (row.line, values, label)
            notes = [note for note in parsed.warnings if not note[0].startswith("contact_")]
            groups = self._groups_of(parsed, row, there, notes)
            self._same_mail(values, row, notes)
            if there and there["state"] == "archived":
                notes.append(("", Say("Deze cliënt is gearchiveerd, en blijft dat.")))
            if there is None:
                values.setdefault("kind", _KIND_OF_FORM.get(_text(values.get("legal_form")), "organisation"))
            changes = _differences(there, values) if there else {}
            if there and groups:
                changes["groups"] = ["", ", ".join(groups.values())]
            content = {"client": key, "number": number, "values": _plain(values), "groups": list(groups)}
            self._keep(row, "client", label, there, content, changes, notes)
        if has_contact:
            self._contact(row, parsed, contact, key, label)

    def _contact(self, row: Row, parsed: Parsed, contact: dict[str, Any], key: str, label: str) -> None:
        values = {name.removeprefix("contact_"): value for name, value in contact.items()}
        errors = [note for note in parsed.errors if note[0].startswith("contact_")]
        notes = [note for note in parsed.warnings if note[0].startswith("contact_")]
        named = _person(values)
        name = f"{named} ({label})" if named else label
        if errors:
            self._refuse(row, "user", name, [*errors, *notes])
        else:
            self._person_at(row, values, key, label, name, notes)

    def _groups_of(self, parsed: Parsed, row: Row, there: dict[str, Any] | None, notes: list[Note]) -> dict[str, str]:
        """Key > name of the groups that the client comes into; a group that is not there is not made silently."""
        into: dict[str, str] = {}
        for name in _groups(parsed):
            key = fold(name)
            group = self.world.groups.get(key)
            if group is None and not self.make_groups:
                notes.append(
                    (
                        "groups",
                        Say(
                            "De groep “{name}” bestaat niet; de cliënt komt er niet in. Bij “Kolommen aanpassen” kunt u nieuwe groepen laten maken.",
                            name=name,
                        ),
                    )
                )
                continue
            if group is None and key not in self._groups:
                self._groups[key] = row.line
                content = {"group": key, "values": {"name": name, "description": ""}}
                self.planned.append(Planned(row.line, "group", "new", name, content))
            if group is None or there is None or (there["id"], group["id"]) not in self.world.memberships:
                into[key] = name
        return into

    def _same_mail(self, values: dict[str, Any], row: Row, notes: list[Note]) -> None:
        mail = fold(_text(values.get("email")))
        if not mail:
            return
        if mail in self._mails:
            line, name = self._mails[mail]
            notes.append(
                ("email", Say("Dit e-mailadres staat ook bij {name} (regel {line}). Klopt dat?", name=name, line=line))
            )
        else:
            self._mails[mail] = (row.line, _text(values.get("name")))

    # people

    def _user(self, row: Row, parsed: Parsed, label: str) -> None:
        number = _text(parsed.values.get("client_number"))
        there = self.world.clients.get(number_key(number))
        if there is None or not self.world.may_see(there["id"]):
            why = Say("Er is geen cliënt met nummer {number}. Importeer eerst de cliënten.", number=number)
            self._refuse(row, "user", label, [("client_number", why), *parsed.warnings])
            return
        values = {name: value for name, value in parsed.values.items() if value and name != "client_number"}
        self._person_at(row, values, number_key(number), there["name"], label, parsed.warnings)

    def _person_at(
        self, row: Row, values: dict[str, Any], client: str, client_name: str, label: str, notes: list[Note]
    ) -> None:
        address = fold(_text(values["email"]))
        there, first, why = self._who(address, values)
        key = f"#{there['id']}" if there else f"{address}#{first[0] if first else row.line}"
        if (key, client) in self._pairs:
            twice = Say("Deze persoon staat al op regel {line}, bij dezelfde cliënt.", line=self._pairs[key, client])
            self._refuse(row, "user", label, [("email", twice), *notes])
            return
        at = self.world.clients.get(client)
        access = self.world.accesses.get((there["id"], at["id"])) if there and at else None
        if why is None and access is None:
            why = self.addresses.not_his(row.line, values, client, self.world)
        if why:
            self._refuse(row, "user", label, [("email", why), *notes])
            return
        self._pairs[key, client] = row.line
        role = values.get("role") or ""
        own = {name: values[name] for name in USER_FIELDS if values.get(name)}
        content = {"user": key, "client": client, "email": values["email"], "values": {}, "role": "", "rights": 0}
        changes: dict[str, list[Any]] = {}
        if access is None:
            role = role or ROLE
            content |= {"role": role, "rights": int(RIGHTS_OF[role]), "access": True, "to": client_name}
        elif role and role != access["role"]:
            content |= {"role": role, "rights": int(RIGHTS_OF[role]), "rights_before": int(access["own"])}
            changes["role"] = [access["role"], role]
        if there is None and first is None:
            content["values"] = own
        elif access is not None and there is not None:
            moved = _differences(there, own)
            if moved and self.world.reaches_beyond(there["id"]):
                self._refuse(row, "user", label, [("", NOT_WHOLLY_YOURS), *notes])
                return
            changes = moved | changes
            content["values"] = {name: change[1] for name, change in changes.items() if name in own}
        else:
            changes["access"] = ["", client_name]
            notes = [*notes, ("email", self._also(there, first))]
        if there is None and first is None:
            if sharing := self._sharing(address):
                notes = [*notes, ("email", sharing)]
            self._people.setdefault(address, []).append((row.line, own))
        known = there or ({"id": None} if first else None)
        self._keep(row, "user", label, known, content, changes, notes)

    def _who(
        self, address: str, values: dict[str, Any]
    ) -> tuple[dict[str, Any] | None, tuple[int, dict[str, Any]] | None, Say | None]:
        """Of whom the line is among those with this address: somebody who is there, or of an earlier line, or nobody yet.

        And what is against it. By name they are told apart: another name is somebody else, who comes beside them only when
        the one who imports chose so; for mostly a cell slipped.
        """
        there, earlier = self.world.users.get(address, []), self._people.get(address, [])
        if any(one["kind"] != "client" for one in there):
            return None, None, Say("Dit is het e-mailadres van een medewerker van het kantoor.")
        if known := next((one for one in there if agrees(_named(one), _named(values))), None):
            return known, None, None
        if first := next((one for one in earlier if agrees(_named(one[1]), _named(values))), None):
            return None, first, None
        if not there and not earlier:
            return None, None, None
        if not self.share_addresses:
            if earlier:
                return (
                    None,
                    None,
                    Say(
                        "Dit e-mailadres staat op regel {line} bij iemand anders. Delen zij het? Kies dan bij “Kolommen aanpassen” dat mensen een adres mogen delen.",
                        line=earlier[0][0],
                    ),
                )
            return (
                None,
                None,
                Say(
                    "Met dit e-mailadres bestaat al een gebruiker met een andere naam. Delen zij het? Kies dan bij “Kolommen aanpassen” dat mensen een adres mogen delen."
                ),
            )
        return None, None, FULL if len(there) + len(earlier) >= MOST else None

    def _sharing(self, address: str) -> Say | None:
        """For a new person: with whom he shares his address."""
        there, earlier = self.world.users.get(address, []), self._people.get(address, [])
        names = [_person(one) for one in [*there, *(values for _, values in earlier)]]
        if not names:
            return None
        return Say("Deelt dit adres met {names}: ieder kiest bij het aanmelden zijn naam.", names=", ".join(names))

    def _also(self, there: dict[str, Any] | None, first: tuple[int, dict[str, Any]] | None) -> Say:
        if there:
            return Say("Deze persoon heeft al een login en krijgt er deze cliënt bij. Er komt geen tweede gebruiker.")
        assert first is not None
        return Say("Dezelfde persoon als op regel {line}: één login voor beide cliënten.", line=first[0])

    # what comes of it

    def _keep(
        self,
        row: Row,
        part: str,
        label: str,
        there: Any,
        content: dict[str, Any],
        changes: dict[str, list[Any]],
        notes: list[Note],
    ) -> None:
        action = "new" if there is None else "changed" if changes else "unchanged"
        number = there["id"] if there else None
        self.planned.append(Planned(row.line, part, action, label[:300], content, _plain_pairs(changes), notes, number))

    def _refuse(self, row: Row, part: str, label: str, notes: list[Note]) -> None:
        cells = [_shown(cell) for cell in row.cells]
        self.planned.append(Planned(row.line, part, "refused", label[:300], {"cells": cells}, {}, notes))

    def _label(self, parsed: Parsed, row: Row) -> str:
        values = parsed.values
        if self.kind == "users":
            named = _person(values) or _text(values.get("email"))
        else:
            named = " ".join(part for part in (_text(values.get("number")), _text(values.get("name"))) if part)
        return named or next((_shown(cell) for cell in row.cells if cell != ""), "")[:100]


def _differences(there: dict[str, Any], values: dict[str, Any]) -> dict[str, list[Any]]:
    """An empty cell erases nothing: it is not among the values. Nor does a text that only lost its letters: Y?lmaz."""
    return {
        name: [there[name], value]
        for name, value in values.items()
        if there[name] != value and not _only_lost_letters(there[name], value)
    }


def _only_lost_letters(kept: Any, given: Any) -> bool:
    if not isinstance(kept, str) or not isinstance(given, str) or not ("?" in given or "\ufffd" in given):
        return False
    return re.fullmatch(re.sub(r"\\\?|\ufffd", ".", re.escape(given)), kept) is not None


def _twice(what: str, line: int) -> Say:
    return Say("“{what}” staat al op regel {line} van dit bestand.", what=what, line=line)


def _person(values: dict[str, Any]) -> str:
    first = values.get("first_name") or values.get("initials")
    return " ".join(_text(part) for part in (first, values.get("prefix"), values.get("surname")) if part)


def _named(values: dict[str, Any]) -> dict[str, str]:
    return {name: _text(values.get(name)) for name in ("surname", "first_name", "initials")}


def _groups(parsed: Parsed) -> list[str]:
    names = parsed.values.get("groups")
    return names if isinstance(names, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, dt.date) else value for name, value in values.items()}


def _plain_pairs(changes: dict[str, list[Any]]) -> dict[str, list[Any]]:
    return {
        name: [value.isoformat() if isinstance(value, dt.date) else value for value in pair]
        for name, pair in changes.items()
    }


def _shown(cell: Any) -> str:
    from models.imports.fields import text_of
    from models.imports.sheet import Fault

    return str(cell.why) if isinstance(cell, Fault) else text_of(cell)
