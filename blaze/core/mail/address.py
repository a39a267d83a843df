"""Addresses: mailboxes, groups and the lists of them (RFC 5322 §3.4 and §4.4, RFC 6854, RFC 6532).

A real field is nearly always a few plain mailboxes, which one pattern reads here; `address_parser` has the
whole grammar.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple, TypeAlias

from blaze.core.errors import DataError
from blaze.core.mail.header import Defect
from blaze.core.mail.lexer import ATEXT, is_atom, is_dot_atom, quote, text_of
from blaze.core.mail.regex import possessive

MAX_LOCAL_PART = 64  # octets, RFC 5321 §4.5.3.1.1
MAX_DOMAIN = 255  # octets, RFC 5321 §4.5.3.1.2

_PHRASE = ATEXT.replace(".", "")  # atext and the full stop of obs-phrase
# `a@b`, `Name <a@b>` and `"Name" <a@b>` with their delimiter: nearly all that real fields hold.
COMMON_MAILBOX = possessive(
    rf"""[ \t\r\n]*+(?:
        (?: "([^"\\\r\n]*+)"[ \t\r\n]*+ | ({_PHRASE}++(?:[ ]{_PHRASE}++)*+)[ \t\r\n]++ )?
        <({ATEXT}++(?:\.{ATEXT}++)*+)@({ATEXT}++(?:\.{ATEXT}++)*+)>
      | ({ATEXT}++(?:\.{ATEXT}++)*+)@({ATEXT}++(?:\.{ATEXT}++)*+)
    )[ \t\r\n]*+(,|\Z)""",
    re.VERBOSE,
)


class Mailbox(NamedTuple):
    """One mailbox.

    `display_name` is the name as written: unquoted, white space between words as one space, encoded-words as
    they stand; None where there is none. `local_part` is unquoted. `domain` is as written, without comments
    and white space; a domain-literal keeps its brackets. `comment` is the text of the comments in the
    address, which older software writes in place of a display name (RFC 5322 §3.4).

    A local-part alone has an empty `domain`. The empty address ``<>`` and text that is no address have both
    empty, with the text as `display_name`.
    """

    display_name: str | None
    local_part: str
    domain: str
    comment: str | None = None

    @property
    def addr_spec(self) -> str:
        """The address alone, its local-part quoted where it must be; empty when there is none."""
        local, domain = self.local_part, self.domain
        if not domain:
            return _quoted_local_part(local) if local else ""
        return f"{_quoted_local_part(local)}@{domain}"

    @property
    def name(self) -> str | None:
        """The display name, or else the comment, as written."""
        return self.display_name if self.display_name is not None else self.comment

    @property
    def decoded_name(self) -> str | None:
        """`name` with its encoded-words decoded (RFC 2047 §5)."""
        name = self.name
        if name is None or (name.isascii() and "=?" not in name):
            return name
        from blaze.core.mail.encoded import decode_phrase

        return decode_phrase(name.encode("utf-8", "surrogateescape"))

    def __str__(self) -> str:
        """The mailbox as RFC 5322 §3.4 writes it, the name quoted where it must be, without its comment."""
        if self.display_name is None:
            return self.addr_spec or "<>"
        if not self.local_part and not self.domain:
            return _phrase(self.display_name)
        return f"{_phrase(self.display_name)} <{self.addr_spec}>"

    def to_bytes(self) -> bytes:
        """The mailbox as it stands in a field, in UTF-8 (RFC 6532) where it is not ASCII, not folded.

        Raises DataError for a control character: it would end the field, or be no address.
        """
        return _checked(str(self))


class Group(NamedTuple):
    """A named group of mailboxes, which may be empty (RFC 5322 §3.4). `name` is as written, unquoted."""

    name: str
    mailboxes: tuple[Mailbox, ...]

    @property
    def decoded_name(self) -> str:
        """`name` with its encoded-words decoded (RFC 2047 §5)."""
        return Mailbox(self.name, "", "").decoded_name or ""

    def __str__(self) -> str:
        members = ", ".join(map(str, self.mailboxes))
        return f"{_phrase(self.name)}: {members};" if members else f"{_phrase(self.name)}:;"

    def to_bytes(self) -> bytes:
        """The group as it stands in a field; see `Mailbox.to_bytes`."""
        return _checked(str(self))


Address: TypeAlias = Mailbox | Group


class Member(NamedTuple):
    """A mailbox of a list, and the name of the group it stands in, None outside."""

    mailbox: Mailbox
    group: str | None


class AddressList(NamedTuple):
    """What an address field holds: its addresses in order, and the faults met on the way.

    Each kind of fault is listed once, with the octet offset in the value where it was first noticed.
    """

    addresses: tuple[Address, ...]
    defects: tuple[Defect, ...]

    def iter_members(self) -> Iterator[Member]:
        """Every mailbox in order, those of groups with their group's name; also what is no full address."""
        for address in self.addresses:
            if isinstance(address, Group):
                for mailbox in address.mailboxes:
                    yield Member(mailbox, address.name)
            else:
                yield Member(address, None)

    @property
    def mailboxes(self) -> list[Mailbox]:
        """The mailboxes that have a local-part and a domain, those of groups among them, in order."""
        return [member.mailbox for member in self.iter_members() if member.mailbox.domain]

    def __str__(self) -> str:
        return ", ".join(map(str, self.addresses))

    def to_bytes(self) -> bytes:
        """The list as it stands in a field, not folded; see `Mailbox.to_bytes`."""
        return _checked(str(self))


