"""DMARC by RFC 9989: records, the tree walk with the RFC's own examples, alignment, policies, From fields."""

from collections.abc import Sequence

import pytest
from hypothesis import given, strategies as st

from blaze.core.auth import dkim, dkim_signature, dmarc, psl
from blaze.core.auth.dkim_signature import Status as DKIMStatus
from blaze.core.auth.dmarc import Identifiers, Status, Verdict, judge, walk_names
from blaze.core.auth.dmarc_record import Policy, RecordError, is_record, parse
from blaze.core.auth.resolver import Answer, Question
from blaze.core.mail import header
from blaze.core.net.dns_static import StaticResolver

NONE, QUARANTINE, REJECT = Policy


class CountingResolver:
    def __init__(self, texts: dict[str, str]) -> None:
        self._inner = StaticResolver(texts)
        self.asked: list[list[str]] = []

    def query(self, questions: Sequence[Question]) -> list[Answer]:
        self.asked.append([question.name for question in questions])
        return self._inner.query(questions)


def zone(**records: str) -> dict[str, str]:
    """`records` as DMARC records: ``a_b="p=none"`` is ``v=DMARC1; p=none`` at ``_dmarc.a.b``."""
    texts = {}
    for name, text in records.items():
        whole = text if text.startswith(("txt:", "servfail", "timeout")) else f"txt:v=DMARC1; {text}"
        texts[f"_dmarc.{name.replace('_', '.')}"] = whole
    return texts


def judged(texts: dict[str, str], author: str = "example.com", **found: object) -> Verdict:
    return judge(author, Identifiers(**found), resolver=StaticResolver(texts))  # type: ignore[arg-type]


# Records


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"v=DMARC1", True),
        (b"v=DMARC1;", True),
        (b"v=DMARC1; p=none", True),
        (b"v = DMARC1 ;p=none", True),
        (b"v=DMARC1 p=none", False),
        (b"v=dmarc1; p=none", False),
        (b"V=DMARC1; p=none", True),
        (b"v=DMARC12", False),
        (b" v=DMARC1", False),
        (b"p=none; v=DMARC1", False),
        (b"", False),
    ],
)
def test_is_record(text: bytes, expected: bool) -> None:
    assert is_record(text) is expected


def test_parse_record_takes_names_of_tags_in_any_case() -> None:
    record = parse(b"V=DMARC1; P=reject; Sp=none; RUA=mailto:a@b.org; p=none")
    assert (record.p, record.sp, record.rua) == (REJECT, NONE, ("mailto:a@b.org",))
    assert record.notes == ("p= stands again and is ignored there",)


def test_parse_record() -> None:
    record = parse(
        b"v=DMARC1;p=Reject; sp=quarantine;np=none; adkim=s;aspf=S; psd=n; t=y;"
        b" rua=mailto:a@b.org!10m , https://c.org/x; ruf=mailto:d@e.org; fo=1:d:s;"
    )
    assert (record.p, record.sp, record.np) == (REJECT, QUARANTINE, NONE)
    assert (record.strict_dkim, record.strict_spf, record.psd, record.testing) == (True, True, "n", True)
    assert record.rua == ("mailto:a@b.org", "https://c.org/x")
    assert (record.ruf, record.fo, record.usable, record.notes) == (("mailto:d@e.org",), "1:d:s", True, ())


def test_parse_record_fills_in_defaults() -> None:
    record = parse(b"v=DMARC1")
    assert (record.p, record.sp, record.np, record.psd, record.fo) == (NONE, None, None, "u", "0")
    assert (record.strict_dkim, record.strict_spf, record.testing, record.usable) == (
        False,
        False,
        False,
        True,
    )


