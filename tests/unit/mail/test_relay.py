"""Messages made fit for the wire: what is copied, what is left out, what is re-encoded."""

from email import message_from_bytes

import pytest
from hypothesis import given, strategies as st

from blaze.core.errors import DataError
from blaze.core.mail import message, window
from blaze.core.mail.relay import MAX_LINE, Outgoing, Traits, survey

HEAD = b"From: a@b.test\nSubject: x\n"


def _outgoing(octets: bytes, added: bytes = b"") -> Outgoing:
    return Outgoing(message.parse(octets), added)


def _canonical(octets: bytes) -> bytes:
    text = octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return text if text.endswith(b"\r\n") or not text else text + b"\r\n"


@pytest.mark.parametrize(
    ("octets", "traits"),
    [
        (b"", Traits(0, True, False, False, False)),
        (b"a\r\nb\r\n", Traits(6, True, False, False, False)),
        (b"a\nb\r\n", Traits(6, False, False, False, False)),
        (b"\xff\n", Traits(3, False, True, False, False)),
        (b"a\rb\n", Traits(5, False, False, True, False)),
        (b"a\r", Traits(2, True, False, True, False)),
        (b"a\r\r\n", Traits(4, True, False, True, False)),
        (b"y" * MAX_LINE + b"\r\n", Traits(MAX_LINE + 2, True, False, False, False)),
        (b"y" * (MAX_LINE + 1) + b"\r\n", Traits(MAX_LINE + 3, True, False, False, True)),
        (b"y" * (MAX_LINE + 1), Traits(MAX_LINE + 1, True, False, False, True)),
    ],
)
@pytest.mark.parametrize("cut", [0, 1, 2, 7, 500])
def test_survey_does_not_depend_on_the_cuts(octets: bytes, traits: Traits, cut: int) -> None:
    step = cut or len(octets) or 1
    found = survey(octets[at : at + step] for at in range(0, len(octets), step))
    assert found == traits


@given(st.lists(st.sampled_from([b"a", b"\r\n", b"\n", b".", b"\xc3\xa9"]), max_size=40).map(b"".join))
def test_unchanged_is_the_message_with_crlf(body: bytes) -> None:
    octets = HEAD + b"\n" + body
    outgoing = _outgoing(octets)
    sent = b"".join(outgoing.iter_unchanged())
    assert sent == _canonical(octets)
    assert outgoing.traits.size in (len(sent), len(sent) - 2)


PIECES = [b"a", b"\r", b"\n", b"\r\n", b"\xff", b"y" * (MAX_LINE - 1), b"y" * MAX_LINE]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join), st.sampled_from([b"\n", b"\r\n"]))
def test_a_small_message_is_surveyed_like_any(body: bytes, newline: bytes) -> None:
    octets = HEAD.replace(b"\n", newline) + newline + body
    assert _outgoing(octets).traits == survey((octets,))


