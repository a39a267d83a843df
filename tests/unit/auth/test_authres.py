"""Authentication-Results, read and written: the examples of RFC 8601 App. B, and forgery."""

import pytest
from hypothesis import given, strategies as st

from blaze.core.auth.authres import MAX_RESULTS, AuthenticationResults, MethodResult, Property, parse
from blaze.core.errors import UsageError
from blaze.core.mail import header

P = Property


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b" example.org 1; none", AuthenticationResults("example.org", version=1)),
        (b" example.org;none;", AuthenticationResults("example.org")),
        (
            b" example.com;\r\n          spf=pass smtp.mailfrom=example.net",
            AuthenticationResults(
                "example.com", (MethodResult("spf", "pass", (P("smtp", "mailfrom", "example.net"),)),)
            ),
        ),
        (
            b" example.com;\r\n auth=pass (cram-md5) smtp.auth=ann@b.net;\r\n spf=pass smtp.mailfrom=b.net",
            AuthenticationResults(
                "example.com",
                (
                    MethodResult("auth", "pass", (P("smtp", "auth", "ann@b.net"),), comment="cram-md5"),
                    MethodResult("spf", "pass", (P("smtp", "mailfrom", "b.net"),)),
                ),
            ),
        ),
        (
            (
                b" foo.example.net (foobar) 1 (baz);\r\n dkim (Because) / 1 (One yay) = (wait) fail\r\n"
                b"   policy (A dot) . (like that) expired\r\n (this surprised me) = (yes) 1362471462"
            ),
            AuthenticationResults(
                "foo.example.net",
                (MethodResult("dkim", "fail", (P("policy", "expired", "1362471462"),), version=1),),
                1,
            ),
        ),
        (
            b' "quoted id"; dkim=fail reason="bad; signature" header.i=@b.org header.b="A/+=" ; DMARC=Pass',
            AuthenticationResults(
                "quoted id",
                (
                    MethodResult(
                        "dkim",
                        "fail",
                        (P("header", "i", "@b.org"), P("header", "b", "A/+=")),
                        "bad; signature",
                    ),
                    MethodResult("dmarc", "pass"),
                ),
            ),
        ),
        (
            b' x; spf=pass smtp.mailfrom="a b"@c.org',
            AuthenticationResults("x", (MethodResult("spf", "pass", (P("smtp", "mailfrom", "a b@c.org"),)),)),
        ),
    ],
)
def test_parse(value: bytes, expected: AuthenticationResults) -> None:
    assert parse(value) == expected


@pytest.mark.parametrize(
    ("value", "defect", "results"),
    [
        (b"", "no-authserv-id", []),
        (b"; spf=pass", "no-authserv-id", ["spf"]),
        (
            b" spf=pass (sender IP is 192.0.2.1)\r\n smtp.mailfrom=a.org; dkim=none",
            "no-authserv-id",
            ["spf", "dkim"],
        ),
        (b"(c) spf = pass", "no-authserv-id", ["spf"]),
        (b"x; nonsense; spf=pass", "no-method", ["spf"]),
        (b"x; spf=; dkim=pass", "no-method", ["dkim"]),
        (b"x; spf=pass smtp.mailfrom; dkim=pass", "no-value", ["spf", "dkim"]),
        (b"x; spf=pass word; dkim=pass", "no-value", ["spf", "dkim"]),
        (b"x spf=pass; dkim=pass", "no-value", ["dkim"]),
        (b"x; spf=pass (open; dkim=pass", "unclosed-comment", ["spf"]),
        (b'x; spf=pass smtp.mailfrom="open; dkim=pass', "unclosed-quote", ["spf"]),
        (b"x; " + b"spf=pass; " * (MAX_RESULTS + 1), "too-many-results", ["spf"] * MAX_RESULTS),
        (b"x; =pass; ;; dkim=pass;", "no-method", ["dkim"]),
    ],
)
def test_parse_notes_defects_and_reads_the_rest(value: bytes, defect: str, results: list[str]) -> None:
    found = parse(value)
    assert defect in found.defects
    assert [result.method for result in found.results] == results


