"""The server over sockets: attacks, limits, policy, the end of sessions; clients are asyncio streams."""

import asyncio
import base64
import contextlib
import os
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from blaze.core import sasl
from blaze.core.errors import BlazeError, InputOutputError
from blaze.core.net import tls
from blaze.core.net.accounts import USER_MECHANISMS, Users
from blaze.core.net.arrival import Arrival, Body
from blaze.core.net.drafts import Draft
from blaze.core.net.poller import BEST_POLLER, Poller
from blaze.core.net.server import Listening, Server, is_loopback
from blaze.core.net.session import MAX_REPLIES
from blaze.core.net.sink import Outcome
from blaze.core.net.tls import make_certificates, server_context
from blaze.core.smtp import Reply, ServerConnection, ServerOptions
from blaze.core.smtp.commands import Ehlo, Rcpt
from blaze.core.smtp.events import MessageEnd, Request, ServerEvent
from tests.fuzz.fuzz_smtp_session import fuzz_smtp_session

ENVELOPE = b"EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n"
EHLO_LINES = 10


class Kept:
    """A sink that keeps messages in memory; `gate` holds up storing until it is set."""

    def __init__(self, *, is_quick: bool = True) -> None:
        self.is_quick = is_quick
        self.messages: list[bytes] = []
        self.batches: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.error: BlazeError | None = None

    def open(self) -> Body:
        return Body(lambda: Draft(os.memfd_create("body")))

    def store(self, arrivals: Sequence[Arrival]) -> list[Outcome]:
        assert self.gate.wait(20)
        self.batches.append(len(arrivals))
        if self.error:
            return [self.error] * len(arrivals)
        self.messages += [bytes(arrival.body.buffer()) for arrival in arrivals]
        for arrival in arrivals:
            arrival.body.discard()
        return ["kept"] * len(arrivals)

    def close(self) -> None:
        pass


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def write(self, octets: bytes) -> None:
        self.writer.write(octets)

    async def codes(self, count: int) -> list[int]:
        """The codes of so many replies."""
        found = []
        while len(found) < count:
            line = await asyncio.wait_for(self.reader.readline(), 10)
            if not line:
                found.append(0)
            elif line[3:4] == b" ":
                found.append(int(line[:3]))
        return found

    async def rest(self) -> bytes:
        """All until the server closes."""
        return await asyncio.wait_for(self.reader.read(), 10)

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


class Running:
    """A server in this loop."""

    def __init__(self, server: Server, sink: Kept, events: list[dict[str, Any]]) -> None:
        self.server = server
        self.sink = sink
        self.events = events
        self.port = 0
        self.clients: list[Client] = []

    async def connect(self, **tls: Any) -> Client:
        client = Client(*await asyncio.open_connection("127.0.0.1", self.port, **tls))
        self.clients.append(client)
        return client

    def named(self, name: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == name]


POLLERS = pytest.mark.parametrize("poller", sorted({Poller, BEST_POLLER}, key=lambda kind: kind.__name__))

Scenario = Callable[[Running], Awaitable[None]]


def play(
    scenario: Scenario,
    options: Listening | None = None,
    sink: Kept | None = None,
    policy: Callable[[ServerConnection, ServerEvent], Reply | None] | None = None,
    poller: type[Poller] = BEST_POLLER,
) -> Running:
    async def main() -> Running:
        kept = sink or Kept()
        events: list[dict[str, Any]] = []
        server = Server(
            options or Listening(port=0),
            kept,
            lambda event, _: events.append(event),
            policy=policy,
            make_poller=poller,
        )
        running = Running(server, kept, events)
        ready = asyncio.Event()

        def listening(_: str, port: int) -> None:
            running.port = port
            ready.set()

        task = asyncio.create_task(server.run(listening))
        await ready.wait()
        try:
            await scenario(running)
        finally:
            kept.gate.set()
            for client in running.clients:
                await client.close()
            server.stop()
            await asyncio.wait_for(task, 20)
        return running

    return asyncio.run(main())


