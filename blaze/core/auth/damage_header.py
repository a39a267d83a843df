"""Changes that header fields meet on their way, undone in turn until a signature fits again.

None of this is a verdict: it tells a person what happened to a message whose signature has failed.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from itertools import chain, combinations, islice, product
from typing import NamedTuple

from blaze.core.auth import tags
from blaze.core.auth.budget import Budget
from blaze.core.auth.canon import relaxed_field, simple_field
from blaze.core.auth.dkim_signable import Signable
from blaze.core.auth.dkim_signature import Signature
from blaze.core.auth.dkim_verify import own_octets
from blaze.core.mail import encoded, header
from blaze.core.mail.header import Field

MAX_OCTETS = 1 << 16  # of a header in which changes are undone
_MANY = 20  # fields of one name, and words of a subject, that changes are undone in
_SHOWN = 60  # octets of a value that a sentence repeats
_OCTETS_OF_A_TRY = 1 << 13  # what undoing one change costs, in octets hashed
_OCTETS_OF_A_NAME = 200  # what selecting one field costs, in octets hashed

_Transform = tuple[str, Callable[[bytes], bytes]]

_FOLD = re.compile(rb"\r?\n[ \t]+")
# What begins with a run looks behind, so that only the run's first octet is tried: else it were quadratic.
_FOLD_WITH_BLANKS = re.compile(rb"(?<![ \t])[ \t]*+\r?\n[ \t]+")
_BLANKS_AT_END = re.compile(rb"(?<![ \t])[ \t]++(?=\r?\n)")
_BLANKS_AFTER_COMMA = re.compile(rb"([,;])[ \t\r\n]++(?=[^ \t\r\n])")
_BARE_COMMA = re.compile(rb"([,;])(?=[^ \t\r\n])")
_COMMENT = re.compile(rb"(?<![ \t\r\n])[ \t\r\n]*+\([^()]*+\)")
_BARE_PARAMETER = re.compile(rb'=([^\s";]++)')
_CHARSET = re.compile(rb'(?i)(\bcharset="?+)[\w.+:-]++')
_CHARSET_PARAMETER = re.compile(rb'(?i);\s*+charset="?+[\w.+:-]*+"?+')
_SUBJECT_TAG = re.compile(rb"\[[^\[\]\r\n]{1,64}\][ \t\r\n]*")
_WORD = re.compile(rb"[^ \t\r\n]++[ \t\r\n]++")

_INSIDE: tuple[_Transform, ...] = (
    ("the line ends inside {} are taken out", lambda value: _FOLD.sub(b"", value)),
    ("the blanks after the commas of {} are taken out", lambda value: _BLANKS_AFTER_COMMA.sub(rb"\1", value)),
    ("a blank stands after each comma of {}", lambda value: _BARE_COMMA.sub(rb"\1 ", value)),
    ("the comments of {} are taken out", lambda value: _COMMENT.sub(b"", value)),
    ("the quotation marks of {} are taken out", lambda value: value.replace(b'"', b"")),
    ("the encoded-words of {} are UTF-8 again", lambda value: _decoded(value)),
    ("the value of {} is in lower case", bytes.lower),
)
"""Changes that both canonicalizations see."""

_LAYOUT: tuple[_Transform, ...] = (
    ("{} stands on one line", lambda value: _FOLD_WITH_BLANKS.sub(b" ", value)),
    ("{} is folded with one blank", lambda value: _FOLD.sub(b"\r\n ", value)),
    ("{} is folded with one tab", lambda value: _FOLD.sub(b"\r\n\t", value)),
    ("the lines of {} end without blanks", lambda value: _BLANKS_AT_END.sub(b"", value)),
    ("one blank follows the colon of {}", lambda value: b" " + value.lstrip(b" \t")),
    ("no blank follows the colon of {}", lambda value: value.lstrip(b" \t")),
)
"""Changes that only the simple canonicalization sees (RFC 6376 §3.4.1)."""

_SPELLINGS = {b"message-id": b"Message-ID", b"mime-version": b"MIME-Version", b"content-id": b"Content-ID"}
_ENCODINGS = (b"7bit", b"8bit", b"quoted-printable", b"base64")
_CHARSETS = (b"utf-8", b"UTF-8", b"us-ascii", b"US-ASCII", b"iso-8859-1", b"ISO-8859-1")
_FORMER_AUTHORS = (b"x-original-from", b"original-from", b"x-google-original-from", b"reply-to")


class Change(NamedTuple):
    """One change undone, or several.

    `words` end the sentence "The header fits when"; `blocks` are canonical fields by name, from the top, that
    stand in place of the message's own; `own` is the canonical signature field, where that is another too.
    """

    words: str
    blocks: Mapping[bytes, list[bytes]]
    own: bytes | None = None


class SignedHeader:
    """The fields that one signature covers, in canonical form, so that they can be replaced one by one."""

    def __init__(self, message: Signable, own: Field, signature: Signature) -> None:
        self._relaxed = signature.header_canonicalization == "relaxed"
        self._message = message
        self._names = signature.names
        self._own_field = own
        self._own = own_octets(own, signature.listed, relaxed=self._relaxed)
        self._copied = signature.copied
        self._fields = {
            name: [field for field in message.fields(name) if field.start != own.start]
            for name in dict.fromkeys(signature.names)
        }
        self._blocks = {
            name: [self._canonical(_name(field), _value(field)) for field in fields]
            for name, fields in self._fields.items()
        }

    def octets(self, change: Change) -> bytes:
        """What would have been signed without the change (RFC 6376 §3.7)."""
        blocks = {**self._blocks, **change.blocks}
        taken = dict.fromkeys(blocks, 0)
        parts = []
        for name in self._names:
            taken[name] += 1
            if taken[name] <= len(blocks[name]):
                parts.append(blocks[name][-taken[name]])
        parts.append(self._own if change.own is None else change.own)
        return b"".join(parts)

    def find_change(self, fits: Callable[[bytes], bool], budget: Budget) -> str | None:
        """The words for the changes without which `fits` is true of the octets: one, two, or three likely
        ones, as a list makes them at once. None when there are none, or when the budget is spent.
        """
        seen = {sha256(self.octets(Change("", {}))).digest()}
        likely: list[Change] = []
        layout: list[Change] = []
        for known, changes in ((likely, self._iter_likely()), (layout, self._iter_layouts())):
            for change, octets in self._iter_new(changes, seen, budget):
                if fits(octets):
                    return change.words
                known.append(change)
        for several in chain(
            combinations(likely, 2), combinations(likely, 3), product(likely, layout), combinations(layout, 2)
        ):
            joined = _joined(several)
            octets = self.octets(joined) if joined is not None else b""
            if not budget.spend(self._cost(octets)):
                break
            if joined is not None and fits(octets):
                return joined.words
        return None

    @property
    def lacking(self) -> dict[str, int]:
        """How many more fields are to be signed than the message has, by name.

        A name that stands once more than its fields is left out when there are any: nothing more may be
        added, says its signer.
        """
        counts = Counter(self._names)
        return {
            name.decode("utf-8", "replace"): counts[name] - len(fields)
            for name, fields in self._fields.items()
            if name and counts[name] - len(fields) > bool(fields)
        }

    def _cost(self, octets: bytes) -> int:
        return len(octets) + _OCTETS_OF_A_TRY + _OCTETS_OF_A_NAME * len(self._names)

    def _iter_new(
        self, changes: Iterable[Change], seen: set[bytes], budget: Budget
    ) -> Iterator[tuple[Change, bytes]]:
        """Every change that gives octets not seen yet, with them."""
        for change in changes:
            octets = self.octets(change)
            if not budget.spend(self._cost(octets)):
                return
            digest = sha256(octets).digest()
            if digest not in seen:
                seen.add(digest)
                yield change, octets

    def _iter_likely(self) -> Iterator[Change]:
        """What lists and gateways do to a field as a whole."""
        yield from self._iter_copies()
        for name, fields in self._fields.items():
            for number, field in enumerate(islice(fields, _MANY)):
                for words, spelled, value in _iter_values(self._message, name, field):
                    yield self._replaced(words, name, number, self._canonical(spelled, value))
        for name, fields in self._fields.items():
            for number, field in enumerate(islice(fields, _MANY)):
                blocks = self._blocks[name][:number] + self._blocks[name][number + 1 :]
                yield Change(f"the field {field.name} at octet {field.start} is taken out", {name: blocks})

    def _iter_layouts(self) -> Iterator[Change]:
        """Other ways to write the same: for each field alone, then for all of them."""
        transforms = _INSIDE if self._relaxed else (*_LAYOUT, *_INSIDE)
        for words, transform in transforms:
            yield from self._iter_changed_once(words, transform)
        for words, transform in transforms:
            yield self._changed_everywhere(words, transform)

    def _iter_copies(self) -> Iterator[Change]:
        """What ``z=`` copied, field by field and at once, with and without a first blank (RFC 6376 §3.5)."""
        for blank in (b" ", b""):
            copied = {}
            for name, copy in self._copied.items():
                fields = self._fields.get(name, ())
                if name in self._fields and len(fields) <= 1:
                    spelled = _name(fields[0]) if fields else name.title()
                    copied[name] = [self._canonical(spelled, blank + copy.lstrip(b" "))]
                    yield Change(f"{_shown(spelled)} is as z= copied it", {name: copied[name]})
            yield Change("the fields are as z= copied them", copied)

    def _changed_everywhere(self, words: str, transform: Callable[[bytes], bytes]) -> Change:
        blocks = {
            name: [self._canonical(_name(field), transform(_value(field))) for field in fields]
            for name, fields in self._fields.items()
        }
        return Change(words.format("every field"), blocks, self._changed_own(transform))

    def _iter_changed_once(self, words: str, transform: Callable[[bytes], bytes]) -> Iterator[Change]:
        for name, fields in self._fields.items():
            for number, field in enumerate(islice(fields, _MANY)):
                block = self._canonical(_name(field), transform(_value(field)))
                yield self._replaced(words.format(field.name), name, number, block)
        yield Change(words.format(f"the {self._own_field.name} itself"), {}, self._changed_own(transform))

    def _changed_own(self, transform: Callable[[bytes], bytes]) -> bytes:
        octets = _name(self._own_field) + b":" + transform(_value(self._own_field))
        own = next(iter(header.parse(octets)))
        listed = tags.scan(own.raw)
        return own_octets(own, listed, relaxed=self._relaxed) if b"b" in listed else self._own

    def _replaced(self, words: str, name: bytes, number: int, block: bytes) -> Change:
        blocks = self._blocks[name]
        return Change(words, {name: [*blocks[:number], block, *blocks[number + 1 :]]})

    def _canonical(self, name: bytes, value: bytes) -> bytes:
        if self._relaxed:
            return relaxed_field(name.lower(), value) + b"\r\n"
        return simple_field(name + b":" + value)


def _joined(changes: Iterable[Change]) -> Change | None:
    """Several changes undone at once, None when two of them are about the same field."""
    words: list[str] = []
    blocks: dict[bytes, list[bytes]] = {}
    own = None
    for change in changes:
        if not blocks.keys().isdisjoint(change.blocks) or None not in (own, change.own):
            return None
        words.append(change.words)
        blocks |= change.blocks
        own = change.own if own is None else own
    return Change(", ".join(words[:-1]) + f" and {words[-1]}", blocks, own)


def _iter_values(message: Signable, name: bytes, field: Field) -> Iterator[tuple[str, bytes, bytes]]:
    """What one field may have been: words, its name as spelled, its value."""
    spelled, value = _name(field), _value(field)
    if name == b"subject":
        for words, text in _iter_subjects(value):
            yield words, spelled, text
    elif name == b"from":
        for source in _FORMER_AUTHORS:
            for former in message.fields(source)[:1]:
                yield f"From is what {former.name} says", spelled, _value(former)
    elif name == b"content-transfer-encoding":
        for encoding in _ENCODINGS:
            yield f"{field.name} is {encoding.decode()}", spelled, b" " + encoding
    elif name == b"content-type":
        yield f"the parameters of {field.name} are quoted", spelled, _BARE_PARAMETER.sub(rb'="\1"', value)
        for charset in _CHARSETS:
            text = _CHARSET.sub(lambda match, charset=charset: match[1] + charset, value)  # type: ignore[misc]
            yield f"{field.name} says charset={charset.decode()}", spelled, text
        yield f"{field.name} has no charset", spelled, _CHARSET_PARAMETER.sub(b"", value)
    for other in dict.fromkeys((_SPELLINGS.get(name, name.title()), name.title(), name)):
        yield f"the name {field.name} is written {other.decode()}", other, value


def _iter_subjects(value: bytes) -> Iterator[tuple[str, bytes]]:
    """A subject without its tags, and without its first words."""
    for match in islice(_SUBJECT_TAG.finditer(value), _MANY):
        text = value[: match.start()] + value[match.end() :]
        yield f"the tag {_shown(match[0].strip())} is taken out of the subject", text
    lead = len(value) - len(value.lstrip())
    for match in islice(_WORD.finditer(value, lead), _MANY):
        front = _shown(value[lead : match.end()].strip())
        yield f"{front!r} is taken off the front of the subject", value[:lead] + value[match.end() :]


def _name(field: Field) -> bytes:
    return field.buffer[field.start : field.colon]


def _value(field: Field) -> bytes:
    return field.buffer[field.colon + 1 : field.end]


def _decoded(value: bytes) -> bytes:
    if b"=?" not in value:
        return value
    lead = len(value) - len(value.lstrip())
    return value[:lead] + encoded.decode(value.strip()).encode("utf-8", "surrogateescape")


def _shown(octets: bytes) -> str:
    text = octets[:_SHOWN].decode("utf-8", "replace")
    return text + "..." if len(octets) > _SHOWN else text
