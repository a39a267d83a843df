"""Messages re-encoded: canonical in form, the same in meaning."""

import email
import email.header
import email.message
import email.utils
import re

import pytest
from hypothesis import given, strategies as st

from blaze.core.mail import message
from blaze.core.mail.build import Style
from blaze.core.mail.canonical import canonical
from blaze.core.mail.header import parse as parse_header


def remade(octets: bytes, **options: object) -> bytes:
    return b"".join(canonical(message.parse(octets), **options))  # type: ignore[arg-type]


def test_canonical_of_a_canonical_message_is_itself() -> None:
    octets = (
        b"From: ann@example.org\nSubject: hello\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
        b"Content-Transfer-Encoding: 7bit\n\nHi\n"
    )
    assert remade(octets) == octets


FIELDS = [
    (b"Subject: caf\xc3\xa9", b"Subject: =?utf-8?q?caf=C3=A9?="),
    (b"Subject: =?ISO-8859-1?B?Y2Fm6Q==?=", b"Subject: =?utf-8?q?caf=C3=A9?="),
    (b"subject:no  blank", b"subject:no  blank"),
    (b"Subject : x", b"Subject : x"),
    (b"Subject: =?x-nothing?q?a?=", b"Subject: =?x-nothing?q?a?="),
    (b'From: "Caf\xc3\xa9" <a@b.example>', b"From: =?utf-8?q?Caf=C3=A9?= <a@b.example>"),
    (b"To: a@b.example (Ann)", b"To: Ann <a@b.example>"),
    (b"To: not an address at all", b"To: not an address at all"),
    (b"Date: Thu, 30 Mar 2017 15:00:00 +0200 (CEST)", b"Date: Thu, 30 Mar 2017 15:00:00 +0200"),
    (b"Date: yesterday", b"Date: yesterday"),
    (b"X-A: a\n\t\n b", b"X-A: a\t b"),
    (b"X-A: a\rb\0c", b"X-A: a b c"),
    (b"Received: from a by b;\n   Thu, 30 Mar 2017 15:00:00 +0200", None),
    (b"DKIM-Signature: v=1; a=rsa-sha256;\n\tb=abc", None),
    (
        b'Content-Disposition: attachment; filename="=?utf-8?q?caf=C3=A9?=.txt"',
        b"Content-Disposition: attachment; filename*=utf-8''caf%C3%A9.txt",
    ),
]


@pytest.mark.parametrize(("field", "expected"), FIELDS)
def test_canonical_field_table(field: bytes, expected: bytes | None) -> None:
    assert next(iter(parse_header(remade(field + b"\n\nx\n")))).octets == (expected or field) + b"\n"


def test_canonical_folds_endless_lines() -> None:
    octets = b"X-Words: " + b"word " * 500 + b"\nX-Ids: " + b"x" * 3000 + b"\n\n" + b"long " * 500 + b"\n"
    made = remade(octets)
    assert max(map(len, made.split(b"\n"))) < 3100
    words, ids, *_ = parse_header(made)
    assert words.unfolded == b"word " * 499 + b"word"
    assert ids.unfolded == b"x" * 3000  # nothing can fold it: it stays
    assert message.parse(made).text() == "long " * 500 + "\n"


def test_canonical_mends_the_structure() -> None:
    part = b"--b\nContent-Type: image/png\n\n\x89PNG"
    octets = b"Content-Type: multipart/mixed; boundary=b\n\npreamble\n--b \n\none\n" + part
    root = message.parse(remade(octets))
    assert [part.defects for _, part in message.walk(root)] == [[], [], []]
    assert root.structure.boundary == b"b"
    assert [b"".join(part.iter_octets()) for part in root.parts] == [b"one", b"\x89PNG"]


def test_canonical_replaces_a_boundary_that_is_none() -> None:
    octets = b'Content-Type: multipart/mixed; boundary="b\xc3\xa9"\n\n--b\xc3\xa9\n\none\n--b\xc3\xa9--\n'
    root = message.parse(remade(octets, seed=b"1"))
    assert root.structure.boundary is not None
    assert root.structure.boundary.isascii()
    assert root.parts[0].text() == "one"
    assert remade(octets, seed=b"1") == remade(octets, seed=b"1") != remade(octets, seed=b"2")


@pytest.mark.parametrize("subtype", [b"signed", b"encrypted"])
def test_canonical_copies_what_is_signed(subtype: bytes) -> None:
    signature = b"--b\nContent-Type: application/pgp-signature\n\nsig\n--b--\n"
    body = b"preamble\n--b\nX:  y\n\ncaf\xe9 \n" + signature + b"epilogue\n"
    made = remade(b"Content-Type: multipart/" + subtype + b"; boundary=b\n\n" + body)
    assert made.partition(b"\n\n")[2] == body


