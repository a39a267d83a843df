"""A sample of each fuzz target's inputs."""

from hypothesis import given, strategies as st

from tests.fuzz.fuzz_sasl import fuzz_sasl
from tests.fuzz.fuzz_smtp_client import fuzz_smtp_client
from tests.fuzz.fuzz_smtp_server import fuzz_smtp_server
from tests.fuzz.fuzz_wire import fuzz_wire

WORDS = [
    b"EHLO a\r\n",
    b"MAIL FROM:<a@b>\r\n",
    b"RCPT TO:<c@d>\r\n",
    b"DATA\r\n",
    b"BDAT 5\r\n",
    b"BDAT 3 LAST\r\n",
    b"RSET\r\n",
    b"QUIT\r\n",
    b"STARTTLS\r\n",
    b"AUTH PLAIN\r\n",
    b"AUTH LOGIN\r\n",
    b"*\r\n",
    b"AAAA\r\n",
    b".\r\n",
    b"\r\n",
    b"\r",
    b"\n",
    b".",
    b"\0",
    b"x" * 600,
    b"L",
]
REPLIES = [
    b"220 mx\r\n",
    b"250-mx\r\n",
    b"250-PIPELINING\r\n",
    b"250-AUTH PLAIN\r\n",
    b"250 STARTTLS\r\n",
    b"250 OK\r\n",
    b"354 go\r\n",
    b"334 \r\n",
    b"235 OK\r\n",
    b"421 bye\r\n",
    b"550 5.1.1 no\r\n",
    b"250",
    b"\r\n",
    b"x",
    b"L\r\n",
]
SCRAM = [
    b"r=abcxyz",
    b",s=c2FsdA==",
    b",i=4096",
    b"n,,",
    b"n=user,r=abc",
    b"v=AAAA",
    b"e=other",
    b"\n",
    b",",
    b"\0",
]


def _mixed(words: list[bytes]) -> st.SearchStrategy[bytes]:
    return st.lists(st.sampled_from(words) | st.binary(max_size=5), max_size=25).map(b"".join)


@given(_mixed(WORDS))
def test_any_octets_at_the_server(data: bytes) -> None:
    fuzz_smtp_server(data)


@given(_mixed(REPLIES))
def test_any_octets_at_the_client(data: bytes) -> None:
    fuzz_smtp_client(data)


@given(_mixed([b"\r\n", b"\n", b"\r", b".", b"\r\n.\r\n", b"a", b"a" * 50]))
def test_any_octets_on_the_wire(data: bytes) -> None:
    fuzz_wire(data)


@given(_mixed(SCRAM))
def test_any_octets_in_a_log_in(data: bytes) -> None:
    fuzz_sasl(data)
