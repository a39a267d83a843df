import base64
import binascii
import itertools
import quopri
import re
import time
from collections.abc import Callable

import pytest
from hypothesis import given, strategies as st

from blaze.core.errors import DataError
from blaze.core.mail import scan, transfer

DECODED = [
    # encoding, octets, decoded, defects
    ("7bit", b"a\r\nb", b"a\r\nb", []),
    ("8BIT", b"\xe9", b"\xe9", []),
    ("binary", b"\0\r", b"\0\r", []),
    ("x-yenc", b"=ybegin", b"=ybegin", []),
    ("x-klingon", b"a=41", b"a=41", ["unknown-encoding"]),
    ("base64", b"", b"", []),
    ("BASE64", b"YWJj", b"abc", []),
    ("base64", b"YWJj\r\nZGVm\r\n", b"abcdef", []),
    ("base64", b"YW\nJjZ\r\nGVm", b"abcdef", []),
    ("base64", b"YQ==", b"a", []),
    ("base64", b"YWI=\r\n\r\n", b"ab", []),
    ("base64", b"YQ", b"a", ["base64-missing-padding"]),
    ("base64", b"YWI", b"ab", ["base64-missing-padding"]),
    ("base64", b"YQ=", b"a", []),
    ("base64", b"YQ=\n=", b"a", []),
    ("base64", b"YWJjZ", b"abc", ["base64-truncated"]),
    ("base64", b"Y W\tJ j", b"abc", []),
    ("base64", b"Y!W-J\xffj\0", b"abc", ["base64-rubbish"]),
    ("base64", b"=YWJj", b"abc", ["base64-rubbish"]),
    ("base64", b"YWJj=ZGVm", b"abcdef", ["base64-rubbish"]),
    ("base64", b"YQ==YWI=YWJj", b"aababc", []),
    ("base64", b"YQ==\r\nYWI=\r\nYWJj\r\n", b"aababc", []),
    ("base64", b"YQ=Yg==", b"ab", []),
    ("base64", b"YQ==\n____\nList me@example.org\n", b"a", ["base64-trailing-rubbish"]),
    ("base64", b"YQ==\r\n\r\n--\r\nYWJj\r\n", b"a", ["base64-trailing-rubbish"]),
    ("base64", b"====", b"", ["base64-rubbish"]),
    ("base64", b"!!!!", b"", ["base64-rubbish"]),
    ("quoted-printable", b"", b"", []),
    ("Quoted-Printable", b"a=3Db", b"a=b", []),
    ("quoted-printable", b"caf=c3=A9", b"caf\xc3\xa9", []),
    ("quoted-printable", b"a=\r\nb=\nc", b"abc", []),
    ("quoted-printable", b"a=20\r\nb", b"a \r\nb", []),
    ("quoted-printable", b"a \t\r\nb \nc\t", b"a\r\nb\nc", []),
    ("quoted-printable", b"a= \t\r\nb=\t\nc", b"abc", []),
    ("quoted-printable", b"a=", b"a", []),
    ("quoted-printable", b"a= ", b"a", []),
    ("quoted-printable", b"a=\r", b"a", []),
    ("quoted-printable", b"a=4", b"a=4", ["qp-invalid-escape"]),
    ("quoted-printable", b"a=4\r\n", b"a=4\r\n", ["qp-invalid-escape"]),
    ("quoted-printable", b"a=zz=3D=", b"a=zz=", ["qp-invalid-escape"]),
    ("quoted-printable", b"a==41", b"a=A", ["qp-invalid-escape"]),
    ("quoted-printable", b"a=\rb\nc", b"a=\rb\nc", ["qp-invalid-escape"]),
    ("quoted-printable", b"a= b", b"a= b", ["qp-invalid-escape"]),
    ("quoted-printable", b"\xe9=41 \0", b"\xe9A \0", ["qp-8bit"]),
    ("quoted-printable", b"a\rb", b"a\rb", []),
    ("quoted-printable", b"a_b", b"a_b", []),
    ("quoted-printable", b"x" * 2000, b"x" * 2000, []),
    ("x-uuencode", b"begin 644 a.txt\n#86)C\n`\nend\n", b"abc", []),
    ("x-uue", b"text before\r\nbegin 0644 a b\r\n#86)C\r\n \r\nend\r\ntext after", b"abc", []),
    ("uuencode", b"begin 644 a\n#86)CX\nend", b"abc", []),
    ("uuencode", b"begin 644 a\n\x01\xff\xff\nend", b"", ["uuencode-invalid-line"]),
    ("x-uuencode", b"begin 644 a\n#86)C\n", b"abc", ["uuencode-without-end"]),
    ("x-uuencode", b"nothing here", b"", ["uuencode-without-begin"]),
]


