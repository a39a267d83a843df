"""Messages made fit for the wire: what is copied, what is left out, what is re-encoded."""

from base64 import b64encode
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


UTF_16 = "h\xe9\nllo\n".encode("utf-16-le")
BASE64 = b"Content-Transfer-Encoding: base64\n\n"


def _decoded(octets: bytes) -> list[bytes]:
    return [b"".join(part.iter_octets()) for _, part in message.walk(message.parse(octets)) if not part.parts]


@pytest.mark.parametrize(
    "octets",
    [
        b"Content-Type: text/plain; charset=utf-16le\n" + BASE64 + b64encode(UTF_16 * 200) + b"\n",
        b"Content-Type: text/csv\n" + BASE64 + b64encode(b"a\nb\r\nc\rd" * 200) + b"\n",
        b"Content-Type: text/plain; charset=utf-16le\nContent-Transfer-Encoding: 8bit\n\n" + UTF_16,
        b"Content-Transfer-Encoding: 8-bit\nContent-Type: image/x\n\n\xff\n\n",
        b"Content-Transfer-Encoding: binary\nContent-Type: image/x\n\n\xff\n\n",
        b"Content-Transfer-Encoding: base64\nContent-Transfer-Encoding: 8bit\n\n/w==\xff",
    ],
)
def test_no_octet_of_a_body_changes(octets: bytes) -> None:
    changed = b"".join(_outgoing(octets).iter_changed(seven_bit=True, ascii_header=True))
    assert changed.isascii()
    assert changed.lower().count(b"content-transfer-encoding") == 1
    assert _decoded(changed) == _decoded(octets)


@pytest.mark.parametrize("added", [b"", b"Date: now\n"])
def test_a_message_without_a_header_is_given_one(added: bytes) -> None:
    outgoing = _outgoing(b"\xc3\xbcber\n", added)
    changed = b"".join(outgoing.iter_changed(seven_bit=True, ascii_header=True))
    fields = b"MIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n"
    assert changed == added.replace(b"\n", b"\r\n") + fields + b"\r\n=C3=BCber\r\n"
    unchanged = b"".join(outgoing.iter_unchanged())
    assert unchanged == _canonical((added + b"\n" if added else b"") + b"\xc3\xbcber\n")


SCRIPT = b"Content-Type: application/x-sh\nContent-Transfer-Encoding: Binary\n\n#!/bin/sh\ntrue\n"


@pytest.mark.parametrize(
    ("octets", "must_change"),
    [
        (SCRIPT, True),
        (b'Content-Type: multipart/mixed; boundary="b"\n\n--b\n' + SCRIPT + b"--b--\n", True),
        (SCRIPT.replace(b"\n", b"\r\n"), False),
        (SCRIPT.replace(b"application", b"text"), False),
        (b"Subject: binary\n\nbinary\n", False),
    ],
)
def test_the_newlines_of_a_binary_part_are_kept(octets: bytes, must_change: bool) -> None:
    outgoing = _outgoing(octets)
    assert outgoing.must_change is must_change
    changed = b"".join(outgoing.iter_changed(seven_bit=False, ascii_header=False))
    assert (b"base64" in changed) is must_change
    if must_change:
        assert _decoded(changed) == _decoded(octets)


def test_a_signature_inside_the_message_counts() -> None:
    signed = b'Content-Type: multipart/signed; boundary="c"\n\n--c\n\nx\n--c--\n'
    outer = b'Content-Type: multipart/mixed; boundary="b"\n\n--b\n%b\n--b--\n'
    assert _outgoing(outer % signed).is_signed
    assert not _outgoing(outer % b"\nx").is_signed


@pytest.mark.parametrize(
    ("field", "ascii_field"),
    [
        (b"Subject: H\xe9llo", b"Subject: =?unknown-8bit?q?H=E9llo?="),
        (b"From: J\xf6rg <j@x.test>", b"From: =?unknown-8bit?q?J=F6rg?= <j@x.test>"),
        (b"To: J\xf6rg, missing", b"To: =?unknown-8bit?q?J=F6rg?=, missing"),
        (b"Content-Disposition: inline; filename=h\xe9", b"*=unknown-8bit''h%E9"),
        (b"Content-Type: image/x; \xe9 name=x", b"Content-Type: image/x; name=x"),
        (b"Received: from x (h\xe9 \xe9) by b", b"(=?unknown-8bit?q?h=E9_=E9?=)"),
        ("From: Jö <ö@x.test>".encode(), b"From: =?utf-8?q?J=C3=B6_=C3=B6=40x=2Etest?=:;"),
        ("Cc: G: ö@x.test, a@x.test;".encode(), b"Cc: G =?utf-8?q?=C3=B6=40x=2Etest=2C_a=40x=2Etest?=:;"),
    ],
)
def test_no_octet_of_a_field_is_lost(field: bytes, ascii_field: bytes) -> None:
    octets = b"Content-Type: message/rfc822\n\n" + field + b"\n\nx\n"
    changed = b"".join(_outgoing(octets).iter_changed(seven_bit=True, ascii_header=True))
    assert changed.isascii()
    assert ascii_field in changed.replace(b"\r\n ", b" ")


