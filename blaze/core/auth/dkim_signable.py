"""A message as signatures see it: fields by name, canonical, and body hashes computed once."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TypeAlias

from blaze.core.auth.canon import BodyHashes, Canonicalization, is_plain, relaxed_field, simple_field
from blaze.core.mail import header
from blaze.core.mail.header import MAX_FIELDS, Buffer, Field

_Span: TypeAlias = tuple[int, int, int]  # of a field: its start, its colon, its end

_SMALL_HEADER = 3 * MAX_FIELDS  # octets in which no more fields have room than are listed
_USUAL_NAMES = 100  # names in an h= that is worth remembering
_FIELD_END = re.compile(rb"\n(?![ \t])")
_NAME = re.compile(rb"[!-9;-~]+")


class Signable:
    """One message, shared by all that signs it or checks its signatures.

    `header` holds its fields, `body` its body's hashes, `end` is where it ends in `buffer`. Fields are found
    and the body is hashed when first asked for.
    """

    __slots__ = ("_by_name", "_plain", "body", "buffer", "end", "header")

    def __init__(self, buffer: Buffer, start: int = 0, end: int | None = None) -> None:
        end = len(buffer) if end is None else end
        self.buffer = buffer
        self.end = end
        self.header = header.parse(buffer, start, end)
        self.body = BodyHashes(buffer, self.header.body_start, end)
        self._plain: bool | None = None
        self._by_name: dict[bytes, list[_Span]] | None = None

    def fields(self, name: bytes) -> list[Field]:
        """The fields called `name` (in lower case), in order."""
        buffer = self.buffer
        return [Field(buffer, *span) for span in self._spans().get(name, ())]

    def count(self, name: bytes) -> int:
        """The number of fields called `name` (in lower case)."""
        return len(self._spans().get(name, ()))

    @property
    def names(self) -> Iterable[bytes]:
        """The names of all fields, in lower case, each once, in the order of their first use."""
        return self._spans().keys()

    @property
    def truncated(self) -> bool:
        """True when there are more fields than are listed, so that selection from the bottom would err."""
        if self.header.end - self.header.start < _SMALL_HEADER:
            return False
        return any(defect.name == "too-many-fields" for defect in self.header.defects)

    def signed_octets(
        self, names: Sequence[bytes], canonicalization: Canonicalization, own: Field | None = None
    ) -> bytes:
        """The canonical form of the fields that `h=` means (RFC 6376 §3.7), each with its CRLF.

        Each name takes the lowest field not taken yet, and nothing where there is none left (§5.4.2). `own`
        is the signature's own field, which `h=` never means.
        """
        buffer = self.buffer
        selected = self._select(names, own)
        if canonicalization == "simple":
            return b"".join([simple_field(buffer[start:end]) for _, (start, _, end) in selected])
        if self._is_plain():  # what relaxed_field does, without asking for each field
            canonical = [
                name + b":" + b" ".join(buffer[colon + 1 : end].split()) for name, (_, colon, end) in selected
            ]
        else:
            canonical = [relaxed_field(name, buffer[colon + 1 : end]) for name, (_, colon, end) in selected]
        canonical.append(b"")
        return b"\r\n".join(canonical)

    def _select(self, names: Sequence[bytes], own: Field | None) -> list[tuple[bytes, _Span]]:
        by_name = self._spans()
        if own is not None and (key := own.key) in names:
            by_name = {**by_name, key: [span for span in by_name[key] if span[0] != own.start]}
        numbered = _numbered(tuple(names)) if len(names) < _USUAL_NAMES else _numbered.__wrapped__(names)
        return [
            (name, candidates[-nth])
            for name, nth in numbered
            if (candidates := by_name.get(name)) and nth <= len(candidates)
        ]

    def _is_plain(self) -> bool:
        if self._plain is None:
            self._plain = is_plain(self.buffer[self.header.start : self.header.end])
        return self._plain

    def _spans(self) -> dict[bytes, list[_Span]]:
        if self._by_name is None:
            block = self.header
            if block.end - block.start < _SMALL_HEADER and self.buffer[block.end - 1 : block.end] == b"\n":
                self._by_name = _index(self.buffer, block.first, block.end)
            else:
                self._by_name = {}
                for span in block.spans:
                    name = self.buffer[span[0] : span[1]].lower().rstrip(b" \t")
                    self._by_name.setdefault(name, []).append(span)
        return self._by_name


def _index(buffer: Buffer, start: int, end: int) -> dict[bytes, list[_Span]]:
    """The offsets of all fields of a small header by name: as `Header.spans` has them, for half the time.

    The header ends with a newline.
    """
    by_name: dict[bytes, list[_Span]] = {}
    for field in _FIELD_END.split(buffer[start : end - 1]):
        following = start + len(field) + 1
        name, colon, _ = field.partition(b":")
        if colon and (key := _key(name)):
            if key in by_name:
                by_name[key].append((start, start + len(name), following))
            else:
                by_name[key] = [(start, start + len(name), following)]
        start = following
    return by_name


@lru_cache(maxsize=256)
def _key(name: bytes) -> bytes:
    """What stands before a colon, as fields are looked for by; empty for what is no name (RFC 5322 §3.6.8).

    Most messages have the same ones.
    """
    key = name.rstrip(b" \t").lower()
    return key if _NAME.fullmatch(key) else b""


@lru_cache(maxsize=256)
def _numbered(names: Sequence[bytes]) -> list[tuple[bytes, int]]:
    """Each name of `h=` with how often it has come by then; a signer names the same fields mostly."""
    seen: dict[bytes, int] = {}
    numbered = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        numbered.append((name, seen[name]))
    return numbered
