"""A scripted POP3 server on loopback: right by default, wrong where a test says so."""

import base64
import hashlib
import hmac
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

USER, PASSWORD, TIMESTAMP = "user", "pencil", "<1896.697170952@pop.test>"
CAPABILITIES = (
    "TOP",
    "UIDL",
    "USER",
    "PIPELINING",
    "RESP-CODES",
    "AUTH-RESP-CODE",
    "SASL PLAIN LOGIN CRAM-MD5",
)

Say = Callable[[str, str], bytes | None]
"""Given a verb and its argument: what to answer in place of the right answer, or None. b"" cuts the line."""


@dataclass
class Drop:
    """A maildrop: messages with CRLF newlines by unique-id, in order; UIDL leaves out those with None."""

    messages: list[tuple[str | None, bytes]] = field(default_factory=list)

    def octets(self) -> list[bytes]:
        return [message for _, message in self.messages]


class Server:
    """Serves `drop` to one connection after another until it is closed."""

    def __init__(
        self,
        drop: Drop,
        *,
        say: Say | None = None,
        capabilities: Iterable[str] | None = CAPABILITIES,
        fuse: int | None = None,
        tls: ssl.SSLContext | None = None,
        implicit: bool = False,
    ) -> None:
        self.drop = drop
        self.say: Say = say or (lambda _verb, _argument: None)
        self.capabilities = None if capabilities is None else tuple(capabilities)
        self.fuse = fuse
        self.tls = tls
        self.implicit = implicit
        self.heard: list[str] = []
        self.most_at_once = 0
        self.quits = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # which wakes accept()
        self._listener.close()
        self._thread.join(5)

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            session = _Session(self, connection)
            try:
                session.run()
            except (OSError, ValueError):
                continue
            finally:
                session.connection.close()


