"""Any octets as an address field, and as the address of an option."""

from blaze.core.errors import BlazeError, DataError
from blaze.core.mail.address import Mailbox, parse_list, parse_mailbox, to_ascii_domain, to_unicode_domain


def fuzz_address(data: bytes) -> None:
    """Every complete address that can be printed is read back as it was."""
    found = parse_list(data)
    assert all(0 <= offset <= len(data) for _, offset in found.defects)
    printable = []
    for mailbox in found.mailboxes:
        try:
            mailbox.to_bytes()
        except DataError:
            continue
        printable.append(Mailbox(*mailbox[:3]))
    printed = b", ".join(mailbox.to_bytes() for mailbox in printable)
    again = parse_list(printed).mailboxes
    assert list(map(_octets, again)) == list(map(_octets, printable))
    _check_domains(data)


def _octets(mailbox: Mailbox) -> list[bytes]:
    """The parts in octets: two halves of a UTF-8 sequence may stand beside each other in the text."""
    return [(part or "").encode("utf-8", "surrogateescape") for part in mailbox]


def _check_domains(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    to_unicode_domain(text)
    try:
        to_ascii_domain(text)
        mailbox = parse_mailbox(text)
    except BlazeError:
        return
    assert parse_mailbox(str(mailbox)) == mailbox._replace(comment=None)
