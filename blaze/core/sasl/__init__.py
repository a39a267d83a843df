"""SASL (RFC 4422): log-in mechanisms as state machines, the client's half and the server's, without I/O.

A client mechanism gives octets with `start` and `respond`; a server mechanism takes them with `step`. The
protocol around them (SMTP, POP3) encodes them in base64 and carries them.
"""

from collections.abc import Collection

from blaze.core.errors import AuthenticationError
from blaze.core.sasl.exchange import (
    Accepted,
    Accounts,
    Challenge,
    ChannelBinding,
    ClientMechanism,
    Credentials,
    Outcome,
    Rejected,
    ServerMechanism,
)
from blaze.core.sasl.oauth import OAuthBearerClient, OAuthBearerServer, XOAuth2Client, XOAuth2Server
from blaze.core.sasl.password import (
    CramMD5Client,
    CramMD5Server,
    ExternalClient,
    ExternalServer,
    LoginClient,
    LoginServer,
    PlainClient,
    PlainServer,
)
from blaze.core.sasl.prep import saslprep
from blaze.core.sasl.scram import ScramClient, ScramServer

__all__ = [
    "CLEAR_TEXT",
    "MECHANISMS",
    "Accepted",
    "Accounts",
    "Challenge",
    "ChannelBinding",
    "ClientMechanism",
    "Credentials",
    "Outcome",
    "Rejected",
    "ServerMechanism",
    "choose",
    "client",
    "has_binding",
    "saslprep",
    "server",
]

SCRAM = ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1")
PASSWORD_MECHANISMS = (*SCRAM, "CRAM-MD5", "PLAIN", "LOGIN")
TOKEN_MECHANISMS = ("OAUTHBEARER", "XOAUTH2")
MECHANISMS = (*PASSWORD_MECHANISMS, *TOKEN_MECHANISMS, "EXTERNAL")
"""Every mechanism spoken here, strongest first within its kind."""

CLEAR_TEXT = frozenset({"PLAIN", "LOGIN", "OAUTHBEARER", "XOAUTH2"})
"""The mechanisms that hand over the secret itself: only inside TLS, or when the user insists."""


def has_binding(names: Collection[str]) -> bool:
    """Whether one of the mechanisms ties the log-in to its channel."""
    return any(name.endswith("-PLUS") for name in names)


def choose(offered: Collection[str], credentials: Credentials, *, binding: bool = False) -> str:
    """The strongest mechanism that the server offers and the credentials can use.

    `offered` holds mechanism names in upper case; `binding` says that channel binding data is at hand.
    EXTERNAL is chosen only when there is neither password nor token.

    Raises:
        AuthenticationError: there is none; the message names what was offered.
    """
    if credentials.token is not None:
        usable: tuple[str, ...] = TOKEN_MECHANISMS
    elif credentials.password is not None:
        usable = PASSWORD_MECHANISMS
    else:
        usable = ("EXTERNAL",)
    for name in usable:
        if name in offered and (binding or not name.endswith("-PLUS")):
            return name
    raise AuthenticationError(
        f"no mechanism in common: the server offers {' '.join(sorted(offered)) or 'none'}",
        hint=f"These credentials can be used with {', '.join(usable)}.",
    )


def client(
    name: str,
    credentials: Credentials,
    *,
    nonce: str = "",
    binding: ChannelBinding | None = None,
    could_bind: bool = False,
    host: str = "",
    port: int = 0,
) -> ClientMechanism:
    """The client's half of mechanism `name`.

    `nonce` is for SCRAM: printable ASCII without commas, fresh for each log-in. `binding` is the channel's,
    for a -PLUS mechanism; `could_bind` says that the channel has one, but the server offers no -PLUS (see
    `ScramClient`). `host` and `port` are for OAUTHBEARER.

    Raises:
        AuthenticationError: an unknown mechanism, or one that needs what is not given.
        DataError: a user name or password that the mechanism cannot carry.
    """
    if name in PASSWORD_MECHANISMS and credentials.password is None:
        raise AuthenticationError(f"{name} needs a password")
    if name in TOKEN_MECHANISMS and credentials.token is None:
        raise AuthenticationError(f"{name} needs an OAuth 2 token")
    if name in SCRAM:
        return ScramClient(name, credentials, nonce, binding, could_bind=could_bind)
    match name:
        case "PLAIN":
            return PlainClient(credentials)
        case "LOGIN":
            return LoginClient(credentials)
        case "CRAM-MD5":
            return CramMD5Client(credentials)
        case "EXTERNAL":
            return ExternalClient(credentials)
        case "XOAUTH2":
            return XOAuth2Client(credentials)
        case "OAUTHBEARER":
            return OAuthBearerClient(credentials, host, port)
    raise AuthenticationError(f"unknown mechanism {name}", hint=f"Known: {', '.join(MECHANISMS)}.")


def server(
    name: str, accounts: Accounts, *, nonce: str, salt: bytes = b"", binding: ChannelBinding | None = None
) -> ServerMechanism:
    """The server's half of mechanism `name`.

    `nonce` (printable ASCII without commas) and `salt` are fresh for each log-in. `binding` is the channel's
    when
    -PLUS mechanisms are offered on it.

    Raises:
        AuthenticationError: an unknown mechanism.
    """
    if name in SCRAM:
        return ScramServer(name, accounts, nonce, salt, binding=binding)
    match name:
        case "PLAIN":
            return PlainServer(accounts)
        case "LOGIN":
            return LoginServer(accounts)
        case "CRAM-MD5":
            return CramMD5Server(accounts, f"<{nonce}@blaze>".encode())
        case "EXTERNAL":
            return ExternalServer(accounts)
        case "XOAUTH2":
            return XOAuth2Server(accounts)
        case "OAUTHBEARER":
            return OAuthBearerServer(accounts)
    raise AuthenticationError(f"unknown mechanism {name}")
