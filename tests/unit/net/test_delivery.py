"""What is told of a message is what became of it, whatever a server refuses and whenever it hangs up."""

import random
from collections import Counter

import pytest

from blaze.core.errors import DataError, ProtocolError, TemporaryError
from blaze.core.mail import message
from blaze.core.mail.relay import Outgoing
from blaze.core.net.delivery import DeliveryOptions, HostCourier, Target
from blaze.core.net.smtp import Envelope, Following, Session
from blaze.core.sasl import ChannelBinding
from blaze.core.smtp import NEED_DATA, PAUSED, Reply, ServerConnection, ServerOptions
from blaze.core.smtp.commands import Data, Mail, Rcpt
from blaze.core.smtp.events import BodyChunk, Connected, ConnectionClosed, MessageEnd, Request, ServerEvent

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
    """A connection to a `Moody` server."""

    where = "mx"
    tls = None

    def __init__(self, server: Moody) -> None:
        moods = server.moods
        extensions = ("PIPELINING", "CHUNKING", "8BITMIME", "SMTPUTF8", "LIMITS")
        options = ServerOptions(
            lmtp=server.lmtp,
            max_recipients=moods.choice([1, 2, 3, 100]),
            max_messages=moods.choice([None, None, 1, 2]),
            without=frozenset(name for name in extensions if moods.random() < 0.4),
        )
        self._server = server
        self._connection = ServerConnection(options)
        self._said = self._body = b""
        self._is_gone = False
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
        hangs_up = self._server.moods.random() < self._server.hangs_up
        if isinstance(event, Request) and isinstance(event.command, Mail):
            self._body = b""
        if isinstance(event, MessageEnd) and reply.positive:
            subject = self._body.splitlines()[0]
            taken = [(subject, one.forward_path) for one in self._connection.transaction.recipients]
            self._server.taken.update(taken)
            self._server.secret.update(taken if hangs_up else ())
        if hangs_up:
            self._is_gone = True
            return
        self._said += self._connection.send(reply)
        self._is_gone = reply.code == 421

    def write(self, octets: bytes, timeout: float, *, shown: bytes | None = None) -> None:
        if not self._is_gone:
            self._connection.receive_data(octets)
            self._run()
        elif self._server.moods.random() < 0.5:
            raise TemporaryError("the connection was lost", where="mx")

    def write_body(self, octets: bytes, timeout: float) -> None:
        self.write(octets, timeout)

    def read(self, deadline: float) -> bytes:
        assert self._said or self._is_gone, "each waits for the other"
        said, self._said = self._said, b""
        return said

    def start_tls(self, *_: object) -> None:
        raise NotImplementedError

    def binding(self) -> ChannelBinding | None:
        return None

    def close(self) -> None:
        self._is_gone = True


class MoodyCourier(HostCourier):
    """Connects to a `Moody` server each time."""

    def __init__(self, server: Moody) -> None:
        super().__init__(Target("mx"), DeliveryOptions(lmtp=server.lmtp))
        self._server = server

    def _open(self) -> Session:
        session = Session(MoodyChannel(self._server), "me.test", lmtp=self._server.lmtp)
        session.greet()
        return session


def _job(number: int, moods: random.Random) -> Following:
    recipients = [f"{'é' * (moods.random() < 0.03)}r{index}@x.test" for index in range(moods.randrange(1, 7))]
    if moods.random() < 0.08:
        recipients.append("z" * 65 + "@x.test")
    body = "ü" if moods.random() < 0.2 else "u"
    text = f"Subject: {number}\n\n{body}\n".encode()
    return Following(Envelope("a@b.test", recipients), Outgoing(message.parse(text)))


@pytest.mark.parametrize("seed", range(200))
def test_what_is_told_is_what_became_of_it(seed: int) -> None:
    moods = random.Random(seed)
    server = Moody(moods)
    courier = MoodyCourier(server)
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
        for recipient, *_, error, _, _ in told:
            times = server.taken[subject, recipient]
            assert not isinstance(error, ProtocolError)
            if (subject, recipient) not in server.secret:
                assert times == (error is None), (recipient, error)
    courier.close()