class _Session:
    def __init__(self, server: Server, connection: socket.socket) -> None:
        self.server = server
        self.connection = connection
        self.pending = b""
        self.left = server.fuse
        self.deleted: set[int] = set()
        self.user = ""

    def run(self) -> None:
        if self.server.implicit:
            self._start_tls()
        self._send(self.server.say("GREETING", "") or b"+OK ready %b\r\n" % TIMESTAMP.encode())
        while (line := self._line()) is not None:
            verb, _, argument = line.partition(" ")
            self.server.heard.append(line)
            answer = self.server.say(verb.upper(), argument)
            if answer == b"":
                return
            self._send(self._answer(verb.upper(), argument) if answer is None else answer)
            if verb.upper() == "STLS" and answer is None:
                self._start_tls()
            if verb.upper() == "QUIT":
                return

    def _start_tls(self) -> None:
        assert self.server.tls
        self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
        self.pending = b""

    def _line(self) -> str | None:
        while b"\r\n" not in self.pending:
            data = self.connection.recv(65536)
            if not data:
                return None
            self.pending += data
        self.server.most_at_once = max(self.server.most_at_once, self.pending.count(b"\r\n"))
        line, _, self.pending = self.pending.partition(b"\r\n")
        return line.decode("utf-8")

    def _send(self, octets: bytes) -> None:
        if self.left is not None:
            octets, self.left = octets[: self.left], self.left - len(octets)
        self.connection.sendall(octets)
        if self.left is not None and self.left <= 0:
            raise ConnectionAbortedError("the fuse has burnt")

    def _answer(self, verb: str, argument: str) -> bytes:
        method = getattr(self, f"_{verb.lower()}", None)
        answer: bytes = method(argument) if method else b"-ERR unknown command\r\n"
        return answer

    def _capa(self, _: str) -> bytes:
        if self.server.capabilities is None:
            return b"-ERR what?\r\n"
        offered = list(self.server.capabilities)
        if self.server.tls and not isinstance(self.connection, ssl.SSLSocket):
            offered.append("STLS")
        return _listing("capabilities", offered)

    def _stls(self, _: str) -> bytes:
        return b"+OK go on\r\n"

    def _utf8(self, _: str) -> bytes:
        return b"+OK\r\n"

    def _user(self, argument: str) -> bytes:
        self.user = argument
        return b"+OK\r\n"

    def _pass(self, argument: str) -> bytes:
        return _verdict((self.user.removeprefix("recent:"), argument) == (USER, PASSWORD))

    def _apop(self, argument: str) -> bytes:
        digest = hashlib.md5((TIMESTAMP + PASSWORD).encode()).hexdigest()
        return _verdict(argument == f"{USER} {digest}")

    def _auth(self, argument: str) -> bytes:
        mechanism, _, initial = argument.partition(" ")
        if mechanism == "PLAIN":
            octets = base64.b64decode(initial or self._ask(b""))
            return _verdict(octets == f"\0{USER}\0{PASSWORD}".encode())
        if mechanism == "LOGIN":
            name, secret = base64.b64decode(self._ask(b"User:")), base64.b64decode(self._ask(b"Password:"))
            return _verdict((name, secret) == (USER.encode(), PASSWORD.encode()))
        if mechanism == "CRAM-MD5":
            digest = hmac.new(PASSWORD.encode(), TIMESTAMP.encode(), "md5").hexdigest()
            return _verdict(base64.b64decode(self._ask(TIMESTAMP.encode())) == f"{USER} {digest}".encode())
        return b"-ERR unknown mechanism\r\n"

    def _ask(self, challenge: bytes) -> str:
        self._send(b"+ " + base64.b64encode(challenge) + b"\r\n")
        return self._line() or ""

    def _there(self) -> list[tuple[int, str | None, bytes]]:
        every = enumerate(self.server.drop.messages, 1)
        return [(number, uid, message) for number, (uid, message) in every if number not in self.deleted]

    def _stat(self, _: str) -> bytes:
        there = self._there()
        return b"+OK %d %d\r\n" % (len(there), sum(len(message) for _, _, message in there))

    def _list(self, argument: str) -> bytes:
        rows = [f"{number} {len(message)}" for number, _, message in self._there()]
        return self._rows(rows, argument)

    def _uidl(self, argument: str) -> bytes:
        return self._rows(
            [f"{number} {uid}" for number, uid, _ in self._there() if uid is not None], argument
        )

    def _rows(self, rows: list[str], argument: str) -> bytes:
        if not argument:
            return _listing("follows", rows)
        found = [row for row in rows if row.startswith(f"{argument} ")]
        return f"+OK {found[0]}\r\n".encode() if found else b"-ERR no such message\r\n"

    def _message(self, number: str) -> bytes | None:
        found = [message for at, _, message in self._there() if str(at) == number]
        return found[0] if found else None

    def _retr(self, argument: str) -> bytes:
        message = self._message(argument)
        if message is None:
            return b"-ERR no such message\r\n"
        return b"+OK %d octets\r\n" % len(message) + stuffed(message)

    def _top(self, argument: str) -> bytes:
        number, _, count = argument.partition(" ")
        message = self._message(number)
        if message is None:
            return b"-ERR no such message\r\n"
        header, _, body = message.partition(b"\r\n\r\n")
        lines = b"".join(body.splitlines(keepends=True)[: int(count)])
        return b"+OK\r\n" + stuffed(header + b"\r\n\r\n" + lines)

    def _dele(self, argument: str) -> bytes:
        if self._message(argument) is None:
            return b"-ERR no such message\r\n"
        self.deleted.add(int(argument))
        return b"+OK gone\r\n"

    def _noop(self, _: str) -> bytes:
        return b"+OK\r\n"

    def _rset(self, _: str) -> bytes:
        self.deleted.clear()
        return b"+OK\r\n"

    def _quit(self, _: str) -> bytes:
        self.server.quits += 1
        messages = enumerate(self.server.drop.messages, 1)
        self.server.drop.messages = [row for number, row in messages if number not in self.deleted]
        return b"+OK bye\r\n"


def stuffed(message: bytes) -> bytes:
    """A message as it goes on the wire, the dot line after it."""
    lines = message.removesuffix(b"\r\n").split(b"\r\n")
    return b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines) + b".\r\n"


def _listing(text: str, rows: Iterable[str]) -> bytes:
    return f"+OK {text}\r\n".encode() + b"".join(f"{row}\r\n".encode() for row in rows) + b".\r\n"


def _verdict(is_right: bool) -> bytes:
    return b"+OK welcome\r\n" if is_right else b"-ERR [AUTH] no\r\n"
