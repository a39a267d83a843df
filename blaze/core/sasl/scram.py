"""SCRAM-SHA-1, SCRAM-SHA-256 and their -PLUS forms with channel binding (RFC 5802, RFC 7677).

Nonces and salts are arguments: nothing here draws them.
"""

import base64
import binascii
import hashlib
import hmac

from blaze.core.errors import AuthenticationError, DataError
from blaze.core.sasl.exchange import (
    Accepted,
    Accounts,
    Challenge,
    ChannelBinding,
    Credentials,
    Outcome,
    Rejected,
    decoded,
    encoded,
)
from blaze.core.sasl.prep import saslprep

MIN_ITERATIONS = 4096  # RFC 5802 §5.1, RFC 7677 §4
MAX_NONCE = 1024  # octets of a client's; ours: it comes back in the challenge, which has to fit a reply line
MAX_ITERATIONS = 5_000_000  # ours: a few seconds of work for a server that asks for more than it should

_HASHES = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256"}


class _Keys:
    """The keys and the proofs of one exchange (RFC 5802 §3)."""

    def __init__(self, digest: str, password: str, salt: bytes, iterations: int) -> None:
        self._digest = digest
        salted = hashlib.pbkdf2_hmac(digest, password.encode(), salt, iterations)
        self._client = self._hmac(salted, b"Client Key")
        self._server = self._hmac(salted, b"Server Key")

    def _hmac(self, key: bytes, message: bytes) -> bytes:
        return hmac.digest(key, message, self._digest)

    def proof(self, auth_message: bytes) -> bytes:
        stored = hashlib.new(self._digest, self._client).digest()
        signature = self._hmac(stored, auth_message)
        return bytes(a ^ b for a, b in zip(self._client, signature, strict=True))

    def signature(self, auth_message: bytes) -> bytes:
        return self._hmac(self._server, auth_message)


def _attributes(message: bytes) -> dict[str, str]:
    """The ``k=value`` list of a SCRAM message; raises ValueError when it is none."""
    attributes: dict[str, str] = {}
    for item in message.decode().split(","):
        key, equals, value = item.partition("=")
        if len(key) != 1 or not key.isalpha() or not equals or key in attributes:
            raise ValueError(item)
        attributes[key] = value
    return attributes


def _escape(name: str) -> bytes:
    return encoded(name.replace("=", "=3D").replace(",", "=2C"), "user name")


def _unescape(name: str) -> str:
    """Undo `_escape`; raises ValueError at any other use of ``=`` (RFC 5802 §5.1)."""
    first, *rest = name.split("=")
    parts = [first]
    for part in rest:
        if part[:2] not in ("2C", "3D"):
            raise ValueError(name)
        parts.append("," if part[:2] == "2C" else "=")
        parts.append(part[2:])
    return "".join(parts)


class ScramClient:
    """The client's half. `name` is the mechanism; with ``-PLUS`` a `binding` must be given.

    Without ``-PLUS``, `could_bind` tells the server that the client would have bound the channel, had the
    server offered it (the ``y`` flag of RFC 5802 §6): a man in the middle who removes the offer is found out.
    """

    def __init__(
        self,
        name: str,
        credentials: Credentials,
        nonce: str,
        binding: ChannelBinding | None = None,
        *,
        could_bind: bool = False,
    ) -> None:
        self.name = name
        self.complete = False
        self.error: str | None = None
        self._digest = _HASHES[name.removesuffix("-PLUS")]
        self._password = saslprep(credentials.password or "")
        self._nonce = nonce
        plus = name.endswith("-PLUS")
        if plus and binding is None:
            raise AuthenticationError(f"{name} needs a channel binding, and this connection has none")
        flag = f"p={binding.type}" if plus and binding else "y" if could_bind else "n"
        authorization = credentials.authorization and b"a=" + _escape(saslprep(credentials.authorization))
        self._gs2_header = b"%b,%b," % (flag.encode(), authorization or b"")
        self._binding = binding.data if plus and binding else b""
        self._first = b"n=%b,r=%b" % (_escape(saslprep(credentials.user)), nonce.encode())
        self._signature: bytes | None = None

    def start(self) -> bytes:
        """See `ClientMechanism.start`."""
        return self._gs2_header + self._first

    def respond(self, challenge: bytes) -> bytes:
        """See `ClientMechanism.respond`."""
        try:
            attributes = _attributes(challenge)
            if self.error is not None:
                raise AuthenticationError(f"the server goes on asking after it failed {self.name}")
            if "e" in attributes:
                self.error = attributes["e"]
                return b""
            if self._signature is None:
                return self._final(challenge, attributes)
            return self._check_server(attributes)
        except (ValueError, KeyError):
            raise AuthenticationError(f"malformed {self.name} message from the server") from None

    def _final(self, challenge: bytes, attributes: dict[str, str]) -> bytes:
        nonce, salt, iterations = attributes["r"], _base64(attributes["s"]), int(attributes["i"])
        if "m" in attributes:
            raise AuthenticationError(f"the server wants an unknown extension of {self.name}")
        if not nonce.startswith(self._nonce) or len(nonce) == len(self._nonce):
            raise AuthenticationError(f"the server's {self.name} nonce does not extend ours")
        if not MIN_ITERATIONS <= iterations <= MAX_ITERATIONS:
            raise AuthenticationError(
                f"the server's {self.name} iteration count {iterations} is out of bounds"
            )
        keys = _Keys(self._digest, self._password, salt, iterations)
        bound = base64.b64encode(self._gs2_header + self._binding)
        without_proof = b"c=%b,r=%b" % (bound, nonce.encode())
        auth_message = b",".join((self._first, challenge, without_proof))
        self._signature = keys.signature(auth_message)
        return without_proof + b",p=" + base64.b64encode(keys.proof(auth_message))

    def _check_server(self, attributes: dict[str, str]) -> bytes:
        assert self._signature is not None
        if self.complete or not hmac.compare_digest(_base64(attributes["v"]), self._signature):
            raise AuthenticationError(
                "the server does not know the password",
                hint="Someone may sit between you and the server; change the password if it was sent before.",
            )
        self.complete = True
        return b""


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise ValueError(text) from None


