"""A message while it is received, and what is known of it when it is there."""

import json
import mmap
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from json.encoder import encode_basestring

from blaze.core.mail.header import Buffer
from blaze.core.net.drafts import Draft
from blaze.core.net.sessionlog import Line, Said, text_of
from blaze.core.smtp import commands
from blaze.core.smtp.commands import Ehlo, Helo, Lhlo
from blaze.core.smtp.server import Transaction
from blaze.core.store import atomic

SPILL = 1 << 17
"""Octets of a message held in memory; a larger one goes to a file while it comes."""

MAX_CHUNKS = 256
"""Pieces of a message in memory before they are joined: each costs some forty octets of its own. Ours."""

SCHEMA = "blaze.srv.envelope/1"

_to_json = json.JSONEncoder(ensure_ascii=False).encode


class Body:
    """The octets of a message as they come. `spill` opens the file they go to when they are many.

    A failure to write is kept in `failure`; the rest is then dropped.
    """

    __slots__ = ("_chunks", "_spill", "failure", "file", "size")

    def __init__(self, spill: Callable[[], Draft]) -> None:
        self._spill = spill
        self._chunks: list[bytes] = []
        self.size = 0
        self.file: Draft | None = None
        self.failure: OSError | None = None

    def write(self, chunk: bytes) -> None:
        """Take the next octets."""
        self.size += len(chunk)
        if self.failure:
            return
        try:
            if self.file:
                atomic.write_all(self.file.fd, chunk)
            else:
                self._chunks.append(chunk)
                if self.size > SPILL:
                    self.file = self._spill()
                    atomic.write_all(self.file.fd, self.octets())
                    self._chunks.clear()
                elif len(self._chunks) > MAX_CHUNKS:
                    self.octets()
        except OSError as error:
            self._chunks.clear()
            self.failure = error

    def octets(self) -> bytes:
        """All of a message that is in memory, joined to one piece."""
        if len(self._chunks) > 1:
            self._chunks = [b"".join(self._chunks)]
        return self._chunks[0] if self._chunks else b""

    def buffer(self) -> Buffer:
        """The whole message: as bytes, or mapped from its file."""
        if self.file is None:
            return self.octets()
        return mmap.mmap(self.file.fd, 0, access=mmap.ACCESS_READ)

    def discard(self) -> None:
        """Forget the message, and close its file."""
        self._chunks.clear()
        if self.file:
            self.file.close()
            self.file = None


class Nowhere(Body):
    """A body that is only counted."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(lambda: Draft(-1))

    def write(self, chunk: bytes) -> None:
        """Count the octets."""
        self.size += len(chunk)


@dataclass(slots=True)
class Arrival:
    """A message with its envelope. `time` is when it was complete, in seconds since 1970."""

    session: str
    client: tuple[str, int]
    hello: Ehlo | Helo | Lhlo
    tls: str | None
    identity: str | None
    transaction: Transaction
    body: Body
    time: float = 0.0
    transcript: list[Line] = field(default_factory=list)

    @property
    def recipients(self) -> list[str]:
        """The forward-paths, in their order."""
        return [recipient.forward_path for recipient in self.transaction.recipients]

    def envelope_line(self, path: str | None) -> bytes:
        """What is stored beside the message that lies at `path`: one line of JSON.

        Octets that are no UTF-8 become `\\udcXX`.
        """
        transcript = ", ".join(
            [_moment(int(1000 * when)) + _line(who, said) for when, who, said in self.transcript]
        )
        envelope = f'{{{self._envelope(path)}, "transcript": [{transcript}]}}\n'
        return envelope.encode("utf-8", "backslashreplace")

    def _envelope(self, path: str | None) -> str:
        """All but the transcript. Written out: that takes 4 us where a dictionary and `json` took 12."""
        transaction = self.transaction
        recipients = transaction.recipients
        return (
            f'"schema": "{SCHEMA}", "time": "{rfc3339(self.time)}", "session": {_text(self.session)}, '
            f'"path": {_text(path)}, "from": {_text(transaction.reverse_path)}, '
            f'"to": [{", ".join(map(_text, self.recipients))}], "size": {self.body.size}, '
            f'"client": {{"host": {_text(self.client[0])}, "port": {self.client[1]}}}, '
            f'"hello": {{"verb": "{commands.verb(self.hello)}", "name": {_text(self.hello.name)}}}, '
            f'"tls": {_text(self.tls)}, "user": {_text(self.identity)}, '
            f'"mail_parameters": {_parameters(transaction.parameters)}, '
            f'"rcpt_parameters": [{", ".join([_parameters(one.parameters) for one in recipients])}]'
        )


def _parameters(parameters: Mapping[str, str | None]) -> str:
    return _to_json(parameters) if parameters else "{}"


def _text(text: str | None) -> str:
    return "null" if text is None else encode_basestring(text)


@lru_cache(maxsize=64)
def _moment(milliseconds: int) -> str:
    """The beginning of a line's JSON."""
    return f'{{"time": "{_rfc3339(milliseconds)}", '


@lru_cache(maxsize=256)
def _line(who: str, said: Said) -> str:
    """The end of a line's JSON; the same lines come in session after session."""
    return f'"from": "{who}", "text": {encode_basestring(text_of(said))}}}'


def rfc3339(moment: float) -> str:
    """Seconds since 1970 as RFC 3339 in UTC, with milliseconds."""
    return _rfc3339(int(moment * 1000))


@lru_cache(maxsize=64)
def _rfc3339(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{_second(seconds)}.{rest:03}Z"


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