def listening(**options: Any) -> Listening:
    return Listening(port=0, smtp=ServerOptions(**options))


# Attacks.

SMUGGLED = b"MAIL FROM:<evil@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nevil\r\n.\r\n"
SMUGGLING = [
    ("LF . LF", b"a\n.\n"),
    ("LF . CRLF", b"a\n.\r\n"),
    ("CR . CRLF", b"a\r.\r\n"),
    ("CR . CR", b"a\r.\r"),
    ("CRLF . LF", b"a\r\n.\n"),
    ("CRLF . CR", b"a\r\n.\r"),
    ("CRLF NUL . CRLF", b"a\r\n\0.\r\n"),
    ("LF LF . CR CRLF", b"a\n\n.\r\r\n"),
]


@pytest.mark.parametrize(("name", "sequence"), SMUGGLING, ids=[name for name, _ in SMUGGLING])
@pytest.mark.parametrize("is_bytewise", [False, True])
def test_server_ends_data_at_crlf_dot_crlf_alone(name: str, sequence: bytes, is_bytewise: bool) -> None:
    is_clean = "NUL" in name

    async def scenario(running: Running) -> None:
        client = await running.connect()
        client.write(ENVELOPE + b"DATA\r\n")
        assert await client.codes(5) == [220, 250, 250, 250, 354]
        octets = sequence + SMUGGLED
        for piece in [octets[n : n + 1] for n in range(len(octets))] if is_bytewise else [octets]:
            client.write(piece)
            if is_bytewise:
                await asyncio.sleep(0)
        client.write(b"NOOP\r\n")
        assert await client.codes(2) == [250 if is_clean else 550, 250]

    running = play(scenario)
    assert len(running.sink.messages) == is_clean


def test_server_says_5_6_11_to_bare_newlines() -> None:
    async def scenario(running: Running) -> None:
        client = await running.connect()
        client.write(ENVELOPE + b"DATA\r\na\nb\r\n.\r\nQUIT\r\n")
        assert b"\r\n550 5.6.11 " in await client.rest()

    assert play(scenario).sink.messages == []


def test_server_normalizes_bare_newlines_when_asked() -> None:
    async def scenario(running: Running) -> None:
        client = await running.connect()
        client.write(ENVELOPE + b"DATA\r\na\n.\nb\rc\r\n.\r\nQUIT\r\n")
        assert await client.codes(7) == [220, 250, 250, 250, 354, 250, 221]

    assert play(scenario, listening(normalize_newlines=True)).sink.messages == [b"a\r\n.\r\nb\r\nc\r\n"]


def test_server_takes_bdat_octets_as_they_are() -> None:
    async def scenario(running: Running) -> None:
        client = await running.connect()
        client.write(ENVELOPE + b"BDAT 4\r\na\n.\nBDAT 3 LAST\r\n\r.\0QUIT\r\n")
        assert await client.codes(7) == [220, 250, 250, 250, 250, 250, 221]

    assert play(scenario).sink.messages == [b"a\n.\n\r.\0"]


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ssl.SSLContext, ssl.SSLContext]]:
    folder = tmp_path_factory.mktemp("tls")
    made = make_certificates(["localhost"], datetime.now(UTC))
    (folder / "pem").write_bytes(made.chain + made.key)
    yield server_context(str(folder / "pem")), ssl.create_default_context(cadata=made.authority.decode())


Contexts = tuple[ssl.SSLContext, ssl.SSLContext]


