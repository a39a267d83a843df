"""Any octets as what an SMTP client says."""

from blaze.core.errors import RemoteProtocolError
from blaze.core.smtp import ServerOptions, State
from tests.support.smtp_session import Session

OPTIONS = ServerOptions(
    max_size=200,
    max_recipients=3,
    starttls=True,
    mechanisms=("PLAIN", "LOGIN", "CRAM-MD5"),
    clear_text_auth=True,
)


def fuzz_smtp_server(data: bytes) -> None:
    """The session never fails but at STARTTLS, says only whole lines, and does not depend on the cuts."""
    greeting = b"EHLO a\r\n" if data[:1] != b"L" else b"LHLO a\r\n"
    outcomes = []
    for step in (len(data) or 1, data[0] % 17 + 1 if data else 1):
        session = Session(ServerOptions(lmtp=True) if data[:1] == b"L" else OPTIONS)
        try:
            session.hear(greeting)
            for at in range(0, len(data), step):
                session.hear(data[at : at + step])
            failed = False
        except RemoteProtocolError:
            failed = session.server.state in (State.CLOSED, State.HANDSHAKE)
            assert failed
        assert session.said.endswith(b"\r\n")
        outcomes.append((session.said if not failed else b"", session.messages))
    assert failed or outcomes[0] == outcomes[1]