@pytest.mark.parametrize(("encoding", "octets", "decoded", "defects"), DECODED)
def test_decode(encoding: str, octets: bytes, decoded: bytes, defects: list[str]) -> None:
    found: list[str] = []
    assert transfer.decode_bytes(encoding, octets, found) == decoded
    assert found == defects
    found = []
    pieces = [octets[index : index + 1] for index in range(len(octets))]
    assert b"".join(transfer.decode(encoding, pieces, found)) == decoded
    assert found == defects


ENCODINGS = ["base64", "quoted-printable", "x-uuencode"]
broken = st.one_of(
    st.binary(),
    st.lists(
        st.sampled_from(
            [
                b"=",
                b"=4",
                b"1",
                b"A",
                b"f",
                b" ",
                b"\t",
                b"\r",
                b"\n",
                b"\r\n",
                b"\xff",
                b"YWJj",
                b"YQ==",
                b"begin 644 a\n",
                b"#86)C",
                b"end\n",
                b"-",
            ]
        )
    ).map(b"".join),
)


@given(broken, st.sampled_from(ENCODINGS), st.lists(st.integers(0, 80)))
def test_decode_chunks_make_no_difference(octets: bytes, encoding: str, cuts: list[int]) -> None:
    edges = [0, *sorted(cut for cut in cuts if cut <= len(octets)), len(octets)]
    chunks = [octets[start:end] for start, end in itertools.pairwise(edges)]
    whole: list[str] = []
    pieces: list[str] = []
    assert b"".join(transfer.decode(encoding, chunks, pieces)) == transfer.decode_bytes(
        encoding, octets, whole
    )
    assert sorted(pieces) == sorted(whole)


def _chunks(octets: bytes, size: int) -> list[bytes]:
    return [octets[start : start + size] for start in range(0, len(octets), size)]


content = st.one_of(
    st.binary(),
    st.text().map(str.encode),
    st.lists(
        st.sampled_from(
            [
                b"From ",
                b".",
                b"\r\n",
                b"\n",
                b"\r",
                b" ",
                b"\t",
                b"a" * 30,
                b"a" * 75,
                b"\xc3\xa9",
                b"=",
                b"\0",
                b"--",
            ]
        )
    ).map(b"".join),
)


@given(content, st.sampled_from([b"\r\n", b"\n"]), st.integers(1, 50))
def test_encode_base64_decodes_to_the_same(octets: bytes, newline: bytes, size: int) -> None:
    encoded = transfer.encode_bytes("base64", octets, newline=newline)
    assert b"".join(transfer.encode("base64", _chunks(octets, size), newline=newline)) == encoded
    assert transfer.decode_bytes("base64", encoded) == octets
    assert encoded == base64.encodebytes(octets).replace(b"\n", newline)


@given(
    content, st.sampled_from([b"\r\n", b"\n"]), st.sampled_from([None, b"\r\n", b"\n"]), st.integers(1, 50)
)
def test_encode_quoted_printable_decodes_to_the_same(
    octets: bytes, newline: bytes, line_end: bytes | None, size: int
) -> None:
    encoded = transfer.encode_bytes("quoted-printable", octets, newline=newline, line_end=line_end)
    pieces = transfer.encode("quoted-printable", _chunks(octets, size), newline=newline, line_end=line_end)
    assert b"".join(pieces) == encoded
    decoded = transfer.decode_bytes("quoted-printable", encoded)
    assert decoded == (octets if line_end is None else newline.join(octets.split(line_end)))
    lines = encoded.split(newline)
    for line in lines:
        assert len(line) <= 76
        assert re.fullmatch(rb"[\t -~]*", line)
        assert not line.endswith((b" ", b"\t"))
        assert not line.startswith(b"From ")
        assert line != b"."
    if line_end:
        assert sum(not line.endswith(b"=") for line in lines) == octets.count(line_end) + 1
    assert quopri.decodestring(encoded) == decoded