@pytest.mark.parametrize(
    "injected",
    [b"EHLO evil\r\n", b"MAIL FROM:<evil@b>\r\n", b"\r\n", b"x"],
    ids=["EHLO", "MAIL", "CRLF", "x"],
)
def test_server_drops_a_client_that_injects_commands_before_tls(injected: bytes, contexts: Contexts) -> None:
    async def scenario(running: Running) -> None:
        client = await running.connect()
        client.write(b"EHLO x\r\n")
        await client.codes(2)
        client.write(b"STARTTLS\r\n" + injected)
        assert await client.rest() == b""

    options = Listening(port=0, smtp=ServerOptions(starttls=True), starttls=contexts[0])
    running = play(scenario, options)
    assert running.named("error")[0]["what"] == "commands in clear after STARTTLS"
    assert running.named("quit")[0]["reason"] == "dropped"


def test_server_drops_a_client_that_goes_on_in_clear_after_starttls(contexts: Contexts) -> None:
    async def scenario(running: Running) -> None:
        client = await running.connect()
        client.write(b"EHLO x\r\nSTARTTLS\r\n")
        assert await client.codes(3) == [220, 250, 220]
        client.write(b"MAIL FROM:<evil@b>\r\n")
        assert b"2" not in (await client.rest())[:1]

    options = Listening(port=0, smtp=ServerOptions(starttls=True), starttls=contexts[0])
    assert "TLS failed" in play(scenario, options).named("error")[0]["what"]


@POLLERS
def test_server_starts_afresh_after_starttls(poller: type[Poller], contexts: Contexts) -> None:
    async def scenario(running: Running) -> None:
        client = await running.connect()
        client.write(ENVELOPE + b"RSET\r\nSTARTTLS\r\n")
        assert await client.codes(6) == [220, 250, 250, 250, 250, 220]
        await client.writer.start_tls(contexts[1], server_hostname="localhost")
        client.write(b"MAIL FROM:<a@b>\r\n" + ENVELOPE + b"DATA\r\nin tls\r\n.\r\nSTARTTLS\r\nQUIT\r\n")
        assert await client.codes(8) == [503, 250, 250, 250, 354, 250, 503, 221]

    options = Listening(port=0, smtp=ServerOptions(starttls=True), starttls=contexts[0])
    assert play(scenario, options, poller=poller).sink.messages == [b"in tls\r\n"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "PLAIN"])
def test_server_binds_log_ins_to_the_channel(
    version: ssl.TLSVersion, mechanism: str, contexts: Contexts, tmp_path: Path
) -> None:
    """Our own client's view of the channel binding agrees with the server's."""
    made = make_certificates(["localhost"], datetime.now(UTC))
    (tmp_path / "pem").write_bytes(made.chain + made.key)
    (tmp_path / "ca").write_bytes(made.authority)
    context = server_context(str(tmp_path / "pem"))
    context.maximum_version = version
    der = ssl.PEM_cert_to_DER_cert(made.chain.decode().split("-----END")[0] + "-----END CERTIFICATE-----\n")

    def talk(port: int) -> bytes:
        with socket.create_connection(("127.0.0.1", port)) as clear:
            secured = tls.start_tls(clear, "localhost", tls.TLSOptions(cafile=str(tmp_path / "ca")), 10)
            with secured, secured.makefile("rwb", buffering=0) as lines:
                half = sasl.client(
                    mechanism,
                    sasl.Credentials("user", "pencil"),
                    nonce="n",
                    binding=tls.channel_binding(secured) if mechanism.endswith("-PLUS") else None,
                )
                lines.readline()
                lines.write(b"EHLO x\r\n")
                while lines.readline()[3:4] == b"-":
                    pass
                lines.write(b"AUTH %s %s\r\n" % (mechanism.encode(), base64.b64encode(half.start() or b"")))
                while (said := lines.readline()).startswith(b"334"):
                    lines.write(base64.b64encode(half.respond(base64.b64decode(said[4:]))) + b"\r\n")
                return bytes(said)

    async def scenario(running: Running) -> None:
        said = await asyncio.to_thread(talk, running.port)
        assert said.startswith(b"235 "), said

    options = Listening(
        port=0,
        smtp=ServerOptions(mechanisms=USER_MECHANISMS),
        implicit_tls=context,
        certificate=der,
        accounts=Users({"user": "pencil"}),
    )
    play(scenario, options)


