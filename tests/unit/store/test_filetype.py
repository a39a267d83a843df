"""Media types: by libmagic and the name, and by the name alone."""

import pytest

from blaze.core.store import filetype
from blaze.core.store.filetype import FileType

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0"

CASES = [
    (b"hello\n", "a.txt", "text/plain", "us-ascii"),
    ("été\n".encode(), "a.txt", "text/plain", "utf-8"),
    (b"a;b\n1;2\n", "a.csv", "text/csv", "us-ascii"),
    (b"<p>hello</p>\n", "a.html", "text/html", "us-ascii"),
    (b'{"a": 1}\n', "a.json", "application/json", None),
    (PNG, "a.png", "image/png", None),
    (b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", "a.pdf", "application/pdf", None),
    (b"", "a.png", "image/png", None),
    (b"", "a", "application/octet-stream", None),
    (b"\x1f\x8b\x08\0\0\0\0\0\0\3", "a.tar.gz", "application/gzip", None),
]


@pytest.mark.parametrize(("head", "name", "media_type", "charset"), CASES)
def test_guess_without_libmagic(
    head: bytes, name: str, media_type: str, charset: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filetype, "_magic", lambda: None)
    assert not filetype.has_magic()
    assert filetype.guess(head, name) == FileType(media_type, charset)


@pytest.mark.parametrize(
    ("head", "name", "media_type", "charset"),
    [
        *CASES,
        (PNG, "a.txt", "image/png", None),
        (PNG, "a", "image/png", None),
        (b"PK\3\4\x14\0\0\0\0\0", "a.zip", "application/zip", None),
        (b"x", "a.bin", "application/octet-stream", None),
        ("été, voilà\n".encode("latin-1"), "a.txt", "text/plain", "iso-8859-1"),
        (b"\x81\x8d\x8f\x90 \x9d\n", "a.txt", "application/octet-stream", None),
        (b"From: a@b\nTo: c@d\nSubject: x\nDate: y\n\nhi\n", "a.eml", "message/rfc822", None),
        (b"From: a@b\nTo: c@d\nSubject: x\nDate: y\n\nhi\n", "a.txt", "text/plain", "us-ascii"),
    ],
)
def test_guess_with_libmagic(head: bytes, name: str, media_type: str, charset: str | None) -> None:
    if not filetype.has_magic():
        pytest.skip("libmagic is not installed")
    assert filetype.guess(head, name) == FileType(media_type, charset)


def test_guess_keeps_a_type_that_is_known() -> None:
    assert filetype.guess(b"hello\n", "a.png", "text/x-new") == FileType("text/x-new", "us-ascii")
    assert filetype.guess(b"hello\n", "a.txt", "image/png") == FileType("image/png")


def test_guess_looks_at_a_character_that_the_head_cuts() -> None:
    head = b"x" * (filetype.HEAD - 1) + "é".encode() + b"more"
    assert filetype.guess(head, "a.txt").charset == "utf-8"


def test_magic_that_is_missing_or_broken_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    import types

    for module in (None, types.ModuleType("magic")):
        filetype._magic.cache_clear()
        monkeypatch.setitem(sys.modules, "magic", module)
        assert not filetype.has_magic()
    filetype._magic.cache_clear()
