"""Looking for malware: every file that becomes a document, a version or an import is shut until clamd has called it clean.

`require_open(sha256)` is the one question before bytes are opened; `shut_among` and `open_sql` ask it of many.
"""

from models.scanning.opening import Shut, is_on, open_sql, require_open, shut_among, shut_documents

__all__ = ["Shut", "is_on", "open_sql", "require_open", "shut_among", "shut_documents"]
