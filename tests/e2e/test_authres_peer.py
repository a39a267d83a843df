"""Authentication-Results against the authres library, both ways."""

import pytest
from hypothesis import given, strategies as st

from blaze.core.auth import authres
from blaze.core.auth.authres import AuthenticationResults, MethodResult, Property

peer = pytest.importorskip("authres")
pytestmark = pytest.mark.e2e

words = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
domains = st.from_regex(r"[a-z0-9]{1,8}(\.[a-z0-9]{1,8}){1,2}", fullmatch=True)
# authres leaves a quoted-pair as it stands, against RFC 5322 §3.2.4: no quotes and backslashes for it.
texts = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters='"\\'), min_size=1, max_size=30
)
values = domains | st.builds("{}@{}".format, words, domains)  # it does not read all quoted ones
properties = st.builds(Property, st.sampled_from(["smtp", "header", "policy"]), words, values)
results = st.builds(
    MethodResult,
    st.sampled_from(["spf", "dkim", "dmarc", "auth", "iprev"]),
    st.sampled_from(["pass", "fail", "none", "temperror"]),
    st.lists(properties, max_size=2, unique_by=lambda one: one.name).map(tuple),
    st.none() | texts,
)  # fmt: skip


def body(header: object) -> bytes:
    return str(header).partition(":")[2].encode()


def told_by_peer(text: str) -> list[tuple[str, str, str | None, list[tuple[str, str, str]]]]:
    read = peer.AuthenticationResultsHeader.parse(text)
    return [
        (one.method, one.result, one.reason or None, [(p.type, p.name, p.value) for p in one.properties])
        for one in read.results
    ]


@given(domains, st.lists(results, min_size=1, max_size=2))
def test_authres_reads_what_we_write(authserv_id: str, found: list[MethodResult]) -> None:
    field = AuthenticationResults(authserv_id, tuple(found)).to_bytes().decode()
    expected = [
        (one.method, one.result, one.reason or None, [tuple(each) for each in one.properties])
        for one in found
    ]
    assert told_by_peer(field.rstrip()) == expected


@pytest.mark.parametrize(
    "results",
    [
        [peer.SPFAuthenticationResult(result="pass", smtp_mailfrom="ann@example.org")],
        [peer.DKIMAuthenticationResult(result="fail", result_comment="bad (sig)", header_i="@a.example.org")],
        [peer.SMTPAUTHAuthenticationResult(result="pass", result_comment="x", smtp_auth="ann@example.org")],
        [peer.SPFAuthenticationResult(result="fail", reason="no; good", smtp_helo="x.org")],
    ],
)  # fmt: skip
def test_we_read_what_authres_writes(results: list[object]) -> None:
    written = [one for one in results if not isinstance(one, type)]
    header = peer.AuthenticationResultsHeader(authserv_id="mx.example.org", results=written)
    read = authres.parse(body(header))
    assert read.authserv_id == "mx.example.org"
    assert read.defects == ()
    for ours, theirs in zip(read.results, written, strict=True):
        assert (ours.method, ours.result, ours.reason) == (theirs.method, theirs.result, theirs.reason)  # type: ignore[attr-defined]
        expected = [(each.type, each.name, each.value) for each in theirs.properties]  # type: ignore[attr-defined]
        assert [tuple(each) for each in ours.properties] == expected


def test_both_read_no_result() -> None:
    header = peer.AuthenticationResultsHeader(authserv_id="mx.example.org")
    assert authres.parse(body(header)) == AuthenticationResults("mx.example.org")
    assert told_by_peer(AuthenticationResults("mx.example.org").to_bytes().decode().rstrip()) == []
