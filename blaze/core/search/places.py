"""Where messages lie, as an index keeps it: paths of any octets, and the names of sources."""

import os
from typing import TypeAlias

Stored: TypeAlias = str | bytes
"""A path in the index: text, or its octets where they are no UTF-8."""


def stored(path: str) -> Stored:
    """A path as it is kept."""
    if not path.isascii():
        try:
            path.encode("utf-8")
        except UnicodeEncodeError:
            return os.fsencode(path)
    return path


def restored(path: Stored) -> str:
    """A path as it was given to `stored`."""
    return path if isinstance(path, str) else os.fsdecode(path)


def source_name(source: str) -> Stored:
    """What a source is called: its absolute path, after the kind that is forced on it."""
    from blaze.core.store.source import forced_kind

    kind, path = forced_kind(source)
    root = os.path.abspath(path)
    return stored(f"{kind}:{root}" if kind else root)


def source_names(source: str) -> tuple[Stored, ...]:
    """What a source may be called that was named without its kind, or with the one it was indexed by."""
    from blaze.core.store.source import PREFIXES, forced_kind

    kind, path = forced_kind(source)
    if kind:
        return (source_name(source),)
    root = os.path.abspath(path)
    return (stored(root), *(stored(prefix + root) for prefix in PREFIXES))
