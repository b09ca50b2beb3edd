"""The tables of approvals: kinds, plans, roles and mandates; what is asked for approval, with its parts, its approvers and
what each chose. The proof stands in `record.py`, the legal moves in `states.py`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from piccolo.columns import BigInt, Boolean, Date, ForeignKey, Integer, OnDelete, Text, Timestamptz, Varchar
from piccolo.columns.combination import WhereRaw
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from models.accounts import User
from models.approvals.states import APPROVER_STATES, STATES, one_of
from models.clients import Client, with_right
from models.core import Owned, Say
from models.dossiers import Document
from models.personal import PROOF, Erase, Export
from models.settings import this_day
from models.viewer import Permission, Right

if TYPE_CHECKING:
    from models.viewer import Viewer

ROLES: dict[str, Say] = {
    "director": Say("Directeur"),
    "partner": Say("Fiscaal partner"),
    "payroll": Say("Salariscontact"),
    "authorised": Say("Gemachtigde"),
}
_LEVEL_KNOWN = "least_level IN ('pin', 'codes', 'totp', 'passkey')"


class ApprovalKind(Owned, Table, tablename="approval_kind"):
    """A kind of thing that is approved: VAT return, annual accounts, engagement letter. The office edits the list."""

    name = Varchar(length=120)
    name_key = Varchar(length=240)
    name_en = Varchar(length=120, default="")
    rule = Varchar(
        length=12, default="", help_text="whose calendar gives the legal deadline (see deadlines.RULES), or ''"
    )
    statement = Text(
        default="",
        help_text="What the approver agrees to, in Dutch; fields {kind} {period} {client} {addressee} {amount}.",
    )
    statement_en = Text(default="")
    addressee = Varchar(length=120, default="", help_text="Where it goes: Belastingdienst, KvK, …")
    addressee_en = Varchar(length=120, default="", help_text="The same in the English sentence.")
    least_level = Varchar(
        length=7, default="pin", help_text="The least proof that counts: pin, codes, totp or passkey."
    )
    needs_sign_off = Boolean(default=False, help_text="Somebody of the office signs off before it is offered.")
    internal_days = Integer(default=7, help_text="Days between the internal deadline and the legal one.")
    remind_before = Varchar(length=40, default="7,3,1", help_text="Days before the internal deadline, by commas.")
    remind_after = Integer(default=1, help_text="Days after it; 0: not.")
    remind_every = Integer(default=3, help_text="Days between those that follow; 0: none follow.")
    phone_days = Integer(default=3, help_text="Days before the legal deadline from which it is on the phone list.")
    folder = Varchar(length=1000, default="", help_text="Where it is filed: names with › between them; {boekjaar}.")
    position = Integer(default=0)
    is_active = Boolean(default=True)

    approval_kind_name_unique = Unique([name_key])
    approval_kind_level_known = Check(_LEVEL_KNOWN)

    IS_SEEDED = True

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id > 0 if viewer.is_staff else cls.id < 0


class ApprovalPlan(Owned, Table, tablename="approval_plan"):
    """Who approves, in steps: of one client and kind, of a client, of a kind, or of the whole office; the closest counts.

    `steps` is JSON: [{"mode": "all" | "any" | "some", "n": 2, "who": [{"person": 12}, {"role": "director"}]}].
    """

    client = ForeignKey(Client, null=True, default=None, on_delete=OnDelete.cascade, index=True)
    kind = ForeignKey(ApprovalKind, null=True, default=None, on_delete=OnDelete.cascade)
    steps = Text(default="[]")
    changed_at = Timestamptz()

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        """Those of all clients are the office's own; a client's plan is seen by who sees the client."""
        if not viewer.may(Permission.VIEW_REQUESTED):
            return cls.id < 0
        return cls.client.is_null() | with_right(cls.client, viewer, Right.VIEW_APPROVALS)

    @property
    def as_steps(self) -> list[dict[str, Any]]:
        return list(json.loads(self.steps))


class ApproverRole(Owned, Table, tablename="approver_role"):
    """What somebody is at a client, with dates; kept when it ends."""

    client = ForeignKey(Client, null=False, on_delete=OnDelete.cascade, index=True)
    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade, index=True)
    role = Varchar(length=10)
    since = Date(null=True, default=None)
    until = Date(null=True, default=None, help_text="The last day; NULL while it lasts.")
    made_by = Integer(null=True, default=None)
    made_at = Timestamptz()
    imported = Integer(null=True, default=None, index=True, help_text="The import that gave it.")

    approver_role_known = Check("role IN ('director', 'partner', 'payroll', 'authorised')")

    EXPORTS = Export(Say("Rollen bij accorderen"), by=("person",))
    ERASES = Erase(ground=PROOF)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return with_right(cls.client, viewer, Right.VIEW_APPROVALS)


class Mandate(Owned, Table, tablename="mandate"):
    """`taker` may approve instead of `giver`, between two days: a substitute or an authorised person. Never deleted, ended."""

    client = ForeignKey(Client, null=False, on_delete=OnDelete.cascade, index=True)
    giver = ForeignKey(User, null=False, on_delete=OnDelete.cascade, index=True)
    taker = ForeignKey(User, null=False, on_delete=OnDelete.cascade, index=True)
    kind = ForeignKey(ApprovalKind, null=True, default=None, on_delete=OnDelete.cascade, help_text="NULL: of all kinds")
    since = Date()
    until = Date(null=True, default=None, help_text="The last day.")
    note = Varchar(length=500, default="")
    made_by = Integer(null=True, default=None)
    made_at = Timestamptz()
    ended_at = Timestamptz(null=True, default=None, help_text="When somebody ended it before its last day.")

    mandate_between_two = Check("giver <> taker")

    EXPORTS = Export(Say("Machtigingen"), by=("giver", "taker"))
    ERASES = Erase(ground=PROOF)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return with_right(cls.client, viewer, Right.VIEW_APPROVALS)


class ApprovalRequest(Owned, Table, tablename="approval_request"):
    """What is asked for approval of one client: one kind and period, with one or more parts."""

    client = ForeignKey(Client, null=False, on_delete=OnDelete.cascade, index=True)
    kind = ForeignKey(ApprovalKind, null=False, on_delete=OnDelete.restrict, index=True)
    title = Varchar(length=200, default="", help_text="Beside kind and period, where the office wants to say more.")
    book_year = Integer(null=True, default=None)
    period = Varchar(length=3, default="", help_text="of the book year: '', k1 to k4, m01 to m12, p01 to p13")
    addressee = Varchar(length=120, default="")
    amount = BigInt(null=True, default=None, help_text="cents; positive is to pay, negative to receive")
    message = Varchar(length=4000, default="")
    statement = Text(default="", help_text="As it was when it was offered, Dutch.")
    statement_en = Text(default="")
    least_level = Varchar(length=7, default="pin")
    state = Varchar(length=9, default="draft", index=True)
    version = Integer(default=1, help_text="Rises when a part is replaced: what was looked at before no longer counts.")
    internal_due = Date(null=True, default=None)
    legal_due = Date(null=True, default=None)
    dated_on = Date(
        null=True, default=None, help_text="When it was decided: paid out, adopted; where the calendar asks it."
    )
    step = Integer(default=0, help_text="Whose turn it is: 1, 2, …; 0 before it is offered.")
    steps = Text(default="[]", help_text="JSON: the plan as it was when it was offered.")
    responsible = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null, index=True)
    made_by = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null)
    made_at = Timestamptz(index=True)
    changed_by = ForeignKey(
        User, null=True, default=None, on_delete=OnDelete.set_null, help_text="who last changed the draft"
    )
    signed_off_by = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null)
    signed_off_at = Timestamptz(null=True, default=None)
    offered_at = Timestamptz(null=True, default=None)
    completed_at = Timestamptz(null=True, default=None, help_text="approved, rejected, on paper")
    ended_at = Timestamptz(null=True, default=None, help_text="withdrawn, replaced, expired")
    filed_at = Timestamptz(null=True, default=None)
    reason = Varchar(length=2000, default="", help_text="why it was rejected, withdrawn, sent back")
    replaces = Integer(null=True, default=None, index=True, help_text="id of the request whose place this took")
    batch = Varchar(length=36, default="", index=True, help_text="of one placing of many, or ''")
    source = Varchar(length=6, default="office", help_text="office, bulk or api")
    external_ref = Varchar(length=120, default="", help_text="What the other software calls it.")
    is_sample = Boolean(default=False)

    approval_request_state_known = Check(f"state IN ({one_of(STATES)})")
    approval_request_level_known = Check(_LEVEL_KNOWN)

    EXPORTS = Export(Say("Aangeboden accorderingen"), by=("made_by", "changed_by", "responsible", "signed_off_by"))
    ERASES = Erase(ground=PROOF)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        """Staff with the module, of the clients they see. A client's people who may see approvals, from when it is offered;
        who stands in a later step sees nothing before his turn."""
        if viewer.is_staff:
            if not viewer.may(Permission.VIEW_REQUESTED):
                return cls.id < 0
            return with_right(cls.client, viewer, Right.VIEW_APPROVALS)
        rows, turns = Approver.person == viewer.user.id, Approver.asked_at.is_not_null() | (Approver.step == 0)
        waits = Approver.select(Approver.request).where(rows & (Approver.step > 0) & Approver.asked_at.is_null())
        turned = Approver.select(Approver.request).where(rows & turns)
        unhidden = cls.id.not_in(waits) | cls.id.is_in(turned)
        mine = (with_right(cls.client, viewer, Right.VIEW_APPROVALS) & unhidden) | cls._by_place(viewer)
        return (
            cls.client.is_in(_within(viewer)) & cls.offered_at.is_not_null() & mine
        )  # what never left the office is nobody else's

    @classmethod
    def _by_place(cls, viewer: Viewer) -> Any:
        """Who may approve there and was asked, who was named to look on, and the people of a fiscal partner who were asked."""
        mine = (Approver.person == viewer.user.id) & Approver.asked_at.is_not_null()
        done = (Approver.decided_by == viewer.user.id) & Approver.mandate.is_not_null()  # for another, also of before
        approving = viewer.client_ids_with(Right.APPROVE) or [-1]
        looks = (Approver.person == viewer.user.id) & (Approver.step == 0)
        of_partner = cls.client.is_in(Client.select(Client.id).where(Client.partner.is_in(approving)))
        return (
            (cls.client.is_in(approving) & cls.id.is_in(Approver.select(Approver.request).where(mine)))
            | (
                cls.client.is_in(list(viewer.grants) or [-1])
                & cls.id.is_in(Approver.select(Approver.request).where(looks))
            )
            | (
                cls.client.is_in(list(viewer.grants) or [-1])
                & cls.id.is_in(Approver.select(Approver.request).where(done))
            )
            | (of_partner & cls.id.is_in(Approver.select(Approver.request).where(mine & (Approver.role == "partner"))))
            | (
                (cls.client.is_in(approving) | of_partner)
                & WhereRaw(f"approval_request.id IN ({_STANDS_IN})", viewer.user.id, this_day(), this_day())
            )
        )


# What somebody is asked now for whom he has a mandate, today, and nothing of before; deciding asks all of it again.
_STANDS_IN = """SELECT a.request FROM mandate m JOIN approver a ON a.person = m.giver AND a.client = m.client AND a.state = 'asked'
 JOIN approval_request q ON q.id = a.request AND (m.kind IS NULL OR m.kind = q.kind)
 WHERE m.taker = {} AND m.ended_at IS NULL AND m.since <= {} AND (m.until IS NULL OR m.until >= {})"""


def _within(viewer: Viewer) -> Any:
    """The clients outside of which a client's person finds nothing: his own, and those whose fiscal partner he acts for."""
    approving = viewer.client_ids_with(Right.APPROVE) or [-1]
    return Client.select(Client.id).where(
        Client.id.is_in(list(viewer.grants) or [-1]) | Client.partner.is_in(approving)
    )


