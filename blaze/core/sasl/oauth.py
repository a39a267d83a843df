"""OAuth 2 bearer tokens: OAUTHBEARER (RFC 7628) and Google's and Microsoft's older XOAUTH2."""

import json
from abc import ABC, abstractmethod

from blaze.core.errors import AuthenticationError
from blaze.core.sasl.exchange import (
    Accepted,
    Accounts,
    Challenge,
    Credentials,
    Outcome,
    Rejected,
    decoded,
    encoded,
)

_SEPARATOR = "\x01"


def _bearer(token: str) -> str:
    if not token.isascii() or not token.isprintable() or " " in token:
        raise AuthenticationError("the token holds characters that no bearer token has (RFC 6750 §2.1)")
    return f"auth=Bearer {token}"


class _TokenClient:
    """A token at once; a challenge after it is the provider's reason for refusing it."""

    name: str
    _dismissal: bytes
    """What answers the reason, so that the server can end the exchange."""

    def __init__(self, first: bytes) -> None:
        self._first = first
        self.complete = False
        self.error: str | None = None

    def start(self) -> bytes:
        self.complete = True
        return self._first

    def respond(self, challenge: bytes) -> bytes:
        if self.error is not None:
            raise AuthenticationError(f"the server goes on asking after it refused the token: {self.error}")
        self.complete = False
        self.error = describe_error(challenge)
        return self._dismissal


class XOAuth2Client(_TokenClient):
    """``user=U ^A auth=Bearer TOKEN ^A ^A``."""

    name = "XOAUTH2"
    _dismissal = b""

    def __init__(self, credentials: Credentials) -> None:
        fields = (f"user={credentials.user}", _bearer(credentials.token or ""), "", "")
        super().__init__(encoded(_SEPARATOR.join(fields), "user name"))


class OAuthBearerClient(_TokenClient):
    """A GS2 header with the user's name, then host, port and token (RFC 7628 §3.1)."""

    name = "OAUTHBEARER"
    _dismissal = _SEPARATOR.encode()

    def __init__(self, credentials: Credentials, host: str, port: int) -> None:
        user = credentials.user.replace("=", "=3D").replace(",", "=2C")
        fields = (f"n,a={user},", f"host={host}", f"port={port}", _bearer(credentials.token or ""), "", "")
        super().__init__(encoded(_SEPARATOR.join(fields), "user name"))


def describe_error(challenge: bytes) -> str:
    """The provider's reason in words: its JSON object as ``key: value`` pairs (RFC 7628 §3.2.2)."""
    text = challenge.decode(errors="backslashreplace")
    try:
        details = json.loads(text)
    except (ValueError, RecursionError):
        return text or "no reason given"
    if not isinstance(details, dict):
        return text
    return ", ".join(f"{key}: {value}" for key, value in details.items()) or "no reason given"


class _TokenServer(ABC):
    """Reads one response with a token in it; a refused one is told why, and must be dismissed."""

    name: str

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._refused = False

    def step(self, response: bytes | None) -> Outcome:
        if self._refused:
            return Rejected("the token is not valid")
        if response is None:
            return Challenge(b"")
        text = decoded(response)
        head, *fields = text.split(_SEPARATOR) if text else [""]
        user = self._user_of(head)
        values = dict(field.partition("=")[::2] for field in fields)
        scheme, _, token = values.get("auth", "").partition(" ")
        if fields[-2:] != ["", ""] or user is None or scheme.lower() != "bearer" or not token:
            return Rejected(f"malformed {self.name} response", malformed=True)
        if self._accounts.check_token(user, token):
            return Accepted(user)
        self._refused = True
        return Challenge(b'{"status":"invalid_token","schemes":"bearer"}')

    @abstractmethod
    def _user_of(self, head: str) -> str | None:
        """The user whom the response names before its token, or None where it names none."""


class XOAuth2Server(_TokenServer):
    """The server's half of XOAUTH2."""

    name = "XOAUTH2"

    def _user_of(self, head: str) -> str | None:
        return head.removeprefix("user=") if head.startswith("user=") else None


class OAuthBearerServer(_TokenServer):
    """The server's half of OAUTHBEARER."""

    name = "OAUTHBEARER"

    def _user_of(self, head: str) -> str | None:
        flag, _, rest = head.partition(",")
        if flag not in ("n", "y") or not rest.endswith(","):
            return None
        return rest[:-1].removeprefix("a=").replace("=2C", ",").replace("=3D", "=")
