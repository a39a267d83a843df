"""The grammar of SMTP: paths, parameters, extended text and replies, with the limits of RFC 5321 §4.5.3.1."""

import functools
import ipaddress
import re
from collections.abc import Mapping
from typing import NamedTuple

from blaze.core.errors import DataError

MAX_LOCAL_PART = 64  # octets, RFC 5321 §4.5.3.1.1
MAX_DOMAIN = 255  # octets, RFC 5321 §4.5.3.1.2
MAX_PATH = 256  # octets with the angle brackets, RFC 5321 §4.5.3.1.3
MAX_COMMAND_LINE = 512  # octets with CRLF, RFC 5321 §4.5.3.1.4
MAX_MAIL_LINE = MAX_COMMAND_LINE + 26 + 17 + 500 + 132 + 10 + 11  # SIZE 1870 §3, BODY 6152 §2, AUTH 4954 §3,
# RET and ENVID 3461 §4.3 and §4.4, SMTPUTF8 6531 §3.4, REQUIRETLS 8689 §2
MAX_RCPT_LINE = MAX_COMMAND_LINE + 500 + 30  # ORCPT and NOTIFY, RFC 3461 §4.1 and §4.2
MAX_AUTH_LINE = 12288  # octets with CRLF, RFC 4954 §4
MAX_REPLY_LINE = 2048  # octets with CRLF; 512 by RFC 5321 §4.5.3.1.5, and wordy servers get some room
MAX_REPLY_LINES = 256  # ours; the longest EHLO reply seen in the wild has some thirty
MIN_RECIPIENTS = 100  # a server takes at least so many, RFC 5321 §4.5.3.1.8
MAX_SIZE_DIGITS = 20  # RFC 1870 §3
MAX_SHOWN = 64  # characters of a keyword that are shown where it is no good; ours

# Each class names the ASCII it leaves out: everything beyond ASCII is allowed by RFC 6531 §3.3.
_ATOM = r'[^\x00-\x20"(),.:;<>@\[-\]\x7f]+'
_QUOTED = r'"(?:[^\x00-\x1f"\\\x7f]|\\[ -~])*"'
_LETTER = r"[^\x00-/:-@\[-`{-\x7f]"
_LABEL = rf"{_LETTER}(?:[^\x00-,./:-@\[-`{{-\x7f]*{_LETTER})?"
_MAILBOX = re.compile(
    rf"(?P<local>{_ATOM}(?:\.{_ATOM})*|{_QUOTED})@(?:(?P<domain>{_LABEL}(?:\.{_LABEL})*)|\[(?P<literal>[!-Z^-~]+)\])"
)
_SOURCE_ROUTE = re.compile(rf"@{_LABEL}(?:\.{_LABEL})*(?:,@{_LABEL}(?:\.{_LABEL})*)*:")
_KEYWORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_VALUE = re.compile(r"[^\x00-\x20=\x7f]+")
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*")
_REPLY_LINE = re.compile(r"([2-5][0-9][0-9])(?:([ -])(.*))?", re.DOTALL)
_ENHANCED = re.compile(r"([245])\.([0-9]{1,3})\.([0-9]{1,3})(?: |$)")


@functools.lru_cache(maxsize=1024)
def check_mailbox(address: str) -> None:
    """Check ``local-part@domain`` as it stands in a path (RFC 5321 §4.1.2, RFC 6531 §3.3), limits included.

    Raises:
        DataError: it is none.
    """
    match = _MAILBOX.fullmatch(address)
    if match is None:
        raise DataError("not a mailbox", where=repr(address))
    local_part, domain, literal = match.group("local", "domain", "literal")
    if len(address) + 2 > MAX_LOCAL_PART or not address.isascii():
        if _octets(local_part) > MAX_LOCAL_PART:
            raise DataError(f"local-part of more than {MAX_LOCAL_PART} octets", where=repr(address))
        if _octets(domain or literal) > MAX_DOMAIN:
            raise DataError(f"domain of more than {MAX_DOMAIN} octets", where=repr(address))
        if _octets(address) + 2 > MAX_PATH:
            raise DataError(f"path of more than {MAX_PATH} octets", where=repr(address))
    if literal and not is_address_literal(literal):
        raise DataError("not an address literal", where=repr(address))


def _octets(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))


def is_address_literal(text: str) -> bool:
    """Whether `text`, without its square brackets, is an IPv4, IPv6 or tagged literal (RFC 5321 §4.1.3)."""
    tag, colon, rest = text.partition(":")
    try:
        if not colon:
            ipaddress.IPv4Address(text)
        elif tag.lower() == "ipv6":
            ipaddress.IPv6Address(rest)
        else:
            return bool(rest) and _KEYWORD.fullmatch(tag) is not None
    except ValueError:
        return False
    return True


def check_domain(name: str) -> None:
    """Check the argument of EHLO: a domain or an address literal in brackets (RFC 5321 §4.1.1.1).

    Raises:
        DataError: it is neither.
    """
    literal = name.startswith("[") and name.endswith("]") and is_address_literal(name[1:-1])
    if not literal and (_octets(name) > MAX_DOMAIN or not _MAILBOX.fullmatch("a@" + name) or name[0] == "["):
        raise DataError("neither a domain nor an address literal", where=repr(name))


def without_source_route(path: str) -> str:
    """The mailbox of a path; ``@a,@b:`` before it is accepted and ignored (RFC 5321 §4.1.1.3, appendix C)."""
    if path.startswith("@") and (route := _SOURCE_ROUTE.match(path)):
        return path[route.end() :]
    return path


