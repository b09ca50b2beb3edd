"""The tables of certifying: the office's certificates, the sealed PDFs of each request, what could not be sealed yet, and the
chain over all records of proof."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from piccolo.columns import BigInt, Boolean, ForeignKey, Integer, OnDelete, Text, Timestamptz, Varchar
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from models.accounts import User
from models.approvals.records import ApprovalRequest
from models.clients import Client
from models.core import Owned, Say
from models.dossiers import Document
from models.personal import PROOF, Erase, Export
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

# Why a seal is not of long validity, as it is kept; attention.why_unproved has the words.
WITHDRAWN, OVER, SILENT, UNKNOWN = "ingetrokken", "verlopen", "geen bewijs", "geen uitgever"
STAMP_WITHDRAWN, STAMP_OVER = "stempel ingetrokken", "stempel verlopen"


class OfficeCertificate(Owned, Table, tablename="office_certificate"):
    """A certificate under which the office seals; the present one, and those before it, because seals refer to them."""

    subject = Varchar(length=300)
    issuer = Varchar(length=300)
    serial = Varchar(length=60)
    fingerprint = Varchar(length=64, help_text="SHA-256 of the certificate (DER)")
    pem = Text(help_text="the certificate, and those above it")
    locked_key = Text(help_text="the private key, encrypted under SECRET_KEY: a backup of the database does not sign")
    is_own = Boolean(default=False, help_text="made here, and so known to no reader of PDFs")
    is_current = Boolean(default=False)
    stand_in = Varchar(
        length=7,
        default="",
        help_text="made by itself in the place of one that was expired or locked, until the office knows of it",
    )
    valid_from = Timestamptz()
    valid_until = Timestamptz()
    made_by = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null)
    made_at = Timestamptz()
    ended_at = Timestamptz(null=True, default=None)

    EXPORTS = Export(Say("Certificaten die hij plaatste"), by=("made_by",), hidden=("pem", "locked_key"))
    ERASES = Erase(ground=PROOF)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id > 0 if viewer.is_staff and viewer.may(Permission.MANAGE_SETTINGS) else cls.id < 0


class ApprovalSeal(Owned, Table, tablename="approval_seal"):
    """One sealed certificate PDF of a request: number 1 when it was complete, others only where that was mended, or where something
    was added behind the seal ('stamped': the time-stamp, the proof of its certificate, or both)."""

    request = ForeignKey(ApprovalRequest, null=False, on_delete=OnDelete.cascade)
    client = ForeignKey(Client, null=False, on_delete=OnDelete.cascade, index=True)
    number = Integer()
    why = Varchar(length=9, default="complete")
    digest = Varchar(length=64, index=True, help_text="SHA-256 of the sealed PDF, also when its bytes are gone")
    sha256 = Varchar(length=64, default="", index=True, help_text="the same while the storage has it, else ''")
    size = BigInt()
    chain_number = Integer(help_text="how far the record went that stands in it")
    chain_link = Varchar(length=64)
    certificate = ForeignKey(OfficeCertificate, null=False, on_delete=OnDelete.restrict)
    level = Varchar(length=3, default="B-B", help_text="of PAdES: B-B, or B-T with a time-stamp")
    is_long = Boolean(default=False, help_text="what proves that the certificate was good stands in it too: B-LT")
    stamp_due = Boolean(default=False, help_text="the time-stamp authority did not answer: still to be added")
    proof_due = Boolean(default=False, help_text="what makes it B-LT could not be had yet: still to be added")
    stamp_after = Timestamptz(null=True, default=None, help_text="when what is due is tried again")
    trouble = Varchar(length=300, default="", help_text="what the authority said; or why it is not B-LT")
    document = ForeignKey(Document, null=True, default=None, on_delete=OnDelete.set_null, help_text="as it was filed")
    at = Timestamptz()

    approval_seal_once = Unique([request, number])
    approval_seal_why_known = Check("why IN ('complete', 'lost', 'stamped')")
    approval_seal_level_known = Check("level IN ('B-B', 'B-T')")

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.request.is_in(ApprovalRequest.select(ApprovalRequest.id).where(ApprovalRequest.visible_to(viewer)))

    @property
    def profile(self) -> str:
        """Of PAdES: B-B, B-T or B-LT."""
        return "B-LT" if self.is_long else self.level


class SealTrouble(Owned, Table, tablename="approval_seal_trouble"):
    """Why a complete request could not be sealed and filed yet, and when it is tried again."""

    request = ForeignKey(ApprovalRequest, null=False, on_delete=OnDelete.cascade)
    client = ForeignKey(Client, null=False, on_delete=OnDelete.cascade, index=True)
    tries = Integer(default=1)
    why = Text(default="{}", help_text="JSON of a Say")
    next_at = Timestamptz()
    since = Timestamptz(null=True, default=None, help_text="of the first try that failed")

    approval_seal_trouble_once = Unique([request])

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.request.is_in(ApprovalRequest.select(ApprovalRequest.id).where(ApprovalRequest.visible_to(viewer)))

    @property
    def said(self) -> Say:
        return Say.from_json(json.loads(self.why))


class ProofPlace(Owned, Table, tablename="proof_place"):
    """The place of one record of proof in the chain over all requests, so that an end that is cut off is missed."""

    place = BigInt(help_text="1, 2, 3, … without gaps")
    record = Integer(help_text="id of the record; no foreign key: one that is gone must be missed, not forgotten")
    link = Varchar(length=64)
    told_at = Timestamptz(null=True, default=None, help_text="when the trail was told that the chain came this far")

    proof_place_unique = Unique([place])
    proof_record_unique = Unique([record])

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id > 0 if viewer.is_staff and viewer.may(Permission.VIEW_TRAIL) else cls.id < 0
