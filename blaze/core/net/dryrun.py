"""A dry run: an SMTP session with a peer in memory that always says yes."""

import secrets
from collections.abc import Callable

from blaze.core.net.tls import TLSOptions
from blaze.core.net.transcript import Transcript
from blaze.core.sasl import ChannelBinding, Credentials
from blaze.core.smtp import NEED_DATA, PAUSED, ServerConnection, ServerOptions
from blaze.core.smtp.events import BodyChunk, ConnectionClosed

_OFFERED = ("PLAIN", "LOGIN", "OAUTHBEARER", "XOAUTH2", "EXTERNAL")
_WITHOUT = frozenset({"PIPELINING", "SIZE", "CHUNKING", "BINARYMIME", "LIMITS"})
_BINDING = ChannelBinding("tls-exporter", b"")


class _Anyone:
    """Accounts that take every name and every secret, and know the one password there is."""

    def __init__(self, password: str | None) -> None:
        self._password = password

    def password(self, user: str) -> str | None:  # noqa: ARG002
        return self._password

    def check_password(self, user: str, password: str) -> bool:  # noqa: ARG002
        return True

    def check_token(self, user: str, token: str) -> bool:  # noqa: ARG002
        return True

    def check_external(self, identity: str) -> bool:  # noqa: ARG002
        return True


class DryChannel:
    """A channel to a peer that always says yes; what the client says is given to `show`, with LF newlines,
    and `record` writes down the whole.

    The peer counts as one inside TLS. It offers 8BITMIME, SMTPUTF8, DSN and REQUIRETLS, so that a message is
    shown as it is; of the log-ins those that need no proof of its own, and the `mechanism` that is named. It
    knows the password of the `credentials`.
    """

    where = "-"
    tls = None

    def __init__(
        self,
        show: Callable[[bytes], object],
        *,
        lmtp: bool = False,
        record: Transcript | None = None,
        mechanism: str | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        self._show = show
        self._record = record
        self._answers = b""
        self._binding = _BINDING if mechanism and mechanism.endswith("-PLUS") else None
        self._peer = ServerConnection(
            ServerOptions(lmtp=lmtp, mechanisms=(mechanism,) if mechanism else _OFFERED, without=_WITHOUT),
            accounts=_Anyone(credentials.password if credentials else None),
            draw=lambda: secrets.token_bytes(24),
            tls=True,
            binding=self._binding,
        )
        self._hear(b"")

    def write(self, octets: bytes, timeout: float, *, shown: bytes | None = None) -> None:  # noqa: ARG002
        """See `Channel.write`."""
        said = shown if shown is not None else octets
        if self._record:
            self._record.sent(said, tls=False)
        self._say(said, octets)

    def write_body(self, octets: bytes, timeout: float) -> None:  # noqa: ARG002
        """See `Channel.write_body`."""
        if self._record:
            self._record.sent_body(len(octets), tls=False)
        self._say(octets, octets)

    def _say(self, shown: bytes, octets: bytes) -> None:
        self._show(shown.replace(b"\r\n", b"\n"))
        self._hear(octets)

    def _hear(self, octets: bytes) -> None:
        if octets:
            self._peer.receive_data(octets)
        while (event := self._peer.next_event()) not in (NEED_DATA, PAUSED):
            if isinstance(event, ConnectionClosed):
                return
            if not isinstance(event, BodyChunk):
                self._answers += self._peer.send(event.reply)

    def read(self, deadline: float) -> bytes:  # noqa: ARG002
        """See `Channel.read`."""
        answers, self._answers = self._answers, b""
        if self._record:
            self._record.received(answers, tls=False)
        return answers

    def start_tls(self, host: str, options: TLSOptions, timeout: float) -> None:
        """See `Channel.start_tls`; TLS counts as on already."""

    def binding(self) -> ChannelBinding | None:
        """See `Channel.binding`."""
        return self._binding

    def close(self) -> None:
        """See `Channel.close`."""