def test_canonical_labels_a_message_by_what_it_holds() -> None:
    signed = b"Content-Type: multipart/signed; boundary=b\n\n--b\n\ncaf\xe9\n--b\n\nsignature\n--b--\n"
    octets = (
        b"Content-Type: message/rfc822\n\nSubject: caf\xc3\xa9\nContent-Type: message/rfc822\n\n" + signed
    )
    root = message.parse(remade(octets))
    inner = root.parts[0]
    assert (root.encoding, inner.encoding) == ("8bit", "8bit")
    assert inner.header.get(b"subject").unfolded == b"=?utf-8?q?caf=C3=A9?="  # type: ignore[union-attr]
    assert inner.header.get(b"mime-version") is not None


@pytest.mark.parametrize(
    ("content_type", "encoding", "body"),
    [
        (b"text/plain", b"x-mystery", b"caf\xe9"),
        (b"text/plain", b"x-uuencode", b"before\nbegin 644 x\n#8F%R\n`\nend\nafter\n"),
        (b"message/rfc822", b"base64", b"U3ViamVjdDogeAoK"),
        (b"multipart/mixed", b"7bit", b"--b\nno boundary\n"),
    ],
)
def test_canonical_copies_what_it_does_not_understand(
    content_type: bytes, encoding: bytes, body: bytes
) -> None:
    octets = b"Content-Type: %b\nContent-Transfer-Encoding: %b\n\n%b" % (content_type, encoding, body)
    assert remade(octets) == octets


def test_canonical_keeps_wide_texts() -> None:
    text = "a\nb\r\n日本"
    octets = b"Content-Type: text/plain; charset=utf-16\nContent-Transfer-Encoding: binary\n\n" + text.encode(
        "utf-16"
    )
    assert message.parse(remade(octets)).text() == text


def test_canonical_with_crlf() -> None:
    octets = b"Subject: x\n y\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\ntwo\n--b--\n"
    made = remade(octets, style=Style(b"\r\n"))
    assert made == remade(octets).replace(b"\n", b"\r\n")


@given(st.binary(max_size=400))
def test_canonical_never_fails(octets: bytes) -> None:
    remade(octets)


Leaf = tuple[str, str | None, bytes]


def leaves(octets: bytes) -> list[Leaf]:
    """What stdlib reads: type, file name and octets of every leaf; line ends of texts made alike."""
    found = []
    for part in email.message_from_bytes(octets).walk():
        if part.is_multipart():
            continue
        body = part.get_payload(decode=True)
        assert isinstance(body, bytes)
        if part.get_content_maintype() in ("text", "message"):
            # Blanks at the end of a line of quoted-printable are dropped (RFC 2045 §6.7); stdlib keeps them.
            body = re.sub(rb"[ \t\r]+\n", b"\n", body).rstrip()
        name = part.get_filename()
        found.append(
            (
                part.get_content_type(),
                str(name and email.header.make_header(email.header.decode_header(name))),
                body,
            )
        )
    return found


def is_badly_encoded(octets: bytes) -> bool:
    """True where readers differ: transfer encodings with faults."""
    defects: list[str] = []
    for _, part in message.walk(message.parse(octets)):
        list(part.iter_octets(defects))
    return bool(set(defects) - {"qp-8bit"})


@pytest.mark.corpus
def test_canonical_corpus_means_the_same_to_stdlib(corpus: list[bytes]) -> None:
    compared = 0
    for number, octets in enumerate(corpus, 1):
        made = remade(octets)
        assert made.isascii(), number
        if not is_badly_encoded(octets):
            compared += 1
            assert leaves(made) == leaves(octets), number
            for expected, found in zip(words(octets), words(made), strict=True):
                assert found == expected or expected[1] is None, number
    assert compared > 3000


def stdlib_text(value: str) -> str | None:
    """A value decoded by stdlib; None where it cannot, as when a character is split between two words."""
    pieces = email.header.decode_header(value)
    text = "".join(
        piece if isinstance(piece, str) else piece.decode(charset or "ascii", "replace")
        for piece, charset in pieces
    )
    return None if "\ufffd" in text else re.sub("[\x80-\x9f]", in_windows_1252, text).strip()


def in_windows_1252(control: re.Match[str]) -> str:
    """What iso-8859-1 means in mail where stdlib takes it by its word."""
    return control[0].encode("latin-1").decode("cp1252", "replace")


def words(octets: bytes) -> list[tuple[str, object]]:
    """The header as stdlib reads it; fields that were not ASCII are left out, as it does not read them."""
    found: list[tuple[str, object]] = []
    for field in parse_header(octets):
        name, value = field.name.lower(), field.unfolded.decode("ascii", "replace")
        if not field.raw.isascii() or b"unknown-8bit" in field.raw:
            continue
        if name in ("subject", "comments"):
            found.append((name, stdlib_text(value)))
        elif name in ("from", "to", "cc"):
            found.append((name, [address for _, address in email.utils.getaddresses([value])]))
        elif name == "date":
            found.append((name, email.utils.parsedate_tz(value)))
    return found
