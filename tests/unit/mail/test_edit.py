"""Messages changed in place: what is not changed is copied octet by octet."""

from collections.abc import Iterator

import pytest
from hypothesis import given, strategies as st

from blaze.core.errors import DataError
from blaze.core.mail import edit, message
from blaze.core.mail.build import LF, Style
from blaze.core.mail.compose import Leaf, Span
from blaze.core.mail.edit import Wrapping

CRLF = Style(newline=b"\r\n")


def wrap(octets: bytes, style: Style = LF, **options: object) -> bytes:
    options.setdefault("boundary", "b")
    return b"".join(edit.wrap(Span(octets, 0, len(octets)), Wrapping(**options), style))  # type: ignore[arg-type]


def put(octets: bytes, leaf: Leaf, style: Style = LF, *, size: int = 0) -> bytes:
    chunks = [octets[i : i + size] for i in range(0, len(octets), size)] if size else [octets]
    return b"".join(edit.put(iter(chunks), leaf, style))


PLAIN = b"Subject: x\n folded\nContent-Type: text/plain\nX-Odd :y\n\nhello\n"


def test_wrap_moves_content_fields_down_and_copies_the_rest() -> None:
    assert wrap(PLAIN) == (
        b"Subject: x\n folded\nX-Odd :y\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
        b"--b\nContent-Type: text/plain\n\nhello\n\n--b--\n"
    )


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"", b"HEAD\n--b\n\n\n--b--\n"),
        (b"\n", b"HEAD\n--b\n\n\n--b--\n"),
        (b"\nbody", b"HEAD\n--b\n\nbody\n--b--\n"),
        (b"Subject: x", b"Subject: x\nHEAD\n--b\n\n\n--b--\n"),
        (b"Content-Type: a/b", b"HEAD\n--b\nContent-Type: a/b\n\n\n--b--\n"),
        (b"no header at all", b"HEAD\n--b\n\nno header at all\n--b--\n"),
        (b"From x\nSubject: y\n\nz\n", b"From x\nSubject: y\nHEAD\n--b\n\nz\n\n--b--\n"),
        (b"Content-Length: 2\nLines: 1\n\nz\n", b"Lines: 1\nHEAD\n--b\n\nz\n\n--b--\n"),
        (b"a: b\r\nContent-ID: <x@y>\r\n\r\nz\r\n", b"a: b\nHEAD\n--b\nContent-ID: <x@y>\n\nz\n\n--b--\n"),
    ],
)
def test_wrap_takes_any_message(octets: bytes, expected: bytes) -> None:
    head = b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
    assert wrap(octets) == expected.replace(b"HEAD\n", head)


def test_wrap_moves_a_field_with_its_badly_folded_lines() -> None:
    wrapped = wrap(b"Content-Type: multipart/mixed;\nboundary=x\nSubject: y\n\nz\n")
    assert wrapped.startswith(b"Subject: y\nMIME-Version")
    assert b"--b\nContent-Type: multipart/mixed;\nboundary=x\n\nz\n" in wrapped


@pytest.mark.parametrize(
    "octets", [b"Subject: x\n--b\n\r", b"a: b\n\r\r\nrest", b"a: b\r", b"\r", b"a: b\n\r\r"]
)
@pytest.mark.parametrize("style", [LF, CRLF])
def test_wrap_ends_the_header_where_it_must_although_there_are_bare_crs(octets: bytes, style: Style) -> None:
    root = message.parse(wrap(octets, style))
    assert root.header.get(b"content-type")
    assert len(root.parts) == 1


def test_wrap_keeps_a_mime_version_and_its_place() -> None:
    wrapped = wrap(b"mime-version: 1.0 (x)\nSubject: y\n\nz\n")
    assert wrapped.startswith(b"mime-version: 1.0 (x)\nSubject: y\nContent-Type: multipart/mixed")


def test_wrap_writes_crlf_throughout() -> None:
    wrapped = wrap(PLAIN, CRLF)
    assert wrapped == wrap(PLAIN).replace(b"\n", b"\r\n")
    assert wrap(PLAIN.replace(b"\n", b"\r\n"), CRLF) == wrapped
    assert wrap(PLAIN.replace(b"\n", b"\r\n")) == wrap(PLAIN)


