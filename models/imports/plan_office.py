"""What would become of the lines about the office itself: its sectors, its people, and who is responsible for which client."""

from __future__ import annotations

from typing import Any

from models.accounts.mailbox import TAKEN
from models.accounts.managing import beyond
from models.clients.records import RESPONSIBLE_FOR
from models.clients.sectors import VERSIONS, is_sbi
from models.core import Say, fold
from models.imports.planned import PlannerBase, differences, first_of, named_person, text, twice
from models.imports.sheet import Row
from models.imports.wholes import Parsed
from models.imports.world import USER_FIELDS
from models.people import number_key
from models.viewer import Permission

_NOT_STAFF = Say("U mag geen medewerkers toevoegen. Vraag het een beheerder.")
_NOT_CLIENTS = Say("U mag cliënten niet wijzigen. Vraag het een beheerder.")
_TWICE = Say("Deze medewerker staat al op regel {line}.")


class OfficePlanner(PlannerBase):
    """The lines of `sectors`, `staff` and `responsibles`."""

    def _sector(self, row: Row, parsed: Parsed, label: str) -> None:
        values = parsed.values
        if not self.by.may(Permission.MANAGE_CLIENTS):
            return self._refuse(row, "sector", label, [("", _NOT_CLIENTS)])
        name, sbi, version = text(values.get("name")), text(values.get("sbi")).upper(), text(values.get("sbi_version"))
        key = fold(name)
        if key in self._sectors:
            return self._refuse(row, "sector", label, [("name", twice(name, self._sectors[key]))])
        if sbi and not is_sbi(sbi):
            why = Say("Dit is geen SBI-code: twee tot vijf cijfers, zoals 47.9, of een letter van A tot en met U.")
            return self._refuse(row, "sector", label, [("sbi", why)])
        if version and version not in VERSIONS:
            why = Say("Deze indeling kennen wij niet. Kies uit: {names}.", names=", ".join(VERSIONS))
            return self._refuse(row, "sector", label, [("sbi_version", why)])
        self._sectors[key] = row.line
        there = self.world.sectors.get(key)
        given = {name: value for name, value in (("sbi", sbi), ("sbi_version", version)) if value}
        content = {"sector": key, "values": {"name": name, "sbi": sbi, "sbi_version": version or VERSIONS[0]}}
        self._keep(row, "sector", label, there, content, differences(there, given) if there else {}, parsed.warnings)
        return None

    def _colleague(self, row: Row, parsed: Parsed, label: str) -> None:
        """A colleague is only prepared: nobody is mailed. What he may is changed on his own page, not by a list."""
        values, by, notes = parsed.values, self.by, list(parsed.warnings)
        address = fold(text(values.get("email")))
        role = text(values.get("staff_role")) or "employee"
        if not by.may(Permission.MANAGE_STAFF):
            return self._refuse(row, "staff", label, [("", _NOT_STAFF)])
        if address in self._staff:
            return self._refuse(row, "staff", label, [("email", Say(_TWICE.text, line=self._staff[address][0]))])
        there = first_of(self.world.users.get(address, []))
        if (there and there["kind"] != "staff") or address in self._people:
            return self._refuse(row, "staff", label, [("email", TAKEN)])
        if why := beyond(by, there["role"] if there else role, there["office"] if there else by.fence):
            return self._refuse(row, "staff", label, [("staff_role", why)])
        own = {name: values[name] for name in USER_FIELDS if values.get(name)}
        every = role == "administrator" or values.get("all_clients") == "ja"
        if there and ("staff_role" in values or "all_clients" in values):
            differs = text(values.get("staff_role")) not in ("", there["role"])
            if differs or (values.get("all_clients") and every != bool(there["all_clients"])):
                notes.append(("staff_role", Say("Rol en cliënten van wie er al is, wijzigt u op zijn eigen pagina.")))
        changes = differences(there, own) if there else {}
        written = {name: pair[1] for name, pair in changes.items()} if there else own
        key = f"#{there['id']}" if there else f"{address}#{row.line}"
        content: dict[str, Any] = {"colleague": key, "email": values["email"], "values": written}
        content |= {"staff_role": role, "all_clients": every, "office": by.fence}
        self._staff[address] = (row.line, key, named_person(own))
        self._keep(row, "staff", label, there, content, changes, notes)
        return None

    def _duty(self, row: Row, parsed: Parsed, label: str) -> None:
        values = parsed.values
        if not self.by.may(Permission.MANAGE_CLIENTS):
            return self._refuse(row, "duty", label, [("", _NOT_CLIENTS)])
        number = text(values.get("client_number"))
        key = number_key(number)
        client, made = self.world.clients.get(key), self._made(key)
        if (client is None and made is None) or (client and not self.world.may_see(client["id"])):
            why = Say("Er is geen cliënt met nummer {number}. Importeer eerst de cliënten.", number=number)
            return self._refuse(row, "duty", label, [("client_number", why)])
        who = self._of_staff(text(values.get("colleague_email")), text(values.get("colleague")))
        if isinstance(who, Say):
            return self._refuse(row, "duty", label, [("colleague", who)])
        colleague, person, email, name = who
        if (colleague, key) in self._duties:
            line = self._duties[colleague, key]
            why = Say("Deze medewerker staat al op regel {line}, bij dezelfde cliënt.", line=line)
            return self._refuse(row, "duty", label, [("colleague", why)])
        self._duties[colleague, key] = row.line
        there = self.world.duties.get((person, client["id"])) if person and client else None
        asked = values.get("duties")
        duties = [one for one in RESPONSIBLE_FOR if isinstance(asked, list) and one in asked]
        changes = {}
        if there and duties and ",".join(duties) != there["roles"]:
            changes["duties"] = [there["roles"], ",".join(duties)]
        content = {"duty": colleague, "client": key, "email": email, "values": {"duties": ",".join(duties)}}
        where = client["name"] if client else made[2]  # type: ignore[index]
        self._keep(row, "duty", f"{name} – {where}", there, content, changes, parsed.warnings)
        return None

    def _of_staff(self, email: str, name: str) -> tuple[str, int | None, str, str] | Say:
        """Key, id (None: made by this file), address and name of the colleague; or why that is not clear."""
        address = fold(email)
        found = [
            one
            for one in self.world.staff
            if (one["email_key"] == address if address else fold(one["full_name"]) == fold(name))
        ]
        made = [
            (key, at, who)
            for at, (_, key, who) in self._staff.items()
            if (at == address if address else fold(who) == fold(name))
        ]
        if len(found) == 1:
            one = found[0]
            if one["state"] == "blocked":
                return Say("{who} is geblokkeerd.", who=one["full_name"])
            return f"#{one['id']}", int(one["id"]), str(one["email"]), str(one["full_name"])
        if not found and len(made) == 1:
            return made[0][0], None, made[0][1], made[0][2]
        if found or made:
            return Say("Er zijn meer medewerkers die {name} heten. Geef het e-mailadres.", name=name)
        return Say("Er is geen medewerker {name}. Importeer eerst de medewerkers.", name=email or name)
