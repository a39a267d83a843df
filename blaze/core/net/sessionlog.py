"""What was said in a session, as it is stored beside a message: lines with times, secrets masked."""

import time
from collections.abc import Callable

from blaze.core.net.transcript import MASK
from blaze.core.sasl.lines import is_mechanism_name
from blaze.core.smtp.commands import Auth
from blaze.core.smtp.events import BadRequest, Request
from blaze.core.smtp.grammar import Reply

MAX_OPENING = 1 << 14
"""Octets of text kept of a session's opening, which is stored with each of its messages; ours."""

MAX_KEPT = 1 << 18
"""Octets of text kept of each transaction; the rest is counted. Ours."""

LINE_OVERHEAD = 64
"""What a line costs beside its text, as it is counted; ours."""

CLIENT, SERVER, NOTE = "client", "server", "note"

Tell = Callable[[str, str], object]
"""Told each line as it is said: who (`client`, `server`, `note`), and the line."""


Said = bytes | Reply | str
"""A line of the client's, a reply of the server's, or a note: made text when somebody reads it."""

Line = tuple[float, str, Said]
"""Seconds since 1970, who said it (`client`, `server`, `note`), and what."""


def text_of(said: Said) -> str:
    """What was said, as text: lines parted by newlines, octets that are no UTF-8 as surrogate escapes."""
    if isinstance(said, bytes):
        return said.decode("utf-8", "surrogateescape")
    if isinstance(said, str):
        return said
    return said.to_bytes().decode("utf-8", "surrogateescape").rstrip("\r\n").replace("\r\n", "\n")


def _masked(line: bytes) -> bytes:
    """An AUTH command, well-formed or not, with its mechanism alone."""
    verb, *rest = line.split(None, 2)
    shown = [b"AUTH"]
    if rest and len(verb) == len(b"AUTH") and is_mechanism_name(rest[0].decode("latin-1")):
        shown.append(rest.pop(0))
    return b" ".join([*shown, MASK] if rest else shown)


class SessionLog:
    """The lines of one session: its opening (up to the first message), and those since the last message."""

    __slots__ = ("_has_auth", "_is_opening", "_left", "_lines", "_omitted", "_opening", "_tell")

    def __init__(self, tell: Tell | None) -> None:
        self._tell = tell
        self._opening: list[Line] = []
        self._lines: list[Line] = []
        self._is_opening = True
        self._has_auth = False
        self._left = MAX_OPENING
        self._omitted = 0

    def client(self, line: bytes, event: Request | BadRequest) -> None:
        """A command line. What may be part of a log-in is masked, also where it was no good."""
        if self._has_auth or line[:1] in b"AaMm \t":
            line = self._watch(line, event)
        self._add(CLIENT, line, len(line))

    def _watch(self, line: bytes, event: Request | BadRequest) -> bytes:
        """The line with its secret masked. The first message ends the opening."""
        if line.lstrip(b" \t")[:4].upper() == b"AUTH":
            self._has_auth = True
            return _masked(line)
        if type(event) is BadRequest and self._has_auth and event.reply.code in (500, 501, 421):
            return MASK
        if self._is_opening and line[:5].upper() == b"MAIL ":
            self._end_opening()
        return line

    def secret(self, line: bytes) -> None:
        """A line of a log-in."""
        if line[:5].upper() == b"AUTH ":
            self.client(line, Request(Auth(""), Reply(0)))
        else:
            self._add(CLIENT, MASK, len(MASK))

    def body(self, size: int) -> None:
        """A message of `size` octets."""
        text = f"[{size} octets of message]"
        self._add(CLIENT, text, len(text))

    def server(self, reply: Reply) -> None:
        """What was answered."""
        self._add(SERVER, reply, len(reply.text))

    def note(self, text: str) -> None:
        """What happened beside the dialogue."""
        self._add(NOTE, text, len(text))

    def verdict(self, reply: Reply) -> None:
        """What was answered to a message; its lines, of which `take` gave a copy, are forgotten."""
        if self._tell:
            self._tell(SERVER, text_of(reply))
        self._lines = []
        self._left = MAX_OPENING if self._is_opening else MAX_KEPT
        self._omitted = 0

    def take(self, reply: Reply) -> list[Line]:
        """The lines of the message that will be answered with `reply`, after those of the opening."""
        lines: list[Line] = [*self._opening, *self._lines, (time.time(), SERVER, reply)]
        if self._omitted:
            lines.append((time.time(), NOTE, f"{self._omitted} lines left out"))
        return lines

    def _end_opening(self) -> None:
        self._is_opening = False
        self._opening, self._lines = self._lines, []
        self._left = MAX_KEPT

    def _add(self, who: str, said: Said, size: int) -> None:
        if self._tell:
            self._tell(who, text_of(said))
        self._left -= LINE_OVERHEAD + size
        if self._left >= 0:
            self._lines.append((time.time(), who, said))
        else:
            self._omitted += 1
