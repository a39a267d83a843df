"""Flags and labels as the formats spell them, and as one: the letters of a Maildir name, and keywords.

D draft, F flagged, P passed (forwarded), R replied, S seen, T trashed: the letters after `:2,` in a Maildir
name, in this order. A label is any text.
"""

import re
from functools import cache
from typing import NamedTuple

LETTERS = "DFPRST"

FORWARDED = "$Forwarded"
"""The IMAP keyword that stands for the flag P in formats without it (RFC 5788 §3)."""

_MAX_LABELS = 1000  # per message; a field that lists more is not ours to store

_STATUS = {"R": "S"}
_X_STATUS = {"A": "R", "F": "F", "D": "T", "T": "D", "P": "P"}
_TO_X_STATUS = {"R": "A", "F": "F", "T": "D", "D": "T"}

# The bits of X-Mozilla-Status; those of X-Mozilla-Status2 are its upper half.
_MOZILLA = {0x0001: "S", 0x0002: "R", 0x0004: "F", 0x1000: "P", 0x0020_0000: "T"}
_MOZILLA_EXPUNGED = 0x0008

_GMAIL = {"starred": "F", "draft": "D", "drafts": "D", "trash": "T"}


class Marks(NamedTuple):
    """What a store knows of a message beside its octets: flag letters, sorted; labels; whether it is new."""

    flags: str = ""
    labels: tuple[str, ...] = ()
    is_new: bool = False


def normalize(letters: str) -> str:
    """The known letters among `letters`, once each, in order."""
    return "".join(letter for letter in LETTERS if letter in letters)


def from_header(header: bytes) -> Marks:
    """The marks that an mbox keeps in header fields.

    Status and X-Status as mutt, Dovecot and Python write them; X-Mozilla-Status and -Status2 of Thunderbird;
    X-Keywords of Dovecot, X-Gmail-Labels of Google Takeout. Fields of no known form are passed over.
    """
    letters = ""
    labels: dict[str, None] = {}
    is_new = True
    for match in _fields().finditer(header):
        name, value = match[1].lower(), b" ".join(match[2].split())
        if name in (b"status", b"x-status"):
            known = _status_letters(name, value)
            letters += known[0]
            is_new = is_new and not known[1]
        elif name.startswith(b"x-mozilla-status"):
            found = _mozilla_letters(name, value)
            letters += found
            is_new = is_new and "S" not in found
        elif name == b"x-keywords":
            labels.update(dict.fromkeys(_text(value).split()))
        else:
            gmail = _gmail_labels(match[2])
            labels.update(dict.fromkeys(gmail))
            letters += _gmail_letters(gmail)
            is_new = False
    if FORWARDED in labels:
        letters += "P"
        del labels[FORWARDED]
    return Marks(normalize(letters), tuple(labels)[:_MAX_LABELS], is_new)


def is_expunged(header: bytes) -> bool:
    """True when Thunderbird has deleted the message and only not yet compacted the file."""
    return any(
        match[1].lower() == b"x-mozilla-status" and _mozilla_bits(match[2]) & _MOZILLA_EXPUNGED
        for match in _fields().finditer(header)
    )


def to_status(marks: Marks) -> list[bytes]:
    """The fields, with newline, that say `marks` in an mbox: X-Keywords, X-Status, Status, those needed.

    Status comes last and is there when anything is, so that a reader of ours knows the three as not the
    message's own.
    """
    keywords = [label for label in marks.labels if is_keyword(label)]
    if "P" in marks.flags:
        keywords.append(FORWARDED)
    x_status = "".join(_TO_X_STATUS[letter] for letter in "RFTD" if letter in marks.flags)
    status = "RO" if "S" in marks.flags else "" if marks.is_new else "O"
    fields = []
    if keywords:
        fields.append(b"X-Keywords: " + " ".join(keywords).encode("ascii") + b"\n")
    if x_status:
        fields.append(b"X-Status: " + x_status.encode("ascii") + b"\n")
    if fields or status:
        fields.append(b"Status: " + status.encode("ascii") + b"\n")
    return fields


def is_keyword(label: str) -> bool:
    """True when a label can be an IMAP keyword: an atom (RFC 3501 §9), so that X-Keywords can hold it."""
    return label.isascii() and label.isprintable() and not set(label) & set(' (){%*"\\]') and label != ""


@cache
def _fields() -> re.Pattern[bytes]:
    names = rb"Status|X-Status|X-Mozilla-Status2?|X-Keywords|X-Gmail-Labels"
    return re.compile(rb"(?mi:^(" + names + rb")[ \t]*):([^\n]*(?:\n[ \t][^\n]*)*)")


def is_status(name: bytes, value: bytes) -> bool:
    """True for the value of a Status or X-Status field that a mail program wrote, not a message's own."""
    known = b"RONUD" if name.lower() == b"status" else b"AFDTPN"
    return all(letter in known for letter in value.strip())


def _status_letters(name: bytes, value: bytes) -> tuple[str, bool]:
    """The flags of a Status or X-Status field, and whether it says that the message was seen in a list."""
    if not is_status(name, value):
        return "", False
    table = _STATUS if name == b"status" else _X_STATUS
    letters = value.decode("ascii")
    return "".join(table.get(letter, "") for letter in letters), name == b"status" and bool(
        set(letters) & {*"RO"}
    )


def _mozilla_bits(value: bytes) -> int:
    try:
        return int(value.strip(), 16)
    except ValueError:
        return 0


def _mozilla_letters(name: bytes, value: bytes) -> str:
    bits = _mozilla_bits(value)
    bits &= 0xFFFF_0000 if name.endswith(b"2") else 0xFFFF
    return "".join(letter for bit, letter in _MOZILLA.items() if bits & bit)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


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
