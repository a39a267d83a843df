"""What `next_event` of the two connection objects gives."""

from enum import Enum, auto
from typing import Final, Literal, NamedTuple

from blaze.core.smtp.commands import Command
from blaze.core.smtp.grammar import Reply


class _Signal(Enum):
    NEED_DATA = auto()
    PAUSED = auto()


NEED_DATA: Final = _Signal.NEED_DATA
"""Nothing more can be said until `receive_data` brings more octets."""
PAUSED: Final = _Signal.PAUSED
"""The event before this one waits for `send`, or the TLS handshake for `tls_started`."""
NeedData = Literal[_Signal.NEED_DATA]
Paused = Literal[_Signal.PAUSED]


class ConnectionClosed(NamedTuple):
    """The peer closed the connection."""


# What a server sees. Each event with a reply waits for `send`: of that reply, or of another one that policy
# prefers.


class Connected(NamedTuple):
    """A client is there; the reply is the greeting."""

    reply: Reply


class Request(NamedTuple):
    """A command in its right place."""

    command: Command
    reply: Reply


class BadRequest(NamedTuple):
    """A line that is no command, one out of sequence, or one that asks for what is not offered."""

    line: bytes
    reply: Reply


class AuthStep(NamedTuple):
    """A log-in goes on: the reply carries a challenge."""

    reply: Reply


class Authenticated(NamedTuple):
    """A log-in succeeded; policy may still refuse the identity."""

    identity: str
    mechanism: str
    reply: Reply


class AuthFailed(NamedTuple):
    """A log-in failed; `reason` is for the log, not for the client."""

    mechanism: str
    reason: str
    reply: Reply


class BodyChunk(NamedTuple):
    """Part of a body: as received, dot-stuffing taken out; or as it shall be sent.

    `canonical` promises a client that every newline to be sent is a CRLF, and that none is cut.
    """

    data: bytes
    canonical: bool = False


class ChunkEnd(NamedTuple):
    """A BDAT chunk that is not the last is complete."""

    reply: Reply


class MessageEnd(NamedTuple):
    """A message is complete. Its `size` is in octets; with a negative reply it must not be kept."""

    size: int
    reply: Reply


# What a client sees.


class Shutdown(NamedTuple):
    """A 421 that no command asked for: the server closes the session (RFC 5321 §3.8)."""

    reply: Reply


class Greeting(NamedTuple):
    """The server's first reply."""

    reply: Reply


class Response(NamedTuple):
    """The reply to a command."""

    command: Command
    reply: Reply


class AuthChallenge(NamedTuple):
    """The server goes on with the log-in; `data` is decoded."""

    data: bytes


class Delivered(NamedTuple):
    """The reply to a whole message; in LMTP there is one for each accepted recipient, which it names."""

    reply: Reply
    recipient: str | None = None


AnsweredEvent = (
    Connected | Request | BadRequest | AuthStep | Authenticated | AuthFailed | ChunkEnd | MessageEnd
)
ServerEvent = AnsweredEvent | BodyChunk | ConnectionClosed
ClientEvent = Greeting | Response | AuthChallenge | Delivered | Shutdown | ConnectionClosed
