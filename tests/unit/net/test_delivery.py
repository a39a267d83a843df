"""What is told of a message is what became of it, whatever a server refuses and wherever a session is cut."""

import random
from collections import Counter

import pytest

from blaze.core import sasl
from blaze.core.errors import DataError, ProtocolError, TemporaryError, TLSError
from blaze.core.mail import message
from blaze.core.mail.relay import Outgoing
from blaze.core.net import delivery
from blaze.core.net.delivery import DeliveryOptions, HostCourier, LogIn, Target
from blaze.core.net.smtp import Envelope, Following, Session
from blaze.core.net.tls import TLSOptions
from blaze.core.sasl import ChannelBinding
from blaze.core.smtp import NEED_DATA, PAUSED, Reply, ServerConnection, ServerOptions
from blaze.core.smtp.commands import Data, Mail, Rcpt
from blaze.core.smtp.events import BodyChunk, Connected, ConnectionClosed, MessageEnd, Request, ServerEvent
from tests.support.smtp_session import NONCE, Accounts

REFUSALS = (
    Reply(450, "later"),
    Reply(452, "many"),
    Reply(550, "no"),
    Reply(552, "full"),
    Reply(421, "bye"),
)


class Moody:
    """A server that offers, refuses and hangs up as `moods` say; what it took, and what it took in secret."""

    def __init__(self, moods: random.Random) -> None:
        self.moods = moods
        self.lmtp = moods.random() < 0.3
        self.refuses = moods.choice([0, 0.02, 0.1, 0.3])
        self.hangs_up = moods.choice([0, 0.01, 0.05])
        self.cuts = moods.choice([0, 0.3, 0.8])
        self.starttls, self.auth = moods.random() < 0.4, moods.random() < 0.4
        self.taken: Counter[tuple[bytes, str]] = Counter()
        self.secret: set[tuple[bytes, str]] = set()
        """Taken, but the client was never told."""

    def answer(self, event: ServerEvent) -> Reply | None:
        """A refusal, or None."""
        rate = self.refuses / 3 if isinstance(event, Connected) else self.refuses
        is_asked = isinstance(event, Connected | MessageEnd) or (
            isinstance(event, Request) and isinstance(event.command, Mail | Rcpt | Data)
        )
        return self.moods.choice(REFUSALS) if is_asked and self.moods.random() < rate else None


