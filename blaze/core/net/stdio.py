"""SMTP on standard input and output (`sendmail -bs`): each message is delivered before it is acknowledged."""

import mmap
import re
import tempfile
from collections.abc import Callable
from typing import IO

from blaze.core.errors import BlazeError
from blaze.core.mail import message
from blaze.core.mail.relay import Outgoing
from blaze.core.net.delivery import Courier, Delivery, own_name
from blaze.core.net.smtp import Envelope
from blaze.core.smtp import NEED_DATA, PAUSED, Reply, ServerConnection, ServerOptions
from blaze.core.smtp.commands import Bdat, Data
from blaze.core.smtp.events import BodyChunk, ConnectionClosed, MessageEnd, Request
from blaze.core.smtp.server import Transaction

_READ_SIZE = 1 << 16  # octets
_NOT_PASSED_ON = frozenset({"DSN"})
"""What a client may ask for each recipient on its own, and an `Envelope` cannot."""
_MAX_TEXT = 400  # characters of a line of a reply, at most four octets each; ours
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


def serve(courier: Courier, read: Callable[[int], bytes | None], write: Callable[[bytes], object]) -> None:
    """Hold one session with whoever is at the other end of `read` and `write`, until QUIT or the end of
    input.

    A message is acknowledged when the server took it for every recipient. Memory stays flat: it waits in a
    temporary file. Who ends the first line with LF alone, as a person at a terminal does, ends all lines so.
    """
    connection = ServerConnection(ServerOptions(hostname=own_name(), without=_NOT_PASSED_ON))
    newlines = _Newlines()
    with tempfile.TemporaryFile() as body:
        while True:
            event = connection.next_event()
            if event in (NEED_DATA, PAUSED):
                connection.receive_data(newlines.as_crlf(read(_READ_SIZE) or b""))
            elif isinstance(event, ConnectionClosed):
                return
            elif isinstance(event, BodyChunk):
                body.write(event.data)
            else:
                assert not isinstance(event, str)
                reply = event.reply
                if isinstance(event, MessageEnd):
                    if reply.positive:
                        reply = _fit(_deliver(courier, connection.transaction, body))
                elif isinstance(event, Request) and isinstance(event.command, Data | Bdat):
                    body.seek(0)  # what is there is of a message that came before, or was broken off
                    body.truncate()
                write(connection.send(reply))


class _Newlines:
    """The newlines of a session, chosen by its first: CRLF is left alone, LF becomes CRLF."""

    def __init__(self) -> None:
        self._last = b""
        self._newline: bytes | None = None

    def as_crlf(self, octets: bytes) -> bytes:
        """The same octets with CRLF newlines."""
        at = octets.find(b"\n")
        if self._newline is None and at >= 0:
            self._newline = b"\r\n" if (self._last + octets[:at]).endswith(b"\r") else b"\n"
        self._last = octets[-1:] or self._last
        return octets if self._newline != b"\n" else octets.replace(b"\n", b"\r\n")


def _deliver(courier: Courier, transaction: Transaction, body: IO[bytes]) -> Reply:
    body.flush()
    size = body.tell()
    buffer = mmap.mmap(body.fileno(), size, access=mmap.ACCESS_READ) if size else b""
    recipients = [rcpt.forward_path for rcpt in transaction.recipients]
    try:
        deliveries = courier.deliver(
            Envelope(transaction.reverse_path, recipients), Outgoing(message.parse(buffer))
        )
    except BlazeError as error:
        return Reply(554, str(error), "5.6.0")
    return _summary(deliveries)


def _fit(reply: Reply) -> Reply:
    """The same reply with a text that can be said again: what a server said may be long, or hold controls.

    It must not fail now: the message may have gone, and would go twice.
    """
    lines = [_CONTROLS.sub(" ", line)[:_MAX_TEXT] for line in reply.lines]
    return reply._replace(text="\n".join(lines))


def _summary(deliveries: list[Delivery]) -> Reply:
    """One reply for all recipients; once one has the message a failure is final: it must not go twice."""
    failed = [delivery for delivery in deliveries if delivery.error is not None]
    if not failed:
        return deliveries[0].reply
    first = failed[0]
    text = f"{first.recipient}: {first.reply.text}"
    if len(failed) < len(deliveries):
        return Reply(554, f"Sent to {len(deliveries) - len(failed)} of {len(deliveries)}: {text}", "5.0.0")
    return Reply(554, text, "5.0.0") if first.status == "refused" else Reply(451, text, "4.0.0")