@pytest.mark.parametrize(
    ("tags", "usable", "p", "note"),
    [
        ("p=reject; pct=50", True, REJECT, "pct= was removed by RFC 9989 and is ignored"),
        ("p=reject; rf=afrf; ri=86400", True, REJECT, "ri= was removed by RFC 9989 and is ignored"),
        ("p=reject; x=y", True, REJECT, "x= is unknown and is ignored"),
        ("p=reject; p=none", True, REJECT, "p= stands again and is ignored there"),
        ("p=reject; adkim=x", True, REJECT, "adkim=x is malformed, r is taken"),
        ("p=reject; t=1", True, REJECT, "t=1 is malformed, n is taken"),
        ("p=reject; psd=yes", True, REJECT, "psd=yes is malformed, u is taken"),
        ("p=reject; fo=2", True, REJECT, "fo=2 is malformed, 0 is taken"),
        ("p=reject; fo=0:1", True, REJECT, "fo=0:1 is malformed, 0 is taken"),
        ("p=reject; fo=d:d", True, REJECT, "fo=d:d is malformed, 0 is taken"),
        ("p=reject; fo=D:s:1", True, REJECT, None),
        ("p=reject; rua=nobody", True, REJECT, "rua= holds what is no URI, ignored"),
        ("p=reject; rubbish", True, REJECT, "octet 19: not-a-tag, ignored"),
        ("p=rejected", False, NONE, "p= malformed: the record has no effect"),
        ("p=rejected; rua=mailto:a@b.org", True, NONE, "p= malformed: taken as p=none"),
        ("p=reject; sp=x; np=y", False, NONE, "sp=, np= malformed: the record has no effect"),
        ("p=reject; sp=x; rua=mailto:a@b.org", True, NONE, "sp= malformed: taken as p=none"),
        ("p=reject; np=; rua=x", False, NONE, "np= malformed: the record has no effect"),
        ("rua=mailto:a@b.org", True, NONE, None),
        ("sp=reject", True, NONE, None),
    ],
)
def test_parse_record_ignores_what_is_malformed(tags: str, usable: bool, p: Policy, note: str | None) -> None:
    record = parse(f"v=DMARC1; {tags}".encode())
    assert (record.usable, record.p) == (usable, p)
    assert note in record.notes if note else record.notes == ()


@given(
    st.binary(max_size=80) | st.text(st.sampled_from("psnv=;: rejctuamilo!,\\"), max_size=60).map(str.encode)
)
def test_parse_record_raises_nothing_else(data: bytes) -> None:
    for text in (data, b"v=DMARC1;" + data):
        try:
            record = parse(text)
        except RecordError:
            assert not is_record(text)
        else:
            assert record.psd in "uyn"


# The tree walk


def test_walk_names_of_the_example() -> None:
    assert walk_names("a.b.c.d.e.f.g.h.i.j.mail.example.com") == [
        "a.b.c.d.e.f.g.h.i.j.mail.example.com",
        "g.h.i.j.mail.example.com",
        "h.i.j.mail.example.com",
        "i.j.mail.example.com",
        "j.mail.example.com",
        "mail.example.com",
        "example.com",
        "com",
    ]


@pytest.mark.parametrize("labels", range(1, 20))
def test_walk_names_are_eight_at_most(labels: int) -> None:
    names = walk_names(".".join(f"l{number}" for number in range(labels)))
    assert len(names) == min(labels, 8)
    assert [name.count(".") + 1 for name in names] == [labels, *range(min(labels, 8) - 1, 0, -1)]


@pytest.mark.parametrize(
    ("start", "records", "expected"),
    [
        ("a.mail.example.com", {"mail_example_com": "p=none", "example_com": "p=none"}, "example.com"),
        ("a.mail.example.com", {"mail_example_com": "psd=n", "example_com": "p=none"}, "mail.example.com"),
        ("a.mail.example.com", {"com": "psd=y"}, "example.com"),
        ("a.mail.example.com", {"example_com": "psd=y"}, "mail.example.com"),
        ("a.mail.example.com", {"a_mail_example_com": "p=none"}, "a.mail.example.com"),
        ("a.mail.example.com", {"com": "p=none"}, "com"),
        ("example.com", {"example_com": "psd=y", "com": "p=none"}, "example.com"),
        ("mail.example.com", {"mail_example_com": "psd=n", "com": "psd=y"}, "mail.example.com"),
        ("mail.example.com", {"mail_example_com": "psd=u", "com": "psd=y"}, "example.com"),
        (
            "a.mail.example.com",
            {"mail_example_com": "txt:v=DMARC1\ntxt:v=DMARC1", "com": "psd=y"},
            "example.com",
        ),
        ("a.b.c.d.e.f.g.h.i.com", {"e_f_g_h_i_com": "psd=n", "i_com": "p=none"}, "e.f.g.h.i.com"),
        ("a.b.c.d.e.f.g.h.i.com", {"b_c_d_e_f_g_h_i_com": "psd=n", "i_com": "p=none"}, "i.com"),
    ],
)
def test_organizational_domain(start: str, records: dict[str, str], expected: str) -> None:
    assert judged(zone(**records), start).organizational_domain == expected


