"""What every SASL mechanism takes and gives (RFC 4422 §3), apart from the protocol that carries it."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from blaze.core.errors import DataError


@dataclass(frozen=True, slots=True)
class ChannelBinding:
    """The octets that tie a log-in to its TLS connection (RFC 5056, RFC 5929, RFC 9266).

    `type` is the registered name (``tls-exporter``, ``tls-server-end-point``, ``tls-unique``).
    """

    type: str
    data: bytes


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """Who logs in, and with what. Its repr shows no secret.

    `user` is the authentication identity, `authorization` the identity to act as (empty: the same). Exactly
    one of `password` and `token` (OAuth 2) is given, or none for EXTERNAL.
    """

    user: str
    password: str | None = None
    token: str | None = None
    authorization: str = ""

    def __repr__(self) -> str:
        return f"Credentials(user={self.user!r})"


class ClientMechanism(Protocol):
    """The client's half of one log-in."""

    @property
    def name(self) -> str:
        """The mechanism, as registered."""

    @property
    def complete(self) -> bool:
        """True when the server may report success now: for SCRAM, once it proved to know the password."""

    @property
    def error(self) -> str | None:
        """What the server said about a failure inside the exchange, decoded (OAuth 2, SCRAM)."""

    def start(self) -> bytes | None:
        """The initial response; None when the server speaks first."""

    def respond(self, challenge: bytes) -> bytes:
        """The answer to a challenge.

        Raises:
            AuthenticationError: the server's part is wrong: it does not know the password, or asks for
                too little.
        """


class Challenge(NamedTuple):
    """The server asks for one more response."""

    data: bytes


class Accepted(NamedTuple):
    """The client is who it says; `identity` is the one to act as."""

    identity: str


class Rejected(NamedTuple):
    """The log-in fails; `malformed` when the client's octets were no such mechanism's."""

    reason: str
    malformed: bool = False


Outcome = Challenge | Accepted | Rejected


class ServerMechanism(Protocol):
    """The server's half of one log-in."""

    @property
    def name(self) -> str:
        """The mechanism, as registered."""

    def step(self, response: bytes | None) -> Outcome:
        """Take the client's response (None: there was no initial one); never raises on its octets."""


class Accounts(Protocol):
    """What a server knows of its users; strings are prepared with SASLprep before it is asked."""

    def password(self, user: str) -> str | None:
        """The password in clear, or None for an unknown user (CRAM-MD5 and SCRAM need it)."""

    def check_password(self, user: str, password: str) -> bool:
        """Whether that is the user's password."""

    def check_token(self, user: str, token: str) -> bool:
        """Whether that OAuth 2 bearer token stands for the user."""

    def check_external(self, identity: str) -> bool:
        """Whether what lies outside SASL (a client certificate) allows that identity; empty: its own."""


def encoded(text: str, what: str) -> bytes:
    """`text` as UTF-8, refused with DataError when it holds a NUL or is no Unicode text."""
    if "\0" in text:
        raise DataError(f"NUL in the {what}")
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise DataError(f"the {what} is not UTF-8") from None


def decoded(octets: bytes) -> str | None:
    """Octets as UTF-8 text; None when they are none or hold a NUL."""
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text