def test_an_address_in_utf8_stays_where_a_field_is_only_folded() -> None:
    octets = "Cc: jörg@x.test, ".encode() + b"a@b.test, " * 200 + b"c@d.test\n\nx\n"
    changed = b"".join(_outgoing(octets).iter_changed(seven_bit=False, ascii_header=False))
    assert changed.startswith("Cc: jörg@x.test, a@b.test,".encode())
    assert max(map(len, changed.split(b"\r\n"))) <= MAX_LINE


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
        b"Content-Transfer-Encoding: x-uuencode\n\nnone\xff\n",
        b'Content-Type: multipart/mixed; boundary="b\xff"\n\n--b\xff\n\nx\n--b\xff--\n',
        b"Subject: x\nno field \xff\nTo: a@b.test\n\nx\n",
        "Cc: a@x.test, Jörg <jörg@x.test>\n\nx\n".encode(),
        "Reply-To: jörg@x.test, missing-domain\n\nx\n".encode(),
    ],
)
def test_what_cannot_be_said_otherwise_is_refused(octets: bytes) -> None:
    with pytest.raises(DataError):
        b"".join(_outgoing(octets).iter_changed(seven_bit=True, ascii_header=True))


@pytest.mark.parametrize("front", [b"\xef\xbb\xbf", b"From ann yesterday\n", b">From ann\n"])
@pytest.mark.parametrize("added", [b"", b"Date: now\n"])
@pytest.mark.parametrize("body", [b"x\n", b"x\n" * window.CHUNK])
def test_what_stands_before_the_header_does_not_go_out(front: bytes, added: bytes, body: bytes) -> None:
    outgoing = _outgoing(front + HEAD + b"\n" + body, added)
    assert b"".join(outgoing.iter_unchanged()) == _canonical(added + HEAD + b"\n" + body)
    assert not outgoing.has_utf8_header


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


TYPES = [
    b"text/plain",
    b"text/plain; charset=utf-16",
    b"image/png",
    b"message/delivery-status",
    b"message/rfc822",
]
ENCODINGS = [
    b"7bit",
    b"8bit",
    b"binary",
    b"base64",
    b"quoted-printable",
    b"x-uuencode",
    b"x-secret",
    b"BASE64",
]
OCTETS = [b"a", b" ", b"=", b"=\n", b"/w==", b"--b\n", b".\n", b"From ", *PIECES]


@st.composite
def _messages(draw: st.DrawFn, depth: int = 2) -> bytes:
    if depth and draw(st.booleans()):
        parts = draw(st.lists(_messages(depth=depth - 1), min_size=1, max_size=3))
        line = b"--b%d" % depth
        inner = b"".join(line + b"\n" + part + b"\n" for part in parts)
        return b"Content-Type: multipart/mixed; boundary=b%d\n\n" % depth + inner + line + b"--\n"
    fields = b"Content-Type: %b\nContent-Transfer-Encoding: %b\n"
    named = draw(st.sampled_from(TYPES)), draw(st.sampled_from(ENCODINGS))
    body = b"".join(draw(st.lists(st.sampled_from(OCTETS), max_size=12)))
    return draw(st.sampled_from([fields % named + b"\n", b"\n"])) + body


def _content(octets: bytes) -> list[bytes]:
    """What each leaf holds, its lines with LF and without those that are empty at the end."""
    return [decoded.replace(b"\r\n", b"\n").rstrip(b"\n") for decoded in _decoded(octets)]


@given(_messages(), st.booleans())
def test_every_leaf_keeps_its_content_or_the_message_is_refused(octets: bytes, seven_bit: bool) -> None:
    try:
        changed = b"".join(_outgoing(octets).iter_changed(seven_bit=seven_bit, ascii_header=seven_bit))
    except DataError:
        return
    assert changed.isascii() or not seven_bit
    assert _content(changed) == _content(octets)