def test_judge_sends_the_queries_of_a_walk_together_and_eight_of_them() -> None:
    resolver = CountingResolver(zone(com="psd=y"))
    judge("a.b.c.d.e.f.g.h.i.com", Identifiers(), resolver=resolver)
    assert [len(asked) for asked in resolver.asked] == [8]
    assert resolver.asked[0][0] == "_dmarc.a.b.c.d.e.f.g.h.i.com"
    assert resolver.asked[0][-1] == "_dmarc.com"


def test_judge_asks_nothing_for_a_domain_that_cannot_be_aligned() -> None:
    resolver = CountingResolver(zone(example_com="p=none"))
    judge("example.com", Identifiers("other.test", ("x.test", "badexample.com")), resolver=resolver)
    assert resolver.asked == [["_dmarc.example.com", "_dmarc.com"]]


APPENDIX = [
    ("example.com", "example.com", "signing.example.com", "example.com", "example.com", (True, True)),
    (
        "a.b.c.d.e.f.g.h.i.j.k.example.com",
        "example.com",
        "signing.example.com",
        "example.com",
        "example.com",
        (True, True),
    ),
    (
        "giant.bank.example",
        "mail.giant.bank.example",
        "mail.mega.bank.example",
        "giant.bank.example",
        "giant.bank.example",
        (True, False),
    ),
]


@pytest.mark.parametrize(("author", "by_spf", "by_dkim", "organizational", "policy_at", "aligned"), APPENDIX)
def test_judge_the_examples_of_appendix_b_4(
    author: str, by_spf: str, by_dkim: str, organizational: str, policy_at: str, aligned: tuple[bool, bool]
) -> None:
    records = {"example_com": "p=reject", "signing_example_com": "p=none", "giant_bank_example": "p=reject"}
    texts = zone(**records, bank_example="p=none; psd=y")
    verdict = judged(texts, author, spf=by_spf, dkim=(by_dkim,))
    assert (verdict.status, verdict.organizational_domain) == (Status.PASS, organizational)
    assert (verdict.record_domain, verdict.spf_aligned, verdict.dkim_aligned) == (policy_at, *aligned)
    alone = judged(texts, author, dkim=(by_dkim,))
    assert alone.status is (Status.PASS if aligned[1] else Status.FAIL)


# Policies


@pytest.mark.parametrize(
    ("author", "records", "policy", "record_domain"),
    [
        ("example.com", {"example_com": "p=reject; sp=none; np=none"}, REJECT, "example.com"),
        ("a.example.com", {"example_com": "p=reject"}, REJECT, "example.com"),
        ("a.example.com", {"example_com": "p=reject; sp=quarantine"}, QUARANTINE, "example.com"),
        ("a.example.com", {"example_com": "p=reject; np=none"}, REJECT, "example.com"),
        ("a.example.com", {"a_example_com": "p=none", "example_com": "p=reject"}, NONE, "a.example.com"),
        ("gone.example.com", {"example_com": "p=reject; sp=quarantine; np=none"}, NONE, "example.com"),
        ("gone.example.com", {"example_com": "p=none; sp=quarantine"}, QUARANTINE, "example.com"),
        ("gone.example.com", {"example_com": "p=none; np=reject"}, REJECT, "example.com"),
        ("b.a.example.com", {"a_example_com": "p=none", "example_com": "p=reject"}, REJECT, "example.com"),
        (
            "b.a.example.com",
            {"a_example_com": "p=none; psd=n", "example_com": "p=reject"},
            NONE,
            "a.example.com",
        ),
        ("a.example.com", {"com": "p=reject; sp=quarantine; psd=y"}, QUARANTINE, "com"),
        ("a.example.com", {"com": "p=reject; psd=y", "example_com": "p=none"}, NONE, "example.com"),
        ("example.com", {"com": "p=reject; psd=y; np=none"}, REJECT, "com"),
        ("com", {"com": "p=reject; psd=y; sp=none"}, REJECT, "com"),
    ],
)
def test_judge_chooses_the_policy(
    author: str, records: dict[str, str], policy: Policy, record_domain: str
) -> None:
    existing = {"a.example.com": "a:192.0.2.1", "b.a.example.com": "nodata", "example.com": "mx:x.test:10"}
    verdict = judged({**existing, **zone(**records)}, author)
    assert (verdict.status, verdict.policy, verdict.record_domain) == (Status.FAIL, policy, record_domain)
    assert verdict.disposition is policy


