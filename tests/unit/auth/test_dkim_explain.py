"""Explanations of failures: each usual change is found, and none is claimed where there is none."""

import base64
import time
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from blaze.core.auth import canon, dkim, keys
from blaze.core.auth.dkim import Options, Signable
from blaze.core.auth.dkim_explain import explain
from blaze.core.auth.keys import KeyType, Record
from tests.support.zone import Zone

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEYS = {"ed25519": keys.generate(KeyType.ED25519), "rsa": keys.generate(KeyType.RSA, 1024)}
KEY = KEYS["ed25519"]
ZONE = {
    f"{selector}._domainkey.example.org": Record(key.public, key.type).to_bytes()
    for selector, key in KEYS.items()
}
MESSAGE = (
    b"From: Ann <ann@example.org>\r\nTo: bob@example.com, eve@example.com\r\nSubject: Dinner\r\n"
    b"Message-ID: <1@example.org>\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: 7bit\r\n\r\nHi,\r\n\r\n.dots\r\n>From here\r\nsee you =\r\n--\r\n\r\nAnn\r\n"
)


def explained(octets: bytes, zone: Zone | None = None) -> str:
    message = Signable(octets)
    results = dkim.verify(message, resolver=zone or Zone(ZONE), now=NOW)
    return "\n".join(explain(message, results)[-1])


def signed(
    octets: bytes = MESSAGE,
    body: canon.Canonicalization = "relaxed",
    *,
    header: canon.Canonicalization = "relaxed",
    selector: str = "ed25519",
) -> bytes:
    options = Options("example.org", selector, header, body, timestamp=1_700_000_000)
    return dkim.sign(Signable(octets), KEYS[selector], options) + octets


BODY_CHANGES = [
    (b"Ann\r\n", b"Ann\r\n-- \r\nlist\r\nfoot\r\n", "without its last 3 lines: a footer"),
    (b"Ann\r\n", b"Ann\r\nfoot\r\n", "without its last line: a footer"),
    (b"\r\n\r\nHi", b"\r\n\r\n[EXTERNAL]\r\n\r\nHi", "without its first 2 lines: a banner"),
    (b"\r\n.dots", b"\r\nA word\r\nfrom us\r\n.dots", "without its lines 3 to 4, added in the middle"),
    (b"\r\n.dots", b"\r\n----\r\n.dots", "without its line 3, added in the middle"),
    (b".dots", b"..dots", "dots that SMTP doubles are made single"),
    (b"\r\n.dots", b"\r\ndots", "No usual change explains the body"),
    (b"\r\n>From", b"\r\n>>From", "the angle brackets before From are taken out"),
    (b"\r\n>From", b"\r\nFrom", "lines that begin with From get an angle bracket"),
    (b"Hi,\r\n", b"Hi,\r\r\n", "its bare CRs are taken out"),
    (b"Hi,", b"Ho,", "No usual change explains the body"),
    (b"Ann\r\n", b"", "No usual change explains the body"),
]


@pytest.mark.parametrize("canonicalization", ["simple", "relaxed"])
@pytest.mark.parametrize(("before", "after", "words"), BODY_CHANGES)
def test_explain_finds_what_changed_the_body(
    before: bytes, after: bytes, words: str, canonicalization: canon.Canonicalization
) -> None:
    octets = signed(body=canonicalization)
    assert octets.count(before) == 1
    assert words in explained(octets.replace(before, after))


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (b"Hi,\r\n", b"Hi,  \r\n", "The body fits when lines end without blanks."),
        (b"Hi,\r\n", b"Hi,\t\r\n", "The body fits when lines end without blanks."),
    ],
)
def test_explain_finds_blanks_in_a_simple_body(before: bytes, after: bytes, words: str) -> None:
    assert words in explained(signed(body="simple").replace(before, after))
    assert "fits" not in explained(signed(body="relaxed").replace(before, after))


def test_explain_finds_the_blank_that_a_signature_delimiter_has_lost() -> None:
    message = MESSAGE.replace(b"\r\n--\r\n", b"\r\n-- \r\n")
    text = explained(signed(message, "simple").replace(b"\r\n-- \r\n", b"\r\n--\r\n"))
    assert "The body fits when lines of two hyphens get their blank back." in text


