"""The names of all addresses: `url('dossiers.tree', folder_id=7)` in templates, `tree.url(folder_id=7)` in Python."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
_patterns: dict[str, tuple[str, frozenset[str]]] = {}
_by_one_id: dict[
    str, tuple[str, str, str]
] = {}  # of most addresses in a list: what stands before, the name, what stands after


def register(name: str, path: str) -> None:
    if name in _patterns:
        raise ValueError(f"the address name {name!r} is given twice")
    _patterns[name] = (_PARAMETER.sub(r"{\1}", path), frozenset(_PARAMETER.findall(path)))
    if path.count("{") == 1:
        head, tail = _PARAMETER.split(path)[::2]
        _by_one_id[name] = (head, _PARAMETER.findall(path)[0], tail)


def address_for(name: str, /, **parameters: Any) -> str:
    """The path by its name; parameters that are not part of the path become the query (None is left out).

    Raises:
        KeyError: for an unknown name or a missing parameter.
    """
    if len(parameters) == 1 and (parts := _by_one_id.get(name)):
        return f"{parts[0]}{_quoted(parameters[parts[1]])}{parts[2]}"
    pattern, wanted = _patterns[name]
    if not wanted:
        path, rest = pattern, parameters
    else:
        path = pattern.format_map({key: _quoted(parameters[key]) for key in wanted})
        rest = (
            {key: value for key, value in parameters.items() if key not in wanted}
            if len(parameters) > len(wanted)
            else {}
        )
    query = {key: value for key, value in rest.items() if value is not None and value != ""}
    return f"{path}?{urlencode(query, doseq=True)}" if query else path


def url_maker(prefix: str) -> Callable[..., str]:
    """`url()` for templates; with the prefix of looking on, every address stays within it."""
    if not prefix:
        return address_for

    def url(name: str, /, **parameters: Any) -> str:
        return prefix + address_for(name, **parameters)

    return url


def names() -> list[str]:
    return sorted(_patterns)


def _quoted(value: Any) -> str:
    return str(value) if isinstance(value, int) else quote(str(value), safe="")


def local_path(next_: str) -> str:
    """The `next` of a sign-in, only when it is a path of ours; else ''."""
    if not next_.startswith("/") or next_.startswith(("//", "/\\")) or any(ord(ch) < 33 or ch == "\\" for ch in next_):
        return ""
    return next_