def of_request(table: Any, viewer: Viewer) -> Any:
    """What belongs to a request is seen by who sees the request. For the staff that is a matter of the client alone."""
    if viewer.is_staff:
        return (
            with_right(table.client, viewer, Right.VIEW_APPROVALS)
            if viewer.may(Permission.VIEW_REQUESTED)
            else table.id < 0
        )
    return table.request.is_in(ApprovalRequest.select(ApprovalRequest.id).where(ApprovalRequest.visible_to(viewer)))


class ApprovalDocument(Owned, Table, tablename="approval_document"):
    """One file of a request: what is approved (`main`), or what is only added (`attachment`). The bytes lie in the storage."""

    request = ForeignKey(ApprovalRequest, null=False, on_delete=OnDelete.cascade, index=True)
    client = ForeignKey(Client, null=False, on_delete=OnDelete.cascade, index=True)
    part = Varchar(length=10, default="main")
    position = Integer(default=0)
    name = Varchar(length=255)
    sha256 = Varchar(length=64, index=True, help_text="also when its bytes are gone")
    blob = Varchar(length=64, default="", index=True, help_text="the same while the storage has it, else ''")
    size = BigInt()
    mime = Varchar(length=120)
    pages = Integer(null=True, default=None, help_text="NULL: not a PDF, or locked")
    is_locked = Boolean(default=False, help_text="A PDF that asks for a password: read apart, never joined.")
    document = ForeignKey(Document, null=True, default=None, on_delete=OnDelete.set_null, help_text="as it was filed")
    is_scan = Boolean(default=False, help_text="What was signed on paper, scanned.")

    approval_document_part_known = Check("part IN ('main', 'attachment')")

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return of_request(cls, viewer)