HEADER_CHANGES = [
    (b"Subject: Dinner", b"Subject: [ann-list] Dinner", "the tag [ann-list] is taken out of the subject"),
    (b"Subject: Dinner", b"Subject: [x]\r\n Dinner", "the tag [x] is taken out of the subject"),
    (b"Subject: Dinner", b"Subject: Re: [x] Dinner", "'Re: [x]' is taken off the front of the subject"),
    (b"Subject: Dinner", b"Subject: ***SPAM*** Dinner", "'***SPAM***' is taken off the front"),
    (b"To: bob", b"Reply-To: list@example.net\r\nTo: bob", "the field Reply-To at octet"),
    (b"Subject: D", b"Subject: other\r\nSubject: D", "the field Subject at octet"),
    (b"From: Ann <", b'From: "Ann" <', "the quotation marks of From are taken out"),
    (b"charset=utf-8", b"charset=UTF-8", "Content-Type says charset=utf-8"),
    (b"charset=utf-8", b'charset="utf-8"', "the quotation marks of Content-Type are taken out"),
    (b"com, eve", b"com,eve", "a blank stands after each comma of To"),
    (b"Encoding: 7bit", b"Encoding: 8bit", "Content-Transfer-Encoding is 7bit"),
    (b"<ann@example.org>\r\n", b"<ann@\r\n example.org>\r\n", "the line ends inside From are taken out"),
    (b"<ann@example.org>\r\n", b"<ann@example.org> (via x)\r\n", "the comments of From are taken out"),
    (
        b"From: Ann <ann@example.org>\r\n",
        b"From: Ann via list <l@example.net>\r\nX-Original-From: Ann <ann@example.org>\r\n",
        "From is what X-Original-From says",
    ),
    (
        b"To: bob@example.com, eve@example.com\r\n",
        b"",
        "h= names at least two more than there are of these: to.",
    ),
    (
        b"Dinner",
        b"Lunch",
        "If a field was taken out, it is one of these, which h= names: cc, date, reply-to, mime-version.",
    ),
    (
        b"Subject: Dinner\r\nMessage",
        b"Subject: [l] Dinner\r\nReply-To: l@example.net\r\nMessage",
        " and the field Reply-To at octet",
    ),
]


@pytest.mark.parametrize("selector", ["rsa", "ed25519"])
@pytest.mark.parametrize("canonicalization", ["simple", "relaxed"])
@pytest.mark.parametrize(("before", "after", "words"), HEADER_CHANGES)
def test_explain_finds_what_changed_the_header(
    before: bytes, after: bytes, words: str, canonicalization: canon.Canonicalization, selector: str
) -> None:
    octets = signed(header=canonicalization, selector=selector)
    assert octets.count(before) == 1
    if b"\r\n Dinner" in after and canonicalization == "simple":
        words = "the subject"  # the first words and their fold, or the tag with it
    assert words in explained(octets.replace(before, after))


@pytest.mark.parametrize("selector", ["rsa", "ed25519"])
def test_explain_finds_all_that_a_mailing_list_does_at_once(selector: str) -> None:
    """The author is rewritten and put into Reply-To, the subject gets a tag, the body a footer."""
    head, body = signed(selector=selector).split(b"\r\n\r\n", 1)
    head = head.replace(b"From: Ann <ann@example.org>", b"From: Ann via l <l@example.net>")
    head = head.replace(b"Dinner", b"[l] Dinner") + b"\r\nReply-To: Ann <ann@example.org>"
    text = explained(head + b"\r\n\r\n" + body + b"____\r\nl mailing list\r\n")
    assert "The body fits without its last 2 lines: a footer was added." in text
    assert (
        "From is what Reply-To says, the tag [l] is taken out of the subject and the field Reply-To at"
        in text
    )


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (b"To: bob@example.com, eve", b"To: bob@example.com,\r\n\teve", "To stands on one line"),
        (b"Subject: Dinner", b"Subject:Dinner", "one blank follows the colon of Subject"),
        (b"Subject: Dinner", b"Subject: Dinner ", "the lines of Subject end without blanks"),
        (b"Message-ID", b"Message-Id", "the name Message-Id is written Message-ID"),
    ],
)
def test_explain_finds_another_layout_of_a_simple_header(before: bytes, after: bytes, words: str) -> None:
    assert words in explained(signed(header="simple").replace(before, after))
    assert "fits" not in explained(signed(header="relaxed").replace(before, after))


def test_explain_finds_a_simple_header_folded_anew() -> None:
    octets = signed(header="simple")
    folded = octets.replace(b"\r\n ", b"\r\n\t", octets.index(b"From:"))
    assert folded != octets
    assert "is folded with one blank" in explained(folded)


def test_explain_tells_a_damaged_header_from_a_wrong_key() -> None:
    right = signed(selector="rsa").replace(b"Dinner", b"Lunch")
    assert "The key is right, so the message was changed after it was signed." in explained(right)
    other = keys.generate(KeyType.RSA, 1024)
    zone = Zone({"rsa._domainkey.example.org": Record(other.public, other.type).to_bytes()})
    text = explained(signed(selector="rsa"), zone)
    assert "b= was not made with this key: it was damaged, or another key signed." in text
    assert "blaze dkim check -p KEY -s rsa -h example.org" in text
    longer = keys.generate(KeyType.RSA, 2048)
    zone = Zone({"rsa._domainkey.example.org": Record(longer.public, longer.type).to_bytes()})
    assert "b= has 128 octets, and this key makes 256" in explained(signed(selector="rsa"), zone)
    body = signed().replace(b"Hi,", b"Ho,")
    assert "The key is right, so the message was changed" in explained(body)


