"""Who looks: the viewer with his rights, the visitor with none, and the table of roles and permissions."""

from __future__ import annotations

import enum
import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from models.core import Forbidden, Scope

if TYPE_CHECKING:
    from models.accounts import Link, Session, User
    from models.audit import Trail
    from models.bulk import BulkAct
    from models.clients import Access, Client, ClientGroup
    from models.dossiers import Document, Dossier, Folder
    from models.imports import Import, ImportMapping
    from models.outbox import Errand
    from models.rollout import Opening
    from models.settings import Firm
    from models.tasks import Task
    from models.uploads import Upload, UploadReceipt


class Permission(enum.StrEnum):
    """Everything that can be allowed. Office permissions come from the role, client rights from the access."""

    # the office
    MANAGE_SETTINGS = "manage_settings"
    MANAGE_STAFF = "manage_staff"
    MANAGE_CLIENTS = "manage_clients"
    MANAGE_USERS = "manage_users"
    IMPORT_RECORDS = "import_records"
    EDIT_DOSSIERS = "edit_dossiers"
    EDIT_STRUCTURES = "edit_structures"
    VIEW_ROLLOUT = "view_rollout"
    OPEN_GATES = "open_gates"
    VIEW_AS = "view_as"
    VIEW_TRAIL = "view_trail"
    VIEW_MAIL = "view_mail"
    READ_DOSSIERS = "read_dossiers"
    VIEW_REQUESTED = "view_approval_requests"
    EDIT_APPROVALS = "edit_approvals"
    SIGN_OFF = "sign_off_approvals"
    PRINT_PINS = "print_pins"
    # client users, each for one client
    VIEW_DOSSIER = "view_dossier"
    UPLOAD_DOCUMENTS = "upload_documents"
    APPROVE = "approve"
    PAYROLL = "payroll"
    VIEW_APPROVALS = "view_approvals"
    VIEW_PAYROLL = "view_payroll"
    MANAGE_COLLEAGUES = "manage_colleagues"
    CHANGE_DETAILS = "change_details"
    # everybody who is signed in
    OWN_ACCOUNT = "own_account"


class Right(enum.IntFlag):
    """What one user may do for one client: the bits of `Access.rights`."""

    VIEW_DOSSIER = 1
    UPLOAD_DOCUMENTS = 2
    APPROVE = 4
    PAYROLL = 8
    VIEW_APPROVALS = 16
    VIEW_PAYROLL = 32
    MANAGE_COLLEAGUES = 64
    CHANGE_DETAILS = 128

    @classmethod
    def everything(cls) -> Right:
        return cls(255)


RIGHT_OF = {Permission(right.name.lower()): right for right in Right if right.name}

CLIENT_PERMISSIONS = frozenset(RIGHT_OF) | {Permission.OWN_ACCOUNT}
STAFF_PERMISSIONS = frozenset(Permission) - frozenset(RIGHT_OF)


class StaffModule(NamedTuple):
    """What a colleague may be given of a module: to look, or to act (which takes the right to look along)."""

    name: str
    view: frozenset[Permission]
    act: frozenset[Permission]


# Looking at clients and users needs nothing but being of the staff: whose is bounded by reach.
STAFF_MODULES = (
    StaffModule("clients", frozenset(), frozenset({Permission.MANAGE_CLIENTS})),
    StaffModule("users", frozenset(), frozenset({Permission.MANAGE_USERS, Permission.VIEW_AS})),
    StaffModule("dossiers", frozenset({Permission.READ_DOSSIERS}), frozenset({Permission.EDIT_DOSSIERS})),
    StaffModule("approvals", frozenset({Permission.VIEW_REQUESTED}), frozenset({Permission.EDIT_APPROVALS})),
    StaffModule("sign_off", frozenset(), frozenset({Permission.SIGN_OFF})),
    StaffModule("pins", frozenset(), frozenset({Permission.PRINT_PINS})),
    StaffModule("imports", frozenset(), frozenset({Permission.IMPORT_RECORDS})),
    StaffModule("rollout", frozenset({Permission.VIEW_ROLLOUT}), frozenset({Permission.OPEN_GATES})),
    StaffModule("mail", frozenset({Permission.VIEW_MAIL}), frozenset()),
)

