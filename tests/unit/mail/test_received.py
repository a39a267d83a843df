import json
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from blaze.core.errors import DataError
from blaze.core.mail import received
from blaze.core.mail.received import TLS, Received

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "data" / "received" / "fields.json").read_text("ascii")
)
assert len(CASES) > 30

WHEN = datetime(2017, 3, 30, 15, 0, tzinfo=timezone(timedelta(hours=2)))


def plain(hop: Received) -> dict[str, Any]:
    """A hop as the data file writes it: without what is None."""
    found: dict[str, Any] = {
        key: getattr(hop, key) for key in ("from_", "from_ip", "helo", "by", "for_", "with_", "via", "id")
    }
    found["tls"] = [hop.tls.version, hop.tls.cipher] if hop.tls else None
    found["date"] = hop.date.datetime.isoformat() if hop.date else None
    found["defects"] = [defect.name for defect in hop.defects] or None
    return {key: value for key, value in found.items() if value is not None}


@pytest.mark.parametrize("case", CASES, ids=lambda case: ascii(case["value"])[:90])
@pytest.mark.parametrize("fold", [" ", "\n\t", "\r\n        "])
def test_parse(case: dict[str, Any], fold: str) -> None:
    if '"' in case["value"] and fold != " ":
        pytest.skip("white space in a quoted string has a meaning")
    expected = {key: value for key, value in case.items() if key != "value"}
    assert plain(received.parse(case["value"].replace("\r\n\t", " ").replace(" ", fold).encode())) == expected


@pytest.mark.parametrize(
    "unit",
    [
        "(",
        "()",
        '"',
        '\\"',
        "a",
        "a ",
        'a"',
        '"a"',
        "from ",
        "[1] ",
        ";",
        "<",
        "from a (x) ",
        "(helo=",
        "TLS1.3 ",
        "(TLS1.3) ",
        "for a@b,",
        "id ",
        "(helo ",
    ],
)
def test_parse_takes_linear_time(unit: str) -> None:
    value = (unit * ((1 << 18) // len(unit))).encode()
    for text in (value, b"from a (" + value + b") by b; x", b"from a by b for " + value):
        start = time.process_time()
        received.parse(text)
        assert time.process_time() - start < 3  # a quadratic step takes far longer


NAMES = st.from_regex(r"\A[a-z0-9-]{1,9}(\.[a-z0-9é-]{1,9}){0,2}\Z").filter(
    lambda name: name not in {"from", "by", "via", "with", "id", "for", "tls", "unknown"}
)
EPOCH, LATEST = datetime(1970, 1, 1), datetime(2100, 1, 1)  # noqa: DTZ001 - hypothesis adds the zone
DATES = st.datetimes(EPOCH, LATEST, timezones=st.just(UTC)).map(lambda date: date.replace(microsecond=0))


@given(
    from_=st.none() | NAMES,
    address=st.none() | st.ip_addresses().map(str),
    by=NAMES,
    with_=st.none() | st.sampled_from(["ESMTP", "ESMTPSA", "LMTP", "UTF8SMTPS"]),
    identifier=st.none()
    | st.from_regex(r"\A[A-Za-z0-9.-]{3,20}\Z").filter(lambda text: text.lower() != "tls"),
    recipient=st.none() | st.sampled_from(["a@b", '"a b"@c', "root", "é@é.example", "a@[192.0.2.1]"]),
    date=DATES,
    newline=st.sampled_from([b"\n", b"\r\n"]),
)
def test_parse_undoes_build(
    from_: str | None,
    address: str | None,
    by: str,
    with_: str | None,
    identifier: str | None,
    recipient: str | None,
    date: datetime,
    newline: bytes,
) -> None:
    value = received.build(
        from_=from_,
        from_ip=address,
        by=by,
        with_=with_,
        id=identifier,
        for_=recipient,
        date=date,
        newline=newline,
    )
    hop = received.parse(value)
    assert hop.defects == ()
    assert hop.from_ == from_ or (from_ is None and (hop.from_ or "[").startswith("["))
    assert (hop.from_ip is None) is (address is None)
    assert (hop.by, hop.with_, hop.id, hop.for_) == (by, with_, identifier, recipient)
    assert hop.date is not None and hop.date.datetime == date
    assert all(len(line) < 78 for line in value.splitlines())


def test_build_writes_a_clause_a_line() -> None:
    value = received.build(
        from_="client.example",
        from_ip="2001:DB8::1",
        by="mx.example.org",
        with_="ESMTPS",
        id="4ABC",
        for_="ann@example.org",
        date=WHEN,
    )
    assert value == (
        b"from client.example ([IPv6:2001:db8::1])\n by mx.example.org with ESMTPS id 4ABC\n"
        b" for <ann@example.org>;\n Thu, 30 Mar 2017 15:00:00 +0200"
    )
    assert received.build(by="b", date=WHEN, newline=b"\r\n") == b"by b;\r\n Thu, 30 Mar 2017 15:00:00 +0200"


@pytest.mark.parametrize(
    "bad", ["", "a b", "a\r\nX: y", "a\0", "a\x7f", "a;b", "a(b)", 'a"', "from", "By", "\udcff"]
)
@pytest.mark.parametrize("keyword", ["from_", "by", "with_", "id", "for_", "from_ip"])
def test_build_refuses(keyword: str, bad: str) -> None:
    if keyword == "for_" and bad.lower() in ("from", "by"):
        pytest.skip("a local-part may be any word")
    with pytest.raises(DataError):
        received.build(**{"by": "b", "date": WHEN} | {keyword: bad})  # type: ignore[arg-type]


def test_tls_is_a_value() -> None:
    hop = received.parse(b"from a by b with esmtps (TLS1.3) tls TLS_AES_256_GCM_SHA384; x")
    assert hop.tls == TLS("TLSv1.3", "TLS_AES_256_GCM_SHA384")