class ScramServer:
    """The server's half. `nonce` and `salt` are fresh for each log-in.

    `binding` is the channel's, when the server offers ``-PLUS``: it is then compared for ``-PLUS``, and a
    client that claims that the server did not offer it is refused (RFC 5802 §6). A user that is not known
    fails at the proof, like a wrong password.
    """

    def __init__(
        self,
        name: str,
        accounts: Accounts,
        nonce: str,
        salt: bytes,
        *,
        binding: ChannelBinding | None = None,
        iterations: int = MIN_ITERATIONS,
    ) -> None:
        self.name = name
        self._digest = _HASHES[name.removesuffix("-PLUS")]
        self._plus = name.endswith("-PLUS")
        self._accounts = accounts
        self._nonce = nonce
        self._salt = salt
        self._iterations = iterations
        self._binding = binding
        self._gs2_header = b""
        self._first = b""
        self._second = b""
        self._user = ""
        self._accepted = False

    def step(self, response: bytes | None) -> Outcome:
        """See `ServerMechanism.step`."""
        if response is None and not self._first:
            return Challenge(b"")
        if self._accepted:
            return Accepted(self._user)
        try:
            if self._first:
                return self._check_proof(response or b"")
            return self._read_first(response or b"")
        except (ValueError, KeyError, DataError):
            return Rejected(f"malformed {self.name} message", malformed=True)

    def _read_first(self, message: bytes) -> Outcome:
        flag, authorization, first = message.split(b",", 2)
        if reason := self._refuse_flag(flag):
            return Rejected(reason)
        attributes = _attributes(first)
        if not first.startswith(b"n=") or "m" in attributes:
            raise ValueError(first)
        self._user = saslprep(_unescape(attributes["n"]))
        identity = authorization.removeprefix(b"a=").decode()
        if bool(identity) != authorization.startswith(b"a="):
            raise ValueError(authorization)
        if identity and saslprep(_unescape(identity)) != self._user:
            return Rejected("acting as another user is not allowed")
        if not 0 < len(attributes["r"].encode()) <= MAX_NONCE or not self._user:
            raise ValueError(first)
        self._gs2_header = b"%b,%b," % (flag, authorization)
        self._first = first
        self._nonce = attributes["r"] + self._nonce
        salt = base64.b64encode(self._salt).decode()
        self._second = f"r={self._nonce},s={salt},i={self._iterations}".encode()
        return Challenge(self._second)

    def _refuse_flag(self, flag: bytes) -> str | None:
        if flag == b"n":
            return "channel binding is needed" if self._plus else None
        if flag == b"y":
            return "the offer of channel binding was taken out on the way" if self._binding else None
        if not flag.startswith(b"p="):
            raise ValueError(flag)
        if not self._plus or self._binding is None or decoded(flag[2:]) != self._binding.type:
            return "unsupported channel binding type"
        return None

    def _check_proof(self, message: bytes) -> Outcome:
        without_proof, _, proof = message.rpartition(b",p=")
        attributes = _attributes(without_proof)
        bound = self._binding.data if self._plus and self._binding else b""
        if _base64(attributes["c"]) != self._gs2_header + bound:
            return Rejected("the channel bindings do not match")
        if attributes["r"] != self._nonce:
            raise ValueError(message)
        password = self._accounts.password(self._user)
        keys = _Keys(self._digest, saslprep(password or ""), self._salt, self._iterations)
        auth_message = b",".join((self._first, self._second, without_proof))
        proven = hmac.compare_digest(_base64(proof.decode()), keys.proof(auth_message))
        if not proven or password is None:
            return Rejected("user name or password is wrong")
        self._accepted = True
        return Challenge(b"v=" + base64.b64encode(keys.signature(auth_message)))
