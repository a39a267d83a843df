"""What was said in a session, as it is stored beside a message: lines with times, secrets masked."""

import time
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from blaze.core.net.transcript import MASK
from blaze.core.smtp.commands import Auth
from blaze.core.smtp.events import BadRequest, Request
from blaze.core.smtp.grammar import Reply

MAX_KEPT = 1 << 18
"""Octets of text kept of a session's opening, and of each transaction; the rest is counted. Ours."""

CLIENT, SERVER, NOTE = "client", "server", "note"

Tell = Callable[[str, str], object]
"""Told each line as it is said: who (`client`, `server`, `note`), and the line."""


class Line(NamedTuple):
    """A line: seconds since 1970, who said it, and what; octets that are no UTF-8 are surrogate escapes."""

    time: float
    who: str
    text: str


class SessionLog:
    """The lines of one session: its opening (up to the first message), and those since the last message."""

    __slots__ = ("_has_auth", "_is_opening", "_kept", "_lines", "_omitted", "_opening", "_tell")

    def __init__(self, tell: Tell | None) -> None:
        self._tell = tell
        self._opening: list[Line] = []
        self._lines: list[Line] = []
        self._is_opening = True
        self._has_auth = False
        self._kept = 0
        self._omitted = 0

    def client(self, line: bytes, event: Request | BadRequest) -> None:
        """A command line. What may be part of a log-in is masked, also where it was no good."""
        verb = line[:5].upper()
        if verb == b"AUTH ":
            self._has_auth = True
            _, mechanism, *secret = line.split(b" ", 2)
            line = b" ".join([b"AUTH", mechanism, *([MASK] if secret else [])])
        elif type(event) is BadRequest and self._has_auth and event.reply.code in (500, 501, 421):
            line = MASK
        elif self._is_opening and verb == b"MAIL ":
            self._end_opening()
        self._add(CLIENT, line.decode("utf-8", "surrogateescape"))

    def secret(self, line: bytes) -> None:
        """A line of a log-in."""
        if line[:5].upper() == b"AUTH ":
            self.client(line, Request(Auth(""), Reply(0)))
        else:
            self._add(CLIENT, MASK.decode())

    def body(self, size: int) -> None:
        """A message of `size` octets."""
        self._add(CLIENT, f"[{size} octets of message]")

    def server(self, reply: Reply) -> None:
        """What was answered."""
        self._add(SERVER, _said(reply))

    def note(self, text: str) -> None:
        """What happened beside the dialogue."""
        self._add(NOTE, text)

    def verdict(self, reply: Reply) -> None:
        """What was answered to a message; its lines, of which `take` gave a copy, are forgotten."""
        if self._tell:
            self._tell(SERVER, _said(reply))
        self._forget()

    def take(self, reply: Reply) -> list[Line]:
        """The lines of the message that will be answered with `reply`, after those of the opening."""
        lines = [*self._opening, *self._lines, Line(time.time(), SERVER, _said(reply))]
        if self._omitted:
            lines.append(Line(time.time(), NOTE, f"{self._omitted} lines left out"))
        return lines

    def _forget(self) -> None:
        self._lines = []
        self._kept = self._omitted = 0

    def _end_opening(self) -> None:
        self._is_opening = False
        self._opening, self._lines = self._lines, []
        self._kept = 0

    def _add(self, who: str, text: str) -> None:
        if self._tell:
            self._tell(who, text)
        if self._kept > MAX_KEPT:
            self._omitted += 1
            return
        self._kept += len(text)
        self._lines.append(Line(time.time(), who, text))


@lru_cache(maxsize=256)
def _said(reply: Reply) -> str:
    """A reply as it goes on the wire, lines parted by newlines."""
    return reply.to_bytes().decode("utf-8", "surrogateescape").rstrip("\r\n").replace("\r\n", "\n")
