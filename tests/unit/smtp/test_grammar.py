"""Paths, parameters, xtext and replies by RFC 5321, 3461 and 6531."""

import pytest
from hypothesis import given, strategies as st

from blaze.core.errors import DataError
from blaze.core.smtp.grammar import (
    MAX_REPLY_LINE,
    Parameters,
    Reply,
    check_domain,
    check_mailbox,
    decode_xtext,
    encode_xtext,
    is_address_literal,
    without_source_route,
)


@pytest.mark.parametrize(
    "address",
    [
        "a@b",
        "a@example.org",
        "a.b+c@example.org",
        "!#$%&'*+/=?^_`{|}~-@example.org",
        '"a b"@example.org',
        '"a>b"@example.org',
        '"a\\"b"@example.org',
        '"a@b"@example.org',
        '""@example.org',
        "a@[192.0.2.1]",
        "a@[IPv6:2001:db8::1]",
        "a@[tag:content]",
        "a@a-b.example",
        "a@1.example",
        "ünï@exämple.org",
        "a" * 64 + "@example.org",
        "a@" + ".".join(["b" * 63] * 3) + ".example",
    ],
)
def test_check_mailbox_takes(address: str) -> None:
    check_mailbox(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a",
        "@b",
        "a@",
        "a b@c",
        ".a@b",
        "a.@b",
        "a..b@c",
        "a@b.",
        "a@.b",
        "a@-b",
        "a@b-",
        "a@b_c",
        "a@b c",
        "a@[192.0.2]",
        "a@[IPv6:::g]",
        "a@[]",
        'a"b"@c',
        '"a@b',
        "<a@b>",
        "a@b>",
        "a@b\r\n",
        "a\r\n@b",
        "a@b\0",
        "a\u0000@b",
        "a@b\u0085" + "\n",
        "a" * 65 + "@example.org",
        "ü" * 33 + "@example.org",
        "a@" + "b" * 256,
        "a" * 60 + "@" + ".".join(["b" * 63] * 4),
    ],
)
def test_check_mailbox_refuses(address: str) -> None:
    with pytest.raises(DataError):
        check_mailbox(address)


@pytest.mark.parametrize("name", ["localhost", "mx.example.org", "[192.0.2.1]", "[IPv6:::1]", "exämple.org"])
def test_check_domain_takes(name: str) -> None:
    check_domain(name)


@pytest.mark.parametrize(
    "name", ["", "a b", "a\r\nMAIL FROM:<>", "[192.0.2.1", "192.0.2.1]", "a@b", "-a", "a" * 256]
)
def test_check_domain_refuses(name: str) -> None:
    with pytest.raises(DataError):
        check_domain(name)


@pytest.mark.parametrize(
    ("literal", "verdict"),
    [
        ("127.0.0.1", True),
        ("256.0.0.1", False),
        ("IPv6:::1", True),
        ("ipv6:fe80::1", True),
        ("::1", False),
        ("x:", False),
    ],
)
def test_is_address_literal(literal: str, verdict: bool) -> None:
    assert is_address_literal(literal) is verdict


@pytest.mark.parametrize(
    ("path", "mailbox"),
    [("@a:u@b", "u@b"), ("@a,@b.example:u@c", "u@c"), ("u@b", "u@b"), ("@a", "@a"), ("@a,u@b", "@a,u@b")],
)
def test_without_source_route(path: str, mailbox: str) -> None:
    assert without_source_route(path) == mailbox


def test_parameters_keep_their_order_and_upper_case() -> None:
    parsed = Parameters.parse("size=10 Body=8BITMIME SMTPUTF8")
    assert parsed == {"SIZE": "10", "BODY": "8BITMIME", "SMTPUTF8": None}
    assert str(parsed) == " SIZE=10 BODY=8BITMIME SMTPUTF8"


@pytest.mark.parametrize("text", ["=1", "-A", "A=", "A=b=c", "A=1 A=2", "A=1 a=1", "A_B", "A=\x7f"])
def test_parameters_refuse(text: str) -> None:
    with pytest.raises(DataError):
        Parameters.parse(text)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_xtext_is_undone(text: str) -> None:
    encoded = encode_xtext(text)
    assert encoded.isascii()
    assert " " not in encoded
    assert "=" not in encoded
    assert decode_xtext(encoded) == text


@pytest.mark.parametrize("text", ["+", "+2", "+2g", "+2b", "a=b", "a b", "ü", "\n"])
def test_decode_xtext_refuses(text: str) -> None:
    with pytest.raises(DataError):
        decode_xtext(text)


@pytest.mark.parametrize(
    ("lines", "reply"),
    [
        ([b"250 OK"], Reply(250, "OK")),
        ([b"250"], Reply(250, "")),
        ([b"250 "], Reply(250, "")),
        ([b"250-a", b"250 b"], Reply(250, "a\nb")),
        ([b"250-", b"250 b"], Reply(250, "\nb")),
        ([b"250 2.1.0 Sender OK"], Reply(250, "Sender OK", "2.1.0")),
        ([b"250 2.1.0"], Reply(250, "", "2.1.0")),
        ([b"550-5.1.1 no", b"550 5.1.1 such"], Reply(550, "no\nsuch", "5.1.1")),
        ([b"550-5.1.1 no", b"550 such"], Reply(550, "no\nsuch", "5.1.1")),
        ([b"550 4.1.1 class differs"], Reply(550, "4.1.1 class differs")),
        ([b"250 2.0.0-beta"], Reply(250, "2.0.0-beta")),
        ([b"250 \xff"], Reply(250, "\udcff")),
        ([b"250 \xc3\xa9"], Reply(250, "é")),
    ],
)
def test_reply_parse(lines: list[bytes], reply: Reply) -> None:
    assert Reply.parse(lines) == reply


@pytest.mark.parametrize(
    "lines",
    [
        [b""],
        [b"25"],
        [b"25O OK"],
        [b"150 no"],
        [b"650 no"],
        [b"250OK"],
        [b"\xb2\xb50 OK"],
        [b"250-a", b"550 b"],
        [b"250 a", b"250 b"],
        [b" 250 OK"],
    ],
)
def test_reply_parse_refuses(lines: list[bytes]) -> None:
    with pytest.raises(DataError):
        Reply.parse(lines)


@given(
    st.integers(200, 599),
    st.lists(st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=50), min_size=1),
    st.booleans(),
)
def test_reply_survives_the_wire(code: int, lines: list[str], with_enhanced: bool) -> None:
    enhanced = f"{code // 100}.1.2" if with_enhanced and code // 100 != 3 else None
    if enhanced is None and lines[0][:1] in "245":
        lines[0] = "x" + lines[0]
    lines = [line.strip(" ") for line in lines]
    reply = Reply(code, "\n".join(lines), enhanced)
    assert Reply.parse(reply.to_bytes().split(b"\r\n")[:-1]) == reply


@pytest.mark.parametrize("text", ["a\rb", "a\0b", "a" * MAX_REPLY_LINE])
def test_reply_to_bytes_refuses(text: str) -> None:
    with pytest.raises(DataError):
        Reply(250, text).to_bytes()
