"""A record of a dialogue: times, directions in the marks of swaks, secrets masked.

``->`` sent, ``<-`` received, ``~>`` and ``<~`` the same inside TLS, ``<**`` and ``<~*`` a negative reply,
``===`` what happened beside the dialogue, ``***`` what went wrong.
"""

from collections.abc import Callable
from datetime import UTC, datetime

MASK = b"****"


class Transcript:
    """Writes lines as they happen; `write` gets each with its newline."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._partial = b""
        self._tls = False

    def sent(self, octets: bytes, *, tls: bool) -> None:
        """What the client wrote, secrets already masked."""
        for line in octets.splitlines():
            self._line(" ~> " if tls else " -> ", line)

    def sent_body(self, size: int, *, tls: bool) -> None:
        """`size` octets of a message; not shown."""
        self._line(" ~> " if tls else " -> ", b"[%d octets of message]" % size)

    def received(self, octets: bytes, *, tls: bool) -> None:
        """What the server wrote, cut anywhere; nothing when it closed the connection."""
        if not octets:
            self._end_line()
        *lines, self._partial = (self._partial + octets).split(b"\n")
        self._tls = tls
        for line in lines:
            self._received_line(line)

    def note(self, text: str) -> None:
        """What happened beside the dialogue."""
        self._end_line()
        self._line("=== ", text.encode("utf-8", "surrogateescape"))

    def failed(self, text: str) -> None:
        """What went wrong."""
        self._end_line()
        self._line("*** ", text.encode("utf-8", "surrogateescape"))

    def _end_line(self) -> None:
        """Write down what the server said without ending the line."""
        if self._partial:
            partial, self._partial = self._partial, b""
            self._received_line(partial)

    def _received_line(self, line: bytes) -> None:
        negative = line[:1] in (b"4", b"5")
        mark = ("<~* " if self._tls else "<** ") if negative else ("<~  " if self._tls else "<-  ")
        self._line(mark, line.rstrip(b"\r"))

    def _line(self, mark: str, line: bytes) -> None:
        moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._write(f"{moment} {mark}{line.decode('utf-8', 'surrogateescape')}\n")