@pytest.mark.parametrize(
    ("tags", "policy", "disposition"),
    [
        ("p=reject; t=y", REJECT, QUARANTINE),
        ("p=quarantine; t=y", QUARANTINE, NONE),
        ("p=none; t=y", NONE, NONE),
        ("p=reject; t=n", REJECT, REJECT),
        ("p=reject; t=x", REJECT, REJECT),
        ("p=reject; pct=0", REJECT, REJECT),
        ("p=bad; rua=mailto:a@b.org", NONE, NONE),
    ],
)
def test_judge_lowers_the_policy_in_test_mode(tags: str, policy: Policy, disposition: Policy) -> None:
    verdict = judged(zone(example_com=tags))
    assert (verdict.status, verdict.policy, verdict.disposition) == (Status.FAIL, policy, disposition)
    assert judged(zone(example_com=tags), spf="example.com").disposition is NONE


@pytest.mark.parametrize(
    ("texts", "status"),
    [
        ({}, Status.NONE),
        (zone(example_com="txt:spf"), Status.NONE),
        (zone(example_com="txt:v=DMARC1; p=none\ntxt:v=DMARC1; p=reject"), Status.NONE),
        (zone(example_com="txt:v=DMARC1; p=none\ntxt:other"), Status.FAIL),
        (zone(example_com="p=bad"), Status.PERMERROR),
        (zone(example_com="servfail"), Status.TEMPERROR),
        (zone(example_com="timeout"), Status.TEMPERROR),
        (zone(com="timeout"), Status.TEMPERROR),
        (zone(example_com="p=none", com="timeout"), Status.FAIL),
    ],
)
def test_judge_without_a_usable_record(texts: dict[str, str], status: Status) -> None:
    verdict = judged(texts)
    assert verdict.status is status
    assert verdict.reason


def test_judge_notes_several_records() -> None:
    verdict = judged(zone(example_com="txt:v=DMARC1; p=none\ntxt:v=DMARC1; p=reject"))
    assert verdict.notes == ("example.com has 2 DMARC records, which count as none",)


# Alignment


