import pytest
from hypothesis import given, strategies as st

from blaze.core.mail.lexer import (
    MAX_COMMENTS,
    Lexer,
    is_atom,
    is_dot_atom,
    quote,
    text_of,
    unfold,
    unquote,
)


@pytest.mark.parametrize(
    ("text", "rest", "comments"),
    [
        ("a", "a", []),
        (" \t\r\n a", "a", []),
        ("(x)a", "a", ["x"]),
        (" (x) (y(z)) a", "a", ["x", "y(z)"]),
        ("(a\\)b)c", "c", ["a)b"]),
        ("(a\\(b)c", "c", ["a(b"]),
        ('(")")', '")', ['"']),
        ("(a\r\n b)", "", ["a b"]),
        ("()()", "", ["", ""]),
        ("(((a)b)c)d", "d", ["((a)b)c"]),
    ],
)
def test_skip_cfws(text: str, rest: str, comments: list[str]) -> None:
    lexer = Lexer(text)
    assert lexer.skip_cfws() is (rest != text)
    assert text[lexer.position :] == rest
    assert lexer.comments == comments
    assert lexer.defects == {}


@pytest.mark.parametrize("text", ["x (a", "x ((a)", "x (a\\)", "x (a\\"])
def test_skip_cfws_takes_an_open_comment_to_the_end(text: str) -> None:
    lexer = Lexer(text, 1)
    assert lexer.skip_cfws()
    assert lexer.position == len(text)
    assert lexer.defects == {"unclosed-comment": 2}


def test_skip_cfws_nests_without_recursion() -> None:
    depth = 200_000
    lexer = Lexer("(" * depth + ")" * depth + "a")
    lexer.skip_cfws()
    assert lexer.peek() == "a"


def test_skip_cfws_keeps_a_bounded_number_of_comments() -> None:
    lexer = Lexer("(x)" * (MAX_COMMENTS + 5))
    lexer.skip_cfws()
    assert lexer.peek() == ""
    assert lexer.comments == ["x"] * MAX_COMMENTS


@pytest.mark.parametrize(
    ("text", "atom"),
    [
        ("ab.c", "ab"),
        ("!#$%&'*+-/=?^_`{|}~ ", "!#$%&'*+-/=?^_`{|}~"),
        ("é\udcff@", "é\udcff"),
        (".a", None),
        (" a", None),
        ("\x01", None),
        ("\x7f", None),
        ("", None),
    ],
)
def test_atom(text: str, atom: str | None) -> None:
    lexer = Lexer(text)
    assert lexer.atom() == atom
    assert lexer.position == len(atom or "")


@pytest.mark.parametrize(
    ("text", "content", "rest"),
    [
        ('""', "", ""),
        ('"a b"c', "a b", "c"),
        ('"a\\"b"', 'a"b', ""),
        ('"a\\\\"b', "a\\", "b"),
        ('"a\r\n b"', "a b", ""),
        ('"a\nb"', "ab", ""),
        ('"(x)"', "(x)", ""),
        ("a", None, "a"),
    ],
)
def test_quoted_string(text: str, content: str | None, rest: str) -> None:
    lexer = Lexer(text)
    assert lexer.quoted_string() == content
    assert text[lexer.position :] == rest
    assert lexer.defects == {}


def test_quoted_string_without_end_is_no_token() -> None:
    lexer = Lexer('x"a\\"', 1)
    assert lexer.quoted_string() is None
    assert lexer.position == 1
    assert lexer.defects == {"unclosed-quote": 1}


@pytest.mark.parametrize(
    ("text", "literal", "rest"),
    [
        ("[192.0.2.1]x", "[192.0.2.1]", "x"),
        ("[ 192.\r\n 0.2.1 ]", "[192.0.2.1]", ""),
        ("[a\\]b]", "[a\\]b]", ""),
        ("[tag:a,b>;c]", "[tag:a,b>;c]", ""),
        ("a", None, "a"),
    ],
)
def test_domain_literal(text: str, literal: str | None, rest: str) -> None:
    lexer = Lexer(text)
    assert lexer.domain_literal() == literal
    assert text[lexer.position :] == rest
    assert lexer.defects == {}


@pytest.mark.parametrize(
    ("text", "literal", "rest"),
    [("[1.2", "[1.2]", ""), ("[1.2>, a", "[1.2]", ">, a"), ("[1[2]", "[1]", "[2]"), ("[\\", "[]", "\\")],
)
def test_domain_literal_without_end(text: str, literal: str, rest: str) -> None:
    lexer = Lexer(text)
    assert lexer.domain_literal() == literal
    assert text[lexer.position :] == rest
    assert lexer.defects == {"unclosed-literal": 0}


def test_note_keeps_the_first_offset() -> None:
    lexer = Lexer("abc")
    lexer.note("fault", 2)
    lexer.note("fault", 1)
    lexer.note("other")
    assert lexer.defects == {"fault": 2, "other": 0}


@given(st.binary())
def test_text_of_keeps_every_octet(value: bytes) -> None:
    assert text_of(value).encode("utf-8", "surrogateescape") == value


@given(st.text(st.characters(blacklist_characters="\r\n")))
def test_quoted_string_undoes_quote(text: str) -> None:
    lexer = Lexer(quote(text))
    assert lexer.quoted_string() == text
    assert lexer.peek() == ""


@pytest.mark.parametrize(("text", "unfolded"), [("a\r\n b\n\tc", "a b\tc"), ("a", "a"), ("a\rb", "a\rb")])
def test_unfold(text: str, unfolded: str) -> None:
    assert unfold(text) == unfolded


def test_unquote_replaces_pairs_after_unfolding() -> None:
    assert unquote("a\\\\b\\c\r\n \\") == "a\\bc \\"


def test_is_atom_and_is_dot_atom() -> None:
    assert is_atom("a-b") and not is_atom("a.b") and not is_atom("") and not is_atom("a b")
    assert is_dot_atom("a.b-c.é") and is_dot_atom("a")
    assert not any(map(is_dot_atom, ["", ".", ".a", "a.", "a..b", "a b"]))
