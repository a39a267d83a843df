"""Where an SMTP session stands, as a table: both halves obey the same one.

``TRANSITIONS[state][command]`` is the state after a positive reply; a command that the row does not hold is
out of sequence (503). A negative reply leaves the state as it is, but for the rows of `AFTER_REFUSAL`.
"""

from enum import Enum, auto

from blaze.core.smtp.commands import (
    Auth,
    Bdat,
    Data,
    Ehlo,
    Expn,
    Helo,
    Help,
    Lhlo,
    Mail,
    Noop,
    Quit,
    Rcpt,
    Rset,
    StartTLS,
    Vrfy,
)


class State(Enum):
    """The states of a session (RFC 5321 §4.1.4)."""

    __hash__ = object.__hash__  # members are single; Enum hashes their names, in Python

    CONNECTED = auto()
    """The greeting has not been seen yet, or was negative."""
    GREETED = auto()
    """Greeted, or TLS has begun: the client has not said who it is (again)."""
    READY = auto()
    """Between transactions."""
    MAIL = auto()
    """A reverse-path is known."""
    RCPT = auto()
    """At least one recipient is known."""
    DATA = auto()
    """The body is on its way; it ends at the dot line."""
    CHUNKING = auto()
    """Part of the body has come by BDAT."""
    FAILED = auto()
    """A chunk was refused: only RSET, a greeting or QUIT helps (RFC 3030 §2)."""
    AUTH = auto()
    """A log-in is going on."""
    HANDSHAKE = auto()
    """STARTTLS was accepted; the next octets are TLS."""
    CLOSED = auto()
    """Nothing more comes."""


class Opening:
    """The greeting, as the table sees it."""


class BodyEnd:
    """The end of a body, as the table sees it: the dot line, or the last chunk."""


_ANYWHERE = (Noop, Help, Vrfy, Expn)
_HELLO: dict[type, State] = {Ehlo: State.READY, Helo: State.READY, Lhlo: State.READY}

TRANSITIONS: dict[State, dict[type, State]] = {
    State.CONNECTED: {Opening: State.GREETED, Quit: State.CLOSED},
    State.GREETED: {
        **_HELLO,
        StartTLS: State.HANDSHAKE,
        Rset: State.GREETED,
        Quit: State.CLOSED,
        **dict.fromkeys(_ANYWHERE, State.GREETED),
    },
    State.READY: {
        **_HELLO,
        Mail: State.MAIL,
        StartTLS: State.HANDSHAKE,
        Auth: State.AUTH,
        Rset: State.READY,
        Quit: State.CLOSED,
        **dict.fromkeys(_ANYWHERE, State.READY),
    },
    State.MAIL: {
        **_HELLO,
        Rcpt: State.RCPT,
        Rset: State.READY,
        Quit: State.CLOSED,
        **dict.fromkeys(_ANYWHERE, State.MAIL),
    },
    State.RCPT: {
        **_HELLO,
        Rcpt: State.RCPT,
        Data: State.DATA,
        Bdat: State.CHUNKING,
        Rset: State.READY,
        Quit: State.CLOSED,
        **dict.fromkeys(_ANYWHERE, State.RCPT),
    },
    State.DATA: {BodyEnd: State.READY},
    State.CHUNKING: {
        **_HELLO,
        Bdat: State.CHUNKING,
        BodyEnd: State.READY,
        Rset: State.READY,
        Quit: State.CLOSED,
        **dict.fromkeys(_ANYWHERE, State.CHUNKING),
    },
    State.FAILED: {
        **_HELLO,
        Rset: State.READY,
        Quit: State.CLOSED,
        **dict.fromkeys(_ANYWHERE, State.FAILED),
    },
    State.AUTH: {Auth: State.READY},
    State.HANDSHAKE: {},
    State.CLOSED: {},
}

AFTER_REFUSAL: dict[State, dict[type, State]] = {
    State.RCPT: {Bdat: State.FAILED},
    State.DATA: {BodyEnd: State.READY},
    State.CHUNKING: {BodyEnd: State.READY, Bdat: State.FAILED},
    State.AUTH: {Auth: State.READY},
}
"""The state after a negative reply, where it is not the state before."""
