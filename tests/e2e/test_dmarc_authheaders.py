"""DMARC by RFC 7489 against authheaders, the public suffix list against publicsuffix2, with one list."""

import random
from collections import Counter
from importlib import resources

import pytest

from blaze.core.auth import dmarc, psl
from blaze.core.auth.dmarc import Identifiers, Status
from blaze.core.auth.psl import PublicSuffixes
from blaze.core.mail import header
from blaze.core.net.dns_static import StaticResolver

authheaders = pytest.importorskip("authheaders")
authres = pytest.importorskip("authres")
publicsuffix2 = pytest.importorskip("publicsuffix2")
pytestmark = pytest.mark.e2e

CASES = 2000
DOMAINS = (
    "example.com", "a.example.com", "b.a.example.com", "other.com", "example.co.uk", "x.example.co.uk",
    "co.uk",
    "www.ck", "a.b.test.ck", "kobe.jp", "c.kobe.jp", "x.c.kobe.jp", "city.kobe.jp", "github.io",
    "ann.github.io",
)  # fmt: skip
RECORDS = (
    "p=none", "p=reject", "p=quarantine; sp=reject", "p=reject; sp=none; adkim=s",
    "p=reject; aspf=s; adkim=s",
    "p=reject; pct=10; rf=afrf", "sp=reject; p=none", "p=Reject; ADKIM=s", "p=bogus", "p=reject; sp=bogus",
    "p=bogus; rua=mailto:a@b.org", "rua=mailto:a@b.org",
)  # fmt: skip


@pytest.fixture(scope="module")
def list_text() -> str:
    return (resources.files("authheaders") / "public_suffix_list.txt").read_text("utf-8")


@pytest.fixture(scope="module")
def suffixes(list_text: str) -> PublicSuffixes:
    return psl.parse(list_text.encode())


def test_organizational_domain_agrees_with_publicsuffix2(list_text: str, suffixes: PublicSuffixes) -> None:
    theirs = publicsuffix2.PublicSuffixList(list_text.splitlines(), idna=True)
    rules = [line.split()[0] for line in list_text.splitlines() if line.strip() and not line.startswith("//")]
    names = {rule.lstrip("!*.").encode("idna").decode() for rule in rules if rule.isascii()}
    assert len(names) > 5000
    for name in names:
        if f"*.{name}" in rules and name not in rules:
            continue  # the name above a wildcard is no suffix by it; publicsuffix2 takes it for one
        for domain in (name, f"a.{name}", f"b.a.{name}", f"c.b.a.{name}"):
            expected = theirs.get_sld(domain) or domain
            assert suffixes.organizational_domain(domain) == expected, domain


def judge_both(source: random.Random, suffixes: PublicSuffixes) -> tuple[dmarc.Verdict, tuple[str, str]]:
    records = {domain: f"v=DMARC1; {source.choice(RECORDS)}" for domain in DOMAINS if source.random() < 0.5}
    author = source.choice(DOMAINS)
    near = [domain for domain in DOMAINS if domain.split(".")[-2:] == author.split(".")[-2:]]
    spf, dkim = (source.choice(near if source.random() < 0.5 else DOMAINS) for _ in range(2))
    spf_passes, dkim_passes = source.random() < 0.4, source.random() < 0.4
    message = f"From: ann@{author}\r\n\r\n".encode()

    resolver = StaticResolver({f"_dmarc.{domain}": f"txt:{text}" for domain, text in records.items()})
    found = Identifiers(spf if spf_passes else None, (dkim,) if dkim_passes else ())
    ours = dmarc.verify(header.parse(message), found, resolver=resolver, suffixes=suffixes)

    told = authheaders.check_dmarc(
        message,
        authres.SPFAuthenticationResult(result="pass" if spf_passes else "fail", smtp_mailfrom=f"b@{spf}"),
        authres.DKIMAuthenticationResult(result="pass" if dkim_passes else "fail", header_d=dkim),
        dnsfunc=lambda name: records.get(name.removeprefix("_dmarc.")),
    )
    return ours, (told.result, getattr(told, "policy", None) or "")


def explain(verdict: dmarc.Verdict, theirs: tuple[str, str]) -> str | None:
    """The section that says why the verdicts differ."""
    text = verdict.record.text if verdict.record else ""
    if "bogus" in text:
        # authheaders takes a malformed policy as it stands.
        return "RFC 7489 §6.6.3"
    if "p=" not in text.replace("sp=", ""):
        # A record without p: authheaders finds no policy and says nothing; RFC 9989 takes p=none.
        return "RFC 9989 §4.7"
    if "sp=" in text and verdict.author_domain == verdict.record_domain and verdict.status.value == theirs[0]:
        # authheaders takes sp for the domain itself as well.
        return "RFC 7489 §6.3"
    return None


def test_verify_agrees_with_authheaders_or_an_rfc_says_why(
    suffixes: PublicSuffixes, list_text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = publicsuffix2.PublicSuffixList(list_text.splitlines())  # read once, not for every domain
    for module in (authheaders, authheaders.dmarc_lookup):
        monkeypatch.setattr(module, "get_org_domain", listed.get_public_suffix)
    source = random.Random(1)
    verdicts = [judge_both(source, suffixes) for _ in range(CASES)]
    differing = [
        (ours, theirs)
        for ours, theirs in verdicts
        if (ours.status.value, ours.policy.value if ours.policy else "") != theirs
    ]
    assert [pair for pair in differing if explain(*pair) is None] == []
    assert {explain(*pair) for pair in differing} == {"RFC 7489 §6.3", "RFC 7489 §6.6.3", "RFC 9989 §4.7"}
    agreed = Counter(ours.status for ours, theirs in verdicts if ours.status.value == theirs[0])
    assert set(agreed) >= {Status.PASS, Status.FAIL, Status.NONE}
    assert min(agreed[Status.PASS], agreed[Status.FAIL], agreed[Status.NONE]) > 100