def test_wrap_leaves_the_newlines_of_binary_content() -> None:
    octets = b"Content-Transfer-Encoding: binary\n\na\r\nb\nc\r\0"
    assert wrap(octets).endswith(b"\n\na\r\nb\nc\r\0\n--b--\n")
    assert b"\nContent-Transfer-Encoding: binary\n\n--b" in wrap(octets, CRLF)


@pytest.mark.parametrize(
    "label", [b"", b"Content-Transfer-Encoding: 7bit\n", b"Content-Transfer-Encoding: 8BIT\n"]
)
def test_wrap_labels_8bit_content(label: bytes) -> None:
    root = message.parse(wrap(label + b"\n\xc3\xa9\n"))
    assert (root.encoding, root.parts[0].encoding) == ("8bit", "8bit")
    assert len(root.parts[0].header) == 1


@pytest.mark.parametrize("encoding", [b"7bit", b"base64", b"quoted-printable"])
def test_wrap_labels_no_other_content(encoding: bytes) -> None:
    root = message.parse(wrap(b"Content-Transfer-Encoding: " + encoding + b"\n\nYQ==\n"))
    assert root.header.get(b"content-transfer-encoding") is None
    assert root.parts[0].encoding == encoding.decode()


def test_wrap_gives_the_part_further_fields_in_place_of_its_own() -> None:
    wrapped = wrap(PLAIN, part_fields=(b"Content-Type: text/x\n", b"Content-ID: <a@b>\n"))
    assert wrapped.endswith(b"--b\nContent-Type: text/x\nContent-ID: <a@b>\n\nhello\n\n--b--\n")


def test_wrap_names_the_root_of_a_related() -> None:
    root = message.parse(wrap(PLAIN, subtype="related"))
    assert root.content_type.params["type"] == "text/plain"
    root = message.parse(wrap(PLAIN, subtype="report", params={"report-type": "delivery-status"}))
    assert root.content_type.params == {"report-type": "delivery-status", "boundary": "b"}


def test_wrap_refuses_a_boundary_that_occurs_and_avoids_it_itself() -> None:
    octets = b"\nhello\n--b\n"
    with pytest.raises(DataError, match="occurs in a part"):
        wrap(octets)
    seeded = message.parse(wrap(octets, boundary=None, seed=b"s")).content_type.params["boundary"]
    again = wrap(b"\n--" + seeded.encode(), boundary=None, seed=b"s")
    assert message.parse(again).content_type.params["boundary"] != seeded


def test_wrap_refuses_a_header_of_too_many_fields() -> None:
    with pytest.raises(DataError, match="more than 10,000 fields"):
        wrap(b"a: b\n" * 10_001 + b"\n")


MIXED = b"Content-Type: multipart/mixed; boundary=b\nSubject: x\n\npreamble\n--b\n\none\n--b--\nepilogue\n"
NEW = (
    b"--b\nContent-Type: text/plain\nContent-Transfer-Encoding: 7bit\n"
    b"Content-Disposition: attachment\n\nnew\n"
)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 64])
def test_put_adds_a_part_before_the_close_delimiter(size: int) -> None:
    assert put(MIXED, Leaf([b"new"]), size=size) == MIXED.replace(b"--b--", NEW + b"--b--")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", b"NEW--b--\n"),
        (b"--b--", b"NEW--b--"),
        (b"--b--\n", b"NEW--b--\n"),
        (b"--b\n\none", b"--b\n\none\nNEW--b--\n"),
        (b"--b\n\none\n", b"--b\n\none\nNEW--b--\n"),
        (b"--b\n\none\n--b-- \t\nrest", b"--b\n\none\nNEW--b-- \t\nrest"),
        (b"--b\n\none\n--b-- ", b"--b\n\none\nNEW--b-- "),
        (b"--b\n\n--b--x\n--bb--\n--b--\n--b--\n", b"--b\n\n--b--x\n--bb--\nNEW--b--\n--b--\n"),
        (b"--b\n\nx --b--\n--b--\n", b"--b\n\nx --b--\nNEW--b--\n"),
        (b"--b\n\none\n--b--" + b" " * 2000 + b"\n", b"--b\n\none\n--b--" + b" " * 2000 + b"\nNEW--b--\n"),
    ],
)
@pytest.mark.parametrize("size", [0, 1, 5])
def test_put_finds_the_close_delimiter(body: bytes, expected: bytes, size: int) -> None:
    head = b"Content-Type: multipart/mixed; boundary=b\n\n"
    assert put(head + body, Leaf([b"new"]), size=size) == head + expected.replace(b"NEW", NEW)


