import email.header
import email.policy
import re
import time
from collections.abc import Callable

import pytest
from hypothesis import given, strategies as st

from blaze.core.errors import DataError
from blaze.core.mail import charset, encoded

DECODED = [
    # RFC 2047 §8
    (b"=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>", "Keith Moore <moore@cs.utk.edu>"),
    (b"=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?= <keld@dkuug.dk>", "Keld Jørn Simonsen <keld@dkuug.dk>"),
    (b"=?ISO-8859-1?Q?Andr=E9?= Pirard <PIRARD@vm1.ulg.ac.be>", "André Pirard <PIRARD@vm1.ulg.ac.be>"),
    (
        (
            b"=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\n"
            b" =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?="
        ),
        "If you can read this you understand the example.",
    ),
    (b"(=?ISO-8859-1?Q?a?=)", "(a)"),
    (b"(=?ISO-8859-1?Q?a?= b)", "(a b)"),
    (b"(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)"),
    (b"(=?ISO-8859-1?Q?a?=  \t =?ISO-8859-1?Q?b?=)", "(ab)"),
    (b"(=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=)", "(ab)"),
    (b"(=?ISO-8859-1?Q?a_b?=)", "(a b)"),
    (b"(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)"),
    # RFC 2231 §5
    (b"=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore"),
    (b"=?utf-8*de-CH?b?WsO8cmljaA==?=", "Zürich"),
    # white space beside text is kept
    (b"  a  =?utf-8?q?b?=  c  ", "  a  b  c  "),
    (b"=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c"),
    (b"=?utf-8?q?a_?= =?utf-8?q?_b?=", "a  b"),
    # no white space where there should be some
    (b"Re:=?utf-8?q?a?=b", "Re:ab"),
    (b"=?utf-8?q?a?==?utf-8?q?b?=", "ab"),
    (b"=?utf-8?q?a?==?iso-8859-1?q?=e9?=", "aé"),
    # characters split between words
    (b"=?UTF-8?Q?Kvie=C4?= =?UTF-8?Q?=8Diame?=", "Kviečiame"),
    (b"=?UTF-8?Q?Kvie=C4?=\r\n =?utf-8?B?jWlhbWU=?=", "Kviečiame"),
    (b"=?utf-8?B?5pel5pys6A==?= =?utf-8?B?qp4=?=", "日本語"),
    (b"=?utf-8?B?5pel5?= =?utf-8?B?pys?=", "日本"),
    (b"=?gb2312?B?yNWxvtM=?= =?gb2312?B?0Q==?=", "日本友"[:2] + b"\xd3\xd1".decode("gbk")),
    # shapes that break the rules and are plain enough
    (b"=?utf-8?Q?What??=", "What?"),
    (b"=?utf-8?Q?a b c?=", "a b c"),
    (b"=?utf-8?Q?a=b=3d=?=", "a=b=="),
    (b"=?utf-8?B?w6k?=", "é"),
    (b"=?utf-8?B?w6 k=?=", "é"),
    (b"=?utf-8?B?w6k===?=", "é"),
    (b"=?utf-8?B?w6k=w6k=?=", "éé"),
    (b"=?utf-8?B?w6kx?=", "é1"),
    (b"=?utf-8?B?w6kxY?=", "é1"),
    (b"=?utf-8?q??=x", "x"),
    (b"=?utf-8?b??=x", "x"),
    (b"=?utf-8?q?=e9?=", "\udce9"),
    (b"=?unknown-8bit?q?=C3=A9=e9?=", "é\udce9"),
    (b"=?iso-8859-1?q?=80?=", "€"),
    (b"=?utf-8?q?a?= =?utf-8?q?b?=\xc3\xa9", "abé"),
    # what stays as it is
    (b"=?klingon?q?a?=", "=?klingon?q?a?="),
    (b"=?base64?q?YQ?= =?rot13?q?a?=", "=?base64?q?YQ?= =?rot13?q?a?="),
    (b"=?utf-8?x?a?=", "=?utf-8?x?a?="),
    (b"=?utf-8?b?a!b?=", "=?utf-8?b?a!b?="),
    (b"=?utf-8?q?a", "=?utf-8?q?a"),
    (b"=?utf-8?q?a =?utf-8?q?b?=", "=?utf-8?q?a b"),
    (b"=?utf-8?=", "=?utf-8?="),
    (b"=?=?=?=", "=?=?=?="),
    (b"=??q?a?=", "=??q?a?="),
    (b"a = ? b", "a = ? b"),
    (b"caf\xc3\xa9 \xe9", "café \udce9"),
    (b"", ""),
]