def wrapped(octets: bytes, *parts: bytes) -> bytes:
    field, body = octets.split(b"\r\n\r\n", 1)
    field = field.replace(b"text/plain; charset=utf-8", b'multipart/mixed; boundary="=-x"')
    inside = b"Content-Type: text/plain\r\n\r\n" + body
    joined = b"".join(b"--=-x\r\n" + part + b"\r\n" for part in (inside, *parts))
    return field + b"\r\n\r\n" + joined + b"--=-x--\r\n"


def test_explain_finds_a_message_wrapped_into_a_multipart() -> None:
    text = explained(wrapped(signed(), b"Content-Type: text/plain\r\n\r\nfooter"))
    assert "The body fits when its part 1 stands alone: it was wrapped into a multipart." in text


def test_explain_finds_a_part_added_to_a_multipart() -> None:
    before = wrapped(MESSAGE, b"\r\nsecond")
    after = wrapped(MESSAGE, b"\r\nsecond", *[b"\r\nadded %d" % n for n in range(50)])
    octets = signed(before)
    text = explained(octets.replace(before, wrapped(MESSAGE, b"\r\nsecond", b"\r\nadded")))
    assert "The body fits when its part 3 is left out." in text
    assert "fits" not in explained(octets.replace(before, after))


TEXT = "Grüße aus der Küche, \u2026 und noch eine lange Zeile, die niemand umbrechen will.\r\n".encode()


@pytest.mark.parametrize(
    ("encoding_before", "encoding_after", "words"),
    [
        ("base64", "8bit", "when it is base64 again, in lines of 76 characters"),
        ("quoted-printable", "base64", "when it is quoted-printable again"),
        ("8bit", "quoted-printable", "when its quoted-printable is decoded again"),
        ("8bit", "base64", "when its base64 is decoded again"),
    ],
)
def test_explain_finds_another_transfer_encoding(
    encoding_before: str, encoding_after: str, words: str
) -> None:
    from blaze.core.mail import transfer

    def message(encoding: str) -> bytes:
        body = transfer.encode_bytes(encoding, TEXT * 9, line_end=b"\r\n")
        return MESSAGE.partition(b"\r\n\r\n")[0].replace(b"7bit", encoding.encode()) + b"\r\n\r\n" + body

    octets = signed(message(encoding_before))
    text = explained(octets.replace(message(encoding_before), message(encoding_after)))
    assert f"The body fits {words}" in text
    assert f"The header fits when Content-Transfer-Encoding is {encoding_before}." in text


def test_explain_finds_a_footer_inside_base64() -> None:
    def message(text: bytes) -> bytes:
        body = base64.encodebytes(text).replace(b"\n", b"\r\n")
        return MESSAGE.partition(b"\r\n\r\n")[0].replace(b"7bit", b"base64") + b"\r\n\r\n" + body

    octets = signed(message(TEXT * 9))
    text = explained(octets.replace(message(TEXT * 9), message(TEXT * 9 + b"___\r\nlist\r\n")))
    assert "its text without the last 2 lines is base64 again: a footer was added" in text


def test_explain_finds_another_charset() -> None:
    head = MESSAGE.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    latin = "Grüße\r\n".encode("iso-8859-1")
    text = explained(signed(head + latin).replace(latin, "Grüße\r\n".encode()))
    assert "when its text is iso-8859-1 again, not utf-8" in text


def test_explain_a_body_with_a_length_limit() -> None:
    body = MESSAGE.partition(b"\r\n\r\n")[2]
    digest = base64.b64encode(sha256(canon.canonical_body(body, "relaxed")[:20]).digest())
    emptied = b"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.org; s=ed25519; "
    emptied += b"h=from; l=20; bh=" + digest + b"; b="
    octets = emptied + base64.b64encode(dkim.compute(Signable(MESSAGE), emptied, KEY)) + b"\r\n" + MESSAGE
    text = explained(octets.replace(b"\r\n.dots", b"\r\n..dots"))
    assert "the dots that SMTP doubles are made single again" in text


def test_explain_finds_a_transfer_encoding_added_on_the_way() -> None:
    octets = signed(MESSAGE.replace(b"Content-Transfer-Encoding: 7bit\r\n", b""))
    field, body = octets.split(b"\r\n\r\n", 1)
    encoded = base64.encodebytes(body).replace(b"\n", b"\r\n")
    text = explained(field + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + encoded)
    assert "The body fits when its base64 is decoded again." in text
    assert "the field Content-Transfer-Encoding" in text


