"""Macro strings: the examples of RFC 7208 §7.4, the grammar, and bounded work."""

import time
from ipaddress import ip_address

import pytest
from hypothesis import given, strategies as st

from blaze.core.auth.spf_macro import (
    MAX_EXPANSION,
    MacroContext,
    MacroError,
    parse_domain_spec,
    parse_explain_string,
    parse_macro_string,
)

IPV4 = ip_address("192.0.2.3")
IPV6 = ip_address("2001:db8::cb01")


def context(
    ip: object = IPV4, sender: str = "strong-bad@email.example.com", name: str = "mx.example.org"
) -> MacroContext:
    return MacroContext(
        ip, sender, "email.example.com", "helo.example", "mx.test", 1_700_000_000, lambda: name
    )  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%{s}", "strong-bad@email.example.com"),
        ("%{o}", "email.example.com"),
        ("%{d}", "email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d3}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}", "com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{l}", "strong-bad"),
        ("%{l-}", "strong.bad"),
        ("%{lr}", "strong-bad"),
        ("%{lr-}", "bad.strong"),
        ("%{l1r-}", "strong"),
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
        ("%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"),
        ("%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"),
        ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
        ("%{D2R}", "example.email"),
        ("%{h}/%{p}/%{c}/%{r}/%{t}", "helo.example/mx.example.org/192.0.2.3/mx.test/1700000000"),
        ("%{S}", "strong-bad%40email.example.com"),
        ("%{d00002}", "example.com"),
        ("%{d999999999999}", "email.example.com"),
        ("100%%%_%-x", "100% %20x"),
        ("%{o1-.}", "com"),
        ("", ""),
    ],
)  # fmt: skip
def test_expand(text: str, expected: str) -> None:
    assert context().expand(parse_macro_string(text)) == expected


def test_expand_of_an_ipv6_client() -> None:
    expected = "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com"
    assert context(IPV6).expand(parse_macro_string("%{ir}.%{v}._spf.%{d2}")).lower() == expected
    assert context(IPV6).expand(parse_macro_string("%{c}")) == "2001:db8::cb01"


@pytest.mark.parametrize(
    "text",
    [
        "%", "%a", "%{", "%{}", "%{a}", "%{d", "%{d0}", "%{d-2}", "%{dx}", "%{d2rr}", "é", "\x7f", "\n",
        "%(d)", "a b",
    ],
)  # fmt: skip
def test_parse_macro_string_refuses(text: str) -> None:
    with pytest.raises(MacroError):
        parse_macro_string(text)


@pytest.mark.parametrize(
    "text",
    ["example.org", "example.org.", "a.b-c", "%{d}", "x%{d}", "%{d}.org", "a..org",
    "_x.%{i}._y.example.xn--p1ai", "a/b:c.example",
     "x.1a", "x.a1", "x.1-2", "%%", "x%_", "y%-", "x.co-m."],
)  # fmt: skip
def test_parse_domain_spec(text: str) -> None:
    assert parse_domain_spec(text)


@pytest.mark.parametrize(
    "text",
    ["", "org", "org.", ".", "a.", "a.123", "192.0.2.1", "a.-b", "a.b-", "a.b_c", "%{d}.", "%{d}org", "%{c}",
    "%{r}.x.org", "%{t}", "a.org/", "a b.org",
     "x.-", "x.--"],
)  # fmt: skip
def test_parse_domain_spec_refuses(text: str) -> None:
    with pytest.raises(MacroError):
        parse_domain_spec(text)


def test_parse_domain_spec_hints_at_an_address() -> None:
    with pytest.raises(MacroError) as caught:
        parse_domain_spec("192.0.2.1")
    assert caught.value.hint == "An IP address needs ip4: or ip6:."


def test_parse_explain_string_takes_spaces_and_all_letters() -> None:
    assert (
        context().expand(parse_explain_string("See %{c}, %{r} at %{t}."))
        == "See 192.0.2.3, mx.test at 1700000000."
    )


@pytest.mark.parametrize("labels", [1, 20, 26, 30, 60])
def test_expand_domain_leaves_labels_out_on_the_left(labels: int) -> None:
    name = ".".join(f"label{number:03}x" for number in range(labels))
    domain = context(name=name).expand_domain(parse_domain_spec("%{p}.example.org."))
    assert len(domain) <= 253
    assert f"{name}.example.org".endswith(domain)
    assert not domain.startswith(".")
    if labels > 26:
        assert len(domain) > 253 - len("label000x.")


@given(st.lists(st.sampled_from(["%{o}", "%{d1}", "a.", "bc.", "d" * 60 + ".", "e" * 70]), max_size=40))
def test_expand_domain_is_the_end_of_all_that_the_macros_stand_for(texts: list[str]) -> None:
    parts = parse_macro_string("".join([*texts, "example.org."]))
    whole = "".join(context().expand((part,)) for part in parts).removesuffix(".")
    cut = whole[whole.find(".", len(whole) - 254) + 1 :] if len(whole) > 253 else whole
    domain = context().expand_domain(parts)
    assert domain == cut or (len(domain) > 253 and len(cut) > 253)


def test_explanation_of_a_macro_bomb_is_cut() -> None:
    long = context(sender="é" * 20_000 + "@example.org")
    start = time.process_time()
    text = long.expand(parse_explain_string("Sorry: " + "%{S}%{L}" * 8_000))
    assert text.startswith("Sorry: %C3%A9%C3%A9")
    assert len(text) == MAX_EXPANSION
    assert time.process_time() - start < 2


def test_macro_bomb_costs_linear_time() -> None:
    bomb = parse_macro_string("%{s}." * 13_000 + "example.org")
    long = context(sender="a." * 150 + "@" + "b." * 120 + "org")
    start = time.process_time()
    assert len(long.expand_domain(bomb)) <= 253
    assert time.process_time() - start < 2


@given(st.text(st.sampled_from("%{}sldoiphcrtv0123456789r.-+,/_= ab"), max_size=30))
def test_parse_macro_string_raises_nothing_else(text: str) -> None:
    try:
        parts = parse_macro_string(text)
    except MacroError:
        return
    assert isinstance(context().expand(parts), str)
