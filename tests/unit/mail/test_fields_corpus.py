"""Addresses, dates, identifiers and Received fields of 3,023 real messages, beside the stdlib."""

import email.utils
import inspect
from collections import Counter
from datetime import UTC, datetime

import pytest

from blaze.core.mail import date as dates, received
from blaze.core.mail.address import Mailbox, parse_list
from blaze.core.mail.header import Header, parse as parse_header
from blaze.core.mail.ids import parse_message_ids

pytestmark = pytest.mark.corpus

ADDRESS_FIELDS = (b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc")
LENIENT = {"strict": False} if "strict" in inspect.signature(email.utils.getaddresses).parameters else {}


@pytest.fixture(scope="module")
def headers(corpus: list[bytes]) -> list[Header]:
    return [parse_header(message) for message in corpus]


def values(headers: list[Header], *names: bytes) -> list[bytes]:
    return [field.raw for header in headers for name in names for field in header.get_all(name)]


def peer_addresses(value: bytes) -> list[str]:
    text = value.decode("utf-8", "surrogateescape")
    return [address for _, address in email.utils.getaddresses([text], **LENIENT) if address]


def test_addresses_agree_with_the_stdlib_but_for_41_fields(headers: list[Header]) -> None:
    """The rest are quoted otherwise (``"a b"@c``), or no address: an unquoted comma, colon or second `@`."""
    fields = values(headers, *ADDRESS_FIELDS)
    assert len(fields) == 9793
    differing = []
    for value in fields:
        found = parse_list(value)
        ours = [member.mailbox.addr_spec for member in found.iter_members() if member.mailbox.addr_spec]
        if sorted(ours) != sorted(peer_addresses(value)):
            differing.append(found)
    assert len(differing) <= 41
    without_defect = [found for found in differing if not found.defects]
    assert [str(found) for found in without_defect] == ["peter@netnoteinc.com, weou345@msn.com"]  # "peter"@


def test_addresses_have_few_defects(headers: list[Header]) -> None:
    fields = values(headers, *ADDRESS_FIELDS)
    faulty = Counter(defect.name for value in fields for defect in parse_list(value).defects)
    assert sum(faulty.values()) < 70  # of 9,793 fields
    assert faulty["space-in-local-part"] == 16  # <Undisclosed Recipients@host>


def test_addresses_are_read_back(headers: list[Header]) -> None:
    for value in values(headers, *ADDRESS_FIELDS):
        found = [Mailbox(*mailbox[:3]) for mailbox in parse_list(value).mailboxes]
        assert parse_list(b", ".join(mailbox.to_bytes() for mailbox in found)).mailboxes == found


def peer_date(value: bytes) -> datetime | None:
    try:
        date = email.utils.parsedate_to_datetime(value.decode("latin-1"))
    except (TypeError, ValueError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def test_dates_agree_with_the_stdlib_but_for_12(headers: list[Header]) -> None:
    """The stdlib drops PM and the offset in ``GMT+1``, and takes ``0530`` without a sign for ``+0530``."""
    fields = values(headers, b"date")
    assert len(fields) == 3023
    differing: Counter[str] = Counter()
    for value in fields:
        date = dates.parse(value)
        assert date is not None
        if date.datetime != peer_date(value):
            differing.update(defect.name for defect in date.defects)
    assert differing == {
        "date-syntax": 8,  # AM and PM
        "obsolete-year": 7,
        "missing-zone": 7,
        "zone-syntax": 4,
    }


def test_nearly_all_dates_are_without_defect(headers: list[Header]) -> None:
    found = [dates.parse(value) for value in values(headers, b"date")]
    assert sum(date is not None and not date.defects for date in found) == 2905


def test_every_message_id_is_read(headers: list[Header]) -> None:
    counts = Counter(len(parse_message_ids(value)) for value in values(headers, b"message-id"))
    assert counts == {1: 3018, 0: 5}  # four times of day, and <>
    replies = [parse_message_ids(value) for value in values(headers, b"in-reply-to", b"references")]
    assert sum(map(len, replies)) == 2489
    assert all("@" in identifier for ids in replies for identifier in ids if not identifier.isdecimal())


def test_received_fields_name_the_hop(headers: list[Header]) -> None:
    hops = [received.parse(value) for value in values(headers, b"received")]
    assert len(hops) == 16311
    assert sum(hop.date is not None for hop in hops) == 16278  # 4 have none, 29 name no month
    assert sum(hop.by is not None for hop in hops) == 15755  # qmail names no host
    assert sum(hop.from_ip is not None for hop in hops) >= 14500  # of 14,874 with a from clause
    assert sum(hop.tls is not None for hop in hops) == 206
    assert sum(bool(hop.defects) for hop in hops) < 60