def parse_list(value: bytes) -> AddressList:
    """Read the value of an address field: address-list, mailbox-list or mailbox (RFC 5322 §3.4, §4.4).

    `value` may still be folded. Never raises; takes linear time. These are the defects:

    - syntax that only §4 allows: `obsolete-route`, `obsolete-local-part`, `obsolete-domain`, `null-element`;
    - an address that was recovered: `address-in-display-name`, `missing-angle-bracket` (a name before a bare
      address, or no closing bracket), `dot-in-local-part`, `dot-in-domain`, `space-in-local-part`,
      `missing-comma`, `semicolon-separator`, `text-after-address`, `missing-domain`, `empty-address`;
    - a group: `nested-group`, `unclosed-group`;
    - text that is no address: `invalid-address`; and `stray-character`, `special-in-encoded-word`,
      `unclosed-comment`, `unclosed-quote`, `unclosed-literal`, `not-utf-8`;
    - more than is kept: `too-many-addresses` (100,000 of a field), `too-many-words` (10,000 of an address).
    """
    text = text_of(value)
    match = COMMON_MAILBOX.match(text) if value.isascii() else None
    if match is not None and match.end() == len(text) and not match[7]:  # one mailbox, the usual case
        return AddressList((common_mailbox(match),), ())
    from blaze.core.mail.address_parser import AddressParser

    parser = AddressParser(text)
    parser.run()
    found = parser.lexer.defects
    if not value.isascii():
        found = _octet_offsets(text, found)
    return AddressList(tuple(parser.addresses), tuple(Defect(*item) for item in found.items()))


def parse_mailbox(text: str) -> Mailbox:
    """Read one mailbox with a domain, strictly: for options and envelopes (RFC 5322 §3.4).

    Comments and a display name with full stops are taken; nothing else that `parse_list` would list as a
    defect is. The local-part has at most 64 octets, the domain 255 (RFC 5321 §4.5.3.1), and a domain-literal
    is one of RFC 5321 §4.1.3. Raises DataError, also for control characters.
    """
    if _control_pattern().search(text):
        raise DataError("a control character in an address", where=repr(text))
    try:
        value = text.encode()
    except UnicodeEncodeError:
        raise DataError("an address that is no UTF-8", where=repr(text)) from None
    addresses, defects = parse_list(value)
    if defects:
        reason = defects[0].name.replace("-", " ")
        hint = "Write it as name@domain or Name <name@domain>."
        raise DataError(f"not an address ({reason})", where=repr(text), hint=hint)
    if len(addresses) != 1 or isinstance(addresses[0], Group):
        raise DataError("one address is needed", where=repr(text))
    mailbox = addresses[0]
    if len(mailbox.local_part.encode()) > MAX_LOCAL_PART or len(mailbox.domain.encode()) > MAX_DOMAIN:
        raise DataError("a local-part over 64 octets or a domain over 255", where=repr(text))
    if mailbox.domain.startswith("["):
        parse_literal(mailbox.domain)
    return mailbox


def common_mailbox(match: re.Match[str]) -> Mailbox:
    """The mailbox that `COMMON_MAILBOX` matched."""
    quoted, phrase, local, domain, bare_local, bare_domain, _ = match.groups()
    if local is None:
        return Mailbox(None, bare_local, bare_domain)
    return Mailbox(phrase if quoted is None else quoted, local, domain)