class Parameters(dict[str, str | None]):
    """The parameters of a MAIL or RCPT command: keywords in upper case, None where there is no ``=``."""

    def __str__(self) -> str:
        return "".join(
            f" {key}" if value is None else f" {key}={value}" for key, value in self.items()
        )  # the leading space separates them from the path

    @classmethod
    def parse(cls, text: str) -> "Parameters":
        """Read ``KEY=value KEY ...`` (RFC 5321 §4.1.2, esmtp-param).

        Raises:
            DataError: no such list, or a keyword twice.
        """
        parameters = cls()
        for item in filter(None, text.split(" ")):
            keyword, equals, value = item.partition("=")
            key = keyword.upper()
            if key in parameters:
                raise DataError("parameter given twice", where=_shown(key))
            parameters[key] = value if equals else None
        parameters.check()
        return parameters

    def check(self) -> None:
        """Check keywords and values as they would go on the wire; raises DataError."""
        for key, value in self.items():
            if not _KEYWORD.fullmatch(key) or (value is not None and not _VALUE.fullmatch(value)):
                raise DataError("malformed parameter", where=_shown(key))


def _shown(keyword: str) -> str:
    """A keyword, or what stands in its place, for a reply: ASCII, and short enough for its line."""
    return ascii(keyword[:MAX_SHOWN])


NO_PARAMETERS: Mapping[str, str | None] = Parameters()


def encode_xtext(text: str) -> str:
    """Text as xtext (RFC 3461 §4): ``+``, ``=`` and all but visible ASCII as ``+XX`` of its UTF-8 octets."""
    return "".join(
        chr(octet) if 33 <= octet <= 126 and octet not in b"+=" else f"+{octet:02X}"
        for octet in text.encode()
    )


def decode_xtext(text: str) -> str:
    """Undo `encode_xtext`; octets that are not UTF-8 come back as surrogate escapes.

    Raises:
        DataError: it is no xtext.
    """
    if not _XTEXT.fullmatch(text):
        raise DataError("malformed xtext", where=repr(text))
    first, *escaped = text.split("+")
    octets = first.encode() + b"".join(bytes.fromhex(part[:2]) + part[2:].encode() for part in escaped)
    return octets.decode("utf-8", "surrogateescape")


class Reply(NamedTuple):
    """A server's answer (RFC 5321 §4.2).

    `text` holds the lines joined by newlines, without codes; `enhanced` is the code of RFC 3463
    that begins each of them (RFC 2034 §4), or None.
    """

    code: int
    text: str = ""
    enhanced: str | None = None

    @property
    def positive(self) -> bool:
        """2yz or 3yz."""
        return self.code < 400

    @property
    def permanent(self) -> bool:
        """5yz."""
        return self.code >= 500

    @property
    def lines(self) -> list[str]:
        """The text, line by line."""
        return self.text.split("\n")

    def to_bytes(self) -> bytes:
        """The reply as it goes on the wire.

        Raises:
            DataError: the text holds CR or NUL, or a line is over the limit.
        """
        return _reply_octets(self)

    def __str__(self) -> str:
        return f"{self.code} {self.enhanced} {self.text}" if self.enhanced else f"{self.code} {self.text}"

    @classmethod
    def parse(cls, lines: list[bytes]) -> "Reply":
        """Read the lines of one reply, CRLF taken off; undecodable octets stay as surrogate escapes.

        Raises:
            DataError: a line is no reply line, or the codes differ (RFC 5321 §4.2.1).
        """
        if len(lines) == 1:
            return _read_line(lines[0])
        return cls._read(lines)

    @classmethod
    def _read(cls, lines: list[bytes]) -> "Reply":
        code = ""
        texts = []
        for number, octets in enumerate(lines, 1):
            line = octets.decode("utf-8", "surrogateescape")
            match = _REPLY_LINE.fullmatch(line)
            if match is None or (code and match[1] != code) or (match[2] == "-") != (number < len(lines)):
                raise DataError("malformed reply", where=repr(line[:80]))
            code = match[1]
            texts.append(match[3] or "")
        enhanced = _enhanced_code(code, texts[0])
        if enhanced:
            texts = [text.removeprefix(enhanced).lstrip(" ") for text in texts]
        return cls(int(code), "\n".join(texts), enhanced)


def _enhanced_code(code: str, text: str) -> str | None:
    match = _ENHANCED.match(text)
    return match[0].rstrip(" ") if match and match[1] == code[0] else None


@functools.lru_cache(maxsize=256)
def _reply_octets(reply: Reply) -> bytes:
    if "\r" in reply.text or "\0" in reply.text:
        raise DataError("CR or NUL in a reply", where=repr(reply.text))
    prefix = f"{reply.enhanced} " if reply.enhanced else ""
    lines = [(prefix + line).encode("utf-8", "surrogateescape") for line in reply.lines]
    if max(map(len, lines)) + 6 > MAX_REPLY_LINE:
        raise DataError("reply line over the limit", where=f"{MAX_REPLY_LINE} octets")
    code = b"%d" % reply.code
    octets = [code + b"-" + line + b"\r\n" for line in lines]
    octets[-1] = code + b" " + lines[-1] + b"\r\n"
    return b"".join(octets)


@functools.lru_cache(maxsize=256)
def _read_line(line: bytes) -> Reply:
    return Reply._read([line])
