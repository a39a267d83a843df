"""The header of a new message, from what a person says of it (RFC 5322 §3.6)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from blaze.core.errors import DataError
from blaze.core.mail import address, build, compose, header
from blaze.core.mail.address import Mailbox
from blaze.core.mail.build import LF, Style


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """Values as they are typed: address lists as text, identifiers with or without their angle brackets.

    `fields` are further fields, each `Name: value`.
    """

    date: datetime | None = None
    from_: Sequence[str] = ()
    reply_to: Sequence[str] = ()
    to: Sequence[str] = ()
    cc: Sequence[str] = ()
    bcc: Sequence[str] = ()
    message_id: str | None = None
    in_reply_to: Sequence[str] = ()
    references: Sequence[str] = ()
    subject: str | None = None
    fields: Sequence[str] = ()


class Stamp(NamedTuple):
    """What is filled in where the heading does not say it: the Date, and a Message-ID made from `seed`.

    None leaves the field out.
    """

    now: datetime | None = None
    seed: bytes | None = None


def header_fields(heading: Heading, stamp: Stamp, style: Style = LF) -> list[bytes]:
    """The fields, in the usual order; Sender is the first mailbox of From where there are two or more.

    A field among `heading.fields` stands in place of one that would be filled in. The Message-ID follows from
    the seed and all other fields but Date; its domain is that of the first From address, or `localhost`.

    Raises:
        DataError: a value is not what its field takes, or a field that stands once is given twice.
    """
    given = _given(heading, style)
    _refuse_doubles(given)
    keys = build.keys(given)
    authors = _authors(given)
    filled = []
    if stamp.now is not None and b"date" not in keys:
        filled.append(build.date_time("Date", stamp.now, style))
    if len(authors) > 1 and b"sender" not in keys:
        filled.append(build.addresses("Sender", authors[:1], style))
    if stamp.seed is not None and b"message-id" not in keys:
        left = compose.token(compose.seed_of_message(stamp.seed, given), b"message-id")
        identifier = f"{left}@{domain(given)}"
        filled.append(build.message_ids("Message-ID", [identifier], style))
    return sorted(given + filled, key=_rank)


def domain(fields: Sequence[bytes]) -> str:
    """The domain for identifiers in a message: that of its first From address, or `localhost`."""
    authors = _authors(fields)
    return address.to_ascii_domain(authors[0].domain) if authors else "localhost"


def _given(heading: Heading, style: Style) -> list[bytes]:
    fields = []
    if heading.date is not None:
        fields.append(build.date_time("Date", heading.date, style))
    for name, values in (
        ("From", heading.from_),
        ("Reply-To", heading.reply_to),
        ("To", heading.to),
        ("Cc", heading.cc),
        ("Bcc", heading.bcc),
    ):
        if values:
            addresses = [each for text in values for each in build.parse_addresses(name, text)]
            fields.append(build.addresses(name, addresses, style))
    if heading.message_id is not None:
        fields.append(build.field("Message-ID", heading.message_id, style))
    if heading.in_reply_to:
        fields.append(build.field("In-Reply-To", " ".join(heading.in_reply_to), style))
    if heading.references:
        fields.append(build.field("References", " ".join(heading.references), style))
    if heading.subject is not None:
        fields.append(build.unstructured("Subject", heading.subject, style))
    return fields + [build.parse_field(text, style) for text in heading.fields]


def _authors(fields: Sequence[bytes]) -> list[Mailbox]:
    found = header.parse(b"".join(fields)).get(b"from")
    return address.parse_list(found.unfolded).mailboxes if found else []


def _refuse_doubles(fields: Sequence[bytes]) -> None:
    counts = Counter(octets.partition(b":")[0].lower() for octets in fields)
    for octets in fields:
        name = octets.partition(b":")[0]
        if counts[name.lower()] > 1 and name.lower() in build.UNIQUE_FIELDS:
            raise DataError(f"{name.decode('ascii')} is given more than once")


_ORDER = (
    *(b"date", b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc"),
    *(b"message-id", b"in-reply-to", b"references", b"subject"),
)


def _rank(octets: bytes) -> int:
    name = octets.partition(b":")[0].lower()
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)
