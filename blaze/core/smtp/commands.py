"""The commands of SMTP and LMTP as values: what a client sends is what a server receives.

Each has `to_bytes()`, which refuses with `DataError` what no command line may hold (CR, LF, NUL, other
controls, too many octets) before anything is written. `parse` reads a line; `parse(c.to_bytes()[:-2]) == c`.
"""

import functools
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from blaze.core.errors import DataError
from blaze.core.sasl.lines import auth_line, from_base64, is_mechanism_name, response_line, to_base64
from blaze.core.smtp.grammar import (
    MAX_AUTH_LINE,
    MAX_COMMAND_LINE,
    MAX_MAIL_LINE,
    MAX_RCPT_LINE,
    NO_PARAMETERS,
    Parameters,
    Reply,
    check_domain,
    check_mailbox,
    without_source_route,
)

_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_PATH = re.compile(r'<((?:"(?:[^"\\]|\\.)*"|[^">\\])*)>(?: +(.*))?', re.DOTALL)


class CommandError(DataError):
    """A command line that cannot be understood; `reply` is what a server says to it."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.text)
        self.reply = reply


class Ehlo(NamedTuple):
    """Who the client is, and a question for extensions (RFC 5321 §4.1.1.1)."""

    name: str

    def to_bytes(self) -> bytes:
        """The line, its CRLF included."""
        return _hello("EHLO", self.name)


class Helo(NamedTuple):
    """Who the client is, without extensions."""

    name: str

    def to_bytes(self) -> bytes:
        """The line, its CRLF included."""
        return _hello("HELO", self.name)


class Lhlo(NamedTuple):
    """EHLO of LMTP (RFC 2033 §4.1)."""

    name: str

    def to_bytes(self) -> bytes:
        """The line, its CRLF included."""
        return _hello("LHLO", self.name)


class Mail(NamedTuple):
    """The beginning of a transaction; an empty reverse-path is the null one (RFC 5321 §4.1.1.2)."""

    reverse_path: str
    parameters: Mapping[str, str | None] = NO_PARAMETERS

    def to_bytes(self) -> bytes:
        """The line, its CRLF included."""
        if self.reverse_path:
            check_mailbox(self.reverse_path)
        return _envelope("MAIL FROM", self.reverse_path, self.parameters, MAX_MAIL_LINE)


class Rcpt(NamedTuple):
    """One recipient (RFC 5321 §4.1.1.3); ``Postmaster`` needs no domain."""

    forward_path: str
    parameters: Mapping[str, str | None] = NO_PARAMETERS

    def to_bytes(self) -> bytes:
        """The line, its CRLF included."""
        if self.forward_path.lower() != "postmaster":
            check_mailbox(self.forward_path)
        return _envelope("RCPT TO", self.forward_path, self.parameters, MAX_RCPT_LINE)


class Data(NamedTuple):
    """The body follows, ended by a dot line (RFC 5321 §4.1.1.4)."""

    def to_bytes(self) -> bytes:
        """The line, its CRLF included."""
        return b"DATA\r\n"


class Bdat(NamedTuple):
    """`size` octets of body follow at once (RFC 3030 §2); `last` ends the message."""

    size: int
    last: bool = False

    def to_bytes(self) -> bytes:
        """The line, its CRLF included."""
        return b"BDAT %d LAST\r\n" % self.size if self.last else b"BDAT %d\r\n" % self.size


class Rset(NamedTuple):
    """The transaction is off."""

    def to_bytes(self) -> bytes:
        """The line, its CRLF included."""
        return b"RSET\r\n"


class Noop(NamedTuple):
    """Nothing; the text is ignored."""

    text: str = ""

    def to_bytes(self) -> bytes:
        """The line, its CRLF included."""
        return _line(f"NOOP {self.text}" if self.text else "NOOP")


class Help(NamedTuple):
    """A question for help."""

    topic: str = ""

    def to_bytes(self) -> bytes:
        """The line, its CRLF included."""
        return _line(f"HELP {self.topic}" if self.topic else "HELP")


class Vrfy(NamedTuple):
    """Is that a mailbox? (RFC 5321 §3.5)"""

    text: str

    def to_bytes(self) -> bytes:
        """The line, its CRLF included."""
        return _line(f"VRFY {self.text}")


class Expn(NamedTuple):
    """Who is on that list?"""

    text: str

    def to_bytes(self) -> bytes:
        """The line, its CRLF included."""
        return _line(f"EXPN {self.text}")


class Quit(NamedTuple):
    """The session ends."""

    def to_bytes(self) -> bytes:
        """The line, its CRLF included."""
        return b"QUIT\r\n"


class StartTLS(NamedTuple):
    """TLS begins after a positive reply (RFC 3207)."""

    def to_bytes(self) -> bytes:
        """The line, its CRLF included."""
        return b"STARTTLS\r\n"


class Auth(NamedTuple):
    """A log-in begins (RFC 4954 §4). `initial` is the initial response, decoded; None when there is none."""

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


Command = (
    Ehlo | Helo | Lhlo | Mail | Rcpt | Data | Bdat | Rset | Noop | Help | Vrfy | Expn | Quit | StartTLS | Auth
)


def verb(command: Command) -> str:
    """The command's verb, as on the wire."""
    return type(command).__name__.upper()


