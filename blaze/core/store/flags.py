"""Flags and labels as the formats spell them, and as one: the letters of a Maildir name, and keywords.

D draft, F flagged, P passed (forwarded), R replied, S seen, T trashed: the letters after `:2,` in a Maildir
name, in this order. A label is any text.
"""

import re
from functools import cache
from itertools import chain
from typing import NamedTuple

LETTERS = "DFPRST"

_MAX_LABELS = 1000  # per message; a field that lists more is not ours to store

_STATUS = {"R": "S"}
_X_STATUS = {"A": "R", "F": "F", "D": "T", "T": "D", "P": "P"}
_TO_X_STATUS = {"R": "A", "F": "F", "T": "D", "D": "T", "P": "P"}  # only the P is ours alone

# The bits of X-Mozilla-Status; those of X-Mozilla-Status2 are its upper half.
_MOZILLA = {0x0001: "S", 0x0002: "R", 0x0004: "F", 0x1000: "P", 0x0020_0000: "T"}
_MOZILLA_EXPUNGED = 0x0008

_GMAIL = {"starred": "F", "draft": "D", "drafts": "D", "trash": "T"}


class Marks(NamedTuple):
    """What a store knows of a message beside its octets: flag letters, sorted; labels; whether it is new."""

    flags: str = ""
    labels: tuple[str, ...] = ()
    is_new: bool = False


NO_MARKS = Marks()
NEW = Marks(is_new=True)


def normalize(letters: str) -> str:
    """The known letters among `letters`, once each, in order."""
    return "".join(letter for letter in LETTERS if letter in letters)


def from_header(header: bytes) -> Marks:
    """The marks that an mbox keeps in header fields.

    Status and X-Status as mutt, Dovecot and Python write them; X-Mozilla-Status and -Status2 of Thunderbird;
    X-Keywords of Dovecot, X-Gmail-Labels of Google Takeout. Fields of no known form are passed over. Where
    the header begins with fields of ours (`to_status`), Thunderbird's and Google's say no flags.
    """
    lower = header.lower()
    if not any(name in lower for name in (b"status", b"x-keywords", b"x-gmail-labels")):
        return NEW
    own = _block().match(header)
    ours, others = (header[: own.end()], header[own.end() :]) if own else (b"", header)
    letters = ""
    labels: dict[str, None] = {}
    is_new = True
    for match in chain(_fields().finditer(ours), _fields().finditer(others)):
        name, value = match[1].lower(), b" ".join(match[2].split())
        if name in (b"status", b"x-status"):
            if is_status(name, match[2]):
                letters += _status_letters(name, value)
                is_new = is_new and not (name == b"status" and set(value) & set(b"RO"))
        elif name == b"x-keywords":
            labels.update(dict.fromkeys(value.decode("utf-8", "surrogateescape").split()))
        elif name == b"x-gmail-labels":
            labels.update(dict.fromkeys(gmail := _gmail_labels(match[2])))
            if not own:
                letters += _gmail_letters(gmail)
                is_new = False
        elif not own:
            letters += (found := _mozilla_letters(name, value))
            is_new = is_new and "S" not in found
    return Marks(normalize(letters), tuple(labels)[:_MAX_LABELS], is_new)


def is_expunged(header: bytes) -> bool:
    """True when Thunderbird has deleted the message and only not yet compacted the file."""
    return not is_ours(header) and any(
        match[1].lower() == b"x-mozilla-status" and _mozilla_bits(match[2]) & _MOZILLA_EXPUNGED
        for match in _fields().finditer(header)
    )


def is_ours(header: bytes) -> bool:
    """True when a header begins with fields that `to_status` wrote."""
    return _block().match(header) is not None


def without_status(header: bytes) -> bytes:
    """The header as it was before an mbox held it: without Status and X-Status, and without fields of ours.

    A Status that no mail program wrote (`Status: resolved`) is the message's own and stays.
    """
    own = _block().match(header)
    if own:
        header = header[own.end() :]
        if own[1]:
            header = _hidden_lengths().sub(rb"\1", header)
    if b"tatus:" not in header and b"tatus:" not in header.lower():
        return header
    return _status_fields().sub(_without_known_status, header)


