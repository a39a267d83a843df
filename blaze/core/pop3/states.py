"""Where a POP3 session stands (RFC 1939 §3), and what may be said there."""

from enum import Enum, auto

from blaze.core.pop3.commands import (
    Apop,
    Auth,
    Capa,
    Dele,
    List,
    Noop,
    Pass,
    Quit,
    Retr,
    Rset,
    Stat,
    Stls,
    Top,
    Uidl,
    User,
    Utf8,
)


class State(Enum):
    """The states of a session."""

    CONNECTED = auto()
    """The greeting has not been seen yet."""
    AUTHORIZATION = auto()
    """Nobody is logged in."""
    AUTH = auto()
    """A SASL exchange is going on."""
    HANDSHAKE = auto()
    """STLS was accepted; the next octets are TLS."""
    TRANSACTION = auto()
    """The maildrop is open."""
    CLOSED = auto()
    """Nothing more comes."""


ALLOWED: dict[State, frozenset[type]] = {
    State.CONNECTED: frozenset(),
    State.AUTHORIZATION: frozenset({User, Pass, Apop, Auth, Capa, Stls, Utf8, Quit}),
    State.AUTH: frozenset(),
    State.HANDSHAKE: frozenset(),
    State.TRANSACTION: frozenset({Stat, List, Uidl, Retr, Top, Dele, Noop, Rset, Capa, Quit}),
    State.CLOSED: frozenset(),
}

AFTER_SUCCESS: dict[type, State] = {
    Pass: State.TRANSACTION,
    Apop: State.TRANSACTION,
    Auth: State.TRANSACTION,
    Stls: State.HANDSHAKE,
    Quit: State.CLOSED,
}
"""The state after `+OK`, where it is not the state before."""
