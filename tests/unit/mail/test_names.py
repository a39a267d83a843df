"""File names chosen by a message."""

import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given, strategies as st

from blaze.core.mail.names import MAX_NAME, numbered, safe_name

NAMES = [
    ("report.pdf", "report.pdf"),
    ("../../etc/cron.d/x", "x"),
    ("/etc/passwd", "passwd"),
    ("C:\\Users\\ann\\letter.doc", "letter.doc"),
    ("..\\..\\autoexec.bat", "autoexec.bat"),
    ("folder/", "folder"),
    ("..", "part"),
    (".", "part"),
    ("", "part"),
    ("   ", "part"),
    ("...", "part"),
    (".bashrc", "bashrc"),
    (". .ssh", "ssh"),
    ("~root", "_root"),
    ("-rf", "_rf"),
    ("CON", "_CON"),
    ("con.txt", "_con.txt"),
    ("Com1.tar.gz", "_Com1.tar.gz"),
    ("LPT¹", "_LPT¹"),
    ("nul .txt", "_nul .txt"),
    ("console.txt", "console.txt"),
    ("a\0b.txt", "ab.txt"),
    ("a\nb\tc.txt", "abc.txt"),
    ("a\x1b[31mb", "a[31mb"),
    ("invoice\u202efdp.exe", "invoicefdp.exe"),
    ("zero\u200bwidth", "zerowidth"),
    ("lone \udce9 surrogate", "lone surrogate"),
    ('a<b>c:d"e|f?g*h', "a_b_c_d_e_f_g_h"),
    ("two  blanks \u3000 more", "two blanks more"),
    ("trailing. . ", "trailing"),
    ("日本語の添付.pdf", "日本語の添付.pdf"),
    ("e\u0301te\u0301.txt", "été.txt"),
]


@pytest.mark.parametrize(("name", "expected"), NAMES)
def test_safe_name_table(name: str, expected: str) -> None:
    assert safe_name(name) == expected


def test_safe_name_of_5000_octets_keeps_its_extension() -> None:
    for letter in ("a", "日", "𝄞"):
        name = safe_name(letter * 5000 + ".docx")
        assert len(name.encode()) <= MAX_NAME
        assert name.startswith(letter * 40)
        assert name.endswith(letter + ".docx")


def test_safe_name_of_one_endless_extension_is_cut() -> None:
    assert safe_name("a." + "b" * 5000) == "a." + "b" * (MAX_NAME - 2)


def test_safe_name_of_nothing_is_the_fallback() -> None:
    assert safe_name("\u202e\0", fallback="attachment.bin") == "attachment.bin"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.txt", "a-2.txt"), ("a", "a-2"), ("a.tar.gz", "a.tar-2.gz"), ("日.pdf", "日-2.pdf")],
)
def test_numbered_comes_before_the_extension(name: str, expected: str) -> None:
    assert numbered(name, 2) == expected


@given(st.text(max_size=400) | st.text(alphabet="./\\ ~-conCON1\0", max_size=20))
@example("a" * (MAX_NAME - 1) + ". .txt")
@example("/" * 1000)
def test_safe_name_law(name: str) -> None:
    safe = safe_name(name)
    assert safe not in ("", ".", "..")
    assert not set(safe) & set('/\\<>:"|?*')
    assert safe[0] not in ".-~ "
    assert safe[-1] not in ". "
    assert not any(unicodedata.category(char) in ("Cc", "Cf", "Cs") for char in safe)
    assert len(safe.encode()) <= MAX_NAME
    assert Path("/tmp", safe).parent == Path("/tmp")
    assert os.path.normpath(f"/tmp/{safe}") == f"/tmp/{safe}"
    assert safe_name(safe) == safe
