"""Any octets as what a server says to a client that sends: it ends, and each recipient is told of."""

from blaze.core import sasl
from blaze.core.errors import BlazeError
from blaze.core.mail import message
from blaze.core.mail.relay import Outgoing
from blaze.core.net.smtp import Envelope, Following, Session
from blaze.core.net.tls import TLSOptions

OPENING = b"220 x\r\n250-x\r\n250-PIPELINING\r\n250-LIMITS RCPTMAX=1\r\n250 AUTH PLAIN EXTERNAL\r\n"
MESSAGES = (b"Subject: x\n\nhi\n", b"", "Subject: x\n\nü\n".encode())
RECIPIENTS = ("c@d.test", "e@f.test")


class _Peer:
    """A server that says `octets` in pieces of `step`, and hangs up."""

    where = "-"
    tls = None

    def __init__(self, octets: bytes, step: int) -> None:
        self._pieces = [octets[at : at + step] for at in range(0, len(octets), step)][::-1]

    def write(self, octets: bytes, timeout: float, *, shown: bytes | None = None) -> None: ...
    def write_body(self, octets: bytes, timeout: float) -> None: ...
    def read(self, deadline: float) -> bytes:
        return self._pieces.pop() if self._pieces else b""

    def start_tls(self, host: str, options: TLSOptions, timeout: float) -> None: ...
    def binding(self) -> None: ...
    def close(self) -> None: ...


def fuzz_smtp_delivery(data: bytes) -> None:
    """The first octet chooses how the octets are cut, and whether the client logs in."""
    choice = data[0] if data else 0
    session = Session(_Peer(OPENING + data[1:], choice % 16 * 50 + 1), "client.test", lmtp=choice >= 240)
    jobs = [Following(Envelope("a@b.test", RECIPIENTS), Outgoing(message.parse(text))) for text in MESSAGES]
    try:
        session.greet()
        if choice & 16:
            session.log_in(sasl.Credentials("user", "pencil"), in_clear=True)
        for job, following in zip(jobs, [*jobs[1:], None], strict=True):
            outcomes = session.send_message(job.envelope, job.message, following)
            assert sorted(outcome.recipient for outcome in outcomes) == sorted(RECIPIENTS)
    except BlazeError:
        pass
    session.quit()
