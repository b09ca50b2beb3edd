"""Why somebody may, or may not: said step by step, with the verdict of the code that enforces it.

The steps are the facts that rights follow from; the verdict is asked of the very viewer, scope or folder that a request
of this person would meet. A property test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from models import engine
from models.accounts.roles import RIGHTS
from models.clients import Client, granted
from models.clients.rights import ceiling, opened_by, way_to
from models.core import Say
from models.dossiers import Document, Folder
from models.viewer import NOTHING, ON_REQUEST, Permission, Right, Viewer, permissions_of

if TYPE_CHECKING:
    from models.accounts import User


class Step(NamedTuple):
    """A fact on the way to yes or no."""

    ok: bool
    said: Say


@dataclass
class Answer:
    """Whether the person may, and the steps: all of them hold, or the first that does not is why not."""

    allowed: bool
    steps: list[Step] = field(default_factory=list)

    @property
    def why(self) -> Say:
        """The one sentence: what stops him, or what lets him in."""
        stopped = next((step.said for step in self.steps if not step.ok), None)
        return stopped or self.steps[-1].said


SCREENS = tuple((label, Permission(str(right.name).lower())) for right, label in RIGHTS)


async def of_screen(person: User, client: Client, permission: Permission) -> Answer:
    """Whether a client user, or a colleague, may do this for this client."""
    return next(answer for _, one, answer in await of_screens(person, client) if one is permission)


async def of_screens(person: User, client: Client) -> list[tuple[Say, Permission, Answer]]:
    """Everything that can be allowed for a client, and whether this person may. A handful of statements for all of it."""
    viewer = await as_viewer(person)
    if viewer.is_staff:
        answer = await _of_colleague(viewer, client, Permission.READ_DOSSIERS, seen=await _sees(viewer, client))
        return [(label, permission, answer) for label, permission in SCREENS]
    steps, access = await _to_client(viewer, client)
    answers = []
    for label, permission in SCREENS:
        more = [] if access is None else await _to_right(access, client, Right[permission.name])
        allowed = person.state == "active" and viewer.may(permission, client)
        answers.append((label, permission, Answer(allowed, steps + more)))
    return answers


async def of_folder(person: User, folder: Folder) -> Answer:
    """Whether he may look into this folder."""
    viewer = await as_viewer(person)
    allowed = (
        person.state == "active"
        and folder.id not in viewer.passages
        and await viewer.folders.where(Folder.id == folder.id).exists()
    )
    return Answer(allowed, await _to_folder(viewer, folder))


async def of_document(person: User, document: Document) -> Answer:
    """Whether he may open this document: who may look into its folder, while it is not in the trash."""
    viewer = await as_viewer(person)
    folder = await Folder.objects().where(Folder.id == document.folder).first()
    assert folder is not None, "the database keeps a document in a folder"
    allowed = person.state == "active" and await viewer.documents.where(Document.id == document.id).exists()
    steps = await _to_folder(viewer, folder)
    return Answer(allowed, steps + (_to_paper(viewer, folder, document) if viewer.is_client else []))


def _to_paper(viewer: Viewer, folder: Folder, document: Document) -> list[Step]:
    """What keeps a client user from a document in a folder in which he may look."""
    if document.is_trashed:
        return [Step(False, Say("Dit document ligt in de prullenbak."))]
    if document.state != "published":
        return [Step(False, Say("Dit document is nog niet gepubliceerd: tot dan ziet geen cliënt het."))]
    if folder.own_only and document.source == "client" and document.uploaded_by != viewer.user.id:
        return [Step(False, Say("In deze map ziet ieder van de cliënt alleen wat hij zelf aanleverde."))]
    return []


async def as_viewer(person: User) -> Viewer:
    return Viewer(person, await granted(person.id) if person.kind == "client" else ())


async def _to_folder(viewer: Viewer, folder: Folder) -> list[Step]:
    client = await _client(folder.client) if folder.client else None
    if viewer.is_staff:
        seen = client is None or await _sees(viewer, client)
        return (await _of_colleague(viewer, client, Permission.READ_DOSSIERS, seen=seen)).steps
    if client is None:
        return [*_at_the_door(viewer), *await _to_general(viewer, folder), *_to_kind(folder)]
    steps, access = await _to_client(viewer, client)
    if access is None:
        return steps
    steps += await _to_right(access, client, Right.VIEW_DOSSIER, folder)
    return steps + _to_kind(folder)


def _to_kind(folder: Folder) -> list[Step]:
    if folder.kind == "internal":
        return [Step(False, Say("Deze map is intern: alleen het kantoor ziet hem."))]
    if folder.is_trashed:
        return [Step(False, Say("Deze map ligt in de prullenbak."))]
    return []


def _at_the_door(viewer: Viewer) -> list[Step]:
    words = {
        "active": Say("{who} kan zich aanmelden.", who=viewer.user.display_name),
        "prepared": Say("{who} is klaargezet en nog niet uitgenodigd.", who=viewer.user.display_name),
        "invited": Say("{who} is uitgenodigd en heeft de uitnodiging nog niet gebruikt.", who=viewer.user.display_name),
        "blocked": Say("{who} is geblokkeerd.", who=viewer.user.display_name),
    }
    return [Step(viewer.user.state == "active", words[viewer.user.state])]


async def _to_client(viewer: Viewer, client: Client) -> tuple[list[Step], dict[str, Any] | None]:
    """The steps to the client, and the access there, when there is one that counts."""
    steps = _at_the_door(viewer)
    rows = await engine.raw(
        "SELECT a.id, a.role, a.own, coalesce(t.rights, 0) AS given, coalesce(t.name, '') AS template, t.id AS template_id "
        "FROM access a LEFT JOIN rights_template t ON t.key = a.role WHERE a.person = $1 AND a.client = $2",
        viewer.user.id,
        client.id,
    )
    if not rows:
        return [*steps, Step(False, Say("Er is geen toegang gegeven tot “{client}”.", client=client.name))], None
    steps.append(Step(True, Say("Er is toegang gegeven tot “{client}”.", client=client.name)))
    if client.state != "active":
        return [*steps, Step(False, Say("“{client}” is gearchiveerd.", client=client.name))], None
    return steps, rows[0]


async def _to_right(access: dict[str, Any], client: Client, right: Right, folder: Folder | None = None) -> list[Step]:
    """From the template, from what was given beside it, or by a folder that was opened: within the client's modules."""
    found: list[Step] = []
    if right & access["given"]:
        found.append(Step(True, Say("Het sjabloon “{template}” geeft dit recht.", template=access["template"])))
    if right & access["own"]:
        found.append(Step(True, Say("Dit recht is aan deze persoon zelf gegeven.")))
    if not found and right in (Right.VIEW_DOSSIER, Right.UPLOAD_DOCUMENTS):
        found += await _by_folder(access, client, right, folder)
    if not found:
        return [Step(False, Say("Niets geeft dit recht: geen sjabloon, en het is niet apart gegeven."))]
    if right not in ceiling(client.modules):
        found.append(Step(False, Say("Deze module staat voor “{client}” niet aan.", client=client.name)))
    return found