@pytest.mark.parametrize(("value", "text"), DECODED)
def test_decode_words(value: bytes, text: str) -> None:
    assert encoded.decode(value) == text


def test_decode_phrase_drops_outer_white_space_only() -> None:
    assert encoded.decode_phrase(b' =?utf-8?q?J=C3=B6rg?=  "Doe" (x)\r\n') == 'Jörg  "Doe" (x)'


@given(st.binary())
def test_decode_any_octets(value: bytes) -> None:
    text = encoded.decode(value)
    if b"=?" not in value:
        assert text.encode("utf-8", "surrogateescape") == value


CONTEXTS: list[encoded.Context] = ["text", "comment", "phrase"]
Q_TEXT: dict[str, bytes] = {
    "text": rb"[!-<>@-^`-~=_]*",
    "comment": rb"(?:[^()\"\\]|=[0-9A-F]{2})*",
    "phrase": rb"[A-Za-z0-9!*+/=_-]*",
}


@given(
    st.text(st.characters(codec="utf-8")),
    st.sampled_from(CONTEXTS),
    st.integers(1, 100),
    st.integers(20, 100),
)
def test_encode_decodes_to_the_same_text(text: str, context: encoded.Context, first: int, width: int) -> None:
    words = encoded.encode(text, context=context, first_width=first, width=width)
    assert encoded.decode(b" ".join(words)) == text
    assert encoded.decode(b"\r\n ".join(words)) == text
    assert all(len(word) <= max(26, min(75, width)) for word in words[1:])
    assert not words or len(words[0]) <= max(26, min(75, max(first, width)))
    for word in words:
        match = re.fullmatch(rb"=\?utf-8\?([qb])\?([!-~]*)\?=", word)
        assert match
        if match[1] == b"q":
            assert re.fullmatch(Q_TEXT[context], match[2])
            assert b"?" not in match[2]


@given(st.text(st.characters(codec="utf-8")))
def test_encode_is_read_by_the_standard_library(text: str) -> None:
    parts = email.header.decode_header(b" ".join(encoded.encode(text)).decode("ascii"))
    assert (
        "".join(
            octets.decode(label or "ascii") if isinstance(octets, bytes) else octets
            for octets, label in parts
        )
        == text
    )


@given(st.text(st.characters(codec="utf-8")))
def test_encode_phrase_decodes_to_the_same_text(text: str) -> None:
    words = encoded.encode_phrase(text)
    joined = b" ".join(words)
    assert encoded.decode(joined) == text
    assert re.fullmatch(rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*", joined)


@given(st.text(st.characters(codec="utf-8"), max_size=40), st.sampled_from(["utf-8", "gb18030", "utf-7"]))
def test_encode_in_another_charset(text: str, label: str) -> None:
    words = encoded.encode(text, charset=label)
    assert encoded.decode(b" ".join(words)) == text
    assert all(len(word) <= 75 and word.startswith(f"=?{label}?".encode()) for word in words)


@given(st.binary())
def test_encode_keeps_undecodable_octets(octets: bytes) -> None:
    text = octets.decode("utf-8", "surrogateescape")
    decoded = encoded.decode(b" ".join(encoded.encode(text)))
    assert decoded.encode("utf-8", "surrogateescape") == octets


ENCODED = [
    ("", []),
    ("é", [b"=?utf-8?q?=C3=A9?="]),
    ("naïve question, and more of it", [b"=?utf-8?q?na=C3=AFve_question=2C_and_more_of_it?="]),
    ("日本語", [b"=?utf-8?b?5pel5pys6Kqe?="]),
]


@pytest.mark.parametrize(("text", "words"), ENCODED)
def test_encode_prefers_q_unless_b_is_much_shorter(text: str, words: list[bytes]) -> None:
    assert encoded.encode(text, context="phrase") == words


def test_encode_in_a_stateful_charset() -> None:
    text = "日本語の件名はとても長いので二行になります。" * 3
    words = encoded.encode(text, charset="iso-2022-jp")
    assert len(words) > 2
    assert all(encoded.decode(word) for word in words)
    assert encoded.decode(b" ".join(words)) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ann Smith", [b"Ann", b"Smith"]),
        ("Dr. Ann", [b"=?utf-8?q?Dr=2E?=", b"Ann"]),
        ("Ann Müller-Lüdenscheidt Smith", [b"Ann", b"=?utf-8?q?M=C3=BCller-L=C3=BCdenscheidt?=", b"Smith"]),
        ("a  b", [b"=?utf-8?q?a__b?="]),
        ("=?utf-8?q?a?=", [b"=?utf-8?q?=3D=3Futf-8=3Fq=3Fa=3F=3D?="]),
        ("", []),
    ],
)
def test_encode_phrase_only_where_needed(text: str, words: list[bytes]) -> None:
    assert encoded.encode_phrase(text) == words