class MoodyChannel:
    """A connection to a `Moody` server, which may be cut after any octet of either side."""

    where = "mx"
    tls = None

    def __init__(self, server: Moody) -> None:
        moods = server.moods
        extensions = ("PIPELINING", "CHUNKING", "8BITMIME", "SMTPUTF8", "LIMITS", "SIZE", "DSN")
        options = ServerOptions(
            lmtp=server.lmtp,
            max_recipients=moods.choice([1, 2, 3, 100]),
            max_messages=moods.choice([None, None, 1, 2]),
            starttls=server.starttls,
            mechanisms=("PLAIN", "CRAM-MD5", "SCRAM-SHA-256") if server.auth else (),
            clear_text_auth=True,
            without=frozenset(name for name in extensions if moods.random() < 0.4),
        )
        self._server = server
        self._connection = ServerConnection(options, accounts=Accounts(), draw=lambda: NONCE)
        self._said = self._body = b""
        self._is_gone = False
        self._can_hear, self._can_tell = (
            moods.randrange(1500) if moods.random() < server.cuts else 1 << 30 for _ in range(2)
        )
        self._waiting: list[tuple[int, set[tuple[bytes, str]]]] = []
        """What was taken, and how much is to be told before the client knows."""
        self._run()

    def _run(self) -> None:
        while not self._is_gone and (event := self._connection.next_event()) not in (NEED_DATA, PAUSED):
            if isinstance(event, ConnectionClosed):
                self._is_gone = True
            elif isinstance(event, BodyChunk):
                self._body += event.data
            elif not isinstance(event, str):
                self._answer(event)

    def _answer(self, event: ServerEvent) -> None:
        reply = (self._server.answer(event) if event.reply.positive else None) or event.reply
        taken: set[tuple[bytes, str]] = set()
        if isinstance(event, Request) and isinstance(event.command, Mail):
            self._body = b""
        if isinstance(event, MessageEnd) and reply.positive:
            subject = self._body.splitlines()[0]
            taken = {(subject, one.forward_path) for one in self._connection.transaction.recipients}
            self._server.taken.update(taken)
            self._server.secret |= taken
        if self._server.moods.random() < self._server.hangs_up:
            self._is_gone = True
            return
        self._said += self._connection.send(reply)
        self._waiting.append((len(self._said), taken))
        self._is_gone = reply.code == 421

    def write(self, octets: bytes, timeout: float, *, shown: bytes | None = None) -> None:
        if self._is_gone and self._server.moods.random() < 0.5:
            raise TemporaryError("the connection was lost", where="mx")
        heard, self._can_hear = octets[: self._can_hear], self._can_hear - len(octets)
        while heard and not self._is_gone:
            step = self._server.moods.choice([1, 7, len(heard)])
            self._connection.receive_data(heard[:step])
            heard = heard[step:]
            self._run()
        self._is_gone = self._is_gone or self._can_hear < 0

    def write_body(self, octets: bytes, timeout: float) -> None:
        self.write(octets, timeout)

    def read(self, deadline: float) -> bytes:
        assert self._said or self._is_gone, "each waits for the other"
        step = min(self._server.moods.choice([1, 3, 50, 10000]), self._can_tell)
        said, self._said = self._said[:step], self._said[step:]
        self._can_tell -= len(said)
        self._waiting = [(left - len(said), taken) for left, taken in self._waiting]
        while self._waiting and self._waiting[0][0] <= 0:
            self._server.secret -= self._waiting.pop(0)[1]
        if not self._can_tell:
            self._is_gone, self._said = True, b""
        return said

    def start_tls(self, host: str, options: TLSOptions, timeout: float) -> None:
        if self._is_gone or self._server.moods.random() < 0.1:
            raise TLSError("the handshake failed", where="mx")
        self._connection.tls_started(None)
        self._run()

    def binding(self) -> ChannelBinding | None:
        return None

    def close(self) -> None:
        self._is_gone = True


def _courier(server: Moody, monkeypatch: pytest.MonkeyPatch) -> HostCourier:
    """Connects to a `Moody` server each time."""

    def connect(_: Target, options: DeliveryOptions) -> Session:
        return Session(MoodyChannel(server), "me.test", lmtp=options.lmtp)

    monkeypatch.setattr(delivery, "_connect", connect)
    log_in = LogIn(sasl.Credentials("user", "pencil"), in_clear=True) if server.auth else None
    tls = "opportunistic" if server.starttls else "none"
    return HostCourier(Target("mx"), DeliveryOptions(lmtp=server.lmtp, tls=tls, log_in=log_in))


def _job(number: int, moods: random.Random) -> Following:
    recipients = [f"{'é' * (moods.random() < 0.03)}r{index}@x.test" for index in range(moods.randrange(1, 7))]
    if moods.random() < 0.08:
        recipients.append("z" * 65 + "@x.test")
    body = "ü" if moods.random() < 0.2 else "u"
    text = f"Subject: {number}\n\n{body}\n".encode()
    return Following(Envelope("a@b.test", recipients), Outgoing(message.parse(text)))


@pytest.mark.parametrize("seed", range(300))
def test_what_is_told_is_what_became_of_it(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    moods = random.Random(seed)
    server = Moody(moods)
    courier = _courier(server, monkeypatch)
    jobs = [_job(number, moods) for number in range(moods.randrange(1, 6))]
    for number, (job, following) in enumerate(zip(jobs, [*jobs[1:], None], strict=True)):
        subject = b"Subject: %d" % number
        try:
            told = courier.deliver(*job, following)
        except DataError:
            assert any(len(one) > 70 for one in job.envelope.recipients)
            assert not any(server.taken[subject, one] for one in job.envelope.recipients)
            continue
        assert sorted(one.recipient for one in told) == sorted(job.envelope.recipients)
        for one in told:
            times = server.taken[subject, one.recipient]
            assert times == 1 if one.status == "sent" else times <= 1
            assert not isinstance(one.error, ProtocolError)
            if times and one.status != "sent":
                assert one.in_doubt
                assert (subject, one.recipient) in server.secret
    courier.close()
