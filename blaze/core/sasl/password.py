"""PLAIN (RFC 4616), LOGIN (never an RFC), CRAM-MD5 (RFC 2195) and EXTERNAL (RFC 4422 appendix A)."""

import hashlib
import hmac

from blaze.core.errors import AuthenticationError, DataError
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
from blaze.core.sasl.prep import saslprep

_WRONG = Rejected("user name or password is wrong")


class PlainClient:
    """``authzid NUL authcid NUL password``, at once (RFC 4616 §2)."""

    name = "PLAIN"
    error = None

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self.complete = False

    def start(self) -> bytes:
        """See `ClientMechanism.start`."""
        who = self._credentials
        self.complete = True
        return b"\0".join(
            (
                encoded(who.authorization, "authorization identity"),
                encoded(who.user, "user name"),
                encoded(who.password or "", "password"),
            )
        )

    def respond(self, challenge: bytes) -> bytes:  # noqa: ARG002
        """See `ClientMechanism.respond`."""
        raise AuthenticationError("the server goes on asking after PLAIN was complete")


class LoginClient:
    """The user name at the first prompt, the password at the second, whatever the prompts say."""

    name = "LOGIN"
    error = None

    def __init__(self, credentials: Credentials) -> None:
        self._answers = [
            encoded(credentials.password or "", "password"),
            encoded(credentials.user, "user name"),
        ]

    @property
    def complete(self) -> bool:
        """Whether both answers were given."""
        return not self._answers

    def start(self) -> None:
        """None: the server speaks first."""

    def respond(self, challenge: bytes) -> bytes:  # noqa: ARG002
        """See `ClientMechanism.respond`."""
        if not self._answers:
            raise AuthenticationError("the server goes on asking after LOGIN was complete")
        return self._answers.pop()


class CramMD5Client:
    """``user HMAC-MD5(password, challenge)`` (RFC 2195 §2)."""

    name = "CRAM-MD5"
    error = None

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self.complete = False

    def start(self) -> None:
        """None: the server speaks first."""

    def respond(self, challenge: bytes) -> bytes:
        """See `ClientMechanism.respond`."""
        if self.complete:
            raise AuthenticationError("the server goes on asking after CRAM-MD5 was complete")
        self.complete = True
        user = encoded(self._credentials.user, "user name")
        return user + b" " + _cram_digest(self._credentials.password or "", challenge)


def _cram_digest(password: str, challenge: bytes) -> bytes:
    return hmac.new(encoded(password, "password"), challenge, hashlib.md5).hexdigest().encode()


class ExternalClient:
    """The identity to act as, or nothing; TLS or the socket says who the client is."""

    name = "EXTERNAL"
    error = None

    def __init__(self, credentials: Credentials) -> None:
        self._identity = encoded(credentials.authorization, "authorization identity")
        self._responded = False
        self.complete = False

    def start(self) -> bytes:
        """See `ClientMechanism.start`."""
        self.complete = True
        return self._identity

    def respond(self, challenge: bytes) -> bytes:
        """See `ClientMechanism.respond`; a server that passed over the initial response may ask once."""
        if challenge or self._responded:
            raise AuthenticationError("the server goes on asking after EXTERNAL was complete")
        self._responded = True
        return self._identity


def _check_password(accounts: Accounts, user: str, password: str) -> bool:
    try:
        return accounts.check_password(saslprep(user), saslprep(password))
    except DataError:
        return False


class PlainServer:
    """The server's half of PLAIN."""

    name = "PLAIN"

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def step(self, response: bytes | None) -> Outcome:
        """See `ServerMechanism.step`."""
        if response is None:
            return Challenge(b"")
        fields = [decoded(field) for field in response.split(b"\0")]
        if len(fields) != 3 or None in fields or not fields[1] or not fields[2]:
            return Rejected("malformed PLAIN response", malformed=True)
        authorization, user, password = (field or "" for field in fields)
        if authorization not in ("", user):
            return Rejected("acting as another user is not allowed")
        return Accepted(user) if _check_password(self._accounts, user, password) else _WRONG


class LoginServer:
    """The server's half of LOGIN."""

    name = "LOGIN"

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._user: str | None = None

    def step(self, response: bytes | None) -> Outcome:
        """See `ServerMechanism.step`."""
        if response is None:
            return Challenge(b"Username:")
        text = decoded(response)
        if text is None:
            return Rejected("malformed LOGIN response", malformed=True)
        if self._user is None:
            self._user = text
            return Challenge(b"Password:")
        return Accepted(self._user) if _check_password(self._accounts, self._user, text) else _WRONG


class CramMD5Server:
    """The server's half of CRAM-MD5; `challenge` is fresh for each log-in, in the form of a Message-ID."""

    name = "CRAM-MD5"

    def __init__(self, accounts: Accounts, challenge: bytes) -> None:
        self._accounts = accounts
        self._challenge = challenge
        self._asked = False

    def step(self, response: bytes | None) -> Outcome:
        """See `ServerMechanism.step`."""
        if response is None and not self._asked:
            self._asked = True
            return Challenge(self._challenge)
        octets, _, digest = (response or b"").rpartition(b" ")
        user = decoded(octets)
        if not user or not self._asked:
            return Rejected("malformed CRAM-MD5 response", malformed=True)
        password = self._accounts.password(user)
        expected = _cram_digest(password or "", self._challenge)
        matches = hmac.compare_digest(expected, digest.lower())
        return Accepted(user) if matches and password is not None else _WRONG


class ExternalServer:
    """The server's half of EXTERNAL."""

    name = "EXTERNAL"

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def step(self, response: bytes | None) -> Outcome:
        """See `ServerMechanism.step`."""
        if response is None:
            return Challenge(b"")
        identity = decoded(response)
        if identity is None:
            return Rejected("malformed EXTERNAL response", malformed=True)
        if self._accounts.check_external(identity):
            return Accepted(identity)
        return Rejected("nothing outside SASL vouches for that identity")
