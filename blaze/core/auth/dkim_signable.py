"""A message as signatures see it: fields by name, canonical, and body hashes computed once."""

from collections.abc import Iterable, Sequence

from blaze.core.auth.canon import BodyHashes, Canonicalization, is_plain, relaxed_field, simple_field
from blaze.core.mail import header
from blaze.core.mail.header import Buffer, Field


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
        self._by_name: dict[bytes, list[tuple[int, int, int]]] | None = None

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
        defects = self.header.defects
        return bool(defects) and any(defect.name == "too-many-fields" for defect in defects)

    def signed_octets(
        self, names: Sequence[bytes], canonicalization: Canonicalization, own: Field | None = None
    ) -> bytes:
        """The canonical form of the fields that `h=` means (RFC 6376 §3.7), each with its CRLF.

        Each name takes the lowest field not taken yet, and nothing where there is none left (§5.4.2). `own`
        is the signature's own field, which `h=` never means.
        """
        buffer = self.buffer
        spans = self._select(names, own)
        if canonicalization == "simple":
            return b"".join([simple_field(buffer[start:end]) for _, start, _, end in spans])
        if self._is_plain():  # what relaxed_field does, without asking for each field
            canonical = [
                name + b":" + b" ".join(buffer[colon + 1 : end].split()) for name, _, colon, end in spans
            ]
        else:
            canonical = [relaxed_field(name, buffer[colon + 1 : end]) for name, _, colon, end in spans]
        canonical.append(b"")
        return b"\r\n".join(canonical)

    def _select(self, names: Sequence[bytes], own: Field | None) -> list[tuple[bytes, int, int, int]]:
        by_name = self._spans()
        if own is not None and own.key in names:
            others = [span for span in by_name[own.key] if span[0] != own.start]
            by_name = {**by_name, own.key: others}
        taken: dict[bytes, int] = {}
        selected = []
        for name in names:
            candidates = by_name.get(name)
            if candidates is not None and (nth := taken.get(name, 0) + 1) <= len(candidates):
                taken[name] = nth
                selected.append((name, *candidates[-nth]))
        return selected

    def _is_plain(self) -> bool:
        if self._plain is None:
            self._plain = is_plain(self.buffer[self.header.start : self.header.end])
        return self._plain

    def _spans(self) -> dict[bytes, list[tuple[int, int, int]]]:
        if self._by_name is None:
            buffer = self.buffer
            by_name: dict[bytes, list[tuple[int, int, int]]] = {}
            for span in self.header.spans:
                name = buffer[span[0] : span[1]].lower().rstrip(b" \t")
                if name in by_name:
                    by_name[name].append(span)
                else:
                    by_name[name] = [span]
            self._by_name = by_name
        return self._by_name