class FormerPart(Owned, Table, tablename="approval_former_part"):
    """A file that another took the place of after the office had offered it: approvals were given on it, and the proof names it."""

    request = ForeignKey(ApprovalRequest, null=False, on_delete=OnDelete.cascade, index=True)
    client = ForeignKey(Client, null=False, on_delete=OnDelete.cascade, index=True)
    document = ForeignKey(ApprovalDocument, null=False, on_delete=OnDelete.cascade, index=True)
    version = Integer(help_text="the last version of the request in which it stood")
    name = Varchar(length=255)
    sha256 = Varchar(length=64)
    blob = Varchar(length=64, index=True, help_text="the same while the storage has it, else ''")
    size = BigInt()
    mime = Varchar(length=120)
    replaced_at = Timestamptz()

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return of_request(cls, viewer) if viewer.is_staff else cls.id < 0


class Approver(Owned, Table, tablename="approver"):
    """Somebody's place in the plan of one request: step 1, 2, …, or 0 for who may only look.

    waiting (not his turn) > asked > approved or rejected; void: it no longer counts; skipped: not needed any more.
    """

    request = ForeignKey(ApprovalRequest, null=False, on_delete=OnDelete.cascade, index=True)
    client = ForeignKey(Client, null=False, on_delete=OnDelete.cascade, index=True)
    person = ForeignKey(User, null=False, on_delete=OnDelete.restrict, index=True)
    step = Integer()
    state = Varchar(length=8, default="waiting")
    role = Varchar(length=10, default="", help_text="by which he stands here: a role, or '' by person")
    asked_at = Timestamptz(null=True, default=None)
    opened_at = Timestamptz(null=True, default=None)
    decided_at = Timestamptz(null=True, default=None)
    decided_by = ForeignKey(
        User, null=True, default=None, on_delete=OnDelete.restrict, help_text="he, or whom he gave a mandate"
    )
    mandate = ForeignKey(Mandate, null=True, default=None, on_delete=OnDelete.restrict)
    level = Varchar(length=7, default="", help_text="of the proof he gave")
    method = Varchar(length=120, default="")
    reason = Varchar(length=2000, default="")

    approver_once = Unique([request, step, person])
    approver_state_known = Check(f"state IN ({one_of(APPROVER_STATES)})")

    EXPORTS = Export(Say("Gevraagd en gegeven akkoord"), by=("person", "decided_by"))
    ERASES = Erase(ground=PROOF)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return of_request(cls, viewer)