def test_get() -> None:
    result = parse(b"x; dkim=pass header.d=a.org header.D=b.org").results[0]
    assert (result.get("header", "d"), result.get("header", "s")) == ("a.org", None)


def test_to_bytes() -> None:
    results = (
        MethodResult("dkim", "pass", (P("header", "d", "example.org"), P("header", "b", "ab/+cd=="))),
        MethodResult(
            "spf", "fail", (P("smtp", "mailfrom", "a b@example.org"),), reason='not "here"', comment="a (b)"
        ),
    )
    assert AuthenticationResults("mx.example.org", results).to_bytes() == (
        b"Authentication-Results: mx.example.org;\r\n"
        b' dkim=pass header.d=example.org header.b="ab/+cd==";\r\n'
        b' spf=fail (a \\(b\\)) reason="not \\"here\\"" smtp.mailfrom="a b@example.org"\r\n'
    )
    assert AuthenticationResults("x").to_bytes(b"\n") == b"Authentication-Results: x;\n none\n"


@pytest.mark.parametrize("word", ["", "a b", "a=b", "a;b", "-a", "é"])
def test_to_bytes_refuses_words_that_are_none(word: str) -> None:
    for result in (
        MethodResult(word, "pass"),
        MethodResult("spf", word),
        MethodResult("x", "y", (P("a", word, "v"),)),
    ):
        with pytest.raises(UsageError):
            AuthenticationResults("x", (result,)).to_bytes()


words = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
plain = (
    st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=40)
    .map(str.strip)
    .filter(bool)
)
methods = st.builds(
    MethodResult,
    words,
    words,
    st.lists(st.builds(Property, words, words, plain), max_size=3).map(tuple),
    st.none() | plain,
    st.none() | plain,
    st.none() | st.integers(0, 9),
)


@given(
    st.builds(
        AuthenticationResults, plain, st.lists(methods, max_size=4).map(tuple), st.none() | st.integers(0, 9)
    )
)
def test_parse_undoes_to_bytes(found: AuthenticationResults) -> None:
    field = next(iter(header.parse(found.to_bytes())))
    assert parse(field.raw) == found


hostile = st.text(st.sampled_from('a.@\r\n\0";()\\ =/\x1b\x85é\udc80')) | st.text(max_size=500)


@given(hostile, hostile, hostile, hostile)
def test_to_bytes_lets_nothing_be_forged(authserv_id: str, value: str, reason: str, comment: str) -> None:
    result = MethodResult(
        "spf", "fail", (P("smtp", "mailfrom", value), P("smtp", "helo", value)), reason, comment
    )
    octets = AuthenticationResults("x" + authserv_id, (result, MethodResult("dkim", "none"))).to_bytes()
    block = header.parse(octets)
    assert [field.name for field in block] == ["Authentication-Results"]
    assert block.end == len(octets)
    assert all(len(line) <= 998 for line in octets.split(b"\r\n"))
    found = parse(next(iter(block)).raw)
    assert [(one.method, one.result) for one in found.results] == [("spf", "fail"), ("dkim", "none")]
    assert [one[:2] for one in found.results[0].properties] == [("smtp", "mailfrom"), ("smtp", "helo")]
    assert found.defects == ()


@pytest.mark.parametrize(
    "value",
    [
        "a@b.org; dkim=pass header.d=good.org",
        "a@b.org\r\nAuthentication-Results: mx; dkim=pass",
        'a"; dkim=pass',
        "a) dkim=pass (",
        "\\",
    ],
)
def test_to_bytes_of_attacks(value: str) -> None:
    octets = AuthenticationResults(
        "mx", (MethodResult("spf", "fail", (P("smtp", "mailfrom", value),), value, value),)
    ).to_bytes()
    found = parse(octets.partition(b":")[2])
    assert [one.method for one in found.results] == ["spf"]
    assert b"\nAuthentication-Results:" not in octets


@given(st.binary(max_size=200) | st.text(st.sampled_from('ab=;./() "\\1@'), max_size=60).map(str.encode))
def test_parse_never_raises(value: bytes) -> None:
    parse(value)
