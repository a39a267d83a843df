"""MTA-STS: a domain's word, fetched over HTTPS, on which hosts take its mail inside TLS (RFC 8461)."""

import http.client
import io
import re
import ssl
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from blaze.core.auth.resolver import RecordType, Resolver, ask
from blaze.core.errors import BlazeError, DataError
from blaze.core.net import tls
from blaze.core.net.dial import DialOptions, dial
from blaze.core.net.mx import find_addresses
from blaze.core.net.tls import TLSOptions

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

PORT = 443
MAX_POLICY = 65536  # octets, RFC 8461 §3.3 suggests 64 kilobytes
TIMEOUT = 60.0  # seconds, RFC 8461 §3.3
MODES = ("enforce", "testing", "none")

_RECORD = re.compile(rb"v=STSv1[ \t]*;(?:[^;]*;)*?[ \t]*id=([A-Za-z0-9]{1,32})[ \t]*(?:;.*)?", re.DOTALL)
_MX = re.compile(r"(?:\*\.)?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")


@dataclass(frozen=True, slots=True)
class Policy:
    """What a domain says: `mode` of `MODES`, `mx` the names or ``*.name`` patterns of its hosts."""

    mode: str
    mx: tuple[str, ...]
    max_age: int

    def allows(self, host: str) -> bool:
        """Whether mail may go to `host`; ``*.`` stands for one label (RFC 8461 §4.1)."""
        name = host.lower()
        return name in self.mx or "*." + name.partition(".")[2] in self.mx


def parse(text: bytes) -> Policy:
    """Read a policy file (RFC 8461 §3.2); lines end in LF or CRLF, unknown keys are passed over.

    Raises:
        DataError: it is none.
    """
    values: dict[str, str] = {}
    mx: list[str] = []
    for line in text.decode("utf-8", "replace").splitlines():
        key, colon, value = (part.strip() for part in line.partition(":"))
        if not colon and key:
            raise DataError("a line without a colon in the MTA-STS policy", where=repr(line[:80]))
        if key == "mx":
            mx.append(value.lower())
        else:
            values.setdefault(key, value)
    mode, age = values.get("mode", ""), values.get("max_age", "")
    if values.get("version") != "STSv1" or mode not in MODES or not re.fullmatch(r"[0-9]{1,10}", age):
        raise DataError("the MTA-STS policy lacks version, mode or max_age")
    if (mode != "none" and not mx) or not all(map(_MX.fullmatch, mx)):
        raise DataError("the MTA-STS policy names no host, or a malformed one")
    return Policy(mode, tuple(mx), int(age))


def find_announcement(domain: str, resolver: Resolver) -> str | None:
    """The id under which `domain` announces its policy; None where it announces none, or the DNS fails
    (RFC 8461 §3.1).
    """
    answer = ask(resolver, f"_mta-sts.{domain}", RecordType.TXT)
    announced = [text for text in answer.texts if text.startswith(b"v=STSv1")]
    match = _RECORD.fullmatch(announced[0]) if len(announced) == 1 else None
    return match[1].decode() if match else None


def fetch_policy(domain: str, resolver: Resolver, dial_options: DialOptions, trust: TLSOptions) -> Policy:
    """Fetch the policy that `domain` announces (RFC 8461 §3.3).

    `trust` says which authorities the policy's host is verified by; nothing else of it is used.

    Raises:
        BlazeError: it cannot be fetched, or is none.
    """
    return parse(_fetch(f"mta-sts.{domain}", resolver, dial_options, trust))


class _Reader(io.RawIOBase):
    """Reads from a connection until `deadline`, a time of the monotonic clock, whatever comes how slowly."""

    def __init__(self, connection: ssl.SSLSocket, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Some octets; TimeoutError once the time is over."""
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("timed out")
        self._connection.settimeout(remaining)
        return self._connection.recv_into(buffer)


class _TimedSocket:
    """What `http.client` asks of a socket, within a time for all of the response."""

    def __init__(self, connection: ssl.SSLSocket, timeout: float) -> None:
        self._connection = connection
        self._deadline = time.monotonic() + timeout

    def sendall(self, octets: bytes) -> None:
        """Send the request."""
        self._connection.sendall(octets)

    def makefile(self, mode: str) -> io.BufferedReader:  # noqa: ARG002
        """The response."""
        return io.BufferedReader(_Reader(self._connection, self._deadline))

    def close(self) -> None:
        """Nothing: the response may still have to be read."""


def _fetch(host: str, resolver: Resolver, dial_options: DialOptions, trust: TLSOptions) -> bytes:
    timeout = min(TIMEOUT, dial_options.timeout)
    addresses = find_addresses(host, resolver).addresses
    connection = dial(host, addresses, PORT, replace(dial_options, timeout=timeout))
    try:
        secured = tls.start_tls(connection, host, TLSOptions(cafile=trust.cafile), timeout)
    except BlazeError:
        connection.close()
        raise
    session = http.client.HTTPSConnection(host, timeout=timeout)
    session.sock = _TimedSocket(secured, timeout)
    try:
        session.request("GET", "/.well-known/mta-sts.txt", headers={"Accept": "text/plain"})
        response = session.getresponse()
        text = response.read(MAX_POLICY + 1)
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, ssl.SSLError):
            raise tls.to_error(error, host) from None
        raise DataError(f"the MTA-STS policy cannot be fetched: {error}", where=host) from None
    finally:
        secured.close()
    kind = (response.getheader("Content-Type") or "").partition(";")[0].strip().lower()
    if response.status != 200 or kind != "text/plain" or len(text) > MAX_POLICY:
        reason = (
            f"status {response.status}"
            if response.status != 200
            else f"{kind or 'no type'}, {len(text)} octets"
        )
        raise DataError(f"the MTA-STS policy cannot be fetched: {reason}", where=host)
    return text