def _line(text: str, limit: int = MAX_COMMAND_LINE) -> bytes:
    if control := _CONTROLS.search(text):
        raise DataError("control character in a command", where=repr(control[0]))
    try:
        line = text.encode()
    except UnicodeEncodeError:
        raise DataError("the command is not UTF-8") from None
    if len(line) + 2 > limit:
        raise DataError(f"command line of more than {limit} octets")
    return line + b"\r\n"


def _hello(word: str, name: str) -> bytes:
    check_domain(name)
    return _line(f"{word} {name}")


def _envelope(head: str, path: str, parameters: Mapping[str, str | None], limit: int) -> bytes:
    if not parameters:
        return _line(f"{head}:<{path}>", limit)
    listed = Parameters(parameters)
    listed.check()
    return _line(f"{head}:<{path}>{listed}", limit)


def encode_response(response: bytes) -> str:
    """A SASL response in base64."""
    return to_base64(response).decode("ascii")


def decode_response(text: bytes) -> bytes:
    """Undo `encode_response`.

    Raises:
        CommandError: it is no base64 (RFC 4954 §4: 501 5.5.2).
    """
    try:
        return from_base64(text)
    except DataError:
        raise CommandError(Reply(501, "Not base64", "5.5.2")) from None


_UNKNOWN = Reply(500, "Command not recognized", "5.5.2")
_NO_ARGUMENTS = Reply(501, "No arguments are allowed", "5.5.4")
_CONTROL_CHARACTER = Reply(500, "Control character in the command", "5.5.2")


def parse(line: bytes) -> Command:
    """Read a command line, its CRLF taken off; the verb in any letter case, trailing blanks ignored.

    Raises:
        CommandError: it is none; its `reply` is the 500, 501, 553 or 555 to send.
    """
    return _read(line) if line[:4].upper() == b"AUTH" else _read_again(line)


def _read(line: bytes) -> Command:
    octets, _, rest = line.rstrip(b" \t").partition(b" ")
    reader = _READERS.get(octets.upper())
    if reader is None:
        raise CommandError(_UNKNOWN)
    try:
        argument = rest.decode()
    except UnicodeDecodeError:
        raise CommandError(Reply(501, "The argument is not UTF-8", "5.5.4")) from None
    if not argument.isprintable() and _CONTROLS.search(argument):
        raise CommandError(_CONTROL_CHARACTER)
    if len(line) + 2 > MAX_COMMAND_LINE and len(line) + 2 > _LIMITS.get(octets.upper(), MAX_COMMAND_LINE):
        raise CommandError(Reply(500, "Line too long", "5.5.6"))
    return reader(argument)


_read_again = functools.lru_cache(maxsize=512)(_read)
"""The same lines come in session after session. Those of a log-in are not kept: they hold secrets."""


