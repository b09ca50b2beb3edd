"""What a file is, by its content; whether it is taken in; and a name that is safe to keep."""

from models.content_type.checking import check_upload
from models.content_type.detecting import charset_of, detect
from models.content_type.kinds import INLINE, ContentType, by_mime
from models.content_type.naming import clean_name, tidy

__all__ = ["INLINE", "ContentType", "by_mime", "charset_of", "check_upload", "clean_name", "detect", "tidy"]