def test_explain_a_pass_says_what_was_hashed() -> None:
    text = explained(signed())
    assert "a=ed25519-sha256, c=relaxed/relaxed, key ed25519._domainkey.example.org, 256 bits" in text
    assert "signed 2023-11-14 22:13:20Z" in text
    assert "body: 48 octets, SHA-256 " in text
    assert "fits" not in text


def test_explain_copied_fields_that_differ() -> None:
    emptied = b"DKIM-Signature: v=1; a=ed25519-sha256; d=example.org; s=ed25519; h=from:subject;\r\n"
    emptied += b" z=From:Ann=20<ann@example.org>|Subject:Dinner; bh="
    emptied += base64.b64encode(Signable(MESSAGE).body.digest("simple")) + b"; b="
    field = emptied + base64.b64encode(dkim.compute(Signable(MESSAGE), emptied, KEY)) + b"\r\n"
    assert "The header fits when Subject is as z= copied it." in explained(
        field + MESSAGE.replace(b"Dinner", b"Lunch")
    )
    assert "The header fits when the fields are as z= copied them." in explained(
        field + MESSAGE.replace(b"Dinner", b"Lunch").replace(b"Ann <", b"Bob <")
    )
    assert "z=" not in explained(field + MESSAGE)


def test_explain_a_missing_key_and_a_dns_failure() -> None:
    assert "dig TXT ed25519._domainkey.example.org" in explained(signed(), Zone({}))
    from blaze.core.auth.resolver import Rcode

    assert "Try again later" in explained(signed(), Zone({"ed25519._domainkey.example.org": Rcode.TIMEOUT}))


def test_explain_an_expired_signature() -> None:
    options = Options("example.org", "ed25519", timestamp=1_000, expiration=1_060)
    text = explained(dkim.sign(Signable(MESSAGE), KEY, options) + MESSAGE)
    assert "good until 1970-01-01 00:17:40Z" in text
    assert "If the message came in time, give that time with --now." in text
    assert "publish the key" not in text


@pytest.mark.parametrize("field", [b"x", b"v=1; a=rsa-sha1; d=example.org; s=s; h=from; bh=AAAA; b=AAAA"])
def test_explain_a_field_that_is_broken(field: bytes) -> None:
    assert explained(b"DKIM-Signature: " + field + b"\r\n" + MESSAGE) is not None


def test_explain_does_not_try_changes_on_a_large_body() -> None:
    octets = signed(MESSAGE + b"x" * 70 * 20_000)
    assert "too large to try" in explained(octets + b"\r\nmore\r\n")


@pytest.mark.parametrize(
    "run",
    [
        b" ",
        b"\t \r\n ",
        b"(",
        b"((",
        b";",
        b"; ",
        b"=",
        b"[",
        b'"',
        b">",
        b".",
        b"--=-x ",
        b"\r",
        b"a ",
        b"=?",
    ],
)
def test_explain_takes_linear_time_on_runs_of_one_octet(run: bytes) -> None:
    octets = signed(header="simple", body="simple")
    head = octets.replace(b"Subject: Dinner", b"Subject: Dinner " + run * (40_000 // len(run)) + b"x")
    before = time.process_time()
    explained(head)
    explained(octets.replace(b"Hi,", b"Hi," + run * (900_000 // len(run)) + b"x"))
    assert time.process_time() - before < 8


FORMS: list[tuple[canon.Canonicalization, canon.Canonicalization]] = [
    ("relaxed", "simple"),
    ("simple", "relaxed"),
]


def test_explain_bounds_its_work_on_a_hostile_message() -> None:
    head = b"".join(b'X-%d: a,b;c (d) "e"\r\n\t=?utf-8?q?f?=\r\n' % n for n in range(100))
    body = b"".join(b"..line %d (a) --\r\n" % n for n in range(40_000))
    names = [f"x-{n}" for n in range(100)]
    message = MESSAGE.partition(b"\r\n\r\n")[0] + b"\r\n" + head + b"\r\n" + body
    fields = [
        dkim.sign(
            Signable(message),
            KEYS[selector],
            Options("example.org", selector, header, body_form, [*names, "subject"], timestamp=number),
        )
        for number in range(5)
        for selector in KEYS
        for header, body_form in FORMS
    ]
    changed = Signable(
        b"".join(fields) + message.replace(b"Dinner", b"Lunch").replace(b"line 39", b"line 93")
    )
    results = dkim.verify(changed, resolver=Zone(ZONE), now=NOW)
    assert len(results) == 20
    before = time.process_time()
    texts = explain(changed, results)
    assert time.process_time() - before < 8  # some 1 s here; 20 times as much without the limit
    assert all("explains the body" in "".join(lines) for lines in texts)
    assert all("explains the header" in "".join(lines) for lines in texts)