@pytest.mark.parametrize(("text", "label"), [("\ud800", "utf-8"), ("a", "base64"), ("a", "klingon")])
def test_encode_refuses(text: str, label: str) -> None:
    with pytest.raises(DataError):
        encoded.encode(text, charset=label)


HOSTILE: list[Callable[[int], bytes]] = [
    lambda count: b"=?utf-8?q?=e9?= " * count,
    lambda count: b"=?utf-8?b?YQ==?=" * count,
    lambda count: b"=?utf-8?q?a?= =?utf-7?q?b?= " * count,
    lambda count: b"=?utf-8?q?" * count,
    lambda count: b"=?" * count,
    lambda count: b"=?a?q?" + b"?" * count,
    lambda count: b"=?utf-8?q?" + b"=" * count,
    lambda count: b"=?utf-8?b?" + b"=a" * count + b"?=",
    lambda count: b"=?utf-8?q?a?=" + b" " * count,
    lambda count: (b"=?utf-8?q?a?=" + b" " * 100) * (count // 100),
]


@pytest.mark.parametrize("value", HOSTILE)
def test_decode_in_linear_time(value: Callable[[int], bytes]) -> None:
    def seconds(count: int) -> float:
        octets = value(count)
        start = time.process_time()
        encoded.decode(octets)
        return time.process_time() - start

    small = min(seconds(6_000) for _ in range(3))
    assert min(seconds(50_000) for _ in range(2)) < 40 * small + 0.01


def _fields(message: bytes) -> list[bytes]:
    header = re.split(rb"\r?\n\r?\n", message, maxsplit=1)[0]
    fields = re.findall(rb"(?m)^(?:Subject|From|To|Cc):[ \t]*(.*(?:\n[ \t].*)*)", header)
    return [re.sub(rb"\r?\n", b"", field).strip() for field in fields]


@pytest.mark.corpus
def test_decode_agrees_with_the_standard_library_on_the_corpus(corpus: list[bytes]) -> None:
    words = [
        value
        for message in corpus
        for value in _fields(message)
        if re.search(rb"=\?[^ ?]+\?[bq]\?[!->@-~]*\?=", value, re.IGNORECASE)
    ]
    assert len(words) > 40
    different = []
    compared = 0
    for value in words:
        if not value.isascii():
            continue
        parts = email.header.decode_header(value.decode("ascii"))
        try:
            expected = "".join(
                part.decode(charset.lookup(label or "ascii") or "") if isinstance(part, bytes) else part
                for part, label in parts
            )
        except (LookupError, UnicodeDecodeError):
            continue
        compared += 1
        if "".join(expected.split()) != "".join(encoded.decode(value).split()):
            different.append((value, expected))
    assert different == []
    assert compared > 40


def test_decode_leaves_what_follows_too_many_words() -> None:
    word = b"=?utf-8?q?a?="
    assert encoded.decode((word + b" ") * (encoded.MAX_WORDS + 2)) == "a" * encoded.MAX_WORDS + (
        f" {word.decode()}" * 2 + " "
    )