@pytest.mark.parametrize("line_end", [None, b"\r\n", b"\n"])
@pytest.mark.parametrize(
    "octets", [b"x" * 300_000, b"\xff\n" * 100_000, b"From a\r\n" * 50_000, b"a \r" * 90_000]
)
def test_encode_quoted_printable_over_many_blocks(octets: bytes, line_end: bytes | None) -> None:
    encoded = transfer.encode_bytes("quoted-printable", octets, line_end=line_end)
    chunks = _chunks(octets, 1009)
    assert b"".join(transfer.encode("quoted-printable", chunks, line_end=line_end)) == encoded
    assert max(map(len, encoded.split(b"\r\n"))) <= 76
    decoded = b"".join(transfer.decode("quoted-printable", _chunks(encoded, 4093)))
    assert decoded == (octets.replace(b"\n", b"\r\n") if line_end == b"\n" else octets)


ENCODED = [
    (b"caf\xc3\xa9\r\n", b"\r\n", b"caf=C3=A9\r\n"),
    (b"a \r\nb\t\r\n", b"\r\n", b"a=20\r\nb=09\r\n"),
    (b"a\nb\rc\r\n", b"\r\n", b"a=0Ab=0Dc\r\n"),
    (b"a\r\nb\n", b"\n", b"a=0D\r\nb\r\n"),
    (b"a\r\nb", None, b"a=0D=0Ab"),
    (b".\r\n..\r\n", b"\r\n", b"=2E\r\n..\r\n"),
    (b"From me\r\n", b"\r\n", b"=46rom=\r\n me\r\n"),
    (b"x" * 76 + b"\nx", None, b"x" * 75 + b"=\r\nx=\r\n=0Ax"),
    (b"x" * 74 + b" \r\n", b"\r\n", b"x" * 74 + b"=\r\n=20\r\n"),
    (b"x" * 75 + b"\t\r\n", b"\r\n", b"x" * 75 + b"=\r\n=09\r\n"),
    (b"x" * 77, b"\r\n", b"x" * 75 + b"=\r\nxx"),
]


@pytest.mark.parametrize(("octets", "line_end", "encoded"), ENCODED)
def test_encode_quoted_printable(octets: bytes, line_end: bytes | None, encoded: bytes) -> None:
    assert transfer.encode_bytes("quoted-printable", octets, line_end=line_end) == encoded


def test_encode_identity() -> None:
    assert transfer.encode_bytes("7bit", b"a\n") == b"a\n"
    assert transfer.encode_bytes("8bit", b"\xe9") == b"\xe9"
    assert transfer.encode_bytes("binary", b"\0") == b"\0"


@pytest.mark.parametrize(("encoding", "octets"), [("7bit", b"\xe9"), ("x-uuencode", b"a"), ("", b"a")])
def test_encode_refuses(encoding: str, octets: bytes) -> None:
    with pytest.raises(DataError):
        transfer.encode_bytes(encoding, octets)


@given(st.binary())
def test_decode_agrees_with_the_standard_library(octets: bytes) -> None:
    assert transfer.decode_bytes("base64", base64.encodebytes(octets)) == octets
    if b"\r" not in octets:  # which it does not escape
        assert transfer.decode_bytes("quoted-printable", quopri.encodestring(octets)) == octets
    lines = [binascii.b2a_uu(octets[start : start + 45]) for start in range(0, len(octets), 45)]
    assert transfer.decode_bytes("x-uuencode", b"begin 644 a\n" + b"".join(lines) + b"`\nend\n") == octets