_LIMITS = {b"MAIL": MAX_MAIL_LINE, b"RCPT": MAX_RCPT_LINE, b"AUTH": MAX_AUTH_LINE}


def _bare(make: Callable[[], Command]) -> Callable[[str], Command]:
    def read(argument: str) -> Command:
        if argument:
            raise CommandError(_NO_ARGUMENTS)
        return make()

    return read


def _read_hello(make: type[Ehlo | Helo | Lhlo]) -> Callable[[str], Command]:
    def read(argument: str) -> Command:
        # Clients give all sorts of names; only what cannot be one word is refused (RFC 5321 §4.1.4).
        if not argument or " " in argument:
            raise CommandError(Reply(501, "A domain or an address literal is needed", "5.5.4"))
        return make(argument)

    return read


def _read_mail(argument: str) -> Mail:
    if argument[:5].upper() != "FROM:":
        raise CommandError(Reply(501, "Expected MAIL FROM:<address>", "5.5.4"))
    match = _PATH.fullmatch(argument[5:].lstrip(" "))
    if match is None:
        raise CommandError(Reply(501, "Malformed reverse-path", "5.1.7"))
    path = without_source_route(match[1])
    if path:
        try:
            check_mailbox(path)
        except DataError as error:
            raise CommandError(Reply(553, f"Reverse-path: {error.what}", "5.1.7")) from None
    return Mail(path, _read_parameters(match[2]))


def _read_rcpt(argument: str) -> Rcpt:
    if argument[:3].upper() != "TO:":
        raise CommandError(Reply(501, "Expected RCPT TO:<address>", "5.5.4"))
    match = _PATH.fullmatch(argument[3:].lstrip(" "))
    if match is None:
        raise CommandError(Reply(501, "Malformed forward-path", "5.1.3"))
    path = without_source_route(match[1])
    if path.lower() != "postmaster":
        try:
            check_mailbox(path)
        except DataError as error:
            raise CommandError(Reply(553, f"Forward-path: {error.what}", "5.1.3")) from None
    return Rcpt(path, _read_parameters(match[2]))


def _read_parameters(text: str | None) -> Mapping[str, str | None]:
    if not text:
        return NO_PARAMETERS
    try:
        return Parameters.parse(text)
    except DataError as error:
        raise CommandError(Reply(501, f"Parameters: {error}", "5.5.4")) from None


def _read_bdat(argument: str) -> Bdat:
    size, _, last = argument.partition(" ")
    if not (size.isascii() and size.isdigit() and len(size) <= 20) or last.upper() not in ("", "LAST"):
        raise CommandError(Reply(501, "Expected BDAT size [LAST]", "5.5.4"))
    return Bdat(int(size), bool(last))


def _read_auth(argument: str) -> Auth:
    mechanism, space, response = argument.partition(" ")
    if not is_mechanism_name(mechanism) or (space and not response):
        raise CommandError(Reply(501, "Expected AUTH mechanism [initial-response]", "5.5.4"))
    if not response:
        return Auth(mechanism.upper())
    return Auth(mechanism.upper(), b"" if response == "=" else decode_response(response.encode()))


def _read_text(make: type[Vrfy | Expn]) -> Callable[[str], Command]:
    def read(argument: str) -> Command:
        if not argument:
            raise CommandError(Reply(501, "An argument is needed", "5.5.4"))
        return make(argument)

    return read


_READERS: dict[bytes, Callable[[str], Command]] = {
    b"EHLO": _read_hello(Ehlo),
    b"HELO": _read_hello(Helo),
    b"LHLO": _read_hello(Lhlo),
    b"MAIL": _read_mail,
    b"RCPT": _read_rcpt,
    b"DATA": _bare(Data),
    b"BDAT": _read_bdat,
    b"RSET": _bare(Rset),
    b"NOOP": Noop,
    b"HELP": Help,
    b"VRFY": _read_text(Vrfy),
    b"EXPN": _read_text(Expn),
    b"QUIT": _bare(Quit),
    b"STARTTLS": _bare(StartTLS),
    b"AUTH": _read_auth,
}