@pytest.mark.parametrize(
    ("author", "identifier", "records", "relaxed", "strict"),
    [
        ("example.com", "example.com", {"example_com": ""}, True, True),
        ("news.example.com", "example.com", {"example_com": ""}, True, False),
        ("example.com", "news.example.com", {"example_com": ""}, True, False),
        ("news.example.com", "foo.example.com", {"example_com": ""}, True, False),
        ("news.example.com", "foo.example.net", {"example_com": "", "example_net": ""}, False, False),
        ("example.com", "notexample.com", {"example_com": ""}, False, False),
        ("example.com", "com", {"example_com": ""}, False, False),
        ("a.example.com", "b.example.com", {"a_example_com": ""}, False, False),
        ("a.example.com", "b.example.com", {"a_example_com": "psd=n;", "example_com": ""}, False, False),
        ("a.example.com", "b.example.com", {"b_example_com": "psd=n;", "example_com": ""}, False, False),
        ("a.example.com", "b.example.com", {"example_com": "psd=y;"}, False, False),
        ("a.example.com", "b.a.example.com", {"example_com": "psd=y;", "a_example_com": ""}, True, False),
        ("evil.example.com", "mail.example.com", {"mail_example_com": "", "example_com": ""}, True, False),
        ("example.com", "x.example.com", {"com": "psd=y;", "example_com": ""}, True, False),
        ("example.com", "other.com", {"com": "psd=y;", "example_com": ""}, False, False),
        ("example.com", "other.com", {"com": "", "example_com": ""}, True, False),
        ("example.com", "other.com", {"com": "", "example_com": "psd=n;"}, False, False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["spf", "dkim"])
def test_judge_aligns(
    author: str, identifier: str, records: dict[str, str], relaxed: bool, strict: bool, method: str
) -> None:
    found = {"spf": identifier} if method == "spf" else {"dkim": ("unrelated.test", identifier)}
    for mode, expected in (("r", relaxed), ("s", strict)):
        texts = zone(
            **{name: f"{tags} p=reject; adkim={mode}; aspf={mode}" for name, tags in records.items()}
        )
        verdict = judged(texts, author, **found)
        aligned = verdict.spf_aligned if method == "spf" else verdict.dkim_aligned
        assert (aligned, verdict.status is Status.PASS) == (expected, expected)


def test_judge_holds_each_method_to_its_own_mode() -> None:
    texts = zone(example_com="p=reject; adkim=s")
    assert judged(texts, dkim=("a.example.com",)).status is Status.FAIL
    assert judged(texts, spf="a.example.com").status is Status.PASS
    assert (
        judged(texts, spf="a.example.com", dkim=("example.com",)).reason
        == "DKIM of example.com is aligned with example.com"
    )


def test_judge_says_why_it_fails() -> None:
    texts = zone(example_com="p=reject")
    assert judged(texts).reason == "neither SPF nor DKIM passed"
    reason = judged(texts, spf="a.test", dkim=("b.test",)).reason
    assert reason == "DKIM of b.test, SPF of a.test passed, not aligned with example.com"


def test_judge_is_unsettled_when_an_aligned_method_is() -> None:
    texts = zone(example_com="p=reject")
    for found in ({"unsettled_spf": "example.com"}, {"unsettled_dkim": ("b.test", "a.example.com")}):
        assert judged(texts, **found).status is Status.TEMPERROR
        assert judged(texts, spf="example.com", **found).status is Status.PASS
        assert judged(zone(example_com="p=reject"), "example.com", **found).policy is REJECT


@pytest.mark.parametrize("tags", ["p=reject", "p=reject; adkim=s; aspf=s"])
def test_judge_fails_whatever_becomes_of_a_stranger_that_is_unsettled(tags: str) -> None:
    """A domain of the sender's own that does not answer must not turn a fail into a try-again."""
    texts = zone(example_com=tags)
    stranger = "a.example.com" if "adkim" in tags else "evil.test"
    verdict = judged(texts, unsettled_spf=stranger, unsettled_dkim=(stranger,))
    assert (verdict.status, verdict.disposition) == (Status.FAIL, REJECT)


@pytest.mark.parametrize("outcome", ["servfail", "timeout"])
def test_judge_is_unsettled_when_np_depends_on_a_name_that_does_not_answer(outcome: str) -> None:
    texts = zone(example_com="p=none; sp=none; np=reject") | {"a.example.com": outcome}
    verdict = judged(texts, "a.example.com")
    assert (verdict.status, verdict.disposition) == (Status.TEMPERROR, NONE)
    assert "does a.example.com exist?" in verdict.reason
    assert judged(texts, "a.example.com", spf="example.com").status is Status.PASS
    same = zone(example_com="p=none; sp=reject; np=reject") | {"a.example.com": outcome}
    assert judged(same, "a.example.com").status is Status.FAIL


def test_identifiers_tell_what_passed_from_what_may_yet() -> None:
    blank = next(iter(header.parse(b"DKIM-Signature: x\n")))

    def result(status: DKIMStatus, domain: str | None) -> dkim.Result:
        return dkim.Result(
            status, "", dkim_signature.parse(b"d=" + domain.encode() if domain else b""), blank
        )

    found = dmarc.identifiers(
        None,
        [
            result(DKIMStatus.PASS, "A.example."),
            result(DKIMStatus.PASS, "a.example"),
            result(DKIMStatus.TEMPERROR, "b.example"),
            result(DKIMStatus.FAIL, "c.example"),
            result(DKIMStatus.TEMPERROR, None),
        ],
    )
    assert found == Identifiers(dkim=("a.example",), unsettled_dkim=("b.example",))


def test_judge_needs_no_organizational_domain_for_an_identical_one() -> None:
    texts = zone(a_example_com="p=reject", com="timeout")
    assert judged(texts, "a.example.com", spf="a.example.com").status is Status.PASS
    assert judged(texts, "a.example.com", spf="example.com").status is Status.TEMPERROR


# Messages


def verified(text: str, texts: dict[str, str], **found: object) -> Verdict:
    block = header.parse(text.encode("utf-8", "surrogateescape"))
    return dmarc.verify(block, Identifiers(**found), resolver=StaticResolver(texts))  # type: ignore[arg-type]


ZONE = zone(
    **{
        "good_test": "p=none",
        "evil_test": "p=reject",
        "mid_test": "p=quarantine",
        "xn--mller-kva_test": "p=reject",
    }
)


@pytest.mark.parametrize(
    ("text", "status", "author", "disposition"),
    [
        ("From: a@good.test\n\n", Status.PASS, "good.test", NONE),
        ("From: a@good.test.\n\n", Status.PASS, "good.test", NONE),
        ("From: a@Good.Test\n\n", Status.PASS, "good.test", NONE),
        ("FROM : a@good.test\n\n", Status.PASS, "good.test", NONE),
        ("From: a@good.test <b@evil.test>\n\n", Status.FAIL, "evil.test", REJECT),
        ("From: \"a@good.test\" <b@evil.test>\n\n", Status.FAIL, "evil.test", REJECT),
        ("From: =?utf-8?q?a=40good.test?= <b@evil.test>\n\n", Status.FAIL, "evil.test", REJECT),
        ("From: a@good.test, b@evil.test\n\n", Status.FAIL, "evil.test", REJECT),
        ("From: b@mid.test, a@good.test, c@evil.test\n\n", Status.FAIL, "evil.test", REJECT),
        ("From: b@mid.test, a@good.test\n\n", Status.FAIL, "mid.test", QUARANTINE),
        ("From: a@good.test\nFrom: b@evil.test\n\n", Status.FAIL, "evil.test", REJECT),
        ("From: b@evil.test\nX: y\nFrom: a@good.test\n\n", Status.FAIL, "evil.test", REJECT),
        ("From: a@good.test, b@GOOD.test\n\n", Status.PASS, "good.test", NONE),
        ("From: a@good.test, b@none.test\n\n", Status.NONE, "none.test", NONE),
        ("From: a@good(evil.test).test\n\n", Status.PASS, "good.test", NONE),
        ("From: a@müller.test\n\n", Status.FAIL, "xn--mller-kva.test", REJECT),
        ("From: a@none.test\n\n", Status.NONE, "none.test", NONE),
        ("Subject: x\n\n", Status.PERMERROR, None, NONE),
        ("From:\n\n", Status.PERMERROR, None, NONE),
        ("From: Group: a@good.test;\n\n", Status.PERMERROR, None, NONE),
        ("From: Group:;, a@good.test\n\n", Status.PERMERROR, None, NONE),
        ("From: undisclosed\n\n", Status.PERMERROR, None, NONE),
        ("From: a@good.test, junk\n\n", Status.PERMERROR, None, NONE),
        ("From: a@[192.0.2.1]\n\n", Status.PERMERROR, None, NONE),
        ("From: <>\n\n", Status.PERMERROR, None, NONE),
        ("From: a@good(x)evil.test\n\n", Status.PERMERROR, None, NONE),
        ("From: a@good.test (x) .evil\n\n", Status.NONE, "good.test.evil", NONE),
        ("From: <a@good.test> evil.test\n\n", Status.PERMERROR, None, NONE),
        ("From: a@good..test\n\n", Status.PERMERROR, None, NONE),
        ("From: a@good.test..\n\n", Status.PERMERROR, None, NONE),
        ("From: a@good.test\xa0.none.test\n\n", Status.PERMERROR, None, NONE),
        ("From: a@good\u2024test\n\n", Status.PERMERROR, None, NONE),
        ("From: a@good.test/none\n\n", Status.PERMERROR, None, NONE),
        ("From: a@\u212aood.test\n\n", Status.NONE, "kood.test", NONE),
        ("From: <@good.test:b@evil.test>\n\n", Status.FAIL, "evil.test", REJECT),
        ("From: a@good.test @evil.test\n\n", Status.PERMERROR, None, NONE),
        ("From: \"a\"@good.test@evil.test\n\n", Status.PERMERROR, None, NONE),
        ("From: a@good.test;b@evil.test\n\n", Status.FAIL, "evil.test", REJECT),
        ("From: <a@good.test><b@evil.test>\n\n", Status.FAIL, "evil.test", REJECT),
        ("From: a@good.test\n From: b@evil.test\n\n", Status.FAIL, "evil.test", REJECT),
        ("From: a@good.test\nFrom\t: b@evil.test\n\n", Status.FAIL, "evil.test", REJECT),
        ("From: a@good.test\r b@evil.test\n\n", Status.FAIL, "evil.test", REJECT),
        ("", Status.PERMERROR, None, NONE),
    ],
)  # fmt: skip
def test_verify_judges_every_author(
    text: str, status: Status, author: str | None, disposition: Policy
) -> None:
    verdict = verified(text, ZONE, dkim=("good.test",))
    assert (verdict.status, verdict.author_domain, verdict.disposition) == (status, author, disposition)


def test_verify_notes_several_authors_and_ends_at_ten() -> None:
    verdict = verified("From: a@good.test, b@evil.test\n\n", ZONE)
    assert verdict.notes == ("From names 2 domains: good.test, evil.test",)
    many = ", ".join(f"a@n{number}.test" for number in range(11))
    assert verified(f"From: {many}\n\n", ZONE).status is Status.PERMERROR


# RFC 7489


LIST = b"com\nnet\nco.uk\n"


@pytest.mark.parametrize(
    ("author", "records", "identifier", "status", "policy"),
    [
        (
            "a.b.example.com",
            {"example_com": "p=reject; sp=quarantine"},
            "x.example.com",
            Status.PASS,
            QUARANTINE,
        ),
        ("a.b.example.com", {"b_example_com": "p=reject"}, None, Status.NONE, None),
        ("a.example.com", {"com": "p=reject"}, None, Status.NONE, None),
        ("example.co.uk", {"example_co_uk": "p=reject"}, "other.co.uk", Status.FAIL, REJECT),
        ("a.example.com", {"a_example_com": "p=reject; psd=n"}, "b.example.com", Status.PASS, REJECT),
        ("a.example.com", {"example_com": "p=reject; np=none; t=y"}, None, Status.FAIL, REJECT),
        ("a.example.com", {"example_com": "servfail"}, None, Status.TEMPERROR, None),
    ],
)
def test_judge_by_rfc_7489(
    author: str, records: dict[str, str], identifier: str | None, status: Status, policy: Policy | None
) -> None:
    resolver = StaticResolver(zone(**records))
    verdict = judge(author, Identifiers(identifier), resolver=resolver, suffixes=psl.parse(LIST))
    assert (verdict.status, verdict.policy) == (status, policy)
    assert verdict.disposition is (policy if status is Status.FAIL and policy else NONE)


# Laws

labels = st.sampled_from(["a", "b", "com", "uk", "co"])
names = st.lists(labels, min_size=1, max_size=10).map(".".join)
texts = st.dictionaries(
    names.map(lambda name: f"_dmarc.{name}"),
    st.sampled_from(
        ["txt:v=DMARC1; p=reject", "txt:v=DMARC1; psd=y", "txt:v=DMARC1; psd=n; p=none", "timeout", "txt:x"]
    ),
)


@given(texts, names, names, st.booleans())
def test_judge_of_anything(zone_texts: dict[str, str], author: str, identifier: str, listed: bool) -> None:
    resolver = CountingResolver(zone_texts)
    suffixes = psl.parse(LIST) if listed else None
    verdict = judge(author, Identifiers(identifier), resolver=resolver, suffixes=suffixes)
    assert (verdict.status is Status.PASS) == (verdict.spf_aligned or verdict.dkim_aligned)
    assert verdict.disposition is NONE or verdict.status is Status.FAIL
    organizational = verdict.organizational_domain
    assert organizational is None or author == organizational or author.endswith(f".{organizational}")
    asked = [name for batch in resolver.asked for name in batch if name.startswith("_dmarc.")]
    assert len(asked) == len(set(asked)) <= 16