def to_status(header: bytes, marks: Marks, *, length: int | None = None) -> bytes:
    """`header` with the fields in front that say `marks` in an mbox, and the length of the body if given.

    They are Content-Length, X-Keywords, X-Status and Status, those needed. Status comes last and is there
    when anything is, or when the header's own fields would say other marks: so a reader of ours knows that
    the four are not the message's own. `header` has no Status of its own (`without_status`); a
    Content-Length of its own that is not `length` is given another name.
    """
    keywords = [label for label in marks.labels if is_keyword(label)]
    lower = header.lower()
    if keywords and b"x-keywords" in lower:
        stated = from_header(header).labels
        keywords = [word for word in keywords if word not in stated]
    x_status = "".join(_TO_X_STATUS[letter] for letter in "RFTDP" if letter in marks.flags)
    status = "RO" if "S" in marks.flags else "" if marks.is_new else "O"
    front = b""
    if length is not None and _content_lengths(lower) != [length]:
        header = _lengths().sub(rb"X-Original-\g<0>", header)
        front += b"Content-Length: %d\n" % length
    if keywords:
        front += b"X-Keywords: " + " ".join(keywords).encode("ascii") + b"\n"
    if x_status:
        front += b"X-Status: " + x_status.encode("ascii") + b"\n"
    if front or status or b"x-mozilla-status" in lower or b"x-gmail-labels" in lower:
        front += b"Status: " + status.encode("ascii") + b"\n"
    return front + header


def is_keyword(label: str) -> bool:
    """True when a label can be an IMAP keyword: an atom (RFC 3501 §9), so that X-Keywords can hold it."""
    return label.isascii() and label.isprintable() and not set(label) & set(' (){%*"\\]') and label != ""


@cache
def _fields() -> re.Pattern[bytes]:
    names = rb"Status|X-Status|X-Mozilla-Status2?|X-Keywords|X-Gmail-Labels"
    return re.compile(rb"(?mi:^(" + names + rb")[ \t]*):([^\n]*(?:\n[ \t][^\n]*)*)")


@cache
def _block() -> re.Pattern[bytes]:
    """The fields that `to_status` puts in front of a header."""
    fields = (
        rb"(Content-Length: [0-9]+\n)?(?:X-Keywords: [^\n]*\n)?(?:X-Status: [A-Z]*\n)?Status: (?:RO?|O)?\n"
    )
    return re.compile(fields)


@cache
def _status_fields() -> re.Pattern[bytes]:
    return re.compile(rb"(?mi:^((?:X-)?Status)[ \t]*):([^\n]*)(?:\n(?![ \t])|\Z)")


@cache
def _lengths() -> re.Pattern[bytes]:
    return re.compile(rb"(?mi)^(?:X-Original-)*Content-Length[ \t]*:")


@cache
def _hidden_lengths() -> re.Pattern[bytes]:
    return re.compile(rb"(?mi)^X-Original-((?:X-Original-)*Content-Length[ \t]*:)")


def _content_lengths(header: bytes) -> list[int]:
    """The values of the Content-Length fields of a header in lower case; -1 for one that is no number."""
    if b"content-length" not in header:
        return []
    fields = re.findall(rb"(?m)^content-length[ \t]*:[ \t]*([^\n]*)", header)
    return [int(value) if value.strip().isdigit() else -1 for value in fields]


def is_status(name: bytes, value: bytes) -> bool:
    """True for the value of a Status or X-Status field that a mail program wrote, not a message's own."""
    known = b"RONUD" if name.lower() == b"status" else b"AFDTPN"
    return b"\n" not in value and all(letter in known for letter in value.strip())


def _without_known_status(match: re.Match[bytes]) -> bytes:
    return b"" if is_status(match[1], match[2]) else match[0]


def _status_letters(name: bytes, value: bytes) -> str:
    table = _STATUS if name == b"status" else _X_STATUS
    return "".join(table.get(letter, "") for letter in value.decode("ascii"))


def _mozilla_bits(value: bytes) -> int:
    try:
        return int(value.strip(), 16)
    except ValueError:
        return 0


def _mozilla_letters(name: bytes, value: bytes) -> str:
    bits = _mozilla_bits(value)
    bits &= 0xFFFF_0000 if name.endswith(b"2") else 0xFFFF
    return "".join(letter for bit, letter in _MOZILLA.items() if bits & bit)


def _gmail_labels(value: bytes) -> list[str]:
    """The labels of X-Gmail-Labels: parted by commas, quoted where they hold one, encoded by RFC 2047."""
    from blaze.core.mail import encoded

    text = encoded.decode(b"".join(value.splitlines()).strip())
    parts = re.findall(r'\s*("(?:[^"\\]|\\.)*"|[^,]*)', text)
    labels = [re.sub(r"\\(.)", r"\1", part[1:-1]) if part.startswith('"') else part.strip() for part in parts]
    return [label for label in labels if label]


def _gmail_letters(labels: list[str]) -> str:
    names = {label.lower() for label in labels}
    seen = "" if "unread" in names else "S"
    return seen + "".join(letter for label, letter in _GMAIL.items() if label in names)