ON_REQUEST = frozenset(
    {Permission.PRINT_PINS}
)  # in no role but the administrator's: only who is given the module has it
_OF_OFFICE_ADMINISTRATOR = STAFF_PERMISSIONS - {Permission.MANAGE_SETTINGS} - ON_REQUEST
ROLES: dict[str, frozenset[Permission]] = {
    "administrator": STAFF_PERMISSIONS,
    "office_administrator": _OF_OFFICE_ADMINISTRATOR,
    "employee": _OF_OFFICE_ADMINISTRATOR
    - {Permission.MANAGE_STAFF, Permission.VIEW_TRAIL, Permission.EDIT_STRUCTURES, Permission.SIGN_OFF},
}
NOTHING = "-"  # of a colleague who has no permission of his own, only those of his groups


@functools.cache
def permissions_of(role: str, permissions: str) -> frozenset[Permission]:
    """What a colleague may: all of his role where `permissions` is '', else of an employee these (module:level, by commas)."""
    whole = ROLES.get(role, frozenset())
    if role != "employee" or not permissions:
        return whole
    levels = dict(pair.split(":", 1) for pair in permissions.split(",") if ":" in pair)
    held = {Permission.OWN_ACCOUNT}
    for module in STAFF_MODULES:
        if levels.get(module.name) in ("view", "act"):
            held |= module.view
        if levels.get(module.name) == "act":
            held |= module.act
    return (whole | ON_REQUEST | {Permission.SIGN_OFF}) & held


def joined(*sets: str) -> str:
    """Permissions that several together give: the higher level of each module. '' (the whole role) stays ''."""
    if "" in sets[:1]:
        return ""
    levels: dict[str, str] = {}
    for pair in ",".join(sets).split(","):
        name, _, level = pair.partition(":")
        if level in ("view", "act") and levels.get(name) != "act":
            levels[name] = level
    return ",".join(f"{m.name}:{levels[m.name]}" for m in STAFF_MODULES if m.name in levels) or NOTHING


@dataclass(frozen=True)
class Granted:
    """The access of one user to one client, as far as a viewer needs it at every request.

    `folders` are the folders that are open to him one by one beside what his rights open, and whether he may hand in there.
    """

    client_id: int
    client_name: str
    client_number: str
    rights: Right
    folders: dict[int, bool] = field(default_factory=dict)
    office: int | None = None
    second_factor: str = ""  # what the client asks of its users: yes, optional, no; '' as the firm asks
    passages: frozenset[int] = frozenset()  # folders on the way to those: their names are seen, nothing in them
    looks_on: bool = False  # he was named to look on at an accordering, whatever his rights

    @property
    def manages(self) -> bool:
        """Whether he looks after the access of his colleagues."""
        return Right.MANAGE_COLLEAGUES in self.rights

    @property
    def proposes(self) -> bool:
        """Whether he may ask the office to change the details of the company and of himself."""
        return Right.CHANGE_DETAILS in self.rights

    @property
    def opens_dossier(self) -> bool:
        return Right.VIEW_DOSSIER in self.rights or bool(self.folders)

    def allows(self, right: Right, record: Any = None) -> bool:
        """Whether he may: for a folder, or what lies in one, also by a folder that was opened to him."""
        if right in self.rights:
            return True
        if right not in (Right.VIEW_DOSSIER, Right.UPLOAD_DOCUMENTS) or not self.folders:
            return False
        folder = _folder_of(record)
        act = right is Right.UPLOAD_DOCUMENTS
        if folder is None:
            return any(self.folders.values()) if act else True
        return folder in self.folders and (self.folders[folder] or not act)