def test_put_writes_crlf_throughout() -> None:
    expected = MIXED.replace(b"--b--", NEW + b"--b--").replace(b"\n", b"\r\n")
    assert put(MIXED, Leaf([b"new"]), CRLF) == expected
    assert put(MIXED.replace(b"\n", b"\r\n"), Leaf([b"new"]), CRLF, size=1) == expected


def test_put_leaves_the_newlines_of_a_binary_message() -> None:
    head = b"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    octets = head + b"--b\r\n\r\na\nb\r\r\n--b--\r\n"
    assert put(octets, Leaf([b"new"])) == octets.replace(b"--b--", NEW.replace(b"\n", b"\r\n") + b"--b--")


def test_new_fields_in_a_binary_message_have_its_newlines() -> None:
    octets = (
        b"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\n--b--\r\n"
    )
    field = b"X-New: a\n"
    for written in (
        put(octets, Leaf([b"new"], fields=(field,))),
        wrap(octets, boundary="c", part_fields=(field,)),
        b"".join(edit.add_fields([octets], [field], LF)),
    ):
        assert b"X-New: a\r\n" in written
        assert written.count(b"\n") == written.count(b"\r\n")


def test_put_widens_the_encoding_of_the_message() -> None:
    for label in (b"", b"Content-Transfer-Encoding: 7bit\n"):
        octets = put(label + MIXED, Leaf([b"\xe9"], encoding="8bit"))
        root = message.parse(octets)
        assert root.encoding == "8bit"
        assert len(root.header.get_all(b"content-transfer-encoding")) == 1
    kept = b"content-transfer-encoding: 8bit (so)\n" + MIXED
    assert put(kept, Leaf([b"\xe9"], encoding="8bit")).startswith(kept.partition(b"\n\n")[0])
    assert put(kept, Leaf([b"a"], encoding="7bit")).startswith(kept.partition(b"\n\n")[0])


@pytest.mark.parametrize("encoding", [b"base64", b"Quoted-Printable"])
def test_put_leaves_no_encoding_that_a_multipart_cannot_have(encoding: bytes) -> None:
    root = message.parse(put(b"Content-Transfer-Encoding: " + encoding + b"\n" + MIXED, Leaf([b"a=b"])))
    assert root.encoding == "8bit"
    assert len(root.header.get_all(b"content-transfer-encoding")) == 1
    assert not root.structure.defects


@pytest.mark.parametrize(
    ("subtype", "disposition"),
    [
        (b"mixed", b"Content-Disposition: attachment; filename=n"),
        (b"related", b"Content-Disposition: inline; filename=n"),
        (b"alternative", None),
        (b"report", None),
        (b"form-data", b"Content-Disposition: form-data; name=n; filename=n"),
        (b"x-new", b"Content-Disposition: attachment; filename=n"),
    ],
)
def test_put_gives_the_part_the_disposition_of_its_place(subtype: bytes, disposition: bytes | None) -> None:
    octets = put(MIXED.replace(b"mixed", subtype), Leaf([b"new"], filename="n"))
    field = message.parse(octets).parts[-1].header.get(b"content-disposition")
    assert (field.octets.strip() if field else None) == disposition
    own = Leaf([b"new"], filename="n", fields=(b"Content-Disposition: x\n",))
    field = (
        message.parse(put(MIXED.replace(b"mixed", subtype), own)).parts[-1].header.get(b"content-disposition")
    )
    assert field and field.octets == b"Content-Disposition: x\n"


