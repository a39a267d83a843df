"""The commands of POP3 as values; `to_bytes()` gives the line.

It refuses with `DataError` what no command line may hold: CR, LF, NUL, other controls, too many octets.
"""

import re
from hashlib import md5
from typing import NamedTuple

from blaze.core.errors import DataError
from blaze.core.sasl.lines import auth_line, response_line

MAX_COMMAND_LINE = 255  # octets with CRLF, RFC 2449 §4
MAX_AUTH_LINE = 65536  # octets with CRLF of a response inside AUTH: tickets and tokens, RFC 5034 §4
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


class User(NamedTuple):
    """The name of the mailbox (RFC 1939 §7)."""

    name: str

    def to_bytes(self) -> bytes:
        """The line, its CRLF included."""
        return _line(f"USER {_required(self.name, 'user name')}")


class Pass(NamedTuple):
    """The password, spaces and all (RFC 1939 §7)."""

    password: str

    def __repr__(self) -> str:
        return "Pass()"

    def to_bytes(self) -> bytes:
        """The line, its CRLF included."""
        return _line(f"PASS {self.password}")


class Apop(NamedTuple):
    """A log-in by a digest of the greeting's timestamp and the password (RFC 1939 §7)."""

    name: str
    digest: str

    @classmethod
    def of_password(cls, name: str, timestamp: str, password: str) -> "Apop":
        """The command for the timestamp that the server greeted with, angle brackets included."""
        return cls(name, md5((timestamp + password).encode(), usedforsecurity=False).hexdigest())

    def to_bytes(self) -> bytes:
        """The line, its CRLF included."""
        if " " in self.name:
            raise DataError("APOP takes no user name with a space", where=repr(self.name))
        return _line(f"APOP {_required(self.name, 'user name')} {self.digest}")


class Auth(NamedTuple):
    """A SASL log-in begins (RFC 5034). `initial` is the initial response, decoded, or None."""

    mechanism: str
    initial: bytes | None = None

    def __repr__(self) -> str:
        return f"Auth(mechanism={self.mechanism!r})"

    def to_bytes(self) -> bytes:
        """The line, its CRLF included."""
        return auth_line(self.mechanism, self.initial, MAX_AUTH_LINE)


class AuthResponse(NamedTuple):
    """The client's answer to a challenge; None gives up the log-in."""

    data: bytes | None

    def __repr__(self) -> str:
        return "AuthResponse()"

    def to_bytes(self) -> bytes:
        """The line, its CRLF included."""
        return response_line(self.data, MAX_AUTH_LINE)


class Capa(NamedTuple):
    """A question for what the server can do (RFC 2449 §5)."""

    def to_bytes(self) -> bytes:
        """The line, its CRLF included."""
        return b"CAPA\r\n"


class Stls(NamedTuple):
    """TLS, please (RFC 2595 §4)."""

    def to_bytes(self) -> bytes:
        """The line, its CRLF included."""
        return b"STLS\r\n"


class Utf8(NamedTuple):
    """Messages as they are in UTF-8, not downgraded (RFC 6856 §2)."""

    def to_bytes(self) -> bytes:
        """The line, its CRLF included."""
        return b"UTF8\r\n"


class Stat(NamedTuple):
    """How many messages there are, and their octets (RFC 1939 §5)."""

    def to_bytes(self) -> bytes:
        """The line, its CRLF included."""
        return b"STAT\r\n"


class List(NamedTuple):
    """The sizes of all messages (RFC 1939 §5)."""

    def to_bytes(self) -> bytes:
        """The line, its CRLF included."""
        return b"LIST\r\n"


class Uidl(NamedTuple):
    """The unique-ids of all messages (RFC 1939 §7)."""

    def to_bytes(self) -> bytes:
        """The line, its CRLF included."""
        return b"UIDL\r\n"


class Retr(NamedTuple):
    """A message (RFC 1939 §5)."""

    number: int

    def to_bytes(self) -> bytes:
        """The line, its CRLF included."""
        return b"RETR %d\r\n" % _positive(self.number)


class Top(NamedTuple):
    """The header of a message, and so many lines of its body (RFC 1939 §7)."""

    number: int
    lines: int = 0

    def to_bytes(self) -> bytes:
        """The line, its CRLF included."""
        if self.lines < 0:
            raise DataError("not a number of lines", where=str(self.lines))
        return b"TOP %d %d\r\n" % (_positive(self.number), self.lines)


class Dele(NamedTuple):
    """Delete a message when the session ends by QUIT (RFC 1939 §5)."""

    number: int

    def to_bytes(self) -> bytes:
        """The line, its CRLF included."""
        return b"DELE %d\r\n" % _positive(self.number)


class Noop(NamedTuple):
    """Nothing."""

    def to_bytes(self) -> bytes:
        """The line, its CRLF included."""
        return b"NOOP\r\n"


class Rset(NamedTuple):
    """Take back all deletions (RFC 1939 §5)."""

    def to_bytes(self) -> bytes:
        """The line, its CRLF included."""
        return b"RSET\r\n"


class Quit(NamedTuple):
    """The end; what was deleted goes now (RFC 1939 §6)."""

    def to_bytes(self) -> bytes:
        """The line, its CRLF included."""
        return b"QUIT\r\n"


Command = (
    User
    | Pass
    | Apop
    | Auth
    | Capa
    | Stls
    | Utf8
    | Stat
    | List
    | Uidl
    | Retr
    | Top
    | Dele
    | Noop
    | Rset
    | Quit
)


def verb(command: Command) -> str:
    """The command's verb, as on the wire."""
    return type(command).__name__.upper()


def _line(text: str) -> bytes:
    if control := _CONTROLS.search(text):
        raise DataError("control character in a command", where=repr(control[0]))
    try:
        line = text.encode()
    except UnicodeEncodeError:
        raise DataError("the command is not UTF-8") from None
    if len(line) + 2 > MAX_COMMAND_LINE:
        raise DataError(f"the command is longer than {MAX_COMMAND_LINE} octets")
    return line + b"\r\n"


def _required(text: str, what: str) -> str:
    if not text:
        raise DataError(f"empty {what}")
    return text


def _positive(number: int) -> int:
    if number < 1:
        raise DataError("not the number of a message", where=str(number))
    return number