class ApproverChoice(Owned, Table, tablename="approver_choice"):
    """What an approver chose for one part, of exactly these bytes."""

    approver = ForeignKey(Approver, null=False, on_delete=OnDelete.cascade)
    document = ForeignKey(ApprovalDocument, null=False, on_delete=OnDelete.cascade, index=True)
    client = ForeignKey(Client, null=False, on_delete=OnDelete.cascade, index=True)
    sha256 = Varchar(length=64)
    outcome = Varchar(length=8)
    reason = Varchar(length=2000, default="")
    at = Timestamptz()

    approver_choice_once = Unique([approver, document])
    approver_choice_known = Check("outcome IN ('approved', 'rejected')")

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.approver.is_in(Approver.select(Approver.id).where(Approver.visible_to(viewer)))


class ApprovalRemark(Owned, Table, tablename="approval_remark"):
    """A question about a request, or an answer: by the client's people or by the office."""

    request = ForeignKey(ApprovalRequest, null=False, on_delete=OnDelete.cascade, index=True)
    client = ForeignKey(Client, null=False, on_delete=OnDelete.cascade, index=True)
    person = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null)
    side = Varchar(length=6, help_text="office or client")
    text = Varchar(length=4000)
    at = Timestamptz()
    settled_at = Timestamptz(null=True, default=None, help_text="of a question: when it was answered or put aside")

    approval_remark_side_known = Check("side IN ('office', 'client')")

    EXPORTS = Export(Say("Vragen bij accorderingen"), by=("person",))
    ERASES = Erase(ground=PROOF)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return of_request(cls, viewer)


class ApprovalSeen(Owned, Table, tablename="approval_seen"):
    """That somebody opened these bytes of a part (page 0), or saw a page of them: once each, beside the line in the proof."""

    request = ForeignKey(ApprovalRequest, null=False, on_delete=OnDelete.cascade, index=True)
    client = ForeignKey(Client, null=False, on_delete=OnDelete.cascade, index=True)
    document = ForeignKey(ApprovalDocument, null=False, on_delete=OnDelete.cascade)
    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade, index=True)
    sha256 = Varchar(length=64)
    page = Integer(default=0)
    at = Timestamptz()

    approval_seen_once = Unique([document, person, sha256, page])

    EXPORTS = Export(Say("Bekeken accorderingen"), by=("person",))
    ERASES = Erase(ground=PROOF)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return of_request(cls, viewer)