def test_unchanged_of_a_large_message_is_the_same() -> None:
    octets = HEAD + b"\n" + b"line of text\n" * (window.CHUNK // 5)
    chunks = list(_outgoing(octets).iter_unchanged())
    assert len(chunks) > 1
    assert b"".join(chunks) == _canonical(octets)
    assert not any(chunk.endswith(b"\r") for chunk in chunks)


@pytest.mark.parametrize("field", [b"Bcc: x@y\n", b"BCC : x@y,\n z@w\n", b"Resent-Bcc: x@y\r\n", b"bcc:\n"])
def test_hidden_recipients_are_left_out(field: bytes) -> None:
    outgoing = _outgoing(field + HEAD + field + b"\nBcc: in the body\n")
    assert b"".join(outgoing.iter_unchanged()) == _canonical(HEAD + b"\nBcc: in the body\n")
    changed = b"".join(outgoing.iter_changed(seven_bit=False, ascii_header=False))
    assert changed == _canonical(HEAD + b"\nBcc: in the body\n")


def test_added_fields_stand_in_front() -> None:
    outgoing = _outgoing(HEAD + b"\nx\n", b"Date: now\n")
    assert b"".join(outgoing.iter_unchanged()) == _canonical(b"Date: now\n" + HEAD + b"\nx\n")
    assert b"".join(outgoing.iter_changed(seven_bit=True, ascii_header=True)).startswith(b"Date: now\r\n")


MULTIPART = (
    b'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\nContent-Transfer-Encoding: 8bit\n\n'
    b"pr\xc3\xa9amble\n--b\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
    b"\xc3\xbcber\n--b\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: binary\n\n"
    b"\x00\xff\n--b\nContent-Type: text/plain\n\nplain\n--b--\n\xc3\xa9pilogue\n"
)


def _leaves(octets: bytes) -> list[bytes]:
    parts = message_from_bytes(octets).walk()
    return [part.get_payload(decode=True) for part in parts if not part.is_multipart()]  # type: ignore[misc]


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_only_the_unfit_parts_of_a_multipart_change(newline: bytes) -> None:
    octets = MULTIPART.replace(b"\n", newline)
    changed = b"".join(_outgoing(octets).iter_changed(seven_bit=True, ascii_header=True))
    assert changed.isascii()
    assert b"8bit" not in changed
    assert b"binary" not in changed
    text, binary, plain = _leaves(changed)
    assert text.rstrip() == "über".encode()
    assert binary.startswith(b"\x00\xff")
    assert plain.rstrip() == b"plain"
    assert b"\r\n--b\r\nContent-Type: text/plain\r\n\r\nplain\r\n--b--\r\n" in changed


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b"one\rtwo\n", b"quoted-printable"),
        (b"y" * 5000 + b"\n", b"quoted-printable"),
        (b"\xff\xfe\n", b"quoted-printable"),
        (b"", None),
        (b"plain\n", None),
    ],
)
def test_a_simple_message_gets_an_encoding_only_when_it_needs_one(
    body: bytes, encoding: bytes | None
) -> None:
    changed = b"".join(_outgoing(HEAD + b"\n" + body).iter_changed(seven_bit=True, ascii_header=False))
    assert max(map(len, changed.split(b"\r\n"))) <= MAX_LINE
    assert (b"Content-Transfer-Encoding: " in changed) is (encoding is not None)
    (decoded,) = _leaves(changed)
    assert decoded == (body.replace(b"\n", b"\r\n") if encoding else _canonical(body))


def test_eight_bit_fields_become_encoded_words() -> None:
    octets = "From: Jörg <j@b.test>\nSubject: über\nX-Old: \xff\n\nx\n".encode("utf-8", "surrogateescape")
    octets = octets.replace("\xff".encode(), b"\xff")
    changed = b"".join(_outgoing(octets).iter_changed(seven_bit=True, ascii_header=True))
    header = changed.partition(b"\r\n\r\n")[0]
    assert header.isascii()
    assert b"=?utf-8?" in header
    assert b"<j@b.test>" in header


def test_long_fields_are_folded() -> None:
    octets = b"Subject: " + b"word " * 400 + b"\n\nx\n"
    changed = b"".join(_outgoing(octets).iter_changed(seven_bit=False, ascii_header=False))
    assert max(map(len, changed.split(b"\r\n"))) <= MAX_LINE


@pytest.mark.parametrize(
    "octets",
    [
        b"Message-ID: <" + b"y" * 2000 + b"@b>\n\nx\n",
        b"Content-Transfer-Encoding: x-secret\n\n\xff\n",
        "Cc: a@x.test, Jörg <jörg@x.test>\n\nx\n".encode(),
        "Reply-To: jörg@x.test, missing-domain\n\nx\n".encode(),
    ],
)
def test_what_cannot_be_said_otherwise_is_refused(octets: bytes) -> None:
    with pytest.raises(DataError):
        b"".join(_outgoing(octets).iter_changed(seven_bit=True, ascii_header=True))


@pytest.mark.parametrize(
    ("header", "utf8"),
    [
        (b"Subject: x\n", False),
        ("Subject: ü\n".encode(), True),
        (b"Subject: \xff\n", False),
        ("Bcc: ü@x.test\n".encode(), False),
    ],
)
def test_has_utf8_header(header: bytes, utf8: bool) -> None:
    assert _outgoing(header + "\nü\n".encode()).has_utf8_header is utf8


@given(st.binary(max_size=300))
def test_any_octets_come_out_fit_or_are_refused(octets: bytes) -> None:
    try:
        changed = b"".join(_outgoing(octets).iter_changed(seven_bit=True, ascii_header=True))
    except DataError:
        return
    assert b"\r" not in changed.replace(b"\r\n", b"")
    assert b"\n" not in changed.replace(b"\r\n", b"")
