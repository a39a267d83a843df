"""A header field as a person reads it: dates and addresses laid out, encoded words decoded on demand."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from blaze.core.mail.header import Field

if TYPE_CHECKING:
    from blaze.core.mail.address import AddressList, Group, Mailbox
    from blaze.core.mail.date import Date

ADDRESS_FIELDS = frozenset(
    {b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc"}
    | {b"resent-from", b"resent-sender", b"resent-reply-to", b"resent-to", b"resent-cc", b"resent-bcc"}
)
"""Fields whose value is an address list (RFC 5322 §3.6.2, §3.6.3, §3.6.6), in lower case."""

DATE_FIELDS = frozenset({b"date", b"resent-date", b"delivery-date"})
"""Fields whose value is a date (RFC 5322 §3.6.1, §3.6.6; RFC 2156 for Delivery-Date), in lower case."""

MAX_VALUE = 1 << 20
"""Octets of a value that is laid out and decoded."""

# Faults of an address list for which a part of it is in none of the addresses.
_LOSSES = frozenset({"text-after-address", "too-many-addresses", "too-many-words"})

_ACRONYMS = {"arc": "ARC", "dkim": "DKIM", "id": "ID", "md5": "MD5", "mime": "MIME", "spf": "SPF"}


@lru_cache(maxsize=1024)
def canonical_name(name: str) -> str:
    """A field name as it is usually written.

    Every word between hyphens begins with a capital letter, acronyms are all capitals, and a word all in
    capitals is taken for shouting, except in X- fields.

    >>> canonical_name("SUBJECT"), canonical_name("message-id"), canonical_name("x-mimeOLE")
    ('Subject', 'Message-ID', 'X-MimeOLE')
    """
    private = name[:2] in {"X-", "x-"}
    words = []
    for word in name.split("-"):
        if word.isupper() and not private:
            word = word.lower()
        words.append(_ACRONYMS.get(word.lower()) or word[:1].upper() + word[1:])
    return "-".join(words)


def field_lines(field: Field, *, decode: bool) -> list[str]:
    """The value of `field` for a person, one line or more.

    A date becomes `2017-03-30 15:00:00 +02:00`; addresses stand one on a line, with commas between them;
    any other value is unfolded. What cannot be understood as a date or an address list is shown as it stands.
    With `decode` RFC 2047 encoded words become text. Octets that are no UTF-8 are surrogate escapes. A value
    that `is_long` is cut and ends with `...`; `iter_value` gives the whole of it.
    """
    if is_long(field):
        return [f"{next(iter_value(field), '')}..."]
    key = field.key
    if key in DATE_FIELDS:
        from blaze.core.mail import date

        if parsed := date.parse(field.unfolded):
            return [date_text(parsed)]
    elif key in ADDRESS_FIELDS:
        from blaze.core.mail import address

        listed = address.parse_list(field.unfolded)
        if _is_understood(listed):
            return _address_lines(listed.addresses, decode=decode)
    return [text_of(field, decode=decode)]


def _is_understood(listed: "AddressList") -> bool:
    """True when the addresses say all that the list does."""
    if not listed.addresses or any(defect.name in _LOSSES for defect in listed.defects):
        return False
    return all(member.mailbox.local_part for member in listed.iter_members())


def is_long(field: Field) -> bool:
    """True when the value has more than `MAX_VALUE` octets, folding included."""
    return field.end - field.colon > MAX_VALUE


def iter_value(field: Field) -> Iterator[str]:
    """The unfolded value in pieces, as it stands but for one blank after the colon.

    Memory does not grow with the value.
    """
    import codecs

    from blaze.core.mail.window import iter_chunks

    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    start = field.colon + 1
    rest = b""
    for chunk in iter_chunks(field.buffer, start + (field.buffer[start : start + 1] == b" "), field.end):
        octets = rest + chunk
        rest = b"\r" if octets.endswith(b"\r") else b""
        yield decoder.decode(octets.removesuffix(b"\r").replace(b"\r\n", b"").replace(b"\n", b""))
    yield decoder.decode(rest, final=True)


def text_of(field: Field, *, decode: bool) -> str:
    """The unfolded value of `field` as text, encoded words decoded when asked (RFC 2047 §6.2)."""
    value = field.unfolded
    if decode:
        from blaze.core.mail import encoded

        return _one_line(encoded.decode(value))
    return value.decode("utf-8", "surrogateescape")


def date_text(date: "Date") -> str:
    """`2017-03-30 15:00:00 +02:00`; a zone that is not known is `-00:00` (RFC 3339 §4.3)."""
    text = date.to_rfc3339()
    return f"{text[:10]} {text[11:19]} {text[19:]}"


def mailbox_text(mailbox: "Mailbox", *, decode: bool) -> str:
    """A mailbox for a person: `Name <addr-spec>`, or the addr-spec alone.

    The name is quoted where RFC 5322 §3.2.5 wants it; a comment stands in for a missing one (§3.4).
    """
    name = _one_line(mailbox.decoded_name or "") if decode else mailbox.name
    return str(mailbox._replace(display_name=name or None))


def _one_line(text: str) -> str:
    """Decoded text without the newlines that an encoded word can hold: a value is never two lines."""
    return " ".join(text.splitlines()) if not text.isprintable() else text


def _address_lines(addresses: "Iterable[Mailbox | Group]", *, decode: bool) -> list[str]:
    from blaze.core.mail.address import Group

    lines = []
    for address in addresses:
        if not isinstance(address, Group):
            lines.append(mailbox_text(address, decode=decode))
            continue
        members = [mailbox_text(member, decode=decode) for member in address.mailboxes] or [""]
        name = _one_line(address.decoded_name) if decode else address.name
        members[0] = f"{name}: {members[0]}".rstrip()
        members[-1] += ";"
        lines += members
    return [line + "," for line in lines[:-1]] + lines[-1:]