async def _by_folder(access: dict[str, Any], client: Client, right: Right, folder: Folder | None) -> list[Step]:
    if "opened" not in access:
        access["opened"] = await opened_by(access["id"], access["template_id"], client.id)
    way = {step["id"] for step in await way_to(folder.id)} if folder is not None else set()
    for one in access["opened"]:
        if (one["act"] or right is Right.VIEW_DOSSIER) and (folder is None or one["id"] in way):
            if one["of_template"]:
                return [Step(True, Say("Het sjabloon opent de map “{folder}”.", folder=one["name"]))]
            return [Step(True, Say("De map “{folder}” is voor deze persoon opengezet.", folder=one["name"]))]
    return []


async def _to_general(viewer: Viewer, folder: Folder) -> list[Step]:
    rows = await engine.raw("SELECT kind, name, audience FROM dossier WHERE id = $1", folder.dossier)
    dossier = rows[0]
    if dossier["kind"] != "general":
        return [Step(False, Say("Een standaardstructuur is alleen van het kantoor."))]
    reading = viewer.client_ids_with(Right.VIEW_DOSSIER)
    if not reading:
        return [Step(False, Say("Er is geen cliënt van wie deze persoon het dossier mag bekijken."))]
    if dossier["audience"] == "all":
        return [Step(True, Say("Het algemene dossier “{name}” is voor alle cliënten.", name=dossier["name"]))]
    ids = ", ".join(str(int(id)) for id in reading)
    groups = await engine.raw(
        "SELECT g.name FROM dossier_group d JOIN client_group g ON g.id = d.client_group JOIN membership m ON m.client_group = g.id "
        f"WHERE d.dossier = $1 AND m.client IN ({ids}) ORDER BY g.name_key LIMIT 1",
        folder.dossier,
    )
    if groups:
        words = Say(
            "Het algemene dossier “{name}” is voor de groep “{group}”.", name=dossier["name"], group=groups[0]["name"]
        )
        return [Step(True, words)]
    sectors = await engine.raw(
        "SELECT s.name FROM dossier_sector d JOIN sector s ON s.id = d.sector JOIN client_sector c ON c.sector = s.id "
        f"WHERE d.dossier = $1 AND c.client IN ({ids}) ORDER BY s.name_key LIMIT 1",
        folder.dossier,
    )
    if sectors:
        branch = sectors[0]["name"]
        return [
            Step(
                True,
                Say(
                    "Het algemene dossier “{name}” is voor de branche “{branch}”.", name=dossier["name"], branch=branch
                ),
            )
        ]
    name = dossier["name"]
    none = Say("Het algemene dossier “{name}” is voor groepen waar geen van de cliënten in zit.", name=name)
    if dossier["audience"] == "sector":
        none = Say("Het algemene dossier “{name}” is voor branches waar geen van de cliënten in zit.", name=name)
    return [Step(False, none)]


