"""The dry run: for every line of the file what would become of it, against the records as they are. Changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.accounts.mailbox import FULL, MOST, agrees
from models.accounts.managing import NOT_WHOLLY_YOURS
from models.accounts.roles import RIGHTS_OF
from models.core import Say, fold
from models.imports.addresses import Addresses
from models.imports.lexicon import CHOICES, PARTS, Kind
from models.imports.plan_office import OfficePlanner
from models.imports.planned import (
    Note,
    Planned,
    differences,
    groups_in,
    named_person,
    names_in,
    plain,
    shown,
    text,
    twice,
)
from models.imports.sheet import Row
from models.imports.wholes import Parsed
from models.imports.world import CLIENT_FIELDS, USER_FIELDS, Keys, World
from models.people import number_key
from models.viewer import Permission, Right

if TYPE_CHECKING:
    from models.viewer import Viewer

ROLE = "uploaden"  # of whom the list says no role
_MERGED = Say("Deze cliënt is met een andere samengevoegd. Gebruik het nummer van die cliënt.")
_KIND_OF_FORM = {"Eenmanszaak": "sole_trader", "Particulier": "private"}  # of a new client, where the list does not say


def keys_of(kind: Kind, rows: list[tuple[Row, Parsed]]) -> Keys:
    """What has to be looked up before these rows can be planned."""
    keys = Keys()
    for _, parsed in rows:
        values = parsed.values
        if kind in ("groups", "sectors"):
            (keys.groups if kind == "groups" else keys.sectors).add(fold(text(values.get("name"))))
            continue
        keys.clients.add(number_key(text(values.get("number" if kind == "clients" else "client_number"))))
        keys.groups.update(fold(name) for name in groups_in(parsed))
        address = {"clients": "contact_email", "duties": "colleague_email"}.get(kind, "email")
        keys.users.add(fold(text(values.get(address))))
        if kind == "duties":
            keys.staff = True
            keys.duties.add(number_key(text(values.get("client_number"))))
        if kind == "clients":
            keys.kvks.add(text(values.get("kvk")))
            keys.names.add(fold(text(values.get("name"))))
    keys.users.discard("")
    keys.clients.discard("")
    return keys


def keys_in(planned: list[dict[str, Any]]) -> Keys:
    """The keys of what will be carried out or is as it should be: by these the digest of the world is taken."""
    keys = Keys()
    for content in planned:
        if "group" in content:
            keys.groups.add(content["group"])
        if "sector" in content:
            keys.sectors.add(content["sector"])
        keys.groups.update(content.get("groups", ()))
        if "client" in content:
            keys.clients.add(content["client"])
        if "duty" in content:
            keys.duties.add(content["client"])
        if "email" in content:
            keys.users.add(fold(content["email"]))
    return keys


class Planner(OfficePlanner):
    """Line after line, because a line may concern what an earlier one makes; sheet after sheet, in the order of KINDS."""

    def __init__(self, world: World, addresses: Addresses, by: Viewer, **choices: bool) -> None:
        super().__init__(world, addresses, by)
        self.choices = {name: choices.get(name, False) for name in CHOICES}
        self.kind: Kind = "clients"

    def begin(self, kind: Kind, sheet: str = "") -> None:
        """What follows is of this kind, and stands on this sheet where the workbook has more."""
        self.kind, self.sheet = kind, sheet

    def add(self, row: Row, parsed: Parsed) -> None:
        label, part = self._label(parsed, row), PARTS[self.kind]
        if parsed.skipped is not None:
            self._refuse(row, part, label, [("", parsed.skipped)])
            return
        own = [note for note in parsed.errors if not (self.kind == "clients" and note[0].startswith("contact_"))]
        if row.problems or own:
            self._refuse(row, part, label, [*(("", why) for why in row.problems), *parsed.errors, *parsed.warnings])
            return
        {
            "sectors": self._sector,
            "groups": self._group,
            "staff": self._colleague,
            "clients": self._client,
            "duties": self._duty,
            "users": self._user,
        }[self.kind](row, parsed, label)

    # groups

    def _group(self, row: Row, parsed: Parsed, label: str) -> None:
        name, description = text(parsed.values.get("name")), text(parsed.values.get("description"))
        key = fold(name)
        if key in self._groups:
            self._refuse(row, "group", label, [("name", twice(name, self._groups[key]))])
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
        number = text(parsed.values.get("number"))
        key = number_key(number)
        values = {name: parsed.values[name] for name in CLIENT_FIELDS if parsed.values.get(name)}
        contact = {name: value for name, value in parsed.values.items() if name.startswith("contact_") and value}
        has_contact = bool(contact) or any(name.startswith("contact_") for name, _ in parsed.errors)
        if key in self._clients:
            first, before, _ = self._clients[key]
            if (
                key in self._left
                or not has_contact
                or any(before.get(name) not in (None, value) for name, value in values.items())
            ):
                self._refuse(row, "client", label, [("number", twice(number, first))])
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
            if there and there["merged_into"]:
                self._left.add(key)
                self._refuse(row, "client", label, [("number", _MERGED)])
                return
            if there is None and (alike := self._alike(values, number, row)):
                if self.choices["leave_doubles"]:
                    self._left.add(key)
                    self._refuse(row, "client", label, [("", alike)])
                    return
                notes.append(("", alike))
            if there is None:
                values.setdefault("kind", _KIND_OF_FORM.get(text(values.get("legal_form")), "organisation"))
            changes = differences(there, values) if there else {}
            if there and groups:
                changes["groups"] = ["", ", ".join(groups.values())]
            handed = [
                group["template"]
                for name in sorted(groups)
                if (group := self.world.groups.get(name)) and group["template"]
            ]
            if handed:
                self._templates[key] = handed[0]
            content = {"client": key, "number": number, "values": plain(values), "groups": list(groups)}
            self._keep(row, "client", label, there, content, changes, notes)
        if has_contact:
            self._contact(row, parsed, contact, key, label)

    def _contact(self, row: Row, parsed: Parsed, contact: dict[str, Any], key: str, label: str) -> None:
        values = {name.removeprefix("contact_"): value for name, value in contact.items()}
        errors = [note for note in parsed.errors if note[0].startswith("contact_")]
        notes = [note for note in parsed.warnings if note[0].startswith("contact_")]
        named = named_person(values)
        name = f"{named} ({label})" if named else label
        if errors:
            self._refuse(row, "user", name, [*errors, *notes])
        else:
            self._person_at(row, values, key, label, name, notes)

    def _groups_of(self, parsed: Parsed, row: Row, there: dict[str, Any] | None, notes: list[Note]) -> dict[str, str]:
        """Key > name of the groups that the client comes into; a group that is not there is not made silently."""
        into: dict[str, str] = {}
        for name in groups_in(parsed):
            key = fold(name)
            group = self.world.groups.get(key)
            if group is None and key not in self._groups and not self.choices["make_groups"]:
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
                self.planned.append(Planned(row.line, "group", "new", name, content, sheet=self.sheet))
            if group is None or there is None or (there["id"], group["id"]) not in self.world.memberships:
                into[key] = name
        return into

    def _alike(self, values: dict[str, Any], number: str, row: Row) -> Say | None:
        """Whether this new client seems to be there already under another number: by KvK or by name and postcode."""
        kvk, branch, postcode = (text(values.get(name)) for name in ("kvk", "branch_number", "postcode"))
        tells = [("kvk", f"{kvk} {branch}")] if kvk else []
        tells += [("name", f"{fold(text(values.get('name')))} {postcode}")] if postcode else []
        found = next(
            ((tell[0], like) for tell in tells if (like := self.world.likes.get(tell) or self._like.get(tell))), None
        )
        for tell in tells:
            self._like.setdefault(tell, (text(values.get("name")), number))
        if found is None:
            return None
        name, other = found[1]
        if not other:
            return Say("Een cliënt die u niet ziet, heeft hetzelfde KvK-nummer of dezelfde naam en postcode.")
        if found[0] == "kvk":
            return Say("{name} ({number}) heeft hetzelfde KvK-nummer. Is dit dezelfde cliënt?", name=name, number=other)
        return Say(
            "{name} ({number}) heeft dezelfde naam en postcode. Is dit dezelfde cliënt?", name=name, number=other
        )

    def _same_mail(self, values: dict[str, Any], row: Row, notes: list[Note]) -> None:
        mail = fold(text(values.get("email")))
        if not mail:
            return
        if mail in self._mails:
            line, name = self._mails[mail]
            notes.append(
                ("email", Say("Dit e-mailadres staat ook bij {name} (regel {line}). Klopt dat?", name=name, line=line))
            )
        else:
            self._mails[mail] = (row.line, text(values.get("name")))

    # people

    def _user(self, row: Row, parsed: Parsed, label: str) -> None:
        number = text(parsed.values.get("client_number"))
        there, made = self.world.clients.get(number_key(number)), self._made(number_key(number))
        if (there is None and made is None) or (there and not self.world.may_see(there["id"])):
            why = Say("Er is geen cliënt met nummer {number}. Importeer eerst de cliënten.", number=number)
            self._refuse(row, "user", label, [("client_number", why), *parsed.warnings])
            return
        if there and there["merged_into"]:
            self._refuse(row, "user", label, [("client_number", _MERGED)])
            return
        values = {name: value for name, value in parsed.values.items() if value and name != "client_number"}
        name = there["name"] if there else text(made[1].get("name"))  # type: ignore[index]
        self._person_at(row, values, number_key(number), name, label, parsed.warnings)

    def _person_at(
        self, row: Row, values: dict[str, Any], client: str, client_name: str, label: str, notes: list[Note]
    ) -> None:
        address = fold(text(values["email"]))
        there, first, why = self._who(address, values)
        key = f"#{there['id']}" if there else f"{address}#{self._place_of(address, first)}"
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
            role = role or (self.world.templates.get(at["id"]) if at else "") or self._templates.get(client) or ROLE
            content |= {"role": role, "rights": int(RIGHTS_OF.get(role, 0)), "access": True, "to": client_name}
        elif role and role != access["role"]:
            content |= {"role": role, "rights": int(RIGHTS_OF[role]), "rights_before": int(access["own"])}
            changes["role"] = [access["role"], role]
        if wanted := values.get("approver_role"):
            held = self.world.approving.get((there["id"], at["id"]), []) if there and at else []
            notes = [*notes, *self._approves(wanted, held, access, role, content, changes)]
        if there is None and first is None:
            content["values"] = own
        elif access is not None and there is not None:
            moved = differences(there, own)
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

    def _approves(
        self, wanted: list[str], held: list[str], access: dict[str, Any] | None, role: str, content: dict[str, Any],
        changes: dict[str, list[Any]],
    ) -> list[Note]:  # fmt: skip
        """The roles that somebody has not yet, from the day of the import on; what he had stays his. What is to be said of it."""
        fresh = [one for one in wanted if one not in held]
        if not fresh:
            return []
        if not self.by.may(Permission.EDIT_APPROVALS):
            return [("approver_role", Say("U mag niet wijzigen wie accordeert; de rol komt er niet bij."))]
        content["approver_roles"] = fresh
        changes["approver_role"] = [",".join(held), ",".join([*held, *fresh])]
        rights = content["rights"] if content["role"] else access["rights"] if access else 0
        if (not content["role"] or role in RIGHTS_OF) and not rights & Right.APPROVE and fresh != ["partner"]:
            why = Say("Met deze rechten mag hij hier niet accorderen; zolang wordt hij niet gevraagd.")
            return [("approver_role", why)]
        return []

    def _who(
        self, address: str, values: dict[str, Any]
    ) -> tuple[dict[str, Any] | None, tuple[int, dict[str, Any]] | None, Say | None]:
        """Of whom the line is among those with this address: somebody who is there, or of an earlier line, or nobody yet.

        And what is against it. By name they are told apart: another name is somebody else, who comes beside them only when
        the one who imports chose so; for mostly a cell slipped.
        """
        there, earlier = self.world.users.get(address, []), self._people.get(address, [])
        if address in self._staff or any(one["kind"] != "client" for one in there):
            return None, None, Say("Dit is het e-mailadres van een medewerker van het kantoor.")
        if known := next((one for one in there if agrees(names_in(one), names_in(values))), None):
            return known, None, None
        if first := next((one for one in earlier if agrees(names_in(one[1]), names_in(values))), None):
            return None, first, None
        if not there and not earlier:
            return None, None, None
        if not self.choices["share_addresses"]:
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

    def _place_of(self, address: str, first: tuple[int, dict[str, Any]] | None) -> int:
        """Which of the people with this address he is in the file; lines do not tell, because each sheet has its own."""
        known = self._people.get(address, [])
        return next((at for at, one in enumerate(known) if one is first), len(known))

    def _sharing(self, address: str) -> Say | None:
        """For a new person: with whom he shares his address."""
        there, earlier = self.world.users.get(address, []), self._people.get(address, [])
        names = [named_person(one) for one in there if self.world.may_name(one["id"])]
        names += [named_person(values) for _, values in earlier]
        if not there and not earlier:
            return None
        if not names:
            return Say("Deelt dit adres met iemand van een cliënt die u niet ziet.")
        return Say("Deelt dit adres met {names}: ieder kiest bij het aanmelden zijn naam.", names=", ".join(names))

    def _also(self, there: dict[str, Any] | None, first: tuple[int, dict[str, Any]] | None) -> Say:
        if there:
            return Say("Deze persoon heeft al een login en krijgt er deze cliënt bij. Er komt geen tweede gebruiker.")
        assert first is not None
        return Say("Dezelfde persoon als op regel {line}: één login voor beide cliënten.", line=first[0])

    # what a line is called

    def _label(self, parsed: Parsed, row: Row) -> str:
        values = parsed.values
        if self.kind in ("users", "staff"):
            named = named_person(values) or text(values.get("email"))
        else:
            parts = (
                text(values.get(name)) for name in ("number", "client_number", "name", "colleague", "colleague_email")
            )
            named = " ".join(part for part in parts if part)
        return named or next((shown(cell) for cell in row.cells if cell != ""), "")[:100]