class Viewer:
    """A person who is signed in, and the only way to records.

    `user` is whose eyes these are; `view_as` the staff member who looks through them (then nothing can be changed).
    `grants` are a client user's accesses; a staff member has none. `left_out` counts those that who looks on may not see.
    """

    def __init__(
        self,
        user: User,
        grants: Sequence[Granted] = (),
        *,
        session_id: int = 0,
        view_as: User | None = None,
        left_out: int = 0,
    ) -> None:
        self.user = user
        self.grants = {grant.client_id: grant for grant in grants}
        self.session_id = session_id
        self.program = ""  # other software that acts in his name, and from where it does
        self.came_from: tuple[str, str] | None = None
        self.view_as = view_as
        self.left_out = left_out

    # who

    @property
    def is_signed_in(self) -> bool:
        return True

    @property
    def is_staff(self) -> bool:
        return self.user.kind == "staff"

    @property
    def is_client(self) -> bool:
        return self.user.kind == "client"

    @property
    def fence(self) -> int | None:
        """The branch office within which this colleague works; administrators of the firm have none."""
        if not self.is_staff or self.user.role == "administrator":
            return None
        return int(self.user.office) if self.user.office else None

    is_confined = False  # to some clients, though he who looks may see more: by a token

    def within(self, column: Any) -> Any:
        """The condition, for a column with the ids of clients, to which this viewer is confined beside what he may see."""
        return None

    def within_sql(self, column: str) -> str:
        """As `within`, as SQL; '' where he is not confined."""
        return ""

    @property
    def has_all_clients(self) -> bool:
        """Whether there is no client of the office that this colleague may not see."""
        return self.is_staff and bool(self.user.all_clients) and self.fence is None

    @property
    def sees_all_clients(self) -> bool:
        return self.has_all_clients and not self.is_confined

    @functools.cached_property
    def opened_folders(self) -> dict[int, bool]:
        """The folders that are open to this client user one by one, and whether he may hand in there."""
        return {folder: act for grant in self.grants.values() for folder, act in grant.folders.items()}

    @functools.cached_property
    def passages(self) -> list[int]:
        """The folders of which this client user sees no more than that a folder of his lies in them."""
        return [folder for grant in self.grants.values() for folder in grant.passages]

    @property
    def office(self) -> int | None:
        """The one branch office that all clients of this client user belong to; None where they differ."""
        offices = {grant.office for grant in self.grants.values()}
        return offices.pop() if len(offices) == 1 else None

    @property
    def dossier_client_ids(self) -> list[int]:
        """The clients of whose dossier this client user sees something: all of it, or some folders."""
        return [grant.client_id for grant in self.grants.values() if grant.opens_dossier]

    def client_ids_with(self, right: Right) -> list[int]:
        """The clients for which this client user has the right: few, so they go into a query as they are."""
        return [grant.client_id for grant in self.grants.values() if right in grant.rights]

    def demands_second_factor(self, firm: Firm) -> bool:
        """Whether this person must have a second factor: one client's yes is enough, else the firm decides, unless every
        client of his leaves him free."""
        if self.is_client and self.grants:
            policies = {grant.second_factor for grant in self.grants.values()}
            if "yes" in policies:
                return True
            if policies <= {"optional", "no"}:
                return False
        return firm.demands_second_factor_of(self.user)

    def waits_for_factor(self, firm: Firm, *, of: User | None = None) -> bool:
        """Whether it is demanded of him and he has none yet: nothing else opens before. `of` is himself, as he would be."""
        return self.demands_second_factor(firm) and not firm.is_content_with(of or self.user)

    # may

    def may(self, permission: Permission | str, record: Any = None) -> bool:
        """Whether the viewer has the permission: for the record's client where that decides, else anywhere."""
        permission = Permission(permission)
        if self.is_staff:
            return permission in permissions_of(self.user.role, self.user.permissions)
        if permission is Permission.OWN_ACCOUNT:
            return True
        right = RIGHT_OF.get(permission)
        if right is None:
            return False
        if record is None:
            return any(grant.allows(right) for grant in self.grants.values())
        grant = self.grants.get(client_of(record) or 0)
        return grant is not None and grant.allows(right, record)

    def require(self, permission: Permission, record: Any = None) -> None:
        """Raises Forbidden when the viewer may not, or only looks on."""
        if self.view_as is not None or not self.may(permission, record):
            raise Forbidden(permission)

    async def note(self, operation: str, record: Any, detail: dict[str, Any] | None = None) -> None:
        """Write the operation on the record's trail."""
        from models.audit import Trail

        await Trail.write(operation, record, by=self, detail=detail)

    # the records that exist for this viewer

    def scope(self, table: Any) -> Scope[Any]:
        return Scope(table, self)

    @property
    def clients(self) -> Scope[Client]:
        from models.clients import Client

        return Scope(Client, self)

    @property
    def groups(self) -> Scope[ClientGroup]:
        from models.clients import ClientGroup

        return Scope(ClientGroup, self)

    @property
    def accesses(self) -> Scope[Access]:
        from models.clients import Access

        return Scope(Access, self)

    @property
    def users(self) -> Scope[User]:
        from models.accounts import User

        return Scope(User, self)

    @property
    def sessions(self) -> Scope[Session]:
        from models.accounts import Session

        return Scope(Session, self)

    @property
    def links(self) -> Scope[Link]:
        from models.accounts import Link

        return Scope(Link, self)

    @property
    def dossiers(self) -> Scope[Dossier]:
        from models.dossiers import Dossier

        return Scope(Dossier, self)

    @property
    def folders(self) -> Scope[Folder]:
        from models.dossiers import Folder

        return Scope(Folder, self)

    @property
    def documents(self) -> Scope[Document]:
        from models.dossiers import Document

        return Scope(Document, self)

    @property
    def uploads(self) -> Scope[Upload]:
        from models.uploads import Upload

        return Scope(Upload, self)

    @property
    def receipts(self) -> Scope[UploadReceipt]:
        from models.uploads import UploadReceipt

        return Scope(UploadReceipt, self)

    @property
    def mappings(self) -> Scope[ImportMapping]:
        from models.imports import ImportMapping

        return Scope(ImportMapping, self)

    @property
    def imports(self) -> Scope[Import]:
        from models.imports import Import

        return Scope(Import, self)

    @property
    def openings(self) -> Scope[Opening]:
        from models.rollout import Opening

        return Scope(Opening, self)

    @property
    def bulk_acts(self) -> Scope[BulkAct]:
        from models.bulk import BulkAct

        return Scope(BulkAct, self)

    @property
    def tasks(self) -> Scope[Task]:
        from models.tasks import Task

        return Scope(Task, self)

    @property
    def errands(self) -> Scope[Errand]:
        from models.outbox import Errand

        return Scope(Errand, self)

    @property
    def trail(self) -> Scope[Trail]:
        from models.audit import Trail

        return Scope(Trail, self)


class Visitor:
    """Somebody who is not signed in: sees what is published, and nothing else of us."""

    is_signed_in = False
    is_staff = False
    is_client = False
    view_as = None

    def may(self, permission: Permission | str, record: Any = None) -> bool:
        return False


def client_of(record: Any) -> int | None:
    """The id of the client that a record belongs to: itself for a client, else its `client` column."""
    from models.clients import Client

    if isinstance(record, Client):
        return int(record.id)
    value = getattr(record, "client", None)
    if value is None or isinstance(value, int):
        return value
    return int(value.id)


def _folder_of(record: Any) -> int | None:
    """The id of the folder that a record is, or lies in."""
    if type(record).__name__ == "Folder":
        return int(record.id)
    value = getattr(record, "folder", None)
    return value if value is None or isinstance(value, int) else int(value.id)


@functools.cache
def nobody() -> Visitor:
    return Visitor()