# colleagues

# What can be done at the office, in the words of its screens.
OFFICE_SCREENS = (
    (Say("Cliënten wijzigen"), Permission.MANAGE_CLIENTS),
    (Say("Gebruikers beheren"), Permission.MANAGE_USERS),
    (Say("Meekijken als gebruiker"), Permission.VIEW_AS),
    (Say("Dossiers lezen"), Permission.READ_DOSSIERS),
    (Say("Dossiers bewerken"), Permission.EDIT_DOSSIERS),
    (Say("Standaardstructuren bewerken"), Permission.EDIT_STRUCTURES),
    (Say("Importeren"), Permission.IMPORT_RECORDS),
    (Say("Uitrol en uitnodigingen bekijken"), Permission.VIEW_ROLLOUT),
    (Say("Uitnodigen en de poorten openen"), Permission.OPEN_GATES),
    (Say("Post bekijken"), Permission.VIEW_MAIL),
    (Say("Logboek bekijken"), Permission.VIEW_TRAIL),
    (Say("Kantoorgebruikers beheren"), Permission.MANAGE_STAFF),
    (Say("Instellingen wijzigen"), Permission.MANAGE_SETTINGS),
    (Say("Accorderingen bekijken"), Permission.VIEW_REQUESTED),
    (Say("Ter accordering aanbieden"), Permission.EDIT_APPROVALS),
    (Say("Accorderingen autoriseren"), Permission.SIGN_OFF),
    (Say("Pincodes uitgeven en afdrukken"), Permission.PRINT_PINS),
)


async def of_office(person: User) -> list[tuple[Say, Permission, Answer]]:
    """Everything that can be done at the office, and whether this colleague may: by his role, his own permissions, or a
    group of colleagues that he is in. One statement."""
    viewer = await as_viewer(person)
    groups = await _groups_of(person)
    answers = []
    for label, permission in OFFICE_SCREENS:
        allowed = person.state == "active" and viewer.may(permission)
        steps = [*_at_the_door(viewer), *_to_permission(person, permission, groups)]
        answers.append((label, permission, Answer(allowed, steps)))
    return answers


