"""DKIM through the API: 5 kB messages, keys loaded, records in memory."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from blaze.core.auth import dkim, keys
from blaze.core.auth.dkim import Signable, Status
from blaze.core.auth.keys import KeyType, PrivateKey, Record
from blaze.core.auth.resolver import Answer, Question, RecordType
from tests.bench.frame import Row, Work

SIGNATURES = 300
VERIFICATIONS = 1000
NOW = datetime(2026, 1, 1, tzinfo=UTC)
NAME = "bench._domainkey.example.org"
# Of the corpus's lines 19 % hold a run of blanks, and 12 % end in one.
LINES = (
    b"A line of text that is as long as lines are, with a few words and a stop.\r\n" * 5
    + b"A line of text as long as lines are, in which two  blanks stand together.\r\n" * 2
    + b"A line of text that is as long as lines are, with a blank at its end... \r\n"
)
HEADER = b"".join(
    b"Received: from a%d.example (a%d.example [192.0.2.%d])\r\n\tby b.example with ESMTPS id 4X%d;\r\n"
    b"\tThu, 01 Jan 2026 00:00:00 +0000\r\n" % (n, n, n, n)
    for n in range(3)
) + (
    b"From: Ann Example <ann@example.org>\r\nTo: Bob Example <bob@example.com>\r\n"
    b"Subject: A subject of the usual length, not more\r\nDate: Thu, 01 Jan 2026 00:00:00 +0000\r\n"
    b"Message-ID: <20260101000000.1234@example.org>\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\nX-Mailer: bench\r\n\r\n"
)
MESSAGE = HEADER + LINES * ((5000 - len(HEADER)) // len(LINES))


class Ready:
    """A resolver that has its only answer at hand, as the peer's has."""

    def __init__(self, answer: Answer) -> None:
        self._answers = [answer]

    def query(self, questions: Sequence[Question]) -> list[Answer]:
        return self._answers


def rows(folder: Path) -> Iterator[Row]:
    """Signing against the bare RSA operation and dkimpy, verifying against the same."""
    key = keys.generate(KeyType.RSA, 2048)
    record = Record(key.public).to_bytes()
    options = dkim.Options("example.org", "bench", timestamp=1_767_225_600)
    signed = dkim.sign(Signable(MESSAGE), key, options) + MESSAGE
    resolver = Ready(Answer(Question(NAME, RecordType.TXT), records=(record,)))

    def verify() -> None:
        (result,) = dkim.verify(Signable(signed), resolver=resolver, now=NOW)
        assert result.status is Status.PASS

    yield Row(
        f"DKIM sign, rsa-2048, {SIGNATURES} messages of 5 kB",
        times(SIGNATURES, lambda: dkim.sign(Signable(MESSAGE), key, options)),
        {"the bare RSA operation": times(SIGNATURES, bare_signature(key)), **dkimpy_signs(key)},
        {"the bare RSA operation": 1 / 0.7},
    )
    yield Row(
        f"DKIM verify, rsa-2048, {VERIFICATIONS} messages of 5 kB",
        times(VERIFICATIONS, verify),
        {"the bare RSA operation": times(VERIFICATIONS, bare_check(key)), **dkimpy_verifies(signed, record)},
        {"dkimpy": 1 / 8},
    )


def times(count: int, work: Work) -> Work:
    """`work` done `count` times."""

    def repeated() -> None:
        for _ in range(count):
            work()

    return repeated


def bare_signature(key: PrivateKey) -> Work:
    digest = sha256(MESSAGE).digest()
    return lambda: key.sign(digest)


def bare_check(key: PrivateKey) -> Work:
    digest = sha256(MESSAGE).digest()
    signature, public = key.sign(digest), key.public
    return lambda: public.verifies(signature, digest)


def dkimpy_signs(key: PrivateKey) -> dict[str, Work]:
    try:
        import dkim as dkimpy
    except ImportError:
        return {}
    pem = key.to_pem()
    canonicalize = (b"relaxed", b"relaxed")
    work = times(
        SIGNATURES, lambda: dkimpy.sign(MESSAGE, b"bench", b"example.org", pem, canonicalize=canonicalize)
    )
    return {"dkimpy": work}


def dkimpy_verifies(signed: bytes, record: bytes) -> dict[str, Work]:
    try:
        import dkim as dkimpy
    except ImportError:
        return {}

    def verify() -> None:
        assert dkimpy.verify(signed, dnsfunc=lambda name, timeout=5: record)

    return {"dkimpy": times(VERIFICATIONS, verify)}
