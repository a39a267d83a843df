"""Every exception that leaves the core.

::

    BlazeError                        exit
    ├── UsageError                      2   an argument makes no sense
    ├── DataError                      65   the input is not what the operation needs
    ├── NoInputError                   66   no such file, folder or message
    ├── NoHostError                    68   no such host or domain
    ├── UnavailableError               69   the service refuses for good
    ├── CannotCreateError              73   the output exists already or cannot be made
    ├── InputOutputError               74   reading or writing failed
    ├── TemporaryError                 75   try again later
    │   ├── TimedOutError
    │   └── DNSTemporaryError
    ├── ProtocolError                  76
    │   ├── LocalProtocolError              our caller broke the protocol
    │   ├── RemoteProtocolError             the peer broke the protocol
    │   └── TLSError                        the handshake or the certificate failed
    ├── AuthenticationError            77   log-in refused, or not possible safely
    ├── ConfigurationError             78   a setting is wrong or missing
    └── SMTPReplyError          67 69 75 77   a server answered no

The numbers are those of ``sysexits.h`` where it has one. Verdicts (a signature
that does not verify, a sender that SPF does not allow) are values, not exceptions.
"""

from typing import ClassVar


class BlazeError(Exception):
    """What went wrong, where, and what to do about it.

    `what` is a phrase without a final full stop; `where` names the file, line, octet offset or
    server; `hint` is a sentence of advice. `exit_code` is the process status a command ends with.
    """

    exit_code: ClassVar[int] = 70

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        return self.what if self.where is None else f"{self.what}: {self.where or repr('')}"

    @property
    def status(self) -> int:
        """The exit status for this very error; `exit_code` unless a subclass knows better."""
        return self.exit_code


class UsageError(BlazeError):
    """An argument or a combination of arguments makes no sense."""

    exit_code = 2


class DataError(BlazeError):
    """The input is not what the operation needs (EX_DATAERR)."""

    exit_code = 65


class NoInputError(BlazeError):
    """There is no such file, folder or message (EX_NOINPUT)."""

    exit_code = 66


class NoHostError(BlazeError):
    """There is no such host or domain (EX_NOHOST)."""

    exit_code = 68


class UnavailableError(BlazeError):
    """The service refuses for good, or there is no route to it (EX_UNAVAILABLE)."""

    exit_code = 69


class CannotCreateError(BlazeError):
    """The output exists already or cannot be created (EX_CANTCREAT)."""

    exit_code = 73


class InputOutputError(BlazeError):
    """Reading or writing failed half-way (EX_IOERR)."""

    exit_code = 74


class TemporaryError(BlazeError):
    """It may work later (EX_TEMPFAIL)."""

    exit_code = 75


class TimedOutError(TemporaryError):
    """The peer was silent for too long."""


class DNSTemporaryError(TemporaryError):
    """The DNS could not answer now: SERVFAIL, a time-out, or no server."""


class ProtocolError(BlazeError):
    """A protocol was broken (EX_PROTOCOL)."""

    exit_code = 76


class LocalProtocolError(ProtocolError):
    """Our caller asked for something the protocol does not allow now."""


class RemoteProtocolError(ProtocolError):
    """The peer sent something the protocol does not allow."""


class TLSError(ProtocolError):
    """The TLS handshake failed, or the certificate is not the peer's."""


class AuthenticationError(BlazeError):
    """The log-in was refused, or cannot be made without exposing the secret (EX_NOPERM)."""

    exit_code = 77


class ConfigurationError(BlazeError):
    """A setting is wrong or missing (EX_CONFIG)."""

    exit_code = 78


class SMTPReplyError(BlazeError):
    """A server's negative reply (RFC 5321 §4.2).

    `code` is the three-digit reply code, `enhanced` the RFC 3463 code as text or None, `command` the verb
    that was answered (``RCPT``, ``DATA`` and so on) and `text` the reply's lines joined by newlines.
    """

    def __init__(
        self, text: str, *, code: int, enhanced: str | None, command: str, where: str | None = None
    ) -> None:
        said = " ".join(filter(None, (str(code), enhanced, *text.split("\n"))))
        super().__init__(f"{command} refused: {said}", where=where)
        self.code = code
        self.enhanced = enhanced
        self.command = command
        self.text = text

    @property
    def permanent(self) -> bool:
        """True for 5yz replies (RFC 5321 §4.2.1)."""
        return self.code >= 500

    @property
    def status(self) -> int:
        """75 for 4yz; for 5yz 67 when a recipient was refused, 77 at AUTH, else 69."""
        if not self.permanent:
            return TemporaryError.exit_code
        if self.command == "AUTH":
            return AuthenticationError.exit_code
        return 67 if self.command == "RCPT" else UnavailableError.exit_code
