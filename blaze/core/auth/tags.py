"""Tag=value lists, as DKIM, ARC and DMARC write them (RFC 6376 §3.2)."""

import binascii
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from blaze.core.errors import DataError
from blaze.core.mail.header import Defect

_FWS = b" \t\r\n"
_NAME = re.compile(rb"[A-Za-z][A-Za-z0-9_]*+")
# Spares the names in use from the expression above.
_COMMON = frozenset(b"v a b bh c d h i l q s t x z cv k p n sp np adkim aspf psd rua ruf fo".split())
# RFC 6376 §3.2 has printable ASCII and folding white space; RFC 8616 §5 adds UTF-8.
_ALLOWED = bytes((*b"\t\n", *range(0x20, 0x7F), *range(0x80, 0x100)))


class Tag(NamedTuple):
    """One tag: its name, its value without white space around it, and where that value stands.

    `start` is the offset after the equals sign, `end` that of the semicolon (or of the end): white space
    around the value lies between them.
    """

    name: bytes
    value: bytes
    start: int
    end: int


class TagList:
    """The tags of one list in order, each by its name.

    `duplicates` are the names that occur again, for which the first value is kept; `defects` the parts that
    are no tag (`not-a-tag`, `empty-tag`, `bad-character`), with their octet offsets.
    """

    __slots__ = ("_spans", "_values", "defects", "duplicates", "get")

    def __init__(
        self,
        values: dict[bytes, bytes],
        spans: dict[bytes, tuple[int, int]],
        duplicates: tuple[bytes, ...],
        defects: tuple[Defect, ...],
    ) -> None:
        self._values = values
        self._spans = spans
        self.duplicates = duplicates
        self.defects = defects
        self.get: Callable[[bytes], bytes | None] = values.get
        """The value of the tag called so, or None when there is none (an empty value is ``b""``)."""

    def __iter__(self) -> Iterator[Tag]:
        return map(self.__getitem__, self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: bytes) -> bool:
        return name in self._values

    def __repr__(self) -> str:
        return f"TagList({self.to_bytes()!r})"

    def __getitem__(self, name: bytes) -> Tag:
        """The tag called `name`; KeyError when there is none."""
        return Tag(name, self._values[name], *self._spans[name])

    def first_missing(self, names: Iterable[bytes]) -> bytes | None:
        """The first of `names` for which there is no tag, or None."""
        for name in names:
            if name not in self._values:
                return name
        return None

    def to_bytes(self) -> bytes:
        """The list on one line: ``a=1; b=2``."""
        return b"; ".join(tag.name + b"=" + tag.value for tag in self)


def scan(raw: bytes, *, any_case: bool = False) -> TagList:
    """Read a tag=value list and leave out what is no tag (RFC 6376 §3.2).

    `raw` may be folded; values keep the white space inside them. One trailing semicolon is right; an empty
    list has no tags. With `any_case` names are given in lower case. Never raises. Linear in the length of
    `raw`.
    """
    values: dict[bytes, bytes] = {}
    spans: dict[bytes, tuple[int, int]] = {}
    duplicates: list[bytes] = []
    defects: list[Defect] = []
    clean = _is_clean(raw)
    parts = raw.split(b";")
    if not parts[-1].strip(_FWS):
        parts.pop()
    start = 0
    for part in parts:
        end = start + len(part)
        name, equals, value = part.partition(b"=")
        name = name.strip().lower() if any_case else name.strip()
        if not equals or (name not in _COMMON and not _NAME.fullmatch(name)):
            defects.append(Defect("not-a-tag" if part.strip(_FWS) else "empty-tag", start))
        elif not clean and not _is_clean(part):
            defects.append(Defect("bad-character", start))
        elif name in values:
            duplicates.append(name)
        else:
            values[name] = value.strip()
            spans[name] = (end - len(value), end)
        start = end + 1
    return TagList(values, spans, tuple(duplicates), tuple(defects))


def _is_clean(octets: bytes) -> bool:
    """True when there is nothing but what a value may hold; a CR only before an LF."""
    rest = octets.translate(None, _ALLOWED)
    return not rest or (rest.count(b"\r") == len(rest) == octets.count(b"\r\n"))


def parse(raw: bytes) -> TagList:
    """Read a tag=value list that must be well formed, as `scan` does.

    Duplicates are left to the caller, since they are another kind of fault (RFC 6376 §3.2: the entire
    list is invalid).

    Raises:
        DataError: a part of the list is no tag.
    """
    tags = scan(raw)
    if tags.defects:
        name, offset = tags.defects[0]
        raise DataError(f"malformed tag list ({name})", where=f"octet {offset} of the value")
    return tags


def without_white_space(value: bytes) -> bytes:
    """The value with every blank and newline taken out, as base64 is read (RFC 6376 §3.2)."""
    return value.translate(None, _FWS)


def split_colons(value: bytes) -> list[bytes]:
    """The items of a colon-separated value, without white space around them; empty items are kept."""
    items = value.split(b":")
    return items if len(value.split()) <= 1 else [item.strip(_FWS) for item in items]


def decode_base64(value: bytes) -> bytes:
    """Decode base64 that may be folded anywhere (RFC 6376 §3.2, base64string).

    Raises:
        DataError: there is a character outside the alphabet, or the padding is wrong.
    """
    compact = without_white_space(value)
    if len(compact) % 4 == 0 and not compact.endswith(b"==="):  # which strict mode lets pass
        try:
            return binascii.a2b_base64(compact, strict_mode=True)
        except binascii.Error:
            pass
    raise DataError("not base64")