async def _groups_of(person: User) -> list[dict[str, Any]]:
    """The groups of colleagues that he is in and that give something: name, permissions."""
    return await engine.raw(
        "SELECT g.name, g.permissions FROM staff_group g JOIN staff_group_member m ON m.staff_group = g.id "
        "WHERE m.person = $1 AND g.permissions <> '' ORDER BY g.name_key",
        person.id,
    )


def _to_permission(person: User, permission: Permission, groups: list[dict[str, Any]]) -> list[Step]:
    role = _ROLE_NAMES.get(person.role, Say(person.role))
    is_given = person.role == "employee" and person.permissions and permission in ON_REQUEST
    if permission not in permissions_of(person.role, "") and not is_given:
        return [Step(False, Say("De rol {role} laat dit niet toe.", role=role))]
    steps = [Step(True, Say("De rol {role} laat dit toe.", role=role))]
    if person.role != "employee" or not person.permissions:
        return steps
    found = []
    if permission in permissions_of(person.role, person.permissions_own or NOTHING):
        found.append(Step(True, Say("Dit recht is aan hem zelf gegeven.")))
    found += [
        Step(True, Say("De kantoorgroep “{group}” geeft dit recht.", group=group["name"]))
        for group in groups
        if permission in permissions_of(person.role, group["permissions"])
    ]
    nothing = Say(
        "Van alles wat een medewerker mag, heeft hij een deel; dit is er niet bij, en geen kantoorgroep geeft het."
    )
    return steps + (found or [Step(False, nothing)])


_ROLE_NAMES = {
    "administrator": Say("Beheerder"),
    "office_administrator": Say("Kantoorbeheerder"),
    "employee": Say("Medewerker"),
}


async def _of_colleague(viewer: Viewer, client: Client | None, needs: Permission, *, seen: bool) -> Answer:
    steps = [*_at_the_door(viewer), *_to_permission(viewer.user, needs, await _groups_of(viewer.user))]
    held = viewer.may(needs)
    if client is not None:
        steps.append(await _reaching(viewer, client, seen))
    return Answer(viewer.user.state == "active" and held and seen, steps)


async def _reaching(viewer: Viewer, client: Client, seen: bool) -> Step:
    """By what a colleague sees this client; or why he does not."""
    if viewer.sees_all_clients:
        return Step(True, Say("Hij ziet alle cliënten."))
    if viewer.fence and client.office != viewer.fence:
        return Step(False, Say("“{client}” is niet van zijn vestiging.", client=client.name))
    if viewer.user.all_clients:
        return Step(True, Say("Hij ziet alle cliënten van zijn vestiging."))
    if await engine.raw(
        "SELECT 1 AS one FROM responsible WHERE person = $1 AND client = $2", viewer.user.id, client.id
    ):
        return Step(True, Say("Hij is verantwoordelijk voor “{client}”.", client=client.name))
    groups = await engine.raw(
        "SELECT g.name FROM staff_reach s JOIN client_group g ON g.id = s.client_group JOIN membership m ON m.client_group = g.id "
        "WHERE m.client = $1 AND (s.person = $2 OR s.staff_group IN (SELECT staff_group FROM staff_group_member WHERE person = $2)) "
        "ORDER BY g.name_key LIMIT 1",
        client.id,
        viewer.user.id,
    )
    if groups:
        return Step(
            True,
            Say("“{client}” zit in de groep “{group}”, die hij mag zien.", client=client.name, group=groups[0]["name"]),
        )
    return Step(
        seen,
        Say("Hij is niet verantwoordelijk voor “{client}” en ziet geen groep waar die in zit.", client=client.name),
    )


async def _sees(viewer: Viewer, client: Client) -> bool:
    return await viewer.clients.where(Client.id == client.id).exists()


async def _client(id: int) -> Client | None:
    return await Client.objects().where(Client.id == id).first()