class AddressLiteral(NamedTuple):
    """A domain-literal (RFC 5321 §4.1.3): the tag (`IPv4`, `IPv6`, or another) and the address or text."""

    tag: str
    content: str


def parse_literal(domain: str) -> AddressLiteral:
    """Read a domain-literal: ``[192.0.2.1]``, ``[IPv6:2001:db8::1]`` or ``[tag:content]`` (RFC 5321 §4.1.3).

    Addresses come back in their canonical form (RFC 5952). Raises DataError when `domain` is none of these.
    """
    import ipaddress

    content = domain[1:-1] if domain.startswith("[") and domain.endswith("]") else ""
    tag, colon, rest = content.partition(":")
    try:
        if not colon:
            return AddressLiteral("IPv4", str(ipaddress.IPv4Address(content)))
        if tag.lower() == "ipv6":
            return AddressLiteral("IPv6", str(ipaddress.IPv6Address(rest)))
    except ValueError:
        raise DataError("not an IP address", where=repr(domain)) from None
    if not rest or not re.fullmatch(r"[A-Za-z0-9-]*[A-Za-z0-9]", tag):
        raise DataError("not an address literal", where=repr(domain))
    return AddressLiteral(tag, rest)


def to_ascii_domain(domain: str) -> str:
    """`domain` with its Unicode labels as A-labels (IDNA2008 with the mapping of UTS 46; RFC 5891 §4).

    An ASCII domain and a domain-literal come back unchanged. Raises DataError for a name IDNA does not allow.
    """
    if domain.isascii():
        return domain
    import idna

    try:
        mapped = idna.uts46_remap(domain, std3_rules=False, transitional=False)
        labels = [
            label if label.isascii() else idna.alabel(label).decode("ascii") for label in mapped.split(".")
        ]
    except (idna.IDNAError, UnicodeError) as error:
        raise DataError(f"not an internationalized domain name ({error})", where=repr(domain)) from None
    if not all(map(is_atom, labels)):  # empty, or the mapping has brought out specials
        raise DataError("not an internationalized domain name", where=repr(domain))
    return ".".join(labels)


def to_unicode_domain(domain: str) -> str:
    """`domain` with its A-labels as Unicode, for people to read; a label that is no good A-label stays as it
    is.
    """
    if "xn--" not in domain.lower():
        return domain
    import idna

    labels = domain.split(".")
    for index, label in enumerate(labels):
        if label[:4].lower() == "xn--":
            try:
                labels[index] = idna.ulabel(label)
            except (idna.IDNAError, UnicodeError):
                continue
    return ".".join(labels)


@cache
def encoded_word_pattern() -> re.Pattern[str]:
    """An encoded-word (RFC 2047 §2), also with specials in its text that are not allowed in a phrase (§5)."""
    return re.compile(r'=\?[^\x00-\x20?()<>@,;:"/\[\]=]++\?[bBqQ]\?[^\x00-\x20?<>]*+\?=')


@cache
def _control_pattern() -> re.Pattern[str]:
    return re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def _quoted_local_part(local: str) -> str:
    return local if is_dot_atom(local) else quote(local)


def _phrase(name: str) -> str:
    """`name` as a phrase (RFC 5322 §3.2.5): its atoms as they are, or all of it quoted.

    Encoded-words must stay outside quotes (RFC 2047 §5), so a name that has one is quoted word by word.
    """
    words = name.split(" ")
    if all(map(is_atom, words)):
        return name
    if not any(map(encoded_word_pattern().fullmatch, words)) or "" in words:
        return quote(name)
    return " ".join(word if is_atom(word) else quote(word) for word in words)


def _checked(text: str) -> bytes:
    if _control_pattern().search(text):
        raise DataError("a control character in an address", where=repr(text))
    return text.encode("utf-8", "surrogateescape")


def _octet_offsets(text: str, defects: dict[str, int]) -> dict[str, int]:
    """Offsets in characters as offsets in octets; a first octet that is no UTF-8 is added as `not-utf-8`."""
    surrogate = re.search("[\udc80-\udcff]", text)
    if surrogate:
        defects = {**defects, "not-utf-8": surrogate.start()}
    return {name: len(text[:offset].encode("utf-8", "surrogateescape")) for name, offset in defects.items()}
