"""What `next_event` of the client gives."""

from enum import Enum, auto
from typing import Final, Literal, NamedTuple

from blaze.core.pop3.commands import Command
from blaze.core.pop3.reply import Reply


class _Signal(Enum):
    NEED_DATA = auto()


NEED_DATA: Final = _Signal.NEED_DATA
"""Nothing more can be said until `receive_data` brings more octets."""
NeedData = Literal[_Signal.NEED_DATA]


class Greeting(NamedTuple):
    """The server's first line."""

    reply: Reply


class Response(NamedTuple):
    """The answer to a command. After a positive one to RETR or TOP the message follows."""

    command: Command
    reply: Reply


class Listing(NamedTuple):
    """The whole answer to CAPA, LIST or UIDL; `lines` are without dots and CRLF, none when it is negative."""

    command: Command
    reply: Reply
    lines: tuple[bytes, ...] = ()


class AuthChallenge(NamedTuple):
    """The server goes on with the log-in; `data` is decoded."""

    data: bytes


class BodyChunk(NamedTuple):
    """Part of a message, dot-stuffing taken out."""

    data: bytes


class BodyEnd(NamedTuple):
    """The message is complete."""


class ConnectionClosed(NamedTuple):
    """The server closed the connection."""


Event = Greeting | Response | Listing | AuthChallenge | BodyChunk | BodyEnd | ConnectionClosed