def test_put_hides_the_boundary_in_base64() -> None:
    root = message.parse(put(MIXED, Leaf([b"one\n--b\ntwo\n"])))
    assert [part.encoding for part in root.parts] == ["7bit", "base64"]
    with pytest.raises(DataError, match="occurs in the part"):
        put(MIXED, Leaf([b"--b"], encoding="7bit"))


@pytest.mark.parametrize(
    "octets",
    [b"", b"\n", b"hello", PLAIN, b"Content-Type: multipart/mixed\n\n", b"Content-Type: message/rfc822\n\n"],
)
def test_put_refuses_what_is_no_multipart(octets: bytes) -> None:
    with pytest.raises(DataError):
        put(octets, Leaf([b"new"]))


@pytest.mark.parametrize("boundary", [b"\xc3\xa9", b"\xff", b"a b", b"x" * 5000])
def test_put_takes_any_boundary_that_it_finds(boundary: bytes) -> None:
    octets = MIXED.replace(b"boundary=b", b'boundary="' + boundary + b'"').replace(b"--b", b"--" + boundary)
    expected = (NEW + b"--b--").replace(b"--b", b"--" + boundary)
    assert put(octets, Leaf([b"new"])) == octets.replace(b"--" + boundary + b"--", expected)


def test_put_reads_the_message_as_it_comes() -> None:
    given_out: list[int] = []

    def stream() -> Iterator[bytes]:
        yield b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\n"
        for number in range(1000):
            given_out.append(number)
            yield b"x" * 1000 + b"\n"
        yield b"--b--\n"

    changed = edit.put(stream(), Leaf([b"new"]), LF)
    for _ in range(20):
        next(changed)
    assert len(given_out) < 25
    assert b"".join(changed).endswith(b"new\n--b--\n")


@given(
    body=st.lists(st.sampled_from([b"--b", b"--b--", b"\n", b"\r\n", b" ", b"x", b"--", b"b"]), max_size=30),
    size=st.integers(1, 9),
)
def test_put_does_not_depend_on_chunks_and_adds_one_part(body: list[bytes], size: int) -> None:
    octets = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"".join(body)
    once = put(octets, Leaf([b"new"]))
    assert put(octets, Leaf([b"new"]), size=size) == once
    converted = octets.replace(b"\r\n", b"\n")
    before, found, after = once.partition(NEW)
    assert found
    assert before + after in (converted, converted + b"--b--\n", converted + b"\n--b--\n")
    root = message.parse(once)
    assert any(part.header.get(b"content-disposition") for part in root.parts)


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"", b"A: b\n\n"),
        (b"\nbody", b"A: b\n\nbody"),
        (b"body alone", b"A: b\n\nbody alone"),
        (b"X: y\n\nbody\n", b"A: b\nX: y\n\nbody\n"),
        (b"X: y\r\n\r\nbody\r\n", b"A: b\nX: y\n\nbody\n"),
        (b"From x\nX: y\n\nbody\n", b"From x\nA: b\nX: y\n\nbody\n"),
        (b"X: y\n", b"A: b\nX: y\n"),
        (b"From : a@b\n\n", b"A: b\nFrom : a@b\n\n"),
        (b"\xef\xbb\xbfX: y\n\n", b"\xef\xbb\xbfA: b\nX: y\n\n"),
    ],
)
@pytest.mark.parametrize("size", [1, 100])
def test_add_fields_stand_in_front(octets: bytes, expected: bytes, size: int) -> None:
    chunks = [octets[i : i + size] for i in range(0, len(octets), size)]
    assert b"".join(edit.add_fields(chunks, [b"A: b\n"], LF)) == expected
    crlf = b"".join(edit.add_fields(chunks, [b"A: b\r\n"], CRLF))
    assert crlf == expected.replace(b"\n", b"\r\n")


@given(octets=st.binary(max_size=300))
def test_wrap_and_add_fields_take_any_octets(octets: bytes) -> None:
    wrapped = wrap(octets, boundary=None, seed=b"s")
    root = message.parse(wrapped)
    assert len(root.parts) == 1
    b"".join(edit.add_fields([octets], [b"A: b\n"], LF))
