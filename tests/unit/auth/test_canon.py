"""Canonical forms (RFC 6376 §3.4) and body hashes."""

import hashlib
import mmap
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from blaze.core.auth import canon
from blaze.core.auth.canon import BodyCanonicalizer, BodyHashes, Canonicalization

RELAXED_FIELDS = [  # RFC 6376 §3.4.5 and the rules of §3.4.2
    (b"a", b" X\r\n", b"a:X"),
    (b"b", b" Y\t\r\n\tZ  \r\n", b"b:Y Z"),
    (b"subject", b"  a  \t b\r\n\r\n", b"subject:a b"),
    (b"x", b"", b"x:"),
    (b"x", b" \r\n", b"x:"),
    (b"x", b"a\n b\n", b"x:a b"),
    (b"x", b" a\rb \r\n c\r\n", b"x:a\rb c"),
    (b"x", b" a\x0bb\x0c \r\n", b"x:a\x0bb\x0c"),
    (b"x", " \u00a0é\r\n".encode(), "x:\u00a0é".encode()),
]


@pytest.mark.parametrize(("name", "value", "expected"), RELAXED_FIELDS)
def test_relaxed_field(name: bytes, value: bytes, expected: bytes) -> None:
    assert canon.relaxed_field(name, value) == expected


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"A: X\r\n", b"A: X\r\n"),
        (b"A : X\n\tY \n", b"A : X\r\n\tY \r\n"),
        (b"A: X", b"A: X\r\n"),
        (b"A: X\rY\r\n Z\n", b"A: X\rY\r\n Z\r\n"),
    ],
)
def test_simple_field(octets: bytes, expected: bytes) -> None:
    assert canon.simple_field(octets) == expected


BODIES = [  # body, simple, relaxed
    (b"", b"\r\n", b""),
    (b"\r\n", b"\r\n", b""),
    (b"\n\n\n", b"\r\n", b""),
    (b" C \r\nD \t E\r\n\r\n\r\n", b" C \r\nD \t E\r\n", b" C\r\nD E\r\n"),  # RFC 6376 §3.4.5
    (b"a", b"a\r\n", b"a\r\n"),
    (b"a\nb\r\nc\n", b"a\r\nb\r\nc\r\n", b"a\r\nb\r\nc\r\n"),
    (b"a \t\nb\t", b"a \t\r\nb\t\r\n", b"a\r\nb\r\n"),
    (b" ", b" \r\n", b""),
    (b"\t\n \n", b"\t\r\n \r\n", b""),
    (b"\n\na\n\n", b"\r\n\r\na\r\n", b"\r\n\r\na\r\n"),
    (b"a\rb\r\r\n", b"a\rb\r\r\n", b"a\rb\r\r\n"),
    (b"a\r", b"a\r\r\n", b"a\r\r\n"),
    (b"a \r \r\n", b"a \r \r\n", b"a \r\r\n"),
    (b"a\n \r", b"a\r\n \r\r\n", b"a\r\n \r\r\n"),
    (b"a\x0b \x0c\n", b"a\x0b \x0c\r\n", b"a\x0b \x0c\r\n"),
    (b"a  \xff\x00  b\n", b"a  \xff\x00  b\r\n", b"a \xff\x00 b\r\n"),
]


def in_chunks(body: bytes, canonicalization: Canonicalization, size: int) -> bytes:
    written: list[bytes] = []
    canonicalizer = BodyCanonicalizer(canonicalization, written.append)
    for start in range(0, len(body), size):
        canonicalizer.update(body[start : start + size])
    canonicalizer.finish()
    canonical = b"".join(written)
    assert canonicalizer.length == len(canonical)
    return canonical


@pytest.mark.parametrize(("body", "simple", "relaxed"), BODIES)
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_body_whole_and_in_chunks(body: bytes, simple: bytes, relaxed: bytes, size: int) -> None:
    assert canon.canonical_body(body, "simple") == simple
    assert canon.canonical_body(body, "relaxed") == relaxed
    assert in_chunks(body, "simple", size) == simple
    assert in_chunks(body, "relaxed", size) == relaxed


octets = st.lists(st.sampled_from([b"a", b" ", b"\t", b"\r", b"\n", b"\r\n"]), max_size=30).map(b"".join)


@given(octets, st.integers(1, 7), st.sampled_from(["simple", "relaxed"]))
def test_chunks_change_nothing(body: bytes, size: int, canonicalization: Canonicalization) -> None:
    assert in_chunks(body, canonicalization, size) == canon.canonical_body(body, canonicalization)


@given(octets, st.sampled_from(["simple", "relaxed"]))
def test_canonical_form_is_its_own_canonical_form(body: bytes, canonicalization: Canonicalization) -> None:
    once = canon.canonical_body(body, canonicalization)
    assert canon.canonical_body(once, canonicalization) == once


@given(octets.filter(lambda body: b"\r" not in body), st.sampled_from(["simple", "relaxed"]))
def test_newlines_of_the_input_change_nothing(body: bytes, canonicalization: Canonicalization) -> None:
    crlf = body.replace(b"\n", b"\r\n")
    assert canon.canonical_body(crlf, canonicalization) == canon.canonical_body(body, canonicalization)


def test_body_hashes_with_limits() -> None:
    hashes = BodyHashes(b"X\n\nabc  d\n\n", 3, 12)
    hashes.prepare({("relaxed", None), ("relaxed", 2), ("simple", 100)})
    assert hashes.digest("relaxed") == hashlib.sha256(b"abc d\r\n").digest()
    assert hashes.digest("relaxed", 2) == hashlib.sha256(b"ab").digest()
    assert hashes.digest("simple", 100) == hashlib.sha256(b"abc  d\r\n").digest()
    assert hashes.digest("simple", 0) == hashlib.sha256().digest()
    assert (hashes.length("relaxed"), hashes.length("simple")) == (7, 8)


@pytest.mark.parametrize("canonicalization", ["simple", "relaxed"])
def test_body_hashes_of_a_mapped_file(tmp_path: Path, canonicalization: Canonicalization) -> None:
    body = (b"a line  with blanks \t \r\n" * 997 + b"\r\n" * 50_000) * 3
    path = tmp_path / "body"
    path.write_bytes(b"head" + body)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert len(body) > canon.SMALL
        hashes = BodyHashes(mapped, 4, 4 + len(body))
        hashes.prepare({(canonicalization, None), (canonicalization, 12_345)})
        canonical = canon.canonical_body(body, canonicalization)
        assert hashes.digest(canonicalization) == hashlib.sha256(canonical).digest()
        assert hashes.digest(canonicalization, 12_345) == hashlib.sha256(canonical[:12_345]).digest()
        assert hashes.length(canonicalization) == len(canonical)


def test_each_canonicalization_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def counted(body: bytes, canonicalization: Canonicalization) -> bytes:
        calls.append(canonicalization)
        return body

    monkeypatch.setattr(canon, "canonical_body", counted)
    hashes = BodyHashes(b"abc", 0, 3)
    hashes.prepare({("simple", None), ("simple", 1), ("relaxed", 2)})
    hashes.prepare({("simple", None), ("relaxed", 2)})
    hashes.digest("simple", 1)
    hashes.length("relaxed")
    assert sorted(calls) == ["relaxed", "simple"]
