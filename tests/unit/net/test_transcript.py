"""Transcripts: marks as swaks has them, lines whole however they come."""

import re

from blaze.core.net.transcript import Transcript


def _recorded() -> tuple[list[str], Transcript]:
    lines: list[str] = []
    return lines, Transcript(lines.append)


def _plain(lines: list[str]) -> list[str]:
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ", line) for line in lines)
    return [line[25:].removesuffix("\n") for line in lines]


def test_marks_tell_direction_and_tls() -> None:
    lines, record = _recorded()
    record.note("Trying mx")
    record.sent(b"EHLO a\r\nMAIL FROM:<>\r\n", tls=False)
    record.sent(b"QUIT\r\n", tls=True)
    record.sent_body(12, tls=True)
    record.received(b"250 OK\r\n550 no\r\n", tls=False)
    record.received(b"250 OK\r\n421 bye\r\n", tls=True)
    record.failed("gone")
    assert _plain(lines) == [
        "=== Trying mx", " -> EHLO a", " -> MAIL FROM:<>", " ~> QUIT", " ~> [12 octets of message]",
        "<-  250 OK", "<** 550 no", "<~  250 OK", "<~* 421 bye", "*** gone",
    ]  # fmt: skip


def test_replies_cut_anywhere_are_whole_lines() -> None:
    lines, record = _recorded()
    for octet in b"250-a\r\n250 \xff\r\n25":
        record.received(bytes([octet]), tls=False)
    assert _plain(lines) == ["<-  250-a", "<-  250 \udcff"]


def test_a_line_that_never_ends_is_told_once_the_server_is_gone() -> None:
    for end in (
        lambda record: record.received(b"", tls=False),
        lambda record: record.failed("gone"),
        lambda record: record.note("Trying mx2"),
    ):
        lines, record = _recorded()
        record.received(b"220 a\r\n554 b", tls=False)
        end(record)
        record.received(b"220 c\r\n", tls=False)
        assert [line for line in _plain(lines) if line[0] == "<"] == ["<-  220 a", "<** 554 b", "<-  220 c"]