# Limits.


def test_server_refuses_size_at_mail_and_while_reading() -> None:
    async def scenario(running: Running) -> None:
        client = await running.connect()
        client.write(b"EHLO x\r\nMAIL FROM:<a@b> SIZE=1001\r\n")
        assert await client.codes(3) == [220, 250, 552]
        client.write(
            b"MAIL FROM:<a@b> SIZE=1000\r\nRCPT TO:<c@d>\r\nDATA\r\n" + b"x" * 5_000_000 + b"\r\n.\r\n"
        )
        client.write(b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nBDAT 2000 LAST\r\n" + b"x" * 2000 + b"NOOP\r\n")
        assert await client.codes(8) == [250, 250, 354, 552, 250, 250, 552, 250]

    assert play(scenario, listening(max_size=1000)).sink.messages == []


def test_server_answers_a_command_line_without_end() -> None:
    async def scenario(running: Running) -> None:
        client = await running.connect()
        for _ in range(100):
            client.write(b"x" * 65536)
        client.write(b"\r\nNOOP\r\n")
        assert await client.codes(3) == [220, 500, 250]

    play(scenario)


def test_server_takes_so_many_recipients_and_no_more() -> None:
    async def scenario(running: Running) -> None:
        client = await running.connect()
        client.write(ENVELOPE + b"RCPT TO:<e@f>\r\nRCPT TO:<g@h>\r\nDATA\r\n.\r\n")
        assert await client.codes(8) == [220, 250, 250, 250, 250, 452, 354, 250]

    running = play(scenario, listening(max_recipients=2))
    assert running.named("mail")[0]["to"] == ["c@d", "e@f"]


def test_server_turns_away_more_than_max_connections() -> None:
    async def scenario(running: Running) -> None:
        first, second = await running.connect(), await running.connect()
        assert await first.codes(1) + await second.codes(1) == [220, 220]
        third = await running.connect()
        assert await third.rest() == b"421 4.7.0 Too many connections\r\n"
        first.write(b"QUIT\r\n")
        assert (await first.rest()).startswith(b"221 ")
        fourth = await running.connect()
        assert await fourth.codes(1) == [220]

    play(scenario, Listening(port=0, max_connections=2))


@pytest.mark.parametrize(
    "octets",
    [b"", b"NOO", ENVELOPE, ENVELOPE + b"DATA\r\nhalf", ENVELOPE + b"BDAT 100\r\nhalf"],
    ids=["silent", "half a command", "envelope", "half a body", "half a chunk"],
)
def test_server_ends_an_idle_session(octets: bytes) -> None:
    async def scenario(running: Running) -> None:
        client = await running.connect()
        client.write(octets)
        assert b"421 4.4.2 " in await client.rest()

    running = play(scenario, Listening(port=0, idle_timeout=0.3))
    assert running.named("quit")[0]["reason"] == "timeout"
    assert running.sink.messages == []


@pytest.mark.parametrize("begun", [b"", ENVELOPE + b"DATA\r\n"], ids=["command", "body"])
def test_server_ends_a_session_that_trickles(begun: bytes) -> None:
    async def scenario(running: Running) -> None:
        client = await running.connect()
        client.write(begun)
        for _ in range(60):
            client.write(b"x")
            await asyncio.sleep(0.05)
            if running.named("error"):
                break
        assert b"421 4.4.2 " in await client.rest()

    play(scenario, Listening(port=0, idle_timeout=0.3))


def test_server_lets_a_slow_body_that_makes_progress_go_on() -> None:
    async def scenario(running: Running) -> None:
        client = await running.connect()
        client.write(ENVELOPE + b"DATA\r\n")
        for _ in range(10):
            client.write(b"x" * 1024)
            await asyncio.sleep(0.1)
        client.write(b"\r\n.\r\n")
        assert await client.codes(6) == [220, 250, 250, 250, 354, 250]

    play(scenario, Listening(port=0, idle_timeout=0.5))


def test_server_ends_a_handshake_that_does_not_come(contexts: Contexts) -> None:
    async def scenario(running: Running) -> None:
        client = await running.connect()
        assert await client.rest() == b""

    play(scenario, Listening(port=0, implicit_tls=contexts[0], idle_timeout=0.3))


@pytest.mark.parametrize("octets", [b"", b"\x16\x03\x01"], ids=["nothing", "a beginning"])
@pytest.mark.parametrize("is_implicit", [True, False], ids=["implicit TLS", "STARTTLS"])
def test_server_lets_a_client_go_that_breaks_off_the_handshake(
    is_implicit: bool, octets: bytes, contexts: Contexts
) -> None:
    async def scenario(running: Running) -> None:
        client = await running.connect()
        if not is_implicit:
            client.write(b"EHLO x\r\nSTARTTLS\r\n")
            assert await client.codes(3) == [220, 250, 220]
        client.write(octets)
        client.writer.write_eof()
        assert await client.rest() == b""
        assert running.named("quit")[0]["reason"] == "closed"

    starttls = Listening(port=0, smtp=ServerOptions(starttls=True), starttls=contexts[0])
    play(scenario, Listening(port=0, implicit_tls=contexts[0]) if is_implicit else starttls)


@POLLERS
def test_server_stops_reading_from_a_client_that_does_not_read(poller: type[Poller]) -> None:
    async def scenario(running: Running) -> None:
        loop = asyncio.get_running_loop()
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.setblocking(False)
            await loop.sock_connect(client, ("127.0.0.1", running.port))
            sent = 0
            with contextlib.suppress(TimeoutError, ConnectionError):
                while sent < 200 << 20:
                    await asyncio.wait_for(loop.sock_sendall(client, b"HELP\r\n" * 10000), 1)
                    sent += 60000
        assert sent < 100 << 20
        other = await running.connect()
        assert await other.codes(1) == [220]

    play(scenario, Listening(port=0, idle_timeout=2), poller=poller)


@POLLERS
@pytest.mark.parametrize("is_quick", [True, False])
def test_server_answers_all_of_many_commands_at_once(poller: type[Poller], is_quick: bool) -> None:
    count = MAX_REPLIES + 20

    async def scenario(running: Running) -> None:
        client = await running.connect()
        message = b"NOOP\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nBDAT 2 LAST\r\n%c\n"
        client.write(b"EHLO x\r\n" + b"".join(message % (65 + n % 26) for n in range(count)) + b"QUIT\r\n")
        client.writer.write_eof()
        assert await client.codes(2 + 4 * count + 1) == [220, 250] + [250] * 4 * count + [221]
        assert await client.rest() == b""

    running = play(scenario, sink=Kept(is_quick=is_quick), poller=poller)
    assert running.sink.messages == [b"%c\n" % (65 + n % 26) for n in range(count)]


def test_server_gives_others_their_turn_between_many_commands() -> None:
    seen: list[type] = []

    def policy(_: ServerConnection, event: ServerEvent) -> None:
        if isinstance(event, Request):
            seen.append(type(event.command))

    async def scenario(running: Running) -> None:
        greedy, other = await running.connect(), await running.connect()
        assert await greedy.codes(1) + await other.codes(1) == [220, 220]
        greedy.write(b"NOOP\r\n" * 50 * MAX_REPLIES)
        other.write(b"EHLO x\r\n")
        assert await other.codes(1) == [250]
        assert await greedy.codes(50 * MAX_REPLIES) == [250] * 50 * MAX_REPLIES

    play(scenario, policy=policy)
    assert seen.index(Ehlo) <= 2 * MAX_REPLIES


@pytest.mark.parametrize("before", [MAX_REPLIES - 3, MAX_REPLIES - 2, MAX_REPLIES - 1, MAX_REPLIES])
def test_server_drops_injected_commands_wherever_its_turns_end(before: int, contexts: Contexts) -> None:
    async def scenario(running: Running) -> None:
        client = await running.connect()
        client.write(b"EHLO x\r\n" + b"NOOP\r\n" * before + b"STARTTLS\r\nMAIL FROM:<a@b>\r\n")
        octets = await client.rest()
        assert b"220 2.0.0 Ready" not in octets
        assert octets.count(b"Sender OK") == 0

    options = Listening(port=0, smtp=ServerOptions(starttls=True), starttls=contexts[0])
    assert play(scenario, options).named("quit")[0]["reason"] == "dropped"


def test_server_counts_a_flood_of_errors() -> None:
    async def scenario(running: Running) -> None:
        client = await running.connect()
        client.write(b"FOO\r\n" * 100 + b"x" * 3_000_000)
        assert (await client.rest()).splitlines()[-1].startswith(b"421 4.7.0")

    assert play(scenario).named("quit")[0]["reason"] == "refused"


def test_server_takes_leave_of_a_client_once() -> None:
    said: list[str] = []

    async def scenario(running: Running) -> None:
        running.server.trace = lambda _, who, text: said.append(text) if who == "server" else None
        client = await running.connect()
        client.write(b"FOO\r\n" * 20)
        assert (await client.codes(21))[-1] == 421
        running.server.stop()

    play(scenario)
    assert [text[:3] for text in said] == ["220", *["500"] * 19, "421"]


# Storing.


@POLLERS
def test_server_answers_when_the_message_is_stored(poller: type[Poller]) -> None:
    async def scenario(running: Running) -> None:
        running.sink.gate.clear()
        first, second, third = [await running.connect() for _ in range(3)]
        for client in (first, second, third):
            client.write(ENVELOPE + b"DATA\r\nx\r\n.\r\nQUIT\r\n")
            assert await client.codes(5) == [220, 250, 250, 250, 354]
        other = await running.connect()
        assert await other.codes(1) == [220]  # nobody waits for the disk
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(first.reader.readline(), 0.1)
        running.sink.gate.set()
        for client in (first, second, third):
            assert await client.codes(2) == [250, 221]

    running = play(scenario, sink=Kept(is_quick=False), poller=poller)
    assert sum(running.sink.batches) == 3
    assert len(running.sink.batches) == 2, "those that wait are stored together"


def test_server_says_451_when_storing_fails() -> None:
    sink = Kept()
    sink.error = InputOutputError("cannot write: no space left on device", where="x")

    async def scenario(running: Running) -> None:
        client = await running.connect()
        client.write(ENVELOPE + b"DATA\r\nx\r\n.\r\nNOOP\r\n")
        assert await client.codes(7) == [220, 250, 250, 250, 354, 451, 250]

    running = play(scenario, sink=sink)
    assert running.named("mail") == []
    assert "no space left" in running.named("error")[0]["what"]


def test_server_says_451_when_a_large_body_does_not_fit() -> None:
    class Full(Kept):
        def open(self) -> Body:
            return Body(lambda: Draft(os.open("/dev/full", os.O_RDWR)))

    async def scenario(running: Running) -> None:
        client = await running.connect()
        client.write(ENVELOPE + b"DATA\r\n" + b"x" * 1_000_000 + b"\r\n.\r\nNOOP\r\n")
        assert await client.codes(7) == [220, 250, 250, 250, 354, 451, 250]

    running = play(scenario, sink=Full())
    assert running.sink.messages == []
    assert running.named("error")[0]["what"] == "cannot write: no space left on device"


def test_server_that_is_full_says_so_to_those_who_began_before() -> None:
    async def scenario(running: Running) -> None:
        first, second = await running.connect(), await running.connect()
        for client in (first, second):
            client.write(ENVELOPE + b"DATA\r\n")
            assert await client.codes(5) == [220, 250, 250, 250, 354]
        first.write(b".\r\nMAIL FROM:<a@b>\r\n")
        assert await first.codes(2) == [250, 452]
        second.write(b".\r\nNOOP\r\n")
        assert await second.codes(2) == [452, 250]

    assert play(scenario, Listening(port=0, max_messages=1)).sink.messages == [b""]


def test_server_stores_what_is_complete_before_it_stops() -> None:
    async def scenario(running: Running) -> None:
        running.sink.gate.clear()
        client = await running.connect()
        client.write(ENVELOPE + b"DATA\r\nx\r\n.\r\n")
        assert await client.codes(5) == [220, 250, 250, 250, 354]
        await asyncio.sleep(0.1)
        running.server.stop()
        await asyncio.sleep(0.1)
        running.sink.gate.set()
        assert await client.codes(3) == [250, 421, 0]

    assert play(scenario, sink=Kept(is_quick=False)).sink.messages == [b"x\r\n"]


def test_server_stores_a_message_whose_client_is_gone() -> None:
    async def scenario(running: Running) -> None:
        running.sink.gate.clear()
        client = await running.connect()
        client.write(ENVELOPE + b"DATA\r\nx\r\n.\r\n")
        assert await client.codes(5) == [220, 250, 250, 250, 354]
        await asyncio.sleep(0.1)
        await client.close()
        running.sink.gate.set()

    assert play(scenario, sink=Kept(is_quick=False)).sink.messages == [b"x\r\n"]


MESSAGE = ENVELOPE + b"DATA\r\nhello\r\n.\r\n"


@pytest.mark.parametrize("cut", range(1, len(MESSAGE)))
def test_server_keeps_nothing_of_a_session_that_is_cut(cut: int) -> None:
    async def scenario(running: Running) -> None:
        client = await running.connect()
        client.write(MESSAGE[:cut])
        client.writer.write_eof()
        await client.rest()

    assert play(scenario).sink.messages == []


WORDS = [
    b"EHLO x\r\n",
    b"MAIL FROM:<a@b>\r\n",
    b"RCPT TO:<c@d>\r\n",
    b"DATA\r\n",
    b"BDAT 5\r\n",
    b"BDAT 3 LAST\r\n",
]
WORDS += [
    b"RSET\r\n",
    b"QUIT\r\n",
    b"STARTTLS\r\n",
    b"AUTH PLAIN\r\n",
    b".\r\n",
    b"\r\n",
    b"\n",
    b"\0",
    b"x" * 2000,
]


@given(st.lists(st.sampled_from(WORDS) | st.binary(max_size=8), max_size=12).map(b"".join))
def test_session_survives_any_octets(data: bytes) -> None:
    fuzz_smtp_session(data)


# Policy.


def test_server_asks_the_policy_at_each_stage() -> None:
    asked: list[str] = []

    def policy(_: ServerConnection, event: ServerEvent) -> Reply | None:
        stage = type(event.command).__name__ if isinstance(event, Request) else type(event).__name__
        asked.append(stage)
        if isinstance(event, Request) and event.command == Rcpt("bad@d"):
            return Reply(550, "no such user", "5.1.1")
        if isinstance(event, MessageEnd):
            return Reply(554, "spam", "5.7.1")
        return None

    async def scenario(running: Running) -> None:
        client = await running.connect()
        client.write(ENVELOPE + b"RCPT TO:<bad@d>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n")
        assert await client.codes(8) == [220, 250, 250, 250, 550, 354, 554, 221]

    assert play(scenario, policy=policy).sink.messages == []
    assert asked == ["Connected", "Ehlo", "Mail", "Rcpt", "Rcpt", "Data", "MessageEnd", "Quit"]


def test_server_lets_the_policy_refuse_a_connection() -> None:
    async def scenario(running: Running) -> None:
        client = await running.connect()
        assert await client.rest() == b"421 4.7.0 not you\r\n"

    play(scenario, policy=lambda _, __: Reply(421, "not you", "4.7.0"))


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
    ],
)
def test_is_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
