"""Changes to many records at once: chosen, looked at beforehand with counts, carried out, reported and, where that can be,
undone.

`records` holds the tables, `kinds` what an act is; `of_clients`, `of_approvals`, `of_users` and `new_users` the acts there are; `running` carries them out.
"""

from models.bulk.kinds import KINDS, BulkKind
from models.bulk.records import BulkAct, BulkRow
from models.bulk.running import AT_ONCE, choose, prepare, start, undo

import models.bulk.of_clients  # isort: skip  # declare the acts
import models.bulk.of_approvals  # isort: skip
import models.bulk.of_users  # isort: skip
import models.bulk.new_users  # isort: skip  # noqa: F401

__all__ = ["AT_ONCE", "KINDS", "BulkAct", "BulkKind", "BulkRow", "choose", "prepare", "start", "undo"]