HOSTILE: list[tuple[str, Callable[[int], bytes]]] = [
    ("base64", lambda count: b"=" * count),
    ("base64", lambda count: b"YQ==\n" * (count // 5)),
    ("base64", lambda count: b"YQ==" * (count // 4)),
    ("base64", lambda count: b"Y!=" * (count // 3)),
    ("base64", lambda count: b"YQ==" + b"\n" * count),
    ("quoted-printable", lambda count: b" " * count),
    ("quoted-printable", lambda count: b"a \t" * (count // 3)),
    ("quoted-printable", lambda count: (b" " * 999 + b"a\n") * (count // 1000)),
    ("quoted-printable", lambda count: b"=" * count),
    ("quoted-printable", lambda count: b"\r" * count),
    ("x-uuencode", lambda count: b"begin 644 a\n" + b"M" * count),
    ("x-uuencode", lambda count: b"begin 644 a\n" + b"\n" * count),
]


@pytest.mark.parametrize(("encoding", "octets"), HOSTILE)
def test_decode_in_linear_time(encoding: str, octets: Callable[[int], bytes]) -> None:
    def seconds(count: int) -> float:
        chunks = _chunks(octets(count), 4096)
        start = time.process_time()
        for _ in transfer.decode(encoding, chunks):
            pass
        return time.process_time() - start

    small = min(seconds(250_000) for _ in range(3))
    assert min(seconds(1_000_000) for _ in range(2)) < 16 * small + 0.02


SCANNED = [
    # octets, encoding as text, as text with 8bit allowed, as octets
    (b"", "7bit", "7bit", "7bit"),
    (b"plain\n", "7bit", "7bit", "quoted-printable"),
    (b"plain\r\nlf\n", "7bit", "7bit", "quoted-printable"),
    (b"plain", "7bit", "7bit", "7bit"),
    (
        b"caf\xc3\xa9, and more of it, so that escapes are few\n",
        "quoted-printable",
        "8bit",
        "quoted-printable",
    ),
    ("Привет, мир\n".encode(), "base64", "8bit", "base64"),
    (b"a\rb", "quoted-printable", "quoted-printable", "quoted-printable"),
    (b"a" * 100 + b"\0", "quoted-printable", "quoted-printable", "quoted-printable"),
    (b"a" * 998 + b"\r\n", "7bit", "7bit", "quoted-printable"),
    (b"a" * 999 + b"\n", "quoted-printable", "quoted-printable", "quoted-printable"),
    (bytes(range(256)), "base64", "base64", "base64"),
]


@pytest.mark.parametrize(("octets", "text", "text_8bit", "binary"), SCANNED)
def test_choose_encoding(octets: bytes, text: str, text_8bit: str, binary: str) -> None:
    counted = scan.scan([octets])
    assert scan.choose_encoding(counted) == text
    assert scan.choose_encoding(counted, allow_8bit=True) == text_8bit
    assert scan.choose_encoding(counted, is_text=False) == binary


@given(content, st.integers(1, 20))
def test_scan_counts(octets: bytes, size: int) -> None:
    counted = scan.scan(_chunks(octets, size))
    assert counted.octets == len(octets)
    assert counted.eight_bit == sum(octet > 127 for octet in octets)
    assert counted.nul == octets.count(0)
    assert counted.crlf == octets.count(b"\r\n")
    assert counted.bare_cr == len(re.findall(rb"\r(?!\n)", octets))
    assert counted.bare_lf == len(re.findall(rb"(?<!\r)\n", octets))
    assert counted.longest_line == max(map(len, re.split(rb"\r?\n", octets)))
    assert counted.base64_size() == len(transfer.encode_bytes("base64", octets))


@given(content)
def test_scan_knows_about_how_long_quoted_printable_is(octets: bytes) -> None:
    counted = scan.scan([octets])
    size = len(transfer.encode_bytes("quoted-printable", octets))
    assert abs(counted.quoted_printable_size(is_text=False) - size) <= 12 + size // 10 + 3 * octets.count(
        b"From "
    )


@pytest.mark.corpus
def test_decode_agrees_with_the_standard_library_on_the_corpus(corpus: list[bytes]) -> None:
    compared = {"base64": 0, "quoted-printable": 0}
    part = re.compile(
        rb"(?mi)^Content-Transfer-Encoding: *(base64|quoted-printable)[^\n]*\n(?:[^\n]+\n)*\n"
        rb"((?>(?:(?!--)[^\n]*+\n)*))"
    )
    for match in part.finditer(b"\n".join(corpus)):
        encoding, body = match[1].decode().lower(), match[2]
        decoded = transfer.decode_bytes(encoding, body)
        expected = None
        if encoding == "quoted-printable" and b"==" not in body:  # which it takes for one `=`
            expected = quopri.decodestring(re.sub(rb"(?m)[ \t]+$", b"", body))
        cut_short = len(body.translate(None, b"=\n")) % 4 == 1  # where it gives up
        if encoding == "base64" and not cut_short and re.fullmatch(rb"(?:[A-Za-z0-9+/]+=*\n)*\n*", body):
            expected = binascii.a2b_base64(body + b"==")
        if expected is not None:
            assert decoded == expected
            compared[encoding] += 1
    assert compared["base64"] > 10
    assert compared["quoted-printable"] > 100
